"""What rules are made of: what is recorded, and the alerts on what is recorded.

An alert is a conjunction of conditions on recorded series, so that its unit tests, its runbook and its panels follow
from the same values as its expression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["SPANS", "Alert", "Condition", "Recording", "number", "seconds"]

Severity = Literal["critical", "warning", "heartbeat"]
Comparison = Literal[">", ">=", "<"]
SPANS = {"m": 60, "h": 3600, "d": 86400}
_NEAR = 0.001  # share of a bound by which a test stays on its other side


def number(value: float) -> str:
    """A number as PromQL and promtool's series both read it: without an exponent."""
    return f"{value:.12f}".rstrip("0").rstrip(".")


def seconds(span: str) -> int:
    """The seconds of a duration: 300 for "5m"."""
    return int(span[:-1]) * SPANS[span[-1]]


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a recorded series with a bound."""

    series: str
    comparison: Comparison
    bound: float

    @property
    def expr(self) -> str:
        """It in PromQL."""
        return f"{self.series} {self.comparison} {number(self.bound)}"

    @property
    def holds(self) -> float:
        """A value just within it."""
        step = max(abs(self.bound) * _NEAR, _NEAR if not self.bound else 0.0)
        return {">": self.bound + step, ">=": self.bound, "<": self.bound - step}[self.comparison]

    @property
    def fails(self) -> float:
        """A value just outside it."""
        return self.bound - abs(self.bound) * _NEAR if self.comparison == ">=" else self.bound


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    concern: what alerts of several severities share; component: of the topology; for_: how long all conditions must
    hold, "" = at once; why: what the bounds rest on; least_traffic: requests in the short window from which it means
    anything, None = it does not depend on traffic; page_seconds: from the start of a total outage to the alert,
    evaluation included, and budget_spent: the share (0-1) of the 30-day error budget that is gone by then, both None
    where the alert is not on an objective; native: the query by which another tool than Prometheus raises it.
    """

    name: str
    concern: str
    severity: Severity
    conditions: tuple[Condition, ...]
    for_: str
    component: str
    summary: str
    why: str
    least_traffic: int | None = None
    page_seconds: float | None = None
    budget_spent: float | None = None
    native: str = ""

    @property
    def id(self) -> str:
        """The name of its runbook: "availability-burn-1h"."""
        return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", "-", self.name).lower()

    @property
    def expr(self) -> str:
        """It in PromQL."""
        return "\nand ".join(c.expr for c in self.conditions)

    @property
    def labels(self) -> dict[str, str]:
        """What routes go by."""
        return {"severity": self.severity, "component": self.component, "concern": self.concern}

    @property
    def annotations(self) -> dict[str, str]:
        """What a person reads."""
        return {"summary": self.summary, "runbook_url": f"docs/runbooks/{self.id}.md"}


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording rule. sample: its value for the counters of `rules.counters_of`, by which it is tested."""

    record: str
    expr: str
    sample: float

    @property
    def zero_without_data(self) -> bool:
        """Whether it is 0, not absent, while nothing has been counted."""
        return self.expr.endswith("or vector(0)")
