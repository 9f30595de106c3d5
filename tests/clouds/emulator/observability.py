"""Watching: composite alarms, sampling of traces, canaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.synthetics.models import synthetics_backends

from tests.clouds.emulator.answers import ACCOUNT, MOTO, WHEN, Asked, Kept, answers

_alarms = Kept("The alarm", "ResourceNotFound")
_alarm_tags: dict[str, list[dict[str, str]]] = {}
_rules = Kept("The sampling rule", "InvalidRequestException")
_groups = Kept("The group", "InvalidRequestException")
_xray_tags: dict[str, list[dict[str, str]]] = {}
_encryption: dict[str, dict[str, str]] = {}


# --- alarms ----------------------------------------------------------------------------------------------


@answers("cloudwatch", "PutCompositeAlarm", for_="aws_cloudwatch_composite_alarm")
def put_composite(asked: Asked) -> Mapping[str, Any]:
    name = asked["AlarmName"]
    arn = f"arn:aws:cloudwatch:{asked.region}:{ACCOUNT}:alarm:{name}"
    actions = {k: asked.get(k, []) for k in ("AlarmActions", "OKActions", "InsufficientDataActions")}
    state = {"AlarmArn": arn, "StateValue": "INSUFFICIENT_DATA", "ActionsEnabled": asked.get("ActionsEnabled", True)}
    _alarms[asked.region, name] = {**asked.params, **actions, **state}
    _alarm_tags[arn] = asked.get("Tags", [])
    return {}


@answers("cloudwatch", "DescribeAlarms", for_="aws_cloudwatch_composite_alarm")
def composites(asked: Asked) -> Mapping[str, Any]:
    if "CompositeAlarm" not in asked.get("AlarmTypes", []):
        return MOTO
    names = asked.get("AlarmNames")
    return {"CompositeAlarms": [a for a in _alarms.of(asked.region) if not names or a["AlarmName"] in names]}


@answers("cloudwatch", "DeleteAlarms", for_="aws_cloudwatch_composite_alarm")
def delete_alarms(asked: Asked) -> Mapping[str, Any]:
    for name in asked["AlarmNames"]:
        _alarms.pop((asked.region, name), None)
    cloudwatch_backends[ACCOUNT][asked.region].delete_alarms(asked["AlarmNames"])
    return {}


@answers("cloudwatch", "ListTagsForResource", for_="aws_cloudwatch_composite_alarm")
def alarm_tags(asked: Asked) -> Mapping[str, Any]:
    arn = asked["ResourceARN"]
    return {"Tags": _alarm_tags[arn]} if arn in _alarm_tags else MOTO


# --- traces ----------------------------------------------------------------------------------------------


@answers("xray", "CreateSamplingRule", for_="aws_xray_sampling_rule")
def create_rule(asked: Asked) -> Mapping[str, Any]:
    rule = asked["SamplingRule"]
    arn = f"arn:aws:xray:{asked.region}:{ACCOUNT}:sampling-rule/{rule['RuleName']}"
    _rules[asked.region, rule["RuleName"]] = {
        "SamplingRule": {"Attributes": {}, **rule, "RuleARN": arn}, "CreatedAt": WHEN, "ModifiedAt": WHEN,
    }  # fmt: skip
    _xray_tags[arn] = asked.get("Tags", [])
    return {"SamplingRuleRecord": _rules[asked.region, rule["RuleName"]]}


@answers("xray", "GetSamplingRules", for_="aws_xray_sampling_rule")
def rules(asked: Asked) -> Mapping[str, Any]:
    return {"SamplingRuleRecords": _rules.of(asked.region)}


@answers("xray", "DeleteSamplingRule", for_="aws_xray_sampling_rule")
def delete_rule(asked: Asked) -> Mapping[str, Any]:
    return {"SamplingRuleRecord": _rules.take((asked.region, asked["RuleName"]))}


@answers("xray", "CreateGroup", for_="aws_xray_group")
def create_group(asked: Asked) -> Mapping[str, Any]:
    arn = f"arn:aws:xray:{asked.region}:{ACCOUNT}:group/{asked['GroupName']}/1"
    insights = {"InsightsEnabled": False, "NotificationsEnabled": False, **asked.get("InsightsConfiguration", {})}
    _groups[asked.region, arn] = {**asked.params, "GroupARN": arn, "InsightsConfiguration": insights}
    _xray_tags[arn] = asked.get("Tags", [])
    return {"Group": _groups[asked.region, arn]}


@answers("xray", "GetGroup", for_="aws_xray_group")
def group(asked: Asked) -> Mapping[str, Any]:
    return {"Group": _groups[asked.region, asked["GroupARN"]]}


@answers("xray", "DeleteGroup", for_="aws_xray_group")
def delete_group(asked: Asked) -> Mapping[str, Any]:
    del _groups[asked.region, asked["GroupARN"]]
    return {}


@answers("xray", "ListTagsForResource", for_=("aws_xray_sampling_rule", "aws_xray_group"))
def xray_tags(asked: Asked) -> Mapping[str, Any]:
    return {"Tags": _xray_tags.get(asked["ResourceARN"], [])}


@answers("xray", "PutEncryptionConfig", "GetEncryptionConfig", for_="aws_xray_encryption_config")
def encryption(asked: Asked) -> Mapping[str, Any]:
    if asked.operation == "PutEncryptionConfig":
        _encryption[asked.region] = {"Status": "ACTIVE", **asked.params}
    return {"EncryptionConfig": _encryption.get(asked.region, {"Type": "NONE", "Status": "ACTIVE"})}


# --- canaries --------------------------------------------------------------------------------------------


@answers("synthetics", "StartCanary", "StopCanary", for_="aws_synthetics_canary")
def run_canary(asked: Asked) -> Mapping[str, Any]:
    state = "RUNNING" if asked.operation == "StartCanary" else "STOPPED"
    synthetics_backends[ACCOUNT][asked.region].get_canary(asked["Name"]).state = state
    return {}


@answers("synthetics", "DeleteCanary", for_="aws_synthetics_canary")
def delete_canary(asked: Asked) -> Mapping[str, Any]:
    synthetics_backends[ACCOUNT][asked.region].canaries.pop(asked["Name"])
    return {}
