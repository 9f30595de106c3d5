"""What protects a site: keys, secrets, the bucket that access logs go to, threat detection, configuration checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.aws.keys import keys, own_keys, uses
from devops_workbook.artifacts.terraform.aws.logs import retention_days
from devops_workbook.artifacts.terraform.aws.placed import named, placed, tags
from devops_workbook.artifacts.terraform.aws.policies import document, only_tls
from devops_workbook.artifacts.terraform.aws.posture import posture
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module, Wire

__all__ = ["bucket", "security"]


def security(b: Blueprint, site: Site) -> Module:
    """What protects a site. Puts out key_ids by use, secret_ids by name, region, and log_bucket_id."""
    about = (
        "Keys for each class of data, the secrets of the service, the bucket that access logs go to, and the services "
        "that look for attacks and for what is not configured as it should be.",
        "A secret is made here without a value: whoever owns the value puts it in, and it never passes through code "
        "or state.",
    )
    m = placed(b, "security", "Security", about, site)
    m.data("aws_caller_identity", "current")
    m.data("aws_region", "current")
    keys(b, m)
    _secrets(b, m, site)
    logs = _log_bucket(b, m, site)
    _detection(b, m)
    posture(b, m, logs)
    _account_in_region(b, m)
    m.output("region", raw("data.aws_region.current.name"), "The region of the site.")
    return m


# --- secrets ---------------------------------------------------------------------------------------------

_SECRETS = ("application", "signing", "partner", "webhook", "messaging", "payments")


def secret_names(b: Blueprint) -> tuple[str, ...]:
    """The secrets of the service. Of those that the plan counts, the administrator's of a relational database is made
    with the database."""
    count = round(b.catalog.assumptions["secrets_count"].value or 0)
    kind = b.provider.services[b.component("database").service].kind
    own = max(0, count - (kind != "nosql"))
    return tuple(_SECRETS[i] if i < len(_SECRETS) else f"further-{i - len(_SECRETS) + 1}" for i in range(own))


def _secrets(b: Blueprint, m: Module, site: Site) -> None:
    if b.component("secrets").service != "secrets-manager":
        return
    two = len(b.sites) > 1
    names = m.variable(
        "secrets", "list(string)", "Names of the secrets that are made here.",
        [] if site.suffix else list(secret_names(b)),
        why="The first site's are copied here." if site.suffix else b.why("security.secrets"),
        checks=[('alltrue([for s in var.secrets : can(regex("^[a-z0-9-]+$", s))])',
                 "secrets must be lower-case letters, digits and dashes.")],
    )  # fmt: skip
    days = m.variable(
        "secret_recovery_days", "number", "Days in which a deleted secret can be had back; 0 = it is gone at once.",
        b.at(site, lambda e: 0 if e.environment == "development" else 30),
        why="Development is taken down and put up again under the same names.",
        checks=[("var.secret_recovery_days == 0 || (var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30)",
                 "secret_recovery_days must be 0, or 7 to 30.")],
    )  # fmt: skip
    key = {"kms_key_id": Ref("aws_kms_key.secrets").arn} if own_keys(b) else {}
    skips = {"CKV2_AWS_57": "each value comes from another system, whose owner changes it; AWS rotates only databases'"}
    if not own_keys(b):
        skips["CKV_AWS_149"] = "the plan leaves keys to the provider, which encrypts by default"
    made = m.resource(
        "aws_secretsmanager_secret", "this", ("secrets", "secrets-2") if two else "secrets", file="secrets",
        why=b.why("security.secrets"), skips=skips, for_each=raw(f"toset({names})"),
        name=template(raw("var.name"), "/", raw("each.key")), **key,
        **({"dynamic": _replica(b, m, site)} if two else {}),
        recovery_window_in_days=days, tags=tags(b, m, "secrets"),
    )  # fmt: skip
    here = f"{{ for name, secret in {made} : name => secret.arn }}"
    m.output("secret_ids", raw(f"merge({here}, {_copies(m, site)})" if two else here), "Secrets by name.")


def _other(b: Blueprint, site: Site, output: str) -> Wire | None:
    """An output of the second site's module, for the first."""
    if site.suffix:
        return None
    second = b.sites[1]
    return Wire(f"security{second.suffix}".replace("-", "_"), output, not all(b.present(second).values.values()))


def _replica(b: Blueprint, m: Module, site: Site) -> Nested:
    """The copy in the second region, where the environment has one."""
    region = m.variable("replica_region", "string", "The region that holds copies of the secrets; null = none does.",
                        _other(b, site, "region"), nullable=True)  # fmt: skip
    content: dict[str, Any] = {"region": raw("replica.value")}
    if own_keys(b):
        m.variable("replica_key_ids", "map(string)", "Keys of that region, by use.", _other(b, site, "key_ids"),
                   nullable=True)  # fmt: skip
        content["kms_key_id"] = raw('var.replica_key_ids["secrets"]')
    return Nested("replica", for_each=raw(f"{region} == null ? [] : [{region}]"), content=Nested(**content))


def _copies(m: Module, site: Site) -> str:
    """The copies of the first site's secrets here: the same names in this region."""
    told = "Secrets of the first site of which copies are here, by name."
    source = Wire("security", "secret_ids", optional=False) if site.suffix else {}
    m.variable("copied_secret_ids", "map(string)", told, source)
    there, here = "/:secretsmanager:[a-z0-9-]+:/", ":secretsmanager:${data.aws_region.current.name}:"
    return f'{{ for name, id in var.copied_secret_ids : name => replace(id, "{there}", "{here}") }}'


# --- buckets ---------------------------------------------------------------------------------------------

_SSE_S3 = "load balancers and S3 write their logs only into buckets under the keys of S3 itself"


def bucket(m: Module, name: str, component: str, title: Any, *, file: str, key: Ref | None, **more: Any) -> Ref:
    """A private bucket: versioned, encrypted, closed to the public, its objects owned by us. more: of the bucket
    itself, and `skips`."""
    made = m.resource("aws_s3_bucket", name, component, file=file, bucket=title, **more)
    m.resource("aws_s3_bucket_public_access_block", name, component, file=file, bucket=made.id, block_public_acls=True,
               block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True)  # fmt: skip
    m.resource("aws_s3_bucket_ownership_controls", name, component, file=file, bucket=made.id,
               rule=Nested(object_ownership="BucketOwnerEnforced"))  # fmt: skip
    m.resource("aws_s3_bucket_versioning", name, component, file=file, bucket=made.id,
               versioning_configuration=Nested(status="Enabled"))  # fmt: skip
    by: Mapping[str, Any] = {"sse_algorithm": "AES256"}
    if key is not None:
        by = {"sse_algorithm": "aws:kms", "kms_master_key_id": key}
    m.resource(
        "aws_s3_bucket_server_side_encryption_configuration", name, component, file=file, bucket=made.id,
        rule=Nested(apply_server_side_encryption_by_default=Nested(**by), **({"bucket_key_enabled": True} if key else {})),
    )  # fmt: skip
    return made


def expiry(m: Module, name: str, component: str, bucket_id: Ref, days: Any, *, file: str) -> None:
    """Objects go after so many days, and what is left of uploads that failed after a week."""
    m.resource(
        "aws_s3_bucket_lifecycle_configuration", name, component, file=file, bucket=bucket_id,
        rule=Nested(
            id="expire", status="Enabled", filter=Nested(), expiration=Nested(days=days),
            noncurrent_version_expiration=Nested(noncurrent_days=1),
            abort_incomplete_multipart_upload=Nested(days_after_initiation=7),
        ),
    )  # fmt: skip


def bucket_skips(b: Blueprint, *, keyed: bool, logged: bool, copied: str = "") -> dict[str, str]:
    """The checks of checkov that a bucket of logs does not meet."""
    return {
        **({} if copied else {"CKV_AWS_144": "logs are read where they are written; the audit trail covers all regions"}),
        **({} if keyed else {"CKV_AWS_145": _SSE_S3}),
        **({} if logged else {"CKV_AWS_18": "it is the bucket that access logs go to"}),
        "CKV2_AWS_62": "nothing is started by the arrival of a log",
    }  # fmt: skip


def _log_bucket(b: Blueprint, m: Module, site: Site) -> Ref:
    """Where load balancers, buckets and the recorder of configurations write."""
    told = "Name of the bucket that access logs go to; nobody else in the world may have it."
    title = m.variable("log_bucket", "string", told,
                       b.at(site, lambda e: b.names.unique(e.environment, f"access-logs{site.suffix}")),
                       checks=[("length(var.log_bucket) <= 63", "A bucket's name has 63 characters at most.")])  # fmt: skip
    kept = deletion_protection(b, m, site)
    made = bucket(m, "logs", "services", title, file="access_logs", key=None, force_destroy=raw(f"!{kept}"),
                  skips=bucket_skips(b, keyed=False, logged=False), tags=tags(b, m, "services"))  # fmt: skip
    days = Noted(b.requirements.log_retention_days, f"Logs are kept for {b.requirements.log_retention_days} days.")
    expiry(m, "logs", "services", made.id, days, file="access_logs")
    ours = {"StringEquals": {"aws:SourceAccount": raw("data.aws_caller_identity.current.account_id")}}
    mine = template(made.arn, "/*")
    m.resource(
        "aws_s3_bucket_policy", "logs", "services", file="access_logs", bucket=made.id,
        policy=document(
            only_tls("s3", [made.arn, mine]),
            _writes("LoadBalancers", "logdelivery.elasticloadbalancing.amazonaws.com", mine, {}),
            _writes("Buckets", "logging.s3.amazonaws.com", mine, ours),
        ),
    )  # fmt: skip
    m.output("log_bucket_id", made.id, "The bucket that access logs go to.",)
    return made


def _writes(sid: str, principal: str, resource: Any, condition: Mapping[str, Any]) -> Mapping[str, Any]:
    body = {"Sid": sid, "Effect": "Allow", "Principal": {"Service": principal}, "Action": "s3:PutObject",
            "Resource": resource}  # fmt: skip
    return body | ({"Condition": condition} if condition else {})


def deletion_protection(b: Blueprint, m: Module, site: Site | None) -> Ref:
    """Whether what holds data is protected against deletion."""
    told = "Whether what holds data is protected against deletion; development may be thrown away."
    value: Callable[[Any], bool] = lambda e: e.environment != "development"  # noqa: E731
    return m.variable("deletion_protection", "bool", told, b.at(site, value) if site else b.each(value))


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


_ = (Noted, retention_days, uses)
