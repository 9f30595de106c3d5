"""A Terraform provider that has the real schema of another and no cloud behind it.

    python shim.py SCHEMA        (Terraform starts it, by the program that plugins.py writes)

It speaks plugin protocol 6. Terraform itself holds a configuration against the schema: names, types, what is required,
how often a block may stand, references and cycles. What a cloud would do is mocked as the providers' SDK does it: what
is computed is unknown while it is planned, gets a value of its type when it is applied, and keeps it afterwards. So it
proves that a configuration can be planned, applied, planned again without a change, and destroyed. What only the real
provider knows, above all which values it allows, it cannot say (see documented.py).
"""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
import threading
import uuid
import zlib
from collections.abc import Callable
from concurrent import futures
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import msgpack
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tf.gen import grpc_controller_pb2 as controller
from tf.gen import grpc_controller_pb2_grpc as controller_rpc
from tf.gen import grpc_stdio_pb2_grpc as stdio_rpc
from tf.gen import tfplugin_pb2 as protocol
from tf.gen import tfplugin_pb2_grpc as rpc

COOKIE = ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")
UNKNOWN = msgpack.ExtType(0, b"\0")
Block = Any  # tfplugin6.Schema.Block
Values = dict[str, Any]
_SINGLE, _LIST = 1, 2


# --- values ----------------------------------------------------------------------------------------------


def read(value: Any) -> Any:
    """A DynamicValue as Python holds it; what is unknown as an ExtType."""
    if value.msgpack:
        return msgpack.unpackb(value.msgpack, ext_hook=msgpack.ExtType, strict_map_key=False)
    return json.loads(value.json) if value.json else None


def write(value: Any) -> Any:
    return protocol.DynamicValue(msgpack=msgpack.packb(value))


def unknown(value: Any) -> bool:
    return isinstance(value, msgpack.ExtType)


def type_of(attribute: Any) -> Any:
    return json.loads(attribute.type)


def planned(block: Block, values: Values, prior: Values | None) -> Values:
    """What will be, of what a person wrote: what is computed and not written is what it was, or unknown."""
    prior = prior or {}
    result = dict(values)
    for a in block.attributes:
        if a.computed and values.get(a.name) is None:
            was = prior.get(a.name)
            result[a.name] = UNKNOWN if was is None else was
    for nested in block.block_types:
        result[nested.type_name] = _planned_blocks(nested, values.get(nested.type_name), prior.get(nested.type_name))
    return result


def _planned_blocks(nested: Any, written: Any, prior: Any) -> Any:
    if isinstance(written, dict):
        return planned(nested.block, written, prior)
    if not isinstance(written, list):
        return written
    if not written and _made_by_provider(nested):
        return prior or [planned(nested.block, _empty(nested.block), None)]
    before = prior if isinstance(prior, list) and nested.nesting == _LIST else []
    return [
        planned(nested.block, one, before[i] if i < len(before) else None) if isinstance(one, dict) else one
        for i, one in enumerate(written)
    ]


def _made_by_provider(nested: Any) -> bool:
    """Whether a provider makes a block that nobody wrote: it may stand once, tells something, and asks nothing."""
    attributes = nested.block.attributes
    told = any(a.computed and not a.optional for a in attributes)
    return nested.max_items == 1 and not nested.min_items and told and not any(a.required for a in attributes)


def _empty(block: Block) -> Values:
    nested = {b.type_name: None if b.nesting == _SINGLE else [] for b in block.block_types}
    return {a.name: None for a in block.attributes} | nested


def applied(block: Block, values: Values, name: str) -> Values:
    """What is, after what was planned has been made: what was unknown has a value of its type. name: of the resource,
    for values that a person can recognise and that no two resources share."""
    result = {a.name: known(type_of(a), values.get(a.name), f"{name}-{a.name}", made=a.optional)
              for a in block.attributes}  # fmt: skip
    for nested in block.block_types:
        held = values.get(nested.type_name)
        result[nested.type_name] = _each(held, lambda one, b=nested.block: applied(b, one, name))
    return result


def _each(held: Any, change: Callable[[Values], Values]) -> Any:
    if isinstance(held, dict):
        return change(held)
    if isinstance(held, list):
        return [change(one) for one in held]
    return [] if unknown(held) else held


def known(type_: Any, value: Any, name: str, made: bool = False) -> Any:
    """A value without anything unknown in it. made: whether a collection that is not known becomes an empty one, as
    where a person might have written it."""
    if unknown(value):
        return invented(type_, name, made)
    if isinstance(type_, str) or value is None:
        return value
    kind, of = type_
    if kind in ("list", "set"):
        return [known(of, one, name) for one in value]
    if kind == "map":
        return {key: known(of, one, name) for key, one in value.items()}
    return {key: known(of[key], one, name) for key, one in value.items()}


def invented(type_: Any, name: str, made: bool) -> Any:
    """A value of a type, recognisable by its name."""
    simple = {"string": f"mock-{name}", "number": 1, "bool": False,
              "dynamic": [b'"string"', f"mock-{name}"]}  # fmt: skip
    if isinstance(type_, str):
        return simple[type_]
    kind, of = type_
    if kind in ("list", "set"):
        return [] if made else [invented(of, name, made)]
    return {} if kind == "map" else {key: invented(held, f"{name}-{key}", made) for key, held in of.items()}


# --- the protocol ----------------------------------------------------------------------------------------


class Provider(rpc.ProviderServicer):
    """Answers what Terraform asks a provider. Names of methods and their arguments are the protocol's."""

    def __init__(self, schema: Path) -> None:
        self._schema = protocol.GetProviderSchema.Response.FromString(schema.read_bytes())

    def _resource(self, type_: str) -> Block:
        return self._schema.resource_schemas[type_].block

    def GetMetadata(self, request, context):  # noqa: N802
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "ask for the schema")

    def GetProviderSchema(self, request, context):  # noqa: N802
        return self._schema

    def ValidateProviderConfig(self, request, context):  # noqa: N802
        return protocol.ValidateProviderConfig.Response()

    def ConfigureProvider(self, request, context):  # noqa: N802
        return protocol.ConfigureProvider.Response()

    def ValidateResourceConfig(self, request, context):  # noqa: N802
        return protocol.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request, context):  # noqa: N802
        return protocol.ValidateDataResourceConfig.Response()

    def UpgradeResourceState(self, request, context):  # noqa: N802
        state = protocol.DynamicValue(json=request.raw_state.json)
        return protocol.UpgradeResourceState.Response(upgraded_state=state)

    def ReadResource(self, request, context):  # noqa: N802
        return protocol.ReadResource.Response(new_state=request.current_state, private=request.private)

    def ReadDataSource(self, request, context):  # noqa: N802
        block = self._schema.data_source_schemas[request.type_name].block
        asked = zlib.crc32(request.config.msgpack)  # the same question has the same answer
        found = applied(block, planned(block, read(request.config), None), f"{request.type_name}-{asked:08x}")
        return protocol.ReadDataSource.Response(state=write(found))

    def PlanResourceChange(self, request, context):  # noqa: N802
        values = read(request.proposed_new_state)
        if values is not None:
            values = planned(self._resource(request.type_name), values, read(request.prior_state))
        return protocol.PlanResourceChange.Response(planned_state=write(values), legacy_type_system=True)

    def ApplyResourceChange(self, request, context):  # noqa: N802
        values = read(request.planned_state)
        if values is not None:
            values = applied(self._resource(request.type_name), values, f"{request.type_name}-{uuid.uuid4().hex[:8]}")
        return protocol.ApplyResourceChange.Response(new_state=write(values), legacy_type_system=True)

    def GetFunctions(self, request, context):  # noqa: N802
        return protocol.GetFunctions.Response()

    def StopProvider(self, request, context):  # noqa: N802
        return protocol.StopProvider.Response()


# --- the process -----------------------------------------------------------------------------------------


class _Controller(controller_rpc.GRPCControllerServicer):
    def __init__(self, server: grpc.Server) -> None:
        self._server = server

    def Shutdown(self, request, context):  # noqa: N802
        threading.Timer(0.05, self._server.stop, (None,)).start()  # after the answer
        return controller.Empty()


class _Output(stdio_rpc.GRPCStdioServicer):
    def StreamStdio(self, request, context):  # noqa: N802
        return iter(())


class _Broker(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method.startswith("/plugin.GRPCBroker/"):
            return grpc.stream_stream_rpc_method_handler(lambda _requests, _context: iter(()))
        return None


def certificate() -> tuple[bytes, bytes, bytes]:
    """A key and a certificate of this process alone, PEM, and the certificate as DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return private, made.public_bytes(pem), made.public_bytes(serialization.Encoding.DER)


def serve(schema: Path) -> None:
    """Serves until Terraform asks it to stop. The line it prints is how Terraform finds it."""
    unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(8), options=unlimited)
    server.add_generic_rpc_handlers((_Broker(),))
    rpc.add_ProviderServicer_to_server(Provider(schema), server)
    controller_rpc.add_GRPCControllerServicer_to_server(_Controller(server), server)
    stdio_rpc.add_GRPCStdioServicer_to_server(_Output(), server)
    key, chain, der = certificate()
    with tempfile.TemporaryDirectory(prefix="shim-") as folder:
        server.add_secure_port(f"unix://{folder}/socket", grpc.ssl_server_credentials([(key, chain)]))
        server.start()
        print("1", "6", "unix", f"{folder}/socket", "grpc", base64.b64encode(der).decode().rstrip("="), sep="|",
              flush=True)  # fmt: skip
        server.wait_for_termination()


def main() -> None:
    if os.environ.get(COOKIE[0]) != COOKIE[1]:
        sys.exit("This is a provider; Terraform starts it.")
    serve(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
