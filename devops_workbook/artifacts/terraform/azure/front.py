"""What leads users to the entry of a site: names, and, where the design has them, the CDN, the firewall before API
Management, and the switch to the second site.

One module for all sites, in two steps: `begun` writes what entries need to know beforehand, `finished` what needs
to know the entries. Azure DNS looks after nothing, so Front Door or Traffic Manager asks the entries whether they are
well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import (
    PROVIDERS,
    Made,
    diagnostics,
    given,
    group,
    name,
    served_by,
    tags,
)
from devops_workbook.artifacts.terraform.azure.edge.management import HEALTH
from devops_workbook.artifacts.terraform.azure.layout import fronted, hidden
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["begun", "finished"]

_CHECK_SECONDS = 30  # between two looks at an entry, the shortest that all of them offer
_TYPES = ["text/html", "text/css", "text/plain", "application/javascript", "application/json", "image/svg+xml"]


def begun(b: Blueprint, every: Sequence[Made]) -> Module:
    """The zone of the system's names, and Front Door's profile. every: the modules of each site."""
    about = ("The names that users know the system by, and the way from them to the entries of the sites.",
             b.why("disaster_recovery.high_availability"))  # fmt: skip
    m = Module("front", "Front: names, and the way to the sites.", about, PROVIDERS)
    domain = m.variable(
        "domain", "string", "Name that users know the system by.", raw("var.domain"),
        checks=(('can(regex("^[a-z0-9.-]+$", var.domain))', "domain must be a name such as shop.example.com."),),
    )  # fmt: skip
    if hidden(b):
        _private_zone(b, m, every, domain)
    else:
        zone = m.resource("azurerm_dns_zone", "this", "dns", why=b.why("infrastructure.network"), name=domain,
                          resource_group_name=group(m, every[0]), tags=tags(m, "dns"))  # fmt: skip
        m.output(
            "name_servers",
            zone.name_servers,
            "Name servers that the parent domain must name for this zone.",
            exported=True,
        )
    if fronted(b):
        _door(b, m, every[0])
    return m


def finished(b: Blueprint, m: Module, every: Sequence[Made]) -> None:
    """The way to the entries. every: the modules of each site."""
    if fronted(b):
        _origins(b, m, every)
    elif hidden(b):
        _private_record(b, m, every)
    elif len(b.sites) > 1:
        _manager(b, m, every)
    else:
        _record(b, m, every)


# --- values ----------------------------------------------------------------------------------------------


def _host(m: Module) -> Ref:
    check = ('can(regex("^[a-z0-9.-]+$", var.host))', "host must be a name such as www.example.com.")
    return m.variable("host", "string", "Name of the entry; it ends in the domain.", raw("local.host"), checks=(check,))


def _label(m: Module) -> Any:
    """The name of the entry within the zone."""
    return call("trimsuffix", _host(m), template(".", raw("var.domain")))


def _ttl(b: Blueprint) -> Any:
    seconds = round(b.catalog.assumptions["dns_ttl_seconds"].value or 60)
    return Noted(seconds, "Seconds that resolvers keep an answer; the recovery time of the plan counts with them.")


def _entries(b: Blueprint, m: Module, every: Sequence[Made], output: str) -> list[Ref]:
    """What each entry gives out: its address or its host. The second is null in an environment with one site."""
    told = {"entry_host": "Host of the entry", "entry_address": "Address of the entry"}[output]
    found = []
    for site, made, which in zip(b.sites, every, ("first", "second"), strict=False):
        wire = made["edge"].wire(output)
        found.append(
            m.variable(f"{which}_{output}", "string", f"{told} of the {which} site.", wire, nullable=bool(site.suffix))
        )
    return found


def _second(b: Blueprint, m: Module) -> Ref:
    told = "Whether the environment has a second site."
    return m.variable(
        "second_site", "bool", told, b.present(b.sites[1]), why=b.why("disaster_recovery.high_availability")
    )


def _serves(m: Module) -> Ref:
    told = "Whether requests go to the second site when the first does not answer."
    return given(m, "second_site_serves", "bool", told, raw("var.second_site_serves"))


def _active(b: Blueprint) -> bool:
    return b.choice("disaster_recovery.high_availability") == "active-active"


def _look(b: Blueprint) -> str:
    """The path by which an entry is asked whether it is well: the service's own, or, where a queue stands between, the
    entry's."""
    if not b.has("intake"):
        return "/health"
    return HEALTH if served_by(b, "entry", "api-management") else "/"


# --- names without Front Door ----------------------------------------------------------------------------


def _in_zone(m: Module, made: Made, zone: str = "azurerm_dns_zone.this") -> dict[str, Any]:
    return {"zone_name": raw(f"{zone}.name"), "resource_group_name": group(m, made)}


def _record(b: Blueprint, m: Module, every: Sequence[Made]) -> None:
    zone = _in_zone(m, every[0])
    common: dict[str, Any] = {"name": _label(m), **zone, "ttl": _ttl(b)}
    if served_by(b, "entry", "api-management"):
        target = _entries(b, m, every, "entry_host")[0]
        m.resource("azurerm_dns_cname_record", "entry", "dns", **common, record=target, tags=tags(m, "dns"))
    else:
        target = _entries(b, m, every, "entry_address")[0]
        m.resource("azurerm_dns_a_record", "entry", "dns", **common, records=[target], tags=tags(m, "dns"))


def _manager(b: Blueprint, m: Module, every: Sequence[Made]) -> None:
    """Traffic Manager answers with the entry that is well: the nearer one, or the first as long as it is."""
    output = "entry_host" if served_by(b, "entry", "api-management") else "entry_address"
    entries = _entries(b, m, every, output)
    how = "Performance" if _active(b) else "Priority"
    profile = m.resource(
        "azurerm_traffic_manager_profile",
        "this",
        "dns",
        why=b.why("disaster_recovery.recovery"),
        name=template(name(m), "-traffic"),
        resource_group_name=group(m, every[0]),
        traffic_routing_method=Noted(how, b.why("disaster_recovery.high_availability")),
        dns_config=Nested(
            relative_name=given(
                m,
                "traffic_name",
                "string",
                "Name in trafficmanager.net; nobody else in the world may have it.",
                b.each(lambda e: b.names.unique(e.environment, "traffic")),
            ),
            ttl=_ttl(b),
        ),
        monitor_config=Nested(
            protocol="HTTPS",
            port=443,
            path=_look(b),
            interval_in_seconds=_CHECK_SECONDS,
            timeout_in_seconds=10,
            tolerated_number_of_failures=3,
            custom_header=Nested(name="host", value=_host(m)),
        ),
        tags=tags(m, "dns"),
    )
    places = [given(m, f"{which}_location", "string", f"Region of the {which} site.", site.region.id)
              for site, which in zip(b.sites, ("first", "second"), strict=True)]  # fmt: skip
    for turn, (which, target) in enumerate(zip(("first", "second"), entries, strict=True)):
        more: dict[str, Any] = {"count": raw(f"{_second(b, m)} ? 1 : 0"), "enabled": _serves(m)} if turn else {}
        ways: dict[str, Any] = {"endpoint_location": places[turn]} if _active(b) else {"priority": turn + 1}
        if not _active(b):
            ways["endpoint_location"] = places[turn]
        m.resource(
            "azurerm_traffic_manager_external_endpoint",
            which,
            "dns",
            name=which,
            profile_id=profile.id,
            target=target,
            **ways,
            **more,
        )
    m.resource("azurerm_dns_cname_record", "entry", "dns", name=_label(m), **_in_zone(m, every[0]), ttl=_ttl(b),
               record=profile.fqdn, tags=tags(m, "dns"))  # fmt: skip


def _private_zone(b: Blueprint, m: Module, every: Sequence[Made], domain: Ref) -> None:
    """Names that only the networks know; the company's own resolvers are told to ask here."""
    zone = m.resource("azurerm_private_dns_zone", "this", "dns", why=b.why("infrastructure.network"), name=domain,
                      resource_group_name=group(m, every[0]), tags=tags(m, "dns"))  # fmt: skip
    for site, made, which in zip(b.sites, every, ("first", "second"), strict=False):
        more: dict[str, Any] = {"count": raw(f"{_second(b, m)} ? 1 : 0")} if site.suffix else {}
        network = m.variable(
            f"{which}_network_id",
            "string",
            f"Network of the {which} site.",
            made["network"].wire("network_id"),
            nullable=bool(site.suffix),
        )
        m.resource(
            "azurerm_private_dns_zone_virtual_network_link", which, "dns", name=which, private_dns_zone_name=zone.name,
            resource_group_name=group(m, every[0]), virtual_network_id=network, registration_enabled=False,
            tags=tags(m, "dns"), **more,
        )  # fmt: skip


def _private_record(b: Blueprint, m: Module, every: Sequence[Made]) -> None:
    """Nothing of Azure's looks after a private entry: of two, the name leads to both, or to the one that serves."""
    entries = _entries(b, m, every, "entry_address")
    records: Any = [entries[0]]
    why = ""
    if len(entries) > 1:
        first, second = entries
        serving = (
            f"compact([{first}, {second}])" if _active(b) else f"[{_serves(m)} && {_second(b, m)} ? {second} : {first}]"
        )
        records = raw(f"{_second(b, m)} && {_serves(m)} ? {serving} : [{first}]") if _active(b) else raw(serving)
        why = b.why("disaster_recovery.recovery")
    m.resource(
        "azurerm_private_dns_a_record", "entry", "dns", name=_label(m), why=why,
        **_in_zone(m, every[0], "azurerm_private_dns_zone.this"), ttl=_ttl(b), records=records, tags=tags(m, "dns"),
    )  # fmt: skip


# --- Front Door ------------------------------------------------------------------------------------------


def _component(b: Blueprint) -> str:
    return "cdn" if b.has("cdn") else "waf"


def _filtering(b: Blueprint) -> bool:
    """Whether the firewall of the design is Front Door's; before an Application Gateway it stands in the gateway."""
    return b.has("waf") and served_by(b, "entry", "api-management")


def _sku(b: Blueprint) -> Any:
    if _filtering(b):
        return Noted("Premium_AzureFrontDoor", "Rules that Microsoft keeps are to be had in this profile only.")
    return "Standard_AzureFrontDoor"


def _door(b: Blueprint, m: Module, made: Made) -> None:
    component = _component(b)
    why = b.why("scaling.caching" if b.has("cdn") else "security.network")
    profile = m.resource(
        "azurerm_cdn_frontdoor_profile", "this", component, file="door", why=why, name=template(name(m), "-door"),
        resource_group_name=group(m, made), sku_name=_sku(b), response_timeout_seconds=60, tags=tags(m, component),
    )  # fmt: skip
    m.resource(
        "azurerm_cdn_frontdoor_endpoint",
        "this",
        component,
        file="door",
        name=name(m),
        cdn_frontdoor_profile_id=profile.id,
        tags=tags(m, component),
    )
    diagnostics(m, b, made, component, "door", profile.id, file="door")
    m.output("front_door_id", profile.resource_guid, "What the profile calls itself in the header X-Azure-FDID.")


def _origins(b: Blueprint, m: Module, every: Sequence[Made]) -> None:
    component, made = _component(b), every[0]
    profile = Ref("azurerm_cdn_frontdoor_profile.this").id
    hosts = _entries(b, m, every, "entry_host")
    gateway = served_by(b, "entry", "application-gateway")
    if gateway:
        _origin_names(b, m, every)
    origins = m.resource(
        "azurerm_cdn_frontdoor_origin_group", "entries", component, file="door", name="entries",
        cdn_frontdoor_profile_id=profile, session_affinity_enabled=False,
        health_probe=Nested(path=_look(b), protocol="Https", request_type="GET", interval_in_seconds=_CHECK_SECONDS),
        load_balancing=Nested(sample_size=4, successful_samples_required=3, additional_latency_in_milliseconds=50),
    )  # fmt: skip
    for turn, (which, host) in enumerate(zip(("first", "second"), hosts, strict=False)):
        more: dict[str, Any] = (
            {"count": raw(f"{_second(b, m)} ? 1 : 0"), "enabled": _serves(m)} if turn else {"enabled": True}
        )
        m.resource(
            "azurerm_cdn_frontdoor_origin", which, component, file="door",
            why=b.why("disaster_recovery.recovery") if turn else "", name=which,
            cdn_frontdoor_origin_group_id=origins.id, host_name=host, origin_host_header=host, https_port=443,
            certificate_name_check_enabled=True, priority=1 if _active(b) else turn + 1, weight=500, **more,
        )  # fmt: skip
    _route(b, m, component, origins, len(hosts) > 1)
    if _filtering(b) or not b.requirements.public_facing:
        _policy(b, m, made)
    _door_names(b, m, made)


def _origin_names(b: Blueprint, m: Module, every: Sequence[Made]) -> None:
    """Front Door asks an entry by a name, which the entry's certificate must bear."""
    addresses = _entries(b, m, every, "entry_address")
    for site, which, address in zip(b.sites, ("first", "second"), addresses, strict=False):
        more: dict[str, Any] = {"count": raw(f"{_second(b, m)} ? 1 : 0")} if site.suffix else {}
        m.resource(
            "azurerm_dns_a_record",
            f"{which}_origin",
            "dns",
            name=f"origin{site.suffix}",
            **_in_zone(m, every[0]),
            ttl=_ttl(b),
            records=[address],
            tags=tags(m, "dns"),
            **more,
        )


def _route(b: Blueprint, m: Module, component: str, origins: Ref, several: bool) -> None:
    ids: Any = [raw("azurerm_cdn_frontdoor_origin.first.id")]
    if several:
        ids = call("concat", ids, raw("azurerm_cdn_frontdoor_origin.second[*].id"))
    cache: Mapping[str, Any] = {}
    if b.has("cdn"):
        cache = {
            "cache": Noted(
                Nested(
                    query_string_caching_behavior="UseQueryString",
                    compression_enabled=True,
                    content_types_to_compress=_TYPES,
                ),
                b.why("scaling.caching"),
            )
        }
    domain = m.resource(
        "azurerm_cdn_frontdoor_custom_domain",
        "this",
        component,
        file="door",
        name="entry",
        cdn_frontdoor_profile_id=raw("azurerm_cdn_frontdoor_profile.this.id"),
        dns_zone_id=raw("azurerm_dns_zone.this.id"),
        host_name=_host(m),
        tls=Nested(certificate_type="ManagedCertificate", minimum_tls_version="TLS12"),
    )
    m.resource(
        "azurerm_cdn_frontdoor_route",
        "this",
        component,
        file="door",
        name="all",
        cdn_frontdoor_endpoint_id=raw("azurerm_cdn_frontdoor_endpoint.this.id"),
        cdn_frontdoor_origin_group_id=origins.id,
        cdn_frontdoor_origin_ids=ids,
        cdn_frontdoor_custom_domain_ids=[domain.id],
        link_to_default_domain=False,
        patterns_to_match=["/*"],
        supported_protocols=["Https"],
        forwarding_protocol="HttpsOnly",
        https_redirect_enabled=Noted(False, "There is no plain HTTP that could be redirected."),
        **cache,
    )


def _policy(b: Blueprint, m: Module, made: Made) -> None:
    component = "waf" if _filtering(b) else _component(b)
    rules: dict[str, Any] = {}
    if not b.requirements.public_facing:
        ranges = given(
            m, "client_ranges", "list(string)", "Addresses that requests come from.", raw("var.client_ranges")
        )
        rules["custom_rule"] = Nested(
            name="OnlyTheCompany",
            enabled=True,
            priority=1,
            type="MatchRule",
            action="Block",
            match_condition=Nested(
                match_variable="SocketAddr", operator="IPMatch", negation_condition=True, match_values=ranges
            ),
        )
    if _filtering(b):
        rules["managed_rule"] = [
            Nested(type="Microsoft_DefaultRuleSet", version="2.1", action="Block"),
            Nested(type="Microsoft_BotManagerRuleSet", version="1.1", action="Block"),
        ]
    firewall = m.resource(
        "azurerm_cdn_frontdoor_firewall_policy", "this", component, file="door", why=b.why("security.network"),
        name=m.variable("firewall_name", "string", "Name of the firewall's policy: letters and digits.",
                        b.each(lambda e: b.names.compact(e.environment, "waf"))),
        resource_group_name=group(m, made), sku_name=raw("azurerm_cdn_frontdoor_profile.this.sku_name"), enabled=True,
        mode="Prevention", **rules, tags=tags(m, component),
    )  # fmt: skip
    m.resource(
        "azurerm_cdn_frontdoor_security_policy", "this", component, file="door", name="firewall",
        cdn_frontdoor_profile_id=raw("azurerm_cdn_frontdoor_profile.this.id"),
        security_policies=Nested(firewall=Nested(
            cdn_frontdoor_firewall_policy_id=firewall.id,
            association=Nested(
                domain=Nested(cdn_frontdoor_domain_id=raw("azurerm_cdn_frontdoor_custom_domain.this.id")),
                patterns_to_match=["/*"]))),
    )  # fmt: skip


def _door_names(b: Blueprint, m: Module, made: Made) -> None:
    zone = _in_zone(m, made)
    domain = "azurerm_cdn_frontdoor_custom_domain.this"
    m.resource(
        "azurerm_dns_txt_record", "proof", "dns", why="Proves to Front Door that the name is ours.",
        name=template("_dnsauth.", raw("trimsuffix(var.host, \".${var.domain}\")")), **zone, ttl=3600,
        record=Nested(value=raw(f"{domain}.validation_token")), tags=tags(m, "dns"),
    )  # fmt: skip
    m.resource(
        "azurerm_dns_cname_record", "entry", "dns", name=_label(m), **zone, ttl=_ttl(b),
        record=raw("azurerm_cdn_frontdoor_endpoint.this.host_name"), tags=tags(m, "dns"),
        depends_on=[raw("azurerm_cdn_frontdoor_route.this")],
    )  # fmt: skip
