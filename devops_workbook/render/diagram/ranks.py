"""What Graphviz has to be told about columns, so that a picture reads from left to right.

Graphviz puts the end of a line at least one column right of its start. Left to itself it then interleaves
frames: a frame three columns wide and the one it leads to share columns, so they are stacked, and lines
have to run around them. Three hints per line keep frames apart:

level: what is copied to another region stands in the same column as its original, above or below it;
backwards: a line to something that shares a frame with what came before (the way out through the public
  subnet, drawn beside the way in) counts as leading to the left;
length: a line from one frame to another spans all columns of the first, so that they stand side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from devops_workbook.render.diagram.scene import Line, Place, Scene, reached

__all__ = ["Hint", "Hints", "hints"]


@dataclass(frozen=True, slots=True)
class Hint:
    """How many columns a line spans at least (0 = level), and whether it leads to the left."""

    length: int = 1
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Hints:
    """A hint for each line of a scene, in order, and whether columns are common to all frames."""

    lines: tuple[Hint, ...]
    common: bool


def hints(scene: Scene, *, spread: bool = False) -> Hints:
    """Hints for the lines of the scene.

    spread: frames of a kind (regions, subnets) stand side by side too, which makes a picture wider and lower.
    Columns are common to all frames where regions are compared, and where frames lead to each other and back.
    """
    place = Place(scene.frames, scene.homes)
    level = [_is_level(line, place) for line in scene.lines]
    backwards = [_is_backwards(line, scene, place) for line in scene.lines]
    forward = [line for at, line in enumerate(scene.lines) if not (level[at] or backwards[at])]
    columns = _Columns(forward, place, spread=spread)
    lines = (
        Hint(0 if level[at] else 1 if backwards[at] else columns.span(line), backwards[at])
        for at, line in enumerate(scene.lines)
    )
    return Hints(tuple(lines), scene.view.id == "recovery" or columns.circular)


def _is_level(line: Line, place: Place) -> bool:
    """Whether the line is a copy from one region to another."""
    regions = {place.region(line.source), place.region(line.target)}
    whole = not (line.from_frame or line.to_frame)
    return line.kind == "replication" and whole and len(regions) == 2 and "" not in regions


def _is_backwards(line: Line, scene: Scene, place: Place) -> bool:
    """Whether the line leads outside again, or into a frame through which requests came to where it starts."""
    frame = scene.homes[line.target]
    if not frame or frame == scene.homes[line.source] or line.to_frame:
        return False
    inward = [x for x in scene.lines if x.kind == "request" and place.kind(scene.homes[x.target]) != "external"]
    after = reached({line.target}, inward)
    if place.kind(frame) == "external":
        return line.source in after
    neighbours = {id for id, home in scene.homes.items() if home == frame and id != line.target}
    return line.source in reached(neighbours, inward) and line.source not in after


class _Columns:
    """How many columns frames take, by the longest chain of lines within each."""

    def __init__(self, lines: Sequence[Line], place: Place, *, spread: bool) -> None:
        self._lines = lines
        self._spread = spread
        self._place = place
        self._depths: dict[str, Mapping[str, int]] = {}
        self._leads: dict[str, set[str]] = {}
        for line in lines:
            start, end = self._sides(line)
            self._leads.setdefault(start, set()).add(end)

    def span(self, line: Line) -> int:
        """The columns `line` has to span for its two frames to stand side by side."""
        start, end = self._sides(line)
        alike = self._place.kind(start) == self._place.kind(end) != ""
        if start == end or (alike and not self._spread) or self._back(end, start):
            return 1
        before, behind = self._depth(start), self._depth(end)
        left = max(before.values(), default=0) - before.get(line.source, 0)
        return left + 1 + behind.get(line.target, 0)

    @property
    def circular(self) -> bool:
        """Whether two frames side by side in a third lead to each other."""
        inner = {frame for frame in self._leads if self._place.parent(frame)}
        return any(start in self._leads.get(end, ()) for start in inner for end in self._leads[start] - {start})

    def _sides(self, line: Line) -> tuple[str, str]:
        """The outermost frame around either end that the other end is not in; the component if there is none."""
        start = self._place.outermost_without(line.source, line.target) or line.source
        end = self._place.outermost_without(line.target, line.source) or line.target
        return start, end

    def _back(self, start: str, end: str) -> bool:
        """Whether lines lead from `start` to `end`, both frames or components."""
        seen: set[str] = set()
        frontier = {start}
        while frontier:
            seen |= frontier
            frontier = {onward for side in frontier for onward in self._leads.get(side, ())} - seen
        return end in seen

    def _depth(self, frame: str) -> Mapping[str, int]:
        """Component -> its column within `frame`, from 0, as far as lines within the frame tell."""
        if frame not in self._depths:
            members = self._place.members(frame)
            inner = [line for line in self._lines if line.source in members and line.target in members]
            self._depths[frame] = _longest([(line, self.span(line)) for line in inner])
        return self._depths[frame]


def _longest(lines: Sequence[tuple[Line, int]]) -> Mapping[str, int]:
    """The length of the longest chain of lines, each with its length, that ends at each component.

    In a circle there is none; counting stops after as many rounds as a chain can have lines.
    """
    depths = {end: 0 for line, _ in lines for end in (line.source, line.target)}
    for _ in range(len(depths) - 1):
        for line, length in lines:
            depths[line.target] = max(depths[line.target], min(depths[line.source] + length, len(depths)))
    return depths
