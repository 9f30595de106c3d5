"""Everything that was asked for in the beginning, line by line, and where a plan honours it.

The list below is the content of the request: what is to be designed, for which platforms, in which form, by which
principles and practices. Each line carries what must be found in real plans: rows of a field's detail, options,
components, practices. A line without such a claim would be a promise, so there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from devops_workbook.catalog import load
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.render.text import plan_text
from devops_workbook.requirements import Requirements

Claim = Callable[[Mapping[str, Evaluation]], bool]


# --- claims ------------------------------------------------------------------------------------------------


def rows(field: str, *labels: str) -> Claim:
    """Every plan's detail of the field has these rows."""
    wanted = set(labels)
    return lambda plans: all(wanted <= set(dict(e.plan.decision(field).detail)) for e in plans.values())


def option(field: str, id: str, *labels: str) -> Claim:
    """The option can be chosen, and its detail has these rows."""

    def holds(plans: Mapping[str, Evaluation]) -> bool:
        decision = plans["default"].plan.decision(field)
        offered = id in {o.id for o in (decision.choice, *decision.alternatives)}
        return offered and set(labels) <= {
            label for label, _ in load().options.get(field, {}).get(id, {}).get("detail", ())
        }

    return holds


def says(field: str, pattern: str) -> Claim:
    """Every plan's words on the field (summary, detail, rationale) match the pattern."""

    def words(e: Evaluation) -> str:
        d = e.plan.decision(field)
        return " ".join([d.summary, *d.rationale, *(text for row in d.detail for text in row)])

    return lambda plans: all(re.search(pattern, words(e)) for e in plans.values())


def parts(*roles: str) -> Claim:
    """Every topology has components in these roles."""
    return lambda plans: all(e.topology.with_role(role) for e in plans.values() for role in roles)


def somewhere(service: str) -> Claim:
    """One of the plans builds the service."""
    return lambda plans: any(service in {c.service for c in e.topology.components} for e in plans.values())


def figure(field: str, metric: str) -> Claim:
    """Every plan gives the field a figure of which the metric's name matches."""
    return lambda plans: all(
        any(re.search(metric, e.metric, re.IGNORECASE) for e in x.plan.decision(field).evidence) for x in plans.values()
    )


def practice(id: str) -> Claim:
    """Every plan shows the best practice at each field that carries it out."""
    fields = load().practices[id].honoured_by
    return lambda plans: (
        bool(fields) and all(id in e.plan.decision(field).practices for e in plans.values() for field in fields)
    )


def principle(id: str) -> Claim:
    """Every plan shows the principle at each field that carries it out."""
    fields = load().principles[id].honoured_by
    return lambda plans: (
        bool(fields) and all(id in e.plan.decision(field).principles for e in plans.values() for field in fields)
    )


# --- the request -------------------------------------------------------------------------------------------

RESPONSIBILITIES: dict[str, dict[str, list[Claim]]] = {
    "CI/CD Pipeline Architecture": {
        "Design automated build, test, and deployment pipelines": [
            rows("cicd.stages", "Build", "Unit tests", "Deploy staging", "Deploy production", "Verify"),
            rows("cicd.platform", "Pipeline as code"),
            parts("pipeline"),
        ],
        "Implement branch-based deployment strategies (GitFlow, trunk-based)": [
            option("cicd.branching", "gitflow", "release/*", "main + tag vX.Y.Z", "hotfix/*"),
            option("cicd.branching", "trunk-based", "Pull request", "Merge to main", "Tag vX.Y.Z"),
        ],
        "Create comprehensive testing integration (unit, integration, e2e, security)": [
            rows("cicd.stages", "Unit tests"),
            option(
                "cicd.stages",
                "standard",
                "Unit tests",
                "Integration tests",
                "End-to-end tests",
                "SAST",
                "Dependency scan",
            ),
            option("cicd.stages", "regulated", "Unit tests", "Integration tests", "End-to-end tests", "SAST", "DAST"),
        ],
        "Design artifact management and versioning strategies": [
            rows("cicd.artifacts", "Version", "Immutability", "Retention", "Packages"),
            parts("source_host"),
        ],
        "Implement automated rollback and blue-green deployment patterns": [
            rows("cicd.stages", "Automatic rollback"),
            rows("cicd.deployment", "Automatic rollback", "Steps", "Gate"),
            option("cicd.deployment", "blue-green", "Automatic rollback"),
        ],
    },
    "Cloud Infrastructure & Architecture": {
        "Design scalable cloud infrastructure using IaC (Terraform, CloudFormation)": [
            says("infrastructure.provider", "Terraform|CloudFormation"),
            rows("infrastructure.provider", "Infrastructure as code"),
            lambda plans: {"terraform", "cloudformation"} <= set(load().providers["aws"].iac),
        ],
        "Implement container orchestration with Kubernetes or managed services": [
            option("infrastructure.compute", "kubernetes"),
            option("infrastructure.compute", "containers"),
            rows("infrastructure.compute", "Orchestration"),
            parts("compute"),
        ],
        "Design network architecture with proper security segmentation": [
            rows("infrastructure.network", "Addresses", "Environments", "Entry"),
            rows("security.network", "Default"),
            lambda plans: all({"network", "subnet"} <= {b.kind for b in e.topology.boundaries} for e in plans.values()),
        ],
        "Plan for disaster recovery, backup, and high availability": [
            rows("disaster_recovery.backup", "Frequency", "Retention", "Restore test"),
            rows("disaster_recovery.recovery", "Runbook", "Exercise"),
            figure("disaster_recovery.recovery", "RTO"),
            figure("disaster_recovery.high_availability", "availability"),
            parts("backup"),
        ],
        "Optimize cloud costs and resource utilization": [
            rows("cost.resources", "Right-sizing", "Storage"),
            rows("cost.efficiency", "Clean-up"),
            figure("cost.resources", "cost|bill"),
        ],
    },
    "Monitoring & Observability": {
        "Design comprehensive monitoring strategies (metrics, logs, traces)": [
            parts("metrics", "logs", "traces", "telemetry")
        ],
        "Implement alerting systems with proper escalation policies": [
            rows("observability.alerting", "Page", "Ticket", "Escalation")
        ],
        "Create dashboards for application and infrastructure visibility": [
            rows("observability.dashboards", "Infrastructure", "Application"),
            parts("dashboards"),
        ],
        "Design distributed tracing for microservices architectures": [
            rows("observability.tracing", "Instrumentation", "Sampling"),
            says("observability.tracing", "OpenTelemetry"),
        ],
        "Implement SLI/SLO monitoring and error budgets": [
            rows("observability.metrics", "SLI and SLO"),
            says("observability.alerting", "[Bb]urn.rate"),
            figure("observability.alerting", "error budget"),
            practice("slo-error-budgets"),
        ],
    },
    "Security & Compliance": {
        "Implement security scanning in CI/CD pipelines": [
            rows("security.scanning", "Code", "Dependencies", "Secrets", "Infrastructure code"),
            rows("cicd.stages", "Infrastructure plan and policy check"),
        ],
        "Design secrets management and credential rotation": [
            option("security.secrets", "native", "Rotation", "Delivery"),
            option("security.secrets", "vault", "Dynamic credentials", "Static secrets"),
            parts("secrets"),
        ],
        "Implement network security and access controls": [
            rows("security.network", "Default", "Administration"),
            rows("security.access", "Sign-in", "Developer", "Operator"),
        ],
        "Design compliance monitoring and audit logging": [
            rows("security.compliance", "Audit log", "Tags"),
            parts("audit"),
            option("security.compliance", "continuous", "Rules", "Report"),
        ],
        "Create security incident response procedures": [
            rows("disaster_recovery.incident_response", "Security incident", "Runbooks")
        ],
    },
    "Performance & Scaling": {
        "Design auto-scaling policies for applications and infrastructure": [
            rows("scaling.autoscaling", "Trigger", "In", "Vertical"),
            lambda plans: (
                "cluster autoscaler"
                in dict(plans["kubernetes"].plan.decision("infrastructure.compute").detail)["Nodes"]
            ),
        ],
        "Implement load balancing and traffic distribution strategies": [
            option("scaling.load_balancing", "application", "Algorithm", "Health", "Zones"),
            option("scaling.load_balancing", "api-gateway", "Routing", "Throttling"),
        ],
        "Design caching layers and content delivery networks": [
            option("scaling.caching", "cdn", "Static", "Origin"),
            option("scaling.caching", "in-memory", "Pattern", "Eviction"),
            option("scaling.caching", "cdn-in-memory", "Edge", "Memory"),
            somewhere("cloudfront"),
        ],
        "Optimize database performance and implement read replicas": [
            rows("infrastructure.database", "Read replicas", "Performance", "Connections", "Sizing"),
        ],
        "Plan capacity and performance testing in production environments": [
            rows("scaling.capacity", "Forecast", "Quotas"),
            rows("scaling.performance_monitoring", "Load test"),
            says("scaling.performance_monitoring", "in production"),
        ],
    },
}

PLATFORMS: dict[str, dict[str, list[str]]] = {
    "AWS": {
        "ECS/EKS container orchestration": ["ecs", "eks"],
        "Lambda serverless architectures": ["lambda"],
        "RDS/DynamoDB database services": ["rds", "dynamodb"],
        "CloudFront CDN and API Gateway": ["cloudfront", "api-gateway"],
        "IAM security and VPC networking": ["iam", "nat-gateway"],
    },
    "Google Cloud Platform": {
        "GKE Kubernetes management": ["gke"],
        "Cloud Functions serverless computing": ["cloud-functions"],
        "Cloud SQL and Firestore databases": ["cloud-sql", "firestore"],
        "Cloud CDN and Load Balancing": ["cloud-cdn", "cloud-load-balancing"],
        "Identity and Access Management": ["gcp-iam"],
    },
    "Azure": {
        "AKS container services": ["aks"],
        "Azure Functions serverless platform": ["azure-functions"],
        "Azure SQL and Cosmos DB": ["azure-sql", "cosmos-db"],
        "Application Gateway and CDN": ["application-gateway", "front-door"],
        "Azure Active Directory integration": ["entra-id"],
    },
}

# Heading -> label -> what each line shall speak of, in the order asked for.
RETURN_FORMAT: dict[str, dict[str, list[Claim]]] = {
    "CI/CD PIPELINE DESIGN": {
        "Platform Choice": [
            option("cicd.platform", "github-actions"),
            option("cicd.platform", "gitlab-ci"),
            option("cicd.platform", "jenkins"),
            says("cicd.platform", r"pipeline minutes a month"),
        ],
        "Pipeline Stages": [
            rows("cicd.stages", "Build", "Unit tests", "Deploy production", "Verify"),
            says("cicd.stages", "[Ss]can"),
        ],
        "Branch Strategy": [
            option("cicd.branching", "gitflow"),
            option("cicd.branching", "trunk-based"),
            says("cicd.branching", "deployed|deploys"),
        ],
        "Artifact Management": [
            says("cicd.artifacts", "registry|Registry"),
            rows("cicd.artifacts", "Packages", "Version"),
        ],
        "Deployment Strategy": [
            option("cicd.deployment", "blue-green"),
            option("cicd.deployment", "canary"),
            option("cicd.deployment", "rolling"),
        ],
    },
    "INFRASTRUCTURE ARCHITECTURE": {
        "Cloud Provider": [
            option("infrastructure.provider", "aws"),
            option("infrastructure.provider", "gcp"),
            option("infrastructure.provider", "azure"),
            rows("infrastructure.provider", "Service selection"),
        ],
        "Compute Strategy": [
            option("infrastructure.compute", "containers"),
            option("infrastructure.compute", "functions"),
            option("infrastructure.compute", "vms"),
            rows("infrastructure.compute", "Orchestration"),
        ],
        "Database Architecture": [
            says("infrastructure.database", "managed"),
            rows("infrastructure.database", "Replication and backup"),
        ],
        "Networking Design": [
            says("infrastructure.network", "network"),
            says("infrastructure.network", "tier"),
            lambda plans: all("subnet" in {b.kind for b in e.topology.boundaries} for e in plans.values()),
            rows("infrastructure.network", "Entry"),
            lambda plans: (
                "CloudFront" in dict(plans["default"].plan.decision("infrastructure.network").detail)["Entry"]
            ),
        ],
        "Security Architecture": [rows("infrastructure.security", "Identities", "Firewalls", "Secrets", "At rest")],
    },
    "MONITORING & OBSERVABILITY": {
        "Monitoring Stack": [
            option("observability.metrics", "prometheus"),
            option("observability.metrics", "native"),
            option("observability.metrics", "datadog"),
            says("observability.metrics", "a month: "),
            somewhere("cloudwatch"),
        ],
        "Logging Strategy": [
            says("observability.logging", "flow to|sends structured logs|are sent"),
            rows("observability.logging", "Format", "Retention"),
        ],
        "Alerting Design": [rows("observability.alerting", "Page", "Channels", "Escalation")],
        "Dashboard Strategy": [rows("observability.dashboards", "Infrastructure", "Application", "Business")],
        "Distributed Tracing": [
            option("observability.tracing", "jaeger"),
            somewhere("x-ray"),
            rows("observability.tracing", "Instrumentation"),
        ],
    },
    "SCALING & PERFORMANCE": {
        "Auto-scaling Strategy": [rows("scaling.autoscaling", "Trigger", "Vertical")],
        "Load Balancing": [
            lambda plans: all(e.topology.component("entry") for e in plans.values()),
            says("scaling.load_balancing", "spreads|routes"),
        ],
        "Caching Architecture": [
            rows("scaling.caching", "Application"),
            option("scaling.caching", "none", "Database"),
            option("scaling.caching", "cdn", "Static"),
        ],
        "Performance Monitoring": [rows("scaling.performance_monitoring", "Latency", "Traffic", "Saturation")],
        "Capacity Planning": [
            rows("scaling.capacity", "Forecast", "Rule", "Review"),
            says("scaling.capacity", "grows by"),
        ],
    },
    "SECURITY & COMPLIANCE": {
        "Security Scanning": [
            rows("security.scanning", "Code"),
            option("security.scanning", "full", "Dynamic"),
            option("security.scanning", "container", "Images"),
        ],
        "Secrets Management": [option("security.secrets", "vault"), somewhere("secrets-manager"), somewhere("kms")],
        "Network Security": [
            rows("security.network", "Default", "Private access"),
            says("security.network", "Firewalls|firewall"),
        ],
        "Access Control": [
            rows("security.access", "Service identities"),
            says("security.access", "permissions from its declared use"),
        ],
        "Compliance Monitoring": [
            rows("security.compliance", "Audit log", "Tags"),
            option("security.compliance", "continuous", "Report"),
            option("security.compliance", "continuous-evidence", "Evidence", "Exceptions"),
        ],
    },
    "DISASTER RECOVERY": {
        "Backup Strategy": [
            rows("disaster_recovery.backup", "Frequency", "Everything else", "Retention"),
            figure("disaster_recovery.backup", "RPO"),
        ],
        "Recovery Procedures": [
            figure("disaster_recovery.recovery", "RTO"),
            rows("disaster_recovery.recovery", "Order", "Exercise"),
            says("disaster_recovery.recovery", "RTO target"),
        ],
        "High Availability": [
            option("disaster_recovery.high_availability", "active-active", "Regions"),
            option("disaster_recovery.high_availability", "multi-zone", "Redundancy"),
            says("disaster_recovery.high_availability", "region is lost"),
        ],
        "Incident Response": [rows("disaster_recovery.incident_response", "Runbooks", "Escalation", "Communication")],
    },
    "COST OPTIMIZATION": {
        "Resource Optimization": [
            rows("cost.resources", "Right-sizing"),
            option("cost.resources", "commitment-1y", "Cover"),
            option("cost.resources", "spot-mixed", "Interruption"),
        ],
        "Cost Monitoring": [
            rows("cost.monitoring", "Budget", "Tags"),
            parts("budget"),
            option("cost.monitoring", "showback", "Statement"),
        ],
        "Efficiency Improvements": [
            rows("cost.efficiency", "Clean-up"),
            option("cost.efficiency", "scheduled-shutdown", "Schedule"),
            option("cost.efficiency", "scale-to-zero", "Idle"),
        ],
        "Vendor Management": [option("cost.vendors", "multi-cloud"), rows("cost.vendors", "Comparison", "Contract")],
    },
}

PRINCIPLES: dict[str, str] = {
    "Infrastructure as Code - version control and automate all infrastructure": "infrastructure-as-code",
    "Immutable infrastructure - replace rather than modify infrastructure": "immutable-infrastructure",
    "Fail fast and recover quickly - design for failure and rapid recovery": "fail-fast-recover-quickly",
    "Automate everything - reduce manual processes and human error": "automate-everything",
    "Monitor and measure - comprehensive observability and metrics": "monitor-and-measure",
    "Security by design - integrate security throughout the pipeline": "security-by-design",
    "Cost consciousness - optimize for both performance and cost": "cost-consciousness",
    "Continuous improvement - iterate and optimize based on data and feedback": "continuous-improvement",
}

PRACTICES: dict[str, dict[str, list[Claim]]] = {
    "CI/CD Pipeline": {
        "Use pipeline as code with version control": [
            practice("pipeline-as-code"),
            rows("cicd.platform", "Pipeline as code"),
        ],
        "Implement proper secret management and credential handling": [
            practice("secret-management"),
            rows("security.secrets", "Never", "Pipelines"),
        ],
        "Design idempotent deployment scripts and rollback procedures": [
            practice("idempotent-deployment"),
            practice("rollback"),
            rows("cicd.deployment", "Idempotence", "Automatic rollback"),
        ],
        "Use feature flags for safer deployments": [
            practice("feature-flags"),
            rows("cicd.deployment", "Feature flags"),
            rows("cicd.branching", "Feature flags"),
        ],
        "Implement automated testing at every stage": [
            practice("testing-at-every-stage"),
            rows("cicd.stages", "Unit tests", "Smoke and SLO verification", "Verify"),
        ],
        "Create comprehensive deployment documentation and runbooks": [
            practice("deployment-documentation"),
            rows("cicd.platform", "Documentation"),
            rows("disaster_recovery.incident_response", "Runbooks"),
        ],
    },
    "Infrastructure Management": {
        "Use Infrastructure as Code (Terraform, CloudFormation)": [
            practice("infrastructure-as-code"),
            rows("infrastructure.provider", "Infrastructure as code", "Drift"),
        ],
        "Implement proper resource tagging and organization": [
            practice("tagging"),
            rows("cost.monitoring", "Tags"),
            rows("infrastructure.provider", "Organisation"),
        ],
        "Design for multi-environment consistency (dev, staging, prod)": [
            practice("environment-parity"),
            rows("infrastructure.provider", "Environments"),
            rows("infrastructure.network", "Environments"),
        ],
        "Use managed services where appropriate to reduce operational overhead": [
            practice("managed-services"),
            rows("infrastructure.provider", "Service selection"),
        ],
        "Implement proper network segmentation and security groups": [
            practice("network-segmentation"),
            rows("security.network", "Default"),
        ],
        "Plan for disaster recovery and business continuity": [
            practice("disaster-recovery-planning"),
            rows("disaster_recovery.recovery", "Runbook", "Exercise"),
        ],
    },
    "Monitoring & Alerting": {
        "Implement the four golden signals: latency, traffic, errors, saturation": [
            practice("four-golden-signals"),
            rows("scaling.performance_monitoring", "Latency", "Traffic", "Errors", "Saturation"),
        ],
        "Design meaningful alerts with actionable information": [
            practice("actionable-alerts"),
            rows("observability.alerting", "Each alert"),
        ],
        "Avoid alert fatigue with proper threshold tuning": [
            practice("alert-fatigue"),
            rows("observability.alerting", "Fatigue"),
        ],
        "Create comprehensive dashboards for different stakeholders": [
            practice("stakeholder-dashboards"),
            rows("observability.dashboards", "Infrastructure", "Application", "Business", "Cost"),
        ],
        "Implement proper log management with structured logging": [
            practice("structured-logging"),
            rows("observability.logging", "Format", "Redaction", "Retention"),
        ],
        "Use distributed tracing for microservices troubleshooting": [
            practice("distributed-tracing"),
            rows("observability.tracing", "Use"),
        ],
    },
    "Security Operations": {
        "Implement security scanning throughout the development lifecycle": [
            practice("scanning-throughout"),
            rows("security.scanning", "Code", "Fix times"),
        ],
        "Use principle of least privilege for all access controls": [
            practice("least-privilege"),
            rows("security.access", "Service identities"),
        ],
        "Regularly rotate credentials and update security configurations": [
            practice("credential-rotation"),
            rows("infrastructure.security", "Rotation"),
        ],
        "Monitor for security incidents and have response procedures": [
            practice("incident-monitoring"),
            rows("disaster_recovery.incident_response", "Security incident"),
        ],
        "Implement comprehensive audit logging and compliance reporting": [
            practice("audit-logging"),
            rows("security.compliance", "Audit log"),
        ],
        "Keep systems updated with security patches and updates": [
            practice("patching"),
            rows("security.scanning", "Fix times"),
            rows("infrastructure.database", "Maintenance"),
        ],
    },
}


# --- the walk ----------------------------------------------------------------------------------------------

_SMALL = {
    "priority_cost": 5,
    "priority_simplicity": 5,
    "priority_resilience": 0,
    "priority_performance": 0,
    "monthly_budget_usd": 300,
    "peak_rps": 2,
    "average_rps": 0.2,
    "availability_target_pct": 99,
}
_OPEN = {"priority_portability": 5, "priority_simplicity": 0, "team_size": 40, "kubernetes_skill": "expert"}


@pytest.fixture(scope="module")
def plans(evaluations: dict[str, Evaluation]) -> dict[str, Evaluation]:
    """The example scenarios and a few more: a default one, one with Kubernetes, a small one, one by key, on "
    "each cloud."""
    more = {"": {}, "kubernetes": _OPEN, "small": _SMALL, "by-key": {"data_model": "key-value"},
            "cheap": {"priority_cost": 5, "priority_performance": 0}}  # fmt: skip
    found = {
        f"{name}-{cloud}".strip("-"): evaluate(Requirements(provider=cloud, **given))
        for name, given in more.items()
        for cloud in ("aws", "gcp", "azure")
    }
    return {**evaluations, **found, "default": found["aws"], "kubernetes": found["kubernetes-aws"]}


def _lines(groups: Mapping[str, Mapping[str, list[Claim]]]) -> list[tuple[str, str]]:
    return [(group, line) for group, lines in groups.items() for line in lines]


def _broken(claims: list[Claim], plans: Mapping[str, Evaluation]) -> list[int]:
    return [number for number, claim in enumerate(claims, start=1) if not claim(plans)]


def test_nothing_of_the_request_is_missing_here() -> None:
    assert [len(lines) for lines in RESPONSIBILITIES.values()] == [5] * 5
    assert [len(lines) for lines in PLATFORMS.values()] == [5] * 3
    assert [len(labels) for labels in RETURN_FORMAT.values()] == [5, 5, 5, 5, 5, 4, 4]
    assert len(PRINCIPLES) == 8
    assert [len(lines) for lines in PRACTICES.values()] == [6] * 4
    groups = (RESPONSIBILITIES, RETURN_FORMAT, PRACTICES)
    assert all(claims for group in groups for lines in group.values() for claims in lines.values())


@pytest.mark.parametrize(("group", "line"), _lines(RESPONSIBILITIES))
def test_a_responsibility_is_honoured(group: str, line: str, plans: dict[str, Evaluation]) -> None:
    assert not _broken(RESPONSIBILITIES[group][line], plans)


@pytest.mark.parametrize(("platform", "line"), [(p, line) for p, lines in PLATFORMS.items() for line in lines])
def test_what_a_platform_is_known_for_is_part_of_some_plan(
    platform: str, line: str, plans: dict[str, Evaluation]
) -> None:
    assert not _broken([somewhere(service) for service in PLATFORMS[platform][line]], plans)


def test_a_plan_as_text_has_the_headings_and_labels_that_were_asked_for_in_order(plans: dict[str, Evaluation]) -> None:
    wanted = [[f"{heading}:", *(f"- {label}" for label in labels)] for heading, labels in RETURN_FORMAT.items()]
    for evaluation in plans.values():
        sections = [section.splitlines() for section in plan_text(evaluation).rstrip("\n").split("\n\n")]
        found = [[heading, *(line.partition(":")[0] for line in lines)] for heading, *lines in sections]
        assert found == wanted
        assert all(len(line.partition(": ")[2]) > 40 for _, *lines in sections for line in lines)


@pytest.mark.parametrize(("heading", "label"), _lines(RETURN_FORMAT))
def test_a_line_of_the_plan_speaks_of_what_was_asked_for(
    heading: str, label: str, plans: dict[str, Evaluation]
) -> None:
    assert not _broken(RETURN_FORMAT[heading][label], plans)


@pytest.mark.parametrize("line", PRINCIPLES)
def test_a_principle_is_carried_out_by_decisions(line: str, plans: dict[str, Evaluation]) -> None:
    id = PRINCIPLES[line]
    assert load().principles[id].title.lower().replace("-", " ") in line.lower()
    assert not _broken([principle(id)], plans)


@pytest.mark.parametrize(("group", "line"), _lines(PRACTICES))
def test_a_best_practice_is_honoured(group: str, line: str, plans: dict[str, Evaluation]) -> None:
    assert not _broken(PRACTICES[group][line], plans)


def test_every_practice_and_principle_of_the_catalog_is_asked_for() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert set(load().principles) == set(PRINCIPLES.values())
    assert {id for id in load().practices if f'practice("{id}")' not in source} == set()
