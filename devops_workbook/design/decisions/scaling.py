"""Scaling and performance: caches, entry, autoscaling, capacity, and how performance is watched."""

from __future__ import annotations

from devops_workbook.design.choose import decide, options_of
from devops_workbook.design.context import Context
from devops_workbook.design.model import Decision
from devops_workbook.design.paths import entry_service, promise
from devops_workbook.design.reliability import form_rank, sites
from devops_workbook.design.scoring import below_target, service_options
from devops_workbook.design.sizing import load_of

__all__ = ["autoscaling", "caching", "capacity", "load_balancing", "performance_monitoring"]

_WORTH_CACHING_PCT = 5.0
_STEADY_SPIKE = 1.2


def caching(c: Context) -> Decision:
    """Which caches: by what may be cached, who the users are, and how much is read."""
    r = c.requirements
    no_cdn = (
        (not r.public_facing and "its users are not on the internet")
        or (r.workload_type != "web-api" and f"a {r.workload_type} system has no responses to cache")
        or (r.cacheable_pct < _WORTH_CACHING_PCT and f"only {r.cacheable_pct:g} % of responses may be cached")
    )
    no_memory = r.queries_per_request * r.read_pct == 0 and "no request reads data"
    # Most of a site that can be served from the edge must be: the origin would be sized for it otherwise.
    must_cdn = not no_cdn and r.cacheable_pct >= 60 and f"{r.cacheable_pct:g} % of responses can be served by a CDN"
    rule_out = {
        "none": must_cdn,
        "cdn": no_cdn,
        "in-memory": no_memory or must_cdn,
        "cdn-in-memory": no_cdn or no_memory,
    }
    hit = r.cacheable_pct * c.assume("cache_hit_share")
    rationale = [
        f"{r.cacheable_pct:g} % of responses may be cached; a warm CDN answers about {hit:.0f} % of requests.",
        f"{r.queries_per_request:g} queries a request, {r.read_pct:g} % of them reads.",
    ]
    return decide(c, "scaling.caching", rule_out=rule_out, rationale=rationale)


def load_balancing(c: Context) -> Decision:
    """What takes requests in: a load balancer, or an API gateway that also meters and authenticates."""
    r = c.requirements
    functions = c.choice("infrastructure.compute") == "functions"
    balancer, gateway = c.service("load_balancer"), c.service("api_gateway")
    options = service_options(
        options_of(c, "scaling.load_balancing"), {"application": balancer, "api-gateway": gateway}
    )
    limit = (gateway.limits.get("timeout_seconds") if gateway else None) or 0.0
    slow = limit and r.service_time_ms / 1000.0 > limit
    rule_out: dict[str, str | bool | None] = {
        "api-gateway": slow and f"it ends a request after {limit:g} s, and one takes {r.service_time_ms / 1000:g} s",
        "application": functions and "functions are invoked through a gateway, which also limits the rate",
    }
    promised = {o.id: promise(entry_service(c, o.id)) for o in options if not rule_out.get(o.id)}
    rule_out |= below_target(promised, r.availability_target_pct)
    rationale = [
        f"{load_of(c).origin_rps:,.4g} requests/s reach the entry at the planned peak, health-checked and spread "
        f"over all zones."
    ]
    return decide(c, "scaling.load_balancing", options, rule_out=rule_out, rationale=rationale)


def autoscaling(c: Context) -> Decision:
    """What starts and stops instances: the platform, the length of a queue, or a target for utilisation."""
    r = c.requirements
    compute = c.choice("infrastructure.compute")
    queued = r.workload_type in ("event-driven", "batch", "streaming")
    rule_out = {
        "per-request": compute not in ("functions", "containers")
        and "only serverless platforms start an instance for a request",
        "queue-depth": not queued and "no queue stands between users and workers",
        "target-tracking": compute == "functions" and "the platform scales functions itself",
        "scheduled-target-tracking": (compute == "functions" and "the platform scales functions itself")
        or (r.spike_factor < _STEADY_SPIKE and f"a spike of {r.spike_factor:g} needs no schedule"),
    }
    load = load_of(c)
    rationale = [
        f"The mean load is {100 * load.mean_share:.0f} % of what must be carried at once; a spike of "
        f"{r.spike_factor:g} arrives before new instances have started and is carried by those running.",
    ]
    return decide(c, "scaling.autoscaling", rule_out=rule_out, rationale=rationale)


def capacity(c: Context) -> Decision:
    """What must still be carried when something is lost: follows the form of deployment."""
    form = c.choice("disaster_recovery.high_availability")
    two_sites = form == "active-active"
    zoned = form_rank(form) >= form_rank("multi-zone")
    rule_out = {
        "headroom": zoned and "a lost zone would leave too little",
        "zone-loss": (not zoned and "there is one zone") or (two_sites and "a lost region would leave too little"),
        "region-loss": not two_sites and f"with {sites(form)} serving site(s) there is no region to lose load from"
        if form != "warm-standby"
        else "the standby is scaled up after the switch",
    }
    load = load_of(c)
    r = c.requirements
    rationale = [
        f"{r.peak_rps:,.6g} requests/s today grow by {r.growth_pct_per_year:g} % a year to "
        f"{load.planned_rps:,.4g} in {r.horizon_months} months; {load.workers:,} workers keep p99 waiting within "
        f"{1000 * load.wait_budget_s:,.0f} ms.",
    ]
    return decide(c, "scaling.capacity", rule_out=rule_out, rationale=rationale)


def performance_monitoring(c: Context) -> Decision:
    """How performance is watched: golden signals always; synthetic users or profiling on top."""
    r = c.requirements
    rule_out = {
        "golden-signals-synthetics": not r.public_facing and "probes from outside cannot reach an internal system",
    }
    rationale = [f"The target is {r.p99_latency_ms:g} ms at p99 and {r.availability_target_pct:g} % availability."]
    return decide(c, "scaling.performance_monitoring", rule_out=rule_out, rationale=rationale)
