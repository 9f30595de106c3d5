"""Findings that only the numbers show: targets missed, budgets exceeded, wishes that contradict each other.

Each rule is one small function: what it looks at, what it says, and the ways out. False alarms are avoided by
speaking only when a known number misses a stated target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from devops_workbook.assess.model import Assessment
from devops_workbook.design.context import Context
from devops_workbook.design.decide import iac_tool
from devops_workbook.design.reliability import form_rank, sites
from devops_workbook.design.sizing import load_of
from devops_workbook.findings import Finding, WayOut

__all__ = ["find_risks"]

_UNATTENDED_MINUTES = 64 * 60  # Friday 17:00 to Monday 09:00
_HIGH_AVAILABILITY = "disaster_recovery.high_availability"


def _override(c: Context, field: str, option: str) -> dict[str, object]:
    return {"overrides": {**c.requirements.overrides, field: option}}


def availability_ceiling(c: Context, a: Assessment) -> Iterator[Finding]:
    """The providers' promises on the users' path add up to less than the target."""
    pct, target = a.availability.pct, a.availability.target_pct
    if pct is None:
        yield Finding(
            "gap", "medium", "availability-not-known",
            "The availability of the users' path is not known, because a service on it states no promise: "
            + ", ".join(p.title for p in a.availability.parts if p.pct is None) + ".",
            field=_HIGH_AVAILABILITY,
        )  # fmt: skip
    elif pct < target:
        worst = min((p for p in a.availability.parts if p.pct is not None), key=lambda p: p.pct or 0)
        lower = int(pct * 1000) / 1000
        # Each part alone may be good enough; only together do they fall short, and then it is a matter of degree.
        alone = worst.pct is not None and worst.pct < target
        yield Finding(
            "conflict" if alone else "risk", "high" if alone else "medium", "availability-ceiling",
            f"The target is {target:g} %, but the services on the users' path promise {pct:.3f} % together. "
            f"{worst.title} promises least, {worst.pct:g} %. These are refund promises, not measurements.",
            (WayOut(f"Lower the target to {lower:g} %", {"availability_target_pct": max(90.0, lower)}),
             *_without_cdn(c, worst.component), *_stronger(c)),
            _HIGH_AVAILABILITY,
        )  # fmt: skip


def _without_cdn(c: Context, component: str) -> tuple[WayOut, ...]:
    option = {"cdn": "none", "cdn-in-memory": "in-memory"}.get(c.choice("scaling.caching"), "")
    possible = {o.id for o in c.taken["scaling.caching"].alternatives if not o.ruled_out}
    if component != "cdn" or option not in possible:
        return ()
    return (WayOut("Do without the CDN", _override(c, "scaling.caching", option)),)


def _stronger(c: Context) -> tuple[WayOut, ...]:
    rank = form_rank(c.choice(_HIGH_AVAILABILITY))
    decision = c.taken[_HIGH_AVAILABILITY]
    possible = {o.id for o in decision.alternatives if not o.ruled_out}
    return tuple(
        WayOut(f"Use {o.title}", _override(c, _HIGH_AVAILABILITY, o.id))
        for o in decision.alternatives
        if o.id in possible and form_rank(o.id) > rank
    )


def recovery_targets(c: Context, a: Assessment) -> Iterator[Finding]:
    """A disruption takes longer, or loses more, than the targets allow."""
    r = a.recovery
    for case in r.cases:
        for name, found, target, setting in (
            ("RTO", case.rto_minutes, r.rto_target_minutes, "rto_minutes"),
            ("RPO", case.rpo_minutes, r.rpo_target_minutes, "rpo_minutes"),
        ):
            if found is None or found <= target:
                continue
            severity = "medium" if case.disruption == "data-corruption" else "high"
            yield Finding(
                "conflict", severity, f"{name.lower()}-{case.disruption}",
                f"{case.title}: the {name} is {found:,.0f} minutes, the target {target:g}.",
                (WayOut(f"Accept {found:,.0f} minutes", {setting: float(-(-found // 1))}), *_stronger(c)),
                "disaster_recovery.recovery" if name == "RTO" else "disaster_recovery.backup",
            )  # fmt: skip


def recovery_unbounded(c: Context, a: Assessment) -> Iterator[Finding]:
    """Nothing leaves the region, so its loss is the loss of the data."""
    if c.second_region is None:
        others = sorted({r.jurisdiction for r in c.provider.regions.values()} - {c.region.jurisdiction})
        yield Finding(
            "gap", "high", "no-second-region",
            f"No copy of the data leaves {c.region.title}: the catalog knows no second region of {c.provider.title} in "
            f"jurisdiction {c.region.jurisdiction}. RTO and RPO for the loss of the region are not known.",
            (WayOut("Allow the data to leave the jurisdiction, and name a secondary region", {"data_residency": "none"}),
             WayOut("Choose a provider with two regions in the jurisdiction"),
             WayOut(f"Choose another jurisdiction ({', '.join(others)})")),
            _HIGH_AVAILABILITY,
        )  # fmt: skip


def zero_data_loss(c: Context, a: Assessment) -> Iterator[Finding]:
    """RPO 0 is asked for, and the copy in the other region is asynchronous."""
    if c.requirements.rpo_minutes == 0 and sites(c.choice(_HIGH_AVAILABILITY)) == 2:
        lag = c.assume("replica_lag_seconds")
        yield Finding(
            "conflict", "high", "rpo-zero-asynchronous",
            f"An RPO of 0 is asked for, but the replica in the other region is asynchronous: up to {lag:g} s of data "
            "are lost with the region. Within the region the standby is synchronous.",
            (WayOut("Accept one minute", {"rpo_minutes": 1.0}),
             WayOut("Write synchronously to both regions, and add their round trip to every write")),
            "disaster_recovery.backup",
        )  # fmt: skip


def nobody_awake(c: Context, a: Assessment) -> Iterator[Finding]:
    """A person must act within the RTO, and nobody is on call at night."""
    manual = c.choice("disaster_recovery.recovery") != "region-failover-automatic"
    if c.requirements.on_call == "business-hours" and manual and c.requirements.rto_minutes < _UNATTENDED_MINUTES:
        yield Finding(
            "risk", "medium", "nobody-on-call",
            f"The RTO of {c.requirements.rto_minutes:g} minutes holds only while somebody is on call: recovery needs a "
            "person, and from Friday evening to Monday morning nobody answers.",
            (WayOut("Staff a 24x7 rota", {"on_call": "24x7"}),
             WayOut(f"Accept {_UNATTENDED_MINUTES} minutes", {"rto_minutes": float(_UNATTENDED_MINUTES)})),
            "disaster_recovery.incident_response",
        )  # fmt: skip


def latency(c: Context, a: Assessment) -> Iterator[Finding]:
    """The service time alone exceeds the latency target."""
    load = load_of(c)
    r = c.requirements
    if load.service_p99_s * 1000 > r.p99_latency_ms:
        alone = load.service_p99_s * 1000
        yield Finding(
            "conflict", "high", "latency-below-service-time",
            f"The p99 target is {r.p99_latency_ms:g} ms, but service alone takes {alone:,.0f} ms at p99 (mean "
            f"{r.service_time_ms:g} ms, variation {r.service_time_cv:g}). No number of workers can help.",
            (WayOut(f"Accept {alone:,.0f} ms", {"p99_latency_ms": float(-(-alone // 1))}),
             WayOut("Make the service faster or its time steadier")),
            "scaling.capacity",
        )  # fmt: skip


def over_budget(c: Context, a: Assessment) -> Iterator[Finding]:
    """The bill exceeds the stated budget."""
    budget, cost = c.requirements.monthly_budget_usd, a.cost.monthly_usd
    if budget and cost > budget:
        most = sorted(
            ((sum(x.monthly_usd or 0 for x in a.cost.lines if x.component == id), id)
             for id in {x.component for x in a.cost.lines}), reverse=True,
        )[:3]  # fmt: skip
        cheaper = [WayOut(f"Use {o.title}", _override(c, f, o.id)) for f, o in _cheaper(c)]
        yield Finding(
            "conflict", "high", "over-budget",
            f"Production costs ${cost:,.0f} a month, ${cost - budget:,.0f} above the budget of ${budget:,.0f}. Most of it: "
            + ", ".join(f"{id} ${usd:,.0f}" for usd, id in most) + ".",
            (*cheaper, WayOut(f"Raise the budget to ${cost:,.0f}", {"monthly_budget_usd": float(-(-cost // 1))})),
            "cost.resources",
        )  # fmt: skip


def _cheaper(c: Context) -> Iterator[tuple[str, object]]:
    for field in ("infrastructure.compute", "infrastructure.database", _HIGH_AVAILABILITY, "observability.metrics"):
        decision = c.taken[field]
        better = [o for o in decision.alternatives if not o.ruled_out and o.scores[0] > decision.choice.scores[0]]
        if better:
            yield field, max(better, key=lambda o: o.scores[0])


def prices_not_known(c: Context, a: Assessment) -> Iterator[Finding]:
    """The total is missing lines, or borrows another region's prices."""
    missing = [x for x in a.cost.lines if x.monthly_usd is None]
    borrowed = [x for x in a.cost.lines if x.monthly_usd is not None and "is not known" in x.note]
    if missing:
        yield Finding(
            "gap", "medium", "price-not-known",
            f"{len(missing)} of {len(a.cost.lines)} price lines are not known and not in the total: "
            + ", ".join(f"{x.component} ({x.item})" for x in missing) + ".",
            (WayOut("Ask the provider for a quotation of these items"),), "cost.monitoring",
        )  # fmt: skip
    if borrowed:
        share = sum(x.monthly_usd or 0 for x in borrowed)
        yield Finding(
            "gap", "low", "price-of-another-region",
            f"{len(borrowed)} price lines, ${share:,.0f} a month of the total, use the prices of another region, because "
            f"those of {c.region.id} are not in the catalog.",
            (WayOut("Check these lines against the provider's calculator"),), "cost.monitoring",
        )  # fmt: skip


def residency(c: Context, a: Assessment) -> Iterator[Finding]:
    """A region lies outside the jurisdiction the data must not leave."""
    wanted = c.requirements.data_residency
    if wanted == "none":
        return
    chosen = [c.region, *((c.second_region,) if c.second_region else ())]
    inside = [r.id for r in c.provider.regions.values() if r.jurisdiction == wanted]
    for region, setting in zip(chosen, ("region", "secondary_region"), strict=False):
        if region.jurisdiction != wanted:
            ways = [WayOut(f"Use {id}", {setting: id}) for id in inside[:3] if id not in (r.id for r in chosen)]
            yield Finding(
                "conflict", "high", f"residency-{setting.replace('_', '-')}",
                f"Data must not leave jurisdiction {wanted}, but {region.title} ({region.id}) is in {region.jurisdiction}."
                + ("" if inside else f" The catalog knows no region of {c.provider.title} there."),
                (*ways, WayOut("Drop the data residency requirement", {"data_residency": "none"})),
                "infrastructure.provider",
            )  # fmt: skip


def no_zones(c: Context, a: Assessment) -> Iterator[Finding]:
    """The region has no zones, so the loss of a building is the loss of the system."""
    if c.region.zones < 2:
        zoned = next((r for r in c.provider.regions.values() if r.zones > 1 and r.jurisdiction == c.region.jurisdiction), None)
        ways = (WayOut(f"Use {zoned.title} ({zoned.id})", {"region": zoned.id}),) if zoned else ()
        yield Finding(
            "risk", "high", "region-without-zones",
            f"{c.region.title} ({c.region.id}) has no availability zones; nothing can be spread within the region.",
            ways, _HIGH_AVAILABILITY,
        )  # fmt: skip


def log_retention(c: Context, a: Assessment) -> Iterator[Finding]:
    """Logs are kept for less time than a framework asks."""
    kept = c.requirements.log_retention_days
    for framework in c.frameworks:
        least = framework.demands.get("min_log_retention_days", 0)
        if kept < least:
            why = framework.demands.get("min_log_retention_why", framework.title)
            yield Finding(
                "gap", "high", f"log-retention-{framework.id}",
                f"Logs are kept {kept} days; {framework.title} needs {least}: {why}",
                (WayOut(f"Keep logs {least} days", {"log_retention_days": int(least)}),), "observability.logging",
            )  # fmt: skip


def controls_missing(c: Context, a: Assessment) -> Iterator[Finding]:
    """Technical controls of a framework that the design does not satisfy."""
    for framework in a.compliance.frameworks:
        missing = {s.id: s for _, _, controls in framework.requirements for s in controls if not s.satisfied}
        if missing:
            yield Finding(
                "gap", "medium", f"controls-{framework.id}",
                f"{framework.title}: {framework.total - framework.satisfied} of {framework.total} technical requirements "
                "are not satisfied. Missing: " + ", ".join(s.title for s in missing.values()) + ".",
                tuple(WayOut(s.remedy, _remedy(c, s.id)) for s in missing.values()), "security.compliance",
            )  # fmt: skip


def _remedy(c: Context, control_id: str) -> dict[str, object]:
    """The change that satisfies a control: the first option it accepts, for each field it still needs."""
    change: dict[str, object] = {}
    overrides = dict(c.requirements.overrides)
    for field, wanted in c.catalog.controls[control_id].needs.items():
        if field.startswith("requirements."):
            name = field.removeprefix("requirements.")
            current = getattr(c.requirements, name)
            if wanted[0].startswith(">="):
                bound = float(wanted[0].removeprefix(">="))
                if current < bound:
                    change[name] = type(current)(bound)
            elif str(current) not in wanted:
                change[name] = wanted[0]
        elif c.choice(field) not in wanted:
            overrides[field] = wanted[0]
    return change | ({"overrides": overrides} if overrides != c.requirements.overrides else {})


def iac_not_available(c: Context, a: Assessment) -> Iterator[Finding]:
    """The infrastructure language asked for does not exist on this provider."""
    used = iac_tool(c)
    if used != c.requirements.iac_tool:
        yield Finding(
            "conflict", "medium", "iac-not-available",
            f"{c.provider.title} has no {c.requirements.iac_tool}; the design uses {c.provider.iac[used]}.",
            (WayOut(f"Use {c.provider.iac[used]}", {"iac_tool": used}),), "infrastructure.provider",
        )  # fmt: skip


def cache_dependence(c: Context, a: Assessment) -> Iterator[Finding]:
    """Most requests are answered by the CDN, and the origin could not carry them."""
    load = load_of(c)
    if load.cached_share > 0.5:
        yield Finding(
            "risk", "medium", "cold-cache",
            f"The origin is sized for {load.design_rps:,.4g} requests/s because the CDN answers {load.cached_share:.0%}. "
            f"With an empty cache {load.planned_rps:,.4g} would arrive.",
            (WayOut("Use an origin shield and serve stale content while it refills"),
             WayOut("Release so that not all content expires at once")),
            "scaling.caching",
        )  # fmt: skip


RULES: tuple[Callable[[Context, Assessment], Iterator[Finding]], ...] = (
    availability_ceiling, recovery_targets, recovery_unbounded, zero_data_loss, latency, over_budget, residency, no_zones,
    iac_not_available, log_retention, controls_missing, nobody_awake, cache_dependence, prices_not_known,
)  # fmt: skip
_SEVERITIES = ("high", "medium", "low")


def find_risks(c: Context, assessment: Assessment) -> tuple[Finding, ...]:
    """Every finding: those of the decisions and those of the numbers, the most severe first."""
    found = [*c.findings, *(finding for rule in RULES for finding in rule(c, assessment))]
    return tuple(sorted(found, key=lambda finding: _SEVERITIES.index(finding.severity)))
