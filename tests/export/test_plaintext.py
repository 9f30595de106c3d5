"""The Markdown document: one file, in which a reader of Markdown finds the same manuscript again."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from devops_workbook.export.commonmark import parse
from devops_workbook.export.manuscript import Block, Figure, Heading, Manuscript, Paragraph, Run, Table, plain, walk
from devops_workbook.export.plaintext import markdown
from devops_workbook.export.reader import read
from devops_workbook.requirements import Requirements


def words(blocks: tuple[Block, ...]) -> list[str]:
    texts = [plain(b.text) for b in walk(blocks) if isinstance(b, Paragraph)]
    cells = [plain(cell) for b in walk(blocks) if isinstance(b, Table) for row in b.rows for cell in row]
    return [" ".join(text.split()) for text in (*texts, *cells) if text.strip()]


def test_nothing_is_lost(report: nbformat.NotebookNode) -> None:
    manuscript = read(report)
    text = markdown(manuscript)
    again = words(parse(text))
    assert set(words((*manuscript.cover, *manuscript.body))) <= set(again)
    figures = [b for b in walk(manuscript.body) if isinstance(b, Figure)]
    pictures = re.findall(r"\]\(data:image/svg\+xml;base64,([^)]+)\)", text)
    assert [base64.b64decode(picture).decode() for picture in pictures] == [figure.svg for figure in figures]


def test_headings_keep_their_numbers_and_anchors(report: nbformat.NotebookNode) -> None:
    manuscript = read(report)
    headings = [b for b in manuscript.body if isinstance(b, Heading)]
    lines = re.findall(r'^(#+) <a id="([^"]+)"></a>(.*)$', markdown(manuscript), re.MULTILINE)
    assert [(len(marks) - 1, anchor) for marks, anchor, _ in lines] == [
        (h.level, quote(h.anchor, safe=":")) for h in headings
    ]
    assert [plain(parse(f"# {text}")[0].text) for *_, text in lines] == [
        f"{h.number} {plain(h.text)}".strip() for h in headings
    ]


def test_hostile_text_stays_text(hostile_report: nbformat.NotebookNode, hostile_requirements: Requirements) -> None:
    text = markdown(read(hostile_report))
    assert not re.search(r"<(?!a id=|/a>|br>)", text)
    shown = " ".join(re.sub("[\u2066-\u2069]", "", " ".join(words(parse(text)))).split())
    assert " ".join(hostile_requirements.name.split()) in shown


@pytest.mark.parametrize(
    "source",
    ["- a\n- b", "1. a\n2. b", "3. x", "> q", "```text\na ` b\n```", "**b** *i* ~~s~~ `c`", "- a\n\n  b\n\n- c",
     "a\\\nb", "[l](https://e.example/?a=1&b=2)", "`a|b`", "| a | b |\n|---|---:|\n| 1 | 2 |"],
)  # fmt: skip
def test_structure_survives(source: str) -> None:
    manuscript = read(new_notebook(cells=[new_markdown_cell(source)]))
    again = read(new_notebook(cells=[new_markdown_cell(markdown(manuscript))]))
    assert words(again.body) == words(manuscript.body)
    assert [type(b) for b in walk(again.body)] == [type(b) for b in walk(manuscript.body)]


def test_emphasis_ends_where_a_reader_sees_it_end() -> None:
    text = markdown(Manuscript("T", (), (Paragraph((Run("bold ", bold=True), Run("plain"))),)))
    assert "**bold** plain" in text
