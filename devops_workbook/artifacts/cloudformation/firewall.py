"""The web application firewall, at a balancer or at CloudFront: rules that AWS maintains, and a "
"limit for each address."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.common import key, log_group
from devops_workbook.artifacts.cloudformation.template import ACCOUNT, PARTITION, REGION, Resource, Template, sub

__all__ = ["firewall"]

_MANAGED = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesAnonymousIpList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesAdminProtectionRuleSet",
    "AWSManagedRulesLinuxRuleSet",
    "AWSManagedRulesUnixRuleSet",
    "AWSManagedRulesPHPRuleSet",
)
"""In the order in which they are tried:
docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html, 2026-11. With the limit they are as
many rules as the plan counts (assumption waf_rules)."""
_LEAST_RATE, _SECONDS, _SHARE = 100, 300, 0.05


def firewall(t: Template, b: Blueprint, scope: str, component: str) -> Resource:
    """The firewall, with its log. scope: "REGIONAL" or "CLOUDFRONT"."""
    count = round(b.catalog.assumptions["waf_rules"].value or 0)
    rules = [_limit(b), *(_group(name, i) for i, name in enumerate(_MANAGED[: count - 1], 1))]
    acl = t.resource(
        "Firewall",
        "AWS::WAFv2::WebACL",
        component,
        why=b.why("security.network"),
        Scope=scope,
        DefaultAction={"Allow": {}},
        Rules=rules,
        VisibilityConfig=_seen("firewall"),
    )
    logs = log_group(t, b, "FirewallLogs", component, sub("aws-waf-logs-", t.name_parameter, *t.site_suffix),
                     key(t, b, "logs") if scope == "REGIONAL" else None)  # fmt: skip
    place = sub("arn:", PARTITION, ":logs:", REGION, ":", ACCOUNT, ":log-group:", logs)
    t.resource(
        "FirewallLogging",
        "AWS::WAFv2::LoggingConfiguration",
        component,
        ResourceArn=acl.arn,
        LogDestinationConfigs=[place],
        RedactedFields=[{"SingleHeader": {"Name": "authorization"}}, {"SingleHeader": {"Name": "cookie"}}],
    )
    return acl


def _seen(name: str) -> dict[str, Any]:
    return {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name}


def _limit(b: Blueprint) -> dict[str, Any]:
    """No single address may send more than a twentieth of the planned peak."""
    most = max(_LEAST_RATE, round(b.assessment.capacity.planned_rps * _SECONDS * _SHARE))
    return {
        "Name": "rate-limit", "Priority": 0, "Action": {"Block": {}}, "VisibilityConfig": _seen("rate-limit"),
        "Statement": {"RateBasedStatement": {"AggregateKeyType": "IP", "Limit": min(most, 2_000_000_000),
                                             "EvaluationWindowSec": _SECONDS}},
    }  # fmt: skip


def _group(name: str, priority: int) -> dict[str, Any]:
    return {
        "Name": name, "Priority": priority, "OverrideAction": {"None": {}}, "VisibilityConfig": _seen(name),
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": name}},
    }  # fmt: skip
