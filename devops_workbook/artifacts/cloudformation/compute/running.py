"""What the builders of compute share: the template, the service's role and surroundings, how much there is of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.common import (
    allow,
    delivery_account,
    files_bucket,
    image,
    key,
    log_group,
    registry_region,
)
from devops_workbook.artifacts.cloudformation.data import Stored, files_grants, key_grants
from devops_workbook.artifacts.cloudformation.edge import HEALTH, Entry
from devops_workbook.artifacts.cloudformation.network import Net
from devops_workbook.artifacts.cloudformation.schedule import rests
from devops_workbook.artifacts.cloudformation.security import secrets_arns
from devops_workbook.artifacts.cloudformation.template import (
    PARTITION,
    BySite,
    Condition,
    Resource,
    Template,
    by_site,
    fn,
    sub,
)
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.yaml import Fn, Noted

__all__ = ["BUSY_FROM", "BUSY_UNTIL", "PORT", "Running"]

PORT = 8443
"""Where the service listens, with TLS, as in the topology."""
BUSY_FROM, BUSY_UNTIL = "30 6 * * 1-5", "0 20 * * 1-5"
"""Half an hour before the working day and an hour after it, as scaling.autoscaling says of schedules."""


@dataclass
class Running:
    """One site's compute as it is being written. watched: dimensions of its metrics; targets: the target group."""

    b: Blueprint
    template: Template
    net: Net
    stored: Stored
    entry: Entry
    watched: dict[str, Any] = field(default_factory=dict)
    concurrency: Any = None

    # --- what it is told ---------------------------------------------------------------------------------------

    def statements(self) -> list[dict[str, Any]]:
        """What the service may do: one statement or two for each connection of the design."""
        t, b = self.template, self.b
        secrets = secrets_arns(t, b)
        read = [allow("secrets-manager", "read", secrets)] if secrets else []
        return [*self.stored.grants, *files_grants(t, b), *read, *key_grants(t, b, self.stored)]

    def settings(self) -> dict[str, Any]:
        """Environment variables: addresses, and never a secret."""
        found = dict(self.stored.settings)
        if self.b.has("files"):
            found["FILES_BUCKET"] = files_bucket(self.template)
        found["OTEL_SERVICE_NAME"] = sub(self.template.name_parameter)
        return dict(sorted(found.items()))

    def image(self) -> Any:
        """The image of the service."""
        return image(self.template, self.b)

    def logs(self, title: Any) -> Resource:
        """The log of the service."""
        component = "logs" if self.b.component("logs").service == "cloudwatch-logs" else "compute"
        return log_group(self.template, self.b, "ServiceLogs", component, title, key(self.template, self.b, "logs"))

    def pulls(self) -> list[dict[str, Any]]:
        """What fetching an image takes."""
        if not self.b.has("registry"):
            return []
        held = sub("arn:", PARTITION, f":ecr:{registry_region(self.b)}:", delivery_account(self.template),
                   f":repository/{self.b.names.system}")  # fmt: skip
        return [allow("ecr", "login"), allow("ecr", "pull", held)]

    # --- how much ----------------------------------------------------------------------------------------------

    def sized(self, value: Any) -> BySite:
        """Something of the size at each site."""
        return by_site(self.b, lambda site: self.b.sized(site.id("compute"), value))

    def floor(self) -> Fn:
        """The fewest instances."""
        return self.template.parameter(
            "Minimum", "Number", "Fewest instances; 0 = none until the site takes over, or none without work.",
            self.sized(lambda s: s.minimum), why=self.b.why("scaling.capacity"), bounds=(0, 10_000))  # fmt: skip

    def ceiling(self) -> Fn:
        """The most instances."""
        return self.template.parameter(
            "Maximum", "Number", "Most instances.", self.sized(lambda s: s.maximum),
            why=self.b.why("scaling.autoscaling"), bounds=(1, 10_000))  # fmt: skip

    def sku(self) -> Fn:
        """The size of the machines."""
        return self.template.parameter(
            "InstanceType", "String", "Size of the machines.", self.sized(lambda s: s.sku),
            why=self.b.why("infrastructure.compute"), pattern="^[a-z0-9-]+[.][a-z0-9]+$")  # fmt: skip

    def arch(self) -> BySite:
        """The processors of the machines: "arm" or "x86"."""
        return self.sized(lambda s: self.b.provider.instances[s.sku].arch)

    def busy(self) -> Fn:
        """The floor in busy hours: what the average load takes."""
        b = self.b
        share = b.requirements.average_rps / max(b.assessment.capacity.planned_rps, 1e-9)
        return self.template.parameter(
            "BusyMinimum",
            "Number",
            "Fewest instances in busy hours.",
            self.sized(lambda s: min(s.maximum, max(s.minimum, math.ceil(s.maximum * share)))),
            why=f"What the average load of {b.requirements.average_rps:g} requests/s takes; raise it for "
            "announced events.",
            bounds=(0, 10_000),
        )

    def idle(self) -> Condition:
        """Holds where nothing runs until the site takes over."""
        return self.template.condition("StartsEmpty", fn("Equals", self.floor(), "0"),
                                       self.b.sized("compute", lambda s: s.minimum == 0))  # fmt: skip

    # --- when --------------------------------------------------------------------------------------------------

    @property
    def by_calendar(self) -> bool:
        """Whether the floor rises before known peaks."""
        return self.b.choice("scaling.autoscaling") == "scheduled-target-tracking"

    @property
    def by_backlog(self) -> bool:
        """Whether workers follow the work that waits."""
        return self.b.choice("scaling.autoscaling") == "queue-depth" and self.b.has("intake")

    def rests(self) -> Condition | None:
        """Holds where the environment stops outside working hours; None where none of them does."""
        hours = self.b.each(lambda e: e.hours_per_week < 168)
        return rests(self.template, hours, self.b.why("cost.efficiency"))

    def always(self) -> Condition | None:
        """Holds where it runs around the clock; None = everywhere."""
        rests = self.rests()
        if rests is None:
            return None
        t = self.template
        return t.condition("RunsAlways", fn("Not", [fn("Condition", rests.name)]), rests.holds.map(lambda v: not v))

    def cpu(self) -> Noted:
        """The processor use that is held, %."""
        share = self.b.catalog.assumptions["target_cpu_utilisation"].value or 0.65
        return Noted(
            round(100.0 * share), "Per cent: what the capacity plan leaves as headroom for a zone and a spike."
        )

    def backlog(self) -> Noted:
        """Messages that may wait for each worker."""
        r = self.b.requirements
        most = max(1, round(r.p99_latency_ms / r.service_time_ms))
        return Noted(
            most, f"Messages a worker: {r.p99_latency_ms:g} ms that may pass over {r.service_time_ms:g} ms each."
        )

    def backlog_metrics(self, workers: dict[str, Any]) -> list[dict[str, Any]]:
        """What waits, over the workers that there are. workers: the metric that counts them."""
        service = self.b.component("intake").service
        fact = code_facts("aws")["signals"][service]["backlog"]
        assert self.stored.queue is not None
        name = self.stored.queue.att("QueueName") if service == "sqs" else self.stored.queue
        waiting = {"Namespace": fact["namespace"], "MetricName": fact["metric"],
                   "Dimensions": [{"Name": fact["dimensions"][0], "Value": name}]}  # fmt: skip
        return [
            {"Id": "waiting", "ReturnData": False, "MetricStat": {"Stat": fact["statistic"], "Metric": waiting}},
            {"Id": "workers", "ReturnData": False, "MetricStat": {"Stat": "Average", "Metric": workers}},
            {
                "Id": "backlog",
                "Expression": "waiting / FILL(workers, 1)",
                "Label": "Backlog of a worker",
                "ReturnData": True,
            },
        ]

    # --- who calls it ------------------------------------------------------------------------------------------

    @property
    def balanced(self) -> bool:
        """Whether a balancer sends requests to it."""
        return self.entry.listener is not None

    def targets(self, kind: str, *, depends: Sequence[Resource] = (), **more: Any) -> Resource:
        """The target group, and the rule that sends everything to it."""
        t, listener = self.template, self.entry.listener
        serves = kind != "lambda"
        check: dict[str, Any] = {
            "HealthCheckPath": HEALTH,
            "HealthCheckEnabled": True,
            "HealthCheckIntervalSeconds": 15 if serves else 35,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 3,
            "Matcher": {"HttpCode": "200-299"},
        }
        served: dict[str, Any] = (
            {
                "Protocol": "HTTPS",
                "Port": PORT,
                "VpcId": self.net.vpc,
                "HealthCheckProtocol": "HTTPS",
                "TargetGroupAttributes": [
                    {"Key": "deregistration_delay.timeout_seconds", "Value": "60"},
                    {"Key": "load_balancing.algorithm.type", "Value": "least_outstanding_requests"},
                ],
            }
            if serves
            else {}
        )
        group = t.resource("Targets", "AWS::ElasticLoadBalancingV2::TargetGroup", "entry", depends=depends,
                           TargetType=kind, **check, **served, **more)  # fmt: skip
        t.resource(
            "TargetsRule", "AWS::ElasticLoadBalancingV2::ListenerRule", "entry", ListenerArn=listener, Priority=10,
            Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": group}],
        )  # fmt: skip
        return group
