"""Amazon EKS: a cluster with a private endpoint, a managed group of nodes, and identities for its pods.

What runs inside is described by the manifests. Pods take the service's role by the name of their service account; the
balancer reaches them at their own addresses, bound to its target group by the AWS Load Balancer Controller.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.cloudformation.common import CLOSING, OPENING, key, log_group, role, unlocked
from devops_workbook.artifacts.cloudformation.compute.running import BUSY_FROM, BUSY_UNTIL, Running
from devops_workbook.artifacts.cloudformation.instances import disk_of
from devops_workbook.artifacts.cloudformation.schedule import caller, schedule
from devops_workbook.artifacts.cloudformation.template import (
    ACCOUNT,
    PARTITION,
    Resource,
    by_site,
    choose,
    statement,
    sub,
)
from devops_workbook.artifacts.yaml import Noted

__all__ = ["compute"]

_VERSION = "1.33"
_IMAGES = {"arm": "AL2023_ARM_64_STANDARD", "x86": "AL2023_x86_64_STANDARD"}
_NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly")
_FIRST_ADDONS, _LATER_ADDONS = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"), ("coredns", "metrics-server")
_CONFIGURED = {"vpc-cni": '{"enableNetworkPolicy": "true"}'}
_PODS: dict[str, Any] = {"actions": ("sts:AssumeRole", "sts:TagSession")}


def compute(c: Running) -> None:
    """The cluster of a site."""
    t = c.template
    cluster = _cluster(c)
    nodes = _nodes(c, cluster)
    watched = ("amazon-cloudwatch-observability",) if c.b.choice("observability.metrics") == "native" else ()
    for names, later in ((_FIRST_ADDONS, []), ((*_LATER_ADDONS, *watched), [nodes])):
        for name in names:
            t.resource(f"{_title(name)}Addon", "AWS::EKS::Addon", "compute", depends=later, ClusterName=cluster,
                       AddonName=name, ResolveConflicts="OVERWRITE", ConfigurationValues=_CONFIGURED.get(name),
                       why="Enforces the manifests' network policies." if name in _CONFIGURED else "")  # fmt: skip
    _identities(c, cluster)
    _calendar(c, cluster, nodes)
    c.watched = {"ClusterName": cluster}
    t.output("Cluster", cluster, "The cluster.", exported=True)
    if c.balanced:
        group = c.targets("ip")
        t.output("TargetGroup", group, "The target group that pods are bound to.", exported=True)


def _calendar(c: Running, cluster: Resource, nodes: Resource) -> None:
    """Rest at night, or a higher floor by day. CloudFormation does not tell the nodes' Auto Scaling group, so it is the
    node group whose size is set."""
    t, resting = c.template, c.rests()
    if resting is None and not c.by_calendar:
        return
    where = None if c.by_calendar else resting
    by = caller(t, "CalendarRole", "compute", ["eks:UpdateNodegroupConfig"], nodes.arn, where)
    floor, most, busy = c.floor(), c.ceiling(), c.busy() if c.by_calendar else None
    plans: list[tuple[Any, ...]] = (
        [("Opens", OPENING, floor, most, floor, resting), ("Closes", CLOSING, "0", "1", "0", resting)]
        if resting
        else []
    )
    if c.by_calendar:
        plans += [
            ("Busy", BUSY_FROM, busy, most, busy, c.always()),
            ("Quiet", BUSY_UNTIL, floor, most, floor, c.always()),
        ]
    for name, when, least, top, desired, condition in plans:
        call = [
            '{"ClusterName": "',
            cluster,
            '", "NodegroupName": "',
            nodes.att("NodegroupName"),
            '", "ScalingConfig": {"MinSize": ',
            least,
            ', "MaxSize": ',
            top,
            ', "DesiredSize": ',
            desired,
            "}}",
        ]
        schedule(t, f"Nodes{name}", "compute", when, "eks:updateNodegroupConfig", call, by, condition)


def _title(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def _cluster(c: Running) -> Resource:
    t, b = c.template, c.b
    logs = log_group(t, b, "ClusterLogs", "compute", sub("/aws/eks/", t.name_parameter, *t.site_suffix, "/cluster"),
                     key(t, b, "logs"))  # fmt: skip
    runs = role(t, "ClusterRole", "compute", "eks.amazonaws.com", managed=["AmazonEKSClusterPolicy"], **_PODS)
    own = key(t, b, "secrets")
    sealed: dict[str, Any] = (
        {"EncryptionConfig": [{"Resources": ["secrets"], "Provider": {"KeyArn": own}}]} if own is not None else {}
    )
    services = t.parameter(
        "ServiceCidr", "String", "Addresses of services inside the cluster, from the address plan.",
        by_site(b, lambda s: b.at(s, lambda e: b.network(e.environment, s.region.id).services)),
        pattern=r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$")  # fmt: skip
    return t.resource(
        "Cluster",
        "AWS::EKS::Cluster",
        "compute",
        why=b.why("infrastructure.compute"),
        depends=[logs],
        skips=unlocked(own, "CKV_AWS_58"),
        Name=sub(t.name_parameter, *t.site_suffix),
        RoleArn=runs.arn,
        Version=_VERSION,
        BootstrapSelfManagedAddons=False,
        UpgradePolicy={"SupportType": "STANDARD"},
        AccessConfig={
            "AuthenticationMode": "API",
            "BootstrapClusterCreatorAdminPermissions": Noted(False, "Nobody is administrator by having made it."),
        },
        KubernetesNetworkConfig={"ServiceIpv4Cidr": services},
        **sealed,
        Logging={
            "ClusterLogging": {
                "EnabledTypes": [
                    {"Type": x} for x in ("api", "audit", "authenticator", "controllerManager", "scheduler")
                ]
            }
        },
        ResourcesVpcConfig={
            "SubnetIds": Noted(
                c.net.subnets("app"), "The control plane asks for two zones, even where nodes run in one."
            ),
            "SecurityGroupIds": [c.net.group("compute")],
            "EndpointPrivateAccess": True,
            "EndpointPublicAccess": False,
        },
    )


def _nodes(c: Running, cluster: Resource) -> Resource:
    t, b = c.template, c.b
    made = role(t, "NodeRole", "compute", "ec2.amazonaws.com", managed=[*_NODE_POLICIES, *_watching(c)])
    disk = round(b.catalog.assumptions["disk_gb_per_instance"].value or 50)
    tags = [{"Key": "component", "Value": t.component("compute")}]
    launched = t.resource(
        "NodeTemplate",
        "AWS::EC2::LaunchTemplate",
        "compute",
        LaunchTemplateData={
            "SecurityGroupIds": [c.net.group("compute"), cluster.att("ClusterSecurityGroupId")],
            "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "Monitoring": {"Enabled": True},
            "BlockDeviceMappings": disk_of(disk),
            "TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")],
        },
    )
    arch = c.arch()
    image = t.parameter(
        "NodeImage",
        "String",
        "Kind of image that the nodes start from.",
        type(arch)({k: v.map(_IMAGES.__getitem__) for k, v in arch.values.items()}),
        allowed=tuple(_IMAGES.values()),
    )
    spot = b.choice("cost.resources") == "spot-mixed"
    return t.resource(
        "Nodes", "AWS::EKS::Nodegroup", "compute", why=b.why("scaling.capacity"), ClusterName=cluster,
        NodeRole=made.arn, Subnets=c.net.subnets("in-use"), AmiType=image, InstanceTypes=[c.sku()],
        CapacityType=None if spot else "ON_DEMAND",
        LaunchTemplate={"Id": launched, "Version": launched.att("LatestVersionNumber")},
        ScalingConfig={"MinSize": c.floor(), "MaxSize": c.ceiling(), "DesiredSize": Noted(
            choose(c.idle(), 0), "Left to the cluster's autoscaler, which would be undone by every update.")},
        UpdateConfig={"MaxUnavailablePercentage": Noted(33, "A third of the nodes at a time.")},
        NodeRepairConfig={"Enabled": True},
    )  # fmt: skip


def _watching(c: Running) -> list[str]:
    return ["CloudWatchAgentServerPolicy"] if c.b.choice("observability.metrics") == "native" else []


def _identities(c: Running, cluster: Resource) -> None:
    """The roles that pods take."""
    _identity(c, cluster, "Service", "service", "service", c.statements(), "What the service's pods may do.")
    mine = {"StringEquals": {"aws:ResourceTag/eks:cluster-name": cluster}}
    scaler = [
        statement(
            ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
            Noted(
                sub("arn:", PARTITION, ":autoscaling:*:", ACCOUNT, ":autoScalingGroup:*:autoScalingGroupName/eks-*"),
                "EKS names the group; the condition holds it to this cluster.",
            ),
            Condition=mine,
        ),
        statement(
            [
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "autoscaling:DescribeTags",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "eks:DescribeNodegroup",
            ],
            Noted("*", "Descriptions cannot be limited to one."),
        ),
    ]
    _identity(
        c,
        cluster,
        "Autoscaler",
        "kube-system",
        "cluster-autoscaler",
        scaler,
        "Adds and removes nodes of the one group.",
    )
    if c.balanced:
        binder = [
            statement(["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
                      sub("arn:", PARTITION, ":elasticloadbalancing:*:", ACCOUNT, ":targetgroup/*/*"),
                      Condition={"StringEquals": {"aws:ResourceTag/component": c.template.component("entry")}}),
            statement(["elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
                       "ec2:DescribeAvailabilityZones", "ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces",
                       "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"],
                      Noted("*", "Descriptions cannot be limited to one.")),
        ]  # fmt: skip
        _identity(c, cluster, "Binder", "kube-system", "aws-load-balancer-controller", binder,
                  "Registers pods with the target group, which this stack owns.")  # fmt: skip


def _identity(
    c: Running, cluster: Resource, name: str, namespace: str, account: str, statements: list[Any], why: str
) -> None:  # fmt: skip
    here = {"StringEquals": {"aws:SourceArn": cluster.arn}}
    made = role(
        c.template, f"{name}Role", "compute", "pods.eks.amazonaws.com", statements, why=why, within=here, **_PODS
    )
    c.template.resource(f"{name}Identity", "AWS::EKS::PodIdentityAssociation", "compute", ClusterName=cluster,
                        Namespace=namespace, ServiceAccount=account, RoleArn=made.arn)  # fmt: skip
