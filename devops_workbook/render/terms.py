"""Ids in words: what a person reads instead of "gcp", "multi-zone" or "rto_minutes".

Programs keep the ids (see `json`). People are shown titles, which the catalog, the outline, the requirement fields
and the plan give; an id that none of them knows is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from devops_workbook import catalog
from devops_workbook.evaluate import Evaluation
from devops_workbook.outline import FIELDS
from devops_workbook.plan.model import Plan
from devops_workbook.render.figures import quantity
from devops_workbook.requirements import FieldSpec, field_specs

__all__ = ["control_titles", "field_title", "option_title", "settings", "stated", "title_of"]


class _Titled(Protocol):
    @property
    def title(self) -> str: ...


_FIELD_TITLES = {field.id: field.title for field in FIELDS}
_NOT_STATED = "not stated"


def title_of(entries: Mapping[str, _Titled], id: str) -> str:
    """The title of the entry with this id."""
    return entries[id].title if id in entries else id


def control_titles(ids: Iterable[str]) -> list[str]:
    """The titles of controls."""
    return [title_of(catalog.load().controls, id) for id in ids]


def field_title(field_id: str) -> str:
    """The title of a field of the plan."""
    return _FIELD_TITLES.get(field_id, field_id)


def option_title(plan: Plan, field_id: str, option_id: str) -> str:
    """The title of an option of a field of the plan."""
    decided = plan.decision(field_id)
    return next((o.title for o in (decided.choice, *decided.alternatives) if o.id == option_id), option_id)


def stated(spec: FieldSpec, value: Any, provider: str) -> str:
    """A requirement's value with its unit: choices by their titles, flags as yes or no, "" as "not stated".

    provider: the cloud whose regions are meant.
    """
    if value == "" or (spec.name == "monthly_budget_usd" and not value):
        return _NOT_STATED
    if isinstance(value, Mapping):
        return "; ".join(f"{field_title(field)}: {option}" for field, option in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_titled(spec.name, str(item), provider) for item in value) or "none"
    unit = "of 5" if spec.group == "priorities" else spec.unit
    return quantity(_titled(spec.name, value, provider) if isinstance(value, str) else value, unit)


def _titled(name: str, value: str, provider: str) -> str:
    facts = catalog.load()
    if name in ("region", "secondary_region"):
        region = facts.providers[provider].regions.get(value)
        return f"{region.title} ({value})" if region else value
    if name == "provider":
        return title_of(facts.providers, value)
    return title_of(facts.frameworks, value) if name == "compliance" else value


def settings(change: Mapping[str, Any], evaluation: Evaluation) -> list[str]:
    """What a way out sets, each as "title = value"; of the overrides only those it changes."""
    specs = {spec.name: spec for spec in field_specs()}
    provider = str(change.get("provider", evaluation.requirements.provider))
    values = (
        f"{specs[name].title} = {stated(specs[name], value, provider)}"
        for name, value in change.items()
        if name != "overrides"
    )
    return [*values, *_overrides(change["overrides"], evaluation)] if "overrides" in change else list(values)


def _overrides(wanted: Mapping[str, str], evaluation: Evaluation) -> Iterator[str]:
    taken = evaluation.requirements.overrides
    for field, option in wanted.items():
        if taken.get(field) != option:
            yield f"{field_title(field)} = {option_title(evaluation.plan, field, option)}"
    yield from (f"{field_title(field)} not overridden" for field in taken if field not in wanted)
