"""The users' path: which services a request needs, and what they promise together.

Name resolution, the CDN when there is one, the web application firewall, the entry (load balancer or API gateway),
what holds work in between, compute and database are all needed. The in-memory cache is not: without it the system
is slower, not down. Files, secrets and calls to the outside fail single functions, and are left out too. Whatever
the catalog knows no promise for makes the whole "not known"; a firewall without a promise of its own is part of
the CDN or entry it is attached to, and covered by theirs.

What a cluster promises is its control plane, which starts and moves work but does not carry it: requests pass while
it is away. On the users' path stand its machines, whose promise is that of virtual machines.

With two sites, what is promised globally is still there once; everything else is there twice, and the second takes
over from the first as `reliability` says, within the time in which `recovery` brings the service back from the loss
of the region.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from devops_workbook.catalog.model import Provider, Service, Sla
from devops_workbook.design.context import Context
from devops_workbook.design.recovery import Setup, region_case
from devops_workbook.design.reliability import ALWAYS_ON, Failover, form_sla, k_of_n, series, sites, two_sites
from devops_workbook.design.sizing import HOURS_PER_MONTH, KB_PER_GB, SECONDS_PER_MONTH, address_count, load_of

__all__ = [
    "Part", "carrier", "combined", "entry_service", "entry_usage", "failover_of", "filtered", "intake_services",
    "main_path", "part_of", "path_pct", "promise", "switches_by_itself", "weakest_pct",
]  # fmt: skip

_HIGH_AVAILABILITY = "disaster_recovery.high_availability"
_RECOVERY = "disaster_recovery.recovery"
# A pilot light has nothing to switch to until somebody starts it; the others have a second site that serves.
_SWITCH_BY_THEMSELVES = ("warm-standby", "active-active")


@dataclass(frozen=True, slots=True)
class Part:
    """One service that a journey needs, at one site.

    component: its id in the topology; service: whose promise counts; sla: the promise, None = states nothing;
    of_zones: 0 = the promise is for all of it, n = for one of the n zones it is spread over, all but one of which
    are needed; pct: what it gives at one site, None = not known.
    """

    component: str
    service: Service
    sla: Sla | None
    of_zones: int
    pct: float | None

    @property
    def everywhere(self) -> bool:
        """Whether there is one for all sites."""
        return self.sla is not None and self.sla.form == "global"


def part_of(c: Context, component: str, service: Service, form: str) -> Part:
    """A service as a part, deployed in a form; one that is promised by the zone is spread over those of the region."""
    sla = form_sla(service, form)
    if sla is not None or form == "single-zone":
        return Part(component, service, sla, 0, sla.pct if sla else None)
    zones = c.zones
    zonal = service.sla("zonal", "single")
    if zonal is None or zonal.pct is None or zones < 2:
        return Part(component, service, zonal, 0, None)
    pct = k_of_n(zonal.pct, zones - 1, zones, c.assume("zone_common_cause_share"))
    return Part(component, service, zonal, zones, pct)


# --- which services --------------------------------------------------------------------------------------


def filtered(c: Context) -> bool:
    """Whether a web application firewall stands before the entry."""
    return c.choice("security.network") in ("segmented-waf", "zero-trust")


def _edge_services(c: Context) -> tuple[Service, ...]:
    roles = ["dns"] if c.requirements.public_facing else []
    if c.choice("scaling.caching") in ("cdn", "cdn-in-memory"):
        roles.append("cdn")
    if filtered(c) and (firewall := c.service("waf")) and promise(firewall) is not None:
        roles.append("waf")
    return tuple(s for role in roles if (s := c.service(role)))


def entry_service(c: Context, kind: str) -> Service:
    """The service that takes requests in, for an option of scaling.load_balancing."""
    service = c.service("api_gateway" if kind == "api-gateway" else "load_balancer")
    assert service is not None
    return service


def entry_usage(c: Context, service: Service, zones: int, share: float = 1.0) -> Mapping[str, float]:
    """What an entry that spans so many zones bills in a month for this share of the requests, 0-1."""
    requests = load_of(c).origin_requests_month * share
    if service.role == "api_gateway":
        return {"requests": requests, "months": 1.0}
    gb = requests * c.requirements.response_kb / KB_PER_GB
    units = _capacity_units(c, service, requests, gb) * HOURS_PER_MONTH
    addresses = address_count(service, zones) * HOURS_PER_MONTH
    return {"lb_hours": HOURS_PER_MONTH, "lb_gb": gb, "capacity_unit_hours": units, "address_hours": addresses}


def _capacity_units(c: Context, service: Service, requests: float, gb: float) -> float:
    """Capacity units in use on average: the larger of what new connections and bytes take up."""
    per_connection = service.limits.get("unit_new_connections_per_s")
    per_gb = service.limits.get("unit_gb_per_hour")
    connections = requests / SECONDS_PER_MONTH / c.assume("requests_per_connection")
    return max(
        connections / per_connection if per_connection else 0.0,
        gb / HOURS_PER_MONTH / per_gb if per_gb else 0.0,
    )


def intake_services(c: Context) -> tuple[Service, ...]:
    """What holds work until a worker takes it: a queue, a stream, or nothing for requests answered at once."""
    role = {"web-api": "", "streaming": "stream"}.get(c.requirements.workload_type, "queue")
    return tuple(s for s in (c.service(role),) if role and s)


def carrier(provider: Provider, compute: Service) -> Service:
    """The service whose promise is that of the work: of a cluster its machines, else the compute service itself."""
    return next(iter(provider.serving("compute", "vms")), compute) if compute.kind == "kubernetes" else compute


_COMPONENTS = {"load_balancer": "entry", "api_gateway": "entry", "queue": "intake", "stream": "intake"}


def main_path(c: Context, compute: Service, database: Service, form: str, entry: str) -> tuple[Part, ...]:
    """Every service a request needs, in the order in which it meets them, for a deployment form and an entry (an
    option of scaling.load_balancing)."""
    services = (
        *_edge_services(c), entry_service(c, entry), *intake_services(c), carrier(c.provider, compute), database,
    )  # fmt: skip
    return tuple(part_of(c, _COMPONENTS.get(s.role, s.role), s, form) for s in services)


# --- what they promise -----------------------------------------------------------------------------------


def promise(service: Service, zones: int = 3) -> float | None:
    """What a service promises at one site when it is spread over as many zones as the region has, per cent; None =
    not known."""
    sla = form_sla(service, "multi-zone" if zones > 1 else "single-zone")
    return sla.pct if sla else None


def switches_by_itself(c: Context, form: str) -> bool:
    """Whether a form fails over without a person: as decided for the form that was chosen, else as it is able to."""
    taken = c.taken
    if _RECOVERY in taken and taken[_HIGH_AVAILABILITY].choice.id == form:
        return taken[_RECOVERY].choice.id == "region-failover-automatic"
    return form in _SWITCH_BY_THEMSELVES


def failover_of(c: Context, database: Service, form: str, automatic: bool | None = None) -> Failover | None:
    """How the second site of a form takes over, None = there is one site. It takes as long as the recovery from the
    loss of the region; automatic: without a person, None = as `switches_by_itself` says."""
    if sites(form) == 1 or c.second_region is None:
        return None
    if form == "active-active":
        return ALWAYS_ON
    automatic = switches_by_itself(c, form) if automatic is None else automatic
    success = c.assume("failover_success_automatic" if automatic else "failover_success_manual")
    minutes = region_case(c, Setup(form, "pitr", automatic, database)).rto_minutes
    return Failover(success, minutes, c.assume("outage_minutes"))


def combined(c: Context, parts: Iterable[Part], failover: Failover | None) -> float | None:
    """What parts promise together, per cent, those of a site twice where there is a failover; None = not known."""
    parts = tuple(parts)
    once = series(part.pct for part in parts if part.everywhere)
    site = series(part.pct for part in parts if not part.everywhere)
    if site is not None and failover:
        site = two_sites(site, c.assume("common_cause_share"), failover)
    return series((once, site))


def weakest_pct(c: Context, services: Iterable[Service], database: Service, form: str) -> float | None:
    """The smallest promise of services in a form, per cent, each counted twice where there are two sites; None if one
    is not known."""
    failover = failover_of(c, database, form)
    weakest = 100.0
    for service in services:
        pct = combined(c, (part_of(c, "", carrier(c.provider, service), form),), failover)
        if pct is None:
            return None
        weakest = min(weakest, pct)
    return weakest


def path_pct(
    c: Context,
    compute: Service,
    database: Service,
    form: str = "multi-zone",
    entry: str = "application",
    automatic: bool | None = None,
) -> float | None:
    """What the users' path promises, per cent, for these services in a deployment form: reading and writing, with
    everything that stands on the way of a request. automatic: as in `failover_of`. None = not known."""
    return combined(c, main_path(c, compute, database, form, entry), failover_of(c, database, form, automatic))
