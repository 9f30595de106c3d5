"""What is set once for an account: analyses of access, defaults of machines, security standards; copies of secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.ec2.models import ec2_backends
from moto.secretsmanager.models import FakeSecret

from tests.clouds.emulator.answers import ACCOUNT, WHEN, Asked, Kept, answers, replaces

_analyzers = Kept("The analyzer")
_metadata: dict[str, dict[str, Any]] = {}
_hub: dict[str, dict[str, Any]] = {}
_standards = Kept("The standard")


@answers("accessanalyzer", "CreateAnalyzer", for_="aws_accessanalyzer_analyzer")
def create_analyzer(asked: Asked) -> Mapping[str, Any]:
    name = asked["analyzerName"]
    arn = f"arn:aws:access-analyzer:{asked.region}:{ACCOUNT}:analyzer/{name}"
    made = {"arn": arn, "name": name, "type": asked["type"], "status": "ACTIVE", "createdAt": WHEN}
    _analyzers[asked.region, name] = {
        **made,
        "tags": asked.get("tags", {}),
        "configuration": asked.get("configuration"),
    }
    return {"arn": arn}


@answers("accessanalyzer", "GetAnalyzer", for_="aws_accessanalyzer_analyzer")
def analyzer(asked: Asked) -> Mapping[str, Any]:
    return {"analyzer": _analyzers[asked.region, asked["analyzerName"]]}


@answers("accessanalyzer", "DeleteAnalyzer", for_="aws_accessanalyzer_analyzer")
def delete_analyzer(asked: Asked) -> Mapping[str, Any]:
    del _analyzers[asked.region, asked["analyzerName"]]
    return {}


@answers("accessanalyzer", "ListTagsForResource", for_="aws_accessanalyzer_analyzer")
def analyzer_tags(asked: Asked) -> Mapping[str, Any]:
    return {"tags": _analyzers[asked.region, asked["resourceArn"].rpartition("/")[2]]["tags"]}


@answers("ec2", "ModifyInstanceMetadataDefaults", for_="aws_ec2_instance_metadata_defaults")
def set_metadata_defaults(asked: Asked) -> Mapping[str, Any]:
    wanted = {k: v for k, v in asked.params.items() if k.startswith(("Http", "InstanceMetadata"))}
    kept = {k: v for k, v in wanted.items() if v not in ("no-preference", -1)}
    _metadata[asked.region] = kept
    return {"Return": True}


@answers("ec2", "GetInstanceMetadataDefaults", for_="aws_ec2_instance_metadata_defaults")
def metadata_defaults(asked: Asked) -> Mapping[str, Any]:
    return {"AccountLevel": _metadata.get(asked.region, {})}


@answers("ec2", "MonitorInstances", "UnmonitorInstances", for_="aws_instance")
def monitor(asked: Asked) -> Mapping[str, Any]:
    state = "enabled" if asked.operation == "MonitorInstances" else "disabled"
    found = [ec2_backends[ACCOUNT][asked.region].get_instance(id_) for id_ in asked["InstanceIds"]]
    for instance in found:
        instance.monitoring_state = state
    return {"InstanceMonitorings": [{"InstanceId": i.id, "Monitoring": {"State": state}} for i in found]}


@answers("securityhub", "UpdateSecurityHubConfiguration", for_="aws_securityhub_account")
def set_hub(asked: Asked) -> Mapping[str, Any]:
    _hub[asked.region] = dict(asked.params)
    return {}


@answers("securityhub", "BatchEnableStandards", for_="aws_securityhub_standards_subscription")
def enable_standards(asked: Asked) -> Mapping[str, Any]:
    made = []
    for request in asked["StandardsSubscriptionRequests"]:
        standard = request["StandardsArn"]
        arn = f"arn:aws:securityhub:{asked.region}:{ACCOUNT}:subscription/{standard.split('/', 1)[-1]}"
        _standards[asked.region, arn] = {
            "StandardsArn": standard, "StandardsSubscriptionArn": arn, "StandardsStatus": "READY", "StandardsInput": {},
            "StandardsControlsUpdatable": "READY_FOR_UPDATES",
        }  # fmt: skip
        made.append(_standards[asked.region, arn])
    return {"StandardsSubscriptions": made}


@answers("securityhub", "GetEnabledStandards", for_="aws_securityhub_standards_subscription")
def standards(asked: Asked) -> Mapping[str, Any]:
    wanted = asked.get("StandardsSubscriptionArns")
    found = [s for s in _standards.of(asked.region) if not wanted or s["StandardsSubscriptionArn"] in wanted]
    return {"StandardsSubscriptions": found}


@answers("securityhub", "BatchDisableStandards", for_="aws_securityhub_standards_subscription")
def disable_standards(asked: Asked) -> Mapping[str, Any]:
    gone = [_standards.take((asked.region, arn)) for arn in asked["StandardsSubscriptionArns"]]
    return {"StandardsSubscriptions": [{**s, "StandardsStatus": "DELETING"} for s in gone]}


@replaces(FakeSecret, "create_replicas", for_="aws_secretsmanager_secret")
def create_replicas(original: Any, self: FakeSecret, replica_regions: list[dict[str, str]], **named: Any) -> list[Any]:
    """Each under the key that was asked for; moto has them all under the provider's."""
    made: list[Any] = original(self, replica_regions, **named)
    for replica, wanted in zip(made, replica_regions, strict=True):
        if key := wanted.get("KmsKeyId"):
            replica.config["KmsKeyId"] = key
    return made
