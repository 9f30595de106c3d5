"""Which alarms there are, so that those who make them and those who heed them call them the same."""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.artifacts.alarms import Alarm, alarms_of
from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.facts import code_facts

__all__ = ["critical_alarms", "raised"]


def raised(b: Blueprint) -> Iterator[Alarm]:
    """The alarms that CloudWatch raises: of signals that AWS reports, where the plan leaves alerting to it."""
    if not (b.has("alerting") and b.component("alerting").service == "sns"):
        return
    signals = code_facts("aws")["signals"]
    for alarm in alarms_of(b):
        if alarm.signal in signals.get(b.component(alarm.component).service, {}):
            yield alarm


def critical_alarms(b: Blueprint, *components: str) -> list[str]:
    """The ids of the alarms on errors and latency that call a release back."""
    return [
        a.id
        for a in raised(b)
        if a.component in components and a.severity == "critical" and a.signal in ("errors", "latency")
    ]
