"""What tells people: alarms, the topic that they speak through, dashboards, and which traces are kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from devops_workbook.artifacts.alarms import Alarm, alarms_of
from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.common import KEYLESS_TOPIC, allow, key, notification, tls_only
from devops_workbook.artifacts.cloudformation.compute import Running
from devops_workbook.artifacts.cloudformation.data import Stored
from devops_workbook.artifacts.cloudformation.edge import Entry
from devops_workbook.artifacts.cloudformation.template import (
    ACCOUNT,
    REGION,
    Condition,
    Resource,
    Template,
    by_site,
    fn,
    policy,
    sub,
)
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.yaml import Noted
from devops_workbook.design.deployments import Deployment

__all__ = ["observability", "raised"]

_PERIOD = 60  # seconds
_SPEAKERS = ("cloudwatch", "budgets", "costalerts", "events", "backup")
_SIGNALS = ("latency", "traffic", "errors", "saturation")


def raised(b: Blueprint) -> Iterator[Alarm]:
    """The alarms that CloudWatch raises: of signals that AWS reports, where the plan leaves alerting to it."""
    if not (b.has("alerting") and b.component("alerting").service == "sns"):
        return
    for alarm in alarms_of(b):
        if alarm.signal in _signals(b, alarm.component):
            yield alarm


def _signals(b: Blueprint, component: str) -> Mapping[str, Any]:
    """What CloudWatch knows of a component. Of a node group CloudFormation does not tell the Auto Scaling group, so its
    nodes are watched by what the agent in the cluster reports."""
    service = b.component(component).service
    found: dict[str, Any] = dict(code_facts("aws")["signals"].get(service, {}))
    if service == "eks":
        native = b.choice("observability.metrics") == "native"
        return {"saturation": _NODES} if native else {}
    return found


_NODES = {"metric": "node_cpu_utilization", "namespace": "ContainerInsights", "statistic": "Average", "unit": "Percent",
          "dimensions": ["ClusterName"]}  # fmt: skip
"""docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-EKS.html, 2026-11"""


def observability(b: Blueprint, stored: Stored, entry: Entry, running: Running) -> Template:
    """Alarms, notifications, dashboards and sampling of a site."""
    t = Template(
        "observability",
        "Alarms, notifications, dashboards and sampling of one site.",
        (
            "Alarms on the four golden signals and on work that waits, and the topic that they speak through. A signal "
            "that a service does not report has no alarm.",
        ),
        sites=len(b.sites),
    )
    topic = _topic(t, b)
    watched = {"entry": entry.watched, "compute": running.watched, "database": stored.watched, "intake": stored.held}
    alarms = list(raised(b))
    for alarm in alarms:
        _alarm(t, b, alarm, watched[alarm.component], topic)
    if b.has("dashboards") and b.component("dashboards").service == "cloudwatch-dashboards":
        _dashboards(t, b, watched)
    if b.component("traces").service == "x-ray":
        _sampling(t, b)
    return t


# --- who is told -----------------------------------------------------------------------------------------


def _topic(t: Template, b: Blueprint) -> Resource:
    component = "alerting" if b.has("alerting") and b.component("alerting").service == "sns" else "budget"
    own = key(t, b, "logs")
    skips = {} if own is not None else {"CKV_AWS_26": KEYLESS_TOPIC}
    topic = t.resource(
        "Notifications",
        "AWS::SNS::Topic",
        component,
        why=b.why("observability.alerting"),
        skips=skips,
        TopicName=sub(t.name_parameter, "-notifications", *t.site_suffix),
        KmsMasterKeyId=own,
    )
    speak = allow("sns", "publish", topic, StringEquals={"aws:SourceAccount": ACCOUNT}) | {
        "Sid": "Speak", "Principal": {"Service": [f"{s}.amazonaws.com" for s in _SPEAKERS]}}  # fmt: skip
    refuse = tls_only([topic], "sns") | {"Action": "sns:Publish"}
    t.resource("NotificationsPolicy", "AWS::SNS::TopicPolicy", component, Topics=[topic],
               PolicyDocument=policy(speak, refuse))  # fmt: skip
    t.resource(
        "Mail",
        "AWS::SNS::Subscription",
        component,
        TopicArn=topic,
        Protocol="email",
        Endpoint=notification(t, b),
        why="Whoever reads the mail confirms the subscription once.",
    )
    t.output("NotificationTopic", topic, "The topic through which people are told.", exported=True)
    return topic


# --- alarms ----------------------------------------------------------------------------------------------


def _alarmed(t: Template, b: Blueprint) -> Condition:
    alarmed = b.each(lambda e: e.alarmed)
    said = t.parameter("Alarms", "String", "Whether the environment has alarms.", alarmed, allowed=("true", "false"))
    return t.condition("HasAlarms", fn("Equals", said, "true"), alarmed)


def _alarm(t: Template, b: Blueprint, alarm: Alarm, watched: Mapping[str, Any], topic: Resource) -> None:
    fact = _signals(b, alarm.component)[alarm.signal]
    title = "".join(part.capitalize() for part in alarm.id.split("-"))
    value = by_site(b, lambda site: b.at(site, lambda e: _threshold(alarm, fact, e, site.suffix)))
    same = {v for each in value.values.values() for v in each.values.values() if v is not None}
    threshold: Any = Noted(next(iter(same)), f"{alarm.why}.") if len(same) == 1 else t.parameter(
        f"{title}Threshold", "Number", f"{alarm.signal.capitalize()} of the {alarm.component} beyond which there is a "
        f"{alarm.severity} alarm, in {_unit(fact)}.", value, why=f"{alarm.why}.")  # fmt: skip
    t.resource(
        f"{title}Alarm", "AWS::CloudWatch::Alarm", alarm.component, condition=_alarmed(t, b),
        AlarmName=sub(t.name_parameter, f"-{alarm.id}", *t.site_suffix),
        AlarmDescription=f"{alarm.signal.capitalize()} of the {alarm.component}. {fact.get('note', '')}".strip()
        + f" Runbook: {alarm.runbook}",
        ComparisonOperator="GreaterThanThreshold", Threshold=threshold, EvaluationPeriods=alarm.minutes,
        TreatMissingData=Noted("notBreaching", "Without requests there is nothing to measure."),
        **_measured(fact, watched), AlarmActions=[topic], OKActions=[topic],
    )  # fmt: skip


def _unit(fact: Mapping[str, Any]) -> str:
    return "a share, 0 to 1" if fact.get("per") else {"Count": "calls a minute", "Percent": "per cent"}.get(
        fact["unit"], fact["unit"].lower())  # fmt: skip


def _threshold(alarm: Alarm, fact: Mapping[str, Any], e: Deployment, suffix: str) -> float:
    """The threshold in the metric's own unit."""
    value = alarm.threshold
    if alarm.unit == "1/s":
        value *= _PERIOD * e.traffic  # the metric is a sum over the period
    if alarm.unit == "ms" and fact["unit"] == "Seconds":
        value /= 1000.0
    if alarm.unit == "s" and fact["unit"] == "Milliseconds":
        value *= 1000.0
    if alarm.unit == "share" and fact["unit"] == "Percent":
        value *= 100.0
    if fact.get("of") == "concurrency":
        value = math.floor(value * e.sizes[f"compute{suffix}"].maximum)
    return float(f"{value:.4g}")


def _measured(fact: Mapping[str, Any], watched: Mapping[str, Any]) -> dict[str, Any]:
    """The metric, or the share that one has in another."""
    statistic = fact["statistic"]
    if fact.get("per"):
        return {"Metrics": list(_share(fact, watched))}
    kind = "ExtendedStatistic" if statistic.startswith("p") else "Statistic"
    return {"Namespace": fact["namespace"], "MetricName": fact["metric"], "Period": _PERIOD, kind: statistic,
            "Dimensions": _dimensions(fact, watched, fact.get("operations", [""])[0])}  # fmt: skip


def _dimensions(fact: Mapping[str, Any], watched: Mapping[str, Any], operation: str) -> list[dict[str, Any]]:
    return [{"Name": n, "Value": operation if n == "Operation" else watched[n]} for n in fact["dimensions"]]


def _share(fact: Mapping[str, Any], watched: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    operations = fact.get("operations", [""])
    above = [(x, o) for x in (fact["metric"], *fact.get("also", ())) for o in operations]
    below = [(fact["per"], o) for o in operations]
    ids = {pair: f"m{i}" for i, pair in enumerate((*above, *below))}
    top = " + ".join(f"FILL({ids[pair]}, 0)" for pair in above)
    yield {"Id": "share", "Expression": f"({top}) / ({' + '.join(ids[pair] for pair in below)})",
           "Label": "Share that fails", "ReturnData": True}  # fmt: skip
    for (metric, operation), id in ids.items():
        stat = fact.get("per_statistic", fact["statistic"]) if metric == fact["per"] else fact["statistic"]
        yield {"Id": id, "ReturnData": False, "MetricStat": {"Stat": stat, "Period": _PERIOD, "Metric": {
            "Namespace": fact["namespace"], "MetricName": metric,
            "Dimensions": _dimensions(fact, watched, operation)}}}  # fmt: skip


# --- dashboards ------------------------------------------------------------------------------------------

_WIDE, _HIGH = 12, 6  # of a widget; a dashboard is 24 wide


def _dashboards(t: Template, b: Blueprint, watched: Mapping[str, Mapping[str, Any]]) -> None:
    """One for the whole service and one for each of its parts, in production."""
    only = b.each(lambda e: e.environment == "production")
    shown = t.condition("IsProduction", fn("Equals", t.environment, "production"), only)
    parts = {id: list(_widgets(b, id, watched[id])) for id in ("entry", "compute", "database")}
    for name, widgets in {"service": [w for found in parts.values() for w in found], **parts}.items():
        if not widgets:
            continue
        body: list[Any] = ['{"widgets": [']
        for i, widget in enumerate(widgets):
            place = f'{"," if i else ""}{{"type": "metric", "x": {i % 2 * _WIDE}, "y": {i // 2 * _HIGH}, '
            body += [place, f'"width": {_WIDE}, "height": {_HIGH}, "properties": ', *widget, "}"]
        t.resource(
            f"{name.capitalize()}Dashboard",
            "AWS::CloudWatch::Dashboard",
            "dashboards",
            condition=shown,
            why=b.why("observability.dashboards") if name == "service" else "",
            DashboardName=sub(t.name_parameter, f"-{name}", *t.site_suffix),
            DashboardBody=sub(*body, "]}"),
        )


def _widgets(b: Blueprint, component: str, watched: Mapping[str, Any]) -> Iterator[list[Any]]:
    """The properties of each widget, as text and references in turn."""
    signals = _signals(b, component)
    for signal in _SIGNALS:
        if fact := signals.get(signal):
            metrics: list[Any] = []
            for n, line in enumerate(_lines(fact, watched)):
                metrics += [", " if n else "", *line]
            yield [f'{{"title": "{component.capitalize()}: {signal}", "region": "', REGION, f'", "period": {_PERIOD}, '
                   f'"stat": "{fact["statistic"]}", "metrics": [', *metrics, "]}"]  # fmt: skip


def _lines(fact: Mapping[str, Any], watched: Mapping[str, Any]) -> Iterator[list[Any]]:
    for operation in fact.get("operations", [""]):
        pairs: list[Any] = []
        for d in _dimensions(fact, watched, operation):
            pairs += [f', "{d["Name"]}", "', d["Value"], '"']
        for metric in (fact["metric"], *fact.get("also", ())):
            yield [f'["{fact["namespace"]}", "{metric}"', *pairs, "]"]


# --- traces ----------------------------------------------------------------------------------------------


def _sampling(t: Template, b: Blueprint) -> None:
    share = b.catalog.assumptions["trace_sample_share"].value or 0.05
    t.resource(
        "Sampling",
        "AWS::XRay::SamplingRule",
        "traces",
        why=b.why("observability.tracing"),
        SamplingRule={
            "RuleName": sub(t.name_parameter, *t.site_suffix),
            "Priority": 1000,
            "Version": 1,
            "ReservoirSize": Noted(1, "A trace a second at least."),
            "FixedRate": Noted(share, "The collector keeps what failed or was slow besides."),
            **dict.fromkeys(("URLPath", "Host", "HTTPMethod", "ServiceType", "ServiceName", "ResourceARN"), "*"),
        },
    )
