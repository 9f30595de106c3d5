"""What one view shows: the boxes, the frames around them and the lines between them.

A topology says everything; a picture of everything says nothing. So a view shows its own components, only
the kinds of boundary its reader asks about, and lines merged where they say the same:

1. connections of one kind between the same two components become one line;
2. when several components of one boundary do the same towards one target (everything sends metrics), one
   line leaves the boundary's frame, and says for how many of the components in it it stands;
3. the same towards several targets (one pipeline deploys to many).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from devops_workbook.design.model import Boundary, Component, Connection, Topology

__all__ = ["NO_BREAK", "Frame", "Line", "Scene", "View", "build", "endpoint", "frame_path", "view_of", "views"]


@dataclass(frozen=True, slots=True)
class View:
    """One picture of the architecture. id: as components and connections name it in `.views`."""

    id: str
    title: str
    caption: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A boundary as drawn. parent: the id of the frame around it, "" = none; zones: the most zones that
    any component directly in it spans."""

    id: str
    kind: str
    title: str
    parent: str
    zones: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the picture, standing for one or more connections.

    source, target: component ids; from_frame, to_frame: the frame it leaves or enters instead, "" = none;
    both: it has an arrowhead at either end; connections: what it stands for.
    """

    kind: str
    source: str
    target: str
    label: str
    connections: tuple[Connection, ...]
    from_frame: str = ""
    to_frame: str = ""
    both: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything one view shows, in the topology's order. homes: component id -> frame id ("" = none)."""

    view: View
    frames: tuple[Frame, ...]
    components: tuple[Component, ...]
    homes: dict[str, str]
    lines: tuple[Line, ...]
    connections: tuple[Connection, ...]


_VIEWS = (
    View("runtime", "Runtime", "How a request travels from the user to the data, and what it needs on its way."),
    View("network", "Network", "Trust boundaries, and every protocol and port that crosses one."),
    View("delivery", "Delivery", "How a change travels from a commit to production."),
    View("operations", "Operations", "Where telemetry goes, and how an alert reaches a person."),
    View("recovery", "Recovery", "What is copied to where, and what takes over when a region is lost."),
)

_NESTED = frozenset({"network"})
"""The views that show boundaries within boundaries. The others follow a path from left to right, which
inner frames would only bend; they show the outermost boundaries."""

NO_BREAK = "\u00a0"

_WORKLOAD = "workload"
"""The kind of frame put around components that report to something else within their own boundary."""

_MERGE_FROM = {"telemetry": 2, "control": 3}
_MERGE_FROM_OTHERS = 4
"""How many like lines of a kind become one."""


def views(topology: Topology) -> tuple[View, ...]:
    """The views that apply: those with a component in them; recovery only with more than one region."""
    used = {view for component in topology.components for view in component.views}
    regions = sum(boundary.kind == "region" for boundary in topology.boundaries)
    return tuple(view for view in _VIEWS if view.id in used and (view.id != "recovery" or regions > 1))


def view_of(topology: Topology, view_id: str) -> View:
    """The view with this id; KeyError, naming those that apply, if it does not apply to `topology`."""
    applying = {view.id: view for view in views(topology)}
    if view_id not in applying:
        raise KeyError(f"no view {view_id!r} of this topology; it has {', '.join(applying) or 'none'}")
    return applying[view_id]


def build(topology: Topology, view: View) -> Scene:
    """The scene of `view`."""
    components = tuple(c for c in topology.components if view.id in c.views)
    shown = {c.id for c in components}
    connections = tuple(
        c for c in topology.connections if view.id in c.views and c.source in shown and c.target in shown
    )
    drawn = {b.id: b for b in topology.boundaries if view.id in _NESTED or not b.parent}
    frames, homes = _frames(topology.boundaries, components, drawn)
    lines = _pairs(connections, view.id)
    frames, homes = _split_by_flow(*_apart_from_workload(frames, homes, lines), lines)
    place = Place(frames, homes)
    lines = _fan(lines, place, inwards=True)
    lines = _fan(lines, place, inwards=False)
    return Scene(view, frames, components, homes, lines, connections)


def frame_path(topology: Topology, boundary_id: str) -> tuple[Boundary, ...]:
    """The boundary and those around it, outermost first; a parent that is missing or circular ends it."""
    by_id = {boundary.id: boundary for boundary in topology.boundaries}
    path: list[Boundary] = []
    while boundary_id in by_id and by_id[boundary_id] not in path:
        path.insert(0, by_id[boundary_id])
        boundary_id = path[0].parent
    return tuple(path)


def endpoint(connection: Connection) -> str:
    """Protocol and port, such as "postgres:5432"; either part alone if the other is not set."""
    return ":".join(part for part in (connection.protocol, str(connection.port or "")) if part)


# Frames --------------------------------------------------------------------------------------------------


def _frames(
    boundaries: Sequence[Boundary], components: Sequence[Component], drawn: dict[str, Boundary]
) -> tuple[tuple[Frame, ...], dict[str, str]]:
    """The frames that hold something, and the frame each component is in."""
    everything = {b.id: b for b in boundaries}
    homes = {c.id: _nearest(c.boundary, drawn, everything) for c in components}
    parents = _without_circles({b: _nearest(everything[b].parent, drawn, everything) for b in drawn})
    used: set[str] = set()
    for home in homes.values():
        frame = home
        while frame and frame not in used:
            used.add(frame)
            frame = parents[frame]
    zones = {frame: max((c.zones for c in components if homes[c.id] == frame), default=0) for frame in used}
    frames = tuple(Frame(b.id, b.kind, b.title, parents[b.id], zones[b.id]) for b in boundaries if b.id in used)
    return frames, homes


def _nearest(boundary: str, drawn: dict[str, Boundary], everything: dict[str, Boundary]) -> str:
    """The innermost drawn boundary at or around `boundary`; "" if there is none."""
    seen: set[str] = set()
    while boundary in everything and boundary not in drawn and boundary not in seen:
        seen.add(boundary)
        boundary = everything[boundary].parent
    return boundary if boundary in drawn else ""


def _without_circles(parents: dict[str, str]) -> dict[str, str]:
    """`parents` with every frame that would be around itself moved to the top."""
    sound: dict[str, str] = {}
    for frame, parent in parents.items():
        above, seen = parent, {frame}
        while above and above not in seen:
            seen.add(above)
            above = sound.get(above, parents.get(above, ""))
        sound[frame] = "" if above else parent
    return sound


def _apart_from_workload(
    frames: tuple[Frame, ...], homes: dict[str, str], lines: tuple[Line, ...]
) -> tuple[tuple[Frame, ...], dict[str, str]]:
    """A frame of their own around components that report to others in their boundary, so that they can be
    merged into one line although reporter and receiver share every other frame."""
    receivers = {line.target for line in lines if line.kind == "telemetry"}
    reporters: dict[str, list[str]] = {}
    for line in lines:
        home = homes[line.source]
        inside = line.kind == "telemetry" and home and home == homes[line.target]
        if inside and line.source not in receivers and line.source not in reporters.get(home, ()):
            reporters.setdefault(home, []).append(line.source)
    for home, members in reporters.items():
        if len(members) >= _MERGE_FROM["telemetry"]:
            own = f"{home} {_WORKLOAD}"
            frames = (*frames, Frame(own, _WORKLOAD, "What is watched", home))
            homes = homes | dict.fromkeys(members, own)
    return frames, homes


def _split_by_flow(
    frames: tuple[Frame, ...], homes: dict[str, str], lines: tuple[Line, ...]
) -> tuple[tuple[Frame, ...], dict[str, str]]:
    """Two frames for managed services, some of which stand before the network next to them and some behind it.

    One frame for both would have to reach around the network, with every line bent back.
    """
    kinds = {frame.id: frame.kind for frame in frames}
    for frame in frames:
        if frame.kind != "provider" or not frame.parent:
            continue
        members = [component for component, home in homes.items() if home == frame.id]
        beside = {component for component, home in homes.items() if _within(home, frame.parent, frames)} - set(members)
        inward = [x for x in lines if x.kind in ("request", "async") and kinds.get(homes[x.target]) != "external"]
        behind = reached(beside, inward)
        before = [c for c in members if c not in behind and reached({c}, inward) & beside]
        if beside and before and len(before) < len(members):
            own = f"{frame.id} before"
            frames = (*frames, replace(frame, id=own))
            homes = homes | dict.fromkeys(before, own)
    return frames, homes


def _within(frame: str, outer: str, frames: tuple[Frame, ...]) -> bool:
    """Whether `frame` is `outer` or anywhere in it."""
    parents = {f.id: f.parent for f in frames}
    while frame and frame != outer:
        frame = parents[frame]
    return frame == outer


def reached(starts: set[str], lines: Sequence[Line]) -> set[str]:
    """The components that `lines` lead to from `starts`."""
    reached: set[str] = set()
    frontier = set(starts)
    while frontier:
        frontier = {line.target for line in lines if line.source in frontier} - reached
        reached |= frontier
    return reached


class Place:
    """Which frames are around a component."""

    def __init__(self, frames: Iterable[Frame], homes: dict[str, str]) -> None:
        frames = tuple(frames)
        self._parents = {frame.id: frame.parent for frame in frames}
        self._kinds = {frame.id: frame.kind for frame in frames}
        self._homes = homes
        self._around = {component: self._path(home) for component, home in homes.items()}

    def _path(self, frame: str) -> tuple[str, ...]:
        """The frame and those around it, outermost first."""
        path: tuple[str, ...] = ()
        while frame:
            path = (frame, *path)
            frame = self._parents[frame]
        return path

    def outermost_without(self, component: str, other: str) -> str:
        """The outermost frame around `component` that does not hold `other`; "" if each of them does."""
        around = self._around[other]
        return next((frame for frame in self._around[component] if frame not in around), "")

    def smallest(self, components: Sequence[str]) -> str:
        """The smallest frame around all `components`; "" if there is none."""
        common = [
            frame
            for frame in self._around[components[0]]
            if all(frame in self._around[component] for component in components)
        ]
        return common[-1] if common else ""

    def members(self, frame: str) -> frozenset[str]:
        """The components in `frame`, at any depth."""
        return frozenset(component for component, around in self._around.items() if frame in around)

    def kind(self, frame: str) -> str:
        """The kind of `frame`; "" if there is no such frame."""
        return self._kinds.get(frame, "")

    def parent(self, frame: str) -> str:
        """The frame around `frame`; "" if there is none."""
        return self._parents.get(frame, "")

    def region(self, component: str) -> str:
        """The region around `component`; "" if there is none."""
        return next((frame for frame in self._around[component] if self._kinds[frame] == "region"), "")


# Lines ---------------------------------------------------------------------------------------------------


def _pairs(connections: Iterable[Connection], view: str) -> tuple[Line, ...]:
    """One line for all connections of a kind between two components."""
    grouped: dict[tuple[str, str, str], list[Connection]] = {}
    for connection in connections:
        grouped.setdefault((connection.kind, connection.source, connection.target), []).append(connection)
    lines: list[Line] = []
    for (kind, source, target), alike in grouped.items():
        label = " · ".join(dict.fromkeys(filter(None, (_label(c, view) for c in alike))))
        line = Line(kind, source, target, label, tuple(alike))
        opposite = next((at for at, other in enumerate(lines) if _opposite(line, other)), None)
        if opposite is None:
            lines.append(line)
        else:
            met = lines[opposite]
            lines[opposite] = replace(met, both=True, connections=met.connections + line.connections)
    return tuple(lines)


def _opposite(line: Line, other: Line) -> bool:
    """Whether the two say the same in opposite directions."""
    return (line.kind, line.label, line.source, line.target) == (other.kind, other.label, other.target, other.source)


def _label(connection: Connection, view: str) -> str:
    """What a line says: the protocol and port where trust boundaries are shown, else its purpose."""
    if view == "network":
        return endpoint(connection) + ("" if connection.encrypted else " unencrypted")
    return connection.label or endpoint(connection)


def _fan(lines: tuple[Line, ...], place: Place, *, inwards: bool) -> tuple[Line, ...]:
    """`lines` with like ones to one target (`inwards`), or from one source, drawn as one from or to a frame."""
    hub, spoke = _ends(inwards)
    merged: dict[int, Line | None] = {}
    for members in _alike(lines, hub, spoke, place):
        first = lines[members[0]]
        if len(members) < _MERGE_FROM.get(first.kind, _MERGE_FROM_OTHERS):
            continue
        spokes = [spoke(lines[at]) for at in members]
        frame = place.smallest(spokes)
        label = _counted(first.label, len(spokes), len(place.members(frame)))
        connections = tuple(c for at in members for c in lines[at].connections)
        merged.update(dict.fromkeys(members))
        merged[members[0]] = (
            replace(first, label=label, connections=connections, from_frame=frame)
            if inwards
            else replace(first, label=label, connections=connections, to_frame=frame)
        )
    drawn = (merged.get(at, line) for at, line in enumerate(lines))
    return tuple(line for line in drawn if line is not None)


def _ends(inwards: bool) -> tuple[Callable[[Line], str], Callable[[Line], str]]:
    """How to read the shared end of a fan of lines, and the end that differs."""
    return (_target, _source) if inwards else (_source, _target)


def _source(line: Line) -> str:
    return line.source


def _target(line: Line) -> str:
    return line.target


def _alike(
    lines: tuple[Line, ...], hub: Callable[[Line], str], spoke: Callable[[Line], str], place: Place
) -> list[list[int]]:
    """Indices of lines that have kind, label and hub in common, and whose spokes share a frame without the hub."""
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    for at, line in enumerate(lines):
        frame = place.outermost_without(spoke(line), hub(line))
        if frame and not (line.both or line.from_frame or line.to_frame):
            groups.setdefault((line.kind, line.label, hub(line), frame), []).append(at)
    return list(groups.values())


def _counted(label: str, merged: int, population: int) -> str:
    """`label`, saying for how many of the components in the frame it holds."""
    count = f"(all {merged})" if merged == population else f"({merged} of {population})"
    return f"{label} {count.replace(' ', NO_BREAK)}"
