"""A company's own prices, laid over the catalog's: discounts and negotiated prices from a local TOML file.

    title = "Example Ltd: agreed prices"        # what documents call it
    as_of = "2026-03"

    [[price]]
    provider = "aws"                            # or gcp, azure, tools
    item = "compute/*"                          # an item of the price book, or a glob
    region = "eu-*"                             # a region or a glob (default: everywhere)
    term = "on-demand"                          # or spot, 1y, 3y (default: all for a discount, on-demand for a price)
    discount_pct = 15                           # or usd = 0.08, for one unit of the item as the catalog counts it
    why = "enterprise agreement 2026"

Of several entries that match a price the last one holds, and it is always the list price that it is off. A price
replaces all tiers of the list price; a discount is taken off each of them. A price that
was changed says so (`Price.adjusted`), and so does every line that is made with it. Nothing here reads a file or a
clock: the loader does the former once, and an agreement that has ended is taken out of the file by whoever keeps it.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from devops_workbook.catalog.model import Catalog, Price, PriceBook, Term, Tier

__all__ = ["Entry", "Overlay", "OverlayError", "apply", "parse_overlay"]

_TERMS: Mapping[str, Term] = {"on-demand": "", "spot": "spot", "1y": "1y", "3y": "3y"}
_KEYS = ("provider", "item", "region", "term", "usd", "discount_pct", "why")


class OverlayError(RuntimeError):
    """An overlay is not as it should be; the message names the file and the entry, and what is allowed.

    No ValueError: it must not pass for a wrong value of whatever was being checked when the catalog was first read.
    """


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: what it is for, and either a price in USD for one unit or a discount in percent.

    where: the file and entry, for messages; terms: of which terms.
    """

    where: str
    provider: str
    item: str
    region: str
    terms: tuple[Term, ...]
    usd: float | None
    discount_pct: float | None
    why: str

    def on(self, price: Price, overlay: Overlay) -> Price:
        """The price as this entry has it, marked as adjusted."""
        if self.usd is not None:
            adjusted = f"{self.usd:g} USD instead of the list price of {price.usd:g}: {self.why}"
            return replace(
                price, usd=self.usd, tiers=(), borrowed="", source=overlay.title, as_of=overlay.as_of, adjusted=adjusted
            )
        assert self.discount_pct is not None
        kept = 1 - self.discount_pct / 100
        tiers = tuple(Tier(tier.above, tier.usd * kept) for tier in price.tiers)
        adjusted = f"{self.discount_pct:g} % off the list price: {self.why}"
        return replace(price, usd=price.usd * kept, tiers=tiers, adjusted=adjusted)


@dataclass(frozen=True, slots=True)
class Overlay:
    """A file of agreed prices: its title, its date, and its entries in order."""

    title: str
    as_of: str
    entries: tuple[Entry, ...]


# ---------------------------------------------------------------- reading


def parse_overlay(text: str, file: str) -> Overlay:
    """The overlay that `text` holds. OverlayError names `file` and the entry that is wrong."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OverlayError(f"{file}: {error}") from None
    _only(table, ("title", "as_of", "price"), file)
    entries = table.get("price")
    if not isinstance(entries, list) or not entries:
        raise OverlayError(f"{file}: there is no [[price]] in it")
    return Overlay(
        _text(table, "title", file),
        _text(table, "as_of", file),
        tuple(_entry(row, f"{file}, price {number}") for number, row in enumerate(entries, start=1)),
    )


def _entry(row: Mapping[str, Any], where: str) -> Entry:
    item = _text(row, "item", where)
    where = f"{where} ({item})"
    _only(row, _KEYS, where)
    usd, discount = _number(row, "usd", where, math.inf), _number(row, "discount_pct", where, 100)
    if (usd is None) == (discount is None):
        raise OverlayError(f"{where}: either usd or discount_pct must be there")
    if usd is not None and _is_glob(item):
        raise OverlayError(f"{where}: a price is that of one item; for several there is discount_pct")
    return Entry(
        where,
        _text(row, "provider", where),
        item,
        _text(row, "region", where) if "region" in row else "*",
        _terms(row, where),
        usd,
        discount,
        _text(row, "why", where),
    )


def _only(table: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    unknown = [key for key in table if key not in keys]
    if unknown:
        raise OverlayError(
            f"{where}: {unknown[0]} is not a key{_nearest(unknown[0], keys)} (allowed: {', '.join(keys)})"
        )


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise OverlayError(
            f"{where}: {key} is missing" if value is None else f"{where}: {key} is {value!r}, not a text"
        )
    return value.strip()


def _number(row: Mapping[str, Any], key: str, where: str, most: float) -> float | None:
    value = row.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most or math.isinf(value):
        allowed = "0 or more" if math.isinf(most) else f"0 to {most:g}"
        raise OverlayError(f"{where}: {key} is {value!r} (allowed: a number, {allowed})")
    return float(value)


def _terms(row: Mapping[str, Any], where: str) -> tuple[Term, ...]:
    if "term" not in row:
        return ("",) if "usd" in row else tuple(_TERMS.values())
    term = _text(row, "term", where)
    if term not in _TERMS:
        raise OverlayError(f"{where}: term is {term!r} (allowed: {', '.join(_TERMS)})")
    return (_TERMS[term],)


def _is_glob(text: str) -> bool:
    return any(mark in text for mark in "*?[")


def _nearest(text: str, known: Iterator[str] | tuple[str, ...]) -> str:
    near = difflib.get_close_matches(text, list(known), n=1, cutoff=0.0)
    return f"; did you mean {near[0]}?" if near else ""


# ---------------------------------------------------------------- applying


def apply(catalog: Catalog, overlay: Overlay) -> Catalog:
    """The catalog with the overlay's prices and its title. OverlayError names an entry that matches nothing."""
    regions = {id: tuple(provider.regions) for id, provider in catalog.providers.items()} | {"tools": ()}
    for entry in overlay.entries:
        if entry.provider not in regions:
            raise OverlayError(f"{entry.where}: provider is {entry.provider!r} (allowed: {', '.join(regions)})")
    books = {id: provider.prices for id, provider in catalog.providers.items()} | {"tools": catalog.tool_prices}
    laid = {id: _laid(book, overlay, regions[id]) for id, book in books.items()}
    providers = {id: replace(provider, prices=laid[id]) for id, provider in catalog.providers.items()}
    return replace(
        catalog,
        as_of=max(row.as_of for book in laid.values() for row in book.rows.values()),
        providers=MappingProxyType(providers),
        tool_prices=laid["tools"],
        overlay=overlay.title,
    )


def _laid(book: PriceBook, overlay: Overlay, regions: tuple[str, ...]) -> PriceBook:
    rows = dict(book.rows)
    for entry in overlay.entries:
        if entry.provider == book.provider:
            matched = {(p.item, p.region, p.term): entry.on(p, overlay) for p in _matches(entry, book, regions)}
            if not matched:
                raise OverlayError(_matches_nothing(entry, book, regions))
            rows |= matched
    return PriceBook(book.provider, book.reference_region, MappingProxyType(rows))


def _matches(entry: Entry, book: PriceBook, regions: tuple[str, ...]) -> Iterator[Price]:
    """The list prices an entry is for. Where it names regions, also what these take from elsewhere."""
    rows = [row for row in book.rows.values() if row.term in entry.terms and fnmatchcase(row.item, entry.item)]
    if entry.region == "*":
        yield from rows
        return
    for item, term in dict.fromkeys((row.item, row.term) for row in rows):
        for region in regions:
            if fnmatchcase(region, entry.region):
                price = book.committed(item, region, term) if term else book.find(item, region)
                if price is not None:
                    yield replace(price, region=region)


def _matches_nothing(entry: Entry, book: PriceBook, regions: tuple[str, ...]) -> str:
    if not any(fnmatchcase(region, entry.region) for region in (*regions, "*")):
        return f"{entry.where}: {book.provider} has no region {entry.region}{_nearest(entry.region, regions)}"
    items = {row.item for row in book.rows.values()}
    if not any(fnmatchcase(item, entry.item) for item in items):
        return f"{entry.where}: no price of {book.provider} is called so{_nearest(entry.item, tuple(sorted(items)))}"
    return f"{entry.where}: no such price is known there, of that term"
