"""Monitoring and observability: metrics, logs, alerts, dashboards, traces.

Every system sends its telemetry through OpenTelemetry, so the tools can be changed; which tools receive it is
decided by what they cost at this volume, who must run them, and how portable the team wants to be. Metrics are
decided first, and the others stay where they can be read together with them.
"""

from __future__ import annotations

from collections.abc import Mapping

from devops_workbook.catalog.model import Service
from devops_workbook.design.choose import options_of
from devops_workbook.design.context import Context
from devops_workbook.design.decisions.advice import Reasons, settle
from devops_workbook.design.model import Decision
from devops_workbook.design.pricing import estimate
from devops_workbook.design.scoring import service_options, usd
from devops_workbook.design.telemetry import Volumes, hosting, telemetry_of
from devops_workbook.design.words import amount, counted, error_budget, error_budget_minutes

__all__ = ["alerting", "dashboards", "logging", "metrics", "tracing"]

# Fewer people cannot also run a monitoring system.
_MONITORING_TEAM = 5
# Two rotas, each shared by enough people that nobody is on call more than one week in four.
_TWO_ROTAS = 8
# The second person is paged ten minutes after the first, see the options' escalation; five more are for noticing.
_UNANSWERED_MINUTES = 10.0
_SHORT_RTO_MINUTES = 15.0
# On Kubernetes an operator installs, discovers targets and upgrades.
_OPERATED = {"prometheus": {"simplicity": 6.0}}
# Datadog runs sites in these jurisdictions; elsewhere telemetry would leave the one asked for.
_DATADOG_SITES = ("none", "us", "eu", "jp", "au")


def _tools(c: Context, role: str, **tools: str) -> dict[str, Service | None]:
    return {"native": c.service(role)} | {option: c.catalog.tools.get(id) for option, id in tools.items()}


def _prices(c: Context, services: Mapping[str, Service | None]) -> dict[str, float | None]:
    """USD a month of the options at this volume."""
    t = telemetry_of(c)
    return {id: _price(c, s, t) for id, s in services.items() if s}


def _listed(
    services: Mapping[str, Service | None], prices: Mapping[str, float | None], what: str = "At this volume a month: "
) -> str:
    return what + ", ".join(f"{s.title} {usd(prices[id])}" for id, s in services.items() if s) + "."


def _price(c: Context, service: Service, t: Volumes) -> float | None:
    on = hosting(c, service, t)
    return estimate(c.catalog, c.provider.id, service, t.usage | on.usage, on.sku, c.region.id)


def _needs_hands(c: Context) -> str:
    people = c.requirements.team_size
    return f"a team of {people} cannot also run a monitoring system" if people < _MONITORING_TEAM else ""


def _leaves_jurisdiction(c: Context) -> str:
    residency = c.requirements.data_residency
    return "" if residency in _DATADOG_SITES else f"it has no site in jurisdiction {residency}"


def _leaves_provider(c: Context) -> str:
    restricted = c.requirements.data_sensitivity == "restricted"
    return "telemetry of restricted data should stay with the provider that holds the data" if restricted else ""


def metrics(c: Context) -> Decision:
    """Where metrics are kept and evaluated."""
    t = telemetry_of(c)
    services = _tools(c, "metrics", prometheus="prometheus", datadog="datadog")
    prices = _suite_prices(c, _prices(c, services))
    operated = c.choice("infrastructure.compute") == "kubernetes"
    options = service_options(options_of(c, "observability.metrics", _OPERATED if operated else None), services)
    sources = "the functions" if t.hosts is None else f"instances, {amount(t.hosts)} on average"
    sources += " and the replicas on them" * operated
    return settle(
        c, "observability.metrics", options, prices=prices,
        rule_out={"datadog": _leaves_jurisdiction(c)},
        avoid={"prometheus": _needs_hands(c), "datadog": _leaves_provider(c)},
        rationale=[
            f"{t.metric_series:,.0f} metric series from {sources}.",
            _listed(services, prices, "With the logs and traces that go with it, a month: "),
        ],
    )  # fmt: skip


def _suite_prices(c: Context, prices: Mapping[str, float | None]) -> dict[str, float | None]:
    """What the metrics cost together with the logs and traces that follow them: Datadog's, else the provider's."""
    beside = {
        "native": (c.service("logs"), c.service("traces")),
        "prometheus": (c.service("logs"), c.service("traces")),
        "datadog": (c.catalog.tools["datadog-logs"], c.catalog.tools["datadog-apm"]),
    }
    t = telemetry_of(c)
    return {id: _sum(usd, *(_price(c, s, t) for s in beside[id] if s)) for id, usd in prices.items()}


def _sum(*prices: float | None) -> float | None:
    return None if None in prices else sum(usd for usd in prices if usd is not None)


def logging(c: Context) -> Decision:
    """Where structured logs go and how long they stay."""
    t = telemetry_of(c)
    services = _tools(c, "logs", loki="loki", datadog="datadog-logs")
    prices = _prices(c, services)
    options = service_options(options_of(c, "observability.logging"), services)
    beside = c.choice("observability.metrics")
    avoid: Reasons = {
        "loki": _needs_hands(c)
        or (beside != "prometheus" and "it is read beside Prometheus, which the design has not"),
        "datadog": _leaves_provider(c)
        or (beside != "datadog" and "logs apart from the metrics lose the links between them"),
    }
    kept = counted(c.requirements.log_retention_days, "day")
    rationale = [
        f"Logs amount to {amount(t.log_gb)} GB a month, kept {kept}: {amount(t.log_stored_gb)} GB stored.",
        _listed(services, prices),
    ]
    return settle(c, "observability.logging", options, rule_out={"datadog": _leaves_jurisdiction(c)}, avoid=avoid,
                  prices=prices, rationale=rationale)  # fmt: skip


def alerting(c: Context) -> Decision:
    """Who is told, how, and what happens when nobody answers."""
    r = c.requirements
    around_the_clock = r.on_call == "24x7"
    target = r.availability_target_pct
    avoid: Reasons = {
        "chat": (around_the_clock and "somebody is on call around the clock, and nobody reads a channel at night")
        or (c.choice("disaster_recovery.incident_response") != "best-effort" and "people on call are reached by pages"),
        "paged": around_the_clock and r.team_size >= _TWO_ROTAS and _cannot_wait(c),
        "paged-escalation": r.team_size < _TWO_ROTAS and f"a team of {r.team_size} is too small for two rotas",
    }
    when = "around the clock" if around_the_clock else "in business hours"
    rationale = [
        f"Alerts fire on the burn rate of the {target:g} % objective, not on single errors; a team of "
        f"{r.team_size} is on "
        f"call {when}."
    ]
    return settle(c, "observability.alerting", avoid=avoid, rationale=rationale)


def _cannot_wait(c: Context) -> str:
    """Why one unanswered page is too many, "" if it is not."""
    r = c.requirements
    if error_budget_minutes(c) < _UNANSWERED_MINUTES:
        return f"one page unanswered for {_UNANSWERED_MINUTES:g} min spends an error budget of {error_budget(c)}"
    if r.rto_minutes <= _SHORT_RTO_MINUTES:
        return (
            f"one page unanswered for {_UNANSWERED_MINUTES:g} min leaves too little of the RTO of {r.rto_minutes:g} min"
        )
    return ""


def dashboards(c: Context) -> Decision:
    """Where people look: beside the metrics, so that nothing is copied."""
    services = _tools(c, "dashboards", grafana="grafana", datadog="datadog")
    options = service_options(options_of(c, "observability.dashboards"), services)
    chosen = c.choice("observability.metrics")
    rule_out = {
        "datadog": chosen != "datadog" and "its dashboards read only metrics that are sent to it",
        "native": chosen != "native" and "the provider's dashboards read only its own metrics",
    }
    avoid: Reasons = {
        "grafana": (chosen == "datadog" and "the metrics are in Datadog, which draws them itself")
        or (chosen == "native" and _needs_hands(c)),
    }
    rationale = [f"Metrics are kept in {c.taken['observability.metrics'].choice.title}."]
    return settle(c, "observability.dashboards", options, rule_out=rule_out, avoid=avoid, rationale=rationale)


def tracing(c: Context) -> Decision:
    """Where the kept traces go. Collection is OpenTelemetry either way, sampled at the tail."""
    t = telemetry_of(c)
    services = _tools(c, "traces", jaeger="jaeger", datadog="datadog-apm")
    prices = _prices(c, services)
    options = service_options(options_of(c, "observability.tracing"), services)
    apart = c.choice("observability.metrics") != "datadog"
    avoid: Reasons = {
        "datadog": _leaves_provider(c) or (apart and "traces apart from the metrics lose the links between them"),
        "jaeger": _needs_hands(c),
    }
    share = c.assume("trace_sample_share")
    rationale = [
        f"Of all traces {100 * share:.0f} % are kept, {amount(t.spans)} spans a month.",
        _listed(services, prices),
    ]
    return settle(c, "observability.tracing", options, rule_out={"datadog": _leaves_jurisdiction(c)}, avoid=avoid,
                  prices=prices, rationale=rationale)  # fmt: skip
