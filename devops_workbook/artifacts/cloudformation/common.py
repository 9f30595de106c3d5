"""What all templates for AWS share: words, parameters that nobody has told us, roles, buckets, log groups."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint, Each
from devops_workbook.artifacts.cloudformation.template import (
    ACCOUNT,
    PARTITION,
    REGION,
    Condition,
    Given,
    Resource,
    Template,
    by_site,
    choose,
    fn,
    policy,
    statement,
    sub,
)
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.names import label_text
from devops_workbook.artifacts.yaml import Fn, Noted

__all__ = [
    "CLOSING", "KEYLESS_TOPIC", "NOT_TOLD", "OPENING", "TIMEZONE", "access_bucket", "alike", "allow", "arn",
    "assured", "bucket", "bucket_name", "delivery_account", "domain", "doubled", "files_bucket", "image", "in_zone",
    "kept", "key", "log_group", "notification", "other_key", "protected", "recipient", "registry_region",
    "repository", "retention_days", "role", "second_region", "tag", "tls_only", "unlocked", "zones",
]  # fmt: skip

OPENING, CLOSING, TIMEZONE = "0 7 * * 1-5", "0 19 * * 1-5", "UTC"  # 60 hours a week
NOT_TOLD = "Set before the first deployment:"
_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""The retentions that CloudWatch Logs offers: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/
API_PutRetentionPolicy.html, 2026-11."""
KEYLESS_TOPIC = "AWS's own key would keep who publishes from speaking; a message holds no data"
_PROVIDER_KEYS = "the plan leaves keys to the provider, which encrypts by default"

# --- words -----------------------------------------------------------------------------------------------


def tag(text: str) -> str:
    """`text` as a tag's value: letters, digits, blanks and _.:/=+-@, at most 256 characters."""
    plain = re.sub(r"[^\w .:/=+@-]", "-", text, flags=re.ASCII)
    return " ".join(plain.split())[:256].strip() or "unknown"


def recipient(b: Blueprint) -> str:
    """The mail address that stands for one that nobody has told us."""
    return f"{label_text(b.requirements.owner)}@example.com"


def repository(b: Blueprint) -> str:
    """The path that stands for a repository that nobody has told us."""
    return f"{label_text(b.requirements.owner, 30)}/{b.names.system}"


def retention_days(b: Blueprint) -> int:
    """The least retention on offer that keeps logs for as long as was asked; the longest where none does."""
    wanted = b.requirements.log_retention_days
    return next((days for days in _DAYS if days >= wanted), _DAYS[-1])


def arn(service: str, *resource: Any, region: Any = REGION, account: Any = ACCOUNT) -> Any:
    """The Amazon resource name of something that stands in this account and region."""
    return sub("arn:", PARTITION, f":{service}:", region, ":", account, ":", *resource)


# --- environments ----------------------------------------------------------------------------------------


def alike(value: Any) -> Each:
    """A value that is the same in all environments."""
    return Each(dict.fromkeys(FOLDERS, value))


def protected(t: Template) -> Condition:
    """Holds where nobody deletes data by a slip of the hand: in production and staging."""
    holds = Each({"production": True, "staging": True, "development": False})
    return t.condition("IsProtected", fn("Not", [fn("Equals", t.environment, "development")]), holds)


def zones(t: Template, b: Blueprint) -> Fn:
    """How many zones machines are spread over."""
    return t.parameter(
        "Zones", "Number", "Zones that machines, gateways and endpoints are spread over.", b.each(lambda e: e.zones),
        why=b.why("disaster_recovery.high_availability"), bounds=(1, 6),
    )  # fmt: skip


def in_zone(t: Template, b: Blueprint, zone: int) -> Condition | None:
    """Holds where machines stand in the zone, 1 for the first; None = always."""
    return t.at_least("Zone", zones(t, b), b.each(lambda e: e.zones), zone)


# --- what nobody told us ---------------------------------------------------------------------------------


def domain(t: Template, b: Blueprint) -> Fn:
    """The name under which users reach the environment."""
    return t.parameter(
        "DomainName", "String", "The name under which users reach this environment.", b.domains,
        why=f"{NOT_TOLD} a name of your own; its parent zone must delegate to the name servers of the stack domain.",
        pattern=r"^([a-z0-9-]+\.)+[a-z]{2,}$",
    )  # fmt: skip


def notification(t: Template, b: Blueprint) -> Fn:
    """Where alarms and budget warnings go."""
    return t.parameter(
        "NotificationAddress", "String", "Mail address that alarms and budget warnings go to.", recipient(b),
        why=f"{NOT_TOLD} an address that people read.", pattern="^[^@ ]+@[^@ ]+$",
    )  # fmt: skip


def image(t: Template, b: Blueprint) -> Any:
    """The address of the service's image."""
    released = t.parameter(
        "ImageTag", "String", "The release that runs until the pipeline deploys another.", "0.1.0",
        why=f"{NOT_TOLD} a tag that the registry holds.", pattern="^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$",
    )  # fmt: skip
    if b.has("registry"):
        return sub(delivery_account(t), ".dkr.ecr.", registry_region(b), f".amazonaws.com/{b.names.system}:", released)
    host = {"github": "ghcr.io", "gitlab": "registry.gitlab.com"}.get(b.requirements.source_host, "git.example.com")
    name = t.parameter(
        "ImageRepository", "String", "The image's name at the source host's registry.", f"{host}/{repository(b)}",
        why=f"{NOT_TOLD} the name that the pipeline pushes to.", pattern="^[a-z0-9._/:-]+$",
    )  # fmt: skip
    return sub(name, ":", released)


def registry_region(b: Blueprint) -> str:
    """The region that holds the registry."""
    return b.component("registry").region


def delivery_account(t: Template) -> Fn:
    """The account that holds registry and pipeline identity."""
    return t.parameter(
        "DeliveryAccount", "String", "The AWS account that holds the registry and the pipeline's identity.",
        "123456789012", why=f"{NOT_TOLD} the account that the stack shared is deployed to.", pattern="^[0-9]{12}$",
    )  # fmt: skip


# --- what the foundation gave ----------------------------------------------------------------------------


def key(t: Template, b: Blueprint, use: str) -> Any:
    """The ARN of the key for a use ("database", "files", "secrets", "logs"); None = the provider's."""
    if not assured(b):
        return None
    name = f"{use.capitalize()}KeyArn"
    value = by_site(b, lambda site: Given(f"foundation{site.suffix}", name))
    return t.parameter(name, "String", f"Key that encrypts {use}, from the stack foundation of the region.", value,
                       pattern=_ARN)  # fmt: skip


def other_key(t: Template, b: Blueprint, use: str) -> Any:
    """The ARN of the second region's key for a use, as the first site knows it; None = the provider's."""
    if not assured(b):
        return None
    name = f"Second{use.capitalize()}KeyArn"
    given = Given("foundation-2", f"{use.capitalize()}KeyArn")
    value = by_site(b, lambda site: "" if site.suffix else given)
    return t.parameter(name, "String", f"Key that encrypts {use} in the second region.", value, pattern=f"^$|{_ARN}")


_ARN = "^arn:[a-z-]+:.+$"


def second_region(b: Blueprint) -> str:
    """The second region, "" if the design keeps to one."""
    if len(b.sites) > 1:
        return b.sites[1].region.id
    return b.backup_region.id if b.backup_region else ""


def doubled(t: Template, b: Blueprint) -> Condition:
    """Holds where the environment has a second site."""
    two = b.each(lambda e: len(e.regions) > 1)
    said = t.parameter(
        "SecondSite", "String", "Whether the environment has a second site.", two, allowed=("true", "false")
    )
    return t.condition("HasSecondSite", Fn("Equals", [said, "true"]), two)


# --- permissions -----------------------------------------------------------------------------------------


def allow(service: str, use: str, resource: Any = None, **condition: Mapping[str, Any]) -> dict[str, Any]:
    """The statement that lets somebody use a service in a way the facts know (catalog/code/aws.toml); KeyError for a
    way they do not know. resource: what it names, None = what the facts say cannot be named."""
    fact = code_facts("aws")["permissions"][service][use]
    named = Noted("*", f"{fact['unnamed']}.") if "unnamed" in fact else resource
    if named is None:
        raise ValueError(f"{service}.{use} names {fact['resource']}, but nothing was given.")
    sid = "".join(word.capitalize() for word in f"{service}-{use}".split("-"))
    more: dict[str, Any] = {"Condition": condition} if condition else {}
    return statement(fact["actions"], named, Sid=sid, **more)


def role(
    t: Template,
    name: str,
    component: str,
    service: str,
    statements: Sequence[Mapping[str, Any]] = (),
    *,
    actions: Sequence[str] = ("sts:AssumeRole",),
    managed: Sequence[str] = (),
    why: str = "",
    condition: Condition | None = None,
    within: Mapping[str, Any] | None = None,
    **properties: Any,
) -> Resource:
    """A role that a service of AWS takes, with what it may do. within: the condition under which it is taken."""
    more: dict[str, Any] = {"Condition": within} if within else {}
    trusted = statement(actions, None, Principal={"Service": service}, **more)
    found: dict[str, Any] = {"AssumeRolePolicyDocument": policy(trusted)}
    if managed:
        found["ManagedPolicyArns"] = [sub("arn:", PARTITION, f":iam::aws:policy/{m}") for m in managed]
    if statements:
        found["Policies"] = [{"PolicyName": "use", "PolicyDocument": policy(*statements)}]
    return t.resource(name, "AWS::IAM::Role", component, why=why, condition=condition, **found, **properties)


# --- buckets and logs ------------------------------------------------------------------------------------


def bucket_name(t: Template, what: str, suffix: tuple[Any, ...] = ()) -> Any:
    """A name that nobody else in the world has: prefix, what it is, account and region. At most 21 + 8 + 2 + 13 + 15
    of the 63 characters that a bucket's name may have."""
    return sub(t.name_parameter, f"-{what}", *suffix, "-", ACCOUNT, "-", REGION)


def tls_only(resources: Sequence[Any], service: str = "s3") -> dict[str, Any]:
    """The statement that refuses whoever comes without TLS."""
    return statement([f"{service}:*"], list(resources), "Deny", Sid="OnlyTls", Principal="*",
                     Condition={"Bool": {"aws:SecureTransport": "false"}})  # fmt: skip


def bucket(
    t: Template,
    name: str,
    component: str,
    physical: Any,
    key: Any,
    *,
    why: str = "",
    statements: Sequence[Mapping[str, Any]] = (),
    condition: Condition | None = None,
    skips: Mapping[str, str] | None = None,
    **properties: Any,
) -> Resource:
    """A private bucket: encrypted, versioned, TLS only, and with a policy. key: the ARN of the key, None = S3's own."""
    encryption: dict[str, Any] = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    if key is not None:
        encryption = {
            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
            "BucketKeyEnabled": True,
        }
    made = t.resource(
        name, "AWS::S3::Bucket", component, why=why, keep="Retain", condition=condition, skips=skips or {},
        BucketName=physical,
        BucketEncryption={"ServerSideEncryptionConfiguration": [encryption]},
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True),
        **{"VersioningConfiguration": {"Status": "Enabled"}, **properties},
    )  # fmt: skip
    everything = [made.arn, sub(made.arn, "/*")]
    t.resource(
        f"{name}Policy", "AWS::S3::BucketPolicy", component, condition=condition, keep="Retain", Bucket=made,
        PolicyDocument=policy(tls_only(everything), *statements),
    )  # fmt: skip
    return made


def files_bucket(t: Template) -> Any:
    """The name of the bucket that holds the files of a site."""
    return bucket_name(t, "files", t.site_suffix)


def access_bucket(t: Template) -> Any:
    """The name of the bucket that other buckets and load balancers of the region log to."""
    return bucket_name(t, "access")


def log_group(
    t: Template, b: Blueprint, name: str, component: str, title: Any, key: Any, **more: Any
) -> Resource:  # fmt: skip
    """A log group that keeps for as long as the plan keeps logs; key: ARN of the key, None = the provider's."""
    wanted, days = b.requirements.log_retention_days, retention_days(b)
    why = f"Logs are kept for {wanted} days" + (f"; CloudWatch offers {days}." if days != wanted else ".")
    return t.resource(
        name, "AWS::Logs::LogGroup", component, keep="Retain", skips=unlocked(key, "CKV_AWS_158"), LogGroupName=title,
        RetentionInDays=Noted(days, why), KmsKeyId=key, **more,
    )  # fmt: skip


def unlocked(key: Any, *checks: str) -> dict[str, str]:
    """The checks that want a key of the team's own, answered where the plan has none."""
    return {} if key is not None else dict.fromkeys(checks, _PROVIDER_KEYS)


def assured(b: Blueprint) -> bool:
    """Whether the team manages the keys that encrypt its data."""
    return b.choice("infrastructure.security") != "provider-managed-keys"


def kept(t: Template) -> Any:
    """Whether something is protected against deletion."""
    return choose(protected(t), True, False)
