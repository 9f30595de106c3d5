"""Recovery: RTO and RPO per disruption, as arithmetic of steps.

RTO is the sum of the steps, RPO the age of the newest copy that survives. The headline figures are the worst of
losing an instance, a zone or a region; corrupted data is a case of its own, because no replica helps against it
and every design restores.
"""

from __future__ import annotations

from devops_workbook.assess.model import Recovery, RecoveryCase, RecoveryStep
from devops_workbook.design import recovery as steps
from devops_workbook.design.context import Context
from devops_workbook.evidence import Evidence, Quantity

__all__ = ["assess_recovery"]

_TITLES = {
    "instance": "Loss of an instance",
    "zone": "Loss of a zone",
    "region": "Loss of the region",
    "data-corruption": "Corrupted or deleted data",
}


def _case(c: Context, case: steps.Recovery) -> RecoveryCase:
    steps = tuple(RecoveryStep(s.title, s.minutes, s.source) for s in case.steps)
    known = case.rto_minutes is not None
    rto = Evidence(
        f"RTO, {_TITLES[case.disruption].lower()}", case.rto_minutes, "min",
        "sum of the steps" if known else "not known: " + next(s.source for s in steps if s.minutes is None),
        tuple(Quantity(s.title, s.minutes, "min") for s in steps),
        "; ".join(dict.fromkeys(s.source for s in steps)), c.catalog.as_of,
    )  # fmt: skip
    rpo = Evidence(
        f"RPO, {_TITLES[case.disruption].lower()}", case.rpo_minutes, "min",
        "age of the newest copy that survives" if case.rpo_minutes is not None else f"no bound: {case.rpo_source}",
        (), case.rpo_source, c.catalog.as_of,
    )  # fmt: skip
    return RecoveryCase(
        case.disruption,
        _TITLES[case.disruption],
        case.rto_minutes,
        case.rpo_minutes,
        None,
        None,
        steps,
        (rto, rpo),
    )


def _worst(values: list[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return max(known) if len(known) == len(values) else None


def assess_recovery(c: Context) -> Recovery:
    """Recovery from every disruption, and the worst of those of the infrastructure against the targets."""
    setup = steps.Setup(
        form=c.choice("disaster_recovery.high_availability"),
        backup=c.choice("disaster_recovery.backup"),
        automatic=c.choice("disaster_recovery.recovery") == "region-failover-automatic",
        database=c.provider.services[c.taken["infrastructure.database"].choice.service],
    )
    cases = tuple(_case(c, case) for case in steps.recovery(c, setup))
    infrastructure = [case for case in cases if case.disruption != "data-corruption"]
    return Recovery(
        _worst([x.rto_minutes for x in infrastructure]),
        _worst([x.rpo_minutes for x in infrastructure]),
        c.requirements.rto_minutes,
        c.requirements.rpo_minutes,
        cases,
        (),
        (),
    )
