"""Machines for the tools that the team runs itself: so many of them and so large as the plan says, without any public
address, each tool under an identity of its own and behind an address of its own.

What they run is configured by other parts of the repository. They exist in production alone and serve all environments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.azure.common import (
    Made,
    base,
    given,
    granted,
    group,
    location,
    module,
    security_groups,
    suffix,
    tags,
    taken,
    zones,
)
from devops_workbook.artifacts.terraform.azure.compute.machines import disk_key
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["tools", "tools_of", "vault"]

_ADMIN = "operator"
# What a role of one on the other is assigned on: the module that knows it, its output, and what that is.
_SCOPES = {
    ("collector", "traces"): ("logs", "insights_id", "Application Insights of this site."),
    ("collector", "logs"): ("logs", "insights_id", "Application Insights of this site."),
    ("collector", "metrics"): ("logs", "metrics_rule_id", "Rule by which metrics reach their workspace."),
    ("dashboards", "metrics"): ("logs", "metrics_id", "Workspace that keeps Prometheus metrics."),
    ("secrets", "keys"): ("security", "keys_vault_id", "Vault of the keys."),
}


def tools_of(b: Blueprint) -> list[str]:
    """The components of the first site that stand on machines of the team's own."""
    machines = (c for c in b.topology.components if c.service in b.catalog.tools and c.sku)
    return [c.id for c in machines if not c.id.endswith("-2")]


def tools(b: Blueprint, site: Site, made: Made) -> Module | None:
    """The machines of the tools at the first site but the vault's; None where all tools are somebody else's."""
    ids = [id for id in tools_of(b) if id != "secrets"]
    if not ids:
        return None
    title = "Tools: machines for what the team runs itself."
    return _machines(b, site, made, "tools", title, ids)


def vault(b: Blueprint, site: Site, made: Made) -> Module | None:
    """The machines of the team's own vault at a site; None where the provider keeps secrets."""
    if "secrets" not in tools_of(b):
        return None
    return _machines(b, site, made, "vault", "Vault: machines that keep the service's secrets.", ["secrets"])


def _machines(b: Blueprint, site: Site, made: Made, folder: str, title: str, ids: Sequence[str]) -> Module:
    about = (
        "Each tool is a scale set: its machines are spread over zones, and one that no longer answers is started again "
        "with its disk. Clients reach a tool under one address, which does not change.",
    )
    m = module(folder, title, about, b, site)
    m.present = b.each(lambda e: e.environment == "production" and site.region.id in e.regions)
    told = "The tools: size and number of their machines, disk for data, port, and edition of Ubuntu 24.04."
    kind = "map(object({ sku = string, count = number, disk_gb = number, port = number, image = string }))"
    check = (
        'alltrue([for t in var.machines : t.count > 0 && t.port > 0 && contains(["server", "server-arm64"], t.image)])',
        "Every tool needs a machine, a port, and server or server-arm64 as its image.",
    )
    here = {id: _machine(b, site.id(id)) for id in ids}
    machines = m.variable("machines", kind, told, here, why=b.why("observability.metrics"), checks=(check,))
    components = tuple(ids)
    identities = _identities(b, m, made, components, machines)
    pools = _balanced(m, made, components, machines, b)
    _scale_sets(b, m, made, components, machines, identities, pools)
    _roles(b, m, made, ids)
    addresses = "{ for f in azurerm_lb.this.frontend_ip_configuration : f.name => f.private_ip_address }"
    m.output("addresses", raw(addresses), "Address of each tool in the network.", exported=True)
    if "collector" in ids:
        m.output("collector_address", raw(f'({addresses})["collector"]'), "Address of the OpenTelemetry collector.")
    if "metrics" in ids:
        m.output(
            "metrics_principal_id", Ref(f'{identities}["metrics"]').principal_id, "Identity of the metrics server."
        )
    return m


def _machine(b: Blueprint, here: str) -> dict[str, Any]:
    component = b.component(here)
    ports = [x.port for x in b.incoming(here)] or [443]
    disk = (component.usage.get("disk_gb") or 0.0) / component.count
    arm = b.provider.instances[component.sku].arch == "arm"
    return {
        "sku": component.sku, "count": component.count, "disk_gb": math.ceil(disk), "port": ports[0],
        "image": "server-arm64" if arm else "server",
    }  # fmt: skip


def _each(m: Module, what: str) -> Any:
    """The name of one tool's resource: at most 21 characters of prefix, what it is, and the tool."""
    return raw(f'"${{var.name}}-${{each.key}}{what}${{{suffix(m)}}}"')


def _tagged(m: Module) -> Any:
    tags(m, "collector")  # declares the variable
    return raw(f'merge(var.tags, {{ component = "${{each.key}}${{{suffix(m)}}}" }})')


def _identities(b: Blueprint, m: Module, made: Made, components: tuple[str, ...], machines: Ref) -> Ref:
    base(m, made, "tools")  # declares name, region and group
    return m.resource(
        "azurerm_user_assigned_identity", "tool", components, why=b.why("security.access"), for_each=machines,
        name=_each(m, ""), location=location(m), resource_group_name=group(m, made), tags=_tagged(m),
    )  # fmt: skip


def _balanced(m: Module, made: Made, components: tuple[str, ...], machines: Ref, b: Blueprint) -> Ref:
    """One address for each tool, on one load balancer inside the network."""
    subnet = taken(m, made, "network", "tools_subnet_id", "string", "Subnet of tools.")
    front = Nested(
        name=raw("frontend_ip_configuration.key"), subnet_id=subnet, private_ip_address_allocation="Dynamic",
        zones=zones(m, b),
    )  # fmt: skip
    balancer = m.resource(
        "azurerm_lb", "this", components, **base(m, made, m.folder), sku="Standard",
        dynamic=Nested("frontend_ip_configuration", for_each=machines, content=front), tags=raw("var.tags"),
    )  # fmt: skip
    pool = m.resource("azurerm_lb_backend_address_pool", "tool", components, for_each=machines, name=raw("each.key"),
                      loadbalancer_id=balancer.id)  # fmt: skip
    probe = m.resource(
        "azurerm_lb_probe", "tool", components, for_each=machines, name=raw("each.key"), loadbalancer_id=balancer.id,
        protocol="Tcp", port=raw("each.value.port"), interval_in_seconds=5, number_of_probes=2,
    )  # fmt: skip
    m.resource(
        "azurerm_lb_rule", "tool", components, for_each=machines, name=raw("each.key"), loadbalancer_id=balancer.id,
        protocol="Tcp", frontend_port=raw("each.value.port"), backend_port=raw("each.value.port"),
        frontend_ip_configuration_name=raw("each.key"), backend_address_pool_ids=[raw(f"{pool}[each.key].id")],
        probe_id=raw(f"{probe}[each.key].id"), tcp_reset_enabled=True,
        disable_outbound_snat=Noted(True, "Machines go out through the NAT gateway alone."),
    )  # fmt: skip
    return pool


def _scale_sets(b: Blueprint, m: Module, made: Made, components: tuple[str, ...], machines: Ref, identities: Ref,
                pools: Ref) -> None:  # fmt: skip
    told = "Public key for the administrator of the machines; nobody logs in with it in daily work."
    key = given(m, "ssh_public_key", "string", told, raw("var.ssh_public_key"))
    value = raw("each.value")
    nic = Nested(name="tool", primary=True, ip_configuration=Nested(
        name="tool", primary=True, subnet_id=raw("var.tools_subnet_id"),
        load_balancer_backend_address_pool_ids=[raw(f"{pools}[each.key].id")],
        application_security_group_ids=[raw(f"{security_groups(m, made)}[each.key]")]))  # fmt: skip
    health: dict[str, Any] = {"protocol": "tcp", "port": value.port}
    m.resource(
        "azurerm_linux_virtual_machine_scale_set", "tool", components, for_each=machines, name=_each(m, ""),
        location=location(m), resource_group_name=group(m, made), sku=value.sku, instances=value.count,
        zones=zones(m, b), zone_balance=raw(f"length({zones(m, b)}) > 1 && each.value.count >= length({zones(m, b)})"),
        single_placement_group=False, overprovision=False, computer_name_prefix=raw("each.key"), admin_username=_ADMIN,
        disable_password_authentication=True, admin_ssh_key=Nested(username=_ADMIN, public_key=key),
        encryption_at_host_enabled=True, secure_boot_enabled=True, vtpm_enabled=True,
        upgrade_mode=Noted("Manual", "A tool that keeps data is renewed one machine at a time, by its own runbook."),
        automatic_instance_repair=Nested(
            enabled=True, grace_period="PT10M", action=Noted("Restart", "A new machine would come without the data.")),
        identity=Nested(type="UserAssigned", identity_ids=[raw(f"{identities}[each.key].id")]),
        source_image_reference=Nested(publisher="Canonical", offer="ubuntu-24_04-lts", sku=value.image,
        version="latest"),
        os_disk=Nested(caching="ReadWrite", storage_account_type="Premium_LRS", **disk_key(b, m, made)),
        data_disk=Nested(lun=0, caching="None", storage_account_type="Premium_LRS", disk_size_gb=value.disk_gb,
                         create_option="Empty", **disk_key(b, m, made)),
        network_interface=nic,
        extension=Nested(name="health", publisher="Microsoft.ManagedServices", type="ApplicationHealthLinux",
                         type_handler_version="2.0", auto_upgrade_minor_version=True,
                         settings=call("jsonencode", health)),
        boot_diagnostics=Nested(), tags=_tagged(m),
    )  # fmt: skip


def _roles(b: Blueprint, m: Module, made: Made, ids: Sequence[str]) -> None:
    """What connections of a tool ask for. A service that has no role of its own in the facts asks for none."""
    for (id, target), (folder, output, told) in _SCOPES.items():
        for role, label in granted(b, id, target) if id in ids else ():
            m.resource(
                "azurerm_role_assignment", f"{id}_{target}", id, why=f"Connection {id} and {target}: {label}.",
                scope=_scope(taken(m, made, folder, output, "string", told), target), role_definition_name=role,
                principal_id=raw(f'azurerm_user_assigned_identity.tool["{id}"].principal_id'),
                principal_type="ServicePrincipal",
            )  # fmt: skip


def _scope(found: Ref, target: str) -> Any:
    """Of the keys a tool may use one, that which is named after it."""
    return template(found, "/keys/secrets") if target == "keys" else found
