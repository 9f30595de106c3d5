"""Recovery from a disruption, as arithmetic of steps.

RTO is the sum of its steps: detect, decide, provision, restore (size over throughput), replay the log since the
snapshot, verify, and wait for clients to follow DNS. RPO is the age of the newest copy that survives. Both are of the
database; whatever runs is stateless, and files keep their versions (see `backups`).

Replicas help against the loss of an instance, a zone or a region, and carry out a deletion like any other write. A
ransomware intruder has administrator rights and was inside for a while, so only a copy that nobody can delete, made
before the intrusion, can be trusted, and nothing but an account built anew to restore it into.

The same functions serve the decision (which form meets the targets) and the assessment (what the chosen design
achieves), so that the two cannot differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from devops_workbook.catalog.model import Catalog, Service
from devops_workbook.design.backups import COPIED_HOURLY, IMMUTABLE, log_gb_per_day
from devops_workbook.design.context import Context
from devops_workbook.design.reliability import sites
from devops_workbook.evidence import Fact
from devops_workbook.units import convert

__all__ = ["DISRUPTIONS", "INFRASTRUCTURE", "Disruption", "Recovery", "Setup", "Step", "recovery", "region_case"]

Disruption = Literal["instance", "zone", "region", "deletion", "ransomware"]
INFRASTRUCTURE: tuple[Disruption, ...] = ("instance", "zone", "region")
"""The disruptions that redundancy helps against; the targets are held against the worst of these."""
DISRUPTIONS: tuple[Disruption, ...] = (*INFRASTRUCTURE, "deletion", "ransomware")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a recovery in minutes, None = not known; source and as_of: the fact or assumption behind it."""

    title: str
    minutes: float | None
    source: str
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Recovery from one disruption: the steps of the RTO, and the RPO in minutes (None = no bound is known), with what
    it is the sum of."""

    disruption: Disruption
    steps: tuple[Step, ...]
    rpo_minutes: float | None
    rpo_source: str
    rpo_parts: tuple[Step, ...] = ()

    @property
    def rto_minutes(self) -> float | None:
        """Sum of the steps, None if one is not known."""
        total = 0.0
        for step in self.steps:
            if step.minutes is None:
                return None
            total += step.minutes
        return total

    def within(self, rto: float, rpo: float) -> bool:
        """Whether both targets (minutes) are met; False when a figure is not known."""
        return (self.rto_minutes if self.rto_minutes is not None else math.inf) <= rto and (
            self.rpo_minutes if self.rpo_minutes is not None else math.inf
        ) <= rpo


@dataclass(frozen=True, slots=True)
class Setup:
    """What recovery depends on: the form, the backup and failover options, and the database service."""

    form: str
    backup: str
    automatic: bool
    database: Service


def recovery(
    context: Context, setup: Setup, disruptions: Iterable[Disruption] = DISRUPTIONS
) -> tuple[Recovery, ...]:  # fmt: skip
    """Recovery from each of the disruptions, in their order; without any named, from all."""
    return tuple(_CASES[disruption](context, setup) for disruption in disruptions)


# --- steps -----------------------------------------------------------------------------------------------


def _assumed(context: Context, title: str, name: str) -> Step:
    return _assumed_step(context.catalog, title, name)


@lru_cache(maxsize=256)
def _assumed_step(catalog: Catalog, title: str, name: str) -> Step:
    fact = catalog.assumptions[name]
    assert fact.value is not None
    return Step(title, convert(fact.value, fact.unit, "min"), fact.source, fact.as_of)


def _published(context: Context, title: str, name: str) -> Step:
    return _by_fact(context, title, context.provider.facts.get(name))


def _by_fact(context: Context, title: str, fact: Fact | None) -> Step:
    if fact is None or fact.value is None:
        return Step(title, None, f"not known: {context.provider.title} publishes no figure we could find")
    return Step(title, fact.value / 60.0, fact.source, fact.as_of)


def _takes_over(context: Context, title: str, database: Service) -> Step:
    """The database's standby takes over: in the service's own time where the catalog has it, else its provider's."""
    own = database.limits.get("failover_seconds")
    fact = context.provider.facts.get("failover_seconds_multi_zone_database")
    if own is None:
        return _by_fact(context, title, fact)
    return Step(
        title, own / 60.0, f"limits of {database.title} in the catalog, {database.url}", fact.as_of if fact else ""
    )


def _restore(context: Context, title: str = "Restore the data") -> Step:
    fact, rate = context.catalog.assumptions["restore_gb_per_hour"], context.assume("restore_gb_per_hour")
    gb = context.requirements.database_gb
    return Step(title, gb / rate * 60.0, f"{gb:g} GB at {rate:g} GB/h; {fact.source}", fact.as_of)


def _replay(context: Context, setup: Setup) -> tuple[Step, ...]:
    """The log since the last daily snapshot, at its longest; a service without instances replays by itself."""
    if setup.backup == "daily" or not setup.database.skus:
        return ()
    fact, rate = context.catalog.assumptions["replay_gb_per_hour"], context.assume("replay_gb_per_hour")
    gb = log_gb_per_day(context)
    source = f"{gb:.3g} GB of log in a day at {rate:g} GB/h; {fact.source}"
    return (Step("Replay the log since the snapshot", gb / rate * 60.0, source, fact.as_of),)


def _regional_data(service: Service) -> bool:
    return service.sla("single", "zonal") is None and service.sla("regional", "global") is not None


# --- disruptions -----------------------------------------------------------------------------------------


def _instance(context: Context, setup: Setup) -> Recovery:
    if _regional_data(setup.database):
        title = "Stateless instances are replaced; the data service repairs itself"
        step = _assumed(context, title, "zone_restore_minutes")
        if setup.form != "single-zone":
            step = Step("Other instances carry on; the data service repairs itself", 0.0, "redundant by design")
    elif setup.form == "single-zone":
        step = _assumed(context, "The provider restarts the database instance", "zone_restore_minutes")
    else:
        step = _takes_over(context, "The standby takes over", setup.database)
    return Recovery("instance", (step,), 0.0, "storage outlives the instance")


def _zone(context: Context, setup: Setup) -> Recovery:
    if setup.form != "single-zone":
        if _regional_data(setup.database):
            step = Step("Other zones carry on", 0.0, "redundant by design")
        else:
            step = _takes_over(context, "The standby in another zone takes over", setup.database)
        return Recovery("zone", (step,), 0.0, "the standby is written synchronously")
    if context.region.zones < 2:  # there is no other zone to go to: the zone is the region
        return replace(region_case(context, setup), disruption="zone")
    detect = _assumed(context, "Detect", "detect_minutes")
    restart = _assumed(context, "Start instances in another zone", "zone_restore_minutes")
    verify = _assumed(context, "Verify", "verify_minutes")
    if _regional_data(setup.database):
        return Recovery("zone", (detect, restart, verify), 0.0, "the data service spans zones by itself")
    decide = _assumed(context, "Decide", "decide_minutes")
    steps = (detect, decide, _restore(context), *_replay(context, setup), restart, verify)
    return Recovery("zone", steps, *_backup_age(context, setup.backup))


_Age = tuple[float | None, str, tuple[Step, ...]]


def _age(*parts: Step) -> _Age:
    """The age of a copy as the sum of known parts: minutes, sources, and the parts."""
    return sum(part.minutes or 0.0 for part in parts), "; ".join(part.source for part in parts), parts


def _backup_age(context: Context, backup: str) -> _Age:
    name = "daily_backup_interval_minutes" if backup == "daily" else "pitr_interval_minutes"
    return _age(_assumed(context, "Since the last copy or log", name))


def _copy_age(context: Context, backup: str) -> _Age:
    hourly = backup in COPIED_HOURLY
    name = "backup_copy_interval_minutes" if hourly else "daily_backup_interval_minutes"
    return _age(_assumed(context, "Since the last copy left the region", name))


def region_case(context: Context, setup: Setup) -> Recovery:
    """Recovery from the loss of the region: the failover to the second site, or its building from copies."""
    if context.second_region is None:
        why = f"no second region of {context.provider.title} within the data residency holds a copy"
        return Recovery("region", (Step("Wait for the region to return", None, why),), None, why)
    detect = _assumed(context, "Detect", "detect_minutes")
    switch = _assumed(context, "Clients follow DNS to the other region", "dns_ttl_seconds")
    verify = _assumed(context, "Verify", "verify_minutes")
    decide = (_assumed(context, "Decide", "decide_minutes"),)
    if sites(setup.form) == 1:
        build = _assumed(context, "Build the second site from code", "provision_minutes")
        replay = _replay(context, setup) if setup.backup in COPIED_HOURLY else ()
        steps = (detect, *decide, build, _restore(context), *replay, verify, switch)
        return Recovery("region", steps, *_copy_age(context, setup.backup))
    lag = _assumed(context, "Replication lag", "replica_lag_seconds")
    # Where people fail over they look before they let traffic in; a pilot light is looked at in any case.
    looked = () if setup.automatic or setup.form == "pilot-light" else (verify,)
    manual = () if setup.automatic else decide
    steps = (detect, *manual, *_promote(context, setup.database), *_start_up(context, setup.form), *looked, switch)
    return Recovery("region", steps, *_age(lag))


def _promote(context: Context, database: Service) -> tuple[Step, ...]:
    if "multi-region-writes" in database.features:
        return ()
    title, fact = "Promote the replica in the second region", "failover_seconds_cross_region_database"
    if fact in context.provider.facts:
        return (_published(context, title, fact),)
    return (_assumed(context, title, "promote_replica_minutes"),)


def _start_up(context: Context, form: str) -> tuple[Step, ...]:
    if form == "pilot-light":
        start = _assumed(context, "Start the instances of the second site", "scale_up_minutes")
        return (start, _assumed(context, "Verify", "verify_minutes"))
    if form == "warm-standby":
        return (_published(context, "Start the rest of the standby's instances", "instance_start_seconds"),)
    return ()


def _deletion(context: Context, setup: Setup) -> Recovery:
    steps = (
        _assumed(context, "Detect", "detect_minutes"),
        _assumed(context, "Decide on the point in time", "decide_minutes"),
        _restore(context),
        *_replay(context, setup),
        _assumed(context, "Verify", "verify_minutes"),
    )
    return Recovery("deletion", steps, *_backup_age(context, setup.backup))


def _ransomware(context: Context, setup: Setup) -> Recovery:
    if setup.backup != IMMUTABLE:
        why = "no copy is immutable, and an intruder with administrator rights deletes the others first"
        return Recovery("ransomware", (Step("Restore a copy that nobody could delete", None, why),), None, why)
    steps = (
        _assumed(context, "Detect", "detect_minutes"),
        _assumed(context, "Decide on the last copy before the intrusion", "decide_minutes"),
        _assumed(context, "Build a clean room from code", "clean_room_minutes"),
        _restore(context, "Restore the locked copy"),
        *_replay(context, setup),
        _restore(context, "Search what was restored for traces of the intruder"),
        _assumed(context, "Verify", "verify_minutes"),
        _assumed(context, "Clients follow DNS to the clean room", "dns_ttl_seconds"),
    )
    dwell = _assumed(context, "Intruder inside before being noticed", "dwell_days")
    return Recovery("ransomware", steps, *_age(dwell, *_copy_age(context, setup.backup)[2]))


_CASES: Mapping[Disruption, Callable[[Context, Setup], Recovery]] = {
    "instance": _instance,
    "zone": _zone,
    "region": region_case,
    "deletion": _deletion,
    "ransomware": _ransomware,
}
