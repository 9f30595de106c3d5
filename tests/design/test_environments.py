"""Environments beside production: shares of what production uses, and no part that production does not have."""

from __future__ import annotations

from typing import Any

import pytest

from devops_workbook.catalog import load
from devops_workbook.design.context import Context
from devops_workbook.design.decide import decide_all
from devops_workbook.design.environments import Scale, machines_running, scale_of, week_share
from devops_workbook.design.model import Topology
from devops_workbook.design.pricing import find_service
from devops_workbook.design.topology import build
from devops_workbook.requirements import Requirements

PROVIDERS = tuple(load().providers)
ACTIVE = {"disaster_recovery.high_availability": "active-active"}
HOURS = 60 / 168


def scaled(environment: str, **changes: Any) -> tuple[Topology, Scale, str]:
    r = Requirements(**{"availability_target_pct": 99, **changes})
    c = Context(r, load())
    decide_all(c)
    topology = build(c)
    parity = load().environments[environment]
    return topology, scale_of(c, topology, parity, machines_running(c, topology)), r.provider


def share(found: tuple[Topology, Scale, str], id: str, per: str) -> float:
    """The share of one usage of one component; it must be there in production."""
    topology, scale, provider = found
    component = topology.component(id)
    assert component.usage[per], f"{id} has no {per}"
    return scale.share(component, find_service(load(), provider, component.service), load().usage[per])


def overrides(**more: str) -> dict[str, str]:
    names = {
        "form": "disaster_recovery.high_availability", "compute": "infrastructure.compute", "cache": "scaling.caching",
        "database": "infrastructure.database", "logs": "observability.logging", "metrics": "observability.metrics",
        "hours": "cost.efficiency", "entry": "scaling.load_balancing",
    }  # fmt: skip
    base = {"form": "multi-zone", "hours": "scheduled-shutdown", "compute": "vms", "database": "relational"}
    return {names[name]: option for name, option in {**base, **more}.items()}


def test_requests_and_data_come_in_their_shares() -> None:
    for environment, traffic, data in (("staging", 0.1, 0.25), ("development", 0.01, 0.05)):
        found = scaled(environment, overrides=overrides())
        assert share(found, "entry", "lb_gb") == traffic
        assert share(found, "logs", "log_gb") == traffic
        assert share(found, "files", "storage_gb") == data
        assert share(found, "entry", "lb_hours") == 1


def test_staging_keeps_one_machine_in_each_zone_for_the_working_hours() -> None:
    busy = {"peak_rps": 5000, "average_rps": 4000}
    found = scaled("staging", overrides=overrides(), **busy)
    topology, scale, _ = found
    mean = (topology.component("compute").usage["instance_hours"] or 0.0) / 730
    assert mean > 6
    assert share(found, "compute", "instance_hours") == pytest.approx(3 / mean * HOURS)
    assert share(found, "compute", "disk_gb") == pytest.approx(3 / mean * HOURS)
    assert scale.telemetry == pytest.approx(3 / mean * HOURS)
    around = scaled("staging", overrides=overrides(hours="always-on"), **busy)
    assert share(around, "compute", "instance_hours") == pytest.approx(3 / mean)


def test_a_database_stops_only_where_its_service_can() -> None:
    for provider in PROVIDERS:
        found = scaled("staging", provider=provider, overrides=overrides())
        topology, _, _ = found
        service = find_service(load(), provider, topology.component("database").service)
        hours = HOURS if "stoppable" in service.features else 1.0
        assert share(found, "database", "instance_hours") == pytest.approx(hours)


def test_the_cache_never_stops() -> None:
    found = scaled("staging", overrides=overrides(cache="in-memory"))
    assert share(found, "cache", "instance_hours") == 1
    assert share(scaled("development", overrides=overrides(cache="in-memory")), "cache", "instance_hours") == 0.5


def test_development_has_one_zone_and_one_region() -> None:
    found = scaled("development", secondary_region="us-west-2", overrides=overrides(form="active-active"))
    assert share(found, "nat", "nat_hours") == pytest.approx(1 / 3)
    assert share(found, "nat", "address_hours") == pytest.approx(1 / 3)
    assert share(found, "endpoints", "endpoint_hours") == pytest.approx(1 / 3)
    assert share(found, "entry", "address_hours") == pytest.approx(2 / 3), "an ALB spans two zones at the least"
    assert share(found, "transfer", "zone_gb") == share(found, "transfer", "region_gb") == 0
    for component in found[0].components:
        if component.region == "us-west-2":
            assert all(share(found, component.id, per) == 0 for per, amount in component.usage.items() if amount)


def test_staging_has_the_second_region_where_production_has_one() -> None:
    found = scaled("staging", secondary_region="us-west-2", overrides=overrides(form="active-active"))
    assert share(found, "compute-2", "instance_hours") > 0
    assert share(found, "nat-2", "nat_hours") == 1


def test_functions_cost_what_their_requests_cost_and_report_as_one() -> None:
    functions = overrides(compute="functions", database="nosql", form="active-active")
    more = {"data_model": "document", "secondary_region": "us-west-2"}
    staging = scaled("staging", overrides=functions, **more)
    assert share(staging, "compute", "gib_seconds") == 0.1
    assert staging[1].telemetry == 1
    assert scaled("development", overrides=functions, **more)[1].telemetry == 0.5, "one of the two sites"


def test_what_exists_once_is_not_there_again() -> None:
    self_run = overrides(metrics="prometheus", logs="loki")
    for environment in ("staging", "development"):
        found = scaled(environment, overrides=self_run)
        assert share(found, "source", "seats") == share(found, "pipeline", "ci_minutes") == 0
        assert share(found, "registry", "storage_gb") == share(found, "on-call", "seats") == 0
        assert share(found, "metrics", "host_hours") == share(found, "logs", "disk_gb") == 0


def test_no_share_is_above_one() -> None:
    for provider in PROVIDERS:
        for compute in ("vms", "kubernetes", "containers", "functions"):
            for form in ("single-zone", "pilot-light", "warm-standby", "active-active"):
                for environment in load().environments:
                    wanted = overrides(compute=compute, form=form)
                    topology, scale, _ = scaled(environment, provider=provider, overrides=wanted)
                    for x in topology.components:
                        service = find_service(load(), provider, x.service)
                        known = [load().usage[per] for per in x.usage if per in load().usage]
                        assert all(0 <= scale.share(x, service, usage) <= 1 for usage in known)


def test_the_week_has_168_hours() -> None:
    c = Context(Requirements(overrides=overrides()), load())
    decide_all(c)
    assert week_share(c, load().environments["staging"]) == pytest.approx(HOURS)
