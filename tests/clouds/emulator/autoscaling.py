"""Scaling: Application Auto Scaling's tags, and what EC2 Auto Scaling tells of its groups and policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.autoscaling.models import AutoScalingBackend, FakeScalingPolicy

from tests.clouds.emulator.answers import ACCOUNT, MOTO, Asked, answers, replaces

_tags: dict[tuple[str, ...], dict[str, str]] = {}


@answers("application-autoscaling", "RegisterScalableTarget", for_="aws_appautoscaling_target")
def note_tags(asked: Asked) -> Mapping[str, Any]:
    key = (asked.region, asked["ScalableDimension"], asked["ResourceId"])
    _tags.setdefault(key, {}).update(asked.get("Tags", {}))
    return MOTO


@answers("application-autoscaling", "ListTagsForResource", for_="aws_appautoscaling_target")
def tags(asked: Asked) -> Mapping[str, Any]:
    targets = applicationautoscaling_backends[ACCOUNT][asked.region].targets
    for dimension, resources in targets.items():
        for id_, target in resources.items():
            if target.arn == asked["ResourceARN"]:
                return {"Tags": _tags.get((asked.region, dimension, id_), {})}
    return {"Tags": {}}


_warm: dict[tuple[str, str], int] = {}


@answers("autoscaling", "CreateAutoScalingGroup", "UpdateAutoScalingGroup", for_="aws_autoscaling_group")
def note_warmup(asked: Asked) -> Mapping[str, Any]:
    if warm := asked.get("DefaultInstanceWarmup", 0):
        _warm[asked.region, asked["AutoScalingGroupName"]] = int(warm)
    return MOTO


@replaces(AutoScalingBackend, "describe_auto_scaling_groups", for_="aws_autoscaling_group")
def groups(original: Any, self: Any, *arguments: Any, **named: Any) -> list[Any]:
    """With the time that a new machine needs, and what AWS says of reserved capacity where nothing was asked."""
    found: list[Any] = original(self, *arguments, **named)
    for group in found:
        group.default_instance_warmup = _warm.get((self.region_name, group.name))
        group.capacity_reservation_specification = {"CapacityReservationPreference": "default"}
    return found


@replaces(FakeScalingPolicy, "__init__", for_="aws_autoscaling_policy")
def policy(original: Any, self: Any, *arguments: Any, **named: Any) -> None:
    original(self, *arguments, **named)
    self.enabled = True
    self.predictive_scaling_configuration = self.predictive_scaling_configuration or None
