"""What running the design emits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devops_workbook.assess.carbon import (
    embodied_kg,
    mean_watts,
    memory_kwh,
    network_kwh,
    processor_kwh,
    storage_kwh,
)
from devops_workbook.assess.model import Carbon, CarbonLine
from devops_workbook.catalog import load
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.units import parse

PROVIDERS = tuple(load().providers)
FORMS = ("single-zone", "multi-zone", "pilot-light", "warm-standby", "active-active")


def carbon(**changes: Any) -> Carbon:
    return evaluate(Requirements(**changes)).assessment.carbon


def lines(found: Carbon) -> dict[str, CarbonLine]:
    return {line.component: line for line in found.lines}


def inputs(line: CarbonLine) -> dict[str, Any]:
    return {quantity.name: quantity.value for quantity in line.evidence.inputs}


# --- published results -----------------------------------------------------------------------------------
# The worked examples of Cloud Carbon Footprint, in its own tests (repository cloud-carbon-footprint/
# cloud-carbon-footprint @b7a049c7, packages/core/src/*/__tests__). Its emissions are in t CO2e.

NORTHERN_VIRGINIA, SAO_PAULO, IOWA = 0.000415755, 0.000109, 0.000479  # t CO2e a kWh, as those tests have them


def test_networks_as_in_networking_estimator_test() -> None:
    kwh = network_kwh(10_000_000, 0.001, 1.135)
    assert kwh == pytest.approx(11_350)
    assert kwh * NORTHERN_VIRGINIA == pytest.approx(4.71881925)
    assert network_kwh(10_000_000, 0.001, 1.09) * SAO_PAULO == pytest.approx(1.1881)


def test_storage_as_in_storage_estimator_test() -> None:
    ssd, hdd = (storage_kwh(1_000, 1, wh, 1, 1.135) for wh in (1.2, 0.65))
    assert (ssd, hdd) == (pytest.approx(0.001362), pytest.approx(0.00073775))
    assert ssd * NORTHERN_VIRGINIA == pytest.approx(5.6625831e-7)
    assert hdd * NORTHERN_VIRGINIA == pytest.approx(3.0672325125e-7)
    assert storage_kwh(2_000, 1, 0.65, 2, 1.135) == pytest.approx(0.002951)  # kept in two copies


def test_memory_as_in_memory_estimator_test() -> None:
    assert memory_kwh(80, 0.000392, 1.135) == pytest.approx(0.0355936)
    assert memory_kwh(80, 0.000392, 1.135) * NORTHERN_VIRGINIA == pytest.approx(0.000014798217168)
    assert memory_kwh(90, 0.000392, 1.11) * 2 * IOWA == pytest.approx(0.0000375160464)  # in two copies


def test_processors_as_in_compute_estimator_test() -> None:
    # One vCPU hour at 1 % between 0.71 and 3.46 W, twice over.
    kwh = processor_kwh(1, mean_watts(0.71, 3.46, 0.01), 1.135) * 2
    assert kwh == pytest.approx(0.001674125)
    assert kwh * NORTHERN_VIRGINIA == pytest.approx(6.96025839375e-7)
    assert processor_kwh(1, 350, 1.135) == pytest.approx(0.39725)


def test_the_making_of_servers_as_in_embodied_emissions_estimator_test() -> None:
    # A server of 1.7957 t and 96 vCPUs that lasts 35,040 hours, one vCPU of it used for 24 hours.
    grams_per_vcpu_hour = 1.7957e6 / 35_040 / 96
    assert embodied_kg(24, grams_per_vcpu_hour) / 1000 == pytest.approx(0.000012811786529680366)


@pytest.mark.parametrize(
    ("watts", "terabytes", "per_terabyte", "fact"),
    # Methodology, "Storage": a disk of 6.5 W holds 10 TB, a solid-state disk of 6 W holds 5 TB.
    [(6.5, 10, 0.65, "storage_wh_per_tb_hour_hdd"), (6.0, 5, 1.2, "storage_wh_per_tb_hour_ssd")],
)
def test_coefficients_of_storage_as_in_the_methodology(
    watts: float, terabytes: float, per_terabyte: float, fact: str
) -> None:
    assert watts / terabytes == pytest.approx(per_terabyte)
    assert {provider.facts[fact].value for provider in load().providers.values()} == {per_terabyte}


@pytest.mark.parametrize(
    ("region", "grid"),
    # GoogleCloudPlatform/region-carbon-info, data of 2024, gCO2eq/kWh.
    [("us-central1", 412.72), ("southamerica-east1", 67.32), ("asia-south1", 678.76), ("asia-northeast1", 452.85)],
)
def test_grids_as_google_publishes_them(region: str, grid: float) -> None:
    assert load().providers["gcp"].regions[region].grid.value == grid
    assert carbon(provider="gcp", region=region).grid_gco2e_per_kwh == grid


@pytest.mark.parametrize(
    ("vcpus", "gib", "watts"),
    # Watts of whole instances at half load, as Teads measured and estimated them: m5.large 14.1, r5.xlarge 38.2,
    # c5.2xlarge 53.1, m6g.xlarge 15.3 (cloud-carbon-coefficients @dda7621f, data/aws-instances.csv). They include what
    # the method of Cloud Carbon Footprint leaves out, so ours are lower, by no more than a factor of three.
    [(2, 8, 14.1), (4, 32, 38.2), (8, 16, 53.1), (4, 16, 15.3)],
)
def test_an_independent_estimate_is_of_the_same_order(vcpus: int, gib: float, watts: float) -> None:
    facts = load().providers["aws"].facts
    low, high, inside = (facts[n].value or 0 for n in ("vcpu_watts_min", "vcpu_watts_max", "memory_gib_in_vcpu_watts"))
    ours = vcpus * mean_watts(low, high, 0.5) + 1000 * memory_kwh(max(0, gib - vcpus * inside), 0.000392, 1)
    assert watts / 3 < ours < watts


# --- the design ------------------------------------------------------------------------------------------

FUNCTIONS = {"infrastructure.compute": "functions", "scaling.caching": "none"}
SMALL = {
    "peak_rps": 1, "average_rps": 0.1, "cacheable_pct": 0, "database_gb": 5, "object_storage_gb": 0,
    "availability_target_pct": 99,
    "overrides": {
        "infrastructure.compute": "containers", "infrastructure.database": "relational", "scaling.caching": "none",
        "disaster_recovery.high_availability": "multi-zone",
    },
}  # fmt: skip


def test_a_hand_worked_example() -> None:
    """A few containers that run all month in Northern Virginia, hardly busy."""
    evaluation = evaluate(Requirements(**SMALL))
    usage = evaluation.topology.component("compute").usage
    vcpu_hours, gib_hours = usage["vcpu_hours"] or 0, usage["gib_hours"] or 0
    assert vcpu_hours >= 730
    line = lines(evaluation.assessment.carbon)["compute"]
    busy = 0.1 * 0.040 * 0.5 * 730 / vcpu_hours  # requests/s x service time x CPU share, of all processors
    assert inputs(line)["utilisation"] == pytest.approx(busy)
    processors = vcpu_hours * (0.74 + busy * (3.5 - 0.74)) / 1000
    memory = (gib_hours - vcpu_hours * 1.41) * 0.000392
    assert line.kwh == pytest.approx((processors + memory) * 1.135)
    assert line.kgco2e == pytest.approx(line.kwh * 379.07 / 1000 + vcpu_hours * 0.48 / 1000)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("form", FORMS)
def test_every_line_follows_from_its_inputs(provider: str, form: str) -> None:
    overrides = {"disaster_recovery.high_availability": form, "infrastructure.compute": "vms"}
    found = carbon(provider=provider, availability_target_pct=99, team_size=20, overrides=overrides)
    rates = {f"on {kind.upper()}": load().providers[provider].facts[f"storage_wh_per_tb_hour_{kind}"].value or 0
             for kind in ("ssd", "hdd")}  # fmt: skip
    for line in found.lines:
        x = inputs(line)
        kwh = x.get("processors", 0) * x.get("power", 0) / 1000 + x.get("memory beyond theirs", 0) * 0.000392
        kwh += x.get("bytes to other regions", 0) * 0.001
        stored = [
            (name, gb) for name, gb in x.items() if name.endswith(("SSD", "HDD")) and not name.startswith("copies")
        ]
        kwh += sum(gb * 730 * rates[name[-6:]] * x[f"copies of {name}"] / 1e6 for name, gb in stored)
        assert line.kwh == x["energy"] == pytest.approx(kwh * x["PUE"])
        making = x.get("making of the servers", 0)
        assert line.kgco2e == pytest.approx(x["energy"] * x["grid intensity"] / 1000 + making)


def test_a_database_is_counted_with_its_standby_its_data_and_its_backups() -> None:
    evaluation = evaluate(Requirements(**SMALL))
    database = evaluation.topology.component("database")
    size = load().providers["aws"].instances[database.sku]
    usage = database.usage
    assert database.count == 2
    hours = 2 * 730
    processors = hours * size.vcpu * (0.74 + 0.5 * 2.76) / 1000
    memory = hours * max(0, size.memory_gib - 1.41 * size.vcpu) * 0.000392
    # Two copies of the data are in the usage; backups are kept in three (RDS_BACKUP).
    data = (usage["storage_gb"] or 0) / 1000 * 730 * 1.2 / 1000
    backups = (usage["backup_gb"] or 0) / 1000 * 730 * 0.65 * 3 / 1000
    line = lines(evaluation.assessment.carbon)["database"]
    assert line.kwh == pytest.approx((processors + memory + data + backups) * 1.135)


def test_functions_count_while_they_serve() -> None:
    values = {"average_rps": 10, "service_time_ms": 100, "cpu_pct": 30, "cacheable_pct": 0, "overrides": FUNCTIONS}
    evaluation = evaluate(Requirements(**values))
    hours = (evaluation.topology.component("compute").usage["vcpu_seconds"] or 0) / 3600
    found = inputs(lines(evaluation.assessment.carbon)["compute"])
    assert found["processors"] == pytest.approx(hours)
    assert found["utilisation"] * hours == pytest.approx(10 * 0.1 * 0.3 * 730)


def test_a_database_billed_by_the_request_is_counted_for_its_data_alone_and_says_so() -> None:
    found = carbon(data_model="document", overrides={"infrastructure.database": "nosql"})
    assert "processors" not in inputs(lines(found)["database"])
    assert lines(found)["database"].kwh > 0
    assert any("processors of Amazon DynamoDB" in text for text in found.excluded)


def test_files_are_counted_with_every_copy_that_the_provider_keeps() -> None:
    evaluation = evaluate(Requirements(object_storage_gb=1_000_000))
    versions = evaluation.topology.component("files").usage["storage_ia_gb"] or 0
    found = lines(evaluation.assessment.carbon)["files"]
    held = (1_000_000 + versions) / 1000
    assert found.kwh == pytest.approx(held * 730 * 0.65 * 6 * 1.135 / 1000)  # six copies of S3


def test_only_bytes_between_regions_are_counted() -> None:
    overrides = {"disaster_recovery.high_availability": "active-active"}
    evaluation = evaluate(Requirements(availability_target_pct=99, overrides=overrides))
    transfer = evaluation.topology.component("transfer")
    assert transfer.usage["internet_gb"]
    line = lines(evaluation.assessment.carbon)["transfer"]
    assert line.kwh == pytest.approx((transfer.usage["region_gb"] or 0) * 0.001 * 1.135)
    assert line.kwh > 0


def test_a_busier_system_draws_more_and_never_more_than_at_full_load() -> None:
    idle, busy = (lines(carbon(**{**SMALL, "average_rps": rps, "peak_rps": 20}))["compute"] for rps in (0.1, 20))
    assert busy.kwh > idle.kwh
    assert 0 < inputs(busy)["utilisation"] <= 1


def test_tools_the_team_runs_are_counted_and_hosted_ones_named() -> None:
    own = carbon(team_size=20, overrides={"observability.metrics": "prometheus"})
    hosted = carbon(team_size=20, overrides={"observability.metrics": "datadog"})
    assert lines(own)["metrics"].kwh > 0
    assert "metrics" not in lines(hosted)
    assert "Datadog" in hosted.excluded[-1]


def accounted_for(evaluation: Evaluation) -> None:
    found = evaluation.assessment.carbon
    named = found.excluded[-1]
    counted = lines(found)
    for component in evaluation.topology.components:
        assert (component.id in counted) != (component.title in named), component.id
    known = [line.kgco2e for line in found.lines if line.kgco2e is not None]
    whole = len(known) == len(found.lines)
    assert found.kgco2e_month == (pytest.approx(sum(known)) if whole else None)
    assert found.evidence[0].value == found.kgco2e_month
    assert all(line.kwh >= 0 for line in found.lines)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("form", FORMS)
def test_every_component_is_counted_or_named_as_left_out(provider: str, form: str) -> None:
    overrides = {"disaster_recovery.high_availability": form}
    accounted_for(evaluate(Requirements(provider=provider, availability_target_pct=99, overrides=overrides)))


def test_every_component_of_the_examples_is_counted_or_named(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        accounted_for(evaluation)


@given(st.sampled_from(PROVIDERS), st.floats(0.1, 1e4), st.floats(1, 20))
@settings(max_examples=30)
def test_functions_emit_in_proportion_to_what_they_answer(provider: str, rps: float, times: float) -> None:
    values = {"provider": provider, "peak_rps": 1e6, "cacheable_pct": 0, "overrides": FUNCTIONS}
    one, more = (lines(carbon(**values, average_rps=x))["compute"].kwh for x in (rps, rps * times))
    assert more == pytest.approx(times * one)


@given(st.floats(0, 5), st.floats(0, 5), st.floats(0, 1))
def test_power_lies_between_rest_and_full_load(rest: float, more: float, utilisation: float) -> None:
    assert rest <= mean_watts(rest, rest + more, utilisation) <= (rest + more) * (1 + 1e-9)


# --- what is not known -----------------------------------------------------------------------------------


def test_a_region_whose_grid_nobody_knows_is_not_known() -> None:
    found = carbon(region="ca-west-1")
    assert (found.kgco2e_month, found.grid_gco2e_per_kwh) == (None, None)
    assert "no grid intensity of ca-west-1" in found.evidence[0].formula
    assert lines(found)["compute"].kgco2e is None
    assert lines(found)["compute"].kwh > 0


def test_a_second_site_in_such_a_region_makes_the_sum_not_known_too() -> None:
    overrides = {"disaster_recovery.high_availability": "active-active"}
    found = carbon(region="ca-central-1", availability_target_pct=99, overrides=overrides)
    assert found.grid_gco2e_per_kwh == 120
    assert found.kgco2e_month is None
    assert lines(found)["compute"].kgco2e is not None


def test_without_a_coefficient_nothing_is_said() -> None:
    cloud = load().providers["aws"]
    facts = {name: fact for name, fact in cloud.facts.items() if name != "pue"}
    catalog = replace(load(), providers={**load().providers, "aws": replace(cloud, facts=facts)})
    found = evaluate(Requirements(), catalog).assessment.carbon
    assert (found.kgco2e_month, found.lines) == (None, ())
    assert "no pue" in found.evidence[0].formula


def test_where_nobody_knows_what_a_server_took_to_make_it_is_named_as_left_out() -> None:
    cloud = load().providers["aws"]
    facts = {name: fact for name, fact in cloud.facts.items() if name != "embodied_gco2e_per_vcpu_hour"}
    catalog = replace(load(), providers={**load().providers, "aws": replace(cloud, facts=facts)})
    found = evaluate(Requirements(), catalog).assessment.carbon
    assert "the making of the servers" in found.excluded
    assert "the making of the servers" not in carbon().excluded
    assert (found.kgco2e_month or 0) < (carbon().kgco2e_month or 0)


def test_every_figure_can_be_asked_why() -> None:
    for provider in PROVIDERS:
        found = carbon(provider=provider)
        metrics = [e.metric for e in (*found.evidence, *(line.evidence for line in found.lines))]
        assert len(set(metrics)) == len(metrics)
        for line in found.lines:
            assert line.evidence.value == line.kgco2e
            assert line.evidence.source
            assert line.evidence.as_of
            for unit in (line.evidence.unit, *(q.unit for q in line.evidence.inputs)):
                parse(unit)
