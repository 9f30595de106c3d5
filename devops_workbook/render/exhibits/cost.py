"""What the design costs: the bill of production, the other environments, commitments, and how it grows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from devops_workbook.assess.model import Commitment, Cost, CostLine
from devops_workbook.evaluate import Evaluation
from devops_workbook.outline import OUTLINE
from devops_workbook.render.charts import Bars, Lines, Series
from devops_workbook.render.exhibits.model import Block, Cell, Cited, Exhibit, Figure, Number, Proofs, Table, Text
from devops_workbook.render.figures import NOT_KNOWN, money, percent, price, price_dates, quantity

__all__ = ["cost"]

_TERMS = {"1y": "1 year", "3y": "3 years", "spot": "Spot"}


def cost(evaluation: Evaluation) -> Exhibit:
    """The cost of an evaluation."""
    found = evaluation.assessment.cost
    line = (
        f"{money(found.monthly_usd)} a month, {money(found.production_usd)} of it for production; "
        f"{_fine(found.per_1000_requests_usd)} per 1,000 requests; on demand, prices of {price_dates(found)}"
    )
    return Exhibit("cost", "Cost", line, lambda: tuple(_body(evaluation, found)), slow=True)


def _body(evaluation: Evaluation, found: Cost) -> Iterator[Block]:
    if found.unpriced:
        yield Text(f"Not in the sum, because no price is known: {', '.join(found.unpriced)}.", "trouble")
    yield Text(f"Not part of the sum: {'; '.join(found.excluded)}.")
    yield _sections(found)
    yield _by_section_chart(found)
    yield _environments(found)
    yield _bill(evaluation, found)
    if found.commitments:
        yield _commitments(found.commitments, _titles(evaluation))
    yield _growth_chart(found)
    if found.budget:
        yield Proofs((found.budget.evidence,))
    told = {_of_section(section) for section, _ in found.by_section}
    yield Proofs((*(e for e in found.evidence if e.metric not in told), found.projection.evidence))


_TITLES = {section.id: section.title for section in OUTLINE}


def _fine(usd: float) -> str:
    """An amount that is often a fraction of a cent, to three digits."""
    return price(float(f"{usd:.3g}")) if usd < 1 else money(usd)


def _sections(found: Cost) -> Table:
    rows = [(_TITLES[id], _proved(found, id, amount), _share(found, amount)) for id, amount in found.by_section]
    total = ("All sections", money(found.monthly_usd), _share(found, found.monthly_usd))
    return Table("Cost by section", ("Section", "A month", "Share"), (*rows, total), (1, 2), total=True)


def _of_section(section: str) -> str:
    return f"Cost of {_TITLES[section]}"


def _proved(found: Cost, section: str, amount: float) -> Cell:
    text = _sum(found, section, amount)
    proof = next((e for e in found.evidence if e.metric == _of_section(section)), None)
    return Number(text, proof) if proof else text


def _share(found: Cost, amount: float) -> str:
    return f"{100 * amount / found.monthly_usd:.0f} %" if found.monthly_usd else "–"


def _sum(found: Cost, section: str, amount: float) -> str:
    """What a section costs; what of it is not known is said, never counted as nothing."""
    lines = [line for line in found.lines if line.section == section]
    unknown = [NOT_KNOWN] if any(line.monthly_usd is None for line in lines) else []
    known = [money(amount)] if len(unknown) == 0 or any(line.monthly_usd is not None for line in lines) else []
    return " + ".join(known + unknown)


def _by_section_chart(found: Cost) -> Figure:
    """The sections as bars, the environments in each one stacked."""
    names = [e.id for e in found.environments]
    titles = {e.id: e.title for e in found.environments}
    sums: dict[tuple[str, str], float] = {}
    for line in found.lines:
        sums[line.section, line.environment] = sums.get((line.section, line.environment), 0) + (line.monthly_usd or 0)
    sections = [id for id, _ in found.by_section]
    series = tuple(Series(titles[e], tuple(sums.get((id, e), 0.0) for id in sections)) for e in names)
    bars = Bars("Cost by section and environment", tuple(_TITLES[id] for id in sections), series,
                f"{found.currency} a month")  # fmt: skip
    return Figure(bars, "Where the money goes")


def _environments(found: Cost) -> Table:
    rows = [(e.title, Number(money(e.monthly_usd), e.evidence), " ".join(e.rules) or "–") for e in found.environments]
    return Table("Cost by environment", ("Environment", "A month", "How it differs from production"), tuple(rows), (1,))


def _bill(evaluation: Evaluation, found: Cost) -> Table:
    titles = _titles(evaluation)
    rows, earlier = [], ""
    for line in found.lines:
        if line.environment != "production":
            continue
        rows.append(("" if line.component == earlier else titles.get(line.component, line.component), *_line(line)))
        earlier = line.component
    head = ("Component", "Item", "Quantity a month", "Price of one", "A month", "Source")
    total = ("Production", "", "", "", money(found.production_usd), "")
    return Table(f"The bill of production, in {found.currency}", head, (*rows, total), (2, 3, 4), total=True)


def _titles(evaluation: Evaluation) -> dict[str, str]:
    """Component id -> its title, with its region where another component is called the same."""
    components = evaluation.topology.components
    often = Counter(c.title for c in components)
    return {c.id: f"{c.title}, {c.region}" if often[c.title] > 1 and c.region else c.title for c in components}


def _line(line: CostLine) -> tuple[str | Number | Cited, ...]:
    marks = [line.note, f"price overlay: {line.adjusted}" if line.adjusted else ""]
    item = line.item + "".join(f" ({mark})" for mark in marks if mark)
    return (
        item, quantity(line.quantity, line.unit), _unit_price(line.unit_price_usd),
        Number(money(line.monthly_usd), line.evidence, told=True), Cited("", line.source, line.as_of),
    )  # fmt: skip


def _unit_price(usd: float | None) -> str:
    """A list price has at most six digits; the mean over the tiers of one has as many as the division gives."""
    return price(None if usd is None else float(f"{usd:.6g}"))


def _commitments(found: tuple[Commitment, ...], titles: dict[str, str]) -> Table:
    rows = [
        (
            titles.get(c.component, c.title), _TERMS.get(c.term, c.term), money(c.on_demand_usd),
            Number(money(c.committed_usd), c.evidence), money(c.saving_usd),
            "–" if c.term == "spot" else percent(100 * c.break_even),
        )
        for c in found
    ]  # fmt: skip
    head = ("Component", "Term", "On demand", "Then", "Saved a month", "Pays if it runs more than")
    return Table("What always runs, under other terms", head, tuple(rows), (2, 3, 4, 5))


def _growth_chart(found: Cost) -> Figure:
    months = tuple(float(n) for n in range(len(found.projection.monthly_usd)))
    limit = ("Budget", found.budget.monthly_usd) if found.budget else None
    marks = (("Over budget", float(found.budget.exceeded_in)),) if found.budget and found.budget.exceeded_in else ()
    chart = Lines(
        "Cost a month as the load grows", months, "months from now",
        (Series("Cost a month", found.projection.monthly_usd),), found.currency, marks, limit,
    )  # fmt: skip
    return Figure(chart, f"{money(found.projection.total_usd)} over {len(months)} months")
