"""Carbon: what running the machines emits.

energy = vCPU hours x (min W + utilisation x (max W - min W)) x PUE; emissions = energy x grid intensity, region by
region. The method and its coefficients are those of Cloud Carbon Footprint; networks, storage, memory and the making
of the machines are not in it. Managed services without machines of their own are not in it either, and the evidence
says so.
"""

from __future__ import annotations

from devops_workbook.assess.model import Carbon
from devops_workbook.design.context import Context
from devops_workbook.design.model import Component, Topology
from devops_workbook.evidence import Evidence, Quantity

__all__ = ["assess_carbon"]

_FACTS = ("vcpu_watts_min", "vcpu_watts_max", "pue")
_FORMULA = "sum over regions of energy x grid intensity / 1000, energy = vCPU hours x W per vCPU x PUE / 1000"


def _vcpu_hours(c: Context, component: Component) -> float:
    """Processor hours a month: of instances, else of containers, else of functions while they serve."""
    usage = component.usage
    if instance := c.provider.instances.get(component.sku):
        return (usage.get("instance_hours") or 0.0) * instance.vcpu
    return usage.get("vcpu_hours") or (usage.get("vcpu_seconds") or 0.0) / 3600.0


def _hours_by_region(c: Context, topology: Topology) -> dict[str, float]:
    hours: dict[str, float] = {}
    for component in topology.with_role("compute", "database", "cache"):
        if found := _vcpu_hours(c, component):
            hours[component.region] = hours.get(component.region, 0.0) + found
    return hours


def assess_carbon(c: Context, topology: Topology) -> Carbon:
    """kgCO2e a month of the machines under compute, database and cache; None when a fact is missing."""
    facts = {name: c.provider.facts.get(name) for name in _FACTS}
    hours = _hours_by_region(c, topology)
    grids = {region: c.provider.regions[region].grid for region in hours}
    missing = [name for name, fact in facts.items() if fact is None or fact.value is None]
    missing += [f"grid intensity of {region}" for region, grid in grids.items() if grid.value is None]
    if missing or not hours:
        why = f"not known: no {', '.join(missing)}" if missing else "not known: the services run on no machine of ours"
        return _carbon(c, None, Evidence(_METRIC, None, _UNIT, why))
    low, high, pue = (fact.value for fact in facts.values() if fact and fact.value is not None)
    share = c.assume("mean_cpu_utilisation")
    watts = low + share * (high - low)
    kwh = {region: found * watts * pue / 1000.0 for region, found in hours.items()}
    total = sum(kwh[region] * (grid.value or 0.0) / 1000.0 for region, grid in grids.items())
    inputs = [Quantity(f"vCPU hours in {region}", found, "h/month") for region, found in hours.items()]
    inputs += [Quantity(f"energy in {region}", found, "kWh/month") for region, found in kwh.items()]
    inputs += [Quantity(f"grid intensity of {region}", grid.value, grid.unit) for region, grid in grids.items()]
    inputs += [Quantity("power", watts, "W per vCPU"), Quantity("utilisation", share), Quantity("PUE", pue)]
    known = [*grids.values(), *(fact for fact in facts.values() if fact)]
    sources = "; ".join(dict.fromkeys(fact.source for fact in known))
    return _carbon(c, total, Evidence(
        _METRIC, total, _UNIT, _FORMULA, tuple(inputs), sources, min(fact.as_of for fact in known)
    ))  # fmt: skip


_METRIC = "Emissions of the machines under compute, database and cache"
_UNIT = "kgCO2e/month"


def _carbon(c: Context, kg: float | None, evidence: Evidence) -> Carbon:
    return Carbon(kg, c.region.grid.value, (), (), (evidence,))
