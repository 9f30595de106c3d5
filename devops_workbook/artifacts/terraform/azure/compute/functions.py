"""Azure Functions on the Flex Consumption plan: inside the network, scaling from nothing, some instances always ready.

The pipeline puts the code into the container of releases, from which the platform runs it; nothing is built here.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import (
    LOGGED,
    PRIVATE_ZONES,
    Made,
    base,
    diagnostics,
    endpoint,
    group,
    location,
    permission,
    sized,
    tags,
    taken,
    unique,
)
from devops_workbook.artifacts.terraform.azure.compute.access import assign, settings
from devops_workbook.artifacts.terraform.azure.compute.scaling import ceiling, floor, rests, sleeps
from devops_workbook.artifacts.terraform.azure.data.files import account
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["functions"]

# Runtimes that Flex Consumption runs, https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan, 2026-11.
_RUNTIMES = {
    "python": ("python", "3.12"), "java": ("java", "21"), "node": ("node", "22"), "dotnet": ("dotnet-isolated", "8.0"),
    "go": ("custom", "1.0"),
}  # fmt: skip
_MEMORY_MB = (512, 2048, 4096)  # likewise
_LEAST, _MOST = 40, 1000  # instances that may be set as the ceiling, as azurerm 4.55 checks it
_RELEASE_DAYS = 30


def functions(b: Blueprint, m: Module, made: Made, identity: Ref) -> None:
    """Writes plan and app into the compute module."""
    storage, releases = _releases(b, m, made)
    fact = permission("blob-storage", "runtime")
    assign(m, "workload_runtime", "compute", identity, fact["roles"][0], storage.id, f"The runtime keeps {fact['on']}.")
    app = _app(b, m, made, identity, storage, releases)
    diagnostics(m, b, made, "compute", "app", app.id)
    m.output("compute_id", app.id, "The function app.")
    m.output("compute_name", app.name, "Name of the function app.", exported=True)
    m.output("releases_account", storage.name, "Storage account that releases are put into.", exported=True)
    if not b.has("intake"):
        endpoint(m, made, "compute", "app", app.id, "sites", PRIVATE_ZONES["azure-functions"])
        m.output("backend_address", app.default_hostname, "Host that the entry sends requests to.")
        m.output("backend_port", 443, "Port of that host.")


def _releases(b: Blueprint, m: Module, made: Made) -> tuple[Ref, Ref]:
    called = unique(m, b, "releases_account", "func", "storage account of releases", 24)
    storage = account(b, m, made, "releases", "compute", called, days=_RELEASE_DAYS, file="releases", immutable=False)
    container = m.resource(
        "azurerm_storage_container", "releases", "compute", file="releases", name="releases",
        storage_account_id=storage.id,
        container_access_type="private", skips={"CKV2_AZURE_21": LOGGED},
    )  # fmt: skip
    if b.has("endpoints"):
        endpoint(m, made, "compute", "releases", storage.id, "blob", PRIVATE_ZONES["blob-storage"], file="releases")
    diagnostics(m, b, made, "compute", "releases", template(storage.id, "/blobServices/default"), file="releases")
    return storage, container


def _app(b: Blueprint, m: Module, made: Made, identity: Ref, storage: Ref, releases: Ref) -> Ref:
    zonal = sized(m, b, "compute", "zone_redundant", "bool", "Whether instances are spread over zones.",
                  lambda s: s.zones > 1, b.why("disaster_recovery.high_availability"))  # fmt: skip
    plan = m.resource(
        "azurerm_service_plan", "this", "compute", why=b.why("infrastructure.compute"), **base(m, made, "plan"),
        os_type="Linux", sku_name=Noted("FC1", "Flex Consumption: pays for executions, and reaches into the network."),
        zone_balancing_enabled=zonal, tags=tags(m, "compute"), skips=_PLAN_SKIPS,
    )  # fmt: skip
    runtime, version = _RUNTIMES[b.requirements.languages[0]]
    subnets = taken(m, made, "network", "app_subnet_ids", "list(string)", "Subnets of the application.")
    return m.resource(
        "azurerm_function_app_flex_consumption", "this", "compute", why=b.why("scaling.autoscaling"),
        name=unique(m, b, "app_name", "func", "function app", 32), location=location(m),
        resource_group_name=group(m, made), service_plan_id=plan.id,
        storage_container_type="blobContainer", storage_container_endpoint=template(storage.primary_blob_endpoint,
        releases.name),
        storage_authentication_type="UserAssignedIdentity", storage_user_assigned_identity_id=identity.id,
        runtime_name=runtime, runtime_version=version, instance_memory_in_mb=_memory(b, m),
        maximum_instance_count=ceiling(b, m, _LEAST, _MOST), **_ready(b, m),
        virtual_network_subnet_id=subnets[0], https_only=True, public_network_access_enabled=False,
        webdeploy_publish_basic_authentication_enabled=False,
        identity=Nested(type="UserAssigned", identity_ids=[identity.id]),
        site_config=Nested(minimum_tls_version="1.2", scm_minimum_tls_version="1.2", http2_enabled=True,
                           health_check_path="/health", health_check_eviction_time_in_min=2),
        app_settings=_settings(b, m, made, identity, storage), tags=tags(m, "compute"),
    )  # fmt: skip


_PLAN_SKIPS = {
    "CKV_AZURE_212": "Flex Consumption starts instances by itself, from none; a count of workers is not set.",
}


def _memory(b: Blueprint, m: Module) -> int:
    assert m.site
    mb = b.environments[0].sizes[m.site.id("compute")].memory_gib * 1024
    return next((n for n in _MEMORY_MB if n >= mb), _MEMORY_MB[-1])


def _ready(b: Blueprint, m: Module) -> dict[str, Any]:
    """Instances that never go away, where the plan has a floor."""
    assert m.site
    id = m.site.id("compute")
    if not any(e.sizes[id].minimum for e in b.environments if id in e.sizes):
        return {}
    least: Any = floor(b, m)
    if sleeps(b):
        least = raw(f"{rests(b, m)} ? 0 : {least}")
    kind = "function:work" if b.has("intake") else "http"
    return {"always_ready": Nested(name=kind, instance_count=least)}


def _settings(b: Blueprint, m: Module, made: Made, identity: Ref, storage: Ref) -> dict[str, Any]:
    """What the runtime reads, then what the service does; every connection is by identity."""
    found: dict[str, Any] = {
        "AzureWebJobsStorage__accountName": storage.name,
        "AzureWebJobsStorage__credential": "managedidentity",
        "AzureWebJobsStorage__clientId": identity.client_id,
    }
    if b.has("intake"):
        host = taken(m, made, "data", "intake_endpoint", "string", "Host of the queue or stream.")
        found |= {
            "Intake__fullyQualifiedNamespace": host,
            "Intake__credential": "managedidentity",
            "Intake__clientId": identity.client_id,
        }
    return found | settings(b, m, made, identity)
