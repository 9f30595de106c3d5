"""The network of the tools that the team runs itself: who may reach them, and the way there from the second region.

The tools stand in production's network alone, and so do their security groups; what the design connects them to is
opened here, at both ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.aws.placed import everywhere, named, tags
from devops_workbook.artifacts.terraform.aws.reach import is_tool
from devops_workbook.artifacts.terraform.aws.reasons import ATTACHED
from devops_workbook.artifacts.terraform.hcl import Nested, Ref, raw
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.design.model import Component, Connection

__all__ = ["operations", "tools_of"]

_SITES = ("first", "second")
_HTTPS = 443


def tools_of(b: Blueprint) -> tuple[Component, ...]:
    """The components that run on machines which the team keeps for its tools."""
    return tuple(c for c in b.topology.components if is_tool(b, c))


def operations(b: Blueprint, networks: Sequence[Module]) -> Module | None:
    """Security groups of the tools, and a peering where something at the second site reaches one at the first; None
    where the team runs no tools. Puts out security_group_ids by component."""
    if not tools_of(b):
        return None
    two = len(networks) > 1
    m = everywhere("operations", "Network of the tools", (
        "Security groups of the tools that the team runs itself: metrics, dashboards and whatever else the design has.",
    ), passed={"aws": "aws", "aws.second": "aws.second"} if two else None,
        present=b.each(lambda e: e.environment == "production"))  # fmt: skip
    net = _Net(b, m, networks)
    groups = {tool.id: net.group(tool) for tool in tools_of(b)}
    for x in b.topology.connections:
        if x.source in groups or x.target in groups:
            net.connect(x, groups)
    if any(net.far(x) for x in b.topology.connections if x.target in groups):
        _peering(b, m, net)
    m.output("security_group_ids", {id: group.id for id, group in groups.items()}, "Security groups by component.")
    return m


@dataclass(frozen=True)
class _Net:
    """The rules as they are being written, at the sites' networks."""

    b: Blueprint
    m: Module
    networks: Sequence[Module]

    def site(self, id: str) -> int:
        """The number of the site at which a component stands."""
        return int(self.b.component(id).region != self.b.sites[0].region.id)

    def wired(self, site: int, output: str, type: str, told: str) -> Ref:
        """An output of a site's network."""
        name = f"{_SITES[site]}_{output}"
        return self.m.variable(name, type, f"{told} of the {_SITES[site]} site.", self.networks[site].wire(output))

    def at(self, site: int) -> Mapping[str, Any]:
        """The provider configuration of a site."""
        return {"provider": raw("aws.second")} if site else {}

    def group(self, tool: Component) -> Ref:
        """The security group of a tool, with what every machine needs."""
        b, m, site, label = self.b, self.m, self.site(tool.id), tool.id.replace("-", "_")
        vpc = self.wired(site, "network_id", "string", "The VPC")
        made = m.resource(
            "aws_security_group",
            label,
            tool.id,
            **self.at(site),
            name=named(tool.id),
            vpc_id=vpc,
            description=f"What the tool {tool.id} may reach and be reached by",
            lifecycle=Nested(create_before_destroy=True),
            tags=tags(b, m, tool.id, Name=named(tool.id)),
            skips={"CKV2_AWS_5": ATTACHED},
        )
        self.rule("egress", f"{label}_out", tool.id, made, {"cidr_ipv4": "0.0.0.0/0"}, _HTTPS,
                  "managed services, packages and images, by endpoints and NAT")  # fmt: skip
        if b.has("endpoints"):
            held = self.wired(site, "security_group_ids", "map(string)", "Security groups")["endpoints"]
            self.rule("ingress", f"{label}_to_endpoints", tool.id, None, {"referenced_security_group_id": made.id},
                      _HTTPS, "managed services", at=held)  # fmt: skip
        if tool.count > 1:
            for side in ("ingress", "egress"):
                self.rule(side, f"{label}_members", tool.id, made, {"referenced_security_group_id": made.id}, None,
                          "its machines among themselves")  # fmt: skip
        return made

    def rule(
        self, side: str, name: str, id: str, group: Ref | None, peer: Mapping[str, Any], port: int | None, label: str,
        *, at: Ref | None = None,
    ) -> None:  # fmt: skip
        """One rule. port None = all of them."""
        ports = {"ip_protocol": "-1"} if port is None else {"ip_protocol": "tcp", "from_port": port, "to_port": port}
        own = at if group is None else group.id
        self.m.resource(
            f"aws_vpc_security_group_{side}_rule", name, id, **self.at(self.site(id)), security_group_id=own, **peer,
            **ports, description=label, tags=tags(self.b, self.m, id),
        )  # fmt: skip

    def far(self, x: Connection) -> bool:
        """Whether it leads from one site to another."""
        return self._opens(x.source) and self.site(x.source) != self.site(x.target)

    def _opens(self, id: str) -> bool:
        """Whether it opens connections of its own; managed services report by themselves, to their own monitoring."""
        return is_tool(self.b, self.b.component(id)) or id in ("compute", "compute-2")

    def connect(self, x: Connection, groups: Mapping[str, Ref]) -> None:
        """A rule at each end that stands in a network."""
        source, target = (x.target, x.source) if x.label in _ASKED_FOR else (x.source, x.target)
        if target not in groups or not self._opens(source):
            return
        name = f"{source}_to_{target}".replace("-", "_")
        near = self.site(source) == self.site(target)
        there, here = groups[target], self._own(source, groups)
        to = {"referenced_security_group_id": there.id} if near else self._subnets(self.site(target))
        by = {"referenced_security_group_id": here} if near else self._subnets(self.site(source))
        self.rule("egress", name, source, None, to, x.port, x.label, at=here)
        self.rule("ingress", name, target, there, by, x.port, x.label)

    def _own(self, id: str, groups: Mapping[str, Ref]) -> Ref:
        if id in groups:
            return groups[id].id
        return self.wired(self.site(id), "security_group_ids", "map(string)", "Security groups")["compute"]

    def _subnets(self, site: int) -> Mapping[str, Any]:
        """Groups of another region cannot be named, its application subnets can."""
        blocks = self.wired(site, "app_subnets", "list(string)", "Address blocks of the application subnets")
        return {"for_each": raw(f"toset({blocks})"), "cidr_ipv4": raw("each.value")}


# Connections along which data comes to the one that asks for it.
_ASKED_FOR = ("queries",)


def _peering(b: Blueprint, m: Module, net: _Net) -> None:
    """The way between the two networks, for what the second site sends to tools of the first."""
    ids = [net.wired(i, "network_id", "string", "The VPC") for i in (0, 1)]
    asked = m.resource(
        "aws_vpc_peering_connection", "this", "network", file="peering", why="Telemetry of the second site comes to "
        "the tools of the first by the provider's own network.", vpc_id=ids[0], peer_vpc_id=ids[1],
        peer_region=b.sites[1].region.id, tags=tags(b, m, "network", Name=named("sites")),
    )  # fmt: skip
    accepted = m.resource(
        "aws_vpc_peering_connection_accepter", "this", "network-2", file="peering", **net.at(1),
        vpc_peering_connection_id=asked.id, auto_accept=True, tags=tags(b, m, "network-2", Name=named("sites")),
    )  # fmt: skip
    for here, there in ((0, 1), (1, 0)):
        tables = net.wired(here, "app_route_table_ids", "list(string)", "Route tables of the application subnets")
        cidr = net.wired(there, "cidr", "string", "Address block")
        suffix = "-2" if here else ""
        m.resource(
            "aws_route", f"from_{_SITES[here]}", f"subnet-app{suffix}", file="peering", **net.at(here),
            count=raw(f"length({tables})"), route_table_id=raw(f"{tables}[count.index]"), destination_cidr_block=cidr,
            vpc_peering_connection_id=accepted.id,
        )  # fmt: skip
