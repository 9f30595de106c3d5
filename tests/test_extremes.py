"""Extremes are answered, or a finding says what cannot be had; never an exception, never a silent guess."""

from __future__ import annotations

from typing import Any

import pytest

from devops_workbook.catalog import load
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.render.json import plan_json
from devops_workbook.requirements import Requirements

PROVIDERS = tuple(load().providers)


def codes(evaluation: Evaluation) -> set[str]:
    return {finding.code for finding in evaluation.findings}


def work_out(provider: str, **wishes: Any) -> Evaluation:
    """An evaluation that can be written as JSON (which knows no infinity) and does not contradict itself."""
    evaluation = evaluate(Requirements(provider=provider, **wishes))
    assert plan_json(evaluation)
    assert "figures-disagree" not in codes(evaluation)
    return evaluation


@pytest.mark.parametrize("provider", PROVIDERS)
def test_hardly_any_load_needs_hardly_anything(provider: str) -> None:
    found = work_out(provider, peak_rps=0.1, average_rps=0.01, spike_factor=1, database_gb=1, object_storage_gb=0)
    capacity = found.assessment.capacity
    assert capacity.workers <= 2
    assert capacity.instances <= 6
    assert capacity.p99_ms is not None
    assert capacity.p99_ms <= 400
    assert found.assessment.cost.production_usd < 1500


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_million_requests_a_second_is_sized_to_within_a_few_per_cent_of_its_offered_load(provider: str) -> None:
    found = work_out(provider, peak_rps=1_000_000, average_rps=400_000, database_gb=50_000)
    capacity = found.assessment.capacity
    (needed,) = (e.value for e in capacity.evidence if e.metric == "Workers needed")
    assert isinstance(needed, int)
    assert capacity.offered_load < needed < 1.12 * capacity.offered_load
    assert needed < capacity.workers < 2 * needed  # a zone may be lost, and processors are not filled up
    assert capacity.instances < 50_000
    assert found.assessment.cost.monthly_usd > 100_000
    assert found.assessment.cost.per_1000_requests_usd < 0.01


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_petabyte_is_stored_and_its_restore_takes_as_long_as_it_takes(provider: str) -> None:
    found = work_out(provider, database_gb=1_000_000, object_storage_gb=1_000_000)
    deletion = next(case for case in found.assessment.recovery.cases if case.disruption == "deletion")
    assert deletion.rto_minutes is not None
    assert deletion.rto_minutes > 10_000
    assert "rto-deletion" in codes(found)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_five_nines_are_met_by_promises_or_it_is_said_that_they_are_not(provider: str) -> None:
    found = work_out(provider, availability_target_pct=99.999)
    pct = found.assessment.availability.pct
    assert pct is None or pct >= 99.999 or "availability-ceiling" in codes(found)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_one_zone_does_not_recover_in_a_minute(provider: str) -> None:
    one_zone = {"disaster_recovery.high_availability": "single-zone"}
    found = work_out(provider, rto_minutes=1, rpo_minutes=1, availability_target_pct=90, overrides=one_zone)
    assert codes(found) & {"rto-zone", "override-forbidden"}
    finding = next(f for f in found.findings if f.code in ("rto-zone", "override-forbidden"))
    assert finding.ways_out


@pytest.mark.parametrize("provider", PROVIDERS)
def test_ten_dollars_buy_no_production_system_and_the_ways_out_say_what_would(provider: str) -> None:
    found = work_out(provider, monthly_budget_usd=10)
    assert found.assessment.cost.budget is not None
    assert found.assessment.cost.budget.gap_usd == pytest.approx(found.assessment.cost.monthly_usd - 10)
    assert found.assessment.cost.budget.exceeded_in == 0
    assert next(f for f in found.findings if f.code == "over-budget").ways_out


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "wishes",
    [
        {"peak_rps": 10_000_000, "average_rps": 10_000_000, "service_time_ms": 3_600_000, "spike_factor": 100},
        {"service_time_cv": 20, "p99_latency_ms": 1},
        {"service_time_cv": 0, "cpu_pct": 100, "growth_pct_per_year": 1000, "horizon_months": 60},
        {"database_gb": 0, "object_storage_gb": 0, "response_kb": 0, "queries_per_request": 0},
        {"object_storage_gb": 1_000_000_000, "database_gb": 10_000_000, "response_kb": 10_000_000},
        {"availability_target_pct": 99.9999, "rto_minutes": 0, "rpo_minutes": 0, "on_call": "24x7"},
        {"team_size": 5000, "deploys_per_week": 5000, "log_retention_days": 3650, "cacheable_pct": 100},
    ],
)
def test_the_ends_of_every_scale_are_answered(provider: str, wishes: dict[str, Any]) -> None:
    found = work_out(provider, **wishes)
    assert found.assessment.cost.monthly_usd > 0
