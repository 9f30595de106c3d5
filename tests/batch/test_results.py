"""What a batch writes beside the documents: a table for spreadsheets, one for programs, and a page for people."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from devops_workbook.batch.index import as_page
from devops_workbook.batch.results import COLUMNS, as_csv, as_parquet, figures
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements

HOSTILE = '=cmd|"/c calc"!A1</script><script>alert(1)</script>'


def row(name: str = "Shop", **changes: Any) -> dict[str, Any]:
    found = figures(evaluate(Requirements(name=name, **changes)))
    id = re.sub(r"\W+", "-", name.lower())
    return {"id": id, "name": name, "origin": f"{id}.yaml", "status": "done", "seconds": 1.5, "key": "k",
            "html": f"{id}/{id}.html", "notebook": f"{id}/report.ipynb", **found}  # fmt: skip


def failed(name: str, error: str) -> dict[str, Any]:
    return {"id": name, "name": name, "origin": f"{name}.yaml", "status": "failed", "error": error, "seconds": 0.0}


ROWS: list[Mapping[str, Any]] = [
    row("Blog", peak_rps=60),
    row("Shop", provider="gcp", compliance=("soc2", "hipaa")),
    row("Bank", provider="azure", peak_rps=9000, average_rps=900, rto_minutes=5, availability_target_pct=99.99),
    failed("Broken", "broken.yaml, line 2: peak_rps: -5 is not allowed"),
]


def test_every_column_is_filled_by_a_case_that_is_done() -> None:
    assert set(row()) | {"error", "pdf", "md"} == set(COLUMNS)


def test_the_table_and_the_parquet_file_hold_the_same() -> None:
    table = pq.read_table(io.BytesIO(as_parquet(ROWS))).to_pylist()
    lines = list(csv.DictReader(io.StringIO(as_csv(ROWS).decode("utf-8-sig"))))
    assert [line["name"] for line in lines] == [r["name"] for r in table] == ["Blog", "Shop", "Bank", "Broken"]
    assert list(lines[0]) == list(table[0]) == list(COLUMNS)
    assert table[1]["monthly_usd"] == float(lines[1]["monthly_usd"]) == ROWS[1]["monthly_usd"]
    assert table[1]["asked_compliance"] == lines[1]["asked_compliance"] == "soc2+hipaa"
    assert table[3]["monthly_usd"] is None
    assert lines[3]["monthly_usd"] == ""
    assert table[3]["error"] == ROWS[3]["error"]


def test_columns_have_their_types_even_where_nothing_is_known() -> None:
    empty = pq.read_schema(io.BytesIO(as_parquet([failed("x", "y")])))
    assert empty.equals(pq.read_schema(io.BytesIO(as_parquet(ROWS))))


@pytest.mark.parametrize("text", [HOSTILE, "+1", "-1", "@x", "\tx"])
def test_a_spreadsheet_takes_no_name_for_a_formula(text: str) -> None:
    (line,) = csv.DictReader(io.StringIO(as_csv([row(text)]).decode("utf-8-sig")))
    assert line["name"] == f"'{text}"


def test_the_page_fetches_nothing_and_runs_only_its_own_script() -> None:
    page = as_page(HOSTILE, [row(HOSTILE), failed(HOSTILE, HOSTILE)]).decode()
    assert page.count("<script>") == page.count("</script>") == 1
    assert "alert(1)</script>" not in page
    assert "default-src &#39;none&#39;" in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_the_page_is_a_whole_table_without_its_script() -> None:
    page = as_page("Nightly", ROWS).decode()
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    assert body.count("<tr") == len(ROWS)
    assert 'href="shop/shop.html"' in body
    assert "peak_rps: -5 is not allowed" in body


def names(page: Any) -> list[str]:
    return page.locator("tbody tr:visible th").all_inner_texts()


@pytest.mark.needs("chromium")
def test_the_page_sorts_filters_and_plots(browser: Any, tmp_path: Path) -> None:
    opened, file = browser.new_page(), tmp_path / "index.html"
    file.write_bytes(as_page("Nightly", ROWS))
    opened.goto(file.as_uri())
    assert names(opened) == ["Blog", "Shop", "Bank", "Broken"]
    opened.get_by_role("button", name="Cost a month").click()
    costs = sorted(ROWS[:3], key=lambda r: r["monthly_usd"])
    assert names(opened) == [*(r["name"] for r in costs), "Broken"]
    opened.get_by_role("button", name="Cost a month").click()
    assert names(opened) == [*(r["name"] for r in reversed(costs)), "Broken"]
    assert opened.locator("#availability .point").count() == 3
    assert opened.locator("#coverage .point").count() == sum(r["coverage_pct"] is not None for r in ROWS[:3])
    opened.get_by_label("Filter").fill("azure")
    assert names(opened) == ["Bank"]
    assert opened.locator("#availability .point").count() == 1
    opened.get_by_label("Filter").fill("")
    opened.get_by_label("Status").select_option("failed")
    assert names(opened) == ["Broken"]
    assert opened.get_by_text("Nothing of what is shown has these figures.").count() == 2
