"""The stream that holds events until a worker takes them: Event Hubs, spoken to as Kafka or AMQP, without keys."""

from __future__ import annotations

import math
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
    taken,
    unique,
)  # fmt: skip
from devops_workbook.artifacts.terraform.azure.data.sql import entry_of
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, raw
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["intake"]

_MOST_UNITS = 40  # throughput units of a Standard namespace, MicrosoftDocs/azure-docs, event-hubs-quotas
_MOST_PARTITIONS = {"Standard": 32, "Premium": 100}  # of one event hub, likewise
_UNITS_OF_PREMIUM = 5  # throughput units that a processing unit replaces: 5 to 10 MB/s, event-hubs-premium-overview
_PREMIUM = (1, 2, 4, 8, 16)  # processing units that can be bought
_HOURS = {"Standard": 168, "Premium": 168}


def intake(b: Blueprint, m: Module, made: Made, first: Made | None) -> None:
    """Writes the stream of a site into its data module."""
    del first  # every site has its own
    tier = "Premium" if keyed(b) else "Standard"
    namespace = m.resource(
        "azurerm_eventhub_namespace", "this", "intake", file="intake", why=b.why("scaling.autoscaling"),
        name=unique(m, b, "intake_namespace", "events", "namespace of the stream"), location=location(m),
        resource_group_name=group(m, made), sku=_tier(b), capacity=_capacity(b, m, tier), minimum_tls_version="1.2",
        local_authentication_enabled=Noted(False, "A key that does not exist cannot leak."), **_doors(b, m, made),
        **_identity(b, m, made), tags=tags(m, "intake"),
    )  # fmt: skip
    hub = m.resource(
        "azurerm_eventhub", "work", "intake", file="intake", name="work", namespace_id=namespace.id,
        partition_count=_partitions(b, m, tier),
        retention_description=Nested(cleanup_policy="Delete", retention_time_in_hours=_HOURS[tier]),
    )  # fmt: skip
    m.resource(
        "azurerm_eventhub_consumer_group", "workers", "intake", file="intake", name="workers",
        namespace_name=namespace.name, eventhub_name=hub.name, resource_group_name=group(m, made),
    )  # fmt: skip
    if keyed(b):
        key = m.variable("intake_key_id", "string", "Key that encrypts events, without a version.",
                         entry_of(made["security"].wire("key_ids"), "files"))  # fmt: skip
        m.resource(
            "azurerm_eventhub_namespace_customer_managed_key", "this", "intake", file="intake",
            why=b.why("infrastructure.security"), eventhub_namespace_id=namespace.id, key_vault_key_ids=[key],
            user_assigned_identity_id=raw("var.encryption_identity_id"), infrastructure_encryption_enabled=True,
        )  # fmt: skip
    if b.has("endpoints"):
        endpoint(m, made, "endpoints", "intake", namespace.id, "namespace", PRIVATE_ZONES["event-hubs"], file="intake")
    diagnostics(m, b, made, "intake", "intake", namespace.id, file="intake")
    m.output("intake_id", hub.id, "The stream.")
    m.output("intake_name", hub.name, "Name of the stream.")
    m.output("intake_namespace_id", namespace.id, "Namespace of the stream.")
    m.output(
        "intake_endpoint", raw(f'"${{{namespace}.name}}.servicebus.windows.net"'), "Host of the stream.", exported=True
    )


def _tier(b: Blueprint) -> Any:
    return Noted("Premium", "Keys of the team's own are to be had in this tier only.") if keyed(b) else "Standard"


def _capacity(b: Blueprint, m: Module, tier: str) -> Any:
    """Throughput units, one for each shard of the plan; of Premium the processing units that carry as much."""

    def units(shards: int) -> int:
        if tier == "Standard":
            return min(_MOST_UNITS, max(1, shards))
        return next((n for n in _PREMIUM if n * _UNITS_OF_PREMIUM >= shards), _PREMIUM[-1])

    told = "Throughput units of the stream." if tier == "Standard" else "Processing units of the stream."
    return sized(m, b, "intake", "intake_units", "number", told, lambda s: units(s.minimum), b.why("scaling.capacity"))


def _partitions(b: Blueprint, m: Module, tier: str) -> Any:
    """One for each shard and at least one for each worker at the planned peak, so that none of them idles."""
    assert m.site
    compute = m.site.id("compute")
    most = _MOST_PARTITIONS[tier]
    told = "Partitions of the stream: the most workers that can take events at once."
    workers = b.sized(compute, lambda s: min(most, max(2, math.ceil(s.maximum))))
    return m.variable("intake_partitions", "number", told, workers)


def _doors(b: Blueprint, m: Module, made: Made) -> dict[str, Any]:
    rules: dict[str, Any] = {"default_action": "Deny", "trusted_service_access_enabled": True}
    if b.has("endpoints"):
        return {
            "public_network_access_enabled": False,
            "network_rulesets": Nested(public_network_access_enabled=False, **rules),
        }
    subnets = taken(m, made, "network", "app_subnet_ids", "list(string)", "Subnets of the application.")
    return {
        "public_network_access_enabled": Noted(
            True, "The design has no private endpoints; only the subnet below gets in."
        ),
        "network_rulesets": Nested(
            public_network_access_enabled=True, **rules, virtual_network_rule=Nested(subnet_id=subnets[0])
        ),
    }


def _identity(b: Blueprint, m: Module, made: Made) -> dict[str, Any]:
    if not keyed(b):
        return {}
    identity = taken(m, made, "security", "encryption_identity_id", "string", "Identity that may use the keys.")
    return {"identity": Nested(type="UserAssigned", identity_ids=[identity])}
