"""Values that come as text: the cells of a table and the values of a grid, read by the requirement they are for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from devops_workbook.outline import FIELD_IDS
from devops_workbook.requirements import FieldSpec, Requirements, field_specs
from devops_workbook.scenario import ScenarioError, problems_of, unknown

__all__ = ["field_of", "requirements_of", "value_of", "with_values"]

OVERRIDE = "overrides."
_BETWEEN = re.compile(r"[,;+]")
_NONE = frozenset({"", "none", "-"})


def _specs() -> dict[str, FieldSpec]:
    return {spec.name: spec for spec in field_specs()}


def field_of(title: str) -> str:
    """The field that a column's head or an axis of a grid names: `peak_rps`, "Peak load", `overrides.cicd.platform`.

    Raises ScenarioError when there is none.
    """
    wanted = " ".join(title.split()).casefold()
    specs = _specs()
    if wanted.startswith(OVERRIDE):
        decision = wanted.removeprefix(OVERRIDE)
        if decision not in FIELD_IDS:
            raise ScenarioError([unknown(decision, FIELD_IDS, "field of the plan")])
        return wanted
    named = {spec.title.casefold(): spec.name for spec in specs.values()} | {name: name for name in specs}
    found = named.get(wanted) or named.get(wanted.replace(" ", "_"))
    if found is None or found == "overrides":
        allowed = [name for name in specs if name != "overrides"]
        raise ScenarioError([unknown(title.strip(), [*allowed, f"{OVERRIDE}SECTION.FIELD"], "field")])
    return found


def value_of(field: str, given: Any) -> Any:
    """What a cell or a word says of a field: text as it is, choices in lower case where that is one, lists split at
    commas, semicolons or plus signs.

    Numbers and truth values are left to the validation of requirements, which reads them from text.
    """
    if field.startswith(OVERRIDE):
        return str(given).strip()
    spec = _specs()[field]
    if spec.kind == "choices":
        parts = [part.strip() for part in _BETWEEN.split(str(given))]
        return tuple(_choice(spec, part) for part in parts if part.lower() not in _NONE)
    if spec.kind in ("text", "choice"):
        return _choice(spec, str(given).strip())
    return given.strip() if isinstance(given, str) else given


def _choice(spec: FieldSpec, word: str) -> str:
    return word.lower() if word.lower() in spec.choices else word


def requirements_of(values: Mapping[str, Any], where: str) -> Requirements:
    """Requirements from values by field, overrides among them as `overrides.SECTION.FIELD`; the rest are defaults.

    Raises ScenarioError with every problem, each beginning with `where`.
    """
    return with_values({}, values, where)


def with_values(before: Mapping[str, Any], values: Mapping[str, Any], where: str) -> Requirements:
    """Requirements whose values are those `before`, and `values` by field over them. Raises ScenarioError."""
    plain = {field: value for field, value in values.items() if not field.startswith(OVERRIDE)}
    over = {field.removeprefix(OVERRIDE): value for field, value in values.items() if field.startswith(OVERRIDE)}
    overrides = {**before.get("overrides", {}), **over}
    try:
        return Requirements(**{**before, **plain, "overrides": {k: v for k, v in overrides.items() if v}})
    except ValidationError as error:
        raise ScenarioError(_located(where, (text for _, text in problems_of(error)))) from None


def _located(where: str, problems: Iterable[str]) -> Iterable[str]:
    return (f"{where}: {problem}" for problem in problems)
