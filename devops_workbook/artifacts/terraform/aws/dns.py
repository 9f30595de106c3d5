"""The zone of an environment and its certificates: one in each region that answers, one where CloudFront looks.

A certificate is proved by a record in the zone; all of a name's certificates are proved by the same one, so the record
is made here once. The zone is public even if the service is not: private load balancers have names there too, which
lead to addresses that only the company network reaches.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.aws.placed import everywhere, tags
from devops_workbook.artifacts.terraform.aws.reach import in_front
from devops_workbook.artifacts.terraform.aws.reasons import DELEGATED
from devops_workbook.artifacts.terraform.hcl import Nested, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module, Wire

__all__ = ["certificate", "dns", "global_region"]

_CLOUDFRONT = "us-east-1"  # where CloudFront reads certificates and firewalls
_SECOND = {"provider": raw("aws.second")}


def global_region(b: Blueprint) -> str:
    """The region of a provider configuration of CloudFront's own; "" if there is none, or the first region is it."""
    return _CLOUDFRONT if in_front(b) and b.sites[0].region.id != _CLOUDFRONT else ""


def certificate(dns: Module, site: Site) -> Wire:
    """The certificate of a site's entry."""
    return dns.wire("certificate_second_arn" if site.suffix else "certificate_arn")


def dns(b: Blueprint) -> Module:
    """Zone and certificates. Puts out zone_id, certificate_arn, certificate_second_arn, certificate_global_arn."""
    two, region = len(b.sites) > 1, global_region(b)
    passed = {"aws": "aws"} if two or region else {}
    passed |= {"aws.second": "aws.second"} if two else {}
    passed |= {"aws.global": "aws.global"} if region else {}
    m = everywhere("dns", "Names and certificates", (
        "The zone of the environment, to which the parent zone delegates, and the certificates of its names.",
    ), passed=passed, nameless=True)  # fmt: skip
    domain = m.variable(
        "domain", "string", "The name under which users reach the environment.", raw("var.domain"),
        checks=[('can(regex("^([a-z0-9-]+[.])+[a-z]{2,}$", var.domain))',
                 "domain must be a name such as service.example.com.")],
    )  # fmt: skip
    zone = m.resource(
        "aws_route53_zone",
        "this",
        "dns",
        name=domain,
        comment="Names of the service",
        tags=tags(b, m, "dns"),
        skips=dict.fromkeys(("CKV2_AWS_38", "CKV2_AWS_39"), DELEGATED),
    )
    first = _certificate(b, m, "this", domain)
    _proofs(m, zone, first)
    m.output("zone_id", zone.zone_id, "The zone.")
    m.output("name_servers", zone.name_servers, "What the parent zone must delegate to.", exported=True)
    m.output("certificate_arn", _proved(m, "this", first), "The certificate in the first region.")
    if two:
        on = m.variable("second_site", "bool", "Whether the environment has the second site.", raw("var.second_site"))
        second = _certificate(b, m, "second", domain, count=raw(f"{on} ? 1 : 0"), **_SECOND)
        proved = _proved(m, "second", raw(f"one({second}[*])"), count=raw(f"{on} ? 1 : 0"), **_SECOND)
        m.output("certificate_second_arn", raw(str(proved).replace(".certificate_arn", "[*].certificate_arn").join(
            ("one(", ")"))), "The certificate in the second region.")  # fmt: skip
    if in_front(b):
        shown = Ref("aws_acm_certificate_validation.this").certificate_arn
        if region:
            everywhere_ = {"provider": raw("aws.global")}
            shown = _proved(m, "global", _certificate(b, m, "global", domain, **everywhere_), **everywhere_)
        m.output("certificate_global_arn", shown, "The certificate that CloudFront shows.")
    return m


def _certificate(b: Blueprint, m: Module, name: str, domain: Ref, **more: Any) -> Ref:
    origin: dict[str, Any] = {"subject_alternative_names": [template("origin.", domain)]} if in_front(b) else {}
    return m.resource(
        "aws_acm_certificate", name, "dns", **more, domain_name=domain, **origin, validation_method="DNS",
        tags=tags(b, m, "dns"), lifecycle=Nested(create_before_destroy=True),
    )  # fmt: skip


def _proofs(m: Module, zone: Ref, issued: Ref) -> None:
    m.resource(
        "aws_route53_record", "proof", "dns",
        for_each=raw(f"{{ for o in {issued}.domain_validation_options : o.domain_name => o }}"), zone_id=zone.zone_id,
        name=raw("each.value.resource_record_name"), type=raw("each.value.resource_record_type"),
        records=[raw("each.value.resource_record_value")], ttl=60,
    )  # fmt: skip


def _proved(m: Module, name: str, issued: Ref, **more: Any) -> Ref:
    """The certificate, once it has been issued."""
    waited = m.resource(
        "aws_acm_certificate_validation", name, "dns", **more, certificate_arn=issued.arn,
        validation_record_fqdns=raw("[for record in aws_route53_record.proof : record.fqdn]"),
    )  # fmt: skip
    return waited.certificate_arn
