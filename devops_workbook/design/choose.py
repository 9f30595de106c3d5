"""How a field is decided: constraints rule options out, priorities rank the rest, an override has the last word.

1. Options that a hard constraint forbids are ruled out, with the reason.
2. The others are scored 0-10 under each of the five priorities; the score is the mean weighted by the team's
   priorities. The highest wins; ties go to the option that comes first in the catalog.
3. An override wins over the score. If a constraint forbids it, that is a finding and the constraint stands.
   If every option is ruled out, the least bad one (the last, by convention the strongest) is taken and a
   finding says so.

For each loser the module also works out which single priority, changed to which value, would make it win. Scores
are compared as whole hundredths, so that a tie is a tie on every machine and a flip that is announced happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import mul

import numpy as np
import numpy.typing as npt

from devops_workbook.catalog.model import Catalog
from devops_workbook.design.context import Context
from devops_workbook.design.model import PRIORITIES, Decision, Option
from devops_workbook.evidence import Evidence
from devops_workbook.findings import Finding, WayOut
from devops_workbook.outline import FIELDS
from devops_workbook.requirements import Requirements, nearest

__all__ = ["choose", "decide", "options_of", "priority_flips", "weights"]

_TITLES = {field.id: field.title for field in FIELDS}
_HIGHEST_PRIORITY = 5

IntArray = npt.NDArray[np.int_]


def weights(requirements: Requirements) -> tuple[int, ...]:
    """The five priorities as weights, in the order of PRIORITIES; all equal when all are zero."""
    raw = tuple(getattr(requirements, f"priority_{name}") for name in PRIORITIES)
    return raw if any(raw) else (1,) * len(raw)


def options_of(
    context: Context, field_id: str, scores: Mapping[str, Mapping[str, float]] | None = None
) -> tuple[Option, ...]:
    """The options of a field as the catalog lists them.

    `scores` replaces ratings by numbers worked out for this load: {option id: {priority: 0-10}}.
    """
    listed = _listed(context.catalog, field_id)
    return tuple(_rescored(o, scores.get(o.id, {})) for o in listed) if scores else listed


@lru_cache(maxsize=256)
def _listed(catalog: Catalog, field_id: str) -> tuple[Option, ...]:
    rows = catalog.options[field_id].items()
    return tuple(Option(id, row["title"], tuple(row[name] for name in PRIORITIES), row["why"]) for id, row in rows)


def _rescored(option: Option, scores: Mapping[str, float]) -> Option:
    pairs = zip(PRIORITIES, option.scores, strict=True)
    return Option(option.id, option.title, tuple(scores.get(name, old) for name, old in pairs), option.reason)  # type: ignore[arg-type]


@lru_cache(maxsize=4096)
def _hundredths(scores: tuple[float, ...]) -> tuple[int, ...]:
    return tuple(round(100 * score) for score in scores)


def _total(scores: Sequence[int], share: Sequence[int]) -> int:
    return sum(map(mul, scores, share))


def choose(
    context: Context, field_id: str, options: Sequence[Option], rule_out: Mapping[str, str | bool | None]
) -> tuple[Option, tuple[Option, ...], bool]:
    """The option chosen, the others (best first, ruled-out ones last), and whether an override chose it."""
    forbidden = {**context.ruled_out_by_frameworks(field_id), **{k: str(v) for k, v in rule_out.items() if v}}
    share = weights(context.requirements)
    totals = {o.id: _total(_hundredths(o.scores), share) for o in options}
    most = 100 * sum(share)
    scored = tuple(
        Option(o.id, o.title, o.scores, o.reason, o.service, forbidden.get(o.id, ""), round(totals[o.id] / most, 2))
        for o in options
    )
    possible = [o for o in scored if not o.ruled_out]
    if not possible:
        _all_ruled_out(context, field_id, scored)
    override = _overridden(context, field_id, scored)
    chosen = override or (max(possible, key=lambda o: totals[o.id]) if possible else scored[-1])
    others = sorted((o for o in scored if o.id != chosen.id), key=lambda o: (bool(o.ruled_out), -totals[o.id]))
    return chosen, tuple(others), override is not None


def _all_ruled_out(context: Context, field_id: str, options: Sequence[Option]) -> None:
    last = options[-1]
    context.find(
        Finding(
            "conflict", "high", "no-option-left",
            f"{_TITLES[field_id]}: every option is ruled out; {last.title} is taken as the least bad. "
            + " ".join(f"{o.title}: {o.ruled_out}." for o in options),
            (WayOut("Change one of the requirements that rule the options out"),),
            field_id,
        )
    )  # fmt: skip


def _overridden(context: Context, field_id: str, options: Sequence[Option]) -> Option | None:
    wanted = context.requirements.overrides.get(field_id)
    if wanted is None:
        return None
    option = next((o for o in options if wanted and wanted in (o.id, o.service)), None)
    if option is None:
        _unknown_override(context, field_id, wanted, options)
        return None
    if option.ruled_out:
        _forbidden_override(context, field_id, option)
        return None
    return option


def _without_override(context: Context, field_id: str, text: str = "Remove the override") -> WayOut:
    kept = {k: v for k, v in context.requirements.overrides.items() if k != field_id}
    return WayOut(text, {"overrides": kept})


def _unknown_override(context: Context, field_id: str, wanted: str, options: Sequence[Option]) -> None:
    guess = nearest(wanted, [name for o in options for name in (o.id, o.service) if name])
    hint = f" Did you mean {guess!r}?" if guess else ""
    allowed = ", ".join(o.id + (f" ({o.title})" if o.service else "") for o in options)
    context.find(
        Finding(
            "conflict", "medium", "override-unknown",
            f"The override of {field_id} names {wanted[:100]!r}, which is not one of its options: {allowed}.{hint} "
            "The design goes on without it.",
            (_without_override(context, field_id),),
            field_id,
        )
    )  # fmt: skip


def _forbidden_override(context: Context, field_id: str, option: Option) -> None:
    context.find(
        Finding(
            "conflict", "high", "override-forbidden",
            f"The override of {_TITLES[field_id]} to {option.title} cannot be had: {option.ruled_out}. "
            "The design goes on without it.",
            (_without_override(context, field_id), WayOut("Change the requirement that rules it out")),
            field_id,
        )
    )  # fmt: skip


def priority_flips(requirements: Requirements, options: Sequence[Option], chosen: Option) -> tuple[str, ...]:
    """Sentences saying which one priority, set to which value, would make another of `options` win.

    options: all of the field, in catalog order, those ruled out included. A priority weighs in every decision, and
    another that changes with it may rule options of this one in or out: that is not followed up.
    """
    possible = [o for o in options if not o.ruled_out]
    if len(possible) < 2:
        return ()
    flips = _nearest_flips(tuple(getattr(requirements, f"priority_{name}") for name in PRIORITIES), possible)
    return tuple(
        f"{o.title} would be chosen with the priority of {name} at {value}, other decisions as they are"
        for o in possible
        if o.id != chosen.id and o.id in flips
        for name, value in (flips[o.id],)
    )


def _nearest_flips(raw: tuple[int, ...], options: Sequence[Option]) -> dict[str, tuple[str, int]]:
    """Option id -> the smallest change of one priority with which it wins."""
    changes, trials = _changes(raw)
    winners = (trials @ np.array([_hundredths(o.scores) for o in options]).T).argmax(axis=1)
    found: dict[str, tuple[str, int]] = {}
    for change, winner in zip(changes, winners.tolist(), strict=True):
        found.setdefault(options[winner].id, change)
    return found


@lru_cache(maxsize=64)
def _changes(raw: tuple[int, ...]) -> tuple[list[tuple[str, int]], IntArray]:
    """Every change of one priority, the smallest first, and the five priorities after each."""
    changes = [
        (abs(value - raw[index]), index, value)
        for index in range(len(raw))
        for value in range(_HIGHEST_PRIORITY + 1)
        if value != raw[index] and sum(raw) - raw[index] + value > 0
    ]
    changes.sort(key=lambda change: change[0])
    trials = [[*raw[:index], value, *raw[index + 1 :]] for _, index, value in changes]
    return [(PRIORITIES[index], value) for _, index, value in changes], np.array(trials)


def decide(
    context: Context,
    field_id: str,
    options: Sequence[Option] | None = None,
    *,
    rule_out: Mapping[str, str | bool | None] | None = None,
    rationale: Sequence[str] = (),
    flips: Sequence[str] = (),
    evidence: Sequence[Evidence] = (),
    summary: str = "",
    artifacts: Sequence[str] = (),
) -> Decision:
    """Decide one field and return the decision.

    options: the field's options, else the catalog's; rule_out: option id -> reason (falsy = possible);
    rationale: sentences with the numbers that decided; summary: overrides the catalog's summary, and may hold
    the same {placeholders}.
    """
    options = options or options_of(context, field_id)
    chosen, others, overridden = choose(context, field_id, options, rule_out or {})
    ranked = {o.id: o for o in (chosen, *others)}
    in_order = [ranked[o.id] for o in options]
    row = context.catalog.options.get(field_id, {}).get(chosen.id, {})
    return Decision(
        id=field_id,
        title=_TITLES[field_id],
        choice=chosen,
        summary=summary or row.get("summary", chosen.title),
        rationale=(*rationale, *_standing(chosen, others, overridden)),
        alternatives=others,
        flips=(*flips, *(() if overridden else priority_flips(context.requirements, in_order, chosen))),
        detail=tuple((label, text) for label, text in row.get("detail", ())),
        evidence=tuple(evidence),
        artifacts=tuple(artifacts),
        overridden=overridden,
    )


def _standing(chosen: Option, others: Sequence[Option], overridden: bool) -> tuple[str, ...]:
    rivals = [o for o in others if not o.ruled_out]
    if chosen.ruled_out:
        return (f"No option is left; taken as the least bad, although {chosen.ruled_out}.",)
    if not rivals:
        ruled = ", ".join(o.title for o in others)
        return (f"The only option left; ruled out: {ruled}.",) if ruled else ()
    best = rivals[0]
    if overridden:
        return (f"Decided by the team: scores {chosen.score:g} where {best.title} scores {best.score:g}.",)
    return (f"Scores {chosen.score:g} of 10 under the team's priorities; next is {best.title} with {best.score:g}.",)
