"""The budget of an account, with its warnings, and the watch for spending that is unusual."""

from __future__ import annotations

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.aws.placed import everywhere, named, tags
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["budgets"]

_WARNINGS = (50, 80, 100)  # per cent of the month: cost.monitoring
_ANOMALY_PERCENT, _ANOMALY_USD = 20, 50  # above which a day's spending is told: cost.monitoring


def budgets(b: Blueprint, observability: Module) -> Module:
    """The budget of every environment, whose account is its own. observability: has the topic that tells people."""
    m = everywhere("budgets", "Budgets", (
        "What the environment may cost in a month, and who is told before it costs more. Figures of AWS lag by half a "
        "day, so a budget warns and stops nothing.",
    ))  # fmt: skip
    topic = m.variable("notification_id", "string", "The topic through which people are told.",
                       observability.wire("notification_id"))  # fmt: skip
    limit = m.variable(
        "monthly_usd", "number", "Budget of a month, USD.", b.budgets_usd, why=b.why("cost.monitoring"),
        checks=[("var.monthly_usd >= 1", "A budget is one dollar at least.")],
    )  # fmt: skip
    m.resource(
        "aws_budgets_budget", "monthly", "budget", why=b.why("cost.monitoring"), name=named("monthly"),
        budget_type="COST", time_unit="MONTHLY", limit_unit="USD", limit_amount=raw(f"tostring({limit})"),
        notification=[*(_warning("ACTUAL", percent, topic) for percent in _WARNINGS),
                      Noted(_warning("FORECASTED", 100, topic), "Told when there is still time to do something.")],
        tags=tags(b, m, "budget"),
    )  # fmt: skip
    if b.choice("cost.monitoring") != "budget-alerts":
        _anomalies(b, m)
    return m


def _warning(kind: str, percent: int, topic: Ref) -> Nested:
    return Nested(
        notification_type=kind, comparison_operator="GREATER_THAN", threshold=percent, threshold_type="PERCENTAGE",
        subscriber_sns_topic_arns=[topic],
    )  # fmt: skip


def _anomalies(b: Blueprint, m: Module) -> None:
    told = "Where the daily report of unusual spending goes; it is sent to mail addresses only."
    address = m.variable("notification_address", "string", told, raw("var.notification_address"))
    monitor = m.resource(
        "aws_ce_anomaly_monitor", "services", "budget", name=named("services"), monitor_type="DIMENSIONAL",
        monitor_dimension="SERVICE", tags=tags(b, m, "budget"),
    )  # fmt: skip
    both = [
        Nested(dimension=Nested(key=f"ANOMALY_TOTAL_IMPACT_{what}", match_options=["GREATER_THAN_OR_EQUAL"],
                                values=[str(above)]))
        for what, above in (("PERCENTAGE", _ANOMALY_PERCENT), ("ABSOLUTE", _ANOMALY_USD))
    ]  # fmt: skip
    m.resource(
        "aws_ce_anomaly_subscription",
        "daily",
        "budget",
        name=named("anomalies"),
        frequency="DAILY",
        monitor_arn_list=[monitor.arn],
        subscriber=Nested(type="EMAIL", address=address),
        threshold_expression=Noted(
            Nested(**{"and": both}), f"Above {_ANOMALY_PERCENT} % and {_ANOMALY_USD} USD a day."
        ),
        tags=tags(b, m, "budget"),
    )
