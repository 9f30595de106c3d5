"""How much the system says about itself, and the machines that the tools taking it in need."""

from __future__ import annotations

from typing import Any

import pytest

from devops_workbook.catalog import load
from devops_workbook.design.context import Context
from devops_workbook.design.decide import decide_all
from devops_workbook.design.sites import site_compute, sites_of
from devops_workbook.design.telemetry import hosting, pipeline_minutes_month, telemetry_of
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
    assert t.log_stored_gb == pytest.approx(t.log_gb * 90 / 30.4)
    assert t.log_kept_gb == pytest.approx(t.log_gb * 60 / 30.4)
    assert t.spans == pytest.approx(requests * c.assume("trace_sample_share") * c.assume("spans_per_request"))


def test_logs_kept_no_longer_than_the_included_time_cost_nothing_to_keep() -> None:
    assert telemetry_of(decided(log_retention_days=30)).log_kept_gb == 0


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
