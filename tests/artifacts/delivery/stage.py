"""A stage for the scripts of a pipeline: programs that write down how they were called, and say what they are told.

The scripts are those of the generated repository, run by a real shell with real jq, git and coreutils. Clouds, clusters
and registries are played by one small program under many names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PLAYED = ("aws", "az", "checkov", "cosign", "crane", "curl", "docker", "gcloud", "gh", "gitleaks", "grype", "kubectl",
          "semgrep", "sleep", "syft", "terraform")  # fmt: skip
_PLAYER = """\
#!{python}
import fcntl, json, re, sys
from pathlib import Path
here = Path({folder!r})
call = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
with open(here / "calls", "a+") as calls:
    fcntl.flock(calls, fcntl.LOCK_EX)
    calls.write(json.dumps(call) + "\\n")
    lines = json.loads((here / "lines.json").read_text())
    for line in lines:
        if re.search(line["call"], call):
            said = line["says"].pop(0) if len(line["says"]) > 1 else line["says"][0]
            (here / "lines.json").write_text(json.dumps(lines))
            break
    else:
        said = ["", 0]
if re.search("--input -|-stdin", call):
    sys.stdin.buffer.read()  # as the real one does, so that nobody writes to a closed pipe
text, status = said
if text.startswith("file:"):
    sys.stdout.buffer.write(Path(text[5:]).read_bytes())
else:
    sys.stdout.write(text)
sys.exit(status)
"""


@dataclass(frozen=True)
class Line:
    """What a program says to calls that match `call`, a regular expression over the program's name and arguments: each
    of `says` once, the last for good. A number is the status that it fails with."""

    call: str
    says: Sequence[str | int]


@dataclass(frozen=True)
class Played:
    """How a script went: its status, what it said, and the calls it made, in their order."""

    status: int
    said: str
    calls: Sequence[str] = field(default_factory=tuple)

    def matching(self, part: str) -> list[str]:
        """The calls that have this part."""
        return [call for call in self.calls if part in call]


def play(folder: Path, command: Sequence[str], lines: Sequence[Line], env: Mapping[str, str] | None = None) -> Played:
    """Runs a command of the repository in `folder`."""
    stage = folder.parent / f"{folder.name}-stage"
    programs = stage / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    for name in PLAYED:
        path = programs / name
        path.write_text(_PLAYER.format(python=sys.executable, folder=str(stage)))
        path.chmod(0o755)
    told = [{"call": x.call, "says": [["", s] if isinstance(s, int) else [s, 0] for s in x.says]} for x in lines]
    (stage / "lines.json").write_text(json.dumps(told))
    (stage / "calls").write_text("")
    bare = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(stage), **(env or {})}
    done = subprocess.run(command, cwd=folder, env=bare, capture_output=True, text=True, check=False, timeout=120)
    calls = tuple(json.loads(line) for line in (stage / "calls").read_text().splitlines())
    return Played(done.returncode, done.stdout + done.stderr, calls)


def written(files: Mapping[str, str], folder: Path) -> Path:
    """A repository on disk; what runs is executable."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
        if path.endswith(".sh"):
            (folder / path).chmod(0o755)
    return folder
