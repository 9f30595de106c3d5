"""Builds the folder of providers that Terraform takes in place of Google's and Azure's.

    python plugins.py WHEELS FOLDER        (with a Python that has the packages of requirements.txt)

Each provider is its real schema, out of the wheel that HashiCorp's generator made of it, served by shim.py. Terraform
holds the folder against the checksum it took of it, so nothing is written there afterwards.
"""

from __future__ import annotations

import json
import platform
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from schema import provider_schema
from tf.gen import tfplugin_pb2 as protocol

SHIM = Path(__file__).with_name("shim.py")
_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def main(wheels: Path, folder: Path) -> None:
    """Builds one provider from every wheel in `wheels` and says what it holds."""
    for wheel in sorted(wheels.glob("cdktf_cdktf_provider_*.whl")):
        name, version, schema = provider_schema(wheel)
        build(folder, name, version, schema)
        counts = f"{len(schema['resource_schemas'])} resources, {len(schema['data_source_schemas'])} data sources"
        print(f"{name} {version}: {counts}")


def build(folder: Path, name: str, version: str, schema: Mapping[str, Any]) -> None:
    """Puts a provider with this schema where Terraform looks for it below `folder`."""
    machine = platform.machine()
    place = f"{platform.system().lower()}_{_MACHINES.get(machine, machine)}"
    target = folder / "registry.terraform.io" / "hashicorp" / name / version / place
    target.mkdir(parents=True, exist_ok=True)
    (target / "schema.pb").write_bytes(response(schema).SerializeToString())
    program = target / f"terraform-provider-{name}_v{version}_x6"
    command = shlex.join([sys.executable, str(SHIM), str((target / "schema.pb").resolve())])
    program.write_text(f"#!/bin/sh\nexec {command}\n", encoding="utf-8")
    program.chmod(0o755)


def response(schema: Mapping[str, Any]) -> Any:
    """A schema, as `terraform providers schema -json` prints it, in the words of the plugin protocol."""
    return protocol.GetProviderSchema.Response(
        server_capabilities=protocol.ServerCapabilities(get_provider_schema_optional=True),  # once is enough
        provider=protocol.Schema(block=_block(schema["provider"]["block"])),
        resource_schemas={t: protocol.Schema(block=_block(s["block"])) for t, s in schema["resource_schemas"].items()},
        data_source_schemas={
            t: protocol.Schema(block=_block(s["block"])) for t, s in schema["data_source_schemas"].items()
        },
    )


def _block(block: Mapping[str, Any]) -> Any:
    return protocol.Schema.Block(attributes=_attributes(block), block_types=_nested(block))


def _attributes(block: Mapping[str, Any]) -> Iterator[Any]:
    for name, a in block["attributes"].items():
        flags = {flag: a.get(flag, False) for flag in ("required", "optional", "computed")}
        yield protocol.Schema.Attribute(name=name, type=json.dumps(a["type"]).encode(), **flags)


def _nested(block: Mapping[str, Any]) -> Iterator[Any]:
    for name, b in block["block_types"].items():
        yield protocol.Schema.NestedBlock(
            type_name=name, nesting=_NESTING[b["nesting_mode"]], block=_block(b["block"]),
            min_items=b.get("min_items", 0), max_items=b.get("max_items", 0),
        )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
