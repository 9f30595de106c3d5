"""How many replicas run: by processor time, or by the work that waits where a queue brings it.

What waits is asked of the provider by KEDA (https://keda.sh), under an identity of the cluster and not of the service.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.kubernetes.cluster import SERVICE, SET, Cluster, meta
from devops_workbook.artifacts.kubernetes.workload import target
from devops_workbook.artifacts.observability.model import number
from devops_workbook.artifacts.yaml import Noted

__all__ = ["quota", "scaler", "trigger"]

_ROLLOUT = 2  # a release runs beside the one before
_CALM_SECONDS = 300  # load that falls for less than this may come back
Sections = list[tuple[str, Any]]


def trigger(b: Blueprint, fact: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """How KEDA asks what waits; None where nothing brings work, or KEDA cannot be told by what is known."""
    if b.choice("scaling.autoscaling") != "queue-depth" or not b.has("intake"):
        return None
    found: Mapping[str, Any] | None = fact.get("triggers", {}).get(b.component("intake").service)
    return found


def scaler(b: Blueprint, cluster: Cluster, fact: Mapping[str, Any]) -> Sections:
    """The autoscaler of a cluster."""
    asked = trigger(b, fact)
    return _by_processor(b, cluster) if asked is None else _by_backlog(b, cluster, asked)


def _by_processor(b: Blueprint, cluster: Cluster) -> Sections:
    share = round(100 * (b.catalog.assumptions["target_cpu_utilisation"].value or 0.65))
    used = {"type": "Utilization", "averageUtilization": Noted(share, b.why("scaling.autoscaling"))}
    spec = {
        "scaleTargetRef": target(b),
        "minReplicas": Noted(max(1, cluster.minimum), b.why("scaling.capacity")),
        "maxReplicas": Noted(cluster.maximum, _MOST),
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": used}}],
        "behavior": {"scaleDown": _CALM},
    }
    return [("apiVersion", "autoscaling/v2"), ("kind", "HorizontalPodAutoscaler"), ("metadata", meta(SERVICE)),
            ("spec", spec)]  # fmt: skip


_MOST = "Replicas at the planned peak, as far as the machines hold them."
_CALM = {"stabilizationWindowSeconds": _CALM_SECONDS}


def _by_backlog(b: Blueprint, cluster: Cluster, asked: Mapping[str, Any]) -> Sections:
    r = b.requirements
    workers = b.assessment.capacity.workers_per_replica
    each = max(1, math.floor(r.p99_latency_ms / r.service_time_ms * workers))
    why = f"{workers} workers, each of which does {r.service_time_ms:g} ms of work within {r.p99_latency_ms:g} ms."
    held = {k: _held(v, cluster) for k, v in asked["metadata"].items()}
    metadata = {**held, asked["each"]: Noted(str(each), why)}
    spec = {
        "scaleTargetRef": target(b),
        "minReplicaCount": Noted(cluster.minimum, b.why("scaling.capacity")),
        "maxReplicaCount": Noted(cluster.maximum, _MOST),
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": _CALM}}},
        "triggers": Noted([{"type": asked["type"], "metadata": metadata,
                            "authenticationRef": {"name": asked["identity"], "kind": "ClusterTriggerAuthentication"}}],
                          b.why("scaling.autoscaling")),
    }  # fmt: skip
    return [("apiVersion", "keda.sh/v1alpha1"), ("kind", "ScaledObject"), ("metadata", meta(SERVICE)), ("spec", spec)]


def _held(value: str, cluster: Cluster) -> str:
    return cluster.site.region.id if value == "{region}" else SET if value.startswith("{") else value


def quota(b: Blueprint, cluster: Cluster) -> Sections:
    """The most that the namespace may ask for: the planned peak, twice while a release runs beside the one before."""
    assumed, pods = b.catalog.assumptions, _ROLLOUT * cluster.maximum
    vcpu, gib = (pods * (assumed[name].value or 1) for name in ("replica_vcpu", "replica_gib"))
    most = {"pods": str(pods), "requests.cpu": number(vcpu), "limits.cpu": number(vcpu),
            "requests.memory": f"{number(gib)}Gi", "limits.memory": f"{number(gib)}Gi"}  # fmt: skip
    return [("apiVersion", "v1"), ("kind", "ResourceQuota"), ("metadata", meta(SERVICE)), ("spec", {"hard": most})]
