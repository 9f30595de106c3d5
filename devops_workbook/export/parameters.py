"""Writes `report.ipynb` from the requirement fields: `python -m devops_workbook.export.parameters`.

The notebook is generated so that a new requirement reaches papermill without anybody remembering it. papermill finds
parameters with a regular expression that gives up on a line with two equals signs, on quoted types and on
`Literal[...]`, so each is one line `name: type = default  # help` in plain types.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from devops_workbook.export.report import CHAPTERS
from devops_workbook.requirements import FieldSpec, field_specs
from devops_workbook.scenario import notebooks_folder, write_atomic

__all__ = ["main", "report_notebook"]

_TYPES = {
    "text": "str", "choice": "str", "choices": "list", "number": "float", "integer": "int", "flag": "bool",
    "overrides": "dict",
}  # fmt: skip
_FIRST_LINES = (
    "# What the system needs. papermill, or `devops-workbook export`, replaces these values by a scenario's.",
    "# Generated from the requirement fields by `python -m devops_workbook.export.parameters`; change them there.",
)


def report_notebook() -> str:
    """The report notebook as the text of its file, without outputs."""
    cells = [
        _cell("parameters", [*_FIRST_LINES, *map(_line, field_specs())], tags=["parameters"]),
        _cell("document", _CONSTRUCTION),
        *(_cell(group[0], [f"document.{chapter}()" for chapter in group]) for group in CHAPTERS[1:]),
    ]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = new_notebook(cells=cells, metadata=metadata)  # type: ignore[no-untyped-call]
    text: str = nbformat.writes(notebook, version=4)  # type: ignore[no-untyped-call]
    return text + "\n"


def _cell(id: str, lines: Iterable[str], tags: Iterable[str] = ()) -> nbformat.NotebookNode:
    # Named ids, because random ones would change the file each time it is written.
    metadata = {"tags": list(tags)} if tags else {}
    cell: nbformat.NotebookNode = new_code_cell(  # type: ignore[no-untyped-call]
        "\n".join(lines), id=id.replace("_", "-"), metadata=metadata
    )
    return cell


def _line(spec: FieldSpec) -> str:
    return f"{spec.name}: {_TYPES[spec.kind]} = {_literal(spec)}  # {_help(spec)}"


def _literal(spec: FieldSpec) -> str:
    value = spec.default
    if spec.kind == "number":
        return repr(float(value))
    if isinstance(value, bool | int):
        return repr(value)
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _help(spec: FieldSpec) -> str:
    unit = f" [{spec.unit}]" if spec.unit else ""
    choices = f" Allowed: {', '.join(spec.choices)}." if spec.choices else ""
    return f"{spec.description}{unit}{choices}".replace(" = ", " is ").replace("=", ":").replace("\n", " ")


_CONSTRUCTION = [
    "from devops_workbook.export import Document",
    "",
    "document = Document.of(globals())",
    "document.cover()",
]
"""Lines that make the Document from the parameters, and show its cover."""


def main() -> None:
    """Write `report.ipynb` into the notebooks folder."""
    path = notebooks_folder() / "report.ipynb"
    write_atomic(path, report_notebook().encode())
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
