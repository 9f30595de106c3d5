"""Recovery: RTO and RPO per disruption as arithmetic of steps, the backups behind them, and the exercises that prove
them.

RTO is the sum of the steps, RPO the age of the newest copy that survives. The headline figures are the worst of
losing an instance, a zone or a region; deleted data and ransomware are cases of their own, because no replica helps
against them and every design restores. A recovery that was not exercised is a wish: each disruption that the design
recovers from has an exercise, the more often the less time the target leaves, and as often as a framework asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from devops_workbook.assess.model import BackupSet, Disruption, Recovery, RecoveryCase, RestoreTest
from devops_workbook.design import recovery as steps
from devops_workbook.design.backups import COPIED_HOURLY, CopySet, backups_of
from devops_workbook.design.context import Context
from devops_workbook.design.reliability import sites
from devops_workbook.evidence import Evidence, Quantity

__all__ = ["assess_recovery"]

_TITLES: dict[Disruption, str] = {
    "instance": "Loss of an instance",
    "zone": "Loss of a zone",
    "region": "Loss of the region",
    "deletion": "Deleted data",
    "ransomware": "Ransomware",
}


def assess_recovery(c: Context) -> Recovery:
    """Recovery from every disruption, the worst of those of the infrastructure against the targets, the backups, and
    the schedule of exercises."""
    setup = steps.Setup(
        form=c.choice("disaster_recovery.high_availability"),
        backup=c.choice("disaster_recovery.backup"),
        automatic=c.choice("disaster_recovery.recovery") == "region-failover-automatic",
        database=c.provider.services[c.taken["infrastructure.database"].choice.service],
    )
    found = steps.recovery(c, setup)
    infrastructure = [case for case in found if case.disruption in steps.INFRASTRUCTURE]
    return Recovery(
        _worst(case.rto_minutes for case in infrastructure),
        _worst(case.rpo_minutes for case in infrastructure),
        c.requirements.rto_minutes,
        c.requirements.rpo_minutes,
        tuple(_case(c, case) for case in found),
        tuple(_backup(c, copies) for copies in backups_of(c)),
        tuple(_exercises(c, setup, found)),
    )


def _worst(values: Iterable[float | None]) -> float | None:
    worst = 0.0
    for value in values:
        if value is None:
            return None
        worst = max(worst, value)
    return worst


# --- cases -----------------------------------------------------------------------------------------------


def _case(c: Context, case: steps.Recovery) -> RecoveryCase:
    r, title, minutes = c.requirements, _TITLES[case.disruption], case.rto_minutes
    taken = case.steps
    known = minutes is not None
    rto = Evidence(
        f"RTO, {title.lower()}", minutes, "min",
        "sum of the steps" if known else "not known: " + next(s.source for s in taken if s.minutes is None),
        tuple(Quantity(s.title, s.minutes, "min") for s in taken),
        "; ".join(dict.fromkeys(s.source for s in taken)),
        min((s.as_of for s in taken if s.as_of), default=c.catalog.as_of),
    )  # fmt: skip
    rpo = Evidence(
        f"RPO, {title.lower()}", case.rpo_minutes, "min",
        "age of the newest copy that survives, the sum of its parts" if case.rpo_minutes is not None
        else f"no bound: {case.rpo_source}",
        tuple(Quantity(part.title, part.minutes, "min") for part in case.rpo_parts), case.rpo_source, c.catalog.as_of,
    )  # fmt: skip
    return RecoveryCase(
        case.disruption, title, minutes, case.rpo_minutes, _meets(minutes, r.rto_minutes),
        _meets(case.rpo_minutes, r.rpo_minutes), taken, (rto, rpo),
    )  # fmt: skip


def _meets(found: float | None, target: float) -> bool | None:
    return None if found is None else found <= target


# --- backups ---------------------------------------------------------------------------------------------


def _backup(c: Context, x: CopySet) -> BackupSet:
    of = "files" if x.data == "files" else "database"
    logged = (Quantity("log of a day", x.log_gb_day, "GB/day"),) if x.log_gb_day else ()
    evidence = Evidence(
        f"Backups of the {of}, {x.generation}, in {x.component}", x.gb, "GB", x.formula,
        (Quantity(of, x.of_gb, "GB"), *logged,
         Quantity("change share", 100.0 * c.assume("backup_change_share"), "% per day"),
         Quantity("size share", c.assume("backup_size_share")), Quantity("copies kept", x.kept),
         Quantity("kept for", x.retention_days, "days")),
        c.catalog.assumptions["backup_change_share"].source, c.catalog.assumptions["backup_change_share"].as_of,
    )  # fmt: skip
    return BackupSet(
        x.data, x.generation, x.every_hours, x.kept, x.retention_days, x.gb, x.component, x.region, x.immutable,
        evidence,
    )  # fmt: skip


# --- exercises -------------------------------------------------------------------------------------------

_UNREHEARSED = ("Detect", "Decide")  # an exercise begins when it has been decided


def _exercises(c: Context, setup: steps.Setup, cases: Iterable[steps.Recovery]) -> Iterator[RestoreTest]:
    """An exercise for each disruption that the design recovers from, and how often it is due."""
    cap = _most_days(c)
    for case in cases:
        title, usual = _exercise(setup, case.disruption)
        if case.rto_minutes is not None:
            minutes = sum(s.minutes or 0.0 for s in case.steps if not s.title.startswith(_UNREHEARSED))
            proves = f"RTO, {_TITLES[case.disruption].lower()}"
            yield RestoreTest(title, min(round(c.assume(usual)), cap), case.disruption, proves, minutes)


def _most_days(c: Context) -> int:
    """The longest time between two exercises that the RTO target and the frameworks leave."""
    tight = c.requirements.rto_minutes <= c.assume("tight_rto_minutes")
    days = c.assume("restore_test_days_tight" if tight else "restore_test_days")
    asked = (float(f.demands.get("max_restore_test_days", days)) for f in c.frameworks)
    return round(min(days, *asked, days))


def _exercise(setup: steps.Setup, disruption: Disruption) -> tuple[str, str]:
    """What is exercised, and the assumption that says how often it usually is."""
    by_runbook, often, by_itself = "restore_test_days", "restore_test_days_tight", "restore_test_days_automatic"
    if disruption == "instance":
        return "Take an instance of every tier away, in working hours", often
    if disruption == "zone" and setup.form == "single-zone":
        return "Build the system in another zone and restore there", by_runbook
    if disruption == "zone":
        return "Take a zone away, in working hours", often
    if disruption == "deletion" and setup.backup == "daily":
        return "Restore the last daily copy beside the live database, and compare", by_runbook
    if disruption == "deletion":
        return "Restore the last moment of a day beside the live database, and compare", by_itself
    if disruption == "ransomware":
        return "Restore the locked copy into a clean room", often
    if sites(setup.form) == 2:
        return "Fail over to the second region and back", by_itself if setup.automatic else by_runbook
    return "Build the system in the second region from copies", often if setup.backup in COPIED_HOURLY else by_runbook
