"""How much is needed: from the stated load to workers, replicas, machines and database sizes.

The planned load is the peak, grown over the horizon, less what a CDN answers. What runs must carry more than that,
because load rises before new capacity has started: a spike at once, or, if the same rise goes on over the time the
autoscaler and a new instance need, whatever it comes to by then. The larger of the two is the headroom.

The queue of requests says how many workers the load needs (see `queueing`). A replica has the workers its processors
keep busy: a container of the standard size, a function instance, or a whole virtual machine. Replicas are spread so
that one zone can be lost; in a cluster they share nodes (see `nodes`), and the machine with the lowest bill for all of
them is taken. What an assumption decides is named in the catalog's assumptions, never here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from devops_workbook.catalog.model import Instance, Provider, Service
from devops_workbook.design.context import Context
from devops_workbook.design.nodes import Node, Pods, nodes_of, whole
from devops_workbook.design.queueing import Queue
from devops_workbook.evidence import Fact
from devops_workbook.units import convert

__all__ = [
    "ARRIVALS", "DAYS_PER_MONTH", "HOURS_PER_MONTH", "KB_PER_GB",
    "SECONDS_PER_MONTH", "ComputeSize", "DatabaseSize", "Load", "address_count",
    "cache_size", "cheapest_size", "compute_size", "compute_usage", "connection_limit", "connections_per_replica",
    "database_size", "database_usage", "load_of", "most_instances", "most_replicas", "replicas_on", "rollout_replicas",
    "smallest_machine", "start_seconds", "zone_count",
]  # fmt: skip

HOURS_PER_MONTH = 730.0
DAYS_PER_MONTH = HOURS_PER_MONTH / 24.0
KB_PER_GB = 1e6
SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600.0
_MOST_INSTANCES = 100  # beyond this a larger size is preferred, whatever it costs
_MOST_REPLICAS = 15  # read replicas of a database whose limit the catalog does not name
_COMPUTE = "infrastructure.compute"

# The assumption that says how unevenly work of each type arrives.
ARRIVALS = {
    "web-api": "arrival_scv_web_api", "event-driven": "arrival_scv_event_driven", "batch": "arrival_scv_batch",
    "streaming": "arrival_scv_streaming",
}  # fmt: skip


@dataclass
class Load:
    """The load of one design, worked out on demand. Rates in requests a second, times in seconds.

    cached_share: share of requests a CDN answers, 0-1; start_s: how long a new instance of its compute takes to
    serve, 0 = not known or not yet decided; memory_share: share of the reads that a warm in-memory cache answers in
    place of the database, 0-1; sizes: of the compute services asked about so far, by service and zones.
    """

    context: Context
    cached_share: float
    start_s: float = 0.0
    memory_share: float = 0.0
    sizes: dict[tuple[str, int], ComputeSize] = field(default_factory=dict)

    @cached_property
    def growth(self) -> float:
        """Load at the horizon as a multiple of today's."""
        r = self.context.requirements
        return float((1.0 + r.growth_pct_per_year / 100.0) ** (r.horizon_months / 12.0))

    @cached_property
    def planned_rps(self) -> float:
        """Peak at the horizon, requests a second, before caches."""
        return self.context.requirements.peak_rps * self.growth

    @cached_property
    def origin_rps(self) -> float:
        """Planned peak that reaches the origin."""
        return self.planned_rps * (1.0 - self.cached_share)

    @cached_property
    def ramp_factor(self) -> float:
        """What the load has grown to, as a multiple, when capacity ordered at the beginning of a climb serves.

        The climb is the steepest that the spike factor implies, and goes on until then.
        """
        c = self.context
        waiting = c.assume("autoscaler_reaction_seconds") + self.start_s
        return 1.0 + (c.requirements.spike_factor - 1.0) * waiting / c.assume("spike_ramp_seconds")

    @cached_property
    def headroom(self) -> float:
        """What must be carried by instances already running, as a multiple of the load of the moment."""
        return max(self.context.requirements.spike_factor, self.ramp_factor)

    @cached_property
    def design_rps(self) -> float:
        """Origin load that must be carried by instances already running: the planned peak and the headroom on it."""
        return self.origin_rps * self.headroom

    @cached_property
    def queue(self) -> Queue:
        """The requests of the design rate in need of a worker."""
        return self._queue_at(self.design_rps)

    def _queue_at(self, rps: float) -> Queue:
        r = self.context.requirements
        arrivals = self.context.assume(ARRIVALS[r.workload_type])
        return Queue(rps, r.service_time_ms / 1000.0, r.service_time_cv, arrivals)

    @property
    def service_s(self) -> float:
        """Mean service time in seconds."""
        return self.queue.service_s

    @property
    def offered(self) -> float:
        """Offered load of the design rate, in Erlangs (busy workers)."""
        return self.queue.load

    @cached_property
    def service_p99_s(self) -> float:
        """99th percentile of the service time alone, as a lognormal with the stated variation."""
        return self.queue.service.quantile()

    @cached_property
    def workers(self) -> int:
        """Requests served at once: the fewest with which the p99 response meets its target (where service alone does
        not, with which hardly any request waits) and of which no more are busy than the assumption allows."""
        return self._staffed(self.queue)

    def _staffed(self, queue: Queue) -> int:
        # A large pool meets the target with nearly all workers busy, and falls over at the smallest error of forecast.
        most_busy = self.context.assume("most_workers_busy")
        return max(queue.fewest_workers(self.target_s), math.ceil(queue.load / most_busy - 1e-9))

    @property
    def target_s(self) -> float:
        """The p99 latency target in seconds."""
        return self.context.requirements.p99_latency_ms / 1000.0

    @cached_property
    def unqueued_workers(self) -> int:
        """Requests served at once where hardly any waits, one in a hundred, and the target is met as well."""
        return max(self.workers, self.queue.fewest_workers(0.0))

    @cached_property
    def busy_vcpus(self) -> float:
        """Processors in use on average at the planned peak, without the headroom on it."""
        return self.origin_rps * self.service_s * self.context.requirements.cpu_pct / 100.0

    @cached_property
    def vcpus(self) -> float:
        """Processors the load needs: those of all workers busy at once, or those of the planned peak at the target
        utilisation, if that is more."""
        share = self.context.requirements.cpu_pct / 100.0
        return max(self.workers * share, self.busy_vcpus / self.context.assume("target_cpu_utilisation"))

    @cached_property
    def requests_month(self) -> float:
        """All requests in a month at today's average, before caches."""
        return self.context.requirements.average_rps * SECONDS_PER_MONTH

    @cached_property
    def origin_requests_month(self) -> float:
        """Requests in a month that reach the origin."""
        return self.requests_month * (1.0 - self.cached_share)

    @cached_property
    def mean_share(self) -> float:
        """Average load as a share of the design rate."""
        return min(1.0, self._average_rps / self.design_rps)

    @cached_property
    def running_workers(self) -> int:
        """Workers that run on average: as many as the average load and the headroom on it need, by the same rule."""
        return self._staffed(self._queue_at(self._average_rps * self.headroom))

    @cached_property
    def running_vcpus(self) -> float:
        """Processors in use on average, without the headroom on the load."""
        return self._average_rps * self.service_s * self.context.requirements.cpu_pct / 100.0

    @property
    def _average_rps(self) -> float:
        """Today's average that reaches the origin."""
        return self.context.requirements.average_rps * (1.0 - self.cached_share)

    @cached_property
    def queries_per_second(self) -> float:
        """Database queries a second at the design rate."""
        return self.design_rps * self.context.requirements.queries_per_request

    @cached_property
    def reads_month(self) -> float:
        """Reads of data in a month at today's average, whoever answers them."""
        r = self.context.requirements
        return self.origin_requests_month * r.queries_per_request * r.read_pct / 100.0

    @cached_property
    def database_reads_month(self) -> float:
        """Reads that reach the database: those that a warm in-memory cache does not answer."""
        return self.reads_month * (1.0 - self.memory_share)

    @cached_property
    def writes_month(self) -> float:
        """Writes to the database in a month at today's average."""
        r = self.context.requirements
        return self.origin_requests_month * r.queries_per_request * (1.0 - r.read_pct / 100.0)


def start_seconds(context: Context, kind: str) -> Fact | None:
    """How long a new instance of a kind of compute takes to serve, in seconds, as published; None = not known."""
    facts = context.provider.facts
    return facts.get(f"start_seconds_{kind}") or facts.get("instance_start_seconds")


def load_of(context: Context, kind: str = "") -> Load:
    """The load of the design in progress, once caching has been decided, on a kind of compute: the one named, else the
    one decided, if any (worked out once)."""
    if not kind and _COMPUTE in context.taken:
        kind = context.choice(_COMPUTE)
    load = context.loads.get(kind)
    if load is None:
        caching = context.choice("scaling.caching")
        cdn, in_memory = caching in ("cdn", "cdn-in-memory"), caching in ("in-memory", "cdn-in-memory")
        hit = context.requirements.cacheable_pct / 100.0 * context.assume("cache_hit_share")
        start = start_seconds(context, kind) if kind else None
        context.loads[kind] = load = Load(
            context, hit if cdn else 0.0, (start.value or 0.0) if start else 0.0,
            context.assume("memory_cache_hit_share") if in_memory else 0.0,
        )  # fmt: skip
    return load


# --- compute ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ComputeSize:
    """One site's serving capacity.

    workers: requests one replica serves at once; needed: replicas that carry the design rate; replicas: those and what
    may be lost with a zone; min_replicas: fewest that ever run. peak, minimum and mean (a fraction): instances at the
    planned peak, fewest and on average; machines, where replicas share some, else the replicas. vcpu and gib: of one
    instance; sku "" where there is none; node: how replicas share a machine, None = they do not.
    """

    workers: int
    needed: int
    replicas: int
    min_replicas: int
    sku: str
    peak: int
    minimum: int
    mean: float
    vcpu: float
    gib: float
    node: Node | None = None


def zone_count(wanted: int, zones: int) -> int:
    """Instances to run so that `wanted` are left when one of `zones` is lost, the same number in each zone.

    With one zone it is just `wanted`.
    """
    return wanted if zones < 2 else zones * _ceil(wanted, zones - 1)


def compute_size(context: Context, load: Load, service: Service, zones: int) -> ComputeSize:
    """The size of `service` (a compute service) for this load over so many zones (worked out once)."""
    found = load.sizes.get((service.id, zones))
    if found is None:
        load.sizes[service.id, zones] = found = _size(context, load, service, zones)
    return found


def _size(context: Context, load: Load, service: Service, zones: int) -> ComputeSize:
    if service.kind == "kubernetes":
        return _cluster(context, load, service, zones)
    if service.skus:
        return _machines(context, load, service, zones)
    if service.kind == "functions":
        return _functions(context, load, service)
    return _containers(context, load, service, zones)


def _replica_workers(context: Context, most: float = math.inf) -> int:
    """Requests that a replica of the standard size serves at once: as many as keep its processors busy, but not more
    than the service lets one instance take."""
    share = context.requirements.cpu_pct / 100.0
    return max(1, int(min(most, whole(context.assume("replica_vcpu") / share))))


def _needed(load: Load, workers: int, vcpu: float) -> int:
    """Replicas with so many workers and processors that carry the design rate, and the planned peak at no more than
    the target utilisation of their processors."""
    busy = load.busy_vcpus / load.context.assume("target_cpu_utilisation")
    return max(_ceil(load.workers, workers), math.ceil(busy / vcpu - 1e-9))


def _mean(load: Load, workers: int, vcpu: float, zones: int, per_node: int = 1) -> float:
    """Instances that run on average (a fraction), each with so many workers and processors, or the nodes that hold so
    many such replicas each: what the average load needs, spread so that one zone can be lost, and one in each zone."""
    busy = load.running_vcpus / load.context.assume("target_cpu_utilisation")
    needed = max(load.running_workers / workers, busy / vcpu) / per_node
    return max(1.0, float(zones), needed * (zones / (zones - 1) if zones > 1 else 1.0))


def _containers(context: Context, load: Load, service: Service, zones: int) -> ComputeSize:
    vcpu, gib = context.assume("replica_vcpu"), context.assume("replica_gib")
    workers = _replica_workers(context, service.limits.get("concurrency_max", math.inf))
    needed = _needed(load, workers, vcpu)
    peak, least = zone_count(needed, zones), max(1, zones)
    mean = min(float(peak), _mean(load, workers, vcpu, zones))
    return ComputeSize(workers, needed, peak, least, "", peak, least, mean, vcpu, gib)


def _functions(context: Context, load: Load, service: Service) -> ComputeSize:
    """A function instance serves one request, unless its service says otherwise. A request that finds none free does
    not wait for one: another is started, so that there are enough for nearly all. The provider spreads them."""
    workers = _replica_workers(context, service.limits.get("concurrency_max", 1.0))
    needed = _ceil(load.unqueued_workers, workers)
    mean = needed * load.mean_share
    return ComputeSize(workers, needed, needed, 0, "", needed, 0, mean, 0.0, context.assume("function_gib"))


def _machines(context: Context, load: Load, service: Service, zones: int) -> ComputeSize:
    """Virtual machines: each is one replica, with the workers its processors keep busy and its memory holds."""
    share = context.requirements.cpu_pct / 100.0
    gib_each = context.assume("replica_gib") / _replica_workers(context)
    least = max(1, zones)

    def workers(i: Instance) -> int:
        return max(1, whole(min(i.vcpu / share, i.memory_gib / gib_each)))

    def count(i: Instance) -> tuple[int, float]:
        return zone_count(_needed(load, workers(i), i.vcpu), zones), _mean(load, workers(i), i.vcpu, zones)

    chosen = _cheapest_for(context, load, service, count)
    each, vcpu, gib = workers(chosen), chosen.vcpu, chosen.memory_gib
    needed = _needed(load, each, vcpu)
    peak, mean = count(chosen)
    return ComputeSize(each, needed, peak, least, chosen.sku, peak, least, min(float(peak), mean), vcpu, gib)


def _replica(context: Context) -> Pods:
    return Pods(1, context.assume("replica_vcpu"), context.assume("replica_gib"))


def _cluster_nodes(context: Context, service: Service) -> Mapping[str, Node]:
    """How replicas of the standard size fit on every size of node, by SKU."""
    agents = Pods(round(context.assume("node_agent_pods")), context.assume("node_agent_vcpu"),
                  context.assume("node_agent_gib"))  # fmt: skip
    return nodes_of(context.provider, service, agents, _replica(context))


def replicas_on(context: Context, service: Service, sku: str) -> int:
    """Replicas of the standard size that a node of a cluster holds."""
    return _cluster_nodes(context, service)[sku].per_node


def _cluster(context: Context, load: Load, service: Service, zones: int) -> ComputeSize:
    """Replicas of the standard size on the nodes of a cluster, the same number in each zone."""
    replica, nodes = _replica(context), _cluster_nodes(context, service)
    workers, least = _replica_workers(context), max(1, zones)
    needed = _needed(load, workers, replica.vcpu)
    replicas = zone_count(needed, zones)

    def count(i: Instance) -> tuple[int, float]:
        per_node = max(1, nodes[i.sku].per_node)
        return least * _ceil(replicas // least, per_node), _mean(load, workers, replica.vcpu, zones, per_node)

    large = any(node.per_node for node in nodes.values())
    chosen = _cheapest_for(context, load, service, count, lambda i: nodes[i.sku].per_node > 0 or not large)
    peak, mean = count(chosen)
    return ComputeSize(
        workers, needed, replicas, least, chosen.sku, peak, least, min(float(peak), mean), chosen.vcpu,
        chosen.memory_gib, nodes[chosen.sku],
    )  # fmt: skip


def most_instances(service: Service) -> int | None:
    """The most nodes, replicas or instances that a compute service runs, None = the catalog knows no limit."""
    limits = (service.limits.get(name) for name in ("nodes_max", "replicas_max", "instances_max"))
    return min((int(most) for most in limits if most is not None), default=None)


def _ceil(wanted: int, each: int) -> int:
    return -(-wanted // each)


def _cheapest_for(
    context: Context,
    load: Load,
    service: Service,
    count: Callable[[Instance], tuple[int, float]],
    allowed: Callable[[Instance], bool] = lambda _: True,
) -> Instance:
    """The size with the lowest bill for the instances that run of it on average. count: how many of a size run at the
    planned peak, and on average.

    Burstable sizes are taken only below one processor, where their credits last. Sizes that would need more than a
    hundred instances are passed over while a larger one would do, all but the largest where none would.
    """
    steady = [(usd, i) for usd, i in _sizes(context, service) if i.family != "burstable" or load.vcpus <= 1.0]
    candidates = [(usd, i, *count(i)) for usd, i in steady if allowed(i)]
    most = max(row[1].vcpu for row in candidates)
    few = [row for row in candidates if row[2] <= _MOST_INSTANCES] or [row for row in candidates if row[1].vcpu == most]
    return min(few, key=lambda row: (row[0] * min(row[2], row[3]), row[1].vcpu))[1]


def _sizes(context: Context, service: Service) -> Sequence[tuple[float, Instance]]:
    """The sizes of a service in the region with their USD an hour (inf = not known), cheapest first."""
    pattern = next((d.item for d in service.dimensions if "{sku}" in d.item), "")
    # Whether code must be built for Arm matters for machines of the team's, not for managed databases.
    x86_only = service.skus == "compute" and "arm" not in service.features
    return _offered(context.provider, context.region.id, service.skus, pattern, x86_only)


@lru_cache(maxsize=256)
def _offered(provider: Provider, region: str, kind: str, pattern: str, x86_only: bool) -> list[tuple[float, Instance]]:
    prices = provider.prices
    items = {
        i: pattern.replace("{sku}", i.sku)
        for i in provider.instances.values()
        if i.kind == kind and not (x86_only and i.arch == "arm")
    }
    # A size without a price of its own in a region that prices others is not offered there.
    offered = {i: item for i, item in items.items() if prices.has(item, region)} or items
    priced = [(price.usd if (price := prices.find(item, region)) else math.inf, i) for i, item in offered.items()]
    return sorted(priced, key=lambda row: (row[0], row[1].vcpu, row[1].memory_gib))


def cheapest_size(context: Context, service: Service, like: str, data_share: float) -> str:
    """The SKU with the lowest price an hour that a service offers in the region and that runs what the size `like`
    runs: machines of the same processors, nodes that have room for a replica, databases that hold this share (0-1) of
    the data."""
    data_gb = context.requirements.database_gb * data_share
    wanted = context.provider.instances[like]
    nodes = _cluster_nodes(context, service) if service.kind == "kubernetes" else {}
    alike = (i for _, i in _sizes(context, service) if service.skus != "compute" or i.arch == wanted.arch)
    return next((i.sku for i in alike if i.holds(data_gb) and (i.sku not in nodes or nodes[i.sku].per_node)), like)


def _cheapest(sizes: Sequence[tuple[float, Instance]], vcpus: float, gib: float) -> Instance | None:
    return next((i for _, i in sizes if i.vcpu >= vcpus and i.memory_gib >= gib), None)


def _largest(sizes: Sequence[tuple[float, Instance]]) -> Instance:
    return max((i for _, i in sizes), key=lambda i: (i.vcpu, i.memory_gib))


def smallest_machine(context: Context, vcpus: float, gib: float) -> str:
    """The SKU of the cheapest single machine with so many processors and GiB, for tools a team runs itself; the
    largest there is, if none has so many."""
    sizes = _sizes(context, next(s for s in context.provider.serving("compute") if s.skus))
    return (_cheapest(sizes, vcpus, gib) or _largest(sizes)).sku


# --- data ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DatabaseSize:
    """The database at one site. instances: primary and read replicas, without standbys; cores_needed and
    gib_needed: what the load asks for; fits: whether the largest size carries the writes and, with as many
    replicas as it may have, the reads. That the data in use outgrows its memory costs speed, not service."""

    sku: str
    instances: int
    cores_needed: float
    gib_needed: float
    fits: bool


def _memory_gib(context: Context, load: Load) -> float:
    """Memory for the data in use: a share of all of it, but no more than the pages that are read again before keeping
    them stops to pay (the five-minute rule)."""
    share = context.requirements.database_gb * context.assume("database_memory_share")
    pages = load.queries_per_second * 60.0 * context.assume("memory_interval_minutes")
    return convert(min(share, convert(pages * context.assume("database_page_kb"), "kB", "GB")), "GB", "GiB")


def most_replicas(service: Service) -> int:
    """How many read replicas a database service allows."""
    return int(service.limits.get("max_replicas", _MOST_REPLICAS))


def database_size(context: Context, load: Load, service: Service) -> DatabaseSize:
    """The size of a database service for this load, with a cold in-memory cache. Request-priced services have no
    instances to size."""
    cores = load.queries_per_second / context.assume("queries_per_second_per_vcpu")
    gib = _memory_gib(context, load)
    if not service.skus:
        return DatabaseSize("", 1, cores, gib, fits=True)
    # Sizes with less memory than its SLA asks for promise nothing, while the design counts on the promise.
    promised = service.limits.get("sla_gib_min", 0.0)
    promising = [(usd, i) for usd, i in _sizes(context, service) if i.memory_gib >= promised]
    # Where no size holds the data, the decision about the service says so.
    sizes = [(usd, i) for usd, i in promising if i.holds(context.requirements.database_gb)] or promising
    largest = _largest(sizes)
    one = _cheapest(sizes, cores, gib) or (largest if largest.vcpu >= cores else None)
    if one:
        return DatabaseSize(one.sku, 1, cores, gib, fits=True)
    reads = cores * context.requirements.read_pct / 100.0
    replicas = math.ceil(reads / largest.vcpu)
    fits = cores - reads <= largest.vcpu and replicas <= most_replicas(service)
    return DatabaseSize(largest.sku, 1 + replicas, cores, gib, fits)


_LADDER = re.compile(r"connections_to_([\d_.]+)_gib")


def connection_limit(service: Service, instance: Instance) -> int | None:
    """Connections that a database of this size takes, None = not known.

    The smallest of what the catalog's limits of the service say: connections_per_gib, connections_per_vcpu,
    max_connections, and the step of connections_to_<gib>_gib that the memory is below.
    """
    limits, gib = service.limits, instance.memory_gib
    ladder = {float(m[1].replace("_", ".")): most for key, most in limits.items() if (m := _LADDER.fullmatch(key))}
    step = min((end for end in ladder if gib < end), default=None)
    known = [
        limits["connections_per_gib"] * gib if "connections_per_gib" in limits else None,
        limits["connections_per_vcpu"] * instance.vcpu if "connections_per_vcpu" in limits else None,
        limits.get("max_connections"),
        ladder[step] if step is not None else None,
    ]
    return min((int(most) for most in known if most is not None), default=None)


def connections_per_replica(context: Context, kind: str, size: ComputeSize) -> float:
    """Database connections that one replica of a kind of compute holds: one for each worker and the margin of its
    pool; a function instance has no pool."""
    return size.workers + (0.0 if kind == "functions" else context.assume("pool_margin"))


def rollout_replicas(context: Context, kind: str, size: ComputeSize) -> int:
    """Replicas of a kind of compute that hold connections at once while a release is rolled out at the planned peak:
    all, and those of the next version beside them. Functions are replaced as they finish."""
    if kind == "functions":
        return size.replicas
    both = context.choice("cicd.deployment") == "blue-green"
    return math.ceil(size.replicas * (2.0 if both else 1.0 + context.assume("replica_surge_share")))


def database_usage(
    context: Context, load: Load, service: Service, size: DatabaseSize, standbys: int, share: float = 1.0
) -> dict[str, float]:
    """What one site's database bills in a month, without its backups. standbys: synchronous copies beside the
    primary; share: of the reads that this site serves, 0-1. Every site takes every write; a warm in-memory cache keeps
    its share of the reads away."""
    r = context.requirements
    reads, writes = load.database_reads_month * share, load.writes_month
    # Where the price of a redundant database already holds its standby, the catalog says so.
    billed = standbys * service.limits.get("standby_billed", 1.0)
    copies = size.instances + billed if size.sku else 1
    return {
        "instance_hours": copies * HOURS_PER_MONTH,
        "standby_hours": standbys * HOURS_PER_MONTH,
        "standby_gb": r.database_gb * standbys,
        "storage_gb": r.database_gb * (copies if service.kind == "relational" else 1),
        "io_requests": reads + writes,
        "read_requests": reads,
        "write_requests": writes,
    }


def cache_size(context: Context, service: Service) -> str:
    """The SKU of the in-memory cache: the cheapest that holds the working set, else the largest."""
    wanted = convert(context.requirements.database_gb * context.assume("cache_working_set_share"), "GB", "GiB")
    sizes = _sizes(context, service)
    largest = max((i for _, i in sizes), key=lambda i: i.memory_gib)
    return (_cheapest(sizes, 0.0, wanted) or largest).sku


def compute_usage(
    context: Context, load: Load, service: Service, size: ComputeSize, share: float = 1.0
) -> dict[str, float]:
    """What one site's compute bills in a month, by billing quantity. share: of the requests it serves, 0-1."""
    hours = size.mean * HOURS_PER_MONTH
    requests = load.origin_requests_month * share
    if service.kind == "functions":
        busy = requests * load.service_s
        return {"requests": requests, "gib_seconds": busy * size.gib, "vcpu_seconds": busy}
    if size.sku:
        clusters = {"cluster_hours": HOURS_PER_MONTH} if service.kind == "kubernetes" else {}
        return clusters | {"instance_hours": hours, "disk_gb": size.mean * context.assume("disk_gb_per_instance")}
    return {
        "vcpu_hours": hours * size.vcpu,
        "gib_hours": hours * size.gib,
        "vcpu_seconds": hours * size.vcpu * 3600,
        "gib_seconds": hours * size.gib * 3600,
        "requests": requests,
    }


def address_count(service: Service, zones: int) -> int:
    """Public IPv4 addresses of an entry that spans so many zones: one for each zone where it has a node in each (its
    limit `addresses_per_zone`, with `zones_min` at least), else one for all of them."""
    if "addresses_per_zone" not in service.limits:
        return 1
    return round(service.limits["addresses_per_zone"] * max(zones, service.limits.get("zones_min", 1)))
