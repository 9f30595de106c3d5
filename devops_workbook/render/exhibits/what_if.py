"""The design beside its alternatives: on the other clouds, under the budget, on a cleaner grid.

Each of these takes further evaluations, made only when its body is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.evaluate import Evaluation
from devops_workbook.outline import OUTLINE
from devops_workbook.render.exhibits.model import Block, Cell, Exhibit, Number, Table, Text
from devops_workbook.render.figures import MINUS, duration, money, percent, quantity
from devops_workbook.what_if import (
    PricedWay,
    ProviderCost,
    RegionAlternative,
    across_providers,
    lower_carbon_regions,
    ways_under_budget,
)

__all__ = ["cleaner_regions", "other_clouds", "under_budget"]


def other_clouds(evaluation: Evaluation) -> Exhibit:
    """The same requirements on every cloud."""
    line = "The same requirements on every cloud of the catalog, worked out by the same rules"
    return Exhibit(
        "other-clouds",
        "Other clouds",
        line,
        lambda: tuple(_side_by_side(across_providers(evaluation.requirements))),
        slow=True,
    )


def _side_by_side(found: tuple[ProviderCost, ...]) -> Iterator[Block]:
    sections = [s for s in OUTLINE if any(usd for p in found for id, usd in p.by_section if id == s.id)]
    rows: list[tuple[Cell, ...]] = [
        ("Region", *(p.region for p in found)),
        ("Cost a month", *(Number(money(p.outcome.monthly_usd), p.evidence) for p in found)),
        ("Of it for production", *(money(p.outcome.production_usd) for p in found)),
        *((s.title, *(money(dict(p.by_section).get(s.id)) for p in found)) for s in sections),
        ("Availability promised", *(percent(p.outcome.availability_pct, 4) for p in found)),
        ("Time to recover (RTO)", *(duration(p.outcome.rto_minutes) for p in found)),
        ("Data lost (RPO)", *(duration(p.outcome.rpo_minutes) for p in found)),
        ("Emissions a month", *(quantity(p.outcome.kgco2e_month, "kgCO2e") for p in found)),
        ("Findings", *(", ".join(f"{n} {severity}" for severity, n in p.findings) or "none" for p in found)),
        ("Price lines borrowed from another region", *(f"{p.sureness.borrowed} of {p.sureness.lines}" for p in found)),
        ("Their share of the cost", *(percent(100 * p.sureness.borrowed_share) for p in found)),
        ("Price lines not known", *(quantity(p.sureness.unpriced) for p in found)),
    ]
    head = ("", *(p.title + (" (chosen)" if p.named else "") for p in found))
    yield Table("The same requirements on every cloud", head, tuple(rows), tuple(range(1, len(head))))
    yield from (Text(f"{p.title}: {sentence}") for p in found for sentence in p.dropped)


def under_budget(evaluation: Evaluation) -> Exhibit | None:
    """The ways back under the budget, None where it holds or none was stated."""
    budget = evaluation.assessment.cost.budget
    if budget is None or budget.gap_usd <= 0:
        return None
    line = f"{money(budget.gap_usd)} a month over it; single changes and combinations, each worked out"
    return Exhibit("under-budget", "Ways under the budget", line, lambda: (_ways(ways_under_budget(evaluation)),), True)


_SHOWN = 8


def _ways(found: tuple[PricedWay, ...]) -> Block:
    if not found:
        return Text("No change that was tried costs less.", "trouble")
    rows = [
        (
            way.text, Number(money(way.monthly_usd), way.evidence), money(way.saving_usd),
            "yes" if way.under else "no", " ".join(way.effects) or "Nothing else moves.",
        )
        for way in found[:_SHOWN]
    ]  # fmt: skip
    caption = "Ways under the budget, the least loss first" if found[0].under else "Nothing tried reaches the budget"
    return Table(caption, ("Way", "A month then", "Saved", "Under it", "What else moves"), tuple(rows), (1, 2))


def cleaner_regions(evaluation: Evaluation) -> Exhibit:
    """Regions of the same cloud whose grid emits less."""
    line = "Regions of the same cloud with less carbon: what they cost, how far they are, whether data may go there"
    regions = lower_carbon_regions
    return Exhibit("cleaner-regions", "Cleaner regions", line, lambda: (_regions(regions(evaluation)),), True)


def _regions(found: tuple[RegionAlternative, ...]) -> Block:
    if not found:
        return Text("No region of this cloud is known to have a cleaner grid.")
    rows = [
        (
            f"{r.title} ({r.region})", "yes" if r.allowed else "no", quantity(r.grid_gco2e_per_kwh),
            _first(r, _less(r.saving_kgco2e)), _signed(r.difference_usd), _ms(r.round_trip_ms),
            _ms(r.p99_ms), " ".join(r.consequences),
        )
        for r in found
    ]  # fmt: skip
    head = ("Region", "Allowed", "Grid", "Emissions", "Cost", "Round trip", "p99 from here", "What else changes")
    units = "gCO2e/kWh, change of kgCO2e and cost a month, ms"
    return Table(f"Regions with a cleaner grid ({units})", head, tuple(rows), (2, 3, 4, 5, 6))


def _first(region: RegionAlternative, text: str) -> Cell:
    return Number(text, region.evidence[0]) if region.evidence else text


def _less(kilograms: float | None) -> str:
    return quantity(None) if kilograms is None else f"{MINUS}{quantity(float(f'{kilograms:.3g}'))}"


def _ms(value: float | None) -> str:
    return quantity(value) if value is None or value < 10 else f"{value:,.0f}"


def _signed(usd: float) -> str:
    return ("+" if usd > 0 else "") + money(usd)
