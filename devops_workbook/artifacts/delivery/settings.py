"""What the scripts of the pipeline are told: names, places and limits, as shell variables.

`delivery/settings.env` holds for all environments, `delivery/<environment>.env` for one. No secret is among them: the
pipeline has none. Which settings a cloud's scripts read is a fact of the provider (catalog/code/<provider>.toml,
delivery); what nobody told stands there as an example, and is named where it must be set.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint
from devops_workbook.artifacts.delivery.pins import image
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.names import SHORT, label_text
from devops_workbook.artifacts.observability.model import number
from devops_workbook.artifacts.observability.rules import BURNS
from devops_workbook.design.deployments import Deployment

__all__ = ["FOLDER", "SIGNER", "audience", "fact", "identity", "own_host", "setting_files", "signed", "stages"]

FOLDER = "delivery"
_STEP_SECONDS, _WATCH_SECONDS, _ROLLOUT_SECONDS = 600, 600, 3600  # cicd.deployment: steps and gate; what hangs
_SHARES = {"canary": "5 25 50 100", "blue-green": "100", "rolling": "100"}  # per cent of the traffic
_PLACE = re.compile(r"\{(\w+)\}")
_SECRET_DAYS = re.compile(r"tokens every (\d+)|rotated every (\d+) days")
_HOSTS = {"github": "ghcr.io", "gitlab": "registry.gitlab.com", "self-hosted": "registry.example.com"}
_SIGNER_TO_SET = {
    "SIGNER_ISSUER": "who vouches for whoever signs images",
    "SIGNER_IDENTITY": "the repository, or the job, whose pipeline signs images",
}
SIGNER = {
    "github-actions": ("https://token.actions.githubusercontent.com", "https://github.com/{repository}/"),
    "gitlab-ci": ("https://gitlab.com", "https://gitlab.com/{repository}//"),
    "jenkins": ("https://jenkins.example.com/oidc", "https://jenkins.example.com/job/{system}-build/"),
}
"""Whose signature an image carries, by pipeline: who vouches for the signer, and how its name begins."""


def fact(b: Blueprint) -> Mapping[str, Any]:
    """How the pipeline reaches the provider."""
    found: Mapping[str, Any] = b.provider.code["delivery"]
    return found


def stages(b: Blueprint) -> frozenset[str]:
    """The names of the stages that the plan has."""
    return frozenset(label for label, _ in b.decision("cicd.stages").detail)


def signed(b: Blueprint) -> bool:
    """Whether only signed images may run."""
    return "SBOM and signing" in stages(b)


def own_host(b: Blueprint) -> bool:
    """Whether the pipeline runs where the public certificate authority of Sigstore knows nobody."""
    return b.requirements.source_host == "self-hosted" or b.choice("cicd.platform") == "jenkins"


def audience(b: Blueprint) -> str:
    """Whom the token of a run is for."""
    return str(fact(b)["audience"])


def identity(b: Blueprint, e: Deployment) -> str:
    """Under which name of the pipeline an environment is released."""
    return _filled(str(fact(b)["identity"]), _known(b, e))


def setting_files(b: Blueprint) -> Iterator[Artifact]:
    """The settings, and what each component is planned to cost, by environment."""
    to_set = {**fact(b)["to_set"], **(_SIGNER_TO_SET if signed(b) else {})}
    yield Artifact(f"{FOLDER}/settings.env", _written("What all environments share.", _shared(b), to_set))
    for e in b.environments:
        told = f"What {e.title.lower()} has for its own."
        yield Artifact(f"{FOLDER}/{FOLDERS[e.environment]}.env", _written(told, _of(b, e), fact(b)["to_set"]))
    yield Artifact(f"{FOLDER}/costs.json", json.dumps(_costs(b), indent=2) + "\n")


def _written(told: str, values: Mapping[str, str], to_set: Mapping[str, str]) -> str:
    lines = ["# shellcheck shell=bash disable=SC2034", f"# {told} Read by the scripts beside it; no secret is here."]
    for name, value in values.items():
        if name in to_set:
            lines.append(f"# Set before the first run: {to_set[name]}.")
        lines.append(f"{name}={shlex.quote(value) if value else ''}")
    return "\n".join(lines) + "\n"


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: known.get(found[1], found[0]), text)


def _repository(b: Blueprint) -> str:
    return f"{label_text(b.requirements.owner, 30)}/{b.names.system}"


def _registry(b: Blueprint) -> tuple[str, str]:
    """Where images go, and who Docker signs in as."""
    if b.has("registry"):
        known = _known(b, b.environments[0]) | {"region": b.component("registry").region}
        return _filled(str(fact(b)["registry"]), known), str(fact(b)["registry_user"])
    return f"{_HOSTS[b.requirements.source_host]}/{_repository(b)}", "pipeline"


def _shared(b: Blueprint) -> dict[str, str]:
    registry, user = _registry(b)
    known = _known(b, b.environments[0])
    issuer, signer = SIGNER[b.choice("cicd.platform")]
    if b.requirements.source_host == "self-hosted":
        issuer, signer = (x.replace("https://gitlab.com", "https://git.example.com") for x in (issuer, signer))
    own = "--fulcio-url https://fulcio.example.com --rekor-url https://rekor.example.com" if own_host(b) else ""
    return {
        "SYSTEM": b.names.system,
        "REGISTRY": registry,
        "REGISTRY_USER": user,
        "PLATFORM": _platform(b),
        "OIDC_AUDIENCE": audience(b),
        "SIGNED": "yes" if signed(b) else "",
        "SIGSTORE": own,
        "SIGNER_ISSUER": issuer,
        "SIGNER_IDENTITY": f"^{re.escape(_filled(signer, known | {'repository': _repository(b)}))}",
        "ZAP_IMAGE": image("zap"),
        **{name: _filled(value, known) for name, value in fact(b)["once"].items()},
    }


def _platform(b: Blueprint) -> str:
    """The processors that the image is for: those of the machines, where the design names machines."""
    sku = b.component("compute").sku
    arm = sku in b.provider.instances and b.provider.instances[sku].arch == "arm"
    return "linux/arm64" if arm else "linux/amd64"


def _of(b: Blueprint, e: Deployment) -> dict[str, str]:
    """The settings of one environment."""
    known, strategy = _known(b, e), b.choice("cicd.deployment")
    domain = str(b.domains.values[e.environment])
    suffixes = [site.suffix for site in b.sites if site.region.id in e.regions]
    reached = b.requirements.public_facing and b.has("entry")
    codedeploy = strategy != "rolling" and b.has("entry")
    return {
        "PREFIX": b.names.of(e.environment),
        "IDENTITY": identity(b, e),
        "DOMAIN": domain,
        "PROBE": f"https://{domain}/health" if reached else "",
        "SHARES": _SHARES[strategy],
        "STEP_SECONDS": str(_STEP_SECONDS),
        "WATCHED": "yes" if e.alarmed else "",
        "WATCH_SECONDS": str(_WATCH_SECONDS if e.environment != "development" else 0),
        "ROLLOUT_SECONDS": str(_ROLLOUT_SECONDS),
        "RESTORE_MINUTES": _restore_minutes(b),
        "SECRET_DAYS": _secret_days(b),
        "WORKLOAD": "deployment" if strategy == "rolling" else "rollout.argoproj.io",
        "OVERLAYS": " ".join(f"{FOLDERS[e.environment]}{s}" for s in suffixes),
        "SITES": " ".join(f"site{s}" for s in suffixes),
        "CODEDEPLOY": "yes" if codedeploy else "",
        "INGRESS": "" if b.has("intake") else "yes",
        **{name: _filled(value, known) for name, value in fact(b)["each"].items()},
    }


def _known(b: Blueprint, e: Deployment) -> dict[str, str]:
    """What the facts of a provider may refer to."""
    names, prefix = b.names, b.names.of(e.environment)
    terraform = b.provider.infrastructure_code(b.requirements.iac_tool) == "terraform"
    suffixes = [site.suffix for site in b.sites if site.region.id in e.regions]
    budget = 1 - b.requirements.availability_target_pct / 100
    return {
        "system": names.system,
        "prefix": prefix,
        "short": SHORT[e.environment],
        "environment": e.environment,
        "region": e.regions[0],
        "regions": " ".join(e.regions),
        "project": prefix if len(prefix) >= 6 else f"{prefix}-gcp",
        "shared_project": names.of("shared"),
        "registry_name": names.compact("shared", "registry", 40),
        "groups": " ".join(f"{prefix}-rg{s}" for s in suffixes),
        "app": names.compact(e.environment, "func", 32),
        "app_2": names.compact(e.environment, "func-2", 32),
        "applier": "apply" if terraform else "release",
        "deployer": "deploy" if terraform else "release",
        "internal": "" if b.requirements.public_facing else "internal_",
        "most_errors": number(BURNS[0].rate * budget),
    }


def _restore_minutes(b: Blueprint) -> str:
    """The clock at the end of a restore, as the plan has it; the RTO itself where the plan does not know."""
    recovery = b.assessment.recovery
    known = [t.minutes for t in recovery.tests if t.disruption == "deletion" and t.minutes is not None]
    return f"{max(known, default=recovery.rto_target_minutes):.0f}"


def _secret_days(b: Blueprint) -> str:
    """Days after which a secret that nothing rotates is too old, as the plan says it."""
    told = " ".join(text for _, text in b.decision("security.secrets").detail)
    found = _SECRET_DAYS.search(told)
    assert found, "every way of keeping secrets says how old one may get"
    return found[1] or found[2]


def _costs(b: Blueprint) -> dict[str, Any]:
    """What each environment is planned to cost a month, in whole, by component, and its budget, USD."""
    cost, found = b.assessment.cost, dict[str, Any]()
    for e in cost.environments:
        parts: dict[str, float] = {}
        for line in cost.lines:
            if line.environment == e.id and line.monthly_usd is not None:
                parts[line.component] = round(parts.get(line.component, 0.0) + line.monthly_usd, 2)
        whole = {"total": round(e.monthly_usd, 2), "budget": b.budgets_usd.values[e.id], "components": parts}
        found[FOLDERS[e.id]] = whole
    return found
