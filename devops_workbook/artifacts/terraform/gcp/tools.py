"""The tools that the team runs itself, on machines of its own: collector, Prometheus, Grafana, Loki, Jaeger, Vault, a
source host or a pipeline's runners.

Each has a group of machines of the planned size and number, spread over the zones, private, with a data disk and an
identity of its own, and machines that do not answer are replaced. What runs on them is set up by the files under
`observability/`, which a machine fetches when it starts. They stand in production and serve all environments.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, labels, name, named, project, region, zones
from devops_workbook.artifacts.terraform.gcp.compute.identity import account, on_project
from devops_workbook.artifacts.terraform.gcp.flows import flows, machines, port_of
from devops_workbook.artifacts.terraform.gcp.machines import DATA_DISK, Machine, template_of
from devops_workbook.artifacts.terraform.gcp.parts import Parts, use_of
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.design.model import Component, Connection

__all__ = ["tools"]

# What a tool's account is called: Google allows 30 characters, of which the environment's name takes up to 21.
_SHORT = {
    "collector": "otel", "metrics": "metr", "logs": "logs", "traces": "trac", "dashboards": "dash",
    "alerting": "alert", "secrets": "vault", "source": "git", "pipeline": "ci",
}  # fmt: skip
_VAULT = "secrets"
_BOOT_GB = 10  # what Container-Optimized OS wants: https://cloud.google.com/container-optimized-os/docs (2026-11)
_PATIENCE = 5  # times the start of a machine, before one that does not answer is replaced
_HOSTED = ("metrics", "logs", "traces", "dashboards")


def tools(b: Blueprint, networks: Sequence[Module], securities: Sequence[Module]) -> Iterator[Module]:
    """The tools at the first site, and the vault of each site, where the design has them."""
    first = [c for c in machines(b) if c.id.removesuffix("-2") != _VAULT and c.region == b.sites[0].region.id]
    if first:
        m = _module(b, b.sites[0], "tools", "Tools")
        seen = m.variable("network_ids", "list(string)", "Networks that look the tools up.",
                          [network.wire("network_id") for network in networks])  # fmt: skip
        _zone(m, b.sites[0], "tools", raw(f"compact({seen})"), tuple(c.id for c in first))
        for c in first:
            _tool(m, b, b.sites[0], Parts(networks[0], securities[0]), c)
        _keys(m, b)
        yield m
    if b.has(_VAULT) and b.component(_VAULT).sku:
        for site, network, security in zip(b.sites, networks, securities, strict=True):
            m = _module(b, site, "vault", "Vault")
            parts = Parts(network, security)
            _zone(m, site, "vault", [parts.network_id(m)], (_VAULT,))
            _tool(m, b, site, parts, b.component(site.id(_VAULT)))
            _unseals(m, b, security)
            yield m


def _module(b: Blueprint, site: Site, folder: str, title: str) -> Module:
    about = ("Machines for tools that the team runs itself: private, replaced when they do not answer, each under an "
             "identity of its own. They stand in production and serve all environments.",)  # fmt: skip
    here = b.each(lambda e: e.environment == "production" and site.region.id in e.regions)
    return Module(folder, title, about, PROVIDERS, site, here)


# --- one tool --------------------------------------------------------------------------------------------


def _tool(m: Module, b: Blueprint, site: Site, parts: Parts, c: Component) -> None:
    id = c.id.removesuffix("-2")
    made = account(m, site, id, id, _SHORT[id], c.title, id)
    for x in b.outgoing(c.id):
        _granted(m, b, x, id, made)
    boot, data = _disks(c)
    made_of = template_of(m, b, site, parts, Machine(id, _SHORT[id], f"{id}_machine", boot, data, id), made.email,
                          {"tool": c.service})  # fmt: skip
    group = _group(m, b, site, c, made_of)
    _balanced(m, b, site, parts, c, group)
    m.output(f"{id}_group", group.name, f"Group of the machines of {id}.", exported=True)


def _disks(c: Component) -> tuple[int, int]:
    """GB of each machine's boot disk and of the disk for what the tool keeps, together what the plan bills; a
    collector keeps nothing."""
    gb = math.ceil((c.usage.get("disk_gb") or 0.0) / max(1, c.count))
    if c.role == "telemetry":
        return max(_BOOT_GB, gb), 0
    return _BOOT_GB, max(_BOOT_GB, gb - _BOOT_GB)


def _granted(m: Module, b: Blueprint, x: Connection, id: str, made: Ref) -> None:
    """What a connection to one of Google's services needs: a role on the project."""
    service = b.component(x.target).service
    fact: Mapping[str, Any] = code_facts("gcp")["permissions"].get(service, {}).get(use_of(x.label), {})
    if fact.get("on") == "project":
        why = f"{id} to {x.target}: {x.label}. {fact['why']}"
        on_project(m, f"{id}_{x.target}", (id, x.target), fact, made.member, why, id)


def _group(m: Module, b: Blueprint, site: Site, c: Component, made_of: Ref) -> Ref:
    id = c.id.removesuffix("-2")
    some = (f"var.{id}_count >= 1", f"{id}_count must be at least 1.")
    count = m.variable(f"{id}_count", "number", f"Machines of {id}.", b.sized(c.id, lambda s: s.maximum),
                       why=b.why(c.decision), checks=(some,))  # fmt: skip
    where = m.variable("zones", "list(string)", "Zones that machines stand in.", zones(b, site),
                       checks=(("length(var.zones) > 0", "zones must name at least one."),))  # fmt: skip
    start = round(b.provider.facts["instance_start_seconds"].value or 0)
    probe = m.resource(
        "google_compute_health_check", id, id, file=id, why="A machine that does not answer is replaced.",
        project=project(m), name=named(m, site, id), check_interval_sec=10, timeout_sec=5, healthy_threshold=2,
        unhealthy_threshold=6, tcp_health_check=Nested(port=port_of(b, c.id)), log_config=Nested(enable=True),
    )  # fmt: skip
    return m.resource(
        "google_compute_region_instance_group_manager", id, id, file=id, why=b.why(c.decision), project=project(m),
        name=named(m, site, id), region=region(m, site), base_instance_name=named(m, site, _SHORT[id]),
        target_size=count, distribution_policy_zones=where, distribution_policy_target_shape="EVEN",
        version=Nested(instance_template=made_of.self_link_unique),
        auto_healing_policies=Nested(health_check=probe.id, initial_delay_sec=_PATIENCE * start),
        update_policy=Nested(
            type="OPPORTUNISTIC", minimal_action="REPLACE", instance_redistribution_type="NONE",
            replacement_method="RECREATE", max_surge_fixed=0,
            max_unavailable_fixed=Noted(raw(f"length({where})"), "The fewest that Google takes for several zones."),
        ),
        **_stateful(c),
    )  # fmt: skip


def _stateful(c: Component) -> Mapping[str, Any]:
    """A machine that is replaced gets its data disk back."""
    if c.role == "telemetry":
        return {}
    disk = Nested(device_name=DATA_DISK, delete_rule="ON_PERMANENT_INSTANCE_DELETION")
    return {"stateful_disk": Noted(disk, "What the tool keeps stays with its machine.")}


# --- how a tool is reached -------------------------------------------------------------------------------


def _zone(m: Module, site: Site, folder: str, seen: Ref | list[Ref], ids: tuple[str, ...]) -> None:
    """The private names of the tools: collector.tools.<name>.internal. seen: the networks that know them."""
    m.resource(
        "google_dns_managed_zone", "this", ids, why="The tools' names, which only these networks know.",
        project=project(m), name=named(m, site, folder), dns_name=template(f"{folder}.", name(m), ".internal."),
        description="Tools that the team runs itself.", visibility="private", labels=labels(ids[0], m, site),
        private_visibility_config=Nested(dynamic=Nested(
            "networks", for_each=seen, content=Nested(network_url=raw("networks.value"))
        )),
    )  # fmt: skip


def _balanced(m: Module, b: Blueprint, site: Site, parts: Parts, c: Component, group: Ref) -> None:
    """One address for all machines of a tool, and its name."""
    id = c.id.removesuffix("-2")
    service = m.resource(
        "google_compute_region_backend_service", id, id, file=id, why="One address for all machines of the tool.",
        project=project(m), name=named(m, site, id), region=region(m, site), load_balancing_scheme="INTERNAL",
        protocol="TCP", health_checks=[raw(f"google_compute_health_check.{id}.id")],
        backend=Nested(group=group.instance_group, balancing_mode="CONNECTION"),
        connection_draining_timeout_sec=60, log_config=Nested(enable=True, sample_rate=1),
    )  # fmt: skip
    ports = sorted({f.port for f in flows(b) if f.listener == c.id and not f.place} or {port_of(b, c.id)})
    rule = m.resource(
        "google_compute_forwarding_rule", id, id, file=id, project=project(m), name=named(m, site, id),
        region=region(m, site), load_balancing_scheme="INTERNAL", backend_service=service.id, ip_protocol="TCP",
        ports=[str(port) for port in ports], network=parts.network_id(m), subnetwork=parts.subnet(m, "app"),
        allow_global_access=Noted(True, "The second site's machines call it too."), labels=labels(id, m, site),
    )  # fmt: skip
    zone = raw("google_dns_managed_zone.this")
    m.resource(
        "google_dns_record_set", id, id, file=id, project=project(m), managed_zone=zone.name,
        name=template(f"{id}.", zone.dns_name), type="A", ttl=300, rrdatas=[rule.ip_address],
    )  # fmt: skip


# --- what some of them need besides ----------------------------------------------------------------------


def _unseals(m: Module, b: Blueprint, security: Module) -> None:
    """The vault unseals itself with a key of the cloud's, which its account alone may use."""
    if not b.has("keys"):
        return
    if "unseal_key_id" not in security.outputs:
        held = m.variable("key_ids", "map(string)", "Keys by what they encrypt.", security.wire("key_ids"))["secrets"]
    else:
        held = m.variable("unseal_key_id", "string", "Key that unseals the vault.", security.wire("unseal_key_id"))
    m.resource(
        "google_kms_crypto_key_iam_member", "unseal", ("secrets", "keys"), file="secrets",
        why="secrets to keys: the vault unseals itself.", crypto_key_id=held,
        role="roles/cloudkms.cryptoKeyEncrypterDecrypter", member=raw("google_service_account.secrets.member"),
    )  # fmt: skip


def _keys(m: Module, b: Blueprint) -> None:
    """The key that a hosted tool takes telemetry with: a secret, without a value, that the collector may read."""
    hosted = [id for id in _HOSTED if b.has(id) and _hosted(b, b.component(id))]
    if not hosted or b.choice("security.secrets") != "native":
        return
    secret = m.resource(
        "google_secret_manager_secret", "telemetry", tuple(hosted), file="collector",
        why="The key of the hosted tool. Whoever owns it adds a version, outside this code.", project=project(m),
        secret_id=template(raw("var.name"), "-telemetry-key"), labels=labels(hosted[0]),
        replication=Nested(user_managed=Nested(replicas=Nested(location=region(m, b.sites[0])))),
    )  # fmt: skip
    m.resource(
        "google_secret_manager_secret_iam_member", "telemetry", "collector", file="collector", project=project(m),
        secret_id=secret.id, role="roles/secretmanager.secretAccessor",
        member=raw("google_service_account.collector.member"),
    )  # fmt: skip


def _hosted(b: Blueprint, c: Component) -> bool:
    return not c.sku and c.service not in b.provider.services
