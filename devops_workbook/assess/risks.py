"""Findings that only the numbers show: targets missed, budgets exceeded, wishes that contradict each other.

Each rule is one small function: what it looks at, what it says, and the ways out. False alarms are avoided by
speaking only when a known number misses a stated target. A way out that is a setting is offered only where the
setting is possible and helps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from devops_workbook.assess.cost import PRODUCTION
from devops_workbook.assess.model import Assessment, AvailabilityPart, RecoveryCase
from devops_workbook.catalog.model import Region, Service
from devops_workbook.design.backups import COPIED_HOURLY, IMMUTABLE, files_are_copied
from devops_workbook.design.context import Context
from devops_workbook.design.model import Option
from devops_workbook.design.paths import carrier, entry_service, path_pct, promise, switches_by_itself
from devops_workbook.design.recovery import Setup, recovery
from devops_workbook.design.reliability import form_rank, sites
from devops_workbook.design.scoring import usd
from devops_workbook.design.sites import chosen_service, sites_of
from devops_workbook.design.sizing import (
    compute_size,
    connections_per_replica,
    database_size,
    load_of,
    most_instances,
    rollout_replicas,
)
from devops_workbook.design.words import amount, counted, listed
from devops_workbook.findings import Finding, Severity, WayOut
from devops_workbook.requirements import Requirements

__all__ = ["find_risks"]

_UNATTENDED_MINUTES = 64 * 60  # Friday 17:00 to Monday 09:00
_HIGH_AVAILABILITY = "disaster_recovery.high_availability"
_BACKUP = "disaster_recovery.backup"
_COMPUTE = "infrastructure.compute"
_DATABASE = "infrastructure.database"


# --- ways out --------------------------------------------------------------------------------------------


def _override(c: Context, field: str, option: str) -> dict[str, object]:
    return {"overrides": {**c.requirements.overrides, field: option}}


def _possible(c: Context, field: str) -> tuple[Option, ...]:
    return tuple(o for o in c.taken[field].alternatives if not o.ruled_out)


@cache
def _most(name: str) -> float:
    return float(next(m.le for m in Requirements.model_fields[name].metadata if hasattr(m, "le")))


def _accept(text: str, name: str, value: float) -> tuple[WayOut, ...]:
    """The way out of setting a target to a value, rounded up; none where the requirement cannot be set so high."""
    value = float(math.ceil(value))
    return (WayOut(text, {name: value}),) if value <= _most(name) else ()


def _keep(c: Context, fields: Iterable[str]) -> dict[str, object]:
    """Overrides that hold decisions as they are, where a looser target alone would let others in."""
    return {"overrides": {**c.requirements.overrides, **{field: c.choice(field) for field in fields}}}


def _elsewhere(c: Context, jurisdiction: str, count: int, zones: int) -> tuple[WayOut, ...]:
    """Other providers with so many regions in a jurisdiction, the first of them with so many zones."""
    ways = []
    for p in c.catalog.providers.values():
        inside = sorted((r for r in p.regions.values() if r.jurisdiction == jurisdiction), key=lambda r: -r.zones)
        if p.id != c.provider.id and len(inside) >= count and inside[0].zones >= zones:
            change = {"provider": p.id, "region": inside[0].id, "secondary_region": ""}
            ways.append(WayOut(f"Use {p.title}, {inside[0].title} ({inside[0].id})", change))
    return tuple(ways)


def _minutes(value: float) -> str:
    return f"{value:.2g} minute{'' if value == 1 else 's'}" if value < 10 else f"{math.ceil(value):,} minutes"


# --- targets ---------------------------------------------------------------------------------------------


def availability_not_known(c: Context, a: Assessment) -> Iterator[Finding]:
    """A service on the users' path states no promise, so their product is not known."""
    unknown = [p for p in a.availability.parts if p.pct is None]
    if unknown:
        ways = [way for part in unknown for way in _promising(c, part)]
        yield Finding(
            "gap", "medium", "availability-not-known",
            "The availability of the users' path is not known, because a service on it states no promise: "
            + ", ".join(p.title for p in unknown) + ".",
            (*ways, *_better_promised(c, 0.0), WayOut("Ask what the provider promises, and measure what it delivers")),
            _HIGH_AVAILABILITY,
        )  # fmt: skip


def _promising(c: Context, part: AvailabilityPart) -> Iterator[WayOut]:
    """Options that could take the part's place and promise something."""
    fields = {"compute": "infrastructure.compute", "database": "infrastructure.database"}
    if part.component in fields:
        field = fields[part.component]
        services = {o.id: c.provider.services[o.service] for o in _possible(c, field)}
    elif part.component == "entry":
        field = "scaling.load_balancing"
        services = {o.id: entry_service(c, o.id) for o in _possible(c, field)}
    else:
        return
    for option, service in services.items():
        if promise(carrier(c.provider, service), c.region.zones) is not None:
            yield WayOut(f"Use {service.title}", _override(c, field, option))


def availability_ceiling(c: Context, a: Assessment) -> Iterator[Finding]:
    """The providers' promises on the users' path add up to less than the target."""
    pct, target = a.availability.pct, a.availability.target_pct
    if pct is None or pct >= target:
        return
    worst = min((p for p in a.availability.parts if p.pct is not None), key=lambda p: p.pct or 0)
    # Each part alone may be good enough; only together do they fall short, and then it is a matter of degree.
    alone = worst.pct is not None and worst.pct < target
    yield Finding(
        "conflict" if alone else "risk", "high" if alone else "medium", "availability-ceiling",
        f"The target is {target:g} %, but the services on the users' path promise {math.floor(pct * 1e4) / 1e4:g} % "
        f"together. {worst.title} promises least, {worst.pct:g} %. These are refund promises, not measurements.",
        (*_lower_target(c, pct), *_without_cdn(c, worst.component), *_without_a_person(c, pct),
         *_better_service(c, pct), *_better_promised(c, pct)),
        _HIGH_AVAILABILITY,
    )  # fmt: skip


_ON_THE_PATH = (
    "scaling.caching", "infrastructure.compute", "infrastructure.database", "scaling.load_balancing",
    "security.network", _HIGH_AVAILABILITY,
)  # fmt: skip


def _lower_target(c: Context, pct: float) -> tuple[WayOut, ...]:
    """The lower target with the users' path as it is: alone it would let cheaper services in, and fall short again."""
    lower = max(90.0, math.floor(pct * 1000) / 1000)
    change = {"availability_target_pct": lower} | _keep(c, _ON_THE_PATH)
    return (WayOut(f"Lower the target to {lower:g} %, and keep this design", change),)


def _without_cdn(c: Context, component: str) -> tuple[WayOut, ...]:
    option = {"cdn": "none", "cdn-in-memory": "in-memory"}.get(c.choice("scaling.caching"), "")
    if component != "cdn" or option not in {o.id for o in _possible(c, "scaling.caching")}:
        return ()
    return (WayOut("Do without the CDN", _override(c, "scaling.caching", option)),)


def _promised(
    c: Context, compute: Service | None = None, database: Service | None = None, form: str = "", entry: str = "",
    automatic: bool | None = None,
) -> float:  # fmt: skip
    """What the users' path would promise with these in place of those chosen, per cent; 0 = not known."""
    compute = compute or chosen_service(c, "infrastructure.compute")
    database = database or chosen_service(c, "infrastructure.database")
    form, entry = form or c.choice(_HIGH_AVAILABILITY), entry or c.choice("scaling.load_balancing")
    return path_pct(c, compute, database, form=form, entry=entry, automatic=automatic) or 0.0


def _without_a_person(c: Context, pct: float) -> Iterator[WayOut]:
    """A failover that waits for nobody, where it can be had and then promises more than `pct`."""
    for o in _possible(c, "disaster_recovery.recovery"):
        if o.id == "region-failover-automatic" and _promised(c, automatic=True) > pct:
            yield WayOut(f"Use {o.title[0].lower()}{o.title[1:]}", _override(c, "disaster_recovery.recovery", o.id))


def _better_service(c: Context, pct: float) -> Iterator[WayOut]:
    """Other services that can be had, and with one of which the path promises more than `pct`. Machines are none:
    they promise more only because their provider promises nothing of what runs on them."""
    services = c.provider.services
    compute, database, entry = "infrastructure.compute", "infrastructure.database", "scaling.load_balancing"
    managed = (o for o in _possible(c, compute) if carrier(c.provider, services[o.service]).kind != "vms")
    options = (
        *((compute, o, _promised(c, compute=services[o.service])) for o in managed),
        *((database, o, _promised(c, database=services[o.service])) for o in _possible(c, database)),
        *((entry, o, _promised(c, entry=o.id)) for o in _possible(c, entry)),
    )
    return (WayOut(f"Use {o.title}", _override(c, field, o.id)) for field, o, promised in options if promised > pct)


def _better_promised(c: Context, pct: float) -> Iterator[WayOut]:
    """The stronger forms of deployment that promise more than `pct` on the users' path."""
    for way in _stronger(c):
        if _promised(c, form=way.change["overrides"][_HIGH_AVAILABILITY]) > pct:
            yield way


def _stronger(c: Context) -> tuple[WayOut, ...]:
    rank = form_rank(c.choice(_HIGH_AVAILABILITY))
    return tuple(
        WayOut(f"Use {o.title}", _override(c, _HIGH_AVAILABILITY, o.id))
        for o in _possible(c, _HIGH_AVAILABILITY)
        if form_rank(o.id) > rank
    )


def recovery_targets(c: Context, a: Assessment) -> Iterator[Finding]:
    """A disruption takes longer, or loses more, than the targets allow."""
    for case in a.recovery.cases:
        if case.disruption == "ransomware":  # ransomware speaks of that
            continue
        targets = [("RTO", case.rto_minutes, a.recovery.rto_target_minutes)]
        if not (case.disruption == "region" and _asynchronous(c)):  # zero_data_loss speaks of that
            targets.append(("RPO", case.rpo_minutes, a.recovery.rpo_target_minutes))
        for name, found, target in targets:
            if found is not None and found > target:
                yield _late(c, case, name, found, target)


def _late(c: Context, case: RecoveryCase, name: str, found: float, target: float) -> Finding:
    deleted = case.disruption == "deletion"
    severity: Severity = "medium" if deleted else "high"
    ways = _accept(f"Accept {_minutes(found)}", f"{name.lower()}_minutes", found)
    if deleted and name == "RTO":
        ways += (WayOut("Split the data, so that what matters most is restored first"),)
    elif deleted:
        ways += (WayOut("Keep a log of what came in outside the database, and replay it after a restore"),)
    else:
        ways += _faster(c, case, name, found)
    return Finding(
        "conflict", severity, f"{name.lower()}-{case.disruption}",
        f"{case.title}: the {name} is {_minutes(found)}, the target {target:g}.",
        ways or (WayOut("Keep less data in one place, so that less must be restored at once"),),
        "disaster_recovery.recovery" if name == "RTO" else _BACKUP,
    )  # fmt: skip


def _faster(c: Context, case: RecoveryCase, name: str, found: float) -> tuple[WayOut, ...]:
    """The stronger forms of deployment with which this disruption is over sooner, or loses less."""
    ways = []
    for way in _stronger(c):
        form = way.change["overrides"][_HIGH_AVAILABILITY]
        automatic = switches_by_itself(c, form)
        setup = Setup(form, c.choice(_BACKUP), automatic, chosen_service(c, "infrastructure.database"))
        (other,) = recovery(c, setup, (case.disruption,))
        better = other.rto_minutes if name == "RTO" else other.rpo_minutes
        if better is not None and better < found:
            ways.append(way)
    return tuple(ways)


def ransomware(c: Context, a: Assessment) -> Iterator[Finding]:
    """Nothing is left to restore after ransomware; or it takes longer, or loses more, than the targets allow."""
    case = next(case for case in a.recovery.cases if case.disruption == "ransomware")
    if case.rto_minutes is None or case.rpo_minutes is None:
        exposed = c.requirements.data_sensitivity in ("confidential", "restricted") or bool(c.frameworks)
        ways = [
            WayOut(f"Use: {o.title[0].lower()}{o.title[1:]}", _override(c, _BACKUP, o.id))
            for o in _possible(c, _BACKUP)
            if o.id == IMMUTABLE
        ]
        yield Finding(
            "gap", "medium" if exposed else "low", "no-immutable-copy",
            "No copy of the data is safe from an intruder with administrator rights, who deletes backups before asking "
            "for a ransom. RTO and RPO of ransomware are not known.",
            (*ways, WayOut("Accept that ransomware is the loss of the data")), _BACKUP,
        )  # fmt: skip
    elif not (case.meets_rto and case.meets_rpo):
        yield Finding(
            "risk", "low", "ransomware-beyond-targets",
            f"After ransomware the system is back within {_span(case.rto_minutes)} and loses {_span(case.rpo_minutes)} "
            f"of data; the targets are {amount(a.recovery.rto_target_minutes)} min and "
            f"{amount(a.recovery.rpo_target_minutes)} min. Only a copy from before the intrusion can be trusted, and "
            f"half of all intruders are inside for {counted(round(c.assume('dwell_days')), 'day')} or more.",
            (WayOut("Look for intruders: every day sooner is a day of data less to lose"),
             WayOut("Keep what came in outside the database, and replay it after a restore")),
            "disaster_recovery.recovery",
        )  # fmt: skip


def _span(minutes: float) -> str:
    """A long time in hours, or in days from two of them on."""
    return f"{minutes / 60:.3g} hours" if minutes < 2 * 1440 else f"{minutes / 1440:.3g} days"


def files_stay(c: Context, _: Assessment) -> Iterator[Finding]:
    """Files are in one region only, and nothing copies them out of it."""
    has_files = c.requirements.object_storage_gb > 0 and c.second_region is not None
    if has_files and len(sites_of(c)) == 1 and not files_are_copied(c):
        ways = [
            WayOut(f"Use: {o.title[0].lower()}{o.title[1:]}", _override(c, _BACKUP, o.id))
            for o in _possible(c, _BACKUP)
            if o.id in COPIED_HOURLY
        ]
        yield Finding(
            "gap", "low", "files-in-one-region",
            f"Copies of the database leave {c.region.title}, copies of the files do not: while the region is away, "
            "so are they.",
            (*ways, WayOut("Accept that files return with the region")), _BACKUP,
        )  # fmt: skip


def recovery_unbounded(c: Context, _: Assessment) -> Iterator[Finding]:
    """Nothing leaves the region, so its loss is the loss of the data."""
    inside = c.region.jurisdiction
    # A primary site outside the residency is a finding of its own; its way out decides where copies may go.
    if c.second_region is None and c.requirements.data_residency in ("none", inside):
        yield Finding(
            "gap", "high", "no-second-region",
            f"No copy of the data leaves {c.region.title}: the catalog knows no second region of {c.provider.title} in "
            f"jurisdiction {inside}. RTO and RPO for the loss of the region are not known.",
            (*_elsewhere(c, inside, count=2, zones=1), *_abroad(c),
             WayOut("Accept that the loss of the region is the loss of the data since the last export")),
            _HIGH_AVAILABILITY,
        )  # fmt: skip


def _abroad(c: Context) -> Iterator[WayOut]:
    """One region of each of the jurisdictions in which the provider has most to choose from."""
    regions = [r for r in c.provider.regions.values() if r.jurisdiction != c.region.jurisdiction]
    by_choice: dict[str, list[Region]] = {}
    for region in regions:
        by_choice.setdefault(region.jurisdiction, []).append(region)
    for found in sorted(by_choice.values(), key=len, reverse=True)[:2]:
        change: dict[str, object] = {"secondary_region": found[0].id}
        if c.requirements.data_residency != "none":
            change["data_residency"] = "none"
        if not c.requirements.region:
            change["region"] = c.region.id
        also = ", and drop the data residency" if "data_residency" in change else ""
        yield WayOut(f"Let copies leave the jurisdiction, to {found[0].title} ({found[0].id}){also}", change)


def _asynchronous(c: Context) -> bool:
    return c.requirements.rpo_minutes == 0 and sites(c.choice(_HIGH_AVAILABILITY)) == 2


def zero_data_loss(c: Context, _: Assessment) -> Iterator[Finding]:
    """RPO 0 is asked for, and the copy in the other region is asynchronous."""
    if _asynchronous(c):
        lag = c.assume("replica_lag_seconds")
        yield Finding(
            "conflict", "high", "rpo-zero-asynchronous",
            f"An RPO of 0 is asked for, but the replica in the other region is asynchronous: up to {lag:g} s of data "
            "are lost with the region. Within the region the standby is synchronous.",
            (*_accept("Accept one minute", "rpo_minutes", lag / 60),
             WayOut("Write synchronously to both regions, and add their round trip to every write")),
            _BACKUP,
        )  # fmt: skip


def nobody_awake(c: Context, _: Assessment) -> Iterator[Finding]:
    """A person must act within the RTO, and nobody is on call at night."""
    manual = c.choice("disaster_recovery.recovery") != "region-failover-automatic"
    if c.requirements.on_call == "business-hours" and manual and c.requirements.rto_minutes < _UNATTENDED_MINUTES:
        yield Finding(
            "risk", "medium", "nobody-on-call",
            f"The RTO of {c.requirements.rto_minutes:g} minutes holds only while somebody is on call: recovery needs a "
            "person, and from Friday evening to Monday morning nobody answers.",
            (WayOut("Staff a 24x7 rota", {"on_call": "24x7"}),
             WayOut(f"Accept {_UNATTENDED_MINUTES} minutes", {"rto_minutes": float(_UNATTENDED_MINUTES)})),
            "disaster_recovery.incident_response",
        )  # fmt: skip


def latency(c: Context, _: Assessment) -> Iterator[Finding]:
    """The service time alone exceeds the latency target."""
    load = load_of(c)
    r = c.requirements
    if load.service_p99_s * 1000 > r.p99_latency_ms:
        alone = load.service_p99_s * 1000
        yield Finding(
            "conflict", "high", "latency-below-service-time",
            f"The p99 target is {r.p99_latency_ms:g} ms, but service alone takes {alone:,.0f} ms at p99 (mean "
            f"{r.service_time_ms:g} ms, variation {r.service_time_cv:g}). No number of workers can help.",
            (WayOut(f"Accept {alone:,.0f} ms", {"p99_latency_ms": float(math.ceil(alone))}),
             WayOut("Make the service faster or its time steadier")),
            "scaling.capacity",
        )  # fmt: skip


# --- money -----------------------------------------------------------------------------------------------


def over_budget(c: Context, a: Assessment) -> Iterator[Finding]:
    """The bill of all environments exceeds the stated budget."""
    budget, cost = c.requirements.monthly_budget_usd, a.cost.monthly_usd
    if budget and cost > budget:
        totals: dict[str, float] = {}
        for line in a.cost.lines:
            totals[line.component] = totals.get(line.component, 0.0) + (line.monthly_usd or 0.0)
        most = sorted(totals.items(), key=lambda item: -item[1])[:3]
        names = listed([environment.title.lower() for environment in a.cost.environments])
        cheaper = (WayOut(f"Use {o.title}", _override(c, f, o.id)) for f, o in _cheaper(c))
        yield Finding(
            "conflict", "high", "over-budget",
            f"{names.capitalize()} cost {usd(cost)} a month, {usd(cost - budget)} above the budget of {usd(budget)}. "
            "Most of it: " + ", ".join(f"{id} {usd(amount)}" for id, amount in most) + ".",
            (*cheaper, *_raise_budget(c, cost),
             WayOut("Ask for less: load, targets, retention or data")),
            "cost.resources",
        )  # fmt: skip


_PRICED = (
    *_ON_THE_PATH, "observability.metrics", "observability.logging", "observability.tracing", "cicd.platform",
)  # fmt: skip


def _raise_budget(c: Context, cost: float) -> tuple[WayOut, ...]:
    """The larger budget with this design: alone it would let dearer options in, and be exceeded again."""
    ways = _accept(f"Raise the budget to {usd(math.ceil(cost))}, and keep this design", "monthly_budget_usd", cost)
    return tuple(WayOut(way.text, dict(way.change) | _keep(c, _PRICED)) for way in ways)


def _cheaper(c: Context) -> Iterator[tuple[str, Option]]:
    for field in ("infrastructure.compute", "infrastructure.database", _HIGH_AVAILABILITY, "observability.metrics"):
        better = [o for o in _possible(c, field) if o.scores[0] > c.taken[field].choice.scores[0]]
        if better:
            yield field, max(better, key=lambda o: o.scores[0])


def prices_not_known(_: Context, a: Assessment) -> Iterator[Finding]:
    """The total is missing lines, or borrows another region's prices."""
    production = [x for x in a.cost.lines if x.environment == PRODUCTION]  # the others bill the same items
    missing = [x for x in production if x.monthly_usd is None]
    borrowed = [x for x in production if x.monthly_usd is not None and x.borrowed]
    if missing:
        yield Finding(
            "gap", "medium", "price-not-known",
            f"Of {len(production)} price lines {len(missing)} {'is' if len(missing) == 1 else 'are'} not known and "
            "not in the total: "
            + ", ".join(f"{x.component} ({x.item})" for x in missing) + ".",
            (WayOut("Ask the provider for a quotation of these items"),), "cost.monitoring",
        )  # fmt: skip
    if borrowed:
        share = sum(x.monthly_usd or 0 for x in a.cost.lines if x.borrowed)
        regions = ", ".join(dict.fromkeys(x.borrowed for x in borrowed))
        yield Finding(
            "gap", "low", "price-of-another-region",
            f"{counted(len(borrowed), 'price line')}, {usd(share)} a month of the total, priced as in another region "
            f"({regions}), because the catalog has none of their own.",
            (WayOut("Check these lines against the provider's calculator"),), "cost.monitoring",
        )  # fmt: skip


# --- places ----------------------------------------------------------------------------------------------


def residency(c: Context, _: Assessment) -> Iterator[Finding]:
    """A region lies outside the jurisdiction the data must not leave."""
    wanted = c.requirements.data_residency
    if wanted == "none":
        return
    chosen = {"region": c.region} | ({"secondary_region": c.second_region} if c.second_region else {})
    taken = {region.id for region in chosen.values()}
    inside = [r for r in c.provider.regions.values() if r.jurisdiction == wanted and r.id not in taken]
    for setting, region in chosen.items():
        if region.jurisdiction != wanted:
            ways: Iterable[WayOut] = (WayOut(f"Use {r.title} ({r.id})", {setting: r.id}) for r in inside[:3])
            here = any(r.jurisdiction == wanted for r in c.provider.regions.values())
            yield Finding(
                "conflict", "high", f"residency-{setting.replace('_', '-')}",
                f"Data must not leave jurisdiction {wanted}, but {region.title} ({region.id}) is in "
                f"{region.jurisdiction}."
                + ("" if here else f" The catalog knows no region of {c.provider.title} there."),
                (*ways, *(() if here else _elsewhere(c, wanted, count=1, zones=1)),
                 WayOut("Drop the data residency requirement", {"data_residency": "none"})),
                "infrastructure.provider",
            )  # fmt: skip


def no_zones(c: Context, _: Assessment) -> Iterator[Finding]:
    """The region has no zones, so the loss of a building is the loss of the system."""
    if c.region.zones < 2:
        inside, second = c.region.jurisdiction, c.requirements.secondary_region
        zoned = [r for r in c.provider.regions.values() if r.zones > 1 and r.jurisdiction == inside and r.id != second]
        ways = [WayOut(f"Use {r.title} ({r.id})", {"region": r.id}) for r in zoned[:1]]
        yield Finding(
            "risk", "high", "region-without-zones",
            f"{c.region.title} ({c.region.id}) has no availability zones; nothing can be spread within the region.",
            (*ways, *_elsewhere(c, inside, count=1, zones=2),
             WayOut("Accept that the loss of a building is the loss of the system until it is restored")),
            _HIGH_AVAILABILITY,
        )  # fmt: skip


def log_retention(c: Context, _: Assessment) -> Iterator[Finding]:
    """Logs are kept for less time than a framework asks."""
    kept = c.requirements.log_retention_days
    for framework in c.frameworks:
        least = framework.demands.get("min_log_retention_days", 0)
        if kept < least:
            why = framework.demands.get("min_log_retention_why", framework.title)
            yield Finding(
                "gap", "high", f"log-retention-{framework.id}",
                f"Logs are kept {counted(kept, 'day')}; {framework.title} needs {least}: {why}",
                (WayOut(f"Keep logs {least} days", {"log_retention_days": int(least)}),), "observability.logging",
            )  # fmt: skip


def controls_missing(c: Context, a: Assessment) -> Iterator[Finding]:
    """Technical controls of a framework that the design does not satisfy."""
    for framework in a.compliance.frameworks:
        missing = {s.id: s for _, _, controls in framework.requirements for s in controls if not s.satisfied}
        if missing:
            yield Finding(
                "gap", "medium", f"controls-{framework.id}",
                f"{framework.title}: {framework.total - framework.satisfied} of {framework.total} technical "
                "requirements are not satisfied. Missing: " + ", ".join(s.title for s in missing.values()) + ".",
                tuple(WayOut(s.remedy, _remedy(c, s.id)) for s in missing.values()), "security.compliance",
            )  # fmt: skip


def _remedy(c: Context, control_id: str) -> dict[str, object]:
    """The change that satisfies a control: for each field it still needs, an option it accepts and that can be had.
    Empty where a requirement rules out what the control needs, and the remedy is not a setting."""
    needs = c.catalog.controls[control_id].needs
    change = {k: v for field, wanted in needs.items() for k, v in _required(c, field, wanted).items()}
    overrides = dict(c.requirements.overrides)
    for field, wanted in needs.items():
        if not field.startswith("requirements.") and c.choice(field) not in wanted:
            option = next((o.id for o in _possible(c, field) if o.id in wanted), None)
            if option:
                overrides[field] = option
            elif not change:
                return {}
    return change | ({"overrides": overrides} if overrides != c.requirements.overrides else {})


def _required(c: Context, field: str, wanted: tuple[str, ...]) -> dict[str, object]:
    """The requirement to set for a need of the form "requirements.<name>", if it is not met yet."""
    name = field.removeprefix("requirements.")
    if name == field:
        return {}
    current = getattr(c.requirements, name)
    if wanted[0].startswith(">="):
        bound = float(wanted[0].removeprefix(">="))
        return {name: type(current)(bound)} if current < bound else {}
    return {} if str(current) in wanted else {name: wanted[0]}


def iac_not_available(c: Context, _: Assessment) -> Iterator[Finding]:
    """The infrastructure language asked for does not exist on this provider."""
    used = c.provider.infrastructure_code(c.requirements.iac_tool)
    if used != c.requirements.iac_tool:
        yield Finding(
            "conflict", "medium", "iac-not-available",
            f"{c.provider.title} has no {c.requirements.iac_tool}; the design uses {c.provider.iac[used]}.",
            (WayOut(f"Use {c.provider.iac[used]}", {"iac_tool": used}),), "infrastructure.provider",
        )  # fmt: skip


def cache_dependence(c: Context, a: Assessment) -> Iterator[Finding]:
    """With empty caches more arrives than what runs can carry."""
    cold = a.capacity.cold_cache
    if cold is None or cold.survives:
        return
    shares = (("of the workers that run", cold.utilisation),
              ("of what the database's processors serve", cold.database_utilisation or 0.0))  # fmt: skip
    exceeded = listed([f"{share:.0%} {what}" for what, share in shares if share >= 1.0])
    yield Finding(
        "risk", "medium", "cold-cache",
        f"With empty caches {amount(cold.origin_rps)} requests/s would reach the origin at the planned peak, not "
        f"{amount(load_of(c).design_rps)}. That is {exceeded}: the queue grows until more has started or users give "
        "up.",
        (WayOut("Use an origin shield and serve stale content while it refills"),
         WayOut("Release so that not all content expires at once"),
         *_without_cdn(c, "cdn")),
        "scaling.caching",
    )  # fmt: skip


def database_connections(c: Context, a: Assessment) -> Iterator[Finding]:
    """Replicas open more connections than the database takes, or functions open them one by one."""
    found = a.capacity.connections
    if found is None:
        return
    database, kind = chosen_service(c, _DATABASE), c.choice(_COMPUTE)
    pooler = WayOut("Put a connection pooler between them (the provider's proxy, or PgBouncer)")
    if found.limit is not None and found.opened > found.limit:
        yield Finding(
            "conflict", "high", "database-connections",
            f"At the planned peak {counted(found.opened, 'connection')} would be open to the database with those of a "
            f"rollout, {found.per_replica:g} for each replica; {database.title} takes {found.limit:,} in this size.",
            (pooler, *_fewer_connections(c, found.limit)), _DATABASE,
        )  # fmt: skip
    elif kind == "functions":
        yield Finding(
            "risk", "low", "function-connections",
            f"Each of {counted(a.capacity.replicas, 'function instance')} opens a connection of its own to "
            f"{database.title}, and after a burst of cold starts all of them at once.",
            (pooler, *_fewer_connections(c, None)), _DATABASE,
        )  # fmt: skip


def _fewer_connections(c: Context, limit: int | None) -> Iterator[WayOut]:
    """Other kinds of compute whose replicas share a pool, and stay within the limit if there is one."""
    zones = c.zones
    for option in _possible(c, _COMPUTE):
        if option.id != "functions":
            size = compute_size(c, load_of(c, option.id), c.provider.services[option.service], zones)
            opened = rollout_replicas(c, option.id, size) * connections_per_replica(c, option.id, size)
            if limit is None or opened <= limit:
                yield WayOut(f"Use {option.title}: {opened:,.0f} connections", _override(c, _COMPUTE, option.id))


def load_not_served(c: Context, a: Assessment) -> Iterator[Finding]:
    """The load exceeds the largest database, or the most instances a service runs."""
    database = chosen_service(c, _DATABASE)
    size = database_size(c, load_of(c), database)
    if not size.fits:
        yield Finding(
            "conflict", "high", "database-too-small",
            f"{amount(size.cores_needed)} cores of queries at the planned peak exceed {size.sku}, the largest size of "
            f"{database.title} in the catalog, with all the replicas it may have.",
            (WayOut("Split the data over several databases"), *_fitting_databases(c),
             WayOut("Ask less of the database: fewer queries a request, or answers kept in memory")),
            _DATABASE,
        )  # fmt: skip
    compute = chosen_service(c, _COMPUTE)
    most = most_instances(compute)
    if most is not None and a.capacity.instances > most:
        yield Finding(
            "conflict", "high", "compute-too-small",
            f"The planned peak needs {a.capacity.instances:,} instances of {compute.title}, which runs {most:,} at "
            "most.",
            (*_roomier_compute(c), WayOut("Split the system over several clusters or accounts"),
             WayOut("Ask the provider for a higher limit")), _COMPUTE,
        )  # fmt: skip


def _fitting_databases(c: Context) -> Iterator[WayOut]:
    for option in _possible(c, _DATABASE):
        if database_size(c, load_of(c), c.provider.services[option.service]).fits:
            yield WayOut(f"Use {option.title}", _override(c, _DATABASE, option.id))


def _roomier_compute(c: Context) -> Iterator[WayOut]:
    for option in _possible(c, _COMPUTE):
        service = c.provider.services[option.service]
        most = most_instances(service)
        size = compute_size(c, load_of(c, option.id), service, c.zones)
        if most is None or size.peak <= most:
            yield WayOut(f"Use {option.title}: {counted(size.peak, 'instance')}", _override(c, _COMPUTE, option.id))


def address_space(c: Context, _: Assessment) -> Iterator[Finding]:
    """What must fit into a subnet, or into the range of the pods, is more than its place in the address plan holds."""
    networks = [n for n in c.addresses.networks if n.environment == "production"] if c.addresses else []
    blocks = [(f"a subnet of the {s.tier} tier", s.needed, s.cidr, n.region) for n in networks for s in n.subnets]
    blocks += [("the range of the pods", n.pods_needed, n.pods, n.region) for n in networks if n.pods]
    short = [block for block in blocks if block[1] > 1 << (32 - int(block[2].partition("/")[2]))]
    if short:
        what, needed, cidr, region = max(short, key=lambda block: block[1])
        yield Finding(
            "conflict", "high", "address-space",
            f"The address plan has no room for the planned peak: {what} in {region} needs {needed:,} addresses, and "
            f"its place holds {cidr}.",
            (WayOut("Use fewer, larger nodes, or let a node run fewer pods"),
             WayOut("Give pods a range of their own in 100.64.0.0/10, which is routed nowhere else"),
             WayOut("Split the system over several networks, each with a block of its own")),
            "infrastructure.network",
        )  # fmt: skip


def carbon_elsewhere(c: Context, _: Assessment) -> Iterator[Finding]:
    """Another region that may be used has a grid less than half as carbon-intensive, and how far it is, is known."""
    here, residency = c.region, c.requirements.data_residency
    found = []
    for r in c.provider.regions.values():
        away = c.provider.round_trip(here.id, r.id)
        allowed = residency in ("none", r.jurisdiction) and r.id != c.requirements.secondary_region
        cleaner = here.grid.value and r.grid.value is not None and 2 * r.grid.value < here.grid.value
        if allowed and cleaner and away and away.value is not None and r.zones >= c.zones:
            found.append((away.value, r.grid.value or 0.0, r))
    if found:
        nearest, cleanest = min(found, key=lambda x: x[0]), min(found, key=lambda x: x[1])
        yield Finding(
            "risk", "low", "carbon-region",
            f"The grid of {here.title} ({here.id}) emits {here.grid.value:,.0f} gCO2e/kWh, more than twice that of "
            f"{counted(len(found), 'other region')} that the requirements allow.",
            tuple(WayOut(f"Use {r.title} ({r.id}): {grams:,.0f} gCO2e/kWh, {ms:,.0f} ms away", {"region": r.id})
                  for ms, grams, r in dict.fromkeys((nearest, cleanest))),
            "infrastructure.provider",
        )  # fmt: skip


RULES: tuple[Callable[[Context, Assessment], Iterator[Finding]], ...] = (
    availability_not_known, availability_ceiling, recovery_targets, recovery_unbounded, ransomware, files_stay,
    zero_data_loss, latency, over_budget, residency, no_zones, iac_not_available, log_retention, controls_missing,
    nobody_awake, cache_dependence, database_connections, load_not_served, prices_not_known, address_space,
    carbon_elsewhere,
)  # fmt: skip
_SEVERITIES = ("high", "medium", "low")


def find_risks(c: Context, assessment: Assessment) -> tuple[Finding, ...]:
    """Every finding: those of the decisions and those of the numbers, the most severe first."""
    found = [*c.findings, *(finding for rule in RULES for finding in rule(c, assessment))]
    return tuple(sorted(found, key=lambda finding: _SEVERITIES.index(finding.severity)))
