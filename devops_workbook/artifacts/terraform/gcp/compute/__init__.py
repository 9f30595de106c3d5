"""What runs the code at one site: a cluster, containers, functions or machines, by the design's choice.

Whatever it is, it works under an identity of its own, which may do what the connections of the design say and nothing
else (see `identity`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS
from devops_workbook.artifacts.terraform.gcp.compute.identity import identity
from devops_workbook.artifacts.terraform.gcp.compute.kubernetes import kubernetes
from devops_workbook.artifacts.terraform.gcp.compute.serverless import serverless
from devops_workbook.artifacts.terraform.gcp.compute.vms import vms
from devops_workbook.artifacts.terraform.gcp.parts import Parts
from devops_workbook.artifacts.terraform.hcl import Ref
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["compute"]

_KINDS: Mapping[str, Callable[[Module, Blueprint, Site, Parts, Module, Ref], None]] = {
    "kubernetes": kubernetes,
    "containers": serverless,
    "functions": serverless,
    "vms": vms,
}
_ABOUT: Mapping[str, str] = {
    "kubernetes": "A cluster of private nodes over the zones of the site. What runs on it is in the manifests.",
    "containers": "The service's containers on Cloud Run, with addresses in the application subnet.",
    "functions": "The functions: a Cloud Run service of the image that the pipeline builds with the functions "
                 "framework. It is not of the type google_cloudfunctions2_function, which reaches a network only "
                 "through a connector with a subnet of its own.",
    "vms": "A managed group of machines over the zones of the site, which replaces what does not answer.",
}  # fmt: skip


def compute(b: Blueprint, site: Site, network: Module, security: Module, data: Module) -> Module:
    """What runs the code at a site."""
    kind = b.choice("infrastructure.compute")
    about = (_ABOUT[kind], "Its identity may do what the connections of the design say, and nothing else.")
    m = Module("compute", "Compute", about, PROVIDERS, site, b.present(site))
    parts = Parts(network, security)
    account = identity(m, b, site, parts, data)
    _KINDS[kind](m, b, site, parts, data, account)
    return m
