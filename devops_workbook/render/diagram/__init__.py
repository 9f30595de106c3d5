"""Pictures of a topology that a review can read from the wall.

The story: `scene` picks what one view shows and merges what says the same; `layout` computes how large each
card is, adds what `ranks` knows about reading order, has Graphviz (`engine`) place everything, and lets
`labels` find a free place beside each line; `svg` draws, with the providers' own `icons`; `words` says the
same for those who cannot see it. Every step is a pure function of the topology, so that the same topology
gives the same bytes on every machine and from every thread.

    for view in views(topology):
        drawing = draw(topology, view.id, links={"database": "#decision-infrastructure-database"})
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from devops_workbook.design.model import Topology
from devops_workbook.render.diagram import scene as scenes
from devops_workbook.render.diagram.engine import LayoutError, coordinates
from devops_workbook.render.diagram.layout import lay_out
from devops_workbook.render.diagram.scene import View, views
from devops_workbook.render.diagram.svg import paint
from devops_workbook.render.diagram.words import Row, describe, rows

__all__ = ["Drawing", "LayoutError", "Row", "View", "draw", "views", "warm_up"]

_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Drawing:
    """One view, drawn.

    svg: a self-contained <svg> element without XML declaration, to inline or to save as a file; alt: a
    description that can replace it; width, height: its size in points; table: its content as rows.
    """

    svg: str
    alt: str
    width: float
    height: float
    table: tuple[Row, ...]


def draw(
    topology: Topology, view_id: str, *, hints: Mapping[str, str] = _NOTHING, links: Mapping[str, str] = _NOTHING
) -> Drawing:
    """Draw one of `views(topology)`.

    hints: component id -> the text shown when the pointer is on it (its title, if not given);
    links: component id -> where it leads, a "#fragment" or an http(s) address.
    Raises KeyError if the view does not apply to the topology, ValueError for any other kind of link, and
    LayoutError if Graphviz cannot run. An icon that `diagrams` does not have is drawn as a generic one.
    """
    scene = scenes.build(topology, scenes.view_of(topology, view_id))
    alt = describe(topology, scene)
    picture = paint(scene, lay_out(scene), alt, hints, links)
    return Drawing(picture.svg, alt, picture.width, picture.height, rows(topology, scene))


def warm_up() -> None:
    """Compile the layout engine (most of a second, once a process), so that the first picture need not wait."""
    coordinates("digraph { a -> b }")
