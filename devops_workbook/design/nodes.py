"""What a Kubernetes node keeps for itself, and how many replicas fit into the rest.

A machine is not all for the workload. The kubelet and the system keep a share of the processors, smaller for each
further one, and memory: a share of the machine's in steps, or so much for the node and so much for each pod it may
hold; where a provider states both, the lesser. Eviction begins before the last MiB is gone. The cluster's own agents,
one pod of each on every node, take their requests from what is left, and there is a limit of pods. Replicas fit as
often as the scarcest of processors, memory and pods allows.

Each provider publishes its own reservations; they are limits of its service in the catalog, and one that is not there
reserves nothing: reserved_cpu_pct_core_1, _core_2, _core_3_4, _rest; reserved_mcpu_burstable, in place of them on sizes
that share cores; reserved_memory_pct_to_4_gib, _to_8_gib, _to_16_gib, _to_128_gib, _rest; reserved_mib_base,
reserved_mib_per_pod; eviction_mib; max_pods_default, where the size has no limit of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from devops_workbook.catalog.model import Instance, Provider, Service

__all__ = ["Node", "Pods", "kubelet_gib", "kubelet_vcpu", "nodes_of", "pack", "whole"]

Scarce = Literal["processors", "memory", "pods"]

_MIB_PER_GIB = 1024.0
_CPU_BANDS = (("core_1", 1.0), ("core_2", 2.0), ("core_3_4", 4.0), ("rest", math.inf))
_MEMORY_BANDS = (
    ("to_4_gib", 4.0), ("to_8_gib", 8.0), ("to_16_gib", 16.0), ("to_128_gib", 128.0), ("rest", math.inf),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods of one kind on one node: how many, and the processors and GiB they request together."""

    count: int
    vcpu: float
    gib: float


@dataclass(frozen=True, slots=True)
class Node:
    """One machine as a node: what the kubelet, the system and eviction keep of it, the cluster's agents on it, its
    limit of pods (None = none), the replicas that fit beside them, and what runs out first."""

    instance: Instance
    kubelet_vcpu: float
    kubelet_gib: float
    agents: Pods
    max_pods: int | None
    per_node: int
    bound_by: Scarce

    @property
    def reserved_vcpu(self) -> float:
        """Processors that are not for replicas."""
        return self.kubelet_vcpu + self.agents.vcpu

    @property
    def reserved_gib(self) -> float:
        """GiB that are not for replicas."""
        return self.kubelet_gib + self.agents.gib


def _banded(amount: float, limits: Mapping[str, float], prefix: str, bands: tuple[tuple[str, float], ...]) -> float:
    """The share of each band of an amount that is kept, added up."""
    kept, start = 0.0, 0.0
    for name, end in bands:
        kept += max(0.0, min(amount, end) - start) * limits.get(prefix + name, 0.0) / 100.0
        start = end
    return kept


def kubelet_vcpu(limits: Mapping[str, float], instance: Instance) -> float:
    """Processors that the kubelet and the system keep of a machine."""
    if instance.family == "burstable" and "reserved_mcpu_burstable" in limits:
        return limits["reserved_mcpu_burstable"] / 1000.0
    return _banded(instance.vcpu, limits, "reserved_cpu_pct_", _CPU_BANDS)


def kubelet_gib(limits: Mapping[str, float], gib: float, pods: int | None) -> float:
    """GiB that the kubelet, the system and the threshold of eviction keep of a machine with so many GiB that may hold
    so many pods."""
    by_pods = limits.get("reserved_mib_base", 0.0) + limits.get("reserved_mib_per_pod", 0.0) * (pods or 0)
    by_size = _banded(gib, limits, "reserved_memory_pct_", _MEMORY_BANDS)
    stated = [kept for kept in (by_pods / _MIB_PER_GIB, by_size) if kept]
    return min(stated, default=0.0) + limits.get("eviction_mib", 0.0) / _MIB_PER_GIB


def pack(instance: Instance, limits: Mapping[str, float], agents: Pods, replica: Pods) -> Node:
    """A machine as a node of a service with these limits, with the agents on it and the replicas that fit."""
    default = limits.get("max_pods_default")
    pods = instance.max_pods or (int(default) if default else None)
    vcpu, gib = kubelet_vcpu(limits, instance), kubelet_gib(limits, instance.memory_gib, pods)
    rooms: list[tuple[int, Scarce]] = [
        (whole((instance.vcpu - vcpu - agents.vcpu) / replica.vcpu), "processors"),
        (whole((instance.memory_gib - gib - agents.gib) / replica.gib), "memory"),
    ]
    if pods is not None:
        rooms.append((pods - agents.count, "pods"))
    fit, scarce = min(rooms, key=lambda room: room[0])
    return Node(instance, vcpu, gib, agents, pods, max(0, fit), scarce)


def whole(quotient: float) -> int:
    """How many whole ones there are in a quotient, a hair's breadth below the next counted as the next."""
    return math.floor(quotient + 1e-9)


def nodes_of(provider: Provider, service: Service, agents: Pods, replica: Pods) -> Mapping[str, Node]:
    """Every size of a Kubernetes service as a node, by SKU."""
    return _nodes(provider, service.skus, frozenset(service.limits.items()), agents, replica)


@lru_cache(maxsize=64)
def _nodes(
    provider: Provider, kind: str, limits: frozenset[tuple[str, float]], agents: Pods, replica: Pods
) -> Mapping[str, Node]:
    published = dict(limits)
    return {i.sku: pack(i, published, agents, replica) for i in provider.instances.values() if i.kind == kind}
