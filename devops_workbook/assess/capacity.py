"""Capacity: the load, the workers and replicas that carry it, the machines they run on, and what gives way first.

Workers come from the queue of requests (see `design.queueing`) at the design rate: the peak at the horizon with the
headroom on it. Replicas, machines and their spread over zones are those of the design (see `design.sizing` and
`design.nodes`). Here they are put in figures that can be asked why, over other counts of replicas as well, and held
against two things that fail all at once: the connections a database takes, and caches that are suddenly empty.
"""

from __future__ import annotations

import math

from devops_workbook.assess.model import Capacity, ColdCache, Connections, Packing, Replicas
from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.model import Topology
from devops_workbook.design.nodes import Node
from devops_workbook.design.sites import chosen_service
from devops_workbook.design.sizing import (
    ARRIVALS,
    ComputeSize,
    Load,
    compute_size,
    connection_limit,
    connections_per_replica,
    database_size,
    load_of,
    rollout_replicas,
    start_seconds,
)
from devops_workbook.evidence import Evidence, Quantity

__all__ = ["assess_capacity"]

_COMPUTE = "infrastructure.compute"
_DATABASE = "infrastructure.database"
_QUEUEING = "Erlang C, corrected as Allen and Cunneen do (Allen 1990), lognormal service times"
_CDN = ("cdn", "cdn-in-memory")
_IN_MEMORY = ("in-memory", "cdn-in-memory")


def assess_capacity(c: Context, topology: Topology) -> Capacity:
    """The capacity of the primary site."""
    load, service, zones = load_of(c), chosen_service(c, _COMPUTE), topology.component("compute").zones
    size = compute_size(c, load, service, zones)
    table = _table(c, load, size, zones)
    runs = next(row for row in table if row.chosen)
    return Capacity(
        planned_rps=load.planned_rps,
        origin_rps=load.origin_rps,
        offered_load=load.offered,
        workers=runs.workers,
        workers_per_replica=size.workers,
        replicas=size.replicas,
        min_replicas=size.min_replicas,
        instances=size.peak,
        min_instances=size.minimum,
        max_instances=size.peak,
        utilisation=runs.utilisation,
        p99_ms=runs.p99_ms,
        table=table,
        packing=_packing(c, service, size, size.node) if size.node else None,
        connections=_connections(c, size),
        cold_cache=_cold_cache(c, load, size, zones),
        evidence=(
            _planned(c, load), _headroom(c, load, service), _design_rate(c, load), _offered(load),
            _workers_needed(c, load), _per_replica(c, service, size), _processors(c, load),
            _replicas_needed(c, load, size), _replicas(size, zones), _workers(size, runs), _instances(size, zones),
            _utilisation(load, runs), _response(c, load, runs),
        ),
    )  # fmt: skip


def _milliseconds(seconds: float) -> float | None:
    return seconds * 1000.0 if math.isfinite(seconds) else None


def _source(c: Context, *assumptions: str) -> str:
    """The sources of design assumptions, one after the other."""
    return "; ".join(dict.fromkeys(c.catalog.assumptions[name].source for name in assumptions))


def _as_of(c: Context, assumption: str) -> str:
    return c.catalog.assumptions[assumption].as_of


# --- the table -------------------------------------------------------------------------------------------

_BETWEEN = (0.25, 0.5, 0.75)  # of the way from the fewest that keep up to those that run
_BEYOND = (1.25, 1.5, 2.0)  # times those that run


def _table(c: Context, load: Load, size: ComputeSize, zones: int) -> tuple[Replicas, ...]:
    """What other counts of replicas would give: from one too few to keep up to twice as many as run."""
    left = _left_without_a_zone(size, zones)
    counts = _counts(load, size, left)
    target_s = c.requirements.p99_latency_ms / 1000.0
    waits = load.queue.waits(*(count * size.workers for count in counts))
    return tuple(
        Replicas(
            replicas=count, workers=wait.workers, utilisation=wait.utilisation, waiting=wait.chance,
            wait_p99_ms=_milliseconds(wait.wait_s), p99_ms=_milliseconds(wait.response_s),
            meets=wait.response_s <= target_s, chosen=count == size.replicas, lost_zone=count == left,
        )
        for count, wait in zip(counts, waits, strict=True)
    )  # fmt: skip


def _left_without_a_zone(size: ComputeSize, zones: int) -> int | None:
    """Replicas that are left when one zone is lost; None where the design does not spread them."""
    return size.replicas - size.replicas // zones if zones > 1 and size.min_replicas else None


def _counts(load: Load, size: ComputeSize, left: int | None) -> tuple[int, ...]:
    least = math.floor(load.offered / size.workers) + 1
    runs = size.replicas
    between = (least + round((runs - least) * share) for share in _BETWEEN)
    beyond = (math.ceil(runs * share) for share in _BEYOND)
    found = {least - 1, least, *between, runs, *beyond, *([left] if left else [])}
    return tuple(sorted(count for count in found if count > 0))


# --- nodes -----------------------------------------------------------------------------------------------


def _packing(c: Context, service: Service, size: ComputeSize, node: Node) -> Packing:
    """How the replicas share the nodes of a cluster."""
    machine = node.instance
    return Packing(
        sku=machine.sku, vcpu=machine.vcpu, gib=machine.memory_gib, reserved_vcpu=node.reserved_vcpu,
        reserved_gib=node.reserved_gib, max_pods=node.max_pods, agents=node.agents.count, per_node=node.per_node,
        bound_by=node.bound_by, nodes=size.peak,
        evidence=(_left_of(c, service, node, "processors"), _left_of(c, service, node, "memory"),
                  _per_node(c, service, node)),
    )  # fmt: skip


def _left_of(c: Context, service: Service, node: Node, what: str) -> Evidence:
    machine = node.instance
    unit, has, kubelet, agents = {
        "processors": ("vCPU", machine.vcpu, node.kubelet_vcpu, node.agents.vcpu),
        "memory": ("GiB", machine.memory_gib, node.kubelet_gib, node.agents.gib),
    }[what]
    keepers = "kubelet, system and eviction" if what == "memory" else "kubelet and system"
    assumption = "node_agent_vcpu" if what == "processors" else "node_agent_gib"
    return Evidence(
        f"{what.capitalize()} of a node for replicas", has - kubelet - agents, unit,
        f"of the machine - reserved for {keepers} - requests of the cluster's agents",
        (Quantity("of the machine", has, unit), Quantity("reserved", kubelet, unit),
         Quantity("agents", agents, unit)),
        f"limits of {service.title} in the catalog; {_source(c, assumption)}", _as_of(c, assumption),
    )  # fmt: skip


def _per_node(c: Context, service: Service, node: Node) -> Evidence:
    machine = node.instance
    return Evidence(
        "Replicas on one node", node.per_node, "replicas",
        "whole replicas in its processors, in its memory and in its pods, the fewest of the three",
        (Quantity("processors for replicas", machine.vcpu - node.reserved_vcpu, "vCPU"),
         Quantity("processors of a replica", c.assume("replica_vcpu"), "vCPU"),
         Quantity("memory for replicas", machine.memory_gib - node.reserved_gib, "GiB"),
         Quantity("memory of a replica", c.assume("replica_gib"), "GiB"),
         Quantity("pods it may hold", node.max_pods or "no limit known"),
         Quantity("pods of the cluster", node.agents.count), Quantity("runs out first", node.bound_by)),
        f"limits of {service.title} in the catalog; {_source(c, 'replica_vcpu', 'node_agent_pods')}",
        _as_of(c, "replica_vcpu"),
    )  # fmt: skip


# --- connections -----------------------------------------------------------------------------------------


def _connections(c: Context, size: ComputeSize) -> Connections | None:
    """Database connections at the peak; None for a database that is called over HTTP and holds none."""
    database = chosen_service(c, _DATABASE)
    if not database.skus:
        return None
    kind = c.choice(_COMPUTE)
    each, replicas = connections_per_replica(c, kind, size), rollout_replicas(c, kind, size)
    opened = math.ceil(replicas * each)
    sku = database_size(c, load_of(c), database).sku
    limit = connection_limit(database, c.provider.instances[sku])
    pooled = kind == "functions" or (limit is not None and opened > limit)
    return Connections(each, opened, limit, pooled, (_opened(c, size, each, replicas), _limit(c, database, sku, limit)))


def _opened(c: Context, size: ComputeSize, each: float, replicas: int) -> Evidence:
    inputs = (Quantity("replicas at the planned peak", size.replicas), Quantity("with a rollout", replicas),
              Quantity("workers of a replica", size.workers), Quantity("connections of a replica", each))  # fmt: skip
    return Evidence(
        "Database connections opened at the peak", math.ceil(replicas * each), "connections",
        "replicas with those of a rollout beside them x connections of a replica", inputs,
        _source(c, "pool_margin", "replica_surge_share"), _as_of(c, "pool_margin"),
    )  # fmt: skip


def _limit(c: Context, database: Service, sku: str, limit: int | None) -> Evidence:
    machine = c.provider.instances[sku]
    known = "what the provider sets for a database of this size"
    return Evidence(
        "Database connections it takes", limit, "connections",
        known if limit is not None else f"not known: the catalog has no limit of {database.title}",
        (Quantity("size", sku), Quantity("processors", machine.vcpu, "vCPU"),
         Quantity("memory", machine.memory_gib, "GiB")), f"limits of {database.title} in the catalog",
    )  # fmt: skip


# --- empty caches ----------------------------------------------------------------------------------------


def _cold_cache(c: Context, load: Load, size: ComputeSize, zones: int) -> ColdCache | None:
    """The planned peak with its headroom on empty caches; None without a cache."""
    caching = c.choice("scaling.caching")
    if caching not in (*_CDN, *_IN_MEMORY):
        return None
    cold = Load(c, 0.0, load.start_s) if caching in _CDN else load
    (wait,) = cold.queue.waits(size.replicas * size.workers)
    served, share = _database_share(c, load, cold)
    return ColdCache(
        origin_rps=cold.design_rps, utilisation=wait.utilisation, p99_ms=_milliseconds(wait.response_s),
        database_qps=cold.queries_per_second, database_utilisation=share,
        survives=wait.utilisation < 1.0 and (share is None or share < 1.0),
        evidence=(_cold_origin(load, cold), _cold_workers(cold, size), _recovered(c, load, cold, size, zones),
                  _cold_queries(c, load, cold), _cold_database(c, cold, served, share)),
    )  # fmt: skip


def _database_share(c: Context, load: Load, cold: Load) -> tuple[float, float | None]:
    """Queries a second that the database's processors serve, and the share of them that empty caches take."""
    database = chosen_service(c, _DATABASE)
    if not database.skus:
        return 0.0, None
    size = database_size(c, load, database)
    served = size.instances * c.provider.instances[size.sku].vcpu * c.assume("queries_per_second_per_vcpu")
    return served, cold.queries_per_second / served


def _cold_origin(load: Load, cold: Load) -> Evidence:
    inputs = (Quantity("planned peak", load.planned_rps, "req/s"), Quantity("headroom", load.headroom, "×"),
              Quantity("answered by a warm CDN", load.cached_share))  # fmt: skip
    return Evidence(
        "Load at the origin with empty caches", cold.design_rps, "req/s",
        "planned peak x headroom: no CDN answers a part of it", inputs, "requirements",
    )  # fmt: skip


def _cold_workers(cold: Load, size: ComputeSize) -> Evidence:
    workers = size.replicas * size.workers
    inputs = (Quantity("load with empty caches", cold.offered, "Erlang"), Quantity("workers that run", workers))
    return Evidence(
        "Workers busy with empty caches", cold.offered / workers, "", "offered load / workers that run", inputs,
        _QUEUEING,
    )  # fmt: skip


def _recovered(c: Context, load: Load, cold: Load, size: ComputeSize, zones: int) -> Evidence:
    """What autoscaling would start, and after how long it would serve."""
    service = chosen_service(c, _COMPUTE)
    wanted = compute_size(c, cold, service, zones).replicas if cold is not load else size.replicas
    after = c.assume("autoscaler_reaction_seconds") + load.start_s
    start = start_seconds(c, service.kind)
    return Evidence(
        "Replicas that empty caches need", wanted, "replicas",
        "as at the planned peak, for the load with empty caches; autoscaling starts those that do not run",
        (Quantity("replicas that run", size.replicas), Quantity("load with empty caches", cold.design_rps, "req/s"),
         Quantity("served after", after if start else None, "s")),
        start.source if start else "not known: how long an instance takes to start", start.as_of if start else "",
    )  # fmt: skip


def _cold_queries(c: Context, load: Load, cold: Load) -> Evidence:
    r = c.requirements
    hit = load.memory_share
    warm = load.queries_per_second * (1.0 - r.read_pct / 100.0 * hit)
    return Evidence(
        "Database queries with empty caches", cold.queries_per_second, "queries/s",
        "load with empty caches x queries of a request; warm caches leave load x queries x (1 - reads x hit share)",
        (Quantity("load with empty caches", cold.design_rps, "req/s"),
         Quantity("queries of a request", r.queries_per_request), Quantity("reads", r.read_pct, "%"),
         Quantity("hit share of the in-memory cache", hit), Quantity("queries with warm caches", warm, "queries/s")),
        _source(c, "memory_cache_hit_share") if hit else "requirements",
        _as_of(c, "memory_cache_hit_share") if hit else "",
    )  # fmt: skip


def _cold_database(c: Context, cold: Load, served: float, share: float | None) -> Evidence:
    inputs = (Quantity("queries with empty caches", cold.queries_per_second, "queries/s"),
              Quantity("queries its processors serve", served or None, "queries/s"))  # fmt: skip
    return Evidence(
        "Database busy with empty caches", share, "",
        "queries / queries its processors serve" if share is not None
        else "not known: a database priced by request has no processors to count",
        inputs, _source(c, "queries_per_second_per_vcpu"), _as_of(c, "queries_per_second_per_vcpu"),
    )  # fmt: skip


# --- evidence --------------------------------------------------------------------------------------------


def _planned(c: Context, load: Load) -> Evidence:
    r = c.requirements
    return Evidence(
        "Planned peak", load.planned_rps, "req/s", "peak x (1 + growth)^(horizon / 12)",
        (Quantity("peak", r.peak_rps, "req/s"), Quantity("growth", r.growth_pct_per_year, "% per year"),
         Quantity("horizon", r.horizon_months, "months")), "requirements",
    )  # fmt: skip


def _headroom(c: Context, load: Load, service: Service) -> Evidence:
    start = start_seconds(c, service.kind)
    ours = _source(c, "autoscaler_reaction_seconds", "spike_ramp_seconds")
    return Evidence(
        "Headroom while capacity starts", load.headroom, "×",
        "max(spike factor, 1 + (spike factor - 1) x (reaction + start) / ramp)",
        (Quantity("spike factor", c.requirements.spike_factor, "×"),
         Quantity("reaction of the autoscaler", c.assume("autoscaler_reaction_seconds"), "s"),
         Quantity("start of an instance", start.value if start else None, "s"),
         Quantity("ramp to the spike", c.assume("spike_ramp_seconds"), "s")),
        f"{start.source}; {ours}" if start else ours, start.as_of if start else _as_of(c, "spike_ramp_seconds"),
    )  # fmt: skip


def _design_rate(c: Context, load: Load) -> Evidence:
    cached = bool(load.cached_share)
    return Evidence(
        "Load at the origin", load.design_rps, "req/s", "planned peak x (1 - cached share) x headroom",
        (Quantity("planned peak", load.planned_rps, "req/s"), Quantity("cached share", load.cached_share),
         Quantity("headroom", load.headroom, "×")),
        f"requirements; {_source(c, 'cache_hit_share')}" if cached else "requirements",
        _as_of(c, "cache_hit_share") if cached else "",
    )  # fmt: skip


def _offered(load: Load) -> Evidence:
    return Evidence(
        "Offered load", load.offered, "Erlang", "load at the origin x service time",
        (Quantity("load at the origin", load.design_rps, "req/s"),
         Quantity("service time", load.service_s * 1000.0, "ms")), "requirements",
    )  # fmt: skip


def _workers_needed(c: Context, load: Load) -> Evidence:
    r = c.requirements
    alone = load.service_p99_s * 1000.0
    name = ARRIVALS[r.workload_type]
    return Evidence(
        "Workers needed", load.workers, "workers",
        ("fewest with a p99 response within the target" if alone <= r.p99_latency_ms
         else "fewest with which at most 1 % of requests wait: service alone exceeds the target")
        + ", and no more busy than the largest share",
        (Quantity("load at the origin", load.design_rps, "req/s"), Quantity("service time", r.service_time_ms, "ms"),
         Quantity("variation of service", r.service_time_cv),
         Quantity("squared variation of arrivals", load.queue.arrival_scv),
         Quantity("target", r.p99_latency_ms, "ms"), Quantity("p99 of service alone", alone, "ms"),
         Quantity("largest share of them busy", c.assume("most_workers_busy"))),
        f"{_QUEUEING}; {_source(c, name)}", _as_of(c, name),
    )  # fmt: skip


def _per_replica(c: Context, service: Service, size: ComputeSize) -> Evidence:
    r = c.requirements
    most = service.limits.get("concurrency_max", 1.0 if service.kind == "functions" else None)
    machine = bool(size.sku) and size.node is None
    vcpu, gib = (size.vcpu, size.gib) if machine else (c.assume("replica_vcpu"), c.assume("replica_gib"))
    memory = (Quantity("memory", gib, "GiB"),) if machine else ()
    return Evidence(
        "Workers of one replica", size.workers, "workers",
        "whole workers in its processors and in its memory, at least 1" if machine
        else "whole workers in its processors, within what one instance may take, at least 1",
        (Quantity("processors", vcpu, "vCPU"), Quantity("CPU share", r.cpu_pct, "%"), *memory,
         Quantity("one instance takes", most if most is not None else "no limit known")),
        "sizes of the catalog" if machine else _source(c, "replica_vcpu"),
        "" if machine else _as_of(c, "replica_vcpu"),
    )  # fmt: skip


def _processors(c: Context, load: Load) -> Evidence:
    target = c.catalog.assumptions["target_cpu_utilisation"]
    return Evidence(
        "Processors", load.vcpus, "vCPU",
        "max(workers needed x CPU share, planned peak at the origin x service time x CPU share / target utilisation)",
        (Quantity("workers needed", load.workers), Quantity("CPU share", c.requirements.cpu_pct, "%"),
         Quantity("planned peak at the origin", load.origin_rps, "req/s"),
         Quantity("service time", load.service_s * 1000.0, "ms"), Quantity("target utilisation", target.value)),
        target.source, target.as_of,
    )  # fmt: skip


def _replicas_needed(c: Context, load: Load, size: ComputeSize) -> Evidence:
    if not size.min_replicas:
        given = (Quantity("workers", load.unqueued_workers), Quantity("workers of one replica", size.workers))
        formula = "ceil(workers needed, of which 1 % of requests find none free, / workers of one); others are started"
        return Evidence("Replicas needed", size.needed, "replicas", formula, given, "how functions run")
    machine = bool(size.sku) and size.node is None
    return Evidence(
        "Replicas needed", size.needed, "replicas",
        "max(ceil(workers needed / workers of one), ceil(busy processors / target utilisation / processors of one))",
        (Quantity("workers needed", load.workers), Quantity("workers of one replica", size.workers),
         Quantity("busy processors at the planned peak", load.busy_vcpus, "vCPU"),
         Quantity("target utilisation", c.assume("target_cpu_utilisation")),
         Quantity("processors of one replica", size.vcpu if machine else c.assume("replica_vcpu"), "vCPU")),
        _source(c, "target_cpu_utilisation", "replica_vcpu"), _as_of(c, "replica_vcpu"),
    )  # fmt: skip


def _replicas(size: ComputeSize, zones: int) -> Evidence:
    given = (Quantity("replicas needed", size.needed), Quantity("zones", zones))
    if not size.min_replicas:
        formula = "replicas needed; the provider spreads them over zones"
    elif zones < 2:
        formula = "replicas needed; there is one zone"
    else:
        formula = "zones x ceil(replicas needed / (zones - 1)), so that one zone can be lost"
    return Evidence("Replicas at the planned peak", size.replicas, "replicas", formula, given, "form of deployment")


def _workers(size: ComputeSize, runs: Replicas) -> Evidence:
    given = (Quantity("replicas", size.replicas), Quantity("workers of one replica", size.workers))
    formula = "replicas at the planned peak x workers of one replica"
    return Evidence("Workers", runs.workers, "workers", formula, given, "requirements")


def _instances(size: ComputeSize, zones: int) -> Evidence:
    formula, source = "one for each replica", "sizes of the catalog"
    given = [Quantity("replicas", size.replicas), Quantity("size", size.sku or "by replica")]
    if size.node:
        formula, source = "zones x ceil(replicas / zones / replicas on one node)", "sizes and prices of the catalog"
        given += [Quantity("zones", zones), Quantity("replicas on one node", size.node.per_node)]
    return Evidence("Instances at the planned peak", size.peak, "instances", formula, tuple(given), source)


def _utilisation(load: Load, runs: Replicas) -> Evidence:
    given = (Quantity("offered load", load.offered, "Erlang"), Quantity("workers that run", runs.workers))
    formula = "offered load / workers that run, at the design rate"
    return Evidence("Workers busy", runs.utilisation, "", formula, given, "requirements")


def _response(c: Context, load: Load, runs: Replicas) -> Evidence:
    given = (Quantity("workers that run", runs.workers), Quantity("chance of waiting", runs.waiting),
             Quantity("p99 of waiting", runs.wait_p99_ms, "ms"),
             Quantity("p99 of service alone", load.service_p99_s * 1000.0, "ms"),
             Quantity("target", c.requirements.p99_latency_ms, "ms"))  # fmt: skip
    formula = "99th percentile of waiting and service together" if runs.p99_ms else "not known: the load is not served"
    return Evidence("p99 response time", runs.p99_ms, "ms", formula, given, _QUEUEING)
