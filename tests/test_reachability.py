"""Nothing is listed in vain: every option of every field, every service and every tool is somebody's choice.

Requirements alone bring each option about on every cloud; the few that need the team's word are named with the reason.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from devops_workbook.catalog import load
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.outline import FIELD_IDS
from devops_workbook.requirements import Requirements

CLOUDS = ("aws", "gcp", "azure")

QUIET = {"peak_rps": 2, "average_rps": 0.2}
BUSY = {"peak_rps": 20_000, "average_rps": 5_000}
EASY = {"availability_target_pct": 99, "rto_minutes": 43_200, "rpo_minutes": 43_200}
STRICT = {"availability_target_pct": 99.99, "on_call": "24x7"}
URGENT = {"rto_minutes": 10, "rpo_minutes": 5, "on_call": "24x7"}
CHEAP = {"priority_cost": 5, "priority_resilience": 0, "priority_performance": 0}
SAFEST = {
    "priority_cost": 0, "priority_resilience": 5, "priority_performance": 1, "priority_simplicity": 0,
    "priority_portability": 0, "team_size": 30, "data_sensitivity": "restricted",
}  # fmt: skip
FAST = {"priority_performance": 5, "priority_simplicity": 0, "priority_cost": 0}
OPEN = {
    "priority_portability": 5, "priority_cost": 1, "priority_simplicity": 0, "team_size": 40,
    "kubernetes_skill": "expert",
}  # fmt: skip
ALL_CARE = {"priority_cost": 0, "priority_simplicity": 4, "priority_performance": 5, "team_size": 15}
PER_EVENT = {"workload_type": "event-driven", "data_model": "key-value", "cacheable_pct": 0, "queries_per_request": 1}

REACHED_BY: dict[str, dict[str, Any]] = {
    "cicd.platform: github-actions": {},
    "cicd.platform: gitlab-ci": {"source_host": "gitlab"},
    "cicd.platform: jenkins": {"source_host": "self-hosted", **OPEN},
    "cicd.stages: essential": CHEAP,
    "cicd.stages: standard": {},
    "cicd.stages: regulated": {"data_sensitivity": "restricted"},
    "cicd.branching: trunk-based": {},
    "cicd.branching: gitflow": {"deploys_per_week": 0.5, "release_approval": "change-board"},
    "cicd.artifacts: provider-registry": {},
    "cicd.artifacts: source-host-registry": {"priority_portability": 5, "priority_cost": 0},
    "cicd.deployment: canary": {"deploys_per_week": 50, "availability_target_pct": 99.95, **BUSY},
    "cicd.deployment: blue-green": {"workload_type": "web-api", "availability_target_pct": 99.95, **QUIET},
    "cicd.deployment: rolling": {"workload_type": "streaming"},
    "infrastructure.compute: containers": {},
    "infrastructure.compute: kubernetes": OPEN,
    "infrastructure.compute: functions": {**QUIET, **CHEAP},
    "infrastructure.compute: vms": {
        "workload_type": "batch", "service_time_ms": 3_600_000, "p99_latency_ms": 36_000_000, "cpu_pct": 98,
        "priority_simplicity": 1, "team_size": 5, "kubernetes_skill": "none", "peak_rps": 2, "average_rps": 0.5,
        **CHEAP,
    },
    "infrastructure.database: relational": {"priority_cost": 5, "priority_simplicity": 5, "priority_performance": 1},
    "infrastructure.database: relational-cluster": {"database_gb": 100_000},
    "infrastructure.database: nosql": {"data_model": "key-value"},
    "infrastructure.network: two-tier": CHEAP,
    "infrastructure.network: three-tier": {},
    "infrastructure.network: hub-spoke": SAFEST,
    "infrastructure.security: provider-managed-keys": {},
    "infrastructure.security: customer-managed-keys": {"data_sensitivity": "confidential"},
    "infrastructure.security: hsm-backed-keys": SAFEST,
    "observability.metrics: native": {},
    "observability.metrics: prometheus": OPEN,
    "observability.metrics: datadog": ALL_CARE,
    "observability.logging: native": {},
    "observability.logging: loki": {**OPEN, **BUSY},
    "observability.logging: datadog": ALL_CARE,
    "observability.alerting: chat": CHEAP,
    "observability.alerting: paged": {},
    "observability.alerting: paged-escalation": STRICT,
    "observability.dashboards: native": {},
    "observability.dashboards: grafana": OPEN,
    "observability.dashboards: datadog": ALL_CARE,
    "observability.tracing: native": {},
    "observability.tracing: jaeger": {**OPEN, **BUSY},
    "observability.tracing: datadog": ALL_CARE,
    "scaling.autoscaling: target-tracking": {},
    "scaling.autoscaling: scheduled-target-tracking": {"priority_performance": 5},
    "scaling.autoscaling: queue-depth": {"workload_type": "streaming"},
    "scaling.autoscaling: per-request": {**QUIET, **CHEAP},
    "scaling.load_balancing: application": {},
    "scaling.caching: none": {"public_facing": False},
    "scaling.caching: cdn": {},
    "scaling.caching: in-memory": {"workload_type": "streaming", **BUSY, **FAST},
    "scaling.caching: cdn-in-memory": {**BUSY, **FAST},
    "scaling.performance_monitoring: golden-signals": {},
    "scaling.performance_monitoring: golden-signals-synthetics": STRICT,
    "scaling.performance_monitoring: golden-signals-apm": FAST | {"public_facing": False, "priority_portability": 0},
    "scaling.capacity: headroom": {"data_model": "relational", **EASY, **CHEAP, "peak_rps": 50, "average_rps": 40},
    "scaling.capacity: zone-loss": {},
    "scaling.capacity: region-loss": {
        **URGENT, "priority_cost": 0, "priority_simplicity": 0, "priority_performance": 5
    },
    "security.scanning: baseline": {**QUIET, **CHEAP},
    "security.scanning: container": {},
    "security.scanning: full": {"data_sensitivity": "restricted"},
    "security.secrets: native": {},
    "security.secrets: vault": OPEN,
    "security.network: segmented": {"public_facing": False},
    "security.network: segmented-waf": {"data_sensitivity": "confidential"},
    "security.network: zero-trust": SAFEST,
    "security.access: rbac": {},
    "security.access: rbac-just-in-time": {"data_sensitivity": "restricted"},
    "security.access: rbac-separation-of-duties": {"compliance": ("soc2",)},
    "security.compliance: audit-trail": {},
    "security.compliance: continuous": {"data_sensitivity": "restricted"},
    "security.compliance: continuous-evidence": {"compliance": ("soc2",)},
    "disaster_recovery.backup: daily": {**EASY, **CHEAP},
    "disaster_recovery.backup: pitr": {"rpo_minutes": 1440},
    "disaster_recovery.backup: pitr-cross-region": {"rpo_minutes": 60},
    "disaster_recovery.backup: pitr-immutable": {"data_sensitivity": "restricted"},
    "disaster_recovery.recovery: restore": {**EASY, **CHEAP},
    "disaster_recovery.recovery: zone-failover": {},
    "disaster_recovery.recovery: region-failover-manual": {"rto_minutes": 60, "rpo_minutes": 5},
    "disaster_recovery.recovery: region-failover-automatic": URGENT,
    "disaster_recovery.high_availability: single-zone": {**EASY, **CHEAP},
    "disaster_recovery.high_availability: multi-zone": {},
    "disaster_recovery.high_availability: pilot-light": {"rpo_minutes": 5},
    "disaster_recovery.high_availability: warm-standby": {"rto_minutes": 25, "rpo_minutes": 5},
    "disaster_recovery.high_availability: active-active": {
        **URGENT, "priority_cost": 0, "priority_simplicity": 0, "priority_performance": 5
    },
    "disaster_recovery.incident_response: best-effort": CHEAP,
    "disaster_recovery.incident_response: on-call": {},
    "disaster_recovery.incident_response: incident-command": STRICT,
    "cost.resources: on-demand": {},
    "cost.resources: commitment-1y": {"commitment": "1y"},
    "cost.resources: commitment-3y": {"commitment": "3y", "growth_pct_per_year": 5, "horizon_months": 36},
    "cost.resources: spot-mixed": {
        "workload_type": "batch", "service_time_ms": 3_600_000, "p99_latency_ms": 36_000_000, "cpu_pct": 98,
        "team_size": 5, "kubernetes_skill": "none", "peak_rps": 2, "average_rps": 0.5, "priority_simplicity": 0,
        **CHEAP,
    },
    "cost.monitoring: budget-alerts": {**CHEAP, "priority_simplicity": 5},
    "cost.monitoring: budget-anomaly": {},
    "cost.monitoring: showback": {"team_size": 40, "priority_simplicity": 0},
    "cost.efficiency: always-on": {"priority_cost": 0},
    "cost.efficiency: scheduled-shutdown": {},
    "cost.efficiency: scale-to-zero": {**QUIET, **CHEAP},
    "cost.vendors: single-cloud": {},
    "cost.vendors: portable": {"priority_portability": 5, "data_model": "relational"},
    "cost.vendors: multi-cloud": {**OPEN, "priority_resilience": 5, "priority_performance": 0, "priority_cost": 0},
}  # fmt: skip

# An API gateway is dearer than a load balancer except for little traffic, and one cloud promises nothing for its own.
ONLY_WHERE_THE_GATEWAY_HAS_AN_SLA = "scaling.load_balancing: api-gateway"
GATEWAY = {**QUIET, **CHEAP, "priority_simplicity": 5, "monthly_budget_usd": 300, "availability_target_pct": 99}
ITS_CLOUDS = ("aws", "azure")

# The catalog's ids of what a plan must be able to name, and the requirements that bring it into the topology.
SERVICES: dict[str, dict[str, dict[str, Any]]] = {
    "aws": {
        "ecs": {}, "eks": OPEN, "lambda": {**QUIET, **CHEAP}, "ec2": REACHED_BY["infrastructure.compute: vms"],
        "rds": REACHED_BY["infrastructure.database: relational"], "aurora": {"database_gb": 100_000},
        "dynamodb": {"data_model": "key-value"}, "cloudfront": {}, "api-gateway": GATEWAY, "alb": {}, "iam": {},
        "cloudwatch": {}, "x-ray": {}, "secrets-manager": {}, "kms": {"data_sensitivity": "confidential"},
    },
    "gcp": {
        "gke": OPEN, "cloud-run": {}, "cloud-functions": {**QUIET, **CHEAP},
        "compute-engine": REACHED_BY["infrastructure.compute: vms"],
        "cloud-sql": REACHED_BY["infrastructure.database: relational"], "firestore": {"data_model": "key-value"},
        "cloud-cdn": {}, "cloud-load-balancing": {}, "gcp-iam": {}, "cloud-monitoring": {}, "cloud-trace": {},
        "secret-manager": {}, "cloud-kms": {"data_sensitivity": "confidential"},
    },
    "azure": {
        "aks": OPEN, "container-apps": {}, "azure-functions": {**QUIET, **CHEAP},
        "vm-scale-sets": REACHED_BY["infrastructure.compute: vms"],
        "azure-sql": {}, "cosmos-db": {"data_model": "key-value"},
        "application-gateway": {}, "front-door": {}, "entra-id": {}, "azure-monitor": {}, "application-insights": {},
        "key-vault": {}, "key-vault-keys": {"data_sensitivity": "confidential"},
    },
}  # fmt: skip
NETWORKS = {"aws": "vpc", "gcp": "gcp-vpc", "azure": "vnet"}
TOOLS: dict[str, dict[str, Any]] = {
    "github-actions": {}, "gitlab-ci": {"source_host": "gitlab"}, "jenkins": {"source_host": "self-hosted", **OPEN},
    "prometheus": OPEN, "alertmanager": OPEN, "grafana": OPEN, "loki": {**OPEN, **BUSY}, "jaeger": {**OPEN, **BUSY},
    "datadog": ALL_CARE, "datadog-logs": ALL_CARE, "datadog-apm": ALL_CARE, "vault": OPEN, "otel-collector": {},
    "pagerduty": {"on_call": "24x7"}, "github": {}, "gitlab": {"source_host": "gitlab"},
    "self-hosted-git": {"source_host": "self-hosted"},
}  # fmt: skip


@cache
def worked_out(provider: str, requirements: tuple[tuple[str, Any], ...]) -> Evaluation:
    return evaluate(Requirements(provider=provider, **dict(requirements)))


def design(provider: str, requirements: dict[str, Any]) -> Evaluation:
    return worked_out(provider, tuple(requirements.items()))


def choice(provider: str, field: str, requirements: dict[str, Any]) -> str:
    return design(provider, requirements).plan.decision(field).choice.id


def options(provider: str) -> set[str]:
    decisions = design(provider, {}).plan.decisions
    return {f"{d.id}: {o.id}" for d in decisions for o in (d.choice, *d.alternatives)}


@pytest.mark.parametrize("provider", CLOUDS)
@pytest.mark.parametrize("option", REACHED_BY)
def test_requirements_alone_bring_an_option_about(option: str, provider: str) -> None:
    field, _, id = option.partition(": ")
    assert choice(provider, field, REACHED_BY[option]) == id


@pytest.mark.parametrize("provider", ITS_CLOUDS)
def test_requirements_bring_an_api_gateway_about_where_it_is_promised(provider: str) -> None:
    assert choice(provider, "scaling.load_balancing", GATEWAY) == "api-gateway"


@pytest.mark.parametrize("provider", sorted(set(CLOUDS) - set(ITS_CLOUDS)))
def test_an_api_gateway_without_a_promise_needs_the_teams_word(provider: str) -> None:
    field = "scaling.load_balancing"
    assert choice(provider, field, GATEWAY) == "application"
    evaluation = evaluate(Requirements(provider=provider, **GATEWAY, overrides={field: "api-gateway"}))
    assert evaluation.plan.decision(field).choice.id == "api-gateway"
    assert [f.code for f in evaluation.findings if f.field == field] == ["override-not-advised"]


@pytest.mark.parametrize("provider", CLOUDS)
def test_no_option_is_left_out_of_these_lists(provider: str) -> None:
    clouds = {f"infrastructure.provider: {id}" for id in CLOUDS}
    assert options(provider) == {*REACHED_BY, ONLY_WHERE_THE_GATEWAY_HAS_AN_SLA, *clouds}
    assert {option.partition(": ")[0] for option in options(provider)} == set(FIELD_IDS)


@pytest.mark.parametrize("provider", CLOUDS)
def test_the_cloud_is_the_one_that_was_named(provider: str) -> None:
    assert choice(provider, "infrastructure.provider", {}) == provider


@pytest.mark.parametrize("provider", CLOUDS)
def test_an_override_reaches_every_option_that_is_possible(provider: str) -> None:
    for decision in design(provider, {}).plan.decisions:
        for option in decision.alternatives:
            if option.ruled_out and not option.ruled_out.startswith("not advised: "):
                continue
            insisting = Requirements(provider=provider, overrides={decision.id: option.id})
            decided = evaluate(insisting).plan.decision(decision.id)
            assert decided.choice.id == option.id, option
            assert decided.overridden


@pytest.mark.parametrize(("provider", "service"), [(cloud, id) for cloud, ids in SERVICES.items() for id in ids])
def test_a_service_is_part_of_some_design(provider: str, service: str) -> None:
    evaluation = design(provider, SERVICES[provider][service])
    assert service in {component.service for component in evaluation.topology.components}


@pytest.mark.parametrize("provider", CLOUDS)
def test_the_clouds_network_is_the_boundary_of_every_design(provider: str) -> None:
    service = load().providers[provider].services[NETWORKS[provider]]
    boundaries = design(provider, {}).topology.boundaries
    assert service.title in {boundary.title for boundary in boundaries if boundary.kind == "network"}


@pytest.mark.parametrize("provider", CLOUDS)
@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_is_part_of_some_design(tool: str, provider: str) -> None:
    evaluation = design(provider, TOOLS[tool])
    assert tool in {component.service for component in evaluation.topology.components}


def test_every_tool_of_the_catalog_is_here() -> None:
    assert set(load().tools) == {*TOOLS, "users"}


@pytest.mark.parametrize(("provider", "tool", "title"), [
    ("aws", "terraform", "Terraform"), ("aws", "cloudformation", "CloudFormation"), ("gcp", "terraform", "Terraform"),
    ("azure", "terraform", "Terraform"),
])  # fmt: skip
def test_infrastructure_is_written_in_the_language_asked_for(provider: str, tool: str, title: str) -> None:
    summary = design(provider, {"iac_tool": tool}).plan.decision("infrastructure.provider").summary
    assert title in summary
