"""Numbers, lists and the error budget in sentences."""

from __future__ import annotations

import pytest

from devops_workbook.catalog import load
from devops_workbook.design.context import Context
from devops_workbook.design.words import amount, counted, error_budget, error_budget_minutes, listed
from devops_workbook.requirements import Requirements


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (1e-6, "less than 0.1"),
        (0.5, "0.5"),
        (4.5678, "4.57"),
        (99.94, "99.9"),
        (100.4, "100"),
        (45_540, "45,540"),
    ],
)
def test_an_amount_is_never_written_in_powers_of_ten(value: float, words: str) -> None:
    assert amount(value) == words


def test_a_count_agrees_with_its_noun() -> None:
    assert [counted(n, "day") for n in (0, 1, 2_190)] == ["0 days", "1 day", "2,190 days"]


def test_a_list_ends_with_and() -> None:
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("target", "words"),
    [(90, "4,320 minutes"), (99.9, "43.2 minutes"), (99.99, "4.32 minutes"), (99.9999, "2.59 seconds")],
)
def test_the_error_budget_is_spoken_in_a_unit_that_fits(target: float, words: str) -> None:
    context = Context(Requirements(availability_target_pct=target), load())
    assert error_budget(context) == words
    assert error_budget_minutes(context) == pytest.approx((100 - target) / 100 * 43_200)
