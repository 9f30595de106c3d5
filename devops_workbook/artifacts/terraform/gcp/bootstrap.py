"""Where state lies: one bucket for each configuration, made before anything else and with state of its own.

Terraform locks a state in its bucket. Each environment has a bucket to itself, so that who may change one cannot read
the secrets of another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.configuration import Once
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, labels
from devops_workbook.artifacts.terraform.gcp.roots import SHARED, settings, state
from devops_workbook.artifacts.terraform.gcp.security import KEY_SKIPS, customer_keys
from devops_workbook.artifacts.terraform.gcp.shared import once_variables, protection
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["bootstrap"]


def bootstrap(b: Blueprint) -> Once:
    """Where state lies."""
    about = ("The buckets that hold the state of every configuration, with its history. Apply it once, by hand; its "
             "own state stays in this folder: commit it, or keep it safe.",)  # fmt: skip
    m = Module("bootstrap", "Bootstrap", about, PROVIDERS)
    project = once_variables(m, b)
    services = [f"{name}.googleapis.com" for name in ("cloudkms", "storage") if name == "storage" or customer_keys(b)]
    m.resource(
        "google_project_service", "this", "pipeline", for_each=call("toset", services), project=project,
        service=raw("each.value"), disable_on_destroy=Noted(False, "Other things in the project may use it too."),
    )  # fmt: skip
    built = m.local("project", raw("one(distinct([for service in google_project_service.this : service.project]))"))
    _audited(m, built)
    ids = [e.environment for e in b.environments] + [SHARED]
    bucket = m.resource(
        "google_storage_bucket", "state", "pipeline",
        why="Each configuration has a bucket to itself: who may change one cannot read the state of another.",
        skips={"CKV_GCP_62": "Reads and writes are in the project's audit log, which this configuration turns on."},
        for_each=m.local("buckets", {id: state(b, id)[1]["bucket"] for id in ids}),
        project=built, name=raw("each.value"), location=b.sites[0].region.id, force_destroy=False,
        uniform_bucket_level_access=True, public_access_prevention="enforced", labels=labels("pipeline"),
        versioning=Nested(enabled=True), **_encrypted(m, b, built),
        lifecycle_rule=Nested(action=Nested(type="Delete"), condition=Nested(
            num_newer_versions=Noted(100, "The last hundred states, and all of the last three months."),
            days_since_noncurrent_time=90, with_state="ARCHIVED",
        )),
    )  # fmt: skip
    m.output("buckets", raw(f"{{ for id, bucket in {bucket} : id => bucket.name }}"), "Buckets of the states.")
    return Once(m, settings(b, raw("var.project_id"), SHARED, raw("var.cost_centre")))


def _audited(m: Module, project: Ref) -> None:
    m.resource(
        "google_project_iam_audit_config", "storage", "pipeline", why="Who read or changed a state is on record.",
        project=project, service="storage.googleapis.com",
        audit_log_config=[Nested(log_type="DATA_READ"), Nested(log_type="DATA_WRITE")],
    )  # fmt: skip


def _encrypted(m: Module, b: Blueprint, project: Ref) -> Mapping[str, Any]:
    if not customer_keys(b):
        return {}
    ring = m.resource("google_kms_key_ring", "state", "pipeline", project=project,
                      name=template(b.names.of(SHARED), "-state"), location=b.sites[0].region.id)  # fmt: skip
    key = m.resource(
        "google_kms_crypto_key", "state", "pipeline", why=b.why("infrastructure.security"), skips=KEY_SKIPS,
        name="state", key_ring=ring.id, labels=labels("pipeline"),
        rotation_period=Noted("31536000s", "The plan rotates keys yearly."), **protection(b),
    )  # fmt: skip
    m.data("google_storage_project_service_account", "this", project=project)
    grant = m.resource(
        "google_kms_crypto_key_iam_member", "state", "pipeline", crypto_key_id=key.id,
        role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
        member=template("serviceAccount:", raw("data.google_storage_project_service_account.this.email_address")),
    )  # fmt: skip
    return {"encryption": Nested(default_kms_key_name=grant.crypto_key_id)}
