"""The budget of an environment, and who hears of it before it is spent."""

from __future__ import annotations

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, name, number
from devops_workbook.artifacts.terraform.hcl import Nested, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["budgets"]

_THRESHOLDS = ((0.5, "CURRENT_SPEND"), (0.9, "CURRENT_SPEND"), (1.0, "CURRENT_SPEND"), (1.0, "FORECASTED_SPEND"))


def budgets(b: Blueprint, observability: Module) -> Module:
    """The budget of an environment."""
    about = ("The monthly budget of this environment's project, with alerts at half, nine tenths and all of it, and "
             "when the forecast goes beyond it.",)  # fmt: skip
    m = Module("budgets", "Budgets", about, PROVIDERS)
    account = m.variable("billing_account", "string", "Billing account.", raw("var.billing_account"), checks=((
        'can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))',
        "billing_account must look like 012345-6789AB-CDEF01."),))  # fmt: skip
    amount = m.variable("budget_usd", "number", "Budget of this environment, USD a month.", b.budgets_usd,
                        why=b.why("cost.monitoring"),
                        checks=(("var.budget_usd > 0", "budget_usd must be more than nothing."),))  # fmt: skip
    channel = m.variable("notification_id", "string", "Channel that alerts go to; null = billing administrators only.",
                         observability.wire("notification_id"), nullable=True)  # fmt: skip
    m.resource(
        "google_billing_budget", "this", "budget", why=b.why("cost.monitoring"),
        billing_account=account, display_name=name(m), ownership_scope="BILLING_ACCOUNT",
        budget_filter=Nested(projects=[template("projects/", number(m))], calendar_period="MONTH",
                             credit_types_treatment="INCLUDE_ALL_CREDITS"),
        amount=Nested(specified_amount=Nested(currency_code="USD", units=raw(f"tostring({amount})"))),
        threshold_rules=[Nested(threshold_percent=share, spend_basis=basis) for share, basis in _THRESHOLDS],
        all_updates_rule=Nested(monitoring_notification_channels=raw(f"compact([{channel}])"),
                                disable_default_iam_recipients=False),
    )  # fmt: skip
    return m
