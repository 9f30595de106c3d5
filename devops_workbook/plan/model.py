"""The plan's types: seven sections of decisions."""

from __future__ import annotations

from dataclasses import dataclass

from devops_workbook.design.model import Decision

__all__ = ["Plan", "Section"]


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the plan: its id, title and heading (see `outline`), and its decisions in order."""

    id: str
    title: str
    heading: str
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The seven sections, in order."""

    sections: tuple[Section, ...]

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All 33 decisions, in order."""
        return tuple(decision for section in self.sections for decision in section.decisions)

    def decision(self, id: str) -> Decision:
        """The decision of this field id; KeyError if there is none."""
        for decision in self.decisions:
            if decision.id == id:
                return decision
        raise KeyError(id)
