"""What the system says about itself, signal by signal, and how long it is kept."""

from __future__ import annotations

from typing import Any

import pytest

from devops_workbook.assess.model import Signal
from devops_workbook.catalog import load
from devops_workbook.design.sizing import DAYS_PER_MONTH
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.units import parse

PROVIDERS = tuple(load().providers)


def signals(evaluation: Evaluation) -> dict[str, Signal]:
    return {signal.kind: signal for signal in evaluation.assessment.telemetry.signals}


def evaluated(**values: Any) -> tuple[Evaluation, dict[str, Signal]]:
    evaluation = evaluate(Requirements(**values))
    return evaluation, signals(evaluation)


def test_a_hand_worked_example() -> None:
    # 100 requests/s, nothing cached: 1 kB of log each is 8.64 GB a day; 6 spans each, of which 5 % are kept at 1 kB, is
    # 2.592 GB a day; one audit event of 1.5 kB for a hundred requests is 0.1296 GB a day.
    _, found = evaluated(
        average_rps=100, cacheable_pct=0, log_retention_days=400, overrides={"scaling.caching": "none"}
    )
    assert found["logs"].gb_day == pytest.approx(8.64)
    assert (found["logs"].rate, found["logs"].unit) == (pytest.approx(100), "kB/s")
    assert found["traces"].rate == pytest.approx(100 * 6 * 0.05)
    assert found["traces"].gb_day == pytest.approx(2.592)
    assert found["audit"].gb_day == pytest.approx(0.1296)
    assert {tier.title: tier.gb for tier in found["logs"].tiers} == {
        "Searchable, first 30 days": pytest.approx(8.64 * 30), "Kept": pytest.approx(8.64 * 370),
    }  # fmt: skip


def test_metrics_by_the_formula_of_prometheus() -> None:
    # needed disk space = retention x samples a second x bytes a sample
    # (https://prometheus.io/docs/prometheus/latest/storage/), with a sample a minute from every series.
    own = {"observability.metrics": "prometheus"}
    _, found = evaluated(team_size=20, overrides=own)
    metrics = found["metrics"]
    series = {q.name: q.value for q in metrics.evidence.inputs}["active series"]
    assert metrics.rate == pytest.approx(series / 60)
    (tier,) = metrics.tiers
    assert tier.days == load().tools["prometheus"].limits["retention_days"] == 35
    assert tier.gb == pytest.approx(35 * 86_400 * metrics.rate * 2 / 1e9)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_volumes_shown_are_the_volumes_billed(provider: str) -> None:
    evaluation, found = evaluated(provider=provider, log_retention_days=365, compliance=("pci-dss",), team_size=20)
    usage = {id: evaluation.topology.component(id).usage for id in ("metrics", "logs", "traces", "audit")}
    seconds = 730 * 3600
    assert found["logs"].gb_day * DAYS_PER_MONTH == pytest.approx(usage["logs"]["log_gb"])
    assert sum(tier.gb for tier in found["logs"].tiers) == usage["logs"]["log_stored_gb"]
    assert sum(tier.gb for tier in found["logs"].tiers[1:]) == usage["logs"]["log_kept_gb"]
    assert found["metrics"].rate * seconds == pytest.approx(usage["metrics"]["samples"])
    assert found["traces"].rate * seconds == pytest.approx(usage["traces"]["spans"])
    assert found["audit"].rate * seconds == pytest.approx(usage["audit"]["events"])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_tier_holds_the_volume_of_its_days(provider: str) -> None:
    _, found = evaluated(provider=provider, log_retention_days=200)
    assert list(found) == ["metrics", "logs", "traces", "audit"]
    for signal in found.values():
        assert signal.tiers
        assert signal.component == signal.kind
        for tier in signal.tiers:
            assert tier.days > 0
            assert tier.gb == pytest.approx(tier.days * signal.gb_day)


def test_a_service_keeps_no_longer_than_it_can() -> None:
    for provider in PROVIDERS:
        evaluation, found = evaluated(provider=provider, overrides={"observability.tracing": "native"})
        service = load().providers[provider].services[evaluation.topology.component("traces").service]
        longest = service.limits.get("retention_days", service.limits.get("retention_days_max", 30))
        assert sum(tier.days for tier in found["traces"].tiers) == min(30, longest)
    _, found = evaluated(team_size=20, overrides={"observability.tracing": "jaeger"})
    assert [tier.days for tier in found["traces"].tiers] == [7]


def test_audit_events_stay_as_long_as_logs_and_longer_where_the_service_keeps_them() -> None:
    assert [tier.days for tier in evaluated(log_retention_days=400)[1]["audit"].tiers] == [30, 370]
    for days in (30, 400):
        # Cloud Audit Logs keep admin activity for 400 days whatever is asked.
        assert [t.days for t in evaluated(provider="gcp", log_retention_days=days)[1]["audit"].tiers] == [400]
    long = evaluated(provider="gcp", log_retention_days=1000)[1]["audit"]
    assert [tier.days for tier in long.tiers] == [400, 600]


def test_audit_events_are_at_hand_for_three_months_where_pci_asks() -> None:
    _, found = evaluated(compliance=("pci-dss",), log_retention_days=365, team_size=20)
    assert [(tier.title, tier.days) for tier in found["audit"].tiers] == [("Searchable", 90), ("Kept", 275)]


@pytest.mark.parametrize("kind", ["logs", "traces", "audit"])
def test_ten_times_the_load_says_ten_times_as_much(kind: str) -> None:
    one, ten = (evaluated(average_rps=rps, peak_rps=1000)[1][kind] for rps in (5, 50))
    assert ten.gb_day == pytest.approx(10 * one.gb_day)


def test_every_volume_can_be_asked_why() -> None:
    for provider in PROVIDERS:
        found = evaluated(provider=provider)[1].values()
        assert len({signal.evidence.metric for signal in found}) == len(found)
        for signal in found:
            assert signal.evidence.value == signal.gb_day
            assert signal.evidence.source
            assert signal.evidence.as_of
            for unit in (signal.unit, signal.evidence.unit, *(q.unit for q in signal.evidence.inputs)):
                parse(unit)
