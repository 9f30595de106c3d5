"""Prices with tiers, against bills that providers worked out and printed, and as laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.assess.cost import tiered_cost
from devops_workbook.catalog import load
from devops_workbook.catalog.model import Price, Tier

PUBSUB = "https://cloud.google.com/pubsub/pricing, as archived on 2019-05-29, 'Example: message ingestion and delivery'"
TB = 1024.0  # in AWS's example "1 TB = 1024 GB"
GIB = 1 / 1024.0


def price(unit: str, *tiers: tuple[float, float]) -> Price:
    steps = tuple(Tier(above, usd) for above, usd in tiers)
    return Price("x", "*", unit, steps[0].usd, "published example", "2026-11", tiers=steps if len(steps) > 1 else ())


# AWS Billing User Guide, "Volume discounts", https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/
# useconsolidatedbilling-discounts.html: 0.17 USD a GB for the first 10 TB, 0.13 for the next 40 TB.
AWS_TRANSFER = price("GB", (0, 0.17), (10 * TB, 0.13))


@pytest.mark.parametrize(
    ("what", "usage", "published_usd"),
    [
        # The same page: Bob moves 8 TB and Susan 4 TB, and AWS counts them as one.
        ("AWS, two accounts together", [(AWS_TRANSFER, 12 * TB)], 2007.04),
        ("AWS, had each been alone", [(AWS_TRANSFER, 8 * TB), (AWS_TRANSFER, 4 * TB)], 2088.96),
        # AWS Lambda pricing, https://aws.amazon.com/lambda/pricing/, Example 1: 512 MB, 3 million times, 1 s each.
        ("AWS Lambda, 3 million requests", [(price("GB-s", (0, 0), (400_000, 0.00001667)), 1_500_000),
                                            (price("1M requests", (0, 0), (1, 0.2)), 3)], 18.74),
        # Example 2 of the same page: 128 MB, 30 million times, 200 ms each.
        ("AWS Lambda, 30 million requests", [(price("GB-s", (0, 0), (400_000, 0.00001667)), 750_000),
                                             (price("1M requests", (0, 0), (1, 0.2)), 30)], 11.63),
        # Google: 3 MiB a second for 30 days is 7.416 TiB, at 60 USD a TiB after the first 10 GB.
        (PUBSUB, [(price("TiB", (0, 0), (10 * GIB, 60), (50, 50), (150, 40)), 3 * 3600 * 24 * 30 / 2**20)], 444.36),
        # Google, https://cloud.google.com/storage/pricing-examples, "Simple example".
        ("Google Cloud Storage", [(price("GB-month", (0, 0.020)), 50), (price("1k operations", (0, 0.005)), 10),
                                  (price("1k operations", (0, 0.0004)), 50), (price("GB", (0, 0.12)), 1)], 1.19),
        # Azure Functions pricing page, quoted in a public repository: 3 million executions of 1 s with 512 MB.
        ("Azure Functions, consumption", [(price("GB-s", (0, 0), (400_000, 0.000016)), 1_500_000),
                                          (price("1M executions", (0, 0), (1, 0.2)), 3)], 18.00),
    ],
)  # fmt: skip
def test_published_bills(what: str, usage: list[tuple[Price, float]], published_usd: float) -> None:
    assert sum(item.cost(quantity) for item, quantity in usage) == pytest.approx(published_usd, abs=0.005), what


@st.composite
def some_tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    """Up to six tiers of any width; a price that rises with the quantity is one too."""
    widths = draw(st.lists(st.floats(1e-3, 1e6), max_size=5))
    above = [0.0, *np.cumsum(widths).tolist()]
    return tuple(Tier(start, draw(st.floats(0, 10))) for start in above)


@given(some_tiers())
def test_no_amount_jumps_where_a_tier_begins(tiers: tuple[Tier, ...]) -> None:
    step = Price("x", "*", "GB", tiers[0].usd, "", "2026", tiers=tiers)
    for tier in tiers[1:]:
        at = step.cost(tier.above)
        width = tier.above * 1e-9
        assert step.cost(tier.above - width) == pytest.approx(at, abs=10.01 * width + 1e-6)
        assert step.cost(tier.above + width) == pytest.approx(at, abs=10.01 * width + 1e-6)


@given(some_tiers(), st.floats(0, 1e7), st.floats(0, 1e7))
def test_more_never_costs_less_and_the_vector_says_the_same(tiers: tuple[Tier, ...], a: float, b: float) -> None:
    step = Price("x", "*", "GB", tiers[0].usd, "", "2026", tiers=tiers)
    assert step.cost(min(a, b)) <= step.cost(max(a, b)) * (1 + 1e-12)
    assert tiered_cost(tiers, np.array([a, b])).tolist() == pytest.approx([step.cost(a), step.cost(b)])


def test_every_tiered_price_of_the_catalog_is_continuous() -> None:
    books = [load().tool_prices, *(p.prices for p in load().providers.values())]
    for found in (row for book in books for row in book.rows.values() if row.tiers):
        for tier in found.tiers[1:]:
            below, above = math.nextafter(tier.above, 0), math.nextafter(tier.above, math.inf)
            assert found.cost(below) == pytest.approx(found.cost(above)), found.item
