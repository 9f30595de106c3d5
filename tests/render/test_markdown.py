"""Markdown: free text stays that text in every reader of Markdown, and the plan says all there is."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbconvert.filters import markdown2html

from devops_workbook import catalog
from devops_workbook.evaluate import Evaluation
from devops_workbook.export.commonmark import parse
from devops_workbook.export.manuscript import Paragraph, Table, plain
from devops_workbook.findings import Finding, WayOut
from devops_workbook.outline import FIELDS, OUTLINE
from devops_workbook.render.document import Chapters
from devops_workbook.render.figures import NOT_KNOWN
from devops_workbook.render.markdown import (
    decision_anchor,
    decision_markdown,
    escape,
    finding_markdown,
    link,
    paragraphs,
    plan_markdown,
    table,
)

HOSTILE = [
    '<script>alert("x")</script>', "{{ 7*7 }} {% raw %}", "`back` ``two``", "# heading", "\\", "\\(x\\) \\[y\\]",
    "\"q\" 's'", "$math$ $$x$$", "a | b", "[l](javascript:alert(1))", "![i](http://e.example/x.png)", "*b* _u_ ~~s~~",
    "---", "===", "&amp; &#36;", "- item", "+ item", "1. one", "2) two", "10.5", "> quote", "https://e.example/?a=b",
    "www.e.example", "a@b.c", "~~~", "```", "\\begin{x}", "<!-- c -->", "__init__", "snake_case_name", "|", "\\|",
    "[x]: y", "[^1]", "<http://x>", "!", ":---", "Table: not a caption", "\u0645\u0631\u062d\u0628\u0627", "\U0001f600",
]  # fmt: skip
SIGNS = "*_#[]`~\\{}<>|$&@:/w.-+=!1 ab\"'()^\u00e9\u05e9"
free_text = st.one_of(st.sampled_from(HOSTILE), st.text(SIGNS, max_size=20), st.text(max_size=40))


def shown(text: str) -> str:
    """What a reader sees of a text: runs of blanks are one, isolates are invisible, controls are pictures."""
    blanks = dict.fromkeys(map(ord, "\t\n\r\x0b\x0c\x85\u2028\u2029"), " ")
    pictures = {code: chr(0x2400 + code) for code in range(32)} | {0x7F: "\u2421"}
    text = text.translate(blanks).translate(pictures | dict.fromkeys(range(0x80, 0xA0), "\ufffd"))
    return " ".join(re.sub("[\u2066-\u2069]", "", text).split())


@given(free_text)
def test_free_text_is_itself_wherever_markdown_may_stand(text: str) -> None:
    written, wanted = escape(text), shown(text)
    if not wanted:
        return
    paragraph, item = parse(written)[0], parse(f"- {written}")[0].items[0][0]
    row = parse(f"| a | b |\n|---|---|\n| {written} | end |")[0].rows[0]
    found = [plain(block.text) for block in (paragraph, item, parse(f"## {written}")[0])]
    assert {shown(it) for it in (*found, plain(row[0]))} == {wanted}
    assert plain(row[1]) == "end"
    assert shown(plain(parse(f"x {written} y")[0].text)) == f"x {wanted} y"


@pytest.mark.parametrize("text", HOSTILE)
def test_nbconvert_shows_free_text_as_itself(text: str) -> None:
    rendered = str(markdown2html(f"x {escape(text)} y"))
    assert shown(html.unescape(re.sub(r"<[^>]+>", "", rendered))) == f"x {shown(text)} y"
    assert re.findall(r"<(\w+)", rendered) == ["p"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_sign_is_left_that_starts_mathematics_in_jupyterlab(text: str) -> None:
    # The expression by which JupyterLab takes mathematics out before it reads Markdown.
    mathematics = re.compile(r"\$\$?|\\(?:begin|end)\{[a-z]*\*?\}|[{}]|@@\d+@@|\\\\(?:\(|\)|\[|\])", re.IGNORECASE)
    assert not mathematics.search(escape(text))


def test_text_from_right_to_left_cannot_turn_round_what_stands_beside_it() -> None:
    assert escape("\u202eevil") == "\u2068\u202eevil\u2069"
    assert escape("\u2069\u05d0") == "\u2068\u05d0\u2069", "a text cannot end its own isolation"


def test_ten_thousand_characters_stay_whole() -> None:
    assert plain(parse(escape("x" * 10_000))[0].text) == "x" * 10_000


def test_each_line_of_a_text_is_a_paragraph() -> None:
    blocks = parse(paragraphs("one\n\n# two\r\n    three"))
    assert [plain(block.text) for block in blocks if isinstance(block, Paragraph)] == ["one", "# two", "three"]
    assert paragraphs(" \n ") == ""


@pytest.mark.parametrize("address", ["https://e.example/a_b?c=d&e=(f)", "http://e.example/*x*"])
def test_an_address_becomes_a_link_to_itself(address: str) -> None:
    (run,) = parse(link(address))[0].text
    assert run.text == address
    assert html.unescape(run.link).replace("%28", "(").replace("%29", ")") == address.replace("*", "%2A").replace(
        "%2A", "*"
    )


@pytest.mark.parametrize("source", ["javascript:alert(1)", "a book, page 3", "https://x y"])
def test_anything_else_stays_text(source: str) -> None:
    (run,) = parse(link(source))[0].text
    assert (run.text, run.link) == (source, "")


def test_a_table_has_its_caption_and_sides() -> None:
    (block,) = parse(table(["a", "b"], [("1", "2"), ("", "4")], caption="Numbers", right=[1]))
    assert isinstance(block, Table)
    assert (plain(block.caption), block.aligns, len(block.rows)) == ("Numbers", ("left", "right"), 2)


def test_a_table_without_rows_is_nothing() -> None:
    assert table(["a"], [], caption="c") == ""


def test_the_plan_has_seven_sections_and_every_decision(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        text = plan_markdown(evaluation)
        headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert headings == [*(section.title for section in OUTLINE), "Findings"]
        assert len(re.findall(r"^### ", text, re.MULTILINE)) == len(FIELDS)
        assert all(escape(decision.summary) in text for decision in evaluation.plan.decisions)


def test_a_decision_says_what_why_instead_of_what_and_what_would_change_it(evaluations: dict[str, Evaluation]) -> None:
    for decision in evaluations["payments-api"].plan.decisions:
        text = decision_markdown(decision)
        others = [option for option in decision.alternatives if option.id != decision.choice.id]
        expected = [decision.choice.title, *decision.rationale, *decision.flips, *(o.title for o in others)]
        assert all(escape(words) in text for words in expected)
        assert f'<a id="{decision_anchor(decision.id)}"></a>' in text


def test_a_choice_of_the_team_is_marked(evaluations: dict[str, Evaluation]) -> None:
    decision = evaluations["payments-api"].plan.decisions[0]
    assert "Decided by the team" in decision_markdown(replace(decision, overridden=True))
    assert "Decided by the team" not in decision_markdown(replace(decision, overridden=False))


def test_a_finding_tells_its_ways_out_and_what_they_set(evaluations: dict[str, Evaluation]) -> None:
    ways = (WayOut("Accept more.", {"rto_minutes": 60}), WayOut("Talk to the vendor."))
    text = finding_markdown(3, Finding("conflict", "high", "rto", "Too <slow>.", ways), evaluations["payments-api"])
    assert "**F3. High conflict:** Too &#60;slow&#62;." in text
    assert "Way out: Accept more. (set Recovery time objective = 60 min)" in text
    assert text.endswith("Way out: Talk to the vendor.")


def test_every_figure_of_the_plan_is_in_the_evidence(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        chapters = Chapters(evaluation)
        cited = set(re.findall(r"\(#(E\d+|S\d+)\)", chapters_text(chapters)))
        defined = set(re.findall(r'<a id="(E\d+|S\d+)">', chapters_text(chapters)))
        assert cited <= defined
        assert {e for decision in evaluation.plan.decisions for e in decision.evidence} <= set(chapters.evidence)


def test_every_link_of_the_document_leads_somewhere(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        text = chapters_text(Chapters(evaluation))
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= set(re.findall(r'<a id="([^"]+)">', text))


def unpriced(evaluation: Evaluation, component: str) -> Evaluation:
    """The evaluation without the prices of one component."""
    lines = tuple(
        replace(line, unit_price_usd=None, monthly_usd=None, source=NOT_KNOWN, as_of="")
        if line.component == component
        else line
        for line in evaluation.assessment.cost.lines
    )
    cost = replace(evaluation.assessment.cost, lines=lines)
    return replace(evaluation, assessment=replace(evaluation.assessment, cost=cost))


def test_what_has_no_price_is_not_known_everywhere_and_never_free(evaluations: dict[str, Evaluation]) -> None:
    evaluation = unpriced(evaluations["payments-api"], "database")
    chapters = Chapters(evaluation)
    title = escape(evaluation.topology.component("database").title)
    rows = [line for part in chapters.assessment() for line in part.markdown.splitlines() if line.startswith("| ")]
    bill = [row for row in rows if row.startswith(f"| {title}, us-east-1 |")]
    assert any("| not known | not known |" in row for row in bill)
    listed = [line for line in chapters._components().splitlines() if line.startswith(f"| {title} |")]
    assert "| not known |" in listed[0]
    assert NOT_KNOWN not in {source for source, _ in chapters.sources}


def test_controls_are_named_by_their_titles(evaluations: dict[str, Evaluation]) -> None:
    titles = {escape(control.title) for control in catalog.load().controls.values()}
    text = "\n".join(chapters_text(Chapters(evaluation)) for evaluation in evaluations.values())
    for label in ("Controls:", "Satisfies."):
        named = re.findall(rf"^\*\*{re.escape(label)}\*\* (.*)$", text, re.MULTILINE)
        assert named
        assert {title for line in named for title in line.split("; ")} <= titles


def test_users_are_no_component_that_somebody_provides(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        chapters = Chapters(evaluation)
        (users,) = evaluation.topology.with_role("users")
        assert f"| {users.title} |" not in chapters._components()
        assert "a month" not in chapters._hint(users)


def test_a_document_says_how_old_its_prices_are(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        chapters = Chapters(evaluation)
        for part in (*chapters.cover(), chapters.sign_off()[0]):
            assert escape(evaluation.assessment.cost.price_date) in part.markdown


def chapters_text(chapters: Chapters) -> str:
    names = ("cover", "summary", "context", "architecture", "plan", "assessment", "findings", "appendices", "sign_off")
    return "\n\n".join(part.markdown for name in names for part in getattr(chapters, name)())
