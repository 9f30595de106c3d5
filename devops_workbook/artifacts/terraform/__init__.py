"""Terraform code for a design.

One package beside this one for each provider, named as the catalog names it, knows the provider's resources. It gives

    configuration(b) -> Configuration     what the environments have in common: modules, providers, backends
    once(b) -> Sequence[Once]             what is applied once: bootstrap (state), shared (registry, pipeline identity)
    raised(b) -> Iterable[Alarm]          the alarms of one site that the code raises
    UNBUILT: Mapping[str, str]            roles that this provider builds nothing for, and why
    TO_SET: tuple[tuple[str, str], ...]   variables that hold a stand-in until a person sets them, and what they are

and everything else is mechanical and the same for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

from devops_workbook.artifacts.alarms import Alarm
from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.model import Artifact, Infrastructure, Trace, Unbuilt
from devops_workbook.artifacts.terraform.configuration import (
    Configuration,
    Once,
    environments,
    modules,
    standalone,
    traces,
    used,
)

__all__ = ["terraform"]

_OUTSIDE = {
    "users": "people and programs outside the design",
    "source_host": "the source host is set up where it lives; its repositories are not infrastructure",
    "pipeline": "pipelines are files of the repository; the identity they work under is in shared/",
    "transfer": "a charge for bytes that leave, not a resource",
    "on-call": "the paging service is set up in its own console; alarms reach it by the address they notify",
}

_APPLY = "terraform -chdir=infrastructure/{root} init\nterraform -chdir=infrastructure/{root} apply"
_STEPS = (
    ("Make the storage for the state. Its own state stays in its folder until then; keep it.",
     _APPLY.format(root="bootstrap")),
    ("Make what all environments share: the registry and the identities that the pipeline works under.",
     _APPLY.format(root="shared")),
    ("Build the environments, the least important first. Push the first image before an environment that runs it.",
     "\n".join(_APPLY.format(root=f"environments/{folder}") for folder in ("dev", "staging", "production"))),
)  # fmt: skip


class _Platform(Protocol):
    UNBUILT: Mapping[str, str]
    TO_SET: tuple[tuple[str, str], ...]

    def configuration(self, b: Blueprint) -> Configuration: ...

    def once(self, b: Blueprint) -> Sequence[Once]: ...

    def raised(self, b: Blueprint) -> Iterable[Alarm]: ...


def terraform(b: Blueprint) -> Infrastructure:
    """The Terraform code of a design: its files and what implements what.

    Raises ValueError if a component has neither a resource nor a reason why it has none.
    """
    platform = cast("_Platform", import_module(f"{__name__}.{b.provider.id}"))
    configuration = used(platform.configuration(b))
    artifacts: list[Artifact] = [*modules(configuration.calls), *environments(b, configuration)]
    traced: list[Trace] = list(traces(b, configuration))
    variables = {v.name for v in configuration.variables}
    for one in platform.once(b):
        files, found = standalone(b, one)
        artifacts += files
        traced += found
        variables |= set(one.module.variables)
    unbuilt = tuple(_unbuilt(b, traced, platform.UNBUILT))
    to_set = tuple((name, what) for name, what in platform.TO_SET if name in variables)
    return Infrastructure(tuple(artifacts), tuple(traced), unbuilt, to_set, _STEPS, tuple(platform.raised(b)))


def _unbuilt(b: Blueprint, traced: Iterable[Trace], reasons: Mapping[str, str]) -> Iterator[Unbuilt]:
    built = {trace.component for trace in traced}
    for component in b.topology.components:
        if component.id in built:
            continue
        why = reasons.get(component.role) or _OUTSIDE.get(component.id) or _OUTSIDE.get(component.role)
        if not why:
            raise ValueError(f"The component {component.id} ({component.service}) has no resource and no reason why.")
        yield Unbuilt(component.id, why)
