"""The same requirements on every cloud: the named one as it is, the others with what can be carried over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devops_workbook.catalog import load
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.what_if import ProviderCost, across_providers

PROVIDERS = tuple(load().providers)


def side_by_side(**values: Any) -> dict[str, ProviderCost]:
    return {found.provider: found for found in across_providers(Requirements(**values))}


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_named_cloud_comes_first_and_is_as_it_was(name: str) -> None:
    requirements = Requirements(provider=name)
    first, *others = across_providers(requirements)
    evaluation = evaluate(requirements)
    assert (first.provider, first.named, first.dropped) == (name, True, ())
    assert first.requirements == requirements
    assert first.outcome.monthly_usd == evaluation.assessment.cost.monthly_usd
    assert first.by_section == evaluation.assessment.cost.by_section
    assert sum(count for _, count in first.findings) == len(evaluation.findings)
    assert {x.provider for x in others} == set(PROVIDERS) - {name}
    assert not any(x.named for x in others)


def test_each_is_the_evaluation_of_the_requirements_it_hands_over() -> None:
    for found in across_providers(Requirements(compliance=("soc2",), log_retention_days=400)):
        cost = evaluate(found.requirements).assessment.cost
        assert found.outcome.monthly_usd == found.evidence.value == cost.monthly_usd
        assert found.outcome.monthly_usd == pytest.approx(sum(usd for _, usd in found.by_section))
        assert found.sureness.lines == len(cost.lines)
        assert found.sureness.borrowed == sum(bool(x.borrowed) and x.monthly_usd is not None for x in cost.lines)
        assert 0 <= found.sureness.borrowed_share <= 1


def test_regions_stay_in_their_jurisdiction_and_best_in_their_country() -> None:
    for found in side_by_side(region="eu-central-1", secondary_region="eu-west-1", data_residency="eu").values():
        regions = load().providers[found.provider].regions
        assert regions[found.region].jurisdiction == "eu"
        assert regions[found.region].country == "DE"
        assert regions[found.requirements.secondary_region].jurisdiction == "eu"
        assert found.requirements.secondary_region != found.region


def test_a_jurisdiction_that_a_cloud_does_not_know_is_said_to_be_missing() -> None:
    gcp = load().providers["gcp"]
    elsewhere = {id: region for id, region in gcp.regions.items() if region.jurisdiction != "jp"}
    catalog = replace(load(), providers={**load().providers, "gcp": replace(gcp, regions=elsewhere)})
    found = {x.provider: x for x in across_providers(Requirements(region="ap-northeast-1"), catalog)}
    assert found["gcp"].requirements.region == ""
    assert found["gcp"].dropped == (
        "Google Cloud has no further region in the jurisdiction of Asia Pacific (Tokyo); the catalog chose one.",
    )
    assert found["azure"].dropped == ()


def test_no_region_named_is_no_region_carried_over() -> None:
    assert {x.requirements.region for x in side_by_side().values()} == {""}


def test_an_override_that_names_a_service_becomes_the_option_behind_it() -> None:
    for found in side_by_side(kubernetes_skill="expert", overrides={"infrastructure.compute": "eks"}).values():
        assert found.requirements.overrides["infrastructure.compute"] in ("eks", "kubernetes")
        decision = evaluate(found.requirements).plan.decision("infrastructure.compute")
        assert decision.choice.id == "kubernetes"
        assert found.dropped == ()


def test_what_cannot_be_had_elsewhere_is_dropped_and_listed() -> None:
    found = side_by_side(iac_tool="cloudformation", overrides={"cicd.stages": "no-such-option"})
    assert found["aws"].requirements.overrides == {"cicd.stages": "no-such-option"}, "the named one as it is"
    for name in ("gcp", "azure"):
        assert found[name].requirements.overrides == {}
        assert found[name].requirements.iac_tool == "terraform"
        assert len(found[name].dropped) == 2
        assert not any(code in ("override-unknown", "iac-not-available") for code in codes(found[name]))


def codes(found: ProviderCost) -> list[str]:
    return [finding.code for finding in evaluate(found.requirements).findings]
