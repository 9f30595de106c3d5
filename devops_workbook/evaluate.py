"""The whole core in one pure function: requirements in, evaluation out.

    Requirements + Catalog -> decide -> Decisions -> build -> Topology -> assess -> Assessment -> compose -> Plan

No clock, network, environment or file is touched (the catalog is read once, when first used), so the same
requirements always give the same evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass

from devops_workbook.assess.availability import assess_availability
from devops_workbook.assess.capacity import assess_capacity
from devops_workbook.assess.carbon import assess_carbon
from devops_workbook.assess.compliance import assess_compliance
from devops_workbook.assess.consistency import Design, contradictions, findings_of
from devops_workbook.assess.cost import assess_cost
from devops_workbook.assess.model import Assessment
from devops_workbook.assess.recovery import assess_recovery
from devops_workbook.assess.risks import find_risks
from devops_workbook.assess.telemetry import assess_telemetry
from devops_workbook.catalog import Catalog, load
from devops_workbook.design.context import Context
from devops_workbook.design.decide import decide_all
from devops_workbook.design.deployments import Deployment, deployments_of
from devops_workbook.design.model import Topology
from devops_workbook.design.topology import build
from devops_workbook.findings import Finding
from devops_workbook.plan.compose import compose
from devops_workbook.plan.model import Plan
from devops_workbook.requirements import Requirements

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One set of requirements, worked out. deployments: what each environment runs, production first; facts_as_of: the
    date of the newest price in the catalog."""

    requirements: Requirements
    plan: Plan
    topology: Topology
    assessment: Assessment
    deployments: tuple[Deployment, ...]
    findings: tuple[Finding, ...]
    facts_as_of: str


def evaluate(requirements: Requirements, catalog: Catalog | None = None) -> Evaluation:
    """Work out one set of requirements: decisions, topology, assessment, plan and findings.

    Never raises on valid requirements; what cannot be had is a finding. `catalog` is the packaged one unless
    another is given.
    """
    context = Context(requirements, catalog or load())
    decide_all(context)
    topology = build(context)
    assessment = Assessment(
        availability=assess_availability(context, topology),
        recovery=assess_recovery(context),
        cost=assess_cost(context, topology),
        capacity=assess_capacity(context, topology),
        compliance=assess_compliance(context),
        carbon=assess_carbon(context, topology),
        telemetry=assess_telemetry(context, topology),
    )
    plan = compose(context, assessment)
    found = contradictions(Design(requirements, context.catalog, topology, assessment, plan.decisions))
    findings = (*findings_of(found), *find_risks(context, assessment))
    deployments = deployments_of(context, topology)
    return Evaluation(requirements, plan, topology, assessment, deployments, findings, context.catalog.as_of)
