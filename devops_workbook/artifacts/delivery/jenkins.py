"""Jenkins: a declarative pipeline for what changes pass, one that builds, one that releases, one that the clock starts.

Jenkins vouches for a run with a token whose subject is the job, so that each has its own: `<system>-plan` (of the
branches, from `Jenkinsfile`), `<system>-build`, a `<system>-release-<environment>` for each environment, and
`<system>-scheduled`, all made once from the files below `delivery/jenkins/`. A release job is told the image and the
commit; which environment it is for, its name says, and nobody who starts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from textwrap import wrap

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint
from devops_workbook.artifacts.delivery.containers import services
from devops_workbook.artifacts.delivery.jobs import (
    Job,
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
from devops_workbook.artifacts.delivery.settings import FOLDER, fact
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.names import SHORT

__all__ = ["jenkins"]

_CREDENTIALS = {"OIDC_TOKEN": "cloud-token", "SIGSTORE_ID_TOKEN": "signing-token"}  # ids in Jenkins
_INDENT = "    "


def jenkins(b: Blueprint) -> Iterator[Artifact]:
    """The pipelines."""
    yield Artifact("Jenkinsfile", _checks(b))
    yield Artifact(f"{FOLDER}/jenkins/build.Jenkinsfile", _build(b))
    yield Artifact(f"{FOLDER}/jenkins/release.Jenkinsfile", _release(b))
    yield Artifact(f"{FOLDER}/jenkins/scheduled.Jenkinsfile", _scheduled(b))


# --- Groovy ----------------------------------------------------------------------------------------------


def _quoted(text: str) -> str:
    """`text` as a Groovy string that nothing is put into."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _block(head: str, lines: Iterable[str]) -> list[str]:
    return [f"{head} {{", *(f"{_INDENT}{line}" if line else "" for line in lines), "}"]


def _pipeline(told: str, options: Iterable[str], stages: Iterable[str], more: Iterable[str] = ()) -> str:
    post = _block("always", ["archiveArtifacts artifacts: 'reports/**', allowEmptyArchive: true", "deleteDir()"])
    body = [
        "agent { label 'docker' }",
        *_block("options", ["disableConcurrentBuilds()", "buildDiscarder(logRotator(daysToKeepStr: '90'))", *options]),
        *more, *_block("stages", stages), *_block("post", post),
    ]  # fmt: skip
    return "\n".join([*(f"// {line}" for line in wrap(told, 107)), *_block("pipeline", body)]) + "\n"


def _stage(b: Blueprint, job: Job, *, when: str = "", image: bool = False, asks: Iterable[str] = ()) -> list[str]:
    """A job as a stage: what it is told, and its commands one after the other."""
    told = {"SERVICE": job.service, "ENVIRONMENT": FOLDERS.get(job.environment, "")}
    variables = [f"{name} = {_quoted(value)}" for name, value in told.items() if value]
    commands = [f"sh {_quoted(command)}" for _, command in job.run]
    if job.vouched:
        held = {**_CREDENTIALS, **_own_registry(b)}
        vouchers = [f"string(credentialsId: '{id}', variable: '{variable}')," for variable, id in held.items()]
        vouchers[-1] = vouchers[-1].removesuffix(",")
        commands = ["withCredentials([", *(f"{_INDENT}{x}" for x in vouchers), *_block("])", commands)]
    body = [
        *([f"when {{ {when} }}"] if when else []), *asks,
        f"options {{ timeout(time: {job.minutes}, unit: 'MINUTES') }}",
        *(_block("environment", variables) if variables and not image else []),
        *_block("steps", commands),
    ]  # fmt: skip
    return _block(f"stage({_quoted(job.title)})", body)


def _own_registry(b: Blueprint) -> dict[str, str]:
    return {} if b.has("registry") else {"REGISTRY_TOKEN": "registry-token"}


def _branch(names: Iterable[str]) -> str:
    found = [f"branch '{name}'" for name in names]
    return found[0] if len(found) == 1 else f"anyOf {{ {'; '.join(found)} }}"


# --- pipelines -------------------------------------------------------------------------------------------


def _checks(b: Blueprint) -> str:
    """What every branch passes; what a delivery begins with."""
    stages: list[str] = []
    for service in services(b):
        for job in tests(b, service):
            several = f" of {service}" if len(services(b)) > 1 else ""
            stages += _stage(b, Job(job.id, f"{job.title}{several}", job.run, job.minutes, service=service))
    for job in scans(b):
        stages += _stage(b, job)
    for job in plans(b):
        # Where the cloud knows branches by name alone, only what was merged has a plan.
        branches = _branch(x for line in lines(b) for x in line.branches)
        stages += _stage(b, job, when=branches if fact(b).get("exact_subjects") else "changeRequest()")
    for line in lines(b):
        build = [f"build job: {_quoted(f'{b.names.system}-build')}, wait: false,",
                 "    parameters: [string(name: 'COMMIT', value: env.GIT_COMMIT),",
                 f"                 string(name: 'LINE', value: {_quoted(line.id)})]"]  # fmt: skip
        stages += _block(f"stage({_quoted(line.title)})",
                         [f"when {{ {_branch(line.branches)} }}", *_block("steps", build)])  # fmt: skip
    told = f"What every change passes. The multibranch job {b.names.system}-plan reads this file."
    return _pipeline(told, ["timeout(time: 3, unit: 'HOURS')"], stages)


def _parameters(*names: tuple[str, str]) -> list[str]:
    return _block("parameters", [f"string(name: {_quoted(n)}, description: {_quoted(told)})" for n, told in names])


def _build(b: Blueprint) -> str:
    """The images of a commit, and then the releases of its line."""
    stages = _block("stage('Check out')", _block("steps", ["sh 'git checkout --detach \"$COMMIT\"'"]))
    several = len(lines(b)) > 1
    for line in lines(b):
        chosen = f"expression {{ params.LINE == '{line.id}' }}" if several else ""
        for job in builds(b, line):
            title = f"{job.title}, {line.title.lower()}" if several else job.title
            stages += _stage(b, replace(job, title=title), when=chosen)
        for environment in line.environments:
            start = [
                f"build job: {_quoted(f'{b.names.system}-release-{SHORT[environment]}')}, parameters: [",
                "    string(name: 'COMMIT', value: params.COMMIT),",
                "    string(name: 'IMAGE', value: readFile('reports/service.image').trim())]",
            ]
            body = [*([f"when {{ {chosen} }}"] if chosen else []), *_block("steps", start)]
            stages += _block(f"stage({_quoted(f'Release to {environment}')})", body)
    told = f"Builds the images of a commit and has them released. The job {b.names.system}-build reads this file."
    asked = _parameters(("COMMIT", "What to build"), ("LINE", f"One of {', '.join(x.id for x in lines(b))}"))
    return _pipeline(told, ["timeout(time: 12, unit: 'HOURS')"], stages, asked)


def _release(b: Blueprint) -> str:
    """A release; the name of the job says of which environment."""
    suffixes = {SHORT[e.environment]: FOLDERS[e.environment] for e in b.environments}
    ways = ", ".join(f"{_quoted(short)}: {_quoted(folder)}" for short, folder in suffixes.items())
    chosen = ['ENVIRONMENT = "${[' + ways + "][env.JOB_BASE_NAME.tokenize('-').last()]}\""]
    stages = _block("stage('Check out')", _block("steps", ["sh 'git checkout --detach \"${COMMIT:-HEAD}\"'"]))
    production = next(releases(b, "production"))
    given, here = "expression { params.IMAGE != '' }", "environment name: 'ENVIRONMENT', value: "
    if production.approved:
        asks = ["when { beforeInput true; " + given + "; " + here + "'production' }",
                *_block("input", ["message 'Release to production?'", "submitter 'release-approvers'"]),
                *_block("steps", ["echo 'Approved.'"])]  # fmt: skip
        stages += _block("stage('Approval')", asks)
    stages += _stage(b, Job("release", "Release", production.run, production.minutes, vouched=True), when=given)
    for job in list(releases(b, "staging"))[1:]:
        bare = Job(job.id, job.title, job.run, job.minutes)
        stages += _stage(b, bare, when=f"{given}; {here}'staging'")
    tried = replace(restore_test(b), environment="")
    stages += _stage(b, tried, when="expression { params.IMAGE == '' }")
    mark = ['withCredentials([string(credentialsId: \'push-url\', variable: \'PUSH_URL\')]) {',
            "    sh 'delivery/tag.sh'", "}"]  # fmt: skip
    stages += _block("stage('Version')", ["when { " + given + "; " + here + "'production' }", *_block("steps", mark)])
    told = (f"Releases an image; without one, tests a restore. The jobs {b.names.system}-release-<environment> read "
            "this file; the last word of a job's name says which environment it is for.")  # fmt: skip
    asked = _parameters(("COMMIT", "What the image was built of"), ("IMAGE", "The image, by digest; none for a test"))
    return _pipeline(told, ["timeout(time: 8, unit: 'HOURS')"], stages, [*asked, *_block("environment", chosen)])


def _scheduled(b: Blueprint) -> str:
    """What is looked at because time passes."""
    months = restore_months(b)
    month = "*" if months == 1 else f"*/{months}"
    cron = _block(
        "triggers", [f"parameterizedCron('''\nH 2 * * * %SCHEDULE=nightly\nH 3 1 {month} * %SCHEDULE=restore\n''')"]
    )
    stages: list[str] = []
    for job in nightly(b):
        stages += _stage(b, job, when="expression { params.SCHEDULE == 'nightly' }")
    tried = f"{b.names.system}-release-{SHORT[restore_test(b).environment]}"
    stages += _block("stage('Restore test')",
                     ["when { expression { params.SCHEDULE == 'restore' } }",
                      *_block("steps", [f"build job: {_quoted(tried)}"])])  # fmt: skip
    told = f"What is looked at because time passes. The job {b.names.system}-scheduled reads this file."
    asked = _parameters(("SCHEDULE", "nightly or restore"))
    return _pipeline(told, ["timeout(time: 12, unit: 'HOURS')"], stages, [*cron, *asked])
