"""The watch over a project: audit trail, threat detection, and policies that hold what must not happen.

They are there once for a project, whatever its regions. What Google offers for an organisation only (the tier of
Security Command Center, policies of folders) is set up there, by those who answer for it.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, labels, name, project, region
from devops_workbook.artifacts.terraform.gcp.data.firestore import multi_region
from devops_workbook.artifacts.terraform.gcp.security import customer_keys
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["oversight"]

_COMPLIANCE = "security.compliance"


def oversight(b: Blueprint, security: Module) -> Module:
    """The watch over a project."""
    about = ("Who did what is recorded and kept; attacks and weak settings are reported; policies hold what must not "
             "happen in this project at all.",)  # fmt: skip
    m = Module("oversight", "Oversight", about, PROVIDERS)
    keys = None
    if customer_keys(b):
        keys = m.variable("key_ids", "map(string)", "Keys by what they encrypt.", security.wire("key_ids"))
    _audit(m, b, keys)
    if b.has("threat-detection"):
        _detection(m, b, keys)
    if b.has("posture"):
        _posture(m, b)
    return m


# --- audit -----------------------------------------------------------------------------------------------


def _audit(m: Module, b: Blueprint, keys: Ref | None) -> None:
    m.resource(
        "google_project_iam_audit_config", "this", "audit", why=b.why(_COMPLIANCE),
        project=project(m), service="allServices",
        audit_log_config=[Nested(log_type=type) for type in ("ADMIN_READ", "DATA_READ", "DATA_WRITE")],
    )  # fmt: skip
    days = b.requirements.log_retention_days
    kept = m.variable("retention_days", "number", "Days that audit logs are kept.", days,
                      why=f"The requirements keep logs for {days} days.",
                      checks=(("var.retention_days >= 1 && var.retention_days <= 3650",
                               "retention_days must be 1 to 3650."),))  # fmt: skip
    encrypted: dict[str, Any] = {"cmek_settings": Nested(kms_key_name=raw(f'{keys}["logs"]'))} if keys else {}
    bucket = m.resource(
        "google_logging_project_bucket_config", "audit", "audit",
        project=project(m), location=region(m, b.sites[0]), bucket_id=template(name(m), "-audit"),
        description="Who did what in this project.", retention_days=kept, locked=_locked(m, b),
        **encrypted,
    )  # fmt: skip
    m.resource(
        "google_logging_project_sink", "audit", "audit", project=project(m), name=template(name(m), "-audit"),
        destination=template("logging.googleapis.com/", bucket.id),
        filter='log_id("cloudaudit.googleapis.com/activity") '
        'OR log_id("cloudaudit.googleapis.com/data_access") OR log_id("cloudaudit.googleapis.com/system_event") '
        'OR log_id("cloudaudit.googleapis.com/policy")', unique_writer_identity=True,
    )  # fmt: skip
    m.output("audit_bucket_id", bucket.id, "Bucket of the audit trail.", exported=True)


def _locked(m: Module, b: Blueprint) -> Ref | bool:
    """Evidence that nobody can shorten: in production, where the design promises it."""
    if b.choice(_COMPLIANCE) != "continuous-evidence":
        return False
    told = "Whether retention of the audit trail is locked. It cannot be undone: the bucket stays until all has aged."
    return m.variable("locked", "bool", told, b.each(lambda e: e.environment == "production"), why=b.why(_COMPLIANCE))


# --- detection -------------------------------------------------------------------------------------------


def _detection(m: Module, b: Blueprint, keys: Ref | None) -> None:
    encrypted: dict[str, Any] = {"kms_key_name": raw(f'{keys}["logs"]')} if keys else {}
    topic = m.resource(
        "google_pubsub_topic", "findings", "threat-detection", why="Findings, for whoever is on call.",
        skips={} if keys else {"CKV_GCP_83": "The design encrypts with the provider's keys."},
        project=project(m), name=template(name(m), "-findings"), labels=labels("threat-detection"),
        **encrypted,
        message_storage_policy=Nested(allowed_persistence_regions=[region(m, b.sites[0])]),
    )  # fmt: skip
    m.resource(
        "google_pubsub_subscription", "findings", "threat-detection", project=project(m),
        name=template(name(m), "-findings"), topic=topic.id, labels=labels("threat-detection"),
        message_retention_duration="604800s", expiration_policy=Nested(ttl=""),
    )  # fmt: skip
    config = m.resource(
        "google_scc_v2_project_notification_config", "this", "threat-detection", why=b.why(_COMPLIANCE),
        project=project(m), location="global", config_id=template(name(m), "-findings"),
        description="Active findings that want somebody's attention.", pubsub_topic=topic.id,
        streaming_config=Nested(filter='state = "ACTIVE" AND (severity = "HIGH" OR severity = "CRITICAL")'),
    )  # fmt: skip
    m.resource(
        "google_pubsub_topic_iam_member", "findings", "threat-detection", project=project(m), topic=topic.name,
        role="roles/pubsub.publisher", member=template("serviceAccount:", config.service_account),
    )  # fmt: skip
    m.output("findings_subscription_id", raw("google_pubsub_subscription.findings.id"), "Where findings are read.")


# --- posture ---------------------------------------------------------------------------------------------

# https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints (2026-11)
_ENFORCED = (
    "compute.disableSerialPortAccess",
    "compute.requireOsLogin",
    "compute.requireShieldedVm",
    "iam.disableServiceAccountKeyCreation",
    "iam.disableServiceAccountKeyUpload",
    "iam.automaticIamGrantsForDefaultServiceAccounts",
    "sql.restrictPublicIp",
    "storage.publicAccessPrevention",
    "storage.uniformBucketLevelAccess",
)


def _posture(m: Module, b: Blueprint) -> None:
    parent = template("projects/", project(m))
    m.resource(
        "google_org_policy_policy", "enforced", "posture", why="What must not happen in this project at all.",
        for_each=call("toset", list(_ENFORCED)), name=template("projects/", project(m), "/policies/", raw("each.key")),
        parent=parent, spec=Nested(rules=Nested(enforce="TRUE")),
    )  # fmt: skip
    m.resource(
        "google_org_policy_policy", "addresses", "posture", why="No machine has an address in the internet.",
        name=template("projects/", project(m), "/policies/compute.vmExternalIpAccess"), parent=parent,
        spec=Nested(rules=Nested(deny_all="TRUE")),
    )  # fmt: skip
    if b.requirements.data_residency != "none":
        _residency(m, b, parent)


def _residency(m: Module, b: Blueprint, parent: object) -> None:
    regions = [s.region.id for s in b.sites]
    regions += [b.backup_region.id] if b.backup_region and b.backup_region.id not in regions else []
    values = [f"in:{id}-locations" for id in regions]
    values += [f"in:{b.requirements.data_residency}-locations"] if multi_region(b) else []
    m.resource(
        "google_org_policy_policy", "locations", "posture",
        why=f"Data stays in jurisdiction {b.requirements.data_residency}.",
        name=template("projects/", project(m), "/policies/gcp.resourceLocations"), parent=parent,
        spec=Nested(rules=Nested(values=Nested(allowed_values=[
            *values,
            Noted("is:global", "What has no region: DNS, the load balancer's front, IAM."),
        ]))),
    )  # fmt: skip
