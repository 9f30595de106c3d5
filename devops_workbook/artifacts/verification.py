"""Holding a generated repository against the real tools that will consume it.

Each `Tool` knows its program and which files it reads; what it says of them becomes `Check`s: passed, failed, or not
verified, with the reason. Nothing is claimed that was not checked: a tool that is not installed, or a provider that
cannot be had, leaves its files "not verified".

Tools work on a copy, so that nothing of theirs stays in the folder. Terraform takes its providers from the folder that
TF_PLUGIN_DIR names, else as it is set up on this machine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, Literal

from devops_workbook.artifacts.folder import MANIFEST, README, digest, generated, renewed
from devops_workbook.artifacts.readme import with_verification
from devops_workbook.render.markdown import escape, join, table
from devops_workbook.scenario import write_atomic

__all__ = ["RECORD", "TOOLS", "Check", "Tool", "Verification", "keep", "read_record", "summary", "told", "verify"]

RECORD = "verification.json"
_SECONDS = 900  # a tool that takes longer hangs
_NOT_THERE = re.compile(r"(?i)failed to (query|install)|could not (retrieve|query)|no available releases|not available")

Result = Literal["passed", "failed", "not verified"]
_RESULTS: tuple[Result, ...] = ("passed", "failed", "not verified")


@dataclass(frozen=True, slots=True)
class Check:
    """What a tool said of some files. files: a path, or a folder's pattern; version: of the tool, "" if it is not
    there; detail: why it failed or was not verified, in the tool's words, shortened."""

    files: str
    tool: str
    version: str
    result: Result
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of one repository; digest: of exactly these files (see `folder.digest`)."""

    digest: str
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(c for c in self.checks if c.result == "failed")


@dataclass(frozen=True, slots=True)
class Tool:
    """A program, how it tells its version, and how it checks.

    subjects: what it checks, each a path or pattern, out of the paths of a repository; run: checks one subject in a
    copy of the repository with the program, and gives what is wrong: "" = nothing, None = it could not tell; with the
    tool's words.
    """

    title: str
    program: str
    version: tuple[str, ...]
    subjects: Callable[[Sequence[str]], Iterable[str]]
    run: Callable[[Path, str, str], tuple[Result, str]]


def verify(
    folder: Path, watch: Callable[[str, float], None] = lambda _step, _done: None, tools: Sequence[Tool] | None = None
) -> Verification:
    """Holds the files of a repository against every tool, or those named. watch: told what is checked and how much is
    done, 0-1.

    Raises FolderError if the list of generated files cannot be read.
    """
    paths = _paths(folder)
    planned = [(tool, subject) for tool in (TOOLS if tools is None else tools) for subject in tool.subjects(paths)]
    checks = []
    with TemporaryDirectory(prefix="verify-") as scratch:
        copy = Path(scratch) / "copy"
        for path in paths:
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / path, copy / path)
        versions: dict[str, str] = {}
        for number, (tool, subject) in enumerate(planned):
            watch(f"{tool.title}: {subject}", number / len(planned))
            checks.append(_checked(tool, subject, copy, versions))
    return Verification(digest({p: (folder / p).read_bytes() for p in paths}), tuple(checks))


def _paths(folder: Path) -> list[str]:
    """The generated files that are there, or, in a folder without a list of them, all files."""
    here = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    found = generated(folder) or [p.as_posix() for p in here if ".git" not in p.parts]
    return sorted(p for p in found if (folder / p).is_file() and p not in (MANIFEST, RECORD))


def _checked(tool: Tool, subject: str, copy: Path, versions: dict[str, str]) -> Check:
    program = shutil.which(tool.program)
    if program is None:
        return Check(subject, tool.title, "", "not verified", f"{tool.program} is not installed")
    if tool.program not in versions:
        versions[tool.program] = _version(program, tool.version)
    result, detail = tool.run(copy, program, subject)
    return Check(subject, tool.title, versions[tool.program], result, _shortened(detail))


def _version(program: str, arguments: Sequence[str]) -> str:
    found = re.search(r"\d+\.\d+(\.\d+)?", _ran([program, *arguments]).stdout)
    return found.group() if found else "unknown"


def _shortened(text: str, most: int = 600) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def _ran(command: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a tool without a terminal; one that hangs is stopped and counts as failed."""
    env = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "NO_COLOR": "1"}
    if not Path(env.get("TF_CLI_CONFIG_FILE", "")).is_file():
        env.pop("TF_CLI_CONFIG_FILE", None)
    try:
        return subprocess.run(
            command, cwd=folder, env=env, text=True, errors="replace", capture_output=True, check=False,
            stdin=subprocess.DEVNULL, timeout=_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer within {_SECONDS} seconds")


def _outcome(done: subprocess.CompletedProcess[str]) -> tuple[Result, str]:
    return ("passed", "") if done.returncode == 0 else ("failed", done.stdout + done.stderr)


# --- Terraform -------------------------------------------------------------------------------------------


def _folders(paths: Iterable[str], ending: str) -> Iterator[str]:
    """The folders that hold files of an ending, each as a pattern."""
    for folder in dict.fromkeys(PurePosixPath(p).parent.as_posix() for p in paths if p.endswith(ending)):
        yield f"{folder}/*{ending}"


def _formatted(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    done = _ran([program, "fmt", "-check", "-list=true", str(copy / PurePosixPath(subject).parent)])
    return _outcome(done)


def _applied(paths: Sequence[str]) -> Iterator[str]:
    """The folders that Terraform is run in: those with values of their own."""
    for path in paths:
        if path.endswith("/terraform.tfvars"):
            yield f"{PurePosixPath(path).parent.as_posix()}/*.tf"


def _validated(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    folder = copy / PurePosixPath(subject).parent
    plugins = os.environ.get("TF_PLUGIN_DIR")
    source = [f"-plugin-dir={plugins}"] if plugins else []
    begun = _ran([program, "init", "-backend=false", "-input=false", "-no-color", *source], folder)
    if begun.returncode:
        told = begun.stdout + begun.stderr
        return ("not verified" if _NOT_THERE.search(told) else "failed"), told
    done = _ran([program, "validate", "-json"], folder)
    return _diagnosed(done)


def _diagnosed(done: subprocess.CompletedProcess[str]) -> tuple[Result, str]:
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return "failed", done.stdout + done.stderr
    errors = [f"{d['summary']}: {d.get('detail', '')}" for d in found["diagnostics"] if d["severity"] == "error"]
    return ("failed", "; ".join(errors)) if errors or not found["valid"] else ("passed", "")


# --- CloudFormation and policy ---------------------------------------------------------------------------


def _templates(paths: Sequence[str]) -> Iterator[str]:
    return (p for p in paths if p.startswith("infrastructure/") and p.endswith((".yaml", ".yml")))


def _linted(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    return _outcome(_ran([program, "--format", "parseable", "--", str(copy / subject)]))


def _code(paths: Sequence[str]) -> Iterator[str]:
    yield from ["infrastructure/**"] * any(p.startswith("infrastructure/") for p in paths)


def _policed(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    folder = copy / PurePosixPath(subject).parent
    done = _ran([program, "--directory", str(folder), "--framework", "terraform", "cloudformation", "--compact",
                 "--quiet", "--output", "json", "--soft-fail"])  # fmt: skip
    try:
        found: Any = json.loads(done.stdout)
    except ValueError:
        return "failed", done.stdout + done.stderr
    reports: list[Mapping[str, Any]] = found if isinstance(found, list) else [found]
    failed = [c for report in reports for c in report.get("results", {}).get("failed_checks", ())]
    return ("failed", "; ".join(f"{c['check_id']} {c['resource']}" for c in failed)) if failed else ("passed", "")


# --- Prometheus and Alertmanager -------------------------------------------------------------------------

_PROMETHEUS = "observability/prometheus"
_ALERTMANAGER = "observability/alertmanager/alertmanager.yaml"


def _server(paths: Sequence[str]) -> Iterator[str]:
    return (p for p in paths if p == f"{_PROMETHEUS}/prometheus.yaml")


def _server_checked(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    return _outcome(_ran([program, "check", "config", str(copy / subject)]))


def _rules(paths: Sequence[str]) -> Iterator[str]:
    return (p for p in paths if p.startswith(f"{_PROMETHEUS}/rules/"))


def _rule_tests(paths: Sequence[str]) -> Iterator[str]:
    return (p for p in paths if p.startswith(f"{_PROMETHEUS}/tests/"))


def _rules_checked(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    return _outcome(_ran([program, "check", "rules", str(copy / subject)]))


def _rules_tested(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    return _outcome(_ran([program, "test", "rules", str(copy / subject)]))


def _alertmanager(paths: Sequence[str]) -> Iterator[str]:
    return (p for p in paths if p == _ALERTMANAGER)


def _routed(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    """The configuration, then every line of routes.txt: a receiver, and the labels that must reach it."""
    path = copy / subject
    checked = _outcome(_ran([program, "check-config", str(path)]))
    if checked[0] != "passed":
        return checked
    for line in path.with_name("routes.txt").read_text(encoding="utf-8").splitlines():
        receiver, *labels = line.split()
        route = [program, "config", "routes", "test", f"--config.file={path}", f"--verify.receivers={receiver}"]
        if (done := _ran([*route, *labels])).returncode:
            return "failed", f"{line}: {done.stdout}{done.stderr}"
    return "passed", ""


# --- manifests, scripts, documentation -------------------------------------------------------------------


def _overlays(paths: Sequence[str]) -> Iterator[str]:
    return (p for p in paths if p.startswith("kubernetes/overlays/") and p.endswith("/kustomization.yaml"))


def _kustomized(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    done = _ran([program, "kustomize", str((copy / subject).parent)])
    return ("passed", "") if done.returncode == 0 else ("failed", done.stderr)


def _scripts(paths: Sequence[str]) -> Iterator[str]:
    return (p for p in paths if p.endswith(".sh"))


def _shell_checked(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    return _outcome(_ran([program, "--external-sources", "--format=gcc", subject], copy))


def _site(paths: Sequence[str]) -> Iterator[str]:
    return (p for p in paths if p == "mkdocs.yml")


def _site_built(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    with TemporaryDirectory(prefix="site-") as built:
        return _outcome(_ran([program, "build", "--strict", "--quiet", "-f", str(copy / subject), "-d", built]))


# --- pipelines and images --------------------------------------------------------------------------------

_SCHEMAS = {
    ".github/workflows/": "vendor.github-workflows", ".github/dependabot.yml": "vendor.dependabot",
    ".gitlab-ci.yml": "vendor.gitlab-ci", "renovate.json": "vendor.renovate", "/compose.yaml": "vendor.compose-spec",
}  # fmt: skip


def _workflows(paths: Sequence[str]) -> Iterator[str]:
    return (p for p in paths if p.startswith(".github/workflows/"))


def _workflow_linted(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    return _outcome(_ran([program, "-no-color", "-oneline", subject], copy))


def _all_workflows(paths: Sequence[str]) -> Iterator[str]:
    yield from [".github/**"] * any(_workflows(paths))


def _audited(copy: Path, program: str, _subject: str) -> tuple[Result, str]:
    return _outcome(_ran([program, "--offline", "--no-progress", "--quiet", "--format", "plain", "."], copy))


def _with_schema(paths: Sequence[str]) -> Iterator[str]:
    return (p for p in paths if any(part in p for part in _SCHEMAS))


def _valid(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    schema = next(name for part, name in _SCHEMAS.items() if part in subject)
    return _outcome(_ran([program, "--builtin-schema", schema, str(copy / subject)]))


def _dockerfiles(paths: Sequence[str]) -> Iterator[str]:
    return (p for p in paths if PurePosixPath(p).name == "Dockerfile")


def _dockerfile_linted(copy: Path, program: str, subject: str) -> tuple[Result, str]:
    return _outcome(_ran([program, str(copy / subject)]))


def _everything(paths: Sequence[str]) -> Iterator[str]:
    yield from ["**"] * any(paths)


def _searched(copy: Path, program: str, _subject: str) -> tuple[Result, str]:
    return _outcome(_ran([program, "dir", "--no-banner", "--redact", str(copy)]))


TOOLS = (
    Tool("terraform fmt", "terraform", ("version",), lambda paths: _folders(paths, ".tf"), _formatted),
    Tool("terraform validate", "terraform", ("version",), _applied, _validated),
    Tool("cfn-lint", "cfn-lint", ("--version",), _templates, _linted),
    Tool("checkov", "checkov", ("--version",), _code, _policed),
    Tool("promtool check rules", "promtool", ("--version",), _rules, _rules_checked),
    Tool("promtool test rules", "promtool", ("--version",), _rule_tests, _rules_tested),
    Tool("promtool check config", "promtool", ("--version",), _server, _server_checked),
    Tool("amtool", "amtool", ("--version",), _alertmanager, _routed),
    Tool("kubectl kustomize", "kubectl", ("version", "--client"), _overlays, _kustomized),
    Tool("shellcheck", "shellcheck", ("--version",), _scripts, _shell_checked),
    Tool("actionlint", "actionlint", ("--version",), _workflows, _workflow_linted),
    Tool("zizmor", "zizmor", ("--version",), _all_workflows, _audited),
    Tool("check-jsonschema", "check-jsonschema", ("--version",), _with_schema, _valid),
    Tool("hadolint", "hadolint", ("--version",), _dockerfiles, _dockerfile_linted),
    Tool("gitleaks", "gitleaks", ("version",), _everything, _searched),
    Tool("mkdocs build", "mkdocs", ("--version",), _site, _site_built),
)


# --- the account of it -----------------------------------------------------------------------------------


def keep(folder: Path, verification: Verification) -> None:
    """Writes the record beside the code, and quotes it in the README."""
    record = {"digest": verification.digest, "checks": [asdict(c) for c in verification.checks]}
    write_atomic(folder / RECORD, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())
    path = folder / README
    if path.is_file():
        text = with_verification(path.read_text(encoding="utf-8"), told(verification))
        renewed(folder, README, text.encode())


def read_record(path: Path) -> Verification | None:
    """A record that was kept; None if there is none that can be read."""
    try:
        content = json.loads(path.read_bytes())
        return Verification(str(content["digest"]), tuple(Check(**check) for check in content["checks"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def told(verification: Verification) -> str:
    """What was verified, as Markdown: a sentence and a table."""
    return join(
        f"Held against the tools that will consume it: {summary(verification)}.",
        table(("Files", "Tool", "Result"), map(_row, verification.checks)),
    )


def summary(verification: Verification) -> str:
    """How many checks passed, failed and were not made: "12 passed, 1 not verified"."""
    counts = Counter(check.result for check in verification.checks)
    return ", ".join(f"{counts[result]} {result}" for result in _RESULTS if counts[result]) or "nothing to check"


def _row(check: Check) -> tuple[str, str, str]:
    result = f"{check.result}: {check.detail}" if check.detail else check.result
    return f"`{check.files}`", escape(f"{check.tool} {check.version}".strip()), escape(result)
