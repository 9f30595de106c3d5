"""What the calendar does to things that have no calendar of their own: calls by Amazon EventBridge Scheduler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.cloudformation.common import CLOSING, OPENING, TIMEZONE, role
from devops_workbook.artifacts.cloudformation.template import (
    ACCOUNT,
    PARTITION,
    Condition,
    Resource,
    Template,
    fn,
    statement,
    sub,
)

__all__ = ["caller", "cron", "office_hours", "rests", "schedule"]


def cron(when: str) -> str:
    """A schedule as EventBridge writes it: "0 7 * * 1-5" is "cron(0 7 ? * MON-FRI *)"."""
    minute, hour, _, _, days = when.split()
    return f"cron({minute} {hour} ? * {days.replace('1-5', 'MON-FRI')} *)"


def caller(
    t: Template, name: str, component: str, actions: list[str], resource: Any, condition: Condition | None
) -> Resource:  # fmt: skip
    """The role under which the calendar calls."""
    return role(t, name, component, "scheduler.amazonaws.com", [statement(actions, resource)], condition=condition,
                within={"StringEquals": {"aws:SourceAccount": ACCOUNT}})  # fmt: skip


def schedule(
    t: Template, name: str, component: str, when: str, call: str, parts: list[Any], by: Resource,
    condition: Condition | None,
) -> Resource:  # fmt: skip
    """One call. call: "rds:stopDBCluster"; parts: its parameters in JSON, text and references in turn."""
    return t.resource(
        name, "AWS::Scheduler::Schedule", component, condition=condition, ScheduleExpression=cron(when),
        ScheduleExpressionTimezone=TIMEZONE, FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": sub("arn:", PARTITION, f":scheduler:::aws-sdk:{call}"), "RoleArn": by.arn, "Input": sub(*parts)},
    )  # fmt: skip


def rests(t: Template, hours: Any, why: str) -> Condition | None:
    """Holds where the environment stops outside working hours; None where none of them does. hours: by environment."""
    if not any(hours.values.values()):
        return None
    said = t.parameter(
        "WorkingHours",
        "String",
        "Whether it runs in working hours only: 07:00 to 19:00 UTC from Monday to Friday, 60 of a week's 168.",
        hours,
        why=why,
        allowed=("true", "false"),
    )
    return t.condition("RestsAtNight", fn("Equals", said, "true"), hours)


def office_hours(
    t: Template,
    stem: str,
    component: str,
    calls: Mapping[str, str],
    parts: list[Any],
    actions: list[str],
    resource: Any,
    where: Condition | None,
) -> None:
    """Opens in the morning and closes at night. calls: "open" and "close"."""
    by = caller(t, f"{stem}CalendarRole", component, actions, resource, where)
    schedule(t, f"{stem}Opens", component, OPENING, calls["open"], parts, by, where)
    schedule(t, f"{stem}Closes", component, CLOSING, calls["close"], parts, by, where)
