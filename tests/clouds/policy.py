"""Policy: what checkov finds in generated code, and which of its checks the code answers with a reason."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clouds.tools import needed

_ROOTS = ("environments/dev", "environments/staging")  # the same code as production, with other values


@dataclass(frozen=True, slots=True)
class Policy:
    """What checkov says of one design. failed: (check, where); answered: check -> the reasons the code gives."""

    passed: int
    failed: tuple[tuple[str, str], ...]
    answered: Mapping[str, tuple[str, ...]]

    @property
    def reasons(self) -> frozenset[str]:
        """The reasons that the code gives; one may answer several checks."""
        return frozenset(reason for reasons in self.answered.values() for reason in reasons)

    @property
    def problems(self) -> Iterator[str]:
        """What is not allowed: a failed check without an answer, an answer without a reason."""
        for check, where in self.failed:
            yield f"{check} fails at {where}, and the code does not say why"
        for check, reasons in self.answered.items():
            if not all(reasons):
                yield f"{check} is skipped without a reason"


def check(infrastructure: Path) -> Policy:
    """Runs checkov over a folder; production stands for all environments."""
    skipped = [argument for root in _ROOTS for argument in ("--skip-path", root)]
    done = subprocess.run(
        [str(needed("checkov")), "--directory", str(infrastructure), "--framework", "terraform", "cloudformation",
         "--compact", "--output", "json", "--soft-fail", "--skip-download", *skipped],
        capture_output=True, text=True, check=False, env={**os.environ, "LOG_LEVEL": "ERROR"}, timeout=900,
    )  # fmt: skip
    try:
        return read(json.loads(done.stdout))
    except ValueError:
        raise RuntimeError(f"checkov ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}") from None


def read(report: Any) -> Policy:
    """A report of checkov: one object, or a list with one for each framework that it found files of."""
    parts = [p for p in (report if isinstance(report, list) else [report]) if "results" in p]
    rows = [row for part in parts for row in part["results"]["failed_checks"]]
    answered: dict[str, set[str]] = {}
    for row in (row for part in parts for row in part["results"]["skipped_checks"]):
        answered.setdefault(row["check_id"], set()).add((row["check_result"].get("suppress_comment") or "").strip())
    failed = sorted({(row["check_id"], f"{row['file_path']} {row['resource']}") for row in rows})
    passed = sum(part["summary"]["passed"] for part in parts)
    return Policy(passed, tuple(failed), {k: tuple(sorted(v)) for k, v in sorted(answered.items())})
