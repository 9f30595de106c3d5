"""Prometheus rules: promtool takes them, every metric is emitted, every mistake is noticed by a unit test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.documents import documents
from devops_workbook.artifacts.observability import alerts_of, observability
from devops_workbook.artifacts.observability.emitted import emitted
from devops_workbook.artifacts.observability.rules import (
    PERIOD_DAYS,
    budget_recordings_of,
    counters_of,
    courses_of,
    recordings_of,
)
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from tests.artifacts.infrastructure import CASES, design
from tests.artifacts.observability.promtool import parsed, promtool, survivors, written

WITH = [(n, p) for n, p in CASES if Blueprint.of(design(n, p)).choice("observability.metrics") == "prometheus"]
FILES = ("recordings", "budget", "alerts")
_WORDS = {"sum", "rate", "increase", "or", "vector", "count", "group", "by", "instance"}
KUBERNETES = Blueprint.of(design("media-site", "aws"))


def _blueprint(case: tuple[str, str]) -> Blueprint:
    return Blueprint.of(design(*case))


def test_where_the_plan_chose_another_tool_there_is_nothing() -> None:
    for case in CASES:
        found = observability(_blueprint(case))
        folders = {a.path.split("/")[1] for a in found.artifacts}
        assert ("prometheus" in folders) == (case in WITH) == bool(found.alerts)


def test_burn_rates_are_those_of_the_workbook() -> None:
    """At 99.9 %, 14.4 times over 1 h and 5 min, 6 times over 6 h and 30 min, as table 5-8 has it, spend 2 % and 5 % of
    the budget (https://sre.google/workbook/alerting-on-slos/)."""
    b = Blueprint.of(evaluate(Requirements(availability_target_pct=99.9)))
    found = {a.name: [c.expr for c in a.conditions] for a in alerts_of(b)}
    assert found["AvailabilityBurn1H"][:2] == ["slo:availability:bad_share_1h > 0.0144",
                                              "slo:availability:bad_share_5m > 0.0144"]  # fmt: skip
    assert found["AvailabilityBurn6H"][:2] == ["slo:availability:bad_share_6h > 0.006",
                                              "slo:availability:bad_share_30m > 0.006"]  # fmt: skip


def test_a_total_outage_pages_within_a_minute_or_two_and_spends_little_of_the_budget() -> None:
    """1.44 % of an hour is 51.84 s; one evaluation is 60 s."""
    b = Blueprint.of(evaluate(Requirements(availability_target_pct=99.9)))
    page = next(a for a in alerts_of(b) if a.name == "AvailabilityBurn1H")
    assert page.page_seconds == pytest.approx(51.84 + 60)
    assert page.budget_spent == pytest.approx((51.84 + 60) / (0.001 * 30 * 86400))


def test_half_and_nine_tenths_of_a_budget_are_told_as_tickets() -> None:
    """At 99.9 %, 0.1 % of the requests of 30 days may be bad; of 2,000 requests one bad one is half of that."""
    b = Blueprint.of(evaluate(Requirements(availability_target_pct=99.9)))
    found = {a.name: a for a in alerts_of(b)}
    assert found["AvailabilityBudget50"].expr == (
        "slo:availability:bad_share_30d > 0.0005\nand service:requests:increase_30d >= 2000"
    )
    assert found["AvailabilityBudget90"].conditions[0].bound == pytest.approx(0.0009)
    assert {found[f"{o}Budget{share}"].severity for o in ("Availability", "Latency") for share in (50, 90)} == {
        "warning"
    }


@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_prometheus_keeps_what_the_budget_adds_up(case: tuple[str, str]) -> None:
    told = next(a.text for a in observability(_blueprint(case)).artifacts if a.path.endswith("/prometheus.yaml"))
    days = re.search(r"--storage\.tsdb\.retention\.time=(\d+)d", told)
    assert days is not None
    assert int(days[1]) > PERIOD_DAYS


@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_one_failure_alone_is_no_page(case: tuple[str, str]) -> None:
    for alert in alerts_of(_blueprint(case)):
        if alert.least_traffic:
            assert 1 / alert.least_traffic <= alert.conditions[0].bound + 1e-12
            assert alert.conditions[-1].bound == alert.least_traffic


@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_every_metric_is_emitted_and_every_series_recorded(case: tuple[str, str]) -> None:
    b = _blueprint(case)
    known, recorded = emitted(b), set()
    for rule in recordings_of(b, counters_of(b)):
        recorded.add(rule.record)
        for metric, labels in re.findall(r"(\w+)\{([^}]*)\}", rule.expr):
            assert set(re.findall(r"(\w+)(?:=~|!=|=)", labels)) <= known[metric], metric
        outside = re.sub(r"\{[^}]*\}|\[\w+\]", "", rule.expr)
        used = set(re.findall(r"[a-z]\w*", outside)) - _WORDS
        assert used <= set(known)
    for rule in budget_recordings_of(b, courses_of(b)):
        assert set(re.findall(r"[\w:]+(?=\[)", rule.expr)) <= recorded  # what it adds up is recorded each minute
        recorded.add(rule.record)
    assert {c.series for a in alerts_of(b) for c in a.conditions} <= recorded


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_promtool_takes_the_rules_and_their_tests_pass(case: tuple[str, str], tmp_path: Path) -> None:
    folder = written(observability(_blueprint(case)).artifacts, tmp_path)
    for name in FILES:
        for verb, files in (("check", "rules"), ("test", "tests")):
            code, told = promtool(verb, "rules", folder / files / f"{name}.yaml")
            assert code == 0, told


@pytest.mark.cycle
@pytest.mark.needs("promtool")
@pytest.mark.parametrize(("name", "least"), list(zip(FILES, (100, 20, 100), strict=True)))
def test_every_mistake_in_a_rule_fails_a_unit_test(name: str, least: int, tmp_path: Path) -> None:
    count, alive = survivors(written(observability(KUBERNETES).artifacts, tmp_path), name)
    print(f"{name}: {count - len(alive)} of {count} mutants noticed")
    assert count > least
    assert alive == []


def test_names_of_people_stay_text() -> None:
    name = 'Zoë\'s "shop": #1 ${x} {{ y }}\n- a'
    wanted = {"name": name, "overrides": {"observability.metrics": "prometheus"}}
    b = Blueprint.of(evaluate(KUBERNETES.requirements.model_copy(update=wanted)))
    slo = next(a for a in observability(b).artifacts if a.path == "observability/slo/availability.yaml")
    assert parsed(slo.text)["spec"]["description"] == f"Availability of {name}"


# --- saturation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compute", ["kubernetes", "containers", "vms", "functions"])
def test_replicas_run_out_of_processors_wherever_there_are_replicas(compute: str) -> None:
    chosen = {"infrastructure.compute": compute, "observability.metrics": "prometheus"}
    b = Blueprint.of(evaluate(Requirements(overrides=chosen)))
    found = {r.record: r.expr for r in recordings_of(b, counters_of(b))}.get("compute:cpu:used_share_5m")
    alerts = {a.name for a in alerts_of(b)} & {"ComputeSaturationWarning", "ComputeSaturationCritical"}
    if compute == "functions":
        assert (found, alerts) == (None, set())
    else:
        sku = b.component("compute").sku
        size = b.provider.instances[sku].vcpu if compute == "vms" else b.catalog.assumptions["replica_vcpu"].value
        assert found is not None
        assert found.endswith(f"* {size:g})")
        assert len(alerts) == 2


# --- a cache ---------------------------------------------------------------------------------------------

CACHED = Blueprint.of(evaluate(Requirements(overrides={
    "scaling.caching": "in-memory", "observability.metrics": "prometheus", "observability.dashboards": "grafana",
})))  # fmt: skip


@pytest.mark.needs("promtool")
def test_a_cache_is_watched_apart_from_the_database_that_the_same_metric_counts(tmp_path: Path) -> None:
    watch = observability(CACHED)
    assert "CacheErrorsWarning" in {a.name for a in watch.alerts}
    folder = written(watch.artifacts, tmp_path)
    for name in FILES:
        for verb, files in (("check", "rules"), ("test", "tests")):
            code, told = promtool(verb, "rules", folder / files / f"{name}.yaml")
            assert code == 0, told
    expressions = {r.record: r.expr for r in recordings_of(CACHED, counters_of(CACHED))}
    assert 'db_system_name=~"' in expressions["cache:queries:failed_share_5m"]
    assert 'db_system_name!~"' in expressions["database:queries:failed_share_5m"]


@pytest.mark.needs("promtool")
def test_a_cache_whose_failures_count_as_the_database_s_is_noticed(tmp_path: Path) -> None:
    folder = written(observability(CACHED).artifacts, tmp_path)
    path = folder / "rules" / "recordings.yaml"
    whole = path.read_text(encoding="utf-8")
    for wrong in (
        whole.replace("db_system_name!~", "db_system_name!="),
        whole.replace("db_system_name=~", "db_system_name!~"),
    ):
        path.write_text(wrong, encoding="utf-8")
        assert promtool("test", "rules", folder / "tests" / "recordings.yaml")[0] != 0


def test_every_alert_of_a_cached_design_has_a_runbook_and_a_series() -> None:
    watch = observability(CACHED)
    known = emitted(CACHED)
    for rule in recordings_of(CACHED, counters_of(CACHED)):
        for metric, labels in re.findall(r"(\w+)\{([^}]*)\}", rule.expr):
            assert set(re.findall(r"(\w+)(?:=~|!=|!~|=)", labels)) <= known[metric]
    pages = {a.path for a in documents(CACHED, watch.alerts, ())}
    assert {f"docs/runbooks/{a.id}.md" for a in watch.alerts} <= pages
