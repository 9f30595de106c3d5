"""What a board is working on, and every step a person can take with it.

A `State` is frozen and a step is a function from one to the next, so that steps can be taken from any thread
and a plan can be worked out and shown while the next step is already being taken. What stands in the form
(`values`) may be wrong for a while: an average above the peak, until the peak is raised too. It becomes `wanted`
as soon as all of it is valid, and `shown` is the last plan that could be worked out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from devops_workbook.evaluate import Evaluation
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import Scenario, unknown
from devops_workbook.widgets.form import SPECS, Problems, can_hold, fit_regions, problems

__all__ = [
    "Choice",
    "Export",
    "Notice",
    "Refusal",
    "State",
    "dismissed",
    "edit",
    "evaluated",
    "exporting",
    "loaded",
    "opened",
    "override",
    "pin",
    "saved",
    "undo",
    "unpin",
]

UNDO_LIMIT = 100
UNFIT = "the form holds values that are not allowed. Mend or undo them first."


class Refusal(ValueError):
    """What was asked cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something the notice offers to do: the button's text, the action, and its arguments."""

    text: str
    action: str
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the person at the keyboard, and what can be done about it."""

    kind: Literal["done", "error", "question"]
    text: str
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Export:
    """An export under way or done: what it is at, how much of it is done (0-1), and the files written."""

    step: str = ""
    done: float = 0.0
    files: tuple[Path, ...] = ()
    running: bool = True


@dataclass(frozen=True, slots=True)
class State:
    """Everything a board knows.

    values: the raw value of every field as the form holds it; wrong: what is not allowed about them; wanted: the
    newest requirements that are valid; shown, previous, baseline: the plan on screen, the one before the last
    edit, and the one to compare with; edited: whether anything was, since the scenario was opened; history:
    earlier requirements, newest last; path, revision, saved: the scenario file, its revision, and the
    requirements it holds; view: the diagram view that is shown; opened: the keys of the parts that are open and
    whose bodies are therefore made.
    """

    wanted: Requirements
    values: Mapping[str, Any]
    wrong: Problems = field(default_factory=dict)
    shown: Evaluation | None = None
    previous: Evaluation | None = None
    baseline: Evaluation | None = None
    edited: bool = False
    history: tuple[Requirements, ...] = ()
    path: Path | None = None
    revision: str | None = None
    saved: Requirements | None = None
    view: str = ""
    opened: frozenset[str] = frozenset()
    notice: Notice | None = None
    export: Export | None = None

    @classmethod
    def of(cls, requirements: Requirements) -> State:
        """The state of a board that begins with these requirements."""
        return cls(requirements, _raw(requirements))

    @property
    def unsaved(self) -> bool:
        """True when the requirements are not those of the scenario file."""
        return self.saved != self.wanted

    @property
    def changed(self) -> bool:
        """True when a person's work would be lost with this state."""
        return bool(self.wrong) or (self.edited and self.unsaved)


def _raw(requirements: Requirements) -> dict[str, Any]:
    return {name: getattr(requirements, name) for name in Requirements.model_fields}


def edit(state: State, changes: Mapping[str, Any]) -> State:
    """The state after some fields were given other values, valid or not.

    Changing the provider empties the regions it does not have. Raises Refusal when there is no such field, or no
    control of its kind can hold the value.
    """
    _refuse_what_no_control_holds(changes)
    values = {**state.values, **changes}
    if "provider" in changes:
        values = fit_regions(values)
    try:
        wanted = Requirements(**values)
    except ValidationError as error:
        return replace(state, values=values, wrong=problems(error), notice=None)
    if wanted == state.wanted:
        return replace(state, values=_raw(wanted), wrong={}, notice=None)
    history = (*state.history, state.wanted)[-UNDO_LIMIT:]
    return replace(state, values=_raw(wanted), wanted=wanted, wrong={}, history=history, edited=True, notice=None)


def _refuse_what_no_control_holds(changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        if name not in SPECS:
            raise Refusal(unknown(name, SPECS, "field"))
        if not can_hold(spec := SPECS[name], value):
            raise Refusal(f"{spec.title}: a value of type {type(value).__name__} is not allowed ({spec.allowed})")


def override(state: State, field_id: str, option: str) -> State:
    """The state after the team decided a field itself, or with option "" gave it back to the method."""
    chosen = {key: value for key, value in state.values["overrides"].items() if key != field_id}
    return edit(state, {"overrides": {**chosen, field_id: option} if option else chosen})


def undo(state: State) -> State:
    """The state before the last edit; what is wrong in the form counts as one."""
    if state.wrong:
        return replace(state, values=_raw(state.wanted), wrong={}, notice=None)
    if not state.history:
        return state
    *earlier, last = state.history
    return replace(state, wanted=last, values=_raw(last), history=tuple(earlier), edited=True, notice=None)


def evaluated(state: State, evaluation: Evaluation) -> State:
    """The state once a plan was worked out; what was shown becomes what it is compared with."""
    return replace(state, shown=evaluation, previous=state.shown if state.edited else None)


def opened(state: State, key: str, is_open: bool) -> State:
    """The state after a part of the page was opened or closed."""
    return replace(state, opened=state.opened | {key} if is_open else state.opened - {key})


def pin(state: State) -> State:
    """The state with the plan on screen as the baseline."""
    return replace(state, baseline=state.shown)


def unpin(state: State) -> State:
    """The state without a baseline."""
    return replace(state, baseline=None)


def loaded(state: State, scenario: Scenario) -> State:
    """The state once a scenario was opened: a new beginning, with the baseline kept to compare with."""
    fresh = State.of(scenario.requirements)
    return replace(
        fresh,
        path=scenario.path,
        revision=scenario.revision,
        saved=scenario.requirements,
        shown=state.shown,
        baseline=state.baseline,
        view=state.view,
        opened=state.opened,
        export=state.export,
    )


def saved(state: State, scenario: Scenario) -> State:
    """The state once the requirements were written to a scenario file."""
    return replace(state, path=scenario.path, revision=scenario.revision, saved=scenario.requirements)


def exporting(state: State) -> State:
    """The state with an export under way. Raises Refusal when there cannot be one now."""
    if state.wrong:
        raise Refusal(f"Not exported: {UNFIT}")
    if state.export is not None and state.export.running:
        raise Refusal("An export is under way; wait until it is done.")
    return replace(state, export=Export("starting"), notice=None)


def dismissed(state: State) -> State:
    """The state once the person has read what the board had to say."""
    running = state.export is not None and state.export.running
    return replace(state, notice=None, export=state.export if running else None)
