"""What the configurations of Azure share: variables that nobody told us, tags, the provider's settings, the state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.names import SHORT
from devops_workbook.artifacts.terraform.azure.common import NOBODYS_KEY, served_by
from devops_workbook.artifacts.terraform.azure.layout import hidden
from devops_workbook.artifacts.terraform.hcl import Block, Nested, raw, template
from devops_workbook.artifacts.terraform.module import Variable
from devops_workbook.scenario import slug

__all__ = [
    "NOBODY", "REPOSITORIES", "SHARED", "TO_SET", "group_name", "locals_of", "owner_slug", "registry_name",
    "root_variables", "settings", "state", "state_account", "tags_of", "text", "used",
]  # fmt: skip

SHARED = "shared"
NOBODY = "00000000-0000-0000-0000-000000000000"
_TAG = 256  # characters of a tag's value

TO_SET: tuple[tuple[str, str], ...] = (
    ("subscription_id", "the subscription of each environment, which is its own"),
    ("shared_subscription_id", "the subscription of what the environments share"),
    ("tenant_id", "the Entra tenant"),
    ("operators_group_id", "the object id of the Entra group that administers databases and clusters"),
    ("operators_group_name", "the name of that group"),
    ("domain", "the name that users know the system by, of which Azure DNS becomes the name server"),
    ("certificate_issuer", "the authority that signs the entry's certificate, as the vault knows it; Self until then"),
    ("notification_address", "where alarms and budget alerts go"),
    ("security_phone", "the number that Microsoft calls when it finds that the system is under attack"),
    ("client_ranges", "the addresses that users come from, where the system is not public"),
    ("pipeline_addresses", "the public addresses that the pipeline works from; none for one inside the network"),
    ("cost_centre", "who pays, as the tag says it"),
    ("image_tag", "which image of the service runs"),
    ("repository", "the repository whose pipeline may deploy"),
    ("ssh_public_key", "a key whose private half the operators have"),
    ("issuer", "who signs the tokens of the pipeline's runs (shared/)"),
    ("subjects", "what those tokens say of themselves, by environment (shared/)"),
    ("subscription_ids", "the subscriptions of the environments (shared/)"),
)
REPOSITORIES = {"github": "ghcr.io", "gitlab": "registry.gitlab.com", "self-hosted": "registry.example.com"}


def text(told: str) -> str:
    """Free text as a tag's value: on one line, no longer than Azure takes."""
    return " ".join(told.split())[:_TAG] or "unknown"


def owner_slug(b: Blueprint) -> str:
    """The owner's name in letters, digits and dashes."""
    return slug(b.requirements.owner)[:40].strip("-") if b.requirements.owner.strip() else "unknown"


# --- names that several configurations use ---------------------------------------------------------------


def group_name(b: Blueprint, what: str) -> str:
    """The resource group of what is applied once."""
    return f"{b.names.of(SHARED)}-{what}"


def state_account(b: Blueprint) -> str:
    """The storage account of the states."""
    return b.names.compact(SHARED, "tfstate")


def registry_name(b: Blueprint) -> str:
    """The registry: letters and digits, nobody else's."""
    return b.names.compact(SHARED, "registry", 40)


def state(b: Blueprint, what: str) -> tuple[str, Mapping[str, Any]]:
    """Where a configuration's state lies: a container of its own. Azure locks the state by a lease on it."""
    container = SHORT.get(what, what)
    return "azurerm", {
        "storage_account_name": state_account(b), "container_name": container, "key": "terraform.tfstate",
        "use_azuread_auth": True,
    }  # fmt: skip


# --- the environments ------------------------------------------------------------------------------------


def tags_of(b: Blueprint, environment: Any, cost_centre: Any) -> Mapping[str, Any]:
    """The tags that everything carries."""
    r = b.requirements
    return {
        "owner": text(r.owner), "environment": environment, "cost-centre": cost_centre,
        "data-classification": r.data_sensitivity, "scenario": text(r.name),
    }  # fmt: skip


def locals_of(b: Blueprint) -> Mapping[str, Any]:
    """The beginning of every name, at most 21 characters; tags; the image that runs; the name of the entry."""
    label = "api" if served_by(b, "entry", "api-management") else "www"
    server = f"{registry_name(b)}.azurecr.io"
    image = f"{server}/{b.names.system}:"
    if not b.has("registry"):
        image = f"{REPOSITORIES[b.requirements.source_host]}/"
    found: dict[str, Any] = {
        "short": dict(SHORT),
        "name": template(b.names.system, "-", raw("local.short[var.environment]")),
        "tags": tags_of(b, raw("var.environment"), raw("var.cost_centre")),
        "host": template(f"{label}.", raw("var.domain")),
        "registry_server": server,
        "registry_id": template(
            "/subscriptions/", raw("var.shared_subscription_id"), f"/resourceGroups/{group_name(b, 'rg')}",
            f"/providers/Microsoft.ContainerRegistry/registries/{registry_name(b)}"),
        "image": template(image, raw("var.image_tag")) if b.has("registry") else
                 template(image, raw("lower(var.repository)"), ":", raw("var.image_tag")),
    }  # fmt: skip
    return found


def _before(variable: str) -> str:
    return f"Set before the first apply: {dict(TO_SET)[variable]}."


def _guid(variable: str) -> tuple[str, str]:
    return (
        f'can(regex("^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$", var.{variable}))',
        f"{variable} must be a GUID.",
    )


def _strings(b: Blueprint) -> tuple[tuple[str, str, Any, tuple[str, str]], ...]:
    owner = owner_slug(b)
    return (
        ("subscription_id", "Subscription of this environment.", NOBODY, _guid("subscription_id")),
        (
            "shared_subscription_id",
            "Subscription of what the environments share.",
            NOBODY,
            _guid("shared_subscription_id"),
        ),
        ("tenant_id", "Entra tenant.", NOBODY, _guid("tenant_id")),
        ("operators_group_id", "Entra group of the operators.", NOBODY, _guid("operators_group_id")),
        ("operators_group_name", "Name of that group.", "operators", _GROUP),
        ("domain", "Name that users know the system by.", b.domains, _DOMAIN),
        (
            "certificate_issuer",
            "Issuer of the entry's certificate, as its vault knows it; Self for none.",
            "Self",
            _ISSUER,
        ),
        ("notification_address", "E-mail address for alarms.", f"{owner}@example.com", _EMAIL),
        ("security_phone", "Number for calls about findings.", "+15550100", _PHONE),
        ("cost_centre", "Who pays; a tag's value.", text(b.requirements.owner), _COST),
        ("image_tag", "Tag of the service's image.", "0.1.0", _IMAGE),
        ("repository", "Repository of the service.", f"{owner}/{b.names.system}", _REPOSITORY),
        ("ssh_public_key", "Public key of the machines' administrator.", NOBODYS_KEY, _SSH),
    )


def root_variables(b: Blueprint) -> tuple[Variable, ...]:
    """The variables of an environment that no module's call gives."""
    environment = Variable(
        "environment", "string", "Which environment.", b.each(lambda e: e.environment), "", (_ENVIRONMENT,), False
    )
    strings = (Variable(n, "string", told, value, _before(n), (check,), False) for n, told, value, check in _strings(b))
    ranges = (("client_ranges", "Addresses that requests come from.", ["10.0.0.0/8"]),
              ("pipeline_addresses", "Public addresses that the pipeline comes from.", ["203.0.113.10"]))  # fmt: skip
    lists = (Variable(n, "list(string)", told, value, _before(n), (_ranges(n),), False) for n, told, value in ranges)
    return (environment, *strings, *lists, _takes_over(b))


def _takes_over(b: Blueprint) -> Variable:
    """Whether requests may go to the second site without a person."""
    # Nothing of Azure's asks a private entry whether it is well, so a person switches there.
    itself = b.choice("disaster_recovery.recovery") == "region-failover-automatic" and not hidden(b)
    active = b.choice("disaster_recovery.high_availability") == "active-active"
    return Variable(
        "second_site_serves",
        "bool",
        "Whether requests go to the second site when the first does not answer.",
        itself or active,
        f"{b.why('disaster_recovery.recovery')} Where it is false, changing it is the failover.",
        (),
        False,
    )


def _ranges(variable: str) -> tuple[str, str]:
    return (f'alltrue([for a in var.{variable} : can(cidrhost(strcontains(a, "/") ? a : "${{a}}/32", 0))])',
            f"{variable} must be IPv4 addresses or blocks.")  # fmt: skip


_ENVIRONMENT = ('contains(["production", "staging", "development"], var.environment)',
                "environment must be production, staging or development.")  # fmt: skip
_GROUP = ("length(var.operators_group_name) > 0", "operators_group_name must not be empty.")
_DOMAIN = ('can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\\\.)+[a-z]{2,}$", var.domain))',
           "domain must be a name such as shop.example.com.")  # fmt: skip
_ISSUER = (
    'can(regex("^[A-Za-z0-9-]+$", var.certificate_issuer))',
    "certificate_issuer must be letters, digits and dashes.",
)
_EMAIL = ('can(regex("^[^@ ]+@[^@ ]+$", var.notification_address))', "notification_address must be an e-mail address.")
_PHONE = ('can(regex("^[+][0-9]{6,15}$", var.security_phone))', "security_phone must be a number such as +15550100.")
_COST = ("length(var.cost_centre) <= 256", "cost_centre must be at most 256 characters.")
_IMAGE = ('can(regex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", var.image_tag))', "image_tag must be a tag of an image.")
_REPOSITORY = (
    'can(regex("^[A-Za-z0-9._/-]+$", var.repository))',
    "repository must be letters, digits, dots, dashes and slashes.",
)
_SSH = (
    'startswith(var.ssh_public_key, "ssh-rsa ")',
    "ssh_public_key must be an RSA key in OpenSSH's form, as Azure takes it.",
)


def used(name: str, *places: Any) -> bool:
    """Whether any of these values refers to a variable or local of the environment."""
    return re.search(rf"\b{re.escape(name)}\b", repr(places)) is not None


def settings(subscription: Any) -> tuple[Block, ...]:
    """The provider. It asks nobody for a key: neither of storage accounts nor of anything else."""
    features = Nested(
        key_vault=Nested(purge_soft_delete_on_destroy=False, recover_soft_deleted_key_vaults=True),
        resource_group=Nested(prevent_deletion_if_contains_resources=True),
    )  # fmt: skip
    return (Block("provider", ("azurerm",), {
        "subscription_id": subscription, "storage_use_azuread": True, "resource_provider_registrations": "extended",
        "features": features,
    }),)  # fmt: skip
