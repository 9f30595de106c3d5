"""Reads the packaged catalog, once.

TOML and CSV in, frozen types of `catalog.model` out. A file that does not hold what FORMAT.md says is a bug
of the package (or of whoever edited it), so the loader raises `CatalogError` naming the file and the entry.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from devops_workbook.catalog.model import (
    Catalog,
    Control,
    Framework,
    Instance,
    Practice,
    Price,
    PriceBook,
    PriceDimension,
    Provider,
    Ratings,
    Region,
    Service,
    Sla,
)
from devops_workbook.evidence import Fact

__all__ = ["CatalogError", "load"]

_ROOT = files("devops_workbook.catalog")


class CatalogError(ValueError):
    """A catalog file does not hold what FORMAT.md says; the message names the file and the entry."""


@cache
def load() -> Catalog:
    """The packaged catalog. Read on the first call, the same object afterwards.

    Raises CatalogError naming the file and entry that is not as FORMAT.md says.
    """
    providers = {id: _provider(id, table) for id, table in _tables("providers")}
    tools = _services("tools", _toml("tools.toml")["services"], "tools.toml")
    prices = [book.prices for book in providers.values()]
    return Catalog(
        as_of=max(row.as_of for book in prices for row in book.rows.values()),
        providers=MappingProxyType(providers),
        tools=tools,
        tool_prices=_price_book("tools", "*"),
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


def _frozen(kind: type, path: str) -> Mapping[str, Any]:
    return MappingProxyType(
        {id: _build(kind, f"{path} [{id}]", id=id, **_tuples(table)) for id, table in _toml(path).items()}
    )


def _assumptions() -> Mapping[str, Fact]:
    source = "design assumption"
    rows = _toml("assumptions.toml").items()
    return MappingProxyType(
        {id: Fact(row["value"], row["unit"], f"{source}: {row['why']}", "2026-11") for id, row in rows}
    )


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
    return Provider(
        id=id,
        title=table["title"],
        default_region=table["default_region"],
        iac=MappingProxyType(table["iac"]),
        services=_services(id, table["services"], where),
        regions=MappingProxyType({r: _region(id, r, row, where) for r, row in table["regions"].items()}),
        instances=MappingProxyType(
            {
                sku: _build(Instance, f"{where} [instances.{kind}.{sku}]", sku=sku, kind=kind, **spec)
                for kind, rows in table["instances"].items()
                for sku, spec in rows.items()
            }
        ),
        prices=_price_book(id, table["reference_region"]),
        facts=MappingProxyType(
            {name: _build(Fact, f"{where} [facts.{name}]", **fact) for name, fact in table["facts"].items()}
        ),
    )


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
    rows: dict[tuple[str, str], Price] = {}
    with _ROOT.joinpath(path).open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            try:
                price = Price(**{**row, "usd": float(row["usd"])})  # type: ignore[arg-type]
            except (TypeError, ValueError) as error:
                raise CatalogError(f"catalog/{path}, line {line}: {error}") from None
            key = (price.item, price.region)
            if key in rows:
                raise CatalogError(f"catalog/{path}, line {line}: {price.item} in {price.region} is there twice")
            rows[key] = price
    return PriceBook(provider, reference_region, MappingProxyType(rows))
