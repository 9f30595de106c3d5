"""A number that appears twice is the same number: no evaluation contradicts itself, and each kind of contradiction
would be seen. Every mutation breaks one number, name or count of a sound design; a check must catch each of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.assess.consistency import CHECKS, Design, contradictions, findings_of
from devops_workbook.catalog import load
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples
from devops_workbook.scenario import load as load_scenario

STEP = re.compile(r"(\w+)(?:\[(-?\d+)\])?")


def design(evaluation: Evaluation) -> Design:
    return Design(
        evaluation.requirements, load(), evaluation.topology, evaluation.assessment, evaluation.plan.decisions
    )


def changed(thing: Any, path: str, change: Callable[[Any], Any]) -> Any:
    """A copy of frozen dataclasses in which what stands at `path`, such as "cost.lines[0].quantity", is changed."""
    head, _, rest = path.partition(".")
    step = STEP.fullmatch(head)
    assert step, path
    name, index = step[1], step[2]
    old = getattr(thing, name)
    if index is None:
        return replace(thing, **{name: changed(old, rest, change) if rest else change(old)})
    at = int(index) % len(old)
    new = changed(old[at], rest, change) if rest else change(old[at])
    return replace(thing, **{name: (*old[:at], new, *old[at + 1 :])})


def more(value: Any) -> Any:
    return value + 1


def other(_: Any) -> str:
    return "no-such"


def dropped(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return values[1:]


MUTATIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "topology.components[3].boundary": ("topology", other),
    "topology.components[3].decision": ("topology", other),
    "topology.boundaries[-1].parent": ("topology", other),
    "topology.connections[0].source": ("topology", other),
    "topology.connections[0].target": ("topology", other),
    "topology.components": ("topology", lambda components: (*components, components[-1])),
    "assessment.cost.lines[0].component": ("prices", other),
    "assessment.cost.lines[0].quantity": ("prices", more),
    "assessment.cost.lines[0].unit_price_usd": ("prices", more),
    "assessment.cost.lines[0].monthly_usd": ("prices", more),
    "assessment.cost.lines[0].section": ("sums", other),
    "assessment.cost.lines": ("sums", dropped),
    "assessment.cost.monthly_usd": ("sums", more),
    "assessment.cost.production_usd": ("sums", more),
    "assessment.cost.by_section[0]": ("sums", lambda pair: (pair[0], pair[1] + 1)),
    "assessment.cost.environments[0].monthly_usd": ("sums", more),
    "assessment.cost.environments": ("sums", dropped),
    "assessment.cost.unpriced": ("sums", lambda names: (*names, "database: storage")),
    "assessment.cost.budget.gap_usd": ("sums", more),
    "assessment.cost.projection.monthly_usd[0]": ("sums", more),
    "assessment.cost.evidence[0].value": ("evidence", more),
    "assessment.cost.evidence[0].unit": ("evidence", lambda _: "3 furlongs/2"),
    "assessment.capacity.instances": ("capacity", more),
    "assessment.capacity.replicas": ("capacity", more),
    "assessment.capacity.offered_load": ("capacity", more),
    "assessment.capacity.utilisation": ("capacity", lambda share: share / 2),
    "assessment.capacity.workers": ("capacity", more),
    "assessment.capacity.min_instances": ("capacity", lambda _: 10**6),
    "assessment.capacity.max_instances": ("capacity", lambda _: 0),
    "assessment.capacity.table[0].workers": ("capacity", more),
    "assessment.capacity.table[0].chosen": ("capacity", lambda _: True),
    "assessment.capacity.p99_ms": ("evidence", more),
    "assessment.availability.pct": ("availability", lambda pct: pct - 0.01),
    "assessment.availability.downtime_minutes_month": ("availability", more),
    "assessment.availability.error_budget_minutes_month": ("availability", more),
    "assessment.availability.parts[0].component": ("availability", other),
    "assessment.availability.parts[0].pct": ("availability", lambda pct: pct - 0.01),
    "assessment.availability.contributions[0].share": ("availability", lambda share: share / 2),
    "assessment.availability.contributions[0].minutes_year": ("availability", lambda _: 0.0),
    "assessment.availability.journeys[0].pct": ("availability", lambda pct: pct - 0.01),
    "assessment.recovery.rto_minutes": ("recovery", more),
    "assessment.recovery.rpo_minutes": ("recovery", more),
    "assessment.recovery.rto_target_minutes": ("recovery", more),
    "assessment.recovery.rpo_target_minutes": ("recovery", more),
    "assessment.recovery.cases[0].rto_minutes": ("recovery", more),
    "assessment.recovery.cases[0].steps[0].minutes": ("recovery", more),
    "assessment.recovery.cases[0].meets_rto": ("recovery", lambda met: not met),
    "assessment.recovery.backups[0].component": ("recovery", other),
    "assessment.recovery.backups[0].region": ("recovery", other),
    "assessment.recovery.backups[0].gb": ("recovery", more),
    "assessment.carbon.kgco2e_month": ("carbon", more),
    "assessment.carbon.lines[0].kgco2e": ("carbon", more),
    "assessment.carbon.lines[0].component": ("carbon", other),
    "assessment.carbon.lines[0].region": ("carbon", other),
    "assessment.telemetry.signals[0].component": ("telemetry", other),
    "assessment.telemetry.signals[1].gb_day": ("telemetry", more),
    "assessment.compliance.frameworks[0].satisfied": ("compliance", more),
    "assessment.compliance.frameworks[0].total": ("compliance", more),
    "assessment.compliance.frameworks": ("compliance", dropped),
    "topology.addresses.networks[0].cidr": ("addresses", lambda _: "10.255.0.0/24"),
    "topology.addresses.networks[1].cidr": ("addresses", lambda _: "10.0.0.0/8"),
    "topology.addresses.networks[0].region": ("addresses", other),
    "topology.addresses.networks[0].subnets[0].boundary": ("addresses", other),
    "topology.addresses.networks[0].subnets[1].cidr": ("addresses", lambda _: "192.168.0.0/24"),
}
BY_COMPONENT: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "as many machines as the plan says": ("compute", "count", more),
    "the service that was decided": ("compute", "service", lambda _: "no-such"),
    "the database that was decided": ("database", "service", lambda _: "s3"),
    "the volume that backups take": ("database", "usage", lambda usage: {**usage, "backup_gb": 1.0}),
}


@pytest.fixture(scope="module")
def sound() -> Design:
    scenario = load_scenario(examples()["payments-api"]).requirements
    return design(evaluate(scenario.model_copy(update={"monthly_budget_usd": 5000.0})))


def test_a_sound_design_does_not_contradict_itself(sound: Design) -> None:
    assert contradictions(sound) == ()


@pytest.mark.parametrize("path", MUTATIONS)
def test_a_changed_number_is_caught(sound: Design, path: str) -> None:
    check, change = MUTATIONS[path]
    found = contradictions(changed(sound, path, change))
    assert [sentence for sentence in found if sentence.startswith(f"{check}:")], found


@pytest.mark.parametrize("what", BY_COMPONENT)
def test_a_component_that_differs_from_the_plan_is_caught(sound: Design, what: str) -> None:
    id, field, change = BY_COMPONENT[what]
    components = tuple(
        replace(c, **{field: change(getattr(c, field))}) if c.id == id else c for c in sound.topology.components
    )
    assert contradictions(replace(sound, topology=replace(sound.topology, components=components)))


def test_every_check_catches_some_mutation() -> None:
    assert {check.__name__ for check in CHECKS} - {"choices"} <= {check for check, _ in MUTATIONS.values()}


def test_a_contradiction_is_a_finding_that_warns_of_both_figures() -> None:
    (finding,) = findings_of(["sums: the cost a month is 1, but its lines add up to 2"])
    assert (finding.severity, finding.code) == ("high", "figures-disagree")
    assert "Do not rely on either figure" in finding.message
    assert "the cost a month is 1, but its lines add up to 2" in finding.message


def test_no_example_contradicts_itself(evaluations: dict[str, Evaluation]) -> None:
    for name, evaluation in evaluations.items():
        assert contradictions(design(evaluation)) == (), name


@given(data=st.data())
def test_no_requirements_make_a_design_contradict_itself(data: st.DataObject) -> None:
    given_ = {
        "provider": data.draw(st.sampled_from(["aws", "gcp", "azure"])),
        "peak_rps": data.draw(st.floats(0.1, 1_000_000)),
        "average_rps": 0.1,
        "service_time_ms": data.draw(st.floats(1, 10_000)),
        "service_time_cv": data.draw(st.floats(0, 4)),
        "database_gb": data.draw(st.floats(0, 1_000_000)),
        "availability_target_pct": data.draw(st.floats(90, 99.9999)),
        "rto_minutes": data.draw(st.floats(0, 10_000)),
        "rpo_minutes": data.draw(st.floats(0, 10_000)),
        "growth_pct_per_year": data.draw(st.floats(0, 200)),
        "cacheable_pct": data.draw(st.floats(0, 100)),
        "workload_type": data.draw(st.sampled_from(["web-api", "event-driven", "batch", "streaming"])),
        "data_model": data.draw(st.sampled_from(["relational", "document", "key-value"])),
        "kubernetes_skill": data.draw(st.sampled_from(["none", "some", "expert"])),
        "monthly_budget_usd": data.draw(st.sampled_from([0.0, 10.0, 1e6])),
        "compliance": tuple(data.draw(st.sets(st.sampled_from(["pci-dss", "hipaa", "soc2", "fedramp-moderate"])))),
        "priority_cost": data.draw(st.integers(0, 5)),
        "priority_simplicity": data.draw(st.integers(0, 5)),
        "log_retention_days": data.draw(st.integers(1, 3650)),
        "public_facing": data.draw(st.booleans()),
    }
    assert contradictions(design(evaluate(Requirements(**given_)))) == ()
