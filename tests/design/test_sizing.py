"""From the stated load to workers, instances and database sizes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.catalog import load
from devops_workbook.catalog.model import Instance, Service
from devops_workbook.design.context import Context
from devops_workbook.design.decisions.scaling import caching
from devops_workbook.design.model import Decision
from devops_workbook.design.sizing import (
    HOURS_PER_MONTH,
    SECONDS_PER_MONTH,
    ComputeSize,
    Load,
    cache_size,
    cheapest_size,
    compute_size,
    compute_usage,
    connection_limit,
    connections_per_replica,
    database_size,
    database_usage,
    load_of,
    most_instances,
    rollout_replicas,
    smallest_machine,
    start_seconds,
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


# --- load ------------------------------------------------------------------------------------------------


def test_the_design_rate_is_the_peak_grown_less_what_the_cdn_answers_with_the_headroom_on_it() -> None:
    c = context(peak_rps=200, growth_pct_per_year=30, horizon_months=24, spike_factor=1.5)
    found = Load(c, cached_share=0.27)
    assert found.planned_rps == pytest.approx(200 * 1.69)
    assert found.origin_rps == pytest.approx(200 * 1.69 * 0.73)
    assert found.design_rps == pytest.approx(200 * 1.69 * 0.73 * 1.5)
    assert found.offered == pytest.approx(found.design_rps * 0.040)


def test_without_growth_or_horizon_the_plan_is_todays_peak() -> None:
    assert Load(context(horizon_months=0), 0.0).planned_rps == 200
    assert Load(context(growth_pct_per_year=0), 0.0).planned_rps == 200


def test_the_headroom_is_the_spike_or_what_a_climb_has_come_to_when_new_capacity_serves() -> None:
    # A climb to 1.5 times in 300 s goes on for the 60 s until the autoscaler acts and while an instance starts.
    c = context(spike_factor=1.5)
    assert Load(c, 0.0, start_s=180).headroom == 1.5
    assert Load(c, 0.0, start_s=180).ramp_factor == pytest.approx(1 + 0.5 * 240 / 300)
    assert Load(c, 0.0, start_s=540).headroom == pytest.approx(2.0)
    assert Load(context(spike_factor=1), 0.0, start_s=540).headroom == 1.0


def test_a_load_knows_how_long_its_compute_takes_to_start() -> None:
    c = context()
    caching_of(c)
    for kind in ("vms", "functions"):
        fact = start_seconds(c, kind)
        assert fact is not None
        assert load_of(c, kind).start_s == fact.value
        assert load_of(c, kind) is load_of(c, kind)
    assert load_of(c).start_s == 0.0


def test_burstier_arrivals_need_more_workers() -> None:
    loads = [Load(context(workload_type=kind, p99_latency_ms=200), 0.0) for kind in ("web-api", "streaming", "batch")]
    assert [found.queue.arrival_scv for found in loads] == [1, 3, 9]
    assert loads[0].workers <= loads[1].workers <= loads[2].workers
    assert loads[0].workers < loads[2].workers


def test_the_p99_is_met_whenever_service_alone_is_fast_enough() -> None:
    found = Load(context(service_time_ms=40, p99_latency_ms=200), 0.0)
    enough, fewer = found.queue.waits(found.workers, found.workers - 1)
    assert enough.response_s <= 0.2 < fewer.response_s


def test_no_more_workers_are_busy_than_allowed_however_lax_the_target() -> None:
    """A large pool would meet its target with all but one in a thousand busy, and break at an error of forecast."""
    found = Load(context(peak_rps=100_000, service_time_ms=40, p99_latency_ms=10_000), 0.0)
    fewest = found.queue.fewest_workers(10.0)
    assert found.offered / fewest > 0.99
    assert found.workers > fewest
    assert 0.899 < found.offered / found.workers <= 0.9


def test_a_target_below_the_service_time_asks_for_workers_so_that_hardly_anybody_waits() -> None:
    found = Load(context(service_time_ms=400, p99_latency_ms=50), 0.0)
    (wait,) = found.queue.waits(found.workers)
    assert wait.chance <= 0.01
    assert wait.response_s == pytest.approx(found.service_p99_s, rel=0.02)


def test_a_month_has_730_hours_and_counts_todays_average() -> None:
    found = Load(context(average_rps=50, queries_per_request=3), cached_share=0.1)
    assert found.requests_month == 50 * 730 * 3600
    assert found.origin_requests_month == pytest.approx(50 * SECONDS_PER_MONTH * 0.9)
    assert found.reads_month + found.writes_month == pytest.approx(50 * SECONDS_PER_MONTH * 0.9 * 3)


def test_a_load_that_never_varies_keeps_all_of_its_capacity_running() -> None:
    steady = Load(context(peak_rps=50, average_rps=50, horizon_months=0, spike_factor=3), 0.0)
    assert steady.mean_share == pytest.approx(1 / 3)
    assert steady.running_workers == steady.workers


# --- compute ---------------------------------------------------------------------------------------------


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


def sized(c: Context, kind: str, zones: int = 3, **limits: float) -> ComputeSize:
    found = service(c, kind)
    return compute_size(c, Load(c, 0.0), replace(found, limits={**found.limits, **limits}), zones)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", ["containers", "kubernetes", "vms"])
@pytest.mark.parametrize("peak", [0.01, 200, 20_000])
def test_what_is_left_after_a_zone_has_the_workers_and_the_processors(provider: str, kind: str, peak: float) -> None:
    c = context(provider=provider, peak_rps=peak, average_rps=0.01)
    found, size = Load(c, 0.0), sized(c, kind)
    left = size.replicas * 2 // 3
    each = size.vcpu if kind == "vms" else c.assume("replica_vcpu")
    assert left >= size.needed
    assert left * size.workers >= found.workers
    assert left * each * c.assume("target_cpu_utilisation") >= found.busy_vcpus - 1e-6
    assert size.minimum == 3 <= size.mean <= size.peak


@pytest.mark.parametrize(("cpu_pct", "workers"), [(100, 1), (60, 1), (50, 2), (34, 2), (33, 3), (10, 10), (1, 100)])
def test_a_replica_has_the_workers_that_keep_its_processor_busy(cpu_pct: float, workers: int) -> None:
    assert sized(context(cpu_pct=cpu_pct), "containers").workers == workers
    assert sized(context(cpu_pct=cpu_pct), "kubernetes").workers == workers


def test_a_service_may_let_one_instance_take_fewer_requests_or_a_function_more() -> None:
    c = context(cpu_pct=10)
    assert sized(c, "containers", concurrency_max=4).workers == 4
    assert sized(c, "functions").workers == 1
    assert sized(c, "functions", concurrency_max=80).workers == 10


def test_a_virtual_machine_is_one_replica_with_all_its_workers() -> None:
    c = context(cpu_pct=50, peak_rps=2000, average_rps=100)
    size = sized(c, "vms")
    machine = c.provider.instances[size.sku]
    by_memory = machine.memory_gib / (c.assume("replica_gib") / 2)
    assert size.workers == math.floor(min(machine.vcpu / 0.5, by_memory))
    assert size.peak == size.replicas == zone_count(size.needed, 3)
    assert size.node is None


@pytest.mark.parametrize("zones", [1, 2, 3])
def test_nodes_hold_the_replicas_of_their_zone(zones: int) -> None:
    c = context(peak_rps=5000, average_rps=100)
    size = sized(c, "kubernetes", zones, reserved_cpu_pct_core_1=50)
    assert size.node is not None
    nodes, replicas = size.peak // zones, size.replicas // zones
    assert (nodes - 1) * size.node.per_node < replicas <= nodes * size.node.per_node
    assert size.node.kubelet_vcpu > 0.5
    assert size.sku == size.node.instance.sku


def test_what_a_node_keeps_for_itself_costs_nodes() -> None:
    c = context(peak_rps=20_000, average_rps=20_000)
    free, kept = sized(c, "kubernetes"), sized(c, "kubernetes", reserved_cpu_pct_rest=60)

    def bill(size: ComputeSize) -> float:
        price = c.provider.prices.find(f"compute/{size.sku}", c.region.id)
        assert price is not None
        return price.usd * size.mean

    assert bill(kept) > bill(free)
    assert kept.replicas == free.replicas


def test_a_replica_larger_than_every_node_is_sized_all_the_same() -> None:
    size = sized(context(), "kubernetes", reserved_cpu_pct_core_1=100, reserved_cpu_pct_core_2=100,
                 reserved_cpu_pct_core_3_4=100, reserved_cpu_pct_rest=100)  # fmt: skip
    assert size.node is not None
    assert (size.node.per_node, size.peak) == (0, size.replicas)


def test_functions_run_where_hardly_a_request_finds_none_free() -> None:
    c = context(p99_latency_ms=60_000)
    size, queue = sized(c, "functions"), Load(c, 0.0).queue
    enough, fewer = queue.waits(size.replicas, size.replicas - 1)
    assert enough.chance <= 0.01 < fewer.chance
    assert size.min_replicas == 0


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", ["vms", "kubernetes"])
@pytest.mark.parametrize("zones", [1, 2, 3])
def test_no_other_size_has_a_lower_bill(provider: str, kind: str, zones: int) -> None:
    c = context(provider=provider, peak_rps=900, average_rps=400)
    size = sized(c, kind, zones)

    def bill(sku: str) -> float:
        only = {i.sku: i for i in c.provider.instances.values() if i.kind != "compute" or i.sku == sku}
        narrowed = Context(c.requirements, c.catalog)
        narrowed.__dict__["provider"] = replace(c.provider, instances=only)
        other = compute_size(narrowed, Load(narrowed, 0.0), service(c, kind), zones)
        price = c.provider.prices.find(f"compute/{sku}", c.region.id)
        assert price is not None
        return price.usd * other.mean if other.node is None or other.node.per_node else math.inf

    steady = [i for i in c.provider.instances.values() if i.kind == "compute" and i.family != "burstable"]
    offered = [i for i in steady if c.provider.prices.has(f"compute/{i.sku}", c.region.id)]
    x86_only = "arm" not in service(c, kind).features
    assert bill(size.sku) == pytest.approx(min(bill(i.sku) for i in offered if not (x86_only and i.arch == "arm")))


def test_burstable_sizes_serve_only_the_smallest_loads() -> None:
    tiny, small = context(peak_rps=1, average_rps=0.1), context(peak_rps=100, average_rps=10)
    assert tiny.provider.instances[sized(tiny, "vms", 1).sku].family == "burstable"
    assert small.provider.instances[sized(small, "vms", 1).sku].family != "burstable"


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
    busy = found.running_vcpus / c.assume("target_cpu_utilisation") / size.vcpu
    needed = max(found.running_workers / size.workers, busy)
    assert size.mean == pytest.approx(needed * 3 / 2), "one zone of three can be lost"
    assert size.minimum < size.mean < size.peak


def test_what_runs_on_average_does_not_depend_on_the_peak() -> None:
    low, high = (context(peak_rps=peak, average_rps=500) for peak in (5_000, 50_000))
    means = [compute_size(c, Load(c, 0.0), service(c, "containers"), 3).mean for c in (low, high)]
    assert means[0] == pytest.approx(means[1])


def test_the_most_that_a_service_runs_is_the_smallest_of_its_limits() -> None:
    c = context()
    vms = replace(service(c, "vms"), limits={"instances_max": 600.0, "nodes_max": 1000.0})
    assert most_instances(vms) == 600
    assert most_instances(replace(vms, limits={})) is None


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


def test_a_database_holds_its_data() -> None:
    """Microsoft's resource limits of General Purpose on Gen5 hardware: 8 vCores hold 2,048 GB, 16 hold 3,072."""
    found = {}
    for gb in (512, 513, 2_048, 2_049, 3_500):
        c = context(provider="azure", database_gb=gb, peak_rps=1, average_rps=0.1)
        found[gb] = database_size(c, Load(c, 0.0), database(c)).sku
    assert found == {512: "GP_S_Gen5_1", 513: "GP_Gen5_2", 2_048: "GP_Gen5_8", 2_049: "GP_Gen5_16", 3_500: "GP_Gen5_24"}


def test_a_smaller_environment_takes_a_size_that_holds_its_share() -> None:
    c = context(provider="azure", database_gb=3_500)
    sizes = [cheapest_size(c, database(c), "GP_Gen5_24", share) for share in (0.1, 0.2, 0.6)]
    assert [c.provider.instances[sku].max_storage_gb for sku in sizes] == [512, 1024, 3072]


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


def limit_of(gib: float, vcpu: float = 2, **limits: float) -> int | None:
    size = Instance("db", "database", "general", "x86", vcpu, gib)
    return connection_limit(replace(database(context()), limits=limits), size)


def test_a_database_takes_the_fewest_connections_that_any_of_its_limits_says() -> None:
    assert limit_of(8, connections_per_gib=112) == 896
    assert limit_of(8, vcpu=4, connections_per_vcpu=100, connections_per_gib=112) == 400
    assert limit_of(64, connections_per_gib=112, max_connections=5000) == 5000
    assert limit_of(8) is None


@pytest.mark.parametrize(
    ("gib", "connections"), [(3.75, 100), (6, 200), (7, 200), (7.5, 400), (14.9, 400), (200, 1000)]
)
def test_connections_may_go_up_in_steps_of_memory(gib: float, connections: int) -> None:
    # Default max_connections of Cloud SQL for PostgreSQL by memory: 3.75 to below 6 GB 100, to 7.5 GB 200, to 15 GB
    # 400, and 1,000 for the largest (cloud.google.com/sql/docs/postgres/flags).
    steps = {"connections_to_6_gib": 100, "connections_to_7_5_gib": 200, "connections_to_15_gib": 400}
    assert limit_of(gib, **steps, max_connections=1000) == connections


def test_a_replica_holds_a_connection_for_each_worker_and_the_margin_of_its_pool() -> None:
    c = context(cpu_pct=20)
    assert connections_per_replica(c, "containers", sized(c, "containers")) == 5 + c.assume("pool_margin")
    assert connections_per_replica(c, "functions", sized(c, "functions")) == 1


def test_a_rollout_holds_the_connections_of_both_versions() -> None:
    c = context()
    size = replace(sized(c, "containers"), replicas=10)
    for deployment, replicas in {"rolling": 13, "canary": 13, "blue-green": 20}.items():
        c.taken["cicd.deployment"] = replace(caching_of(c), choice=replace(caching_of(c).choice, id=deployment))
        assert rollout_replicas(c, "containers", size) == replicas
        assert rollout_replicas(c, "functions", size) == 10


def caching_of(c: Context) -> Decision:
    c.taken.setdefault("scaling.caching", caching(c))
    return c.taken["scaling.caching"]


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


def test_a_database_pays_for_no_read_that_the_in_memory_cache_answers() -> None:
    c = context(average_rps=10, queries_per_request=4, read_pct=75)
    kept = database(c, "nosql")
    size = database_size(c, Load(c, 0.0), kept)
    alone, cached = (database_usage(c, Load(c, 0.0, memory_share=share), kept, size, 0) for share in (0.0, 0.8))
    assert cached["read_requests"] == pytest.approx(alone["read_requests"] * 0.2)
    assert cached["write_requests"] == alone["write_requests"]


def test_a_database_is_of_a_size_that_its_sla_covers() -> None:
    """Shared CPU machine types (db-f1-micro and db-g1-small) are not covered by the Cloud SQL SLA:
    https://cloud.google.com/sql/pricing, footnote."""
    c = context(provider="gcp", peak_rps=1, average_rps=0.1, database_gb=1)
    size = database_size(c, Load(c, 0.0), database(c, "relational"))
    assert c.provider.instances[size.sku].memory_gib >= 3.75


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_cache_holds_the_working_set_or_is_the_largest(provider: str) -> None:
    for gb in (0, 50, 200, 10_000_000):
        c = context(provider=provider, database_gb=gb)
        cache = c.service("cache")
        assert cache is not None
        sizes = [i for i in c.provider.instances.values() if i.kind == cache.skus]
        held = c.provider.instances[cache_size(c, cache)].memory_gib
        assert held >= gb * 0.05 * 1e9 / 2**30 or held == max(i.memory_gib for i in sizes)
