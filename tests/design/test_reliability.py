"""Availability in series, of k of n, and of two sites: published results, and laws."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.design.reliability import (
    ALWAYS_ON,
    FORMS,
    Failover,
    form_rank,
    k_of_n,
    series,
    site_gain,
    sites,
    two_sites,
)

# --- published results -----------------------------------------------------------------------------------

AZURE = """Use business metrics to design resilient Azure applications, Azure Well-Architected Framework of 2 May 2023,
sections Composite SLAs and the two after it (MicrosoftDocs/well-architected); the first is also quoted in
https://learn.microsoft.com/en-us/answers/questions/122986/composite-slas"""
AWS = """Availability and Beyond, AWS whitepaper of 12 November 2021, section Availability with redundancy,
https://docs.aws.amazon.com/whitepapers/latest/availability-and-beyond-improving-resilience/availability-with-redundancy.html"""
GOVAN = """P. Govan, Reliability Analysis with R (2026), chapter Reliability Block Diagrams,
https://github.com/paulgovan/ReliaLearnR/blob/main/book/02-rbd.qmd"""
DISPLAYS = """Reliability Modeling: k out of n Configuration,
https://reliabilityanalytics.com/blog/2011/09/02/reliability-modeling-k-out-of-n-configutation/"""


@pytest.mark.parametrize(
    ("source", "pcts", "published", "digits"),
    [
        (AZURE, [99.95, 99.99], 99.94, 2),  # App Service and SQL Database
        (AZURE, [99.95, 99.99999], 99.95, 2),  # App Service, and database or queue
        (GOVAN, [95, 90, 98], 83.8, 1),  # motor, pump, valve
    ],
)
def test_services_in_series(source: str, pcts: list[float], published: float, digits: int) -> None:
    assert series(pcts) == pytest.approx(published, abs=0.6 * 10**-digits)


@pytest.mark.parametrize(
    ("source", "pct", "k", "n", "published", "tolerance"),
    [
        (AWS, 99, 1, 2, 99.99, 1e-9),  # two redundant subsystems of 99 %
        (AZURE, 99.95, 1, 2, 99.999975, 1e-9),  # an application in two regions
        (AZURE, 99.99, 1, 3, 99.9999999999, 1e-9),  # one of three zonal machines
        (DISPLAYS, 90, 3, 4, 94.77, 1e-9),  # three of four displays
        (GOVAN, 99, 2, 3, 99.97, 0.005),  # two of three flight computers
        (GOVAN, 95, 3, 5, 99.88, 0.005),  # three of five sensors
        (GOVAN, 88, 1, 3, 99.83, 0.005),  # one of three pumps
    ],
)
def test_k_of_n(source: str, pct: float, k: int, n: int, published: float, tolerance: float) -> None:
    assert k_of_n(pct, k, n) == pytest.approx(published, abs=tolerance)


def test_a_system_of_both_kinds() -> None:
    # GOVAN, review question: two components of 0.85 in parallel, then one of 0.92 in series: about 0.899.
    assert series([k_of_n(85, 1, 2), 92]) == pytest.approx(89.9, abs=0.05)


@pytest.mark.parametrize(("beta", "published"), [(0.02, 50), (0.05, 20)])
def test_common_causes_limit_what_redundancy_gains(beta: float, published: float) -> None:
    # SIL Manual (GM International), section 5.4.2 and table 8, p. 103, https://fliphtml5.com/vmpeb/cdww/SIL_MANUAL/104/:
    # redundancy lowers the unavailability at most about 50 times with beta = 2 %, 20 times with beta = 5 %.
    one = 99.999
    gained = (100 - one) / (100 - k_of_n(one, 1, 2, beta))
    assert gained == pytest.approx(published, rel=0.01)


def test_the_beta_factor_splits_each_unavailability_in_two() -> None:
    # PTC Windchill Risk and Reliability, Beta Model, https://support.ptc.com/help/wrr/r12.0.1.0/en/wrr/ReferenceGuide/
    # fta/beta_model.html: Q1 = (1 - beta) Qt for each of n events, Qn = beta Qt for all of them. Of one event out of
    # two both must fail by themselves, or the common one: here Qt = 1 %, beta = 10 %.
    one, both = 0.9 * 0.01, 0.1 * 0.01
    assert k_of_n(99, 1, 2, 0.1) == pytest.approx(100 * (1 - both) * (1 - one * one))


def test_a_99_99_service_with_five_dependencies_of_99_999() -> None:
    # B. Treynor, M. Dahlin, V. Rau, B. Beyer, The Calculus of Service Availability, ACM Queue 15(2), 2017,
    # https://queue.acm.org/detail.cfm?id=3096459: 53 minutes a year, of which five dependencies take 26.
    year = 365 * 24 * 60
    assert (1 - 0.9999) * year == pytest.approx(53, abs=0.5)
    together = series([99.999] * 5)
    assert together is not None
    assert (1 - together / 100) * year == pytest.approx(26, abs=0.5)


# --- laws ------------------------------------------------------------------------------------------------

pcts = st.floats(50, 99.9999)
betas = st.floats(0, 1)
failovers = st.builds(
    Failover, st.floats(0, 1), st.one_of(st.none(), st.floats(0, 1e5)), st.floats(1, 1e4)
)  # fmt: skip
SLACK = 1e-9


def test_a_part_that_is_not_known_makes_the_series_not_known() -> None:
    assert series([99.9, None]) is None
    assert series([]) == 100.0


@given(st.lists(pcts, min_size=1, max_size=8))
def test_a_series_is_never_above_its_weakest_part(parts: list[float]) -> None:
    together = series(parts)
    assert together is not None
    assert together <= min(parts) + SLACK


@given(pcts, betas, st.integers(1, 6))
def test_k_of_n_lies_between_all_and_any_of_them(pct: float, beta: float, n: int) -> None:
    found = [k_of_n(pct, k, n, beta) for k in range(1, n + 1)]
    assert found == sorted(found, reverse=True), "the fewer are needed, the better"
    assert series([pct] * n) <= found[-1] + SLACK  # type: ignore[operator]
    assert found[0] <= 100
    if beta == 0:
        assert found[-1] == pytest.approx(series([pct] * n))


@given(pcts, betas, st.integers(1, 6))
def test_redundancy_never_harms_and_never_outdoes_the_common_cause(pct: float, beta: float, n: int) -> None:
    down = 1 - pct / 100
    assert k_of_n(pct, 1, n, beta) <= k_of_n(pct, 1, n + 1, beta) + SLACK
    assert k_of_n(pct, 1, n, beta) <= 100 * (1 - beta * down) + SLACK


@given(pcts)
def test_the_beta_factor_reaches_from_independent_sites_to_a_single_one(pct: float) -> None:
    assert two_sites(pct, 1.0, ALWAYS_ON) == pytest.approx(pct)
    assert two_sites(pct, 0.0, ALWAYS_ON) == pytest.approx(100 * (1 - (1 - pct / 100) ** 2))


@given(pcts, betas)
def test_two_active_sites_are_one_of_two(pct: float, beta: float) -> None:
    assert two_sites(pct, beta, ALWAYS_ON) == pytest.approx(k_of_n(pct, 1, 2, beta))


@given(pcts, betas, failovers)
def test_a_standby_lies_between_one_site_and_two_active_ones(pct: float, beta: float, failover: Failover) -> None:
    found = two_sites(pct, beta, failover)
    assert pct - SLACK <= found <= two_sites(pct, beta, ALWAYS_ON) + SLACK


@given(pcts, betas, failovers, st.floats(0, 1e4), st.floats(0, 1))
def test_a_slower_or_less_certain_failover_never_promises_more(
    pct: float, beta: float, failover: Failover, longer: float, doubt: float
) -> None:
    found = two_sites(pct, beta, failover)
    slower = replace(failover, minutes=None if failover.minutes is None else failover.minutes + longer)
    assert two_sites(pct, beta, slower) <= found + SLACK
    assert two_sites(pct, beta, replace(failover, success=failover.success * doubt)) <= found + SLACK


def test_a_failover_as_long_as_the_outage_or_of_unknown_length_helps_nobody() -> None:
    for minutes in (212.0, 1000.0, None):
        failover = Failover(1.0, minutes, 212.0)
        assert (failover.lost, failover.served) == (1.0, 0.0)
        # Next to nothing is gained: the two kinds of failure of the one site now and then fall together.
        assert two_sites(99.9, 0.1, failover) == pytest.approx(99.9, abs=1e-5)


def test_a_hand_worked_standby() -> None:
    # U = 0.1 %, beta = 10 %: common 0.0001, own 0.0009. A failover of 21.2 min in outages of 212 min that succeeds
    # nine times in ten loses 0.9 x 0.1 + 0.1 = 0.19 of an outage and serves 0.81 of it.
    found = two_sites(99.9, 0.1, Failover(0.9, 21.2, 212.0))
    assert found == pytest.approx(100 * (1 - 0.0001) * (1 - 0.0009 * (0.19 + 0.81 * 0.0009)))


@given(pcts, st.floats(0, 0.99), failovers)
def test_the_gain_is_the_slope(pct: float, beta: float, failover: Failover) -> None:
    step = 1e-4
    slope = (two_sites(pct + step / 2, beta, failover) - two_sites(pct - step / 2, beta, failover)) / step
    assert site_gain(pct, beta, failover) == pytest.approx(slope, abs=1e-5)


def test_the_forms_are_ranked_and_the_last_three_use_two_regions() -> None:
    assert [sites(form) for form in FORMS] == [1, 1, 2, 2, 2]
    assert [form_rank(form) for form in FORMS] == [0, 1, 2, 3, 4]
