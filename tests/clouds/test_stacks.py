"""CloudFormation's templates are linted, and deployed by the repository's own script."""

from __future__ import annotations

from pathlib import Path

import pytest

from devops_workbook.artifacts.folder import write_folder
from devops_workbook.artifacts.repository import repository
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from tests.artifacts.test_repository import HOSTILE
from tests.clouds import aws, stacks

GOOD = """\
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: orders
"""


def infrastructure(folder: Path, template: str, script: str = "") -> Path:
    (folder / "templates").mkdir(parents=True)
    (folder / "templates" / "queue.yaml").write_text(template)
    (folder / "values.yaml").write_text("no: template\n")
    (folder / "deploy.sh").write_text(script)
    return folder


@pytest.mark.needs("cfn-lint")
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("QueueName", "QueueTitle", "E3002"),
        ("orders", "[1, 2]", "E3012"),
        ("AWS::SQS::Queue", "AWS::SQS::Cue", "E3006"),
        ("      QueueName: orders", "      QueueName: !Ref Nobody", "E1020"),
        ('"2010-09-09"\n', '"2010-09-09"\nParameters:\n  Idle:\n    Type: String\n', "W2001"),
    ],
)
def test_a_mutant_of_a_template_is_caught(tmp_path: Path, old: str, new: str, told: str) -> None:
    found = stacks.lint(infrastructure(tmp_path, GOOD.replace(old, new)))
    assert not found.ok
    assert any(told in problem.text for problem in found.problems), found.problems
    assert all(problem.text.startswith("templates/queue.yaml") for problem in found.problems)


@pytest.mark.needs("cfn-lint")
def test_a_good_template_passes(tmp_path: Path) -> None:
    folder = infrastructure(tmp_path, GOOD)
    assert [p.name for p in stacks.templates(folder)] == ["queue.yaml"]
    assert stacks.lint(folder).ok


@pytest.mark.needs("cfn-lint")
@pytest.mark.parametrize("name", ["unicode", "lines"])
def test_whatever_a_system_is_called_its_templates_pass(name: str, tmp_path: Path) -> None:
    called = HOSTILE[name]
    wanted = Requirements(name=called, owner=called, description=called, iac_tool="cloudformation")
    write_folder(repository(evaluate(wanted)).artifacts, tmp_path / "code")
    found = stacks.lint(tmp_path / "code" / "infrastructure")
    assert found.ok, found.problems


@pytest.mark.needs("moto", "aws", "jq")
def test_stacks_are_created_on_the_emulator(tmp_path: Path) -> None:
    script = (
        'set -e\naws cloudformation deploy --stack-name "$1" --template-file "$(dirname "$0")/templates/queue.yaml"\n'
    )
    folder = infrastructure(tmp_path / "good", GOOD, script)
    bad = infrastructure(tmp_path / "bad", GOOD.replace("orders", "!Ref Nobody"), script)
    with aws.emulator(tmp_path / "log") as environment:
        assert stacks.deploy(folder, "dev", environment).ok
        found = stacks.deploy(bad, "production", environment)
    assert not found.ok
    assert found.problems[0].text.startswith("deploy.sh production ended with status ")


def test_types_that_were_not_made_are_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x\nWARNING Tried to parse AWS::Budgets::Budget but it's not supported by moto's\n" * 2)
    assert stacks.unmade(log) == ("AWS::Budgets::Budget",)
