"""What the service of a design says of itself (catalog/code/metrics.toml), and the series that Prometheus makes of it.

The collector passes on what it is sent over OTLP and asks nobody; so a rule, a monitor or a panel can stand on these
alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from devops_workbook.artifacts.blueprint import Blueprint

__all__ = ["Metric", "emitted", "metrics_of"]

_SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}
# Prometheus makes these of the name and the instance of the service.
_ALWAYS = ("job", "instance")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric under OpenTelemetry's names. unit: "" or "seconds"; attributes: those that may be selected by."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    attributes: tuple[str, ...]
    told: str
    source: str

    @property
    def series(self) -> dict[str, frozenset[str]]:
        """Its series in Prometheus, each with its labels: dots become underscores, the unit follows
        (https://prometheus.io/docs/guides/opentelemetry/)."""
        base = _underscored(f"{self.name}.{self.unit}" if self.unit else self.name)
        labels = (*map(_underscored, self.attributes), *_ALWAYS)
        return {
            base + suffix: frozenset((*labels, "le") if suffix == "_bucket" else labels)
            for suffix in _SUFFIXES[self.kind]
        }


def _underscored(name: str) -> str:
    return name.replace(".", "_")


@cache
def _facts() -> Mapping[str, Any]:
    return tomllib.loads(files("devops_workbook.catalog").joinpath("code/metrics.toml").read_text(encoding="utf-8"))


def metrics_of(b: Blueprint) -> Iterator[Metric]:
    """What the service of a design says of itself."""
    parts = {b.requirements.workload_type, b.choice("infrastructure.compute")}
    parts |= {"database"} if b.has("database") else set()
    for part in _facts().values():
        if parts & set(part["when"].split()):
            for name, fact in part["metrics"].items():
                attributes = tuple(fact["attributes"])
                yield Metric(name, fact["kind"], fact["unit"], attributes, fact["told"], fact["source"])


def emitted(b: Blueprint) -> dict[str, frozenset[str]]:
    """The series in Prometheus of a design's service, and the labels by which they can be selected."""
    return {series: labels for metric in metrics_of(b) for series, labels in metric.series.items()}
