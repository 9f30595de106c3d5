"""AKS: a private cluster whose nodes the plan counts, with pods in a range of their own, and no account but Entra's."""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.azure.common import (
    CLOSING,
    NO_KEYS,
    OPENING,
    WEEKDAYS,
    Made,
    base,
    diagnostics,
    given,
    group,
    keyed,
    native_logs,
    permission,
    security_groups,
    served_by,
    sized,
    tags,
    taken,
    zones,
)
from devops_workbook.artifacts.terraform.azure.compute.access import assign, settings
from devops_workbook.artifacts.terraform.azure.compute.machines import address, disk_key
from devops_workbook.artifacts.terraform.azure.compute.scaling import (
    by_backlog,
    by_calendar,
    ceiling,
    floor,
    rests,
    sleeps,
)
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["NAMESPACE", "SERVICE_ACCOUNT", "cluster"]

_DISK_GB = 128
NAMESPACE, SERVICE_ACCOUNT = "service", "service"  # as the manifests name them


def cluster(b: Blueprint, m: Module, made: Made, identity: Ref) -> None:
    """Writes the cluster into the compute module."""
    control, kubelet, after = _identities(b, m, made)
    aks = _cluster(b, m, made, control, kubelet, after)
    _workload(m, made, identity, aks)
    diagnostics(m, b, made, "compute", "cluster", aks.id, ("audit",), file="cluster")
    if served_by(b, "metrics", "azure-monitor"):
        _scraped(m, made, aks)
    if sleeps(b):
        _rest(b, m, made, aks)
    m.output("compute_id", aks.id, "The cluster.")
    m.output("compute_name", aks.name, "Name of the cluster.", exported=True)
    told = settings(b, m, made, identity)
    m.output("service_settings", told, "What the manifests tell the service.", exported=True)
    if b.has("intake"):
        host = raw(f'trimsuffix({told["INTAKE_HOST"]}, ".servicebus.windows.net")')
        m.output("intake_name", told["INTAKE_NAME"], "What work is read from.", exported=True)
        m.output("intake_namespace", host, "The namespace of that.", exported=True)
    if not b.has("intake"):
        m.output("backend_address", address(b, m), "Host that the entry sends requests to; the service takes it.",
                 exported=True)  # fmt: skip
        m.output("backend_port", 8443, "Port of that host.")


# --- identities ------------------------------------------------------------------------------------------


def _identities(b: Blueprint, m: Module, made: Made) -> tuple[Ref, Ref, list[Ref]]:
    """Who the control plane is, who the nodes are, and what they may do before the cluster is there."""
    control, kubelet = (
        m.resource(
            "azurerm_user_assigned_identity",
            name,
            "compute",
            file="access",
            **base(m, made, name),
            tags=tags(m, "compute"),
        )
        for name in ("cluster", "kubelet")
    )
    subnets = taken(m, made, "network", "app_subnet_ids", "list(string)", "Subnets of the application.")
    after = []
    for name, use, scope in (("cluster_subnet", "cluster", subnets[0]), ("cluster_kubelet", "kubelet", kubelet.id)):
        fact = permission("aks", use)
        assign(m, name, "compute", control, fact["roles"][0], scope, f"The control plane manages {fact['on']}.")
        after.append(raw(f"azurerm_role_assignment.{name}"))
    if b.has("registry"):
        scope = given(m, "registry_id", "string", "Registry of the images.", raw("local.registry_id"))
        role = permission("container-registry", "compute")["roles"][0]
        assign(m, "kubelet_registry", "compute", kubelet, role, scope, "Connection registry and compute: pull.")
    return control, kubelet, after


def _workload(m: Module, made: Made, identity: Ref, aks: Ref) -> None:
    """Lets the service's account in the cluster become the service's identity, without a secret between them."""
    m.resource(
        "azurerm_federated_identity_credential", "workload", "compute", file="access",
        name=base(m, made, "workload")["name"], resource_group_name=group(m, made), parent_id=identity.id,
        issuer=aks.oidc_issuer_url, audience=["api://AzureADTokenExchange"],
        subject=f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}",
    )  # fmt: skip


# --- the cluster -----------------------------------------------------------------------------------------


def _cluster(b: Blueprint, m: Module, made: Made, control: Ref, kubelet: Ref, after: list[Ref]) -> Ref:
    operators = given(m, "operators_group_id", "string", "Entra group that administers the cluster.",
                      raw("var.operators_group_id"))  # fmt: skip
    tenant = given(m, "tenant_id", "string", "Entra tenant.", raw("var.tenant_id"))
    return m.resource(
        "azurerm_kubernetes_cluster", "this", "compute", file="cluster", why=b.why("infrastructure.compute"),
        skips=_skips(b),
        **base(m, made, "aks"), dns_prefix=template(raw("var.name"), "-aks", raw("var.site")),
        sku_tier=Noted("Standard", "The tier whose control plane comes with an SLA."),
        private_cluster_enabled=True, private_dns_zone_id="System", private_cluster_public_fqdn_enabled=False,
        run_command_enabled=Noted(True, "How the pipeline reaches the private interface, under its own identity."),
        local_account_disabled=True, role_based_access_control_enabled=True, oidc_issuer_enabled=True,
        workload_identity_enabled=True, azure_policy_enabled=True, image_cleaner_enabled=True,
        image_cleaner_interval_hours=48, cost_analysis_enabled=True,
        automatic_upgrade_channel=Noted("stable", "One minor version behind the newest, patched every week."),
        node_os_upgrade_channel="NodeImage", **_encrypted(b, m, made),
        identity=Nested(type="UserAssigned", identity_ids=[control.id]),
        kubelet_identity=Nested(client_id=kubelet.client_id, object_id=kubelet.principal_id,
                                user_assigned_identity_id=kubelet.id),
        azure_active_directory_role_based_access_control=Nested(
            tenant_id=tenant, azure_rbac_enabled=True, admin_group_object_ids=[operators]),
        default_node_pool=_pool(b, m, made), network_profile=_network(b, m),
        auto_scaler_profile=Nested(balance_similar_node_groups=True, scale_down_unneeded="10m", expander="least-waste"),
        **_addons(b, m, made), maintenance_window_auto_upgrade=_window("Sunday", "02:00"),
        maintenance_window_node_os=_window("Saturday", "02:00"), tags=tags(m, "compute"), depends_on=after,
        lifecycle=Nested(ignore_changes=[
            Noted(raw("kubernetes_version"), "Azure upgrades the cluster, as the channel says."),
            raw("default_node_pool[0].node_count"),
        ]),
    )  # fmt: skip


_POOL = "The plan counts one pool of nodes, of sizes without a local disk; it leaves room for the cluster's own pods."


_ELSEWHERE = "The plan keeps them in another tool: observability.logging and security.secrets say which."


def _skips(b: Blueprint) -> dict[str, str]:
    found = {"CKV_AZURE_226": _POOL, "CKV_AZURE_232": _POOL}
    if not keyed(b):
        found["CKV_AZURE_117"] = NO_KEYS
    if not served_by(b, "logs", "log-analytics"):
        found["CKV_AZURE_4"] = _ELSEWHERE
    if not served_by(b, "secrets", "key-vault"):
        found["CKV_AZURE_172"] = _ELSEWHERE
    return found


def _encrypted(b: Blueprint, m: Module, made: Made) -> dict[str, Any]:
    return {k: Noted(v, b.why("infrastructure.security")) for k, v in disk_key(b, m, made).items()}


def _pool(b: Blueprint, m: Module, made: Made) -> Nested:
    subnets = taken(m, made, "network", "app_subnet_ids", "list(string)", "Subnets of the application.")
    sku = sized(m, b, "compute", "sku", "string", "Size of the nodes.", lambda s: s.sku, b.why("scaling.capacity"))
    pods = round(b.provider.services["aks"].limits["max_pods_default"])
    surge = round(100.0 * (b.catalog.assumptions["rollout_surge_share"].value or 0.2))
    return Nested(
        name="nodes", temporary_name_for_rotation="moving", vm_size=sku, vnet_subnet_id=subnets[0], zones=zones(m, b),
        auto_scaling_enabled=True, min_count=floor(b, m, 1), max_count=ceiling(b, m),
        max_pods=Noted(pods, "What the range of pod addresses is planned for."), os_sku="AzureLinux",
        os_disk_type="Managed", os_disk_size_gb=_DISK_GB, host_encryption_enabled=True, node_public_ip_enabled=False,
        upgrade_settings=Nested(
            max_surge=Noted(f"{surge}%", "As many at once as the address plan leaves room for."),
            drain_timeout_in_minutes=30, node_soak_duration_in_minutes=0,
        ),
        node_network_profile=Nested(application_security_group_ids=[security_groups(m, made)["compute"]]),
        tags=tags(m, "compute"),
    )  # fmt: skip


def _network(b: Blueprint, m: Module) -> Nested:
    """Pods and services have the ranges of the address plan; both exist inside the cluster only."""
    assert m.site
    region = m.site.region.id
    check = "{0} must be an IPv4 block such as 100.64.0.0/15."
    ranges = {}
    for name, told in (("pods", "Range of the pods' addresses."), ("services", "Range of the services' addresses.")):
        planned = b.at(m.site, lambda e, name=name: getattr(b.network(e.environment, region), name))  # type: ignore[misc]
        checks = [(f"can(cidrhost(var.{name}_cidr, 0))", check.format(f"{name}_cidr"))]
        ranges[name] = m.variable(
            f"{name}_cidr", "string", told, planned, why=b.why("infrastructure.network"), checks=checks
        )
    return Nested(
        network_plugin="azure", network_plugin_mode="overlay", network_data_plane="cilium", network_policy="cilium",
        load_balancer_sku="standard", pod_cidr=ranges["pods"], service_cidr=ranges["services"],
        dns_service_ip=call("cidrhost", ranges["services"], 10),
        outbound_type=Noted("userAssignedNATGateway", "The gateway of the subnet is the way out."),
    )  # fmt: skip


def _addons(b: Blueprint, m: Module, made: Made) -> dict[str, Any]:
    """What else the cluster runs, as the design has it."""
    found: dict[str, Any] = {}
    if served_by(b, "secrets", "key-vault"):
        found["key_vault_secrets_provider"] = Nested(secret_rotation_enabled=True, secret_rotation_interval="2m")  # noqa: S106 - an interval
    if by_backlog(b) or by_calendar(b):
        found["workload_autoscaler_profile"] = Noted(Nested(keda_enabled=True), b.why("scaling.autoscaling"))
    if native_logs(b):
        workspace = taken(m, made, "logs", "workspace_id", "string", "Log Analytics workspace of this site.")
        if served_by(b, "logs", "log-analytics"):
            found["oms_agent"] = Nested(log_analytics_workspace_id=workspace, msi_auth_for_monitoring_enabled=True)
        if b.has("threat-detection"):
            found["microsoft_defender"] = Nested(log_analytics_workspace_id=workspace)
    if served_by(b, "metrics", "azure-monitor"):
        found["monitor_metrics"] = Nested()
    return found


def _window(day: str, time: str) -> Nested:
    return Nested(frequency="Weekly", interval=1, day_of_week=day, start_time=time, utc_offset="+00:00", duration=4)


def _scraped(m: Module, made: Made, aks: Ref) -> None:
    """Sends the metrics of the cluster to the Prometheus workspace."""
    rule = taken(m, made, "logs", "metrics_rule_id", "string", "Rule by which metrics reach their workspace.")
    entry = taken(m, made, "logs", "metrics_endpoint_id", "string", "Endpoint that takes metrics in.")
    m.resource("azurerm_monitor_data_collection_rule_association", "metrics", ("metrics", "compute"), file="cluster",
               name="metrics", target_resource_id=aks.id, data_collection_rule_id=rule)  # fmt: skip
    m.resource("azurerm_monitor_data_collection_rule_association", "endpoint", ("metrics", "compute"), file="cluster",
               target_resource_id=aks.id, data_collection_endpoint_id=entry)  # fmt: skip


# --- working hours ---------------------------------------------------------------------------------------


_API = "2025-05-01"
_ROLE = "Azure Kubernetes Service Contributor Role"


def _rest(b: Blueprint, m: Module, made: Made, aks: Ref) -> None:
    """Stops the cluster in the evening and starts it in the morning, where the environment rests."""
    resting = rests(b, m)
    for verb, hour in (("start", OPENING), ("stop", CLOSING)):
        count = raw(f"{resting} ? 1 : 0")
        flow = m.resource(
            "azurerm_logic_app_workflow", verb, "compute", file="hours", count=count, why=b.why("cost.efficiency"),
            **base(m, made, f"{verb}-cluster"), identity=Nested(type="SystemAssigned"), tags=tags(m, "compute"),
        )  # fmt: skip
        one = Ref(f"{flow}[0]")
        m.resource(
            "azurerm_logic_app_trigger_recurrence", verb, "compute", file="hours", count=count, name="working-days",
            logic_app_id=one.id, frequency="Week", interval=1, time_zone="UTC",
            schedule=Nested(on_these_days=WEEKDAYS, at_these_hours=[hour], at_these_minutes=[0]),
        )  # fmt: skip
        m.resource(
            "azurerm_logic_app_action_custom", verb, "compute", file="hours", count=count, name=verb,
            logic_app_id=one.id,
            body=call("jsonencode", _action(verb, aks)),
        )  # fmt: skip
        m.resource(
            "azurerm_role_assignment", f"{verb}_cluster", "compute", file="hours", count=count, scope=aks.id,
            role_definition_name=_ROLE, principal_id=one.identity[0].principal_id, principal_type="ServicePrincipal",
        )  # fmt: skip


def _action(verb: str, aks: Ref) -> dict[str, Any]:
    """A call of Azure's own interface under the workflow's identity."""
    return {
        "type": "Http",
        "inputs": {
            "method": "POST",
            "uri": template("https://management.azure.com", aks.id, f"/{verb}?api-version={_API}"),
            "authentication": {"type": "ManagedServiceIdentity", "audience": "https://management.azure.com/"},
        },
        "runAfter": {},
    }
