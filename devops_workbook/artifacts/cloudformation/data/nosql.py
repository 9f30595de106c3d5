"""Amazon DynamoDB: one table, and with two sites a global one that both write to."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.common import allow, arn, doubled, kept, key, other_key
from devops_workbook.artifacts.cloudformation.data.stored import Stored
from devops_workbook.artifacts.cloudformation.network import Net
from devops_workbook.artifacts.cloudformation.template import choose, sub

__all__ = ["nosql"]


def nosql(b: Blueprint, stored: Stored, _net: Net) -> None:
    """The table; the second site has a replica of it, which the first site's stack makes."""
    t = stored.template
    named = sub(t.name_parameter, "-data")
    own = key(t, b, "database")
    common: dict[str, Any] = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "TableName": named,
    }  # fmt: skip
    recovery: dict[str, Any] = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    protection: dict[str, Any] = {"DeletionProtectionEnabled": kept(t)}
    if len(b.sites) > 1:
        theirs = other_key(t, b, "database")
        replicas = [
            _replica(b.sites[0].region.id, own, recovery | protection),
            choose(doubled(t, b), _replica(b.sites[1].region.id, theirs, recovery | protection)),
        ]
        t.resource(
            "Table", "AWS::DynamoDB::GlobalTable", ("database", "database-2"), condition=t.primary, keep="Retain",
            why=b.why("infrastructure.database"), **common, Replicas=replicas,
            StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"},
            SSESpecification={"SSEEnabled": True, **({"SSEType": "KMS"} if own is not None else {})},
        )  # fmt: skip
    else:
        sealed = {"SSEEnabled": True} | ({"SSEType": "KMS", "KMSMasterKeyId": own} if own is not None else {})
        skips = {} if own is not None else {
            "CKV_AWS_119": "the plan leaves keys to the provider, which encrypts by default"}  # fmt: skip
        t.resource("Table", "AWS::DynamoDB::Table", "database", keep="Retain", why=b.why("infrastructure.database"),
                   skips=skips, **common, SSESpecification=sealed, **recovery, **protection)  # fmt: skip
    _told(b, stored)


def _replica(region: str, own: Any, more: dict[str, Any]) -> dict[str, Any]:
    sealed = {"SSESpecification": {"KMSMasterKeyId": own}} if own is not None else {}
    return {"Region": region, **more, **sealed, "Tags": [{"Key": "component", "Value": "database"}]}


def _told(b: Blueprint, stored: Stored) -> None:
    """A table's name is the same in both regions."""
    t = stored.template
    table = sub(t.name_parameter, "-data")
    held = arn("dynamodb", "table/", table)
    stored.grants.append(allow("dynamodb", "use", [held, sub(held, "/index/*")]))
    if key(t, b, "database") is not None:
        stored.keys.add("database")
    stored.settings["DATABASE_NAME"] = table
    stored.backed_up = lambda template: arn("dynamodb", "table/", template.name_parameter, "-data")
    stored.watched = {"TableName": table}
