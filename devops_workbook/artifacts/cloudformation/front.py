"""What stands before the sites: names and where they lead, CloudFront, and the firewall at it.

With two sites, a name leads to the one that is healthy, or to the nearer of two that both serve. Where a person decides
about the failover, that person sets a parameter, which turns the first site's health check over.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Each
from devops_workbook.artifacts.cloudformation.common import arn, domain, doubled, log_group
from devops_workbook.artifacts.cloudformation.edge import HEALTH, regional_firewall
from devops_workbook.artifacts.cloudformation.firewall import firewall
from devops_workbook.artifacts.cloudformation.template import (
    Condition,
    Given,
    Resource,
    Template,
    choose,
    fn,
    sub,
)
from devops_workbook.artifacts.yaml import Noted

__all__ = ["front", "in_front", "zone"]

# CloudFront's own policies, by their published ids.
_CACHED, _UNCACHED = "658327ea-f89d-4fab-a63d-7e88639e58f6", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
_ALL_BUT_HOST, _SECURITY_HEADERS = "b689b0a8-53d0-40ab-baf2-68738e2966ac", "67f7725c-6f97-4210-82d7-5512b31e9d03"


def in_front(b: Blueprint) -> bool:
    """Whether CloudFront stands before the entry: as the CDN, or to carry the firewall, which HTTP APIs do not take."""
    return b.has("cdn") or (b.has("waf") and not regional_firewall(b))


def zone(b: Blueprint) -> Template:
    """The zone of the environment's names, deployed first so that the parent zone can delegate to it."""
    t = Template("domain", "The zone of the environment's names.",
                 ("The zone of the environment's names. Delegate to its name servers before anything else is deployed: "
                  "certificates prove themselves by records in it.",))  # fmt: skip
    made = t.resource("HostedZone", "AWS::Route53::HostedZone", "dns", keep="Retain", Name=domain(t, b),
                      HostedZoneConfig={"Comment": "Names of the service."})  # fmt: skip
    t.output("HostedZoneId", made, "The zone.", exported=True)
    t.output(
        "NameServers", fn("Join", ",", made.att("NameServers")), "Where the parent zone delegates to.", exported=True
    )
    return t


def front(b: Blueprint) -> Template:
    """Names, CDN and firewall, in Northern Virginia, from where CloudFront reads."""
    t = Template(
        "front",
        "Where the name of the service leads.",
        ("Where the name of the service leads: to the entry of a site, or to CloudFront before it.",),
    )
    zone_id = t.parameter("HostedZoneId", "String", "The zone of the domain, from the stack domain.",
                          Given("domain", "HostedZoneId"), pattern="^Z[A-Z0-9]+$")  # fmt: skip
    name = domain(t, b)
    origin = sub("origin.", name) if in_front(b) else name
    two = doubled(t, b) if len(b.sites) > 1 else None
    for i in range(len(b.sites)):
        _lead(t, b, zone_id, origin, i, two)
    if in_front(b):
        _distribution(t, b, zone_id, name, origin)
    return t


# --- names -----------------------------------------------------------------------------------------------

_SITES = ("First", "Second")


def _lead(t: Template, b: Blueprint, zone_id: Any, name: Any, i: int, two: Condition | None) -> None:
    """The record that leads to a site."""
    site, suffix = _SITES[i], b.sites[i].suffix
    target = t.parameter(f"{site}EntryDns", "String", f"Where the entry of the {site.lower()} site is reached.",
                         Given(f"site{suffix}", "EntryDns"))  # fmt: skip
    of = t.parameter(f"{site}EntryZone", "String", "The hosted zone of that name.", Given(f"site{suffix}", "EntryZone"))
    routing: dict[str, Any] = {}
    if two:
        checked = _health_check(t, b, site, target, i, two)
        if b.choice("disaster_recovery.high_availability") == "active-active":
            way: dict[str, Any] = {"Region": b.sites[i].region.id}
        else:
            way = {"Failover": ("PRIMARY", "SECONDARY")[i]}
        # The second record is there with the second site alone, and needs no further condition.
        routing = {k: v if i else choose(two, v)
                   for k, v in {"SetIdentifier": site.lower(), "HealthCheckId": checked, **way}.items()}  # fmt: skip
    t.resource(
        f"{site}Record",
        "AWS::Route53::RecordSet",
        "dns",
        condition=two if i else None,
        HostedZoneId=zone_id,
        Name=name,
        Type="A",
        why=b.why("disaster_recovery.recovery") if two else "",
        **routing,
        AliasTarget={"DNSName": target, "HostedZoneId": of, "EvaluateTargetHealth": bool(two)},
    )


def _health_check(t: Template, b: Blueprint, site: str, target: Any, i: int, two: Condition) -> Resource:
    manual = i == 0 and b.choice("disaster_recovery.recovery") == "region-failover-manual"
    config: dict[str, Any] = {"Type": "HTTPS", "FullyQualifiedDomainName": target, "Port": 443, "ResourcePath": HEALTH,
                              "RequestInterval": 30, "FailureThreshold": 3}  # fmt: skip
    if not b.requirements.public_facing:
        # No probe from outside reaches a private entry: what counts is whether its targets are healthy.
        config = {"Type": "CALCULATED", "ChildHealthChecks": [], "HealthThreshold": 0}
    if manual:
        said = t.parameter("FailOver", "String", "Whether the second site serves: a person's decision.",
                           Each(dict.fromkeys(("production", "staging", "development"), "false")),
                           allowed=("true", "false"))  # fmt: skip
        failed = t.condition("IsFailedOver", fn("Equals", said, "true"), b.each(lambda _: False))
        # Without children to ask it is healthy, until a person turns it over: the failover is somebody's decision.
        config = {"Type": "CALCULATED", "ChildHealthChecks": [], "HealthThreshold": 0,
                  "Inverted": choose(failed, True, False)}  # fmt: skip
    return t.resource(f"{site}HealthCheck", "AWS::Route53::HealthCheck", "dns", condition=two, HealthCheckConfig=config)


# --- CloudFront ------------------------------------------------------------------------------------------


def _distribution(t: Template, b: Blueprint, zone_id: Any, name: Any, origin: Any) -> None:
    id = "cdn" if b.has("cdn") else "waf"
    shown = t.resource(
        "Certificate", "AWS::CertificateManager::Certificate", id, DomainName=name, ValidationMethod="DNS",
        DomainValidationOptions=[{"DomainName": name, "HostedZoneId": zone_id}],
    )  # fmt: skip
    acl = firewall(t, b, "CLOUDFRONT", "waf") if b.has("waf") else None
    skips = {
        "CKV_AWS_86": "its access log is delivered to CloudWatch Logs, which this check does not know",
        "CKV_AWS_305": "an interface for programs has no start page",
        "CKV_AWS_310": "origin groups repeat reads only; the origin's name fails over for writes too",
        "CKV_AWS_374": "users may come from everywhere; the requirements name no countries",
    }
    if acl is None:
        skips["CKV_AWS_68"] = "security.network asks for no web application firewall"
    why = (
        b.why("scaling.caching")
        if b.has("cdn")
        else (
            "AWS WAF does not attach to HTTP APIs, so a distribution that caches nothing carries it. "
            + b.why("security.network")
        )
    )
    cached = Noted(_CACHED, "CachingOptimized, a policy of CloudFront: what the service's Cache-Control allows.")
    made = t.resource(
        "Distribution",
        "AWS::CloudFront::Distribution",
        id,
        why=why,
        skips=skips,
        DistributionConfig={
            "Enabled": True,
            "IPV6Enabled": True,
            "HttpVersion": "http2and3",
            "Aliases": [name],
            "PriceClass": "PriceClass_All",
            **({"WebACLId": acl.arn} if acl else {}),
            "Origins": [
                {
                    "Id": "entry",
                    "DomainName": origin,
                    "CustomOriginConfig": {
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "https-only",
                        "OriginSSLProtocols": ["TLSv1.2"],
                    },
                }
            ],
            "DefaultCacheBehavior": {
                "TargetOriginId": "entry",
                "ViewerProtocolPolicy": "redirect-to-https",
                "Compress": True,
                "AllowedMethods": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
                "CachedMethods": ["GET", "HEAD"],
                "CachePolicyId": cached
                if b.has("cdn")
                else Noted(_UNCACHED, "CachingDisabled, a policy of CloudFront."),
                "OriginRequestPolicyId": Noted(
                    _ALL_BUT_HOST, "AllViewerExceptHostHeader: the origin is asked by its own name."
                ),
                "ResponseHeadersPolicyId": Noted(_SECURITY_HEADERS, "SecurityHeadersPolicy of CloudFront."),
            },
            "Restrictions": {"GeoRestriction": {"RestrictionType": "none"}},
            "ViewerCertificate": {
                "AcmCertificateArn": shown,
                "SslSupportMethod": "sni-only",
                "MinimumProtocolVersion": "TLSv1.2_2021",
            },
        },
    )
    _access_log(t, b, made, id)
    target = {
        "DNSName": made.att("DomainName"),
        "EvaluateTargetHealth": False,
        "HostedZoneId": Noted("Z2FDTNDATAQYW2", "The zone of every distribution."),
    }
    t.resource(
        "Record", "AWS::Route53::RecordSet", "dns", HostedZoneId=zone_id, Name=name, Type="A", AliasTarget=target
    )
    t.output("Distribution", made, "The distribution, as its metrics name it.", exported=True)


def _access_log(t: Template, b: Blueprint, made: Resource, id: str) -> None:
    logs = log_group(t, b, "DistributionLogs", id, sub("/aws/vendedlogs/cloudfront/", t.name_parameter), None)
    source = t.resource(
        "LogSource",
        "AWS::Logs::DeliverySource",
        id,
        Name=sub(t.name_parameter, "-cdn"),
        LogType="ACCESS_LOGS",
        ResourceArn=arn("cloudfront", "distribution/", made, region=""),
    )
    target = t.resource(
        "LogTarget",
        "AWS::Logs::DeliveryDestination",
        id,
        Name=sub(t.name_parameter, "-cdn"),
        OutputFormat="json",
        DestinationResourceArn=logs.arn,
    )
    t.resource("LogDelivery", "AWS::Logs::Delivery", id, DeliverySourceName=source,
               DeliveryDestinationArn=target.arn)  # fmt: skip
