"""Terraform modules, and the environments that call them.

A generator builds a `Module` the way a person would write one: it declares a variable and gets the reference to it, it
declares a resource and gets the reference to that, and it names the component of the design which the resource
implements. What a caller passes is stated with the variable: a value, one for each environment (`Each`), an expression
of the calling configuration (`raw`), or another module's output (`Wire`).

The configuration of an environment (see `configuration`) is then mechanical: one call for each module, literals for
what is the same everywhere, a variable with its value in terraform.tfvars for what differs. Two sites that are built
alike share one module's folder; that they are alike is checked, not assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devops_workbook.artifacts.blueprint import Each, Site
from devops_workbook.artifacts.terraform.hcl import Block, Nested, Ref, raw, render

__all__ = ["LANGUAGE", "Module", "Output", "ProviderSource", "Resource", "Variable", "Wire", "declared", "required"]

_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class ProviderSource:
    """A provider that a module needs: its local name, where it comes from and which versions; aliases: further
    configurations of it that callers pass, such as ("copy",)."""

    name: str
    source: str
    version: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wire:
    """Another module's output, as a variable's value. A list or mapping may hold several."""

    module: str
    output: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Variable:
    """A module's variable. type: as Terraform writes it; value: what callers pass; why: the reason for the value, for
    a comment beside it; checks: (condition, message) pairs."""

    name: str
    type: str
    description: str
    value: Any
    why: str
    checks: tuple[tuple[str, str], ...]
    nullable: bool


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a module, the components that it implements (ids of the first site), and its file."""

    type: str
    name: str
    components: tuple[str, ...]
    file: str


@dataclass(frozen=True, slots=True)
class Output:
    """A module's output; exported: whether the environment passes it on."""

    name: str
    value: Any
    description: str
    exported: bool


@dataclass
class Module:
    """A module being written.

    folder: its name under modules/; about: what it builds and why so, for its README, a paragraph a string; providers:
    what it needs; site: the site it builds, None = it serves all of them; present: bool by environment, None = in all
    of them; passed: provider configurations that the caller passes, {"aws": "aws.second"}.
    """

    folder: str
    title: str
    about: tuple[str, ...]
    providers: tuple[ProviderSource, ...]
    site: Site | None = None
    present: Each | None = None
    passed: Mapping[str, str] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Output] = field(default_factory=dict)
    _locals: dict[str, Any] = field(default_factory=dict)
    _blocks: dict[str, list[Block]] = field(default_factory=dict)

    @property
    def call(self) -> str:
        """What the environment calls it: "network", "network_2"."""
        return (self.folder + (self.site.suffix if self.site else "")).replace("-", "_")

    @property
    def optional(self) -> bool:
        """Whether some environment goes without it."""
        return self.present is not None and not all(self.present.values.values())

    def in_environment(self, environment: str) -> bool:
        """Whether an environment has it."""
        return self.present is None or bool(self.present.values[environment])

    def variable(
        self,
        name: str,
        type: str,
        description: str,
        value: Any,
        *,
        why: str = "",
        checks: Sequence[tuple[str, str]] = (),
        nullable: bool = False,
    ) -> Ref:
        """Declares a variable and what callers pass; returns the reference to it."""
        self.variables[name] = Variable(name, type, description, value, why, tuple(checks), nullable)
        return Ref(f"var.{name}")

    def local(self, name: str, value: Any) -> Ref:
        """Names a value; returns the reference to it."""
        self._locals[name] = value
        return Ref(f"local.{name}")

    def data(
        self, type: str, name: str, /, *, file: str = "main", skips: Mapping[str, str] = _NONE, **body: Any
    ) -> Ref:  # fmt: skip
        """Declares a data source, once however often it is asked for; returns the reference to it. skips: as of a
        resource."""
        known = (block for blocks in self._blocks.values() for block in blocks)
        if not any((block.type, block.labels) == ("data", (type, name)) for block in known):
            self._blocks.setdefault(file, []).append(Block("data", (type, name), body, inside=_skipped(skips)))
        return Ref(f"data.{type}.{name}")

    def ephemeral(self, type: str, name: str, /, *, file: str = "main", **body: Any) -> Ref:
        """Declares a value that exists while Terraform runs and is in no state; returns the reference to it."""
        self._blocks.setdefault(file, []).append(Block("ephemeral", (type, name), body))
        return Ref(f"ephemeral.{type}.{name}")

    def resource(
        self,
        type: str,
        name: str,
        component: str | tuple[str, ...],
        /,
        *,
        why: str = "",
        file: str = "main",
        skips: Mapping[str, str] = _NONE,
        **body: Any,
    ) -> Ref:
        """Declares a resource and the component (or boundary) it implements, by the id at the first site; returns the
        reference.

        file: which of the module's files it stands in; why: the decision behind it, as a comment above it; skips:
        checks of checkov that it does not meet, each with the specific reason ({"CKV_AWS_18": "..."}). ValueError if
        the module has it already.
        """
        if any(r.type == type and r.name == name for r in self.resources):
            raise ValueError(f"The module {self.call} has two resources {type}.{name}.")
        components = (component,) if isinstance(component, str) else component
        self.resources.append(Resource(type, name, components, f"{file}.tf"))
        told = (f"component: {', '.join(components)}", *([why] if why else []))
        self._blocks.setdefault(file, []).append(Block("resource", (type, name), body, told, _skipped(skips)))
        return Ref(f"{type}.{name}")

    def output(self, name: str, value: Any, description: str, *, exported: bool = False) -> Wire:
        """Declares an output; returns the wire that another module's variable takes as its value."""
        self.outputs[name] = Output(name, value, description, exported)
        return self.wire(name)

    def wire(self, output: str) -> Wire:
        """The wire to an output that was declared; KeyError if it was not."""
        return Wire(self.call, self.outputs[output].name, self.optional)

    # --- files -----------------------------------------------------------------------------------------------

    def files(self) -> Iterator[tuple[str, str]]:
        """The module's .tf files: name and text."""
        for name, blocks in self._written():
            yield f"{name}.tf", render(blocks, self.title if name == "main" else "")
        yield "variables.tf", render(map(declared, self.variables.values()))
        if self.outputs:
            yield "outputs.tf", render(_output(o) for o in self.outputs.values())
        yield "versions.tf", render([required(self.providers)])

    def _written(self) -> Iterator[tuple[str, list[Block]]]:
        local = [Block("locals", (), self._locals)] if self._locals else []
        written = {"main": [], **self._blocks}
        for name, blocks in written.items():
            if first := (local if name == "main" else []) + blocks:
                yield name, first


def _skipped(skips: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"checkov:skip={check}: {reason}" for check, reason in skips.items())


def declared(v: Variable) -> Block:
    """The declaration of a variable."""
    body: dict[str, Any] = {"description": v.description, "type": raw(v.type)}
    if not v.nullable:
        body["nullable"] = False
    if v.checks:
        body["validation"] = [Nested(condition=raw(c), error_message=message) for c, message in v.checks]
    return Block("variable", (v.name,), body)


def _output(o: Output) -> Block:
    return Block("output", (o.name,), {"description": o.description, "value": o.value})


LANGUAGE = ">= 1.11, < 2.0"  # from 1.10 the state's lock is kept in the bucket itself, from 1.11 no secret is in it


def required(providers: Iterable[ProviderSource], **more: Any) -> Block:
    """The `terraform` block: the language's version and the providers'. more: further attributes and blocks."""
    sources = {
        p.name: {"source": p.source, "version": p.version}
        | ({"configuration_aliases": [raw(f"{p.name}.{a}") for a in p.aliases]} if p.aliases else {})
        for p in providers
    }
    return Block("terraform", (), {"required_version": LANGUAGE, "required_providers": Nested(**sources), **more})
