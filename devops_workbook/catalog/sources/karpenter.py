"""Linux on-demand prices as the Karpenter providers of AWS and Azure generate them from the price lists.

AWS: `{"aws": {size: USD an hour}}`, of us-east-1 only. Azure: `{region: {size: USD an hour}}`, where a zero stands for
a price that was not found (github.com/aws/karpenter-provider-aws, github.com/Azure/karpenter-provider-azure).
The ratios that lead from us-east-1 to other AWS regions are a table of medians and quartiles over sizes.

Many of the Azure prices are those of Windows: Standard_D2as_v5 costs 0.086 in eastus2 and 0.178 in eastus, which is
0.046 a vCPU more; burstable sizes differ by 0.0046. A price is taken for one of Windows when it lies about one such fee
above what its neighbours lead to expect: the other sizes of its series in the region (the same price a vCPU), or the
same size in other regions (times how dear the region is, on the whole or for that make of processor).
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from statistics import median

from devops_workbook.catalog.sources.quote import Origin, Quote, Ratio

__all__ = ["aws_prices", "aws_ratios", "azure_prices"]

_MISSING = "the source writes 0 where it found no price"
_WINDOWS = "the Windows price: one Windows fee above that of its neighbours"
_NOTICEABLE, _EXACT = 1.06, 0.02
_SIZE = re.compile(r"(?:Standard_)?([A-Z]+)(\d+)(?:-(\d+))?(.*)")

Regions = Mapping[str, Mapping[str, float]]


def aws_prices(text: str, origin: Origin) -> Iterator[Quote]:
    """The sizes of us-east-1, by their name."""
    for size, usd in json.loads(text)["aws"].items():
        yield Quote(size, "us-east-1", "", usd, "h", origin, doubt="" if usd > 0 else _MISSING)


def azure_prices(text: str, origin: Origin) -> Iterator[Quote]:
    """The sizes of every region, by their name."""
    regions: Regions = json.loads(text)
    priced = {region: {size: usd for size, usd in sizes.items() if usd > 0} for region, sizes in regions.items()}
    windows = _above_siblings(priced) | _above_regions(priced, lambda _: "") | _above_regions(priced, _make)
    for region, sizes in regions.items():
        for size, usd in sizes.items():
            doubt = _MISSING if usd <= 0 else _WINDOWS if (region, size) in windows else ""
            yield Quote(size, region, "", usd, "h", origin, doubt=doubt)


def _vcpus(size: str) -> int:
    """How many vCPUs a size's name says it has; 0 = it does not say."""
    found = _SIZE.fullmatch(size)
    return int(found[3] or found[2]) if found else 0


def _fee(size: str) -> float:
    """USD that Windows costs a vCPU hour on a size."""
    return 0.0046 if re.match(r"Standard_B\d", size) else 0.046


def _series(size: str) -> str:
    """What sizes that differ in nothing but their number of vCPUs have in common."""
    return re.sub(r"\d+", "#", size, count=1)


def _above_siblings(regions: Regions) -> set[tuple[str, str]]:
    """What is one fee dearer than its series is in its region, by the vCPU."""
    found = set[tuple[str, str]]()
    for region, sizes in regions.items():
        series = defaultdict[str, dict[str, float]](dict)
        for size, usd in sizes.items():
            if vcpus := _vcpus(size):
                series[_series(size)][size] = usd / vcpus
        for siblings in series.values():
            least = min(siblings.values())
            for size, usd in siblings.items():
                if usd > _NOTICEABLE * least and abs(usd - _fee(size) - least) < _EXACT * least:
                    found.add((region, size))
    return found


def _above_regions(regions: Regions, group: Callable[[str], str]) -> set[tuple[str, str]]:
    """What is about one fee dearer than the size is elsewhere, given how dear its region is for its group of sizes."""
    everywhere = defaultdict[str, dict[str, float]](dict)
    for region, sizes in regions.items():
        for size, usd in sizes.items():
            everywhere[size][region] = usd
    usual = {size: median(prices.values()) for size, prices in everywhere.items()}
    level = {region: _levels(sizes, usual, group) for region, sizes in regions.items()}
    found = set[tuple[str, str]]()
    for size, prices in everywhere.items():
        fee, kind = _fee(size) * _vcpus(size), group(size)
        cheap = _fifth(usd / level[region][kind] for region, usd in prices.items())
        for region, usd in prices.items():
            expected = cheap * level[region][kind]
            if usd > _NOTICEABLE * expected and abs(usd - fee - expected) < (usd - expected) / 2:
                found.add((region, size))
    return found


def _levels(sizes: Mapping[str, float], usual: Mapping[str, float], group: Callable[[str], str]) -> Mapping[str, float]:
    """How dear a region is for each group of sizes, as a multiple of what is usual."""
    ratios = defaultdict[str, list[float]](list)
    for size, usd in sizes.items():
        ratios[group(size)].append(usd / usual[size])
    return {kind: median(found) for kind, found in ratios.items()}


def _make(size: str) -> str:
    """The make of processor that the letters after a size's number tell: a = AMD, p = Arm, none = Intel."""
    found = _SIZE.fullmatch(size)
    letters = found[4].partition("_")[0] if found else ""
    return next((make for make in "pa" if make in letters), "")


def _fifth(prices: Iterator[float]) -> float:
    """A price that a fifth of them do not exceed: at least so many are of Linux."""
    ordered = sorted(prices)
    return ordered[len(ordered) // 5]


def aws_ratios(text: str, origin: Origin) -> Iterator[Ratio]:
    """How much dearer each region is than us-east-1."""
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        yield Ratio(row["region"], float(row["median_multiplier"]), float(row["p25"]), float(row["p75"]), origin)
