"""Amazon EKS: a cluster with a private endpoint, a managed group of nodes, and identities for its pods.

What runs inside is described by the manifests. Pods take the service's role by the name of their service account; the
load balancer reaches them at their own addresses, bound to its target group by the AWS Load Balancer Controller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.terraform.aws.compute.machines import action
from devops_workbook.artifacts.terraform.aws.compute.permissions import service_statements
from devops_workbook.artifacts.terraform.aws.compute.releases import released_by_pipeline
from devops_workbook.artifacts.terraform.aws.compute.scaling import (
    BUSY_FROM,
    BUSY_UNTIL,
    by_calendar,
    floor_when_busy,
    rests,
)
from devops_workbook.artifacts.terraform.aws.compute.scope import Scope
from devops_workbook.artifacts.terraform.aws.hours import CLOSING, OPENING, WHY
from devops_workbook.artifacts.terraform.aws.instances import metadata, root_disk, tagged
from devops_workbook.artifacts.terraform.aws.logs import log_group
from devops_workbook.artifacts.terraform.aws.placed import named
from devops_workbook.artifacts.terraform.aws.policies import allow, role, trust
from devops_workbook.artifacts.terraform.aws.reach import balanced
from devops_workbook.artifacts.terraform.aws.reasons import PROVIDER_KEYS
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template

__all__ = ["ACCOUNT", "NAMESPACE", "compute"]

NAMESPACE, ACCOUNT = "service", "service"
"""Where the service runs in the cluster, and the service account that it runs as."""
_VERSION = "1.33"
_IMAGES = {"arm": "AL2023_ARM_64_STANDARD", "x86": "AL2023_x86_64_STANDARD"}
_NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly")
_FIRST_ADDONS, _LATER_ADDONS = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"), ("coredns", "metrics-server")
_POLICED = raw('each.value == "vpc-cni" ? jsonencode({ enableNetworkPolicy = "true" }) : null')
_SYSTEM = "kube-system"
_THIRD = 33  # per cent, the surge of the capacity plan


def compute(c: Scope) -> None:
    """The cluster of a site."""
    cluster = _cluster(c)
    nodes = _nodes(c, cluster)
    _addons(c, cluster, nodes)
    _identities(c, cluster, nodes)
    _access(c, cluster)
    _scale(c, nodes)
    m = c.module
    m.output("cluster_name", cluster.name, "The cluster.", exported=True)
    m.output("cluster_endpoint", cluster.endpoint, "Where its interface answers, inside the network.", exported=True)
    m.output("group_name", _group(nodes), "The nodes' Auto Scaling group.")
    m.output("role_arn", Ref("aws_iam_role.service").arn, "The role that the service's pods take.", exported=True)
    settings = dict(sorted(c.environment().items()))
    m.output("service_settings", settings, "What the manifests tell the service.", exported=True)
    if "INTAKE" in settings:
        m.output("intake_id", settings["INTAKE"], "What work is read from.", exported=True)


def _group(nodes: Ref) -> Ref:
    return raw(f"{nodes}.resources[0].autoscaling_groups[0].name")


# --- the cluster -----------------------------------------------------------------------------------------


def _cluster(c: Scope) -> Ref:
    m = c.module
    made = role(m, "cluster", "compute", named("cluster"),
                trust("eks.amazonaws.com", ["sts:AssumeRole", "sts:TagSession"]), file="cluster",
                tags=c.tags("compute"))  # fmt: skip
    policy = m.resource("aws_iam_role_policy_attachment", "cluster", "compute", file="cluster", role=made.name,
                        policy_arn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")  # fmt: skip
    title = template("/aws/eks/", raw("var.name"), "-cluster/cluster")
    components = "logs" if c.service_of("logs") == "cloudwatch-logs" else "compute"
    log = log_group(c.b, m, "cluster", components, title, c.key("logs"), file="cluster", tags=c.tags("compute"))
    key = c.key("secrets")
    skips = {} if key is not None else {"CKV_AWS_58": PROVIDER_KEYS}
    sealed = {} if key is None else {"encryption_config": Nested(resources=["secrets"], provider=Nested(key_arn=key))}
    subnets = m.variable("app_subnet_ids", "list(string)", "Application subnets, one in each zone.",
                         c.network.wire("app_subnet_ids"))  # fmt: skip
    services = m.variable(
        "service_cidr", "string", "Addresses of services inside the cluster.",
        c.at(lambda e: c.b.network(e.environment, c.site.region.id).services or None), why="From the address plan.",
        checks=[("can(cidrhost(var.service_cidr, 0))", "service_cidr must be an IPv4 block.")],
    )  # fmt: skip
    return m.resource(
        "aws_eks_cluster",
        "this",
        "compute",
        file="cluster",
        why=c.b.why("infrastructure.compute"),
        skips=skips,
        name=named("cluster"),
        role_arn=made.arn,
        version=_VERSION,
        enabled_cluster_log_types=["api", "audit", "authenticator", "controllerManager", "scheduler"],
        bootstrap_self_managed_addons=False,
        access_config=Nested(authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False),
        **sealed,
        kubernetes_network_config=Nested(service_ipv4_cidr=services),
        upgrade_policy=Nested(support_type="STANDARD"),
        vpc_config=Nested(
            subnet_ids=Noted(subnets, "The control plane asks for two zones, even where nodes run in one."),
            security_group_ids=[c.security_group("compute")],
            endpoint_private_access=True,
            endpoint_public_access=False,
        ),
        tags=c.tags("compute"),
        depends_on=[log, policy],
    )


def _nodes(c: Scope, cluster: Ref) -> Ref:
    m = c.module
    made = role(m, "nodes", "compute", named("nodes"), trust("ec2.amazonaws.com"), file="nodes", tags=c.tags("compute"))
    attached = m.resource(
        "aws_iam_role_policy_attachment", "nodes", "compute", file="nodes",
        for_each=call("toset", list(_NODE_POLICIES)), role=made.name,
        policy_arn=template("arn:aws:iam::aws:policy/", raw("each.value")),
    )  # fmt: skip
    image = m.variable(
        "node_image",
        "string",
        "Kind of image that the nodes start from.",
        c.arch().map(_IMAGES.__getitem__),
        checks=[('startswith(var.node_image, "AL2023_")', "Amazon Linux 2023, for either processor.")],
    )
    disk = round(c.b.catalog.assumptions["disk_gb_per_instance"].value or 50)
    launched = m.resource(
        "aws_launch_template",
        "nodes",
        "compute",
        file="nodes",
        name=named("nodes"),
        update_default_version=True,
        vpc_security_group_ids=[c.security_group("compute"), cluster.vpc_config[0].cluster_security_group_id],
        metadata_options=metadata(),
        monitoring=Nested(enabled=True),
        block_device_mappings=root_disk(disk, c.key("files")),
        tag_specifications=tagged(m, {**c.tags("compute"), "Name": named("node")}),
        tags=c.tags("compute"),
    )
    common: Mapping[str, Any] = {
        "cluster_name": cluster.name,
        "node_role_arn": made.arn,
        "subnet_ids": c.subnets(),
        "ami_type": image,
        "instance_types": [c.sku()],
        "launch_template": Nested(id=launched.id, version=launched.latest_version),
        "depends_on": [attached],
    }
    if not _spot(c):
        return _node_group(c, "this", "ON_DEMAND", (c.floor(), c.ceiling()), c.b.why("scaling.capacity"), common)
    rest = raw(f"max(1, {c.ceiling()} - {c.floor()})")
    _node_group(c, "spot", "SPOT", (0, rest), "What is above the floor may be interrupted.", common)
    told = "The floor that must not fail is on demand."
    return _node_group(c, "this", "ON_DEMAND", (c.floor(), raw(f"max(1, {c.floor()})")), told, common)


def _spot(c: Scope) -> bool:
    return c.b.choice("cost.resources") == "spot-mixed"


def _node_group(
    c: Scope, name: str, capacity: str, ends: tuple[Any, Any], why: str, common: Mapping[str, Any]
) -> Ref:  # fmt: skip
    told = "The cluster's autoscaler and the calendar change these."
    moving = [raw("scaling_config[0].desired_size")]
    return c.module.resource(
        "aws_eks_node_group", name, "compute", file="nodes", why=why, **common, capacity_type=capacity,
        node_group_name=named("nodes" if name == "this" else name),
        scaling_config=Nested(min_size=ends[0], max_size=ends[1], desired_size=ends[0]),
        update_config=Nested(max_unavailable_percentage=Noted(_THIRD, "A third of the nodes at a time.")),
        node_repair_config=Nested(enabled=True), tags=c.tags("compute"),
        lifecycle=Nested(ignore_changes=Noted(moving, told)),
    )  # fmt: skip


def _addons(c: Scope, cluster: Ref, nodes: Ref) -> None:
    steps: tuple[tuple[Sequence[str], Mapping[str, Any]], ...] = (
        (_FIRST_ADDONS, {"configuration_values": Noted(_POLICED, "Enforces the network policies of the manifests.")}),
        (_LATER_ADDONS, {"depends_on": [nodes]}),
    )
    for names, later in steps:
        c.module.resource(
            "aws_eks_addon",
            "after_nodes" if "depends_on" in later else "before_nodes",
            "compute",
            file="cluster",
            for_each=call("toset", names),
            cluster_name=cluster.name,
            addon_name=raw("each.value"),
            resolve_conflicts_on_update="OVERWRITE",
            tags=c.tags("compute"),
            **later,
        )


# --- identities ------------------------------------------------------------------------------------------


def _identities(c: Scope, cluster: Ref, nodes: Ref) -> None:
    _identity(c, cluster, "service", NAMESPACE, ACCOUNT, service_statements(c), "What the service's pods may do.")
    groups = [nodes, Ref("aws_eks_node_group.spot")] if _spot(c) else [nodes]
    parts = ("arn:aws:autoscaling:", c.region(), ":", c.account(), ":autoScalingGroup:*:autoScalingGroupName/")
    scaled = [template(*parts, _group(group)) for group in groups]
    scaler = [
        allow("eks", "scale-nodes", scaled),
        allow("eks", "describe-group", [group.arn for group in groups]),
        allow("eks", "describe-nodes"),
    ]
    _identity(
        c, cluster, "autoscaler", _SYSTEM, "cluster-autoscaler", scaler, "Adds and removes nodes of the one group."
    )
    if balanced(c.b):
        target = c.module.variable("target_group_arn", "string", "Where pods register to be reached.",
                                   c.edge.wire("target_group_arn"))  # fmt: skip
        binder = [allow("eks", "register-targets", target), allow("eks", "describe-targets")]
        _identity(c, cluster, "balancing", _SYSTEM, "aws-load-balancer-controller", binder,
                  "Registers pods with the target group, which Terraform owns.")  # fmt: skip
        c.module.output("target_group_arn", target, "The target group that pods are bound to.", exported=True)


def _identity(
    c: Scope, cluster: Ref, name: str, namespace: str, account: str, statements: list[Mapping[str, Any]], why: str
) -> None:  # fmt: skip
    m = c.module
    here = {"StringEquals": {"aws:SourceArn": cluster.arn}}
    trusted = trust("pods.eks.amazonaws.com", ["sts:AssumeRole", "sts:TagSession"], **here)
    made = role(
        m, name, "compute", named(name), trusted, *statements, file="identities", why=why, tags=c.tags("compute")
    )
    m.resource("aws_eks_pod_identity_association", name, "compute", file="identities", cluster_name=cluster.name,
               namespace=namespace, service_account=account, role_arn=made.arn, tags=c.tags("compute"))  # fmt: skip


def _access(c: Scope, cluster: Ref) -> None:
    """The pipeline may deploy into the service's namespace; nobody is administrator by having made the cluster."""
    m = c.module
    released_by_pipeline(c, allow("eks", "deploy", cluster.arn))
    deployer = template("arn:aws:iam::", c.account(), ":role/", raw("var.deploy_role_name"))
    entry = m.resource("aws_eks_access_entry", "pipeline", ("compute", "pipeline"), file="identities",
                       cluster_name=cluster.name, principal_arn=deployer, tags=c.tags("compute"))  # fmt: skip
    m.resource(
        "aws_eks_access_policy_association", "pipeline", ("compute", "pipeline"), file="identities",
        cluster_name=cluster.name, principal_arn=entry.principal_arn,
        policy_arn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        access_scope=Nested(type="cluster"),
        why="The pipeline also installs what serves the whole cluster, such as its autoscaler.",
    )  # fmt: skip


# --- growing and shrinking -------------------------------------------------------------------------------


def _scale(c: Scope, nodes: Ref) -> None:
    group, only = _group(nodes), rests(c)
    most = raw(f"max(1, {c.floor()})") if _spot(c) else c.ceiling()
    if by_calendar(c):
        busy = floor_when_busy(c)
        always = {} if only is None else {"count": raw(f"{only} ? 0 : 1")}
        action(
            c,
            group,
            "busy",
            BUSY_FROM,
            (busy, raw(f"max(1, {busy})") if _spot(c) else c.ceiling()),
            c.b.why("scaling.autoscaling"),
            always,
        )
        action(c, group, "quiet", BUSY_UNTIL, (c.floor(), most), "Back to the floor.", always)
    if only is not None:
        some = {"count": raw(f"{only} ? 1 : 0")}
        action(c, group, "open", OPENING, (c.floor(), most), WHY, some, desired=c.floor())
        action(c, group, "close", CLOSING, (0, 0), WHY, some, desired=0)
