"""What builders of a site's modules share: the design, the module they write to, and the modules before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Each, Site
from devops_workbook.artifacts.terraform.aws.placed import tags
from devops_workbook.artifacts.terraform.hcl import Ref
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.catalog.model import Service
from devops_workbook.design.deployments import Deployment, Size

__all__ = ["SiteScope"]


@dataclass(frozen=True)
class SiteScope:
    """One site's part as it is being written."""

    b: Blueprint
    module: Module
    site: Site
    network: Module
    security: Module

    def service(self, id: str) -> Service:
        """The catalog's service behind a component."""
        return self.b.provider.services[self.b.component(id).service]

    def region(self) -> Ref:
        """The region that the module works in."""
        return self.module.data("aws_region", "current").name

    def account(self) -> Ref:
        """The account that the module works in."""
        return self.module.data("aws_caller_identity", "current").account_id

    @property
    def own_keys(self) -> bool:
        """Whether the team manages the keys that encrypt data."""
        return self.b.choice("infrastructure.security") != "provider-managed-keys"

    @property
    def two_sites(self) -> bool:
        """Whether the design has a second site."""
        return len(self.b.sites) > 1

    def key(self, use: str) -> Ref | None:
        """The key for a use ("database", "files"); None where the provider manages the keys."""
        if not self.own_keys:
            return None
        told = "Keys that encrypt, by use."
        keys = self.module.variable(
            "key_ids", "map(string)", told, self.security.wire("key_ids"), why=self.b.why("infrastructure.security")
        )
        return keys[use]

    def keyed(self, attribute: str, use: str) -> Mapping[str, Any]:
        """The attribute that names a key, or nothing."""
        key = self.key(use)
        return {} if key is None else {attribute: key}

    def security_group(self, id: str) -> Ref:
        """The security group of a component."""
        told = "Security groups by the component they belong to."
        return self.module.variable(
            "security_group_ids", "map(string)", told, self.network.wire("security_group_ids")
        )[id]  # fmt: skip

    def tags(self, id: str, **more: Any) -> Mapping[str, Any]:
        """A resource's own tags."""
        return tags(self.b, self.module, id, **more)

    def sized(self, id: str, value: Callable[[Size], Any]) -> Each:
        """Something of a component's size at this site."""
        return self.b.sized(self.site.id(id), value)

    def at(self, value: Callable[[Deployment], Any]) -> Each:
        """A value of every environment that has this site."""
        return self.b.at(self.site, value)
