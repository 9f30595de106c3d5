"""The bill: every line a quantity times a price, the same sums whichever way they are added, and nothing invented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from devops_workbook.assess.cost import MONTHS, PRODUCTION
from devops_workbook.assess.model import Cost, CostLine
from devops_workbook.catalog import load
from devops_workbook.catalog.model import Catalog, Price, PriceBook, Term, Tier
from devops_workbook.design.pricing import find_service
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.outline import OUTLINE
from devops_workbook.requirements import Requirements

PROVIDERS = tuple(load().providers)
VMS = {
    "infrastructure.compute": "vms", "infrastructure.database": "relational", "scaling.caching": "none",
    "disaster_recovery.high_availability": "multi-zone",
}  # fmt: skip


def cost_of(catalog: Catalog | None = None, **changes: Any) -> Cost:
    return evaluate(Requirements(**changes), catalog).assessment.cost


def rows_replaced(catalog: Catalog, rows: Mapping[tuple[str, str, Term], Price]) -> Catalog:
    """The catalog with another price book for AWS."""
    aws = catalog.providers["aws"]
    book = PriceBook("aws", aws.prices.reference_region, rows)
    return replace(catalog, providers={**catalog.providers, "aws": replace(aws, prices=book)})


def without(catalog: Catalog, item: str) -> Catalog:
    """The catalog, as if nobody had found the price of this item."""
    return rows_replaced(
        catalog, {key: price for key, price in catalog.providers["aws"].prices.rows.items() if price.item != item}
    )


def tiered(catalog: Catalog, item: str, *steps: tuple[float, float]) -> Catalog:
    """The catalog, as if the price of this item fell with the quantity."""
    tiers = tuple(Tier(above, usd) for above, usd in steps)
    rows = catalog.providers["aws"].prices.rows
    stepped = {key: replace(price, usd=steps[0][1], tiers=tiers) for key, price in rows.items() if price.item == item}
    return rows_replaced(catalog, {**rows, **stepped})


def committed(catalog: Catalog, shares: Mapping[Term, float]) -> Catalog:
    """The catalog, as if every machine could be had at these shares of its price on demand."""
    rows = dict(catalog.providers["aws"].prices.rows)
    for (item, region, term), price in tuple(rows.items()):
        if not term and item.startswith(("compute/", "database/", "cache/")):
            for other, share in shares.items():
                rows[item, region, other] = replace(price, usd=price.usd * share, term=other, source=f"offer {other}")
    return rows_replaced(catalog, rows)


def usd(lines: Iterable[CostLine]) -> float:
    return sum(line.monthly_usd or 0.0 for line in lines)


# --- sums ------------------------------------------------------------------------------------------------


def test_the_same_total_whichever_way_it_is_added(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        cost = evaluation.assessment.cost
        assert cost.monthly_usd == pytest.approx(usd(cost.lines))
        assert cost.monthly_usd == pytest.approx(sum(amount for _, amount in cost.by_section))
        assert cost.monthly_usd == pytest.approx(sum(environment.monthly_usd for environment in cost.environments))
        assert cost.monthly_usd == pytest.approx(cost.projection.monthly_usd[0])
        assert cost.production_usd == pytest.approx(usd(x for x in cost.lines if x.environment == PRODUCTION))
        requests = evaluation.requirements.average_rps * 730 * 3600
        assert cost.per_1000_requests_usd == pytest.approx(1000 * cost.monthly_usd / requests)


def test_the_evidence_says_the_numbers_it_is_for(evaluations: dict[str, Evaluation]) -> None:
    titles = {section.id: section.title for section in OUTLINE}
    for evaluation in evaluations.values():
        cost = evaluation.assessment.cost
        said = {e.metric: e.value for e in (*cost.evidence, *(x.evidence for x in cost.environments))}
        assert said["Cost a month"] == cost.monthly_usd
        assert said["Cost of production"] == cost.production_usd
        assert said["Cost per 1,000 requests"] == cost.per_1000_requests_usd
        assert [said[f"Cost of {titles[id]}"] for id, _ in cost.by_section] == [amount for _, amount in cost.by_section]
        assert cost.projection.evidence.value == pytest.approx(cost.projection.total_usd)
        for line in cost.lines:
            assert line.evidence.value == line.monthly_usd


def test_an_unpriced_line_has_no_amount_and_is_listed(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        cost = evaluation.assessment.cost
        assert len(set(cost.unpriced)) == len(cost.unpriced)
        for line in cost.lines:
            if line.quantity is not None and line.unit_price_usd is not None:
                assert line.monthly_usd == pytest.approx(line.quantity * line.unit_price_usd)
            else:
                assert line.monthly_usd is None
                assert f"{line.component}: {line.item}" in cost.unpriced


def test_no_line_is_free_unless_its_price_is(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        for line in evaluation.assessment.cost.lines:
            assert line.monthly_usd != 0 or line.unit_price_usd == 0
            assert line.source
            assert line.as_of or line.unit_price_usd is None


def test_every_component_that_bills_has_its_lines_once(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        components = {x.id: x for x in evaluation.topology.components}
        lines = evaluation.assessment.cost.lines
        assert max(Counter((x.component, x.item, x.environment) for x in lines).values()) == 1
        assert {line.component for line in lines} <= set(components)
        for line in lines:
            assert line.section == components[line.component].decision.partition(".")[0]
            assert evaluation.assessment.cost.of(line.component) is None or line.monthly_usd is not None


def test_a_component_that_uses_something_has_lines_or_bills_nothing_of_it(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        billed = {line.component for line in evaluation.assessment.cost.lines}
        for component in evaluation.topology.components:
            service = find_service(load(), evaluation.requirements.provider, component.service)
            used = {per for per, amount in component.usage.items() if amount != 0}
            assert component.id in billed or not used & {dimension.per for dimension in service.dimensions}


def test_the_prices_are_dated_from_the_oldest_to_the_newest(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        cost = evaluation.assessment.cost
        dates = sorted(x.as_of for x in cost.lines if x.monthly_usd is not None)
        assert cost.price_date == f"{dates[0]} to {dates[-1]}"
        assert cost.evidence[0].as_of == dates[0]


# --- prices that are missing or not its own --------------------------------------------------------------


def test_a_price_that_is_not_known_is_missing_from_the_total_and_said_to_be() -> None:
    with_it, without_it = cost_of(), evaluate(Requirements(), without(load(), "nat-gateway/hour"))
    lost = [x for x in with_it.lines if x.item == "NAT gateways"]
    kept = [x for x in without_it.assessment.cost.lines if x.item == "NAT gateways"]
    assert [x.quantity for x in kept] == [x.quantity for x in lost]
    assert {(x.unit_price_usd, x.monthly_usd) for x in kept} == {(None, None)}
    assert without_it.assessment.cost.unpriced == ("nat: NAT gateways",)
    assert without_it.assessment.cost.monthly_usd == pytest.approx(with_it.monthly_usd - usd(lost))
    assert "price-not-known" in {f.code for f in without_it.findings}


def test_a_borrowed_price_names_the_region_it_comes_from() -> None:
    abroad = evaluate(Requirements(region="eu-central-1"))
    lines = [x for x in abroad.assessment.cost.lines if x.borrowed]
    assert {x.borrowed for x in lines} == {"us-east-1"}
    assert all("not known" in x.note for x in lines)
    assert "price-of-another-region" in {f.code for f in abroad.findings}
    at_home = evaluate(Requirements(region="us-east-1", secondary_region="us-east-2"))
    here = [x for x in at_home.assessment.cost.lines if x.borrowed]
    assert {x.component for x in here} <= {"backup-2", "files-2"}


# --- tiers -----------------------------------------------------------------------------------------------


def test_what_falls_into_each_tier_is_shown_and_the_unit_price_is_their_mean() -> None:
    catalog = tiered(load(), "transfer/internet", (0, 0.09), (1000, 0.08), (3000, 0.05))
    lines = [x for x in cost_of(catalog, average_rps=100, cacheable_pct=0).lines if x.item == "Out to the internet"]
    production = next(x for x in lines if x.environment == PRODUCTION)
    assert production.quantity is not None
    assert production.quantity > 3000
    assert [(t.above, t.quantity, t.usd) for t in production.tiers] == [
        (0, 1000, 0.09), (1000, 2000, 0.08), (3000, pytest.approx(production.quantity - 3000), 0.05),
    ]  # fmt: skip
    assert production.monthly_usd == pytest.approx(1000 * 0.09 + 2000 * 0.08 + (production.quantity - 3000) * 0.05)
    assert production.unit_price_usd == pytest.approx(production.monthly_usd / production.quantity)


def test_all_environments_share_one_counter_and_production_comes_first() -> None:
    steps = ((0, 0.09), (1000, 0.05))
    catalog = tiered(load(), "transfer/internet", *steps)
    lines = [x for x in cost_of(catalog, average_rps=40, cacheable_pct=0).lines if x.item == "Out to the internet"]
    assert [x.environment for x in lines] == [PRODUCTION, "staging", "development"]
    whole = sum(x.quantity or 0.0 for x in lines)
    price = catalog.providers["aws"].prices.find("transfer/internet", "us-east-1")
    assert price is not None
    assert usd(lines) == pytest.approx(price.cost(whole)), "as on a bill: the tiers see the sum"
    assert lines[0].monthly_usd == pytest.approx(price.cost(lines[0].quantity or 0.0)), "as if it were alone"
    assert {t.above for t in lines[1].tiers} == {1000.0}, "the first tier is used up already"


def test_two_regions_count_apart() -> None:
    forms = {"disaster_recovery.high_availability": "active-active", "scaling.caching": "none"}
    catalog = tiered(load(), "transfer/zone", (0, 0.02), (1, 0.01))
    where = {"region": "us-east-1", "secondary_region": "us-west-2", "availability_target_pct": 99}
    lines = [x for x in cost_of(catalog, overrides=forms, **where).lines if x.item.startswith("Between zones")]
    first = [x.tiers[0] for x in lines if x.environment == PRODUCTION]
    assert len(first) == 2
    assert {(t.above, t.quantity) for t in first} == {(0.0, 1.0)}, "each region begins at the first tier"


# --- sites and environments ------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_second_site_costs_more_and_an_active_one_most(provider: str) -> None:
    def bill(form: str) -> float:
        overrides = {"disaster_recovery.high_availability": form, "infrastructure.compute": "vms"}
        load = {"peak_rps": 2000, "average_rps": 1000}
        evaluation = evaluate(Requirements(provider=provider, availability_target_pct=99, overrides=overrides, **load))
        assert evaluation.plan.decision("disaster_recovery.high_availability").choice.id == form
        return evaluation.assessment.cost.production_usd

    bills = [bill(form) for form in ("single-zone", "multi-zone", "pilot-light", "warm-standby", "active-active")]
    assert bills == sorted(bills), "what waits costs less than what serves"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_environment_costs_more_than_production(provider: str) -> None:
    for compute in ("vms", "kubernetes", "containers", "functions"):
        cost = cost_of(provider=provider, overrides={"infrastructure.compute": compute})
        production, staging, development = (environment.monthly_usd for environment in cost.environments)
        assert production > staging > development > 0


def test_a_hand_worked_staging() -> None:
    # 24 h x 60 / 168; three instances of the same size, a database with its standby, three NAT gateways.
    cost = cost_of(
        overrides={**VMS, "cost.efficiency": "scheduled-shutdown"}, data_residency="us", object_storage_gb=400
    )
    quantity = {(x.component, x.item, x.environment): x.quantity for x in cost.lines}
    hours = 730 * 60 / 168
    assert quantity["compute", "Instances", "staging"] == pytest.approx(3 * hours)
    assert quantity["compute", "Instances", "development"] == pytest.approx(hours)
    assert quantity["database", "DB instances", "staging"] == pytest.approx(2 * hours)
    assert quantity["database", "DB instances", "development"] == pytest.approx(hours)
    stored = {e: quantity["database", "Storage (gp3)", e] or 0.0 for e in (PRODUCTION, "staging", "development")}
    assert stored["staging"] == pytest.approx(0.25 * stored[PRODUCTION])
    assert stored["development"] == pytest.approx(0.05 * stored[PRODUCTION] / 2), "without the standby's copy"
    files = {e: quantity["files", "Storage (S3 Standard)", e] or 0.0 for e in (PRODUCTION, "staging")}
    assert files["staging"] == pytest.approx(0.25 * files[PRODUCTION])
    assert quantity["nat", "NAT gateways", "staging"] == 3 * 730
    assert quantity["nat", "NAT gateways", "development"] == 730
    internet = "transfer", "Out to the internet"
    assert quantity[*internet, "staging"] == pytest.approx(0.1 * (quantity[*internet, PRODUCTION] or 0.0))
    assert ("source", "GitHub Team seats", "staging") not in quantity, "people are not multiplied"
    assert not any("Backups" in item for _, item, environment in quantity if environment != PRODUCTION)


def test_development_takes_the_smallest_size() -> None:
    cost = cost_of(overrides=VMS, database_gb=2000)
    prices = {x.environment: x for x in cost.lines if x.item == "DB instances"}
    book = load().providers["aws"].prices
    small = book.find("database/rds/db.t4g.micro", "us-east-1")
    assert small is not None
    assert prices["development"].unit_price_usd == small.usd
    assert prices["development"].note.startswith("db.t4g.micro")
    assert prices["staging"].unit_price_usd == prices[PRODUCTION].unit_price_usd


def test_the_rules_of_an_environment_are_told(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        production, *others = evaluation.assessment.cost.environments
        assert (production.id, production.rules) == (PRODUCTION, ())
        for environment in others:
            assert len(environment.rules) >= 4
            assert all(rule.endswith(".") for rule in environment.rules)
            always = evaluation.plan.decision("cost.efficiency").choice.id == "always-on"
            assert ("at all hours" in environment.rules[-1]) == always


# --- commitments -----------------------------------------------------------------------------------------


def test_a_commitment_covers_what_always_runs_and_says_when_it_pays() -> None:
    catalog = committed(load(), {"1y": 0.7, "3y": 0.5, "spot": 0.3})
    evaluation = evaluate(Requirements(overrides=VMS, peak_rps=3000, average_rps=1500), catalog)
    found = {(x.component, x.term): x for x in evaluation.assessment.cost.commitments}
    compute = evaluation.topology.component("compute")
    price = catalog.providers["aws"].prices.find(f"compute/{compute.sku}", "us-east-1")
    assert price is not None
    floor = evaluation.assessment.capacity.min_instances * 730
    assert floor < (compute.usage["instance_hours"] or 0.0), "more runs on average than at the least"
    one = found["compute", "1y"]
    assert one.on_demand_usd == pytest.approx(floor * price.usd)
    assert one.committed_usd == pytest.approx(0.7 * floor * price.usd)
    assert one.break_even == pytest.approx(0.7)
    assert one.saving_usd == pytest.approx(0.3 * floor * price.usd)
    assert "on demand: " in one.evidence.source
    assert "one year: offer 1y" in one.evidence.source
    assert found["database", "3y"].break_even == pytest.approx(0.5)
    assert found["database", "3y"].on_demand_usd == pytest.approx(
        usd(x for x in evaluation.assessment.cost.lines if x.item == "DB instances" and x.environment == PRODUCTION)
    )
    assert {component for component, term in found if term == "spot"} == {"compute"}, "only what keeps no state"
    assert ("collector", "1y") in found, "machines of self-run tools never stop either"


def test_there_is_no_commitment_where_no_price_is_known_or_nothing_runs_all_the_time() -> None:
    catalog = committed(load(), {"1y": 0.7})
    functions = {"infrastructure.compute": "functions", "infrastructure.database": "nosql"}
    found = cost_of(catalog, overrides=functions, data_model="document").commitments
    assert not {x.component for x in found} & {"compute", "database"}
    rows = catalog.providers["aws"].prices.rows
    own = {key: price for key, price in rows.items() if key[1] != "eu-central-1" or key[2]}
    abroad = cost_of(rows_replaced(catalog, own), overrides=VMS, region="eu-central-1").commitments
    assert not abroad, "the price on demand would be of another region"


def test_the_headline_stays_on_demand() -> None:
    catalog = committed(load(), {"1y": 0.7})
    bills = {term: cost_of(catalog, overrides=VMS, commitment=term).monthly_usd for term in ("none", "1y", "3y")}
    assert len(set(bills.values())) == 1


def test_cloudwatch_bills_kept_logs_as_compressed() -> None:
    """Of 30 GB taken in a month 6 GB are kept: https://aws.amazon.com/cloudwatch/pricing/, pricing example of VPC flow
    logs, as quoted by public repositories."""
    evaluation = evaluate(Requirements(log_retention_days=90, overrides={"observability.logging": "native"}))
    taken, kept = (
        next(x for x in evaluation.assessment.cost.lines if x.component == "logs" and x.item.startswith(label))
        for label in ("Logs ingested", "Logs kept")
    )
    assert taken.quantity
    assert kept.quantity == pytest.approx(taken.quantity * 90 / (730 / 24) * 6 / 30)


# --- months to come and the budget -----------------------------------------------------------------------


def test_what_grows_with_the_load_grows_and_the_team_does_not() -> None:
    catalog = tiered(load(), "transfer/internet", (0, 0.09), (1000, 0.05))
    cost = cost_of(catalog, growth_pct_per_year=100, average_rps=20, horizon_months=0)
    assert len(cost.projection.monthly_usd) == MONTHS
    factor = 2 ** ((MONTHS - 1) / 12)
    last = 0.0
    for line in cost.lines:
        grows = line.grows_with in ("traffic", "capacity", "data")
        if line.item != "Out to the internet" and line.monthly_usd is not None:
            last += line.monthly_usd * (factor if grows else 1.0)
    price = catalog.providers["aws"].prices.find("transfer/internet", "us-east-1")
    assert price is not None
    last += price.cost(factor * sum(x.quantity or 0.0 for x in cost.lines if x.item == "Out to the internet"))
    assert cost.projection.monthly_usd[-1] == pytest.approx(last)
    assert {x.grows_with for x in cost.lines if x.component == "source"} == {"team"}


def test_a_database_sized_for_the_horizon_does_not_grow_before_it() -> None:
    """Its machines carry the peak of the horizon from the first day: to grow them as well would count growth twice."""
    found = cost_of(growth_pct_per_year=100, horizon_months=24, average_rps=20)
    grows = [line for line in found.lines if line.grows_with in ("traffic", "capacity", "data")]
    ahead = [line for line in grows if line.component.startswith("database") and line.grows_with == "capacity"]
    usd, machines = (sum(line.monthly_usd or 0.0 for line in lines) for lines in (grows, ahead))
    assert machines > 0
    months = found.projection.monthly_usd
    for month, all_else, database in ((12, 2.0, 1.0), (24, 4.0, 1.0), (MONTHS - 1, 2 ** (35 / 12), 2 ** (11 / 12))):
        more = (all_else - 1) * (usd - machines) + (database - 1) * machines
        assert months[month] - months[0] == pytest.approx(more, rel=0.01)  # tiers make the rest a little cheaper


def test_without_growth_every_month_costs_the_same() -> None:
    months = cost_of(growth_pct_per_year=0).projection.monthly_usd
    assert months == pytest.approx([months[0]] * MONTHS)


def test_a_budget_is_held_against_all_environments_and_the_months_to_come() -> None:
    assert cost_of().budget is None
    pinned = {d.id: d.choice.id for d in evaluate(Requirements(monthly_budget_usd=2000)).plan.decisions}
    free = cost_of(growth_pct_per_year=100, overrides=pinned)
    limit = free.projection.monthly_usd[10] + 0.01
    budget = cost_of(growth_pct_per_year=100, monthly_budget_usd=limit, overrides=pinned).budget
    assert budget is not None
    assert budget.gap_usd == pytest.approx(free.monthly_usd - limit)
    assert budget.exceeded_in == 11
    assert budget.evidence.value == budget.gap_usd
    roomy = cost_of(growth_pct_per_year=0, monthly_budget_usd=1e9).budget
    assert roomy is not None
    assert roomy.exceeded_in is None
    tight = evaluate(Requirements(monthly_budget_usd=free.production_usd, overrides=pinned))
    assert tight.assessment.cost.budget is not None
    assert tight.assessment.cost.budget.exceeded_in == 0, "production alone would fit"
    (message,) = [f.message for f in tight.findings if f.code == "over-budget"]
    assert message.startswith("Production, staging and development cost")
