"""What runs the service: a cluster, containers, functions or machines, as the design has it.

All of them work under one identity, which may do what the connections of the design ask for and nothing else, and all
of them are reached under one address of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.azure.common import Made, module
from devops_workbook.artifacts.terraform.azure.compute import containers, functions, kubernetes, machines
from devops_workbook.artifacts.terraform.azure.compute.access import workload
from devops_workbook.artifacts.terraform.hcl import Ref
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["compute"]

_KINDS: Mapping[str, Callable[[Blueprint, Module, Made, Ref], None]] = {
    "kubernetes": kubernetes.cluster,
    "containers": containers.apps,
    "functions": functions.functions,
    "vms": machines.machines,
}


def compute(b: Blueprint, site: Site, made: Made) -> Module:
    """The compute of a site. made: its modules "group", "logs", "network", "security" and "data", and, where tools that
    the team runs itself collect telemetry, "tools".

    Its outputs name what the entry sends requests to (backend_address, backend_port) and what is watched (compute_id).
    """
    about = (
        "Runs the service between the floor and the ceiling of the plan. Its identity may do what the connections of "
        "the design ask for; no password or key is stored anywhere.",
    )
    m = module("compute", "Compute: what runs the service, how it scales, and what it may do.", about, b, site)
    identity = workload(b, m, made)
    _KINDS[b.provider.services[b.component("compute").service].kind](b, m, made, identity)
    return m
