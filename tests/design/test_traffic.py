"""Bytes beside the requests: images, telemetry, cached reads, and the addresses they go through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devops_workbook.catalog import load
from devops_workbook.design.context import Context
from devops_workbook.design.decide import decide_all
from devops_workbook.design.model import Connection, Topology
from devops_workbook.design.sites import site_compute, sites_of
from devops_workbook.design.sizing import SECONDS_PER_MONTH, address_count
from devops_workbook.design.telemetry import telemetry_of
from devops_workbook.design.topology import build
from devops_workbook.requirements import Requirements

FORM = "disaster_recovery.high_availability"
INSIDE = {
    "cicd.artifacts": "provider-registry", "observability.logging": "native", "observability.tracing": "native",
    FORM: "multi-zone", "scaling.caching": "none", "infrastructure.compute": "vms",
}  # fmt: skip


def built(**changes: Any) -> tuple[Context, Topology]:
    values = {"availability_target_pct": 99, "cacheable_pct": 0, **changes}
    c = Context(Requirements(**values), load())
    decide_all(c)
    return c, build(c)


def between(topology: Topology, source: str, target: str) -> Connection:
    return next(x for x in topology.connections if (x.source, x.target) == (source, target))


def test_every_deployment_pulls_one_image_for_each_machine() -> None:
    c, topology = built(deploys_per_week=10, overrides=INSIDE)
    machines = site_compute(c, sites_of(c)[0]).mean
    pull = between(topology, "registry", "compute")
    assert pull.gb_month == pytest.approx(10 * 4.345 * machines * 0.5)
    assert pull.crosses == "", "inside the region"


def test_images_from_outside_come_through_nat_and_those_for_another_region_cross_it() -> None:
    at_home, abroad = INSIDE, {**INSIDE, "cicd.artifacts": "source-host-registry"}
    egress = built(overrides=at_home)[1].component("nat").usage["nat_gb"]
    c, topology = built(overrides=abroad)
    pulled = between(topology, "source", "compute").gb_month
    assert topology.component("nat").usage["nat_gb"] == pytest.approx((egress or 0.0) + (pulled or 0.0))
    c, topology = built(overrides={**at_home, FORM: "active-active"}, secondary_region="us-west-2")
    assert between(topology, "registry", "compute-2").crosses == "region"
    assert c.region.id == topology.component("registry").region


def test_functions_pull_no_images() -> None:
    functions = {**INSIDE, "infrastructure.compute": "functions", "infrastructure.database": "nosql"}
    assert between(built(overrides=functions, data_model="document")[1], "registry", "compute").gb_month == 0


def test_logs_for_a_hosted_tool_leave_through_nat_to_the_internet() -> None:
    stay = built(overrides=INSIDE)[1]
    c, leave = built(overrides={**INSIDE, "observability.logging": "datadog"})
    gb = telemetry_of(c).log_gb
    assert between(leave, "collector", "logs").crosses == "internet"
    for component, per in (("transfer", "internet_gb"), ("nat", "nat_gb")):
        before, after = (t.component(component).usage[per] or 0.0 for t in (stay, leave))
        assert after - before == pytest.approx(gb), per


def test_telemetry_of_the_second_site_crosses_the_region() -> None:
    _, topology = built(overrides={**INSIDE, FORM: "active-active"}, secondary_region="us-west-2", average_rps=100)
    sent = between(topology, "compute-2", "collector")
    requests = 100 * SECONDS_PER_MONTH / 2
    assert sent.crosses == "region"
    assert sent.gb_month == pytest.approx(requests * (1.0 + 6 * 1.0) / 1e6), "a kilobyte of log and six spans of one"
    moved = topology.component("transfer-2").usage["region_gb"]
    assert moved == pytest.approx(sent.gb_month)


def test_every_read_asks_the_cache_half_of_them_in_the_other_zone() -> None:
    _, topology = built(overrides={**INSIDE, "scaling.caching": "in-memory"}, average_rps=10)
    asked = between(topology, "compute", "cache")
    assert asked.crosses == "zone"
    assert asked.gb_month == pytest.approx(10 * SECONDS_PER_MONTH * 3 * 0.8 * 4 / 1e6 / 2)
    alone = between(
        built(overrides={**INSIDE, "scaling.caching": "in-memory", FORM: "single-zone"})[1], "compute", "cache"
    )
    assert alone.crosses == ""


def test_the_cdn_fills_its_cache_from_the_origin() -> None:
    _, topology = built(overrides={**INSIDE, "scaling.caching": "cdn"}, cacheable_pct=60, average_rps=10)
    usage = topology.component("cdn").usage
    gb = 10 * SECONDS_PER_MONTH * 20 / 1e6
    assert usage["cdn_gb"] == pytest.approx(gb)
    assert usage["cdn_cached_gb"] == pytest.approx(0.6 * gb)
    assert usage["cdn_passed_gb"] == pytest.approx(0.4 * gb)
    assert usage["cdn_fill_gb"] == pytest.approx(0.6 * gb * 0.1), "nine of ten are answered from the cache"


def test_an_entry_has_an_address_in_each_zone_where_its_nodes_have_one() -> None:
    balancer = load().providers["aws"].services["alb"]
    assert [address_count(balancer, zones) for zones in (0, 1, 2, 3)] == [2, 2, 2, 3]
    assert address_count(replace(balancer, limits={}), 3) == 1
    _, topology = built(overrides=INSIDE)
    assert topology.component("entry").usage["address_hours"] == 3 * 730
    assert topology.component("nat").usage["address_hours"] == topology.component("nat").count * 730
