"""One call makes the documents, and what was there before survives whatever goes wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from papermill.exceptions import PapermillExecutionError

from devops_workbook.export import document
from devops_workbook.export.document import ExportError, export
from devops_workbook.requirements import Requirements


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch, report: nbformat.NotebookNode) -> None:
    """The report is run once for all tests."""
    monkeypatch.setattr(document, "run_report", lambda requirements: report)


def test_every_format_is_written_under_the_name_of_the_system(
    ready: None, scenarios: dict[str, Requirements], tmp_path: Path
) -> None:
    steps: list[tuple[str, float]] = []
    folder = tmp_path / "new" / "folder"
    files = export(
        scenarios["startup-web-shop"],
        ["html", "pdf", "md"],
        folder,
        progress=lambda step, done: steps.append((step, done)),
    )
    assert [file.name for file in files] == ["start-up-web-shop.html", "start-up-web-shop.pdf", "start-up-web-shop.md"]
    assert sorted(folder.iterdir()) == sorted(files)
    assert [step for step, _ in steps] == ["running the report", "writing HTML", "writing PDF", "writing MD", "saving"]
    assert [done for _, done in steps] == sorted(done for _, done in steps)
    assert 0 <= steps[0][1] < steps[-1][1] < 1


@pytest.mark.parametrize("name", ["../../etc/passwd", "CON", "\U0001f600", "a" * 10_000, "..", "/", "C:\\x", "a\x00b"])
def test_no_name_leads_out_of_the_folder(ready: None, tmp_path: Path, name: str) -> None:
    (file,) = export(Requirements(name=name), ["md"], tmp_path / "exports")
    assert file.parent == tmp_path / "exports"
    assert [path.name for path in tmp_path.iterdir()] == ["exports"]
    assert file.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("formats", [["docx"], [], ["html", "exe"]])
def test_an_unknown_format_is_refused_before_anything_runs(tmp_path: Path, formats: list[str]) -> None:
    with pytest.raises(ExportError, match="allowed: html, pdf, md"):
        export(Requirements(), formats, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_earlier_documents(ready: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (earlier,) = export(Requirements(), ["md"], tmp_path)
    content = earlier.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExportError, match=r"[Nn]o space left"):
        export(Requirements(description="changed"), ["md"], tmp_path)
    assert earlier.read_bytes() == content
    assert list(tmp_path.iterdir()) == [earlier]


def test_a_format_that_fails_leaves_all_of_them(ready: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    earlier = export(Requirements(), ["html", "pdf"], tmp_path)
    times = [file.stat().st_mtime_ns for file in earlier]

    def fail(notebook: Any, format: str) -> bytes:
        if format == "pdf":
            raise ExportError("the PDF could not be set")
        return b"new"

    monkeypatch.setattr(document, "exported", fail)
    with pytest.raises(ExportError):
        export(Requirements(), ["html", "pdf"], tmp_path)
    assert [file.stat().st_mtime_ns for file in earlier] == times


def test_a_folder_that_cannot_be_made_is_named(ready: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExportError, match=r"file/exports/untitled-system\.md: cannot be written: [Nn]ot a directory"):
        export(Requirements(), ["md"], tmp_path / "file" / "exports")


@pytest.mark.parametrize(
    ("ename", "evalue", "told"),
    [
        ("ModuleNotFoundError", "No module named 'devops_workbook'", "belongs to another environment"),
        ("ValueError", "bad", "stopped with ValueError: bad"),
    ],
)
def test_a_report_that_fails_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, ename: str, evalue: str, told: str
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise PapermillExecutionError(0, 1, "source", ename, evalue, [])

    monkeypatch.setattr(document.papermill, "execute_notebook", fail)
    with pytest.raises(ExportError, match=told):
        document.run_report(Requirements())


def test_requirements_reach_the_report_as_they_are(
    hostile_report: nbformat.NotebookNode, hostile_requirements: Requirements
) -> None:
    # Hostile text crosses papermill as a Python literal.
    injected = next(cell for cell in hostile_report.cells if "injected-parameters" in cell.metadata.get("tags", ()))
    values: dict[str, Any] = {}
    exec(injected.source, values)
    assert Requirements(**{name: values[name] for name in Requirements.model_fields}) == hostile_requirements
