"""The HTML document: one file that fetches nothing, runs nothing of others, and can be used by keyboard."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest

from devops_workbook.export.manuscript import Figure, Heading, Manuscript, Notice, Paragraph, Run, Table
from devops_workbook.export.reader import read
from devops_workbook.export.web import html
from devops_workbook.requirements import Requirements


class Page(HTMLParser):
    """Tags with their attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def named(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


@pytest.fixture(scope="module")
def document(report: nbformat.NotebookNode) -> str:
    return html(read(report))


@pytest.fixture(scope="module")
def page(document: str) -> Page:
    return Page(document)


def test_nothing_is_fetched(page: Page) -> None:
    assert not page.named("link", "iframe", "object", "embed", "base", "form")
    sources = [
        a.get("src") or a.get("href") or a.get("xlink:href") or "" for a in page.named("img", "image", "use", "script")
    ]
    assert all(source.startswith(("data:image/", "#", "")) and "http" not in source[:5] for source in sources)
    assert "https://" not in "".join(re.findall(r"url\([^)]*\)|@import[^;]*", "".join(map(str, page.tags))))


def test_the_browser_is_told_to_fetch_and_run_nothing(page: Page) -> None:
    policy = next(a["content"] for a in page.named("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-")


def test_it_has_one_title_and_ordered_headings(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_id_is_unique_and_every_link_within_leads_to_one(page: Page) -> None:
    ids = [a["id"] for _, a in page.tags if a.get("id")]
    links = [a["href"] for a in page.named("a") if (a.get("href") or "").startswith("#")]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link} <= set(ids)


def test_the_parts_of_a_picture_lead_to_the_decisions(document: str) -> None:
    pictures = re.findall(r"<svg role=\"img\".*?</svg>", document, re.DOTALL)
    links = [link for picture in pictures for link in re.findall(r'href="#(decision-[^"]+)"', picture)]
    assert len(pictures) >= 4
    assert len(set(links)) > 10
    assert all(f'id="{link}"' in document for link in links)


def test_people_who_cannot_see_are_told_what_there_is(page: Page) -> None:
    assert page.tags[1][0] == "html" or page.tags[0] == ("html", {"lang": "en"})
    assert {"lang": "en"} in page.named("html")
    assert page.named("a")[0] == {"class": "skip", "href": "#document"}
    assert all(len(a.get("aria-label") or "") > 100 for a in page.named("svg") if a.get("role") == "img")
    assert all(a.get("scope") for a in page.named("th"))
    assert page.named("nav")[0]["aria-label"] == "Contents"


def test_code_is_not_shown(document: str) -> None:
    assert "document.cover()" not in document
    assert "papermill" not in document


def test_every_requirement_and_decision_is_in_it(document: str, scenarios: dict[str, Requirements]) -> None:
    assert str(scenarios["startup-web-shop"].owner) in document
    assert len(re.findall(r'<h3 id="decision-', document)) == 33


def test_text_is_escaped_and_only_safe_links_stay() -> None:
    links = [Run("a", link="javascript:alert(1)"), Run("b", link="https://e.example/?a&b"), Run("<c>", link="#x")]
    text = html(Manuscript('<T> "t"', (), (Heading(1, (Run("<H>"),), 'a"b'), Paragraph(tuple(links)), Notice("<n>"))))
    assert "javascript" not in text
    assert '<a href="https://e.example/?a&amp;b">b</a><a href="#x">&lt;c&gt;</a>' in text
    assert "<title>&lt;T&gt; &#34;t&#34;</title>" in text
    assert 'id="a&#34;b"' in text
    assert "&lt;n&gt;" in text


def test_a_picture_with_a_style_sheet_is_kept_apart() -> None:
    styled = Figure('<svg xmlns="http://www.w3.org/2000/svg"><style>*{fill:red}</style></svg>', 'a "b"', 10, 10)
    text = html(Manuscript("T", (), (styled,)))
    assert '<img alt="a &#34;b&#34;" src="data:image/svg+xml;base64,' in text
    assert "fill:red" not in text


def test_the_figures_that_sum_up_say_met_or_missed_in_words() -> None:
    cells = [((Run("1"),), (Run("2"),)), ((Run("Met: 3"),), (Run("Missed: 4"),))]
    strip = Table(((Run("A"),), (Run("B"),)), tuple(cells), ("left", "left"), role="scores")
    text = html(Manuscript("T", (), (strip,)))
    assert '<div class="met"><dt>A</dt><dd>1</dd><dd class="note">Met: 3</dd></div>' in text
    assert '<div class="missed"><dt>B</dt><dd>2</dd><dd class="note">Missed: 4</dd></div>' in text


def test_the_same_notebook_gives_the_same_bytes(report: nbformat.NotebookNode, document: str) -> None:
    assert html(read(report)) == document


# In a browser


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Any:
    """Opens a document; gives the page, and what it asked for and complained of."""

    def open_(text: str, **options: Any) -> tuple[Any, list[str], list[str]]:
        file = tmp_path / "document.html"
        file.write_text(text, encoding="utf-8")
        page = browser.new_page(**options)
        asked: list[str] = []
        complained: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complained.append(message.text))
        page.on("pageerror", lambda error: complained.append(str(error)))
        page.on("dialog", lambda dialog: complained.append(dialog.message))
        page.goto(file.as_uri())
        page.wait_for_load_state("load")
        return page, [url for url in asked if not url.startswith(("data:", "file:"))], complained

    return open_


def test_a_browser_asks_nobody_and_complains_of_nothing(opened: Any, document: str) -> None:
    _, asked, complained = opened(document)
    assert asked == []
    assert complained == []


def test_hostile_text_is_shown_as_itself(
    opened: Any, hostile_report: nbformat.NotebookNode, hostile_requirements: Requirements
) -> None:
    page, asked, complained = opened(html(read(hostile_report)))
    assert (asked, complained) == ([], [])
    text = re.sub("[\u2066-\u2069]", "", page.inner_text("main"))
    words = " ".join(text.split())
    assert " ".join(hostile_requirements.name.split()) in words
    assert " ".join(hostile_requirements.owner.split()) in words
    for line in filter(str.strip, hostile_requirements.description.splitlines()):
        assert " ".join(line.split()) in words


@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_is_never_wider_than_the_window(
    opened: Any, hostile_report: nbformat.NotebookNode, width: int
) -> None:
    page, _, _ = opened(html(read(hostile_report)), viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_picture_is_enlarged_by_buttons_and_keys(opened: Any, document: str) -> None:
    page, _, _ = opened(document)
    drawing = page.locator("figure svg").first

    def wide() -> float:
        return drawing.bounding_box()["width"]

    before = wide()
    page.get_by_role("button", name="Make Figure 1 larger").click()
    once = wide()
    page.locator("figure .picture").first.focus()
    page.keyboard.press("+")
    twice = wide()
    page.keyboard.press("0")
    assert before < once < twice
    assert wide() == before


def test_the_theme_follows_the_system_and_can_be_chosen(opened: Any, document: str) -> None:
    def ground(page: Any) -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    page, _, _ = opened(document, color_scheme="dark")
    dark = ground(page)
    toggle = page.get_by_role("button", name=re.compile("Theme"))
    toggle.click()
    light = ground(page)
    toggle.click()
    assert (light, ground(page)) == ("rgb(255, 255, 255)", dark)
    assert dark != light


def test_it_prints_light_and_without_controls(opened: Any, document: str) -> None:
    page, _, _ = opened(document, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 39, 51)"
    assert not page.locator(".zoom").first.is_visible()
