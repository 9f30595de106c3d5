"""Laws of the whole core, tried over the whole space of requirements.

The strategy derives from the requirement fields, so that a new field is tried without a change here. Numbers come
from the edges and from all orders of magnitude between; overrides name options that exist and some that do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import exp, log
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from devops_workbook.assess.model import Capacity
from devops_workbook.catalog import load as load_catalog
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.outline import FIELD_IDS
from devops_workbook.render.diagram import draw, views
from devops_workbook.render.diagram.scene import build as build_scene
from devops_workbook.render.json import plan_json
from devops_workbook.render.text import plan_text
from devops_workbook.requirements import FieldSpec, Requirements, field_specs
from devops_workbook.scenario import examples, load, parse, to_yaml


class Values(dict[str, Any]):
    """Requirement values; a failing example shows only those that are not the default."""

    def __repr__(self) -> str:
        defaults = Requirements().model_dump()
        return repr({key: value for key, value in self.items() if value != defaults[key]})


laws = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

TEXTS = ["", "Shop", "<script>alert(1)</script>", "{{ x }}", "`#\\\"'", "שלום", "👩‍🚀", "line\nbreak", "x" * 2000]
MARGIN = 1e-9


@cache
def options() -> Mapping[str, tuple[str, ...]]:
    """The option ids of every field of the plan, of all providers."""
    found: dict[str, dict[str, None]] = {field: {} for field in FIELD_IDS}
    for path in examples().values():
        for decision in evaluate(load(path).requirements).plan.decisions:
            found[decision.id].update(dict.fromkeys(o.id for o in (decision.choice, *decision.alternatives)))
    return {field: tuple(ids) for field, ids in found.items()}


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """The two ends, and every order of magnitude between them alike."""
    bottom = max(low, min(high, 1e-3))
    between = st.floats(log(bottom), log(high)).map(lambda x: min(max(exp(x), low), high))
    return st.sampled_from([low, high]) | between


def values_of(spec: FieldSpec) -> st.SearchStrategy[Any]:
    """Any value of the field; a failing example shrinks to its default."""
    return st.just(spec.default) | others_of(spec)


def others_of(spec: FieldSpec) -> st.SearchStrategy[Any]:
    if spec.kind in ("choice", "choices"):
        one = st.sampled_from(spec.choices)
        return one if spec.kind == "choice" else st.lists(one, unique=True, min_size=bool(spec.default))
    if spec.kind == "flag":
        return st.booleans()
    if spec.kind in ("number", "integer"):
        assert spec.minimum is not None
        assert spec.maximum is not None
        low = spec.minimum + 1e-3 * spec.exclusive
        drawn = numbers(low, spec.maximum)
        return drawn.map(round) if spec.kind == "integer" else drawn
    return st.sampled_from(TEXTS)


@st.composite
def some_values(draw: st.DrawFn, overridden: bool = True) -> Values:
    """Valid values for every field."""
    values = Values({spec.name: draw(values_of(spec)) for spec in field_specs() if spec.kind != "overrides"})
    values["name"] = values["name"] or "Unnamed"
    values["average_rps"], values["peak_rps"] = sorted((values["average_rps"], values["peak_rps"]))
    regions = ["", *load_catalog().providers[values["provider"]].regions]
    values["region"], values["secondary_region"] = draw(st.lists(st.sampled_from(regions), min_size=2, max_size=2))
    if values["region"] == values["secondary_region"]:
        values["secondary_region"] = ""
    values["overrides"] = draw(some_overrides()) if overridden else {}
    return values


@st.composite
def some_overrides(draw: st.DrawFn) -> dict[str, str]:
    fields = draw(st.lists(st.sampled_from(FIELD_IDS), unique=True, max_size=6))
    return {field: draw(st.sampled_from([*options()[field], "no-such-option", "", "<b>"])) for field in fields}


def evaluated(values: Values, **changes: Any) -> Evaluation:
    return evaluate(Requirements(**{**values, **changes}))


# What is always so


@given(some_values())
@settings(laws, max_examples=100)
def test_any_requirements_give_a_whole_plan(values: Values) -> None:
    evaluation = evaluated(values)
    assert tuple(decision.id for decision in evaluation.plan.decisions) == FIELD_IDS
    for decision in evaluation.plan.decisions:
        known = {decision.choice.id, *(option.id for option in decision.alternatives)}
        assert known == set(options()[decision.id]), f"{decision.id} leaves options out"
        assert decision.summary
        assert decision.rationale
        assert all(0 <= option.score <= 10 for option in (decision.choice, *decision.alternatives))


@given(some_values())
@laws
def test_an_override_is_honoured_or_told(values: Values) -> None:
    evaluation = evaluated(values)
    for field, option in values["overrides"].items():
        decision = evaluation.plan.decision(field)
        honoured = decision.choice.id == option
        told = any(finding.field == field for finding in evaluation.findings)
        assert honoured or told or not option, f"{field} is {decision.choice.id}, not {option!r}; nothing says so"
        # What a constraint forbids may still be taken as the least bad; the team has not decided it then.
        assert decision.overridden == honoured or (honoured and told)


@given(some_values())
@laws
def test_the_topology_is_whole_and_all_else_speaks_of_it(values: Values) -> None:
    evaluation = evaluated(values)
    topology = evaluation.topology
    boundaries = {boundary.id for boundary in topology.boundaries}
    components = {component.id for component in topology.components}
    assert len(boundaries) == len(topology.boundaries)
    assert len(components) == len(topology.components)
    assert {boundary.parent for boundary in topology.boundaries} <= boundaries | {""}
    assert {component.boundary for component in topology.components} <= boundaries
    assert {component.decision for component in topology.components} <= set(FIELD_IDS)
    assert {end for line in topology.connections for end in (line.source, line.target)} <= components
    assert {line.component for line in evaluation.assessment.cost.lines} <= components
    assert {part.component for part in evaluation.assessment.availability.parts} <= components


@given(some_values())
@laws
def test_the_diagrams_show_what_is_in_the_topology(values: Values) -> None:
    topology = evaluated(values).topology
    for view in views(topology):
        placed = {component.id for component in topology.components if view.id in component.views}
        assert {component.id for component in build_scene(topology, view).components} == placed


@pytest.mark.parametrize("name", examples())
def test_every_drawing_of_an_example_names_the_components_of_its_view(name: str) -> None:
    topology = evaluate(load(examples()[name]).requirements).topology
    for view in views(topology):
        placed = {component.title for component in topology.components if view.id in component.views}
        assert {row.component for row in draw(topology, view.id).table} == placed


def services_named(text: str, titles: Mapping[str, str]) -> set[str]:
    """The titles that stand in `text`, the longest first, so that no part of a title counts."""
    named = set()
    for title in sorted(titles, key=len, reverse=True):
        if title in text:
            named.add(title)
            text = text.replace(title, " ")
    return named


@given(some_values())
@laws
def test_prose_names_only_services_that_are_in_the_topology(values: Values) -> None:
    """A maker's name stands for any of its products: logs are sent to Datadog, by Datadog Log Management."""
    evaluation = evaluated(values)
    catalog = load_catalog()
    services = (*catalog.providers[values["provider"]].services.values(), *catalog.tools.values())
    titles = {service.title: service.id for service in services}
    used = {component.service for component in evaluation.topology.components}
    built = [title for title, service in titles.items() if service in used]
    for decision in evaluation.plan.decisions:
        prose = " ".join([decision.summary, *(text for _, text in decision.detail)])
        named = services_named(prose, titles)
        astray = {title for title in named if not any(each.startswith(title) for each in built)}
        assert not astray, f"{decision.id} = {decision.choice.id} names {astray}: {decision.summary}"


@given(some_values())
@settings(laws, max_examples=30)
def test_every_form_can_be_printed_and_the_scenario_saved(values: Values) -> None:
    evaluation = evaluated(values)
    assert len(plan_text(evaluation).splitlines()) == 33 + 7 + 6
    assert plan_json(evaluation).startswith("{")
    assert parse(to_yaml(evaluation.requirements).encode()) == evaluation.requirements


@given(some_values())
@laws
def test_figures_are_possible(values: Values) -> None:
    assessment = evaluated(values).assessment
    cost, capacity = assessment.cost, assessment.capacity
    known = [line.monthly_usd for line in cost.lines if line.monthly_usd is not None]
    assert min(known, default=0) >= 0
    assert cost.monthly_usd == pytest.approx(sum(known))
    assert assessment.availability.pct is None or 0 < assessment.availability.pct <= 100
    assert capacity.workers >= 1
    assert capacity.min_instances <= capacity.max_instances
    assert 0 <= capacity.utilisation <= 1
    for case in assessment.recovery.cases:
        assert case.rto_minutes is None or case.rto_minutes >= 0
        assert case.rpo_minutes is None or case.rpo_minutes >= 0


@given(some_values())
@laws
def test_the_same_requirements_give_the_same_evaluation(values: Values) -> None:
    assert evaluated(values) == evaluated(values)


# Tightening a target never lowers what is provided


def tightened(values: Values, field: str, data: st.DataObject, upwards: bool) -> Values:
    spec = next(spec for spec in field_specs() if spec.name == field)
    assert spec.minimum is not None
    assert spec.maximum is not None
    now = values[field]
    bounds = (now, spec.maximum) if upwards else (spec.minimum, now)
    assume(bounds[0] < bounds[1])
    return Values({**values, field: data.draw(st.sampled_from(bounds) | st.floats(*bounds), label=field)})


def no_worse(before: float | None, after: float | None, sign: int) -> bool:
    """Whether a figure did not fall (sign 1) or rise (-1); what becomes known is no worse than not known."""
    if before is None:
        return True
    return after is not None and sign * (after - before) >= -MARGIN


@given(some_values(overridden=False), st.data())
@settings(laws, max_examples=80)
def test_a_higher_availability_target_never_promises_less(values: Values, data: st.DataObject) -> None:
    loose = evaluated(values).assessment.availability
    tight = evaluated(tightened(values, "availability_target_pct", data, upwards=True)).assessment.availability
    assert no_worse(loose.pct, tight.pct, 1), f"{loose.pct} % became {tight.pct} %"


@pytest.mark.parametrize("target", ["rto_minutes", "rpo_minutes"])
@given(some_values(overridden=False), st.data())
@settings(laws, max_examples=80)
def test_a_shorter_recovery_target_never_recovers_worse(target: str, values: Values, data: st.DataObject) -> None:
    loose = evaluated(values).assessment.recovery
    tight = evaluated(tightened(values, target, data, upwards=False)).assessment.recovery
    was, now = getattr(loose, target), getattr(tight, target)
    assert no_worse(was, now, -1), f"{was} min became {now} min"


# More load never lowers capacity


@pytest.mark.parametrize("field", ["peak_rps", "growth_pct_per_year", "spike_factor"])
@given(some_values(overridden=False), st.data())
@laws
def test_more_load_never_lowers_capacity(field: str, values: Values, data: st.DataObject) -> None:
    light = evaluated(values).assessment.capacity
    heavy = evaluated(tightened(values, field, data, upwards=True)).assessment.capacity
    assert heavy.planned_rps >= light.planned_rps * (1 - MARGIN)
    assert needed(heavy) >= needed(light)


def needed(capacity: Capacity) -> float:
    """The workers that the load needs; those that run depend on how many fit into what is cheapest to run."""
    (workers,) = (e.value for e in capacity.evidence if e.metric == "Workers needed")
    assert isinstance(workers, int)
    return workers
