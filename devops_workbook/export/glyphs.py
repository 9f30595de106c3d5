"""Which characters can be printed, and what stands in for those that cannot.

Typst carries three families of its own and we add a sans; they hold Latin, Greek, Cyrillic and the usual symbols.
For anything else the fonts of the machine are asked. A character that is in none of them is never dropped: it is
written by its name or code point in square brackets, and a note at the end of the document says so.

Typst checks under PDF/UA that every character can be shown; that check is used as the probe.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import typst

from devops_workbook.export.manuscript import Block, Paragraph, Run

__all__ = ["Glyphs", "TypesettingError", "compile_with"]

_FONTS = Path(str(files("devops_workbook.export").joinpath("fonts")))
_STANDARDS: tuple[typst.PDFStandard, ...] = ("ua-1",)
_PLAIN = 0x80
_MISSING = re.compile(r'the text `"(.*?)"` could not be displayed', re.DOTALL)
_PROBE = b'#set document(title: "probe", date: none)\n#sys.inputs.text.clusters().join(linebreak())'
_TRIES = 40


class TypesettingError(RuntimeError):
    """Typst could not set the document; the message says why."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """missing: characters that no font has; system: whether the machine's own fonts are needed."""

    missing: frozenset[str] = frozenset()
    system: bool = False

    def shown(self, text: str) -> str:
        """`text` with a stand-in for every character that cannot be shown."""
        if self.missing.isdisjoint(text):
            return text
        return "".join(stand_in(c) if c in self.missing else c for c in text)

    def colophon(self) -> tuple[Block, ...]:
        """The note about what could not be shown; nothing if everything can."""
        if not self.missing:
            return ()
        note = (
            "Some characters of this document are in no font of the machine that made it. They are written by their "
            "name or code point in square brackets. Install a font that has them and export again."
        )
        return (Paragraph((Run(note, italic=True),)),)


def stand_in(character: str) -> str:
    """What is printed instead of a character: "[grinning face]" for a symbol, "[U+4E2D]" for a letter."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc"):
        return ""
    name = unicodedata.name(character, "")
    is_symbol = unicodedata.category(character).startswith("S") and name
    return f"[{name.lower()}]" if is_symbol else f"[U+{ord(character):04X}]"


def compile_with(template: bytes, document: Callable[[Glyphs], str], text: str) -> bytes:
    """The PDF of `template`, whose input `document` gives for the glyphs there are; `text` is all it shows.

    Raises TypesettingError.
    """
    glyphs = _glyphs_for(text)
    for _ in range(_TRIES):
        try:
            return _compile(template, {"document": document(glyphs)}, glyphs.system)
        except typst.TypstError as error:
            # Single characters that can be shown may still have no glyph together: those are stood in for too. A
            # plain one cannot be, because stand-ins are written with them.
            found = _missing(error) - glyphs.missing
            if not found or min(map(ord, found)) < _PLAIN:
                break
            glyphs = Glyphs(glyphs.missing | found, system=True)
    return _unchecked(template, {"document": document(glyphs)})


def _unchecked(template: bytes, inputs: dict[str, str]) -> bytes:
    """The PDF without the check of PDF/UA, which mixed writing directions can fail although all can be read."""
    try:
        return _compile(template, inputs, system=True, standards=[])
    except typst.TypstError as error:
        raise TypesettingError(f"the PDF could not be set: {error.message}") from None


def _compile(
    source: bytes, inputs: dict[str, str], system: bool, standards: Sequence[typst.PDFStandard] = _STANDARDS
) -> bytes:
    fonts = typst.Fonts(include_system_fonts=system, font_paths=[_FONTS])
    compiler = typst.Compiler(source, font_paths=fonts, sys_inputs=inputs)
    pdf = compiler.compile(format="pdf", pdf_standards=list(standards))
    assert isinstance(pdf, bytes)  # a list is for formats with one file a page
    return pdf


def _missing(error: typst.TypstError) -> frozenset[str]:
    match = _MISSING.search(error.message)
    return frozenset(_unescaped(match[1])) if match else frozenset()


def _unescaped(text: str) -> str:
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda match: chr(int(match[1], 16)), text)


def _glyphs_for(text: str) -> Glyphs:
    """The glyphs for a text: our own fonts if they suffice, else those of the machine too."""
    unusual = frozenset(c for c in text if ord(c) > 0xFF)
    if not _unprintable(unusual, system=False, first=True):
        return Glyphs()
    return Glyphs(_unprintable(unusual, system=True), system=True)


def _unprintable(characters: frozenset[str], *, system: bool, first: bool = False) -> frozenset[str]:
    """The characters that have no glyph; only one of them if `first`."""
    missing: frozenset[str] = frozenset()
    while rest := characters - missing:
        try:
            _compile(_PROBE, {"text": "".join(sorted(rest))}, system)
        except typst.TypstError as error:
            found = _missing(error)
            if not found:
                raise TypesettingError(f"the fonts could not be asked: {error.message}") from None
            missing |= found
            if first:
                break
            missing |= _neighbours(missing, rest)
        else:
            break
    return missing


def _neighbours(missing: frozenset[str], rest: frozenset[str]) -> frozenset[str]:
    """Characters of a row of 128 in which eight have failed: a font that lacks so many lacks the script."""
    rows = [ord(c) >> 7 for c in missing]
    lacking = {row for row in rows if rows.count(row) >= 8}
    return frozenset(c for c in rest if ord(c) >> 7 in lacking)
