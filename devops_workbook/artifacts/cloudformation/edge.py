"""The entry of one site: its certificate, the balancer or the API before the service, and the firewall where there is
no CDN to carry it.

What the entry sends requests to stands with the compute (see `compute`). Where work waits in a queue or a stream, an
API puts it there itself; a balancer cannot, so there the service accepts the request and queues the work.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.common import (
    access_bucket,
    allow,
    domain,
    kept,
    key,
    log_group,
    role,
)
from devops_workbook.artifacts.cloudformation.data import Stored
from devops_workbook.artifacts.cloudformation.firewall import firewall
from devops_workbook.artifacts.cloudformation.network import Net
from devops_workbook.artifacts.cloudformation.template import Given, Resource, Template, sub
from devops_workbook.artifacts.yaml import Noted

__all__ = ["HEALTH", "Entry", "edge", "regional_firewall"]

HEALTH = "/health"
_TLS = "ELBSecurityPolicy-TLS13-1-2-2021-06"


@dataclass
class Entry:
    """The template, and what others take of it. listener: of the balancer, None = there is none; api: None likewise;
    link: by which an API reaches into the network; watched: dimensions of the entry's metrics."""

    template: Template
    listener: Resource | None = None
    api: Resource | None = None
    link: Resource | None = None
    watched: dict[str, Any] = field(default_factory=dict)


def regional_firewall(b: Blueprint) -> bool:
    """Whether the firewall stands at the balancer itself; an HTTP API and a CDN have theirs at CloudFront."""
    return b.has("waf") and not b.has("cdn") and b.component("entry").service == "alb"


def edge(b: Blueprint, net: Net, stored: Stored) -> Entry:
    """The edge template, for all sites."""
    t = Template(
        "edge", "Entry of one site: certificate, balancer or API, firewall.",
        ("What takes requests in at one site, over TLS only.",), sites=len(b.sites),
    )  # fmt: skip
    entry = Entry(t)
    zone = t.parameter("HostedZoneId", "String", "The zone of the domain, from the stack domain.",
                       Given("domain", "HostedZoneId"), pattern="^Z[A-Z0-9]+$")  # fmt: skip
    name = domain(t, b)
    certificate = t.resource(
        "Certificate", "AWS::CertificateManager::Certificate", "entry", DomainName=name, ValidationMethod="DNS",
        why="It validates itself by a record in the zone, which the parent zone must have delegated by then.",
        DomainValidationOptions=[{"DomainName": name, "HostedZoneId": zone}],
    )  # fmt: skip
    if b.component("entry").service == "alb":
        _balanced(b, entry, net, certificate)
    else:
        _gateway(b, entry, net, stored, certificate, name)
    return entry


# --- a balancer ------------------------------------------------------------------------------------------


def _balanced(b: Blueprint, entry: Entry, net: Net, certificate: Resource) -> None:
    balancer = _balancer(b, entry, net, certificate, internal=not b.requirements.public_facing)
    t = entry.template
    t.output("EntryDns", balancer.att("DNSName"), "Name under which the entry answers.", exported=True)
    t.output("EntryZone", balancer.att("CanonicalHostedZoneID"), "Zone of that name.", exported=True)
    entry.watched = {"LoadBalancer": balancer.att("LoadBalancerFullName")}
    if regional_firewall(b):
        acl = firewall(t, b, "REGIONAL", "waf")
        t.resource("FirewallAtEntry", "AWS::WAFv2::WebACLAssociation", "waf", ResourceArn=balancer, WebACLArn=acl.arn)


def _balancer(b: Blueprint, entry: Entry, net: Net, certificate: Resource, *, internal: bool) -> Resource:
    t = entry.template
    attributes = {
        "access_logs.s3.enabled": "true", "access_logs.s3.bucket": access_bucket(t),
        "access_logs.s3.prefix": "entry", "deletion_protection.enabled": _text(kept(t)),
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "routing.http.desync_mitigation_mode": "strictest",
    }  # fmt: skip
    balancer = t.resource(
        "Balancer", "AWS::ElasticLoadBalancingV2::LoadBalancer", "entry", why=b.why("scaling.load_balancing"),
        Type="application", Scheme="internal" if internal else "internet-facing",
        Subnets=net.subnets("app" if internal else "public"), SecurityGroups=[net.group("entry")],
        LoadBalancerAttributes=[{"Key": k, "Value": v} for k, v in attributes.items()],
    )  # fmt: skip
    entry.listener = t.resource(
        "Listener", "AWS::ElasticLoadBalancingV2::Listener", "entry", LoadBalancerArn=balancer, Port=443,
        Protocol="HTTPS", SslPolicy=_TLS, Certificates=[{"CertificateArn": certificate}],
        why="Answers 503 until the compute of the site has registered.",
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
    )  # fmt: skip
    return balancer


def _text(value: Any) -> Any:
    """A condition's yes or no in the words of a balancer's attributes."""
    return type(value)("If", (value.arguments[0], "true", "false"))


# --- an API ----------------------------------------------------------------------------------------------


def _gateway(b: Blueprint, entry: Entry, net: Net, stored: Stored, certificate: Resource, name: Any) -> None:
    t = entry.template
    api = t.resource(
        "Api", "AWS::ApiGatewayV2::Api", "entry", why=b.why("scaling.load_balancing"), ProtocolType="HTTP",
        Name=sub(t.name_parameter, *t.site_suffix),
        DisableExecuteApiEndpoint=Noted(True, "Users come by the domain, and by nothing else."),
    )  # fmt: skip
    entry.api = api
    logs = log_group(
        t, b, "ApiLogs", "entry", sub("/aws/apigateway/", t.name_parameter, *t.site_suffix), key(t, b, "logs")
    )
    rate = t.parameter("ApiRate", "Number", "Requests a second that the API lets through.",
                       b.each(lambda e: max(10, round(b.assessment.capacity.planned_rps * e.traffic))),
                       why=b.why("scaling.capacity"), bounds=(1, 1_000_000))  # fmt: skip
    fields = {"id": "requestId", "ip": "identity.sourceIp", "route": "routeKey", "status": "status",
              "ms": "responseLatency"}  # fmt: skip
    shown = json.dumps({name: f"$context.{field}" for name, field in fields.items()})
    stage = t.resource(
        "Stage",
        "AWS::ApiGatewayV2::Stage",
        "entry",
        ApiId=api,
        StageName="$default",
        AutoDeploy=True,
        DefaultRouteSettings={
            "DetailedMetricsEnabled": True,
            "ThrottlingRateLimit": rate,
            "ThrottlingBurstLimit": rate,
        },
        AccessLogSettings={"DestinationArn": logs.arn, "Format": shown},
    )
    address = t.resource(
        "ApiDomain",
        "AWS::ApiGatewayV2::DomainName",
        "entry",
        DomainName=name,
        DomainNameConfigurations=[
            {"CertificateArn": certificate, "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2"}
        ],
    )
    t.resource("ApiMapping", "AWS::ApiGatewayV2::ApiMapping", "entry", ApiId=api, DomainName=address, Stage=stage)
    t.output("EntryDns", address.att("RegionalDomainName"), "Name under which the entry answers.", exported=True)
    t.output("EntryZone", address.att("RegionalHostedZoneId"), "Zone of that name.", exported=True)
    entry.watched = {"ApiId": api, "Stage": "$default"}
    if stored.queue is not None:
        _handed_over(b, entry, stored)
    elif b.component("compute").service != "lambda":
        _balancer(b, entry, net, certificate, internal=True)
        entry.link = t.resource(
            "Link",
            "AWS::ApiGatewayV2::VpcLink",
            "entry",
            Name=sub(t.name_parameter, *t.site_suffix),
            SubnetIds=net.subnets("app"),
            SecurityGroupIds=[net.group("entry")],
        )
        _routed(entry, {
            "IntegrationType": "HTTP_PROXY", "IntegrationMethod": "ANY", "ConnectionType": "VPC_LINK",
            "ConnectionId": entry.link, "IntegrationUri": entry.listener, "PayloadFormatVersion": "1.0",
            "TlsConfig": {"ServerNameToVerify": name}})  # fmt: skip


def _routed(entry: Entry, integration: dict[str, Any]) -> None:
    t, api = entry.template, entry.api
    made = t.resource("Integration", "AWS::ApiGatewayV2::Integration", "entry", ApiId=api, **integration)
    skips = {"CKV_AWS_309": "whoever calls is known by the service itself, which checks the caller's token"}
    t.resource("Route", "AWS::ApiGatewayV2::Route", "entry", ApiId=api, RouteKey="$default", skips=skips,
               Target=sub("integrations/", made))  # fmt: skip


def _handed_over(b: Blueprint, entry: Entry, stored: Stored) -> None:
    """The API puts what arrives into the queue or the stream itself."""
    t, stream = entry.template, b.component("intake").service == "kinesis"
    assert stored.queue is not None
    grants = [allow("kinesis" if stream else "sqs", "send", stored.queue.arn)]
    if (own := key(t, b, "files")) is not None:
        grants.append(allow("kms", "encrypt", own))
    sends = role(t, "HandOverRole", "entry", "apigateway.amazonaws.com", grants)
    queue = {"QueueUrl": stored.queue, "MessageBody": "$request.body"}
    line = {"StreamName": stored.queue, "Data": "$request.body", "PartitionKey": "$context.requestId"}
    _routed(
        entry,
        {
            "IntegrationType": "AWS_PROXY",
            "IntegrationSubtype": "Kinesis-PutRecord" if stream else "SQS-SendMessage",
            "PayloadFormatVersion": "1.0",
            "CredentialsArn": sends.arn,
            "RequestParameters": line if stream else queue,
        },
    )
