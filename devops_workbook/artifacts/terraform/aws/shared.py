"""What exists once for all environments, in the delivery account: the registry, and the pipeline's identity.

The pipeline holds no key. Its platform vouches for each run with a signed token; AWS gives the run a role by what the
token says: any branch may plan, the branches that are released may push an image, and an environment is changed only
by a run for that environment. The roles here may do no more than that and take the role of the same kind in the
environment's account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.branches import branches_to, built_branches
from devops_workbook.artifacts.names import SHORT
from devops_workbook.artifacts.terraform.aws.bootstrap import backend, environment_accounts, once_module, settings
from devops_workbook.artifacts.terraform.aws.identity import pipeline_role
from devops_workbook.artifacts.terraform.aws.keys import key_policy, own_keys
from devops_workbook.artifacts.terraform.aws.labels import repository
from devops_workbook.artifacts.terraform.aws.policies import allow, document, role
from devops_workbook.artifacts.terraform.aws.reasons import PROVIDER_KEYS
from devops_workbook.artifacts.terraform.configuration import Once
from devops_workbook.artifacts.terraform.hcl import Expr, Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["shared"]

_AUDIENCE = "sts.amazonaws.com"


def shared(b: Blueprint) -> Once:
    """Registry and pipeline identity."""
    about = (
        "The registry of the images, and the roles under which the pipeline works. Applied before the environments, in "
        "the delivery account.",
    )
    m = once_module(b, "shared", "Shared by all environments", about)
    accounts = environment_accounts(b, m)
    images = _registry(b, m, accounts) if b.has("registry") else []
    _pipeline(b, m, images)
    return Once(m, settings(b), backend(b, "shared"))


# --- registry --------------------------------------------------------------------------------------------


def _registry(b: Blueprint, m: Module, accounts: Ref) -> list[Ref]:
    """The repository of the images, and where a second site pulls from its own region the copy there."""
    made = [_repository(b, m, "service", accounts)]
    if len(b.sites) > 1:
        made.append(_repository(b, m, "second", accounts, provider=raw("aws.second")))
        _replicated(b, m, made[1])
    m.resource(
        "aws_ecr_registry_scanning_configuration", "this", "registry", file="registry", why=b.why("security.scanning"),
        scan_type="BASIC",
        rule=Nested(scan_frequency="SCAN_ON_PUSH", repository_filter=Nested(filter="*", filter_type="WILDCARD")),
    )  # fmt: skip
    m.output("repository_url", made[0].repository_url, "Where the pipeline pushes images.")
    return made[:1]


def _repository(b: Blueprint, m: Module, name: str, accounts: Ref, **provider: Any) -> Ref:
    encryption: dict[str, Any] = {"encryption_type": "AES256"}
    skips = {"CKV_AWS_136": PROVIDER_KEYS}
    if own_keys(b):
        key = m.resource(
            "aws_kms_key", name, "registry", file="registry", why=b.why("infrastructure.security"), **provider,
            description="Encrypts images", enable_key_rotation=True, deletion_window_in_days=30,
            policy=document(*key_policy(m)),
        )  # fmt: skip
        m.resource("aws_kms_alias", name, "registry", file="registry", **provider,
                   name=f"alias/{b.names.system}-images", target_key_id=key.key_id)  # fmt: skip
        encryption, skips = {"encryption_type": "KMS", "kms_key": key.arn}, {}
    made = m.resource(
        "aws_ecr_repository", name, "registry", file="registry", why=b.why("cicd.artifacts"), skips=skips, **provider,
        name=b.names.system, image_tag_mutability=Noted("IMMUTABLE", "A tag means one image for ever."),
        image_scanning_configuration=Nested(scan_on_push=True), encryption_configuration=Nested(**encryption),
        tags={"component": "registry"},
    )  # fmt: skip
    m.resource("aws_ecr_repository_policy", name, "registry", file="registry", **provider, repository=made.name,
               policy=document(*_pulls(b, accounts)))  # fmt: skip
    kept = int(b.catalog.assumptions["images_kept"].value or 0)
    rule: Mapping[str, Any] = {
        "rulePriority": 1, "description": f"Keep the last {kept} images",
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": kept},
        "action": {"type": "expire"},
    }  # fmt: skip
    m.resource("aws_ecr_lifecycle_policy", name, "registry", file="registry", **provider, repository=made.name,
               policy=call("jsonencode", {"rules": [rule]}))  # fmt: skip
    return made


def _pulls(b: Blueprint, accounts: Ref) -> Sequence[Mapping[str, Any]]:
    """The environments pull; a function's image is read by the service that runs it."""
    roots = raw(f'[for a in distinct(values({accounts})) : "arn:aws:iam::${{a}}:root"]')
    pull = {k: v for k, v in allow("ecr", "pull", "").items() if k != "Resource"}
    statements: list[Mapping[str, Any]] = [{**pull, "Sid": "Environments", "Principal": {"AWS": roots}}]
    if b.provider.services[b.component("compute").service].kind == "functions":
        functions = raw(f'[for a in distinct(values({accounts})) : "arn:aws:lambda:*:${{a}}:function:*"]')
        statements.append({**pull, "Sid": "Functions", "Principal": {"Service": "lambda.amazonaws.com"},
                           "Condition": {"StringLike": {"aws:SourceArn": functions}}})  # fmt: skip
    return statements


def _replicated(b: Blueprint, m: Module, second: Ref) -> None:
    target = Nested(region=b.sites[1].region.id, registry_id=raw("data.aws_caller_identity.current.account_id"))
    only = Nested(filter=b.names.system, filter_type="PREFIX_MATCH")
    m.resource(
        "aws_ecr_replication_configuration", "this", "registry", file="registry",
        why="The second site pulls from its own region, also when the first is lost.",
        replication_configuration=Nested(rule=Nested(destination=target, repository_filter=only)),
        depends_on=[second],
    )  # fmt: skip


# --- pipeline --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Platform:
    """Who vouches for the pipeline. issuer: its address, "" = the team's own, a variable; plan, build, release: what a
    token says of a run, for a repository and an environment (release)."""

    issuer: str
    plan: Callable[[Blueprint], Sequence[Expr | str]]
    build: Callable[[Blueprint], Sequence[Expr]]
    release: Callable[[Blueprint, str], Sequence[Expr]]


def _github(said: str) -> Expr:
    return template("repo:", raw("var.repository"), f":{said}")


def _gitlab(branch: str) -> Expr:
    return template("project_path:", raw("var.repository"), f":ref_type:branch:ref:{branch}")


def _jenkins(job: str) -> Expr:
    return template("https://", raw('trimsuffix(local.issuer, "/oidc")'), f"/job/{job}/")


_PLATFORMS: Mapping[str, _Platform] = {
    "github-actions": _Platform(
        "token.actions.githubusercontent.com",
        lambda _: [_github("pull_request"), _github("ref:refs/heads/*")],
        lambda b: [_github(f"ref:refs/heads/{x}") for x in built_branches(b)],
        lambda _, environment: [_github(f"environment:{environment}")],
    ),
    "gitlab-ci": _Platform(
        "gitlab.com", lambda _: [_gitlab("*")], lambda b: [_gitlab(x) for x in built_branches(b)],
        lambda b, environment: [_gitlab(x) for x in branches_to(b, environment)],
    ),
    "jenkins": _Platform(
        "", lambda b: [_jenkins(f"{b.names.system}-{x}") for x in ("plan/job/*", "scheduled")],
        lambda b: [_jenkins(f"{b.names.system}-build")],
        lambda b, environment: [_jenkins(f"{b.names.system}-release-{SHORT[environment]}")],
    ),
}  # fmt: skip


def _pipeline(b: Blueprint, m: Module, images: list[Ref]) -> None:
    kind = b.choice("cicd.platform")
    platform = _PLATFORMS[kind]
    if kind != "jenkins":
        m.variable(
            "repository",
            "string",
            "The repository whose pipelines may work here, as its host names it.",
            repository(b),
            why="Set before the first apply: owner/name, or group/project.",
            checks=[('can(regex("^[A-Za-z0-9._/-]+$", var.repository))', "repository is written as owner/name.")],
        )
    provider = m.resource(
        "aws_iam_openid_connect_provider", "pipeline", "identity", why=b.why("cicd.platform"),
        url=template("https://", _issuer(b, m, platform)), client_id_list=[_AUDIENCE],
    )  # fmt: skip
    named = dict[str, Ref]()
    named["plan"] = _role(b, m, "plan", provider, platform.plan(b), [_takes(b, "plan", *SHORT)])
    pushes = [allow("ecr", "push", images[0].arn), allow("ecr", "login")] if images else []
    if images:
        named["build"] = _role(b, m, "build", provider, platform.build(b), pushes)
    for environment, short in SHORT.items():
        said = platform.release(b, environment)
        takes = [_takes(b, "apply", environment), {**_takes(b, "deploy", environment), "Sid": "StsAssumeDeploy"}]
        named[f"release-{short}"] = _role(b, m, f"release-{short}", provider, said, takes)
    m.output(
        "role_arns", {what: made.arn for what, made in named.items()}, "The roles of the pipeline, by what they do."
    )


def _issuer(b: Blueprint, m: Module, platform: _Platform) -> Ref | str:
    """The address of who vouches, without https://."""
    own = b.requirements.source_host == "self-hosted" or not platform.issuer
    if not own:
        return m.local("issuer", platform.issuer)
    value = "ci.example.com/oidc" if not platform.issuer else "git.example.com"
    given = m.variable(
        "issuer", "string", "Address of the server that vouches for pipelines, without https://.", value,
        why="Set before the first apply: AWS must reach its keys over the internet.",
        checks=[('!startswith(var.issuer, "https://")', "issuer is written without https://.")],
    )  # fmt: skip
    return m.local("issuer", given)


def _takes(b: Blueprint, what: str, *environments: str) -> Mapping[str, Any]:
    roles = [
        template("arn:aws:iam::", raw(f'var.environment_accounts["{e}"]'), f":role/{b.names.of(e)}-{what}")
        for e in environments
    ]
    return allow("sts", "assume", roles)


def _role(
    b: Blueprint,
    m: Module,
    what: str,
    provider: Ref,
    said: Sequence[Expr | str],
    statements: Sequence[Mapping[str, Any]],
) -> Ref:
    issuer = Ref("local.issuer")
    equal = {template(issuer, ":aud"): _AUDIENCE}
    trusted = document({
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": provider.arn},
        "Condition": {"StringEquals": equal, "StringLike": {template(issuer, ":sub"): list(said)}},
    })  # fmt: skip
    return role(m, what.replace("-", "_"), "identity", template(pipeline_role(b, what)), trusted, *statements,
                max_session_duration=3600, tags={"component": "identity"})  # fmt: skip
