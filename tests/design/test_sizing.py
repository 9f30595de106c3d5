"""From the stated load to workers, instances and database sizes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.catalog import load
from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.sizing import (
    HOURS_PER_MONTH,
    SECONDS_PER_MONTH,
    Load,
    cache_size,
    cheapest_instance,
    compute_size,
    compute_usage,
    database_size,
    database_usage,
    smallest_machine,
    zone_count,
)
from devops_workbook.requirements import Requirements

PROVIDERS = tuple(load().providers)


def context(**changes: Any) -> Context:
    return Context(Requirements(**changes), load())


def service(c: Context, kind: str, role: str = "compute") -> Service:
    found = c.service(role, kind)
    assert found is not None
    return found


def test_the_design_rate_is_the_peak_grown_less_what_the_cdn_answers_with_a_spike_on_it() -> None:
    c = context(peak_rps=200, growth_pct_per_year=30, horizon_months=24, spike_factor=1.5)
    found = Load(c, cached_share=0.27)
    assert found.planned_rps == pytest.approx(200 * 1.69)
    assert found.origin_rps == pytest.approx(200 * 1.69 * 0.73)
    assert found.design_rps == pytest.approx(200 * 1.69 * 0.73 * 1.5)
    assert found.offered == pytest.approx(found.design_rps * 0.040)


def test_without_growth_or_horizon_the_plan_is_todays_peak() -> None:
    assert Load(context(horizon_months=0), 0.0).planned_rps == 200
    assert Load(context(growth_pct_per_year=0), 0.0).planned_rps == 200


def test_the_p99_is_met_whenever_service_alone_leaves_room_to_wait() -> None:
    found = Load(context(service_time_ms=40, p99_latency_ms=400), 0.0)
    assert found.wait_budget_s > 0
    assert found.p99_s <= 0.4


def test_a_target_below_the_service_time_leaves_nothing_to_wait_and_workers_so_that_hardly_anybody_does() -> None:
    found = Load(context(service_time_ms=400, p99_latency_ms=50), 0.0)
    assert found.wait_budget_s == 0.0
    assert found.p99_s == pytest.approx(found.service_p99_s)


def test_a_month_has_730_hours_and_counts_todays_average() -> None:
    found = Load(context(average_rps=50, queries_per_request=3), cached_share=0.1)
    assert found.requests_month == 50 * 730 * 3600
    assert found.origin_requests_month == pytest.approx(50 * SECONDS_PER_MONTH * 0.9)
    assert found.queries_month == pytest.approx(50 * SECONDS_PER_MONTH * 0.9 * 3)


@pytest.mark.parametrize(
    ("wanted", "zones", "run"), [(1, 1, 1), (7, 1, 7), (1, 2, 2), (4, 2, 8), (1, 3, 3), (4, 3, 6), (5, 3, 9)]
)
def test_instances_are_spread_so_that_a_zone_can_be_lost(wanted: int, zones: int, run: int) -> None:
    assert zone_count(wanted, zones) == run


@given(wanted=st.integers(1, 10_000), zones=st.integers(2, 6))
def test_what_is_left_after_a_zone_is_enough_and_no_zone_runs_one_too_many(wanted: int, zones: int) -> None:
    each = zone_count(wanted, zones) // zones
    assert each * zones == zone_count(wanted, zones)
    assert each * (zones - 1) >= wanted > (each - 1) * (zones - 1)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", ["containers", "kubernetes", "vms"])
@pytest.mark.parametrize("peak", [0.01, 200, 20_000])
def test_the_instances_left_after_a_zone_carry_the_processors(provider: str, kind: str, peak: float) -> None:
    c = context(provider=provider, peak_rps=peak, average_rps=0.01)
    found = Load(c, 0.0)
    size = compute_size(c, found, service(c, kind), zones=3)
    usable = c.assume("node_usable_share") if kind == "kubernetes" else 1.0
    assert size.peak * 2 / 3 * size.vcpu * usable >= found.vcpus - 1e-6
    assert 3 == size.minimum <= size.mean <= size.peak


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("zones", [1, 2, 3])
def test_no_other_size_is_cheaper(provider: str, zones: int) -> None:
    c = context(provider=provider)
    vms = service(c, "vms")
    chosen = cheapest_instance(c, vms, 9.0, 18.0, zones)

    def monthly(sku: str) -> float:
        instance = c.provider.instances[sku]
        price = c.provider.prices.find(f"compute/{sku}", c.region.id)
        assert price is not None
        count = zone_count(max(math.ceil(9.0 / instance.vcpu), math.ceil(18.0 / instance.memory_gib)), zones)
        return price.usd * count

    steady = [i for i in c.provider.instances.values() if i.kind == "compute" and i.family != "burstable"]
    offered = [i for i in steady if c.provider.prices.has(f"compute/{i.sku}", c.region.id)]
    assert monthly(chosen.sku) == pytest.approx(min(monthly(i.sku) for i in offered))


def test_burstable_sizes_serve_only_the_smallest_loads() -> None:
    c = context()
    assert cheapest_instance(c, service(c, "vms"), 0.5, 1.0, 1).family == "burstable"
    assert cheapest_instance(c, service(c, "vms"), 1.5, 3.0, 1).family != "burstable"


def test_functions_cost_only_while_they_serve() -> None:
    c = context(average_rps=10, service_time_ms=100)
    found, functions = Load(c, 0.0), service(context(), "functions")
    usage = compute_usage(c, found, functions, compute_size(c, found, functions, 3), share=0.5)
    requests = 10 * SECONDS_PER_MONTH / 2
    assert usage["requests"] == pytest.approx(requests)
    assert usage["gib_seconds"] == pytest.approx(requests * 0.1 * c.assume("function_gib"))


def test_machines_cost_their_mean_number() -> None:
    c = context(peak_rps=20_000, average_rps=5_000)
    found, vms = Load(c, 0.0), service(context(), "vms")
    size = compute_size(c, found, vms, 3)
    usage = compute_usage(c, found, vms, size)
    assert usage["instance_hours"] == pytest.approx(size.mean * HOURS_PER_MONTH)
    assert size.mean == pytest.approx(size.peak * found.mean_share)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_tool_finds_a_machine_in_every_region(provider: str) -> None:
    for region in load().providers[provider].regions:
        c = context(provider=provider, region=region)
        for tool in c.catalog.tools.values():
            if "nodes" in tool.limits:
                machine = c.provider.instances[smallest_machine(c, tool.limits["vcpu"], tool.limits["memory_gib"])]
                assert machine.vcpu >= tool.limits["vcpu"]
                assert machine.memory_gib >= tool.limits["memory_gib"]


def test_a_tool_larger_than_any_machine_gets_the_largest() -> None:
    c = context()
    largest = max((i for i in c.provider.instances.values() if i.kind == "compute"), key=lambda i: i.vcpu)
    assert c.provider.instances[smallest_machine(c, 10_000, 1)].vcpu == largest.vcpu


# --- databases -------------------------------------------------------------------------------------------


def database(c: Context, kind: str = "relational") -> Service:
    return service(c, kind, "database")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", ["relational", "relational-cluster"])
def test_a_database_has_the_cores_for_its_queries_and_memory_for_its_working_set(provider: str, kind: str) -> None:
    c = context(provider=provider, database_gb=200, peak_rps=500, queries_per_request=4)
    size = database_size(c, Load(c, 0.0), database(c, kind))
    instance = c.provider.instances[size.sku]
    assert size.fits
    assert instance.vcpu >= size.cores_needed
    assert instance.memory_gib >= size.gib_needed == pytest.approx(200 * 0.1 * 1e9 / 2**30)


def test_data_beyond_the_largest_memory_does_not_buy_read_replicas_that_no_query_needs() -> None:
    c = context(database_gb=20_000, peak_rps=10, average_rps=1)
    size = database_size(c, Load(c, 0.0), database(c))
    assert size.instances == 1
    assert size.fits


def test_reads_beyond_the_largest_size_go_to_replicas() -> None:
    c = context(peak_rps=25_000, queries_per_request=4, read_pct=90, growth_pct_per_year=0, spike_factor=1)
    size = database_size(c, Load(c, 0.0), database(c))
    largest = c.provider.instances[size.sku].vcpu
    assert size.cores_needed == pytest.approx(100)
    assert size.instances == 1 + math.ceil(90 / largest)
    assert size.fits


def test_writes_beyond_the_largest_size_do_not_fit() -> None:
    c = context(peak_rps=10_000, queries_per_request=4, read_pct=10)
    assert not database_size(c, Load(c, 0.0), database(c)).fits


def test_a_request_priced_database_has_no_instances() -> None:
    c = context()
    assert database_size(c, Load(c, 0.0), database(c, "nosql")).sku == ""


def usage_of(c: Context, kind: str, standbys: int = 0, share: float = 1.0, **limits: float) -> dict[str, float]:
    kept = database(c, kind)
    kept = replace(kept, limits={**kept.limits, **limits})
    return database_usage(c, Load(c, 0.0), kept, database_size(c, Load(c, 0.0), kept), standbys, share)


def test_a_standby_is_a_second_instance_with_its_own_storage() -> None:
    c = context(database_gb=100)
    alone, redundant = usage_of(c, "relational"), usage_of(c, "relational", standbys=1)
    assert (alone["instance_hours"], alone["storage_gb"]) == (730, 100)
    assert (redundant["instance_hours"], redundant["storage_gb"]) == (1460, 200)


def test_a_standby_within_the_price_is_not_paid_twice() -> None:
    usage = usage_of(context(database_gb=100), "relational", standbys=1, standby_billed=0)
    assert (usage["instance_hours"], usage["storage_gb"]) == (730, 100)


def test_a_cluster_shares_one_storage() -> None:
    usage = usage_of(context(database_gb=100), "relational-cluster", standbys=1)
    assert (usage["instance_hours"], usage["storage_gb"]) == (1460, 100)


def test_a_site_pays_its_share_of_the_reads_and_every_write() -> None:
    c = context(average_rps=10, queries_per_request=4, read_pct=75)
    queries = 10 * SECONDS_PER_MONTH * 4
    usage = usage_of(c, "nosql", share=0.5)
    assert usage["read_requests"] == pytest.approx(queries * 0.75 / 2)
    assert usage["write_requests"] == pytest.approx(queries * 0.25)
    assert usage["io_requests"] == pytest.approx(usage["read_requests"] + usage["write_requests"])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_cache_holds_the_working_set_or_is_the_largest(provider: str) -> None:
    for gb in (0, 50, 200, 10_000_000):
        c = context(provider=provider, database_gb=gb)
        cache = c.service("cache")
        assert cache is not None
        sizes = [i for i in c.provider.instances.values() if i.kind == cache.skus]
        held = c.provider.instances[cache_size(c, cache)].memory_gib
        assert held >= gb * 0.05 * 1e9 / 2**30 or held == max(i.memory_gib for i in sizes)
