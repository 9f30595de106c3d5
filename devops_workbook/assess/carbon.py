"""Carbon: what running the design emits in a month, component by component.

    energy   = (processors + memory + storage + bytes between regions) x PUE
    emission = energy x grid intensity of the component's region + the making of the servers, as far as used

The method and its coefficients are those of Cloud Carbon Footprint (methodology page of the project, repository
cloud-carbon-footprint/cloud-carbon-footprint, microsite/docs/HowItWorks/Methodology.md). Processors draw between
their watts at rest and at full load, in proportion to their use: that of the serving instances follows from the
load, elsewhere it is the half that the method assumes. Those watts come from measured servers and hold some memory
a processor; only memory beyond it is added. Storage counts every copy that the provider keeps. Of the bytes on the
move the method counts those between regions alone.

The making of a server is spread over its four years and its processors (EmbodiedEmissions.md, beside the page named
above, after the Software Carbon Intensity specification). What has no measurable use of machines, storage or lines (a
queue, a gateway, a hosted tool) is not counted, and named in `excluded`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from devops_workbook.assess.model import Carbon, CarbonLine
from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.model import Component, Topology
from devops_workbook.design.pricing import find_service
from devops_workbook.design.sites import sites_of
from devops_workbook.design.sizing import HOURS_PER_MONTH, SECONDS_PER_MONTH, load_of
from devops_workbook.evidence import Evidence, Fact, Quantity

__all__ = ["assess_carbon", "embodied_kg", "mean_watts", "memory_kwh", "network_kwh", "processor_kwh", "storage_kwh"]

_EXCLUDED = (
    "the making of storage and networks, and the disposal of all hardware",
    "bytes to users, between zones and inside a site, and the devices of users",
    "environments other than production",
)


# --- the method ------------------------------------------------------------------------------------------


def mean_watts(low: float, high: float, utilisation: float) -> float:
    """W that one vCPU draws at a mean utilisation of 0-1, between its W at rest and at full load."""
    return low + utilisation * (high - low)


def processor_kwh(vcpu_hours: float, watts: float, pue: float) -> float:
    """Energy in kWh of so many vCPU hours at so many W each."""
    return vcpu_hours * watts * pue / 1000.0


def memory_kwh(gib_hours: float, kwh_per_gib_hour: float, pue: float) -> float:
    """Energy in kWh of so many GiB hours of memory."""
    return gib_hours * kwh_per_gib_hour * pue


def storage_kwh(gb: float, hours: float, wh_per_tb_hour: float, copies: float, pue: float) -> float:
    """Energy in kWh of so many GB kept for so many hours in so many copies."""
    return gb / 1000.0 * hours * wh_per_tb_hour * copies * pue / 1000.0


def network_kwh(gb: float, kwh_per_gb: float, pue: float) -> float:
    """Energy in kWh of so many GB moved between regions."""
    return gb * kwh_per_gb * pue


def embodied_kg(vcpu_hours: float, grams_per_vcpu_hour: float) -> float:
    """Emissions in kgCO2e of making the servers, for so many vCPU hours of them."""
    return vcpu_hours * grams_per_vcpu_hour / 1000.0


# --- what a component uses -------------------------------------------------------------------------------

_STORES = {
    # role: (usages, medium, copies) of all that it stores; copies: what the fact storage_copies_<name> is called
    "compute": ((("disk_gb",), "ssd", "disk"),),
    "database": ((("storage_gb",), "ssd", "{kind}"), (("backup_gb",), "hdd", "backup")),
    "object_storage": ((("storage_gb", "storage_ia_gb"), "hdd", "object"),),
    "registry": ((("storage_gb",), "hdd", "registry"),),
    "backup": ((("backup_gb",), "hdd", "backup"),),
    "logs": ((("log_stored_gb",), "hdd", "object"),),
}
_MEASURED = (*_STORES, "cache", "transfer")


@dataclass(frozen=True, slots=True)
class _Use:
    """What one component uses in a month. utilisation: of its processors, 0-1, None = not known; stored: GB, the
    medium, and the name of its copies; region_gb: bytes that leave for another region."""

    vcpu_hours: float
    gib_hours: float
    utilisation: float | None
    stored: tuple[tuple[float, str, str], ...]
    region_gb: float


def _use(c: Context, component: Component, service: Service) -> _Use | None:
    """None where nothing of it is measured."""
    elsewhere = service.provider == "tools" and not component.sku
    if elsewhere or not (component.sku or component.role in _MEASURED):
        return None
    vcpu_hours, gib_hours = _processors(c, component)
    kind = service.kind.replace("-", "_")
    stored = ((sum(component.usage.get(name) or 0.0 for name in names), medium, copies.format(kind=kind))
              for names, medium, copies in _STORES.get(component.role, ()))  # fmt: skip
    return _Use(
        vcpu_hours, gib_hours, _utilisation(c, component, vcpu_hours), tuple(x for x in stored if x[0] > 0),
        component.usage.get("region_gb") or 0.0,
    )  # fmt: skip


def _processors(c: Context, component: Component) -> tuple[float, float]:
    """Processor (vCPU) and memory (GiB) hours: of machines, else of containers, else of functions while they serve."""
    usage = component.usage
    if size := c.provider.instances.get(component.sku):
        # A standby runs whether or not its provider bills it, so data stores are counted rather than billed hours.
        running = component.count * HOURS_PER_MONTH
        hours = running if component.role in ("database", "cache") else sum(map(float, _billed(usage)))
        return hours * size.vcpu, hours * size.memory_gib
    vcpu_hours = usage.get("vcpu_hours") or (usage.get("vcpu_seconds") or 0.0) / 3600.0
    return vcpu_hours, usage.get("gib_hours") or (usage.get("gib_seconds") or 0.0) / 3600.0


def _billed(usage: Mapping[str, float | None]) -> tuple[float, float]:
    return usage.get("instance_hours") or 0.0, usage.get("host_hours") or 0.0


def _utilisation(c: Context, component: Component, vcpu_hours: float) -> float | None:
    """Share of the serving processors that the mean load keeps busy; None for what is not sized by the load."""
    share = next((site.share for site in sites_of(c) if component.id == site.id("compute")), None)
    if share is None or vcpu_hours == 0:
        return None
    load, r = load_of(c), c.requirements
    busy = load.origin_requests_month * share / SECONDS_PER_MONTH * load.service_s * r.cpu_pct / 100.0
    return min(1.0, busy / (vcpu_hours / HOURS_PER_MONTH))


# --- what it emits ---------------------------------------------------------------------------------------

_COEFFICIENTS = (
    "vcpu_watts_min", "vcpu_watts_max", "pue", "memory_kwh_per_gib_hour", "memory_gib_in_vcpu_watts",
    "storage_wh_per_tb_hour_ssd", "storage_wh_per_tb_hour_hdd", "network_kwh_per_gb",
)  # fmt: skip
_METRIC, _UNIT = "Emissions of running production", "kgCO2e/month"
_FORMULA = (
    "(processors x power + memory beyond theirs + storage x copies + bytes to other regions) x PUE x grid intensity"
    " + making of the servers"
)
_MAKING = "embodied_gco2e_per_vcpu_hour"


def assess_carbon(c: Context, topology: Topology) -> Carbon:
    """kgCO2e a month of every component whose use is measured; None where a grid or a coefficient is not known."""
    known = {name: fact for name in _COEFFICIENTS if (fact := c.provider.facts.get(name)) and fact.value is not None}
    if missing := [name.replace("_", " ") for name in _COEFFICIENTS if name not in known]:
        why = Evidence(_METRIC, None, _UNIT, f"not known: {c.provider.title} states no {', '.join(missing)}")
        return Carbon(None, c.region.grid.value, (), (*_EXCLUDED, *(x.title for x in topology.components)), (why,))
    lines, left_out = list[CarbonLine](), list[str]()
    for component in topology.components:
        service = find_service(c.catalog, c.provider.id, component.service)
        use = _use(c, component, service)
        if use is None:
            left_out.append(component.title)
        else:
            lines.append(_line(c, component, use, known))
    unseen = dict.fromkeys(x.title for x in topology.with_role("database") if not x.sku)
    making = () if _MAKING in c.provider.facts else ("the making of the servers",)
    excluded = (
        *_EXCLUDED, *making, *(f"the processors of {title}, which is billed by the request" for title in unseen),
        "what no use of machines is known of: " + ", ".join(dict.fromkeys(left_out)),
    )  # fmt: skip
    known_lines = [line.kgco2e for line in lines if line.kgco2e is not None]
    total = sum(known_lines) if len(known_lines) == len(lines) else None
    return Carbon(total, c.region.grid.value, tuple(lines), excluded, (_total(lines, total),))


def _line(c: Context, component: Component, use: _Use, facts: Mapping[str, Fact]) -> CarbonLine:
    """The energy of a component and what it emits in its region."""
    region = component.region or c.region.id
    grid = c.provider.regions[region].grid
    shares = tuple(_shares(c, use, facts))
    kwh = sum(share.kwh for share in shares)
    kg = None if grid.value is None else kwh * grid.value / 1000.0 + sum(share.kg for share in shares)
    used = [fact for share in shares for fact in share.facts] + [facts["pue"]] + ([grid] if grid.value else [])
    evidence = Evidence(
        f"Emissions of {component.id}", kg, _UNIT,
        _FORMULA if kg is not None else f"not known: no grid intensity of {region} is published",
        (*(x for share in shares for x in share.inputs), Quantity("PUE", facts["pue"].value),
         Quantity("energy", kwh, "kWh/month"), Quantity("grid intensity", grid.value, grid.unit)),
        "; ".join(dict.fromkeys(fact.source for fact in used)), min(fact.as_of for fact in used),
    )  # fmt: skip
    return CarbonLine(component.id, region, kwh, kg, evidence)


@dataclass(frozen=True, slots=True)
class _Share:
    """Part of what a component draws or emits a month: the quantities it comes from, and the facts. kg: what it
    emits beside that of its energy."""

    kwh: float
    inputs: tuple[Quantity, ...]
    facts: tuple[Fact, ...]
    kg: float = 0.0


def _shares(c: Context, use: _Use, facts: Mapping[str, Fact]) -> Iterator[_Share]:
    """What processors, storage and lines of a component draw, and its servers have emitted when they were made."""
    if use.vcpu_hours:
        yield _computing(c, use, facts)
        if made := c.provider.facts.get(_MAKING):
            kg = embodied_kg(use.vcpu_hours, _value(made))
            yield _Share(0.0, (Quantity("making of the servers", kg, _UNIT),), (made,), kg)
    for gb, medium, name in use.stored:
        yield _storing(c, gb, medium, name, facts)
    if use.region_gb:
        rate = facts["network_kwh_per_gb"]
        kwh = network_kwh(use.region_gb, _value(rate), _value(facts["pue"]))
        yield _Share(kwh, (Quantity("bytes to other regions", use.region_gb, "GB/month"),), (rate,))


def _value(fact: Fact) -> float:
    assert fact.value is not None
    return fact.value


def _computing(c: Context, use: _Use, facts: Mapping[str, Fact]) -> _Share:
    used = [facts[name] for name in _COEFFICIENTS[:5]]
    low, high, pue, per_gib, inside = map(_value, used)
    share = use.utilisation
    if share is None:
        used.append(c.catalog.assumptions["mean_cpu_utilisation"])
        share = _value(used[-1])
    watts = mean_watts(low, high, share)
    beyond = max(0.0, use.gib_hours - use.vcpu_hours * inside)
    inputs = (
        Quantity("processors", use.vcpu_hours, "vCPU-h/month"), Quantity("utilisation", share),
        Quantity("power", watts, "W/vCPU"), Quantity("memory beyond theirs", beyond, "GiB-h/month"),
    )  # fmt: skip
    kwh = processor_kwh(use.vcpu_hours, watts, pue) + memory_kwh(beyond, per_gib, pue)
    return _Share(kwh, inputs, tuple(used))


def _storing(c: Context, gb: float, medium: str, name: str, facts: Mapping[str, Fact]) -> _Share:
    """The method counts one copy where it names no other number."""
    rate, copies = facts[f"storage_wh_per_tb_hour_{medium}"], c.provider.facts.get(f"storage_copies_{name}")
    times = _value(copies) if copies else 1.0
    kwh = storage_kwh(gb, HOURS_PER_MONTH, _value(rate), times, _value(facts["pue"]))
    title = f"{name.replace('_', ' ')} on {medium.upper()}"
    inputs = (Quantity(title, gb, "GB"), Quantity(f"copies of {title}", times))
    return _Share(kwh, inputs, (rate, copies) if copies else (rate,))


def _total(lines: list[CarbonLine], total: float | None) -> Evidence:
    """All lines together, region by region."""
    unknown = dict.fromkeys(line.region for line in lines if line.kgco2e is None)
    inputs = list[Quantity]()
    for region in dict.fromkeys(line.region for line in lines):
        here = [line for line in lines if line.region == region]
        kg = None if region in unknown else sum(line.kgco2e or 0.0 for line in here)
        inputs.append(Quantity(f"energy in {region}", sum(line.kwh for line in here), "kWh/month"))
        inputs.append(Quantity(f"emissions in {region}", kg, _UNIT))
    formula = "sum over the components of energy x grid intensity of their region"
    if total is None:
        formula = f"not known: no grid intensity of {', '.join(unknown)} is published"
    return Evidence(
        _METRIC, total, _UNIT, formula, tuple(inputs),
        "Cloud Carbon Footprint and the grid intensities of the catalog; each line names its own",
        min((line.evidence.as_of for line in lines), default=""),
    )  # fmt: skip
