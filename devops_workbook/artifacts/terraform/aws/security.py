"""What protects a site: keys, the bucket that access logs go to, threat detection, configuration checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.aws.buckets import bucket, expiry
from devops_workbook.artifacts.terraform.aws.keys import keys, own_keys
from devops_workbook.artifacts.terraform.aws.placed import named, placed, tags
from devops_workbook.artifacts.terraform.aws.policies import document, only_tls
from devops_workbook.artifacts.terraform.aws.posture import posture
from devops_workbook.artifacts.terraform.aws.reasons import COPIED, PROVIDER_KEYS, UNLOGGED
from devops_workbook.artifacts.terraform.hcl import Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["bucket_skips", "deletion_protection", "security"]


def security(b: Blueprint, site: Site) -> Module:
    """What protects a site. Puts out key_ids by use, logs_key_id, region, and log_bucket_id."""
    about = (
        "Keys for each class of data, the bucket that access logs go to, and the services that look for attacks and "
        "for what is not configured as it should be.",
    )
    m = placed(b, "security", "Security", about, site)
    m.data("aws_caller_identity", "current")
    m.data("aws_region", "current")
    keys(b, m)
    logs = _log_bucket(b, m, site)
    _detection(b, m)
    posture(b, m, logs)
    _account_in_region(b, m)
    m.output("region", raw("data.aws_region.current.name"), "The region of the site.")
    return m


# --- buckets ---------------------------------------------------------------------------------------------

_SSE_S3 = "load balancers and S3 write their logs only into buckets under the keys of S3 itself"


def bucket_skips(b: Blueprint, *, keyed: bool, logged: bool) -> dict[str, str]:
    """The checks of checkov that a bucket of logs does not meet."""
    return {
        "CKV_AWS_144": COPIED,
        **({} if keyed else {"CKV_AWS_145": _SSE_S3 if own_keys(b) else PROVIDER_KEYS}),
        **({} if logged else {"CKV_AWS_18": UNLOGGED}),
    }  # fmt: skip


def _log_bucket(b: Blueprint, m: Module, site: Site) -> Ref:
    """Where load balancers, buckets and the recorder of configurations write."""
    told = "Name of the bucket that access logs go to; nobody else in the world may have it."
    title = m.variable(
        "log_bucket",
        "string",
        told,
        b.at(site, lambda e: b.names.unique(e.environment, f"access-logs{site.suffix}")),
        checks=[("length(var.log_bucket) <= 63", "A bucket's name has 63 characters at most.")],
    )
    kept = deletion_protection(m)
    made, _ = bucket(m, "logs", "services", title, None, file="access_logs", force_destroy=raw(f"!{kept}"),
                     skips=bucket_skips(b, keyed=False, logged=False), tags=tags(b, m, "services"))  # fmt: skip
    days = Noted(b.requirements.log_retention_days, f"Logs are kept for {b.requirements.log_retention_days} days.")
    expiry(m, "logs", "services", made.id, days, file="access_logs")
    ours = {"StringEquals": {"aws:SourceAccount": raw("data.aws_caller_identity.current.account_id")}}
    mine = template(made.arn, "/*")
    policy = m.resource(
        "aws_s3_bucket_policy", "logs", "services", file="access_logs", bucket=made.id,
        policy=document(
            only_tls("s3", [made.arn, mine]),
            _writes("LoadBalancers", "logdelivery.elasticloadbalancing.amazonaws.com", template(
                made.arn, "/entry/AWSLogs/", raw("data.aws_caller_identity.current.account_id"), "/*"), {}),
            _writes("Buckets", "logging.s3.amazonaws.com", mine, ours),
        ),
    )  # fmt: skip
    m.output("log_bucket_id", policy.bucket, "The bucket that access logs go to, once it lets them in.")
    return made


def _writes(sid: str, principal: str, resource: Any, condition: Mapping[str, Any]) -> Mapping[str, Any]:
    body = {"Sid": sid, "Effect": "Allow", "Principal": {"Service": principal}, "Action": "s3:PutObject",
            "Resource": resource}  # fmt: skip
    return body | ({"Condition": condition} if condition else {})


def deletion_protection(m: Module) -> Ref:
    """Whether what holds data is protected against deletion."""
    told = "Whether what holds data is protected against deletion."
    return m.variable("deletion_protection", "bool", told, raw("var.deletion_protection"))


# --- detection, account ----------------------------------------------------------------------------------


def _detection(b: Blueprint, m: Module) -> None:
    if not b.has("threat-detection"):
        return
    m.resource(
        "aws_guardduty_detector", "this", "threat-detection", file="detection", why=b.why("security.compliance"),
        enable=True, finding_publishing_frequency="FIFTEEN_MINUTES", tags=tags(b, m, "threat-detection"),
        skips={"CKV2_AWS_3": "every account of the design has a detector of its own; there may be no organisation"},
    )  # fmt: skip


def _account_in_region(b: Blueprint, m: Module) -> None:
    """What an account decides once for each region."""
    m.resource("aws_ebs_encryption_by_default", "this", "region", file="account", enabled=True,
               why="No disk is ever made without encryption.")  # fmt: skip
    m.resource(
        "aws_ec2_instance_metadata_defaults", "this", "region", file="account", http_tokens="required",
        http_put_response_hop_limit=1, why="Machines give out their role's credentials only to who asks with a token.",
    )  # fmt: skip
    m.resource(
        "aws_accessanalyzer_analyzer", "this", "identity", file="account", analyzer_name=named("access"),
        why="Tells what can be reached from outside the account.", tags=tags(b, m, "identity"),
    )  # fmt: skip
