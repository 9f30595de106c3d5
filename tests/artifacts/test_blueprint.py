"""One design as generators read it."""

from __future__ import annotations

import pytest

from devops_workbook.artifacts.blueprint import Blueprint, Each
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples, load

PAYMENTS = Blueprint.of(evaluate(load(examples()["payments-api"]).requirements))


def test_what_differs_between_environments_is_an_each() -> None:
    assert PAYMENTS.sized("compute", lambda s: s.maximum).values == {"production": 33, "staging": 33, "development": 1}
    second = PAYMENTS.sites[1]
    assert PAYMENTS.present(second).values == {"production": True, "staging": True, "development": False}
    assert PAYMENTS.at(second, lambda e: e.zones).values["development"] is None


def test_an_each_is_constant_if_all_that_have_it_agree() -> None:
    assert Each({"a": 1, "b": None, "c": 1}).constant
    assert not Each({"a": 1, "b": 2}).constant
    assert Each({"a": 1, "b": None}).map(str).values == {"a": "1", "b": None}


def test_networks_are_those_of_the_address_plan() -> None:
    for site in PAYMENTS.sites:
        network = PAYMENTS.network("production", site.region.id)
        assert network in PAYMENTS.topology.addresses.networks
    with pytest.raises(StopIteration):
        PAYMENTS.network("production", "mars-1")


@pytest.mark.parametrize("budget", [0, 12_000])
def test_budgets_add_up_to_what_was_stated_or_to_the_cost(budget: float) -> None:
    found = evaluate(Requirements(monthly_budget_usd=budget))
    total = budget or found.assessment.cost.monthly_usd
    assert sum(Blueprint.of(found).budgets_usd.values.values()) == pytest.approx(total, abs=3)


def test_components_and_boundaries_are_parts_of_the_design() -> None:
    assert PAYMENTS.part("compute") == "compute"
    assert PAYMENTS.part("subnet-app-2") == "subnet-app-2"
    assert PAYMENTS.part("nothing") == ""
