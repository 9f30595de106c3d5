"""How many workers a load needs: Erlang C, corrected for variability, for any size of load.

A request that finds all workers busy waits. Erlang C gives the chance of that for Poisson arrivals and
exponential service (M/M/c); Allen and Cunneen scale the wait by (Ca^2 + Cs^2) / 2 for other variability.
Erlang B is computed by its recursion 1/B(c) = 1 + (c/a) / B(c-1). An error in B is multiplied by c/a at each
step, so below the load it dies out: starting K = 8 standard deviations below the load leaves exp(-K^2/2),
about 1e-14. That makes the cost O(sqrt(a)) rather than O(a) and keeps every load up to a million Erlangs exact;
beyond, the limit theorem of Halfin and Whitt takes over, which is then right to a fraction of a per cent.

The wait of those who wait is exponential in M/M/c; its mean is scaled for other variability and its shape kept.

Sources: Erlang (1917); Allen, Probability, Statistics and Queueing Theory, 2nd ed. (1990), section 5.3 for
the recursion and the approximation; Halfin and Whitt, Operations Research 29 (1981), 567-588.
"""

from __future__ import annotations

import math

__all__ = ["erlang_c", "lognormal_quantile", "wait_quantile", "workers_for"]

_K = 8.0
_Z99 = 2.3263478740408408  # standard normal quantile of 0.99
_EXACT_LIMIT = 1_000_000.0  # Erlangs; above, the limit theorem is used
_ROOM = 3.0  # standard deviations of room above that limit: fewer than 0.2 % of requests then wait


def _inverse_b(workers: int, load: float) -> float:
    start = max(0, math.floor(load - _K * math.sqrt(load)))
    start = min(start, workers)
    # Below the load B(c) tends to 1 - c/a, which is the fixed point the recursion converges from.
    inverse = 1.0 / (1.0 - start / load) if start else 1.0
    for c in range(start + 1, workers + 1):
        inverse = 1.0 + inverse * c / load
    return inverse


def erlang_c(workers: int, load: float) -> float:
    """The chance that a request waits, 0-1, for `workers` servers and an offered load in Erlangs.

    1.0 when the load is not below the number of workers (the queue then grows without end).
    """
    if load >= workers:
        return 1.0
    if load > _EXACT_LIMIT:
        return _halfin_whitt((workers - load) / math.sqrt(load))
    return _wait_probability(_inverse_b(workers, load), workers, load)


def _halfin_whitt(room: float) -> float:
    """The chance of waiting with `room` standard deviations of the load to spare, for very large loads."""
    density = math.exp(-room * room / 2.0) / math.sqrt(2.0 * math.pi)
    below = 1.0 - math.erfc(room / math.sqrt(2.0)) / 2.0
    return density / (density + room * below)


def _wait_probability(inverse_b: float, workers: int, load: float) -> float:
    blocking = 1.0 / inverse_b
    rho = load / workers
    return blocking / (1.0 - rho * (1.0 - blocking))


def _quantile_of_wait(chance: float, workers: int, load: float, service_s: float, cv: float, tail: float) -> float:
    if chance <= tail:
        return 0.0
    variability = (1.0 + cv * cv) / 2.0
    return variability * math.log(chance / tail) * service_s / (workers - load)


def wait_quantile(workers: int, rate: float, service_s: float, cv: float, tail: float = 0.01) -> float:
    """The wait, in seconds, that only a share `tail` of requests exceeds; inf when the load is not served.

    rate in requests a second, service_s the mean service time in seconds, cv its coefficient of variation.
    """
    load = rate * service_s
    if load >= workers:
        return math.inf
    return _quantile_of_wait(erlang_c(workers, load), workers, load, service_s, cv, tail)


def lognormal_quantile(mean: float, cv: float) -> float:
    """The 99th percentile of a lognormal service time with this mean and coefficient of variation."""
    sigma2 = math.log1p(cv * cv)
    return mean * math.exp(_Z99 * math.sqrt(sigma2) - sigma2 / 2.0)


def workers_for(rate: float, service_s: float, cv: float, wait_s: float, tail: float = 0.01) -> int:
    """The fewest workers with which at most a share `tail` of requests waits longer than `wait_s` seconds.

    Never below 1. Above a million Erlangs the answer is the square-root staffing rule with three standard
    deviations of room: fewer than 0.2 % of requests then wait at all, and the room is under 0.3 % of the workers.
    """
    load = rate * service_s
    if load > _EXACT_LIMIT:
        return math.ceil(load + _ROOM * math.sqrt(load))
    workers = max(1, math.floor(load) + 1)
    inverse = _inverse_b(workers, load)
    while True:
        chance = _wait_probability(inverse, workers, load)
        if _quantile_of_wait(chance, workers, load, service_s, cv, tail) <= wait_s:
            return workers
        workers += 1
        inverse = 1.0 + inverse * workers / load
