"""Bytes that move beside the requests: images that are pulled, and telemetry on its way.

Both cross zones, regions or the internet like requests do, and are billed like them. Samples of metrics are a few
bytes each and not counted.
"""

from __future__ import annotations

from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.sites import Site, chosen_service, site_compute
from devops_workbook.design.sizing import KB_PER_GB, load_of
from devops_workbook.design.telemetry import telemetry_of

__all__ = ["emitted_gb", "exported_gb", "image_host", "pulled_gb"]

_SIGNALS = {"logs": "observability.logging", "traces": "observability.tracing"}


def pulled_gb(c: Context, site: Site) -> float:
    """GB a month of images that the machines of a site pull: one each for every deployment. Functions pull none."""
    if chosen_service(c, "infrastructure.compute").kind == "functions":
        return 0.0
    deployments = c.requirements.deploys_per_week * c.assume("weeks_per_month")
    return deployments * site_compute(c, site).mean * c.assume("image_gb")


def image_host(c: Context) -> Service | None:
    """The hosted tool outside the provider that images are pulled from, None = they are kept inside."""
    host = c.requirements.source_host
    if c.choice("cicd.artifacts") == "provider-registry" or host == "self-hosted":
        return None
    return c.catalog.tools[host]


def emitted_gb(c: Context, site: Site) -> float:
    """GB a month of logs and spans that a site sends to the collector, which has not dropped any yet."""
    spans = load_of(c).origin_requests_month * c.assume("spans_per_request")
    return (telemetry_of(c).log_gb + spans * c.assume("span_kb") / KB_PER_GB) * site.share


def exported_gb(c: Context, signal: str) -> float:
    """GB a month of "logs" or "traces" that leave for a tool that somebody else runs; 0 where they stay inside."""
    option = c.taken[_SIGNALS[signal]].choice
    if option.id == "native" or "nodes" in c.catalog.tools[option.service].limits:
        return 0.0
    t = telemetry_of(c)
    return t.log_gb if signal == "logs" else t.spans * c.assume("span_kb") / KB_PER_GB
