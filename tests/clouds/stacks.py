"""CloudFormation: templates held against cfn-lint, and deployed to the emulator by the repository's own script.

`deploy.sh` is what a person would run: it packages nested templates, creates the stacks of an environment in order and
waits until each is complete, through the AWS CLI. What moto makes nothing for, it says in its log; those types are told
as not emulated, because a stack that is complete without them shows nothing of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.clouds.terraform import Problem, Result
from tests.clouds.tools import needed

_UNMADE = re.compile(r"Tried to parse (AWS::[\w:]+) but it's not supported")
_SECONDS = 900


def templates(infrastructure: Path) -> tuple[Path, ...]:
    """The templates of a repository; none if its code is not CloudFormation."""
    found = sorted(infrastructure.rglob("*.yaml"))
    return tuple(p for p in found if "AWSTemplateFormatVersion" in p.read_text(encoding="utf-8"))


def lint(infrastructure: Path) -> Result:
    """Errors and warnings of cfn-lint, both of which count."""
    command = [str(needed("cfn-lint")), "--format", "parseable", "--", *map(str, templates(infrastructure))]
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    lines = (done.stdout + done.stderr).splitlines() if done.returncode else []
    problems = [Problem("", line.replace(f"{infrastructure}/", "")) for line in lines]
    return Result("templates", "lint", time.monotonic() - start, done.returncode == 0, tuple(problems))


def deploy(infrastructure: Path, folder: str, environment: Mapping[str, str]) -> Result:
    """Creates the stacks of one folder of environments/. environment: where the emulator answers."""
    needed("aws")
    needed("jq")
    start = time.monotonic()
    done = subprocess.run(
        ["bash", str(infrastructure / "deploy.sh"), folder], env={**os.environ, "AWS_PAGER": "", **environment},
        capture_output=True, text=True, check=False, timeout=_SECONDS, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    last = " ".join((done.stdout + done.stderr).split()[-120:])
    wrong = Problem("", f"deploy.sh {folder} ended with status {done.returncode}: {last}")
    problems = (wrong,) if done.returncode else ()
    return Result(f"environments/{folder}", "deploy", time.monotonic() - start, not problems, problems)


def unmade(log: Path) -> tuple[str, ...]:
    """The resource types of which the emulator made nothing."""
    return tuple(sorted(set(_UNMADE.findall(log.read_text(encoding="utf-8", errors="replace")))))
