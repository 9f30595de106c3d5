"""Holds an evaluation against itself: a number that appears twice must be the same number.

Diagram, prose, price and code are read from one topology and one assessment, so a contradiction is a bug of the
workbook, never of the requirements. Each check looks at one kind of number wherever it stands and says in a sentence
what disagrees with what. They run over every evaluation; mutation tests break each number in turn and see it caught.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from devops_workbook.assess.model import Assessment, Journey
from devops_workbook.catalog.model import Catalog
from devops_workbook.design.model import Decision, Topology
from devops_workbook.evidence import Evidence
from devops_workbook.findings import Finding, WayOut
from devops_workbook.requirements import Requirements
from devops_workbook.units import UnitError, parse

__all__ = ["CHECKS", "Design", "contradictions", "findings_of"]


@dataclass(frozen=True, slots=True)
class Design:
    """What is held against itself."""

    requirements: Requirements
    catalog: Catalog
    topology: Topology
    assessment: Assessment
    decisions: tuple[Decision, ...]


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6)


def _same(what: str, a: float | None, there: str, b: float | None) -> Iterator[str]:
    """A sentence when two figures for one thing differ; None, not known, is only equal to itself."""
    if (a is not b) if a is None or b is None else not _close(a, b):
        yield f"{what} is {_written(a)}, but {there} {_written(b)}"


def _written(value: float | None) -> str:
    return "not known" if value is None else f"{value:,.10g}"


def topology(d: Design) -> Iterator[str]:
    """Ids are unique, and everything that is referred to exists."""
    ids = Counter(c.id for c in d.topology.components)
    yield from (f"component {id} exists {n} times" for id, n in ids.items() if n > 1)
    boundaries = {b.id for b in d.topology.boundaries}
    decisions = {made.id for made in d.decisions}
    for c in d.topology.components:
        if c.boundary not in boundaries:
            yield f"component {c.id} stands in boundary {c.boundary}, which does not exist"
        if c.decision not in decisions:
            yield f"component {c.id} comes from decision {c.decision}, which does not exist"
    for b in d.topology.boundaries:
        if b.parent and b.parent not in boundaries:
            yield f"boundary {b.id} lies in {b.parent}, which does not exist"
    for x in d.topology.connections:
        yield from (
            f"a connection ends at {end}, which does not exist" for end in (x.source, x.target) if end not in ids
        )


def choices(d: Design) -> Iterator[str]:
    """What a decision chose is what the topology runs."""
    chosen = {made.id: made.choice.service for made in d.decisions}
    roles = {"compute": "infrastructure.compute", "database": "infrastructure.database"}
    for c in d.topology.components:
        if c.role in roles and c.service != chosen[roles[c.role]]:
            yield f"component {c.id} runs {c.service}, but {roles[c.role]} chose {chosen[roles[c.role]]}"


def prices(d: Design) -> Iterator[str]:
    """Every component that bills something has its lines, every line its component, every line its arithmetic."""
    known = {c.id for c in d.topology.components}
    lines = d.assessment.cost.lines
    billed = {line.component for line in lines if line.environment == "production"}
    yield from (f"a price line is for {id}, which is not in the topology" for id in billed - known)
    services = {**d.catalog.tools, **d.catalog.providers[d.requirements.provider].services}
    for c in d.topology.components:
        if c.service not in services:
            yield f"component {c.id} runs {c.service}, which the catalog does not know"
            continue
        bills = any(c.usage.get(dimension.per, 0.0) != 0 for dimension in services[c.service].dimensions)
        if bills and c.id not in billed:
            yield f"component {c.id} uses something that is billed, but has no price line"
        if c.id in billed and not bills:
            yield f"component {c.id} has a price line, but uses nothing that is billed"
    for line in lines:
        if line.monthly_usd is None or line.quantity is None or line.unit_price_usd is None:
            continue
        name = f"{line.component}: {line.item} ({line.environment})"
        yield from _same(
            f"{name} a month", line.monthly_usd, "quantity x unit price is", line.quantity * line.unit_price_usd
        )
        if line.tiers:
            tiered = sum(tier.quantity * tier.usd for tier in line.tiers)
            yield from _same(f"{name} a month", line.monthly_usd, "its tiers add up to", tiered)
            counted = sum(tier.quantity for tier in line.tiers)
            yield from _same(f"{name} quantity", line.quantity, "its tiers hold", counted)


def sums(d: Design) -> Iterator[str]:
    """The total is the sum of its lines, however they are grouped."""
    cost = d.assessment.cost
    known = [line for line in cost.lines if line.monthly_usd is not None]
    total = sum(line.monthly_usd or 0.0 for line in known)
    yield from _same("the cost a month", cost.monthly_usd, "its lines add up to", total)
    production = sum(line.monthly_usd or 0.0 for line in known if line.environment == "production")
    yield from _same("the cost of production", cost.production_usd, "its lines add up to", production)
    yield from _same("the cost a month", cost.monthly_usd, "its sections add up to", sum(u for _, u in cost.by_section))
    by_environment = sum(e.monthly_usd for e in cost.environments)
    yield from _same("the cost a month", cost.monthly_usd, "its environments add up to", by_environment)
    yield from _same("the cost a month", cost.monthly_usd, "the projection begins with", cost.projection.monthly_usd[0])
    for section, usd in cost.by_section:
        found = sum(line.monthly_usd or 0.0 for line in known if line.section == section)
        yield from _same(f"the cost of section {section}", usd, "its lines add up to", found)
    sections = {c.id: c.decision.partition(".")[0] for c in d.topology.components}
    for line in cost.lines:
        if line.section != sections.get(line.component):
            yield f"{line.component}: {line.item} is in section {line.section}, its component in another"
    missing = sum(line.monthly_usd is None for line in cost.lines if line.environment == "production")
    yield from _same(
        "the number of unpriced items", len(cost.unpriced), "lines of production without a price are", missing
    )
    if cost.budget:
        yield from _same("the gap to the budget", cost.budget.gap_usd, "cost less budget is",
                         cost.monthly_usd - d.requirements.monthly_budget_usd)  # fmt: skip


def capacity(d: Design) -> Iterator[str]:
    """The plan's machines are the topology's, and the table's chosen row is the design."""
    found = d.assessment.capacity
    compute = d.topology.component("compute")
    yield from _same("instances at the planned peak", found.instances, "the topology runs", compute.count)
    if found.packing:
        yield from _same("the nodes that replicas are packed on", found.packing.nodes, "instances are", found.instances)
        if found.packing.sku != compute.sku:
            yield f"replicas are packed on {found.packing.sku}, but the topology runs {compute.sku}"
        if found.packing.per_node * found.packing.nodes < found.replicas:
            yield f"{found.packing.nodes} nodes of {found.packing.per_node} do not hold {found.replicas} replicas"
    for row in found.table:
        yield from _same(f"workers of {row.replicas} replicas", row.workers, "each replica has, together,",
                         row.replicas * found.workers_per_replica)  # fmt: skip
    for row in (row for row in found.table if row.chosen):
        yield from _same("replicas", found.replicas, "the table's chosen row has", row.replicas)
    if found.table and sum(row.chosen for row in found.table) != 1:
        yield "the capacity table does not have exactly one chosen row"
    yield from _same("busy workers", found.utilisation * found.workers, "the offered load is", found.offered_load)
    if not found.min_instances <= found.instances <= found.max_instances:
        yield f"{found.instances} instances lie outside {found.min_instances} to {found.max_instances}"


def availability(d: Design) -> Iterator[str]:
    """Parts are components, shares add up, and downtime is what availability leaves."""
    found = d.assessment.availability
    known = {c.id for c in d.topology.components}
    for part in found.parts:
        if part.component not in known:
            yield f"availability counts {part.component}, which is not in the topology"
        yield from _same(f"the promise of {part.component}", part.pct, "its evidence says", _number(part.evidence))
    left = None if found.pct is None else (1 - found.pct / 100) * 30 * 24 * 60
    yield from _same("downtime a month", found.downtime_minutes_month, "the availability leaves", left)
    budget = (1 - d.requirements.availability_target_pct / 100) * 30 * 24 * 60
    yield from _same("the error budget", found.error_budget_minutes_month, "the target leaves", budget)
    if found.contributions:
        yield from _same(
            "all of the downtime", 1.0, "the contributions add up to", sum(c.share for c in found.contributions)
        )
    for journey in found.journeys:
        yield from _journey(journey, known)
    for earlier, later in pairwise(found.contributions):
        if earlier.minutes_year < later.minutes_year:
            yield f"{later.title} adds more downtime than {earlier.title}, but comes after it"


def _journey(journey: Journey, known: set[str]) -> Iterator[str]:
    yield from _same(f"availability of {journey.title}", journey.pct, "its blocks give", journey.block.pct)
    yield from _same(f"availability of {journey.title}", journey.pct, "its evidence says", _number(journey.evidence))
    blocks = [journey.block]
    while blocks:
        block = blocks.pop()
        blocks += block.children
        if block.component and block.component not in known:
            yield f"{journey.title} needs {block.component}, which is not in the topology"


def recovery(d: Design) -> Iterator[str]:
    """A recovery takes as long as its steps, the headline is the worst, backups lie where they are billed."""
    found = d.assessment.recovery
    for case in found.cases:
        minutes = [step.minutes for step in case.steps]
        total = None if None in minutes else sum(m for m in minutes if m is not None)
        yield from _same(f"RTO of {case.disruption}", case.rto_minutes, "its steps add up to", total)
        if case.rto_minutes is not None and case.meets_rto is not (case.rto_minutes <= found.rto_target_minutes):
            yield f"RTO of {case.disruption} is {case.rto_minutes:g}, and is said to be {case.meets_rto} to its target"
    for name in ("rto_minutes", "rpo_minutes"):
        worst = [getattr(case, name) for case in found.cases if case.disruption in ("instance", "zone", "region")]
        yield from _same(
            f"headline {name}", getattr(found, name), "the worst case has", None if None in worst else max(worst)
        )
    yield from _same("the RTO target", found.rto_target_minutes, "the requirement is", d.requirements.rto_minutes)
    yield from _same("the RPO target", found.rpo_target_minutes, "the requirement is", d.requirements.rpo_minutes)
    components = {c.id: c for c in d.topology.components}
    yield from _stored(d)
    for backup in found.backups:
        if backup.component not in components:
            yield f"{backup.generation} backups are billed by {backup.component}, which is not in the topology"
        elif components[backup.component].region != backup.region:
            yield f"{backup.generation} backups lie in {backup.region}, but {backup.component} does not"


def _stored(d: Design) -> Iterator[str]:
    """What the backup sets of a component add up to is what it is billed for."""
    services = d.catalog.providers[d.requirements.provider].services
    stored: dict[str, float] = {}
    for backup in d.assessment.recovery.backups:
        stored[backup.component] = stored.get(backup.component, 0.0) + backup.gb
    for c in d.topology.components:
        if c.role in ("database", "backup", "object_storage") and c.service in services:
            included = services[c.service].limits.get("backup_included", 0.0) * d.requirements.database_gb
            kept = max(0.0, stored.get(c.id, 0.0) - (included if c.role == "database" else 0.0))
            billed = c.usage.get("storage_ia_gb" if c.role == "object_storage" else "backup_gb") or 0.0
            yield from _same(f"GB of backups billed by {c.id}", billed, "its sets add up to", kept)


def carbon(d: Design) -> Iterator[str]:
    """Emissions are the sum of their lines, each in the region of its component."""
    found = d.assessment.carbon
    amounts = [line.kgco2e for line in found.lines]
    if found.lines:
        total = None if None in amounts else sum(a for a in amounts if a is not None)
        yield from _same("emissions a month", found.kgco2e_month, "their lines add up to", total)
    components = {c.id: c for c in d.topology.components}
    for line in found.lines:
        if line.component not in components:
            yield f"emissions are counted of {line.component}, which is not in the topology"
        elif components[line.component].region not in (line.region, ""):
            yield f"{line.component} emits in {line.region}, but runs in {components[line.component].region}"


def addresses(d: Design) -> Iterator[str]:
    """No two networks overlap, subnets lie in theirs, and production's are those of the topology."""
    plan = d.topology.addresses
    blocks = sorted(_range(cidr) for n in plan.networks for cidr in (n.cidr, n.pods, n.services) if cidr)
    yield from (f"{b[2]} overlaps {a[2]}" for a, b in pairwise(blocks) if b[0] <= a[1])
    boundaries = {b.id for b in d.topology.boundaries}
    for network in plan.networks:
        first, last, _ = _range(network.cidr)
        inside = sorted(_range(subnet.cidr) for subnet in network.subnets)
        yield from (f"subnet {c} lies outside {network.cidr}" for a, b, c in inside if a < first or b > last)
        yield from (f"subnet {b[2]} overlaps {a[2]}" for a, b in pairwise(inside) if b[0] <= a[1])
        for subnet in network.subnets:
            if subnet.boundary and subnet.boundary not in boundaries:
                yield f"subnet {subnet.cidr} belongs to boundary {subnet.boundary}, which does not exist"
    production = {n.region for n in plan.networks if n.environment == "production"}
    running = {c.region for c in d.topology.components if c.role == "compute"}
    if plan.networks and production != running:
        yield f"production has networks in {sorted(production)}, but runs in {sorted(running)}"


def _range(cidr: str) -> tuple[int, int, str]:
    address, _, length = cidr.partition("/")
    a, b, c, e = map(int, address.split("."))
    first = (a << 24) | (b << 16) | (c << 8) | e
    return first, first + (1 << (32 - int(length))) - 1, cidr


def telemetry(d: Design) -> Iterator[str]:
    """Signals go to components that exist, and what is stored is what is billed."""
    components = {c.id: c for c in d.topology.components}
    for signal in d.assessment.telemetry.signals:
        if signal.component not in components:
            yield f"{signal.kind} go to {signal.component}, which is not in the topology"
        for tier in signal.tiers:
            held = tier.days * signal.gb_day
            yield from _same(f"{tier.title.lower()} of {signal.kind}", tier.gb, "its days hold", held)
        if signal.kind == "logs" and (logs := components.get(signal.component)):
            stored = sum(tier.gb for tier in signal.tiers)
            yield from _same("logs that are stored", stored, "those billed are", logs.usage.get("log_stored_gb"))


def compliance(d: Design) -> Iterator[str]:
    """Coverage counts what its rows say, for the frameworks that were asked for."""
    found = d.assessment.compliance
    asked = list(d.requirements.compliance)
    if [f.id for f in found.frameworks] != asked:
        yield f"compliance is assessed for {[f.id for f in found.frameworks]}, but {asked} were asked for"
    for f in found.frameworks:
        satisfied = sum(all(control.satisfied for control in controls) for _, _, controls in f.requirements)
        yield from _same(f"satisfied requirements of {f.id}", f.satisfied, "its rows say", satisfied)
        yield from _same(f"requirements of {f.id}", f.total, "its rows are", len(f.requirements))


def evidence(d: Design) -> Iterator[str]:
    """A figure has one value wherever it is cited, and a unit that can be read."""
    a = d.assessment
    headline: Mapping[str, float | None] = {
        "Cost a month": a.cost.monthly_usd,
        "Availability of the users' path": a.availability.pct,
        "Error budget": a.availability.error_budget_minutes_month,
        "Workers": a.capacity.workers,
        "p99 response time": a.capacity.p99_ms,
    }
    values: dict[str, object] = {}
    for item in _all(d):
        if item.metric in headline:
            yield from _same(
                f"evidence of {item.metric!r}", _number(item), "the assessment says", headline[item.metric]
            )
        if values.setdefault(item.metric, item.value) != item.value:
            yield f"{item.metric!r} is {item.value} in one place and {values[item.metric]} in another"
        for unit in (item.unit, *(q.unit for q in item.inputs)):
            try:
                parse(unit)
            except UnitError as error:
                yield f"evidence of {item.metric!r}: {error}"


def _number(item: Evidence) -> float | None:
    return item.value if isinstance(item.value, int | float) else None


def _all(d: Design) -> Iterator[Evidence]:
    """Every figure of plan and assessment; a cited one comes as often as it is cited."""
    a = d.assessment
    for made in d.decisions:
        yield from made.evidence
    yield from (*a.availability.evidence, *(part.evidence for part in a.availability.parts))
    yield from (journey.evidence for journey in a.availability.journeys)
    yield from (item for case in a.recovery.cases for item in case.evidence)
    yield from (*a.capacity.evidence, *a.cost.evidence, *a.carbon.evidence)


CHECKS: tuple[Callable[[Design], Iterator[str]], ...] = (
    topology, choices, prices, sums, capacity, availability, recovery, carbon, addresses, telemetry, compliance,
    evidence,
)  # fmt: skip


def contradictions(design: Design) -> tuple[str, ...]:
    """Every contradiction found, as a sentence that begins with the check's name; () when the design is one."""
    return tuple(f"{check.__name__}: {sentence}" for check in CHECKS for sentence in check(design))


def findings_of(found: Iterable[str]) -> tuple[Finding, ...]:
    """Contradictions as findings, so that nobody decides on figures that disagree."""
    return tuple(
        Finding(
            "conflict", "high", "figures-disagree",
            f"The workbook contradicts itself: {sentence}. Do not rely on either figure.",
            (WayOut("Report it with the scenario file; it is a fault of the workbook, not of the requirements"),),
        )
        for sentence in found
    )  # fmt: skip
