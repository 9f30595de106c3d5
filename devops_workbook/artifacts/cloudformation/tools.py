"""The machines of the tools that the team runs itself: collector, metrics, dashboards and whatever else the plan has.

They stand in production, in the application subnets, each tool in a template of its own. A machine whose host fails
comes back on another one with its disk and its address; one that hangs is started again. What a tool keeps is on a disk
that outlives the machine. What runs on them is configured by other files of the repository.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.common import allow, arn, key, role, unlocked
from devops_workbook.artifacts.cloudformation.network import Net, machines, tool_condition
from devops_workbook.artifacts.cloudformation.template import (
    PARTITION,
    REGION,
    Condition,
    Given,
    Resource,
    Template,
    by_site,
    select,
    sub,
)
from devops_workbook.design.model import Component

__all__ = ["names", "tools"]

_ARCHES = {"arm": "arm64", "x86": "x86_64"}
_DATA = "/dev/sdf"


def names(b: Blueprint, net: Net) -> Template:
    """The private zone in which the tools have names."""
    t = Template("names", "The private zone in which the tools have names.",
                 ("Names of the tools, inside the network.",), sites=len(b.sites),
                 present=b.each(lambda e: e.environment == "production"))  # fmt: skip
    t.resource("PrivateZone", "AWS::Route53::HostedZone", "operations", Name=f"{b.names.system}.internal",
               VPCs=[{"VPCId": net.vpc, "VPCRegion": REGION}])  # fmt: skip
    return t


def tools(b: Blueprint, net: Net, zone: Template) -> Iterator[Template]:
    """A template for every tool."""
    for tool in machines(b):
        t = Template(
            f"tool-{tool.id}",
            f"Machines of the tool {tool.id}.",
            (
                f"Machines of the tool {tool.id}, as many and as large as the plan has them, shared "
                f"by all environments. People "
                "reach them through Session Manager; there is no SSH and no way in from outside.",
            ),
            sites=len(b.sites),
            present=b.each(lambda e: e.environment == "production"),
        )
        _tool(t, b, net, tool, zone)
        yield t


def _tool(t: Template, b: Blueprint, net: Net, tool: Component, zone: Template) -> None:
    where = tool_condition(t, b, tool.id)
    if where is not None and where.name == "IsProduction":
        t.conditions.pop("IsProduction", None)
        t.parameters.pop("Environment", None)
        where = None  # the root has the template in production only
    elif where is not None:
        where = t.primary
        for gone in ("IsFirstSiteIsProduction", "IsProduction"):
            t.conditions.pop(gone, None)
        t.parameters.pop("Environment", None)
    arch = _ARCHES[b.provider.instances[tool.sku].arch]
    image = t.parameter(
        f"Image{arch.replace('_', '').capitalize()}", "AWS::EC2::Image::Id", f"Image of Amazon Linux 2023 for {arch}.",
        Given("", f"image-{arch}"),
        why="Looked up when the stack is made and kept from then on: a newer one replaces the machine.")  # fmt: skip
    profile = t.resource(
        "Profile", "AWS::IAM::InstanceProfile", tool.id, condition=where, Roles=[_role(t, b, tool, where)]
    )
    made = [_machine(t, b, net, tool, i, image, profile, where) for i in range(1, tool.count + 1)]
    t.resource(
        "Record", "AWS::Route53::RecordSet", tool.id, condition=where, HostedZoneId=zone.resources["PrivateZone"],
        Name=f"{tool.id}.{b.names.system}.internal", Type="A", TTL="60",
        ResourceRecords=[m.att("PrivateIp") for m in made],
    )  # fmt: skip


def _machine(
    t: Template, b: Blueprint, net: Net, tool: Component, i: int, image: Any, profile: Resource, where: Condition | None
) -> Resource:  # fmt: skip
    root = round(b.catalog.assumptions["disk_gb_per_instance"].value or 50)
    zones = len([s for s in b.network("production", b.sites[0].region.id).subnets if s.tier == "app"])
    machine = t.resource(
        f"Machine{i}", "AWS::EC2::Instance", tool.id, condition=where, why=b.why(tool.decision) if i == 1 else "",
        ImageId=image, InstanceType=tool.sku, SubnetId=select((i - 1) % zones, net.subnets("app")),
        SecurityGroupIds=[net.group(tool.id)], IamInstanceProfile=profile, EbsOptimized=True, Monitoring=True,
        MetadataOptions={"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {
            "VolumeSize": root, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}}],
        DisableApiTermination=True, PropagateTagsToVolumeOnCreation=True,
    )  # fmt: skip
    _disk(t, b, tool, i, machine, root, where)
    t.resource(
        f"Machine{i}Hangs", "AWS::CloudWatch::Alarm", tool.id, condition=where, Namespace="AWS/EC2",
        why="A machine that hangs is started again." if i == 1 else "", MetricName="StatusCheckFailed_Instance",
        AlarmDescription=f"A machine of the tool {tool.id} does not answer and is started again.", Statistic="Maximum",
        Period=60, EvaluationPeriods=3, Threshold=0, ComparisonOperator="GreaterThanThreshold",
        Dimensions=[{"Name": "InstanceId", "Value": machine}],
        AlarmActions=[sub("arn:", PARTITION, ":automate:", REGION, ":ec2:reboot")],
    )  # fmt: skip
    return machine


def _disk(
    t: Template, b: Blueprint, tool: Component, i: int, machine: Resource, root: int, where: Condition | None
) -> None:  # fmt: skip
    """A disk for the tool's data, which outlives the machine."""
    gb = math.floor((tool.usage.get("disk_gb") or 0.0) / tool.count - root + 0.5)
    if gb < 1:
        return
    own = key(t, b, "files")
    disk = t.resource(
        f"Disk{i}", "AWS::EC2::Volume", tool.id, condition=where, keep="Snapshot", skips=unlocked(own, "CKV_AWS_189"),
        AvailabilityZone=machine.att("AvailabilityZone"), Size=gb, VolumeType="gp3", Encrypted=True, KmsKeyId=own,
    )  # fmt: skip
    t.resource(f"Disk{i}Attachment", "AWS::EC2::VolumeAttachment", tool.id, condition=where, Device=_DATA,
               InstanceId=machine, VolumeId=disk)  # fmt: skip


# --- what they may do ------------------------------------------------------------------------------------


def _role(t: Template, b: Blueprint, tool: Component, where: Condition | None) -> Resource:
    return role(t, "Role", tool.id, "ec2.amazonaws.com", list(_statements(t, b, tool)), condition=where)


def _statements(t: Template, b: Blueprint, tool: Component) -> Iterator[Mapping[str, Any]]:
    """A way in for people, the other members, and what the design connects the tool to."""
    yield allow("ec2", "managed", arn("ec2", "instance/*"))
    yield allow("ec2", "session")
    if tool.count > 1:
        yield allow("ec2", "discover")
    for x in b.outgoing(tool.id):
        service = b.component(x.target).service
        if service == "cloudwatch":
            yield allow("cloudwatch", "write", StringEquals={"cloudwatch:namespace": b.names.system})
        elif service == "cloudwatch-logs":
            yield allow("cloudwatch-logs", "write", arn("logs", "log-group:/", t.name_parameter, "/telemetry:*"))
        elif service == "x-ray":
            yield allow("x-ray", "write")
        elif service == "kms":
            yield allow("kms", "unseal", _unseal(t, b))


def _unseal(t: Template, b: Blueprint) -> Any:
    """The key that unseals the team's own secrets: the secrets key, or the only one where AWS keeps the others."""
    if (own := key(t, b, "secrets")) is not None:
        return own
    given = by_site(b, lambda site: Given(f"foundation{site.suffix}", "UnsealKeyArn"))
    return t.parameter("UnsealKeyArn", "String", "Key that unseals the secrets, from the stack foundation.", given,
                       pattern="^arn:[a-z-]+:.+$")  # fmt: skip
