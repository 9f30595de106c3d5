"""Capacity: the load, the workers that carry it, and how busy they are.

Workers come from Erlang C with the Allen-Cunneen correction (see `design.queueing`), for the peak at the horizon
with a spike on it; instances from the processors those workers need, so that one zone can be lost.
"""

from __future__ import annotations

import math

from devops_workbook.assess.model import Capacity
from devops_workbook.design.context import Context
from devops_workbook.design.model import Topology
from devops_workbook.design.sites import chosen_service
from devops_workbook.design.sizing import ComputeSize, Load, compute_size, load_of
from devops_workbook.evidence import Evidence, Quantity

__all__ = ["assess_capacity"]

_INSTANCES = "Instances at the planned peak"
_QUEUEING = "Erlang C with the Allen-Cunneen correction (Allen 1990)"


def assess_capacity(c: Context, topology: Topology) -> Capacity:
    """The capacity of the primary site."""
    load = load_of(c)
    size = compute_size(c, load, chosen_service(c, "infrastructure.compute"), topology.component("compute").zones)
    p99 = load.p99_s * 1000 if math.isfinite(load.p99_s) else None
    return Capacity(
        planned_rps=load.planned_rps,
        origin_rps=load.origin_rps,
        offered_load=load.offered,
        workers=load.workers,
        workers_per_replica=1,
        replicas=size.peak,
        min_replicas=size.minimum,
        instances=size.peak,
        min_instances=size.minimum,
        max_instances=size.peak,
        utilisation=load.offered / load.workers,
        p99_ms=p99,
        table=(),
        packing=None,
        connections=None,
        cold_cache=None,
        evidence=(
            _planned(c, load), _origin(c, load), _workers(c, load), _processors(c, load),
            _instances(load, size, topology.component("compute").zones), _response(c, load, p99),
        ),
    )  # fmt: skip


def _planned(c: Context, load: Load) -> Evidence:
    r = c.requirements
    return Evidence(
        "Planned peak", load.planned_rps, "req/s", "peak x (1 + growth)^(horizon / 12)",
        (Quantity("peak", r.peak_rps, "req/s"), Quantity("growth", r.growth_pct_per_year, "% per year"),
         Quantity("horizon", r.horizon_months, "months")), "requirements",
    )  # fmt: skip


def _origin(c: Context, load: Load) -> Evidence:
    fact = c.catalog.assumptions["cache_hit_share"]
    return Evidence(
        "Load at the origin", load.design_rps, "req/s", "planned peak x (1 - cached share) x spike factor",
        (Quantity("planned peak", load.planned_rps, "req/s"), Quantity("cached share", load.cached_share),
         Quantity("spike factor", c.requirements.spike_factor)),
        f"requirements; {fact.source}" if load.cached_share else "requirements",
    )  # fmt: skip


def _workers(c: Context, load: Load) -> Evidence:
    r = c.requirements
    return Evidence(
        "Workers", load.workers, "", "fewest c with P(wait > budget) <= 1 %",
        (Quantity("load at the origin", load.design_rps, "req/s"), Quantity("service time", r.service_time_ms, "ms"),
         Quantity("variation", r.service_time_cv), Quantity("waiting budget", load.wait_budget_s * 1000, "ms")),
        _QUEUEING,
    )  # fmt: skip


def _processors(c: Context, load: Load) -> Evidence:
    target = c.catalog.assumptions["target_cpu_utilisation"]
    return Evidence(
        "Processors", load.vcpus, "vCPU", "max(workers x CPU share, offered load x CPU share / target utilisation)",
        (Quantity("workers", load.workers), Quantity("CPU share", c.requirements.cpu_pct, "%"),
         Quantity("offered load", load.offered, "Erlang"), Quantity("target utilisation", target.value)),
        target.source,
    )  # fmt: skip


def _instances(load: Load, size: ComputeSize, zones: int) -> Evidence:
    if not size.vcpu:
        given = (Quantity("workers", load.workers),)
        return Evidence(_INSTANCES, size.peak, "", "one function instance a worker", given, "how functions run")
    if zones < 2:
        formula = "instances needed; there is one zone"
    else:
        formula = "zones x ceil(instances needed / (zones - 1)), so that one zone can be lost"
    return Evidence(
        _INSTANCES, size.peak, "", formula,
        (Quantity("instances needed", size.needed), Quantity("zones", zones),
         Quantity("processors", load.vcpus, "vCPU"),
         Quantity("size", size.sku or f"{size.vcpu:g} vCPU, {size.gib:g} GiB")), "sizes of the catalog",
    )  # fmt: skip


def _response(c: Context, load: Load, p99: float | None) -> Evidence:
    formula = "p99 of waiting + p99 of a lognormal service time; both are seldom met at once"
    wait = None if p99 is None else p99 - load.service_p99_s * 1000
    return Evidence(
        "p99 response time", p99, "ms", formula if p99 is not None else "not known: the load exceeds the workers",
        (Quantity("p99 of waiting", wait, "ms"), Quantity("p99 of service", load.service_p99_s * 1000, "ms"),
         Quantity("target", c.requirements.p99_latency_ms, "ms")), _QUEUEING,
    )  # fmt: skip
