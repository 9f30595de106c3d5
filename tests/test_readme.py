"""The README says what the program does: every verb, option, requirement and make target, and no other."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main

from devops_workbook.artifacts.verification import TOOLS
from devops_workbook.cli import app
from devops_workbook.requirements import FieldSpec, field_specs
from devops_workbook.scenario import examples
from tests.clouds.tools import needed

ROOT = Path(__file__).parent.parent
COMMAND: Any = typer.main.get_command(app)
VERBS: dict[str, Any] = COMMAND.commands
OWN_OPTIONS = {"--help", "-h", "--install-completion", "--show-completion"}
TARGETS = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def options(command: Any) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts if name.startswith("-")} - OWN_OPTIONS


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_its_options_are_documented(readme: str, verb: str) -> None:
    assert f"devops-workbook {verb}" in readme
    assert [name for name in options(VERBS[verb]) if not re.search(rf"(?<![\w-]){name}(?![\w-])", readme)] == []


def test_the_options_of_the_program_itself_are_documented(readme: str) -> None:
    assert options(COMMAND) == {"--version", "--debug", "--prices"}
    assert [name for name in options(COMMAND) if name not in readme] == []


def test_no_other_verb_is_documented(readme: str) -> None:
    assert set(re.findall(r"devops-workbook (?=[a-z])([a-z]+)", readme)) == set(VERBS)


def test_no_other_option_is_documented(readme: str) -> None:
    known = set().union(OWN_OPTIONS, options(COMMAND), *map(options, VERBS.values()))
    lines = [line for line in readme.splitlines() if re.match(r"\s*(\$ )?devops-workbook ", line)]
    named = {name for line in lines for name in re.findall(r"(?<=\s)--?[a-z][\w-]*", line)}
    assert named - known == set()


def rows(readme: str) -> dict[str, str]:
    """The rows of the requirements' tables by field name."""
    return {row[1]: row[0] for row in re.finditer(r"^\| `(\w+)` \|.*$", readme, flags=re.MULTILINE)}


@pytest.mark.parametrize("spec", field_specs(), ids=lambda spec: spec.name)
def test_every_requirement_has_a_row_with_what_it_takes(readme: str, spec: FieldSpec) -> None:
    row = rows(readme)[spec.name]
    missing = [part for part in (spec.description, spec.unit, *spec.choices) if part not in row]
    assert missing == []


def test_no_other_requirement_has_a_row(readme: str) -> None:
    assert list(rows(readme)) == [spec.name for spec in field_specs()]


def test_make_targets_are_those_of_the_makefile(readme: str) -> None:
    assert set(re.findall(r"\bmake ([a-z-]+)\b(?= *(?:[`#]|$))", readme, flags=re.MULTILINE)) == set(TARGETS)


@pytest.mark.parametrize("name", examples())
def test_every_example_is_named(readme: str, name: str) -> None:
    assert f"`{name}`" in readme


def test_files_it_points_to_are_there(readme: str) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", readme)
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_tool_that_verify_uses_is_named(readme: str) -> None:
    assert [t.program for t in TOOLS if f"`{t.program}`" not in readme] == []


@pytest.fixture
def workflow(readme: str, tmp_path: Path) -> Path:
    """The nightly workflow that the README shows, where GitHub would look for it."""
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", readme, flags=re.MULTILINE | re.DOTALL)
    file = tmp_path / ".github" / "workflows" / "report.yml"
    file.parent.mkdir(parents=True)
    file.write_text(shown, encoding="utf-8")
    return file


@pytest.mark.needs("check-jsonschema")
def test_the_nightly_workflow_is_one_of_github(workflow: Path) -> None:
    check = [str(needed("check-jsonschema")), "--builtin-schema", "vendor.github-workflows", str(workflow)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("actionlint", "zizmor")
def test_the_nightly_workflow_has_no_finding(workflow: Path) -> None:
    for check in (["actionlint", "-no-color", str(workflow)], ["zizmor", "--offline", "--no-progress", str(workflow)]):
        done = subprocess.run(
            [str(needed(check[0])), *check[1:]], capture_output=True, text=True, check=False, cwd=workflow.parents[2]
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_nightly_workflow_runs_what_there_is(workflow: Path) -> None:
    (line,) = re.findall(r"run: devops-workbook batch (.*)", workflow.read_text())
    assert {word for word in line.split() if word.startswith("-")} <= options(VERBS["batch"])
