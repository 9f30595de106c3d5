"""Takes all 33 decisions, in an order in which each finds what it depends on.

Caching comes first because it decides how much load reaches the origin; compute and database follow from the
load; the form of deployment from what those and the firewall before them promise; everything else from the form.
The order in which a plan is read is another (see `outline`).
"""

from __future__ import annotations

from collections.abc import Callable

from devops_workbook.design.context import Context
from devops_workbook.design.decisions import (
    cicd,
    cost,
    disaster_recovery,
    infrastructure,
    observability,
    scaling,
    security,
)
from devops_workbook.design.model import Decision

__all__ = ["DECIDERS", "decide_all", "wording"]

DECIDERS: dict[str, Callable[[Context], Decision]] = {
    "infrastructure.provider": infrastructure.provider,
    "scaling.caching": scaling.caching,
    "infrastructure.compute": infrastructure.compute,
    "infrastructure.database": infrastructure.database,
    "scaling.load_balancing": scaling.load_balancing,
    "security.network": security.network,
    "disaster_recovery.high_availability": disaster_recovery.high_availability,
    "disaster_recovery.backup": disaster_recovery.backup,
    "disaster_recovery.recovery": disaster_recovery.recovery_procedures,
    "disaster_recovery.incident_response": disaster_recovery.incident_response,
    "scaling.autoscaling": scaling.autoscaling,
    "scaling.capacity": scaling.capacity,
    "scaling.performance_monitoring": scaling.performance_monitoring,
    "infrastructure.network": infrastructure.network,
    "infrastructure.security": infrastructure.security,
    "security.scanning": security.scanning,
    "security.secrets": security.secrets,
    "security.access": security.access,
    "security.compliance": security.compliance,
    "observability.metrics": observability.metrics,
    "observability.logging": observability.logging,
    "observability.alerting": observability.alerting,
    "observability.dashboards": observability.dashboards,
    "observability.tracing": observability.tracing,
    "cicd.platform": cicd.platform,
    "cicd.stages": cicd.stages,
    "cicd.branching": cicd.branching,
    "cicd.artifacts": cicd.artifacts,
    "cicd.deployment": cicd.deployment,
    "cost.resources": cost.resources,
    "cost.monitoring": cost.monitoring,
    "cost.efficiency": cost.efficiency,
    "cost.vendors": cost.vendors,
}

_NAMED_ROLES = (
    "registry", "secrets", "keys", "waf", "cdn", "cache", "load_balancer", "api_gateway", "dns", "identity",
    "audit", "posture", "threat_detection", "backup", "budget", "metrics", "logs", "traces",
)  # fmt: skip
_NAMED_CHOICES = {
    "compute": "infrastructure.compute",
    "database": "infrastructure.database",
    "metrics": "observability.metrics",
    "logs": "observability.logging",
    "traces": "observability.tracing",
    "registry": "cicd.artifacts",
    "secrets": "security.secrets",
    "pipeline": "cicd.platform",
}


def decide_all(c: Context) -> dict[str, Decision]:
    """Every field, decided, by field id; also kept in `c.taken`. Texts still hold their {placeholders}."""
    for field_id, decider in DECIDERS.items():
        c.taken[field_id] = decider(c)
    return c.taken


def wording(c: Context) -> Callable[[str], str]:
    """What fills the {placeholders} of summaries and details with the names of the services chosen."""
    names = _Names(_names(c))
    return lambda text: text.format_map(names)


class _Names(dict[str, str]):
    """Names for the {placeholders} of summaries; an unknown one is a bug of the catalog and says so."""

    def __missing__(self, key: str) -> str:
        raise KeyError(f"catalog/options.toml uses the unknown placeholder {{{key}}}")


def _names(c: Context) -> dict[str, str]:
    second = c.second_region
    names = {role: service.title for role in _NAMED_ROLES if (service := c.service(role))}
    names |= {name: c.taken[field].choice.title for name, field in _NAMED_CHOICES.items()}
    return names | {
        "region": f"{c.region.title} ({c.region.id})",
        "secondary_region": f"{second.title} ({second.id})" if second else "a second region",
        "source_host": {"github": "GitHub", "gitlab": "GitLab"}.get(c.requirements.source_host, "the team's own host"),
        "iac": c.provider.iac[c.provider.infrastructure_code(c.requirements.iac_tool)],
    }
