"""Telemetry: how much each signal brings in, and how long and where it is kept.

The volumes are those of `design.telemetry`, which are also the ones that are billed; here they are laid out signal by
signal, each with the formula and the assumptions it comes from. Rates are of today's average load. A tier's GB are
what it holds at steady state: the volume of a day times the days of the tier. How long metrics and traces stay is the
retention of the service that takes them (its limits in the catalog), else ours; logs and audit events stay as long as
the requirements say, and stay searchable as long as the frameworks asked for say (PCI DSS 10.5.1: three months of
twelve).
"""

from __future__ import annotations

from devops_workbook.assess.model import Retention, Signal, Telemetry
from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.model import Topology
from devops_workbook.design.pricing import find_service
from devops_workbook.design.sizing import DAYS_PER_MONTH, SECONDS_PER_MONTH, load_of
from devops_workbook.design.telemetry import Kept, searchable_days, stored_gb, telemetry_of, tiers
from devops_workbook.evidence import Evidence, Quantity

__all__ = ["assess_telemetry"]


def assess_telemetry(c: Context, topology: Topology) -> Telemetry:
    """The signals of production: metrics, logs, traces and audit events."""
    services = {id: _service(c, topology, id) for id in ("metrics", "logs", "traces", "audit")}
    return Telemetry((_metrics(c, services["metrics"]), _logs(c), _traces(c, services["traces"]),
                      _audit(c, services["audit"])))  # fmt: skip


def _service(c: Context, topology: Topology, id: str) -> Service:
    return find_service(c.catalog, c.provider.id, topology.component(id).service)


def _metrics(c: Context, service: Service) -> Signal:
    t, size = telemetry_of(c), c.assume("metric_bytes_per_sample")
    rate = t.samples / SECONDS_PER_MONTH
    gb_day = stored_gb(rate, size, 1)
    kept = tiers(gb_day, [("Queryable", _days(c, service, "metric_retention_days"))])
    given = (Quantity("active series", t.metric_series), Quantity("samples a second", rate, "samples/s"))
    evidence = _evidence(
        c, "Metrics", gb_day, kept, "series / scrape interval x bytes a sample x seconds in a day", given,
        "metric_series_per_instance", "scrape_interval_seconds", "metric_bytes_per_sample",
    )  # fmt: skip
    return Signal("metrics", "Metrics", rate, "samples/s", gb_day, _retention(kept), "metrics", evidence)


def _logs(c: Context) -> Signal:
    t = telemetry_of(c)
    rate = load_of(c).origin_requests_month * c.assume("log_kb_per_request") / SECONDS_PER_MONTH
    gb_day = t.log_gb / DAYS_PER_MONTH
    evidence = _evidence(
        c, "Logs", gb_day, t.logs, "requests a second at the origin x kB a request x seconds in a day",
        (_requests(c), _asked(c)), "log_kb_per_request",
    )  # fmt: skip
    return Signal("logs", "Logs", rate, "kB/s", gb_day, _retention(t.logs), "logs", evidence)


def _traces(c: Context, service: Service) -> Signal:
    rate = telemetry_of(c).spans / SECONDS_PER_MONTH
    offered = load_of(c).origin_requests_month / SECONDS_PER_MONTH * c.assume("spans_per_request")
    gb_day = stored_gb(rate, c.assume("span_kb") * 1000, 1)
    kept = tiers(gb_day, [("Queryable", _days(c, service, "trace_retention_days"))])
    given = (_requests(c), Quantity("spans offered", offered, "spans/s"), Quantity("spans kept", rate, "spans/s"))
    evidence = _evidence(
        c, "Traces", gb_day, kept, "requests a second x spans a request x share kept x kB a span x seconds in a day",
        given, "spans_per_request", "trace_sample_share", "span_kb",
    )  # fmt: skip
    return Signal("traces", "Traces", rate, "spans/s", gb_day, _retention(kept), "traces", evidence)


def _audit(c: Context, service: Service) -> Signal:
    """Audit events stay as long as logs do, and longer where the service keeps them longer by itself."""
    rate = telemetry_of(c).events / SECONDS_PER_MONTH
    gb_day = stored_gb(rate, c.assume("audit_event_kb") * 1000, 1)
    asked = c.requirements.log_retention_days
    by_itself = service.limits.get("retention_days", 0)
    searched = max(by_itself, min(asked, searchable_days(c)))
    kept = tiers(gb_day, [("Searchable", searched), ("Kept", asked)])
    evidence = _evidence(
        c, "Audit events", gb_day, kept, "requests a second at the origin x events a request x kB an event x seconds "
        "in a day", (_requests(c), _asked(c)), "audit_events_per_request", "audit_event_kb",
    )  # fmt: skip
    return Signal("audit", "Audit events", rate, "events/s", gb_day, _retention(kept), "audit", evidence)


def _days(c: Context, service: Service, assumption: str) -> float:
    """Days a service keeps what it takes: always the same, or as long as we want within its limit."""
    wanted, limits = c.assume(assumption), service.limits
    return limits.get("retention_days", min(wanted, limits.get("retention_days_max", wanted)))


def _requests(c: Context) -> Quantity:
    return Quantity("requests at the origin", load_of(c).origin_requests_month / SECONDS_PER_MONTH, "req/s")


def _asked(c: Context) -> Quantity:
    return Quantity("log retention", c.requirements.log_retention_days, "days")


def _retention(kept: tuple[Kept, ...]) -> tuple[Retention, ...]:
    return tuple(Retention(tier.title, tier.days, tier.gb) for tier in kept)


def _evidence(
    c: Context, title: str, gb_day: float, kept: tuple[Kept, ...], formula: str, given: tuple[Quantity, ...],
    *assumed: str,
) -> Evidence:  # fmt: skip
    """A day's volume, and what its tiers hold, from what is given and the assumptions named."""
    facts = {name: c.catalog.assumptions[name] for name in assumed}
    inputs = (Quantity(name.replace("_", " "), fact.value, fact.unit) for name, fact in facts.items())
    held = (Quantity(f"held in {tier.title.lower()}, {tier.days} days", tier.gb, "GB") for tier in kept)
    return Evidence(
        f"{title} taken in a day", gb_day, "GB/day", f"{formula}; a tier holds the volume of a day x its days",
        (*given, *inputs, *held), "; ".join(fact.source for fact in facts.values()),
        min(fact.as_of for fact in facts.values()),
    )  # fmt: skip
