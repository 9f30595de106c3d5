"""What an exhibit is made of, before anybody decides between HTML and Markdown.

An `Exhibit` is one topic of the assessment: a line that sums it up, and a body of paragraphs, tables, charts and
proofs, worked out only when it is wanted. A cell of a table is text, a `Number` that opens to its evidence, or a
`Cited` text with its source. The board and the documents write the same exhibits, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from devops_workbook.evidence import Evidence
from devops_workbook.render.charts import Chart

__all__ = ["Block", "Cell", "Cited", "Exhibit", "Figure", "Number", "Proofs", "Table", "Text", "text_of"]


@dataclass(frozen=True, slots=True)
class Number:
    """A figure as it is shown, and the evidence it opens to. told: whether the row it stands in says all of that."""

    text: str
    evidence: Evidence
    told: bool = False


@dataclass(frozen=True, slots=True)
class Cited:
    """A text, and the source and date it rests on; "" = the source alone is shown."""

    text: str
    source: str
    as_of: str = ""


Cell = str | Number | Cited


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. tone: "" or "trouble", for what is missing or wrong."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names the row. right: columns of numbers; total: whether the last row is a sum."""

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: tuple[int, ...] = ()
    total: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart and its caption."""

    chart: Chart
    caption: str


@dataclass(frozen=True, slots=True)
class Proofs:
    """Figures that open to their evidence, one under the other."""

    evidence: tuple[Evidence, ...]


Block = Text | Table | Figure | Proofs


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One topic: its id, title, the line that sums it up, and how its body is made.

    slow: whether the body takes further evaluations or charts, so that the rest should not have to wait for it.
    """

    id: str
    title: str
    line: str
    body: Callable[[], Sequence[Block]]
    slow: bool = False


def text_of(cell: Cell) -> str:
    """What a cell says, without what it opens to."""
    return cell if isinstance(cell, str) else cell.text
