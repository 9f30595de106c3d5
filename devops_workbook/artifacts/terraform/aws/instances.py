"""Machines of the team: the image they start from, their disk, and their metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.terraform.hcl import Expr, Nested, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["ami", "metadata", "newest_image", "root_disk", "tagged"]

_DEVICE = "/dev/xvda"  # of Amazon Linux
_IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-"
_ARCHES = {"arm": "arm64", "x86": "x86_64"}


def newest_image(arch: Ref) -> Expr:
    """The newest Amazon Linux 2023, which EC2 looks up at every start. arch: "arm64" or "x86_64"."""
    return template(f"resolve:ssm:{_IMAGE}", arch)


def ami(m: Module, arch: str, alias: str = "") -> Ref:
    """The image of Amazon Linux 2023 that is newest when the machine is made. arch: "arm" or "x86"."""
    at: Mapping[str, Any] = {"provider": raw(f"aws.{alias}")} if alias else {}
    name = f"image_{_ARCHES[arch]}" + (f"_{alias}" if alias else "")
    return m.data("aws_ssm_parameter", name, **at, name=f"{_IMAGE}{_ARCHES[arch]}").insecure_value


def metadata(hops: int = 1) -> Nested:
    """The instance's metadata, by tokens; hops: 2 where containers on the machine ask for it."""
    return Nested(http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=hops)


def root_disk(gb: Any, key: Ref | None) -> Nested:
    """An encrypted disk for the system."""
    keyed: Mapping[str, Any] = {} if key is None else {"kms_key_id": key}
    disk = Nested(volume_size=gb, volume_type="gp3", encrypted=True, **keyed, delete_on_termination=True)
    return Nested(device_name=_DEVICE, ebs=disk)


def tagged(m: Module, own: Mapping[str, Any]) -> list[Nested]:
    """The tags of machines that a group starts, and of their disks: a provider's own reach only what it makes."""
    whole = call("merge", m.data("aws_default_tags", "current").tags, own)
    return [Nested(resource_type=kind, tags=whole) for kind in ("instance", "volume")]
