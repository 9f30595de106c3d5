"""Google Cloud prices as the pricing calculator of Cyclenerd generates them (pricing.yml, all in one file).

Every leaf is `{region: {hour, month, hour_spot, month_1y, ...}}`. `month` has the sustained-use discount of a full
month in it where the machine earns one, so what has an hourly price is read by the hour; commitments are given by the
month, without sustained use (those discounts do not combine), and become USD an hour over 730 hours. A commitment that
is not cheaper than the hour it replaces is not one. Keys are the path in the file: `instance/n4-standard-4`,
`nat/gateway`, `disk/ssd`, `bucket/standard`, `retrieval/nearline`, `internet/10n` (to the internet, from 10 TB),
`monitoring/0-100000`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from devops_workbook.catalog.model import Term
from devops_workbook.catalog.sources.quote import Origin, Quote, SourceError

__all__ = ["google_prices"]

HOURS = 730
_COMMITMENTS: Mapping[str, Term] = {"month_1y": "1y", "month_3y": "3y"}


class Leaf(NamedTuple):
    """A table of prices by region, and the unit that its monthly figure is for."""

    key: str
    unit: str
    cost: Mapping[str, Mapping[str, float]]


def google_prices(text: str, origin: Origin) -> Iterator[Quote]:
    """The quotes of one pricing.yml. SourceError if it was generated on another day than `origin` says."""
    data = YAML(typ="safe", pure=False).load(text)  # the C parser: still some 20 s for the whole file
    generated = datetime.fromtimestamp(data["about"]["timestamp"], UTC).date().isoformat()
    if generated != origin.as_of:
        raise SourceError(f"{origin.source} was generated on {generated}, not on {origin.as_of}: mend sources.toml")
    for leaf in _leaves(data):
        for region, cost in leaf.cost.items():
            yield from _quotes(leaf, region, cost, origin)


def _leaves(data: Mapping[str, Any]) -> Iterator[Leaf]:
    compute, storage = data["compute"], data["storage"]
    network = compute["network"]
    yield from _table("instance", "h", compute["instance"])
    yield from _table("disk", "GiB-month", compute["storage"])
    yield from _table("ip", "h", network["ip"])
    yield from _table("vpn", "h", network["vpn"])
    yield Leaf("nat/gateway", "h", network["nat"]["gateway"]["cost"])
    yield Leaf("nat/data", "GiB", network["nat"]["data"]["cost"])
    yield from _tiers("internet", "GiB", network["traffic"]["egress"]["internet"])
    yield from _table("bucket", "GiB-month", storage["bucket"])
    yield from _table("retrieval", "GiB", storage["retrieval"])
    yield from _tiers("monitoring", "MiB", data["monitoring"]["data"])


def _table(name: str, unit: str, entries: Mapping[str, Any]) -> Iterator[Leaf]:
    for entry, body in entries.items():
        yield Leaf(f"{name}/{entry}", unit, body.get("cost", {}))


def _tiers(name: str, unit: str, body: Mapping[str, Any]) -> Iterator[Leaf]:
    for tier, cost in body["cost"].items():
        yield Leaf(f"{name}/{tier}", unit, cost)


def _quotes(leaf: Leaf, region: str, cost: Mapping[str, float], origin: Origin) -> Iterator[Quote]:
    def quote(term: Term, usd: float, doubt: str = "") -> Quote:
        return Quote(
            leaf.key, region, term, usd, leaf.unit, origin, doubt=doubt or ("" if usd > 0 else "the price is 0")
        )

    on_demand = cost.get("hour") if leaf.unit == "h" else cost.get("month")
    if on_demand is not None:
        yield quote("", on_demand)
    if leaf.unit != "h":
        return
    if "hour_spot" in cost:
        yield quote("spot", cost["hour_spot"])
    for column, term in _COMMITMENTS.items():
        if column in cost:
            yield quote(term, cost[column] / HOURS, _no_commitment(cost[column], cost))


def _no_commitment(monthly: float, cost: Mapping[str, float]) -> str:
    """Why a committed monthly price cannot be one, "" if it can."""
    if "hour" in cost and monthly >= cost["hour"] * HOURS:
        return "the commitment is not cheaper than the hours it replaces"
    if "month" in cost and monthly == cost["month"]:
        return "the commitment is the month with its sustained-use discount"
    return ""
