"""Recipes: which quote each of our prices comes from, and what has to be done to it.

A recipe names our item and the key under which a source quotes it; `{sku}` in both runs over the sizes of a kind. From
the quotes of one key in one region it takes what they agree on: each is an interval (its price, give or take its
rounding), and the price is the shortest decimal in their intersection, because list prices are short decimals. Quotes
that do not agree are a mistake of the recipe, which must name a narrower key. A quote with a doubt is refused, and
reported, unless the recipe says `despite` what reason it holds.

FORMAT.md describes the file.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from devops_workbook.catalog.model import Term
from devops_workbook.catalog.sources import Sources
from devops_workbook.catalog.sources.quote import Origin, Quote, Ratio
from devops_workbook.units import UnitError, convert

__all__ = ["Cooked", "Offer", "Part", "Recipe", "RecipeError", "Row", "cook", "parse_recipes", "plain"]


class RecipeError(ValueError):
    """A recipe is not as FORMAT.md says, or its source does not hold what it asks for; the message names it."""


class Row(NamedTuple):
    """One line of a price file, as it is written there."""

    item: str
    region: str
    term: str
    above: str
    unit: str
    usd: str
    source: str
    as_of: str
    note: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What a provider has that prices are for: its regions, and the sizes by kind (with family, vcpu, ...)."""

    regions: tuple[str, ...]
    sizes: Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Part:
    """A quote that goes into a price: `factor` of what the source calls `key`.

    factor: a number, or the name of a size's property (vcpu, memory_gib); quoted_unit: what the source's unit means,
    where its word says less; above: the quantity from which this is the price, None = it is a summand.
    """

    key: str
    factor: float | str = 1.0
    quoted_unit: str = ""
    above: float | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one item (or one of each size) is priced; FORMAT.md explains the keys."""

    item: str
    source: str
    unit: str
    parts: tuple[Part, ...] = ()
    tiers: tuple[Part, ...] = ()
    skus: str = ""
    only: tuple[str, ...] = ("*",)
    terms: tuple[Term, ...] = ("",)
    regions: tuple[str, ...] = ()
    quoted_in: str = ""
    ratios: str = ""
    lower_quartile: tuple[str, ...] = ()
    despite: str = ""
    as_of: str = ""
    note: str = ""

    @property
    def steps(self) -> tuple[tuple[float | None, tuple[Part, ...]], ...]:
        """The tiers of the price, each with what is summed for it; one without a threshold where it has none."""
        return tuple((tier.above, (tier,)) for tier in self.tiers) or ((None, self.parts),)


@dataclass(slots=True)
class Cooked:
    """What recipes yield: rows, and in sentences what they could not."""

    rows: list[Row] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Interval(NamedTuple):
    """A price that lies between two figures, and where it was read."""

    low: float
    high: float
    origin: Origin
    note: str


# ---------------------------------------------------------------- reading

_PART = tuple(f.name for f in fields(Part))
_OWN = {f.name for f in fields(Recipe)} - {"source", "parts"} | {"from", "plus", "key", "factor", "quoted_unit"}


def parse_recipes(text: str, where: str) -> tuple[Recipe, ...]:
    """The recipes of a file; RecipeError names the entry that is wrong and what is allowed."""
    return tuple(_recipe(dict(entry), where) for entry in tomllib.loads(text)["price"])


def _recipe(entry: dict[str, Any], where: str) -> Recipe:
    where = f"{where}, {entry.get('item', 'an entry without item')}"
    if unknown := set(entry) - _OWN:
        raise RecipeError(f"{where}: {', '.join(sorted(unknown))} is not a key (allowed: {', '.join(sorted(_OWN))})")
    if missing := {"item", "from", "unit"} - set(entry):
        raise RecipeError(f"{where}: {', '.join(sorted(missing))} is missing")
    if ("key" in entry) == ("tiers" in entry):
        raise RecipeError(f"{where}: either key or tiers must be there")
    if bool(entry.get("skus")) != ("{sku}" in entry["item"]):
        raise RecipeError(f"{where}: skus and {{sku}} in the item go together")
    first = [{name: entry.pop(name) for name in _PART if name in entry}] if "key" in entry else []
    parts = tuple(_part(part, where) for part in (*first, *entry.pop("plus", ())))
    tiers = tuple(_part(part, where) for part in entry.pop("tiers", ()))
    source = entry.pop("from")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    return Recipe(source=source, parts=parts, tiers=tiers, **values)


def _part(entry: Mapping[str, Any], where: str) -> Part:
    if "key" not in entry or set(entry) - set(_PART):
        raise RecipeError(f"{where}: {dict(entry)} is not a quote (key, and of {', '.join(_PART)} what is needed)")
    return Part(**entry)


# ---------------------------------------------------------------- cooking


def cook(recipe: Recipe, sources: Sources, offer: Offer) -> Cooked:
    """The rows that a recipe yields. RecipeError if its source quotes nothing of what it asks for."""
    cooked = Cooked()
    for sku in _sizes(recipe, offer):
        for term in recipe.terms:
            for region in recipe.regions or offer.regions:
                for row in _Dish(recipe, sources, offer, sku, term, region).rows(cooked.refused):
                    cooked.rows.append(row)
    if not cooked.rows and not cooked.refused:
        raise RecipeError(f"{recipe.item}: {recipe.source} has no such quote{_nearest(recipe, sources)}")
    return cooked


def _sizes(recipe: Recipe, offer: Offer) -> tuple[str, ...]:
    if not recipe.skus:
        return ("",)
    if recipe.skus not in offer.sizes:
        raise RecipeError(f"{recipe.item}: {recipe.skus} is no kind of sizes (there are {', '.join(offer.sizes)})")
    return tuple(sku for sku in offer.sizes[recipe.skus] if any(fnmatchcase(sku, glob) for glob in recipe.only))


def _nearest(recipe: Recipe, sources: Sources) -> str:
    asked = next(part.key for _, parts in recipe.steps for part in parts)
    known = sorted({key for key, _, _ in sources.quotes(recipe.source)})
    near = difflib.get_close_matches(asked, known, n=3, cutoff=0.5)
    regions = sorted({region for key, region, _ in sources.quotes(recipe.source) if key == asked})
    if regions:
        return f" in our regions; it quotes {asked} in {', '.join(regions)} (name one with quoted_in)"
    return f" as {asked}; near to it are: {'; '.join(near)}" if near else f" as {asked}"


@dataclass(frozen=True, slots=True)
class _Dish:
    """One price in the making: an item of one size, term and region."""

    recipe: Recipe
    sources: Sources
    offer: Offer
    sku: str
    term: Term
    region: str

    @property
    def item(self) -> str:
        return self.recipe.item.replace("{sku}", self.sku)

    def rows(self, refused: list[str]) -> Iterator[Row]:
        """One row, or one a tier; none where a quote is missing, and where it is refused a sentence instead."""
        try:
            yield from [self._row(above, price) for above, price in self._prices()]
        except _Missing:
            return
        except _Refused as error:
            refused.append(f"{self.item} in {self.region}{self.term and f', {self.term}'}: {error}")

    def _prices(self) -> Iterator[tuple[float | None, Interval]]:
        for above, parts in self.recipe.steps:
            quoted = [self._converted(part) for part in parts]
            yield above, Interval(
                sum(price.low for price in quoted), sum(price.high for price in quoted),
                min((price.origin for price in quoted), key=lambda origin: origin.as_of), quoted[0].note,
            )  # fmt: skip

    def _row(self, above: float | None, price: Interval) -> Row:
        recipe = self.recipe
        notes = [recipe.note.replace("{sku}", self.sku), price.note, recipe.despite]
        return Row(
            self.item, self.region, self.term, "" if above is None else plain(above), recipe.unit,
            plain(_shortest(price.low, price.high)), price.origin.source, recipe.as_of or price.origin.as_of,
            "; ".join(note for note in notes if note),
        )  # fmt: skip

    def _converted(self, part: Part) -> Interval:
        """What one unit of ours costs of this part."""
        quote, price = self._found(part)
        try:
            scale = convert(1.0, self.recipe.unit, part.quoted_unit or quote.unit) * self._factor(part)
        except UnitError as error:
            raise RecipeError(f"{self.item}: {error}; say with quoted_unit what {quote.unit!r} means") from None
        return price._replace(low=price.low * scale, high=price.high * scale)

    def _factor(self, part: Part) -> float:
        if not isinstance(part.factor, str):
            return part.factor
        spec = self.offer.sizes[self.recipe.skus][self.sku]
        if part.factor not in spec:
            raise RecipeError(f"{self.item}: {part.factor} is no property of a size ({', '.join(spec)})")
        return float(spec[part.factor])

    def _found(self, part: Part) -> tuple[Quote, Interval]:
        key = part.key.replace("{sku}", self.sku)
        home = self.recipe.quoted_in
        if self.recipe.ratios or not home:
            own = self._agreed(key, self.region)
            if own:
                return own
        base = self._agreed(key, home) if home else None
        if base is None:
            raise _Missing
        return base[0], self._elsewhere(base[1])

    def _agreed(self, key: str, region: str) -> tuple[Quote, Interval] | None:
        """What the quotes of a key agree on: the most exact of them, and the prices that all of them allow."""
        found = self.sources.quotes(self.recipe.source).get((key, region, self.term), ())
        sound = tuple(quote for quote in found if not quote.doubt or (self.recipe.despite and quote.usd > 0))
        if found and not sound:
            raise _Refused(found[0].doubt)
        if not sound:
            return None
        low, high = max(q.usd - q.rounding for q in sound), min(q.usd + q.rounding for q in sound)
        best = min(sound, key=lambda quote: quote.rounding)
        if low > high * (1 + 1e-9):
            prices = ", ".join(sorted({plain(quote.usd) for quote in sound}))
            raise RecipeError(f"{self.item}: {self.recipe.source} has several prices of {key} in {region} ({prices}); "
                              "name the resource in the key")  # fmt: skip
        return best, Interval(min(low, high), max(low, high), best.origin, best.note)

    def _elsewhere(self, price: Interval) -> Interval:
        """The price of one region as that of another: as it is, or times the ratio of the two."""
        home = self.recipe.quoted_in
        if not self.recipe.ratios:
            holds = self.region == "*" or home == self.region
            note = "" if holds else "region not named by the source" if home == "?" else f"price of {home}"
            return price._replace(note="; ".join(text for text in (price.note, note) if text))
        ratios = self.sources.ratios(self.recipe.ratios)
        if self.region not in ratios:
            raise _Missing
        factor, which = self._ratio(ratios[self.region])
        origin = ratios[self.region].origin
        return Interval(
            price.low * factor, price.high * factor,
            Origin(f"derived: {price.origin.source} x region ratio from {origin.source}",
                   min(price.origin.as_of, origin.as_of)),
            f"derived: {home} price x {plain(factor)}, {which}",
        )  # fmt: skip

    def _ratio(self, ratio: Ratio) -> tuple[float, str]:
        if not ratio.split:
            return ratio.median, "the median price ratio of the region"
        span = f"the region's ratios differ by family, {plain(ratio.lower)} to {plain(ratio.upper)}"
        if any(fnmatchcase(self.sku, glob) for glob in self.recipe.lower_quartile):
            return ratio.lower, f"the lower quartile: {span}"
        return ratio.upper, f"the upper quartile: {span}"


class _Missing(Exception):
    """The source does not quote this."""


class _Refused(Exception):
    """The source's quote is not to be trusted."""


def _shortest(low: float, high: float) -> float:
    """The figure with the fewest digits from `low` to `high`; six digits at most."""
    middle, slack = (low + high) / 2, 1e-9 * high
    candidates: Iterable[float] = (float(f"{middle:.{digits}g}") for digits in range(1, 6))
    return next((c for c in candidates if low - slack <= c <= high + slack), middle)


def plain(figure: float) -> str:
    """A figure with six significant digits and no exponent."""
    return format(Decimal(f"{figure:.6g}").normalize(), "f")
