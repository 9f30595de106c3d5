"""Capacity: figures whose formula gives their value, the table, and what gives way all at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import pytest

from devops_workbook.assess.model import Capacity
from devops_workbook.catalog import load
from devops_workbook.catalog.model import Catalog
from devops_workbook.design.queueing import Queue
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.evidence import Evidence
from devops_workbook.requirements import Requirements
from devops_workbook.units import parse

PROVIDERS = tuple(load().providers)
KINDS = ("containers", "kubernetes", "vms", "functions")


def variants() -> Iterator[Requirements]:
    """Requirements of all sizes, on every cloud, with every kind of compute and of deployment."""
    for provider in PROVIDERS:
        yield Requirements(provider=provider)
        yield Requirements(provider=provider, peak_rps=50_000, average_rps=9_000, cacheable_pct=80, database_gb=3000)
        yield Requirements(provider=provider, peak_rps=0.01, average_rps=0.01, service_time_ms=3_600_000)
        yield Requirements(provider=provider, workload_type="batch", service_time_ms=60_000, p99_latency_ms=3_600_000)
        for kind in KINDS:
            for form in ("single-zone", "active-active"):
                overrides = {"infrastructure.compute": kind, "disaster_recovery.high_availability": form}
                yield Requirements(provider=provider, availability_target_pct=99, overrides=overrides)


each_variant = pytest.mark.parametrize(
    "requirements", list(variants()), ids=lambda r: f"{r.provider}-{r.peak_rps:g}-{r.workload_type}-{len(r.overrides)}"
)


def on(kind: str, caching: str = "none", **values: Any) -> Capacity:
    """The capacity of a design with this kind of compute and these caches."""
    overrides = {"infrastructure.compute": kind, "scaling.caching": caching} | values.pop("overrides", {})
    catalog = values.pop("catalog", None)
    return evaluate(Requirements(**values, overrides=overrides), catalog).assessment.capacity


def every_evidence(capacity: Capacity) -> dict[str, Evidence]:
    parts = (capacity, capacity.packing, capacity.connections, capacity.cold_cache)
    return {e.metric: e for part in parts if part for e in part.evidence}


def given(evidence: Evidence) -> dict[str, Any]:
    return {q.name: q.value for q in evidence.inputs}


# --- evidence --------------------------------------------------------------------------------------------


@each_variant
def test_every_figure_follows_from_its_inputs_by_its_formula(requirements: Requirements) -> None:
    found = every_evidence(evaluate(requirements).assessment.capacity)
    value = {metric: evidence.value for metric, evidence in found.items()}
    x = given(found["Planned peak"])
    assert value["Planned peak"] == pytest.approx(x["peak"] * (1 + x["growth"] / 100) ** (x["horizon"] / 12))
    x = given(found["Headroom while capacity starts"])
    climb = (x["reaction of the autoscaler"] + x["start of an instance"]) / x["ramp to the spike"]
    headroom = max(x["spike factor"], 1 + (x["spike factor"] - 1) * climb)
    assert value["Headroom while capacity starts"] == pytest.approx(headroom)
    x = given(found["Load at the origin"])
    assert value["Load at the origin"] == pytest.approx(x["planned peak"] * (1 - x["cached share"]) * x["headroom"])
    x = given(found["Offered load"])
    assert value["Offered load"] == pytest.approx(x["load at the origin"] * x["service time"] / 1000)
    x = given(found["Processors"])
    busy = x["planned peak at the origin"] * x["service time"] / 1000 * x["CPU share"] / 100
    by_workers = x["workers needed"] * x["CPU share"] / 100
    assert value["Processors"] == pytest.approx(max(by_workers, busy / x["target utilisation"]))
    x = given(found["Workers"])
    assert value["Workers"] == x["replicas"] * x["workers of one replica"]
    x = given(found["Workers busy"])
    assert value["Workers busy"] == pytest.approx(x["offered load"] / x["workers that run"])


@each_variant
def test_workers_and_responses_follow_from_the_queue_that_their_inputs_describe(requirements: Requirements) -> None:
    found = every_evidence(evaluate(requirements).assessment.capacity)
    x = given(found["Workers needed"])
    service = x["service time"] / 1000, x["variation of service"], x["squared variation of arrivals"]
    queue = Queue(x["load at the origin"], *service)
    busy = math.ceil(queue.load / x["largest share of them busy"] - 1e-9)
    assert found["Workers needed"].value == max(queue.fewest_workers(x["target"] / 1000), busy)
    assert x["p99 of service alone"] == pytest.approx(1000 * queue.service.quantile())
    x = given(found["p99 response time"])
    (wait,) = queue.waits(x["workers that run"])
    assert found["p99 response time"].value == pytest.approx(1000 * wait.response_s)
    assert x["chance of waiting"] == pytest.approx(wait.chance)
    assert x["p99 of waiting"] == pytest.approx(1000 * wait.wait_s)


@each_variant
def test_replicas_and_instances_follow_from_their_inputs(requirements: Requirements) -> None:
    capacity = evaluate(requirements).assessment.capacity
    found = every_evidence(capacity)
    x = given(found["Replicas needed"])
    if "workers" in x:
        assert found["Replicas needed"].value == math.ceil(x["workers"] / x["workers of one replica"])
    else:
        by_workers = math.ceil(x["workers needed"] / x["workers of one replica"])
        by_use = x["busy processors at the planned peak"] / x["target utilisation"] / x["processors of one replica"]
        assert found["Replicas needed"].value == max(by_workers, math.ceil(by_use - 1e-9))
    x = given(found["Replicas at the planned peak"])
    spread = capacity.min_replicas > 0 and x["zones"] > 1
    needed, zones = x["replicas needed"], x["zones"]
    assert capacity.replicas == (zones * math.ceil(needed / (zones - 1)) if spread else needed)
    x = given(found["Instances at the planned peak"])
    if capacity.packing:
        each = math.ceil(x["replicas"] / x["zones"] / x["replicas on one node"])
        assert capacity.instances == x["zones"] * each
    else:
        assert capacity.instances == x["replicas"] == capacity.replicas


@each_variant
def test_units_can_be_read_figures_are_finite_and_names_are_not_used_twice(requirements: Requirements) -> None:
    capacity = evaluate(requirements).assessment.capacity
    parts = (capacity, capacity.packing, capacity.connections, capacity.cold_cache)
    listed = [e for part in parts if part for e in part.evidence]
    assert len({e.metric for e in listed}) == len(listed)
    for evidence in listed:
        assert evidence.source
        for unit, value in ((evidence.unit, evidence.value), *((q.unit, q.value) for q in evidence.inputs)):
            parse(unit)
            assert not isinstance(value, float) or math.isfinite(value), evidence.metric
        assert evidence.known or evidence.formula.startswith("not known")


def test_the_capacity_is_that_of_the_primary_site(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        capacity, compute = evaluation.assessment.capacity, evaluation.topology.component("compute")
        assert capacity.instances == capacity.max_instances == compute.count
        assert capacity.min_instances <= capacity.max_instances
        assert 0 < capacity.utilisation < 1
        assert capacity.offered_load == pytest.approx(capacity.utilisation * capacity.workers)
        assert capacity.workers == capacity.replicas * capacity.workers_per_replica


def test_a_hand_worked_example() -> None:
    # 100 req/s of 50 ms are 5 Erlangs; where service alone takes all the time there is, 12 workers keep all but 1 %
    # from waiting (Erlang C: 1.5 % wait at 11, 0.6 % at 12). A container of one processor, half used by a request, has
    # two workers: six containers, and over three zones nine, so that six are left. Their 2.5 busy processors are at
    # 65 % on four.
    capacity = on(
        "containers", peak_rps=100, average_rps=10, growth_pct_per_year=0, spike_factor=1, service_time_ms=50,
        service_time_cv=0, p99_latency_ms=49, cpu_pct=50,
    )  # fmt: skip
    assert (capacity.planned_rps, capacity.offered_load) == (100, pytest.approx(5))
    assert every_evidence(capacity)["Workers needed"].value == 12
    assert (capacity.workers_per_replica, capacity.replicas, capacity.workers) == (2, 9, 18)
    assert capacity.utilisation == pytest.approx(5 / 18)
    assert capacity.p99_ms == pytest.approx(50)


# --- the table -------------------------------------------------------------------------------------------


@each_variant
def test_the_table_goes_from_too_few_to_twice_as_many_and_marks_what_runs(requirements: Requirements) -> None:
    capacity = evaluate(requirements).assessment.capacity
    table = capacity.table
    counts = [row.replicas for row in table]
    assert counts == sorted(set(counts))
    assert 2 <= len(counts) <= 11
    assert counts[-1] == 2 * capacity.replicas
    (chosen,) = (row for row in table if row.chosen)
    assert (chosen.replicas, chosen.workers) == (capacity.replicas, capacity.workers)
    assert (chosen.utilisation, chosen.p99_ms) == (capacity.utilisation, capacity.p99_ms)
    first, second = table[0], table[1]
    if first.replicas * capacity.workers_per_replica <= capacity.offered_load:
        assert (first.waiting, first.wait_p99_ms, first.p99_ms, first.meets) == (1.0, None, None, False)
        assert second.replicas == first.replicas + 1
        assert second.utilisation < 1
    for fewer, more in pairwise(row for row in table if row.p99_ms is not None):
        assert more.waiting <= fewer.waiting
        assert (more.p99_ms or 0) <= (fewer.p99_ms or 0) * (1 + 1e-4)
        assert more.meets or not fewer.meets


@pytest.mark.parametrize("kind", KINDS)
def test_the_target_is_met_by_what_runs_and_by_what_is_left_of_it_without_a_zone(kind: str) -> None:
    spread = on(kind, overrides={"disaster_recovery.high_availability": "multi-zone"})
    marked = [row for row in spread.table if row.chosen or row.lost_zone]
    assert all(row.meets for row in marked)
    assert len(marked) == (1 if kind == "functions" else 2)
    if kind != "functions":
        assert marked[0].replicas == spread.replicas - spread.replicas // 3
    alone = on(kind, overrides={"disaster_recovery.high_availability": "single-zone"})
    assert not any(row.lost_zone for row in alone.table)


# --- nodes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_a_node_has_is_reserved_used_or_too_little_for_one_more_replica(provider: str) -> None:
    capacity = on("kubernetes", provider=provider, peak_rps=5000, average_rps=1000)
    packing, found = capacity.packing, every_evidence(capacity)
    assert packing is not None
    left = {"processors": packing.vcpu - packing.reserved_vcpu, "memory": packing.gib - packing.reserved_gib}
    assert found["Processors of a node for replicas"].value == pytest.approx(left["processors"])
    assert found["Memory of a node for replicas"].value == pytest.approx(left["memory"])
    x = given(found["Replicas on one node"])
    rooms = [left["processors"] / x["processors of a replica"], left["memory"] / x["memory of a replica"]]
    if packing.max_pods:
        rooms.append(packing.max_pods - packing.agents)
    assert packing.per_node == found["Replicas on one node"].value == math.floor(min(rooms) + 1e-9)
    assert packing.nodes == capacity.instances
    assert packing.nodes * packing.per_node >= capacity.replicas


@pytest.mark.parametrize("kind", ["containers", "vms", "functions"])
def test_only_a_cluster_packs(kind: str) -> None:
    assert on(kind).packing is None


# --- connections -----------------------------------------------------------------------------------------


def with_database_limits(provider: str = "aws", **limits: float) -> Catalog:
    """The catalog with these limits on every relational database of a provider."""
    catalog = load()
    cloud = catalog.providers[provider]
    services = {
        id: replace(s, limits=MappingProxyType({**_without_connections(s.limits), **limits}))
        if s.role == "database" and s.skus
        else s
        for id, s in cloud.services.items()
    }
    changed = replace(cloud, services=MappingProxyType(services))
    return replace(catalog, providers=MappingProxyType({**catalog.providers, provider: changed}))


def _without_connections(limits: Mapping[str, float]) -> dict[str, float]:
    return {key: value for key, value in limits.items() if "connections" not in key}


def test_replicas_and_those_of_a_rollout_open_a_connection_for_each_worker_and_one_more() -> None:
    capacity = on("containers", cpu_pct=25, catalog=with_database_limits(max_connections=500),
                  overrides={"cicd.deployment": "rolling"})  # fmt: skip
    found = capacity.connections
    assert found is not None
    assert (capacity.workers_per_replica, found.per_replica) == (4, 5)
    assert found.opened == 5 * math.ceil(1.25 * capacity.replicas) <= 500
    assert (found.limit, found.pooled) == (500, False)
    x = given(found.evidence[0])
    assert found.evidence[0].value == x["with a rollout"] * x["connections of a replica"] == found.opened


def test_a_pooler_stands_between_where_the_database_takes_fewer_or_functions_come_and_go() -> None:
    tight = on("containers", catalog=with_database_limits(max_connections=10)).connections
    assert tight is not None
    assert tight.limit == 10 < tight.opened
    assert tight.pooled
    functions = on("functions", catalog=with_database_limits(max_connections=10_000))
    assert functions.connections is not None
    assert functions.connections.opened == functions.replicas
    assert functions.connections.pooled


def test_a_limit_that_nobody_published_is_not_known() -> None:
    found = on("containers", catalog=with_database_limits()).connections
    assert found is not None
    assert (found.limit, found.pooled) == (None, False)
    assert found.evidence[1].value is None
    assert found.evidence[1].formula.startswith("not known")


def test_a_database_that_is_called_over_http_holds_no_connections() -> None:
    overrides = {"infrastructure.database": "nosql"}
    assert on("containers", data_model="document", overrides=overrides).connections is None


# --- empty caches ----------------------------------------------------------------------------------------


def test_without_a_cache_there_is_none_to_be_empty() -> None:
    assert on("containers", "none").cold_cache is None


def test_an_empty_cdn_sends_everything_to_the_origin() -> None:
    capacity = on("containers", "cdn", cacheable_pct=90, spike_factor=2)
    cold, found = capacity.cold_cache, every_evidence(capacity)
    assert cold is not None
    assert cold.origin_rps == pytest.approx(capacity.planned_rps * 2)
    assert cold.utilisation == pytest.approx(cold.origin_rps * 0.040 / capacity.workers)
    assert cold.utilisation > 1
    assert (cold.p99_ms, cold.survives) == (None, False)
    x = given(found["Replicas that empty caches need"])
    assert found["Replicas that empty caches need"].value == on("containers", "none", spike_factor=2).replicas
    assert x["served after"] == 60 + load().providers["aws"].facts["start_seconds_containers"].value
    assert found["Workers busy with empty caches"].value == pytest.approx(cold.utilisation)


def test_a_small_cdn_is_missed_and_survived() -> None:
    capacity = on("containers", "cdn", cacheable_pct=10)
    cold = capacity.cold_cache
    assert cold is not None
    assert capacity.p99_ms is not None
    assert cold.p99_ms is not None
    assert cold.survives
    assert cold.p99_ms >= capacity.p99_ms


def test_what_the_memory_cache_saves_the_database_comes_back_when_it_is_empty() -> None:
    capacity = on("containers", "in-memory", read_pct=90, queries_per_request=10, spike_factor=1.5)
    cold, found = capacity.cold_cache, every_evidence(capacity)
    assert cold is not None
    design = capacity.origin_rps * 1.5
    assert cold.origin_rps == pytest.approx(design)
    assert cold.utilisation == capacity.utilisation
    assert cold.database_qps == pytest.approx(design * 10)
    x = given(found["Database queries with empty caches"])
    assert x["queries with warm caches"] == pytest.approx(design * 10 * (1 - 0.9 * 0.8))
    x = given(found["Database busy with empty caches"])
    assert cold.database_utilisation == pytest.approx(cold.database_qps / x["queries its processors serve"])


def test_a_database_priced_by_request_is_not_said_to_be_busy() -> None:
    overrides = {"infrastructure.database": "nosql"}
    cold = on("containers", "cdn-in-memory", data_model="document", overrides=overrides).cold_cache
    assert cold is not None
    assert cold.database_utilisation is None
    assert cold.evidence[-1].formula.startswith("not known")


# --- extremes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("peak", [0.1, 1_000_000, 10_000_000])
@pytest.mark.parametrize(("service_ms", "cv"), [(1, 0), (40, 1), (3_600_000, 20)])
def test_every_load_is_carried_by_what_runs(
    provider: str, kind: str, peak: float, service_ms: float, cv: float
) -> None:
    capacity = on(kind, provider=provider, peak_rps=peak, average_rps=peak / 2, service_time_ms=service_ms,
                  service_time_cv=cv)  # fmt: skip
    assert capacity.offered_load < capacity.workers
    assert capacity.p99_ms is not None
    assert math.isfinite(capacity.p99_ms)
    assert all(row.p99_ms is None or math.isfinite(row.p99_ms) for row in capacity.table)
