"""Impossible, not advised, or leaving a control open: what each kind of reason does, and what the team's word does."""

from __future__ import annotations

from typing import Any

import pytest

from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements

ADVICE = "not advised: "


def worked_out(**requirements: Any) -> Evaluation:
    return evaluate(Requirements(**requirements))


def turned_down(evaluation: Evaluation, field: str) -> dict[str, str]:
    return {o.id: o.ruled_out for o in evaluation.plan.decision(field).alternatives if o.ruled_out}


def codes(evaluation: Evaluation, field: str) -> list[str]:
    return [finding.code for finding in evaluation.findings if finding.field == field]


def test_what_is_impossible_stays_so_whatever_the_team_says() -> None:
    evaluation = worked_out(overrides={"cicd.platform": "gitlab-ci"})
    assert evaluation.plan.decision("cicd.platform").choice.id == "github-actions"
    assert codes(evaluation, "cicd.platform") == ["override-forbidden"]


def test_what_is_not_advised_is_not_chosen() -> None:
    reasons = turned_down(worked_out(team_size=3), "observability.metrics")
    assert reasons["prometheus"] == ADVICE + "a team of 3 cannot also run a monitoring system"


def test_a_team_that_insists_gets_what_is_not_advised_and_is_told() -> None:
    evaluation = worked_out(team_size=3, overrides={"observability.metrics": "prometheus"})
    decision = evaluation.plan.decision("observability.metrics")
    assert decision.choice.id == "prometheus"
    assert decision.overridden
    assert any("a team of 3 cannot also run" in sentence for sentence in decision.rationale)
    (finding,) = [f for f in evaluation.findings if f.code == "override-not-advised"]
    assert finding.ways_out[0].change == {"overrides": {}}


def test_an_override_that_nothing_speaks_against_is_no_finding() -> None:
    evaluation = worked_out(team_size=12, overrides={"observability.metrics": "prometheus"})
    assert evaluation.plan.decision("observability.metrics").choice.id == "prometheus"
    assert codes(evaluation, "observability.metrics") == []


def test_advice_against_everything_says_nothing_but_a_finding() -> None:
    evaluation = worked_out(database_gb=1, peak_rps=900_000, average_rps=1000, cacheable_pct=0, read_pct=0)
    decision = evaluation.plan.decision("infrastructure.database")
    assert decision.choice.id in ("relational", "relational-cluster")
    assert "choice-not-advised" in codes(evaluation, "infrastructure.database")


def test_a_framework_turns_down_what_leaves_its_controls_open_and_says_which() -> None:
    reasons = turned_down(worked_out(compliance=("soc2",)), "security.access")
    assert reasons["rbac-just-in-time"] == ADVICE + "it leaves open what SOC 2 CC6.3 asks for (duties are separated)"


def test_without_the_framework_the_other_option_would_win_and_the_plan_says_so() -> None:
    decision = worked_out(compliance=("soc2",)).plan.decision("security.access")
    assert "Role-based access would be chosen without SOC 2" in decision.flips
    assert worked_out().plan.decision("security.access").choice.title == "Role-based access"


def test_an_override_takes_a_gap_knowingly_and_the_gap_is_shown() -> None:
    evaluation = worked_out(compliance=("soc2",), log_retention_days=365, overrides={"security.access": "rbac"})
    assert evaluation.plan.decision("security.access").choice.id == "rbac"
    (finding,) = [f for f in evaluation.findings if f.code == "controls-soc2"]
    assert "Duties are separated" in finding.message


@pytest.mark.parametrize("framework", ["soc2", "iso27001", "pci-dss", "hipaa", "gdpr", "cis"])
def test_a_team_with_the_people_for_it_meets_every_technical_requirement_by_default(framework: str) -> None:
    evaluation = worked_out(
        compliance=(framework,), team_size=12, on_call="24x7", log_retention_days=400, data_residency="eu",
        data_sensitivity="restricted", release_approval="change-board",
    )  # fmt: skip
    missing = [f.message for f in evaluation.findings if f.code.startswith("controls-")]
    assert evaluation.assessment.compliance.pct == 100, missing


def test_experts_are_not_asked_of_a_team_that_has_none_to_spare() -> None:
    safest = {"priority_cost": 0, "priority_simplicity": 0, "priority_resilience": 5, "data_sensitivity": "restricted"}
    assert worked_out(team_size=20, **safest).plan.decision("security.network").choice.id == "zero-trust"
    reasons = turned_down(worked_out(team_size=5, **safest), "security.network")
    assert reasons["zero-trust"] == ADVICE + "it takes experts, and a team of 5 is too small to spare any"


def test_a_price_difference_counts_only_where_the_team_would_notice_it() -> None:
    def cost(budget: float) -> dict[str, float]:
        decision = worked_out(monthly_budget_usd=budget).plan.decision("infrastructure.compute")
        return {o.id: o.scores[0] for o in (decision.choice, *decision.alternatives)}

    small, large = cost(500), cost(500_000)
    assert max(small.values()) - min(small.values()) > 5
    assert max(large.values()) - min(large.values()) < 0.5


def test_what_is_required_elsewhere_is_looked_up_in_the_catalog() -> None:
    reasons = turned_down(worked_out(on_call="business-hours"), "disaster_recovery.incident_response")
    assert reasons["incident-command"] == "nobody is on call outside business hours"
    reasons = turned_down(worked_out(), "disaster_recovery.recovery")
    assert reasons["region-failover-automatic"] == "the design has one region"
