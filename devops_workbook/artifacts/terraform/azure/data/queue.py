"""The queue that holds work until a worker takes it: Service Bus, with dead letters, without keys."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import (
    NO_ENDPOINT,
    NO_KEYS,
    PRIVATE_ZONES,
    Made,
    diagnostics,
    endpoint,
    group,
    keyed,
    location,
    tags,
    taken,
    unique,
)  # fmt: skip
from devops_workbook.artifacts.terraform.azure.data.sql import entry_of
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, raw
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["intake"]

_ATTEMPTS = 5  # deliveries after which a message that nobody can work off is set aside


def intake(b: Blueprint, m: Module, made: Made, first: Made | None) -> None:
    """Writes the queue of a site into its data module."""
    del first  # every site has its own
    namespace = m.resource(
        "azurerm_servicebus_namespace", "this", "intake", file="intake", why=b.why("scaling.autoscaling"),
        skips=_skips(b), name=unique(m, b, "intake_namespace", "bus", "namespace of the queue"),
        location=location(m), resource_group_name=group(m, made), minimum_tls_version="1.2",
        local_auth_enabled=Noted(False, "A key that does not exist cannot leak."), **_tier(b), **_key(b, m, made),
        tags=tags(m, "intake"),
    )  # fmt: skip
    queue = m.resource(
        "azurerm_servicebus_queue", "work", "intake", file="intake", name="work", namespace_id=namespace.id,
        lock_duration=Noted(_lock(b), "The longest that one piece of work may take before another worker gets it."),
        max_delivery_count=Noted(_ATTEMPTS, "After this many attempts a message goes to the dead letters."),
        dead_lettering_on_message_expiration=True, batched_operations_enabled=True,
    )  # fmt: skip
    if _premium(b):
        endpoint(m, made, "endpoints" if b.has("endpoints") else "intake", "intake", namespace.id, "namespace",
                 PRIVATE_ZONES["service-bus"], file="intake")  # fmt: skip
    diagnostics(m, b, made, "intake", "intake", namespace.id, file="intake")
    m.output("intake_id", queue.id, "The queue.")
    m.output("intake_name", queue.name, "Name of the queue.")
    m.output("intake_namespace_id", namespace.id, "Namespace of the queue.")
    m.output(
        "intake_endpoint", raw(f'"${{{namespace}.name}}.servicebus.windows.net"'), "Host of the queue.", exported=True
    )


def _skips(b: Blueprint) -> dict[str, str]:
    found = {} if keyed(b) else {"CKV_AZURE_201": NO_KEYS, "CKV_AZURE_199": NO_KEYS}
    return found if _premium(b) else found | {"CKV_AZURE_204": NO_ENDPOINT}


def _premium(b: Blueprint) -> bool:
    return keyed(b) or b.has("endpoints")


def _tier(b: Blueprint) -> dict[str, Any]:
    if not _premium(b):
        return {"sku": "Standard", "public_network_access_enabled": True}
    why = "Private endpoints and keys of the team's own are to be had in this tier only."
    return {
        "sku": Noted("Premium", why), "capacity": 1, "premium_messaging_partitions": 1,
        "public_network_access_enabled": False,
    }  # fmt: skip


def _key(b: Blueprint, m: Module, made: Made) -> dict[str, Any]:
    if not keyed(b):
        return {"identity": Nested(type="SystemAssigned")}
    key = m.variable("intake_key_id", "string", "Key that encrypts messages, without a version.",
                     entry_of(made["security"].wire("key_ids"), "files"))  # fmt: skip
    identity = taken(m, made, "security", "encryption_identity_id", "string", "Identity that may use the keys.")
    return {
        "identity": Nested(type="UserAssigned", identity_ids=[identity]),
        "customer_managed_key": Noted(
            Nested(key_vault_key_id=key, identity_id=identity, infrastructure_encryption_enabled=True),
            b.why("infrastructure.security"),
        ),
    }


def _lock(b: Blueprint) -> str:
    """As long as a piece of work may take: ten times its mean, between 30 seconds and the limit of 5 minutes."""
    seconds = min(300, max(30, round(b.requirements.service_time_ms / 100)))
    return f"PT{seconds // 60}M{seconds % 60}S" if seconds >= 60 else f"PT{seconds}S"
