"""The bill: every line a quantity times a price, and nothing counted as zero that is not free."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from devops_workbook.assess.cost import component_lines
from devops_workbook.catalog import load
from devops_workbook.catalog.model import Catalog, PriceBook
from devops_workbook.design.context import Context
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements

PROVIDERS = tuple(load().providers)


def test_the_total_is_the_sum_of_the_lines_that_are_known(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        cost = evaluation.assessment.cost
        assert cost.monthly_usd == pytest.approx(sum(x.monthly_usd for x in cost.lines if x.monthly_usd is not None))
        assert cost.evidence[0].value == cost.monthly_usd
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
        lines = Counter((x.component, x.item) for x in evaluation.assessment.cost.lines)
        assert max(lines.values()) == 1
        assert {id for id, _ in lines} <= {x.id for x in evaluation.topology.components}


def without(catalog: Catalog, item: str) -> Catalog:
    """The catalog, as if nobody had found the price of this item."""
    aws = catalog.providers["aws"]
    rows = {key: price for key, price in aws.prices.rows.items() if price.item != item}
    book = PriceBook("aws", aws.prices.reference_region, rows)
    return replace(catalog, providers={**catalog.providers, "aws": replace(aws, prices=book)})


def test_a_price_that_is_not_known_is_missing_from_the_total_and_said_to_be() -> None:
    r = Requirements()
    with_it, without_it = evaluate(r), evaluate(r, without(load(), "nat-gateway/hour"))
    lost = next(x for x in with_it.assessment.cost.lines if x.item == "NAT gateways")
    kept = next(x for x in without_it.assessment.cost.lines if x.item == "NAT gateways")
    assert (kept.unit_price_usd, kept.monthly_usd, kept.quantity) == (None, None, lost.quantity)
    assert "nat: NAT gateways" in without_it.assessment.cost.unpriced
    assert lost.monthly_usd is not None
    assert without_it.assessment.cost.monthly_usd == pytest.approx(
        with_it.assessment.cost.monthly_usd - lost.monthly_usd
    )
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


def test_the_prices_are_dated_from_the_oldest_to_the_newest(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        cost = evaluation.assessment.cost
        dates = sorted(x.as_of for x in cost.lines if x.monthly_usd is not None)
        assert cost.price_date == f"{dates[0]} to {dates[-1]}"
        assert cost.evidence[0].as_of == dates[0]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_second_site_costs_more_and_an_active_one_most(provider: str) -> None:
    def bill(form: str) -> float:
        overrides = {"disaster_recovery.high_availability": form, "infrastructure.compute": "vms"}
        load = {"peak_rps": 2000, "average_rps": 1000}
        evaluation = evaluate(Requirements(provider=provider, availability_target_pct=99, overrides=overrides, **load))
        assert evaluation.plan.decision("disaster_recovery.high_availability").choice.id == form
        return evaluation.assessment.cost.monthly_usd

    bills = [bill(form) for form in ("single-zone", "multi-zone", "pilot-light", "warm-standby", "active-active")]
    assert bills == sorted(bills), "what waits costs less than what serves"


def test_the_lines_of_one_component_stand_alone(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        c = Context(evaluation.requirements, load())
        lines = [line for component in evaluation.topology.components for line in component_lines(c, component)]
        assert tuple(lines) == evaluation.assessment.cost.lines
