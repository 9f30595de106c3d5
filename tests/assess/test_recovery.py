"""RTO and RPO per disruption, and their evidence."""

from __future__ import annotations

from typing import Any

import pytest

from devops_workbook.assess.model import Recovery, RecoveryCase
from devops_workbook.catalog import load
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements


def recovery(**changes: Any) -> Recovery:
    return evaluate(Requirements(**changes)).assessment.recovery


def case(found: Recovery, disruption: str) -> RecoveryCase:
    return next(x for x in found.cases if x.disruption == disruption)


def test_the_steps_add_up_and_the_evidence_repeats_them(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        for found in evaluation.assessment.recovery.cases:
            rto, rpo = found.evidence
            minutes = [step.minutes for step in found.steps]
            assert found.rto_minutes == (None if None in minutes else pytest.approx(sum(m or 0 for m in minutes)))
            assert [(q.name, q.value) for q in rto.inputs] == [(s.title, s.minutes) for s in found.steps]
            assert (rto.value, rpo.value) == (found.rto_minutes, found.rpo_minutes)
            assert rto.source
            assert rpo.source


def test_the_headline_is_the_worst_of_the_infrastructure_and_not_of_corrupted_data() -> None:
    found = recovery(database_gb=5000)
    infrastructure = [x for x in found.cases if x.disruption != "data-corruption"]
    assert found.rto_minutes == max(x.rto_minutes or 0 for x in infrastructure)
    assert found.rpo_minutes == max(x.rpo_minutes or 0 for x in infrastructure)


def test_a_hand_worked_example() -> None:
    # 100 GB at 250 GB/h are 24 minutes; detect 5, decide 15, verify 10.
    overrides = {"disaster_recovery.high_availability": "multi-zone", "disaster_recovery.backup": "pitr"}
    found = recovery(database_gb=100, overrides=overrides)
    assert case(found, "data-corruption").rto_minutes == pytest.approx(5 + 15 + 24 + 10)
    assert case(found, "data-corruption").rpo_minutes == 5
    assert case(found, "zone").rto_minutes == 2, "RDS fails over within two minutes"
    assert case(found, "zone").rpo_minutes == 0
    assert case(found, "region").rto_minutes == pytest.approx(5 + 15 + 20 + 24 + 10 + 1)


def test_one_case_that_is_not_known_makes_the_headline_not_known() -> None:
    found = recovery(region="eu-west-2")
    assert (found.rto_minutes, found.rpo_minutes) == (None, None)
    assert case(found, "instance").rto_minutes is not None
    assert "not known" in case(found, "region").evidence[0].formula


@pytest.mark.parametrize("provider", load().providers)
@pytest.mark.parametrize("target", [0, 1, 60])
def test_any_target_is_answered_with_figures_or_a_finding(provider: str, target: int) -> None:
    evaluation = evaluate(Requirements(provider=provider, rto_minutes=target, rpo_minutes=target))
    found = evaluation.assessment.recovery
    missed = {
        f"{name}-{x.disruption}"
        for x in found.cases
        for name, minutes in (("rto", x.rto_minutes), ("rpo", x.rpo_minutes))
        if minutes is not None and minutes > target
    }
    codes = {f.code for f in evaluation.findings}
    assert missed - codes <= ({"rpo-region"} if "rpo-zero-asynchronous" in codes else set())
