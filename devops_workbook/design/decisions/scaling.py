"""Scaling and performance: caches, entry, autoscaling, capacity, and how performance is watched."""

from __future__ import annotations

from devops_workbook.catalog.model import Service
from devops_workbook.design.choose import options_of
from devops_workbook.design.context import Context
from devops_workbook.design.decisions.advice import Reasons, settle
from devops_workbook.design.model import Decision
from devops_workbook.design.paths import entry_service, entry_usage, promise
from devops_workbook.design.pricing import estimate
from devops_workbook.design.reliability import form_rank
from devops_workbook.design.scoring import below_target, service_options, usd
from devops_workbook.design.sizing import load_of
from devops_workbook.design.words import amount, counted, workload

__all__ = ["autoscaling", "caching", "capacity", "load_balancing", "performance_monitoring"]

_WORTH_CACHING_PCT = 5.0
# Above this share the origin would be sized for what the edge can answer.
_MOSTLY_CACHEABLE_PCT = 60.0
# Reads a second that a database of a few cores answers by itself.
_WORTH_A_MEMORY_CACHE = 5_000.0
_STEADY_SPIKE = 1.2
# From three nines and a half on, the budget does not bear faults that no signal from inside shows.
_WATCHED_FROM_OUTSIDE_PCT = 99.95


def caching(c: Context) -> Decision:
    """Which caches: by what may be cached, who the users are, and how much is read."""
    r = c.requirements
    no_cdn = (not r.public_facing and "its users are not on the internet") or (
        r.workload_type != "web-api" and f"{workload(c)} has no responses to cache"
    )
    no_memory = r.queries_per_request * r.read_pct == 0 and "no request reads data"
    little = r.cacheable_pct < _WORTH_CACHING_PCT and f"only {r.cacheable_pct:g} % of responses may be cached"
    must = not no_cdn and r.cacheable_pct >= _MOSTLY_CACHEABLE_PCT and (
        f"{r.cacheable_pct:g} % of responses can be served from the edge, and the origin would be sized for them"
    )  # fmt: skip
    reads = _planned_reads(c)
    few = (
        reads < _WORTH_A_MEMORY_CACHE
        and f"a small database answers the {reads:,.0f} reads/s of the planned peak itself"
    )
    hit = r.cacheable_pct * c.assume("cache_hit_share")
    rationale = [
        f"{r.cacheable_pct:g} % of responses may be cached, so that a warm CDN would answer {hit:.0f} % of requests; "
        f"{reads:,.0f} database reads/s at the planned peak without a cache.",
    ]
    return settle(
        c, "scaling.caching", rationale=rationale,
        rule_out={"cdn": no_cdn, "in-memory": no_memory, "cdn-in-memory": no_cdn or no_memory},
        avoid={"none": must, "cdn": little, "in-memory": must or few, "cdn-in-memory": little or few},
    )  # fmt: skip


def _planned_reads(c: Context) -> float:
    """Database reads a second at the peak of the horizon, if no request met a cache."""
    r = c.requirements
    growth = (1.0 + r.growth_pct_per_year / 100.0) ** (r.horizon_months / 12.0)
    return float(r.peak_rps * growth * r.queries_per_request * r.read_pct / 100.0)


def load_balancing(c: Context) -> Decision:
    """What takes requests in: a load balancer, or an API gateway that also meters and authenticates."""
    r = c.requirements
    services = {"application": c.service("load_balancer"), "api-gateway": c.service("api_gateway")}
    options = service_options(options_of(c, "scaling.load_balancing"), services)
    gateway = services["api-gateway"]
    limit = (gateway.limits.get("timeout_seconds") if gateway else None) or 0.0
    slow = limit and load_of(c).service_p99_s > limit
    rule_out: Reasons = {
        "api-gateway": bool(slow) and r.workload_type == "web-api" and f"it ends a request after {limit:g} s"
    }
    promised = {o.id: promise(entry_service(c, o.id), c.region.zones) for o in options if not rule_out.get(o.id)}
    prices = {id: _entry_price(c, s) for id, s in services.items() if s}
    rationale = [
        f"The entry gets {amount(load_of(c).origin_rps)} requests/s at the planned peak. A month costs "
        + ", ".join(f"{s.title} {usd(prices[id])}" for id, s in services.items() if s) + ".",
    ]  # fmt: skip
    return settle(c, "scaling.load_balancing", options, rule_out=rule_out, prices=prices, rationale=rationale,
                  avoid=below_target(promised, r.availability_target_pct))  # fmt: skip


def _entry_price(c: Context, service: Service) -> float | None:
    usage = entry_usage(c, service, zones=c.zones)
    return estimate(c.catalog, c.provider.id, service, usage, "", c.region.id)


def autoscaling(c: Context) -> Decision:
    """What starts and stops instances: the platform, the length of a queue, or a target for utilisation."""
    r = c.requirements
    compute = c.taken["infrastructure.compute"].choice
    by_request = "scale-to-zero" in c.provider.services[compute.service].features
    functions = compute.id == "functions" and "the platform scales functions by itself"
    queued = r.workload_type != "web-api"
    waiting = queued and "the work that waits says more than the processors of those at work"
    rule_out = {
        "per-request": not by_request and f"{compute.title} does not start an instance for a request",
        "queue-depth": functions or (not queued and "nothing is queued between users and workers"),
        "target-tracking": functions,
        "scheduled-target-tracking": functions,
    }
    avoid: Reasons = {
        "target-tracking": waiting,
        "scheduled-target-tracking": waiting
        or (r.spike_factor < _STEADY_SPIKE and f"a spike of {r.spike_factor:g} needs no schedule"),
        "per-request": queued and not functions and "a worker takes what waits; no request starts it",
    }
    load = load_of(c)
    rationale = [
        f"The mean load is {amount(100 * load.mean_share)} % of what must be carried at once; a spike of "
        f"{r.spike_factor:g} arrives "
        f"before new instances have started and is carried by those running.",
    ]
    return settle(c, "scaling.autoscaling", rule_out=rule_out, avoid=avoid, rationale=rationale)


def capacity(c: Context) -> Decision:
    """What must still be carried when something is lost: follows the form of deployment."""
    form = c.choice("disaster_recovery.high_availability")
    two_sites = form == "active-active"
    zoned = form_rank(form) >= form_rank("multi-zone")
    rule_out = {
        "headroom": zoned and "the remaining zones are sized to carry the load of a lost one",
        "zone-loss": two_sites and "each region is sized to carry the load of the other",
        "region-loss": not two_sites and "the other region is scaled out only after the switch",
    }
    load = load_of(c)
    r = c.requirements
    rationale = [
        f"The peak of {amount(r.peak_rps)} requests/s grows by {r.growth_pct_per_year:g} % a year to "
        f"{amount(load.planned_rps)} in {counted(r.horizon_months, 'month')}; with {counted(load.workers, 'worker')} "
        + (
            f"99 of 100 are answered within {amount(r.p99_latency_ms)} ms."
            if load.service_p99_s * 1000 <= r.p99_latency_ms
            else _NO_TIME_LEFT
        ),
    ]
    return settle(c, "scaling.capacity", rule_out=rule_out, rationale=rationale)


_NO_TIME_LEFT = "none waits long, but the service alone takes longer than the latency target."


def performance_monitoring(c: Context) -> Decision:
    """How performance is watched: golden signals always; synthetic users or profiling on top."""
    r = c.requirements
    strict = r.public_facing and r.availability_target_pct >= _WATCHED_FROM_OUTSIDE_PCT
    return settle(
        c, "scaling.performance_monitoring",
        rule_out={
            "golden-signals-synthetics": not r.public_facing and "probes from outside cannot reach an internal system"
        },
        avoid={"golden-signals": strict and "faults of names, certificates and the edge show in no signal from inside"},
        rationale=[
            f"The target is {amount(r.p99_latency_ms)} ms at p99 and {r.availability_target_pct:g} % availability."
        ],
    )  # fmt: skip
