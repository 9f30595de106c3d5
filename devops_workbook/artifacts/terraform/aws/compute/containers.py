"""Amazon ECS on Fargate: tasks of the service, spread over the zones in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.terraform.aws.compute.permissions import pulls, service_statements, writes_logs
from devops_workbook.artifacts.terraform.aws.compute.releases import (
    WATCH_MINUTES,
    by_codedeploy,
    codedeploy,
    passes,
    released_by_pipeline,
)
from devops_workbook.artifacts.terraform.aws.compute.scaling import (
    BUSY_FROM,
    BUSY_UNTIL,
    backlog_metrics,
    backlog_target,
    by_backlog,
    by_calendar,
    cpu_target,
    floor_when_busy,
    rests,
)
from devops_workbook.artifacts.terraform.aws.compute.scope import Scope
from devops_workbook.artifacts.terraform.aws.hours import CLOSING, OPENING, TIMEZONE, WHY
from devops_workbook.artifacts.terraform.aws.placed import named
from devops_workbook.artifacts.terraform.aws.policies import allow, role, trust
from devops_workbook.artifacts.terraform.aws.reach import balanced
from devops_workbook.artifacts.terraform.aws.work import SERVICE_PORT
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template

__all__ = ["compute"]

_UNITS = 1024  # of processor in a vCPU, of memory in a GiB
_CONTAINER = "service"
_BATCH = 125  # per cent of the tasks that may run while a quarter of them is replaced


def compute(c: Scope) -> None:
    """The service of a site as tasks."""
    cluster = _cluster(c)
    service = _service(c, cluster, _task(c))
    _scale(c, cluster, service)
    m = c.module
    m.output("cluster_name", cluster.name, "The cluster.", exported=True)
    m.output("service_name", service.name, "The service.", exported=True)
    m.output("role_arn", Ref("aws_iam_role.service").arn, "The service's role.")
    may = [allow("ecs", "deploy", service.id), allow("ecs", "register")]
    may.append(passes("ecs-tasks.amazonaws.com", Ref("aws_iam_role.service"), Ref("aws_iam_role.execution")))
    if _switched(c):
        _release(c, cluster, service)
        may.append(by_codedeploy(c))
    released_by_pipeline(c, *may)


def _switched(c: Scope) -> bool:
    """Whether a release runs beside the old one and traffic moves over: it needs a balancer that moves it."""
    return balanced(c.b) and c.b.choice("cicd.deployment") != "rolling"


def _cluster(c: Scope) -> Ref:
    m = c.module
    insights = by_backlog(c) or c.b.choice("observability.metrics") == "native"
    skips = {} if insights else {"CKV_AWS_65": "metrics are kept by the collector and the tool that the plan chose"}
    cluster = m.resource(
        "aws_ecs_cluster", "this", "compute", why=c.b.why("infrastructure.compute"), skips=skips, name=named("cluster"),
        setting=Nested(name="containerInsights", value="enabled" if insights else "disabled"), tags=c.tags("compute"),
    )  # fmt: skip
    m.resource("aws_ecs_cluster_capacity_providers", "this", "compute", cluster_name=cluster.name,
               capacity_providers=["FARGATE", "FARGATE_SPOT"] if _spot(c) else ["FARGATE"])  # fmt: skip
    return cluster


def _spot(c: Scope) -> bool:
    return c.b.choice("cost.resources") == "spot-mixed"


def _task(c: Scope) -> Ref:
    m = c.module
    group = c.log_group(template("/ecs/", raw("var.name"), "-service"))
    starter = role(
        m, "execution", "compute", named("execution"), trust("ecs-tasks.amazonaws.com"), *pulls(c), writes_logs(group),
        why="What ECS does before the service runs: fetch the image, open the log.", tags=c.tags("compute"),
    )  # fmt: skip
    own = role(m, "service", "compute", named("service"), trust("ecs-tasks.amazonaws.com"), *service_statements(c),
               why="What the service itself may do.", tags=c.tags("compute"))  # fmt: skip
    cpu = m.variable("task_cpu", "number", "Processor of a task, 1024 = one vCPU.",
                     c.sized("compute", lambda s: int(s.vcpu * _UNITS)), why=c.b.why("scaling.capacity"),
                     checks=[("contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.task_cpu)",
                              "Fargate has tasks of 256 to 16384 units.")])  # fmt: skip
    memory = m.variable("task_memory", "number", "Memory of a task, MiB.",
                        c.sized("compute", lambda s: int(s.memory_gib * _UNITS)),
                        checks=[("var.task_memory >= 512", "Fargate has tasks of 512 MiB and more.")])  # fmt: skip
    return m.resource(
        "aws_ecs_task_definition", "service", "compute", family=named("service"), network_mode="awsvpc",
        requires_compatibilities=["FARGATE"], cpu=cpu, memory=memory, execution_role_arn=starter.arn,
        task_role_arn=own.arn, runtime_platform=Nested(operating_system_family="LINUX", cpu_architecture="X86_64"),
        container_definitions=call("jsonencode", [_container(c, group)]), tags=c.tags("compute"),
    )  # fmt: skip


def _container(c: Scope, group: Ref) -> Mapping[str, Any]:
    return {
        "name": _CONTAINER,
        "image": c.image(),
        "essential": True,
        "user": "10001",
        "readonlyRootFilesystem": True,
        "linuxParameters": {"initProcessEnabled": True},
        "portMappings": [{"containerPort": SERVICE_PORT, "protocol": "tcp"}],
        "environment": [{"name": name, "value": value} for name, value in sorted(c.environment().items())],
        "stopTimeout": 30,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": group.name,
                "awslogs-region": c.region(),
                "awslogs-stream-prefix": _CONTAINER,
                "mode": "non-blocking",
            },
        },
    }


def _service(c: Scope, cluster: Ref, task: Ref) -> Ref:
    m = c.module
    floor = c.floor()
    place = Nested(subnets=c.subnets(), security_groups=[c.security_group("compute")], assign_public_ip=False)
    front: dict[str, Any] = {}
    deployed = [raw("desired_count"), raw("task_definition")]
    if balanced(c.b):
        target = m.variable("target_group_arn", "string", "Where tasks register to be reached.",
                            c.edge.wire("target_group_arn"))  # fmt: skip
        front = {
            "load_balancer": Nested(target_group_arn=target, container_name=_CONTAINER, container_port=SERVICE_PORT),
            "health_check_grace_period_seconds": Noted(_start_seconds(c), "A task starts within this time."),
        }
        deployed += [raw("load_balancer")] if _switched(c) else []
    told = "Releases and scaling change these; Terraform leaves them alone."
    return m.resource(
        "aws_ecs_service",
        "this",
        "compute",
        why=c.b.why("cicd.deployment"),
        name=named("service"),
        cluster=cluster.id,
        task_definition=task.arn,
        desired_count=floor,
        platform_version="LATEST",
        **_capacity(c),
        propagate_tags="SERVICE",
        availability_zone_rebalancing="ENABLED" if not _switched(c) else "DISABLED",
        **_deployment(c),
        network_configuration=place,
        **front,
        tags=c.tags("compute"),
        lifecycle=Nested(ignore_changes=Noted(deployed, told)),
    )


def _start_seconds(c: Scope) -> int:
    return int(c.b.provider.facts["start_seconds_containers"].value or 60)


def _capacity(c: Scope) -> Mapping[str, Any]:
    if not _spot(c):
        return {"launch_type": "FARGATE"}
    told = "The floor that must not fail is on demand; what is above it may be interrupted."
    return {
        "capacity_provider_strategy": [
            Noted(Nested(capacity_provider="FARGATE", base=raw("var.minimum"), weight=0), told),
            Nested(capacity_provider="FARGATE_SPOT", weight=1),
        ]
    }


def _deployment(c: Scope) -> Mapping[str, Any]:
    if _switched(c):
        return {"deployment_controller": Nested(type="CODE_DEPLOY")}
    return {
        "deployment_minimum_healthy_percent": 100,
        "deployment_maximum_percent": Noted(_BATCH, "A quarter of the tasks at a time, none unavailable."),
        "deployment_circuit_breaker": Nested(enable=True, rollback=True),
    }


def _release(c: Scope, cluster: Ref, service: Ref) -> None:
    m = c.module
    names = m.variable("target_group_names", "list(string)", "The two target groups between which a release switches.",
                       c.edge.wire("target_group_names"))  # fmt: skip
    listener = m.variable(
        "listener_arn", "string", "The listener whose traffic is switched.", c.edge.wire("listener_arn")
    )
    pair = Nested(
        prod_traffic_route=Nested(listener_arns=[listener]),
        target_group=[Nested(name=raw(f"{names}[0]")), Nested(name=raw(f"{names}[1]"))],
    )  # fmt: skip
    old = Nested(action="TERMINATE", termination_wait_time_in_minutes=Noted(
        WATCH_MINUTES, "The old version stays ready for an hour, to move traffic back to."))  # fmt: skip
    codedeploy(
        c, "ECS", ecs_service=Nested(cluster_name=cluster.name, service_name=service.name),
        load_balancer_info=Nested(target_group_pair_info=pair),
        blue_green_deployment_config=Nested(
            deployment_ready_option=Nested(action_on_timeout="CONTINUE_DEPLOYMENT"),
            terminate_blue_instances_on_deployment_success=old,
        ),
    )  # fmt: skip


# --- growing and shrinking -------------------------------------------------------------------------------


def _scale(c: Scope, cluster: Ref, service: Ref) -> None:
    m = c.module
    id = template("service/", cluster.name, "/", service.name)
    target = m.resource(
        "aws_appautoscaling_target", "service", "compute", file="scaling", why=c.b.why("scaling.autoscaling"),
        service_namespace="ecs", resource_id=id, scalable_dimension="ecs:service:DesiredCount",
        min_capacity=c.floor(), max_capacity=c.ceiling(), tags=c.tags("compute"),
    )  # fmt: skip
    body: dict[str, Any] = {"target_value": cpu_target(c), "predefined_metric_specification": Nested(
        predefined_metric_type="ECSServiceAverageCPUUtilization")}  # fmt: skip
    if by_backlog(c):
        body = {"target_value": backlog_target(c), "customized_metric_specification": _backlog(c, cluster, service)}
    m.resource(
        "aws_appautoscaling_policy",
        "service",
        "compute",
        file="scaling",
        name=named("target"),
        policy_type="TargetTrackingScaling",
        service_namespace=target.service_namespace,
        resource_id=target.resource_id,
        scalable_dimension=target.scalable_dimension,
        target_tracking_scaling_policy_configuration=Nested(
            **body, scale_out_cooldown=60, scale_in_cooldown=Noted(_QUIET, "Ten quiet minutes before anything shrinks.")
        ),
    )
    only = rests(c)
    if by_calendar(c):
        always = {} if only is None else {"count": raw(f"{only} ? 0 : 1")}
        _action(c, target, "busy", BUSY_FROM, (floor_when_busy(c), c.ceiling()), c.b.why("scaling.autoscaling"), always)
        _action(c, target, "quiet", BUSY_UNTIL, (c.floor(), c.ceiling()), "Back to the floor.", always)
    if only is not None:
        some = {"count": raw(f"{only} ? 1 : 0")}
        _action(c, target, "open", OPENING, (c.floor(), c.ceiling()), WHY, some)
        _action(c, target, "close", CLOSING, (0, 0), WHY, some)


_QUIET = 600  # seconds


def _backlog(c: Scope, cluster: Ref, service: Ref) -> Nested:
    queue = c.module.variable("intake_name", "string", c.data.outputs["intake_name"].description,
                              c.data.wire("intake_name"))  # fmt: skip
    running = Nested(
        metric_name="RunningTaskCount", namespace="ECS/ContainerInsights",
        dimensions=[Nested(name="ClusterName", value=cluster.name), Nested(name="ServiceName", value=service.name)],
    )  # fmt: skip
    return Nested(metrics=backlog_metrics(c, running, queue))


def _action(
    c: Scope, target: Ref, name: str, cron: str, ends: tuple[Any, Any], why: str, count: Mapping[str, Any]
) -> None:  # fmt: skip
    minute, hour, *_ = cron.split()
    c.module.resource(
        "aws_appautoscaling_scheduled_action",
        name,
        "compute",
        file="scaling",
        why=why,
        **count,
        name=named(name),
        service_namespace=target.service_namespace,
        resource_id=target.resource_id,
        scalable_dimension=target.scalable_dimension,
        schedule=f"cron({minute} {hour} ? * MON-FRI *)",
        timezone=TIMEZONE,
        scalable_target_action=Nested(min_capacity=ends[0], max_capacity=ends[1]),
    )
