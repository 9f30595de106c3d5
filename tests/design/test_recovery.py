"""Recovery as arithmetic of steps: published results, hand-worked ones, and laws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.catalog import load
from devops_workbook.catalog.model import Catalog
from devops_workbook.design.backups import log_gb_per_day
from devops_workbook.design.context import Context
from devops_workbook.design.recovery import Recovery, Setup, Step, recovery, region_case
from devops_workbook.design.reliability import FORMS
from devops_workbook.design.sizing import Load
from devops_workbook.requirements import Requirements

PROVIDERS = tuple(load().providers)
DISRUPTIONS = ["instance", "zone", "region", "deletion", "ransomware"]
KINDS = ("relational", "relational-cluster", "nosql")


def context(catalog: Catalog | None = None, **changes: Any) -> Context:
    """A design in progress whose requests all reach the origin. It writes nothing unless told so."""
    c = Context(Requirements(**{"queries_per_request": 0, **changes}), catalog or load())
    c.loads[""] = Load(c, 0.0)
    return c


def assuming(**values: float) -> Catalog:
    """The catalog with other assumptions."""
    facts = load().assumptions
    return replace(load(), assumptions={**facts, **{name: replace(facts[name], value=v) for name, v in values.items()}})


def cases(
    c: Context, form: str, backup: str = "pitr", automatic: bool = False, kind: str = "relational"
) -> dict[str, Recovery]:
    database = c.service("database", kind)
    assert database is not None
    return {case.disruption: case for case in recovery(c, Setup(form, backup, automatic, database))}


def minutes(case: Recovery, title: str) -> float | None:
    return next(step.minutes for step in case.steps if step.title == title)


# --- published results -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "kind", "low", "high"),
    [
        # RDS Multi-AZ DB instance: "typically 60-120 seconds", Amazon RDS User Guide, Concepts.MultiAZ.Failover
        ("aws", "relational", 60, 120),
        # Aurora with a replica: "typically ... less than 60 seconds", Amazon Aurora User Guide,
        # Concepts.AuroraHighAvailability, section Fault tolerance
        ("aws", "relational-cluster", 0, 60),
        # Cloud SQL: about 60 seconds without a heartbeat, cloud.google.com/sql/docs/postgres/high-availability
        ("gcp", "relational", 60, 60),
        # zone-redundant Azure SQL: typically less than 30 s,
        # learn.microsoft.com/azure/reliability/reliability-sql-database
        ("azure", "relational", 0, 30),
    ],
)
def test_a_standby_takes_over_in_the_documented_time(provider: str, kind: str, low: float, high: float) -> None:
    found = cases(context(provider=provider), "multi-zone", kind=kind)
    for disruption in ("instance", "zone"):
        rto = found[disruption].rto_minutes
        assert rto is not None
        assert low <= rto * 60 <= high


def test_a_service_without_a_time_of_its_own_takes_that_of_its_provider() -> None:
    c = context(provider="aws")
    database = c.service("database", "relational")
    assert database is not None
    for limits, minutes_taken in (({"failover_seconds": 35}, 35 / 60), ({}, 2)):  # the provider's fact: 120 s
        setup = Setup("multi-zone", "pitr", False, replace(database, limits=limits))
        assert recovery(c, setup, ("zone",))[0].rto_minutes == pytest.approx(minutes_taken)


def test_point_in_time_recovery_loses_the_last_five_minutes() -> None:
    # "typically within the last five minutes": latest restorable time, Amazon RDS User Guide, USER_PIT
    assert cases(context(), "multi-zone", backup="pitr")["deletion"].rpo_minutes == 5


def test_the_four_strategies_recover_within_their_published_orders_of_magnitude() -> None:
    # Disaster Recovery of Workloads on AWS: Recovery in the Cloud (whitepaper), figure of the four strategies, and
    # AWS Architecture Blog, Disaster Recovery Architecture on AWS part I: backup and restore hours, pilot light tens of
    # minutes, warm standby minutes, multi-site real-time.
    c = context(database_gb=100)
    found = {form: cases(c, form, "pitr-cross-region", automatic=form != "pilot-light")["region"] for form in FORMS}
    rtos = {form: case.rto_minutes or 0 for form, case in found.items()}
    assert rtos["multi-zone"] >= 60
    assert 10 <= rtos["pilot-light"] < 60
    assert rtos["warm-standby"] < 15
    assert rtos["active-active"] < rtos["warm-standby"] < rtos["pilot-light"] < rtos["multi-zone"]
    assert (found["multi-zone"].rpo_minutes, found["pilot-light"].rpo_minutes) == (60, 1)


@pytest.mark.parametrize(
    ("gb_per_hour", "gb", "seconds"),
    [
        # 8 GB of log at 500 MB/s take about 16 s: thesev1database.com, max_wal_size and recovery time
        (1800, 8, 16),
        # 3 to 4 files of 16 MiB a second: pgsql-general, Is there a way to speed up WAL replay?, 2018-10-31; so 1,000
        # files take 250 to 333 s, and our assumption is the slower
        (180, 1000 * 16 * 2**20 / 1e9, 333),
    ],
)
def test_a_log_is_replayed_at_the_rate_that_was_measured(gb_per_hour: float, gb: float, seconds: float) -> None:
    c = context(assuming(replay_gb_per_hour=gb_per_hour), read_pct=0, queries_per_request=1)
    c.requirements = c.requirements.model_copy(
        update={"average_rps": c.requirements.average_rps * gb / log_gb_per_day(c)}
    )
    c.loads[""] = Load(c, 0.0)
    replayed = minutes(cases(c, "multi-zone")["deletion"], "Replay the log since the snapshot")
    assert replayed is not None
    assert replayed * 60 == pytest.approx(seconds, rel=0.01)


def test_after_ransomware_nothing_can_be_trusted_that_is_younger_than_the_intrusion() -> None:
    # Mandiant M-Trends 2026, section Ransomware: the median dwell time of ransomware of 2025 was nine days.
    found = cases(context(), "multi-zone", backup="pitr-immutable")["ransomware"]
    assert found.rpo_minutes == 9 * 24 * 60 + 60


# --- by hand ---------------------------------------------------------------------------------------------


def test_the_rto_is_the_sum_of_its_steps_and_not_known_if_one_is_not() -> None:
    steps = (Step("Detect", 5.0, ""), Step("Verify", 10.0, ""))
    assert Recovery("zone", steps, 0.0, "").rto_minutes == 15.0
    assert Recovery("zone", (*steps, Step("Wait", None, "")), 0.0, "").rto_minutes is None


def test_a_recovery_of_unknown_length_meets_no_target() -> None:
    known = Recovery("zone", (Step("Verify", 10.0, ""),), 5.0, "")
    assert known.within(10, 5)
    assert not known.within(9, 5)
    assert not known.within(10, 4)
    assert not Recovery("zone", (Step("Wait", None, ""),), 0.0, "").within(1e9, 1e9)
    assert not Recovery("zone", (), None, "").within(1e9, 1e9)


def test_a_lost_region_is_rebuilt_where_there_is_one_site() -> None:
    region = cases(context(database_gb=500), "multi-zone", backup="pitr-cross-region")["region"]
    assert [(step.title, step.minutes) for step in region.steps] == [
        ("Detect", 5), ("Decide", 15), ("Build the second site from code", 20), ("Restore the data", 120),
        ("Replay the log since the snapshot", 0), ("Verify", 10), ("Clients follow DNS to the other region", 1),
    ]  # fmt: skip
    assert (region.rto_minutes, region.rpo_minutes) == (171, 60)


def test_where_only_daily_copies_leave_the_region_there_is_no_log_to_replay() -> None:
    region = cases(context(), "multi-zone", backup="pitr")["region"]
    assert "Replay the log since the snapshot" not in [step.title for step in region.steps]
    assert region.rpo_minutes == 1440


def test_ransomware_is_answered_by_a_clean_room() -> None:
    # 250 GB at 250 GB/h are an hour to restore, and another to search.
    found = cases(context(database_gb=250), "active-active", backup="pitr-immutable")["ransomware"]
    assert [step.minutes for step in found.steps] == [5, 15, 240, 60, 0, 60, 10, 1]
    assert found.rto_minutes == 391


@pytest.mark.parametrize("backup", ["daily", "pitr", "pitr-cross-region"])
def test_ransomware_has_no_answer_without_a_copy_that_nobody_can_delete(backup: str) -> None:
    found = cases(context(), "active-active", backup=backup)["ransomware"]
    assert (found.rto_minutes, found.rpo_minutes) == (None, None)
    assert "immutable" in found.rpo_source


@pytest.mark.parametrize("form", ["pilot-light", "warm-standby", "active-active"])
def test_a_second_site_needs_its_replica_promoted_and_nothing_restored(form: str) -> None:
    titles = [step.title for step in cases(context(), form)["region"].steps]
    assert "Promote the replica in the second region" in titles
    assert "Restore the data" not in titles
    assert cases(context(), form)["region"].rpo_minutes == 1


def test_a_database_that_takes_writes_in_every_region_needs_no_promotion() -> None:
    steps = cases(context(), "active-active", automatic=True, kind="nosql")["region"].steps
    assert [step.title for step in steps] == ["Detect", "Clients follow DNS to the other region"]


def test_a_database_without_instances_replays_its_log_by_itself() -> None:
    c = context(queries_per_request=3)
    replay = "Replay the log since the snapshot"
    assert replay in [step.title for step in cases(c, "multi-zone")["deletion"].steps]
    assert replay not in [step.title for step in cases(c, "multi-zone", kind="nosql")["deletion"].steps]


def test_only_a_person_takes_time_to_decide() -> None:
    manual, automatic = (cases(context(), "warm-standby", automatic=a)["region"] for a in (False, True))
    assert manual.rto_minutes is not None
    assert automatic.rto_minutes is not None
    decided, looked = (context().assume(name) for name in ("decide_minutes", "verify_minutes"))
    assert manual.rto_minutes - automatic.rto_minutes == decided + looked, (
        "who decides also looks before traffic returns"
    )


def test_a_lost_zone_costs_nothing_that_was_written_where_there_is_another() -> None:
    assert cases(context(), "multi-zone")["zone"].rpo_minutes == 0
    assert cases(context(), "single-zone", backup="pitr")["zone"].rpo_minutes == 5
    assert cases(context(), "single-zone", backup="daily")["zone"].rpo_minutes == 1440


def test_a_region_without_a_second_one_is_waited_for() -> None:
    region = cases(context(region="eu-west-2"), "multi-zone")["region"]
    assert (region.rto_minutes, region.rpo_minutes) == (None, None)
    assert "no second region" in region.rpo_source


# --- laws ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_stronger_form_is_never_slower_and_never_loses_more(provider: str) -> None:
    c = context(provider=provider, database_gb=1000, queries_per_request=3)
    for kind in KINDS:
        found = [cases(c, form, "pitr-immutable", kind=kind) for form in FORMS]
        for disruption in DISRUPTIONS:
            rtos = [case[disruption].rto_minutes for case in found]
            rpos = [case[disruption].rpo_minutes for case in found]
            assert None not in rtos
            assert rtos == sorted(rtos, reverse=True), f"{kind}, {disruption}"
            assert rpos == sorted(rpos, reverse=True), f"{kind}, {disruption}"


@given(
    st.sampled_from(FORMS), st.sampled_from(["daily", "pitr", "pitr-cross-region", "pitr-immutable"]),
    st.sampled_from(KINDS), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e4), st.floats(0, 1e4),
)  # fmt: skip
def test_more_data_or_more_writes_never_recover_sooner(
    form: str, backup: str, kind: str, gb: float, more_gb: float, queries: float, more_queries: float
) -> None:
    small = cases(context(database_gb=gb, queries_per_request=queries), form, backup, kind=kind)
    more = {"database_gb": gb + more_gb, "queries_per_request": min(1e4, queries + more_queries)}
    large = cases(context(**more), form, backup, kind=kind)
    for disruption in DISRUPTIONS:
        before, after = small[disruption].rto_minutes, large[disruption].rto_minutes
        assert (before is None) == (after is None)
        assert (after or 0) >= (before or 0) * (1 - 1e-9)
        assert small[disruption].rpo_minutes == large[disruption].rpo_minutes


def test_the_case_of_a_lost_region_is_the_one_in_the_list() -> None:
    c = context()
    database = c.service("database", "relational")
    assert database is not None
    for form in FORMS:
        setup = Setup(form, "pitr", False, database)
        assert region_case(c, setup) == recovery(c, setup)[2]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("form", FORMS)
def test_every_step_says_where_its_minutes_come_from_and_of_when_they_are(provider: str, form: str) -> None:
    found = cases(context(provider=provider), form, "pitr-immutable")
    assert list(found) == DISRUPTIONS
    for case in found.values():
        assert case.steps
        assert all(step.source for step in case.steps)
        assert all(step.as_of or step.source == "redundant by design" for step in case.steps)
        assert case.rpo_source


def test_where_a_region_has_no_zones_the_loss_of_one_is_the_loss_of_the_region() -> None:
    c = context(provider="azure", region="canadaeast", database_gb=100)
    assert c.region.zones < 2
    found = cases(c, "single-zone")
    assert found["zone"].steps == found["region"].steps
    assert (found["zone"].rto_minutes, found["zone"].rpo_minutes) == (
        found["region"].rto_minutes, found["region"].rpo_minutes,
    )  # fmt: skip
    assert "Start instances in another zone" not in {step.title for step in found["zone"].steps}
