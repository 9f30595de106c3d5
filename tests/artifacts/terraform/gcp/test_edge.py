"""The entry on Google Cloud: external or internal, what it sends requests to, filter, CDN and names."""

from __future__ import annotations

from typing import Any

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS
from devops_workbook.artifacts.terraform.gcp.edge import edge
from devops_workbook.artifacts.terraform.gcp.front import _RULES, front
from devops_workbook.artifacts.terraform.gcp.network import network
from devops_workbook.artifacts.terraform.gcp.records import records
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.evaluate import evaluate
from devops_workbook.scenario import examples, load

HA, RECOVERY = "disaster_recovery.high_availability", "disaster_recovery.recovery"


def blueprint(example: str, overrides: dict[str, str] | None = None, **stated: Any) -> Blueprint:
    r = load(examples()[example]).requirements
    moved = {"provider": "gcp", "region": "", "secondary_region": "", "iac_tool": "terraform", **stated}
    return Blueprint.of(evaluate(r.model_copy(update={**moved, "overrides": {**r.overrides, **(overrides or {})}})))


def built(b: Blueprint) -> tuple[Module, list[Module], Module]:
    """Front, edges and records, on stand-ins for what compute and data give."""
    networks = [network(b, site) for site in b.sites]
    before = front(b, networks)
    edges = []
    for site, net in zip(b.sites, networks, strict=True):
        compute = Module("compute", "", (), PROVIDERS, site, b.present(site))
        compute.output("backend_groups", [], "")
        data = Module("data", "", (), PROVIDERS, site, b.present(site))
        data.output("intake_id", "", "")
        edges.append(edge(b, site, net, before, compute, data))
    return before, edges, records(b, before, edges, networks)


def text(module: Module) -> str:
    """A module's text, blanks within lines narrowed."""
    return "\n".join(" ".join(line.split()) for _, text in module.files() for line in text.splitlines())


def types(module: Module) -> set[str]:
    return {r.type for r in module.resources}


# --- load balancer ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compute", "balanced", "probed"),
    [
        ("vms", 'balancing_mode = "UTILIZATION"', True),
        ("kubernetes", 'balancing_mode = "RATE"', True),
        ("containers", "", False),
        ("functions", "", False),
    ],
)
def test_backends_suit_what_runs_the_code(compute: str, balanced: str, probed: bool) -> None:
    b = blueprint("payments-api", {"infrastructure.compute": compute}, p99_latency_ms=5000)
    assert b.choice("infrastructure.compute") == compute
    _, (first, *_), _ = built(b)
    assert balanced in text(first)
    assert ("balancing_mode" in text(first)) == bool(balanced)
    assert ("google_compute_health_check" in types(first)) == probed


def test_tls_ends_at_the_entry_and_nothing_listens_beside_it() -> None:
    _, (first, *_), _ = built(blueprint("payments-api"))
    assert 'min_tls_version = "TLS_1_2"' in text(first)
    assert text(first).count("port_range = ") == text(first).count('port_range = "443"') == 1


def test_a_private_entry_has_no_address_in_the_internet() -> None:
    b = blueprint("hospital-records")
    assert not b.requirements.public_facing
    before, edges, _ = built(b)
    for module in edges:
        assert 'address_type = "INTERNAL"' in text(module)
        assert 'purpose = "REGIONAL_MANAGED_PROXY"' in text(module)
        assert not {t for t in types(module) if "global" in t}
    assert 'visibility = "private"' in text(before)


@pytest.mark.parametrize("public", [True, False])
def test_a_queue_takes_requests_in_at_its_own_api(public: bool) -> None:
    _, (first, *_), _ = built(blueprint("iot-ingest", public_facing=public))
    assert 'host_rewrite = "pubsub.googleapis.com"' in text(first)
    assert "backend_groups" not in first.variables
    assert "topic_id" in first.variables


@pytest.mark.parametrize("example", sorted(examples()))
@pytest.mark.parametrize("public", [True, False])
def test_both_sites_are_written_alike(example: str, public: bool) -> None:
    _, edges, _ = built(blueprint(example, {HA: "warm-standby"}, public_facing=public))
    assert len(edges) == 2
    assert dict(edges[0].files()) == dict(edges[1].files())


# --- CDN and filter --------------------------------------------------------------------------------------


def test_the_cdn_is_on_the_backend_and_traced_to_its_component() -> None:
    b = blueprint("media-site")
    _, edges, _ = built(b)
    assert "enable_cdn = true" in text(edges[0])
    assert ("entry", "cdn") in [r.components for r in edges[0].resources]


def test_the_filter_has_as_many_rules_as_the_plan_pays_for() -> None:
    b = blueprint("payments-api")
    before, edges, _ = built(b)
    rules = text(before).count("rule {")
    assert rules == b.component("waf").usage["rules"] + 1  # and the one that lets everything else pass
    assert len(_RULES) + 1 == b.component("waf").usage["rules"]
    assert "security_policy = var.security_policy_id" in text(edges[0])


def test_an_api_gateway_limits_each_client() -> None:
    b = blueprint("startup-web-shop", {"scaling.load_balancing": "api-gateway", "security.network": "segmented"})
    assert not b.has("waf")
    before, edges, _ = built(b)
    assert 'action = "throttle"' in text(before)
    assert text(before).count("rule {") == 2
    assert "API Gateway" in edges[0].about[1]


def test_the_limit_of_a_client_follows_the_traffic_of_the_environment() -> None:
    b = blueprint("payments-api")
    before, _, _ = built(b)
    limits = before.variables["requests_per_minute"].value.values
    assert limits["production"] > limits["staging"] > limits["development"] >= 60


# --- names -----------------------------------------------------------------------------------------------


def test_one_site_has_a_plain_record() -> None:
    b = blueprint("back-office")
    _, _, names = built(b)
    assert "routing_policy" not in text(names)
    assert f"ttl = {b.catalog.assumptions['dns_ttl_seconds'].value:g}" in text(names)


@pytest.mark.parametrize(
    ("form", "recovery", "expected"),
    [
        ("active-active", "region-failover-automatic", "\ngeo {"),
        ("warm-standby", "region-failover-automatic", "primary_backup {"),
        ("warm-standby", "region-failover-manual", "var.serving_site"),
    ],
)
@pytest.mark.parametrize("example", ["payments-api", "hospital-records"])
def test_names_follow_the_sites_as_the_design_says(example: str, form: str, recovery: str, expected: str) -> None:
    b = blueprint(example, {HA: form, RECOVERY: recovery})
    assert (b.choice(HA), b.choice(RECOVERY)) == (form, recovery)
    _, _, names = built(b)
    assert expected in text(names)
    assert sum(word in text(names) for word in ("\ngeo {", "primary_backup {", "var.serving_site")) == 1


def test_probes_come_from_three_regions_and_only_where_dns_cannot_see_health_itself() -> None:
    over = {HA: "active-active"}
    _, _, public = built(blueprint("payments-api", over))
    assert text(public).count("source_regions") == 1
    _, _, private = built(blueprint("hospital-records", over))
    assert "source_regions" not in text(private)
    assert 'load_balancer_type = "regionalL7ilb"' in text(private)
