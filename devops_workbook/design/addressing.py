"""The address plan: one private network for each environment and region, and its subnets, none overlapping another.

Where a network lies depends on its region and environment alone, so nothing is ever renumbered because a load grows
or a second region is added:

    10.0.0.0/8 (RFC 1918)       a /14 for each region, in the order of the catalog: one route covers a region
      /16                       production, staging, development; the fourth /16 holds the clusters' service ranges
        first three quarters    application subnets: one quarter a zone, or the first half where a subnet spans zones
        last quarter            data and public subnets, side by side
    100.64.0.0/10 (RFC 6598)    pods that have a range of their own: a /12 an environment, in it a /15 a site

Every subnet begins at the foot of its slot and takes a power of two of it, so it grows in place as long as the slot
does. All environments are laid out alike: the same code builds them, and a load test at the planned peak fits into
staging.

How large a subnet is follows from what may stand in it at the planned peak when one zone is lost and the others hold
its instances: for nodes whose pods take addresses of the subnet (nodes + surge) x (1 + pods), which is the formula of
the AKS documentation (https://github.com/MicrosoftDocs/azure-docs, articles/aks/configure-azure-cni.md) with a surge
of more than one node; for other instances instances + surge; then what else stands in the tier and what the provider
keeps for itself, up to the next power of two. Application subnets and pod ranges get a headroom on top; the others
hold what scales within known bounds. What does not fit into its slot gets the whole slot, and the risk rules say so.

A design in one zone may still have subnets in two: some providers' load balancers and database services ask for a
subnet in a second zone, even if nothing runs there (the network's limit `subnet_zones_min`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.model import AddressPlan, Component, Network, Subnet
from devops_workbook.design.sites import Site, chosen_service, site_compute, zones_of
from devops_workbook.evidence import Evidence, Fact, Quantity

__all__ = ["ENVIRONMENTS", "address_plan", "block_size", "cidr", "in_one_zone", "instance_addresses"]

ENVIRONMENTS = ("production", "staging", "development")
_NETWORKS = 10 << 24  # 10.0.0.0
_PODS = (100 << 24) + (64 << 16)  # 100.64.0.0
_REGION, _NETWORK, _QUARTER = 1 << 18, 1 << 16, 1 << 14  # addresses in a /14, a /16 and a /18
_SERVICES = 1 << 12  # a /20: 4,096 service addresses a cluster
_POD_ENVIRONMENT, _POD_SITE = 1 << 20, 1 << 17  # a /12 and a /15
_POD_SITES = _POD_ENVIRONMENT // _POD_SITE


# --- blocks ----------------------------------------------------------------------------------------------


def block_size(needed: float, headroom: float = 1.0, least: int = 1, most: int = 1 << 32) -> int:
    """Addresses of the smallest block, a power of two, that holds `needed` x `headroom` and at least `least`; at
    most `most`, even if they do not fit."""
    return min(most, 1 << math.ceil(math.log2(max(needed * headroom, least, 1))))


def cidr(base: int, size: int) -> str:
    """A block of `size` addresses, a power of two, that begins at the address `base`: "10.0.0.0/16"."""
    parts = (base >> 24, base >> 16 & 255, base >> 8 & 255, base & 255)
    return f"{'.'.join(map(str, parts))}/{32 - size.bit_length() + 1}"


def in_one_zone(count: int, zones: int) -> int:
    """How many of `count` one zone holds when another is lost and the rest take its share; all with one zone."""
    return math.ceil(count / max(1, zones - 1))


def instance_addresses(instances: int, surge: int, pods: int = 0) -> int:
    """Addresses of instances and those that a rollout starts beside them, each with so many pods in its subnet."""
    return (instances + surge) * (1 + pods)


def _slot(tier: str, zone: int) -> tuple[int, int]:
    """Where in its network a subnet may lie: offset and size of the slot. zone 0 = the subnet spans the region."""
    if tier == "app":
        return (0, 2 * _QUARTER) if zone == 0 else ((zone - 1) * _QUARTER, _QUARTER)
    # The last quarter: a half each, or an eighth each for every zone, and two eighths to spare.
    size = _QUARTER // 2 if zone == 0 else _QUARTER // 8
    return 3 * _QUARTER + (2 * max(0, zone - 1) + (tier == "public")) * size, size


# --- what is needed --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """What takes addresses of a subnet: how many, from which numbers and facts."""

    title: str
    addresses: int
    formula: str = ""
    inputs: tuple[Quantity, ...] = ()
    facts: tuple[Fact, ...] = ()


def _limit(c: Context, service: Service | None, name: str) -> Fact:
    """A limit of a service as a fact; the assumption of the same name where the catalog does not know it."""
    if service is not None and name in service.limits:
        return Fact(service.limits[name], "", service.url, "")
    return c.catalog.assumptions[name]


def _surge(c: Context, count: int, service: Service) -> int:
    """Instances that a rollout runs beside so many: as many again where a whole revision starts beside the old."""
    whole = c.choice("cicd.deployment") == "blue-green" or service.kind in ("containers", "functions")
    return count if whole else math.ceil(count * c.assume("rollout_surge_share"))


def _compute(c: Context, site: Site, spread: int) -> _Part:
    """Addresses of the compute in one of `spread` subnets."""
    service, size = chosen_service(c, "infrastructure.compute"), site_compute(c, site)
    count = in_one_zone(size.peak, spread)
    surge = _surge(c, count, service)
    inside = "instances in a subnet when a zone is lost" if spread > 1 else "instances in the subnet"
    inputs: tuple[Quantity, ...] = (
        Quantity("instances at the planned peak", size.peak), Quantity("subnets they are spread over", spread),
        Quantity(inside, count), Quantity("surge", surge),
    )  # fmt: skip
    facts = () if surge == count else (c.catalog.assumptions["rollout_surge_share"],)
    if service.kind in ("kubernetes", "vms"):
        pods, why = _pods_in_subnet(c, service, size.sku)
        formula = "(instances + surge) x (1 + pods of a node)" if pods else "instances + surge"
        inputs += (Quantity("pods of a node", pods),) if pods else ()
        return _Part("compute", instance_addresses(count, surge, pods), formula, inputs, (*facts, *why))
    return _serverless(c, service, count + surge, inputs)


def _serverless(c: Context, service: Service, count: int, inputs: tuple[Quantity, ...]) -> _Part:
    """Containers and functions take addresses as the platform says, of which it may keep some for itself."""
    facts = c.provider.facts
    each = facts.get(f"{service.kind}_per_address") or c.catalog.assumptions["instances_per_address"]
    own = facts.get(f"{service.kind}_platform_addresses")
    kept = int(own.value or 0) if own else 0
    addresses = math.ceil(count / (each.value or 1.0)) + kept
    return _Part(
        "compute", addresses, "(instances + surge) / instances of an address + addresses of the platform",
        (*inputs, Quantity("instances of an address", each.value), Quantity("addresses of the platform", kept)),
        (each,) if own is None else (each, own),
    )  # fmt: skip


def _pods_in_subnet(c: Context, service: Service, sku: str) -> tuple[int, tuple[Fact, ...]]:
    """Pods a node may run that take addresses of its subnet, and the facts that say so; 0 where they take none."""
    if service.kind != "kubernetes":
        return 0, ()
    inside, most = (_limit(c, service, name) for name in ("pods_on_subnet", "max_pods_default"))
    if not inside.value:
        return 0, (inside,)
    size = c.provider.instances.get(sku)
    if size and size.max_pods:
        return size.max_pods, (inside,)
    return int(most.value or 0), (inside, most)


def _pod_range(c: Context, site: Site) -> _Part | None:
    """Addresses of pods that have a range of their own; None where they have none."""
    service, peak = chosen_service(c, "infrastructure.compute"), site_compute(c, site).peak
    if service.kind != "kubernetes" or _limit(c, service, "pods_on_subnet").value:
        return None
    each, surge = _limit(c, service, "pod_range_addresses_per_node"), _surge(c, peak, service)
    return _Part(
        "pods", int((peak + surge) * (each.value or 0)), "(nodes + surge) x addresses set aside for a node",
        (Quantity("nodes at the planned peak", peak), Quantity("surge", surge),
         Quantity("addresses set aside for a node", each.value)), (each,),
    )  # fmt: skip


def _tier_parts(c: Context, site: Site, components: Iterable[Component], tier: str, spread: int) -> Iterator[_Part]:
    """What takes addresses in a subnet of a tier. The second site is laid out like the first, whose part it takes."""
    for component in components:
        if component.boundary == f"subnet-{tier}":
            yield _taken(c, site, component, spread)
    if tier == "app":
        tools = sum(x.count for x in components if x.sku and not x.boundary.startswith("subnet-") and x.region)
        if tools:
            yield _Part("tools the team runs", in_one_zone(tools, spread))
    reserved = _limit(c, c.service("network"), "subnet_reserved_addresses")
    yield _Part("kept by the provider", int(reserved.value or 0), facts=(reserved,))


def _taken(c: Context, site: Site, component: Component, spread: int) -> _Part:
    if component.role == "compute":
        return _compute(c, site, spread)
    if component.role == "load_balancer":
        each = c.provider.facts.get("load_balancer_addresses") or c.catalog.assumptions["load_balancer_addresses"]
        return _Part("load balancer", int(each.value or 0), facts=(each,))
    return _Part(component.id, in_one_zone(component.count, spread))


# --- the plan --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """One site as the layout needs it: the number of its region, subnets of a tier (0 = one over all zones), what
    each tier's subnets and the pods need, and whether a cluster runs there."""

    region: str
    index: int
    suffix: str
    subnets: int
    needed: tuple[tuple[str, int], ...]
    pods: int
    cluster: bool


def address_plan(c: Context, places: tuple[Site, ...], components: Iterable[Component]) -> AddressPlan:
    """The networks of all environments at every site, with the evidence of their sizes."""
    network = c.service("network")
    zonal = network is not None and "zonal-subnets" in network.features
    cluster = chosen_service(c, "infrastructure.compute").kind == "kubernetes"
    regions = list(c.provider.regions)
    components = tuple(components)
    found, evidence = list[_Place](), list[Evidence]()
    least_zones = int(network.limits.get("subnet_zones_min", 1)) if network else 1
    for site in places:
        spread = zones_of(c, site) if zonal else 1
        tiers = {tier: tuple(_tier_parts(c, site, components, tier, spread)) for tier in _tiers(c)}
        pods = _pod_range(c, site)
        found.append(_Place(
            site.region.id, regions.index(site.region.id), site.suffix, max(spread, least_zones) if zonal else 0,
            tuple((tier, sum(part.addresses for part in parts)) for tier, parts in tiers.items()),
            pods.addresses if pods else 0, cluster,
        ))  # fmt: skip
        evidence += [_evidence(c, _TITLES[tier], site, parts, tier == "app") for tier, parts in tiers.items()]
        evidence += [_evidence(c, "the pods' own range", site, (pods,), True)] if pods else []
    reserved = int(_limit(c, network, "subnet_reserved_addresses").value or 0)
    headroom, least = c.assume("address_headroom"), int(c.assume("smallest_subnet_addresses"))
    return AddressPlan(_networks(tuple(found), reserved, headroom, least), tuple(evidence))


_TITLES = {"public": "a public subnet", "app": "an application subnet", "data": "a data subnet"}


def _tiers(c: Context) -> tuple[str, ...]:
    return ("public", "app") if c.choice("infrastructure.network") == "two-tier" else ("public", "app", "data")


def _evidence(c: Context, what: str, site: Site, parts: tuple[_Part, ...], grows: bool) -> Evidence:
    """The addresses that parts need together. grows: whether the block has a headroom beyond the power of two."""
    room = (c.catalog.assumptions["address_headroom"],) if grows else ()
    facts = [*(fact for part in parts for fact in part.facts), *room]
    formulas = [f"{part.title} = {part.formula}" for part in parts if part.formula]
    block = "the block is the power of two above it" + (" x headroom" if grows else "")
    inputs = [x for part in parts for x in part.inputs]
    inputs += [Quantity(x.title, x.addresses, "addresses") for x in parts]
    inputs += [Quantity("headroom", fact.value) for fact in room]
    return Evidence(
        f"Addresses needed in {what}, {site.region.id}", sum(part.addresses for part in parts), "addresses",
        "; ".join([" + ".join(part.title for part in parts), *formulas, block]), tuple(inputs),
        "; ".join(dict.fromkeys(fact.source for fact in facts)), min((f.as_of for f in facts if f.as_of), default=""),
    )  # fmt: skip


@lru_cache(maxsize=256)
def _networks(places: tuple[_Place, ...], reserved: int, headroom: float, least: int) -> tuple[Network, ...]:
    return tuple(
        _network(place, environment, _pod_site(places, place), reserved, headroom, least)
        for environment in range(len(ENVIRONMENTS))
        for place in places
    )


def _pod_site(places: tuple[_Place, ...], place: _Place) -> int:
    """Which of the pod blocks a site takes: its region's own; a second site steps aside where that is taken."""
    first, own = places[0].index % _POD_SITES, place.index % _POD_SITES
    return (own + 1) % _POD_SITES if place.suffix and own == first else own


def _network(place: _Place, environment: int, pod_site: int, reserved: int, headroom: float, least: int) -> Network:
    region = _NETWORKS + place.index * _REGION
    base = region + environment * _NETWORK
    subnets = []
    for tier, needed in place.needed:
        for zone in range(1, place.subnets + 1) if place.subnets else (0,):
            offset, most = _slot(tier, zone)
            size = block_size(needed, headroom if tier == "app" else 1.0, least, most)
            boundary = f"subnet-{tier}{place.suffix}" if environment == 0 else ""
            subnets.append(Subnet(tier, zone, cidr(base + offset, size), needed, size - reserved, boundary))
    pods = _PODS + environment * _POD_ENVIRONMENT + pod_site * _POD_SITE
    services = region + len(ENVIRONMENTS) * _NETWORK + environment * _SERVICES
    return Network(
        ENVIRONMENTS[environment], place.region, cidr(base, _NETWORK), tuple(subnets),
        cidr(pods, block_size(place.pods, headroom, least, _POD_SITE)) if place.pods else "",
        cidr(services, _SERVICES) if place.cluster else "", place.pods,
    )  # fmt: skip
