"""What is generated: a tree of files, and what each of them implements.

An `Artifact` is one file. A `Trace` ties one resource of the code to the component of the design that it implements;
`Unbuilt` says why a component has none. Together they account for every component and every resource.
"""

from __future__ import annotations

from dataclasses import dataclass

from devops_workbook.artifacts.alarms import Alarm

__all__ = ["Artifact", "Infrastructure", "Trace", "Unbuilt"]


@dataclass(frozen=True, slots=True)
class Artifact:
    """One generated file: its path below the repository's root, with slashes, and its text. executable: whether a
    person runs it."""

    path: str
    text: str
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Trace:
    """One resource of the code. root: the folder it is applied from ("infrastructure/environments/production");
    address: the tool's own name for it there ("module.data.aws_db_instance.primary"); component: of the topology, or a
    boundary of it; path: of the file that declares it."""

    root: str
    address: str
    type: str
    component: str
    path: str


@dataclass(frozen=True, slots=True)
class Unbuilt:
    """A component that no resource implements, and why."""

    component: str
    why: str


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """The infrastructure code of a design.

    artifacts: its files; traces and unbuilt: the account of what implements what; to_set: (name, what it is) of the
    values that nobody has told and that the code holds a stand-in for; steps: (what it does, commands) in the order in
    which a person applies it; alarms: those of one site that the code raises.
    """

    artifacts: tuple[Artifact, ...]
    traces: tuple[Trace, ...]
    unbuilt: tuple[Unbuilt, ...]
    to_set: tuple[tuple[str, str], ...] = ()
    steps: tuple[tuple[str, str], ...] = ()
    alarms: tuple[Alarm, ...] = ()
