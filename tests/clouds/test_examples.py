"""Every example scenario is formatted and valid in all its roots; the stacks of one are created on the emulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from devops_workbook.artifacts.folder import write_folder
from devops_workbook.scenario import examples, load
from tests.clouds import stacks
from tests.clouds.cycle import run
from tests.clouds.terraform import Scratch
from tests.clouds.tools import NEEDS
from tests.clouds.verify import designed, verify


def example(name: str) -> object:
    requirements = load(examples()[name]).requirements
    return pytest.param(name, marks=pytest.mark.needs("cfn-lint", *NEEDS[requirements.provider]))


@pytest.mark.parametrize("name", [example(name) for name in examples()])
def test_an_example_is_formatted_and_valid(name: str, tmp_path: Path) -> None:
    design = designed(name, load(examples()[name]).requirements)
    write_folder(design.repository.artifacts, tmp_path / "repository")
    infrastructure = tmp_path / "repository" / "infrastructure"
    if design.language == "cloudformation":
        assert stacks.lint(infrastructure).problems == ()
        return
    scratch = Scratch.of(infrastructure, tmp_path / "work")
    account = run(scratch, dict.fromkeys(scratch.roots, "validate"))
    assert account.failures == []
    assert {r.step for r in account.results} == {"fmt", "init", "validate"}


@pytest.mark.cycle
@pytest.mark.needs("moto", "aws", "jq", "cfn-lint", "checkov")
def test_stacks_of_an_example_are_created(tmp_path: Path) -> None:
    design = designed("iot-ingest", load(examples()["iot-ingest"]).requirements, example=True)
    assert design.language == "cloudformation"
    report = verify(design, (), tmp_path, "apply")
    assert list(report.problems) == []
    assert {r.step for r in report.account.results} == {"lint", "deploy"}
