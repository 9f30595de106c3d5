"""Reads the packaged catalog, once.

TOML and CSV in, frozen types of `catalog.model` out. A file that does not hold what FORMAT.md says is a bug
of the package (or of whoever edited it), so the loader raises `CatalogError` naming the file and the entry.
Where the environment variable DEVOPS_WORKBOOK_PRICES names a price overlay, it is laid over the catalog's prices. This
is the one place below the surfaces that reads an environment or a file.
"""

from __future__ import annotations

import csv
import io
import os
import tomllib
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from devops_workbook.catalog.model import (
    Catalog,
    Control,
    Framework,
    Instance,
    Parity,
    ParityRule,
    Practice,
    Price,
    PriceBook,
    PriceDimension,
    Provider,
    Ratings,
    Region,
    Service,
    Sla,
    Term,
    Tier,
    Usage,
)
from devops_workbook.catalog.overlay import OverlayError, apply, parse_overlay
from devops_workbook.evidence import Fact
from devops_workbook.units import UnitError, parse

__all__ = ["PRICES_VARIABLE", "CatalogError", "load"]

PRICES_VARIABLE = "DEVOPS_WORKBOOK_PRICES"
"""The environment variable that names a price overlay, by its absolute path."""

_ROOT = files("devops_workbook.catalog")


class CatalogError(ValueError):
    """A catalog file does not hold what FORMAT.md says; the message names the file and the entry."""


@cache
def load() -> Catalog:
    """The packaged catalog, with the price overlay if one is named. Read on the first call, the same object afterwards.

    Raises CatalogError naming the file and entry that is not as FORMAT.md says; OverlayError where it is the overlay's.
    """
    overlay = os.environ.get(PRICES_VARIABLE, "")
    return apply(_packaged(), parse_overlay(_overlay_text(overlay), overlay)) if overlay else _packaged()


def _overlay_text(file: str) -> str:
    path = Path(file)
    if not path.is_absolute():
        # A notebook that is run for a document runs in a folder of its own, and must see the same prices.
        raise OverlayError(f"{PRICES_VARIABLE} is {file!r}; it must be an absolute path")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OverlayError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _packaged() -> Catalog:
    providers = {id: _provider(id, table) for id, table in _tables("providers")}
    tools = _services("tools", _toml("tools.toml")["services"], "tools.toml")
    tool_prices = _price_book("tools", "*")
    books = [tool_prices, *(provider.prices for provider in providers.values())]
    return Catalog(
        as_of=max(row.as_of for book in books for row in book.rows.values()),
        providers=MappingProxyType(providers),
        tools=tools,
        tool_prices=tool_prices,
        usage=_usage(),
        environments=_environments(),
        assumptions=_assumptions(),
        options=MappingProxyType(_toml("options.toml")),
        controls=_frozen(Control, "controls.toml"),
        frameworks=MappingProxyType({id: _framework(id, table) for id, table in _tables("frameworks")}),
        principles=_frozen(Practice, "principles.toml"),
        practices=_frozen(Practice, "practices.toml"),
    )


def _toml(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(_ROOT.joinpath(path).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"catalog/{path}: {error}") from None


def _tables(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    # Providers come in the order a reader expects to see them, not in that of the file system.
    names = sorted(entry.name for entry in _ROOT.joinpath(folder).iterdir() if entry.name.endswith(".toml"))
    loaded = ((name.removesuffix(".toml"), _toml(f"{folder}/{name}")) for name in names)
    yield from sorted(loaded, key=lambda item: (item[1].get("order", 99), item[0]))


def _build(kind: type, where: str, /, **values: Any) -> Any:
    try:
        return kind(**values)
    except TypeError as error:
        raise CatalogError(f"catalog/{where}: {str(error).partition(') ')[2] or error}") from None


def _entry(table: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in table:
        raise CatalogError(f"catalog/{where}: {key} is missing")
    return table[key]


def _frozen(kind: type, path: str) -> Mapping[str, Any]:
    return MappingProxyType(
        {id: _build(kind, f"{path} [{id}]", id=id, **_tuples(table)) for id, table in _toml(path).items()}
    )


def _assumptions() -> Mapping[str, Fact]:
    source = "design assumption"
    rows = _toml("assumptions.toml").items()
    where = "assumptions.toml"
    return MappingProxyType(
        {
            id: _build(
                Fact, f"{where} [{id}]", source=f"{source}: {_entry(row, 'why', f'{where} [{id}]')}", as_of="2026-11",
                **{key: value for key, value in row.items() if key != "why"},
            )
            for id, row in rows
        }
    )  # fmt: skip


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: MappingProxyType({k: tuple(v) if isinstance(v, list) else v for k, v in value.items()})
        if isinstance(value, dict)
        else value
        for key, value in table.items()
    }


def _framework(id: str, table: dict[str, Any]) -> Framework:
    where = f"frameworks/{id}.toml"
    return _build(Framework, where, id=id, **_tuples(table))  # type: ignore[no-any-return]


def _provider(id: str, table: dict[str, Any]) -> Provider:
    where = f"providers/{id}.toml"

    def entry(key: str) -> Any:
        return _entry(table, key, where)

    regions = {r: _region(id, r, row, where) for r, row in entry("regions").items()}
    for key in ("default_region", "reference_region"):
        if entry(key) not in regions:
            raise CatalogError(f"catalog/{where}: {key} {table[key]} is not one of its regions")
    return Provider(
        id=id,
        code=MappingProxyType(_toml(f"code/{id}.toml")),
        title=entry("title"),
        default_region=entry("default_region"),
        iac=MappingProxyType(entry("iac")),
        services=_services(id, entry("services"), where),
        regions=MappingProxyType(regions),
        instances=_instances(entry("instances"), where),
        prices=_price_book(id, entry("reference_region")),
        facts=MappingProxyType(
            {name: _build(Fact, f"{where} [facts.{name}]", **fact) for name, fact in entry("facts").items()}
        ),
        latency=_latency(id, regions),
    )


def _instances(tables: Mapping[str, Mapping[str, Any]], where: str) -> Mapping[str, Instance]:
    found: dict[str, Instance] = {}
    for kind, rows in tables.items():
        for sku, spec in rows.items():
            entry = f"{where} [instances.{kind}.{sku}]"
            if sku in found:
                raise CatalogError(f"catalog/{entry}: the size is already listed under instances.{found[sku].kind}")
            found[sku] = _build(Instance, entry, sku=sku, kind=kind, **spec)
    return MappingProxyType(found)


def _region(provider: str, id: str, row: dict[str, Any], where: str) -> Region:
    grid = Fact(row.pop("grid", None), "gCO2e/kWh", row.pop("grid_source", ""), row.pop("grid_as_of", ""))
    return _build(Region, f"{where} [regions.{id}]", id=id, provider=provider, grid=grid, **row)  # type: ignore[no-any-return]


def _services(provider: str, tables: dict[str, dict[str, Any]], where: str) -> Mapping[str, Service]:
    return MappingProxyType({id: _service(provider, id, dict(row), where) for id, row in tables.items()})


def _service(provider: str, id: str, row: dict[str, Any], where: str) -> Service:
    entry = f"{where} [services.{id}]"
    slas = tuple(_build(Sla, f"{entry} sla", **{"pct": None, **sla}) for sla in row.pop("sla", ()))
    prices = tuple(_build(PriceDimension, f"{entry} price", **price) for price in row.pop("price", ()))
    ratings = row.pop("ratings", None)
    return _build(  # type: ignore[no-any-return]
        Service,
        entry,
        id=id,
        provider=provider,
        slas=slas,
        dimensions=prices,
        ratings=None if ratings is None else _build(Ratings, f"{entry} ratings", **ratings),
        features=frozenset(row.pop("features", ())),
        limits=MappingProxyType(row.pop("limits", {})),
        **row,
    )


def _price_book(provider: str, reference_region: str) -> PriceBook:
    path = f"prices/{provider}.csv"
    found: dict[tuple[str, str, Term], Price] = {}
    for line, row in enumerate(_csv(path), start=2):
        price = _price(row, f"{path}, line {line}")
        key = (price.item, price.region, price.term)
        if key in found:
            price = _next_tier(found[key], price, f"{path}, line {line}")
        elif price.tiers and price.tiers[0].above:
            raise CatalogError(f"catalog/{path}, line {line}: the first tier of {price.item} does not begin at 0")
        found[key] = price
    return PriceBook(provider, reference_region, MappingProxyType(found))


def _csv(path: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(io.StringIO(_ROOT.joinpath(path).read_text(encoding="utf-8"), newline=""))


def _number(row: Mapping[str, str], key: str, where: str) -> float:
    figure = _entry(row, key, where)
    try:
        return float(figure)
    except (TypeError, ValueError):
        raise CatalogError(f"catalog/{where}: {key} is {figure!r}, not a number") from None


def _price(row: Mapping[str, str], where: str) -> Price:
    """The price of one line; `above` empty = it does not fall with the quantity."""
    usd = _number(row, "usd", where)
    tiers = (Tier(_number(row, "above", where), usd),) if _entry(row, "above", where) else ()
    if _entry(row, "term", where) not in get_args(Term):
        raise CatalogError(f"catalog/{where}: term is {row['term']!r} (allowed: empty, 1y, 3y, spot)")
    _unit(row["unit"], where)
    rest = {key: value for key, value in row.items() if key != "above"}
    return _build(Price, where, **{**rest, "usd": usd, "tiers": tiers})  # type: ignore[no-any-return]


def _next_tier(price: Price, tier: Price, where: str) -> Price:
    if not price.tiers or not tier.tiers:
        raise CatalogError(f"catalog/{where}: {price.item} in {price.region} is there twice")
    if price.unit != tier.unit or price.tiers[-1].above >= tier.tiers[0].above:
        raise CatalogError(f"catalog/{where}: the tiers of {price.item} in {price.region} do not follow each other")
    return replace(price, tiers=(*price.tiers, *tier.tiers))


def _unit(text: str, where: str) -> None:
    try:
        parse(text)
    except UnitError as error:
        raise CatalogError(f"catalog/{where}: {error}") from None


def _usage() -> Mapping[str, Usage]:
    rows = _toml("usage.toml").items()
    for per, row in rows:
        _unit(_entry(row, "unit", f"usage.toml [{per}]"), f"usage.toml [{per}]")
    return MappingProxyType({per: _build(Usage, f"usage.toml [{per}]", per=per, **row) for per, row in rows})


def _environments() -> Mapping[str, Parity]:
    return MappingProxyType({id: _parity(id, dict(row)) for id, row in _toml("environments.toml").items()})


def _parity(id: str, row: dict[str, Any]) -> Parity:
    where = f"environments.toml [{id}]"
    rules = tuple(_build(ParityRule, f"{where} rule", **rule) for rule in row.pop("rules", ()))
    shared = tuple(row.pop("shared", ()))
    return _build(Parity, where, id=id, rules=rules, shared=shared, **_tuples(row))  # type: ignore[no-any-return]


def _latency(provider: str, regions: Container[str]) -> Mapping[tuple[str, str], Fact]:
    """Round trips between regions of one provider; latency.csv holds those of all."""
    found: dict[tuple[str, str], Fact] = {}
    for line, row in enumerate(_csv("latency.csv"), start=2):
        where = f"latency.csv, line {line}"
        if _entry(row, "provider", where) != provider:
            continue
        for end in ("source", "target"):
            if row[end] not in regions:
                raise CatalogError(f"catalog/{where}: {row[end]} is not a region of {provider}")
        found[row["source"], row["target"]] = Fact(
            _number(row, "rtt_ms", where), "ms", row["measured_by"], row["as_of"], "measured round trip"
        )
    return MappingProxyType(found)
