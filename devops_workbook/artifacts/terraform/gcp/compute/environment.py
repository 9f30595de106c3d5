"""What the code is told of its surroundings, as environment variables: where its database, files and collector are.

None of it is secret. Secrets are read where they are kept, under the identity of the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import name, project
from devops_workbook.artifacts.terraform.gcp.flows import port_of
from devops_workbook.artifacts.terraform.hcl import Expr, Ref, raw
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["environment"]


def environment(m: Module, b: Blueprint, site: Site, data: Module, made: Ref) -> Ref:
    """The variables, as a local map of strings."""
    told: dict[str, Any] = {"GOOGLE_CLOUD_PROJECT": project(m), **_database(m, b, data, made)}
    if b.has(site.id("files")):
        told["FILES_BUCKET"] = m.variable("files_id", "string", "Bucket of the files.", data.wire("files_id"))
    if b.has(site.id("cache")):
        cache = m.variable("cache_endpoint", "string", "Where clients discover the cache; null = it does not run.",
                           data.wire("cache_endpoint"), nullable=True)  # fmt: skip
        told["CACHE_HOST"] = raw(f'{cache} == null ? "" : {cache}')
    if b.component("secrets").sku:
        told["VAULT_ADDR"] = _tool(m, b, "secrets", "vault", "https")
    told["OTEL_EXPORTER_OTLP_ENDPOINT"] = _tool(m, b, "collector", "tools", "http")
    return m.local("environment", told)


def _database(m: Module, b: Blueprint, data: Module, made: Ref) -> Mapping[str, Expr]:
    host = m.variable("database_endpoint", "string", "Name that the database is reached by.",
                      data.wire("database_endpoint"))  # fmt: skip
    database = m.variable("database_name", "string", "Database that the service uses.", data.wire("database_name"))
    found: dict[str, Expr] = {"DATABASE_HOST": host, "DATABASE_NAME": database}
    if b.component("database").sku:
        found["DATABASE_USER"] = raw(f'trimsuffix({made}.email, ".gserviceaccount.com")')
    return found


def _tool(m: Module, b: Blueprint, id: str, folder: str, scheme: str) -> Expr:
    """Where a tool answers; "" where there is none, in environments beside production."""
    told = "Whether the tools that the team runs itself stand in this environment."
    stands = m.variable("tools", "bool", told, b.each(lambda e: e.environment == "production"))
    address = f"{scheme}://{id}.{folder}.${{{name(m)}}}.internal:{port_of(b, id)}"
    return raw(f'{stands} ? "{address}" : ""')
