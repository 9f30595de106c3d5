"""Amazon ECS on Fargate: tasks of the service, spread over the zones in use."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.cloudformation.common import CLOSING, OPENING, allow, role
from devops_workbook.artifacts.cloudformation.compute.running import BUSY_FROM, BUSY_UNTIL, PORT, Running
from devops_workbook.artifacts.cloudformation.template import (
    ACCOUNT,
    NO_VALUE,
    PARTITION,
    REGION,
    Resource,
    choose,
    sub,
)
from devops_workbook.artifacts.yaml import Noted

__all__ = ["compute"]

_UNITS = 1024  # of processor in a vCPU, of memory in a GiB


def compute(c: Running) -> None:
    """The service of a site as tasks."""
    t, b = c.template, c.b
    cluster = t.resource(
        "Cluster", "AWS::ECS::Cluster", "compute", why=b.why("infrastructure.compute"),
        CapacityProviders=["FARGATE", "FARGATE_SPOT"] if _spot(c) else ["FARGATE"],
        ClusterSettings=[{"Name": "containerInsights", "Value": "enabled"}],
    )  # fmt: skip
    service = _service(c, cluster, _task(c))
    _scaled(c, cluster, service)
    c.watched = {"ClusterName": cluster, "ServiceName": service.att("Name")}
    t.output("Cluster", cluster, "The cluster.", exported=True)
    t.output("Service", service.att("Name"), "The service.", exported=True)


def _spot(c: Running) -> bool:
    return c.b.choice("cost.resources") == "spot-mixed"


def _task(c: Running) -> Resource:
    t, b = c.template, c.b
    logs = c.logs(sub("/ecs/", t.name_parameter, *t.site_suffix))
    write = allow("cloudwatch-logs", "write", logs.arn)
    starts = role(t, "ExecutionRole", "compute", "ecs-tasks.amazonaws.com", [*c.pulls(), write],
                  why="What ECS does before the service runs: fetch the image, open the log.")  # fmt: skip
    own = role(t, "ServiceRole", "compute", "ecs-tasks.amazonaws.com", c.statements(), why="What the service may do.")
    cpu = t.parameter(
        "TaskCpu",
        "Number",
        "Processor of a task, 1024 = one vCPU.",
        c.sized(lambda s: int(s.vcpu * _UNITS)),
        why=b.why("scaling.capacity"),
        allowed=("256", "512", "1024", "2048", "4096", "8192", "16384"),
    )
    memory = t.parameter(
        "TaskMemory",
        "Number",
        "Memory of a task, MiB.",
        c.sized(lambda s: int(s.memory_gib * _UNITS)),
        bounds=(512, 122_880),
    )
    return t.resource(
        "Task",
        "AWS::ECS::TaskDefinition",
        "compute",
        Family=sub(t.name_parameter, *t.site_suffix),
        NetworkMode="awsvpc",
        RequiresCompatibilities=["FARGATE"],
        Cpu=cpu,
        Memory=memory,
        ExecutionRoleArn=starts.arn,
        TaskRoleArn=own.arn,
        RuntimePlatform={"OperatingSystemFamily": "LINUX", "CpuArchitecture": "X86_64"},
        ContainerDefinitions=[_container(c, logs)],
    )


def _container(c: Running, logs: Resource) -> dict[str, Any]:
    return {
        "Name": "service",
        "Image": c.image(),
        "Essential": True,
        "User": "10001",
        "ReadonlyRootFilesystem": True,
        "LinuxParameters": {"InitProcessEnabled": True},
        "PortMappings": [{"ContainerPort": PORT, "Protocol": "tcp"}],
        "Environment": [{"Name": k, "Value": v} for k, v in c.settings().items()],
        "StopTimeout": 30,
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": logs,
                "awslogs-region": REGION,
                "awslogs-stream-prefix": "service",
                "mode": "non-blocking",
            },
        },
    }


def _service(c: Running, cluster: Resource, task: Resource) -> Resource:
    t, b = c.template, c.b
    front: dict[str, Any] = {}
    if c.balanced:
        group = c.targets("ip")
        front = {
            "LoadBalancers": [{"ContainerName": "service", "ContainerPort": PORT, "TargetGroupArn": group}],
            "HealthCheckGracePeriodSeconds": 60,
            "depends": [t.resources["TargetsRule"]],
        }
    provider = [{"CapacityProvider": "FARGATE", "Base": 1, "Weight": 1}]
    if _spot(c):
        provider.append({"CapacityProvider": "FARGATE_SPOT", "Weight": 1})
    return t.resource(
        "Service",
        "AWS::ECS::Service",
        "compute",
        why=b.why("cicd.deployment"),
        Cluster=cluster,
        TaskDefinition=task,
        ServiceName=sub(t.name_parameter, *t.site_suffix),
        DesiredCount=Noted(choose(c.idle(), 0, NO_VALUE), "Left to scaling, which would be undone by every update."),
        CapacityProviderStrategy=provider,
        PlatformVersion="LATEST",
        PropagateTags="SERVICE",
        EnableECSManagedTags=True,
        AvailabilityZoneRebalancing="ENABLED",
        DeploymentConfiguration={
            "MinimumHealthyPercent": 100,
            "MaximumPercent": 200,
            "DeploymentCircuitBreaker": Noted(
                {"Enable": True, "Rollback": True}, "A release that does not become healthy is taken back."
            ),
        },
        NetworkConfiguration={
            "AwsvpcConfiguration": {
                "AssignPublicIp": "DISABLED",
                "Subnets": c.net.subnets("in-use"),
                "SecurityGroups": [c.net.group("compute")],
            }
        },
        **front,
    )


# --- growing and shrinking -------------------------------------------------------------------------------


def _scaled(c: Running, cluster: Resource, service: Resource) -> None:
    t = c.template
    target = t.resource(
        "ServiceScaling", "AWS::ApplicationAutoScaling::ScalableTarget", "compute", ServiceNamespace="ecs",
        ScalableDimension="ecs:service:DesiredCount", MinCapacity=c.floor(), MaxCapacity=c.ceiling(),
        ResourceId=sub("service/", cluster, "/", service.att("Name")), ScheduledActions=_calendar(c),
        RoleARN=sub("arn:", PARTITION, ":iam::", ACCOUNT, ":role/aws-service-role/ecs.application-autoscaling."
                    "amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"),
    )  # fmt: skip
    tracked: dict[str, Any] = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        "TargetValue": c.cpu(),
    }
    if c.by_backlog:
        workers = {
            "Namespace": "ECS/ContainerInsights",
            "MetricName": "RunningTaskCount",
            "Dimensions": [
                {"Name": "ClusterName", "Value": cluster},
                {"Name": "ServiceName", "Value": service.att("Name")},
            ],
        }
        tracked = {"CustomizedMetricSpecification": {"Metrics": c.backlog_metrics(workers)}, "TargetValue": c.backlog()}
    t.resource(
        "ServicePolicy", "AWS::ApplicationAutoScaling::ScalingPolicy", "compute", why=c.b.why("scaling.autoscaling"),
        PolicyName="target", PolicyType="TargetTrackingScaling", ScalingTargetId=target,
        TargetTrackingScalingPolicyConfiguration={**tracked, "ScaleInCooldown": 300, "ScaleOutCooldown": 60},
    )  # fmt: skip


def _calendar(c: Running) -> Any:
    """What the calendar asks for: rest at night, or a higher floor by day."""
    rests = c.rests()
    by_day: Any = NO_VALUE
    if c.by_calendar:
        by_day = [_at("busy", BUSY_FROM, c.busy(), c.ceiling()), _at("quiet", BUSY_UNTIL, c.floor(), c.ceiling())]
    if rests is None:
        return by_day if c.by_calendar else None
    night = [_at("open", OPENING, c.floor(), c.ceiling()), _at("close", CLOSING, 0, 0)]
    return choose(rests, night, by_day)


def _at(name: str, when: str, least: Any, most: Any) -> dict[str, Any]:
    minute, hour, _, _, days = when.split()
    week = {"1-5": "MON-FRI"}[days]
    return {"ScheduledActionName": name, "Schedule": f"cron({minute} {hour} ? * {week} *)", "Timezone": "UTC",
            "ScalableTargetAction": {"MinCapacity": least, "MaxCapacity": most}}  # fmt: skip
