"""Availability: what the promises on the users' path add up to.

Services in series multiply. Two active sites fail together only when both fail or a common cause takes both
(beta-factor model, see `design.reliability`). The figures are the providers' SLAs: what they promise to refund,
not what happens. A service with no known promise makes the total "not known".
"""

from __future__ import annotations

from typing import overload

from devops_workbook.assess.model import Availability, AvailabilityPart
from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.model import Topology
from devops_workbook.design.paths import path_pct, path_services
from devops_workbook.design.reliability import form_sla
from devops_workbook.evidence import Evidence, Quantity

__all__ = ["MINUTES_PER_MONTH", "assess_availability"]

MINUTES_PER_MONTH = 30 * 24 * 60


@overload
def _downtime(pct: float) -> float: ...
@overload
def _downtime(pct: float | None) -> float | None: ...
def _downtime(pct: float | None) -> float | None:
    return None if pct is None else (1 - pct / 100) * MINUTES_PER_MONTH


def _part(topology: Topology, service: Service, form: str) -> AvailabilityPart:
    component = next(x for x in topology.components if x.service == service.id)
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
    services = c.provider.services
    compute, database = (services[topology.component(id).service] for id in ("compute", "database"))
    parts = tuple(_part(topology, service, form) for service in path_services(c, compute, database, entry))
    pct = path_pct(c, compute, database, form=form, entry=entry)
    target = c.requirements.availability_target_pct
    evidence = (_total(c, form, pct, parts), _budget(target))
    return Availability(pct, target, _downtime(pct), _downtime(target), parts, (), (), evidence)


def _total(c: Context, form: str, pct: float | None, parts: tuple[AvailabilityPart, ...]) -> Evidence:
    beta = (Quantity("common-cause share", c.assume("common_cause_share")),) if form == "active-active" else ()
    return Evidence(
        "Availability of the users' path", pct, "%", _formula(form, pct),
        (*(Quantity(f"{p.title} ({p.form})", p.pct, "%") for p in parts), *beta),
        "SLAs of the services (see the parts); what providers promise to refund, not what happens",
        min((p.evidence.as_of for p in parts if p.evidence.as_of), default=""),
    )  # fmt: skip


def _budget(target: float) -> Evidence:
    given = (Quantity("target", target, "%"),)
    return Evidence("Error budget", _downtime(target), "min/month", "(1 - target) x 30 days", given, "requirements")


def _formula(form: str, pct: float | None) -> str:
    if pct is None:
        return "not known: a service on the path states no promise that we could find"
    if form == "active-active":
        return (
            "global services x (1 - beta x U - (1 - beta) x U^2), U = 1 - product of the services of one site, "
            "beta = common-cause share"
        )
    return "product of the promises of the services in series"
