"""Figures in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devops_workbook.evaluate import evaluate
from devops_workbook.findings import Finding
from devops_workbook.render.figures import (
    MINUS,
    Score,
    change,
    duration,
    money,
    percent,
    price,
    quantity,
    scores,
    sentence,
    volume,
)
from devops_workbook.requirements import Requirements


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "GB", "not known"), (0, "GB", "0 GB"), (1234567.8, "req/s", "1,234,568 req/s"), (0.04448, "", "0.04448"),
        (12.0, "h", "12 h"), ("m7g.large", "", "m7g.large"), (True, "", "yes"),
        (1, "workers", "1 worker"), (1, "addresses", "1 address"), (2, "month", "2 months"), (1, "month", "1 month"),
        (10, "rule-month", "10 rule-months"), (1500, "item", "1,500 items"), (1, "GB-month", "1 GB-month"),
        (11.04, "1M requests", "11.04 × 1M requests"), (float("inf"), "", "unlimited"), (float("nan"), "", "not known"),
        (99.995, "%", "99.995 %"), (99.9999, "%", "99.9999 %"), (40, "%", "40 %"), ("most", "%", "most %"),
    ],
)  # fmt: skip
def test_a_quantity_is_rounded_for_reading(value: float | str | None, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [(None, "not known"), (0, "$0"), (9.5, "$9.50"), (99.999, "$100.00"), (1234.5, "$1,234"), (-20, f"{MINUS}$20")],
)
def test_money(usd: float | None, text: str) -> None:
    assert money(usd) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, "not known"),
        (0.2, "$0.20"),
        (0.000024, "$0.000024"),
        (25, "$25.00"),
        (0.018443, "$0.018443"),
        (0, "$0.00"),
    ],
)
def test_a_unit_price_keeps_all_its_digits(usd: float | None, text: str) -> None:
    assert price(usd) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (99.95, 4, "99.95 %"), (99.99999, 4, "99.9999 %"), (99.9, 0, "99 %"), (100, 4, "100 %"), (0, 0, "0 %"),
        (None, 0, "not known"),
    ],
)  # fmt: skip
def test_a_percentage_is_never_rounded_up(value: float | None, digits: int, text: str) -> None:
    assert percent(value, digits) == text


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (None, "not known"), (0, "0 min"), (0.5, "30 s"), (0.001, "1 s"), (1, "1 min"), (90, "90 min"), (240, "4 h"),
        (2880, "2 days"), (float("inf"), "without end"),
    ],
)  # fmt: skip
def test_a_duration_is_in_the_unit_a_person_would_use(minutes: float | None, text: str) -> None:
    assert duration(minutes) == text


def test_a_score_is_held_against_its_target() -> None:
    tight = {score.id: score for score in scores(evaluate(Requirements(monthly_budget_usd=1)))}
    loose = {score.id: score for score in scores(evaluate(Requirements(monthly_budget_usd=1_000_000)))}
    free = {score.id: score for score in scores(evaluate(Requirements()))}
    assert [strip["cost"].verdict for strip in (tight, loose, free)] == ["missed", "met", ""]
    assert free["compliance"].text == "none asked"


@pytest.mark.parametrize(
    ("deleted", "note"),
    [
        (60.0, "target 4 h"),
        (462.0, "target 4 h; deleted data 7.7 h"),
        (None, "target 4 h; deleted data not known"),
    ],
)
def test_recovery_says_when_deleted_data_misses_a_target_that_is_met(deleted: float | None, note: str) -> None:
    now = evaluate(Requirements(rto_minutes=240))
    cases = tuple(
        replace(case, rto_minutes=deleted) if case.disruption == "deletion" else case
        for case in now.assessment.recovery.cases
    )
    recovery = replace(now.assessment.recovery, cases=cases, rto_minutes=10.0)
    strip = scores(replace(now, assessment=replace(now.assessment, recovery=recovery)))
    rto = next(score for score in strip if score.id == "rto")
    assert (rto.target, rto.verdict) == (note, "met")


def test_findings_are_counted_by_severity() -> None:
    now = evaluate(Requirements())
    found = (Finding("gap", "low", "a", "a"), Finding("risk", "high", "b", "b"), Finding("risk", "low", "c", "c"))
    strip = {score.id: score for score in scores(replace(now, findings=found))}
    assert (strip["findings"].text, strip["findings"].target, strip["findings"].verdict) == (
        "3",
        "1 high, 2 low",
        "missed",
    )


@pytest.mark.parametrize(
    ("id", "now", "then", "text", "direction"),
    [
        ("cost", 120.0, 100.0, "+$20", "worse"),
        ("cost", 100.0, 120.0, f"{MINUS}$20", "better"),
        ("availability", 99.99, 99.9, "+0.09 points", "better"),
        ("rto", 10.0, 70.0, f"{MINUS}60 min", "better"),
        ("compliance", 90.0, 95.5, f"{MINUS}5.5 points", "worse"),
        ("findings", 4.0, 2.0, "+2", "worse"),
        ("rpo", None, 5.0, "was 5.0", "same"),
        ("rpo", 5.0, 5.0, "no change", "same"),
    ],
)
def test_a_change_is_said_in_words(id: str, now: float | None, then: float, text: str, direction: str) -> None:
    moved = change(Score(id, id, now, str(now)), Score(id, id, then, str(then)))
    assert (moved.text, moved.direction) == (text, direction)


@pytest.mark.parametrize(
    ("gb", "text"),
    [
        (18.144, "18.14 GB"), (1234.5, "1,234 GB"), (0.2722, "272 MB"), (0.004435, "4.43 MB"), (0.0003888, "389 kB"),
        (1e-9, "under 1 kB"), (0, "0 GB"),
    ],
)  # fmt: skip
def test_a_volume_is_written_in_the_unit_that_leaves_a_readable_number(gb: float, text: str) -> None:
    assert volume(gb) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("design assumption: an engineer looks", "Design assumption: an engineer looks"),
        ("https://example.com/a is read", "https://example.com/a is read"),
        ("aws/karpenter-provider-aws price data", "aws/karpenter-provider-aws price data"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_but_an_address_does_not(text: str, written: str) -> None:
    assert sentence(text) == written
