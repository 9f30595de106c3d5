"""Addresses and telemetry: what the networks hold, and how much the system says about itself."""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.assess.model import Signal
from devops_workbook.design.model import AddressPlan
from devops_workbook.evaluate import Evaluation
from devops_workbook.render.exhibits.model import Block, Exhibit, Number, Proofs, Table
from devops_workbook.render.figures import quantity

__all__ = ["addresses", "telemetry"]

_TIERS = {"public": "public", "app": "application", "data": "data"}


def addresses(evaluation: Evaluation) -> Exhibit:
    """The address plan of an evaluation."""
    plan = evaluation.topology.addresses
    subnets = sum(len(network.subnets) for network in plan.networks)
    line = f"{len(plan.networks)} networks, {subnets} subnets, none overlapping"
    return Exhibit("addresses", "Addresses", line, lambda: tuple(_plan(plan)))


def _plan(plan: AddressPlan) -> Iterator[Block]:
    networks = [(n.environment, n.region, n.cidr, n.pods or "–", n.services or "–") for n in plan.networks]
    yield Table("Networks", ("Environment", "Region", "Network", "Pods", "Services"), tuple(networks))
    rows = [
        (
            f"{n.environment}, {n.region}", _TIERS.get(s.tier, s.tier), f"{s.zone}" if s.zone else "all", s.cidr,
            quantity(s.needed), quantity(s.usable),
        )
        for n in plan.networks
        for s in n.subnets
    ]  # fmt: skip
    head = ("Network", "Tier", "Zone", "Block", "Addresses needed", "Addresses usable")
    yield Table("Subnets", head, tuple(rows), (4, 5))
    yield Proofs(plan.evidence)


def telemetry(evaluation: Evaluation) -> Exhibit:
    """What the system of an evaluation says about itself."""
    signals = evaluation.assessment.telemetry.signals
    line = "; ".join(f"{s.title.lower()} {quantity(s.gb_day, 'GB')} a day" for s in signals)
    return Exhibit("telemetry", "Telemetry", line, lambda: (_signals(signals),))


def _signals(signals: tuple[Signal, ...]) -> Table:
    rows = [
        (
            s.title, quantity(s.rate, s.unit), Number(quantity(s.gb_day, "GB"), s.evidence),
            "; ".join(f"{tier.title}: {tier.days} days, {quantity(tier.gb, 'GB')}" for tier in s.tiers) or "not kept",
        )
        for s in signals
    ]  # fmt: skip
    return Table("Signals, and where they are kept", ("Signal", "Rate", "A day", "Kept"), tuple(rows), (1, 2))
