"""What runs: the service's replicas, how a release replaces them, and what may be taken away at a time.

A canary or a blue-green release is Argo Rollouts' work (https://argoproj.github.io/argo-rollouts/); a rolling one is
Kubernetes' own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.kubernetes.cluster import NAMESPACE, PORT, SELECTOR, SERVICE, SET, meta
from devops_workbook.artifacts.observability.model import number
from devops_workbook.artifacts.observability.rules import BURNS, objectives_of
from devops_workbook.artifacts.yaml import Noted

__all__ = [
    "ANALYSIS",
    "PREVIEW",
    "analysed",
    "analysis",
    "disruption",
    "kind",
    "limits",
    "namespace",
    "service",
    "workload",
]

ANALYSIS, PREVIEW = "availability", "service-preview"
_DRAIN = 15  # seconds in which load balancers stop sending to a replica that is told to end
_STEPS = (5, 25, 50)  # per cent of the replicas
_FASTEST = BURNS[0]  # what pages first


def kind(b: Blueprint) -> str:
    """The kind of resource that runs the replicas."""
    return "Deployment" if b.choice("cicd.deployment") == "rolling" else "Rollout"


def _version(b: Blueprint) -> str:
    return "apps/v1" if kind(b) == "Deployment" else "argoproj.io/v1alpha1"


def target(b: Blueprint) -> dict[str, Any]:
    """What scaling refers to."""
    return {"apiVersion": _version(b), "kind": kind(b), "name": SERVICE}


def namespace() -> list[tuple[str, Any]]:
    """The namespace; nothing runs in it that is not restricted."""
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    return [("apiVersion", "v1"), ("kind", "Namespace"), ("metadata", {"name": NAMESPACE, "labels": levels})]


def workload(b: Blueprint, pod_labels: Mapping[str, str]) -> list[tuple[str, Any]]:
    """The replicas. How many is scaling's to say."""
    labels = {**SELECTOR, **pod_labels}
    spec = {
        "revisionHistoryLimit": 5,
        "selector": {"matchLabels": SELECTOR},
        "strategy": Noted(_strategy(b), b.why("cicd.deployment")),
        "template": {"metadata": {"labels": labels}, "spec": _pod(b)},
    }
    return [("apiVersion", _version(b)), ("kind", kind(b)), ("metadata", meta(SERVICE)), ("spec", spec)]


def _strategy(b: Blueprint) -> dict[str, Any]:
    if b.choice("cicd.deployment") == "rolling":
        return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}}
    if b.choice("cicd.deployment") == "blue-green":
        return {"blueGreen": {"activeService": SERVICE, "previewService": PREVIEW, "autoPromotionEnabled": True,
                              "scaleDownDelaySeconds": 600}}  # fmt: skip
    steps: list[dict[str, Any]] = []
    for weight in _STEPS:
        steps += [{"setWeight": weight}, {"pause": {"duration": _FASTEST.short}}]
    return {"canary": {"maxSurge": "25%", "maxUnavailable": 0, "steps": steps}}


def _pod(b: Blueprint) -> dict[str, Any]:
    zones = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule",
             "labelSelector": {"matchLabels": SELECTOR}}  # fmt: skip
    hosts = {**zones, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    return {
        "serviceAccountName": SERVICE,
        "automountServiceAccountToken": Noted(False, "Credentials of the cloud come by workload identity."),
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001,
                            "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": Noted([zones, hosts], b.why("disaster_recovery.high_availability")),
        "terminationGracePeriodSeconds": 3 * _DRAIN,
        "containers": [_container(b)],
        "volumes": [{"name": "temporary", "emptyDir": {"sizeLimit": "256Mi"}}],
    }  # fmt: skip


def limits(b: Blueprint) -> list[tuple[str, Any]]:
    """What a container of the namespace gets that names nothing, without which the quota refuses it, and the most."""
    size = _size(b)
    each = {
        "type": "Container",
        "default": Noted(size, "A replica's, as the capacity plan counts it."),
        "defaultRequest": size,
        "max": size,
    }
    return [("apiVersion", "v1"), ("kind", "LimitRange"), ("metadata", meta(SERVICE)), ("spec", {"limits": [each]})]


def _size(b: Blueprint) -> dict[str, str]:
    """Processors and memory of a replica."""
    assumed = b.catalog.assumptions
    return {
        "cpu": number(assumed["replica_vcpu"].value or 1),
        "memory": f"{number(assumed['replica_gib'].value or 1)}Gi",
    }


def _container(b: Blueprint) -> dict[str, Any]:
    size = _size(b)
    health = {"httpGet": {"path": "/health", "port": "https", "scheme": "HTTPS"}}
    return {
        "name": SERVICE,
        "image": Noted("service", "Set by the overlay, by digest."),
        "imagePullPolicy": "Always",
        "ports": [{"name": "https", "containerPort": PORT}],
        "envFrom": [{"configMapRef": {"name": SERVICE}}],
        "resources": Noted({"requests": size, "limits": size}, "What the capacity plan counts for a replica."),
        "startupProbe": {**health, "periodSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {**health, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**health, "periodSeconds": 10, "failureThreshold": 6},
        "lifecycle": {"preStop": {"sleep": {"seconds": Noted(_DRAIN, "Until load balancers send nothing more.")}}},
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "privileged": False,
                            "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "temporary", "mountPath": "/tmp"}],  # noqa: S108 - in the container
    }  # fmt: skip


def service(name: str, annotations: Mapping[str, str], spec: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The address of the replicas. spec: what differs from a plain one."""
    noted = {"annotations": dict(annotations)} if annotations else {}
    ports = [{"name": "https", "port": PORT, "targetPort": "https"}]
    return [("apiVersion", "v1"), ("kind", "Service"), ("metadata", meta(name, **noted)),
            ("spec", {**spec, "selector": SELECTOR, "ports": ports})]  # fmt: skip


def disruption(b: Blueprint) -> list[tuple[str, Any]]:
    """How many replicas may be taken away at a time, by whoever drains machines."""
    share = f"{100 // max(1, b.component('compute').zones)}%"
    spec = {"maxUnavailable": Noted(share, "What a zone holds, whose loss the capacity bears."),
            "selector": {"matchLabels": SELECTOR}}  # fmt: skip
    return [("apiVersion", "policy/v1"), ("kind", "PodDisruptionBudget"), ("metadata", meta(SERVICE)), ("spec", spec)]


# --- release on the objective ----------------------------------------------------------------------------


def analysed(b: Blueprint) -> dict[str, Any] | None:
    """The patch by which a release is called back when it burns the error budget; None where nothing measures that."""
    if kind(b) != "Rollout" or b.choice("observability.metrics") != "prometheus":
        return None
    templates = {"templates": [{"templateName": ANALYSIS}]}
    if b.choice("cicd.deployment") == "blue-green":
        return {"op": "add", "path": "/spec/strategy/blueGreen/postPromotionAnalysis", "value": templates}
    return {"op": "add", "path": "/spec/strategy/canary/analysis", "value": templates}


def analysis(b: Blueprint) -> list[tuple[str, Any]]:
    """What a release must hold: the fastest burn rate that pages."""
    availability = objectives_of(b)[0]
    bound = number(_FASTEST.rate * availability.budget)
    metric = {
        "name": ANALYSIS, "interval": "1m", "count": 5, "failureLimit": 0,
        "successCondition": Noted(f"len(result) == 0 || isNaN(result[0]) || result[0] <= {bound}",
                                  f"{availability.why}, burnt {_FASTEST.rate:g} times as fast as it may."),
        "provider": {"prometheus": {"address": SET, "query": availability.burning(_FASTEST.short)}},
    }  # fmt: skip
    return [("apiVersion", "argoproj.io/v1alpha1"), ("kind", "AnalysisTemplate"), ("metadata", meta(ANALYSIS)),
            ("spec", {"metrics": [metric]})]  # fmt: skip
