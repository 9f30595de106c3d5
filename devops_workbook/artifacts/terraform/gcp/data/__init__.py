"""The data of a site: database, cache, files, and the queue or stream that takes work in.

At the second site the database is a copy of the first one's; everything else is built the same way. Nothing has an
address in the internet: databases and caches are reached at endpoints in the data subnet, and whoever connects does so
with its own identity, so that there is no password to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS
from devops_workbook.artifacts.terraform.gcp.data.alloydb import alloydb
from devops_workbook.artifacts.terraform.gcp.data.cache import cache
from devops_workbook.artifacts.terraform.gcp.data.files import files
from devops_workbook.artifacts.terraform.gcp.data.firestore import firestore
from devops_workbook.artifacts.terraform.gcp.data.intake import intake
from devops_workbook.artifacts.terraform.gcp.data.sql import sql
from devops_workbook.artifacts.terraform.gcp.parts import Parts
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["data"]

_DATABASES: Mapping[str, Callable[[Module, Blueprint, Site, Parts], None]] = {
    "cloud-sql": sql,
    "alloydb": alloydb,
    "firestore": firestore,
}
_ABOUT = (
    "What the system remembers at one site: its database, its files, and where the design has them a cache and the "
    "queue that takes work in.",
    "Databases and caches are reached at private endpoints in the data subnet, under the identity of whoever connects; "
    "there is no password.",
)
_REPLICA = "The database is a copy of the first site's. Promoting it is the failover (see the runbook)."


def data(b: Blueprint, site: Site, network: Module, security: Module, first: Module | None) -> Module:
    """The data of a site. first: the data of the first site, None for that one itself."""
    folder, title = ("data-replica", "Data of the second site") if first else ("data", "Data")
    about = (*_ABOUT, _REPLICA) if first else _ABOUT
    m = Module(folder, title, about, PROVIDERS, site, b.present(site))
    parts = Parts(network, security, first)
    _DATABASES[b.component("database").service](m, b, site, parts)
    for build in (cache, files, intake):
        build(m, b, site, parts)
    return m
