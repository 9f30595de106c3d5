"""The module of the compute: what runs the service, under which identity, and how it grows and shrinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.aws.compute import containers, functions, kubernetes, machines
from devops_workbook.artifacts.terraform.aws.compute.scope import Scope
from devops_workbook.artifacts.terraform.aws.placed import placed
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["compute"]

_KINDS: Mapping[str, Callable[[Scope], None]] = {
    "containers": containers.compute,
    "kubernetes": kubernetes.compute,
    "functions": functions.compute,
    "vms": machines.compute,
}


def compute(
    b: Blueprint, site: Site, network: Module, security: Module, data: Module, edge: Module, identity: Module,
    secrets: Module | None,
) -> Module:  # fmt: skip
    """What runs the service at a site. secrets: None = the team keeps them in a store of its own."""
    about = (
        "Runs the service in the application subnets, between the floor and the ceiling of the plan. Its role may do "
        "what the design connects it to, with the resources it is connected to, and nothing else.",
        "A release changes what runs here without Terraform: the pipeline deploys, and Terraform leaves what was "
        "deployed alone.",
    )
    c = Scope(b, placed(b, "compute", "Compute", about, site), site, network, security, data, edge, identity, secrets)
    _KINDS[c.service("compute").kind](c)
    return c.module
