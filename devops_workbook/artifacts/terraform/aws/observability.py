"""What tells people: the alarms of CloudWatch, the topic that they go to, dashboards, and which traces are kept.

Each signal is one resource with an alarm for each severity; thresholds stand in the environments' values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.alarms import Alarm
from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.aws.alarming import raised
from devops_workbook.artifacts.terraform.aws.placed import named, placed, tags
from devops_workbook.artifacts.terraform.aws.policies import document, only_tls
from devops_workbook.artifacts.terraform.aws.reasons import PROVIDER_KEYS
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.design.deployments import Deployment

__all__ = ["observability"]

_PERIOD = 60  # seconds
_MS, _PER_CENT = 1000.0, 100.0
# What speaks through the topic beside the alarms.
_SPEAKERS = ("cloudwatch", "budgets", "costalerts", "events", "backup")
_STAGE = "$default"  # of an HTTP API


@dataclass(frozen=True)
class _Watch:
    """The module of one site being written, and the modules that it watches."""

    b: Blueprint
    module: Module
    site: Site
    data: Module
    edge: Module
    compute: Module

    def dimension(self, name: str) -> Any:
        """The value of a dimension of a metric."""
        if name == "Stage":
            return _STAGE
        variable, source, output = _DIMENSIONS[name]
        module: Module = getattr(self, source)
        told = module.outputs[output].description
        return self.module.variable(variable, "string", told, module.wire(output))


_DIMENSIONS = {
    "LoadBalancer": ("load_balancer", "edge", "load_balancer_suffix"),
    "ApiId": ("api_id", "edge", "api_id"),
    "ClusterName": ("cluster_name", "compute", "cluster_name"),
    "ServiceName": ("service_name", "compute", "service_name"),
    "FunctionName": ("function_name", "compute", "function_name"),
    "AutoScalingGroupName": ("group_name", "compute", "group_name"),
    "DBInstanceIdentifier": ("database_id", "data", "database_id"),
    "DBClusterIdentifier": ("database_id", "data", "database_id"),
    "TableName": ("database_id", "data", "database_id"),
    "QueueName": ("intake_name", "data", "intake_name"),
    "StreamName": ("intake_name", "data", "intake_name"),
}


def observability(
    b: Blueprint, site: Site, security: Module, data: Module, edge: Module, compute: Module
) -> Module:  # fmt: skip
    """Alarms, notifications, dashboards and sampling of a site."""
    about = ("Alarms on the four golden signals and on work that waits, the topic they speak through, dashboards, and "
             "the rule by which traces are kept. A signal that a service does not report has no alarm.",)  # fmt: skip
    w = _Watch(b, placed(b, "observability", "Observability", about, site), site, data, edge, compute)
    topic = _topic(w, security)
    alarms = list(raised(b))
    for pair in dict.fromkeys((a.component, a.signal) for a in alarms):
        _alarm(w, [a for a in alarms if (a.component, a.signal) == pair], topic)
    if b.has("dashboards") and b.component("dashboards").service == "cloudwatch-dashboards":
        _dashboards(w)
    if b.has("traces") and b.component("traces").service == "x-ray":
        _sampling(w)
    return w.module


# --- who is told -----------------------------------------------------------------------------------------


def _topic(w: _Watch, security: Module) -> Ref:
    b, m = w.b, w.module
    component = "alerting" if b.has("alerting") and b.component("alerting").service == "sns" else "budget"
    keyed, skips = {}, {"CKV_AWS_26": PROVIDER_KEYS}
    if b.choice("infrastructure.security") != "provider-managed-keys":
        key = m.variable("logs_key_id", "string", "The key that encrypts notifications.", security.wire("logs_key_id"))
        keyed, skips = {"kms_master_key_id": key}, {}
    topic = m.resource(
        "aws_sns_topic", "this", component, file="notifications", why=b.why("observability.alerting"), skips=skips,
        name=named("notifications"), **keyed, tags={"component": component},
    )  # fmt: skip
    account = m.data("aws_caller_identity", "current", file="notifications").account_id
    speak = {
        "Sid": "Speak", "Effect": "Allow",
        "Principal": {"Service": [f"{service}.amazonaws.com" for service in _SPEAKERS]},
        "Action": code_facts("aws")["permissions"]["sns"]["publish"]["actions"], "Resource": topic.arn,
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }  # fmt: skip
    refuse = {**only_tls("sns", [topic.arn]), "Action": "sns:Publish"}
    m.resource("aws_sns_topic_policy", "this", component, file="notifications", arn=topic.arn,
               policy=document(speak, refuse))  # fmt: skip
    address = m.variable(
        "notification_address", "string", "Where notifications go.", raw("var.notification_address"),
        checks=[('can(regex("^[^@ ]+@[^@ ]+$", var.notification_address))', "It must be a mail address.")],
    )  # fmt: skip
    m.resource(
        "aws_sns_topic_subscription", "mail", component, file="notifications", topic_arn=topic.arn, protocol="email",
        why="Whoever reads the mail confirms the subscription once.", endpoint=address,
    )  # fmt: skip
    m.output("notification_id", topic.arn, "The topic through which people are told.", exported=True)
    return topic.arn


# --- alarms ----------------------------------------------------------------------------------------------


def _fact(b: Blueprint, alarm: Alarm) -> Mapping[str, Any]:
    found: Mapping[str, Any] = code_facts("aws")["signals"][b.component(alarm.component).service][alarm.signal]
    return found


def _threshold(w: _Watch, alarm: Alarm, e: Deployment) -> float:
    """The threshold in the metric's own unit."""
    fact, value = _fact(w.b, alarm), alarm.threshold
    if alarm.unit == "1/s":
        value *= _PERIOD * e.traffic  # the metric is a sum over the period
    if alarm.unit == "ms" and fact["unit"] == "Seconds":
        value /= _MS
    if alarm.unit == "s" and fact["unit"] == "Milliseconds":
        value *= _MS
    if alarm.unit == "share" and fact["unit"] == "Percent":
        value *= _PER_CENT
    if fact.get("of") == "concurrency":
        value = math.floor(value * e.sizes[w.site.id("compute")].maximum)
    return float(f"{value:.4g}")


def _alarm(w: _Watch, alarms: Sequence[Alarm], topic: Ref) -> None:
    """One signal of one component, with its severities."""
    m, first = w.module, alarms[0]
    name, fact = f"{first.component}_{first.signal}", _fact(w.b, first)
    values = w.b.at(w.site, lambda e: {
        a.severity: {"threshold": _threshold(w, a, e), "minutes": a.minutes} for a in alarms if e.alarmed
    })  # fmt: skip
    unit = "share" if fact.get("per") else fact["unit"]
    chosen = m.variable(
        name,
        "map(object({ threshold = number, minutes = number }))",
        f"Alarms on {first.signal} of the {first.component} by severity; the threshold is in {_UNITS.get(unit, unit)}.",
        values,
        why="; ".join(f"{a.severity}: {a.why}" for a in alarms) + ".",
        checks=[
            (f"alltrue([for alarm in values(var.{name}) : alarm.minutes >= 1])", "An alarm takes a minute at least.")
        ],
    )
    missing = Noted("notBreaching", "Without requests there is nothing to measure.")
    told = f"{first.signal.capitalize()} of the {first.component}. {fact.get('note', '')}".strip()
    runbook = (f"docs/runbooks/{first.component}-{first.signal}-", raw("each.key"), ".md")
    m.resource(
        "aws_cloudwatch_metric_alarm", name, first.component, file="alarms", for_each=chosen,
        alarm_name=template(Ref("var.name"), f"-{first.component}-{first.signal}-", raw("each.key")),
        alarm_description=template(told, " Runbook: ", *runbook),
        comparison_operator="GreaterThanThreshold", threshold=raw("each.value.threshold"),
        evaluation_periods=raw("each.value.minutes"), treat_missing_data=missing, **_measured(w, fact),
        alarm_actions=[topic], ok_actions=[topic], tags=tags(w.b, m, first.component),
    )  # fmt: skip


_UNITS = {"Count": "calls a minute", "share": "a share, 0 to 1", "Percent": "per cent"}


def _dimensions(w: _Watch, fact: Mapping[str, Any], operation: str) -> Mapping[str, Any]:
    return {name: operation if name == "Operation" else w.dimension(name) for name in fact["dimensions"]}


def _measured(w: _Watch, fact: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metric, or the share that one has in another."""
    statistic = fact["statistic"]
    percentile = statistic.startswith("p")
    if not fact.get("per"):
        operation = fact.get("operations", [""])[0]
        return {
            "namespace": fact["namespace"], "metric_name": fact["metric"], "period": _PERIOD,
            ("extended_statistic" if percentile else "statistic"): statistic,
            "dimensions": _dimensions(w, fact, operation),
        }  # fmt: skip
    return {"metric_query": list(_share(w, fact))}


def _share(w: _Watch, fact: Mapping[str, Any]) -> Iterator[Nested]:
    operations = fact.get("operations", [""])
    above = [(x, o) for x in (fact["metric"], *fact.get("also", ())) for o in operations]
    below = [(fact["per"], o) for o in operations]
    statistics = {fact["per"]: fact.get("per_statistic", fact["statistic"])}
    ids = {pair: f"m{i}" for i, pair in enumerate((*above, *below))}
    top = " + ".join(f"FILL({ids[pair]}, 0)" for pair in above)
    yield Nested(id="share", expression=f"({top}) / ({' + '.join(ids[pair] for pair in below)})",
                 label="Share that fails", return_data=True)  # fmt: skip
    for (metric, operation), id in ids.items():
        yield Nested(id=id, metric=Nested(
            namespace=fact["namespace"], metric_name=metric, period=_PERIOD,
            stat=statistics.get(metric, fact["statistic"]), dimensions=_dimensions(w, fact, operation),
        ))  # fmt: skip


# --- dashboards ------------------------------------------------------------------------------------------

_WIDE, _HIGH = 12, 6  # of a widget; a dashboard is 24 wide
_SHOWN = ("entry", "compute", "database")


def _dashboards(w: _Watch) -> None:
    """One for the whole service and one for each of its parts, in production."""
    m, b = w.module, w.b
    shown = m.variable(
        "dashboards",
        "bool",
        "Whether there are dashboards; they serve all environments.",
        b.at(w.site, lambda e: e.environment == "production"),
        why=b.why("observability.dashboards"),
    )
    m.data("aws_region", "current", file="dashboards")
    parts = {id: list(_widgets(w, id)) for id in _SHOWN}
    boards = {"service": [x for widgets in parts.values() for x in widgets], **parts}
    for name, widgets in boards.items():
        if not widgets:
            continue
        placed_ = [{**x, "x": i % 2 * _WIDE, "y": i // 2 * _HIGH, "width": _WIDE, "height": _HIGH}
                   for i, x in enumerate(widgets)]  # fmt: skip
        m.resource(
            "aws_cloudwatch_dashboard", name, "dashboards", file="dashboards", count=raw(f"{shown} ? 1 : 0"),
            dashboard_name=named(name), dashboard_body=call("jsonencode", {"widgets": placed_}),
        )  # fmt: skip


def _widgets(w: _Watch, component: str) -> Iterator[Mapping[str, Any]]:
    signals = code_facts("aws")["signals"].get(w.b.component(component).service, {})
    for signal in ("latency", "traffic", "errors", "saturation"):
        if fact := signals.get(signal):
            yield {"type": "metric", "properties": {
                "title": f"{component.capitalize()}: {signal}", "region": raw("data.aws_region.current.name"),
                "period": _PERIOD, "stat": fact["statistic"], "metrics": list(_lines(w, fact)),
            }}  # fmt: skip


def _lines(w: _Watch, fact: Mapping[str, Any]) -> Iterator[list[Any]]:
    for operation in fact.get("operations", [""]):
        pairs = [x for pair in _dimensions(w, fact, operation).items() for x in pair]
        for metric in (fact["metric"], *fact.get("also", ())):
            yield [fact["namespace"], metric, *pairs]


# --- traces ----------------------------------------------------------------------------------------------


def _sampling(w: _Watch) -> None:
    share = w.b.catalog.assumptions["trace_sample_share"].value or 0.05
    w.module.resource(
        "aws_xray_sampling_rule", "this", "traces", file="traces", why=w.b.why("observability.tracing"),
        rule_name=named("rest"), priority=1000, version=1, reservoir_size=Noted(1, "A trace a second at least."),
        fixed_rate=Noted(share, "The collector keeps what failed or was slow besides."), url_path="*", host="*",
        http_method="*", service_type="*", service_name="*", resource_arn="*", tags=tags(w.b, w.module, "compute"),
    )  # fmt: skip
