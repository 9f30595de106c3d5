"""Designs that between them have every pair of choices there can be.

    python -m tests.clouds.cover        prints them, and the pairs that no design has

A pair of options that no test sees together is where code breaks: a replica of a kind of database that only one kind of
compute reads, a key that only one topology copies. So the designs here cover all triples of provider, compute and
database, all pairs of these with topology and compliance, and every further factor with provider, compute and topology.
Whether a design may have its options is decided by the program: what it chose counts, not what was asked for. A pair
that it did not choose although it was asked for in different company is taken to be impossible, and listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations, product
from typing import Any

from devops_workbook.catalog import load
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements

Item = tuple[str, str]  # factor, value
Target = frozenset[Item]


@dataclass(frozen=True, slots=True)
class Factor:
    """What differs from design to design. field: the requirement it sets, if it is one; decisions: the decisions it
    overrides, each with the value's own id unless `otherwise` names another; also: requirements a value needs."""

    name: str
    values: tuple[str, ...]
    field: str = ""
    decisions: tuple[str, ...] = ()
    otherwise: Mapping[str, Mapping[str, str]] | None = None
    also: Mapping[str, Mapping[str, Any]] | None = None

    def asked(self, value: str) -> tuple[dict[str, Any], dict[str, str]]:
        """The requirements and the overrides that ask for a value."""
        fields: dict[str, Any] = dict((self.also or {}).get(value, {}))
        if self.field:
            fields[self.field] = ((value,) if value != "none" else ()) if self.field == "compliance" else value
        return fields, {d: (self.otherwise or {}).get(d, {}).get(value, value) for d in self.decisions}

    def chosen(self, evaluation: Evaluation, wanted: str) -> str:
        """The value that a design really has; what is a requirement is always as it was asked for."""
        if not self.decisions:
            return wanted
        took = {d.id: d.choice.id for d in evaluation.plan.decisions}
        return next((v for v in (wanted, *self.values) if all(took[d] == o for d, o in self.asked(v)[1].items())), "")


_TELEMETRY = ("observability.metrics", "observability.logging", "observability.dashboards", "observability.tracing")
FACTORS = (
    Factor("provider", tuple(load().providers), "provider"),
    Factor("compute", ("kubernetes", "containers", "functions", "vms"), decisions=("infrastructure.compute",)),
    Factor("database", ("relational", "relational-cluster", "nosql"), decisions=("infrastructure.database",),
           also={"nosql": {"data_model": "key-value"}}),
    Factor("topology", ("single-zone", "multi-zone", "pilot-light", "warm-standby", "active-active"),
           decisions=("disaster_recovery.high_availability",)),
    Factor("compliance", ("none", "soc2", "iso27001", "pci-dss", "hipaa", "gdpr", "fedramp-moderate"), "compliance"),
    Factor("workload", ("web-api", "event-driven", "batch", "streaming"), "workload_type"),
    Factor("network", ("two-tier", "three-tier", "hub-spoke"), decisions=("infrastructure.network",)),
    Factor("keys", ("provider-managed-keys", "customer-managed-keys", "hsm-backed-keys"),
           decisions=("infrastructure.security",)),
    Factor("protection", ("segmented", "segmented-waf", "zero-trust"), decisions=("security.network",)),
    Factor("telemetry", ("native", "prometheus", "datadog"), decisions=_TELEMETRY,
           otherwise={"observability.logging": {"prometheus": "loki"}, "observability.dashboards":
                      {"prometheus": "grafana"}, "observability.tracing": {"prometheus": "jaeger"}}),
    Factor("secrets", ("native", "vault"), decisions=("security.secrets",)),
    Factor("caching", ("none", "cdn", "in-memory", "cdn-in-memory"), decisions=("scaling.caching",)),
    Factor("entry", ("application", "api-gateway"), decisions=("scaling.load_balancing",)),
    Factor("autoscaling", ("target-tracking", "scheduled-target-tracking", "queue-depth", "per-request"),
           decisions=("scaling.autoscaling",)),
    Factor("backup", ("daily", "pitr", "pitr-cross-region", "pitr-immutable"), decisions=("disaster_recovery.backup",)),
    Factor("deployment", ("rolling", "blue-green", "canary"), decisions=("cicd.deployment",)),
    Factor("registry", ("provider-registry", "source-host-registry"), decisions=("cicd.artifacts",)),
    Factor("purchase", ("on-demand", "spot-mixed"), decisions=("cost.resources",)),
    Factor("source", ("github", "gitlab", "self-hosted"), "source_host"),
    Factor("code", ("terraform", "cloudformation"), "iac_tool"),
)  # fmt: skip
MAIN = ("provider", "compute", "database", "topology", "compliance")
CROSSED = (
    MAIN[:3], *combinations(MAIN, 2),
    *((main, f.name) for f in FACTORS if f.name not in MAIN for main in ("provider", "compute", "topology")),
)  # fmt: skip
_CAPABLE: Mapping[str, Any] = {"team_size": 40, "kubernetes_skill": "expert", "on_call": "24x7"}
_TRIES = 12
NAMES = (
    "Payments", "Bücher & Mehr <GmbH>", '"; ${file("/etc/passwd")}', "a", "支払いサービス", "x" * 200,
    "9 lives -- v2.0", "O'Reilly %{if true}${1}%{endif}\n# not a comment",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Combination:
    """One design. id: its number and its main choices; chosen: what it has, by factor."""

    id: str
    requirements: Requirements
    chosen: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cover:
    """designs: what covers the pairs; impossible: what was asked for in vain."""

    designs: tuple[Combination, ...]
    impossible: tuple[Target, ...]


@cache
def cover() -> Cover:
    """The cover of all factors; the same every time."""
    return covering(FACTORS)


def covering(factors: tuple[Factor, ...]) -> Cover:
    """Designs that have every combination of CROSSED, as far as it is of these factors."""
    open_ = dict.fromkeys(_targets(factors))
    used: Counter[Item] = Counter()
    designs: list[Combination] = []
    impossible: list[Target] = []
    while open_:
        seed = next(iter(open_))
        rows = _rows(factors, seed, open_, used, designs)
        first = _design(next(rows), factors, len(designs))
        later = (_design(row, factors, len(designs)) for row in rows)
        design = next((d for d in chain([first], later) if _has(d, seed)), first)
        found = [t for t in open_ if _has(design, t)]
        if found:
            designs.append(design)
            used.update(design.chosen.items())
        if seed not in found:
            impossible.append(seed)
        for target in {seed, *found}:
            del open_[target]
    return Cover(tuple(designs), tuple(impossible))


def _has(design: Combination, target: Target) -> bool:
    return target <= design.chosen.items()


def _rows(
    factors: Iterable[Factor], seed: Target, open_: Iterable[Target], used: Counter[Item], designs: list[Combination]
) -> Iterator[Mapping[str, str]]:
    """Rows to ask for a target with, until one of them has it: in the company that covers the most, then in that of
    designs which have a part of it."""
    yield _row(factors, seed, open_, used)
    near = [d for d in designs if seed & d.chosen.items() and all(d.chosen.values())]
    step = max(1, len(near) // _TRIES)
    yield from ({**d.chosen, **dict(seed)} for d in near[::step])


def _targets(factors: Iterable[Factor]) -> Iterator[Target]:
    """What is to be covered, triples first."""
    values = {f.name: f.values for f in factors}
    for names in (c for c in CROSSED if values.keys() >= set(c)):
        for row in product(*(values[n] for n in names)):
            yield frozenset(zip(names, row, strict=True))


def _row(factors: Iterable[Factor], seed: Target, open_: Iterable[Target], used: Counter[Item]) -> dict[str, str]:
    """Values for all factors: the seed's, then those that cover the most, and of these the ones used least."""
    row = dict(seed)
    by_item: dict[Item, list[Target]] = {}
    for target in open_:
        for item in target:
            by_item.setdefault(item, []).append(target)
    for factor in factors:
        if factor.name not in row:
            row[factor.name] = max(factor.values, key=lambda v, f=factor.name: _gain(row, (f, v), by_item, used))
    return row


def _gain(
    row: Mapping[str, str], item: Item, by_item: Mapping[Item, list[Target]], used: Counter[Item]
) -> tuple[int, int]:
    have = row.items() | {item}
    return sum(target <= have for target in by_item.get(item, ())), -used[item]


def _design(row: Mapping[str, str], factors: Iterable[Factor], number: int) -> Combination:
    fields: dict[str, Any] = dict(_CAPABLE)
    overrides: dict[str, str] = {}
    for factor in factors:
        asked, decided = factor.asked(row[factor.name])
        fields |= asked
        overrides |= decided
    name = NAMES[number % len(NAMES)]
    requirements = Requirements(**fields, overrides=overrides, name=name, owner=f"Team {name}"[:100])
    evaluation = evaluate(requirements)
    chosen = {f.name: f.chosen(evaluation, row[f.name]) for f in factors}
    chosen |= {"code": _code(evaluation)} if "code" in chosen else {}
    main = (chosen[n] for n in MAIN if n in chosen)
    return Combination("-".join((f"{number:02}", *main)), requirements, chosen)


def _code(evaluation: Evaluation) -> str:
    """The language of the code; a provider that has not the one that was asked for takes another."""
    r = evaluation.requirements
    return load().providers[r.provider].infrastructure_code(r.iac_tool)


def main() -> None:
    """Prints the designs and what no design has."""
    made = cover()
    for design in made.designs:
        print(design.id, ", ".join(f"{k} {v or '?'}" for k, v in list(design.chosen.items())[5:]))
    for target in made.impossible:
        print("never chosen together:", " and ".join(f"{k} {v}" for k, v in sorted(target)))
    print(f"{len(made.designs)} designs; {len(made.impossible)} combinations are never chosen")


if __name__ == "__main__":
    main()
