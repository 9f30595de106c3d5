"""The parity rules: possible figures, and the same figures wherever the plan speaks of them."""

from __future__ import annotations

import re

import pytest

from devops_workbook.catalog import load
from devops_workbook.catalog.model import Parity

ENVIRONMENTS = load().environments
DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?")


def test_development_and_staging_stand_beside_production() -> None:
    assert set(ENVIRONMENTS) == {"staging", "development"}


@pytest.mark.parametrize("parity", ENVIRONMENTS.values(), ids=list(ENVIRONMENTS))
def test_an_environment_has_a_share_of_production_and_never_more(parity: Parity) -> None:
    assert set(parity.shares) == {"traffic", "data", "team", "fixed"}
    assert all(0 <= share <= 1 for share in (*parity.shares.values(), *parity.usage.values()))
    assert set(parity.usage) <= set(load().usage), "a share of something that nothing bills"
    assert 0 < parity.hours_per_week <= 168


@pytest.mark.parametrize("parity", ENVIRONMENTS.values(), ids=list(ENVIRONMENTS))
def test_every_rule_is_a_sentence_with_its_reason(parity: Parity) -> None:
    words = {name: f"{100 * share:g} %" for name, share in parity.shares.items()}
    texts = [rule.text.format_map(words) for rule in parity.rules]
    assert len(set(texts)) == len(texts)
    for rule, text in zip(parity.rules, texts, strict=True):
        assert text.endswith(".")
        assert "{" not in text
        assert len(rule.why) > 20
        assert rule.source
        assert DATE.fullmatch(rule.as_of)


def test_roles_that_are_shared_exist() -> None:
    catalog = load()
    roles = {
        s.role for s in (*catalog.tools.values(), *(s for p in catalog.providers.values() for s in p.services.values()))
    }
    for parity in ENVIRONMENTS.values():
        assert set(parity.shared) <= roles


def test_development_has_no_more_than_staging() -> None:
    staging, development = ENVIRONMENTS["staging"], ENVIRONMENTS["development"]
    assert all(development.shares[name] <= staging.shares[name] for name in staging.shares)


def test_the_plan_stops_machines_for_the_hours_that_are_priced() -> None:
    schedule = dict(load().options["cost.efficiency"]["scheduled-shutdown"]["detail"])["Schedule"]
    for parity in ENVIRONMENTS.values():
        assert f"{parity.hours_per_week:g} of 168 hours" in schedule
