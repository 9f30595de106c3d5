"""Compute of one site. Each kind is a module of this package; a table says which."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.compute import containers, functions, kubernetes, machines
from devops_workbook.artifacts.cloudformation.compute.running import Running
from devops_workbook.artifacts.cloudformation.data import Stored
from devops_workbook.artifacts.cloudformation.edge import Entry
from devops_workbook.artifacts.cloudformation.network import Net
from devops_workbook.artifacts.cloudformation.template import Template

__all__ = ["Running", "compute"]

_KINDS: Mapping[str, Callable[[Running], None]] = {
    "containers": containers.compute,
    "functions": functions.compute,
    "kubernetes": kubernetes.compute,
    "vms": machines.compute,
}


def compute(b: Blueprint, net: Net, stored: Stored, entry: Entry) -> Running:
    """The compute template, for all sites."""
    t = Template(
        "compute",
        "Compute of one site: what runs the service.",
        (
            "What runs the service at one site. A release is a change of the parameter ImageTag, so that the stack "
            "always says what runs.",
        ),
        sites=len(b.sites),
    )
    running = Running(b, t, net, stored, entry)
    _KINDS[b.choice("infrastructure.compute")](running)
    return running
