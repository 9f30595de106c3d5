"""Container Apps: an environment inside the network, and the service as revisions of one app.

The platform answers on port 443 with a certificate of its own and passes on to the container. Which revision gets how
much of the traffic the pipeline decides, so the code does not take it back.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import (
    CLOSING,
    OPENING,
    Made,
    base,
    diagnostics,
    given,
    group,
    named,
    sized,
    tags,
    taken,
)
from devops_workbook.artifacts.terraform.azure.compute.access import registry, settings
from devops_workbook.artifacts.terraform.azure.compute.scaling import (
    BUSY_FROM,
    BUSY_UNTIL,
    backlog,
    busy_floor,
    by_calendar,
    ceiling,
    cpu_target,
    floor,
    rests,
    sleeps,
)
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["apps"]

_MOST = 300  # replicas that the provider lets one ask for
_PORT = 8443  # of the container, as the design's connection from the entry says


def apps(b: Blueprint, m: Module, made: Made, identity: Ref) -> None:
    """Writes environment and app into the compute module."""
    environment = _environment(b, m, made)
    app = _app(b, m, made, identity, environment)
    m.output("compute_id", app.id, "The app.")
    m.output("compute_name", app.name, "Name of the app.", exported=True)
    if not b.has("intake"):
        m.output("backend_address", app.ingress[0].fqdn, "Host that the entry sends requests to.")
        m.output("backend_port", 443, "Port of that host.")


def _environment(b: Blueprint, m: Module, made: Made) -> Ref:
    subnets = taken(m, made, "network", "app_subnet_ids", "list(string)", "Subnets of the application.")
    told = "Whether replicas are spread over zones."
    zonal = sized(m, b, "compute", "zone_redundant", "bool", told, lambda s: s.zones > 1,
                  b.why("disaster_recovery.high_availability"))  # fmt: skip
    environment = m.resource(
        "azurerm_container_app_environment", "this", "compute", why=b.why("infrastructure.compute"),
        **base(m, made, "apps"), infrastructure_subnet_id=subnets[0], internal_load_balancer_enabled=True,
        zone_redundancy_enabled=zonal, logs_destination=Noted("azure-monitor", "By diagnostic setting, without a key."),
        mutual_tls_enabled=True,
        workload_profile=Nested(name="Consumption", workload_profile_type="Consumption"), tags=tags(m, "compute"),
    )  # fmt: skip
    diagnostics(m, b, made, "compute", "apps", environment.id)
    zone = m.resource(
        "azurerm_private_dns_zone", "apps", "compute",
        why="Names of the environment lead to its address in the network.",
        name=environment.default_domain, resource_group_name=group(m, made), tags=tags(m, "compute"),
    )  # fmt: skip
    ttl = round(b.catalog.assumptions["dns_ttl_seconds"].value or 60)
    m.resource(
        "azurerm_private_dns_a_record", "apps", "compute", name="*", zone_name=zone.name,
        resource_group_name=group(m, made), ttl=ttl, records=[environment.static_ip_address], tags=tags(m, "compute"),
    )  # fmt: skip
    network = taken(m, made, "network", "network_id", "string", "The virtual network.")
    m.resource(
        "azurerm_private_dns_zone_virtual_network_link", "apps", "compute", name="apps",
        private_dns_zone_name=zone.name,
        resource_group_name=group(m, made), virtual_network_id=network, tags=tags(m, "compute"),
    )  # fmt: skip
    return environment


def _app(b: Blueprint, m: Module, made: Made, identity: Ref, environment: Ref) -> Ref:
    body: dict[str, Any] = {}
    if pull := registry(b, m, identity):
        body["registry"] = pull
    if not b.has("intake"):
        body["ingress"] = _ingress()
    image = given(m, "image", "string", "Image of the service, with its tag.", raw("local.image"))
    # Images are pulled when the role on the registry is there.
    after: dict[str, Any] = {}
    if b.has("registry"):
        after["depends_on"] = [raw("azurerm_role_assignment.workload_registry")]
    return m.resource(
        "azurerm_container_app", "this", "compute", name=named(m, "app"), resource_group_name=group(m, made),
        container_app_environment_id=environment.id,
        revision_mode=Noted("Multiple", b.why("cicd.deployment")), workload_profile_name="Consumption",
        identity=Nested(type="UserAssigned", identity_ids=[identity.id]), **body,
        template=_template(b, m, made, identity, image), tags=tags(m, "compute"),
        **after,
        lifecycle=Nested(ignore_changes=[
            Noted(raw("template[0].container[0].image"),
            "The pipeline releases images and moves traffic between revisions."),
            *([] if b.has("intake") else [raw("ingress[0].traffic_weight")]),
        ]),
    )  # fmt: skip


def _ingress() -> Nested:
    return Nested(
        external_enabled=Noted(True, "Reachable from the network, which the environment does not leave."),
        target_port=_PORT, transport="auto", allow_insecure_connections=False,
        traffic_weight=Nested(latest_revision=True, percentage=100),
    )  # fmt: skip


def _template(b: Blueprint, m: Module, made: Made, identity: Ref, image: Ref) -> Nested:
    assert m.site
    size = b.environments[0].sizes[m.site.id("compute")]
    least: Any = floor(b, m)
    if sleeps(b):  # the floor of working hours is one of the rules then
        least = raw(f"{rests(b, m)} ? 0 : {least}")
    env = [Nested(name=key, value=value) for key, value in settings(b, m, made, identity).items()]
    return Nested(
        min_replicas=least, max_replicas=ceiling(b, m, most=_MOST),
        container=Nested(name="service", image=image, cpu=size.vcpu, memory=f"{size.memory_gib:g}Gi", env=env,
                         **({} if b.has("intake") else _probes())),
        **_rules(b, m, made), termination_grace_period_seconds=30,
    )  # fmt: skip


def _probes() -> dict[str, Any]:
    """Started within half a minute or so, ready when it answers, replaced when it no longer does."""
    probe = {"transport": "HTTPS", "port": _PORT, "path": "/health"}
    return {
        "startup_probe": Nested(**probe, interval_seconds=5, failure_count_threshold=30),
        "readiness_probe": Nested(**probe, interval_seconds=5, failure_count_threshold=3, success_count_threshold=1),
        "liveness_probe": Nested(**probe, interval_seconds=10, failure_count_threshold=3),
    }


# --- scaling ---------------------------------------------------------------------------------------------


def _rules(b: Blueprint, m: Module, made: Made) -> dict[str, Any]:
    """What adds replicas: work that waits, requests at once, processor use, the calendar. The largest answer counts."""
    custom = []
    if b.has("intake"):
        custom.append(_waiting(b, m, made))
    custom.append(_processor(b))
    if by_calendar(b):
        custom.append(_calendar("busy", BUSY_FROM, BUSY_UNTIL, busy_floor(b, m, _MOST), b.why("scaling.autoscaling")))
    rules: dict[str, Any] = {"custom_scale_rule": custom}
    if not b.has("intake"):
        rules["http_scale_rule"] = Nested(name="requests", concurrent_requests=_concurrent(b))
    if sleeps(b):
        open_hours = _calendar(
            "working-hours", (OPENING, 0), (CLOSING, 0), raw("var.minimum"), b.why("cost.efficiency")
        )
        resting = Nested("custom_scale_rule", for_each=raw("var.working_hours ? [1] : []"), content=open_hours.value)
        rules["dynamic"] = Noted(resting, open_hours.why)
    return rules


def _concurrent(b: Blueprint) -> Noted:
    """Requests at once for each replica, as text, as the platform wants it."""
    workers = b.assessment.capacity.workers_per_replica
    share = cpu_target(b) / 100.0
    return Noted(
        str(max(1, round(workers * share))), f"{share:.0%} of the {workers} requests that a replica serves at once."
    )


def _processor(b: Blueprint) -> Any:
    metadata = {"type": "Utilization", "value": str(cpu_target(b))}
    return Noted(Nested(name="processor", custom_rule_type="cpu", metadata=metadata), b.why("scaling.capacity"))


def _waiting(b: Blueprint, m: Module, made: Made) -> Any:
    """Work that waits. azurerm cannot say which identity reads the backlog; the pipeline does, with each release."""
    name = taken(m, made, "data", "intake_name", "string", "Name of the queue or stream.")
    why = (
        f"{backlog(b).why} The pipeline names the identity that reads it, since azurerm has no attribute for that yet."
    )
    namespace = raw('split(".", var.intake_endpoint)[0]')
    if b.component("intake").role == "stream":
        rule = Nested(
            name="backlog", custom_rule_type="azure-eventhub",
            metadata={"eventHubNamespace": namespace, "eventHubName": name, "consumerGroup": "workers",
                      "unprocessedEventThreshold": str(backlog(b).value), "checkpointStrategy": "blobMetadata"},
        )  # fmt: skip
        return Noted(rule, why)
    rule = Nested(
        name="backlog", custom_rule_type="azure-servicebus",
        metadata={"namespace": namespace, "queueName": name, "messageCount": str(backlog(b).value)},
    )  # fmt: skip
    return Noted(rule, why)


def _calendar(name: str, start: tuple[int, int], end: tuple[int, int], replicas: Ref, why: str) -> Noted:
    """A floor in certain hours, Monday to Friday, UTC."""
    metadata = {
        "timezone": "Etc/UTC", "start": f"{start[1]} {start[0]} * * 1-5", "end": f"{end[1]} {end[0]} * * 1-5",
        "desiredReplicas": raw(f"tostring({replicas})"),
    }  # fmt: skip
    return Noted(Nested(name=name, custom_rule_type="cron", metadata=metadata), why)
