"""What the machines emit."""

from __future__ import annotations

from typing import Any

import pytest

from devops_workbook.assess.model import Carbon
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements


def carbon(**changes: Any) -> Carbon:
    return evaluate(Requirements(**changes)).assessment.carbon


def test_a_hand_worked_example() -> None:
    # Three containers of one vCPU and two database instances, 730 h each, at (0.74 + 3.5) / 2 W a vCPU, PUE 1.135,
    # 379.07 g/kWh in Northern Virginia.
    overrides = {
        "infrastructure.compute": "containers", "infrastructure.database": "relational", "scaling.caching": "none",
        "disaster_recovery.high_availability": "multi-zone",
    }  # fmt: skip
    load = {"peak_rps": 1, "average_rps": 0.1, "cacheable_pct": 0, "database_gb": 5, "availability_target_pct": 99}
    evaluation = evaluate(Requirements(overrides=overrides, **load))
    compute, database = (evaluation.topology.component(id) for id in ("compute", "database"))
    assert (compute.usage["vcpu_hours"], database.count) == (3 * 730, 2)
    vcpus = 3 * 1 + 2 * 2
    kwh = vcpus * 730 * 2.12 * 1.135 / 1000
    assert evaluation.assessment.carbon.kgco2e_month == pytest.approx(kwh * 379.07 / 1000)


def test_a_region_whose_grid_nobody_knows_is_not_known() -> None:
    found = carbon(region="ca-west-1")
    assert (found.kgco2e_month, found.grid_gco2e_per_kwh) == (None, None)
    assert "grid intensity of ca-west-1" in found.evidence[0].formula


def test_a_second_site_in_such_a_region_makes_the_sum_not_known_too() -> None:
    overrides = {"disaster_recovery.high_availability": "active-active"}
    found = carbon(region="ca-central-1", availability_target_pct=99, overrides=overrides)
    assert found.grid_gco2e_per_kwh == 120
    assert found.kgco2e_month is None


def test_functions_count_while_they_serve() -> None:
    overrides = {"infrastructure.compute": "functions", "infrastructure.database": "nosql", "scaling.caching": "none"}
    load = {"average_rps": 10, "service_time_ms": 100, "cacheable_pct": 0, "availability_target_pct": 99}
    found = carbon(data_model="document", overrides=overrides, **load)
    hours = {q.name: q.value for q in found.evidence[0].inputs}["vCPU hours in us-east-1"]
    assert hours == pytest.approx(10 * 730 * 3600 * 0.1 / 3600)
