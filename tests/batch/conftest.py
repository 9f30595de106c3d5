"""Notebooks small enough to run many of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

Write = Callable[..., Path]


@pytest.fixture
def notebook(tmp_path: Path) -> Write:
    """Writes a notebook of the cells given, with papermill's parameters first, as `report.ipynb` in a folder."""

    def write(*cells: str, folder: str = "notebooks") -> Path:
        made = nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_code_cell("", metadata={"tags": ["parameters"]}),
                *map(nbformat.v4.new_code_cell, cells),
            ],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        path = tmp_path / folder / "report.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(made, path)
        return path

    return write
