"""What watches over the subscription of an environment: its activity log, threat detection, and policies that hold what
is built against the frameworks that the requirements name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import PROVIDERS, Made, given, native_logs, taken
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["INITIATIVES", "oversight"]

_CATEGORIES = [
    "Administrative",
    "Security",
    "ServiceHealth",
    "Alert",
    "Recommendation",
    "Policy",
    "Autoscale",
    "ResourceHealth",
]

# Defender's plans, by service of the design; Arm and CloudPosture watch the subscription itself
# (website/docs/r/security_center_subscription_pricing of azurerm 4.55).
_PLANS: Mapping[str, str] = {
    "azure-sql": "SqlServers",
    "azure-sql-hyperscale": "SqlServers", "cosmos-db": "CosmosDbs",
    "blob-storage": "StorageAccounts",
    "key-vault": "KeyVaults", "key-vault-keys": "KeyVaults", "aks": "Containers", "container-apps": "Containers",
    "container-registry": "Containers", "azure-functions": "AppServices", "vm-scale-sets": "VirtualMachines",
    "api-management": "Api",
}  # fmt: skip
_SUBPLANS = {"VirtualMachines": "P2", "StorageAccounts": "DefenderForStorageV2", "KeyVaults": "PerKeyVault",
             "Arm": "PerSubscription", "Api": "P1"}  # fmt: skip

# Built-in initiatives, by framework; Microsoft's own benchmark stands for those that have none
# (https://learn.microsoft.com/azure/governance/policy/samples/built-in-initiatives, 2026-11).
INITIATIVES: Mapping[str, str] = {
    "soc2": "4054785f-702b-4a98-9215-009cbd58b141",
    "iso27001": "89c6cddc-1c73-4ac1-b19c-54d1a15a42f2",
    "pci-dss": "c676748e-3af9-4e22-bc28-50feed564afb",
    "hipaa": "a169a624-5599-4385-a696-c8d643089fab",
    "fedramp-moderate": "e95f5a9f-57ad-4d03-bb0b-b1d16db93693",
    "nist-800-53-moderate": "179d1daa-458f-4e47-8086-2a68d0d6c38f",
    "cis": "06f19060-9e68-4070-92ca-f15cc126059e",
}
_BENCHMARK = "1f3afdf9-d0c9-4c3d-847f-89da613e70a8"
_LOCATIONS = "e56962a6-4747-49cd-b67b-bf8b01975c4c"
_DEFINITIONS = "/providers/Microsoft.Authorization"


def oversight(b: Blueprint, made: Made) -> Module:
    """The watch over an environment's subscription. made: the modules of the first site."""
    about = ("Applies to the whole subscription, and so to whatever else is built in it.", b.why("security.compliance"))
    m = Module("oversight", "Oversight: activity log, threat detection, policies.", about, PROVIDERS)
    subscription = m.variable(
        "subscription_id", "string", "Subscription of the environment.", raw("var.subscription_id"),
        checks=(('can(regex("^[0-9a-f-]{36}$", var.subscription_id))', "subscription_id must be a GUID."),),
    )  # fmt: skip
    scope = m.local("scope", template("/subscriptions/", subscription))
    _audit(b, m, made, scope)
    if b.has("threat-detection"):
        _detection(b, m)
    if b.has("posture"):
        _policies(b, m, scope)
    return m


def _audit(b: Blueprint, m: Module, made: Made, scope: Ref) -> None:
    to: dict[str, Any]
    if native_logs(b):
        to = {
            "log_analytics_workspace_id": taken(m, made, "logs", "workspace_id", "string", "Log Analytics workspace.")
        }
    else:
        to = {"storage_account_id": taken(m, made, "logs", "log_storage_id", "string", "Storage account of logs.")}
    m.resource(
        "azurerm_monitor_diagnostic_setting", "activity", ("audit", "identity"), why=b.why("security.compliance"),
        name="activity-log", target_resource_id=scope, **to, enabled_log=[Nested(category=c) for c in _CATEGORIES],
    )  # fmt: skip


def _detection(b: Blueprint, m: Module) -> None:
    services = (c.service for c in b.topology.components)
    plans = sorted({_PLANS[s] for s in services if s in _PLANS} | {"Arm", "CloudPosture"})
    subplans: dict[str, Any] = {plan: _SUBPLANS.get(plan) for plan in plans}
    m.resource(
        "azurerm_security_center_subscription_pricing", "this", "threat-detection", why=b.why("security.compliance"),
        for_each=subplans, tier="Standard", resource_type=raw("each.key"),
        subplan=raw("each.value"),
    )  # fmt: skip
    address = given(m, "notification_address", "string", "Where findings are sent.", raw("var.notification_address"))
    m.resource(
        "azurerm_security_center_contact", "this", "threat-detection", name="default", email=address,
        alert_notifications=True, alerts_to_admins=True,
        phone=given(m, "security_phone", "string", "Whom Microsoft calls about findings.", raw("var.security_phone")),
    )  # fmt: skip


def _policies(b: Blueprint, m: Module, scope: Ref) -> None:
    region = given(m, "location", "string", "Region of the first site.", b.sites[0].region.id)
    wanted: dict[str, Any] = {f: INITIATIVES[f] for f in b.requirements.compliance if f in INITIATIVES}
    initiatives = (
        {**wanted, "benchmark": _BENCHMARK} if not wanted or len(wanted) < len(b.requirements.compliance) else wanted
    )
    m.resource(
        "azurerm_subscription_policy_assignment", "framework", "posture", why=b.why("security.compliance"),
        for_each=initiatives, name=raw("each.key"), subscription_id=scope,
        policy_definition_id=template(f"{_DEFINITIONS}/policySetDefinitions/", raw("each.value")), location=region,
        description="Holds resources against a framework that the requirements name.",
        enforce=Noted(False, "Reports what deviates; the pipeline keeps it from being built."),
        identity=Noted(Nested(type="SystemAssigned"), "Some policies of an initiative could also mend what they find."),
    )  # fmt: skip
    places = sorted({*(s.region.id for s in b.sites), *([b.backup_region.id] if b.backup_region else []), "global"})
    m.resource(
        "azurerm_subscription_policy_assignment", "locations", "posture", name="locations", subscription_id=scope,
        why="The plan's regions, and no others.",
        policy_definition_id=f"{_DEFINITIONS}/policyDefinitions/{_LOCATIONS}",
        parameters=call("jsonencode", {"listOfAllowedLocations": {"value": places}}),
    )  # fmt: skip
