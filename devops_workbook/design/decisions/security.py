"""Security and compliance: scanning, secrets, network, access, and the proof of all of it."""

from __future__ import annotations

from devops_workbook.design.choose import decide, options_of
from devops_workbook.design.context import Context
from devops_workbook.design.model import Decision
from devops_workbook.design.scoring import service_options

__all__ = ["access", "compliance", "network", "scanning", "secrets"]


def _sensitive(c: Context) -> bool:
    return c.requirements.data_sensitivity in ("confidential", "restricted")


def _stake(c: Context) -> str:
    r = c.requirements
    frameworks = ", ".join(f.title for f in c.frameworks) or "no framework"
    return f"Data is {r.data_sensitivity}; {frameworks} to answer to."


def scanning(c: Context) -> Decision:
    """What is scanned before and after release."""
    packaged = c.choice("infrastructure.compute") in ("kubernetes", "containers")
    rule_out = {
        "baseline": _sensitive(c)
        and f"{c.requirements.data_sensitivity} data asks for scanned images and infrastructure",
        "container": not packaged and "there are no container images to scan",
    }
    return decide(c, "security.scanning", rule_out=rule_out, rationale=[_stake(c)])


def secrets(c: Context) -> Decision:
    """Where credentials live and how they are rotated."""
    r = c.requirements
    services = {"native": c.service("secrets"), "vault": c.catalog.tools.get("vault")}
    options = service_options(options_of(c, "security.secrets"), services)
    small = r.team_size < 6 and f"{r.team_size} people cannot also keep a Vault cluster available"
    rationale = [f"{c.assume('secrets_count'):g} secrets in three environments, rotated without a deployment."]
    return decide(c, "security.secrets", options, rule_out={"vault": small}, rationale=rationale)


def network(c: Context) -> Decision:
    """How traffic is kept to what the topology needs."""
    r = c.requirements
    small = r.team_size < 6 and f"{r.team_size} people cannot also run a service mesh"
    rule_out = {
        "segmented": (r.public_facing and _sensitive(c))
        and f"{r.data_sensitivity} data behind a public entry asks for a web application firewall",
        "zero-trust": small,
    }
    return decide(c, "security.network", rule_out=rule_out, rationale=[_stake(c)])


def access(c: Context) -> Decision:
    """Who may do what: roles for people, identities for workloads, nothing standing that is rarely used."""
    r = c.requirements
    board = r.release_approval == "change-board"
    rule_out = {
        "rbac": r.data_sensitivity == "restricted" and "standing access to restricted data cannot be justified",
        "rbac-separation-of-duties": r.team_size < 4
        and not board
        and f"{r.team_size} people are too few to keep writing and approving apart",
    }
    rationale = [_stake(c), f"Release approval: {r.release_approval}."]
    return decide(c, "security.access", rule_out=rule_out, rationale=rationale)


def compliance(c: Context) -> Decision:
    """How the rest is proved: what is recorded, checked continuously, and kept as evidence."""
    rule_out = {"audit-trail": len(c.frameworks) > 0 and "a framework to answer to asks for continuous proof"}
    days = c.requirements.log_retention_days
    rationale = [_stake(c), f"Logs are kept {days} days."]
    return decide(c, "security.compliance", rule_out=rule_out, rationale=rationale)
