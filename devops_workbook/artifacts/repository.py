"""The generated repository: everything that a platform team inherits from one design, file by file.

Infrastructure code first, in the language the requirements ask for; `infrastructure/components.json` says which
resource implements which component of the design. `delivery/` and the pipeline that calls it build, check and ship the
service, `observability/` watches it where Prometheus does, `docs/` holds what people read to run it, with a runbook for
every alert, and the README says how to begin.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation import cloudformation
from devops_workbook.artifacts.delivery import delivery, first_run
from devops_workbook.artifacts.documents import documents
from devops_workbook.artifacts.folder import README, digest
from devops_workbook.artifacts.kubernetes import kubernetes, steps
from devops_workbook.artifacts.model import Artifact, Infrastructure
from devops_workbook.artifacts.observability import observability
from devops_workbook.artifacts.readme import readme
from devops_workbook.artifacts.terraform import terraform
from devops_workbook.evaluate import Evaluation

__all__ = ["COMPONENTS", "Repository", "carried_out", "repository"]

COMPONENTS = "infrastructure/components.json"
_LANGUAGES: Mapping[str, Callable[[Blueprint], Infrastructure]] = {
    "terraform": terraform,
    "cloudformation": cloudformation,
}


@dataclass(frozen=True, slots=True)
class Repository:
    """artifacts: the files by path, in order; infrastructure: the account of what implements what."""

    artifacts: tuple[Artifact, ...]
    infrastructure: Infrastructure

    @property
    def digest(self) -> str:
        """What tells this code from any other (see `folder.digest`)."""
        return digest({a.path: a.text.encode() for a in self.artifacts})


def repository(evaluation: Evaluation) -> Repository:
    """The repository of a design. The same evaluation always gives the same bytes."""
    b = Blueprint.of(evaluation)
    built = _LANGUAGES[b.provider.infrastructure_code(b.requirements.iac_tool)](b)
    built = replace(built, steps=(*built.steps, *steps(b), *first_run(b)))
    watched = observability(b)
    files = [
        *built.artifacts, *kubernetes(b), *delivery(b), *watched.artifacts, *documents(b, watched.alerts, built.alarms),
        Artifact(COMPONENTS, _components(b, built)),
    ]  # fmt: skip
    files.append(Artifact(README, readme(b, built, [a.path for a in files])))
    return Repository(tuple(sorted(files, key=lambda a: a.path)), built)


def carried_out(evaluation: Evaluation, made: Repository) -> Evaluation:
    """The evaluation, each of its decisions naming the folders of the code that carries it out."""
    decided = {c.id: c.decision for c in evaluation.topology.components}
    folders: dict[str, dict[str, None]] = {}
    for trace in made.infrastructure.traces:
        # What implements a boundary carries out the network's design.
        field = decided.get(trace.component, "infrastructure.network")
        folders.setdefault(field, {})[f"{PurePosixPath(trace.path).parent}/"] = None
    sections = tuple(
        replace(s, decisions=tuple(replace(d, artifacts=tuple(folders.get(d.id, ()))) for d in s.decisions))
        for s in evaluation.plan.sections
    )
    return replace(evaluation, plan=replace(evaluation.plan, sections=sections))


def _components(b: Blueprint, built: Infrastructure) -> str:
    """Each component of the design with its resources, or why it has none; each boundary with its resources."""
    reasons = {x.component: x.why for x in built.unbuilt}
    resources: dict[str, list[str]] = {}
    for trace in built.traces:
        resources.setdefault(trace.component, []).append(f"{trace.root}: {trace.address}")

    def account(ids: Iterable[str]) -> dict[str, object]:
        return {
            id: {"resources": resources.get(id, [])} | ({"why_none": reasons[id]} if id in reasons else {})
            for id in ids
        }

    found = {
        "components": account(c.id for c in b.topology.components),
        "boundaries": account(x.id for x in b.topology.boundaries if x.id in resources),
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
