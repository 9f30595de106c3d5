"""The part of the topology around the running system: how changes reach it, and how people see into it.

Delivery is the way from the source to each site's compute. Operations is telemetry, alerts, and the watch over
accounts: audit trail, threat detection, configuration checks, budget.
"""

from __future__ import annotations

from typing import Literal

from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.draft import Draft, Usage
from devops_workbook.design.paths import entry_service, intake_services
from devops_workbook.design.sites import Site, chosen_service
from devops_workbook.design.sizing import KB_PER_GB, load_of
from devops_workbook.design.telemetry import pipeline_minutes_month, telemetry_of
from devops_workbook.design.traffic import emitted_gb, exported_gb, pulled_gb

__all__ = ["GOLDEN_SIGNALS", "SEVERITIES", "WAITING", "Severity", "alarm_count", "delivery", "operations"]

GOLDEN_SIGNALS = frozenset({"latency", "traffic", "errors", "saturation"})
WAITING: Literal["age"] = "age"
"""The signal of what holds work: how long the oldest of it has waited."""
Severity = Literal["warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("warning", "critical")
_MOST_ON_CALL = 8  # people in a rota who need a seat in the paging service
_TELEMETRY = {
    "metrics": "observability.metrics",
    "logs": "observability.logging",
    "traces": "observability.tracing",
    "dashboards": "observability.dashboards",
}


def delivery(d: Draft, places: tuple[Site, ...]) -> None:
    """Source, pipeline, registry and the identity under which the pipeline works."""
    c, tools = d.c, d.c.catalog.tools
    d.bound("delivery", "system", "Delivery")
    host = tools["self-hosted-git" if c.requirements.source_host == "self-hosted" else c.requirements.source_host]
    pipeline = tools[c.choice("cicd.platform")]
    d.tool("source", host, "delivery", "cicd.platform", "delivery", _seats(d, pipeline))
    d.tool("pipeline", pipeline, "delivery", "cicd.platform", "delivery", {"ci_minutes": pipeline_minutes_month(c)})
    stored = {"months": 1.0, "storage_gb": c.assume("images_kept") * c.assume("image_gb")}
    registry = c.service("registry")
    if registry and c.choice("cicd.artifacts") == "provider-registry":
        d.add("registry", registry, "services", "cicd.artifacts", "delivery", stored, region=c.region.id)
    if identity := c.service("identity"):
        d.add("identity", identity, "services", "security.access", "delivery operations", {"months": 1.0})
    _deliver(d, places)


def _seats(d: Draft, pipeline: Service) -> Usage:
    """Seats at the source host; dearer ones where the pipeline itself must hold a release for approval."""
    board = d.c.requirements.release_approval == "change-board"
    plan = "enterprise_seats" if board and "approval-needs-enterprise-plan" in pipeline.features else "seats"
    return {plan: float(d.c.requirements.team_size)}


def _deliver(d: Draft, places: tuple[Site, ...]) -> None:
    d.join("source", "pipeline", "delivery", "push", "delivery")
    d.join("pipeline", "identity", "control", "short-lived credentials", "delivery")
    images = "registry" if "registry" in d.components else "source"
    d.join("pipeline", images, "delivery", "signed image", "delivery")
    for site in places:
        strategy = d.c.taken["cicd.deployment"].choice.title
        d.join("pipeline", site.id("compute"), "delivery", strategy, "delivery")
        abroad = d.components[images].region not in ("", site.region.id)
        d.join(images, site.id("compute"), "delivery", "pull", "delivery", gb=pulled_gb(d.c, site),
               crosses="region" if abroad else "")  # fmt: skip


def operations(d: Draft, places: tuple[Site, ...]) -> None:
    """Telemetry, alerting and oversight."""
    d.bound("operations", "system", "Operations")
    _telemetry(d, places)
    _alerting(d, places)
    _oversight(d, places)


def _telemetry(d: Draft, places: tuple[Site, ...]) -> None:
    c, tools = d.c, d.c.catalog.tools
    d.tool("collector", tools["otel-collector"], "operations", "observability.tracing", "operations", {})
    volumes: Usage = {**telemetry_of(c).usage, "months": 1.0, "dashboards": c.assume("dashboard_count")}
    for id, decision in _TELEMETRY.items():
        option = c.taken[decision].choice
        service = c.service(id) if option.id == "native" else tools[option.service]
        if service:
            # A hosted service that shows metrics as well as keeping them is billed for the one.
            billed = {} if service.id in {x.service for x in d.components.values()} else volumes
            d.tool(id, service, "operations", decision, "operations", billed)
    for site in places:
        d.join(site.id("compute"), "collector", "telemetry", "OTLP", "operations", port=4317, protocol="grpc",
               gb=emitted_gb(c, site), crosses="region" if site.suffix else "")  # fmt: skip
        for source in ("database", "entry", "intake"):
            d.join(site.id(source), "metrics", "telemetry", "metrics", "operations")
    for id in ("metrics", "logs", "traces"):
        gb = 0.0 if id == "metrics" else exported_gb(c, id)
        d.join("collector", id, "telemetry", id, "operations", gb=gb or None, crosses="internet" if gb else "")
    d.join("metrics", "dashboards", "telemetry", "queries", "operations")


def alarm_count(c: Context, places: tuple[Site, ...]) -> float:
    """Alarms of all sites: one for each severity of each golden signal that entry, compute and database report, and of
    how long work waits where it does."""
    services = [entry_service(c, c.choice("scaling.load_balancing")).id]
    services += [chosen_service(c, field).id for field in ("infrastructure.compute", "infrastructure.database")]
    signals = sum(len(GOLDEN_SIGNALS & set(c.provider.signals(service))) for service in services)
    waiting = sum(WAITING in c.provider.signals(service.id) for service in intake_services(c))
    return float(len(SEVERITIES) * (signals + waiting) * len(places))


def _alerting(d: Draft, places: tuple[Site, ...]) -> None:
    c = d.c
    by_metrics = {"prometheus": c.catalog.tools["alertmanager"], "datadog": None}
    alerting = by_metrics.get(c.choice("observability.metrics"), c.service("alerting"))
    usage = {"alarms": alarm_count(c, places), "notifications": c.assume("notifications_per_month")}
    if alerting:
        d.tool("alerting", alerting, "operations", "observability.alerting", "operations", usage)
        d.join("metrics", "alerting", "telemetry", "burn-rate alerts", "operations")
    if c.choice("observability.alerting") != "chat":
        seats = {"seats": float(min(c.requirements.team_size, _MOST_ON_CALL))}
        decision = "disaster_recovery.incident_response"
        d.add("on-call", c.catalog.tools["pagerduty"], "operations", decision, "operations", seats)
        d.join("alerting" if alerting else "metrics", "on-call", "control", "pages", "operations")


def _oversight(d: Draft, places: tuple[Site, ...]) -> None:
    """Audit trail, threat detection, configuration checks, budget."""
    c, t = d.c, telemetry_of(d.c)
    items = c.assume("config_items")
    checked = {"config_items": items, "evaluations": items * c.assume("evaluations_per_item"), "months": 1.0}
    flows = load_of(c).origin_requests_month * c.assume("flow_log_kb_per_request") / KB_PER_GB
    watched = {"events": t.events, "flow_log_gb": flows, "instance_hours": _watched_hours(d, places)}
    _watch(d, "audit", "audit", "security.compliance", {"events": t.events})
    if c.choice("security.compliance") != "audit-trail":
        _watch(d, "threat-detection", "threat_detection", "security.compliance", watched)
        _watch(d, "posture", "posture", "security.compliance", checked)
    _watch(d, "budget", "budget", "cost.monitoring", {"budgets": 1.0})
    for site in places:
        d.join(site.id("compute"), "audit", "telemetry", "audit events", "operations")
    d.join("identity", "audit", "telemetry", "sign-ins and changes", "operations")
    d.join("audit", "threat-detection", "telemetry", "events", "operations")
    d.join("audit", "posture", "telemetry", "changes", "operations")
    d.join("budget", "alerting", "control", "threshold", "operations")


def _watch(d: Draft, id: str, role: str, decision: str, usage: Usage) -> None:
    if service := d.c.service(role):
        d.add(id, service, "operations", decision, "operations", usage)


def _watched_hours(d: Draft, places: tuple[Site, ...]) -> float | None:
    """Hours of the machines that serve; None where there are none, and a price per machine says nothing."""
    hours = [d.components[site.id("compute")].usage.get("instance_hours") for site in places]
    known = [h for h in hours if h is not None]
    return sum(known) if len(known) == len(hours) else None
