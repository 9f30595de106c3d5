"""GitHub Actions: a workflow for each way of a change, and two that the others use, of a service and of an environment.

Every workflow begins without any permission; a job takes what it needs. Whatever a run is told reaches the shell as a
variable. A run for an environment is one of that environment, so that its protection (who agrees, which branches) and
its identity in the cloud hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint
from devops_workbook.artifacts.delivery.containers import services
from devops_workbook.artifacts.delivery.jobs import (
    Job,
    Line,
    builds,
    lines,
    nightly,
    plans,
    releases,
    restore_months,
    restore_test,
    scans,
    tests,
)
from devops_workbook.artifacts.delivery.pins import action
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.yaml import Beside, Noted, document

__all__ = ["github"]

_FOLDER = ".github/workflows"
_RUNNER = "ubuntu-24.04"
_INSIDE = ["self-hosted", "linux"]  # a runner of one's own, in the network of the environment
_KEPT_DAYS = 90
_READS = {"contents": "read"}
Sections = list[tuple[str, Any]]


def github(b: Blueprint) -> Iterator[Artifact]:
    """The workflows."""
    yield _workflow("service", _service(b), "Tests of one service; used by the other workflows.")
    yield _workflow("release", _release(b), "Releases an image to an environment; used by the other workflows.")
    yield _workflow("checks", _checks(b), "What every pull request passes before it may be merged.")
    for line in lines(b):
        yield _workflow(line.id, _line(b, line), f"{b.why('cicd.branching')}")
    yield _workflow("scheduled", _scheduled(b), "What is looked at because time passes.")


def _workflow(name: str, sections: Sections, told: str) -> Artifact:
    return Artifact(f"{_FOLDER}/{name}.yml", document(sections, [told]))


# --- workflows -------------------------------------------------------------------------------------------


def _service(b: Blueprint) -> Sections:
    asked = {"service": {"description": "Folder below services/", "type": "string", "required": True}}
    service = "${{ inputs.service }}"
    return [
        ("name", "Service"), ("on", {"workflow_call": {"inputs": asked}}), ("permissions", {}),
        ("jobs", {job.id: _job(b, job, {"SERVICE": service}, of=f"{service}-") for job in tests(b, "service")}),
    ]  # fmt: skip


def _release(b: Blueprint) -> Sections:
    """All jobs of any environment; those that only staging has say so themselves."""
    asked = {
        "environment": {"description": "Id of the environment", "type": "string", "required": True},
        "folder": {"description": "Its folder and settings", "type": "string", "required": True},
        "image": {"description": "The image, by digest", "type": "string", "required": True},
    }
    variables = {"ENVIRONMENT": "${{ inputs.folder }}", "IMAGE": "${{ inputs.image }}"}
    jobs: dict[str, Any] = {}
    # Production's release does all that any other does, and staging's tests are the only ones.
    release = next(releases(b, "production"))
    folder = "${{ inputs.folder }}-"
    jobs["release"] = _job(b, release, variables, environment="${{ inputs.environment }}", of=folder)
    jobs["release"]["name"] = "Release"
    jobs["release"]["concurrency"] = {"group": "release-${{ inputs.environment }}", "cancel-in-progress": False}
    for job in list(releases(b, "staging"))[1:]:
        jobs[job.id] = {
            "if": "inputs.environment == 'staging'",
            "needs": "release",
            **_job(b, job, variables, of=folder),
        }
    return [("name", "Release"), ("on", {"workflow_call": {"inputs": asked}}), ("permissions", {}), ("jobs", jobs)]


def _checks(b: Blueprint) -> Sections:
    targets = sorted({branch for line in lines(b) for branch in line.branches})
    jobs: dict[str, Any] = {f"test-{name}": _tested(name) for name in services(b)}
    jobs |= {job.id: _job(b, job) for job in scans(b)}
    for job in plans(b):
        plan = _job(b, job, {"ENVIRONMENT": FOLDERS[job.environment]})
        plan["steps"].insert(-1, {"name": "Tell", "run": 'cat reports/plan.md >>"$GITHUB_STEP_SUMMARY"'})
        # A fork has no identity in the cloud.
        jobs[job.id] = {"if": "github.event.pull_request.head.repo.full_name == github.repository", **plan}
    return [
        ("name", "Checks"), ("on", {"pull_request": {"branches": targets}}), ("permissions", {}),
        ("concurrency", {"group": "checks-${{ github.ref }}", "cancel-in-progress": True}), ("jobs", jobs),
    ]  # fmt: skip


def _tested(name: str) -> dict[str, Any]:
    return {
        "name": f"Tests of {name}",
        "permissions": _READS,
        "uses": f"$/{_FOLDER}/service.yml",
        "with": {"service": name},
    }


def _line(b: Blueprint, line: Line) -> Sections:
    jobs: dict[str, Any] = {f"test-{name}": _tested(name) for name in services(b)}
    tested = list(jobs)
    for job in builds(b, line):
        made = _job(b, job, {"SERVICE": job.service}, pushes=True)
        jobs[job.id] = {"needs": tested, "outputs": {"image": "${{ steps.image.outputs.image }}"}, **made}
    before = [job.id for job in builds(b, line)]
    for environment in line.environments:
        id = f"release-{FOLDERS[environment]}"
        jobs[id] = {
            "name": f"Release to {environment}", "needs": before, "permissions": _permissions(b, True, True),
            "uses": f"$/{_FOLDER}/release.yml",
            "with": {"environment": environment, "folder": FOLDERS[environment],
                     "image": "${{ needs.image-service.outputs.image }}"},
        }  # fmt: skip
        before = ["image-service", id]
    if "production" in line.environments:
        jobs["version"] = _version(before[-1])
    return [
        ("name", line.title), ("on", {"push": {"branches": list(line.branches)}}), ("permissions", {}),
        ("concurrency", Noted({"group": f"{line.id}-${{{{ github.ref }}}}", "cancel-in-progress": False},
                              "One after the other; a release is not broken off.")),
        ("jobs", jobs),
    ]  # fmt: skip


def _version(needs: str) -> dict[str, Any]:
    """Marks what went to production."""
    push = "https://x-access-token:${GH_TOKEN}@github.com/${GITHUB_REPOSITORY}.git"
    return {
        "name": "Version", "needs": needs, "runs-on": _RUNNER, "timeout-minutes": 10,
        "permissions": Noted({"contents": "write"}, "To push the tag."),
        "steps": [_checkout(history=True),
                  {"name": "Mark", "env": {"GH_TOKEN": "${{ github.token }}"},
                   "run": f'PUSH_URL="{push}" delivery/tag.sh'}],
    }  # fmt: skip


def _scheduled(b: Blueprint) -> Sections:
    months = restore_months(b)
    monthly = f"17 3 1 {'*' if months == 1 else f'*/{months}'} *"
    nights = "37 2 * * *"
    jobs: dict[str, Any] = {}
    for job in nightly(b):
        jobs[job.id] = {"if": f"github.event.schedule != '{monthly}'", **_job(b, job, _about(job))}
    restore = restore_test(b)
    jobs["restore"] = {
        "if": f"github.event.schedule != '{nights}'", **_job(b, restore, _about(restore), restore.environment)
    }  # fmt: skip
    return [
        ("name", "Scheduled"),
        ("on", {"schedule": [{"cron": nights}, {"cron": monthly}], "workflow_dispatch": {}}),
        ("permissions", {}), ("concurrency", {"group": "scheduled", "cancel-in-progress": False}), ("jobs", jobs),
    ]  # fmt: skip


def _about(job: Job) -> Mapping[str, str]:
    return {"ENVIRONMENT": FOLDERS[job.environment]} if job.environment else {}


# --- jobs ------------------------------------------------------------------------------------------------


def _job(
    b: Blueprint, job: Job, variables: Mapping[str, str] | None = None, environment: str = "", *, of: str = "",
    pushes: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A job in GitHub's words. environment: that it is a run of, "" = none; of: what its reports are named after, as
    no two of a run may have one name; pushes: whether it writes to a registry."""
    variables = variables or {}
    told: dict[str, Any] = {"name": job.title, "runs-on": _INSIDE if job.inside else _RUNNER,
                            "timeout-minutes": job.minutes}  # fmt: skip
    if environment:
        told["environment"] = environment
    told["permissions"] = _permissions(b, job.vouched, pushes)
    if variables:
        told["env"] = dict(variables)
    own = not b.has("registry") and (pushes or job.takes_image)
    steps = [_checkout(job.history), *_steps(job, _token(b) if own else {}), _kept(f"{of}{job.id}")]
    if pushes:
        steps.insert(-1, _put_out())
    return {**told, "steps": steps}


def _permissions(b: Blueprint, vouched: bool, pushes: bool) -> dict[str, str]:
    found = dict(_READS)
    if vouched:
        found["id-token"] = "write"
    if pushes and not b.has("registry"):
        found["packages"] = "write"
    return found


def _token(b: Blueprint) -> dict[str, str]:
    return {} if b.has("registry") else {"REGISTRY_TOKEN": "${{ github.token }}"}


def _checkout(history: bool) -> dict[str, Any]:
    uses, version = action("checkout")
    options: dict[str, Any] = {"persist-credentials": False}
    if history:
        options["fetch-depth"] = 0
    return {"name": "Check out", "uses": Beside(uses, version), "with": options}


def _steps(job: Job, token: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    for name, command in job.run:
        env = {"env": dict(token)} if token else {}
        yield {"name": name, **env, "run": command}


def _put_out() -> dict[str, Any]:
    return {"name": "Put out", "id": "image",
            "run": 'echo "image=$(cat "reports/$SERVICE.image")" >>"$GITHUB_OUTPUT"'}  # fmt: skip


def _kept(name: str) -> dict[str, Any]:
    uses, version = action("upload-artifact")
    options = {"name": f"{name}-${{{{ github.run_attempt }}}}", "path": "reports/", "if-no-files-found": "ignore",
               "retention-days": _KEPT_DAYS}  # fmt: skip
    return {"name": "Keep the reports", "if": "always()", "uses": Beside(uses, version), "with": options}
