"""Composes the plan: the decisions in reading order, with the numbers that bear on each.

A decision was taken before the design was assessed. Here it gets what the assessment found about it, the
controls it helps to satisfy, and the principles and practices it carries out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from devops_workbook.assess.compliance import controls_of
from devops_workbook.assess.model import Assessment
from devops_workbook.catalog.model import Practice
from devops_workbook.design.context import Context
from devops_workbook.design.model import Decision
from devops_workbook.evidence import Evidence
from devops_workbook.outline import OUTLINE
from devops_workbook.plan.model import Plan, Section

__all__ = ["compose"]


def _recovery(a: Assessment) -> tuple[Evidence, ...]:
    return tuple(e for case in a.recovery.cases for e in case.evidence)


EVIDENCE: Mapping[str, Callable[[Assessment], tuple[Evidence, ...]]] = {
    "infrastructure.compute": lambda a: a.capacity.evidence[3:5],
    "infrastructure.database": lambda a: tuple(
        p.evidence for p in a.availability.parts if p.component == "database"
    ),
    "scaling.capacity": lambda a: a.capacity.evidence,
    "scaling.autoscaling": lambda a: a.capacity.evidence[1:2],
    "scaling.performance_monitoring": lambda a: a.capacity.evidence[-1:],
    "disaster_recovery.high_availability": lambda a: (
        *a.availability.evidence, *(p.evidence for p in a.availability.parts)
    ),
    "disaster_recovery.recovery": lambda a: tuple(e for e in _recovery(a) if e.metric.startswith("RTO")),
    "disaster_recovery.backup": lambda a: tuple(e for e in _recovery(a) if e.metric.startswith("RPO")),
    "disaster_recovery.incident_response": lambda a: a.availability.evidence[1:],
    "observability.alerting": lambda a: a.availability.evidence[1:],
    "cost.resources": lambda a: a.cost.evidence,
    "cost.monitoring": lambda a: a.cost.evidence,
    "cost.efficiency": lambda a: a.carbon.evidence,
}  # fmt: skip


def _honoured(practices: Mapping[str, Practice], field_id: str) -> tuple[str, ...]:
    return tuple(id for id, practice in practices.items() if field_id in practice.honoured_by)


def _complete(c: Context, decision: Decision, assessment: Assessment) -> Decision:
    found = EVIDENCE.get(decision.id, lambda _: ())(assessment)
    return replace(
        decision,
        evidence=(*decision.evidence, *found),
        controls=controls_of(c, decision.id),
        principles=_honoured(c.catalog.principles, decision.id),
        practices=_honoured(c.catalog.practices, decision.id),
    )


def compose(c: Context, assessment: Assessment) -> Plan:
    """The plan: seven sections with their decisions in the order of the outline."""
    return Plan(
        tuple(
            Section(
                s.id, s.title, s.heading, tuple(_complete(c, c.taken[f.id], assessment) for f in s.fields)
            )
            for s in OUTLINE
        )
    )
