"""Recovery as arithmetic of steps."""

from __future__ import annotations

from typing import Any

import pytest

from devops_workbook.catalog import load
from devops_workbook.design.context import Context
from devops_workbook.design.recovery import Recovery, Setup, Step, recovery
from devops_workbook.design.reliability import FORMS
from devops_workbook.requirements import Requirements

PROVIDERS = tuple(load().providers)


def context(**changes: Any) -> Context:
    return Context(Requirements(**changes), load())


def cases(
    c: Context, form: str, backup: str = "pitr", automatic: bool = False, kind: str = "relational"
) -> dict[str, Recovery]:
    database = c.service("database", kind)
    assert database is not None
    return {case.disruption: case for case in recovery(c, Setup(form, backup, automatic, database))}


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


def test_a_restore_takes_as_long_as_the_data_is_large() -> None:
    for gb in (0, 250, 5000):
        steps = cases(context(database_gb=gb), "multi-zone")["data-corruption"].steps
        restore = next(step for step in steps if step.title == "Restore the data")
        assert restore.minutes == pytest.approx(gb / 250 * 60)


def test_a_lost_region_is_rebuilt_where_there_is_one_site() -> None:
    region = cases(context(database_gb=500), "multi-zone", backup="pitr-cross-region")["region"]
    assert [(step.title, step.minutes) for step in region.steps] == [
        ("Detect", 5), ("Decide", 15), ("Build the second site from code", 20), ("Restore the data", 120),
        ("Verify", 10), ("Clients follow DNS to the other region", 1),
    ]  # fmt: skip
    assert (region.rto_minutes, region.rpo_minutes) == (171, 60)
    assert cases(context(), "multi-zone", backup="pitr")["region"].rpo_minutes == 1440


@pytest.mark.parametrize("form", ["pilot-light", "warm-standby", "active-active"])
def test_a_second_site_needs_its_replica_promoted_and_nothing_restored(form: str) -> None:
    titles = [step.title for step in cases(context(), form)["region"].steps]
    assert "Promote the replica in the second region" in titles
    assert "Restore the data" not in titles
    assert cases(context(), form)["region"].rpo_minutes == 1


def test_a_database_that_takes_writes_in_every_region_needs_no_promotion() -> None:
    steps = cases(context(), "active-active", automatic=True, kind="nosql")["region"].steps
    assert [step.title for step in steps] == ["Detect", "Clients follow DNS to the other region"]


def test_only_a_person_takes_time_to_decide() -> None:
    manual, automatic = (cases(context(), "warm-standby", automatic=a)["region"] for a in (False, True))
    assert manual.rto_minutes is not None
    assert automatic.rto_minutes is not None
    assert manual.rto_minutes - automatic.rto_minutes == context().assume("decide_minutes")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_stronger_form_is_never_slower_and_never_loses_more(provider: str) -> None:
    c = context(provider=provider, database_gb=1000)
    for kind in ("relational", "relational-cluster", "nosql"):
        found = [cases(c, form, "pitr-immutable", kind=kind) for form in FORMS]
        for disruption in ("instance", "zone", "region", "data-corruption"):
            rtos = [case[disruption].rto_minutes for case in found]
            rpos = [case[disruption].rpo_minutes for case in found]
            assert None not in rtos
            assert rtos == sorted(rtos, reverse=True), f"{kind}, {disruption}"
            assert rpos == sorted(rpos, reverse=True), f"{kind}, {disruption}"


def test_a_lost_zone_costs_nothing_that_was_written_where_there_is_another() -> None:
    assert cases(context(), "multi-zone")["zone"].rpo_minutes == 0
    assert cases(context(), "single-zone", backup="pitr")["zone"].rpo_minutes == 5
    assert cases(context(), "single-zone", backup="daily")["zone"].rpo_minutes == 1440


def test_a_region_without_a_second_one_is_waited_for() -> None:
    region = cases(context(region="eu-west-2"), "multi-zone")["region"]
    assert (region.rto_minutes, region.rpo_minutes) == (None, None)
    assert "no second region" in region.rpo_source


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("form", FORMS)
def test_every_step_says_where_its_minutes_come_from(provider: str, form: str) -> None:
    for case in cases(context(provider=provider), form).values():
        assert case.steps
        assert all(step.source for step in case.steps)
        assert case.rpo_source
