"""Security and compliance: scanning, secrets, network, access, and the proof of all of it."""

from __future__ import annotations

from devops_workbook.design.choose import options_of
from devops_workbook.design.context import Context
from devops_workbook.design.decisions.advice import Reasons, sensitive, settle
from devops_workbook.design.model import Decision
from devops_workbook.design.pricing import estimate
from devops_workbook.design.scoring import service_options, usd
from devops_workbook.design.sizing import load_of

__all__ = ["access", "compliance", "network", "scanning", "secrets"]

# Author, approver and deployer must be three people, and one of them is on holiday.
_SEPARABLE_TEAM = 4
# Behind a private entry only colleagues send requests: tiers and firewalls already stop most of what a filter would.
_INTERNAL = {"segmented": {"resilience": 7.0}}


def _stake(c: Context) -> str:
    titles = [f.title for f in c.frameworks]
    answered = f"the system answers to {' and '.join(titles)}" if titles else "no framework asks for proof"
    return f"Data is {c.requirements.data_sensitivity}; {answered}."


def scanning(c: Context) -> Decision:
    """What is scanned before and after release."""
    data = c.requirements.data_sensitivity
    avoid = {"baseline": sensitive(c) and f"{data} data asks for scans of what runs, not of code alone"}
    return settle(c, "security.scanning", avoid=avoid, rationale=[_stake(c)])


def secrets(c: Context) -> Decision:
    """Where credentials live and how they are rotated."""
    services = {"native": c.service("secrets"), "vault": c.catalog.tools.get("vault")}
    options = service_options(options_of(c, "security.secrets"), services)
    rationale = [f"{c.assume('secrets_count'):g} secrets in three environments, rotated without a deployment."]
    return settle(c, "security.secrets", options, rationale=rationale)


def network(c: Context) -> Decision:
    """How traffic is kept to what the topology needs, and what filtering it costs at this load."""
    r = c.requirements
    avoid: Reasons = {
        "segmented": r.public_facing
        and sensitive(c)
        and f"{r.data_sensitivity} data behind a public entry asks for a web application firewall",
    }
    filtering = _filter_price(c)
    options = options_of(c, "security.network", None if r.public_facing else _INTERNAL)
    waf = c.service("waf")
    priced = [f"Filtering web traffic with {waf.title} costs {usd(filtering)} a month at this load."] if waf else []
    return settle(c, "security.network", options, avoid=avoid, rationale=[_stake(c), *priced],
                  prices={"segmented": 0.0, "segmented-waf": filtering})  # fmt: skip


def _filter_price(c: Context) -> float | None:
    waf = c.service("waf")
    if waf is None:
        return None
    usage = {"months": 1.0, "rules": c.assume("waf_rules"), "requests": load_of(c).requests_month}
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
    rationale = [_stake(c), f"Logs are kept {r.log_retention_days} days."]
    return settle(c, "security.compliance", avoid=avoid, rationale=rationale)
