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

from devops_workbook.artifacts.blueprint import Blueprint, Each, Site
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, labels, named, project, region, zones
from devops_workbook.artifacts.terraform.gcp.compute.identity import account, on_project
from devops_workbook.artifacts.terraform.gcp.flows import machines, port_of
from devops_workbook.artifacts.terraform.gcp.machines import template_of
from devops_workbook.artifacts.terraform.gcp.parts import Parts, use_of
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.design.model import Component

__all__ = ["tools"]

# What a tool's account is called: Google allows 30 characters, of which the environment's name takes up to 21.
_SHORT = {
    "collector": "otel", "metrics": "metr", "logs": "logs", "traces": "trac", "dashboards": "dash",
    "alerting": "alert", "secrets": "vault", "source": "git", "pipeline": "ci",
}  # fmt: skip
_VAULT = "secrets"
_HOSTED = ("metrics", "logs", "traces", "dashboards")


def tools(b: Blueprint, networks: Sequence[Module], securities: Sequence[Module]) -> Iterator[Module]:
    """The tools at the first site, and the vault of each site, where the design has them."""
    first = [c for c in machines(b) if c.id.removesuffix("-2") != _VAULT and c.region == b.sites[0].region.id]
    if first:
        m = _module(b, b.sites[0], "tools", "Tools")
        for c in first:
            _tool(m, b, b.sites[0], Parts(networks[0], securities[0]), c)
        _keys(m, b)
        yield m
    if b.has(_VAULT) and b.component(_VAULT).sku:
        for site, network, security in zip(b.sites, networks, securities, strict=True):
            m = _module(b, site, "vault", "Vault")
            _tool(m, b, site, Parts(network, security), b.component(site.id(_VAULT)))
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
    file = id.replace("-", "_")
    made = account(m, site, file, id, _SHORT[id], c.title, file)
    for x in b.outgoing(c.id):
        _granted(m, b, id, file, made, x.target, x.label)
    made_of = template_of(m, b, site, parts, file, id, _SHORT[id], f"{file}_machine", _disk_gb(c), made.email,
                          {"tool": c.service}, file)  # fmt: skip
    _group(m, b, site, c, id, file, made_of)


def _disk_gb(c: Component) -> int:
    """GB of each machine's disk, as the plan bills it."""
    return max(10, math.ceil((c.usage.get("disk_gb") or 0.0) / max(1, c.count)))


def _granted(m: Module, b: Blueprint, id: str, file: str, made: Ref, target: str, label: str) -> None:
    """What a connection to one of Google's services needs: a role on the project."""
    service = b.component(target).service
    fact: Mapping[str, Any] = code_facts("gcp")["permissions"].get(service, {}).get(use_of(label), {})
    if fact.get("on") == "project":
        on_project(m, f"{file}_{target}", (id, target), fact, made.member, f"{id} to {target}: {label}. {fact['why']}",
                   file=file)  # fmt: skip


def _group(m: Module, b: Blueprint, site: Site, c: Component, id: str, file: str, made_of: Ref) -> None:
    component = c.id
    count = m.variable(f"{file}_count", "number", f"Machines of {id}.", b.sized(component, lambda s: s.maximum),
                       why=b.why(c.decision), checks=((f"var.{file}_count >= 1", f"{file}_count must be at least 1."),))  # fmt: skip
    where = m.variable("zones", "list(string)", "Zones that machines stand in.", _zones(b, site),
                       checks=(("length(var.zones) > 0", "zones must name at least one."),))  # fmt: skip
    start = round(b.provider.facts["instance_start_seconds"].value or 0)
    probe = m.resource(
        "google_compute_health_check", file, id, file=file, why="A machine that does not answer is replaced.",
        project=project(m), name=named(m, site, id), check_interval_sec=10, timeout_sec=5, healthy_threshold=2,
        unhealthy_threshold=6, tcp_health_check=Nested(port=port_of(b, component)), log_config=Nested(enable=True),
    )  # fmt: skip
    group = m.resource(
        "google_compute_region_instance_group_manager", file, id, file=file, why=b.why(c.decision),
        project=project(m), name=named(m, site, id), region=region(m, site),
        base_instance_name=named(m, site, _SHORT[id]), target_size=count, distribution_policy_zones=where,
        distribution_policy_target_shape="EVEN", version=Nested(instance_template=raw(f"{made_of}.self_link_unique")),
        auto_healing_policies=Nested(health_check=probe.id, initial_delay_sec=5 * start),
        update_policy=Nested(
            type="OPPORTUNISTIC", minimal_action="REPLACE", instance_redistribution_type="NONE",
            replacement_method="RECREATE", max_surge_fixed=0,
            max_unavailable_fixed=Noted(raw(f"length({where})"), "The fewest that Google takes for several zones."),
        ),
        **_stateful(m, site, id),
    )  # fmt: skip
    m.output(f"{file}_group", group.name, f"Group of the machines of {id}.", exported=True)


def _stateful(m: Module, site: Site, id: str) -> Mapping[str, Any]:
    """A machine that is replaced gets its disk back, with what the tool had written to it."""
    return {} if id == "collector" else {
        "stateful_disk": Noted(Nested(device_name="persistent-disk-0", delete_rule="ON_PERMANENT_INSTANCE_DELETION"),
                               "What the tool keeps stays with its machine."),
    }  # fmt: skip


def _zones(b: Blueprint, site: Site) -> Each:
    return zones(b, site)


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
