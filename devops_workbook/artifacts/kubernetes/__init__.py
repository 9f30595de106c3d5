"""Kubernetes manifests of a design, as Kustomize reads them: a base, and an overlay for each cluster.

The base is what all clusters have in common. An overlay has what its cluster differs in: how many replicas, addresses,
and values that are known once the infrastructure stands. These are in `cluster.env`, which `kubernetes/values.sh`
writes from Terraform's outputs, as it does `service.env`, what the service is told of its surroundings. No secret is in
either: the service reads secrets where they are kept, under its own identity.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint
from devops_workbook.artifacts.kubernetes.cluster import COMPUTE, PORT, SERVICE, SET, Cluster, clusters, meta
from devops_workbook.artifacts.kubernetes.reach import nothing, policy
from devops_workbook.artifacts.kubernetes.scaling import quota, scaler, trigger
from devops_workbook.artifacts.kubernetes.workload import (
    ANALYSIS,
    PREVIEW,
    analysed,
    analysis,
    disruption,
    kind,
    limits,
    namespace,
    service,
    workload,
)
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.yaml import Noted, document

__all__ = ["kubernetes", "steps"]

_FOLDER = "kubernetes"
_IMAGE = f"registry.example.com/service@sha256:{64 * '0'}"
_PROMETHEUS = "http://prometheus.example.internal:9090"
Sections = list[tuple[str, Any]]


def kubernetes(b: Blueprint) -> tuple[Artifact, ...]:
    """The manifests; none where the service runs on something else."""
    if b.choice(COMPUTE) != "kubernetes":
        return ()
    fact: Mapping[str, Any] = b.provider.code["kubernetes"]
    files = [*_base(b, fact), *(a for c in clusters(b) for a in _overlay(b, c, fact))]
    if _told_by_terraform(b):
        files.append(Artifact(f"{_FOLDER}/values.sh", _script(b, fact), executable=True))
    return tuple(files)


def steps(b: Blueprint) -> tuple[tuple[str, str], ...]:
    """(what it does, commands) of what brings the service into its clusters, in their order."""
    if b.choice(COMPUTE) != "kubernetes":
        return ()
    needed = ", ".join(_controllers(b, b.provider.code["kubernetes"]))
    first = [] if not needed else [(f"Install in each cluster what the manifests count on: {needed}.", _INSTALLED)]
    apply = "kubectl apply --server-side --kustomize kubernetes/overlays/production"
    if _told_by_terraform(b):
        filled = ("Fill in an overlay from what Terraform knows, set IMAGE in its cluster.env, and apply it.",
                  f"kubernetes/values.sh production\n{apply}")  # fmt: skip
    else:
        filled = ("Set what an overlay's cluster.env and service.env name, by the outputs of the stacks; apply it.",
                  apply)  # fmt: skip
    return (*first, filled)


def _told_by_terraform(b: Blueprint) -> bool:
    return b.provider.infrastructure_code(b.requirements.iac_tool) == "terraform"


_INSTALLED = "kubectl get crd,deployment --all-namespaces  # what is there already"


def _controllers(b: Blueprint, fact: Mapping[str, Any]) -> Iterator[str]:
    """What has to run in a cluster for these manifests to have an effect."""
    absent = {"KEDA": trigger(b, fact) is None, "AWS Load Balancer Controller": not _entered(b)}
    yield from (name for name in fact["controllers"] if not absent.get(name))
    if kind(b) == "Rollout":
        yield "Argo Rollouts"


def _values(b: Blueprint, fact: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The values that the infrastructure tells, by name."""
    absent = {"entry": not _entered(b), "queue": trigger(b, fact) is None}
    return {k: v for k, v in fact["values"].items() if not any(v.get(part) and gone for part, gone in absent.items())}


def _entered(b: Blueprint) -> bool:
    """Whether requests come to the pods from outside the cluster."""
    return any(x.port == PORT and x.kind == "request" for x in b.incoming("compute"))


# --- base ------------------------------------------------------------------------------------------------


def _base(b: Blueprint, fact: Mapping[str, Any]) -> Iterator[Artifact]:
    files: dict[str, Sections] = {
        "namespace": namespace(),
        "identity": _account(fact),
        "workload": workload(b, fact["pod_labels"]),
        "service": service(SERVICE, _reached(b, fact), _exposed(b, fact)),
        "disruption": disruption(b),
        "limits": limits(b),
        "nothing": nothing(),
    }
    if b.choice("cicd.deployment") == "blue-green":
        files["preview"] = service(PREVIEW, {}, {})
    if _entered(b) and fact["entry"] == "target-group":
        files["entry"] = _binding()
    for name, sections in files.items():
        yield Artifact(f"{_FOLDER}/base/{name}.yaml", document(sections, ()))
    labels = [{"pairs": {"app.kubernetes.io/part-of": b.names.system}}]
    yield Artifact(f"{_FOLDER}/base/kustomization.yaml", document(
        [*_KUSTOMIZATION, ("labels", labels), ("resources", [f"{name}.yaml" for name in files])],
        ["What all clusters have in common."],
    ))  # fmt: skip


_KUSTOMIZATION: Sections = [("apiVersion", "kustomize.config.k8s.io/v1beta1"), ("kind", "Kustomization")]


def _stand_ins(annotations: Mapping[str, str]) -> dict[str, str]:
    """Annotations whose value the overlay sets."""
    return {k: SET if v.startswith("{") else v for k, v in annotations.items()}


def _account(fact: Mapping[str, Any]) -> Sections:
    noted = {"annotations": _stand_ins(fact["account_annotations"])} if fact["account_annotations"] else {}
    return [("apiVersion", "v1"), ("kind", "ServiceAccount"), ("metadata", meta(SERVICE, **noted)),
            ("automountServiceAccountToken", False)]  # fmt: skip


def _reached(b: Blueprint, fact: Mapping[str, Any]) -> Mapping[str, str]:
    return _stand_ins(fact["service_annotations"]) if _entered(b) else {}


def _exposed(b: Blueprint, fact: Mapping[str, Any]) -> Mapping[str, Any]:
    if _entered(b) and fact["entry"] == "load-balancer":
        return {"type": "LoadBalancer", "externalTrafficPolicy": Noted("Local", "Pods see who sends, as policies ask.")}
    return {"type": "ClusterIP"}


def _binding() -> Sections:
    spec = {
        "targetType": "ip",
        "targetGroupARN": SET,
        "serviceRef": {"name": SERVICE, "port": PORT},
    }
    return [("apiVersion", "elbv2.k8s.aws/v1beta1"), ("kind", "TargetGroupBinding"), ("metadata", meta(SERVICE)),
            ("spec", spec)]  # fmt: skip


# --- overlays --------------------------------------------------------------------------------------------


def _overlay(b: Blueprint, c: Cluster, fact: Mapping[str, Any]) -> Iterator[Artifact]:
    folder, watched = f"{_FOLDER}/overlays/{c.folder}", _watched(b, c)
    files: dict[str, Sections] = {
        "scaling": scaler(b, c, fact),
        "quota": quota(b, c),
        "reach": policy(b, c, fact),
    } | ({ANALYSIS: analysis(b)} if watched else {})
    for name, sections in files.items():
        yield Artifact(f"{folder}/{name}.yaml", document(sections, ()))
    yield Artifact(f"{folder}/cluster.env", "".join(f"{k}={v}\n" for k, v in _stands(b, fact, watched).items()))
    yield Artifact(f"{folder}/service.env", "# NAME=value, a line each: what the service is told of its surroundings\n")
    yield Artifact(f"{folder}/names.yaml", document([("nameReference", [_CONFIGURED])], [
        "Where a Rollout names the settings, so that a change of them is a release."]))  # fmt: skip
    yield Artifact(f"{folder}/kustomization.yaml", document(
        _kustomization(b, c, fact, list(files)), [f"{c.deployment.title} in {c.site.region.id}."]))  # fmt: skip


_CONFIGURED = {
    "kind": "ConfigMap",
    "fieldSpecs": [{"path": "spec/template/spec/containers/envFrom/configMapRef/name", "kind": "Rollout"}],
}


def _watched(b: Blueprint, c: Cluster) -> bool:
    """Whether a release is held against the objective here: Prometheus stands in production."""
    return analysed(b) is not None and c.deployment.environment == b.environments[0].environment


def _stands(b: Blueprint, fact: Mapping[str, Any], watched: bool) -> dict[str, str]:
    """What cluster.env holds until values.sh has written it."""
    found = {name: str(v["stand_in"]) for name, v in _values(b, fact).items()}
    return {"IMAGE": _IMAGE, **found} | ({"PROMETHEUS": _PROMETHEUS} if watched else {})


def _kustomization(b: Blueprint, c: Cluster, fact: Mapping[str, Any], files: list[str]) -> Sections:
    values = {"name": "cluster", "envs": ["cluster.env"], "options": {
        "disableNameSuffixHash": True,
        "annotations": Noted({"config.kubernetes.io/local-config": "true"}, "Not applied: it only holds the values."),
    }}  # fmt: skip
    told = {"name": SERVICE, "namespace": meta(SERVICE)["namespace"], "envs": ["service.env"]}
    patches = list(_patches(b, c))
    return [
        *_KUSTOMIZATION,
        ("resources", ["../../base", *(f"{name}.yaml" for name in files)]),
        ("configurations", ["names.yaml"]),
        ("configMapGenerator", [values, told]),
        ("replacements", list(_replacements(b, c, fact))),
        *([("patches", patches)] if patches else []),
    ]


def _replacements(b: Blueprint, c: Cluster, fact: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield _replacement("IMAGE", kind(b), SERVICE, f"spec.template.spec.containers.[name={SERVICE}].image")
    entered = _entered(b)
    for noted, of in ((fact["account_annotations"], "ServiceAccount"), (fact["service_annotations"], "Service")):
        for key, value in noted.items():
            if value.startswith("{") and (entered or of != "Service"):
                path = "metadata.annotations." + key.replace(".", "\\.")
                yield _replacement(value.strip("{}"), of, SERVICE, path)
    if entered and fact["entry"] == "target-group":
        yield _replacement("TARGET_GROUP_ARN", "TargetGroupBinding", SERVICE, "spec.targetGroupARN")
    asked = trigger(b, fact)
    for key, value in asked["metadata"].items() if asked else ():
        if value.strip("{}") in fact["values"]:
            yield _replacement(value.strip("{}"), "ScaledObject", SERVICE, f"spec.triggers.0.metadata.{key}")
    if _watched(b, c):
        yield _replacement("PROMETHEUS", "AnalysisTemplate", ANALYSIS,
                           f"spec.metrics.[name={ANALYSIS}].provider.prometheus.address")  # fmt: skip


def _replacement(value: str, of: str, name: str, path: str) -> dict[str, Any]:
    return {
        "source": {"kind": "ConfigMap", "name": "cluster", "fieldPath": f"data.{value}"},
        "targets": [{"select": {"kind": of, "name": name}, "fieldPaths": [path]}],
    }


def _patches(b: Blueprint, c: Cluster) -> Iterator[dict[str, Any]]:
    changes: list[dict[str, Any]] = []
    if c.minimum == 0:
        changes.append({"op": "add", "path": "/spec/replicas", "value": 0})
    if _watched(b, c) and (change := analysed(b)):
        changes.append(change)
    if changes:
        yield {"target": {"kind": kind(b), "name": SERVICE}, "patch": _json_patch(changes)}


def _json_patch(changes: list[dict[str, Any]]) -> str:
    """A JSON patch, one change a line."""
    return "[\n" + ",\n".join(f"  {json.dumps(change)}" for change in changes) + "\n]\n"


# --- what the infrastructure tells -----------------------------------------------------------------------


def _script(b: Blueprint, fact: Mapping[str, Any]) -> str:
    """The script that writes what the infrastructure tells into an overlay."""
    lines = "\n".join(f'tell {name} "{v["output"]}"' for name, v in _values(b, fact).items())
    return _SCRIPT.replace("@folders@", "|".join(FOLDERS[e.environment] for e in b.environments)).replace(
        "@values@", lines
    )


_SCRIPT = """\
#!/usr/bin/env bash
# Writes what Terraform knows of an environment into the overlay of its cluster: kubernetes/values.sh production [-2]
# The image and whatever else stands in cluster.env stay as they are.
set -euo pipefail
cd "$(dirname "$0")/.."

environment="${1:?Name an environment: @folders@}"
site="${2:-}"
overlay="kubernetes/overlays/$environment$site"
outputs="$(terraform -chdir="infrastructure/environments/$environment" output -json)"
module="compute${site//-/_}"

# tell NAME OUTPUT: the line NAME=... of cluster.env gets the output's value
tell() {
    local value
    value="$(jq -er --arg name "${module}_$2" '.[$name].value' <<<"$outputs")"
    grep -v "^$1=" "$overlay/cluster.env" >"$overlay/cluster.env.new" || true
    printf '%s=%s\\n' "$1" "$value" >>"$overlay/cluster.env.new"
    mv "$overlay/cluster.env.new" "$overlay/cluster.env"
}

@values@
jq -er --arg name "${module}_service_settings" '.[$name].value | to_entries[] | "\\(.key)=\\(.value)"' \\
    <<<"$outputs" >"$overlay/service.env.new"
mv "$overlay/service.env.new" "$overlay/service.env"
"""
