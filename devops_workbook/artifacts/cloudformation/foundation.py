"""The foundation of one region: what is there before anything else and outlives everything, because data hangs on it.

Keys, the bucket for access logs, the files and the vault for backups. The second region's is deployed before the
first's, so that what is copied has somewhere to go, under a key that is there already; where the second region serves
nothing, it is all that there is of it.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Each
from devops_workbook.artifacts.cloudformation.common import (
    access_bucket,
    allow,
    arn,
    assured,
    bucket,
    bucket_name,
    role,
    second_region,
    unlocked,
)
from devops_workbook.artifacts.cloudformation.template import (
    ACCOUNT,
    NO_VALUE,
    PARTITION,
    REGION,
    BySite,
    Condition,
    Given,
    Resource,
    Template,
    choose,
    fn,
    policy,
    statement,
    sub,
)
from devops_workbook.artifacts.yaml import Noted

__all__ = ["data_key", "foundation", "foundation_present"]

_USES = {"database": "Database", "files": "Files", "secrets": "Secrets", "logs": "Logs"}
_LOG_WRITERS = ("cloudtrail", "delivery.logs", "cloudwatch", "config", "sns", "events", "budgets", "costalerts", "sqs")


def foundation_present(b: Blueprint) -> Each:
    """In which environments there is a second region."""
    if len(b.sites) > 1:
        return b.present(b.sites[1])
    return b.each(lambda e: e.backed_up and b.backup_region is not None)


def foundation(b: Blueprint) -> Template:
    """The foundation's template, for all regions."""
    t = Template(
        "foundation",
        "Foundation of one region: keys, buckets for files and logs, the vault for backups.",
        (
            "What everything else in the region builds on, and what outlives it. The second region's "
            "foundation is deployed "
            "before the first's, for files are copied there.",
        ),
        sites=2 if second_region(b) else 1,
    )
    keys = _keys(t, b)
    _access_logs(t, b)
    _files(t, b, keys)
    _vault(t, b, keys)
    return t


# --- keys ------------------------------------------------------------------------------------------------


def _keys(t: Template, b: Blueprint) -> dict[str, Any]:
    """The ARNs of the keys by use; none where the plan leaves keys to the provider."""
    found = {}
    if assured(b):
        for use, title in _USES.items():
            found[use] = _key(t, b, use, title).arn
            t.output(f"{title}KeyArn", found[use], f"Key that encrypts {use}.", exported=True)
    elif b.has("keys"):
        t.output("UnsealKeyArn", _key(t, b, "unseal", "Unseal").arn, "Key that unseals the secrets.", exported=True)
    return found


def _key_policy(services: tuple[str, ...] = ()) -> dict[str, Any]:
    """Who may use a key: the account, which hands the right on to roles, and services that write under it."""
    mine = statement(
        ["kms:*"], "*", Sid="Account", Principal={"AWS": sub("arn:", PARTITION, ":iam::", ACCOUNT, ":root")}
    )
    use = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    writers: list[Any] = [f"{s}.amazonaws.com" for s in services]
    logs = statement(use, "*", Sid="Logs", Principal={"Service": sub("logs.", REGION, ".amazonaws.com")},
                     Condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arn("logs", "*")}})  # fmt: skip
    theirs = statement(use, "*", Sid="Services", Principal={"Service": writers},
                       Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}})  # fmt: skip
    return policy(mine, logs, theirs) if services else policy(mine)


def data_key(
    t: Template, b: Blueprint, name: str, component: str, services: tuple[str, ...] = (),
    condition: Condition | None = None,
) -> Resource:  # fmt: skip
    """A key of the team's own, rotated every year."""
    hsm = "AWS keeps it in hardware security modules validated to FIPS 140. "
    why = (hsm if b.choice("infrastructure.security") == "hsm-backed-keys" else "") + b.why("infrastructure.security")
    return t.resource(
        name, "AWS::KMS::Key", component, why=why, keep="Retain", condition=condition, EnableKeyRotation=True,
        Description=sub(f"{name} of ", t.name_parameter), KeyPolicy=_key_policy(services), PendingWindowInDays=30,
    )  # fmt: skip


def _key(t: Template, b: Blueprint, use: str, title: str) -> Resource:
    key = data_key(t, b, f"{title}Key", "keys", _LOG_WRITERS if use == "logs" else ())
    t.resource(f"{title}KeyAlias", "AWS::KMS::Alias", "keys", TargetKeyId=key,
               AliasName=sub("alias/", t.name_parameter, f"-{use}", *t.site_suffix))  # fmt: skip
    return key


# --- buckets ---------------------------------------------------------------------------------------------


def _access_logs(t: Template, b: Blueprint) -> Resource:
    """The bucket that other buckets and load balancers log to."""
    days = b.requirements.log_retention_days
    writes = [
        statement(["s3:PutObject"], sub("arn:", PARTITION, ":s3:::", access_bucket(t), "/*"), Sid="Writers",
                  Principal={"Service": ["logging.s3.amazonaws.com", "logdelivery.elasticloadbalancing.amazonaws.com",
                                         "delivery.logs.amazonaws.com"]},
                  Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
    ]  # fmt: skip
    return bucket(
        t, "AccessLogs", "audit", access_bucket(t), None, statements=writes,
        why="Server access logs and load balancers can write to buckets under S3's own key only.",
        skips={"CKV_AWS_18": "it is the bucket that access is logged to"},
        LifecycleConfiguration={"Rules": [{"Id": "retention", "Status": "Enabled", "ExpirationInDays": days,
                                           "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}]},
    )  # fmt: skip


def _files(t: Template, b: Blueprint, keys: dict[str, Any]) -> None:
    """The bucket with the files, and in the second region the copy of it."""
    if not b.has("files"):
        return
    second = b.has("files-2")
    days = round(b.catalog.assumptions["file_version_days"].value or 0)
    locked = b.choice("disaster_recovery.backup") == "pitr-immutable"
    lock: dict[str, Any] = {"ObjectLockEnabled": True} if locked else {}
    if locked:
        lock["ObjectLockConfiguration"] = choose(
            _backed_up(t, b),
            {
                "ObjectLockEnabled": "Enabled",
                "Rule": {
                    "DefaultRetention": {"Mode": "COMPLIANCE", "Days": Noted(days, b.why("disaster_recovery.backup"))}
                },
            },
        )
    rules = [{"Id": "versions", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": days},
              "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}]  # fmt: skip
    where = _files_here(t, b)
    replication = {"ReplicationConfiguration": _replication(t, b, keys)} if second else {}
    bucket(
        t, "Files", "files", bucket_name(t, "files", t.site_suffix), keys.get("files"), condition=where,
        why=f"Replaced and deleted files are kept for {days} days. {b.why('disaster_recovery.backup')}",
        LoggingConfiguration={"DestinationBucketName": t.resources["AccessLogs"], "LogFilePrefix": "files/"},
        LifecycleConfiguration={"Rules": rules}, **lock, **replication,
    )  # fmt: skip


def _files_here(t: Template, b: Blueprint) -> Condition | None:
    """Where a second region has no copy of the files, they are at the first alone."""
    return t.primary if t.sites > 1 and not b.has("files-2") else None


def _replicated(t: Template, b: Blueprint) -> Condition:
    given = t.parameter("CopiesFiles", "String", "Whether files are copied to the second region.",
                        foundation_present(b), allowed=("true", "false"))  # fmt: skip
    wanted = t.condition("WantsCopies", fn("Equals", given, "true"), foundation_present(b))
    found = t.both(t.primary, wanted)
    assert found is not None
    return found


def _replication(t: Template, b: Blueprint, keys: dict[str, Any]) -> Any:
    where = _replicated(t, b)
    region = second_region(b)
    source = sub("arn:", PARTITION, ":s3:::", bucket_name(t, "files", t.site_suffix))
    there = sub("arn:", PARTITION, ":s3:::", t.name_parameter, "-files-2-", ACCOUNT, f"-{region}")
    statements = [
        allow("s3", "replicate-list", source),
        allow("s3", "replicate-from", sub("arn:", PARTITION, ":s3:::", bucket_name(t, "files", t.site_suffix), "/*")),
        allow(
            "s3",
            "replicate-to",
            sub("arn:", PARTITION, ":s3:::", t.name_parameter, "-files-2-", ACCOUNT, f"-{region}/*"),
        ),
    ]
    destination: dict[str, Any] = {"Bucket": there, "StorageClass": "STANDARD_IA"}
    more: dict[str, Any] = {}
    if keys:
        theirs = t.parameter(
            "SecondFilesKeyArn",
            "String",
            "Key that encrypts files in the second region.",
            BySite({"": Given("foundation-2", "FilesKeyArn"), "-2": ""}),
            pattern="^$|^arn:[a-z-]+:.+$",
        )
        statements += [allow("kms", "decrypt", keys["files"]), allow("kms", "encrypt", theirs)]
        statements[-1]["Sid"] = "KmsEncryptThere"
        destination["EncryptionConfiguration"] = {"ReplicaKmsKeyID": theirs}
        more = {"SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}}}
    if b.choice("disaster_recovery.backup") == "pitr-immutable":
        statements.append(
            allow(
                "s3", "replicate-locked", sub("arn:", PARTITION, ":s3:::", bucket_name(t, "files", t.site_suffix), "/*")
            )
        )
    copies = role(t, "ReplicationRole", "files", "s3.amazonaws.com", statements, condition=where)
    rule = {"Id": "second-region", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Enabled"}, "Destination": destination, **more}  # fmt: skip
    return choose(where, {"Role": copies.arn, "Rules": [rule]}, NO_VALUE)


# --- backups ---------------------------------------------------------------------------------------------


def _backed_up(t: Template, b: Blueprint) -> Condition:
    backed = b.each(lambda e: e.backed_up)
    said = t.parameter("Backups", "String", "Whether the environment has backups.", backed, allowed=("true", "false"))
    return t.condition("HasBackups", fn("Equals", said, "true"), backed)


def _vault(t: Template, b: Blueprint, keys: dict[str, Any]) -> None:
    if not b.has("backup"):
        return
    sets = [s for s in b.assessment.recovery.backups if s.component.startswith("backup")]
    locked = any(s.immutable for s in sets)
    where = _backed_up(t, b)
    if t.sites > 1 and not b.has("backup-2"):
        where = t.both(t.primary, where) or where
    lock: dict[str, Any] = {}
    if locked and sets:
        days = [round(s.retention_days) for s in sets]
        why = f"Nobody deletes a copy before its time. {b.why('disaster_recovery.backup')}"
        lock = {"LockConfiguration": Noted({"MinRetentionDays": min(days), "MaxRetentionDays": max(days),
                                            "ChangeableForDays": 3}, why)}  # fmt: skip
    t.resource(
        "Vault",
        "AWS::Backup::BackupVault",
        "backup",
        condition=where,
        keep="Retain",
        skips=unlocked(keys.get("database"), "CKV_AWS_166"),
        BackupVaultName=sub(t.name_parameter, "-backup", *t.site_suffix),
        EncryptionKeyArn=keys.get("database"),
        AccessPolicy=policy(
            statement(
                ["backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"],
                "*",
                "Deny",
                Principal="*",
                Condition={"ArnNotLike": {"aws:PrincipalArn": arn("iam", "role/aws-service-role/*", region="")}},
            )
        )
        if locked
        else None,
        **lock,
    )
