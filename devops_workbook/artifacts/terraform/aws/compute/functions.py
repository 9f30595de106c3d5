"""AWS Lambda: the service as a function from a container image, called by the entry or by the intake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.terraform.aws.compute.permissions import service_statements, writes_logs
from devops_workbook.artifacts.terraform.aws.compute.releases import by_codedeploy, codedeploy, released_by_pipeline
from devops_workbook.artifacts.terraform.aws.compute.scope import Scope
from devops_workbook.artifacts.terraform.aws.placed import named
from devops_workbook.artifacts.terraform.aws.policies import allow, role, trust
from devops_workbook.artifacts.terraform.aws.reach import balanced, intake_is_direct
from devops_workbook.artifacts.terraform.aws.reasons import PROVIDER_KEYS
from devops_workbook.artifacts.terraform.aws.work import ALIAS, ATTEMPTS, FUNCTION, timeout_seconds
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template

__all__ = ["compute"]

_MIB = 1024
_LEAST_POLLED = 2  # the smallest concurrency that a queue's poller can be held to


def compute(c: Scope) -> None:
    """The service of a site as a function."""
    function = _function(c)
    alias = _alias(c, function)
    if c.b.has("intake"):
        _works(c, alias)
    _called(c, alias)
    codedeploy(c, "Lambda")
    versions = [function.arn, template(function.arn, ":*")]
    released_by_pipeline(c, allow("lambda", "deploy", versions), by_codedeploy(c), *_pushes(c))
    m = c.module
    m.output("function_name", function.function_name, "The function.", exported=True)
    m.output("alias_arn", alias.arn, "The alias that callers call.")
    m.output("role_arn", Ref("aws_iam_role.service").arn, "The function's role.")
    m.output("concurrency", c.ceiling(), "Calls that may run at once.")


def _function(c: Scope) -> Ref:
    m = c.module
    traced = c.service_of("traces") == "x-ray"
    group = c.log_group(template("/aws/lambda/", raw("var.name"), f"-{FUNCTION}"))
    statements = [*service_statements(c), writes_logs(group), allow("lambda", "network"), *_kept_to_lambda(c)]
    statements += [allow("x-ray", "write")] if traced else []
    own = role(m, "service", "compute", named("service"), trust("lambda.amazonaws.com"), *statements,
               why="What the function may do.", tags=c.tags("compute"))  # fmt: skip
    memory = m.variable(
        "memory_mb",
        "number",
        "Memory of an instance, MiB; processors come with it.",
        c.sized("compute", lambda s: int(s.memory_gib * _MIB)),
        why=c.b.why("scaling.capacity"),
        checks=[("var.memory_mb >= 128 && var.memory_mb <= 10240", "From 128 to 10240 MiB.")],
    )
    told = "The pipeline publishes versions; Terraform leaves the one that runs alone."
    return m.resource(
        "aws_lambda_function",
        "service",
        "compute",
        why=c.b.why("infrastructure.compute"),
        skips=_skips(c),
        function_name=named(FUNCTION),
        role=own.arn,
        package_type="Image",
        image_uri=_image(c),
        architectures=["x86_64"],
        memory_size=memory,
        timeout=Noted(timeout_seconds(c.b), "As long as the entry waits, or as Lambda allows a worker."),
        reserved_concurrent_executions=Noted(c.ceiling(), "The ceiling that the database bears."),
        publish=True,
        **c.keyed("kms_key_arn", "secrets"),
        environment=Nested(variables=dict(sorted(c.environment().items()))),
        vpc_config=Nested(subnet_ids=c.subnets(), security_group_ids=[c.security_group("compute")]),
        logging_config=Nested(log_format="JSON", log_group=group.name),
        tracing_config=Nested(mode="Active" if traced else "PassThrough"),
        tags=c.tags("compute"),
        lifecycle=Nested(ignore_changes=Noted([raw("image_uri")], told)),
    )


def _skips(c: Scope) -> Mapping[str, str]:
    skips = {
        "CKV_AWS_116": "called by the entry, which waits for the answer, or by the intake, which keeps what failed",
        "CKV_AWS_272": "code signing is for archives; the image is signed in the registry",
    }
    if not c.own_keys:
        skips["CKV_AWS_173"] = PROVIDER_KEYS
    return skips


def _kept_to_lambda(c: Scope) -> list[Mapping[str, Any]]:
    """The service of Lambda makes network interfaces with this role; the code of the function must not."""
    fact = allow("lambda", "network")
    name = template("arn:aws:lambda:", c.region(), ":", c.account(), ":function:", raw("var.name"), f"-{FUNCTION}")
    return [{
        "Sid": "LambdaNetworkOnly", "Effect": "Deny", "Action": fact["Action"], "Resource": "*",
        "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": name}},
    }]  # fmt: skip


def _image(c: Scope) -> Ref:
    """The image; where the plan keeps images at the source host, Lambda's own registry has the copy that runs."""
    if c.b.has("registry"):
        return c.image()
    m = c.module
    tag = m.variable(
        "image_tag", "string", "The release that runs until the pipeline deploys another.", raw("var.image_tag")
    )
    skips = {} if c.own_keys else {"CKV_AWS_136": PROVIDER_KEYS}
    key = c.key("secrets")
    sealed: Mapping[str, Any] = (
        {} if key is None else {"encryption_configuration": Nested(encryption_type="KMS", kms_key=key)}
    )
    repository = m.resource(
        "aws_ecr_repository",
        "service",
        "compute",
        skips=skips,
        why="Lambda takes images from Amazon ECR alone; the pipeline pushes a copy of each release.",
        name=named("service"),
        image_tag_mutability="IMMUTABLE",
        image_scanning_configuration=Nested(scan_on_push=True),
        **sealed,
        tags=c.tags("compute"),
    )
    m.output("repository_url", repository.repository_url, "Where the pipeline pushes the image that Lambda runs.")
    return template(repository.repository_url, ":", tag)  # type: ignore[return-value]


def _pushes(c: Scope) -> list[Mapping[str, Any]]:
    if c.b.has("registry"):
        return []
    return [allow("ecr", "login"), allow("ecr", "push", Ref("aws_ecr_repository.service").arn)]


def _alias(c: Scope, function: Ref) -> Ref:
    m = c.module
    told = "A release moves the alias from version to version."
    alias = m.resource(
        "aws_lambda_alias", "live", "compute", why="What callers call; a release moves it.", name=ALIAS,
        function_name=function.function_name, function_version=function.version,
        lifecycle=Nested(ignore_changes=Noted([raw("function_version"), raw("routing_config")], told)),
    )  # fmt: skip
    floor = c.sized("compute", lambda s: s.minimum)
    if any(floor.values.values()):
        m.resource(
            "aws_lambda_provisioned_concurrency_config", "live", "compute", why=c.b.why("scaling.autoscaling"),
            count=raw(f"{c.floor()} > 0 ? 1 : 0"), function_name=alias.function_name, qualifier=alias.name,
            provisioned_concurrent_executions=c.floor(),
        )  # fmt: skip
    return alias


# --- who calls it ----------------------------------------------------------------------------------------


def _works(c: Scope, alias: Ref) -> None:
    """The intake hands work over."""
    m = c.module
    kinesis = c.service("intake").id == "kinesis"
    source = m.variable("intake_arn", "string", c.data.outputs["intake_arn"].description, c.data.wire("intake_arn"),
                        nullable=True)  # fmt: skip
    m.resource(
        "aws_lambda_event_source_mapping", "intake", ("compute", "intake"), why=c.b.why("scaling.autoscaling"),
        **(_from_stream(source) if kinesis else _from_queue(c)), event_source_arn=source, function_name=alias.arn,
    )  # fmt: skip


def _from_queue(c: Scope) -> Mapping[str, Any]:
    most = raw(f"max({_LEAST_POLLED}, min(1000, {c.ceiling()}))")
    return {
        "batch_size": 10,
        "function_response_types": Noted(["ReportBatchItemFailures"], "Only what failed is tried again."),
        "scaling_config": Nested(maximum_concurrency=Noted(most, f"A poller starts {_LEAST_POLLED} at least.")),
    }


def _from_stream(source: Ref) -> Mapping[str, Any]:
    return {
        "count": raw(f"{source} == null ? 0 : 1"),
        "starting_position": "LATEST",
        "batch_size": 100,
        "bisect_batch_on_function_error": Noted(True, "Halves a batch until the record that fails is alone."),
        "maximum_retry_attempts": ATTEMPTS,
        "function_response_types": ["ReportBatchItemFailures"],
    }


def _called(c: Scope, alias: Ref) -> None:
    """The entry calls it, and nobody else may."""
    m = c.module
    if balanced(c.b):
        target = m.variable("target_group_arn", "string", "What the load balancer calls.",
                            c.edge.wire("target_group_arn"))  # fmt: skip
        _permitted(c, alias, "elasticloadbalancing.amazonaws.com", target)
        m.resource("aws_lb_target_group_attachment", "service", ("compute", "entry"), target_group_arn=target,
                   target_id=alias.arn, depends_on=[Ref("aws_lambda_permission.entry")])  # fmt: skip
    elif not intake_is_direct(c.b):
        api = m.variable("execution_arn", "string", "The API that calls the service.",
                         c.edge.wire("execution_arn"))  # fmt: skip
        _permitted(c, alias, "apigateway.amazonaws.com", template(api, "/*"))


def _permitted(c: Scope, alias: Ref, principal: str, source: Any) -> None:
    c.module.resource(
        "aws_lambda_permission", "entry", ("compute", "entry"), statement_id="Entry", action="lambda:InvokeFunction",
        function_name=alias.function_name, qualifier=alias.name, principal=principal, source_arn=source,
    )  # fmt: skip
