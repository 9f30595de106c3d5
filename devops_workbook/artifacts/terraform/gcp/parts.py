"""What modules of one site take from each other, and facts that several of them look up.

A module's variable is declared where it is first used; its value is another module's output.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.gcp.security import customer_keys
from devops_workbook.artifacts.terraform.hcl import Nested, Ref, raw
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.assess.model import BackupSet
from devops_workbook.scenario import slug

__all__ = [
    "Parts", "assumed", "days_kept", "days_text", "disk_type", "encrypted", "image_of", "kept", "key", "permission",
    "secure_boot", "takes_key", "use_of", "whole_days",
]  # fmt: skip

_PROVIDER = "gcp"


@dataclass(frozen=True, slots=True)
class Parts:
    """The modules that a module of the same site is wired to; first: the data of the first site, None there."""

    network: Module
    security: Module
    first: Module | None = None

    def network_id(self, m: Module) -> Ref:
        """The VPC of the site."""
        return m.variable("network_id", "string", "Network of this site.", self.network.wire("network_id"))

    def subnet(self, m: Module, tier: str) -> Ref:
        """The subnet of a tier: "public", "app" or "data"."""
        told = f"Subnets of the {tier} tier; Google Cloud's are regional, so there is one."
        id = f"{tier}_subnet_ids"
        return raw(f"{m.variable(id, 'list(string)', told, self.network.wire(id))}[0]")

    def tag(self, m: Module, component: str) -> Ref:
        """The network tag that the firewall rules of a component are written for."""
        told = "Network tags that firewall rules are written for, by component."
        return m.variable("tags", "map(string)", told, self.network.wire("tags"))[component]


# --- keys ------------------------------------------------------------------------------------------------


def key(m: Module, b: Blueprint, security: Module, use: str) -> Ref | None:
    """The key that a class of data is encrypted with; None = Google's own."""
    if not customer_keys(b):
        return None
    told = "Keys of this site by what they encrypt."
    return m.variable("key_ids", "map(string)", told, security.wire("key_ids"))[use]


def encrypted(name: str, held: Ref | None) -> Mapping[str, Any]:
    """An attribute that names a key, where there is one."""
    return {} if held is None else {name: held}


def takes_key(block: str, name: str, held: Ref | None) -> Mapping[str, Any]:
    """A block that names a key, where there is one."""
    return {} if held is None else {block: Nested(**{name: held})}


# --- facts -----------------------------------------------------------------------------------------------


def permission(service: str, use: str) -> Mapping[str, Any]:
    """What the source of a connection may do with a component of a service; KeyError if the facts do not say."""
    found: Mapping[str, Any] = code_facts(_PROVIDER)["permissions"][service][use]
    return found


def use_of(label: str) -> str:
    """A connection's label as the facts name it: "cached-reads"."""
    return slug(label)


def assumed(b: Blueprint, name: str) -> float:
    """An assumption of the catalog."""
    return b.catalog.assumptions[name].value or 0.0


# --- machines --------------------------------------------------------------------------------------------

_HYPERDISK = ("n4-", "c4-", "c4a-")  # they boot from nothing else
_ARM = ("t2a-", "c4a-")


def disk_type(sku: str) -> str:
    """The type of boot disk that a machine takes.

    https://cloud.google.com/compute/docs/disks/hyperdisks (2026-11)
    """
    return "hyperdisk-balanced" if sku.startswith(_HYPERDISK) else "pd-balanced"


def image_of(sku: str) -> str:
    """The image that a machine boots: Container-Optimized OS for its processor."""
    family = "cos-arm64-stable" if sku.startswith(_ARM) else "cos-stable"
    return f"projects/cos-cloud/global/images/family/{family}"


def secure_boot(sku: str) -> bool:
    """Whether a machine boots signed software only; T2A cannot.

    https://cloud.google.com/compute/docs/instances/arm-on-compute (2026-11)
    """
    return not sku.startswith("t2a-")


# --- backups ---------------------------------------------------------------------------------------------


def whole_days(days: float) -> int:
    """Days as the services take them."""
    return max(1, math.ceil(days - 1e-9))


def days_text(days: float) -> str:
    """Days as a duration of Google's APIs, in seconds: "2592000s"."""
    return f"{whole_days(days) * 86400}s"


def kept(b: Blueprint, component: str) -> Iterator[BackupSet]:
    """The sets of copies that a component holds."""
    return (found for found in b.assessment.recovery.backups if found.component == component)


def days_kept(b: Blueprint, component: str, generation: str) -> int:
    """For how many days a component holds a generation of copies; 0 = it does not."""
    return next((whole_days(s.retention_days) for s in kept(b, component) if s.generation == generation), 0)
