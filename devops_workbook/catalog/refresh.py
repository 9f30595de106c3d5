"""Refreshes the catalog's prices and round trips from a folder of reference sources: a command for maintainers.

    python -m devops_workbook.catalog.refresh SOURCES [--provider ID]... [--write] [--verbose]

For every provider it cooks the recipes (recipes/<id>.toml) into rows and holds them against prices/<id>.csv. A row that
no recipe yields was entered by hand: it is kept, and listed with its age. It is dropped only when nothing can ask for
it any more (its size or region is gone from providers/<id>.toml), or when its recipe and its source are still there and
the source no longer quotes it. It rebuilds latency.csv likewise, and checks zones and grid intensities of the regions
against the sources. Without --write it says what would change; with it, files are replaced whole, sorted by item,
region, term and tier, so that a second run changes nothing. It names the largest changes, and counts rows entered by
hand by their age and their sources, the oldest first; --verbose lists everything.

Exit status: 0 nothing differs, 1 something does (or did, before it was written), 2 a source or recipe is wrong.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import os
import sys
import tempfile
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from devops_workbook.catalog.sources import Sources
from devops_workbook.catalog.sources.quote import RoundTrip, SourceError
from devops_workbook.catalog.sources.recipes import (
    Cooked,
    Offer,
    Recipe,
    RecipeError,
    Row,
    cook,
    parse_recipes,
    plain,
)

__all__ = ["Refreshed", "main", "refresh_latency", "refresh_prices", "region_differences"]

_TERMS = ("", "spot", "1y", "3y")
_LATENCY_COLUMNS = ("provider", "source", "target", "rtt_ms", "measured_by", "as_of")
_GRID_TOLERANCE = 0.01
_NAMED = 3  # rows of one source that a report names, beyond which it counts them
_LISTED = 10  # changes that a summary lists, beyond which it counts them
_OLDEST = 5  # sources of rows entered by hand that a summary lists
_YEAR = 12  # months


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh makes of one provider's prices: the rows as they should be, and how they came to be so.

    changed: (old, new) of rows whose price, source or note differs, new rows with old None and dropped ones with new
    None; kept: the rows entered by hand; refused: in sentences, quotes that recipes asked for and must not be taken.
    """

    rows: tuple[Row, ...]
    changed: tuple[tuple[Row | None, Row | None], ...]
    kept: tuple[Row, ...]
    refused: tuple[str, ...] = field(default=())


# ---------------------------------------------------------------- prices


def refresh_prices(old: Sequence[Row], recipes: Sequence[Recipe], sources: Sources, offer: Offer) -> Refreshed:
    """The prices of a provider, cooked anew; rows that no recipe yields are kept while they can be asked for."""
    cooked = [cook(recipe, sources, offer) for recipe in recipes]
    fresh = _first_of_each(cooked)
    yielded = {(row.item, row.region, row.term) for row in fresh}
    stale = _Stale(recipes, sources, offer)
    others = [row for row in old if (row.item, row.region, row.term) not in yielded]
    kept = [row for row in others if not stale.is_gone(row)]
    rows = tuple(sorted((*fresh, *kept), key=_order))
    return Refreshed(rows, tuple(_changes(old, rows)), tuple(kept), tuple(s for c in cooked for s in c.refused))


def _first_of_each(cooked: Iterable[Cooked]) -> list[Row]:
    """Of recipes that yield the same price, the first one's."""
    found: dict[tuple[str, str, str], list[Row]] = {}
    for one in cooked:
        own: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in one.rows:
            own[row.item, row.region, row.term].append(row)
        found = {**own, **found}
    return [row for rows in found.values() for row in rows]


@dataclass(frozen=True, slots=True)
class _Stale:
    """Knows which rows nobody asks for or vouches for any more."""

    recipes: Sequence[Recipe]
    sources: Sources
    offer: Offer

    def is_gone(self, row: Row) -> bool:
        """Whether the row's region or size is gone, or its own recipe and source no longer yield it."""
        return (
            (row.region != "*" and row.region not in self.offer.regions)
            or any(self._unsold(recipe, row) for recipe in self.recipes)
            or any(self._unquoted(recipe, row) for recipe in self.recipes)
        )

    def _unsold(self, recipe: Recipe, row: Row) -> bool:
        sku = _sku(recipe, row)
        return bool(sku) and all(sku not in sizes for sizes in self.offer.sizes.values())

    def _unquoted(self, recipe: Recipe, row: Row) -> bool:
        named = self.sources.origin(recipe.source).source
        asked = row.item == recipe.item or (_sku(recipe, row) in self.offer.sizes.get(recipe.skus, ()))
        return asked and row.term in recipe.terms and row.source.removeprefix("derived: ").startswith(named)


def _sku(recipe: Recipe, row: Row) -> str:
    """The size that a row is the recipe's price of; "" if it is not one of its rows."""
    head, size, tail = recipe.item.partition("{sku}")
    fits = size and row.item.startswith(head) and row.item.endswith(tail) and len(row.item) > len(head + tail)
    return row.item[len(head) : len(row.item) - len(tail)] if fits else ""


def _order(row: Row) -> tuple[str, str, int, float]:
    return row.item, row.region, _TERMS.index(row.term), float(row.above or 0)


def _changes(old: Iterable[Row], new: Iterable[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    before, after = ({row[:4]: row for row in rows} for rows in (old, new))
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield before.get(key), after.get(key)


# ---------------------------------------------------------------- regions


def refresh_latency(sources: Sources, offers: Mapping[str, Offer]) -> tuple[tuple[str, ...], ...]:
    """The lines of latency.csv: a round trip for each pair of a provider's regions that a source measured.

    Where it was measured in both directions it is the mean of the two. Of two sources the one that wins is used alone.
    """
    found: dict[tuple[str, str, str], list[RoundTrip]] = defaultdict(list)
    for trip in sources.round_trips():
        if trip.provider not in offers or not {trip.source, trip.target} <= set(offers[trip.provider].regions):
            continue
        trips = found[trip.provider, min(trip.source, trip.target), max(trip.source, trip.target)]
        if not trips or trips[0].origin == trip.origin:
            trips.append(trip)
    return tuple(
        (*pair, plain(round(sum(trip.rtt_ms for trip in trips) / len(trips), 1)), *_named(trips[0]))
        for pair, trips in sorted(found.items())
    )


def _named(trip: RoundTrip) -> tuple[str, str]:
    return trip.origin.source, trip.origin.as_of


def region_differences(provider: str, regions: Mapping[str, Mapping[str, Any]], sources: Sources) -> Iterator[str]:
    """In sentences: where the zones and grid intensities of providers/<id>.toml are not those of the sources."""
    zones = sources.zones(provider)
    if zones is None:
        yield f"{provider}: zones not checked, no source counts them"
    for id, region in regions.items():
        if zones and zones.get(id) not in (None, region["zones"]):
            yield f"{provider} {id}: zones is {region['zones']}, the source has {zones[id]}"
        grams, grid = sources.grid.get((provider, id)), region.get("grid")
        if grams is not None and (grid is None or abs(grid - grams) > _GRID_TOLERANCE * grams):
            yield f"{provider} {id}: grid is {grid or 'not known'}, the source has {plain(grams)} gCO2e/kWh"


# ---------------------------------------------------------------- files


def _read_rows(path: Path) -> tuple[Row, ...]:
    lines = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
    if tuple(lines.fieldnames or ()) != Row._fields:
        raise SourceError(f"{path.name}: the columns are not {','.join(Row._fields)}")
    return tuple(Row(**line) for line in lines)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows((columns, *rows))
    return text.getvalue()


def _replace(path: Path, text: str) -> None:
    """Writes a file so that a reader sees either the old one or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    Path(name).chmod(0o644)
    Path(name).replace(path)


# ---------------------------------------------------------------- command


def _months(as_of: str, today: date) -> int:
    year, month = (int(part) for part in f"{as_of}-01".split("-")[:2])
    return max(0, (today.year - year) * _YEAR + today.month - month)


def _age(as_of: str, today: date) -> str:
    months = _months(as_of, today)
    return f"{months} month{'' if months == 1 else 's'}"


def _table(refreshed: Refreshed) -> Iterator[str]:
    """item, region, term, old, new, change, the largest first; where the price is the same, what else differs."""
    for old, new in sorted(refreshed.changed, key=_size, reverse=True):
        one = new or old
        assert one is not None
        term = f"{one.term or 'on demand'}{one.above and f', above {one.above}'}"
        yield (
            f"{one.item:44} {one.region:24} {term:22} {old.usd if old else '-':>12} {new.usd if new else '-':>12}  "
            + (_difference(old, new) if old and new else "new" if new else "dropped")
        )


def _size(change: tuple[Row | None, Row | None]) -> float:
    """How much a change matters: a row that comes or goes, or is counted in another unit, before any other price."""
    old, new = change
    if old is None or new is None or old.unit != new.unit or float(old.usd) == 0:
        return math.inf
    return abs(float(new.usd) / float(old.usd) - 1)


def _difference(old: Row, new: Row) -> str:
    before, after = float(old.usd), float(new.usd)
    if old.unit != new.unit:
        return f"per {new.unit} instead of {old.unit}"
    if before == after:
        return ", ".join(name for name in Row._fields if getattr(old, name) != getattr(new, name))
    return f"{100 * (after / before - 1):+.2f} %" if before else "from 0"


def _report(provider: str, refreshed: Refreshed, today: date, verbose: bool) -> Iterator[str]:
    new = sum(old is None for old, _ in refreshed.changed)
    dropped = sum(row is None for _, row in refreshed.changed)
    yield (
        f"{provider}: {len(refreshed.rows)} rows; {new} new, {dropped} dropped, "
        f"{len(refreshed.changed) - new - dropped} changed; {len(refreshed.kept)} entered by hand"
    )
    yield from _table(refreshed) if verbose else _first(tuple(_table(refreshed)))
    yield from (f"refused: {sentence}" for sentence in refreshed.refused) if verbose else _reasons(refreshed.refused)
    yield from _by_hand(refreshed.kept, today) if verbose else _ages(refreshed.kept, today)


def _first(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_LISTED]
    if len(lines) > _LISTED:
        yield f"and {len(lines) - _LISTED} more changes (--verbose lists them)"


def _reasons(refused: Iterable[str]) -> Iterator[str]:
    """Refused quotes, counted by the reason, which is what a sentence says after its price and region."""
    counted = Counter(sentence.partition(": ")[2] for sentence in refused)
    yield from (f"refused {number}: {reason}" for reason, number in counted.most_common())


def _ages(kept: Sequence[Row], today: date) -> Iterator[str]:
    """Rows entered by hand, counted by their age in years, and the oldest of their sources."""
    if not kept:
        return
    years = Counter(_months(row.as_of, today) // _YEAR for row in kept)
    names = {year: f"{year} to {year + 1} years" if year else "under a year" for year in sorted(years)}
    yield "by hand, by age: " + ", ".join(f"{years[year]} {name}" for year, name in names.items())
    sources = Counter((row.as_of, row.source) for row in kept)
    for (as_of, source), number in sorted(sources.items())[:_OLDEST]:
        yield f"  {number} row{'' if number == 1 else 's'}, {_age(as_of, today)} old: {source}"
    if len(sources) > _OLDEST:
        yield f"  and {len(sources) - _OLDEST} newer sources (--verbose names them and their rows)"


def _by_hand(kept: Iterable[Row], today: date) -> Iterator[str]:
    """The rows that no recipe yields, the oldest first, those of one source and date together."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in kept:
        groups[row.as_of, row.source].append(f"{row.item} in {row.region}{row.term and f', {row.term}'}")
    for (as_of, source), names in sorted(groups.items()):
        more = f"; and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"by hand, {_age(as_of, today)} old, {source}: {'; '.join(names[:_NAMED])}{more}"


def _update(path: Path, text: str, write: bool) -> bool:
    """Whether the file differs from `text`, which is then written if it is wanted."""
    differs = path.read_text(encoding="utf-8") != text
    if differs and write:
        _replace(path, text)
    return differs


def _run(folder: Path, root: Path, only: Sequence[str], write: bool, verbose: bool, today: date) -> bool:
    sources = Sources(folder, (root / "sources" / "sources.toml").read_text(encoding="utf-8"))
    providers = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted(root.glob("providers/*.toml"))}
    if unknown := set(only) - set(providers):
        raise SourceError(f"{', '.join(sorted(unknown))} is no provider (there are {', '.join(providers)})")
    offers = {id: Offer(tuple(table["regions"]), table["instances"]) for id, table in providers.items()}
    differs = False
    for id in only or providers:
        path = root / "prices" / f"{id}.csv"
        recipes = parse_recipes((root / "recipes" / f"{id}.toml").read_text("utf-8"), f"recipes/{id}.toml")
        refreshed = refresh_prices(_read_rows(path), recipes, sources, offers[id])
        regions = tuple(region_differences(id, providers[id]["regions"], sources))
        print("\n".join((*_report(id, refreshed, today, verbose), *regions)))
        differs |= _update(path, _csv(Row._fields, refreshed.rows), write) | any("the source has" in r for r in regions)
    latency = refresh_latency(sources, offers)
    print(f"latency: {len(latency)} pairs of regions")
    return _update(root / "latency.csv", _csv(_LATENCY_COLUMNS, latency), write) or differs


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m devops_workbook.catalog.refresh", description=__doc__.split("\n")[0]
    )
    parser.add_argument("sources", metavar="SOURCES", type=Path, help="folder with the files that sources.toml names")
    parser.add_argument(
        "--provider", metavar="ID", action="append", default=[], help="this provider alone; may be repeated"
    )
    parser.add_argument("--write", action="store_true", help="write the files; without it nothing is changed")
    parser.add_argument("--verbose", action="store_true", help="list every change, refused quote and source")
    parser.add_argument("--catalog", metavar="DIR", type=Path, default=Path(str(files("devops_workbook.catalog"))),
                        help="the catalog to refresh (default: the one beside this program)")  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        differs = _run(
            options.sources, options.catalog, options.provider, options.write, options.verbose,
            datetime.now(tz=UTC).date(),
        )  # fmt: skip
    except (SourceError, RecipeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return int(differs)


if __name__ == "__main__":
    sys.exit(main())
