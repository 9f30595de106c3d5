"""Figures in words: how a number is written, and the six that sum up a design.

The score strip of the board and the executive summary of the documents show the same `scores`; `change` says
in words how one of them moved. "Not known" is None and is written so, never as 0.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from devops_workbook.assess.model import Compliance, Cost, Recovery
from devops_workbook.evaluate import Evaluation
from devops_workbook.evidence import Evidence
from devops_workbook.findings import Finding

__all__ = [
    "MINUS",
    "NOT_KNOWN",
    "Change",
    "Score",
    "change",
    "duration",
    "money",
    "percent",
    "price",
    "price_dates",
    "quantity",
    "rating",
    "scores",
    "sentence",
    "volume",
]

NOT_KNOWN = "not known"
MINUS = "\N{MINUS SIGN}"
Verdict = Literal["met", "missed", ""]


@dataclass(frozen=True, slots=True)
class Score:
    """One figure of the score strip.

    value: for comparison, None = not known or not asked for; text: as shown; target: what was asked, in
    words, "" = nothing; verdict: whether the target is met, "" = nothing to hold it against; evidence: how the value
    came to be, None = it is a mere count.
    """

    id: str
    title: str
    value: float | None
    text: str
    target: str = ""
    verdict: Verdict = ""
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """How a score moved: in words, and whether that is "better", "worse" or "same"."""

    text: str
    direction: Literal["better", "worse", "same"]


def quantity(value: float | str | None, unit: str = "") -> str:
    """A number with its unit, rounded for reading: four significant digits, thousands apart; see `percent`."""
    if value is None:
        return NOT_KNOWN
    if unit == "%" and not isinstance(value, str):
        return percent(value, 4)
    if unit.startswith("USD") and not isinstance(value, str):
        return money(value) if abs(value) >= 1 else price(float(f"{value:.6g}"))
    text = value if isinstance(value, str) else _number(value)
    # Some things are billed by the million: 11.04 × 1M queries.
    return f"{text} {'× ' if unit[:1].isdigit() else ''}{_agreeing(text, unit)}".rstrip()


_PLURAL = re.compile(r"[a-z]{4,}s$")
_COUNTED_BY_ONE = re.compile(r"(^|-)(month|day|item|evaluation)$")


def _agreeing(text: str, unit: str) -> str:
    """The unit in the number of its quantity: "1 worker", "2 months", "10 rule-months"."""
    if text != "1":
        return f"{unit}s" if _COUNTED_BY_ONE.search(unit) else unit
    return unit[: -2 if unit.endswith("sses") else -1] if _PLURAL.fullmatch(unit) else unit


def volume(gb: float) -> str:
    """A volume given in GB, in the unit that leaves a number a person can read: "18.14 GB", "389 kB"."""
    for size, unit in ((1.0, "GB"), (1e-3, "MB"), (1e-6, "kB")):
        if gb >= size:
            return quantity(gb / size if size == 1.0 else float(f"{gb / size:.3g}"), unit)
    return quantity(0, "GB") if gb == 0 else "under 1 kB"


def sentence(text: str) -> str:
    """`text` with a capital letter first, unless it begins with an address or a name that has none."""
    word = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if word.isalpha() else text


def _number(value: float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not math.isfinite(value):
        return "unlimited" if value > 0 else NOT_KNOWN
    return f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.4g}"


def money(usd: float | None) -> str:
    """US dollars, with cents below 100."""
    if usd is None:
        return NOT_KNOWN
    amount = f"{abs(usd):,.0f}" if abs(usd) >= 100 or float(usd).is_integer() else f"{abs(usd):,.2f}"
    return f"{MINUS if usd < 0 else ''}${amount}"


def price(usd: float | None) -> str:
    """The price of one unit in US dollars, with all its digits: "$0.20", "$0.000024"."""
    if usd is None:
        return NOT_KNOWN
    whole, _, cents = f"{usd:,.10f}".rstrip("0").partition(".")
    return f"${whole}.{cents:0<2}"


def price_dates(cost: Cost) -> str:
    """From the oldest to the newest price in the cost, and how much of it rests on prices of the last two years.

    One old price among a hundred would otherwise make the whole look old.
    """
    if not cost.price_date or not cost.monthly_usd:
        return cost.price_date or NOT_KNOWN
    newest = max(line.as_of for line in cost.lines if line.monthly_usd is not None)
    since = str(int(newest[:4]) - 1)
    recent = sum(line.monthly_usd or 0.0 for line in cost.lines if line.as_of >= since)
    return f"{cost.price_date}, {percent(100 * recent / cost.monthly_usd)} of the cost of {since} or later"


def rating(score: float) -> str:
    """A weighted score of 0 to 10, with one decimal."""
    return f"{score:.1f}"


def percent(value: float | None, digits: int = 0) -> str:
    """A percentage with at most `digits` decimals, rounded down: 99.996 % is not 100 %."""
    if value is None:
        return NOT_KNOWN
    scale = 10**digits
    # The tiny addend keeps 99.95, which binary cannot hold exactly, from becoming 99.9499.
    floored = math.floor(value * scale + 1e-6) / scale
    text = f"{floored:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if digits else text} %"


def duration(minutes: float | None) -> str:
    """A time span in the unit a person would use: seconds, minutes, hours or days."""
    if minutes is None:
        return NOT_KNOWN
    if not math.isfinite(minutes):
        return "without end"
    for size, unit in ((1440, "days"), (60, "h"), (1, "min")):
        if abs(minutes) >= size * (1 if unit == "min" else 2):
            return f"{round(minutes / size, 1):g} {unit}"
    return "0 min" if minutes == 0 else f"{max(1, round(minutes * 60)):g} s"


def scores(evaluation: Evaluation) -> tuple[Score, ...]:
    """The six figures of the score strip: cost, availability, RTO, RPO, compliance and findings."""
    wanted, assessed = evaluation.requirements, evaluation.assessment
    cost, recovery = assessed.cost, assessed.recovery
    budget = wanted.monthly_budget_usd
    uptime = assessed.availability
    return (
        Score(
            "cost",
            "Cost a month",
            cost.monthly_usd,
            money(cost.monthly_usd),
            (f"budget {money(budget)}" if budget else "no budget stated")
            + (f"; {len(cost.unpriced)} not priced" if cost.unpriced else ""),
            _verdict(cost.monthly_usd, budget, "at most") if budget else "",
            cost.evidence[0],
        ),
        Score(
            "availability",
            "Availability",
            uptime.pct,
            percent(uptime.pct, 4),
            f"target {percent(uptime.target_pct, 4)}",
            _verdict(uptime.pct, uptime.target_pct, "at least"),
            uptime.evidence[0],
        ),
        _recovered("rto", "Recovery time (RTO)", recovery),
        _recovered("rpo", "Data loss (RPO)", recovery),
        _compliance(assessed.compliance),
        _findings(evaluation.findings),
    )


def _verdict(value: float | None, target: float, relation: Literal["at most", "at least"]) -> Verdict:
    if value is None:
        return ""
    met = value <= target if relation == "at most" else value >= target
    return "met" if met else "missed"


def _recovered(id: Literal["rto", "rpo"], title: str, recovery: Recovery) -> Score:
    """The worst case of the infrastructure; deleted data, a case apart, is named where it misses the target."""
    minutes, target = getattr(recovery, f"{id}_minutes"), getattr(recovery, f"{id}_target_minutes")
    taken = {case.disruption: getattr(case, f"{id}_minutes") for case in recovery.cases}
    deleted = taken.get("deletion", 0.0)
    beyond = deleted is None or deleted > target
    text = f"target {duration(target)}"
    text += f"; deleted data {duration(deleted)}" if beyond else ""
    worst = [case for case in recovery.cases[:3] if taken[case.disruption] == minutes]
    proof = next((e for case in worst for e in case.evidence if e.metric.startswith(id.upper())), None)
    return Score(id, title, minutes, duration(minutes), text, _verdict(minutes, target, "at most"), proof)


def _compliance(compliance: Compliance) -> Score:
    if not compliance.frameworks:
        return Score("compliance", "Compliance", None, "none asked", "no framework selected")
    satisfied = sum(f.satisfied for f in compliance.frameworks)
    total = sum(f.total for f in compliance.frameworks)
    verdict: Verdict = "met" if satisfied == total else "missed"
    target = f"{satisfied} of {total} technical requirements"
    return Score("compliance", "Compliance", compliance.pct, percent(compliance.pct), target, verdict)


def _findings(findings: tuple[Finding, ...]) -> Score:
    counts = Counter(finding.severity for finding in findings)
    parts = [f"{counts[s]} {s}" for s in ("high", "medium", "low") if counts[s]]
    verdict: Verdict = "missed" if counts["high"] else "met"
    return Score("findings", "Findings", float(len(findings)), str(len(findings)), ", ".join(parts) or "none", verdict)


_WRITTEN: dict[str, tuple[Callable[[float], str], bool]] = {
    "cost": (money, False),
    "availability": (lambda value: f"{value:.4f}".rstrip("0").rstrip(".") + " points", True),
    "rto": (duration, False),
    "rpo": (duration, False),
    "compliance": (lambda value: f"{value:.1f}".rstrip("0").rstrip(".") + " points", True),
    "findings": (lambda value: f"{value:.0f}", False),
}
"""How the change of a score is written, and whether more of it is better."""


def change(now: Score, earlier: Score) -> Change:
    """How the score moved from `earlier` to `now`: the difference in words, and whether that is better."""
    if now.text == earlier.text:
        return Change("no change", "same")
    if now.value is None or earlier.value is None:
        return Change(f"was {earlier.text}", "same")
    write, more_is_better = _WRITTEN[now.id]
    difference = now.value - earlier.value
    sign = "+" if difference > 0 else MINUS
    return Change(sign + write(abs(difference)), "better" if (difference > 0) == more_is_better else "worse")
