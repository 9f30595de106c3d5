"""Cloud SQL for PostgreSQL: an instance with a standby in another zone, read replicas, backups; abroad a replica."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.clock import EVENING, MORNING, Call, clock
from devops_workbook.artifacts.terraform.gcp.common import labels, named, production, project, region, zone_names
from devops_workbook.artifacts.terraform.gcp.data.endpoint import counted, endpoint, names
from devops_workbook.artifacts.terraform.gcp.parts import Parts, days_kept, encrypted, key
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["DATABASE", "VERSION", "sql"]

_DATABASE = "infrastructure.database"
_BACKUP = "disaster_recovery.backup"
VERSION, DATABASE = "POSTGRES_17", "service"
_SMALLEST_GB = 10  # https://cloud.google.com/sql/docs/postgres/quotas (2026-11)
_MOST_LOG_DAYS = 7  # of Enterprise edition: https://cloud.google.com/sql/docs/postgres/backup-recovery/pitr (2026-11)
_MOST_COPIES = 365
_AGENT = "Account that the database writes its copies under."
# https://cloud.google.com/sql/docs/postgres/flags (2026-11)
_FLAGS: Mapping[str, str] = {
    "cloudsql.enable_pgaudit": "on",
    "cloudsql.iam_authentication": "on",
    "log_checkpoints": "on",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_duration": "on",
    "log_hostname": "on",
    "log_lock_waits": "on",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "error",
    "log_min_messages": "error",
    "log_statement": "ddl",
    "log_temp_files": "0",
    "pgaudit.log": "ddl,role",
}


def sql(m: Module, b: Blueprint, site: Site, parts: Parts) -> None:
    """The database of a site."""
    instance = _replica(m, b, site, parts) if parts.first else _primary(m, b, site, parts)
    zone = names(m, site, parts, "sql.goog")
    endpoint(m, site, parts, "database", zone, instance.psc_service_attachment_link, instance.dns_name)
    if _replicas(b, site):
        _readers(m, b, site, parts, raw("var.primary_id") if parts.first else instance.name, zone)
    m.output("database_id", instance.name, "The database.", exported=True)
    m.output("database_endpoint", instance.dns_name, "Name that the database is reached by.", exported=True)
    m.output("database_secret_id", None, "Secret of the database: none, it takes identities.")
    m.output("database_name", DATABASE, "Database that the service uses.")


# --- instances -------------------------------------------------------------------------------------------


def _primary(m: Module, b: Blueprint, site: Site, parts: Parts) -> Ref:
    instance = m.resource(
        "google_sql_database_instance", "this", "database", why=b.why(_DATABASE), skips=_SAME,
        **_common(m, b, site, parts, "db"),
        settings=_settings(m, b, site, "database", **_backups(m, b, site)),
    )  # fmt: skip
    m.resource("google_sql_database", "service", "database", project=project(m), name=DATABASE, instance=instance.name)
    m.output("database_writer_id", instance.name, "Instance that takes writes and holds the users.")
    m.output("database_agent", template("serviceAccount:", instance.service_account_email_address), _AGENT)
    if _stops(b, site):
        rest = [_switch(m, instance, "stop", EVENING, "NEVER"), _switch(m, instance, "start", MORNING, "ALWAYS")]
        clock(m, b, site, "database", rest, "rest")
    return instance


def _stops(b: Blueprint, site: Site) -> bool:
    """An instance with replicas cannot be stopped.

    https://cloud.google.com/sql/docs/postgres/start-stop-restart-instance (2026-11)
    """
    return not _replicas(b, site) and len(b.sites) == 1


def _switch(m: Module, instance: Ref, id: str, when: str, policy: str) -> Call:
    uri = template("https://sqladmin.googleapis.com/v1/projects/", project(m), "/instances/", instance.name)
    return Call(id, when, "PATCH", uri, {"settings": {"activationPolicy": policy}})


def _replica(m: Module, b: Blueprint, site: Site, parts: Parts) -> Ref:
    """A replica of the first site's instance, which people or the failover promote."""
    assert parts.first
    primary = m.variable("primary_id", "string", "Instance of the first site.", parts.first.wire("database_writer_id"))
    m.output("database_writer_id", primary, "Instance that takes writes and holds the users, until a promotion.")
    return m.resource(
        "google_sql_database_instance", "this", "database", why=b.why("disaster_recovery.high_availability"),
        skips=_SAME, **_common(m, b, site, parts, "db"), master_instance_name=primary,
        settings=_settings(m, b, site, site.id("database")),
    )  # fmt: skip


def _readers(m: Module, b: Blueprint, site: Site, parts: Parts, primary: Ref, zone: Ref) -> None:
    count = m.variable("read_replicas", "number", "Read replicas beside the primary.",
                       b.sized(site.id("database"), lambda s: s.read_replicas), why=b.why(_DATABASE),
                       checks=(("var.read_replicas >= 0 && var.read_replicas <= 10",
                                "read_replicas must be 0 to 10."),))  # fmt: skip
    common = _common(m, b, site, parts, "db")
    reader = m.resource(
        "google_sql_database_instance", "reader", "database", why="Read replicas, which reads are spread over.",
        skips=_SAME, count=count,
        **{**common, "name": counted(m, site, "db")}, master_instance_name=primary,
        settings=_settings(m, b, site, site.id("database"), zonal=True),
    )  # fmt: skip
    attachment, name = (raw(f"{reader}[count.index].{x}") for x in ("psc_service_attachment_link", "dns_name"))
    endpoint(m, site, parts, "reader", zone, attachment, name, count)
    m.output("database_reader_endpoints", raw(f"{reader}[*].dns_name"), "Names of the read replicas.", exported=True)


_SAME = {"CKV_GCP_79": "PostgreSQL 17, as at the other providers; a newer one is an upgrade that the team tests first."}


def _replicas(b: Blueprint, site: Site) -> bool:
    sizes = b.sized(site.id("database"), lambda s: s.read_replicas).values
    return any(sizes.values())


def _common(m: Module, b: Blueprint, site: Site, parts: Parts, what: str) -> dict[str, Any]:
    return {
        "project": project(m), "name": named(m, site, what), "region": region(m, site), "database_version": VERSION,
        **encrypted("encryption_key_name", key(m, b, parts.security, "database")),
        "deletion_protection": production(m, b),
    }  # fmt: skip


# --- settings --------------------------------------------------------------------------------------------


def _sku(m: Module, b: Blueprint, component: str) -> Ref:
    return m.variable("database_tier", "string", "Machine of the database.", b.sized(component, lambda s: s.sku),
                      why=b.why(_DATABASE),
                      checks=(('startswith(var.database_tier, "db-")', "database_tier must be a tier such as "
                               "db-custom-2-8192."),))  # fmt: skip


def _settings(m: Module, b: Blueprint, site: Site, component: str, zonal: bool = False, **more: Any) -> Nested:
    gb = m.variable("database_gb", "number", "Disk of the database, GB; it grows by itself.",
                    b.sized(component, lambda s: max(_SMALLEST_GB, math.ceil(s.storage_gb))),
                    checks=((f"var.database_gb >= {_SMALLEST_GB}", "database_gb must be at least 10."),))  # fmt: skip
    return Nested(
        tier=_sku(m, b, component), edition="ENTERPRISE",
        availability_type="ZONAL" if zonal else _availability(m, b, component),
        disk_type="PD_SSD", disk_size=gb, disk_autoresize=True, deletion_protection_enabled=production(m, b),
        user_labels=labels("database", m, site),
        **({} if zonal else _placed(m, site)),
        **more,
        ip_configuration=_addresses(m), insights_config=_insights(),
        maintenance_window=Noted(Nested(day=7, hour=3, update_track="stable"), "Sunday night, after other projects."),
        database_flags=[Nested(name=name, value=value) for name, value in _FLAGS.items()],
    )  # fmt: skip


def _availability(m: Module, b: Blueprint, component: str) -> Ref:
    value = b.sized(component, lambda s: "REGIONAL" if s.standby else "ZONAL")
    told = "REGIONAL = with a standby in another zone, ZONAL = without."
    return m.variable("database_availability", "string", told, value,
                      why=b.why("disaster_recovery.high_availability"),
                      checks=(('contains(["REGIONAL", "ZONAL"], var.database_availability)',
                               "database_availability must be REGIONAL or ZONAL."),))  # fmt: skip


def _placed(m: Module, site: Site) -> Mapping[str, Any]:
    zone = m.variable("database_zone", "string", "Zone that the primary prefers.",
                      zone_names(site, 1)[0])  # fmt: skip
    return {"location_preference": Nested(zone=zone)}


def _addresses(m: Module) -> Nested:
    psc = Nested(psc_enabled=True, allowed_consumer_projects=[project(m)])
    return Nested(ipv4_enabled=False, ssl_mode="TRUSTED_CLIENT_CERTIFICATE_REQUIRED", psc_config=psc)


def _insights() -> Nested:
    return Nested(query_insights_enabled=True, query_string_length=1024, record_application_tags=True,
                  record_client_address=False)  # fmt: skip


# --- backups ---------------------------------------------------------------------------------------------


def _backups(m: Module, b: Blueprint, site: Site) -> Mapping[str, Any]:
    """Daily copies and the log, as far as the service keeps them itself; the rest is in the module `backup`."""
    told = "Whether this environment's data is backed up."
    on = m.variable("backed_up", "bool", told, b.each(lambda e: e.backed_up), why=b.why(_BACKUP))
    copies = min(_MOST_COPIES, days_kept(b, "database", "daily") or 1)
    log = days_kept(b, "database", "log")
    logged: dict[str, Any] = {"point_in_time_recovery_enabled": on if log else False}
    if log:
        days = min(log, _MOST_LOG_DAYS)
        why = f"The plan keeps {log} days; {_MOST_LOG_DAYS} are the most of Enterprise edition."
        logged |= {"transaction_log_retention_days": Noted(days, why) if days < log else days}
    return {"backup_configuration": Nested(
        enabled=on, **logged, start_time="02:00", location=region(m, site),
        backup_retention_settings=Nested(retained_backups=copies, retention_unit="COUNT"),
    )}  # fmt: skip
