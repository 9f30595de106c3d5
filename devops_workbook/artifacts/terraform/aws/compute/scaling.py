"""By what compute grows and shrinks: the target of processor use, the backlog of a queue, a calendar."""

from __future__ import annotations

import math

from devops_workbook.artifacts.blueprint import Each
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.aws.compute.scope import Scope
from devops_workbook.artifacts.terraform.aws.hours import working_hours
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref

__all__ = [
    "BUSY_FROM", "BUSY_UNTIL", "backlog_metrics", "backlog_target", "by_backlog", "by_calendar", "cpu_target",
    "floor_when_busy", "rests",
]  # fmt: skip

# Half an hour before the working day and an hour after it, as scaling.autoscaling says of schedules.
BUSY_FROM, BUSY_UNTIL = "30 6 * * MON-FRI", "0 20 * * MON-FRI"


def by_calendar(c: Scope) -> bool:
    """Whether the floor rises before known peaks."""
    return c.b.choice("scaling.autoscaling") == "scheduled-target-tracking"


def by_backlog(c: Scope) -> bool:
    """Whether workers follow the work that waits."""
    return c.b.choice("scaling.autoscaling") == "queue-depth" and c.b.has("intake")


def cpu_target(c: Scope) -> Noted:
    """The processor use that is held, %."""
    share = c.b.catalog.assumptions["target_cpu_utilisation"].value or 0.65
    return Noted(round(100.0 * share), "Per cent: what the capacity plan leaves as headroom for a zone and a spike.")


def backlog_target(c: Scope) -> Noted:
    """Messages that may wait for each worker."""
    r = c.b.requirements
    target = max(1, round(r.p99_latency_ms / r.service_time_ms))
    return Noted(
        target, f"Messages a worker: {r.p99_latency_ms:g} ms that may pass over {r.service_time_ms:g} ms each."
    )


def backlog_metrics(c: Scope, workers: Nested, queue: Ref) -> list[Nested]:
    """What waits, over the workers that there are. workers: the metric that counts them."""
    fact = code_facts("aws")["signals"][c.service("intake").id]["backlog"]
    waiting = Nested(
        metric_name=fact["metric"],
        namespace=fact["namespace"],
        dimensions=Nested(name=fact["dimensions"][0], value=queue),
    )
    return [
        Nested(id="waiting", return_data=False, metric_stat=Nested(stat=fact["statistic"], metric=waiting)),
        Nested(id="workers", return_data=False, metric_stat=Nested(stat="Average", metric=workers)),
        Nested(id="backlog", expression="waiting / FILL(workers, 1)",
               label="Backlog of a worker", return_data=True),
    ]  # fmt: skip


def floor_when_busy(c: Scope) -> Ref:
    """The floor in busy hours: what the average load takes."""
    b = c.b
    share = b.requirements.average_rps / max(b.assessment.capacity.planned_rps, 1e-9)
    values = c.sized("compute", lambda s: min(s.maximum, max(s.minimum, math.ceil(s.maximum * share))))
    return c.module.variable(
        "busy_minimum", "number", "Fewest instances in busy hours.", values,
        why=f"What the average load of {b.requirements.average_rps:g} requests/s takes; raise it for announced events.",
        checks=[("var.busy_minimum >= var.minimum && var.busy_minimum <= var.maximum",
                 "busy_minimum must be from minimum to maximum.")],
    )  # fmt: skip


def rests(c: Scope) -> Ref | None:
    """Whether the environment stops outside working hours; None where none of them does."""
    hours: Each = working_hours(c.b, c.site)
    if not any(hours.values.values()):
        return None
    return c.module.variable("working_hours", "bool", "Whether it runs in working hours only.", hours,
                             why=c.b.why("cost.efficiency"))  # fmt: skip
