"""The entry of a site: what takes requests in, its certificate, and what it sends them to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.azure.common import Made, module
from devops_workbook.artifacts.terraform.azure.edge import gateway, management
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["edge"]

_ENTRIES: Mapping[str, Callable[[Blueprint, Module, Made, Module], None]] = {
    "application-gateway": gateway.entry,
    "api-management": management.entry,
}


def edge(b: Blueprint, site: Site, made: Made, front: Module) -> Module:
    """The entry of a site. made: its modules down to "compute"; front: the module of names and of Front Door.

    Its outputs name the entry for alarms (entry_id) and for what leads requests to it (entry_address, entry_host).
    """
    about = (
        "Takes requests in over TLS 1.2 or later, and passes them on over TLS to what the design connects it with.",
        b.why("scaling.load_balancing"),
    )
    m = module("edge", "Edge: the entry of a site.", about, b, site)
    _ENTRIES[b.component("entry").service](b, m, made, front)
    return m
