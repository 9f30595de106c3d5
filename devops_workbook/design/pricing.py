"""What a component bills: its monthly usage times the prices of its service.

A service lists what it bills (`PriceDimension`); a component says how much of each it uses. A tool that a team
runs itself bills the provider's instances it runs on, and their disks. A price the catalog does not hold is None,
"not known", and so is a total that contains one. Usage has a unit (catalog/usage.toml) and so has a price; the one is
turned into the other, which fails where they do not measure the same thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from devops_workbook.catalog.model import Catalog, Price, PriceBook, PriceDimension, Service
from devops_workbook.units import convert

__all__ = ["Charge", "charges", "estimate", "find_service"]


@dataclass(frozen=True, slots=True)
class Charge:
    """One billed quantity of a component. quantity is in the price's unit; price None = not known."""

    dimension: PriceDimension
    quantity: float | None
    price: Price | None

    @property
    def usd(self) -> float | None:
        """USD a month, None = quantity or price not known."""
        if self.quantity is None or self.price is None:
            return None
        return self.price.cost(self.quantity)


def find_service(catalog: Catalog, provider: str, id: str) -> Service:
    """A service of the provider, or a tool; KeyError if neither has it."""
    services = catalog.providers[provider].services
    return services[id] if id in services else catalog.tools[id]


def _dimensions(catalog: Catalog, provider: str, service: Service) -> Iterable[tuple[PriceDimension, PriceBook]]:
    """What a service bills, and whose prices hold. A tool on machines of the provider bills these
    and what comes with them."""
    prices = catalog.providers[provider].prices
    if service.provider != "tools":
        return ((dimension, prices) for dimension in service.dimensions)
    machines = [(dimension, prices) for dimension in service.dimensions if "{sku}" in dimension.item]
    rest = [(dimension, catalog.tool_prices) for dimension in service.dimensions if "{sku}" not in dimension.item]
    return [*machines, *rest, *((dimension, prices) for dimension in _beside(catalog, provider) if machines)]


@lru_cache(maxsize=64)
def _beside(catalog: Catalog, provider: str) -> tuple[PriceDimension, ...]:
    """What a virtual machine bills beside itself, such as its disks; a tool's machines are counted in host hours."""
    machines = catalog.providers[provider].serving("compute", "vms")
    return tuple(
        replace(dimension, per="host_hours") if dimension.per == "instance_hours" else dimension
        for service in machines[:1]
        for dimension in service.dimensions
        if "{sku}" not in dimension.item
    )


def charges(
    catalog: Catalog, provider: str, service: Service, usage: Mapping[str, float | None], sku: str, region: str
) -> Iterator[Charge]:
    """One Charge for each thing the service bills and the usage has more than none of."""
    for dimension, prices in _dimensions(catalog, provider, service):
        amount = usage.get(dimension.per, 0.0)
        if amount == 0:
            continue
        price = prices.find(dimension.item.replace("{sku}", sku), region)
        yield Charge(dimension, _billed(catalog, dimension, amount, price), price)


def _billed(catalog: Catalog, dimension: PriceDimension, amount: float | None, price: Price | None) -> float | None:
    """The usage in the unit of its price; in its own where there is no price."""
    if amount is None:
        return None
    unit = dimension.unit or catalog.usage[dimension.per].unit
    return convert(amount / dimension.scale, unit, price.unit if price else unit)


def estimate(
    catalog: Catalog, provider: str, service: Service, usage: Mapping[str, float | None], sku: str, region: str
) -> float | None:
    """USD a month for a usage, None if one of its prices is not known."""
    total = 0.0
    for charge in charges(catalog, provider, service, usage, sku, region):
        if charge.usd is None:
            return None
        total += charge.usd
    return total
