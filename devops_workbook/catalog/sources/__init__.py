"""Reference sources of the catalog: one pure reader a format, and `sources.toml`, which says what files there are.

    folder of sources --readers--> Quote, Ratio, zones, grid, RoundTrip --recipes--> rows of the catalog (refresh.py)

A reader knows a format and its traps; it knows nothing of our items. A recipe (recipes/<provider>.toml) knows our items
and where their prices are quoted. Only `catalog.refresh`, a maintainers' command, imports this package.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from devops_workbook.catalog.model import Term
from devops_workbook.catalog.sources.google import google_prices
from devops_workbook.catalog.sources.infracost import infracost_goldens
from devops_workbook.catalog.sources.karpenter import aws_prices, aws_ratios, azure_prices
from devops_workbook.catalog.sources.places import azure_matrix, ccf_grid, google_grid, skyplane, zone_counts
from devops_workbook.catalog.sources.quote import Origin, Quote, Ratio, RoundTrip, SourceError

__all__ = ["Quotes", "Sources"]

Quotes = Mapping[tuple[str, str, Term], tuple[Quote, ...]]

_PRICES: Mapping[str, Callable[[str, Origin], Iterator[Quote]]] = {
    "karpenter-aws": aws_prices,
    "karpenter-azure": azure_prices,
    "cyclenerd": google_prices,
    "infracost": infracost_goldens,
}
_RATIOS: Mapping[str, Callable[[str, Origin], Iterator[Ratio]]] = {"aws-ratios": aws_ratios}
_GRID: Mapping[str, Callable[[str], Mapping[tuple[str, str], float]]] = {
    "google-carbon": google_grid,
    "cloud-carbon-footprint": ccf_grid,
}
_LATENCY: Mapping[str, Callable[[str, Origin], Iterator[RoundTrip]]] = {
    "azure-matrix": azure_matrix,
    "skyplane": skyplane,
}


class Sources:
    """The sources in `folder`, each read when it is first asked for. SourceError names the one that is not as said."""

    def __init__(self, folder: Path, manifest: str) -> None:
        self.folder = folder
        self._manifest: Mapping[str, Mapping[str, Mapping[str, str]]] = tomllib.loads(manifest)
        self._quotes: dict[str, Quotes] = {}

    def quotes(self, name: str) -> Quotes:
        """The quotes of a price source by key, region and term; a key may be quoted more than once."""
        if name not in self._quotes:
            found = defaultdict[tuple[str, str, Term], list[Quote]](list)
            for quote in self._read(_PRICES, "prices", name):
                found[quote.key, quote.region, quote.term].append(quote)
            self._quotes[name] = {key: tuple(quotes) for key, quotes in found.items()}
        return self._quotes[name]

    def origin(self, name: str) -> Origin:
        """The name and date of a price source."""
        return self._origin(self._entry("prices", name))

    def ratios(self, name: str) -> Mapping[str, Ratio]:
        """The price ratios of a source, by region."""
        return {ratio.region: ratio for ratio in self._read(_RATIOS, "ratios", name)}

    def zones(self, provider: str) -> Mapping[str, int] | None:
        """Zones by region; None = no source counts them for this provider."""
        if provider not in self._manifest["zones"]:
            return None
        return zone_counts(self._text(self._entry("zones", provider)))

    @cached_property
    def grid(self) -> Mapping[tuple[str, str], float]:
        """gCO2e/kWh by provider and region."""
        entries = self._manifest["grid"].values()
        return {key: grams for entry in entries for key, grams in _GRID[entry["format"]](self._text(entry)).items()}

    def round_trips(self) -> Iterator[RoundTrip]:
        """The measured round trips, those of the source that wins first."""
        for name in self._manifest["latency"]:
            yield from self._read(_LATENCY, "latency", name)

    def _read(
        self, readers: Mapping[str, Callable[[str, Origin], Iterator[Any]]], kind: str, name: str
    ) -> Iterator[Any]:
        entry = self._entry(kind, name)
        try:
            yield from readers[entry["format"]](self._text(entry), self._origin(entry))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            if isinstance(error, SourceError):
                raise
            raise SourceError(f"{entry['file']} is not in the format {entry['format']}: {error!r}") from error

    def _entry(self, kind: str, name: str) -> Mapping[str, str]:
        entries = self._manifest[kind]
        if name not in entries:
            raise SourceError(f"{name!r} is no source of {kind} (sources.toml has {', '.join(entries)})")
        return entries[name]

    def _origin(self, entry: Mapping[str, str]) -> Origin:
        return Origin(entry["source"], entry["as_of"])

    def _text(self, entry: Mapping[str, str]) -> str:
        path = self.folder / entry["file"]
        if not path.is_file():
            raise SourceError(f"{entry['file']} is not in {self.folder}")
        return path.read_text(encoding="utf-8")
