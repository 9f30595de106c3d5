"""Private endpoints in the data subnet, with the names that certificates are for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Site
from devops_workbook.artifacts.terraform.gcp.common import labels, name, named, project, region, suffix
from devops_workbook.artifacts.terraform.gcp.parts import Parts
from devops_workbook.artifacts.terraform.hcl import Expr, Nested, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["counted", "endpoint", "names"]


def counted(m: Module, site: Site, what: str) -> Expr:
    """The name of one of several: prefix, what it is, the site's ending, and its number."""
    return template(name(m), f"-{what}", suffix(m, site), "-", raw("count.index + 1"))


def names(m: Module, site: Site, parts: Parts, domain: str) -> Ref:
    """The private zone of a database service's names in this region; returns its name."""
    return m.resource(
        "google_dns_managed_zone", "database", "database", file="endpoints",
        why="The database's certificate is for a name of Google's, which leads to our endpoint here.",
        project=project(m), name=named(m, site, "db"), dns_name=template(region(m, site), f".{domain}."),
        description="Names of the database.", visibility="private", labels=labels("database", m, site),
        private_visibility_config=Nested(networks=Nested(network_url=parts.network_id(m))),
    ).name  # fmt: skip


def endpoint(
    m: Module, site: Site, parts: Parts, id: str, zone: Ref, attachment: Ref, host: Ref, count: Ref | None = None
) -> None:
    """An address in the data subnet that leads to a service attachment, and the record of `host` that leads to it.
    count: how many, where there is not just one; attachment and host then refer to `count.index`."""
    ending = "db" if id == "database" else f"db-{id}"
    many: Mapping[str, Any] = {} if count is None else {"count": count}
    where: Mapping[str, Any] = {
        "project": project(m), "name": counted(m, site, ending) if many else named(m, site, ending),
        "region": region(m, site),
    }  # fmt: skip
    address = m.resource(
        "google_compute_address", id, "database", file="endpoints", **many, **where, address_type="INTERNAL",
        subnetwork=parts.subnet(m, "data"), labels=labels("database", m, site),
    )  # fmt: skip
    one = address if count is None else raw(f"{address}[count.index]")
    m.resource(
        "google_compute_forwarding_rule", id, "database", file="endpoints",
        why="The way to the database: an address of this network, and no other.", **many, **where,
        network=parts.network_id(m), ip_address=one.id, target=attachment, load_balancing_scheme="",
        labels=labels("database", m, site),
    )  # fmt: skip
    m.resource(
        "google_dns_record_set", id, "database", file="endpoints", **many, project=project(m), managed_zone=zone,
        name=template(raw(f'trimsuffix({host}, ".")'), "."), type="A", ttl=300, rrdatas=[one.address],
    )  # fmt: skip
