"""The identity of what runs the code, and what it may do: derived from the connections of the design.

Which role a connection comes to is a fact of the provider (catalog/code/gcp.toml); it is given on the one bucket,
secret, subscription or repository, on the one database by a condition, and on the project only where the service takes
no policy on less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.gcp.common import named, number, project
from devops_workbook.artifacts.terraform.gcp.parts import Parts, permission, use_of
from devops_workbook.artifacts.terraform.hcl import Expr, Nested, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.design.model import Connection

__all__ = ["account", "identity", "on_project", "pulls", "run_agent"]

_ACCESS = "security.access"


def account(
    m: Module, site: Site, id: str, component: str | tuple[str, ...], what: str, title: str, file: str = "identity"
) -> Ref:
    """A service account; `what` ends its name, of which Google allows 30 characters."""
    return m.resource(
        "google_service_account", id, component, file=file, project=project(m), account_id=named(m, site, what),
        display_name=title,
    )  # fmt: skip


def identity(m: Module, b: Blueprint, site: Site, parts: Parts, data: Module) -> Ref:
    """The account that the code works under, with what its connections need."""
    made = account(m, site, "this", "compute", "run", "What runs the code")
    for x in b.outgoing(site.id("compute")):
        if fact := _fact(b, x):
            _GIVEN[fact["on"]](_Grant(m, b.component(x.target).service, x, fact, made.member, parts, data))
    _database_user(m, b, made, data)
    m.output("account_email", made.email, "Account that the code works under.", exported=True)
    return made


def _fact(b: Blueprint, x: Connection) -> Mapping[str, Any]:
    uses: Mapping[str, Any] = code_facts("gcp")["permissions"].get(b.component(x.target).service, {})
    found: Mapping[str, Any] = uses.get(use_of(x.label), {})
    return found


# --- where a role is given -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Grant:
    """What one connection permits: the module it is written in, the target's service, the fact, and who gets it."""

    m: Module
    service: str
    x: Connection
    fact: Mapping[str, Any]
    member: Ref
    parts: Parts
    data: Module

    @property
    def target(self) -> str:
        """The target, as the first site calls it."""
        return self.x.target.removesuffix("-2")

    @property
    def body(self) -> Mapping[str, Any]:
        """What every resource of it says."""
        told = f"compute to {self.target}: {self.x.label}. {self.fact.get('why', '')}".strip()
        return {"file": "identity", "why": told, "member": self.member}


def _bucket(g: _Grant) -> None:
    bucket = g.m.variable("files_id", "string", "Bucket of the files.", g.data.wire("files_id"))
    g.m.resource("google_storage_bucket_iam_member", "files", ("compute", g.target), **g.body, bucket=bucket,
                 role=g.fact["actions"][0])  # fmt: skip


def _secret(g: _Grant) -> None:
    secrets = g.m.variable("secret_ids", "map(string)", "Secrets of this site.", g.parts.security.wire("secret_ids"))
    g.m.resource("google_secret_manager_secret_iam_member", "secrets", ("compute", g.target), **g.body,
                 for_each=secrets, secret_id=raw("each.value"), role=g.fact["actions"][0])  # fmt: skip


# The path and the service that a condition tells one database by.
# https://cloud.google.com/iam/docs/conditions-resource-attributes (2026-11)
_NAMED = {
    "cloud-sql": ("/instances/", "sqladmin.googleapis.com"),
    "firestore": ("/databases/", "firestore.googleapis.com"),
}


def _condition(g: _Grant) -> None:
    path, service = _NAMED[g.service]
    database = g.m.variable("database_id", "string", "The database.", g.data.wire("database_id"))
    rule = template('resource.service == "', service, '" && resource.name == "projects/', project(g.m), path, database,
                    '"')  # fmt: skip
    g.m.resource(
        "google_project_iam_member", "database", ("compute", g.target), **g.body,
        for_each=call("toset", list(g.fact["actions"])), project=project(g.m), role=raw("each.value"),
        condition=Nested(title="this-database", expression=rule),
    )  # fmt: skip


def _on_project(g: _Grant) -> None:
    on_project(g.m, g.target, ("compute", g.target), g.fact, g.member, g.body["why"])


def on_project(
    m: Module,
    id: str,
    components: str | tuple[str, ...],
    fact: Mapping[str, Any],
    member: Expr,
    why: str,
    file: str = "identity",
) -> Ref:
    """Roles on the project, where the service takes no policy on less."""
    return m.resource(
        "google_project_iam_member", id, components, file=file, why=why,
        for_each=call("toset", list(fact["actions"])), project=project(m), role=raw("each.value"), member=member,
    )  # fmt: skip


_GIVEN: Mapping[str, Callable[[_Grant], None]] = {
    "bucket": _bucket,
    "secret": _secret,
    "condition": _condition,
    "project": _on_project,
}


# --- database users --------------------------------------------------------------------------------------


def _database_user(m: Module, b: Blueprint, made: Ref, data: Module) -> None:
    """The account as a user of the database, which then wants no password."""
    build = _USERS.get(b.component("database").service)
    if build:
        writer = m.variable("database_writer_id", "string", "What takes writes, and holds the users of the database.",
                            data.wire("database_writer_id"))  # fmt: skip
        build(m, made, writer)


def _sql_user(m: Module, made: Ref, writer: Ref) -> None:
    m.resource(
        "google_sql_user", "this", ("compute", "database"), file="identity",
        why="The code signs in to the database as itself.", project=project(m), instance=writer,
        name=raw(f'trimsuffix({made.email}, ".gserviceaccount.com")'), type="CLOUD_IAM_SERVICE_ACCOUNT",
    )  # fmt: skip


def _alloydb_user(m: Module, made: Ref, writer: Ref) -> None:
    m.resource(
        "google_alloydb_user", "this", ("compute", "database"), file="identity",
        why="The code signs in to the database as itself.", cluster=writer,
        user_id=raw(f'trimsuffix({made.email}, ".gserviceaccount.com")'), user_type="ALLOYDB_IAM_USER",
        database_roles=["alloydbiamuser"],
    )  # fmt: skip


_USERS: Mapping[str, Callable[[Module, Ref, Ref], None]] = {"cloud-sql": _sql_user, "alloydb": _alloydb_user}


# --- images ----------------------------------------------------------------------------------------------


def pulls(m: Module, b: Blueprint, site: Site, member: Expr) -> None:
    """Lets whatever pulls images read them, in the registry that the environments share."""
    source = next(x.source for x in b.incoming(site.id("compute")) if x.label == "pull")
    shared = m.variable("shared_project", "string", "Project of the registry, which the environments share.",
                        raw("var.shared_project"))  # fmt: skip
    fact = permission("artifact-registry", "pull")
    m.resource(
        "google_artifact_registry_repository_iam_member", "images", ("compute", source), file="identity",
        why="Images are pulled from the registry that the environments share.", project=shared,
        location=b.component(source).region or b.sites[0].region.id, repository=b.names.system,
        role=fact["actions"][0], member=member,
    )  # fmt: skip


def run_agent(m: Module) -> Expr:
    """Google's service agent that pulls images for Cloud Run."""
    return template("serviceAccount:service-", number(m), "@serverless-robot-prod.iam.gserviceaccount.com")
