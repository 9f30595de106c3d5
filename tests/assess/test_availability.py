"""What the promises on the users' paths add up to, and what adds to their downtime."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from devops_workbook.assess.availability import MINUTES_PER_MONTH, MINUTES_PER_YEAR
from devops_workbook.assess.model import Availability, Block, Journey
from devops_workbook.catalog import load
from devops_workbook.catalog.model import Catalog, Sla
from devops_workbook.design.reliability import ALWAYS_ON, Failover, k_of_n, series, two_sites
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements

PROVIDERS = tuple(load().providers)
FORMS = ("single-zone", "multi-zone", "pilot-light", "warm-standby", "active-active")


def evaluated(catalog: Catalog | None = None, **changes: Any) -> Evaluation:
    return evaluate(Requirements(**changes), catalog)


def availability(**changes: Any) -> Availability:
    return evaluated(**changes).assessment.availability


def form(name: str, **overrides: str) -> dict[str, str]:
    return {"disaster_recovery.high_availability": name, "infrastructure.compute": "vms", **overrides}


def journey(found: Availability, id: str) -> Journey:
    return next(x for x in found.journeys if x.id == id)


def leaves(block: Block) -> Iterator[Block]:
    """The parts of a block diagram."""
    if block.kind == "part":
        yield block
    for child in block.children:
        yield from leaves(child)


PLAIN = {
    "scaling.caching": "none", "security.network": "segmented", "infrastructure.database": "relational",
    "scaling.load_balancing": "application",
}  # fmt: skip


# --- published results -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "per_month_min", "per_year_h"),
    [(90, 3 * 1440, 36.5 * 24), (95, 1.5 * 1440, 18.25 * 24), (99, 7.2 * 60, 3.65 * 24), (99.5, 3.6 * 60, 1.83 * 24),
     (99.9, 43.2, 8.76), (99.95, 21.6, 4.38), (99.99, 4.32, 52.6 / 60), (99.999, 25.9 / 60, 5.26 / 60)],
)  # fmt: skip
def test_the_error_budget_is_that_of_the_availability_table(
    target: float, per_month_min: float, per_year_h: float
) -> None:
    # Site Reliability Engineering (Google, 2016), appendix A, table 1-1, https://sre.google/sre-book/availability-table/
    found = availability(availability_target_pct=target)
    assert found.error_budget_minutes_month == pytest.approx(per_month_min, rel=0.002)
    month, year = (e for e in found.evidence if e.metric.startswith("Error budget"))
    assert month.value == found.error_budget_minutes_month
    assert year.value == pytest.approx(per_year_h * 60, rel=0.003)


def test_the_least_reliable_part_of_a_series_counts_most() -> None:
    # P. Govan, Reliability Analysis with R (2026), Reliability Block Diagrams, review of series systems.
    found = availability(availability_target_pct=99, cacheable_pct=0, overrides=form("multi-zone", **PLAIN))
    weakest = min(found.parts, key=lambda p: p.pct or 0)
    assert found.contributions[0].component == weakest.component == "database"


# --- the main path ---------------------------------------------------------------------------------------


def test_a_hand_worked_example() -> None:
    # Route 53 100 %, ALB 99.99 %, EC2 over zones 99.99 %, RDS Multi-AZ 99.95 %.
    found = availability(availability_target_pct=99, cacheable_pct=0, overrides=form("multi-zone", **PLAIN))
    assert [(p.component, p.pct) for p in found.parts] == [
        ("dns", 100), ("entry", 99.99), ("compute", 99.99), ("database", 99.95),
    ]  # fmt: skip
    assert found.pct == pytest.approx(100 * 0.9999 * 0.9999 * 0.9995)
    assert found.downtime_minutes_month == pytest.approx((1 - 0.9999 * 0.9999 * 0.9995) * 43_200)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", FORMS[1:])
def test_the_figure_follows_from_its_parts(provider: str, name: str) -> None:
    evaluation = evaluated(provider=provider, availability_target_pct=99, overrides=form(name))
    found = evaluation.assessment.availability
    once = math.prod(p.pct / 100 for p in found.parts if p.form == "global" and p.pct is not None)
    site = math.prod(p.pct / 100 for p in found.parts if p.form != "global" and p.pct is not None)
    automatic = evaluation.plan.decision("disaster_recovery.recovery").choice.id == "region-failover-automatic"
    region = next(x for x in evaluation.assessment.recovery.cases if x.disruption == "region")
    failover = ALWAYS_ON if name == "active-active" else Failover(0.95 if automatic else 0.78, region.rto_minutes, 212)
    expected = once * (site if name == "multi-zone" else two_sites(100 * site, 0.1, failover) / 100)
    assert found.pct == pytest.approx(100 * expected)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_form_promises_at_least_as_much_as_the_one_before(provider: str) -> None:
    found = [
        availability(provider=provider, availability_target_pct=90, overrides=form(name)).pct for name in FORMS[1:]
    ]
    assert found == sorted(found)
    assert found[0] < found[1] < found[-1], "a standby is worth something, and less than a second active site"


def test_the_failover_takes_as_long_as_the_recovery_of_the_region() -> None:
    evaluation = evaluated(overrides=form("pilot-light"))
    region = next(x for x in evaluation.assessment.recovery.cases if x.disruption == "region")
    total = evaluation.assessment.availability.evidence[0]
    assert {q.name: q.value for q in total.inputs}["failover time"] == region.rto_minutes


def test_a_cluster_serves_with_its_machines_and_not_with_its_control_plane() -> None:
    overrides = form("multi-zone", **{"infrastructure.compute": "kubernetes"})
    found = availability(kubernetes_skill="expert", team_size=20, availability_target_pct=99, overrides=overrides)
    machines = next(p for p in found.parts if p.component == "compute")
    assert (machines.pct, machines.form) == (99.99, "multi-zone")
    assert machines.title.endswith(": machines")
    assert "Amazon EC2" in machines.evidence.formula
    control = next(x for x in leaves(journey(found, "change").block) if x.component == "compute")
    assert (control.pct, control.title.rpartition(": ")[2]) == (99.95, "control plane")


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
    assert (found.pct, found.downtime_minutes_month, found.contributions) == (None, None, ())
    assert found.evidence[0].value is None
    assert "not known" in found.evidence[0].formula
    (finding,) = (f for f in evaluation.findings if f.code == "availability-not-known")
    assert "Cloud SQL" in finding.message


def test_a_service_that_is_promised_by_the_zone_is_spread_over_the_zones() -> None:
    # The NAT gateways of AWS, 99.9 % each, of which two of three are needed: 20 % of their failures are common.
    found = journey(availability(overrides=form("multi-zone")), "call-out")
    (gateway,) = (x for x in found.block.children if x.kind == "k-of-n")
    assert gateway.pct == pytest.approx(k_of_n(99.9, 2, 3, 0.2))
    assert [child.pct for child in gateway.children] == [99.9]
    assert "2 of 3 zones" in gateway.detail


def only_by_the_zone(pct: float) -> Catalog:
    """A catalog in which AWS promises its load balancer by the zone alone."""
    catalog = load()
    aws = catalog.providers["aws"]
    alb = replace(aws.services["alb"], slas=(Sla("zonal", pct, "somewhere", "2026-01"),))
    return replace(catalog, providers={**catalog.providers, "aws": replace(aws, services={**aws.services, "alb": alb})})


def test_on_the_users_path_too() -> None:
    overrides = form("multi-zone", **PLAIN)
    found = evaluated(only_by_the_zone(99.9), overrides=overrides).assessment.availability
    entry = next(p for p in found.parts if p.component == "entry")
    assert entry.pct == pytest.approx(k_of_n(99.9, 2, 3, 0.2))
    assert ("promise for one zone", 99.9) in [(q.name, q.value) for q in entry.evidence.inputs]


# --- journeys --------------------------------------------------------------------------------------------


def needs(**changes: Any) -> dict[str, list[str]]:
    """The components that each journey needs."""
    return {x.id: [part.component for part in leaves(x.block)] for x in availability(**changes).journeys}


def test_each_journey_needs_what_it_needs() -> None:
    web = needs(overrides=form("multi-zone", **{"scaling.caching": "cdn", "security.network": "segmented"}))
    assert web["read-cached"] == ["dns", "cdn"]
    assert web["read"] == web["write"] == ["dns", "cdn", "entry", "compute", "database"]
    events = needs(workload_type="event-driven", overrides=form("multi-zone", **{"security.network": "segmented"}))
    assert events["read"] == ["dns", "entry", "compute", "database"]
    assert events["write"] == ["dns", "entry", "intake", "compute", "database"]
    assert events["sign-in"] == [*events["write"], "identity"]
    assert events["change"][:2] == ["source", "pipeline"]
    assert {"identity", "registry", "compute", "secrets"} <= set(events["change"])
    assert not {"database", "entry"} & set(events["change"])


def test_the_headline_is_the_journey_of_every_service_on_the_path(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        found = evaluation.assessment.availability
        assert found.pct == journey(found, "write").pct
        assert {p.component for p in found.parts} == {x.component for x in leaves(journey(found, "write").block)
                                                      if not x.component.endswith("-2")}  # fmt: skip


def test_journeys_exist_where_the_design_has_what_they_are_about() -> None:
    inside = availability(public_facing=False, cacheable_pct=0, overrides={"scaling.caching": "none"})
    assert {"read-cached", "sign-in"}.isdisjoint(x.id for x in inside.journeys)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", FORMS)
def test_the_block_diagram_is_the_figure(provider: str, name: str) -> None:
    evaluation = evaluated(provider=provider, overrides=form(name))
    found, ids = evaluation.assessment.availability, {x.id for x in evaluation.topology.components}
    for each in found.journeys:
        assert each.block.kind == "series"
        assert {part.component for part in leaves(each.block)} <= ids
        whole = series(child.pct for child in each.block.children)
        assert each.pct == each.block.pct == each.evidence.value
        assert whole == (None if each.pct is None else pytest.approx(each.pct))
        assert each.minutes_year == (None if each.pct is None else pytest.approx((1 - each.pct / 100) * 525_600))
        for pair in (child for child in each.block.children if child.kind == "sites"):
            assert [child.pct for child in pair.children] == [pair.children[0].pct] * 2
            assert "10%" in pair.detail.replace(" %", "%")


def test_a_standby_says_how_it_takes_over() -> None:
    found = journey(availability(overrides=form("pilot-light")), "write")
    (pair,) = (child for child in found.block.children if child.kind == "sites")
    assert "78% of outages of 212 min" in pair.detail
    assert {part.component for part in leaves(pair.children[1])} >= {"compute-2", "database-2", "entry-2"}


# --- what adds to the downtime ---------------------------------------------------------------------------


def test_the_shares_make_up_the_whole_the_largest_first(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        found = evaluation.assessment.availability
        if found.pct is None:
            continue
        assert sum(x.share for x in found.contributions) == pytest.approx(1)
        downtime = (1 - found.pct / 100) * MINUTES_PER_YEAR
        assert sum(x.minutes_year for x in found.contributions) == pytest.approx(downtime)
        assert [x.share for x in found.contributions] == sorted((x.share for x in found.contributions), reverse=True)
        assert {x.component for x in found.contributions} == {p.component for p in found.parts}


@pytest.mark.parametrize("name", ["multi-zone", "warm-standby", "active-active"])
def test_the_importance_is_what_a_perfect_service_would_gain(name: str) -> None:
    # Birnbaum: the importance of a part is the slope of the system's availability in that of the part. Making it
    # perfect gains its unavailability times the importance, to first order.
    found = availability(overrides=form(name, **PLAIN))
    database = next(x for x in found.contributions if x.component == "database")
    given = {q.name: q.value for q in database.evidence.inputs}
    aws = load().providers["aws"]
    perfect = replace(aws.services["rds"], slas=(Sla("multi-zone", 100.0, "", "2026-01"),))
    catalog = replace(
        load(), providers={**load().providers, "aws": replace(aws, services={**aws.services, "rds": perfect})}
    )
    better = evaluated(catalog, overrides=form(name, **PLAIN)).assessment.availability
    assert found.pct is not None
    assert better.pct is not None
    gained = float(given["unavailability"] or 0) * float(given["Birnbaum importance"] or 0)
    assert better.pct - found.pct == pytest.approx(gained, rel=0.01)


def test_a_path_without_downtime_has_nothing_to_fix() -> None:
    aws = load().providers["aws"]
    flawless = {
        id: replace(service, slas=tuple(replace(sla, pct=100.0) for sla in service.slas))
        for id, service in aws.services.items()
    }
    catalog = replace(load(), providers={**load().providers, "aws": replace(aws, services=flawless)})
    found = evaluated(catalog).assessment.availability
    assert (found.pct, found.contributions) == (100, ())


def test_every_part_cites_its_agreement(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        found = evaluation.assessment.availability
        for part in found.parts:
            assert part.evidence.source
            assert part.evidence.as_of
        assert found.evidence[0].as_of == min(p.evidence.as_of for p in found.parts), "as old as the oldest fact"
        metrics = [e.metric for e in (*found.evidence, *(x.evidence for x in found.journeys),
                                      *(x.evidence for x in (*found.parts, *found.contributions)))]  # fmt: skip
        assert len(set(metrics)) == len(metrics)
        assert "not what happens" in found.evidence[0].source


def test_a_month_has_thirty_days_and_a_year_365() -> None:
    assert (MINUTES_PER_MONTH, MINUTES_PER_YEAR) == (43_200, 525_600)
