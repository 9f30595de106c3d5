"""The sites of a design: which regions it uses, and how much of it runs in each.

One site serves everything. Of two active ones each serves half, and keeps running what the whole load of the moment
needs, because the other half may arrive at once; a warm standby keeps a share of the capacity running; a pilot light
keeps the data and starts the rest when the first site is lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from devops_workbook.catalog.model import Region, Service
from devops_workbook.design.context import Context, zones_used
from devops_workbook.design.reliability import sites
from devops_workbook.design.sizing import ComputeSize, compute_size, load_of

__all__ = ["Site", "chosen_service", "site_compute", "sites_of", "zones_of"]

_HIGH_AVAILABILITY = "disaster_recovery.high_availability"


@dataclass(frozen=True, slots=True)
class Site:
    """One region of the design.

    share: of the average load it serves, 0-1; running: share of the full capacity that is kept ready, 0-1 (1 = a
    site that serves, 0 = a pilot light).
    """

    region: Region
    suffix: str
    share: float
    running: float

    def id(self, name: str) -> str:
        """The id of a component or boundary of this site."""
        return name + self.suffix


def sites_of(c: Context) -> tuple[Site, ...]:
    """The sites of the form of deployment that was decided, the primary first."""
    form = c.choice(_HIGH_AVAILABILITY)
    if sites(form) == 1 or c.second_region is None:
        return (Site(c.region, "", 1.0, 1.0),)
    if form == "active-active":
        return (Site(c.region, "", 0.5, 1.0), Site(c.second_region, "-2", 0.5, 1.0))
    running = c.assume("standby_floor_share") if form == "warm-standby" else 0.0
    return (Site(c.region, "", 1.0, 1.0), Site(c.second_region, "-2", 0.0, running))


def zones_of(c: Context, site: Site) -> int:
    """How many zones a site spreads over: three where the region has them, one where the form asks for one."""
    return 1 if c.choice(_HIGH_AVAILABILITY) == "single-zone" else zones_used(site.region)


def chosen_service(c: Context, field_id: str) -> Service:
    """The provider's service behind the option chosen for a field."""
    return c.provider.services[c.taken[field_id].choice.service]


def site_compute(c: Context, site: Site) -> ComputeSize:
    """The compute of one site: its size at the peak, the fewest instances that run, and the mean. Worked out once."""
    key = (site.suffix, site.share, site.running)
    if key not in c.computes:
        c.computes[key] = _sized(c, site)
    return c.computes[key]


def _sized(c: Context, site: Site) -> ComputeSize:
    size = compute_size(c, load_of(c), chosen_service(c, "infrastructure.compute"), zones_of(c, site))
    # A standby never keeps more running than the first site does on average.
    ready = min(size.peak * site.running, size.mean)
    idle = 0 if size.minimum == 0 else math.ceil(ready)
    least = size.minimum if site.running == 1.0 else idle
    return replace(size, minimum=least, mean=max(float(least), size.mean if site.share else 0.0))
