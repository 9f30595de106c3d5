"""What every module of Azure takes from its caller, how it names and tags things, and what it writes the same way.

A module declares what it uses and only that. `made` are the modules of the same site that stand before it, by folder:
what one of them gives out, another takes with `taken`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from devops_workbook.artifacts.blueprint import Blueprint, Each, Site
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.hcl import Expr, Nested, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module, ProviderSource

__all__ = [
    "CLOSING", "COPIES", "LOGGED", "NOBODYS_KEY", "NO_ENDPOINT", "NO_KEYS", "NO_QUEUES", "OPENING", "PRIVATE_ZONES",
    "PROVIDERS", "WEEKDAYS", "Made", "base", "connected", "diagnostics", "endpoint", "given", "granted", "group",
    "kept", "keyed", "live", "location", "module", "name", "named", "native_logs", "permission", "private_zones",
    "protected", "replication", "security_groups",
    "served_by", "shut_down", "sized", "suffix", "tags", "taken", "unique", "zones",
]  # fmt: skip

PROVIDERS = (ProviderSource("azurerm", "hashicorp/azurerm", ">= 4.55, < 5.0"),)

Made: TypeAlias = Mapping[str, Module]
"""The modules of a site that have been written, by folder."""

WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
OPENING, CLOSING = 7, 19
"""When an environment runs that stops outside working hours: from Monday to Friday, UTC, 60 of a week's 168 hours."""

PRIVATE_ZONES = {
    "azure-sql": "privatelink.database.windows.net",
    "azure-sql-hyperscale": "privatelink.database.windows.net",
    "cosmos-db": "privatelink.documents.azure.com",
    "azure-managed-redis": "privatelink.redis.azure.net",
    "blob-storage": "privatelink.blob.core.windows.net",
    "service-bus": "privatelink.servicebus.windows.net",
    "event-hubs": "privatelink.servicebus.windows.net",
    "key-vault": "privatelink.vaultcore.azure.net",
    "key-vault-keys": "privatelink.vaultcore.azure.net",
    "container-registry": "privatelink.azurecr.io",
    "azure-functions": "privatelink.azurewebsites.net",
}
"""The private DNS zone of each service (https://learn.microsoft.com/azure/private-link/private-endpoint-dns)."""

# Why a check of checkov does not fit, where the same holds in several places.
NO_KEYS = "Keys are the provider's unless the requirements ask for others; that of logs the module observability sets."
NO_ENDPOINT = (
    "The plan has no private endpoint here; a firewall for named callers, or Entra identities alone, keep it closed."
)
LOGGED = (
    "Reads of blobs are in a diagnostic log, of the account or, for copies, of the backup vault; there are no queues."
)
NO_QUEUES = LOGGED
COPIES = "Copies in other regions follow the plan, by object replication; the account's own pairing does not."

NOBODYS_KEY = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCzAA6M6DksgFiSLmx4q1fJDookJdE1cDF3cLta610OOoijRz5L7odBsPrYc4IB"
    "PqhXPbALOyUaNaTXjU59a0h7M0rl/VlS1dEkp297OpY1fWD2wfq+AaTpqB9BxI0RbtjVoC3sKQnA4N1n6H7m7Lw6XLlkspcKfc5D"
    "JKwsFRnrnQIRTEsOLoPaDDNqel1+Kzd4vqflwI5DSpjdBc11TDACJkEuFhrirbL3Ylf1mKCcgDNMN1OFAw6sD0U5UuOVXzobSK8Q"
    "BnDOrqMFF6iWLg02FofhLijNfBDf3boKo9m8ngLZHYjAtKrpTfGTdF9jBPxXd/bzoh1sI9amhsRcPxwb"
)
"""A valid public key whose private half was thrown away: what ssh_public_key is until somebody sets it."""

_NAME = (
    'can(regex("^[a-z][a-z0-9-]{0,19}[a-z0-9]$", var.name))',
    "name must be 2 to 21 lower-case letters, digits and dashes, beginning with a letter.",
)
_LOCATION = ('can(regex("^[a-z]+[0-9]?$", var.location))', "location must be a region's name such as westeurope.")
_SITE = ('contains(["", "-2"], var.site)', 'site must be "" or "-2".')


# --- the design ------------------------------------------------------------------------------------------


def keyed(b: Blueprint) -> bool:
    """Whether the team manages the keys that data is encrypted with."""
    return b.choice("infrastructure.security") != "provider-managed-keys"


def served_by(b: Blueprint, component: str, service: str) -> bool:
    """Whether a component of the design is this service: `served_by(b, "logs", "log-analytics")`."""
    return b.has(component) and b.component(component).service == service


def native_logs(b: Blueprint) -> bool:
    """Whether there is a Log Analytics workspace; without one the platform's logs are kept in a storage account."""
    return served_by(b, "logs", "log-analytics") or served_by(b, "traces", "application-insights")


def private_zones(b: Blueprint) -> list[str]:
    """The private DNS zones of the services that private endpoints lead to."""
    always = ("compute", "database", "cache")  # they stand in the network, whatever else does
    found = [c.service for c in b.topology.components if c.id in always or b.has("endpoints")]
    zones = {PRIVATE_ZONES[service] for service in found if service in PRIVATE_ZONES}
    if served_by(b, "compute", "azure-functions") and b.has("endpoints"):  # what the runtime keeps
        zones.add(PRIVATE_ZONES["blob-storage"])
    return sorted(zones)


def kept(b: Blueprint) -> str:
    """Why a check that asks for longer retention does not fit."""
    return f"The requirements keep logs for {b.requirements.log_retention_days} days."


def live(b: Blueprint) -> Each:
    """Whether an environment holds what cannot be made again: all but development."""
    return b.each(lambda e: e.environment != "development")


def shut_down(b: Blueprint) -> Each:
    """Whether an environment stops outside working hours."""
    return b.each(lambda e: e.hours_per_week < 168)


# --- modules and what they take --------------------------------------------------------------------------


def module(folder: str, title: str, about: Sequence[str], b: Blueprint, site: Site) -> Module:
    """A module of one site, in every environment that has the site."""
    return Module(folder, title, tuple(about), PROVIDERS, site, b.present(site))


def name(m: Module) -> Ref:
    """The prefix of all names of the environment, at most 21 characters."""
    return m.variable("name", "string", "Prefix of all names.", raw("local.name"), checks=(_NAME,))


def suffix(m: Module) -> Ref:
    """What tells the sites apart: "" for the first, "-2" for the second. Names and tags end in it."""
    told = 'Ending of names: "" at the first site, "-2" at the second.'
    return m.variable("site", "string", told, m.site.suffix if m.site else "", checks=(_SITE,))


def location(m: Module) -> Ref:
    """The region of the module's site."""
    assert m.site
    return m.variable("location", "string", "Region of this site.", m.site.region.id, checks=(_LOCATION,))


def taken(m: Module, made: Made, folder: str, output: str, type: str, told: str) -> Ref:
    """A variable that takes the output of the same name from another module of the site."""
    return m.variable(output, type, told, made[folder].wire(output))


def group(m: Module, made: Made) -> Ref:
    """The name of the resource group of the site."""
    return taken(m, made, "group", "resource_group_name", "string", "Resource group of this site.")


def named(m: Module, what: str) -> Expr:
    """The name of a resource: prefix, what it is, and the site's ending."""
    return template(name(m), f"-{what}", suffix(m))


def tags(m: Module, component: str) -> Expr:
    """The tags of all resources, and which component this one implements."""
    told = "Tags of everything: owner, environment, cost centre, data classification, scenario."
    common = m.variable("tags", "map(string)", told, raw("local.tags"))
    return raw(f'merge({common}, {{ component = "{component}${{{suffix(m)}}}" }})')


def base(m: Module, made: Made, what: str, count: Ref | None = None) -> dict[str, Any]:
    """What nearly every resource begins with: name, region, resource group. count: of those that are numbered."""
    called = template(name(m), f"-{what}", suffix(m), "-", raw("count.index + 1")) if count else named(m, what)
    return {"name": called, "location": location(m), "resource_group_name": group(m, made)}


def _counted(count: Ref | None) -> dict[str, Any]:
    return {"count": count} if count else {}


def given(m: Module, variable: str, type: str, told: str, value: Any, why: str = "", nullable: bool = False) -> Ref:
    """A variable without a check."""
    return m.variable(variable, type, told, value, why=why, nullable=nullable)


def sized(m: Module, b: Blueprint, component: str, variable: str, type: str, told: str, value: Any,
          why: str = "") -> Ref:  # fmt: skip
    """A variable whose value follows from a component's size at the module's site. value: Size -> the value."""
    assert m.site
    return m.variable(variable, type, told, b.sized(m.site.id(component), value), why=why)


def security_groups(m: Module, made: Made) -> Ref:
    """The application security groups of the network, by component; the network's rules are written for them."""
    told = "Application security groups by component."
    return taken(m, made, "network", "security_group_ids", "map(string)", told)


def unique(m: Module, b: Blueprint, variable: str, what: str, of: str, limit: int = 0) -> Ref:
    """A variable with a name that nobody else in the world has: at most `limit` letters and digits, or, without a
    limit, with dashes. what: it names, in the name; of: the same, in the description."""
    assert m.site
    site, ending = m.site, m.site.suffix

    def found(environment: str) -> str:
        return (
            b.names.compact(environment, what + ending, limit) if limit else b.names.unique(environment, what + ending)
        )

    told = f"Name of the {of}; nobody else in the world may have it."
    return m.variable(variable, "string", told, b.at(site, lambda e: found(e.environment)))


def protected(m: Module, b: Blueprint) -> Ref:
    """Whether what is built must survive a mistake: true in production and staging, false in development."""
    return m.variable("protected", "bool", "Whether what holds data is protected against deletion.", live(b))


def zones(m: Module, b: Blueprint) -> Ref:
    """The numbers of the zones that machines are spread over; none in a region that has no zones."""
    assert m.site
    here = m.site

    def numbers(count: int) -> list[str]:
        return [str(n + 1) for n in range(max(1, count))] if here.region.zones > 1 else []

    check = ('alltrue([for z in var.zones : contains(["1", "2", "3"], z)])', 'zones must be of "1", "2" and "3".')
    told = "Zones that machines are spread over."
    return m.variable("zones", "list(string)", told, b.at(here, lambda e: numbers(e.zones)), checks=(check,),
                      why=b.why("disaster_recovery.high_availability"))  # fmt: skip


def replication(b: Blueprint, site: Site) -> Each:
    """How a storage account keeps its copies: in three zones, or in one where the environment or region has one."""
    return b.at(site, lambda e: "ZRS" if e.zones > 1 and site.region.zones > 1 else "LRS")


# --- what is written the same way everywhere -------------------------------------------------------------


def endpoint(m: Module, made: Made, component: str, what: str, target: Ref, part: str, zone: str,
             *, file: str = "main", count: Ref | None = None) -> Ref:  # fmt: skip
    """A private endpoint: an address in the network for one part ("blob") of a service, which its name resolves to.

    count: how many there are; `target` then refers to one by `count.index`.
    """
    subnet = taken(m, made, "network", "endpoint_subnet_id", "string", "Subnet that private endpoints stand in.")
    zone_ids = taken(m, made, "network", "private_dns_zone_ids", "map(string)", "Private DNS zones by name.")
    return m.resource(
        "azurerm_private_endpoint", what.replace("-", "_"), component, file=file, **_counted(count),
        **base(m, made, f"{what}-endpoint", count), subnet_id=subnet,
        private_service_connection=Nested(
            name=what, private_connection_resource_id=target, subresource_names=[part], is_manual_connection=False
        ),
        private_dns_zone_group=Nested(name=what, private_dns_zone_ids=[zone_ids[zone]]), tags=tags(m, component),
    )  # fmt: skip


def diagnostics(m: Module, b: Blueprint, made: Made, component: str, what: str, target: Expr,
                groups: Sequence[str] = ("allLogs",), *, file: str = "main",
                count: Ref | None = None) -> Ref:  # fmt: skip
    """Sends a resource's logs to the site's Log Analytics workspace, or, without one, to its storage account.

    groups: names of category groups ("allLogs", "audit").
    """
    if native_logs(b):
        to: dict[str, Any] = {"log_analytics_workspace_id": _workspace(m, made)}
    else:
        told = "Storage account of the platform's logs."
        to = {"storage_account_id": taken(m, made, "logs", "log_storage_id", "string", told)}
    return m.resource(
        "azurerm_monitor_diagnostic_setting", what.replace("-", "_"), component, file=file, **_counted(count),
        name="logs",
        target_resource_id=target, **to, enabled_log=[Nested(category_group=group) for group in groups],
    )  # fmt: skip


def _workspace(m: Module, made: Made) -> Ref:
    return taken(m, made, "logs", "workspace_id", "string", "Log Analytics workspace of this site.")


def granted(b: Blueprint, who: str, on: str) -> Iterator[tuple[str, str]]:
    """The built-in roles that one component needs on another, each with the connection that asks for it; none where the
    two are not connected, or the service keeps roles of its own. The ids are the first site's."""
    label = connected(b, who, on)
    service = b.component(on).service if b.has(on) else ""
    for role in permission(service, who).get("roles", ()) if label else ():
        yield role, label


def connected(b: Blueprint, one: str, other: str) -> str:
    """What the connection between two components is for, whichever opens it; "" if there is none."""
    return next((x.label for x in b.topology.connections if {x.source, x.target} == {one, other}), "")


def permission(service: str, who: str) -> Mapping[str, Any]:
    """What a component may do with one of a service, as the facts have it."""
    found: Mapping[str, Any] = code_facts("azure")["permissions"].get(service, {}).get(who, {})
    return found
