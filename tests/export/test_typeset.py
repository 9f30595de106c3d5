"""The PDF: tagged, bookmarked, numbered, the same every time, and with no text lost or run off the page."""

from __future__ import annotations

import re
from io import BytesIO

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pypdf import PdfReader

from devops_workbook.export import glyphs, typeset
from devops_workbook.export.manuscript import Figure, Heading, Manuscript, Paragraph, Run, Table, plain, walk
from devops_workbook.export.reader import read
from devops_workbook.render.diagram.text import width
from devops_workbook.requirements import Requirements


def pages(manuscript: Manuscript) -> PdfReader:
    return PdfReader(BytesIO(typeset.pdf(manuscript)))


def words(reader: PdfReader) -> str:
    return squeezed("\n".join(page.extract_text() for page in reader.pages))


def squeezed(text: str) -> str:
    """The text without blanks, hyphens at line ends and invisible marks, which setting moves about."""
    return re.sub("[\\s\u00ad\u200b\u2060\u2066-\u2069-]", "", text)


@pytest.fixture(scope="module")
def manuscript(report: nbformat.NotebookNode) -> Manuscript:
    return read(report)


@pytest.fixture(scope="module")
def reader(manuscript: Manuscript) -> PdfReader:
    return pages(manuscript)


@pytest.fixture(scope="module")
def texts(reader: PdfReader) -> list[str]:
    """What each page of the report says."""
    return [page.extract_text() for page in reader.pages]


def test_it_is_tagged_and_names_itself(reader: PdfReader) -> None:
    catalog = reader.root_object
    assert catalog["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in catalog
    assert catalog["/Lang"] == "en"
    assert reader.metadata is not None
    assert reader.metadata.title == "Start-up web shop"
    assert "pdfuaid:part" in reader.root_object["/Metadata"].get_data().decode()


def test_it_bears_no_date(reader: PdfReader) -> None:
    assert reader.metadata is not None
    assert reader.metadata.creation_date is None


def test_every_heading_is_a_bookmark(reader: PdfReader, manuscript: Manuscript) -> None:
    def titles(outline: list[object]) -> list[str]:
        return [t for item in outline for t in (titles(item) if isinstance(item, list) else [str(item["/Title"])])]  # type: ignore[index]

    wanted = [plain(b.text) for b in manuscript.body if isinstance(b, Heading)]
    found = [re.sub(r"^[\d.]+\s*", "", title) for title in titles(reader.outline)]
    assert [squeezed(t) for t in found if t != "Contents"] == [squeezed(t) for t in wanted]


def test_contents_figures_tables_and_pages_are_numbered(texts: list[str], manuscript: Manuscript) -> None:
    contents = texts[1]
    assert "Contents" in contents
    assert re.search(r"Executive summary[ .\u2060]+3\b", contents)
    text = squeezed("".join(texts))
    figures = [b for b in walk(manuscript.body) if isinstance(b, Figure)]
    assert all(f"Figure{figure.number}" in text for figure in figures)
    assert f"Page{len(texts)}of{len(texts)}" in text
    assert "Page1of" not in text, "the title page has no header"


def test_wide_drawings_have_landscape_pages(reader: PdfReader, texts: list[str]) -> None:
    turned = [
        text for page, text in zip(reader.pages, texts, strict=True) if page.mediabox.width > page.mediabox.height
    ]
    assert turned
    assert all("Figure" in text for text in turned)


def test_no_heading_or_caption_stands_alone_at_the_foot_of_a_page(texts: list[str], manuscript: Manuscript) -> None:
    headings = {squeezed(block.number + plain(block.text)) for block in manuscript.body if isinstance(block, Heading)}
    for text in texts[2:]:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        body = [line for line in lines if not line.startswith(("Page ", "Prices dated"))]
        assert not re.match(r"Table \d+ ", body[-1]), body[-1]
        assert squeezed(body[-1]) not in headings


def test_no_text_is_lost(texts: list[str], manuscript: Manuscript) -> None:
    text = squeezed("".join(texts))
    for block in walk(manuscript.body):
        if isinstance(block, Paragraph):
            assert squeezed(plain(block.text))[:40] in text


def test_the_same_manuscript_gives_the_same_bytes(manuscript: Manuscript) -> None:
    assert typeset.pdf(manuscript) == typeset.pdf(manuscript)


def test_hostile_text_is_shown_as_itself(
    hostile_report: nbformat.NotebookNode, hostile_requirements: Requirements
) -> None:
    text = words(pages(read(hostile_report)))
    # Text from right to left is extracted in an order of its own.
    latin = hostile_requirements.name.partition("\u05e9")[0]
    assert squeezed(latin) in text
    assert sum(map(len, re.findall("x{20,}", text))) >= 10_000


def test_text_is_never_typst_source() -> None:
    evil = '#set page(width: 1cm) #panic() $x$ ] ) } " \\ */ // #read("/etc/passwd") @x <y> = z'
    blocks = (Heading(1, (Run(evil),), evil), Paragraph((Run(evil, bold=True, code=True, link="#" + evil),)))
    reader = pages(Manuscript(evil, (), blocks))
    assert squeezed(evil) in words(reader)
    assert reader.pages[0].mediabox.width > 500


def test_a_character_in_no_font_is_written_by_name() -> None:
    # Private use characters have no glyph on any machine, and no name either.
    reader = pages(Manuscript("T", (), (Paragraph((Run("a \U000f1234 b"),)),)))
    text = words(reader)
    assert "a[U+F1234]b" in text
    assert squeezed("are in no font of the machine") in text


def test_what_stands_in_for_a_character() -> None:
    assert glyphs.stand_in("\U0001f600") == "[grinning face]"
    assert glyphs.stand_in("\u4e2d") == "[U+4E2D]"
    assert glyphs.stand_in("\ufe0f") == ""


def test_a_link_that_leads_nowhere_is_text() -> None:
    assert "gone" in words(pages(Manuscript("T", (), (Paragraph((Run("gone", link="#nowhere"),)),))))


@pytest.mark.parametrize(
    "size", [(10, 10), (5000, 100), (100, 5000), (3000, 3000), (0.5, 4000)], ids=lambda size: f"{size[0]}x{size[1]}"
)
def test_a_picture_of_any_shape_fits_on_its_page(size: tuple[float, float]) -> None:
    box = f'viewBox="0 0 {size[0]} {size[1]}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {box}><rect width="{size[0]}" height="{size[1]}"/></svg>'
    reader = pages(Manuscript("T", (), (Figure(svg, "a box", *size, caption=(Run("the caption"),), number=1),)))
    assert "thecaption" in squeezed(reader.pages[-1].extract_text())
    assert len(reader.pages) == 2


def test_a_long_row_breaks_across_pages_and_a_long_word_within_its_column() -> None:
    rows = tuple(((Run(f"r{n}"),), (Run("w" * 300),), (Run("word " * 900),)) for n in range(3))
    text = words(pages(Manuscript("T", (), (Table(((Run("a"),), (Run("b"),), (Run("c"),)), rows, ("left",) * 3),))))
    assert all(f"r{n}" in text for n in range(3))
    assert text.count("word") == 2700


@pytest.mark.parametrize(
    "rows",
    [[["a", "b"], ["x", "y"]], [["No.", "Text"], ["1", "long " * 80]], [["w" * 400, "b"]], [[""] * 12]],
)
def test_columns_fill_the_page_and_none_vanishes(rows: list[list[str]]) -> None:
    widths, size = typeset.column_widths(rows)
    assert sum(widths) == pytest.approx(471, abs=1)
    assert min(widths) > 14
    assert size in (7.5, 8.5)


def test_a_narrow_column_gets_what_it_needs() -> None:
    (number, text), _ = typeset.column_widths([["No.", "Text"], ["1", "long " * 80]])
    assert number < 40 < text


def test_no_column_is_narrower_than_its_longest_word_while_another_has_room() -> None:
    rows = [["Component", "Item", "Quantity"], ["Load Balancing", "a note " * 40, "437,562 GiB-second"]]
    (_, item, quantity), size = typeset.column_widths(rows)
    assert quantity >= width("437,562 GiB-second", size)
    assert item > quantity


def test_names_are_not_hyphenated(texts: list[str]) -> None:
    assert "\u00ad" not in "".join(texts), "Typst writes a soft hyphen where it has hyphenated"


def test_any_notebook_is_set() -> None:
    html = "<table><tr><th>a</th></tr><tr><td>cell</td></tr></table>"
    outputs = [
        new_output("display_data", data={"text/html": html, "text/plain": "a"}),
        new_output("stream", name="stdout", text="out\n    indented"),
        new_output("error", ename="E", evalue="failed", traceback=[]),
    ]
    cells = [new_markdown_cell("# A\n- x\n  1. y\n\n> q\n\n---\n\n$e^x$"), new_code_cell("1", outputs=outputs)]
    text = words(pages(read(new_notebook(cells=cells))))
    assert all(word in text for word in ("cell", "indented", "failed", "$e^x$"))
