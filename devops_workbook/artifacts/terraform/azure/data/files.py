"""Files: a storage account with versions, in which nothing is public and no key exists; replicated where the design
has a second place for them."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import (
    COPIES,
    LOGGED,
    NO_ENDPOINT,
    NO_KEYS,
    NO_QUEUES,
    PRIVATE_ZONES,
    Made,
    diagnostics,
    endpoint,
    group,
    keyed,
    location,
    protected,
    replication,
    tags,
    taken,
    unique,
)  # fmt: skip
from devops_workbook.artifacts.terraform.azure.data.sql import entry_of
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["account", "account_skips", "doors", "encrypted", "files", "replicated", "swept", "version_days"]

CONTAINER = "files"
_STATES = {"production": "Locked", "staging": "Unlocked", "development": "Disabled"}


def files(b: Blueprint, m: Module, made: Made, first: Made | None) -> None:
    """Writes the files of a site into its data module."""
    storage = account(
        b, m, made, "files", "files", unique(m, b, "files_account", "files", "storage account of files", 24)
    )
    container = m.resource(
        "azurerm_storage_container", "files", "files", file="files", name=CONTAINER, storage_account_id=storage.id,
        container_access_type="private", skips={"CKV2_AZURE_21": LOGGED},
    )  # fmt: skip
    swept(b, m, storage, "files")
    m.resource(
        "azurerm_management_lock", "files", "files", file="files", count=raw(f"{protected(m, b)} ? 1 : 0"),
        name="files",
        scope=storage.id, lock_level="CanNotDelete", notes="Holds data that cannot be made again.",
    )  # fmt: skip
    if b.has("endpoints"):
        endpoint(m, made, "endpoints", "files", storage.id, "blob", PRIVATE_ZONES["blob-storage"], file="files")
    diagnostics(m, b, made, "files", "files", template(storage.id, "/blobServices/default"), file="files")
    if first is not None:
        source = m.variable(
            "primary_files_id", "string", "Storage account of the first site.", first["data"].wire("files_id")
        )
        replicated(b, m, source, storage, container)
    m.output("files_id", storage.id, "Storage account of files.")
    m.output("files_container_id", container.id, "Container of files; what may reach them is granted on it.")
    m.output("files_endpoint", storage.primary_blob_endpoint, "Address of the files.", exported=True)


def account(b: Blueprint, m: Module, made: Made, resource: str, component: str, called: Any, days: int | None = None,
            file: str = "files", immutable: bool | None = None) -> Ref:  # fmt: skip
    """A storage account. days: for which versions and what was deleted are kept; immutable: whether nobody may delete
    them before that, None = as the design says."""
    assert m.site
    kept = version_days(b, component) if days is None else days
    copies = m.variable(
        f"{resource}_replication", "string", "How copies are kept: ZRS = in three zones, LRS = in one.",
        replication(b, m.site),
        checks=[(f'contains(["LRS", "ZRS"], var.{resource}_replication)',
        f"{resource}_replication must be LRS or ZRS.")],
    )  # fmt: skip
    body = _frozen(b, m, kept) if (_immutable(b, component) if immutable is None else immutable) else {}
    return m.resource(
        "azurerm_storage_account", resource, component, file=file, skips=account_skips(b, b.has("endpoints")),
        why=b.why("disaster_recovery.backup"),
        name=called, location=location(m), resource_group_name=group(m, made), account_kind="StorageV2",
        account_tier="Standard", account_replication_type=copies, min_tls_version="TLS1_2",
        https_traffic_only_enabled=True,
        allow_nested_items_to_be_public=False, shared_access_key_enabled=False, local_user_enabled=False,
        default_to_oauth_authentication=True, cross_tenant_replication_enabled=False,
        infrastructure_encryption_enabled=True, **doors(b, m, made), **encrypted(b, m, made, "files"), **body,
        blob_properties=Nested(
            versioning_enabled=True, change_feed_enabled=True, change_feed_retention_in_days=kept,
            delete_retention_policy=Nested(days=kept), container_delete_retention_policy=Nested(days=kept),
        ),
        sas_policy=Nested(expiration_period="00.01:00:00", expiration_action="Block"),
        tags=tags(m, component),
    )  # fmt: skip


def account_skips(b: Blueprint, reached: bool) -> dict[str, str]:
    """Checks that an account of blobs does not meet. reached: whether it has a private endpoint."""
    found = {"CKV_AZURE_33": NO_QUEUES, "CKV_AZURE_206": COPIES}
    if not keyed(b):
        found["CKV2_AZURE_1"] = NO_KEYS
    if not reached:
        found |= {"CKV2_AZURE_33": NO_ENDPOINT}
    if not b.has("endpoints"):
        found |= {"CKV_AZURE_59": NO_ENDPOINT}
    return found


def version_days(b: Blueprint, component: str) -> int:
    """Days for which replaced and deleted files are kept."""
    kept = [s.retention_days for s in b.assessment.recovery.backups if s.data == "files" and s.component == component]
    return max((round(days) for days in kept), default=round(b.catalog.assumptions["file_version_days"].value or 30))


def _immutable(b: Blueprint, component: str) -> bool:
    return any(s.immutable for s in b.assessment.recovery.backups if s.data == "files" and s.component == component)


def _frozen(b: Blueprint, m: Module, days: int) -> dict[str, Any]:
    """Versions that nobody can delete before their time, not even the account's owner once the policy is locked."""
    told = "State of the immutability policy: Locked cannot be undone, Unlocked can, Disabled freezes nothing."
    check = ('contains(["Locked", "Unlocked", "Disabled"], var.immutability)',
             "immutability must be Locked, Unlocked or Disabled.")  # fmt: skip
    state = m.variable("immutability", "string", told, b.each(lambda e: _STATES[e.environment]),
                       why=b.why("disaster_recovery.backup"), checks=(check,))  # fmt: skip
    policy = Nested(period_since_creation_in_days=days, state=state, allow_protected_append_writes=False)
    return {"immutability_policy": policy}


def doors(b: Blueprint, m: Module, made: Made) -> dict[str, Any]:
    """Who reaches the account: private endpoints where the design has them, else the subnet of the application."""
    if b.has("endpoints"):
        rules: dict[str, Any] = {"default_action": "Deny", "bypass": ["AzureServices"]}
        return {"public_network_access_enabled": False, "network_rules": Nested(**rules)}
    subnets = taken(m, made, "network", "app_subnet_ids", "list(string)", "Subnets of the application.")
    rules = {"default_action": "Deny", "bypass": ["AzureServices"], "virtual_network_subnet_ids": subnets}
    return {
        "public_network_access_enabled": Noted(
            True, "The design has no private endpoints; only the subnets below get in."
        ),
        "network_rules": Nested(**rules),
    }


def encrypted(b: Blueprint, m: Module, made: Made, use: str) -> dict[str, Any]:
    """The team's key where it has its own. The id has no version, so that a new version is taken up by itself."""
    if not keyed(b):
        return {}
    key = m.variable(f"{use}_key_id", "string", f"Key that encrypts {use}, without a version.",
                     entry_of(made["security"].wire("key_ids"), use))  # fmt: skip
    identity = taken(m, made, "security", "encryption_identity_id", "string", "Identity that may use the keys.")
    return {
        "identity": Nested(type="UserAssigned", identity_ids=[identity]),
        "customer_managed_key": Noted(
            Nested(key_vault_key_id=key, user_assigned_identity_id=identity), b.why("infrastructure.security")
        ),
    }


def swept(b: Blueprint, m: Module, storage: Ref, component: str, file: str = "files") -> None:
    """Moves what was replaced to the cool tier, as it is billed, and deletes it when its time is over."""
    days = version_days(b, component)
    m.resource(
        "azurerm_storage_management_policy", "files", component, file=file, storage_account_id=storage.id,
        rule=Nested(
            name="versions", enabled=True, filters=Nested(blob_types=["blockBlob"]),
            actions=Nested(version=Nested(change_tier_to_cool_after_days_since_creation=1,
            delete_after_days_since_creation=days)),
        ),
    )  # fmt: skip


def replicated(b: Blueprint, m: Module, source: Ref, storage: Ref, container: Ref, file: str = "files") -> None:
    """Copies every file that is written in the first region into this one."""
    m.resource(
        "azurerm_storage_object_replication", "files", "files", file=file, why=b.why("disaster_recovery.backup"),
        source_storage_account_id=source, destination_storage_account_id=storage.id,
        rules=Nested(source_container_name=CONTAINER, destination_container_name=container.name,
                     copy_blobs_created_after="Everything"),
    )  # fmt: skip
