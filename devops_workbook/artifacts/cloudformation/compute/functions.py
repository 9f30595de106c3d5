"""AWS Lambda: the service as a function from a container image, called by the entry or by the intake."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.cloudformation.common import allow, arn, assured, key, role
from devops_workbook.artifacts.cloudformation.compute.running import Running
from devops_workbook.artifacts.cloudformation.data.intake import ATTEMPTS, work_seconds
from devops_workbook.artifacts.cloudformation.template import ACCOUNT, PARTITION, REGION, Resource, sub
from devops_workbook.artifacts.yaml import Noted

__all__ = ["compute"]

_MIB = 1024
_LEAST_POLLED = 2  # the smallest concurrency that a queue's poller can be held to


def compute(c: Running) -> None:
    """The service of a site as a function."""
    t, b = c.template, c.b
    function = _function(c)
    c.watched, c.concurrency = {"FunctionName": function}, c.ceiling()
    t.output("Function", function, "The function.", exported=True)
    if b.has("intake"):
        _works(c, function)
    if c.balanced:
        may = _permitted(c, function, "elasticloadbalancing.amazonaws.com", None)
        c.targets("lambda", depends=[may], Targets=[{"Id": function.arn}])
    elif not b.has("intake"):
        _answers(c, function)


def _function(c: Running) -> Resource:
    t, b = c.template, c.b
    logs = c.logs(sub("/aws/lambda/", t.name_parameter, "-service", *t.site_suffix))
    traced = b.component("traces").service == "x-ray"
    statements = [*c.statements(), allow("cloudwatch-logs", "write", logs.arn), allow("lambda", "network"), _kept(c),
                  *([allow("x-ray", "write")] if traced else [])]  # fmt: skip
    own = role(
        t, "ServiceRole", "compute", "lambda.amazonaws.com", statements, why="What the function may do.",
        skips={"CKV_AWS_111": "the network interfaces of a function have no name before they are made, and the "
               "function itself is denied to use the right"},
    )  # fmt: skip
    memory = t.parameter(
        "MemoryMiB",
        "Number",
        "Memory of an instance, MiB; processors come with it.",
        c.sized(lambda s: int(s.memory_gib * _MIB)),
        why=b.why("scaling.capacity"),
        bounds=(128, 10_240),
    )
    skips = {
        "CKV_AWS_116": "called by the entry, which waits for the answer, or by the intake, which keeps what failed"
    }
    if not assured(b):
        skips["CKV_AWS_173"] = "the plan leaves keys to the provider, which encrypts by default"
    return t.resource(
        "Function", "AWS::Lambda::Function", "compute", why=b.why("infrastructure.compute"), skips=skips,
        FunctionName=sub(t.name_parameter, "-service", *t.site_suffix), Role=own.arn, PackageType="Image",
        Code={"ImageUri": c.image()}, Architectures=["x86_64"], MemorySize=memory,
        Timeout=Noted(work_seconds(b), "Seconds: as long as the entry waits, or as Lambda allows a worker."),
        ReservedConcurrentExecutions=Noted(c.ceiling(), "The ceiling that the database bears."),
        KmsKeyArn=key(t, b, "secrets"), Environment={"Variables": c.settings()},
        VpcConfig={"SubnetIds": c.net.subnets("in-use"), "SecurityGroupIds": [c.net.group("compute")]},
        LoggingConfig={"LogFormat": "JSON", "LogGroup": logs},
        TracingConfig={"Mode": "Active" if traced else "PassThrough"},
    )  # fmt: skip


def _kept(c: Running) -> dict[str, Any]:
    """The service of Lambda makes network interfaces with this role; the code of the function must not."""
    t, fact = c.template, allow("lambda", "network")
    name = arn("lambda", "function:", t.name_parameter, "-service", *t.site_suffix)
    return {"Sid": "LambdaNetworkOnly", "Effect": "Deny", "Action": fact["Action"], "Resource": "*",
            "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": name}}}  # fmt: skip


# --- who calls it ----------------------------------------------------------------------------------------


def _works(c: Running, function: Resource) -> None:
    """The intake hands work over."""
    assert c.stored.queue is not None
    stream = c.b.component("intake").service == "kinesis"
    how: dict[str, Any] = {
        "BatchSize": 100,
        "StartingPosition": "LATEST",
        "MaximumRetryAttempts": ATTEMPTS,
        "BisectBatchOnFunctionError": Noted(True, "Halves a batch until the record that fails is alone."),
    }
    if not stream:
        polled = c.template.parameter(
            "PolledConcurrency",
            "Number",
            "Instances that the queue's poller may start at once.",
            c.sized(lambda s: max(_LEAST_POLLED, min(1000, s.maximum))),
            why=f"No more than there may be; a poller starts {_LEAST_POLLED} at least.",
            bounds=(_LEAST_POLLED, 1000),
        )
        how = {"BatchSize": 10, "ScalingConfig": {"MaximumConcurrency": polled}}
    c.template.resource(
        "Work", "AWS::Lambda::EventSourceMapping", ("compute", "intake"), why=c.b.why("scaling.autoscaling"),
        EventSourceArn=c.stored.queue.arn, FunctionName=function, **how,
        FunctionResponseTypes=Noted(["ReportBatchItemFailures"], "Only what failed is tried again."),
    )  # fmt: skip


def _permitted(c: Running, function: Resource, principal: str, source: Any) -> Resource:
    return c.template.resource(
        "EntryPermission", "AWS::Lambda::Permission", ("compute", "entry"), Action="lambda:InvokeFunction",
        FunctionName=function.arn, Principal=principal, SourceArn=source,
        SourceAccount=ACCOUNT if source is None else None,
    )  # fmt: skip


def _answers(c: Running, function: Resource) -> None:
    """An API calls the function and waits for its answer."""
    t, api = c.template, c.entry.api
    _permitted(c, function, "apigateway.amazonaws.com",
               sub("arn:", PARTITION, ":execute-api:", REGION, ":", ACCOUNT, ":", api, "/*"))  # fmt: skip
    made = t.resource("Integration", "AWS::ApiGatewayV2::Integration", ("entry", "compute"), ApiId=api,
                      IntegrationType="AWS_PROXY", IntegrationUri=function.arn, PayloadFormatVersion="2.0")  # fmt: skip
    t.resource(
        "Route",
        "AWS::ApiGatewayV2::Route",
        "entry",
        ApiId=api,
        RouteKey="$default",
        AuthorizationType="NONE",
        Target=sub("integrations/", made),
        skips={"CKV_AWS_309": "whoever calls is known by the service itself, which checks the caller's token"},
    )
