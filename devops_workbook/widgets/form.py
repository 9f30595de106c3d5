"""The form: one control for every requirement, made from its `FieldSpec` alone.

Native controls are used (number, select, radio, checkbox, range, text), each with a visible label, its unit and
its help, so that keyboard, screen reader and browser know what they are. A control reports the raw value it
holds; `Requirements` decides whether that is allowed, and `problems` says in sentences why not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup
from pydantic import ValidationError

from devops_workbook import catalog
from devops_workbook.outline import FIELDS
from devops_workbook.render.elements import button, disclosure, el, join
from devops_workbook.requirements import GROUPS, FieldSpec, field_specs
from devops_workbook.scenario import problems_of

__all__ = ["SPECS", "Problems", "can_hold", "fit_regions", "group", "problems"]

Problems = Mapping[str, str]
"""Sentences by field name; "" for what concerns no single field."""

OPENED = frozenset({"platform", "workload", "reliability"})
LONG_TEXT = frozenset({"description"})
REGIONS = ("region", "secondary_region")
SPECS = {spec.name: spec for spec in field_specs()}
_NAMES = re.compile(rf"\b({'|'.join(name for name in SPECS if '_' in name)})\b")
FEW = 3
"""Up to this many choices are shown side by side; more go into a list that drops down."""


def group(name: str, values: Mapping[str, Any], wrong: Problems) -> Markup:
    """One group of controls, which opens and closes. values: the raw value of every field."""
    members = [spec for spec in SPECS.values() if spec.group == name]
    marks = sum(spec.name in wrong for spec in members)
    title = join([GROUPS[name], el("span", f"{marks} to mend", class_="dw-badge dw-high") if marks else None], " ")
    controls = (control(spec, values, wrong.get(spec.name, "")) for spec in members)
    return disclosure(f"group-{name}", title, *controls, opened=name in OPENED, class_="dw-group")


def control(spec: FieldSpec, values: Mapping[str, Any], problem: str = "") -> Markup:
    """The control of one field: label, input, unit, help, and what is wrong with its value."""
    value = values[spec.name]
    if spec.kind == "overrides":
        return _overrides(value)
    makers = {"choice": _choice, "choices": _boxes, "flag": _flag, "text": _text, "number": _number, "integer": _number}
    if spec.name in REGIONS:
        return _select(spec, value, _regions(values["provider"]), problem)
    return makers[spec.kind](spec, value, problem)


def _id(spec: FieldSpec) -> str:
    return f"dw-field-{spec.name.replace('_', '-')}"


def _common(spec: FieldSpec, problem: str) -> dict[str, Any]:
    """The attributes every input has: what it sets, and what describes it."""
    id = _id(spec)
    described = f"{id}-help {id}-problem" if problem else f"{id}-help"
    return {
        "data_action": "set",
        "data_field": spec.name,
        "aria_describedby": described,
        "aria_invalid": "true" if problem else None,
    }


def _notes(spec: FieldSpec, problem: str) -> Markup:
    id = _id(spec)
    trouble = el("p", f"✗ {problem}", id=f"{id}-problem", class_="dw-problem") if problem else None
    return join([trouble, el("p", spec.description, id=f"{id}-help", class_="dw-help")])


def _row(spec: FieldSpec, problem: str, *inputs: Any) -> Markup:
    return el(
        "div",
        el("label", spec.title, for_=_id(spec)),
        el("div", *inputs, class_="dw-input"),
        _notes(spec, problem),
        class_="dw-field",
        data_key=spec.name,
    )


def _fieldset(spec: FieldSpec, problem: str, *inputs: Any) -> Markup:
    return el(
        "fieldset",
        el("legend", spec.title),
        el("div", *inputs, class_="dw-choices"),
        _notes(spec, problem),
        class_="dw-field",
        data_key=spec.name,
    )


def _text(spec: FieldSpec, value: Any, problem: str) -> Markup:
    common = {"id": _id(spec), "dir": "auto", **_common(spec, problem)}
    if spec.name in LONG_TEXT:
        # HTML drops a line break right after the opening tag; one of ours protects one of theirs.
        return _row(spec, problem, el("textarea", Markup("\n"), str(value), rows="3", **common))
    return _row(spec, problem, el("input", type="text", value=str(value), autocomplete="off", **common))


def _number(spec: FieldSpec, value: Any, problem: str) -> Markup:
    whole = spec.kind == "integer"
    common = {
        "id": _id(spec),
        "value": _plain(value),
        "min": _plain(spec.minimum),
        "max": _plain(spec.maximum),
        "step": "1" if whole else "any",
        **_common(spec, problem),
    }
    if whole and spec.minimum is not None and spec.maximum is not None and spec.maximum - spec.minimum <= 10:
        shown = el("output", _plain(value), for_=_id(spec))
        return _row(spec, problem, el("input", type="range", **common), shown)
    unit = el("span", spec.unit, class_="dw-unit") if spec.unit else None
    return _row(spec, problem, el("input", type="number", inputmode="numeric" if whole else "decimal", **common), unit)


def _plain(value: Any) -> str | None:
    """A number as an input takes it: without thousands separators or an exponent; other text as it is."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def _flag(spec: FieldSpec, value: Any, problem: str) -> Markup:
    box = el("input", type="checkbox", id=_id(spec), checked=bool(value), **_common(spec, problem))
    return el(
        "div",
        el("div", box, el("label", spec.title, for_=_id(spec)), class_="dw-choice-line"),
        _notes(spec, problem),
        class_="dw-field",
        data_key=spec.name,
    )


def _choice(spec: FieldSpec, value: Any, problem: str) -> Markup:
    choices = {choice: spec.choice_title(choice) for choice in spec.choices}
    if len(choices) > FEW:
        return _select(spec, value, choices, problem)
    return _fieldset(spec, problem, *_options(spec, choices, (value,), "radio", problem))


def _boxes(spec: FieldSpec, value: Any, problem: str) -> Markup:
    choices = {choice: spec.choice_title(choice) for choice in spec.choices}
    return _fieldset(spec, problem, *_options(spec, choices, tuple(value), "checkbox", problem))


def _options(
    spec: FieldSpec, choices: Mapping[str, str], chosen: tuple[Any, ...], kind: str, problem: str
) -> Iterator[Markup]:
    common = _common(spec, problem)
    for choice, title in choices.items():
        id = f"{_id(spec)}-{choice}"
        box = el("input", type=kind, id=id, name=_id(spec), value=choice, checked=choice in chosen, **common)
        yield el("span", box, el("label", title, for_=id), class_="dw-choice-line")


def _select(spec: FieldSpec, value: Any, choices: Mapping[str, str], problem: str) -> Markup:
    if value not in choices:
        choices = {value: f"{value} (not available)", **choices}
    options = [el("option", title, value=choice, selected=choice == value) for choice, title in choices.items()]
    return _row(spec, problem, el("select", *options, id=_id(spec), **_common(spec, problem)))


def _regions(provider: str) -> dict[str, str]:
    """The regions of a provider by id, after the choice to leave it to the design."""
    known = catalog.load().providers.get(provider)
    regions = known.regions if known else {}
    return {"": "chosen by the design", **{id: f"{id} ({region.title})" for id, region in regions.items()}}


def _overrides(value: Mapping[str, str]) -> Markup:
    """The decisions the team took by hand, each with a button that gives it back to the method."""
    if not value:
        return el("p", "None. Open a decision of the plan and choose another option to override it.", class_="dw-help")
    titles = {field.id: field.title for field in FIELDS}
    rows = [
        el(
            "li",
            f"{titles.get(field, field)}: {option} ",
            button("As decided", "override", data_field=field, data_value=""),
        )
        for field, option in value.items()
    ]
    return el("ul", *rows, class_="dw-overrides")


def can_hold(spec: FieldSpec, value: Any) -> bool:
    """Whether the control of a field can hold `value`, allowed or not; what it cannot hold cannot be shown in it."""
    if spec.kind == "flag":
        return isinstance(value, bool)
    if spec.kind in ("number", "integer"):
        return value is None or (isinstance(value, int | float | str) and not isinstance(value, bool))
    if spec.kind == "choices":
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    if spec.kind == "overrides":
        return isinstance(value, Mapping) and all(isinstance(text, str) for pair in value.items() for text in pair)
    return isinstance(value, str)


def fit_regions(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with every region emptied that the provider does not have, so that changing the provider works."""
    known = _regions(values["provider"])
    return {name: "" if name in REGIONS and value not in known else value for name, value in values.items()}


def problems(error: ValidationError) -> dict[str, str]:
    """What is wrong with a set of requirements: one sentence a field, saying what is allowed."""
    found: dict[str, str] = {}
    for name, sentence in problems_of(error):
        found.setdefault(name, _titled(sentence))
    return found


def _titled(sentence: str) -> str:
    """The sentence with the titles that the form shows, where it has the names that files use."""
    name, _, said = sentence.partition(":")
    if name not in SPECS:
        return sentence
    return f"{SPECS[name].title}:{_NAMES.sub(lambda found: SPECS[found[0]].title, said)}"
