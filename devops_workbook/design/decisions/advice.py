"""What cannot be had, what is advised against, and what a framework asks for.

Every field is decided by `settle`, which keeps three kinds of reason apart:

1. Impossible (`rule_out`, what the option `requires`, what a framework forbids): no override brings it back.
2. Not advised (`avoid`, and options that need experts in a team too small to spare any): experience speaks
   against it, so the design does not choose it, but a team that insists gets it, with a finding.
3. It leaves a control open that a framework asks for: of the options left, those that satisfy most of the
   controls stay. An override takes the gap knowingly, and the compliance findings show it.

Advice never empties a field: a kind of advice that speaks against everything that is left says nothing.
Where options have a price at this load, it replaces the rating of their cost, but only differences that this
team would notice count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from devops_workbook.design.choose import decide, options_of
from devops_workbook.design.context import Context
from devops_workbook.design.model import PRIORITIES, Decision, Option
from devops_workbook.design.reliability import sites
from devops_workbook.design.scoring import price_scores
from devops_workbook.design.words import listed
from devops_workbook.findings import Finding, WayOut
from devops_workbook.outline import FIELDS

__all__ = ["Reasons", "noticed", "sensitive", "settle"]

Reasons = Mapping[str, str | bool | None]

_TITLES = {field.id: field.title for field in FIELDS}
_NOT_ADVISED = "not advised: "

# Below this many people nobody is free to become the expert that an option needs.
_EXPERT_TEAM = 6

# A difference in price nobody would change a design for: 2 % of the budget, or two hours of an engineer's time.
_NOTICED_SHARE = 0.02
_NOTICED_USD = 150.0


def sensitive(c: Context) -> bool:
    """Whether the data is confidential or restricted."""
    return c.requirements.data_sensitivity in ("confidential", "restricted")


def settle(
    c: Context,
    field_id: str,
    options: Sequence[Option] | None = None,
    *,
    rule_out: Reasons | None = None,
    avoid: Reasons | None = None,
    prices: Mapping[str, float | None] | None = None,
    rationale: Sequence[str] = (),
    flips: Sequence[str] = (),
    summary: str = "",
) -> Decision:
    """Decide one field and return the decision.

    rule_out, avoid: option id -> why it is impossible or not advised (falsy = it is neither); prices: option id
    -> USD a month at this load, None = not known; the rest as in `choose.decide`.
    """
    options = tuple(options or options_of(c, field_id))
    impossible = {**_given(rule_out), **_unmet(c, field_id), **c.ruled_out_by_frameworks(field_id)}
    options = _priced(c, options, prices or {}, impossible)
    advice = _advice(c, field_id, [o for o in options if o.id not in impossible], _given(avoid))
    wanted = c.requirements.overrides.get(field_id, "")
    insisted = next((o for o in options if wanted and wanted in (o.id, o.service)), None)
    against = advice.pop(insisted.id, "") if insisted else ""
    if insisted and against:
        _warn(c, field_id, insisted, against)
        rationale = (*rationale, f"The team insists on {insisted.title}, which is not advised: {against}.")
    decision = decide(
        c, field_id, options, rule_out=impossible | {id: _NOT_ADVISED + why for id, why in advice.items()},
        rationale=rationale, flips=flips, summary=summary,
    )  # fmt: skip
    if not decision.overridden and (doubt := _given(avoid).get(decision.choice.id)):
        _doubt(c, field_id, decision.choice, doubt)
    freed = _freed(c, decision)
    return replace(decision, flips=(*decision.flips, *freed)) if freed else decision


def _given(reasons: Reasons | None) -> dict[str, str]:
    return {id: str(why) for id, why in (reasons or {}).items() if why}


# --- impossible ------------------------------------------------------------------------------------------


def _kind_of_compute(c: Context) -> str:
    return c.choice("infrastructure.compute")


def _form(c: Context) -> str:
    return c.choice("disaster_recovery.high_availability")


_REQUIRED: Mapping[str, tuple[Callable[[Context], bool], str]] = {
    "24x7": (lambda c: c.requirements.on_call == "24x7", "nobody is on call outside business hours"),
    "kubernetes": (lambda c: _kind_of_compute(c) == "kubernetes", "the design does not run on Kubernetes"),
    "containers-or-kubernetes": (
        lambda c: _kind_of_compute(c) in ("containers", "kubernetes"), "there are no container images"
    ),
    "multi-zone": (lambda c: _form(c) != "single-zone", "the design has one zone"),
    "multi-region": (lambda c: sites(_form(c)) == 2, "the design has one region"),
}  # fmt: skip


def _unmet(c: Context, field_id: str) -> dict[str, str]:
    """Option id -> what it requires of an earlier decision and does not get."""
    reasons = {}
    for id, row in c.catalog.options.get(field_id, {}).items():
        for name in row.get("requires", ()):
            holds, otherwise = _REQUIRED[name]
            if not holds(c):
                reasons[id] = otherwise
    return reasons


# --- prices ----------------------------------------------------------------------------------------------


def noticed(c: Context) -> float:
    """USD a month below which this team would not notice a difference."""
    budget = c.requirements.monthly_budget_usd
    return budget * _NOTICED_SHARE if budget else _NOTICED_USD


def _priced(
    c: Context, options: Iterable[Option], prices: Mapping[str, float | None], impossible: Mapping[str, str]
) -> tuple[Option, ...]:
    floor = noticed(c)
    compared = {id: None if usd is None else usd + floor for id, usd in prices.items() if id not in impossible}
    scores = price_scores(compared)
    return tuple(
        Option(o.id, o.title, (scores[o.id]["cost"], *o.scores[1:]), o.reason, o.service) if o.id in scores else o
        for o in options
    )


assert PRIORITIES[0] == "cost"


# --- advice ----------------------------------------------------------------------------------------------


def _advice(c: Context, field_id: str, possible: Sequence[Option], avoid: Mapping[str, str]) -> dict[str, str]:
    """Option id -> why not, kind by kind; a kind that would leave nothing is passed over."""
    found: dict[str, str] = {}
    kept = list(possible)
    kinds: tuple[Callable[[Sequence[Option]], Mapping[str, str]], ...] = (
        lambda _: avoid,
        lambda options: _too_hard(c, field_id, options),
        lambda options: _open_controls(c, field_id, options),
    )
    for reasons in kinds:
        given = reasons(kept)
        left = [o for o in kept if o.id not in given]
        if left:
            found |= {o.id: given[o.id] for o in kept if o.id in given}
            kept = left
    return found


def _too_hard(c: Context, field_id: str, options: Iterable[Option]) -> dict[str, str]:
    rows = c.catalog.options.get(field_id, {})
    people = c.requirements.team_size
    if people >= _EXPERT_TEAM:
        return {}
    return {
        o.id: f"it takes experts, and a team of {people} is too small to spare any"
        for o in options
        if rows.get(o.id, {}).get("skill") == "expert"
    }


def _open_controls(c: Context, field_id: str, options: Sequence[Option]) -> dict[str, str]:
    """Why options are turned down that leave more controls open than the best of them."""
    asked = c.asked_controls.get(field_id, {})
    if not asked or not options:
        return {}
    missing = {o.id: [id for id in asked if o.id not in c.catalog.controls[id].needs[field_id]] for o in options}
    least = min(len(ids) for ids in missing.values())
    common = set.intersection(*(set(ids) for ids in missing.values()))
    return {
        id: "it leaves open what " + _asking(c, asked, [x for x in ids if x not in common])
        for id, ids in missing.items()
        if len(ids) > least
    }


def _asking(c: Context, asked: Mapping[str, Sequence[str]], controls: Sequence[str]) -> str:
    first = controls[0]
    title = c.catalog.controls[first].title
    more = f", and {len(controls) - 1} more" if len(controls) > 1 else ""
    return f"{asked[first][0]} asks for ({title[0].lower()}{title[1:]}){more}"


def _freed(c: Context, decision: Decision) -> tuple[str, ...]:
    """What would win without the frameworks, where only they speak against it."""
    if decision.overridden or not c.frameworks:
        return ()
    open_ones = [o for o in decision.alternatives if o.ruled_out.startswith(f"{_NOT_ADVISED}it leaves open")]
    better = max(open_ones, key=lambda o: o.score, default=None)
    if better is None or better.score <= decision.choice.score:
        return ()
    names = listed([f.title for f in c.frameworks])
    return (f"{better.title} would be chosen without {names}",)


def _doubt(c: Context, field_id: str, option: Option, why: str) -> None:
    c.find(
        Finding(
            "risk", "medium", "choice-not-advised",
            f"{_TITLES[field_id]}: {option.title} is not advised, but everything else is impossible or as "
            f"doubtful: {why}.",
            (WayOut("Change the requirement behind it"),), field_id,
        )
    )  # fmt: skip


def _warn(c: Context, field_id: str, option: Option, why: str) -> None:
    kept = {k: v for k, v in c.requirements.overrides.items() if k != field_id}
    c.find(
        Finding(
            "risk", "medium", "override-not-advised",
            f"{_TITLES[field_id]} is overridden to {option.title}, which is not advised: {why}.",
            (WayOut("Remove the override", {"overrides": kept}),), field_id,
        )
    )  # fmt: skip
