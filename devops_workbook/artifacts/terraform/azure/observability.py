"""What watches a site: alarms on the golden signals, a look from outside, dashboards.

It stands after everything that it watches. Where Prometheus or a hosted service raises alarms, their rules are files of
their own elsewhere in the repository, and there are none here.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Each, Site
from devops_workbook.artifacts.terraform.azure.alarming import AGGREGATIONS, alarms_by_component, signals
from devops_workbook.artifacts.terraform.azure.common import (
    Made,
    base,
    given,
    group,
    keyed,
    location,
    module,
    name,
    named,
    native_logs,
    permission,
    served_by,
    suffix,
    tags,
    taken,
)
from devops_workbook.artifacts.terraform.azure.data.sql import entry_of
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["observability"]

# What is watched: the module that knows it, and its output.
_WATCHED = {"entry": ("edge", "entry_id"), "compute": ("compute", "compute_id"), "database": ("data", "database_id"),
            "intake": ("data", "intake_namespace_id")}  # fmt: skip
_ALARM = (
    "map(object({ metric = string, namespace = string, aggregation = string, dimension = string, "
    "values = list(string), threshold = number, severity = number, window = string, step = string, why = string }))"
)
# Places that a look from outside comes from, one on each of several continents
# (https://learn.microsoft.com/azure/azure-monitor/app/availability?tabs=standard#location-population-tags, 2026-11).
_PLACES = ["us-va-ash-azr", "us-ca-sjc-azr", "emea-nl-ams-azr", "emea-gb-db3-azr", "apac-sg-sin-azr"]


def observability(b: Blueprint, site: Site, made: Made) -> Module | None:
    """The alarms and dashboards of a site. made: its modules "group", "logs", "data", "compute" and "edge", "security"
    where the team has keys, "tools" where it runs tools; None where nothing of this is Azure's to watch."""
    about = (
        "Alarms compare the golden signals of entry, compute and database with what was asked for and planned; who is "
        "told stands in the module logs.",
    )
    m = module("observability", "Observability: alarms and dashboards of a site.", about, b, site)
    if served_by(b, "alerting", "azure-alerts"):
        _alarms(b, m, made)
        _look_from_outside(b, m, made)
    if served_by(b, "dashboards", "azure-dashboards"):
        _dashboards(b, m, made)
    if served_by(b, "metrics", "prometheus") and "tools" in made:
        _scraper(b, m, made)
    if keyed(b):
        _archive_key(b, m, made)
    return m if m.resources else None


# --- alarms ----------------------------------------------------------------------------------------------


def _alarms(b: Blueprint, m: Module, made: Made) -> None:
    for component, (folder, output) in _WATCHED.items():
        if not (b.has(component) and signals(b, component)):
            continue
        told = f"Alarms of {component} by their id: metric, threshold, severity (0 = page, 2 = warning), window."
        check = (f"alltrue([for a in var.{component}_alarms : a.severity >= 0 && a.severity <= 4])",
                 "A severity must be from 0 to 4.")  # fmt: skip
        alarms = m.variable(f"{component}_alarms", _ALARM, told, alarms_by_component(b, component),
                            why=b.why("observability.alerting"), checks=(check,))  # fmt: skip
        target = taken(m, made, folder, output, "string", f"What stands for {component}.")
        _metric_alert(m, made, component, alarms, target)


def _metric_alert(m: Module, made: Made, component: str, alarms: Ref, target: Ref) -> None:
    value = raw("each.value")
    people = taken(m, made, "logs", "notification_id", "string", "The people who are told.")
    one = Nested(
        "dimension", for_each=raw('each.value.dimension == "" ? [] : [each.value.dimension]'),
        content=Nested(name=raw("dimension.value"), operator="Include", values=value.values),
    )  # fmt: skip
    m.resource(
        "azurerm_monitor_metric_alert", component, component, for_each=alarms,
        name=raw(f'"${{{name(m)}}}-${{each.key}}${{{suffix(m)}}}"'), resource_group_name=group(m, made),
        scopes=[target],
        description=value.why, severity=value.severity, frequency=value.step, window_size=value.window,
        criteria=Nested(
            metric_namespace=value.namespace, metric_name=value.metric, aggregation=value.aggregation,
            operator="GreaterThan", threshold=value.threshold,
            skip_metric_validation=Noted(True, "Some metrics exist only once there is traffic."), dynamic=one,
        ),
        action=Nested(action_group_id=people), tags=tags(m, component),
    )  # fmt: skip


def _look_from_outside(b: Blueprint, m: Module, made: Made) -> None:
    """Asks for the service's health from several places, where the plan has synthetic checks."""
    wanted = b.choice("scaling.performance_monitoring") == "golden-signals-synthetics" and b.requirements.public_facing
    if not wanted or not native_logs(b):
        return
    told = "Whether the service is asked for from outside."
    watched = m.variable("synthetic", "bool", told, _first_alarmed(b, m), why=b.why("scaling.performance_monitoring"))
    count = raw(f"{watched} ? 1 : 0")
    insights = taken(m, made, "logs", "insights_id", "string", "Application Insights of this site.")
    domain = given(m, "domain", "string", "Domain of the service.", raw("var.domain"))
    test = m.resource(
        "azurerm_application_insights_standard_web_test", "entry", "entry", count=count, **base(m, made,
        "from-outside"),
        application_insights_id=insights, enabled=True, frequency=300, timeout=30, retry_enabled=True,
        geo_locations=_PLACES,
        request=Nested(url=template("https://", domain, "/health")),
        validation_rules=Nested(expected_status_code=200, ssl_check_enabled=True, ssl_cert_remaining_lifetime=14),
        tags=tags(m, "entry"),
    )  # fmt: skip
    people = taken(m, made, "logs", "notification_id", "string", "The people who are told.")
    m.resource(
        "azurerm_monitor_metric_alert", "from_outside", "entry", count=count, name=named(m, "from-outside"),
        resource_group_name=group(m, made), scopes=[raw(f"{test}[0].id"), insights], severity=0, frequency="PT1M",
        window_size="PT5M", description="The service does not answer in two places or more.",
        application_insights_web_test_location_availability_criteria=Nested(
            web_test_id=raw(f"{test}[0].id"), component_id=insights, failed_location_count=2),
        action=Nested(action_group_id=people), tags=tags(m, "entry"),
    )  # fmt: skip


def _first_alarmed(b: Blueprint, m: Module) -> Each:
    """The name of the service is one for all sites, so the first asks for it."""
    assert m.site
    first = not m.site.suffix
    return b.at(m.site, lambda e: first and e.alarmed)


# --- dashboards ------------------------------------------------------------------------------------------


_BOARDS = {
    "application": ("Application", ("entry", "compute"), ("latency", "traffic", "errors")),
    "infrastructure": ("Infrastructure", ("compute", "database"), ("saturation", "errors", "latency")),
}
_WIDE, _HIGH, _COLUMNS = 6, 4, 2


def _dashboards(b: Blueprint, m: Module, made: Made) -> None:
    """Charts of the same metrics that the alarms watch; one dashboard for the service, one for what carries it."""
    told = "Whether this environment has dashboards."
    shown = m.variable("dashboards", "bool", told, b.each(lambda e: e.environment == "production"),
                       why=b.why("observability.dashboards"))  # fmt: skip
    for id, (title, components, wanted) in _BOARDS.items():
        charts = [_chart(b, m, made, component, signal) for component in components for signal in wanted
                  if signal in signals(b, component)]  # fmt: skip
        if not charts:
            continue
        parts = {str(n): _part(n, chart) for n, chart in enumerate(charts)}
        properties: dict[str, Any] = {"lenses": {"0": {"order": 0, "parts": parts}}, "metadata": {"model": {}}}
        m.resource(
            "azurerm_portal_dashboard", id, "dashboards", count=raw(f"{shown} ? 1 : 0"), name=named(m, id),
            location=location(m), resource_group_name=group(m, made), dashboard_properties=call("jsonencode",
            properties),
            tags=raw(_titled(m, title)),
        )  # fmt: skip


def _titled(m: Module, title: str) -> str:
    """The portal shows the tag `hidden-title` as a dashboard's name."""
    tags(m, "dashboards")
    return f'merge(var.tags, {{ component = "dashboards${{{suffix(m)}}}", hidden-title = "{title}" }})'


def _chart(b: Blueprint, m: Module, made: Made, component: str, signal: str) -> dict[str, Any]:
    folder, output = _WATCHED[component]
    target = taken(m, made, folder, output, "string", f"What stands for {component}.")
    fact = signals(b, component)[signal]
    metric = {
        "resourceMetadata": {"id": target}, "name": fact["metric"], "namespace": fact["namespace"],
        "aggregationType": AGGREGATIONS[fact["aggregation"]],
    }  # fmt: skip
    chart: dict[str, Any] = {"title": f"{component.capitalize()}: {signal}", "titleKind": 2, "metrics": [metric],
                             "visualization": {"chartType": 2}}  # fmt: skip
    if fact.get("dimension"):
        chart["filterCollection"] = {
            "filters": [{"key": fact["dimension"], "operator": 0, "values": list(fact["values"])}]
        }
    return chart


def _part(n: int, chart: dict[str, Any]) -> dict[str, Any]:
    place = {"x": n % _COLUMNS * _WIDE, "y": n // _COLUMNS * _HIGH, "colSpan": _WIDE, "rowSpan": _HIGH}
    inputs = [{"name": "options", "isOptional": True}, {"name": "sharedTimeRange", "isOptional": True}]
    return {
        "position": place,
        "metadata": {
            "type": "Extension/HubsExtension/PartType/MonitorChartPart", "inputs": inputs,
            "settings": {"content": {"options": {"chart": chart}}},
        },
    }  # fmt: skip


# --- for what was written before -------------------------------------------------------------------------


def _scraper(b: Blueprint, m: Module, made: Made) -> None:
    """Lets the team's own metrics server read the platform's metrics of the site."""
    fact = permission("prometheus", "metrics")
    told = "Whether a metrics server of the team's own reads metrics here."
    read = m.variable("scraped", "bool", told, b.each(lambda e: e.environment == "production"))
    principal = m.variable("metrics_principal_id", "string",
    "Identity of the metrics server; null where there is none.",
                           made["tools"].wire("metrics_principal_id"), nullable=True)  # fmt: skip
    scope = taken(m, made, "group", "resource_group_id", "string", "Resource group of this site.")
    m.resource(
        "azurerm_role_assignment", "metrics", "metrics", count=raw(f"{read} ? 1 : 0"),
        why="Connections database, entry and intake to metrics: metrics.", scope=scope,
        role_definition_name=fact["roles"][0], principal_id=principal, principal_type="ServicePrincipal",
    )  # fmt: skip


def _archive_key(b: Blueprint, m: Module, made: Made) -> None:
    """The team's key for the storage account of logs, which is there before the keys are."""
    vault = taken(m, made, "security", "keys_vault_id", "string", "Vault of the keys.")
    principal = taken(m, made, "logs", "log_storage_principal_id", "string", "Identity of the storage account of logs.")
    role = m.resource(
        "azurerm_role_assignment", "logs_key", "keys", why=b.why("infrastructure.security"),
        scope=template(vault, "/keys/logs"),
        role_definition_name=permission("key-vault-keys", "database")["roles"][0], principal_id=principal,
        principal_type="ServicePrincipal",
    )  # fmt: skip
    key = m.variable("logs_key_id", "string", "Key that encrypts logs, without a version.",
                     entry_of(made["security"].wire("key_ids"), "logs"))  # fmt: skip
    m.resource(
        "azurerm_storage_account_customer_managed_key", "logs", "keys",
        storage_account_id=taken(m, made, "logs", "log_storage_id", "string",
        "Storage account of the platform's logs."),
        key_vault_id=vault, key_name=raw(f"basename({key})"), depends_on=[role],
    )  # fmt: skip
