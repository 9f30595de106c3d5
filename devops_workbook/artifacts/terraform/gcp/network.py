"""The network of a site: VPC, subnets of the address plan, the way out, private endpoints, and firewall rules.

Everything is closed in both directions. What is opened is one rule for each connection of the design at each end (see
`flows`). Databases and caches have addresses in the data subnet (Private Service Connect); Google's own services are
reached at private endpoints, whose names a private DNS zone answers with their addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Each, Site
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, labels, name, named, project, region, suffix
from devops_workbook.artifacts.terraform.gcp.flows import ENDPOINTS, crosses, egress, ingress, machines, tagged
from devops_workbook.artifacts.terraform.hcl import Expr, Nested, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["network", "peering"]

_NETWORK = "infrastructure.network"
_CIDR = "must be an IPv4 block such as 10.0.0.0/16."
# https://cloud.google.com/load-balancing/docs/health-check-concepts#ip-ranges (2026-11)
_BALANCER = ["35.191.0.0/16", "130.211.0.0/22"]
# https://cloud.google.com/vpc/docs/configure-private-google-access#domain-options (2026-11): private.googleapis.com
_PRIVATE = "199.36.153.8/30"
_PRIVATE_ADDRESSES = [f"199.36.153.{n}" for n in (8, 9, 10, 11)]


def network(b: Blueprint, site: Site) -> Module:
    """The network of a site."""
    about = (
        "The virtual network of one site: subnets of the address plan with flow logs, a way out through NAT, and "
        "private ways to Google's services.",
        "The firewall denies everything in both directions, then opens one rule for each connection of the design, "
        "by the network tag of the machines at its ends.",
    )
    m = Module("network", "Network", about, PROVIDERS, site, b.present(site))
    vpc = _vpc(m, b, site)
    subnets = _subnets(m, b, site, vpc)
    _nat(m, b, site, vpc, subnets)
    ranges = dict(_endpoints(m, b, site, vpc)) if b.has(site.id("endpoints")) else {}
    _names(m, b, site, vpc)
    _firewall(m, b, site, vpc, _ranges(m, b, site, subnets) | ranges)
    _outputs(m, b, vpc, subnets)
    return m


def _vpc(m: Module, b: Blueprint, site: Site) -> Ref:
    vpc = m.resource(
        "google_compute_network", "this", "network", why=b.why(_NETWORK),
        project=project(m), name=named(m, site, "network"), description=_told(m, "Network of ", site),
        auto_create_subnetworks=False, routing_mode="REGIONAL",
    )  # fmt: skip
    m.resource(
        "google_dns_policy", "this", "network", why="Every name that is looked up is logged.",
        project=project(m), name=named(m, site, "dns"), enable_logging=True, networks=Nested(network_url=vpc.id),
    )  # fmt: skip
    return vpc


def _told(m: Module, what: str, site: Site) -> Expr:
    return template(what, name(m), ", ", region(m, site))


# --- subnets ---------------------------------------------------------------------------------------------

_TITLES = {"public": "Entry and egress.", "app": "What runs the code.", "data": "Databases and caches."}


def _cidr(m: Module, tier: str, value: Each) -> Ref:
    check = (f"can(cidrhost(var.{tier}_cidr, 0))", f"{tier}_cidr {_CIDR}")
    return m.variable(f"{tier}_cidr", "string", f"Block of the {tier} subnet.", value, checks=(check,))


def _blocks(b: Blueprint, site: Site, tier: str) -> Each:
    def block(environment: str) -> str:
        plan = b.network(environment, site.region.id)
        return next(s.cidr for s in plan.subnets if s.tier == tier)

    return b.at(site, lambda e: block(e.environment))


def _tiers(b: Blueprint) -> tuple[str, ...]:
    return ("public", "app") if b.choice(_NETWORK) == "two-tier" else ("public", "app", "data")


def _subnets(m: Module, b: Blueprint, site: Site, vpc: Ref) -> Mapping[str, Ref]:
    return {tier: _subnet(m, b, site, vpc, tier) for tier in _tiers(b)}


def _subnet(m: Module, b: Blueprint, site: Site, vpc: Ref, tier: str) -> Ref:
    ranges = _cluster_ranges(m, b, site) if tier == "app" else {}
    return m.resource(
        "google_compute_subnetwork", tier, f"subnet-{tier}", why=_TITLES[tier],
        project=project(m), name=named(m, site, tier), network=vpc.id, region=region(m, site),
        ip_cidr_range=_cidr(m, tier, _blocks(b, site, tier)), private_ip_google_access=True,
        stack_type="IPV4_ONLY", **ranges,
        log_config=Nested(aggregation_interval="INTERVAL_5_SEC", flow_sampling=1, metadata="INCLUDE_ALL_METADATA"),
    )  # fmt: skip


def _has_pods(b: Blueprint) -> bool:
    return any(n.pods for n in b.topology.addresses.networks)


def _cluster_ranges(m: Module, b: Blueprint, site: Site) -> Mapping[str, Any]:
    """The ranges that pods and services of a cluster take, beside the addresses of its nodes."""
    if not _has_pods(b):
        return {}
    pods = b.at(site, lambda e: b.network(e.environment, site.region.id).pods)
    services = b.at(site, lambda e: b.network(e.environment, site.region.id).services)
    return {"secondary_ip_range": [
        Nested(range_name="pods", ip_cidr_range=_cidr(m, "pods", pods)),
        Nested(range_name="services", ip_cidr_range=_cidr(m, "services", services)),
    ]}  # fmt: skip


def _whole(m: Module, b: Blueprint, site: Site) -> Ref:
    """The block of the whole network; its third quarter is nobody's, and holds what only Google Cloud wants."""
    value = b.at(site, lambda e: b.network(e.environment, site.region.id).cidr)
    check = ("can(cidrhost(var.cidr, 0))", f"cidr {_CIDR}")
    return m.variable("cidr", "string", "Block of the network, of which the plan's subnets are parts.", value,
                      checks=(check,))  # fmt: skip


# --- the way out -----------------------------------------------------------------------------------------


def _nat(m: Module, b: Blueprint, site: Site, vpc: Ref, subnets: Mapping[str, Ref]) -> None:
    if not b.has("nat"):
        return
    address = m.resource(
        "google_compute_address", "nat", "nat", why="One fixed address, so that those called can allow it.",
        project=project(m), name=named(m, site, "nat"), region=region(m, site), labels=labels("nat", m, site),
    )  # fmt: skip
    router = m.resource("google_compute_router", "this", "nat", project=project(m), name=named(m, site, "router"),
                        network=vpc.id, region=region(m, site))  # fmt: skip
    m.resource(
        "google_compute_router_nat", "this", "nat", why="Regional: it does without a gateway in each zone.",
        project=project(m), name=named(m, site, "nat"), router=router.name, region=region(m, site),
        nat_ip_allocate_option="MANUAL_ONLY", nat_ips=[address.id],
        source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS", enable_dynamic_port_allocation=True,
        enable_endpoint_independent_mapping=False,
        subnetwork=Nested(name=subnets["app"].id, source_ip_ranges_to_nat=["ALL_IP_RANGES"]),
        log_config=Nested(enable=True, filter="ERRORS_ONLY"),
    )  # fmt: skip
    _proxied(m, b, site, router)


def _proxied(m: Module, b: Blueprint, site: Site, router: Ref) -> None:
    """The way from an internal load balancer's proxies to the API of the queue."""
    if b.requirements.public_facing or not b.has("intake"):
        return
    m.resource(
        "google_compute_router_nat", "proxies", "entry",
        why="The internal load balancer passes messages on to the queue, at an address outside this network.",
        project=project(m), name=named(m, site, "nat-proxies"), router=router.name, region=region(m, site),
        endpoint_types=["ENDPOINT_TYPE_MANAGED_PROXY_LB"], nat_ip_allocate_option="AUTO_ONLY",
        source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
        log_config=Nested(enable=True, filter="ERRORS_ONLY"),
    )  # fmt: skip


# --- private endpoints -----------------------------------------------------------------------------------


def _endpoints(m: Module, b: Blueprint, site: Site, vpc: Ref) -> Mapping[str, Any]:
    """One endpoint for each service that the plan counts, so that the firewall can tell them apart by address."""
    _whole(m, b, site)
    m.local("endpoints", {id: n for n, id in enumerate(ENDPOINTS, 10)})
    m.local("endpoint_addresses", raw("{ for id, n in local.endpoints : "
                                      "id => cidrhost(cidrsubnet(var.cidr, 7, 66), n) }"))  # fmt: skip
    address = m.resource(
        "google_compute_global_address", "endpoint", "endpoints",
        why="Addresses of endpoints may lie in no subnet; these lie in the part of the block that the address plan "
            "leaves free.",
        for_each=raw("local.endpoint_addresses"),
        project=project(m), name=template(name(m), "-", raw("each.key"), suffix(m, site)),
        purpose="PRIVATE_SERVICE_CONNECT", address_type="INTERNAL", network=vpc.id, address=raw("each.value"),
        labels=labels("endpoints", m, site),
    )  # fmt: skip
    m.resource(
        "google_compute_global_forwarding_rule", "endpoint", "endpoints",
        why="Private endpoints of Google's services. Their names are at most 20 letters and digits.",
        for_each=raw("local.endpoint_addresses"),
        project=project(m), name=template(raw("each.key"), raw('replace(var.site, "-", "")')),
        target="all-apis", network=vpc.id, ip_address=raw(f"{address}[each.key].id"), load_balancing_scheme="",
        labels=labels("endpoints", m, site),
    )  # fmt: skip
    return {id: [template(raw(f'local.endpoint_addresses["{id}"]'), "/32")] for id in ENDPOINTS}


def _names(m: Module, b: Blueprint, site: Site, vpc: Ref) -> None:
    """Private zones that answer Google's names with private addresses."""
    private = b.has("endpoints")
    component = "endpoints" if private else "network"
    zones = {"googleapis.com": "googleapis-com", "pkg.dev": "pkg-dev"}
    zones |= {"gcr.io": "gcr-io", "gke.goog": "gke-goog"} if b.choice("infrastructure.compute") == "kubernetes" else {}
    m.local("google_zones", zones)
    zone = m.resource(
        "google_dns_managed_zone", "google", component, why="Google's services by name, at private addresses.",
        for_each=raw("local.google_zones"),
        project=project(m), name=template(name(m), "-", raw("each.value"), suffix(m, site)),
        dns_name=template(raw("each.key"), "."), visibility="private",
        description="Answers with private addresses.",
        private_visibility_config=Nested(networks=Nested(network_url=vpc.id)), labels=labels(component, m, site),
    )  # fmt: skip
    m.local("google_hosts", _hosts(private, "gcr.io" in zones))
    m.resource(
        "google_dns_record_set", "google", component, for_each=raw("local.google_hosts"),
        project=project(m), managed_zone=raw(f"{zone}[each.value.zone].name"), name=template(raw("each.key"), "."),
        type="A", ttl=300, rrdatas=raw("each.value.addresses"),
    )  # fmt: skip


def _hosts(private: bool, cluster: bool) -> Mapping[str, Any]:
    hosts: dict[str, Any] = {"*.googleapis.com": {"zone": "googleapis.com", "addresses": _PRIVATE_ADDRESSES}}
    registry: Any = _PRIVATE_ADDRESSES
    if private:
        for id, services in ENDPOINTS.items():
            at = [raw(f'local.endpoint_addresses["{id}"]')]
            hosts |= {f"{s}.googleapis.com": {"zone": "googleapis.com", "addresses": at} for s in services}
        registry = [raw('local.endpoint_addresses["registry"]')]
    hosts |= {h: {"zone": "pkg.dev", "addresses": registry} for h in ("pkg.dev", "*.pkg.dev")}
    if cluster:
        for zone, names in (("gcr.io", ("gcr.io", "*.gcr.io")), ("gke.goog", ("*.gke.goog",))):
            hosts |= {host: {"zone": zone, "addresses": _PRIVATE_ADDRESSES} for host in names}
    return hosts


# --- firewall --------------------------------------------------------------------------------------------

_INGRESS = (
    "map(object({ description = string, target = string, tags = list(string), ranges = list(string), port = number }))"
)
_EGRESS = "map(object({ description = string, source = string, to = string, port = number }))"


def _ranges(m: Module, b: Blueprint, site: Site, subnets: Mapping[str, Ref]) -> dict[str, Any]:
    """The blocks that rules refer to by name."""
    app = [subnets["app"].ip_cidr_range, *([raw("var.pods_cidr")] if _has_pods(b) else [])]
    ranges: dict[str, Any] = {
        "app": app,
        "data": [subnets.get("data", subnets["app"]).ip_cidr_range],
        "internet": ["0.0.0.0/0"],
        "google-apis": [_PRIVATE],
        "load-balancer": _BALANCER,
    }
    if not b.requirements.public_facing:
        ranges["proxies"] = [_proxies(m, b, site)]
    if crosses(b):
        ranges["peer"] = _peers(m, b, site)
    return ranges


def _proxies(m: Module, b: Blueprint, site: Site) -> Expr:
    """The block of an internal load balancer's proxies, a /23 as Google recommends, in the free part of the network."""
    _whole(m, b, site)
    block = call("cidrsubnet", raw("var.cidr"), 7, 64)
    m.output("proxies_cidr", block, "Block for the proxies of an internal load balancer, outside the plan's subnets.")
    return block


def _peers(m: Module, b: Blueprint, site: Site) -> Ref:
    other = next(s for s in b.sites if s != site)

    def blocks(environment: str) -> list[str]:
        plan = b.network(environment, other.region.id)
        return [s.cidr for s in plan.subnets if s.tier == "app"] + ([plan.pods] if plan.pods else [])

    value = b.at(site, lambda e: blocks(e.environment) if other.region.id in e.regions else [])
    return m.variable("peer_cidrs", "list(string)", "Blocks of the machines at the other site.", value)


def _firewall(m: Module, b: Blueprint, site: Site, vpc: Ref, ranges: Mapping[str, Any]) -> None:
    m.local("tags", _tags(m, b, site))
    m.local("ranges", ranges)
    told = "Connections that machines of this site take, by name of the rule."
    m.variable("ingress", _INGRESS, told, ingress(b, site, False), why=b.why("security.network"))
    m.variable("egress", _EGRESS, "Connections that machines of this site open, by name of the rule.",
               egress(b, site, False))  # fmt: skip
    shared = _shared(m, b, site)
    for direction in ("ingress", "egress"):
        _rules(m, site, vpc, direction, shared)
        _denied(m, site, vpc, direction)
    if b.choice("infrastructure.compute") == "kubernetes":
        _cluster(m, site, vpc)


def _tags(m: Module, b: Blueprint, site: Site) -> Mapping[str, Any]:
    """The network tag of every component with machines at either site, so that both sites are written alike."""
    ids = dict.fromkeys(id.removesuffix("-2") for id in tagged(b))
    return {id: template(name(m), f"-{id}", suffix(m, site)) for id in ids}


def _shared(m: Module, b: Blueprint, site: Site) -> bool:
    """Declares the rules of tools that only production runs; whether there are any at either site."""
    if not machines(b):
        return False
    m.variable("tools", "bool", "Whether the tools that the team runs itself stand in this environment.",
               b.each(lambda e: e.environment == "production"))  # fmt: skip
    m.variable("tools_ingress", _INGRESS, "Further connections that machines take, where the tools stand.",
               ingress(b, site, True))  # fmt: skip
    m.variable("tools_egress", _EGRESS, "Further connections that machines open, where the tools stand.",
               egress(b, site, True))  # fmt: skip
    return True


_ENDS: Mapping[str, Mapping[str, Any]] = {
    "ingress": {
        "target_tags": [raw("local.tags[each.value.target]")],
        "source_tags": raw("[for tag in each.value.tags : local.tags[tag]]"),
        "source_ranges": raw("flatten([for range in each.value.ranges : local.ranges[range]])"),
    },
    "egress": {
        "target_tags": [raw("local.tags[each.value.source]")],
        "destination_ranges": raw("local.ranges[each.value.to]"),
    },
}


def _rules(m: Module, site: Site, vpc: Ref, direction: str, shared: bool) -> None:
    merged = f"merge(var.{direction}, var.tools ? var.tools_{direction} : {{}})" if shared else f"var.{direction}"
    m.resource(
        "google_compute_firewall", direction, "network", file="firewall", for_each=raw(merged),
        why="One rule for each connection of the design that ends here."
            if direction == "ingress" else "One rule for each connection of the design that begins here.",
        project=project(m), name=template(name(m), f"-{_SHORT[direction]}-", raw("each.key"), suffix(m, site)),
        network=vpc.id, description=raw("each.value.description"), direction=direction.upper(), priority=1000,
        **_ENDS[direction],
        allow=Nested(protocol="tcp", ports=[raw("each.value.port")]),
        log_config=Nested(metadata="INCLUDE_ALL_METADATA"),
    )  # fmt: skip


_SHORT = {"ingress": "in", "egress": "out"}


def _denied(m: Module, site: Site, vpc: Ref, direction: str) -> None:
    end = "source_ranges" if direction == "ingress" else "destination_ranges"
    everywhere: dict[str, Any] = {end: ["0.0.0.0/0"]}
    m.resource(
        "google_compute_firewall", f"deny_{direction}", "network", file="firewall",
        why="Nothing else, and what tries is logged.",
        project=project(m), name=named(m, site, f"{_SHORT[direction]}-deny"), network=vpc.id,
        description="Whatever no connection of the design needs.", direction=direction.upper(), priority=65534,
        **everywhere, deny=Nested(protocol="all"), log_config=Nested(metadata="INCLUDE_ALL_METADATA"),
    )  # fmt: skip


def _cluster(m: Module, site: Site, vpc: Ref) -> None:
    m.resource(
        "google_compute_firewall", "cluster", "compute", file="firewall",
        why="Nodes, pods and control plane of one cluster among themselves; GKE writes the other direction itself.",
        project=project(m), name=named(m, site, "out-cluster"), network=vpc.id, direction="EGRESS", priority=1000,
        description="Nodes, pods and control plane of the cluster.", target_tags=[raw('local.tags["compute"]')],
        destination_ranges=raw("local.ranges.app"), allow=Nested(protocol="all"),
        log_config=Nested(metadata="INCLUDE_ALL_METADATA"),
    )  # fmt: skip


# --- outputs ---------------------------------------------------------------------------------------------


def _outputs(m: Module, b: Blueprint, vpc: Ref, subnets: Mapping[str, Ref]) -> None:
    m.output("network_id", vpc.id, "The VPC.", exported=True)
    m.output("network_name", vpc.name, "Name of the VPC.")
    m.output("public_subnet_ids", [subnets["public"].id], "Subnets of entry and egress.")
    m.output("app_subnet_ids", [subnets["app"].id], "Subnets of what runs the code.")
    m.output("data_subnet_ids", [subnets.get("data", subnets["app"]).id], "Subnets of databases and caches.")
    m.output("tags", raw("local.tags"), "Network tags that the firewall rules are written for, by component.")
    if _has_pods(b):
        m.output("pods_range_name", "pods", "Name of the pods' range in the application subnet.")
        m.output("services_range_name", "services", "Name of the services' range in the application subnet.")


# --- between sites ---------------------------------------------------------------------------------------


def peering(b: Blueprint, networks: list[Module]) -> Module:
    """The way between the networks of both sites, where the tools of the first serve the second."""
    about = ("Machines of the second site send telemetry to tools at the first. Both networks stay closed but for the "
             "firewall rules of that connection.",)  # fmt: skip
    both = b.each(lambda e: e.environment == "production")
    m = Module("peering", "Peering", about, PROVIDERS, present=both)
    first, second = (
        m.variable(f"{which}_network_id", "string", f"The network of the {which} site.", net.wire("network_id"))
        for which, net in zip(("first", "second"), networks, strict=True)
    )
    for which, here, there in (("first", first, second), ("second", second, first)):
        m.resource(
            "google_compute_network_peering", which, "network",
            name=template(name(m), f"-from-{which}"), network=here, peer_network=there,
        )  # fmt: skip
    return m
