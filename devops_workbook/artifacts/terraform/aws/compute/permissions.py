"""What the service may do: one statement or two for each connection of the design, on the very thing it connects to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from devops_workbook.artifacts.terraform.aws.compute.scope import Scope
from devops_workbook.artifacts.terraform.aws.policies import allow
from devops_workbook.artifacts.terraform.aws.reach import intake_is_direct
from devops_workbook.artifacts.terraform.hcl import Ref, raw, template

__all__ = ["pulls", "secret_ids", "service_statements", "session", "writes_logs"]

Statement = Mapping[str, Any]


def service_statements(c: Scope) -> list[Statement]:
    """The statements of the service's own role."""
    compute = c.site.id("compute")
    found = dict.fromkeys(x.target for x in c.b.outgoing(compute))
    found |= dict.fromkeys(x.source for x in c.b.incoming(compute) if x.source == c.site.id("intake"))
    statements = [s for id in found for s in _to(c, id.removesuffix(c.site.suffix) if c.site.suffix else id)]
    return [*statements, *_keys(c, found)]


def _to(c: Scope, id: str) -> Iterator[Statement]:
    if build := _USES.get((id, c.service_of(id))):
        yield from build(c)


def _arns(c: Scope, output: str, type: str = "list(string)") -> Ref:
    description = c.data.outputs[output].description
    return c.module.variable(output, type, description, c.data.wire(output), nullable=output.startswith("intake"))


def _database(c: Scope) -> Iterator[Statement]:
    use = "use" if c.service("database").kind == "nosql" else "connect"
    yield allow(c.service("database").id, use, _arns(c, "database_arns"))


def _files(c: Scope) -> Iterator[Statement]:
    bucket = _arns(c, "files_arn", "string")
    yield allow("s3", "bucket", bucket)
    yield allow("s3", "objects", template(bucket, "/*"))


def _cache(c: Scope) -> Iterator[Statement]:
    yield allow("elasticache", "connect", _arns(c, "cache_arns"))


def secret_ids(c: Scope) -> Ref:
    """The secrets of the service."""
    assert c.secrets is not None
    here = c.secrets.wire("secret_second_ids" if c.site.suffix else "secret_ids")
    return c.module.variable("secret_ids", "map(string)", "The service's secrets, by what they are for.", here)


def _secrets(c: Scope) -> Iterator[Statement]:
    yield allow("secrets-manager", "read", raw(f"values({secret_ids(c)})"))


def _intake(c: Scope) -> Iterator[Statement]:
    """Takes work and, where the entry cannot queue by itself, accepts it first."""
    service = c.service("intake").id
    arn = _arns(c, "intake_arn", "string")
    # A stream that is made only when the site takes over has no name yet.
    named = raw(f"compact([{arn}])") if service == "kinesis" else arn
    yield allow(service, "consume", named)
    if service == "kinesis":
        yield allow("kinesis", "list")
    if not intake_is_direct(c.b):
        yield allow(service, "send", named)


_USES: Mapping[tuple[str, str], Callable[[Scope], Iterator[Statement]]] = {
    ("database", "rds"): _database,
    ("database", "aurora"): _database,
    ("database", "dynamodb"): _database,
    ("files", "s3"): _files,
    ("cache", "elasticache"): _cache,
    ("secrets", "secrets-manager"): _secrets,
    ("intake", "sqs"): _intake,
    ("intake", "kinesis"): _intake,
}


def _keys(c: Scope, found: Mapping[str, Any]) -> Iterator[Statement]:
    """Files, queues and secrets are opened with the caller's right to their key."""
    if not c.own_keys:
        return
    site = c.site.id
    if site("files") in found or site("intake") in found:
        yield {**allow("kms", "encrypt", c.key("files")), "Sid": "KmsFiles"}
    if site("secrets") in found and c.service_of("secrets") == "secrets-manager":
        yield {**allow("kms", "decrypt", c.key("secrets")), "Sid": "KmsSecrets"}


# --- what the platform does for the service --------------------------------------------------------------


def pulls(c: Scope) -> list[Statement]:
    """To fetch the image; none where it comes from the source host's registry."""
    if not c.b.has("registry"):
        return []
    account = c.module.variable(
        "delivery_account_id", "string", "The account that holds the registry.", raw("var.delivery_account_id")
    )  # fmt: skip
    repository = template("arn:aws:ecr:", c.region(), ":", account, f":repository/{c.b.names.system}")
    return [allow("ecr", "login"), allow("ecr", "pull", repository)]


def writes_logs(group: Ref) -> Statement:
    """To write to one log group."""
    return allow("cloudwatch-logs", "write", template(group.arn, ":*"))


def session(c: Scope) -> list[Statement]:
    """A way in for people without a bastion and without SSH: Session Manager."""
    machines = template("arn:aws:ec2:", c.region(), ":", c.account(), ":instance/*")
    return [allow("ec2", "managed", machines), allow("ec2", "session")]
