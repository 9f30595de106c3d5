"""The alarms of a design as Azure Monitor has them: which metric, beyond which value, in which environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from devops_workbook.artifacts.alarms import Alarm, alarms_of
from devops_workbook.artifacts.blueprint import Blueprint, Each
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.azure.common import served_by
from devops_workbook.design.deployments import Deployment

__all__ = ["AGGREGATIONS", "alarms_by_component", "raised", "signals"]

_SEVERITY = {"critical": 0, "warning": 2}
# Azure evaluates at fixed steps, which must be shorter than the window it looks at.
_STEP = {5: "PT1M", 15: "PT5M"}
AGGREGATIONS = {"Total": 1, "Minimum": 2, "Maximum": 3, "Average": 4, "Count": 7}
"""The numbers by which the portal knows aggregations."""


def signals(b: Blueprint, component: str) -> Mapping[str, Mapping[str, Any]]:
    """The signals that a component's service reports, by name."""
    found: Mapping[str, Mapping[str, Any]] = code_facts("azure")["signals"].get(b.component(component).service, {})
    # Without provisioned throughput there is no share of it.
    serverless = b.component(component).service == "cosmos-db" and len(b.sites) == 1
    return {name: fact for name, fact in found.items() if not (serverless and name == "saturation")}


def raised(b: Blueprint) -> Iterator[Alarm]:
    """The alarms that Azure Monitor raises: of signals that Azure reports, where the plan leaves alerting to it."""
    if served_by(b, "alerting", "azure-alerts"):
        yield from (alarm for alarm in alarms_of(b) if alarm.signal in signals(b, alarm.component))


def alarms_by_component(b: Blueprint, component: str) -> Each:
    """The alarms of a component by their id, for every environment; an environment without alarms has none of them."""
    known = signals(b, component)
    mine = [alarm for alarm in raised(b) if alarm.component == component]
    return b.each(lambda e: {a.id: _alarm(b, e, a, known[a.signal]) for a in mine} if e.alarmed else {})


def _alarm(b: Blueprint, e: Deployment, alarm: Alarm, fact: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "metric": fact["metric"], "namespace": fact["namespace"], "aggregation": fact["aggregation"],
        "dimension": fact.get("dimension", ""), "values": list(fact.get("values", ())),
        "threshold": _rounded(_threshold(b, e, alarm, fact["unit"])), "severity": _SEVERITY[alarm.severity],
        "window": f"PT{alarm.minutes}M", "step": _STEP[alarm.minutes], "why": _sentence(alarm, fact["unit"]),
    }  # fmt: skip


def _threshold(b: Blueprint, e: Deployment, alarm: Alarm, unit: str) -> float:
    """The threshold in the metric's unit: an average over the window, or a count within it."""
    seconds = 60.0 * alarm.minutes
    ways: dict[tuple[str, str], Callable[[], float]] = {
        ("ms", "ms"): lambda: alarm.threshold,
        ("ms", "s"): lambda: alarm.threshold / 1000.0,
        ("1/s", "count"): lambda: alarm.threshold * seconds * e.traffic,
        ("share", "count"): lambda: max(1.0, alarm.threshold * _mean_rps(b, alarm.component) * seconds * e.traffic),
        ("share", "percent"): lambda: 100.0 * alarm.threshold,
        ("s", "messages"): lambda: max(1.0, alarm.threshold * b.requirements.average_rps * e.traffic),
    }
    return ways[alarm.unit, unit]()


def _mean_rps(b: Blueprint, component: str) -> float:
    """Requests a second to be expected on average, or queries of them."""
    capacity = b.assessment.capacity
    share = capacity.origin_rps / capacity.planned_rps if component != "entry" and capacity.planned_rps else 1.0
    each = b.requirements.queries_per_request if component == "database" else 1.0
    return b.requirements.average_rps * share * each


def _rounded(value: float) -> float | int:
    found = float(f"{value:.3g}")
    return int(found) if found == int(found) else found


_COUNTED = {"share": ("count",), "s": ("messages",)}


def _sentence(alarm: Alarm, unit: str) -> str:
    counted = " of the average load, as a count" if unit in _COUNTED.get(alarm.unit, ()) else ""
    return f"{alarm.component}, {alarm.signal}: {alarm.why}{counted}. Runbook: {alarm.runbook}"
