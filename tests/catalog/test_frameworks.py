"""Compliance as data: controls name real decisions, frameworks name real controls, and no mix is a dead end."""

from __future__ import annotations

import re
import tomllib
from itertools import chain, combinations
from pathlib import Path
from typing import get_args

import pytest

from devops_workbook.catalog import Catalog, load
from devops_workbook.catalog.model import Framework
from devops_workbook.requirements import Framework as FrameworkId
from devops_workbook.requirements import field_specs

FRAMEWORKS = get_args(FrameworkId)
BASELINES = tomllib.loads((Path(__file__).parent / "baselines.toml").read_text(encoding="utf-8"))
SERVICE_KINDS = {
    "cicd.platform": ("github-actions", "gitlab-ci", "jenkins"),
    "infrastructure.provider": ("aws", "gcp", "azure"),
    "infrastructure.compute": ("kubernetes", "containers", "functions", "vms"),
    "infrastructure.database": ("relational", "relational-cluster", "nosql"),
}
TECHNICAL_FAMILIES = {"AC", "AU", "CM", "CP", "IA", "IR", "RA", "SA", "SC", "SI"}
REQUIREMENTS = {spec.name: spec for spec in field_specs()}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


def options(catalog: Catalog, field: str) -> tuple[str, ...]:
    return SERVICE_KINDS.get(field) or tuple(catalog.options[field])


def mixes() -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(FRAMEWORKS, size) for size in range(len(FRAMEWORKS) + 1)))


def ruled_out(catalog: Catalog, mix: tuple[str, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for id in mix:
        for field, gone in catalog.frameworks[id].demands.get("rule_out", {}).items():
            found.setdefault(field, set()).update(gone)
    return found


def needs(catalog: Catalog, framework: Framework) -> dict[str, set[str]]:
    """For each field, the options (or requirement values) that satisfy every control of the framework."""
    found: dict[str, set[str]] = {}
    for control in {id for ids in framework.requirements.values() for id in ids}:
        for field, accepted in catalog.controls[control].needs.items():
            if not field.endswith("_days"):
                found[field] = found.get(field, set(accepted)) & set(accepted)
    return found


# --- controls ----------------------------------------------------------------------------------------------


def test_a_control_needs_options_that_exist(catalog: Catalog) -> None:
    for control in catalog.controls.values():
        assert control.needs, control.id
        assert control.title, control.id
        assert control.remedy.endswith("."), control.id
        for field, accepted in control.needs.items():
            if not field.startswith("requirements."):
                assert accepted, f"{control.id}: {field}"
                assert set(accepted) <= set(options(catalog, field)), f"{control.id}: {field}"


def test_a_control_needs_requirement_values_that_can_be_stated(catalog: Catalog) -> None:
    for control in catalog.controls.values():
        for field, accepted in control.needs.items():
            if field.startswith("requirements."):
                spec = REQUIREMENTS[field.removeprefix("requirements.")]
                if spec.choices:
                    assert set(accepted) <= set(spec.choices), f"{control.id}: {field}"
                else:
                    assert all(re.fullmatch(r">=\d+", bound) for bound in accepted), f"{control.id}: {field}"
                    assert spec.kind in ("integer", "number")


def test_controls_and_frameworks_use_each_other(catalog: Catalog) -> None:
    used = {id for f in catalog.frameworks.values() for ids in f.requirements.values() for id in ids}
    assert used == set(catalog.controls)


# --- frameworks --------------------------------------------------------------------------------------------


def test_every_framework_that_can_be_required_is_there(catalog: Catalog) -> None:
    assert set(catalog.frameworks) == set(FRAMEWORKS)


@pytest.mark.parametrize("id", FRAMEWORKS)
def test_a_framework_names_its_text_and_what_a_design_cannot_give(catalog: Catalog, id: str) -> None:
    framework = catalog.frameworks[id]
    assert framework.title
    assert framework.version
    assert framework.source.startswith("https://")
    assert re.fullmatch(r"20\d\d(-\d\d)?", framework.as_of)
    assert len(framework.not_technical) > 80
    assert len(framework.requirements) >= 12
    assert framework.requirements.keys() == framework.titles.keys()
    assert all(controls and len(set(controls)) == len(controls) for controls in framework.requirements.values())
    assert all(0 < len(title) <= 90 and not title.endswith(".") for title in framework.titles.values())


@pytest.mark.parametrize(
    ("id", "pattern"),
    {
        "soc2": r"CC\d\.\d|A1\.[1-3]|C1\.[12]",
        "iso27001": r"A\.5\.([1-9]|[12]\d|3[0-7])|A\.8\.([1-9]|[12]\d|3[0-4])",
        "pci-dss": r"([1-9]|1[0-2])(\.\d{1,2}){2,3}",
        "hipaa": r"164\.(308|312|410)(\([a-z]\)(\(\d\)(\([ivx]+\)(\([A-D]\))?)?)?)?",
        "gdpr": r"Art\. (5|25|32|33|44)(\(\d\)(\([a-f]\))?)?",
        "fedramp-moderate": r"[A-Z]{2}-\d{1,2}(\(\d{1,2}\))?",
        "nist-800-53-moderate": r"[A-Z]{2}-\d{1,2}(\(\d{1,2}\))?",
        "cis": r"([1-9]|1[0-8])\.\d{1,2}",
    }.items(),
)
def test_requirement_ids_are_spelt_as_the_framework_spells_them(catalog: Catalog, id: str, pattern: str) -> None:
    for requirement in catalog.frameworks[id].requirements:
        assert re.fullmatch(pattern, requirement), requirement


@pytest.mark.parametrize("id", ["nist-800-53-moderate", "fedramp-moderate"])
def test_federal_controls_are_in_their_moderate_baseline(catalog: Catalog, id: str) -> None:
    baseline = set(BASELINES["nist"].split())
    if id == "fedramp-moderate":
        baseline |= set(BASELINES["fedramp_adds"].split())
    ids = set(catalog.frameworks[id].requirements)
    assert ids <= baseline, f"not in the baseline: {sorted(ids - baseline)}"
    assert len(ids) >= 40
    assert {family.partition("-")[0] for family in ids} >= TECHNICAL_FAMILIES


def test_fedramp_asks_for_more_than_the_baseline_it_is_made_from(catalog: Catalog) -> None:
    fedramp, nist = (catalog.frameworks[id].requirements for id in ("fedramp-moderate", "nist-800-53-moderate"))
    assert set(nist) < set(fedramp)
    assert set(fedramp) - set(nist) <= set(BASELINES["fedramp_adds"].split())


# --- demands -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", FRAMEWORKS)
def test_a_demand_is_of_a_known_kind_and_gives_its_reason(catalog: Catalog, id: str) -> None:
    demands = catalog.frameworks[id].demands
    limits = ("min_log_retention", "max_restore_test")
    known = {f"{limit}_{end}" for limit in limits for end in ("days", "why")}
    assert demands.keys() <= {"rule_out", "why", "when", "min_log_searchable_days", *known}
    assert demands.get("min_log_searchable_days", 0) <= demands.get("min_log_retention_days", 0)
    for limit in limits:
        assert (f"{limit}_days" in demands) == (f"{limit}_why" in demands)
    gone, why = demands.get("rule_out", {}), demands.get("why", {})
    assert gone.keys() == why.keys()
    for field, ids in gone.items():
        assert ids, field
        assert set(ids) < set(options(catalog, field)), field
        # The reason is quoted inside a sentence, after a colon.
        assert re.search(r"\basks? for\b", why[field]), field
        assert not why[field].endswith("."), field
    for field, condition in demands.get("when", {}).items():
        assert field in gone
        assert REQUIREMENTS[condition].kind == "flag"


def test_retention_is_as_the_texts_state_it(catalog: Catalog) -> None:
    days = {id: f.demands.get("min_log_retention_days") for id, f in catalog.frameworks.items()}
    assert {id: n for id, n in days.items() if n} == {"pci-dss": 365, "fedramp-moderate": 365, "cis": 90}
    for id, least in ((id, n) for id, n in days.items() if n):
        controls = {c for ids in catalog.frameworks[id].requirements.values() for c in ids}
        assert f"log-retention-{'1y' if least == 365 else '90d'}" in controls


def test_restores_are_tested_as_often_as_the_texts_state_it(catalog: Catalog) -> None:
    # CIS Controls v8, 11.5, csf.tools/reference/critical-security-controls/version-8/csc-11; FedRAMP Moderate CP-4,
    # novaprospect.cc/fedramp/controls/CP-4 and compliancewiki.org, Contingency Plan Testing CP-4
    days = {id: f.demands.get("max_restore_test_days") for id, f in catalog.frameworks.items()}
    assert {id: n for id, n in days.items() if n} == {"fedramp-moderate": 365, "cis": 90}


def test_there_are_256_mixes_of_frameworks() -> None:
    assert len(set(mixes())) == 2 ** len(FRAMEWORKS) == 256


@pytest.mark.parametrize("size", range(len(FRAMEWORKS) + 1))
def test_no_mix_of_frameworks_leaves_a_field_without_an_option(catalog: Catalog, size: int) -> None:
    """And what is left includes one that needs no container, no second zone or region and no night shift, so
    that a framework alone never forces those."""
    for mix in (m for m in mixes() if len(m) == size):
        for field, gone in ruled_out(catalog, mix).items():
            left = [row for id, row in catalog.options[field].items() if id not in gone]
            assert any(not row.get("requires") for row in left), f"{mix}: nothing left for {field}"


@pytest.mark.parametrize("size", range(len(FRAMEWORKS) + 1))
def test_every_mix_can_be_satisfied_in_full(catalog: Catalog, size: int) -> None:
    """For each field one option satisfies all controls of all frameworks and is ruled out by none of them."""
    for mix in (m for m in mixes() if len(m) == size):
        gone = ruled_out(catalog, mix)
        wanted: dict[str, set[str]] = {}
        for id in mix:
            for field, accepted in needs(catalog, catalog.frameworks[id]).items():
                wanted[field] = wanted.get(field, accepted) & accepted
        for field, accepted in wanted.items():
            assert accepted - gone.get(field, set()), f"{mix}: nothing satisfies {field}"


@pytest.mark.parametrize("id", FRAMEWORKS)
def test_what_a_framework_rules_out_would_have_left_one_of_its_controls_unmet(catalog: Catalog, id: str) -> None:
    framework = catalog.frameworks[id]
    wanted = needs(catalog, framework)
    for field, gone in framework.demands.get("rule_out", {}).items():
        assert not set(gone) & wanted[field], f"{field}: {gone}"
