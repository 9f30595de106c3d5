"""Who may open a connection to whom: the firewall rules of a design, derived from its connections and nothing else.

A connection of the topology says what depends on what. Here it becomes who opens it and where it ends, seen from the
network: at a machine (`tag`), at an address of the data subnet, at one of the private endpoints, or outside. An image
that is pulled, a queue that is emptied and a metric that is read are opened by the machine, not by the service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.design.model import Component, Connection

__all__ = ["ENDPOINTS", "Flow", "crosses", "egress", "flows", "ingress", "machines", "port_of", "tagged"]

# What each private endpoint answers for, by the name of its component; the plan counts these four.
ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    "files": ("storage",),
    "secrets": ("secretmanager",),
    "registry": ("artifactregistry",),
    "logs": ("logging", "monitoring", "cloudtrace", "telemetry"),
}
_AT_ENDPOINT = {"files": "files", "secrets": "secrets", "registry": "registry", "logs": "logs", "metrics": "logs",
                "traces": "logs"}  # fmt: skip
_ENTRY = ("load_balancer", "api_gateway")
_SERVERLESS = ("containers", "functions")


@dataclass(frozen=True, slots=True)
class Flow:
    """One connection as the network sees it: `opener` to `listener`, component ids; or a place ("data", "internet",
    "google-apis", an endpoint) where the listener has no machine; shared: whether one end is a tool that only
    production runs."""

    opener: str
    listener: str
    place: str
    port: int
    label: str
    shared: bool


def machines(b: Blueprint) -> tuple[Component, ...]:
    """The tools that the team runs itself, on machines in the application subnet of the first site."""
    return tuple(c for c in b.topology.components if _is_tool(c))


def _is_tool(c: Component) -> bool:
    return bool(c.sku and c.region) and c.role not in ("compute", "database", "cache")


def tagged(b: Blueprint) -> Iterator[str]:
    """The components that machines or containers with addresses in the network belong to, by id."""
    return (c.id for c in b.topology.components if c.role == "compute" or _is_tool(c))


def _serverless(b: Blueprint) -> bool:
    return b.choice("infrastructure.compute") in _SERVERLESS


def _swapped(b: Blueprint, x: Connection, inside: frozenset[str]) -> bool:
    """Whether the target opens it: what is pulled, and what comes from a service that has no machine."""
    balanced = b.component(x.source).role in _ENTRY and b.component(x.target).role == "compute"
    managed = b.component(x.source).service in b.provider.services and x.source not in inside
    return x.label == "pull" or (managed and not balanced and x.target in inside)


def _place(b: Blueprint, id: str) -> str:
    """Where in the network a component without a machine is reached."""
    component = b.component(id)
    if component.role == "nat":
        return "internet"
    if component.role in ("database", "cache") and component.boundary.startswith("subnet") and component.sku:
        return "data"
    if component.service not in b.provider.services:
        return "internet"
    plain = id.removesuffix("-2")
    return _AT_ENDPOINT.get(plain, "google-apis") if b.has("endpoints") else "google-apis"


def flows(b: Blueprint) -> Iterator[Flow]:
    """Every connection that a machine or container of the design opens or takes, once each."""
    inside = frozenset(tagged(b))
    tools = {c.id for c in machines(b)}
    seen = set()
    for x in b.topology.connections:
        opener, listener = (x.target, x.source) if _swapped(b, x, inside) else (x.source, x.target)
        flow = _flow(b, x, opener, listener, inside, bool({opener, listener} & tools))
        if flow and (opener, listener, x.port) not in seen:
            seen.add((opener, listener, x.port))
            yield flow


def _flow(b: Blueprint, x: Connection, opener: str, listener: str, inside: frozenset[str], shared: bool) -> Flow | None:
    told = f"{opener} to {listener}: {x.label}"
    if b.component(opener).role in _ENTRY:
        taken = listener in inside and not _serverless(b)
        return Flow(opener, listener, "", x.port, told, shared) if taken else None
    if opener not in inside:
        return None
    released = b.component(opener).role == "pipeline"  # a pipeline works on Google's API, not on the machines
    answers = listener in inside and not released and b.component(listener).role != "compute"
    place = "" if answers else "google-apis" if released else _place(b, listener)
    return Flow(opener, listener, place, x.port, told, shared)


def port_of(b: Blueprint, tool: str) -> int:
    """The port that a tool is reached at: that of the first connection to it, 443 if there is none."""
    return next((f.port for f in flows(b) if f.listener == tool and not f.place), 443)


# --- rules of one network --------------------------------------------------------------------------------


def _at(b: Blueprint, site: Site, id: str) -> bool:
    return b.component(id).region == site.region.id


def crosses(b: Blueprint) -> bool:
    """Whether a machine of one site opens a connection to a machine of the other."""
    return any(not f.place and b.component(f.opener).region != b.component(f.listener).region for f in flows(b))


def ingress(b: Blueprint, site: Site, shared: bool) -> dict[str, dict[str, Any]]:
    """What the machines of a site take: rule by name. `from` is a component's tag or a named range."""
    rules = {}
    for f in flows(b):
        if f.place or f.shared != shared or not _at(b, site, f.listener):
            continue
        source, target = f.opener.removesuffix("-2"), f.listener.removesuffix("-2")
        balanced = source == "entry"
        rules[f"{source}-{target}-{f.port}" if _at(b, site, f.opener) else f"{f.opener}-{target}-{f.port}"] = {
            "description": f.label,
            "target": target,
            "tags": [] if balanced or not _at(b, site, f.opener) else [source],
            "ranges": _sources(b) if balanced else [] if _at(b, site, f.opener) else ["peer"],
            "port": f.port,
        }
    return rules | _health(b, site, shared)


def _sources(b: Blueprint) -> list[str]:
    """An external load balancer's proxies and probes share their ranges; an internal one's proxies have a subnet."""
    return ["load-balancer"] if b.requirements.public_facing else ["load-balancer", "proxies"]


def _health(b: Blueprint, site: Site, shared: bool) -> dict[str, dict[str, Any]]:
    """Google's health checks, which replace machines that do not answer."""
    if shared:
        probed = {c.id.removesuffix("-2"): port_of(b, c.id) for c in machines(b) if _at(b, site, c.id)}
    else:
        probed = {"compute": 8443} if b.choice("infrastructure.compute") == "vms" else {}
    return {
        f"health-{id}-{port}": {"description": f"Health checks of {id}", "target": id, "tags": [],
                                "ranges": ["load-balancer"], "port": port}
        for id, port in probed.items()
    }  # fmt: skip


def egress(b: Blueprint, site: Site, shared: bool) -> dict[str, dict[str, Any]]:
    """What the machines of a site open: rule by name. `to` is a named range."""
    inside = frozenset(tagged(b))
    rules = {}
    for f in flows(b):
        if f.shared != shared or f.opener not in inside or not _at(b, site, f.opener):
            continue
        here = _at(b, site, f.listener)
        source = f.opener.removesuffix("-2")
        target = f.listener if not f.place and not here else f.listener.removesuffix("-2")
        rules[f"{source}-{target}-{f.port}"] = {
            "description": f.label,
            "source": source,
            "to": f.place or ("app" if here else "peer"),
            "port": f.port,
        }
    return rules
