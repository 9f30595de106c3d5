"""Builds the topology: the decisions, as components in their boundaries, joined by connections.

The parts are laid down as a reader meets them: the edge, then each site (entry, compute, data, the services
around them), then delivery and operations (see `tooling`), then what moves between them. Every component names the
decision that put it there and carries the monthly usage it will be billed for, so that diagram, prose, price and
code are read from one place. A second site repeats the first with the suffix "-2"; how much of it runs is the form
of deployment (see `sites`).
"""

from __future__ import annotations

import math
from itertools import pairwise

from devops_workbook.design.addressing import address_plan
from devops_workbook.design.backups import (
    billed_gb,
    copied_gb_month,
    files_are_copied,
    files_changed_gb_month,
    stored_gb,
)
from devops_workbook.design.context import Context
from devops_workbook.design.draft import Draft, Usage
from devops_workbook.design.model import Connection, Topology
from devops_workbook.design.paths import entry_service, entry_usage, filtered
from devops_workbook.design.sites import Site, chosen_service, site_compute, sites_of, zones_of
from devops_workbook.design.sizing import (
    HOURS_PER_MONTH,
    KB_PER_GB,
    DatabaseSize,
    cache_size,
    compute_usage,
    database_size,
    database_usage,
    load_of,
)
from devops_workbook.design.telemetry import telemetry_of
from devops_workbook.design.tooling import delivery, operations
from devops_workbook.design.traffic import exported_gb, image_host, pulled_gb

__all__ = ["build"]

_COMPUTE = "infrastructure.compute"
_DATABASE = "infrastructure.database"
_NETWORK = "infrastructure.network"
_IN_MEMORY = ("in-memory", "cdn-in-memory")
_CDN = ("cdn", "cdn-in-memory")


def build(c: Context) -> Topology:
    """The topology of the decisions taken in `c`."""
    draft = Draft(c)
    places = sites_of(c)
    _outside(draft)
    _edge(draft, len(places))
    for site in places:
        _site_boundaries(draft, site)
        _entry(draft, site)
        _compute(draft, site)
        _data(draft, site)
        _around(draft, site)
    _request_path(draft, places)
    delivery(draft, places)
    operations(draft, places)
    if len(places) > 1:
        _replication(draft)
    _backup(draft, places)
    _transfer(draft, places)
    c.addresses = address_plan(c, places, draft.components.values())
    return draft.topology(c.addresses)


# --- outside and edge ------------------------------------------------------------------------------------

_USERS = {"web-api": "Users", "event-driven": "Event producers", "batch": "Job submitters", "streaming": "Producers"}


def _outside(d: Draft) -> None:
    r = d.c.requirements
    d.bound("outside", "external", "Internet" if r.public_facing else "Company network")
    users, title = d.c.catalog.tools["users"], _USERS[r.workload_type]
    d.add("users", users, "outside", _NETWORK, "runtime network recovery", title=title)


def _edge(d: Draft, count: int) -> None:
    c, load = d.c, load_of(d.c)
    d.bound("edge", "provider", f"{c.provider.title}, global edge")
    if dns := c.service("dns"):
        queries = load.requests_month * c.assume("dns_queries_per_request")
        usage = {"zones": 1.0, "dns_queries": queries, "health_checks": 2.0 if count > 1 else 0.0}
        d.add("dns", dns, "edge", _NETWORK, "runtime recovery", usage)
    if (cdn := c.service("cdn")) and c.choice("scaling.caching") in _CDN:
        d.add("cdn", cdn, "edge", "scaling.caching", "runtime network", _cdn_usage(c))
    if (waf := c.service("waf")) and filtered(c):
        # It stands behind the CDN, before the entry, and so inspects only what the CDN does not answer.
        usage = {"months": 1.0, "rules": c.assume("waf_rules"), "requests": load.origin_requests_month}
        d.add("waf", waf, "edge", "security.network", "runtime network", usage)


def _cdn_usage(c: Context) -> Usage:
    """What it sends to users, and what it fetches into its cache; providers bill one or the other, or both."""
    load = load_of(c)
    gb = load.requests_month * c.requirements.response_kb / KB_PER_GB
    cached = gb * c.requirements.cacheable_pct / 100.0
    fill = cached - gb * load.cached_share
    return {
        "cdn_gb": gb, "cdn_cached_gb": cached, "cdn_passed_gb": gb - cached, "cdn_fill_gb": fill,
        "cdn_requests": load.requests_month, "months": 1.0,
    }  # fmt: skip


# --- one site --------------------------------------------------------------------------------------------

_TIERS = {
    "two-tier": {"public": "Public subnets", "app": "Private subnets", "data": "Private subnets"},
    "three-tier": {"public": "Public subnets", "app": "Application subnets", "data": "Data subnets"},
    "hub-spoke": {"public": "Hub: entry and egress", "app": "Spoke: application", "data": "Spoke: data"},
}


def _site_boundaries(d: Draft, site: Site) -> None:
    c = d.c
    kind = c.choice(_NETWORK)
    zones = zones_of(c, site)
    spread = f"{zones} zones" if zones > 1 else "1 zone"
    d.bound(site.id("region"), "region", f"{site.region.title} ({site.region.id})")
    network = c.service("network")
    d.bound(site.id("network"), "network", network.title if network else "Virtual network", site.id("region"))
    for tier in ("public", "app") if kind == "two-tier" else ("public", "app", "data"):
        d.bound(site.id(f"subnet-{tier}"), "subnet", f"{_TIERS[kind][tier]} ({spread})", site.id("network"))
    d.bound(site.id("services"), "provider", "Managed services", site.id("region"))


def _tier(c: Context, site: Site, tier: str) -> str:
    return site.id("subnet-app" if tier == "data" and c.choice(_NETWORK) == "two-tier" else f"subnet-{tier}")


def _entry(d: Draft, site: Site) -> None:
    c = d.c
    kind = c.choice("scaling.load_balancing")
    service = entry_service(c, kind)
    inside = kind == "application"
    boundary = _tier(c, site, "public") if inside else site.id("services")
    zones = zones_of(c, site) if inside else 0
    d.add(site.id("entry"), service, boundary, "scaling.load_balancing", "runtime network operations recovery",
          entry_usage(c, service, zones, site.share), region=site.region.id, zones=zones)  # fmt: skip


def _compute(d: Draft, site: Site) -> None:
    c = d.c
    service, size = chosen_service(c, _COMPUTE), site_compute(c, site)
    usage = compute_usage(c, load_of(c), service, size, site.share)
    runs = f"nodes for {size.replicas} replicas" if size.node else "instances"
    note = f"{size.minimum} to {size.peak} {runs}" if site.running else "started only when the first site is lost"
    d.add(site.id("compute"), service, _tier(c, site, "app"), _COMPUTE, "runtime network delivery operations recovery",
          usage, region=site.region.id, zones=zones_of(c, site), sku=size.sku, note=note,
          count=size.peak if site.running == 1.0 else size.minimum)  # fmt: skip


def _data(d: Draft, site: Site) -> None:
    _database(d, site)
    _cache(d, site)
    _files(d, site)
    _intake(d, site)


def _database(d: Draft, site: Site) -> None:
    """A site that serves has its primary, read replicas and a standby; one that waits keeps a single replica."""
    c = d.c
    service = chosen_service(c, _DATABASE)
    size = database_size(c, load_of(c), service)
    waiting = site.share == 0.0
    if waiting:
        size = DatabaseSize(size.sku, 1, size.cores_needed, size.gib_needed, size.fits)
    zones = 1 if waiting and size.sku else zones_of(c, site)
    standbys = 1 if zones > 1 and size.sku else 0
    usage = database_usage(c, load_of(c), service, size, standbys, site.share)
    if not site.suffix:
        usage["backup_gb"] = billed_gb(c, service)  # kept where the primary is, and copied (see _backup)
    parts = [f"{size.instances - 1} read replicas"] if size.instances > 1 else []
    parts += ["standby in another zone"] if standbys else []
    parts += ["replica of the first site"] if site.suffix else []
    d.add(site.id("database"), service, _tier(c, site, "data"), _DATABASE, "runtime network operations recovery",
          usage, region=site.region.id, zones=zones, count=size.instances + standbys, sku=size.sku,
          note=", ".join(parts))  # fmt: skip


def _cache(d: Draft, site: Site) -> None:
    c = d.c
    service = c.service("cache")
    if service is None or c.choice("scaling.caching") not in _IN_MEMORY:
        return
    nodes = min(2, zones_of(c, site)) if site.running else 0
    note = "" if site.running else "started only when the first site is lost"
    d.add(site.id("cache"), service, _tier(c, site, "data"), "scaling.caching", "runtime network",
          {"instance_hours": nodes * HOURS_PER_MONTH}, region=site.region.id, zones=min(2, zones_of(c, site)),
          count=nodes, sku=cache_size(c, service), note=note)  # fmt: skip


def _files(d: Draft, site: Site) -> None:
    c = d.c
    service = c.service("object_storage")
    if service is None or c.requirements.object_storage_gb == 0:
        return
    requests = load_of(c).origin_requests_month
    writes = requests * c.assume("object_writes_per_request")  # replicated, so every site takes every write
    reads = requests * c.assume("object_reads_per_request") * site.share
    usage = {"storage_gb": c.requirements.object_storage_gb, "storage_ia_gb": stored_gb(c, site.id("files")),
             "read_requests": reads, "write_requests": writes}  # fmt: skip
    views = "runtime network recovery"
    d.add(site.id("files"), service, site.id("services"), _DATABASE, views, usage, region=site.region.id)


def _intake(d: Draft, site: Site) -> None:
    """What holds work until a worker takes it: a queue, or a stream."""
    c, load = d.c, load_of(d.c)
    kind = c.requirements.workload_type
    service = None if kind == "web-api" else c.service("stream" if kind == "streaming" else "queue")
    if service is None:
        return
    messages = load.requests_month * site.share
    gb = messages * c.assume("item_kb") / KB_PER_GB
    usage = {"months": 1.0, "queue_requests": messages * c.assume("queue_calls_per_message"), "queue_gb": gb}
    if kind == "streaming":
        shards = math.ceil(load.design_rps * c.assume("item_kb") / c.assume("shard_kb_per_second"))
        hours = math.ceil(shards * site.running) * HOURS_PER_MONTH
        usage = {"shard_hours": hours, "stream_gb": gb, "stream_requests": messages}
    views = "runtime network operations recovery"
    d.add(site.id("intake"), service, site.id("services"), "scaling.autoscaling", views, usage, region=site.region.id)


def _around(d: Draft, site: Site) -> None:
    """Secrets, keys and the ways out of the network."""
    _secrets(d, site)
    _keys(d, site)
    _nat(d, site)
    _endpoints(d, site)


def _secrets(d: Draft, site: Site) -> None:
    c = d.c
    count = c.assume("secrets_count")
    usage: Usage = {"secrets": count, "secret_requests": count * HOURS_PER_MONTH}
    service = c.service("secrets")
    if c.choice("security.secrets") != "native":
        usage, service = {}, c.catalog.tools["vault"]
    if service:
        d.tool(site.id("secrets"), service, site.id("services"), "security.secrets", "network", usage, site.region.id)


def _keys(d: Draft, site: Site) -> None:
    """Keys that the team manages; where the provider manages them, one still unseals a secrets cluster of its own."""
    c = d.c
    service, decision = c.service("keys"), "infrastructure.security"
    calls = load_of(c).origin_requests_month * site.share * c.assume("key_calls_per_request")
    usage = {"keys": c.assume("keys_count"), "key_requests": calls}
    if c.choice(decision) == "provider-managed-keys":
        if c.choice("security.secrets") == "native":
            return
        usage, decision = {"keys": 1.0, "key_requests": 0.0}, "security.secrets"
    if service:
        d.add(site.id("keys"), service, site.id("services"), decision, "network", usage, region=site.region.id)


def _nat(d: Draft, site: Site) -> None:
    c = d.c
    if service := c.service("nat"):
        gateways = 1 if "regional" in service.features else zones_of(c, site)
        hours = gateways * HOURS_PER_MONTH
        gb = _egress_gb(c, site) + _passing_gb(c, site)
        usage = {"nat_hours": hours, "address_hours": hours, "nat_gb": gb}
        d.add(site.id("nat"), service, _tier(c, site, "public"), _NETWORK, "network", usage, zones=zones_of(c, site),
              count=gateways, region=site.region.id)  # fmt: skip


def _passing_gb(c: Context, site: Site) -> float:
    """What else goes through NAT: images from outside, and, where the collector is, telemetry for a hosted tool."""
    exported = 0.0 if site.suffix else exported_gb(c, "logs") + exported_gb(c, "traces")
    return exported + (pulled_gb(c, site) if image_host(c) else 0.0)


def _egress_gb(c: Context, site: Site) -> float:
    return load_of(c).origin_requests_month * site.share * c.assume("egress_kb_per_request") / KB_PER_GB


def _endpoints(d: Draft, site: Site) -> None:
    c = d.c
    service = c.service("private_endpoint")
    if service is None or c.choice(_NETWORK) == "two-tier":
        return
    zones = zones_of(c, site)
    count = round(c.assume("endpoints_count")) * (1 if "regional" in service.features else zones)
    logs = telemetry_of(c).log_gb * site.share if c.choice("observability.logging") == "native" else 0.0
    usage = {"endpoint_hours": count * HOURS_PER_MONTH, "endpoint_gb": logs}
    d.add(site.id("endpoints"), service, _tier(c, site, "app"), _NETWORK, "network", usage, zones=zones, count=count,
          region=site.region.id)  # fmt: skip


# --- what moves ------------------------------------------------------------------------------------------


def _request_path(d: Draft, places: tuple[Site, ...]) -> None:
    c, load = d.c, load_of(d.c)
    kb = c.requirements.response_kb
    d.join("users", "dns", "control", "look-up", "runtime recovery", protocol="dns", port=53)
    hops = [id for id in ("users", "cdn", "waf") if id in d.components]
    for source, target in pairwise(hops):
        rps_month = load.requests_month if source == "users" else load.origin_requests_month
        label = "HTTPS" if source == "users" else "misses"
        d.join(source, target, "request", label, "runtime network", gb=rps_month * kb / KB_PER_GB,
               crosses="internet" if source == "users" else "")  # fmt: skip
    for site in places:
        gb = load.origin_requests_month * site.share * kb / KB_PER_GB
        label = "HTTPS" if site.share else "HTTPS after failover"
        crosses = "internet" if hops[-1] == "users" else ""
        d.join(hops[-1], site.id("entry"), "request", label, "runtime network", gb=gb, crosses=crosses)
        if len(places) > 1:
            d.join("users", site.id("entry"), "request", label, "recovery")
        _inside(d, site, gb)
        _to_services(d, site)


def _inside(d: Draft, site: Site, gb: float) -> None:
    """The way of a request through one site. Calls to managed services outside the subnets cross no zone."""
    c = d.c
    zones = zones_of(c, site)
    cross = (zones - 1) / zones  # share of calls that land in another zone when nothing prefers the own one
    entry, compute, intake, database = (site.id(x) for x in ("entry", "compute", "intake", "database"))
    if intake in d.components:
        d.join(entry, intake, "request", "accept", "runtime network recovery")
        d.join(intake, compute, "async", "work", "runtime network recovery")
    else:
        zonal = cross > 0 and d.components[entry].zones > 0
        d.join(entry, compute, "request", "HTTPS", "runtime network recovery", gb=gb * cross if zonal else gb,
               crosses="zone" if zonal else "", port=8443)  # fmt: skip
    service = chosen_service(c, _DATABASE)
    load = load_of(c)
    queries = (load.database_reads_month + load.writes_month) * site.share * c.assume("query_kb") / KB_PER_GB
    zonal = cross > 0 and bool(service.skus)
    d.join(compute, database, "request", "queries", "runtime network recovery", protocol=service.protocol,
           port=service.port, gb=queries * cross if zonal else queries, crosses="zone" if zonal else "")  # fmt: skip


def _to_services(d: Draft, site: Site) -> None:
    compute, secrets, keys = site.id("compute"), site.id("secrets"), site.id("keys")
    _cached_reads(d, site)
    d.join(compute, site.id("files"), "request", "files", "runtime network")
    d.join(compute, secrets, "control", "credentials", "network")
    d.join(secrets, keys, "control", "encrypts with", "network")
    if d.c.choice("infrastructure.security") != "provider-managed-keys":
        d.join(site.id("database"), keys, "control", "encrypts with", "network")
    gb = _egress_gb(d.c, site)
    d.join(compute, site.id("nat"), "request", "outgoing calls", "network", gb=gb, crosses="internet")
    d.join(compute, site.id("endpoints"), "control", "managed services", "network")


def _cached_reads(d: Draft, site: Site) -> None:
    """Every read looks into the cache first, in whichever zone its node is."""
    c = d.c
    nodes = min(2, zones_of(c, site))
    cross = (nodes - 1) / nodes
    gb = load_of(c).reads_month * site.share * c.assume("query_kb") / KB_PER_GB
    d.join(site.id("compute"), site.id("cache"), "request", "cached reads", "runtime network", protocol="redis",
           port=6379, gb=gb * cross if cross else gb, crosses="zone" if cross else "")  # fmt: skip


def _replication(d: Draft) -> None:
    c = d.c
    writes = load_of(c).writes_month * c.assume("item_kb") / KB_PER_GB
    database = chosen_service(c, _DATABASE)
    d.join("database", "database-2", "replication", "asynchronous replica", "runtime network recovery",
           protocol=database.protocol, port=database.port, gb=writes, crosses="region")  # fmt: skip
    _replicate_files(d)


def _replicate_files(d: Draft) -> None:
    gb = files_changed_gb_month(d.c)
    d.join("files", "files-2", "replication", "replicated files", "recovery", gb=gb, crosses="region")


def _backup(d: Draft, places: tuple[Site, ...]) -> None:
    c = d.c
    service, decision, views = c.service("backup"), "disaster_recovery.backup", "recovery"
    if service is None:
        return
    vault = {"backup_gb": stored_gb(c, "backup")}
    note = "daily copies are billed with the database"
    d.add("backup", service, "services", decision, views, vault, region=c.region.id, note=note)
    d.join("database", "backup", "replication", c.taken[decision].choice.title, views)
    if c.second_region is None:
        return
    if len(places) == 1:
        d.bound("region-2", "region", f"{c.second_region.title} ({c.second_region.id}), backups only")
        d.bound("services-2", "provider", "Managed services", "region-2")
    stored = {"backup_gb": stored_gb(c, "backup-2")}
    note = "copies outside the region"
    d.add("backup-2", service, "services-2", decision, views, stored, region=c.second_region.id, note=note)
    d.join("backup", "backup-2", "replication", "copies", views, gb=copied_gb_month(c), crosses="region")
    if files_are_copied(c) and "files" in d.components:
        _copied_files(d)


def _copied_files(d: Draft) -> None:
    """Files in a second region that serves nothing: a copy of them, and what was replaced or deleted."""
    c = d.c
    service, region = c.service("object_storage"), c.second_region
    if service and region:
        writes = load_of(c).origin_requests_month * c.assume("object_writes_per_request")
        usage = {"storage_ia_gb": stored_gb(c, "files-2"), "read_requests": 0.0, "write_requests": writes}
        d.add("files-2", service, "services-2", "disaster_recovery.backup", "recovery", usage, region=region.id,
              note="a copy of the files")  # fmt: skip
        _replicate_files(d)


def _transfer(d: Draft, places: tuple[Site, ...]) -> None:
    """One component a region for the bytes that leave a zone, the region or the provider, summed over connections."""
    service = d.c.service("transfer")
    if service is None:
        return
    for site in places:
        usage = {f"{scope}_gb": _moved(d, site, scope) for scope in ("internet", "zone", "region")}
        if any(usage.values()):
            d.add(site.id("transfer"), service, site.id("services"), _NETWORK, "", usage, region=site.region.id)


def _moved(d: Draft, site: Site, scope: str) -> float:
    """GB a month that leave a site, out of all connections that cross a zone, a region or the internet."""
    crossing = (x for x in d.connections if x.crosses == scope and x.gb_month)
    return sum((x.gb_month or 0.0) * _leaving(d, site, x) for x in crossing)


def _leaving(d: Draft, site: Site, x: Connection) -> float:
    """Share of a connection's bytes that leave a site. Answers leave on connections that come in from the internet;
    everything else leaves at its source. What the firewall lets through leaves the sites it stands before, by their
    shares; what the CDN sends to users leaves no site, and the CDN bills it."""
    source, target = d.components[x.source], d.components[x.target]
    if x.crosses == "internet" and target.id == "waf":
        return site.share
    end = target.region if x.crosses == "internet" and target.region else source.region
    return float(end == site.region.id)
