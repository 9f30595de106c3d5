"""Security and compliance: scanning, secrets, network, access, and the proof of all of it."""

from __future__ import annotations

from devops_workbook.design.choose import options_of
from devops_workbook.design.context import Context
from devops_workbook.design.decisions.advice import Reasons, noticed, sensitive, settle
from devops_workbook.design.model import Decision
from devops_workbook.design.pricing import estimate
from devops_workbook.design.scoring import price_scores, service_options, usd
from devops_workbook.design.sizing import load_of
from devops_workbook.design.words import counted, listed

__all__ = ["access", "compliance", "network", "scanning", "secrets"]

# Author, approver and deployer must be three people, and one of them is on holiday.
_SEPARABLE_TEAM = 4
# Behind a private entry only colleagues send requests: tiers and firewalls already stop most of what a filter would.
_INTERNAL_RESILIENCE = 7.0
# Zero trust filters as well and runs a mesh beside, so it can only be dearer; by how much is the ratings' proportion.
_MESH_BESIDE = 4 / 7


def _stake(c: Context) -> str:
    titles = [f.title for f in c.frameworks]
    answered = f"the system answers to {listed(titles)}" if titles else "no framework asks for proof"
    return f"Data is {c.requirements.data_sensitivity}; {answered}."


def scanning(c: Context) -> Decision:
    """What is scanned before and after release."""
    r = c.requirements
    avoid: Reasons = {
        "baseline": sensitive(c) and f"{r.data_sensitivity} data asks for scans of what runs, not of code alone",
        "container": r.public_facing
        and r.data_sensitivity == "restricted"
        and "restricted data behind a public entry asks for a dynamic scan too",
    }
    return settle(c, "security.scanning", avoid=avoid, rationale=[_stake(c)])


def secrets(c: Context) -> Decision:
    """Where credentials live and how they are rotated."""
    services = {"native": c.service("secrets"), "vault": c.catalog.tools.get("vault")}
    options = service_options(options_of(c, "security.secrets"), services)
    rationale = [f"{c.assume('secrets_count'):g} secrets in each of three environments, rotated without a deployment."]
    return settle(c, "security.secrets", options, rationale=rationale)


def network(c: Context) -> Decision:
    """How traffic is kept to what the topology needs, and what filtering it costs at this load."""
    r = c.requirements
    avoid: Reasons = {
        "segmented": r.public_facing and _worth_filtering(c),
    }
    filtering = _filter_price(c)
    options = options_of(c, "security.network", _network_scores(c, filtering))
    waf = c.service("waf")
    priced = [f"Filtering web traffic with {waf.title} costs {usd(filtering)} a month at this load."] if waf else []
    return settle(c, "security.network", options, avoid=avoid, rationale=[_stake(c), *priced])


def _network_scores(c: Context, filtering: float | None) -> dict[str, dict[str, float]]:
    """Ratings, with a lower one for cost where filtering this load is dear."""
    floor = noticed(c)
    found = price_scores({"none": floor, "segmented-waf": None if filtering is None else floor + filtering})
    rows = c.catalog.options["security.network"]
    dear = found.get("segmented-waf", {}).get("cost", 10.0)
    scores: dict[str, dict[str, float]] = {
        "segmented-waf": {"cost": min(dear, rows["segmented-waf"]["cost"])},
        "zero-trust": {"cost": min(dear * _MESH_BESIDE, rows["zero-trust"]["cost"])},
    }
    if not c.requirements.public_facing:
        scores["segmented"] = {"resilience": _INTERNAL_RESILIENCE}
    return scores


def _worth_filtering(c: Context) -> str:
    r = c.requirements
    if sensitive(c):
        return f"{r.data_sensitivity} data behind a public entry asks for a web application firewall"
    # Not by the availability target: a filter is one more part that must work, and promises less than it protects.
    if r.workload_type == "web-api" and r.on_call == "24x7":
        return "a flood of requests would wake the people on call"
    return ""


def _filter_price(c: Context) -> float | None:
    waf = c.service("waf")
    if waf is None:
        return None
    usage = {"months": 1.0, "rules": c.assume("waf_rules"), "requests": load_of(c).origin_requests_month}
    return estimate(c.catalog, c.provider.id, waf, usage, "", c.region.id)


def access(c: Context) -> Decision:
    """Who may do what: roles for people, identities for workloads, nothing standing that is rarely used."""
    r = c.requirements
    avoid: Reasons = {
        "rbac": r.data_sensitivity == "restricted" and "standing access to restricted data cannot be justified",
        "rbac-separation-of-duties": r.team_size < _SEPARABLE_TEAM
        and f"a team of {r.team_size} is too small to keep writing, approving and deploying apart",
    }
    return settle(c, "security.access", avoid=avoid, rationale=[_stake(c), f"Release approval: {r.release_approval}."])


def compliance(c: Context) -> Decision:
    """How the rest is proved: what is recorded, checked continuously, and kept as evidence."""
    r = c.requirements
    restricted = r.data_sensitivity == "restricted"
    avoid = {
        "audit-trail": (bool(c.frameworks) and "a framework to answer to asks for continuous proof")
        or (restricted and "restricted data asks for attacks to be noticed while they happen")
    }
    rationale = [_stake(c), f"Logs are kept {counted(r.log_retention_days, 'day')}."]
    return settle(c, "security.compliance", avoid=avoid, rationale=rationale)
