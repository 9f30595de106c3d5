"""Cost: every component's usage, priced, on demand.

quantity x unit price per line. A price that is not known stays so: the line is listed without an amount, the
total says what it does not contain, and nothing is counted as zero that is not free.
"""

from __future__ import annotations

from devops_workbook.assess.model import Cost, CostLine, Projection
from devops_workbook.design.context import Context
from devops_workbook.design.model import Component, Topology
from devops_workbook.design.pricing import Charge, charges, find_service
from devops_workbook.evidence import Evidence, Quantity

__all__ = ["assess_cost", "component_lines"]

_EXCLUDED = (
    "environments other than production (development, staging)",
    "support plans, taxes and discounts",
    "people's time",
)


def _line(c: Context, component: Component, charge: Charge) -> CostLine:
    price = charge.price
    return CostLine(
        component=component.id,
        item=charge.dimension.label,
        quantity=charge.quantity,
        unit=price.unit if price else charge.dimension.unit or c.catalog.usage[charge.dimension.per].unit,
        unit_price_usd=price.usd if price else None,
        monthly_usd=charge.usd,
        source=price.source if price else "not known",
        as_of=price.as_of if price else "",
        note=price.note if price else "price not known",
        borrowed=price.borrowed if price else "",
        adjusted=price.adjusted if price else "",
    )


def component_lines(c: Context, component: Component) -> tuple[CostLine, ...]:
    """The lines of one component; none for what its provider does not charge."""
    service = find_service(c.catalog, c.requirements.provider, component.service)
    found = charges(c.catalog, c.provider.id, service, component.usage, component.sku, component.region or c.region.id)
    return tuple(_line(c, component, charge) for charge in found)


def assess_cost(c: Context, topology: Topology) -> Cost:
    """The monthly bill of production at today's average load, in US dollars."""
    lines = tuple(line for component in topology.components for line in component_lines(c, component))
    total = sum(line.monthly_usd for line in lines if line.monthly_usd is not None)
    unpriced = tuple(f"{line.component}: {line.item}" for line in lines if line.monthly_usd is None)
    priced = len(lines) - len(unpriced)
    borrowed = sum(bool(line.borrowed) and line.monthly_usd is not None for line in lines)
    dates = sorted({line.as_of for line in lines if line.as_of and line.monthly_usd is not None})
    span = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else ""
    evidence = Evidence(
        "Cost a month", total, "USD", "sum of quantity x unit price over the lines, on demand, at the average load",
        (Quantity("lines priced", priced), Quantity("lines not known", len(unpriced)),
         Quantity("lines at the price of another region", borrowed)),
        "price book of the catalog; each line names its source", dates[0] if dates else "",
    )  # fmt: skip
    nothing = Evidence("Projection", None, "USD", "not known")
    return Cost(
        total, total, "USD", span, 0.0, (), lines, (), (), Projection((total,), nothing), None, unpriced, _EXCLUDED,
        (evidence,),
    )  # fmt: skip
