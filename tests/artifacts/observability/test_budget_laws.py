"""The law of the alerts on a budget, for any target and any course of traffic and failures.

An alert on a burn rate fires only while the budget is spent faster than that, over its long window and still in its
short one, and then only on enough requests for one failure to mean nothing.
"""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.observability import Alert, alerts_of
from devops_workbook.artifacts.observability.model import seconds
from devops_workbook.artifacts.observability.rules import BURNS
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements

TARGETS = (95.0, 99.0, 99.9, 99.95, 99.99, 99.999)
ALERTS = {
    target: {a.name: a for a in alerts_of(Blueprint.of(evaluate(Requirements(availability_target_pct=target))))}
    for target in TARGETS
}
_STEP = 5  # minutes between two looks
# Minutes, requests a minute, and the share of them that fails.
_SHARES = st.sampled_from((0.0, 0.0005, 0.002, 0.02, 1.0))
_SPELL = st.tuples(st.integers(1, 1500), st.sampled_from((0, 1, 30, 6000)), _SHARES)
_SPELLS = st.lists(_SPELL, min_size=1, max_size=6)


class Course:
    """What happened, minute by minute: `total` and `bad` requests within any window that ends at a minute."""

    def __init__(self, spells: list[tuple[int, int, float]]) -> None:
        minutes = [(requests, requests * share) for length, requests, share in spells for _ in range(length)]
        self.length = len(minutes)
        self._total = [0.0, *accumulate(total for total, _ in minutes)]
        self._bad = [0.0, *accumulate(bad for _, bad in minutes)]

    def within(self, window: str, end: int) -> tuple[float, float]:
        """(requests, failures) of the window that ends with minute `end`."""
        begin = max(0, end - seconds(window) // 60)
        return self._total[end] - self._total[begin], self._bad[end] - self._bad[begin]

    def share(self, window: str, end: int) -> float:
        """The share that failed; 0 where nothing was asked."""
        total, bad = self.within(window, end)
        return bad / total if total else 0.0


def fires(alert: Alert, course: Course, end: int) -> bool:
    """Whether all conditions of an alert hold at a minute."""
    for condition in alert.conditions:
        kind, window = condition.series.rpartition("_")[::2]
        value = course.within(window, end)[0] if kind.endswith("increase") else course.share(window, end)
        held = {">": value > condition.bound, ">=": value >= condition.bound, "<": value < condition.bound}
        if not held[condition.comparison]:
            return False
    return True


@given(target=st.sampled_from(TARGETS), spells=_SPELLS)
def test_an_alert_is_silent_while_the_budget_is_spent_more_slowly(
    target: float, spells: list[tuple[int, int, float]]
) -> None:
    course, budget = Course(spells), 1 - target / 100
    for burn in BURNS:
        alert = ALERTS[target].get(f"AvailabilityBurn{burn.long.upper()}")
        for end in range(_STEP, course.length + 1, _STEP):
            slower = course.share(burn.long, end) <= burn.rate * budget * (1 - 1e-9)
            over = course.share(burn.short, end) <= burn.rate * budget * (1 - 1e-9)
            if alert and (slower or over):
                assert not fires(alert, course, end)


@given(target=st.sampled_from(TARGETS), spells=_SPELLS)
def test_an_alert_fires_when_enough_requests_spend_it_faster(
    target: float, spells: list[tuple[int, int, float]]
) -> None:
    course, budget = Course(spells), 1 - target / 100
    for burn in BURNS:
        alert = ALERTS[target].get(f"AvailabilityBurn{burn.long.upper()}")
        for end in range(_STEP, course.length + 1, _STEP):
            faster = min(course.share(w, end) for w in (burn.long, burn.short)) > burn.rate * budget * (1 + 1e-9)
            enough = course.within(burn.short, end)[0] * burn.rate * budget >= 1 + 1e-9
            if alert and faster and enough and course.within(burn.short, end)[0] >= (alert.least_traffic or 0):
                assert fires(alert, course, end)


@given(target=st.sampled_from(TARGETS), failing=st.integers(1, 24 * 60), requests=st.sampled_from((60, 6000)))
def test_a_page_comes_within_the_time_that_the_alert_says(target: float, failing: int, requests: int) -> None:
    """A day of traffic without a failure, then everything fails; what fires at a minute was predicted for it."""
    course = Course([(24 * 60, requests, 0.0), (failing, requests, 1.0)])
    for burn in BURNS[:2]:
        alert = ALERTS[target].get(f"AvailabilityBurn{burn.long.upper()}")
        if alert is None or alert.page_seconds is None or requests * 5 < (alert.least_traffic or 0):
            continue
        after = next((m for m in range(1, failing + 1) if fires(alert, course, 24 * 60 + m)), None)
        if after is not None:
            assert (after - 1) * 60 <= alert.page_seconds
        else:
            assert failing * 60 < alert.page_seconds + 60
