"""The report notebook: generated, inspectable, logic-free, and run by papermill to standard outputs only."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import papermill
import pytest

from devops_workbook.export.document import run_report
from devops_workbook.export.parameters import report_notebook
from devops_workbook.requirements import Requirements, field_specs
from devops_workbook.scenario import notebooks_folder

PATH = notebooks_folder() / "report.ipynb"


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return nbformat.read(PATH, as_version=4)


def test_it_is_what_the_fields_make_it() -> None:
    assert PATH.read_text(encoding="utf-8") == report_notebook(), (
        "report.ipynb is out of date; run `python -m devops_workbook.export.parameters`"
    )


def test_papermill_sees_every_requirement_with_type_default_and_help() -> None:
    found = papermill.inspect_notebook(str(PATH))
    assert list(found) == list(Requirements.model_fields)
    assert {p["inferred_type_name"] for p in found.values()} <= {"str", "int", "float", "bool", "list", "dict"}
    for spec in field_specs():
        default = ast.literal_eval(found[spec.name]["default"])
        assert (tuple(default) if isinstance(default, list) else default) == spec.default
        assert found[spec.name]["help"].startswith(spec.description.replace(" = ", " is ").partition("=")[0])


def test_it_has_few_cells_without_logic_or_outputs(notebook: nbformat.NotebookNode) -> None:
    assert len(notebook.cells) <= 8
    assert all(
        cell.cell_type == "code" and not cell.outputs and cell.execution_count is None for cell in notebook.cells
    )
    assert notebook.cells[0].metadata.tags == ["parameters"]
    assert notebook.metadata.kernelspec.name == "python3"
    logic = (ast.If, ast.For, ast.While, ast.FunctionDef, ast.Lambda, ast.Try, ast.With, ast.comprehension)
    for cell in notebook.cells:
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, logic)]


def test_its_defaults_are_valid_requirements(notebook: nbformat.NotebookNode) -> None:
    values: dict[str, object] = {}
    exec(notebook.cells[0].source, values)
    assert Requirements(**{name: values[name] for name in Requirements.model_fields}) == Requirements()


@pytest.fixture(scope="module")
def executed(scenarios: dict[str, Requirements]) -> nbformat.NotebookNode:
    return run_report(scenarios["back-office"])


def test_its_outputs_are_of_standard_types_only(executed: nbformat.NotebookNode) -> None:
    outputs = [output for cell in executed.cells for output in cell.outputs]
    assert {output.output_type for output in outputs} == {"display_data"}
    assert {frozenset(output.data) for output in outputs} == {
        frozenset({"text/markdown"}), frozenset({"image/svg+xml", "text/plain"}),
    }  # fmt: skip
    nbformat.validate(executed)


def test_it_leaves_no_trace_of_the_folder_it_ran_in(executed: nbformat.NotebookNode) -> None:
    shown = [text for cell in executed.cells for output in cell.outputs for text in output.data.values()]
    assert str(Path.home()) not in "".join(shown)
