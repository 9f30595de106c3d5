"""Datadog: the objectives, the monitors on them and a dashboard, as its API takes them (https://docs.datadoghq.com/api/).

The bounds are those of `rules`, so that a design is watched alike whatever watches it. Datadog looks back two days at
most for a burn rate; what is spent more slowly is told by the share of the error budget that is gone. Saturation is not
among the monitors: its share is of the replicas there are, which no query here counts. `apply.sh` makes or renews it
all, by name; `{slo:id}` stands for an objective that Datadog has not numbered yet.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.observability.model import Alert, number, seconds
from devops_workbook.artifacts.observability.rules import (
    BURNS,
    PERIOD,
    SPENT,
    Burn,
    Objective,
    alerts_of,
    handled,
    objectives_of,
)

__all__ = ["datadog_alerts", "datadog_files"]

_FOLDER = "observability/datadog"
_LONGEST = "48h"
_CONCERNS = ("availability", "latency", "compute-traffic", "compute-silence", "database-errors", "cache-errors")
_CACHES = ("redis", "valkey", "memcached")
_PRIORITY = {"critical": 1, "warning": 3}
_MINUTE = 60
_AGAIN = 240  # minutes


def datadog_files(b: Blueprint) -> tuple[Artifact, ...]:
    """The files."""
    script = files("devops_workbook.catalog").joinpath("code/datadog.sh").read_text(encoding="utf-8")
    return (
        _json("objectives.json", [_objective(b, o) for o in objectives_of(b)]),
        _json("monitors.json", [_monitor(b, a) for a in datadog_alerts(b)]),
        _json("dashboard.json", _dashboard(b)),
        Artifact(f"{_FOLDER}/apply.sh", script, executable=True),
    )


def _json(name: str, value: Any) -> Artifact:
    return Artifact(f"{_FOLDER}/{name}", json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _plain(text: str) -> str:
    """Text of people's, in which Datadog finds neither a variable nor somebody to call."""
    return "".join(" " if ch in "{}@" or not ch.isprintable() else ch for ch in text)


# --- queries ---------------------------------------------------------------------------------------------


def _metric(series: str) -> str:
    """A metric under the name that OpenTelemetry gives it, which Datadog keeps."""
    return series.removesuffix("_seconds").replace("_", ".")


def _scope(*more: str) -> str:
    return "{" + ",".join(("service:service", "env:production", *more)) + "}"


def _good(b: Blueprint) -> tuple[str, ...]:
    """What tells a success, as tags."""
    web = b.requirements.workload_type == "web-api"
    return ("!http.response.status_code:5*",) if web else ("!error.type:*",)


def _bad(b: Blueprint) -> tuple[str, ...]:
    return ("http.response.status_code:5*",) if b.requirements.workload_type == "web-api" else ("error.type:*",)


def _count(b: Blueprint, *tags: str, within: float | None = None) -> str:
    """How many were handled; within: in so many seconds."""
    counted = "count" if within is None else f"count(v: v<={number(within)})"
    return f"{counted}:{_metric(handled(b))}{_scope(*tags)}.as_count()"


_QUERIES = "db.client.operation.duration"


def _objective(b: Blueprint, o: Objective) -> dict[str, Any]:
    within = b.requirements.p99_latency_ms / 1000
    good = _count(b, *_good(b)) if o.id == "availability" else _count(b, within=within)
    return {
        "name": _name(b, o.title),
        "description": _plain(f"{o.why}."),
        "type": "metric",
        "query": {"numerator": good, "denominator": _count(b)},
        "thresholds": [{"timeframe": PERIOD, "target": round(100 * o.target, 6)}],
        "tags": _tags(b),
    }


def _name(b: Blueprint, what: str) -> str:
    return f"{b.names.system} production: {what}"


def _tags(b: Blueprint) -> list[str]:
    return [f"system:{b.names.system}", "env:production", "managed-by:devops-workbook"]


# --- monitors --------------------------------------------------------------------------------------------


def datadog_alerts(b: Blueprint) -> tuple[Alert, ...]:
    """The alerts of a design that Datadog raises, each with its query."""
    objectives = {o.id: o for o in objectives_of(b)}
    burns = {f"{o.title}Burn{burn.long.upper()}": (o, burn) for o in objectives.values() for burn in BURNS}
    spent = {f"{o.title}Budget{share}": _spent(o, share) for o in objectives.values() for share in SPENT}
    found = []
    for alert in alerts_of(b):
        if alert.name in spent:
            found.append(replace(alert, native=spent[alert.name]))
        elif alert.name in burns:
            o, burn = burns[alert.name]
            if seconds(burn.long) <= seconds(_LONGEST):
                found.append(replace(alert, native=_burning(o, burn)))
        elif alert.concern in _CONCERNS:
            found.append(replace(alert, native=_asked(b, alert), for_=""))
    return tuple(found)


def _burning(o: Objective, burn: Burn) -> str:
    return (f'burn_rate("{{slo:{o.id}}}").over("{PERIOD}").long_window("{burn.long}")'
            f'.short_window("{burn.short}") > {number(burn.rate)}')  # fmt: skip


def _spent(o: Objective, share: int) -> str:
    return f'error_budget("{{slo:{o.id}}}").over("{PERIOD}") > {share}'


def _asked(b: Blueprint, alert: Alert) -> str:
    """A bound on what is counted, over the time for which it must hold."""
    bound = alert.conditions[0].bound
    if alert.concern == "compute-silence":
        return f"sum(last_30m):{_count(b)} < {number(bound)}"
    minutes = seconds(alert.for_) // _MINUTE
    if alert.concern == "compute-traffic":
        return f"min(last_{minutes}m):{_count(b).replace('as_count', 'as_rate')} > {number(bound)}"
    of = _systems(b, alert.component)
    failed = f"count:{_QUERIES}{_scope(*of, 'error.type:*')}.as_count()"
    return f"sum(last_{minutes}m):{failed} / count:{_QUERIES}{_scope(*of)}.as_count() > {number(bound)}"


def _systems(b: Blueprint, store: str) -> tuple[str, ...]:
    """Tags that tell a database from a cache, which one metric counts; none where there is no cache."""
    if not b.has("cache"):
        return ()
    if store == "database":
        return tuple(f"!db.system.name:{x}" for x in _CACHES)
    return (f"db.system.name:{_engine(b)}",)


def _engine(b: Blueprint) -> str:
    """What the cache's client calls it."""
    title = b.component("cache").title.lower()
    return next((x for x in _CACHES if x in title), _CACHES[0])


def _monitor(b: Blueprint, alert: Alert) -> dict[str, Any]:
    comparison, _, bound = alert.native.rpartition(" ")
    silent = comparison.endswith("<")
    missing = {"on_missing_data": "show_and_notify_no_data"} if silent else {}
    return {
        "name": _name(b, alert.name),
        "type": "slo alert" if "{slo:" in alert.native else "query alert",
        "query": alert.native,
        "message": f"{_plain(alert.summary)}.\n\nWhy this bound: {_plain(alert.why)}.\n\n"
                   f"Runbook: docs/runbooks/{alert.id}.md\n\n{_called(b, alert.severity)}",
        "tags": [*_tags(b), *(f"{k}:{v}" for k, v in alert.labels.items())],
        "priority": _PRIORITY[alert.severity],
        "options": {"thresholds": {"critical": float(bound)}, "include_tags": True, "renotify_interval": _AGAIN,
                    **missing},
    }  # fmt: skip


def _called(b: Blueprint, severity: str) -> str:
    """Whom Datadog tells: the names of its integrations, which a person sets up once."""
    paged = severity == "critical" and b.has("on-call")
    return f"@pagerduty-{b.names.system}" if paged else f"@slack-{b.names.system}-{severity}"


# --- dashboard -------------------------------------------------------------------------------------------


def _dashboard(b: Blueprint) -> dict[str, Any]:
    total, failed = _count(b), _count(b, *_bad(b))
    planned = b.assessment.capacity.origin_rps
    target = b.requirements.p99_latency_ms / 1000
    widgets = [
        *(_slo(o) for o in objectives_of(b)),
        _lines("Requests a second", {"a": total.replace("as_count", "as_rate")}, "a", planned, "planned peak"),
        _lines("Share that fails", {"a": failed, "b": total}, "a / b",
               1 - b.requirements.availability_target_pct / 100, "error budget"),
        _lines("99th percentile, s", {"a": f"p99:{_metric(handled(b))}{_scope()}"}, "a", target, "target"),
    ]  # fmt: skip
    if b.has("database"):
        widgets.append(_lines("99th percentile of queries, s", {"a": f"p99:{_QUERIES}{_scope()}"}, "a"))
    return {
        "title": f"{b.names.system}: service",
        "description": _plain(b.requirements.name),
        "layout_type": "ordered",
        "widgets": [{"definition": w} for w in widgets],
        "tags": [],
    }


def _slo(o: Objective) -> dict[str, Any]:
    return {
        "type": "slo",
        "title": o.title,
        "view_type": "detail",
        "slo_id": f"{{slo:{o.id}}}",
        "time_windows": [PERIOD],
        "show_error_budget": True,
        "view_mode": "overall",
    }


def _lines(
    title: str, queries: dict[str, str], formula: str, bound: float | None = None, named: str = ""
) -> dict[str, Any]:
    asked: Sequence[dict[str, str]] = [
        {"data_source": "metrics", "name": name, "query": query} for name, query in queries.items()
    ]
    request = {"formulas": [{"formula": formula}], "queries": asked, "response_format": "timeseries",
               "display_type": "line"}  # fmt: skip
    markers = []
    if bound is not None:
        markers = [{"value": f"y = {number(bound)}", "display_type": "error dashed", "label": named}]
    return {"type": "timeseries", "title": title, "requests": [request], "markers": markers}
