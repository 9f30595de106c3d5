"""Typical systems, and what experienced architects would build for them.

The expectations were written down before the decisions were looked at. "a|b" means that either is defensible.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements


class Typical(NamedTuple):
    """A kind of system: its requirements, and field id -> the choices that can be defended."""

    requirements: dict[str, Any]
    expected: dict[str, str]


CLOUDS = ("aws", "gcp", "azure")


def given(**requirements: Any) -> dict[str, Any]:
    return requirements


START_UP = given(
    team_size=3, kubernetes_skill="none", deploys_per_week=15, peak_rps=30, average_rps=4, database_gb=10,
    object_storage_gb=50, priority_cost=5, priority_simplicity=5, priority_resilience=2, priority_performance=2,
    priority_portability=1, monthly_budget_usd=800,
)  # fmt: skip
PLATFORM_TEAM = given(
    team_size=40, kubernetes_skill="expert", deploys_per_week=60, on_call="24x7", peak_rps=3000, average_rps=900,
    database_gb=800, data_sensitivity="confidential", priority_cost=2, priority_resilience=4, priority_performance=3,
    priority_simplicity=1, priority_portability=5, monthly_budget_usd=80_000,
)  # fmt: skip
LEAST = given(
    priority_cost=5, priority_simplicity=5, priority_resilience=0, priority_performance=0, priority_portability=0
)
SAFEST = given(
    priority_cost=0, priority_simplicity=0, priority_resilience=5, priority_performance=1, priority_portability=0
)

SYSTEMS: dict[str, Typical] = {
    "three-person start-up": Typical(START_UP, {
        "infrastructure.compute": "containers|functions",
        "infrastructure.database": "relational|relational-cluster",  # Azure SQL Hyperscale costs less: no licence
        "infrastructure.network": "two-tier|three-tier",
        "infrastructure.security": "provider-managed-keys",
        "observability.metrics": "native",
        "observability.logging": "native",
        "observability.dashboards": "native",
        "observability.tracing": "native",
        "observability.alerting": "chat|paged",
        "security.secrets": "native",
        "security.compliance": "audit-trail",
        "cicd.platform": "github-actions",
        "cicd.branching": "trunk-based",
        "cicd.stages": "essential|standard",
        "disaster_recovery.high_availability": "multi-zone",
        "disaster_recovery.backup": "pitr|pitr-cross-region",
        "disaster_recovery.recovery": "zone-failover",
        "cost.vendors": "single-cloud",
        "cost.resources": "on-demand",
    }),
    "platform team with Kubernetes": Typical(PLATFORM_TEAM, {
        "infrastructure.compute": "kubernetes",
        "observability.metrics": "prometheus",
        "observability.logging": "loki",
        "observability.dashboards": "grafana",
        "security.secrets": "vault",
        "cost.vendors": "portable|multi-cloud|single-cloud",
        "cicd.branching": "trunk-based",
        "cicd.deployment": "canary|blue-green|rolling",
        "scaling.autoscaling": "target-tracking|scheduled-target-tracking",
        "observability.alerting": "paged|paged-escalation",
    }),
    "card payments": Typical(given(
        team_size=30, compliance=("pci-dss",), data_sensitivity="restricted", availability_target_pct=99.99,
        rto_minutes=15, rpo_minutes=1, on_call="24x7", release_approval="change-board", deploys_per_week=6,
        log_retention_days=400, peak_rps=800, average_rps=150, cacheable_pct=0, database_gb=900,
        kubernetes_skill="some", priority_cost=1, priority_resilience=5, priority_performance=3, priority_simplicity=2,
    ), {
        "cicd.stages": "regulated",
        "cicd.deployment": "canary|blue-green",
        "infrastructure.network": "three-tier|hub-spoke",
        "infrastructure.security": "customer-managed-keys|hsm-backed-keys",
        "security.network": "segmented-waf|zero-trust",
        "security.access": "rbac-separation-of-duties",
        "security.scanning": "full",
        "security.compliance": "continuous-evidence",
        "disaster_recovery.backup": "pitr-immutable",
        "disaster_recovery.high_availability": "warm-standby|active-active",
        "disaster_recovery.recovery": "region-failover-automatic",
        "disaster_recovery.incident_response": "incident-command",
        "observability.alerting": "paged-escalation",
        "scaling.caching": "none|in-memory",
    }),
    "tiny internal tool": Typical(given(
        team_size=2, kubernetes_skill="none", public_facing=False, peak_rps=2, average_rps=0.1, database_gb=5,
        object_storage_gb=10, deploys_per_week=1, availability_target_pct=99, rto_minutes=2880, rpo_minutes=1440,
        cacheable_pct=0, spike_factor=1, monthly_budget_usd=300, **LEAST,
    ), {
        "infrastructure.compute": "functions|containers",
        "infrastructure.network": "two-tier",
        "infrastructure.security": "provider-managed-keys",
        "scaling.caching": "none",
        "security.network": "segmented",
        "security.access": "rbac",
        "security.scanning": "baseline|container",
        "disaster_recovery.high_availability": "single-zone|multi-zone",
        "disaster_recovery.backup": "daily|pitr",
        "disaster_recovery.incident_response": "best-effort",
        "observability.alerting": "chat",
        "observability.metrics": "native",
        "observability.logging": "native",
        "cost.monitoring": "budget-alerts|budget-anomaly",
        "cost.efficiency": "scale-to-zero|scheduled-shutdown",
        "cicd.stages": "essential",
    }),
    "sensor ingest": Typical(given(
        workload_type="event-driven", data_model="key-value", team_size=9, peak_rps=6000, average_rps=3500,
        service_time_ms=10, p99_latency_ms=5000, response_kb=0.2, cacheable_pct=0, read_pct=10, queries_per_request=1,
        spike_factor=2, rto_minutes=480, rpo_minutes=60,
    ), {
        # 120 processors all day: where containers without a cluster cost five times the nodes, one is worth its work.
        "infrastructure.compute": "containers|functions|kubernetes",
        "infrastructure.database": "nosql",
        "scaling.autoscaling": "queue-depth|per-request",
        "scaling.caching": "none",
        "security.network": "segmented|segmented-waf",
        "scaling.load_balancing": "application",
    }),
    "click stream": Typical(given(
        workload_type="streaming", data_model="key-value", team_size=12, kubernetes_skill="expert", peak_rps=20_000,
        average_rps=12_000, service_time_ms=3, p99_latency_ms=10_000, response_kb=0, cacheable_pct=0, read_pct=20,
        queries_per_request=1, rto_minutes=480, rpo_minutes=60,
    ), {
        "infrastructure.compute": "containers|kubernetes",
        "infrastructure.database": "nosql",
        "scaling.autoscaling": "queue-depth",
        "cicd.deployment": "rolling",
        "scaling.caching": "none",
        "cost.resources": "on-demand",
    }),
    "football scores": Typical(given(
        team_size=20, peak_rps=15_000, average_rps=600, service_time_ms=15, p99_latency_ms=250, cacheable_pct=95,
        read_pct=99, spike_factor=8, data_model="document", data_sensitivity="public", on_call="24x7",
        kubernetes_skill="expert", deploys_per_week=40, release_approval="none", priority_performance=5,
    ), {
        "scaling.caching": "cdn|cdn-in-memory",
        # Headroom for a spike of eight costs nothing with functions.
        "infrastructure.compute": "containers|kubernetes|functions",
        "cicd.branching": "trunk-based",
        "scaling.autoscaling": "scheduled-target-tracking|target-tracking|per-request",
        "observability.alerting": "paged|paged-escalation",
        "infrastructure.security": "provider-managed-keys|customer-managed-keys",
    }),
    "nightly analytics": Typical(given(
        workload_type="batch", team_size=8, public_facing=False, peak_rps=50, average_rps=5, service_time_ms=600_000,
        service_time_cv=1, p99_latency_ms=7_200_000, cacheable_pct=0, availability_target_pct=99, rto_minutes=1440,
        rpo_minutes=1440, cpu_pct=95, priority_cost=5, priority_resilience=1, priority_performance=1,
    ), {
        "infrastructure.compute": "vms|containers|kubernetes",
        "scaling.autoscaling": "queue-depth",
        "scaling.caching": "none",
        "cicd.deployment": "rolling|blue-green",
        "disaster_recovery.backup": "daily|pitr",
    }),
    "federal case management": Typical(given(
        team_size=35, compliance=("fedramp-moderate", "nist-800-53-moderate"), data_sensitivity="restricted",
        data_residency="us", release_approval="change-board", deploys_per_week=0.5, on_call="24x7",
        log_retention_days=400,
        source_host="self-hosted", priority_resilience=5, priority_cost=1,
    ), {
        "cicd.platform": "gitlab-ci|jenkins",
        "cicd.stages": "regulated",
        "cicd.branching": "gitflow",
        "security.access": "rbac-separation-of-duties",
        "security.scanning": "full",
        "security.compliance": "continuous-evidence",
        "disaster_recovery.backup": "pitr-immutable",
        "infrastructure.security": "customer-managed-keys|hsm-backed-keys",
        "disaster_recovery.incident_response": "incident-command",
        "observability.metrics": "native|prometheus",
    }),
    "business software with SOC 2": Typical(given(
        team_size=12, compliance=("soc2",), data_sensitivity="confidential", on_call="24x7", deploys_per_week=25,
        log_retention_days=365, kubernetes_skill="some", monthly_budget_usd=12_000,
    ), {
        "infrastructure.compute": "containers",
        "cicd.branching": "trunk-based",
        "cicd.stages": "standard|regulated",
        "security.compliance": "continuous-evidence",
        "security.access": "rbac-separation-of-duties|rbac-just-in-time",
        "infrastructure.security": "customer-managed-keys",
        "security.network": "segmented-waf",
        "disaster_recovery.backup": "pitr-cross-region|pitr-immutable",
        "observability.alerting": "paged|paged-escalation",
    }),
    "health start-up": Typical(given(
        team_size=8, compliance=("hipaa",), data_sensitivity="restricted", data_residency="us", kubernetes_skill="none",
        on_call="24x7", deploys_per_week=10, log_retention_days=365, monthly_budget_usd=6000,
    ), {
        "infrastructure.compute": "containers|functions",
        "infrastructure.security": "customer-managed-keys",
        "security.compliance": "continuous-evidence",
        "disaster_recovery.backup": "pitr-immutable",
        "security.access": "rbac-just-in-time|rbac-separation-of-duties",
        "observability.metrics": "native",
        "security.secrets": "native",
    }),
    "intranet site": Typical(given(
        team_size=4, public_facing=False, kubernetes_skill="none", peak_rps=20, average_rps=2,
        availability_target_pct=99.5,
        rto_minutes=480, rpo_minutes=240, deploys_per_week=1, priority_cost=4, priority_simplicity=5,
        priority_resilience=1,
        priority_performance=1, priority_portability=1,
    ), {
        "infrastructure.compute": "containers|functions",
        "scaling.caching": "none",
        "security.network": "segmented",
        "observability.metrics": "native",
        "disaster_recovery.incident_response": "best-effort|on-call",
        "scaling.performance_monitoring": "golden-signals",
    }),
    "city information site": Typical(given(
        team_size=6, peak_rps=900, average_rps=60, cacheable_pct=85, read_pct=98, data_sensitivity="public",
        kubernetes_skill="none", deploys_per_week=2, release_approval="peer", spike_factor=5,
    ), {
        "scaling.caching": "cdn",
        "infrastructure.compute": "containers|functions",
        "infrastructure.security": "provider-managed-keys",
        "security.secrets": "native",
    }),
    "advertisement exchange": Typical(given(
        team_size=25, kubernetes_skill="expert", peak_rps=40_000, average_rps=25_000, service_time_ms=8,
        p99_latency_ms=60,
        cacheable_pct=0, read_pct=95, queries_per_request=2, data_model="key-value", on_call="24x7",
        deploys_per_week=30,
        priority_performance=5, priority_cost=4, priority_resilience=2, priority_simplicity=1,
    ), {
        "infrastructure.compute": "kubernetes|vms|containers",
        "infrastructure.database": "nosql",
        "scaling.load_balancing": "application",
        "cicd.branching": "trunk-based",
        "cicd.deployment": "canary|rolling|blue-green",
        "scaling.autoscaling": "target-tracking|scheduled-target-tracking",
    }),
    "web hook relay": Typical(given(
        workload_type="event-driven", team_size=4, kubernetes_skill="none", peak_rps=200, average_rps=0.5,
        spike_factor=4,
        data_model="key-value", queries_per_request=1, cacheable_pct=0, service_time_ms=80, p99_latency_ms=5000,
        database_gb=2, **LEAST,
    ), {
        "infrastructure.compute": "functions",
        "infrastructure.database": "nosql",
        "scaling.autoscaling": "per-request",
        "cost.efficiency": "scale-to-zero",
        "cicd.deployment": "blue-green|canary",
        "observability.metrics": "native",
    }),
    "global shop": Typical(given(
        team_size=60, kubernetes_skill="expert", peak_rps=5000, average_rps=1500, cacheable_pct=60,
        data_sensitivity="confidential",
        availability_target_pct=99.99, rto_minutes=5, rpo_minutes=1, on_call="24x7", deploys_per_week=80,
        priority_resilience=5, priority_performance=5, priority_cost=1, priority_simplicity=1,
    ), {
        "disaster_recovery.high_availability": "active-active|warm-standby",
        "disaster_recovery.recovery": "region-failover-automatic",
        "disaster_recovery.incident_response": "incident-command",
        "observability.alerting": "paged-escalation",
        "scaling.caching": "cdn|cdn-in-memory",
        "cicd.deployment": "canary|blue-green",
        "security.network": "segmented-waf|zero-trust",
    }),
    "video transcoding": Typical(given(
        workload_type="batch", team_size=5, kubernetes_skill="none", peak_rps=2, average_rps=0.5,
        service_time_ms=3_600_000,
        p99_latency_ms=36_000_000, cpu_pct=98, cacheable_pct=0, queries_per_request=1, spike_factor=1.5,
        rto_minutes=1440,
        rpo_minutes=1440, availability_target_pct=99, public_facing=False, priority_cost=5, priority_simplicity=2,
        priority_resilience=0, priority_performance=0, priority_portability=0,
    ), {
        "infrastructure.compute": "vms|containers",
        "scaling.autoscaling": "queue-depth",
        "cicd.deployment": "rolling|blue-green",
    }),
    "archive of 100 TB": Typical(given(
        team_size=10, data_model="relational", database_gb=100_000, peak_rps=100, average_rps=20, rto_minutes=43_200,
        rpo_minutes=1440,
    ), {"infrastructure.database": "relational-cluster"}),
    "registry that keeps signing keys": Typical(given(
        team_size=30, data_sensitivity="restricted", on_call="24x7", release_approval="change-board",
        deploys_per_week=1,
        **SAFEST,
    ), {
        "infrastructure.security": "hsm-backed-keys",
        "infrastructure.network": "hub-spoke",
        "security.network": "zero-trust",
        "security.access": "rbac-separation-of-duties",
        "disaster_recovery.backup": "pitr-immutable",
    }),
    "money no object, nothing to run": Typical(given(
        team_size=15, on_call="24x7", priority_performance=5, priority_simplicity=4, priority_cost=0,
        priority_resilience=2, priority_portability=2,
    ), {
        "observability.metrics": "datadog",
        "observability.logging": "datadog",
        "observability.dashboards": "datadog",
        "observability.tracing": "datadog",
    }),
    "software with quarterly releases": Typical(given(
        team_size=30, deploys_per_week=0.1, release_approval="change-board", kubernetes_skill="some",
    ), {"cicd.branching": "gitflow"}),
    "device firmware service with GDPR": Typical(given(
        team_size=7, compliance=("gdpr",), data_residency="eu", data_sensitivity="confidential", log_retention_days=90,
    ), {
        "security.compliance": "continuous-evidence",
        "security.access": "rbac-just-in-time|rbac-separation-of-duties",
        "disaster_recovery.incident_response": "on-call",
        "observability.alerting": "paged",
        "infrastructure.compute": "containers|functions",
    }),
}  # fmt: skip


@pytest.mark.parametrize("provider", CLOUDS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_typical_system_gets_what_an_architect_would_build(system: str, provider: str) -> None:
    requirements, expected = SYSTEMS[system]
    plan = evaluate(Requirements(name=system, provider=provider, **requirements)).plan
    chosen = {field: plan.decision(field).choice.id for field in expected}
    wrong = {
        field: (chosen[field], wanted) for field, wanted in expected.items() if chosen[field] not in wanted.split("|")
    }
    assert not wrong, f"chosen, and what can be defended: {wrong}"


@pytest.mark.parametrize("provider", CLOUDS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_team_of_fewer_than_five_is_never_given_a_platform_to_run(system: str, provider: str) -> None:
    requirements, _ = SYSTEMS[system]
    if requirements["team_size"] >= 5:
        requirements = requirements | {"team_size": 4}
    plan = evaluate(Requirements(provider=provider, **requirements)).plan
    choices = {d.id: d.choice.id for d in plan.decisions}
    assert choices["infrastructure.compute"] != "kubernetes"
    assert choices["observability.metrics"] != "prometheus"
    assert choices["security.secrets"] != "vault"
    assert choices["security.network"] != "zero-trust"
    assert choices["cost.vendors"] != "multi-cloud"
