"""Scenarios on disk: requirements saved under a name, in YAML that people edit and comment.

Reading: the bytes are parsed once as events, to refuse what a flat list of fields never needs (tags, anchors,
directives, depth), then as data, and the fields go through `Requirements`. Everything wrong with a file is
reported at once, in sentences that name file, line, field, value and what is allowed.

Writing: a new file is written with every field explained beside it; in a file that exists only the values that
changed are touched, so that the team's comments stay. A save names the revision it was made from and is refused
when the file is no longer that revision. The bytes reach the disk beside the file and take its place in one step.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import textwrap
import unicodedata
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark, MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent, DocumentStartEvent, Event, ScalarEvent
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, FoldedScalarString, LiteralScalarString, ScalarString
from ruamel.yaml.tokens import CommentToken

from devops_workbook import catalog
from devops_workbook.requirements import GROUPS, FieldSpec, Requirements, field_specs, nearest

if os.name == "posix":
    import fcntl

__all__ = [
    "RevisionConflict",
    "Scenario",
    "ScenarioError",
    "ScenarioUnreadable",
    "draft",
    "examples",
    "load",
    "notebooks_folder",
    "parse",
    "problems_of",
    "save",
    "slug",
    "to_yaml",
    "unknown",
    "write_atomic",
]

SIZE_LIMIT = 256 * 1024
LINE_LIMIT = 10_000  # ruamel takes its time over comments, line by line
VALUE_LIMIT = 1000
DEPTH_LIMIT = 2  # the fields, and one list or mapping within
LISTED = 20  # allowed values that a message repeats besides the nearest
SHOWN = 60  # characters of a value that a message repeats
SLUG_LIMIT = 80
RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})


class ScenarioError(ValueError):
    """A scenario is not valid. `problems` holds one sentence for everything that is wrong with it."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class ScenarioUnreadable(ScenarioError):
    """A scenario file is not there, or the system does not let us read it."""


class RevisionConflict(ScenarioError):
    """The file is no longer what it was when it was loaded, so that saving would overwrite someone's work."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Requirements as they stand in a file. `revision` identifies the file's content, for `save`."""

    requirements: Requirements
    path: Path
    revision: str


# Reading


def load(path: str | Path) -> Scenario:
    """The scenario in the file at `path`.

    Raises ScenarioUnreadable when there is no such file or it cannot be read, and ScenarioError with every
    problem of its content otherwise.
    """
    path = Path(path)
    data = _read(path)
    return Scenario(parse(data, str(path)), path, _revision(data))


def parse(data: bytes, where: str = "scenario") -> Requirements:
    """The requirements in the YAML `data`; `where` names it in messages.

    Raises ScenarioError with every problem.
    """
    return _requirements(_document(data, where), where)


def _requirements(document: CommentedMap, where: str) -> Requirements:
    values, problems = _values(document)
    requirements = None
    try:
        requirements = Requirements(**values)
    except ValidationError as error:
        problems += problems_of(error)
    if requirements is None or problems:
        located = sorted((_line(document, field), text) for field, text in problems)
        raise ScenarioError(f"{where}, line {line}: {text}" if line else f"{where}: {text}" for line, text in located)
    return requirements


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        raise ScenarioUnreadable([f"{path}: cannot be read: {_reason(error)}"]) from None
    return data


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:]


def _revision(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _yaml() -> YAML:
    # Round trip keeps comments; the great width keeps a long sentence on the line the team wrote it on.
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _document(data: bytes, where: str) -> CommentedMap:
    """The file's mapping, comments and all."""
    if len(data) > SIZE_LIMIT:
        raise ScenarioError([f"{where}: is larger than {SIZE_LIMIT:,} bytes, the most a scenario may have"])
    if len(data.splitlines()) > LINE_LIMIT:
        raise ScenarioError([f"{where}: has more than {LINE_LIMIT:,} lines, the most a scenario may have"])
    try:
        text = data.decode("utf-8-sig")
        _refuse_extras(_yaml().parse(io.StringIO(text)), where)
        document = _yaml().load(text)
    except UnicodeDecodeError as error:
        raise ScenarioError([f"{where}: is not UTF-8 text (byte {error.start + 1} cannot be read)"]) from None
    except MarkedYAMLError as error:
        raise ScenarioError([_syntax(error, where)]) from None
    except (YAMLError, ValueError, OverflowError) as error:
        if isinstance(error, ScenarioError):
            raise
        problem = re.split(r"[;\n]", str(error))[0]
        raise ScenarioError([f"{where}: is not valid YAML: {problem}"]) from None
    if document is None:
        raise ScenarioError([f"{where}: is empty; a scenario is a list of `field: value` lines, such as `name: Shop`"])
    if not isinstance(document, CommentedMap):
        raise ScenarioError([f"{where}: is not a list of `field: value` lines, such as `name: Shop`"])
    return document


def _syntax(error: MarkedYAMLError, where: str) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"{where}, line {mark.line + 1}" if mark else where
    problem = " ".join(str(error.problem or error.context).split())
    if found := re.match(r'found duplicate key "(.*?)" with', problem):
        return f"{place}: {_shown(found[1])} is there twice; a field may be given once"
    return f"{place}: is not valid YAML: {problem}"


def _refuse_extras(events: Iterable[Event], where: str) -> None:
    """Raises ScenarioError at the first event that a flat list of fields has no use for."""
    depth = documents = values = 0
    for event in events:
        values += isinstance(event, ScalarEvent)
        if values > VALUE_LIMIT:
            raise ScenarioError([f"{where}: holds more than {VALUE_LIMIT:,} names and values, the most a scenario may"])
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        documents += isinstance(event, DocumentStartEvent)
        if problem := _extra(event, depth, documents):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise ScenarioError([f"{where}, line {line}: {problem}"])


def _extra(event: Event, depth: int, documents: int) -> str:
    if anchor := getattr(event, "anchor", None):
        return f"holds an anchor or alias ({_shown(anchor)}); write the value itself"
    if tag := getattr(event, "tag", None):
        return f"holds a YAML tag ({_shown(tag)}); write plain text, numbers, true or false, and lists"
    if isinstance(event, ScalarEvent) and event.value == "<<" and not event.style:
        return "holds a merge key (<<); write the fields themselves"
    if getattr(event, "version", None) or (isinstance(event, DocumentStartEvent) and event.tags):
        return "holds a YAML directive (%); leave it out"
    if documents > 1:
        return "starts a second document (---); a file holds one scenario"
    if depth > DEPTH_LIMIT:
        return "is nested too deeply; a scenario is a flat list of fields, and a list holds only text"
    return ""


def _values(document: CommentedMap) -> tuple[dict[str, Any], list[tuple[Any, str]]]:
    """The document's fields as plain values, and (key, problem) for what is wrong before a value is looked at."""
    specs = {spec.name: spec for spec in field_specs()}
    values: dict[str, Any] = {}
    problems: list[tuple[Any, str]] = []
    for key, raw in document.items():
        if problem := _misread(specs[key], raw) if key in specs else unknown(key, specs, "field"):
            problems.append((key, problem))
        else:
            values[key] = _plain(_if_empty(specs[key]) if raw is None else raw)
    return values, problems


def _line(document: CommentedMap, key: Any) -> int:
    """The line `key` stands on, 0 if it is nowhere in the file."""
    return document.lc.data[key][0] + 1 if key in document and key in document.lc.data else 0


def unknown(value: Any, allowed: Iterable[str], what: str) -> str:
    """The sentence that `value` is not a `what`, with the nearest that is and all that are (if not too many)."""
    allowed = tuple(allowed)
    guess = nearest(value, allowed) if isinstance(value, str) else ""
    hint = f"; did you mean {guess!r}?" if guess else ""
    known = "" if guess and len(allowed) > LISTED else f" (allowed: {', '.join(allowed)})"
    return f"{_shown(value)} is not {'an' if what[0] in 'aeiou' else 'a'} {what}{hint}{known}"


def _if_empty(spec: FieldSpec) -> Any:
    return {"text": "", "choices": (), "overrides": {}}[spec.kind]


def _misread(spec: FieldSpec, raw: Any) -> str:
    """What is wrong when YAML read something else than the team meant: a number for text, nothing for a number."""
    if raw is None and spec.kind not in ("text", "choices", "overrides"):
        return f"{spec.name} has no value; give one or leave the line out (allowed: {spec.allowed})"
    if spec.kind == "text" and not isinstance(raw, (str, type(None), Mapping, list)):
        return f"{spec.name} is text, but {_shown(raw)} reads as a {_type_name(raw)}; put it in double quotes"
    if spec.kind in ("number", "integer") and isinstance(raw, bool):
        return f"{spec.name}: {_shown(raw)} is not allowed (allowed: {spec.allowed})"
    return ""


def _type_name(value: Any) -> str:
    """What YAML takes `value` for, in a word."""
    if isinstance(value, bool):
        return "true/false value"
    return "number" if isinstance(value, (int, float)) else "date"


def _plain(value: Any) -> Any:
    # ruamel's own string and number types carry formatting that requirements have no use for.
    if isinstance(value, Mapping):
        return {_plain(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_plain(v) for v in value)
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


# Sentences

_REASONS = {
    "string_too_short": "must not be empty",
    "too_short": "must name at least one",
}


def problems_of(error: ValidationError) -> Iterator[tuple[str, str]]:
    """What pydantic found wrong with requirements: (field, sentence that names field, value and what is allowed)."""
    specs = {spec.name: spec for spec in field_specs()}
    details = error.errors(include_url=False)
    itemised = {detail["loc"][0] for detail in details if len(detail["loc"]) > 1}
    for detail in details:
        if detail["type"] == "too_short" and detail["loc"][0] in itemised:
            continue  # an item that is not allowed is one problem, not two
        yield str(detail["loc"][0]), _sentence(specs, [str(part) for part in detail["loc"]], dict(detail))


def _sentence(specs: Mapping[str, FieldSpec], loc: list[str], detail: dict[str, Any]) -> str:
    prefix = f"{'.'.join(loc[:2] if loc[0] == 'overrides' else loc[:1])}: "
    if detail["type"] == "value_error":
        return prefix + str(detail["ctx"]["error"])
    if loc[0] not in specs:
        return unknown(loc[0], specs, "field")
    spec = specs[loc[0]]
    if detail["type"] in _REASONS:
        return f"{prefix}{_REASONS[detail['type']]} (allowed: {spec.allowed})"
    return f"{prefix}{_shown(detail['input'])} is not allowed{_hint(spec, detail)} (allowed: {_allowed(spec)})"


def _hint(spec: FieldSpec, detail: Mapping[str, Any]) -> str:
    value = detail["input"]
    guess = nearest(value, spec.choices) if isinstance(value, str) else ""
    if guess and detail["type"] == "tuple_type":
        return f"; write it as a list: [{guess}]"
    return f"; did you mean {guess!r}?" if guess else ""


def _allowed(spec: FieldSpec) -> str:
    return spec.allowed + (", as a list in [ ]" if spec.kind == "choices" else "")


def _shown(value: Any) -> str:
    """`value` in a message: on one line, cut to a readable length, with nothing a terminal would obey."""
    if value is None or isinstance(value, bool):
        return {None: "an empty value", True: "true", False: "false"}[value]
    if isinstance(value, date):
        return str(value)
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"


# Writing


def save(requirements: Requirements, path: str | Path, revision: str | None = None) -> Scenario:
    """Saves `requirements` at `path` and returns the scenario with its new revision.

    `revision` is that of the scenario the edit began from; None says that the file is to be new.
    Raises RevisionConflict when the file is not that revision (any more), or exists though it should be new;
    OSError naming the file when the system does not let us write.
    """
    path = Path(path)
    with _alone_in(path.parent):
        before = _checked_revision(path, revision)
        data = _updated(before, requirements, str(path)) if before is not None else to_yaml(requirements).encode()
        if parse(data, str(path)) != requirements:
            raise RuntimeError(f"{path} would not hold the requirements; nothing was written")
        if data != before:
            write_atomic(path, data)
    return Scenario(requirements, path, _revision(data))


def _checked_revision(path: Path, revision: str | None) -> bytes | None:
    """What the file holds now, None if it is to be new."""
    if revision is None:
        if os.path.lexists(path):
            raise RevisionConflict([f"{path}: exists already; load it to change it, or choose another name"])
        return None
    if not path.exists():
        raise RevisionConflict([f"{path}: was removed since it was loaded; save it under a new name to keep your work"])
    before = _read(path)
    if _revision(before) != revision:
        raise RevisionConflict(
            [f"{path}: was changed by someone else since it was loaded; load it again, or save under another name"]
        )
    return before


def _updated(before: bytes, requirements: Requirements, where: str) -> bytes:
    """The file with the values that changed, and all else as the team wrote it."""
    document = _document(before, where)
    old = _requirements(document, where)
    changed = [spec for spec in field_specs() if getattr(old, spec.name) != getattr(requirements, spec.name)]
    if not changed:
        return before
    for spec in changed:
        _set(document, spec, getattr(requirements, spec.name))
    out = io.StringIO()
    _yaml().dump(document, out)
    return out.getvalue().encode()


def _set(document: CommentedMap, spec: FieldSpec, value: Any) -> None:
    present = document.get(spec.name)
    below = _take_below(document, spec.name)
    if spec.kind == "overrides" and present and value and not present.fa.flow_style():
        _set_overrides(document, value)
    else:
        document[spec.name] = _node(spec, value)
    if spec.kind == "overrides" and value:
        _hang(document[spec.name], list(document[spec.name])[-1], below)
    else:
        _hang(document, spec.name, below)


def _set_overrides(document: CommentedMap, value: Mapping[str, str]) -> None:
    present = document["overrides"]
    present.update({key: _text(option) for key, option in value.items() if present.get(key) != option})
    for key in [key for key in present if key not in value]:
        keys = list(present)
        below, before = _take_below(present, key), keys.index(key) - 1
        del present[key]
        if before < 0:
            _hang(document, "overrides", below)
        else:
            _hang(present, keys[before], below)


# ruamel hangs the comment lines under a value on the last part of that value, where they would go with it. They
# are of what follows, so they are taken off before a value is replaced and hung on what is then there.


def _take_below(parent: CommentedMap, key: Any) -> str:
    """Takes off the comment lines under the value of `key`; what stands beside it stays."""
    value = parent.get(key)
    if isinstance(value, (CommentedMap, CommentedSeq)) and value and not value.fa.flow_style():
        last, slot = (list(value)[-1], 2) if isinstance(value, CommentedMap) else (len(value) - 1, 0)
        return _take(value.ca.items.get(last), slot)
    if isinstance(value, (LiteralScalarString, FoldedScalarString)):
        tokens = parent.ca.items.pop(key, None)
        return "\n" + str(tokens[2].value).removeprefix("\n") if tokens and tokens[2] else ""
    return _take(parent.ca.items.get(key), 2)


def _take(tokens: list[Any] | None, slot: int) -> str:
    if not tokens or not tokens[slot]:
        return ""
    beside, _, below = str(tokens[slot].value).partition("\n")
    tokens[slot] = CommentToken(f"{beside}\n", tokens[slot].start_mark, None) if beside else None
    return below


def _hang(parent: CommentedMap, key: Any, below: str) -> None:
    """Puts the comment lines `below` under `key`."""
    if below:
        tokens = parent.ca.items.setdefault(key, [None, None, None, None])
        beside = tokens[2].value if tokens[2] else "\n"
        tokens[2] = CommentToken(beside + below, CommentMark(0), None)


def _node(spec: FieldSpec, value: Any) -> Any:
    """`value` as ruamel writes it well: text in quotes, lists on one line, whole numbers without a point."""
    if spec.kind == "choices":
        items = CommentedSeq(value)
        items.fa.set_flow_style()
        return items
    if spec.kind == "overrides":
        return CommentedMap((key, _text(option)) for key, option in value.items())
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _text(value) if spec.kind == "text" else value


def _text(value: str) -> ScalarString:
    # Quotes keep a name such as `no` or `2026` text for every YAML reader; paragraphs stay readable as a block.
    readable = all(line.isprintable() for line in value.split("\n"))
    style: type[ScalarString] = LiteralScalarString if "\n" in value and readable else DoubleQuotedScalarString
    return cast("ScalarString", style(value))


def draft(name: str, example: str = "") -> Requirements:
    """Requirements for a new system called `name`, with the values of an example ("" = the defaults).

    Raises ScenarioUnreadable when there is no such example, and ScenarioError when the name cannot be one.
    """
    start = load(_example(example)).requirements if example else Requirements()
    try:
        return Requirements(**{**start.model_dump(), "name": name})
    except ValidationError as error:
        raise ScenarioError(sentence for _, sentence in problems_of(error)) from None


def _example(name: str) -> Path:
    known = examples()
    if name not in known:
        raise ScenarioUnreadable([unknown(name, known, "example")])
    return known[name]


def to_yaml(requirements: Requirements) -> str:
    """A whole scenario file, each field with its title, description, unit and what is allowed."""
    lines = [
        "# A scenario of the DevOps workbook: what a team needs, one field a line.",
        "# A line that is left out takes its default. `devops-workbook check` says what is wrong.",
    ]
    group = ""
    for spec in field_specs():
        if spec.group != group:
            group = spec.group
            lines += ["", f"# {'-' * 4} {GROUPS[group]} {'-' * (90 - len(GROUPS[group]))}"]
        lines += ["", *_comment(spec, requirements), _entry(spec, getattr(requirements, spec.name))]
    return "\n".join(lines) + "\n"


def _comment(spec: FieldSpec, requirements: Requirements) -> list[str]:
    unit = f" ({spec.unit})" if spec.unit else ""
    text = f"{spec.title}{unit}. {spec.description}"
    return _wrapped(text, "# ") + _wrapped(_choices(spec, requirements), "#   ")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent="# ", subsequent_indent=indent, break_on_hyphens=False)


def _choices(spec: FieldSpec, requirements: Requirements) -> str:
    if spec.name == "region":
        regions = catalog.load().providers[requirements.provider].regions
        return f"Allowed for {requirements.provider}: empty, or one of {', '.join(regions)}"
    if spec.takes:
        return f"Allowed: {spec.takes}"
    if spec.kind == "text":
        return ""
    return f"Allowed: {_allowed(spec)}. Default: {_entry(spec, spec.default).partition(': ')[2]}"


def _entry(spec: FieldSpec, value: Any) -> str:
    out = io.StringIO()
    _yaml().dump(CommentedMap({spec.name: _node(spec, value)}), out)
    return out.getvalue().rstrip("\n")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Holds other savers off `folder` between looking at a file's revision and replacing it."""
    try:
        # Elsewhere the revision check alone stands between two savers.
        handle = os.open(folder, os.O_RDONLY) if os.name == "posix" else None
    except OSError as error:
        raise OSError(error.errno, f"cannot be written to: {_reason(error)}", str(folder)) from None
    try:
        if handle is not None:
            with suppress(OSError):  # a file system without locks: the revision check alone stands
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def write_atomic(path: str | Path, data: bytes) -> None:
    """Puts `data` in the place of `path` in one step, keeping the file's mode.

    A reader, a full disk or a kill finds the earlier file or this one, never a part of either.
    Raises OSError naming `path` when the system does not let us write.
    """
    path = Path(path)
    try:
        _replace(path.resolve(), data)  # through a symbolic link, so that the link stays one
    except (OSError, ValueError) as error:
        raise OSError(getattr(error, "errno", None), f"cannot be written: {_reason(error)}", str(path)) from None


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            part.chmod(stat.S_IMODE(path.stat().st_mode))
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


# Names


def slug(name: str) -> str:
    """A file name for `name`: lower-case ASCII letters, digits and dashes, never empty, at most 80 characters.

    It is never a path and never a name that Windows reserves. Where letters were lost a short hash of the whole
    name keeps two names apart.
    """
    folded = unicodedata.normalize("NFKD", name.casefold())
    kept = "".join(c for c in folded if not unicodedata.combining(c))
    short = re.sub(r"[^a-z0-9]+", "-", kept).strip("-")
    lost = any(not c.isascii() and unicodedata.category(c)[0] in "LNS" for c in kept)
    if lost or not short or len(short) > SLUG_LIMIT:
        digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
        short = f"{short[: SLUG_LIMIT - 9].strip('-') or 'scenario'}-{digest}"
    return f"{short}-scenario" if short in RESERVED else short


def notebooks_folder() -> Path:
    """Where the notebooks and the example scenarios are: beside the package in a checkout, else inside it."""
    package = Path(__file__).parent
    installed = package / "notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks"


def examples() -> dict[str, Path]:
    """The example scenarios by name, in alphabetical order."""
    return {path.stem: path for path in sorted((notebooks_folder() / "scenarios").glob("*.yaml"))}
