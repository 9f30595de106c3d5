"""What a number needs to be defended.

A `Fact` is one figure somebody else published: value, unit, source, date. Facts come from the catalog.
An `Evidence` is one figure of ours: the metric it measures, the formula, the quantities that went in, and
the source and date of the weakest fact among them. `value is None` always means "not known"; it is never 0.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Evidence", "Fact", "Quantity"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A published figure. `value` None = the publisher gives none; `as_of` is an ISO date or year-month."""

    value: float | None
    unit: str
    source: str
    as_of: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One input of a formula, with the unit it is in ('' for a pure number or a word)."""

    name: str
    value: float | str | None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A computed figure and how it came to be. `value` None = not known, and `formula` then says why.

    unit: as `units` reads it; source and as_of: of the weakest fact among the inputs.
    """

    metric: str
    value: float | str | None
    unit: str
    formula: str
    inputs: tuple[Quantity, ...] = ()
    source: str = ""
    as_of: str = ""

    @property
    def known(self) -> bool:
        """True when there is a value."""
        return self.value is not None
