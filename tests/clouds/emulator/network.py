"""Networks: what moto does not tell of a rule."""

from __future__ import annotations

import inspect
from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule

from tests.clouds.emulator.answers import replaces

_RULES = ("aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule")


@replaces(SecurityGroupRule, "__init__", for_=_RULES)
def rule(original: Any, self: SecurityGroupRule, *arguments: Any, **named: Any) -> None:
    given = inspect.signature(original).bind(self, *arguments, **named).arguments
    self.of_prefix_list = (given.get("prefix_list_id") or {}).get("Description")
    original(self, *arguments, **named)


@replaces(SecurityGroupRule, "description", for_=_RULES)
def description(original: Any, self: SecurityGroupRule) -> str | None:
    """Also of a rule about a group or a list of addresses."""
    told: str | None = original(self) or self.source_group.get("Description") or self.of_prefix_list
    return told
