"""The workshop notebook as it is committed, and run without anybody looking at it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import papermill
import pytest

from devops_workbook.scenario import notebooks_folder

WORKSHOP = notebooks_folder() / "workshop.ipynb"


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    return dict(json.loads(WORKSHOP.read_text(encoding="utf-8")))


def test_it_is_committed_clean(committed: dict[str, Any]) -> None:
    code = [cell for cell in committed["cells"] if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)
    assert committed["metadata"]["kernelspec"]["name"] == "python3"
    assert "widgets" not in committed["metadata"]


def test_it_is_short_and_says_how_to_begin(committed: dict[str, Any]) -> None:
    cells = committed["cells"]
    assert len(cells) <= 6
    assert "Run All" in "".join(cells[0]["source"])
    assert "".join(cells[1]["source"]).rstrip().endswith("board")
    assert "".join(cells[-1]["source"]) == "board.summary()"


def test_it_runs_unattended_and_leaves_plain_html(tmp_path: Path) -> None:
    shutil.copytree(notebooks_folder() / "scenarios", tmp_path / "scenarios")
    done = papermill.execute_notebook(
        str(WORKSHOP), str(tmp_path / "done.ipynb"), cwd=str(tmp_path), progress_bar=False, kernel_name="python3"
    )
    shown = [
        output["data"]["text/html"] for cell in done.cells for output in cell.get("outputs", []) if "data" in output
    ]
    assert len(shown) == 2
    for html in shown:
        assert "Cost a month" in html
        assert "<script" not in html
