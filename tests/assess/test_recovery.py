"""RTO and RPO per disruption, the backups behind them, the exercises that prove them, and their evidence."""

from __future__ import annotations

from typing import Any

import pytest

from devops_workbook.assess.model import Recovery, RecoveryCase, RestoreTest
from devops_workbook.catalog import load
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.units import parse

INFRASTRUCTURE = ("instance", "zone", "region")


def recovery(**changes: Any) -> Recovery:
    return evaluate(Requirements(**changes)).assessment.recovery


def dr(form: str = "multi-zone", backup: str = "pitr", **more: str) -> dict[str, str]:
    return {"disaster_recovery.high_availability": form, "disaster_recovery.backup": backup, **more}


def case(found: Recovery, disruption: str) -> RecoveryCase:
    return next(x for x in found.cases if x.disruption == disruption)


def test_the_steps_add_up_and_the_evidence_repeats_them(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        for found in evaluation.assessment.recovery.cases:
            rto, rpo = found.evidence
            minutes = [step.minutes for step in found.steps]
            assert found.rto_minutes == (None if None in minutes else pytest.approx(sum(m or 0 for m in minutes)))
            assert [(q.name, q.value) for q in rto.inputs] == [(s.title, s.minutes) for s in found.steps]
            assert (rto.value, rpo.value) == (found.rto_minutes, found.rpo_minutes)
            assert rto.source
            assert rto.as_of
            assert rpo.source


def test_there_is_a_case_for_every_disruption(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        found = [x.disruption for x in evaluation.assessment.recovery.cases]
        assert found == [*INFRASTRUCTURE, "deletion", "ransomware"]


def test_the_headline_is_the_worst_of_the_infrastructure_and_not_of_deleted_data() -> None:
    found = recovery(database_gb=5000)
    infrastructure = [x for x in found.cases if x.disruption in INFRASTRUCTURE]
    assert found.rto_minutes == max(x.rto_minutes or 0 for x in infrastructure)
    assert found.rpo_minutes == max(x.rpo_minutes or 0 for x in infrastructure)


def test_each_case_is_held_against_the_targets(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        targets = evaluation.requirements
        for found in evaluation.assessment.recovery.cases:
            for value, target, meets in (
                (found.rto_minutes, targets.rto_minutes, found.meets_rto),
                (found.rpo_minutes, targets.rpo_minutes, found.meets_rpo),
            ):
                assert meets == (None if value is None else value <= target)


def test_a_hand_worked_example() -> None:
    # 100 GB at 250 GB/h are 24 minutes; detect 5, decide 15, verify 10. Nothing is written, so no log is replayed.
    found = recovery(database_gb=100, read_pct=100, overrides=dr(**{"infrastructure.database": "relational"}))
    assert case(found, "deletion").rto_minutes == pytest.approx(5 + 15 + 24 + 10)
    assert case(found, "deletion").rpo_minutes == 5
    assert case(found, "zone").rto_minutes == 2, "RDS fails over within two minutes"
    assert case(found, "zone").rpo_minutes == 0
    assert case(found, "region").rto_minutes == pytest.approx(5 + 15 + 20 + 24 + 10 + 1)
    assert case(found, "ransomware").rto_minutes is None, "the copies can be deleted"


def test_one_case_that_is_not_known_makes_the_headline_not_known() -> None:
    found = recovery(region="eu-west-2")
    assert (found.rto_minutes, found.rpo_minutes) == (None, None)
    assert case(found, "instance").rto_minutes is not None
    assert "not known" in case(found, "region").evidence[0].formula


@pytest.mark.parametrize("provider", load().providers)
@pytest.mark.parametrize("target", [0, 1, 60])
def test_any_target_is_answered_with_figures_or_a_finding(provider: str, target: int) -> None:
    evaluation = evaluate(Requirements(provider=provider, rto_minutes=target, rpo_minutes=target))
    found = evaluation.assessment.recovery
    missed = {
        f"{name}-{x.disruption}"
        for x in found.cases
        for name, meets in (("rto", x.meets_rto), ("rpo", x.meets_rpo))
        if meets is False and x.disruption != "ransomware"
    }
    codes = {f.code for f in evaluation.findings}
    assert missed - codes <= ({"rpo-region"} if "rpo-zero-asynchronous" in codes else set())
    assert codes & {"ransomware-beyond-targets", "no-immutable-copy"}


# --- backups ---------------------------------------------------------------------------------------------


def test_every_set_of_copies_has_a_component_that_bills_it(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        components = {x.id: x for x in evaluation.topology.components}
        found = evaluation.assessment.recovery.backups
        assert found
        assert len({x.evidence.metric for x in found}) == len(found)
        for copies in found:
            assert components[copies.component].region == copies.region
            assert copies.evidence.value == copies.gb
            assert all(parse(q.unit) for q in copies.evidence.inputs)
            assert copies.evidence.source
        for vault in ("backup", "backup-2"):
            if vault in components:
                stored = sum(x.gb for x in found if x.component == vault)
                assert components[vault].usage["backup_gb"] == pytest.approx(stored)


@pytest.mark.parametrize(
    ("form", "backup", "disruption", "data", "generation"),
    [
        ("multi-zone", "daily", "deletion", "database", "daily"),
        ("multi-zone", "pitr", "deletion", "database", "log"),
        ("multi-zone", "pitr", "region", "database", "daily"),
        ("multi-zone", "pitr-cross-region", "region", "database", "log"),
    ],
)
def test_what_is_lost_is_what_is_not_yet_copied(
    form: str, backup: str, disruption: str, data: str, generation: str
) -> None:
    """The RPO of a disruption that is answered by a restore is how often the copy is made that it restores."""
    found = recovery(overrides=dr(form, backup))
    component = "backup-2" if disruption == "region" else "database"
    (copies,) = (x for x in found.backups if (x.component, x.data, x.generation) == (component, data, generation))
    assert case(found, disruption).rpo_minutes == pytest.approx(copies.every_hours * 60)


def test_a_locked_copy_from_before_the_intrusion_is_still_kept() -> None:
    found = recovery(overrides=dr(backup="pitr-immutable"))
    loss = case(found, "ransomware").rpo_minutes
    locked = max(x.retention_days for x in found.backups if x.immutable and x.data == "database")
    assert loss is not None
    assert locked * 24 * 60 > loss


# --- exercises -------------------------------------------------------------------------------------------


def exercises(**changes: Any) -> dict[str, RestoreTest]:
    return {x.disruption: x for x in recovery(**changes).tests}


def test_every_disruption_that_is_recovered_from_is_exercised(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        found = evaluation.assessment.recovery
        assert [x.disruption for x in found.tests] == [x.disruption for x in found.cases if x.rto_minutes is not None]
        metrics = {e.metric for x in found.cases for e in x.evidence}
        for each in found.tests:
            assert each.proves in metrics
            rto = case(found, each.disruption).rto_minutes
            assert 0 <= (each.minutes or 0) <= (rto or 0)
            assert 0 < each.every_days <= 182


def test_an_exercise_begins_when_it_has_been_decided() -> None:
    found = exercises(database_gb=100, read_pct=100, rto_minutes=240, overrides=dr())
    assert found["deletion"].minutes == pytest.approx(24 + 10), "neither detecting nor deciding"


@pytest.mark.parametrize(
    ("changes", "disruption", "days"),
    [
        ({"overrides": dr(backup="pitr")}, "deletion", 30),
        ({"overrides": dr(backup="daily")}, "deletion", 182),
        ({"overrides": dr(backup="daily"), "rto_minutes": 60}, "deletion", 91),
        ({"overrides": dr(backup="daily"), "compliance": ("cis",)}, "deletion", 90),
        ({"overrides": dr()}, "zone", 91),
        ({"overrides": dr("single-zone"), "availability_target_pct": 99}, "zone", 182),
        ({"overrides": dr(backup="pitr")}, "region", 182),
        ({"overrides": dr(backup="pitr-cross-region")}, "region", 91),
        (
            {"overrides": dr("warm-standby", **{"disaster_recovery.recovery": "region-failover-automatic"})},
            "region",
            30,
        ),
        ({"overrides": dr("warm-standby", **{"disaster_recovery.recovery": "region-failover-manual"})}, "region", 182),
        ({"overrides": dr(backup="pitr-immutable")}, "ransomware", 91),
    ],
)
def test_how_often_it_is_due(changes: dict[str, Any], disruption: str, days: int) -> None:
    found = exercises(**{"rto_minutes": 240, "team_size": 20, "on_call": "24x7", **changes})
    assert found[disruption].every_days == days


def test_a_tighter_target_or_a_framework_never_exercises_less() -> None:
    for disruption, loose in exercises(rto_minutes=1440, overrides=dr(backup="pitr-immutable")).items():
        for tighter in ({"rto_minutes": 30}, {"rto_minutes": 1440, "compliance": tuple(load().frameworks)}):
            tight = exercises(**tighter, overrides=dr(backup="pitr-immutable"))
            assert tight[disruption].every_days <= loose.every_days


@pytest.mark.parametrize("backup", ["daily", "pitr", "pitr-cross-region", "pitr-immutable"])
def test_an_rpo_is_the_sum_of_what_its_evidence_names(backup: str) -> None:
    recovery = evaluate(Requirements(overrides={"disaster_recovery.backup": backup})).assessment.recovery
    for case in recovery.cases:
        rpo = case.evidence[1]
        if case.rpo_minutes:
            assert sum(part.value for part in rpo.inputs if isinstance(part.value, float)) == pytest.approx(rpo.value)
    for copies in recovery.backups:
        given = {x.name: x.value for x in copies.evidence.inputs}
        if copies.evidence.formula == "size share x log of a day x days kept":
            product = given["size share"] * given["log of a day"] * given["kept for"]  # type: ignore[operator]
            assert copies.gb == pytest.approx(product)
