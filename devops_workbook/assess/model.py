"""The assessment's types: what the design achieves, in numbers that can be asked why.

None always means "not known". Every figure has its Evidence beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from devops_workbook.evidence import Evidence

__all__ = [
    "Assessment", "Availability", "AvailabilityPart", "Capacity", "Carbon", "Compliance", "ControlStatus",
    "Cost", "CostLine", "FrameworkCoverage", "Recovery", "RecoveryCase", "RecoveryStep",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Capacity:
    """Load and the workers that carry it.

    planned_rps: peak x growth over the horizon; origin_rps: of it, what no CDN answers; offered_load: Erlangs at
    the design rate, which is the origin's with a spike on it; workers: requests served at once; utilisation: share
    of the workers busy at the design rate, 0-1; p99_ms: expected response time, None = not known.
    """

    planned_rps: float
    origin_rps: float
    offered_load: float
    workers: int
    instances: int
    min_instances: int
    max_instances: int
    utilisation: float
    p99_ms: float | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class AvailabilityPart:
    """One component on the users' path. `pct` None = not known; minutes: downtime a 30-day month."""

    component: str
    title: str
    form: str
    pct: float | None
    minutes_month: float | None
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Availability:
    """pct: what the promises of the parts add up to, None = not known; target_pct: what was asked."""

    pct: float | None
    target_pct: float
    downtime_minutes_month: float | None
    error_budget_minutes_month: float
    parts: tuple[AvailabilityPart, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class RecoveryStep:
    """One step of a recovery, in minutes; None = not known."""

    title: str
    minutes: float | None
    source: str


@dataclass(frozen=True, slots=True)
class RecoveryCase:
    """One disruption: "instance", "zone", "region" or "data-corruption"; None = not known."""

    disruption: str
    title: str
    rto_minutes: float | None
    rpo_minutes: float | None
    steps: tuple[RecoveryStep, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Recovery:
    """rto_minutes and rpo_minutes: the worst of the cases, None = one of them is not known."""

    rto_minutes: float | None
    rpo_minutes: float | None
    rto_target_minutes: float
    rpo_target_minutes: float
    cases: tuple[RecoveryCase, ...]


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of the bill: quantity x unit price. unit_price_usd and monthly_usd None = not known; borrowed: the
    region whose price it is, "" = that of the component's own."""

    component: str
    item: str
    quantity: float | None
    unit: str
    unit_price_usd: float | None
    monthly_usd: float | None
    source: str
    as_of: str
    note: str = ""
    borrowed: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """monthly_usd: the sum of the lines whose price is known; price_date: from the oldest to the newest price in
    it; unpriced: the lines missing from it; excluded: what it is not about."""

    monthly_usd: float
    currency: str
    price_date: str
    lines: tuple[CostLine, ...]
    unpriced: tuple[str, ...]
    excluded: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class ControlStatus:
    """One control: satisfied by these decisions, or missing with a remedy."""

    id: str
    title: str
    satisfied: bool
    by: tuple[str, ...]
    missing: tuple[str, ...]
    remedy: str


@dataclass(frozen=True, slots=True)
class FrameworkCoverage:
    """One framework: its technical requirements that the design satisfies, out of all of them (0-100 %)."""

    id: str
    title: str
    version: str
    source: str
    requirements: tuple[tuple[str, str, tuple[ControlStatus, ...]], ...]
    satisfied: int
    total: int
    not_technical: str

    @property
    def pct(self) -> float:
        """Share of the technical requirements that is satisfied, 0-100."""
        return 100.0 * self.satisfied / self.total if self.total else 100.0


@dataclass(frozen=True, slots=True)
class Compliance:
    """Coverage of every framework asked for; pct over all of them, None = no framework was asked for."""

    pct: float | None
    frameworks: tuple[FrameworkCoverage, ...]


@dataclass(frozen=True, slots=True)
class Carbon:
    """Emissions of running the compute and data instances, in kgCO2e a month; None = not known."""

    kgco2e_month: float | None
    grid_gco2e_per_kwh: float | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything the design achieves."""

    availability: Availability
    recovery: Recovery
    cost: Cost
    capacity: Capacity
    compliance: Compliance
    carbon: Carbon
