"""Prometheus' configuration: promtool takes it, and it keeps samples as long as the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.observability import observability
from tests.artifacts.infrastructure import CASES, design
from tests.artifacts.observability.promtool import parsed, promtool, written

WITH = [case for case in CASES if observability(Blueprint.of(design(*case))).alerts]


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_promtool_takes_it(case: tuple[str, str], tmp_path: Path) -> None:
    b = Blueprint.of(design(*case))
    folder = written(observability(b).artifacts, tmp_path)
    status, told = promtool("check", "config", folder / "prometheus.yaml")
    assert status == 0, told
    text = (folder / "prometheus.yaml").read_text(encoding="utf-8")
    metrics = next(s for s in b.assessment.telemetry.signals if s.kind == "metrics")
    assert f"retention.time={sum(t.days for t in metrics.tiers):g}d" in text
    (told_to,) = parsed((folder / "alertmanagers.yaml").read_text(encoding="utf-8"))
    assert len(told_to["targets"]) == b.component("alerting").count
