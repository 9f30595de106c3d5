"""Where everything goes: a scene becomes DOT, Graphviz places it, the places come back in points, y downwards.

No text of a design ever enters DOT. Cards have a fixed size that we computed, and for a label Graphviz gets
as many letters "x" of a fixed-width font as the real text needs. So nothing a title holds can change the
graph, and the fonts of the machine cannot change the layout.

Components that no line ends at (their lines were merged into one from their frame) would be stacked by
Graphviz into one tall column. They stand in rows on a pallet instead, which to Graphviz is a single node.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from devops_workbook.design.model import Component
from devops_workbook.render.diagram.engine import coordinates
from devops_workbook.render.diagram.geometry import Box, Point
from devops_workbook.render.diagram.labels import place
from devops_workbook.render.diagram.ranks import Hint, Hints, hints
from devops_workbook.render.diagram.scene import NO_BREAK, Frame, Line, Scene
from devops_workbook.render.diagram.text import width, wrap

__all__ = [
    "DETAIL_SIZE",
    "FRAME_SIZE",
    "ICON",
    "LABEL_SIZE",
    "LINE_SPACING",
    "TAG_SIZE",
    "TITLE_SIZE",
    "Card",
    "FrameLabel",
    "Layout",
    "Route",
    "detail",
    "lay_out",
]

TITLE_SIZE, DETAIL_SIZE, LABEL_SIZE, FRAME_SIZE, TAG_SIZE = 11.5, 10.0, 10.0, 11.5, 8.0
"""Font sizes in points: card title, card detail, line label, frame title, frame kind."""

ICON = 36.0
"""The displayed size of an icon, in points."""

LINE_SPACING = 1.2
"""The distance of two baselines, as a multiple of the font size."""

_PADDING, _GAP = 7.0, 14.0
_NARROWEST, _WIDEST = 78.0, 114.0
_LABEL_ROOM = 82.0
_FRAME_TITLE_ROOM, _SUBNET_TITLE_ROOM = 220.0, 130.0
_LOWEST_RATIO, _PAGE_RATIO = 1.25, 1.6
_REMARK = re.compile(r" \([^()]*\)")
_LONGEST_TITLE = 200
_COURIER = 0.6
_WEIGHTS = {"request": 8, "delivery": 8, "async": 4, "replication": 3, "telemetry": 2, "control": 1}
_TAGS = {
    "external": "OUTSIDE",
    "provider": "MANAGED",
    "region": "REGION",
    "network": "NETWORK",
    "subnet": "SUBNET",
    "system": "TOOLING",
    "workload": "WORKLOAD",
}


@dataclass(frozen=True, slots=True)
class Card:
    """A component's text, wrapped, and the size of the box that holds it with its icon."""

    title: tuple[str, ...]
    detail: tuple[str, ...]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class FrameLabel:
    """A frame's kind as a word, its title in lines, and where they go: beside the word, or `below` it."""

    tag: str
    title: tuple[str, ...]
    below: bool

    @property
    def tag_width(self) -> float:
        """The width of the tag with its margins."""
        return width(self.tag, TAG_SIZE, bold=True) + 8

    @property
    def width(self) -> float:
        """The width of the whole."""
        title = max((width(line, FRAME_SIZE, bold=True) for line in self.title), default=0.0)
        return max(self.tag_width, title) if self.below else self.tag_width + 6 + title

    @property
    def height(self) -> float:
        """The height of the whole."""
        return FRAME_SIZE * LINE_SPACING * (len(self.title) + self.below) + 1


@dataclass(frozen=True, slots=True)
class Route:
    """A line's path: cubic Bezier points (first, then three a piece), where its arrowheads point to
    (None = no arrowhead at that end), and its label with its place (None = no label)."""

    points: tuple[Point, ...]
    head: Point | None
    tail: Point | None
    text: tuple[str, ...]
    label: Box | None


@dataclass(frozen=True, slots=True)
class Layout:
    """A scene, placed. cards, boxes: by component id; labels, areas, titles (the place of the label): by
    frame id; routes: by index of line."""

    width: float
    height: float
    cards: Mapping[str, Card]
    boxes: Mapping[str, Box]
    labels: Mapping[str, FrameLabel]
    areas: Mapping[str, Box]
    titles: Mapping[str, Box]
    routes: tuple[Route, ...]


def lay_out(scene: Scene) -> Layout:
    """Place everything in `scene`. Raises LayoutError if Graphviz cannot."""
    plan = _Plan(scene)
    graph = _graph(plan, hints(scene))
    if _ratio(graph) < _LOWEST_RATIO:
        graph = max(graph, _graph(plan, hints(scene, spread=True)), key=_scale)
    return _read(graph, plan)


def _graph(plan: _Plan, hints: Hints) -> Mapping[str, object]:
    """What Graphviz makes of the plan."""
    graph: dict[str, object] = json.loads(coordinates("\n".join(_dot(plan, hints))))
    return graph


def _ratio(graph: Mapping[str, object]) -> float:
    """Width by height."""
    _, _, right, top = _numbers(graph["bb"])
    return right / top


def _scale(graph: Mapping[str, object]) -> float:
    """How large the picture can be shown on a landscape page."""
    _, _, right, top = _numbers(graph["bb"])
    return min(_PAGE_RATIO / right, 1 / top)


def detail(component: Component) -> str:
    """How many, over how many zones, of what size: "×6 · 3 zones · m7g.large"; "" if there is nothing to say."""
    zones = f"{component.zones} zone{'s' if component.zones > 1 else ''}" if component.zones else ""
    return " · ".join(filter(None, (f"×{component.count}" if component.count > 1 else "", zones, component.sku)))


# Sizes ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pallet:
    """Components in rows: the place of each relative to the middle of the whole, and the size of the whole."""

    places: Mapping[str, Point]
    width: float
    height: float


class _Plan:
    """A scene with the sizes of everything in it, and the names it has in DOT.

    nodes: component id -> DOT node (a pallet's, if it stands on one); sizes: DOT node -> size.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.cards = {component.id: _card(component) for component in scene.components}
        self.labels = {frame.id: _frame_label(frame) for frame in scene.frames}
        self.texts = tuple(wrap(line.label, LABEL_SIZE, _LABEL_ROOM, 3) for line in scene.lines)
        self.clusters = {frame.id: f"cluster_{at}" for at, frame in enumerate(scene.frames)}
        self.nodes = {component.id: f"n{at}" for at, component in enumerate(scene.components)}
        self.sizes = {self.nodes[id]: (card.width, card.height) for id, card in self.cards.items()}
        self.pallets = {f"p{at}": _pallet(ids, self.cards) for at, ids in enumerate(_loose(scene))}
        for node, pallet in self.pallets.items():
            self.sizes[node] = (pallet.width, pallet.height)
            for component in pallet.places:
                del self.sizes[self.nodes[component]]
                self.nodes[component] = node


def _card(component: Component) -> Card:
    """The component's text, wrapped, and the size it takes."""
    room = _WIDEST - 2 * _PADDING
    title = _card_title(component.title or component.id, room)
    below = tuple(line.removesuffix(" ·") for line in wrap(detail(component), DETAIL_SIZE, room, 2))
    widths = [width(line, TITLE_SIZE, bold=True) for line in title] + [width(line, DETAIL_SIZE) for line in below]
    text_height = LINE_SPACING * (len(title) * TITLE_SIZE + len(below) * DETAIL_SIZE)
    return Card(
        title,
        below,
        math.ceil(min(max(max(widths, default=0.0) + 2 * _PADDING, _NARROWEST), _WIDEST)),
        math.ceil(ICON + text_height + 2 * _PADDING + 3),
    )


def _card_title(title: str, room: float) -> tuple[str, ...]:
    """A title in lines; without its remarks in brackets, if they make it too long for a card."""
    lines = wrap(title, TITLE_SIZE, room, 4, bold=True)
    short = _REMARK.sub("", title[:_LONGEST_TITLE])
    return wrap(short, TITLE_SIZE, room, 4, bold=True) if len(lines) > 3 and short else lines


def _frame_label(frame: Frame) -> FrameLabel:
    """The frame's kind and title. A subnet's takes several lines, with the zones it spans: it is narrow."""
    subnet = frame.kind == "subnet"
    tag = _TAGS.get(frame.kind, frame.kind.upper()[:12])
    if subnet and frame.zones and "zone" not in frame.title.lower():
        tag += f" · {frame.zones} ZONE{'S' if frame.zones > 1 else ''}"
    title = (frame.title or frame.id).replace(" zone", f"{NO_BREAK}zone")
    room = _SUBNET_TITLE_ROOM if subnet else _FRAME_TITLE_ROOM
    return FrameLabel(tag, wrap(title, FRAME_SIZE, room, 2, bold=True), subnet)


def _loose(scene: Scene) -> Iterator[tuple[str, ...]]:
    """The components of each frame that no line of their own ends at, where there are several."""
    tied = {end for line in scene.lines for end in _own_ends(line)}
    loose: dict[str, list[str]] = {}
    for component in scene.components:
        if component.id not in tied:
            loose.setdefault(scene.homes[component.id], []).append(component.id)
    return (tuple(members) for members in loose.values() if len(members) > 1)


def _own_ends(line: Line) -> Iterator[str]:
    """The components the line is drawn from and to; not those whose frame it leaves or enters."""
    if not line.from_frame:
        yield line.source
    if not line.to_frame:
        yield line.target


def _pallet(components: Sequence[str], cards: Mapping[str, Card]) -> _Pallet:
    """`components` in rows, row by row, about as wide as high."""
    columns = math.ceil(math.sqrt(len(components)))
    rows = [components[at : at + columns] for at in range(0, len(components), columns)]
    wide = max(cards[component].width for component in components) + _GAP
    heights = [max(cards[component].height for component in row) + _GAP for row in rows]
    places = {
        component: (
            (column + 0.5) * wide - columns * wide / 2,
            sum(heights[:at]) + heights[at] / 2 - sum(heights) / 2,
        )
        for at, row in enumerate(rows)
        for column, component in enumerate(row)
    }
    return _Pallet(places, columns * wide - _GAP, sum(heights) - _GAP)


# DOT -----------------------------------------------------------------------------------------------------


def _dot(plan: _Plan, hints: Hints) -> Iterator[str]:
    """The graph, line by line. Components are n0, n1, ... and frames cluster_0, ... in the scene's order."""
    yield "digraph {"
    yield "graph [rankdir=LR compound=true splines=true nodesep=0.3 ranksep=0.3]"
    yield f"graph [newrank={'true' if hints.common else 'false'}]"
    yield 'node [shape=box fixedsize=true label=""]'
    yield f"edge [fontname=Courier fontsize={LABEL_SIZE:g} arrowsize=0.8]"
    yield from _contents("", plan)
    for at, (line, hint) in enumerate(zip(plan.scene.lines, hints.lines, strict=True)):
        yield _edge(at, line, hint, plan)
    yield "}"


def _contents(frame: str, plan: _Plan) -> Iterator[str]:
    """What is directly in `frame` ("" = in no frame): frames within it as subgraphs, and its components."""
    for inner in plan.scene.frames:
        if inner.parent == frame:
            label = plan.labels[inner.id]
            letters = _placeholder(label.width, FRAME_SIZE, len(label.title) + label.below)
            yield f"subgraph {plan.clusters[inner.id]} {{"
            yield f'graph [label="{letters}" labeljust=l fontname=Courier fontsize={FRAME_SIZE:g} margin=11]'
            yield from _contents(inner.id, plan)
            yield "}"
    homes = plan.scene.homes
    for node in dict.fromkeys(plan.nodes[c.id] for c in plan.scene.components if homes[c.id] == frame):
        wide, high = plan.sizes[node]
        yield f"{node} [width={wide / 72:.4f} height={high / 72:.4f}]"


def _edge(at: int, line: Line, hint: Hint, plan: _Plan) -> str:
    """One line as an edge."""
    text = plan.texts[at]
    attributes = [f"id={at}", f"weight={_WEIGHTS.get(line.kind, 1)}", f"minlen={hint.length}"]
    # A level line runs within a column, where Graphviz could only keep room for a label by bending it.
    if text and hint.length:
        attributes.append(f'label="{_placeholder(_text_size(text)[0], LABEL_SIZE, len(text))}"')
    ends = [(plan.nodes[line.source], line.from_frame), (plan.nodes[line.target], line.to_frame)]
    direction = "both" if line.both else "back" if hint.backwards else "forward"
    (tail, tail_frame), (head, head_frame) = reversed(ends) if hint.backwards else ends
    attributes.append(f"dir={direction}")
    attributes += [f"ltail={plan.clusters[tail_frame]}"] if tail_frame else []
    attributes += [f"lhead={plan.clusters[head_frame]}"] if head_frame else []
    return f"{tail} -> {head} [{' '.join(attributes)}]"


def _placeholder(wide: float, size: float, lines: int) -> str:
    """As many letters of a fixed-width font as take this room."""
    return r"\n".join(["x" * math.ceil(wide / (_COURIER * size))] * max(lines, 1))


# Reading -------------------------------------------------------------------------------------------------


def _read(graph: Mapping[str, object], plan: _Plan) -> Layout:
    """Graphviz's json0 as a Layout. Graphviz counts y upwards, from the bottom."""
    scene = plan.scene
    _, _, right, top = _numbers(graph["bb"])
    objects = {str(thing["name"]): thing for thing in _things(graph, "objects")}
    edges = {int(str(edge["id"])): edge for edge in _things(graph, "edges")}
    boxes = {component.id: _box(component.id, objects, plan, top) for component in scene.components}
    areas = {}
    for frame in scene.frames:
        x0, y0, x1, y1 = _numbers(objects[plan.clusters[frame.id]]["bb"])
        areas[frame.id] = Box(x0, top - y1, x1 - x0, y1 - y0)
    titles = {
        frame: Box(areas[frame].x + 8, areas[frame].y + 6, label.width, label.height)
        for frame, label in plan.labels.items()
    }
    routes = [_route(edges[at], top, plan.texts[at]) for at in range(len(scene.lines))]
    labels = place(
        [(route.points, route.label) for route in routes],
        obstacles=(*boxes.values(), *titles.values()),
        borders=tuple(areas.values()),
        canvas=Box(0, 0, right, top),
    )
    placed = tuple(replace(route, label=label) for route, label in zip(routes, labels, strict=True))
    return Layout(right, top, plan.cards, boxes, plan.labels, areas, titles, placed)


def _box(component: str, objects: Mapping[str, Mapping[str, object]], plan: _Plan, top: float) -> Box:
    """Where a component's card is."""
    node, card = plan.nodes[component], plan.cards[component]
    x, y = _numbers(objects[node]["pos"])
    dx, dy = plan.pallets[node].places[component] if node in plan.pallets else (0.0, 0.0)
    return Box(x + dx - card.width / 2, top - y + dy - card.height / 2, card.width, card.height)


def _things(graph: Mapping[str, object], key: str) -> list[dict[str, object]]:
    """The list of objects at `key`; empty if there is none."""
    found = graph.get(key, [])
    return found if isinstance(found, list) else []


def _numbers(text: object) -> list[float]:
    """Numbers separated by commas."""
    return [float(number) for number in str(text).split(",")]


def _route(edge: dict[str, object], top: float, text: tuple[str, ...]) -> Route:
    """The path of one edge: "s,x,y e,x,y x,y x,y ..." with s and e the tips of its arrowheads, if any.

    The label's box is where Graphviz kept room for it, or in the middle of the path if it kept none.
    """
    points: list[Point] = []
    tips: dict[str, Point] = {}
    for word in str(edge["pos"]).split(";")[0].split():
        *mark, x, y = word.split(",")
        point = (float(x), top - float(y))
        if mark:
            tips[mark[0]] = point
        else:
            points.append(point)
    label = Box.around(_label_centre(edge, points, top), _text_size(text)) if text else None
    return Route(tuple(points), tips.get("e"), tips.get("s"), text, label)


def _label_centre(edge: dict[str, object], points: Sequence[Point], top: float) -> Point:
    """Where Graphviz kept room for the label."""
    if "lp" not in edge:
        return points[len(points) // 2]
    x, y = _numbers(edge["lp"])
    return x, top - y


def _text_size(text: Iterable[str]) -> tuple[float, float]:
    """The size of a label."""
    rows = tuple(text)
    return max(width(row, LABEL_SIZE) for row in rows) + 6, len(rows) * LABEL_SIZE * LINE_SPACING + 1
