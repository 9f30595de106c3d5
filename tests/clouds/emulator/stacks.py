"""Stacks of CloudFormation: types that moto makes nothing for, attributes it does not know, and where things are.

A resource of such a type is noted and answers with a name and with attributes that look like the real ones, so that the
stack goes on and everything else in it is made; that nothing was made for it is said in the log, and told by the
verification. Nothing here makes a template good that CloudFormation would refuse: that is cfn-lint's part.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import Any

from moto.acm.models import acm_backends
from moto.cloudformation import models as stack_models
from moto.cloudformation import parsing
from moto.cloudformation import responses as stack_responses
from moto.core.common_models import CloudFormationModel
from moto.ec2.models import ec2_backends
from moto.ec2.models.security_groups import SecurityGroupIngress
from moto.ec2.models.vpc_peering_connections import VPCPeeringConnection
from moto.kms.models import KmsBackend

from tests.clouds.emulator.answers import ACCOUNT, Asked, answers, replaces

_IMAGE = "ami-03cf127a"  # one that moto knows


class Noted(CloudFormationModel):
    """A resource of which nothing was made."""

    def __init__(self, name: str, kind: str, region: str) -> None:
        self.name, self.kind, self.region = name, kind, region

    @property
    def physical_resource_id(self) -> str:
        return self.name

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "Noted"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return True

    def get_cfn_attribute(self, attribute: str) -> Any:
        return attribute_of(self.kind, self.name, self.region, attribute)

    @classmethod
    def create_from_cloudformation_json(  # type: ignore[override]
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> Noted:
        kind = kwargs["ResourceType"]
        print(f"Tried to parse {kind} but it's not supported", file=sys.stderr, flush=True)
        return cls(resource_name, kind, region_name)

    @classmethod
    def update_from_cloudformation_json(  # type: ignore[override]
        cls, original_resource: Noted, *_: Any, **__: Any
    ) -> Noted:
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, *_: Any, **__: Any) -> None:
        """There is nothing to delete."""

    def is_created(self) -> bool:
        return True


class Certificate(Noted):
    """A certificate, which listeners ask for and moto makes in no stack."""

    @classmethod
    def create_from_cloudformation_json(  # type: ignore[override]
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> Noted:
        wanted = cloudformation_json["Properties"]
        backend = acm_backends[account_id][region_name]
        arn = backend.request_certificate(wanted["DomainName"], None, wanted.get("SubjectAlternativeNames", []), [])
        return cls(arn, kwargs["ResourceType"], region_name)


def attribute_of(kind: str, name: str, region: str, attribute: str) -> Any:
    """Something that looks like the attribute of a resource."""
    _, service, what = kind.lower().split("::")
    if attribute.endswith("Arn"):
        return f"arn:aws:{service}:{region}:{ACCOUNT}:{what}/{name}"
    if attribute == "NameServers":
        return [f"ns-{i}.awsdns-{i}.example" for i in range(4)]
    if attribute.endswith("GroupId"):
        return "sg-00000000000000000"
    if attribute.endswith(("ZoneId", "ZoneID")):
        return "Z0000000000000"
    return f"{name}.{attribute}.{region}".lower()


_MADE = {"AWS::CertificateManager::Certificate": Certificate}
# moto takes neither its groups by name, nor a cluster, nor the name that CloudFormation would give it.
_MISREAD = {"AWS::RDS::DBInstance"}


@replaces(parsing, "resource_class_from_type", for_="stacks")
def kind_of(original: Any, resource_type: str) -> Any:
    known = resource_type in parsing.get_model_map() or resource_type.startswith("Custom::")
    return original(resource_type) if known and resource_type not in _MISREAD else _MADE.get(resource_type, Noted)


@replaces(parsing.ResourceMap, "validate_outputs", for_="stacks")
def any_output(original: Any, self: Any) -> None:
    """moto refuses a template one of whose outputs is an attribute it does not know."""


@replaces(parsing.ResourceMap, "load_parameters", for_="stacks")
def parameters(original: Any, self: Any) -> None:
    """Also a list that the template above has made, which moto takes for text to be split."""
    for name, value in self.input_parameters.items():
        if isinstance(value, list):
            self.input_parameters[name] = ",".join(map(str, value))
    original(self)


@replaces(parsing, "clean_json", for_="stacks")
def read(original: Any, value: Any, resources: Any) -> Any:
    """Zones are those of the region, what is not there is not in a list, and dynamic references are looked up."""
    if isinstance(value, dict):
        if "Fn::GetAZs" in value:
            return [f"{resources['AWS::Region']}{zone}" for zone in "abcdef"]
        if "Fn::GetAtt" in value:
            return _attribute(original, value, resources)
        if "Fn::Join" in value:
            between, items = value["Fn::Join"]
            shown = parsing.clean_json(items, resources)
            return between.join(str(x) for x in shown if x is not None) if isinstance(shown, list) else str(shown)
        if "Fn::Sub" in value:
            found = original(value, resources)
            return _IMAGE if "{{resolve:ssm:" in found else found
    if isinstance(value, list):
        return [x for x in (parsing.clean_json(item, resources) for item in value) if x is not None]
    return original(value, resources)


def _attribute(original: Any, value: Any, resources: Any) -> Any:
    name, attribute = value["Fn::GetAtt"]
    resource = resources[name]
    if isinstance(resource, stack_models.Stack) and attribute.startswith("Outputs."):
        return resource.output_map[attribute.removeprefix("Outputs.")].value
    try:
        found = original(value, resources)
    except Exception:  # noqa: BLE001 - whatever moto raises over an attribute that it does not know
        found = None
    if (found is None or found == value) and resource is not None:  # moto gives back what it does not implement
        kind = getattr(resource, "cf_resource_type", None) or resources._resource_json_map[name]["Type"]
        found = attribute_of(
            kind, str(getattr(resource, "physical_resource_id", name)), resources["AWS::Region"], attribute
        )
    return found


@replaces(stack_models, "get_stack_from_s3_url", for_="AWS::CloudFormation::Stack")
@replaces(stack_responses, "get_stack_from_s3_url", for_="stacks")
def uploaded(original: Any, template_url: str, account_id: str, partition: str) -> Any:
    """Clients name a bucket by the address where S3 answers, which here is the emulator's."""
    path = template_url.split("://", 1)[-1].split("/", 1)[-1]
    here = "127.0.0.1" in template_url
    return original(f"https://s3.amazonaws.com/{path}" if here else template_url, account_id, partition)


@replaces(stack_models.CloudFormationBackend, "execute_change_set", for_="stacks")
def executed(original: Any, self: Any, change_set_name: str, stack_name: str | None = None) -> Any:
    """moto leaves the outputs of the stack as they were before the change."""
    change_set = self.describe_change_set(change_set_name)
    original(self, change_set_name, stack_name)
    stack = self.stacks[change_set.stack_id]
    stack._parse_template()
    stack.output_map = stack._create_output_map()


@replaces(VPCPeeringConnection, "create_from_cloudformation_json", for_="AWS::EC2::VPCPeeringConnection")
def peering(
    original: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
) -> VPCPeeringConnection:
    """Also with a network in another region, where moto does not look."""
    wanted, here = cloudformation_json["Properties"], ec2_backends[account_id][region_name]
    there = ec2_backends[account_id][wanted.get("PeerRegion", region_name)]
    ends = here.get_vpc(wanted["VpcId"]), there.get_vpc(wanted["PeerVpcId"])
    made: VPCPeeringConnection = here.create_vpc_peering_connection(*ends)
    return made


@replaces(SecurityGroupIngress, "create_from_cloudformation_json", for_="AWS::EC2::SecurityGroupIngress")
def let_in(
    original: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
) -> Any:
    """Not for a list of prefixes, which moto does not know."""
    if "SourcePrefixListId" in cloudformation_json["Properties"]:
        kwargs["ResourceType"] = "AWS::EC2::SecurityGroupIngress"
        return Noted.create_from_cloudformation_json(
            resource_name, cloudformation_json, account_id, region_name, **kwargs
        )
    return original(resource_name, cloudformation_json, account_id, region_name, **kwargs)


@replaces(KmsBackend, "create_key", for_="AWS::KMS::Key")
def key(original: Any, self: Any, *given: Any, **named: Any) -> Any:
    """Tags of a stack's key come under the names that CloudFormation gives them."""

    def tagged(tags: Any) -> Any:
        return [{"TagKey": t["Key"], "TagValue": t["Value"]} if "Key" in t else t for t in tags or []]

    found = inspect.signature(original).bind(self, *given, **named)
    found.arguments["tags"] = tagged(found.arguments.get("tags"))
    return original(*found.args, **found.kwargs)


@answers("cloudformation", "UpdateTerminationProtection", for_="stacks")
def protect(asked: Asked) -> Mapping[str, Any]:
    stack = stack_models.cloudformation_backends[ACCOUNT][asked.region].get_stack(asked["StackName"])
    stack.enable_termination_protection = asked["EnableTerminationProtection"]
    return {"StackId": stack.stack_id}
