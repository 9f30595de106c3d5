"""Backups: which copies are kept, how long, where, and how much they take up (grandfather, father, son).

A managed database keeps its log and a copy of every day itself, for about a month. Weekly, monthly and yearly copies
are kept in a vault: where copies leave the region every hour, in the second one, which they survive; else at home, and
the second region holds a week of daily copies. Replaced and deleted files are kept as versions; where copies leave
the region, the files do too, unless a second site has them already.

Copies follow each other in a chain: the oldest of a place holds everything, each further one what has changed since
the one before. A share s of the data changes in a day, on any part of it, so that copies n days apart differ in
1 - (1 - s)^n of it; what is stored is the smaller for compression:

    stored = size share x data x (1 if it holds the oldest copy, + further copies x (1 - (1 - s)^days between them))

This is the usual capacity formula, C x (F x Data + R x D x Data) with C = size share, F = full copies, R = further
copies and D = what changes between two (T. Dewin, Veeam; translated at sudonull.com/post/94688), with D growing with
the distance. What the sets add up to is what their component bills: less what a service includes in its price
(`backup_included`), and by the size of the data where it bills so (`backup_copies`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from devops_workbook.catalog.model import Region, Service
from devops_workbook.design.context import Context
from devops_workbook.design.sites import chosen_service, sites_of
from devops_workbook.design.sizing import DAYS_PER_MONTH, KB_PER_GB, load_of

__all__ = [
    "COPIED_HOURLY", "IMMUTABLE", "CopySet", "backups_of", "billed_gb", "chain_gb", "changed_share", "copied_gb_month",
    "files_are_copied", "files_changed_gb_month", "log_gb_per_day", "stored_gb",
]  # fmt: skip

COPIED_HOURLY = ("pitr-cross-region", "pitr-immutable")
"""The backup options with which log and copies leave the region every hour."""
IMMUTABLE = "pitr-immutable"
"""The backup option whose copies nobody can delete before their time."""

_BACKUP = "disaster_recovery.backup"
_DAYS = {"daily": 1.0, "weekly": 7.0, "monthly": DAYS_PER_MONTH, "yearly": 12.0 * DAYS_PER_MONTH}

Generation = Literal["log", "daily", "weekly", "monthly", "yearly"]


@dataclass(frozen=True, slots=True)
class CopySet:
    """One generation of copies in one place.

    data: "database" or "files"; every_hours: how often one is made, 0 = at every write; kept: how many, and
    retention_days: for how long; gb: stored volume of all of them; component: the one that bills them; formula: how
    gb comes about, from `of_gb`, the data they are copies of, or from `log_gb_day`, the log of a day.
    """

    data: Literal["database", "files"]
    generation: Generation
    every_hours: float
    kept: int
    retention_days: float
    gb: float
    component: str
    region: str
    immutable: bool
    formula: str
    of_gb: float
    log_gb_day: float = 0.0


# --- how much --------------------------------------------------------------------------------------------


def changed_share(c: Context, days: float) -> float:
    """Share of the data in which two copies so many days apart differ, 0-1."""
    return 1.0 - math.pow(1.0 - c.assume("backup_change_share"), days)


def chain_gb(c: Context, gb: float, kept: int, days: float, oldest: bool) -> float:
    """Stored GB of `kept` copies of `gb`, so many days apart; oldest: whether they hold the one all others build on."""
    full = 1 if oldest and kept else 0
    return c.assume("backup_size_share") * gb * (full + (kept - full) * changed_share(c, days))


def log_gb_per_day(c: Context) -> float:
    """GB of transaction log in a day at today's average: every item written, as replicated to a second site."""
    return load_of(c).writes_month * c.assume("item_kb") / KB_PER_GB / DAYS_PER_MONTH


def files_changed_gb_month(c: Context) -> float:
    """GB of files written in a month at today's average."""
    writes = load_of(c).origin_requests_month * c.assume("object_writes_per_request")
    return writes * c.requirements.response_kb / KB_PER_GB


def copied_gb_month(c: Context) -> float:
    """GB that copies of the database move to another vault in a month, once the first is there: what changes from
    day to day and, where they leave the region every hour, the log."""
    gb = c.requirements.database_gb * changed_share(c, 1.0)
    if c.choice(_BACKUP) in COPIED_HOURLY:
        gb += log_gb_per_day(c)
    return gb * c.assume("backup_size_share") * DAYS_PER_MONTH


# --- which ones ------------------------------------------------------------------------------------------


def backups_of(c: Context) -> tuple[CopySet, ...]:
    """Every set of copies of the design, once its backups have been decided (worked out once)."""
    if c.backups is None:
        c.backups = (*_kept_by_the_database(c), *_vaults(c), *_files(c))
    return c.backups


def stored_gb(c: Context, component: str) -> float:
    """GB of copies that a component stores."""
    return sum(found.gb for found in backups_of(c) if found.component == component)


def billed_gb(c: Context, service: Service) -> float:
    """GB of its own copies that a database service bills: without those included in its price."""
    included = service.limits.get("backup_included", 0.0) * c.requirements.database_gb
    return max(0.0, stored_gb(c, "database") - included)


def _days_kept(c: Context, service: Service) -> int:
    """For how long a database service keeps log and daily copies itself."""
    return int(min(c.assume("backup_daily_kept"), service.limits.get("backup_retention_days_max", math.inf)))


def _kept_by_the_database(c: Context) -> Iterator[CopySet]:
    service, place = chosen_service(c, "infrastructure.database"), _Place(c, "database", c.region, locked=False)
    days = _days_kept(c, service)
    logged = c.choice(_BACKUP) != "daily"
    by_size = service.limits.get("backup_copies")
    if by_size is None:
        if logged:
            yield place.log(days, c.assume("pitr_interval_minutes") / 60.0)
        yield place.copies("daily", days, oldest=True)
    else:
        yield place.by_size(by_size, days, "log" if logged else "daily")


def _vaults(c: Context) -> Iterator[CopySet]:
    option, away = c.choice(_BACKUP), c.second_region
    locked, hourly = option == IMMUTABLE, option in COPIED_HOURLY
    if away is not None and not hourly:
        yield _Place(c, "backup-2", away, locked).copies("daily", round(c.assume("backup_copies_kept")), oldest=True)
    vault = _Place(c, "backup-2", away, locked) if hourly and away else _Place(c, "backup", c.region, locked)
    if hourly:
        days = _days_kept(c, chosen_service(c, "infrastructure.database"))
        yield vault.log(days, c.assume("backup_copy_interval_minutes") / 60.0)
        yield vault.copies("daily", days, oldest=True)
    yield vault.copies("weekly", round(c.assume("backup_weekly_kept")), oldest=not hourly)
    yield vault.copies("monthly", round(c.assume("backup_monthly_kept")))
    if years := _years(c):
        yield vault.copies("yearly", years)


def _years(c: Context) -> int:
    """Yearly copies beyond those of the months, so that data reaches back as far as the audit logs that speak of it."""
    asked = [int(f.demands.get("min_log_retention_days", 0)) for f in c.frameworks]
    beyond = max(c.requirements.log_retention_days, *asked, 0) - c.assume("backup_monthly_kept") * DAYS_PER_MONTH
    return max(0, math.ceil(beyond / _DAYS["yearly"] - 1e-9))


def _files(c: Context) -> Iterator[CopySet]:
    if c.requirements.object_storage_gb == 0 or c.service("object_storage") is None:
        return
    locked = c.choice(_BACKUP) == IMMUTABLE
    for site in sites_of(c):
        yield _Place(c, site.id("files"), site.region, locked).versions()
    if c.second_region and files_are_copied(c):
        yield _Place(c, "files-2", c.second_region, locked).versions(copy=True)


def files_are_copied(c: Context) -> bool:
    """Whether files are copied to a second region that serves nothing, because no second site has them."""
    return len(sites_of(c)) == 1 and c.second_region is not None and c.choice(_BACKUP) in COPIED_HOURLY


@dataclass(frozen=True, slots=True)
class _Place:
    """Where copies are kept: the component that bills them, its region, and whether they are locked."""

    c: Context
    component: str
    region: Region
    locked: bool

    def log(self, days: int, every_hours: float) -> CopySet:
        """The transaction log of so many days, written to the place every so often."""
        a_day = log_gb_per_day(self.c)
        gb = self.c.assume("backup_size_share") * a_day * days
        formula = "size share x log of a day x days kept"
        found = self._set("log", every_hours, round(days * 24.0 / every_hours), days, gb, formula)
        return replace(found, log_gb_day=a_day)

    def copies(self, generation: Generation, kept: int, oldest: bool = False) -> CopySet:
        """`kept` copies of the database; oldest: whether the chain of the place begins with them."""
        gb, days = self.c.requirements.database_gb, _DAYS[generation]
        chain = f"(1 + {kept - 1} x changed)" if oldest else f"{kept} x changed"
        formula = f"size share x data x {chain}, changed = 1 - (1 - change share)^{days:.3g} days"
        stored = chain_gb(self.c, gb, kept, days, oldest)
        return self._set(generation, 24.0 * days, kept, kept * days, stored, formula)

    def by_size(self, copies: float, days: int, generation: Generation) -> CopySet:
        """What a service bills by the size of the data, whatever it keeps to bring back any moment of these days."""
        gb = self.c.requirements.database_gb * copies
        every = self.c.assume("pitr_interval_minutes") / 60.0 if generation == "log" else 24.0
        kept = round(days * 24.0 / every)
        return self._set(generation, every, kept, days, gb, f"billed by the size of the data x {copies:g}")

    def versions(self, copy: bool = False) -> CopySet:
        """Replaced and deleted files; copy: beside a copy of all files."""
        c, days = self.c, self.c.assume("file_version_days")
        files = c.requirements.object_storage_gb
        gb = min(files, files_changed_gb_month(c) / DAYS_PER_MONTH * days)
        writes = load_of(c).origin_requests_month * c.assume("object_writes_per_request") / DAYS_PER_MONTH * days
        formula = f"at most all files, else what is written in {days:g} days" + (", and a copy of all files" * copy)
        every = c.assume("backup_copy_interval_minutes") / 60.0 if copy else 0.0
        return CopySet("files", "log", every, round(writes), days, gb + files * copy, self.component, self.region.id,
                       self.locked, formula, files)  # fmt: skip

    def _set(self, generation: Generation, every: float, kept: int, days: float, gb: float, formula: str) -> CopySet:
        return CopySet("database", generation, every, kept, days, gb, self.component, self.region.id, self.locked,
                       formula, self.c.requirements.database_gb)  # fmt: skip
