"""Terraform for Amazon Web Services.

Every environment has an AWS account of its own, so what an account has once (audit trail, detector, recorder, password
policy) is in the environment's configuration; registry and pipeline identity are in the delivery account, in shared/.
The second site, and a second region that holds backups only, is the provider configuration `aws.second`; what
CloudFront reads from Northern Virginia alone, its certificate and its firewall, is made with `aws.global`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.aws.alarming import raised
from devops_workbook.artifacts.terraform.aws.audit import audit
from devops_workbook.artifacts.terraform.aws.backup import backup
from devops_workbook.artifacts.terraform.aws.bootstrap import backends, bootstrap
from devops_workbook.artifacts.terraform.aws.budgets import budgets
from devops_workbook.artifacts.terraform.aws.compute import compute
from devops_workbook.artifacts.terraform.aws.data import data
from devops_workbook.artifacts.terraform.aws.dns import dns, global_region
from devops_workbook.artifacts.terraform.aws.edge import edge
from devops_workbook.artifacts.terraform.aws.front import front
from devops_workbook.artifacts.terraform.aws.identity import identity
from devops_workbook.artifacts.terraform.aws.labels import TO_SET, TO_SET_ONCE, locals_of, root_variables, second_region
from devops_workbook.artifacts.terraform.aws.network import network
from devops_workbook.artifacts.terraform.aws.observability import observability
from devops_workbook.artifacts.terraform.aws.operations import operations
from devops_workbook.artifacts.terraform.aws.placed import AWS
from devops_workbook.artifacts.terraform.aws.secrets import secrets
from devops_workbook.artifacts.terraform.aws.security import security
from devops_workbook.artifacts.terraform.aws.shared import shared
from devops_workbook.artifacts.terraform.aws.tools import tools
from devops_workbook.artifacts.terraform.configuration import Configuration, Once
from devops_workbook.artifacts.terraform.hcl import Block, Nested, raw
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["TO_SET", "TO_SET_ONCE", "UNBUILT", "configuration", "once", "raised"]

# Roles that AWS has no resource for, and why.
UNBUILT: Mapping[str, str] = {
    "metrics": "AWS services report to CloudWatch unasked; a hosted service keeps metrics in its own account",
    "logs": "a hosted service keeps logs in its own account",
    "traces": "a hosted service keeps traces in its own account",
    "dashboards": "a hosted service keeps dashboards in its own account",
}


def configuration(b: Blueprint) -> Configuration:
    """What the environments of a design on AWS have in common."""
    return Configuration(tuple(_calls(b)), root_variables(b), locals_of(b), tuple(_settings(b)), (AWS,), backends(b))


def once(b: Blueprint) -> Sequence[Once]:
    """What is applied once, in the delivery account."""
    return (bootstrap(b), shared(b))


def _calls(b: Blueprint) -> Iterator[Module]:
    """All modules, in the order in which they build on one another."""
    roles, names = identity(b), dns(b)
    keys = [security(b, site) for site in b.sites]
    held = secrets(b, keys)
    networks, stores, entries, watches = (list[Module]() for _ in range(4))
    yield from (roles, names, *keys)
    if held:
        yield held
    for site, secured in zip(b.sites, keys, strict=True):
        networks.append(network(b, site, secured))
        stores.append(data(b, site, networks[-1], secured, stores[0] if stores else None))
        entries.append(edge(b, site, networks[-1], secured, stores[-1], names))
        runs = compute(b, site, networks[-1], secured, stores[-1], entries[-1], roles, held)
        watches.append(observability(b, site, secured, stores[-1], entries[-1], runs))
        yield from (networks[-1], stores[-1], entries[-1], runs, watches[-1])
    yield front(b, names, entries)
    yield audit(b, keys[0], stores)
    yield from _around(b, keys, networks, stores, watches)


def _around(
    b: Blueprint, keys: list[Module], networks: list[Module], stores: list[Module], watches: list[Module]
) -> Iterator[Module]:
    """Backups, the tools that the team runs itself, and the budget."""
    yield backup(b, stores, keys, watches[0])
    if reach := operations(b, networks):
        yield reach
        yield tools(b, reach, networks, keys)
    yield budgets(b, watches[0])


def _settings(b: Blueprint) -> Iterator[Block]:
    """The provider configurations: the first region, the second, and the one that CloudFront reads from."""
    yield _provider(b.sites[0].region.id)
    if second := second_region(b):
        yield _provider(second, alias="second")
    if region := global_region(b):
        yield _provider(region, alias="global")


def _provider(region: str, **alias: str) -> Block:
    return Block("provider", ("aws",), {**alias, "region": region, "default_tags": Nested(tags=raw("local.tags"))})
