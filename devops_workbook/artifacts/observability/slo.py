"""Service level objectives as OpenSLO v1 documents (https://github.com/OpenSLO/OpenSLO)."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.observability.measures import Sum
from devops_workbook.artifacts.observability.rules import PERIOD, Objective, objectives_of
from devops_workbook.artifacts.yaml import Noted, document

__all__ = ["slo_files"]


def slo_files(b: Blueprint) -> tuple[Artifact, ...]:
    """One document an objective."""
    return tuple(Artifact(f"observability/slo/{o.id}.yaml", _document(b, o)) for o in objectives_of(b))


def _document(b: Blueprint, o: Objective) -> str:
    spec = {
        "description": f"{o.title} of {b.requirements.name}",
        "service": "service",
        "budgetingMethod": "Occurrences",
        "timeWindow": [{"duration": PERIOD, "isRolling": True}],
        "indicator": {
            "metadata": {"name": o.id},
            "spec": {"ratioMetric": {"counter": True, "good": _source(o.good), "total": _source(o.total)}},
        },
        "objectives": [{"displayName": o.title, "target": Noted(o.target, o.why)}],
    }
    metadata = {"name": f"service-{o.id}", "displayName": o.title}
    sections = [("apiVersion", "openslo/v1"), ("kind", "SLO"), ("metadata", metadata), ("spec", spec)]
    return document(sections, [f"{o.title} as an objective: {o.why}."])


def _source(counted: Sum) -> dict[str, Any]:
    return {"metricSource": {"type": "Prometheus", "spec": {"query": f"sum({counted.selector})"}}}
