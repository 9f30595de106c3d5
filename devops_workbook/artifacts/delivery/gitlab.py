"""GitLab CI/CD: one file, in which every job takes what it needs from a few hidden ones.

Jobs run in Docker's client beside a daemon of their own. GitLab vouches for a run with a token, whose subject is the
branch, so that protected branches and environments decide who may change what. What a run is told are variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
    restore_test,
    scans,
    tests,
)
from devops_workbook.artifacts.delivery.pins import image
from devops_workbook.artifacts.delivery.settings import audience, fact
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.yaml import Noted, document

__all__ = ["gitlab"]

_KEPT = "90 days"
_CHANGE = '$CI_PIPELINE_SOURCE == "merge_request_event"'
_NIGHTLY, _RESTORE = (f'$CI_PIPELINE_SOURCE == "schedule" && $SCHEDULE == "{x}"' for x in ("nightly", "restore"))
_STAGES = ("test", "plan", "build", "development", "staging", "try", "production", "version", "scheduled")
_TIERS = {"development": "development", "staging": "staging", "production": "production"}


def gitlab(b: Blueprint) -> Iterator[Artifact]:
    """The pipeline."""
    told = ["The pipeline. It is scheduled twice, with the variable SCHEDULE: nightly, and restore."]
    jobs = dict(_jobs(b))
    used = {str(job["stage"]) for job in jobs.values()}
    sections = [
        ("stages", [s for s in _STAGES if s in used]),
        ("workflow", {"rules": _rules(*_started(b))}),
        ("default", Noted(_default(), "A daemon of its own for every job, so that nothing of another is seen.")),
        ("variables", {"DOCKER_HOST": "tcp://docker:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_TLS_CERTDIR": "/certs",
                       "DOCKER_CERT_PATH": "/certs/client", "GIT_DEPTH": 1}),
        (".vouched", _vouched(b)),
        *jobs.items(),
    ]  # fmt: skip
    yield Artifact(".gitlab-ci.yml", document(sections, told, apart=False))


def _default() -> dict[str, Any]:
    return {
        "image": image("docker"),
        "services": [{"name": image("docker-daemon"), "alias": "docker"}],
        "interruptible": True,
        "artifacts": {"when": "always", "paths": ["reports/"], "expire_in": _KEPT},
    }


def _vouched(b: Blueprint) -> dict[str, Any]:
    """The tokens by which the cloud, and who signs images, know the run."""
    return {"id_tokens": {"OIDC_TOKEN": {"aud": audience(b)}, "SIGSTORE_ID_TOKEN": {"aud": "sigstore"}}}


def _rules(*conditions: str) -> list[dict[str, str]]:
    return [{"if": condition} for condition in conditions]


def _started(b: Blueprint) -> Iterator[str]:
    yield _CHANGE
    yield from (_on(line) for line in lines(b))
    yield from (_NIGHTLY, _RESTORE)


def _on(line: Line) -> str:
    """That a commit came to a branch of a line; a run that the clock started on it is another."""
    names = [re.escape(x).replace(r"\*", ".+").replace("/", r"\/") for x in line.branches]
    pattern = names[0] if len(names) == 1 else f"({'|'.join(names)})"
    if len(names) == 1:
        return f'$CI_COMMIT_BRANCH == "{line.branches[0]}" && $SCHEDULE == null'
    return f"$CI_COMMIT_BRANCH =~ /^{pattern}$/ && $SCHEDULE == null"


# --- jobs ------------------------------------------------------------------------------------------------


def _jobs(b: Blueprint) -> Iterator[tuple[str, dict[str, Any]]]:
    delivered = [_on(line) for line in lines(b)]
    for service in services(b):
        for job in tests(b, service):
            yield f"{job.id}-{service}", _job(b, job, "test", _rules(_CHANGE, *delivered), {"SERVICE": service})
    for job in scans(b):
        # What the nights look through is looked through by the same jobs.
        at = (_CHANGE, _NIGHTLY) if job.id in {j.id for j in nightly(b)} else (_CHANGE,)
        yield job.id, _job(b, job, "test", _rules(*at), {})
    for job in plans(b):
        told = {"ENVIRONMENT": FOLDERS[job.environment]}
        # Where the cloud knows branches by name alone, only what was merged has a plan.
        planned = delivered if fact(b).get("exact_subjects") else [_CHANGE]
        yield job.id, _job(b, job, "plan", _rules(*planned), told, needs=[])
    for line in lines(b):
        yield from _line(b, line)
    rotation = next(job for job in nightly(b) if job.vouched)
    for job, when in ((rotation, _NIGHTLY), (restore_test(b), _RESTORE)):
        yield job.id, _job(b, job, "scheduled", _rules(when), {"ENVIRONMENT": FOLDERS[job.environment]})


def _line(b: Blueprint, line: Line) -> Iterator[tuple[str, dict[str, Any]]]:
    several = len(lines(b)) > 1
    tested = [f"{job.id}-{service}" for service in services(b) for job in tests(b, service)]
    made = []
    for job in builds(b, line):
        id = f"{job.id}-{line.id}" if several else job.id
        yield id, _job(b, job, "build", _rules(_on(line)), {"SERVICE": job.service}, needs=tested, pushes=True)
        made.append(id)
    before: list[Any] = made
    for environment in line.environments:
        for job in releases(b, environment):
            id = f"{job.id}-{FOLDERS[environment]}" if job.id == "release" else job.id
            stage = environment if job.id == "release" else "try"
            yield id, _job(b, job, stage, _rules(_on(line)), {"ENVIRONMENT": FOLDERS[environment]}, needs=before)
            before = [*made, id] if job.deploys else [*before, id]
    if "production" in line.environments:
        yield "version", _version(_rules(_on(line)), before[-1])


def _job(
    b: Blueprint, job: Job, stage: str, rules: list[dict[str, str]], told: Mapping[str, Any], *,
    needs: list[Any] | None = None, pushes: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A job in GitLab's words. told: its variables; needs: jobs that it waits for, None = the stages before."""
    found: dict[str, Any] = {"stage": stage}
    if job.vouched:
        found["extends"] = ".vouched"
    if needs is not None:
        found["needs"] = needs
    found["rules"] = [{**rule, "when": "manual"} for rule in rules] if job.approved else rules
    if job.inside:
        found["tags"] = Noted(["inside"], "A runner inside the network, from which the cluster answers.")
    if job.deploys:
        found["environment"] = {"name": job.environment, "deployment_tier": _TIERS[job.environment]}
        found["resource_group"] = job.environment
        found["interruptible"] = False
    variables = dict(told)
    if job.history:
        variables["GIT_DEPTH"] = 0
    if not b.has("registry") and (pushes or job.takes_image):
        variables["REGISTRY_TOKEN"] = "$CI_JOB_TOKEN"  # noqa: S105 - the name of a variable
    if variables:
        found["variables"] = variables
    found["timeout"] = f"{job.minutes} minutes"
    reading = ['IMAGE="$(cat reports/service.image)"', "export IMAGE"] if job.takes_image else []
    return {**found, "script": [*reading, *(command for _, command in job.run)]}


def _version(rules: list[dict[str, str]], needs: str) -> dict[str, Any]:
    """Marks what went to production."""
    push = "https://gitlab-ci-token:${CI_JOB_TOKEN}@${CI_SERVER_HOST}/${CI_PROJECT_PATH}.git"
    return {
        "stage": "version", "needs": [needs], "rules": rules, "variables": {"GIT_DEPTH": 0}, "timeout": "10 minutes",
        "script": Noted([f'PUSH_URL="{push}" delivery/tag.sh'],
                        "Allow the job's token to push to the repository, in the settings of the project."),
    }  # fmt: skip
