"""What each environment runs: production as designed, the others by the parity rules."""

from __future__ import annotations

import pytest

from devops_workbook.catalog import load as load_catalog
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples, load

EXAMPLES = {name: evaluate(load(path).requirements) for name, path in examples().items()}


@pytest.fixture(params=EXAMPLES, ids=str)
def evaluation(request: pytest.FixtureRequest) -> Evaluation:
    return EXAMPLES[request.param]


def test_payments_api_runs_what_its_plan_says() -> None:
    production, staging, development = EXAMPLES["payments-api"].deployments
    compute = production.sizes["compute"]
    assert (compute.sku, compute.minimum, compute.maximum, compute.zones) == ("c7g.xlarge", 3, 33, 3)
    database = production.sizes["database"]
    assert (database.maximum, database.standby, database.read_replicas) == (2, True, 0)
    assert production.regions == staging.regions == ("us-east-1", "us-west-2")
    assert development.regions == ("us-east-1",)
    assert (development.backed_up, development.alarmed, staging.backed_up) == (False, False, False)


def test_production_has_the_topology_s_machines(evaluation: Evaluation) -> None:
    production = evaluation.deployments[0]
    for component in evaluation.topology.components:
        if component.sku and component.region:
            size = production.sizes[component.id]
            assert (size.sku, size.zones) == (component.sku, component.zones)
            assert size.minimum <= component.count <= size.maximum


def test_no_environment_has_more_than_production(evaluation: Evaluation) -> None:
    production, *others = evaluation.deployments
    for other in others:
        assert set(other.sizes) <= set(production.sizes)
        for id, size in other.sizes.items():
            whole = production.sizes[id]
            assert size.minimum <= whole.minimum
            assert size.minimum <= size.maximum <= whole.maximum
            assert size.storage_gb <= whole.storage_gb
            assert size.zones <= whole.zones


def test_development_stays_in_one_zone_of_one_region(evaluation: Evaluation) -> None:
    development = evaluation.deployments[2]
    assert development.zones == 1
    assert len(development.regions) == 1
    assert not any(size.standby for size in development.sizes.values())
    assert not any(id.endswith("-2") for id in development.sizes)


def test_machines_stop_outside_working_hours_unless_the_plan_keeps_everything_on() -> None:
    kept = Requirements(overrides={"cost.efficiency": "always-on"})
    stopped = Requirements(overrides={"cost.efficiency": "scheduled-shutdown"})
    assert [d.hours_per_week for d in evaluate(kept).deployments] == [168, 168, 168]
    assert [d.hours_per_week for d in evaluate(stopped).deployments] == [168, 60, 60]


@pytest.mark.parametrize("provider", ["aws", "gcp", "azure"])
def test_development_s_node_has_room_for_a_replica_and_production_s_processors(provider: str) -> None:
    found = evaluate(Requirements(provider=provider, overrides={"infrastructure.compute": "kubernetes"}))
    instances = load_catalog().providers[provider].instances
    production, _, development = (instances[d.sizes["compute"].sku] for d in found.deployments)
    assert development.arch == production.arch
    assert development.vcpu >= 2  # one replica of a processor, and what the node keeps for itself


def test_the_bill_prices_the_machines_that_development_runs() -> None:
    found = EXAMPLES["payments-api"]
    sku = found.deployments[2].sizes["compute"].sku
    notes = [x.note for x in found.assessment.cost.lines if x.environment == "development" and x.component == "compute"]
    assert any(note.startswith(sku) for note in notes)
