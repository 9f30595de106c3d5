"""Reads an executed notebook into a `Manuscript`.

Code and prompts are left out; Markdown cells and outputs are kept, in order. Of each output the richest form that
needs no script is taken. A picture's alternative text, caption and a table's role travel in the output's metadata,
where viewers that know nothing of them are not disturbed:

    {"image/svg+xml": {"alt": "...", "caption": "..."}, "text/markdown": {"role": "scores"}}

What stands before the first chapter of an output with the role "cover" is the title page. Any other notebook
is titled by its only level-1 heading, its metadata or its file name.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import chain, count
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from nbconvert.filters import strip_ansi
from PIL import Image

from devops_workbook.export.commonmark import Picture, parse
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
    plain,
)
from devops_workbook.export.markup import SvgError, blocks_of_html, safe_html, safe_svg, svg_alt, svg_size

__all__ = ["read"]

_IMAGE_LIMIT = 50 * 1024 * 1024
_DEEPEST_HEADING = 5
_APPENDIX = re.compile(r"Appendix\b")
_WIDGET = "application/vnd.jupyter.widget-view+json"


def read(notebook: Mapping[str, Any], name: str = "", folder: Path | None = None) -> Manuscript:
    """The document in a notebook (nbformat 4).

    name: what to call it if it does not say; folder: where its relative image addresses are looked up, None =
    nowhere. Nothing is fetched and nothing outside `folder` is read.
    """
    pieces = [piece for cell in notebook["cells"] for piece in _cell(cell, folder)]
    cover = next((blocks for role, blocks in pieces if role == "cover"), ())
    body = [block for role, blocks in pieces if role != "cover" for block in blocks]
    metadata = notebook.get("metadata", {})
    title, cover, body, found = _titled(cover, body, str(metadata.get("title", "")) or name)
    shallowest = min((block.level for block in body if isinstance(block, Heading)), default=1)
    numbering = _Numbering()
    cover, body = numbering.blocks(cover), list(_structured(body, 2 if found else shallowest))
    return Manuscript(title, cover, numbering.blocks(body), _language(metadata))


def _language(metadata: Mapping[str, Any]) -> str:
    language = str(metadata.get("lang", "en"))
    return language if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", language) else "en"


_Piece = tuple[str, tuple[Block, ...]]


def _cell(cell: Mapping[str, Any], folder: Path | None) -> Iterable[_Piece]:
    """(role, blocks) of a Markdown cell or of each output of a code cell. Raw cells are for other exporters."""
    if cell["cell_type"] == "markdown":
        yield "", parse(_joined(cell["source"]), _pictures(cell.get("attachments", {}), folder))
    elif cell["cell_type"] == "code":
        for output in cell.get("outputs", ()):
            yield _output(output, folder)


def _joined(text: Any) -> str:
    return text if isinstance(text, str) else "".join(text)


def _output(output: Mapping[str, Any], folder: Path | None) -> _Piece:
    kind = output["output_type"]
    if kind == "stream":
        return "", _text(_joined(output["text"]))
    if kind == "error":
        return "", (_failure(output),)
    data, metadata = output.get("data", {}), output.get("metadata", {})
    for mime, form in _FORMS.items():
        if mime in data:
            details = metadata.get(mime, {})
            shown = _Shown(data, mime, details if isinstance(details, Mapping) else {}, folder)
            return shown.role, form(shown)
    return "", ()


def _failure(output: Mapping[str, Any]) -> Notice:
    error = f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"
    return Notice(f"A cell of the notebook ended with an error, so its content is missing here. {_unstyled(error)}")


def _unstyled(text: str) -> str:
    return str(strip_ansi(text))  # type: ignore[no-untyped-call]


def _text(text: str) -> tuple[Block, ...]:
    text = _unstyled(text).expandtabs(4).rstrip()
    return (Code(text),) if text else ()


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a cell displayed: its data by MIME type, the type that was chosen, and that type's metadata."""

    data: Mapping[str, Any]
    mime: str
    details: Mapping[str, Any]
    folder: Path | None

    @property
    def content(self) -> str:
        return _joined(self.data[self.mime])

    @property
    def role(self) -> str:
        return str(self.details.get("role", ""))

    @property
    def alt(self) -> str:
        return str(self.details.get("alt", ""))

    @property
    def caption(self) -> Text:
        caption = str(self.details.get("caption", ""))
        return (Run(caption),) if caption else ()


def _from_markdown(shown: _Shown) -> tuple[Block, ...]:
    return parse(shown.content, _pictures({}, shown.folder), shown.role)


def _from_svg(shown: _Shown) -> tuple[Block, ...]:
    try:
        return (_svg_figure(shown.content, shown.alt, shown.caption),)
    except SvgError as error:
        return (Notice(f"A picture of the notebook is left out: {error}."),)


def _svg_figure(svg: str, alt: str, caption: Text = ()) -> Figure:
    width, height = svg_size(svg)
    return Figure(svg, alt or svg_alt(svg), width, height, caption)


def _from_raster(shown: _Shown) -> tuple[Block, ...]:
    try:
        content = base64.b64decode(shown.content)
    except binascii.Error:
        content = b""
    figure = _raster_figure(content, shown.alt, shown.caption)
    return (figure,) if figure else (Notice("A picture of the notebook is left out: it cannot be read."),)


def _raster_figure(content: bytes, alt: str, caption: Text = ()) -> Figure | None:
    """A PNG, JPEG, GIF or WebP inside an <svg>, so that writers know one kind of picture only."""
    try:
        with Image.open(BytesIO(content)) as image:
            width, height, mime = image.width, image.height, Image.MIME[image.format or ""]
    except (OSError, KeyError, Image.DecompressionBombError):
        return None
    address = f"data:{mime};base64,{base64.b64encode(content).decode()}"
    size = f'width="{width}" height="{height}"'
    picture = f'<image {size} href="{address}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}">{picture}</svg>'
    return Figure(svg, alt, width, height, caption)


_CONTROL = Notice("The notebook shows an interactive control here, which has no printed form.")


def _from_html(shown: _Shown) -> tuple[Block, ...]:
    # The HTML beside a widget is its first state: printed, it would contradict what the reader of Lab saw.
    if _WIDGET in shown.data:
        return (_CONTROL,)
    html = safe_html(shown.content)
    blocks = blocks_of_html(html) or _text(_joined(shown.data.get("text/plain", "")))
    return (Html(html, blocks),) if html.strip() else blocks


def _from_json(shown: _Shown) -> tuple[Block, ...]:
    return _text(json.dumps(shown.data[shown.mime], indent=2, ensure_ascii=False))


def _from_text(shown: _Shown) -> tuple[Block, ...]:
    if _WIDGET in shown.data:
        return (_CONTROL,)
    return _text(shown.content)


_FORMS: dict[str, Callable[[_Shown], tuple[Block, ...]]] = {
    "text/markdown": _from_markdown,
    "image/svg+xml": _from_svg,
    "image/png": _from_raster,
    "image/jpeg": _from_raster,
    "image/gif": _from_raster,
    "text/html": _from_html,
    "text/latex": _from_text,
    "application/json": _from_json,
    "text/plain": _from_text,
}
"""How an output becomes blocks, the form to be preferred first."""


def _pictures(attachments: Mapping[str, Any], folder: Path | None) -> Picture:
    """Finds the pictures that Markdown names: attached to the cell, written into it, or beside the notebook."""

    def picture(address: str, alt: str) -> Figure | None:
        content = _picture_bytes(address, attachments, folder)
        if content is None:
            return None
        if content.lstrip()[:5] in (b"<svg ", b"<?xml", b"<svg>"):
            try:
                return _svg_figure(content.decode(errors="replace"), alt)
            except SvgError:
                return None
        return _raster_figure(content, alt)

    return picture


def _picture_bytes(address: str, attachments: Mapping[str, Any], folder: Path | None) -> bytes | None:
    address = unquote(address)
    try:
        if address.startswith("attachment:"):
            return base64.b64decode(_joined(next(iter(attachments[address.removeprefix("attachment:")].values()))))
        if match := re.match(r"data:image/[\w.+-]+;base64,", address):
            return base64.b64decode(address[match.end() :])
        return None if folder is None or ":" in address else _local_picture(folder, address)
    except (KeyError, StopIteration, binascii.Error, OSError, ValueError):
        return None


def _local_picture(folder: Path, address: str) -> bytes | None:
    path = (folder / address).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file() or path.stat().st_size > _IMAGE_LIMIT:
        return None
    return path.read_bytes()


def _titled(cover: tuple[Block, ...], body: list[Block], name: str) -> tuple[str, tuple[Block, ...], list[Block], bool]:
    """Title, title page, body without the heading that gave the title, and whether a heading gave it."""
    headings = [block for block in cover or body if isinstance(block, Heading) and (cover or block.level == 1)]
    if len(headings) != 1:
        return name.strip() or "Document", cover, body, bool(cover)
    title = plain(headings[0].text).strip() or name
    rest = tuple(block for block in cover if block is not headings[0])
    return title, rest, [block for block in body if block is not headings[0]], True


def _structured(body: list[Block], base: int) -> Iterable[Block]:
    """Headings without gaps in their levels and, outside appendices, with a number. `base` is a chapter's level."""
    counts: list[int] = []
    in_appendix = False
    for block in body:
        if not isinstance(block, Heading):
            yield block
            continue
        level = min(max(1, block.level - base + 1), len(counts) + 1, _DEEPEST_HEADING)
        counts = [*counts[:level], *[0] * (level - len(counts))]
        in_appendix = bool(_APPENDIX.match(plain(block.text))) if level == 1 else in_appendix
        # Appendices carry their letter in their text and do not use up a chapter's number.
        counts[-1] += 0 if in_appendix and level == 1 else 1
        yield replace(block, level=level, number="" if in_appendix else ".".join(map(str, counts)))


class _Numbering:
    """Numbers figures and captioned tables, and makes anchors and the ids within pictures unique."""

    def __init__(self) -> None:
        self._figures = self._tables = 0
        self._anchors: set[str] = set()

    def blocks(self, blocks: Iterable[Block]) -> tuple[Block, ...]:
        return tuple(map(self._block, blocks))

    def _block(self, block: Block) -> Block:
        if isinstance(block, Heading):
            return self._heading(block)
        if isinstance(block, Paragraph):
            return Paragraph(self._text(block.text))
        if isinstance(block, Figure):
            return self._figure(block)
        if isinstance(block, Table):
            return self._table(block)
        if isinstance(block, Quote | Html):
            return replace(block, blocks=self.blocks(block.blocks))
        return replace(block, items=tuple(map(self.blocks, block.items))) if isinstance(block, Listing) else block

    def _heading(self, heading: Heading) -> Heading:
        own = next((run.anchor for run in heading.text if run.anchor), "")
        wished = own or plain(heading.text).strip().replace(" ", "-") or "section"
        candidates = chain([wished], (f"{wished}-{n}" for n in count(1)))
        anchor = next(candidate for candidate in candidates if candidate not in self._anchors)
        self._anchors.add(anchor)
        return replace(heading, anchor=anchor, text=tuple(run for run in heading.text if not run.anchor))

    def _text(self, text: Text) -> Text:
        kept = [run for run in text if run.anchor not in self._anchors or run.text]
        self._anchors.update(run.anchor for run in kept if run.anchor)
        return tuple(kept)

    def _figure(self, figure: Figure) -> Figure:
        self._figures += 1
        alt = figure.alt.strip() or plain(figure.caption) or f"Figure {self._figures} of the notebook, not described"
        svg = safe_svg(figure.svg, f"figure-{self._figures}-")
        return replace(figure, svg=svg, alt=alt, number=self._figures)

    def _table(self, table: Table) -> Table:
        self._tables += bool(table.caption)
        rows = tuple(tuple(map(self._text, row)) for row in table.rows)
        return replace(table, rows=rows, number=self._tables if table.caption else 0)
