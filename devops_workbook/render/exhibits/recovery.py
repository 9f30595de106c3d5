"""How the design recovers: every disruption as arithmetic of steps, the backups it rests on, and how that is proved."""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.assess.model import Recovery, RecoveryCase
from devops_workbook.evaluate import Evaluation
from devops_workbook.render.charts import Bars, Series
from devops_workbook.render.exhibits.model import Block, Cell, Cited, Exhibit, Figure, Number, Table
from devops_workbook.render.figures import duration, quantity, volume

__all__ = ["recovery"]

_MET = {True: "yes", False: "no", None: "not known"}


def recovery(evaluation: Evaluation) -> Exhibit:
    """The recovery of an evaluation."""
    found = evaluation.assessment.recovery
    line = (
        f"Worst of instance, zone and region: {duration(found.rto_minutes)} down, "
        f"{duration(found.rpo_minutes)} of data lost"
    )
    return Exhibit("recovery", "Recovery", line, lambda: tuple(_body(found)), slow=True)


def _body(found: Recovery) -> Iterator[Block]:
    yield _cases(found)
    if chart := _chart(found):
        yield chart
    yield _steps(found)
    if found.backups:
        yield _backups(found)
    if found.tests:
        yield _tests(found)


def _cases(found: Recovery) -> Table:
    rows = [
        (
            case.title, _shown(case, "RTO", case.rto_minutes), _MET[case.meets_rto],
            _shown(case, "RPO", case.rpo_minutes), _MET[case.meets_rpo],
        )
        for case in found.cases
    ]  # fmt: skip
    targets = ("Target", duration(found.rto_target_minutes), "", duration(found.rpo_target_minutes), "")
    head = ("Disruption", "Time to recover (RTO)", "Met", "Data lost (RPO)", "Met")
    return Table("Recovery by disruption", head, (*rows, targets), (1, 3), total=True)


def _shown(case: RecoveryCase, name: str, minutes: float | None) -> Cell:
    proof = next((e for e in case.evidence if e.metric.startswith(name)), None)
    return Number(duration(minutes), proof) if proof else duration(minutes)


def _chart(found: Recovery) -> Figure | None:
    """The steps of every disruption whose length is known, stacked against the target."""
    cases = [case for case in found.cases if case.rto_minutes is not None]
    if not cases:
        return None
    longest = max(case.rto_minutes or 0 for case in cases)
    unit, size = ("hours", 60.0) if longest > _HOURS_FROM else ("minutes", 1.0)
    series = tuple(Series(s.name, tuple(value / size for value in s.values)) for s in _series(cases))
    limit = ("RTO target", found.rto_target_minutes / size)
    # A target far beyond every bar would leave no room for the bars.
    chart = Bars(
        "What the time to recover is spent on", tuple(case.title for case in cases), series, unit,
        limit if limit[1] <= 3 * longest / size else None, tuple(duration(case.rto_minutes) for case in cases),
    )  # fmt: skip
    return Figure(chart, "Time to recover, step by step")


_HOURS_FROM = 300  # minutes; longer disruptions are drawn in hours
_NAMED = 6  # steps told apart in the chart; the shorter ones are told together
_OTHERS = "Shorter steps"


def _series(cases: list[RecoveryCase]) -> tuple[Series, ...]:
    """The steps that take longest in any case, each as a series, and all others as one."""
    longest: dict[str, float] = {}
    for step in (step for case in cases for step in case.steps if step.minutes):
        longest[step.title] = max(longest.get(step.title, 0.0), step.minutes or 0.0)
    named = sorted(longest, key=lambda title: -longest[title])[:_NAMED]

    def minutes(case: RecoveryCase, title: str) -> float:
        alike = (s for s in case.steps if (s.title if s.title in named else _OTHERS) == title)
        return sum(s.minutes or 0.0 for s in alike)

    titles = [title for title in longest if title in named] + [_OTHERS] * (len(longest) > _NAMED)
    return tuple(Series(title, tuple(minutes(case, title) for case in cases)) for title in titles)


def _steps(found: Recovery) -> Table:
    rows = [
        (case.title if n == 0 else "", step.title, duration(step.minutes), Cited(step.source, step.source, step.as_of))
        for case in found.cases
        for n, step in enumerate(case.steps)
    ]
    return Table("Steps of each recovery", ("Disruption", "Step", "Takes", "Rests on"), tuple(rows), (2,))


def _backups(found: Recovery) -> Table:
    rows = [
        (
            f"{b.data.capitalize()}, {b.generation if b.every_hours else 'versions'}", _made(b.every_hours),
            quantity(b.kept) if b.every_hours else "all",
            duration(1440 * b.retention_days), Number(volume(b.gb), b.evidence), b.region or "–",
            "yes" if b.immutable else "no",
        )
        for b in found.backups
    ]  # fmt: skip
    head = ("Backups", "Made", "Copies", "Kept for", "Stored", "Region", "Immutable")
    return Table("Backups, generation by generation", head, tuple(rows), (2, 3, 4))


def _made(every_hours: float) -> str:
    return f"every {duration(60 * every_hours)}" if every_hours else "at every write"


def _tests(found: Recovery) -> Table:
    rows = [(t.title, _every(t.every_days), duration(t.minutes), t.proves) for t in found.tests]
    return Table("Restore tests", ("Test", "When", "Takes", "What it proves"), tuple(rows), (2,))


def _every(days: int) -> str:
    return "every day" if days == 1 else f"every {days} days"
