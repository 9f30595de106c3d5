"""The way between the networks of two sites, where something at the second reaches a tool at the first.

The connection is made from the second region; the way back stands in a template of its own, for a stack has one region.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.network import Net, machines
from devops_workbook.artifacts.cloudformation.template import Given, Template
from devops_workbook.design.model import Connection

__all__ = ["crossing", "peering"]


def crossing(b: Blueprint) -> list[Connection]:
    """The connections from the second site to the team's tools at the first."""
    tools = {m.id for m in machines(b)}
    return [x for x in b.topology.connections if x.source == "compute-2" and x.target in tools]


def peering(b: Blueprint, net: Net) -> Iterator[Template]:
    """The connection with its routes in the second region, and the routes and rules in the first."""
    _give(b, net)
    present = b.each(lambda e: e.environment == "production")
    there = Template(
        "peering",
        "The way from the second site's network to the first's.",
        ("Over it the second site reaches the tools that stand at the first.",),
        present=present,
    )
    made = there.resource(
        "Peering", "AWS::EC2::VPCPeeringConnection", "network", why="Accepted at once, for both are in one account.",
        VpcId=_given(there, "SecondVpc", "site-2", "Vpc"), PeerVpcId=_given(there, "FirstVpc", "site", "Vpc"),
        PeerRegion=b.sites[0].region.id,
    )  # fmt: skip
    there.output("Peering", made, "The connection.", exported=True)
    _ways(there, net, made, "site-2", _cidr(there, b, 0))
    for i, x in enumerate(crossing(b), 1):
        there.resource(
            f"Out{i}",
            "AWS::EC2::SecurityGroupEgress",
            "compute",
            GroupId=_given(there, "SecondComputeGroup", "site-2", "ComputeGroup"),
            **_rule(x, "to"),
            CidrIp=_cidr(there, b, 0),
        )
    yield there
    back = Template("peering-return", "The way back from the first site's network to the second's.",
                    ("The way back, and what the tools at the first site let in.",), present=present)  # fmt: skip
    link = _given(back, "Peering", "peering", "Peering")
    _ways(back, net, link, "site", _cidr(back, b, 1))
    for i, x in enumerate(crossing(b), 1):
        group = _given(back, f"{x.target.capitalize()}Group", "site", f"{x.target.capitalize()}Group")
        back.resource(f"In{i}", "AWS::EC2::SecurityGroupIngress", x.target, GroupId=group, **_rule(x, "from"),
                      CidrIp=_cidr(back, b, 1))  # fmt: skip
    yield back


def _give(b: Blueprint, net: Net) -> None:
    """Makes a site give what the peering takes: its network, its tables, the groups at the ends."""
    t = net.template
    given = [net.vpc.att(""), *(table.att("") for table in net.tables["app"]), net.group("compute")]
    for attribute in (*given, *(net.group(x.target) for x in crossing(b))):
        name = attribute.resource
        t.output(name, t.offered(attribute).value, f"{name}, for the peering.", exported=True)


def _given(t: Template, name: str, root: str, output: str) -> Any:
    return t.parameter(
        f"{name}Id", "String", f"{output} of the stack {root}.", Given(root, output), pattern="^[a-z]+-.+$"
    )


def _cidr(t: Template, b: Blueprint, site: int) -> Any:
    region = b.sites[site].region.id
    return t.parameter("OtherCidr", "String", "Address block of the network at the other end.",
                       b.at(b.sites[site], lambda e: b.network(e.environment, region).cidr),
                       pattern=r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$")  # fmt: skip


def _ways(t: Template, net: Net, link: Any, root: str, cidr: Any) -> None:
    for i in range(1, len(net.tables["app"]) + 1):
        table = _given(t, f"Routes{i}", root, f"ApplicationRoutes{i}")
        t.resource(f"Route{i}", "AWS::EC2::Route", "network", RouteTableId=table, DestinationCidrBlock=cidr,
                   VpcPeeringConnectionId=link)  # fmt: skip


def _rule(x: Connection, way: str) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": x.port, "ToPort": x.port, "Description": f"{x.label} {way} the other site"}
