"""The example scenarios, evaluated, against what was stored when somebody last read it.

`make golden` writes the files anew; what changed is then read in the diff before it is kept. The plan's words
are stored whole, its figures as a short list, so that a reviewer sees which of them moved.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from devops_workbook.evaluate import Evaluation
from devops_workbook.export.document import export
from devops_workbook.render.json import plan_data
from devops_workbook.render.text import plan_text
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples

EXAMPLE = Path(__file__).parent.parent / "exports" / "example"

Golden = Callable[[str, str], None]


def figures(evaluation: Evaluation) -> dict[str, object]:
    """The figures and choices a review talks about, to six digits: the rest may differ between processors."""
    data = plan_data(evaluation)
    assessment = data["assessment"]
    told = {
        "cost_monthly_usd": assessment["cost"]["monthly_usd"],
        "availability_pct": assessment["availability"]["pct"],
        "rto_minutes": assessment["recovery"]["rto_minutes"],
        "rpo_minutes": assessment["recovery"]["rpo_minutes"],
        "workers": assessment["capacity"]["workers"],
        "instances": assessment["capacity"]["instances"],
        "compliance_pct": assessment["compliance"]["pct"],
        "kgco2e_month": assessment["carbon"]["kgco2e_month"],
    }
    return {
        **{name: value if value is None else float(f"{value:.6g}") for name, value in told.items()},
        "cost_unpriced": assessment["cost"]["unpriced"],
        "findings": [f"{finding['severity']} {finding['code']}" for finding in data["findings"]],
        "choices": {d["id"]: d["choice"]["id"] for section in data["sections"] for d in section["decisions"]},
        "components": [
            f"{c['id']}: {c['count']} x {c['service']} {c['sku']}".strip() for c in data["topology"]["components"]
        ],
    }


@pytest.mark.parametrize("name", examples())
def test_the_plan_of_an_example_is_what_was_read(golden: Golden, evaluations: dict[str, Evaluation], name: str) -> None:
    golden(f"{name}.txt", plan_text(evaluations[name]))


@pytest.mark.parametrize("name", examples())
def test_the_figures_of_an_example_are_what_was_read(
    golden: Golden, evaluations: dict[str, Evaluation], name: str
) -> None:
    golden(f"{name}.json", json.dumps(figures(evaluations[name]), indent=2, ensure_ascii=False) + "\n")


def test_the_example_document_is_the_one_in_the_repository(
    golden: Golden, scenarios: dict[str, Requirements], tmp_path: Path
) -> None:
    """One document is kept, so that a visitor sees what comes out without installing anything."""
    (written,) = export(scenarios["payments-api"], ["html"], tmp_path)
    golden(str(EXAMPLE / written.name), written.read_text(encoding="utf-8"))
