"""The options a field can choose: complete, defended, neutral, and each of them the best for somebody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from itertools import product
from string import Formatter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from devops_workbook.catalog import Catalog, load
from devops_workbook.design.model import PRIORITIES
from devops_workbook.outline import FIELD_IDS

RATED_WITH_THE_SERVICES = {
    "cicd.platform", "infrastructure.provider", "infrastructure.compute", "infrastructure.database",
}  # fmt: skip
OPTIONS = {
    "cicd.stages": "essential standard regulated",
    "cicd.branching": "trunk-based gitflow",
    "cicd.artifacts": "provider-registry source-host-registry",
    "cicd.deployment": "canary blue-green rolling",
    "infrastructure.network": "two-tier three-tier hub-spoke",
    "infrastructure.security": "provider-managed-keys customer-managed-keys hsm-backed-keys",
    "observability.metrics": "native prometheus datadog",
    "observability.logging": "native loki datadog",
    "observability.alerting": "chat paged paged-escalation",
    "observability.dashboards": "native grafana datadog",
    "observability.tracing": "native jaeger datadog",
    "scaling.autoscaling": "target-tracking scheduled-target-tracking queue-depth per-request",
    "scaling.load_balancing": "application api-gateway",
    "scaling.caching": "none cdn in-memory cdn-in-memory",
    "scaling.performance_monitoring": "golden-signals golden-signals-synthetics golden-signals-apm",
    "scaling.capacity": "headroom zone-loss region-loss",
    "security.scanning": "baseline container full",
    "security.secrets": "native vault",
    "security.network": "segmented segmented-waf zero-trust",
    "security.access": "rbac rbac-just-in-time rbac-separation-of-duties",
    "security.compliance": "audit-trail continuous continuous-evidence",
    "disaster_recovery.backup": "daily pitr pitr-cross-region pitr-immutable",
    "disaster_recovery.recovery": "restore zone-failover region-failover-manual region-failover-automatic",
    "disaster_recovery.high_availability": "single-zone multi-zone pilot-light warm-standby active-active",
    "disaster_recovery.incident_response": "best-effort on-call incident-command",
    "cost.resources": "on-demand commitment-1y commitment-3y spot-mixed",
    "cost.monitoring": "budget-alerts budget-anomaly showback",
    "cost.efficiency": "always-on scheduled-shutdown scale-to-zero",
    "cost.vendors": "single-cloud portable multi-cloud",
}
PLACEHOLDERS = {
    "compute", "database", "metrics", "logs", "traces", "registry", "secrets", "keys", "waf", "cdn", "cache",
    "load_balancer", "api_gateway", "dns", "identity", "audit", "posture", "threat_detection", "backup", "budget",
    "region", "secondary_region", "source_host", "pipeline", "iac",
}  # fmt: skip
NEUTRAL = re.compile(
    r"\b(AWS|Amazon|Azure|Microsoft|Google|GCP|CloudWatch|CloudTrail|GuardDuty|Lambda|EKS|AKS|GKE|Entra|Stackdriver)\b"
)
EVERY_OPTION = [(field, option) for field, ids in OPTIONS.items() for option in ids.split()]
EVERY_PRIORITY = np.array([p for p in product(range(6), repeat=5) if any(p)])


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


def texts(row: Mapping[str, Any]) -> list[str]:
    return [row["title"], row["summary"], row["why"], *(part for pair in row.get("detail", ()) for part in pair)]


def winners(options: Mapping[str, Mapping[str, Any]], priorities: NDArray[np.int_]) -> list[str]:
    """The option that wins under each row of priorities; the first of the catalog wins a tie."""
    scores = priorities @ np.array([[row[name] for name in PRIORITIES] for row in options.values()]).T
    return [list(options)[index] for index in scores.argmax(axis=1)]


def winner(options: Mapping[str, Mapping[str, Any]], *, others: int = 0, **priorities: int) -> str:
    weights = np.array([[priorities.get(name, others) for name in PRIORITIES]])
    return winners(options, weights)[0]


def test_every_field_of_the_plan_has_its_options_here_or_with_its_services() -> None:
    assert set(OPTIONS) | RATED_WITH_THE_SERVICES == set(FIELD_IDS)
    assert not set(OPTIONS) & RATED_WITH_THE_SERVICES


@pytest.mark.parametrize("field", OPTIONS)
def test_a_field_has_these_options_in_this_order(catalog: Catalog, field: str) -> None:
    assert list(catalog.options[field]) == OPTIONS[field].split()


def test_there_are_no_options_for_other_fields(catalog: Catalog) -> None:
    assert set(catalog.options) == set(OPTIONS)


@pytest.mark.parametrize(("field", "option"), EVERY_OPTION)
def test_an_option_is_rated_defended_and_written_out(catalog: Catalog, field: str, option: str) -> None:
    row = catalog.options[field][option]
    assert set(row) <= {"title", "summary", "why", "skill", "requires", "detail", *PRIORITIES}
    assert all(0 <= row[name] <= 10 for name in PRIORITIES)
    assert row["skill"] in ("none", "some", "expert")
    assert row["summary"].endswith(".")
    assert row["why"].endswith(".")
    assert len(row["why"]) > 60, "a rating is defended by a whole sentence"
    assert len(row["detail"]) >= 2
    assert all(len(pair) == 2 for pair in row["detail"])
    assert len({label for label, _ in row["detail"]}) == len(row["detail"])
    assert all(text.strip() == text and text for text in texts(row))


@pytest.mark.parametrize(("field", "option"), EVERY_OPTION)
def test_only_known_placeholders_and_only_in_the_summary(catalog: Catalog, field: str, option: str) -> None:
    row = catalog.options[field][option]
    assert {name for _, name, _, _ in Formatter().parse(row["summary"]) if name is not None} <= PLACEHOLDERS
    assert not any(brace in text for text in texts(row) if text != row["summary"] for brace in "{}")


@pytest.mark.parametrize(("field", "option"), EVERY_OPTION)
def test_no_option_speaks_of_one_provider(catalog: Catalog, field: str, option: str) -> None:
    assert not NEUTRAL.search(" ".join(texts(catalog.options[field][option])))


@pytest.mark.parametrize(("field", "option"), EVERY_OPTION)
def test_what_an_option_requires_is_a_word_that_decisions_know(catalog: Catalog, field: str, option: str) -> None:
    known = {"containers-or-kubernetes", "kubernetes", "24x7", "multi-zone", "multi-region"}
    assert set(catalog.options[field][option].get("requires", ())) <= known


@pytest.mark.parametrize("field", OPTIONS)
def test_every_option_is_the_best_one_for_some_priorities(catalog: Catalog, field: str) -> None:
    options = catalog.options[field]
    assert set(winners(options, EVERY_PRIORITY)) == set(options)


@pytest.mark.parametrize(
    ("field", "expected"),
    {
        "cicd.stages": "standard",
        "cicd.branching": "trunk-based",
        "cicd.deployment": "rolling",
        "infrastructure.network": "three-tier",
        "observability.alerting": "paged",
        "scaling.capacity": "zone-loss",
        "security.network": "segmented-waf",
        "security.secrets": "native",
        "disaster_recovery.backup": "pitr",
        "disaster_recovery.high_availability": "multi-zone",
        "disaster_recovery.recovery": "zone-failover",
        "disaster_recovery.incident_response": "on-call",
        "cost.monitoring": "budget-anomaly",
        "cost.efficiency": "scheduled-shutdown",
        "cost.vendors": "single-cloud",
    }.items(),
)
def test_a_team_without_a_preference_gets_the_customary_choice(catalog: Catalog, field: str, expected: str) -> None:
    assert winner(catalog.options[field], others=3) == expected


def test_priorities_pull_the_way_an_engineer_expects(catalog: Catalog) -> None:
    def choice(field: str, **priorities: int) -> str:
        return winner(catalog.options[field], others=1, **priorities)

    assert choice("cicd.deployment", resilience=5) == "canary"
    assert choice("cicd.deployment", simplicity=5) == choice("cicd.deployment", cost=5) == "rolling"
    assert choice("cicd.branching", portability=5) == "gitflow"
    assert choice("observability.metrics", portability=5) == "prometheus"
    assert choice("observability.metrics", simplicity=5) == "native"
    assert choice("observability.metrics", performance=5) == "datadog"
    assert choice("security.secrets", portability=5) == "vault"
    assert choice("scaling.caching", performance=5) == "cdn-in-memory"
    assert choice("scaling.caching", simplicity=5) == "none"
    assert choice("disaster_recovery.high_availability", cost=5) == "single-zone"
    assert choice("disaster_recovery.backup", resilience=5) == "pitr-cross-region"
    assert choice("cost.resources", cost=5) == "spot-mixed"
    assert choice("cost.vendors", portability=5) == "multi-cloud"


@pytest.mark.parametrize(
    "field",
    [
        "cicd.stages", "infrastructure.network", "infrastructure.security", "observability.alerting",
        "scaling.capacity", "security.scanning", "security.network", "security.access", "security.compliance",
        "disaster_recovery.backup", "disaster_recovery.recovery", "disaster_recovery.high_availability",
        "disaster_recovery.incident_response",
    ],
)  # fmt: skip
def test_stronger_options_come_later_are_more_resilient_and_cost_more(catalog: Catalog, field: str) -> None:
    rows = list(catalog.options[field].values())
    assert [row["resilience"] for row in rows] == sorted({row["resilience"] for row in rows})
    assert [row["cost"] for row in rows] == sorted({row["cost"] for row in rows}, reverse=True)


def test_the_stages_are_in_the_order_in_which_a_change_passes_them(catalog: Catalog) -> None:
    stages = {id: [label for label, _ in row["detail"]] for id, row in catalog.options["cicd.stages"].items()}
    spine = ["Build", "Unit tests", "Infrastructure plan and policy check", "Deploy staging",
             "Smoke and SLO verification", "Deploy production", "Verify", "Automatic rollback"]  # fmt: skip
    for labels in stages.values():
        assert [label for label in labels if label in spine] == spine
    added = {"Integration tests", "End-to-end tests", "SAST", "Dependency scan", "Secret scan"}
    assert not added & set(stages["essential"])
    assert added <= set(stages["standard"])
    assert added <= set(stages["regulated"])
    assert {"SBOM and signing", "DAST", "Change record and approval", "Evidence"} <= set(stages["regulated"])


def test_every_deployment_says_when_it_rolls_back_and_how_flags_are_used(catalog: Catalog) -> None:
    for row in catalog.options["cicd.deployment"].values():
        assert {"Automatic rollback", "Feature flags", "Idempotence", "Database changes"} <= dict(row["detail"]).keys()


# --- tools -------------------------------------------------------------------------------------------------


def test_the_tools_a_plan_can_name_are_there(catalog: Catalog) -> None:
    roles = {id: (tool.role, tool.kind) for id, tool in catalog.tools.items()}
    assert {kind for role, kind in roles.values() if role == "pipeline"} == {"github-actions", "gitlab-ci", "jenkins"}
    assert {kind for role, kind in roles.values() if role == "source_host"} == {"github", "gitlab", "self-hosted"}
    assert {
        "prometheus", "alertmanager", "grafana", "loki", "datadog", "datadog-logs", "datadog-apm", "jaeger",
        "otel-collector", "vault", "pagerduty", "users",
    } <= roles.keys()  # fmt: skip


def test_pipelines_are_rated_because_they_are_the_options_of_a_field(catalog: Catalog) -> None:
    pipelines = {id: tool.ratings for id, tool in catalog.tools.items() if tool.role == "pipeline"}
    rows = {id: {name: getattr(rating, name) for name in PRIORITIES} for id, rating in pipelines.items()}
    assert all(0 <= value <= 10 for row in rows.values() for value in row.values())
    assert set(winners(rows, EVERY_PRIORITY)) == set(rows)
    assert winner(rows, others=3) == "github-actions"


def test_every_tool_has_a_picture(catalog: Catalog) -> None:
    for id, tool in catalog.tools.items():
        module, _, name = tool.icon.rpartition(".")
        assert hasattr(import_module(f"diagrams.{module}"), name), f"{id}: no icon {tool.icon}"


def test_what_a_tool_bills_has_a_price_with_a_source_and_a_date(catalog: Catalog) -> None:
    dimensions = (d for tool in catalog.tools.values() if "free-licence" not in tool.features for d in tool.dimensions)
    billed = {dimension.item for dimension in dimensions}
    assert billed
    for item in billed:
        assert catalog.tool_prices.find(item, "anywhere") is not None, item
    for price in catalog.tool_prices.rows.values():
        assert price.usd > 0, price.item
        assert price.unit, price.item
        assert price.source.startswith("https://")
        assert re.fullmatch(r"20\d\d(-\d\d(-\d\d)?)?", price.as_of), price.item


def test_a_tool_bills_a_fee_or_the_machines_it_says_it_needs(catalog: Catalog) -> None:
    for id, tool in catalog.tools.items():
        if "free-licence" in tool.features:
            assert all(dimension.item.startswith("compute/") for dimension in tool.dimensions), id
            assert min(tool.limits[name] for name in ("nodes", "vcpu", "memory_gib")) > 0, id
        elif tool.role != "users":
            assert tool.dimensions, id


def test_an_sla_states_a_figure_or_why_there_is_none(catalog: Catalog) -> None:
    for id, tool in catalog.tools.items():
        assert tool.slas or tool.role == "users", id
        for sla in tool.slas:
            assert sla.source.startswith("https://"), id
            assert sla.as_of, id
            assert sla.note, id
            assert sla.pct is None or 99 <= sla.pct < 100, id
