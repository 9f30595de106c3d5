"""What an evaluation comes to, in the few figures by which alternatives are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devops_workbook.assess.model import CostLine
from devops_workbook.evaluate import Evaluation
from devops_workbook.evidence import Quantity
from devops_workbook.requirements import Requirements

__all__ = ["Outcome", "Sureness", "changed", "moves", "outcome_of", "sureness_of", "told"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of one design; None = not known.

    monthly_usd: of all environments; production_usd: of production; availability_pct, rto_minutes, rpo_minutes,
    kgco2e_month and compliance_pct as in the assessment; high: codes of the findings of high severity.
    """

    monthly_usd: float
    production_usd: float
    availability_pct: float | None
    rto_minutes: float | None
    rpo_minutes: float | None
    kgco2e_month: float | None
    compliance_pct: float | None
    high: frozenset[str]


def outcome_of(evaluation: Evaluation) -> Outcome:
    """The outcome of an evaluation."""
    a = evaluation.assessment
    high = frozenset(finding.code for finding in evaluation.findings if finding.severity == "high")
    return Outcome(
        a.cost.monthly_usd, a.cost.production_usd, a.availability.pct, a.recovery.rto_minutes, a.recovery.rpo_minutes,
        a.carbon.kgco2e_month, a.compliance.pct, high,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sureness:
    """How much of a bill rests on prices of the region itself, so that nobody compares guesses with facts.

    lines: of the bill; borrowed: those at the price of another region; unpriced: those whose price is not known;
    borrowed_share: of the sum, 0-1.
    """

    lines: int
    borrowed: int
    unpriced: int
    borrowed_share: float


def sureness_of(evaluation: Evaluation) -> Sureness:
    """How sure the prices of an evaluation are."""
    cost = evaluation.assessment.cost
    known: list[CostLine] = [line for line in cost.lines if line.monthly_usd is not None]
    borrowed = [line for line in known if line.borrowed]
    usd = sum(line.monthly_usd or 0.0 for line in borrowed)
    share = usd / cost.monthly_usd if cost.monthly_usd else 0.0
    return Sureness(len(cost.lines), len(borrowed), len(cost.lines) - len(known), share)


def told(sure: Sureness) -> tuple[Quantity, ...]:
    """Sureness as the inputs of an evidence."""
    return (
        Quantity("lines of the bill", sure.lines),
        Quantity("lines at the price of another region", sure.borrowed),
        Quantity("share of the sum at such prices", sure.borrowed_share),
        Quantity("lines whose price is not known", sure.unpriced),
    )


def changed(requirements: Requirements, change: Mapping[str, Any]) -> Requirements:
    """The requirements with some values set anew. Raises pydantic.ValidationError where they contradict each other."""
    return Requirements(**(requirements.model_dump() | dict(change)))


_FIGURES = (
    ("availability", "availability_pct", "{:.6g} %"), ("recovery time", "rto_minutes", "{:,.4g} minutes"),
    ("loss of data", "rpo_minutes", "{:,.4g} minutes"), ("coverage of the frameworks", "compliance_pct", "{:.4g} %"),
)  # fmt: skip


def moves(before: Outcome, after: Outcome) -> Iterator[str]:
    """What else changes besides the price, each as a sentence."""
    for title, name, form in _FIGURES:
        was, now = (_in_words(getattr(outcome, name), form) for outcome in (before, after))
        if was != now:
            yield f"{title.capitalize()}: {now} instead of {was}."
    if found := sorted(after.high - before.high):
        yield f"New findings of high severity: {', '.join(map(_code, found))}."
    if gone := sorted(before.high - after.high - {"over-budget"}):
        yield f"No longer found: {', '.join(map(_code, gone))}."


def _code(finding: str) -> str:
    """The code of a finding as words: "residency region"."""
    return finding.replace("-", " ")


def _in_words(value: float | None, form: str) -> str:
    return "not known" if value is None else form.format(value)
