"""The web application firewall: as many rules as the plan counts, the cheapest to evaluate first.

Rules cost capacity units, of which 1,500 come with a web ACL; these ten need 1,490
(docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html, 2026-11).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.aws.logs import log_group
from devops_workbook.artifacts.terraform.aws.placed import tags
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["firewall"]

_METHODS = "^(delete|get|head|options|patch|post|put)$"
_LOWER = Nested(priority=0, type="LOWERCASE")
_WINDOW = 300  # seconds over which AWS WAF counts the requests of an address
_LEAST = 10  # the smallest rate that AWS WAF takes
_SHARE = 0.1  # of the planned peak, that one address may send


def firewall(b: Blueprint, m: Module, scope: str, key: Ref | None) -> Ref:
    """The web ACL with its log. scope: "REGIONAL" or "CLOUDFRONT"; key: that encrypts the log."""
    count = round(b.catalog.assumptions["waf_rules"].value or 0)
    rules = [_rule(b, m, i, *given) for i, given in enumerate(_RULES[:count])]
    metric = Nested(cloudwatch_metrics_enabled=True, sampled_requests_enabled=True, metric_name=raw("var.name"))
    acl = m.resource(
        "aws_wafv2_web_acl", "this", "waf", file="firewall", why=b.why("security.network"),
        name=raw("var.name"), scope=scope, default_action=Nested(allow=Nested()), rule=rules, visibility_config=metric,
        tags=tags(b, m, "waf"),
    )  # fmt: skip
    name = template("aws-waf-logs-", raw("var.name"))
    group = log_group(b, m, "waf", "waf", name, key, file="firewall", tags=tags(b, m, "waf"))
    m.resource(
        "aws_wafv2_web_acl_logging_configuration", "this", "waf", file="firewall", resource_arn=acl.arn,
        log_destination_configs=[group.arn],
        redacted_fields=[Nested(single_header=Nested(name=header)) for header in ("authorization", "cookie")],
    )  # fmt: skip
    return acl


def _rule(b: Blueprint, m: Module, priority: int, name: str, statement: Callable[[Blueprint, Module], Any]) -> Nested:
    managed = name.startswith("AWSManagedRules")
    action = {"override_action": Nested(none=Nested())} if managed else {"action": Nested(block=Nested())}
    return Nested(
        name=name, priority=priority, **action, statement=statement(b, m),
        visibility_config=Nested(cloudwatch_metrics_enabled=True, sampled_requests_enabled=True, metric_name=name),
    )  # fmt: skip


def _rate(b: Blueprint, _: Module) -> Nested:
    limit = max(_LEAST, math.ceil(b.assessment.capacity.planned_rps * _WINDOW * _SHARE))
    told = f"Requests of one address in {_WINDOW} s: {100 * _SHARE:g} % of the planned peak."
    return Nested(rate_based_statement=Nested(limit=Noted(limit, told), aggregate_key_type="IP"))


def _method(_b: Blueprint, _m: Module) -> Nested:
    matched = Nested(regex_string=_METHODS, field_to_match=Nested(method=Nested()), text_transformation=_LOWER)
    return Nested(not_statement=Nested(statement=Nested(regex_match_statement=matched)))


def _host(_: Blueprint, m: Module) -> Nested:
    domain = m.variable("domain", "string", "The name under which users reach the environment.", raw("var.domain"))
    matched = Nested(search_string=domain, positional_constraint="EXACTLY",
                     field_to_match=Nested(single_header=Nested(name="host")), text_transformation=_LOWER)  # fmt: skip
    return Nested(not_statement=Nested(statement=Nested(byte_match_statement=matched)))


def _managed(name: str) -> tuple[str, Callable[[Blueprint, Module], Any]]:
    group = Nested(managed_rule_group_statement=Nested(vendor_name="AWS", name=name))
    return name, lambda _b, _m: group


_RULES: Sequence[tuple[str, Callable[[Blueprint, Module], Any]]] = (
    ("rate-of-an-address", _rate),
    ("known-methods", _method),
    ("known-host", _host),
    _managed("AWSManagedRulesAmazonIpReputationList"),
    _managed("AWSManagedRulesAnonymousIpList"),
    _managed("AWSManagedRulesKnownBadInputsRuleSet"),
    _managed("AWSManagedRulesCommonRuleSet"),
    _managed("AWSManagedRulesSQLiRuleSet"),
    _managed("AWSManagedRulesLinuxRuleSet"),
    _managed("AWSManagedRulesAdminProtectionRuleSet"),
)
