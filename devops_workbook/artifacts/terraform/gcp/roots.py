"""What the configurations of Google Cloud share: variables that nobody told us, the provider's settings, the state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.names import SHORT, label_text
from devops_workbook.artifacts.terraform.gcp.common import bucket_name
from devops_workbook.artifacts.terraform.hcl import Block, Expr, raw, template
from devops_workbook.artifacts.terraform.module import Variable
from devops_workbook.scenario import slug

__all__ = [
    "SHARED",
    "TO_SET",
    "default_labels",
    "locals_of",
    "project_of",
    "root_variables",
    "settings",
    "state",
    "used",
]

SHARED = "shared"

TO_SET: tuple[tuple[str, str], ...] = (
    ("project_id", "the project of each environment, which exists and has billing"),
    ("billing_account", "the billing account that pays for the projects"),
    ("domain", "the name users know the system by"),
    ("notification_address", "where alarms and budget alerts go"),
    ("cost_centre", "who pays, as the label says it"),
    ("image_tag", "which image of the service runs"),
    ("service_deployed", "true after the first deployment to a cluster"),
    ("repository", "the repository whose pipeline may deploy (shared/)"),
    ("project_ids", "the projects of the environments (shared/)"),
)
_SERVERLESS = ("containers", "functions")
_REGISTRIES = {"github": "ghcr.io", "gitlab": "registry.gitlab.com", "self-hosted": "registry.example.com"}


def locals_of(b: Blueprint) -> Mapping[str, Any]:
    """The beginning of every name, at most 21 characters; and the image that runs."""
    short = raw("local.short[var.environment]")
    return {"short": dict(SHORT), "name": template(b.names.system, "-", short), "image": _image(b)}


def _image(b: Blueprint) -> Expr:
    """The image of the service: in the registry of the design, or in the source host's, which serverless services
    reach through Artifact Registry only."""
    tag = raw("var.image_tag")
    if b.has("registry"):
        host = f"{b.component('registry').region}-docker.pkg.dev/"
        return template(host, raw("var.shared_project"), f"/{b.names.system}/service:", tag)
    repository = raw("lower(var.repository)")
    if b.choice("infrastructure.compute") in _SERVERLESS:
        host = f"{b.sites[0].region.id}-docker.pkg.dev/"
        return template(host, raw("var.shared_project"), f"/{b.names.system}/", repository, ":", tag)
    return template(f"{_REGISTRIES[b.requirements.source_host]}/", repository, ":", tag)


def project_of(b: Blueprint, environment: str) -> str:
    """A project id to begin with: 6 to 30 characters."""
    plain = b.names.of(environment)
    return plain if len(plain) >= 6 else f"{plain}-gcp"


def _before(what: str) -> str:
    return f"Set before the first apply: {what}."


def root_variables(b: Blueprint) -> tuple[Variable, ...]:
    """The variables of an environment that no module's call gives."""
    owner = label_text(b.requirements.owner)
    short = ("contains(" + '["production", "staging", "development"]' + ", var.environment)",
             "environment must be production, staging or development.")  # fmt: skip
    project = b.each(lambda e: project_of(b, e.environment))
    found = (
        ("environment", "Which environment.", b.each(lambda e: e.environment), "", short),
        ("project_id", "Project of this environment.", project, _before(TO_SET[0][1]), _project("project_id")),
        ("billing_account", "Billing account.", "000000-000000-000000", _before(TO_SET[1][1]), _BILLING),
        ("domain", "Name that users know the system by.", b.domains, _before(TO_SET[2][1]), _DOMAIN),
        ("notification_address", "E-mail address for alarms.", f"{owner}@example.com", _before(TO_SET[3][1]), _EMAIL),
        ("cost_centre", "Who pays; a label's value.", owner, _before(TO_SET[4][1]), _LABEL),
        (
            "shared_project",
            "Project of what the environments share.",
            project_of(b, SHARED),
            _before("as in shared/"),
            _project("shared_project"),
        ),
        (
            "repository",
            "Repository of the service.",
            f"{owner}/{b.names.system}",
            _before("the repository whose registry holds the image"),
            _REPOSITORY,
        ),
        ("serving_site", "Site that the name leads to.", "first", 'Changing it to "second" is the failover.', _SITE),
        ("image_tag", "Tag of the service's image.", "0.1.0", _before(TO_SET[5][1]), _TAG),
    )
    texts = tuple(Variable(n, "string", told, value, why, (check,), False) for n, told, value, why, check in found)
    told = "Whether the service was deployed to the cluster: GKE then has endpoints to send requests to."
    after = "Set to true after the first deployment to this environment, and apply again."
    return (*texts, Variable("service_deployed", "bool", told, False, after, (), False))


def _project(variable: str) -> tuple[str, str]:
    return (f'can(regex("^[a-z][a-z0-9-]{{4,28}}[a-z0-9]$", var.{variable}))',
            f"{variable} must be 6 to 30 lower-case letters, digits and dashes.")  # fmt: skip


_REPOSITORY = ('can(regex("^[A-Za-z0-9._/-]+$", var.repository))',
               "repository must be letters, digits, dots, dashes and slashes.")  # fmt: skip
_SITE = ('contains(["first", "second"], var.serving_site)', 'serving_site must be "first" or "second".')
_BILLING = ('can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))',
            "billing_account must look like 012345-6789AB-CDEF01.")  # fmt: skip
_DOMAIN = ('can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\\\.)+[a-z]{2,}$", var.domain))',
           "domain must be a name such as shop.example.com.")  # fmt: skip
_EMAIL = ('can(regex("^[^@ ]+@[^@ ]+$", var.notification_address))', "notification_address must be an address.")
_LABEL = ('can(regex("^[a-z0-9_-]{0,63}$", var.cost_centre))',
          "cost_centre must be at most 63 lower-case letters, digits, dashes and underscores.")  # fmt: skip
_TAG = ('can(regex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", var.image_tag))', "image_tag must be a tag of an image.")


def used(name: str, *places: Any) -> bool:
    """Whether any of these values refers to a variable of the environment."""
    return re.search(rf"\b{re.escape(name)}\b", repr(places)) is not None


def default_labels(b: Blueprint, environment: Any, cost_centre: Any) -> Mapping[str, Any]:
    """The labels that everything carries."""
    r = b.requirements
    return {
        "owner": label_text(r.owner), "environment": environment, "cost-centre": cost_centre,
        "data-classification": r.data_sensitivity, "scenario": label_text(r.name),
    }  # fmt: skip


def settings(b: Blueprint, project: Any, environment: Any, cost_centre: Any) -> tuple[Block, ...]:
    """The provider. What people apply from their machines is charged to this project, not to their client's."""
    return (Block("provider", ("google",), {
        "project": project, "region": b.sites[0].region.id,
        "user_project_override": True, "billing_project": project,
        "default_labels": default_labels(b, environment, cost_centre),
    }),)  # fmt: skip


def state(b: Blueprint, environment: str) -> tuple[str, Mapping[str, Any]]:
    """Where a configuration's state lies: a bucket of its own, which also keeps the lock."""
    return "gcs", {"bucket": bucket_name(b, environment, "tfstate"), "prefix": slug(environment)}
