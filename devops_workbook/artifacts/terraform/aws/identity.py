"""Who may work in an account of an environment: the pipeline's roles, and the rules for whoever signs in by password.

The pipeline signs in to the delivery account by federation (see shared.py) and takes one of three roles here: to plan,
it reads; to apply, it changes infrastructure; to deploy, it releases the service and nothing else (the module of the
compute says what that is). None of them has a key that could leak.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.aws.placed import everywhere, named, tags
from devops_workbook.artifacts.terraform.aws.policies import allow, document
from devops_workbook.artifacts.terraform.hcl import Expr, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["identity", "pipeline_role"]

_HOUR = 3600
_MANAGED = "arn:aws:iam::aws:policy"


def pipeline_role(b: Blueprint, what: str) -> str:
    """The name of a role of the pipeline in the delivery account: "payments-api-plan", "payments-api-release-prod"."""
    return f"{b.names.system}-{what}"


def identity(b: Blueprint) -> Module:
    """The roles of an account. Puts out deploy_role_name."""
    m = everywhere(
        "identity",
        "Identity",
        (
            "The roles that the pipeline takes in this account, and what holds for everybody who signs in. People "
            "sign in through the company's directory, not here.",
            "The role that deploys has no permissions of its own: the compute's module adds those "
            "that a release needs.",
        ),
    )
    m.variable(
        "delivery_account_id",
        "string",
        "The account in which the pipeline signs in.",
        raw("var.delivery_account_id"),
        checks=[('can(regex("^[0-9]{12}$", var.delivery_account_id))', "An account has twelve digits.")],
    )
    m.variable(
        "stage",
        "string",
        "Short name of the environment, with which its release role ends.",
        raw("local.short[var.environment]"),
    )
    m.data("aws_caller_identity", "current")
    release = template(f"{pipeline_role(b, 'release')}-", raw("var.stage"))
    plan = _role(b, m, "plan", "Reads what is there, to tell what would change.", release, pipeline_role(b, "plan"))
    _managed(m, "plan", plan, "ReadOnlyAccess")
    apply = _role(b, m, "apply", "Makes and removes every kind of resource of the design; the names of the roles that "
                  "it may change begin with the environment's.", release)  # fmt: skip
    _managed(m, "apply", apply, "PowerUserAccess")
    m.resource("aws_iam_role_policy", "apply", "identity", name="roles", role=apply.id,
               policy=document(*(allow("iam", use, ours) for use, ours in _own_roles())))  # fmt: skip
    deploy = _role(b, m, "deploy", b.why("cicd.deployment"), release)
    m.output("deploy_role_name", deploy.name, "The role under which the pipeline releases the service.", exported=True)
    _basics(b, m)
    return m


def _role(b: Blueprint, m: Module, what: str, why: str, *trusted: str | Expr) -> Ref:
    return m.resource(
        "aws_iam_role", what, "identity", why=why, name=named(what), max_session_duration=_HOUR,
        assume_role_policy=_trust(*trusted), tags=tags(b, m, "identity"),
    )  # fmt: skip


def _trust(*names: Any) -> Expr:
    """Roles of the delivery account by name, which are there before any environment."""
    account = raw("var.delivery_account_id")
    arns = [template("arn:aws:iam::", account, ":role/", *getattr(name, "parts", (name,))) for name in names]
    return document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": arns}})


def _managed(m: Module, what: str, role: Ref, policy: str) -> None:
    m.resource("aws_iam_role_policy_attachment", what, "identity", role=role.name, policy_arn=f"{_MANAGED}/{policy}")


def _own_roles() -> list[tuple[str, Any]]:
    account = raw("data.aws_caller_identity.current.account_id")
    named_ = [template("arn:aws:iam::", account, f":{kind}/", raw("var.name"), "-*")
              for kind in ("role", "instance-profile", "policy")]  # fmt: skip
    linked = template("arn:aws:iam::", account, ":role/aws-service-role/*")
    return [("manage", named_), ("pass", named_[:1]), ("link", [linked])]


def _basics(b: Blueprint, m: Module) -> None:
    m.resource(
        "aws_iam_account_password_policy", "this", "identity", why=b.why("security.access"), minimum_password_length=14,
        require_lowercase_characters=True, require_uppercase_characters=True, require_numbers=True,
        require_symbols=True, allow_users_to_change_password=True, max_password_age=90, password_reuse_prevention=24,
    )  # fmt: skip
    m.resource(
        "aws_s3_account_public_access_block", "this", "services", why="No bucket of this account is ever public.",
        block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True,
    )  # fmt: skip
