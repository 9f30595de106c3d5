"""What every module of Google Cloud takes from its caller, and how it names and labels things.

The declarations are lazy: a module declares what it uses, and only that. `project` is the wire that orders everything
after the services it needs have been enabled (see `apis`).
"""

from __future__ import annotations

from collections.abc import Mapping

from devops_workbook.artifacts.blueprint import Blueprint, Each, Site
from devops_workbook.artifacts.terraform.hcl import Expr, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module, ProviderSource, Wire

__all__ = [
    "GOOGLE", "PROVIDERS", "bucket_name", "labels", "name", "named", "number", "production", "project", "region",
    "suffix", "zone_names", "zones",
]  # fmt: skip

GOOGLE = ProviderSource("google", "hashicorp/google", ">= 6.50, < 7.0")
PROVIDERS = (GOOGLE,)

_PROJECT = ("can(regex(\"^[a-z][a-z0-9-]{4,28}[a-z0-9]$\", var.project))",
            "project must be a project id: 6 to 30 lower-case letters, digits and dashes.")  # fmt: skip
_NAME = ("can(regex(\"^[a-z][a-z0-9-]{0,19}[a-z0-9]$\", var.name))",
         "name must be 2 to 21 lower-case letters, digits and dashes, beginning with a letter.")  # fmt: skip


def project(m: Module) -> Ref:
    """The project id; known as soon as the services of the design are enabled in it."""
    told = "Project that everything is built in, once its services are enabled."
    return m.variable("project", "string", told, Wire("apis", "project_id", False), checks=(_PROJECT,))


def number(m: Module) -> Ref:
    """The project's number, which the names of Google's service agents carry."""
    told = "Number of the project; the addresses of Google's service agents carry it."
    return m.variable("project_number", "string", told, Wire("apis", "project_number", False))


def name(m: Module) -> Ref:
    """The prefix of all names of the environment, at most 21 characters."""
    return m.variable("name", "string", "Prefix of all names.", raw("local.name"), checks=(_NAME,))


def suffix(m: Module, site: Site) -> Ref:
    """What tells the sites apart: "" for the first, "-2" for the second. Regional names and labels end in it."""
    check = ('contains(["", "-2"], var.site)', 'site must be "" or "-2".')
    return m.variable("site", "string", 'Ending of names: "" at the first site, "-2" at the second.', site.suffix,
                      checks=(check,))  # fmt: skip


def region(m: Module, site: Site, why: str = "") -> Ref:
    """The region of the site."""
    check = ('can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))', "region must be a region such as europe-west4.")
    return m.variable("region", "string", "Region of this site.", site.region.id, why=why, checks=(check,))


def production(m: Module, b: Blueprint) -> Ref:
    """Whether what is built must survive a mistake: true in production and staging, false in development."""
    told = "Whether what holds data is protected against deletion."
    value = b.each(lambda e: e.environment != "development")
    return m.variable("protected", "bool", told, value)


def named(m: Module, site: Site, what: str) -> Expr:
    """The name of a regional resource: prefix, what it is, and the site's ending."""
    return template(name(m), f"-{what}", suffix(m, site))


def labels(component: str, m: Module | None = None, site: Site | None = None) -> Mapping[str, str | Expr]:
    """The label that ties a resource to the component it implements; the provider adds the others. With a module and
    its site the component's id gets the site's ending."""
    return {"component": template(component, suffix(m, site)) if m and site else component}


def bucket_name(b: Blueprint, environment: str, what: str) -> str:
    """A bucket's name, unique in the world. It may not begin with "goog" nor hold "google".

    https://cloud.google.com/storage/docs/buckets#naming (2026-11)
    """
    plain = b.names.unique(environment, what).replace("google", "gcp")
    return f"s-{plain}"[:63].rstrip("-") if plain.startswith("goog") else plain


def zone_names(site: Site, count: int) -> list[str]:
    """The first zones of a region by name; every region of the catalog has a, b and c."""
    return [f"{site.region.id}-{letter}" for letter in "abc"[:count]]


def zones(b: Blueprint, site: Site) -> Each:
    """The names of the zones that machines stand in, by environment."""
    return b.at(site, lambda e: zone_names(site, max(1, e.zones)))
