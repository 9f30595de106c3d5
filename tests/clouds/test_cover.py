"""The designs of the cover have what they are said to have, and every pair that there can be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from devops_workbook.evaluate import evaluate
from tests.clouds.cover import CROSSED, FACTORS, Cover, cover, covering, main

# What the program itself never chooses together, and why: what is new here is a change of the design rules.
IMPOSSIBLE = {
    ("compute", "functions", "workload", "streaming"): "functions lose the state between events",
    ("autoscaling", "per-request", "compute", "kubernetes"): "only functions and containers scale with each request",
    ("autoscaling", "per-request", "compute", "vms"): "as above",
    ("autoscaling", "target-tracking", "compute", "functions"): "the platform scales functions itself",
    ("autoscaling", "scheduled-target-tracking", "compute", "functions"): "as above",
    ("autoscaling", "queue-depth", "compute", "functions"): "as above",
    ("compute", "functions", "deployment", "rolling"): "a version of a function takes over as a whole or in part",
    ("compute", "functions", "purchase", "spot-mixed"): "functions have no machines to buy",
    ("code", "cloudformation", "provider", "azure"): "CloudFormation is AWS's own",
    ("code", "cloudformation", "provider", "gcp"): "as above",
}


@pytest.fixture(scope="module")
def made() -> Cover:
    return cover()


def pairs() -> Iterator[frozenset[tuple[str, str]]]:
    values = {f.name: f.values for f in FACTORS}
    for names in CROSSED:
        for row in product(*(values[n] for n in names)):
            yield frozenset(zip(names, row, strict=True))


def test_there_are_at_least_forty_designs_and_every_pair_that_is_possible(made: Cover) -> None:
    assert len(made.designs) >= 40
    missing = [t for t in pairs() if not any(t <= d.chosen.items() for d in made.designs)]
    assert sorted(map(sorted, missing)) == sorted(map(sorted, made.impossible))


def test_what_is_impossible_is_known(made: Cover) -> None:
    found = {tuple(part for item in sorted(target) for part in item) for target in made.impossible}
    assert found == IMPOSSIBLE.keys()


def test_what_a_design_is_said_to_have_it_has(made: Cover) -> None:
    for design in made.designs[::5]:
        took = {d.id: d.choice.id for d in evaluate(design.requirements).plan.decisions}
        assert took["infrastructure.compute"] == design.chosen["compute"]
        assert took["infrastructure.database"] == design.chosen["database"]
        assert took["disaster_recovery.high_availability"] == design.chosen["topology"]
        assert design.requirements.compliance == (
            () if design.chosen["compliance"] == "none" else (design.chosen["compliance"],)
        )
        assert design.requirements.provider == design.chosen["provider"]


def test_ids_tell_the_designs_apart_and_names_are_hostile(made: Cover) -> None:
    assert len({d.id for d in made.designs}) == len(made.designs)
    names = {d.requirements.name for d in made.designs}
    assert any(len(name) == 200 for name in names)
    assert any("${" in name for name in names)
    assert any(not name.isascii() for name in names)


def test_it_is_the_same_every_time() -> None:
    assert covering(FACTORS[:4]) == covering(FACTORS[:4])


def test_it_prints_itself(capsys: pytest.CaptureFixture[str], made: Cover) -> None:
    main()
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == f"{len(made.designs)} designs; {len(made.impossible)} combinations are never chosen"
