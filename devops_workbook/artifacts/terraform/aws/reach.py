"""Who may reach whom inside the network: the topology's connections, and nothing else.

A connection between two things that stand in the network is two rules, one at each end, told by its label. What comes
from outside is let in where the last hop of the request path is; what goes to a managed service leaves through the
interface endpoints, through the free gateway endpoints of S3 and DynamoDB, or through address translation. Answers need
no rule, and the network's resolver is not subject to any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.design.model import Component, Connection

__all__ = ["Rule", "attached", "balanced", "gateway_services", "in_front", "intake_is_direct", "is_tool", "rules"]

# Managed services that the network reaches through a free gateway endpoint.
_GATEWAYS = ("s3", "dynamodb")
_HTTPS = 443


@dataclass(frozen=True, slots=True)
class Rule:
    """One way that is open: from a component to a component (ids of the first site), or to or from a peer outside:
    "internet", "clients" (the company network), "cdn", "s3", "dynamodb"."""

    source: str
    target: str
    port: int
    label: str


def is_tool(b: Blueprint, component: Component) -> bool:
    """Whether it runs on machines that the team keeps for its tools."""
    return component.service in b.catalog.tools and bool(component.sku) and bool(component.region)


def balanced(b: Blueprint) -> bool:
    """Whether a load balancer stands in the network: as the entry, or behind a gateway that reaches machines."""
    if b.component("entry").role == "load_balancer":
        return True
    return not b.has("intake") and _kind(b, "compute") != "functions"


def intake_is_direct(b: Blueprint) -> bool:
    """Whether the entry writes to the intake by itself, as API Gateway can; behind a load balancer the service does."""
    return b.has("intake") and b.component("entry").role == "api_gateway"


def in_front(b: Blueprint) -> bool:
    """Whether CloudFront stands before the entry: as the CDN, or to carry the firewall, which HTTP APIs do not take."""
    return b.has("cdn") or (b.has("waf") and b.component("entry").role == "api_gateway")


def gateway_services(b: Blueprint) -> tuple[str, ...]:
    """The services reached through gateway endpoints: S3 always, from which images are read, and what is used."""
    used = {b.component(id).service for id in ("database", "files") if b.has(id)}
    return tuple(s for s in _GATEWAYS if s in used or s == "s3")


def _kind(b: Blueprint, id: str) -> str:
    return b.provider.services[b.component(id).service].kind


def attached(b: Blueprint) -> tuple[str, ...]:
    """The components of the first site that have a security group."""
    has = [x for x in ("entry", "compute", "database", "cache", "endpoints") if b.has(x)]
    outside = {"entry": not balanced(b), "database": _kind(b, "database") == "nosql"}
    return tuple(x for x in has if not outside.get(x))


def rules(b: Blueprint) -> tuple[Rule, ...]:
    """The open ways of one site, each once."""
    found = dict.fromkeys(rule for x in b.topology.connections for rule in _rules(b, x))
    return tuple(found)


def _rules(b: Blueprint, x: Connection) -> Iterator[Rule]:
    here = attached(b)
    if x.target == "entry":
        yield from _coming_in(b, x)
    elif x.source == "entry" and x.kind != "telemetry":
        yield from _from_entry(b, x)
    elif x.source == "compute" and (peer := _peer(b, x.target)):
        yield Rule(x.source, peer, x.port, x.label)
    elif x.source == "compute" and x.target in here:
        yield Rule(x.source, x.target, x.port, x.label)


def _peer(b: Blueprint, target: str) -> str:
    """Where a managed service is for whoever looks from inside: "" for what stands in the network."""
    if target == "nat":
        return "internet"
    service = b.component(target).service
    return service if service in gateway_services(b) else ""


def _coming_in(b: Blueprint, x: Connection) -> Iterator[Rule]:
    if not balanced(b):
        return
    if b.component("entry").role == "api_gateway":
        yield Rule("entry", "entry", _HTTPS, "from the gateway's link to the load balancer")
    elif in_front(b):
        yield Rule("cdn", "entry", x.port, "HTTPS from the CDN")
    else:
        yield Rule("internet" if b.requirements.public_facing else "clients", "entry", x.port, "HTTPS from users")


def _from_entry(b: Blueprint, x: Connection) -> Iterator[Rule]:
    """To the compute; a load balancer cannot write to a queue, so there the service accepts what it will work on."""
    if not balanced(b) or _kind(b, "compute") == "functions":
        return
    if x.target == "compute":
        yield Rule("entry", "compute", x.port, x.label)
    elif x.target == "intake":
        yield Rule("entry", "compute", _SERVICE, "what is to be queued")


_SERVICE = 8443  # where the service listens, as in the topology
