"""The module of the data: database, cache, files, and what holds work until a worker takes it.

The first site has the originals. What a second site has is built differently, a replica of the database and a copy of
the files, and so in a folder of its own, which also holds what flows from the first site to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.aws.data import cache, cluster, files, intake, nosql, relational
from devops_workbook.artifacts.terraform.aws.data.scope import Scope
from devops_workbook.artifacts.terraform.aws.placed import placed
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["data"]

_DATABASES: Mapping[str, Callable[[Scope], None]] = {
    "relational": relational.database,
    "relational-cluster": cluster.database,
    "nosql": nosql.database,
}


def data(b: Blueprint, site: Site, network: Module, security: Module, first: Module | None) -> Module:
    """What holds data at a site; first: the module of the first site, None = this is the first."""
    about = ("Database, cache, files and intake, as the plan sizes them, in subnets that only the service reaches.",)
    title = "Data"
    if first is not None:
        title = "Data of the second site"
        about = ("A replica of the first site's database and a copy of its files, ready to be failed over to.",)
    other = "first" if first is not None and b.has("files") else ""
    folder = "data" if first is None else "data-replica"
    d = Scope(b, placed(b, folder, title, about, site, alike=False, other=other), site, network, security, first)
    _DATABASES[d.service("database").kind](d)
    for id, build in (("cache", cache.cache), ("files", files.files), ("intake", intake.intake)):
        if b.has(site.id(id)):
            build(d)
    return d.module
