"""How much the system says about itself: metric series, log volume, spans, pipeline minutes.

Volumes follow from the load and the catalog's assumptions; they decide what monitoring costs. What comes in is kept
in tiers (`Kept`): searchable at once for a while, then archived to the end of its retention; what is billed for
storage is the sum of those tiers, so that price and plan cannot differ. At steady state a tier holds the volume of a
day times its days, which is the storage formula of the Prometheus documentation (needed disk space = retention x
samples a second x bytes a sample, https://prometheus.io/docs/prometheus/latest/storage/). A tool that the team runs
itself needs machines, and more of them the more it takes in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.sites import chosen_service, site_compute, sites_of
from devops_workbook.design.sizing import (
    DAYS_PER_MONTH,
    HOURS_PER_MONTH,
    KB_PER_GB,
    SECONDS_PER_MONTH,
    load_of,
    smallest_machine,
)
from devops_workbook.units import convert

__all__ = [
    "Hosting", "Kept", "Volumes", "hosting", "pipeline_minutes_month", "searchable_days", "stored_gb",
    "telemetry_of", "tiers",
]  # fmt: skip

_BYTES_PER_GB = 1e9
_SEARCHED_DAYS = 30  # days for which logs are searchable in any case, where a price of ingestion includes none


@dataclass(frozen=True, slots=True)
class Kept:
    """One tier of retention: for so many days beyond the tier before; gb: in it at any time."""

    title: str
    days: int
    gb: float


@dataclass(frozen=True, slots=True)
class Volumes:
    """Monthly volumes of all sites: metric series, samples, log GB taken in, spans kept, audit events; logs: where
    the log GB are kept, the first tier being what a price of ingestion includes; hosts: instances an agent runs on
    (None = there are none, the code runs as functions); custom_metrics: series beyond those that a hosted
    service includes with each host."""

    metric_series: float
    samples: float
    log_gb: float
    logs: tuple[Kept, ...]
    spans: float
    events: float
    hosts: float | None
    custom_metrics: float

    @property
    def log_stored_gb(self) -> float:
        """GB of logs in all tiers."""
        return sum(tier.gb for tier in self.logs)

    @property
    def log_kept_gb(self) -> float:
        """GB of logs in the tiers beyond what a price of ingestion includes."""
        return sum(tier.gb for tier in self.logs[1:])

    @property
    def usage(self) -> dict[str, float | None]:
        """The volumes by billing quantity."""
        return {
            "metric_series": self.metric_series,
            "samples": self.samples,
            "log_gb": self.log_gb,
            "log_stored_gb": self.log_stored_gb,
            "log_kept_gb": self.log_kept_gb,
            "spans": self.spans,
            "events": self.events,
            "hosts": self.hosts,
            "custom_metrics": self.custom_metrics,
        }


def stored_gb(per_second: float, size: float, days: float) -> float:
    """GB that records arriving so many a second, each of `size` bytes, fill in so many days."""
    return per_second * size * days * 86_400.0 / _BYTES_PER_GB


def tiers(gb_day: float, ends: Iterable[tuple[str, float]]) -> tuple[Kept, ...]:
    """The tiers in which so many GB a day are kept; ends: title and last day of each, in order. A tier that ends
    no later than the one before is left out."""
    kept, start = list[Kept](), 0
    for title, end in ends:
        if end > start:
            kept.append(Kept(title, int(end) - start, gb_day * (int(end) - start)))
            start = int(end)
    return tuple(kept)


def _included_days(c: Context) -> int:
    """Days of retention in the price of ingestion of the provider's own log service, where it includes any."""
    service = c.service("logs")
    return int(service.limits.get("retention_days_included", _SEARCHED_DAYS)) if service else _SEARCHED_DAYS


def searchable_days(c: Context) -> int:
    """Days for which logs can be searched at once: what a price of ingestion includes, and what a framework asks."""
    asked = (framework.demands.get("min_log_searchable_days", 0) for framework in c.frameworks)
    return int(max((_included_days(c), *asked)))


def telemetry_of(c: Context) -> Volumes:
    """The telemetry volumes of the design in progress, once compute and the sites have been decided."""
    if c.telemetry is None:
        c.telemetry = _measure(c)
    return c.telemetry


def _log_tiers(c: Context, gb_day: float) -> tuple[Kept, ...]:
    days = c.requirements.log_retention_days
    first, searched = min(days, _included_days(c)), min(days, searchable_days(c))
    return tiers(gb_day, ((f"Searchable, first {first} days", first), ("Searchable", searched), ("Kept", days)))


def _measure(c: Context) -> Volumes:
    load, places = load_of(c), sites_of(c)
    # A function reports as one, however many of it run; it is no host, so a price per host is then not known.
    functions = chosen_service(c, "infrastructure.compute").kind == "functions"
    sizes = [site_compute(c, site) for site in places]
    sources = float(len(places)) if functions else max(1.0, sum(size.mean for size in sizes))
    # On a cluster every node reports, and so does every replica on it.
    replicas = sum(size.mean * size.node.per_node for size in sizes if size.node)
    series = (sources + replicas) * c.assume("metric_series_per_instance")
    included = c.catalog.tools["datadog"].limits["custom_metrics_per_host"]
    log_gb = load.origin_requests_month * c.assume("log_kb_per_request") / KB_PER_GB
    return Volumes(
        metric_series=series,
        samples=series * SECONDS_PER_MONTH / c.assume("scrape_interval_seconds"),
        log_gb=log_gb,
        logs=_log_tiers(c, log_gb / DAYS_PER_MONTH),
        spans=load.origin_requests_month * c.assume("trace_sample_share") * c.assume("spans_per_request"),
        events=load.origin_requests_month * c.assume("audit_events_per_request"),
        hosts=None if functions else sources,
        custom_metrics=max(0.0, series - sources * included),
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


def hosting(c: Context, tool: Service, telemetry: Volumes | None = None) -> Hosting:
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


def _stored_gb(c: Context, tool: Service, t: Volumes) -> float:
    """GB that a tool keeps of what it takes in: samples on each of its nodes, logs and spans once."""
    limits = tool.limits
    months = limits.get("retention_days", 0.0) / DAYS_PER_MONTH
    if tool.role == "metrics":
        return t.samples * limits["disk_bytes_per_sample"] / 1e9 * months * limits["nodes"]
    if tool.role == "traces":
        return t.spans * c.assume("span_kb") / KB_PER_GB * months
    return t.log_stored_gb if tool.role == "logs" else 0.0


def _set_shares(c: Context, tool: Service, t: Volumes) -> list[float]:
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
    return [
        vcpus / (limits["nodes"] * limits["vcpu"]),
        t.metric_series / limits.get("series", math.inf),
        _log_share(limits, t.log_gb / DAYS_PER_MONTH),
    ]


_LEAST_SPREAD = 2.0  # sets of nodes, where one process no longer does


def _log_share(limits: Mapping[str, float], gb_day: float) -> float:
    """Sets of nodes that so many GB of logs a day ask for: single processes as far as they go; spread over many, what
    the tool asks of processors and memory for a TB a day, where the catalog knows it."""
    alone, tb_day = gb_day / limits.get("log_gb_per_day", math.inf), gb_day / 1000.0
    if "vcpu_per_tb_day" not in limits:
        return alone
    vcpus, gib = tb_day * limits["vcpu_per_tb_day"], tb_day * limits["memory_gib_per_tb_day"]
    spread = max(vcpus / limits["vcpu"], gib / limits["memory_gib"]) / limits["nodes"]
    return min(alone, max(_LEAST_SPREAD, spread))


def pipeline_minutes_month(c: Context) -> float:
    """Minutes of pipeline in a month: every deployment and the runs for changes under review."""
    runs = c.requirements.deploys_per_week * c.assume("weeks_per_month") * (1 + c.assume("pipeline_runs_per_deploy"))
    return runs * c.assume("pipeline_minutes")
