"""What running the design emits, component by component."""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.assess.model import Carbon
from devops_workbook.evaluate import Evaluation
from devops_workbook.render.exhibits.model import Block, Exhibit, Number, Proofs, Table, Text
from devops_workbook.render.figures import quantity

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
            titles.get(x.component, x.component), x.region, quantity(x.kwh, "kWh"),
            Number(quantity(x.kgco2e, "kgCO2e"), x.evidence),
        )
        for x in sorted(found.lines, key=lambda line: -line.kwh)
    ]  # fmt: skip
    total = ("All", "", quantity(sum(x.kwh for x in found.lines), "kWh"), quantity(found.kgco2e_month, "kgCO2e"))
    if rows:
        head = ("Component", "Region", "Energy a month", "Emissions a month")
        yield Table("Emissions by component", head, (*rows, total), (2, 3), total=True)
    if found.excluded:
        yield Text(f"Not in the figure: {'; '.join(found.excluded)}.")
    yield Proofs(found.evidence)
