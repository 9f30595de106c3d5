"""The ways back under the budget: cheaper for certain, the gentlest first, and no more tried than promised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devops_workbook.catalog.model import Catalog
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.what_if import Outcome, PricedWay, budget, outcome_of, ways_under_budget
from devops_workbook.what_if.budget import MOST_EVALUATIONS, Loss
from devops_workbook.what_if.outcome import changed, moves
from tests.assess.test_cost import committed, load


def over(catalog: Catalog | None = None, **values: Any) -> Evaluation:
    """An evaluation that costs more than its budget."""
    evaluation = evaluate(Requirements(**values), catalog)
    stated = evaluation.assessment.cost.budget
    assert stated is not None
    assert stated.gap_usd > 0
    return evaluation


def slightly_over(share: float = 0.9, catalog: Catalog | None = None, **values: Any) -> Evaluation:
    """An evaluation whose budget is about a share of what it costs. A budget makes a team look closer at prices, and
    so bears on the design it is held against; a few steps find one that it still exceeds."""
    budget = 1e6
    for _ in range(6):
        budget = (
            share * evaluate(Requirements(monthly_budget_usd=budget, **values), catalog).assessment.cost.monthly_usd
        )
    return over(catalog, monthly_budget_usd=budget, **values)


def test_no_budget_or_one_that_holds_needs_no_way_back() -> None:
    assert ways_under_budget(evaluate(Requirements())) == ()
    assert ways_under_budget(evaluate(Requirements(monthly_budget_usd=1e6))) == ()


def test_every_way_costs_what_its_change_evaluates_to() -> None:
    evaluation = slightly_over(peak_rps=500, average_rps=200, log_retention_days=365)
    ways = ways_under_budget(evaluation)
    assert ways
    for way in ways:
        after = evaluate(changed(evaluation.requirements, way.change))
        assert way.saving_usd == pytest.approx(evaluation.assessment.cost.monthly_usd - way.monthly_usd)
        assert way.under
        assert way.monthly_usd <= evaluation.requirements.monthly_budget_usd
        if "commitment" not in way.change:
            assert way.monthly_usd == way.evidence.value == pytest.approx(after.assessment.cost.monthly_usd), way.text
            assert "over-budget" not in {finding.code for finding in after.findings}


def test_the_least_loss_comes_first() -> None:
    ways = ways_under_budget(slightly_over(peak_rps=500, average_rps=200, log_retention_days=365))
    losses = [way.loss for way in ways]
    assert losses == sorted(losses)
    assert losses[0].missed == 0


def test_what_is_given_up_is_counted_the_gravest_first() -> None:
    requirements = Requirements(availability_target_pct=99.9, rto_minutes=60, rpo_minutes=5)
    was = outcome_of(evaluate(requirements))
    was = replace(
        was, availability_pct=99.95, rto_minutes=30.0, rpo_minutes=None, compliance_pct=100.0, high=frozenset()
    )
    slower = replace(was, rto_minutes=90.0)
    weaker = replace(was, availability_pct=99.93)
    gaps = replace(was, compliance_pct=90.0, high=frozenset({"controls-soc2"}))
    unknown = replace(was, availability_pct=None)

    def loss(now: Outcome, lowered: int = 0) -> Loss:
        return budget._loss(requirements, was, now, lowered)

    assert loss(was) == Loss(0, 0, 0, 0.0)
    assert loss(slower) == Loss(1, 0, 0, 0.0)
    assert loss(replace(was, rpo_minutes=90.0)) == Loss(0, 0, 0, 0.0), "it was not met before"
    assert loss(weaker) == Loss(0, 0, 0, pytest.approx(0.0002 * 365 * 24 * 60))
    assert loss(gaps) == Loss(1, 1, 0, 0.0)
    assert loss(unknown).missed == 1
    assert sorted([loss(gaps), loss(slower), loss(was, 1), loss(weaker), loss(was)]) == [
        loss(was), loss(weaker), loss(was, 1), loss(slower), loss(gaps),
    ]  # fmt: skip
    assert list(moves(was, slower)) == ["Recovery time: 90 minutes instead of 30 minutes."]
    assert "New findings of high severity: controls soc2." in list(moves(was, gaps))


def test_lowering_a_requirement_counts_as_giving_something_up() -> None:
    evaluation = slightly_over(0.99, average_rps=500, peak_rps=800, log_retention_days=3650)
    kept = [way for way in ways_under_budget(evaluation) if "log_retention_days" in way.change]
    assert [way.loss.lowered for way in kept] == [1]
    assert kept[0].text == "Keep logs 30 days instead of 3650"


def test_where_no_single_change_suffices_several_are_joined() -> None:
    evaluation = slightly_over(0.4, peak_rps=2000, average_rps=1000, availability_target_pct=99.99, rto_minutes=30)
    singles = {len(way.text.split("; ")) for way in ways_under_budget(evaluation)}
    assert max(singles) > 1
    assert max(singles) <= 3


def test_a_budget_nothing_can_reach_gets_the_nearest_ways_marked_as_such() -> None:
    ways = ways_under_budget(over(monthly_budget_usd=10))
    assert 0 < len(ways) <= 3
    assert not any(way.under for way in ways)
    assert [way.monthly_usd for way in ways] == sorted(way.monthly_usd for way in ways)


def test_no_more_designs_are_evaluated_than_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation = over(monthly_budget_usd=10, compliance=("soc2",), log_retention_days=3650)
    counted: list[Requirements] = []

    def counting(requirements: Requirements, *rest: Any) -> Evaluation:
        counted.append(requirements)
        return evaluate(requirements, *rest)

    monkeypatch.setattr(budget, "evaluate", counting)
    assert ways_under_budget(evaluation)
    assert 10 < len(counted) <= MOST_EVALUATIONS
    assert len({requirements.model_dump_json() for requirements in counted}) == len(counted), "none twice"


def test_a_framework_keeps_its_logs() -> None:
    evaluation = slightly_over(0.99, average_rps=500, peak_rps=800, log_retention_days=3650, compliance=("pci-dss",))
    kept = [
        way.change["log_retention_days"] for way in ways_under_budget(evaluation) if "log_retention_days" in way.change
    ]
    assert kept == [365], "a year, as PCI DSS asks"


def test_a_commitment_is_a_way_and_the_bill_itself_stays_on_demand() -> None:
    catalog = committed(load(), {"1y": 0.7, "3y": 0.5})
    values = {"overrides": {"infrastructure.compute": "vms"}, "peak_rps": 3000, "average_rps": 2500}
    evaluation = slightly_over(0.99, catalog, **values)
    ways = {way.change.get("commitment"): way for way in ways_under_budget(evaluation, catalog)}
    one, three = ways["1y"], ways["3y"]
    saved = sum(x.saving_usd for x in evaluation.assessment.cost.commitments if x.term == "1y")
    assert one.saving_usd == pytest.approx(saved)
    assert three.saving_usd > one.saving_usd
    assert isinstance(one, PricedWay)
    assert {q.name for q in one.evidence.inputs} >= {"cost then, on demand", "saved by the commitment"}
