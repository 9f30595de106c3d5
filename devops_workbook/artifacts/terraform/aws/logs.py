"""Log groups of Amazon CloudWatch Logs, kept for as long as the plan keeps logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.aws.reasons import PROVIDER_KEYS
from devops_workbook.artifacts.terraform.hcl import Expr, Noted, Ref
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["log_group", "retention_days"]

_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""The retentions that CloudWatch Logs offers: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/
API_PutRetentionPolicy.html, 2026-11."""


def retention_days(b: Blueprint) -> int:
    """The least retention on offer that keeps logs for as long as was asked; the longest where none does."""
    wanted = b.requirements.log_retention_days
    return next((days for days in _DAYS if days >= wanted), _DAYS[-1])


def log_group(
    b: Blueprint, m: Module, name: str, component: str, title: str | Expr, key: Ref | None, *, file: str = "main",
    **body: Any,
) -> Ref:  # fmt: skip
    """A log group; key: that encrypts it, None = the provider's."""
    wanted, days = b.requirements.log_retention_days, retention_days(b)
    why = f"Logs are kept for {wanted} days" + (f"; CloudWatch offers {days}." if days != wanted else ".")
    skips = {"CKV_AWS_158": PROVIDER_KEYS} if key is None else {}
    if days < _YEAR:
        skips["CKV_AWS_338"] = f"the requirements keep logs for {wanted} days"
    keyed: Mapping[str, Any] = {} if key is None else {"kms_key_id": key}
    return m.resource(
        "aws_cloudwatch_log_group", name, component, file=file, skips=skips, name=title,
        retention_in_days=Noted(days, why), **keyed, **body,
    )  # fmt: skip


_YEAR = 365
