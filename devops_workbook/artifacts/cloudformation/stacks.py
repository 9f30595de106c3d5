"""The stacks of a design: which templates are deployed together, where, in which order, with which values.

A `Stack` is what one command deploys: one template, or a root that nests several. All environments have the same
templates; environments/<environment>/<stack>.json says what differs, in CloudFormation's own form for it (a template
configuration file: parameters and tags). What one stack gives another takes by name; the deployment passes it on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint, Each
from devops_workbook.artifacts.cloudformation.template import BySite, Given, Output, Parameter, Template, unreferring
from devops_workbook.artifacts.model import Artifact, Trace
from devops_workbook.artifacts.yaml import Fn, Noted, document

__all__ = ["ROOT", "Stack", "given_to", "parameters_of", "stack_artifacts", "stack_traces", "template_artifacts"]

ROOT = "infrastructure"


@dataclass(frozen=True, eq=False)
class Stack:
    """One stack. name: of its files ("site-2"); root: of its template ("site"); templates: one, or those that the
    root nests, in order; region: where it is deployed; present: in which environments; suffix: of its site; once:
    whether all environments share it."""

    name: str
    root: str
    title: str
    templates: tuple[Template, ...]
    region: str
    present: Each
    suffix: str = ""
    once: bool = False

    @property
    def nested(self) -> bool:
        """Whether a root nests its templates."""
        return len(self.templates) > 1


# --- parameters ------------------------------------------------------------------------------------------


def parameters_of(stack: Stack) -> dict[str, Parameter]:
    """The parameters of the stack's root: those of its templates but for what they give each other. ValueError if two
    templates mean different things by one name."""
    found: dict[str, Parameter] = {}
    for template in stack.templates:
        for p in template.parameters.values():
            if isinstance(p.value, Output):
                continue
            known = found.setdefault(p.name, p)
            if (known.type, known.value) != (p.type, p.value):
                raise ValueError(f"{stack.root}: two templates mean different things by the parameter {p.name}.")
    for name, (told, _) in _switches(stack).items():
        found[name] = Parameter(name, "String", told, None, allowed=("true", "false"))
    return found


def _switches(stack: Stack) -> dict[str, tuple[str, Each]]:
    """A parameter for every nested template that some environment goes without."""
    if not stack.nested:
        return {}
    return {
        f"With{t.id}": (f"Whether this environment has the stack {t.name}.", t.present)
        for t in stack.templates
        if t.present is not None and not all(t.present.values.values())
    }


def given_to(stack: Stack) -> dict[str, Given]:
    """What the deployment fills in: parameters that other stacks gave."""
    values = {p.name: _value_of(stack, p) for p in parameters_of(stack).values()}
    return {name: value for name, value in values.items() if isinstance(value, Given)}


def _value_of(stack: Stack, p: Parameter) -> Any:
    return p.value.values[stack.suffix] if isinstance(p.value, BySite) else p.value


def _values(b: Blueprint, stack: Stack, environment: str) -> Iterator[tuple[str, str]]:
    switches = _switches(stack)
    standard = {"Name": b.names.of(environment), "Site": stack.suffix, "Environment": environment}
    for p in parameters_of(stack).values():
        value = standard.get(p.name, _value_of(stack, p))
        if p.name in switches:
            value = switches[p.name][1]
        if isinstance(value, Each):
            value = value.values.get(environment)
        if not isinstance(value, Given):
            yield p.name, _shown(value)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(map(_shown, value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


# --- files -----------------------------------------------------------------------------------------------


def template_artifacts(stacks: tuple[Stack, ...]) -> Iterator[Artifact]:
    """The templates of all stacks, each once."""
    written: set[str] = set()
    for stack in stacks:
        names: list[tuple[str, Callable[[], str]]] = [(f"{t.name}.yaml", t.text) for t in stack.templates]
        if stack.nested:
            names.append((f"{stack.root}.yaml", partial(_root_text, stack)))
        for name, text in names:
            if name not in written:
                written.add(name)
                yield Artifact(f"{_folder(name)}/{name}", text())


def _folder(name: str) -> str:
    """Where a template's file lies; the one that is deployed first, before there is a bucket, lies apart."""
    return ROOT if name == "bootstrap.yaml" else f"{ROOT}/templates"


_ANSWERED = {
    "W3002": "the script that deploys packages the templates, which puts their addresses in the place of their names.",
    "W1001": "what gives and what takes are there in the same environments, as the parameters of each say.",
}
"""What the linter asks of a root that nests, and the answer."""


def _root_text(stack: Stack) -> str:
    declared = Template(stack.root, stack.title, ())
    declared.parameters = parameters_of(stack)
    for name, (_, holds) in _switches(stack).items():
        declared.condition(f"Has{name.removeprefix('With')}", Fn("Equals", [Fn("Ref", name), "true"]), holds)
    text = declared.text()
    silent = {"ignore_checks": list(_ANSWERED)}
    resources = {t.id: _nested(t) for t in stack.templates}
    outputs = {
        o.name: {"Description": o.description, "Value": Fn("GetAtt", f"{t.id}.Outputs.{o.name}")}
        | ({"Condition": f"Has{t.id}"} if f"With{t.id}" in _switches(stack) else {})
        for t in stack.templates
        for o in t.outputs.values()
        if o.exported
    }
    head = (
        f"{stack.title} The templates beside this one are nested in it: what one gives, the next takes. "
        "deploy.sh uploads them and sets their addresses.",
    )
    meta = {"cfn-lint": {"config": Noted(silent, " ".join(f"{k}: {v}" for k, v in _ANSWERED.items()))}}
    shown = [("Metadata", meta), ("Resources", resources), *([("Outputs", outputs)] if outputs else [])]
    return document((), head) + "\n" + text + "\n" + document([(name, unreferring(value)) for name, value in shown])


def _nested(t: Template) -> dict[str, Any]:
    body: dict[str, Any] = {"Type": "AWS::CloudFormation::Stack"}
    if t.present is not None and not all(t.present.values.values()):
        body["Condition"] = f"Has{t.id}"
    passed = {name: _passed(p) for name, p in t.parameters.items()}
    properties = {"TemplateURL": f"{t.name}.yaml", **({"Parameters": passed} if passed else {})}
    # A nested stack keeps what it holds, for its resources say themselves what is kept.
    return body | {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete", "Properties": properties}


def _passed(p: Parameter) -> Any:
    if isinstance(p.value, Output):
        return Fn("GetAtt", f"{p.value.template.id}.Outputs.{p.value.name}")
    return Fn("Ref", p.name)


def stack_artifacts(b: Blueprint, stacks: tuple[Stack, ...], tags: Mapping[str, Each]) -> Iterator[Artifact]:
    """What every environment gives its stacks."""
    for stack in stacks:
        for environment in ("production",) if stack.once else FOLDERS:
            if not stack.present.values.get(environment):
                continue
            folder = "shared" if stack.once else FOLDERS[environment]
            told = {k: each.values[environment] for k, each in tags.items()}
            if stack.once:
                told["environment"] = "shared"
            body = {"Parameters": dict(_values(b, stack, environment)), "Tags": told}
            text = json.dumps(body, indent=2, ensure_ascii=False) + "\n"
            yield Artifact(f"{ROOT}/environments/{folder}/{stack.name}.json", text)


def stack_traces(b: Blueprint, stacks: tuple[Stack, ...]) -> Iterator[Trace]:
    """Which component every resource of every environment implements."""
    for stack in stacks:
        for environment in ("production",) if stack.once else FOLDERS:
            if stack.present.values.get(environment):
                yield from _traces(b, stack, environment)


def _traces(b: Blueprint, stack: Stack, environment: str) -> Iterator[Trace]:
    root = f"{ROOT}/environments/{'shared' if stack.once else FOLDERS[environment]}"
    for template in stack.templates:
        file = f"{template.name}.yaml"
        for resource in template.traces(environment):
            if resource.condition and resource.condition.site not in (None, stack.suffix):
                continue
            path = f"{template.id}." if stack.nested else ""
            address = f"{stack.name}/{path}{resource.name}"
            for id in _there(b, resource.components, environment):
                part = b.part(id + stack.suffix) or b.part(id)
                if not part:
                    raise ValueError(f"{address} implements {id}, which the design does not have.")
                yield Trace(root, address, resource.type, part, f"{_folder(file)}/{file}")


def _there(b: Blueprint, components: tuple[str, ...], environment: str) -> Iterator[str]:
    """The components that the environment has: those of a second site only where it has one."""
    deployment = next(e for e in b.environments if e.environment == environment)
    two = len(deployment.regions) > 1 or (b.backup_region is not None and deployment.backed_up)
    return (id for id in components if two or not id.endswith("-2"))
