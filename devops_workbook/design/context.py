"""What a decision can see: the requirements, the facts, and the decisions taken before it.

Decisions are taken one after the other, in the order of `design.decide`. Each sees the ones before it through
`Context.choice`, adds itself, and may leave findings behind. A Context lives for one evaluation and is the
only mutable thing in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from devops_workbook.catalog.model import Catalog, Framework, Provider, Region, Service
from devops_workbook.design.model import AddressPlan, Decision
from devops_workbook.findings import Finding
from devops_workbook.requirements import Requirements

if TYPE_CHECKING:
    from devops_workbook.design.backups import CopySet
    from devops_workbook.design.sizing import ComputeSize, Load
    from devops_workbook.design.telemetry import Volumes

__all__ = ["Context", "zones_used"]


def zones_used(region: Region) -> int:
    """How many zones of a region a design spreads over: three, where there are so many."""
    return min(3, region.zones)


@dataclass
class Context:
    """One evaluation in progress. Fields that may be None, loads and computes keep what is worked out once and asked
    for often."""

    requirements: Requirements
    catalog: Catalog
    taken: dict[str, Decision] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    loads: dict[str, Load] = field(default_factory=dict)
    telemetry: Volumes | None = None
    addresses: AddressPlan | None = None
    backups: tuple[CopySet, ...] | None = None
    computes: dict[tuple[str, float, float], ComputeSize] = field(default_factory=dict)

    @cached_property
    def provider(self) -> Provider:
        """The cloud the requirements name."""
        return self.catalog.providers[self.requirements.provider]

    @cached_property
    def region(self) -> Region:
        """The primary region: the one named, else the provider's default within the data residency."""
        if self.requirements.region:
            return self.provider.regions[self.requirements.region]
        default = self.provider.regions[self.provider.default_region]
        return next(self._resident((default, *self.provider.regions.values())), default)

    @cached_property
    def second_region(self) -> Region | None:
        """Where a second site goes: the one named, else the region's pair, else any other region that the
        data residency allows (or, without one, of the same jurisdiction); None if there is none."""
        regions = self.provider.regions
        if self.requirements.secondary_region:
            return regions[self.requirements.secondary_region]
        pair = [regions[self.region.pair]] if self.region.pair in regions else []
        near = [r for r in regions.values() if r.jurisdiction == self.region.jurisdiction]
        others = (r for r in (*pair, *near) if r.id != self.region.id)
        return next(self._resident(others), None)

    def _resident(self, regions: Iterable[Region]) -> Iterator[Region]:
        residency = self.requirements.data_residency
        return (r for r in regions if residency in ("none", r.jurisdiction))

    @cached_property
    def frameworks(self) -> tuple[Framework, ...]:
        """The compliance frameworks asked for, in the order they were named."""
        return tuple(self.catalog.frameworks[id] for id in self.requirements.compliance)

    @cached_property
    def asked_controls(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """Field id -> control id -> who asks for it ("PCI DSS 6.4.2"), for the frameworks asked for."""
        asked: dict[str, dict[str, list[str]]] = {}
        for framework in self.frameworks:
            for requirement, controls in framework.requirements.items():
                for id in controls:
                    for field_id in self.catalog.controls[id].needs:
                        asked.setdefault(field_id, {}).setdefault(id, []).append(f"{framework.title} {requirement}")
        return asked

    @property
    def zones(self) -> int:
        """How many zones of the primary region a design spreads over, where its form asks for several."""
        return zones_used(self.region)

    def assume(self, name: str) -> float:
        """The value of a design assumption."""
        value = self.catalog.assumptions[name].value
        assert value is not None
        return value

    def choice(self, field_id: str) -> str:
        """The id of the option chosen for a field that was decided before; KeyError if it was not."""
        return self.taken[field_id].choice.id

    def service(self, role: str, kind: str = "") -> Service | None:
        """The provider's first service for a role (and kind), or None if it has none."""
        return next(iter(self.provider.serving(role, kind)), None)

    def find(self, finding: Finding) -> None:
        """Keep a finding."""
        self.findings.append(finding)

    def ruled_out_by_frameworks(self, field_id: str) -> Mapping[str, str]:
        """Option id -> why a framework asked for does not allow it, for one field."""
        reasons: dict[str, str] = {}
        for framework in self.frameworks:
            condition = framework.demands.get("when", {}).get(field_id)
            if condition and not getattr(self.requirements, condition):
                continue
            for option in framework.demands.get("rule_out", {}).get(field_id, ()):
                reasons.setdefault(option, framework.demands["why"][field_id])
        return reasons
