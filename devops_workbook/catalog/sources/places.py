"""Facts of regions: how many zones they have, how clean their electricity is, how far apart they are.

Zones: SpareCores' dump, `{region: zones}`. Electricity: Google's own table (grid carbon intensity in gCO2e/kWh) and
Cloud Carbon Footprint's for the others (tonnes a kWh, averages of the grid). Round trips: Skyplane measured between
machines of three clouds in 2022, one row a direction; az-scout keeps Microsoft's published table, a matrix of
region titles with the source in the first column.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping

from devops_workbook.catalog.sources.quote import Origin, RoundTrip

__all__ = ["azure_matrix", "ccf_grid", "google_grid", "skyplane", "zone_counts"]

_GRAMS_A_TONNE = 1e6


def _rows(text: str) -> Iterator[Mapping[str, str]]:
    yield from csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))


def zone_counts(text: str) -> Mapping[str, int]:
    """Region -> zones (1 = it has none to choose from)."""
    found: Mapping[str, int] = json.loads(text)
    return found


def google_grid(text: str) -> Mapping[tuple[str, str], float]:
    """(provider, region) -> gCO2e/kWh."""
    return {
        ("gcp", row["Google Cloud Region"]): float(row["Grid carbon intensity (gCO2eq / kWh)"]) for row in _rows(text)
    }


def ccf_grid(text: str) -> Mapping[tuple[str, str], float]:
    """(provider, region) -> gCO2e/kWh."""
    return {(row["provider"], row["region"]): float(row["t_co2e_per_kwh"]) * _GRAMS_A_TONNE for row in _rows(text)}


def skyplane(text: str, origin: Origin) -> Iterator[RoundTrip]:
    """The measured pairs that lie within one cloud."""
    for row in _rows(text):
        (provider, source), (other, target) = row["src"].split(":"), row["dst"].split(":")
        if provider == other and source != target:
            yield RoundTrip(provider, source, target, float(row["avg_rtt_ms"]), origin)


def azure_matrix(text: str, origin: Origin) -> Iterator[RoundTrip]:
    """The filled cells of the matrix; a region's id is its title in small letters without spaces."""
    for row in _rows(text):
        for title, rtt in row.items():
            if title != "Source" and rtt:
                yield RoundTrip("azure", _id(row["Source"]), _id(title), float(rtt), origin)


def _id(title: str) -> str:
    return title.replace(" ", "").lower()
