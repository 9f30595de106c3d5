"""Working hours, in which environments run that need not run around the clock."""

from __future__ import annotations

from devops_workbook.artifacts.blueprint import Blueprint, Each, Site

__all__ = ["ALL_WEEK", "CLOSING", "OPENING", "START", "STOP", "TIMEZONE", "WHY", "working_hours"]

ALL_WEEK = 168
TIMEZONE = "UTC"
OPENING, CLOSING = "0 7 * * MON-FRI", "0 19 * * MON-FRI"  # 60 hours a week
START, STOP = "cron(0 7 ? * MON-FRI *)", "cron(0 19 ? * MON-FRI *)"
WHY = "Working hours are 07:00 to 19:00 UTC from Monday to Friday, 60 of a week's 168."


def working_hours(b: Blueprint, site: Site) -> Each:
    """Whether an environment runs in working hours only."""
    return b.at(site, lambda e: e.hours_per_week < ALL_WEEK)
