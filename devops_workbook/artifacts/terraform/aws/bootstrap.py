"""Where Terraform keeps its state: a bucket in the delivery account, applied once, before everything else.

The state of each configuration is one object, its lock another beside it. An environment's account may read and write
its own state and no other's. Where the design has a second region the state is copied there, since a region that is
lost would take the knowledge of the other one with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.aws.buckets import bucket
from devops_workbook.artifacts.terraform.aws.keys import key_policy, own_keys
from devops_workbook.artifacts.terraform.aws.labels import NOBODY, cost_centre, second_region, whole_tags
from devops_workbook.artifacts.terraform.aws.placed import source
from devops_workbook.artifacts.terraform.aws.policies import allow, document, only_tls, role, trust
from devops_workbook.artifacts.terraform.aws.reasons import PROVIDER_KEYS, UNLOGGED
from devops_workbook.artifacts.terraform.configuration import Once
from devops_workbook.artifacts.terraform.hcl import Block, Expr, Nested, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["backend", "backends", "bootstrap", "environment_accounts", "settings"]

_COMPONENT = "pipeline"
_VERSION_DAYS = 90


def state_bucket(b: Blueprint) -> str:
    """The name of the bucket."""
    return b.names.unique("state", "tf")


def backend(b: Blueprint, key: str) -> tuple[str, Mapping[str, Any]]:
    """Where a configuration's state lies."""
    return "s3", {
        "bucket": state_bucket(b), "key": f"{key}.tfstate", "region": b.sites[0].region.id, "encrypt": True,
        "use_lockfile": True,
    }  # fmt: skip


def backends(b: Blueprint) -> Mapping[str, tuple[str, Mapping[str, Any]]]:
    """Where each environment's state lies."""
    return {e.environment: backend(b, f"environments/{FOLDERS[e.environment]}") for e in b.environments}


def settings(b: Blueprint) -> tuple[Block, ...]:
    """The provider blocks of what is applied once."""
    tagged = {**whole_tags(b, "shared"), "component": _COMPONENT}
    regions = {"": b.sites[0].region.id, "second": second_region(b)}
    return tuple(
        Block("provider", ("aws",), {**({"alias": alias} if alias else {}), "region": region,
                                     "default_tags": Nested(tags=tagged)})
        for alias, region in regions.items() if region
    )  # fmt: skip


def environment_accounts(b: Blueprint, m: Module) -> Ref:
    """The variable with the accounts of the environments."""
    return m.variable(
        "environment_accounts", "map(string)", "The AWS account of each environment.",
        {e.environment: NOBODY for e in b.environments}, why="Set before the first apply: one account for each.",
        checks=[('alltrue([for a in values(var.environment_accounts) : can(regex("^[0-9]{12}$", a))])',
                 "An account has twelve digits.")],
    )  # fmt: skip


def once_module(b: Blueprint, folder: str, title: str, about: tuple[str, ...]) -> Module:
    """A configuration that is applied once, with the tags' variable."""
    m = Module(folder, title, about, (source(),))
    who = cost_centre(b)
    m.variable(who.name, who.type, who.description, who.value, why=who.why)
    m.data("aws_caller_identity", "current")
    return m


def bootstrap(b: Blueprint) -> Once:
    """The configuration of the state's bucket; its own state stays in its folder."""
    m = once_module(b, "bootstrap", "Bootstrap", (
        "The bucket that holds the state of every other configuration. Applied once, by hand; keep terraform.tfstate "
        "of this folder, or import the bucket when it is lost.",
    ))  # fmt: skip
    accounts = environment_accounts(b, m)
    key = _key(b, m, "state", accounts) if own_keys(b) else None
    made = _bucket(b, m, "state", state_bucket(b), key, accounts)
    if second_region(b):
        _copy(b, m, made, key, accounts)
    m.output("state_bucket", made.id, "The bucket of the states.")
    return Once(m, settings(b))


def _key(b: Blueprint, m: Module, name: str, accounts: Ref, **provider: Any) -> Ref:
    users = {
        "Sid": "StatesOfEnvironments", "Effect": "Allow", "Principal": {"AWS": _roots(accounts)},
        "Action": list(code_facts("aws")["permissions"]["kms"]["encrypt"]["actions"]), "Resource": "*",
    }  # fmt: skip
    made = m.resource(
        "aws_kms_key", name, _COMPONENT, why=b.why("infrastructure.security"), **provider,
        description="Encrypts the state of Terraform", enable_key_rotation=True, deletion_window_in_days=30,
        policy=document(*key_policy(m, (users,))),
    )  # fmt: skip
    m.resource(
        "aws_kms_alias", name, _COMPONENT, **provider, name=f"alias/{b.names.system}-state", target_key_id=made.key_id
    )
    return made.arn


def _roots(accounts: Ref) -> Any:
    """The accounts of the environments, as principals; each once, also where several share one."""
    return raw(f'[for a in distinct(values({accounts})) : "arn:aws:iam::${{a}}:root"]')


def _bucket(b: Blueprint, m: Module, name: str, title: str, key: Ref | None, accounts: Ref, **provider: Any) -> Ref:
    skips = {"CKV_AWS_18": UNLOGGED}
    if key is None:
        skips["CKV_AWS_145"] = PROVIDER_KEYS
    made, _ = bucket(
        m, name, _COMPONENT, title, key, file="main", skips=skips, provider=provider,
        why="State holds what Terraform knows: versioned, encrypted, and not to be destroyed while it holds any.",
    )  # fmt: skip
    m.resource(
        "aws_s3_bucket_lifecycle_configuration", name, _COMPONENT, **provider, bucket=made.id,
        rule=Nested(id="versions", status="Enabled", filter=Nested(),
                    noncurrent_version_expiration=Nested(noncurrent_days=_VERSION_DAYS),
                    abort_incomplete_multipart_upload=Nested(days_after_initiation=7)),
    )  # fmt: skip
    m.resource("aws_s3_bucket_policy", name, _COMPONENT, **provider, bucket=made.id,
               policy=document(*_statements(b, made, accounts)))  # fmt: skip
    return made


def _statements(b: Blueprint, made: Ref, accounts: Ref) -> Iterator[Mapping[str, Any]]:
    """Only over TLS; each environment's account has its own state and the list of what there is."""
    yield only_tls("s3", [made.arn, template(made.arn, "/*")])
    look = {**allow("s3", "state-list", made.arn), "Principal": {"AWS": _roots(accounts)}}
    yield look
    for e in b.environments:
        own = template("arn:aws:iam::", raw(f'var.environment_accounts["{e.environment}"]'), ":root")
        objects = template(made.arn, f"/environments/{FOLDERS[e.environment]}.tfstate*")
        yield {**allow("s3", "state", objects), "Sid": f"State{e.environment.capitalize()}", "Principal": {"AWS": own}}


def _copy(b: Blueprint, m: Module, made: Ref, key: Ref | None, accounts: Ref) -> None:
    second = {"provider": raw("aws.second")}
    copy_key = _key(b, m, "copy", accounts, **second) if key is not None else None
    copy = _bucket(b, m, "copy", b.names.unique("state", "tf-copy"), copy_key, accounts, **second)
    objects, copies = template(made.arn, "/*"), template(copy.arn, "/*")
    statements: Sequence[Mapping[str, Any]] = [
        allow("s3", "replicate-list", made.arn),
        allow("s3", "replicate-from", objects),
        allow("s3", "replicate-to", copies),
    ]
    target: dict[str, Any] = {"bucket": copy.arn}
    selected: dict[str, Any] = {}
    if key is not None and copy_key is not None:
        statements = [
            *statements,
            allow("kms", "decrypt", key),
            {**allow("kms", "encrypt", copy_key), "Sid": "EncryptCopy"},
        ]
        target["encryption_configuration"] = Nested(replica_kms_key_id=copy_key)
        selected = {"source_selection_criteria": Nested(sse_kms_encrypted_objects=Nested(status="Enabled"))}
    title: Expr = template(f"{b.names.system}-state-copy")
    copier = role(m, "copy", _COMPONENT, title, trust("s3.amazonaws.com"), *statements)
    versioned = [raw("aws_s3_bucket_versioning.state"), raw("aws_s3_bucket_versioning.copy")]
    m.resource(
        "aws_s3_bucket_replication_configuration", "state", _COMPONENT, why=b.why("disaster_recovery.recovery"),
        bucket=made.id, role=copier.arn, depends_on=versioned,
        rule=Nested(id="all", status="Enabled", filter=Nested(), **selected,
                    delete_marker_replication=Nested(status="Enabled"), destination=Nested(**target)),
    )  # fmt: skip
