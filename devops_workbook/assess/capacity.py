"""Capacity: the load, the workers that carry it, and how busy they are.

Workers come from Erlang C with the Allen-Cunneen correction (see `design.queueing`), for the peak at the horizon
with a spike on it; instances from the processors those workers need, so that one zone can be lost.
"""

from __future__ import annotations

import math

from devops_workbook.assess.model import Capacity
from devops_workbook.design.context import Context
from devops_workbook.design.model import Topology
from devops_workbook.design.sizing import Load, compute_size, load_of
from devops_workbook.evidence import Evidence, Quantity

__all__ = ["assess_capacity"]

_QUEUEING = "Erlang C with the Allen-Cunneen correction (Allen 1990)"


def assess_capacity(c: Context, topology: Topology) -> Capacity:
    """The capacity of the primary site."""
    load = load_of(c)
    component = topology.component("compute")
    service = c.provider.services[component.service]
    size = compute_size(c, load, service, max(1, component.zones))
    p99 = load.p99_s * 1000 if math.isfinite(load.p99_s) else None
    return Capacity(
        planned_rps=load.planned_rps,
        origin_rps=load.origin_rps,
        offered_load=load.offered,
        workers=load.workers,
        instances=component.count,
        min_instances=size.minimum,
        max_instances=size.peak,
        utilisation=load.offered / load.workers,
        p99_ms=p99,
        evidence=_evidence(c, load, component.count, p99),
    )


def _evidence(c: Context, load: Load, instances: int, p99: float | None) -> tuple[Evidence, ...]:
    r = c.requirements
    peak = Evidence(
        "Planned peak", load.planned_rps, "req/s", "peak x (1 + growth)^(horizon / 12)",
        (Quantity("peak", r.peak_rps, "req/s"), Quantity("growth", r.growth_pct_per_year, "% per year"),
         Quantity("horizon", r.horizon_months, "months")), "requirements",
    )  # fmt: skip
    origin = Evidence(
        "Load at the origin", load.design_rps, "req/s", "planned peak x (1 - cached share) x spike factor",
        (Quantity("planned peak", load.planned_rps, "req/s"), Quantity("cached share", load.cached_share),
         Quantity("spike factor", r.spike_factor)), "requirements; " + c.catalog.assumptions["cache_hit_share"].source,
    )  # fmt: skip
    workers = Evidence(
        "Workers", load.workers, "", "fewest c with P(wait > budget) <= 1 %",
        (Quantity("load at the origin", load.design_rps, "req/s"), Quantity("service time", r.service_time_ms, "ms"),
         Quantity("variation", r.service_time_cv), Quantity("waiting budget", load.wait_budget_s * 1000, "ms")), _QUEUEING,
    )  # fmt: skip
    processors = Evidence(
        "Processors", load.vcpus, "vCPU", "max(workers x CPU share, offered load x CPU share / target utilisation)",
        (Quantity("workers", load.workers), Quantity("CPU share", r.cpu_pct, "%"),
         Quantity("offered load", load.offered, "Erlang"),
         Quantity("target utilisation", c.assume("target_cpu_utilisation"))),
        c.catalog.assumptions["target_cpu_utilisation"].source,
    )  # fmt: skip
    count = Evidence(
        "Instances at the planned peak", instances, "", "zones x ceil(instances needed / (zones - 1)), so that one zone can be lost",
        (Quantity("processors", load.vcpus, "vCPU"),), "sizes of the catalog",
    )  # fmt: skip
    response = Evidence(
        "p99 response time", p99, "ms",
        "p99 of waiting + p99 of a lognormal service time; an upper bound" if p99 is not None else "not known: the load exceeds the workers",
        (Quantity("p99 of service alone", load.service_p99_s * 1000, "ms"), Quantity("target", r.p99_latency_ms, "ms")),
        _QUEUEING,
    )  # fmt: skip
    return (peak, origin, workers, processors, count, response)
