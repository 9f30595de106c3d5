"""The page of a batch: every case in one table that sorts and filters, two plots of them, a link to each document.

It is one file that fetches nothing. Without its script it is a plain table, which is all there; with it the plots show
what the table shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from devops_workbook import catalog
from devops_workbook.export.web import policy
from devops_workbook.render.elements import el, free, join
from devops_workbook.render.figures import duration, money, percent

__all__ = ["as_page"]

_PAGE = Markup(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><h1 dir="auto">{title}</h1><p>{summary}</p></header>
<main>{plots}{table}</main>
<script>{script}</script>
</body>
</html>
"""
)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the table. id: by which the script knows it; number: whether it holds figures."""

    id: str
    title: str
    number: bool = False


_COLUMNS = (
    _Column("name", "Scenario"), _Column("provider", "Cloud"), _Column("region", "Region"),
    _Column("compute", "Compute"), _Column("database", "Database"), _Column("cost", "Cost a month", number=True),
    _Column("availability", "Availability", number=True), _Column("rto", "RTO", number=True),
    _Column("rpo", "RPO", number=True), _Column("coverage", "Coverage", number=True),
    _Column("carbon", "CO₂e a month", number=True), _Column("high", "High findings", number=True),
    _Column("documents", "Documents"),
)  # fmt: skip


def as_page(title: str, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The page of a batch's rows, as the bytes of an HTML file; links are relative to it."""
    style, script = _static("index.css"), _static("index.js")
    page = _PAGE.format(
        policy=policy(script),
        title=title,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        summary=_summary(rows),
        plots=_plots(),
        table=_table(rows),
    )
    return str(page).encode()


@cache
def _static(name: str) -> str:
    return files("devops_workbook.batch").joinpath(name).read_text(encoding="utf-8")


def _summary(rows: Sequence[Mapping[str, Any]]) -> str:
    failed = sum(row["status"] == "failed" for row in rows)
    clouds = Counter(row["asked_provider"] for row in rows if "asked_provider" in row)
    told = ", ".join(f"{count:,} on {_cloud(id)}" for id, count in clouds.items())
    dates = max((row["prices_as_of"] for row in rows if "prices_as_of" in row), default="")
    parts = [
        f"{len(rows):,} {'scenario' if len(rows) == 1 else 'scenarios'}{f': {told}' if told else ''}",
        f"{failed:,} failed" if failed else "",
        f"prices up to {dates}" if dates else "",
    ]
    return " · ".join(part for part in parts if part)


def _plots() -> Markup:
    """Where the script draws; it is not there without it."""
    return el(
        "section",
        el("div", id="controls", class_="controls"),
        el("div", el("figure", id="availability"), el("figure", id="coverage"), class_="plots"),
        id="pictures",
        hidden=True,
        aria_label="Plots of the scenarios that are shown",
    )


def _table(rows: Iterable[Mapping[str, Any]]) -> Markup:
    head = [
        el("th", c.title, scope="col", data_column=c.id, data_number=c.number, class_="number" if c.number else None)
        for c in _COLUMNS
    ]
    caption = el("caption", "Every scenario, with what its design comes to", class_="hidden")
    made = el("table", caption, el("thead", el("tr", *head)), el("tbody", *map(_row, rows)))
    return el("div", made, class_="table", tabindex="0", role="region", aria_label="Scenarios")


def _row(row: Mapping[str, Any]) -> Markup:
    name = free(row["name"])
    link = row.get("html") or row.get("pdf") or row.get("md")
    first = el("th", el("a", name, href=quote(link)) if link else name, scope="row", data_value=row["name"])
    if row["status"] == "failed":
        notebook = _links(row)
        why = el("div", el("strong", "Failed: "), free(row["error"]))
        told = el("td", why, colspan=len(_COLUMNS) - 2, class_="error")
        return el("tr", first, told, el("td", notebook), data_status="failed")
    cells = [_cell(column, row) for column in _COLUMNS[1:-1]]
    return el("tr", first, *cells, el("td", _links(row)), data_status="done", data_provider=row["asked_provider"])


def _cell(column: _Column, row: Mapping[str, Any]) -> Markup:
    value, text = _values(row)[column.id]
    kind = "number" if column.number else "words long" if column.id in ("compute", "database") else "words"
    if column.id == "high" and value:
        kind = "number missed"
    return el("td", text, data_value=value, class_=kind)


def _values(row: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    """By column: what it sorts and plots by, and what it shows."""
    carbon = row["kgco2e_month"]
    cloud = _cloud(row["asked_provider"])
    return {
        "provider": (cloud, cloud),
        "region": (row["region"], row["region"]),
        "compute": (row["compute"], row["compute"]),
        "database": (row["database"], row["database"]),
        "cost": (row["monthly_usd"], money(row["monthly_usd"])),
        "availability": (row["availability_pct"], percent(row["availability_pct"], 3)),
        "rto": (row["rto_minutes"], duration(row["rto_minutes"])),
        "rpo": (row["rpo_minutes"], duration(row["rpo_minutes"])),
        "coverage": (row["coverage_pct"], percent(row["coverage_pct"])),
        "carbon": (carbon, "not known" if carbon is None else f"{carbon:,.0f} kg"),
        "high": (row["findings_high"], str(row["findings_high"])),
    }


def _cloud(id: str) -> str:
    known = catalog.load().providers
    return known[id].title if id in known else id


def _links(row: Mapping[str, Any]) -> Markup:
    kinds = (("html", "HTML"), ("pdf", "PDF"), ("md", "Markdown"), ("notebook", "notebook"))
    return join([el("a", title, href=quote(row[kind])) for kind, title in kinds if row.get(kind)], " ")
