"""Machines, containers, clusters, releases: what moto drops, invents or lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from moto.codedeploy.models import codedeploy_backends
from moto.ec2.models.instances import Instance
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.eks.responses import EKSResponse

from tests.clouds.emulator.answers import ACCOUNT, MOTO, WHEN, Asked, Kept, answers, replaces


@replaces(LaunchTemplate, "create_version", for_="aws_launch_template")
def template_version(original: Any, self: LaunchTemplate, data: Any, description: str) -> Any:
    """Without the template's own tags, which moto puts among those of what it launches."""
    if isinstance(data, dict) and data.get("TagSpecifications"):
        launched = [t for t in data["TagSpecifications"] if t.get("ResourceType") != "launch-template"]
        data = {k: v for k, v in data.items() if k != "TagSpecifications"} | (
            {"TagSpecifications": launched} if launched else {}
        )
    return original(self, data, description)


@replaces(Instance, "__init__", for_="aws_instance")
def machine(original: Any, self: Instance, *arguments: Any, **named: Any) -> None:
    """With the recovery that AWS gives every machine unless asked not to."""
    original(self, *arguments, **named)
    self.maintenance_options = {"AutoRecovery": "default"}


# --- ECS -------------------------------------------------------------------------------------------------

_OF_SERVICE = {
    "healthCheckGracePeriodSeconds": "health_check_grace_period_seconds",
    "availabilityZoneRebalancing": "availability_zone_rebalancing",
    "deploymentConfiguration": "deployment_configuration",
    "enableECSManagedTags": "enable_ecs_managed_tags",
    "enableExecuteCommand": "enable_execute_command",
}  # what moto drops of a service, and where it would look for it


@replaces(EC2ContainerServiceResponse, "create_service", for_="aws_ecs_service")
def create_service(original: Any, self: EC2ContainerServiceResponse) -> Any:
    return _with_all(self, original(self))


@replaces(EC2ContainerServiceResponse, "update_service", for_="aws_ecs_service")
def update_service(original: Any, self: EC2ContainerServiceResponse) -> Any:
    return _with_all(self, original(self))


def _with_all(asked: EC2ContainerServiceResponse, answer: Any) -> Any:
    service = answer.result["service"]
    for name, attribute in _OF_SERVICE.items():
        value = asked._get_param(name)
        if value is not None:
            setattr(service, attribute, value)
    if not getattr(service, "availability_zone_rebalancing", None):
        service.availability_zone_rebalancing = "DISABLED"
    return answer


# --- EKS -------------------------------------------------------------------------------------------------

_addons = Kept("The add-on")
_entries = Kept("The access entry")
_associations = Kept("The association")
_policies: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}


@replaces(EKSResponse, "create_cluster", for_="aws_eks_cluster")
def create_cluster(original: Any, self: EKSResponse) -> Any:
    """With who may enter it, until when its version is supported, and the group that it makes for itself."""
    answer = original(self)
    cluster = answer.result["cluster"]
    group = {"clusterSecurityGroupId": f"sg-{uuid4().hex[:17]}"}
    cluster.resources_vpc_config = {**cluster.resources_vpc_config, **group}
    cluster.access_config, cluster.upgrade_policy = self._get_param("accessConfig"), self._get_param("upgradePolicy")
    return answer


@replaces(EKSResponse, "create_nodegroup", for_="aws_eks_node_group")
def create_nodes(original: Any, self: EKSResponse) -> Any:
    """With the way it is updated, and without a key to enter it that nobody asked for."""
    answer = original(self)
    nodes = answer.result["nodegroup"]
    nodes.update_config, nodes.remote_access = self._get_param("updateConfig"), self._get_param("remoteAccess")
    nodes.node_repair_config = self._get_param("nodeRepairConfig")
    return answer


@answers("eks", "CreateAddon", "UpdateAddon", for_="aws_eks_addon")
def put_addon(asked: Asked) -> Mapping[str, Any]:
    cluster, name = asked["clusterName"], asked["addonName"]
    arn = f"arn:aws:eks:{asked.region}:{ACCOUNT}:addon/{cluster}/{name}/{uuid4()}"
    state = {"status": "ACTIVE", "addonArn": arn, "createdAt": WHEN, "modifiedAt": WHEN, "health": {"issues": []}}
    made = {"addonVersion": "v1.0.0-eksbuild.1", "tags": {}, **state, **asked.params}
    associations = asked.get("podIdentityAssociations", [])
    made["podIdentityAssociations"] = [f"{arn}/association/{i}" for i, _ in enumerate(associations)]
    _addons[asked.region, f"{cluster}/{name}"] = made
    if asked.operation == "UpdateAddon":
        return {"update": {"id": str(uuid4()), "status": "Successful", "type": "AddonUpdate"}}
    return {"addon": made}


@answers("eks", "DescribeAddon", for_="aws_eks_addon")
def addon(asked: Asked) -> Mapping[str, Any]:
    return {"addon": _addons[asked.region, f"{asked['clusterName']}/{asked['addonName']}"]}


@answers("eks", "DeleteAddon", for_="aws_eks_addon")
def delete_addon(asked: Asked) -> Mapping[str, Any]:
    return {"addon": _addons.take((asked.region, f"{asked['clusterName']}/{asked['addonName']}"))}


@answers("eks", "CreateAccessEntry", for_="aws_eks_access_entry")
def create_entry(asked: Asked) -> Mapping[str, Any]:
    cluster, principal = asked["clusterName"], asked["principalArn"]
    arn = f"arn:aws:eks:{asked.region}:{ACCOUNT}:access-entry/{cluster}/role/{uuid4()}"
    told = {"accessEntryArn": arn, "createdAt": WHEN, "modifiedAt": WHEN, "username": asked.get("username", principal)}
    made = {"kubernetesGroups": [], "tags": {}, "type": "STANDARD", **asked.params, **told}
    _entries[asked.region, f"{cluster}/{principal}"] = made
    return {"accessEntry": made}


@answers("eks", "DescribeAccessEntry", for_="aws_eks_access_entry")
def entry(asked: Asked) -> Mapping[str, Any]:
    return {"accessEntry": _entries[asked.region, f"{asked['clusterName']}/{asked['principalArn']}"]}


@answers("eks", "DeleteAccessEntry", for_="aws_eks_access_entry")
def delete_entry(asked: Asked) -> Mapping[str, Any]:
    del _entries[asked.region, f"{asked['clusterName']}/{asked['principalArn']}"]
    return {}


def _granted(asked: Asked) -> dict[str, dict[str, Any]]:
    return _policies.setdefault((asked.region, f"{asked['clusterName']}/{asked['principalArn']}"), {})


@answers("eks", "AssociateAccessPolicy", for_="aws_eks_access_policy_association")
def grant(asked: Asked) -> Mapping[str, Any]:
    made = {"policyArn": asked["policyArn"], "accessScope": {"namespaces": [], **asked["accessScope"]},
            "associatedAt": WHEN, "modifiedAt": WHEN}  # fmt: skip
    _granted(asked)[asked["policyArn"]] = made
    return {"clusterName": asked["clusterName"], "principalArn": asked["principalArn"], "associatedAccessPolicy": made}


@answers("eks", "ListAssociatedAccessPolicies", for_="aws_eks_access_policy_association")
def grants(asked: Asked) -> Mapping[str, Any]:
    named = {"clusterName": asked["clusterName"], "principalArn": asked["principalArn"]}
    return {**named, "associatedAccessPolicies": list(_granted(asked).values())}


@answers("eks", "DisassociateAccessPolicy", for_="aws_eks_access_policy_association")
def revoke(asked: Asked) -> Mapping[str, Any]:
    _granted(asked).pop(asked["policyArn"], None)
    return {}


@answers("eks", "CreatePodIdentityAssociation", for_="aws_eks_pod_identity_association")
def associate(asked: Asked) -> Mapping[str, Any]:
    id_ = f"a-{uuid4().hex[:17]}"
    arn = f"arn:aws:eks:{asked.region}:{ACCOUNT}:podidentityassociation/{asked['clusterName']}/{id_}"
    told = {"associationId": id_, "associationArn": arn, "createdAt": WHEN, "modifiedAt": WHEN}
    _associations[asked.region, id_] = {"tags": {}, **asked.params, **told}
    return {"association": _associations[asked.region, id_]}


@answers("eks", "DescribePodIdentityAssociation", for_="aws_eks_pod_identity_association")
def association(asked: Asked) -> Mapping[str, Any]:
    return {"association": _associations[asked.region, asked["associationId"]]}


@answers("eks", "DeletePodIdentityAssociation", for_="aws_eks_pod_identity_association")
def dissociate(asked: Asked) -> Mapping[str, Any]:
    return {"association": _associations.take((asked.region, asked["associationId"]))}


# --- CodeDeploy ------------------------------------------------------------------------------------------

_configurations = Kept("The configuration", "DeploymentConfigDoesNotExistException")
_groups = Kept("The deployment group", "DeploymentGroupDoesNotExistException")


@answers("codedeploy", "CreateDeploymentConfig", for_="aws_codedeploy_deployment_config")
def create_configuration(asked: Asked) -> Mapping[str, Any]:
    made = {**asked.params, "deploymentConfigId": str(uuid4()), "createTime": WHEN}
    _configurations[asked.region, asked["deploymentConfigName"]] = made
    return made


@answers("codedeploy", "GetDeploymentConfig", for_="aws_codedeploy_deployment_config")
def configuration(asked: Asked) -> Mapping[str, Any]:
    return {"deploymentConfigInfo": _configurations[asked.region, asked["deploymentConfigName"]]}


@answers("codedeploy", "DeleteDeploymentConfig", for_="aws_codedeploy_deployment_config")
def delete_configuration(asked: Asked) -> Mapping[str, Any]:
    del _configurations[asked.region, asked["deploymentConfigName"]]
    return {}


@answers("codedeploy", "DeleteApplication", for_="aws_codedeploy_app")
def delete_application(asked: Asked) -> Mapping[str, Any]:
    codedeploy_backends[ACCOUNT][asked.region].applications.pop(asked["applicationName"], None)
    return {}


@answers("codedeploy", "CreateDeploymentGroup", for_="aws_codedeploy_deployment_group")
def create_group(asked: Asked) -> Mapping[str, Any]:
    """As it was asked for; moto keeps a part of it."""
    application, name = asked["applicationName"], asked["deploymentGroupName"]
    platform = codedeploy_backends[ACCOUNT][asked.region].applications[application].compute_platform
    scaled = [{"name": group, "hook": f"hook-{group}"} for group in asked.get("autoScalingGroups", [])]
    usual = {"outdatedInstancesStrategy": "UPDATE", "deploymentConfigName": "CodeDeployDefault.OneAtATime"}
    told = {"deploymentGroupId": str(uuid4()), "computePlatform": platform, "autoScalingGroups": scaled}
    made = {**usual, **asked.params, **told}
    _groups[asked.region, f"{application}/{name}"] = made
    return made


@answers("codedeploy", "GetDeploymentGroup", for_="aws_codedeploy_deployment_group")
def deployment_group(asked: Asked) -> Mapping[str, Any]:
    name = f"{asked['applicationName']}/{asked['deploymentGroupName']}"
    return {"deploymentGroupInfo": _groups[asked.region, name]}


@answers("codedeploy", "DeleteDeploymentGroup", for_="aws_codedeploy_deployment_group")
def delete_group(asked: Asked) -> Mapping[str, Any]:
    del _groups[asked.region, f"{asked['applicationName']}/{asked['deploymentGroupName']}"]
    return {}


@answers("codedeploy", "ListTagsForResource", for_=("aws_codedeploy_app", "aws_codedeploy_deployment_group"))
def release_tags(asked: Asked) -> Mapping[str, Any]:
    _, _, name = asked["ResourceArn"].partition(":deploymentgroup:")
    return {"Tags": _groups[asked.region, name].get("tags") or []} if name else MOTO
