"""Availability in series and in parallel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.design.reliability import FORMS, active_active, form_rank, series, sites


def test_services_in_series_multiply() -> None:
    assert series([99.9, 99.95]) == pytest.approx(99.85005)
    assert series([]) == 100.0
    assert series([99.9, None]) is None


def test_two_sites_fail_together_by_a_common_cause_or_by_chance() -> None:
    # U = 0.001, beta = 0.1: 0.1 x 0.001 + 0.9 x 0.000001 = 0.0001009
    assert active_active(99.9, 0.1) == pytest.approx(100 - 0.01009)


@given(pct=st.floats(90, 99.9999))
def test_the_beta_factor_lies_between_one_site_and_two_independent_ones(pct: float) -> None:
    assert active_active(pct, 1.0) == pytest.approx(pct)
    assert active_active(pct, 0.0) == pytest.approx(100 * (1 - (1 - pct / 100) ** 2))
    assert active_active(pct, 1.0) - 1e-9 <= active_active(pct, 0.1) <= active_active(pct, 0.0) + 1e-9


def test_the_forms_are_ranked_and_the_last_three_use_two_regions() -> None:
    assert [sites(form) for form in FORMS] == [1, 1, 2, 2, 2]
    assert [form_rank(form) for form in FORMS] == [0, 1, 2, 3, 4]
