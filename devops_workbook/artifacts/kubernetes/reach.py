"""Who may reach whom: nobody, but for the connections of the design.

Addresses are those of the address plan. A managed service with a public name is reached over HTTPS anywhere outside
private ranges; which of them, and with which rights, its identity decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.kubernetes.cluster import PORT, SELECTOR, Cluster, meta
from devops_workbook.artifacts.yaml import Noted
from devops_workbook.design.model import Connection, Network

__all__ = ["nothing", "policy"]

_PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
_HTTPS, _DNS = 443, 53
_HELD = ("database", "cache")
"""Roles that stand in the subnets of the data."""


def nothing() -> list[tuple[str, Any]]:
    """The policy by which pods of the namespace reach nothing and are reached by nobody, unless another allows it."""
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    return [("apiVersion", "networking.k8s.io/v1"), ("kind", "NetworkPolicy"), ("metadata", meta("nothing")),
            ("spec", spec)]  # fmt: skip


def policy(b: Blueprint, cluster: Cluster, fact: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The policy of the service in one cluster. fact: what the provider's clusters need beside the design."""
    incoming = [x for x in b.incoming(cluster.site.id("compute")) if x.kind == "request" and x.port == PORT]
    spec = {
        "podSelector": {"matchLabels": SELECTOR},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [_from(cluster, x, fact) for x in incoming],
        "egress": [*_names(), *_identity(fact), *_egress(b, cluster)],
    }
    return [("apiVersion", "networking.k8s.io/v1"), ("kind", "NetworkPolicy"), ("metadata", meta("service")),
            ("spec", spec)]  # fmt: skip


def _blocks(cidrs: Iterable[str]) -> list[dict[str, Any]]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def _ports(*ports: int, protocol: str = "TCP") -> list[dict[str, Any]]:
    return [{"protocol": protocol, "port": port} for port in ports]


def _tier(network: Network, tier: str) -> list[str]:
    return [s.cidr for s in network.subnets if s.tier == tier] or [network.cidr]


def _from(cluster: Cluster, x: Connection, fact: Mapping[str, Any]) -> dict[str, Any]:
    """What a connection from the entry lets in."""
    cidrs = fact["entry_from"] or _tier(cluster.network, "public")
    return {"from": Noted(_blocks(cidrs), f"{x.source} to {x.target}: {x.label}."), "ports": _ports(PORT)}


def _names() -> Iterator[dict[str, Any]]:
    """Names are looked up in the cluster."""
    system = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    yield {"to": [system], "ports": [*_ports(_DNS, protocol="UDP"), *_ports(_DNS)]}


def _identity(fact: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for cidr, port in fact["identity"]:
        yield {"to": Noted(_blocks([cidr]), "Where pods get their credentials."), "ports": _ports(port)}


def _egress(b: Blueprint, cluster: Cluster) -> Iterator[dict[str, Any]]:
    """What the connections that the service opens let out, each once."""
    told: dict[tuple[tuple[str, ...], int], list[Connection]] = {}
    for x in b.outgoing(cluster.site.id("compute")):
        told.setdefault((tuple(_where(b, cluster, x)), x.port), []).append(x)
    for (cidrs, port), connections in told.items():
        why = "; ".join(f"{x.source} to {x.target}" for x in connections) + "."
        public = [{"ipBlock": {"cidr": "0.0.0.0/0", "except": _PRIVATE}}] if not cidrs else _blocks(cidrs)
        yield {"to": Noted(public, why), "ports": _ports(port)}


def _where(b: Blueprint, cluster: Cluster, x: Connection) -> list[str]:
    """The addresses of a connection's target; none = anywhere outside private ranges."""
    component = b.component(x.target)
    if component.role in _HELD:
        return _tier(cluster.network, "data")
    if component.role == "private_endpoint":
        return [cluster.network.cidr]
    if component.sku and x.port != _HTTPS:
        return [cluster.shared.cidr]  # a tool on machines of the team
    return []
