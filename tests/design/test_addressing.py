"""The address plan: nothing overlaps, everything fits, nothing is renumbered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network, ip_network
from itertools import combinations
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devops_workbook.catalog import Catalog, load
from devops_workbook.catalog.model import Service
from devops_workbook.design.addressing import (
    _serverless,
    address_plan,
    block_size,
    cidr,
    in_one_zone,
    instance_addresses,
)
from devops_workbook.design.context import Context
from devops_workbook.design.decide import decide_all
from devops_workbook.design.model import AddressPlan, Network, Topology
from devops_workbook.design.sites import site_compute, sites_of
from devops_workbook.design.topology import build
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.units import parse

PROVIDERS = tuple(load().providers)
FORMS = ("single-zone", "multi-zone", "pilot-light", "warm-standby", "active-active")


def altered(
    catalog: Catalog, provider: str, service: str, zonal: bool | None = None, **limits: float | None
) -> Catalog:
    """The catalog with one service changed: subnets of one zone or of the region; limits, None = not known."""
    cloud = catalog.providers[provider]
    old = cloud.services[service]
    known = {name: value for name, value in {**old.limits, **limits}.items() if value is not None}
    features = (
        old.features if zonal is None else old.features - {"zonal-subnets"} | ({"zonal-subnets"} if zonal else set())
    )
    new = replace(old, features=features, limits=MappingProxyType(known))
    clouds = {**catalog.providers, provider: replace(cloud, services={**cloud.services, service: new})}
    return replace(catalog, providers=MappingProxyType(clouds))


def of_role(provider: str, role: str, kind: str = "") -> Service:
    return load().providers[provider].serving(role, kind)[0]


def zonal(catalog: Catalog, provider: str) -> Catalog:
    return altered(catalog, provider, of_role(provider, "network").id, zonal=True)


def spanning(catalog: Catalog, provider: str) -> Catalog:
    return altered(catalog, provider, of_role(provider, "network").id, zonal=False)


def own_pods(catalog: Catalog, provider: str) -> Catalog:
    cluster = of_role(provider, "compute", "kubernetes").id
    return altered(catalog, provider, cluster, pods_on_subnet=0, pod_range_addresses_per_node=256)


def pods_inside(catalog: Catalog, provider: str) -> Catalog:
    return altered(catalog, provider, of_role(provider, "compute", "kubernetes").id, pods_on_subnet=1)


def all_unknown(catalog: Catalog, provider: str) -> Catalog:
    """As if the catalog knew nothing of addresses."""
    network, cluster = of_role(provider, "network").id, of_role(provider, "compute", "kubernetes").id
    names = ("pods_on_subnet", "pod_range_addresses_per_node", "max_pods_default")
    return altered(
        altered(catalog, provider, network, zonal=False, subnet_reserved_addresses=None),
        provider, cluster, **dict.fromkeys(names),
    )  # fmt: skip


def built(catalog: Catalog | None = None, **values: Any) -> tuple[Context, Topology]:
    c = Context(Requirements(**values), catalog or load())
    decide_all(c)
    return c, build(c)


def plan(catalog: Catalog | None = None, **values: Any) -> AddressPlan:
    return built(catalog, **values)[1].addresses


def kubernetes(form: str = "multi-zone", **overrides: str) -> dict[str, Any]:
    fields = {"infrastructure.compute": "kubernetes", "disaster_recovery.high_availability": form}
    return {"overrides": {**fields, **overrides}, "availability_target_pct": 99}


def production(found: AddressPlan) -> list[Network]:
    return [network for network in found.networks if network.environment == "production"]


def blocks(network: Network) -> list[IPv4Network]:
    """All ranges of a network that must not overlap anybody's: its own block, its pods, its services."""
    return [ip_network(text) for text in (network.cidr, network.pods, network.services) if text]


# --- published results -----------------------------------------------------------------------------------

RESERVED = {"aws": 5, "azure": 5, "gcp": 4}


@pytest.mark.parametrize(
    ("provider", "prefix", "usable"),
    [
        # AWS: a /28 has 16 addresses, of which the first four and the last are reserved, a /16 has 65,531 usable ones
        # (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html; worked out in
        # https://sentiatechblog.com/ans-exercise-1-5-ipv4-subnet-fundamentals).
        ("aws", 28, 11),
        ("aws", 16, 65_531),
        # AWS: 29 addresses need a /26, for a /27 has only 27 (https://karansingh.gitbook.io/aws-saa-c02, VPC Subnets).
        ("aws", 27, 27),
        ("aws", 26, 59),
        # Azure: a /29 has three usable addresses, a /24 251 (https://cidrcalculator.net/blog/azure-vnet-subnet-sizing).
        ("azure", 29, 3),
        ("azure", 24, 251),
        # GKE: nodes of a subnet's primary range, N = 2^(32 - S) - 4 (Strong and Lancey, Networking and Kubernetes,
        # O'Reilly 2021, table 6-2, after https://cloud.google.com/kubernetes-engine/docs/concepts/alias-ips).
        ("gcp", 29, 4),
        ("gcp", 28, 12),
        ("gcp", 27, 28),
        ("gcp", 26, 60),
        ("gcp", 25, 124),
        ("gcp", 24, 252),
        ("gcp", 20, 4_092),
    ],
)
def test_a_block_holds_what_the_providers_say_it_does(provider: str, prefix: int, usable: int) -> None:
    assert block_size(usable + RESERVED[provider]) == 1 << (32 - prefix)
    assert block_size(usable + 1 + RESERVED[provider]) == 1 << (33 - prefix)


@pytest.mark.parametrize(
    ("nodes", "pods", "addresses", "prefix"),
    # AKS, flat network: (nodes + 1) + (nodes + 1) x pods a node = 1,581 for 50 nodes and 1,891 for 60, a /21 each
    # (MicrosoftDocs/azure-docs, articles/aks/configure-azure-cni.md, "Plan IP addressing for your cluster").
    [(50, 30, 1_581, 21), (60, 30, 1_891, 21)],
)
def test_nodes_and_their_pods_as_in_the_documentation_of_aks(
    nodes: int, pods: int, addresses: int, prefix: int
) -> None:
    assert (nodes + 1) * (1 + pods) == addresses
    assert block_size(addresses) == 1 << (32 - prefix)


@pytest.mark.parametrize(
    ("instances", "private", "addresses", "prefix"),
    # Application Gateway: 15 instances need 20 addresses, 27 and a private front end 33; the 125 of version 2 with a
    # front end take a /24 (MicrosoftDocs/azure-docs, articles/application-gateway/configuration-infrastructure.md).
    [(15, 0, 20, 27), (27, 1, 33, 26), (125, 1, 131, 24)],
)
def test_gateways_as_in_the_documentation_of_azure(instances: int, private: int, addresses: int, prefix: int) -> None:
    assert instance_addresses(instances, private) + RESERVED["azure"] == addresses
    assert block_size(addresses) == 1 << (32 - prefix)
    evidence = next(e for e in plan(provider="azure").evidence if "public" in e.metric)
    given = {q.name: q.value for q in evidence.inputs}
    assert given["load balancer"] + given["kept by the provider"] == 131


@pytest.mark.parametrize(
    ("prefix", "replicas"),
    # Azure Container Apps, Consumption workload profile: replicas that a subnet can hold while a revision changes
    # (MicrosoftDocs/azure-docs, articles/container-apps/custom-virtual-networks.md, table under "Subnet").
    [(23, 2_470), (24, 1_190), (25, 550), (26, 230), (27, 70)],
)
def test_containers_as_in_the_documentation_of_azure(prefix: int, replicas: int) -> None:
    c, service = built(provider="azure")[0], of_role("azure", "compute", "containers")
    size = 1 << (32 - prefix)

    def needed(count: int) -> int:
        return _serverless(c, service, 2 * count, ()).addresses + RESERVED["azure"]

    assert needed(replicas) <= size < needed(replicas + 10)


@pytest.mark.parametrize(
    ("nodes", "addresses", "prefix"),
    # GKE: addresses that pods need at a /24 a node, and the range for them (table "Cluster sizing, secondary range" of
    # https://cloud.google.com/kubernetes-engine/docs/concepts/alias-ips, as kept by
    # https://xmind.app/mindmap/deploying,-implementing-and-managing-google-kubernetes-engine-resources/aeHVhc).
    [(12, 3_072, 20), (28, 7_168, 19), (60, 15_360, 18), (124, 31_744, 17)],
)
def test_pod_ranges_as_in_the_documentation_of_gke(nodes: int, addresses: int, prefix: int) -> None:
    assert nodes * 256 == addresses
    assert block_size(addresses) == 1 << (32 - prefix)


def test_private_and_shared_blocks_are_those_of_the_rfcs() -> None:
    # RFC 1918, section 3: 10/8, the 24-bit block of 16,777,216 addresses. RFC 6598: 100.64.0.0/10, 4,194,304 addresses
    # (https://icannwiki.org/RFC_6598).
    private, shared = ip_network("10.0.0.0/8"), ip_network("100.64.0.0/10")
    assert (private.num_addresses, shared.num_addresses) == (16_777_216, 4_194_304)
    for provider in PROVIDERS:
        for network in plan(own_pods(load(), provider), provider=provider, **kubernetes("active-active")).networks:
            assert ip_network(network.cidr).subnet_of(private)
            assert ip_network(network.services).subnet_of(private)
            assert ip_network(network.pods).subnet_of(shared)


# --- blocks ----------------------------------------------------------------------------------------------


def test_a_block_is_written_as_the_world_writes_it() -> None:
    assert cidr((10 << 24) + (1 << 16), 1 << 16) == "10.1.0.0/16"
    assert cidr(10 << 24, 32) == "10.0.0.0/27"


@given(st.integers(1, 1 << 24), st.floats(1, 4))
def test_a_block_holds_what_is_needed_and_no_smaller_one_does(needed: int, headroom: float) -> None:
    size = block_size(needed, headroom)
    assert size >= needed * headroom
    assert size // 2 < needed * headroom
    assert size & (size - 1) == 0


@given(st.integers(0, 10_000), st.integers(1, 3))
def test_the_zones_that_are_left_hold_all(count: int, zones: int) -> None:
    assert in_one_zone(count, zones) * max(1, zones - 1) >= count


# --- the plan --------------------------------------------------------------------------------------------


@st.composite
def designs(draw: st.DrawFn) -> tuple[Catalog, dict[str, Any]]:
    """Any cloud, two of its regions, any compute, form and network, any load; and what may differ in the catalog."""
    provider = draw(st.sampled_from(PROVIDERS))
    regions = draw(st.lists(st.sampled_from(list(load().providers[provider].regions)), min_size=2, max_size=2,
                            unique=True))  # fmt: skip
    catalog = load()
    for change in draw(st.lists(st.sampled_from([zonal, spanning, own_pods, pods_inside, all_unknown]), unique=True)):
        catalog = change(catalog, provider)
    overrides = {
        "infrastructure.compute": draw(st.sampled_from(["kubernetes", "containers", "functions", "vms"])),
        "infrastructure.network": draw(st.sampled_from(["two-tier", "three-tier", "hub-spoke"])),
        "disaster_recovery.high_availability": draw(st.sampled_from(FORMS)),
        "cicd.deployment": draw(st.sampled_from(["rolling", "canary", "blue-green"])),
    }
    peak = draw(st.floats(0.1, 1e6))
    return catalog, {
        "provider": provider, "region": regions[0], "secondary_region": regions[1], "overrides": overrides,
        "availability_target_pct": 99, "peak_rps": peak, "average_rps": peak / 4,
        "growth_pct_per_year": draw(st.integers(0, 300)), "horizon_months": draw(st.integers(0, 36)),
        "database_gb": draw(st.sampled_from([1, 1000, 100_000])),
    }  # fmt: skip


@given(designs())
@settings(max_examples=60)
def test_no_two_ranges_overlap_and_every_subnet_lies_in_its_network(design: tuple[Catalog, dict[str, Any]]) -> None:
    found = plan(design[0], **design[1])
    for one, other in combinations([block for network in found.networks for block in blocks(network)], 2):
        assert not one.overlaps(other), f"{one} overlaps {other}"
    for network in found.networks:
        subnets = [ip_network(subnet.cidr) for subnet in network.subnets]
        assert all(subnet.subnet_of(ip_network(network.cidr)) for subnet in subnets)
        assert not any(one.overlaps(other) for one, other in combinations(subnets, 2))


@given(designs())
@settings(max_examples=50)
def test_every_subnet_holds_what_stands_in_it_or_a_finding_says_that_it_cannot(
    design: tuple[Catalog, dict[str, Any]],
) -> None:
    evaluation = evaluate(Requirements(**design[1]), design[0])
    c, topology = built(design[0], **design[1])
    assert topology.addresses == evaluation.topology.addresses
    short = {finding.code for finding in evaluation.findings} & {"address-space"}
    for site in sites_of(c):
        network = next(n for n in production(topology.addresses) if n.region == site.region.id)
        assert short or all(s.needed <= ip_network(s.cidr).num_addresses for s in network.subnets)
        assert short or not network.pods or network.pods_needed <= ip_network(network.pods).num_addresses
        per_tier = {s.tier: s for s in network.subnets}
        zones = max(1, len({s.zone for s in network.subnets}))
        for component in topology.components:
            if component.boundary.startswith("subnet-") and component.boundary in {s.boundary for s in network.subnets}:
                tier = component.boundary.removeprefix("subnet-").removesuffix("-2")
                # Functions and containers may share addresses; everything else takes one each.
                alone = component.role != "compute" or bool(component.sku)
                assert not alone or per_tier[tier].needed - 4 >= in_one_zone(component.count, zones)


def test_an_environment_is_laid_out_like_the_others() -> None:
    found = plan(zonal(load(), "aws"), **kubernetes("active-active"))
    assert [n.environment for n in found.networks][::2] == ["production", "staging", "development"]
    shapes = {tuple((s.tier, s.zone, s.needed, s.cidr.partition("/")[2]) for s in n.subnets) for n in found.networks}
    assert len(shapes) == 1


def places(found: AddressPlan) -> Mapping[tuple[str, str], tuple[str, str]]:
    return {(n.environment, n.region): (n.cidr, n.services) for n in found.networks}


@given(designs(), designs())
@settings(max_examples=50)
def test_an_environment_in_a_region_keeps_its_block_whatever_else_changes(
    before: tuple[Catalog, dict[str, Any]], after: tuple[Catalog, dict[str, Any]]
) -> None:
    """Another load, form or second region: the network and its service range stay where they are."""
    values = {**after[1], "provider": before[1]["provider"], "region": before[1]["region"]}
    values["secondary_region"] = before[1]["secondary_region"]
    one = {key: block[0] for key, block in places(plan(before[0], **before[1])).items()}
    other = {key: block[0] for key, block in places(plan(load(), **values)).items()}
    assert all(other[key] == block for key, block in one.items() if key in other)


def test_a_second_region_renumbers_nothing_of_the_first_and_a_swap_neither() -> None:
    catalog = own_pods(load(), "gcp")
    regions = ("us-central1", "us-east4")
    alone = plan(catalog, provider="gcp", region=regions[0], **kubernetes("multi-zone"))
    both = plan(catalog, provider="gcp", region=regions[0], secondary_region=regions[1], **kubernetes("active-active"))
    first = [n for n in both.networks if n.region == regions[0]]
    assert [(n.cidr, n.services, n.pods.partition("/")[0]) for n in first] == [
        (n.cidr, n.services, n.pods.partition("/")[0]) for n in alone.networks
    ]
    swapped = plan(catalog, provider="gcp", region=regions[1], secondary_region=regions[0],
                   **kubernetes("active-active"))  # fmt: skip
    assert places(swapped) == places(both)


def test_a_subnet_grows_where_it_stands() -> None:
    catalog = zonal(load(), "aws")
    small, large = (plan(catalog, peak_rps=rps, average_rps=rps / 4, **kubernetes()) for rps in (100, 3_000))
    pairs = list(zip(small.networks[0].subnets, large.networks[0].subnets, strict=True))
    assert all(one.cidr.partition("/")[0] == other.cidr.partition("/")[0] for one, other in pairs)
    assert any(one.cidr != other.cidr for one, other in pairs)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_growth_over_the_horizon_asks_for_more(provider: str) -> None:
    now, later = (plan(provider=provider, peak_rps=5_000, average_rps=1_000, growth_pct_per_year=100,
                       horizon_months=months, **kubernetes()) for months in (0, 36))  # fmt: skip
    one, other = ({s.tier: s.needed for s in production(found)[0].subnets} for found in (now, later))
    assert other["app"] > one["app"]


def test_a_subnet_a_zone_where_the_network_has_them_and_one_over_all_where_it_has_not() -> None:
    one = production(plan(spanning(load(), "aws"), **kubernetes()))[0]
    each = production(plan(zonal(load(), "aws"), **kubernetes()))[0]
    assert [(s.tier, s.zone) for s in one.subnets] == [("public", 0), ("app", 0), ("data", 0)]
    assert [s.zone for s in each.subnets if s.tier == "app"] == [1, 2, 3]


def test_two_zones_hold_the_nodes_of_the_third() -> None:
    c, topology = built(zonal(load(), "aws"), peak_rps=5_000, average_rps=1_000, **kubernetes())
    evidence = next(e for e in topology.addresses.evidence if "application" in e.metric)
    given = {q.name: q.value for q in evidence.inputs}
    peak = site_compute(c, sites_of(c)[0]).peak
    nodes = -(-peak // 2)
    assert given["instances in a subnet when a zone is lost"] == nodes
    assert given["compute"] == (nodes + given["surge"]) * (1 + given["pods of a node"])
    needed = next(s.needed for s in topology.addresses.networks[0].subnets if s.tier == "app")
    assert needed == evidence.value == sum(q.value for q in evidence.inputs if q.unit == "addresses")


def test_pods_of_a_node_are_those_of_its_size_where_the_catalog_knows_them() -> None:
    # An m5.large has 3 interfaces of 10 addresses and runs 29 pods (awslabs/amazon-eks-ami): node and pods take 30.
    c = built(**kubernetes())[0]
    sku = site_compute(c, sites_of(c)[0]).sku
    base = spanning(pods_inside(load(), "aws"), "aws")
    cloud = base.providers["aws"]
    sizes = {**cloud.instances, sku: replace(cloud.instances[sku], max_pods=29)}
    catalog = replace(base, providers={**base.providers, "aws": replace(cloud, instances=sizes)})
    evidence = next(e for e in plan(catalog, **kubernetes()).evidence if "application" in e.metric)
    given = {q.name: q.value for q in evidence.inputs}
    assert given["pods of a node"] == 29
    assert given["compute"] == 30 * (given["instances in the subnet"] + given["surge"])


def test_where_the_catalog_knows_nothing_the_assumptions_hold() -> None:
    c = built(**kubernetes())[0]
    sku = site_compute(c, sites_of(c)[0]).sku
    base = all_unknown(load(), "aws")
    cloud = base.providers["aws"]
    sizes = {**cloud.instances, sku: replace(cloud.instances[sku], max_pods=None)}
    catalog = replace(base, providers={**base.providers, "aws": replace(cloud, instances=sizes)})
    evidence = next(e for e in plan(catalog, **kubernetes()).evidence if "application" in e.metric)
    given = {q.name: q.value for q in evidence.inputs}
    assert (given["pods of a node"], given["kept by the provider"]) == (110, 5)
    assert "design assumption: pods of a node" in evidence.source


def test_pods_with_a_range_of_their_own_take_no_address_of_a_subnet() -> None:
    inside = plan(pods_inside(load(), "aws"), **kubernetes())
    outside = plan(own_pods(load(), "aws"), **kubernetes())
    app = [next(s.needed for s in found.networks[0].subnets if s.tier == "app") for found in (inside, outside)]
    assert app[1] < app[0] / 10
    assert (inside.networks[0].pods, inside.networks[0].pods_needed) == ("", 0)
    evidence = next(e for e in outside.evidence if "pods" in e.metric)
    assert outside.networks[0].pods_needed == evidence.value
    assert evidence.value % 256 == 0


def test_only_a_cluster_has_service_addresses() -> None:
    containers = {"overrides": {"infrastructure.compute": "containers"}, "availability_target_pct": 99}
    assert {n.services for n in plan(**containers).networks} == {""}
    assert {ip_network(n.services).prefixlen for n in plan(**kubernetes()).networks} == {20}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("form", FORMS)
def test_subnets_of_production_name_boundaries_of_the_topology(provider: str, form: str) -> None:
    topology = built(provider=provider, **kubernetes(form))[1]
    drawn = {b.id for b in topology.boundaries if b.kind == "subnet"}
    named = {s.boundary for n in production(topology.addresses) for s in n.subnets}
    assert named == drawn
    assert {s.boundary for n in topology.addresses.networks if n.environment != "production" for s in n.subnets} == {""}


def test_a_region_that_keeps_only_backups_has_no_network() -> None:
    c, topology = built(**kubernetes("multi-zone"))
    assert c.second_region is not None
    assert {n.region for n in topology.addresses.networks} == {c.region.id}


def test_what_the_provider_keeps_is_not_usable() -> None:
    network = of_role("gcp", "network").id
    four, unknown = (altered(load(), "gcp", network, subnet_reserved_addresses=n) for n in (4, None))
    for known, reserved in ((four, 4), (unknown, 5)):
        for subnet in plan(known, provider="gcp").networks[0].subnets:
            assert subnet.usable == ip_network(subnet.cidr).num_addresses - reserved


def test_tools_the_team_runs_take_addresses_too() -> None:
    hosted = {"observability.metrics": "native", "observability.logging": "native"}
    own = {"observability.metrics": "prometheus", "observability.logging": "loki"}
    few, many = (plan(team_size=20, **kubernetes(**fields)) for fields in (hosted, own))
    needed = [next(s.needed for s in found.networks[0].subnets if s.tier == "app") for found in (few, many)]
    assert needed[1] > needed[0]


def test_there_is_room_for_every_region_of_the_catalog() -> None:
    """Each takes a /14 of 10.0.0.0/8, which has 64 of them."""
    for provider in load().providers.values():
        assert len(provider.regions) <= 64


def test_every_size_can_be_asked_why() -> None:
    for provider in PROVIDERS:
        found = plan(own_pods(load(), provider), provider=provider, **kubernetes("active-active"))
        metrics = [e.metric for e in found.evidence]
        assert len(set(metrics)) == len(metrics) == 8
        for evidence in found.evidence:
            assert evidence.known
            assert evidence.formula
            assert evidence.source
            for quantity in evidence.inputs:
                parse(quantity.unit)


def test_the_plan_is_a_function_of_the_design_alone() -> None:
    c, topology = built(**kubernetes("active-active"))
    assert address_plan(c, sites_of(c), topology.components) == topology.addresses
