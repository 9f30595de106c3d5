"""What a site keeps: the database, the cache, and what holds work until a worker takes it.

Each kind of database is a module of this package; a table says which. What others may do with each of them, and how
they find it, is stated beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.common import allow, assured, files_bucket, key
from devops_workbook.artifacts.cloudformation.data.cache import cache
from devops_workbook.artifacts.cloudformation.data.intake import intake
from devops_workbook.artifacts.cloudformation.data.nosql import nosql
from devops_workbook.artifacts.cloudformation.data.relational import cluster, instance
from devops_workbook.artifacts.cloudformation.data.stored import Stored
from devops_workbook.artifacts.cloudformation.network import Net
from devops_workbook.artifacts.cloudformation.template import PARTITION, Template, sub

__all__ = ["Stored", "data", "files_grants", "key_grants"]

_KINDS: Mapping[str, Callable[[Blueprint, Stored, Net], None]] = {
    "relational": instance,
    "relational-cluster": cluster,
    "nosql": nosql,
}


def data(b: Blueprint, net: Net) -> Stored:
    """The data template, for all sites."""
    t = Template(
        "data", "What one site keeps: database, cache, and work that waits.",
        ("Database, cache and intake of one site. What holds data is kept when the stack goes.",),
        sites=len(b.sites),
    )  # fmt: skip
    stored = Stored(t)
    _KINDS[b.choice("infrastructure.database")](b, stored, net)
    if b.has("cache"):
        cache(b, stored, net)
    if b.has("intake"):
        intake(b, stored)
    return stored


def files_grants(t: Template, b: Blueprint) -> list[dict[str, object]]:
    """What the service may do with the files, as a template says it."""
    if not b.has("files"):
        return []
    held = sub("arn:", PARTITION, ":s3:::", files_bucket(t))
    return [allow("s3", "objects", sub(held, "/*")), allow("s3", "bucket", held)]


def key_grants(t: Template, b: Blueprint, stored: Stored) -> list[dict[str, object]]:
    """What the service may do with keys: encrypt under those of what it stores, decrypt under that of its secrets."""
    if not assured(b):
        return []
    used = {*stored.keys, *(["files"] if b.has("files") else [])}
    granted = [allow("kms", "encrypt", [key(t, b, use) for use in sorted(used)])] if used else []
    return [*granted, allow("kms", "decrypt", key(t, b, "secrets"))]
