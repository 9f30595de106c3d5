"""Ids in words: titles where there are any, and the id itself where there are none."""

from __future__ import annotations

from typing import Any

import pytest

from devops_workbook.evaluate import evaluate
from devops_workbook.render.terms import control_titles, field_title, option_title, settings, stated
from devops_workbook.requirements import Requirements, field_specs

SPECS = {spec.name: spec for spec in field_specs()}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("provider", "gcp", "Google Cloud"),
        ("region", "europe-west4", "Eemshaven, Netherlands (europe-west4)"),
        ("region", "", "not stated"),
        ("region", "moon-1", "moon-1"),
        ("compliance", ("gdpr", "soc2"), "GDPR, SOC 2"),
        ("compliance", (), "none"),
        ("availability_target_pct", 99.9999, "99.9999 %"),
        ("rto_minutes", 3840.0, "3,840 min"),
        ("monthly_budget_usd", 0, "not stated"),
        ("priority_cost", 0, "0 of 5"),
        ("public_facing", True, "yes"),
        ("overrides", {"scaling.caching": "cdn"}, "Caching Architecture: cdn"),
        ("overrides", {}, "none"),
    ],
)
def test_a_requirement_is_stated_in_words(name: str, value: Any, text: str) -> None:
    assert stated(SPECS[name], value, "gcp") == text


def test_an_id_without_a_title_stands_for_itself() -> None:
    plan = evaluate(Requirements()).plan
    assert control_titles(["sast", "unheard-of"]) == ["Code is analysed statically", "unheard-of"]
    assert (field_title("cicd.platform"), field_title("x.y")) == ("Platform Choice", "x.y")
    assert option_title(plan, "cicd.deployment", "canary") == "Canary deployment"
    assert option_title(plan, "cicd.deployment", "big-bang") == "big-bang"


def test_a_way_out_tells_only_what_it_changes() -> None:
    taken = {"cicd.deployment": "canary", "cicd.branching": "gitflow"}
    evaluation = evaluate(Requirements(overrides=taken))
    change = {"on_call": "24x7", "overrides": {"cicd.deployment": "canary", "scaling.caching": "cdn"}}
    assert settings(change, evaluation) == [
        "On call = 24x7",
        "Caching Architecture = Content delivery network",
        "Branch Strategy not overridden",
    ]
    assert settings({}, evaluation) == []


def test_a_way_out_to_another_cloud_names_that_clouds_region() -> None:
    change = {"provider": "gcp", "region": "europe-west4"}
    assert settings(change, evaluate(Requirements(provider="aws"))) == [
        "Cloud provider = Google Cloud",
        "Region = Eemshaven, Netherlands (europe-west4)",
    ]
