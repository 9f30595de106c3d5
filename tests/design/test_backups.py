"""Backups: which copies are kept, how much they take up, and who bills them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.catalog import load
from devops_workbook.catalog.model import Catalog
from devops_workbook.design.backups import CopySet, backups_of, billed_gb, chain_gb, changed_share, log_gb_per_day
from devops_workbook.design.context import Context
from devops_workbook.design.decide import decide_all
from devops_workbook.design.sites import chosen_service
from devops_workbook.design.topology import build
from devops_workbook.requirements import Requirements

PROVIDERS = tuple(load().providers)
BACKUPS = ("daily", "pitr", "pitr-cross-region", "pitr-immutable")


def assuming(**values: float) -> Catalog:
    """The catalog with other assumptions."""
    facts = load().assumptions
    return replace(load(), assumptions={**facts, **{name: replace(facts[name], value=v) for name, v in values.items()}})


def decided(backup: str = "pitr", catalog: Catalog | None = None, form: str = "multi-zone", **changes: Any) -> Context:
    kind = changes.pop("database", "relational")
    overrides = {
        "disaster_recovery.backup": backup, "disaster_recovery.high_availability": form,
        "infrastructure.database": kind, "scaling.caching": "none",
    }  # fmt: skip
    c = Context(
        Requirements(**{"database_gb": 100, "team_size": 20, **changes, "overrides": overrides}), catalog or load()
    )
    decide_all(c)
    assert c.choice("disaster_recovery.backup") == backup
    return c


def sets(c: Context, component: str) -> Mapping[str, CopySet]:
    return {found.generation: found for found in backups_of(c) if found.component == component}


# --- published results -----------------------------------------------------------------------------------


def test_the_usual_capacity_formula() -> None:
    # T. Dewin (Veeam), Restore Point Simulator, sudonull.com/post/94688: Backup Size = C x (F x Data + R x D x Data),
    # with its default values C = 50 %, F = 1, R = 14, D = 10 %.
    c = decided(catalog=assuming(backup_size_share=0.5, backup_change_share=0.1))
    assert chain_gb(c, 1000, 15, 1.0, oldest=True) == pytest.approx(0.5 * (1 * 1000 + 14 * 0.1 * 1000))


def test_what_changes_every_time_is_stored_every_time() -> None:
    # agentcalc.com/gfs-backup-storage-calculator: total = F x W + F x M + I x D, where fathers and grandfathers are
    # full copies. So it is where everything has changed from one to the next.
    c = decided(catalog=assuming(backup_size_share=1.0, backup_change_share=1.0))
    assert chain_gb(c, 500, 4, 7.0, oldest=False) + chain_gb(c, 500, 12, 30.0, oldest=False) == 500 * 4 + 500 * 12


def test_a_year_of_grandfather_father_son_is_seventeen_copies() -> None:
    # storagemath.org/backup-capacity-calculator: 4 weekly + 12 monthly + 1 yearly = 17
    catalog = assuming(backup_weekly_kept=4, backup_monthly_kept=12)
    found = sets(decided("pitr", catalog, log_retention_days=730), "backup")
    assert {name: x.kept for name, x in found.items()} == {"weekly": 4, "monthly": 12, "yearly": 1}


@pytest.mark.parametrize(
    ("today", "daily", "monthly", "oldest_daily", "oldest_monthly"),
    [
        # borg prune --keep-daily 14 --keep-monthly 6, with no backup on one of the days:
        # github.com/borgbackup/borg, docs/misc/prune-example.txt
        (date(2016, 1, 1), 14, 6, date(2015, 12, 17), date(2015, 6, 30)),
        # dates_to_keep(backups, days=7, weeks=4, months=3): the documented example of the package GrandFatherSon 1.3
        (date(1999, 12, 31), 7, 3, date(1999, 12, 25), date(1999, 10, 1)),
    ],
)
def test_copies_reach_back_as_far_as_in_other_rotations(
    today: date, daily: int, monthly: int, oldest_daily: date, oldest_monthly: date
) -> None:
    c = decided("pitr", assuming(backup_daily_kept=daily, backup_monthly_kept=monthly))
    sons, grandfathers = sets(c, "database")["daily"], sets(c, "backup")["monthly"]
    assert (sons.kept, grandfathers.kept) == (daily, monthly)
    assert sons.retention_days == pytest.approx((today - oldest_daily).days, abs=1)
    assert grandfathers.retention_days == pytest.approx((today - oldest_monthly).days, abs=3)


def test_azure_sql_bills_what_exceeds_the_size_of_the_data() -> None:
    # Automated backups in Azure SQL Database (MicrosoftDocs): total billable backup storage = full + differential + log
    # backups - maximum data storage; as much as that is provided at no extra charge.
    c = decided("pitr", provider="azure")
    held = sets(c, "database")
    service = chosen_service(c, "infrastructure.database")
    assert billed_gb(c, service) == pytest.approx(max(0, held["daily"].gb + held["log"].gb - 100))


# --- by hand ---------------------------------------------------------------------------------------------


def test_sons_fathers_and_grandfathers_of_a_hundred_gigabytes() -> None:
    # Half the size; 5 % change in a day, so 1 - 0.95^7 = 30.2 % in a week and 1 - 0.95^30.42 = 79.0 % in a month.
    c = decided("pitr")
    assert sets(c, "database")["daily"].gb == pytest.approx(0.5 * 100 * (1 + 29 * 0.05))
    vault = sets(c, "backup")
    assert vault["weekly"].gb == pytest.approx(0.5 * 100 * (1 + 11 * 0.30166), rel=1e-4)
    assert vault["monthly"].gb == pytest.approx(0.5 * 100 * 12 * 0.78991, rel=1e-4)
    assert "yearly" not in vault
    assert sets(c, "backup-2")["daily"].gb == pytest.approx(0.5 * 100 * (1 + 6 * 0.05))


def test_the_log_is_what_is_replicated_to_a_second_site() -> None:
    c = decided("pitr", form="warm-standby")
    replica = next(x for x in build(c).connections if (x.source, x.target) == ("database", "database-2"))
    assert log_gb_per_day(c) * 730 / 24 == pytest.approx(replica.gb_month)
    assert sets(c, "database")["log"].gb == pytest.approx(0.5 * log_gb_per_day(c) * 30)


def test_copies_that_leave_the_region_every_hour_take_the_old_ones_with_them() -> None:
    for backup in ("pitr-cross-region", "pitr-immutable"):
        c = decided(backup)
        assert not sets(c, "backup")
        away = sets(c, "backup-2")
        assert list(away) == ["log", "daily", "weekly", "monthly"]
        assert {x.region for x in away.values()} == {c.second_region.id if c.second_region else ""}
        assert (away["log"].every_hours, away["daily"].every_hours) == (1, 24)
        # The oldest copy is held once: by the daily ones here, by the weekly ones where those are alone.
        assert away["weekly"].gb < sets(decided("pitr"), "backup")["weekly"].gb


def test_only_the_locked_ones_are_locked() -> None:
    assert not any(found.immutable for found in backups_of(decided("pitr-cross-region")))
    locked = {found.component for found in backups_of(decided("pitr-immutable")) if found.immutable}
    assert locked == {"backup-2", "files", "files-2"}, "not those that the database itself keeps"


def test_without_a_second_region_the_lock_is_at_home() -> None:
    c = decided("pitr-immutable", region="eu-west-2")
    assert list(sets(c, "backup")) == ["log", "daily", "weekly", "monthly"]
    assert all(found.immutable for found in sets(c, "backup").values())
    assert not sets(c, "backup-2")


def test_copies_reach_back_as_far_as_the_audit_logs() -> None:
    def years(**changes: Any) -> int:
        found = sets(decided("pitr", **changes), "backup")
        return found["yearly"].kept if "yearly" in found else 0

    assert years(log_retention_days=365) == 0
    assert years(log_retention_days=366) == 1
    assert years(log_retention_days=7 * 365) == 6
    assert years(log_retention_days=30, compliance=("pci-dss",)) == 0, "a year, which the months cover"


def test_a_service_that_bills_by_the_size_of_the_data_bills_that() -> None:
    c = decided("pitr", data_model="key-value", database="nosql")
    held = sets(c, "database")
    assert list(held) == ["log"]
    assert held["log"].gb == billed_gb(c, chosen_service(c, "infrastructure.database")) == 100
    assert "weekly" in sets(c, "backup"), "what its window does not hold is in the vault"


def test_files_keep_versions_and_are_copied_only_where_nothing_else_is_there() -> None:
    c = decided("pitr-cross-region", object_storage_gb=1000)
    assert sets(c, "files-2")["log"].gb == pytest.approx(1000 + sets(c, "files")["log"].gb)
    two_sites = decided("pitr-cross-region", form="warm-standby", object_storage_gb=1000)
    assert sets(two_sites, "files-2")["log"].gb == pytest.approx(sets(two_sites, "files")["log"].gb)
    assert not sets(decided("pitr", object_storage_gb=1000), "files-2")
    assert not sets(decided("pitr-cross-region", object_storage_gb=0), "files")
    busy = decided("pitr", object_storage_gb=1, average_rps=1000, peak_rps=1000)
    assert sets(busy, "files")["log"].gb == 1, "versions beyond all files are versions of the same ones"


# --- laws ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("backup", BACKUPS)
@pytest.mark.parametrize("form", ["single-zone", "multi-zone", "active-active"])
@pytest.mark.parametrize("kind", ["relational", "relational-cluster", "nosql"])
def test_what_the_sets_add_up_to_is_what_their_component_bills(
    provider: str, backup: str, form: str, kind: str
) -> None:
    model = "key-value" if kind == "nosql" else "relational"
    c = decided(backup, provider=provider, form=form, database=kind, data_model=model)
    topology, service = build(c), chosen_service(c, "infrastructure.database")
    stored: dict[str, float] = {}
    for found in backups_of(c):
        assert topology.component(found.component).region == found.region
        stored[found.component] = stored.get(found.component, 0) + found.gb
    included = service.limits.get("backup_included", 0) * 100
    assert topology.component("database").usage["backup_gb"] == pytest.approx(max(0, stored.pop("database") - included))
    for component, gb in stored.items():
        usage = topology.component(component).usage
        assert usage.get("backup_gb", usage.get("storage_ia_gb")) == pytest.approx(gb), component
    for vault in ("backup", "backup-2"):
        assert topology.component(vault).usage["backup_gb"] == pytest.approx(stored.get(vault, 0))


KEPT = ("backup_daily_kept", "backup_weekly_kept", "backup_monthly_kept", "backup_copies_kept", "file_version_days")


@pytest.mark.parametrize("backup", BACKUPS)
@pytest.mark.parametrize("name", KEPT)
def test_longer_retention_never_stores_less(backup: str, name: str) -> None:
    def stored(kept: float) -> float:
        return sum(found.gb for found in backups_of(decided(backup, assuming(**{name: kept}), log_retention_days=30)))

    found = [stored(kept) for kept in (1, 2, 7, 30, 35)]
    assert found == sorted(found)


@given(st.floats(0, 1e6), st.integers(0, 60), st.floats(1, 400), st.booleans())
def test_a_chain_grows_with_each_copy_by_no_more_than_a_full_one(
    gb: float, kept: int, days: float, oldest: bool
) -> None:
    c = Context(Requirements(), load())
    size, one_more = chain_gb(c, gb, kept, days, oldest), chain_gb(c, gb, kept + 1, days, oldest)
    full = c.assume("backup_size_share") * gb
    assert size <= one_more <= size + full * (1 + 1e-9)
    assert one_more >= (full if oldest else 0)


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_what_changes_grows_with_time_and_is_never_more_than_all(days: float, longer: float) -> None:
    c = Context(Requirements(), load())
    assert 0 <= changed_share(c, days) <= changed_share(c, days + longer) <= 1


def test_the_plan_states_the_retention_that_is_priced() -> None:
    c = Context(Requirements(), load())
    kept = [round(c.assume(f"backup_{name}_kept")) for name in ("daily", "weekly", "monthly")]
    stated = f"{kept[0]} daily, {kept[1]} weekly, {kept[2]} monthly"
    for option in c.catalog.options["disaster_recovery.backup"].values():
        assert any(stated in text for _, text in option["detail"])
    locked = c.catalog.options["disaster_recovery.backup"]["pitr-immutable"]["detail"]
    assert any(f"{kept[0]} days" in text for label, text in locked if label == "Lock")
    assert f"{c.assume('file_version_days'):g} days" in str(locked)
