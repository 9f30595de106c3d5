"""The assessment's types: what the design achieves, in numbers that can be asked why.

None always means "not known". Every figure has its Evidence beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from devops_workbook.catalog.model import GrowsWith, Term
from devops_workbook.design.recovery import Disruption, Step
from devops_workbook.evidence import Evidence, Quantity

__all__ = [
    "Assessment", "Availability", "AvailabilityPart", "BackupSet", "Block", "Budget", "Capacity", "Carbon",
    "CarbonLine", "ColdCache", "Commitment", "Compliance", "Connections", "Contribution", "ControlStatus", "Cost",
    "CostLine", "Disruption", "Environment", "FrameworkCoverage", "Journey", "Packing", "Projection", "Recovery",
    "RecoveryCase", "Replicas", "RestoreTest", "Retention", "Signal", "Telemetry", "TierAmount",
]  # fmt: skip

# --- capacity --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Replicas:
    """One row of the capacity table: what so many replicas would give at the design rate.

    workers: requests they serve at once; utilisation: share of the workers busy, 1 or more = the queue grows without
    end; waiting: the chance that a request waits, 0-1; wait_p99_ms and p99_ms: 99th percentile of the wait and of the
    response, None = without end; meets: whether the latency target is met; chosen: the row the design runs at its
    planned peak with everything up, and lost_zone: the row that is left when one zone is lost.
    """

    replicas: int
    workers: int
    utilisation: float
    waiting: float
    wait_p99_ms: float | None
    p99_ms: float | None
    meets: bool
    chosen: bool = False
    lost_zone: bool = False


@dataclass(frozen=True, slots=True)
class Packing:
    """How replicas fit on a node: what the machine has, what the system keeps for itself, what is left.

    reserved_vcpu and reserved_gib: kubelet, system and eviction reserve, and the cluster's own agents; max_pods: the
    node's limit, None = none; agents: pods of the cluster itself on each node; per_node: replicas that fit;
    bound_by: what runs out first, "processors", "memory" or "pods".
    """

    sku: str
    vcpu: float
    gib: float
    reserved_vcpu: float
    reserved_gib: float
    max_pods: int | None
    agents: int
    per_node: int
    bound_by: Literal["processors", "memory", "pods"]
    nodes: int
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Connections:
    """Database connections that all replicas open at the peak, against what the database takes.

    limit: of the chosen size, None = not known; pooled: whether a pooler should stand between, because functions come
    and go or because more are opened than it takes.
    """

    per_replica: float
    opened: int
    limit: int | None
    pooled: bool
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class ColdCache:
    """What happens when the caches are empty at the planned peak, with the headroom on it.

    origin_rps: what then reaches the origin; utilisation: of the workers that run; p99_ms: None = without end;
    database_qps and database_utilisation: queries a second without the in-memory cache, and the share of the
    database's processors they take; survives: whether service goes on, if slower.
    """

    origin_rps: float
    utilisation: float
    p99_ms: float | None
    database_qps: float
    database_utilisation: float | None
    survives: bool
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Capacity:
    """Load and what carries it.

    planned_rps: peak x growth over the horizon; origin_rps: of it, what no CDN answers; offered_load: Erlangs at
    the design rate, which is the origin's with the headroom on it; workers: requests served at once by all replicas;
    workers_per_replica: of them in one replica (container, function instance or virtual machine); replicas: at the
    planned peak with everything up; instances: machines, where replicas share some, else the replicas; utilisation:
    share of the workers busy at the design rate, 0-1; p99_ms: expected response time, None = not known; table: the
    same over other counts of replicas; packing, connections, cold_cache: None where there is nothing to pack, a
    database that is called over HTTP, or no cache.
    """

    planned_rps: float
    origin_rps: float
    offered_load: float
    workers: int
    workers_per_replica: int
    replicas: int
    min_replicas: int
    instances: int
    min_instances: int
    max_instances: int
    utilisation: float
    p99_ms: float | None
    table: tuple[Replicas, ...]
    packing: Packing | None
    connections: Connections | None
    cold_cache: ColdCache | None
    evidence: tuple[Evidence, ...]


# --- availability ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a reliability diagram.

    kind: "part" (one component), "series" (all children are needed), "k-of-n" (k of n like the one child), or
    "sites" (two sites: active-active, or a standby that is switched to); pct: what it promises, None = not known;
    component: the topology's component behind a part; detail: the numbers of k-of-n and sites in words.
    """

    kind: Literal["part", "series", "k-of-n", "sites"]
    title: str
    pct: float | None
    component: str = ""
    children: tuple[Block, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Journey:
    """One thing a user does, and the blocks it needs. minutes_year: expected downtime, None = not known."""

    id: str
    title: str
    pct: float | None
    minutes_year: float | None
    block: Block
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class AvailabilityPart:
    """One component on the users' path. `pct` None = not known; minutes_month: downtime a 30-day month."""

    component: str
    title: str
    form: str
    pct: float | None
    minutes_month: float | None
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one component adds to the yearly downtime of the users' path; share: of the whole, 0-1."""

    component: str
    title: str
    minutes_year: float
    share: float
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Availability:
    """pct: what the promises on the users' path add up to, None = not known; target_pct: what was asked;
    contributions: what to fix first, the largest first (empty when a promise is not known)."""

    pct: float | None
    target_pct: float
    downtime_minutes_month: float | None
    error_budget_minutes_month: float
    parts: tuple[AvailabilityPart, ...]
    journeys: tuple[Journey, ...]
    contributions: tuple[Contribution, ...]
    evidence: tuple[Evidence, ...]


# --- recovery --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecoveryCase:
    """One disruption, and how it ends; None = not known. meets_rto, meets_rpo: whether the targets are met, None =
    not known."""

    disruption: Disruption
    title: str
    rto_minutes: float | None
    rpo_minutes: float | None
    meets_rto: bool | None
    meets_rpo: bool | None
    steps: tuple[Step, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class BackupSet:
    """One generation of backups (grandfather-father-son).

    data: "database" or "files"; generation: "log", "daily", "weekly", "monthly" or "yearly"; every_hours: how often
    one is made, 0 = at every write; kept: how many are; retention_days: for how long; gb: stored volume of all of
    them; component: the one that bills them; region: where they are; immutable: whether nobody can delete them before
    their time.
    """

    data: str
    generation: str
    every_hours: float
    kept: int
    retention_days: float
    gb: float
    component: str
    region: str
    immutable: bool
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class RestoreTest:
    """One exercise of the restore-test schedule: what is restored, how often, and which RTO it proves."""

    title: str
    every_days: int
    disruption: Disruption
    proves: str
    minutes: float | None


@dataclass(frozen=True, slots=True)
class Recovery:
    """rto_minutes and rpo_minutes: the worst of losing an instance, a zone or a region, None = one of them is not
    known; cases: all disruptions, those that no replica helps against included."""

    rto_minutes: float | None
    rpo_minutes: float | None
    rto_target_minutes: float
    rpo_target_minutes: float
    cases: tuple[RecoveryCase, ...]
    backups: tuple[BackupSet, ...]
    tests: tuple[RestoreTest, ...]


# --- cost ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TierAmount:
    """What falls into one tier of a price: so many units beyond `above`, each at `usd`."""

    above: float
    quantity: float
    usd: float


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of the bill: quantity x unit price. unit_price_usd and monthly_usd None = not known.

    unit_price_usd: where tiers apply, the mean over them; section: the plan's section that the component's decision
    belongs to; environment: "production", "staging" or "development"; grows_with: what the quantity grows with;
    borrowed: the region whose price it is, "" = that of the component's own; adjusted: what a price overlay did to
    it, "" = it is the list price.
    """

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
    section: str = ""
    environment: str = "production"
    grows_with: GrowsWith = "fixed"
    tiers: tuple[TierAmount, ...] = ()
    adjusted: str = ""

    @property
    def evidence(self) -> Evidence:
        """The amount of the line as evidence: its quantity, price and source."""
        each = f"USD/{self.unit}"
        given = (Quantity("quantity", self.quantity, self.unit), Quantity("unit price", self.unit_price_usd, each))
        steps = tuple(
            quantity
            for t in self.tiers
            for quantity in (
                Quantity(f"quantity beyond {t.above:,g} {self.unit}", t.quantity, self.unit),
                Quantity(f"price beyond {t.above:,g} {self.unit}", t.usd, each),
            )
        )
        return Evidence(
            f"{self.component}: {self.item}", self.monthly_usd, "USD/month",
            "quantity x unit price" if not steps else "sum over the tiers of the quantity within x its price",
            (*given, *steps), self.source, self.as_of,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment and what it costs beside production; rules: how it differs, each as a sentence."""

    id: str
    title: str
    monthly_usd: float
    rules: tuple[str, ...]
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Commitment:
    """One component's machines under another term than on demand.

    term: "1y", "3y" or "spot"; on_demand_usd and committed_usd: a month for the part that is always running;
    break_even: share of the hours of the term, 0-1, that a machine must run for the commitment to pay.
    """

    component: str
    title: str
    term: Term
    on_demand_usd: float
    committed_usd: float
    break_even: float
    evidence: Evidence

    @property
    def saving_usd(self) -> float:
        """USD a month saved where the machines run all the time."""
        return self.on_demand_usd - self.committed_usd


@dataclass(frozen=True, slots=True)
class Projection:
    """USD a month, month by month from now: the first figure is this month's."""

    monthly_usd: tuple[float, ...]
    evidence: Evidence

    @property
    def total_usd(self) -> float:
        """USD over all the months."""
        return sum(self.monthly_usd)


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget against the cost. gap_usd: cost less budget, negative = room is left; exceeded_in: the month of the
    projection, 0 = now, in which the cost grows over the budget, None = it does not."""

    monthly_usd: float
    gap_usd: float
    exceeded_in: int | None
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Cost:
    """monthly_usd: the sum of the lines of all environments whose price is known; production_usd: of production
    alone; price_date: from the oldest to the newest price in it; by_section: section id -> USD a month;
    per_1000_requests_usd: monthly_usd over the requests of a month; unpriced: the lines missing from it; excluded:
    what it is not about; budget: None = none was stated."""

    monthly_usd: float
    production_usd: float
    currency: str
    price_date: str
    per_1000_requests_usd: float
    by_section: tuple[tuple[str, float], ...]
    lines: tuple[CostLine, ...]
    environments: tuple[Environment, ...]
    commitments: tuple[Commitment, ...]
    projection: Projection
    budget: Budget | None
    unpriced: tuple[str, ...]
    excluded: tuple[str, ...]
    evidence: tuple[Evidence, ...]

    def of(self, component: str) -> float | None:
        """USD a month of one component in production; None if a line of it is not known. No line costs nothing."""
        lines = (line for line in self.lines if line.component == component and line.environment == "production")
        amounts = [line.monthly_usd for line in lines]
        return None if None in amounts else sum(a for a in amounts if a is not None)


# --- compliance ------------------------------------------------------------------------------------------


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


# --- carbon ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CarbonLine:
    """What one component draws and emits in its region a month; kgco2e None = the grid's intensity is not known."""

    component: str
    region: str
    kwh: float
    kgco2e: float | None
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Carbon:
    """Emissions of running the design, in kgCO2e a month; None = one of the lines is not known. excluded: what the
    figure is not about."""

    kgco2e_month: float | None
    grid_gco2e_per_kwh: float | None
    lines: tuple[CarbonLine, ...]
    excluded: tuple[str, ...]
    evidence: tuple[Evidence, ...]


# --- telemetry -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retention:
    """One tier in which a signal is kept: for so many days beyond the tier before; gb: stored in it at any time."""

    title: str
    days: int
    gb: float


@dataclass(frozen=True, slots=True)
class Signal:
    """One kind of telemetry: how much comes in and how long it is kept.

    kind: "metrics", "logs", "traces" or "audit"; rate: a second, in `unit`; gb_day: taken in a day.
    """

    kind: Literal["metrics", "logs", "traces", "audit"]
    title: str
    rate: float
    unit: str
    gb_day: float
    tiers: tuple[Retention, ...]
    component: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What the system says about itself, signal by signal."""

    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything the design achieves."""

    availability: Availability
    recovery: Recovery
    cost: Cost
    capacity: Capacity
    compliance: Compliance
    carbon: Carbon
    telemetry: Telemetry
