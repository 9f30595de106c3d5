"""Azure Cosmos DB for NoSQL: one account over all sites, with Entra identities only.

The account is the first site's; a region is added to it for the second, whose module only opens a private endpoint
there. One region alone is billed by the request (serverless); several need throughput that is provisioned, which then
scales by itself down to a tenth of its maximum.
"""

from __future__ import annotations

import math
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Each
from devops_workbook.artifacts.terraform.azure.common import (
    NO_KEYS,
    PRIVATE_ZONES,
    Made,
    diagnostics,
    endpoint,
    group,
    keyed,
    location,
    protected,
    tags,
    taken,
    unique,
)  # fmt: skip
from devops_workbook.artifacts.terraform.azure.data.sql import entry_of
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.design.deployments import Deployment

__all__ = ["database"]

_ZONE = PRIVATE_ZONES["cosmos-db"]
_WRITE_UNITS, _READ_UNITS = (
    5.0,
    1.0,
)  # request units of an item of 1 KB, https://learn.microsoft.com/azure/cosmos-db/request-units
_LEAST_UNITS = 1000  # the least maximum of autoscale throughput, and its step
_PERIODIC_HOURS_MOST = 720


def database(b: Blueprint, m: Module, made: Made, first: Made | None) -> None:
    """Writes the database of a site into its data module."""
    if first is not None:
        _second(m, made, first)
        return
    account = m.resource(
        "azurerm_cosmosdb_account", "this", ("database", *(["backup"] if b.has("backup") else [])), file="database",
        why=b.why("infrastructure.database"), skips={} if keyed(b) else {"CKV_AZURE_100": NO_KEYS},
        name=unique(m, b, "database_account", "cosmos", "database account"),
        location=location(m), resource_group_name=group(m, made), offer_type="Standard", kind="GlobalDocumentDB",
        minimal_tls_version="Tls12", public_network_access_enabled=False, is_virtual_network_filter_enabled=True,
        local_authentication_disabled=Noted(True, "A key that does not exist cannot leak."),
        access_key_metadata_writes_enabled=False, **_spread(b), **_encrypted(b, m, made), **_capacity(b),
        consistency_policy=Nested(consistency_level=Noted("Session", "Everybody reads what they wrote themselves.")),
        **_places(b, m), backup=_backup(b, m), tags=tags(m, "database"),
    )  # fmt: skip
    database = m.resource(
        "azurerm_cosmosdb_sql_database", "this", "database", file="database", name=b.names.system,
        resource_group_name=group(m, made), account_name=account.name, **_throughput(b, m),
    )  # fmt: skip
    m.resource(
        "azurerm_cosmosdb_sql_container", "items", "database", file="database", name="items",
        resource_group_name=group(m, made), account_name=account.name, database_name=database.name,
        partition_key_paths=Noted(["/id"],
        "Spreads items evenly; a query that names other keys asks for another path."),
        partition_key_version=2,
    )  # fmt: skip
    m.resource(
        "azurerm_management_lock", "database", "database", file="database", count=raw(f"{protected(m, b)} ? 1 : 0"),
        name="database", scope=account.id, lock_level="CanNotDelete", notes="Holds data that cannot be made again.",
    )  # fmt: skip
    endpoint(m, made, "database", "database", account.id, "Sql", _ZONE, file="database")
    diagnostics(m, b, made, "database", "database", account.id, file="database")
    m.output("database_id", account.id, "The database account.")
    m.output("database_account", account.name, "Name of the database account.")
    m.output("database_group", account.resource_group_name, "Resource group of the database account.")
    m.output("database_name", database.name, "Name of the database.")
    m.output("database_endpoint", account.endpoint, "Address of the database.", exported=True)


def _second(m: Module, made: Made, first: Made) -> None:
    """The second site's way to the account, which has a region there."""
    told = "The database account, which the first site declares with a region here."
    account = m.variable("database_account_id", "string", told, first["data"].wire("database_id"))
    endpoint(m, made, "database", "database", account, "Sql", _ZONE, file="database")
    m.output("database_id", account, "The database account.")
    for output in ("database_account", "database_group", "database_name", "database_endpoint"):
        told = first["data"].outputs[output].description
        m.output(output, m.variable(output, "string", told, first["data"].wire(output)), told,
                 exported=output == "database_endpoint")  # fmt: skip


def _several(b: Blueprint) -> bool:
    return len(b.sites) > 1


def _spread(b: Blueprint) -> dict[str, Any]:
    if not _several(b):
        return {}
    itself = b.choice("disaster_recovery.recovery") == "region-failover-automatic"
    return {
        "automatic_failover_enabled": Noted(itself, b.why("disaster_recovery.recovery")),
        "multiple_write_locations_enabled": b.choice("disaster_recovery.high_availability") == "active-active",
    }


def _encrypted(b: Blueprint, m: Module, made: Made) -> dict[str, Any]:
    if not keyed(b):
        return {}
    key = m.variable("database_key_id", "string", "Key that encrypts the database, without a version.",
                     entry_of(made["security"].wire("key_ids"), "database"))  # fmt: skip
    identity = taken(m, made, "security", "encryption_identity_id", "string", "Identity that may use the keys.")
    return {
        "key_vault_key_id": Noted(key, b.why("infrastructure.security")),
        "default_identity_type": _identity(identity),
        "identity": Nested(type="UserAssigned", identity_ids=[identity]),
    }


def _identity(identity: Ref) -> Any:
    """How Cosmos DB names the identity that it reaches the key with."""
    return raw(f'"UserAssignedIdentity=${{{identity}}}"')


def _capacity(b: Blueprint) -> dict[str, Any]:
    return {} if _several(b) else {"capabilities": Nested(name="EnableServerless")}


def _places(b: Blueprint, m: Module) -> dict[str, Any]:
    """The regions of the account, the first of which takes the writes."""
    zonal = m.variable(
        "database_zone_redundant", "bool", "Whether the copies of a region stand in several zones.",
        b.each(lambda e: e.sizes["database"].zones > 1), why=b.why("disaster_recovery.high_availability"),
    )  # fmt: skip
    here = Nested(location=location(m), failover_priority=0, zone_redundant=zonal)
    if not _several(b):
        return {"geo_location": here}
    second = b.sites[1].region
    regions = m.variable(
        "database_replica_regions", "map(bool)", "Further regions of the database, and whether each has several zones.",
        b.each(lambda e: {second.id: second.zones > 1} if second.id in e.regions else {}),
        why=b.why("disaster_recovery.high_availability"),
    )  # fmt: skip
    more = Nested(
        "geo_location", for_each=regions,
        content=Nested(location=raw("geo_location.key"), failover_priority=1, zone_redundant=raw("geo_location.value")),
    )  # fmt: skip
    return {"geo_location": here, "dynamic": more}


def _throughput(b: Blueprint, m: Module) -> dict[str, Any]:
    """Request units of the planned peak, where they are provisioned."""
    if not _several(b):
        return {}
    units = m.variable(
        "database_max_units", "number", "Most request units a second that the database scales to.",
        b.each(lambda e: _units(b, e)), why=b.why("scaling.capacity"),
        checks=[("var.database_max_units >= 1000 && var.database_max_units % 1000 == 0",
                 "database_max_units must be a multiple of 1000.")],
    )  # fmt: skip
    return {"autoscale_settings": Nested(max_throughput=units)}


def _units(b: Blueprint, e: Deployment) -> int:
    """Request units a second at the planned peak: reads and writes of items, each for every KB."""
    r = b.requirements
    queries = b.assessment.capacity.origin_rps * r.queries_per_request * e.traffic
    reads = r.read_pct / 100.0
    kb = b.catalog.assumptions["item_kb"].value or 1.0
    units = queries * kb * (reads * _READ_UNITS + (1.0 - reads) * _WRITE_UNITS)
    return max(_LEAST_UNITS, math.ceil(units / _LEAST_UNITS) * _LEAST_UNITS)


def _backup(b: Blueprint, m: Module) -> Nested:
    """Continuous backup where the design wants to go back to any point; else copies at an interval."""
    sets = [s for s in b.assessment.recovery.backups if s.data == "database" and s.component == "database"]
    days = max((s.retention_days for s in sets), default=7.0)
    if any(s.generation == "log" for s in sets):
        tier = m.variable(
            "backup_tier", "string", "How far back the database can be brought.", _tiers(b, days),
            why=b.why("disaster_recovery.backup"),
            checks=[('contains(["Continuous7Days", "Continuous30Days"], var.backup_tier)',
                     "backup_tier must be Continuous7Days or Continuous30Days.")],
        )  # fmt: skip
        return Nested(type="Continuous", tier=tier)
    every = min((s.every_hours for s in sets if s.every_hours), default=24.0)
    return Nested(
        type="Periodic", interval_in_minutes=min(1440, max(60, round(60 * every))),
        retention_in_hours=Noted(min(_PERIODIC_HOURS_MOST, round(24 * days)), b.why("disaster_recovery.backup")),
        storage_redundancy="Geo" if b.has("backup-2") else "Zone" if b.sites[0].region.zones > 1 else "Local",
    )  # fmt: skip


def _tiers(b: Blueprint, days: float) -> Each:
    longest = "Continuous30Days" if days > 7 else "Continuous7Days"
    return b.each(lambda e: longest if e.backed_up else "Continuous7Days")
