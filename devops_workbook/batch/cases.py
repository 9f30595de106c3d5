"""What a batch works out: each scenario that was given, widened by a grid of values.

    --grid peak_rps=100,1000 --grid provider=aws,gcp   ->   four cases of each scenario

A cloud that the scenario does not name is reached as everywhere (`what_if`): regions are replaced by ones of the same
jurisdiction, overrides by the option behind them. Where a grid sets the peak load and not the average, the average
keeps its share of the peak, for it can never be above.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from pydantic import ValidationError

from devops_workbook.batch.inputs import Input, InputError
from devops_workbook.batch.values import OVERRIDE, field_of, value_of, with_values
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import ScenarioError, problems_of, slug
from devops_workbook.what_if.providers import carried_over

__all__ = ["MOST_CASES", "Axis", "Case", "axis", "cases"]

MOST_CASES = 100_000


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of a grid. field: of the requirements, or `overrides.SECTION.FIELD`; values: as written."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario to work out. id: its folder; origin: where it was read; requirements: None if there are problems."""

    id: str
    origin: str
    name: str
    requirements: Requirements | None
    problems: tuple[str, ...] = ()


def axis(text: str) -> Axis:
    """The axis that `field=value,value` tells. Raises InputError with what is allowed."""
    name, equals, listed = text.partition("=")
    try:
        field = field_of(name)
    except ScenarioError as error:
        raise InputError(f"--grid {text}: {error}") from None
    values = tuple(dict.fromkeys(value.strip() for value in listed.split(",") if value.strip()))
    if not equals or not values:
        raise InputError(f"--grid {text}: an axis is a field and its values, such as peak_rps=100,1000")
    if field == "name":
        raise InputError(f"--grid {text}: the name is what tells scenarios apart; a grid adds to it by itself")
    for value in values:
        if problem := _never(field, value):
            raise InputError(f"--grid {text}: {problem}")
    return Axis(field, values)


def _never(field: str, value: str) -> str:
    """Why a field can never have a value, whatever the other fields are; "" if it can."""
    if field.startswith(OVERRIDE):
        return ""
    try:
        Requirements(**{field: value_of(field, value)})
    except ValidationError as error:
        kinds = {detail["type"] for detail in error.errors() if detail["loc"][0] == field}
        # What contradicts another field's default need not contradict a scenario's.
        if kinds - {"value_error"} or (kinds and field == "provider"):
            return next(text for name, text in problems_of(error) if name == field)
    return ""


def cases(given: Iterable[Input], grid: Sequence[Axis] = ()) -> list[Case]:
    """The cases of scenarios and a grid, in order. Raises InputError: one folder for two, or far too many."""
    given = list(given)
    if len({a.field for a in grid}) < len(grid):
        raise InputError("--grid names a field twice; write all its values behind one")
    wanted = len(given) * prod(len(a.values) for a in grid)
    if wanted > MOST_CASES:
        raise InputError(f"{wanted:,} scenarios are more than a batch takes ({MOST_CASES:,}); leave values out")
    found = [case for one in given for case in _widened(one, grid)]
    first: dict[str, Case] = {}
    for case in found:
        other = first.setdefault(case.id, case)
        if other is not case:
            raise InputError(
                f"{other.origin} and {case.origin} would both be written to the folder {case.id}; "
                "give them different names"
            )
    return found


def _widened(one: Input, grid: Sequence[Axis]) -> Iterator[Case]:
    for chosen in itertools.product(*(a.values for a in grid)):
        texts = {a.field: value for a, value in zip(grid, chosen, strict=True)}
        name = _name(one.name, texts)
        if one.requirements is None:
            yield Case(slug(name), one.origin, name, None, one.problems)
            continue
        try:
            requirements = _changed(one.requirements, name, texts, one.origin)
        except ScenarioError as error:
            yield Case(slug(name), one.origin, name, None, error.problems)
        else:
            yield Case(slug(name), one.origin, name, requirements)


def _name(name: str, texts: Mapping[str, str]) -> str:
    told = ", ".join(f"{field.removeprefix(OVERRIDE)} {value}" for field, value in texts.items())
    return f"{name} ({told})" if told else name


def _changed(before: Requirements, name: str, texts: Mapping[str, str], origin: str) -> Requirements:
    values: dict[str, Any] = {field: value_of(field, text) for field, text in texts.items()}
    if values.get("provider", before.provider) != before.provider:
        before = carried_over(evaluate(before), values["provider"])[0].requirements
    values |= {"name": name}
    if "peak_rps" in values and "average_rps" not in values:
        values["average_rps"] = float(values["peak_rps"]) * before.average_rps / before.peak_rps
    return with_values(before.model_dump(), values, origin)
