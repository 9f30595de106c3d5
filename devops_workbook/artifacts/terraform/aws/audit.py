"""The audit trail of an account: AWS CloudTrail, in all regions, into a bucket that nobody empties before its time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.aws.buckets import bucket, expiry
from devops_workbook.artifacts.terraform.aws.keys import own_keys
from devops_workbook.artifacts.terraform.aws.logs import log_group
from devops_workbook.artifacts.terraform.aws.placed import everywhere, named, tags
from devops_workbook.artifacts.terraform.aws.policies import allow, document, only_tls, role, trust
from devops_workbook.artifacts.terraform.aws.reasons import PROVIDER_KEYS
from devops_workbook.artifacts.terraform.aws.security import bucket_skips, deletion_protection
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["audit"]

_FILE = "trail"


def audit(b: Blueprint, security: Module, stores: Sequence[Module]) -> Module:
    """The audit trail of an account. security: of the first site; stores: the data modules, whose reads and writes are
    recorded too."""
    m = everywhere("audit", "Audit trail", (
        "Who did what in the account, in all regions: every call that changes something, every sign-in, and every "
        "read and write of the service's data.",
    ))  # fmt: skip
    m.data("aws_caller_identity", "current")
    m.data("aws_region", "current")
    key = None
    if own_keys(b):
        key = m.variable("logs_key_id", "string", "The key that encrypts logs.", security.wire("logs_key_id"),
                         why=b.why("infrastructure.security"))  # fmt: skip
    made, policy = _bucket(b, m, security, key)
    _trail(b, m, made, policy, key, stores)
    return m


def _written_once(b: Blueprint) -> bool:
    """Whether the plan keeps the audit trail in write-once storage."""
    return b.choice("security.compliance") != "audit-trail"


def _bucket(b: Blueprint, m: Module, security: Module, key: Ref | None) -> tuple[Ref, Ref]:
    title = m.variable(
        "bucket", "string", "Name of the bucket of the audit trail; nobody else in the world may have it.",
        b.each(lambda e: b.names.unique(e.environment, "audit")),
        checks=[("length(var.bucket) <= 63", "A bucket's name has 63 characters at most.")],
    )  # fmt: skip
    logs = m.variable("log_bucket_id", "string", "The bucket that access logs go to.", security.wire("log_bucket_id"))
    kept = deletion_protection(m)
    lock: dict[str, Any] = {"object_lock_enabled": True} if _written_once(b) else {}
    made, _ = bucket(
        m, "trail", "audit", title, key, file=_FILE, why=b.why("security.compliance"), **lock,
        force_destroy=raw(f"!{kept}"), skips=bucket_skips(b, keyed=key is not None, logged=True),
        tags=tags(b, m, "audit"),
    )  # fmt: skip
    m.resource("aws_s3_bucket_logging", "trail", "audit", file=_FILE, bucket=made.id, target_bucket=logs,
               target_prefix="audit/")  # fmt: skip
    days = Noted(b.requirements.log_retention_days, f"Logs are kept for {b.requirements.log_retention_days} days.")
    if lock:
        m.resource(
            "aws_s3_bucket_object_lock_configuration", "trail", "audit", file=_FILE, count=raw(f"{kept} ? 1 : 0"),
            why="Until then nobody can delete an entry, not even the account's owner.", bucket=made.id,
            rule=Nested(default_retention=Nested(mode="COMPLIANCE", days=days)),
        )  # fmt: skip
    expiry(m, "trail", "audit", made.id, days, file=_FILE)
    policy = m.resource("aws_s3_bucket_policy", "trail", "audit", file=_FILE, bucket=made.id,
                        policy=document(*_policy(made)))  # fmt: skip
    return made, policy


def _trail_arn() -> Any:
    region, account = raw("data.aws_region.current.name"), raw("data.aws_caller_identity.current.account_id")
    return template("arn:aws:cloudtrail:", region, ":", account, ":trail/", raw("var.name"), "-audit")


def _policy(made: Ref) -> Iterator[Mapping[str, Any]]:
    """Only over TLS, and only this trail writes."""
    by = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    only = {"StringEquals": {"aws:SourceArn": _trail_arn()}}
    objects = template(made.arn, "/AWSLogs/", raw("data.aws_caller_identity.current.account_id"), "/*")
    yield only_tls("s3", [made.arn, template(made.arn, "/*")])
    yield {"Sid": "Look", **by, "Action": "s3:GetBucketAcl", "Resource": made.arn, "Condition": only}
    yield {"Sid": "Write", **by, "Action": "s3:PutObject", "Resource": objects, "Condition": only}


def _trail(b: Blueprint, m: Module, made: Ref, policy: Ref, key: Ref | None, stores: Sequence[Module]) -> None:
    group = log_group(b, m, "trail", "audit", named("audit"), key, file=_FILE, tags=tags(b, m, "audit"))
    writer = role(
        m, "trail", "audit", named("audit"), trust("cloudtrail.amazonaws.com"),
        allow("cloudwatch-logs", "write", template(group.arn, ":*")), file=_FILE, tags=tags(b, m, "audit"),
    )  # fmt: skip
    topic, publishers = _topic(b, m, key)
    m.resource(
        "aws_cloudtrail", "this", "audit", file=_FILE, why=b.why("security.compliance"),
        skips={} if key is not None else {"CKV_AWS_35": PROVIDER_KEYS},
        name=named("audit"), s3_bucket_name=made.id, **({"kms_key_id": key} if key is not None else {}),
        is_multi_region_trail=True, include_global_service_events=True, enable_log_file_validation=True,
        cloud_watch_logs_group_arn=template(group.arn, ":*"), cloud_watch_logs_role_arn=writer.arn,
        sns_topic_name=topic.name,
        advanced_event_selector=list(_selectors(b, m, stores)), tags=tags(b, m, "audit"),
        depends_on=[raw(str(policy)), raw(str(publishers))],
    )  # fmt: skip


def _topic(b: Blueprint, m: Module, key: Ref | None) -> tuple[Ref, Ref]:
    """The topic that a collector of security events (SIEM) subscribes to, and its policy: only this trail publishes."""
    keyed = {"kms_master_key_id": key} if key is not None else {}
    topic = m.resource(
        "aws_sns_topic", "trail", "audit", file=_FILE, name=named("audit"), **keyed, tags=tags(b, m, "audit"),
        why="Tells a collector of security events (SIEM) that subscribes to it of every new file of the trail.",
        skips={} if keyed else {"CKV_AWS_26": PROVIDER_KEYS},
    )  # fmt: skip
    publish = {
        "Sid": "Publish", "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": code_facts("aws")["permissions"]["sns"]["publish"]["actions"], "Resource": topic.arn,
        "Condition": {"StringEquals": {"aws:SourceArn": _trail_arn()}},
    }  # fmt: skip
    refuse = {**only_tls("sns", [topic.arn]), "Action": "sns:Publish"}
    return topic, m.resource("aws_sns_topic_policy", "trail", "audit", file=_FILE, arn=topic.arn,
                             policy=document(publish, refuse))  # fmt: skip


def _selectors(b: Blueprint, m: Module, stores: Sequence[Module]) -> Iterator[Nested]:
    """Management events, and the reads and writes of what holds data."""
    yield Nested(name="Changes and sign-ins", field_selector=Nested(field="eventCategory", equals=["Management"]))
    for output, kind, start in _DATA:
        held = [s.wire(output) for s in stores if output in s.outputs]
        if not held or (output == "database_arn" and b.component("database").service != "dynamodb"):
            continue
        ids = m.variable(f"{output}s", "list(string)", f"What holds data and is watched: {kind}.", held)
        yield Nested(
            name=f"Reads and writes of {kind}",
            field_selector=[
                Nested(field="eventCategory", equals=["Data"]), Nested(field="resources.type", equals=[kind]),
                Nested(field="resources.ARN", starts_with=raw(f'[for id in compact({ids}) : {start}]')),
            ],
        )  # fmt: skip


_DATA = (
    ("files_id", "AWS::S3::Object", '"arn:aws:s3:::${id}/"'),
    ("database_arn", "AWS::DynamoDB::Table", "id"),
)
