"""Amazon EC2: an Auto Scaling group whose machines run the image of the service."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.cloudformation.common import CLOSING, OPENING, TIMEZONE, allow, arn, role
from devops_workbook.artifacts.cloudformation.compute.running import BUSY_FROM, BUSY_UNTIL, Running
from devops_workbook.artifacts.cloudformation.instances import launch_template
from devops_workbook.artifacts.cloudformation.template import REGION, Condition, Resource, fn, join, select, sub
from devops_workbook.artifacts.yaml import Noted

__all__ = ["calendar", "compute"]


def compute(c: Running) -> None:
    """The service of a site on machines of its own."""
    t = c.template
    group = _group(c, _launched(c))
    c.watched = {"AutoScalingGroupName": group}
    t.output("Group", group, "The Auto Scaling group.", exported=True)
    tracked: dict[str, Any] = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
                               "TargetValue": c.cpu()}  # fmt: skip
    if c.by_backlog:
        workers = {"Namespace": "AWS/AutoScaling", "MetricName": "GroupInServiceInstances",
                   "Dimensions": [{"Name": "AutoScalingGroupName", "Value": group}]}  # fmt: skip
        tracked = {"CustomizedMetricSpecification": {"Metrics": c.backlog_metrics(workers)}, "TargetValue": c.backlog()}
    t.resource(
        "GroupPolicy",
        "AWS::AutoScaling::ScalingPolicy",
        "compute",
        why=c.b.why("scaling.autoscaling"),
        AutoScalingGroupName=group,
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration=tracked,
    )
    calendar(c, group, None)


def _launched(c: Running) -> Resource:
    t, b = c.template, c.b
    logs = c.logs(sub("/ec2/", t.name_parameter, *t.site_suffix))
    statements = [*c.statements(), *c.pulls(), allow("cloudwatch-logs", "write", logs.arn), allow("ec2", "session"),
                  allow("ec2", "managed", arn("ec2", "instance/*"))]  # fmt: skip
    own = role(t, "ServiceRole", "compute", "ec2.amazonaws.com", statements, why="What the machines may do.")
    disk = round(b.catalog.assumptions["disk_gb_per_instance"].value or 50)
    return launch_template(t, "Machines", "compute", c.sku(), c.arch(), own, c.net.group("compute"), disk,
                           _start(c, logs))  # fmt: skip


def _start(c: Running, logs: Resource) -> Any:
    """What a machine does when it starts: run the image, told of its surroundings, its log sent away."""
    image, host = c.image(), select(0, fn("Split", "/", c.image()))
    told: list[Any] = []
    for name, value in c.settings().items():
        told += [join("", [f"{name}=", value])]
    login: list[Any] = []
    if c.b.has("registry"):
        login = [
            join(
                "",
                [
                    "aws ecr get-login-password --region ",
                    REGION,
                    " | docker login --username AWS --password-stdin ",
                    host,
                ],
            )
        ]
    run = ("docker run --detach --name service --restart always --read-only --user 10001 --env-file /etc/service.env "
           "--network host --log-driver awslogs --log-opt awslogs-group=")  # fmt: skip
    return join("\n", [
        "#!/bin/bash", "set -euo pipefail", "dnf install --assumeyes docker", "systemctl enable --now docker",
        "cat > /etc/service.env <<'END'", *told, "END", *login, join("", [run, logs, " ", image])])  # fmt: skip


def _group(c: Running, launched: Resource) -> Resource:
    t, b = c.template, c.b
    front: dict[str, Any] = {"HealthCheckType": "EC2"}
    if c.balanced:
        front = {"TargetGroupARNs": [c.targets("instance")], "HealthCheckType": "ELB"}
    seconds = int(b.provider.facts["instance_start_seconds"].value or 180)
    template: dict[str, Any] = {"LaunchTemplateId": launched, "Version": launched.att("LatestVersionNumber")}
    started: dict[str, Any] = {"LaunchTemplate": template}
    if b.choice("cost.resources") == "spot-mixed":
        started = {"MixedInstancesPolicy": {
            "LaunchTemplate": {"LaunchTemplateSpecification": template},
            "InstancesDistribution": {"OnDemandBaseCapacity": c.floor(), "OnDemandPercentageAboveBaseCapacity": 0,
                                      "SpotAllocationStrategy": "price-capacity-optimized"}}}  # fmt: skip
    return t.resource(
        "Group",
        "AWS::AutoScaling::AutoScalingGroup",
        "compute",
        why=b.why("scaling.capacity"),
        MinSize=c.floor(),
        MaxSize=c.ceiling(),
        VPCZoneIdentifier=c.net.subnets("in-use"),
        **front,
        **started,
        HealthCheckGracePeriod=Noted(seconds, "Seconds: a machine starts within this time."),
        DefaultInstanceWarmup=seconds,
        MetricsCollection=[{"Granularity": "1Minute"}],
        policies={
            "UpdatePolicy": {
                "AutoScalingRollingUpdate": {
                    "MinInstancesInService": c.floor(),
                    "MaxBatchSize": 2,
                    "PauseTime": "PT3M",
                    "SuspendProcesses": ["AZRebalance", "ScheduledActions"],
                },
                "AutoScalingScheduledAction": Noted(
                    {"IgnoreUnmodifiedGroupSizeProperties": True},
                    "An update leaves sizes alone that the calendar has changed.",
                ),
            }
        },
    )


# --- the calendar ----------------------------------------------------------------------------------------


def calendar(c: Running, group: Any, only: Condition | None) -> None:
    """Rest at night, or a higher floor by day."""
    t, rests = c.template, c.rests()
    if rests is not None:
        _at(c, "Open", OPENING, (c.floor(), c.ceiling()), t.both(only, rests), group)
        _at(c, "Close", CLOSING, (0, 0), t.both(only, rests), group)
    if c.by_calendar:
        _at(c, "Busy", BUSY_FROM, (c.busy(), c.ceiling()), t.both(only, c.always()), group)
        _at(c, "Quiet", BUSY_UNTIL, (c.floor(), c.ceiling()), t.both(only, c.always()), group)


def _at(c: Running, name: str, when: str, sizes: tuple[Any, Any], condition: Condition | None, group: Any) -> None:
    c.template.resource(
        f"{name}Hours",
        "AWS::AutoScaling::ScheduledAction",
        "compute",
        condition=condition,
        AutoScalingGroupName=group,
        Recurrence=when,
        TimeZone=TIMEZONE,
        MinSize=sizes[0],
        MaxSize=sizes[1],
    )
