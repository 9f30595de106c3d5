"""The budget of an environment: who is told when it is used up, or is about to be."""

from __future__ import annotations

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import PROVIDERS, Made, given, name, taken
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["budgets"]

_ALERTS = (("Actual", 50), ("Actual", 80), ("Actual", 100), ("Forecasted", 100))


def budgets(b: Blueprint, made: Made) -> Module:
    """The budget of an environment's subscription. made: the modules of the first site."""
    m = Module("budgets", "Budgets: what an environment may cost.", (b.why("cost.monitoring"),), PROVIDERS)
    subscription = given(m, "subscription_id", "string", "Subscription of the environment.", raw("var.subscription_id"))
    scope = template("/subscriptions/", subscription)
    amount = m.variable("budget_usd", "number", "Budget, USD a month.", b.budgets_usd, why=b.why("cost.monitoring"),
                        checks=(("var.budget_usd >= 1", "budget_usd must be at least 1."),))  # fmt: skip
    people = taken(m, made, "logs", "notification_id", "string", "The people who are told.")
    m.resource(
        "azurerm_consumption_budget_subscription",
        "this",
        "budget",
        why=b.why("cost.monitoring"),
        name=template(name(m), "-budget"),
        subscription_id=scope,
        amount=amount,
        time_grain="Monthly",
        time_period=Nested(start_date=raw("formatdate(\"YYYY-MM-01'T'00:00:00Z\", plantimestamp())")),
        notification=[
            Nested(
                enabled=True,
                threshold=share,
                operator="GreaterThanOrEqualTo",
                threshold_type=kind,
                contact_groups=[people],
            )
            for kind, share in _ALERTS
        ],
        lifecycle=Nested(
            ignore_changes=[Noted(raw("time_period"), "It began in the month in which it was first applied.")]
        ),
    )
    if b.choice("cost.monitoring") == "budget-anomaly":
        address = given(m, "notification_address", "string", "Where alerts are sent.", raw("var.notification_address"))
        m.resource(
            "azurerm_cost_anomaly_alert", "this", "budget", name=template(name(m), "-anomaly"), subscription_id=scope,
            display_name="Cost anomaly", email_addresses=[address], email_subject="Cost anomaly",
        )  # fmt: skip
    return m
