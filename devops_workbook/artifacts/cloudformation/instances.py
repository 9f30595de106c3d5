"""Machines: the image they start from, their disk, and who may ask them for credentials."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.cloudformation.template import Resource, Template, fn, sub
from devops_workbook.artifacts.yaml import Noted

__all__ = ["launch_template"]

_ARCHES = {"arm": "arm64", "x86": "x86_64"}


def launch_template(
    t: Template, name: str, component: str, sku: Any, arch: Any, role: Resource, group: Any, disk: int,
    start: Any,
) -> Resource:  # fmt: skip
    """A launch template with the role's profile. arch: "arm" or "x86", or those by site; start: what a machine does."""
    profile = t.resource(f"{name}Profile", "AWS::IAM::InstanceProfile", component, Roles=[role])
    kind = arch
    if not isinstance(arch, str):
        kind = t.parameter(f"{name}Architecture", "String", "Processors of the machines.",
                           type(arch)({k: v.map(_ARCHES.__getitem__) for k, v in arch.values.items()}),
                           allowed=("arm64", "x86_64"))  # fmt: skip
    else:
        kind = _ARCHES[arch]
    image = sub("{{resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-", kind, "}}")
    tags = [
        {"Key": "component", "Value": t.component(component)},
        {"Key": "Name", "Value": sub(t.name_parameter, f"-{component}", *t.site_suffix)},
    ]
    return t.resource(
        name, "AWS::EC2::LaunchTemplate", component, LaunchTemplateData={
            "ImageId": Noted(image, "The newest image of Amazon Linux 2023 when the stack is updated."),
            "InstanceType": sku, "EbsOptimized": True, "IamInstanceProfile": {"Arn": profile.arn},
            "Monitoring": {"Enabled": True}, "UserData": fn("Base64", start),
            "MetadataOptions": _METADATA,
            "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": False, "Groups": [group],
                                   "DeleteOnTermination": True}],
            "BlockDeviceMappings": disk_of(disk),
            "TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")],
        },
    )  # fmt: skip


_METADATA = {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1}


def disk_of(gib: int) -> list[dict[str, Any]]:
    """The root disk."""
    return [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": gib, "VolumeType": "gp3", "Encrypted": True,
                                                "DeleteOnTermination": True}}]  # fmt: skip
