"""Who answers for what, what protects branches and environments, and what proposes newer dependencies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.branches import branches_to, built_branches
from devops_workbook.artifacts.delivery.containers import services
from devops_workbook.artifacts.delivery.jobs import plans, releases, scans, tests
from devops_workbook.artifacts.delivery.pins import source
from devops_workbook.artifacts.delivery.settings import FOLDER
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.names import label_text
from devops_workbook.artifacts.yaml import document

__all__ = ["PLATFORM_TEAM_OWNS", "rules"]

_ECOSYSTEMS = {"python": "pip", "java": "maven", "go": "gomod", "node": "npm", "dotnet": "nuget"}
_COOL_DAYS = 7  # a release that was tampered with is mostly found within days
PLATFORM_TEAM_OWNS = (".github/", ".gitlab/", ".gitlab-ci.yml", "Jenkinsfile", "delivery/", "infrastructure/",
                      "kubernetes/", "observability/")  # fmt: skip
"""What only the platform team may change without being asked."""


def rules(b: Blueprint) -> Iterator[Artifact]:
    """The rules of the source host."""
    on_github = b.requirements.source_host == "github"
    yield Artifact(".github/CODEOWNERS" if on_github else ".gitlab/CODEOWNERS", _owners(b))
    yield from _on_github(b) if on_github else _on_gitlab(b)
    name = "github" if on_github else "gitlab"
    yield Artifact(".gitleaks.toml", source("delivery/gitleaks.toml"))
    yield Artifact(f"{FOLDER}/protect.sh", source(f"delivery/protect-{name}.sh"), executable=True)


def _owners(b: Blueprint) -> str:
    """Everybody owns the services; the platform team owns what ships and runs them."""
    group = f"@{label_text(b.requirements.owner, 30)}"
    lines = ["# Who is asked about a change. Set before the first change: the groups of your own.",
             f"* {group}/developers", *(f"/{path} {group}/platform" for path in PLATFORM_TEAM_OWNS)]  # fmt: skip
    return "\n".join(lines) + "\n"


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"


# --- GitHub ----------------------------------------------------------------------------------------------


def _on_github(b: Blueprint) -> Iterator[Artifact]:
    yield Artifact(".github/rulesets/released.json", _json(_ruleset(b)))
    yield Artifact(".github/environments.json", _json(dict(_environments(b))))
    yield Artifact(".github/dependabot.yml", document(_dependabot(b), ["What proposes newer dependencies, weekly."]))


def _ruleset(b: Blueprint) -> dict[str, Any]:
    """What holds on the branches that are released: https://docs.github.com/rest/repos/rules (2026-11)."""
    review = {
        "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": True, "require_code_owner_review": True,
        "require_last_push_approval": True, "required_review_thread_resolution": True,
    }  # fmt: skip
    checks = {
        "strict_required_status_checks_policy": True,
        "required_status_checks": [{"context": name} for name in _contexts(b)],
    }
    return {
        "name": "released branches", "target": "branch", "enforcement": "active", "bypass_actors": [],
        "conditions": {"ref_name": {"include": [f"refs/heads/{x}" for x in built_branches(b)], "exclude": []}},
        "rules": [{"type": "deletion"}, {"type": "non_fast_forward"}, {"type": "required_signatures"},
                  {"type": "pull_request", "parameters": review},
                  {"type": "required_status_checks", "parameters": checks}],
    }  # fmt: skip


def _contexts(b: Blueprint) -> Iterator[str]:
    """The names under which the checks of a pull request report."""
    for service in services(b):
        yield from (f"Tests of {service} / {job.title}" for job in tests(b, service))
    yield from (job.title for job in (*scans(b), *plans(b)))


def _environments(b: Blueprint) -> Iterator[tuple[str, Any]]:
    for e in b.environments:
        alone = not any(job.approved for job in releases(b, e.environment))
        settings = {
            "wait_timer": 0, "prevent_self_review": not alone,
            "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
        }  # fmt: skip
        yield e.environment, {"settings": settings, "branches": list(branches_to(b, e.environment))}


def _dependabot(b: Blueprint) -> list[tuple[str, Any]]:
    def weekly(ecosystem: str, *folders: str) -> dict[str, Any]:
        return {"package-ecosystem": ecosystem, "directories": list(folders),
                "schedule": {"interval": "weekly", "day": "monday"}, "cooldown": {"default-days": _COOL_DAYS},
                "groups": {ecosystem: {"patterns": ["*"]}}}  # fmt: skip

    folders = {name: f"/services/{name}" for name in services(b)}
    updates = [
        weekly("github-actions", "/"), weekly("docker", f"/{FOLDER}", *folders.values()),
        weekly("docker-compose", *folders.values()),
        *(weekly(_ECOSYSTEMS[language], folders[name]) for name, language in services(b).items()),
    ]  # fmt: skip
    if b.provider.infrastructure_code(b.requirements.iac_tool) == "terraform":
        updates.append(weekly("terraform", "/infrastructure/environments/*", "/infrastructure/shared"))
    return [("version", 2), ("updates", updates)]


# --- GitLab ----------------------------------------------------------------------------------------------


def _on_gitlab(b: Blueprint) -> Iterator[Artifact]:
    yield Artifact(".gitlab/protection.json", _json(_protection(b)))
    yield Artifact("renovate.json", _json(_RENOVATE))


def _protection(b: Blueprint) -> dict[str, Any]:
    """What holds on the branches and environments that are released: levels of https://docs.gitlab.com/api/
    protected_branches/ and protected_environments/ (2026-11)."""
    branches = [
        {"name": name, "push_access_level": 0, "merge_access_level": 30, "allow_force_push": False,
         "code_owner_approval_required": True}
        for name in built_branches(b)
    ]  # fmt: skip
    environments = []
    for e in b.environments:
        approved = any(job.approved for job in releases(b, e.environment))
        level = 40 if e.environment == "production" else 30
        found: dict[str, Any] = {"name": e.environment, "deploy_access_levels": [{"access_level": level}]}
        if approved:
            found["approval_rules"] = [{"access_level": 40, "required_approvals": 1}]
        environments.append(found)
    return {"branches": branches, "environments": environments}


_RENOVATE = {
    "$schema": "https://docs.renovatebot.com/renovate-schema.json",
    "extends": ["config:recommended", "docker:pinDigests", ":semanticCommits"],
    "schedule": ["* 0-5 * * 1"],
    "minimumReleaseAge": f"{_COOL_DAYS} days",
    "packageRules": [{"matchUpdateTypes": ["minor", "patch", "digest"], "groupName": "all that is not major"}],
    "vulnerabilityAlerts": {"enabled": True, "minimumReleaseAge": None},
}
