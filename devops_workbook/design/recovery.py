"""Recovery from a disruption, as arithmetic of steps.

RTO is the sum of its steps, RPO the age of the newest copy that survives. The same functions serve the decision
(which form meets the targets) and the assessment (what the chosen design achieves), so that the two cannot differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.reliability import sites

__all__ = ["Recovery", "Setup", "Step", "recovery"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a recovery in minutes, None = not known, and the fact or assumption it comes from."""

    title: str
    minutes: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Recovery:
    """Recovery from one disruption: the steps of the RTO, and the RPO in minutes (None = no bound is known)."""

    disruption: str
    steps: tuple[Step, ...]
    rpo_minutes: float | None
    rpo_source: str

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


def recovery(context: Context, setup: Setup) -> tuple[Recovery, ...]:
    """Recovery per disruption: instance, zone, region, data-corruption, in that order.

    RTO is the sum of the steps; RPO the age of the newest copy that survives the disruption.
    """
    return (
        _instance(context, setup),
        _zone(context, setup),
        _region(context, setup),
        _corruption(context, setup),
    )


def _assumed(context: Context, title: str, name: str) -> Step:
    fact = context.catalog.assumptions[name]
    minutes = context.assume(name) / (60.0 if fact.unit == "s" else 1.0)
    return Step(title, minutes, fact.source)


def _published(context: Context, title: str, name: str) -> Step:
    fact = context.provider.facts.get(name)
    if fact is None or fact.value is None:
        return Step(title, None, f"not known: {context.provider.title} publishes no figure we could find")
    return Step(title, fact.value / 60.0, f"{fact.source} ({fact.as_of})")


def _restore(context: Context) -> Step:
    rate = context.assume("restore_gb_per_hour")
    gb = context.requirements.database_gb
    source = f"{gb:g} GB at {rate:g} GB/h; {context.catalog.assumptions['restore_gb_per_hour'].source}"
    return Step("Restore the data", gb / rate * 60.0, source)


def _regional_data(service: Service) -> bool:
    return service.sla("single", "zonal") is None and service.sla("regional", "global") is not None


def _instance(context: Context, setup: Setup) -> Recovery:
    if _regional_data(setup.database):
        title = "Stateless instances are replaced; the data service repairs itself"
        step = _assumed(context, title, "zone_restore_minutes")
        if setup.form != "single-zone":
            step = Step("Other instances carry on; the data service repairs itself", 0.0, "redundant by design")
    elif setup.form == "single-zone":
        step = _assumed(context, "The provider restarts the database instance", "zone_restore_minutes")
    else:
        step = _published(context, "The standby takes over", "failover_seconds_multi_zone_database")
    return Recovery("instance", (step,), 0.0, "storage outlives the instance")


def _zone(context: Context, setup: Setup) -> Recovery:
    if setup.form != "single-zone":
        if _regional_data(setup.database):
            step = Step("Other zones carry on", 0.0, "redundant by design")
        else:
            step = _published(context, "The standby in another zone takes over", "failover_seconds_multi_zone_database")
        return Recovery("zone", (step,), 0.0, "the standby is written synchronously")
    detect = _assumed(context, "Detect", "detect_minutes")
    restart = _assumed(context, "Start instances in another zone", "zone_restore_minutes")
    verify = _assumed(context, "Verify", "verify_minutes")
    if _regional_data(setup.database):
        return Recovery("zone", (detect, restart, verify), 0.0, "the data service spans zones by itself")
    steps = (detect, _assumed(context, "Decide", "decide_minutes"), _restore(context), restart, verify)
    return Recovery("zone", steps, *_backup_age(context, setup.backup))


def _backup_age(context: Context, backup: str) -> tuple[float, str]:
    name = "daily_backup_interval_minutes" if backup == "daily" else "pitr_interval_minutes"
    return context.assume(name), context.catalog.assumptions[name].source


def _copy_age(context: Context, backup: str) -> tuple[float, str]:
    hourly = backup in ("pitr-cross-region", "pitr-immutable")
    name = "backup_copy_interval_minutes" if hourly else "daily_backup_interval_minutes"
    return context.assume(name), context.catalog.assumptions[name].source


def _region(context: Context, setup: Setup) -> Recovery:
    if context.second_region is None:
        why = f"no second region of {context.provider.title} within the data residency holds a copy"
        return Recovery("region", (Step("Wait for the region to return", None, why),), None, why)
    detect = _assumed(context, "Detect", "detect_minutes")
    switch = _assumed(context, "Clients follow DNS to the other region", "dns_ttl_seconds")
    verify = _assumed(context, "Verify", "verify_minutes")
    decide = (_assumed(context, "Decide", "decide_minutes"),)
    if sites(setup.form) == 1:
        build = _assumed(context, "Build the second site from code", "provision_minutes")
        steps = (detect, *decide, build, _restore(context), verify, switch)
        return Recovery("region", steps, *_copy_age(context, setup.backup))
    lag = _assumed(context, "Replication lag", "replica_lag_seconds")
    manual = () if setup.automatic else decide
    steps = (detect, *manual, *_promote(context, setup.database), *_start_up(context, setup.form), switch)
    return Recovery("region", steps, lag.minutes, lag.source)


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


def _corruption(context: Context, setup: Setup) -> Recovery:
    steps = (
        _assumed(context, "Detect", "detect_minutes"),
        _assumed(context, "Decide on the point in time", "decide_minutes"),
        _restore(context),
        _assumed(context, "Verify", "verify_minutes"),
    )
    return Recovery("data-corruption", steps, *_backup_age(context, setup.backup))
