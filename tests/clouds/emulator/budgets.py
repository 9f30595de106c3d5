"""Money: who is told of a budget, its tags, and the detection of unusual cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from moto.budgets.models import budgets_backends

from tests.clouds.emulator.answers import ACCOUNT, MOTO, Asked, Kept, answers

_tags: dict[str, list[dict[str, str]]] = {}
_monitors = Kept("The monitor", "UnknownMonitorException")
_subscriptions = Kept("The subscription", "UnknownSubscriptionException")
_ce_tags: dict[str, list[dict[str, str]]] = {}


@answers("budgets", "CreateBudget", for_="aws_budgets_budget")
def note_tags(asked: Asked) -> Mapping[str, Any]:
    _tags[asked["Budget"]["BudgetName"]] = asked.get("ResourceTags", [])
    return MOTO


@answers("budgets", "ListTagsForResource", for_="aws_budgets_budget")
def tags(asked: Asked) -> Mapping[str, Any]:
    return {"ResourceTags": _tags.get(asked["ResourceARN"].rpartition("/")[2], [])}


@answers("budgets", "DescribeSubscribersForNotification", for_="aws_budgets_budget")
def subscribers(asked: Asked) -> Mapping[str, Any]:
    budget = budgets_backends[ACCOUNT]["aws"].budgets[asked["AccountId"]][asked["BudgetName"]]
    wanted = asked["Notification"]
    found = (n.subscribers for n in budget.notifications if _same(n.details, wanted))
    return {"Subscribers": next(found, [])}


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(k) == other.get(k) for k in ("NotificationType", "ComparisonOperator")) and (
        float(one["Threshold"]) == float(other["Threshold"])
    )


@answers("ce", "CreateAnomalyMonitor", for_="aws_ce_anomaly_monitor")
def create_monitor(asked: Asked) -> Mapping[str, Any]:
    arn = f"arn:aws:ce::{ACCOUNT}:anomalymonitor/{uuid4()}"
    _monitors["", arn] = {**asked["AnomalyMonitor"], "MonitorArn": arn}
    _ce_tags[arn] = asked.get("ResourceTags", [])
    return {"MonitorArn": arn}


@answers("ce", "GetAnomalyMonitors", for_="aws_ce_anomaly_monitor")
def monitors(asked: Asked) -> Mapping[str, Any]:
    return {"AnomalyMonitors": [_monitors["", arn] for arn in asked.get("MonitorArnList", [])]}


@answers("ce", "DeleteAnomalyMonitor", for_="aws_ce_anomaly_monitor")
def delete_monitor(asked: Asked) -> Mapping[str, Any]:
    del _monitors["", asked["MonitorArn"]]
    return {}


@answers("ce", "CreateAnomalySubscription", for_="aws_ce_anomaly_subscription")
def create_subscription(asked: Asked) -> Mapping[str, Any]:
    arn = f"arn:aws:ce::{ACCOUNT}:anomalysubscription/{uuid4()}"
    _subscriptions["", arn] = {"AccountId": ACCOUNT, **asked["AnomalySubscription"], "SubscriptionArn": arn}
    _ce_tags[arn] = asked.get("ResourceTags", [])
    return {"SubscriptionArn": arn}


@answers("ce", "GetAnomalySubscriptions", for_="aws_ce_anomaly_subscription")
def subscriptions(asked: Asked) -> Mapping[str, Any]:
    return {"AnomalySubscriptions": [_subscriptions["", arn] for arn in asked.get("SubscriptionArnList", [])]}


@answers("ce", "DeleteAnomalySubscription", for_="aws_ce_anomaly_subscription")
def delete_subscription(asked: Asked) -> Mapping[str, Any]:
    del _subscriptions["", asked["SubscriptionArn"]]
    return {}


@answers("ce", "ListTagsForResource", for_=("aws_ce_anomaly_monitor", "aws_ce_anomaly_subscription"))
def ce_tags(asked: Asked) -> Mapping[str, Any]:
    return {"ResourceTags": _ce_tags[asked["ResourceArn"]]} if asked["ResourceArn"] in _ce_tags else MOTO
