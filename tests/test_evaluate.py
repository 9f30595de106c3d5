"""The whole core: pure, whole at the extremes of every requirement, and of one mind with itself."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import devops_workbook
from devops_workbook.catalog import load
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements, field_specs

PROVIDERS = tuple(load().providers)
FLIP = re.compile(r"^(.+) would be chosen with the priority of (\w+) at (\d), other decisions", re.MULTILINE)
EXTREMES: dict[str, dict[str, Any]] = {
    "hardly any load": {"peak_rps": 0.01, "average_rps": 0.001},
    "ten million a second": {"peak_rps": 1e7, "average_rps": 5e6},
    "no data": {"database_gb": 0, "object_storage_gb": 0, "queries_per_request": 0},
    "ten petabytes": {"database_gb": 1e7, "object_storage_gb": 1e9},
    "six nines": {"availability_target_pct": 99.9999},
    "no outage": {"rto_minutes": 0},
    "no loss": {"rpo_minutes": 0},
    "ten dollars": {"monthly_budget_usd": 10},
    "alone": {"team_size": 1},
    "faster than itself": {"service_time_ms": 400, "p99_latency_ms": 1},
    "an hour a request": {"service_time_ms": 3_600_000, "p99_latency_ms": 86_400_000},
    "an hour a request, ten million a second": {"service_time_ms": 3_600_000, "peak_rps": 1e7},
    "wild": {"service_time_cv": 20},
    "everything cached": {"cacheable_pct": 100},
    "huge answers": {"response_kb": 1e7},
    "all frameworks": {"compliance": tuple(load().frameworks)},
    "no residency in the catalog": {"data_residency": "za"},
}


def evaluated(provider: str, **changes: Any) -> Evaluation:
    return evaluate(Requirements(provider=provider, **changes))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_are_answered(provider: str, name: str) -> None:
    evaluation = evaluated(provider, **EXTREMES[name])
    assert len(evaluation.plan.decisions) == 33
    assert evaluation.assessment.cost.monthly_usd > 0
    assert evaluation.assessment.capacity.workers >= 1
    assert all(math.isfinite(number) for number in numbers(asdict(evaluation.assessment)))


def numbers(value: Any) -> Iterator[float]:
    """Every number anywhere in plain data."""
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, int | float):
        yield float(value)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("name", "code"),
    [("six nines", "availability-ceiling"), ("no outage", "rto-region"), ("no loss", "rpo-deletion"),
     ("ten dollars", "over-budget"), ("faster than itself", "latency-below-service-time"),
     ("everything cached", "cold-cache"), ("ten petabytes", "no-option-left")],
)  # fmt: skip
def test_what_cannot_be_had_is_a_finding(provider: str, name: str, code: str) -> None:
    assert code in {finding.code for finding in evaluated(provider, **EXTREMES[name]).findings}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_region_and_jurisdiction_is_answered(provider: str) -> None:
    for region in load().providers[provider].regions:
        evaluation = evaluated(provider, region=region)
        assert {x.region for x in evaluation.topology.with_role("compute")} >= {region}
    for spec in field_specs():
        if spec.name == "data_residency":
            for jurisdiction in spec.choices:
                evaluated(provider, data_residency=jurisdiction)


def test_the_same_requirements_give_the_same_evaluation(scenarios: dict[str, Requirements]) -> None:
    for requirements in scenarios.values():
        assert evaluate(requirements) == evaluate(requirements)


def test_threads_do_not_disturb_each_other(scenarios: dict[str, Requirements]) -> None:
    alone = {name: evaluate(requirements) for name, requirements in scenarios.items()}
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda name: (name, evaluate(scenarios[name])), [*scenarios] * 6))
    assert all(evaluation == alone[name] for name, evaluation in together)


def test_an_evaluation_is_plain_data(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        parts = (evaluation.assessment, evaluation.plan, evaluation.topology)
        plain = json.loads(json.dumps([asdict(part) for part in parts]))
        assert plain[0]["cost"]["monthly_usd"] == evaluation.assessment.cost.monthly_usd


def test_evaluation_leaves_the_requirements_and_the_catalog_as_they_were(scenarios: dict[str, Requirements]) -> None:
    for requirements in scenarios.values():
        before = requirements.model_dump_json()
        evaluate(requirements)
        assert requirements.model_dump_json() == before
    assert load() is load()


def test_diagram_price_and_plan_speak_of_the_same_components(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        topology, assessment = evaluation.topology, evaluation.assessment
        ids = {component.id for component in topology.components}
        assert {line.component for line in assessment.cost.lines} <= ids
        assert {part.component for part in assessment.availability.parts} <= ids
        chosen = {d.choice.service for d in evaluation.plan.decisions if d.choice.service}
        assert chosen <= {component.service for component in topology.components} | set(load().tools)
        for role, field in (("compute", "infrastructure.compute"), ("database", "infrastructure.database")):
            services = {component.service for component in topology.with_role(role)}
            assert services == {evaluation.plan.decision(field).choice.service}


@pytest.mark.parametrize("name", ["payments-api", "startup-web-shop", "back-office"])
def test_a_flip_that_is_announced_happens_unless_another_decision_moves_first(
    name: str, scenarios: dict[str, Requirements], evaluations: dict[str, Evaluation]
) -> None:
    before = {d.id: d for d in evaluations[name].plan.decisions}
    assert any(FLIP.search(flip) for decision in before.values() for flip in decision.flips)
    for decision in before.values():
        for title, priority, value in FLIP.findall("\n".join(decision.flips)):
            changed = scenarios[name].model_copy(update={f"priority_{priority}": int(value)})
            after = {d.id: d for d in evaluate(changed).plan.decisions}
            moved = {id for id, d in after.items() if d.choice.id != before[id].choice.id}
            assert after[decision.id].choice.title == title or moved - {decision.id}, f"{name}: {title}"


def test_no_logic_of_the_core_names_a_provider() -> None:
    root = Path(devops_workbook.__file__).parent
    core = [*root.glob("design/**/*.py"), *root.glob("assess/*.py"), *root.glob("plan/*.py"), root / "evaluate.py"]
    assert len(core) > 20
    for path in core:
        tree = ast.parse(path.read_text("utf-8"))
        literals = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert not literals & set(PROVIDERS), f"{path.name} names a provider"
