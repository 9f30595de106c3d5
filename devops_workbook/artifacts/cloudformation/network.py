"""The network of one site: subnets in tiers and zones, the ways out, and who may reach whom.

Addresses are those of the plan. Who may reach whom is read from the connections of the design and from nothing else:
each is one rule where it leaves and one where it arrives, described by its label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Each, Site
from devops_workbook.artifacts.cloudformation.common import NOT_TOLD, in_zone, key, log_group, role
from devops_workbook.artifacts.cloudformation.template import (
    ACCOUNT,
    REGION,
    Condition,
    Given,
    Output,
    Resource,
    Template,
    by_site,
    choose,
    fn,
    join,
    policy,
    select,
    statement,
    sub,
)
from devops_workbook.artifacts.yaml import Fn, Noted
from devops_workbook.design.model import Component, Connection

__all__ = ["MOST_MACHINES", "Net", "machines", "network", "runs_itself", "subnets", "tool_condition"]

MOST_MACHINES = 25
"""The most machines of one tool: a template lists them one by one, each with disk, attachment and alarm, and may have
500 resources (docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html, 2026-11)."""

_CIDR = r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$"
_ANYWHERE = "0.0.0.0/0"
_SERVICE = 8443
_CLIENTS = ("users", "waf", "cdn")
_TIERS = {"public": "Public", "app": "Application", "data": "Data"}


@dataclass
class Net:
    """The template, and what others take of it. groups: security groups by component (id at the first site)."""

    template: Template
    vpc: Resource
    lists: dict[str, Output] = field(default_factory=dict)
    groups: dict[str, Resource] = field(default_factory=dict)
    tables: dict[str, list[Resource]] = field(default_factory=dict)

    def group(self, component: str) -> Any:
        """The id of a component's security group."""
        return self.groups[component].att("GroupId")

    def subnets(self, tier: str) -> Output:
        """Ids of the subnets of a tier; what belongs to the data tier stands with the application "
        "where there is none."""
        return self.lists.get(tier) or self.lists["app"]


def machines(b: Blueprint) -> tuple[Component, ...]:
    """The tools that the team runs itself, on machines in the network, by their ids at the first site; without those
    that are more than a stack can hold."""
    tools = (c for c in b.topology.components if runs_itself(b, c) and c.count <= MOST_MACHINES)
    return tuple(c for c in tools if not c.id.endswith("-2"))


def runs_itself(b: Blueprint, component: Component) -> bool:
    """Whether a component is a tool on machines that the team keeps."""
    return bool(component.service in b.catalog.tools and component.sku and component.region)


def subnets(b: Blueprint, site: Site, tier: str) -> Each:
    """The address blocks of a tier by environment, zone by zone."""
    return b.at(site, lambda e: [s.cidr for s in b.network(e.environment, site.region.id).subnets if s.tier == tier])


def _of_tier(b: Blueprint, tier: str, site: Site) -> Each:
    return subnets(b, site, tier)


def network(b: Blueprint) -> Net:
    """The network's template, for all sites; what differs between them are the values of its parameters."""
    t = Template(
        "network",
        "Network of one site: subnets, routes, endpoints and the rules between components.",
        (
            "The network of one site. Every component has a security group of its own, and the rules "
            "are the connections "
            "of the design: nothing is open that is not one.",
        ),
        sites=len(b.sites),
    )
    cidr = t.parameter("NetworkCidr", "String", "Address block of the network.",
                       by_site(b, lambda s: b.at(s, lambda e: b.network(e.environment, s.region.id).cidr)),
                       why=b.why("infrastructure.network"), pattern=_CIDR)  # fmt: skip
    vpc = t.resource("Vpc", "AWS::EC2::VPC", "network", why=b.why("infrastructure.network"), CidrBlock=cidr,
                     EnableDnsSupport=True, EnableDnsHostnames=True)  # fmt: skip
    net = Net(t, vpc)
    _tiers(t, b, net)
    _ways_out(t, b, net)
    _groups(t, b, net)
    _endpoints(t, b, net)
    _flow_logs(t, b, net)
    return net


# --- subnets and routes ----------------------------------------------------------------------------------


def _tiers(t: Template, b: Blueprint, net: Net) -> None:
    plan = b.network("production", b.sites[0].region.id).subnets
    for tier, title in _TIERS.items():
        count = sum(1 for s in plan if s.tier == tier)
        if not count:
            continue
        blocks = t.parameter(f"{title}Cidrs", "CommaDelimitedList", f"Address blocks of the {title.lower()} subnets, "
                             "one a zone.", by_site(b, partial(_of_tier, b, tier)))  # fmt: skip
        made = [_subnet(t, b, net, tier, title, blocks, i) for i in range(count)]
        net.lists[tier] = t.output(f"{title}Subnets", join(",", made), f"Ids of the {title.lower()} subnets.",
                                   "List<AWS::EC2::Subnet::Id>")  # fmt: skip
        if tier == "app":
            net.lists["in-use"] = t.output(
                "ApplicationSubnetsInUse",
                _first_zones(t, b, made),
                "Ids of the application subnets in the zones in use.",
                "List<AWS::EC2::Subnet::Id>",
            )
        net.tables[tier] = _tables(t, b, net, tier, title, made)


def _first_zones(t: Template, b: Blueprint, made: list[Resource]) -> Any:
    """The subnets of the zones that machines stand in, one string."""
    return join(",", [made[0], *(choose(in_zone(t, b, n), made[n - 1]) for n in range(2, len(made) + 1))])


def _subnet(t: Template, b: Blueprint, net: Net, tier: str, title: str, blocks: Fn, index: int) -> Resource:
    boundary = b.part(f"subnet-{tier}") or "subnet-app"
    return t.resource(
        f"{title}Subnet{index + 1}", "AWS::EC2::Subnet", boundary, VpcId=net.vpc,
        CidrBlock=select(index, blocks),
        AvailabilityZone=select(index, fn("GetAZs", "")), MapPublicIpOnLaunch=False,
    )  # fmt: skip


def _tables(t: Template, b: Blueprint, net: Net, tier: str, title: str, made: list[Resource]) -> list[Resource]:
    """One table for the public tier and the data tier; one a zone for the application, each with its own gateway."""
    boundary = b.part(f"subnet-{tier}") or "subnet-app"
    each = tier == "app"
    tables = [
        t.resource(f"{title}Routes{i + 1 if each else ''}", "AWS::EC2::RouteTable", boundary, VpcId=net.vpc)
        for i in range(len(made) if each else 1)
    ]
    for i, subnet in enumerate(made):
        t.resource(f"{title}Subnet{i + 1}Routes", "AWS::EC2::SubnetRouteTableAssociation", boundary, SubnetId=subnet,
                   RouteTableId=tables[i if each else 0])  # fmt: skip
    return tables


def _ways_out(t: Template, b: Blueprint, net: Net) -> None:
    gateway = t.resource("InternetGateway", "AWS::EC2::InternetGateway", "network")
    attached = t.resource("InternetAttachment", "AWS::EC2::VPCGatewayAttachment", "network", VpcId=net.vpc,
                          InternetGatewayId=gateway)  # fmt: skip
    t.resource("PublicRoute", "AWS::EC2::Route", "subnet-public", depends=[attached], GatewayId=gateway,
               RouteTableId=net.tables["public"][0], DestinationCidrBlock=_ANYWHERE)  # fmt: skip
    if not b.has("nat"):
        return
    for zone, table in enumerate(net.tables["app"], 1):
        condition = in_zone(t, b, zone)
        address = t.resource(f"NatAddress{zone}", "AWS::EC2::EIP", "nat", condition=condition, depends=[attached],
                             Domain="vpc")  # fmt: skip
        why = "One gateway in every zone, so that the loss of a zone takes no other's way out." if zone == 1 else ""
        made = t.resource(f"Nat{zone}", "AWS::EC2::NatGateway", "nat", why=why, condition=condition,
                          AllocationId=address.att("AllocationId"),
                          SubnetId=Fn("Ref", f"PublicSubnet{zone}"))  # fmt: skip
        t.resource(f"ApplicationRoute{zone}", "AWS::EC2::Route", "nat", condition=condition, NatGatewayId=made,
                   RouteTableId=table, DestinationCidrBlock=_ANYWHERE)  # fmt: skip


# --- who may reach whom ----------------------------------------------------------------------------------


def _inside(b: Blueprint) -> dict[str, Component]:
    """The components that have network interfaces in the network of a site, by their id at the first."""
    gateway = b.component("compute").service != "lambda" and not b.has(
        "intake"
    )  # which reaches machines over a link into the network
    placed = {
        "entry": ("alb", "api-gateway") if gateway else ("alb",),
        "database": ("rds", "aurora"),
        "cache": "elasticache",
        "endpoints": "privatelink",
    }
    found = {id: b.component(id) for id, kinds in placed.items() if b.has(id) and b.component(id).service in kinds}
    return found | {"compute": b.component("compute")} | {c.id: c for c in machines(b)}


def tool_condition(t: Template, b: Blueprint, id: str) -> Condition | None:
    """Where the machines of a tool are: in production, and at the first site unless there is one at each. None = the
    component is no tool."""
    if id not in {m.id for m in machines(b)}:
        return None
    only = t.condition("IsProduction", fn("Equals", t.environment, "production"),
                       b.each(lambda e: e.environment == "production"))  # fmt: skip
    return t.both(None if b.has(f"{id}-2") else t.primary, only)


def _groups(t: Template, b: Blueprint, net: Net) -> None:
    inside = _inside(b)
    for id in inside:
        net.groups[id] = t.resource(
            f"{_camel(id)}Group", "AWS::EC2::SecurityGroup", id, VpcId=net.vpc, condition=tool_condition(t, b, id),
            GroupDescription=sub(f"Interfaces of {id} at ", t.name_parameter),
            SecurityGroupEgress=[Noted({"CidrIp": "127.0.0.1/32", "IpProtocol": "-1",
                                        "Description": "Nothing but what the rules below say"},
                                       "Takes the place of the rule that lets everything out.")],
        )  # fmt: skip
    for connection in b.topology.connections:
        if connection.source.endswith("-2") or connection.target.endswith("-2"):
            continue  # the second site has the same template
        _rules(t, b, net, connection, inside)


def _rules(t: Template, b: Blueprint, net: Net, c: Connection, inside: Mapping[str, Component]) -> None:
    if c.source == "entry" and c.target == "intake" and b.component("entry").service == "alb":
        # A balancer cannot write to a queue: the service accepts the request and queues the work.
        c = replace(c, target="compute", port=_SERVICE)
    stem = f"{_camel(c.source)}To{_camel(c.target)}"
    where = t.both(tool_condition(t, b, c.source), tool_condition(t, b, c.target)) if c.source != c.target else None
    if c.target in inside:
        for i, source in enumerate(_sources(t, b, net, c, inside)):
            t.resource(
                f"{stem}In{i or ''}",
                "AWS::EC2::SecurityGroupIngress",
                c.target,
                condition=where,
                GroupId=net.group(c.target),
                **_rule(c, f"from {c.source}"),
                **source,
            )
    if c.source in inside:
        target = (
            {"DestinationSecurityGroupId": net.group(c.target)} if c.target in inside else {"CidrIp": _ANYWHERE}
        )  # fmt: skip
        if c.target in inside or c.target in ("nat", *_managed(b, c)):
            t.resource(
                f"{stem}Out",
                "AWS::EC2::SecurityGroupEgress",
                c.source,
                condition=where,
                GroupId=net.group(c.source),
                **_rule(c, f"to {c.target}"),
                **target,
            )


def _managed(b: Blueprint, c: Connection) -> tuple[str, ...]:
    """A target outside the network that the source calls itself: a machine calls it, or functions of the entry."""
    machine = c.source in {m.id for m in machines(b)}
    return (c.target,) if machine or (c.source == "compute" and not b.has("nat")) else ()


def _rule(c: Connection, who: str) -> dict[str, Any]:
    port = 443 if c.port == 0 else c.port
    label = re.sub(r"[^A-Za-z0-9 ._:/()#,@+=;{}!$*-]", "-", c.label)
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "Description": f"{label} {who}"[:255]}


def _sources(
    t: Template, b: Blueprint, net: Net, c: Connection, inside: Mapping[str, Component]
) -> Iterator[dict[str, Any]]:  # fmt: skip
    if c.source in inside:
        yield {"SourceSecurityGroupId": net.group(c.source)}
    elif c.source in _CLIENTS and c == next(x for x in b.incoming(c.target) if x.source in _CLIENTS):
        yield _clients(t, b)  # the first of them: the picture of a recovery says the same way once more


def _clients(t: Template, b: Blueprint) -> dict[str, Any]:
    """Where requests come from: the CDN, the company network, or anywhere."""
    if b.has("cdn"):
        told = "The addresses of CloudFront towards origins, as this region lists them."
        listed = Given("", "origin-prefix-list")
        return {"SourcePrefixListId": t.parameter("OriginPrefixList", "String", told, listed, pattern="^pl-[0-9a-f]+$")}
    if not b.requirements.public_facing:
        told = "Address range of the company network, from which users come."
        why = f"{NOT_TOLD} the range that the company network uses towards AWS."
        return {"CidrIp": t.parameter("ClientCidr", "String", told, "10.0.0.0/8", why=why, pattern=_CIDR)}
    return {"CidrIp": _ANYWHERE}


# --- endpoints and flow logs -----------------------------------------------------------------------------


def _services(b: Blueprint) -> Iterator[str]:
    """The services that need an interface endpoint, the most used first."""
    if b.component("compute").service in ("ecs", "eks", "ec2"):
        yield from ("ecr.api", "ecr.dkr")
    yield from ("logs", "secretsmanager")
    if b.has("intake"):
        yield "kinesis-streams" if b.component("intake").service == "kinesis" else "sqs"
    yield from ("kms", "sts", "monitoring", "xray")


def _endpoints(t: Template, b: Blueprint, net: Net) -> None:
    tables = [*net.tables["app"], *net.tables.get("data", ())]
    gateways = ["s3", *(["dynamodb"] if b.component("database").service == "dynamodb" else [])]
    for service in gateways:
        t.resource(
            f"{_camel(service)}Endpoint",
            "AWS::EC2::VPCEndpoint",
            "endpoints" if b.has("endpoints") else "network",
            why="Gateway endpoints cost nothing.",
            VpcId=net.vpc,
            VpcEndpointType="Gateway",
            ServiceName=sub("com.amazonaws.", REGION, f".{service}"),
            RouteTableIds=tables,
        )
    if not b.has("endpoints"):
        return
    planned = b.component("endpoints")
    for service in list(_services(b))[: planned.count // max(1, planned.zones)]:
        t.resource(
            f"{_camel(service)}Endpoint",
            "AWS::EC2::VPCEndpoint",
            "endpoints",
            VpcId=net.vpc,
            VpcEndpointType="Interface",
            PrivateDnsEnabled=True,
            ServiceName=sub("com.amazonaws.", REGION, f".{service}"),
            SubnetIds=_in_use(t, b),
            SecurityGroupIds=[net.group("endpoints")],
            PolicyDocument=policy(
                statement(
                    ["*"],
                    Noted("*", "Of any service and resource, but for principals of this account alone."),
                    Principal={"AWS": "*"},
                    Condition={"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
                )
            ),
        )


def _in_use(t: Template, b: Blueprint) -> list[Any]:
    """The application subnets of the zones that are in use."""
    plan = b.network("production", b.sites[0].region.id).subnets
    count = sum(1 for s in plan if s.tier == "app")
    return [choose(in_zone(t, b, i), Fn("Ref", f"ApplicationSubnet{i}")) for i in range(1, count + 1)]


def _flow_logs(t: Template, b: Blueprint, net: Net) -> None:
    logs = log_group(
        t, b, "FlowLogs", "network", sub("/", t.name_parameter, "/network", *t.site_suffix), key(t, b, "logs")
    )
    writes = role(
        t,
        "FlowLogsRole",
        "network",
        "vpc-flow-logs.amazonaws.com",
        [statement(["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], logs.arn)],
    )
    t.resource(
        "FlowLog",
        "AWS::EC2::FlowLog",
        "network",
        ResourceId=net.vpc,
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogGroupName=logs,
        DeliverLogsPermissionArn=writes.arn,
    )


def _camel(id: str) -> str:
    return "".join(part.capitalize() for part in re.split(r"[-.]", id))
