"""Manifests as a cluster would read them: what Kustomize builds of an overlay, and what schemas do not see in it."""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Resource = Mapping[str, Any]


def built(overlay: Path) -> list[Resource]:
    """What Kustomize makes of an overlay."""
    done = subprocess.run(["kubectl", "kustomize", str(overlay)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def one(found: Sequence[Resource], *kinds: str, name: str = "service") -> Any:
    """The one resource of these kinds with this name."""
    (resource,) = (r for r in found if r["kind"] in kinds and r["metadata"]["name"] == name)
    return resource


def workload(found: Sequence[Resource]) -> Any:
    return one(found, "Deployment", "Rollout")


def problems(found: Sequence[Resource]) -> list[str]:
    """What refers to nothing, or to something else."""
    return [p for check in (_selectors, _ports, _scaled, _accounts, _settings, _placed) for p in check(found)]


def _pods(found: Sequence[Resource]) -> Any:
    return workload(found)["spec"]["template"]


def _selects(selector: Mapping[str, str], found: Sequence[Resource]) -> bool:
    return bool(selector) and selector.items() <= _pods(found)["metadata"]["labels"].items()


def _selectors(found: Sequence[Resource]) -> Iterator[str]:
    spec = workload(found)["spec"]
    selectors = {"the workload": spec["selector"]["matchLabels"]}
    for r in found:
        if r["kind"] == "Service":
            selectors[f"Service {r['metadata']['name']}"] = r["spec"]["selector"]
        if r["kind"] == "PodDisruptionBudget":
            selectors["PodDisruptionBudget"] = r["spec"]["selector"]["matchLabels"]
        if r["kind"] == "NetworkPolicy" and r["spec"]["podSelector"]:
            selectors["NetworkPolicy"] = r["spec"]["podSelector"]["matchLabels"]
    for constraint in _pods(found)["spec"]["topologySpreadConstraints"]:
        selectors[f"spread over {constraint['topologyKey']}"] = constraint["labelSelector"]["matchLabels"]
    yield from (f"{what} selects no pod" for what, selector in selectors.items() if not _selects(selector, found))


def _ports(found: Sequence[Resource]) -> Iterator[str]:
    container = _pods(found)["spec"]["containers"][0]
    named = {p["name"]: p["containerPort"] for p in container["ports"]}
    for r in (r for r in found if r["kind"] == "Service"):
        for port in r["spec"]["ports"]:
            if named.get(port["targetPort"]) != port["port"]:
                yield f"Service {r['metadata']['name']} sends to {port['targetPort']}, which is no port of the pod"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if container[probe]["httpGet"]["port"] not in named:
            yield f"{probe} asks a port that the pod does not have"
    policy = one(found, "NetworkPolicy")
    for rule in policy["spec"].get("ingress") or []:
        if [p["port"] for p in rule["ports"]] != list(named.values()):
            yield "the policy lets in what no port takes"
    for r in (r for r in found if r["kind"] == "TargetGroupBinding"):
        services = {s["metadata"]["name"]: s["spec"]["ports"][0]["port"] for s in found if s["kind"] == "Service"}
        if services.get(r["spec"]["serviceRef"]["name"]) != r["spec"]["serviceRef"]["port"]:
            yield "the target group is bound to no service"


def _scaled(found: Sequence[Resource]) -> Iterator[str]:
    target = one(found, "HorizontalPodAutoscaler", "ScaledObject")["spec"]["scaleTargetRef"]
    running = workload(found)
    if target != {"apiVersion": running["apiVersion"], "kind": running["kind"], "name": running["metadata"]["name"]}:
        yield "what is scaled is not the workload"


def _accounts(found: Sequence[Resource]) -> Iterator[str]:
    accounts = {r["metadata"]["name"] for r in found if r["kind"] == "ServiceAccount"}
    if _pods(found)["spec"]["serviceAccountName"] not in accounts:
        yield "pods run as an account that there is not"


def _settings(found: Sequence[Resource]) -> Iterator[str]:
    maps = {r["metadata"]["name"] for r in found if r["kind"] == "ConfigMap"}
    for source in _pods(found)["spec"]["containers"][0]["envFrom"]:
        if source["configMapRef"]["name"] not in maps:
            yield "pods read settings that there are not"
    services = {r["metadata"]["name"] for r in found if r["kind"] == "Service"}
    blue_green = workload(found)["spec"]["strategy"].get("blueGreen", {})
    for part in ("activeService", "previewService"):
        if blue_green and blue_green[part] not in services:
            yield f"{part} is no service"
    templates = {r["metadata"]["name"] for r in found if r["kind"] == "AnalysisTemplate"}
    strategy = workload(found)["spec"]["strategy"]
    analyses = (strategy.get("canary", {}).get("analysis"), blue_green.get("postPromotionAnalysis"))
    for analysis in filter(None, analyses):
        if {t["templateName"] for t in analysis["templates"]} - templates:
            yield "a release is held against nothing"


def _placed(found: Sequence[Resource]) -> Iterator[str]:
    for r in found:
        if r["kind"] != "Namespace" and r["metadata"].get("namespace") != "service":
            yield f"{r['kind']} {r['metadata']['name']} is in no namespace"
    if "set-by-the-overlay" in yaml.safe_dump_all(found):
        yield "a value was not set"


# --- who reaches whom ------------------------------------------------------------------------------------


def leaves(found: Sequence[Resource], address: str, port: int, protocol: str = "TCP") -> bool:
    """Whether pods may send to an address outside the cluster."""
    return _allowed(one(found, "NetworkPolicy")["spec"].get("egress") or [], "to", address, port, protocol)


def enters(found: Sequence[Resource], address: str, port: int) -> bool:
    """Whether an address outside the cluster may send to pods."""
    return _allowed(one(found, "NetworkPolicy")["spec"].get("ingress") or [], "from", address, port, "TCP")


def _allowed(rules: Sequence[Mapping[str, Any]], side: str, address: str, port: int, protocol: str) -> bool:
    return any(
        any(_holds(peer, address) for peer in rule[side])
        and any((p["port"], p["protocol"]) == (port, protocol) for p in rule["ports"])
        for rule in rules
    )


def _holds(peer: Mapping[str, Any], address: str) -> bool:
    block = peer.get("ipBlock")
    if block is None:
        return False
    found = ipaddress.ip_address(address)
    return found in ipaddress.ip_network(block["cidr"]) and not any(
        found in ipaddress.ip_network(no) for no in block.get("except", ())
    )
