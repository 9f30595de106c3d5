"""Scaling: Application Auto Scaling's tags, and what EC2 Auto Scaling tells of its policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.autoscaling.models import FakeScalingPolicy

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


@replaces(FakeScalingPolicy, "__init__", for_="aws_autoscaling_policy")
def policy(original: Any, self: Any, *arguments: Any, **named: Any) -> None:
    original(self, *arguments, **named)
    self.enabled = True
    self.predictive_scaling_configuration = self.predictive_scaling_configuration or None
