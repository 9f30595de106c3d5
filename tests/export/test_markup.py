"""Other people's HTML and SVG: what is left of it does nothing."""

from __future__ import annotations

import re

import pytest

from devops_workbook.export.markup import safe_html, safe_svg, svg_size

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 5"'


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>", "<style>body{display:none}</style>", "<iframe src='https://e.example'></iframe>",
        "<img src='https://e.example/x.png'>", "<b onclick='alert(1)'>", "<a href='javascript:alert(1)'>", "<form>",
        "<a href='data:text/html,<script>alert(1)</script>'>",
        "<meta http-equiv=refresh content='0;url=https://e.example'>",
        "<link rel=stylesheet href='https://e.example/a.css'>", "<base href='https://e.example'>", "<object data=x>",
        "<div style='background:url(https://e.example)'>", "<svg onload=alert(1)>",
        "<!-- --><input autofocus onfocus=x>",
    ],
)  # fmt: skip
def test_nothing_of_a_cells_html_runs_or_is_fetched(html: str) -> None:
    cleaned = safe_html(f"{html}kept")
    assert "kept" in cleaned
    left = re.findall(r"<(?!/)[^>]*>", cleaned)
    assert not [tag for tag in left if re.search(r"script|style|on\w+=|javascript:|https?:|data:|frame|form|meta", tag)]


def test_tables_links_and_inline_pictures_stay() -> None:
    html = '<table><tr><td colspan="2"><a href="https://e.example">x</a></td></tr></table>'
    assert safe_html(html).replace("<tbody>", "").replace("</tbody>", "") == html
    assert safe_html('<img src="data:image/png;base64,AA" alt="a">') == '<img src="data:image/png;base64,AA" alt="a">'


def test_ids_get_a_prefix_wherever_they_are_meant() -> None:
    inner = '<g id="a" fill="url(#b)"/><use xlink:href="#a"/><linearGradient id="b"/><a href="#elsewhere"/>'
    svg = safe_svg(f"{HEAD}>{inner}</svg>", "f1-")
    assert 'id="f1-a"' in svg
    assert "url(#f1-b)" in svg
    assert 'href="#f1-a"' in svg
    assert 'href="#elsewhere"' in svg, "a link to another place of the page is not the picture's own"


def test_a_picture_without_a_style_sheet_takes_none_of_the_pages() -> None:
    assert "class" not in safe_svg(f'{HEAD}><g class="label"/></svg>', "p-")
    assert "class" in safe_svg(f'{HEAD}><style>.a{{fill:red}}</style><g class="a"/></svg>', "p-")


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>", "<foreignObject><b/></foreignObject>", '<g onclick="alert(1)"/>',
        '<image href="https://e.example/x.png"/>', '<use href="https://e.example/x.svg#a"/>',
        '<a href="javascript:alert(1)"/>', '<image href="data:image/svg+xml;base64,AA"/>',
        '<rect fill="url(https://e.example/#a)"/>', "<style>@import url(https://e.example/a.css);</style>",
        '<set attributeName="href" to="javascript:alert(1)"/>', '<rect style="fill:url(//e.example)"/>',
    ],
)  # fmt: skip
def test_nothing_of_a_picture_runs_or_is_fetched(inner: str) -> None:
    svg = safe_svg(f"{HEAD} onload='alert(1)'>{inner}</svg>", "p-")
    assert not re.search(r"alert|e\.example|svg\+xml|<\w*:?foreignObject", svg)


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="30" height="20"', (30, 20)), ('width="72pt" height="1in"', (96, 96)), ("", (10, 5)),
        ('width="100%" height="100%"', (10, 5)), ('width="0" height="-3"', (10, 5)),
    ],
)  # fmt: skip
def test_the_size_of_a_picture_is_in_pixels(attributes: str, size: tuple[float, float]) -> None:
    assert svg_size(f"{HEAD} {attributes}/>") == pytest.approx(size)
