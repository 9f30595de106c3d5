"""What the data template gives to others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from devops_workbook.artifacts.cloudformation.template import Resource, Template

__all__ = ["Stored"]


@dataclass
class Stored:
    """The template, and what others take of it.

    grants: statements that let the service use what is stored; settings: environment variables by which it finds it;
    keys: uses of the keys that the service itself needs for it; backed_up: gives the ARN of what backups are made of,
    as a template says it; watched: dimensions of the database's metrics; queue: where work waits; held:
    dimensions of its metrics.
    """

    template: Template
    grants: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    backed_up: Callable[[Template], Any] | None = None
    keys: set[str] = field(default_factory=set)
    watched: dict[str, Any] = field(default_factory=dict)
    queue: Resource | None = None
    held: dict[str, Any] = field(default_factory=dict)
