"""Bills that the providers worked out themselves, priced with the catalog.

Each file worked_examples_<cloud>.toml holds examples of one cloud: `published_usd` is what the provider printed, `usd`
what its lines must cost where it took a free allowance off first, and `rounding` by how much its own rounding may move
that. Quantities are in `unit`, else in that of the price.
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
    """What the lines cost; lines of the same price add up before its tiers apply."""
    book, sums = load().providers[cloud].prices, dict[tuple[str, str], float]()
    for line in lines:
        price = book.find(line["item"], line["region"])
        assert price is not None, f"{line['item']} has no price"
        assert not price.borrowed, f"{line['item']} has no price of its own in {line['region']}"
        key = (line["item"], line["region"])
        sums[key] = sums.get(key, 0.0) + convert(line["quantity"], line.get("unit", price.unit), price.unit)
    found = ((book.find(item, region), quantity) for (item, region), quantity in sums.items())
    return sum(price.cost(quantity) for price, quantity in found if price)


def test_the_catalog_prices_each_example_as_the_provider_did() -> None:
    off = []
    for cloud, example in examples():
        found, wanted = priced(cloud, example["lines"]), example.get("usd", example["published_usd"])
        if abs(found - wanted) > max(CENT, SHARE * wanted, example.get("rounding", 0.0)):
            off.append(f"{cloud}: {example['title']} ({example['url']}): {found:.4f}, published {wanted}")
    assert not off, "\n".join(off)


def test_an_example_says_where_it_was_published() -> None:
    for _, example in examples():
        assert example["url"].startswith("https://")
        assert example["lines"]
        whole = example.get("usd", example["published_usd"])
        assert example["published_usd"] <= whole + CENT, "free allowances only ever lower a bill"
