"""The machines of the tools that the team runs itself: collector, metrics, dashboards and whatever else the plan has.

They stand in production, in the application subnets, with names in a private zone. A machine whose host fails comes
back on another one with its disk and its address; one that hangs is started again. What runs on them is configured by
other files of the repository.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.aws.instances import ami, metadata
from devops_workbook.artifacts.terraform.aws.keys import own_keys
from devops_workbook.artifacts.terraform.aws.logs import log_group
from devops_workbook.artifacts.terraform.aws.operations import tools_of
from devops_workbook.artifacts.terraform.aws.placed import everywhere, named, tags
from devops_workbook.artifacts.terraform.aws.policies import allow, role, trust
from devops_workbook.artifacts.terraform.aws.reasons import PROVIDER_KEYS, SELECTED
from devops_workbook.artifacts.terraform.aws.telemetry import private_zone
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.design.model import Component

__all__ = ["tools"]

_SITES = ("first", "second")
_DATA = "/dev/sdf"
_TTL = 60


def tools(b: Blueprint, operations: Module, networks: Sequence[Module], securities: Sequence[Module]) -> Module:
    """The machines of the tools, where the team runs any. operations: the module of their security groups."""
    two = len(networks) > 1
    m = everywhere("tools", "Tools that the team runs", (
        "Machines for the tools that the team runs itself, as many and as large as the plan has them, shared by all "
        "environments. People reach them through Session Manager; there is no SSH and no way in from outside.",
    ), passed={"aws": "aws", "aws.second": "aws.second"} if two else None,
        present=b.each(lambda e: e.environment == "production"))  # fmt: skip
    t = _Tools(b, m, networks, securities, operations)
    zone = t.zone()
    if b.component("logs").service == "cloudwatch-logs":
        key = t.key(0, "logs") if own_keys(b) else None
        log_group(b, m, "telemetry", "logs", template("/telemetry/", raw("var.name")), key,
                  tags=tags(b, m, "logs"))  # fmt: skip
    for tool in tools_of(b):
        t.machines(tool, zone)
    return m


@dataclass(frozen=True)
class _Tools:
    """The module as it is being written, and the modules before it."""

    b: Blueprint
    m: Module
    networks: Sequence[Module]
    securities: Sequence[Module]
    operations: Module

    def site(self, tool: Component) -> int:
        """The number of the site at which a tool stands."""
        return int(tool.region != self.b.sites[0].region.id)

    def at(self, site: int) -> Mapping[str, Any]:
        """The provider configuration of a site."""
        return {"provider": raw("aws.second")} if site else {}

    def wired(self, site: int, output: str, type: str, told: str) -> Ref:
        """An output of a site's network."""
        return self.m.variable(f"{_SITES[site]}_{output}", type, f"{told} of the {_SITES[site]} site.",
                               self.networks[site].wire(output))  # fmt: skip

    def key(self, site: int, use: str) -> Ref:
        """A key of a site."""
        return self.m.variable(f"{_SITES[site]}_key_ids", "map(string)", f"Keys of the {_SITES[site]} site, by use.",
                               self.securities[site].wire("key_ids"))[use]  # fmt: skip

    # --- names -----------------------------------------------------------------------------------------------

    def zone(self) -> Ref:
        """The private zone, known in the networks of both sites."""
        vpc = self.wired(0, "network_id", "string", "The VPC")
        zone = self.m.resource(
            "aws_route53_zone",
            "private",
            "operations",
            file="names",
            name=private_zone(self.b),
            vpc=Nested(vpc_id=vpc),
            comment="Names of the tools, inside the network",
            tags=tags(self.b, self.m, "operations"),
            lifecycle=Nested(ignore_changes=Noted([raw("vpc")], "Further networks are associated below.")),
        )
        if len(self.networks) > 1:
            self.m.resource(
                "aws_route53_zone_association", "second", "operations", file="names", zone_id=zone.zone_id,
                vpc_id=self.wired(1, "network_id", "string", "The VPC"), vpc_region=self.b.sites[1].region.id,
            )  # fmt: skip
        return zone

    # --- machines --------------------------------------------------------------------------------------------

    def machines(self, tool: Component, zone: Ref) -> None:
        """The machines of one tool."""
        b, m, site, label = self.b, self.m, self.site(tool), tool.id.replace("-", "_")
        arch = b.provider.instances[tool.sku].arch
        root = round(b.catalog.assumptions["disk_gb_per_instance"].value or 50)
        keyed = {"kms_key_id": self.key(site, "files")} if own_keys(b) else {}
        subnets = self.wired(site, "app_subnet_ids", "list(string)", "Application subnets")
        groups = m.variable("security_group_ids", "map(string)", "Security groups of the tools, by component.",
                            self.operations.wire("security_group_ids"))  # fmt: skip
        told = "A newer image is taken when a machine is replaced, one at a time, not whenever there is one."
        machine = m.resource(
            "aws_instance",
            label,
            tool.id,
            file=label,
            why=b.why(tool.decision),
            **self.at(site),
            count=tool.count,
            ami=ami(m, arch, "second" if site else ""),
            instance_type=tool.sku,
            subnet_id=raw(f"element({subnets}, count.index)"),
            vpc_security_group_ids=[groups[tool.id]],
            iam_instance_profile=self._profile(tool).name,
            ebs_optimized=True,
            monitoring=True,
            metadata_options=metadata(2),
            root_block_device=Nested(volume_size=root, volume_type="gp3", encrypted=True, **keyed),
            maintenance_options=Nested(
                auto_recovery=Noted("default", "A machine whose host fails comes back elsewhere.")
            ),
            tags=tags(b, m, tool.id, Name=template(raw("var.name"), f"-{tool.id}-", raw("count.index + 1"))),
            lifecycle=Nested(ignore_changes=Noted([raw("ami")], told)),
        )
        self._disk(tool, machine, root, keyed)
        self._watch(tool, machine)
        m.resource(
            "aws_route53_record", label, tool.id, file=label, zone_id=zone.zone_id, type="A", ttl=_TTL,
            name=template(f"{tool.id}.", zone.name), records=raw(f"{machine}[*].private_ip"),
        )  # fmt: skip

    def _disk(self, tool: Component, machine: Ref, root: int, keyed: Mapping[str, Any]) -> None:
        """A disk for the tool's data, which outlives the machine."""
        gb = math.floor((tool.usage.get("disk_gb") or 0.0) / tool.count - root + 0.5)
        if gb < 1:
            return
        m, site, label = self.m, self.site(tool), tool.id.replace("-", "_")
        disk = m.resource(
            "aws_ebs_volume", label, tool.id, file=label, **self.at(site), count=tool.count, size=gb, type="gp3",
            availability_zone=raw(f"{machine}[count.index].availability_zone"), encrypted=True, **keyed,
            tags=tags(self.b, m, tool.id, Name=template(raw("var.name"), f"-{tool.id}-", raw("count.index + 1"))),
            skips={"CKV2_AWS_9": SELECTED}
            | ({} if keyed else {"CKV_AWS_189": PROVIDER_KEYS}),
        )  # fmt: skip
        m.resource(
            "aws_volume_attachment", label, tool.id, file=label, **self.at(site), count=tool.count, device_name=_DATA,
            instance_id=raw(f"{machine}[count.index].id"), volume_id=raw(f"{disk}[count.index].id"),
            stop_instance_before_detaching=True,
        )  # fmt: skip

    def _watch(self, tool: Component, machine: Ref) -> None:
        """Starts a machine again that no longer answers."""
        m, label = self.m, tool.id.replace("-", "_")
        m.resource(
            "aws_cloudwatch_metric_alarm", label, tool.id, file=label, why="A machine that hangs is started again.",
            **self.at(self.site(tool)), count=tool.count,
            alarm_name=template(raw("var.name"), f"-{tool.id}-", raw("count.index + 1"), "-hangs"),
            alarm_description=f"A machine of the tool {tool.id} does not answer and is started again.",
            namespace="AWS/EC2", metric_name="StatusCheckFailed_Instance", statistic="Maximum", period=60,
            evaluation_periods=3, threshold=0, comparison_operator="GreaterThanThreshold",
            dimensions={"InstanceId": raw(f"{machine}[count.index].id")},
            alarm_actions=[f"arn:aws:automate:{tool.region}:ec2:reboot"], tags=tags(self.b, m, tool.id),
        )  # fmt: skip

    # --- what they may do ------------------------------------------------------------------------------------

    def _profile(self, tool: Component) -> Ref:
        label = tool.id.replace("-", "_")
        made = role(self.m, label, tool.id, named(tool.id), trust("ec2.amazonaws.com"), *self._statements(tool),
                    file=label, tags=tags(self.b, self.m, tool.id))  # fmt: skip
        return self.m.resource("aws_iam_instance_profile", label, tool.id, file=label, name=named(tool.id),
                               role=made.name, tags=tags(self.b, self.m, tool.id))  # fmt: skip

    def _statements(self, tool: Component) -> Iterator[Mapping[str, Any]]:
        """A way in for people, the other members, and what the design connects the tool to."""
        account = self.m.data("aws_caller_identity", "current").account_id
        place = f"arn:aws:{{}}:{tool.region}:"
        yield allow("ec2", "managed", template(place.format("ec2"), account, ":instance/*"))
        yield allow("ec2", "session")
        if tool.count > 1:
            yield allow("ec2", "discover")
        for x in self.b.outgoing(tool.id):
            service = self.b.component(x.target).service
            if service == "cloudwatch":
                only = {"StringEquals": {"cloudwatch:namespace": self.b.names.system}}
                yield allow("cloudwatch", "write", **only)
            elif service == "cloudwatch-logs":
                logs = template(place.format("logs"), account, ":log-group:/telemetry/", raw("var.name"), ":*")
                yield allow("cloudwatch-logs", "write", logs)
            elif service == "x-ray":
                yield allow("x-ray", "write")
            elif service == "kms":
                yield allow("kms", "unseal", self.key(self.site(tool), "secrets"))
        if tool.service == "prometheus":
            yield allow("cloudwatch", "read")
