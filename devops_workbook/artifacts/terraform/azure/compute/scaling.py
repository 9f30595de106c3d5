"""By what compute grows and shrinks: its floor and ceiling, the target of processor use, a backlog, a calendar."""

from __future__ import annotations

import math

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import shut_down, sized
from devops_workbook.artifacts.terraform.hcl import Noted, Ref
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.design.deployments import Size

__all__ = [
    "BUSY_FROM", "BUSY_UNTIL", "backlog", "busy_floor", "by_backlog", "by_calendar", "ceiling", "cpu_target", "floor",
    "rests", "sleeps",
]  # fmt: skip

BUSY_FROM, BUSY_UNTIL = (6, 30), (20, 0)
"""Half an hour before the working day and an hour after it, as scaling.autoscaling says of schedules; UTC."""


def by_calendar(b: Blueprint) -> bool:
    """Whether the floor rises before known peaks."""
    return b.choice("scaling.autoscaling") == "scheduled-target-tracking"


def by_backlog(b: Blueprint) -> bool:
    """Whether workers follow the work that waits."""
    return b.choice("scaling.autoscaling") == "queue-depth" and b.has("intake")


def floor(b: Blueprint, m: Module, least: int = 0) -> Ref:
    """The fewest instances. least: which the platform asks for."""
    why = b.why("scaling.capacity") if least == 0 else f"Azure asks for {least} at least. {b.why('scaling.capacity')}"
    return sized(m, b, "compute", "minimum", "number", "Fewest instances.", lambda s: max(least, s.minimum), why)


def ceiling(b: Blueprint, m: Module, least: int = 1, most: int = 1000) -> Ref:
    """The most instances, within what the platform can give."""
    assert m.site
    planned = [e.sizes[c].maximum for e in b.environments if (c := m.site.id("compute")) in e.sizes]
    why = b.why("scaling.capacity")
    if any(n > most for n in planned):
        why = f"The plan asks for {max(planned)}; Azure gives {most} at most. {why}"
    elif any(n < least for n in planned):
        why = f"Azure asks for {least} at least. {why}"
    told = "Most instances, at the planned peak."
    return sized(m, b, "compute", "maximum", "number", told, lambda s: min(most, max(least, s.maximum)), why)


def busy_floor(b: Blueprint, m: Module, most: int = 1000) -> Ref:
    """The floor in busy hours: what the average load takes."""
    share = b.requirements.average_rps / max(b.assessment.capacity.planned_rps, 1e-9)

    def least(s: Size) -> int:
        return min(most, s.maximum, max(s.minimum, math.ceil(s.maximum * share)))

    why = f"What the average load of {b.requirements.average_rps:g} requests/s takes; raise it for announced events."
    return sized(m, b, "compute", "busy_minimum", "number", "Fewest instances in busy hours.", least, why)


def cpu_target(b: Blueprint) -> int:
    """The processor use that is held, %: what the capacity plan leaves as headroom for a zone and a spike."""
    return round(100.0 * (b.catalog.assumptions["target_cpu_utilisation"].value or 0.65))


def backlog(b: Blueprint) -> Noted:
    """Messages that may wait for each worker."""
    r = b.requirements
    target = max(1, round(r.p99_latency_ms / r.service_time_ms))
    return Noted(
        target, f"Messages a worker: {r.p99_latency_ms:g} ms that may pass over {r.service_time_ms:g} ms each."
    )


def sleeps(b: Blueprint) -> bool:
    """Whether some environment stops outside working hours."""
    return any(shut_down(b).values.values())


def rests(b: Blueprint, m: Module) -> Ref:
    """Whether the environment runs in working hours only."""
    told = "Whether it runs in working hours only: Monday to Friday, 07:00 to 19:00 UTC."
    return m.variable("working_hours", "bool", told, shut_down(b), why=b.why("cost.efficiency"))
