"""What running the design emits, component by component."""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.assess.model import Carbon
from devops_workbook.evaluate import Evaluation
from devops_workbook.render.exhibits.model import Block, Exhibit, Number, Proofs, Table, Text
from devops_workbook.render.figures import NOT_KNOWN, quantity

__all__ = ["carbon"]


def carbon(evaluation: Evaluation) -> Exhibit:
    """The emissions of an evaluation."""
    found = evaluation.assessment.carbon
    grid = quantity(found.grid_gco2e_per_kwh, "gCO2e/kWh")
    line = f"{quantity(found.kgco2e_month, 'kgCO2e')} a month on a grid of {grid}"
    titles = {c.id: c.title for c in evaluation.topology.components}
    return Exhibit("carbon", "Carbon", line, lambda: tuple(_body(found, titles)))


def _body(found: Carbon, titles: dict[str, str]) -> Iterator[Block]:
    rows = [
        (
            titles.get(x.component, x.component), x.region or "global", _fine(x.kwh),
            Number(_fine(x.kgco2e), x.evidence),
        )
        for x in sorted(found.lines, key=lambda line: -line.kwh)
    ]  # fmt: skip
    total = ("All", "", _fine(sum(x.kwh for x in found.lines)), _fine(found.kgco2e_month))
    if rows:
        head = ("Component", "Region", "Energy, kWh a month", "Emissions, kgCO2e a month")
        yield Table("Emissions by component", head, (*rows, total), (2, 3), total=True)
    if found.excluded:
        yield Text(f"Not in the figure: {'; '.join(found.excluded)}.")
    yield Proofs(found.evidence)


def _fine(amount: float | None) -> str:
    """Two decimals, so that a column can be compared; what is less is said to be less, not nothing."""
    if amount is None:
        return NOT_KNOWN
    return "under 0.01" if 0 < amount < 0.005 else f"{amount:,.2f}"
