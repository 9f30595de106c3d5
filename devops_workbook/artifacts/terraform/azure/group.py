"""The resource group of a site: what is built there is in it, and is deleted with it."""

from __future__ import annotations

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.azure.common import location, module, named, tags
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["group"]


def group(b: Blueprint, site: Site) -> Module:
    """The resource group of a site."""
    m = module("group", "Group: the resource group of a site.", (b.why("infrastructure.provider"),), b, site)
    built = m.resource(
        "azurerm_resource_group", "this", "region", name=named(m, "rg"), location=location(m), tags=tags(m, "region")
    )
    m.output("resource_group_name", built.name, "Resource group of this site.", exported=True)
    m.output("resource_group_id", built.id, "Id of the resource group of this site.")
    return m
