"""The scripts beside a release, played through: tools, images, plans, restore tests, rotation, versions, protection."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devops_workbook.artifacts.branches import built_branches
from tests.artifacts.delivery.designs import DESIGNS, blueprint, code, files
from tests.artifacts.delivery.stage import Line, play, written

_DIGEST = "sha256:" + "c" * 64


def _design(*parts: str) -> str:
    """The first design whose id has all these parts."""
    return next(id for id in DESIGNS if all(part in id for part in parts))


def _git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository of a design with a commit."""
    made = written(files(_design("github")), tmp_path / "repository")
    _git(made, "init", "--quiet", "--initial-branch=main")
    _git(made, "add", "--all")
    _git(made, "commit", "--quiet", "--message=feat: first")
    return made


# --- tools -----------------------------------------------------------------------------------------------


def test_tools_run_in_an_image_that_is_built_on_the_spot(folder: Path) -> None:
    played = play(folder, ["sh", "delivery/toolbox.sh", "terraform", "version"], [Line("docker build", ["sha256:1\n"])])
    assert played.status == 0, played.said
    assert played.calls[0] == "docker build --quiet delivery"
    assert played.calls[1].endswith("sha256:1 terraform version")
    assert not played.matching("curl")


def test_on_github_a_run_is_vouched_for_when_it_asks(folder: Path) -> None:
    env = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://token.example.com/?a=b", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret"}
    played = play(folder, ["bash", "delivery/token.sh"], [Line("curl", ['{"count":1,"value":"signed"}'])], env)
    assert (played.status, played.said) == (0, "signed\n")
    settings = (folder / "delivery/settings.env").read_text()
    audience = re.search(r"^OIDC_AUDIENCE=(.+)$", settings, re.MULTILINE)
    assert audience
    assert played.calls[0].endswith(f"&audience={audience[1]}")


def test_elsewhere_the_token_is_there_already_or_nobody_vouches(folder: Path) -> None:
    assert play(folder, ["bash", "delivery/token.sh"], [], {"OIDC_TOKEN": "given"}).said == "given"
    assert play(folder, ["bash", "delivery/token.sh"], []).said == ""


# --- images ----------------------------------------------------------------------------------------------


def _registry(folder: Path) -> str:
    found = re.search(r"^REGISTRY=(.+)$", (folder / "delivery/settings.env").read_text(), re.MULTILINE)
    assert found
    return found[1]


def test_an_image_is_built_once_with_its_provenance_and_known_by_tag_and_digest(folder: Path) -> None:
    tag = _git(folder, "rev-parse", "--short=12", "HEAD")
    lines = [Line("imagetools inspect .*--format", [_DIGEST]), Line("imagetools inspect", [1])]
    played = play(folder, ["sh", "delivery/image.sh", "service"], lines)
    assert played.status == 0, played.said
    (build,) = played.matching("docker buildx build")
    assert "--provenance=mode=max" in build
    assert f"--tag {_registry(folder)}:{tag} --push services/service" in build
    assert (folder / "reports/service.image").read_text() == f"{_registry(folder)}:{tag}@{_DIGEST}\n"


def test_what_was_built_already_is_not_built_again(folder: Path) -> None:
    played = play(folder, ["sh", "delivery/image.sh", "service"], [Line("imagetools inspect", [_DIGEST])])
    assert played.status == 0, played.said
    assert not played.matching("docker buildx build")


def test_a_commit_that_was_never_built_is_not_released(folder: Path) -> None:
    head = _git(folder, "rev-parse", "HEAD")
    played = play(folder, ["sh", "delivery/image.sh", "service", head], [Line("imagetools inspect", [1])])
    assert played.status == 1
    assert f"Nothing was built of {head}" in played.said
    assert not played.matching("docker buildx build")


@pytest.mark.parametrize(("arguments", "told"), [(["nothing", "unit"], "There is no services/nothing"),
                                                 (["service", "all"], "usage:"), ([], "usage:")])  # fmt: skip
def test_tests_say_what_there_is_to_test(folder: Path, arguments: list[str], told: str) -> None:
    played = play(folder, ["sh", "delivery/test.sh", *arguments], [])
    assert played.status != 0
    assert told in played.said


# --- plans -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["aws", "gcp", "azure"])
def test_a_plan_tells_what_it_touches_and_what_that_costs(provider: str, tmp_path: Path) -> None:
    id = next(x for x in DESIGNS if x.startswith(provider) and not x.endswith("stacks"))
    repository = written(files(id), tmp_path / "repository")
    marks = "labels" if provider == "gcp" else "tags"
    change = {"change": {"actions": ["update"], "before": {}, "after": {marks: {"component": "database"}}}}
    quiet = {"change": {"actions": ["no-op"], "before": {}, "after": {marks: {"component": "compute"}}}}
    shown = json.dumps({"resource_changes": [change, quiet]})
    played = play(repository, ["bash", "delivery/infrastructure.sh", "plan", "production"],
                  [Line("terraform .*show -json", [shown])])  # fmt: skip
    assert played.status == 0, played.said
    costs = json.loads(files(id)["delivery/costs.json"])["production"]
    assert "1 resources change" in played.said
    assert f"`database`: {costs['components']['database']} USD a month planned" in played.said
    assert "compute" not in played.said
    assert played.matching("checkov --file reports/plan.json")
    assert not played.matching(" apply ")


def test_a_plan_against_policy_is_not_applied(tmp_path: Path) -> None:
    repository = written(files(_design("gcp", "vms")), tmp_path / "repository")
    lines = [Line("terraform .*show -json", ['{"resource_changes": []}']), Line("checkov", [1])]
    played = play(repository, ["bash", "delivery/infrastructure.sh", "apply", "production"], lines)
    assert played.status != 0
    assert not played.matching(" apply ")


# --- restores and rotation -------------------------------------------------------------------------------

_RESTORES = {
    "gcp-containers": ("sql instances clone", "sql instances delete", [Line("sql databases list", ["app\n"])]),
    "azure-containers": ("sql db restore", "sql db delete", [Line("sql server list", ["server\n"]),
                                                             Line("sql db show", ["Online\n"])]),
}  # fmt: skip


@pytest.mark.parametrize("design", _RESTORES)
@pytest.mark.parametrize("fails", [False, True])
def test_a_restore_is_tried_beside_the_data_and_taken_away(design: str, fails: bool, tmp_path: Path) -> None:
    made, removed, lines = _RESTORES[design]
    repository = written(files(_design(design)), tmp_path / "repository")
    broken = [Line(made, [1])] if fails else []
    played = play(repository, ["bash", "delivery/restore-test.sh", "production"], [*broken, *lines])
    assert (played.status != 0) == fails, played.said
    (copy,) = played.matching(made)
    (gone,) = played.matching(removed)
    name = re.search(r"(\S*restore-\d+)", copy)
    assert name
    assert name[1] in gone


def test_a_restore_that_takes_longer_than_the_plan_fails(tmp_path: Path) -> None:
    repository = written(files(_design("gcp-containers")), tmp_path / "repository")
    settings = repository / "delivery/production.env"
    settings.write_text(re.sub(r"^RESTORE_MINUTES=.*$", "RESTORE_MINUTES=-1", settings.read_text(), flags=re.MULTILINE))
    lines = _RESTORES["gcp-containers"][2]
    played = play(repository, ["bash", "delivery/restore-test.sh", "production"], lines)
    assert played.status != 0
    assert "the plan allows -1" in played.said


@pytest.mark.parametrize(("days", "old"), [(1, False), (4000, True)])
def test_a_secret_that_is_too_old_is_told(days: int, old: bool, tmp_path: Path) -> None:
    repository = written(files(_design("aws-kubernetes")), tmp_path / "repository")
    changed = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    played = play(repository, ["bash", "delivery/rotation.sh", "production"],
                  [Line("secretsmanager list-secrets", [f"shop-token {changed}\n"])])  # fmt: skip
    assert (played.status != 0) == old, played.said
    assert ("shop-token was changed" in played.said) == old


# --- versions --------------------------------------------------------------------------------------------


def test_a_release_is_marked_once(folder: Path, tmp_path: Path) -> None:
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(origin)], check=True)
    for _ in range(2):
        played = play(folder, ["sh", "delivery/tag.sh"], [], {"PUSH_URL": str(origin)})
        assert played.status == 0, played.said
    assert _git(origin, "tag") == "v0.1.0"


def test_a_record_of_a_change_tells_what_and_who(folder: Path) -> None:
    played = play(folder, ["bash", "delivery/change.sh", "production", f"registry/shop:1@{_DIGEST}"], [])
    assert played.status == 0, played.said
    record = json.loads((folder / "reports/change-production.json").read_text())
    assert record["commit"] == _git(folder, "rev-parse", "HEAD")
    assert (record["author"], record["change"]) == ("a <a@example.com>", "feat: first")
    assert record["image"].endswith(_DIGEST)


# --- protection ------------------------------------------------------------------------------------------


def test_github_s_rules_hold_on_every_branch_that_is_released() -> None:
    for id in DESIGNS:
        if ".github/rulesets/released.json" not in files(id):
            continue
        rules = json.loads(files(id)[".github/rulesets/released.json"])
        assert rules["conditions"]["ref_name"]["include"] == [f"refs/heads/{x}" for x in built_branches(blueprint(id))]
        assert rules["enforcement"] == "active"
        assert rules["bypass_actors"] == []
        assert {r["type"] for r in rules["rules"]} >= {"pull_request", "required_status_checks", "required_signatures"}


def test_github_waits_for_checks_that_report_under_these_names() -> None:
    import yaml

    for id in DESIGNS:
        if ".github/workflows/checks.yml" not in files(id):
            continue
        rules = json.loads(files(id)[".github/rulesets/released.json"])["rules"]
        (asked,) = (r["parameters"]["required_status_checks"] for r in rules if r["type"] == "required_status_checks")
        inner = [job["name"] for job in yaml.safe_load(files(id)[".github/workflows/service.yml"])["jobs"].values()]
        reported = set()
        for job in yaml.safe_load(files(id)[".github/workflows/checks.yml"])["jobs"].values():
            reported |= {f"{job['name']} / {name}" for name in inner} if "uses" in job else {job["name"]}
        assert {check["context"] for check in asked} == reported


def test_github_is_told_of_rules_and_environments(folder: Path) -> None:
    played = play(folder, ["bash", "delivery/protect.sh", "shop/shop"], [])
    assert played.status == 0, played.said
    assert [x for x in played.matching("--method POST") if "rulesets" in x]
    for environment in ("production", "staging", "development"):
        assert played.matching(f"repos/shop/shop/environments/{environment} ")


def test_gitlab_is_told_of_branches_and_environments(tmp_path: Path) -> None:
    id = _design("gitlab-ci")
    repository = written(files(id), tmp_path / "repository")
    played = play(repository, ["bash", "delivery/protect.sh", "shop/shop"], [], {"GITLAB_TOKEN": "secret"})
    assert played.status == 0, played.said
    branches = [x for x in played.calls if "POST" in x and x.endswith("/protected_branches")]
    assert len(branches) == len(built_branches(blueprint(id)))
    assert all('"push_access_level":0' in x for x in branches)
    assert len([x for x in played.calls if "POST" in x and x.endswith("/protected_environments")]) == 3


@pytest.mark.parametrize("id", [id for id in DESIGNS if blueprint(id).choice("infrastructure.compute") == "kubernetes"])
def test_an_overlay_that_is_released_to_is_there(id: str) -> None:
    told = code(id)["delivery/production.env"]
    overlays = re.search(r"^OVERLAYS='?([^'\n]+)'?$", told, re.MULTILINE)
    assert overlays
    assert all(f"kubernetes/overlays/{name}/cluster.env" in code(id) for name in overlays[1].split())
