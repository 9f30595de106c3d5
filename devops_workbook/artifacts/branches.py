"""Which branches lead where, by how the team works with them: what pipelines do, and what the cloud lets them do."""

from __future__ import annotations

from collections.abc import Mapping

from devops_workbook.artifacts.blueprint import Blueprint

__all__ = ["branches_to", "built_branches"]

_MAIN = ("main",)
# Entra compares names as a whole, so a branch to stabilise may be called just "release".
_GITFLOW: Mapping[str, tuple[str, ...]] = {
    "development": ("develop",), "staging": ("release", "release/*", "hotfix/*"), "production": _MAIN,
}  # fmt: skip


def branches_to(b: Blueprint, environment: str) -> tuple[str, ...]:
    """The branches whose commits are released to an environment, as patterns of names: ("release/*",)."""
    return _GITFLOW[environment] if b.choice("cicd.branching") == "gitflow" else _MAIN


def built_branches(b: Blueprint) -> tuple[str, ...]:
    """The branches that images are pushed or looked up for."""
    return tuple(dict.fromkeys(x for e in b.environments for x in branches_to(b, e.environment)))
