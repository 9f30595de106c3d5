"""Terraform's language (HCL), written as `terraform fmt` would write it.

A file is a sequence of blocks; a block has labels and a body; a body has attributes and further blocks, in the order
in which they are given. Values are Python's: strings, numbers, booleans, None, lists, mappings, and expressions
(`Ref`, `call`, `template`). Strings are always data: what would start an interpolation in them is escaped, so free
text can say what it likes; only an expression refers to something.

Names and keys are the program's own, in ASCII. The layout follows the formatter's rules: two blanks for each open
bracket, the equals signs of neighbouring one-line attributes in one column, a blank line around what takes several
lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, TypeAlias

__all__ = [
    "Bare",
    "Block",
    "Expr",
    "Nested",
    "Noted",
    "Ref",
    "Value",
    "assignments",
    "call",
    "comment",
    "quoted",
    "raw",
    "render",
    "template",
]

_WIDTH = 110
_ONE_LINE = 1 << 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


# --- expressions -----------------------------------------------------------------------------------------


class Expr:
    """Something that Terraform works out."""


class Ref(Expr):
    """A reference, or any other expression of one line: `Ref("aws_vpc.this").id`, `Ref("var.zones")[0]`."""

    def __init__(self, hcl: str) -> None:
        self._hcl = hcl

    def __getattr__(self, name: str) -> Ref:
        if name.startswith("__"):
            raise AttributeError(name)
        return Ref(f"{self._hcl}.{name}")

    def __getitem__(self, key: str | int) -> Ref:
        return Ref(f"{self._hcl}[{quoted(key) if isinstance(key, str) else key}]")

    def __str__(self) -> str:
        return self._hcl

    def __repr__(self) -> str:
        return f"Ref({self._hcl!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and str(other) == self._hcl

    def __hash__(self) -> int:
        return hash(self._hcl)


def raw(hcl: str) -> Ref:
    """An expression of one line, given as it stands: `raw("[for s in var.subnets : s.id]")`. Never free text."""
    return Ref(hcl)


@dataclass(frozen=True, slots=True)
class _Call(Expr):
    function: str
    arguments: tuple[Any, ...]


def call(function: str, *arguments: Value) -> Expr:
    """A function's call: `call("jsonencode", {"Version": "2012-10-17"})`."""
    return _Call(function, arguments)


@dataclass(frozen=True, slots=True)
class _Template(Expr):
    parts: tuple[str | Ref, ...]


def template(*parts: str | Ref) -> Expr:
    """A string put together from text and references: `template("arn:aws:s3:::", bucket, "/*")`."""
    return _Template(parts)


@dataclass(frozen=True, slots=True)
class Noted:
    """A value with the reason for it, which stands above it as a comment."""

    value: Value
    why: str


class Bare(str):
    """A key that stands without quotes whatever is in it: `aws.second`, in the providers that a module is given."""

    __slots__ = ()


class Nested:
    """A block inside a block: `versioning_configuration=Nested(status="Enabled")`; several in a list repeat it.
    `label` makes it a labelled block, as in `dynamic "setting" { ... }`."""

    def __init__(self, label: str = "", /, **body: Any) -> None:
        self.label, self.body = label, body


Value: TypeAlias = "str | bool | int | float | Expr | Noted | Nested | Sequence[Value] | Mapping[str, Value] | None"


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a file. why: a comment above it, one paragraph a string; inside: comments that a checker looks for
    inside the block, one line each."""

    type: str
    labels: tuple[str, ...]
    body: Mapping[str, Any]
    why: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()


# --- text ------------------------------------------------------------------------------------------------

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escaped(text: str) -> str:
    plain = "".join(_ESCAPES.get(ch, ch if ch.isprintable() else _code(ch)) for ch in text)
    return plain.replace("${", "$${").replace("%{", "%%{")


def _code(ch: str) -> str:
    return f"\\u{ord(ch):04x}" if ord(ch) < 0x10000 else f"\\U{ord(ch):08x}"


def quoted(text: str) -> str:
    """A string literal that says exactly `text`, with nothing in it interpolated."""
    return f'"{_escaped(text)}"'


def comment(text: str, indent: str = "", width: int = _WIDTH) -> Iterator[str]:
    """The lines of a comment; whatever breaks a line in `text` becomes a blank."""
    plain = " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())
    for line in wrap(plain, width - len(indent) - 2, break_long_words=False, break_on_hyphens=False):
        yield f"{indent}# {line}"


# --- values ----------------------------------------------------------------------------------------------


def _value(value: Any, indent: str) -> str:
    """A value as it stands behind an equals sign, further lines indented below `indent`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:d}" if isinstance(value, int) else f"{value:.12g}"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Expr):
        return _expression(value, indent)
    if isinstance(value, Mapping):
        return _object(value, indent)
    return _list(list(value), indent)


def _expression(value: Expr, indent: str) -> str:
    if isinstance(value, _Call):
        return _called(value, indent)
    if isinstance(value, _Template):
        parts = (_escaped(p) if isinstance(p, str) else f"${{{p}}}" for p in value.parts)
        return f'"{"".join(parts)}"'
    return str(value)


def _called(value: _Call, indent: str) -> str:
    """A call on one line, or, where an argument before the last one is long, with a line for each."""
    shown = [_value(argument, indent) for argument in value.arguments]
    if not any("\n" in text for text in shown[:-1]):
        return f"{value.function}({', '.join(shown)})"
    deeper = indent + "  "
    lines = (f"{deeper}{_value(argument, deeper)}," for argument in value.arguments)
    return "\n".join([f"{value.function}(", *lines, f"{indent})"])


def _list(items: Sequence[Any], indent: str) -> str:
    deeper = indent + "  "
    shown = [_value(item.value if isinstance(item, Noted) else item, deeper) for item in items]
    line = f"[{', '.join(shown)}]"
    short = len(indent) + len(line) <= _WIDTH - 20 and not any(isinstance(item, Noted) for item in items)
    if "\n" not in line and short:
        return line
    lines = ["["]
    for item, text in zip(items, shown, strict=True):
        lines += comment(item.why, deeper) if isinstance(item, Noted) else ()
        lines.append(f"{deeper}{text},")
    return "\n".join([*lines, f"{indent}]"])


def _object(entries: Mapping[str, Any], indent: str) -> str:
    if not entries:
        return "{}"
    pairs = ((_key(key), value) for key, value in entries.items())
    return "\n".join(["{", *_aligned(pairs, indent + "  "), f"{indent}}}"])


def _key(key: Any) -> str:
    if isinstance(key, Expr):
        return f"({_expression(key, '')})"
    return key if isinstance(key, Bare) or _NAME.fullmatch(key) else quoted(key)


def _aligned(pairs: Iterable[tuple[str, Any]], indent: str) -> Iterator[str]:
    """Lines of `name = value`; the equals signs of neighbours that take one line each stand in one column."""
    run: list[tuple[str, str]] = []
    for name, value in pairs:
        plain = value.value if isinstance(value, Noted) else value
        told = list(comment(value.why, indent)) if isinstance(value, Noted) else []
        text = _value(plain, indent)
        if told or "\n" in text:
            yield from _flushed(run, indent)
            yield from told
        if "\n" in text:
            yield f"{indent}{name} = {text}"
        else:
            run.append((name, text))
    yield from _flushed(run, indent)


def _flushed(run: list[tuple[str, str]], indent: str) -> Iterator[str]:
    width = max((len(name) for name, _ in run), default=0)
    yield from [f"{indent}{name:<{width}} = {text}" for name, text in run]
    run.clear()


# --- blocks ----------------------------------------------------------------------------------------------

_FIRST, _LAST = ("provider", "providers", "count", "for_each"), ("depends_on", "lifecycle")


def _body(body: Mapping[str, Any], indent: str) -> Iterator[str]:
    """The lines of a body: what says how often it exists, attributes, blocks, what says when it is made."""
    groups = [
        [(k, v) for k, v in body.items() if k in _FIRST],
        [(k, v) for k, v in body.items() if k not in (*_FIRST, *_LAST)],
        [(k, v) for k, v in body.items() if k in _LAST],
    ]
    blank = False
    for group in groups:
        for lines in _paragraphs(group, indent):
            yield from [""] * blank
            yield from lines
            blank = True


def _paragraphs(entries: Iterable[tuple[str, Any]], indent: str) -> Iterator[list[str]]:
    run: list[tuple[str, Any]] = []
    for name, value in entries:
        blocks = _nested(value)
        if blocks is None:
            run.append((name, value))
            continue
        if run:
            yield list(_aligned(run, indent))
            run = []
        for why, block in blocks:
            label = f" {quoted(block.label)}" if block.label else ""
            yield [*comment(why, indent), *_braced(f"{indent}{name}{label}", block.body, indent)]
    if run:
        yield list(_aligned(run, indent))


def _nested(value: Any) -> list[tuple[str, Nested]] | None:
    """The blocks that a value stands for, each with its comment; None = it is an attribute."""
    items = value if isinstance(value, (list, tuple)) else [value]
    plain = [(item.why, item.value) if isinstance(item, Noted) else ("", item) for item in items]
    blocks = [(why, item) for why, item in plain if isinstance(item, Nested)]
    return blocks if blocks and len(blocks) == len(plain) else None


def _braced(head: str, body: Mapping[str, Any], indent: str, inside: Iterable[str] = ()) -> Iterator[str]:
    if not body:
        yield f"{head} {{}}"
        return
    yield f"{head} {{"
    yield from (line for told in inside for line in comment(told, indent + "  ", _ONE_LINE))
    yield from _body(body, indent + "  ")
    yield f"{indent}}}"


def render(blocks: Iterable[Block], head: str = "") -> str:
    """The text of a file: a comment that says what it is, then the blocks, each after a blank line.

    Byte for byte what `terraform fmt` makes of it.
    """
    paragraphs = ["\n".join(comment(head))] if head else []
    for block in blocks:
        title = " ".join([block.type, *map(quoted, block.labels)])
        lines = [line for why in block.why for line in comment(why)]
        paragraphs.append("\n".join([*lines, *_braced(title, block.body, "", block.inside)]))
    return "\n\n".join(paragraphs) + "\n"


def assignments(values: Mapping[str, Any], head: str = "") -> str:
    """The text of a .tfvars file."""
    paragraphs = ["\n".join(comment(head))] if head else []
    return "\n\n".join([*paragraphs, "\n".join(_aligned(values.items(), ""))]) + "\n"
