"""Compliance: which technical controls the design satisfies, for each framework asked for.

A framework is data: its requirements name controls of ours, and a control names the decisions that satisfy it. A
requirement is satisfied when all its controls are. What no architecture can give (training, contracts, policies)
is named beside the figure, so that 100 % is not mistaken for being compliant.
"""

from __future__ import annotations

from collections.abc import Mapping

from devops_workbook.assess.model import Compliance, ControlStatus, FrameworkCoverage
from devops_workbook.catalog.model import Control, Framework
from devops_workbook.design.context import Context

__all__ = ["answered_by", "assess_compliance", "control_status"]

_PREFIX = "requirements."


def _given(c: Context, field: str) -> str | float:
    if field.startswith(_PREFIX):
        value = getattr(c.requirements, field.removeprefix(_PREFIX))
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return c.choice(field)


def _accepted(given: str | float, wanted: tuple[str, ...]) -> bool:
    if isinstance(given, float):
        return all(given >= float(bound.removeprefix(">=")) for bound in wanted)
    return given in wanted


def _asked(c: Context) -> Mapping[str, None]:
    return dict.fromkeys(id for f in c.frameworks for ids in f.requirements.values() for id in ids)


def control_status(c: Context, control: Control) -> ControlStatus:
    """Whether the decisions satisfy one control, by which of them, and what is missing."""
    met = {field: _accepted(_given(c, field), wanted) for field, wanted in control.needs.items()}
    by = tuple(f"{field}: {_given(c, field)}" for field, ok in met.items() if ok)
    missing = tuple(
        f"{field}: {_given(c, field)} (needs {' or '.join(control.needs[field])})"
        for field, ok in met.items()
        if not ok
    )
    return ControlStatus(control.id, control.title, not missing, by, missing, control.remedy)


def _coverage(framework: Framework, status: dict[str, ControlStatus]) -> FrameworkCoverage:
    rows = tuple(
        (id, framework.titles.get(id, ""), tuple(status[control] for control in controls))
        for id, controls in framework.requirements.items()
    )
    satisfied = sum(all(control.satisfied for control in controls) for _, _, controls in rows)
    return FrameworkCoverage(
        framework.id, framework.title, framework.version, framework.source, rows, satisfied, len(rows),
        framework.not_technical,
    )  # fmt: skip


def assess_compliance(c: Context) -> Compliance:
    """Coverage of every framework asked for. pct is over all their technical requirements together."""
    status = {id: control_status(c, c.catalog.controls[id]) for id in _asked(c)}
    frameworks = tuple(_coverage(f, status) for f in c.frameworks)
    total = sum(f.total for f in frameworks)
    pct = 100.0 * sum(f.satisfied for f in frameworks) / total if total else None
    return Compliance(pct, frameworks)


def answered_by(c: Context) -> Mapping[str, tuple[str, ...]]:
    """Field id -> the controls, of the frameworks asked for, that its decision helps to satisfy."""
    found: dict[str, tuple[str, ...]] = {}
    for id in _asked(c):
        for field, wanted in c.catalog.controls[id].needs.items():
            if _accepted(_given(c, field), wanted):
                found[field] = (*found.get(field, ()), id)
    return found
