"""Cost: how capacity is bought, watched and kept from being wasted, and how the provider is dealt with."""

from __future__ import annotations

from devops_workbook.design.choose import decide
from devops_workbook.design.context import Context
from devops_workbook.design.model import Decision
from devops_workbook.design.scoring import usd
from devops_workbook.design.sizing import load_of

__all__ = ["efficiency", "monitoring", "resources", "vendors"]

_TERMS = {"none": (), "1y": ("commitment-1y",), "3y": ("commitment-1y", "commitment-3y")}


def resources(c: Context) -> Decision:
    """On demand, committed, or spare capacity: by what the company commits to and what may be interrupted."""
    r = c.requirements
    allowed = _TERMS[r.commitment]
    interruptible = r.workload_type in ("batch", "event-driven")
    rule_out = {
        term: f"the company commits to {r.commitment if r.commitment != 'none' else 'nothing'}"
        for term in ("commitment-1y", "commitment-3y")
        if term not in allowed
    }
    if not interruptible:
        rule_out["spot-mixed"] = f"a {r.workload_type} system cannot lose instances at two minutes' notice"
    elif c.choice("infrastructure.compute") == "functions":
        rule_out["spot-mixed"] = "functions have no spare-capacity price"
    share = load_of(c).mean_share
    rationale = [f"The mean load is {share:.0%} of the capacity for the peak; commitment: {r.commitment}."]
    return decide(c, "cost.resources", rule_out=rule_out, rationale=rationale)


def monitoring(c: Context) -> Decision:
    """How spending is watched."""
    r = c.requirements
    budget = f"The budget is {usd(r.monthly_budget_usd)} a month." if r.monthly_budget_usd else "No budget is stated."
    rule_out = {"showback": r.team_size < 10 and f"a team of {r.team_size} is one cost centre"}
    return decide(c, "cost.monitoring", rule_out=rule_out, rationale=[budget])


def efficiency(c: Context) -> Decision:
    """How idle capacity is avoided, outside production first."""
    r = c.requirements
    serverless = c.choice("infrastructure.compute") in ("functions", "containers")
    rule_out = {
        "scale-to-zero": not serverless and "machines do not scale to zero",
        "always-on": r.monthly_budget_usd > 0 and "a stated budget is not spent on idle environments",
    }
    rationale = ["Non-production environments are used about 50 of 168 hours a week."]
    return decide(c, "cost.efficiency", rule_out=rule_out, rationale=rationale)


def vendors(c: Context) -> Decision:
    """How dependent the system is on one provider, and what that is worth in a negotiation."""
    r = c.requirements
    portable = c.choice("infrastructure.compute") in ("kubernetes", "containers")
    rule_out = {
        "portable": not portable and "functions and machine images are tied to the provider",
        "multi-cloud": r.team_size < 20 and f"{r.team_size} people cannot run the same system on two clouds",
    }
    rationale = [f"Portability weighs {r.priority_portability} of 5."]
    return decide(c, "cost.vendors", rule_out=rule_out, rationale=rationale)
