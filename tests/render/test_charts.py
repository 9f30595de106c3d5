"""Charts: the same bytes for the same data, safe as a part of any page, and said in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devops_workbook.export.markup import safe_svg, svg_size
from devops_workbook.render.charts import Bars, Chart, Lines, Series, draw

BARS = Bars(
    "Cost by section", ("CI/CD", "Infrastructure"), (Series("production", (12.5, 3400.0)),), "USD", ("budget", 3000.0)
)
LINES = Lines("Response time", (10.0, 11.0, 12.0), "replicas", (Series("p99", (900.0, 300.0, 120.0)),), "ms",
              (("chosen", 12.0),), ("target", 400.0), log=True)  # fmt: skip


@pytest.mark.parametrize("chart", [BARS, LINES])
def test_equal_charts_give_equal_bytes(chart: Chart) -> None:
    assert draw.__wrapped__(chart) == draw.__wrapped__(chart)


@pytest.mark.parametrize("chart", [BARS, LINES])
def test_a_chart_is_one_svg_element_that_fetches_nothing(chart: Chart) -> None:
    svg = draw(chart).svg
    assert svg.startswith("<svg")
    assert svg.endswith("</svg>")
    assert "http" not in svg.replace("http://www.w3.org/", "")
    assert min(svg_size(safe_svg(svg, "x-"))) > 100


def test_a_chart_says_what_it_shows() -> None:
    assert draw(BARS).alt == ("Cost by section. production, USD: CI/CD 12.5; Infrastructure 3,400. budget: 3,000.")
    assert draw(LINES).alt == "Response time. p99: 900 at 10 to 120 at 12 (replicas, ms). target: 400."


@settings(max_examples=15)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_a_title_is_shown_as_it_is_and_never_read_as_mathematics(title: str) -> None:
    svg = draw.__wrapped__(Bars(f"$x$ {title}", ("a$b$",), (Series("<s>", (1.0,)),), "%")).svg
    assert "$x$" in svg
    assert "<s>" not in svg
