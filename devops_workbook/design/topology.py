"""Builds the topology: the decisions, as components in their boundaries, joined by connections.

The parts are laid down as a reader meets them: the edge, then each site (entry, compute, data, the services
around them), then delivery and operations. Every component names the decision that put it there and carries the
monthly usage it will be billed for, so that diagram, prose, price and code are read from one place. A second
site repeats the first with the suffix "-2"; how much of it runs is the form of deployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from devops_workbook.catalog.model import Region, Service
from devops_workbook.design.context import Context
from devops_workbook.design.model import Boundary, Component, Connection, Topology
from devops_workbook.design.paths import entry_service
from devops_workbook.design.reliability import sites
from devops_workbook.design.sizing import (
    HOURS_PER_MONTH,
    ComputeSize,
    cache_size,
    compute_size,
    compute_usage,
    database_size,
    database_usage,
    load_of,
)
from devops_workbook.design.telemetry import hosting, pipeline_minutes_month, telemetry_of

__all__ = ["build"]

Usage = Mapping[str, float | None]

_KB_PER_GB = 1e6
_HIGH_AVAILABILITY = "disaster_recovery.high_availability"


@dataclass(frozen=True)
class Site:
    """One region of the design. share: of the average load it serves, 0-1; floor: smallest share of the peak
    capacity that keeps running, None = the ordinary minimum."""

    region: Region
    suffix: str
    share: float
    floor: float | None

    def id(self, name: str) -> str:
        """The id of a component or boundary of this site."""
        return name + self.suffix


@dataclass
class _Draft:
    """A topology being built."""

    c: Context
    boundaries: list[Boundary] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)

    def bound(self, id: str, kind: str, title: str, parent: str = "") -> None:
        self.boundaries.append(Boundary(id, kind, title, parent))

    def add(
        self,
        id: str,
        service: Service,
        boundary: str,
        decision: str,
        views: str,
        usage: Usage | None = None,
        **more: object,
    ) -> Component:
        component = Component(
            id, service.role, service.id, service.title, service.icon, boundary, decision,
            views=tuple(views.split()), usage=usage or {}, **more,  # type: ignore[arg-type]
        )  # fmt: skip
        self.components.append(component)
        return component

    def tool(
        self, id: str, service: Service, boundary: str, decision: str, views: str, usage: Usage, region: str = ""
    ) -> None:
        """Add a tool; one that the team runs itself bills the instances it runs on, in the primary region unless
        another is given."""
        on = hosting(self.c, service, telemetry_of(self.c))
        count = on.nodes or 1
        region = region or (self.c.region.id if on.nodes else "")
        self.add(id, service, boundary, decision, views, {**usage, **on.usage}, sku=on.sku, count=count, region=region)

    def has(self, id: str) -> bool:
        return any(component.id == id for component in self.components)

    def join(
        self, source: str, target: str, kind: str, label: str, views: str, *,
        protocol: str = "https", port: int = 443, gb: float | None = None, crosses: str = "",
    ) -> None:  # fmt: skip
        """Connect two components, if both are in the design."""
        if self.has(source) and self.has(target):
            self.connections.append(
                Connection(source, target, kind, label, protocol, port, True, gb, crosses, tuple(views.split()))
            )


def build(c: Context) -> Topology:
    """The topology of the decisions taken in `c`."""
    draft = _Draft(c)
    places = _sites(c)
    _outside(draft)
    _edge(draft, len(places))
    for site in places:
        _site_boundaries(draft, site)
        _entry(draft, site)
        _compute(draft, site)
        _data(draft, site)
        _around(draft, site)
    _request_path(draft, places)
    _delivery(draft, places)
    _operations(draft, places)
    if len(places) > 1:
        _replication(draft)
    _backup(draft, places)
    _transfer(draft, places)
    return Topology(tuple(draft.boundaries), tuple(draft.components), tuple(draft.connections))


def _sites(c: Context) -> tuple[Site, ...]:
    form = c.choice(_HIGH_AVAILABILITY)
    if sites(form) == 1 or c.second_region is None:
        return (Site(c.region, "", 1.0, None),)
    if form == "active-active":
        return (Site(c.region, "", 0.5, None), Site(c.second_region, "-2", 0.5, None))
    floor = c.assume("standby_floor_share") if form == "warm-standby" else 0.0
    return (Site(c.region, "", 1.0, None), Site(c.second_region, "-2", 0.0, floor))


def _zones(c: Context, site: Site) -> int:
    return 1 if c.choice(_HIGH_AVAILABILITY) == "single-zone" else min(3, site.region.zones)


def _network_kind(c: Context) -> str:
    return c.choice("infrastructure.network")


# --- outside and edge ------------------------------------------------------------------------------------


def _outside(d: _Draft) -> None:
    c = d.c
    users = c.catalog.tools["users"]
    public = c.requirements.public_facing
    d.bound("outside", "external", "Internet" if public else "Company network")
    title = {"web-api": "Users", "event-driven": "Event producers", "batch": "Job submitters", "streaming": "Producers"}
    d.components.append(
        Component(
            "users", users.role, users.id, title[c.requirements.workload_type], users.icon, "outside",
            "infrastructure.network", views=("runtime", "network", "recovery"),
        )  # fmt: skip
    )


def _edge(d: _Draft, count: int) -> None:
    c, load = d.c, load_of(d.c)
    d.bound("edge", "provider", f"{c.provider.title}, global edge")
    dns = c.service("dns")
    if dns:
        queries = load.requests_month * c.assume("dns_queries_per_request")
        usage = {"zones": 1.0, "dns_queries": queries, "health_checks": 2.0 if count > 1 else 0.0}
        d.add("dns", dns, "edge", "infrastructure.network", "runtime recovery", usage)
    cdn = c.service("cdn")
    if cdn and c.choice("scaling.caching") in ("cdn", "cdn-in-memory"):
        gb = load.requests_month * c.requirements.response_kb / _KB_PER_GB
        usage = {"cdn_gb": gb, "cdn_requests": load.requests_month, "months": 1.0}
        d.add("cdn", cdn, "edge", "scaling.caching", "runtime network", usage)
    waf = c.service("waf")
    if waf and c.choice("security.network") in ("segmented-waf", "zero-trust"):
        usage = {"months": 1.0, "rules": c.assume("waf_rules"), "requests": load.requests_month}
        d.add("waf", waf, "edge", "security.network", "runtime network", usage)


# --- one site --------------------------------------------------------------------------------------------

_TIERS = {
    "two-tier": {"public": "Public subnets", "app": "Private subnets", "data": "Private subnets"},
    "three-tier": {"public": "Public subnets", "app": "Application subnets", "data": "Data subnets"},
    "hub-spoke": {"public": "Hub: entry and egress", "app": "Spoke: application", "data": "Spoke: data"},
}


def _site_boundaries(d: _Draft, site: Site) -> None:
    c = d.c
    zones = _zones(c, site)
    spread = f"{zones} zones" if zones > 1 else "1 zone"
    d.bound(site.id("region"), "region", f"{site.region.title} ({site.region.id})")
    network = c.service("network")
    title = network.title if network else "Virtual network"
    d.bound(site.id("network"), "network", title, site.id("region"))
    for tier in ("public", "app", "data"):
        if not (tier == "data" and _network_kind(c) == "two-tier"):
            name = _TIERS[_network_kind(c)][tier]
            d.bound(site.id(f"subnet-{tier}"), "subnet", f"{name} ({spread})", site.id("network"))
    d.bound(site.id("services"), "provider", "Managed services", site.id("region"))


def _tier(c: Context, site: Site, tier: str) -> str:
    return site.id("subnet-app" if tier == "data" and _network_kind(c) == "two-tier" else f"subnet-{tier}")


def _entry(d: _Draft, site: Site) -> None:
    c, load = d.c, load_of(d.c)
    kind = c.choice("scaling.load_balancing")
    service = entry_service(c, kind)
    requests = load.origin_requests_month * site.share
    gb = requests * c.requirements.response_kb / _KB_PER_GB
    usage: dict[str, float | None] = {"requests": requests, "months": 1.0}
    if kind == "application":
        usage = {"lb_hours": HOURS_PER_MONTH, "lb_gb": gb, "capacity_unit_hours": _capacity_units(c, service, requests, gb)}
    inside = kind == "application"
    boundary = _tier(c, site, "public") if inside else site.id("services")
    d.add(site.id("entry"), service, boundary, "scaling.load_balancing", "runtime network operations recovery", usage,
          region=site.region.id, zones=_zones(c, site) if inside else 0)  # fmt: skip


def _capacity_units(c: Context, service: Service, requests: float, gb: float) -> float:
    """Hours x capacity units: the larger of what new connections and bytes take up."""
    per_connection = service.limits.get("unit_new_connections_per_s")
    per_gb = service.limits.get("unit_gb_per_hour")
    seconds = HOURS_PER_MONTH * 3600
    units = [0.0]
    if per_connection:
        units.append(requests / seconds / c.assume("requests_per_connection") / per_connection)
    if per_gb:
        units.append(gb / HOURS_PER_MONTH / per_gb)
    return max(units) * HOURS_PER_MONTH


def _site_size(c: Context, site: Site) -> ComputeSize:
    """The compute of one site: full size at the peak; on average what its share of the load and its floor need."""
    service = _chosen(c, "infrastructure.compute")
    size = compute_size(c, load_of(c), service, _zones(c, site))
    floor = size.minimum if site.floor is None else size.peak * site.floor
    mean = max(floor, size.peak * load_of(c).mean_share * site.share)
    return ComputeSize(size.sku, size.peak, round(floor), mean, size.vcpu, size.gib)


def _chosen(c: Context, field_id: str) -> Service:
    return c.provider.services[c.taken[field_id].choice.service]


def _compute(d: _Draft, site: Site) -> None:
    c, load = d.c, load_of(d.c)
    service = _chosen(c, "infrastructure.compute")
    size = _site_size(c, site)
    usage: dict[str, float | None] = dict(compute_usage(c, load, service, size))
    if "requests" in usage or service.kind == "functions":
        scaled = ("requests", "gib_seconds", "vcpu_seconds") if service.kind == "functions" else ("requests",)
        usage |= {k: v * site.share for k, v in usage.items() if k in scaled and v is not None}
    note = f"{size.minimum} to {size.peak} instances" if site.floor != 0.0 else "started only when the first site is lost"
    d.add(site.id("compute"), service, _tier(c, site, "app"), "infrastructure.compute",
          "runtime network delivery operations recovery", usage, region=site.region.id, zones=_zones(c, site),
          count=size.peak if site.floor is None else size.minimum, sku=size.sku, note=note)  # fmt: skip


def _data(d: _Draft, site: Site) -> None:
    _database(d, site)
    _cache(d, site)
    _files(d, site)
    _intake(d, site)


def _database(d: _Draft, site: Site) -> None:
    c, load = d.c, load_of(d.c)
    service = _chosen(c, "infrastructure.database")
    size = database_size(c, load, service)
    zones = _zones(c, site)
    standbys = 1 if zones > 1 and size.sku else 0
    usage: dict[str, float | None] = dict(database_usage(c, load, service, size, standbys))
    if site.suffix:
        usage.pop("backup_gb")
        if not size.sku:
            usage["read_requests"] = usage["read_requests"] * site.share  # type: ignore[operator]
    parts = [f"{size.instances - 1} read replicas"] if size.instances > 1 else []
    parts += ["standby in another zone"] if standbys else []
    parts += ["replica of the first site"] if site.suffix else []
    d.add(site.id("database"), service, _tier(c, site, "data"), "infrastructure.database",
          "runtime network operations recovery", usage, region=site.region.id, zones=zones,
          count=size.instances + standbys, sku=size.sku, note=", ".join(parts))  # fmt: skip


def _cache(d: _Draft, site: Site) -> None:
    c = d.c
    service = c.service("cache")
    if service is None or c.choice("scaling.caching") not in ("in-memory", "cdn-in-memory"):
        return
    nodes = min(2, _zones(c, site))
    d.add(site.id("cache"), service, _tier(c, site, "data"), "scaling.caching", "runtime network",
          {"instance_hours": nodes * HOURS_PER_MONTH}, region=site.region.id, zones=nodes, count=nodes,
          sku=cache_size(c, service))  # fmt: skip


def _files(d: _Draft, site: Site) -> None:
    c, load = d.c, load_of(d.c)
    service = c.service("object_storage")
    if service is None or c.requirements.object_storage_gb == 0:
        return
    requests = load.origin_requests_month
    writes = requests * c.assume("object_writes_per_request")
    reads = requests * c.assume("object_reads_per_request") * site.share
    usage = {"storage_gb": c.requirements.object_storage_gb, "read_requests": reads, "write_requests": writes}
    d.add(site.id("files"), service, site.id("services"), "infrastructure.database", "runtime network recovery", usage,
          region=site.region.id)  # fmt: skip


def _intake(d: _Draft, site: Site) -> None:
    """What holds work until a worker takes it: a queue, or a stream."""
    c, load = d.c, load_of(d.c)
    kind = c.requirements.workload_type
    if kind == "web-api":
        return
    gb = load.requests_month * site.share * c.assume("item_kb") / _KB_PER_GB
    if kind == "streaming":
        service = c.service("stream")
        shards = max(1.0, load.design_rps * c.assume("item_kb") / c.assume("shard_kb_per_second"))
        usage = {"shard_hours": -(-shards // 1) * HOURS_PER_MONTH, "stream_gb": gb, "stream_requests": load.requests_month}
    else:
        service = c.service("queue")
        usage = {"queue_requests": load.requests_month * c.assume("queue_calls_per_message") * site.share, "queue_gb": gb}
    if service:
        d.add(site.id("intake"), service, site.id("services"), "scaling.autoscaling", "runtime network operations", usage,
              region=site.region.id)  # fmt: skip


def _around(d: _Draft, site: Site) -> None:
    """Secrets, keys and the ways out of the network."""
    c, load = d.c, load_of(d.c)
    requests = load.origin_requests_month * site.share
    zones = _zones(c, site)
    where: dict[str, object] = {"region": site.region.id}
    count = c.assume("secrets_count")
    if c.choice("security.secrets") == "native":
        usage: Usage = {"secrets": count, "secret_requests": count * HOURS_PER_MONTH}
        service = c.service("secrets")
    else:
        usage, service = {}, c.catalog.tools["vault"]
    if service:
        d.tool(site.id("secrets"), service, site.id("services"), "security.secrets", "network", usage, site.region.id)
    keys = c.service("keys")
    if keys and c.choice("infrastructure.security") != "provider-managed-keys":
        usage = {"keys": c.assume("keys_count"), "key_requests": requests * c.assume("key_calls_per_request")}
        d.add(site.id("keys"), keys, site.id("services"), "infrastructure.security", "network", usage, **where)
    nat = c.service("nat")
    if nat:
        gateways = 1 if "regional" in nat.features else zones
        gb = requests * c.assume("egress_kb_per_request") / _KB_PER_GB
        d.add(site.id("nat"), nat, _tier(c, site, "public"), "infrastructure.network", "network",
              {"nat_hours": gateways * HOURS_PER_MONTH, "nat_gb": gb}, zones=zones, count=gateways, **where)  # fmt: skip
    endpoint = c.service("private_endpoint")
    if endpoint and _network_kind(c) != "two-tier":
        endpoints = c.assume("endpoints_count") * zones
        usage = {"endpoint_hours": endpoints * HOURS_PER_MONTH, "endpoint_gb": telemetry_of(c).log_gb * site.share}
        d.add(site.id("endpoints"), endpoint, _tier(c, site, "app"), "infrastructure.network", "network", usage,
              zones=zones, count=round(endpoints), **where)  # fmt: skip


# --- what moves ------------------------------------------------------------------------------------------


def _request_path(d: _Draft, places: tuple[Site, ...]) -> None:
    c, load = d.c, load_of(d.c)
    kb = c.requirements.response_kb
    edge_gb = load.requests_month * kb / _KB_PER_GB
    d.join("users", "dns", "control", "look-up", "runtime recovery", protocol="dns", port=53)
    first = next((id for id in ("cdn", "waf") if d.has(id)), "")
    if first:
        d.join("users", first, "request", "HTTPS", "runtime network", gb=edge_gb, crosses="internet" if first == "waf" else "")
    if first == "cdn":
        d.join("cdn", "waf", "request", "misses", "runtime network")
    last = "waf" if d.has("waf") else first or "users"
    for site in places:
        gb = load.origin_requests_month * site.share * kb / _KB_PER_GB
        label = "HTTPS" if site.share else "HTTPS after failover"
        crosses = "internet" if last == "users" else ""
        d.join(last, site.id("entry"), "request", label, "runtime network", gb=gb, crosses=crosses)
        d.join("users", site.id("entry"), "request", label, "recovery") if len(places) > 1 else None
        _inside(d, site, gb)


def _inside(d: _Draft, site: Site, gb: float) -> None:
    c, load = d.c, load_of(d.c)
    zone = "zone" if _zones(c, site) > 1 else ""
    cross = c.assume("cross_zone_share") if zone else 0.0
    database = _chosen(c, "infrastructure.database")
    query_gb = load.queries_month * site.share * c.assume("query_kb") / _KB_PER_GB
    entry, compute, intake = site.id("entry"), site.id("compute"), site.id("intake")
    if d.has(intake):
        d.join(entry, intake, "request", "accept", "runtime network")
        d.join(intake, compute, "async", "work", "runtime network")
    else:
        d.join(entry, compute, "request", "HTTPS", "runtime network recovery", gb=gb * cross, crosses=zone, port=8443)
    d.join(compute, site.id("database"), "request", "queries", "runtime network recovery", protocol=database.protocol,
           port=database.port, gb=query_gb * cross, crosses=zone)  # fmt: skip
    d.join(compute, site.id("cache"), "request", "cached reads", "runtime network", protocol="redis", port=6379)
    d.join(compute, site.id("files"), "request", "files", "runtime network")
    d.join(compute, site.id("secrets"), "control", "credentials", "network")
    d.join(site.id("secrets"), site.id("keys"), "control", "encrypts with", "network")
    d.join(site.id("database"), site.id("keys"), "control", "encrypts with", "network")
    d.join(compute, site.id("nat"), "request", "outgoing calls", "network")
    d.join(compute, site.id("endpoints"), "control", "managed services", "network")


def _replication(d: _Draft) -> None:
    c, load = d.c, load_of(d.c)
    writes = load.queries_month * (1 - c.requirements.read_pct / 100) * c.assume("item_kb") / _KB_PER_GB
    database = _chosen(c, "infrastructure.database")
    d.join("database", "database-2", "replication", "asynchronous replica", "runtime network recovery",
           protocol=database.protocol, port=database.port, gb=writes, crosses="region")  # fmt: skip
    files = load.origin_requests_month * c.assume("object_writes_per_request") * c.requirements.response_kb / _KB_PER_GB
    d.join("files", "files-2", "replication", "replicated files", "recovery", gb=files, crosses="region")


def _backup(d: _Draft, places: tuple[Site, ...]) -> None:
    c = d.c
    service = c.service("backup")
    if service is None:
        return
    d.add("backup", service, "services", "disaster_recovery.backup", "recovery operations", region=c.region.id,
          note="backups of the database are billed with the database")  # fmt: skip
    d.join("database", "backup", "replication", c.choice("disaster_recovery.backup"), "recovery operations")
    if c.second_region is None:
        return
    if len(places) == 1:
        d.bound("region-2", "region", f"{c.second_region.title} ({c.second_region.id}), backups only")
        d.bound("services-2", "provider", "Managed services", "region-2")
    stored = c.requirements.database_gb * c.assume("snapshot_copies")
    d.add("backup-2", service, "services-2", "disaster_recovery.backup", "recovery operations",
          {"backup_gb": stored}, region=c.second_region.id, note="copies outside the region")  # fmt: skip
    d.join("backup", "backup-2", "replication", "copies", "recovery operations", gb=c.requirements.database_gb,
           crosses="region")  # fmt: skip


def _transfer(d: _Draft, places: tuple[Site, ...]) -> None:
    """One component a region for the bytes that leave a zone, the region or the provider, summed over connections."""
    service = d.c.service("transfer")
    if service is None:
        return
    for site in places:
        local = {component.id for component in d.components if component.region == site.region.id}
        usage = {f"{scope}_gb": _moved(d, local, scope) for scope in ("internet", "zone", "region")}
        if any(usage.values()):
            d.add(site.id("transfer"), service, site.id("services"), "infrastructure.network", "", usage,
                  region=site.region.id)  # fmt: skip


def _moved(d: _Draft, local: set[str], scope: str) -> float:
    # Responses leave the region on connections that come in from the internet; everything else leaves at its source.
    def leaves(connection: Connection) -> bool:
        return (connection.target if scope == "internet" else connection.source) in local

    edge = {"waf"} if scope == "internet" and "entry" in local else set()
    local = local | edge
    return sum(x.gb_month or 0.0 for x in d.connections if x.crosses == scope and leaves(x))


# --- delivery and operations -----------------------------------------------------------------------------


def _delivery(d: _Draft, places: tuple[Site, ...]) -> None:
    c, tools = d.c, d.c.catalog.tools
    d.bound("delivery", "system", "Delivery")
    host = tools["self-hosted-git" if c.requirements.source_host == "self-hosted" else c.requirements.source_host]
    seats = float(c.requirements.team_size)
    pipeline = tools[c.choice("cicd.platform")]
    d.tool("source", host, "delivery", "cicd.platform", "delivery", {"seats": seats})
    d.tool("pipeline", pipeline, "delivery", "cicd.platform", "delivery", {"ci_minutes": pipeline_minutes_month(c)})
    stored = {"storage_gb": c.assume("images_kept") * c.assume("image_gb")}
    registry = c.service("registry")
    if registry and c.choice("cicd.artifacts") == "provider-registry":
        d.add("registry", registry, "services", "cicd.artifacts", "delivery", stored, region=c.region.id)
    identity = c.service("identity")
    if identity:
        d.add("identity", identity, "services", "security.access", "delivery operations", {"months": 1.0})
    d.join("source", "pipeline", "delivery", "push", "delivery")
    d.join("pipeline", "identity", "control", "short-lived credentials", "delivery")
    d.join("pipeline", "registry", "delivery", "signed image", "delivery")
    for site in places:
        d.join("pipeline", site.id("compute"), "delivery", c.taken["cicd.deployment"].choice.title, "delivery")
        d.join("registry", site.id("compute"), "delivery", "pull", "delivery")


def _operations(d: _Draft, places: tuple[Site, ...]) -> None:
    c = d.c
    d.bound("operations", "system", "Operations")
    _telemetry(d, places)
    _alerting(d)
    _oversight(d)


def _telemetry(d: _Draft, places: tuple[Site, ...]) -> None:
    c, t = d.c, telemetry_of(d.c)
    tools = c.catalog.tools

    def chosen(field: str, role: str) -> Service | None:
        option = c.taken[field].choice
        return c.service(role) if option.id == "native" else tools[option.service]

    d.tool("collector", tools["otel-collector"], "operations", "observability.tracing", "operations", {})
    volumes: Usage = {**asdict(t), "months": 1.0, "dashboards": c.assume("dashboard_count")}
    for id, decision in _TELEMETRY.items():
        if service := chosen(decision, id):
            d.tool(id, service, "operations", decision, "operations", volumes)
    for site in places:
        d.join(site.id("compute"), "collector", "telemetry", "OTLP", "operations", port=4317, protocol="grpc")
        d.join(site.id("database"), "metrics", "telemetry", "metrics", "operations")
        d.join(site.id("entry"), "metrics", "telemetry", "metrics", "operations")
    for id in ("metrics", "logs", "traces"):
        d.join("collector", id, "telemetry", id, "operations")
    d.join("metrics", "dashboards", "telemetry", "queries", "operations")


_TELEMETRY = {
    "metrics": "observability.metrics",
    "logs": "observability.logging",
    "traces": "observability.tracing",
    "dashboards": "observability.dashboards",
}


def _alerting(d: _Draft) -> None:
    c = d.c
    alerting = c.service("alerting")
    if c.choice("observability.metrics") == "prometheus":
        alerting = c.catalog.tools["alertmanager"]
    elif c.choice("observability.metrics") == "datadog":
        alerting = None
    usage = {"alarms": c.assume("alarm_count"), "notifications": c.assume("notifications_per_month")}
    if alerting:
        d.tool("alerting", alerting, "operations", "observability.alerting", "operations", usage)
        d.join("metrics", "alerting", "telemetry", "burn-rate alerts", "operations")
    if c.choice("observability.alerting") != "chat":
        d.add("on-call", c.catalog.tools["pagerduty"], "operations", "disaster_recovery.incident_response", "operations",
              {"seats": float(min(c.requirements.team_size, 8))})  # fmt: skip
        d.join("alerting" if alerting else "metrics", "on-call", "control", "pages", "operations")


def _oversight(d: _Draft) -> None:
    """Audit trail, threat detection, configuration checks, budget."""
    c, t = d.c, telemetry_of(d.c)
    items = c.assume("config_items")
    level = c.choice("security.compliance")
    parts = (
        ("audit", "audit", "security.compliance", {"events": t.events}, True),
        ("threat-detection", "threat_detection", "security.compliance", {"events": t.events, "log_gb": t.log_gb}, level != "audit-trail"),
        ("posture", "posture", "security.compliance",
         {"config_items": items, "evaluations": items * c.assume("evaluations_per_item"), "months": 1.0}, level != "audit-trail"),
        ("budget", "budget", "cost.monitoring", {"budgets": 1.0}, True),
    )  # fmt: skip
    for id, role, decision, usage, wanted in parts:
        service = c.service(role)
        if service and wanted:
            d.add(id, service, "operations", decision, "operations", usage)
    d.join("compute", "audit", "telemetry", "audit events", "operations")
    d.join("identity", "audit", "telemetry", "sign-ins and changes", "operations")
    d.join("audit", "threat-detection", "telemetry", "events", "operations")
    d.join("audit", "posture", "telemetry", "changes", "operations")
    d.join("budget", "alerting", "control", "threshold", "operations")
