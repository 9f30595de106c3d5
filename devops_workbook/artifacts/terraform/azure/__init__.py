"""Microsoft Azure: one subscription for each environment, and one for what they share.

The modules of a site in the order in which they are built, each fed by the ones before it:

    group           the resource group
    logs            workspaces and the storage account of logs, and who is told
    network         virtual network, subnets and their rules, NAT gateways, private names
    security        vaults of secrets and keys, and who may use them
    data            database, cache, files, intake ("data-replica" at the second site)
    tools, vault    machines for what the team runs itself
    compute         what runs the service; gives the address that the entry sends requests to
    edge            the entry of the site: Application Gateway or API Management, with its certificate
    observability   alarms and dashboards

and once for an environment:

    oversight       activity log, threat detection, policies
    front           DNS zone, Front Door or Traffic Manager, which lead to the entries of the sites
    peering, backup, budgets
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.azure.alarming import raised
from devops_workbook.artifacts.terraform.azure.backup import backup
from devops_workbook.artifacts.terraform.azure.bootstrap import bootstrap
from devops_workbook.artifacts.terraform.azure.budgets import budgets
from devops_workbook.artifacts.terraform.azure.common import PROVIDERS
from devops_workbook.artifacts.terraform.azure.compute import compute
from devops_workbook.artifacts.terraform.azure.data import data
from devops_workbook.artifacts.terraform.azure.edge import edge
from devops_workbook.artifacts.terraform.azure.front import begun, finished
from devops_workbook.artifacts.terraform.azure.group import group
from devops_workbook.artifacts.terraform.azure.logs import logs
from devops_workbook.artifacts.terraform.azure.network import network, peering
from devops_workbook.artifacts.terraform.azure.observability import observability
from devops_workbook.artifacts.terraform.azure.oversight import oversight
from devops_workbook.artifacts.terraform.azure.roots import TO_SET, locals_of, root_variables, settings, state, used
from devops_workbook.artifacts.terraform.azure.security import security
from devops_workbook.artifacts.terraform.azure.shared import shared
from devops_workbook.artifacts.terraform.azure.tools import tools, vault
from devops_workbook.artifacts.terraform.configuration import Configuration, Once
from devops_workbook.artifacts.terraform.hcl import raw
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["TO_SET", "UNBUILT", "configuration", "once", "raised"]

_HOSTED = "the hosted service is set up in its own console; the collector sends to it"
UNBUILT = dict.fromkeys(("metrics", "logs", "traces", "dashboards"), _HOSTED)


def configuration(b: Blueprint) -> Configuration:
    """What the environments have in common."""
    calls = tuple(_calls(b))
    provider = settings(raw("var.subscription_id"))
    values = [[v.value for v in m.variables.values()] for m in calls]
    named = dict(locals_of(b))
    for id in ("image", "host", "registry_id", "registry_server"):
        if not used(f"local.{id}", values):
            del named[id]
    variables = tuple(v for v in root_variables(b) if used(f"var.{v.name}", values, named, provider[0].body))
    backends = {e.environment: state(b, e.environment) for e in b.environments}
    return Configuration(calls, variables, named, provider, PROVIDERS, backends)


def once(b: Blueprint) -> Sequence[Once]:
    """What is applied once, in this order."""
    return (bootstrap(b), shared(b))


def _calls(b: Blueprint) -> Iterator[Module]:
    every: list[dict[str, Module]] = []
    for site in b.sites:
        every.append(_grounds(b, site, every[0] if every else None))
    front = begun(b, every)
    for site, made in zip(b.sites, every, strict=True):
        _service(b, site, made, front)
    finished(b, front, every)
    for made in every:
        yield from (m for role, m in made.items() if made is every[0] or m is not every[0].get(role))
    if len(every) > 1:
        yield peering(b, every)
    yield front
    yield oversight(b, every[0])
    if b.has("backup"):
        yield backup(b, b.sites[0], every[0])
    yield budgets(b, every[0])


def _grounds(b: Blueprint, site: Site, first: dict[str, Module] | None) -> dict[str, Module]:
    """The modules of a site that everything else stands on, by role."""
    made = {"group": group(b, site)}
    made["logs"] = logs(b, site, made)
    made["network"] = network(b, site, made)
    made["security"] = security(b, site, made)
    made["data"] = data(b, site, made, first)
    own = vault(b, site, made)
    if own:
        made["vault"] = own
    machines = first.get("tools") if first else tools(b, site, made)
    if machines:
        made["tools"] = machines
    return made


def _service(b: Blueprint, site: Site, made: dict[str, Module], front: Module) -> None:
    """The modules of a site that serve, and those that watch them."""
    made["compute"] = compute(b, site, made)
    made["edge"] = edge(b, site, made, front)
    watched = observability(b, site, made)
    if watched:
        made["observability"] = watched
