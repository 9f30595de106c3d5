"""How much the system says about itself: metric series, log volume, spans, pipeline minutes.

Volumes follow from the load and the catalog's assumptions; they decide what monitoring costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import math

from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.sizing import HOURS_PER_MONTH, compute_size, load_of, smallest_machine

__all__ = ["Hosting", "Telemetry", "hosting", "pipeline_minutes_month", "telemetry_of"]

_KB_PER_GB = 1e6
_DAYS_PER_MONTH = 30.4
_DATADOG_INCLUDED = 100  # custom metrics in the price of one host (limits of `datadog` in the catalog)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Monthly volumes of one site: metric series, samples, log GB taken in and stored, spans kept, audit
    events; hosts: instances an agent runs on (None = there are none, the code runs as functions); custom_metrics: series beyond the hundred that a
    hosted service includes with each host."""

    metric_series: float
    samples: float
    log_gb: float
    log_stored_gb: float
    spans: float
    events: float
    hosts: float | None
    custom_metrics: float


def telemetry_of(c: Context) -> Telemetry:
    """The telemetry volumes of the design in progress, once compute has been decided."""
    load = load_of(c)
    service = c.provider.services[c.taken["infrastructure.compute"].choice.service]
    size = compute_size(c, load, service, zones=min(3, c.region.zones))
    # A function reports as one, however many of it run; it is no host, so a price per host is then not known.
    functions = service.kind == "functions"
    sources = 1.0 if functions else max(1.0, size.mean)
    series = sources * c.assume("metric_series_per_instance")
    log_gb = load.origin_requests_month * c.assume("log_kb_per_request") / _KB_PER_GB
    return Telemetry(
        metric_series=series,
        samples=series * 730 * 3600 / c.assume("scrape_interval_seconds"),
        log_gb=log_gb,
        log_stored_gb=log_gb * c.requirements.log_retention_days / _DAYS_PER_MONTH,
        spans=load.origin_requests_month * c.assume("trace_sample_share") * c.assume("spans_per_request"),
        events=load.origin_requests_month * c.assume("audit_events_per_request"),
        hosts=None if functions else sources,
        custom_metrics=max(0.0, series - sources * _DATADOG_INCLUDED),
    )


@dataclass(frozen=True, slots=True)
class Hosting:
    """The instances a self-run tool needs: their size and how many, and what they bill in a month."""

    sku: str
    nodes: int

    @property
    def usage(self) -> dict[str, float]:
        """Monthly usage by billing quantity."""
        return {"host_hours": self.nodes * HOURS_PER_MONTH} if self.nodes else {}


def hosting(c: Context, tool: Service, telemetry: Telemetry | None = None) -> Hosting:
    """What a tool runs on; nothing for one that somebody else runs. The catalog says what one set of nodes
    carries, so a larger volume needs more of them."""
    limits = tool.limits
    if "nodes" not in limits:
        return Hosting("", 0)
    t = telemetry
    volumes = {"series": t.metric_series, "log_gb_per_day": t.log_gb / _DAYS_PER_MONTH} if t else {}
    sets = max([1, *(math.ceil(v / limits[k]) for k, v in volumes.items() if k in limits)])
    return Hosting(smallest_machine(c, limits["vcpu"], limits["memory_gib"]), int(limits["nodes"]) * sets)


def pipeline_minutes_month(c: Context) -> float:
    """Minutes of pipeline in a month: every deployment and the runs for changes under review."""
    runs = c.requirements.deploys_per_week * c.assume("weeks_per_month") * (1 + c.assume("pipeline_runs_per_deploy"))
    return runs * c.assume("pipeline_minutes")
