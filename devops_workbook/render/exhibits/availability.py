"""How available the design is promised to be: journey by journey, part by part, and what to fix first."""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.assess.model import Availability
from devops_workbook.assess.model import Block as ReliabilityBlock
from devops_workbook.evaluate import Evaluation
from devops_workbook.render.charts import Bars, Series
from devops_workbook.render.exhibits.model import Block, Exhibit, Figure, Number, Proofs, Table, Text
from devops_workbook.render.figures import duration, percent

__all__ = ["availability"]

_PROMISE = (
    "These are the providers' promises put together. A service level agreement says what a provider refunds, not what "
    "happens; hold the result against measured availability once the system runs."
)


def availability(evaluation: Evaluation) -> Exhibit:
    """The availability of an evaluation."""
    found = evaluation.assessment.availability
    line = (
        f"{percent(found.pct, 4)}, down {duration(found.downtime_minutes_month)} a month; "
        f"error budget {duration(found.error_budget_minutes_month)}"
    )
    return Exhibit("availability", "Availability", line, lambda: tuple(_body(found)), slow=True)


def _body(found: Availability) -> Iterator[Block]:
    target = f"Target {percent(found.target_pct, 4)}, which leaves an error budget of "
    yield Text(f"{target}{duration(found.error_budget_minutes_month)} a month. {_PROMISE}")
    yield _journeys(found)
    yield _parts(found)
    if any(part.pct is not None and (found.pct or 0.0) > part.pct for part in found.parts):
        yield Text("The parts are those of one site. Together with the second site they promise more than alone.")
    if found.contributions:
        yield _contributions(found)
    yield Proofs(found.evidence)


def _journeys(found: Availability) -> Table:
    rows = [
        (j.title, Number(percent(j.pct, 4), j.evidence), duration(j.minutes_year), _in_words(j.block))
        for j in found.journeys
    ]
    head = ("Journey", "Promised", "Down a year", "Needs")
    return Table("Availability by user journey", head, tuple(rows), (1, 2))


def _in_words(block: ReliabilityBlock) -> str:
    """A block diagram as a sentence: series with arrows, alternatives with their numbers."""
    if block.kind == "part":
        return block.title
    if block.kind == "k-of-n":
        return f"{block.title} ({block.detail})"
    # Two sites that are built alike are told once, and so is what a path needs twice.
    parts = dict.fromkeys(_in_words(child) for child in block.children)
    if block.kind == "series":
        return " → ".join(parts)
    return f"{block.title} ({block.detail}), {'each' if len(parts) == 1 else 'one'} with {' or '.join(parts)}"


_FORMS = {
    "multi-zone": "several zones", "zonal": "one zone", "single": "one instance", "regional": "the region",
    "multi-region": "several regions", "global": "the world",
}  # fmt: skip


def _parts(found: Availability) -> Table:
    rows = [
        (
            p.title, _FORMS.get(p.form, p.form), Number(percent(p.pct, 4), p.evidence), duration(p.minutes_month),
            p.evidence.as_of,
        )
        for p in found.parts
    ]  # fmt: skip
    whole = ("Whole path", "", percent(found.pct, 4), duration(found.downtime_minutes_month), "")
    head = ("Part of the path", "Spread over", "Promised", "Down a month", "As of")
    return Table("Availability along the users' path", head, (*rows, whole), (2, 3), total=True)


def _contributions(found: Availability) -> Figure:
    chart = Bars(
        "Downtime a year, by what causes it", tuple(c.title for c in found.contributions),
        (Series("downtime", tuple(c.minutes_year for c in found.contributions)),), "minutes a year",
    )  # fmt: skip
    return Figure(chart, f"What to fix first: {found.contributions[0].title}")
