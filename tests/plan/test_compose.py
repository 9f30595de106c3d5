"""The plan: 33 decisions in order, in words that name what was chosen, with what bears on each."""

from __future__ import annotations

import re

from devops_workbook.catalog import load
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.outline import FIELD_IDS, OUTLINE
from devops_workbook.plan.compose import _BEARS_ON
from devops_workbook.requirements import Requirements


def test_every_field_is_decided_in_the_order_of_the_outline(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        assert [s.id for s in evaluation.plan.sections] == [s.id for s in OUTLINE]
        assert tuple(d.id for d in evaluation.plan.decisions) == FIELD_IDS


def test_texts_name_what_was_chosen_and_hold_no_placeholder(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        for decision in evaluation.plan.decisions:
            for text in (decision.summary, *(text for _, text in decision.detail)):
                assert not re.search(r"\{\w+\}", text), f"{decision.id}: {text}"


def test_a_summary_names_the_service_behind_it() -> None:
    plan = evaluate(Requirements(provider="gcp", overrides={"infrastructure.compute": "kubernetes"})).plan
    assert "Google Kubernetes Engine" in plan.decision("infrastructure.compute").summary


def test_evidence_stands_beside_the_decision_it_bears_on(evaluations: dict[str, Evaluation]) -> None:
    assert set(_BEARS_ON) <= set(FIELD_IDS)
    for evaluation in evaluations.values():
        for field in _BEARS_ON:
            assert evaluation.plan.decision(field).evidence, f"{field} shows no number"
        metrics = [e.metric for e in evaluation.plan.decision("disaster_recovery.backup").evidence]
        assert any(metric.startswith("RPO") for metric in metrics)


def test_every_principle_and_practice_is_carried_out_somewhere(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        named = [(d.principles, d.practices) for d in evaluation.plan.decisions]
        assert {id for principles, _ in named for id in principles} == set(load().principles)
        assert {id for _, practices in named for id in practices} == set(load().practices)
