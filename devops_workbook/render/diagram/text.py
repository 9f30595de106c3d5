"""Text for pictures: how wide it is, where it breaks, and how it becomes harmless XML.

The layout must come out the same on every machine, so no font of the machine is asked. Widths are those of
Helvetica (Arial and Liberation Sans share them) with some slack for the fonts that stand in for it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from devops_workbook.render.text import PICTURES

__all__ = ["FONT", "ellipsis", "escape", "width", "wrap"]

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"

# Adobe's font metrics of Helvetica and Helvetica-Bold, thousandths of an em, for the characters 32 to 126.
_REGULAR = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667,
    556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556,
    556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722,
    500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
_BOLD = (
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722,
    611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556,
    611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778,
    556, 556, 500, 389, 280, 389, 584,
)  # fmt: skip
_OTHER = {"×": 584, "·": 278, "…": 1000, "→": 1000, "–": 556, "—": 1000, "’": 222, "\u00a0": 278}
_WIDE, _EMOJI, _UNKNOWN = 1000, 1300, 760
_SLACK = 1.05
_LONGEST = 600
"""No picture shows more characters of one text than this; cutting first keeps wrapping linear."""
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_BREAKS = re.compile("[\t\n\r\x0b\x0c\x85\u2028\u2029]")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_HINGES = "-/_.:,"
_JOINERS = "\u200d\ufe0f"


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of `text` in points at font size `size`, a little generous."""
    return sum(_advance(character, bold) for character in text) * size * _SLACK / 1000


def wrap(text: str, size: float, room: float, lines: int, *, bold: bool = False) -> tuple[str, ...]:
    """`text` in at most `lines` lines no wider than `room` points; "…" ends a text that did not fit.

    Lines break at spaces that may break. A word wider than a line is broken within. Control characters are made
    visible. A blank text gives no lines.
    """
    words = [word for word in _visible(text[:_LONGEST]).split(" ") if word]
    broken: list[str] = []
    for word in words:
        broken.extend(_pieces(word, size, room, bold))
    rows: list[str] = []
    for piece in broken:
        joined = f"{rows[-1]} {piece}" if rows else piece
        if rows and width(joined, size, bold=bold) <= room:
            rows[-1] = joined
        else:
            rows.append(piece)
        if len(rows) > lines:
            break
    if len(rows) <= lines and len(text) <= _LONGEST:
        return tuple(rows)
    kept = rows[:lines]
    return (*kept[:-1], _shorten(kept[-1], size, room, bold))


def ellipsis(text: str, characters: int) -> str:
    """`text` on one line, cut to at most `characters`, ending in "…" if anything was cut."""
    line = " ".join(_visible(text[: characters * 2]).split())
    whole = len(line) <= characters and len(text) <= characters * 2
    return line if whole else _trim(line[: characters - 1]) + "…"


def escape(text: str) -> str:
    """`text` as XML character data or attribute value: what XML gives a meaning to is escaped, and
    characters that XML 1.0 forbids are replaced by visible ones."""
    return _legal(text).translate(_ENTITIES)


@lru_cache(maxsize=4096)
def _advance(character: str, bold: bool) -> int:
    """The advance width of one character in thousandths of an em."""
    code = ord(character)
    if 32 <= code <= 126:
        return (_BOLD if bold else _REGULAR)[code - 32]
    if character in _OTHER:
        return _OTHER[character]
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    if code >= 0x1F000:
        return _EMOJI
    if unicodedata.east_asian_width(character) in "WF":
        return _WIDE
    base = unicodedata.normalize("NFD", character)[0]
    return _advance(base, bold) if base != character else _UNKNOWN


def _visible(text: str) -> str:
    """`text` with line breaks and tabs as spaces, and every other control character visible."""
    return _legal(_BREAKS.sub(" ", text))


def _legal(text: str) -> str:
    """`text` with something visible in place of each character that XML 1.0 forbids or that only controls."""
    return _FORBIDDEN.sub(lambda found: PICTURES.get(ord(found[0]), "\ufffd"), text)


def _pieces(word: str, size: float, room: float, bold: bool) -> list[str]:
    """`word`, broken into pieces that each fit into `room`, after punctuation where there is some."""
    pieces = []
    while width(word, size, bold=bold) > room:
        fitting = 1
        used = width(word[0], size, bold=bold)
        while used + (advance := width(word[fitting], size, bold=bold)) <= room:
            used += advance
            fitting += 1
        hinge = max(word.rfind(mark, 0, fitting) for mark in _HINGES) + 1
        cut = hinge if hinge > fitting // 3 else fitting
        pieces.append(word[:cut])
        word = word[cut:]
    return [*pieces, word]


def _shorten(line: str, size: float, room: float, bold: bool) -> str:
    """`line` with "…" after it, cut until both fit into `room`."""
    while line and width(line + "…", size, bold=bold) > room:
        line = line[:-1]
    return _trim(line) + "…"


def _trim(line: str) -> str:
    """`line` without a joiner left over at its end, which would bind to whatever is put after it."""
    return line.rstrip(_JOINERS + " ")
