"""Amazon DynamoDB: a table on demand, and its replica in another region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.terraform.aws.data.scope import Scope
from devops_workbook.artifacts.terraform.aws.placed import named
from devops_workbook.artifacts.terraform.aws.reasons import PROVIDER_KEYS
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template

__all__ = ["database"]

_KEYS = {
    "CKV_AWS_119": PROVIDER_KEYS,
}
_PARTITION, _SORT = "pk", "sk"


def database(d: Scope) -> None:
    """The table of a site."""
    table = _table(d) if d.first is None else _replica(d)
    m = d.module
    if d.first is None:
        m.output("database_id", table.name, "Name of the table.", exported=True)
    else:
        m.output("database_id", raw(f'split("/", {table}.arn)[1]'), "Name of the table.", exported=True)
    m.output("database_arn", table.arn, "The table.")
    m.output("database_endpoint", _endpoint(d), "Where it answers.", exported=True)
    m.output(
        "database_arns", [table.arn, template(table.arn, "/index/*")], "What the service may name: table, indexes."
    )


def _endpoint(d: Scope) -> Any:
    return template("dynamodb.", d.region(), ".amazonaws.com")


def _recovery(d: Scope) -> tuple[Ref, int]:
    """Whether the table can be wound back, and by how many days."""
    days = d.days("database", "database")
    on = d.module.variable(
        "database_point_in_time_recovery",
        "bool",
        "Whether the table can be wound back in time.",
        d.at(lambda e: e.backed_up and days > 0),
        why=d.b.why("disaster_recovery.backup"),
    )
    return on, days


def _table(d: Scope) -> Ref:
    m = d.module
    on, days = _recovery(d)
    stream: Mapping[str, Any] = {}
    later: Mapping[str, Any] = {}
    if d.two_sites:
        told = "Replicas are fed from the stream."
        stream = {"stream_enabled": Noted(True, told), "stream_view_type": "NEW_AND_OLD_IMAGES"}
        later = {"lifecycle": Nested(ignore_changes=Noted([raw("replica")], "The replica is a resource of its own."))}
    key = d.key("database")
    sealed = {} if key is None else {"server_side_encryption": Nested(enabled=True, kms_key_arn=key)}
    recovery = {"enabled": on} | ({"recovery_period_in_days": raw(f"{on} ? {days} : null")} if days else {})
    return m.resource(
        "aws_dynamodb_table", "this", "database", file="database", why=d.b.why("infrastructure.database"),
        skips=_KEYS if key is None else {}, name=named("items"),
        billing_mode=Noted("PAY_PER_REQUEST", "On demand: the plan pays by the request and sizes nothing."),
        hash_key=_PARTITION, range_key=_SORT, **stream, deletion_protection_enabled=d.kept(),
        attribute=[Nested(name=_PARTITION, type="S"), Nested(name=_SORT, type="S")],
        point_in_time_recovery=Nested(**recovery), **sealed, tags=d.tags("database"), **later,
    )  # fmt: skip


def _replica(d: Scope) -> Ref:
    m = d.module
    assert d.first is not None
    on, _ = _recovery(d)
    source = m.variable("source_table_arn", "string", "The table that is replicated.", d.first.wire("database_arn"))
    skips = {} if d.own_keys else {"CKV_AWS_271": PROVIDER_KEYS}
    return m.resource(
        "aws_dynamodb_table_replica", "this", "database", file="database", skips=skips,
        why=d.b.why("disaster_recovery.high_availability"), global_table_arn=source,
        **d.keyed("kms_key_arn", "database"), deletion_protection_enabled=d.kept(), point_in_time_recovery=on,
        tags=d.tags("database"),
    )  # fmt: skip
