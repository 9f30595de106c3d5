"""How a field is decided: weights, ties, constraints, overrides, and flips that are true."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.catalog import load
from devops_workbook.design.choose import choose, decide, options_of, weights
from devops_workbook.design.context import Context
from devops_workbook.design.model import PRIORITIES, Option
from devops_workbook.requirements import Requirements

FIELD = "cicd.branching"
FLIP = re.compile(r"(.+) would be chosen with the priority of (\w+) at (\d), other decisions as they are")


def context(**changes: Any) -> Context:
    return Context(Requirements(**changes), load())


def option(id: str, *scores: float, service: str = "") -> Option:
    return Option(id, id.title(), scores, "", service)  # type: ignore[arg-type]


def priorities(*values: int) -> dict[str, int]:
    return {f"priority_{name}": value for name, value in zip(PRIORITIES, values, strict=True)}


CHEAP = option("cheap", 10, 2, 5, 5, 5)
SAFE = option("safe", 2, 10, 5, 5, 5)
MIDDLING = option("middling", 6, 6, 5, 5, 5)


def test_the_score_is_the_mean_weighted_by_the_priorities() -> None:
    chosen, _, _ = choose(context(**priorities(3, 1, 0, 0, 0)), FIELD, [CHEAP, SAFE], {})
    assert chosen.id == "cheap"
    assert chosen.score == 8.0


def test_all_priorities_at_zero_weigh_the_same() -> None:
    assert weights(Requirements(**priorities(0, 0, 0, 0, 0))) == (1, 1, 1, 1, 1)
    assert weights(Requirements(**priorities(5, 0, 1, 2, 3))) == (5, 0, 1, 2, 3)


def test_a_tie_goes_to_the_first_in_the_catalog() -> None:
    c = context(**priorities(1, 1, 0, 0, 0))
    assert choose(c, FIELD, [CHEAP, SAFE, MIDDLING], {})[0].id == "cheap"
    assert choose(c, FIELD, [MIDDLING, SAFE, CHEAP], {})[0].id == "middling"


def test_a_tie_is_a_tie_although_the_sums_differ_by_rounding_of_the_machine() -> None:
    # 0.1 + 0.2 is not 0.3 in binary; as hundredths it is.
    one, two = option("one", 0.1, 0.2, 0, 0, 0), option("two", 0.3, 0, 0, 0, 0)
    for pair in ([one, two], [two, one]):
        assert choose(context(**priorities(1, 1, 0, 0, 0)), FIELD, pair, {})[0] is not None
        assert choose(context(**priorities(1, 1, 0, 0, 0)), FIELD, pair, {})[0].id == pair[0].id


def test_a_constraint_rules_out_what_would_win() -> None:
    chosen, others, overridden = choose(context(**priorities(5, 0, 0, 0, 0)), FIELD, [CHEAP, SAFE], {"cheap": "no"})
    assert (chosen.id, overridden) == ("safe", False)
    assert [(o.id, o.ruled_out) for o in others] == [("cheap", "no")]


def test_falsy_reasons_rule_nothing_out() -> None:
    rule_out: dict[str, str | bool | None] = {"cheap": False, "safe": None, "middling": ""}
    _, others, _ = choose(context(), FIELD, [CHEAP, SAFE, MIDDLING], rule_out)
    assert not any(o.ruled_out for o in others)


def test_what_a_framework_forbids_is_ruled_out_with_its_reason() -> None:
    c = context(compliance=("pci-dss",))
    chosen, others, _ = choose(c, "cicd.stages", options_of(c, "cicd.stages"), {})
    ruled = {o.id: o.ruled_out for o in (chosen, *others)}
    assert "PCI DSS" in ruled["essential"]


def test_the_losers_come_best_first_and_the_impossible_last() -> None:
    options = [option("a", 1, 1, 1, 1, 1), option("b", 9, 9, 9, 9, 9), option("c", 5, 5, 5, 5, 5), MIDDLING]
    _, others, _ = choose(context(), FIELD, options, {"b": "no"})
    assert [o.id for o in others] == ["c", "a", "b"]


def test_an_override_wins_over_the_score() -> None:
    c = context(**priorities(5, 0, 0, 0, 0), overrides={FIELD: "safe"})
    chosen, others, overridden = choose(c, FIELD, [CHEAP, SAFE], {})
    assert (chosen.id, overridden, c.findings) == ("safe", True, [])
    assert others[0].id == "cheap"


def test_an_override_of_what_would_win_anyway_is_still_the_teams_decision() -> None:
    decision = decide(context(overrides={FIELD: "trunk-based"}), FIELD)
    assert decision.overridden
    assert decision.flips == (), "while the override stands, no priority flips the decision"
    assert "Decided by the team" in decision.rationale[-1]


def test_an_override_may_name_the_service() -> None:
    c = context(overrides={FIELD: "alpha"})
    assert choose(c, FIELD, [CHEAP, replace(SAFE, service="alpha")], {})[0].id == "safe"


def test_an_override_that_is_forbidden_is_a_finding_and_the_constraint_stands() -> None:
    c = context(overrides={FIELD: "safe"})
    chosen, _, overridden = choose(c, FIELD, [CHEAP, SAFE], {"safe": "two people cannot"})
    assert (chosen.id, overridden) == ("cheap", False)
    (finding,) = c.findings
    assert (finding.code, finding.field) == ("override-forbidden", FIELD)
    assert "two people cannot" in finding.message
    assert finding.ways_out[0].change == {"overrides": {}}


@pytest.mark.parametrize(("wanted", "hint"), [("chaep", "'cheap'"), ("", ""), ("<b>", "")])
def test_an_override_that_does_not_exist_is_a_finding(wanted: str, hint: str) -> None:
    c = context(overrides={FIELD: wanted, "cicd.stages": "standard"})
    _, _, overridden = choose(c, FIELD, [CHEAP, SAFE], {})
    assert not overridden
    (finding,) = c.findings
    assert finding.code == "override-unknown"
    assert hint in finding.message
    assert "cheap, safe" in finding.message
    assert finding.ways_out[0].change == {"overrides": {"cicd.stages": "standard"}}


def test_where_everything_is_ruled_out_the_last_is_taken_and_a_finding_says_why() -> None:
    c = context()
    chosen, _, _ = choose(c, FIELD, [CHEAP, SAFE], {"cheap": "too weak", "safe": "too dear"})
    assert chosen.id == "safe"
    (finding,) = c.findings
    assert (finding.kind, finding.severity, finding.code) == ("conflict", "high", "no-option-left")
    assert "too weak" in finding.message
    assert "too dear" in finding.message
    assert finding.ways_out
    decision = decide(c, FIELD, [CHEAP, SAFE], rule_out={"cheap": "too weak", "safe": "too dear"})
    assert "least bad" in decision.rationale[-1]
    assert decision.flips == ()


SCORES = st.tuples(*[st.integers(0, 1000).map(lambda hundredths: hundredths / 100)] * 5)
WEIGHTS = st.tuples(*[st.integers(0, 5)] * 5)


@given(scores=st.lists(SCORES, min_size=2, max_size=5), raw=WEIGHTS, ruled=st.integers(0, 4))
def test_every_flip_that_is_announced_flips_the_decision(
    scores: list[tuple[float, ...]], raw: tuple[int, ...], ruled: int
) -> None:
    options = [option(f"option-{i}", *row) for i, row in enumerate(scores)]
    rule_out = {f"option-{ruled}": "no"}
    decision = decide(context(**priorities(*raw)), FIELD, options, rule_out=rule_out)
    for flip in decision.flips:
        title, name, value = FLIP.fullmatch(flip).groups()  # type: ignore[union-attr]
        changed = {**priorities(*raw), f"priority_{name}": int(value)}
        assert decide(context(**changed), FIELD, options, rule_out=rule_out).choice.title == title


@given(scores=st.lists(SCORES, min_size=2, max_size=4), raw=WEIGHTS)
def test_no_flip_of_one_priority_is_left_out(scores: list[tuple[float, ...]], raw: tuple[int, ...]) -> None:
    options = [option(f"option-{i}", *row) for i, row in enumerate(scores)]
    decision = decide(context(**priorities(*raw)), FIELD, options)
    winners = set()
    for index in range(5):
        for value in range(6):
            changed = [*raw[:index], value, *raw[index + 1 :]]
            if any(changed):
                winners.add(decide(context(**priorities(*changed)), FIELD, options).choice.title)
    announced = {flip.partition(" would")[0] for flip in decision.flips}
    assert announced == winners - {decision.choice.title}


def test_summary_and_detail_come_from_the_catalog() -> None:
    decision = decide(context(overrides={FIELD: "gitflow"}), FIELD)
    row = load().options[FIELD]["gitflow"]
    assert decision.summary == row["summary"]
    assert decision.detail == tuple((label, text) for label, text in row["detail"])
