"""Grafana dashboards: the service, its objectives, what carries it, what it is used for and what it costs.

Every query is on what Prometheus records for the alerts, or on a metric that something in the design emits; every bound
that a panel draws is an alert's. What the plan says beside what is measured is a line of its own: costs are the plan's,
divided by the requests that there are. The JSON is Grafana's dashboard model (https://grafana.com/docs/grafana/latest/
dashboards/build-dashboards/view-dashboard-json-model/).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.observability.measures import WINDOWS
from devops_workbook.artifacts.observability.model import Alert, Recording, number
from devops_workbook.artifacts.observability.rules import (
    PERIOD,
    PERIOD_DAYS,
    Objective,
    handled,
    objectives_of,
    processors_of,
)
from devops_workbook.artifacts.yaml import document

__all__ = ["Dashboard", "Panel", "dashboards_of", "grafana_files"]

_FOLDER = "observability/grafana"
_WIDTH, _COLUMNS, _HEIGHT = 24, 2, 8
_SCHEMA = 39  # of the model, as Grafana 11 writes it
_SOURCE = {"type": "prometheus", "uid": "${source}"}
Unit = Literal["reqps", "percentunit", "s", "short", "cores", "currencyUSD"]


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: (legend, query) lines; bounds: (severity, value) drawn across it."""

    title: str
    unit: Unit
    queries: tuple[tuple[str, str], ...]
    told: str
    bounds: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard. id: its file and its address."""

    id: str
    title: str
    panels: tuple[Panel, ...]


def grafana_files(b: Blueprint, recordings: Sequence[Recording], alerts: Sequence[Alert]) -> Iterator[Artifact]:
    """The dashboards, and how Grafana finds them; none where the plan draws with something else."""
    if b.choice("observability.dashboards") != "grafana":
        return
    for dashboard in dashboards_of(b, recordings, alerts):
        text = json.dumps(_model(b, dashboard), indent=2, ensure_ascii=False) + "\n"
        yield Artifact(f"{_FOLDER}/dashboards/{dashboard.id}.json", text)
    provider = {"name": "service", "type": "file", "allowUiUpdates": False,
                "options": {"path": "/etc/grafana/dashboards"}}  # fmt: skip
    yield Artifact(f"{_FOLDER}/provisioning.yaml", document(
        [("apiVersion", 1), ("providers", [provider])],
        ["Where Grafana reads dashboards from: /etc/grafana/provisioning/dashboards/service.yaml."],
    ))  # fmt: skip


def dashboards_of(b: Blueprint, recordings: Sequence[Recording], alerts: Sequence[Alert]) -> tuple[Dashboard, ...]:
    """The dashboards of a design; a panel whose series nothing makes is left out, and so is a dashboard without any."""
    recorded = {r.record for r in recordings}
    found = (
        Dashboard("service", "Service", tuple(_service(b, recorded, alerts))),
        Dashboard("objectives", "Objectives", tuple(_objectives(b, alerts))),
        Dashboard("infrastructure", "What carries it", tuple(_infrastructure(b, recorded, alerts))),
        Dashboard("business", "Use", tuple(_business(b))),
        Dashboard("cost", "Cost", tuple(_cost(b))),
    )
    return tuple(d for d in found if d.panels)


def _bounds(alerts: Iterable[Alert], series: str) -> tuple[tuple[str, float], ...]:
    """The values beyond which alerts fire on a series."""
    found = ((a.severity, c.bound) for a in alerts for c in a.conditions if c.series == series and c.comparison == ">")
    return tuple(dict.fromkeys(found))


# --- panels ----------------------------------------------------------------------------------------------


def _recorded(
    series: str, title: str, unit: Unit, told: str, recorded: Iterable[str], alerts: Iterable[Alert]
) -> Iterator[Panel]:
    if series in recorded:
        yield Panel(title, unit, ((title, series),), told, _bounds(alerts, series))


def _quantiles(title: str, metric: str, told: str, *quantiles: float) -> Panel:
    rate = f'sum by (le) (rate({metric}_bucket{{job="service"}}[5m]))'
    lines = tuple((f"p{100 * q:g}", f"histogram_quantile({q:g}, {rate})") for q in quantiles)
    return Panel(title, "s", lines, told)


def _service(b: Blueprint, recorded: set[str], alerts: Sequence[Alert]) -> Iterator[Panel]:
    metric, target = handled(b), b.requirements.p99_latency_ms / 1000
    yield from _recorded("service:requests:rate_5m", "Traffic", "reqps", "What capacity was sized for, as bounds.",
                         recorded, alerts)  # fmt: skip
    yield from _recorded("slo:availability:bad_share_5m", "Errors", "percentunit", "Share of requests that fail.",
                         recorded, alerts)  # fmt: skip
    latency = _quantiles("Latency", metric, "The target is of the 99th percentile.", 0.5, 0.9, 0.99)
    yield Panel(latency.title, latency.unit, latency.queries, latency.told, (("warning", target),))
    yield from _recorded("compute:cpu:used_share_5m", "Saturation", "percentunit",
                         "Processor time used, of what the replicas ask for.", recorded, alerts)  # fmt: skip


def _objectives(b: Blueprint, alerts: Sequence[Alert]) -> Iterator[Panel]:
    for objective in objectives_of(b):
        yield _burnt(objective, alerts)
        yield _gone(objective, alerts)
        lines = tuple((window, objective.burning(window)) for window in WINDOWS)
        told = f"Share that is bad, by window; {number(objective.budget)} may be."
        yield Panel(f"{objective.title}: bad share", "percentunit", lines, told, (("warning", objective.budget),))


def _burnt(o: Objective, alerts: Sequence[Alert]) -> Panel:
    """How fast the budget is spent: 1 = it lasts exactly its period."""
    lines = tuple((window, f"{o.burning(window)} / {number(o.budget)}") for window in WINDOWS)
    rates = {(a.severity, round(c.bound / o.budget, 6)) for a in alerts if a.concern == o.id for c in a.conditions
             if c.comparison == ">"}  # fmt: skip
    ordered = tuple(sorted(rates, key=lambda rate: rate[1]))
    return Panel(f"{o.title}: burn rate", "short", lines, f"Times the sustainable rate; {o.why}.", ordered)


def _gone(o: Objective, alerts: Sequence[Alert]) -> Panel:
    """How much of the budget is gone, where it is alerted on."""
    series = o.burning(PERIOD)
    bounds = tuple((severity, round(bound / o.budget, 6)) for severity, bound in _bounds(alerts, series))
    told = f"Share of the error budget of {PERIOD_DAYS} days that is gone; {o.why}."
    return Panel(f"{o.title}: budget gone", "percentunit", (("gone", f"{series} / {number(o.budget)}"),), told, bounds)


def _infrastructure(b: Blueprint, recorded: set[str], alerts: Sequence[Alert]) -> Iterator[Panel]:
    if processors_of(b):
        cpu = 'process_cpu_time_seconds_total{job="service"}'
        yield Panel("Replicas", "short", (("replicas", f"count(group by (instance) ({cpu}))"),),
                    "Replicas that report processor time.")  # fmt: skip
        yield Panel("Processors", "cores", (("used", f"sum(rate({cpu}[5m]))"),), "Processors that the service uses.")
    if b.has("database"):
        yield from _recorded("database:queries:failed_share_5m", "Database: failed queries", "percentunit",
                             "As the service sees them.", recorded, alerts)  # fmt: skip
        yield _quantiles("Database: time of a query", "db_client_operation_duration_seconds", "As the service sees it.",
                         0.5, 0.99)  # fmt: skip
        waiting = 'sum(db_client_connection_pending_requests{job="service"})'
        yield Panel("Database: waiting for a connection", "short", (("waiting", waiting),), "Requests without one.")
    yield from _recorded("cache:queries:failed_share_5m", "Cache: failed queries", "percentunit",
                         "As the service sees them; the database is asked instead.", recorded, alerts)  # fmt: skip


_DAY_SECONDS = 86_400
_MONTH_SECONDS = 730 * 3600
_LARGEST = 8


def _business(b: Blueprint) -> Iterator[Panel]:
    r, metric = b.requirements, handled(b)
    good = objectives_of(b)[0].good.selector
    served = f'sum(increase({metric}_count{{job="service"}}[1d]))'
    yield Panel("Requests a day", "short", (("handled", served), ("succeeded", f"sum(increase({good}[1d]))"),
                                            ("planned average", f"vector({number(r.average_rps * _DAY_SECONDS)})")),
                "What the requirements expect on average, beside what there was in the last 24 hours.")  # fmt: skip
    planned = b.assessment.capacity.origin_rps
    yield Panel("Of the planned peak", "percentunit",
                (("now", f'sum(rate({metric}_count{{job="service"}}[5m])) / {number(planned)}'),),
                f"Capacity was sized for {planned:,.4g} requests a second in {r.horizon_months} months.")  # fmt: skip
    label = "http_request_method" if r.workload_type == "web-api" else "messaging_operation_name"
    kinds = f'sum by ({label}) (rate({metric}_count{{job="service"}}[5m]))'
    yield Panel("By kind", "reqps", (("{{" + label + "}}", kinds),), "What is asked for.")


def _cost(b: Blueprint) -> Iterator[Panel]:
    cost, metric = b.assessment.cost, handled(b)
    production = next((e.monthly_usd for e in cost.environments if e.id == "production"), 0.0)
    thousands = f'(sum(rate({metric}_count{{job="service"}}[1h])) * {number(_MONTH_SECONDS / 1000)})'
    planned = production / (b.requirements.average_rps * _MONTH_SECONDS / 1000)
    yield Panel("Of a thousand requests", "currencyUSD",
                (("at this hour's load", f"vector({number(round(production, 2))}) / {thousands}"),
                 ("planned", f"vector({number(planned)})")),
                "The planned cost of production, divided by the requests that there are.")  # fmt: skip
    lines = tuple((e.id, f"vector({number(round(e.monthly_usd, 2))})") for e in cost.environments)
    total = sum(b.budgets_usd.values.values())
    yield Panel("A month, by environment", "currencyUSD", (*lines, ("all budgets", f"vector({number(total)})")),
                "The plan's; the provider's bill is looked at beside it every month.")  # fmt: skip
    parts: dict[str, float] = {}
    for line in cost.lines:
        if line.environment == "production" and line.monthly_usd:
            parts[line.component] = parts.get(line.component, 0.0) + line.monthly_usd
    largest = sorted(parts.items(), key=lambda part: -part[1])[:_LARGEST]
    if largest:
        yield Panel("Production a month, largest parts", "currencyUSD",
                    tuple((id, f"vector({number(round(usd, 2))})") for id, usd in largest), "The plan's.")  # fmt: skip


# --- Grafana's model -------------------------------------------------------------------------------------


def _model(b: Blueprint, d: Dashboard) -> Mapping[str, Any]:
    source = {"name": "source", "type": "datasource", "query": "prometheus", "label": "Source", "hide": 0}
    return {
        "uid": f"service-{d.id}", "title": f"{b.requirements.name}: {d.title}", "tags": ["service"],
        "schemaVersion": _SCHEMA, "editable": False, "timezone": "utc", "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"}, "templating": {"list": [source]}, "annotations": {"list": []},
        "panels": [_panel(n, p) for n, p in zip(count(), d.panels)],
    }  # fmt: skip


def _panel(n: int, p: Panel) -> Mapping[str, Any]:
    width = _WIDTH // _COLUMNS
    drawn = sorted(p.bounds, key=lambda bound: bound[1])
    steps = [{"color": "transparent", "value": None}, *({"color": _COLOURS[s], "value": v} for s, v in drawn)]
    return {
        "id": n + 1, "type": "timeseries", "title": p.title, "description": p.told, "datasource": _SOURCE,
        "gridPos": {"h": _HEIGHT, "w": width, "x": width * (n % _COLUMNS), "y": _HEIGHT * (n // _COLUMNS)},
        "targets": [{"refId": chr(ord("A") + i), "datasource": _SOURCE, "expr": query, "legendFormat": legend}
                    for i, (legend, query) in enumerate(p.queries)],
        "fieldConfig": {"defaults": {
            "unit": p.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps},
            "custom": {"thresholdsStyle": {"mode": "line" if p.bounds else "off"}},
        }, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                    "tooltip": {"mode": "multi", "sort": "desc"}},
    }  # fmt: skip


_COLOURS = {"warning": "orange", "critical": "red", "heartbeat": "green"}
