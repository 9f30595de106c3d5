"""The typed design: decisions taken, and the topology built from them.

A `Decision` is one field of the plan, decided: the `Option` chosen, the ones turned down with their scores,
the rationale, and what would flip it. A `Topology` is the architecture itself: `Component`s placed in
`Boundary`s and joined by `Connection`s. Diagram, prose, price and code are all read from these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from devops_workbook.evidence import Evidence

__all__ = [
    "PRIORITIES", "AddressPlan", "Boundary", "Component", "Connection", "Decision", "Network", "Option", "Subnet",
    "Topology",
]  # fmt: skip

PRIORITIES = ("cost", "resilience", "performance", "simplicity", "portability")


@dataclass(frozen=True, slots=True)
class Option:
    """One way to decide a field.

    id: provider-neutral where the choice is ("kubernetes"), so that an override survives a change of
    provider; service: the catalog id behind it ("eks"), "" when it is a way of working;
    scores: 0-10 for each of PRIORITIES, in that order; ruled_out: why it cannot be had, "" if it can;
    reason: what the scores rest on; score: the weighted score, 0-10.
    """

    id: str
    title: str
    scores: tuple[float, float, float, float, float]
    reason: str
    service: str = ""
    ruled_out: str = ""
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """One field, decided.

    summary: what will be built, in one or two sentences, for the text form of the plan;
    rationale: why, citing the numbers that decided; flips: what change of requirements would change it;
    detail: further (label, text) rows a reader of the full plan wants, such as stages or routes.
    """

    id: str
    title: str
    choice: Option
    summary: str
    rationale: tuple[str, ...]
    alternatives: tuple[Option, ...]
    flips: tuple[str, ...] = ()
    detail: tuple[tuple[str, str], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    controls: tuple[str, ...] = ()
    principles: tuple[str, ...] = ()
    practices: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    overridden: bool = False


@dataclass(frozen=True, slots=True)
class Boundary:
    """A region, virtual network, subnet tier or outside world; `parent` "" = top level.

    kind: "external", "provider" (managed services outside the virtual network), "region", "network",
    "subnet" or "system" (delivery and operations tooling).
    """

    id: str
    kind: str
    title: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """One component.

    role: what it is for ("compute", "database", ...); service: catalog id; decision: the field that put it
    here; zones: how many zones it spans, 0 = regional or global managed service; count: instances running
    at the planned peak; sku: instance size, "" where there is none; usage: monthly quantities by billing
    dimension, for the whole component; views: the diagram views it appears in.
    """

    id: str
    role: str
    service: str
    title: str
    icon: str
    boundary: str
    decision: str
    region: str = ""
    zones: int = 0
    count: int = 1
    sku: str = ""
    views: tuple[str, ...] = ("runtime",)
    usage: Mapping[str, float | None] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """Traffic, or another dependency, from `source` to `target` (component ids).

    kind: "request" (a user waits for it), "async", "replication", "delivery", "telemetry" or "control";
    gb_month: GB a month it moves, or those of them that cross where it crosses something, None = not known;
    crosses: "", "zone", "region" or "internet".
    """

    source: str
    target: str
    kind: str
    label: str
    protocol: str
    port: int
    encrypted: bool = True
    gb_month: float | None = None
    crosses: str = ""
    views: tuple[str, ...] = ("runtime",)


@dataclass(frozen=True, slots=True)
class Subnet:
    """One subnet of the address plan.

    tier: "public", "app" or "data"; zone: 1 for the first zone, 0 = it spans the region; needed: addresses wanted at
    the planned peak, surge and what the provider reserves included; usable: what is left of the block after what the
    provider reserves; boundary: the topology's boundary it belongs to, "" outside production.
    """

    tier: str
    zone: int
    cidr: str
    needed: int
    usable: int
    boundary: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """One virtual network: an environment in a region. pods and services: address ranges of a cluster, "" = pods
    take addresses of the subnets, or there is no cluster; pods_needed: addresses wanted of the pods' own range."""

    environment: str
    region: str
    cidr: str
    subnets: tuple[Subnet, ...]
    pods: str = ""
    services: str = ""
    pods_needed: int = 0


@dataclass(frozen=True, slots=True)
class AddressPlan:
    """The networks of all environments and regions; no two overlap."""

    networks: tuple[Network, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Topology:
    """The architecture. Ids are unique; every connection joins two components that are in it."""

    boundaries: tuple[Boundary, ...]
    components: tuple[Component, ...]
    connections: tuple[Connection, ...]
    addresses: AddressPlan = AddressPlan()

    def component(self, id: str) -> Component:
        """The component with this id; KeyError if there is none."""
        for component in self.components:
            if component.id == id:
                return component
        raise KeyError(id)

    def with_role(self, *roles: str) -> tuple[Component, ...]:
        """The components that play any of `roles`, in order."""
        return tuple(c for c in self.components if c.role in roles)
