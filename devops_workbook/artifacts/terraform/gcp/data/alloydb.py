"""AlloyDB for PostgreSQL: a cluster with a primary instance and a read pool; abroad a secondary cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.clock import EVENING, MORNING, Call, clock
from devops_workbook.artifacts.terraform.gcp.common import (
    labels,
    named,
    number,
    production,
    project,
    region,
    zone_names,
)
from devops_workbook.artifacts.terraform.gcp.copies import own_days
from devops_workbook.artifacts.terraform.gcp.data.endpoint import endpoint, names
from devops_workbook.artifacts.terraform.gcp.parts import Parts, days_text, key, takes_key
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.design.deployments import Size

__all__ = ["alloydb"]

_DATABASE = "infrastructure.database"
_BACKUP = "disaster_recovery.backup"
_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_MOST_LOG_DAYS = 35  # https://cloud.google.com/alloydb/docs/backup/configure (2026-11)
# https://cloud.google.com/alloydb/docs/reference/database-flags (2026-11)
_FLAGS: Mapping[str, str] = {
    "alloydb.enable_pgaudit": "on",
    "alloydb.iam_authentication": "on",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_error_verbosity": "default",
    "log_min_error_statement": "error",
    "log_min_messages": "error",
    "pgaudit.log": "ddl,role",
}


def alloydb(m: Module, b: Blueprint, site: Site, parts: Parts) -> None:
    """The database of a site."""
    held = key(m, b, parts.security, "database")
    cluster = _cluster(m, b, site, parts, held)
    instance = _instance(m, b, site, parts, cluster)
    zone = names(m, site, parts, "alloydb-psc.goog")
    endpoint(m, site, parts, "database", zone, *_attached(instance))
    if _pools(b, site):
        _pool(m, b, site, parts, cluster, instance, zone)
    m.output("database_id", cluster.name, "The database.", exported=True)
    m.output("database_cluster_id", cluster.cluster_id, "Id of the cluster, by which metrics know it.")
    m.output("database_endpoint", _attached(instance)[1], "Name that the database is reached by.", exported=True)
    m.output("database_secret_id", None, "Secret of the database: none, it takes identities.")
    m.output("database_name", "postgres", "Database that the service uses.")


def _attached(instance: Ref) -> tuple[Ref, Ref]:
    """Where an instance is reached, and the name that its certificate is for."""
    psc = raw(f"{instance}.psc_instance_config[0]")
    return psc.service_attachment_link, psc.psc_dns_name


# --- cluster ---------------------------------------------------------------------------------------------


def _cluster(m: Module, b: Blueprint, site: Site, parts: Parts, held: Ref | None) -> Ref:
    secondary: Mapping[str, Any] = {}
    why = b.why(_DATABASE)
    if parts.first:
        writer = parts.first.wire("database_writer_id")
        primary = m.variable("primary_id", "string", "Cluster of the first site.", writer)
        secondary = {"cluster_type": "SECONDARY", "secondary_config": Nested(primary_cluster_name=primary)}
        why = b.why("disaster_recovery.high_availability")
    forced = "FORCE" if parts.first else raw(f'{production(m, b)} ? "DEFAULT" : "FORCE"')
    return m.resource(
        "google_alloydb_cluster", "this", _components(b, site), why=why, project=project(m),
        cluster_id=named(m, site, "db"),
        location=region(m, site), database_version="POSTGRES_16", subscription_type="STANDARD", **secondary,
        deletion_policy=Noted(forced, "A secondary instance goes only with its cluster.") if parts.first else forced,
        labels=labels("database", m, site), psc_config=Nested(psc_enabled=True),
        **takes_key("encryption_config", "kms_key_name", held), **_backups(m, b, site, held),
        maintenance_update_policy=Nested(maintenance_windows=Nested(day="SUNDAY", start_time=Nested(hours=3))),
    )  # fmt: skip


def _components(b: Blueprint, site: Site) -> str | tuple[str, ...]:
    """What the cluster implements: where the second site keeps copies of its own, the plan's backups there too."""
    copies = bool(site.suffix) and any(own_days(b, "backup-2", generation) for generation in ("log", "daily"))
    return ("database", "backup") if copies else "database"


def _backups(m: Module, b: Blueprint, site: Site, held: Ref | None) -> Mapping[str, Any]:
    """Daily copies and the log, as far as the service keeps them itself; the rest is in the module `backup`. A second
    site keeps its own, which is the copy that the loss of the first leaves."""
    holder = "backup-2" if site.suffix else "database"
    copies, log = own_days(b, holder, "daily"), own_days(b, holder, "log")
    on: Ref | bool = False
    if copies or log:
        told = "Whether this environment's data is backed up."
        on = m.variable("backed_up", "bool", told, b.at(site, lambda e: e.backed_up), why=b.why(_BACKUP))
    daily = Nested(days_of_week=list(_DAYS), start_times=Nested(hours=2, minutes=0))
    logged = {"recovery_window_days": min(_MOST_LOG_DAYS, log)} if log else {}
    return {
        "automated_backup_policy": Nested(
            enabled=on if copies else False, location=region(m, site), backup_window="3600s",
            labels=labels("database", m, site), weekly_schedule=daily,
            time_based_retention=Nested(retention_period=days_text(copies or 1)),
            **takes_key("encryption_config", "kms_key_name", held),
        ),
        "continuous_backup_config": Nested(
            enabled=on if log else False, **logged, **takes_key("encryption_config", "kms_key_name", held),
        ),
    }  # fmt: skip


# --- instances -------------------------------------------------------------------------------------------


def _cpus(size: Size) -> int:
    """Processors of a machine, as its name says: n2-highmem-8."""
    return int(size.sku.rsplit("-", 1)[1])


def _machine(m: Module, b: Blueprint, component: str) -> Nested:
    sku = m.variable("database_machine", "string", "Machine of the database.", b.sized(component, lambda s: s.sku),
                     why=b.why(_DATABASE),
                     checks=(('can(regex("-[0-9]+$", var.database_machine))', "database_machine must be a machine "
                              "such as n2-highmem-4."),))  # fmt: skip
    cpus = m.variable("database_cpus", "number", "Processors of that machine.", b.sized(component, _cpus),
                      checks=(("contains([1, 2, 4, 8, 16, 32, 48, 64, 72, 96, 128], var.database_cpus)",
                               "database_cpus must be a number of processors that AlloyDB offers."),))  # fmt: skip
    return Nested(cpu_count=cpus, machine_type=sku)


def _reached(m: Module) -> Nested:
    return Nested(allowed_consumer_projects=[number(m)])


def _common(m: Module, b: Blueprint, site: Site, cluster: Ref) -> Mapping[str, Any]:
    return {
        "cluster": cluster.name, "labels": labels("database", m, site),
        "database_flags": _FLAGS, "machine_config": _machine(m, b, site.id("database")),
        "client_connection_config": Nested(ssl_config=Nested(ssl_mode="ENCRYPTED_ONLY")),
        "query_insights_config": Nested(query_string_length=1024, record_application_tags=True,
                                        record_client_address=False, query_plans_per_minute=5),
        "psc_instance_config": _reached(m),
    }  # fmt: skip


def _instance(m: Module, b: Blueprint, site: Site, parts: Parts, cluster: Ref) -> Ref:
    component = site.id("database")
    value = b.sized(component, lambda s: "REGIONAL" if s.standby else "ZONAL")
    told = "REGIONAL = with a standby in another zone, ZONAL = without."
    spread = m.variable("database_availability", "string", told, value,
                        why=b.why("disaster_recovery.high_availability"),
                        checks=(('contains(["REGIONAL", "ZONAL"], var.database_availability)',
                                 "database_availability must be REGIONAL or ZONAL."),))  # fmt: skip
    zone = m.variable("database_zone", "string", "Zone of an instance that has no standby.",
                      zone_names(site, 1)[0])  # fmt: skip
    instance = m.resource(
        "google_alloydb_instance", "this", "database", instance_id=named(m, site, "db"),
        instance_type="SECONDARY" if parts.first else "PRIMARY", availability_type=spread,
        gce_zone=raw(f'{spread} == "ZONAL" ? {zone} : null'), **_common(m, b, site, cluster),
        lifecycle=_switched(),
    )  # fmt: skip
    if parts.first is None:
        m.output("database_writer_id", instance.cluster, "Cluster that takes writes and holds the users.")
        agent = template("serviceAccount:service-", number(m), "@gcp-sa-alloydb.iam.gserviceaccount.com")
        m.output("database_agent", agent, "Account that the database writes its copies under.")
        if len(b.sites) == 1:
            clock(m, b, site, "database", [_switch(instance, "stop", EVENING, "NEVER"),
                                           _switch(instance, "start", MORNING, "ALWAYS")], "rest")  # fmt: skip
    else:
        m.output("database_writer_id", raw("var.primary_id"), "Cluster that takes writes, until a promotion.")
    return instance


def _switched() -> Nested:
    told = "A promotion makes it the primary one, and working hours stop and start it: neither is a drift."
    return Nested(ignore_changes=Noted([raw("instance_type"), raw("activation_policy")], told))


def _switch(instance: Ref, id: str, when: str, policy: str) -> Call:
    uri = template("https://alloydb.googleapis.com/v1/", instance.name, "?updateMask=activationPolicy")
    return Call(id, when, "PATCH", uri, {"activationPolicy": policy})


def _pools(b: Blueprint, site: Site) -> bool:
    sizes = b.sized(site.id("database"), lambda s: s.read_replicas).values
    return any(sizes.values())


def _pool(m: Module, b: Blueprint, site: Site, parts: Parts, cluster: Ref, primary: Ref, zone: Ref) -> None:
    nodes = m.variable("read_replicas", "number", "Nodes of the read pool; 0 = there is none.",
                       b.sized(site.id("database"), lambda s: s.read_replicas), why=b.why(_DATABASE),
                       checks=(("var.read_replicas >= 0 && var.read_replicas <= 20",
                                "read_replicas must be 0 to 20."),))  # fmt: skip
    count = raw(f"{nodes} > 0 ? 1 : 0")
    pool = m.resource(
        "google_alloydb_instance", "readers", "database", why="Read replicas, which reads are spread over.",
        count=count, instance_id=named(m, site, "db-readers"), instance_type="READ_POOL",
        **_common(m, b, site, cluster), read_pool_config=Nested(node_count=nodes), depends_on=[primary],
    )  # fmt: skip
    endpoint(m, site, parts, "readers", zone, *_attached(raw(f"{pool}[count.index]")), count)
    m.output("database_reader_endpoints", raw(f"{pool}[*].psc_instance_config[0].psc_dns_name"),
             "Names of the read pool.", exported=True)  # fmt: skip
