"""One cluster: an environment at one of its sites, with how many replicas run in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint, Site
from devops_workbook.design.deployments import Deployment
from devops_workbook.design.model import Network

__all__ = ["COMPUTE", "NAMESPACE", "PORT", "SELECTOR", "SERVICE", "SET", "Cluster", "clusters", "meta"]

COMPUTE = "infrastructure.compute"
NAMESPACE, SERVICE = "service", "service"
PORT = 8443
SET = "set-by-the-overlay"
SELECTOR = {"app.kubernetes.io/name": SERVICE}


def meta(name: str, **more: object) -> dict[str, object]:
    """The metadata of a resource in the service's namespace."""
    return {"name": name, "namespace": NAMESPACE, **more}


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster. minimum: replicas that always run, 0 = none until the site takes over; maximum: at the planned peak,
    as many as the machines hold; network: its addresses; shared: those of the site where the tools are."""

    deployment: Deployment
    site: Site
    minimum: int
    maximum: int
    network: Network
    shared: Network

    @property
    def folder(self) -> str:
        """The overlay's folder: "production", "production-2"."""
        return f"{FOLDERS[self.deployment.environment]}{self.site.suffix}"


def clusters(b: Blueprint) -> Iterator[Cluster]:
    """The clusters of a design, those of production first."""
    for e in b.environments:
        for site in b.sites:
            if site.region.id in e.regions:
                least, most = _replicas(b, e, site)
                network = b.network(e.environment, site.region.id)
                yield Cluster(e, site, least, most, network, b.network(e.environment, e.regions[0]))


def _replicas(b: Blueprint, e: Deployment, site: Site) -> tuple[int, int]:
    """The fewest and the most replicas, as the capacity assessment has them and the machines hold them."""
    size, capacity = e.sizes[site.id("compute")], b.assessment.capacity
    held = max(1, size.per_machine)
    most = max(1, min(capacity.replicas, size.maximum * held))
    # A standby that keeps more machines than one a zone keeps them filled.
    least = size.minimum * held if size.minimum > size.zones else min(size.minimum, 1) * capacity.min_replicas
    return min(least, most), most
