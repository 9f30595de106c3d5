"""Images: of every service, in stages that test it before they build it, and of the tools that the pipeline works with.

A language has one Dockerfile (catalog/code/services). The first language is the service that the design sizes; the
others are built and tested in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.delivery.pins import filled, image, pins, source
from devops_workbook.artifacts.delivery.settings import FOLDER, fact
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.yaml import document

__all__ = ["containers", "services"]

_IGNORED = ".git\n.venv\nnode_modules\ntarget\nbin\nobj\nreports\n"
_COMMON_TOOLS = ("cosign", "gitleaks", "grype", "syft")
_COMMON_PACKAGES = ("checkov", "semgrep")


def services(b: Blueprint) -> dict[str, str]:
    """The services by name, with the language of each: the one that the design sizes is called "service"."""
    first, *others = b.requirements.languages
    return {"service": first, **{language: language for language in others}}


def containers(b: Blueprint) -> Iterator[Artifact]:
    """The images of services and of the toolbox."""
    for name, language in services(b).items():
        folder = f"services/{name}"
        text = filled(source(f"services/{language}.Dockerfile"), {"port": str(_port(b))})
        yield Artifact(f"{folder}/Dockerfile", text)
        yield Artifact(f"{folder}/.dockerignore", _IGNORED)
        yield Artifact(f"{folder}/compose.yaml", document(_compose(b), _COMPOSE_HEAD))
    yield Artifact(f"{FOLDER}/Dockerfile", _toolbox(b))


def _port(b: Blueprint) -> int:
    """Where the service listens: behind a platform that ends TLS itself, on the plain port."""
    return int(fact(b).get("ports", {}).get(b.component("compute").service, 8443))


_COMPOSE_HEAD = ["Integration tests of the service, against real copies of what it needs, thrown away after the run."]


def _compose(b: Blueprint) -> list[tuple[str, Any]]:
    tests: dict[str, Any] = {"build": {"context": ".", "target": "integration"}, "read_only": False}
    parts: dict[str, Any] = {"tests": tests}
    if b.has("database") and b.requirements.data_model == "relational":
        parts["database"] = {
            "image": image("postgres"),
            "environment": {"POSTGRES_DB": "app", "POSTGRES_USER": "app", "POSTGRES_HOST_AUTH_METHOD": "trust"},
            "healthcheck": {"test": ["CMD", "pg_isready", "--username", "app"], "interval": "1s", "retries": 30},
        }
        tests["environment"] = {"DATABASE_HOST": "database", "DATABASE_NAME": "app", "DATABASE_USER": "app"}
        tests["depends_on"] = {"database": {"condition": "service_healthy"}}
    return [("services", parts)]


# --- toolbox ---------------------------------------------------------------------------------------------


def _toolbox(b: Blueprint) -> str:
    tools = sorted({*_COMMON_TOOLS, *fact(b)["tools"], *_wanted(b)})
    packages = sorted({*_COMMON_PACKAGES, *fact(b)["packages"]})
    known = pins()["tools"]
    values = {
        "from": "\n".join(f"FROM {known[t]['ref']} AS {t}" for t in tools),
        "copy": "\n".join(line for t in tools for line in _copied(t, known[t])),
        "pip": "\n".join(_installed(p) for p in packages),
    }
    return filled(source("delivery/toolbox.Dockerfile"), values)


def _wanted(b: Blueprint) -> Iterator[str]:
    if b.provider.infrastructure_code(b.requirements.iac_tool) == "terraform":
        yield "terraform"
    if b.choice("infrastructure.compute") == "kubernetes":
        yield "kubectl"


def _copied(tool: str, pin: dict[str, Any]) -> Iterator[str]:
    yield from (f"COPY --from={tool} {there} {here}" for there, here in pin["copy"].items())
    yield from (f"RUN ln -s {there} {here}" for there, here in pin.get("link", {}).items())


def _installed(package: str) -> str:
    pin = pins()["packages"][package]
    home = f"/opt/{package}"
    return (f"RUN python -m venv {home} && {home}/bin/pip install --no-cache-dir {package}=={pin['version']} \\\n"
            f"    && ln -s {home}/bin/{pin['program']} /usr/local/bin/{pin['program']}")  # fmt: skip
