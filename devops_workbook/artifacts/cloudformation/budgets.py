"""The budget of an account, with its warnings, and the watch for spending that is unusual."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.common import notification
from devops_workbook.artifacts.cloudformation.template import Given, Template, sub
from devops_workbook.artifacts.yaml import Noted

__all__ = ["budgets"]

_WARNINGS = (50, 80, 100)  # per cent of the month: cost.monitoring
_ANOMALY_PERCENT, _ANOMALY_USD = 20, 50  # above which a day's spending is told: cost.monitoring


def budgets(b: Blueprint) -> Template:
    """The budget of every environment, whose account is its own."""
    t = Template(
        "budgets",
        "The budget of the account, and the watch for unusual spending.",
        (
            "What the environment may cost in a month, and who is told before it costs more. Figures of AWS lag by "
            "half a day, so a budget warns and stops nothing.",
        ),
    )
    topic = t.parameter(
        "NotificationTopicArn",
        "String",
        "The topic through which people are told, from the stack site.",
        Given("site", "NotificationTopic"),
        pattern="^arn:[a-z-]+:.+$",
    )
    limit = t.parameter("MonthlyUsd", "Number", "Budget of a month, USD.", b.budgets_usd, why=b.why("cost.monitoring"),
                        bounds=(1, 100_000_000))  # fmt: skip
    ahead = Noted(_warning("FORECASTED", 100, topic), "Told when there is still time to do something.")
    t.resource(
        "Budget", "AWS::Budgets::Budget", "budget", why=b.why("cost.monitoring"),
        Budget={"BudgetName": sub(t.name_parameter, "-monthly"), "BudgetType": "COST", "TimeUnit": "MONTHLY",
                "BudgetLimit": {"Amount": limit, "Unit": "USD"}},
        NotificationsWithSubscribers=[*(_warning("ACTUAL", percent, topic) for percent in _WARNINGS), ahead],
    )  # fmt: skip
    if b.choice("cost.monitoring") != "budget-alerts":
        _anomalies(t, b)
    return t


def _warning(kind: str, percent: int, topic: Any) -> dict[str, Any]:
    return {
        "Notification": {"NotificationType": kind, "ComparisonOperator": "GREATER_THAN", "Threshold": percent,
                         "ThresholdType": "PERCENTAGE"},
        "Subscribers": [{"SubscriptionType": "SNS", "Address": topic}],
    }  # fmt: skip


def _anomalies(t: Template, b: Blueprint) -> None:
    monitor = t.resource("AnomalyMonitor", "AWS::CE::AnomalyMonitor", "budget", MonitorType="DIMENSIONAL",
                         MonitorName=sub(t.name_parameter, "-services"), MonitorDimension="SERVICE")  # fmt: skip
    both = ", ".join(
        f'{{"Dimensions": {{"Key": "ANOMALY_TOTAL_IMPACT_{what}", "MatchOptions": ["GREATER_THAN_OR_EQUAL"], "Values": '
        f'["{above}"]}}}}' for what, above in (("PERCENTAGE", _ANOMALY_PERCENT), ("ABSOLUTE", _ANOMALY_USD))
    )  # fmt: skip
    told = f"Above {_ANOMALY_PERCENT} % and {_ANOMALY_USD} USD a day."
    t.resource(
        "AnomalySubscription", "AWS::CE::AnomalySubscription", "budget", Frequency="DAILY",
        SubscriptionName=sub(t.name_parameter, "-anomalies"), MonitorArnList=[monitor],
        Subscribers=[{"Type": "EMAIL", "Address": notification(t, b)}],
        ThresholdExpression=Noted(f'{{"And": [{both}]}}', told),
    )  # fmt: skip
