"""The alarms of a design: the four golden signals of entry, compute and database, each with a warning and a page, and
how long work waits where a queue or stream holds it.

Thresholds come from what was asked for and what the design was sized for. Errors burn the error budget: at 14.4 times
the sustainable rate an hour spends 2 % of a 30-day budget, at 6 times six hours spend 5 % (The Site Reliability
Workbook, chapter 5, table 5-8). Which metric of which service says so is a fact of the provider
(catalog/code/<provider>.toml); a signal that a service does not report has no alarm, and the bill counts none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.design.tooling import SEVERITIES, WAITING, Severity

__all__ = ["Alarm", "alarms_of"]

Signal = Literal["latency", "traffic", "errors", "saturation", "age"]

_BURN = {"critical": 14.4, "warning": 6.0}
_ALARMED = ("entry", "compute", "database")
_MINUTES: dict[str, int] = {"critical": 5, "warning": 15}
# Times the latency target that work may wait, and the seconds below which metrics of a minute tell nothing.
_WAIT: dict[str, tuple[float, float]] = {"critical": (5.0, 300.0), "warning": (1.0, 60.0)}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. component: id at the first site; threshold: the value beyond which it fires, in `unit`: "ms" (99th
    percentile), "1/s" (requests), "share" (0-1: of requests that fail, of capacity that is used), "s" (that the oldest
    work has waited); minutes: for how long; why: what the threshold rests on."""

    component: str
    signal: Signal
    severity: Severity
    threshold: float
    unit: str
    minutes: int
    why: str

    @property
    def id(self) -> str:
        """A name that is unique among the alarms of a site: "entry-errors-critical"."""
        return f"{self.component}-{self.signal}-{self.severity}"

    @property
    def runbook(self) -> str:
        """The page that says what to do."""
        return f"docs/runbooks/{self.id}.md"


def alarms_of(b: Blueprint) -> Iterator[Alarm]:
    """The alarms of one site at production's size, in the order entry, compute, database, intake."""
    for component in _ALARMED:
        if b.has(component):
            for severity in SEVERITIES:
                yield _latency(b, component, severity)
                yield _traffic(b, component, severity)
                yield _errors(b, component, severity)
                yield _saturation(b, component, severity)
    if b.has("intake"):
        yield from (_age(b, severity) for severity in SEVERITIES)


def _latency(b: Blueprint, component: str, severity: Severity) -> Alarm:
    target = b.requirements.p99_latency_ms
    # A database answers several queries within one request.
    share = 1.0 / max(1.0, b.requirements.queries_per_request) if component == "database" else 1.0
    threshold = target * share * (2.0 if severity == "critical" else 1.0)
    told = "twice the" if severity == "critical" else "the"
    spread = ", shared among the queries of a request" if component == "database" else ""
    return Alarm(component, "latency", severity, threshold, "ms", _MINUTES[severity],
                 f"{told} latency target of {target:g} ms at the 99th percentile{spread}")  # fmt: skip


def _traffic(b: Blueprint, component: str, severity: Severity) -> Alarm:
    planned = b.assessment.capacity.planned_rps if component == "entry" else b.assessment.capacity.origin_rps
    each = b.requirements.queries_per_request if component == "database" else 1.0
    share = 1.0 if severity == "critical" else 0.8
    return Alarm(component, "traffic", severity, planned * each * share, "1/s", _MINUTES[severity],
                 f"{100 * share:g} % of the planned peak, for which capacity was sized")  # fmt: skip


def _errors(b: Blueprint, component: str, severity: Severity) -> Alarm:
    target, burn = b.requirements.availability_target_pct, _BURN[severity]
    budget = 1.0 - target / 100.0
    return Alarm(component, "errors", severity, min(1.0, burn * budget), "share", _MINUTES[severity],
                 f"burns the error budget of {target:g} % at {burn:g} times the sustainable rate")  # fmt: skip


def _saturation(b: Blueprint, component: str, severity: Severity) -> Alarm:
    target = b.catalog.assumptions["target_cpu_utilisation"].value or 0.65
    threshold = 1.0 - (1.0 - target) / (4.0 if severity == "critical" else 2.0)
    return Alarm(component, "saturation", severity, threshold, "share", _MINUTES[severity],
                 f"well above the {100 * target:g} % that the planned peak should use")  # fmt: skip


def _age(b: Blueprint, severity: Severity) -> Alarm:
    target, (times, least) = b.requirements.p99_latency_ms, _WAIT[severity]
    told = "the latency target" if times == 1 else f"{times:g} times the latency target"
    return Alarm("intake", WAITING, severity, max(least, times * target / 1000.0), "s", _MINUTES[severity],
                 f"the oldest work waits longer than {told} of {target:g} ms, and than {least:g} s")  # fmt: skip
