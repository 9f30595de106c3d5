"""Erlang C against published figures, closed forms and direct sums; workers against counting up."""

from __future__ import annotations

import math
import time
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.design import queueing
from devops_workbook.design.queueing import erlang_c, lognormal_quantile, wait_quantile, workers_for


def direct_erlang_c(workers: int, load: float) -> float:
    """Erlang C as the sum of its definition, in logarithms so that no term overflows."""

    def term(k: int) -> float:
        return k * math.log(load) - math.lgamma(k + 1)

    all_busy = term(workers) + math.log(workers / (workers - load))
    top = max(all_busy, *(term(k) for k in range(workers)))
    total = math.fsum(math.exp(term(k) - top) for k in range(workers))
    busy = math.exp(all_busy - top)
    return busy / (total + busy)


def test_the_worked_example_of_call_centres() -> None:
    # 100 calls in half an hour of three minutes each, 14 agents: 17.4 % wait, 7.8 s on average, 88.8 % within 20 s.
    # https://www.callcentrehelper.com/erlang-c-formula-example-121281.htm
    chance = erlang_c(14, 10.0)
    assert chance == pytest.approx(0.174, abs=0.0005)
    assert chance * 180 / (14 - 10) == pytest.approx(7.8, abs=0.05)
    assert 1 - chance * math.exp(-(14 - 10) * 20 / 180) == pytest.approx(0.888, abs=0.0005)


@pytest.mark.parametrize("load", [0.01, 0.2, 0.5, 0.9, 0.999])
def test_one_worker_is_busy_as_often_as_its_load(load: float) -> None:
    # M/M/1: P(wait) = rho. Any textbook, such as Kleinrock, Queueing Systems I (1975), section 3.2.
    assert erlang_c(1, load) == pytest.approx(load)


@pytest.mark.parametrize("load", [0.01, 0.5, 1.0, 1.9])
def test_two_workers_have_a_closed_form(load: float) -> None:
    # M/M/2: P(wait) = 2 rho^2 / (1 + rho), rho = load / 2.
    rho = load / 2
    assert erlang_c(2, load) == pytest.approx(2 * rho * rho / (1 + rho))


def test_three_workers_at_two_erlangs_make_four_of_nine_wait() -> None:
    assert erlang_c(3, 2.0) == pytest.approx(4 / 9)


@pytest.mark.parametrize(
    ("workers", "load"), [(12, 10.0), (105, 100.0), (130, 100.0), (1010, 1000.0), (5100, 5000.0), (20_100, 20_000.0)]
)
def test_large_loads_agree_with_the_sum_of_the_definition(workers: int, load: float) -> None:
    assert erlang_c(workers, load) == pytest.approx(direct_erlang_c(workers, load), rel=1e-9)


def test_a_load_that_is_not_below_the_workers_makes_everybody_wait_for_ever() -> None:
    assert erlang_c(10, 10.0) == 1.0
    assert wait_quantile(10, 100.0, 0.1, 1.0) == math.inf


def test_beyond_a_million_erlangs_the_limit_continues_the_exact_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    load = 900_000.0
    for room in (0.5, 1.0, 2.0, 3.0):
        workers = math.ceil(load + room * math.sqrt(load))
        exact = erlang_c(workers, load)
        with monkeypatch.context() as patch:
            patch.setattr(queueing, "_EXACT_LIMIT", 0.0)
            assert erlang_c(workers, load) == pytest.approx(exact, rel=0.01)


def test_ten_million_requests_an_hour_long_are_answered_at_once() -> None:
    started = time.process_time()
    load = 1e7 * 3600.0
    workers = workers_for(1e7, 3600.0, 20.0, 0.0)
    assert load < workers < load * 1.003
    assert erlang_c(workers, load) < 0.002
    assert wait_quantile(workers, 1e7, 3600.0, 20.0) == 0.0
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize("tail", [0.001, 0.01, 0.1])
def test_the_wait_of_one_worker_is_exponential(tail: float) -> None:
    # M/M/1: P(W > t) = rho exp(-(1 - rho) t / s).
    rho, service = 0.8, 0.05
    waits = wait_quantile(1, rho / service, service, 1.0, tail)
    assert rho * math.exp(-(1 - rho) * waits / service) == pytest.approx(tail)


def test_a_little_more_waiting_than_the_tail_is_a_little_wait() -> None:
    chance = erlang_c(11, 5.0)
    assert 0.01 < chance < 0.02
    assert wait_quantile(11, 50.0, 0.1, 1.0) == pytest.approx(math.log(chance / 0.01) * 0.1 / (11 - 5))
    assert wait_quantile(12, 50.0, 0.1, 1.0) == 0.0


def test_variation_scales_the_wait_as_allen_and_cunneen_say() -> None:
    exponential = wait_quantile(10, 95.0, 0.1, 1.0)
    assert wait_quantile(10, 95.0, 0.1, 0.0) == pytest.approx(exponential / 2)
    assert wait_quantile(10, 95.0, 0.1, 3.0) == pytest.approx(exponential * 5)


@given(
    rate=st.floats(0.01, 300), service=st.floats(0.001, 0.5), cv=st.floats(0, 5), wait=st.floats(0, 2),
)  # fmt: skip
def test_the_workers_are_the_fewest_that_keep_the_wait(rate: float, service: float, cv: float, wait: float) -> None:
    workers = workers_for(rate, service, cv, wait)
    assert wait_quantile(workers, rate, service, cv) <= wait
    assert workers == 1 or wait_quantile(workers - 1, rate, service, cv) > wait


@given(load=st.floats(0.001, 50_000), more=st.floats(1, 2))
def test_more_load_never_needs_fewer_workers(load: float, more: float) -> None:
    assert workers_for(load, 1.0, 1.0, 0.1) <= workers_for(load * more, 1.0, 1.0, 0.1)


def test_a_constant_service_time_is_its_own_quantile() -> None:
    assert lognormal_quantile(0.04, 0.0) == pytest.approx(0.04)


@pytest.mark.parametrize("cv", [0.1, 1.0, 3.0, 20.0])
def test_the_quantile_cuts_off_one_in_a_hundred_of_a_lognormal_with_that_mean_and_variation(cv: float) -> None:
    sigma = math.sqrt(math.log(1 + cv * cv))
    mu = math.log(0.04) - sigma * sigma / 2
    assert math.exp(mu + sigma * sigma / 2) == pytest.approx(0.04)
    assert math.sqrt(math.expm1(sigma * sigma)) == pytest.approx(cv)
    z = (math.log(lognormal_quantile(0.04, cv)) - mu) / sigma
    assert NormalDist().cdf(z) == pytest.approx(0.99, abs=1e-9)
