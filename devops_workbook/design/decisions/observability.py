"""Monitoring and observability: metrics, logs, alerts, dashboards, traces.

Every system sends its telemetry through OpenTelemetry, so the tools can be changed; which tools receive it is
decided by what they cost at this volume, who must run them, and how portable the team wants to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from devops_workbook.catalog.model import Service
from devops_workbook.design.choose import decide, options_of
from devops_workbook.design.context import Context
from devops_workbook.design.model import Decision
from devops_workbook.design.pricing import estimate
from devops_workbook.design.scoring import price_scores, service_options, usd
from devops_workbook.design.telemetry import Telemetry, hosting, telemetry_of

__all__ = ["alerting", "dashboards", "logging", "metrics", "tracing"]


def _tools(c: Context, role: str, **tools: str) -> dict[str, Service | None]:
    return {"native": c.service(role)} | {option: c.catalog.tools.get(id) for option, id in tools.items()}


def _priced(c: Context, services: Mapping[str, Service | None]) -> tuple[dict[str, dict[str, float]], str]:
    """Cost scores of the options at this volume, and a sentence with their prices."""
    t = telemetry_of(c)
    prices = {id: _price(c, s, t) for id, s in services.items() if s}
    listed = ", ".join(f"{s.title} {usd(prices[id])}" for id, s in services.items() if s)
    return price_scores(prices), f"At this volume a month: {listed}."


def _price(c: Context, service: Service, t: Telemetry) -> float | None:
    on = hosting(c, service, t)
    return estimate(c.catalog, c.provider.id, service, asdict(t) | on.usage, on.sku, c.region.id)


def _needs_hands(c: Context) -> str:
    r = c.requirements
    return f"{r.team_size} people cannot also run a monitoring system" if r.team_size < 3 else ""


def metrics(c: Context) -> Decision:
    """Where metrics are kept and evaluated."""
    t = telemetry_of(c)
    services = _tools(c, "metrics", prometheus="prometheus", datadog="datadog")
    scores, prices = _priced(c, services)
    options = service_options(options_of(c, "observability.metrics", scores), services)
    rule_out = {"prometheus": _needs_hands(c), "datadog": _leaves_jurisdiction(c)}
    sources = "the functions" if t.hosts is None else f"{t.hosts:,.1f} instances on average"
    rationale = [f"{t.metric_series:,.0f} metric series from {sources}.", prices]
    return decide(c, "observability.metrics", options, rule_out=rule_out, rationale=rationale)


def _leaves_jurisdiction(c: Context) -> str:
    r = c.requirements
    if r.data_sensitivity == "restricted":
        return "telemetry of restricted data must stay with the provider that holds the data"
    # Datadog runs sites in the US, the EU, Japan and Australia; elsewhere telemetry would leave the jurisdiction.
    if r.data_residency not in ("none", "us", "eu", "jp", "au"):
        return f"it has no site in jurisdiction {r.data_residency}"
    return ""


def logging(c: Context) -> Decision:
    """Where structured logs go and how long they stay."""
    t = telemetry_of(c)
    services = _tools(c, "logs", loki="loki", datadog="datadog-logs")
    scores, prices = _priced(c, services)
    options = service_options(options_of(c, "observability.logging", scores), services)
    rule_out = {"loki": _needs_hands(c), "datadog": _leaves_jurisdiction(c)}
    days = c.requirements.log_retention_days
    rationale = [f"{t.log_gb:,.4g} GB of logs a month, kept {days} days: {t.log_stored_gb:,.4g} GB stored.", prices]
    return decide(c, "observability.logging", options, rule_out=rule_out, rationale=rationale)


def alerting(c: Context) -> Decision:
    """Who is told, how, and what happens when nobody answers."""
    r = c.requirements
    rule_out = {
        "chat": r.on_call == "24x7" and "the requirements ask for 24x7 on call, and nobody reads a channel at night",
        "paged": r.on_call != "24x7" and "nobody is on call outside business hours",
        "paged-escalation": (r.on_call != "24x7" and "nobody is on call outside business hours")
        or (r.team_size < 4 and f"{r.team_size} people are too few for a second line"),
    }
    target = r.availability_target_pct
    rationale = [
        f"Alerts burn-rate of the {target:g} % objective, not single errors; on call: {r.on_call}, {r.team_size} people."
    ]
    return decide(c, "observability.alerting", rule_out=rule_out, rationale=rationale)


def dashboards(c: Context) -> Decision:
    """Where people look: beside the metrics, so that nothing is copied."""
    services = _tools(c, "dashboards", grafana="grafana", datadog="datadog")
    options = service_options(options_of(c, "observability.dashboards"), services)
    chosen = c.choice("observability.metrics")
    rule_out = {
        "datadog": chosen != "datadog" and "its dashboards read only metrics that are sent to it",
        "native": chosen != "native" and "the provider's dashboards read only its own metrics",
        "grafana": chosen == "datadog" and "the metrics are in Datadog, which draws them itself",
    }
    rationale = [f"Metrics are kept in {c.taken['observability.metrics'].choice.title}."]
    return decide(c, "observability.dashboards", options, rule_out=rule_out, rationale=rationale)


def tracing(c: Context) -> Decision:
    """Where the kept traces go. Collection is OpenTelemetry either way, sampled at the tail."""
    t = telemetry_of(c)
    services = _tools(c, "traces", jaeger="jaeger", datadog="datadog-apm")
    scores, prices = _priced(c, services)
    options = service_options(options_of(c, "observability.tracing", scores), services)
    metrics = c.choice("observability.metrics")
    rule_out = {
        "datadog": _leaves_jurisdiction(c)
        or (metrics != "datadog" and "traces apart from metrics and logs would lose the links between them"),
        "jaeger": _needs_hands(c),
    }
    share = c.assume("trace_sample_share")
    rationale = [f"{t.spans:,.4g} spans a month are kept, {share:.0%} of traces.", prices]
    return decide(c, "observability.tracing", options, rule_out=rule_out, rationale=rationale)
