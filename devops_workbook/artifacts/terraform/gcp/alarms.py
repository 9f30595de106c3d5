"""The alarms and dashboards of a site: the four golden signals of entry, compute and database, and work that waits.

They are here where the design watches with the provider's own tools; where Prometheus or Datadog does, their rules say
the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.alarms import Alarm, alarms_of
from devops_workbook.artifacts.blueprint import Blueprint, Each, Site
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, labels, name, project, suffix
from devops_workbook.artifacts.terraform.gcp.dashboards import dashboards
from devops_workbook.artifacts.terraform.gcp.signals import Signal, Watched, fact_of, signals
from devops_workbook.artifacts.terraform.hcl import Nested, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["alarms", "raised"]

_ALERTING = "observability.alerting"


def raised(b: Blueprint) -> Iterator[Alarm]:
    """The alarms that Cloud Monitoring raises: of signals that Google reports, where the plan leaves alerting to it."""
    if b.has("alerting") and b.component("alerting").service == "cloud-alerting":
        yield from (a for a in alarms_of(b) if fact_of(b, a.component, a.signal))


def alarms(
    b: Blueprint, site: Site, compute: Module, data: Module, edge: Module, observability: Module
) -> Iterator[Module]:
    """The alarms and dashboards of a site, where they are the provider's."""
    alerts = any(raised(b))
    draws = b.component("dashboards").service == "cloud-monitoring-dashboards"
    if not (alerts or draws):
        return
    about = ("The golden signals of one site: latency, traffic, errors and saturation of entry, compute and database, "
             "and how long work waits, each with a warning and a page, and dashboards that show them.",)  # fmt: skip
    m = Module("alarms", "Alarms", about, PROVIDERS, site, _present(b, site, alerts))
    found = list(signals(Watched(m, b, site, compute, data, edge)))
    m.local("signals", {s.id: _written(s) for s in found})
    if alerts:
        _policies(m, b, site, found, observability)
    if draws:
        dashboards(m, b, site, found)
    yield m


def _present(b: Blueprint, site: Site, alerts: bool) -> Each:
    """Where there are alarms; dashboards alone are production's."""
    return b.each(
        lambda e: site.region.id in e.regions and (e.alarmed if alerts else e.environment == "production")
    )  # fmt: skip


def _written(s: Signal) -> Mapping[str, Any]:
    """A signal as the module keeps it: what is compared, what of that is bad, and how a minute of it is one number."""
    return {"filter": s.filter, "bad": s.bad, "aligner": s.aligner, "reducer": s.reducer}


# --- policies --------------------------------------------------------------------------------------------


def _policies(m: Module, b: Blueprint, site: Site, found: Sequence[Signal], observability: Module) -> None:
    known = {s.id: s for s in found}
    planned = list(raised(b))
    limits = {e.environment: {a.id: _limit(a, known, e.traffic) for a in planned} for e in b.environments}
    positive = ("alltrue([for value in values(var.thresholds) : value > 0])", "thresholds must be positive.")
    m.variable("thresholds", "map(number)", "Values beyond which alarms fire, by alarm, in the metric's unit.",
               b.at(site, lambda e: limits[e.environment]), checks=(positive,),
               why=f"{b.why(_ALERTING)} Traffic grows with the environment.")  # fmt: skip
    channel = m.variable("notification_id", "string", "Channel that alarms go to.",
                         observability.wire("notification_id"))  # fmt: skip
    for component in dict.fromkeys(a.component for a in planned):
        m.local(f"{component}_alarms", {a.id: _told(a) for a in planned if a.component == component})
        _policy(m, site, component, channel)


def _limit(a: Alarm, known: Mapping[str, Signal], traffic: float) -> float:
    """The threshold in the metric's unit; that of traffic is as much less as the environment has less."""
    share = traffic if a.signal == "traffic" else 1.0
    value = a.threshold * share * known[f"{a.component}-{a.signal}"].scale
    return float(f"{value:.6g}")


def _told(a: Alarm) -> Mapping[str, Any]:
    return {
        "signal": f"{a.component}-{a.signal}", "severity": a.severity.upper(), "minutes": a.minutes,
        "told": f"{a.why}. Runbook: {a.runbook}",
    }  # fmt: skip


def _policy(m: Module, site: Site, component: str, channel: Ref) -> None:
    one = raw("local.signals[each.value.signal]")
    aggregation = {"alignment_period": "60s", "per_series_aligner": one.aligner, "cross_series_reducer": one.reducer}
    m.resource(
        "google_monitoring_alert_policy", component, (component, "alerting"),
        why="A share is the failed ones of all; every other signal is the metric itself.",
        for_each=raw(f"local.{component}_alarms"), project=project(m),
        display_name=template(name(m), suffix(m, site), " ", raw("each.key")), combiner="OR",
        severity=raw("each.value.severity"), notification_channels=[channel],
        conditions=Nested(
            display_name=raw("each.key"),
            condition_threshold=Nested(
                filter=raw(f"coalesce({one.bad}, {one.filter})"),
                denominator_filter=raw(f"{one.bad} == null ? null : {one.filter}"),
                comparison="COMPARISON_GT", threshold_value=raw("var.thresholds[each.key]"),
                duration=template(raw("each.value.minutes * 60"), "s"), aggregations=Nested(**aggregation),
                dynamic=Nested("denominator_aggregations", for_each=raw(f"{one.bad} == null ? [] : [1]"),
                               content=Nested(**aggregation)),
                trigger=Nested(count=1),
            ),
        ),
        documentation=Nested(mime_type="text/markdown", subject=template(name(m), ": ", raw("each.key")),
                             content=raw("each.value.told")),
        alert_strategy=Nested(auto_close="1800s"), user_labels=labels(component, m, site),
    )  # fmt: skip
