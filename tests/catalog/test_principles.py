"""Guiding principles and best practices: all there, and each tied to decisions that carry it out."""

from __future__ import annotations

import pytest

from devops_workbook.catalog import Catalog, load
from devops_workbook.catalog.model import Practice
from devops_workbook.outline import FIELD_IDS, OUTLINE

PRINCIPLES = (
    "infrastructure-as-code", "immutable-infrastructure", "fail-fast-recover-quickly", "automate-everything",
    "monitor-and-measure", "security-by-design", "cost-consciousness", "continuous-improvement",
)  # fmt: skip
PRACTICES = {
    "delivery": (
        "pipeline-as-code", "secret-management", "idempotent-deployment", "rollback", "feature-flags",
        "testing-at-every-stage", "deployment-documentation",
    ),
    "infrastructure": (
        "infrastructure-as-code", "tagging", "environment-parity", "managed-services", "network-segmentation",
        "disaster-recovery-planning",
    ),
    "monitoring": (
        "four-golden-signals", "actionable-alerts", "alert-fatigue", "stakeholder-dashboards", "structured-logging",
        "distributed-tracing", "slo-error-budgets",
    ),
    "security": (
        "scanning-throughout", "least-privilege", "credential-rotation", "incident-monitoring", "audit-logging",
        "patching",
    ),
}  # fmt: skip
HOME = {  # the field a reader would look up first
    "feature-flags": "cicd.deployment",
    "rollback": "cicd.deployment",
    "tagging": "cost.monitoring",
    "four-golden-signals": "observability.metrics",
    "structured-logging": "observability.logging",
    "distributed-tracing": "observability.tracing",
    "alert-fatigue": "observability.alerting",
    "least-privilege": "security.access",
    "credential-rotation": "security.secrets",
    "audit-logging": "security.compliance",
    "patching": "security.scanning",
    "deployment-documentation": "disaster_recovery.incident_response",
    "network-segmentation": "infrastructure.network",
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


def everything(catalog: Catalog) -> tuple[Practice, ...]:
    return (*catalog.principles.values(), *catalog.practices.values())


def test_the_eight_principles_are_there_in_order(catalog: Catalog) -> None:
    assert tuple(catalog.principles) == PRINCIPLES


def test_the_practices_are_there_in_order(catalog: Catalog) -> None:
    assert tuple(catalog.practices) == tuple(id for ids in PRACTICES.values() for id in ids)


def test_each_is_carried_out_by_one_to_four_decisions(catalog: Catalog) -> None:
    for entry in everything(catalog):
        assert 1 <= len(entry.honoured_by) <= 4, entry.id
        assert set(entry.honoured_by) <= set(FIELD_IDS), entry.id


def test_each_says_what_it_means_and_how_it_is_honoured_in_sentences(catalog: Catalog) -> None:
    for entry in everything(catalog):
        assert entry.title[0].isupper(), entry.id
        assert not entry.title.endswith("."), entry.id
        assert entry.meaning.endswith("."), entry.id
        assert len(entry.meaning) > 30, entry.id
        for sentence in entry.honoured_by.values():
            assert sentence[0].isupper(), entry.id
            assert sentence.endswith("."), entry.id
            assert len(sentence) > 30, entry.id


def test_no_sentence_is_used_twice(catalog: Catalog) -> None:
    sentences = [sentence for entry in everything(catalog) for sentence in entry.honoured_by.values()]
    assert len(sentences) == len(set(sentences))


@pytest.mark.parametrize(("practice", "field"), HOME.items())
def test_a_practice_is_found_where_a_reader_looks_for_it(catalog: Catalog, practice: str, field: str) -> None:
    assert field in catalog.practices[practice].honoured_by


@pytest.mark.parametrize("section", [section.id for section in OUTLINE])
def test_every_section_carries_out_a_principle(catalog: Catalog, section: str) -> None:
    fields = {field for entry in catalog.principles.values() for field in entry.honoured_by}
    assert any(field.startswith(f"{section}.") for field in fields)


def test_a_sentence_names_no_option_because_it_holds_for_all_of_them(catalog: Catalog) -> None:
    for entry in everything(catalog):
        for field, sentence in entry.honoured_by.items():
            titles = [row["title"].casefold() for row in catalog.options.get(field, {}).values()]
            own = [title for title in titles if not all(title in other for other in titles)]
            assert not [title for title in own if title in sentence.casefold()], f"{entry.id}: {field}"
