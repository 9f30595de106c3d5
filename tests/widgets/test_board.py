"""The board without a browser: requests go in as the front end sends them, and the slots say what it would show."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import load, save
from devops_workbook.widgets import Board, page
from devops_workbook.widgets import board as module


class Comm:
    """What the board sent to the front end, and how often."""

    def __init__(self, board: Board) -> None:
        self.states: list[dict[str, Any]] = []
        self.messages: list[tuple[dict[str, Any], Any]] = []
        board.comm.send = self.send  # type: ignore[union-attr]

    def send(self, data: dict[str, Any], buffers: Any = None, **_: Any) -> None:
        if data["method"] == "update":
            self.states.append(data["state"])
        else:
            self.messages.append((data["content"], buffers))


def ask(board: Board, action: str, **arguments: Any) -> None:
    """A request as the front end sends it, and the wait for its answer."""
    board._handle_custom_msg({"action": action, **arguments}, [])
    board.wait()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    save(Requirements(name="Web shop", peak_rps=300), tmp_path / "scenarios" / "web-shop.yaml")
    save(Requirements(name="Data lake", provider="gcp"), tmp_path / "scenarios" / "data-lake.yaml")
    return tmp_path


@pytest.fixture
def board(folder: Path) -> Board:
    return Board("scenarios/web-shop.yaml")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Requirements]:
    """Every requirement that is evaluated from now on."""
    seen: list[Requirements] = []

    def counting(requirements: Requirements) -> Evaluation:
        seen.append(requirements)
        return evaluate(requirements)

    monkeypatch.setattr(module, "evaluate", counting)
    return seen


# Showing


def test_every_slot_of_the_page_is_filled(board: Board) -> None:
    assert [slot for slot in page.SLOTS if not board.text(slot) and slot != "notice"] == []
    assert "Web shop" in board.text("heading")
    assert all(f'data-slot="{slot}"' in board.page for slot in page.SLOTS)


def test_a_change_moves_form_figures_diagram_and_plan(board: Board) -> None:
    before = {slot: board.text(slot) for slot in page.SLOTS}
    ask(board, "set", field="provider", value="gcp")
    changed = {slot for slot in page.SLOTS if board.text(slot) != before[slot]}
    assert {"heading", "score", "diagram", "group_platform", "decision_infrastructure_provider", "figures"} <= changed
    assert "Google Cloud" in board.text("decision_infrastructure_provider")


def test_what_changed_is_sent_in_one_message_and_nothing_else(board: Board) -> None:
    comm = Comm(board)
    ask(board, "set", field="team_size", value=9, number=1)
    (state,) = comm.states
    assert state["answered"] == 1
    assert "slot_group_delivery" in state
    assert "slot_group_budget" not in state
    ask(board, "set", field="team_size", value=9, number=2)
    assert comm.states[1] == {"answered": 2}


def test_only_open_parts_are_made(board: Board) -> None:
    assert "<select" not in board.text("decision_cicd_platform")
    ask(board, "open", key="decision-cicd.platform", value=True)
    assert "<select" in board.text("decision_cicd_platform")
    ask(board, "set", field="peak_rps", value=900)
    assert "<select" in board.text("decision_cicd_platform")
    ask(board, "open", key="decision-cicd.platform", value=False)
    assert "<select" not in board.text("decision_cicd_platform")


def test_what_takes_long_comes_after_everything_else(board: Board) -> None:
    ask(board, "open", key="figures-other-clouds", value=True)
    assert "The same requirements on every cloud" in board.text("figures")
    comm = Comm(board)
    ask(board, "set", field="peak_rps", value=900, number=1)
    first, second = comm.states
    assert first["answered"] == 1
    assert "slot_score" in first
    assert "from before the last change" in first["slot_figures"]
    assert "The same requirements on every cloud" in first["slot_figures"]
    assert list(second) == ["slot_figures"]
    assert "from before the last change" not in second["slot_figures"]


def test_edits_that_follow_each_other_do_not_wait_for_it(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REST_SECONDS", 30)
    board.receive({"action": "open", "key": "figures-other-clouds", "value": True, "number": 1})
    board.wait()
    for number, peak in enumerate((900, 1000), 2):
        board.receive({"action": "set", "field": "peak_rps", "value": peak, "number": number})
        deadline = time.monotonic() + 10
        while board.answered < number and time.monotonic() < deadline:
            time.sleep(0.01)
        assert board.answered == number
    assert "from before the last change" in board.text("figures")
    monkeypatch.setattr(module, "_REST_SECONDS", 0)
    ask(board, "set", field="peak_rps", value=1100, number=4)
    assert "Working it out" not in board.text("figures")


def test_a_topic_follows_requirements_that_change_no_other_figure(board: Board) -> None:
    ask(board, "open", key="figures-cleaner-regions", value=True)
    before = board.text("figures")
    ask(board, "set", field="data_residency", value="eu")
    assert board.text("figures") != before


def test_another_view_is_shown_without_evaluating(board: Board, counted: list[Requirements]) -> None:
    ask(board, "view", view="network")
    assert 'data-view="network" aria-pressed="true"' in board.text("diagram")
    assert counted == []


def test_the_diagram_leads_to_decisions_and_names_size_and_price(board: Board) -> None:
    diagram = board.text("diagram")
    assert 'href="#board-infrastructure-compute"' in diagram
    assert " a month</title>" in diagram


# Changing


def test_values_come_in_as_the_browser_holds_them(board: Board) -> None:
    for field, value in {
        "compliance": ["soc2", "gdpr"],
        "public_facing": False,
        "priority_cost": 5,
        "name": "Neu ☃",
    }.items():
        ask(board, "set", field=field, value=value)
    wanted = board.requirements
    assert (wanted.compliance, wanted.public_facing, wanted.priority_cost, wanted.name) == (
        ("soc2", "gdpr"),
        False,
        5,
        "Neu ☃",
    )


def test_an_override_is_taken_and_its_price_is_said(board: Board) -> None:
    chosen = board.evaluation.plan.decision("cicd.platform").choice.id  # type: ignore[union-attr]
    ask(board, "open", key="decision-cicd.platform", value=True)
    ask(board, "override", field="cicd.platform", value="jenkins")
    assert board.requirements.overrides == {"cicd.platform": "jenkins"}
    assert "As decided by the method this would be" in board.text("decision_cicd_platform")
    assert "1 overridden" in board.text("section_cicd")
    ask(board, "override", field="cicd.platform", value="")
    assert board.evaluation.plan.decision("cicd.platform").choice.id == chosen  # type: ignore[union-attr]


def test_a_way_out_changes_everything_it_says_in_one_evaluation(board: Board, counted: list[Requirements]) -> None:
    ask(board, "change", change=json.dumps({"on_call": "24x7", "team_size": 12}))
    assert [(r.on_call, r.team_size) for r in counted] == [("24x7", 12)]


def test_every_way_out_of_the_scenarios_is_valid(scenarios: dict[str, Requirements]) -> None:
    for requirements in scenarios.values():
        board = Board(requirements)
        changes = [way.change for f in board.evaluation.findings for way in f.ways_out if way.change]  # type: ignore[union-attr]
        assert changes
        for change in changes:
            ask(board, "change", change=json.dumps(change, default=list))
            assert "dw-error" not in board.text("notice"), change
            ask(board, "undo")


def test_undo_and_baseline(board: Board) -> None:
    ask(board, "pin")
    ask(board, "set", field="peak_rps", value=3000)
    assert "(worse) since baseline" in board.text("score")
    ask(board, "undo")
    assert board.requirements.peak_rps == 300
    assert "no change since baseline" in board.text("score")
    ask(board, "unpin")
    assert "baseline" not in board.text("score")


def test_a_cell_can_change_it_too(board: Board) -> None:
    board.change(peak_rps=1234, name="From a cell")
    assert "From a cell" in board.text("heading")
    with pytest.raises(ValueError, match="Peak load"):
        board.change(peak_rps=-1)
    assert 'aria-invalid="true"' in board.text("group_workload")


def test_a_cell_that_names_no_field_changes_nothing(board: Board) -> None:
    with pytest.raises(ValueError, match="'peek_rps' is not a field; did you mean 'peak_rps'"):
        board.change(peek_rps=3)
    with pytest.raises(ValueError, match=r"Compliance: a value of type int is not allowed \(any of soc2"):
        board.change(compliance=5)
    assert (board.requirements.peak_rps, board.text("notice")) == (300, "")


def test_a_closed_board_leaves_no_thread(folder: Path) -> None:
    before = set(threading.enumerate())
    board = Board("scenarios/web-shop.yaml")
    board.change(peak_rps=400)
    mine = set(threading.enumerate()) - before
    assert mine
    board.close()
    for thread in mine:
        thread.join(10)
    assert not any(thread.is_alive() for thread in mine)
    board.change(peak_rps=500)
    assert board.requirements.peak_rps == 500


def test_an_export_outlives_its_board(folder: Path, board: Board, exported: threading.Event) -> None:
    ask(board, "export", values={"formats": ["html"]})
    writing = board._exporter.submit(lambda: None)
    board.close()
    exported.set()
    writing.result(20)
    assert (folder / "exports" / "web-shop.html").exists()


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_board_of_nothing_sensible_is_a_plain_error() -> None:
    with pytest.raises(TypeError):
        Board(5)  # type: ignore[arg-type]
    gc.collect()


# What goes wrong


def test_a_value_that_is_not_allowed_is_said_and_the_plan_stays(board: Board, counted: list[Requirements]) -> None:
    plan = board.text("score")
    ask(board, "set", field="peak_rps", value=-5)
    assert "Peak load" in board.text("notice")
    assert "above 0" in board.text("notice")
    assert 'aria-invalid="true"' in board.text("group_workload")
    assert (board.text("score"), counted) == (plan, [])


def test_an_exception_is_said_in_words_and_the_last_good_plan_stays(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Requirements) -> Evaluation:
        raise ZeroDivisionError("division by zero <b>")

    plan = board.text("decision_infrastructure_compute")
    monkeypatch.setattr(module, "evaluate", broken)
    ask(board, "set", field="peak_rps", value=900)
    assert "ZeroDivisionError: division by zero &lt;b&gt;" in board.text("notice")
    assert "last good plan is kept" in board.text("notice")
    assert board.text("decision_infrastructure_compute") == plan
    monkeypatch.setattr(module, "evaluate", evaluate)
    ask(board, "set", field="peak_rps", value=901)
    assert board.text("notice") == ""


def test_a_panel_that_cannot_be_written_is_said(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page.html, "score_strip", lambda *_: 1 / 0)
    ask(board, "set", field="peak_rps", value=900, number=7)
    assert "ZeroDivisionError" in board.text("notice")
    assert board.answered == 7


def test_a_request_nobody_understands_is_said_and_the_front_end_set_right(board: Board) -> None:
    comm = Comm(board)
    for request in NONSENSE:
        board._handle_custom_msg(request, [])
        board.wait()
        assert "dw-error" in board.text("notice")
        assert "in the workbook itself" not in board.text("notice"), request
    assert [message for message, _ in comm.messages] == [{"reset": True}] * len(NONSENSE)
    assert board.requirements == load("scenarios/web-shop.yaml").requirements


NONSENSE: list[Any] = [
    {"action": "launch"},
    {},
    None,
    [1],
    "set",
    {"action": ["set"]},
    {"action": "set"},
    {"action": "set", "field": "peek_rps", "value": 3},
    {"action": "set", "field": ["peak_rps"], "value": 3},
    {"action": "set", "field": "peak_rps", "value": {}},
    {"action": "set", "field": "peak_rps", "value": True},
    {"action": "set", "field": "provider", "value": ["aws"]},
    {"action": "set", "field": "region", "value": None},
    {"action": "set", "field": "compliance", "value": 5},
    {"action": "set", "field": "compliance", "value": [["soc2"]]},
    {"action": "set", "field": "public_facing", "value": "yes"},
    {"action": "set", "field": "overrides", "value": {"cicd.platform": 3}},
    {"action": "override", "field": {}, "value": "jenkins"},
    {"action": "override", "field": "cicd.platform", "value": None},
    {"action": "change", "change": "not json"},
    {"action": "change", "change": "[1]"},
    {"action": "change", "change": {"peak_rps": 3}},
    {"action": "view", "view": 3},
    {"action": "open"},
    {"action": "load", "file": 3},
    {"action": "save", "values": {"file": ["a"]}},
    {"action": "save", "values": "a"},
    {"action": "export", "values": {"formats": {"html": 1}}},
    {"action": "export", "values": {"formats": ["docx", 3]}},
    {"action": "download", "file": None},
]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"action": "override", "field": "compute", "value": "containers"}, "is not a field of the plan"),
        ({"action": "set", "field": "languages", "value": ["cobol"]}, "Programming languages"),
        ({"action": "set", "field": "region", "value": "nowhere"}, "Region: &#39;nowhere&#39; is not a region of"),
        ({"action": "set", "field": "average_rps", "value": 900}, "above 0 to 300 req/s"),
    ],
)
def test_what_cannot_be_is_shown_where_it_stands_and_undone(board: Board, request_: dict[str, Any], words: str) -> None:
    ask(board, **request_)
    assert "dw-error" in board.text("notice")
    assert "in the workbook itself" not in board.text("notice")
    assert words in board.text("notice") + "".join(board.text(slot) for slot in page.SLOTS)
    ask(board, "undo")
    assert board.text("notice") == ""


def test_a_round_that_fails_does_not_stop_the_next(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the comm is closed")

    with monkeypatch.context() as patch:
        patch.setattr(board, "show", broken)
        ask(board, "set", field="name", value="Unseen", number=1)
    ask(board, "set", field="owner", value="Somebody", number=2)
    assert "Unseen" in board.text("heading")
    assert board.answered == 2


# Threads


def test_edits_that_come_while_a_plan_is_worked_out_are_computed_once(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, go_on, seen = threading.Event(), threading.Event(), []

    def slow(requirements: Requirements) -> Evaluation:
        seen.append(requirements)
        started.set()
        assert go_on.wait(10)
        return evaluate(requirements)

    monkeypatch.setattr(module, "evaluate", slow)
    board.receive({"action": "set", "field": "peak_rps", "value": 400, "number": 1})
    assert started.wait(10)
    for number, (field, value) in enumerate({"peak_rps": 500, "team_size": 20, "read_pct": 10}.items(), 2):
        board.receive({"action": "set", "field": field, "value": value, "number": number})
    go_on.set()
    board.wait()
    assert [(r.peak_rps, r.team_size, r.read_pct) for r in seen] == [(400, 8, 80), (500, 20, 10)]
    assert board.answered == 4


def test_requests_from_many_threads_are_all_taken(board: Board) -> None:
    fields = [f"priority_{name}" for name in ("cost", "resilience", "performance", "simplicity", "portability")]
    threads = [
        threading.Thread(target=board.receive, args=({"action": "set", "field": f, "value": 1},)) for f in fields
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    board.wait()
    assert [getattr(board.requirements, field) for field in fields] == [1] * 5


# Files


def test_loading_a_scenario_evaluates_once(board: Board, counted: list[Requirements]) -> None:
    ask(board, "load", values={"file": "data-lake.yaml"})
    assert [r.name for r in counted] == ["Data lake"]
    assert "Data lake" in board.text("heading")
    assert "✓ saved" in board.text("files")


def test_loading_asks_before_it_drops_what_is_not_saved(board: Board) -> None:
    ask(board, "set", field="peak_rps", value=777)
    ask(board, "load", values={"file": "data-lake.yaml"})
    assert "changes that are not saved" in board.text("notice")
    assert 'data-action="drop"' in board.text("notice")
    assert board.requirements.peak_rps == 777
    ask(board, "drop", file="data-lake.yaml")
    assert (board.requirements.name, board.text("notice")) == ("Data lake", "")
    ask(board, "set", field="peak_rps", value=-1)
    ask(board, "load", values={"file": "web-shop.yaml"})
    assert board.requirements.name == "Data lake"


def test_a_file_of_any_name_is_loaded_and_saved_as_what_it_is(folder: Path) -> None:
    file = folder / "scenarios" / 'It\'s "Ours" v1.2.yaml'
    save(Requirements(name="Ours"), file)
    board = Board(Requirements())
    ask(board, "load", values={"file": file.name})
    ask(board, "set", field="team_size", value=3)
    ask(board, "save", values={"file": file.name})
    assert "Saved as" in board.text("notice")
    assert load(file).requirements == Requirements(name="Ours", team_size=3)
    assert len(list(file.parent.iterdir())) == 3


def test_a_scenario_that_cannot_be_loaded_is_said(folder: Path, board: Board) -> None:
    (folder / "scenarios" / "broken.yaml").write_text("nmae: Shop\n")
    ask(board, "load", values={"file": "broken.yaml"})
    assert "did you mean" in board.text("notice")
    ask(board, "load", values={"file": ""})
    assert "Choose a scenario" in board.text("notice")
    assert board.requirements.name == "Web shop"


def test_a_board_of_a_missing_file_begins_with_the_defaults(folder: Path) -> None:
    board = Board("scenarios/missing.yaml")
    board.wait()
    assert "missing.yaml" in board.text("notice")
    assert "begins with the defaults" in board.text("notice")
    assert board.requirements == Requirements()


def test_saving_writes_the_file_and_says_so(folder: Path, board: Board) -> None:
    ask(board, "set", field="peak_rps", value=777)
    assert "not saved" in board.text("files")
    ask(board, "save", values={"file": "web-shop.yaml"})
    assert load(folder / "scenarios" / "web-shop.yaml").requirements.peak_rps == 777
    assert "Saved as" in board.text("notice")
    assert "✓ saved" in board.text("files")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "CON", "..", "a/b\\c", "💥" * 300, "x" * 10_000])
def test_a_file_name_never_becomes_a_path(folder: Path, board: Board, name: str) -> None:
    ask(board, "save", values={"file": name})
    assert [path.parent for path in folder.rglob("*.yaml")] == [folder / "scenarios"] * 3


def test_two_people_cannot_overwrite_each_other(folder: Path, board: Board) -> None:
    path = folder / "scenarios" / "web-shop.yaml"
    save(Requirements(name="Theirs"), path, load(path).revision)
    ask(board, "set", field="peak_rps", value=777)
    ask(board, "save", values={"file": "web-shop.yaml"})
    assert load(path).requirements.name == "Theirs"
    assert "changed by someone else" in board.text("notice")
    ask(board, "save", file="web-shop-2.yaml", values={})
    assert load(folder / "scenarios" / "web-shop-2.yaml").requirements.peak_rps == 777
    ask(board, "overwrite", file="web-shop.yaml", values={})
    assert load(path).requirements.peak_rps == 777


def test_a_removed_file_can_be_written_again(folder: Path, board: Board) -> None:
    path = folder / "scenarios" / "web-shop.yaml"
    path.unlink()
    ask(board, "set", field="peak_rps", value=777)
    ask(board, "save", values={"file": "web-shop.yaml"})
    assert "was removed" in board.text("notice")
    assert "Load the file" not in board.text("notice")
    ask(board, "overwrite", file="web-shop.yaml", values={})
    assert load(path).requirements.peak_rps == 777


def test_a_new_file_does_not_replace_one_that_is_there(folder: Path) -> None:
    board = Board(Requirements(name="Web shop"))
    ask(board, "save", values={"file": "web-shop.yaml"})
    assert "exists already" in board.text("notice")
    assert 'data-file="web-shop-2.yaml"' in board.text("notice")


def test_what_is_wrong_is_neither_saved_nor_exported(folder: Path, board: Board) -> None:
    ask(board, "set", field="peak_rps", value=-1)
    ask(board, "save", values={"file": "web-shop.yaml"})
    assert "Not saved" in board.text("notice")
    ask(board, "export", values={"formats": ["html"]})
    assert "Not exported" in board.text("notice")
    assert load(folder / "scenarios" / "web-shop.yaml").requirements.peak_rps == 300


# Export


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """An export that halts in its middle until the event is set."""
    go_on, document = threading.Event(), import_module("devops_workbook.export.document")

    def export(requirements: Requirements, formats: list[str], folder: Path, progress: Any) -> list[Path]:
        progress("running the report", 0.5)
        assert go_on.wait(10)
        if requirements.owner == "nobody":
            raise OSError(28, "No space left on device", "exports")
        if requirements.owner == "no report":
            raise document.ExportError("the report could not be run")
        folder.mkdir(exist_ok=True)
        files = [folder / f"web-shop.{format}" for format in formats]
        for file in files:
            file.write_bytes(b"document")
        return files

    monkeypatch.setattr(document, "export", export)
    yield go_on
    go_on.set()


def finish(board: Board) -> None:
    board._exporter.submit(lambda: None).result(20)
    board.wait()


def test_an_export_shows_its_progress_and_then_its_documents(board: Board, exported: threading.Event) -> None:
    comm = Comm(board)
    ask(board, "export", values={"formats": ["html", "pdf"]})
    board.wait()
    assert "Exporting" in board.text("notice")
    assert "<progress" in board.text("notice")
    ask(board, "set", field="peak_rps", value=500)
    assert "Exporting" in board.text("notice")
    ask(board, "export", values={"formats": ["html"]}, number=9)
    assert "An export is under way" in board.text("notice")
    assert board.answered == 9
    exported.set()
    finish(board)
    assert "Download web-shop.html" in board.text("notice")
    assert "Download web-shop.pdf" in board.text("notice")
    ask(board, "download", file=str(Path("exports/web-shop.pdf")))
    assert comm.messages[-1] == ({"download": {"name": "web-shop.pdf", "type": "application/pdf"}}, [b"document"])


def test_only_exported_documents_can_be_downloaded(folder: Path, board: Board) -> None:
    comm = Comm(board)
    ask(board, "download", file=str(folder / "scenarios" / "web-shop.yaml"))
    assert "export again" in board.text("notice")
    assert [message for message, _ in comm.messages] == [{"reset": True}]


def test_a_failed_export_is_said(board: Board, exported: threading.Event) -> None:
    exported.set()
    ask(board, "set", field="owner", value="nobody")
    ask(board, "export", values={"formats": ["html"]})
    finish(board)
    assert "exports: No space left on device" in board.text("notice")
    ask(board, "set", field="owner", value="no report")
    ask(board, "export", values={"formats": ["html"]})
    finish(board)
    assert "Not exported: the report could not be run" in board.text("notice")
    ask(board, "export", values={"formats": []})
    assert "Choose what to export" in board.text("notice")


# Static


def test_the_static_form_holds_the_last_state(board: Board) -> None:
    board.change(name="Latest")
    data, _ = board._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "Latest" in data["text/html"]
    assert "<script" not in data["text/html"]


def test_the_summary_follows_the_board(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    updates: list[str] = []

    class Handle:
        def update(self, shown: Any) -> None:
            updates.append(shown.data)

    monkeypatch.setattr(module, "display", lambda shown, display_id: Handle())
    monkeypatch.setattr(module, "_SETTLE_SECONDS", 0.02)
    board.summary()
    board.change(name="Followed")
    assert board._later is not None
    board._later.join(10)
    assert "Followed" in updates[-1]
