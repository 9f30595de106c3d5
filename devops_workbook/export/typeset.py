"""A manuscript as PDF, set by Typst: tagged for accessibility (PDF/UA-1) and the same bytes every time.

The manuscript reaches Typst as JSON, which the template reads; no text of a notebook ever becomes Typst source. What
needs knowledge of the content is decided here: how wide columns are, where long words may break, which pictures
need a landscape page, and what stands in for a character that no font has (see `glyphs`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.resources import files
from typing import Any

from devops_workbook.export.glyphs import Glyphs, compile_with
from devops_workbook.export.manuscript import (
    Block,
    Code,
    Figure,
    Heading,
    Html,
    Listing,
    Manuscript,
    Notice,
    Paragraph,
    Quote,
    Run,
    Table,
    Text,
    broken,
    plain,
    tone,
    walk,
)
from devops_workbook.render.diagram.text import ellipsis, width

__all__ = ["column_widths", "pdf"]

_TEMPLATE = files("devops_workbook.export").joinpath("templates", "document.typ")
_ROOM = 471.0
"""The width of the text on a portrait A4 page, in points."""
_LONG_ROW = 2400
"""A row with more characters than this in a cell may be broken across pages."""
_NARROW = 0.3 * _ROOM
"""A column that needs less than this gets it, before the others share the rest."""
_MARGINS = 10.0
"""What a cell's margins take of its column, in points, with a hair to spare."""
_COMFORTABLE = 0.2 * _ROOM
"""No column of running text should be narrower than this."""


def pdf(manuscript: Manuscript) -> bytes:
    """The manuscript as a PDF file. Raises glyphs.TypesettingError when Typst cannot set it."""
    template = _TEMPLATE.read_bytes()
    return compile_with(template, partial(_document, manuscript), _all_text(manuscript))


def _document(manuscript: Manuscript, glyphs: Glyphs) -> str:
    """The template's input, with the characters that `glyphs` cannot show replaced."""
    setter = _Setter(manuscript, glyphs)
    language, _, region = manuscript.language.partition("-")
    shown = glyphs.shown(manuscript.title)
    body = setter.blocks(manuscript.body)
    return json.dumps(
        {
            "title": manuscript.title,
            "title_text": broken(shown),
            "title_size": _title_size(manuscript.title),
            "running": ellipsis(shown, 90),
            "footer": ellipsis(glyphs.shown(_footer(manuscript)), 140),
            "language": language.lower(),
            "region": region.upper() if len(region) == 2 else None,
            "cover": setter.blocks(manuscript.cover),
            "contents": sum(isinstance(block, Heading) for block in manuscript.body) > 2,
            "body": _with_landscape_pages(_with_new_pages([*body, *setter.blocks(glyphs.colophon())])),
        }
    )


def _footer(manuscript: Manuscript) -> str:
    """The facts of the title page's table whose labels a page's foot should repeat."""
    rows = [row for block in manuscript.cover if isinstance(block, Table) for row in block.rows if len(row) == 2]
    facts = {plain(label): plain(value) for label, value in rows}
    return " · ".join(f"{label} {facts[label]}" for label in ("Prices dated",) if label in facts)


def _title_size(title: str) -> float:
    return 30.0 if len(title) <= 40 else 22.0 if len(title) <= 120 else 14.0 if len(title) <= 600 else 9.0


def _all_text(manuscript: Manuscript) -> str:
    """Every character the document shows."""
    return manuscript.title + "".join(map(_text_of, walk((*manuscript.cover, *manuscript.body))))


def _text_of(block: Block) -> str:
    if isinstance(block, Heading | Paragraph):
        return plain(block.text)
    if isinstance(block, Table):
        return "".join(map(plain, (block.caption, *block.header, *(cell for row in block.rows for cell in row))))
    if isinstance(block, Figure):
        return plain(block.caption)
    return block.text if isinstance(block, Code | Notice) else ""


class _Setter:
    """Turns blocks into the dictionaries that the template reads."""

    def __init__(self, manuscript: Manuscript, glyphs: Glyphs) -> None:
        blocks = tuple(walk((*manuscript.cover, *manuscript.body)))
        self._anchors = {b.anchor for b in blocks if isinstance(b, Heading)} | {
            r.anchor for b in blocks for r in _runs(b)
        }
        self._glyphs = glyphs

    def blocks(self, blocks: Iterable[Block]) -> list[dict[str, Any]]:
        return [data for block in blocks for data in self._block(block)]

    def _block(self, block: Block) -> list[dict[str, Any]]:
        if isinstance(block, Html):
            return self.blocks(block.blocks)
        return [{"kind": type(block).__name__.lower(), **self._content(block)}]

    def _content(self, block: Block) -> dict[str, Any]:
        if isinstance(block, Heading):
            return self._heading(block)
        if isinstance(block, Paragraph):
            return {"text": self._text(block.text)}
        if isinstance(block, Listing):
            return {
                "items": [self.blocks(item) for item in block.items],
                "ordered": block.ordered,
                "start": block.start,
            }
        if isinstance(block, Quote):
            return {"blocks": self.blocks(block.blocks)}
        if isinstance(block, Table):
            return self._table(block)
        if isinstance(block, Figure):
            return self._figure(block)
        if isinstance(block, Code):
            return {"lines": [broken(self._glyphs.shown(_spaced(line))) for line in block.text.split("\n")]}
        return {"text": self._glyphs.shown(block.text)} if isinstance(block, Notice) else {}

    def _heading(self, heading: Heading) -> dict[str, Any]:
        return {
            "level": heading.level,
            "text": self._text(heading.text),
            "anchor": heading.anchor,
            "number": heading.number,
            "outlined": heading.level == 1 or bool(heading.number),
            "page": "room" if heading.level == 1 else "",
        }

    def _text(self, text: Text) -> list[dict[str, Any]]:
        return [self._run(run) for run in text]

    def _run(self, run: Run) -> dict[str, Any]:
        styles = {name: True for name in ("bold", "italic", "code", "strike", "line_break") if getattr(run, name)}
        anchor = {"anchor": run.anchor} if run.anchor else {}
        return {"text": broken(self._glyphs.shown(run.text)), **styles, **anchor, **self._link(run.link)}

    def _link(self, address: str) -> dict[str, str]:
        if address.startswith("#"):
            return {"label": address[1:]} if address[1:] in self._anchors else {}
        return {"link": address} if re.match(r"(https?://|mailto:)", address) else {}

    def _table(self, table: Table) -> dict[str, Any]:
        rows = [_levelled(row, len(table.header)) for row in table.rows]
        widths, size = column_widths([list(map(plain, row)) for row in (table.header, *rows)])
        return {
            "header": list(map(self._text, table.header)),
            "rows": [{"cells": list(map(self._text, row)), "long": _is_long(row)} for row in rows],
            "aligns": table.aligns,
            "caption": self._text(table.caption),
            "number": table.number,
            "role": table.role if _fits(table) else "",
            "tones": list(map(tone, rows[-1])) if rows else [],
            "widths": widths,
            "size": size,
        }

    def _figure(self, figure: Figure) -> dict[str, Any]:
        return {
            "svg": figure.svg,
            "alt": figure.alt,
            "width": figure.width,
            "height": figure.height,
            "caption": self._text(figure.caption),
            "number": figure.number,
        }


def _runs(block: Block) -> Text:
    if isinstance(block, Paragraph):
        return block.text
    return tuple(run for row in block.rows for cell in row for run in cell) if isinstance(block, Table) else ()


def _levelled(row: Sequence[Text], width: int) -> tuple[Text, ...]:
    return (*row, *[()] * (width - len(row)))[:width]


def _is_long(row: Sequence[Text]) -> bool:
    return any(len(plain(cell)) > _LONG_ROW / len(row) for cell in row)


def _fits(table: Table) -> bool:
    """Whether the table has the shape that its role's form is made for."""
    return {"scores": len(table.rows) == 2, "cover": len(table.header) == 2, "signoff": len(table.header) == 5}.get(
        table.role, True
    )


def _spaced(line: str) -> str:
    """A line of code whose spaces at the beginning stay."""
    stripped = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(stripped)) + stripped.replace("  ", "\u00a0 ")


def column_widths(rows: Sequence[Sequence[str]]) -> tuple[list[float], float]:
    """The widths of a table's columns in points, which add up to the text's width, and the type size.

    Narrow columns get what they need; the others share the rest by how much they hold, but none is narrower than
    its longest piece that cannot be broken.
    """
    columns = list(zip(*rows, strict=True))
    size = 8.5 if len(columns) < 7 else 7.5
    head, body = partial(_measured, size=size, bold=True), partial(_measured, size=size)
    needs = [max([head(column[0]), *map(body, column[1:])]) for column in columns]
    longest = [max(_widest_word(column[:1], head), _widest_word(column[1:], body)) for column in columns]
    least = [max(piece, min(need, _COMFORTABLE)) for piece, need in zip(longest, needs, strict=True)]
    widths = _shared(needs, least, [_weight(column) for column in columns])
    return [round(width, 1) for width in widths], size


def _measured(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a cell with its margins; the sans face has the widths that diagrams are laid out with."""
    return width(text, size, bold=bold) + _MARGINS


def _widest_word(cells: Sequence[str], measure: Callable[[str], float]) -> float:
    return max((measure(piece) for cell in cells for piece in re.split(r"[\s\u200b]+", broken(cell))), default=0.0)


def _weight(column: Sequence[str]) -> float:
    lengths = [len(cell) for cell in column]
    return 1 + math.sqrt(max(lengths) * sum(lengths) / len(lengths))


def _shared(needs: Sequence[float], least: Sequence[float], weights: Sequence[float]) -> list[float]:
    widths: dict[int, float] = {}
    while open_ := [n for n in range(len(needs)) if n not in widths]:
        room = _ROOM - sum(widths.values())
        share = room / len(open_)
        fitting = [n for n in open_ if needs[n] <= min(share, _NARROW if len(open_) > 1 else share)]
        if fitting and len(fitting) < len(open_):
            widths.update((n, needs[n]) for n in fitting)
            continue
        total = sum(weights[n] for n in open_)
        by_weight = {n: room * weights[n] / total for n in open_}
        tight = {n: least[n] for n in open_ if by_weight[n] < least[n]}
        widths.update(tight or by_weight)
    scale = _ROOM / sum(widths.values())
    return [widths[n] * scale for n in range(len(needs))]


_Data = dict[str, Any]


def _with_new_pages(blocks: list[_Data]) -> list[_Data]:
    """A new page for the first chapter, the first appendix and the chapter that is signed."""
    chapters = [n for n, block in enumerate(blocks) if block["kind"] == "heading" and block["level"] == 1]
    appendices = [n for n in chapters if not blocks[n]["number"]]
    signed = [n for n in chapters if any(block.get("role") == "signoff" for block in blocks[n : n + 3])]
    for n in (*chapters[:1], *appendices[:1], *signed):
        blocks[n] = {**blocks[n], "page": "new"}
    return blocks


def _with_landscape_pages(blocks: list[_Data]) -> list[_Data]:
    """Wide pictures moved to landscape pages, together with the heading and sentence just before them."""
    result: list[_Data] = []
    for block in blocks:
        paper, flipped = _sheet(block) if block["kind"] == "figure" else ("", False)
        if flipped:
            before: list[_Data] = []
            while result and len(before) < 3 and _introduces(result[-1]):
                before.insert(0, result.pop())
                if before[0]["kind"] == "heading" and before[0]["level"] < 3:
                    break
            result.append({"kind": "landscape", "paper": paper, "figure": block, "before": before})
        else:
            result.append(block)
    return result


def _introduces(block: _Data) -> bool:
    """Whether a block is a heading, or a short paragraph, which belongs to the picture that follows it."""
    if block["kind"] == "heading":
        return True
    return block["kind"] == "paragraph" and sum(len(run["text"]) for run in block["text"]) < 400


_SHEETS = (("a4", False, _ROOM, 560.0), ("a4", True, 718.0, 400.0), ("a3", True, 1066.0, 650.0))
"""Paper, whether it is turned, and the room on it for a picture in points, the handiest first."""
_READABLE = 0.6
"""The scale at which the smallest writing in our diagrams can still be read on paper."""


def _sheet(figure: _Data) -> tuple[str, bool]:
    """The handiest paper on which a picture can be read, else the one that shows it largest."""
    width, height = figure["width"] * 0.75, figure["height"] * 0.75
    scales = [(min(1.0, across / width, down / height), paper, flipped) for paper, flipped, across, down in _SHEETS]
    _, paper, flipped = next((it for it in scales if it[0] >= _READABLE), max(scales, key=lambda it: it[0]))
    return paper, flipped
