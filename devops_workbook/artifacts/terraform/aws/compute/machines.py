"""Amazon EC2: an Auto Scaling group whose machines run the image of the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.terraform.aws.compute.permissions import pulls, service_statements, session, writes_logs
from devops_workbook.artifacts.terraform.aws.compute.releases import (
    WATCH_MINUTES,
    released_by_pipeline,
    rollback_alarms,
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
from devops_workbook.artifacts.terraform.aws.hours import CLOSING, OPENING, WHY
from devops_workbook.artifacts.terraform.aws.instances import metadata, newest_image, root_disk, tagged
from devops_workbook.artifacts.terraform.aws.placed import named
from devops_workbook.artifacts.terraform.aws.policies import allow, role, trust
from devops_workbook.artifacts.terraform.aws.reach import balanced
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template

__all__ = ["compute"]

_ARCHES = {"arm": "arm64", "x86": "x86_64"}


def compute(c: Scope) -> None:
    """The service of a site on machines of its own."""
    group = _group(c, _template(c))
    _scale(c, group)
    launched = Ref("aws_launch_template.service").arn
    may = [allow("ec2", "deploy", group.arn), allow("ec2", "describe"), allow("ec2", "template", launched)]
    released_by_pipeline(c, *may)
    m = c.module
    m.output("group_name", group.name, "The Auto Scaling group.", exported=True)
    m.output("image", c.image(), "The image that the machines run.", exported=True)
    m.output("role_arn", Ref("aws_iam_role.service").arn, "The machines' role.")


# --- what runs -------------------------------------------------------------------------------------------


def _template(c: Scope) -> Ref:
    m = c.module
    group = c.log_group(template("/ec2/", raw("var.name"), "-service"))
    statements = [*service_statements(c), *pulls(c), writes_logs(group), *session(c)]
    own = role(m, "service", "compute", named("service"), trust("ec2.amazonaws.com"), *statements,
               why="What the machines may do.", tags=c.tags("compute"))  # fmt: skip
    profile = m.resource("aws_iam_instance_profile", "service", "compute", name=named("service"), role=own.name,
                         tags=c.tags("compute"))  # fmt: skip
    arch = m.variable(
        "architecture",
        "string",
        "Processors of the machines.",
        c.arch().map(_ARCHES.__getitem__),
        checks=[('contains(["arm64", "x86_64"], var.architecture)', "Either arm64 or x86_64.")],
    )
    disk = round(c.b.catalog.assumptions["disk_gb_per_instance"].value or 50)
    return m.resource(
        "aws_launch_template",
        "service",
        "compute",
        why=c.b.why("infrastructure.compute"),
        name=named("service"),
        image_id=newest_image(arch),
        instance_type=c.sku(),
        update_default_version=True,
        ebs_optimized=True,
        user_data=call("base64encode", call("join", "\n", _start(c, group))),
        vpc_security_group_ids=[c.security_group("compute")],
        iam_instance_profile=Nested(arn=profile.arn),
        metadata_options=metadata(),
        monitoring=Nested(enabled=True),
        block_device_mappings=root_disk(disk, c.key("files")),
        tag_specifications=tagged(m, {**c.tags("compute"), "Name": named("service")}),
        tags=c.tags("compute"),
    )


def _start(c: Scope, group: Ref) -> Sequence[Any]:
    """What a machine does when it starts: run the image, told of its surroundings, its log sent away."""
    image = c.image()
    host = raw(f'split("/", {image})[0]')
    told = [template(f"{name}=", value) for name, value in sorted(c.environment().items())]
    login: list[Any] = []
    if c.b.has("registry"):
        login = [template("aws ecr get-login-password --region ", c.region(),
                          " | docker login --username AWS --password-stdin ", host)]  # fmt: skip
    run = [
        "docker run --detach --name service --restart always --read-only --user 10001 --env-file /etc/service.env",
        "--network host --log-driver awslogs", "--log-opt awslogs-group=",
    ]  # fmt: skip
    return [
        "#!/bin/bash", "set -euo pipefail", "dnf install --assumeyes docker", "systemctl enable --now docker",
        "cat > /etc/service.env <<'END'", *told, "END", *login, template(" ".join(run), group.name, " ", image),
    ]  # fmt: skip


def _group(c: Scope, launched: Ref) -> Ref:
    m = c.module
    front: Mapping[str, Any] = {"health_check_type": "EC2"}
    if balanced(c.b):
        target = m.variable("target_group_arn", "string", "Where machines register to be reached.",
                            c.edge.wire("target_group_arn"))  # fmt: skip
        front = {"target_group_arns": [target], "health_check_type": "ELB"}
    seconds = int(c.b.provider.facts["instance_start_seconds"].value or 180)
    told = "Scaling and the calendar change these; Terraform leaves them alone."
    return m.resource(
        "aws_autoscaling_group", "service", "compute", why=c.b.why("scaling.capacity"), name=named("service"),
        min_size=c.floor(), max_size=c.ceiling(), vpc_zone_identifier=c.subnets(), **front,
        health_check_grace_period=Noted(seconds, "A machine starts within this time."), default_instance_warmup=seconds,
        enabled_metrics=["GroupDesiredCapacity", "GroupInServiceInstances", "GroupMaxSize"],
        wait_for_capacity_timeout="0", **_launched(c, launched), instance_refresh=_refresh(c),
        tag=[Nested(key="component", value=c.tags("compute")["component"], propagate_at_launch=False)],
        lifecycle=Nested(ignore_changes=Noted([raw("desired_capacity"), *_moving(c)], told)),
    )  # fmt: skip


def _moving(c: Scope) -> list[Ref]:
    calendar = by_calendar(c) or rests(c) is not None
    return [raw("max_size"), raw("min_size")] if calendar else []


def _launched(c: Scope, launched: Ref) -> Mapping[str, Any]:
    version = launched.latest_version
    if c.b.choice("cost.resources") != "spot-mixed":
        return {"launch_template": Nested(id=launched.id, version=version)}
    told = "The floor that must not fail is on demand; what is above it may be interrupted."
    mixed = Nested(
        instances_distribution=Nested(
            on_demand_base_capacity=Noted(c.floor(), told),
            spot_allocation_strategy="price-capacity-optimized",
            on_demand_percentage_above_base_capacity=0,
        ),
        launch_template=Nested(launch_template_specification=Nested(launch_template_id=launched.id, version=version)),
    )
    return {"mixed_instances_policy": mixed}


_SHAPES: Mapping[str, tuple[int, Mapping[str, Any], str]] = {
    "canary": (125, {"checkpoint_percentages": [5, 25, 50, 100], "checkpoint_delay": 600},
               "A canary: 5, 25, 50 and then all machines, ten minutes apart."),
    "blue-green": (200, {"checkpoint_percentages": [50, 100], "checkpoint_delay": WATCH_MINUTES * 60},
                   "Blue-green: all new machines beside the old ones, which stay for an hour."),
    "rolling": (125, {}, "A quarter of the machines at a time, none unavailable."),
}  # fmt: skip


def _refresh(c: Scope) -> Nested:
    most, steps, why = _SHAPES[c.b.choice("cicd.deployment")]
    alarms = rollback_alarms(c)
    watched = {} if alarms is None else {"alarm_specification": Nested(alarms=alarms)}
    return Nested(
        strategy="Rolling",
        preferences=Nested(min_healthy_percentage=100, max_healthy_percentage=Noted(most, why), **steps,
                           auto_rollback=True, **watched),
    )  # fmt: skip


# --- growing and shrinking -------------------------------------------------------------------------------


def _scale(c: Scope, group: Ref) -> None:
    m = c.module
    body: dict[str, Any] = {"target_value": cpu_target(c), "predefined_metric_specification": Nested(
        predefined_metric_type="ASGAverageCPUUtilization")}  # fmt: skip
    if by_backlog(c):
        body = {"target_value": backlog_target(c), "customized_metric_specification": _backlog(c, group.name)}
    m.resource(
        "aws_autoscaling_policy", "service", "compute", file="scaling", why=c.b.why("scaling.autoscaling"),
        name=named("target"), autoscaling_group_name=group.name, policy_type="TargetTrackingScaling",
        target_tracking_configuration=Nested(**body),
    )  # fmt: skip
    only = rests(c)
    if by_calendar(c):
        always = {} if only is None else {"count": raw(f"{only} ? 0 : 1")}
        action(
            c, group.name, "busy", BUSY_FROM, (floor_when_busy(c), c.ceiling()), c.b.why("scaling.autoscaling"), always
        )
        action(c, group.name, "quiet", BUSY_UNTIL, (c.floor(), c.ceiling()), "Back to the floor.", always)
    if only is not None:
        some = {"count": raw(f"{only} ? 1 : 0")}
        action(c, group.name, "open", OPENING, (c.floor(), c.ceiling()), WHY, some, desired=c.floor())
        action(c, group.name, "close", CLOSING, (0, 0), WHY, some, desired=0)


def action(
    c: Scope, group: Ref, name: str, cron: str, ends: tuple[Any, Any], why: str, count: Mapping[str, Any],
    desired: Any = -1,
) -> None:  # fmt: skip
    """A scheduled change of a group; desired: -1 leaves the number of machines to the limits."""
    c.module.resource(
        "aws_autoscaling_schedule",
        name,
        "compute",
        file="scaling",
        why=why,
        **count,
        scheduled_action_name=named(name),
        autoscaling_group_name=group,
        recurrence=cron,
        time_zone="Etc/UTC",
        min_size=ends[0],
        max_size=ends[1],
        desired_capacity=desired,
    )


def _backlog(c: Scope, group: Ref) -> Nested:
    queue = c.module.variable("intake_name", "string", c.data.outputs["intake_name"].description,
                              c.data.wire("intake_name"))  # fmt: skip
    running = Nested(metric_name="GroupInServiceInstances", namespace="AWS/AutoScaling",
                     dimensions=Nested(name="AutoScalingGroupName", value=group))  # fmt: skip
    return Nested(metrics=backlog_metrics(c, running, queue))
