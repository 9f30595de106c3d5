"""Compute Engine: a managed group of machines over the zones of a site, which grows with the load."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.clock import EVENING, MORNING, TIME_ZONE, Call, clock
from devops_workbook.artifacts.terraform.gcp.common import named, project, region, zones
from devops_workbook.artifacts.terraform.gcp.compute.environment import environment
from devops_workbook.artifacts.terraform.gcp.compute.identity import on_project, pulls
from devops_workbook.artifacts.terraform.gcp.compute.subscription import backlog, pulled
from devops_workbook.artifacts.terraform.gcp.edge import HEALTH_PATH
from devops_workbook.artifacts.terraform.gcp.machines import Machine, template_of
from devops_workbook.artifacts.terraform.gcp.parts import Parts, assumed, permission
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.design.sizing import HOURS_PER_MONTH

__all__ = ["vms"]

_COMPUTE = "infrastructure.compute"
_AUTOSCALING = "scaling.autoscaling"
_PORT = 8443
_PENDING = "pubsub.googleapis.com/subscription/num_undelivered_messages"


def vms(m: Module, b: Blueprint, site: Site, parts: Parts, data: Module, made: Ref) -> None:
    """The machines of a site."""
    if b.has("registry"):
        pulls(m, b, site, made.member)
    fact = permission("compute-engine", "machines")
    on_project(m, "machines", "compute", fact, made.member, fact["why"])
    environment(m, b, site, data, made)
    group = _group(m, b, site, _template(m, b, site, parts, made))
    queue = pulled(m, b, site, data, made) if b.has("intake") else None
    scaler = _scaler(m, b, site, group, queue)
    if not b.has("intake"):
        m.output("backend_groups", [group.instance_group], "What the load balancer sends requests to.")
    m.output("compute_name", group.name, "Name of the group of machines.", exported=True)
    m.output("image", raw("var.image"), "Image that the machines run.", exported=True)
    clock(m, b, site, "compute", _rest(m, site, group, scaler), "hours")


# --- machines --------------------------------------------------------------------------------------------


def _template(m: Module, b: Blueprint, site: Site, parts: Parts, made: Ref) -> Ref:
    gb = round(assumed(b, "disk_gb_per_instance"))
    m.variable("image", "string", "Image of the service.", raw("local.image"))
    start = {"user-data": call("join", "\n", _cloud_init())}
    return template_of(m, b, site, parts, Machine("compute", "vm", "machine", gb), made.email, start)


# What the code is told, a line each; in base64, so that whatever a value says it stays a value.
_SETTINGS = r'base64encode(join("\n", [for key, value in local.environment : "${key}=${value}"]))'


def _cloud_init() -> list[Any]:
    """What a machine does when it starts: pulls the image and runs it, and again when it ends."""
    return [
        "#cloud-config",
        "write_files:",
        "  - path: /etc/service.env",
        "    encoding: b64",
        template("    content: ", raw(_SETTINGS)),
        "  - path: /etc/systemd/system/service.service",
        "    content: |",
        "      [Unit]",
        "      Description=The service",
        "      Wants=docker.service network-online.target",
        "      After=docker.service network-online.target",
        "      [Service]",
        "      Environment=HOME=/home/service",
        template("      ExecStartPre=/usr/bin/docker-credential-gcr configure-docker --registries=",
                 raw('split("/", var.image)[0]')),
        template("      ExecStart=/usr/bin/docker run --rm --name service --network host --env-file /etc/service.env ",
                 raw("var.image")),
        "      ExecStop=/usr/bin/docker stop service",
        "      Restart=always",
        "runcmd:",
        "  - mkdir -p /home/service",
        "  - systemctl daemon-reload",
        "  - systemctl start service.service",
    ]  # fmt: skip


def _group(m: Module, b: Blueprint, site: Site, made: Ref) -> Ref:
    where = m.variable("zones", "list(string)", "Zones that machines stand in.", zones(b, site),
                       why=b.why("disaster_recovery.high_availability"),
                       checks=(("length(var.zones) > 0", "zones must name at least one."),))  # fmt: skip
    start = round(b.provider.facts["instance_start_seconds"].value or 0)
    probe = m.resource(
        "google_compute_health_check", "this", "compute", why="A machine that does not answer is replaced.",
        project=project(m), name=named(m, site, "machines"), check_interval_sec=10, timeout_sec=5,
        healthy_threshold=2, unhealthy_threshold=3,
        https_health_check=Nested(port=_PORT, request_path=HEALTH_PATH), log_config=Nested(enable=True),
    )  # fmt: skip
    return m.resource(
        "google_compute_region_instance_group_manager", "this", "compute", why=b.why(_COMPUTE), project=project(m),
        name=named(m, site, "machines"), region=region(m, site), base_instance_name=named(m, site, "vm"),
        distribution_policy_zones=where, distribution_policy_target_shape="EVEN",
        version=Nested(instance_template=made.self_link_unique),
        named_port=Nested(name="https", port=_PORT),
        auto_healing_policies=Nested(health_check=probe.id, initial_delay_sec=3 * start),
        update_policy=Nested(
            type="PROACTIVE", minimal_action="REPLACE", instance_redistribution_type="PROACTIVE",
            max_surge_fixed=Noted(raw(f"length({where})"), "One more in each zone while machines are replaced."),
            max_unavailable_fixed=0,
        ),
    )  # fmt: skip


# --- autoscaling -----------------------------------------------------------------------------------------


def _scaler(m: Module, b: Blueprint, site: Site, group: Ref, queue: Ref | None) -> Ref:
    component = site.id("compute")
    least = m.variable("minimum", "number", "Machines that always run.", b.sized(component, lambda s: s.minimum),
                       why=b.why(_AUTOSCALING),
                       checks=(("var.minimum >= 0", "minimum must not be negative."),))  # fmt: skip
    most = m.variable("maximum", "number", "Most machines that run.", b.sized(component, lambda s: max(1, s.maximum)),
                      why=b.why("scaling.capacity"),
                      checks=(("var.maximum >= 1", "maximum must be at least 1."),))  # fmt: skip
    return m.resource(
        "google_compute_region_autoscaler", "this", "compute", why=b.why(_AUTOSCALING), project=project(m),
        name=named(m, site, "machines"), region=region(m, site), target=group.id,
        autoscaling_policy=Nested(
            min_replicas=least, max_replicas=most,
            cooldown_period=round(b.provider.facts["instance_start_seconds"].value or 0), mode="ON",
            **_followed(b, queue), **_peaks(m, b, site),
        ),
        lifecycle=Nested(ignore_changes=Noted([raw("autoscaling_policy[0].mode")], _HOURS)),
    )  # fmt: skip


_HOURS = "Working hours switch it off in the evening and on in the morning."


def _followed(b: Blueprint, queue: Ref | None) -> Mapping[str, Any]:
    """What the number of machines follows: the backlog of each, or the use of their processors."""
    if queue is not None and b.choice(_AUTOSCALING) == "queue-depth":
        pending = template('resource.type = "pubsub_subscription" AND resource.labels.subscription_id = "',
                           queue.name, '"')  # fmt: skip
        each = Noted(backlog(b), "What one machine works off within the acceptable latency.")
        return {"metric": Nested(name=_PENDING, filter=pending, single_instance_assignment=each)}
    share = assumed(b, "target_cpu_utilisation")
    planned = b.choice(_AUTOSCALING) == "scheduled-target-tracking"
    return {"cpu_utilization": Nested(target=share, predictive_method="OPTIMIZE_AVAILABILITY" if planned else "NONE")}


_PEAKS = "map(object({ schedule = string, seconds = number, machines = number }))"


def _peaks(m: Module, b: Blueprint, site: Site) -> Mapping[str, Any]:
    """The calendar: before known peaks the floor is raised, half an hour early and until an hour after."""
    if b.choice(_AUTOSCALING) != "scheduled-target-tracking":
        return {}
    usual = math.ceil((b.component("compute").usage.get("instance_hours") or 0.0) / HOURS_PER_MONTH)
    day = {"working-day": {"schedule": "30 6 * * 1-5", "seconds": 48600, "machines": usual}}
    value = b.at(site, lambda e: day if e.environment == "production" and not site.suffix else {})
    peaks = m.variable("peaks", _PEAKS, "Known peaks: a cron schedule, how long, and the machines that then run.",
                       value, why="Until eight weeks of traffic say more: working days, at the machines of an average "
                                  "hour, from half an hour before to an hour after.",
                       checks=(("alltrue([for peak in var.peaks : peak.seconds >= 300])",
                                "peaks must last at least 300 seconds."),))  # fmt: skip
    return {"dynamic": Nested("scaling_schedules", for_each=peaks, content=Nested(
        name=raw("scaling_schedules.key"), schedule=raw("scaling_schedules.value.schedule"), time_zone=TIME_ZONE,
        duration_sec=raw("scaling_schedules.value.seconds"),
        min_required_replicas=raw("scaling_schedules.value.machines"),
    ))}  # fmt: skip


# --- working hours ---------------------------------------------------------------------------------------


def _rest(m: Module, site: Site, group: Ref, scaler: Ref) -> list[Call]:
    """In the evening the autoscaler is switched off and the group emptied; switched on, it fills the group again."""
    base = ("https://compute.googleapis.com/compute/v1/projects/", project(m), "/regions/", region(m, site))
    mode = template(*base, "/autoscalers?autoscaler=", scaler.name)
    size = template(*base, "/instanceGroupManagers/", group.name, "/resize?size=0")
    later = EVENING.replace("0 ", "5 ", 1)
    return [
        Call("hold", EVENING, "PATCH", mode, {"autoscalingPolicy": {"mode": "OFF"}}),
        Call("stop", later, "POST", size, {}),
        Call("start", MORNING, "PATCH", mode, {"autoscalingPolicy": {"mode": "ON"}}),
    ]
