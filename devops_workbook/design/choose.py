"""How a field is decided: constraints rule options out, priorities rank the rest, an override has the last word.

1. Options that a hard constraint forbids are ruled out, with the reason.
2. The others are scored 0-10 under each of the five priorities; the score is the mean weighted by the team's
   priorities. The highest wins; ties go to the option that comes first in the catalog.
3. An override wins over the score. If a constraint forbids it, that is a finding and the constraint stands.
   If every option is ruled out, the least bad one (the last, by convention the strongest) is taken and a
   finding says so.

For each loser the module also works out which single priority, changed to which value, would make it win.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from devops_workbook.design.context import Context
from devops_workbook.design.model import PRIORITIES, Decision, Option
from devops_workbook.evidence import Evidence
from devops_workbook.findings import Finding, WayOut
from devops_workbook.outline import FIELDS
from devops_workbook.requirements import Requirements, nearest

__all__ = ["choose", "decide", "options_of", "priority_flips", "weights"]

_TITLES = {field.id: field.title for field in FIELDS}
_HIGHEST_PRIORITY = 5


def weights(requirements: Requirements) -> tuple[float, ...]:
    """The five priorities as weights that add up to 1; equal weights when all are zero."""
    raw = tuple(getattr(requirements, f"priority_{name}") for name in PRIORITIES)
    total = sum(raw)
    return tuple(w / total for w in raw) if total else (1.0 / len(raw),) * len(raw)


def options_of(
    context: Context, field_id: str, scores: Mapping[str, Mapping[str, float]] | None = None
) -> tuple[Option, ...]:
    """The options of a field as the catalog lists them.

    `scores` replaces ratings by numbers worked out for this load: {option id: {priority: 0-10}}.
    """
    scores = scores or {}
    return tuple(
        Option(
            id=id,
            title=row["title"],
            scores=tuple(scores.get(id, {}).get(name, row[name]) for name in PRIORITIES),  # type: ignore[arg-type]
            reason=row["why"],
        )
        for id, row in context.catalog.options[field_id].items()
    )


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def choose(
    context: Context, field_id: str, options: Sequence[Option], rule_out: Mapping[str, str | bool | None]
) -> tuple[Option, tuple[Option, ...], bool]:
    """The option chosen, the others (best first, ruled-out ones last), and whether it was overridden."""
    forbidden = {**context.ruled_out_by_frameworks(field_id), **{k: str(v) for k, v in rule_out.items() if v}}
    share = weights(context.requirements)
    scored = tuple(
        replace(o, score=round(_dot(o.scores, share), 2), ruled_out=forbidden.get(o.id, "")) for o in options
    )
    possible = [o for o in scored if not o.ruled_out]
    if not possible:
        _all_ruled_out(context, field_id, scored)
    best = max(possible, key=lambda o: o.score) if possible else scored[-1]
    chosen = _overridden(context, field_id, scored) or best
    others = sorted((o for o in scored if o.id != chosen.id), key=lambda o: (bool(o.ruled_out), -o.score))
    return chosen, tuple(others), chosen is not best


def _all_ruled_out(context: Context, field_id: str, options: Sequence[Option]) -> None:
    last = options[-1]
    context.find(
        Finding(
            "conflict", "high", "no-option-left",
            f"{_TITLES[field_id]}: every option is ruled out; {last.title} is taken as the least bad. "
            + " ".join(f"{o.title}: {o.ruled_out}." for o in options),
            field=field_id,
        )
    )  # fmt: skip


def _overridden(context: Context, field_id: str, options: Sequence[Option]) -> Option | None:
    wanted = context.requirements.overrides.get(field_id)
    if wanted is None:
        return None
    option = next((o for o in options if wanted in (o.id, o.service)), None)
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


def priority_flips(requirements: Requirements, chosen: Option, others: Sequence[Option]) -> tuple[str, ...]:
    """Sentences saying which one priority, set to which value, would make another option win.

    Scores are linear in a priority, so the turning point is where the two lines cross:
    w + (total difference) / (difference under that priority).
    """
    found = []
    for other in others:
        if other.ruled_out:
            continue
        flip = _nearest_flip(requirements, chosen, other, others)
        if flip:
            name, value = flip
            found.append(f"{other.title} would be chosen with priority_{name} at {value}")
    return tuple(found)


def _nearest_flip(
    requirements: Requirements, chosen: Option, other: Option, rivals: Sequence[Option]
) -> tuple[str, int] | None:
    raw = [getattr(requirements, f"priority_{name}") for name in PRIORITIES]
    margin = sum(w * (a - b) for w, a, b in zip(raw, chosen.scores, other.scores, strict=True))
    best: tuple[str, int] | None = None
    distance = float("inf")
    for index, name in enumerate(PRIORITIES):
        gain = other.scores[index] - chosen.scores[index]
        if gain == 0:
            continue
        crossing = raw[index] + margin / gain
        value = math.floor(crossing) + 1 if gain > 0 else math.ceil(crossing) - 1
        if not 0 <= value <= _HIGHEST_PRIORITY or abs(value - raw[index]) >= distance:
            continue
        trial = [*raw[:index], value, *raw[index + 1 :]]
        if any(trial) and _wins(other, (chosen, *rivals), trial):
            best, distance = (name, value), abs(value - raw[index])
    return best


def _wins(option: Option, field: Sequence[Option], raw: Sequence[float]) -> bool:
    score = _dot(option.scores, raw)
    return all(o is option or o.ruled_out or _dot(o.scores, raw) < score for o in field)


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
    row = context.catalog.options.get(field_id, {}).get(chosen.id, {})
    return Decision(
        id=field_id,
        title=_TITLES[field_id],
        choice=chosen,
        summary=summary or row.get("summary", chosen.title),
        rationale=(*rationale, *_standing(chosen, others, overridden)),
        alternatives=others,
        flips=(*flips, *(() if overridden else priority_flips(context.requirements, chosen, others))),
        detail=tuple((label, text) for label, text in row.get("detail", ())),
        evidence=tuple(evidence),
        artifacts=tuple(artifacts),
        overridden=overridden,
    )


def _standing(chosen: Option, others: Sequence[Option], overridden: bool) -> tuple[str, ...]:
    rivals = [o for o in others if not o.ruled_out]
    if overridden:
        best = max(rivals, key=lambda o: o.score)
        return (f"Overridden by the team: scores {chosen.score:g} where {best.title} scores {best.score:g}.",)
    if not rivals:
        ruled = ", ".join(o.title for o in others)
        return (f"The only option left; ruled out: {ruled}.",) if ruled else ()
    best = max(rivals, key=lambda o: o.score)
    return (f"Scores {chosen.score:g} of 10 under the team's priorities; next is {best.title} with {best.score:g}.",)
