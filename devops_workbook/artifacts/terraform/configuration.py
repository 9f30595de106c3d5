"""The configurations that are applied: bootstrap, what the environments share, and one for each environment.

All environments have the same main.tf, variables.tf and outputs.tf; they differ in the values of terraform.tfvars and
in where their state lies. A module that an environment goes without is called with `count = 0`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint, Each
from devops_workbook.artifacts.model import Artifact, Trace
from devops_workbook.artifacts.terraform.hcl import Bare, Block, Nested, Noted, Ref, assignments, raw, render
from devops_workbook.artifacts.terraform.module import Module, ProviderSource, Variable, Wire, declared, required
from devops_workbook.artifacts.terraform.readme import module_readme

__all__ = ["ROOT", "Configuration", "Once", "environments", "modules", "standalone", "traces", "used"]

ROOT = "infrastructure"


@dataclass(frozen=True)
class Configuration:
    """What the environments of one provider have in common.

    calls: the modules in the order they are read; variables: of the configuration itself, which modules refer to as
    `raw("var.<name>")`; locals: likewise `raw("local.<name>")`; settings: the provider blocks; providers: their
    sources; backend: environment id -> the backend's type and its attributes.
    """

    calls: tuple[Module, ...]
    variables: tuple[Variable, ...]
    locals: Mapping[str, Any]
    settings: tuple[Block, ...]
    providers: tuple[ProviderSource, ...]
    backend: Mapping[str, tuple[str, Mapping[str, Any]]]


# --- modules ---------------------------------------------------------------------------------------------


def modules(calls: Sequence[Module]) -> Iterator[Artifact]:
    """The files of all modules. Calls that share a folder must have written the same; ValueError names what differs."""
    written: dict[str, str] = {}
    for module in calls:
        for name, text in (*module.files(), ("README.md", module_readme(module))):
            path = f"{ROOT}/modules/{module.folder}/{name}"
            if written.setdefault(path, text) is text:
                yield Artifact(path, text)
            elif written[path] != text:
                raise ValueError(f"{path} differs between two calls: {_difference(written[path], text)}")


def _difference(one: str, other: str) -> str:
    pairs = zip(one.splitlines(), other.splitlines(), strict=False)
    return next((f"{a.strip()!r} and {b.strip()!r}" for a, b in pairs if a != b), "one is longer")


# --- environments ----------------------------------------------------------------------------------------


def used(c: Configuration) -> Configuration:
    """The same without variables that nothing refers to."""
    text = render([*_main(c), *c.settings])
    kept = tuple(v for v in c.variables if re.search(rf"\bvar\.{v.name}\b", text))
    return replace(c, variables=kept)


def environments(b: Blueprint, c: Configuration) -> Iterator[Artifact]:
    """The configuration of every environment."""
    shared = {
        "main.tf": render(_main(c), "The environment: every module, called once for each site."),
        "variables.tf": render(map(_root_variable, _root_variables(c))),
        "outputs.tf": render(_root_outputs(c)),
        "providers.tf": render(c.settings),
        "versions.tf": render([required(c.providers)]),
    }
    for deployment in b.environments:
        folder = f"{ROOT}/environments/{FOLDERS[deployment.environment]}"
        for name, text in shared.items():
            yield Artifact(f"{folder}/{name}", text)
        backend = _backend(*c.backend[deployment.environment])
        yield Artifact(f"{folder}/backend.tf", render([backend], "Where this environment's state lies."))
        values = dict(_values(c, deployment.environment))
        head = f"What {deployment.title.lower()} has for its own; everything else is the same in all environments."
        yield Artifact(f"{folder}/terraform.tfvars", assignments(values, head))


def _main(c: Configuration) -> Iterator[Block]:
    if c.locals:
        yield Block("locals", (), c.locals)
    for module in c.calls:
        body: dict[str, Any] = {}
        if module.optional:
            body["count"] = raw(f"var.{module.call}_enabled ? 1 : 0")
        if module.passed:
            body["providers"] = {Bare(name): raw(to) for name, to in module.passed.items()}
        body["source"] = f"../../modules/{module.folder}"
        for v in module.variables.values():
            value = _passed(module, v)
            body[v.name] = Noted(value, v.why) if v.why and not isinstance(value, Ref) else value
        yield Block("module", (module.call,), body)


def _differs(v: Variable) -> bool:
    return isinstance(v.value, Each) and not v.value.constant


def _passed(module: Module, v: Variable) -> Any:
    """What the environment passes: a reference to a variable of its own where the value differs."""
    if _differs(v):
        return raw(f"var.{module.call}_{v.name}")
    if isinstance(v.value, Each):
        return next((x for x in v.value.values.values() if x is not None), None)
    return _resolved(v.value)


def _resolved(value: Any) -> Any:
    if isinstance(value, Wire):
        return raw(
            f"one(module.{value.module}[*].{value.output})"
            if value.optional
            else f"module.{value.module}.{value.output}"
        )
    if isinstance(value, Mapping):
        return {k: _resolved(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_resolved(v) for v in value]
    return value


def _root_variables(c: Configuration) -> Iterator[Variable]:
    yield from c.variables
    for module in c.calls:
        if module.optional and module.present:
            told = f"Whether this environment has the module {module.call}."
            yield Variable(f"{module.call}_enabled", "bool", told, module.present, "", (), nullable=False)
        for v in module.variables.values():
            if _differs(v):
                missing = None in v.value.values.values()
                yield Variable(f"{module.call}_{v.name}", v.type, v.description, v.value, v.why, (), missing)


def _root_variable(v: Variable) -> Block:
    block = declared(v)
    return Block("variable", (v.name,), {**block.body, "default": None}) if v.nullable else block


def _values(c: Configuration, environment: str) -> Iterator[tuple[str, Any]]:
    """The values of one environment; a reason that several of them share stands above the first."""
    told: set[str] = {""}
    for v in _root_variables(c):
        value = v.value.values[environment] if isinstance(v.value, Each) else v.value
        if value is not None:
            yield v.name, value if v.why in told else Noted(value, v.why)
            told.add(v.why)


def _root_outputs(c: Configuration) -> Iterator[Block]:
    for module in c.calls:
        for output in module.outputs.values():
            if output.exported:
                value = _resolved(Wire(module.call, output.name, module.optional))
                body = {"description": output.description, "value": value}
                yield Block("output", (f"{module.call}_{output.name}",), body)


def traces(b: Blueprint, c: Configuration) -> Iterator[Trace]:
    """Which component every resource of every environment implements."""
    for deployment in b.environments:
        root = f"{ROOT}/environments/{FOLDERS[deployment.environment]}"
        for module in c.calls:
            if module.in_environment(deployment.environment):
                yield from _traces(b, module, root, f"module.{module.call}.")


def _traces(b: Blueprint, module: Module, root: str, prefix: str = "") -> Iterator[Trace]:
    folder = f"{ROOT}/modules/{module.folder}" if prefix else root
    for resource in module.resources:
        for id in resource.components:
            part = b.part(module.site.id(id) if module.site else id) or b.part(id)
            address = f"{prefix}{resource.type}.{resource.name}"
            if not part:
                raise ValueError(f"{address} implements {id}, which the design does not have.")
            yield Trace(root, address, resource.type, part, f"{folder}/{resource.file}")


# --- what is applied once --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Once:
    """A configuration that is a module itself: bootstrap, or what environments share.

    Its variables' values are plain (no `Each`, no `Wire`); without a backend its state stays in its folder.
    """

    module: Module
    settings: tuple[Block, ...]
    backend: tuple[str, Mapping[str, Any]] | None = None


def standalone(b: Blueprint, one: Once) -> tuple[list[Artifact], list[Trace]]:
    """The files of a configuration that is applied once, with its values beside it, and what it implements."""
    module = one.module
    texts = dict(module.files())
    texts["providers.tf"] = render(one.settings)
    texts["terraform.tfvars"] = assignments({v.name: _noted(v) for v in module.variables.values()})
    if one.backend:
        type, body = one.backend
        texts["backend.tf"] = render([_backend(type, body)], "Where this configuration's state lies.")
    texts["README.md"] = module_readme(module)
    folder = f"{ROOT}/{module.folder}"
    return [Artifact(f"{folder}/{n}", t) for n, t in texts.items()], list(_traces(b, module, folder))


def _backend(type: str, body: Mapping[str, Any]) -> Block:
    return Block("terraform", (), {"backend": Nested(type, **body)})


def _noted(v: Variable) -> Any:
    return Noted(v.value, v.why) if v.why else v.value
