"""Cloud Run: the service's containers, or its functions, which are the same thing with other figures."""

from __future__ import annotations

import math
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Each, Site
from devops_workbook.artifacts.terraform.gcp.clock import EVENING, MORNING, Call, clock
from devops_workbook.artifacts.terraform.gcp.common import labels, named, production, project, region
from devops_workbook.artifacts.terraform.gcp.compute.environment import environment
from devops_workbook.artifacts.terraform.gcp.compute.identity import account, pulls, run_agent
from devops_workbook.artifacts.terraform.gcp.compute.subscription import subscription
from devops_workbook.artifacts.terraform.gcp.edge import HEALTH_PATH
from devops_workbook.artifacts.terraform.gcp.parts import Parts, assumed, encrypted, key
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["serverless"]

_COMPUTE = "infrastructure.compute"
_AUTOSCALING = "scaling.autoscaling"
_DEPLOYMENT = "cicd.deployment"
_PORT = 8080
_MOST_INSTANCES = 1000  # https://cloud.google.com/run/quotas (2026-11): more is asked of Google


def serverless(m: Module, b: Blueprint, site: Site, parts: Parts, data: Module, made: Ref) -> None:
    """The service of a site, and what sends it work."""
    pulls(m, b, site, run_agent(m))
    environment(m, b, site, data, made)
    service = _service(m, b, site, parts, made)
    if b.has("intake"):
        _pushed(m, b, site, data, service)
    else:
        _balanced(m, site, service)
    m.output("compute_name", service.name, "Name of the service.", exported=True)
    clock(m, b, site, "compute", _rest(b, service), "hours")


# --- service ---------------------------------------------------------------------------------------------


def _service(m: Module, b: Blueprint, site: Site, parts: Parts, made: Ref) -> Ref:
    queued = b.has("intake")
    ingress = "INGRESS_TRAFFIC_INTERNAL_ONLY" if queued else "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
    return m.resource(
        "google_cloud_run_v2_service", "this", "compute", why=b.why(_COMPUTE), project=project(m),
        name=named(m, site, "service"), location=region(m, site),
        ingress=ingress, deletion_protection=production(m, b),
        invoker_iam_disabled=False if queued else Noted(
            True, "The load balancer lets in whom it filters; nobody else can reach the service."
        ),
        labels=labels("compute", m, site),
        scaling=Nested(min_instance_count=_least(m, b, site)), template=_template(m, b, site, parts, made),
        traffic=Nested(type="TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", percent=100), lifecycle=_shifted(b),
    )  # fmt: skip


def _least(m: Module, b: Blueprint, site: Site) -> Ref:
    return m.variable("minimum", "number", "Instances that are always ready.", b.sized(site.id("compute"), _minimum),
                      why=b.why(_AUTOSCALING),
                      checks=(("var.minimum >= 0", "minimum must not be negative."),))  # fmt: skip


def _minimum(size: Any) -> int:
    return int(size.minimum)


def _shifted(b: Blueprint) -> Nested:
    told = f"{b.why(_DEPLOYMENT)} The pipeline moves traffic from revision to revision, and the schedule the floor."
    return Nested(ignore_changes=Noted([raw("traffic"), raw("scaling"), raw("client"), raw("client_version")], told))


def _template(m: Module, b: Blueprint, site: Site, parts: Parts, made: Ref) -> Nested:
    most = m.variable("maximum", "number", "Most instances that run.", _sized(b, site, "maximum"),
                      why=b.why("scaling.capacity"),
                      checks=((f"var.maximum >= 1 && var.maximum <= {_MOST_INSTANCES}",
                               f"maximum must be 1 to {_MOST_INSTANCES}."),))  # fmt: skip
    workers = b.assessment.capacity.workers_per_replica
    return Nested(
        service_account=made.email, execution_environment="EXECUTION_ENVIRONMENT_GEN2",
        timeout=f"{_timeout(b)}s",
        max_instance_request_concurrency=Noted(workers, "What keeps the processors of one instance busy."),
        labels=labels("compute", m, site),
        **encrypted("encryption_key", key(m, b, parts.security, "files")),
        scaling=Nested(max_instance_count=most),
        vpc_access=Nested(egress="ALL_TRAFFIC", network_interfaces=Nested(
            network=parts.network_id(m), subnetwork=parts.subnet(m, "app"), tags=[parts.tag(m, "compute")],
        )),
        containers=_container(m, b),
    )  # fmt: skip


def _timeout(b: Blueprint) -> int:
    """Seconds a request may take: ten times what hardly any does, within what the platform and users bear."""
    return min(3600, max(10, math.ceil(10 * b.requirements.p99_latency_ms / 1000)))


def _sized(b: Blueprint, site: Site, name: str) -> Each:
    return b.sized(site.id("compute"), lambda s: max(1, min(_MOST_INSTANCES, getattr(s, name))))


def _container(m: Module, b: Blueprint) -> Nested:
    image = m.variable("image", "string", "Image that runs.", raw("local.image"))
    cpu, gib = _cpu_and_memory(b)
    probe = Nested(path=HEALTH_PATH, port=_PORT)
    return Nested(
        image=image, ports=Nested(container_port=_PORT),
        resources=Nested(limits={"cpu": f"{cpu:g}", "memory": f"{round(gib * 1024)}Mi"}, cpu_idle=_billed_by_request(b),
                         startup_cpu_boost=True),
        dynamic=Nested("env", for_each=raw("local.environment"),
                       content=Nested(name=raw("env.key"), value=raw("env.value"))),
        startup_probe=Nested(period_seconds=5, failure_threshold=24, timeout_seconds=3, http_get=probe),
        liveness_probe=Nested(period_seconds=10, failure_threshold=3, timeout_seconds=3, http_get=probe),
    )  # fmt: skip


def _billed_by_request(b: Blueprint) -> bool:
    """Functions are paid for while they answer; containers as long as they run, as the bill has it."""
    return b.choice(_COMPUTE) == "functions"


def _cpu_and_memory(b: Blueprint) -> tuple[float, float]:
    """Processors and GiB of one instance, as they are billed."""
    size = b.environments[0].sizes["compute"]
    if not _billed_by_request(b):
        return size.vcpu, size.memory_gib
    usage = b.component("compute").usage
    seconds, gib_seconds = usage.get("vcpu_seconds") or 0.0, usage.get("gib_seconds") or 0.0
    share = seconds / gib_seconds * size.memory_gib if gib_seconds else assumed(b, "replica_vcpu")
    return max(1.0, round(share, 2)), size.memory_gib


# --- what sends it work ----------------------------------------------------------------------------------


def _balanced(m: Module, site: Site, service: Ref) -> None:
    group = m.resource(
        "google_compute_region_network_endpoint_group", "this", ("compute", "entry"),
        why="How the load balancer knows the service.", project=project(m), name=named(m, site, "service"),
        region=region(m, site), network_endpoint_type="SERVERLESS", cloud_run=Nested(service=service.name),
    )  # fmt: skip
    m.output("backend_groups", [group.id], "What the load balancer sends requests to.")


def _pushed(m: Module, b: Blueprint, site: Site, data: Module, service: Ref) -> None:
    """Pub/Sub calls the service with each message, under an identity that may call it and nothing else."""
    caller = account(m, site, "caller", ("intake", "compute"), "push", "Brings messages to the service", "subscription")
    m.resource(
        "google_cloud_run_v2_service_iam_member", "caller", ("intake", "compute"), file="subscription",
        why="intake to compute: work.", project=project(m), location=service.location, name=service.name,
        role="roles/run.invoker", member=caller.member,
    )  # fmt: skip
    token = Nested(service_account_email=caller.email, audience=service.uri)
    subscription(m, b, site, data, push_config=Nested(push_endpoint=service.uri, oidc_token=token))


# --- working hours ---------------------------------------------------------------------------------------


def _rest(b: Blueprint, service: Ref) -> list[Call]:
    """Outside working hours no instance is kept ready; one starts when somebody asks for it."""
    if not any(any(b.sized(place.id("compute"), _minimum).values.values()) for place in b.sites):
        return []
    return [_floor(service, "rest", EVENING, 0), _floor(service, "wake", MORNING, raw("var.minimum"))]


def _floor(service: Ref, id: str, when: str, count: Any) -> Call:
    uri = template("https://run.googleapis.com/v2/", service.id, "?updateMask=scaling.minInstanceCount")
    return Call(id, when, "PATCH", uri, {"scaling": {"minInstanceCount": count}})
