"""YAML, written as a person would write it.

A document is made of Python's values: mappings, lists, strings, numbers, booleans, and values with a tag of the format
that it is for (`Fn`). Text is always data: what YAML could take for something else is quoted, and only `Fn` refers to
something. A comment stands above the value it is the reason for (`Noted`).

The layout is plain block style, two blanks a level; short lists with a tag stand on one line; text of several lines is
a literal block. A library's writer would keep neither comments beside values nor this order without as much code around
it, and takes ten times as long.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

__all__ = ["Beside", "Fn", "Noted", "comment", "document", "scalar"]

_WIDTH = 110
_END = "\n"
_PLAIN = re.compile(r"[A-Za-z/$.][A-Za-z0-9_./$:{}()+*\"'=@,>|&;<\[\] -]*")
_RESERVED = re.compile(r"(?i)(y|n|yes|no|on|off|true|false|null|~|\.inf|\.nan)$")
_SPECIAL = re.compile(r": |:$| #| $|^[.]+$")


@dataclass(frozen=True, slots=True)
class Fn:
    """A value with a tag: `Fn("Ref", "Vpc")` is `!Ref Vpc`, an intrinsic function of CloudFormation."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Noted:
    """A value with the reason for it, which stands above it as a comment."""

    value: Any
    why: str


@dataclass(frozen=True, slots=True)
class Beside:
    """A short value with what it stands for, as a comment on its line: a commit and its version."""

    value: str
    told: str


# --- scalars ---------------------------------------------------------------------------------------------


def scalar(text: str, inline: bool = False) -> str:
    """`text` as YAML reads it back: plain where it can be, else in double quotes. inline: within a list on one line."""
    plain = _PLAIN.fullmatch(text) and not _RESERVED.fullmatch(text) and not _SPECIAL.search(text)
    if plain and not (inline and re.search(r"[:{},\[\]]", text)):
        return text
    return "".join(ch if ch.isprintable() else _code(ch) for ch in json.dumps(text, ensure_ascii=False))


def _code(ch: str) -> str:
    return f"\\u{ord(ch):04x}" if ord(ch) < 0x10000 else f"\\U{ord(ch):08x}"


def _atom(value: Any, inline: bool = False) -> str | None:
    """A value that stands on the line of its key; None = it takes lines of its own."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return f"{value:d}" if isinstance(value, int) else f"{value:.12g}"
    if isinstance(value, str):
        return scalar(value, inline)
    if isinstance(value, Beside):
        return f"{scalar(value.value)} # {next(comment(value.told))[2:]}"
    if isinstance(value, Fn):
        return _function(value, inline)
    if not value:
        return "{}" if isinstance(value, Mapping) else "[]"
    return None


def _function(fn: Fn, inline: bool) -> str | None:
    if isinstance(fn.value, str):
        return f"!{fn.name} {scalar(fn.value, inline)}"
    if isinstance(fn.value, Mapping):
        return None
    shown = [_inline(item) for item in fn.value]
    line = f"!{fn.name} [{', '.join(x or '' for x in shown)}]"
    return line if all(shown) and len(line) < _WIDTH - 30 else None


def _inline(item: Any) -> str | None:
    if isinstance(item, list) and item:
        shown = [_inline(x) for x in item]
        return f"[{', '.join(x or '' for x in shown)}]" if all(shown) else None
    return _atom(item, True)


# --- blocks ----------------------------------------------------------------------------------------------


def comment(text: str, indent: str = "") -> Iterator[str]:
    """The lines of a comment; whatever breaks a line in `text` becomes a blank."""
    plain = " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())
    for line in wrap(plain, _WIDTH - len(indent) - 2, break_long_words=False, break_on_hyphens=False):
        yield f"{indent}# {line}"


def _entries(body: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in body.items():
        plain = value
        if isinstance(value, Noted):
            yield from comment(value.why, indent)
            plain = value.value
        yield from _under(f"{indent}{scalar(key)}:", plain, indent)


def _literal(value: Any) -> bool:
    """Whether a value is text of several lines that a literal block gives back as it is."""
    if not isinstance(value, str) or "\n" not in value.rstrip("\n"):
        return False
    lines = value.removesuffix("\n").split("\n")
    whole = lines[0][:1].strip() and lines[-1] and all(x.isprintable() and x == x.rstrip() for x in lines)
    return bool(whole)


def _under(head: str, value: Any, indent: str) -> Iterator[str]:
    """A key or dash with its value: on the same line, or below it."""
    if _literal(value):
        yield f"{head} {'|' if value.endswith(_END) else '|-'}"
        yield from (f"{indent}  {line}".rstrip() for line in value.removesuffix(_END).split(_END))
        return
    atom = _atom(value)
    if atom is not None:
        yield f"{head} {atom}"
        return
    if isinstance(value, Fn):
        head, value = f"{head} !{value.name}", value.value
    yield head
    yield from _block(value, indent + "  ")


def _block(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _entries(value, indent)
        return
    for item in value:
        yield from _item(item, indent)


def _item(item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, Noted):
        yield from comment(item.why, indent)
        item = item.value
    if isinstance(item, Mapping) and item and not isinstance(next(iter(item.values())), Noted):
        lines = list(_entries(item, indent + "  "))
        yield f"{indent}- {lines[0][len(indent) + 2 :]}"
        yield from lines[1:]
    elif isinstance(item, (list, tuple)) and item:
        yield f"{indent}-"
        yield from _block(item, indent + "  ")
    else:
        yield from _under(f"{indent}-", item, indent)


def document(sections: Iterable[tuple[str, Any]], head: Sequence[str] = (), *, apart: bool = True) -> str:
    """The text of a file: a comment that says what it is, then its sections; with `apart`, the entries of a section
    that maps names to mappings are set apart by blank lines."""
    lines = [line for told in head for line in comment(told)]
    for name, value in sections:
        lines.append("")
        lines += _section(name, value, apart)
    return "\n".join(lines).strip("\n") + "\n"


def _section(name: str, value: Any, apart: bool) -> Iterator[str]:
    if isinstance(value, Noted):
        yield from comment(value.why)
        value = value.value
    if not isinstance(value, Mapping) or not value:
        yield from _under(f"{scalar(name)}:", value, "")
        return
    yield f"{scalar(name)}:"
    for index, (key, entry) in enumerate(value.items()):
        tall = isinstance(entry, (Noted, Mapping))
        if apart and index and tall:
            yield ""
        yield from _entries({key: entry}, "  ")
