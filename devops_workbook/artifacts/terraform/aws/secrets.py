"""The secrets of the service in AWS Secrets Manager, with their copies in the second region.

A secret is made here without a value: whoever owns the value puts it in, and it never passes through code or state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.aws.keys import own_keys
from devops_workbook.artifacts.terraform.aws.placed import everywhere, tags
from devops_workbook.artifacts.terraform.aws.reasons import ISSUED, PROVIDER_KEYS
from devops_workbook.artifacts.terraform.hcl import Nested, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["secret_names", "secrets"]

_NAMES = ("application", "signing", "partner", "webhook", "messaging", "payments")
_DAYS = 30  # the longest in which Secrets Manager gives a deleted secret back


def secret_names(b: Blueprint) -> tuple[str, ...]:
    """The secrets of the service. Of those that the plan counts, the administrator's of a relational database is made
    with the database."""
    count = round(b.catalog.assumptions["secrets_count"].value or 0)
    own = max(0, count - (b.provider.services[b.component("database").service].kind != "nosql"))
    return tuple(_NAMES[i] if i < len(_NAMES) else f"further-{i - len(_NAMES) + 1}" for i in range(own))


def secrets(b: Blueprint, securities: Sequence[Module]) -> Module | None:
    """The secrets; None where the team keeps them in a store of its own. securities: the security module of each site.
    Puts out secret_ids and secret_second_ids by name."""
    if b.component("secrets").service != "secrets-manager":
        return None
    two = len(securities) > 1
    m = everywhere("secrets", "Secrets", (
        "The secrets of the service. They are made without a value: whoever owns the value puts it in, so that it "
        "never passes through code or state.",
    ))  # fmt: skip
    names = m.variable(
        "secrets", "list(string)", "What the secrets are for.", list(secret_names(b)), why=b.why("security.secrets"),
        checks=[('alltrue([for s in var.secrets : can(regex("^[a-z0-9-]+$", s))])',
                 "secrets must be lower-case letters, digits and dashes.")],
    )  # fmt: skip
    days = m.variable(
        "recovery_days", "number", "Days in which a deleted secret can be had back; 0 = it is gone at once.",
        b.each(lambda e: 0 if e.environment == "development" else _DAYS),
        why="Development is taken down and put up again under the same names.",
        checks=[("var.recovery_days == 0 || (var.recovery_days >= 7 && var.recovery_days <= 30)",
                 "recovery_days must be 0, or 7 to 30.")],
    )  # fmt: skip
    skips = {"CKV2_AWS_57": ISSUED}
    key: dict[str, Any] = {}
    if own_keys(b):
        keys = m.variable("key_ids", "map(string)", "Keys that encrypt, by use.", securities[0].wire("key_ids"),
                          why=b.why("infrastructure.security"))  # fmt: skip
        key = {"kms_key_id": keys["secrets"]}
    else:
        skips["CKV_AWS_149"] = PROVIDER_KEYS
    copied: dict[str, Any] = {"dynamic": _copy(b, m, securities[1])} if two else {}
    made = m.resource(
        "aws_secretsmanager_secret", "this", ("secrets", "secrets-2") if two else "secrets", skips=skips,
        for_each=raw(f"toset({names})"), name=template(raw("var.name"), "/", raw("each.key")), **key,
        recovery_window_in_days=days, **copied,
        tags=tags(b, m, "secrets"),
    )  # fmt: skip
    m.output("secret_ids", raw(f"{{ for name, secret in {made} : name => secret.arn }}"), "Secrets by name.")
    if two:
        region = '":secretsmanager:${coalesce(var.second_region, "-")}:"'
        there = f'replace(secret.arn, "/:secretsmanager:[a-z0-9-]+:/", {region})'
        m.output(
            "secret_second_ids",
            raw(f"{{ for name, secret in {made} : name => {there} }}"),
            "Their copies in the second region, by name.",
        )
    return m


def _copy(b: Blueprint, m: Module, second: Module) -> Nested:
    """The copy in the second region, where the environment has one."""
    region = m.variable("second_region", "string", "The region that holds copies; null = none does.",
                        second.wire("region"), nullable=True)  # fmt: skip
    content: dict[str, Any] = {"region": raw("replica.value")}
    if own_keys(b):
        m.variable("second_key_ids", "map(string)", "Keys of that region, by use.", second.wire("key_ids"),
                   nullable=True)  # fmt: skip
        content["kms_key_id"] = raw('var.second_key_ids["secrets"]')
    return Nested("replica", for_each=raw(f"{region} == null ? [] : [{region}]"), content=Nested(**content))
