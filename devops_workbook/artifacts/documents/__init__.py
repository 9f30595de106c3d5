"""What people read to run the system: runbooks, recovery, decisions, operations, and the site that ties them together.

Every page is Markdown below docs/. The site is MkDocs' (mkdocs.yml); its navigation is the pages there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from devops_workbook.artifacts.alarms import Alarm
from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.documents.decisions import decision_records
from devops_workbook.artifacts.documents.delivery import delivery_page
from devops_workbook.artifacts.documents.operations import operation_pages
from devops_workbook.artifacts.documents.page import Page
from devops_workbook.artifacts.documents.recovery import recovery_pages
from devops_workbook.artifacts.documents.runbooks import notices_of, runbooks
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.observability import Alert
from devops_workbook.artifacts.yaml import document
from devops_workbook.render.markdown import bullets, join, paragraphs

__all__ = ["documents"]

_TOLD = {
    "Runbooks": "One for each alert.",
    "Recovery": "One page for each disruption, with the clock, and the exercises.",
    "Operations": "Delivery, incidents, on-call, telemetry, costs, credentials.",
    "Decisions": "What was decided, and what would change it.",
}


def documents(b: Blueprint, alerts: Iterable[Alert], alarms: Iterable[Alarm]) -> tuple[Artifact, ...]:
    """The documentation of a design. alerts: of Prometheus; alarms: that the infrastructure code raises."""
    notices = notices_of(b, alerts, alarms)
    pages = [*runbooks(b, notices), *recovery_pages(b), delivery_page(b), *operation_pages(b), *decision_records(b)]
    return (_index(b, pages).artifact, *(p.artifact for p in pages), Artifact("mkdocs.yml", _site(b, pages)))


def _sections(pages: Sequence[Page]) -> Iterator[tuple[str, list[Page]]]:
    for section in _TOLD:
        if found := [p for p in pages if p.section == section]:
            yield section, found


def _index(b: Blueprint, pages: Sequence[Page]) -> Page:
    parts = [
        join(f"## {section}", _TOLD[section], bullets(p.link_from("index.md") for p in found))
        for section, found in _sections(pages)
    ]
    return Page("index.md", b.requirements.name, "", (paragraphs(b.requirements.description), *parts))


def _site(b: Blueprint, pages: Sequence[Page]) -> str:
    nav = [
        {"Overview": "index.md"},
        *({section: [{p.title: p.path} for p in found]} for section, found in _sections(pages)),
    ]
    sections = [
        ("site_name", b.requirements.name), ("docs_dir", "docs"), ("theme", {"name": "mkdocs"}),
        ("strict", True), ("markdown_extensions", ["tables", "fenced_code"]), ("nav", nav),
    ]  # fmt: skip
    return document(sections, ["The documentation as a site: mkdocs serve."])
