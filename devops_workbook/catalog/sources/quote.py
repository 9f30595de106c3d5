"""What a reference source says: a price of something, as the source calls it, with what is doubtful about it.

A reader turns the text of one file into quotes and judges them only by what that file shows. It never drops a figure in
silence: what must not be taken as it stands carries a `doubt`, and a recipe that takes it all the same says why.
"""

from __future__ import annotations

from dataclasses import dataclass

from devops_workbook.catalog.model import Term

__all__ = ["Origin", "Quote", "Ratio", "RoundTrip", "SourceError"]


class SourceError(ValueError):
    """A source does not hold what its format says; the message names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a figure comes from, as the catalog writes it: the name of the data set, and its ISO date."""

    source: str
    as_of: str


@dataclass(frozen=True, slots=True)
class Quote:
    """USD for one `unit` of what the source calls `key`, in the source's `region` ("?" = it does not say which).

    rounding: by how many USD `usd` may be off because the source shows a rounded figure, 0 = it does not round;
    doubt: why the figure must not be taken as it stands, "" = nothing speaks against it.
    """

    key: str
    region: str
    term: Term
    usd: float
    unit: str
    origin: Origin
    note: str = ""
    rounding: float = 0.0
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How dear `region` is, as a multiple of the source's base region: the median over sizes, and the quartiles."""

    region: str
    median: float
    lower: float
    upper: float
    origin: Origin

    @property
    def split(self) -> bool:
        """Whether the region has no one ratio: its quartiles lie more than a quarter apart."""
        return self.upper > 1.25 * self.lower


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A measured round trip in ms between two regions of one provider, named as the catalog names them."""

    provider: str
    source: str
    target: str
    rtt_ms: float
    origin: Origin
