"""Memorystore for Redis Cluster: a shard or several, each with a replica in another zone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import labels, named, production, project, region, zone_names
from devops_workbook.artifacts.terraform.gcp.parts import Parts, encrypted, key
from devops_workbook.artifacts.terraform.hcl import Nested, Ref, raw
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.design.deployments import Size

__all__ = ["cache"]

_CACHING = "scaling.caching"
_CLASS = "gcp-memorystore-redis"  # https://cloud.google.com/memorystore/docs/cluster/networking (2026-11)


def cache(m: Module, b: Blueprint, site: Site, parts: Parts) -> None:
    """The cache of a site, where the design has one."""
    component = site.id("cache")
    if not b.has(component):
        m.output("cache_endpoint", None, "Address of the cache: the design has none.")
        return
    policy = m.resource(
        "google_network_connectivity_service_connection_policy", "cache", "cache", file="cache",
        why="Lets the service make its endpoints in the data subnet.", project=project(m),
        name=named(m, site, "cache"), location=region(m, site), service_class=_CLASS, network=parts.network_id(m),
        labels=labels("cache", m, site), psc_config=Nested(subnetworks=[parts.subnet(m, "data")]),
    )  # fmt: skip
    cluster = _cluster(m, b, site, parts, component, policy)
    address = raw(f"one({cluster}[*].discovery_endpoints[0].address)")
    m.output("cache_endpoint", address, "Address that clients discover the cache at; null = it is not running.",
             exported=True)  # fmt: skip


def _cluster(m: Module, b: Blueprint, site: Site, parts: Parts, component: str, policy: Ref) -> Ref:
    running = m.variable("cache_enabled", "bool", "Whether the cache runs; a pilot light starts it at the failover.",
                         b.sized(component, lambda s: s.maximum > 0))  # fmt: skip
    return m.resource(
        "google_redis_cluster", "this", "cache", file="cache", why=b.why(_CACHING), count=raw(f"{running} ? 1 : 0"),
        project=project(m), name=named(m, site, "cache"), region=region(m, site), node_type=_node(m, b, component),
        shard_count=_shards(m, b, component), replica_count=_replicas(m, b, component),
        transit_encryption_mode="TRANSIT_ENCRYPTION_MODE_SERVER_AUTHENTICATION",
        authorization_mode="AUTH_MODE_IAM_AUTH", deletion_protection_enabled=production(m, b),
        redis_configs={"maxmemory-policy": "allkeys-lru"},
        **encrypted("kms_key", key(m, b, parts.security, "database")),
        psc_configs=Nested(network=parts.network_id(m)), **_zones(m, b, site, component), depends_on=[policy],
    )  # fmt: skip


def _type(size: Size) -> tuple[str, int]:
    """Node type as the API spells it, and shards: "redis-highmem-xlarge-x3" is three shards."""
    plain, _, last = size.sku.rpartition("-x")
    plain, shards = (plain, int(last)) if last.isdigit() else (size.sku, 1)
    return plain.replace("-", "_").upper(), shards


def _node(m: Module, b: Blueprint, component: str) -> Ref:
    return m.variable("cache_node", "string", "Node type of the cache.", b.sized(component, lambda s: _type(s)[0]),
                      why=b.why(_CACHING),
                      checks=(('contains(["REDIS_SHARED_CORE_NANO", "REDIS_STANDARD_SMALL", "REDIS_HIGHMEM_MEDIUM", '
                               '"REDIS_HIGHMEM_XLARGE"], var.cache_node)', "cache_node must be a node type of "
                               "Memorystore for Redis Cluster."),))  # fmt: skip


def _shards(m: Module, b: Blueprint, component: str) -> Ref:
    check = ("var.cache_shards >= 1 && var.cache_shards <= 250", "cache_shards must be 1 to 250.")
    return m.variable("cache_shards", "number", "Shards that keys are spread over.",
                      b.sized(component, lambda s: _type(s)[1]), checks=(check,))  # fmt: skip


def _replicas(m: Module, b: Blueprint, component: str) -> Ref:
    return m.variable("cache_replicas", "number", "Replicas of each shard.",
                      b.sized(component, lambda s: max(0, s.maximum - 1)),
                      checks=(("var.cache_replicas >= 0 && var.cache_replicas <= 2",
                               "cache_replicas must be 0 to 2."),))  # fmt: skip


def _zones(m: Module, b: Blueprint, site: Site, component: str) -> Mapping[str, Any]:
    value = b.sized(component, lambda s: "MULTI_ZONE" if s.zones > 1 else "SINGLE_ZONE")
    spread = m.variable("cache_spread", "string", "MULTI_ZONE or SINGLE_ZONE.", value,
                        checks=(('contains(["MULTI_ZONE", "SINGLE_ZONE"], var.cache_spread)',
                                 "cache_spread must be MULTI_ZONE or SINGLE_ZONE."),))  # fmt: skip
    zone = m.variable("cache_zone", "string", "Zone of a cache that keeps to one.",
                      zone_names(site, 1)[0])  # fmt: skip
    return {"zone_distribution_config": Nested(mode=spread, zone=raw(f'{spread} == "SINGLE_ZONE" ? {zone} : null'))}
