"""The keys of a site in AWS KMS: one for each class of data, rotated yearly, each with a policy.

Who administers a key cannot use it by that, and the other way round: the policy names the two sets of actions, and the
roles' own policies say who has which. Services that encrypt on their own behalf are named with what they encrypt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.aws.placed import tags
from devops_workbook.artifacts.terraform.aws.policies import document
from devops_workbook.artifacts.terraform.hcl import Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["USES", "key_policy", "keys", "own_keys", "uses"]

USES: Mapping[str, str] = {
    "database": "databases, caches and their backups",
    "files": "files, queues, streams and disks",
    "secrets": "secrets",
    "logs": "logs, the audit trail and notifications",
}
_WAIT = 30  # days, the longest that KMS offers between the order to delete a key and the deletion

Statement = Mapping[str, Any]


def own_keys(b: Blueprint) -> bool:
    """Whether the team manages the keys that encrypt data."""
    return b.choice("infrastructure.security") != "provider-managed-keys"


def uses(b: Blueprint) -> tuple[str, ...]:
    """What there are keys for: each class of data, or only what unseals the team's own secrets store."""
    return tuple(USES) if own_keys(b) else ("secrets",) if b.has("keys") else ()


def keys(b: Blueprint, m: Module) -> None:
    """The keys of a site, and the outputs that tell them apart."""
    made = {use: _key(b, m, use) for use in uses(b)}
    m.output("key_ids", {use: key.arn for use, key in made.items()}, "Keys that encrypt, by what they encrypt.")
    if "logs" in made:
        m.output("logs_key_id", made["logs"].arn, "The key that encrypts logs.")


def _key(b: Blueprint, m: Module, use: str) -> Ref:
    hardware = b.choice("infrastructure.security") == "hsm-backed-keys"
    held = " AWS KMS keeps it in validated hardware modules, which it never leaves." if hardware else ""
    key = m.resource(
        "aws_kms_key", use, "keys", file="keys", why=b.why("infrastructure.security") + held,
        description=f"Encrypts {USES[use]}", enable_key_rotation=True, deletion_window_in_days=_WAIT,
        policy=document(*key_policy(m, _FOR_SERVICES.get(use, tuple)())), tags=tags(b, m, "keys"),
    )  # fmt: skip
    m.resource("aws_kms_alias", use, "keys", file="keys", name=template("alias/", raw("var.name"), f"-{use}"),
               target_key_id=key.key_id)  # fmt: skip
    return key


def key_policy(m: Module, services: Iterable[Statement] = ()) -> Iterator[Statement]:
    """The statements of a key's policy: who administers, who uses, which services."""
    for sid, use in (("AdministeredByRoles", "administer"), ("UsedByRoles", "use")):
        yield {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {
                "AWS": template("arn:aws:iam::", raw("data.aws_caller_identity.current.account_id"), ":root")
            },
            "Action": m.local(f"to_{use}", _actions(use)),
            "Resource": _THIS,
        }
    yield from services


_THIS = Noted("*", "The key that the policy belongs to.")


def _actions(use: str) -> list[str]:
    return list(code_facts("aws")["permissions"]["kms"][use]["actions"])


def service(sid: str, principal: str | Ref | Any, condition: Mapping[str, Any]) -> Statement:
    """The statement that lets a service encrypt and decrypt with a key on its own behalf."""
    return {"Sid": sid, "Effect": "Allow", "Principal": {"Service": principal}, "Action": _actions("encrypt"),
            "Resource": _THIS, "Condition": condition}  # fmt: skip


_OURS = {"StringEquals": {"aws:SourceAccount": raw("data.aws_caller_identity.current.account_id")}}


def _logging() -> Iterator[Statement]:
    region, account = raw("data.aws_region.current.name"), raw("data.aws_caller_identity.current.account_id")
    groups = template("arn:aws:logs:", region, ":", account, ":log-group:*")
    yield service("LogGroups", template("logs.", region, ".amazonaws.com"),
                  {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}})  # fmt: skip
    yield service("AuditTrail", "cloudtrail.amazonaws.com", _OURS)
    yield service("Notifications", ["cloudwatch.amazonaws.com", "budgets.amazonaws.com", "events.amazonaws.com",
                                    "costalerts.amazonaws.com", "backup.amazonaws.com"], _OURS)  # fmt: skip


def _disks() -> Iterator[Statement]:
    """Groups of machines start their disks under a role of the service's own, which gets grants for it."""
    account = raw("data.aws_caller_identity.current.account_id")
    name = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    principal = {"AWS": template("arn:aws:iam::", account, ":root")}
    only = {"ArnEquals": {"aws:PrincipalArn": template("arn:aws:iam::", account, f":{name}")}}
    yield {"Sid": "DisksOfGroups", "Effect": "Allow", "Principal": principal, "Action": _actions("encrypt"),
           "Resource": _THIS, "Condition": only}  # fmt: skip
    grant = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    yield {"Sid": "GrantsForDisksOfGroups", "Effect": "Allow", "Principal": principal, "Action": _actions("grant"),
           "Resource": _THIS, "Condition": {**only, **grant}}  # fmt: skip
    yield service("EventsIntoQueues", ["sns.amazonaws.com", "s3.amazonaws.com"], _OURS)


_FOR_SERVICES: Mapping[str, Callable[[], Iterable[Statement]]] = {"logs": _logging, "files": _disks}
