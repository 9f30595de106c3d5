"""The page of the board: its layout, and what each slot of it says in a given state.

`paint` is a pure function of the state but for its memory: a `Painter` remembers what every slot was last made
from, and makes it again only when that changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from devops_workbook.design.model import Component, Decision
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.outline import FIELD_IDS, OUTLINE, SectionOutline
from devops_workbook.render import html
from devops_workbook.render.diagram import Drawing, LayoutError, View, draw, views
from devops_workbook.render.elements import button, disclosure, el, join
from devops_workbook.render.exhibits import exhibits
from devops_workbook.render.exhibits.model import Exhibit
from devops_workbook.render.figures import change, money, scores
from devops_workbook.requirements import GROUPS
from devops_workbook.scenario import slug
from devops_workbook.widgets import form
from devops_workbook.widgets.state import Choice, Export, Notice, State

__all__ = ["FORMATS", "PAGE", "SLOTS", "Painter", "notice", "picture"]

FORMATS = {"html": "HTML", "pdf": "PDF", "md": "Markdown", "zip": "Code (zip)"}
_USUAL = ("html", "pdf")


def _decision_slot(field_id: str) -> str:
    return f"decision_{field_id.replace('.', '_')}"


_PANELS = ("heading", "files", "notice", "score", "diagram", "findings", "figures")
SLOTS: tuple[str, ...] = (
    *_PANELS,
    *(f"group_{name}" for name in GROUPS),
    *(f"section_{section.id}" for section in OUTLINE),
    *map(_decision_slot, FIELD_IDS),
)
"""The name of every slot."""


def _slot(name: str, **attributes: Any) -> Markup:
    return el("div", data_slot=name, tabindex="-1", **attributes)


def _panel(title: str, slot: str) -> Markup:
    id = f"dw-{slot}"
    heading = el("h3", title, id=f"{id}-title")
    return el(
        "section", heading, _slot(slot), id=id, tabindex="-1", aria_labelledby=f"{id}-title",
        class_=f"dw-panel dw-panel-{slot}",
    )  # fmt: skip


def _section(section: SectionOutline) -> Markup:
    title = join([el("h4", section.title), el("span", data_slot=f"section_{section.id}")], " ")
    decisions = [_slot(_decision_slot(field.id)) for field in section.fields]
    part = disclosure(f"section-{section.id}", title, *decisions, opened=section is OUTLINE[0], class_="dw-section")
    return el("div", part, id=f"dw-section-{section.id}")


_VIEWS = {"diagram": "Architecture", "findings": "Findings", "figures": "Figures"}


def _contents() -> Markup:
    """Links to everything that has a heading; the front end opens and shows what they lead to."""
    places = {f"dw-{slot}": title for slot, title in _VIEWS.items()}
    places |= {f"dw-section-{section.id}": section.title for section in OUTLINE}
    links = [el("a", title, href=f"#{id}") for id, title in places.items()]
    return el("nav", *links, class_="dw-contents", aria_label="Contents")


def _columns() -> Markup:
    groups = [_slot(f"group_{name}") for name in GROUPS]
    form_column = el("div", el("h3", "Requirements"), *groups, class_="dw-form", role="form", aria_label="Requirements")
    view_column = el("div", *(_panel(title, slot) for slot, title in _VIEWS.items()), class_="dw-views")
    plan_column = el(
        "section", el("h3", "Plan", id="dw-plan-title"), *map(_section, OUTLINE),
        aria_labelledby="dw-plan-title", class_="dw-plan dw-panel",
    )  # fmt: skip
    return el("div", form_column, el("div", view_column, plan_column, class_="dw-main"), class_="dw-columns")


def _page() -> Markup:
    return el(
        "div",
        el("header", _slot("heading"), _slot("files"), class_="dw-head"),
        _slot("notice", role="status", aria_live="polite"),
        _slot("score", role="region", aria_live="polite", aria_label="Score"),
        el("p", "No answer from the kernel yet; is it still running?", class_="dw-silence", role="status"),
        _contents(),
        _columns(),
        class_="dw-board",
    )


PAGE = str(_page())
"""The page with all its slots empty."""


def picture(evaluation: Evaluation, view: str) -> Drawing:
    """The diagram of one view; hovering names size and price, clicking leads to the decision.

    Raises LayoutError when the layout engine cannot run.
    """
    topology = evaluation.topology
    hints = {
        component.id: _hint(component, evaluation.assessment.cost.of(component.id)) for component in topology.components
    }
    links = {c.id: f"#{html.anchor(c.decision)}" for c in topology.components if c.decision}
    return draw(topology, view, hints=hints, links=links)


def _hint(component: Component, price: float | None) -> str:
    size = f"{component.count} × {component.sku}" if component.sku else ""
    cost = f"{money(price)} a month" if price is not None else "price not known"
    return ", ".join(filter(None, (component.title, size, cost)))


def price_of_override(evaluation: Evaluation, field_id: str) -> tuple[str, ...]:
    """What taking this decision by hand costs against leaving it to the method, in sentences."""
    requirements = evaluation.requirements
    rest = {key: option for key, option in requirements.overrides.items() if key != field_id}
    decided = evaluate(requirements.model_copy(update={"overrides": rest}))
    instead = decided.plan.decision(field_id).choice.title
    moved = [
        f"{now.title} by {change(now, then).text} ({change(now, then).direction})"
        for now, then in zip(scores(evaluation), scores(decided), strict=True)
        if change(now, then).direction != "same"
    ]
    effect = f"It moves {'; '.join(moved)}." if moved else "It moves none of the six figures."
    return (f"As decided by the method this would be {instead}.", effect)


class Painter:
    """Makes the text of every slot, and remembers what it was made from.

    behind: whether the last painting left topics as they were, because making them anew takes long.
    """

    def __init__(self) -> None:
        self._memory: dict[str, tuple[Any, Any]] = {}
        self.behind = False

    def paint(self, state: State, scenarios: Iterable[Path] = (), *, ahead: bool = False) -> dict[str, Markup]:
        """The text of every slot that has something to say in this state.

        ahead: without the topics that take long; they are shown as they were, and say so.
        """
        self.behind = False
        texts = {
            "files": self._kept("files", _files, _files_parts(state, tuple(scenarios))),
            "notice": notice(state),
        }
        for name in GROUPS:
            texts[f"group_{name}"] = self._kept(f"group_{name}", form.group, _group_parts(name, state))
        if state.shown is not None:
            texts |= self._plan(state, state.shown, ahead)
        return texts

    def _kept(self, key: str, make: Callable[..., Any], parts: tuple[Any, ...]) -> Any:
        """What `make(*parts)` gives, made anew only when a part is no longer equal."""
        if key not in self._memory or self._memory[key][0] != parts:
            self._memory[key] = (parts, make(*parts))
        return self._memory[key][1]

    def _plan(self, state: State, now: Evaluation, ahead: bool) -> dict[str, Markup]:
        texts = {
            "heading": self._kept("heading", html.heading, (now.requirements, now.facts_as_of)),
            "score": html.score_strip(now, state.previous, state.baseline),
            "diagram": self._diagram(now, state),
            "findings": self._kept("findings", html.findings, (now.findings,)),
            "figures": self._figures(now, state.opened, ahead),
        }
        for section in now.plan.sections:
            texts[f"section_{section.id}"] = html.section_count(section)
            texts |= {_decision_slot(made.id): self._decision(now, made, state) for made in section.decisions}
        return texts

    def _figures(self, now: Evaluation, opened: frozenset[str], ahead: bool) -> Markup:
        asked = now.requirements.model_copy(update={"name": "", "description": "", "owner": ""})
        shown = self._kept("exhibits", lambda *_: exhibits(now), (now.assessment, now.topology, asked))
        bodies = (self._body(each, shown, ahead) if f"figures-{each.id}" in opened else None for each in shown)
        return join(map(html.topic, shown, bodies))

    def _body(self, exhibit: Exhibit, of: tuple[Exhibit, ...], ahead: bool) -> Markup:
        """The body of a topic; `of` is the same object as long as none of them has changed."""
        key = f"body-{exhibit.id}"
        made_from, earlier = self._memory.get(key, ((None,), None))
        if ahead and exhibit.slow and made_from[0] is not of:
            self.behind = True
            return html.awaited(earlier)
        return self._kept(key, lambda _: html.topic_body(exhibit), (of,))  # type: ignore[no-any-return]

    def _decision(self, now: Evaluation, made: Decision, state: State) -> Markup:
        opened = f"decision-{made.id}" in state.opened
        price: tuple[str, ...] = ()
        if made.overridden and opened:
            price = self._kept(f"price-{made.id}", lambda _: price_of_override(now, made.id), (now.requirements,))
        write = partial(html.decision, made, price, opened=opened)
        return self._kept(_decision_slot(made.id), lambda *_: write(), (made, price, opened))  # type: ignore[no-any-return]

    def _diagram(self, now: Evaluation, state: State) -> Markup:
        offered = views(now.topology)
        view = state.view if state.view in {v.id for v in offered} else next((v.id for v in offered), "")
        opened = "diagram-table" in state.opened
        # Each view keeps its own memory, so that going back to one costs nothing.
        parts = (now.topology, now.assessment.cost, opened)
        return self._kept(f"view-{view}", lambda *_: _drawn(now, offered, view, opened), parts)  # type: ignore[no-any-return]


def _drawn(now: Evaluation, offered: tuple[View, ...], view: str, opened: bool) -> Markup:
    if not offered:
        return html.diagram((), "", None, trouble="There is nothing to draw.")
    try:
        return html.diagram(offered, view, picture(now, view), opened=opened)
    except LayoutError as error:
        return html.diagram(offered, view, None, trouble=f"The diagram cannot be drawn: {error}")


def _group_parts(name: str, state: State) -> tuple[Any, ...]:
    """What a group of the form depends on: its own values, what is wrong with them, and the provider."""
    own = {spec.name for spec in form.SPECS.values() if spec.group == name} | {"provider"}
    values = {key: value for key, value in state.values.items() if key in own}
    return name, values, {key: text for key, text in state.wrong.items() if key in own}


def _files_parts(state: State, scenarios: tuple[Path, ...]) -> tuple[Any, ...]:
    name = state.path.name if state.path else f"{slug(state.wanted.name)}.yaml"
    running = state.export is not None and state.export.running
    can_undo = bool(state.history or state.wrong)
    return scenarios, state.path, name, state.unsaved, can_undo, state.baseline is not None, running


def _files(
    scenarios: tuple[Path, ...],
    path: Path | None,
    name: str,
    unsaved: bool,
    can_undo: bool,
    pinned: bool,
    exporting: bool,
) -> Markup:
    """The tool bar: undo and baseline, open, save, export."""
    known = [el("option", each.stem, value=each.name, selected=each == path) for each in scenarios]
    first = el("option", "choose …", value="", selected=path not in scenarios)
    mark = el("span", "● not saved" if unsaved else "✓ saved", class_="dw-muted dw-saved")
    pinning = button("Unpin baseline", "unpin") if pinned else button("Pin as baseline", "pin")
    boxes = [
        el("label", el("input", type="checkbox", value=id, data_name="formats", checked=id in _USUAL), title)
        for id, title in FORMATS.items()
    ]
    return el(
        "div",
        el("div", button("Undo", "undo", disabled=not can_undo), pinning, class_="dw-tools"),
        el(
            "div",
            el("label", "Scenario ", el("select", first, *known, data_name="file")),
            button("Load", "load"),
            class_="dw-tools",
            data_scope=True,
        ),
        el(
            "div",
            el("label", "File ", el("input", type="text", value=name, data_name="file", spellcheck="false")),
            button("Save", "save"),
            mark,
            class_="dw-tools",
            data_scope=True,
        ),
        el(
            "div",
            *boxes,
            button("Export", "export", disabled=exporting, class_="dw-button dw-primary"),
            class_="dw-tools",
            data_scope=True,
        ),
        class_="dw-files",
    )


def notice(state: State) -> Markup:
    """What the board has to say: what is wrong in the form, the answer to the last request, the export."""
    parts = (
        _wrong(state.wrong.values()) if state.wrong else None,
        _answer(state.notice) if state.notice else None,
        _export(state.export) if state.export else None,
    )
    return join(part for part in parts if part is not None)


def _wrong(sentences: Iterable[str]) -> Markup:
    kept = el("p", "The plan still shows the last requirements that were valid.", class_="dw-muted")
    return el(
        "div", *(el("p", f"✗ {sentence}", dir="auto") for sentence in sentences), kept, class_="dw-notice dw-error"
    )


def _answer(answer: Notice) -> Markup:
    mark = {"done": "✓", "error": "✗", "question": "?"}[answer.kind]
    choices = [
        button(choice.text, choice.action, **{f"data_{key}": value for key, value in choice.arguments.items()})
        for choice in answer.choices or (Choice("Close", "dismiss"),)
    ]
    text = el("p", f"{mark} {answer.text}", dir="auto")
    return el("div", text, el("div", *choices, class_="dw-tools"), class_=f"dw-notice dw-{answer.kind}")


def _export(export: Export) -> Markup:
    if export.running:
        bar = el("progress", f"{export.done:.0%}", max="1", value=f"{export.done:.2f}", aria_label="Export")
        return el("div", el("p", f"Exporting: {export.step} "), bar, class_="dw-notice dw-running")
    rows = [
        el("li", button(f"Download {file.name}", "download", data_file=str(file)), " ", el("code", str(file)))
        for file in export.files
    ]
    return el("div", el("p", "✓ Exported."), el("ul", *rows), button("Close", "dismiss"), class_="dw-notice dw-done")
