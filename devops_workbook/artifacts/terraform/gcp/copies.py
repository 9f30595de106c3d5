"""Which copies of the database its service keeps itself, where the plan wants them, and which must be made besides."""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.gcp.data.firestore import multi_region
from devops_workbook.artifacts.terraform.gcp.parts import kept, whole_days
from devops_workbook.assess.model import BackupSet

__all__ = ["VAULTS", "exported", "own_days"]

VAULTS = ("backup", "backup-2")


def exported(b: Blueprint) -> Iterator[BackupSet]:
    """The sets of copies of the database that the service does not keep itself, the first region's first."""
    for component in VAULTS:
        yield from (s for s in kept(b, component) if s.data == "database" and not _own(b, s))


def own_days(b: Blueprint, component: str, generation: str) -> int:
    """For how many days the service itself keeps a generation for a component; 0 = it does not."""
    found = (s for s in kept(b, component) if s.data == "database" and s.generation == generation and _own(b, s))
    return next((whole_days(s.retention_days) for s in found), 0)


def _own(b: Blueprint, s: BackupSet) -> bool:
    """Whether the database service itself keeps a set where the plan wants it. Nobody can lock what it keeps; that a
    log leaves the region at all is worth more than that."""
    if s.component == "database":
        return True
    service = b.component("database").service
    here = {
        # The secondary cluster keeps log and nightly copies of its own.
        "alloydb": s.component == "backup-2" and len(b.sites) > 1 and s.generation != "weekly",
        "firestore": s.component == "backup" or bool(multi_region(b)),
    }
    nightly = s.generation in ("daily", "weekly") and not s.immutable
    return here.get(service, False) and (s.generation == "log" or nightly)
