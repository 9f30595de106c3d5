"""How a release reaches the compute: all at once, a canary first, or a quarter at a time, and back on an alarm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.terraform.aws.alarming import critical_alarms
from devops_workbook.artifacts.terraform.aws.compute.scope import Scope
from devops_workbook.artifacts.terraform.aws.placed import named
from devops_workbook.artifacts.terraform.aws.policies import allow, document, role, trust
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template

__all__ = ["WATCH_MINUTES", "by_codedeploy", "codedeploy", "passes", "released_by_pipeline", "rollback_alarms"]

WATCH_MINUTES = 60  # for which the old version stays ready after a blue-green switch
_STEP_MINUTES, _CANARY, _BATCH = 10, 5, 25  # per cent of the traffic: cicd.deployment
_STEPS = 3  # of ten minutes each, before a canary becomes the release
_KINDS = {"Lambda": "AWSCodeDeployRoleForLambda", "ECS": "AWSCodeDeployRoleForECS"}


def rollback_alarms(c: Scope) -> Ref | None:
    """The alarms that call a release back; None where AWS keeps no alarms."""
    names = critical_alarms(c.b, "entry", "compute")
    if not names:
        return None
    values = c.at(lambda e: names if e.alarmed else [])
    ids = c.module.variable("rollback_alarms", "list(string)", "Alarms that call a release back.", values)
    return raw(f'[for alarm in {ids} : "${{var.name}}-${{alarm}}"]')


def _routing(c: Scope) -> Mapping[str, Any] | None:
    """How traffic moves, None = at once."""
    strategy = c.b.choice("cicd.deployment")
    if strategy == "canary":
        told = f"CodeDeploy knows two steps: {_CANARY} % for as long as the plan's three steps take together, then all."
        step = Nested(interval=Noted(_STEPS * _STEP_MINUTES, told), percentage=_CANARY)
        return {"type": "TimeBasedCanary", "time_based_canary": step}
    if strategy == "rolling":
        return {"type": "TimeBasedLinear", "time_based_linear": Nested(interval=_STEP_MINUTES, percentage=_BATCH)}
    return None


def codedeploy(c: Scope, platform: str, **group: Any) -> None:
    """The CodeDeploy application by which the pipeline releases. group: what the platform's deployment group adds."""
    m = c.module
    made = role(
        m, "deployment", "compute", named("deployment"), trust("codedeploy.amazonaws.com"), file="release",
        tags=c.tags("compute"),
    )  # fmt: skip
    m.resource(
        "aws_iam_role_policy_attachment", "deployment", "compute", file="release", role=made.name,
        policy_arn=f"arn:aws:iam::aws:policy/{'service-role/' if platform == 'Lambda' else ''}{_KINDS[platform]}",
    )  # fmt: skip
    app = m.resource("aws_codedeploy_app", "this", "compute", file="release", name=named("service"),
                     compute_platform=platform, tags=c.tags("compute"))  # fmt: skip
    config: str | Ref = f"CodeDeployDefault.{platform}AllAtOnce"
    if routing := _routing(c):
        config = m.resource(
            "aws_codedeploy_deployment_config",
            "this",
            "compute",
            file="release",
            why=c.b.why("cicd.deployment"),
            deployment_config_name=named("release"),
            compute_platform=platform,
            traffic_routing_config=Nested(**routing),
        ).deployment_config_name
    alarms = rollback_alarms(c)
    watched: dict[str, Any] = {}
    events = ["DEPLOYMENT_FAILURE"]
    if alarms is not None:
        events.append("DEPLOYMENT_STOP_ON_ALARM")
        # An environment without alarms has none of it: what is off would be read back as missing, and planned for ever.
        some = raw("length(var.rollback_alarms) > 0 ? [1] : []")
        watched = {"dynamic": Nested("alarm_configuration", for_each=some, content=Nested(enabled=True, alarms=alarms))}
    deployed = m.resource(
        "aws_codedeploy_deployment_group", "this", "compute", file="release", why=c.b.why("cicd.deployment"),
        app_name=app.name, deployment_group_name="service", deployment_config_name=config, service_role_arn=made.arn,
        deployment_style=Nested(deployment_option="WITH_TRAFFIC_CONTROL", deployment_type="BLUE_GREEN"),
        auto_rollback_configuration=Nested(enabled=True, events=events), **watched, **group, tags=c.tags("compute"),
    )  # fmt: skip
    m.output("deployment_group", deployed.deployment_group_name, "The deployment group of the service.")
    m.output("deployment_app", app.name, "The application that releases are made of.")


def released_by_pipeline(c: Scope, *statements: Mapping[str, Any]) -> None:
    """Adds what a release of this site's compute needs to the role under which the pipeline deploys, and that it may
    look whether alarms ring."""
    alarms = template("arn:aws:cloudwatch:", c.region(), ":", c.account(), ":alarm:*")
    deployer = c.module.variable("deploy_role_name", "string", "The role under which the pipeline deploys.",
                                 c.identity.wire("deploy_role_name"))  # fmt: skip
    c.module.resource(
        "aws_iam_role_policy", "release", ("compute", "pipeline"), file="release", why="What the pipeline may do here.",
        name=named("release"), role=deployer, policy=document(*statements, allow("cloudwatch", "watch", alarms)),
    )  # fmt: skip


def passes(service: str, *roles: Ref) -> Mapping[str, Any]:
    """To hand roles to a service that works under them."""
    return allow("iam", "pass", [role.arn for role in roles], StringEquals={"iam:PassedToService": service})


def by_codedeploy(c: Scope) -> Mapping[str, Any]:
    """To release through the CodeDeploy application."""
    parts = ("arn:aws:codedeploy:", c.region(), ":", c.account(), ":deploymentconfig:*")
    app, group = Ref("aws_codedeploy_app.this").arn, Ref("aws_codedeploy_deployment_group.this").arn
    return allow("codedeploy", "deploy", [app, group, template(*parts)])
