"""Where a site's telemetry goes, and who is told: the first module of a site, since everything else sends to it.

Log Analytics, Application Insights and the Prometheus workspace are there when the design keeps logs, traces and
metrics with Azure. A storage account is there in any case: flow logs go nowhere else, and without Log Analytics the
platform's own logs are kept in it.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.azure.common import (
    COPIES,
    NO_ENDPOINT,
    NO_KEYS,
    NO_QUEUES,
    Made,
    base,
    group,
    keyed,
    location,
    module,
    native_logs,
    replication,
    served_by,
    tags,
    unique,
)  # fmt: skip
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["logs", "retention"]

_SEARCHABLE = (30, 730)  # days that a workspace can keep logs for searching
_KEPT = (1095, 1460, 1826, 2191, 2556, 2922, 3288, 3653, 4018, 4383)  # further lengths that a table can be kept
_TRACES = (30, 60, 90, 120, 180, 270, 365, 550, 730)
_TABLES = {
    "kubernetes": ("ContainerLogV2", "KubeEvents"),
    "containers": ("ContainerAppConsoleLogs", "ContainerAppSystemLogs"),
    "functions": ("FunctionAppLogs",),
    "vms": ("Syslog",),
}


def logs(b: Blueprint, site: Site, made: Made) -> Module:
    """Workspaces, the storage account of logs, and the group of people who are told."""
    about = (
        "What a site says about itself is kept here, as long as the plan says, and the people who answer for it are "
        "named here.",
    )
    m = module("logs", "Logs: where telemetry of a site is kept, and who is told.", about, b, site)
    if native_logs(b):
        _workspace(b, m, made)
    if served_by(b, "metrics", "azure-monitor"):
        _metrics(b, m, made)
    _archive(b, m, made)
    _people(b, m, made)
    return m


def retention(b: Blueprint, kind: str) -> tuple[int, int]:
    """Days for which telemetry of a kind can be searched, and for which it is kept in all."""
    signal = next(s for s in b.assessment.telemetry.signals if s.kind == kind)
    searchable = sum(tier.days for tier in signal.tiers if tier.title != "Kept")
    return round(searchable), round(sum(tier.days for tier in signal.tiers))


def _workspace(b: Blueprint, m: Module, made: Made) -> None:
    searchable, kept = retention(b, "logs")
    low, high = _SEARCHABLE
    days = min(high, max(low, searchable))
    has_logs = served_by(b, "logs", "log-analytics")
    why = b.why("observability.logging" if has_logs else "observability.tracing")
    workspace = m.resource(
        "azurerm_log_analytics_workspace", "this", "logs" if has_logs else "traces", why=why, **base(m, made, "logs"),
        sku="PerGB2018", retention_in_days=days,
        local_authentication_enabled=Noted(False,
        "Agents come with identities; a key that does not exist cannot leak."),
        tags=tags(m, "logs" if has_logs else "traces"),
    )  # fmt: skip
    if has_logs and kept > days:
        _tables(b, m, workspace, days, kept)
    _insights(b, m, made, workspace)
    m.output("workspace_id", workspace.id, "Log Analytics workspace of the site.")


def _tables(b: Blueprint, m: Module, workspace: Ref, days: int, kept: int) -> None:
    """Tables that are kept longer than they can be searched; a search job or a restore brings the rest back."""
    kind = b.provider.services[b.component("compute").service].kind
    total = kept if kept <= _SEARCHABLE[1] else next((n for n in _KEPT if n >= kept), _KEPT[-1])
    m.resource(
        "azurerm_log_analytics_workspace_table", "kept", "logs", why=f"Requirement: logs are kept for {kept} days.",
        for_each=raw("toset(" + "[" + ", ".join(f'"{t}"' for t in (*_TABLES[kind], "AzureDiagnostics")) + "])"),
        name=raw("each.key"), workspace_id=workspace.id, retention_in_days=days, total_retention_in_days=total,
    )  # fmt: skip


def _insights(b: Blueprint, m: Module, made: Made, workspace: Ref) -> None:
    """What takes in the collector's traces and logs, and puts them into the workspace."""
    native = served_by(b, "traces", "application-insights")
    component, decision = ("traces", "observability.tracing") if native else ("logs", "observability.logging")
    days = retention(b, component)[1]
    insights = m.resource(
        "azurerm_application_insights", "this", component, why=b.why(decision), **base(m, made, "insights"),
        workspace_id=workspace.id, application_type="other",
        retention_in_days=next((n for n in _TRACES if n >= days), _TRACES[-1]),
        sampling_percentage=Noted(100, "The collector samples; what it lets through is kept whole."),
        local_authentication_disabled=True, tags=tags(m, component),
    )  # fmt: skip
    m.output("insights_id", insights.id, "Application Insights of the site.")


def _metrics(b: Blueprint, m: Module, made: Made) -> None:
    metrics = m.resource(
        "azurerm_monitor_workspace", "this", "metrics", why=b.why("observability.metrics"), **base(m, made, "metrics"),
        tags=tags(m, "metrics"),
    )  # fmt: skip
    m.output("metrics_id", metrics.id, "Workspace that keeps Prometheus metrics.")
    m.output("metrics_rule_id", metrics.default_data_collection_rule_id, "Rule by which metrics reach the workspace.")
    m.output("metrics_endpoint_id", metrics.default_data_collection_endpoint_id, "Endpoint that takes metrics in.")


def _archive(b: Blueprint, m: Module, made: Made) -> None:
    """The storage account of flow logs, and of the platform's logs where no workspace takes them."""
    assert m.site
    kept = max(1, b.requirements.log_retention_days)
    copies = m.variable(
        "replication", "string", "How copies are kept: ZRS = in three zones, LRS = in one.", replication(b, m.site),
        checks=[('contains(["LRS", "ZRS"], var.replication)', "replication must be LRS or ZRS.")],
    )  # fmt: skip
    body: dict[str, Any] = {}
    if keyed(b):
        body = {
            "identity": Noted(Nested(type="SystemAssigned"), "Reaches the key that the module observability sets."),
            "lifecycle": Nested(ignore_changes=[raw("customer_managed_key")]),
        }
    storage = m.resource(
        "azurerm_storage_account", "logs", "network", skips=_SKIPS,
        name=unique(m, b, "logs_account", "logs", "storage account of logs", 24), location=location(m),
        resource_group_name=group(m, made), account_kind="StorageV2", account_tier="Standard",
        account_replication_type=copies, min_tls_version="TLS1_2", https_traffic_only_enabled=True,
        allow_nested_items_to_be_public=False, shared_access_key_enabled=False, local_user_enabled=False,
        default_to_oauth_authentication=True, cross_tenant_replication_enabled=False,
        public_network_access_enabled=False, infrastructure_encryption_enabled=True,
        network_rules=Nested(default_action="Deny", bypass=Noted(["AzureServices"],
        "Azure Monitor and Network Watcher write here.")),
        blob_properties=Nested(delete_retention_policy=Nested(days=7),
        container_delete_retention_policy=Nested(days=7)),
        sas_policy=Nested(expiration_period="00.01:00:00", expiration_action="Block"), **body, tags=tags(m, "network"),
    )  # fmt: skip
    m.resource(
        "azurerm_storage_management_policy", "logs", "network", storage_account_id=storage.id,
        rule=Nested(
            name="retention", enabled=True, filters=Nested(blob_types=["appendBlob", "blockBlob"]),
            actions=Nested(base_blob=Nested(delete_after_days_since_modification_greater_than=Noted(
                kept, f"Requirement: logs are kept for {kept} days."))),
        ),
    )  # fmt: skip
    m.output("log_storage_id", storage.id, "Storage account of flow logs and of the platform's logs.")
    if keyed(b):
        m.output("log_storage_principal_id", storage.identity[0].principal_id, "Identity of that account.")


_SKIPS = {
    "CKV_AZURE_206": COPIES,
    "CKV_AZURE_33": NO_QUEUES,
    "CKV2_AZURE_33": NO_ENDPOINT,  # Azure Monitor and Network Watcher write as trusted services, not from a subnet
    "CKV2_AZURE_1": NO_KEYS,
}


def _people(b: Blueprint, m: Module, made: Made) -> None:
    address = m.variable(
        "notification_address", "string", "Where alarms and budget alerts are sent.", raw("var.notification_address"),
        checks=[('can(regex("^[^@ ]+@[^@ ]+$", var.notification_address))',
        "notification_address must be an e-mail address.")],
    )  # fmt: skip
    component = "alerting" if b.has("alerting") else "metrics"
    people = m.resource(
        "azurerm_monitor_action_group", "people", component, why=b.why("observability.alerting"),
        name=base(m, made, "people")["name"], resource_group_name=group(m, made), short_name="people",
        email_receiver=Nested(name="on-call", email_address=address, use_common_alert_schema=True),
        tags=tags(m, component),
    )  # fmt: skip
    m.output("notification_id", people.id, "The people who are told.")
