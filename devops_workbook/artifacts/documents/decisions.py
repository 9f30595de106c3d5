"""One record for each decision of the plan, as Markdown Any Decision Records have it (MADR 4.0, https://adr.github.io/madr/).

A record says what was decided, what else there was, with the scores, and what change would decide otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.documents.page import Page
from devops_workbook.design.model import PRIORITIES, Decision, Option
from devops_workbook.render.figures import quantity, rating
from devops_workbook.render.markdown import bullets, escape, join, table
from devops_workbook.render.terms import control_titles

__all__ = ["SECTION", "decision_records"]

SECTION = "Decisions"


def decision_records(b: Blueprint) -> Iterator[Page]:
    """A page for each decision, numbered in the plan's order."""
    for number, decision in enumerate(b.evaluation.plan.decisions, 1):
        name = decision.id.replace(".", "-").replace("_", "-")
        title = f"{number}. {decision.title}: {decision.choice.title}"
        yield Page(f"decisions/{number:04}-{name}.md", title, SECTION, tuple(_blocks(b, decision)))


def _blocks(b: Blueprint, d: Decision) -> Iterator[str]:
    by = "the team, against the weighted scores" if d.overridden else "the weighted scores"
    yield table(("Status", "Facts as of", "Decided by"), [("accepted", escape(b.evaluation.facts_as_of), by)])
    yield join("## Context and problem", f"How is *{escape(d.title)}* solved for {escape(b.requirements.name)}?")
    yield join("## Decision drivers", bullets(_drivers(b)))
    options = (d.choice, *(o for o in d.alternatives if o.id != d.choice.id))
    yield join("## Considered options", bullets(escape(o.title) for o in options))
    yield join("## Decision outcome", f"**{escape(d.choice.title)}.** {escape(d.summary)}",
               bullets(map(escape, d.rationale)))  # fmt: skip
    controls = "; ".join(map(escape, control_titles(d.controls)))
    yield join("### Consequences", table(("What", "How"), [(escape(k), escape(v)) for k, v in d.detail]),
               f"Controls it carries out: {controls}." if controls else "")  # fmt: skip
    yield join("### Reconsider when", bullets(map(escape, d.flips))) if d.flips else ""
    yield join("## Options, and what speaks for and against them", *(_option(d, o) for o in options))
    yield join("## More information", _figures(d)) if d.evidence else ""


def _drivers(b: Blueprint) -> Iterator[str]:
    weights = {p: getattr(b.requirements, f"priority_{p}") for p in PRIORITIES}
    for priority, weight in sorted(weights.items(), key=lambda item: -item[1]):
        yield f"{priority.capitalize()}, weighed {weight} of 5"


def _option(d: Decision, o: Option) -> str:
    against = f"Ruled out: {escape(o.ruled_out.rstrip('.'))}." if o.ruled_out else ""
    scored = "" if o.ruled_out and o is not d.choice else f"Score {rating(o.score)} of 10."
    rows = [(p.capitalize(), rating(score)) for p, score in zip(PRIORITIES, o.scores, strict=True)]
    return join(f"### {escape(o.title)}", " ".join(filter(None, (against, escape(o.reason), scored))),
                table(("Priority", "Score, 0-10"), rows, right=(1,)))  # fmt: skip


def _figures(d: Decision) -> str:
    rows = [
        (escape(e.metric), escape(quantity(e.value, e.unit)), escape(e.formula), escape(e.source), escape(e.as_of))
        for e in d.evidence
    ]
    return table(("Figure", "Value", "Formula", "Source", "As of"), rows, right=(1,))
