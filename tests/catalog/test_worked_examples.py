"""Bills that the providers worked out themselves, priced with the catalog.

Each file worked_examples_<cloud>.toml holds examples of one cloud: `usd` is what its lines must cost, with no free
allowance taken off, and `rounding` by how much the provider's own rounding may move that.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from devops_workbook.catalog import load
from devops_workbook.units import convert

CENT, SHARE = 0.01, 0.005


def examples() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Cloud and example, of every file there is."""
    for path in sorted(Path(__file__).parent.glob("worked_examples_*.toml")):
        for example in tomllib.loads(path.read_text("utf-8"))["example"]:
            yield path.stem.removeprefix("worked_examples_"), example


def priced(cloud: str, lines: list[Mapping[str, Any]]) -> float:
    """What the lines cost; items of the same price add up before its tiers apply."""
    sums: dict[tuple[str, str, str], float] = {}
    for line in lines:
        key = (line["item"], line["region"], line["unit"])
        sums[key] = sums.get(key, 0.0) + line["quantity"]
    total = 0.0
    for (item, region, unit), quantity in sums.items():
        price = load().providers[cloud].prices.find(item, region)
        assert price is not None, f"{item} has no price"
        assert not price.borrowed, f"{item} has no price of its own in {region}"
        total += price.cost(convert(quantity, unit, price.unit))
    return total


def test_the_catalog_prices_each_example_as_the_provider_did() -> None:
    off = []
    for cloud, example in examples():
        found, wanted = priced(cloud, example["lines"]), example["usd"]
        if abs(found - wanted) > max(CENT, SHARE * wanted, example.get("rounding", 0.0)):
            off.append(f"{cloud}: {example['title']} ({example['url']}): {found:.4f}, published {wanted}")
    assert not off, "\n".join(off)


def test_an_example_says_where_it_was_published() -> None:
    for _, example in examples():
        assert example["url"].startswith("https://")
        assert example["lines"]
        assert example["published_usd"] <= example["usd"] + CENT, "free allowances only ever lower a bill"
