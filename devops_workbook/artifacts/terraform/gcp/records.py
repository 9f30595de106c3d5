"""The names of the system, and which site they lead to.

One site has a plain record. Of two active sites DNS gives the nearer, of a standby it gives the first while that is
healthy; where people decide on the failover, a variable says which site serves, and changing it is the failover.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, name, project
from devops_workbook.artifacts.terraform.gcp.edge import HEALTH_PATH
from devops_workbook.artifacts.terraform.gcp.front import domain
from devops_workbook.artifacts.terraform.hcl import Nested, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["records"]

_HIGH_AVAILABILITY = "disaster_recovery.high_availability"
# Cloud DNS probes from exactly three regions; these lie on three continents.
# https://cloud.google.com/dns/docs/configure-routing-policies (2026-11)
_PROBES = ["us-east1", "europe-west1", "asia-east1"]


def records(b: Blueprint, front: Module, edges: Sequence[Module], networks: Sequence[Module]) -> Module:
    """The names of the system."""
    about = ("The address record of the system, and how it follows the sites.",)
    m = Module("records", "Records", about, PROVIDERS)
    zone = m.variable("zone_name", "string", "Zone that holds the records.", front.wire("zone_name"))
    record: dict[str, Any] = {
        "project": project(m), "managed_zone": zone, "name": template(domain(m), "."), "type": "A",
        "ttl": round(b.catalog.assumptions["dns_ttl_seconds"].value or 0),
    }  # fmt: skip
    first = m.variable("address", "string", "Address of the first site's entry.", edges[0].wire("address"))
    if len(edges) == 1:
        m.resource("google_dns_record_set", "this", "dns", why=b.why(_HIGH_AVAILABILITY), **record, rrdatas=[first])
        return m
    second = m.variable("second_address", "string", "Address of the second site's entry; null = there is none.",
                        edges[1].wire("address"), nullable=True)  # fmt: skip
    both = m.variable("both_sites", "bool", "Whether this environment has a second site.",
                      b.each(lambda e: len(e.regions) > 1))  # fmt: skip
    m.resource(
        "google_dns_record_set", "plain", "dns", why="Where there is one site, its address.",
        count=raw(f"{both} ? 0 : 1"), **record, rrdatas=[first],
    )  # fmt: skip
    places = [_Place(s, a, n) for s, a, n in zip(b.sites, (first, second), networks, strict=True)]
    m.resource(
        "google_dns_record_set", "routed", "dns",
        why=f"{b.why(_HIGH_AVAILABILITY)} {b.why('disaster_recovery.recovery')}",
        count=raw(f"{both} ? 1 : 0"), **record, **_policy(b)(m, b, places),
    )  # fmt: skip
    return m


@dataclass(frozen=True, slots=True)
class _Place:
    """A site as a routing policy names it."""

    site: Site
    address: Ref
    network: Module

    def probed(self, m: Module, b: Blueprint) -> Nested:
        """What is probed there: its address from outside, or the health that its internal load balancer sees."""
        if b.requirements.public_facing:
            return Nested(external_endpoints=[self.address])
        second = bool(self.site.suffix)
        net = m.variable(
            "second_network_id" if second else "network_id", "string",
            f"Network of the {'second' if second else 'first'} site.", self.network.wire("network_id"), nullable=second,
        )  # fmt: skip
        return Nested(internal_load_balancers=Nested(
            ip_address=self.address, ip_protocol="tcp", port="443", load_balancer_type="regionalL7ilb",
            network_url=net, project=project(m), region=self.site.region.id,
        ))  # fmt: skip


def _policy(b: Blueprint) -> Callable[[Module, Blueprint, list[_Place]], Mapping[str, Any]]:
    """How the record follows the sites."""
    if b.choice(_HIGH_AVAILABILITY) == "active-active":
        return _nearest
    automatic = b.choice("disaster_recovery.recovery") == "region-failover-automatic"
    return _first_healthy if automatic else _decided


def _probe(m: Module, b: Blueprint) -> dict[str, Any]:
    """What tells a healthy site; Cloud DNS reads an internal load balancer's health itself."""
    if not b.requirements.public_facing:
        return {}
    # A queue's API answers no health path, so there the connection itself must do.
    answer: dict[str, Any] = {"tcp_health_check": Nested(port=443)} if b.has("intake") else {
        "https_health_check": Nested(port=443, host=domain(m), request_path=HEALTH_PATH)
    }  # fmt: skip
    check = m.resource(
        "google_compute_health_check", "this", "dns", why="What the failover follows.",
        project=project(m), name=template(name(m), "-sites"), source_regions=_PROBES,
        check_interval_sec=30, timeout_sec=5, healthy_threshold=2, unhealthy_threshold=2,
        **answer, log_config=Nested(enable=True),
    )  # fmt: skip
    return {"health_check": check.id}


def _nearest(m: Module, b: Blueprint, places: list[_Place]) -> Mapping[str, Any]:
    geo = [Nested(location=p.site.region.id, health_checked_targets=p.probed(m, b)) for p in places]
    return {"routing_policy": Nested(**_probe(m, b), enable_geo_fencing=False, geo=geo)}


def _first_healthy(m: Module, b: Blueprint, places: list[_Place]) -> Mapping[str, Any]:
    first, second = places
    backup = Nested(location=second.site.region.id, health_checked_targets=second.probed(m, b))
    primary = Nested(primary=first.probed(m, b), backup_geo=backup, trickle_ratio=0)
    return {"routing_policy": Nested(**_probe(m, b), primary_backup=primary)}


def _decided(m: Module, _: Blueprint, places: list[_Place]) -> Mapping[str, Any]:
    serving = m.variable(
        "serving_site", "string", 'Site that the name leads to: "first" or "second". Changing it is the failover.',
        raw("var.serving_site"),
        checks=(('contains(["first", "second"], var.serving_site)', 'serving_site must be "first" or "second".'),),
    )  # fmt: skip
    first, second = places
    return {"rrdatas": [raw(f'{serving} == "first" ? {first.address} : {second.address}')]}
