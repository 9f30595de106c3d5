"""Which technical requirements of each framework the design satisfies."""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.assess.model import ControlStatus, FrameworkCoverage
from devops_workbook.evaluate import Evaluation
from devops_workbook.render.exhibits.model import Block, Exhibit, Table, Text
from devops_workbook.render.figures import percent

__all__ = ["frameworks"]


def frameworks(evaluation: Evaluation) -> tuple[Exhibit, ...]:
    """One exhibit a framework that was asked for."""
    return tuple(_framework(found) for found in evaluation.assessment.compliance.frameworks)


def _framework(found: FrameworkCoverage) -> Exhibit:
    line = f"{percent(found.pct)}, {found.satisfied} of {found.total} technical requirements"
    return Exhibit(f"framework-{found.id}", found.title, line, lambda: tuple(_body(found)))


def _body(found: FrameworkCoverage) -> Iterator[Block]:
    if found.not_technical:
        yield Text(f"Not a matter of architecture: {found.not_technical}")
    rows = [
        (
            id, title, "yes" if all(control.satisfied for control in controls) else "no",
            "; ".join(_control(control) for control in controls),
        )
        for id, title, controls in found.requirements
    ]  # fmt: skip
    head = ("Requirement", "What it asks", "Satisfied", "By, or what to do")
    yield Table(f"{found.title} {found.version}, requirement by requirement", head, tuple(rows))
    yield Text(f"Source: {found.source}")


def _control(control: ControlStatus) -> str:
    return f"✓ {control.title}" if control.satisfied else f"✗ {control.title}: {control.remedy}"
