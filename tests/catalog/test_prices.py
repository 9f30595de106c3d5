"""Prices held against each other: a wrong unit, a slipped point or a copied line shows beside its neighbours.

Each law is a function that names the prices which break it; it is tried on the catalog, and on a planted mistake.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from statistics import median

import pytest

from devops_workbook.catalog import load
from devops_workbook.catalog.model import Price, PriceBook, Service, Tier
from devops_workbook.units import UnitError, convert, parse

BOOKS: dict[str, PriceBook] = {id: p.prices for id, p in load().providers.items()} | {"tools": load().tool_prices}
Law = Callable[[str, Iterable[Price]], Iterator[str]]


def name(price: Price) -> str:
    return f"{price.item} in {price.region} ({price.term or 'on demand'}): {price.usd:g} USD per {price.unit}"


def steps(price: Price) -> tuple[float, ...]:
    return tuple(tier.usd for tier in price.tiers) or (price.usd,)


# ---------------------------------------------------------------- laws


def free_without_saying_so(book: str, prices: Iterable[Price]) -> Iterator[str]:
    """A price is above zero, unless the note says "no charge"."""
    for price in prices:
        if min(steps(price)) < 0 or (min(steps(price)) == 0 and "no charge" not in price.note):
            yield name(price)


def far_from_its_family(book: str, prices: Iterable[Price]) -> Iterator[str]:
    """A size's price by the vCPU or by the GiB is not ten times, nor a tenth, of the median of its family."""
    sizes = load().providers[book].instances if book in load().providers else {}
    families = defaultdict[tuple[str, str, str], list[tuple[Price, float, float]]](list)
    for price in prices:
        head, _, sku = price.item.rpartition("/")
        if sku in sizes and price.unit == "h":
            size = sizes[sku]
            families[head, size.family, price.term].append((price, price.usd / size.vcpu, price.usd / size.memory_gib))
    for members in families.values():
        usual = median(m[1] for m in members), median(m[2] for m in members)
        for price, *by in members:
            if all(not one / 10 < part < one * 10 for part, one in zip(by, usual, strict=True)):
                yield name(price)


def far_from_its_kind(book: str, prices: Iterable[Price]) -> Iterator[str]:
    """What is paid for bytes moved, stored, or held in memory is not a hundred times the median of what others cost."""
    kinds = defaultdict[tuple[object, bool], list[tuple[Price, float]]](list)
    for price in prices:
        unit = parse(price.unit)
        if ("bytes", 1) in unit.powers and not price.item.startswith(("compute/", "database/", "cache/")):
            memory = price.unit.endswith(("-h", "-s"))
            kinds[unit.powers, memory].append((price, price.usd / unit.factor))
    for members in kinds.values():
        usual = median(usd for _, usd in members)
        yield from (name(price) for price, usd in members if usd > 100 * usual)


def far_from_the_reference_region(book: str, prices: Iterable[Price]) -> Iterator[str]:
    """A region is 0.4 to 3 times as dear as the reference region, as to transfer to 8 times.

    Spot prices follow each region's own demand. A gigabyte out of Cape Town or Sao Paulo costs seven times one within
    North America.
    """
    home = BOOKS[book].reference_region
    rows = {(price.item, price.region, price.term): price for price in prices}
    for (item, _, term), price in rows.items():
        reference = rows.get((item, home, term))
        most = 8 if item.startswith("transfer/") else 3
        if reference and reference.usd and term != "spot" and not 0.4 <= price.usd / reference.usd <= most:
            yield f"{name(price)}; in {home} {reference.usd:g}"


def in_several_units(book: str, prices: Iterable[Price]) -> Iterator[str]:
    """An item is counted in one unit, wherever and however it is bought."""
    units = defaultdict[str, set[str]](set)
    for price in prices:
        units[price.item].add(price.unit)
    yield from (f"{item}: {', '.join(sorted(found))}" for item, found in units.items() if len(found) > 1)


def tiers_that_rise(book: str, prices: Iterable[Price]) -> Iterator[str]:
    """Tiers begin at 0, follow each other, and each is cheaper than the one before it."""
    for price in prices:
        above = [tier.above for tier in price.tiers]
        if above and (above[0] != 0 or above != sorted(set(above)) or list(steps(price)) != sorted(steps(price))[::-1]):
            yield name(price)


def tiers_that_jump(book: str, prices: Iterable[Price]) -> Iterator[str]:
    """A unit more never costs more than the dearest tier, nor less than the cheapest: the bill has no step."""
    for price in prices:
        for tier in price.tiers[1:]:
            step = price.cost(tier.above * (1 + 1e-9)) - price.cost(tier.above * (1 - 1e-9))
            if not 0 <= step <= tier.above * 2e-9 * max(steps(price)) * 1.01 + 1e-9 * price.cost(tier.above):
                yield name(price)


def commitments_that_cost_more(book: str, prices: Iterable[Price]) -> Iterator[str]:
    """3 years <= 1 year <= on demand, and spot below on demand, in every region where both are known.

    A spot price may well be above that of three years: in us-central1 an e2-standard-2 is at 0.0402 as spot and 0.0302
    over three years.
    """
    rows = {(price.item, price.region, price.term): price for price in prices}
    for (item, region, term), price in rows.items():
        for dearer in {"3y": ("1y", ""), "1y": ("",), "spot": ("",)}.get(term, ()):
            other = rows.get((item, region, dearer))  # type: ignore[call-overload]
            if other is not None and price.usd > other.usd:
                yield f"{name(price)}; {dearer or 'on demand'} {other.usd:g}"


def commitments_of_nothing(book: str, prices: Iterable[Price]) -> Iterator[str]:
    """What can be had under a commitment or as spot can be had on demand."""
    rows = {(price.item, price.region, price.term) for price in prices}
    yield from (f"{i} in {r}, {t}" for i, r, t in rows if t and not {(i, r, ""), (i, "*", "")} & rows)


LAWS: tuple[Law, ...] = (
    free_without_saying_so, far_from_its_family, far_from_its_kind, far_from_the_reference_region, in_several_units,
    tiers_that_rise, tiers_that_jump, commitments_that_cost_more, commitments_of_nothing,
)  # fmt: skip


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("book", BOOKS)
def test_prices_keep(book: str, law: Law) -> None:
    assert list(law(book, BOOKS[book].rows.values())) == []


# ---------------------------------------------------------------- planted mistakes

SIZES = tuple(i for i in load().providers["gcp"].instances.values() if i.kind == "compute")
HOURLY = tuple(Price(f"compute/{s.sku}", "us-central1", "h", 0.03 * s.vcpu, "s", "2026") for s in SIZES)
STORED = tuple(Price(f"x/{n}", "*", "GB-month", 0.1 + n / 100, "s", "2026") for n in range(5))
ONE = replace(STORED[0], item="x/y", region="us-central1")
FALLING = replace(ONE, tiers=(Tier(0, 0.1), Tier(100, 0.05)))


class _Broken(Price):
    """A price whose bill jumps: beyond a tier everything is at the tier's price."""

    def cost(self, quantity: float) -> float:
        return quantity * next(tier.usd for tier in reversed(self.tiers) if quantity > tier.above)


@pytest.mark.parametrize(
    ("law", "good", "bad"),
    [
        (free_without_saying_so, [ONE, replace(ONE, usd=0, note="no charge here")], replace(ONE, usd=0)),
        (free_without_saying_so, [FALLING], replace(ONE, tiers=(Tier(0, 0.1), Tier(9, 0)))),
        (far_from_its_family, HOURLY, replace(HOURLY[-1], region="us-east4", usd=HOURLY[-1].usd * 730)),
        (far_from_its_kind, STORED, replace(ONE, unit="MB-month")),
        (far_from_the_reference_region, [ONE, replace(ONE, region="a", usd=0.2)], replace(ONE, region="b", usd=0.01)),
        (in_several_units, [ONE, replace(ONE, region="a")], replace(ONE, region="b", unit="GiB-month")),
        (tiers_that_rise, [FALLING], replace(ONE, tiers=(Tier(0, 0.1), Tier(100, 0.2)))),
        (tiers_that_rise, [ONE], replace(ONE, tiers=(Tier(0, 0.1), Tier(100, 0.05), Tier(50, 0.01)))),
        (tiers_that_jump, [FALLING], _Broken("x/z", "a", "GB", 0.1, "s", "2026", tiers=FALLING.tiers)),
        (commitments_that_cost_more, [ONE, replace(ONE, term="1y", usd=0.08)], replace(ONE, term="3y", usd=0.09)),
        (commitments_that_cost_more, [ONE], replace(ONE, term="spot", usd=0.11)),
        (commitments_of_nothing, [ONE, replace(ONE, term="1y")], replace(ONE, region="a", term="1y")),
    ],
)
def test_a_planted_mistake_is_found(law: Law, good: list[Price], bad: Price) -> None:
    assert list(law("gcp", good)) == []
    found = list(law("gcp", [*good, bad]))
    assert len(found) == 1
    assert bad.item in found[0]


# ---------------------------------------------------------------- units


def services() -> Iterator[tuple[PriceBook, Service]]:
    for provider in load().providers.values():
        yield from ((provider.prices, service) for service in provider.services.values())
    yield from ((load().tool_prices, tool) for tool in load().tools.values())


def billed() -> Iterator[tuple[str, str, str]]:
    """Every item that is billed, the unit of the usage that bills it, and each unit it is priced in."""
    for book, service in services():
        for dimension in service.dimensions:
            unit = dimension.unit or load().usage[dimension.per].unit
            head, sku, tail = dimension.item.partition("{sku}")
            for price in book.rows.values():
                if price.item == dimension.item or (sku and price.item.startswith(head) and price.item.endswith(tail)):
                    yield f"{service.provider}: {dimension.item} by {dimension.per}", unit, price.unit


def test_every_price_is_in_a_unit_that_the_usage_can_be_turned_into() -> None:
    pairs = set(billed())
    assert len({item for item, _, _ in pairs}) > 150
    mixed = []
    for item, usage, price in sorted(pairs):
        try:
            assert convert(1.0, usage, price) > 0
        except UnitError as error:
            mixed.append(f"{item}: {error}")
    assert mixed == []


@pytest.mark.parametrize(("usage", "price"), [("GB", "GB-month"), ("h", "month-h"), ("vCPU-h", "GiB-h"), ("h", "GB")])
def test_units_that_do_not_measure_the_same_are_not_mixed(usage: str, price: str) -> None:
    with pytest.raises(UnitError):
        convert(1.0, usage, price)
