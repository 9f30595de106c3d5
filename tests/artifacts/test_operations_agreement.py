"""What ships, watches and recovers a system has the numbers of the plan.

As in `test_agreement`, the mutations at the end change one number of the plan after the files were made, and each must
be noticed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from devops_workbook.artifacts.documents.recovery import clock
from devops_workbook.artifacts.observability.model import number
from devops_workbook.artifacts.repository import Repository
from devops_workbook.evaluate import Evaluation
from tests.artifacts.infrastructure import CASES, code, design, texts

_RULES = "observability/prometheus/rules/alerts.yaml"
_SERVER = "observability/prometheus/prometheus.yaml"
_COLLECTOR = "observability/collector/collector.yaml"
_SCALING = "kubernetes/overlays/production/scaling.yaml"

Held = Callable[[Evaluation, Repository], Iterator[str]]


def replicas(evaluation: Evaluation, made: Repository) -> Iterator[str]:
    """Where Kubernetes runs the service: the most replicas in production."""
    if text := texts(made).get(_SCALING):
        found = re.search(r"maxReplica(?:s|Count): (\d+)", text)
        if found is None or int(found[1]) != evaluation.assessment.capacity.replicas:
            yield f"the most replicas are {found and found[1]}"


def thresholds(evaluation: Evaluation, made: Repository) -> Iterator[str]:
    """Where Prometheus watches: the burn rates of the budget, and the traffic that capacity was sized for."""
    if text := texts(made).get(_RULES):
        budget = 1 - evaluation.requirements.availability_target_pct / 100
        for rate, window in ((14.4, "1h"), (6.0, "6h"), (3.0, "1d"), (1.0, "3d"), (0.5, "30d"), (0.9, "30d")):
            bound = f"slo:availability:bad_share_{window} > {number(round(rate * budget, 12))}\n"
            if rate * budget < 1 and bound not in text:
                yield f"nothing fires at {bound}"
        planned = evaluation.assessment.capacity.origin_rps
        for share in (0.8, 1.0):
            if f"service:requests:rate_5m > {number(planned * share)}\n" not in text:
                yield f"nothing fires at {share:g} of the planned peak"


def retention(evaluation: Evaluation, made: Repository) -> Iterator[str]:
    """For how long Prometheus keeps what it takes in."""
    if text := texts(made).get(_SERVER):
        metrics = next(s for s in evaluation.assessment.telemetry.signals if s.kind == "metrics")
        days = sum(tier.days for tier in metrics.tiers)
        if f"--storage.tsdb.retention.time={days:g}d" not in text:
            yield f"it does not keep {days:g} days"


def sampling(evaluation: Evaluation, made: Repository) -> Iterator[str]:
    """For how many new traces the collector has room, where it chooses among them."""
    text = texts(made).get(_COLLECTOR, "")
    if "tail_sampling:" in text:
        wanted = math.ceil(evaluation.assessment.capacity.planned_rps)
        if not re.search(rf"expected_new_traces_per_sec: {wanted}$", text, re.MULTILINE):
            yield f"the collector does not expect {wanted} traces a second"


def clocks(evaluation: Evaluation, made: Repository) -> Iterator[str]:
    """When a recovery ends, and how long copies are kept."""
    for found in evaluation.assessment.recovery.cases:
        text = texts(made)[f"docs/recovery/{found.disruption}.md"]
        if f"| RTO, hours:minutes | {clock(found.rto_minutes)} |" not in text:
            yield f"{found.disruption} does not end at {clock(found.rto_minutes)}"
        if found.disruption == "deletion":
            kept = re.findall(r"\| ([\d.e+]+) \| (?:yes|no) \|$", text, re.MULTILINE)
            if kept != [f"{x.retention_days:g}" for x in evaluation.assessment.recovery.backups]:
                yield f"copies are kept for {kept} days"


HELD: tuple[Held, ...] = (replicas, thresholds, retention, sampling, clocks)


@pytest.mark.parametrize("case", CASES, ids="-".join)
@pytest.mark.parametrize("held", HELD, ids=lambda f: f.__name__)
def test_plan_and_operations_agree(case: tuple[str, str], held: Held) -> None:
    assert list(held(design(*case), code(*case))) == []


# --- and a difference is noticed -------------------------------------------------------------------------

ALL = ("payments-api", "aws")  # a design that has all of these files


def test_the_design_that_is_changed_has_all_of_the_files() -> None:
    assert {_RULES, _SERVER, _COLLECTOR, _SCALING} <= set(texts(code(*ALL)))
    assert "tail_sampling:" in texts(code(*ALL))[_COLLECTOR]
    assert design(*ALL).assessment.recovery.backups


def _assessed(evaluation: Evaluation, **change: Any) -> Evaluation:
    return replace(evaluation, assessment=replace(evaluation.assessment, **change))


def _capacity(evaluation: Evaluation, **change: Any) -> Evaluation:
    return _assessed(evaluation, capacity=replace(evaluation.assessment.capacity, **change))


def _target(evaluation: Evaluation) -> Evaluation:
    return replace(
        evaluation, requirements=evaluation.requirements.model_copy(update={"availability_target_pct": 99.5})
    )


def _kept(evaluation: Evaluation) -> Evaluation:
    telemetry = evaluation.assessment.telemetry
    signals = tuple(
        replace(s, tiers=(replace(s.tiers[0], days=s.tiers[0].days + 1), *s.tiers[1:])) if s.kind == "metrics" else s
        for s in telemetry.signals
    )
    return _assessed(evaluation, telemetry=replace(telemetry, signals=signals))


def _later(evaluation: Evaluation) -> Evaluation:
    recovery = evaluation.assessment.recovery
    first, *others = recovery.cases
    return _assessed(evaluation, recovery=replace(
        recovery, cases=(replace(first, rto_minutes=(first.rto_minutes or 0) + 1), *others)))  # fmt: skip


def _longer(evaluation: Evaluation) -> Evaluation:
    recovery = evaluation.assessment.recovery
    first, *others = recovery.backups
    return _assessed(evaluation, recovery=replace(
        recovery, backups=(replace(first, retention_days=first.retention_days + 1), *others)))  # fmt: skip


MUTATIONS: dict[str, Callable[[Evaluation], Evaluation]] = {
    "one replica more": lambda e: _capacity(e, replicas=e.assessment.capacity.replicas + 1),
    "another load at the origin": lambda e: _capacity(e, origin_rps=e.assessment.capacity.origin_rps + 1),
    "another planned peak": lambda e: _capacity(e, planned_rps=e.assessment.capacity.planned_rps + 1),
    "another target": _target,
    "metrics kept a day longer": _kept,
    "a recovery that takes a minute longer": _later,
    "copies kept a day longer": _longer,
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_number_that_differs_is_noticed(mutation: str) -> None:
    changed = MUTATIONS[mutation](design(*ALL))
    assert [told for held in HELD for told in held(changed, code(*ALL))]
