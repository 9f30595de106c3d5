"""Files in Cloud Storage: versions of what is replaced or deleted, and a copy in the second region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import (
    bucket_name,
    labels,
    name,
    production,
    project,
    region,
)
from devops_workbook.artifacts.terraform.gcp.parts import Parts, kept, key, permission, takes_key, whole_days
from devops_workbook.artifacts.terraform.hcl import Expr, Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["AUDITED", "bucket", "files", "replicated"]

_DATABASE = "infrastructure.database"
_BACKUP = "disaster_recovery.backup"
AUDITED = {"CKV_GCP_62": "Reads and writes are in the project's audit log, which this configuration turns on."}


def files(m: Module, b: Blueprint, site: Site, parts: Parts) -> None:
    """The bucket of a site, where the design stores files."""
    component = site.id("files")
    if not b.has(component):
        m.output("files_id", None, "Bucket of the files: the design has none.")
        return
    held = key(m, b, parts.security, "files")
    named_by = b.at(site, lambda e: bucket_name(b, e.environment, component))
    bucket_ = m.variable("files_bucket", "string", "Bucket of the files; its name is unique in the world.", named_by,
                         checks=(_NAME,))  # fmt: skip
    where = {"project": project(m), "name": bucket_, "location": region(m, site)}
    made = bucket(m, b, "this", "files", "files", component, held, where, labels("files", m, site))
    if parts.first:
        source = m.variable("source_bucket", "string", "Bucket of the first site.", parts.first.wire("files_id"))
        replicated(m, b, "files", source, made.name)
    m.output("files_id", made.name, "Bucket of the files.", exported=True)


_NAME = ('can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.files_bucket))',
         "files_bucket must be 3 to 63 lower-case letters, digits and dashes.")  # fmt: skip


def bucket(
    m: Module,
    b: Blueprint,
    id: str,
    file: str,
    component: str,
    planned: str,
    held: Ref | None,
    where: Mapping[str, Any],
    labelled: Mapping[str, str | Expr],
) -> Ref:
    """A bucket that keeps what was replaced or deleted for as long as the plan says of the component `planned`."""
    found = next(kept(b, planned), None)
    days = whole_days(found.retention_days) if found else 0
    locked = bool(found and found.immutable)
    return m.resource(
        "google_storage_bucket", id, component, file=file, why=b.why(_DATABASE), skips=AUDITED, **where,
        storage_class="STANDARD", uniform_bucket_level_access=True, public_access_prevention="enforced",
        force_destroy=raw(f"!{production(m, b)}"), labels=labelled, versioning=Nested(enabled=True),
        soft_delete_policy=Noted(Nested(retention_duration_seconds=days * 86400), _LOCKED) if locked else Nested(
            retention_duration_seconds=0
        ),
        lifecycle_rule=_lifecycle(days) if days else Nested(
            action=Nested(type="Delete"), condition=Nested(days_since_noncurrent_time=1, with_state="ARCHIVED")
        ),
        **takes_key("encryption", "default_kms_key_name", held),
    )  # fmt: skip


_LOCKED = "What is deleted cannot be destroyed before this time, by anybody."


def _lifecycle(days: int) -> list[Noted | Nested]:
    return [
        Noted(Nested(action=Nested(type="SetStorageClass", storage_class="NEARLINE"),
                     condition=Nested(days_since_noncurrent_time=1, with_state="ARCHIVED")),
              "Versions are seldom read: they are kept in the cheaper class that the plan pays for."),
        Noted(Nested(action=Nested(type="Delete"),
                     condition=Nested(days_since_noncurrent_time=days, with_state="ARCHIVED")),
              f"The plan keeps versions for {days} days."),
        Nested(action=Nested(type="AbortIncompleteMultipartUpload"), condition=Nested(age=7)),
    ]  # fmt: skip


# --- replication -----------------------------------------------------------------------------------------


def replicated(m: Module, b: Blueprint, file: str, source: Ref, sink: Ref) -> None:
    """The copy of a bucket in another region: each change is passed on as it happens."""
    m.data("google_storage_transfer_project_service_account", "this", file=file, project=project(m))
    m.data("google_storage_project_service_account", "this", file=file, project=project(m))
    mover = raw("data.google_storage_transfer_project_service_account.this.member")
    grants = [_bucket_grants(m, file, "from", source, mover), _bucket_grants(m, file, "to", sink, mover)]
    for id, use, member in (
        ("mover", "replicating", mover),
        ("teller", "notifying", raw("data.google_storage_project_service_account.this.member")),
    ):
        fact = permission("cloud-storage", use)
        grants.append(m.resource(
            "google_project_iam_member", id, "files", file=file, why=fact["why"], project=project(m),
            role=fact["actions"][0], member=member,
        ))  # fmt: skip
    m.resource(
        "google_storage_transfer_job", "this", "files", file=file, why=b.why(_BACKUP),
        project=project(m), description=template("Copies the files of ", name(m), " to the second region"),
        status="ENABLED",
        replication_spec=Nested(
            gcs_data_source=Nested(bucket_name=source), gcs_data_sink=Nested(bucket_name=sink),
            transfer_options=Nested(overwrite_when="DIFFERENT", delete_objects_unique_in_sink=False),
        ),
        logging_config=Nested(log_actions=["COPY", "DELETE"], log_action_states=["FAILED"]),
        depends_on=grants,
    )  # fmt: skip


def _bucket_grants(m: Module, file: str, end: str, bucket_: Ref, member: Ref) -> Ref:
    fact = permission("cloud-storage", f"replicated-{end}")
    return m.resource(
        "google_storage_bucket_iam_member", f"replicated_{end}", "files", file=file,
        for_each=call("toset", list(fact["actions"])), bucket=bucket_, role=raw("each.value"), member=member,
    )  # fmt: skip
