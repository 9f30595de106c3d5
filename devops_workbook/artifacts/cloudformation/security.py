"""Security of one site: secrets, and the watch over the account.

Every environment has an account of its own, so what an account has once a region (detector, recorder) is here. The
audit trail covers all regions and stands at the first site.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.common import (
    KEYLESS_TOPIC,
    access_bucket,
    allow,
    arn,
    bucket,
    bucket_name,
    doubled,
    key,
    log_group,
    other_key,
    role,
    tls_only,
    unlocked,
)
from devops_workbook.artifacts.cloudformation.template import (
    ACCOUNT,
    PARTITION,
    REGION,
    Resource,
    Template,
    choose,
    policy,
    statement,
    sub,
)

__all__ = ["secret_names", "secrets_arns", "security"]

_SECRETS = ("application", "signing", "partner", "webhook", "messaging", "payments")


def security(b: Blueprint) -> Template:
    """The security template, for all sites."""
    t = Template(
        "security", "Secrets, audit trail and threat detection of one site.",
        ("Secrets of one site, and the watch over its account. Every environment has an account of its own, so what an "
         "account has once a region is here.",),
        sites=len(b.sites),
    )  # fmt: skip
    _secrets(t, b)
    _trail(t, b)
    _detection(t, b)
    _posture(t, b)
    return t


# --- secrets ------------------------------------------------------------------------------------------


def secret_names(b: Blueprint) -> tuple[str, ...]:
    """The secrets of the service. Of those that the plan counts, the administrator's of a relational database is made
    with the database."""
    if b.component("secrets").service != "secrets-manager":
        return ()
    count = round(b.catalog.assumptions["secrets_count"].value or 0)
    kind = b.provider.services[b.component("database").service].kind
    own = max(0, count - (kind != "nosql"))
    return tuple(_SECRETS[i] if i < len(_SECRETS) else f"further-{i - len(_SECRETS) + 1}" for i in range(own))


def _secrets(t: Template, b: Blueprint) -> None:
    """Secrets without a value: people or pipelines put it in, and no template ever holds one."""
    if not secret_names(b):
        return
    own = key(t, b, "secrets")
    skips = unlocked(own, "CKV_AWS_149")
    two = len(b.sites) > 1
    for index, name in enumerate(secret_names(b)):
        title = "".join(part.capitalize() for part in name.split("-"))
        t.resource(
            f"{title}Secret",
            "AWS::SecretsManager::Secret",
            ("secrets", "secrets-2") if two else "secrets",
            skips=skips,
            keep="Retain",
            condition=t.primary,
            why="" if index else f"Its value is put in by hand or pipeline. {b.why('security.secrets')}",
            Name=sub(t.name_parameter, f"/{name}"),
            KmsKeyId=own,
            Description=f"What the service keeps secret: {name}.",
            ReplicaRegions=_copies(t, b) if two else None,
        )


def _copies(t: Template, b: Blueprint) -> Any:
    """The copy in the second region, where the environment has one."""
    theirs = other_key(t, b, "secrets")
    copy = {"Region": b.sites[1].region.id} | ({"KmsKeyId": theirs} if theirs is not None else {})
    return choose(doubled(t, b), [copy])


def secrets_arns(t: Template, b: Blueprint) -> list[Any]:
    """The secrets of the service at the template's site; Secrets Manager ends each name with six characters of its
    own."""
    return [arn("secretsmanager", "secret:", t.name_parameter, f"/{name}-??????") for name in secret_names(b)]


# --- audit -----------------------------------------------------------------------------------------------


def _trail(t: Template, b: Blueprint) -> None:
    if not b.has("audit"):
        return
    first, own = t.primary, key(t, b, "logs")
    trail = sub("arn:", PARTITION, ":cloudtrail:", REGION, ":", ACCOUNT, ":trail/", t.name_parameter)
    name = bucket_name(t, "audit")
    of_trail = {"StringEquals": {"aws:SourceArn": trail}}
    service = {"Service": "cloudtrail.amazonaws.com"}
    statements = [
        statement(
            ["s3:GetBucketAcl"],
            sub("arn:", PARTITION, ":s3:::", name),
            Sid="Check",
            Principal=service,
            Condition=of_trail,
        ),
        statement(
            ["s3:PutObject"],
            sub("arn:", PARTITION, ":s3:::", name, "/AWSLogs/", ACCOUNT, "/*"),
            Sid="Write",
            Principal=service,
            Condition={"StringEquals": {"aws:SourceArn": trail, "s3:x-amz-acl": "bucket-owner-full-control"}},
        ),
    ]
    held = bucket(
        t,
        "AuditTrailBucket",
        "audit",
        name,
        own,
        statements=statements,
        condition=first,
        why=b.why("security.compliance"),
        LoggingConfiguration={"DestinationBucketName": access_bucket(t), "LogFilePrefix": "audit/"},
        LifecycleConfiguration={
            "Rules": [{"Id": "retention", "Status": "Enabled", "ExpirationInDays": _searchable(b)}]
        },
    )
    logs = log_group(t, b, "AuditTrailLogs", "audit", sub("/", t.name_parameter, "/audit"), own, condition=first)
    writes = role(
        t,
        "AuditTrailRole",
        "audit",
        "cloudtrail.amazonaws.com",
        condition=first,
        statements=[statement(["logs:CreateLogStream", "logs:PutLogEvents"], logs.arn)],
    )
    topic = _trail_topic(t, trail, own)
    t.resource(
        "AuditTrail",
        "AWS::CloudTrail::Trail",
        "audit",
        condition=first,
        depends=[t.resources["AuditTrailBucketPolicy"], t.resources["AuditTrailTopicPolicy"]],
        TrailName=t.name_parameter,
        S3BucketName=held,
        IsLogging=True,
        IsMultiRegionTrail=True,
        EnableLogFileValidation=True,
        IncludeGlobalServiceEvents=True,
        KMSKeyId=own,
        CloudWatchLogsLogGroupArn=logs.arn,
        CloudWatchLogsRoleArn=writes.arn,
        SnsTopicName=topic.att("TopicName"),
        skips=unlocked(own, "CKV_AWS_35"),
    )


def _trail_topic(t: Template, trail: Any, own: Any) -> Resource:
    """The topic that a collector of security events (SIEM) subscribes to; only the trail publishes."""
    topic = t.resource(
        "AuditTrailTopic", "AWS::SNS::Topic", "audit", condition=t.primary, KmsMasterKeyId=own,
        why="Tells a collector of security events (SIEM) that subscribes to it of every new file of the trail.",
        TopicName=sub(t.name_parameter, "-audit"), skips={} if own is not None else {"CKV_AWS_26": KEYLESS_TOPIC},
    )  # fmt: skip
    publish = allow("sns", "publish", topic, StringEquals={"aws:SourceArn": trail}) | {
        "Sid": "Publish", "Principal": {"Service": "cloudtrail.amazonaws.com"}}  # fmt: skip
    refuse = tls_only([topic], "sns") | {"Action": "sns:Publish"}
    t.resource("AuditTrailTopicPolicy", "AWS::SNS::TopicPolicy", "audit", condition=t.primary, Topics=[topic],
               PolicyDocument=policy(publish, refuse))  # fmt: skip
    return topic


def _searchable(b: Blueprint) -> int:
    """Days that audit events are kept, as the plan says."""
    signal = next(s for s in b.assessment.telemetry.signals if s.component == "audit")
    return sum(tier.days for tier in signal.tiers)


def _detection(t: Template, b: Blueprint) -> None:
    if b.has("threat-detection"):
        t.resource(
            "Detector",
            "AWS::GuardDuty::Detector",
            "threat-detection",
            why=b.why("security.compliance"),
            Enable=True,
            FindingPublishingFrequency="FIFTEEN_MINUTES",
        )


def _posture(t: Template, b: Blueprint) -> None:
    if not b.has("posture"):
        return
    name = bucket_name(t, "config")
    service, mine = {"Service": "config.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    held = bucket(
        t,
        "ConfigBucket",
        "posture",
        name,
        key(t, b, "logs"),
        statements=[
            statement(
                ["s3:GetBucketAcl", "s3:ListBucket"],
                sub("arn:", PARTITION, ":s3:::", name),
                Sid="Check",
                Principal=service,
                Condition=mine,
            ),
            statement(
                ["s3:PutObject"],
                sub("arn:", PARTITION, ":s3:::", name, "/AWSLogs/", ACCOUNT, "/*"),
                Sid="Write",
                Principal=service,
                Condition=mine,
            ),
        ],
        LoggingConfiguration={"DestinationBucketName": access_bucket(t), "LogFilePrefix": "config/"},
        LifecycleConfiguration={
            "Rules": [{"Id": "retention", "Status": "Enabled", "ExpirationInDays": _searchable(b)}]
        },
    )
    statements = [statement(["s3:PutObject", "s3:GetBucketAcl"], [held.arn, sub(held.arn, "/*")])]
    if (own := key(t, b, "logs")) is not None:
        statements.append(statement(["kms:Decrypt", "kms:GenerateDataKey"], own))
    reads = role(
        t, "ConfigRole", "posture", "config.amazonaws.com", statements, managed=["service-role/AWS_ConfigRole"]
    )
    recorder = t.resource(
        "Recorder",
        "AWS::Config::ConfigurationRecorder",
        "posture",
        RoleARN=reads.arn,
        RecordingGroup={"AllSupported": True, "IncludeGlobalResourceTypes": choose(t.primary, True, False)},
    )
    channel = t.resource("DeliveryChannel", "AWS::Config::DeliveryChannel", "posture", S3BucketName=held)
    for index, (title, rule) in enumerate(_RULES.items()):
        t.resource(title, "AWS::Config::ConfigRule", "posture", depends=[recorder, channel],
                   why="" if index else b.why("security.compliance"),
                   Source={"Owner": "AWS", "SourceIdentifier": rule})  # fmt: skip


_RULES: Mapping[str, str] = {
    "EncryptedVolumes": "ENCRYPTED_VOLUMES",
    "FlowLogsEnabled": "VPC_FLOW_LOGS_ENABLED",
    "NoPublicBuckets": "S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED",
    "OnlyTlsToBuckets": "S3_BUCKET_SSL_REQUESTS_ONLY",
    "RootHasMfa": "ROOT_ACCOUNT_MFA_ENABLED",
    "TrailIsOn": "CLOUD_TRAIL_ENABLED",
    "UsersHaveMfa": "IAM_USER_MFA_ENABLED",
}
