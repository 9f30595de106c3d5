"""The steps a person can take, one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import Scenario
from devops_workbook.widgets import state as steps
from devops_workbook.widgets.state import Notice, Refusal, State


def start(**values: object) -> State:
    return State.of(Requirements(**values))  # type: ignore[arg-type]


def shown(state: State) -> State:
    return steps.evaluated(state, evaluate(state.wanted))


def test_an_edit_is_wanted_at_once() -> None:
    state = steps.edit(start(), {"peak_rps": 500})
    assert state.wanted.peak_rps == 500
    assert state.values["peak_rps"] == 500


def test_a_wrong_edit_is_kept_in_the_form_but_not_wanted() -> None:
    state = steps.edit(start(), {"average_rps": 900})
    assert state.values["average_rps"] == 900
    assert state.wanted == Requirements()
    assert list(state.wrong) == ["average_rps"]


def test_two_edits_that_are_right_only_together_both_count() -> None:
    state = steps.edit(steps.edit(start(), {"average_rps": 900}), {"peak_rps": 2000})
    assert (state.wanted.average_rps, state.wanted.peak_rps, state.wrong) == (900, 2000, {})


def test_changing_the_provider_empties_its_regions() -> None:
    state = steps.edit(start(region="eu-west-1"), {"provider": "gcp"})
    assert (state.wanted.provider, state.wanted.region, state.wrong) == ("gcp", "", {})


def test_undo_takes_back_one_edit_after_the_other() -> None:
    state = steps.edit(steps.edit(start(), {"peak_rps": 500}), {"team_size": 3})
    state = steps.undo(state)
    assert (state.wanted.peak_rps, state.wanted.team_size) == (500, 8)
    assert steps.undo(steps.undo(state)).wanted == Requirements()


def test_undo_first_takes_back_what_is_wrong() -> None:
    state = steps.undo(steps.edit(steps.edit(start(), {"peak_rps": 500}), {"peak_rps": -1}))
    assert (state.values["peak_rps"], state.wrong) == (500, {})


def test_an_override_is_set_and_given_back() -> None:
    state = steps.override(start(), "cicd.platform", "jenkins")
    assert state.wanted.overrides == {"cicd.platform": "jenkins"}
    assert steps.override(state, "cicd.platform", "").wanted.overrides == {}


def test_the_plan_before_the_edit_is_what_it_is_compared_with() -> None:
    first = shown(start())
    assert first.previous is None
    second = shown(steps.edit(first, {"peak_rps": 500}))
    assert second.previous is first.shown


def test_the_baseline_stays_through_edits_until_unpinned() -> None:
    pinned = steps.pin(shown(start()))
    later = shown(steps.edit(pinned, {"peak_rps": 500}))
    assert later.baseline is pinned.shown
    assert steps.unpin(later).baseline is None


def test_loading_begins_anew_but_keeps_the_baseline_and_the_view() -> None:
    before = steps.pin(shown(steps.edit(start(), {"peak_rps": 500})))
    scenario = Scenario(Requirements(name="Other"), Path("other.yaml"), "abc")
    state = steps.loaded(before, scenario)
    assert (state.wanted.name, state.path, state.revision, state.unsaved) == ("Other", Path("other.yaml"), "abc", False)
    assert (state.history, state.baseline) == ((), before.baseline)
    assert shown(state).previous is None


def test_saving_makes_it_the_file_s_own() -> None:
    state = steps.edit(start(), {"peak_rps": 500})
    assert state.unsaved
    assert not steps.saved(state, Scenario(state.wanted, Path("a.yaml"), "1")).unsaved


def test_work_is_what_was_changed_and_not_saved() -> None:
    assert not start().changed
    edited = steps.edit(start(), {"peak_rps": 500})
    assert edited.changed
    assert not steps.saved(edited, Scenario(edited.wanted, Path("a.yaml"), "1")).changed
    assert steps.edit(start(), {"peak_rps": -1}).changed


@pytest.mark.parametrize("changes", [{"peek_rps": 3}, {"peak_rps": []}, {"compliance": "soc2"}, {"name": None}])
def test_what_no_control_can_hold_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Refusal):
        steps.edit(start(), changes)


def test_there_is_one_export_at_a_time() -> None:
    state = steps.exporting(start())
    with pytest.raises(Refusal, match="under way"):
        steps.exporting(state)
    with pytest.raises(Refusal, match="Mend or undo"):
        steps.exporting(steps.edit(start(), {"peak_rps": -1}))


def test_an_edit_answers_the_notice() -> None:
    state = steps.dismissed(State.of(Requirements()))
    assert steps.edit(steps.replace(state, notice=Notice("error", "x")), {"peak_rps": 500}).notice is None
