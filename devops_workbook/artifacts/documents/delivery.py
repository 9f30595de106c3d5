"""How a change reaches users: the jobs it passes, the branches, what is set up once, and the way back."""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint
from devops_workbook.artifacts.delivery.containers import services
from devops_workbook.artifacts.delivery.jobs import (
    Job,
    Line,
    builds,
    lines,
    nightly,
    plans,
    released_inside,
    releases,
    restore_months,
    restore_test,
    scans,
    tests,
)
from devops_workbook.artifacts.delivery.settings import fact, own_host, signed
from devops_workbook.artifacts.documents.operations import SECTION, decided
from devops_workbook.artifacts.documents.page import Page
from devops_workbook.render.markdown import bullets, escape, join, table

__all__ = ["delivery_page"]


def delivery_page(b: Blueprint) -> Page:
    """The page."""
    return Page("operations/delivery.md", "Delivery", SECTION, tuple(_blocks(b)))


def _blocks(b: Blueprint) -> Iterator[str]:
    checked = [*(job for s in services(b) for job in tests(b, s)), *scans(b), *plans(b)]
    yield join("## What every change passes", _table(checked))
    for line in lines(b):
        yield join(f"## {escape(line.title)}", _from(line), _table(list(_of(b, line))))
    yield join("## What the clock starts", _table([*nightly(b), restore_test(b)]), _every(b))
    yield join("## Stages", decided(b, "cicd.stages"))
    yield join("## Branches and versions", decided(b, "cicd.branching"),
               "`delivery/version.sh` works a version out from the messages of the commits since the last one, "
               "`delivery/tag.sh` marks what runs in production with it.")  # fmt: skip
    yield join("## Releases", decided(b, "cicd.deployment"), _services(b))
    yield join("## The way back, by hand", _BACK)
    yield join("## Set up once", bullets(_once(b)))


def _table(jobs: list[Job]) -> str:
    rows = [
        (escape(_about(job)), " ".join(f"`{_told(job, command)}`" for _, command in job.run), f"{job.minutes}")
        for job in jobs
    ]  # fmt: skip
    return table(("Job", "Runs", "Ends after, min"), rows, right=(2,))


def _told(job: Job, command: str) -> str:
    """A command with what the job is about in the place of its variables."""
    folder = FOLDERS.get(job.environment, "")
    return command.replace('"$SERVICE"', job.service).replace("$SERVICE", job.service).replace('"$ENVIRONMENT"', folder)


def _about(job: Job) -> str:
    title = f"{job.title} ({job.service})" if job.service and job.service not in job.title else job.title
    return f"{title}; a person agrees first" if job.approved else title


def _from(line: Line) -> str:
    return f"Every commit on {', '.join(f'`{x}`' for x in line.branches)}."


def _of(b: Blueprint, line: Line) -> Iterator[Job]:
    yield from builds(b, line)
    for environment in line.environments:
        yield from releases(b, environment)


def _every(b: Blueprint) -> str:
    months = restore_months(b)
    often = "every month" if months == 1 else f"every {months} months"
    job = restore_test(b)
    return f"Every night; the restore test of {FOLDERS[job.environment]} {often}."


def _services(b: Blueprint) -> str:
    first, *others = services(b)
    told = f"`services/{first}` is what runs as the service."
    if others:
        named = ", ".join(f"`services/{x}`" for x in others)
        told += f" {named}: built, tested and scanned in the same way, and released by whatever you add for it."
    return told


_BACK = """A release that fails, or that burns the error budget while it is watched, is taken back by
`delivery/release.sh` itself. Later, release the image before: its reference is in the reports of the run that released
it, and in the registry.

```sh
delivery/toolbox.sh delivery/release.sh production REGISTRY/NAME:TAG@sha256:...
```"""


def _once(b: Blueprint) -> Iterator[str]:
    yield (
        f"`delivery/settings.env` and the files beside it name what only you know; {escape(b.provider.title)} "
        "has told it in the outputs of `infrastructure/shared`."
    )
    yield "`delivery/protect.sh` protects branches and environments."
    if any(job.approved for job in releases(b, "production")):
        yield "Name who agrees to a release to production, and let nobody agree to a change of their own."
    if released_inside(b):
        yield (
            "A release reaches the cluster from inside its network alone: give it a runner there, with Docker "
            "(GitHub: labels `self-hosted` and `linux`; GitLab: the tag `inside`; Jenkins: an agent `docker`)."
        )
    if b.choice("cicd.platform") == "jenkins":
        system = b.names.system
        yield (
            f"Make the jobs `{system}-plan` (multibranch, from Jenkinsfile), `{system}-build`, "
            f"`{system}-release-dev`, `{system}-release-stg`, `{system}-release-prod` and `{system}-scheduled`; the "
            "files of the others are below `delivery/jenkins/`."
        )
        yield (
            "Plugins: OpenID Connect Provider (credentials `cloud-token`, for the audience of "
            "`delivery/settings.env`, and `signing-token`, for `sigstore`), Parameterized Scheduler; the credential "
            "`push-url` is the repository's address with the right to push a tag."
        )
    if b.choice("cicd.platform") == "gitlab-ci":
        yield (
            "Schedule the pipeline twice: every night with the variable `SCHEDULE` set to `nightly`, and as often "
            "as the restore test is due with `restore`. Let the job's token push tags to this project."
        )
    if own_host(b):
        yield (
            "Nobody's public certificate authority knows this platform: `SIGSTORE` in `delivery/settings.env` names "
            "one of your own (https://docs.sigstore.dev/certificate_authority/overview/)."
        )
    if signed(b):
        yield "Only images that `SIGNER_IDENTITY` signed are released."
    if fact(b).get("exact_subjects"):
        yield (
            "Entra compares the branch in a run's token as a whole: what stabilises a release is the branch "
            "`release`, and a plan is made of what was merged."
        )
