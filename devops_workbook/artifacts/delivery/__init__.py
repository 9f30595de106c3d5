"""What builds, checks and ships the system: scripts that run the same everywhere, and the pipeline that calls them.

`delivery/` holds the scripts, their settings and the image of their tools; the workflows of the platform that the plan
chose name them and nothing else. How an image is released is a matter of the compute service, how the pipeline signs in
one of the cloud: each is a script of its own (catalog/code/delivery), which is taken as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.delivery.containers import containers, services
from devops_workbook.artifacts.delivery.github import github
from devops_workbook.artifacts.delivery.gitlab import gitlab
from devops_workbook.artifacts.delivery.jenkins import jenkins
from devops_workbook.artifacts.delivery.pins import source
from devops_workbook.artifacts.delivery.rules import rules
from devops_workbook.artifacts.delivery.settings import FOLDER, fact, setting_files, signed, stages
from devops_workbook.artifacts.model import Artifact

__all__ = ["delivery", "first_run"]

_PLATFORMS: Mapping[str, Callable[[Blueprint], Iterable[Artifact]]] = {
    "github-actions": github, "gitlab-ci": gitlab, "jenkins": jenkins,
}  # fmt: skip
_ALWAYS = ("toolbox", "token", "test", "scan", "login", "registry", "image", "version", "tag", "release",
           "restore-test", "rotation")  # fmt: skip


def delivery(b: Blueprint) -> tuple[Artifact, ...]:
    """The pipeline of a design."""
    platform = _PLATFORMS[b.choice("cicd.platform")]
    return (*_scripts(b), *setting_files(b), *containers(b), *platform(b), *rules(b))


def first_run(b: Blueprint) -> tuple[tuple[str, str], ...]:
    """(what it does, commands) of what lets the pipeline run, in its order."""
    names = ", ".join(sorted(services(b)))
    host = "OWNER/REPOSITORY" if b.requirements.source_host == "github" else "GROUP/PROJECT"
    return (
        ("Fill in delivery/*.env where they say so, and put the code of each service where its Dockerfile looks for "
         f"it: {names}.", "delivery/test.sh service unit"),
        ("Protect branches and environments; from then on the pipeline releases.", f"delivery/protect.sh {host}"),
    )  # fmt: skip


def _scripts(b: Blueprint) -> Iterator[Artifact]:
    for name, path in _taken(b).items():
        yield Artifact(f"{FOLDER}/{name}.sh", source(f"delivery/{path}.sh"), executable=True)


def _taken(b: Blueprint) -> dict[str, str]:
    """The scripts by name, and where each is taken from."""
    reach, language = fact(b), b.provider.infrastructure_code(b.requirements.iac_tool)
    compute, database = b.component("compute").service, b.component("database").service
    released = reach["compute"][compute]
    # A stack says itself which image runs; only clusters are released to past it.
    if language == "cloudformation" and released != "kubernetes":
        released = "stacks"
    taken = {name: name for name in _ALWAYS}
    if signed(b) or "SBOM" in stages(b):
        taken["sign"] = "sign"
    if "Change record and approval" in stages(b):
        taken["change"] = "change"
    if "DAST" in stages(b):
        taken["dast"] = "dast"
    return taken | {
        "infrastructure": f"infrastructure/{language}",
        "cloud": f"cloud/{reach['cloud']}",
        "compute": f"compute/{released}",
        "database": f"database/{reach['databases'][database]}",
    }
