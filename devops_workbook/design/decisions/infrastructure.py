"""Infrastructure: provider, compute, database, network, and how data is encrypted.

Compute and database are decided by numbers: what each option costs at this load in this region, what
availability it promises, and its hard limits. The rest is rated in the catalog.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from devops_workbook.catalog.model import Provider, Service
from devops_workbook.design.context import Context
from devops_workbook.design.decisions.advice import Reasons, sensitive, settle
from devops_workbook.design.model import PRIORITIES, Decision, Option
from devops_workbook.design.paths import carrier, promise
from devops_workbook.design.pricing import estimate
from devops_workbook.design.scoring import below_target, nines_score, usd
from devops_workbook.design.sizing import (
    ComputeSize,
    compute_size,
    compute_usage,
    database_size,
    database_usage,
    load_of,
    most_instances,
)
from devops_workbook.design.words import amount, counted, listed

__all__ = ["compute", "database", "network", "provider", "security"]

# A cold start of a function takes a few tenths of a second; a tighter target meets it too often.
_COLD_START_MS = 200.0
# A cluster is upgraded several times a year by people who also answer for the product.
_CLUSTER_TEAM = 5
_KUBERNETES_SIMPLICITY = {"some": 0.0, "expert": 3.0}
# A hub with a firewall is worth its hourly price to a company network, not to one small team.
_HUB_TEAM = 10

# Below three nines a database may do without a standby, and is compared without one.
_STANDBY_PCT = 99.9


def provider(c: Context) -> Decision:
    """The cloud. The requirements name it; the others are shown for comparison by what they offer here."""
    wanted = c.requirements.provider
    options = tuple(_provider_option(c, p) for p in c.catalog.providers.values())
    rule_out = {p: f"the requirements name {c.provider.title}" for p in c.catalog.providers if p != wanted}
    zones = f"{c.region.zones} zones" if c.region.zones > 1 else "no zones"
    rationale = [
        f"{c.provider.title} is named by the requirements; {c.region.title} has {zones} and is in jurisdiction "
        f"{c.region.jurisdiction}.",
    ]
    summary = f"{c.provider.title}, {c.region.title} ({c.region.id}), built from {{iac}} code."
    decision = settle(c, "infrastructure.provider", options, rule_out=rule_out, rationale=rationale, summary=summary)
    return replace(decision, detail=_PROVIDER_DETAIL)


_PROVIDER_DETAIL = (
    ("Infrastructure as code", "{iac} modules in the repository, planned in the review, applied by the pipeline "
        "only; state "
     "is kept remotely, locked and encrypted."),
    ("Service selection", "Managed services where they save work: {compute} for compute, {database} for data, "
        "{registry} for "
     "images, {secrets} for secrets, {dns} for names."),
    ("Organisation", "Separate accounts, subscriptions or projects for development, staging, production, logs "
        "and backups, "
     "under policies that apply to all of them."),
    ("Environments", "One set of modules with one file of numbers an environment; a difference in kind is a defect."),
    ("Drift", "The plan runs every night; a difference from the code is a finding for its owner."),
)  # fmt: skip


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
    r = c.requirements
    services = {s.kind: s for s in c.provider.serving("compute")}
    prices = {kind: _compute_price(c, s) for kind, s in services.items()}
    slas = {kind: promise(carrier(c.provider, s), c.region.zones) for kind, s in services.items()}
    rule_out = {kind: _compute_limit(c, s) for kind, s in services.items()}
    # Machines promise more only because their provider promises nothing of what runs on them.
    promised = {kind: pct for kind, pct in slas.items() if not rule_out[kind] and kind not in _MACHINES}
    avoid = {**below_target(promised, r.availability_target_pct), **_compute_advice(c), **_too_many(c, services)}
    load = load_of(c)
    rationale = [
        f"The origin gets {amount(load.design_rps)} requests/s at the planned peak with a spike of "
        f"{r.spike_factor:g}: {counted(load.workers, 'worker')}, {amount(load.vcpus)} processors.",
        "One site at this load costs "
        + _list(f"{services[k].title} {usd(p)}" for k, p in prices.items())
        + " a month.",
        f"Kubernetes skill in the team: {r.kubernetes_skill}.",
    ]
    options = [_compute_option(c, s, slas[kind]) for kind, s in services.items()]
    decision = settle(c, "infrastructure.compute", options, rule_out=rule_out, avoid=avoid, prices=prices,
                      rationale=rationale)  # fmt: skip
    kind = decision.choice.id
    return replace(decision, summary=_COMPUTE_SUMMARIES[kind], detail=(*_COMPUTE_DETAIL[kind], *_EVERY_COMPUTE_DETAIL))


_MACHINES = ("vms", "kubernetes")
_COMPUTE_SUMMARIES = {
    "kubernetes": "Containers orchestrated by Kubernetes: {compute}, from immutable images, replaced and never changed "
    "in place.",
    "containers": "Containers without a cluster to run: {compute}, from immutable images, replaced and never "
    "changed in "
    "place.",
    "functions": "Serverless functions: {compute}, from immutable versions, replaced and never changed in place.",
    "vms": "Virtual machines: {compute}, from immutable machine images, replaced and never changed in place.",
}


_COMPUTE_DETAIL = {
    "kubernetes": (
        ("Orchestration", "Deployments with readiness and liveness probes, disruption budgets and topology "
            "spread; requests "
         "and limits on every container."),
        ("Nodes", "Node pools over all zones in use, scaled by the cluster autoscaler, replaced by new images "
            "every month."),
        ("Upgrades", "The control plane within the supported versions, one minor version at a time, in staging "
            "a week before."),
    ),
    "containers": (
        ("Orchestration", "The platform places, restarts and spreads containers; a service states image digest, "
            "size and "
         "number, and nothing else."),
        ("Limits", "Processor and memory are stated for each service; what exceeds them is restarted and counted."),
    ),
    "functions": (
        ("Orchestration", "One function for each job, invoked by requests, queues or schedules; state is in the "
            "database."),
        ("Limits", "Memory, time and concurrency are stated for each function, below what the database bears."),
    ),
    "vms": (
        ("Orchestration", "A group over all zones in use replaces machines that fail their health check and "
            "rolls out new "
         "images."),
        ("Images", "Built by the pipeline from a hardened base every week; nobody signs in to change a machine."),
    ),
}  # fmt: skip
_EVERY_COMPUTE_DETAIL = (
    ("State", "Kept off the instances: sessions and files are in the database, the cache or object storage."),
    ("Identity", "One identity for each service, with the rights that service needs."),
)


def _list(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _compute_option(c: Context, service: Service, sla: float | None) -> Option:
    option = _service_option(service, sla)
    cost, resilience, performance, simplicity, portability = option.scores
    if service.kind in _MACHINES and service.ratings:
        # Their promise is about machines alone, not about what runs on them.
        resilience = min(resilience, service.ratings.resilience)
    if service.kind == "kubernetes":
        simplicity = min(10.0, simplicity + _KUBERNETES_SIMPLICITY.get(c.requirements.kubernetes_skill, 0.0))
    return replace(option, scores=(cost, resilience, performance, simplicity, portability))


def _service_option(service: Service, sla: float | None) -> Option:
    ratings = service.ratings
    assert ratings is not None, f"{service.id} has no ratings"
    scores = {name: float(getattr(ratings, name)) for name in PRIORITIES}
    if sla is not None:
        scores["resilience"] = nines_score(sla)
    return Option(service.kind, service.title, tuple(scores[n] for n in PRIORITIES), ratings.why, service.id)  # type: ignore[arg-type]


def _compute_size(c: Context, service: Service) -> ComputeSize:
    return compute_size(c, load_of(c, service.kind), service, zones=c.zones)


def _too_many(c: Context, services: Mapping[str, Service]) -> dict[str, str]:
    """The options of which the load needs more instances than they run."""
    found = {kind: (_compute_size(c, s).peak, most_instances(s)) for kind, s in services.items()}
    return {
        kind: f"{wanted:,} instances would be needed, and it runs {most:,} at most"
        for kind, (wanted, most) in found.items()
        if most is not None and wanted > most
    }


def _compute_price(c: Context, service: Service) -> float | None:
    load, size = load_of(c, service.kind), _compute_size(c, service)
    usage = compute_usage(c, load, service, size)
    return estimate(c.catalog, c.provider.id, service, usage, size.sku, c.region.id)


def _compute_limit(c: Context, service: Service) -> str:
    r = c.requirements
    longest, limit = load_of(c).service_p99_s, _time_limit(c, service)
    if limit and longest > limit:
        return f"one request in a hundred takes more than {amount(longest)} s, and it stops one after {limit:g} s"
    if service.kind == "kubernetes" and r.kubernetes_skill == "none":
        return "nobody in the team runs Kubernetes"
    if service.kind == "functions" and r.workload_type == "streaming":
        return "a stream processor keeps state between events, which functions lose"
    return ""


def _time_limit(c: Context, service: Service) -> float | None:
    """Seconds after which a request is stopped; the limit of an HTTP request does not hold for work from a queue."""
    http = service.limits.get("timeout_seconds")
    if c.requirements.workload_type == "web-api":
        return http
    return service.limits.get("event_timeout_seconds", http) if service.kind == "functions" else None


def _compute_advice(c: Context) -> dict[str, str]:
    r = c.requirements
    advice = {}
    if r.team_size < _CLUSTER_TEAM:
        advice["kubernetes"] = f"a team of {r.team_size} cannot keep a cluster upgraded and answer for the product too"
    if r.workload_type == "web-api" and r.p99_latency_ms < _COLD_START_MS:
        advice["functions"] = f"a cold start alone exceeds the p99 target of {r.p99_latency_ms:g} ms"
    return advice


def database(c: Context) -> Decision:
    """Where the data lives: the model rules, then the size and the availability target, then price."""
    r = c.requirements
    services = {s.kind: s for s in c.provider.serving("database")}
    prices = {kind: _database_price(c, s) for kind, s in services.items()}
    slas = {kind: promise(s, c.region.zones) for kind, s in services.items()}
    rule_out = {kind: _database_limit(c, s) for kind, s in services.items()}
    promised = {kind: pct for kind, pct in slas.items() if not rule_out[kind]}
    rationale = [
        f"{r.data_model.capitalize()} data, {r.database_gb:,.6g} GB, {amount(load_of(c).queries_per_second)} "
        f"queries/s at "
        f"the planned peak, {r.read_pct:g} % of them reads.",
        "Without its backups one site costs "
        + _list(f"{services[k].title} {usd(p)}" for k, p in prices.items())
        + " a month.",
    ]
    options = [_service_option(s, slas[kind]) for kind, s in services.items()]
    avoid = {**_database_advice(c, services), **below_target(promised, r.availability_target_pct)}
    decision = settle(c, "infrastructure.database", options, rule_out=rule_out, avoid=avoid, prices=prices,
                      rationale=rationale)  # fmt: skip
    service = services[decision.choice.id]
    return replace(decision, summary=_database_summary(c, service), detail=_database_detail(c, service))


def _database_summary(c: Context, service: Service) -> str:
    size = database_size(c, load_of(c), service)
    replicas = size.instances - 1
    sized = f", size {size.sku}" if size.sku else ", without instances to size"
    reading = f" with {replicas} read replica{'' if replicas == 1 else 's'}" if replicas else ""
    return f"{{database}}{sized}{reading}; managed, encrypted, reached only from inside the network."


def _database_advice(c: Context, services: Mapping[str, Service]) -> dict[str, str]:
    sizes = {kind: database_size(c, load_of(c), s) for kind, s in services.items()}
    advice = {
        kind: f"{size.cores_needed:,.0f} cores of queries exceed {size.sku}, its largest size in the catalog, "
        "with all its replicas, so that the data must be split over several"
        for kind, size in sizes.items()
        if not size.fits
    }
    if c.requirements.data_model == "key-value":
        why = "key-value data uses nothing of what joins and transactions across tables cost"
        advice |= {"relational": why, "relational-cluster": why}
    return advice


def _database_detail(c: Context, service: Service) -> tuple[tuple[str, str], ...]:
    size = database_size(c, load_of(c), service)
    replicas = size.instances - 1
    reading = (
        f"{replicas} for reads that may be a moment old"
        if replicas
        else "Not needed at this load; the application reads through a second address, so that they can be added "
        "without a release"
    )
    return (
        ("Sizing", f"{amount(size.cores_needed)} cores and {amount(size.gib_needed)} GiB of data in use at the "
            f"planned peak; "
         "reviewed every quarter from measured use."),
        ("Read replicas", f"{reading}." if size.sku else "Not needed: the service spreads reads by itself."),
        ("Performance", "Slow queries are logged with their plan and reviewed weekly; indexes and partitions change by "
         "migration like any other code."),
        ("Connections", "Pooled and limited below what the database bears, with time-outs on every query."),
        ("Replication and backup", "As the high availability and backup strategies say."),
        ("Maintenance", "Patched by the provider in an agreed window; major versions are rehearsed on a copy first."),
    )  # fmt: skip


def _database_limit(c: Context, service: Service) -> str:
    r = c.requirements
    if service.kind == "nosql" and r.data_model == "relational":
        return "relational data needs joins and transactions across tables"
    most = service.limits.get("max_storage_gb")
    if most and r.database_gb > most:
        return f"{r.database_gb:,.6g} GB exceed its limit of {most:,.6g} GB"
    return ""


def _database_price(c: Context, service: Service) -> float | None:
    size = database_size(c, load_of(c), service)
    standbys = 1 if c.requirements.availability_target_pct >= _STANDBY_PCT else 0
    usage = database_usage(c, load_of(c), service, size, standbys)
    # How many backups are kept is decided later, and costs much the same everywhere.
    return estimate(c.catalog, c.provider.id, service, usage, size.sku, c.region.id)


def network(c: Context) -> Decision:
    """How the network is divided: by sensitivity and by what must be kept apart."""
    r = c.requirements
    avoid: Reasons = {
        "two-tier": sensitive(c) and f"{r.data_sensitivity} data must not share a tier with what faces users",
        "hub-spoke": r.team_size < _HUB_TEAM
        and f"its firewall and transit need somebody who knows routing, and a team of {r.team_size} needs none of them",
    }
    rationale = [f"Data is {r.data_sensitivity}; users come from {'the internet' if r.public_facing else 'inside'}."]
    decision = settle(c, "infrastructure.network", avoid=avoid, rationale=rationale)
    return replace(decision, detail=(*decision.detail, ("Entry", _way_in(c))))


def _way_in(c: Context) -> str:
    """The way of a request from its user to the application tier, through what this design has of it."""
    names = ["{cdn}"] if c.choice("scaling.caching") in ("cdn", "cdn-in-memory") else []
    names += ["{waf}"] if c.choice("security.network") in ("segmented-waf", "zero-trust") else []
    names += ["{api_gateway}" if c.choice("scaling.load_balancing") == "api-gateway" else "{load_balancer}"]
    return f"Requests come in through {', '.join(names)}; whatever comes past them is refused."


def security(c: Context) -> Decision:
    """Who holds the encryption keys: by sensitivity and by what the frameworks ask."""
    r = c.requirements
    avoid: Reasons = {
        "provider-managed-keys": sensitive(c) and f"{r.data_sensitivity} data asks for keys the team controls",
        "hsm-backed-keys": r.data_sensitivity != "restricted"
        and f"{r.data_sensitivity} data does not justify dedicated key hardware",
    }
    asked = f"; the system answers to {listed([f.title for f in c.frameworks])}" if c.frameworks else ""
    rationale = [f"The most sensitive data is {r.data_sensitivity}{asked}."]
    return settle(c, "infrastructure.security", avoid=avoid, rationale=rationale)
