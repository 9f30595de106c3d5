"""Capacity, and evidence whose formula gives its value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from devops_workbook.catalog import load
from devops_workbook.design.queueing import workers_for
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.evidence import Evidence
from devops_workbook.requirements import Requirements

PROVIDERS = tuple(load().providers)


def variants() -> Iterator[Requirements]:
    """Requirements of all sizes, on every cloud, with every kind of compute and of deployment."""
    for provider in PROVIDERS:
        yield Requirements(provider=provider)
        yield Requirements(provider=provider, peak_rps=50_000, average_rps=9_000, cacheable_pct=80, database_gb=3000)
        yield Requirements(provider=provider, peak_rps=0.01, average_rps=0.01, service_time_ms=3_600_000)
        for kind in ("containers", "kubernetes", "vms", "functions"):
            for form in ("single-zone", "active-active"):
                overrides = {"infrastructure.compute": kind, "disaster_recovery.high_availability": form}
                yield Requirements(provider=provider, availability_target_pct=99, overrides=overrides)


def given(evidence: Evidence) -> dict[str, Any]:
    return {q.name: q.value for q in evidence.inputs}


@pytest.mark.parametrize(
    "requirements", list(variants()), ids=lambda r: f"{r.provider}-{r.peak_rps:g}-{len(r.overrides)}"
)
def test_every_figure_follows_from_its_inputs_by_its_formula(requirements: Requirements) -> None:
    evaluation = evaluate(requirements)
    peak, origin, workers, processors, count, response = evaluation.assessment.capacity.evidence
    x = given(peak)
    assert peak.value == pytest.approx(x["peak"] * (1 + x["growth"] / 100) ** (x["horizon"] / 12))
    x = given(origin)
    assert origin.value == pytest.approx(x["planned peak"] * (1 - x["cached share"]) * x["spike factor"])
    x = given(workers)
    times = (x["service time"] / 1000, x["variation"], x["waiting budget"] / 1000)
    assert workers.value == workers_for(x["load at the origin"], *times)
    x = given(processors)
    share = x["CPU share"] / 100
    assert processors.value == pytest.approx(
        max(x["workers"] * share, x["offered load"] * share / x["target utilisation"])
    )
    x = given(count)
    if "workers" in x:
        assert count.value == x["workers"]
    elif x["zones"] == 1:
        assert count.value == x["instances needed"]
    else:
        assert count.value == x["zones"] * math.ceil(x["instances needed"] / (x["zones"] - 1))
    x = given(response)
    assert response.value == pytest.approx(x["p99 of waiting"] + x["p99 of service"])


def test_the_capacity_is_that_of_the_primary_site(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        capacity, compute = evaluation.assessment.capacity, evaluation.topology.component("compute")
        assert capacity.instances == capacity.max_instances == compute.count
        assert capacity.min_instances <= capacity.max_instances
        assert 0 < capacity.utilisation < 1
        assert capacity.offered_load == pytest.approx(capacity.utilisation * capacity.workers)


def test_a_hand_worked_example() -> None:
    # 100 req/s of 50 ms are 5 Erlangs; with nobody willing to wait, 12 workers keep all but 1 % from waiting
    # (Erlang C: 1.5 % wait at 11, 0.6 % at 12).
    r = Requirements(
        peak_rps=100, average_rps=10, growth_pct_per_year=0, spike_factor=1, service_time_ms=50, service_time_cv=0,
        p99_latency_ms=50, cacheable_pct=0,
    )  # fmt: skip
    capacity = evaluate(r).assessment.capacity
    assert (capacity.planned_rps, capacity.offered_load) == (100, pytest.approx(5))
    assert capacity.workers == 12
    assert capacity.p99_ms == pytest.approx(50)
