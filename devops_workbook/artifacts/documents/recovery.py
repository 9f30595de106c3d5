"""One page for each disruption: the arithmetic of the RTO as a checklist with a clock, and the exercises that prove it.

The minutes are those of the recovery assessment; the clock of a step is the sum of the steps before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.documents.page import Page
from devops_workbook.assess.model import RecoveryCase
from devops_workbook.render.markdown import escape, join, table

__all__ = ["SECTION", "clock", "recovery_pages"]

SECTION = "Recovery"
_NOT_KNOWN = "not known"


def recovery_pages(b: Blueprint) -> Iterator[Page]:
    """A page for each disruption, and the plan of exercises."""
    for case in b.assessment.recovery.cases:
        yield Page(f"recovery/{case.disruption}.md", case.title, SECTION, tuple(_blocks(b, case)))
    yield Page("recovery/exercises.md", "Exercises", SECTION, tuple(_exercises(b)))


def clock(minutes: float | None) -> str:
    """Minutes as a person reads them off a clock: "0:05", "8:02" (hours and minutes, rounded up); "not known"."""
    if minutes is None:
        return _NOT_KNOWN
    whole = int(-(-minutes // 1))
    return f"{whole // 60}:{whole % 60:02}"


def _blocks(b: Blueprint, case: RecoveryCase) -> Iterator[str]:
    recovery = b.assessment.recovery
    yield table(
        ("", "Worked out", "Target"),
        [("RTO, hours:minutes", clock(case.rto_minutes), clock(recovery.rto_target_minutes)),
         ("RPO, hours:minutes", clock(case.rpo_minutes), clock(recovery.rpo_target_minutes))],
        right=(1, 2),
    )  # fmt: skip
    missed = [name for name, met in (("RTO", case.meets_rto), ("RPO", case.meets_rpo)) if met is False]
    told = f"**The design misses the target of the {' and the '.join(missed)}.** The plan's findings give the ways out."
    yield told if missed else ""
    yield join("## Steps", _checklist(case))
    yield join("## What the minutes rest on", table(
        ("Step", "Minutes", "Source", "As of"),
        [(escape(s.title), _minutes(s.minutes), escape(s.source), escape(s.as_of)) for s in case.steps], right=(1,),
    ))  # fmt: skip
    yield _copies(b, case)
    yield _proved_by(b, case)


def _minutes(minutes: float | None) -> str:
    return _NOT_KNOWN if minutes is None else f"{minutes:g}"


def _checklist(case: RecoveryCase) -> str:
    """Each step with the clock at its end; write the real times beside."""
    known = [s.minutes for s in case.steps]
    if any(m is None for m in known):
        return table(("Done", "Step", "Clock at its end", "Really"),
                     [("☐", escape(s.title), _NOT_KNOWN, "") for s in case.steps])  # fmt: skip
    ends = accumulate(m for m in known if m is not None)
    return table(("Done", "Step", "Clock at its end", "Really"),
                 [("☐", escape(s.title), clock(end), "") for s, end in zip(case.steps, ends, strict=True)],
                 right=(2,))  # fmt: skip


def _copies(b: Blueprint, case: RecoveryCase) -> str:
    if case.disruption not in ("deletion", "ransomware", "region"):
        return ""
    rows = [
        (escape(x.data), escape(x.generation), f"`{x.component}`", escape(x.region), f"{x.retention_days:g}",
         "yes" if x.immutable else "no")
        for x in b.assessment.recovery.backups
    ]  # fmt: skip
    headers = ("Of", "Generation", "In", "Region", "Kept, days", "Nobody can delete it")
    return join("## Copies there are", table(headers, rows, right=(4,))) if rows else ""


def _proved_by(b: Blueprint, case: RecoveryCase) -> str:
    rows = [
        (escape(t.title), f"every {t.every_days} days", clock(t.minutes))
        for t in b.assessment.recovery.tests
        if t.disruption == case.disruption
    ]
    told = "## Proved by"
    if not rows:
        return join(told, "No exercise: the design does not recover from this.")
    return join(told, table(("Exercise", "How often", "Least time it takes"), rows, right=(2,)))


def _exercises(b: Blueprint) -> Iterator[str]:
    tests = b.assessment.recovery.tests
    titles = {c.disruption: c.title for c in b.assessment.recovery.cases}
    yield "A recovery that was not exercised is a wish. Each exercise proves the RTO of one disruption."
    rows = [
        (f"[{escape(titles[t.disruption])}]({t.disruption}.md)", escape(t.title), f"every {t.every_days} days",
         clock(t.minutes))
        for t in tests
    ]  # fmt: skip
    yield table(("Disruption", "Exercise", "How often", "Least time it takes"), rows, right=(3,))
    yield join("## Script of a game day", "\n".join(f"{n}. {escape(step)}" for n, step in enumerate(_SCRIPT, 1)))


_SCRIPT = (
    "A week before: name who leads, who breaks, who repairs and who writes down; tell support and the owners.",
    "Agree on what ends the exercise at once: real users are hurt for longer than the error budget of a day.",
    "Note the state before: traffic, errors, latency, replication lag, newest copy.",
    "Break one thing, without telling those who repair which, and start the clock.",
    "Those who repair use the runbooks and these pages alone; what is missing in them is written down, not told.",
    "Stop the clock when a probe from outside succeeds and the data was compared.",
    "Undo what was broken, and look at the state again.",
    "Within five days: times beside those of the page, what was missing, actions with owners and dates.",
)
