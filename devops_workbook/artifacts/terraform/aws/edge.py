"""The entry of a site: a load balancer, or API Gateway, with what it hands requests to.

An Application Load Balancer spans the public subnets of all zones, two at least, even where machines run in one.
API Gateway hands requests to a function by itself; to a queue or stream it writes; machines and containers it reaches
through a link into the network, to a load balancer that nobody outside can reach. A load balancer cannot write to a
queue: there the service accepts the request and queues the work.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.aws.dns import certificate
from devops_workbook.artifacts.terraform.aws.keys import own_keys
from devops_workbook.artifacts.terraform.aws.logs import log_group
from devops_workbook.artifacts.terraform.aws.placed import named, placed, tags
from devops_workbook.artifacts.terraform.aws.policies import allow, role, trust
from devops_workbook.artifacts.terraform.aws.reach import balanced, in_front, intake_is_direct
from devops_workbook.artifacts.terraform.aws.security import deletion_protection
from devops_workbook.artifacts.terraform.aws.waf import firewall
from devops_workbook.artifacts.terraform.aws.work import ALIAS, FUNCTION, SERVICE_PORT
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["COLOURS", "HEALTH_PATH", "edge"]

_WHY = "scaling.load_balancing"
HEALTH_PATH = "/health"
"""Where the service says whether it can take requests."""


def edge(b: Blueprint, site: Site, network: Module, security: Module, data: Module, dns: Module) -> Module:
    """The entry of a site. Puts out address_name and address_zone_id, to which names point, and what compute registers
    with: target_group_arn, or execution_arn of the gateway that calls a function."""
    about = ("Takes requests in over TLS and hands them on, encrypted again, to whatever of the service is healthy.",)
    m = placed(b, "edge", "Edge", about, site)
    gateway = b.component("entry").role == "api_gateway"
    if balanced(b):
        _balancer(b, m, site, network, security, dns, inside=gateway)
    if gateway:
        _gateway(b, m, site, network, security, data, dns)
    if len(b.sites) > 1:
        _health(b, m, _SIGNS["gateway" if gateway else "balancer"])
    return m


def _certificate(m: Module, site: Site, dns: Module) -> Ref:
    return m.variable(
        "certificate_arn", "string", "The certificate of the entry, in its region.", certificate(dns, site)
    )


def _domain(m: Module) -> Ref:
    return m.variable("domain", "string", "The name under which users reach the environment.", raw("var.domain"))


def _groups(m: Module, network: Module) -> Ref:
    told = "Security groups by the component they belong to."
    return m.variable("security_group_ids", "map(string)", told, network.wire("security_group_ids"))


def _health(b: Blueprint, m: Module, sign: Mapping[str, Any]) -> None:
    """The alarm that tells whether the site serves; names lead elsewhere while it is on."""
    on = m.variable(
        "second_site", "bool", "Whether the environment has a site to fail over to.", raw("var.second_site")
    )
    alarm = m.resource(
        "aws_cloudwatch_metric_alarm",
        "health",
        "entry",
        file="health",
        why=b.why("disaster_recovery.recovery"),
        count=raw(f"{on} ? 1 : 0"),
        alarm_name=named("does-not-serve"),
        **sign,
        evaluation_periods=3,
        tags=tags(b, m, "entry"),
    )
    m.output("health_alarm", raw(f"one({alarm}[*].alarm_name)"), "The alarm that tells that the site does not serve.")


_SIGNS: Mapping[str, Mapping[str, Any]] = {
    "balancer": {
        "alarm_description": "No target of the load balancer is healthy.",
        "namespace": "AWS/ApplicationELB", "metric_name": "HealthyHostCount", "statistic": "Minimum", "period": 60,
        "comparison_operator": "LessThanThreshold", "threshold": 1, "treat_missing_data": "breaching",
        "dimensions": {"LoadBalancer": raw("aws_lb.this.arn_suffix"), "TargetGroup": raw("local.target_group")},
    },
    "gateway": {
        "alarm_description": "More requests fail than succeed.",
        "comparison_operator": "GreaterThanThreshold", "threshold": 0.5, "treat_missing_data": "notBreaching",
        "metric_query": [
            Nested(id="failed", return_data=True, label="Share of requests that fail", expression="errors / requests"),
            *(Nested(id=id, metric=Nested(namespace="AWS/ApiGateway", metric_name=metric, stat="Sum", period=60,
                                          dimensions={"ApiId": raw("aws_apigatewayv2_api.this.id")}))
              for id, metric in (("errors", "5xx"), ("requests", "Count"))),
        ],
    },
}  # fmt: skip


# --- load balancer ---------------------------------------------------------------------------------------


def _balancer(
    b: Blueprint, m: Module, site: Site, network: Module, security: Module, dns: Module, *, inside: bool
) -> None:
    """inside: whether it stands behind a gateway, in the application subnets."""
    tier = "app" if inside else "public"
    subnets = m.variable(
        f"{tier}_subnet_ids", "list(string)", "Subnets of the load balancer.", network.wire(f"{tier}_subnet_ids"),
        checks=[(f"length(var.{tier}_subnet_ids) >= 2", "A load balancer asks for subnets in two zones at least.")],
    )  # fmt: skip
    logs = m.variable("log_bucket_id", "string", "The bucket that access logs go to.", security.wire("log_bucket_id"))
    private = inside or not b.requirements.public_facing
    made = m.resource(
        "aws_lb",
        "this",
        "entry",
        file="balancer",
        why=b.why(_WHY),
        name=Ref("var.name"),
        load_balancer_type="application",
        internal=Noted(
            private, "Users come from the company network." if not inside else "Only the gateway's link reaches it."
        )
        if private
        else False,
        security_groups=[_groups(m, network)["entry"]],
        subnets=subnets,
        drop_invalid_header_fields=True,
        enable_deletion_protection=deletion_protection(m),
        access_logs=Nested(bucket=logs, prefix="entry", enabled=True),
        tags=tags(b, m, "entry"),
        skips={} if b.has("waf") and not in_front(b) else {"CKV2_AWS_28": _unfiltered(b)},
    )
    groups = [_target_group(b, m, network, colour) for colour in colours(b)]
    switched: dict[str, Any] = {"lifecycle": Nested(ignore_changes=[raw("default_action")])} if len(groups) > 1 else {}
    listener = m.resource(
        "aws_lb_listener", "https", "entry", file="balancer", load_balancer_arn=made.arn, port=443, protocol="HTTPS",
        why="A release switches between the target groups." if switched else "",
        ssl_policy=Noted("ELBSecurityPolicy-TLS13-1-2-2021-06", "TLS 1.2 and 1.3 only."),
        certificate_arn=_certificate(m, site, dns),
        default_action=Nested(type="forward", target_group_arn=groups[0].arn), tags=tags(b, m, "entry"), **switched,
    )  # fmt: skip
    if b.has("waf") and not in_front(b):
        _filter(b, m, security, made)
    _told(m, made, listener, groups)
    if len(b.sites) > 1 and not inside:
        m.local("target_group", groups[0].arn_suffix)
    if not inside:
        m.output("address_name", made.dns_name, "Where the entry is reached; names point there.")
        m.output("address_zone_id", made.zone_id, "The hosted zone of that name.")


def _unfiltered(b: Blueprint) -> str:
    if b.has("waf"):
        return "the firewall is in front of it, at CloudFront"
    return "security.network asks for no web application firewall"


def _told(m: Module, made: Ref, listener: Ref, groups: list[Ref]) -> None:
    m.output("load_balancer_suffix", made.arn_suffix, "The load balancer, as its metrics name it.")
    m.output("listener_arn", listener.arn, "Where requests come in.")
    m.output("target_group_arn", groups[0].arn, "What the service registers with.", exported=True)
    m.output("target_group_suffix", groups[0].arn_suffix, "The target group, as its metrics name it.")
    m.output("target_group_names", [group.name for group in groups], "The target groups that releases switch between.")


COLOURS = ("blue", "green")
_SWITCHED = ("blue-green", "canary")


def colours(b: Blueprint) -> tuple[str, ...]:
    """The target groups: two where a release of containers switches from one to the other."""
    kind = b.provider.services[b.component("compute").service].kind
    return COLOURS if kind == "containers" and b.choice("cicd.deployment") in _SWITCHED else ("service",)


def _target_group(b: Blueprint, m: Module, network: Module, colour: str) -> Ref:
    kind = b.provider.services[b.component("compute").service].kind
    check: Mapping[str, Any] = {"path": HEALTH_PATH, "matcher": "200"}
    if kind == "functions":
        return m.resource(
            "aws_lb_target_group", colour, "entry", file="balancer", name=named(colour), target_type="lambda",
            health_check=Nested(enabled=True, **check), tags=tags(b, m, "entry"),
        )  # fmt: skip
    vpc = m.variable("network_id", "string", "The VPC.", network.wire("network_id"))
    return m.resource(
        "aws_lb_target_group", colour, "entry", file="balancer", name=named(colour), vpc_id=vpc, protocol="HTTPS",
        port=SERVICE_PORT, target_type="instance" if kind == "vms" else "ip",
        health_check=Nested(protocol="HTTPS", **check), tags=tags(b, m, "entry"),
    )  # fmt: skip


def _filter(b: Blueprint, m: Module, security: Module, balancer: Ref) -> None:
    acl = firewall(b, m, "REGIONAL", _logs_key(b, m, security))
    m.resource("aws_wafv2_web_acl_association", "this", "waf", file="firewall", resource_arn=balancer.arn,
               web_acl_arn=acl.arn)  # fmt: skip


def _logs_key(b: Blueprint, m: Module, security: Module) -> Ref | None:
    if not own_keys(b):
        return None
    return m.variable("logs_key_id", "string", "The key that encrypts logs.", security.wire("logs_key_id"),
                      why=b.why("infrastructure.security"))  # fmt: skip


# --- API Gateway -----------------------------------------------------------------------------------------


def _gateway(b: Blueprint, m: Module, site: Site, network: Module, security: Module, data: Module, dns: Module) -> None:
    domain = _domain(m)
    host = template("origin.", domain) if in_front(b) else domain
    m.data("aws_region", "current", file="gateway")
    m.data("aws_caller_identity", "current", file="gateway")
    api = m.resource(
        "aws_apigatewayv2_api", "this", "entry", file="gateway", why=b.why(_WHY), name=Ref("var.name"),
        protocol_type="HTTP",
        disable_execute_api_endpoint=Noted(True, "Users come by the name of the service, not by AWS's."),
        tags=tags(b, m, "entry"),
    )  # fmt: skip
    stage = _stage(b, m, api, _logs_key(b, m, security))
    reached = m.resource(
        "aws_apigatewayv2_domain_name", "this", "entry", file="gateway", domain_name=host,
        domain_name_configuration=Nested(certificate_arn=_certificate(m, site, dns), endpoint_type="REGIONAL",
                                         security_policy="TLS_1_2"), tags=tags(b, m, "entry"),
    )  # fmt: skip
    m.resource("aws_apigatewayv2_api_mapping", "this", "entry", file="gateway", api_id=api.id,
               domain_name=reached.id, stage=stage.id)  # fmt: skip
    _route(b, m, api, _integration(b, m, api, network, data))
    address = raw(f"{reached}.domain_name_configuration[0]")
    m.output("address_name", address.target_domain_name, "Where the entry is reached; names point there.")
    m.output("address_zone_id", address.hosted_zone_id, "The hosted zone of that name.")
    m.output("api_id", api.id, "The API, as its metrics name it.")
    m.output("execution_arn", api.execution_arn, "The API, as what it calls names it.")


_ACCESS = ("requestId", "identity.sourceIp", "requestTime", "httpMethod", "path", "status", "responseLatency",
           "integrationErrorMessage")  # fmt: skip


def _stage(b: Blueprint, m: Module, api: Ref, key: Ref | None) -> Ref:
    group = log_group(b, m, "access", "entry", named("access"), key, file="gateway", tags=tags(b, m, "entry"))
    entries = {name.rsplit(".")[-1]: f"$context.{name}" for name in _ACCESS}
    most = math.ceil(b.assessment.capacity.planned_rps)
    return m.resource(
        "aws_apigatewayv2_stage",
        "this",
        "entry",
        file="gateway",
        api_id=api.id,
        name="$default",
        auto_deploy=True,
        access_log_settings=Nested(destination_arn=group.arn, format=call("jsonencode", entries)),
        default_route_settings=Nested(
            throttling_rate_limit=Noted(
                most, f"Requests a second: the planned peak of {most}; what comes beyond is refused."
            ),
            throttling_burst_limit=Noted(
                math.ceil(most * b.requirements.spike_factor),
                f"A spike of {b.requirements.spike_factor:g} times the peak, for a moment.",
            ),
        ),
        tags=tags(b, m, "entry"),
    )


def _route(b: Blueprint, m: Module, api: Ref, integration: Ref) -> None:
    public = b.requirements.public_facing
    skips = {"CKV_AWS_309": "the service knows its users; the public has no AWS credentials to show"} if public else {}
    m.resource(
        "aws_apigatewayv2_route",
        "default",
        "entry",
        file="gateway",
        skips=skips,
        api_id=api.id,
        route_key="$default",
        why=""
        if public
        else "An HTTP API is reachable from everywhere, so whoever calls it signs as one of our roles.",
        authorization_type="NONE" if public else "AWS_IAM",
        target=template("integrations/", integration.id),
    )


def _integration(b: Blueprint, m: Module, api: Ref, network: Module, data: Module) -> Ref:
    if intake_is_direct(b):
        return _INTAKES[b.component("intake").service](b, m, api, data)
    kind = b.provider.services[b.component("compute").service].kind
    return _function(m, api) if kind == "functions" else _link(b, m, api, network)


def _function(m: Module, api: Ref) -> Ref:
    region, account = raw("data.aws_region.current.name"), raw("data.aws_caller_identity.current.account_id")
    function = ("arn:aws:lambda:", region, ":", account, ":function:", raw("var.name"), f"-{FUNCTION}:{ALIAS}")
    return m.resource(
        "aws_apigatewayv2_integration", "this", "entry", file="gateway", api_id=api.id, integration_type="AWS_PROXY",
        integration_uri=template("arn:aws:apigateway:", region, ":lambda:path/2015-03-31/functions/", *function,
                                 "/invocations"), payload_format_version="2.0",
    )  # fmt: skip


def _link(b: Blueprint, m: Module, api: Ref, network: Module) -> Ref:
    subnets = m.variable("app_subnet_ids", "list(string)", "Application subnets, one in each zone.",
                         network.wire("app_subnet_ids"))  # fmt: skip
    link = m.resource(
        "aws_apigatewayv2_vpc_link", "this", "entry", file="gateway", name=Ref("var.name"), subnet_ids=subnets,
        security_group_ids=[_groups(m, network)["entry"]], tags=tags(b, m, "entry"),
    )  # fmt: skip
    return m.resource(
        "aws_apigatewayv2_integration", "this", "entry", file="gateway", api_id=api.id, integration_type="HTTP_PROXY",
        integration_method="ANY", integration_uri=Ref("aws_lb_listener.https").arn, connection_type="VPC_LINK",
        connection_id=link.id, tls_config=Nested(server_name_to_verify=Ref("var.domain")),
    )  # fmt: skip


def _queue(b: Blueprint, m: Module, api: Ref, data: Module) -> Ref:
    queue = m.variable("intake_id", "string", "The queue's address.", data.wire("intake_id"))
    return _written(b, m, api, data, "sqs", "SQS-SendMessage", {"QueueUrl": queue, "MessageBody": "$request.body"})


def _stream(b: Blueprint, m: Module, api: Ref, data: Module) -> Ref:
    stream = m.variable("intake_id", "string", "The stream's name.", data.wire("intake_id"), nullable=True)
    given = {
        "StreamName": stream,
        "PartitionKey": "$context.requestId",
        "Data": Noted("$request.body.data", "Producers send JSON whose member data is encoded as base64."),
    }
    return _written(b, m, api, data, "kinesis", "Kinesis-PutRecord", given)


def _written(
    b: Blueprint, m: Module, api: Ref, data: Module, service: str, subtype: str, given: Mapping[str, Any]
) -> Ref:
    """The gateway writes to queue or stream by itself, under a role that may do nothing else."""
    arn = m.variable("intake_arn", "string", "Where the gateway writes.", data.wire("intake_arn"))
    statements = [allow(service, "send", arn)]
    if own_keys(b):
        keys = m.variable("key_ids", "map(string)", "Keys that encrypt, by use.", data.variables["key_ids"].value)
        statements.append(allow("kms", "encrypt", keys["files"]))
    writer = role(m, "gateway", "entry", named("gateway"), trust("apigateway.amazonaws.com"), *statements,
                  file="gateway", tags=tags(b, m, "entry"))  # fmt: skip
    return m.resource(
        "aws_apigatewayv2_integration", "this", "entry", file="gateway", api_id=api.id, integration_type="AWS_PROXY",
        integration_subtype=subtype, credentials_arn=writer.arn, payload_format_version="1.0",
        request_parameters=given,
    )  # fmt: skip


_INTAKES: Mapping[str, Callable[[Blueprint, Module, Ref, Module], Ref]] = {"sqs": _queue, "kinesis": _stream}
