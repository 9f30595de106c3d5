"""What the scripts do, played through: a release moves to the new image, and a bad one brings the old one back.

Every compute service is released to by its own script, with clouds that are only played (see `stage`); what is asserted
is what the cloud is asked for, in which order, and how the script ends.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.artifacts.delivery.designs import DESIGNS, code
from tests.artifacts.delivery.stage import Line, Played, play, written

OLD, NEW = "a" * 64, "b" * 64
_TRAFFIC = '{"status": {"traffic": [{"percent": 100, "revisionName": "service-1"}]}}'
_TASK = '{"containerDefinitions": [{"name": "service", "image": "old"}, {"name": "collector", "image": "kept"}]}'


@dataclass(frozen=True)
class Case:
    """One compute service. lines: what its cloud says, {old} is the image that runs; brings: the call that brings an
    image out; names: what that call, or what it was made from, says of the image."""

    design: str
    lines: Sequence[Line]
    brings: str


def _first(provider: str, compute: str, ending: str = "", without: str = "") -> str:
    """The first design of a provider and a compute service."""
    found = (id for id in DESIGNS if id.startswith(f"{provider}-{compute}-") and id.endswith(ending))
    return next(id for id in found if not without or without not in id)


_PROGRESS = {
    "rollout": ["1 1 Progressing", "2 1 Healthy", "2 2 Healthy"],
    "deployment": ["2 1 NewReplicaSetAvailable", "2 2 ReplicaSetUpdated", "2 2 NewReplicaSetAvailable"],
}
_SHOWN = [Line(r"kubectl get .*spec\.template", ["{old}"]),
          Line(r"kubectl get .*rollout.*status", _PROGRESS["rollout"]),
          Line(r"kubectl get .*deployment.*status", _PROGRESS["deployment"])]  # fmt: skip
_PLAN = "terraform -chdir=infrastructure/environments/production plan"
_APPLIED = [Line("terraform .*output -raw compute_image", ["{old}"]),
            Line("terraform .*show -json", ['{"resource_changes": []}'])]  # fmt: skip
# Azure runs kubectl in the cluster, and tells how it went.
_INVOKED = [
    Line(x.call, [json.dumps({"exitCode": 0, "logs": said}) for said in x.says])
    for x in (Line(r"spec\\?\.template", ["{old}"]), Line(r"get .*rollout.*status", _PROGRESS["rollout"]),
              Line(r"get .*deployment.*status", _PROGRESS["deployment"]), Line("kubectl apply", ["applied"]))
]  # fmt: skip
CASES = {
    "eks": Case(_first("aws", "kubernetes"), _SHOWN, "kubectl apply"),
    "gke": Case(_first("gcp", "kubernetes"), [*_SHOWN, Line("container clusters describe", ["gke.example.com\n"])],
                "kubectl apply"),
    "aks": Case(_first("azure", "kubernetes"), _INVOKED, "kubectl apply"),
    "lambda": Case(_first("aws", "functions", without="stacks"), [
        Line("lambda get-alias", ["7\n"]), Line("lambda get-function ", ["{old}\n"]),
        Line("lambda update-function-code", ["8\n", "9\n"]), Line("deploy create-deployment", ["d-1\n"]),
    ], "lambda update-function-code"),
    "cloud-run": Case(_first("gcp", "containers"), [
        Line("run services describe .*json", [_TRAFFIC]), Line("run revisions describe", ["{old}\n"]),
        Line("run services describe .*latestCreated", ["service-2\n"]),
    ], "gcloud run deploy"),
    "cloud-functions": Case(_first("gcp", "functions"), [
        Line("run services describe .*json", [_TRAFFIC]), Line("run revisions describe", ["{old}\n"]),
        Line("run services describe .*latestCreated", ["service-2\n"]),
    ], "gcloud run deploy"),
    "container-apps": Case(_first("azure", "containers"), [
        Line("containerapp show .*image", ["{old}\n"]), Line("containerapp show .*latestReady", ["app--1\n"]),
        Line("containerapp update", ["app--2\n"]), Line("revision show .*healthState", ["Healthy\n"]),
    ], "az containerapp update"),
    "azure-functions": Case(_first("azure", "functions"), [
        Line("appsettings list", ["{old}\n"]), Line("crane export", ["file:{archive}"]),
    ], "crane export"),
    "ec2": Case(_first("aws", "vms", without="stacks"), _APPLIED, _PLAN),
    "compute-engine": Case(_first("gcp", "vms"), _APPLIED, _PLAN),
    "scale-sets": Case(_first("azure", "vms"), _APPLIED, _PLAN),
}  # fmt: skip
_BY_TAG = ("ec2", "compute-engine", "scale-sets")


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _registry(folder: Path) -> str:
    found = re.search(r"^REGISTRY=(.+)$", (folder / "delivery/settings.env").read_text(), re.MULTILINE)
    assert found
    return found[1]


def _names(case: str, folder: Path, digest: str) -> str:
    """An image as the compute service is told of it."""
    registry = _registry(folder)
    return f"{registry}:{digest[:12]}" if case in _BY_TAG else f"{registry}@sha256:{digest}"


def _released(case: str, folder: Path, digest: str = NEW, *more: Line, watch: int = 1) -> Played:
    """Plays a release to production. more: what is said before what the case says; watch: seconds."""
    written(code(CASES[case].design), folder)
    settings = folder / "delivery/production.env"
    # The clock of the tests does not wait for the plan's.
    settings.write_text(
        re.sub(r"^(WATCH_SECONDS|STEP_SECONDS)=.*$", rf"\1={watch}", settings.read_text(), flags=re.MULTILINE)
    )
    archive = folder.parent / "image.tar"
    (folder.parent / "app").mkdir(exist_ok=True)
    with tarfile.open(archive, "w") as tar:
        tar.add(folder.parent / "app", "app")
    old = _names(case, folder, OLD)

    def filled(said: str | int) -> str | int:
        return said.replace("{old}", old).replace("{archive}", str(archive)) if isinstance(said, str) else said

    lines = [*more, *(Line(x.call, [filled(s) for s in x.says]) for x in CASES[case].lines)]
    reference = f"{_registry(folder)}:{digest[:12]}@sha256:{digest}"
    return play(folder, ["bash", "delivery/release.sh", "production", reference], lines)


def _brought(case: str, played: Played) -> list[str]:
    return played.matching(CASES[case].brings)


def _image_of(case: str, played: Played, folder: Path) -> list[str]:
    """The images that were brought out, in their order."""
    if CASES[case].brings == "kubectl apply":
        return re.findall(
            r"^IMAGE=(.+)$", (folder / "kubernetes/overlays/production/cluster.env").read_text(), re.MULTILINE
        )
    return _brought(case, played)


def test_a_release_brings_the_new_image_out(case: str, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    played = _released(case, folder)
    assert played.status == 0, played.said
    assert f"production runs {_names(case, folder, NEW)}." in played.said
    wanted = NEW[:12] if case in _BY_TAG else NEW
    assert all(wanted in image for image in _image_of(case, played, folder))
    assert _brought(case, played)


def test_what_runs_already_is_left_alone(case: str, tmp_path: Path) -> None:
    played = _released(case, tmp_path / "repository", OLD)
    assert played.status == 0, played.said
    assert "runs in production already" in played.said
    assert not _brought(case, played)


def test_a_release_that_fails_brings_the_old_image_back(case: str, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    good = next((x.says[-1] for x in CASES[case].lines if re.search(x.call, CASES[case].brings)), "")
    archive = f"file:{folder.parent / 'image.tar'}" if str(good).startswith("file:") else good
    played = _released(case, folder, NEW, Line(re.escape(CASES[case].brings), [1, archive]))
    assert played.status == 1
    assert f"{_names(case, folder, OLD)} comes back" in played.said
    assert len(_brought(case, played)) >= 2
    wanted = OLD[:12] if case in _BY_TAG else OLD
    assert wanted in _image_of(case, played, folder)[-1]


def test_a_release_that_does_not_answer_is_taken_back(case: str, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    played = _released(case, folder, NEW, Line(r"curl .*/health", [22]), watch=3)
    assert played.status == 1, played.said
    assert "does not answer" in played.said
    wanted = OLD[:12] if case in _BY_TAG else OLD
    assert wanted in _image_of(case, played, folder)[-1]


@pytest.mark.parametrize(
    ("case", "alarm"),
    [("lambda", Line("cloudwatch describe-alarms", ["shop-prod-entry-errors-critical"])),
     ("cloud-run", Line("curl .*monitoring.googleapis", ['{"data": {"result": [{"value": [1, "0.2"]}]}}'])),
     ("container-apps", Line("az rest", ["entry-errors-critical"]))],
)  # fmt: skip
def test_an_alarm_takes_a_release_back(case: str, alarm: Line, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    played = _released(case, folder, NEW, alarm)
    assert played.status == 1, played.said
    assert OLD in _brought(case, played)[-1]


def test_an_image_without_a_digest_is_refused(tmp_path: Path) -> None:
    folder = written(code(CASES["lambda"].design), tmp_path / "repository")
    played = play(folder, ["bash", "delivery/release.sh", "production", f"{_registry(folder)}:latest"], [])
    assert played.status == 2
    assert "not named by digest" in played.said
    assert not played.calls


def test_an_environment_that_is_not_there_is_refused(tmp_path: Path) -> None:
    folder = written(code(CASES["lambda"].design), tmp_path / "repository")
    played = play(folder, ["bash", "delivery/release.sh", "moon", f"{_registry(folder)}:1@sha256:{NEW}"], [])
    assert played.status != 0
    assert "moon.env" in played.said


def _regulated(id: str) -> bool:
    return "SIGNED=yes" in code(id)["delivery/settings.env"]


def test_an_image_that_nobody_signed_is_not_released(tmp_path: Path) -> None:
    case = next(name for name, c in CASES.items() if _regulated(c.design))
    played = _released(case, tmp_path / "repository", NEW, Line("cosign verify", [1]))
    assert played.status != 0
    assert not _brought(case, played)


# --- ECS -------------------------------------------------------------------------------------------------


@pytest.fixture
def ecs(tmp_path: Path) -> Path:
    """A repository whose service runs on ECS, written in Terraform."""
    from devops_workbook.artifacts.repository import repository
    from devops_workbook.evaluate import evaluate

    asked = DESIGNS[_first("aws", "containers")].model_copy(update={"iac_tool": "terraform"})
    return written({a.path: a.text for a in repository(evaluate(asked)).artifacts}, tmp_path / "repository")


@pytest.mark.parametrize("by", ["CodeDeploy", "ECS"])
def test_ecs_gets_a_task_definition_with_the_image(ecs: Path, by: str) -> None:
    settings = ecs / "delivery/production.env"
    text = re.sub(r"^(WATCH_SECONDS)=.*$", r"\1=0", settings.read_text(), flags=re.MULTILINE)
    settings.write_text(
        re.sub(r"^CODEDEPLOY=.*$", f"CODEDEPLOY={'yes' if by == 'CodeDeploy' else ''}", text, flags=re.MULTILINE)
    )
    registry = _registry(ecs)
    lines = [
        Line("ecs describe-services", ["arn:old\n", "arn:old\n", "arn:new\n"]),
        Line("describe-task-definition .*image", [f"{registry}@sha256:{OLD}\n"]),
        Line("describe-task-definition .*--query taskDefinition$", [_TASK]),
        Line("register-task-definition", ["arn:new\n"]), Line("create-deployment", ["d-1\n"]),
    ]  # fmt: skip
    played = play(ecs, ["bash", "delivery/release.sh", "production", f"{registry}:1@sha256:{NEW}"], lines)
    assert played.status == 0, played.said
    brings = "deploy create-deployment" if by == "CodeDeploy" else "ecs update-service"
    assert all("arn:new" in call for call in played.matching(brings))
    assert played.matching(brings)


# --- stacks ----------------------------------------------------------------------------------------------


def test_stacks_are_deployed_with_the_tag_site_by_site(tmp_path: Path) -> None:
    id = next(x for x in DESIGNS if x.endswith("stacks"))
    folder = written(code(id), tmp_path / "repository")
    deploy = folder / "infrastructure/deploy.sh"
    deploy.write_text('#!/bin/sh\necho "deployed $* as $ROLE_ARN"\n')
    settings = folder / "delivery/production.env"
    settings.write_text(re.sub(r"^WATCH_SECONDS=.*$", "WATCH_SECONDS=0", settings.read_text(), flags=re.MULTILINE))
    reference = f"{_registry(folder)}:{NEW[:12]}@sha256:{NEW}"
    played = play(folder, ["bash", "delivery/release.sh", "production", reference],
                  [Line("describe-stacks", [OLD[:12]]), Line("cosign", [""])])  # fmt: skip
    assert played.status == 0, played.said
    sites = re.findall(r"deployed production (\S+) ImageTag=(\S+) as \S+role/\S+-cloudformation", played.said)
    assert [site for site, _ in sites] == re.search(r"^SITES=(.+)$", settings.read_text(), re.MULTILINE)[1].strip(
        "'"
    ).split()  # type: ignore[index]
    assert {tag for _, tag in sites} == {NEW[:12]}


def test_signing_in_takes_one_role_for_another(tmp_path: Path) -> None:
    """A token gives a role in the account of delivery, and that one the role that deploys in the environment's."""
    case = "lambda"
    keys = '{"Credentials": {"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"}}'
    folder = tmp_path / "repository"
    written(code(CASES[case].design), folder)
    settings = folder / "delivery/production.env"
    settings.write_text(re.sub(r"^WATCH_SECONDS=.*$", "WATCH_SECONDS=0", settings.read_text(), flags=re.MULTILINE))
    old = _names(case, folder, OLD)
    lines = [Line("sts assume", [keys]), *(Line(x.call, [str(s).replace("{old}", old) for s in x.says])
                                           for x in CASES[case].lines)]  # fmt: skip
    reference = f"{_registry(folder)}:1@sha256:{NEW}"
    played = play(folder, ["bash", "delivery/release.sh", "production", reference], lines, {"OIDC_TOKEN": "token"})
    assert played.status == 0, played.said
    first, second = played.matching("aws sts")[:2]
    assert re.search(
        r"assume-role-with-web-identity --web-identity-token token --role-arn arn:aws:iam::\d+:role/\S+-release-prod ",
        first,
    )
    assert re.search(r"assume-role --role-arn arn:aws:iam::\d+:role/\S+-prod-deploy ", second)
    # Credentials live an hour, so that every region begins with new ones.
    regions = re.search(r"^REGIONS='?([^'\n]+)'?$", settings.read_text(), re.MULTILINE)
    assert regions
    assert len(played.matching("aws sts")) == 2 * (1 + len(regions[1].split()))
