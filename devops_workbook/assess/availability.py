"""Availability: what the promises on the users' path add up to.

Services in series multiply. Two active sites fail together only when both fail or a common cause takes both
(beta-factor model, see `design.reliability`). The figures are the providers' SLAs: what they promise to refund,
not what happens. A service with no known promise makes the total "not known".
"""

from __future__ import annotations

from devops_workbook.assess.model import Availability, AvailabilityPart
from devops_workbook.design.context import Context
from devops_workbook.design.model import Component, Topology
from devops_workbook.design.paths import path_pct
from devops_workbook.design.pricing import find_service
from devops_workbook.design.reliability import form_sla
from devops_workbook.evidence import Evidence, Quantity

__all__ = ["MINUTES_PER_MONTH", "assess_availability"]

MINUTES_PER_MONTH = 30 * 24 * 60
_PATH_ROLES = ("dns", "cdn", "load_balancer", "api_gateway", "queue", "stream", "compute", "database")


def _downtime(pct: float | None) -> float | None:
    return None if pct is None else (1 - pct / 100) * MINUTES_PER_MONTH


def _part(c: Context, component: Component, form: str) -> AvailabilityPart:
    service = find_service(c.catalog, c.requirements.provider, component.service)
    sla = form_sla(service, form)
    pct = sla.pct if sla else None
    formula = f"SLA, {sla.form}" if sla and pct is not None else "not known: " + ((sla and sla.note) or "no SLA found")
    evidence = Evidence(
        f"Promise of {component.title}", pct, "%", formula, (), sla.source if sla else "", sla.as_of if sla else ""
    )
    return AvailabilityPart(component.id, component.title, sla.form if sla else "", pct, _downtime(pct), evidence)


def assess_availability(c: Context, topology: Topology) -> Availability:
    """The availability the users' path is promised, with its parts and the error budget (30-day month)."""
    form = c.choice("disaster_recovery.high_availability")
    entry = c.choice("scaling.load_balancing")
    on_path = [
        x
        for x in topology.with_role(*_PATH_ROLES)
        if not x.id.endswith("-2") and (x.role != "dns" or c.requirements.public_facing)
    ]
    parts = tuple(_part(c, x, form) for x in on_path)
    compute, database = topology.component("compute"), topology.component("database")
    services = c.provider.services
    pct = path_pct(c, services[compute.service], services[database.service], form=form, entry=entry)
    total = Evidence(
        "Availability of the users' path",
        pct,
        "%",
        _formula(form, pct),
        (
            *(Quantity(p.title, p.pct, "%") for p in parts),
            *((Quantity("common-cause share", c.assume("common_cause_share")),) if form == "active-active" else ()),
        ),
        "SLAs of the services (see the parts); what providers promise to refund, not what happens",
        max((p.evidence.as_of for p in parts), default=""),
    )
    target = c.requirements.availability_target_pct
    budget = _downtime(target)
    assert budget is not None
    allowed = Evidence(
        "Error budget", budget, "min/month", "(1 - target) x 30 days", (Quantity("target", target, "%"),), "requirements"
    )
    return Availability(pct, target, _downtime(pct), budget, parts, (total, allowed))


def _formula(form: str, pct: float | None) -> str:
    if pct is None:
        return "not known: a service on the path states no promise that we could find"
    if form == "active-active":
        return "global services x (1 - beta x U - (1 - beta) x U^2), U = 1 - product of one site's services"
    return "product of the promises of the services in series"
