"""Any notebook becomes a manuscript: what is kept, what it is called, how it is numbered."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from PIL import Image

from devops_workbook.export.manuscript import (
    Code,
    Figure,
    Heading,
    Html,
    Listing,
    Manuscript,
    Notice,
    Paragraph,
    Quote,
    Table,
    plain,
    walk,
)
from devops_workbook.export.reader import read

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40pt" height="30pt"><desc>Two boxes</desc></svg>'


def png() -> str:
    file = BytesIO()
    Image.new("RGB", (3, 2)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def of_markdown(text: str, **extra: Any) -> Manuscript:
    return read(new_notebook(cells=[new_markdown_cell(text, **extra)]))


def of_output(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> Manuscript:
    output = new_output("display_data", data=data, metadata=metadata or {})
    return read(new_notebook(cells=[new_code_cell("code()", outputs=[output])]))


def headings(manuscript: Manuscript) -> list[tuple[int, str, str]]:
    return [(b.level, b.number, plain(b.text)) for b in manuscript.body if isinstance(b, Heading)]


def test_the_only_top_heading_is_the_title() -> None:
    manuscript = of_markdown("# Shop\n\n## One\n\n### Two\n\n## Three")
    assert manuscript.title == "Shop"
    assert headings(manuscript) == [(1, "1", "One"), (2, "1.1", "Two"), (1, "2", "Three")]


def test_a_notebook_with_several_top_headings_is_called_like_its_file() -> None:
    manuscript = read(new_notebook(cells=[new_markdown_cell("# One\n## Sub\n# Two")]), "notes")
    assert manuscript.title == "notes"
    assert headings(manuscript) == [(1, "1", "One"), (2, "1.1", "Sub"), (1, "2", "Two")]


def test_its_metadata_names_and_speaks_for_the_notebook() -> None:
    notebook = new_notebook(metadata={"title": "Named", "lang": "de-CH"})
    assert (read(notebook, "file").title, read(notebook).language) == ("Named", "de-CH")
    assert read(new_notebook(metadata={"lang": '"><script>'})).language == "en"


def test_an_empty_notebook_is_a_document_too() -> None:
    assert read(new_notebook()) == Manuscript("Document", (), ())


def test_headings_leave_no_gap_and_appendices_have_no_number() -> None:
    manuscript = of_markdown("# T\n## A\n##### deep\n## Appendix A: more\n### in it\n## B")
    assert headings(manuscript) == [
        (1, "1", "A"), (2, "1.1", "deep"), (1, "", "Appendix A: more"), (2, "", "in it"), (1, "2", "B"),
    ]  # fmt: skip


def test_anchors_are_unique_and_a_heading_may_bring_its_own() -> None:
    manuscript = of_markdown('# T\n## A b\n## A b\n## <a id="mine"></a>C')
    assert [b.anchor for b in manuscript.body if isinstance(b, Heading)] == ["A-b", "A-b-1", "mine"]


def test_code_is_left_out_and_raw_cells_too() -> None:
    cells = [new_code_cell("secret = 1"), new_raw_cell("raw"), new_markdown_cell("kept")]
    assert [plain(b.text) for b in read(new_notebook(cells=cells)).body if isinstance(b, Paragraph)] == ["kept"]


def test_a_picture_has_its_own_words_or_those_in_the_metadata() -> None:
    own = of_output({"image/svg+xml": SVG}).body[0]
    given = of_output({"image/svg+xml": SVG}, {"image/svg+xml": {"alt": "A path", "caption": "Figure of a path"}}).body[
        0
    ]
    assert isinstance(own, Figure)
    assert isinstance(given, Figure)
    assert (own.alt, own.number, own.width) == ("Two boxes", 1, pytest.approx(40 * 4 / 3))
    assert (given.alt, plain(given.caption)) == ("A path", "Figure of a path")


def test_no_picture_is_without_words() -> None:
    (figure,) = of_output({"image/png": png()}).body
    assert isinstance(figure, Figure)
    assert figure.alt == "Figure 1 of the notebook, not described"
    assert (figure.width, figure.height) == (3, 2)


@pytest.mark.parametrize("data", [{"image/svg+xml": "<svg"}, {"image/png": "!"}, {"image/svg+xml": "<html/>"}])
def test_a_broken_picture_is_said_to_be_left_out(data: dict[str, str]) -> None:
    (block,) = of_output(data).body
    assert isinstance(block, Notice)
    assert "left out" in block.text


def test_an_entity_bomb_is_left_out() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg">&b;</svg>'
    (block,) = of_output({"image/svg+xml": bomb}).body
    assert isinstance(block, Notice)


def test_pictures_are_found_in_the_cell_and_beside_the_notebook_only(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for place in (tmp_path / "outside.png", tmp_path / "in" / "inside.png"):
        place.write_bytes(base64.b64decode(png()))
    text = "![a](attachment:a.png)\n\n![b](inside.png)\n\n![c](../outside.png)\n\n![d](https://e.example/d.png)"
    cell = new_markdown_cell(text, attachments={"a.png": {"image/png": png()}})
    body = read(new_notebook(cells=[cell]), folder=tmp_path / "in").body
    assert [type(block) for block in body] == [Figure, Figure, Paragraph, Paragraph]
    assert plain(body[2].text) == "c"


def test_the_richest_form_without_a_script_is_taken() -> None:
    html = "<table><tr><th>a</th></tr><tr><td>1 &lt;b&gt;</td></tr></table><script>alert(1)</script>"
    (block,) = of_output({"text/plain": "a\n1", "text/html": html}).body
    assert isinstance(block, Html)
    assert "script" not in block.html
    (table,) = block.blocks
    assert isinstance(table, Table)
    assert [plain(cell) for row in (table.header, *table.rows) for cell in row] == ["a", "1 <b>"]


def test_a_widget_without_html_is_said_to_have_no_printed_form() -> None:
    (block,) = of_output({"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Slider()"}).body
    assert isinstance(block, Notice)


def test_streams_lose_their_colours_and_errors_become_a_sentence() -> None:
    outputs = [
        new_output("stream", name="stdout", text="\x1b[31mred\x1b[0m\n"),
        new_output("error", ename="ValueError", evalue="bad", traceback=["..."]),
    ]
    code, notice = read(new_notebook(cells=[new_code_cell("1", outputs=outputs)])).body
    assert code == Code("red")
    assert isinstance(notice, Notice)
    assert notice.text.endswith("ValueError: bad")


def test_lists_quotes_and_code_keep_their_shape() -> None:
    body = of_markdown("- a\n  1. b\n- [x] c\n\n> d\n\n```py\ne\n```").body
    assert [type(block) for block in body] == [Listing, Quote, Code]
    assert [plain(b.text) for b in walk(body) if isinstance(b, Paragraph)] == ["a", "b", "[x] c", "d"]


@pytest.mark.parametrize("text", ["> " * 400 + "x", "\n".join("  " * n + "- x" for n in range(80)), "*" * 3000 + "x"])
def test_hostile_nesting_is_laid_flat(text: str) -> None:
    body = of_markdown(text).body
    assert depth(body) <= 8
    assert "x" in "".join(plain(b.text) for b in walk(body) if isinstance(b, Paragraph))


def depth(blocks: tuple[Any, ...]) -> int:
    inner = [b.blocks for b in blocks if isinstance(b, Quote)] + [
        i for b in blocks if isinstance(b, Listing) for i in b.items
    ]
    return 1 + max(map(depth, inner), default=0)


def test_the_report_becomes_a_numbered_document(report: nbformat.NotebookNode) -> None:
    manuscript = read(report, "report")
    assert manuscript.title == "Start-up web shop"
    blocks = list(walk(manuscript.body))
    figures = [b for b in blocks if isinstance(b, Figure)]
    tables = [b for b in blocks if isinstance(b, Table) and b.caption]
    assert [f.number for f in figures] == list(range(1, len(figures) + 1))
    assert [t.number for t in tables] == list(range(1, len(tables) + 1))
    assert all(f.caption and len(f.alt) > 100 for f in figures)
    chapters = [plain(b.text) for b in manuscript.body if isinstance(b, Heading) and b.level == 1]
    assert chapters[:3] == ["Executive summary", "Context and requirements", "Architecture"]
    assert chapters[-1] == "Sign-off"
