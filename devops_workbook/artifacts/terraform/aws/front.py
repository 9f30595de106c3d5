"""What stands before the sites: names and where they lead, CloudFront, and the firewall at it.

With two sites, a name leads to the one that is healthy, or to the nearer of two that both serve. Where a person decides
about the failover, the first site's health check is told by that person: it stands still, counts as healthy, and is
inverted when the second site shall serve (see the runbook).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.aws.dns import global_region
from devops_workbook.artifacts.terraform.aws.logs import log_group
from devops_workbook.artifacts.terraform.aws.placed import everywhere, named, tags
from devops_workbook.artifacts.terraform.aws.reach import in_front
from devops_workbook.artifacts.terraform.aws.waf import firewall
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["front"]

# CloudFront's own policies, by their published ids.
_CACHE = {"CachingOptimized": "658327ea-f89d-4fab-a63d-7e88639e58f6",
          "CachingDisabled": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"}  # fmt: skip
_TYPE = "aws_route53_record"


def front(b: Blueprint, dns: Module, entries: Sequence[Module]) -> Module:
    """Names, CDN and firewall. entries: the edge module of each site."""
    two, shown = len(entries) > 1, in_front(b)
    passed = {"aws": "aws.global"} if global_region(b) else {}
    m = everywhere("front", "Front", (
        "Where the name of the service leads: to the entry, or to CloudFront before it.",
    ), passed=passed, nameless=not two and not shown)  # fmt: skip
    zone = m.variable("zone_id", "string", "The zone of the environment.", dns.wire("zone_id"))
    domain = m.variable("domain", "string", "The name under which users reach the environment.", raw("var.domain"))
    name = template("origin.", domain) if shown else domain
    if two:
        m.variable("second_site", "bool", "Whether the environment has the second site.", raw("var.second_site"))
    for i, entry in enumerate(entries):
        _lead(b, m, zone, name, entry, i, two)
    if shown:
        _cdn(b, m, dns, zone, domain, name)
    return m


# --- names -----------------------------------------------------------------------------------------------

_SITES = ("first", "second")


def _lead(b: Blueprint, m: Module, zone: Ref, name: Any, entry: Module, i: int, two: bool) -> None:
    """The record that leads to a site."""
    site = _SITES[i]
    target = m.variable(f"{site}_name", "string", f"Where the entry of the {site} site is reached.",
                        entry.wire("address_name"), nullable=i > 0)  # fmt: skip
    target_zone = m.variable(
        f"{site}_zone_id", "string", "The hosted zone of that name.", entry.wire("address_zone_id"), nullable=i > 0
    )
    once: dict[str, Any] = {"count": raw("var.second_site ? 1 : 0")} if i else {}
    m.resource(
        _TYPE, site, "dns", **once, why=b.why("disaster_recovery.recovery") if two else "", zone_id=zone, name=name,
        type="A", **(_routing(b, m, entry, i) if two else {}),
        alias=Nested(name=target, zone_id=target_zone, evaluate_target_health=two and not _manual(b, i)),
    )  # fmt: skip


def _routing(b: Blueprint, m: Module, entry: Module, i: int) -> Mapping[str, Any]:
    """Failover, or the nearer of two that serve. An environment with one site has no health check to pay for."""
    checked = _health_check(b, m, entry, i)
    if b.choice("disaster_recovery.high_availability") == "active-active":
        policy = {"latency_routing_policy": Nested(region=b.sites[i].region.id)}
    else:
        policy = {"failover_routing_policy": Nested(type=("PRIMARY", "SECONDARY")[i])}
    return {"set_identifier": _SITES[i], "health_check_id": raw(f"one({checked}[*].id)"), **policy}


def _manual(b: Blueprint, i: int) -> bool:
    """Whether a person decides when a site no longer serves."""
    return i == 0 and b.choice("disaster_recovery.recovery") == "region-failover-manual"


def _health_check(b: Blueprint, m: Module, entry: Module, i: int) -> Ref:
    """Looks at an alarm of the site's own region, which sees what no probe from outside may reach."""
    site, more = _SITES[i], dict[str, Any]()
    if _manual(b, i):
        more = {"disabled": Noted(True, "Healthy until a person inverts it: the failover is somebody's decision."),
                "lifecycle": Nested(ignore_changes=[raw("invert_healthcheck")])}  # fmt: skip
    alarm = m.variable(f"{site}_health_alarm", "string", f"The alarm that tells that the {site} site does not serve.",
                       entry.wire("health_alarm"), nullable=True)  # fmt: skip
    return m.resource(
        "aws_route53_health_check", site, "dns", count=raw("var.second_site ? 1 : 0"), type="CLOUDWATCH_METRIC",
        cloudwatch_alarm_name=alarm, cloudwatch_alarm_region=b.sites[i].region.id,
        insufficient_data_health_status="LastKnownStatus", **more, tags=tags(b, m, "dns", Name=named(site)),
    )  # fmt: skip


# --- CloudFront ------------------------------------------------------------------------------------------


def _cdn(b: Blueprint, m: Module, dns: Module, zone: Ref, domain: Ref, origin: Any) -> None:
    id = "cdn" if b.has("cdn") else "waf"
    shown = m.variable("certificate_arn", "string", "The certificate that CloudFront shows.",
                       dns.wire("certificate_global_arn"))  # fmt: skip
    filtered = {"web_acl_id": firewall(b, m, "CLOUDFRONT", None).arn} if b.has("waf") else {}
    headers = m.data("aws_cloudfront_response_headers_policy", "security", file="cdn",
                     name="Managed-SecurityHeadersPolicy")  # fmt: skip
    made = m.resource(
        "aws_cloudfront_distribution",
        "this",
        id,
        file="cdn",
        why=_why_cdn(b),
        skips=dict(_cdn_skips(b)),
        enabled=True,
        is_ipv6_enabled=True,
        http_version="http2and3",
        aliases=[domain],
        price_class="PriceClass_All",
        **filtered,
        origin=Nested(
            origin_id="entry",
            domain_name=origin,
            custom_origin_config=Nested(
                http_port=80, https_port=443, origin_protocol_policy="https-only", origin_ssl_protocols=["TLSv1.2"]
            ),
        ),
        default_cache_behavior=Nested(
            target_origin_id="entry",
            viewer_protocol_policy="redirect-to-https",
            compress=True,
            allowed_methods=["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
            cached_methods=["GET", "HEAD"],
            cache_policy_id=_cache_policy(b),
            origin_request_policy_id=_passed_on(),
            response_headers_policy_id=headers.id,
        ),
        restrictions=Nested(geo_restriction=Nested(restriction_type="none")),
        viewer_certificate=Nested(
            acm_certificate_arn=shown, ssl_support_method="sni-only", minimum_protocol_version="TLSv1.2_2021"
        ),
        tags=tags(b, m, id),
    )
    _access_log(b, m, made, id)
    m.resource(
        _TYPE,
        "cdn",
        "dns",
        zone_id=zone,
        name=domain,
        type="A",
        alias=Nested(name=made.domain_name, zone_id=made.hosted_zone_id, evaluate_target_health=False),
    )
    m.output("distribution_id", made.id, "The distribution of CloudFront, as its metrics name it.", exported=True)


def _why_cdn(b: Blueprint) -> str:
    if b.has("cdn"):
        return b.why("scaling.caching")
    return "AWS WAF does not attach to HTTP APIs, so a distribution that caches nothing carries it. " + b.why(
        "security.network"
    )


def _cache_policy(b: Blueprint) -> Any:
    name = "CachingOptimized" if b.has("cdn") else "CachingDisabled"
    return Noted(_CACHE[name], f"{name}, a policy of CloudFront: what the service's Cache-Control allows.")


def _passed_on() -> Any:
    return Noted("b689b0a8-53d0-40ab-baf2-68738e2966ac",
                 "AllViewerExceptHostHeader: the origin is asked by its own name.")  # fmt: skip


def _cdn_skips(b: Blueprint) -> Iterator[tuple[str, str]]:
    yield "CKV_AWS_86", "its access log is delivered by aws_cloudwatch_log_delivery, which this check does not know"
    yield "CKV_AWS_305", "an interface for programs has no start page"
    yield "CKV_AWS_310", "origin groups repeat reads only; the origin's name fails over for writes too"
    yield "CKV_AWS_374", "users may come from everywhere; the requirements name no countries"
    if not b.has("waf"):
        yield "CKV_AWS_68", "security.network asks for no web application firewall"
        yield "CKV2_AWS_47", "security.network asks for no web application firewall"


def _access_log(b: Blueprint, m: Module, made: Ref, id: str) -> None:
    group = log_group(b, m, "cdn", id, template("/aws/vendedlogs/cloudfront/", raw("var.name")), None, file="cdn",
                      tags=tags(b, m, id))  # fmt: skip
    source = m.resource("aws_cloudwatch_log_delivery_source", "cdn", id, file="cdn", name=named("cdn"),
                        log_type="ACCESS_LOGS", resource_arn=made.arn, tags=tags(b, m, id))  # fmt: skip
    target = m.resource(
        "aws_cloudwatch_log_delivery_destination", "cdn", id, file="cdn", name=named("cdn"), output_format="json",
        delivery_destination_configuration=Nested(destination_resource_arn=group.arn), tags=tags(b, m, id),
    )  # fmt: skip
    m.resource("aws_cloudwatch_log_delivery", "cdn", id, file="cdn", delivery_source_name=source.name,
               delivery_destination_arn=target.arn, tags=tags(b, m, id))  # fmt: skip
