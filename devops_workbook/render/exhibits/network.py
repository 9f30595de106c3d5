"""Addresses and telemetry: what the networks hold, and how much the system says about itself."""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.assess.model import Retention, Signal
from devops_workbook.design.model import AddressPlan, Network
from devops_workbook.evaluate import Evaluation
from devops_workbook.render.exhibits.model import Block, Exhibit, Number, Proofs, Table
from devops_workbook.render.figures import quantity, sentence, volume

__all__ = ["addresses", "telemetry"]

_TIERS = {"public": "public", "app": "application", "data": "data"}


def addresses(evaluation: Evaluation) -> Exhibit:
    """The address plan of an evaluation."""
    plan = evaluation.topology.addresses
    subnets = sum(len(network.subnets) for network in plan.networks)
    line = f"{quantity(len(plan.networks), 'networks')}, {quantity(subnets, 'subnets')}, none overlapping"
    return Exhibit("addresses", "Addresses", line, lambda: tuple(_plan(plan)))


def _plan(plan: AddressPlan) -> Iterator[Block]:
    networks = [(n.environment.capitalize(), n.region, n.cidr, n.pods or "–", n.services or "–") for n in plan.networks]
    yield Table("Networks", ("Environment", "Region", "Network", "Pods", "Services"), tuple(networks))
    rows = [row for network in plan.networks for row in _subnets(network)]
    head = ("Network", "Tier", "Blocks, zone by zone", "Needed", "Usable")
    yield Table("Subnets, and the addresses needed and usable in each", head, tuple(rows), (3, 4))
    yield Proofs(plan.evidence)


def _subnets(network: Network) -> Iterator[tuple[str, ...]]:
    """A row a tier: the blocks of its zones, which are of one size."""
    tiers: dict[tuple[str, int, int], list[str]] = {}
    for subnet in network.subnets:
        tiers.setdefault((subnet.tier, subnet.needed, subnet.usable), []).append(subnet.cidr)
    title = f"{network.environment.capitalize()}, {network.region}"
    for n, ((tier, needed, usable), blocks) in enumerate(tiers.items()):
        yield (
            "" if n else title, _TIERS.get(tier, tier), ", ".join(blocks), quantity(needed), quantity(usable),
        )  # fmt: skip


def telemetry(evaluation: Evaluation) -> Exhibit:
    """What the system of an evaluation says about itself."""
    signals = evaluation.assessment.telemetry.signals
    line = sentence("; ".join(f"{s.title.lower()} {volume(s.gb_day)} a day" for s in signals))
    return Exhibit("telemetry", "Telemetry", line, lambda: (_signals(signals),))


def _signals(signals: tuple[Signal, ...]) -> Table:
    rows = [
        (
            s.title, quantity(s.rate, s.unit), Number(volume(s.gb_day), s.evidence),
            "; ".join(map(_kept, s.tiers)) or "not kept",
        )
        for s in signals
    ]  # fmt: skip
    return Table("Signals, and where they are kept", ("Signal", "Rate", "A day", "Kept"), tuple(rows), (1, 2))


def _kept(tier: Retention) -> str:
    return f"{tier.title}: {quantity(tier.days, 'days')}, {volume(tier.gb)}"
