"""Who may open a connection to whom: the rules of the network's security groups.

They follow from the connections of the design and from nothing else, but for what a service of Azure asks of its own
subnet, which is listed here with its source. One connection is two rules: out at the one end, in at the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.azure.common import served_by
from devops_workbook.artifacts.terraform.azure.layout import (
    at,
    endpoint_of,
    fronted,
    gateway_inside,
    kind_of,
    machines_of,
)
from devops_workbook.design.model import Connection

__all__ = ["crosses", "rules"]

_TOLD = 140  # characters that a rule's description may have
_CLOSED = 4096  # the last priority

# Tags of Azure's own address ranges (https://learn.microsoft.com/azure/virtual-network/service-tags-overview, 2026-11).
_TAGS = {
    "blob-storage": "Storage", "service-bus": "ServiceBus", "event-hubs": "EventHub", "key-vault": "AzureKeyVault",
    "key-vault-keys": "AzureKeyVault", "container-registry": "AzureContainerRegistry",
    "entra-id": "AzureActiveDirectory",
    "azure-monitor": "AzureMonitor", "log-analytics": "AzureMonitor", "application-insights": "AzureMonitor",
    "azure-dashboards": "AzureMonitor", "azure-alerts": "AzureMonitor", "azure-activity-log": "AzureMonitor",
    "azure-nat-gateway": "Internet",
}  # fmt: skip

# Ports that a service listens on where they are not the connection's: the service's own, and AMQP beside HTTPS.
_PORTS: Mapping[str, tuple[str, ...]] = {
    "azure-managed-redis": ("10000",),
    "service-bus": ("443", "5671"),
    "event-hubs": ("443", "5671", "9093"),
    "container-apps": ("443",),
    "azure-functions": ("443",),
}
_EDGE = ("users", "cdn", "waf")
_ENTRY = ("load_balancer", "api_gateway")


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule. subnet: whose security group it belongs to; source, target: names of places (see `network`)."""

    subnet: str
    direction: str
    source: str
    target: str
    ports: tuple[str, ...]
    protocol: str
    why: str


# --- connections -----------------------------------------------------------------------------------------


def _connections(b: Blueprint, site: Site) -> Iterator[_Rule]:
    machines = {c.id for c in machines_of(b)}
    for x in b.topology.connections:
        opener, listener = _ends(b, x, machines)
        source, target = _place(b, site, opener, machines, True), _place(b, site, listener, machines, False)
        if not source or not target or source == target:
            continue
        ports = _PORTS.get(b.component(listener).service, (str(x.port),))
        told = f"{opener} to {listener}: {x.label}"
        if subnet := _subnet(source, machines):
            yield _Rule(subnet, "Outbound", source, target, ports, "Tcp", told)
        if subnet := _subnet(target, machines):
            yield _Rule(subnet, "Inbound", source, target, ports, "Tcp", told)


def _ends(b: Blueprint, x: Connection, machines: set[str]) -> tuple[str, str]:
    """Who opens it, and to whom. What is pulled, and work that waits in a service, is fetched by who wants it."""
    source, target = b.component(x.source), b.component(x.target)
    served = target.role == "compute" or target.id in machines
    managed = source.service in b.provider.services and source.role not in (*_ENTRY, "compute")
    if served and (managed or x.label == "pull"):
        return x.target, x.source
    return x.source, x.target


def _place(b: Blueprint, site: Site, id: str, machines: set[str], opens: bool) -> str:
    """Where the network finds a component: one of its subnets, a security group, a tag, a range; "" where it is none of
    this site's business."""
    component = b.component(id)
    here = at(b, site, id)
    if id in _EDGE:
        return _edge(b) if opens else ""
    if component.role in _ENTRY:
        return "public" if here and gateway_inside(b) else ""
    if component.role == "compute":
        return _compute(b, here, opens)
    if id in machines:
        return id.removesuffix("-2") if here else "peer-tools"
    return "" if opens else _service(b, site, id)


def _edge(b: Blueprint) -> str:
    """Where requests come from."""
    if fronted(b):
        return "AzureFrontDoor.Backend"
    return "Internet" if b.requirements.public_facing else "clients"


def _compute(b: Blueprint, here: bool, opens: bool) -> str:
    if not here:
        return "peer-app" if opens else ""
    if opens:
        return "compute" if kind_of(b) in ("kubernetes", "vms") else "app"
    return "data" if kind_of(b) == "functions" else "app"


def _service(b: Blueprint, site: Site, id: str) -> str:
    component = b.component(id)
    if component.role == "private_endpoint":
        return "data"
    if component.region and not at(b, site, id) and component.role != "registry":
        return ""
    if endpoint_of(b, id):
        return "data"
    return _TAGS.get(component.service, "Internet")


def _subnet(place: str, machines: set[str]) -> str:
    """Whose security group answers for a place of this site; "" for places outside of it."""
    if place in ("public", "app", "data"):
        return place
    if place == "compute":
        return "app"
    return "tools" if place in {id.removesuffix("-2") for id in machines} else ""


def crosses(b: Blueprint) -> bool:
    """Whether what stands in one site opens connections to the network of the other."""
    return any("peer-" in r.source + r.target for site in b.sites for r in _connections(b, site))


# --- what services ask of their subnets ------------------------------------------------------------------


def _platform(b: Blueprint) -> Iterator[_Rule]:
    """What Azure itself needs where it puts something into a subnet."""
    yield from _ENTRIES.get(b.component("entry").service, ()) if gateway_inside(b) else ()
    yield from _COMPUTES[kind_of(b)]
    if machines_of(b):
        yield from _MACHINES


def _in(subnet: str, source: str, target: str, ports: Sequence[str], why: str, protocol: str = "Tcp") -> _Rule:
    return _Rule(subnet, "Inbound", source, target, tuple(ports), protocol, why)


def _out(subnet: str, source: str, target: str, ports: Sequence[str], why: str, protocol: str = "Tcp") -> _Rule:
    return _Rule(subnet, "Outbound", source, target, tuple(ports), protocol, why)


# https://learn.microsoft.com/azure/application-gateway/configuration-infrastructure#network-security-groups and
# https://learn.microsoft.com/azure/api-management/integrate-vnet-outbound, 2026-11.
_ENTRIES: Mapping[str, tuple[_Rule, ...]] = {
    "application-gateway": (
        _in("public", "GatewayManager", "*", ["65200-65535"], "Azure manages the gateway over these ports."),
        _in("public", "AzureLoadBalancer", "*", ["0-65535"], "Probes of the gateway's own machines.", "*"),
        _out("public", "public", "data", ["443"], "The gateway reads its certificate from the vault."),
    ),
    "api-management": (
        _out("public", "public", "Storage", ["443"], "API Management reads its own configuration."),
        _out("public", "public", "AzureKeyVault", ["443"], "API Management reads its certificate and its secrets."),
        _out("public", "public", "data", ["443"], "API Management reads its certificate from the vault."),
    ),
}

# https://learn.microsoft.com/azure/aks/concepts-network-azure-cni-overlay and
# https://learn.microsoft.com/azure/container-apps/firewall-integration, 2026-11.
_COMPUTES: Mapping[str, tuple[_Rule, ...]] = {
    "kubernetes": (
        _in("app", "cluster", "cluster", ["0-65535"], "Nodes and pods of the cluster among themselves.", "*"),
        _out("app", "cluster", "cluster", ["0-65535"], "Nodes and pods of the cluster among themselves.", "*"),
        _in("app", "AzureLoadBalancer", "*", ["0-65535"], "Probes of the cluster's load balancer."),
        _out("app", "app", "Internet", ["123"], "Clocks of the nodes.", "Udp"),
    ),
    "containers": (
        _in("app", "app", "app", ["0-65535"], "Parts of the environment among themselves.", "*"),
        _out("app", "app", "app", ["0-65535"], "Parts of the environment among themselves.", "*"),
        _in("app", "AzureLoadBalancer", "app", ["30000-32767"], "Probes of the environment's load balancer."),
    ),
    "functions": (),
    "vms": (
        _in("app", "AzureLoadBalancer", "app", ["8443"], "Probes of the machines' load balancer."),
        _out("app", "compute", "Internet", ["80"], "Packages of the operating system, which are signed."),
    ),
}
_MACHINES = (
    _in("tools", "AzureLoadBalancer", "tools", ["0-65535"], "Probes of the tools' load balancer."),
    _out("tools", "tools", "Internet", ["80", "443"], "Packages of the operating system and images of the tools."),
)


# --- all of them -----------------------------------------------------------------------------------------


def rules(b: Blueprint, site: Site) -> Mapping[str, Mapping[str, Any]]:
    """The rules of a site by name, as the network module takes them; what they do not let through is closed."""
    found: dict[str, Mapping[str, Any]] = {}
    used: dict[tuple[str, str], int] = {}
    for rule, told in [*_merged(_platform(b)), *_merged(_connections(b, site))]:
        turn = used.setdefault((rule.subnet, rule.direction), 0)
        used[rule.subnet, rule.direction] = turn + 1
        found[_name(rule, found)] = _written(rule, "Allow", 100 + 10 * turn, "; ".join(told))
    for subnet in ("public", "app", "tools", "data"):
        for direction in ("Inbound", "Outbound"):
            rule = _closing(b, subnet, direction)
            found[f"{subnet}-{direction.lower()}-closed"] = _written(rule, "Deny", _CLOSED, rule.why)
    return found


def _merged(every: Iterator[_Rule]) -> list[tuple[_Rule, list[str]]]:
    """Rules that differ only in their reason are one, with all reasons: Azure takes each pair of ends once."""
    found: dict[tuple[Any, ...], tuple[_Rule, list[str]]] = {}
    for rule in every:
        key = (rule.subnet, rule.direction, rule.source, rule.target, rule.ports, rule.protocol)
        told = found.setdefault(key, (rule, []))[1]
        if rule.why not in told:
            told.append(rule.why)
    return list(found.values())


def _closing(b: Blueprint, subnet: str, direction: str) -> _Rule:
    """The last rule. Of an Application Gateway's subnet only the way into the network is closed: the gateway must reach
    Azure, and takes no rule that keeps it from the internet."""
    gateway = subnet == "public" and served_by(b, "entry", "application-gateway")
    if gateway and direction == "Outbound":
        return _Rule(subnet, direction, "*", "VirtualNetwork", ("0-65535",), "*", "Nothing else in the network.")
    return _Rule(subnet, direction, "*", "*", ("0-65535",), "*", "No connection of the design.")


def _name(rule: _Rule, found: Mapping[str, Any]) -> str:
    ends = f"{rule.source}-{rule.target}".replace("*", "any").replace(".", "-").lower()
    name = f"{rule.subnet}-{'in' if rule.direction == 'Inbound' else 'out'}-{ends}"
    return name if name not in found else f"{name}-{rule.ports[0]}"


def _written(rule: _Rule, access: str, priority: int, told: str) -> dict[str, Any]:
    return {
        "subnet": rule.subnet, "direction": rule.direction, "access": access, "priority": priority,
        "protocol": rule.protocol, "ports": list(rule.ports), "source": rule.source, "target": rule.target,
        "why": told if len(told) <= _TOLD else f"{told[: _TOLD - 3]}...",
    }  # fmt: skip
