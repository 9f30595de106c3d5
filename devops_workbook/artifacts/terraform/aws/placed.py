"""Modules that stand at a site: what they are called, which region's provider they use, and the tag that says what a
resource is for.

A module whose folder both sites share names its component by a variable, `site`; one that exists once names it in full.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Each, Site
from devops_workbook.artifacts.terraform.hcl import Expr, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module, ProviderSource

__all__ = ["AWS", "component", "everywhere", "named", "placed", "source", "tags"]

_SOURCE, _VERSION = "hashicorp/aws", ">= 5.90, < 6.0"
AWS = ProviderSource("aws", _SOURCE, _VERSION)


def source(*aliases: str) -> ProviderSource:
    """The provider, with further configurations that a caller passes."""
    return ProviderSource("aws", _SOURCE, _VERSION, aliases)


def placed(
    b: Blueprint,
    folder: str,
    title: str,
    about: tuple[str, ...],
    site: Site,
    *,
    alike: bool = True,
    other: str = "",
    present: Each | None = None,
) -> Module:
    """A module at a site, with the variable `name`.

    alike: whether the other site calls the same folder; other: the local name under which it gets the provider of the
    other region, "" = it needs none.
    """
    here, there = ("aws.second", "aws") if site.suffix else ("aws", "aws.second")
    source = ProviderSource("aws", _SOURCE, _VERSION, (other,) if other else ())
    passed = ({"aws": here} if site.suffix or other else {}) | ({f"aws.{other}": there} if other else {})
    module = Module(folder, title, about, (source,), site, present or b.present(site), passed)
    prefix = template(raw("local.name"), site.suffix) if site.suffix else raw("local.name")
    module.variable("name", "string", "What all names begin with.", prefix)
    if alike and len(b.sites) > 1:
        module.variable("site", "string", "Suffix of the components' ids at this site.", site.suffix)
    return module


def everywhere(
    folder: str, title: str, about: tuple[str, ...], *, passed: Mapping[str, str] | None = None,
    present: Each | None = None, nameless: bool = False,
) -> Module:  # fmt: skip
    """A module that stands once for all sites, with the variable `name`. passed: the provider configurations that it
    gets, {"aws": "aws.global"} or {"aws": "aws", "aws.second": "aws.second"}; nameless: whether nothing in it takes a
    name of the environment's."""
    aliases = tuple(key.removeprefix("aws.") for key in passed or {} if key != "aws")
    module = Module(folder, title, about, (ProviderSource("aws", _SOURCE, _VERSION, aliases),), None, present,
                    passed or {})  # fmt: skip
    if not nameless:
        module.variable("name", "string", "What all names begin with.", raw("local.name"))
    return module


def component(b: Blueprint, m: Module, id: str) -> str | Expr:
    """The id of a component at the module's site, as the code says it."""
    if "site" in m.variables and b.part(f"{id}-2"):
        return template(id, Ref("var.site"))
    return (b.part(m.site.id(id)) if m.site else "") or id


def tags(b: Blueprint, m: Module, id: str, **more: Any) -> Mapping[str, Any]:
    """The tags of a resource, beside those that the provider gives to all of them."""
    return {"component": component(b, m, id), **more}


def named(what: str) -> Expr:
    """A name of the environment: `named("cache")`."""
    return template(Ref("var.name"), f"-{what}")
