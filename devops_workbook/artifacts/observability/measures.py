"""Sums of counters in PromQL, and the same in Python over the counters that tests feed to promtool.

The counters of a test change their pace at the edge of every window, so that no two windows, and no two selections of
series, give the same value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from devops_workbook.artifacts.observability.model import number, seconds

__all__ = ["END_MINUTES", "WINDOWS", "Counter", "Course", "Matcher", "Sum", "beyond", "share", "told"]

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
_BEFORE = 1440  # minutes before the longest window, at a pace of their own
_EDGES = (*sorted((seconds(w) // 60 for w in WINDOWS), reverse=True), 0)
END_MINUTES = _EDGES[0] + _BEFORE


@dataclass(frozen=True, slots=True)
class Matcher:
    """One selection by label: operator "=", "!=", "=~" or "!~"."""

    label: str
    operator: str
    value: str

    @property
    def expr(self) -> str:
        """It in PromQL."""
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.label}{self.operator}"{quoted}"'

    def takes(self, found: str) -> bool:
        """Whether a label's value is selected."""
        if self.operator.endswith("~"):
            return (re.fullmatch(self.value, found) is not None) == (self.operator == "=~")
        return (found == self.value) == (self.operator == "=")


@dataclass(frozen=True, slots=True)
class Counter:
    """One series of a test; seed: sets its paces apart from those of the others."""

    metric: str
    labels: tuple[tuple[str, str], ...]
    seed: int

    @property
    def series(self) -> str:
        """Its name and labels."""
        return self.metric + "{" + ",".join(Matcher(k, "=", v).expr for k, v in self.labels) + "}"

    def _paces(self) -> Iterator[tuple[int, int]]:
        """(minutes, increase a minute) of its parts, the oldest first."""
        yield _BEFORE, 2 * self.seed
        for index, (older, newer) in enumerate(pairwise(_EDGES)):
            yield older - newer, self.seed * (3 + index) + (self.seed**2 % 17) * (len(_EDGES) - index)

    @property
    def values(self) -> str:
        """Its samples, one a minute, in promtool's notation."""
        reached, parts = 0, ["0"]
        for minutes, pace in self._paces():
            parts.append(f"{reached + pace}+{pace}x{minutes - 1}")
            reached += minutes * pace
        return " ".join(parts)

    def increase(self, window: str) -> int:
        """What it gains in the last `window`."""
        left, gained = seconds(window) // 60, 0
        for minutes, pace in reversed(list(self._paces())):
            taken = min(left, minutes)
            gained, left = gained + taken * pace, left - taken
        return gained


@dataclass(frozen=True, slots=True)
class Course:
    """What a recorded series was in a test of a long window: a sample every `EVERY_HOURS` until `END_HOURS`, no two
    alike. start: the first; step: from each to the next."""

    series: str
    start: float
    step: float

    # No window of whole days begins at a sample, which versions of Prometheus would count or not.
    EVERY_HOURS: ClassVar[int] = 7
    END_HOURS: ClassVar[int] = 120 * EVERY_HOURS

    @property
    def values(self) -> str:
        """Its samples, in promtool's notation."""
        return f"{number(self.start)}+{number(self.step)}x{self.END_HOURS // self.EVERY_HOURS}"

    def summed(self, window: str) -> float:
        """The sum of its samples in the last `window`."""
        last = self.END_HOURS // self.EVERY_HOURS
        inside = seconds(window) // 3600 // self.EVERY_HOURS
        return sum(self.start + self.step * n for n in range(last - inside, last + 1))


@dataclass(frozen=True, slots=True)
class Sum:
    """Series of one metric, added up."""

    metric: str
    matchers: tuple[Matcher, ...]

    @property
    def selector(self) -> str:
        """The selection in PromQL."""
        return self.metric + "{" + ",".join(m.expr for m in self.matchers) + "}"

    def rate(self, window: str) -> str:
        """Its rate a second in PromQL."""
        return f"sum(rate({self.selector}[{window}]))"

    def increase(self, window: str) -> str:
        """Its gain in PromQL; 0 where nothing has been counted yet."""
        return f"sum(increase({self.selector}[{window}])) or vector(0)"

    def taken(self, counters: Sequence[Counter]) -> list[Counter]:
        """Those of `counters` that it adds up."""
        return [c for c in counters if c.metric == self.metric and self._takes(dict(c.labels))]

    def _takes(self, labels: dict[str, str]) -> bool:
        return all(m.takes(labels.get(m.label, "")) for m in self.matchers)

    def gained(self, counters: Sequence[Counter], window: str) -> float:
        """The gain that PromQL should give for `counters`."""
        return float(sum(c.increase(window) for c in self.taken(counters)))


def share(bad: Sum, all_: Sum, window: str) -> str:
    """The share of `bad` in PromQL: 0 where none was ever bad, nothing (or NaN) without traffic."""
    return f"({bad.rate(window)} or vector(0))\n/ {all_.rate(window)}"


def beyond(good: Sum, all_: Sum, window: str) -> str:
    """The share of what is not `good` in PromQL."""
    return f"1 - {good.rate(window)}\n/ {all_.rate(window)}"


def told(value: float) -> str:
    """A bucket's upper bound as exporters of either habit write it: "20" or "20.0"."""
    text = number(value)
    return text.replace(".", "\\.") if "." in text else f"{text}(\\.0)?"
