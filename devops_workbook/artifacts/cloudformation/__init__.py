"""CloudFormation for a design on Amazon Web Services.

Every environment has an account of its own. Its stacks are few and each has a life of its own: the account's roles, the
zone of its names, the foundation of a region (keys, files, backups), a site, and what stands before the sites. A site
is a root that nests a template for every topic; both sites have the same templates, and all environments do, so that
only the files in environments/ tell them apart. `deploy.sh` deploys them in order and passes on what one gives the
next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint, Each
from devops_workbook.artifacts.cloudformation.backup import backup
from devops_workbook.artifacts.cloudformation.budgets import budgets
from devops_workbook.artifacts.cloudformation.common import second_region, tag
from devops_workbook.artifacts.cloudformation.compute import compute
from devops_workbook.artifacts.cloudformation.data import data
from devops_workbook.artifacts.cloudformation.edge import edge
from devops_workbook.artifacts.cloudformation.foundation import foundation, foundation_present
from devops_workbook.artifacts.cloudformation.front import front, zone
from devops_workbook.artifacts.cloudformation.guide import guide
from devops_workbook.artifacts.cloudformation.network import MOST_MACHINES, Net, machines, network, runs_itself
from devops_workbook.artifacts.cloudformation.observability import observability, raised
from devops_workbook.artifacts.cloudformation.peering import crossing, peering
from devops_workbook.artifacts.cloudformation.security import security
from devops_workbook.artifacts.cloudformation.shared import account, bootstrap, shared
from devops_workbook.artifacts.cloudformation.stacks import (
    Stack,
    parameters_of,
    stack_artifacts,
    stack_traces,
    template_artifacts,
)
from devops_workbook.artifacts.cloudformation.template import Template
from devops_workbook.artifacts.cloudformation.tools import names, tools
from devops_workbook.artifacts.model import Infrastructure, Trace, Unbuilt
from devops_workbook.design.model import Component

__all__ = ["TO_SET", "UNBUILT", "cloudformation", "stacks"]

TO_SET = (
    ("DeliveryAccount", "the AWS account that holds registry and pipeline identity"),
    ("DomainName", "the name under which users reach the environment, in a zone that the team can delegate"),
    ("NotificationAddress", "the mail address that alarms and budget warnings go to"),
    ("ClientCidr", "the address range of the company network, where only that may come in"),
    ("ImageTag", "the release that runs"),
    ("ImageRepository", "the image's name at the source host's registry, where images are kept there"),
    ("ProductionAccount", "the AWS accounts of the environments"),
    ("Repository", "the repository whose pipelines may work here"),
    ("Issuer", "the address of the source host or build server that vouches for pipelines, where it is your own"),
)
"""Parameters that nobody has told us the value of, and what they are."""

UNBUILT: Mapping[str, str] = {
    "metrics": "AWS services report to CloudWatch unasked; a hosted service keeps metrics in its own account",
    "logs": "a hosted service keeps logs in its own account",
    "traces": "a hosted service keeps traces in its own account",
    "dashboards": "a hosted service keeps dashboards in its own account",
    "users": "people and programs outside the design",
    "source_host": "the source host is set up where it lives; its repositories are not infrastructure",
    "pipeline": "pipelines are files of the repository; the identity they work under is in the stack shared",
    "transfer": "a charge for bytes that leave, not a resource",
    "alerting": "the paging service is set up in its own console; alarms reach it by the address they notify",
}
"""Roles of components that there may be no resource for, and why."""

_STEPS = (
    ("Deploy what all environments share, signed in to the delivery account.", "infrastructure/deploy.sh shared"),
    ("Deploy the environments, the least important first, each signed in to its own account. The second README says "
     "what must be delegated in between.",
     "\n".join(f"infrastructure/deploy.sh {folder}" for folder in ("dev", "staging", "production"))),
)  # fmt: skip
_GLOBAL = "us-east-1"  # from where CloudFront, its firewall and the watch over costs are read


def cloudformation(b: Blueprint) -> Infrastructure:
    """The CloudFormation code of a design: its files and what implements what.

    Raises ValueError if a component has neither a resource nor a reason why it has none.
    """
    all_of_them = stacks(b)
    traces = tuple(stack_traces(b, all_of_them))
    artifacts = [
        *template_artifacts(all_of_them),
        *stack_artifacts(b, all_of_them, _tags(b)),
        *guide(b, all_of_them, TO_SET),
    ]
    names = {p for stack in all_of_them for p in parameters_of(stack)}
    to_set = tuple((name, what) for name, what in TO_SET if name in names)
    return Infrastructure(tuple(artifacts), traces, tuple(_unbuilt(b, traces)), to_set, _STEPS,
                          tuple(raised(b)))  # fmt: skip


def stacks(b: Blueprint) -> tuple[Stack, ...]:
    """The stacks in the order in which they are deployed."""
    return tuple(_stacks(b))


def _stacks(b: Blueprint) -> Iterator[Stack]:
    always = b.each(lambda _: True)
    first = b.sites[0].region.id
    yield Stack("bootstrap", "bootstrap", "The bucket for templates.", (bootstrap(),), first, always)
    yield Stack("shared", "shared", "Registry and pipeline identity.", (shared(b),), first, always, once=True)
    yield Stack("account", "account", "Roles of the pipeline.", (account(b),), first, always)
    yield Stack("domain", "domain", "The zone of the names.", (zone(b),), first, always)
    base = foundation(b)
    if second := second_region(b):
        yield Stack("foundation-2", "foundation", base.title, (base,), second, foundation_present(b), "-2")
    yield Stack("foundation", "foundation", base.title, (base,), first, always)
    net = network(b)
    site = Stack("site", "site", "One site: everything that serves in one region.", tuple(_site(b, net)), first, always)
    yield site
    if len(b.sites) > 1:
        here = b.sites[1]
        yield replace(site, name="site-2", region=here.region.id, present=b.present(here), suffix="-2")
        if crossing(b):
            there, back = peering(b, net)
            yield Stack("peering", "peering", there.title, (there,), here.region.id, _production(b))
            yield Stack("peering-return", "peering-return", back.title, (back,), first, _production(b))
    yield Stack(
        "global", "global", "What stands before the sites, and the budget.", (front(b), budgets(b)), _GLOBAL, always
    )


def _production(b: Blueprint) -> Each:
    return b.each(lambda e: e.environment == "production")


def _site(b: Blueprint, net: Net) -> Iterator[Template]:
    """The templates of a site, in the order in which they build on one another."""
    secured = security(b)
    stored = data(b, net)
    entry = edge(b, net, stored)
    running = compute(b, net, stored, entry)
    watch = observability(b, stored, entry, running)
    yield from (secured, net.template, stored.template, entry.template, running.template, watch)
    if b.has("backup"):
        yield backup(b, stored)
    if machines(b):
        private = names(b, net)
        yield private
        yield from tools(b, net, private)


def _tags(b: Blueprint) -> dict[str, Each]:
    """The tags of every stack, which CloudFormation hands on to everything in it."""
    r = b.requirements
    same = {"owner": tag(r.owner), "cost-centre": tag(r.owner), "data-classification": r.data_sensitivity,
            "scenario": tag(r.name)}  # fmt: skip
    return {"environment": Each({e: e for e in FOLDERS})} | {
        k: Each(dict.fromkeys(FOLDERS, v)) for k, v in same.items()
    }


def _unbuilt(b: Blueprint, traces: tuple[Trace, ...]) -> Iterator[Unbuilt]:
    built = {trace.component for trace in traces}
    for component in b.topology.components:
        if component.id not in built:
            if not (why := _too_many(b, component) or UNBUILT.get(component.role)):
                raise ValueError(
                    f"The component {component.id} ({component.service}) has no resource and no reason why."
                )
            yield Unbuilt(component.id, why)


def _too_many(b: Blueprint, component: Component) -> str:
    if runs_itself(b, component) and component.count > MOST_MACHINES:
        return (
            f"a template lists machines one by one, and {component.count:,} are too many to list; "
            "a managed service, or code in Terraform, has no such limit"
        )
    return ""
