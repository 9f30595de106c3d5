"""How long requests wait for a worker, how long they take in all, and how many workers keep that within a target.

A request that finds all workers busy waits. Erlang C gives the chance of that for Poisson arrivals and exponential
service (M/M/c). It is computed from Erlang B, and that from its integral, which holds for every load alike:

    1 / B(c, a) = integral over u from 0 of exp(-u) (1 + u / a)^c,     C = 1 / (rho + (1 - rho) / B),  rho = a / c

The integrand is one smooth bump, so 48 nodes of Gauss and Legendre give ten digits, for a hundredth of an Erlang and
for ten billion, in the same few microseconds.

The wait of those who wait is exponential in M/M/c, with mean s / (c - a). Allen and Cunneen scale that mean by
(Ca^2 + Cs^2) / 2 for other arrivals and other service times; its shape is kept.

The response is the wait and the service after it, and its 99th percentile is that of the sum, not the sum of the two
percentiles: a request is seldom unlucky twice. With no wait for a share 1 - C, else an exponential one of mean m,

    P(R > t) = P(S > t) + C x E[ exp(-(t - S) / m), S <= t ]

where the expectation is an integral over the standard normal variable behind S. Service times are taken as lognormal
at every variation: measured ones usually are (Brown et al. found it of a call centre), the lognormal is constant at
variation 0, and a design does not jump where the variation passes 1. There it varies as much as an exponential time
but has the heavier tail: its 99th percentile is 4.91 times the mean, not 4.61, so that a p99 errs by up to 7 % to the
safe side of M/M/c.

Sources: Erlang (1917); Jagerman, Bell System Technical Journal 53 (1974), 525-551, for the integral; Allen,
Probability, Statistics and Queueing Theory, 2nd ed. (1990), section 5.3, for the approximation; Brown et al., Journal
of the American Statistical Association 100 (2005), 36-50, for service times.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["TAIL", "Lognormal", "Queue", "ServiceTime", "Wait", "erlang_c", "response_quantiles", "response_survival"]

Floats = npt.NDArray[np.float64]

TAIL = 0.01  # share of requests beyond the 99th percentile


def _nodes(count: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss and Legendre between 0 and 1."""
    at, weights = np.polynomial.legendre.leggauss(count)
    return (at + 1.0) / 2.0, weights / 2.0


# --- waiting ---------------------------------------------------------------------------------------------

_AT, _WEIGHTS = _nodes(48)
_SPREAD = 9.0  # standard deviations of the bump that are integrated on each side
_BEYOND = 36.0  # and so far beyond them, where exp(-u) is below 1e-15
_LEAST_LOAD = 1e-9  # Erlangs; below, nobody waits
_LARGEST_EXPONENT = 600.0  # beyond, nobody waits, and a double would overflow


def _waiting(workers: Floats, load: float) -> Floats:
    """Erlang C for each number of workers, all of them above the load."""
    load = max(load, _LEAST_LOAD)
    c = workers[:, None]
    peak = c - load
    low = np.maximum(peak - _SPREAD * np.sqrt(c), 0.0)
    width = peak + _SPREAD * np.sqrt(c) + _BEYOND - low
    height = c * np.log1p(peak / load) - peak  # logarithm of the integrand where it is highest
    u = low + width * _AT
    # Never above the peak, also where the load is so large that a double no longer resolves the difference.
    bump = np.exp(np.minimum(c * np.log1p(u / load) - u - height, 0.0)) @ _WEIGHTS * width[:, 0]
    inverse_b = np.exp(np.minimum(height[:, 0], _LARGEST_EXPONENT)) * bump
    rho = load / workers
    chance: Floats = 1.0 / (rho + (1.0 - rho) * inverse_b)
    return chance


def erlang_c(workers: int, load: float) -> float:
    """The chance that a request waits, 0-1, for so many workers and an offered load in Erlangs.

    1.0 when the load is not below the number of workers (the queue then grows without end).
    """
    return float(_waiting(np.array([float(workers)]), load)[0]) if load < workers else 1.0


# --- service and response --------------------------------------------------------------------------------

_STANDARD = NormalDist()
_SQRT2, _SQRT2PI = math.sqrt(2.0), math.sqrt(2.0 * math.pi)
_EDGE = 8.0  # standard deviations of a normal variable beyond which there is nothing to integrate
_ROOTS, _ROOT_WEIGHTS = _nodes(32)
_DEPTHS = _ROOTS * _ROOTS  # dense towards the end of the integral, where short waits crowd
_DEPTH_WEIGHTS = _ROOT_WEIGHTS * 2.0 * _ROOTS / _SQRT2PI


class ServiceTime(Protocol):
    """A distribution of service times, in seconds, as a growing function of a standard normal variable z."""

    def at(self, z: Floats) -> Floats:
        """The service time behind each z."""
        ...

    def score(self, t: Floats) -> Floats:
        """The z behind each service time."""
        ...

    def slope(self, t: Floats) -> Floats:
        """How fast z grows with the logarithm of the service time, at each service time."""
        ...


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Lognormal service times with this mean, in seconds, and this coefficient of variation. `score` and `slope` ask
    for one that is not too small to square."""

    mean_s: float
    cv: float

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm."""
        return math.sqrt(math.log1p(self.cv * self.cv))

    @property
    def mu(self) -> float:
        """Mean of the logarithm."""
        return math.log(self.mean_s) - math.log1p(self.cv * self.cv) / 2.0

    def at(self, z: Floats) -> Floats:
        """The service time behind each z."""
        return np.exp(self.mu + self.sigma * z)

    def score(self, t: Floats) -> Floats:
        """The z behind each service time."""
        return (np.log(t) - self.mu) / self.sigma

    def slope(self, t: Floats) -> Floats:
        """How fast z grows with the logarithm of the service time: the same at each."""
        return np.full_like(t, 1.0 / self.sigma)

    def quantile(self, tail: float = TAIL) -> float:
        """The service time, in seconds, that only a share `tail` exceeds."""
        return math.exp(self.mu + self.sigma * _STANDARD.inv_cdf(1.0 - tail))


def _normal_survival(z: Floats) -> Floats:
    """The chance that a standard normal variable exceeds z."""
    return np.array([math.erfc(x / _SQRT2) / 2.0 for x in z.flat]).reshape(z.shape)


def _still_waiting(mean_wait: Floats, t: Floats, z: Floats, service: ServiceTime) -> Floats:
    """E[exp(-(t - S) / m), S <= t]: the chance that who waits is not served by t, but would be without waiting."""
    end = np.clip(z, -_EDGE, _EDGE)
    span = end + _EDGE
    inside = end[..., None] - span[..., None] * _DEPTHS
    left = np.maximum(t[..., None] - service.at(inside), 0.0)
    share: Floats = np.exp(-inside * inside / 2.0 - left / mean_wait[..., None]) @ _DEPTH_WEIGHTS
    return share * span


def response_survival(chance: Floats, mean_wait: Floats, t: Floats, service: ServiceTime) -> Floats:
    """P(R > t): a share `chance` waits, exponentially with this mean in seconds, then all are served. The arguments
    are broadcast against each other."""
    z = service.score(t)
    survival: Floats = _normal_survival(z) + chance * _still_waiting(mean_wait, t, z, service)
    return survival


def _wait_quantiles(chance: Floats, mean_wait: Floats, tail: float) -> Floats:
    exceeds: Floats = mean_wait * np.log(np.maximum(chance / tail, 1.0))
    return exceeds


_PRECISION = 1e-4  # of the quantile, as a share; the last step leaves far less
_MOST_STEPS = 60


def response_quantiles(chance: Floats, mean_wait: Floats, service: ServiceTime, tail: float = TAIL) -> Floats:
    """The response times, in seconds, that only a share `tail` exceeds, for each chance and mean of waiting.

    Newton's method on the logarithms of time and chance. The quantile lies between the larger of those of wait and
    service and the sum of those of half the tail each; a step that leaves what is left of that range halves it.
    """
    alone, half = service.at(np.array([_STANDARD.inv_cdf(1.0 - tail), _STANDARD.inv_cdf(1.0 - tail / 2.0)]))
    low = np.log(np.maximum(_wait_quantiles(chance, mean_wait, tail), alone)) - _PRECISION
    high = np.log(_wait_quantiles(chance, mean_wait, tail / 2.0) + half)
    log_t = (low + high) / 2.0
    for _ in range(_MOST_STEPS):
        t = np.exp(log_t)
        z = service.score(t)
        waits = chance * _still_waiting(mean_wait, t, z, service)
        beyond = _normal_survival(z) + waits
        served = (1.0 - chance) * np.exp(-z * z / 2.0) / _SQRT2PI * service.slope(t) + waits * t / mean_wait
        low, high = np.where(beyond > tail, log_t, low), np.where(beyond > tail, high, log_t)
        step = log_t + np.log(beyond / tail) * beyond / np.maximum(served, 1e-300)
        before, log_t = log_t, np.where((step > low) & (step < high), step, (low + high) / 2.0)
        if np.abs(log_t - before).max() < _PRECISION:
            break
    times: Floats = np.exp(log_t)
    return times


# --- the queue -------------------------------------------------------------------------------------------


_LEAST_CV = 1e-6


@dataclass(frozen=True, slots=True)
class Wait:
    """What so many workers give: the share of them that is busy, the chance that a request waits, 0-1, and the 99th
    percentiles of wait and response in seconds; inf where the load is not served, and utilisation is then 1 or more."""

    workers: int
    utilisation: float
    chance: float
    wait_s: float
    response_s: float


@dataclass(frozen=True, slots=True)
class Queue:
    """Requests in need of a worker: rate a second, mean service time in seconds and its coefficient of variation,
    and the squared coefficient of variation of the times between arrivals (1 = Poisson)."""

    rate: float
    service_s: float
    service_cv: float
    arrival_scv: float = 1.0

    @property
    def load(self) -> float:
        """Offered load in Erlangs: the workers that are busy on average."""
        return self.rate * self.service_s

    @property
    def service(self) -> Lognormal:
        """The distribution of service times."""
        return Lognormal(self.service_s, self.service_cv)

    @property
    def constant(self) -> bool:
        """Whether every request takes the same time to serve, to a millionth."""
        return self.service_cv < _LEAST_CV

    def waits(self, *workers: int) -> tuple[Wait, ...]:
        """What each of these numbers of workers gives."""
        return _waits(self, workers)

    def fewest_workers(self, target_s: float) -> int:
        """The fewest workers with which the 99th percentile of the response is at most `target_s` seconds.

        Where service alone takes longer than that, the fewest with which no more than one request in a hundred waits:
        more would not help. Never below 1, and always above the load.
        """
        return _fewest_workers(self, target_s)


def _mean_wait(queue: Queue, workers: Floats) -> Floats:
    """Mean wait of those who wait, in seconds, as Allen and Cunneen correct it."""
    return (queue.arrival_scv + queue.service_cv**2) / 2.0 * queue.service_s / (workers - queue.load)


def _late(queue: Queue, workers: Floats, target_s: float) -> Floats:
    """The chance that a response takes longer than the target, for each number of workers."""
    chance, mean_wait = _waiting(workers, queue.load), _mean_wait(queue, workers)
    if queue.constant:
        return chance * np.exp(-(target_s - queue.service_s) / mean_wait)
    return response_survival(chance[:, None], mean_wait[:, None], np.full((1, 1), target_s), queue.service)[:, 0]


@lru_cache(maxsize=256)
def _waits(queue: Queue, counts: tuple[int, ...]) -> tuple[Wait, ...]:
    served = [count for count in counts if float(count) > queue.load]
    rows = dict.fromkeys(counts, (1.0, math.inf, math.inf))
    if served:
        workers = np.array(served, float)
        chance, mean_wait = _waiting(workers, queue.load), _mean_wait(queue, workers)
        wait = _wait_quantiles(chance, mean_wait, TAIL)
        alone = queue.service
        response = wait + alone.mean_s if queue.constant else response_quantiles(chance, mean_wait, alone)
        rows |= dict(zip(served, zip(chance.tolist(), wait.tolist(), response.tolist(), strict=True), strict=True))
    return tuple(Wait(count, queue.load / count, *rows[count]) for count in counts)


_ROOM = 8.0  # standard deviations of the load, and as many workers again: with so many more nobody waits
_GRID = 16


@lru_cache(maxsize=256)
def _fewest_workers(queue: Queue, target_s: float) -> int:
    least = math.floor(queue.load + max(1.0, 2.0 * math.ulp(queue.load)))
    most = least + math.ceil(_ROOM * (math.sqrt(queue.load) + _ROOM))
    if queue.service.quantile() > target_s:
        return _fewest(lambda workers: _waiting(workers, queue.load) <= TAIL, least, most)
    return _fewest(lambda workers: _late(queue, workers, target_s) <= TAIL, least, most)


def _fewest(enough: Callable[[Floats], npt.NDArray[np.bool_]], low: int, high: int) -> int:
    """The smallest number from `low` on that is enough, as every larger one and `high` are."""
    while low < high:
        grid = sorted({low + (high - low) * step // _GRID for step in range(_GRID + 1)})
        first = int(np.argmax(np.append(enough(np.array(grid[:-1], float)), True)))
        if first == 0:
            return low
        low, high = grid[first - 1] + 1, grid[first]
    return low
