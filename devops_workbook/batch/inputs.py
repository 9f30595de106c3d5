"""What a batch is given: scenario files, folders of them, and tables with a scenario in each row.

A table's first row names fields, by name or title; an empty cell is the field's default. Whatever is wrong with one
scenario is kept beside it, since the others are to be worked out all the same; only what is wrong with the request as a
whole (a path that is not there, a column that names no field) is an error.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from devops_workbook.batch.values import field_of, requirements_of, value_of
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import ScenarioError, ScenarioUnreadable, load

__all__ = ["Input", "InputError", "read"]

SCENARIOS = (".yaml", ".yml")
TABLES = (".csv", ".xlsx")
LARGEST_TABLE = 50 * 1024 * 1024


class InputError(ValueError):
    """What was given cannot be a batch; the message says why."""


@dataclass(frozen=True, slots=True)
class Input:
    """One scenario as it was given. origin: the file, and the row; requirements: None where there are problems."""

    origin: str
    name: str
    requirements: Requirements | None
    problems: tuple[str, ...] = ()


def read(paths: Iterable[Path]) -> list[Input]:
    """The scenarios in files, folders and tables, in order; each file once. Raises InputError."""
    files = {file.resolve(): file for path in paths for file in _files(path)}.values()
    found = [entry for file in files for entry in _entries(file)]
    if not found:
        raise InputError("there is no scenario in what was given")
    return found


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SCENARIOS + TABLES and p.name[0] not in ".~")
    if not inside:
        raise InputError(
            f"{path}: holds no scenario (a folder's files ending {', '.join(SCENARIOS + TABLES)} are read)"
        )
    yield from inside


def _entries(file: Path) -> Iterator[Input]:
    ending = file.suffix.lower()
    if ending in TABLES:
        yield from _rows(file, _csv(file) if ending == ".csv" else _xlsx(file))
        return
    try:
        requirements = load(file).requirements
    except ScenarioUnreadable as error:
        raise InputError(str(error)) from None
    except ScenarioError as error:
        yield Input(str(file), file.stem, None, error.problems)
    else:
        yield Input(str(file), requirements.name, requirements)


# --- tables ----------------------------------------------------------------------------------------------


def _rows(file: Path, rows: Iterator[Sequence[Any]]) -> Iterator[Input]:
    head = next(rows, ())
    fields = list(_fields(file, head))
    for number, row in enumerate(rows, 2):
        cells = [cell for cell in row if not _empty(cell)]
        if cells:
            yield _row(f"{file}, row {number}", fields, row, len(head))


def _fields(file: Path, head: Sequence[Any]) -> Iterator[tuple[int, str]]:
    """The columns that are fields, as (position, field)."""
    seen: set[str] = set()
    for at, title in enumerate(head):
        if _empty(title):
            continue
        try:
            field = field_of(str(title))
        except ScenarioError as error:
            raise InputError(f"{file}, row 1, column {at + 1}: {error}") from None
        if field in seen:
            raise InputError(f"{file}, row 1, column {at + 1}: {field} is there twice; a field has one column")
        seen.add(field)
        yield at, field
    if "name" not in seen:
        raise InputError(f"{file}, row 1: there is no column `name`, by which the scenarios are told apart")


def _row(origin: str, fields: Sequence[tuple[int, str]], row: Sequence[Any], columns: int) -> Input:
    given = {field: row[at] for at, field in fields if at < len(row) and not _empty(row[at])}
    name = str(given.get("name", "")).strip()
    if len(row) > columns and any(not _empty(cell) for cell in row[columns:]):
        return Input(origin, name or origin, None, (f"{origin}: has more cells than row 1 has names for",))
    if not name:
        return Input(origin, origin, None, (f"{origin}: name must not be empty",))
    try:
        values = {field: value_of(field, _readable(value)) for field, value in given.items()}
        return Input(origin, name, requirements_of(values, origin))
    except ScenarioError as error:
        return Input(origin, name, None, error.problems)


def _empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _readable(cell: Any) -> Any:
    """A cell of a spreadsheet as a person reads it: a whole number has no point, a date is text."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell.isoformat() if isinstance(cell, date | datetime) else cell


def _csv(file: Path) -> Iterator[Sequence[str]]:
    try:
        text = _content(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is not UTF-8 text (byte {error.start + 1}); save it as CSV UTF-8") from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)  # spreadsheets write the separator of their country
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise InputError(f"{file}: is not a table of comma-separated values: {error}") from None


def _xlsx(file: Path) -> Iterator[Sequence[Any]]:
    try:
        import openpyxl
    except ImportError:
        raise InputError(
            f"{file}: spreadsheets are read by the extra `batch`: pip install devops-workbook[batch]"
        ) from None
    try:
        book = openpyxl.load_workbook(io.BytesIO(_content(file)), read_only=True, data_only=True)
        rows = list(book.worksheets[0].iter_rows(values_only=True))
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a damaged archive makes openpyxl raise
        raise InputError(f"{file}: cannot be read as a spreadsheet: {error}") from None
    yield from rows


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST_TABLE:
            raise InputError(f"{file}: is larger than {LARGEST_TABLE:,} bytes, the most a table may have")
        return file.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{file}: cannot be read: {reason}") from None
