"""How much the system says about itself, and the machines that the tools taking it in need."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devops_workbook.catalog import load
from devops_workbook.design.context import Context
from devops_workbook.design.decide import decide_all
from devops_workbook.design.sites import site_compute, sites_of
from devops_workbook.design.sizing import DAYS_PER_MONTH
from devops_workbook.design.telemetry import (
    hosting,
    pipeline_minutes_month,
    searchable_days,
    stored_gb,
    telemetry_of,
    tiers,
)
from devops_workbook.requirements import Requirements

CDN_OFF = {"scaling.caching": "none"}


def decided(**changes: Any) -> Context:
    c = Context(Requirements(**changes), load())
    decide_all(c)
    return c


def test_logs_follow_from_requests_and_retention() -> None:
    c = decided(average_rps=100, cacheable_pct=0, log_retention_days=90)
    t = telemetry_of(c)
    requests = 100 * 730 * 3600
    assert t.log_gb == pytest.approx(requests * c.assume("log_kb_per_request") / 1e6)
    assert t.log_stored_gb == pytest.approx(t.log_gb * 90 / DAYS_PER_MONTH)
    assert t.log_kept_gb == pytest.approx(t.log_gb * 60 / DAYS_PER_MONTH)
    assert t.spans == pytest.approx(requests * c.assume("trace_sample_share") * c.assume("spans_per_request"))


def test_logs_kept_no_longer_than_the_included_time_cost_nothing_to_keep() -> None:
    assert telemetry_of(decided(log_retention_days=30)).log_kept_gb == 0


def test_what_is_billed_as_stored_is_what_the_tiers_hold() -> None:
    for days in (1, 14, 30, 31, 90, 400, 3650):
        t = telemetry_of(decided(log_retention_days=days, compliance=("pci-dss",), team_size=20))
        assert sum(tier.days for tier in t.logs) == days
        assert t.usage["log_stored_gb"] == sum(tier.gb for tier in t.logs)
        assert t.usage["log_kept_gb"] == sum(tier.gb for tier in t.logs[1:])
        assert t.log_stored_gb == pytest.approx(t.log_gb / DAYS_PER_MONTH * days)


def test_pci_asks_for_three_months_at_hand_and_the_rest_is_archived() -> None:
    # PCI DSS 4.0.1, 10.5.1: audit log history for at least 12 months, the most recent three immediately available.
    logs = telemetry_of(decided(compliance=("pci-dss",), log_retention_days=365, team_size=20)).logs
    assert [(tier.title, tier.days) for tier in logs] == [
        ("Searchable, first 30 days", 30), ("Searchable", 60), ("Kept", 275),
    ]  # fmt: skip


def test_fedramp_asks_for_a_year_in_active_storage_and_eighteen_months_in_cold() -> None:
    # OMB M-21-31, as implemented by https://docs.cloud.gov/platform/compliance/m-21-31-compliance: 12 months active,
    # 18 months archived.
    months = 365 / 12
    c = decided(compliance=("fedramp-moderate",), log_retention_days=round(30 * months), team_size=20)
    logs = telemetry_of(c).logs
    assert searchable_days(c) == 365
    assert [round(tier.days / months) for tier in logs] == [1, 11, 18]


def test_without_a_framework_logs_are_searchable_as_long_as_ingestion_pays_for() -> None:
    assert [tier.days for tier in telemetry_of(decided(log_retention_days=90)).logs] == [30, 60]
    assert [tier.title for tier in telemetry_of(decided(log_retention_days=14)).logs] == ["Searchable, first 14 days"]


def test_a_tier_that_ends_no_later_than_the_one_before_is_left_out() -> None:
    assert [(t.title, t.days, t.gb) for t in tiers(2, [("a", 30), ("b", 30), ("c", 45)])] == [
        ("a", 30, 60), ("c", 15, 30),
    ]  # fmt: skip


DAY = 86_400


@pytest.mark.parametrize(
    ("per_second", "size", "days", "stored"),
    [
        # 57,114 series scraped every 60 s for a week at 2 bytes a sample: 1,151,418,240 bytes
        # (https://github.com/pipe-cd/pipecd/pull/2314).
        (57_114 / 60, 2, 7, 1_151_418_240),
        # 345,600 s at 8,521 samples/s and 2 bytes: 5,889,715,200 bytes; at 0.91 bytes 2,679.8 million
        # (https://gitlab.com/gitlab-org/charts/gitlab/-/issues/5257).
        (8_521, 2, 4, 5_889_715_200),
        (8_521, 0.91, 4, 2_679_820_416),
        # 864,000 s, 21,359.936262203624 samples/s, 1.640350514654668 bytes a sample: 30,272,644,028.76 bytes
        # (https://gist.github.com/mikejoh/c172b2400909d33c37199c9114df61ef).
        (21_359.936262203624, 1.640350514654668, 10, 30_272_644_028.76),
        # 1,000 spans/s of 500 bytes make 43 GB a day (https://www.k8scalc.com/calculators/tempo-tracing-storage-calculator).
        (1_000, 500, 1, 43e9),
    ],
)
def test_volumes_that_others_worked_out(per_second: float, size: float, days: float, stored: float) -> None:
    assert stored_gb(per_second, size, days) * 1e9 == pytest.approx(stored, rel=0.005)


def test_spans_as_a_vendor_counts_them() -> None:
    # At 20 spans a request 50,000 requests make a million spans
    # (https://mackerel.io/docs/entry/tracing/guide/pricing-mackerel).
    known = load().assumptions
    assumed = {"spans_per_request": 20.0, "trace_sample_share": 1.0}
    assumptions = {**known, **{name: replace(known[name], value=value) for name, value in assumed.items()}}
    requirements = Requirements(average_rps=50_000 / (730 * 3600), cacheable_pct=0, overrides=CDN_OFF)
    c = Context(requirements, replace(load(), assumptions=assumptions))
    decide_all(c)
    assert telemetry_of(c).spans == pytest.approx(1e6)


@pytest.mark.parametrize("form", ["single-zone", "multi-zone", "warm-standby", "active-active"])
def test_every_running_instance_of_every_site_reports(form: str) -> None:
    overrides = {"disaster_recovery.high_availability": form, "infrastructure.compute": "containers"}
    c = decided(overrides=overrides, availability_target_pct=99)
    assert c.choice("disaster_recovery.high_availability") == form
    running = sum(site_compute(c, site).mean for site in sites_of(c))
    assert telemetry_of(c).hosts == pytest.approx(running)
    assert telemetry_of(c).metric_series == pytest.approx(running * c.assume("metric_series_per_instance"))


def test_functions_are_no_hosts_and_a_price_per_host_says_nothing_about_them() -> None:
    c = decided(overrides={"infrastructure.compute": "functions"}, availability_target_pct=99)
    assert c.choice("infrastructure.compute") == "functions"
    assert telemetry_of(c).hosts is None


def test_a_hosted_tool_needs_no_machines() -> None:
    c = decided()
    assert hosting(c, c.catalog.tools["datadog"], telemetry_of(c)).usage == {}


def test_a_self_run_tool_needs_more_machines_the_more_it_takes_in() -> None:
    small, large = decided(peak_rps=200, average_rps=50), decided(peak_rps=200_000, average_rps=50_000)
    for tool in ("otel-collector", "loki"):
        nodes = [hosting(c, c.catalog.tools[tool], telemetry_of(c)).nodes for c in (small, large)]
        assert nodes[0] == small.catalog.tools[tool].limits["nodes"]
        assert nodes[1] > 10 * nodes[0]


@pytest.mark.parametrize(("provider", "days"), [("aws", 30), ("azure", 31), ("gcp", 30)])
def test_retention_is_billed_beyond_what_ingestion_includes(provider: str, days: int) -> None:
    """Azure Monitor Logs include 31 days, Cloud Logging 30: limits of the services in the catalog."""
    t = telemetry_of(decided(provider=provider, log_retention_days=90))
    assert t.logs[0].days == days
    assert t.log_kept_gb == pytest.approx(t.log_gb / DAYS_PER_MONTH * (90 - days))


@pytest.mark.parametrize(
    ("gb_day", "nodes"),
    [
        # One process serves about 20 GB a day: https://grafana.com/docs/loki/latest/get-started/deployment-modes/
        (20, 2), (40, 4),
        # Below 3 TB a day 38 vCPU in all, here 2 a node: https://grafana.com/docs/loki/latest/setup/size/
        (3_000, 20),
    ],
)  # fmt: skip
def test_loki_grows_as_its_sizing_guide_says(gb_day: float, nodes: int) -> None:
    c = decided(peak_rps=1, average_rps=1)
    t = replace(telemetry_of(c), log_gb=gb_day * DAYS_PER_MONTH)
    assert hosting(c, c.catalog.tools["loki"], t).nodes == nodes


def test_the_collector_sees_every_span_and_jaeger_only_those_kept() -> None:
    c = decided(peak_rps=20_000, average_rps=5_000, cacheable_pct=0, growth_pct_per_year=0, spike_factor=1)
    t = telemetry_of(c)
    collector, jaeger = c.catalog.tools["otel-collector"], c.catalog.tools["jaeger"]
    vcpus = (
        20_000 * 6 / collector.limits["spans_per_second_per_vcpu"]
        + t.metric_series / 60 / collector.limits["points_per_second_per_vcpu"]
        + 20_000 / collector.limits["logs_per_second_per_vcpu"]
    )
    assert hosting(c, collector, t).nodes == 2 * -(-vcpus // 2)
    assert hosting(c, jaeger, t).nodes == 3


def test_jenkins_bills_its_controller_all_the_time_and_agents_while_they_run() -> None:
    c = decided(deploys_per_week=10)
    minutes = pipeline_minutes_month(c)
    assert minutes == pytest.approx(10 * 4.345 * 5 * 20)
    assert hosting(c, c.catalog.tools["jenkins"], telemetry_of(c)).usage["host_hours"] == 730 + minutes / 60


def test_a_self_run_tool_keeps_what_it_takes_in_on_its_disks() -> None:
    c = decided(log_retention_days=60)
    t, tools, node = telemetry_of(c), c.catalog.tools, c.assume("disk_gb_per_instance")
    grafana, loki, prometheus, jaeger, vault = (
        hosting(c, tools[id], t) for id in ("grafana", "loki", "prometheus", "jaeger", "vault")
    )
    assert grafana.usage["disk_gb"] == grafana.nodes * node
    assert loki.usage["disk_gb"] == pytest.approx(loki.nodes * node + t.log_stored_gb)
    two_weeks = t.samples * 15 / 30.4 * 2 / 1e9  # 2 bytes a sample, on both replicas
    assert prometheus.usage["disk_gb"] == pytest.approx(prometheus.nodes * (node + two_weeks), rel=1e-3)
    assert jaeger.usage["disk_gb"] == pytest.approx(jaeger.nodes * node + t.spans * 7 / 30.4 / 1e6, rel=1e-3)
    assert vault.usage["disk_gb"] == pytest.approx(vault.nodes * 100 * 1.073741824)
