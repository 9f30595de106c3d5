"""Terraform, run over a copy of a generated `infrastructure` folder.

Roots are the folders that Terraform is applied from: every folder with .tf files outside modules/. They call modules by
relative paths, so the whole folder is copied, and override files in the copy put aside what a test must not touch:
remote state becomes a local file, and the AWS provider gives up soon on what an emulator does not answer. The
configuration itself is never changed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.clouds.tools import find, needed

PROVIDERS = ("aws", "google", "azurerm")
_STATE = ("terraform.tfstate", "terraform.tfstate.backup", ".terraform", ".terraform.lock.hcl")
_BACKEND = 'terraform {\n  backend "local" {}\n}\n'
_PROVIDER = re.compile(r'^provider\s+"aws"\s*\{(.*?)^\}', re.MULTILINE | re.DOTALL)
_ALIAS = re.compile(r'^\s*alias\s*=\s*"([^"]+)"', re.MULTILINE)
_LIMIT = 900.0
_CHANGES = 2  # the status of a plan that would change something, with -detailed-exitcode


@dataclass(frozen=True, slots=True)
class Problem:
    """One error that Terraform reported. address: of the resource, "" if it is not about one."""

    address: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change that is planned or was made. differences: (attribute, before, after) of an update."""

    action: str
    address: str
    type: str
    differences: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one step in one root. changes: of a plan, what it would do; of an apply, what it did."""

    root: str
    step: str
    seconds: float
    ok: bool
    problems: tuple[Problem, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Scratch:
    """A copy of an infrastructure folder below `work`, in which Terraform may leave what it likes.

    environment: what its processes see besides this one's, such as where an emulator answers.
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, infrastructure: Path, work: Path, environment: Mapping[str, str] | None = None) -> Scratch:
        """Copies a folder; FileNotFoundError if there is none, or no terraform."""
        needed("terraform")
        if not infrastructure.is_dir():
            raise FileNotFoundError(f"{infrastructure} is not a folder.")
        copy = work / "infrastructure"
        shutil.copytree(infrastructure, copy, ignore=shutil.ignore_patterns(*_STATE))
        scratch = cls(copy, environment or {})
        for root in scratch.roots:
            _override(copy / root)
        return scratch

    @property
    def roots(self) -> tuple[str, ...]:
        """Bootstrap first, then what is shared, then the environments, as a person would apply them."""
        found = {p.parent.relative_to(self.folder) for p in self.folder.rglob("*.tf") if ".terraform" not in p.parts}
        names = [r.as_posix() for r in found if "modules" not in r.parts]
        return tuple(sorted(names, key=lambda r: (r != "bootstrap", r != "shared", r)))

    def text(self, root: str) -> str:
        """The configuration of a root without its values and without where its state is."""
        files = [
            p for p in sorted((self.folder / root).glob("*.tf")) if not p.name.endswith(("backend.tf", "override.tf"))
        ]
        return "\0".join(f"{p.name}\0{p.read_text(encoding='utf-8')}" for p in files)

    def format(self) -> Result:
        """Whether every file is as `terraform fmt` would write it."""
        run = self._run(".", "fmt", "-check", "-recursive", "-list=true", ".")
        wrong = [Problem("", f"{name}: terraform fmt would change it") for name in run.output.split()]
        told = [] if wrong or run.ok else [Problem("", run.error)]
        return run.result("fmt", wrong + told)

    def init(self, root: str) -> Result:
        """Takes modules and providers; these from the folders that are here, never from the network."""
        folders = dict.fromkeys(filter(None, (find(f"terraform-provider-{name}") for name in PROVIDERS)))
        sources = [f"-plugin-dir={folder}" for folder in folders]
        run = self._run(root, "init", "-input=false", "-no-color", *sources)
        return run.result("init", [] if run.ok else [Problem("", " ".join((run.error or run.output).split()))])

    def validate(self, root: str) -> Result:
        """Whether types, names, references and what the provider itself checks hold; warnings count."""
        run = self._run(root, "validate", "-json", "-no-color")
        try:
            found = json.loads(run.output)["diagnostics"]
        except (ValueError, KeyError):
            return run.result("validate", [Problem("", run.output + run.error)])
        return run.result("validate", [_problem(d) for d in found])

    def plan(self, root: str) -> Result:
        """What an apply would do; it stays in the root as a file "plan"."""
        run = self._run(root, "plan", "-input=false", "-json", "-out=plan")
        return run.result("plan", run.problems(), _planned(run))

    def apply(self, root: str, limit: float = _LIMIT) -> Result:
        """Makes what was planned. limit: seconds after which what still waits counts as failed."""
        run = self._run(root, "apply", "-input=false", "-json", "-parallelism=20", "plan", limit=limit)
        return run.result("apply", run.problems(), _made(run))

    def plan_again(self, root: str) -> Result:
        """What a second plan would change, attribute by attribute; ok if that is nothing."""
        run = self._run(root, "plan", "-input=false", "-json", "-detailed-exitcode", "-out=again")
        changes, problems = _planned(run), run.problems()
        if run.code == _CHANGES:
            found = self.shown(root, "again")["resource_changes"]
            differences = {c["address"]: tuple(_differences(c["change"])) for c in found}
            changes = [replace(c, differences=differences.get(c.address, ())) for c in changes]
            problems += [] if changes else [Problem("", "outputs would change")]
        return replace(run.result("again", problems, changes), ok=run.ok)

    def shown(self, root: str, step: str = "plan") -> Any:
        """A plan, as `terraform show -json` prints it."""
        return json.loads(self._run(root, "show", "-json", step).output)

    def destroy(self, root: str, limit: float = _LIMIT) -> Result:
        """Removes everything that an apply made, also what the configuration says may not be."""
        for path in self.folder.rglob("*.tf"):
            text = path.read_text(encoding="utf-8")
            path.write_text(re.sub(r"(prevent_destroy\s*=\s*)true", r"\1false", text), encoding="utf-8")
        run = self._run(
            root, "apply", "-destroy", "-refresh=false", "-auto-approve", "-input=false", "-json", "-parallelism=20",
            limit=limit,
        )  # fmt: skip
        return run.result("destroy", run.problems(), _made(run))

    def _run(self, root: str, *arguments: str, limit: float = _LIMIT) -> _Run:
        return _run(self.folder / root, root, arguments, self.environment, limit)


# --- overrides -------------------------------------------------------------------------------------------


def _override(root: Path) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(root.glob("*.tf")))
    if re.search(r'^\s*backend\s+"', text, re.MULTILINE):
        (root / "zz_backend_override.tf").write_text(_BACKEND, encoding="utf-8")
    aliases = [_ALIAS.search(m[1]) for m in _PROVIDER.finditer(text)]
    patient = "\n".join(_impatient(found[1] if found else "") for found in aliases)
    if patient:
        (root / "zz_provider_override.tf").write_text(patient, encoding="utf-8")


def _impatient(alias: str) -> str:
    """An AWS provider that does not ask 25 times for what an emulator does not know."""
    named = f'  alias       = "{alias}"\n' if alias else ""
    return f'provider "aws" {{\n{named}  max_retries = 2\n}}\n'


# --- processes -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Run:
    root: str
    seconds: float
    code: int
    output: str
    error: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    def result(self, step: str, problems: Sequence[Problem], changes: Sequence[Change] = ()) -> Result:
        """A step that failed always says something of why."""
        if self.code not in (0, _CHANGES) and not problems:
            problems = [Problem("", self.output + self.error or f"terraform ended with status {self.code}")]
        return Result(self.root, step, self.seconds, self.ok and not problems, tuple(problems), tuple(changes))

    def told(self, type_: str, key: str) -> Iterator[Mapping[str, Any]]:
        """The messages of a type, of those that -json prints one a line."""
        for line in self.output.splitlines():
            message = json.loads(line) if line.startswith("{") else {}
            if message.get("type") == type_:
                yield message[key]

    def problems(self) -> list[Problem]:
        return [_problem(d) for d in self.told("diagnostic", "diagnostic") if d["severity"] == "error"]


def _planned(run: _Run) -> list[Change]:
    return [_change(c) for c in run.told("planned_change", "change")]


def _made(run: _Run) -> list[Change]:
    return [_change(h) for h in run.told("apply_complete", "hook") if h["action"] != "read"]


def _change(told: Mapping[str, Any]) -> Change:
    return Change(told["action"], told["resource"]["addr"], told["resource"]["resource_type"])


def _problem(diagnostic: Mapping[str, Any]) -> Problem:
    at = diagnostic.get("range") or {}
    where = f"{at['filename']}:{at['start']['line']}: " if at else ""
    text = " ".join(f"{where}{diagnostic['summary']}: {diagnostic.get('detail', '')}".split())
    return Problem(diagnostic.get("address", ""), re.sub(r"(RequestID|HostID): [^,]*, ?", "", text))


def _run(folder: Path, root: str, arguments: Sequence[str], extra: Mapping[str, str], limit: float) -> _Run:
    """Runs terraform. Past the limit it is interrupted once, as by a person, so that what waits for a cloud ends as an
    error of its resource; if that does not help, it is stopped."""
    start = time.monotonic()
    process = subprocess.Popen(
        [str(needed("terraform")), *arguments], cwd=folder, env=_environment(extra), text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        output, error = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        output, error = _interrupted(process)
        error += f"\nInterrupted after {limit:g} seconds."
    return _Run(root, time.monotonic() - start, process.returncode, output, error)


def _interrupted(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    env = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", **extra}
    env.pop("AWS_PROFILE", None)
    if not Path(env.get("TF_CLI_CONFIG_FILE", "")).is_file():
        env.pop("TF_CLI_CONFIG_FILE", None)
    return env


# --- differences -----------------------------------------------------------------------------------------


def _differences(change: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    return _apart("", change.get("before"), change.get("after"), change.get("after_unknown"))


def _apart(path: str, before: Any, after: Any, unknown: Any) -> Iterator[tuple[str, str, str]]:
    """The leaves that differ; what is unknown until apply is not compared."""
    if unknown is True or before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            inner = unknown.get(key) if isinstance(unknown, dict) else None
            yield from _apart(f"{path}.{key}".lstrip("."), before.get(key), after.get(key), inner)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for i, (one, other) in enumerate(zip(before, after, strict=True)):
            inner = unknown[i] if isinstance(unknown, list) and i < len(unknown) else None
            yield from _apart(f"{path}[{i}]", one, other, inner)
    else:
        yield path, _short(before), _short(after)


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 120 else f"{text[:119]}…"
