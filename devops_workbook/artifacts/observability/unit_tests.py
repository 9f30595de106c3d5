"""promtool's unit tests of the rules, from the same model: every recording has the value it should, and every alert
fires just beyond its bounds, and stays silent where any one of its conditions just fails or time is not yet up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from devops_workbook.artifacts.observability.measures import END_MINUTES, Counter, Course
from devops_workbook.artifacts.observability.model import Alert, Recording, number, seconds

__all__ = ["alert_tests", "budget_tests", "recording_tests"]

_EXACT = "0.000000001"
_BEYOND = 10  # minutes for which a test's series go on after `for` is up


def recording_tests(cases: Sequence[tuple[str, Sequence[Counter], Sequence[Recording]]]) -> list[dict[str, Any]]:
    """One test a case: (what it shows, counters, what the recordings are at their end)."""
    return [
        {
            "name": name,
            "interval": "1m",
            "input_series": [{"series": c.series, "values": c.values} for c in counters],
            "promql_expr_test": [_value(r, f"{END_MINUTES}m") for r in recordings],
        }
        for name, counters, recordings in cases
    ]


def budget_tests(cases: Sequence[tuple[str, Sequence[Course], Sequence[Recording]]]) -> list[dict[str, Any]]:
    """One test a case: (what it shows, what is recorded each minute, what the recordings of the budget are then)."""
    return [
        {
            "name": name,
            "interval": f"{Course.EVERY_HOURS}h",
            "input_series": [{"series": c.series, "values": c.values} for c in courses],
            "promql_expr_test": [_value(r, f"{Course.END_HOURS}h") for r in recordings],
        }
        for name, courses, recordings in cases
    ]


def _value(recording: Recording, end: str) -> dict[str, Any]:
    """Rounding in the last digits is no difference; a series that is missing gives nothing, and fails."""
    return {
        "expr": f"abs({recording.record} - {number(recording.sample)}) < bool {_EXACT}",
        "eval_time": end,
        "exp_samples": [{"labels": "{}", "value": 1}],
    }


def alert_tests(alerts: Sequence[Alert]) -> list[dict[str, Any]]:
    """The tests of all alerts."""
    return [test for alert in alerts for test in _tests(alert)]


def _tests(alert: Alert) -> Iterator[dict[str, Any]]:
    wait = seconds(alert.for_) // 60 if alert.for_ else 0
    holds = [c.holds for c in alert.conditions]
    checks = [_check(alert, wait, True)] + [_check(alert, wait - 1, False)] * bool(wait)
    yield _test(alert, f"{alert.name}: just beyond its bounds it fires, not before its time", holds, wait, checks)
    for index, condition in enumerate(alert.conditions):
        values = [*holds[:index], condition.fails, *holds[index + 1 :]]
        name = f"{alert.name}: silent while not {condition.expr}"
        yield _test(alert, name, values, wait, [_check(alert, wait + _BEYOND, False)])


def _test(alert: Alert, name: str, values: Sequence[float], wait: int, checks: list[dict[str, Any]]) -> dict[str, Any]:
    series = zip((c.series for c in alert.conditions), values, strict=True)
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": s, "values": f"{number(v)}x{wait + _BEYOND}"} for s, v in series],
        "alert_rule_test": checks,
    }


def _check(alert: Alert, minute: int, fires: bool) -> dict[str, Any]:
    expected = [{"exp_labels": alert.labels, "exp_annotations": alert.annotations}]
    return {"eval_time": f"{minute}m", "alertname": alert.name, "exp_alerts": expected if fires else []}
