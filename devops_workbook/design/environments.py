"""The environments beside production: how much of production's usage each of them has.

The design is made once, for production, and the other environments are scaled from it by the parity rules of
catalog/environments.toml: requests and data by a share; machines by how many are kept of those that run, and for how
many hours of a week; what people use, and the tools that the team runs itself, are there already and cost nothing more;
everything else is there once more. So an environment never has a part that production does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from devops_workbook.catalog.model import Parity, Service, Usage
from devops_workbook.design.context import Context
from devops_workbook.design.model import Component, Topology
from devops_workbook.design.pricing import find_service
from devops_workbook.design.sites import chosen_service, site_compute, sites_of
from devops_workbook.design.sizing import HOURS_PER_MONTH, address_count

__all__ = ["HOURS_PER_WEEK", "Running", "Scale", "machines_running", "scale_of", "week_share"]

HOURS_PER_WEEK = 168.0
_AT_ALL_HOURS = "always-on"
_IN_EACH_ZONE = frozenset({"nat_hours", "endpoint_hours", "address_hours"})


@dataclass(frozen=True, slots=True)
class Running:
    """Machines of one component: the fewest that ever run, and how many do on average (a fraction)."""

    least: float
    mean: float


def machines_running(c: Context, topology: Topology) -> dict[str, Running]:
    """The machines of production, by component, of what is billed by the machine. Functions have none."""
    found: dict[str, Running] = {}
    for component in topology.with_role("database", "cache", "stream"):
        if hours := component.usage.get("instance_hours") or component.usage.get("shard_hours"):
            found[component.id] = Running(hours / HOURS_PER_MONTH, hours / HOURS_PER_MONTH)
    for site in sites_of(c):
        size = site_compute(c, site)
        if size.mean and chosen_service(c, "infrastructure.compute").kind != "functions":
            found[site.id("compute")] = Running(float(size.minimum), size.mean)
    return found


def week_share(c: Context, parity: Parity) -> float:
    """Share of the hours in which machines of an environment run, 0-1: working hours, or all where the plan keeps
    everything on."""
    return 1.0 if c.choice("cost.efficiency") == _AT_ALL_HOURS else parity.hours_per_week / HOURS_PER_WEEK


@dataclass(frozen=True, slots=True)
class Scale:
    """One environment as shares of production's usage.

    machines: component id -> share of what its machines use; copies: component id -> share of its copies of the data;
    telemetry: share of the machines that report; primary: the region it keeps to, "" = it has all of them.
    """

    parity: Parity
    machines: Mapping[str, float]
    copies: Mapping[str, float]
    telemetry: float
    primary: str

    def share(self, component: Component, service: Service, usage: Usage) -> float:
        """How much of a component's usage the environment has, as a share of production's."""
        if self._shared(component):
            return 0.0
        if (particular := self.parity.usage.get(usage.per)) is not None:
            return particular
        if usage.grows_with == "capacity":
            return self.machines.get(component.id, self.telemetry)
        share = self.parity.shares[usage.grows_with]
        if usage.per in _IN_EACH_ZONE and self.parity.one_zone:
            return share * _one_zone(component, service)
        return share * self.copies.get(component.id, 1.0) if usage.grows_with == "data" else share

    def _shared(self, component: Component) -> bool:
        """Whether it exists once for all environments, or not at all in this one."""
        elsewhere = self.primary and component.region and component.region != self.primary
        return bool(elsewhere) or component.role in self.parity.shared or "host_hours" in component.usage


def _one_zone(component: Component, service: Service) -> float:
    """What is left in one zone of what production has in each of its zones, as a share."""
    if service.role == "load_balancer":
        return address_count(service, 1) / address_count(service, component.zones)
    zonal = component.zones > 1 and "regional" not in service.features
    return 1.0 / component.zones if zonal else 1.0


def scale_of(c: Context, topology: Topology, parity: Parity, running: Mapping[str, Running]) -> Scale:
    """The shares of one environment. running: the machines of production (see `machines_running`)."""
    hours = week_share(c, parity)
    machines: dict[str, float] = {}
    copies: dict[str, float] = {}
    for component in topology.with_role("compute", "database", "cache", "stream"):
        service = find_service(c.catalog, c.provider.id, component.service)
        if component.id in running:
            kept = _kept(parity, component, running[component.id].mean)
            machines[component.id] = kept * (hours if _stops(service) else 1.0)
            if service.kind == "relational":
                copies[component.id] = kept
        elif service.kind == "functions":
            machines[component.id] = parity.shares["traffic"]
    primary = c.region.id if parity.one_region else ""
    return Scale(parity, machines, copies, _reporting(c, primary, machines, running), primary)


def _kept(parity: Parity, component: Component, mean: float) -> float:
    """Share of its machines that an environment keeps."""
    fewest = 1.0 if parity.instances == "one" else max(1.0, component.zones)
    return min(1.0, fewest / mean)


def _stops(service: Service) -> bool:
    return service.role == "compute" or "stoppable" in service.features


def _reporting(c: Context, primary: str, machines: Mapping[str, float], running: Mapping[str, Running]) -> float:
    """Share of production's sources of telemetry: its machines or, where it runs functions, its sites."""
    sites = {site.id("compute"): primary in ("", site.region.id) for site in sites_of(c)}
    sources = {id: running[id].mean for id in sites if id in running}
    if not sources:
        return sum(sites.values()) / len(sites)
    return sum(machines[id] * mean for id, mean in sources.items() if sites[id]) / sum(sources.values())
