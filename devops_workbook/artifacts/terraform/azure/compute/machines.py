"""A scale set of virtual machines behind one address: replaced when they are unwell, renewed in batches."""

from __future__ import annotations

import ipaddress
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import (
    CLOSING,
    OPENING,
    WEEKDAYS,
    Made,
    base,
    given,
    keyed,
    security_groups,
    served_by,
    sized,
    tags,
    taken,
    zones,
)
from devops_workbook.artifacts.terraform.azure.compute.access import settings
from devops_workbook.artifacts.terraform.azure.compute.scaling import (
    BUSY_FROM,
    BUSY_UNTIL,
    backlog,
    busy_floor,
    by_backlog,
    by_calendar,
    ceiling,
    cpu_target,
    floor,
    rests,
    sleeps,
)
from devops_workbook.artifacts.terraform.azure.layout import part
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["address", "cloud_config", "disk_key", "image", "machines"]

_PORT = 8443
_ADMIN = "operator"


def machines(b: Blueprint, m: Module, made: Made, identity: Ref) -> None:
    """Writes load balancer, scale set and scaling into the compute module."""
    body = {} if b.has("intake") else _balanced(b, m, made)
    group = _scale_set(b, m, made, identity, body)
    _scaled(b, m, made, group)
    m.output("compute_id", group.id, "The scale set.")
    m.output("compute_name", group.name, "Name of the scale set.", exported=True)
    m.output("image", raw("var.image"), "Image that the machines run.", exported=True)


# --- the address -----------------------------------------------------------------------------------------


def address(b: Blueprint, m: Module) -> Ref:
    """The last address of the application subnet, which the load balancer of the service has."""
    assert m.site
    region = m.site.region.id

    def last(environment: str) -> str:
        return str(ipaddress.ip_network(part(b, environment, region, "app"))[-2])

    check = ('can(cidrhost("${var.address}/32", 0))', "address must be an IPv4 address.")
    told = "Address of the service in the network: the last one of the application subnet."
    return m.variable("address", "string", told, b.at(m.site, lambda e: last(e.environment)), checks=(check,))


def _balanced(b: Blueprint, m: Module, made: Made) -> dict[str, Any]:
    """An internal load balancer: one address for all machines, which the entry can know before there are any."""
    subnets = taken(m, made, "network", "app_subnet_ids", "list(string)", "Subnets of the application.")
    front = {"name": "service", "subnet_id": subnets[0], "private_ip_address": address(b, m)}
    balancer = m.resource(
        "azurerm_lb", "this", "compute",
        why="One address for all machines, which the entry can know before there are any.",
        **base(m, made, "service"), sku="Standard",
        frontend_ip_configuration=Nested(**front, private_ip_address_allocation="Static", zones=zones(m, b)),
        tags=tags(m, "compute"),
    )  # fmt: skip
    pool = m.resource(
        "azurerm_lb_backend_address_pool", "this", "compute", name="machines", loadbalancer_id=balancer.id
    )
    probe = m.resource(
        "azurerm_lb_probe", "this", "compute", name="health", loadbalancer_id=balancer.id, protocol="Https",
        port=_PORT,
        request_path="/health", interval_in_seconds=5, number_of_probes=2,
    )  # fmt: skip
    m.resource(
        "azurerm_lb_rule", "this", "compute", why="Connection entry and compute: HTTPS.", name="https",
        loadbalancer_id=balancer.id, protocol="Tcp", frontend_port=_PORT, backend_port=_PORT,
        frontend_ip_configuration_name="service", backend_address_pool_ids=[pool.id], probe_id=probe.id,
        disable_outbound_snat=Noted(True, "Machines go out through the NAT gateway alone."), tcp_reset_enabled=True,
    )  # fmt: skip
    m.output("backend_address", raw("var.address"), "Host that the entry sends requests to.")
    m.output("backend_port", _PORT, "Port of that host.")
    rule = raw("azurerm_lb_rule.this")
    return {"pool": pool, "probe": probe, "rule": rule}


# --- machines --------------------------------------------------------------------------------------------


def _scale_set(b: Blueprint, m: Module, made: Made, identity: Ref, balanced: dict[str, Any]) -> Ref:
    subnets = taken(m, made, "network", "app_subnet_ids", "list(string)", "Subnets of the application.")
    sku = sized(m, b, "compute", "sku", "string", "Size of the machines.", lambda s: s.sku, b.why("scaling.capacity"))
    told = "Public key for the administrator of the machines; nobody logs in with it in daily work."
    key = given(m, "ssh_public_key", "string", told, raw("var.ssh_public_key"))
    pools = {"load_balancer_backend_address_pool_ids": [balanced["pool"].id]} if balanced else {}
    body: dict[str, Any] = {}
    if balanced:
        body["health_probe_id"] = balanced["probe"].id
        body["depends_on"] = [balanced["rule"]]
    else:
        body["extension"] = _health()
    return m.resource(
        "azurerm_linux_virtual_machine_scale_set", "this", "compute", file="machines",
        why=b.why("infrastructure.compute"),
        **base(m, made, "service"), sku=sku, instances=floor(b, m), zones=zones(m, b),
        zone_balance=raw(f"length({zones(m, b)}) > 1"),        single_placement_group=False, overprovision=False,
        computer_name_prefix="service", admin_username=_ADMIN,
        disable_password_authentication=True, admin_ssh_key=Nested(username=_ADMIN, public_key=key),
        encryption_at_host_enabled=True, secure_boot_enabled=True, vtpm_enabled=True,
        upgrade_mode=Noted("Rolling", b.why("cicd.deployment")),
        rolling_upgrade_policy=_rolling(b), automatic_instance_repair=Nested(enabled=True, grace_period="PT10M"),
        identity=Nested(type="UserAssigned", identity_ids=[identity.id]),
        custom_data=_start(b, m, made, identity), source_image_reference=image(b, m, "compute"),
        os_disk=Nested(caching="ReadWrite", storage_account_type="Premium_LRS", **disk_key(b, m, made)),
        network_interface=Nested(name="service", primary=True, ip_configuration=Nested(
            name="service", primary=True, subnet_id=subnets[0], **pools,
            application_security_group_ids=[security_groups(m, made)["compute"]])),
        boot_diagnostics=Nested(), **body, tags=tags(m, "compute"),
        lifecycle=Nested(ignore_changes=[Noted(raw("instances"), "Autoscaling sets the number of machines.")]),
    )  # fmt: skip


def _health() -> Nested:
    """A worker has no address to probe; the machine asks its own worker."""
    return Nested(
        name="health", publisher="Microsoft.ManagedServices", type="ApplicationHealthLinux", type_handler_version="2.0",
        auto_upgrade_minor_version=True,
        settings=call("jsonencode", {"protocol": "https", "port": _PORT, "requestPath": "/health"}),
    )  # fmt: skip


def _rolling(b: Blueprint) -> Nested:
    share = round(100.0 * (b.catalog.assumptions["rollout_surge_share"].value or 0.2))
    return Nested(
        max_batch_instance_percent=Noted(share, "As many at once as the address plan leaves room for."),
        max_unhealthy_instance_percent=share, max_unhealthy_upgraded_instance_percent=share,
        pause_time_between_batches="PT1M",
    )  # fmt: skip


def disk_key(b: Blueprint, m: Module, made: Made) -> dict[str, Any]:
    """The team's key for disks, where it has its own."""
    if not keyed(b):
        return {}
    told = "Set of keys that disks are encrypted with."
    return {"disk_encryption_set_id": taken(m, made, "security", "disk_encryption_set_id", "string", told)}


def image(b: Blueprint, m: Module, component: str) -> Nested:
    """Ubuntu for the processors of the size that each environment has."""
    arm = {sku: i.arch == "arm" for sku, i in b.provider.instances.items()}
    told = "Edition of Ubuntu 24.04 for the processors of the machines."
    edition = sized(m, b, component, f"{component.replace('-', '_')}_image", "string", told,
                    lambda s: "server-arm64" if arm.get(s.sku) else "server")  # fmt: skip
    return Nested(publisher="Canonical", offer="ubuntu-24_04-lts", sku=edition, version="latest")


def cloud_config(content: dict[str, Any]) -> Any:
    """What a machine does when it starts, for custom_data. JSON is YAML, so the configuration is data to the end."""
    return call("base64encode", call("join", "\n", ["#cloud-config", call("jsonencode", content)]))


def _start(b: Blueprint, m: Module, made: Made, identity: Ref) -> Any:
    """Runs the service's image; where the registry is Azure's, with a token of the machine's identity."""
    service = given(m, "image", "string", "Image of the service, with its tag.", raw("local.image"))
    lines = [raw(f'"{key}=${{{value}}}"') if isinstance(value, Ref) else f"{key}={value}"
             for key, value in _plain(settings(b, m, made, identity)).items()]  # fmt: skip
    files = [
        {"path": "/etc/service.env", "permissions": "0600", "content": call("join", "\n", lines)},
        {
            "path": "/usr/local/bin/start-service",
            "permissions": "0755",
            "content": call("join", "\n", _script(b, m, service)),
        },
    ]
    return cloud_config({
        "package_update": True, "packages": ["docker.io", "jq"], "write_files": files,
        "runcmd": [["/usr/local/bin/start-service"]],
    })  # fmt: skip


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    """Expressions in brackets, so that they stand within a string."""
    return {key: raw(f"({value})") if " ? " in str(value) else value for key, value in found.items()}


def _script(b: Blueprint, m: Module, service: Ref) -> list[Any]:
    network = "docker run --detach --restart always --network host --env-file /etc/service.env"
    run = template(f"{network} --name service ", service)
    if not b.has("registry"):
        return ["#!/bin/sh", "set -eu", run]
    server = given(m, "registry_server", "string", "Host of the registry.", raw("local.registry_server"))
    metadata = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
    audience = "https%3A%2F%2Fmanagement.azure.com%2F"
    client = Ref("azurerm_user_assigned_identity.workload").client_id
    return [
        "#!/bin/sh", "set -eu",
        template(f"token=$(curl -sf -H Metadata:true '{metadata}&resource={audience}&client_id=", client,
                 "' | jq -r .access_token)"),
        template("refresh=$(curl -sf -d \"grant_type=access_token&service=", server, "&access_token=$token\" https://",
                 server, "/oauth2/exchange | jq -r .refresh_token)"),
        template("echo \"$refresh\" | docker login ", server,
        " -u 00000000-0000-0000-0000-000000000000 --password-stdin"),
        run,
    ]  # fmt: skip


# --- scaling ---------------------------------------------------------------------------------------------


def _scaled(b: Blueprint, m: Module, made: Made, group: Ref) -> None:
    """A profile for always, and those of the calendar: busy hours, or hours in which an environment rests."""
    rules = _rules(b, m, made, group)
    least, most = floor(b, m), ceiling(b, m)
    always = Nested(name="always", capacity=Nested(default=least, minimum=least, maximum=most), rule=rules)
    m.resource(
        "azurerm_monitor_autoscale_setting", "this", "compute", file="scaling", why=b.why("scaling.autoscaling"),
        **base(m, made, "service"), target_resource_id=group.id, profile=always, **_calendar(b, m, rules),
        tags=tags(m, "compute"),
    )  # fmt: skip


def _calendar(b: Blueprint, m: Module, rules: list[Any]) -> dict[str, Any]:
    """Profiles that begin at an hour of working days, UTC; Azure keeps to the one that began last."""
    least, most = str(floor(b, m)), str(ceiling(b, m))
    busy, why = "[]", b.why("cost.efficiency")
    if by_calendar(b):
        hours = [("busy", *BUSY_FROM, str(busy_floor(b, m)), most), ("quiet", *BUSY_UNTIL, least, most)]
        busy, why = _listed(hours), b.why("scaling.autoscaling")
    if not by_calendar(b) and not sleeps(b):
        return {}
    chosen = busy
    if sleeps(b):
        hours = [("working-hours", OPENING, 0, least, most), ("night", CLOSING, 0, "0", "0")]
        chosen = f"{rests(b, m)} ? {_listed(hours)} : {busy}"
    each = m.local("calendar", raw(chosen))
    entry = raw("profile.value")
    content = Nested(
        name=entry.name, rule=rules,
        capacity=Nested(default=entry.minimum, minimum=entry.minimum, maximum=entry.maximum),
        recurrence=Nested(timezone="UTC", days=WEEKDAYS, hours=[entry.hour], minutes=[entry.minute]),
    )  # fmt: skip
    return {"dynamic": Noted(Nested("profile", for_each=each, content=content), why)}


def _listed(hours: list[tuple[str, int, int, str, str]]) -> str:
    entries = (
        f'{{ name = "{name}", hour = {hour}, minute = {minute}, minimum = {low}, maximum = {high} }}'
        for name, hour, minute, low, high in hours
    )
    return f"[{', '.join(entries)}]"


def _rules(b: Blueprint, m: Module, made: Made, group: Ref) -> list[Any]:
    if by_backlog(b) and served_by(b, "intake", "service-bus"):
        return _by_waiting(b, m, made)
    high = cpu_target(b)
    low = round(high / 2)
    use = {
        "metric_name": "Percentage CPU",
        "metric_resource_id": group.id,
        "metric_namespace": "microsoft.compute/virtualmachinescalesets",
    }
    return [
        Noted(_rule(use, "GreaterThan", high, "PT5M", "Increase", "50", "PT2M"), b.why("scaling.capacity")),
        Noted(_rule(use, "LessThan", low, "PT10M", "Decrease", "20", "PT10M"),
              "After ten quiet minutes, at half the target, so that what is left stays below it."),
    ]  # fmt: skip


def _rule(use: dict[str, Any], operator: str, threshold: Any, window: str, direction: str, percent: str,
          cooldown: str, **more: Any) -> Nested:  # fmt: skip
    return Nested(
        metric_trigger=Nested(**use, time_grain="PT1M", statistic="Average", time_window=window,
        time_aggregation="Average",
                              operator=operator, threshold=threshold, **more),
        scale_action=Nested(direction=direction, type="PercentChangeCount", value=percent, cooldown=cooldown),
    )  # fmt: skip


def _by_waiting(b: Blueprint, m: Module, made: Made) -> list[Any]:
    """By messages that wait for each machine."""
    queue = taken(m, made, "data", "intake_name", "string", "Name of the queue or stream.")
    use = {
        "metric_name": "ActiveMessages", "metric_namespace": "microsoft.servicebus/namespaces",
        "metric_resource_id": taken(m, made, "data", "intake_namespace_id", "string", "Namespace of the queue."),
        "dimensions": Nested(name="EntityName", operator="Equals", values=[queue]), "divide_by_instance_count": True,
    }  # fmt: skip
    most = backlog(b)
    return [
        Noted(_rule(use, "GreaterThan", most.value, "PT5M", "Increase", "100", "PT2M"), most.why),
        _rule(use, "LessThan", max(0, round(int(str(most.value)) / 2)), "PT10M", "Decrease", "20", "PT10M"),
    ]  # fmt: skip
