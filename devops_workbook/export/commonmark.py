"""Markdown to blocks, through mistune's syntax tree.

Raw HTML in Markdown is not HTML any more here: `<a id>` becomes an anchor, `<br>` a line break, and any other tag
is dropped while the text within it stays. Mathematics is shown as it was written. What nests deeper than a page
can show is laid flat, so that hostile nesting meets no limit of a writer.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import mistune

from devops_workbook.export.manuscript import (
    Block,
    Code,
    Figure,
    Heading,
    Listing,
    Paragraph,
    Quote,
    Rule,
    Run,
    Table,
    Text,
    plain,
)
from devops_workbook.export.markup import blocks_of_html

__all__ = ["Picture", "no_picture", "parse"]

Picture = Callable[[str, str], Figure | None]
"""From an image's address and alt text to the picture, None if it cannot be had without a network."""

_PARSER = mistune.create_markdown(renderer="ast", plugins=["table", "strikethrough", "url", "task_lists", "math"])
_ANCHOR = re.compile(r"""<a\s+(?:id|name)\s*=\s*["']?([^"'\s>]+)["']?\s*/?>""", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_CAPTION = re.compile(r"^Table: ")
_DEEPEST = 6
_TOKENS_DEEP = 60


def no_picture(_address: str, _alt: str) -> None:
    """The picture of text that stands alone: none."""


def parse(markdown: str, picture: Picture = no_picture, role: str = "") -> tuple[Block, ...]:
    """The blocks of a Markdown text. A paragraph "Table: ..." before a table is its caption.

    picture: how to get an image; role: given to the tables of the text.
    """
    tokens, _ = _PARSER.parse(markdown)
    assert isinstance(tokens, list)  # the "ast" renderer gives tokens; the others give a string
    return _captioned(_Reader(picture, role).blocks(tokens))


class _Reader:
    def __init__(self, picture: Picture, role: str) -> None:
        self._picture = picture
        self._role = role

    def blocks(self, tokens: Iterable[Mapping[str, Any]], depth: int = 0) -> tuple[Block, ...]:
        return tuple(block for token in tokens for block in self._block(token, depth))

    def _block(self, token: Mapping[str, Any], depth: int) -> tuple[Block, ...]:
        kind = token["type"]
        if kind == "heading":
            return (Heading(token["attrs"]["level"], self.text(token["children"]), ""),)
        if kind in ("paragraph", "block_text"):
            return self._paragraph(token["children"])
        if kind == "list":
            return self._list(token, depth)
        if kind == "block_quote":
            within = self.blocks(token["children"], depth + 1)
            return (Quote(within),) if depth < _DEEPEST else within
        if kind in ("block_code", "block_math"):
            return (Code(token["raw"].rstrip("\n")),)
        if kind == "block_html":
            return blocks_of_html(token["raw"])
        if kind == "table":
            return (self._table(token),)
        return (Rule(),) if kind == "thematic_break" else ()

    def _paragraph(self, tokens: list[Mapping[str, Any]]) -> tuple[Block, ...]:
        if len(tokens) == 1 and tokens[0]["type"] == "image":
            address, alt = tokens[0]["attrs"]["url"], plain(self.text(tokens[0]["children"]))
            if figure := self._picture(address, alt):
                return (figure,)
        return (Paragraph(text),) if (text := self.text(tokens)) else ()

    def _list(self, token: Mapping[str, Any], depth: int) -> tuple[Block, ...]:
        items = [self._item(item, depth) for item in token["children"]]
        if depth >= _DEEPEST:
            return tuple(block for item in items for block in item)
        attrs = token["attrs"]
        return (Listing(tuple(items), attrs["ordered"], attrs.get("start") or 1),)

    def _item(self, token: Mapping[str, Any], depth: int) -> tuple[Block, ...]:
        blocks = self.blocks(token["children"], depth + 1)
        if token["type"] != "task_list_item":
            return blocks
        mark = Run("[x] " if token["attrs"]["checked"] else "[ ] ", code=True)
        if blocks and isinstance(blocks[0], Paragraph):
            return (Paragraph((mark, *blocks[0].text)), *blocks[1:])
        return (Paragraph((mark,)), *blocks)

    def _table(self, token: Mapping[str, Any]) -> Table:
        head, *rest = token["children"]
        rows = [row["children"] for body in rest for row in body["children"]]
        return Table(
            header=tuple(self.text(cell["children"]) for cell in head["children"]),
            rows=tuple(tuple(self.text(cell["children"]) for cell in row) for row in rows),
            aligns=tuple(cell["attrs"]["align"] or "left" for cell in head["children"]),
            role=self._role,
        )

    def text(self, tokens: Iterable[Mapping[str, Any]]) -> Text:
        """Inline tokens as runs; neighbours in the same style are one run."""
        merged: list[Run] = []
        for run in self._runs(tokens, Run(""), 0):
            same_style = merged and replace(merged[-1], text="") == replace(run, text="")
            if same_style and not (run.anchor or run.line_break):
                merged[-1] = replace(run, text=merged[-1].text + run.text)
            elif run.text or run.anchor or run.line_break:
                merged.append(run)
        return tuple(merged)

    def _runs(self, tokens: Iterable[Mapping[str, Any]], style: Run, depth: int) -> Iterable[Run]:
        for token in tokens:
            if "children" in token:
                inner = _styled(token, style)
                if depth < _TOKENS_DEEP:
                    yield from self._runs(token["children"], inner, depth + 1)
            else:
                yield from _leaf(token, style)


def _styled(token: Mapping[str, Any], style: Run) -> Run:
    kind = token["type"]
    if kind == "link":
        return replace(style, link=style.link or html.unescape(token["attrs"]["url"]))
    return replace(
        style,
        bold=style.bold or kind == "strong",
        italic=style.italic or kind == "emphasis",
        strike=style.strike or kind == "strikethrough",
    )


def _leaf(token: Mapping[str, Any], style: Run) -> Iterable[Run]:
    kind, raw = token["type"], token.get("raw", "")
    if kind == "softbreak":
        yield replace(style, text=" ")
    elif kind == "linebreak":
        yield replace(style, line_break=True)
    elif kind == "codespan":
        yield replace(style, text=raw, code=True)
    elif kind in ("inline_math", "block_math"):
        fence = "$" if kind == "inline_math" else "$$"
        yield replace(style, text=f"{fence}{raw}{fence}", code=True)
    elif kind == "inline_html":
        yield from _inline_html(raw, style)
    else:
        yield replace(style, text=html.unescape(raw))


def _inline_html(raw: str, style: Run) -> Iterable[Run]:
    if match := _ANCHOR.match(raw):
        yield replace(style, anchor=html.unescape(match[1]), link="")
    elif _BREAK.match(raw):
        yield replace(style, line_break=True)


def _captioned(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Paragraphs "Table: ..." joined to the table that follows them."""
    result: list[Block] = []
    for block in blocks:
        before = result[-1] if result else None
        if isinstance(block, Table) and isinstance(before, Paragraph) and _CAPTION.match(plain(before.text)):
            first, *rest = before.text
            result[-1] = replace(block, caption=(replace(first, text=_CAPTION.sub("", first.text)), *rest))
        else:
            result.append(block)
    return tuple(result)
