"""Regions with less carbon: what moving there saves, and what it costs in money, time and jurisdiction.

Regions of the same cloud whose grid emits less for a kilowatt hour are evaluated in place of the present one, the
cleanest grids first. Data residency decides which of them may be had; those it forbids are listed apart. Users are
taken to be near the present region, so that a request gains its round trip to the other one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devops_workbook.catalog import Catalog, load
from devops_workbook.catalog.model import Provider, Region
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.evidence import Evidence, Fact, Quantity
from devops_workbook.requirements import Requirements
from devops_workbook.what_if.outcome import Outcome, Sureness, changed, moves, outcome_of, sureness_of, told

__all__ = ["RegionAlternative", "lower_carbon_regions"]

_TRIED = 6  # cleanest grids that are evaluated
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class RegionAlternative:
    """Another region of the same cloud for the primary site.

    allowed: whether the data residency permits it; grid_gco2e_per_kwh: of its grid; saving_kgco2e: a month, None = not
    known; difference_usd: a month, positive = dearer; round_trip_ms: to the present region, None = not known; p99_ms:
    of a response with that round trip, None = not known; consequences: what else changes, each as a sentence; change:
    the requirements to set.
    """

    region: str
    title: str
    jurisdiction: str
    allowed: bool
    grid_gco2e_per_kwh: float
    saving_kgco2e: float | None
    difference_usd: float
    round_trip_ms: float | None
    p99_ms: float | None
    outcome: Outcome
    sureness: Sureness
    consequences: tuple[str, ...]
    change: Mapping[str, Any]
    evidence: tuple[Evidence, ...]


def lower_carbon_regions(evaluation: Evaluation, catalog: Catalog | None = None) -> tuple[RegionAlternative, ...]:
    """The best three regions with less carbon that the data residency allows, those that keep the latency target first;
    after them up to three that it forbids. None where the grid of the present region is not known."""
    facts = catalog or load()
    cleaner = _cleaner(facts.providers[evaluation.requirements.provider], _region(facts, evaluation))
    residency = evaluation.requirements.data_residency
    allowed = [r for r in cleaner if residency in ("none", r.jurisdiction)]
    forbidden = [r for r in cleaner if r not in allowed]
    target = evaluation.requirements.p99_latency_ms
    best = sorted(
        (_alternative(facts, evaluation, region, allowed=True) for region in allowed[:_TRIED]),
        key=lambda a: (a.p99_ms is not None and a.p99_ms > target, -(a.saving_kgco2e or 0.0)),
    )
    better = [a for a in best if a.saving_kgco2e is None or a.saving_kgco2e > 0]
    apart = (_alternative(facts, evaluation, region, allowed=False) for region in forbidden[:_SHOWN])
    return (*better[:_SHOWN], *apart)


def _region(catalog: Catalog, evaluation: Evaluation) -> Region:
    id = evaluation.topology.component("compute").region
    return catalog.providers[evaluation.requirements.provider].regions[id]


def _cleaner(provider: Provider, present: Region) -> list[Region]:
    """The regions whose grid emits less than that of the present one, the cleanest first."""
    limit = present.grid.value or 0.0  # where it is not known, nothing is known to be cleaner
    known = {r.id: r.grid.value for r in provider.regions.values() if r.grid.value is not None}
    return [provider.regions[id] for id in sorted(known, key=lambda id: known[id]) if known[id] < limit]


def _alternative(catalog: Catalog, before: Evaluation, region: Region, *, allowed: bool) -> RegionAlternative:
    change = _change(before.requirements, region)
    after = evaluate(changed(before.requirements, change), catalog)
    was, now, sure = outcome_of(before), outcome_of(after), sureness_of(after)
    present = _region(catalog, before)
    trip = catalog.providers[region.provider].round_trip(present.id, region.id)
    p99 = before.assessment.capacity.p99_ms
    saving = _difference(was.kgco2e_month, now.kgco2e_month)
    consequences = (*_consequences(before.requirements, region, trip, p99, allowed=allowed), *moves(was, now))
    return RegionAlternative(
        region.id, region.title, region.jurisdiction, allowed, region.grid.value or 0.0, saving,
        now.monthly_usd - was.monthly_usd, trip.value if trip else None, _longer(p99, trip), now, sure, consequences,
        change, tuple(_evidence(present, region, before, after, sure, trip)),
    )  # fmt: skip


def _change(requirements: Requirements, region: Region) -> dict[str, Any]:
    """A second region that is named stays, unless it is the one moved to."""
    second = requirements.secondary_region
    return {"region": region.id, "secondary_region": "" if second == region.id else second}


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else before - after


def _longer(p99: float | None, trip: Fact | None) -> float | None:
    return None if p99 is None or trip is None or trip.value is None else p99 + trip.value


def _consequences(
    requirements: Requirements, region: Region, trip: Fact | None, p99: float | None, *, allowed: bool
) -> Iterator[str]:
    if not allowed:
        yield (
            f"Not allowed: data must stay in jurisdiction {requirements.data_residency.upper()}; this one is "
            f"{region.jurisdiction.upper()}."
        )
    longer = _longer(p99, trip)
    if trip is None or trip.value is None:
        yield "The round trip from the present region is not known; measure what users there would wait."
    elif longer is not None and longer > requirements.p99_latency_ms:
        yield (
            f"Users near the present region wait {trip.value:,.0f} ms more: p99 becomes {longer:,.0f} ms, above the "
            f"target of {requirements.p99_latency_ms:,.0f} ms."
        )
    else:
        yield f"Users near the present region wait {trip.value:,.0f} ms more."


def _evidence(
    present: Region, region: Region, before: Evaluation, after: Evaluation, sure: Sureness, trip: Fact | None
) -> Iterator[Evidence]:
    emitted = [e.assessment.carbon.kgco2e_month for e in (before, after)]
    grids = (Quantity(f"grid of {r.id}", r.grid.value, r.grid.unit) for r in (present, region))
    yield Evidence(
        f"Emissions saved in {region.id}", _difference(*emitted), "kgCO2e/month",
        "emissions in the present region - emissions in this one, each evaluated; not known where one of them is not",
        (*grids, Quantity("emissions now", emitted[0], "kgCO2e/month"),
         Quantity("emissions there", emitted[1], "kgCO2e/month")),
        "; ".join(dict.fromkeys((present.grid.source, region.grid.source))), min(present.grid.as_of, region.grid.as_of),
    )  # fmt: skip
    costs = [e.assessment.cost for e in (before, after)]
    yield Evidence(
        f"Price of moving to {region.id}", costs[1].monthly_usd - costs[0].monthly_usd, "USD/month",
        "cost a month there - cost a month here, all environments",
        (Quantity("cost here", costs[0].monthly_usd, "USD/month"),
         Quantity("cost there", costs[1].monthly_usd, "USD/month"), *told(sure)),
        costs[1].evidence[0].source, min(cost.evidence[0].as_of for cost in costs),
    )  # fmt: skip
    yield Evidence(
        f"Round trip to {region.id}", trip.value if trip else None, "ms",
        "measured between the two regions" if trip else "not known: nobody measured it",
        (), trip.source if trip else "", trip.as_of if trip else "",
    )  # fmt: skip
