"""Extreme scenarios, kept as text and figures: wishes that contradict each other, hardly anything, very much.

`in-<name>.yaml` is a scenario; `out-<name>.txt` its plan as text and `out-<name>.json` its choices, key figures and
findings. `make golden` writes the outputs anew; read the difference before keeping it. The example scenarios are
kept beside these, by `tests/test_golden.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.render.text import plan_text
from devops_workbook.scenario import load

HERE = Path(__file__).parent
SCENARIOS = {path.stem.removeprefix("in-"): path for path in sorted(HERE.glob("in-*.yaml"))}


@pytest.fixture(params=SCENARIOS)
def scenario(request: pytest.FixtureRequest) -> tuple[str, Evaluation]:
    return request.param, evaluate(load(SCENARIOS[request.param]).requirements)


def digest(evaluation: Evaluation) -> dict[str, Any]:
    """What a reader compares first: choices, key figures, findings in full. None = not known."""
    a = evaluation.assessment
    return {
        "choices": {d.id: d.choice.id + " (overridden)" * d.overridden for d in evaluation.plan.decisions},
        "figures": {
            "availability_pct": _rounded(a.availability.pct, 4),
            "monthly_usd": _rounded(a.cost.monthly_usd, 0),
            "compliance_pct": _rounded(a.compliance.pct, 1),
            "rto_minutes": {case.disruption: _rounded(case.rto_minutes, 1) for case in a.recovery.cases},
            "rpo_minutes": {case.disruption: _rounded(case.rpo_minutes, 1) for case in a.recovery.cases},
        },
        "components": {
            c.id: " ".join(f"{c.service} x{c.count} {c.sku}".split()) for c in evaluation.topology.components
        },
        "findings": [f"{f.severity} {f.kind} {f.code}: {f.message}" for f in evaluation.findings],
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def test_the_plan_as_text(scenario: tuple[str, Evaluation], golden: Callable[[str, str], None]) -> None:
    name, evaluation = scenario
    golden(f"out-{name}.txt", plan_text(evaluation))


def test_choices_figures_and_findings(scenario: tuple[str, Evaluation], golden: Callable[[str, str], None]) -> None:
    name, evaluation = scenario
    golden(f"out-{name}.json", json.dumps(digest(evaluation), indent=1, ensure_ascii=False) + "\n")


def test_no_output_is_left_of_a_scenario_that_is_gone() -> None:
    assert {path.stem.removeprefix("out-") for path in HERE.glob("out-*")} <= set(SCENARIOS)
