"""The virtual network of a site: its subnets, what they let in and out, how they reach the internet, and its names.

Every subnet has a security group that is closed but for the rules of `flows`. Subnets are given out to other modules
only when their rules are in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Each, Site
from devops_workbook.artifacts.terraform.azure.common import (
    PROVIDERS,
    Made,
    base,
    diagnostics,
    given,
    group,
    kept,
    location,
    module,
    name,
    named,
    private_zones,
    suffix,
    tags,
    taken,
)
from devops_workbook.artifacts.terraform.azure.flows import rules
from devops_workbook.artifacts.terraform.azure.layout import (
    cuts,
    gateway_inside,
    kind_of,
    machines_of,
    part,
    tiers,
)
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module, Wire

__all__ = ["network", "peering"]

_SUBNETS = ("public", "app", "tools", "data")
_JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"
_DELEGATED = {"containers": "Microsoft.App/environments", "functions": "Microsoft.App/environments"}
_SERVICES = {
    "blob-storage": "Microsoft.Storage", "service-bus": "Microsoft.ServiceBus", "event-hubs": "Microsoft.EventHub",
    "key-vault": "Microsoft.KeyVault", "key-vault-keys": "Microsoft.KeyVault",
    "container-registry": "Microsoft.ContainerRegistry",
}  # fmt: skip
_CHECKED_DAYS = 90
_RULE = (
    "map(object({ subnet = string, direction = string, access = string, priority = number, protocol = string, "
    "ports = list(string), source = string, target = string, why = string }))"
)
_PRIORITY = (
    "alltrue([for r in var.rules : r.priority >= 100 && r.priority <= 4096 && length(r.why) <= 140])",
    "A rule's priority must be from 100 to 4096, and its reason at most 140 characters long.",
)
_BLOCKS = (
    "alltrue([for cidr in values(var.subnets) : can(cidrhost(cidr, 0))])",
    "subnets must be IPv4 blocks such as 10.0.0.0/24.",
)
_BLOCK = ("can(cidrhost(var.cidr, 0))", "cidr must be an IPv4 block such as 10.0.0.0/16.")


def network(b: Blueprint, site: Site, made: Made) -> Module:
    """The network of a site. made: its modules "group" and "logs"."""
    about = (
        "A virtual network with the address blocks of the plan. Each subnet lets through what the connections of the "
        "design ask for, and closes the rest; nothing in it has a public address but the entry and the NAT gateways.",
        b.why("infrastructure.network"),
    )
    m = module("network", "Network: subnets, their rules, the way out, private names.", about, b, site)
    cidr = m.variable(
        "cidr",
        "string",
        "Address block of the network.",
        _of(b, site, lambda n: n.cidr),
        checks=(_BLOCK,),
        why=b.why("infrastructure.network"),
    )
    vnet = m.resource(
        "azurerm_virtual_network",
        "this",
        "network",
        **base(m, made, "vnet"),
        address_space=[cidr],
        tags=tags(m, "network"),
    )
    m.output("network_id", vnet.id, "The virtual network.", exported=True)
    m.output("network_name", vnet.name, "Name of the virtual network.")
    _subnets(b, m, made, vnet)
    _rules(b, m, made, site)
    _outward(b, m, made)
    _names(b, m, made, vnet)
    _recorded(b, m, made, vnet)
    _given(b, m)
    return m


def _of(b: Blueprint, site: Site, value: Any) -> Each:
    return b.at(site, lambda e: value(b.network(e.environment, site.region.id)))


# --- subnets ---------------------------------------------------------------------------------------------


def _subnets(b: Blueprint, m: Module, made: Made, vnet: Ref) -> None:
    assert m.site
    site = m.site
    blocks = m.variable(
        "subnets", "map(string)", "Address blocks of the plan, by tier.",
        b.at(site, lambda e: dict(tiers(b, e.environment, site.region.id))), checks=(_BLOCKS,),
    )  # fmt: skip
    m.local("cidrs", {subnet: _cut(blocks, *cut) for subnet, cut in cuts(b).items()})
    for subnet in _SUBNETS:
        m.resource(
            "azurerm_subnet", subnet, _component(b, subnet), file="subnets", why=_WHY[subnet], name=subnet,
            resource_group_name=group(m, made), virtual_network_name=vnet.name,
            address_prefixes=[raw(f"local.cidrs.{subnet}")],
            default_outbound_access_enabled=False, private_endpoint_network_policies="Enabled",
            **_endpoints(b, subnet), **_delegation(b, subnet),
        )  # fmt: skip


def _cut(blocks: Ref, tier: str, bits: int, number: int) -> Any:
    return call("cidrsubnet", blocks[tier], bits, number) if bits else blocks[tier]


_WHY = {
    "public": "The entry, where it stands in the network.",
    "app": "Compute alone: the first half of the application's block, since a delegated subnet holds nothing else.",
    "tools": "Machines of the tools that the team runs itself, and whatever else goes out by itself.",
    "data": "Private endpoints: of the database, and of the managed services that the design has endpoints for.",
}


def _component(b: Blueprint, subnet: str) -> str:
    tier = cuts(b)[subnet][0]
    return f"subnet-{tier}"


def _endpoints(b: Blueprint, subnet: str) -> dict[str, Any]:
    """Service endpoints, where the design has no private ones: services then know the subnet that asks."""
    if b.has("endpoints") or subnet not in ("app", "tools"):
        return {}
    found = sorted({_SERVICES[c.service] for c in b.topology.components if c.service in _SERVICES})
    return {"service_endpoints": found} if found else {}


def _delegation(b: Blueprint, subnet: str) -> dict[str, Any]:
    service = _DELEGATED.get(kind_of(b), "") if subnet == "app" else ""
    if subnet == "public" and b.component("entry").service == "api-management" and gateway_inside(b):
        service = "Microsoft.Web/serverFarms"
    if not service:
        return {}
    actions = [_JOIN] if service.startswith("Microsoft.App") else ["Microsoft.Network/virtualNetworks/subnets/action"]
    return {"delegation": Nested(name="service", service_delegation=Nested(name=service, actions=actions))}


# --- rules -----------------------------------------------------------------------------------------------


def _rules(b: Blueprint, m: Module, made: Made, site: Site) -> None:
    for subnet in _SUBNETS:
        m.resource(
            "azurerm_network_security_group",
            subnet,
            _component(b, subnet),
            file="rules",
            name=named(m, f"{subnet}-nsg"),
            location=location(m),
            resource_group_name=group(m, made),
            tags=tags(m, _component(b, subnet)),
        )
    members = _members(b)
    if members:
        m.resource(
            "azurerm_application_security_group", "this", members, file="rules", for_each=call("toset", list(members)),
            why="What machines belong to, so that a rule can name them and not their subnet.",
            name=template(name(m), "-", raw("each.key"), suffix(m)), location=location(m),
            resource_group_name=group(m, made), tags=raw('merge(var.tags, { component = "${each.key}${var.site}" })'),
        )  # fmt: skip
    _places(b, m, site, bool(members))
    told = "Rules of the security groups, from the connections of the design; ends are places or Azure's tags."
    every = m.variable("rules", _RULE, told, dict(rules(b, site)), why=b.why("security.network"), checks=(_PRIORITY,))
    m.resource(
        "azurerm_network_security_rule", "this", "network", file="rules", why=b.why("security.network"),
        for_each=raw(f"{{ for id, r in {every} : id => r if alltrue([for p in [r.source, r.target] : "
                     "length(lookup(local.places, p, [p])) > 0]) }"),
        name=raw("each.key"), description=raw("each.value.why"), resource_group_name=group(m, made),
        network_security_group_name=raw("local.security_groups[each.value.subnet]"),
        priority=raw("each.value.priority"), direction=raw("each.value.direction"), access=raw("each.value.access"),
        protocol=raw("each.value.protocol"), source_port_range="*", destination_port_ranges=raw("each.value.ports"),
        **_end("source", "source"), **_end("destination", "target"),
    )  # fmt: skip
    for subnet in _SUBNETS:
        m.resource(
            "azurerm_subnet_network_security_group_association", subnet, _component(b, subnet), file="rules",
            subnet_id=raw(f"azurerm_subnet.{subnet}.id"),
            network_security_group_id=raw(f"azurerm_network_security_group.{subnet}.id"),
            depends_on=[raw("azurerm_network_security_rule.this")],
        )  # fmt: skip


def _members(b: Blueprint) -> tuple[str, ...]:
    compute = ("compute",) if kind_of(b) in ("kubernetes", "vms") else ()
    return (*compute, *(c.id for c in machines_of(b) if not c.id.endswith("-2")))


def _end(side: str, end: str) -> dict[str, Any]:
    """One end of a rule: addresses of a place, members of a group, or a tag as it stands."""
    place = f"each.value.{end}"
    known = "merge(local.places, local.groups)"
    return {
        f"{side}_address_prefix": raw(f"contains(keys({known}), {place}) ? null : {place}"),
        f"{side}_address_prefixes": raw(f"lookup(local.places, {place}, null)"),
        f"{side}_application_security_group_ids": raw(f"lookup(local.groups, {place}, null)"),
    }


def _places(b: Blueprint, m: Module, site: Site, grouped: bool) -> None:
    m.local("security_groups", {s: raw(f"azurerm_network_security_group.{s}.name") for s in _SUBNETS})
    groups = "{ for id, g in azurerm_application_security_group.this : id => [g.id] }" if grouped else "{}"
    m.local("groups", raw(groups))
    places: dict[str, Any] = {subnet: [raw(f"local.cidrs.{subnet}")] for subnet in _SUBNETS}
    if kind_of(b) == "kubernetes":
        pods = m.variable(
            "pods_cidr",
            "string",
            "Addresses of the cluster's pods.",
            _of(b, site, lambda n: n.pods),
            checks=(("can(cidrhost(var.pods_cidr, 0))", "pods_cidr must be an IPv4 block."),),
        )
        places["cluster"] = [raw("local.cidrs.app"), pods]
    if not b.requirements.public_facing:
        places["clients"] = given(m, "client_ranges", "list(string)", "Addresses that requests come from.",
                                  raw("var.client_ranges"))  # fmt: skip
    if len(b.sites) > 1:
        told = "Addresses of the other site's compute and tools; none where the environment has one site."
        peer = m.variable("peer", "object({ app = list(string), tools = list(string) })", told, _peer(b, site))
        places |= {"peer-app": peer.app, "peer-tools": peer.tools}
    m.local("places", call("tomap", places))


def _peer(b: Blueprint, site: Site) -> Each:
    other = next(s for s in b.sites if s != site)

    def found(e: Any) -> dict[str, list[str]]:
        there = other.region.id in e.regions
        return {x: [part(b, e.environment, other.region.id, x)] if there else [] for x in ("app", "tools")}

    return b.at(site, found)


# --- the way out, and names ------------------------------------------------------------------------------


def _outward(b: Blueprint, m: Module, made: Made) -> None:
    """NAT gateways, one for each zone as the plan counts them, and which of them a subnet goes out through."""
    if not b.has("nat"):
        return
    assert m.site
    here = m.site
    told = "Zones of the NAT gateways, one each; an empty name is a gateway without a zone."
    numbers = m.variable("nat_zones", "list(string)", told, b.at(here, lambda e: _nat_zones(b, here, e.zones)),
                         why=b.why("disaster_recovery.high_availability"),
                         checks=(("length(var.nat_zones) > 0", "There must be a NAT gateway."),))  # fmt: skip
    count = call("length", numbers)
    zone = raw("var.nat_zones[count.index]")
    place: dict[str, Any] = {"zones": raw(f'{zone} == "" ? null : [{zone}]')}
    address = m.resource(
        "azurerm_public_ip", "nat", "nat", file="outward", count=count, **base(m, made, "nat-ip", raw("count.index")),
        allocation_method="Static", sku="Standard", **place, tags=tags(m, "nat"),
    )  # fmt: skip
    gateway = m.resource(
        "azurerm_nat_gateway", "this", "nat", file="outward", count=count, **base(m, made, "nat", raw("count.index")),
        sku_name="Standard", **place, tags=tags(m, "nat"),
    )  # fmt: skip
    m.resource(
        "azurerm_nat_gateway_public_ip_association", "this", "nat", file="outward", count=count,
        nat_gateway_id=raw(f"{gateway}[count.index].id"), public_ip_address_id=raw(f"{address}[count.index].id"),
    )  # fmt: skip
    for turn, subnet in enumerate(("app", "tools", "data")):
        m.resource(
            "azurerm_subnet_nat_gateway_association",
            subnet,
            "nat",
            file="outward",
            why=_ONE_GATEWAY if not turn else "",
            subnet_id=raw(f"azurerm_subnet_network_security_group_association.{subnet}.subnet_id"),
            nat_gateway_id=call("element", raw(f"{gateway}[*].id"), turn),
            depends_on=[raw("azurerm_nat_gateway_public_ip_association.this")],
        )
    m.output("outgoing_addresses", raw(f"{address}[*].ip_address"), "Addresses that requests to others come from.",
             exported=True)  # fmt: skip


_ONE_GATEWAY = (
    "Azure gives a subnet one NAT gateway, and a gateway one zone: each subnet has its own, so that the loss of a zone "
    "stops no more than one of them."
)


def _nat_zones(b: Blueprint, site: Site, spread: int) -> list[str]:
    count = min(b.component(site.id("nat")).count, max(1, spread))
    return [str(n + 1) if site.region.zones > 1 else "" for n in range(count)]


def _names(b: Blueprint, m: Module, made: Made, vnet: Ref) -> None:
    """Private DNS zones, so that the name of a service leads to its private endpoint."""
    found = private_zones(b)
    component = "endpoints" if b.has("endpoints") else "database"
    zone = m.resource(
        "azurerm_private_dns_zone",
        "this",
        component,
        file="names",
        for_each=call("toset", found),
        name=raw("each.key"),
        resource_group_name=group(m, made),
        tags=tags(m, component),
    )
    m.resource(
        "azurerm_private_dns_zone_virtual_network_link", "this", component, file="names", for_each=zone,
        name=named(m, "vnet"), resource_group_name=group(m, made), private_dns_zone_name=raw("each.value.name"),
        virtual_network_id=vnet.id, registration_enabled=False, tags=tags(m, component),
    )  # fmt: skip
    links = "azurerm_private_dns_zone_virtual_network_link.this"
    m.output(
        "private_dns_zone_ids",
        raw(f"{{ for id, zone in {zone} : id => zone.id if contains(keys({links}), id) }}"),
        "Private DNS zones by name.",
    )


def _recorded(b: Blueprint, m: Module, made: Made, vnet: Ref) -> None:
    """Flow logs of the whole network."""
    days = b.requirements.log_retention_days
    m.resource(
        "azurerm_network_watcher_flow_log",
        "this",
        "network",
        file="rules",
        name=named(m, "flows"),
        skips={"CKV_AZURE_12": kept(b)} if days < _CHECKED_DAYS else {},
        network_watcher_name=Noted(
            template("NetworkWatcher_", location(m)), "Azure makes one in every region that has a network."
        ),
        resource_group_name="NetworkWatcherRG",
        location=location(m),
        target_resource_id=vnet.id,
        enabled=True,
        version=2,
        storage_account_id=taken(m, made, "logs", "log_storage_id", "string", "Storage account of logs."),
        retention_policy=Nested(enabled=True, days=Noted(days, f"Requirement: logs are kept for {days} days.")),
        tags=tags(m, "network"),
    )
    diagnostics(m, b, made, "network", "network", vnet.id, file="rules")


def _given(b: Blueprint, m: Module) -> None:
    """What other modules take: subnets whose rules, and whose way out, are there."""
    ready = "azurerm_subnet_network_security_group_association"
    outward = "azurerm_subnet_nat_gateway_association" if b.has("nat") else ready
    subnet = {s: raw(f"{outward if s != 'public' else ready}.{s}.subnet_id") for s in _SUBNETS}
    m.output("public_subnet_ids", [subnet["public"]], "Subnets of the entry.")
    m.output("app_subnet_ids", [subnet["app"]], "Subnets of the application.")
    m.output("tools_subnet_id", subnet["tools"], "Subnet of tools.")
    m.output("data_subnet_ids", [subnet["data"]], "Subnets of the data.")
    m.output("endpoint_subnet_id", subnet["data"], "Subnet that private endpoints stand in.")
    m.output("app_subnet_cidr", raw("local.cidrs.app"), "Addresses of the application's subnet.")
    m.output("public_subnet_cidr", raw("local.cidrs.public"), "Addresses of the entry's subnet.")
    if _members(b):
        ids = "{ for id, g in azurerm_application_security_group.this : id => g.id }"
        m.output("security_group_ids", raw(ids), "Application security groups by component.")


# --- between the sites -----------------------------------------------------------------------------------


def peering(b: Blueprint, every: Sequence[Made]) -> Module:
    """The way between the networks of the two sites, over Azure's own lines. every: the modules of each site."""
    about = (
        "Telemetry of the second site reaches the tools of the first this way; what may pass stands in the rules of "
        "both networks.",
    )
    m = Module("peering", "Peering: the networks of the two sites.", about, PROVIDERS, None, b.present(b.sites[1]))
    for (side, here, component), (other, there, _) in permutations(zip(_SIDES, every, _NETWORKS, strict=True)):
        m.resource(
            "azurerm_virtual_network_peering", side, component, name=f"to-{other}",
            resource_group_name=_wired(m, f"{side}_group", here["group"].wire("resource_group_name")),
            virtual_network_name=_wired(m, f"{side}_network", here["network"].wire("network_name")),
            remote_virtual_network_id=_wired(m, f"{other}_network_id", there["network"].wire("network_id")),
            allow_virtual_network_access=True, allow_forwarded_traffic=False, allow_gateway_transit=False,
            use_remote_gateways=False,
        )  # fmt: skip
    return m


_SIDES = ("first", "second")
_NETWORKS = ("network", "network-2")


def _wired(m: Module, variable: str, wire: Wire) -> Ref:
    what = variable.replace("_", " ").capitalize()
    return m.variable(variable, "string", f"{what}.", wire)
