"""What holds data: the database, the cache, the files, and what holds work until a worker takes it.

The second site differs from the first, since its database is a replica of the first one's; it has a folder of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.azure.common import Made, module
from devops_workbook.artifacts.terraform.azure.data import cosmos, events, files, queue, redis, sql
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["data"]

_DATABASES: Mapping[str, Callable[[Blueprint, Module, Made, Made | None], None]] = {
    "relational": sql.database,
    "relational-cluster": sql.database,
    "nosql": cosmos.database,
}
_OTHERS: Mapping[str, Callable[[Blueprint, Module, Made, Made | None], None]] = {
    "redis": redis.cache,
    "object": files.files,
    "queue": queue.intake,
    "stream": events.intake,
}


def data(b: Blueprint, site: Site, made: Made, first: Made | None = None) -> Module:
    """The data of a site. made: its modules "group", "logs", "network" and "security"; first: those of the first site,
    "data" among them, for the second; None for the first itself."""
    m = module(*_titles(first is not None), b, site)
    database = b.provider.services[b.component(site.id("database")).service]
    _DATABASES[database.kind](b, m, made, first)
    for id in ("cache", "files", "intake"):
        if b.has(site.id(id)):
            _OTHERS[b.provider.services[b.component(site.id(id)).service].kind](b, m, made, first)
    return m


def _titles(replica: bool) -> tuple[str, str, tuple[str, ...]]:
    about = (
        "Everything here is reached over private endpoints or from named subnets, is encrypted, and takes Microsoft "
        "Entra identities in place of passwords and keys.",
    )
    if replica:
        return "data-replica", "Data of the second site: replicas of the first site's, and what each site has.", about
    return "data", "Data: database, cache, files and intake, as the design has them.", about
