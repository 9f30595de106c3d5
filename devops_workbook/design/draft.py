"""A topology being drawn up: boundaries, components and connections in the order in which they are laid down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.model import AddressPlan, Boundary, Component, Connection, Topology
from devops_workbook.design.telemetry import hosting, telemetry_of

__all__ = ["Draft", "Usage"]

Usage = Mapping[str, float | None]


@dataclass
class Draft:
    """What has been laid down so far, by id."""

    c: Context
    boundaries: list[Boundary] = field(default_factory=list)
    components: dict[str, Component] = field(default_factory=dict)
    connections: list[Connection] = field(default_factory=list)

    def bound(self, id: str, kind: str, title: str, parent: str = "") -> None:
        """Draw a boundary."""
        self.boundaries.append(Boundary(id, kind, title, parent))

    def add(
        self,
        id: str,
        service: Service,
        boundary: str,
        decision: str,
        views: str,
        usage: Usage | None = None,
        **more: Any,
    ) -> None:
        """Add a component that a service plays. views: names with blanks between; more: fields of Component."""
        title = more.pop("title", service.title)
        self.components[id] = Component(
            id, service.role, service.id, title, service.icon, boundary, decision,
            views=tuple(views.split()), usage=usage or {}, **more,
        )  # fmt: skip

    def tool(
        self, id: str, service: Service, boundary: str, decision: str, views: str, usage: Usage, region: str = ""
    ) -> None:
        """Add a tool; one that the team runs itself bills the instances it runs on, in the primary region unless
        another is given."""
        on = hosting(self.c, service, telemetry_of(self.c))
        region = region or (self.c.region.id if on.nodes else "")
        usage = {**usage, **on.usage}
        self.add(id, service, boundary, decision, views, usage, sku=on.sku, count=on.nodes or 1, region=region)

    def join(
        self, source: str, target: str, kind: str, label: str, views: str, *,
        protocol: str = "https", port: int = 443, gb: float | None = None, crosses: str = "",
    ) -> None:  # fmt: skip
        """Connect two components, if both are in the design."""
        if source in self.components and target in self.components:
            self.connections.append(
                Connection(source, target, kind, label, protocol, port, True, gb, crosses, tuple(views.split()))
            )

    def topology(self, addresses: AddressPlan) -> Topology:
        """What has been laid down, as it will stay."""
        components = tuple(self.components.values())
        return Topology(tuple(self.boundaries), components, tuple(self.connections), addresses)
