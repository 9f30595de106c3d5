"""What a change passes on its way to production, whatever platform runs it.

A job is a list of commands, which are the scripts of `delivery/`, so that each runs on a laptop as it runs in the
pipeline. Which jobs there are follows from the stages of the plan, by their names; how they are written down is the
platform's business (`github`, `gitlab`, `jenkins`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint
from devops_workbook.artifacts.branches import branches_to
from devops_workbook.artifacts.delivery.containers import services
from devops_workbook.artifacts.delivery.settings import fact, signed, stages
from devops_workbook.assess.model import RestoreTest

__all__ = ["Job", "Line", "builds", "lines", "nightly", "plans", "released_inside", "releases", "restore_months",
           "restore_test", "scans", "tests"]  # fmt: skip

_TOOLBOX = "delivery/toolbox.sh"
_LONGEST_RUN = 300  # minutes; hosted runners end a job after six hours


@dataclass(frozen=True, slots=True)
class Job:
    """One job.

    id: unique in a line; title: what people read; run: what it does, and the command of each; minutes: after which it
    hangs; service, environment: what it is about, as variables SERVICE and ENVIRONMENT, "" = neither; vouched: whether
    the cloud must know the run; deploys: whether it is a run of its environment, under the identity that may change it
    and the protection that it has; approved: whether a person agrees before; history: whether it reads more than the
    last commit; takes_image: whether it needs the image that was built, as IMAGE; inside: whether it runs inside the
    network of the environment.
    """

    id: str
    title: str
    run: tuple[tuple[str, str], ...]
    minutes: int
    service: str = ""
    environment: str = ""
    vouched: bool = False
    deploys: bool = False
    approved: bool = False
    history: bool = False
    takes_image: bool = False
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One way of a change: from commits on a branch to environments, one after the other.

    branches: patterns of names; environments: ids; builds: whether images are made of these commits, or were made of
    those that were merged.
    """

    id: Literal["deliver", "development", "stabilise", "production"]
    title: str
    branches: tuple[str, ...]
    environments: tuple[str, ...]
    builds: bool = True


def lines(b: Blueprint) -> tuple[Line, ...]:
    """The ways of a change, by how the team branches."""
    if b.choice("cicd.branching") == "gitflow":
        return (
            Line("development", "Development", branches_to(b, "development"), ("development",)),
            Line("stabilise", "Staging", branches_to(b, "staging"), ("staging",)),
            Line("production", "Production", branches_to(b, "production"), ("production",), builds=False),
        )
    return (Line("deliver", "Delivery", branches_to(b, "production"), ("development", "staging", "production")),)


def _one(id: str, title: str, command: str, minutes: int, **more: Any) -> Job:
    """A job of one command."""
    return Job(id, title, ((title, command),), minutes, **more)


def tests(b: Blueprint, service: str) -> Iterator[Job]:
    """The tests of one service."""
    yield _one("unit", "Unit tests", 'delivery/test.sh "$SERVICE" unit', 20, service=service)
    if "Integration tests" in stages(b):
        yield _one("integration", "Integration tests", 'delivery/test.sh "$SERVICE" integration', 30, service=service)


def scans(b: Blueprint) -> Iterator[Job]:
    """What every change is looked through for."""
    title = "Static analysis" if "SAST" in stages(b) else "Static rules"
    yield _one("code", title, f"{_TOOLBOX} delivery/scan.sh code", 20)
    yield _one("dependencies", "Dependencies", f"{_TOOLBOX} delivery/scan.sh dependencies", 20)
    yield _one("secrets", "Secrets", f"{_TOOLBOX} delivery/scan.sh secrets", 20, history=True)
    yield _one("infrastructure", "Infrastructure code", f"{_TOOLBOX} delivery/scan.sh infrastructure", 20)


def plans(b: Blueprint) -> Iterator[Job]:
    """What a change would do to each environment, held against policy, with what is planned to be spent."""
    for e in reversed(b.environments):
        folder = FOLDERS[e.environment]
        yield _one(f"plan-{folder}", f"Plan of {e.title.lower()}",
                   f'{_TOOLBOX} delivery/infrastructure.sh plan "$ENVIRONMENT"', 30,
                   environment=e.environment, vouched=True)  # fmt: skip


def builds(b: Blueprint, line: Line) -> Iterator[Job]:
    """The images of a line: made and looked through, or those that were made before."""
    for service in services(b):
        if not line.builds:
            merged = 'delivery/image.sh "$SERVICE" "$(git rev-parse HEAD^2)"'
            yield _one(
                f"image-{service}", f"Image of {service}", merged, 30, service=service, vouched=True, history=True
            )
            continue
        reference = '"$(cat "reports/$SERVICE.image")"'
        run = [("Build", 'delivery/image.sh "$SERVICE"')]
        if b.choice("security.scanning") != "baseline":
            run.append(("Scan", f"{_TOOLBOX} delivery/scan.sh image {reference}"))
        if signed(b) or "SBOM" in stages(b):
            run.append(("Sign", f"{_TOOLBOX} delivery/sign.sh {reference}"))
        yield Job(f"image-{service}", f"Image of {service}", tuple(run), 45, service, vouched=True)


def released_inside(b: Blueprint) -> bool:
    """Whether a release reaches the compute service from inside its network alone."""
    return b.component("compute").service in fact(b).get("inside", ())


def releases(b: Blueprint, environment: str) -> Iterator[Job]:
    """What brings an image into an environment, and what is tried there."""
    production, found = environment == "production", stages(b)
    run = [("Apply the infrastructure", f'{_TOOLBOX} delivery/infrastructure.sh apply "$ENVIRONMENT"'),
           ("Release", f'{_TOOLBOX} delivery/release.sh "$ENVIRONMENT" "$IMAGE"')]  # fmt: skip
    if production and "Change record and approval" in found:
        run.insert(0, ("Record the change", f'{_TOOLBOX} delivery/change.sh "$ENVIRONMENT" "$IMAGE"'))
    approved = production and b.requirements.release_approval != "none"
    title = next(e.title for e in b.environments if e.environment == environment).lower()
    yield Job("release", f"Release to {title}", tuple(run), 120, environment=environment, vouched=True,
              deploys=True, approved=approved, takes_image=True, inside=released_inside(b))  # fmt: skip
    if environment == "staging" and "End-to-end tests" in found:
        yield _one("end-to-end", "End-to-end tests", 'delivery/test.sh service end-to-end "$ENVIRONMENT"', 45,
                   environment=environment)  # fmt: skip
    if environment == "staging" and "DAST" in found:
        yield _one("dast", "Dynamic scan", 'delivery/dast.sh "$ENVIRONMENT"', 60, environment=environment)


def nightly(b: Blueprint) -> Iterator[Job]:
    """What is looked through every night, because the world changes: the scans, and how old secrets are."""
    yield from (job for job in scans(b) if job.id in ("dependencies", "secrets"))
    yield _one("rotation", "Age of secrets", f'{_TOOLBOX} delivery/rotation.sh "$ENVIRONMENT"', 20,
               environment="production", vouched=True)  # fmt: skip


def restore_test(b: Blueprint) -> Job:
    """That the data can be restored in the time of the plan: production's, or, where a run cannot wait so long,
    that of staging."""
    planned = [t.minutes for t in _restores(b) if t.minutes is not None]
    longest = max(planned, default=_LONGEST_RUN)
    environment = "production" if longest <= _LONGEST_RUN else "staging"
    return _one("restore", "Restore test", f'{_TOOLBOX} delivery/restore-test.sh "$ENVIRONMENT"', _LONGEST_RUN + 30,
                environment=environment, vouched=True, deploys=True)  # fmt: skip


def restore_months(b: Blueprint) -> int:
    """Months between two tests of a restore, whole: 1, 3, 6 or 12."""
    days = min((t.every_days for t in _restores(b)), default=91)
    return max(m for m in (1, 3, 6, 12) if m == 1 or m * 30 <= days)


def _restores(b: Blueprint) -> list[RestoreTest]:
    return [t for t in b.assessment.recovery.tests if t.disruption == "deletion"]
