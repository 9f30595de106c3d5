"""The exporters as nbconvert and JupyterLab find them."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters import get_exporter
from nbconvert.exporters.base import get_export_names
from nbconvert.utils.exceptions import ConversionException
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from devops_workbook.export.exporters import DesignHtmlExporter, DesignMarkdownExporter, DesignPdfExporter
from devops_workbook.export.glyphs import TypesettingError

EXPORTERS = {
    "design_html": (DesignHtmlExporter, ".html", b"<!doctype html>"),
    "design_pdf": (DesignPdfExporter, ".pdf", b"%PDF-"),
    "design_markdown": (DesignMarkdownExporter, ".md", b"# "),
}


@pytest.mark.parametrize("name", EXPORTERS)
def test_nbconvert_finds_them_by_name(name: str) -> None:
    assert get_exporter(name) is EXPORTERS[name][0]
    assert name in get_export_names()


def test_jupyterlab_can_ask_for_every_one() -> None:
    # The server's address of an export takes word characters only.
    ours = [e.name for e in entry_points(group="nbconvert.exporters") if e.value.startswith("devops_workbook.")]
    assert sorted(ours) == sorted(EXPORTERS)
    assert all(re.fullmatch(r"\w+", name, re.ASCII) for name in ours)


@pytest.mark.parametrize("name", EXPORTERS)
def test_any_notebook_file_is_exported(name: str, tmp_path: Path) -> None:
    cells = [
        new_markdown_cell("hello *there*"),
        new_code_cell("x = 1"),
        new_code_cell("y", metadata={"tags": ["gone"]}),
    ]
    cells[2].outputs = [new_output("stream", name="stdout", text="to be left out")]
    file = tmp_path / "My notes.ipynb"
    nbformat.write(new_notebook(cells=cells), file)
    exporter = EXPORTERS[name][0]()
    exporter.config.TagRemovePreprocessor.remove_cell_tags = {"gone"}
    kind = EXPORTERS[name][0](config=exporter.config)
    document, resources = kind.from_filename(str(file))
    content = document if isinstance(document, bytes) else document.encode()
    assert content.startswith(EXPORTERS[name][2])
    assert resources["output_extension"] == EXPORTERS[name][1]
    assert b"left out" not in content


def test_a_document_that_cannot_be_set_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> bytes:
        raise TypesettingError("the PDF could not be set: no room")

    monkeypatch.setattr(DesignPdfExporter, "write", staticmethod(fail))
    with pytest.raises(ConversionException, match="could not be set: no room"):
        DesignPdfExporter().from_notebook_node(new_notebook())
