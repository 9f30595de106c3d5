"""Copies of data beyond what its service keeps itself, in the region of the service and in a second one.

Azure SQL keeps weekly, monthly and yearly copies itself, and copies them to the paired region: they are stated with the
database. Cosmos DB keeps thirty days and nothing longer. So a scheduled export of the pipeline writes its items into a
storage account here, under an identity that may do that and nothing else; what is written is copied to the second
region; and in each region a backup vault keeps the generations that the plan has there. Files without a second site
have their copy here too. Whoever deletes copies, or has them kept less long, is told on: that is how ransomware begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.azure.common import (
    LOGGED,
    PRIVATE_ZONES,
    PROVIDERS,
    Made,
    connected,
    endpoint,
    given,
    group,
    keyed,
    location,
    name,
    permission,
    suffix,
    tags,
    taken,
)
from devops_workbook.artifacts.terraform.azure.data.files import CONTAINER, account_skips, version_days
from devops_workbook.artifacts.terraform.azure.data.sql import entry_of
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.assess.model import BackupSet

__all__ = ["backup"]

_STATES = {"production": "Locked", "staging": "Unlocked", "development": "Disabled"}
_CRITERIA = {"yearly": "FirstOfYear", "monthly": "FirstOfMonth", "weekly": "FirstOfWeek"}
_SOFT_DAYS = 14  # what Azure keeps deleted copies for without a charge
_LANDED_DAYS = 7  # exports that no generation of the plan keeps are there long enough to be copied and looked at


@dataclass(frozen=True, slots=True)
class _Place:
    """Where copies are: the component ("backup" or "backup-2"), the ending of names, the region."""

    component: str
    ending: str
    location: Any
    zonal: bool


def backup(b: Blueprint, site: Site, made: Made) -> Module:
    """The copies of a design. site: the first; made: its modules."""
    about = (
        "Copies that outlive a mistake, an intruder or a region. Who administers the system cannot delete them before "
        "their time where the plan says so.",
        b.why("disaster_recovery.backup"),
    )
    m = Module("backup", "Backup: copies of data, here and in a second region.", about, PROVIDERS, site,
               b.each(lambda e: e.backed_up))  # fmt: skip
    name(m)
    suffix(m)
    exported = b.component("database").service == "cosmos-db"
    alone = len(b.sites) == 1 and b.has("files-2")
    places = _places(b, m) if exported or alone else ()
    if exported:
        _exports(b, m, made, places)
    if alone:
        _files(b, m, made, places[-1])
    _guarded(b, m, made)
    return m


def _places(b: Blueprint, m: Module) -> tuple[_Place, ...]:
    first = _Place("backup", "", location(m), b.sites[0].region.zones > 1)
    if b.backup_region is None:
        return (first,)
    there = m.variable(
        "backup_location", "string", "Second region, which keeps copies.", b.backup_region.id,
        why=b.why("disaster_recovery.backup"),
        checks=[('can(regex("^[a-z]+[0-9]?$", var.backup_location))', "backup_location must be a region's name.")],
    )  # fmt: skip
    return (first, _Place("backup-2", "_2", there, b.backup_region.zones > 1))


# --- exports of the database -----------------------------------------------------------------------------


def _exports(b: Blueprint, m: Module, made: Made, places: tuple[_Place, ...]) -> None:
    accounts = [_account(b, m, made, place, "copies") for place in places]
    containers = [
        m.resource(
            "azurerm_storage_container", f"database{place.ending}", place.component, name="database",
            storage_account_id=account.id, container_access_type="private", skips=_READS,
        )
        for place, account in zip(places, accounts, strict=True)
    ]  # fmt: skip
    if b.has("endpoints"):
        endpoint(m, made, "endpoints", "copies", accounts[0].id, "blob", PRIVATE_ZONES["blob-storage"])
    _exporter(b, m, made, containers[0])
    if len(places) > 1:
        m.resource(
            "azurerm_storage_object_replication", "database", ("backup", "backup-2"),
            why=f"Connection backup and backup-2: {connected(b, 'backup', 'backup-2')}.",
            source_storage_account_id=accounts[0].id, destination_storage_account_id=accounts[1].id,
            rules=Nested(source_container_name=containers[0].name, destination_container_name=containers[1].name,
                         copy_blobs_created_after="Everything"),
        )  # fmt: skip
    for place, account in zip(places, accounts, strict=True):
        if sets := _kept_by(b, place):
            _vault(b, m, made, place, account, sets)


_READS = {"CKV2_AZURE_21": LOGGED}


def _kept_by(b: Blueprint, place: _Place) -> Mapping[str, BackupSet]:
    """The generations of the database that a place keeps."""
    sets = b.assessment.recovery.backups
    return {s.generation: s for s in sets if s.data == "database" and s.component == place.component}


def _account(b: Blueprint, m: Module, made: Made, place: _Place, what: str) -> Ref:
    """A storage account for copies; what is replaced or deleted in it is kept as long as what is replaced elsewhere."""
    ending = place.ending.replace("_", "-")
    called = m.variable(
        f"{what}{place.ending}_account", "string", f"Name of the storage account of {what}; nobody else has it.",
        b.each(lambda e: b.names.compact(e.environment, f"{what}{ending}", 24)),
    )  # fmt: skip
    days = version_days(b, "files")
    return m.resource(
        "azurerm_storage_account", f"{what}{place.ending}", place.component if what == "copies" else "files-2",
        skips=account_skips(b, _reached(b, place, what)),
        why=b.why("disaster_recovery.backup"), name=called, location=place.location, resource_group_name=group(m, made),
        account_kind="StorageV2", account_tier="Standard", account_replication_type="ZRS" if place.zonal else "LRS",
        access_tier="Cool", min_tls_version="TLS1_2", https_traffic_only_enabled=True,
        allow_nested_items_to_be_public=False,
        shared_access_key_enabled=False, local_user_enabled=False, default_to_oauth_authentication=True,
        cross_tenant_replication_enabled=False, infrastructure_encryption_enabled=True,
        public_network_access_enabled=False,
        network_rules=Nested(default_action="Deny", bypass=Noted(["AzureServices"], "Azure Backup reads here.")),
        **_key(b, m, made),
        blob_properties=Nested(
            versioning_enabled=True, change_feed_enabled=True, change_feed_retention_in_days=days,
            delete_retention_policy=Nested(days=days), container_delete_retention_policy=Nested(days=days),
        ),
        sas_policy=Nested(expiration_period="00.01:00:00", expiration_action="Block"), tags=_tags(m, place, what),
    )  # fmt: skip


def _reached(b: Blueprint, place: _Place, what: str) -> bool:
    return b.has("endpoints") and what == "copies" and not place.ending


def _tags(m: Module, place: _Place, what: str) -> Any:
    component = place.component if what == "copies" else "files-2"
    tags(m, component)  # declares the variable
    return raw(f'merge(var.tags, {{ component = "{component}" }})')


def _key(b: Blueprint, m: Module, made: Made) -> dict[str, Any]:
    if not keyed(b):
        return {}
    key = m.variable("files_key_id", "string", "Key that encrypts copies, without a version.",
                     entry_of(made["security"].wire("key_ids"), "files"))  # fmt: skip
    identity = taken(m, made, "security", "encryption_identity_id", "string", "Identity that may use the keys.")
    return {
        "identity": Nested(type="UserAssigned", identity_ids=[identity]),
        "customer_managed_key": Nested(key_vault_key_id=key, user_assigned_identity_id=identity),
    }


def _exporter(b: Blueprint, m: Module, made: Made, container: Ref) -> None:
    """Who exports: reads the database, writes copies, and can delete neither."""
    identity = m.resource(
        "azurerm_user_assigned_identity", "exporter", "backup", why=b.why("security.access"),
        name=template(raw("var.name"), "-exporter", raw("var.site")), location=location(m),
        resource_group_name=group(m, made), tags=_tags(m, _Place("backup", "", "", False), "copies"),
    )  # fmt: skip
    fact = permission("cosmos-db", "backup")
    account = taken(m, made, "data", "database_id", "string", "The database account.")
    m.resource(
        "azurerm_cosmosdb_sql_role_assignment", "exporter", "backup",
        why=f"Connection database and backup: {connected(b, 'database', 'backup')}. {fact['note']}.",
        resource_group_name=taken(m, made, "data", "database_group", "string",
        "Resource group of the database account."),
        account_name=taken(m, made, "data", "database_account", "string", "Name of the database account."),
        role_definition_id=template(account, "/sqlRoleDefinitions/", fact["data_role"]), scope=account,
        principal_id=identity.principal_id,
    )  # fmt: skip
    m.resource(
        "azurerm_role_assignment", "exporter", "backup",
        why="Writes copies; what it overwrites stays as a version.", scope=container.id,
        role_definition_name=permission("blob-storage", "compute")["roles"][0], principal_id=identity.principal_id,
        principal_type="ServicePrincipal",
    )  # fmt: skip
    m.output("exporter_client_id", identity.client_id, "Identity that the scheduled export works under.", exported=True)


# --- vaults ----------------------------------------------------------------------------------------------


def _vault(b: Blueprint, m: Module, made: Made, place: _Place, account: Ref, sets: Mapping[str, BackupSet]) -> None:
    """A backup vault with one policy: every day a copy, the first of a week, month or year kept longer."""
    end = place.ending
    vault = m.resource(
        "azurerm_data_protection_backup_vault", f"this{end}", place.component, file="vaults",
        why=b.why("disaster_recovery.backup"), name=template(raw("var.name"), f"-backup{end.replace('_', '-')}"),
        location=place.location, resource_group_name=group(m, made), datastore_type="VaultStore",
        redundancy="ZoneRedundant" if place.zonal else "LocallyRedundant", **_frozen(b, m, sets),
        soft_delete="On", retention_duration_in_days=_SOFT_DAYS, identity=Nested(type="SystemAssigned"),
        tags=_tags(m, place, "copies"),
    )  # fmt: skip
    role = m.resource(
        "azurerm_role_assignment", f"vault{end}", place.component, file="vaults",
        why="Connection database and backup: reads what was exported.", scope=account.id,
        role_definition_name=permission("blob-storage", "backup")["roles"][0],
        principal_id=vault.identity[0].principal_id, principal_type="ServicePrincipal",
    )  # fmt: skip
    policy = m.resource(
        "azurerm_data_protection_backup_policy_blob_storage", f"database{end}", place.component, file="vaults",
        name="database", vault_id=vault.id, time_zone="UTC",
        backup_repeating_time_intervals=[Noted("R/2026-01-01T03:00:00+00:00/P1D", "Every night, after the export.")],
        vault_default_retention_duration=_days(sets.get("daily")), **_rules(sets),
    )  # fmt: skip
    m.resource(
        "azurerm_data_protection_backup_instance_blob_storage", f"database{end}", place.component, file="vaults",
        name="database", vault_id=vault.id, location=place.location, storage_account_id=account.id,
        backup_policy_id=policy.id, storage_account_container_names=["database"], depends_on=[role],
    )  # fmt: skip


def _frozen(b: Blueprint, m: Module, sets: Mapping[str, BackupSet]) -> dict[str, Any]:
    if not any(s.immutable for s in sets.values()):
        return {}
    told = "Immutability of the vaults: Locked cannot be undone, Unlocked can, Disabled freezes nothing."
    check = ('contains(["Locked", "Unlocked", "Disabled"], var.immutability)',
             "immutability must be Locked, Unlocked or Disabled.")  # fmt: skip
    state = m.variable("immutability", "string", told, b.each(lambda e: _STATES[e.environment]),
                       why=b.why("disaster_recovery.backup"), checks=(check,))  # fmt: skip
    return {"immutability": state}


def _days(kept: BackupSet | None) -> str:
    return f"P{round(kept.retention_days) if kept else _LANDED_DAYS}D"


def _rules(sets: Mapping[str, BackupSet]) -> dict[str, Any]:
    """The rarer a copy, the higher its priority: the first of a year is kept as that, not as the first of a week."""
    rules = [
        Nested(
            name=generation, priority=20 + n, criteria=Nested(absolute_criteria=criteria),
            life_cycle=Nested(data_store_type="VaultStore", duration=_days(sets[generation])),
        )
        for n, (generation, criteria) in enumerate(_CRITERIA.items())
        if generation in sets
    ]  # fmt: skip
    return {"retention_rule": rules} if rules else {}


# --- files -----------------------------------------------------------------------------------------------


def _files(b: Blueprint, m: Module, made: Made, place: _Place) -> None:
    """A copy of the files in a second region that serves nothing."""
    account = _account(b, m, made, place, "files")
    container = m.resource(
        "azurerm_storage_container", "files_2", "files-2", name=CONTAINER, storage_account_id=account.id,
        container_access_type="private", skips=_READS,
    )  # fmt: skip
    source = taken(m, made, "data", "files_id", "string", "Storage account of files.")
    m.resource(
        "azurerm_storage_object_replication", "files", ("files", "files-2"),
        why=f"Connection files and files-2: {connected(b, 'files', 'files-2')}.", source_storage_account_id=source,
        destination_storage_account_id=account.id,
        rules=Nested(source_container_name=CONTAINER, destination_container_name=container.name,
                     copy_blobs_created_after="Everything"),
    )  # fmt: skip
    m.resource(
        "azurerm_storage_management_policy", "files_2", "files-2", storage_account_id=account.id,
        rule=Nested(name="versions", enabled=True, filters=Nested(blob_types=["blockBlob"]), actions=Nested(
            version=Nested(delete_after_days_since_creation=version_days(b, "files-2")))),
    )  # fmt: skip


# --- who is told -----------------------------------------------------------------------------------------


def _guarded(b: Blueprint, m: Module, made: Made) -> None:
    """Tells people when somebody deletes copies, shortens how long they are kept, or takes a lock away."""
    facts = code_facts("azure")["endangered"]
    services = (b.component("database").service, *([b.component("files").service] if b.has("files") else []))
    names = {operation.rsplit("/", 2)[-2]: operation for s in services for operation in facts[s]["operations"]}
    subscription = given(
        m, "subscription_id", "string", "Subscription of this environment.", raw("var.subscription_id")
    )
    people = taken(m, made, "logs", "notification_id", "string", "The people who are told.")
    m.resource(
        "azurerm_monitor_activity_log_alert", "endangered", "backup", file="alerts", for_each=names,
        why=b.why("disaster_recovery.backup"), name=template(raw("var.name"), "-", raw("each.key"), raw("var.site")),
        resource_group_name=group(m, made), location="global", scopes=[template("/subscriptions/", subscription)],
        description="Copies are deleted or kept less long.",
        criteria=Nested(category="Administrative", operation_name=raw("each.value"), status="Succeeded"),
        action=Nested(action_group_id=people), tags=_tags(m, _Place("backup", "", "", False), "copies"),
    )  # fmt: skip
