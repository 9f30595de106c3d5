"""Component prices from the expected outputs ("goldens") of Infracost's tests, as one table.

A golden shows a monthly quantity and a cost rounded to the cent; where it shows no quantity it shows the price itself
(precision "exact"). So most unit prices are quotients, and one made from a small total is worth little: each quote says
how far rounding may have moved it, and beyond 1 % that is a doubt. A quote is filed twice, under the resource's type
and under its address: `aws_lb/Network load balancer` and `aws_lb.nlb1/Network load balancer`. A row may be any resource
of a test, in a region the table knows only if the test names it ("?" else), of a day the table does not know.

Things kept for a whole month (capacity units, Fargate CPUs) are priced by the month in the goldens, whatever the
component's name says: their unit here ends in "-month".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from devops_workbook.catalog.sources.quote import Origin, Quote

__all__ = ["infracost_goldens"]

_CENT = 0.01
_TOLERANCE = 0.01
_WORDS = {"hours": "h", "hour": "h", "seconds": "s", "minutes": "min", "years": "year", "CPU": "vCPU"}
_KEPT = {"LCU", "CPU", "CU", "WCU", "RCU", "rWCU", "KPU", "nodes", "throughput units", "processing units"}
_SUSTAINED_USE = re.compile(r"on-demand, n[12]-")


def infracost_goldens(text: str, origin: Origin) -> Iterator[Quote]:
    """The quotes of the table, each under its resource's type and under its address."""
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        quote = _quote(row, replace(origin, source=f"{origin.source} ({row['test']}_test)"))
        yield replace(quote, key=f"{row['resource'].partition('.')[0]}/{row['component']}")
        yield quote


def _quote(row: Mapping[str, str], origin: Origin) -> Quote:
    usd, rounding = _price(row)
    return Quote(
        key=f"{row['resource']}/{row['component']}",
        region=row["region"] or "?",
        term="",
        usd=usd,
        unit=_unit(row),
        origin=origin,
        rounding=rounding,
        doubt=_doubt(row, usd, rounding),
    )


def _price(row: Mapping[str, str]) -> tuple[float, float]:
    """The unit price, and how far from the truth the cent may have moved it."""
    if row["precision"] == "exact":
        return float(row["unit_price_usd"]), 0.0
    quantity = float(row["monthly_qty"])
    return float(row["monthly_cost"]) / quantity, _CENT / 2 / quantity


def _unit(row: Mapping[str, str]) -> str:
    unit = row["unit"]
    monthly = unit in _KEPT or row["component"] == "Per GB per hour"
    return "-".join(_WORDS.get(word, word) for word in unit.split("-")) + ("-month" if monthly else "")


def _doubt(row: Mapping[str, str], usd: float, rounding: float) -> str:
    component = row["component"]
    if usd and rounding > _TOLERANCE * usd:
        return f"derived from {row['monthly_cost']} USD: rounding may be off by {100 * rounding / usd:.0f} %"
    if not usd and rounding:
        return "derived from a total of 0.00 USD"
    if row["provider"] == "google" and _SUSTAINED_USE.search(component):
        return "includes the sustained-use discount of a full month"
    if row["unit"] in {"WRUs", "RRUs"}:
        return "on-demand request prices of DynamoDB were halved in November 2024, and the row has no date"
    if row["unit"] == "rWRU":
        return "the quantity shown is not the one priced"
    return ""
