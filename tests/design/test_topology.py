"""The topology: whole, placed, and with the usage it will be billed for."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest

from devops_workbook.catalog import load
from devops_workbook.design.context import Context
from devops_workbook.design.decide import decide_all
from devops_workbook.design.model import Topology
from devops_workbook.design.pricing import find_service
from devops_workbook.design.sites import site_compute, sites_of
from devops_workbook.design.sizing import SECONDS_PER_MONTH
from devops_workbook.design.topology import build
from devops_workbook.evaluate import Evaluation
from devops_workbook.outline import FIELD_IDS
from devops_workbook.requirements import Requirements

PROVIDERS = tuple(load().providers)
FORMS = ("single-zone", "multi-zone", "pilot-light", "warm-standby", "active-active")
SERVED_IN_A_SUBNET = ("entry", "compute", "database", "cache", "nat", "endpoints")


def decided(**changes: Any) -> Context:
    c = Context(Requirements(**changes), load())
    decide_all(c)
    return c


def built(**changes: Any) -> Topology:
    return build(decided(**changes))


def form(name: str, **overrides: str) -> dict[str, Any]:
    """Requirements whose design has this form."""
    fields = {"disaster_recovery.high_availability": name, "scaling.caching": "none", "security.network": "segmented"}
    return {"overrides": {**fields, **overrides}, "availability_target_pct": 99, "cacheable_pct": 0}


def assert_whole(topology: Topology, provider: str) -> None:
    components = {c.id: c for c in topology.components}
    boundaries = {b.id: b for b in topology.boundaries}
    assert max(Counter(c.id for c in topology.components).values()) == 1
    assert max(Counter(b.id for b in topology.boundaries).values()) == 1
    for connection in topology.connections:
        assert connection.source in components
        assert connection.target in components
        assert connection.source != connection.target
    for component in topology.components:
        assert component.decision in FIELD_IDS
        assert component.boundary in boundaries
        assert find_service(load(), provider, component.service).title
        assert all(value is None or value >= 0 for value in component.usage.values())
        assert component.region in ("", *load().providers[provider].regions)
    for boundary in boundaries.values():
        seen = [boundary.id]
        while parent := boundaries[seen[-1]].parent:
            assert parent in boundaries
            assert parent not in seen, "boundaries must not contain each other"
            seen.append(parent)


def test_every_example_is_whole(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        assert_whole(evaluation.topology, evaluation.requirements.provider)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("network", ["two-tier", "three-tier", "hub-spoke"])
def test_every_form_on_every_network_is_whole(provider: str, name: str, network: str) -> None:
    c = decided(provider=provider, **form(name, **{"infrastructure.network": network}))
    assert c.choice("disaster_recovery.high_availability") == name
    assert c.choice("infrastructure.network") == network
    topology = build(c)
    assert_whole(topology, provider)
    two = name in FORMS[2:]
    assert {"compute-2", "database-2"} <= {x.id for x in topology.components} or not two
    assert ("compute-2" in {x.id for x in topology.components}) == two
    regions = {x.region for x in topology.with_role("compute")}
    assert len(regions) == (2 if two else 1)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", FORMS)
def test_what_stands_in_the_network_stands_in_a_subnet_of_its_own_site(provider: str, name: str) -> None:
    topology = built(provider=provider, **form(name))
    parents = {b.id: b.parent for b in topology.boundaries}
    kinds = {b.id: b.kind for b in topology.boundaries}
    for component in topology.components:
        suffix = "-2" if component.id.endswith("-2") else ""
        if component.id.removesuffix("-2") in SERVED_IN_A_SUBNET and component.role != "api_gateway":
            assert kinds[component.boundary] == "subnet"
            assert parents[component.boundary] == f"network{suffix}"
            assert parents[f"network{suffix}"] == f"region{suffix}"


def test_a_request_goes_from_the_users_through_the_edge_to_the_data() -> None:
    topology = built(overrides={"scaling.caching": "cdn", "security.network": "segmented-waf"}, cacheable_pct=50)
    hops = [(x.source, x.target) for x in topology.connections if x.kind == "request" and "runtime" in x.views]
    assert hops[:3] == [("users", "cdn"), ("cdn", "waf"), ("waf", "entry")]
    assert ("entry", "compute") in hops
    assert ("compute", "database") in hops


def test_work_waits_in_a_queue_or_a_stream() -> None:
    for kind, role in (("event-driven", "queue"), ("batch", "queue"), ("streaming", "stream")):
        topology = built(workload_type=kind)
        assert topology.component("intake").role == role
        pairs = {(x.source, x.target) for x in topology.connections}
        assert {("entry", "intake"), ("intake", "compute")} <= pairs
        assert ("entry", "compute") not in pairs
    with pytest.raises(KeyError):
        built(workload_type="web-api").component("intake")


def test_the_firewall_inspects_what_the_cdn_does_not_answer() -> None:
    overrides = {"scaling.caching": "cdn", "security.network": "segmented-waf"}
    topology = built(cacheable_pct=50, average_rps=100, overrides=overrides)
    cdn, waf = topology.component("cdn").usage, topology.component("waf").usage
    assert cdn["cdn_requests"] == pytest.approx(100 * SECONDS_PER_MONTH)
    assert waf["requests"] == pytest.approx(100 * SECONDS_PER_MONTH * (1 - 0.5 * 0.9))


# --- bytes -----------------------------------------------------------------------------------------------


def moved(topology: Topology, scope: str) -> float:
    return sum(x.usage.get(f"{scope}_gb") or 0.0 for x in topology.with_role("transfer"))


def answered_gb(c: Context) -> float:
    r = c.requirements
    return r.average_rps * SECONDS_PER_MONTH * r.response_kb / 1e6


def egress_gb(c: Context) -> float:
    return c.requirements.average_rps * SECONDS_PER_MONTH * c.assume("egress_kb_per_request") / 1e6


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("firewall", ["segmented", "segmented-waf"])
def test_every_answer_leaves_for_the_internet_once(name: str, firewall: str) -> None:
    c = decided(**form(name, **{"security.network": firewall}))
    assert moved(build(c), "internet") == pytest.approx(answered_gb(c) + egress_gb(c))


def test_what_the_cdn_sends_is_billed_by_the_cdn_and_not_again() -> None:
    c = decided(overrides={"scaling.caching": "cdn"}, cacheable_pct=50)
    topology = build(c)
    assert topology.component("cdn").usage["cdn_gb"] == pytest.approx(answered_gb(c))
    assert moved(topology, "internet") == pytest.approx(egress_gb(c) * (1 - 0.5 * 0.9))


def test_two_of_three_calls_between_tiers_cross_a_zone() -> None:
    overrides = {"infrastructure.compute": "containers", "scaling.load_balancing": "application"}
    c = decided(**form("multi-zone", **overrides))
    queries = c.requirements.average_rps * SECONDS_PER_MONTH * 3 * c.assume("query_kb") / 1e6
    assert moved(build(c), "zone") == pytest.approx((answered_gb(c) + queries) * 2 / 3)
    assert moved(build(decided(**form("single-zone", **overrides))), "zone") == 0


def test_calls_to_what_spans_zones_by_itself_cross_none() -> None:
    overrides = {"infrastructure.database": "nosql", "scaling.load_balancing": "api-gateway"}
    c = decided(data_model="document", **form("multi-zone", **overrides))
    assert c.choice("scaling.load_balancing") == "api-gateway"
    assert moved(build(c), "zone") == 0


def test_a_warm_in_memory_cache_keeps_its_reads_from_the_database() -> None:
    """Of 3 queries a request 80 % are reads, all of which look into the cache; it answers 80 % of them."""
    c = decided(**form("multi-zone", **{"scaling.caching": "in-memory", "infrastructure.database": "relational"}))
    queries = c.requirements.average_rps * SECONDS_PER_MONTH * 3
    topology = build(c)
    gb = {x.target: x.gb_month for x in topology.connections if x.source == "compute"}
    assert gb["cache"] == pytest.approx(queries * 0.8 * 4 / 1e6 / 2), "the other of two nodes is in another zone"
    assert gb["database"] == pytest.approx(queries * (0.2 + 0.8 * 0.2) * 4 / 1e6 * 2 / 3)
    usage = topology.component("database").usage
    assert usage["read_requests"] == pytest.approx(queries * 0.8 * 0.2)
    assert usage["write_requests"] == pytest.approx(queries * 0.2)


def test_replication_crosses_the_region_once() -> None:
    c = decided(**form("warm-standby"))
    topology = build(c)
    crossing = [x for x in topology.connections if x.crosses == "region" and x.kind == "replication"]
    assert {(x.source, x.target) for x in crossing} == {
        ("database", "database-2"), ("files", "files-2"), ("backup", "backup-2"),
    }  # fmt: skip
    writes = c.requirements.average_rps * SECONDS_PER_MONTH * 3 * 0.2 * c.assume("item_kb") / 1e6
    assert crossing[0].gb_month == pytest.approx(writes)


# --- second sites ----------------------------------------------------------------------------------------


def test_a_pilot_light_keeps_one_replica_and_runs_nothing_else() -> None:
    topology = built(**form("pilot-light"))
    compute, database = topology.component("compute-2"), topology.component("database-2")
    assert compute.count == 0
    assert not compute.usage.get("instance_hours")
    assert not compute.usage.get("vcpu_hours")
    assert (database.count, database.zones, database.usage["instance_hours"]) == (1, 1, 730)
    assert "backup_gb" not in database.usage, "backups are kept where the primary is"


def test_a_warm_standby_keeps_a_share_of_the_peak_running_but_never_none() -> None:
    steady = decided(peak_rps=20_000, average_rps=18_000, **form("warm-standby"))
    topology = build(steady)
    peak, kept = topology.component("compute").count, topology.component("compute-2").count
    assert kept == -(-peak * steady.assume("standby_floor_share") // 1)
    spiky = decided(peak_rps=20_000, average_rps=200, **form("warm-standby"))
    kept = build(spiky).component("compute-2").count
    assert kept == math.ceil(site_compute(spiky, sites_of(spiky)[0]).mean), "not more than the first site needs"
    small = built(peak_rps=0.1, average_rps=0.1, **form("warm-standby", **{"infrastructure.compute": "containers"}))
    assert small.component("compute-2").count >= 1


def test_two_active_sites_share_the_requests_and_each_can_carry_the_whole() -> None:
    overrides = {"infrastructure.database": "nosql", "infrastructure.compute": "functions"}
    overrides |= {"scaling.load_balancing": "api-gateway"}
    c = decided(data_model="document", average_rps=100, **form("active-active", **overrides))
    topology = build(c)
    shared = {"entry": "requests", "compute": "requests", "database": "read_requests", "files": "read_requests"}
    for name, usage in shared.items():
        one, two = topology.component(name).usage[usage], topology.component(f"{name}-2").usage[usage]
        assert one == pytest.approx(two), name
    reads = 100 * SECONDS_PER_MONTH * 3 * 0.8
    sites = [topology.component(id).usage["read_requests"] or 0 for id in ("database", "database-2")]
    assert sum(sites) == pytest.approx(reads)
    assert topology.component("compute").count == topology.component("compute-2").count


def test_a_standby_in_the_same_region_is_counted_once() -> None:
    assert built(**form("multi-zone")).component("database").count == 2
    assert built(**form("single-zone")).component("database").count == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_there_is_one_nat_gateway_a_zone_unless_it_is_regional(provider: str) -> None:
    topology = built(provider=provider, **form("multi-zone"))
    service = load().providers[provider].services[topology.component("nat").service]
    assert topology.component("nat").count == (1 if "regional" in service.features else 3)


def test_copies_of_backups_lie_in_the_second_region_even_where_nothing_else_does() -> None:
    topology = built(**form("multi-zone", **{"disaster_recovery.backup": "pitr"}))
    copies = topology.component("backup-2")
    assert copies.region == "us-west-2"
    assert (copies.usage["backup_gb"] or 0) > 0
    assert "files-2" not in {x.id for x in topology.components}


def test_files_leave_the_region_with_the_copies_where_no_second_site_has_them() -> None:
    overrides = {"disaster_recovery.backup": "pitr-cross-region"}
    topology = built(object_storage_gb=1000, **form("multi-zone", **overrides))
    copy = topology.component("files-2")
    assert (copy.region, copy.views) == ("us-west-2", ("recovery",))
    assert (copy.usage["storage_ia_gb"] or 0) >= 1000
    assert ("files", "files-2") in {(x.source, x.target) for x in topology.connections if x.crosses == "region"}


def test_without_a_second_region_nothing_is_copied_out() -> None:
    topology = built(region="eu-west-2")
    assert {x.region for x in topology.components} <= {"", "eu-west-2"}


# --- what the plan promises is there ---------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("level", ["audit-trail", "continuous", "continuous-evidence"])
def test_continuous_compliance_brings_posture_and_threat_detection(provider: str, level: str) -> None:
    ids = {x.id for x in built(provider=provider, overrides={"security.compliance": level}).components}
    assert "audit" in ids
    assert {"posture", "threat-detection"} <= ids or level == "audit-trail"
    assert not ({"posture", "threat-detection"} & ids and level == "audit-trail")


def test_threat_detection_watches_every_machine_and_says_nothing_of_functions() -> None:
    watched = {"security.compliance": "continuous", "infrastructure.compute": "vms"}
    topology = built(**form("active-active", **watched))
    hours = sum(x.usage["instance_hours"] or 0 for x in topology.with_role("compute"))
    assert topology.component("threat-detection").usage["instance_hours"] == pytest.approx(hours)
    topology = built(**form("multi-zone", **(watched | {"infrastructure.compute": "functions"})))
    assert topology.component("threat-detection").usage["instance_hours"] is None


def test_threat_detection_reads_flow_records_and_not_what_the_application_logs() -> None:
    c = decided(**form("multi-zone", **{"security.compliance": "continuous"}))
    topology = build(c)
    watched, logs = (topology.component(id).usage for id in ("threat-detection", "logs"))
    assert watched["flow_log_gb"] == pytest.approx(c.requirements.average_rps * SECONDS_PER_MONTH * 0.1 / 1e6)
    assert "log_gb" not in watched
    assert "flow_log_gb" not in logs


def test_a_vault_is_unsealed_by_a_key_even_where_the_provider_manages_the_others() -> None:
    overrides = {"security.secrets": "vault", "infrastructure.security": "provider-managed-keys"}
    topology = built(overrides=overrides, team_size=20)
    assert topology.component("keys").usage["keys"] == 1
    pairs = {(x.source, x.target) for x in topology.connections}
    assert ("secrets", "keys") in pairs
    assert ("database", "keys") not in pairs


@pytest.mark.parametrize(("metrics", "alerting"), [("native", "sns"), ("prometheus", "alertmanager"), ("datadog", "")])
def test_alerts_leave_from_where_the_metrics_are(metrics: str, alerting: str) -> None:
    overrides = {"observability.metrics": metrics, "observability.alerting": "paged"}
    topology = built(overrides=overrides, on_call="24x7", team_size=20)
    services = {x.id: x.service for x in topology.components}
    assert services.get("alerting", "") == alerting
    source = "alerting" if alerting else "metrics"
    assert (source, "on-call") in {(x.source, x.target) for x in topology.connections}


def test_images_come_from_the_registry_or_from_the_source_host() -> None:
    for option, images in (("provider-registry", "registry"), ("source-host-registry", "source")):
        topology = built(overrides={"cicd.artifacts": option})
        assert (images, "compute") in {(x.source, x.target) for x in topology.connections}


def test_a_change_board_inside_github_takes_the_enterprise_plan() -> None:
    for approval, plan in (("peer", "seats"), ("change-board", "enterprise_seats")):
        topology = built(release_approval=approval, overrides={"cicd.platform": "github-actions"})
        assert set(topology.component("source").usage) == {plan}


ELSEWHERE = {  # what these do not use is billed with another component
    ("database-2", "backup_gb"), ("source", "seats"), ("source", "enterprise_seats"),
}  # fmt: skip


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", ["web-api", "event-driven", "streaming"])
@pytest.mark.parametrize("compute", ["containers", "kubernetes", "vms", "functions"])
def test_nothing_is_free_because_its_usage_was_forgotten(provider: str, kind: str, compute: str) -> None:
    overrides = {"security.compliance": "continuous-evidence", "infrastructure.compute": compute}
    topology = built(provider=provider, workload_type=kind, **form("active-active", **overrides))
    for component in topology.components:
        for dimension in find_service(load(), provider, component.service).dimensions:
            if (component.id, dimension.per) not in ELSEWHERE:
                assert dimension.per in component.usage, f"{component.id} does not say how much {dimension.per} it uses"
