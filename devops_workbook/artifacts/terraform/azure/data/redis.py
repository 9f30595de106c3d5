"""Azure Managed Redis: two nodes where the environment spans zones, reached over a private endpoint, without keys."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import (
    PRIVATE_ZONES,
    Made,
    diagnostics,
    endpoint,
    group,
    keyed,
    location,
    sized,
    tags,
    unique,
)  # fmt: skip
from devops_workbook.artifacts.terraform.azure.data.sql import entry_of
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["cache"]


def cache(b: Blueprint, m: Module, made: Made, first: Made | None) -> None:
    """Writes the cache of a site into its data module."""
    del first  # every site warms a cache of its own
    sku = sized(m, b, "cache", "cache_sku", "string", "Size of the cache.", lambda s: s.sku, b.why("scaling.caching"))
    told = "Whether a second node takes over when the first fails."
    doubled = sized(m, b, "cache", "cache_highly_available", "bool", told, lambda s: s.zones > 1)
    body: dict[str, Any] = {}
    if keyed(b):
        key = m.variable("cache_key_id", "string", "Key that encrypts the cache, with its version.",
                         entry_of(made["security"].wire("key_version_ids"), "database"))  # fmt: skip
        identity = m.variable("encryption_identity_id", "string", "Identity that may use the keys.",
                              made["security"].wire("encryption_identity_id"))  # fmt: skip
        body = {
            "identity": Nested(type="UserAssigned", identity_ids=[identity]),
            "customer_managed_key": Nested(key_vault_key_id=key, user_assigned_identity_id=identity),
        }
    redis = m.resource(
        "azurerm_managed_redis", "this", "cache", file="cache", why=b.why("scaling.caching"),
        name=unique(m, b, "cache_name", "cache", "cache"), location=location(m), resource_group_name=group(m, made),
        sku_name=sku, high_availability_enabled=doubled, public_network_access="Disabled",
        default_database=Nested(
            client_protocol="Encrypted",
            clustering_policy=Noted("EnterpriseCluster",
            "One address for all shards, so that any Redis client will do."),
            eviction_policy=Noted("AllKeysLRU", "A cache that is full drops what was not asked for longest."),
            access_keys_authentication_enabled=False,
        ),
        **body, tags=tags(m, "cache"),
    )  # fmt: skip
    endpoint(m, made, "cache", "cache", redis.id, "redisEnterprise", PRIVATE_ZONES["azure-managed-redis"], file="cache")
    diagnostics(m, b, made, "cache", "cache", template(redis.id, "/databases/default"), file="cache")
    m.output("cache_id", redis.id, "The cache.")
    m.output("cache_endpoint", redis.hostname, "Host of the cache; it listens on port 10000.", exported=True)
