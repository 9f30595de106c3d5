"""The ways back under the budget: single changes first, then two or three together.

Tried are the other options of every decision that has a price, and the requirements that a team may ask less of: how
long logs are kept, the next lower availability, half the planning horizon, another region of the jurisdiction, and a
commitment for what always runs. Each is evaluated anew, so that what else moves is known and said. Of those that reach
the budget the one that gives up least comes first: the fewest targets missed that were met, the fewest new findings of
high severity, the fewest requirements lowered, the least downtime, the lowest cost.

Where no single change suffices, the cheapest and the gentlest savers are joined greedily with up to two others. No more
than sixty designs are evaluated.

A commitment changes no design, and the bill stays on demand; its way is priced as that bill less what the terms save.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from devops_workbook.assess.model import Cost
from devops_workbook.catalog import Catalog, load
from devops_workbook.design.model import Decision
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.evidence import Evidence, Quantity
from devops_workbook.requirements import Requirements
from devops_workbook.what_if.outcome import Outcome, changed, moves, outcome_of

__all__ = ["MOST_EVALUATIONS", "Loss", "PricedWay", "ways_under_budget"]

MOST_EVALUATIONS = 60
_SINGLES = 40  # of them for single changes
_PARTNERS = 6  # changes that each seed is joined with
_REGIONS = 3
_STEPS = (90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 99.999, 99.9999)
_KEPT_DAYS = 30
# Decisions without a component of their own, and the shape of everything else.
_SHAPING = ("disaster_recovery.high_availability", "scaling.caching", "cost.efficiency")


@dataclass(frozen=True, slots=True, order=True)
class Loss:
    """What a way gives up, the gravest first: stated targets missed that were met, new findings of high severity,
    requirements lowered, minutes of downtime a year."""

    missed: int
    found: int
    lowered: int
    downtime: float


@dataclass(frozen=True, slots=True)
class PricedWay:
    """A way towards the budget.

    change: the requirements to set; monthly_usd: of all environments then; under: whether that is within the budget;
    effects: what else moves, each as a sentence; evidence: of the new cost.
    """

    text: str
    change: Mapping[str, Any]
    monthly_usd: float
    saving_usd: float
    under: bool
    outcome: Outcome
    loss: Loss
    effects: tuple[str, ...]
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class _Change:
    """Something to try. lowers: whether it asks for less than was stated."""

    text: str
    values: Mapping[str, Any]
    lowers: bool


def ways_under_budget(evaluation: Evaluation, catalog: Catalog | None = None) -> tuple[PricedWay, ...]:
    """The ways back under the budget, the one with the least loss first; none where the budget holds or is not stated.

    Where nothing that was tried reaches the budget, the combinations that come nearest, marked as not under it.
    """
    budget = evaluation.assessment.cost.budget
    if budget is None or budget.gap_usd <= 0:
        return ()
    trials = _Trials(evaluation, catalog or load(), budget.monthly_usd)
    singles = [way for change in _changes(evaluation, trials.catalog) if (way := trials.way((change,), _SINGLES))]
    if under := [way for _, way in singles if way.under]:
        return _ranked(under)
    joined = list(_joined(trials, singles))
    return _ranked([way for way in joined if way.under]) or _nearest([*joined, *(way for _, way in singles)])


def _ranked(ways: Iterable[PricedWay]) -> tuple[PricedWay, ...]:
    """The least loss first; of several that come to the same, the first."""
    found: dict[tuple[float, frozenset[str]], PricedWay] = {}
    for way in sorted(ways, key=lambda way: (way.loss, way.monthly_usd)):
        found.setdefault((round(way.monthly_usd, 2), way.outcome.high), way)
    return tuple(found.values())


def _nearest(ways: Iterable[PricedWay]) -> tuple[PricedWay, ...]:
    return tuple(sorted(_ranked(ways), key=lambda way: way.monthly_usd)[:3])


# --- trying ----------------------------------------------------------------------------------------------

_Tried = tuple[tuple[_Change, ...], PricedWay]


@dataclass
class _Trials:
    """Evaluates changes of one evaluation, each set of values once, and no more than so many in all."""

    before: Evaluation
    catalog: Catalog
    budget: float
    outcome: Outcome = field(init=False)
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.outcome = outcome_of(self.before)

    def way(self, changes: tuple[_Change, ...], most: int = MOST_EVALUATIONS) -> _Tried | None:
        """The changes made together; None where they save nothing, contradict each other, were tried before, or `most`
        evaluations have been made."""
        values = _together(self.before.requirements, changes)
        after = self._evaluated(values, most)
        if after is None:
            return None
        usd = _usd(after.assessment.cost, values.get("commitment", "none"))
        return (changes, self._priced(changes, values, after, usd)) if usd < self.outcome.monthly_usd else None

    def _evaluated(self, values: Mapping[str, Any], most: int) -> Evaluation | None:
        try:
            requirements = changed(self.before.requirements, values)
        except ValidationError:
            return None
        key = requirements.model_dump_json()
        if key in self.seen or len(self.seen) >= most:
            return None
        self.seen.add(key)
        return evaluate(requirements, self.catalog)

    def _priced(
        self, changes: tuple[_Change, ...], values: Mapping[str, Any], after: Evaluation, usd: float
    ) -> PricedWay:
        now, was = outcome_of(after), self.outcome
        lowered = sum(change.lowers for change in changes)
        return PricedWay(
            "; ".join(change.text for change in changes), values, usd, was.monthly_usd - usd, usd <= self.budget, now,
            _loss(self.before.requirements, was, now, lowered), tuple(moves(was, now)),
            _evidence(was.monthly_usd, usd, self.budget, after),
        )  # fmt: skip


def _together(requirements: Requirements, changes: Iterable[_Change]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for change in changes:
        overrides = {**values.get("overrides", requirements.overrides), **change.values.get("overrides", {})}
        values |= change.values
        if overrides != requirements.overrides:
            values["overrides"] = overrides
    return values


def _joined(trials: _Trials, singles: list[_Tried]) -> Iterator[PricedWay]:
    """The cheapest and the gentlest single change, each with one or two of the others that save most."""
    by_cost = sorted(singles, key=lambda tried: tried[1].monthly_usd)
    by_loss = sorted(singles, key=lambda tried: (tried[1].loss, tried[1].monthly_usd))
    for seed in (by_cost[:1], by_loss[:1] if by_loss[:1] != by_cost[:1] else []):
        best: _Tried | None = next(iter(seed), None)
        for _ in range(2):
            found = [tried for other in by_cost[: _PARTNERS + 1] if best and (tried := _joint(trials, best, other))]
            yield from (way for _, way in found)
            best = min(found, key=lambda tried: tried[1].monthly_usd, default=None)


def _joint(trials: _Trials, one: _Tried, other: _Tried) -> _Tried | None:
    """Two ways made together, if they do not change the same thing."""
    taken, more = (_touched(changes) for changes, _ in (one, other))
    return None if taken & more else trials.way((*one[0], *other[0]))


def _touched(changes: Iterable[_Change]) -> set[str]:
    """The requirements and the decisions that changes set."""
    return {
        name
        for change in changes
        for name in (*change.values.get("overrides", {}), *(set(change.values) - {"overrides"}))
    }


# --- what to try -----------------------------------------------------------------------------------------


def _changes(evaluation: Evaluation, catalog: Catalog) -> Iterator[_Change]:
    """Every change to try, those of requirements first, then the options of the dearest decisions."""
    yield from _commitments(evaluation)
    yield from _less_asked(evaluation, catalog)
    spent: dict[str, float] = {}
    decided = {component.id: component.decision for component in evaluation.topology.components}
    for line in evaluation.assessment.cost.lines:
        field_id = decided[line.component]
        spent[field_id] = spent.get(field_id, 0.0) + (line.monthly_usd or 0.0)
    dearest = sorted(spent, key=lambda field_id: -spent[field_id])
    for field_id in dict.fromkeys((*_SHAPING, *dearest)):
        yield from _options(evaluation.plan.decision(field_id))


def _options(decision: Decision) -> Iterator[_Change]:
    for option in decision.alternatives:
        if not option.ruled_out:
            text = f"{decision.title}: {option.title} instead of {decision.choice.title}"
            yield _Change(text, {"overrides": {decision.id: option.id}}, lowers=False)


def _commitments(evaluation: Evaluation) -> Iterator[_Change]:
    """Those the company is ready for, and longer ones."""
    terms = {"1y": "one year", "3y": "three years"}
    for term, text in terms.items():
        if term != "1y" or evaluation.requirements.commitment != "3y":
            yield _Change(f"Commit to {text} for what always runs", {"commitment": term}, lowers=False)


def _less_asked(evaluation: Evaluation, catalog: Catalog) -> Iterator[_Change]:
    r = evaluation.requirements
    asked = (catalog.frameworks[id].demands.get("min_log_retention_days", 0) for id in r.compliance)
    least = int(max((_KEPT_DAYS, *asked)))
    if r.log_retention_days > least:
        yield _Change(f"Keep logs {least} days instead of {r.log_retention_days}", {"log_retention_days": least}, True)
    if lower := [step for step in _STEPS if step < r.availability_target_pct]:
        text = f"Lower the availability target to {lower[-1]:g} %"
        yield _Change(text, {"availability_target_pct": lower[-1]}, True)
    if r.horizon_months and r.growth_pct_per_year:
        half = r.horizon_months // 2
        yield _Change(f"Plan capacity {half} months ahead, not {r.horizon_months}", {"horizon_months": half}, True)
    yield from _other_regions(evaluation, catalog)


def _other_regions(evaluation: Evaluation, catalog: Catalog) -> Iterator[_Change]:
    r = evaluation.requirements
    regions = catalog.providers[r.provider].regions
    here = regions[evaluation.topology.component("compute").region]
    near = [
        x for x in regions.values() if x.jurisdiction == here.jurisdiction and x.id not in (here.id, r.secondary_region)
    ]
    for region in near[:_REGIONS]:
        yield _Change(f"Move to {region.title} ({region.id})", {"region": region.id}, lowers=False)


# --- what it comes to ------------------------------------------------------------------------------------


def _usd(cost: Cost, commitment: str) -> float:
    """The bill a month, less what a commitment saves."""
    terms = {"none": (), "1y": ("1y",), "3y": ("1y", "3y")}[commitment]
    best: dict[tuple[str, float], float] = {}
    for found in cost.commitments:
        if found.term in terms:
            key = (found.component, found.on_demand_usd)
            best[key] = max(best.get(key, 0.0), found.saving_usd)
    return cost.monthly_usd - sum(best.values())


def _loss(requirements: Requirements, was: Outcome, now: Outcome, lowered: int) -> Loss:
    def met(outcome: Outcome) -> tuple[bool, ...]:
        a, rto, rpo = outcome.availability_pct, outcome.rto_minutes, outcome.rpo_minutes
        return (
            a is not None and a >= requirements.availability_target_pct,
            rto is not None and rto <= requirements.rto_minutes,
            rpo is not None and rpo <= requirements.rpo_minutes,
            (outcome.compliance_pct or 100.0) >= (was.compliance_pct or 100.0),
        )

    missed = sum(before and not after for before, after in zip(met(was), met(now), strict=True))
    return Loss(missed, len(now.high - was.high), lowered, max(0.0, _downtime(now) - _downtime(was)))


def _downtime(outcome: Outcome) -> float:
    """Minutes of downtime a year that the promises allow; all of them, where they are not known."""
    return (1.0 - (outcome.availability_pct or 0.0) / 100.0) * 365 * 24 * 60


def _evidence(was: float, now: float, budget: float, after: Evaluation) -> Evidence:
    cost = after.assessment.cost
    committed = cost.monthly_usd - now
    given = [Quantity("cost now", was, "USD/month"), Quantity("cost then, on demand", cost.monthly_usd, "USD/month")]
    if not math.isclose(committed, 0.0, abs_tol=1e-9):
        given.append(Quantity("saved by the commitment", committed, "USD/month"))
    return Evidence(
        "Cost a month after the change", now, "USD/month",
        "cost of all environments, evaluated anew - what a commitment saves",
        (*given, Quantity("budget", budget, "USD/month")), cost.evidence[0].source, cost.evidence[0].as_of,
    )  # fmt: skip
