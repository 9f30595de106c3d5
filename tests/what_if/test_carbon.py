"""Regions with less carbon: cleaner for certain, allowed or said to be forbidden, with what moving there costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devops_workbook.catalog import load
from devops_workbook.catalog.model import Catalog
from devops_workbook.evaluate import evaluate
from devops_workbook.evidence import Fact
from devops_workbook.requirements import Requirements
from devops_workbook.what_if import RegionAlternative, lower_carbon_regions
from devops_workbook.what_if.outcome import changed

PROVIDERS = tuple(load().providers)
ON_MACHINES = {"infrastructure.compute": "vms", "infrastructure.database": "relational"}


def found(catalog: Catalog | None = None, **values: Any) -> tuple[RegionAlternative, ...]:
    requirements = Requirements(**{"overrides": ON_MACHINES, **values})
    return lower_carbon_regions(evaluate(requirements, catalog), catalog)


def far(catalog: Catalog, milliseconds: float) -> Catalog:
    """The catalog, as if every region of AWS were so far from every other."""
    aws = catalog.providers["aws"]
    fact = Fact(milliseconds, "ms", "a test", "2026-11")
    trips = {(a, b): fact for a in aws.regions for b in aws.regions if a < b}
    return replace(catalog, providers={**catalog.providers, "aws": replace(aws, latency=trips)})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_is_cleaner_and_evaluates_to_what_it_says(provider: str) -> None:
    requirements = Requirements(provider=provider, overrides=ON_MACHINES)
    before = evaluate(requirements)
    alternatives = lower_carbon_regions(before)
    assert 0 < len([a for a in alternatives if a.allowed]) <= 3
    here = before.assessment.carbon.kgco2e_month
    assert here is not None
    for a in alternatives:
        after = evaluate(changed(requirements, a.change))
        there = after.assessment.carbon.kgco2e_month
        assert there is not None
        assert a.saving_kgco2e == pytest.approx(here - there)
        assert a.saving_kgco2e > 0
        assert a.difference_usd == pytest.approx(after.assessment.cost.monthly_usd - before.assessment.cost.monthly_usd)
        assert a.outcome.kgco2e_month == there
        values = {e.metric: e.value for e in a.evidence}
        assert values[f"Emissions saved in {a.region}"] == a.saving_kgco2e
        assert values[f"Price of moving to {a.region}"] == a.difference_usd


def test_residency_decides_what_is_allowed_and_the_rest_stands_apart() -> None:
    alternatives = found(region="eu-central-1", data_residency="eu")
    allowed, forbidden = ([a for a in alternatives if a.allowed is kind] for kind in (True, False))
    assert alternatives == (*allowed, *forbidden), "what is forbidden comes after what is not"
    assert {a.jurisdiction for a in allowed} == {"eu"}
    assert 0 < len(forbidden) <= 3
    for a in forbidden:
        assert a.jurisdiction != "eu"
        assert a.consequences[0].startswith("Not allowed: data must stay in jurisdiction EU")
    assert not any(not a.allowed for a in found(region="eu-central-1"))


def test_the_greatest_saving_comes_first() -> None:
    savings = [a.saving_kgco2e or 0.0 for a in found(region="ap-south-1", p99_latency_ms=10_000)]
    assert len(savings) == 3
    assert savings == sorted(savings, reverse=True)


def test_a_round_trip_that_breaks_the_latency_target_is_told_and_comes_last() -> None:
    near, distant = (found(far(load(), ms), p99_latency_ms=500) for ms in (10, 5000))
    assert {a.round_trip_ms for a in near} == {10}
    assert all("wait 10 ms more" in a.consequences[0] for a in near)
    for a in distant:
        assert a.p99_ms is not None
        assert a.p99_ms > 5000
        assert "above the target of 500 ms" in a.consequences[0]


def test_a_round_trip_nobody_measured_is_not_known() -> None:
    aws = load().providers["aws"]
    blind = replace(load(), providers={**load().providers, "aws": replace(aws, latency={})})
    for a in found(blind):
        assert (a.round_trip_ms, a.p99_ms) == (None, None)
        assert "not known" in a.consequences[0]
        assert next(e for e in a.evidence if e.metric.startswith("Round trip")).value is None


def test_nothing_is_cleaner_than_a_grid_that_is_not_known_or_the_cleanest() -> None:
    aws = load().providers["aws"]
    unknown = next(r.id for r in aws.regions.values() if r.grid.value is None)
    cleanest = min((r for r in aws.regions.values() if r.grid.value is not None), key=lambda r: r.grid.value or 0.0)
    assert found(region=unknown) == ()
    assert found(region=cleanest.id) == ()


def test_moving_to_the_second_region_leaves_the_choice_of_another() -> None:
    alternatives = {a.region: a for a in found(region="us-east-1", secondary_region="us-west-2", data_residency="us")}
    assert alternatives["us-west-2"].change == {"region": "us-west-2", "secondary_region": ""}
