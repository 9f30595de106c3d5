"""What each environment runs: the design's machines, as production, staging and development have them.

Production has what the topology says. The other environments are scaled from it by the parity rules of
catalog/environments.toml, as the bill is (see `design.environments`): the fewest machines that keep the shape, or one
of each; the same sizes, or the smallest; the same zones, or one. Code, bill and prose take these numbers from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from devops_workbook.catalog.model import Parity, Service
from devops_workbook.design.context import Context
from devops_workbook.design.environments import HOURS_PER_WEEK, week_share
from devops_workbook.design.model import Component, Topology
from devops_workbook.design.pricing import find_service
from devops_workbook.design.sites import site_compute, sites_of
from devops_workbook.design.sizing import HOURS_PER_MONTH, cheapest_size, most_replicas, replicas_on

__all__ = ["Deployment", "Size", "deployments_of"]

PRODUCTION = "production"
_SIZED = ("compute", "database", "cache", "stream")


@dataclass(frozen=True, slots=True)
class Size:
    """How much of one component runs at one site of an environment.

    sku: of its machines, "" where there are none; minimum and maximum: machines (or containers, function instances,
    shards), the same where nothing scales; zones: it is spread over, 0 = the provider's business; standby: whether one
    of the machines is a synchronous copy in another zone; vcpu and memory_gib: of one instance, 0 where the service
    says; storage_gb: data it holds, 0 where that is not its business; per_machine: replicas of the service that a
    machine holds, 0 where they do not share one.
    """

    component: str
    sku: str
    minimum: int
    maximum: int
    zones: int
    standby: bool = False
    vcpu: float = 0.0
    memory_gib: float = 0.0
    storage_gb: float = 0.0
    per_machine: int = 0

    @property
    def read_replicas(self) -> int:
        """Machines beside the primary and its standby."""
        return max(0, self.maximum - 1 - self.standby)


@dataclass(frozen=True, slots=True)
class Deployment:
    """One environment: where it runs and how much of everything.

    regions: the primary first; zones: that machines are spread over; hours_per_week: in which they run; sizes: by
    component, only of what it has; backed_up, alarmed: whether it has backups and alarms; traffic: of production's,
    0-1.
    """

    environment: str
    title: str
    regions: tuple[str, ...]
    zones: int
    hours_per_week: float
    backed_up: bool
    alarmed: bool
    traffic: float
    sizes: Mapping[str, Size] = field(default_factory=dict)


def deployments_of(c: Context, topology: Topology) -> tuple[Deployment, ...]:
    """Every environment, production first."""
    production = {size.component: size for size in _production(c, topology)}
    places = sites_of(c)
    regions = tuple(site.region.id for site in places)
    zones = max((size.zones for size in production.values()), default=1)
    first = Deployment(PRODUCTION, "Production", regions, zones, HOURS_PER_WEEK, True, True, 1.0, production)
    return (first, *(_scaled(c, topology, first, parity) for parity in c.catalog.environments.values()))


def _production(c: Context, topology: Topology) -> Iterator[Size]:
    computes = {site.id("compute"): site_compute(c, site) for site in sites_of(c)}
    for component in topology.components:
        if component.id in computes:
            size = computes[component.id]
            yield Size(component.id, component.sku, size.minimum, size.peak, component.zones, vcpu=size.vcpu,
                       memory_gib=size.gib, per_machine=size.node.per_node if size.node else 0)  # fmt: skip
        elif component.role == "stream":
            shards = round((component.usage.get("shard_hours") or 0.0) / HOURS_PER_MONTH)
            yield Size(component.id, "", shards, shards, component.zones)
        elif component.role in _SIZED or (component.sku and component.region):
            yield _standing(c, component)


def _standing(c: Context, component: Component) -> Size:
    """Machines whose number nothing changes: databases, caches, and tools that the team runs itself."""
    database = component.role == "database"
    standby = database and component.zones > 1 and bool(component.sku)
    stored = c.requirements.database_gb if database else 0.0
    # No provider makes more replicas than its limit; that the load asks for more is a finding.
    most = 1 + standby + most_replicas(find_service(c.catalog, c.provider.id, component.service))
    count = min(component.count, most) if database else component.count
    return Size(component.id, component.sku, count, count, component.zones, standby, storage_gb=stored)


def _scaled(c: Context, topology: Topology, production: Deployment, parity: Parity) -> Deployment:
    """An environment by its parity rules."""
    regions = production.regions[:1] if parity.one_region else production.regions
    here = (x for x in topology.components if x.id in production.sizes and x.region in (*regions, ""))
    sizes = {x.id: _size(c, x, production.sizes[x.id], parity) for x in here if x.role in _SIZED}
    zones = 1 if parity.one_zone else production.zones
    backed_up, alarmed = (parity.usage.get(name) != 0 for name in ("backup_gb", "alarms"))
    hours = HOURS_PER_WEEK * week_share(c, parity)
    return Deployment(
        parity.id, parity.title, regions, zones, hours, backed_up, alarmed, parity.shares["traffic"], sizes
    )


def _size(c: Context, component: Component, production: Size, parity: Parity) -> Size:
    service = find_service(c.catalog, c.provider.id, component.service)
    one = parity.instances == "one"
    zones = min(1, production.zones) if parity.one_zone else production.zones
    fewest = 1 if one else max(1, production.zones)
    minimum = min(production.minimum, fewest)
    # A load test borrows production's size for an hour, so what scales may grow as far; one of each stays one.
    scales = production.minimum != production.maximum
    maximum = max(minimum, 1 if one else production.maximum) if scales else minimum
    scaled = replace(
        production, minimum=minimum, maximum=maximum, zones=zones,
        standby=production.standby and zones > 1 and maximum > 1,
        storage_gb=production.storage_gb * parity.shares["data"],
    )  # fmt: skip
    if not production.sku or parity.sizes == "same":
        return scaled
    return _of(c, service, scaled, cheapest_size(c, service, scaled.sku, parity.shares["data"]))


def _of(c: Context, service: Service, size: Size, sku: str) -> Size:
    machine = c.provider.instances[sku]
    sized = size.vcpu > 0
    held = replicas_on(c, service, sku) if size.per_machine else 0
    return replace(size, sku=sku, vcpu=machine.vcpu * sized, memory_gib=machine.memory_gib * sized, per_machine=held)
