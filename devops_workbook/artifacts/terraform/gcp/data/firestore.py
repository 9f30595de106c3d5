"""Firestore: a database in one region, or in a multi-region location where the design has two sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import labels, name, named, number, production, project
from devops_workbook.artifacts.terraform.gcp.parts import Parts, days_kept, days_text, key
from devops_workbook.artifacts.terraform.gcp.security import KEY_SKIPS, customer_keys
from devops_workbook.artifacts.terraform.gcp.shared import protection
from devops_workbook.artifacts.terraform.hcl import Expr, Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["firestore", "multi_region"]

_DATABASE = "infrastructure.database"
_BACKUP = "disaster_recovery.backup"
# By jurisdiction: the location, and the one of its keys.
# https://cloud.google.com/firestore/native/docs/locations and .../cmek (2026-11)
_LOCATIONS: Mapping[str, tuple[str, str]] = {"us": ("nam5", "us"), "eu": ("eur3", "europe")}
_LOG_DAYS = 7  # what point-in-time recovery reaches back: https://cloud.google.com/firestore/native/docs/pitr (2026-11)
_MOST_DAYS = 98  # of a scheduled backup: https://cloud.google.com/firestore/native/docs/backups (2026-11)
_ENCRYPTS = "roles/cloudkms.cryptoKeyEncrypterDecrypter"


def multi_region(b: Blueprint) -> str:
    """The multi-region location of the design's Firestore database, "" = it has none."""
    if b.component("database").service != "firestore" or len(b.sites) == 1:
        return ""
    places = {site.region.jurisdiction for site in b.sites}
    return _LOCATIONS[places.pop()][0] if len(places) == 1 and places <= set(_LOCATIONS) else ""


def firestore(m: Module, b: Blueprint, site: Site, parts: Parts) -> None:
    """The database of a site. In a multi-region location it is one database, which the first site builds."""
    if parts.first and multi_region(b):
        shared = m.variable("database_id", "string", "The database of both sites.", parts.first.wire("database_id"))
        _outputs(m, shared)
        return
    _outputs(m, _database(m, b, site, parts).name)


def _outputs(m: Module, database: Ref) -> None:
    m.output("database_id", database, "The database.", exported=True)
    m.output("database_writer_id", database, "Database that takes writes.")
    m.output("database_endpoint", "firestore.googleapis.com", "Name that the database is reached by.")
    m.output("database_secret_id", None, "Secret of the database: none, it takes identities.")
    m.output("database_name", database, "Database that the service uses.")


def _database(m: Module, b: Blueprint, site: Site, parts: Parts) -> Ref:
    spread = multi_region(b)
    components = ("database", "database-2") if spread else "database"
    log = days_kept(b, "database", "log")
    why = f"The plan keeps {log} days of changes; point-in-time recovery reaches back {_LOG_DAYS}."
    recovery: Any = "POINT_IN_TIME_RECOVERY_ENABLED" if log else "POINT_IN_TIME_RECOVERY_DISABLED"
    database = m.resource(
        "google_firestore_database", "this", components, why=_why(b, parts), project=project(m),
        name=named(m, site, "db"), location_id=_location(m, b, site), type="FIRESTORE_NATIVE",
        concurrency_mode="OPTIMISTIC",
        point_in_time_recovery_enablement=Noted(recovery, why) if log > _LOG_DAYS else recovery,
        delete_protection_state=raw(
            f'{production(m, b)} ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"'
        ),
        deletion_policy="DELETE", **_encrypted(m, b, parts),
    )  # fmt: skip
    if parts.first is None:
        _scheduled(m, b, database)
        agent = template("serviceAccount:service-", number(m), "@gcp-sa-firestore.iam.gserviceaccount.com")
        m.output("database_agent", agent, "Account that the database writes its copies under.")
    return database


def _why(b: Blueprint, parts: Parts) -> str:
    if parts.first is None:
        return b.why(_DATABASE)
    return ("Firestore spreads over regions of the United States and of the European Union only; elsewhere the second "
            "site has a database of its own, which is filled from the copies (see the runbook).")  # fmt: skip


def _location(m: Module, b: Blueprint, site: Site) -> Ref:
    spread = multi_region(b)
    value = b.at(site, lambda e: spread if spread and len(e.regions) > 1 else site.region.id)
    return m.variable("database_location", "string", "Location of the database; it cannot be changed later.", value,
                      why=b.why("disaster_recovery.high_availability"),
                      checks=(('can(regex("^(nam[0-9]+|eur[0-9]+|[a-z]+-[a-z]+[0-9]+)$", var.database_location))',
                               "database_location must be a region or a multi-region location."),))  # fmt: skip


def _encrypted(m: Module, b: Blueprint, parts: Parts) -> Mapping[str, Any]:
    if not multi_region(b):
        held = key(m, b, parts.security, "database")
        return {} if held is None else {"cmek_config": Nested(kms_key_name=held)}
    return {"cmek_config": Nested(kms_key_name=_spread_key(m, b))} if customer_keys(b) else {}


def _spread_key(m: Module, b: Blueprint) -> Expr:
    """A key where a database of several regions wants it: in the multi-region location of keys."""
    jurisdiction = b.sites[0].region.jurisdiction
    value = b.each(lambda e: _LOCATIONS[jurisdiction][1] if len(e.regions) > 1 else b.sites[0].region.id)
    where = m.variable("key_location", "string", "Location of the database's key.", value)
    ring = m.resource("google_kms_key_ring", "database", "keys", project=project(m),
                      name=template(name(m), "-database"), location=where)  # fmt: skip
    held = m.resource(
        "google_kms_crypto_key", "database", "keys", why=b.why("infrastructure.security"), skips=KEY_SKIPS,
        name="database", key_ring=ring.id, rotation_period=Noted("31536000s", "The plan rotates keys yearly."),
        labels=labels("keys"), **protection(b),
    )  # fmt: skip
    return m.resource(
        "google_kms_crypto_key_iam_member", "database", "keys", crypto_key_id=held.id, role=_ENCRYPTS,
        member=template("serviceAccount:service-", number(m), "@gcp-sa-firestore.iam.gserviceaccount.com"),
    ).crypto_key_id  # fmt: skip


# --- backups ---------------------------------------------------------------------------------------------


def schedules(b: Blueprint) -> Mapping[str, int]:
    """What the service keeps itself, as days by generation: the nightly copies, and the weekly ones where they lie
    where the database does."""
    days = {"daily": days_kept(b, "database", "daily") or days_kept(b, "database", "log")}
    weekly = days_kept(b, "backup", "weekly") or (days_kept(b, "backup-2", "weekly") if multi_region(b) else 0)
    return {id: n for id, n in (days | {"weekly": weekly}).items() if n}


def _scheduled(m: Module, b: Blueprint, database: Ref) -> None:
    told = "Whether this environment's data is backed up."
    on = m.variable("backed_up", "bool", told, b.each(lambda e: e.backed_up), why=b.why(_BACKUP))
    for generation, days in schedules(b).items():
        recurrence: Mapping[str, Any] = {"daily_recurrence": Nested()} if generation == "daily" else {
            "weekly_recurrence": Nested(day="SUNDAY")
        }  # fmt: skip
        m.resource(
            "google_firestore_backup_schedule", generation, ("database", _holder(b, generation)),
            count=raw(f"{on} ? 1 : 0"), project=project(m), database=database.name,
            retention=days_text(min(days, _MOST_DAYS)), **recurrence,
        )  # fmt: skip


def _holder(b: Blueprint, generation: str) -> str:
    """The component of the plan that keeps a generation."""
    return next((id for id in ("backup", "backup-2") if days_kept(b, id, generation)), "database")
