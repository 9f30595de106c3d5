"""A notebook as a document: the few kinds of block that every writer knows how to set.

`reader.read` turns an executed notebook into a `Manuscript`; `web`, `typeset` and `plaintext` write it. Text is a
flat tuple of `Run`s, so that no writer needs recursion for it, and everything in a manuscript is still plain text:
escaping is the business of the writer that puts it into HTML or Typst.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = [
    "Block",
    "Code",
    "Figure",
    "Heading",
    "Html",
    "Listing",
    "Manuscript",
    "Notice",
    "Paragraph",
    "Quote",
    "Rule",
    "Run",
    "Table",
    "Text",
    "broken",
    "plain",
    "tone",
    "walk",
]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one style. link: an address or "#anchor"; anchor: what "#anchor" leads to here."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    strike: bool = False
    link: str = ""
    anchor: str = ""
    line_break: bool = False


Text = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """level: 1 for a chapter, never more than one deeper than the heading before; number: "4.2" or ""."""

    level: int
    text: Text
    anchor: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: Text


@dataclass(frozen=True, slots=True)
class Listing:
    """A list; `start` is the number of its first item if it is ordered."""

    items: tuple[tuple[Block, ...], ...]
    ordered: bool = False
    start: int = 1


@dataclass(frozen=True, slots=True)
class Quote:
    """A quotation."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Text whose line breaks and spaces count."""

    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader of the document must know about a cell, such as that it failed."""

    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A line between two thoughts."""


@dataclass(frozen=True, slots=True)
class Table:
    """aligns: "left", "center" or "right" for each column; number: 0 = not numbered, as it has no caption;
    role: "cover", "scores" or "signoff" for a table with a form of its own."""

    header: tuple[Text, ...]
    rows: tuple[tuple[Text, ...], ...]
    aligns: tuple[str, ...]
    caption: Text = ()
    number: int = 0
    role: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture as an <svg> element, at its natural size in CSS pixels. alt: what it says to those who cannot
    see it, never empty."""

    svg: str
    alt: str
    width: float
    height: float
    caption: Text = ()
    number: int = 0


@dataclass(frozen=True, slots=True)
class Html:
    """A cell's HTML, sanitised, and the same in blocks for writers that do not speak it."""

    html: str
    blocks: tuple[Block, ...]


Block = Heading | Paragraph | Listing | Quote | Code | Notice | Rule | Table | Figure | Html


@dataclass(frozen=True, slots=True)
class Manuscript:
    """title: plain text; cover: what stands on the title page below the title; body: everything else;
    language: a BCP 47 tag."""

    title: str
    cover: tuple[Block, ...]
    body: tuple[Block, ...]
    language: str = "en"


def plain(text: Text) -> str:
    """The text without its styles."""
    return "".join(" " if run.line_break else run.text for run in text)


def tone(note: Text) -> str:
    """What a tile of the score strip is to look like, told from its note: "met", "missed" or "plain"."""
    words = plain(note).lower()
    if words.startswith("missed:") or re.match(r"\d+ high", words):
        return "missed"
    return "met" if words.startswith("met:") else "plain"


def broken(text: str) -> str:
    """`text` with a zero-width space where a long word, such as an address, may be broken."""
    return _LONG_WORD.sub(lambda match: "\u200b".join(_pieces(match.group())), text)


_LONG_WORD = re.compile(r"\S{14,}")
_BREAKS = re.compile(r"(?<=[/._\-:=&?,;@+)}\]])(?=\w)")
_LONGEST_WORD = 24
"""Ordinary words, which are shorter, stay whole: names of services read badly with a hyphen in them."""


def _pieces(word: str) -> Iterator[str]:
    for part in _BREAKS.split(word):
        yield from (part[at : at + _LONGEST_WORD] for at in range(0, len(part), _LONGEST_WORD))


def walk(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Every block, and those within quotations, lists and HTML, in reading order."""
    for block in blocks:
        yield block
        if isinstance(block, Quote | Html):
            yield from walk(block.blocks)
        elif isinstance(block, Listing):
            for item in block.items:
                yield from walk(item)
