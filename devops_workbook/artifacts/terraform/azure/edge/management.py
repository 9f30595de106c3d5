"""API Management: takes each request, and passes it on to the service or puts it into the queue as a piece of work.

The plan is priced in the Consumption tier, which reaches nothing that is private. Where the service has no public
address, the tier is the least that reaches into a network.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import (
    NO_ENDPOINT,
    Made,
    diagnostics,
    given,
    granted,
    group,
    location,
    served_by,
    tags,
    taken,
    unique,
)
from devops_workbook.artifacts.terraform.azure.edge.certificate import certificate, host, identity
from devops_workbook.artifacts.terraform.azure.layout import fronted, private
from devops_workbook.artifacts.terraform.azure.roots import text
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["HEALTH", "entry"]

HEALTH = "/status-0123456789abcdef"  # where every gateway of API Management says that it is there
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_AUDIENCES = {"service-bus": "https://servicebus.azure.net/", "event-hubs": "https://eventhubs.azure.net/"}


def entry(b: Blueprint, m: Module, made: Made, front: Module) -> None:
    """Writes API Management into the edge module."""
    who = identity(m, made)
    service = m.resource(
        "azurerm_api_management",
        "this",
        "entry",
        why=b.why("scaling.load_balancing"),
        skips=_skips(b),
        name=unique(m, b, "api_name", "api", "API Management", 50),
        location=location(m),
        resource_group_name=group(m, made),
        publisher_name=_publisher(b),
        publisher_email=given(
            m, "notification_address", "string", "Where Azure writes to.", raw("var.notification_address")
        ),
        **_tier(b, m, made),
        identity=Nested(type="UserAssigned", identity_ids=[who.id]),
        **_named(b, m, made, who),
        tags=tags(m, "entry"),
    )
    if private(b):  # the Consumption tier writes no logs of its own
        diagnostics(m, b, made, "entry", "entry", service.id)
    _api(b, m, made, front, service, who)
    m.output("entry_id", service.id, "The entry.")
    told = "Host that Azure gave the entry; the name of the system leads to it."
    m.output("entry_host", raw(f'replace({service}.gateway_url, "https://", "")'), told, exported=True)


def _skips(b: Blueprint) -> dict[str, str]:
    checks = ("CKV_AZURE_174",) if private(b) else ("CKV_AZURE_174", "CKV_AZURE_107")
    return dict.fromkeys(checks, NO_ENDPOINT)


def _publisher(b: Blueprint) -> str:
    return text(b.requirements.owner)[:100]


def _tier(b: Blueprint, m: Module, made: Made) -> dict[str, Any]:
    if not private(b):
        return {"sku_name": Noted("Consumption_0", "Billed by the call, as the plan is priced.")}
    subnets = taken(m, made, "network", "public_subnet_ids", "list(string)", "Subnets of the entry.")
    why = "The least tier that reaches into a network; the plan is priced in the Consumption tier, which does not."
    return {
        "sku_name": Noted("StandardV2_1", why), "virtual_network_type": "External",
        "virtual_network_configuration": Nested(subnet_id=subnets[0]),
    }  # fmt: skip


def _named(b: Blueprint, m: Module, made: Made, who: Ref) -> dict[str, Any]:
    """The system's own name, unless Front Door shows it."""
    if fronted(b):
        return {}
    name = host(m)
    shown = certificate(m, made, who, [name])
    return {
        "hostname_configuration": Nested(
            proxy=Nested(
                host_name=name,
                key_vault_certificate_id=shown.versionless_secret_id,
                ssl_keyvault_identity_client_id=who.client_id,
                default_ssl_binding=True,
            )
        ),
        "depends_on": [raw("azurerm_role_assignment.certificate")],
    }


# --- what it does with a request -------------------------------------------------------------------------


def _api(b: Blueprint, m: Module, made: Made, front: Module, service: Ref, who: Ref) -> None:
    common: dict[str, Any] = {"api_management_name": service.name, "resource_group_name": group(m, made)}
    backend = m.resource(
        "azurerm_api_management_backend", "target", "entry", file="api", name="target", **common, protocol="http",
        url=_target(b, m, made), tls=Nested(validate_certificate_chain=True, validate_certificate_name=True),
    )  # fmt: skip
    api = m.resource(
        "azurerm_api_management_api",
        "this",
        "entry",
        file="api",
        name=b.names.system,
        **common,
        revision="1",
        display_name=b.names.system,
        path="",
        protocols=["https"],
        subscription_required=Noted(
            False, "The service knows its callers by their tokens; there are no keys to hand out."
        ),
    )
    methods = ["POST"] if b.has("intake") else list(_METHODS)
    m.resource(
        "azurerm_api_management_api_operation",
        "this",
        "entry",
        file="api",
        for_each=call("toset", methods),
        operation_id=raw("lower(each.key)"),
        **common,
        api_name=api.name,
        display_name=raw("each.key"),
        method=raw("each.key"),
        url_template="/" if b.has("intake") else "/*",
    )
    m.resource(
        "azurerm_api_management_api_policy", "this", "entry", file="api", **common, api_name=api.name,
        xml_content=call("join", "\n", list(_policy(b, m, made, front, backend, who))),
    )  # fmt: skip
    for role, label in granted(b, "entry", "intake"):
        m.resource(
            "azurerm_role_assignment", "work", "entry", file="api", why=f"Connection entry and intake: {label}.",
            scope=taken(m, made, "data", "intake_id", "string", "Queue or stream that work is put into."),
            role_definition_name=role, principal_id=who.principal_id, principal_type="ServicePrincipal",
        )  # fmt: skip


def _target(b: Blueprint, m: Module, made: Made) -> Any:
    if b.has("intake"):
        queue = taken(
            m, made, "data", "intake_endpoint", "string", "Host of the queue or stream that work is put into."
        )
        return template("https://", queue)
    address = taken(m, made, "compute", "backend_address", "string", "Where the service is reached.")
    port = taken(m, made, "compute", "backend_port", "number", "Port that the service is reached at.")
    return template("https://", address, ":", port)


def _policy(b: Blueprint, m: Module, made: Made, front: Module, backend: Ref, who: Ref) -> Iterator[Any]:
    """The lines of the policy: who may ask, where a request goes, and in whose name."""
    yield from ("<policies>", "  <inbound>", "    <base />")
    if fronted(b):
        door = m.variable(
            "front_door_id", "string", "Front Door profile whose requests are taken.", front.wire("front_door_id")
        )
        yield '    <check-header name="X-Azure-FDID" failed-check-httpcode="403"'
        yield '        failed-check-error-message="Forbidden">'
        yield template("      <value>", door, "</value>")
        yield "    </check-header>"
    elif not b.requirements.public_facing:
        yield from _filter(m)
    yield template('    <set-backend-service backend-id="', backend.name, '" />')
    if b.has("intake"):
        yield from _work(b, m, made, who)
    yield from (
        "  </inbound>",
        "  <backend>",
        "    <base />",
        "  </backend>",
        "  <outbound>",
        "    <base />",
        "  </outbound>",
        "  <on-error>",
        "    <base />",
        "  </on-error>",
        "</policies>",
    )


def _filter(m: Module) -> Iterator[Any]:
    ranges = given(m, "client_ranges", "list(string)", "Addresses that requests come from.", raw("var.client_ranges"))
    yield '    <ip-filter action="allow">'
    yield call(
        "join",
        "\n",
        raw(f'[for r in {ranges} : "<address-range from=\\"${{cidrhost(r, 0)}}\\" to=\\"${{cidrhost(r, -1)}}\\" />"]'),
    )
    yield "    </ip-filter>"


def _work(b: Blueprint, m: Module, made: Made, who: Ref) -> Iterator[Any]:
    """A request becomes a message; API Management asks in its own name."""
    name = taken(m, made, "data", "intake_name", "string", "Name of the queue or stream.")
    kind = "service-bus" if served_by(b, "intake", "service-bus") else "event-hubs"
    yield template('    <rewrite-uri template="/', name, '/messages" />')
    yield template(
        f'    <authentication-managed-identity resource="{_AUDIENCES[kind]}" client-id="', who.client_id, '" />'
    )
