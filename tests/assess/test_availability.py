"""What the promises on the users' path add up to."""

from __future__ import annotations

import math
from typing import Any

import pytest

from devops_workbook.assess.model import Availability
from devops_workbook.catalog import load
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements

PROVIDERS = tuple(load().providers)


def availability(**changes: Any) -> Availability:
    return evaluate(Requirements(**changes)).assessment.availability


def form(name: str, **overrides: str) -> dict[str, str]:
    return {"disaster_recovery.high_availability": name, "infrastructure.compute": "vms", **overrides}


def test_a_hand_worked_example() -> None:
    # Route 53 100 %, ALB 99.99 %, EC2 over zones 99.99 %, RDS Multi-AZ 99.95 %.
    overrides = form("multi-zone", **{
        "scaling.caching": "none", "security.network": "segmented", "infrastructure.database": "relational",
        "scaling.load_balancing": "application",
    })  # fmt: skip
    found = availability(availability_target_pct=99, cacheable_pct=0, overrides=overrides)
    assert [(p.component, p.pct) for p in found.parts] == [
        ("dns", 100), ("entry", 99.99), ("compute", 99.99), ("database", 99.95),
    ]  # fmt: skip
    assert found.pct == pytest.approx(100 * 0.9999 * 0.9999 * 0.9995)
    assert found.downtime_minutes_month == pytest.approx((1 - 0.9999 * 0.9999 * 0.9995) * 43_200)


def test_the_error_budget_is_what_the_target_leaves_of_thirty_days() -> None:
    assert availability(availability_target_pct=99.9).error_budget_minutes_month == pytest.approx(43.2)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", ["multi-zone", "warm-standby", "active-active"])
def test_the_figure_follows_from_its_parts(provider: str, name: str) -> None:
    found = availability(provider=provider, availability_target_pct=99, overrides=form(name))
    assert found.pct is not None
    once = math.prod(p.pct / 100 for p in found.parts if p.form == "global" and p.pct is not None)
    site = math.prod(p.pct / 100 for p in found.parts if p.form != "global" and p.pct is not None)
    beta, down = 0.1, 1 - site
    expected = once * (1 - beta * down - (1 - beta) * down * down) if name == "active-active" else once * site
    assert found.pct == pytest.approx(100 * expected)


def test_the_firewall_counts_where_it_is_promised_apart() -> None:
    overrides = {"security.network": "segmented-waf"}
    parts = {p: {x.component for x in availability(provider=p, overrides=overrides).parts} for p in PROVIDERS}
    assert "waf" in parts["aws"]
    assert "waf" not in parts["azure"], "Azure gives none: the promise of the entry covers it"


def test_an_internal_system_does_not_wait_for_public_names() -> None:
    assert "dns" not in {p.component for p in availability(public_facing=False).parts}


def test_what_nobody_promises_is_not_known_and_named_as_a_gap() -> None:
    overrides = form("single-zone", **{"infrastructure.database": "relational"})
    evaluation = evaluate(Requirements(provider="gcp", availability_target_pct=90, overrides=overrides))
    found = evaluation.assessment.availability
    assert (found.pct, found.downtime_minutes_month) == (None, None)
    assert found.evidence[0].value is None
    assert "not known" in found.evidence[0].formula
    (finding,) = (f for f in evaluation.findings if f.code == "availability-not-known")
    assert "Cloud SQL" in finding.message


def test_every_part_cites_its_agreement(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        found = evaluation.assessment.availability
        for part in found.parts:
            assert part.evidence.source
            assert part.evidence.as_of
        assert found.evidence[0].as_of == min(p.evidence.as_of for p in found.parts), "as old as the oldest fact"
