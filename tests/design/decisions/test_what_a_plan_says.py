"""What decisions say: readable, and true of the design they belong to, whatever was asked for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements

UNREADABLE = re.compile(
    r"  |\{|\}|\bNone\b|\bTrue\b|\bFalse\b|\d[eE][+-]\d|\.\.| ,| \.|\( |\ba (?:event|app)"
    r"|\b1 (?:day|month|worker|replica)s\b"
)
LETTERS = re.compile(r"^[A-Z0-9{*]|^feature|^develop|^release|^main|^hotfix")

requirements = st.fixed_dictionaries({
    "provider": st.sampled_from(["aws", "gcp", "azure"]),
    "team_size": st.sampled_from([1, 4, 9, 60]),
    "workload_type": st.sampled_from(["web-api", "event-driven", "batch", "streaming"]),
    "source_host": st.sampled_from(["github", "gitlab", "self-hosted"]),
    "deploys_per_week": st.sampled_from([0, 1, 5, 40, 400]),
    "release_approval": st.sampled_from(["none", "peer", "change-board"]),
    "average_rps": st.sampled_from([0.001, 1, 100]),
    "peak_rps": st.sampled_from([100, 5_000, 500_000]),
    "cacheable_pct": st.sampled_from([0, 30, 90]),
    "data_model": st.sampled_from(["relational", "document", "key-value"]),
    "database_gb": st.sampled_from([0, 1, 500, 200_000]),
    "availability_target_pct": st.sampled_from([90, 99, 99.9, 99.99, 99.9999]),
    "rto_minutes": st.sampled_from([0, 15, 240, 43_200]),
    "rpo_minutes": st.sampled_from([0, 5, 60, 43_200]),
    "data_sensitivity": st.sampled_from(["public", "internal", "confidential", "restricted"]),
    "data_residency": st.sampled_from(["none", "eu", "ch", "br", "ae"]),
    "compliance": st.sampled_from([(), ("soc2",), ("pci-dss", "hipaa", "gdpr")]),
    "public_facing": st.booleans(),
    "kubernetes_skill": st.sampled_from(["none", "some", "expert"]),
    "on_call": st.sampled_from(["business-hours", "24x7"]),
    "log_retention_days": st.sampled_from([1, 30, 365]),
    "commitment": st.sampled_from(["none", "1y", "3y"]),
    "monthly_budget_usd": st.sampled_from([0, 200, 50_000]),
    "priority_cost": st.integers(0, 5),
    "priority_resilience": st.integers(0, 5),
    "priority_performance": st.integers(0, 5),
    "priority_simplicity": st.integers(0, 5),
    "priority_portability": st.integers(0, 5),
})  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(requirements)
def test_every_sentence_reads_like_one_and_every_decision_stands(given: dict[str, Any]) -> None:
    evaluation = evaluate(Requirements(**given))
    for decision in evaluation.plan.decisions:
        reasons = [o.ruled_out for o in decision.alternatives if o.ruled_out]
        sentences = [decision.summary, *decision.rationale]
        for text in (*sentences, *decision.flips, *reasons, *(x for row in decision.detail for x in row)):
            assert not UNREADABLE.search(text), (decision.id, text)
        assert all(text.endswith(".") and LETTERS.match(text) for text in sentences), (decision.id, sentences)
        assert decision.choice.id not in {o.id for o in decision.alternatives}
    _true(evaluation)


def _true(evaluation: Evaluation) -> None:
    """What the words claim is in the topology, and what it holds nothing of is not claimed."""
    choices = {d.id: d.choice.id for d in evaluation.plan.decisions}
    words = {
        d.id: " ".join([d.summary, *(text for row in d.detail for text in row)]) for d in evaluation.plan.decisions
    }
    roles = {c.role for c in evaluation.topology.components}
    regions = {c.region for c in evaluation.topology.components if c.role == "compute"}
    entry = evaluation.topology.component("entry").title
    assert ("cdn" in roles) == (choices["scaling.caching"] in ("cdn", "cdn-in-memory"))
    assert ("waf" in roles) == (
        "in front of the entry" in words["security.network"] or "filters what comes" in words["security.network"]
    )
    assert entry in words["scaling.load_balancing"]
    assert entry in words["infrastructure.network"]
    two_sites = choices["disaster_recovery.high_availability"] in ("pilot-light", "warm-standby", "active-active")
    assert len(regions) == 1 + two_sites
    assert ("region-failover" in choices["disaster_recovery.recovery"]) == two_sites
    assert evaluation.topology.component("database").title in words["infrastructure.database"]
    assert evaluation.topology.component("compute").title in words["infrastructure.compute"]


@pytest.mark.parametrize("provider", ["aws", "gcp", "azure"])
def test_a_copy_in_another_region_is_promised_only_where_there_is_one(provider: str) -> None:
    def said(**given: Any) -> str:
        decisions = evaluate(Requirements(provider=provider, data_sensitivity="restricted", **given)).plan
        return decisions.decision("disaster_recovery.backup").summary

    assert "in a separate account, and a write-once lock" in said()
    alone = {"aws": "br", "gcp": "br", "azure": "ae"}[provider]
    evaluation = evaluate(Requirements(provider=provider, data_sensitivity="restricted", data_residency=alone))
    if any(finding.code == "no-second-region" for finding in evaluation.findings):
        assert "of the same region" in said(data_residency=alone)


def test_a_weaker_form_says_which_targets_it_would_meet() -> None:
    decision = evaluate(Requirements(rpo_minutes=5)).plan.decision("disaster_recovery.high_availability")
    assert decision.choice.id == "pilot-light"
    assert "Several zones would do with an RPO of 60 min" in decision.flips
    relaxed = evaluate(Requirements(rpo_minutes=60)).plan.decision("disaster_recovery.high_availability")
    assert relaxed.choice.id == "multi-zone"


def test_a_target_that_no_form_meets_buys_no_more_than_the_best_of_them_needs() -> None:
    never = evaluate(Requirements(rpo_minutes=0)).plan.decision("disaster_recovery.high_availability")
    assert never.choice.id == "pilot-light"


def test_a_canary_needs_enough_requests_to_judge_it_by() -> None:
    def reason(average: float) -> str:
        options = (
            evaluate(Requirements(average_rps=average, provider="gcp")).plan.decision("cicd.deployment").alternatives
        )
        return next((o.ruled_out for o in options if o.id == "canary"), "")

    assert reason(9.9) == "not advised: its first 5 % would answer 297 requests in ten minutes, too few to judge it by"
    assert reason(10.0) == ""
