"""Application Gateway v2: spread over zones, scaling by itself, with the firewall in it where the design has one.

The firewall stands here, behind the CDN, as the design draws and prices it. Behind Front Door the gateway takes
requests of that one profile alone.
"""

from __future__ import annotations

import math
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import (
    Made,
    base,
    diagnostics,
    group,
    location,
    tags,
    taken,
    zones,
)
from devops_workbook.artifacts.terraform.azure.edge.certificate import certificate, host, identity
from devops_workbook.artifacts.terraform.azure.layout import fronted, hidden, kind_of
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["entry"]

_MOST = 125  # instances of a gateway (MicrosoftDocs/azure-docs, application-gateway/configuration-infrastructure)
_UNITS = 10  # capacity units of an instance, likewise
_HOURS = 730
_POLICY = "AppGwSslPolicy20220101S"
_SHOWN = "certificate"


def entry(b: Blueprint, m: Module, made: Made, front: Module) -> None:
    """Writes the gateway into the edge module."""
    who = identity(m, made)
    names: list[Any] = [host(m)]
    if fronted(b):
        origin = m.variable("origin_host", "string", "Name that Front Door knows the entry by.", _origin(m))
        names.append(origin)
    shown = certificate(m, made, who, names)
    address = m.resource(
        "azurerm_public_ip", "entry", "entry", **base(m, made, "entry-ip"), allocation_method="Static", sku="Standard",
        zones=raw(f"length({zones(m, b)}) > 0 ? {zones(m, b)} : null"), tags=tags(m, "entry"),
        why="Azure manages a gateway over a public address; nothing listens on it." if hidden(b) else "",
    )  # fmt: skip
    firewall: dict[str, Any] = {"firewall_policy_id": _firewall(b, m, made, front).id} if b.has("waf") else {}
    built = m.resource(
        "azurerm_application_gateway",
        "this",
        "entry",
        why=b.why("scaling.load_balancing"),
        skips={} if b.has("waf") else _SKIPS,
        **base(m, made, "entry"),
        zones=zones(m, b),
        enable_http2=True,
        **firewall,
        sku=_sku(b),
        autoscale_configuration=_scale(b, m),
        identity=Nested(type="UserAssigned", identity_ids=[who.id]),
        ssl_policy=Nested(policy_type="Predefined", policy_name=_POLICY),
        gateway_ip_configuration=Nested(name="subnet", subnet_id=raw("var.public_subnet_ids[0]")),
        frontend_ip_configuration=_fronts(b, m, made, address),
        frontend_port=Nested(name="https", port=443),
        ssl_certificate=Nested(name=_SHOWN, key_vault_secret_id=shown.versionless_secret_id),
        http_listener=Nested(
            name="https",
            frontend_ip_configuration_name="private" if hidden(b) else "public",
            frontend_port_name="https",
            protocol="Https",
            ssl_certificate_name=_SHOWN,
            **({"host_names": names} if fronted(b) else {"host_name": names[0]}),
        ),
        **_behind(b, m, made, shown),
        request_routing_rule=Nested(
            name="all",
            priority=100,
            rule_type="Basic",
            http_listener_name="https",
            backend_address_pool_name="target",
            backend_http_settings_name="https",
        ),
        tags=tags(m, "entry"),
        depends_on=[raw("azurerm_role_assignment.certificate")],
    )
    diagnostics(m, b, made, "entry", "entry", built.id)
    m.output("entry_id", built.id, "The entry.")
    told = "Address that requests are sent to."
    m.output("entry_address", raw("local.private_address") if hidden(b) else address.ip_address, told, exported=True)
    if fronted(b):
        m.output("entry_host", raw("var.origin_host"), "Name that Front Door knows the entry by.")


def _origin(m: Module) -> Any:
    assert m.site
    return template(f"origin{m.site.suffix}.", raw("var.domain"))


_SKIPS = {"CKV_AZURE_120": "The plan has no web application firewall: security.network says why."}


def _sku(b: Blueprint) -> Any:
    kind = "WAF_v2" if b.has("waf") else "Standard_v2"
    return Noted(Nested(name=kind, tier=kind), b.why("security.network"))


def _scale(b: Blueprint, m: Module) -> Nested:
    """As many instances ready as the plan's capacity units need on average in production, none of them elsewhere."""
    assert m.site
    used = (b.component(m.site.id("entry")).usage.get("capacity_unit_hours") or 0.0) / _HOURS
    ready = b.at(m.site, lambda e: math.floor(used * e.traffic / _UNITS))
    told = "Instances that are always ready; the gateway adds more as load grows."
    least = m.variable("least_instances", "number", told, ready, why=b.why("scaling.load_balancing"),
                       checks=((f"var.least_instances >= 0 && var.least_instances <= {_MOST}",
                                f"least_instances must be from 0 to {_MOST}."),))  # fmt: skip
    return Nested(min_capacity=least, max_capacity=Noted(_MOST, "What the public subnet is planned for."))


def _fronts(b: Blueprint, m: Module, made: Made, address: Ref) -> list[Any]:
    subnets = taken(m, made, "network", "public_subnet_ids", "list(string)", "Subnets of the entry.")
    public = Nested(name="public", public_ip_address_id=address.id)
    if not hidden(b):
        return [public]
    cidr = taken(m, made, "network", "public_subnet_cidr", "string", "Addresses of the entry's subnet.")
    told = m.local("private_address", call("cidrhost", cidr, -2))
    return [
        public,
        Nested(name="private", subnet_id=subnets[0], private_ip_address_allocation="Static", private_ip_address=told),
    ]


# --- what is behind it -----------------------------------------------------------------------------------


def _behind(b: Blueprint, m: Module, made: Made, shown: Ref) -> dict[str, Any]:
    """Pool, settings and probe of what requests are sent to."""
    path, port, target = "/health", raw("var.backend_port"), _target(b, m, made)
    own = not b.has("intake") and kind_of(b) in ("kubernetes", "vms")
    if b.has("intake"):
        path, port = "/", 443  # type: ignore[assignment]
    pool = {"ip_addresses": [target]} if own else {"fqdns": [target]}
    named: dict[str, Any] = {"pick_host_name_from_backend_address": True}
    trust: dict[str, Any] = {}
    if own:
        named = {"host_name": host(m), "trusted_root_certificate_names": [_SHOWN]}
        trust = {
            "trusted_root_certificate": Noted(
                Nested(name=_SHOWN, key_vault_secret_id=shown.versionless_secret_id),
                "The service shows the certificate of the entry; one that nobody else signed is trusted by itself.",
            )
        }
    settings = Nested(
        name="https",
        port=port,
        protocol="Https",
        cookie_based_affinity="Disabled",
        request_timeout=_timeout(b),
        probe_name="health",
        **named,
        connection_draining=Nested(enabled=True, drain_timeout_sec=60),
    )
    probe = Nested(
        name="health",
        protocol="Https",
        path=path,
        pick_host_name_from_backend_http_settings=True,
        interval=10,
        timeout=5,
        unhealthy_threshold=3,
        match=Nested(status_code=["200-399"]),
    )
    return {
        "backend_address_pool": Nested(name="target", **pool),
        "backend_http_settings": settings,
        **trust,
        "probe": probe,
    }


def _target(b: Blueprint, m: Module, made: Made) -> Ref:
    if b.has("intake"):
        return taken(m, made, "data", "intake_endpoint", "string", "Host of the queue or stream that work is put into.")
    taken(m, made, "compute", "backend_port", "number", "Port that the service is reached at.")
    return taken(m, made, "compute", "backend_address", "string", "Where the service is reached.")


def _timeout(b: Blueprint) -> Any:
    seconds = max(5, math.ceil(b.requirements.p99_latency_ms * 10 / 1000))
    return Noted(seconds, f"Ten times the latency target of {b.requirements.p99_latency_ms:g} ms, in seconds.")


# --- firewall --------------------------------------------------------------------------------------------


def _firewall(b: Blueprint, m: Module, made: Made, front: Module) -> Ref:
    rules: dict[str, Any] = {}
    if fronted(b):
        door = m.variable(
            "front_door_id", "string", "Front Door profile whose requests are taken.", front.wire("front_door_id")
        )
        rules = {"custom_rules": Noted(
            Nested(
                name="OnlyOurFrontDoor", priority=1, rule_type="MatchRule", action="Block",
                match_conditions=Nested(
                    match_variables=Nested(variable_name="RequestHeaders", selector="X-Azure-FDID"), operator="Equal",
                    negation_condition=True, match_values=[door])),
            "Every Front Door profile comes from the same addresses; ours names itself.")}  # fmt: skip
    return m.resource(
        "azurerm_web_application_firewall_policy", "this", "waf", why=b.why("security.network"),
        name=base(m, made, "waf")["name"], location=location(m), resource_group_name=group(m, made),
        policy_settings=Nested(enabled=True, mode="Prevention", request_body_check=True),
        **rules,
        managed_rules=Nested(managed_rule_set=[
            Nested(type="OWASP", version="3.2"), Nested(type="Microsoft_BotManagerRuleSet", version="1.1")]),
        tags=tags(m, "waf"),
    )  # fmt: skip
