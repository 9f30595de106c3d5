"""Cost: how capacity is bought, watched and kept from being wasted, and how the provider is dealt with."""

from __future__ import annotations

from devops_workbook.design.context import Context
from devops_workbook.design.decisions.advice import Reasons, settle
from devops_workbook.design.model import Decision
from devops_workbook.design.scoring import usd
from devops_workbook.design.sizing import load_of
from devops_workbook.design.words import amount, workload

__all__ = ["efficiency", "monitoring", "resources", "vendors"]

_TERMS = {"none": (), "1y": ("commitment-1y",), "3y": ("commitment-1y", "commitment-3y")}
_YEARS = {"none": "no term", "1y": "one year", "3y": "three years"}
# A load that grows less than this and is planned for three years will still be there at the end of the term.
_STEADY_GROWTH_PCT = 20.0
_STEADY_MONTHS = 36
# Fewer people are one cost centre; fewer than the second cannot run a system twice.
_COST_CENTRES_TEAM = 10
_TWO_CLOUDS_TEAM = 20
# Below this rating nobody else offers the service's interface.
_OPEN_INTERFACE = 5.0


def resources(c: Context) -> Decision:
    """On demand, committed, or spare capacity: by what the company commits to and what may be interrupted."""
    r = c.requirements
    compute = c.taken["infrastructure.compute"].choice
    by_use = "scale-to-zero" in c.provider.services[compute.service].features
    years = _YEARS[r.commitment]
    rule_out: dict[str, str | bool | None] = {
        term: f"the company commits to {years}" for term in _TERMS["3y"] if term not in _TERMS[r.commitment]
    }
    rule_out["spot-mixed"] = by_use and f"{compute.title} is paid by use and has no spare capacity to sell"
    steady = r.growth_pct_per_year <= _STEADY_GROWTH_PCT and r.horizon_months >= _STEADY_MONTHS
    avoid: Reasons = {
        "on-demand": r.commitment != "none" and f"the company commits to {years}, and a base load never goes away",
        "commitment-1y": r.commitment == "3y"
        and steady
        and f"the load is planned for {r.horizon_months} months and grows by {r.growth_pct_per_year:g} % a year only",
        "spot-mixed": r.workload_type not in ("batch", "event-driven")
        and f"{workload(c)} cannot lose instances at two minutes' notice",
    }
    share = load_of(c).mean_share
    rationale = [
        f"The mean load is {amount(100 * share)} % of the capacity for the peak; the company commits to {years}."
    ]
    return settle(c, "cost.resources", rule_out=rule_out, avoid=avoid, rationale=rationale)


def monitoring(c: Context) -> Decision:
    """How spending is watched."""
    r = c.requirements
    budget = (
        f"The budget is {usd(r.monthly_budget_usd)} a month."
        if r.monthly_budget_usd
        else "No budget is stated; the bill of the first month sets one."
    )
    avoid = {"showback": r.team_size < _COST_CENTRES_TEAM and f"a team of {r.team_size} is one cost centre"}
    return settle(c, "cost.monitoring", avoid=avoid, rationale=[budget])


def efficiency(c: Context) -> Decision:
    """How idle capacity is avoided, outside production first."""
    r = c.requirements
    compute = c.taken["infrastructure.compute"].choice
    rule_out = {
        "scale-to-zero": compute.id != "functions" and f"{compute.title} keeps a floor of instances in production"
    }
    avoid = {"always-on": r.monthly_budget_usd > 0 and "a stated budget is not spent on environments that nobody uses"}
    hours = max(parity.hours_per_week for parity in c.catalog.environments.values())
    rationale = [f"Environments outside production are used about {hours:g} of the 168 hours of a week."]
    return settle(c, "cost.efficiency", rule_out=rule_out, avoid=avoid, rationale=rationale)


def vendors(c: Context) -> Decision:
    """How dependent the system is on one provider, and what that is worth in a negotiation."""
    r = c.requirements
    bound = _bound(c)
    avoid: Reasons = {
        "portable": bound,
        "multi-cloud": (
            r.team_size < _TWO_CLOUDS_TEAM and f"a team of {r.team_size} cannot run the system on two clouds"
        )
        or bound,
    }
    return settle(c, "cost.vendors", avoid=avoid, rationale=[f"Portability weighs {r.priority_portability} of 5."])


def _bound(c: Context) -> str:
    """What ties the design to this provider, "" if nothing does."""
    compute, database = (c.taken[f].choice for f in ("infrastructure.compute", "infrastructure.database"))
    if compute.id not in ("kubernetes", "containers"):
        return f"{compute.title} runs nothing that another cloud takes as it is"
    if database.scores[-1] < _OPEN_INTERFACE:
        return f"no other cloud offers the interface of {database.title}"
    return ""
