"""A manuscript as one Markdown file, with its pictures within as data addresses.

What a viewer that shows no such pictures loses stands in the text too: the pictures' alternative text, and, in our own
documents, the same content as tables.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote

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
)
from devops_workbook.render.markdown import anchor, escape, join, table

__all__ = ["markdown"]


def markdown(manuscript: Manuscript) -> str:
    """The manuscript as the text of a Markdown file."""
    return join(f"# {escape(manuscript.title)}", _blocks(manuscript.cover), _blocks(manuscript.body)) + "\n"


def _blocks(blocks: Iterable[Block]) -> str:
    return join(*map(_block, blocks))


def _block(block: Block) -> str:
    match block:
        case Heading():
            number = f"{block.number} " if block.number else ""
            return f"{'#' * (block.level + 1)} {anchor(_fragment(block.anchor))}{number}{_text(block.text)}"
        case Paragraph():
            return _text(block.text)
        case Listing():
            return _listing(block)
        case Quote():
            return _prefixed("> ", _blocks(block.blocks))
        case Code():
            return _fenced(block.text)
        case Notice():
            return f"> **Note.** {escape(block.text)}"
        case Table():
            return _table(block)
        case Figure():
            return _figure(block)
        case Html():
            return _blocks(block.blocks)
        case _:
            return "---"


def _listing(listing: Listing) -> str:
    marks = (f"{n}. " if listing.ordered else "- " for n in range(listing.start, listing.start + len(listing.items)))
    items = (_hanging(mark, _blocks(item)) for mark, item in zip(marks, listing.items, strict=True))
    simple = all(len(item) == 1 and isinstance(item[0], Paragraph) for item in listing.items)
    return ("\n" if simple else "\n\n").join(items)


def _hanging(mark: str, text: str) -> str:
    return mark + text.replace("\n", "\n" + " " * len(mark))


def _prefixed(prefix: str, text: str) -> str:
    return "\n".join(f"{prefix}{line}".rstrip() for line in text.split("\n"))


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _table(block: Table) -> str:
    right = [n for n, side in enumerate(block.aligns) if side == "right"]
    caption = f"{block.number}. {_text(block.caption)}" if block.number else ""
    rows = [list(map(_text, row)) for row in block.rows]
    return table(list(map(_text, block.header)), rows, caption=caption, right=right)


def _figure(figure: Figure) -> str:
    data = base64.b64encode(figure.svg.encode()).decode()
    picture = f"![{escape(figure.alt)}](data:image/svg+xml;base64,{data})"
    return join(picture, f"*Figure {figure.number}.* {_text(figure.caption)}")


def _text(text: Text) -> str:
    return "".join(map(_run, text))


def _run(run: Run) -> str:
    if run.line_break:
        return "<br>"
    it = _with_outer_spaces(run)
    if run.link.startswith("#"):
        it = f"[{it}](#{_fragment(run.link[1:])})"
    elif re.match(r"(https?://|mailto:)", run.link):
        it = f"[{it}]({quote(run.link, safe=':/?#@!$&+,;=%~')})"
    return (anchor(_fragment(run.anchor)) if run.anchor else "") + it


def _fragment(anchor: str) -> str:
    """An anchor as it can stand in an address and in an attribute alike."""
    return quote(anchor, safe=":")


def _with_outer_spaces(run: Run) -> str:
    """The text in its style; spaces at its ends stay outside, where emphasis may end."""
    inner = run.text.strip()
    if not inner:
        return run.text
    before, _, after = run.text.partition(inner)
    return f"{before}{_styled(inner, run)}{after}"


def _styled(text: str, run: Run) -> str:
    it = _code_span(text) if run.code else escape(text)
    for mark, wanted in (("**", run.bold), ("*", run.italic), ("~~", run.strike)):
        it = f"{mark}{it}{mark}" if wanted else it
    return it


def _code_span(text: str) -> str:
    # An entity would be shown as it is in code, so what a table or a code span cannot hold is set as text.
    return escape(text) if re.search(r"[`|]", text) else f"`{text}`"
