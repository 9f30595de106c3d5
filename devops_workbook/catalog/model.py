"""The catalog's types: what the world offers, as facts with a source and a date.

A `Service` is anything a component of a design can be: a provider's managed service or a tool that runs on
every cloud. It says which role it plays, what it promises (`Sla`), what it can do (`features`), how it is
billed (`PriceDimension`) and how we rate it (`Rating`). Prices live apart in a `PriceBook`, because they
change by region and by month while services do not.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

from devops_workbook.evidence import Fact

__all__ = [
    "Catalog", "Control", "Framework", "GrowsWith", "Instance", "Parity", "ParityRule", "Practice", "Price",
    "PriceBook", "PriceDimension", "Provider", "Ratings", "Region", "Service", "Sla", "Term", "Tier", "Usage",
]  # fmt: skip

GrowsWith = Literal["traffic", "capacity", "data", "team", "fixed"]
Term = Literal["", "1y", "3y", "spot"]


@dataclass(frozen=True, slots=True)
class Ratings:
    """Our 0-10 judgement of an option under each priority, 10 best, and the sentence that defends it.

    These are judgements, not measurements, and are shown as such. Where a number exists (a price at this
    load, an SLA) the decision replaces the rating by the number.
    """

    cost: float
    resilience: float
    performance: float
    simplicity: float
    portability: float
    why: str


@dataclass(frozen=True, slots=True)
class Sla:
    """The availability a provider promises for one deployment form; `pct` None = no SLA is given.

    `form` is one of "single", "zonal", "multi-zone", "regional", "multi-region", "global".
    """

    form: str
    pct: float | None
    source: str
    as_of: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class PriceDimension:
    """One thing a service bills: quantity `per` of a component's monthly usage, priced as `item`.

    `item` may hold "{sku}", which is replaced by the component's SKU; `label` is what the price line says. Where a
    service bills something else than what the usage counts, `scale` is how much usage makes one `unit` of it (six
    spans make a trace); "" = the unit of the usage. Multiples, such as a price per million, are the price's.
    """

    per: str
    item: str
    label: str
    unit: str = ""
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a provider, or a tool ("tools" is then the provider).

    role: the topology role it can play, such as "compute" or "database"; kind: what distinguishes the
    options within a role, such as "kubernetes" or "functions"; icon: dotted class path below `diagrams`;
    skus: the instance kind its SKUs are taken from ("" = it has no SKUs).
    """

    id: str
    provider: str
    title: str
    role: str
    kind: str
    icon: str
    url: str
    slas: tuple[Sla, ...]
    dimensions: tuple[PriceDimension, ...]
    ratings: Ratings | None
    features: frozenset[str]
    limits: Mapping[str, float]
    skus: str = ""
    port: int = 443
    protocol: str = "https"

    def sla(self, *forms: str) -> Sla | None:
        """The SLA of the first of `forms` the service states anything for, or None."""
        return next((s for form in forms for s in self.slas if s.form == form), None)


@dataclass(frozen=True, slots=True)
class Instance:
    """A machine size. kind: what a service's `skus` names, such as compute, database, database-cluster or cache;
    family: general, compute, memory or burstable; arch: x86 or arm; memory in GiB; max_pods: how many pods the
    provider's network lets run on one, max_storage_gb: how much data a database of it holds, None = the size sets no
    limit."""

    sku: str
    kind: str
    family: str
    arch: str
    vcpu: float
    memory_gib: float
    max_pods: int | None = None
    max_storage_gb: float | None = None

    def holds(self, data_gb: float) -> bool:
        """Whether a database of this size may hold so much data."""
        return self.max_storage_gb is None or data_gb <= self.max_storage_gb


@dataclass(frozen=True, slots=True)
class Usage:
    """A quantity that designs use in a month: the unit it is counted in, and what it grows with."""

    per: str
    unit: str
    grows_with: GrowsWith


@dataclass(frozen=True, slots=True)
class ParityRule:
    """How an environment differs from production, in a sentence ({traffic} and {data} stand for its shares), with the
    reason, and the source and date of what somebody published about it."""

    text: str
    why: str
    source: str = "design assumption"
    as_of: str = "2026-11"


@dataclass(frozen=True, slots=True, eq=False)
class Parity:
    """An environment beside production: what it has and uses of what production has and uses.

    instances: "fewest" (one in each zone, the least that keeps the shape) or "one"; sizes: of machines, "same" as
    production's or the "smallest" there is; one_zone, one_region: whether it keeps to one zone, to the primary region;
    hours_per_week: in which machines run where the plan stops them outside working hours; shares: 0-1, by what usage
    grows with; usage: 0-1, for particular quantities; shared: roles of components that exist once for all
    environments. Two are equal only if they are the same object.
    """

    id: str
    title: str
    instances: Literal["fewest", "one"]
    sizes: Literal["same", "smallest"]
    one_zone: bool
    one_region: bool
    hours_per_week: float
    shares: Mapping[str, float]
    usage: Mapping[str, float]
    shared: tuple[str, ...]
    rules: tuple[ParityRule, ...]


@dataclass(frozen=True, slots=True)
class Tier:
    """What each unit costs beyond `above` units a month, up to where the next tier begins."""

    above: float
    usd: float


@dataclass(frozen=True, slots=True)
class Price:
    """The price of an item in `region` ("*" = the same in every region): USD per `unit`.

    usd: the price of the first unit; tiers: all steps of a price that falls with the quantity, the first from 0, or
    () where it does not; term: "" = on demand, else "1y", "3y" (committed, nothing paid up front) or "spot"; borrowed:
    the region whose price this is, where the one asked for has none, "" = it is its own; adjusted: what a price
    overlay did to it, "" = it is the list price.
    """

    item: str
    region: str
    unit: str
    usd: float
    source: str
    as_of: str
    note: str = ""
    term: Term = ""
    tiers: tuple[Tier, ...] = ()
    borrowed: str = ""
    adjusted: str = ""

    def cost(self, quantity: float) -> float:
        """USD for `quantity` units in a month, each tier's units at its own price."""
        if not self.tiers:
            return quantity * self.usd
        ends = (*(tier.above for tier in self.tiers[1:]), math.inf)
        return sum(
            (min(quantity, end) - tier.above) * tier.usd
            for tier, end in zip(self.tiers, ends, strict=True)
            if quantity > tier.above
        )


@dataclass(frozen=True, slots=True)
class PriceBook:
    """The prices of one provider, by item, region and term.

    `reference_region` is the region used when a region has no price of its own; such a price names it as
    `borrowed` and says so in its note, so that it is never mistaken for a regional one. A committed or spot price is
    never borrowed.
    """

    provider: str
    reference_region: str
    rows: Mapping[tuple[str, str, Term], Price]
    _borrowed: dict[tuple[str, str], Price] = field(default_factory=dict, repr=False, compare=False)

    def has(self, item: str, region: str) -> bool:
        """Whether `item` has an on-demand price of its own in `region` (or one that holds everywhere)."""
        price = self.rows.get((item, region, "")) or self.rows.get((item, "*", ""))
        return price is not None and not price.borrowed

    def find(self, item: str, region: str) -> Price | None:
        """The on-demand price of `item` in `region`; else the price for every region; else the reference region's,
        marked as borrowed; else None, which means "not known"."""
        price = self.rows.get((item, region, "")) or self.rows.get((item, "*", ""))
        if price is not None:
            return price
        reference = self.rows.get((item, self.reference_region, ""))
        if reference is None:
            return None
        if (item, region) not in self._borrowed:
            self._borrowed[item, region] = self._borrow(reference, region)
        return self._borrowed[item, region]

    def committed(self, item: str, region: str, term: Term) -> Price | None:
        """The price of `item` in `region` under `term`, None = not known."""
        return self.rows.get((item, region, term)) or self.rows.get((item, "*", term))

    def _borrow(self, reference: Price, region: str) -> Price:
        note = f"price of {self.reference_region}; the price in {region} is not known"
        note = f"{note}; {reference.note}" if reference.note else note
        return replace(reference, region=region, note=note, borrowed=self.reference_region)


@dataclass(frozen=True, slots=True)
class Region:
    """A provider's region.

    zones: how many zones a customer can choose from (1 = the region has no zones); pair: the region a
    second site goes to, in the same jurisdiction where there is one, "" = none; grid: gCO2e per kWh.
    """

    id: str
    provider: str
    title: str
    country: str
    jurisdiction: str
    zones: int
    pair: str
    grid: Fact


@dataclass(frozen=True, slots=True, eq=False)
class Provider:
    """A cloud: its services, regions and instances by id, its price book and its facts.

    iac: the infrastructure languages it takes, id -> title; code: what generated code says in the provider's own words,
    {"permissions": {service: {use: {...}}}, "signals": {service: {signal: {...}}}} (catalog/code); latency: round trip
    between two of its regions. Two are equal only if they are the same object.
    """

    id: str
    title: str
    default_region: str
    iac: Mapping[str, str]
    services: Mapping[str, Service]
    regions: Mapping[str, Region]
    instances: Mapping[str, Instance]
    prices: PriceBook
    facts: Mapping[str, Fact]
    code: Mapping[str, Any] = field(default_factory=dict)
    latency: Mapping[tuple[str, str], Fact] = field(default_factory=dict)

    def infrastructure_code(self, wanted: str) -> str:
        """The infrastructure language a design is written in: the one wanted, or the provider's first."""
        return wanted if wanted in self.iac else next(iter(self.iac))

    def signals(self, service: str) -> Collection[str]:
        """The signals that a service reports: "latency", "traffic", "errors", "saturation" and others of its own."""
        found: Mapping[str, Any] = self.code.get("signals", {}).get(service, {})
        return found.keys()

    def round_trip(self, source: str, target: str) -> Fact | None:
        """The measured round trip between two regions in ms, in either direction; None = not known."""
        return self.latency.get((source, target)) or self.latency.get((target, source))

    def serving(self, role: str, kind: str = "") -> tuple[Service, ...]:
        """The services that play `role` (and are of `kind`, if given), in catalog order."""
        return _serving(self, role, kind)


@lru_cache(maxsize=512)
def _serving(provider: Provider, role: str, kind: str) -> tuple[Service, ...]:
    return tuple(s for s in provider.services.values() if s.role == role and kind in ("", s.kind))


@dataclass(frozen=True, slots=True)
class Control:
    """One technical control. `needs` maps a decision's field id to the option ids that satisfy it; every
    field named must be satisfied. `remedy` says what to do when it is not."""

    id: str
    title: str
    needs: Mapping[str, tuple[str, ...]]
    remedy: str


@dataclass(frozen=True, slots=True)
class Framework:
    """A compliance framework.

    requirements: its requirement id -> our control ids that answer it; titles: requirement id -> its title in
    our own words; demands: what it rules on decisions, such as {"min_log_retention_days": 365} (see FORMAT.md);
    not_technical: what it asks for that no architecture can give.
    """

    id: str
    title: str
    version: str
    source: str
    as_of: str
    requirements: Mapping[str, tuple[str, ...]]
    titles: Mapping[str, str]
    demands: Mapping[str, Any]
    not_technical: str


@dataclass(frozen=True, slots=True)
class Practice:
    """A guiding principle or a best practice, and how each field of the plan honours it."""

    id: str
    title: str
    meaning: str
    honoured_by: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """All facts. `as_of` is the newest date of any price in it; `overlay` the title of the price overlay that was laid
    over its prices, "" = they are list prices. Two are equal only if they are the same object."""

    as_of: str
    providers: Mapping[str, Provider]
    tools: Mapping[str, Service]
    tool_prices: PriceBook
    usage: Mapping[str, Usage]
    environments: Mapping[str, Parity]
    assumptions: Mapping[str, Fact]
    options: Mapping[str, Mapping[str, Mapping[str, Any]]]
    controls: Mapping[str, Control]
    frameworks: Mapping[str, Framework]
    principles: Mapping[str, Practice]
    practices: Mapping[str, Practice]
    overlay: str = ""
