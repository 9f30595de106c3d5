"""The users' path: which services a request needs, and what they promise together.

Name resolution, the CDN when there is one, the entry (load balancer or API gateway), compute and database are
all needed. The in-memory cache is not: without it the system is slower, not down. Whatever the catalog knows no
promise for makes the whole "not known".
"""

from __future__ import annotations

from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.reliability import active_active, form_sla, series

__all__ = ["entry_service", "global_services", "intake_services", "path_pct", "promise", "site_pct", "weakest_pct"]


def global_services(c: Context) -> tuple[Service, ...]:
    """The services outside any region that a request needs first: DNS, and the CDN if the plan has one."""
    roles = ["dns"] if c.requirements.public_facing else []
    if c.choice("scaling.caching") in ("cdn", "cdn-in-memory"):
        roles.append("cdn")
    return tuple(s for role in roles if (s := c.service(role)))


def entry_service(c: Context, kind: str) -> Service:
    """The service that takes requests in, for an option of scaling.load_balancing."""
    service = c.service("api_gateway" if kind == "api-gateway" else "load_balancer")
    assert service is not None
    return service


def intake_services(c: Context) -> tuple[Service, ...]:
    """What holds work until a worker takes it: a queue, a stream, or nothing for requests answered at once."""
    role = {"web-api": "", "streaming": "stream"}.get(c.requirements.workload_type, "queue")
    return tuple(s for s in (c.service(role),) if role and s)


def _pct(service: Service, form: str) -> float | None:
    sla = form_sla(service, form)
    return sla.pct if sla else None


def site_pct(services: tuple[Service, ...], form: str) -> float | None:
    """What regional services promise in series at one site, per cent; None if one promise is not known."""
    return series(_pct(s, form) for s in services)


def weakest_pct(c: Context, services: tuple[Service, ...], form: str) -> float | None:
    """The smallest promise of regional services in a form, per cent, two active sites counted as two; None if
    one is not known."""
    pcts = [_pct(s, form) for s in services]
    if None in pcts:
        return None
    smallest = min(pct for pct in pcts if pct is not None)
    return active_active(smallest, c.assume("common_cause_share")) if form == "active-active" else smallest


def promise(service: Service) -> float | None:
    """What a service promises when it is spread over the zones of one site, per cent; None = not known."""
    return _pct(service, "multi-zone")


def path_pct(c: Context, compute: Service, database: Service, form: str = "multi-zone", entry: str = "application") -> float | None:
    """What the users' path promises, per cent, for these services in a deployment form; None = not known."""
    site = site_pct((entry_service(c, entry), *intake_services(c), compute, database), form)
    if site is None:
        return None
    if form == "active-active":
        site = active_active(site, c.assume("common_cause_share"))
    return series((*(_pct(s, form) for s in global_services(c)), site))
