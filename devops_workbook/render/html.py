"""HTML fragments of an evaluation: what the board shows, panel by panel, and a static summary of it.

Every fragment is a pure function of the evaluation, so that equal input gives equal text and a panel that did
not change need not be sent. All text passes through `el`, the one place where it is escaped: a string is text,
whatever it holds, and only what `el` returned (a `Markup`) is HTML. Elements that a person may open carry a
`data-key`, by which the front end recognises them; elements that ask for something carry a `data-action`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from devops_workbook import catalog
from devops_workbook.assess.model import (
    Assessment,
    Availability,
    Capacity,
    ControlStatus,
    Cost,
    FrameworkCoverage,
    Recovery,
)
from devops_workbook.design.model import PRIORITIES, Decision, Option
from devops_workbook.evaluate import Evaluation
from devops_workbook.evidence import Evidence
from devops_workbook.findings import Finding, WayOut
from devops_workbook.plan.model import Section
from devops_workbook.render.diagram import Drawing, View
from devops_workbook.render.figures import (
    MINUS,
    Change,
    Score,
    change,
    duration,
    money,
    percent,
    price,
    price_dates,
    quantity,
    rating,
    scores,
)
from devops_workbook.render.terms import control_titles, stated, title_of
from devops_workbook.requirements import Requirements, field_specs

__all__ = [
    "anchor",
    "badge",
    "button",
    "decision",
    "diagram",
    "disclosure",
    "el",
    "figures",
    "findings",
    "heading",
    "requirements_table",
    "score_strip",
    "section_count",
    "summary",
]

_VOID = frozenset({"br", "hr", "img", "input"})


def el(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """One HTML element; every child that is not `Markup`, and every attribute value, is escaped.

    Children that are None are left out. Attributes that are None or False are left out, True is written as an
    empty attribute; `class_` and `for_` stand for the reserved words, other underscores for hyphens.
    """
    opening = _opening(name, tuple(attributes.items()))
    return Markup(opening if name in _VOID else f"{opening}{join(children)}</{name}>")  # noqa: S704 - each part was escaped


@lru_cache(maxsize=8192)
def _opening(name: str, attributes: tuple[tuple[str, Any], ...]) -> str:
    """An opening tag. A board writes the same few thousand again and again."""
    written = (
        f' {key.rstrip("_").replace("_", "-")}="{"" if value is True else escape(str(value))}"'
        for key, value in attributes
        if value is not None and value is not False
    )
    return f"<{name}{''.join(written)}>"


def join(children: Iterable[Any], separator: str = "") -> Markup:
    """The children, escaped unless they are `Markup`, one after the other."""
    written = [child if isinstance(child, Markup) else escape(child) for child in children if child is not None]
    return Markup(str(escape(separator)).join(written))  # noqa: S704 - each part was escaped


def free(text: str, name: str = "span", **attributes: Any) -> Markup:
    """Text somebody typed, in an element that takes its direction (left to right or not) from it."""
    return el(name, text, dir="auto", **attributes)


def anchor(field_id: str, prefix: str = "board") -> str:
    """The element id of a decision, which diagrams and findings link to."""
    return f"{prefix}-{field_id.replace('.', '-').replace('_', '-')}"


def badge(text: str, kind: str) -> Markup:
    """A short word in a coloured frame; the word says it all, the colour only repeats it."""
    return el("span", text, class_=f"dw-badge dw-{kind}")


def button(text: Any, action: str, **attributes: Any) -> Markup:
    """A button that asks the board for `action`; further attributes are its arguments."""
    return el("button", text, type="button", data_action=action, **{"class_": "dw-button", **attributes})


def disclosure(key: str, title: Any, *body: Any, opened: bool = False, lazy: bool = False, class_: str = "") -> Markup:
    """A part that opens and closes, and that the front end keeps as the reader left it.

    lazy: the front end says when it is opened or closed, so that its body need only be made while it is open.
    """
    return el(
        "details",
        el("summary", title),
        el("div", *body, class_="dw-body"),
        data_key=key,
        data_lazy=lazy,
        open=opened,
        class_=class_ or None,
    )


def _list(items: Iterable[Any], class_: str = "dw-list") -> Markup | None:
    rows = [el("li", item) for item in items]
    return el("ul", *rows, class_=class_) if rows else None


def _titled(title: str, body: Markup | None) -> Markup | None:
    return None if body is None else el("div", el("h5", title), body, class_="dw-part")


def _table(
    head: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "", numeric: Iterable[int] = ()
) -> Markup:
    """A table whose first column names the row, in a box that scrolls when it is wider than the page."""
    right = frozenset(numeric)

    def cell(at: int, value: Any) -> Markup:
        name, scope = ("th", "row") if at == 0 else ("td", None)
        return el(name, value, scope=scope, class_="dw-number" if at in right else None)

    columns = [el("th", title, scope="col", class_="dw-number" if i in right else None) for i, title in enumerate(head)]
    body = [el("tr", *(cell(i, value) for i, value in enumerate(row))) for row in rows]
    table = el(
        "table", el("caption", caption) if caption else None, el("thead", el("tr", *columns)), el("tbody", *body)
    )
    return el("div", table, class_="dw-table", tabindex="0", role="region", aria_label=caption or head[0])


def _source(source: str, as_of: str) -> Markup | None:
    """Where a figure is from: a link where the source is a web address, and its date."""
    if not source:
        return None
    is_link = source.startswith(("https://", "http://")) and not any(c.isspace() for c in source)
    link = el("a", source, href=source, target="_blank", rel="noopener noreferrer") if is_link else source
    return join([link, f" ({as_of})" if as_of else ""])


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
        el("dd", score.text, class_="dw-value"),
        el("dd", el("span", f"{mark} ", aria_hidden="true") if mark else None, target, class_="dw-target"),
        _moved(change(score, previous), "last edit") if previous else None,
        _moved(change(score, baseline), "baseline") if baseline else None,
        class_=f"dw-tile dw-{score.verdict or 'open'}",
        data_score=score.id,
    )


def _moved(moved: Change, since: str) -> Markup:
    verdict = f" ({moved.direction})" if moved.direction != "same" else ""
    return el("dd", f"{moved.text}{verdict} since {since}", class_=f"dw-change dw-{moved.direction}")


# Plan


def heading(requirements: Requirements, facts_as_of: str) -> Markup:
    """What the board is about: the system's name, what it does, who answers for it."""
    provider = catalog.load().providers[requirements.provider].title
    owner = ["Owner: ", free(requirements.owner), " · "] if requirements.owner else []
    return el(
        "div",
        free(requirements.name, "h2", class_="dw-name"),
        el("p", *owner, provider, f" · prices up to {facts_as_of}", class_="dw-muted dw-about"),
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
        _titled("Why", _list(made.rationale)),
        _details(made),
        _titled("Options", _options(made)),
        _titled("What would change it", _list(made.flips)),
        _titled("Numbers behind it", join(_evidence(e, made.id) for e in made.evidence) if made.evidence else None),
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
    return _titled("In detail", el("dl", *rows, class_="dw-detail"))


def _options(made: Decision) -> Markup:
    def row(option: Option) -> tuple[Any, ...]:
        chosen = option is made.choice
        title = join([option.title, badge("chosen", "chosen") if chosen else None], " ")
        verdict = join([badge("ruled out", "out"), f" {option.ruled_out}"]) if option.ruled_out else option.reason
        return (title, rating(option.score), *map(quantity, option.scores), verdict)

    head = ("Option", "Score", *(priority.capitalize() for priority in PRIORITIES), "What the scores rest on")
    rows = [row(option) for option in (made.choice, *made.alternatives)]
    return _table(head, rows, f"Options for {made.title.lower()}, scores 0 to 10", range(1, 7))


def _evidence(evidence: Evidence, owner: str) -> Markup:
    """A number that opens to its formula, inputs, source and date."""
    inputs = [(q.name, quantity(q.value, q.unit)) for q in evidence.inputs]
    title = join([f"{evidence.metric}: ", el("strong", quantity(evidence.value, evidence.unit))])
    source = _source(evidence.source, evidence.as_of)
    return disclosure(
        f"evidence-{owner}-{evidence.metric}",
        title,
        el("p", el("code", evidence.formula), class_="dw-formula"),
        _table(("Input", "Value"), inputs, f"What went into {evidence.metric}", (1,)) if inputs else None,
        el("p", "Source: ", source, class_="dw-muted") if source else None,
        class_="dw-evidence",
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
    return _titled("What it honours", el("dl", *rows, class_="dw-detail")) if rows else None


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
        _list((_way_out(way) for way in finding.ways_out), "dw-ways"),
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
    rows = [(row.component, row.what, row.where, _list(row.connects_to)) for row in drawing.table]
    table = _table(("Component", "What it is", "Where", "Connects to"), rows, caption) if opened else None
    return disclosure("diagram-table", "As a table", table, opened=opened, lazy=True)


# Figures


def figures(assessment: Assessment, titles: Mapping[str, str], opened: frozenset[str] = frozenset()) -> Markup:
    """Every figure of the assessment, opened up: cost, availability, recovery, capacity, compliance, carbon.

    titles: what the topology's components are called, by id; opened: the keys of the parts whose body is wanted,
    such as "figures-cost".
    """
    frameworks = {f"figures-{f.id}": _framework_part(f) for f in assessment.compliance.frameworks}
    parts: dict[str, tuple[str, str, Callable[[], Iterable[Any]]]] = {
        "figures-cost": ("Cost", _cost_line(assessment.cost), lambda: _cost(assessment.cost, titles)),
        "figures-availability": (
            "Availability",
            _availability_line(assessment.availability),
            lambda: _availability(assessment.availability),
        ),
        "figures-recovery": ("Recovery", _recovery_line(assessment.recovery), lambda: _recovery(assessment.recovery)),
        "figures-capacity": (
            "Capacity",
            _capacity_line(assessment.capacity),
            lambda: _proofs(assessment.capacity.evidence, "capacity"),
        ),
        **frameworks,
        "figures-carbon": (
            "Carbon",
            quantity(assessment.carbon.kgco2e_month, "kgCO2e a month"),
            lambda: _proofs(assessment.carbon.evidence, "carbon"),
        ),
    }
    return join(
        disclosure(key, _figure(title, text), *(body() if key in opened else ()), opened=key in opened, lazy=True)
        for key, (title, text, body) in parts.items()
    )


def _figure(title: str, text: str) -> Markup:
    return join([el("span", title, class_="dw-label"), el("span", text)], " ")


def _proofs(evidence: Iterable[Evidence], owner: str) -> list[Markup]:
    return [_evidence(item, owner) for item in evidence]


def _cost_line(cost: Cost) -> str:
    return f"{money(cost.monthly_usd)} a month, prices of {price_dates(cost)}, on demand"


def _cost(cost: Cost, titles: Mapping[str, str]) -> Iterable[Any]:
    rows = [
        (
            titles.get(line.component, line.component),
            line.item,
            quantity(line.quantity, line.unit),
            price(line.unit_price_usd),
            money(line.monthly_usd),
            join([_source(line.source, line.as_of), f" {line.note}" if line.note else None]),
        )
        for line in cost.lines
    ]
    if cost.unpriced:
        missing = f"Not in the sum, because no price is known: {', '.join(cost.unpriced)}."
        yield el("p", missing, class_="dw-trouble")
    yield el("p", f"Not part of the sum: {'; '.join(cost.excluded)}.")
    head = ("Component", "Item", "Quantity a month", "Unit price", "A month", "Source")
    yield _table(head, rows, f"What is billed, in {cost.currency}", (2, 3, 4))
    yield from _proofs(cost.evidence, "cost")


def _availability_line(uptime: Availability) -> str:
    return (
        f"{percent(uptime.pct, 4)}, down {duration(uptime.downtime_minutes_month)} a month; "
        f"error budget {duration(uptime.error_budget_minutes_month)}"
    )


def _availability(uptime: Availability) -> Iterable[Any]:
    rows = [
        (
            part.title,
            part.form,
            percent(part.pct, 4),
            duration(part.minutes_month),
            _source(part.evidence.source, part.evidence.as_of),
        )
        for part in uptime.parts
    ]
    promise = "A service level agreement is what a provider promises to refund, not what will happen."
    yield el("p", promise, class_="dw-muted")
    yield _table(("Component", "Form", "Promised", "Down a month", "Source"), rows, "The users' path", (2, 3))
    yield from _proofs(uptime.evidence, "availability")


def _recovery_line(recovery: Recovery) -> str:
    return f"worst case {duration(recovery.rto_minutes)} down, {duration(recovery.rpo_minutes)} of data lost"


def _recovery(recovery: Recovery) -> Iterable[Any]:
    for case in recovery.cases:
        key = f"recovery-{case.disruption}"
        title = f"{case.title}: back in {duration(case.rto_minutes)}, losing {duration(case.rpo_minutes)} of data"
        steps = [(step.title, duration(step.minutes), step.source) for step in case.steps]
        yield disclosure(
            key, title, _table(("Step", "Time", "Source"), steps, case.title, (1,)), *_proofs(case.evidence, key)
        )


def _capacity_line(capacity: Capacity) -> str:
    return (
        f"{quantity(capacity.workers)} workers on {quantity(capacity.instances)} instances "
        f"({quantity(capacity.min_instances)} to {quantity(capacity.max_instances)}), "
        f"{percent(100 * capacity.utilisation)} busy at the planned peak of "
        f"{quantity(capacity.planned_rps, 'req/s')}; p99 {quantity(capacity.p99_ms, 'ms')}"
    )


def _framework_part(framework: FrameworkCoverage) -> tuple[str, str, Callable[[], Iterable[Any]]]:
    text = f"{percent(framework.pct)}, {framework.satisfied} of {framework.total} technical requirements"
    return framework.title, text, lambda: _framework(framework)


def _framework(framework: FrameworkCoverage) -> Iterable[Any]:
    rows = [
        (id, title, join([_control(control) for control in controls], " "))
        for id, title, controls in framework.requirements
    ]
    if framework.not_technical:
        yield el("p", framework.not_technical, class_="dw-muted")
    yield _table(("Requirement", "Title", "Controls"), rows, f"{framework.title} {framework.version}")
    yield el("p", "Source: ", _source(framework.source, ""), class_="dw-muted")


def _control(control: ControlStatus) -> Markup:
    if control.satisfied:
        return el("span", f"✓ {control.title}", class_="dw-chip")
    return el("span", f"✗ {control.title}: {control.remedy}", class_="dw-chip dw-missing")


# Static summary


def requirements_table(requirements: Requirements) -> Markup:
    """What was asked, field by field."""
    rows = [
        (spec.title, free(stated(spec, getattr(requirements, spec.name), requirements.provider)))
        for spec in field_specs()
    ]
    return _table(("Requirement", "Stated"), rows, "Requirements")


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
            _table(("Field", "Choice", "What will be built"), rows, "The plan"),
            el("details", el("summary", "Requirements"), requirements_table(evaluation.requirements)),
            # JupyterLab and nbconvert would read the text between two dollar signs as mathematics.
            class_="dw-board dw-static mathjax_ignore tex2jax_ignore",
        )
    )


def _static_findings(found: Sequence[Finding]) -> Markup:
    rows = [
        (f"{finding.severity} {finding.kind}", finding.message, _list(w.text for w in finding.ways_out))
        for finding in found
    ]
    return _table(("Finding", "What", "Ways out"), rows, "Findings") if rows else findings(())


def _picture(drawing: Drawing) -> Markup:
    """The drawing as an image of its own, so that its ids cannot meet those of another one on the page."""
    data = b64encode(drawing.svg.encode()).decode("ascii")
    return el("div", el("img", src=f"data:image/svg+xml;base64,{data}", alt=drawing.alt), class_="dw-card")
