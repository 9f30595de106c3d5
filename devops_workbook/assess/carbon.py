"""Carbon: what running the machines emits.

energy = vCPU hours x (min W + utilisation x (max W - min W)) x PUE; emissions = energy x grid intensity. The
method and its coefficients are those of Cloud Carbon Footprint; networks, storage, memory and the making of the
machines are not in it. Managed services without machines of their own are not in it either, and the evidence
says so.
"""

from __future__ import annotations

from devops_workbook.assess.model import Carbon
from devops_workbook.design.context import Context
from devops_workbook.design.model import Component, Topology
from devops_workbook.evidence import Evidence, Quantity

__all__ = ["assess_carbon"]

_FACTS = ("vcpu_watts_min", "vcpu_watts_max", "pue")


def _vcpu_hours(c: Context, component: Component) -> float:
    hours = component.usage.get("instance_hours") or 0.0
    instance = c.provider.instances.get(component.sku)
    if instance is not None:
        return hours * instance.vcpu
    return component.usage.get("vcpu_hours") or 0.0


def _emitted(c: Context, component: Component, watts: float, pue: float) -> tuple[float, float | None]:
    """kWh a month, and kgCO2e (None where the grid's intensity is not known)."""
    kwh = _vcpu_hours(c, component) * watts * pue / 1000.0
    region = c.provider.regions.get(component.region, c.region)
    grid = region.grid.value
    return kwh, (None if grid is None else kwh * grid / 1000.0)


def assess_carbon(c: Context, topology: Topology) -> Carbon:
    """kgCO2e a month of the compute, database and cache instances; None when a fact is missing."""
    facts = {name: c.provider.facts.get(name) for name in _FACTS}
    grid = c.region.grid.value
    missing = [name for name, fact in facts.items() if fact is None or fact.value is None]
    if missing:
        return Carbon(None, grid, (_evidence(c, None, 0.0, 0.0, f"not known: no {', '.join(missing)}"),))
    low, high, pue = (fact.value for fact in facts.values() if fact and fact.value is not None)
    watts = low + c.assume("mean_cpu_utilisation") * (high - low)
    rows = [_emitted(c, x, watts, pue) for x in topology.components if _vcpu_hours(c, x)]
    kwh = sum(energy for energy, _ in rows)
    if not rows:
        return Carbon(None, grid, (_evidence(c, None, 0.0, watts, "not known: the services run on no machine of ours"),))
    if any(kg is None for _, kg in rows):
        return Carbon(None, grid, (_evidence(c, None, kwh, watts, "not known: no grid intensity for the region"),))
    total = sum(kg for _, kg in rows if kg is not None)
    formula = "sum over instances of vCPU hours x W per vCPU x PUE x grid intensity"
    return Carbon(total, grid, (_evidence(c, total, kwh, watts, formula),))


def _evidence(c: Context, value: float | None, kwh: float, watts: float, formula: str) -> Evidence:
    pue = c.provider.facts.get("pue")
    return Evidence(
        "Emissions of compute, database and cache instances", value, "kgCO2e/month", formula,
        (Quantity("energy", kwh, "kWh/month"), Quantity("power", watts, "W per vCPU"),
         Quantity("PUE", pue.value if pue else None), Quantity("grid intensity", c.region.grid.value, "gCO2e/kWh")),
        f"{c.region.grid.source}; {pue.source if pue else ''}", c.region.grid.as_of,
    )  # fmt: skip
