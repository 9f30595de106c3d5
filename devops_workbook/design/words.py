"""The words decisions share: numbers, lists and the error budget as a sentence needs them."""

from __future__ import annotations

from collections.abc import Sequence

from devops_workbook.design.context import Context

__all__ = ["amount", "counted", "error_budget", "error_budget_minutes", "listed", "workload"]

_WORKLOADS = {
    "web-api": "a web API",
    "event-driven": "an event-driven system",
    "batch": "a batch system",
    "streaming": "a stream processor",
}


def workload(c: Context) -> str:
    """The workload type with its article, such as "an event-driven system"."""
    return _WORKLOADS[c.requirements.workload_type]


def amount(value: float) -> str:
    """A quantity to three digits at most, never in powers of ten: "12,300", "4.56", "less than 0.1"."""
    if 0 < value < 0.1:
        return "less than 0.1"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def counted(count: int, noun: str) -> str:
    """A count and its noun, such as "1 day" or "30 days"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "a", "a and b" or "a, b and c"."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def error_budget_minutes(c: Context) -> float:
    """What the availability target leaves for outages, minutes in 30 days."""
    return (1 - c.requirements.availability_target_pct / 100) * 30 * 24 * 60


def error_budget(c: Context) -> str:
    """The error budget of 30 days in words: "43.2 minutes" or, below one, "26 seconds"."""
    minutes = error_budget_minutes(c)
    return f"{amount(minutes)} minutes" if minutes >= 1 else f"{amount(60 * minutes)} seconds"
