"""Pipelines do what the plan says, name what the infrastructure has, and are accepted by the tools that read them."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint
from devops_workbook.artifacts.branches import branches_to, built_branches
from devops_workbook.artifacts.delivery import delivery
from devops_workbook.artifacts.delivery import jobs as plan
from devops_workbook.artifacts.delivery.pins import pins
from devops_workbook.artifacts.delivery.settings import fact
from devops_workbook.artifacts.observability.rules import BURNS
from devops_workbook.catalog import load as catalog
from devops_workbook.evaluate import evaluate
from tests.artifacts.delivery.designs import DESIGNS, blueprint, code, files
from tests.artifacts.delivery.stage import written
from tests.artifacts.test_repository import HOSTILE
from tests.clouds.tools import find

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


@pytest.fixture(params=DESIGNS)
def id(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def settings(id: str, name: str) -> dict[str, str]:
    """What a file of settings says, as a shell reads it."""
    told = files(id)[f"delivery/{name}.env"]
    return dict(word.split("=", 1) for word in shlex.split(told, comments=True))


# --- the stages of the plan ------------------------------------------------------------------------------

# What carries out a stage, by its name in the plan: a command that some job runs.
_CARRIED_OUT = {
    "Build": "delivery/image.sh", "Unit tests": "test.sh \"$SERVICE\" unit",
    "Integration tests": "test.sh \"$SERVICE\" integration", "End-to-end tests": "end-to-end",
    "Scan": "scan.sh code", "SAST": "scan.sh code", "Dependency scan": "scan.sh dependencies",
    "Secret scan": "scan.sh secrets", "SBOM": "delivery/sign.sh", "SBOM and signing": "delivery/sign.sh",
    "Infrastructure plan and policy check": "infrastructure.sh plan", "Deploy staging": "delivery/release.sh",
    "DAST": "delivery/dast.sh", "Smoke and SLO verification": "delivery/release.sh",
    "Approval": "", "Change record and approval": "delivery/change.sh", "Deploy production": "delivery/release.sh",
    "Verify": "delivery/release.sh", "Automatic rollback": "delivery/release.sh", "Evidence": "delivery/change.sh",
}  # fmt: skip


def test_every_stage_that_a_plan_can_have_is_carried_out_by_something() -> None:
    named = {label for o in catalog().options["cicd.stages"].values() for label, _ in o["detail"]}
    assert named == set(_CARRIED_OUT)


def _commands(id: str) -> str:
    """All commands of all jobs, as the plan's stages make them."""
    b = blueprint(id)
    jobs = [*plan.tests(b, "service"), *plan.scans(b), *plan.plans(b), *plan.nightly(b), plan.restore_test(b)]
    for line in plan.lines(b):
        jobs += plan.builds(b, line)
        jobs += [job for e in line.environments for job in plan.releases(b, e)]
    return "\n".join(command for job in jobs for _, command in job.run)


def test_every_stage_of_the_plan_has_its_job(id: str) -> None:
    commands = _commands(id)
    for label, _ in blueprint(id).decision("cicd.stages").detail:
        assert _CARRIED_OUT[label] in commands, label


def test_a_stage_that_the_plan_has_not_is_not_there(id: str) -> None:
    has = {label for label, _ in blueprint(id).decision("cicd.stages").detail}
    for label in ("Integration tests", "End-to-end tests", "DAST"):
        assert (_CARRIED_OUT[label] in _commands(id)) == (label in has)
    assert ("delivery/change.sh" in files(id)) == ("Change record and approval" in has)


def test_every_command_of_a_job_is_a_script_that_is_there(id: str) -> None:
    for path in re.findall(r"delivery/[\w-]+\.sh", _commands(id)):
        assert path in files(id), path


def test_a_person_agrees_before_production_where_the_plan_says_so(id: str) -> None:
    b = blueprint(id)
    (release, *_) = plan.releases(b, "production")
    assert release.approved == (b.requirements.release_approval != "none")
    text = "\n".join(files(id).values())
    platform = b.choice("cicd.platform")
    if platform == "gitlab-ci":
        job = yaml.safe_load(files(id)[".gitlab-ci.yml"])["release-production"]
        assert all((rule.get("when") == "manual") == release.approved for rule in job["rules"])
    if platform == "jenkins":
        assert ("beforeInput true" in text) == release.approved


def test_every_environment_is_released_from_the_branches_of_the_plan(id: str) -> None:
    b = blueprint(id)
    reached = {e: line.branches for line in plan.lines(b) for e in line.environments}
    assert reached == {e.environment: branches_to(b, e.environment) for e in b.environments}
    assert set(built_branches(b)) == {x for branches in reached.values() for x in branches}


# --- the same as in the infrastructure -------------------------------------------------------------------


def _values(id: str, folder: str) -> dict[str, Any]:
    """The values of a Terraform folder, or the parameters of all stacks of it."""
    found = code(id)
    if f"{folder}/terraform.tfvars" in found:
        return {k: v.strip('"') if isinstance(v, str) else v
                for k, v in hcl2.loads(found[f"{folder}/terraform.tfvars"]).items()}  # fmt: skip
    stacks = (json.loads(text) for path, text in found.items() if path.startswith(f"{folder}/"))
    return {k: v for stack in stacks for k, v in stack["Parameters"].items()}


def test_every_environment_is_called_what_the_infrastructure_calls_it(id: str) -> None:
    for environment, folder in FOLDERS.items():
        told, values = settings(id, folder), _values(id, f"infrastructure/environments/{folder}")
        assert told["DOMAIN"] in (values.get("domain"), values.get("DomainName"))
        if "DomainName" in values:
            assert values["Name"] == told["PREFIX"]
        if "PROJECT" in told:
            assert told["PROJECT"] == values["project_id"]
        assert told["PREFIX"] == blueprint(id).names.of(environment)


def _infrastructure(id: str) -> str:
    return "\n".join(text for path, text in code(id).items() if path.startswith("infrastructure/"))


def test_images_go_where_the_infrastructure_takes_them_from(id: str) -> None:
    b, written = blueprint(id), _infrastructure(id)
    registry = settings(id, "settings")["REGISTRY"]
    host, _, path = registry.partition("/")
    if not b.has("registry"):
        assert host in ("ghcr.io", "registry.gitlab.com", "registry.example.com")
    elif b.choice("infrastructure.compute") in ("containers", "vms"):
        assert f"/{path.rpartition('/')[2]}:" in written
        assert host.partition(".")[2] in written or host in written


def test_the_pipeline_signs_in_under_roles_that_the_infrastructure_makes(id: str) -> None:
    b, written = blueprint(id), _infrastructure(id)
    for environment, folder in FOLDERS.items():
        told = settings(id, folder)
        if b.requirements.provider == "aws":
            assert f"{b.names.system}-{told['IDENTITY']}" in written
            for role in (told["DEPLOYER"], told["APPLIER"], "plan"):
                assert re.search(rf"(var\.name\}}|\$\{{Name\}})-{role}\b", written), role
        else:
            assert told["IDENTITY"] == environment


def disagreements(id: str, told: Mapping[str, str], costs: Mapping[str, Any]) -> list[str]:
    """The settings of production, and the costs, that are not the plan's."""
    b = blueprint(id)
    tested = [t.minutes for t in b.assessment.recovery.tests if t.disruption == "deletion"]
    burning = BURNS[0].rate * (1 - b.requirements.availability_target_pct / 100)
    steps = dict(b.decision("cicd.deployment").detail)["Steps"]
    canary = b.choice("cicd.deployment") == "canary"
    shares = re.findall(r"(\d+) %", steps) if canary else ["100"]
    waits = {int(x) * 60 for x in re.findall(r"(\d+) min", steps)} if canary else {int(told["STEP_SECONDS"])}
    kept = " ".join(text for _, text in b.decision("security.secrets").detail)
    right = {
        "RESTORE_MINUTES": abs(float(told["RESTORE_MINUTES"]) - max(filter(None, tested))) <= 0.5,
        "SHARES": told["SHARES"].split() == shares,
        "STEP_SECONDS": waits == {int(told["STEP_SECONDS"])},
        "SECRET_DAYS": re.search(rf"every {told['SECRET_DAYS']}\b", kept) is not None,
        "MOST_ERRORS": abs(float(told.get("MOST_ERRORS", burning)) / burning - 1) < 1e-6,
        "WATCHED": bool(told["WATCHED"]) == b.environments[0].alarmed,
    }  # fmt: skip
    for e in b.assessment.cost.environments:
        found = costs[FOLDERS[e.id]]
        right[f"total of {e.id}"] = abs(found["total"] - e.monthly_usd) <= 0.01
        right[f"budget of {e.id}"] = found["budget"] == b.budgets_usd.values[e.id]
        right[f"components of {e.id}"] = abs(sum(found["components"].values()) - e.monthly_usd) <= 0.5
    return [name for name, agrees in right.items() if not agrees]


def _costs(id: str) -> dict[str, Any]:
    return dict(json.loads(files(id)["delivery/costs.json"]))


def test_the_figures_are_those_of_the_plan(id: str) -> None:
    assert disagreements(id, settings(id, "production"), _costs(id)) == []


def _other(value: str) -> str:
    """The same with another first number."""
    return re.sub(r"\d+(\.\d+)?", lambda x: f"{float(x[0]) * 1.1 + 1:g}", value, count=1)


def test_another_figure_is_noticed(id: str) -> None:
    told, costs = settings(id, "production"), _costs(id)
    for name in ("RESTORE_MINUTES", "SHARES", "SECRET_DAYS", "MOST_ERRORS"):
        if name in told:
            assert disagreements(id, {**told, name: _other(told[name])}, costs) == [name]
    if blueprint(id).choice("cicd.deployment") == "canary":
        assert disagreements(id, {**told, "STEP_SECONDS": "601"}, costs) == ["STEP_SECONDS"]
    assert disagreements(id, {**told, "WATCHED": ""}, costs) == ["WATCHED"]
    for environment, folder in FOLDERS.items():
        for figure in ("total", "budget"):
            changed = {**costs, folder: {**costs[folder], figure: costs[folder][figure] + 1}}
            assert disagreements(id, told, changed) == [f"{figure} of {environment}"]
        parts = {**costs[folder]["components"], "another": 1}
        changed = {**costs, folder: {**costs[folder], "components": parts}}
        assert disagreements(id, told, changed) == [f"components of {environment}"]


def test_what_nobody_told_is_named_where_it_stands(id: str) -> None:
    told = files(id)["delivery/settings.env"] + files(id)["delivery/production.env"]
    for name in fact(blueprint(id))["to_set"]:
        assert re.search(rf"^# Set before the first run: .+\n{name}=", told, re.MULTILINE), name


# --- by the bytes, and without secrets -------------------------------------------------------------------


def _images(id: str) -> Iterator[str]:
    """Every image that any file names."""
    for path, text in files(id).items():
        if path.endswith("Dockerfile"):
            stages = set(re.findall(r" AS (\S+)$", text, re.MULTILINE))
            yield from (x for x in re.findall(r"^FROM (\S+)", text, re.MULTILINE) if x not in stages)
        if path.endswith(("compose.yaml", ".gitlab-ci.yml")):
            yield from re.findall(r"^\s*(?:- name|image): (\S+:\S+)$", text, re.MULTILINE)
    yield settings(id, "settings")["ZAP_IMAGE"]


def test_every_image_is_named_by_digest(id: str) -> None:
    found = list(_images(id))
    assert len(found) >= 5
    assert [x for x in found if not _DIGEST.search(x)] == []


def test_every_action_is_named_by_commit_with_its_version_beside(id: str) -> None:
    for path, text in files(id).items():
        if path.startswith(".github/workflows/"):
            foreign = [x for x in re.findall(r"uses: (.+)$", text, re.MULTILINE) if not x.startswith("$/")]
            assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", x) for x in foreign), path


def test_every_package_is_named_by_version(id: str) -> None:
    installed = re.findall(r"pip install --no-cache-dir (\S+)", files(id)["delivery/Dockerfile"])
    assert len(installed) >= 2
    assert all(re.fullmatch(r"[a-z-]+==\d+(\.\d+)+", x) for x in installed)


def test_every_pin_says_where_it_is_from() -> None:
    for group in ("images", "tools", "packages", "actions"):
        for name, pin in pins()[group].items():
            assert pin["source"].startswith("https://"), name


def test_no_workflow_has_more_rights_than_its_jobs_take(id: str) -> None:
    for path, text in files(id).items():
        if not path.startswith(".github/workflows/"):
            continue
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {}
        for name, job in workflow["jobs"].items():
            assert set(job["permissions"]) <= {"contents", "id-token", "packages"}, name
            writes = {k for k, v in job["permissions"].items() if v == "write"}
            assert writes <= ({"contents"} if name == "version" else {"id-token", "packages"}), name
            assert "timeout-minutes" in job or "uses" in job, name


def test_what_a_run_is_told_reaches_the_shell_as_a_variable(id: str) -> None:
    """An expression within a script would be put into it before the shell reads it."""
    for path, text in files(id).items():
        if path.startswith(".github/workflows/"):
            for job in yaml.safe_load(text)["jobs"].values():
                assert all("${{" not in step.get("run", "") for step in job.get("steps", ())), path


def test_no_key_of_a_cloud_is_stored_anywhere(id: str) -> None:
    text = "\n".join(files(id).values())
    assert not re.search(r"AKIA[0-9A-Z]{16}|-----BEGIN|\$\{\{ *secrets\.|client_secret=", text)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_of_people_reaches_what_a_shell_or_a_platform_runs(name: str) -> None:
    called = HOSTILE[name]
    for asked in (DESIGNS[_first("github")], DESIGNS[_first("gitlab")], DESIGNS[_first("jenkins")]):
        wanted = asked.model_copy(update={"name": called, "owner": called, "description": called})
        for artifact in delivery(Blueprint.of(evaluate(wanted))):
            assert called not in artifact.text
            assert called not in artifact.path


def _first(platform: str) -> str:
    return next(id for id in DESIGNS if f"-{platform}" in id)


# --- accepted by the tools -------------------------------------------------------------------------------


def _run(program: str, *arguments: str, folder: Path | None = None) -> None:
    found = find(program)
    assert found
    extra = {"PATH": f"{found.parent}:{os.environ['PATH']}"}
    done = subprocess.run([str(found), *arguments], cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, **extra})  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("shellcheck")
def test_shellcheck_has_nothing_to_say(id: str, tmp_path: Path) -> None:
    folder = written(files(id), tmp_path / "repository")
    scripts = [path for path in files(id) if path.endswith((".sh", ".env"))]
    _run("shellcheck", "--external-sources", "--format=gcc", *scripts, folder=folder)


@pytest.mark.needs("hadolint")
def test_hadolint_has_nothing_to_say(id: str, tmp_path: Path) -> None:
    folder = written(files(id), tmp_path / "repository")
    _run("hadolint", *(path for path in files(id) if path.endswith("Dockerfile")), folder=folder)


@pytest.mark.needs("actionlint", "zizmor")
def test_workflows_pass_actionlint_and_zizmor(tmp_path: Path) -> None:
    for id in DESIGNS:
        if blueprint(id).choice("cicd.platform") == "github-actions":
            folder = written(files(id), tmp_path / id)
            _run("actionlint", "-no-color", *_named(id, ".github/workflows/"), folder=folder)
            _run("zizmor", "--offline", "--no-progress", "--quiet", ".", folder=folder)


def _named(id: str, part: str) -> list[str]:
    return [path for path in files(id) if part in path]


@pytest.mark.needs("check-jsonschema")
@pytest.mark.parametrize(
    ("part", "schema"),
    [(".github/workflows/", "github-workflows"), (".github/dependabot.yml", "dependabot"),
     (".gitlab-ci.yml", "gitlab-ci"), ("renovate.json", "renovate"), ("/compose.yaml", "compose-spec")],
)  # fmt: skip
def test_files_keep_to_the_published_schemas(part: str, schema: str, tmp_path: Path) -> None:
    found = [str(written(files(id), tmp_path / id) / path) for id in DESIGNS for path in _named(id, part)]
    assert found
    _run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *found)


@pytest.mark.needs("checkov")
@pytest.mark.parametrize(
    "id", [next(id for id in DESIGNS if part in id) for part in ("-github-actions-", "-gitlab-ci-2")]
)
def test_checkov_has_nothing_to_say(id: str, tmp_path: Path) -> None:
    folder = written(files(id), tmp_path / "repository")
    _run("checkov", "--directory", str(folder), "--framework", "dockerfile", "github_actions", "gitlab_ci", "secrets",
         "--compact", "--quiet")  # fmt: skip


@pytest.mark.parametrize("id", [id for id in DESIGNS if "-gitlab-ci-" in id])
def test_gitlab_s_jobs_wait_for_jobs_that_run_in_the_same_pipeline(id: str) -> None:
    pipeline = yaml.safe_load(files(id)[".gitlab-ci.yml"])
    started = {rule["if"] for rule in pipeline["workflow"]["rules"]}
    jobs = {name: job for name, job in pipeline.items() if isinstance(job, dict) and "script" in job}
    for name, job in jobs.items():
        assert job["stage"] in pipeline["stages"], name
        when = {rule["if"] for rule in job["rules"]}
        assert when <= started, name
        for other in job.get("needs", ()):
            assert when <= {rule["if"] for rule in jobs[other]["rules"]}, f"{name} needs {other}"
    assert {job["stage"] for job in jobs.values()} == set(pipeline["stages"])


def test_workflows_wait_for_jobs_that_are_there(id: str) -> None:
    for path, text in files(id).items():
        if path.startswith(".github/workflows/"):
            jobs = yaml.safe_load(text)["jobs"]
            for name, job in jobs.items():
                needs = job.get("needs", [])
                assert set([needs] if isinstance(needs, str) else needs) <= set(jobs), f"{path} {name}"
                if "uses" in job:
                    called = yaml.safe_load(files(id)[job["uses"].removeprefix("$/")])
                    asked = called["on"]["workflow_call"]["inputs"]
                    assert set(job["with"]) == set(asked)


def test_no_two_reports_of_a_run_have_one_name(id: str) -> None:
    """GitHub refuses a second one; a workflow that is used by several jobs names them after what it is told."""
    for path, text in files(id).items():
        if path.startswith(".github/workflows/"):
            workflow = yaml.safe_load(text)
            kept = [s["with"]["name"] for job in workflow["jobs"].values() for s in job.get("steps", ())
                    if s["name"] == "Keep the reports"]  # fmt: skip
            assert len(kept) == len(set(kept)), path
            assert "workflow_call" not in workflow["on"] or all("inputs." in name for name in kept), path


# --- Jenkins ---------------------------------------------------------------------------------------------


def _braces_balance(text: str) -> bool:
    plain = re.sub(
        r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|//[^\n]*", "", re.sub(r"'''.*?'''", "", text, flags=re.DOTALL)
    )
    open_: list[str] = []
    for ch in plain:
        if ch in "{([":
            open_.append(ch)
        elif ch in "})]" and (not open_ or "{([".index(open_.pop()) != "})]".index(ch)):
            return False
    return not open_


def test_jenkins_pipelines_are_whole_and_their_stages_have_names_of_their_own(id: str) -> None:
    for path, text in files(id).items():
        if path.endswith("enkinsfile"):
            assert _braces_balance(text), path
            names = re.findall(r"stage\('((?:\\.|[^'])+)'\)", text)
            assert len(names) == len(set(names)) > 0, path
            assert text.count("\npipeline {") == 1, path
            for name in names:
                assert name.strip(), path


# --- versions --------------------------------------------------------------------------------------------


def _git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("last", "messages", "version"),
    [
        ("", ["first"], "v0.0.1"),
        ("v1.2.3", ["fix: a", "chore: b"], "v1.2.4"),
        ("v1.2.3", ["fix: a", "feat: b"], "v1.3.0"),
        ("v1.2.3", ["feat(api): b"], "v1.3.0"),
        ("v1.2.3", ["feat!: b"], "v2.0.0"),
        ("v1.2.3", ["fix(api)!: b"], "v2.0.0"),
        ("v1.2.3", ["fix: a\n\nBREAKING CHANGE: no more of it"], "v2.0.0"),
        ("v1.2.3", ["a feature: not one of the words"], "v1.2.4"),
        ("v1.2.3", [], "v1.2.3"),
    ],
)
def test_a_version_follows_from_what_commits_say(last: str, messages: list[str], version: str, tmp_path: Path) -> None:
    id = next(iter(DESIGNS))
    script = tmp_path / "version.sh"
    script.write_text(files(id)["delivery/version.sh"])
    _git(tmp_path, "init", "--quiet", "--initial-branch=main")
    if last:
        _git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=before")
        _git(tmp_path, "tag", "--annotate", last, "--message", last)
    for message in messages:
        _git(tmp_path, "commit", "--quiet", "--allow-empty", f"--message={message}")
    told = subprocess.run(["sh", str(script)], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == version
