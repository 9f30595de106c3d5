"""Google Cloud: one project for each environment, and one for what they share.

The modules in the order in which they are built, each fed by the ones before it:

    apis            the services of Google Cloud that the design uses, enabled; gives project_id and project_number
    network         for each site: VPC, subnets, NAT, endpoints, firewall rules from the connections of the design
    front           once: DNS zone, certificate, web application firewall
    security        for each site: keys, secrets; oversight: audit trail, detection, posture
    data            for each site: database, cache, files, intake
    compute         for each site: what runs the code; gives backend_groups, what the load balancer sends requests to
    edge            for each site: the load balancer, with the CDN in front of it
    records         once: the names of the system, and which site they lead to
    observability   once: log bucket and notification channel; alarms for each site, with the dashboards
    backup, tools, budgets
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.configuration import Configuration, Once
from devops_workbook.artifacts.terraform.gcp.alarms import alarms, raised
from devops_workbook.artifacts.terraform.gcp.apis import apis
from devops_workbook.artifacts.terraform.gcp.backup import backup
from devops_workbook.artifacts.terraform.gcp.bootstrap import bootstrap
from devops_workbook.artifacts.terraform.gcp.budgets import budgets
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS
from devops_workbook.artifacts.terraform.gcp.compute import compute
from devops_workbook.artifacts.terraform.gcp.data import data
from devops_workbook.artifacts.terraform.gcp.edge import edge
from devops_workbook.artifacts.terraform.gcp.flows import crosses
from devops_workbook.artifacts.terraform.gcp.front import front
from devops_workbook.artifacts.terraform.gcp.network import network, peering
from devops_workbook.artifacts.terraform.gcp.observability import observability
from devops_workbook.artifacts.terraform.gcp.oversight import oversight
from devops_workbook.artifacts.terraform.gcp.records import records
from devops_workbook.artifacts.terraform.gcp.roots import (
    TO_SET,
    locals_of,
    root_variables,
    settings,
    state,
    used,
)
from devops_workbook.artifacts.terraform.gcp.security import security
from devops_workbook.artifacts.terraform.gcp.shared import shared
from devops_workbook.artifacts.terraform.gcp.tools import tools
from devops_workbook.artifacts.terraform.hcl import raw
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["TO_SET", "UNBUILT", "configuration", "once", "raised"]

_HOSTED = "the hosted service is set up in its own console; the collector sends to it"
UNBUILT = {
    **dict.fromkeys(("metrics", "logs", "traces", "dashboards"), _HOSTED),
    "cdn": "Cloud CDN stands only behind an external load balancer, and the entry of this design is private",
    "waf": "the GA provider cannot attach a Cloud Armor policy to a regional internal load balancer "
    "(google_compute_region_backend_service has no security_policy), and the entry of this design is private",
}


def configuration(b: Blueprint) -> Configuration:
    """What the environments have in common."""
    calls = tuple(_calls(b))
    provider = settings(b, raw("var.project_id"), raw("var.environment"), raw("var.cost_centre"))
    values = [[v.value for v in m.variables.values()] for m in calls]
    named = {id: value for id, value in locals_of(b).items() if id != "image" or used("local.image", values)}
    variables = tuple(v for v in root_variables(b) if used(f"var.{v.name}", values, named, provider[0].body))
    backends = {e.environment: state(b, e.environment) for e in b.environments}
    return Configuration(calls, variables, named, provider, PROVIDERS, backends)


def once(b: Blueprint) -> Sequence[Once]:
    """What is applied once, in this order."""
    return (bootstrap(b), shared(b))


def _calls(b: Blueprint) -> Iterator[Module]:
    networks = [network(b, site) for site in b.sites]
    before = front(b, networks)
    yield apis(b)
    yield from networks
    if len(networks) > 1 and crosses(b):
        yield peering(b, networks)
    yield before
    securities = [security(b, site) for site in b.sites]
    yield from securities
    yield oversight(b, securities[0])
    yield from _sites(b, networks, before, securities)


def _sites(b: Blueprint, networks: list[Module], before: Module, securities: list[Module]) -> Iterator[Module]:
    datas: list[Module] = []
    for site, net, keys in zip(b.sites, networks, securities, strict=True):
        datas.append(data(b, site, net, keys, datas[0] if datas else None))
    yield from datas
    computes = [compute(b, *parts) for parts in zip(b.sites, networks, securities, datas, strict=True)]
    yield from computes
    edges = [edge(b, s, n, before, c, d) for s, n, c, d in zip(b.sites, networks, computes, datas, strict=True)]
    yield from edges
    yield records(b, before, edges, networks)
    watched = observability(b, securities[0])
    yield watched
    for s, c, d, e in zip(b.sites, computes, datas, edges, strict=True):
        yield from alarms(b, s, c, d, e, watched)
    yield backup(b, datas, securities)
    yield from tools(b, networks, securities)
    yield budgets(b, watched)
