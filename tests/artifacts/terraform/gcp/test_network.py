"""The network on Google Cloud: the plan's subnets, and a firewall that opens what the design connects."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network, ip_network
from itertools import combinations
from typing import Any

import pytest

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.flows import ENDPOINTS, egress, flows, ingress, machines, tagged
from devops_workbook.artifacts.terraform.gcp.network import network, peering
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.evaluate import evaluate
from devops_workbook.scenario import examples, load

EXAMPLES = sorted(examples())
TWO_SITES = {"disaster_recovery.high_availability": "warm-standby"}


@cache
def blueprint(example: str, *overrides: tuple[str, str], **stated: Any) -> Blueprint:
    """An example, moved to Google Cloud."""
    r = load(examples()[example]).requirements
    moved = {"provider": "gcp", "region": "", "secondary_region": "", "iac_tool": "terraform", **stated}
    return Blueprint.of(evaluate(r.model_copy(update={**moved, "overrides": {**r.overrides, **dict(overrides)}})))


def text(module: Module) -> str:
    return "\n".join(text for _, text in module.files())


def rules(b: Blueprint, site: Site) -> list[tuple[str, dict[str, Any]]]:
    """Every rule of a site, with its direction."""
    found = []
    for shared in (False, True):
        found += [("in", rule) for rule in ingress(b, site, shared).values()]
        found += [("out", rule) for rule in egress(b, site, shared).values()]
    return found


# --- subnets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES)
def test_subnets_are_those_of_the_plan(example: str) -> None:
    b = blueprint(example)
    for site in b.sites:
        m = network(b, site)
        for e in b.environments:
            if site.region.id not in e.regions:
                continue
            plan = b.network(e.environment, site.region.id)
            for subnet in plan.subnets:
                assert m.variables[f"{subnet.tier}_cidr"].value.values[e.environment] == subnet.cidr
            if plan.pods:
                assert m.variables["pods_cidr"].value.values[e.environment] == plan.pods
                assert m.variables["services_cidr"].value.values[e.environment] == plan.services


@pytest.mark.parametrize("example", EXAMPLES)
def test_both_sites_are_written_alike(example: str) -> None:
    b = blueprint(example, *TWO_SITES.items())
    assert len(b.sites) == 2
    first, second = (network(b, site) for site in b.sites)
    assert dict(first.files()) == dict(second.files())


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_only_google_wants_lies_beside_the_plan(example: str) -> None:
    """Proxies (/23 number 64) and endpoints (/23 number 66) are taken from the part of the network no subnet uses."""
    b = blueprint(example)
    for e in b.environments:
        for region in e.regions:
            plan = b.network(e.environment, region)
            parts = list(IPv4Network(plan.cidr).subnets(new_prefix=23))
            blocks = [parts[64], parts[66], *(ip_network(s.cidr) for s in plan.subnets)]
            assert not any(a.overlaps(b) for a, b in combinations(blocks, 2))


def test_every_subnet_keeps_flow_logs_and_reaches_google_privately() -> None:
    body = text(network(blueprint("payments-api"), blueprint("payments-api").sites[0]))
    assert (
        body.count('resource "google_compute_subnetwork"') == body.count("log_config {\n    aggregation_interval") == 3
    )
    assert body.count("private_ip_google_access = true") == 3


# --- endpoints and NAT -----------------------------------------------------------------------------------


def test_endpoints_are_as_many_as_the_plan_counts() -> None:
    b = blueprint("payments-api")
    assert len(ENDPOINTS) == b.component("endpoints").count
    assert all(f'{id} = ["${{local.endpoint_addresses' in _narrow(text(network(b, b.sites[0]))) for id in ENDPOINTS)


def _narrow(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


def test_two_tiers_have_no_endpoints_and_the_data_is_in_the_app_subnet() -> None:
    b = blueprint("back-office")
    assert not b.has("endpoints")
    body = text(network(b, b.sites[0]))
    assert "PRIVATE_SERVICE_CONNECT" not in body
    assert 'google_compute_subnetwork" "data"' not in body
    assert "199.36.153.8/30" in body


# --- firewall --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_rule_is_a_connection_or_a_health_check(example: str) -> None:
    b = blueprint(example)
    joined = {(x.source, x.target, x.port) for x in b.topology.connections}
    for f in flows(b):
        assert (f.opener, f.listener, f.port) in joined or (f.listener, f.opener, f.port) in joined
    told = {f.label for f in flows(b)}
    for site in b.sites:
        for _, rule in rules(b, site):
            assert rule["description"] in told or rule["description"].startswith("Health checks of")


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("compute", ["vms", "kubernetes", "containers", "functions"])
def test_a_connection_between_machines_has_a_rule_at_each_end(example: str, compute: str) -> None:
    b = blueprint(example, ("infrastructure.compute", compute), *TWO_SITES.items())
    inside = set(tagged(b))
    between = {f.label for f in flows(b) if not f.place and f.opener in inside}
    taken = {r["description"] for s in b.sites for way, r in rules(b, s) if way == "in"}
    opened = {r["description"] for s in b.sites for way, r in rules(b, s) if way == "out"}
    assert between <= taken
    assert between <= opened


@pytest.mark.parametrize("example", EXAMPLES)
def test_only_outgoing_calls_and_hosted_services_reach_the_internet(example: str) -> None:
    b = blueprint(example)
    for site in b.sites:
        for way, rule in rules(b, site):
            if way == "out" and rule["to"] == "internet":
                target = b.component(rule["description"].split(" to ")[1].split(":")[0])
                assert target.role == "nat" or target.service not in b.provider.services


def test_the_load_balancer_reaches_machines_and_nothing_else() -> None:
    b = blueprint("payments-api", ("infrastructure.compute", "vms"))
    balanced = {k: r for k, r in ingress(b, b.sites[0], False).items() if "load-balancer" in r["ranges"]}
    assert {r["target"] for r in balanced.values()} == {"compute"}
    assert {r["port"] for r in balanced.values()} == {8443}


def test_a_database_with_machines_is_reached_in_the_data_subnet() -> None:
    b = blueprint("payments-api")
    rule = next(r for r in egress(b, b.sites[0], False).values() if "to database:" in r["description"])
    assert rule == rule | {"source": "compute", "to": "data", "port": 5432}


@pytest.mark.parametrize("example", EXAMPLES)
def test_names_and_tags_fit(example: str) -> None:
    """https://cloud.google.com/compute/docs/naming-resources: at most 63 characters."""
    b = blueprint(example, *TWO_SITES.items(), ("infrastructure.compute", "vms"), ("security.secrets", "vault"))
    for site in b.sites:
        for shared in (False, True):
            for key in (*ingress(b, site, shared), *egress(b, site, shared)):
                assert 21 + len(f"-out-{key}-2") <= 63
    assert all(21 + len(f"-{c.id}-2") <= 63 for c in machines(b))


def test_everything_else_is_denied_in_both_directions() -> None:
    b = blueprint("payments-api")
    body = dict(network(b, b.sites[0]).files())["firewall.tf"]
    assert body.count("deny {") == 2
    assert body.count("priority           = 65534") + body.count("priority      = 65534") == 2


def test_tools_have_rules_in_production_alone() -> None:
    b = blueprint("payments-api")
    assert network(b, b.sites[0]).variables["tools"].value.values == {
        "production": True, "staging": False, "development": False,
    }  # fmt: skip


def test_networks_are_joined_where_the_second_site_sends_telemetry_to_the_first() -> None:
    b = blueprint("hospital-records")
    m = peering(b, [network(b, site) for site in b.sites])
    assert m.present is not None
    assert m.present.values == {"production": True, "staging": False, "development": False}
    assert [r.type for r in m.resources] == ["google_compute_network_peering"] * 2
