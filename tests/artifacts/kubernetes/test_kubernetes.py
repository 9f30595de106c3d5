"""Manifests: they build, refer to what there is, run as many replicas as planned, and open what the design opens."""

from __future__ import annotations

import copy
import ipaddress
import json
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.folder import write_folder
from devops_workbook.artifacts.kubernetes import kubernetes
from devops_workbook.artifacts.kubernetes.cluster import Cluster, clusters
from devops_workbook.artifacts.repository import repository
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from tests.artifacts.infrastructure import CASES, code, design, texts
from tests.artifacts.kubernetes.manifests import built, enters, leaves, one, problems, workload
from tests.artifacts.test_repository import HOSTILE
from tests.clouds.tools import needed

needs = pytest.mark.needs("kubectl")
WITH = [case for case in CASES if Blueprint.of(design(*case)).choice("infrastructure.compute") == "kubernetes"]
ANYWHERE, OTHER_PORT = "198.51.100.7", 8080


@cache
def blueprint(case: tuple[str, str]) -> Blueprint:
    return Blueprint.of(design(*case))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, str], Cluster], list[Any]]:
    """What Kustomize builds for a cluster of a design; written and built once."""
    home = tmp_path_factory.mktemp("manifests")

    @cache
    def overlay(case: tuple[str, str], folder: str) -> list[Any]:
        place = home / "-".join(case)
        if not place.exists():
            write_folder(kubernetes(blueprint(case)), place)
        return built(place / "kubernetes" / "overlays" / folder)

    return lambda case, cluster: overlay(case, cluster.folder)


def test_there_are_manifests_where_kubernetes_was_chosen_and_nowhere_else() -> None:
    assert len(WITH) >= 5
    assert {p for _, p in WITH} == {"aws", "gcp", "azure"}
    for case in CASES:
        folders = {p.partition("/")[0] for p in texts(code(*case))}
        assert ("kubernetes" in folders) == (case in WITH)


@needs
@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_every_reference_is_to_something_and_replicas_are_the_plans(case: tuple[str, str], written: Any) -> None:
    b = blueprint(case)
    capacity, assumed = b.assessment.capacity, b.catalog.assumptions
    for cluster in clusters(b):
        found = written(case, cluster)
        assert problems(found) == []
        scaled = one(found, "HorizontalPodAutoscaler", "ScaledObject")["spec"]
        least, most = (scaled.get(f"{x}Replicas", scaled.get(f"{x}ReplicaCount")) for x in ("min", "max"))
        size = cluster.deployment.sizes[cluster.site.id("compute")]
        assert most <= size.maximum * size.per_machine
        if cluster.deployment.environment == "production":
            assert most == capacity.replicas
        assert (workload(found)["spec"].get("replicas") == 0) == (size.minimum == 0)
        assert least >= min(size.minimum, capacity.min_replicas, most)
        requests = workload(found)["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
        assert float(requests["cpu"]) == assumed["replica_vcpu"].value
        assert requests["memory"] == f"{assumed['replica_gib'].value:g}Gi"
        hard = one(found, "ResourceQuota")["spec"]["hard"]
        assert int(hard["pods"]) == 2 * most
        (each,) = one(found, "LimitRange")["spec"]["limits"]
        assert each["default"] == each["defaultRequest"] == each["max"] == requests


@needs
@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_policies_open_the_connections_of_the_design_and_nothing_else(case: tuple[str, str], written: Any) -> None:
    b = blueprint(case)
    for cluster in clusters(b):
        found = written(case, cluster)
        compute = cluster.site.id("compute")
        subnets = {s.tier: str(ipaddress.ip_network(s.cidr)[1]) for s in cluster.network.subnets}
        ports = {x.port for x in b.outgoing(compute)}
        held = {x.port for x in b.outgoing(compute) if b.component(x.target).role in ("database", "cache")}
        tools = {x.port for x in b.outgoing(compute) if b.component(x.target).sku} - held - {443}
        for port in {*ports, 22, 80, 5432, 1433, 6379, 3306, OTHER_PORT}:
            assert leaves(found, subnets["data"], port) == (
                port in held or (port == 443 and b.has("endpoints")) or (port in tools and shares(cluster))
            ), port
            assert leaves(found, ANYWHERE, port) == (port == 443 and 443 in ports), port
            assert leaves(found, str(ipaddress.ip_network(cluster.shared.cidr)[-2]), port) == (
                port in tools or (port == 443 and b.has("endpoints") and shares(cluster))
            ), port
        entered = any(x.kind == "request" and x.port == 8443 for x in b.incoming(compute))
        fronts = b.provider.code["kubernetes"]["entry_from"]
        front = str(ipaddress.ip_network(fronts[0])[1]) if fronts else subnets.get("public", subnets["app"])
        assert enters(found, front, 8443) == entered
        assert not enters(found, front, OTHER_PORT)
        assert not enters(found, ANYWHERE, 8443)
        assert not enters(found, subnets["data"], 8443)
        assert one(found, "NetworkPolicy", name="nothing")["spec"]["podSelector"] == {}


def shares(cluster: Cluster) -> bool:
    return cluster.network.cidr == cluster.shared.cidr


def _changed(found: list[Any], kind: str, path: list[Any], value: Any) -> list[Any]:
    mutant = copy.deepcopy(found)
    at = next(r for r in mutant if r["kind"] == kind and r["metadata"]["name"] != "nothing")
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return mutant


@needs
@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Service", ["spec", "selector", "app.kubernetes.io/name"], "another"),
        ("Service", ["spec", "ports", 0, "targetPort"], "http"),
        ("Service", ["spec", "ports", 0, "port"], 443),
        ("Rollout", ["spec", "template", "metadata", "labels"], {"app": "service"}),
        ("Rollout", ["spec", "template", "spec", "serviceAccountName"], "default"),
        ("Rollout", ["spec", "template", "spec", "containers", 0, "image"], "set-by-the-overlay"),
        ("Rollout", ["spec", "template", "spec", "containers", 0, "envFrom", 0, "configMapRef", "name"], "service"),
        ("Rollout", ["spec", "strategy", "blueGreen", "activeService"], "another"),
        ("Rollout", ["spec", "strategy", "blueGreen", "postPromotionAnalysis", "templates", 0, "templateName"], "x"),
        ("HorizontalPodAutoscaler", ["spec", "scaleTargetRef", "kind"], "Deployment"),
        ("HorizontalPodAutoscaler", ["spec", "scaleTargetRef", "name"], "another"),
        ("PodDisruptionBudget", ["spec", "selector", "matchLabels"], {"app": "service"}),
        ("NetworkPolicy", ["spec", "podSelector"], {"matchLabels": {"app": "service"}}),
        ("NetworkPolicy", ["spec", "ingress", 0, "ports", 0, "port"], 443),
        ("TargetGroupBinding", ["spec", "serviceRef", "name"], "another"),
        ("TargetGroupBinding", ["metadata", "namespace"], "default"),
    ],
)
def test_what_no_schema_sees_is_noticed(kind: str, path: list[Any], value: Any, written: Any) -> None:
    case = ("payments-api", "aws")
    found = written(case, next(clusters(blueprint(case))))
    assert problems(found) == []
    assert problems(_changed(found, kind, path, value))


@needs
def test_a_change_of_settings_is_a_release(tmp_path: Path) -> None:
    """Kustomize names settings by their content, for a Rollout too."""
    names = []
    for settings in ("A=1\n", "A=2\n"):
        write_folder(kubernetes(blueprint(("payments-api", "aws"))), tmp_path / settings[2])
        overlay = tmp_path / settings[2] / "kubernetes" / "overlays" / "production"
        (overlay / "service.env").write_text(settings, encoding="utf-8")
        container = workload(built(overlay))["spec"]["template"]["spec"]["containers"][0]
        names.append(container["envFrom"][0]["configMapRef"]["name"])
    assert len(set(names)) == 2


@pytest.mark.needs("kubectl", "jq")
@pytest.mark.parametrize("provider", ["aws", "gcp", "azure"])
def test_the_script_writes_what_terraform_knows(provider: str, tmp_path: Path) -> None:
    """Against a terraform that prints the outputs that the code declares."""
    case = ("payments-api", provider)
    write_folder(code(*case).artifacts, tmp_path)
    declared = set(_outputs(texts(code(*case))["infrastructure/environments/production/outputs.tf"]))
    values = {name: {"value": f"told-{name}"} for name in declared if name.startswith("compute_")}
    values["compute_service_settings"] = {"value": {"DATABASE_HOST": "db.internal", "B": "a=b c"}}
    program = tmp_path / "bin" / "terraform"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat <<'E'\n{json.dumps(values)}\nE\n", encoding="utf-8")
    program.chmod(0o755)
    done = subprocess.run(
        ["bash", str(tmp_path / "kubernetes" / "values.sh"), "production"], capture_output=True, text=True, check=False,
        env={"PATH": f"{program.parent}:/usr/local/bin:/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    overlay = tmp_path / "kubernetes" / "overlays" / "production"
    told = dict(line.split("=", 1) for line in (overlay / "cluster.env").read_text().splitlines())
    wanted = {n for n, v in blueprint(case).provider.code["kubernetes"]["values"].items() if not v.get("queue")}
    assert {n for n, v in told.items() if v.startswith("told-compute_")} == wanted
    assert told["IMAGE"].startswith("registry.example.com/service@sha256:")
    assert (overlay / "service.env").read_text() == "DATABASE_HOST=db.internal\nB=a=b c\n"
    assert problems(built(overlay)) == []


def _outputs(text: str) -> list[str]:
    return [line.split('"')[1] for line in text.splitlines() if line.startswith("output ")]


@needs
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_free_text_stays_text(name: str, tmp_path: Path) -> None:
    wanted = Requirements(name=name, owner=name, description=name, overrides={"infrastructure.compute": "kubernetes"})
    write_folder(kubernetes(Blueprint.of(evaluate(wanted))), tmp_path)
    assert problems(built(tmp_path / "kubernetes" / "overlays" / "production")) == []


@pytest.mark.needs("kubectl", "checkov")
def test_no_policy_is_broken(written: Any, tmp_path: Path) -> None:
    """A Rollout is looked at as the Deployment that it stands for, which is what checkov knows."""
    case = ("payments-api", "aws")
    found = [{**r, "apiVersion": "apps/v1", "kind": "Deployment"} if r["kind"] == "Rollout" else r
             for r in written(case, next(clusters(blueprint(case))))]  # fmt: skip
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(found), encoding="utf-8")
    done = subprocess.run(
        [str(needed("checkov")), "--file", str(tmp_path / "all.yaml"), "--framework", "kubernetes", "--output", "json",
         "--soft-fail", "--skip-download"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert [(c["check_id"], c["resource"]) for c in report["results"]["failed_checks"]] == []
    assert report["summary"]["passed"] > 50


@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_the_readme_says_what_clusters_need_and_how_to_apply(case: tuple[str, str]) -> None:
    readme = texts(code(*case))["README.md"]
    assert ("Argo Rollouts" in readme) == (blueprint(case).choice("cicd.deployment") != "rolling")
    assert ("KEDA" in readme) == (case == ("iot-ingest", "gcp"))
    assert ("AWS Load Balancer Controller" in readme) == (case[1] == "aws")
    assert "kubernetes/values.sh production\nkubectl apply" in readme


def test_where_cloudformation_builds_there_is_no_script_for_terraform() -> None:
    wanted = Requirements(provider="aws", iac_tool="cloudformation", overrides={"infrastructure.compute": "kubernetes"})
    files = texts(repository(evaluate(wanted)))
    assert "kubernetes/values.sh" not in files
    assert "values.sh" not in files["README.md"]
    assert "by the outputs of the stacks" in files["README.md"]
