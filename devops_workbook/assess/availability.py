"""Availability: what the promises add up to, for each thing users do.

A journey is what one of them needs: the services in series, those of a site twice where a second site takes over
(see `design.reliability` and `design.paths`). The headline is the users' main path, on which every service stands
that a request may need, to read or to write; the journey "write" is the same path. Signing in needs the identity
provider as well, which running sessions do not; changing the system needs what builds, starts and moves it, which
requests do not.

What a service adds to the downtime of the main path is its unavailability times its Birnbaum importance, the chance
that its failure is the system's (Z. W. Birnbaum, On the importance of different components in a multicomponent
system, 1969); scaled so that the shares make up the whole, they say what to fix first.

The figures are the providers' SLAs: what they promise to refund, not what happens. A service with no known promise
makes the total "not known".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import overload

from devops_workbook.assess.model import Availability, AvailabilityPart, Block, Contribution, Journey
from devops_workbook.design.context import Context
from devops_workbook.design.model import Component, Topology
from devops_workbook.design.paths import Part, combined, failover_of, main_path, part_of
from devops_workbook.design.pricing import find_service
from devops_workbook.design.reliability import Failover, series, site_gain, two_sites
from devops_workbook.evidence import Evidence, Quantity

__all__ = ["MINUTES_PER_MONTH", "MINUTES_PER_YEAR", "assess_availability"]

MINUTES_PER_MONTH = 30 * 24 * 60
MINUTES_PER_YEAR = 365 * 24 * 60
_PROMISES = "SLAs of the services (see the parts); what providers promise to refund, not what happens"


@overload
def _downtime(pct: float, minutes: int) -> float: ...
@overload
def _downtime(pct: float | None, minutes: int) -> float | None: ...
def _downtime(pct: float | None, minutes: int) -> float | None:
    return None if pct is None else (1 - pct / 100) * minutes


@dataclass(frozen=True, slots=True)
class _Design:
    """What the figures are made of: the components by id, the parts of the main path, and how a second site takes
    over from the first."""

    c: Context
    components: Mapping[str, Component]
    path: tuple[Part, ...]
    form: str
    failover: Failover | None

    @property
    def beta(self) -> float:
        """Share of failures that take both sites."""
        return self.c.assume("common_cause_share")

    def title(self, part: Part, id: str = "") -> str:
        """What a part is called: the component it is of and, of a cluster, which side of it."""
        component = self.components[id or part.component]
        if component.service != part.service.id:
            return f"{component.title}: machines"
        return f"{component.title}: control plane" if part.service.kind == "kubernetes" else component.title


def assess_availability(c: Context, topology: Topology) -> Availability:
    """The availability of the users' main path (the journey "write", which reading is part of), its parts, what each
    adds to the downtime, every other journey, and the error budget of a 30-day month and of a year of 365 days."""
    design = _design(c, topology)
    pct, target = combined(c, design.path, design.failover), c.requirements.availability_target_pct
    stops = tuple(_stop(design, part) for part in design.path)
    return Availability(
        pct, target, _downtime(pct, MINUTES_PER_MONTH), _downtime(target, MINUTES_PER_MONTH),
        tuple(_part(design, part) for part in design.path), _journeys(design, stops), _contributions(design, pct),
        (_total(design, "Availability of the users' path", stops, pct), *_budgets(target)),
    )  # fmt: skip


def _design(c: Context, topology: Topology) -> _Design:
    form = c.choice("disaster_recovery.high_availability")
    services = c.provider.services
    compute, database = (services[topology.component(id).service] for id in ("compute", "database"))
    path = main_path(c, compute, database, form, c.choice("scaling.load_balancing"))
    return _Design(c, {x.id: x for x in topology.components}, path, form, failover_of(c, database, form))


# --- the main path ---------------------------------------------------------------------------------------


def _part(d: _Design, part: Part) -> AvailabilityPart:
    title, sla = d.title(part), part.sla
    evidence = Evidence(
        f"Promise of {title}", part.pct, "%", _stated(d, part), _zonal(d.c, part), sla.source if sla else "",
        sla.as_of if sla else "",
    )  # fmt: skip
    form = sla.form if sla else ""
    return AvailabilityPart(part.component, title, form, part.pct, _downtime(part.pct, MINUTES_PER_MONTH), evidence)


def _stated(d: _Design, part: Part) -> str:
    """Which promise it is, and of what."""
    sla = part.sla
    if part.pct is None or sla is None:
        return "not known: " + ((sla and sla.note) or "no SLA found")
    own = d.components[part.component].service == part.service.id
    of = "" if own else f", of {part.service.title}, which carries the requests"
    spread = f", {part.of_zones - 1} of {part.of_zones} zones needed" if part.of_zones else ""
    return f"SLA, {sla.form}{of}{spread}"


def _zonal(c: Context, part: Part) -> tuple[Quantity, ...]:
    if not part.of_zones or part.sla is None:
        return ()
    return (Quantity("promise for one zone", part.sla.pct, "%"),
            Quantity("common-cause share of zones", c.assume("zone_common_cause_share")))  # fmt: skip


def _budgets(target: float) -> tuple[Evidence, ...]:
    given = (Quantity("target", target, "%"),)
    return tuple(
        Evidence(metric, _downtime(target, minutes), unit, f"(1 - target) x {days} days", given, "requirements")
        for metric, minutes, unit, days in (
            ("Error budget", MINUTES_PER_MONTH, "min/month", 30), ("Error budget of a year", MINUTES_PER_YEAR,
                                                                   "min/year", 365)
        )
    )  # fmt: skip


def _contributions(d: _Design, pct: float | None) -> tuple[Contribution, ...]:
    """What each service of the main path adds to its downtime, the largest first; those of both sites as one."""
    year = _downtime(pct, MINUTES_PER_YEAR)
    if not year:
        return ()
    once = series(p.pct for p in d.path if p.everywhere)
    site = series(p.pct for p in d.path if not p.everywhere)
    assert once is not None
    assert site is not None
    serves, gain = site, 1.0
    if d.failover:
        serves, gain = two_sites(site, d.beta, d.failover), site_gain(site, d.beta, d.failover)
    # The chance that all else is up, and for a service of two sites that their failing together is what counts.
    elsewhere = {True: once * serves / 100.0, False: once * site / 100.0 * gain}
    rows = [(p, elsewhere[p.everywhere] / p.pct, 1.0 - p.pct / 100.0) for p in d.path if p.pct]
    whole = sum(importance * down for _, importance, down in rows)
    ranked = sorted(rows, key=lambda row: -row[1] * row[2])
    return tuple(_contribution(d, part, importance, down, whole, year) for part, importance, down in ranked)


def _contribution(
    d: _Design, part: Part, importance: float, down: float, whole: float, year: float
) -> Contribution:  # fmt: skip
    share = importance * down / whole
    evidence = Evidence(
        f"Downtime through {d.title(part)}", share * year, "min/year",
        "unavailability x Birnbaum importance, as a share of the sum of these over the path, x downtime of the path",
        (Quantity("unavailability", 100.0 * down, "%"), Quantity("Birnbaum importance", importance),
         Quantity("downtime of the path", year, "min/year")),
        _PROMISES, part.sla.as_of if part.sla else "",
    )  # fmt: skip
    return Contribution(part.component, d.title(part), share * year, share, evidence)


# --- journeys --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stop:
    """A part on its journeys: how it is cited, and its block at the first site and at the second."""

    part: Part
    cited: Quantity
    block: Block
    twin: Block


def _stop(d: _Design, part: Part) -> _Stop:
    title, block = d.title(part), _leaf(d, part)
    cited = Quantity(f"{title} ({part.sla.form if part.sla else 'no promise'})", part.pct, "%")
    twin = block if d.failover is None or part.everywhere else _leaf(d, part, "-2")
    return _Stop(part, cited, block, twin)


def _leaf(d: _Design, part: Part, suffix: str = "") -> Block:
    """The block of a part; at the second site its twin, where it has one of its own."""
    id = part.component + suffix
    id = id if id in d.components else part.component
    title = d.title(part, id)
    if not part.of_zones or part.sla is None:
        return Block("part", title, part.pct, id)
    beta = d.c.assume("zone_common_cause_share")
    zones = f"{part.of_zones - 1} of {part.of_zones} zones, {beta:.0%} of failures common to them"
    return Block("k-of-n", title, part.pct, id, (Block("part", "One zone", part.sla.pct, id),), zones)


def _journeys(d: _Design, path: tuple[_Stop, ...]) -> tuple[Journey, ...]:
    """What users do: read from the cache, read, write, sign in, call out; and what the team does: change it."""
    found = []
    if "cdn" in d.components:
        cached = [x for x in path if x.part.component in ("dns", "cdn")]
        found.append(_journey(d, "read-cached", "Read a cached answer", cached))
    found.append(_journey(d, "read", "Read", [x for x in path if x.part.component != "intake"]))
    found.append(_journey(d, "write", "Write", path))
    if d.c.requirements.public_facing:
        found.append(_journey(d, "sign-in", "Sign in", [*path, *_needed(d, "identity")]))
    if gateway := _needed(d, "nat"):
        compute = [x for x in path if x.part.component == "compute"]
        found.append(_journey(d, "call-out", "Call services outside", [*compute, *gateway]))
    found.append(_journey(d, "change", "Change the system", _needed(d, *_TO_CHANGE), failover=False))
    return tuple(found)


# What builds a change and brings it to every site: the pipeline with the identity it works under, where images come
# from, the control plane of the compute service, and the secrets and keys that new instances start with.
_TO_CHANGE = ("source", "pipeline", "identity", "registry", "compute", "secrets", "keys", "compute-2", "secrets-2",
              "keys-2")  # fmt: skip


def _needed(d: _Design, *ids: str) -> list[_Stop]:
    """Those of the components that the design has, each with its own promise."""
    c = d.c
    found = ((id, d.components[id].service) for id in ids if id in d.components)
    parts = (part_of(c, id, find_service(c.catalog, c.provider.id, service), d.form) for id, service in found)
    return [_stop(d, part) for part in parts]


def _journey(d: _Design, id: str, title: str, stops: Iterable[_Stop], failover: bool = True) -> Journey:
    stops = tuple(stops)
    pct = combined(d.c, (x.part for x in stops), d.failover if failover else None)
    evidence = _total(d, f"Availability: {title.lower()}", stops, pct, failover)
    return Journey(id, title, pct, _downtime(pct, MINUTES_PER_YEAR), _block(d, title, stops, pct, failover), evidence)


def _block(d: _Design, title: str, stops: tuple[_Stop, ...], pct: float | None, failover: bool) -> Block:
    site = [x for x in stops if not x.part.everywhere]
    if d.failover is None or not failover or not site:
        return Block("series", title, pct, children=tuple(x.block for x in stops))
    one = series(x.part.pct for x in site)
    both = None if one is None else two_sites(one, d.beta, d.failover)
    children = (
        Block("series", "First site", one, children=tuple(x.block for x in site)),
        Block("series", "Second site", one, children=tuple(x.twin for x in site)),
    )
    pair = Block("sites", "Two sites", both, children=children, detail=_taking_over(d, d.failover))
    return Block("series", title, pct, children=(*(x.block for x in stops if x.part.everywhere), pair))


def _taking_over(d: _Design, failover: Failover) -> str:
    """How the second site takes over, with its numbers in words."""
    shared = f"{d.beta:.0%} of failures take both"
    if failover.waiting == 0.0:
        return f"both serve; {shared}"
    if failover.minutes is None:
        return f"how long a failover takes is not known, so it earns no credit; {shared}"
    return (
        f"the second takes over within {failover.minutes:.3g} min in {failover.success:.0%} of outages of "
        f"{failover.outage_minutes:.3g} min; {shared}"
    )


# --- evidence --------------------------------------------------------------------------------------------


def _total(d: _Design, metric: str, stops: tuple[_Stop, ...], pct: float | None, failover: bool = True) -> Evidence:
    taken = d.failover if failover else None
    return Evidence(
        metric, pct, "%", _formula(taken, pct),
        (*(x.cited for x in stops), *(_switching(d, taken) if taken else ())),
        _PROMISES, min((x.part.sla.as_of for x in stops if x.part.sla), default=""),
    )  # fmt: skip


def _switching(d: _Design, failover: Failover) -> tuple[Quantity, ...]:
    beta = Quantity("common-cause share", d.beta)
    if d.form == "active-active":
        return (beta,)
    return (
        beta, Quantity("failover success", failover.success), Quantity("failover time", failover.minutes, "min"),
        Quantity("mean outage", failover.outage_minutes, "min"),
    )  # fmt: skip


def _formula(failover: Failover | None, pct: float | None) -> str:
    if pct is None:
        return "not known: a service it needs states no promise that we could find"
    if failover is None:
        return "product of the promises of the services in series"
    each = "U = 1 - product of the services of one site, beta = common-cause share, Ui = (1 - beta) x U"
    if failover.waiting == 0.0:
        return f"global services x (1 - beta x U) x (1 - Ui^2), {each}"
    return (
        f"global services x (1 - beta x U) x (1 - Ui x (lost + served x Ui)), {each}, served = failover success x "
        "(1 - min(1, failover time / mean outage)), lost = 1 - served"
    )
