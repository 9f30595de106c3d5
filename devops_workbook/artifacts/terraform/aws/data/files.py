"""Amazon S3: the bucket of the files, with the versions that the plan keeps, and its copy in another region.

The rule that copies stands where the copy is, so that the bucket it copies to is there first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.aws.buckets import bucket as guarded
from devops_workbook.artifacts.terraform.aws.data.scope import Scope
from devops_workbook.artifacts.terraform.aws.placed import named
from devops_workbook.artifacts.terraform.aws.policies import allow, document, only_tls, role, trust
from devops_workbook.artifacts.terraform.aws.reasons import COPIED, PROVIDER_KEYS, UNLOGGED
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["bucket", "files", "replicated"]

_UPLOAD_DAYS = 7  # after which a part of an upload that nobody finished is litter
_FILE = "files"


def files(d: Scope) -> None:
    """The files of a site; at the second site also what brings them there."""
    m, b = d.module, d.b
    made = bucket(
        b, m, "files", d.site.id("files"), d.key("files"), d.tags("files"), locked=locked(b, d.site.id("files"))
    )
    logs = m.variable("log_bucket_id", "string", "The bucket that access logs go to.", d.security.wire("log_bucket_id"))
    m.resource("aws_s3_bucket_logging", "files", "files", file=_FILE, bucket=made.id, target_bucket=logs,
               target_prefix=template(made.id, "/"))  # fmt: skip
    m.output("files_id", made.id, "Name of the bucket.", exported=True)
    m.output("files_arn", made.arn, "The bucket.")
    if d.first is None:
        m.output("files_versioned", Ref("aws_s3_bucket_versioning.files").bucket, "The bucket, once it keeps versions.")
        return
    source = m.variable("source_bucket_id", "string", "The bucket that is copied.", d.first.wire("files_versioned"))
    key = None
    if d.own_keys:
        told = "The key of the bucket that is copied."
        key = m.variable("source_key_ids", "map(string)", told, source_keys(d))["files"]
    replicated(b, m, source, key, d.key("files"), provider=raw("aws.first"))


def source_keys(d: Scope) -> Any:
    """The keys of the first site."""
    assert d.first is not None
    return d.first.variables["key_ids"].value


def locked(b: Blueprint, id: str) -> int:
    """For how many days nobody can delete a file at a place, 0 = files may be deleted."""
    sets = b.assessment.recovery.backups
    return int(
        max((x.retention_days for x in sets if x.component == id and x.data == "files" and x.immutable), default=0)
    )


def kept_days(b: Blueprint, id: str) -> int:
    """For how many days what was replaced or deleted is kept."""
    sets = b.assessment.recovery.backups
    return int(max((x.retention_days for x in sets if x.component == id and x.data == "files"), default=0))


def _part(m: Module) -> str:
    """The component that a bucket implements: of the module's site, or the copy where a region only holds copies."""
    return "files" if m.site else "files-2"


def bucket(
    b: Blueprint, m: Module, name: str, id: str, key: Ref | None, tagged: Mapping[str, Any], *, locked: int = 0,
    **provider: Any,
) -> Ref:  # fmt: skip
    """A private bucket that keeps versions; id: of the component; locked: days in which nobody deletes a version."""
    title = m.variable(
        f"{name}_bucket", "string", "Name of the bucket, which nobody else in the world may have.",
        b.each(lambda e: b.names.unique(e.environment, id)),
        checks=[(f"length(var.{name}_bucket) <= 63", "A bucket's name has 63 characters at most.")],
    )  # fmt: skip
    empty = m.variable("force_destroy", "bool", "Whether a bucket that holds files may be destroyed; development only.",
                       b.each(lambda e: e.environment == "development"))  # fmt: skip
    lock: dict[str, Any] = {}
    if locked:
        lock = {"object_lock_enabled": Noted(True, "Can only be switched on when the bucket is made.")}
    made, versions = guarded(
        m, name, _part(m), title, key, file=_FILE, skips=_skips(key, m.site), provider=provider, **lock,
        force_destroy=empty, tags=tagged,
    )  # fmt: skip
    m.resource("aws_s3_bucket_policy", name, _part(m), file=_FILE, **provider, bucket=made.id,
               policy=document(only_tls("s3", [made.arn, template(made.arn, "/*")])))  # fmt: skip
    if locked:
        _lock(b, m, name, versions, locked, provider)
    days = kept_days(b, id) or 1
    m.resource(
        "aws_s3_bucket_lifecycle_configuration", name, _part(m), file=_FILE, **provider, bucket=made.id,
        depends_on=[versions],
        rule=[
            Nested(id="versions", status="Enabled", filter=Nested(), noncurrent_version_expiration=Nested(
                noncurrent_days=Noted(days, "As long as the plan keeps what was replaced or deleted."))),
            Nested(id="uploads", status="Enabled", filter=Nested(),
                   abort_incomplete_multipart_upload=Nested(days_after_initiation=_UPLOAD_DAYS)),
        ],
    )  # fmt: skip
    return made


def _skips(key: Ref | None, site: Site | None) -> Mapping[str, str]:
    skips = {}
    if site is None:
        skips["CKV_AWS_18"] = UNLOGGED
    elif not site.suffix:  # the rule is in the module of the copy
        skips["CKV_AWS_144"] = COPIED
    if key is None:
        skips["CKV_AWS_145"] = PROVIDER_KEYS
    return skips


def _lock(b: Blueprint, m: Module, name: str, versions: Ref, days: int, provider: Mapping[str, Any]) -> None:
    told = "Whether nobody can delete a version before its time; where there are backups."
    on = m.variable("object_lock", "bool", told, b.each(lambda e: e.backed_up), why=b.why("disaster_recovery.backup"))
    m.resource(
        "aws_s3_bucket_object_lock_configuration", name, _part(m), file=_FILE, count=raw(f"{on} ? 1 : 0"), **provider,
        bucket=versions.bucket, rule=Nested(default_retention=Nested(mode="COMPLIANCE", days=days)),
    )  # fmt: skip


# --- the copy --------------------------------------------------------------------------------------------


def replicated(
    b: Blueprint, m: Module, source: Ref, source_key: Ref | None, key: Ref | None, **provider: Any
) -> None:  # fmt: skip
    """The rule that copies every file of a bucket to the module's own. provider: of the bucket that is copied."""
    arn, copy = template("arn:aws:s3:::", source), Ref("aws_s3_bucket.files")
    objects = template("arn:aws:s3:::", source, "/*")
    statements = [
        allow("s3", "replicate-list", arn),
        allow("s3", "replicate-from", objects),
        allow("s3", "replicate-to", template(copy.arn, "/*")),
    ]
    if any(locked(b, id) for id in ("files", "files-2")):
        statements.append(allow("s3", "replicate-locked", objects))
    if source_key is not None and key is not None:
        statements += [allow("kms", "decrypt", source_key), {**allow("kms", "encrypt", key), "Sid": "KmsEncryptCopy"}]
    made = role(m, "replication", _part(m), named("replication"), trust("s3.amazonaws.com"), *statements,
                file="replication")  # fmt: skip
    target: dict[str, Any] = {"bucket": copy.arn}
    selected = {}
    if source_key is not None and key is not None:
        target["encryption_configuration"] = Nested(replica_kms_key_id=key)
        selected = {"source_selection_criteria": Nested(sse_kms_encrypted_objects=Nested(status="Enabled"))}
    m.resource(
        "aws_s3_bucket_replication_configuration", "files", _part(m), file="replication",
        why=b.why("disaster_recovery.backup"), **provider, bucket=source, role=made.arn,
        rule=Nested(id="all", status="Enabled", filter=Nested(), **selected,
                    delete_marker_replication=Nested(status="Enabled"), destination=Nested(**target)),
        depends_on=[Ref("aws_s3_bucket_versioning.files")],
    )  # fmt: skip
