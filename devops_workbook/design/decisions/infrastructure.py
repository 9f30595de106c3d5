"""Infrastructure: provider, compute, database, network, and how data is encrypted.

Compute and database are decided by numbers: what each option costs at this load in this region, what
availability it promises, and its hard limits. The rest is rated in the catalog.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from devops_workbook.catalog.model import Provider, Service
from devops_workbook.design.choose import decide, options_of
from devops_workbook.design.context import Context
from devops_workbook.design.model import PRIORITIES, Decision, Option
from devops_workbook.design.paths import promise
from devops_workbook.design.pricing import estimate
from devops_workbook.design.scoring import below_target, nines_score, price_scores, usd
from devops_workbook.design.sizing import (
    compute_size,
    compute_usage,
    database_size,
    database_usage,
    load_of,
)

__all__ = ["compute", "database", "network", "provider", "security"]

_UNREACHABLE_COLD_START_MS = 100.0


def provider(c: Context) -> Decision:
    """The cloud. The requirements name it; the others are shown for comparison by what they offer here."""
    wanted = c.requirements.provider
    options = tuple(_provider_option(c, p) for p in c.catalog.providers.values())
    rule_out = {p: f"the requirements name {c.provider.title}" for p in c.catalog.providers if p != wanted}
    zones = f"{c.region.zones} zones" if c.region.zones > 1 else "no zones"
    rationale = [
        f"{c.provider.title} is named by the requirements.",
        f"{c.region.title} ({c.region.id}) has {zones} and is in jurisdiction {c.region.jurisdiction}.",
    ]
    summary = f"{c.provider.title}, {c.region.title} ({c.region.id}), built from {{iac}} code."
    return decide(c, "infrastructure.provider", options, rule_out=rule_out, rationale=rationale, summary=summary)


def _provider_option(c: Context, p: Provider) -> Option:
    residency = c.requirements.data_residency
    regions = [r for r in p.regions.values() if residency in ("none", r.jurisdiction)]
    where = "in all" if residency == "none" else f"in jurisdiction {residency}"
    promised = [pct for s in p.serving("compute") if (pct := promise(s))]
    resilience = nines_score(max(promised)) if promised else 0.0
    # Ratings below are equal on purpose: which cloud a company is on is not ours to rate.
    scores = dict.fromkeys(PRIORITIES, 5.0) | {"resilience": resilience}
    reason = f"{len(regions)} catalogued regions {where}; best compute promise {max(promised, default=0):g} %"
    return Option(p.id, p.title, tuple(scores[name] for name in PRIORITIES), reason)  # type: ignore[arg-type]


def compute(c: Context) -> Decision:
    """What runs the code: priced at this load, held against limits, skills and the availability target."""
    services = {s.kind: s for s in c.provider.serving("compute")}
    prices = {kind: _compute_price(c, s) for kind, s in services.items()}
    slas = {kind: promise(s) for kind, s in services.items()}
    options = _from_services(services, prices, slas)
    rule_out = {kind: reason for kind, s in services.items() if (reason := _compute_limit(c, s))}
    promised = {kind: pct for kind, pct in slas.items() if kind not in rule_out}
    rule_out |= below_target(promised, c.requirements.availability_target_pct)
    size = load_of(c)
    rationale = [
        f"{size.design_rps:,.4g} requests/s reach the origin at the planned peak with a spike of "
        f"{c.requirements.spike_factor:g}: {size.workers:,} workers, {size.vcpus:,.1f} processors.",
        "One site at this load costs " + _list(f"{services[k].title} {usd(p)}" for k, p in prices.items()) + " a month.",
        f"Kubernetes skill in the team: {c.requirements.kubernetes_skill}.",
    ]
    return decide(c, "infrastructure.compute", options, rule_out=rule_out, rationale=rationale,
                  summary=_COMPUTE_SUMMARY)  # fmt: skip


_COMPUTE_SUMMARY = "{compute}, from immutable images, replaced and never changed in place."


def _list(parts: object) -> str:
    return ", ".join(parts)  # type: ignore[call-overload, no-any-return]


def _from_services(
    services: Mapping[str, Service], prices: Mapping[str, float | None], slas: Mapping[str, float | None]
) -> tuple[Option, ...]:
    cost = price_scores(prices)
    return tuple(_service_option(kind, s, cost.get(kind, {}), slas[kind]) for kind, s in services.items())


def _service_option(kind: str, service: Service, cost: Mapping[str, float], sla: float | None) -> Option:
    ratings = service.ratings
    assert ratings is not None, f"{service.id} has no ratings"
    scores = {name: getattr(ratings, name) for name in PRIORITIES} | cost
    if sla is not None:
        scores["resilience"] = nines_score(sla)
    return Option(kind, service.title, tuple(scores[n] for n in PRIORITIES), ratings.why, service.id)  # type: ignore[arg-type]


def _compute_price(c: Context, service: Service) -> float | None:
    load = load_of(c)
    size = compute_size(c, load, service, zones=min(3, c.region.zones))
    usage = compute_usage(c, load, service, size)
    return estimate(c.catalog, c.provider.id, service, usage, size.sku, c.region.id)


def _compute_limit(c: Context, service: Service) -> str:
    r = c.requirements
    timeout = service.limits.get("timeout_seconds")
    if timeout and r.service_time_ms / 1000.0 > timeout:
        return f"a request takes {r.service_time_ms / 1000:g} s, and it stops one after {timeout:g} s"
    if service.kind == "kubernetes" and r.kubernetes_skill == "none":
        return "nobody in the team runs Kubernetes"
    if service.kind == "functions" and r.workload_type == "streaming":
        return "a stream processor keeps state between events, which functions lose"
    if service.kind == "functions" and r.p99_latency_ms < _UNREACHABLE_COLD_START_MS:
        return f"a cold start alone exceeds the p99 target of {r.p99_latency_ms:g} ms"
    return ""


def _databases(c: Context) -> dict[str, Service]:
    return {s.kind: s for s in c.provider.serving("database")}


def database(c: Context) -> Decision:
    """Where the data lives: the model rules, then the size and the availability target, then price."""
    services = _databases(c)
    prices = {kind: _database_price(c, s) for kind, s in services.items()}
    slas = {kind: promise(s) for kind, s in services.items()}
    rule_out = {kind: reason for kind, s in services.items() if (reason := _database_limit(c, s))}
    promised = {kind: pct for kind, pct in slas.items() if kind not in rule_out}
    rule_out |= below_target(promised, c.requirements.availability_target_pct)
    r = c.requirements
    rationale = [
        f"{r.data_model.capitalize()} data, {r.database_gb:,.6g} GB, {load_of(c).queries_per_second:,.4g} queries/s at "
        f"the planned peak, {r.read_pct:g} % of them reads.",
        "One site costs " + _list(f"{services[k].title} {usd(p)}" for k, p in prices.items()) + " a month.",
    ]
    options = _from_services(services, prices, slas)
    return decide(c, "infrastructure.database", options, rule_out=rule_out, rationale=rationale,
                  summary=_DATABASE_SUMMARY)  # fmt: skip


_DATABASE_SUMMARY = "{database}, managed, encrypted, reached only from inside the network."


def _database_limit(c: Context, service: Service) -> str:
    r = c.requirements
    if service.kind == "nosql" and r.data_model == "relational":
        return "relational data needs joins and transactions across tables"
    most = service.limits.get("max_storage_gb")
    if most and r.database_gb > most:
        return f"{r.database_gb:,.6g} GB exceed its limit of {most:,.6g} GB"
    size = database_size(c, load_of(c), service)
    if not size.fits:
        return f"{size.cores_needed:,.0f} cores of queries exceed its largest size {size.sku} with all its replicas"
    return ""


def _database_price(c: Context, service: Service) -> float | None:
    size = database_size(c, load_of(c), service)
    usage = database_usage(c, load_of(c), service, size, standbys=1)
    return estimate(c.catalog, c.provider.id, service, usage, size.sku, c.region.id)


def network(c: Context) -> Decision:
    """How the network is divided: by sensitivity and by what must be kept apart."""
    r = c.requirements
    sensitive = r.data_sensitivity in ("confidential", "restricted")
    rule_out = {"two-tier": sensitive and f"{r.data_sensitivity} data must not share a tier with what faces users"}
    rationale = [f"Data is {r.data_sensitivity}; {'public' if r.public_facing else 'internal'} users."]
    return decide(c, "infrastructure.network", rule_out=rule_out, rationale=rationale)


def security(c: Context) -> Decision:
    """Who holds the encryption keys: by sensitivity and by what the frameworks ask."""
    r = c.requirements
    restricted = r.data_sensitivity == "restricted"
    sensitive = restricted or r.data_sensitivity == "confidential"
    rule_out = {
        "provider-managed-keys": sensitive and f"{r.data_sensitivity} data asks for keys the team controls",
        "hsm-backed-keys": not sensitive and f"{r.data_sensitivity} data does not justify dedicated key hardware",
    }
    rationale = [f"The most sensitive data is {r.data_sensitivity}."]
    if r.compliance:
        rationale.append("Frameworks: " + ", ".join(f.title for f in c.frameworks) + ".")
    return decide(c, "infrastructure.security", rule_out=rule_out, rationale=rationale)
