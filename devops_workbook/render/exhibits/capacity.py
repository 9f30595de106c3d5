"""What carries the load: workers, replicas and machines, the table over other counts, and the edges."""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.assess.model import Capacity, Replicas
from devops_workbook.evaluate import Evaluation
from devops_workbook.render.charts import Lines, Series
from devops_workbook.render.exhibits.model import Block, Exhibit, Figure, Proofs, Table
from devops_workbook.render.figures import percent, quantity

__all__ = ["capacity"]


def capacity(evaluation: Evaluation) -> Exhibit:
    """The capacity of an evaluation."""
    found = evaluation.assessment.capacity
    line = (
        f"{quantity(found.replicas)} replicas serve {quantity(found.workers)} requests at once, "
        f"{percent(100 * found.utilisation)} busy at the planned peak of {quantity(found.planned_rps, 'req/s')}; "
        f"99 of 100 answers come within {quantity(found.p99_ms, 'ms')}"
    )
    target = evaluation.requirements.p99_latency_ms
    return Exhibit("capacity", "Capacity", line, lambda: tuple(_body(found, target)), slow=True)


def _body(found: Capacity, target: float) -> Iterator[Block]:
    if found.table:
        yield _table(found)
        yield from _chart(found, target)
    if found.packing:
        yield _packing(found)
        yield Proofs(found.packing.evidence)
    if found.connections:
        yield Proofs(found.connections.evidence)
    if found.cold_cache:
        yield Proofs(found.cold_cache.evidence)
    yield Proofs(found.evidence)


def _table(found: Capacity) -> Table:
    rows = [
        (
            f"{quantity(row.replicas)}{_mark(row)}", quantity(row.workers), percent(100 * row.utilisation, 1),
            percent(100 * row.waiting, 2), _ms(row.wait_p99_ms), _ms(row.p99_ms), "yes" if row.meets else "no",
        )
        for row in found.table
    ]  # fmt: skip
    head = ("Replicas", "Workers", "Busy", "Chance to wait", "Wait, p99", "Response, p99", "Meets the target")
    return Table("What other counts of replicas would give at the design load", head, tuple(rows), (1, 2, 3, 4, 5))


def _mark(row: Replicas) -> str:
    marks = ["chosen" if row.chosen else "", "left when a zone is lost" if row.lost_zone else ""]
    return "".join(f" ({mark})" for mark in marks if mark)


def _ms(value: float | None) -> str:
    return "grows without end" if value is None else quantity(value, "ms")


def _chart(found: Capacity, target: float) -> Iterator[Figure]:
    rows = [row for row in found.table if row.p99_ms is not None]
    if len(rows) < 2:
        return
    marks = [("One zone lost" if row.lost_zone and not row.chosen else "Chosen", float(row.replicas))
             for row in rows if row.chosen or row.lost_zone]  # fmt: skip
    chart = Lines(
        "Response time by number of replicas", tuple(float(row.replicas) for row in rows), "replicas",
        (Series("Response, p99", tuple(row.p99_ms or 0.0 for row in rows)),), "ms", tuple(marks), ("Target", target),
        log=max(row.p99_ms or 0.0 for row in rows) > 20 * min(row.p99_ms or 0.0 for row in rows),
    )  # fmt: skip
    yield Figure(chart, "Response time against replicas, at the design load")


def _packing(found: Capacity) -> Table:
    packing = found.packing
    assert packing is not None
    rows = (
        ("Processors", quantity(packing.vcpu, "vCPU"), quantity(packing.reserved_vcpu, "vCPU"),
         quantity(packing.vcpu - packing.reserved_vcpu, "vCPU")),
        ("Memory", quantity(packing.gib, "GiB"), quantity(packing.reserved_gib, "GiB"),
         quantity(packing.gib - packing.reserved_gib, "GiB")),
        ("Pods", "no limit" if packing.max_pods is None else quantity(packing.max_pods), quantity(packing.agents),
         "no limit" if packing.max_pods is None else quantity(packing.max_pods - packing.agents)),
    )  # fmt: skip
    head = (f"One {packing.sku}", "Has", "Kept for the system", "Left for replicas")
    fit = f"{packing.per_node} replicas fit on a node; {packing.bound_by} run out first; {packing.nodes} nodes"
    return Table(f"What a node holds: {fit}", head, rows, (1, 2, 3))
