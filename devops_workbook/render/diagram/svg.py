"""The picture itself: a scene and its layout become one self-contained SVG.

It refers to nothing outside itself, every id in it starts with the view's, and it is drawn on a light card
of its own, so that it can be inlined next to others in any page, or stand alone in an <img> or a PDF.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from devops_workbook.design.model import Component
from devops_workbook.render.diagram import icons
from devops_workbook.render.diagram.geometry import Box, Point
from devops_workbook.render.diagram.layout import (
    DETAIL_SIZE,
    FRAME_SIZE,
    ICON,
    LABEL_SIZE,
    LINE_SPACING,
    TAG_SIZE,
    TITLE_SIZE,
    Layout,
    Route,
)
from devops_workbook.render.diagram.scene import Frame, Line, Scene
from devops_workbook.render.diagram.text import FONT, escape, width

__all__ = ["LINE_STYLES", "LineStyle", "Picture", "paint"]


@dataclass(frozen=True, slots=True)
class LineStyle:
    """How a kind of connection is drawn. Kinds differ in dash and arrowhead, not in colour alone."""

    kind: str
    meaning: str
    colour: str
    dash: str
    width: float
    arrow: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG and its size in points."""

    svg: str
    width: float
    height: float


LINE_STYLES = {
    style.kind: style
    for style in (
        LineStyle("request", "request, someone waits for the answer", "#1F4E8C", "", 1.6, "filled"),
        LineStyle("async", "asynchronous", "#A14A00", "7 3.5", 1.6, "open"),
        LineStyle("replication", "replication or copy", "#6B2FA0", "10 3 2 3", 1.8, "diamond"),
        LineStyle("delivery", "delivery of a change", "#1B6E3C", "", 2.6, "filled"),
        LineStyle("telemetry", "telemetry", "#56606B", "1.5 3.5", 1.6, "open"),
        LineStyle("control", "control or credentials", "#8A1F4B", "4 2.5", 1.1, "hollow"),
    )
}
_OTHER_STYLE = LineStyle("other", "other", "#333333", "", 1.2, "open")


@dataclass(frozen=True, slots=True)
class _FrameStyle:
    fill: str
    stroke: str
    dash: str


_FRAME_STYLES = {
    "external": _FrameStyle("#F6F6F4", "#7B7B74", "2 3"),
    "provider": _FrameStyle("#F5F1FB", "#7A5EA8", ""),
    "region": _FrameStyle("#EFF5FB", "#3D6E9E", "8 4"),
    "network": _FrameStyle("#EDF7F0", "#38805A", ""),
    "subnet": _FrameStyle("#FBFDF7", "#6F8F3A", "4 3"),
    "system": _FrameStyle("#FDF6E8", "#9A6B12", ""),
    "workload": _FrameStyle("#FBFCFD", "#5A6672", "2 3"),
}
_OTHER_FRAME = _FrameStyle("#F7F7F7", "#666666", "")

_INK, _QUIET, _PAPER, _CARD_EDGE = "#1B2733", "#475462", "#FFFFFF", "#B9C3CE"
_MARGIN = 10.0
_LEGEND_SAMPLE, _LEGEND_GAP, _LEGEND_ROW = 34.0, 22.0, 18.0
_HREF = re.compile(r"#[^\s\"'<>]*|https?://[^\s\"'<>]+")


def paint(
    scene: Scene, layout: Layout, description: str, hints: Mapping[str, str], links: Mapping[str, str]
) -> Picture:
    """Draw `scene`. Raises ValueError if a link is anything but a fragment or an http(s) address."""
    legend = _legend_rows(scene, layout.width)
    wide = layout.width + 2 * _MARGIN
    high = layout.height + 2 * _MARGIN + (len(legend) * _LEGEND_ROW + 8 if legend else 0)
    drawn = tuple(zip(scene.lines, layout.routes, strict=True))
    body = (
        *_opening(scene, wide, high, description),
        *_definitions(scene),
        f'<g transform="translate({_n(_MARGIN)} {_n(_MARGIN)})">',
        *(_frame(frame, scene, layout) for frame in _outermost_first(scene.frames)),
        *(_line(line, route, f"{scene.view.id}-line-{at}") for at, (line, route) in enumerate(drawn)),
        *(_frame_label(frame, layout) for frame in scene.frames),
        *(_node(component, scene, layout, hints, links) for component in scene.components),
        *(_line_label(line, route) for line, route in drawn),
        *_legend(legend, layout.height + 14, scene.view.id),
        "</g>",
        "</svg>",
    )
    return Picture("\n".join(filter(None, body)) + "\n", wide, high)


def _opening(scene: Scene, wide: float, high: float, description: str) -> Iterator[str]:
    """The root element with its accessible name and description, and the card everything is on."""
    view = scene.view.id
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{view}" class="topology" width="{_n(wide)}pt" '
        f'height="{_n(high)}pt" viewBox="0 0 {_n(wide)} {_n(high)}" role="group" '
        f'aria-label="{escape(scene.view.title)} view" aria-describedby="{view}-description" '
        f'font-family="{escape(FONT)}">'
    )
    yield f'<desc id="{view}-description">{escape(description)}</desc>'
    yield f'<rect width="{_n(wide)}" height="{_n(high)}" rx="8" fill="{_PAPER}"/>'


def _definitions(scene: Scene) -> Iterator[str]:
    """Each icon that is used, once."""
    used = dict.fromkeys(icons.resolve(component.icon) for component in scene.components)
    yield "<defs>"
    for icon in used:
        size = f'width="{_n(ICON)}" height="{_n(ICON)}"'
        yield f'<image id="{_icon_id(scene, icon)}" {size} href="{icons.data_uri(icon)}"/>'
    yield "</defs>"


def _icon_id(scene: Scene, icon: str) -> str:
    return f"{scene.view.id}-icon-{_slug(icon)}"


def _outermost_first(frames: tuple[Frame, ...]) -> list[Frame]:
    """Frames in the order they have to be painted in."""
    parents = {frame.id: frame.parent for frame in frames}

    def depth(frame: str) -> int:
        return 1 + depth(parents[frame]) if frame else 0

    return sorted(frames, key=lambda frame: depth(frame.id))


def _frame(frame: Frame, scene: Scene, layout: Layout) -> str:
    """A boundary's area."""
    style = _FRAME_STYLES.get(frame.kind, _OTHER_FRAME)
    return (
        f'<g id="{scene.view.id}-frame-{_slug(frame.id)}" class="frame {_slug(frame.kind)}">'
        f'<title>{escape(frame.title)}</title><rect {_rectangle(layout.areas[frame.id])} rx="9" '
        f'fill="{style.fill}" stroke="{style.stroke}" stroke-width="1.3"{_dash(style.dash)}/></g>'
    )


def _frame_label(frame: Frame, layout: Layout) -> str:
    """A boundary's kind in a filled tag, and its title, over the lines that pass there."""
    style = _FRAME_STYLES.get(frame.kind, _OTHER_FRAME)
    label, box = layout.labels[frame.id], layout.titles[frame.id]
    tag = Box(box.x, box.y + 1, label.tag_width, 12)
    x, y = (box.x, box.y + FRAME_SIZE * LINE_SPACING) if label.below else (box.x + label.tag_width + 6, box.y)
    title = "".join(
        _text(line, x, y + 11 + at * FRAME_SIZE * LINE_SPACING, FRAME_SIZE, _INK, bold=True, anchor="start")
        for at, line in enumerate(label.title)
    )
    return (
        f'<g class="frame-label"><rect {_rectangle(box)} fill="{style.fill}" fill-opacity="0.85"/>'
        f'<rect {_rectangle(tag)} rx="3" fill="{style.stroke}"/>'
        f"{_text(label.tag, tag.centre[0], tag.y + 9, TAG_SIZE, _PAPER, bold=True)}{title}</g>"
    )


def _node(
    component: Component, scene: Scene, layout: Layout, hints: Mapping[str, str], links: Mapping[str, str]
) -> str:
    """A component's card: icon, title, detail; hover text; a link around it if it has one."""
    box, card = layout.boxes[component.id], layout.cards[component.id]
    middle = box.centre[0]
    icon = icons.resolve(component.icon)
    parts = [
        f"<title>{escape(hints.get(component.id, '') or component.title)}</title>",
        f'<rect {_rectangle(box)} rx="8" fill="{_PAPER}" stroke="{_CARD_EDGE}"/>',
        f'<use href="#{_icon_id(scene, icon)}" x="{_n(middle - ICON / 2)}" y="{_n(box.y + 7)}"/>',
    ]
    y = box.y + 7 + ICON + 2
    for lines, size, colour, bold in ((card.title, TITLE_SIZE, _INK, True), (card.detail, DETAIL_SIZE, _QUIET, False)):
        for line in lines:
            y += size * LINE_SPACING
            parts.append(_text(line, middle, y - size * 0.2, size, colour, bold=bold))
    group = f'<g id="{scene.view.id}-node-{_slug(component.id)}" class="node">{"".join(parts)}</g>'
    href = links.get(component.id)
    return group if href is None else _linked(group, href, component.title)


def _linked(group: str, href: str, title: str) -> str:
    """`group` inside a link."""
    if not _HREF.fullmatch(href):
        raise ValueError(f"a diagram links to a #fragment or an http(s) address, not to {href[:80]!r}")
    return f'<a href="{escape(href)}" aria-label="{escape(title)}">{group}</a>'


# Lines ---------------------------------------------------------------------------------------------------


def _line(line: Line, route: Route, id: str) -> str:
    """A connection's path and arrowheads."""
    style = LINE_STYLES.get(line.kind, _OTHER_STYLE)
    arrows = "".join(
        _arrow(style, base, tip)
        for base, tip in ((route.points[-1], route.head), (route.points[0], route.tail))
        if tip is not None
    )
    return f'<g id="{id}" class="line {_slug(line.kind)}">{_stroke(style, _path(route.points))}{arrows}</g>'


def _path(points: tuple[Point, ...]) -> str:
    """Bezier points as SVG path data."""
    start, *rest = (f"{_n(x)},{_n(y)}" for x, y in points)
    return f"M{start}C{' '.join(rest)}"


def _stroke(style: LineStyle, path: str) -> str:
    return f'<path d="{path}" fill="none" stroke="{style.colour}" stroke-width="{_n(style.width)}"{_dash(style.dash)}/>'


def _arrow(style: LineStyle, base: Point, tip: Point) -> str:
    """The arrowhead of a style, from where the line stops to where it points."""
    dx, dy = tip[0] - base[0], tip[1] - base[1]
    length = math.hypot(dx, dy) or 1.0
    along, across = (dx / length, dy / length), (-dy / length, dx / length)
    half = 3.0 + style.width / 2

    def at(forward: float, sideways: float) -> str:
        x = base[0] + along[0] * forward * length + across[0] * sideways * half
        y = base[1] + along[1] * forward * length + across[1] * sideways * half
        return f"{_n(x)},{_n(y)}"

    if style.arrow == "open":
        shape = f"M{at(0, 0)}L{at(1, 0)}M{at(0, 1)}L{at(1, 0)} {at(0, -1)}"
        return f'<path d="{shape}" fill="none" stroke="{style.colour}" stroke-width="{_n(style.width)}"/>'
    corners = {
        "diamond": (at(0, 0), at(0.5, 1), at(1, 0), at(0.5, -1)),
    }.get(style.arrow, (at(0, 1), at(1, 0), at(0, -1)))
    fill = _PAPER if style.arrow == "hollow" else style.colour
    return f'<path d="M{"L".join(corners)}Z" fill="{fill}" stroke="{style.colour}" stroke-width="1"/>'


def _line_label(line: Line, route: Route) -> str:
    """A connection's text on a backing that keeps crossing lines from striking it through."""
    if route.label is None:
        return ""
    style = LINE_STYLES.get(line.kind, _OTHER_STYLE)
    box = route.label
    rows = "".join(
        _text(text, box.centre[0], box.y + (at + 0.8) * LABEL_SIZE * LINE_SPACING, LABEL_SIZE, style.colour)
        for at, text in enumerate(route.text)
    )
    return f'<g class="label"><rect {_rectangle(box)} rx="3" fill="{_PAPER}" fill-opacity="0.82"/>{rows}</g>'


# Legend --------------------------------------------------------------------------------------------------


def _legend_rows(scene: Scene, room: float) -> list[list[LineStyle]]:
    """The styles this view uses, in rows no wider than `room`."""
    used = {LINE_STYLES.get(line.kind, _OTHER_STYLE).kind for line in scene.lines}
    rows: list[list[LineStyle]] = []
    taken = math.inf
    for style in (*LINE_STYLES.values(), _OTHER_STYLE):
        if style.kind not in used:
            continue
        if taken + _legend_width(style) > room:
            rows.append([])
            taken = 0.0
        rows[-1].append(style)
        taken += _legend_width(style)
    return rows


def _legend_width(style: LineStyle) -> float:
    return _LEGEND_SAMPLE + 6 + width(style.meaning, LABEL_SIZE) + _LEGEND_GAP


def _legend(rows: Iterable[Iterable[LineStyle]], top: float, view: str) -> Iterator[str]:
    """What each line style means, below the picture, where nothing else is."""
    entries: list[str] = []
    for row, styles in enumerate(rows):
        x, y = 0.0, top + (row + 0.5) * _LEGEND_ROW
        for style in styles:
            entries.append(
                f'<g class="legend {style.kind}">'
                f"{_stroke(style, f'M{_n(x)},{_n(y)}L{_n(x + _LEGEND_SAMPLE - 8)},{_n(y)}')}"
                f"{_arrow(style, (x + _LEGEND_SAMPLE - 8, y), (x + _LEGEND_SAMPLE, y))}"
                f"{_text(style.meaning, x + _LEGEND_SAMPLE + 6, y + 3.5, LABEL_SIZE, _INK, anchor='start')}</g>"
            )
            x += _legend_width(style)
    if entries:
        yield f'<g id="{view}-legend">{"".join(entries)}</g>'


# Small parts ---------------------------------------------------------------------------------------------


def _text(
    text: str, x: float, y: float, size: float, colour: str, *, bold: bool = False, anchor: str = "middle"
) -> str:
    """One line of text; `y` is its baseline."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{colour}" text-anchor="{anchor}"{weight}>'
        f"{escape(text)}</text>"
    )


def _rectangle(box: Box) -> str:
    return f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'


def _dash(pattern: str) -> str:
    return f' stroke-dasharray="{pattern}"' if pattern else ""


def _slug(text: str) -> str:
    """`text` as part of an XML id; different texts stay different."""
    return "".join(c if c.isascii() and (c.isalnum() or c == "-") else f"_{ord(c):x}_" for c in text)


def _n(number: float) -> str:
    """A coordinate with at most one decimal, and no negative zero."""
    return f"{round(number, 1) + 0.0:g}" if abs(number) < 100_000 else f"{number:.1f}"
