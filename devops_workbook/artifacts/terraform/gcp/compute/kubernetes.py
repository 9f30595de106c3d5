"""Google Kubernetes Engine: a cluster of private nodes, and the one pool of nodes that its pods run on."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.clock import EVENING, MORNING, Call, clock
from devops_workbook.artifacts.terraform.gcp.common import labels, named, production, project, region, zones
from devops_workbook.artifacts.terraform.gcp.compute.environment import environment
from devops_workbook.artifacts.terraform.gcp.compute.identity import account, on_project, pulls
from devops_workbook.artifacts.terraform.gcp.compute.subscription import pulled
from devops_workbook.artifacts.terraform.gcp.machines import machine
from devops_workbook.artifacts.terraform.gcp.parts import Parts, assumed, encrypted, key, permission
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["NAMESPACE", "SERVICE_ACCOUNT", "kubernetes"]

_COMPUTE = "infrastructure.compute"
_AUTOSCALING = "scaling.autoscaling"
NAMESPACE, SERVICE_ACCOUNT = "service", "service"  # as the manifests name them
_PORT = 8443
# Logs and metrics of the platform itself; what the service tells goes to the collector.
_LOGGED = ("SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "SCHEDULER", "CONTROLLER_MANAGER")
_MEASURED = ("SYSTEM_COMPONENTS", "APISERVER", "SCHEDULER", "CONTROLLER_MANAGER", "HPA", "POD", "DEPLOYMENT")
_SKIPS = {
    "CKV_GCP_12": "Dataplane V2 enforces network policies itself; the check knows only the older way.",
    "CKV_GCP_65": "Groups for RBAC need a domain of Google Workspace, which the design does not ask for; people "
                  "come in by IAM roles on the cluster.",
}  # fmt: skip


def kubernetes(m: Module, b: Blueprint, site: Site, parts: Parts, data: Module, made: Ref) -> None:
    """The cluster of a site."""
    nodes = account(m, site, "nodes", "compute", "node", "Nodes of the cluster")
    fact = permission("gke", "nodes")
    on_project(m, "nodes", "compute", fact, nodes.member, fact["why"])
    if b.has("registry"):
        pulls(m, b, site, nodes.member)
    cluster = _cluster(m, b, site, parts)
    pool = _pool(m, b, site, parts, cluster, nodes)
    _workload(m, cluster, made)
    if b.has("intake"):
        pulled(m, b, site, data, made)
    else:
        _endpoints(m, site)
    m.output("compute_name", cluster.name, "Name of the cluster.", exported=True)
    m.output("cluster_id", cluster.id, "The cluster.")
    m.output("service_settings", environment(m, b, site, data, made), "What the manifests tell the service.",
             exported=True)  # fmt: skip
    clock(m, b, site, "compute", _rest(pool), "hours")


def _workload(m: Module, cluster: Ref, made: Ref) -> None:
    member = template("serviceAccount:", cluster.workload_identity_config[0].workload_pool,
                      f"[{NAMESPACE}/{SERVICE_ACCOUNT}]")  # fmt: skip
    m.resource(
        "google_service_account_iam_member", "workload", "compute", file="identity",
        why="Pods of the service work under its account, without a key.",
        service_account_id=made.name, role="roles/iam.workloadIdentityUser", member=member,
    )  # fmt: skip


def _endpoints(m: Module, site: Site) -> None:
    """What the load balancer sends to: GKE makes these groups, one a zone, when the service first runs."""
    deployed = m.variable("service_deployed", "bool", "Whether the service has been deployed to the cluster once.",
                          raw("var.service_deployed"))  # fmt: skip
    called = m.local("endpoint_group", named(m, site, "service"))
    groups = f'"projects/${{var.project}}/zones/${{zone}}/networkEndpointGroups/${{{called}}}"'
    exposed = call("jsonencode", {"exposed_ports": {str(_PORT): {"name": called}}})
    m.output("endpoint_groups", exposed, "The endpoint groups, as the manifests ask GKE to make them.", exported=True)
    m.output("backend_groups", raw(f"{deployed} ? [for zone in var.zones : {groups}] : []"),
             "What the load balancer sends requests to: nothing before the service runs.")  # fmt: skip


# --- cluster ---------------------------------------------------------------------------------------------


def _cluster(m: Module, b: Blueprint, site: Site, parts: Parts) -> Ref:
    where = m.variable("zones", "list(string)", "Zones that nodes stand in.", zones(b, site),
                       why=b.why("disaster_recovery.high_availability"),
                       checks=(("length(var.zones) > 0", "zones must name at least one."),))  # fmt: skip
    pods, services = (
        m.variable(f"{what}_range_name", "string", f"Range of the {what}, in the application subnet.",
                   parts.network.wire(f"{what}_range_name"))
        for what in ("pods", "services")
    )  # fmt: skip
    return m.resource(
        "google_container_cluster", "this", "compute", why=b.why(_COMPUTE), skips=_SKIPS, project=project(m),
        name=named(m, site, "cluster"),
        location=Noted(region(m, site), "Regional: the control plane survives the loss of a zone."),
        node_locations=where, remove_default_node_pool=True, initial_node_count=1,
        deletion_protection=production(m, b), resource_labels=labels("compute", m, site),
        network=parts.network_id(m), subnetwork=parts.subnet(m, "app"), networking_mode="VPC_NATIVE",
        datapath_provider=Noted("ADVANCED_DATAPATH", "Enforces the network policies of the manifests."),
        enable_intranode_visibility=True, enable_shielded_nodes=True, enable_l4_ilb_subsetting=True,
        default_max_pods_per_node=round(assumed(b, "max_pods_default")),
        ip_allocation_policy=Nested(cluster_secondary_range_name=pods, services_secondary_range_name=services,
                                    stack_type="IPV4"),
        **_closed(parts, m), **_encrypted(m, b, parts), **_watched(),
        release_channel=Nested(channel="REGULAR"),
        maintenance_policy=Nested(daily_maintenance_window=Nested(start_time="03:00")),
        workload_identity_config=Nested(workload_pool=template(project(m), ".svc.id.goog")),
        master_auth=Nested(client_certificate_config=Nested(issue_client_certificate=False)),
        binary_authorization=Nested(evaluation_mode="PROJECT_SINGLETON_POLICY_ENFORCE"),
        security_posture_config=Nested(mode="BASIC", vulnerability_mode="VULNERABILITY_BASIC"),
        vertical_pod_autoscaling=Nested(enabled=True), cost_management_config=Nested(enabled=True),
        addons_config=_addons(), node_config=_first_node(m, parts),
        lifecycle=Nested(ignore_changes=Noted([raw("node_config")], "Of the pool that is removed at once.")),
    )  # fmt: skip


def _closed(parts: Parts, m: Module) -> dict[str, Any]:
    """No address in the internet: nodes and control plane have private ones. People and the pipeline come in by the
    control plane's name, where IAM asks who they are."""
    return {
        "private_cluster_config": Nested(enable_private_nodes=True, enable_private_endpoint=True,
                                         private_endpoint_subnetwork=parts.subnet(m, "app")),
        "master_authorized_networks_config": Nested(gcp_public_cidrs_access_enabled=False),
        "control_plane_endpoints_config": Nested(dns_endpoint_config=Nested(allow_external_traffic=True)),
    }  # fmt: skip


def _encrypted(m: Module, b: Blueprint, parts: Parts) -> dict[str, Any]:
    held = key(m, b, parts.security, "secrets")
    return {} if held is None else {"database_encryption": Nested(state="ENCRYPTED", key_name=held)}


def _watched() -> dict[str, Any]:
    return {
        "logging_config": Nested(enable_components=list(_LOGGED)),
        "monitoring_config": Nested(
            enable_components=list(_MEASURED), managed_prometheus=Nested(enabled=False),
            advanced_datapath_observability_config=Nested(enable_metrics=True, enable_relay=False),
        ),
    }  # fmt: skip


def _addons() -> Nested:
    return Nested(
        http_load_balancing=Noted(Nested(disabled=False), "Its controller makes the load balancer's endpoint groups."),
        horizontal_pod_autoscaling=Nested(disabled=False), dns_cache_config=Nested(enabled=True),
        gce_persistent_disk_csi_driver_config=Nested(enabled=True),
    )  # fmt: skip


def _first_node(m: Module, parts: Parts) -> Nested:
    """The pool that every cluster begins with, and which is removed: as closed as the one that stays."""
    return Nested(
        service_account=raw("google_service_account.nodes.email"), tags=[parts.tag(m, "compute")],
        oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
        shielded_instance_config=Nested(enable_secure_boot=True, enable_integrity_monitoring=True),
        workload_metadata_config=Nested(mode="GKE_METADATA"),
    )  # fmt: skip


# --- nodes -----------------------------------------------------------------------------------------------


def _pool(m: Module, b: Blueprint, site: Site, parts: Parts, cluster: Ref, nodes: Ref) -> Ref:
    component = site.id("compute")
    least = m.variable("minimum", "number", "Nodes that always run, over all zones.",
                       b.sized(component, lambda s: s.minimum), why=b.why(_AUTOSCALING),
                       checks=(("var.minimum >= 0", "minimum must not be negative."),))  # fmt: skip
    most = m.variable("maximum", "number", "Most nodes that run, over all zones.",
                      b.sized(component, lambda s: max(1, s.maximum)), why=b.why("scaling.capacity"),
                      checks=(("var.maximum >= 1", "maximum must be at least 1."),))  # fmt: skip
    held = key(m, b, parts.security, "files")
    kind = machine(m, b, component, "machine", image=False)
    return m.resource(
        "google_container_node_pool", "this", "compute", why=b.why(_AUTOSCALING), project=project(m),
        name_prefix=template(raw("var.name"), "-"), location=region(m, site), cluster=cluster.name,
        node_locations=raw("var.zones"), initial_node_count=raw(f"ceil({least} / length(var.zones))"),
        autoscaling=Noted(
            Nested(total_min_node_count=least, total_max_node_count=most, location_policy="BALANCED"),
            "Totals: limits without `total` would count for each zone.",
        ),
        management=Nested(auto_repair=True, auto_upgrade=True),
        upgrade_settings=Nested(strategy="SURGE", max_surge=1, max_unavailable=0),
        network_config=Nested(enable_private_nodes=True),
        node_config=Nested(
            machine_type=kind["machine_type"], image_type="COS_CONTAINERD", disk_type=kind["disk_type"],
            disk_size_gb=round(assumed(b, "disk_gb_per_instance")), **encrypted("boot_disk_kms_key", held),
            service_account=nodes.email, oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
            tags=[parts.tag(m, "compute")], resource_labels=labels("compute", m, site),
            labels={"component": "compute"}, metadata={"disable-legacy-endpoints": "true"},
            shielded_instance_config=Nested(enable_secure_boot=kind["secure_boot"], enable_integrity_monitoring=True),
            workload_metadata_config=Nested(mode="GKE_METADATA"),
            kubelet_config=Nested(insecure_kubelet_readonly_port_enabled="FALSE", cpu_manager_policy="none"),
        ),
        lifecycle=Nested(create_before_destroy=True, ignore_changes=Noted(
            [raw("initial_node_count"), raw("autoscaling[0].total_min_node_count")],
            "The autoscaler decides, and working hours take the floor away in the evening.",
        )),
    )  # fmt: skip


# --- working hours ---------------------------------------------------------------------------------------


def _rest(pool: Ref) -> list[Call]:
    """In the evening the autoscaler is switched off and the pool emptied; in the morning pending pods fill it again."""
    base = ("https://container.googleapis.com/v1/", pool.id)
    scaled = {"enabled": True, "totalMinNodeCount": raw("var.minimum"), "totalMaxNodeCount": raw("var.maximum"),
              "locationPolicy": "BALANCED"}  # fmt: skip
    later = EVENING.replace("0 ", "5 ", 1)
    return [
        Call("hold", EVENING, "POST", template(*base, ":setAutoscaling"), {"autoscaling": {"enabled": False}}),
        Call("stop", later, "POST", template(*base, ":setSize"), {"nodeCount": 0}),
        Call("start", MORNING, "POST", template(*base, ":setAutoscaling"), {"autoscaling": scaled}),
    ]
