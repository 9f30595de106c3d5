"""Where state lies: a storage account with one container for each configuration, made before anything else and with
state of its own.

Azure locks a state by a lease on its blob. Each environment has a container to itself, so that who may change one
cannot read the state of another.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.names import SHORT
from devops_workbook.artifacts.terraform.azure.common import (
    COPIES,
    LOGGED,
    NO_ENDPOINT,
    NO_KEYS,
    NO_QUEUES,
    PROVIDERS,
    keyed,
)
from devops_workbook.artifacts.terraform.azure.roots import SHARED, group_name, settings, state_account
from devops_workbook.artifacts.terraform.azure.security import key_body, key_skips
from devops_workbook.artifacts.terraform.azure.shared import once_variables, vault
from devops_workbook.artifacts.terraform.configuration import Once
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["bootstrap"]

_VERSIONS_DAYS = 90


def bootstrap(b: Blueprint) -> Once:
    """Where state lies."""
    about = (
        "The storage account that holds the state of every configuration, with its history. Apply it once, by hand; "
        "its own state stays in this folder: commit it, or keep it safe.",
    )
    m = Module("bootstrap", "Bootstrap", about, PROVIDERS)
    once_variables(m, b)
    m.local("name", b.names.of(SHARED))
    group = m.resource("azurerm_resource_group", "this", "pipeline", name=group_name(b, "state-rg"),
                       location=raw("var.location"), tags=raw("local.tags"))  # fmt: skip
    storage = _account(b, m, group)
    names = [SHORT.get(id, id) for id in (*(e.environment for e in b.environments), SHARED)]
    m.resource(
        "azurerm_storage_container", "state", "pipeline", for_each=call("toset", names), name=raw("each.key"),
        storage_account_id=storage.id, container_access_type="private",
        why="Each configuration has a container to itself: who may change one cannot read the state of another.",
        skips={"CKV2_AZURE_21": LOGGED},
    )  # fmt: skip
    m.resource(
        "azurerm_management_lock",
        "state",
        "pipeline",
        name="state",
        scope=storage.id,
        lock_level="CanNotDelete",
        notes="Holds the state of everything.",
    )
    _watched(b, m, group, storage)
    m.output("account", storage.name, "Storage account of the states.")
    return Once(m, settings(raw("var.subscription_id")))


def _watched(b: Blueprint, m: Module, group: Ref, storage: Ref) -> None:
    """Who read or changed a state is on record."""
    kept = b.requirements.log_retention_days
    workspace = m.resource(
        "azurerm_log_analytics_workspace",
        "state",
        "pipeline",
        name=f"{b.names.of(SHARED)}-state",
        location=raw("var.location"),
        resource_group_name=group.name,
        sku="PerGB2018",
        tags=raw("local.tags"),
        local_authentication_enabled=False,
        retention_in_days=Noted(
            min(730, max(30, kept)), f"Requirement: logs are kept for {kept} days; a workspace takes 30 to 730."
        ),
    )
    m.resource(
        "azurerm_monitor_diagnostic_setting", "state", "pipeline", name="logs", log_analytics_workspace_id=workspace.id,
        target_resource_id=template(storage.id, "/blobServices/default"), enabled_log=Nested(category_group="allLogs"),
    )  # fmt: skip


def _account(b: Blueprint, m: Module, group: Ref) -> Ref:
    copies = "ZRS" if b.sites[0].region.zones > 1 else "LRS"
    body: dict[str, Any] = {}
    if keyed(b):
        body = _encrypted(b, m, group)
    return m.resource(
        "azurerm_storage_account",
        "state",
        "pipeline",
        skips=_SKIPS | ({} if keyed(b) else {"CKV2_AZURE_1": NO_KEYS}),
        name=state_account(b),
        location=raw("var.location"),
        resource_group_name=group.name,
        account_kind="StorageV2",
        account_tier="Standard",
        account_replication_type=copies,
        min_tls_version="TLS1_2",
        https_traffic_only_enabled=True,
        allow_nested_items_to_be_public=False,
        shared_access_key_enabled=Noted(False, "Entra identities alone; a key that does not exist cannot leak."),
        local_user_enabled=False,
        default_to_oauth_authentication=True,
        cross_tenant_replication_enabled=False,
        infrastructure_encryption_enabled=True,
        **body,
        network_rules=Nested(default_action="Deny", bypass=["AzureServices"], ip_rules=raw("var.pipeline_addresses")),
        blob_properties=Nested(
            versioning_enabled=True,
            change_feed_enabled=True,
            delete_retention_policy=Nested(
                days=Noted(_VERSIONS_DAYS, "Every state of the last three months can be had back.")
            ),
            container_delete_retention_policy=Nested(days=_VERSIONS_DAYS),
        ),
        sas_policy=Nested(expiration_period="00.01:00:00", expiration_action="Block"),
        tags=raw("local.tags"),
    )


_SKIPS = {
    "CKV_AZURE_59": NO_ENDPOINT,
    "CKV2_AZURE_33": NO_ENDPOINT,
    "CKV_AZURE_206": COPIES,
    "CKV_AZURE_33": NO_QUEUES,
}


def _encrypted(b: Blueprint, m: Module, group: Ref) -> dict[str, Any]:
    """A vault and a key before everything else, since the state is the first thing to be kept."""
    box = vault(b, m, group, "state", "pipeline")
    identity = m.resource(
        "azurerm_user_assigned_identity",
        "state",
        "pipeline",
        name=f"{b.names.of(SHARED)}-state",
        location=raw("var.location"),
        resource_group_name=group.name,
        tags=raw("local.tags"),
    )
    key = m.resource(
        "azurerm_key_vault_key",
        "state",
        "pipeline",
        why=b.why("infrastructure.security"),
        name="state",
        key_vault_id=box.id,
        skips=key_skips(b),
        **key_body(b),
        tags=raw("local.tags"),
    )
    grant = m.resource(
        "azurerm_role_assignment",
        "state",
        "pipeline",
        scope=key.resource_versionless_id,
        principal_type="ServicePrincipal",
        role_definition_name="Key Vault Crypto Service Encryption User",
        principal_id=identity.principal_id,
    )
    return {
        "identity": Nested(type="UserAssigned", identity_ids=[identity.id]),
        "customer_managed_key": Nested(key_vault_key_id=key.versionless_id, user_assigned_identity_id=identity.id),
        "depends_on": [grant],
    }  # fmt: skip
