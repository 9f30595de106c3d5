"""What nodes keep for themselves, against what the providers and others publish of them, and what then fits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.catalog import load
from devops_workbook.catalog.model import Instance
from devops_workbook.design.nodes import Pods, kubelet_gib, kubelet_vcpu, nodes_of, pack

# The bands of GKE, which EKS shares for processors: cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes.
GKE_CPU = {
    "reserved_cpu_pct_core_1": 6, "reserved_cpu_pct_core_2": 1, "reserved_cpu_pct_core_3_4": 0.5,
    "reserved_cpu_pct_rest": 0.25,
}  # fmt: skip
GKE = GKE_CPU | {
    "reserved_memory_pct_to_4_gib": 25, "reserved_memory_pct_to_8_gib": 20, "reserved_memory_pct_to_16_gib": 10,
    "reserved_memory_pct_to_128_gib": 6, "reserved_memory_pct_rest": 2, "eviction_mib": 100,
}  # fmt: skip
# awslabs/amazon-eks-ami, nodeadm/internal/kubelet/config.go.
EKS = GKE_CPU | {"reserved_mib_base": 255, "reserved_mib_per_pod": 11, "eviction_mib": 100}
# learn.microsoft.com/azure/aks/node-resource-reservations, AKS 1.29 and later; before, memory was kept in bands.
AKS_CPU = {
    "reserved_cpu_pct_core_1": 6, "reserved_cpu_pct_core_2": 4, "reserved_cpu_pct_core_3_4": 2,
    "reserved_cpu_pct_rest": 1,
}  # fmt: skip
MEMORY_BANDS = [key for key in GKE if key.startswith("reserved_memory_pct_")]
AKS = AKS_CPU | {
    "reserved_mib_base": 50,
    "reserved_mib_per_pod": 20,
    **dict.fromkeys(MEMORY_BANDS, 25),
    "eviction_mib": 100,
}
AKS_1_28 = GKE | AKS_CPU | {"eviction_mib": 750}
NOTHING = Pods(0, 0.0, 0.0)


def machine(vcpu: float, gib: float, max_pods: int | None = None) -> Instance:
    return Instance("m", "compute", "general", "x86", vcpu, gib, max_pods)


# --- published figures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cores", "millicores"), [(1, 60), (2, 100), (4, 140), (8, 180), (16, 260), (32, 420), (64, 740)]
)
def test_the_processors_aks_keeps(cores: int, millicores: int) -> None:
    # The table "CPU reservations" of learn.microsoft.com/azure/aks/node-resource-reservations.
    assert kubelet_vcpu(AKS, machine(cores, 8)) == pytest.approx(millicores / 1000)


def test_the_memory_aks_keeps() -> None:
    # The same page: 30 pods on 8 GB keep 650 MB; 70 pods on 4 GB would keep 1,450 MB, and so keep 25 %, 1,000 MB. (The
    # page counts a GB as 1,000 MB.)
    kept = {key: value for key, value in AKS.items() if key != "eviction_mib"}
    assert kubelet_gib(kept, 8.0, 30) * 1024 == pytest.approx(650)
    assert kubelet_gib(kept, 4000 / 1024, 70) * 1024 == pytest.approx(1000)
    assert kubelet_gib(AKS, 8.0, 30) * 1024 == pytest.approx(750)


def test_a_node_of_aks_before_1_29() -> None:
    # https://chunliu.me/2020/06/11/node-allocatable-in-aks/: Standard DS2 v2, 2 cores and 7 GB, of which 7,113,660 KiB
    # are seen: 1,900 millicores and 4,668,348 KiB are allocatable.
    assert 2 - kubelet_vcpu(AKS_1_28, machine(2, 8)) == pytest.approx(1.9)
    assert 7_113_660 - kubelet_gib(AKS_1_28, 7.0, 110) * 2**20 == pytest.approx(4_668_348, rel=1e-3)


def test_a_node_of_gke_with_four_processors() -> None:
    # cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes: the node shown has 4 processors, 3,920
    # millicores of them allocatable.
    assert 4 - kubelet_vcpu(GKE, machine(4, 8)) == pytest.approx(3.92)


def test_a_node_of_gke_with_two_processors() -> None:
    # Polencic, Allocatable memory and CPU in Kubernetes nodes (learnk8s.io/allocatable-resources): of the 2 processors
    # and 7.5 GiB of an n1-standard-2 70 millicores and 1.7 GiB are kept, and 5.7 GiB left with eviction.
    assert kubelet_vcpu(GKE, machine(2, 8)) == pytest.approx(0.070)
    assert kubelet_gib(GKE | {"eviction_mib": 0}, 7.5, 110) == pytest.approx(1.7)
    assert 7.5 - kubelet_gib(GKE, 7.5, 110) == pytest.approx(5.7, abs=0.01)


def test_a_large_node_of_gke() -> None:
    # README of github.com/hatemosphere/gke-node-allocatable-memory-calculator: 150 GiB keep 9.8577, leave 140.1423.
    assert kubelet_gib(GKE, 150, 110) == pytest.approx(9.8577, abs=5e-5)


def test_a_size_that_shares_cores_keeps_what_is_said_of_it() -> None:
    shared = replace(machine(2, 4), family="burstable")
    assert kubelet_vcpu(GKE | {"reserved_mcpu_burstable": 1060}, shared) == pytest.approx(1.06)
    assert kubelet_vcpu(GKE, shared) == pytest.approx(0.07)


def test_the_nodes_of_eks() -> None:
    # awslabs/amazon-eks-ami, nodeadm/internal/kubelet/config_test.go: 100 pods keep 1,355 MiB. Polencic, as above: an
    # m5.large with 29 pods keeps 70 millicores, 574 MiB and 100 MiB for eviction.
    kept = EKS | {"eviction_mib": 0}
    assert kubelet_gib(kept, 64, 100) * 1024 == pytest.approx(1355)
    assert kubelet_gib(kept, 8, 29) * 1024 == pytest.approx(574)
    assert kubelet_vcpu(EKS, machine(2, 8)) == pytest.approx(0.070)


# --- packing ---------------------------------------------------------------------------------------------


def test_replicas_fill_a_node_until_the_first_thing_runs_out() -> None:
    # 8 processors keep 90 millicores, agents 300: 7.61 left. 32 GiB keep 893 MiB of 58 pods and 100 for eviction.
    agents = Pods(5, 0.3, 0.5)
    node = pack(machine(8, 32, 58), EKS, agents, Pods(1, 1.0, 2.0))
    assert (node.per_node, node.bound_by) == (7, "processors")
    assert node.reserved_vcpu == pytest.approx(0.39)
    assert node.reserved_gib == pytest.approx((893 + 100) / 1024 + 0.5)
    assert pack(machine(8, 32, 58), EKS, agents, Pods(1, 0.25, 4.0)).bound_by == "memory"
    small = pack(machine(8, 32, 58), EKS, agents, Pods(1, 0.1, 0.1))
    assert (small.per_node, small.bound_by) == (53, "pods")


def test_what_the_catalog_does_not_say_reserves_nothing() -> None:
    node = pack(machine(4, 16), {}, NOTHING, Pods(1, 1.0, 2.0))
    assert (node.reserved_vcpu, node.reserved_gib, node.max_pods, node.per_node) == (0.0, 0.0, None, 4)


def test_the_pods_of_a_size_go_before_the_default_of_the_service() -> None:
    limits = {"max_pods_default": 110}
    assert pack(machine(4, 16), limits, NOTHING, Pods(1, 1, 1)).max_pods == 110
    assert pack(machine(4, 16, 58), limits, NOTHING, Pods(1, 1, 1)).max_pods == 58


def test_a_machine_too_small_for_one_replica_holds_none() -> None:
    assert pack(machine(1, 1, 8), EKS, Pods(5, 0.3, 0.5), Pods(1, 1.0, 2.0)).per_node == 0


@given(
    vcpu=st.integers(1, 128), gib=st.integers(1, 1024), pods=st.integers(8, 250),
    replica=st.builds(Pods, st.just(1), st.floats(0.05, 8), st.floats(0.05, 16)),
    limits=st.sampled_from([GKE, EKS, AKS, AKS_1_28]),
)  # fmt: skip
def test_what_fits_does_fit_and_one_more_would_not(
    vcpu: int, gib: int, pods: int, replica: Pods, limits: dict[str, float]
) -> None:
    node = pack(machine(vcpu, gib, pods), limits, Pods(5, 0.3, 0.5), replica)
    left = vcpu - node.reserved_vcpu, gib - node.reserved_gib, float(pods - 5)
    asked = replica.vcpu, replica.gib, 1.0
    assert 0 < node.kubelet_vcpu < vcpu
    assert node.kubelet_gib > 0
    fits = node.per_node
    assert fits == 0 or all(fits * each <= room + 1e-6 for each, room in zip(asked, left, strict=True))
    assert any((fits + 1) * each > room - 1e-6 for each, room in zip(asked, left, strict=True))


@given(st.floats(0.5, 512), st.floats(0, 64))
def test_a_larger_machine_keeps_more_but_never_all_of_the_difference(gib: float, more: float) -> None:
    for limits in (GKE, EKS, AKS):
        kept, also = kubelet_gib(limits, gib, 110), kubelet_gib(limits, gib + more, 110)
        assert kept - 1e-9 <= also <= kept + more


def test_every_size_of_a_service_is_a_node_and_other_limits_make_other_nodes() -> None:
    for provider in load().providers.values():
        (service,) = provider.serving("compute", "kubernetes")
        replica = Pods(1, 1.0, 2.0)
        nodes = nodes_of(provider, service, NOTHING, replica)
        assert set(nodes) == {i.sku for i in provider.instances.values() if i.kind == service.skus}
        assert any(node.per_node for node in nodes.values())
        strict = nodes_of(provider, replace(service, limits={"reserved_cpu_pct_core_1": 100}), NOTHING, replica)
        assert all(node.kubelet_vcpu == pytest.approx(1.0) for node in strict.values())
