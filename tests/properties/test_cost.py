"""Laws of the bill, tried over the whole space of requirements."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from devops_workbook.assess.cost import PRODUCTION
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements
from tests.properties.test_evaluate import Values, evaluated, laws, some_values


@given(some_values())
@laws
def test_the_bill_is_one_sum_however_it_is_added(values: Values) -> None:
    evaluation = evaluated(values)
    cost = evaluation.assessment.cost
    known = [line.monthly_usd for line in cost.lines if line.monthly_usd is not None]
    assert cost.monthly_usd == pytest.approx(sum(known))
    assert cost.monthly_usd == pytest.approx(sum(usd for _, usd in cost.by_section))
    assert cost.monthly_usd == pytest.approx(sum(environment.monthly_usd for environment in cost.environments))
    assert cost.monthly_usd == pytest.approx(cost.projection.monthly_usd[0])
    assert cost.monthly_usd >= cost.production_usd > 0
    assert {line.component for line in cost.lines} <= {component.id for component in evaluation.topology.components}


@given(some_values())
@laws
def test_no_environment_uses_more_than_production(values: Values) -> None:
    used: dict[tuple[str, str], dict[str, float]] = {}
    for line in evaluated(values).assessment.cost.lines:
        used.setdefault((line.component, line.item), {})[line.environment] = line.quantity or 0.0
    for quantities in used.values():
        assert max(quantities.values()) <= quantities[PRODUCTION] * (1 + 1e-9)


@given(some_values())
@laws
def test_tiers_hold_the_whole_quantity_and_the_whole_amount(values: Values) -> None:
    for line in evaluated(values).assessment.cost.lines:
        if line.tiers:
            assert sum(tier.quantity for tier in line.tiers) == pytest.approx(line.quantity)
            assert sum(tier.quantity * tier.usd for tier in line.tiers) == pytest.approx(line.monthly_usd)
            assert [tier.above for tier in line.tiers] == sorted({tier.above for tier in line.tiers})


@given(some_values())
@laws
def test_a_growing_load_never_gets_cheaper(values: Values) -> None:
    months = evaluated(values).assessment.cost.projection.monthly_usd
    assert all(later >= earlier * (1 - 1e-9) for earlier, later in pairwise(months))


def pinned(values: Values) -> Values:
    """The same values with every decision held as it is."""
    choices = {decision.id: decision.choice.id for decision in evaluated(values).plan.decisions}
    return Values({**values, "overrides": choices})


def heavier(values: Values, **load: Any) -> tuple[Evaluation, Evaluation]:
    """The same design under two loads; not every design can be had under the second, and one with machines of another
    size, which are chosen by what they cost at the peak, is another design."""
    before, after = evaluate(Requirements(**values)), evaluate(Requirements(**{**values, **load}))
    choices = values["overrides"]
    assume(all(e.plan.decision(field).choice.id == id for e in (before, after) for field, id in choices.items()))
    assume([x.sku for x in before.topology.components] == [x.sku for x in after.topology.components])
    return before, after


@given(some_values(overridden=False), st.floats(1, 10))
@laws
def test_more_load_on_the_same_design_never_costs_less(values: Values, factor: float) -> None:
    values = pinned(values)
    both = {name: min(values[name] * factor, 10_000_000) for name in ("peak_rps", "average_rps")}
    light, heavy = heavier(values, **both)
    assert heavy.assessment.cost.monthly_usd >= light.assessment.cost.monthly_usd * (1 - 1e-9)


@given(some_values(overridden=False), st.floats(0, 1))
@laws
def test_a_higher_average_on_the_same_design_never_costs_less(values: Values, part: float) -> None:
    values = pinned(values)
    average = values["average_rps"] + part * (values["peak_rps"] - values["average_rps"])
    light, heavy = heavier(values, average_rps=min(average, values["peak_rps"]))
    assert heavy.assessment.cost.monthly_usd >= light.assessment.cost.monthly_usd * (1 - 1e-9)


@given(some_values(overridden=False), st.floats(1, 10))
@laws
def test_a_higher_peak_on_the_same_design_never_costs_less(values: Values, factor: float) -> None:
    values = pinned(values)
    light, heavy = heavier(values, peak_rps=min(values["peak_rps"] * factor, 10_000_000))
    assert heavy.assessment.cost.monthly_usd >= light.assessment.cost.monthly_usd * (1 - 1e-9)
