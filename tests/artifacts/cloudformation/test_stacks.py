"""Stacks fit together: what one takes another gives, and no template outgrows what CloudFormation allows."""

from __future__ import annotations

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation import stacks
from devops_workbook.artifacts.cloudformation.network import MOST_MACHINES
from devops_workbook.artifacts.cloudformation.stacks import Stack, given_to
from devops_workbook.artifacts.cloudformation.template import Template
from devops_workbook.artifacts.repository import repository
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples, load

# docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html, 2026-11
MOST = {"resources": 500, "parameters": 200, "outputs": 200}
MOST_BYTES = 1_000_000  # of a template that is uploaded


def requirements(name: str) -> Requirements:
    found = load(examples()[name]).requirements
    moved = {} if found.provider == "aws" else {"provider": "aws", "region": "", "secondary_region": ""}
    return found.model_copy(update={**moved, "iac_tool": "cloudformation"})


@pytest.fixture(params=examples())
def deployed(request: pytest.FixtureRequest) -> tuple[Stack, ...]:
    return stacks(Blueprint.of(evaluate(requirements(request.param))))


def test_what_a_stack_takes_another_gives(deployed: tuple[Stack, ...]) -> None:
    given = {s.name: {o.name for t in s.templates for o in t.outputs.values() if o.exported} for s in deployed}
    earlier: list[str] = []
    for stack in deployed:
        for name, taken in given_to(stack).items():
            if taken.root:
                assert taken.root in earlier, f"{stack.name} takes {name} of {taken.root}, which comes later"
                assert taken.output in given[taken.root], f"{stack.name} takes {name}, which {taken.root} does not give"
        earlier.append(stack.name)


def test_templates_are_within_their_limits(deployed: tuple[Stack, ...]) -> None:
    for template in (t for stack in deployed for t in stack.templates):
        for kind, most in MOST.items():
            assert len(getattr(template, kind)) <= most, f"{template.name}: {kind}"
        assert len(template.text().encode()) <= MOST_BYTES


def test_an_output_is_given_by_the_stack_above_if_anybody_wants_it() -> None:
    t = Template("t", "A template.", ("About it.",))
    vpc = t.resource("Vpc", "AWS::EC2::VPC", "network", CidrBlock="10.0.0.0/16")
    assert not t.offered(vpc.att("")).exported
    assert t.output("Vpc", vpc, "The network.", exported=True).exported
    assert t.offered(vpc.att("")).exported
    with pytest.raises(ValueError, match=r"t\.yaml has two outputs Vpc"):
        t.output("Vpc", vpc.att("CidrBlock"), "Something else.")


def test_more_machines_than_a_stack_holds_are_told() -> None:
    wanted = Requirements(provider="aws", iac_tool="cloudformation", peak_rps=10_000_000, average_rps=2_000_000,
                          overrides={"observability.metrics": "prometheus"})  # fmt: skip
    evaluation = evaluate(wanted)
    collector = next(c for c in evaluation.topology.components if c.id == "collector")
    assert collector.count > MOST_MACHINES
    (why,) = (u.why for u in repository(evaluation).infrastructure.unbuilt if u.component == collector.id)
    assert why.startswith(f"a template lists machines one by one, and {collector.count:,} are too many")
