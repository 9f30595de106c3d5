"""Turns numbers into 0-10 scores, and targets into reasons to rule an option out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from devops_workbook.catalog.model import Service
from devops_workbook.design.model import Option

__all__ = ["below_target", "nines_score", "price_scores", "service_options", "usd"]


def price_scores(prices: Mapping[str, float | None]) -> dict[str, dict[str, float]]:
    """Cost scores from USD a month: the cheapest gets 10, twice its price 5. Unknown prices get no score, and
    nothing is scored unless two prices are known."""
    known = {id: price for id, price in prices.items() if price is not None}
    if len(known) < 2:
        return {}
    # Below a dollar a month prices are equal for every purpose, and a free option must not zero the others.
    cheapest = max(1.0, min(known.values()))
    return {id: {"cost": round(10.0 * cheapest / max(cheapest, price), 2)} for id, price in known.items()}


def nines_score(pct: float) -> float:
    """Resilience score of a promised availability: 2.5 a nine, so that 99.99 % is 10."""
    return round(min(10.0, 2.5 * -math.log10(max(1e-9, 1.0 - pct / 100.0))), 2)


def below_target(promises: Mapping[str, float | None], target: float) -> dict[str, str]:
    """Why options cannot be part of a system with this availability target, given what each promises (per cent).

    No single part may promise less than the whole must give; that the product of the parts may still fall short
    is a finding of the assessment. When no option promises enough, all but the best are ruled out, so that a
    tighter target never buys less.
    """
    known = {id: pct for id, pct in promises.items() if pct is not None}
    if not known:
        return {}
    best = max(known.values())
    bar = min(target, best)
    kept = "" if best >= target else ", which no option meets; the best of them is kept"
    reasons = {
        id: f"it promises {pct:g} %, below the target of {target:g} %{kept}" for id, pct in known.items() if pct < bar
    }
    return reasons | {id: "its availability promise is not known" for id, pct in promises.items() if pct is None}


def service_options(options: Iterable[Option], services: Mapping[str, Service | None]) -> tuple[Option, ...]:
    """The options with the titles of the services behind them; options without an entry stay as they are,
    options whose entry is None are left out because the provider has no such service."""
    return tuple(
        Option(o.id, s.title, o.scores, o.reason, s.id, o.ruled_out, o.score) if (s := services.get(o.id)) else o
        for o in options
        if services.get(o.id, True) is not None
    )


def usd(amount: float | None) -> str:
    """An amount of US dollars for prose: "$1,234", "$0.42" or "not known"."""
    if amount is None:
        return "not known"
    return f"${amount:,.0f}" if amount >= 100 else f"${amount:,.2f}"
