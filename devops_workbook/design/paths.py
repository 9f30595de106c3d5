"""The users' path: which services a request needs, and what they promise together.

Name resolution, the CDN when there is one, the web application firewall, the entry (load balancer or API gateway),
what holds work in between, compute and database are all needed. The in-memory cache is not: without it the system
is slower, not down. Files, secrets and calls to the outside fail single functions, and are left out too. Whatever
the catalog knows no promise for makes the whole "not known"; a firewall without a promise of its own is part of
the CDN or entry it is attached to, and covered by theirs.

With two active sites, what is promised globally is still there once; everything else is there twice.
"""

from __future__ import annotations

from collections.abc import Mapping

from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.reliability import active_active, form_sla, series
from devops_workbook.design.sizing import HOURS_PER_MONTH, SECONDS_PER_MONTH, address_count, load_of

__all__ = [
    "entry_service", "entry_usage", "filtered", "intake_services", "path_pct", "path_services", "promise",
    "weakest_pct",
]  # fmt: skip


_KB_PER_GB = 1e6


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
    gb = requests * c.requirements.response_kb / _KB_PER_GB
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


def path_services(c: Context, compute: Service, database: Service, entry: str) -> tuple[Service, ...]:
    """Every service a request needs, in the order in which it meets them."""
    return (*_edge_services(c), entry_service(c, entry), *intake_services(c), compute, database)


def _pct(service: Service, form: str) -> float | None:
    sla = form_sla(service, form)
    return sla.pct if sla else None


def _everywhere(service: Service, form: str) -> bool:
    sla = form_sla(service, form)
    return sla is not None and sla.form == "global"


def promise(service: Service, zones: int = 3) -> float | None:
    """What a service promises at one site when it is spread over as many zones as the region has, per cent; None =
    not known."""
    return _pct(service, "multi-zone" if zones > 1 else "single-zone")


def weakest_pct(c: Context, services: tuple[Service, ...], form: str) -> float | None:
    """The smallest promise of services in a form, per cent, two active sites counted as two; None if one is not
    known."""
    pcts = [(_pct(s, form), _everywhere(s, form)) for s in services]
    found = [
        pct if form != "active-active" or everywhere else active_active(pct, c.assume("common_cause_share"))
        for pct, everywhere in pcts
        if pct is not None
    ]
    return min(found) if len(found) == len(pcts) else None


def path_pct(
    c: Context, compute: Service, database: Service, form: str = "multi-zone", entry: str = "application"
) -> float | None:
    """What the users' path promises, per cent, for these services in a deployment form; None = not known."""
    services = path_services(c, compute, database, entry)
    once = series(_pct(s, form) for s in services if _everywhere(s, form))
    site = series(_pct(s, form) for s in services if not _everywhere(s, form))
    if site is not None and form == "active-active":
        site = active_active(site, c.assume("common_cause_share"))
    return series((once, site))
