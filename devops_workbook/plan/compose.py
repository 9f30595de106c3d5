"""Composes the plan: the decisions in reading order, with the numbers that bear on each.

A decision was taken before the design was assessed. Here it gets what the assessment found about it, the
controls it helps to satisfy, and the principles and practices it carries out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from devops_workbook.assess.compliance import answered_by
from devops_workbook.assess.model import Assessment
from devops_workbook.catalog.model import Catalog, Practice
from devops_workbook.design.context import Context
from devops_workbook.design.decide import wording
from devops_workbook.design.model import Decision
from devops_workbook.evidence import Evidence
from devops_workbook.outline import OUTLINE
from devops_workbook.plan.model import Plan, Section

__all__ = ["compose"]


def _named(evidence: Iterable[Evidence], *starts: str) -> tuple[Evidence, ...]:
    return tuple(e for e in evidence if e.metric.startswith(starts))


def _recovery(a: Assessment) -> tuple[Evidence, ...]:
    return tuple(e for case in a.recovery.cases for e in case.evidence)


def _signals(a: Assessment, *kinds: str) -> tuple[Evidence, ...]:
    return tuple(signal.evidence for signal in a.telemetry.signals if signal.kind in kinds)


_BEARS_ON: Mapping[str, Callable[[Assessment], tuple[Evidence, ...]]] = {
    "infrastructure.compute": lambda a: _named(a.capacity.evidence, "Processors", "Instances"),
    "infrastructure.database": lambda a: tuple(
        p.evidence for p in a.availability.parts if p.component == "database"
    ),
    "scaling.capacity": lambda a: a.capacity.evidence,
    "scaling.autoscaling": lambda a: _named(a.capacity.evidence, "Load at the origin"),
    "scaling.performance_monitoring": lambda a: _named(a.capacity.evidence, "p99"),
    "disaster_recovery.high_availability": lambda a: (
        *a.availability.evidence, *(p.evidence for p in a.availability.parts)
    ),
    "disaster_recovery.recovery": lambda a: _named(_recovery(a), "RTO"),
    "disaster_recovery.backup": lambda a: (*_named(_recovery(a), "RPO"), *(b.evidence for b in a.recovery.backups)),
    "disaster_recovery.incident_response": lambda a: _named(a.availability.evidence, "Error budget"),
    "observability.metrics": lambda a: _signals(a, "metrics"),
    "observability.logging": lambda a: _signals(a, "logs"),
    "observability.tracing": lambda a: _signals(a, "traces"),
    "observability.alerting": lambda a: _named(a.availability.evidence, "Error budget"),
    "security.compliance": lambda a: _signals(a, "audit"),
    "cost.resources": lambda a: (*_named(a.cost.evidence, "Cost of"), *(c.evidence for c in a.cost.commitments)),
    "cost.monitoring": lambda a: (
        *_named(a.cost.evidence, "Cost a month", "Cost per"), *((a.cost.budget.evidence,) if a.cost.budget else ()),
    ),
    "cost.efficiency": lambda a: a.carbon.evidence,
}  # fmt: skip


@lru_cache(maxsize=256)
def _honoured(catalog: Catalog, field_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids of the principles and of the practices that a field carries out."""

    def named(practices: Mapping[str, Practice]) -> tuple[str, ...]:
        return tuple(id for id, practice in practices.items() if field_id in practice.honoured_by)

    return named(catalog.principles), named(catalog.practices)


def compose(c: Context, assessment: Assessment) -> Plan:
    """The plan: seven sections with their decisions in the order of the outline."""
    worded, controls = wording(c), answered_by(c)

    def complete(field_id: str) -> Decision:
        decision = c.taken[field_id]
        found = _BEARS_ON[field_id](assessment) if field_id in _BEARS_ON else ()
        principles, practices = _honoured(c.catalog, field_id)
        return replace(
            decision,
            summary=worded(decision.summary),
            detail=tuple((label, worded(text)) for label, text in decision.detail),
            evidence=(*decision.evidence, *found),
            controls=controls.get(field_id, ()),
            principles=principles,
            practices=practices,
        )

    return Plan(tuple(Section(s.id, s.title, s.heading, tuple(complete(f.id) for f in s.fields)) for s in OUTLINE))
