"""Designs whose pipelines differ: every compute service, with every platform, way of branching, set of stages, strategy
and language among them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import cycle, product

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.delivery import delivery
from devops_workbook.artifacts.repository import repository
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements

COMPUTES = ("kubernetes", "containers", "functions", "vms")
PROVIDERS = ("aws", "gcp", "azure")
_PLATFORMS = (("github", "github-actions"), ("gitlab", "gitlab-ci"), ("self-hosted", "jenkins"),
              ("github", "jenkins"), ("self-hosted", "gitlab-ci"))  # fmt: skip
_STAGES = ("regulated", "standard", "essential")
_BRANCHING = ("trunk-based", "gitflow")
_STRATEGIES = ("canary", "blue-green", "rolling")
_CODE = ("terraform", "cloudformation", "terraform", "terraform", "cloudformation")
_LANGUAGES = (("python",), ("java", "go"), ("node",), ("dotnet", "python"), ("go",))


def _all() -> Iterator[tuple[str, Requirements]]:
    platforms, stages, branching = cycle(_PLATFORMS), cycle(_STAGES), cycle((*_BRANCHING, *reversed(_BRANCHING)))
    strategies, languages = cycle(_STRATEGIES), cycle(_LANGUAGES)
    approvals, tools = cycle(("none", "peer", "change-board")), cycle(_CODE)
    for _, provider, compute in product(range(2), PROVIDERS, COMPUTES):
        host, platform = next(platforms)
        strategy = next(strategies)
        overrides = {
            "cicd.platform": platform, "cicd.stages": next(stages), "cicd.branching": next(branching),
            "cicd.deployment": "canary" if compute == "functions" and strategy == "rolling" else strategy,
            "infrastructure.compute": compute,
        }  # fmt: skip
        asked = Requirements(
            name=f"Shop {provider} {compute}", owner="Shop team", provider=provider, source_host=host,  # type: ignore[arg-type]
            languages=next(languages), overrides=overrides, iac_tool=next(tools),  # type: ignore[arg-type]
            release_approval=next(approvals), kubernetes_skill="expert",  # type: ignore[arg-type]
        )  # fmt: skip
        yield f"{provider}-{compute}-{platform}-{len(asked.languages)}{'-stacks' if _stacks(asked) else ''}", asked


def _stacks(asked: Requirements) -> bool:
    return asked.provider == "aws" and asked.iac_tool == "cloudformation"


DESIGNS = dict(_all())


@cache
def blueprint(id: str) -> Blueprint:
    """A design by its id."""
    return Blueprint.of(evaluate(DESIGNS[id]))


@cache
def files(id: str) -> dict[str, str]:
    """The files that ship it, by path."""
    return {a.path: a.text for a in delivery(blueprint(id))}


@cache
def code(id: str) -> dict[str, str]:
    """All files of its repository, by path."""
    return {a.path: a.text for a in repository(evaluate(DESIGNS[id])).artifacts}
