"""Azure SQL Database, General Purpose and Hyperscale: a server without passwords, the database, its read replicas, and
at the second site a replica that a failover group switches to.

Clients name the failover group, not a server, where there is one: `database_endpoint` stays the same after a failover.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Each
from devops_workbook.artifacts.terraform.azure.common import (
    PRIVATE_ZONES,
    Made,
    diagnostics,
    endpoint,
    given,
    group,
    kept,
    keyed,
    location,
    protected,
    sized,
    tags,
    unique,
)  # fmt: skip
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module, Wire
from devops_workbook.assess.model import BackupSet
from devops_workbook.design.deployments import Deployment, Size

__all__ = ["database", "entry_of"]

_ZONE = PRIVATE_ZONES["azure-sql"]
_SERVERLESS_LEAST = 0.5  # vCores that a serverless database keeps at least
_PAUSE_MINUTES = 60  # the default of the portal: long enough for a meeting, short enough for a night
_NEVER = -1
_GRACE_MINUTES = 60  # the shortest grace period of a failover group
_KEPT_DAYS_MOST = 35
_AUDIT_DAYS = 90  # that the check of audit records asks for
_UNIT = {"weekly": ("W", 7.0), "monthly": ("M", 365.0 / 12.0), "yearly": ("Y", 365.0)}


def database(b: Blueprint, m: Module, made: Made, first: Made | None) -> None:
    """Writes the database of a site into its data module."""
    if first is None:
        _primary(b, m, made)
    else:
        _secondary(b, m, made, first)


# --- servers ---------------------------------------------------------------------------------------------


def _server(
    b: Blueprint, m: Module, made: Made, keys: Made, resource: str, called: Any, count: Ref | None = None
) -> Ref:
    """A logical server: it has no password, only Entra identities, and no public address. keys: the modules of the
    site whose key encrypts; count: how many there are, the reference is then to one of them."""
    operators = given(m, "operators", "object({ name = string, id = string })",
    "Entra group that administers databases.",
                      {"name": raw("var.operators_group_name"), "id": raw("var.operators_group_id")})  # fmt: skip
    number: dict[str, Any] = {"count": count} if count else {}
    server = m.resource(
        "azurerm_mssql_server", resource, "database", file="database", skips=_skips(b), **number, name=called,
        location=location(m), resource_group_name=group(m, made), version="12.0", minimum_tls_version="1.2",
        public_network_access_enabled=False, **_encrypted(b, m, keys),
        azuread_administrator=Nested(
            login_username=operators.name, object_id=operators.id,
            azuread_authentication_only=Noted(True, "A password that does not exist cannot leak."),
        ),
        tags=tags(m, "database"),
    )  # fmt: skip
    server = Ref(f"{server}[count.index]") if count else server
    if keyed(b):
        m.resource(
            "azurerm_mssql_server_transparent_data_encryption", resource, "database", file="database", **number,
            server_id=server.id, key_vault_key_id=_key(m, keys), auto_rotation_enabled=True,
        )  # fmt: skip
    _watched(b, m, made, resource, server, count)
    return server


def _skips(b: Blueprint) -> dict[str, str]:
    found = {} if b.requirements.log_retention_days >= _AUDIT_DAYS else {"CKV_AZURE_24": kept(b)}
    if not b.has("threat-detection"):
        found["CKV2_AZURE_2"] = "Vulnerability assessment is part of threat detection, which the plan does without."
    return found


def _key(m: Module, keys: Made) -> Ref:
    told = "Key that encrypts the databases, with its version."
    return m.variable("database_key_id", "string", told, entry_of(keys["security"].wire("key_version_ids"), "database"))


def entry_of(wire: Wire, key: str) -> Any:
    """One entry of an output that is a map."""
    found = f"module.{wire.module}[0]" if wire.optional else f"module.{wire.module}"
    return raw(f'{found}.{wire.output}["{key}"]')


def _encrypted(b: Blueprint, m: Module, keys: Made) -> dict[str, Any]:
    if not keyed(b):
        return {}
    identity = m.variable("encryption_identity_id", "string", "Identity that may use the keys.",
                          keys["security"].wire("encryption_identity_id"))  # fmt: skip
    return {
        "primary_user_assigned_identity_id": identity,
        "transparent_data_encryption_key_vault_key_id": Noted(_key(m, keys), b.why("infrastructure.security")),
        "identity": Nested(type="UserAssigned", identity_ids=[identity]),
    }


def _watched(b: Blueprint, m: Module, made: Made, resource: str, server: Ref, count: Ref | None) -> None:
    """Auditing, and threat detection where the design has it."""
    number: dict[str, Any] = {"count": count} if count else {}
    m.resource(
        "azurerm_mssql_server_extended_auditing_policy", resource, "database", file="database", **number,
        server_id=server.id,
        log_monitoring_enabled=Noted(True, "Audit records go where the logs of the database master go."),
        retention_in_days=Noted(b.requirements.log_retention_days,
        "As long as all logs, where they are kept in files."),
    )  # fmt: skip
    diagnostics(m, b, made, "database", f"{resource}-audit", template(server.id, "/databases/master"), ("audit",),
                file="database", count=count)  # fmt: skip
    if b.has("threat-detection"):
        m.resource(
            "azurerm_mssql_server_security_alert_policy", resource, ("database", "threat-detection"), file="database",
            **number, resource_group_name=group(m, made), server_name=server.name, state="Enabled",
            email_account_admins=True, email_addresses=[given(
                m, "notification_address", "string", "Where alarms are sent.", raw("var.notification_address"))],
        )  # fmt: skip


# --- the first site --------------------------------------------------------------------------------------


def _primary(b: Blueprint, m: Module, made: Made) -> None:
    server = _server(b, m, made, made, "this", unique(m, b, "database_server", "sql", "database's server"))
    database = m.resource(
        "azurerm_mssql_database", "this", ("database", *_vaults(b)), file="database",
        why=b.why("infrastructure.database"),
        name=b.names.system, server_id=server.id, **_shape(b, m), **_room(b, m), **_backups(b, m), tags=tags(m,
        "database"),
        skips=_DATABASE_SKIPS,
    )  # fmt: skip
    _replicas(b, m, made, database)
    _lock(b, m, database)
    endpoint(m, made, "database", "database", server.id, "sqlServer", _ZONE, file="database")
    diagnostics(m, b, made, "database", "database", database.id, file="database")
    m.output("database_id", database.id, "The database.")
    m.output("database_server_id", server.id, "The server of the database.")
    m.output("database_name", database.name, "Name of the database.")
    m.output("database_endpoint", _listener(b, m, server), "Host that clients connect to.", exported=True)


_DATABASE_SKIPS = {
    "CKV_AZURE_224": "A ledger suits tables that nobody may change; the application decides that for its own.",
}


def _vaults(b: Blueprint) -> list[str]:
    """The vaults of the design that the database's own long-term and geo-redundant copies are."""
    return [id for id in ("backup", "backup-2") if b.has(id)]


def _listener(b: Blueprint, m: Module, server: Ref) -> Any:
    if len(b.sites) == 1:
        return server.fully_qualified_domain_name
    second = b.sites[1].region.id
    told = "Name of the failover group that clients connect to; null without a second site."
    listener = m.variable(
        "database_listener", "string", told, b.each(lambda e: _group_name(b,
        e.environment) if second in e.regions else None),
        nullable=True,
    )  # fmt: skip
    return raw(f'{listener} == null ? {server}.fully_qualified_domain_name : "${{{listener}}}.database.windows.net"')


def _group_name(b: Blueprint, environment: str) -> str:
    return b.names.unique(environment, "failover")


def _shape(b: Blueprint, m: Module, site: str = "") -> dict[str, Any]:
    """Size, standby and read replicas."""
    id = f"database{site}"
    sku = sized(m, b, "database", "database_sku", "string", "Size of the database.", lambda s: s.sku,
                b.why("scaling.capacity"))  # fmt: skip
    zonal = sized(m, b, "database", "database_zone_redundant", "bool", "Whether a standby runs in another zone.",
                  lambda s: s.standby or s.zones > 1)  # fmt: skip
    shape: dict[str, Any] = {"sku_name": sku, "zone_redundant": zonal}
    if _hyperscale(b):
        told = "Replicas of the same size, which take over when the primary fails and answer reads until then."
        shape["read_replica_count"] = sized(
            m, b, "database", "database_standbys", "number", told, lambda s: int(s.standby)
        )
    if any(_serverless(e.sizes[id]) for e in b.environments if id in e.sizes):
        shape |= _serverless_shape(b, m)
    return shape


def _hyperscale(b: Blueprint) -> bool:
    return b.component("database").service == "azure-sql-hyperscale"


def _serverless(size: Size) -> bool:
    return "_S_" in size.sku


def _serverless_shape(b: Blueprint, m: Module) -> dict[str, Any]:
    """A serverless database has a floor; a General Purpose one may stop altogether where the environment does."""
    assert m.site
    id = m.site.id("database")

    def least(e: Deployment) -> float:
        return _SERVERLESS_LEAST if id in e.sizes and _serverless(e.sizes[id]) else 0

    def pause(e: Deployment) -> int:
        stops = id in e.sizes and e.sizes[id].sku.startswith("GP_S_") and e.hours_per_week < 168
        return _PAUSE_MINUTES if stops else _NEVER

    told = "vCores that a serverless size keeps at least; 0 for the others."
    shape = {"min_capacity": m.variable("database_least_vcores", "number", told, b.each(least))}
    if any(pause(e) != _NEVER for e in b.environments):
        told = f"Minutes without a connection after which a serverless size stops; {_NEVER} = it never does."
        shape["auto_pause_delay_in_minutes"] = m.variable(
            "database_pause_minutes", "number", told, b.each(pause), why=b.why("cost.efficiency")
        )
    return shape


def _room(b: Blueprint, m: Module) -> dict[str, Any]:
    """Hyperscale grows as it is filled; the others have a limit, the design's data."""
    if _hyperscale(b):
        return {}
    size = sized(
        m, b, "database", "database_gb", "number", "Room for data, GB.", lambda s: max(1, math.ceil(s.storage_gb))
    )
    return {"max_size_gb": size}


# --- backups ---------------------------------------------------------------------------------------------


def _backups(b: Blueprint, m: Module) -> dict[str, Any]:
    """What is kept, where, and for how long: log and daily copies for point-in-time recovery, then fewer for longer."""
    sets = [s for s in b.assessment.recovery.backups if s.data == "database"]
    own = max((s.retention_days for s in sets if s.component == "database"), default=7)
    days = b.each(lambda e: min(_KEPT_DAYS_MOST, round(own)) if e.backed_up else 1)
    kept = m.variable(
        "backup_days", "number", "Days that the database can be brought back to any point of.", days,
        why=b.why("disaster_recovery.backup"),
        checks=[("var.backup_days >= 1 && var.backup_days <= 35", "backup_days must be from 1 to 35.")],
    )  # fmt: skip
    body: dict[str, Any] = {"storage_account_type": _redundancy(b, m)}
    recovery: dict[str, Any] = {"retention_days": kept}
    if not _hyperscale(b):
        recovery["backup_interval_in_hours"] = 12
    body["short_term_retention_policy"] = Nested(**recovery)
    if long := _long_term(b, m, sets):
        body["long_term_retention_policy"] = Nested(**long)
    return body


def _redundancy(b: Blueprint, m: Module) -> Ref:
    """Copies of the backups: in the paired region where the design keeps copies in a second one."""
    away = b.has("backup-2")
    zonal = b.sites[0].region.zones > 1

    def kind(e: Any) -> str:
        if away and e.backed_up:
            return "GeoZone" if zonal else "Geo"
        return "Zone" if zonal and e.zones > 1 else "Local"

    why = "Azure copies backups to the region that Microsoft paired with this one; they are restored into any."
    check = ('contains(["Geo", "GeoZone", "Local", "Zone"], var.backup_redundancy)',
             "backup_redundancy must be Geo, GeoZone, Local or Zone.")  # fmt: skip
    return m.variable("backup_redundancy", "string", "Where copies of the backups are kept.", b.each(kind),
                      why=why if away else "", checks=(check,))  # fmt: skip


def _long_term(b: Blueprint, m: Module, sets: list[BackupSet]) -> Mapping[str, Any]:
    """Weekly, monthly and yearly copies; an environment that is not backed up keeps none."""
    found: dict[str, Any] = {}
    for generation, (unit, days) in _UNIT.items():
        longest = max((s.retention_days for s in sets if s.generation == generation), default=0.0)
        if longest:
            length = f"P{max(1, round(longest / days))}{unit}"
            told = f"How long {generation} copies are kept, as an ISO 8601 duration; PT0S keeps none."
            found[f"{generation}_retention"] = m.variable(
                f"backup_{generation}", "string", told, _kept(b, length), why=b.why("disaster_recovery.backup")
            )
    if "yearly_retention" in found:
        found["week_of_year"] = 1
    if any(s.immutable for s in sets):
        told = "Whether nobody can delete long-term copies before their time."
        found["immutable_backups_enabled"] = m.variable("backup_immutable", "bool", told, b.each(lambda e: e.backed_up))
    return found


def _kept(b: Blueprint, length: str) -> Each:
    return b.each(lambda e: length if e.backed_up else "PT0S")


# --- replicas --------------------------------------------------------------------------------------------


def _replicas(b: Blueprint, m: Module, made: Made, source: Ref) -> None:
    """Read replicas: named ones of Hyperscale, geo-replicas with servers of their own else."""
    sizes = [e.sizes["database"] for e in b.environments if "database" in e.sizes]
    if not any(s.read_replicas for s in sizes):
        return
    count = sized(m, b, "database", "database_read_replicas", "number", "Databases that only answer reads.",
                  lambda s: s.read_replicas)  # fmt: skip
    # A named replica has a name of its own on the same server; a geo-replica is called as its source is, elsewhere.
    server, kind, called = (
        Ref("azurerm_mssql_server.this"),
        "Named",
        template(source.name, "-read-", raw("count.index + 1")),
    )
    if not _hyperscale(b):
        first = unique(m, b, "read_server", "sql-read", "servers of the read replicas, before their number")
        server = _server(b, m, made, made, "read", template(first, "-", raw("count.index + 1")), count)
        endpoint(m, made, "database", "database-read", server.id, "sqlServer", _ZONE, file="database", count=count)
        kind, called = "Geo", source.name
    m.resource(
        "azurerm_mssql_database", "read", "database", file="database", count=count, name=called, server_id=server.id,
        create_mode="Secondary", secondary_type=kind, creation_source_database_id=source.id,
        sku_name=raw("var.database_sku"), tags=tags(m, "database"), skips=_DATABASE_SKIPS,
    )  # fmt: skip


def _secondary(b: Blueprint, m: Module, made: Made, first: Made) -> None:
    """The replica of the second site, and the failover group that makes it the primary."""
    server = _server(b, m, made, first, "this", unique(m, b, "database_server", "sql", "database's server"))
    source = m.variable(
        "primary_database_id", "string", "Database of the first site.", first["data"].wire("database_id")
    )
    database = m.resource(
        "azurerm_mssql_database", "this", "database", file="database", why=b.why("disaster_recovery.high_availability"),
        name=b.names.system, server_id=server.id, create_mode="Secondary", secondary_type="Geo",
        creation_source_database_id=source, **_shape(b, m, "-2"),
        storage_account_type=Noted("Zone" if m.site and m.site.region.zones > 1 else "Local",
                                   "Until it takes over, the first site's backups are the ones that count."),
        tags=tags(m, "database"), skips=_DATABASE_SKIPS,
    )  # fmt: skip
    primary = m.variable(
        "primary_server_id", "string", "Server of the first site.", first["data"].wire("database_server_id")
    )
    _failover(b, m, server, database, primary, source)
    _lock(b, m, database)
    endpoint(m, made, "database", "database", server.id, "sqlServer", _ZONE, file="database")
    endpoint(m, made, "database", "database-primary", primary, "sqlServer", _ZONE, file="database")
    diagnostics(m, b, made, "database", "database", database.id, file="database")
    m.output("database_id", database.id, "The database of this site, a replica until it takes over.")
    m.output("database_name", database.name, "Name of the database.")
    m.output("database_endpoint", template(Ref("azurerm_mssql_failover_group.this").name, ".database.windows.net"),
             "Host that clients connect to: always the primary, wherever it is.", exported=True)  # fmt: skip


def _failover(b: Blueprint, m: Module, server: Ref, database: Ref, primary: Ref, source: Ref) -> None:
    assert m.site
    told = "Name of the failover group; nobody else in the world may have it."
    called = given(m, "database_listener", "string", told, b.at(m.site, lambda e: _group_name(b, e.environment)))
    itself = b.choice("disaster_recovery.recovery") == "region-failover-automatic"
    policy: dict[str, Any] = {"mode": Noted("Automatic" if itself else "Manual", b.why("disaster_recovery.recovery"))}
    if itself:
        policy["grace_minutes"] = Noted(
            _GRACE_MINUTES, "The shortest time after which Azure gives up data to fail over."
        )
    m.resource(
        "azurerm_mssql_failover_group", "this", "database", file="database", name=called, server_id=primary,
        databases=[source], partner_server=Nested(id=server.id),
        readonly_endpoint_failover_policy_enabled=True, read_write_endpoint_failover_policy=Nested(**policy),
        tags=tags(m, "database"), depends_on=[database],
    )  # fmt: skip


def _lock(b: Blueprint, m: Module, database: Ref) -> None:
    m.resource(
        "azurerm_management_lock", "database", "database", file="database", count=raw(f"{protected(m, b)} ? 1 : 0"),
        name="database", scope=database.id, lock_level="CanNotDelete",
        notes="Holds data that cannot be made again.",
    )  # fmt: skip
