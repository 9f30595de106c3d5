"""Linux on-demand prices as the Karpenter providers of AWS and Azure generate them from the price lists.

AWS: `{"aws": {size: USD an hour}}`, of us-east-1 only. Azure: `{region: {size: USD an hour}}`, where a zero stands for
a price that was not found (github.com/aws/karpenter-provider-aws, github.com/Azure/karpenter-provider-azure).
The ratios that lead from us-east-1 to other AWS regions are a table of medians and quartiles over sizes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator

from devops_workbook.catalog.sources.quote import Origin, Quote, Ratio

__all__ = ["aws_prices", "aws_ratios", "azure_prices"]

_MISSING = "the source writes 0 where it found no price"


def _quote(size: str, region: str, usd: float, origin: Origin) -> Quote:
    return Quote(size, region, "", usd, "h", origin, doubt="" if usd > 0 else _MISSING)


def aws_prices(text: str, origin: Origin) -> Iterator[Quote]:
    """The sizes of us-east-1, by their name."""
    for size, usd in json.loads(text)["aws"].items():
        yield _quote(size, "us-east-1", usd, origin)


def azure_prices(text: str, origin: Origin) -> Iterator[Quote]:
    """The sizes of every region, by their name."""
    for region, sizes in json.loads(text).items():
        for size, usd in sizes.items():
            yield _quote(size, region, usd, origin)


def aws_ratios(text: str, origin: Origin) -> Iterator[Ratio]:
    """How much dearer each region is than us-east-1."""
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        yield Ratio(
            row["region"], float(row["median_multiplier"]), float(row["p25"]), float(row["p75"]), origin
        )  # fmt: skip
