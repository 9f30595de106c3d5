"""Waiting and response against published figures, closed forms, direct sums and a simulation."""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist, fmean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.design.queueing import (
    TAIL,
    Floats,
    Lognormal,
    Queue,
    ServiceTime,
    erlang_c,
    response_quantiles,
    response_survival,
)


def mean_wait(queue: Queue, workers: int) -> float:
    """Mean wait of all requests, in seconds, from the wait exceeded by 1 % and the chance of waiting."""
    (wait,) = queue.waits(workers)
    return wait.chance * wait.wait_s / math.log(wait.chance / TAIL)


# --- published figures -----------------------------------------------------------------------------------


def test_the_worked_example_of_call_centres() -> None:
    # 100 calls in half an hour of three minutes each, 14 agents: 17.4 % wait, 7.8 s on average, 88.8 % within 20 s.
    # https://www.callcentrehelper.com/erlang-c-formula-example-121281.htm
    chance = erlang_c(14, 10.0)
    assert chance == pytest.approx(0.174, abs=0.0005)
    assert chance * 180 / (14 - 10) == pytest.approx(7.8, abs=0.05)
    assert 1 - chance * math.exp(-(14 - 10) * 20 / 180) == pytest.approx(0.888, abs=0.0005)


@pytest.mark.parametrize(
    ("positions", "waiting", "within_20_s"),
    [
        (13, 0.285270453036493, 0.7955947884177831),
        (14, 0.1741319335950498, 0.8883500191794669),
        (15, 0.10204236700798798, 0.9414528428690223),
    ],
)
def test_the_documented_example_of_pyworkforce(positions: int, waiting: float, within_20_s: float) -> None:
    # README of https://github.com/rodrigo-arenas/pyworkforce: 100 calls of 3 minutes in 30 minutes.
    assert erlang_c(positions, 10.0) == pytest.approx(waiting, rel=1e-10)
    assert 1 - erlang_c(positions, 10.0) * math.exp(-(positions - 10) / 9) == pytest.approx(within_20_s, rel=1e-10)


@pytest.mark.parametrize(("servers", "waiting", "response"), [(2, 7.674, 1.053), (4, 0.105, 0.212)])
def test_the_lecture_example_of_two_and_four_servers(servers: int, waiting: float, response: float) -> None:
    # ETH Zurich, Advanced Systems Lab 2017, slides on M/M/m (9 arrivals a second, 5 served a second): number waiting
    # and response time, as quoted by the tests of the Octave package queueing, inst/qsmmm.m.
    wait = erlang_c(servers, 9 / 5) / (5 * servers - 9)
    assert 9 * wait == pytest.approx(waiting, abs=1e-3)
    assert wait + 1 / 5 == pytest.approx(response, abs=1e-3)


@pytest.mark.parametrize(("channels", "load", "delayed", "beyond"), [(8, 3.87, 0.05, 0.016), (10, 4.08, 0.01, 0.0022)])
def test_the_channels_of_a_trunked_radio_system(channels: int, load: float, delayed: float, beyond: float) -> None:
    # Erlang C table (Table C) and its example of a TETRA system, scribd.com/document/831962299: 8 channels take 3.87
    # Erlangs with 5 % delayed, 10 channels 4.08 with 1 %; of those delayed at 3.87, 1.6 % and 0.22 % wait longer than
    # a call lasts.
    assert erlang_c(channels, load) == pytest.approx(delayed, rel=0.01)
    assert math.exp(-(channels - 3.87)) == pytest.approx(beyond, rel=0.02)


@pytest.mark.parametrize(
    ("between_arrivals", "wait"),
    [(61, 3443.742325), (63, 1050.206120), (65, 576.351580), (70, 230.407098), (75, 122.754045), (84, 51.285732)],
)
def test_the_waits_of_ten_operators(between_arrivals: float, wait: float) -> None:
    # A. Herzog, QueueSim, example_analytic_erlang_c.ipynb (github.com/A-Herzog/QueueSim): 600 s of service, E[W] in s.
    assert mean_wait(Queue(1 / between_arrivals, 600, 1), 10) == pytest.approx(wait, rel=1e-8)


@pytest.mark.parametrize(
    ("operators", "wait"), [(1, 2400.0), (2, 1066.666667), (3, 647.191011), (5, 332.467532), (25, 25.092339)]
)
def test_the_waits_at_80_per_cent(operators: int, wait: float) -> None:
    # The same notebook: every number of operators 80 % busy.
    assert mean_wait(Queue(0.8 * operators / 600, 600, 1), operators) == pytest.approx(wait, rel=1e-8)


@pytest.mark.parametrize(
    ("cv", "wait"), [(0.5, 200.0), (0.6, 217.6), (0.8, 262.4), (1.0, 320.0), (1.2, 390.4), (1.5, 520.0)]
)
def test_the_allen_cunneen_table(cv: float, wait: float) -> None:
    # A. Herzog, QueueSim, example_analytic_ac_approx.ipynb: one operator, 80 s of service, arrivals every 100 s.
    assert mean_wait(Queue(1 / 100, 80, cv), 1) == pytest.approx(wait, rel=1e-8)


# --- closed forms and independent computations -----------------------------------------------------------


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


def direct_erlang_c(workers: int, load: float) -> float:
    """Erlang C as the sum of its definition, in logarithms so that no term overflows."""

    def term(k: int) -> float:
        return k * math.log(load) - math.lgamma(k + 1)

    all_busy = term(workers) + math.log(workers / (workers - load))
    top = max(all_busy, *(term(k) for k in range(workers)))
    total = math.fsum(math.exp(term(k) - top) for k in range(workers))
    busy = math.exp(all_busy - top)
    return busy / (total + busy)


@given(load=st.floats(1e-6, 3000), room=st.floats(0, 5))
def test_every_load_agrees_with_the_sum_of_the_definition(load: float, room: float) -> None:
    workers = math.floor(load + room * math.sqrt(load)) + 1
    assert erlang_c(workers, load) == pytest.approx(direct_erlang_c(workers, load), rel=1e-8)


def test_very_large_loads_follow_halfin_and_whitt() -> None:
    # With b standard deviations of room P(wait) tends to 1 / (1 + b Phi(b) / phi(b)), Operations Research 29 (1981).
    normal = NormalDist()
    for load in (1e8, 1e12):
        for room in (0.5, 1.0, 2.0):
            limit = 1 / (1 + room * normal.cdf(room) / normal.pdf(room))
            workers = math.ceil(load + room * math.sqrt(load))
            assert erlang_c(workers, load) == pytest.approx(limit, rel=5 / math.sqrt(load) + 1e-4)


def test_a_load_that_is_not_below_the_workers_makes_everybody_wait_for_ever() -> None:
    assert erlang_c(10, 10.0) == 1.0
    (wait,) = Queue(100, 0.1, 1).waits(10)
    assert (wait.utilisation, wait.chance, wait.wait_s, wait.response_s) == (1.0, 1.0, math.inf, math.inf)


def test_waiting_is_worked_out_for_loads_beyond_any_design() -> None:
    assert erlang_c(1, 1e-30) == pytest.approx(0.0, abs=1e-8)
    assert erlang_c(10**9, 1e-3) < 1e-200
    assert 0 < erlang_c(5 * 10**17 + 10**9, 5e17) < 1


# --- response --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exponential:
    """Exponential service times, for which M/M/c has a closed form."""

    mean_s: float

    def at(self, z: Floats) -> Floats:
        return -self.mean_s * np.log(np.array([math.erfc(x / math.sqrt(2)) / 2 for x in z.flat])).reshape(z.shape)

    def score(self, t: Floats) -> Floats:
        return np.array([-NormalDist().inv_cdf(max(math.exp(-x / self.mean_s), 1e-300)) for x in t.flat]).reshape(
            t.shape
        )

    def slope(self, t: Floats) -> Floats:
        z = self.score(t)
        return t / self.mean_s * np.exp(-t / self.mean_s) / (np.exp(-z * z / 2) / math.sqrt(2 * math.pi))


def test_the_response_of_one_worker_is_exponential() -> None:
    # M/M/1: P(R > t) = exp(-(1 - rho) t / s), so that the p99 is 4.605 mean responses.
    rho, mean = 0.8, 0.05
    found = response_quantiles(np.array([rho]), np.array([mean / (1 - rho)]), Exponential(mean))
    assert found[0] == pytest.approx(mean / (1 - rho) * math.log(100), rel=1e-4)


@pytest.mark.parametrize(("workers", "load"), [(2, 1.5), (3, 2.4), (5, 2.2), (10, 9.5), (40, 36.0), (200, 190.0)])
def test_exponential_service_gives_the_closed_form_of_many_workers(workers: int, load: float) -> None:
    # M/M/c with mean service 1: P(R > t) = e^-t (1 + C (1 - e^(-t (c - 1 - a))) / (c - 1 - a)); Gross and Harris,
    # Fundamentals of Queueing Theory, section on M/M/c waiting times.
    chance, room = erlang_c(workers, load), workers - 1 - load
    chances, means = np.array([chance]), np.array([1 / (workers - load)])
    for t in (0.1, 1.0, 4.0, 8.0):
        exact = math.exp(-t) * (1 + chance * -math.expm1(-t * room) / room)
        assert response_survival(chances, means, np.array([t]), Exponential(1.0))[0] == pytest.approx(exact, rel=1e-5)
    (p99,) = response_quantiles(chances, means, Exponential(1.0))
    assert math.exp(-p99) * (1 + chance * -math.expm1(-p99 * room) / room) == pytest.approx(TAIL, rel=1e-3)


def by_brute_force(chance: float, mean: float, service: Lognormal) -> float:
    """The p99 response by halving an interval, with a Riemann sum of 50,001 points for each chance."""
    z = np.linspace(-9, 9, 50_001)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    times = service.at(z)

    def survival(t: float) -> float:
        late = times > t
        return float(density[late].sum() + chance * (density[~late] * np.exp((times[~late] - t) / mean)).sum())

    low, high = service.quantile() * 0.99, service.quantile(TAIL / 2) + mean * math.log(max(2 * chance / TAIL, 1.0))
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if survival(middle) > TAIL else (low, middle)
    return low


@pytest.mark.parametrize("cv", [0.01, 0.5, 1.0, 3.0, 20.0])
@pytest.mark.parametrize("mean", [1e-5, 0.01, 1.0, 100.0])
def test_the_quantile_is_that_of_the_sum_of_wait_and_service(cv: float, mean: float) -> None:
    service = Lognormal(0.04, cv)
    chances = np.array([1e-6, 0.009, 0.0101, 0.02, 0.3, 0.999])
    found = response_quantiles(chances, np.full(len(chances), mean), service)
    for chance, quantile in zip(chances, found, strict=True):
        assert quantile == pytest.approx(by_brute_force(chance, mean, service), rel=5e-4)


def test_the_quantile_of_the_sum_is_below_the_sum_of_the_quantiles_and_above_each() -> None:
    for workers in range(13, 30):
        queue = Queue(300, 0.04, 1.0)
        (wait,) = queue.waits(workers)
        alone = queue.service.quantile()
        assert max(wait.wait_s, alone) <= wait.response_s * (1 + 1e-6)
        assert wait.response_s <= wait.wait_s + alone * (1 + 1e-2)
    assert Queue(300, 0.04, 1.0).waits(13)[0].response_s < 0.75 * (0.170 + 0.196)


def test_a_constant_service_time_adds_itself_to_the_wait() -> None:
    (wait,) = Queue(95, 0.1, 0.0).waits(10)
    assert wait.response_s == wait.wait_s + 0.1 > 0.1


@pytest.mark.parametrize("cv", [1e-194, 1e-7, 1e-5, 1e-3])
def test_hardly_any_variation_is_as_good_as_none(cv: float) -> None:
    queue, steady = Queue(95, 0.1, cv), Queue(95, 0.1, 0.0)
    assert queue.waits(10)[0].response_s == pytest.approx(steady.waits(10)[0].response_s, rel=1e-3)
    assert queue.fewest_workers(0.3) == steady.fewest_workers(0.3)


def test_the_lognormal_is_within_seven_per_cent_of_the_exponential_where_they_vary_alike() -> None:
    for workers in (13, 14, 16, 20):
        queue = Queue(300, 0.04, 1.0)
        (wait,) = queue.waits(workers)
        means = np.array([0.04 / (workers - 12)])
        (exact,) = response_quantiles(np.array([wait.chance]), means, Exponential(0.04))
        assert exact <= wait.response_s <= 1.07 * exact


@pytest.mark.parametrize("cv", [0.1, 1.0, 3.0, 20.0])
def test_the_quantile_cuts_off_one_in_a_hundred_of_a_lognormal_with_that_mean_and_variation(cv: float) -> None:
    service = Lognormal(0.04, cv)
    assert math.exp(service.mu + service.sigma**2 / 2) == pytest.approx(0.04)
    assert math.sqrt(math.expm1(service.sigma**2)) == pytest.approx(cv)
    z = (math.log(service.quantile()) - service.mu) / service.sigma
    assert NormalDist().cdf(z) == pytest.approx(0.99, abs=1e-9)
    assert service.score(service.at(np.array([1.5]))) == pytest.approx(1.5)


# --- simulation ------------------------------------------------------------------------------------------


def simulated_p99s(rate: float, workers: int, times: Floats, seed: int, batches: int = 25) -> list[float]:
    """The p99 response of each batch of a simulated queue with these service times, first come, first served."""
    arrivals = np.random.default_rng(seed).exponential(1 / rate, len(times)).cumsum()
    free = [0.0] * workers
    responses = np.empty(len(times))
    for i, (arrival, service) in enumerate(zip(arrivals.tolist(), times.tolist(), strict=True)):
        end = max(arrival, heapq.heappop(free)) + service
        heapq.heappush(free, end)
        responses[i] = end - arrival
    warm = responses[len(times) // 20 :]
    return [float(np.quantile(batch, 1 - TAIL)) for batch in np.array_split(warm, batches)]


def confidence(values: list[float]) -> tuple[float, float]:
    """The 99 % confidence interval of a mean of 25 values (Student's t with 24 degrees of freedom)."""
    half = 2.797 * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half


@pytest.mark.parametrize(("workers", "load", "seed"), [(1, 0.6, 1), (3, 2.2, 2), (8, 6.4, 3)])
def test_a_simulation_of_exponential_service_agrees_within_its_confidence(workers: int, load: float, seed: int) -> None:
    times = np.random.default_rng(100 + seed).exponential(1.0, 400_000)
    low, high = confidence(simulated_p99s(load, workers, times, seed))
    chance = np.array([erlang_c(workers, load)])
    (p99,) = response_quantiles(chance, np.array([1 / (workers - load)]), Exponential(1.0))
    assert low <= p99 <= high
    assert high - low < 0.12 * p99


@pytest.mark.parametrize(("cv", "workers", "load", "seed"), [(0.5, 4, 3.4, 4), (1.0, 4, 3.2, 5), (1.5, 6, 4.8, 6)])
def test_a_simulation_of_lognormal_service_agrees_within_an_eighth(
    cv: float, workers: int, load: float, seed: int
) -> None:
    # Beyond exponential service the wait is the approximation of Allen and Cunneen, here held to 12 %.
    service = Lognormal(1.0, cv)
    times = np.random.default_rng(200 + seed).lognormal(service.mu, service.sigma, 400_000)
    found = fmean(simulated_p99s(load, workers, times, seed))
    assert Queue(load, 1.0, cv).waits(workers)[0].response_s == pytest.approx(found, rel=0.12)


# --- waits and workers -----------------------------------------------------------------------------------


def test_the_wait_of_one_worker_is_exponential() -> None:
    # M/M/1: P(W > t) = rho exp(-(1 - rho) t / s).
    rho, service = 0.8, 0.05
    (wait,) = Queue(rho / service, service, 1.0).waits(1)
    assert rho * math.exp(-(1 - rho) * wait.wait_s / service) == pytest.approx(TAIL)


def test_a_little_more_waiting_than_the_tail_is_a_little_wait() -> None:
    eleven, twelve = Queue(50, 0.1, 1.0).waits(11, 12)
    assert TAIL < eleven.chance < 2 * TAIL
    assert eleven.wait_s == pytest.approx(math.log(eleven.chance / TAIL) * 0.1 / (11 - 5))
    assert twelve.wait_s == 0.0


def test_variation_of_service_and_of_arrivals_scales_the_wait_alike() -> None:
    def wait(cv: float, arrivals: float) -> float:
        return Queue(95, 0.1, cv, arrivals).waits(10)[0].wait_s

    assert wait(0.0, 1.0) == pytest.approx(wait(1.0, 1.0) / 2)
    assert wait(3.0, 1.0) == wait(1.0, 9.0) == pytest.approx(wait(1.0, 1.0) * 5)


def queues(most: float = 300) -> st.SearchStrategy[Queue]:
    return st.builds(
        Queue,
        st.floats(0.01, most),
        st.floats(0.001, 0.5),
        st.just(0.0) | st.floats(0.01, 5),
        st.sampled_from([1.0, 3.0]),
    )


@given(queue=queues(), target=st.floats(0.001, 5))
def test_the_workers_are_the_fewest_that_meet_the_target(queue: Queue, target: float) -> None:
    workers = queue.fewest_workers(target)
    enough, fewer = queue.waits(workers, max(1, workers - 1))
    if queue.service.quantile() > target:
        assert enough.chance <= TAIL
        assert workers == 1 or fewer.chance > TAIL * (1 - 1e-9)
    else:
        assert enough.response_s <= target * (1 + 1e-3)
        assert workers == 1 or fewer.response_s > target * (1 - 1e-3)


@given(queue=queues(), more=st.floats(1, 3), target=st.floats(0.01, 5))
def test_more_load_never_needs_fewer_workers(queue: Queue, more: float, target: float) -> None:
    heavier = Queue(queue.rate * more, queue.service_s, queue.service_cv, queue.arrival_scv)
    assert queue.fewest_workers(target) <= heavier.fewest_workers(target)


@given(queue=queues(), extra=st.lists(st.integers(0, 200), min_size=2, max_size=6))
def test_more_workers_never_make_anybody_wait_longer(queue: Queue, extra: list[int]) -> None:
    least = math.floor(queue.load) + 1
    waits = queue.waits(*(least + n for n in sorted(extra)))
    for fewer, more in pairwise(waits):
        assert more.chance <= fewer.chance * (1 + 1e-9) + 1e-12
        assert more.wait_s <= fewer.wait_s
        assert more.response_s <= fewer.response_s * (1 + 1e-4)


@pytest.mark.parametrize(
    ("rate", "service", "cv", "target"),
    [(1e6, 0.04, 1, 0.4), (1e7, 0.04, 2, 0.5), (1e7, 3600, 20, 0.001), (1e7, 3600, 0, 86_400), (0.1, 0.001, 20, 0.5)],
)
def test_any_load_is_answered_in_about_a_millisecond(rate: float, service: float, cv: float, target: float) -> None:
    queue = Queue(rate, service, cv)
    started = time.process_time()
    workers = queue.fewest_workers(target)
    waits = queue.waits(*(workers + n for n in range(10)))
    assert time.process_time() - started < 0.02  # about one on an idle machine
    assert queue.load < workers < queue.load + 8 * math.sqrt(queue.load) + 8
    assert all(math.isfinite(wait.response_s) and wait.utilisation < 1 for wait in waits)


def test_a_service_time_is_what_the_protocol_asks() -> None:
    services: list[ServiceTime] = [Lognormal(1.0, 1.0), Exponential(1.0)]
    for service in services:
        t = np.array([0.5, 1.0, 3.0])
        assert service.at(service.score(t)) == pytest.approx(t)
        grown = (service.score(t * 1.0001) - service.score(t)) / math.log(1.0001)
        assert service.slope(t) == pytest.approx(grown, rel=1e-3)
