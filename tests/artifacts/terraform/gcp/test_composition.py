"""The whole of a design on Google Cloud: everything is accounted for, nothing is declared in vain."""

from __future__ import annotations

import re

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform import terraform
from devops_workbook.artifacts.terraform.gcp import TO_SET, configuration, once
from devops_workbook.evaluate import evaluate
from devops_workbook.scenario import examples, load

EXAMPLES = sorted(examples())
COMPUTE = ("vms", "kubernetes", "containers", "functions")


def blueprint(example: str, **overrides: str) -> Blueprint:
    r = load(examples()[example]).requirements
    moved = {"provider": "gcp", "region": "", "secondary_region": "", "iac_tool": "terraform"}
    return Blueprint.of(evaluate(r.model_copy(update={**moved, "overrides": {**r.overrides, **overrides}})))


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("compute", COMPUTE)
def test_every_component_is_built_or_has_a_reason(example: str, compute: str) -> None:
    b = blueprint(example, **{"infrastructure.compute": compute})
    made = terraform(b)
    accounted = {t.component for t in made.traces} | {u.component for u in made.unbuilt}
    assert {c.id for c in b.topology.components} <= accounted


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_variable_is_used(example: str) -> None:
    b = blueprint(example)
    c = configuration(b)
    for module in (*c.calls, *(one.module for one in once(b))):
        body = "\n".join(text for name, text in module.files() if name != "variables.tf")
        in_settings = {"project_id", "cost_centre"} if module.folder in ("bootstrap", "shared") else set()
        unused = [v for v in module.variables if not re.search(rf"\bvar\.{v}\b", body) and v not in in_settings]
        assert not unused, module.folder


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_root_variable_is_there_because_something_refers_to_it(example: str) -> None:
    b = blueprint(example)
    files = {a.path: a.text for a in terraform(b).artifacts}
    folder = "infrastructure/environments/production/"
    body = files[folder + "main.tf"] + files[folder + "providers.tf"]
    for v in configuration(b).variables:
        assert re.search(rf"\bvar\.{v.name}\b", body), v.name


def test_what_is_to_be_set_is_a_variable_somewhere() -> None:
    declared: set[str] = set()
    for example in EXAMPLES:
        for compute in COMPUTE:
            b = blueprint(example, **{"infrastructure.compute": compute})
            declared |= {v.name for v in configuration(b).variables}
            declared |= {name for one in once(b) for name in one.module.variables}
    assert {name for name, _ in TO_SET} <= declared


@pytest.mark.parametrize("example", EXAMPLES)
def test_environments_differ_in_their_values_alone(example: str) -> None:
    files = {a.path: a.text for a in terraform(blueprint(example)).artifacts}
    for name in ("main.tf", "variables.tf", "outputs.tf", "providers.tf", "versions.tf"):
        assert len({files[f"infrastructure/environments/{e}/{name}"] for e in ("production", "staging", "dev")}) == 1
