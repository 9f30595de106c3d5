"""How much is needed: from the stated load to workers, processors, instances and database sizes.

The planned load is the peak, grown over the horizon, times the spike that may arrive before new capacity has
started, less what a CDN answers. Erlang C turns it into workers (see `queueing`), the CPU share of the service
time into processors, and the instance sizes of the catalog into a count and a size. What an assumption
decides is named in the catalog's assumptions, never here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from devops_workbook.catalog.model import Instance, Service
from devops_workbook.design.context import Context
from devops_workbook.design.queueing import lognormal_quantile, wait_quantile, workers_for
from devops_workbook.units import convert

__all__ = [
    "HOURS_PER_MONTH", "SECONDS_PER_MONTH", "ComputeSize", "DatabaseSize", "Load", "address_count", "cache_size",
    "cheapest_instance", "cheapest_size", "compute_size", "compute_usage", "database_size", "database_usage", "load_of",
    "smallest_machine", "zone_count",
]  # fmt: skip

HOURS_PER_MONTH = 730.0
SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600.0
_MOST_INSTANCES = 100  # beyond this a larger size is preferred, whatever it costs
_MOST_REPLICAS = 15  # read replicas of a database whose limit the catalog does not name


@dataclass
class Load:
    """The load of one design, worked out on demand. Rates in requests a second, times in seconds.

    cached_share: share of requests a CDN answers, 0-1.
    """

    context: Context
    cached_share: float

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
    def design_rps(self) -> float:
        """Origin load that must be carried by instances already running: the planned peak and a spike on it."""
        return self.origin_rps * self.context.requirements.spike_factor

    @cached_property
    def service_s(self) -> float:
        """Mean service time in seconds."""
        return self.context.requirements.service_time_ms / 1000.0

    @cached_property
    def offered(self) -> float:
        """Offered load of the design rate, in Erlangs (busy workers)."""
        return self.design_rps * self.service_s

    @cached_property
    def service_p99_s(self) -> float:
        """99th percentile of the service time alone, as a lognormal with the stated variation."""
        return lognormal_quantile(self.service_s, self.context.requirements.service_time_cv)

    @cached_property
    def wait_budget_s(self) -> float:
        """What the latency target leaves for waiting, seconds; 0 when service alone uses it up."""
        return max(0.0, self.context.requirements.p99_latency_ms / 1000.0 - self.service_p99_s)

    @cached_property
    def workers(self) -> int:
        """Requests served at once, the fewest with which p99 waiting stays in its budget."""
        cv = self.context.requirements.service_time_cv
        return workers_for(self.design_rps, self.service_s, cv, self.wait_budget_s)

    @cached_property
    def vcpus(self) -> float:
        """Processors those workers need: all busy at once, or the mean at the target utilisation."""
        share = self.context.requirements.cpu_pct / 100.0
        return max(self.workers * share, self.offered * share / self.context.assume("target_cpu_utilisation"))

    @cached_property
    def p99_s(self) -> float:
        """Expected p99 response, seconds: p99 of waiting plus p99 of service. Both are seldom met at once, so this
        errs on the safe side; it is exact where one of the two is constant."""
        cv = self.context.requirements.service_time_cv
        return wait_quantile(self.workers, self.design_rps, self.service_s, cv) + self.service_p99_s

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
        """Average load as a share of the design rate: how much of the peak capacity runs on average."""
        return min(1.0, self.context.requirements.average_rps * (1.0 - self.cached_share) / self.design_rps)

    @cached_property
    def queries_per_second(self) -> float:
        """Database queries a second at the design rate."""
        return self.design_rps * self.context.requirements.queries_per_request

    @cached_property
    def queries_month(self) -> float:
        """Database queries in a month at today's average."""
        return self.origin_requests_month * self.context.requirements.queries_per_request


def load_of(context: Context) -> Load:
    """The load of the design in progress, once caching has been decided (worked out once)."""
    if context.load is None:
        cdn = context.choice("scaling.caching") in ("cdn", "cdn-in-memory")
        hit = context.requirements.cacheable_pct / 100.0 * context.assume("cache_hit_share")
        context.load = Load(context, hit if cdn else 0.0)
    return context.load


@dataclass(frozen=True, slots=True)
class ComputeSize:
    """One site's serving capacity. needed: instances that carry the design rate; peak: those and what may be lost
    with a zone; minimum: fewest that ever run; mean: instances on average (a fraction); vcpu and gib: of one
    instance; sku "" where there is none."""

    sku: str
    needed: int
    peak: int
    minimum: int
    mean: float
    vcpu: float
    gib: float


def zone_count(wanted: int, zones: int) -> int:
    """Instances to run so that `wanted` are left when one of `zones` is lost, the same number in each zone.

    With one zone it is just `wanted`.
    """
    return wanted if zones < 2 else zones * math.ceil(wanted / (zones - 1))


def compute_size(context: Context, load: Load, service: Service, zones: int) -> ComputeSize:
    """The size of `service` (a compute service) for this load over so many zones."""
    if service.skus:
        return _machines(context, load, service, zones)
    if service.kind == "functions":
        mean = load.workers * load.mean_share
        return ComputeSize("", load.workers, load.workers, 0, mean, 0.0, context.assume("function_gib"))
    vcpu, gib = context.assume("replica_vcpu"), context.assume("replica_gib")
    return _spread(load, "", max(1, math.ceil(load.vcpus / vcpu - 1e-9)), zones, vcpu, gib)


def _spread(load: Load, sku: str, needed: int, zones: int, vcpu: float, gib: float) -> ComputeSize:
    peak, minimum = zone_count(needed, zones), max(1, zones)
    return ComputeSize(sku, needed, peak, minimum, max(float(minimum), peak * load.mean_share), vcpu, gib)


def _machines(context: Context, load: Load, service: Service, zones: int) -> ComputeSize:
    usable = context.assume("node_usable_share") if service.kind == "kubernetes" else 1.0
    gib = load.vcpus * context.assume("replica_gib") / context.assume("replica_vcpu")
    instance = cheapest_instance(context, service, load.vcpus / usable, gib / usable, zones)
    needed = _fit(instance, load.vcpus / usable, gib / usable)
    return _spread(load, instance.sku, needed, zones, instance.vcpu, instance.memory_gib)


def _fit(instance: Instance, vcpus: float, gib: float) -> int:
    return max(1, math.ceil(vcpus / instance.vcpu - 1e-9), math.ceil(gib / instance.memory_gib - 1e-9))


def cheapest_instance(context: Context, service: Service, vcpus: float, gib: float, zones: int) -> Instance:
    """The size with the lowest monthly price for at least so many processors and GiB over `zones`.

    Burstable sizes are taken only below one processor, where their credits last. Sizes that would need more
    than a hundred instances are passed over while a larger one would do.
    """
    candidates = [(usd, i) for usd, i in _sizes(context, service) if i.family != "burstable" or vcpus <= 1.0]
    few = [(usd, i) for usd, i in candidates if _fit(i, vcpus, gib) <= _MOST_INSTANCES]
    if not few:
        return max((i for _, i in candidates), key=lambda i: (i.vcpu, i.memory_gib))
    return min(few, key=lambda row: (row[0] * zone_count(_fit(row[1], vcpus, gib), zones), row[1].vcpu))[1]


def _sizes(context: Context, service: Service) -> Sequence[tuple[float, Instance]]:
    """The sizes of a service in the region with their USD an hour (inf = not known), cheapest first."""
    found = context.sizes.get(service.id)
    if found is None:
        context.sizes[service.id] = found = _offered(context, service)
    return found


def _offered(context: Context, service: Service) -> list[tuple[float, Instance]]:
    prices, region = context.provider.prices, context.region.id
    pattern = next((d.item for d in service.dimensions if "{sku}" in d.item), "")
    # Whether code must be built for Arm matters for machines of the team's, not for managed databases.
    x86_only = service.skus == "compute" and "arm" not in service.features
    items = {
        i: pattern.replace("{sku}", i.sku)
        for i in context.provider.instances.values()
        if i.kind == service.skus and not (x86_only and i.arch == "arm")
    }
    # A size without a price of its own in a region that prices others is not offered there.
    offered = {i: item for i, item in items.items() if prices.has(item, region)} or items
    priced = [(price.usd if (price := prices.find(item, region)) else math.inf, i) for i, item in offered.items()]
    return sorted(priced, key=lambda row: (row[0], row[1].vcpu, row[1].memory_gib))


def cheapest_size(context: Context, service: Service) -> str:
    """The SKU with the lowest price an hour that a service offers in the region."""
    return _sizes(context, service)[0][1].sku


def _cheapest(sizes: Sequence[tuple[float, Instance]], vcpus: float, gib: float) -> Instance | None:
    return next((i for _, i in sizes if i.vcpu >= vcpus and i.memory_gib >= gib), None)


def _largest(sizes: Sequence[tuple[float, Instance]]) -> Instance:
    return max((i for _, i in sizes), key=lambda i: (i.vcpu, i.memory_gib))


def smallest_machine(context: Context, vcpus: float, gib: float) -> str:
    """The SKU of the cheapest single machine with so many processors and GiB, for tools a team runs itself; the
    largest there is, if none has so many."""
    sizes = _sizes(context, next(s for s in context.provider.serving("compute") if s.skus))
    return (_cheapest(sizes, vcpus, gib) or _largest(sizes)).sku


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


def database_size(context: Context, load: Load, service: Service) -> DatabaseSize:
    """The size of a database service for this load, with a cold in-memory cache. Request-priced services have no
    instances to size."""
    cores = load.queries_per_second / context.assume("queries_per_second_per_vcpu")
    gib = convert(context.requirements.database_gb * context.assume("database_memory_share"), "GB", "GiB")
    if not service.skus:
        return DatabaseSize("", 1, cores, gib, fits=True)
    sizes = _sizes(context, service)
    largest = _largest(sizes)
    one = _cheapest(sizes, cores, gib) or (largest if largest.vcpu >= cores else None)
    if one:
        return DatabaseSize(one.sku, 1, cores, gib, fits=True)
    reads = cores * context.requirements.read_pct / 100.0
    replicas = math.ceil(reads / largest.vcpu)
    fits = cores - reads <= largest.vcpu and replicas <= service.limits.get("max_replicas", _MOST_REPLICAS)
    return DatabaseSize(largest.sku, 1 + replicas, cores, gib, fits)


def database_usage(
    context: Context, load: Load, service: Service, size: DatabaseSize, standbys: int, share: float = 1.0
) -> dict[str, float]:
    """What one site's database bills in a month, without its backups. standbys: synchronous copies beside the
    primary; share: of the reads that this site serves, 0-1. Every site takes every write."""
    r = context.requirements
    reads = load.queries_month * r.read_pct / 100.0
    writes = load.queries_month - reads
    reads *= share
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
