"""HTML fragments of an evaluation: what the board shows, panel by panel, and a static summary of it.

Every fragment is a pure function of the evaluation, so that equal input gives equal text and a panel that did
not change need not be sent. Every text becomes HTML through `elements`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from devops_workbook import catalog
from devops_workbook.design.model import PRIORITIES, Decision, Option
from devops_workbook.evaluate import Evaluation
from devops_workbook.evidence import Evidence
from devops_workbook.findings import Finding, WayOut
from devops_workbook.plan.model import Section
from devops_workbook.render.charts import draw as draw_chart
from devops_workbook.render.diagram import Drawing, View
from devops_workbook.render.elements import (
    badge,
    bulleted,
    button,
    disclosure,
    el,
    free,
    join,
    source,
    table,
    titled,
)
from devops_workbook.render.exhibits.model import Block, Cell, Cited, Exhibit, Figure, Number, Proofs, Table, Text
from devops_workbook.render.figures import MINUS, Change, Score, change, quantity, rating, scores, sentence
from devops_workbook.render.terms import control_titles, stated, title_of
from devops_workbook.requirements import Requirements, field_specs

__all__ = [
    "anchor",
    "awaited",
    "decision",
    "diagram",
    "figures",
    "findings",
    "heading",
    "requirements_table",
    "score_strip",
    "section_count",
    "summary",
    "topic",
    "topic_body",
]


def anchor(field_id: str, prefix: str = "board") -> str:
    """The element id of a decision, which diagrams and findings link to."""
    return f"{prefix}-{field_id.replace('.', '-').replace('_', '-')}"


# Score strip


def score_strip(now: Evaluation, previous: Evaluation | None = None, baseline: Evaluation | None = None) -> Markup:
    """The six figures, each with its target and how it moved since the last edit and since the baseline."""
    earlier = _by_id(previous)
    pinned = _by_id(baseline)
    tiles = [_tile(score, earlier.get(score.id), pinned.get(score.id)) for score in scores(now)]
    return el("dl", *tiles, class_="dw-strip")


def _by_id(evaluation: Evaluation | None) -> dict[str, Score]:
    return {} if evaluation is None else {score.id: score for score in scores(evaluation)}


_VERDICTS = {"met": ("✓", "met"), "missed": ("✗", "missed"), "": ("", "")}


def _tile(score: Score, previous: Score | None, baseline: Score | None) -> Markup:
    mark, word = _VERDICTS[score.verdict]
    target = f"{word}: {score.target}" if word and score.id not in ("compliance", "findings") else score.target
    return el(
        "div",
        el("dt", score.title),
        el("dd", _value(score), class_="dw-value"),
        el("dd", el("span", f"{mark} ", aria_hidden="true") if mark else None, target, class_="dw-target"),
        _moved(change(score, previous), "last edit") if previous else None,
        _moved(change(score, baseline), "baseline") if baseline else None,
        class_=f"dw-tile dw-{score.verdict or 'open'}",
        data_score=score.id,
    )


def _value(score: Score) -> Any:
    """The figure itself; one that was computed opens to how it came to be."""
    if score.evidence is None:
        return score.text
    return _opening_number(Number(score.text, score.evidence), "score")


def _moved(moved: Change, since: str) -> Markup:
    verdict = f" ({moved.direction})" if moved.direction != "same" else ""
    return el("dd", f"{moved.text}{verdict} since {since}", class_=f"dw-change dw-{moved.direction}")


# Plan


def heading(requirements: Requirements, facts_as_of: str) -> Markup:
    """What the board is about: the system's name, what it does, who answers for it."""
    facts = catalog.load()
    provider = facts.providers[requirements.provider].title
    prices = f" · prices up to {facts_as_of}" + (f", with {facts.overlay}" if facts.overlay else "")
    owner = ["Owner: ", free(requirements.owner), " · "] if requirements.owner else []
    return el(
        "div",
        free(requirements.name, "h2", class_="dw-name"),
        el("p", *owner, provider, prices, class_="dw-muted dw-about"),
        free(requirements.description, "p", class_="dw-description") if requirements.description else None,
    )


def section_count(section: Section) -> Markup:
    """How many decisions a section holds and how many the team took itself."""
    overridden = sum(decision.overridden for decision in section.decisions)
    return join(
        [
            el("span", f"{len(section.decisions)} decisions", class_="dw-muted"),
            badge(f"{overridden} overridden", "overridden") if overridden else None,
        ],
        " ",
    )


def decision(
    made: Decision, price_of_override: Sequence[str] = (), *, opened: bool = False, prefix: str = "board"
) -> Markup:
    """One decision: a line, and opened to everything that can be asked about it.

    price_of_override: what the override costs, in sentences, for a decision that is one.
    """
    line = join(
        [
            el("span", made.title, class_="dw-label"),
            el("strong", made.choice.title, class_="dw-choice"),
            badge("overridden", "overridden") if made.overridden else None,
            badge("not possible", "high") if made.choice.ruled_out else None,
            el("span", made.summary, class_="dw-line"),
        ],
        " ",
    )
    body = _everything(made, price_of_override, prefix) if opened else ()
    part = disclosure(f"decision-{made.id}", line, *body, opened=opened, lazy=True, class_="dw-decision")
    return el("div", part, id=anchor(made.id, prefix), data_decision=made.id)


def _everything(made: Decision, price: Sequence[str], prefix: str) -> tuple[Markup | None, ...]:
    return (
        _override(made, price, prefix),
        titled("Why", bulleted(made.rationale)),
        _details(made),
        titled("Options", _options(made)),
        titled("What would change it", bulleted(made.flips)),
        titled("Numbers behind it", join(_evidence(e, made.id) for e in made.evidence) if made.evidence else None),
        _honoured(made),
    )


def _override(made: Decision, price: Sequence[str], prefix: str) -> Markup:
    """The control that takes the decision by hand, and what that costs."""
    id = f"{anchor(made.id, prefix)}-override"
    options = [el("option", "as decided by the method", value="", selected=not made.overridden)]
    for option in (made.choice, *made.alternatives):
        mark = " (ruled out)" if option.ruled_out else f" (score {rating(option.score)})"
        chosen = made.overridden and option.id == made.choice.id
        options.append(el("option", option.title + mark, value=option.id, selected=chosen))
    return el(
        "div",
        el("label", f"Choose {made.title.lower()}", for_=id),
        el("select", *options, id=id, data_action="override", data_field=made.id),
        el("p", badge("overridden", "overridden"), " ", " ".join(price), class_="dw-price") if price else None,
        class_="dw-override",
    )


def _details(made: Decision) -> Markup | None:
    if not made.detail:
        return None
    rows = [join([el("dt", label), el("dd", text)]) for label, text in made.detail]
    return titled("In detail", el("dl", *rows, class_="dw-detail"))


def _options(made: Decision) -> Markup:
    def row(option: Option) -> tuple[Any, ...]:
        chosen = option is made.choice
        title = join([option.title, badge("chosen", "chosen") if chosen else None], " ")
        verdict = join([badge("ruled out", "out"), f" {option.ruled_out}"]) if option.ruled_out else option.reason
        return (title, rating(option.score), *map(quantity, option.scores), verdict)

    head = ("Option", "Score", *(priority.capitalize() for priority in PRIORITIES), "What the scores rest on")
    rows = [row(option) for option in (made.choice, *made.alternatives)]
    return table(head, rows, f"Options for {made.title.lower()}, scores 0 to 10", range(1, 7))


def _evidence(evidence: Evidence, owner: str) -> Markup:
    """A number that opens to its formula, inputs, source and date."""
    title = join([f"{evidence.metric}: ", el("strong", quantity(evidence.value, evidence.unit))])
    return disclosure(f"evidence-{owner}-{evidence.metric}", title, *_working(evidence), class_="dw-evidence")


def _working(evidence: Evidence) -> tuple[Markup | None, ...]:
    """How a number came to be: formula, inputs, source and date."""
    inputs = [(q.name, quantity(q.value, q.unit)) for q in evidence.inputs]
    cited = source(evidence.source, evidence.as_of)
    return (
        el("p", el("code", evidence.formula), class_="dw-formula"),
        table(("Input", "Value"), inputs, f"What went into {evidence.metric}", (1,)) if inputs else None,
        el("p", "Source: ", cited, class_="dw-muted") if cited else None,
    )


def _honoured(made: Decision) -> Markup | None:
    """The controls, principles and practices the decision carries out, and the files that will hold it."""
    facts = catalog.load()
    groups = (
        ("Controls", control_titles(made.controls)),
        ("Principles", [title_of(facts.principles, id) for id in made.principles]),
        ("Practices", [title_of(facts.practices, id) for id in made.practices]),
        ("Files", list(made.artifacts)),
    )
    rows = [join([el("dt", name), el("dd", _chips(words))]) for name, words in groups if words]
    return titled("What it honours", el("dl", *rows, class_="dw-detail")) if rows else None


def _chips(words: Iterable[str]) -> Markup:
    return join([el("span", word, class_="dw-chip") for word in words], " ")


# Findings


def findings(found: Sequence[Finding], prefix: str = "board") -> Markup:
    """Conflicts, gaps and risks, worst first, each with its ways out as buttons that take them."""
    if not found:
        return el("p", "Nothing found: every wish is met and no risk is known.", class_="dw-muted")
    ranked = sorted(found, key=lambda finding: ("high", "medium", "low").index(finding.severity))
    return el("ul", *(_finding(finding, prefix) for finding in ranked), class_="dw-findings")


def _finding(finding: Finding, prefix: str) -> Markup:
    link = el("a", "see the decision", href=f"#{anchor(finding.field, prefix)}") if finding.field else None
    return el(
        "li",
        el("p", badge(f"{finding.severity} {finding.kind}", finding.severity), " ", finding.message, " ", link),
        bulleted((_way_out(way) for way in finding.ways_out), "dw-ways"),
        class_=f"dw-finding dw-{finding.severity}",
        data_key=f"finding-{finding.code}-{finding.field}",
    )


def _way_out(way: WayOut) -> Markup:
    if not way.change:
        return el("span", way.text)
    change = json.dumps(way.change, default=lambda value: dict(value) if isinstance(value, Mapping) else list(value))
    return button(way.text, "change", data_change=change, class_="dw-button dw-way")


# Diagrams


def diagram(
    views: Sequence[View], shown: str, drawing: Drawing | None, *, trouble: str = "", opened: bool = False
) -> Markup:
    """The views as buttons and the one that is shown: picture on a light card, and opened the same as a table.

    drawing: None when it could not be drawn, and `trouble` then says why.
    """
    tabs = [
        button(
            view.title, "view", data_view=view.id, aria_pressed="true" if view.id == shown else "false", class_="dw-tab"
        )
        for view in views
    ]
    caption = next((view.caption for view in views if view.id == shown), "")
    return join(
        [
            el(
                "div",
                el("div", *tabs, class_="dw-tabs", role="group", aria_label="Diagram view"),
                _zoom(),
                class_="dw-bar",
            ),
            el("p", caption, class_="dw-muted"),
            _card(drawing, shown) if drawing else el("p", trouble, class_="dw-trouble"),
            _as_table(drawing, caption, opened) if drawing else None,
        ]
    )


def _zoom() -> Markup:
    """Buttons the front end answers by itself: they change how the picture is looked at, not what it shows."""
    actions = (
        (MINUS, "zoom-out", "Zoom out"),
        ("+", "zoom-in", "Zoom in"),
        ("Fit", "zoom-fit", "Fit to width"),
        ("Full screen", "fullscreen", "Show the diagram on the full screen"),
    )
    return el(
        "div",
        *(
            el(
                "button",
                text,
                type="button",
                data_local=action,
                aria_label=None if text == "Full screen" else label,
                title=label,
                class_="dw-button",
            )
            for text, action, label in actions
        ),
        class_="dw-tools",
        role="group",
        aria_label="Zoom",
    )


def _card(drawing: Drawing, view: str) -> Markup:
    # The SVG is our own drawing, in which every text has been escaped.
    svg = Markup(drawing.svg)  # noqa: S704
    picture = el("div", svg, class_="dw-picture", style=f"--dw-width: {drawing.width:.0f}pt")
    return el(
        "div",
        picture,
        class_="dw-card",
        data_key=f"card-{view}",
        tabindex="0",
        role="region",
        aria_label="Diagram; scrolls when it is larger than its frame",
    )


def _as_table(drawing: Drawing, caption: str, opened: bool) -> Markup:
    rows = [(row.component, row.what, row.where, bulleted(row.connects_to)) for row in drawing.table]
    body = table(("Component", "What it is", "Where", "Connects to"), rows, caption) if opened else None
    return disclosure("diagram-table", "As a table", body, opened=opened, lazy=True)


# Figures


def figures(exhibits: Sequence[Exhibit], opened: frozenset[str] = frozenset()) -> Markup:
    """Every topic of the assessment as a line, opened up to its tables, charts and proofs.

    opened: the keys of the parts whose body is wanted, such as "figures-cost".
    """
    return join(topic(each, topic_body(each) if f"figures-{each.id}" in opened else None) for each in exhibits)


def topic(exhibit: Exhibit, body: Markup | None) -> Markup:
    """One topic of the assessment; body: None where it is closed."""
    line = join([el("span", exhibit.title, class_="dw-label"), el("span", exhibit.line)], " ")
    return disclosure(f"figures-{exhibit.id}", line, body, opened=body is not None, lazy=True)


def topic_body(exhibit: Exhibit) -> Markup:
    """What a topic opens to."""
    return join(_block(block, exhibit.id) for block in exhibit.body())


def awaited(earlier: Markup | None) -> Markup:
    """A topic that is still being worked out, and below that what it said before."""
    if earlier is None:
        return el("p", "Working it out …", class_="dw-muted", role="status")
    note = el("p", "Working it out anew; what stands here is from before the last change.", class_="dw-behind")
    return el("div", note, earlier, class_="dw-earlier")


def _block(block: Block, owner: str) -> Markup:
    match block:
        case Text():
            return el("p", block.text, class_="dw-trouble" if block.tone else "dw-muted")
        case Table():
            rows = [[_cell(cell, owner) for cell in row] for row in block.rows]
            return table(block.headers, rows, block.caption, block.right, total=block.total)
        case Figure():
            return _chart(block)
        case Proofs():
            return join(_evidence(item, owner) for item in block.evidence)


def _cell(cell: Cell, owner: str) -> Any:
    match cell:
        case Number():
            return _opening_number(cell, owner)
        case Cited():
            if cell.text in ("", cell.source):
                return source(sentence(cell.source), cell.as_of)
            return join([cell.text, " ", source(cell.source, cell.as_of)])
    return cell


def _opening_number(number: Number, owner: str) -> Markup:
    """A figure in a table, which opens to how it came to be."""
    return el(
        "details",
        el("summary", number.text, title="How this number came to be"),
        el("div", el("p", number.evidence.metric), *_working(number.evidence), class_="dw-working"),
        data_key=f"why-{owner}-{number.evidence.metric}",
        class_="dw-why",
    )


def _chart(figure: Figure) -> Markup:
    picture = draw_chart(figure.chart)
    data = b64encode(picture.svg.encode()).decode("ascii")
    return el(
        "figure",
        el("img", src=f"data:image/svg+xml;base64,{data}", alt=picture.alt),
        el("figcaption", figure.caption, class_="dw-muted"),
        class_="dw-card dw-chart",
    )


# Static summary


def requirements_table(requirements: Requirements) -> Markup:
    """What was asked, field by field."""
    rows = [
        (spec.title, free(stated(spec, getattr(requirements, spec.name), requirements.provider)))
        for spec in field_specs()
    ]
    return table(("Requirement", "Stated"), rows, "Requirements")


def summary(evaluation: Evaluation, drawing: Drawing | None, style: str) -> str:
    """The whole state on one static page without scripts: figures, diagram, findings, decisions, requirements.

    style: the text of the board's style sheet. It survives in an exported or reopened notebook.
    """
    rows = [
        (
            made.title,
            join([made.choice.title, badge("overridden", "overridden") if made.overridden else None], " "),
            made.summary,
        )
        for made in evaluation.plan.decisions
    ]
    return str(
        el(
            "div",
            el("style", Markup(style)),  # noqa: S704 - our own style sheet
            heading(evaluation.requirements, evaluation.facts_as_of),
            score_strip(evaluation),
            _picture(drawing) if drawing else None,
            el("h3", "Findings"),
            _static_findings(evaluation.findings),
            el("h3", "Decisions"),
            table(("Field", "Choice", "What will be built"), rows, "The plan"),
            el("details", el("summary", "Requirements"), requirements_table(evaluation.requirements)),
            # JupyterLab and nbconvert would read the text between two dollar signs as mathematics.
            class_="dw-board dw-static mathjax_ignore tex2jax_ignore",
        )
    )


def _static_findings(found: Sequence[Finding]) -> Markup:
    rows = [
        (f"{finding.severity} {finding.kind}", finding.message, bulleted(w.text for w in finding.ways_out))
        for finding in found
    ]
    return table(("Finding", "What", "Ways out"), rows, "Findings") if rows else findings(())


def _picture(drawing: Drawing) -> Markup:
    """The drawing as an image of its own, so that its ids cannot meet those of another one on the page."""
    data = b64encode(drawing.svg.encode()).decode("ascii")
    return el("div", el("img", src=f"data:image/svg+xml;base64,{data}", alt=drawing.alt), class_="dw-card")
