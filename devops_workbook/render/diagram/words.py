"""The same picture in words: an alternative text and a table, for people who cannot see it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from devops_workbook.design.model import Component, Connection, Topology
from devops_workbook.render.diagram.layout import detail
from devops_workbook.render.diagram.scene import Scene, endpoint, frame_path
from devops_workbook.render.diagram.text import ellipsis

__all__ = ["Row", "describe", "rows"]

_MENTION = 80
"""A title is given whole where its component is introduced, and in this many characters where it is mentioned."""

_ACRONYMS = frozenset({"cdn", "dns", "nat", "waf"})


@dataclass(frozen=True, slots=True)
class Row:
    """One component of a view: its title, what it is, where it is, and what it connects to."""

    component: str
    what: str
    where: str
    connects_to: tuple[str, ...]


def describe(topology: Topology, scene: Scene) -> str:
    """A description of the view that can stand in for the picture: what is where, then every connection."""
    places: dict[str, list[Component]] = {}
    for component in scene.components:
        places.setdefault(_where(topology, component), []).append(component)
    sentences = [f"{scene.view.title} view. {scene.view.caption}"]
    for place, components in places.items():
        sentences.append(f"{place}: {'; '.join(map(_introduce, components))}.")
    if scene.connections:
        mentions = _mentions(scene)
        told = (f"{mentions[c.source]} to {mentions[c.target]}{_manner(c)}" for c in scene.connections)
        sentences.append(f"Connections: {'; '.join(told)}.")
    return "\n".join(sentences)


def rows(topology: Topology, scene: Scene) -> tuple[Row, ...]:
    """The view as a table, in the topology's order."""
    mentions = _mentions(scene)
    return tuple(
        Row(
            component.title or component.id,
            ", ".join(filter(None, (_role(component), detail(component)))),
            _where(topology, component),
            tuple(mentions[c.target] + _manner(c) for c in scene.connections if c.source == component.id),
        )
        for component in scene.components
    )


def _role(component: Component) -> str:
    """What a component is for, in words."""
    return component.role.upper() if component.role in _ACRONYMS else component.role.replace("_", " ")


def _mentions(scene: Scene) -> dict[str, str]:
    return {component.id: ellipsis(component.title or component.id, _MENTION) for component in scene.components}


def _introduce(component: Component) -> str:
    """A component with its numbers in brackets."""
    numbers = detail(component)
    return (component.title or component.id) + (f" ({numbers})" if numbers else "")


def _where(topology: Topology, component: Component) -> str:
    """The boundaries around a component, outermost first."""
    path = " > ".join(_titles(topology, component))
    return path or "Outside any boundary"


def _titles(topology: Topology, component: Component) -> Iterable[str]:
    return (boundary.title or boundary.id for boundary in frame_path(topology, component.boundary))


def _manner(connection: Connection) -> str:
    """How a connection is made: " (reads, postgres:5432, encrypted, crosses zone)"."""
    facts = (
        connection.label,
        endpoint(connection),
        "encrypted" if connection.encrypted else "not encrypted",
        f"crosses {connection.crosses}" if connection.crosses else "",
    )
    return f" ({', '.join(filter(None, (connection.kind, *facts)))})"
