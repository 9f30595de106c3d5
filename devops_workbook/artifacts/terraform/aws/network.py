"""The network of a site: Amazon VPC, its subnets and ways out, flow logs, and who may reach whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Each, Site
from devops_workbook.artifacts.terraform.aws.keys import own_keys
from devops_workbook.artifacts.terraform.aws.logs import log_group
from devops_workbook.artifacts.terraform.aws.placed import named, placed, tags
from devops_workbook.artifacts.terraform.aws.policies import allow, role, trust
from devops_workbook.artifacts.terraform.aws.reach import Rule, attached, gateway_services, rules
from devops_workbook.artifacts.terraform.aws.reasons import ATTACHED
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["ENDPOINTS", "network"]

_ZONE_LETTERS = '["a", "b", "c", "d", "e", "f"]'
_WHY = "infrastructure.network"
# What is asked for most often first: the plan counts how many of them a zone has.
ENDPOINTS = ("secretsmanager", "logs", "ecr.api", "ecr.dkr", "kms", "monitoring", "sts", "sqs")


def network(b: Blueprint, site: Site, security: Module) -> Module:
    """The network of a site. Puts out network_id, cidr, the subnets by tier, the route tables of the application
    subnets, and security_group_ids by component."""
    about = (
        "A VPC with the subnets of the address plan, in the order of the zones. Internet traffic leaves the "
        "application subnets through NAT gateways, one in each zone that is used; S3 and DynamoDB are reached through "
        "gateway endpoints, other services through interface endpoints where the plan has them. The data subnets have "
        "no route out.",
        "Security groups open what the design connects, and nothing else: see reach.tf.",
    )
    m = placed(b, "network", "Network", about, site)
    vpc = _vpc(b, m, site)
    subnets = {tier: _subnets(b, m, site, vpc, tier) for tier in _tiers(b, site)}
    _ways_out(b, m, site, vpc, subnets)
    _flow_log(b, m, security, vpc)
    groups = {id: _security_group(b, m, vpc, id) for id in attached(b)}
    _endpoints(b, m, vpc, subnets["app"], groups)
    for rule in rules(b):
        _open(b, m, rule, groups)
    _outputs(m, vpc, subnets, groups)
    return m


def _outputs(m: Module, vpc: Ref, subnets: Mapping[str, Ref], groups: Mapping[str, Ref]) -> None:
    m.output("network_id", vpc.id, "The VPC.", exported=True)
    m.output("cidr", vpc.cidr_block, "Its address block.")
    for tier in ("public", "app", "data"):
        # A network of two tiers keeps its data in the application subnets.
        ids = raw(f"{subnets.get(tier, subnets['app'])}[*].id")
        m.output(f"{tier}_subnet_ids", ids, f"Subnets for the {tier} tier, one a zone.", exported=True)
    m.output("app_subnets", Ref("var.app_subnets"), "Address blocks of the application subnets.")
    m.output("app_route_table_ids", raw("aws_route_table.app[*].id"), "Route tables of the application subnets.")
    m.output("security_group_ids", {id: group.id for id, group in groups.items()}, "Security groups by component.")
    m.output("flow_log_group", raw("aws_cloudwatch_log_group.flow.name"), "Where the flow log is written.")


# --- VPC and subnets -------------------------------------------------------------------------------------


def _planned(b: Blueprint, site: Site, value: Callable[[Any], Any]) -> Each:
    """Something of the address plan in every environment that has the site."""
    return b.at(site, lambda e: value(b.network(e.environment, site.region.id)))


def _tiers(b: Blueprint, site: Site) -> Sequence[str]:
    plan = b.network("production", site.region.id)
    return list(dict.fromkeys(s.tier for s in plan.subnets))


def _vpc(b: Blueprint, m: Module, site: Site) -> Ref:
    cidr = m.variable(
        "cidr", "string", "Address block of the network.", _planned(b, site, lambda n: n.cidr),
        why="From the address plan; no two environments or regions overlap.",
        checks=[("can(cidrhost(var.cidr, 0))", "cidr must be an IPv4 block such as 10.0.0.0/16.")],
    )  # fmt: skip
    here = m.data("aws_region", "current").name
    m.data(
        "aws_availability_zones", "available", state="available",
        filter=Nested(name="zone-name", values=Noted(
            raw(f'formatlist("%s%s", {here}, {_ZONE_LETTERS})'), "Zones of the region itself, no local ones.")),
    )  # fmt: skip
    vpc = m.resource(
        "aws_vpc", "this", "network", why=b.why(_WHY), cidr_block=cidr, enable_dns_support=True,
        enable_dns_hostnames=True, tags=tags(b, m, "network", Name=Ref("var.name")),
    )  # fmt: skip
    m.resource(
        "aws_default_security_group", "this", "network", why="Nobody uses it, so it lets nothing through.",
        vpc_id=vpc.id, tags=tags(b, m, "network", Name=named("unused")),
    )  # fmt: skip
    return vpc


def _subnets(b: Blueprint, m: Module, site: Site, vpc: Ref, tier: str) -> Ref:
    cidrs = m.variable(
        f"{tier}_subnets", "list(string)", f"Address blocks of the {_TOLD[tier]} subnets, one a zone.",
        _planned(b, site, lambda n: [s.cidr for s in n.subnets if s.tier == tier]),
        why=_sized(b, site, tier),
        checks=[(f"alltrue([for c in var.{tier}_subnets : can(cidrhost(c, 0))])",
                 f"{tier}_subnets must be IPv4 blocks such as 10.0.0.0/20.")],
    )  # fmt: skip
    zones = raw("data.aws_availability_zones.available.names[count.index]")
    cluster = b.provider.services[b.component("compute").service].kind == "kubernetes"
    role = {"public": "kubernetes.io/role/elb", "app": "kubernetes.io/role/internal-elb"}.get(tier)
    more = {role: "1"} if cluster and role else {}
    return m.resource(
        "aws_subnet", tier, f"subnet-{tier}", count=raw(f"length({cidrs})"), vpc_id=vpc.id,
        cidr_block=raw(f"{cidrs}[count.index]"), availability_zone=zones, map_public_ip_on_launch=False,
        tags=tags(b, m, f"subnet-{tier}", Name=raw(f'"${{var.name}}-{tier}-${{count.index + 1}}"'), **more),
        lifecycle=Nested(ignore_changes=[raw("availability_zone")]),
    )  # fmt: skip


_TOLD = {"public": "public", "app": "application", "data": "data"}


def _sized(b: Blueprint, site: Site, tier: str) -> str:
    plan = b.network("production", site.region.id)
    needed = next(s for s in plan.subnets if s.tier == tier)
    spare = " A load balancer asks for two zones, even where machines run in one." if len(plan.subnets) and \
        b.component("compute").zones == 1 else ""  # fmt: skip
    return f"The planned peak needs {needed.needed} addresses in each, {needed.usable} are there.{spare}"


# --- ways out --------------------------------------------------------------------------------------------


def _ways_out(b: Blueprint, m: Module, site: Site, vpc: Ref, subnets: Mapping[str, Ref]) -> None:
    zones = m.variable(
        "zones", "number", "Zones in which machines run; each has a NAT gateway.", b.at(site, lambda e: e.zones),
        why=b.why("disaster_recovery.high_availability"),
        checks=[("var.zones >= 1 && var.zones <= length(var.public_subnets)",
                 "zones must be at least 1 and have a public subnet each.")],
    )  # fmt: skip
    gateway = m.resource("aws_internet_gateway", "this", "network", vpc_id=vpc.id,
                         tags=tags(b, m, "network", Name=Ref("var.name")))  # fmt: skip
    out = m.resource(
        "aws_route_table", "public", "subnet-public", vpc_id=vpc.id,
        route=Nested(cidr_block="0.0.0.0/0", gateway_id=gateway.id),
        tags=tags(b, m, "subnet-public", Name=named("public")),
    )  # fmt: skip
    _associate(m, "public", out.id, subnets)
    nat = _nat(b, m, zones)
    m.resource(
        "aws_route_table", "app", "subnet-app", count=raw("length(var.app_subnets)"), vpc_id=vpc.id,
        why="Every zone leaves through its own NAT gateway, so that losing a zone takes no other with it.",
        tags=tags(b, m, "subnet-app", Name=raw('"${var.name}-app-${count.index + 1}"')),
    )  # fmt: skip
    m.resource(
        "aws_route", "app", "subnet-app", count=raw("length(var.app_subnets)"),
        route_table_id=raw("aws_route_table.app[count.index].id"), destination_cidr_block="0.0.0.0/0",
        nat_gateway_id=raw(f"{nat}[min(count.index, var.zones - 1)].id"),
    )  # fmt: skip
    _associate(m, "app", raw("aws_route_table.app[count.index].id"), subnets)
    if "data" in subnets:
        closed = m.resource(
            "aws_route_table", "data", "subnet-data", why="No route leads out of the network.", vpc_id=vpc.id,
            tags=tags(b, m, "subnet-data", Name=named("data")),
        )  # fmt: skip
        _associate(m, "data", closed.id, subnets)


def _associate(m: Module, tier: str, table: Ref, subnets: Mapping[str, Ref]) -> None:
    m.resource(
        "aws_route_table_association", tier, f"subnet-{tier}", count=raw(f"length(var.{tier}_subnets)"),
        subnet_id=raw(f"{subnets[tier]}[count.index].id"), route_table_id=table,
    )  # fmt: skip


def _nat(b: Blueprint, m: Module, zones: Ref) -> Ref:
    label = raw('"${var.name}-nat-${count.index + 1}"')
    address = m.resource(
        "aws_eip", "nat", "nat", count=zones, domain="vpc", tags=tags(b, m, "nat", Name=label),
    )  # fmt: skip
    return m.resource(
        "aws_nat_gateway", "this", "nat", count=zones, allocation_id=raw(f"{address}[count.index].id"),
        subnet_id=raw("aws_subnet.public[count.index].id"), tags=tags(b, m, "nat", Name=label),
        depends_on=[raw("aws_internet_gateway.this")],
    )  # fmt: skip


# --- endpoints -------------------------------------------------------------------------------------------


def _endpoints(b: Blueprint, m: Module, vpc: Ref, app: Ref, groups: Mapping[str, Ref]) -> None:
    for service in gateway_services(b):
        m.resource(
            "aws_vpc_endpoint", service, "subnet-app", file="endpoints", vpc_id=vpc.id, vpc_endpoint_type="Gateway",
            why="Free, and keeps the traffic off the NAT gateways.",
            service_name=template("com.amazonaws.", raw("data.aws_region.current.name"), f".{service}"),
            route_table_ids=raw("aws_route_table.app[*].id"),
            tags=tags(b, m, "subnet-app", Name=named(service)),
        )  # fmt: skip
    if not b.has("endpoints"):
        return
    count = b.component("endpoints").count // max(1, b.component("endpoints").zones)
    m.resource(
        "aws_vpc_endpoint", "interface", "endpoints", file="endpoints", why=b.why(_WHY),
        for_each=call("toset", list(ENDPOINTS[:count])), vpc_id=vpc.id,
        vpc_endpoint_type="Interface", private_dns_enabled=True,
        service_name=template("com.amazonaws.", raw("data.aws_region.current.name"), ".", raw("each.value")),
        subnet_ids=raw(f"slice({app}[*].id, 0, var.zones)"), security_group_ids=[groups["endpoints"].id],
        tags=tags(b, m, "endpoints", Name=template(raw("var.name"), "-", raw("each.value"))),
    )  # fmt: skip


# --- flow log --------------------------------------------------------------------------------------------


def _flow_log(b: Blueprint, m: Module, security: Module, vpc: Ref) -> None:
    key = None
    if own_keys(b):
        key = m.variable("logs_key_id", "string", "The key that encrypts logs.", security.wire("logs_key_id"),
                         why=b.why("infrastructure.security"))  # fmt: skip
    group = log_group(b, m, "flow", "network", named("flow"), key, file="flow_log", tags=tags(b, m, "network"))
    writer = role(
        m, "flow_log", "network", named("flow-log"), trust("vpc-flow-logs.amazonaws.com"),
        allow("cloudwatch-logs", "write", template(group.arn, ":*")), file="flow_log", tags=tags(b, m, "network"),
    )  # fmt: skip
    m.resource(
        "aws_flow_log", "this", "network", file="flow_log", why=b.why("security.network"), vpc_id=vpc.id,
        traffic_type="ALL", log_destination=group.arn, iam_role_arn=writer.arn, tags=tags(b, m, "network"),
    )  # fmt: skip


# --- who may reach whom ----------------------------------------------------------------------------------

_TITLES = {
    "entry": "load balancer", "compute": "compute", "database": "database", "cache": "cache",
    "endpoints": "interface endpoints",
}  # fmt: skip


def _security_group(b: Blueprint, m: Module, vpc: Ref, id: str) -> Ref:
    return m.resource(
        "aws_security_group", id, id, file="reach", name=named(id),
        description=f"What the {_TITLES[id]} may reach and be reached by", vpc_id=vpc.id,
        tags=tags(b, m, id, Name=named(id)), lifecycle=Nested(create_before_destroy=True),
        skips={} if id == "endpoints" else {"CKV2_AWS_5": ATTACHED},
    )  # fmt: skip


def _open(b: Blueprint, m: Module, rule: Rule, groups: Mapping[str, Ref]) -> None:
    """The rules of a connection: at each of its ends that stands in the network."""
    name = f"{rule.source}_to_{rule.target}"
    if rule.target in groups:
        _side(b, m, "ingress", name, rule, rule.target, rule.source, groups)
    if rule.source in groups:
        _side(b, m, "egress", name, rule, rule.source, rule.target, groups)


def _side(
    b: Blueprint, m: Module, side: str, name: str, rule: Rule, own: str, peer: str, groups: Mapping[str, Ref]
) -> None:
    m.resource(
        f"aws_vpc_security_group_{side}_rule", name, own, file="reach", security_group_id=groups[own].id,
        **_peer(m, peer, groups), ip_protocol="tcp", from_port=rule.port, to_port=rule.port,
        description=rule.label, tags=tags(b, m, own),
    )  # fmt: skip


def _peer(m: Module, peer: str, groups: Mapping[str, Ref]) -> Mapping[str, Any]:
    if peer in groups:
        return {"referenced_security_group_id": groups[peer].id}
    return _OUTSIDE[peer](m)


def _clients(m: Module) -> Mapping[str, Any]:
    ranges = m.variable(
        "client_cidrs", "list(string)", "Address ranges of the company network, from which users come.",
        raw("var.client_cidrs"),
        checks=[("alltrue([for c in var.client_cidrs : can(cidrhost(c, 0))])", "client_cidrs must be IPv4 ranges.")],
    )  # fmt: skip
    return {"for_each": raw(f"toset({ranges})"), "cidr_ipv4": raw("each.value")}


def _cdn(m: Module) -> Mapping[str, Any]:
    listed = m.data("aws_ec2_managed_prefix_list", "cloudfront", file="reach",
                    name="com.amazonaws.global.cloudfront.origin-facing")  # fmt: skip
    return {"prefix_list_id": Noted(listed.id, "Where CloudFront comes from when it asks an origin.")}


def _gateway(service: str) -> Callable[[Module], Mapping[str, Any]]:
    return lambda _: {"prefix_list_id": Ref(f"aws_vpc_endpoint.{service}").prefix_list_id}


_OUTSIDE: Mapping[str, Callable[[Module], Mapping[str, Any]]] = {
    "internet": lambda _: {"cidr_ipv4": "0.0.0.0/0"},
    "clients": _clients,
    "cdn": _cdn,
    "s3": _gateway("s3"),
    "dynamodb": _gateway("dynamodb"),
}
