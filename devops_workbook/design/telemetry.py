"""How much the system says about itself: metric series, log volume, spans, pipeline minutes.

Volumes follow from the load and the catalog's assumptions; they decide what monitoring costs. A tool that the team
runs itself needs machines, and more of them the more it takes in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.sites import chosen_service, site_compute, sites_of
from devops_workbook.design.sizing import HOURS_PER_MONTH, SECONDS_PER_MONTH, load_of, smallest_machine
from devops_workbook.units import convert

__all__ = ["Hosting", "Telemetry", "hosting", "pipeline_minutes_month", "telemetry_of"]

_KB_PER_GB = 1e6
_DAYS_PER_MONTH = 30.4
_INCLUDED_DAYS = 30  # days of log retention in the price of ingestion, where a provider includes any
_DATADOG_INCLUDED = 100  # custom metrics in the price of one host (limits of `datadog` in the catalog)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Monthly volumes of all sites: metric series, samples, log GB taken in, stored, and stored beyond the first
    30 days, spans kept, audit events; hosts: instances an agent runs on (None = there are none, the code runs as
    functions); custom_metrics: series beyond the hundred that a hosted service includes with each host."""

    metric_series: float
    samples: float
    log_gb: float
    log_stored_gb: float
    log_kept_gb: float
    spans: float
    events: float
    hosts: float | None
    custom_metrics: float

    @property
    def usage(self) -> dict[str, float | None]:
        """The volumes by billing quantity."""
        return {name: getattr(self, name) for name in _VOLUMES}


_VOLUMES = tuple(field.name for field in fields(Telemetry))


def telemetry_of(c: Context) -> Telemetry:
    """The telemetry volumes of the design in progress, once compute and the sites have been decided."""
    if c.telemetry is None:
        c.telemetry = _measure(c)
    return c.telemetry


def _measure(c: Context) -> Telemetry:
    load, places = load_of(c), sites_of(c)
    # A function reports as one, however many of it run; it is no host, so a price per host is then not known.
    functions = chosen_service(c, "infrastructure.compute").kind == "functions"
    sources = float(len(places)) if functions else max(1.0, sum(site_compute(c, site).mean for site in places))
    series = sources * c.assume("metric_series_per_instance")
    log_gb = load.origin_requests_month * c.assume("log_kb_per_request") / _KB_PER_GB
    days = c.requirements.log_retention_days
    return Telemetry(
        metric_series=series,
        samples=series * SECONDS_PER_MONTH / c.assume("scrape_interval_seconds"),
        log_gb=log_gb,
        log_stored_gb=log_gb * days / _DAYS_PER_MONTH,
        log_kept_gb=log_gb * max(0, days - _INCLUDED_DAYS) / _DAYS_PER_MONTH,
        spans=load.origin_requests_month * c.assume("trace_sample_share") * c.assume("spans_per_request"),
        events=load.origin_requests_month * c.assume("audit_events_per_request"),
        hosts=None if functions else sources,
        custom_metrics=max(0.0, series - sources * _DATADOG_INCLUDED),
    )


@dataclass(frozen=True, slots=True)
class Hosting:
    """The instances a self-run tool needs: their size, how many, hours of more that come and go in a month, and GB of
    disk of all that stay."""

    sku: str
    nodes: int
    extra_hours: float = 0.0
    disk_gb: float = 0.0

    @property
    def usage(self) -> dict[str, float]:
        """Monthly usage by billing quantity."""
        hours = self.nodes * HOURS_PER_MONTH + self.extra_hours
        return {"host_hours": hours, "disk_gb": self.disk_gb} if self.nodes else {}


def hosting(c: Context, tool: Service, telemetry: Telemetry | None = None) -> Hosting:
    """What a tool runs on; nothing for one that somebody else runs. The catalog says what one set of nodes
    carries, so a larger volume needs more sets. A self-run pipeline starts an agent for every run."""
    limits = tool.limits
    if "nodes" not in limits:
        return Hosting("", 0)
    sets = max([1, *(math.ceil(share) for share in _set_shares(c, tool, telemetry))]) if telemetry else 1
    agents = pipeline_minutes_month(c) / 60.0 if tool.role == "pipeline" else 0.0
    nodes = int(limits["nodes"]) * sets
    disk = nodes * _node_disk_gb(c, tool) + (_stored_gb(c, tool, telemetry) if telemetry else 0.0)
    return Hosting(smallest_machine(c, limits["vcpu"], limits["memory_gib"]), nodes, agents, disk)


def _node_disk_gb(c: Context, tool: Service) -> float:
    """Disk of one node: what the tool asks for, else that of any machine."""
    asked = tool.limits.get("disk_gib")
    return convert(asked, "GiB", "GB") if asked else c.assume("disk_gb_per_instance")


def _stored_gb(c: Context, tool: Service, t: Telemetry) -> float:
    """GB that a tool keeps of what it takes in: samples on each of its nodes, logs and spans once."""
    limits = tool.limits
    months = limits.get("retention_days", 0.0) / _DAYS_PER_MONTH
    if tool.role == "metrics":
        return t.samples * limits["disk_bytes_per_sample"] / 1e9 * months * limits["nodes"]
    if tool.role == "traces":
        return t.spans * c.assume("span_kb") / _KB_PER_GB * months
    return t.log_stored_gb if tool.role == "logs" else 0.0


def _set_shares(c: Context, tool: Service, t: Telemetry) -> list[float]:
    """How many sets of nodes each volume asks for, by what the catalog says one carries."""
    limits, peak = tool.limits, load_of(c).design_rps
    # The collector sees every span and keeps a share; what stores traces sees only those kept.
    kept = c.assume("trace_sample_share") if tool.role == "traces" else 1.0
    per_vcpu = {
        "spans_per_second_per_vcpu": peak * c.assume("spans_per_request") * kept,
        "points_per_second_per_vcpu": t.metric_series / c.assume("scrape_interval_seconds"),
        "logs_per_second_per_vcpu": peak * c.assume("log_kb_per_request"),  # a record is about a kilobyte
    }
    vcpus = sum(rate / limits[name] for name, rate in per_vcpu.items() if name in limits)
    per_set = {"series": t.metric_series, "log_gb_per_day": t.log_gb / _DAYS_PER_MONTH}
    return [
        vcpus / (limits["nodes"] * limits["vcpu"]),
        *(volume / limits[name] for name, volume in per_set.items() if name in limits),
    ]


def pipeline_minutes_month(c: Context) -> float:
    """Minutes of pipeline in a month: every deployment and the runs for changes under review."""
    runs = c.requirements.deploys_per_week * c.assume("weeks_per_month") * (1 + c.assume("pipeline_runs_per_deploy"))
    return runs * c.assume("pipeline_minutes")
