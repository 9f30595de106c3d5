"""The identity of the service, the roles that its connections ask for, and what it is told about its surroundings."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import (
    Made,
    base,
    connected,
    given,
    granted,
    group,
    permission,
    tags,
    taken,
)
from devops_workbook.artifacts.terraform.hcl import Nested, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["assign", "collector", "registry", "settings", "workload"]

# What roles are assigned on: the module that knows it, its output, and what that is.
_SCOPES = {
    "files": ("data", "files_container_id", "Container of files."),
    "intake": ("data", "intake_id", "Queue or stream that work comes from."),
    "secrets": ("security", "secrets_vault_id", "Vault of the service's secrets."),
}


def workload(b: Blueprint, m: Module, made: Made) -> Ref:
    """The identity that the service works under, with its roles."""
    identity = m.resource(
        "azurerm_user_assigned_identity", "workload", "compute", file="access", why=b.why("security.access"),
        **base(m, made, "workload"), tags=tags(m, "compute"),
    )  # fmt: skip
    for target, (folder, output, told) in _SCOPES.items():
        for role, label in granted(b, "compute", target):
            scope = taken(m, made, folder, output, "string", told)
            assign(
                m, f"workload_{target}", "compute", identity, role, scope, f"Connection compute and {target}: {label}."
            )
    for role, label in granted(b, "compute", "registry"):
        scope = given(m, "registry_id", "string", "Registry of the images.", raw("local.registry_id"))
        assign(m, "workload_registry", "compute", identity, role, scope, f"Connection registry and compute: {label}.")
    _database(b, m, made, identity)
    _cache(b, m, made, identity)
    m.output(
        "identity_client_id",
        identity.client_id,
        "Client id of the identity that the service works under.",
        exported=True,
    )
    m.output("identity_principal_id", identity.principal_id, "Principal id of that identity.")
    return identity


def assign(m: Module, name: str, component: str, identity: Ref, role: str, scope: Ref, why: str) -> Ref:
    """Gives an identity one role on one resource."""
    return m.resource(
        "azurerm_role_assignment", name, component, file="access", why=why, scope=scope, role_definition_name=role,
        principal_id=identity.principal_id, principal_type="ServicePrincipal",
    )  # fmt: skip


def _database(b: Blueprint, m: Module, made: Made, identity: Ref) -> None:
    """Cosmos DB keeps roles of its own. In a SQL database the identity is a user, whom a migration creates."""
    fact = permission(b.component("database").service, "compute")
    if not fact or not connected(b, "compute", "database"):
        return
    account = taken(m, made, "data", "database_id", "string", "The database account.")
    m.resource(
        "azurerm_cosmosdb_sql_role_assignment", "workload", "compute", file="access",
        why=f"Connection compute and database: {connected(b, 'compute', 'database')}. {fact['note']}.",
        resource_group_name=taken(m, made, "data", "database_group", "string",
        "Resource group of the database account."),
        account_name=taken(m, made, "data", "database_account", "string", "Name of the database account."),
        role_definition_id=template(account, "/sqlRoleDefinitions/", fact["data_role"]),
        principal_id=identity.principal_id, scope=account,
    )  # fmt: skip


def _cache(b: Blueprint, m: Module, made: Made, identity: Ref) -> None:
    """The provider has no resource for who may use a cache, so a deployment of one resource does it."""
    if not b.has("cache") or not connected(b, "compute", "cache"):
        return
    cache = taken(m, made, "data", "cache_id", "string", "The cache.")
    policy = permission(b.component("cache").service, "compute")["access_policy"]
    content: dict[str, Any] = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [{
            "type": "Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments",
            "apiVersion": "2025-04-01",
            "name": template(raw(f'element(split("/", {cache}), 8)'), "/default/workload"),
            "properties": {"accessPolicyName": policy, "user": {"objectId": identity.principal_id}},
        }],
    }  # fmt: skip
    m.resource(
        "azurerm_resource_group_template_deployment", "cache_access", "compute", file="access",
        why=f"Connection compute and cache: {connected(b, 'compute', 'cache')}. azurerm has no resource for this yet.",
        name=base(m, made, "cache-access")["name"], resource_group_name=group(m, made), deployment_mode="Incremental",
        template_content=call("jsonencode", content), tags=tags(m, "compute"),
    )  # fmt: skip


# --- what the service is told ----------------------------------------------------------------------------


_TOLD = (
    ("database", "DATABASE_HOST", "database_endpoint", "Host of the database."),
    ("database", "DATABASE_NAME", "database_name", "Name of the database."),
    ("cache", "CACHE_HOST", "cache_endpoint", "Host of the cache."),
    ("files", "FILES_ENDPOINT", "files_endpoint", "Address of the files."),
    ("intake", "INTAKE_HOST", "intake_endpoint", "Host of the queue or stream."),
    ("intake", "INTAKE_NAME", "intake_name", "Name of the queue or stream."),
)


def settings(b: Blueprint, m: Module, made: Made, identity: Ref) -> dict[str, Any]:
    """Environment variables of the service: where things are, and the identity that opens them. Nothing is secret."""
    assert m.site
    found: dict[str, Any] = {"AZURE_CLIENT_ID": identity.client_id}
    for component, variable, output, told in _TOLD:
        if b.has(m.site.id(component)):
            found[variable] = taken(m, made, "data", output, "string", told)
    address = collector(b, m, made)
    if address is not None:
        found["OTEL_EXPORTER_OTLP_ENDPOINT"] = raw(f'{address} == null ? "" : "http://${{{address}}}:4317"')
        found["OTEL_SDK_DISABLED"] = raw(f'{address} == null ? "true" : "false"')
    return found


def collector(b: Blueprint, m: Module, made: Made) -> Ref | None:
    """The address of the collector of telemetry; null in an environment without tools, None where there is none."""
    if "tools" not in made or not connected(b, "compute", "collector"):
        return None
    told = "Address of the OpenTelemetry collector; null in an environment that has none."
    return m.variable("collector_address", "string", told, made["tools"].wire("collector_address"), nullable=True)


def registry(b: Blueprint, m: Module, identity: Ref) -> Nested | None:
    """How images are pulled from the registry of the design; None where they come from elsewhere."""
    if not b.has("registry"):
        return None
    server = given(m, "registry_server", "string", "Host of the registry.", raw("local.registry_server"))
    return Nested(server=server, identity=identity.id)
