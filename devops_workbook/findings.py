"""Findings: conflicts, gaps and risks of a design, each with the ways out of it.

A conflict is two wishes that cannot both be had, a gap is something the design does not provide or the
catalog does not know, a risk is something that may hurt although every wish is met. A way out carries the
change of requirements that takes it, so that the board can offer it as a button.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Finding", "Severity", "WayOut"]

Kind = Literal["conflict", "gap", "risk"]
Severity = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class WayOut:
    """One way to resolve a finding: a sentence, and the requirement values to set ({} = not a setting)."""

    text: str
    change: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is stable kebab-case for programs; `message` is for people; `field` names the decision, if one."""

    kind: Kind
    severity: Severity
    code: str
    message: str
    ways_out: tuple[WayOut, ...] = ()
    field: str = ""
