"""How the system is watched: objectives, Prometheus rules and their unit tests, whom alerts reach, and dashboards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.observability.alertmanager import alertmanager_files
from devops_workbook.artifacts.observability.collector import collector_files
from devops_workbook.artifacts.observability.dashboards import grafana_files
from devops_workbook.artifacts.observability.datadog import datadog_alerts, datadog_files
from devops_workbook.artifacts.observability.measures import END_MINUTES, Counter, Course
from devops_workbook.artifacts.observability.model import Alert, Recording
from devops_workbook.artifacts.observability.prometheus import prometheus_files
from devops_workbook.artifacts.observability.rules import (
    EVALUATION_SECONDS,
    alerts_of,
    budget_recordings_of,
    counters_of,
    courses_of,
    healthy,
    recordings_of,
)
from devops_workbook.artifacts.observability.slo import slo_files
from devops_workbook.artifacts.observability.unit_tests import alert_tests, budget_tests, recording_tests
from devops_workbook.artifacts.yaml import Noted, document

__all__ = ["Alert", "Watch", "alerts_of", "observability"]

_FOLDER = "observability/prometheus"
_TOLD = {"recordings": "records", "budget": "records of the whole period of the objectives", "alerts": "alerts on"}
_BUDGET_SECONDS = 5 * EVALUATION_SECONDS  # what 30 days add up to changes slowly


@dataclass(frozen=True, slots=True)
class Watch:
    """The files by which the service is watched, and the alerts in them."""

    artifacts: tuple[Artifact, ...]
    alerts: tuple[Alert, ...]


def observability(b: Blueprint) -> Watch:
    """How the service is watched: the collector, and Prometheus or Datadog where the plan chose it for metrics."""
    collector = tuple(collector_files(b))
    if b.choice("observability.metrics") == "datadog":
        return Watch((*collector, *datadog_files(b)), datadog_alerts(b))
    if b.choice("observability.metrics") != "prometheus":
        return Watch(collector, ())
    counters = counters_of(b)
    recordings, alerts = tuple(recordings_of(b, counters)), alerts_of(b)
    courses = courses_of(b)
    budget = tuple(budget_recordings_of(b, courses))
    unspent = _empty(budget_recordings_of(b, ()))
    files = (
        *collector,
        *slo_files(b),
        *prometheus_files(b),
        _rules("recordings", EVALUATION_SECONDS, [_recording(r) for r in recordings]),
        _rules("budget", _BUDGET_SECONDS, [_recording(r) for r in budget]),
        _rules("alerts", EVALUATION_SECONDS, [_alert(a) for a in alerts]),
        # Only the last value counts: evaluated once a minute, the longest windows would take minutes.
        _tests("recordings", f"{END_MINUTES}m", recording_tests(_cases(b, counters, recordings))),
        _tests(
            "budget",
            f"{Course.END_HOURS}h",
            budget_tests(
                [
                    ("what is bad is weighed by the requests there were", courses, budget),
                    ("where nothing was ever recorded, no request was counted", (), unspent),
                ]
            ),
        ),
        _tests("alerts", "1m", alert_tests(alerts)),
        *alertmanager_files(b, alerts),
        *grafana_files(b, (*recordings, *budget), alerts),
    )
    return Watch(files, alerts)


def _cases(
    b: Blueprint, counters: Sequence[Counter], recordings: Sequence[Recording]
) -> list[tuple[str, Sequence[Counter], Sequence[Recording]]]:
    """A busy time; one without a failure, when no series of failures exists; and none, when no series exists."""
    quiet = healthy(b, counters)
    return [
        ("whatever happens, every window and selection counts its own", counters, recordings),
        ("where nothing ever failed, the shares are there, and 0", quiet, tuple(recordings_of(b, quiet))),
        ("where nothing was ever counted, gains are 0", (), _empty(recordings)),
    ]


def _empty(recordings: Iterable[Recording]) -> list[Recording]:
    """What there is where nothing was counted."""
    return [replace(r, sample=0.0) for r in recordings if r.zero_without_data]


def _recording(recording: Recording) -> Mapping[str, Any]:
    return {"record": recording.record, "expr": recording.expr}


def _alert(alert: Alert) -> Mapping[str, Any]:
    held = {"for": alert.for_} if alert.for_ else {}
    return {"alert": alert.name, "expr": Noted(alert.expr, alert.why), **held, "labels": alert.labels,
            "annotations": alert.annotations}  # fmt: skip


def _rules(name: str, every: int, rules: Sequence[Mapping[str, Any]]) -> Artifact:
    group = {"name": name, "interval": f"{every}s", "rules": rules}
    told = f"What Prometheus {_TOLD[name]}; tested by ../tests/{name}.yaml."
    return Artifact(f"{_FOLDER}/rules/{name}.yaml", document([("groups", [group])], [told]))


def _tests(name: str, interval: str, tests: Sequence[Mapping[str, Any]]) -> Artifact:
    sections = [("rule_files", [f"../rules/{name}.yaml"]), ("evaluation_interval", interval), ("tests", tests)]
    return Artifact(f"{_FOLDER}/tests/{name}.yaml", document(sections, [f"promtool test rules {name}.yaml"]))
