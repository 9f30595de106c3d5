"""Alarms: four golden signals and work that waits, twice, from the targets and sizes of the design."""

from __future__ import annotations

import pytest

from devops_workbook.artifacts.alarms import alarms_of
from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples, load

PAYMENTS = Blueprint.of(evaluate(load(examples()["payments-api"]).requirements))


def test_each_of_entry_compute_and_database_has_every_signal_twice() -> None:
    found = list(alarms_of(PAYMENTS))
    assert len({a.id for a in found}) == len(found) == 24
    assert {a.component for a in found} == {"entry", "compute", "database"}


def test_errors_burn_the_budget_as_the_sre_workbook_has_it() -> None:
    """At a target of 99.9 %, 14.4 times the sustainable rate is an error ratio of 1.44 %, 6 times is 0.6 %: The Site
    Reliability Workbook, chapter 5, "Alerting on SLOs" (https://sre.google/workbook/alerting-on-slos/)."""
    b = Blueprint.of(evaluate(Requirements(availability_target_pct=99.9)))
    found = {a.id: a.threshold for a in alarms_of(b)}
    assert found["entry-errors-critical"] == pytest.approx(0.0144)
    assert found["entry-errors-warning"] == pytest.approx(0.006)


def test_a_page_comes_later_than_its_warning() -> None:
    found = {a.id: a for a in alarms_of(PAYMENTS)}
    for id, alarm in found.items():
        if alarm.severity == "critical":
            warning = found[id.replace("critical", "warning")]
            assert alarm.threshold > warning.threshold
            assert alarm.minutes < warning.minutes


def test_shares_stay_shares() -> None:
    b = Blueprint.of(evaluate(Requirements(availability_target_pct=90.0)))
    assert all(0 < a.threshold <= 1 for a in alarms_of(b) if a.unit == "share")


def test_traffic_is_alarmed_at_what_was_planned_for() -> None:
    found = {a.id: a.threshold for a in alarms_of(PAYMENTS)}
    assert found["entry-traffic-critical"] == PAYMENTS.assessment.capacity.planned_rps


@pytest.mark.parametrize(("target_ms", "warning", "critical"), [(200, 60, 300), (30_000, 60, 300), (90_000, 90, 450)])
def test_work_waits_no_longer_than_the_latency_target(target_ms: int, warning: float, critical: float) -> None:
    """A page at five times the target; metrics come once a minute, so that none is below that."""
    b = Blueprint.of(evaluate(Requirements(workload_type="event-driven", p99_latency_ms=target_ms)))
    found = {a.id: a.threshold for a in alarms_of(b)}
    assert (found["intake-age-warning"], found["intake-age-critical"]) == (warning, critical)


def test_where_nothing_waits_nothing_is_alarmed() -> None:
    assert not [a for a in alarms_of(PAYMENTS) if a.signal == "age"]


@pytest.mark.parametrize("provider", ["aws", "gcp", "azure"])
@pytest.mark.parametrize("form", ["single-zone", "warm-standby"])
@pytest.mark.parametrize("workload", ["web-api", "event-driven", "streaming"])
def test_the_bill_counts_the_alarms_that_signals_allow(provider: str, form: str, workload: str) -> None:
    overrides = {"observability.metrics": "native", "disaster_recovery.high_availability": form}
    b = Blueprint.of(evaluate(Requirements(provider=provider, workload_type=workload, overrides=overrides)))
    reported = [a for a in alarms_of(b) if a.signal in b.provider.signals(b.component(a.component).service)]
    assert b.component("alerting").usage["alarms"] == len(reported) * len(b.sites) > 0
