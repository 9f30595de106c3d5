"""What the generators build from: one design, looked at as code needs it.

A `Blueprint` joins the evaluation with the catalog, the environments and the names, and answers the questions that
every generator asks: is there such a component, how much of it in which environment, which networks, what was decided
and why. A value that differs between environments is an `Each`; everything else is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from devops_workbook.artifacts.names import Names, names_of
from devops_workbook.assess.model import Assessment
from devops_workbook.catalog import Catalog, load
from devops_workbook.catalog.model import Provider, Region
from devops_workbook.design.deployments import Deployment, Size
from devops_workbook.design.model import Component, Connection, Decision, Network, Topology
from devops_workbook.evaluate import Evaluation
from devops_workbook.requirements import Requirements

__all__ = ["FOLDERS", "Blueprint", "Each", "Site"]

_SHORT_REASON = 140
FOLDERS = {"production": "production", "staging": "staging", "development": "dev"}


@dataclass(frozen=True, slots=True)
class Each:
    """A value by environment id. None where an environment has nothing of it."""

    values: Mapping[str, Any]

    @property
    def constant(self) -> bool:
        """Whether it is the same in every environment that has it."""
        known = [v for v in self.values.values() if v is not None]
        return all(v == known[0] for v in known)

    def map(self, change: Callable[[Any], Any]) -> Each:
        """The same, each value that there is changed."""
        return Each({k: None if v is None else change(v) for k, v in self.values.items()})


@dataclass(frozen=True, slots=True)
class Site:
    """One region that serves, or could: suffix "" for the first, "-2" for the second."""

    suffix: str
    region: Region

    def id(self, name: str) -> str:
        """The id of a component at this site."""
        return name + self.suffix


@dataclass(frozen=True)
class Blueprint:
    """One design as the generators read it."""

    evaluation: Evaluation
    catalog: Catalog

    @classmethod
    def of(cls, evaluation: Evaluation, catalog: Catalog | None = None) -> Blueprint:
        """The blueprint of an evaluation; `catalog` is the packaged one unless another is given."""
        return cls(evaluation, catalog or load())

    @property
    def requirements(self) -> Requirements:
        """What was asked for."""
        return self.evaluation.requirements

    @property
    def topology(self) -> Topology:
        """Components and connections."""
        return self.evaluation.topology

    @property
    def assessment(self) -> Assessment:
        """The figures."""
        return self.evaluation.assessment

    @cached_property
    def provider(self) -> Provider:
        """The cloud's catalog."""
        return self.catalog.providers[self.requirements.provider]

    @cached_property
    def names(self) -> Names:
        """The names of resources."""
        return names_of(self.requirements.name, self.requirements.owner)

    # --- decisions -------------------------------------------------------------------------------------------

    @cached_property
    def _decisions(self) -> Mapping[str, Decision]:
        return {d.id: d for d in self.evaluation.plan.decisions}

    def decision(self, field: str) -> Decision:
        """How a field was decided; KeyError for a field that does not exist."""
        return self._decisions[field]

    def choice(self, field: str) -> str:
        """The id of the option chosen for a field: "kubernetes" for "infrastructure.compute"."""
        return self._decisions[field].choice.id

    def why(self, field: str) -> str:
        """What was decided and, where it is short, the first reason for it: a comment beside a value. The plan has the
        rest."""
        decision = self._decisions[field]
        reason = decision.rationale[0] if decision.rationale else decision.choice.reason
        told = f"{decision.title}: {decision.choice.title}."
        return f"{told} {reason}" if len(reason) <= _SHORT_REASON else told

    # --- components ------------------------------------------------------------------------------------------

    @cached_property
    def _components(self) -> Mapping[str, Component]:
        return {c.id: c for c in self.topology.components}

    def has(self, id: str) -> bool:
        """Whether the design has a component with this id."""
        return id in self._components

    def component(self, id: str) -> Component:
        """The component with this id; KeyError if there is none."""
        return self._components[id]

    def part(self, id: str) -> str:
        """The id, if a component or a boundary (a network, a tier of subnets) has it, else ""."""
        return id if id in self._components or any(x.id == id for x in self.topology.boundaries) else ""

    def outgoing(self, id: str) -> Iterator[Connection]:
        """The connections that a component opens."""
        return (x for x in self.topology.connections if x.source == id)

    def incoming(self, id: str) -> Iterator[Connection]:
        """The connections that others open to a component."""
        return (x for x in self.topology.connections if x.target == id)

    # --- places and environments -----------------------------------------------------------------------------

    @property
    def environments(self) -> tuple[Deployment, ...]:
        """Production first."""
        return self.evaluation.deployments

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """The regions that run compute, the primary first."""
        regions = self.provider.regions
        return tuple(Site("-2" if i else "", regions[id]) for i, id in enumerate(self.environments[0].regions))

    @cached_property
    def backup_region(self) -> Region | None:
        """The second region that holds copies of the backups; None = they stay in the first."""
        return self.provider.regions[self.component("backup-2").region] if self.has("backup-2") else None

    def each(self, value: Callable[[Deployment], Any]) -> Each:
        """A value worked out for every environment."""
        return Each({e.environment: value(e) for e in self.environments})

    def at(self, site: Site, value: Callable[[Deployment], Any]) -> Each:
        """A value for every environment that has this site, None for the others."""
        return self.each(lambda e: value(e) if site.region.id in e.regions else None)

    def sized(self, component: str, value: Callable[[Size], Any]) -> Each:
        """Something of a component's size in every environment that has it, None for the others."""
        return self.each(lambda e: value(e.sizes[component]) if component in e.sizes else None)

    def present(self, site: Site) -> Each:
        """Whether an environment has this site."""
        return self.each(lambda e: site.region.id in e.regions)

    def network(self, environment: str, region: str) -> Network:
        """The address plan of an environment in a region; StopIteration if it has none there."""
        networks = self.topology.addresses.networks
        return next(n for n in networks if n.environment == environment and n.region == region)

    @cached_property
    def domains(self) -> Each:
        """The name of every environment, of the domain that is reserved for examples (RFC 2606): nobody stated it."""
        base = f"{self.names.system}.example.com"
        return self.each(lambda e: base if e.environment == "production" else f"{FOLDERS[e.environment]}.{base}")

    @cached_property
    def budgets_usd(self) -> Each:
        """The budget of every environment, USD a month: what was stated, shared out as the cost is; the cost itself
        where nothing was stated. Whole dollars, at least one, and together what was stated."""
        cost = self.assessment.cost
        spent = {e.id: e.monthly_usd for e in cost.environments}
        stated = cost.budget.monthly_usd if cost.budget else sum(spent.values())
        whole = sum(spent.values()) or 1.0
        shares = {id: max(1, round(stated * usd / whole)) for id, usd in spent.items()}
        return Each(shares)
