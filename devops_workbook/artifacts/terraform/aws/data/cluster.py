"""Amazon Aurora PostgreSQL: a cluster over three zones, and a global database where there is a second region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.terraform.aws.data.postgres import (
    ENGINE_MAJOR,
    credentials,
    insights,
    logs,
    monitoring,
    office_hours,
    parameters,
    subnet_group,
    user,
)
from devops_workbook.artifacts.terraform.aws.data.scope import Scope
from devops_workbook.artifacts.terraform.aws.placed import named
from devops_workbook.artifacts.terraform.aws.reasons import PROVIDER_KEYS, SELECTED
from devops_workbook.artifacts.terraform.hcl import Nested, Ref, raw, template
from devops_workbook.design.deployments import Deployment

__all__ = ["database"]

_ENGINE = "aurora-postgresql"
_NAME = (raw("var.name"), "-database")


def database(d: Scope) -> None:
    """The database of a site."""
    cluster = _first(d) if d.first is None else _second(d)
    instances = _instances(d, cluster)
    m = d.module
    m.output("database_id", cluster.cluster_identifier, "Name of the cluster.", exported=True)
    m.output("database_arn", cluster.arn, "The cluster.")
    m.output("database_endpoint", cluster.endpoint, "Where it takes reads and writes.", exported=True)
    m.output("database_read_endpoint", cluster.reader_endpoint, "Where it takes reads.")
    m.output("database_arns", [user(d, cluster.cluster_resource_id)], "What the service may name to sign in.")
    if d.first is None and d.two_sites:
        global_id = raw("one(aws_rds_global_cluster.this[*].id)")
        m.output("database_global_id", global_id, "The database of both regions.")
        m.output("database_instance_ids", raw(f"{instances}[*].id"), "The instances, once they run.")


def _shared(d: Scope) -> Mapping[str, Any]:
    return {
        "engine": _ENGINE,
        "engine_version": ENGINE_MAJOR,
        "storage_encrypted": True,
        **(d.keyed("kms_key_id", "database") if d.first is None else _foreign_key(d)),
        "iam_database_authentication_enabled": True,
        "db_subnet_group_name": subnet_group(d),
        "vpc_security_group_ids": [d.security_group("database")],
        "db_cluster_parameter_group_name": parameters(d, "aws_rds_cluster_parameter_group"),
        **logs(d, "cluster", "cluster", _NAME),
        "copy_tags_to_snapshot": True,
        "deletion_protection": d.kept(),
    }


def _skips(d: Scope) -> Mapping[str, str]:
    keys = {} if d.own_keys else {"CKV_AWS_327": PROVIDER_KEYS}
    return {"CKV2_AWS_8": SELECTED, **keys}


def _foreign_key(d: Scope) -> Mapping[str, Any]:
    """A copy in another region names a key of its own region, even if the provider manages it."""
    if d.own_keys:
        return d.keyed("kms_key_id", "database")
    return {"kms_key_id": d.module.data("aws_kms_alias", "rds", name="alias/aws/rds", file="database").target_key_arn}


def _first(d: Scope) -> Ref:
    m = d.module
    days = m.variable(
        "database_backup_days", "number", "Days for which the cluster keeps its log and snapshots.",
        d.at(lambda e: _days(d, e)), why=d.b.why("disaster_recovery.backup"),
        checks=[("var.database_backup_days >= 1 && var.database_backup_days <= 35", "Aurora keeps them 1 to 35 days.")],
    )  # fmt: skip
    cluster = m.resource(
        "aws_rds_cluster", "this", "database", file="database", why=d.b.why("infrastructure.database"),
        skips=_skips(d),
        cluster_identifier=template(*_NAME), **_global(d), database_name="app",
        **credentials(d, "master_password", managed=not d.two_sites), **_shared(d), backup_retention_period=days,
        skip_final_snapshot=raw("!var.deletion_protection"), final_snapshot_identifier=named("database-final"),
        tags=d.tags("database"),
    )  # fmt: skip
    office_hours(d, "cluster", cluster.cluster_identifier, cluster.arn, lambda e: len(e.regions) == 1)
    return cluster


def _days(d: Scope, e: Deployment) -> int:
    return d.days("database", "database") if e.backed_up else 1  # Aurora always keeps a day


def _global(d: Scope) -> Mapping[str, Any]:
    """The global database that the first cluster opens, in environments that have the second region."""
    if not d.two_sites:
        return {}
    m = d.module
    replicated = m.variable("database_replicated", "bool", "Whether a second region has a copy.",
                            d.at(lambda e: len(e.regions) > 1))  # fmt: skip
    made = m.resource(
        "aws_rds_global_cluster", "this", "database", file="database",
        why=d.b.why("disaster_recovery.high_availability"), count=raw(f"{replicated} ? 1 : 0"),
        global_cluster_identifier=named("global"), engine=_ENGINE, engine_version=ENGINE_MAJOR,
        storage_encrypted=True, deletion_protection=d.kept(),
    )  # fmt: skip
    return {"global_cluster_identifier": raw(f"one({made}[*].id)")}


def _second(d: Scope) -> Ref:
    m = d.module
    assert d.first is not None
    joined = m.variable("global_database_id", "string", "The global database.", d.first.wire("database_global_id"))
    wait = m.variable("source_instance_ids", "list(string)", "The first cluster's instances.",
                      d.first.wire("database_instance_ids"))  # fmt: skip
    ready = Nested(
        condition=raw(f"length({wait}) > 0"), error_message="The first cluster has no instance to copy from."
    )
    return m.resource(
        "aws_rds_cluster", "this", "database", file="database", why=d.b.why("disaster_recovery.high_availability"),
        skips=_skips(d),
        cluster_identifier=template(*_NAME), global_cluster_identifier=joined, source_region=d.b.sites[0].region.id,
        **_shared(d), skip_final_snapshot=True, tags=d.tags("database"), lifecycle=Nested(precondition=ready),
    )  # fmt: skip


def _instances(d: Scope, cluster: Ref) -> Ref:
    m = d.module
    count = m.variable(
        "database_instances", "number", "Instances: one writes, the others read and stand by.",
        d.sized("database", lambda s: s.maximum), why=d.b.why("disaster_recovery.high_availability"),
        checks=[("var.database_instances >= 1 && var.database_instances <= 16", "A cluster has 1 to 16 instances.")],
    )  # fmt: skip
    sku = m.variable(
        "database_instance_class",
        "string",
        "Size of the instances.",
        d.sized("database", lambda s: s.sku),
        why=d.b.why("infrastructure.database"),
        checks=[('startswith(var.database_instance_class, "db.")', "A size of RDS begins with db.")],
    )
    return m.resource(
        "aws_rds_cluster_instance", "this", "database", file="database", count=count,
        skips={} if d.own_keys else {"CKV_AWS_354": PROVIDER_KEYS},
        identifier=template(raw("var.name"), "-database-", raw("count.index + 1")), cluster_identifier=cluster.id,
        engine=cluster.engine, engine_version=cluster.engine_version, instance_class=sku, publicly_accessible=False,
        ca_cert_identifier="rds-ca-rsa2048-g1", auto_minor_version_upgrade=True, copy_tags_to_snapshot=True,
        **insights(d), **monitoring(d), tags=d.tags("database"),
    )  # fmt: skip
