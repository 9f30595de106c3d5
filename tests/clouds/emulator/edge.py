"""What users reach first: CloudFront, told as it was configured (moto drops some of it and invents some), names of
gateways, and zones of private networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.apigatewayv2.models import DomainName
from moto.cloudfront.models import CloudFrontBackend, cloudfront_backends
from moto.route53.models import HealthCheck
from moto.route53.responses import Route53

from tests.clouds.emulator.answers import ACCOUNT, MOTO, WHEN, Asked, Refused, answers, replaces

_configurations: dict[str, Any] = {}


def _as_asked(configuration: Any) -> Any:
    """What moto made of a configuration, less what it adds beside a cache policy and a certificate of one's own."""
    behaviour, certificate = configuration["DefaultCacheBehavior"], configuration["ViewerCertificate"]
    if behaviour.cache_policy_id:
        behaviour.forwarded_values = None
    if certificate.acm_certificate_arn:
        certificate.cloud_front_default_certificate = False
    return configuration


@replaces(CloudFrontBackend, "create_distribution", for_="aws_cloudfront_distribution")
def create_distribution(original: Any, self: CloudFrontBackend, distribution_config: Any, tags: Any) -> Any:
    made = original(self, distribution_config=distribution_config, tags=tags)
    _configurations[made[0].id] = _as_asked(distribution_config)
    return made


@replaces(CloudFrontBackend, "update_distribution", for_="aws_cloudfront_distribution")
def update_distribution(original: Any, self: CloudFrontBackend, dist_config: Any, _id: str, if_match: Any) -> Any:
    made = original(self, dist_config=dist_config, _id=_id, if_match=if_match)
    _configurations[_id] = _as_asked(dist_config)
    return made


@answers("cloudfront", "GetDistribution", "GetDistributionConfig", for_="aws_cloudfront_distribution")
def distribution(asked: Asked) -> Mapping[str, Any]:
    found, etag = cloudfront_backends[ACCOUNT]["aws"].get_distribution(asked["Id"])
    configuration = _configurations[found.id]
    if asked.operation == "GetDistributionConfig":
        return {"DistributionConfig": configuration, "ETag": etag}
    groups = {"Enabled": False, "Quantity": 0}
    told = {
        "Id": found.id, "ARN": found.arn, "DomainName": found.domain_name, "Status": "Deployed",
        "LastModifiedTime": found.last_modified_time, "InProgressInvalidationBatches": 0,
        "ActiveTrustedSigners": groups, "ActiveTrustedKeyGroups": groups, "DistributionConfig": configuration,
    }  # fmt: skip
    return {"Distribution": told, "ETag": etag}


_SECURITY_HEADERS = {
    "Id": "67f7725c-6f97-4210-82d7-5512b31e9d03", "LastModifiedTime": WHEN,
    "ResponseHeadersPolicyConfig": {
        "Name": "Managed-SecurityHeadersPolicy",
        "SecurityHeadersConfig": {
            "StrictTransportSecurity": {"Override": False, "AccessControlMaxAgeSec": 31536000},
            "ContentTypeOptions": {"Override": True},
        },
    },
}  # fmt: skip


@answers("cloudfront", "ListResponseHeadersPolicies", for_="data.aws_cloudfront_response_headers_policy")
def headers_policies(asked: Asked) -> Mapping[str, Any]:
    """Those that CloudFront has itself."""
    items = [{"Type": "managed", "ResponseHeadersPolicy": _SECURITY_HEADERS}]
    return {"ResponseHeadersPolicyList": {"MaxItems": 100, "Quantity": len(items), "Items": items}}


@answers("cloudfront", "GetResponseHeadersPolicy", for_="data.aws_cloudfront_response_headers_policy")
def headers_policy(asked: Asked) -> Mapping[str, Any]:
    if asked["Id"] != _SECURITY_HEADERS["Id"]:
        raise Refused("NoSuchResponseHeadersPolicy", f"There is no policy {asked['Id']}.")
    return {"ResponseHeadersPolicy": _SECURITY_HEADERS, "ETag": "1"}


@replaces(DomainName, "to_json", for_="aws_apigatewayv2_domain_name")
def gateway_name(original: Any, self: DomainName) -> Mapping[str, Any]:
    """With the address that stands for it, which is ready at once."""
    told = original(self)
    address = {"apiGatewayDomainName": f"d-{self.domain_name}", "domainNameStatus": "AVAILABLE",
               "hostedZoneId": "Z2FDTNDATAQYW2", "ipAddressType": "ipv4"}  # fmt: skip
    return {**told, "domainNameConfigurations": [{**address, **c} for c in told["domainNameConfigurations"]]}


_checks: dict[str, Mapping[str, Any]] = {}


@answers("route53", "CreateHealthCheck", for_="aws_route53_health_check")
def note_check(asked: Asked) -> Mapping[str, Any]:
    _checks[asked["CallerReference"]] = asked["HealthCheckConfig"]
    return MOTO


@replaces(HealthCheck, "health_check_config", for_="aws_route53_health_check")
def check(original: Any, self: HealthCheck) -> Mapping[str, Any]:
    """One that looks at an alarm as it was asked for; moto knows only those that ask an address."""
    wanted = _checks.get(self.caller_reference, {})
    told: Mapping[str, Any] = wanted if wanted.get("Type") == "CLOUDWATCH_METRIC" else original(self)
    return told


@replaces(Route53, "create_hosted_zone", for_="aws_route53_zone")
def zone(original: Any, self: Route53) -> Any:
    """Private where it belongs to a network, without being told so."""
    if self._get_param("VPC.VPCId"):
        self.params["HostedZoneConfig"] = {**(self._get_param("HostedZoneConfig") or {}), "PrivateZone": True}
    return original(self)
