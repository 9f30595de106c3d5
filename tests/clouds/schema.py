"""Rebuilds a Terraform provider's schema from the package that HashiCorp's own generator made of it.

The generator (CDK for Terraform) turned `terraform providers schema` of one version of a provider into TypeScript. The
wheel carries the compiled package, whose source maps still hold that TypeScript. It says of every attribute whether it
is computed, optional or required, of what type it is, and whether it is a block. What comes out is the document that
`terraform providers schema -json` prints, but for what the generator dropped: how many blocks of a list there may be
where that is neither one nor any number, and words. Of the AWS provider 5.100, whose schema Terraform can print here,
the 2,134 schemas so rebuilt differ from the real ones in those counts and in some 30 of their attributes.
"""

from __future__ import annotations

import base64
import io
import json
import re
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

Block = dict[str, Any]  # {"attributes": {name: {...}}, "block_types": {name: {...}}}, as Terraform prints it
Type = Any  # "string", ["list", "string"], ["object", {...}]: as Terraform prints types

_CLASS = re.compile(r"^export class (\w+) extends cdktf\.(\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FUNCTION = re.compile(r"^export function (\w+)ToHclTerraform\((.*?)^\}", re.MULTILINE | re.DOTALL)
_INTERFACE = re.compile(r"^export interface (\w+)(?: extends [^{]+)? \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(
    r"^  // (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\n"
    r"(.*?)(?=^  // \w+ - computed: |^  // =====|\Z)",
    re.MULTILINE | re.DOTALL,
)
_WRITTEN = re.compile(
    r"^ +['\"]?(\w+)['\"]?: \{\n +value: (.*?)\n +isBlock: (true|false),\n +type: \"(\w*)\",\n"
    r" +storageClassType: \"(\w*)\",\n",
    re.MULTILINE,
)
_PROPERTY = re.compile(r"#(\w+) (?:(?!\*/).)*?\*/\s+readonly \w+(\??):", re.DOTALL)
_HELD = re.compile(r"= new (?:cdktf\.)?(\w+)\(this, \"\w+\"(?:, (true|false))?\)")
_GOT = re.compile(r"return (.*);")
_SIMPLE = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
_GETTERS = {
    "String": "string", "Number": "number", "Boolean": "bool", "Any": "dynamic",
    "List": ["list", "string"], "NumberList": ["list", "number"],
    "StringMap": ["map", "string"], "NumberMap": ["map", "number"], "BooleanMap": ["map", "bool"],
    "AnyMap": ["map", "dynamic"],
}  # fmt: skip
_KINDS = {"TerraformResource": "resource_schemas", "TerraformDataSource": "data_source_schemas"}


@dataclass(frozen=True, slots=True)
class _Member:
    """One attribute or block of a class: its name, whether it may or must be set, and the code that gets it."""

    name: str
    computed: bool
    optional: bool
    required: bool
    code: str

    @property
    def flags(self) -> dict[str, bool]:
        flags = {"required": self.required, "optional": self.optional, "computed": self.computed}
        return {flag: True for flag, on in flags.items() if on}


@dataclass(frozen=True, slots=True)
class _Written:
    """How a member is written: the code of its value, whether as a block, in what kind of collection, of what type."""

    value: str
    block: bool
    kind: str
    storage: str


_NOT_WRITTEN = _Written("", block=False, kind="", storage="")


@dataclass(frozen=True)
class _Source:
    """One TypeScript file: the classes of one resource or data source."""

    text: str

    @cached_property
    def classes(self) -> Mapping[str, tuple[str, str]]:
        """Class -> what it extends, and its body."""
        return {m[1]: (m[2], m[3]) for m in _CLASS.finditer(self.text)}

    @cached_property
    def functions(self) -> Mapping[str, str]:
        return {m[1][0].upper() + m[1][1:]: m[2] for m in _FUNCTION.finditer(self.text)}

    @cached_property
    def interfaces(self) -> Mapping[str, str]:
        return {m[1]: m[2] for m in _INTERFACE.finditer(self.text)}

    def block(self, struct: str, body: str, settable: str) -> Block:
        """The schema of a class. struct: its name without what the generator appends; settable: the code that lists
        what a person may write, "" for what is computed as a whole."""
        written = {m[1]: _Written(m[2], m[3] == "true", m[4], m[5]) for m in _WRITTEN.finditer(settable)}
        block: Block = {"attributes": {}, "block_types": {}}
        for member in self._members(struct, body):
            how = written.get(member.name, _NOT_WRITTEN)
            held = self._held(member, how)
            if held and how.block and not member.computed:  # no block is computed: that is an attribute written as one
                block["block_types"][member.name] = self._nested(member, how, *held)
            else:
                type_ = self._object(*held) if held else _simple(member, how)
                block["attributes"][member.name] = {"type": type_, **member.flags}
        return block

    def _members(self, struct: str, body: str) -> Iterator[_Member]:
        """What a class has; for a struct that has no class, which nothing can refer to, what its interface has."""
        if body:
            yield from (_Member(m[1], *(m[i] == "true" for i in (2, 3, 4)), m[5]) for m in _MEMBER.finditer(body))
        else:
            for name, question in _PROPERTY.findall(self.interfaces.get(struct, "")):
                yield _Member(name, computed=False, optional=bool(question), required=not question, code="")

    def _held(self, member: _Member, how: _Written) -> tuple[str, str] | None:
        """What a member that holds objects holds: the struct, and "list", "set", "map" or "" for one of them."""
        found, kind = _HELD.search(member.code), how.kind
        if not found:
            plain = re.search(r"(?<!cdktf\.)\b(\w+)ToHclTerraform", how.value)
            return (plain[1][0].upper() + plain[1][1:], kind.replace("struct", "")) if plain else None
        name, from_set = found[1], found[2] == "true"
        if name in self.classes and name.endswith("OutputReference"):
            return name.removesuffix("OutputReference"), kind if kind in ("list", "set") else ""
        many = {"ComplexList": "set" if from_set else "list", "ComplexMap": "map"}
        base = self.classes.get(name, ("", ""))[0]
        return (re.sub("(List|Map)$", "", name), many[base]) if base in many else None

    def _struct(self, struct: str) -> Block:
        _, body = self.classes.get(f"{struct}OutputReference", ("", ""))
        return self.block(struct, body, self.functions.get(struct, ""))

    def _nested(self, member: _Member, how: _Written, struct: str, many: str) -> Block:
        block = {"nesting_mode": many or "single", "block": self._struct(struct)}
        if many and "listMapper" not in how.value:
            block["max_items"] = 1
        if many and member.required:
            block["min_items"] = 1
        return block

    def _object(self, struct: str, many: str) -> Type:
        block = self._struct(struct)
        nested = {name: _blocks_type(held) for name, held in block["block_types"].items()}
        one = ["object", {name: a["type"] for name, a in block["attributes"].items()} | nested]
        return [many, one] if many else one


def _blocks_type(held: Block) -> Type:
    block = held["block"]
    nested = {name: _blocks_type(inner) for name, inner in block["block_types"].items()}
    one = ["object", {name: a["type"] for name, a in block["attributes"].items()} | nested]
    return one if held["nesting_mode"] == "single" else [held["nesting_mode"], one]


def _simple(member: _Member, how: _Written) -> Type:
    """The type of an attribute that holds no objects: as it is written, or, if it is computed only, as it is got."""
    if how.storage:
        return _stored(how.storage, how.kind)
    got = _GOT.search(member.code)
    getter = re.search(r"this\.get(\w+)Attribute\(", got[1]) if got else None
    if getter and getter[1] in _GETTERS:
        type_ = _GETTERS[getter[1]]
        return ["set", type_[1]] if "Fn.tolist" in got[1] else type_
    held = _HELD.search(member.code)
    return _mapped(*held.groups()) if held else "dynamic"


def _stored(storage: str, kind: str) -> Type:
    """ "stringList" of kind "set" -> ["set", "string"]."""
    first, *outer = re.findall(r"[A-Z]?[a-z]+", storage)
    if first not in _SIMPLE or not set(outer) <= {"List", "Set", "Map"}:
        return "dynamic"
    type_: Type = _SIMPLE[first]
    for number, wrap in enumerate(outer, 1):
        last = number == len(outer) and kind in ("list", "set", "map")
        type_ = [kind if last else wrap.lower(), type_]
    return type_


def _mapped(name: str, from_set: str | None) -> Type:
    """ "StringMapList" -> ["list", ["map", "string"]]."""
    first, *outer = re.findall(r"[A-Z][a-z]+", name)
    if first.lower() not in _SIMPLE or not set(outer) <= {"List", "Map"}:
        return "dynamic"  # a class of objects that the file does not have
    type_: Type = _SIMPLE[first.lower()]
    for wrap in outer:
        type_ = ["set" if wrap == "List" and from_set == "true" else wrap.lower(), type_]
    return type_


def provider_schema(wheel: Path) -> tuple[str, str, dict[str, Any]]:
    """The provider's name, its version, and its schema, out of a wheel `cdktf-cdktf-provider-<name>`.

    The schema: {"provider": {"block"}, "resource_schemas": {type: {"block"}}, "data_source_schemas": {...}}.
    Raises ValueError if the wheel holds no such package.
    """
    schema: dict[str, Any] = {"provider": {"block": {}}, "resource_schemas": {}, "data_source_schemas": {}}
    name = version = ""
    for text in _sources(wheel):
        source = _Source(text)
        for title, (base, body) in source.classes.items():
            if base != "TerraformProvider" and base not in _KINDS:
                continue
            block = source.block(f"{title}Config", body, body)
            type_ = re.search(r"terraformResourceType: '([^']+)'", body)
            if base == "TerraformProvider":
                schema["provider"]["block"] = block
                block["attributes"].pop("alias")  # Terraform's own
                name = type_[1] if type_ else ""
                version = "".join(re.findall(r"providerVersion: '([^']+)'", body))
            elif type_:
                schema[_KINDS[base]][type_[1]] = {"block": block}
    if not name or not schema["resource_schemas"]:
        raise ValueError(f"{wheel.name} is not a package of a Terraform provider.")
    return name, version, schema


def _sources(wheel: Path) -> Iterator[str]:
    """The TypeScript of every resource, data source and of the provider, out of the source maps. A large resource is
    spread over several files of one folder."""
    folders: dict[str, list[str]] = defaultdict(list)
    with zipfile.ZipFile(wheel) as archive:
        packed = next((n for n in archive.namelist() if n.endswith(".tgz")), None)
        if packed is None:
            return
        with tarfile.open(fileobj=io.BytesIO(archive.read(packed)), mode="r:gz") as package:
            for entry in package:
                found = re.fullmatch(r"package/lib/([^/]+)/.+\.js", entry.name)
                file = package.extractfile(entry) if found else None
                if found and file:
                    folders[found[1]] += _original(file.read().decode())
    yield from ("\n".join(texts) for texts in folders.values())


def _original(compiled: str) -> list[str]:
    _, found, encoded = compiled.rpartition("sourceMappingURL=data:application/json;base64,")
    return json.loads(base64.b64decode(encoded))["sourcesContent"] if found else []
