"""Where things stand in the network of a site: its subnets, and what else of the design is reached from them.

The plan has one block of addresses for each tier, over all zones. Azure asks for more subnets than tiers: one that is
delegated to a service holds nothing else, and a subnet goes out through one NAT gateway. So the application's block is
cut in two: compute in the first half, which holds all that the tier needs since the plan doubles that; machines of
tools in the second. Without a data tier the second half is cut again, for private endpoints.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.azure.common import keyed, served_by
from devops_workbook.design.model import Component

__all__ = [
    "CUTS", "cuts", "endpoint_of", "fronted", "gateway_inside", "kind_of", "machines_of", "part", "private", "tiers",
    "two_tier",
]  # fmt: skip

# Subnet -> the plan's block that it is cut from, further bits of its prefix, and which of the pieces it is.
CUTS: Mapping[str, tuple[str, int, int]] = {
    "public": ("public", 0, 0), "app": ("app", 1, 0), "tools": ("app", 1, 1), "data": ("data", 0, 0),
}  # fmt: skip
_TWO_TIER = {**CUTS, "tools": ("app", 2, 2), "data": ("app", 2, 3)}

# Services that a private endpoint stands for, where the design has private endpoints.
_ENDPOINTS = ("blob-storage", "service-bus", "event-hubs", "key-vault", "key-vault-keys", "container-registry")
_ALWAYS = ("database", "cache")


def two_tier(b: Blueprint) -> bool:
    """Whether the plan has no data tier of its own."""
    return b.choice("infrastructure.network") == "two-tier"


def cuts(b: Blueprint) -> Mapping[str, tuple[str, int, int]]:
    """How the subnets are cut from the plan's blocks."""
    return _TWO_TIER if two_tier(b) else CUTS


def tiers(b: Blueprint, environment: str, region: str) -> Mapping[str, str]:
    """The blocks of the plan, by tier."""
    return {s.tier: s.cidr for s in b.network(environment, region).subnets}


def part(b: Blueprint, environment: str, region: str, subnet: str) -> str:
    """The addresses of a subnet ("public", "app", "tools" or "data"): all or part of a block of the plan."""
    tier, bits, number = cuts(b)[subnet]
    block = ipaddress.ip_network(tiers(b, environment, region)[tier])
    return str(list(block.subnets(prefixlen_diff=bits))[number]) if bits else str(block)


# --- what the design asks of the network -----------------------------------------------------------------


def kind_of(b: Blueprint) -> str:
    """What kind of compute there is: "kubernetes", "containers", "functions" or "vms"."""
    return b.provider.services[b.component("compute").service].kind


def machines_of(b: Blueprint) -> tuple[Component, ...]:
    """The tools that stand on machines of the team's own, at whichever site."""
    return tuple(c for c in b.topology.components if c.service in b.catalog.tools and c.sku)


def fronted(b: Blueprint) -> bool:
    """Whether Front Door stands before the entries: as the CDN, or because API Management takes no firewall itself."""
    return b.has("cdn") or (b.has("waf") and served_by(b, "entry", "api-management"))


def endpoint_of(b: Blueprint, id: str) -> bool:
    """Whether a private endpoint stands for a component of the first site."""
    component = b.component(id)
    if component.role in _ALWAYS:
        return True
    if component.service == "service-bus" and keyed(b):
        return True
    return b.has("endpoints") and component.service in _ENDPOINTS


def private(b: Blueprint) -> bool:
    """Whether the entry passes requests on to what only the network reaches."""
    return endpoint_of(b, "intake") if b.has("intake") else True


def gateway_inside(b: Blueprint) -> bool:
    """Whether the entry has addresses in the network: an Application Gateway, or API Management that must reach in."""
    return served_by(b, "entry", "application-gateway") or private(b)


def at(b: Blueprint, site: Site, id: str) -> bool:
    """Whether a component stands in the region of a site."""
    return b.component(id).region == site.region.id
