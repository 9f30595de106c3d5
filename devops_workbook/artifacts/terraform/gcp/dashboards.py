"""The dashboards of a site: one for all signals, and one for each component."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import name, project, suffix
from devops_workbook.artifacts.terraform.gcp.signals import Signal
from devops_workbook.artifacts.terraform.hcl import Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["dashboards"]

_DASHBOARDS = "observability.dashboards"
_COLUMNS, _WIDTH, _HEIGHT = 48, 24, 16
_TITLES = {
    "latency": "Latency, 99th percentile", "traffic": "Requests a second", "errors": "Share of requests that fail",
    "saturation": "Share of processors in use", "age": "How long the oldest work has waited",
}  # fmt: skip


def dashboards(m: Module, b: Blueprint, site: Site, found: Sequence[Signal]) -> None:
    """The dashboards, in production: people look at the others there too."""
    shown = m.variable("dashboards", "bool", "Whether this environment has dashboards.",
                       b.each(lambda e: e.environment == "production"), why=b.why(_DASHBOARDS))  # fmt: skip
    m.local("charts", {s.id: _chart(s) for s in found})
    boards = {"overview": [s.id for s in found]}
    boards |= {c: [s.id for s in found if s.component == c] for c in dict.fromkeys(s.component for s in found)}
    for id, parts in boards.items():
        _board(m, site, id, parts, raw(f"{shown} ? 1 : 0"))


def _chart(s: Signal) -> Mapping[str, Any]:
    """What a chart draws: the metric, or the failed ones of it as a share of all."""
    whole = _series(s, "filter")
    drawn = {"timeSeriesFilter": whole} if s.bad is None else {
        "timeSeriesFilterRatio": {"numerator": _series(s, "bad"), "denominator": whole}
    }  # fmt: skip
    query = {"timeSeriesQuery": drawn, "plotType": "LINE"}
    return {
        "title": f"{s.component.capitalize()}: {_TITLES[s.signal]} ({s.unit})",
        "xyChart": {"dataSets": [query], "yAxis": {"label": s.unit, "scale": "LINEAR"}},
    }


def _series(s: Signal, which: str) -> Mapping[str, Any]:
    one: Ref = raw(f'local.signals["{s.id}"].{which}')
    how = {"alignmentPeriod": "60s", "perSeriesAligner": s.aligner, "crossSeriesReducer": s.reducer}
    return {"filter": one, "aggregation": how}


def _board(m: Module, site: Site, id: str, parts: Sequence[str], count: Ref) -> None:
    m.resource(
        "google_monitoring_dashboard", id, ("dashboards", *([] if id == "overview" else [id])), file="dashboards",
        count=count, project=project(m),
        dashboard_json=call("jsonencode", {
            "displayName": template(name(m), suffix(m, site), f" {id}"),
            "mosaicLayout": {"columns": _COLUMNS, "tiles": list(_tiles(parts))},
        }),
    )  # fmt: skip


def _tiles(parts: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    for n, id in enumerate(parts):
        yield {
            "xPos": n % 2 * _WIDTH, "yPos": n // 2 * _HEIGHT, "width": _WIDTH, "height": _HEIGHT,
            "widget": raw(f'local.charts["{id}"]'),
        }  # fmt: skip
