"""Cost: what every component, connection and environment uses, priced on demand in US dollars.

One line of the bill is a quantity times a price. Where a price falls with the quantity, usage of the same price adds
up before its tiers apply, as on a bill: an account has one counter for an item in a region, and one for an item that
costs the same everywhere (AWS counts all accounts of an organisation as one: Billing User Guide, "Volume discounts").
Lines are laid on that counter one after the other, production's first, so that production costs what it would cost
alone, another environment what it adds, and all of them exactly their sum. Where a provider's counter runs over several
regions its bill is lower than ours, because the price of a tier is seldom above that of the one before.

Development and staging are production's charges scaled by the parity rules (see `design.environments`). What always
runs could be committed to; the months to come scale what grows. A price that is not known stays so: the line is
listed without an amount, the total says what it does not contain, and nothing is counted as zero that is not free.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import zip_longest
from typing import Literal

import numpy as np
import numpy.typing as npt

from devops_workbook.assess.model import Budget, Commitment, Cost, CostLine, Environment, Projection, TierAmount
from devops_workbook.catalog.model import Parity, Price, Service, Term, Tier, Usage
from devops_workbook.design.context import Context
from devops_workbook.design.environments import HOURS_PER_WEEK, Running, machines_running, scale_of, week_share
from devops_workbook.design.model import Component, Topology
from devops_workbook.design.pricing import Charge, charges, find_service
from devops_workbook.design.sizing import HOURS_PER_MONTH, cheapest_size, load_of
from devops_workbook.evidence import Evidence, Quantity
from devops_workbook.outline import OUTLINE
from devops_workbook.units import convert

__all__ = ["MONTHS", "PRODUCTION", "assess_cost", "growth_factors", "tiered_cost"]

MONTHS = 36
PRODUCTION = "production"
_CURRENCY = "USD"
_GROWING = frozenset({"traffic", "capacity", "data"})
_SIZED_AHEAD = ("database", "stream")  # roles whose machines are those of the horizon from the first day
_TITLES = {section.id: section.title for section in OUTLINE}
_EXCLUDED = (
    "support plans, taxes, negotiated discounts and free allowances",
    "people's time, and what they use to work: licences, workstations, offices",
    "moving in: the first copy of the data, and running the old system beside the new one",
)

FloatArray = npt.NDArray[np.float64]


# --- lines -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Billed:
    """One charge of production, the component that incurs it, and the section whose decision put that there."""

    component: Component
    service: Service
    charge: Charge
    usage: Usage
    section: str


def _billed(c: Context, topology: Topology) -> Iterator[_Billed]:
    catalog, provider, region = c.catalog, c.provider.id, c.region.id
    for component in topology.components:
        if component.usage:
            service = find_service(catalog, provider, component.service)
            where, section = component.region or region, component.decision.partition(".")[0]
            for charge in charges(catalog, provider, service, component.usage, component.sku, where):
                yield _Billed(component, service, charge, catalog.usage[charge.dimension.per], section)


_Course = Literal["steady", "growing", "ahead"]


def _course(billed: _Billed) -> _Course:
    """What becomes of a quantity in the months to come: it stays, it grows with the load, or it does so only beyond the
    horizon, because the machines that are billed are those of the peak there."""
    grows = billed.usage.grows_with
    if grows == "capacity" and billed.component.role in _SIZED_AHEAD:
        return "ahead"
    return "growing" if grows in _GROWING else "steady"


@dataclass(slots=True)
class _Counter:
    """The monthly quantity of one tiered price, by what becomes of it."""

    price: Price
    quantities: dict[_Course, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Bill:
    """The bill as it is written: its lines, and a counter for each tiered price. The others share one sum for each
    course."""

    lines: list[CostLine] = field(default_factory=list)
    counters: dict[tuple[str, str], _Counter] = field(default_factory=dict)
    untiered_usd: dict[_Course, float] = field(default_factory=dict)

    def add(self, billed: _Billed, environment: str, share: float, price: Price | None) -> None:
        """Write one line: so much of a charge of production, 0-1, at a price."""
        charge, usage = billed.charge, billed.usage
        quantity = None if charge.quantity is None else charge.quantity * share
        tiers, usd = self._priced(price, quantity, _course(billed))
        label = charge.dimension.label
        if price is None:
            unit = charge.dimension.unit or usage.unit
            line = CostLine(billed.component.id, label, quantity, unit, None, None, "not known", "", "price not known",
                            "", billed.section, environment, usage.grows_with)  # fmt: skip
        else:
            mean = usd / quantity if tiers and usd is not None and quantity else price.usd
            line = CostLine(billed.component.id, label, quantity, price.unit, mean, usd, price.source, price.as_of,
                            price.note, price.borrowed, billed.section, environment, usage.grows_with, tiers,
                            price.adjusted)  # fmt: skip
        self.lines.append(line)

    def _priced(
        self, price: Price | None, quantity: float | None, course: _Course
    ) -> tuple[tuple[TierAmount, ...], float | None]:
        """Puts a quantity on the counter of its price: what falls into each tier, and what it costs."""
        if price is None or quantity is None:
            return (), None
        if not price.tiers:
            usd = quantity * price.usd
            self.untiered_usd[course] = self.untiered_usd.get(course, 0.0) + usd
            return (), usd
        counted = self.counters.setdefault((price.item, price.region), _Counter(price)).quantities
        tiers = _within(price.tiers, sum(counted.values()), quantity)
        counted[course] = counted.get(course, 0.0) + quantity
        return tiers, sum(tier.quantity * tier.usd for tier in tiers)


def _within(tiers: Sequence[Tier], start: float, quantity: float) -> tuple[TierAmount, ...]:
    """What falls into each tier of `quantity` units that come after `start` others."""
    found = []
    for tier, after in zip_longest(tiers, tiers[1:]):
        end = after.above - start if after else math.inf
        if end > 0 and (part := min(end, quantity) - max(tier.above - start, 0.0)) > 0:
            found.append(TierAmount(tier.above, part, tier.usd))
        if end >= quantity:
            break
    return tuple(found)


def _price(c: Context, billed: _Billed, parity: Parity) -> Price | None:
    """The price of a charge in another environment: that of a smaller machine, where it takes smaller ones."""
    price, sized = billed.charge.price, "{sku}" in billed.charge.dimension.item
    if price is None or not sized or parity.sizes == "same":
        return price
    sku = cheapest_size(c, billed.service, billed.component.sku, parity.shares["data"])
    smaller = c.provider.prices.find(billed.charge.dimension.item.replace("{sku}", sku), price.region)
    return smaller and replace(smaller, note=f"{sku}; {smaller.note}".rstrip("; "))


# --- environments ----------------------------------------------------------------------------------------


def _environments(c: Context, lines: Sequence[CostLine]) -> tuple[Environment, ...]:
    usd = dict.fromkeys((PRODUCTION, *c.catalog.environments), 0.0)
    counts = dict.fromkeys(usd, 0)
    for line in lines:
        usd[line.environment] += line.monthly_usd or 0.0
        counts[line.environment] += line.monthly_usd is not None
    proof = Evidence(
        "Cost of production", usd[PRODUCTION], "USD/month", "sum of its lines whose price is known, on demand",
        (Quantity("lines priced", counts[PRODUCTION]),), _PRICES, _dated(lines)[0],
    )  # fmt: skip
    others = (_environment(c, parity, usd[id]) for id, parity in c.catalog.environments.items())
    return (Environment(PRODUCTION, "Production", usd[PRODUCTION], (), proof), *others)


_PRICES = "price book of the catalog; each line names its source"


def _environment(c: Context, parity: Parity, usd: float) -> Environment:
    rules, inputs, source, as_of = _parity_told(parity, HOURS_PER_WEEK * week_share(c, parity))
    proof = Evidence(
        f"Cost of {parity.title.lower()}", usd, "USD/month",
        "sum over production's charges of quantity x share x price, the share by what the quantity grows with",
        inputs, source, as_of,
    )  # fmt: skip
    return Environment(parity.id, parity.title, usd, rules, proof)


@lru_cache(maxsize=32)
def _parity_told(parity: Parity, hours: float) -> tuple[tuple[str, ...], tuple[Quantity, ...], str, str]:
    """The rules of an environment as sentences, its figures, and the weakest source of the two with its date."""
    words = {name: f"{100 * share:g} %" for name, share in parity.shares.items()}
    hourly = (
        "Its machines run at all hours, as the plan keeps everything on."
        if hours == HOURS_PER_WEEK
        else f"Compute, and databases that can be stopped, run {hours:g} of the {HOURS_PER_WEEK:g} hours of a week."
    )
    rules = (*(rule.text.format_map(words) for rule in parity.rules), hourly)
    machines = "one of each" if parity.instances == "one" else "one of each in every zone"
    named = {"fixed": "share of what does not grow"} | {g: f"share of what grows with {g}" for g in _GROWING | {"team"}}
    inputs = (
        *(Quantity(named[what], share) for what, share in parity.shares.items()),
        Quantity("machines", machines), Quantity("size of machines", parity.sizes),
        Quantity("hours in which machines run", hours, "h/week"),
    )  # fmt: skip
    ours = [rule.as_of for rule in parity.rules if rule.source.startswith("design assumption")]
    return rules, inputs, "design assumption: parity rules of the catalog", min(ours)


# --- commitments -----------------------------------------------------------------------------------------

_TERMS: tuple[Term, ...] = ("1y", "3y", "spot")
_IN_WORDS = {"1y": "one year", "3y": "three years", "spot": "spot"}


def _commitments(c: Context, production: Iterable[_Billed], running: Mapping[str, Running]) -> Iterator[Commitment]:
    """What is billed by the machine, under the terms that have a price in the region."""
    for billed in production:
        price = billed.charge.price
        if "{sku}" not in billed.charge.dimension.item or price is None or price.borrowed:
            continue
        hours = _always_on(billed.component, running)
        for term in _TERMS if billed.component.role == "compute" else _TERMS[:2]:
            other = c.provider.prices.committed(price.item, price.region, term)
            if other is not None and hours:
                yield _commitment(billed.component, price, other, hours)


def _always_on(component: Component, running: Mapping[str, Running]) -> float:
    """Machine hours a month of what never stops: the fewest machines that run, or the nodes of a self-run tool."""
    least = running[component.id].least if component.id in running else 0.0
    return (component.count if "host_hours" in component.usage else least) * HOURS_PER_MONTH


def _commitment(component: Component, price: Price, other: Price, hours: float) -> Commitment:
    units = convert(hours, "h", price.unit)
    on_demand, committed = units * price.usd, units * other.usd * convert(1.0, price.unit, other.unit)
    pays = "" if other.term == "spot" else "; it pays where a machine runs longer than price / price on demand"
    proof = Evidence(
        f"Saving of {component.title} ({component.id}), {_IN_WORDS[other.term]}", on_demand - committed, "USD/month",
        f"hours that always run x (price on demand - price, {_IN_WORDS[other.term]}){pays}",
        (Quantity("hours that always run", hours, "h/month"), Quantity("price on demand", price.usd, "USD/h"),
         Quantity(f"price, {_IN_WORDS[other.term]}", other.usd, "USD/h")),
        "; ".join(dict.fromkeys((f"on demand: {price.source}", f"{_IN_WORDS[other.term]}: {other.source}"))),
        min(price.as_of, other.as_of),
    )  # fmt: skip
    break_even = committed / on_demand if on_demand else 1.0
    return Commitment(component.id, component.title, other.term, on_demand, committed, break_even, proof)


# --- months to come --------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def growth_factors(pct_per_year: float, ahead: int = 0) -> FloatArray:
    """What grows, as a multiple of today's, in each month from now on; the first is 1. ahead: months whose growth is
    provided for already."""
    factors: FloatArray = (1.0 + pct_per_year / 100.0) ** (np.maximum(np.arange(MONTHS) - ahead, 0) / 12.0)
    return factors


@lru_cache(maxsize=1024)
def _steps(tiers: tuple[Tier, ...]) -> tuple[FloatArray, FloatArray, FloatArray]:
    above = np.array([tier.above for tier in tiers])
    return above, np.diff(above, append=np.inf), np.array([tier.usd for tier in tiers])


def tiered_cost(tiers: tuple[Tier, ...], quantities: FloatArray) -> FloatArray:
    """USD of each of several monthly quantities at a price with these tiers."""
    above, width, usd = _steps(tiers)
    cost: FloatArray = np.clip(quantities[:, None] - above, 0.0, width) @ usd
    return cost


def _projection(c: Context, bill: _Bill, as_of: str) -> Projection:
    pct, horizon = c.requirements.growth_pct_per_year, c.requirements.horizon_months
    factors: dict[_Course, FloatArray] = {
        "steady": growth_factors(0.0), "growing": growth_factors(pct), "ahead": growth_factors(pct, horizon),
    }  # fmt: skip

    def then(today: Mapping[_Course, float]) -> FloatArray:
        return sum((amount * factors[course] for course, amount in today.items()), np.zeros(MONTHS))

    months = then(bill.untiered_usd)
    for counter in bill.counters.values():
        months = months + tiered_cost(counter.price.tiers, then(counter.quantities))
    usd = tuple(months.tolist())
    proof = Evidence(
        f"Cost over {MONTHS} months", sum(usd), "USD",
        f"sum over months 0 to {MONTHS - 1} of the lines at their quantity then, through the tiers; it is quantity x "
        "(1 + growth)^(month / 12) for what grows with traffic, capacity or data, from the horizon on for the machines "
        "of databases and streams, which are sized for it, and stays for all else",
        (Quantity("growth of the load", pct, "% per year"), Quantity("horizon", horizon, "months"),
         Quantity("cost this month", usd[0], "USD/month"),
         Quantity(f"cost in month {MONTHS - 1}", usd[-1], "USD/month")),
        f"stated requirement; {_PRICES}", as_of,
    )  # fmt: skip
    return Projection(usd, proof)


def _budget(c: Context, total: float, projection: Projection, as_of: str) -> Budget | None:
    limit = c.requirements.monthly_budget_usd
    if not limit:
        return None
    months = range(MONTHS)
    exceeded = 0 if total > limit else next((m for m in months if projection.monthly_usd[m] > limit), None)
    proof = Evidence(
        "Cost less the budget", total - limit, "USD/month", "cost of all environments - budget; negative = room left",
        (Quantity("cost of all environments", total, "USD/month"), Quantity("budget", limit, "USD/month")),
        f"stated requirement; {_PRICES}", as_of,
    )  # fmt: skip
    return Budget(limit, total - limit, exceeded, proof)


# --- the whole -------------------------------------------------------------------------------------------


def assess_cost(c: Context, topology: Topology) -> Cost:
    """The monthly bill of all environments at today's average load, in US dollars, and what may become of it."""
    bill, running = _Bill(), machines_running(c, topology)
    production = tuple(_billed(c, topology))
    for billed in production:
        bill.add(billed, PRODUCTION, 1.0, billed.charge.price)
    for parity in c.catalog.environments.values():
        scale = scale_of(c, topology, parity, running)
        for billed in production:
            if share := scale.share(billed.component, billed.service, billed.usage):
                bill.add(billed, parity.id, share, _price(c, billed, parity))
    lines = tuple(bill.lines)
    environments = _environments(c, lines)
    total = sum(environment.monthly_usd for environment in environments)
    oldest, newest = _dated(lines)
    unpriced = tuple(dict.fromkeys(f"{line.component}: {line.item}" for line in lines if line.monthly_usd is None))
    sections = _by_section(lines)
    requests = load_of(c).requests_month / 1000.0
    projection = _projection(c, bill, oldest)
    return Cost(
        total, environments[0].monthly_usd, _CURRENCY, " to ".join(filter(None, dict.fromkeys((oldest, newest)))),
        total / requests, sections, lines, environments, tuple(_commitments(c, production, running)), projection,
        _budget(c, total, projection, oldest), unpriced, _EXCLUDED,
        tuple(_evidence(lines, environments, total, requests, sections, oldest)),
    )  # fmt: skip


def _dated(lines: Iterable[CostLine]) -> tuple[str, str]:
    """The oldest and the newest date of a price in the sum, "" = there is none."""
    dates = {line.as_of for line in lines if line.as_of and line.monthly_usd is not None}
    return (min(dates), max(dates)) if dates else ("", "")


def _by_section(lines: Iterable[CostLine]) -> tuple[tuple[str, float], ...]:
    """USD a month of each section that has lines, in the order of the plan."""
    sums: dict[str, float] = {}
    for line in lines:
        sums[line.section] = sums.get(line.section, 0.0) + (line.monthly_usd or 0.0)
    return tuple((section.id, sums[section.id]) for section in OUTLINE if section.id in sums)


def _evidence(
    lines: Sequence[CostLine], environments: Sequence[Environment], total: float, requests: float,
    sections: Iterable[tuple[str, float]], as_of: str,
) -> Iterator[Evidence]:  # fmt: skip
    known = [line for line in lines if line.monthly_usd is not None]
    given = (
        *(Quantity(environment.title, environment.monthly_usd, "USD/month") for environment in environments),
        Quantity("lines priced", len(known)), Quantity("lines not known", len(lines) - len(known)),
        Quantity("lines at the price of another region", sum(bool(line.borrowed) for line in known)),
    )  # fmt: skip
    how = "sum of quantity x unit price over the lines of all environments, on demand, at the average load"
    yield Evidence("Cost a month", total, "USD/month", how, given, _PRICES, as_of)
    yield Evidence(
        "Cost per 1,000 requests", total / requests, "USD per 1k requests", "cost a month / requests a month x 1,000",
        (Quantity("cost a month", total, "USD/month"), Quantity("requests a month", requests, "1k requests")),
        _PRICES, as_of,
    )  # fmt: skip
    counts = Counter(line.section for line in known)
    how = "sum of the lines of the components that decisions of this section put there"
    for id, usd in sections:
        given = (Quantity("lines priced", counts[id]),)
        yield Evidence(f"Cost of {_TITLES[id]}", usd, "USD/month", how, given, _PRICES, as_of)
