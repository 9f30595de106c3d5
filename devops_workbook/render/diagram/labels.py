"""Where the labels of lines go: beside their own line, on nothing else.

Graphviz keeps room for a label, but draws the line at some distance from it, so that one cannot tell which
line it belongs to. We look along each line for the free place nearest its middle, the cheapest first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from devops_workbook.render.diagram.geometry import Box, Point, samples

__all__ = ["place"]

_STEPS = 15
_CLEAR = 1.5
_NEVER = 10_000.0
_ON_A_LINE, _ON_A_BORDER, _ON_ITS_LINE, _PER_POINT, _WHERE_KEPT = 9.0, 12.0, 10.0, 0.35, 45.0
"""What it costs a label to cover a sampled point of another line, to cross a border, to cover its own line,
to be one point of length away from the middle, and to stay in the room that Graphviz kept."""


def place(
    lines: Sequence[tuple[Sequence[Point], Box | None]], obstacles: Sequence[Box], borders: Sequence[Box], canvas: Box
) -> list[Box | None]:
    """The place of each line's label, given its path and the box Graphviz kept for it; None for no label.

    obstacles: what no label may cover; borders: rectangles whose outline a label had better not cross;
    canvas: what all labels stay in.
    """
    paths = [tuple(samples(points, 8)) for points, _ in lines]
    placed: list[Box | None] = [None] * len(lines)
    taken = list(obstacles)
    # Short lines have the least choice, so they choose first.
    for at in sorted(range(len(lines)), key=lambda index: (_length(paths[index]), index)):
        kept = lines[at][1]
        if kept is not None:
            others = [point for other, path in enumerate(paths) if other != at for point in path]
            best = _cheapest(_candidates(lines[at][0], kept), taken, others, borders, canvas)
            placed[at] = best
            taken.append(best)
    return placed


def _candidates(points: Sequence[Point], kept: Box) -> list[tuple[float, Box]]:
    """Places for a label with their cost as far as it depends on its own line only, cheapest first."""
    path = tuple(samples(points, max(4, math.ceil(3 * _STEPS / max(len(points) - 1, 1)))))
    total = _length(path)
    found = [(_WHERE_KEPT, kept)]
    walked = 0.0
    for before, here in pairwise(path):
        walked += math.dist(before, here)
        cost = abs(walked - total / 2) * _PER_POINT
        found += ((cost + extra, box) for extra, box in _beside(before, here, kept))
    return sorted(found, key=lambda candidate: candidate[0])


def _beside(before: Point, here: Point, kept: Box) -> Iterator[tuple[float, Box]]:
    """Above, below and on a line at `here`, coming from `before`."""
    dx, dy = here[0] - before[0], here[1] - before[1]
    length = math.hypot(dx, dy) or 1.0
    across = (-dy / length, dx / length)
    if across[1] > 0 or (across[1] == 0 and across[0] < 0):
        across = (-across[0], -across[1])
    away = abs(across[0]) * kept.width / 2 + abs(across[1]) * kept.height / 2 + _CLEAR
    size = kept.width, kept.height
    yield 0.0, Box.around((here[0] + across[0] * away, here[1] + across[1] * away), size)
    yield 1.0, Box.around((here[0] - across[0] * away, here[1] - across[1] * away), size)
    yield _ON_ITS_LINE, Box.around(here, size)


def _cheapest(
    candidates: list[tuple[float, Box]],
    taken: Sequence[Box],
    others: Sequence[Point],
    borders: Sequence[Box],
    canvas: Box,
) -> Box:
    """The cheapest of `candidates`, all things considered."""
    best, lowest = candidates[0][1], math.inf
    for own, box in candidates:
        if own >= lowest:
            break
        covered = sum(box.overlap(other) for other in taken)
        cost = own + (_NEVER + covered if covered or not canvas.encloses(box) else 0.0)
        if cost < lowest:
            cost += _ON_A_BORDER * sum(_crosses(box, border) for border in borders)
            cost += _ON_A_LINE * sum(map(box.holds, others))
        if cost < lowest:
            best, lowest = box, cost
    return best


def _crosses(box: Box, border: Box) -> bool:
    """Whether `box` lies across the outline of `border`."""
    return box.overlap(border) > 0 and not border.encloses(box)


def _length(path: Sequence[Point]) -> float:
    return sum(map(math.dist, path, path[1:]))
