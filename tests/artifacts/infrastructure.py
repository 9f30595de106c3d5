"""Generated Terraform as tests read it: what environments pass to modules, and which resources there are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import hcl2

from devops_workbook.artifacts.blueprint import FOLDERS
from devops_workbook.artifacts.repository import Repository, repository
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.scenario import examples, load

PROVIDERS = ("aws", "gcp", "azure")
CASES = [(name, provider) for name in examples() for provider in PROVIDERS]
_REFERENCE = re.compile(r"\$\{var\.(\w+)\}")
_RESOURCE = re.compile(r'^resource "(\w+)" "(\w+)"', re.MULTILINE)


@cache
def design(name: str, provider: str) -> Evaluation:
    """An example, moved to a provider's default region and written in Terraform."""
    requirements = load(examples()[name]).requirements
    moved = {} if requirements.provider == provider else {"provider": provider, "region": "", "secondary_region": ""}
    return evaluate(requirements.model_copy(update={**moved, "iac_tool": "terraform"}))


@cache
def code(name: str, provider: str) -> Repository:
    """Its repository."""
    return repository(design(name, provider))


@cache
def texts(made: Repository) -> Mapping[str, str]:
    """The files by path."""
    return {a.path: a.text for a in made.artifacts}


@cache
def passed(made: Repository, environment: str) -> Mapping[str, Mapping[str, Any]]:
    """What an environment passes to each module it calls: call -> argument -> value. References to its own variables
    are replaced by their values; other expressions stay as they are written."""
    folder = f"infrastructure/environments/{FOLDERS[environment]}"
    files = texts(made)
    values = _plain(hcl2.loads(files[f"{folder}/terraform.tfvars"]))
    calls = {
        _plain(name): _resolved(_plain(body), values)
        for block in hcl2.loads(files[f"{folder}/main.tf"])["module"]
        for name, body in block.items()
        if name != "__comments__"
    }
    return {name: body for name, body in calls.items() if values.get(f"{name}_enabled", True)}


@cache
def called(made: Repository, environment: str) -> str:
    """The text of all modules that an environment calls."""
    folders = {call["source"].removeprefix("../../") for call in passed(made, environment).values()}
    starts = tuple(f"infrastructure/{folder}/" for folder in folders)
    return "\n".join(text for path, text in texts(made).items() if path.startswith(starts) and path.endswith(".tf"))


def _plain(value: Any) -> Any:
    """The reader's output without its quotation marks and bookkeeping."""
    if isinstance(value, str):
        return value[1:-1] if value.startswith('"') and value.endswith('"') else value
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in value.items() if not k.startswith("__")}
    return value


def _resolved(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str) and (found := _REFERENCE.fullmatch(value)):
        return values.get(found[1], value)
    if isinstance(value, list):
        return [_resolved(v, values) for v in value]
    if isinstance(value, dict):
        return {k: _resolved(v, values) for k, v in value.items()}
    return value


def leaves(value: Any) -> Iterator[Any]:
    """Every scalar in a value."""
    if isinstance(value, dict):
        for k, v in value.items():
            yield k
            yield from leaves(v)
    elif isinstance(value, list):
        for v in value:
            yield from leaves(v)
    else:
        yield value


@cache
def declared(made: Repository) -> Mapping[str, set[tuple[str, str]]]:
    """The resources that the .tf files declare: file -> (type, name)."""
    files = ((path, text) for path, text in texts(made).items() if path.endswith(".tf"))
    return {path: set(_RESOURCE.findall(text)) for path, text in files if _RESOURCE.search(text)}
