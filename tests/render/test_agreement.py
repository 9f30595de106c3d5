"""One model: what a diagram counts is what the topology counts, the plan says and the bill prices.

The core holds its own figures together (`assess.consistency`); this holds the pictures against them. A picture of
another design is caught, number by number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from devops_workbook.design.model import Topology
from devops_workbook.evaluate import Evaluation
from devops_workbook.render.diagram import draw, views
from devops_workbook.scenario import examples


def disagreements(evaluation: Evaluation, pictured: Topology) -> Iterator[str]:
    """What the views of a topology show that differs from what an evaluation says, sentence by sentence."""
    billed = {line.component for line in evaluation.assessment.cost.lines if line.environment == "production"}
    for view in views(pictured):
        wanted = {c.id: c for c in evaluation.topology.components if view.id in c.views}
        drawn = [c for c in pictured.components if view.id in c.views]
        shown = draw(pictured, view.id).table
        if len(shown) != len(wanted):
            yield f"{view.id}: {len(shown)} components are drawn, {len(wanted)} are in the topology"
        for component, row in zip(drawn, shown, strict=True):
            meant = wanted.get(component.id)
            if meant is None:
                yield f"{view.id}: {component.id} is drawn, and not in the topology"
            elif meant.count > 1 and f"×{meant.count:,}" not in row.what.replace("\N{NO-BREAK SPACE}", " "):
                yield f"{view.id}: {component.id} is drawn as {row.what}, the topology has {meant.count}"
            elif meant.sku not in row.what:
                yield f"{view.id}: {component.id} is drawn as {row.what}, the topology has {meant.sku}"
            elif component.sku and component.count and component.id not in billed:
                yield f"{view.id}: {component.id} is drawn, and nobody bills it"


@pytest.mark.parametrize("name", examples())
def test_diagrams_count_what_the_topology_and_the_bill_count(evaluations: dict[str, Evaluation], name: str) -> None:
    evaluation = evaluations[name]
    assert list(disagreements(evaluation, evaluation.topology)) == []
    compute = evaluation.topology.component("compute")
    assert compute.count == evaluation.assessment.capacity.instances


@pytest.mark.parametrize(
    "change",
    [{"count": 77}, {"sku": "c99.metal"}, {"id": "another"}, {"views": ()}],
    ids=["count", "size", "component", "left out"],
)
def test_a_picture_of_another_design_is_caught(evaluations: dict[str, Evaluation], change: dict[str, object]) -> None:
    evaluation = evaluations["payments-api"]
    others = tuple(replace(c, **change) if c.id == "compute" else c for c in evaluation.topology.components)  # type: ignore[arg-type]
    joined = tuple(
        x for x in evaluation.topology.connections if "compute" not in (x.source, x.target) or "id" not in change
    )
    pictured = replace(evaluation.topology, components=others, connections=joined)
    assert list(disagreements(evaluation, pictured))
