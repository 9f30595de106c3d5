"""Amazon RDS for PostgreSQL: an instance with its standby and read replicas, and a replica in another region."""

from __future__ import annotations

import math
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
from devops_workbook.artifacts.terraform.aws.reasons import PLANNED, PROVIDER_KEYS
from devops_workbook.artifacts.terraform.hcl import Ref, raw, template
from devops_workbook.design.deployments import Deployment

__all__ = ["database"]

_LEAST_GB = 20  # of a gp3 volume of RDS: docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html
_YEAR = 12
_NAME = (raw("var.name"), "-database")
_READ = (raw("var.name"), "-read-", raw("count.index + 1"))


def database(d: Scope) -> None:
    """The database of a site."""
    instance = _primary(d) if d.first is None else _replica(d)
    _read_replicas(d, instance)
    m = d.module
    m.output("database_id", instance.identifier, "Name of the database.", exported=True)
    m.output("database_arn", instance.arn, "The database.")
    m.output("database_endpoint", instance.address, "Where it answers.", exported=True)
    m.output("database_arns", [user(d, instance.resource_id)], "What the service may name to sign in.")


def _shared(d: Scope) -> Mapping[str, Any]:
    """What an instance and its replicas have in common."""
    m = d.module
    sku = m.variable(
        "database_instance_class",
        "string",
        "Size of the database's instances.",
        d.sized("database", lambda s: s.sku),
        why=d.b.why("infrastructure.database"),
        checks=[('startswith(var.database_instance_class, "db.")', "A size of RDS begins with db.")],
    )
    return {
        "instance_class": sku,
        "storage_encrypted": True,
        **(d.keyed("kms_key_id", "database") if d.first is None else _foreign_key(d)),
        "iam_database_authentication_enabled": True,
        "ca_cert_identifier": "rds-ca-rsa2048-g1",
        "publicly_accessible": False,
        "auto_minor_version_upgrade": True,
        "copy_tags_to_snapshot": True,
    }


def _foreign_key(d: Scope) -> Mapping[str, Any]:
    """A replica in another region names a key of its own region, even if the provider manages it."""
    if d.own_keys:
        return d.keyed("kms_key_id", "database")
    alias = d.module.data("aws_kms_alias", "rds", name="alias/aws/rds", file="database")
    return {"kms_key_id": alias.target_key_arn}


def _skips(d: Scope) -> Mapping[str, str]:
    keys = {} if d.own_keys else {"CKV_AWS_354": PROVIDER_KEYS}
    standby = d.sized("database", lambda s: s.standby).values["production"]
    return keys if standby else {"CKV_AWS_157": PLANNED, **keys}


def _tail(d: Scope, name: str, id: tuple[str | Ref, ...], **count: Any) -> Mapping[str, Any]:
    """What shows the inside of an instance."""
    return {**insights(d), **monitoring(d), **logs(d, "instance", name, id, **count)}


def _standby(d: Scope) -> Ref:
    told = "Whether a standby in another zone takes over."
    return d.module.variable("database_multi_az", "bool", told, d.sized("database", lambda s: s.standby),
                             why=d.b.why("disaster_recovery.high_availability"))  # fmt: skip


def _primary(d: Scope) -> Ref:
    m = d.module
    kept = d.kept()
    gb = m.variable(
        "database_storage_gb", "number", "Storage at the start, GiB.",
        d.sized("database", lambda s: _gb(s.storage_gb)), why=f"The plan's data; gp3 volumes begin at {_LEAST_GB} GiB.",
        checks=[(f"var.database_storage_gb >= {_LEAST_GB}", f"gp3 volumes of RDS begin at {_LEAST_GB} GiB.")],
    )  # fmt: skip
    most = m.variable(
        "database_max_storage_gb",
        "number",
        "To which the storage grows by itself, GiB.",
        d.sized("database", lambda s: _grown(d, s.storage_gb)),
        why=_growth(d),
        checks=[("var.database_max_storage_gb >= 1.1 * var.database_storage_gb", "At least a tenth above the start.")],
    )
    days = m.variable(
        "database_backup_days", "number", "Days for which the database keeps its log and daily snapshots.",
        d.at(lambda e: _days(d, e)), why=d.b.why("disaster_recovery.backup"),
        checks=[("var.database_backup_days >= 0 && var.database_backup_days <= 35", "RDS keeps them 0 to 35 days.")],
    )  # fmt: skip
    instance = m.resource(
        "aws_db_instance", "primary", "database", file="database", why=d.b.why("infrastructure.database"),
        skips=_skips(d),
        identifier=template(*_NAME), engine="postgres", engine_version=ENGINE_MAJOR, db_name="app",
        **_shared(d), storage_type="gp3", allocated_storage=gb, max_allocated_storage=most, multi_az=_standby(d),
        **credentials(d, "password", managed=not d.two_sites and not _replicas_wanted(d)),
        db_subnet_group_name=subnet_group(d), vpc_security_group_ids=[d.security_group("database")],
        parameter_group_name=parameters(d, "aws_db_parameter_group"), backup_retention_period=days,
        **_tail(d, "primary", _NAME), deletion_protection=kept, skip_final_snapshot=raw("!var.deletion_protection"),
        final_snapshot_identifier=named("database-final"), tags=d.tags("database"),
    )  # fmt: skip
    office_hours(d, "instance", instance.identifier, instance.arn, _stops)
    return instance


def _replica(d: Scope) -> Ref:
    m = d.module
    assert d.first is not None
    source = m.variable(
        "source_database_arn", "string", "The database that is replicated.", d.first.wire("database_arn")
    )
    return m.resource(
        "aws_db_instance", "primary", "database", file="database", why=d.b.why("disaster_recovery.high_availability"),
        skips={**_skips(d), "CKV_AWS_133": PLANNED},
        identifier=template(*_NAME), replicate_source_db=source, **_shared(d), multi_az=_standby(d),
        db_subnet_group_name=subnet_group(d), vpc_security_group_ids=[d.security_group("database")],
        parameter_group_name=parameters(d, "aws_db_parameter_group"), **_tail(d, "primary", _NAME),
        deletion_protection=d.kept(), skip_final_snapshot=True, tags=d.tags("database"),
    )  # fmt: skip


def _replicas_wanted(d: Scope) -> bool:
    return any(d.sized("database", lambda s: s.read_replicas).values.values())


def _read_replicas(d: Scope, source: Ref) -> None:
    if not _replicas_wanted(d):
        return
    count = d.module.variable(
        "database_read_replicas",
        "number",
        "Replicas that take reads.",
        d.sized("database", lambda s: s.read_replicas),
        why=d.b.why("infrastructure.database"),
    )
    replica = d.module.resource(
        "aws_db_instance", "read", "database", file="database",
        skips={**_skips(d), "CKV_AWS_133": PLANNED}, count=count,
        identifier=template(*_READ), replicate_source_db=source.identifier,
        **_shared(d), vpc_security_group_ids=[d.security_group("database")],
        parameter_group_name=source.parameter_group_name, **_tail(d, "read", _READ, count=count),
        deletion_protection=d.kept(), skip_final_snapshot=True, tags=d.tags("database"),
    )  # fmt: skip
    d.module.output("database_read_endpoints", raw(f"{replica}[*].address"), "Where the read replicas answer.")


def _gb(gb: float) -> int:
    return max(_LEAST_GB, math.ceil(gb))


def _grown(d: Scope, gb: float) -> int:
    """Storage that the growth of the horizon asks for; never less than the tenth above the start that RDS wants."""
    r = d.b.requirements
    grown: float = gb * (1.0 + r.growth_pct_per_year / 100.0) ** (r.horizon_months / _YEAR)
    return max(math.ceil(grown), math.ceil(1.1 * _gb(gb)))


def _growth(d: Scope) -> str:
    r = d.b.requirements
    return f"Growth of {r.growth_pct_per_year:g} % a year over {r.horizon_months} months."


def _days(d: Scope, e: Deployment) -> int:
    """The plan's days where it backs up; else none, unless something is replicated from the snapshots."""
    if e.backed_up:
        return d.days("database", "database")
    return 1 if _is_source(e) else 0  # a source of replicas has to keep backups, a day at least


def _is_source(e: Deployment) -> bool:
    return len(e.regions) > 1 or e.sizes["database"].read_replicas > 0


def _stops(e: Deployment) -> bool:
    """A source of replicas cannot be stopped."""
    return not _is_source(e)
