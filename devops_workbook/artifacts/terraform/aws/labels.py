"""What every environment says about itself: its name, its tags, and what nobody has told us yet.

Tags go through AWS's rules for their values: letters, digits, blanks and _.:/=+-@, at most 256 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.names import SHORT, label_text
from devops_workbook.artifacts.terraform.hcl import Expr, raw, template
from devops_workbook.artifacts.terraform.module import Variable

__all__ = ["NOBODY", "TO_SET", "TO_SET_ONCE", "cost_centre", "image", "locals_of", "recipient", "repository",
           "root_variables", "second_region", "tag", "whole_tags"]  # fmt: skip

# Variables that nobody has told us the value of, and what they are.
TO_SET = (
    ("delivery_account_id", "the AWS account that holds registry, pipeline identity and state"),
    ("domain", "the name under which users reach the environment, in a zone that the team can delegate"),
    ("notification_address", "the mail address that alarms and budget warnings go to"),
    ("cost_centre", "the cost centre that pays"),
    ("client_cidrs", "the address ranges of the company network, where only that may come in"),
    ("image_tag", "the release that runs until the pipeline deploys another"),
    ("image_repository", "the image's name at the source host's registry, where images are kept there"),
)
TO_SET_ONCE = (
    ("repository", "the repository whose pipelines may work here"),
    ("issuer", "the address of the source host or build server that vouches for pipelines, where it is your own"),
    ("environment_accounts", "the AWS accounts of the environments"),
    ("cost_centre", "the cost centre that pays"),
)

NOBODY = "123456789012"  # the account of AWS's own examples
_BEFORE = "Set before the first apply:"
_ACCOUNT_CHECK = ('can(regex("^[0-9]{12}$", var.delivery_account_id))', "delivery_account_id must have twelve digits.")


def tag(text: str) -> str:
    """`text` as a tag's value."""
    plain = re.sub(r"[^\w .:/=+@-]", "-", text, flags=re.ASCII)
    return " ".join(plain.split())[:256].strip() or "unknown"


def recipient(b: Blueprint) -> str:
    """The mail address that stands for one that nobody has told us."""
    return f"{label_text(b.requirements.owner)}@example.com"


def image(b: Blueprint, region: str) -> Expr:
    """The image of the service, as an expression of the calling configuration: from the registry's copy in a region,
    or from the source host's registry."""
    if b.has("registry"):
        host = f".dkr.ecr.{region}.amazonaws.com/{b.names.system}:"
        return template(raw("var.delivery_account_id"), host, raw("var.image_tag"))
    return template(raw("var.image_repository"), ":", raw("var.image_tag"))


def whole_tags(b: Blueprint, environment: Any) -> Mapping[str, Any]:
    """The tags of everything in an environment."""
    r = b.requirements
    return {
        "owner": tag(r.owner),
        "environment": environment,
        "cost-centre": raw("var.cost_centre"),
        "data-classification": r.data_sensitivity,
        "scenario": tag(r.name),
    }


def locals_of(b: Blueprint) -> Mapping[str, Any]:
    """The values that all modules of an environment share."""
    return {
        "short": dict(SHORT),
        "name": template(f"{b.names.system}-", raw("local.short[var.environment]")),
        "tags": whole_tags(b, raw("var.environment")),
    }


def root_variables(b: Blueprint) -> tuple[Variable, ...]:
    """The variables of an environment that are no module's own."""
    return tuple(_root_variables(b))


def _root_variables(b: Blueprint) -> Iterator[Variable]:
    yield _variable(
        "environment", "Which environment this is.", b.each(lambda e: e.environment), "",
        ('contains(["production", "staging", "development"], var.environment)',
         "environment must be production, staging or development."),
    )  # fmt: skip
    yield cost_centre(b)
    yield _variable(
        "domain", "The name under which users reach this environment.", b.domains,
        "a name of your own; its parent zone must delegate to the name servers that the module dns puts out.",
        ('can(regex("^([a-z0-9-]+[.])+[a-z]{2,}$", var.domain))', "domain must be a name such as service.example.com."),
    )  # fmt: skip
    yield _variable(
        "notification_address", "Where alarms and budget warnings go.", recipient(b), "an address that people read.",
        ('can(regex("^[^@ ]+@[^@ ]+$", var.notification_address))', "notification_address must be a mail address."),
    )  # fmt: skip
    yield from _images(b)
    yield _variable("deletion_protection", "Whether what holds data is protected against deletion; development may be "
                    "thrown away.", b.each(lambda e: e.environment != "development"), "", type="bool")  # fmt: skip
    if len(b.sites) > 1:
        yield _variable("second_site", "Whether this environment has the second site.", b.present(b.sites[1]), "",
                        type="bool")  # fmt: skip
    if not b.requirements.public_facing:
        yield _variable(
            "client_cidrs", "Address ranges of the company network, from which users come.", ["10.0.0.0/8"],
            "the ranges that the company network uses towards AWS.",
            ("alltrue([for c in var.client_cidrs : can(cidrhost(c, 0))])", "client_cidrs must be IPv4 ranges."),
            type="list(string)",
        )  # fmt: skip


def second_region(b: Blueprint) -> str:
    """The second region, "" if the design keeps to one."""
    if len(b.sites) > 1:
        return b.sites[1].region.id
    return b.backup_region.id if b.backup_region else ""


def cost_centre(b: Blueprint) -> Variable:
    """The variable with the cost centre that pays."""
    return _variable("cost_centre", "Who pays, for a tag on everything.", tag(b.requirements.owner),
                     "the cost centre as your accounts know it.")  # fmt: skip


def _images(b: Blueprint) -> Iterator[Variable]:
    yield _variable(
        "delivery_account_id", "The AWS account that holds the pipeline's identity, the states and the registry.",
        NOBODY, "the account that shared/ is applied to.", _ACCOUNT_CHECK,
    )  # fmt: skip
    if not b.has("registry"):
        host = {"github": "ghcr.io", "gitlab": "registry.gitlab.com"}
        name = f"{host.get(b.requirements.source_host, 'registry.example.com')}/{repository(b)}"
        yield _variable("image_repository", "The image's name at the source host's registry.", name,
                        "the name that the pipeline pushes to.")  # fmt: skip
    yield _variable("image_tag", "The release that runs until the pipeline deploys another.", "0.1.0",
                    "a tag that the registry holds.")  # fmt: skip


def repository(b: Blueprint) -> str:
    """The path that stands for a repository at the source host that nobody has told us."""
    return f"{label_text(b.requirements.owner, 30)}/{b.names.system}"


def _variable(
    name: str, told: str, value: Any, before: str, *checks: tuple[str, str], type: str = "string"
) -> Variable:  # fmt: skip
    why = f"{_BEFORE} {before}" if before else ""
    return Variable(name, type, told, value, why, checks, nullable=False)
