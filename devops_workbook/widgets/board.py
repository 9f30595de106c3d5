"""The board: requirements in, live plan out, in one notebook cell.

    from devops_workbook import Board

    Board("scenarios/web-shop.yaml")

Life cycle of a change: the front end reports it on whatever thread the kernel uses for widgets (JupyterLab
runs them on subshells); `receive` takes the step at once, under a lock, and queues one round of work unless one
is waiting already. The worker, a single thread, evaluates the newest requirements and shows what changed. So
edits that come while a plan is worked out are all kept, and only the last state of them is computed. Whatever
goes wrong is said in the board, in words, and the last good plan stays. What a browser sends is not trusted: it is
a step that the board knows, with values that its controls can hold, or it is refused.
"""

from __future__ import annotations

import json
import logging
import mimetypes
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from IPython.display import HTML, DisplayHandle, display

from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.render import html
from devops_workbook.render.diagram import LayoutError, views
from devops_workbook.render.elements import el
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import RevisionConflict, Scenario, ScenarioError, load, save, slug, write_atomic
from devops_workbook.widgets import page
from devops_workbook.widgets import state as steps
from devops_workbook.widgets.page import FORMATS, PAGE, SLOTS, Painter, picture
from devops_workbook.widgets.panel import STYLE, Panel
from devops_workbook.widgets.state import Choice, Export, Notice, Refusal, State

__all__ = ["Board"]

_LOG = logging.getLogger(__name__)
_SETTLE_SECONDS = 1.0
_REST_SECONDS = 0.2
"""The static summary follows when nothing was changed for this long; it is for later, not for now."""


class Board(Panel):
    """The live board of one system.

    source: a scenario file, requirements, or None for a modest web API; exports: the folder documents go to.
    A scenario that cannot be loaded is said so in the board, which then begins with the defaults.
    """

    def __init__(self, source: str | Path | Requirements | None = None, *, exports: str | Path = "exports") -> None:
        # First what `close` needs, which Python calls also when the rest fails.
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="board")
        self._exporter = ThreadPoolExecutor(1, thread_name_prefix="export")
        self._later: threading.Timer | None = None
        self._closed = False
        super().__init__(PAGE, SLOTS)
        self._exports = Path(exports)
        self._folder = Path("scenarios") if source is None or isinstance(source, Requirements) else Path(source).parent
        self._queued = False
        self._again = threading.Event()
        self._asked = 0
        self._tried: Requirements | None = None
        self._painter = Painter()
        self._summary: DisplayHandle | None = None
        self._state = _begin(source)
        self._work()

    # For the person who writes cells

    @property
    def requirements(self) -> Requirements:
        """The newest valid requirements."""
        return self._state.wanted

    @property
    def evaluation(self) -> Evaluation | None:
        """The plan on screen, once all changes so far are in it; None if none could be worked out yet."""
        self.wait()
        return self._state.shown

    def change(self, **values: Any) -> None:
        """Set requirement fields, as the form would, and wait until the board shows the result.

        Raises ValueError with a sentence for everything that is not allowed; the form then shows it too.
        """
        wrong = self._take(lambda state: steps.edit(state, values)).wrong
        self.wait()
        if wrong:
            raise ValueError("\n".join(wrong.values()))

    def wait(self) -> None:
        """Return when every change so far is on the board; at once when it is closed."""
        if not self._closed:
            self._worker.submit(lambda: None).result()

    def summary(self) -> None:
        """Display the state as plain HTML, which a reopened or exported notebook still shows.

        It follows the board, a moment after the last change.
        """
        self.wait()
        self._summary = display(HTML(self._static()), display_id=True)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Take the board off the page and end its threads; an export under way is finished."""
        with self._lock:
            self._closed = True
            self._again.set()
        if self._later is not None:
            self._later.cancel()
        for threads in (self._worker, self._exporter):
            threads.shutdown(wait=False)
        super().close()

    def __repr__(self) -> str:
        return f"Board({self._state.wanted.name[:60]!r})"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and beside it the same in plain HTML for viewers that have no widgets."""
        self.wait()
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**(data or {}), "text/html": self._static()}, metadata

    def _static(self) -> str:
        now = self._state.shown
        if now is None:
            return str(el("p", self._state.notice.text if self._state.notice else "There is no plan yet."))
        try:
            drawing = picture(now, views(now.topology)[0].id)
        except (LayoutError, IndexError):
            drawing = None
        return html.summary(now, drawing, STYLE)

    # Requests of the front end

    def receive(self, content: Any) -> None:
        """Take the step that was asked for; what goes wrong is said in the board."""
        request: Mapping[str, Any] = content if isinstance(content, Mapping) else {}
        number = request.get("number")
        with self._lock:
            self._asked = max(self._asked, number if isinstance(number, int) else 0)
        try:
            self._act(request)
        except Exception as error:  # noqa: BLE001 - whatever went wrong belongs before the person's eyes
            self._explain(error)
            self._refresh()
            self.reset()

    def _act(self, request: Mapping[str, Any]) -> None:
        action = str(request.get("action"))
        if step := _STEPS.get(action):
            self._take(lambda state: step(state, request))
            return
        deeds: dict[str, Callable[[], None]] = {
            "load": lambda: self._load(_text(request, "file")),
            "drop": lambda: self._load(_text(request, "file"), drop=True),
            "save": lambda: self._save(_text(request, "file")),
            "overwrite": lambda: self._save(_text(request, "file"), overwrite=True),
            "export": lambda: self._export(_argument(request, "formats")),
            "download": lambda: self._download(_text(request, "file")),
        }
        if action not in deeds:
            raise Refusal(f"The board cannot do {action[:40]!r}.")
        deeds[action]()

    def _take(self, step: Callable[[State], State]) -> State:
        """Take a step from the present state to the next, have the board follow, and return the state it led to."""
        with self._lock:
            state = self._state = step(self._state)
        self._refresh()
        return state

    def _refresh(self) -> None:
        with self._lock:
            if self._queued or self._closed:
                return
            self._queued = True
            self._again.set()
            self._worker.submit(self._work)

    def _work(self) -> None:
        """One round: evaluate the newest requirements, then show what changed; what takes long comes after that."""
        with self._lock:
            self._queued, asked, wanted = False, self._asked, self._state.wanted
            if not self._closed:
                self._again.clear()
        changed = wanted != self._tried
        if changed:
            self._evaluate(wanted)
        try:
            self.show(self._paint(ahead=changed), asked)
            # What takes long waits until the changes have come to rest; the next round, if there is one, will do it.
            if self._painter.behind and not self._again.wait(_REST_SECONDS):
                self.show(self._paint(), asked)
        except Exception:  # noqa: BLE001 - nobody asks what became of a round
            _LOG.exception("the board could not be shown")

    def _paint(self, *, ahead: bool = False) -> Mapping[str, str]:
        try:
            return self._painter.paint(self._state, self._scenarios(), ahead=ahead)
        except Exception as error:  # noqa: BLE001 - as above
            self._explain(error)
            return {"notice": page.notice(self._state)}

    def _evaluate(self, wanted: Requirements) -> None:
        self._tried = wanted
        try:
            evaluation = evaluate(wanted)
        except Exception as error:  # noqa: BLE001 - as above
            self._explain(error)
            return
        with self._lock:
            self._state = steps.evaluated(self._state, evaluation)
        self._follow()

    def _explain(self, error: Exception) -> None:
        """Say in the board what went wrong, and in the log where."""
        if isinstance(error, (Refusal, ScenarioError)):
            text = str(error)
        elif isinstance(error, OSError):
            text = f"{error.filename or 'The file'}: {error.strerror or error}"
        else:
            _LOG.error("the board met an error", exc_info=error)
            what = f"{type(error).__name__}: {error}"
            text = f"Something went wrong in the workbook itself ({what}). The last good plan is kept."
        self._say(Notice("error", text))

    def _say(self, notice: Notice) -> None:
        with self._lock:
            self._state = replace(self._state, notice=notice)

    def _follow(self) -> None:
        """Bring the static summary up to date when the changes have come to rest."""
        if self._summary is None:
            return
        if self._later is not None:
            self._later.cancel()
        self._later = threading.Timer(_SETTLE_SECONDS, self._bring_up_to_date)
        self._later.daemon = True
        self._later.start()

    def _bring_up_to_date(self) -> None:
        try:
            if self._summary is not None:
                self._summary.update(HTML(self._static()))  # type: ignore[no-untyped-call]
        except Exception:  # noqa: BLE001 - nor of a timer
            _LOG.exception("the summary could not be brought up to date")

    # Files

    def _scenarios(self) -> tuple[Path, ...]:
        return tuple(sorted(self._folder.glob("*.yaml")))

    def _load(self, name: str, drop: bool = False) -> None:
        """Open a scenario; what would be lost by it is dropped, or asked about first."""
        if not name:
            raise Refusal("Choose a scenario to load first.")
        scenario = load(self._path(name))
        question = Notice(
            "question",
            f"The board holds changes that are not saved. Load {scenario.path.name} and drop them?",
            (Choice("Drop my changes", "drop", {"file": scenario.path.name}), Choice("Keep my changes", "dismiss")),
        )
        self._take(
            lambda state: (
                replace(state, notice=question) if state.changed and not drop else steps.loaded(state, scenario)
            )
        )

    def _path(self, name: str) -> Path:
        """The file for a name somebody chose or typed: one that is there, else a new one beside the others."""
        there = {path.name: path for path in (*self._scenarios(), self._state.path) if path}
        return there.get(name) or self._folder / f"{slug(Path(name).name.removesuffix('.yaml'))}.yaml"

    def _save(self, name: str, overwrite: bool = False) -> None:
        state, path = self._state, self._path(name)
        if state.wrong:
            raise Refusal(f"Not saved: {steps.UNFIT}")
        revision = state.revision if path == state.path else None
        if overwrite:
            revision = load(path).revision if path.exists() else None
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            scenario = save(state.wanted, path, revision=revision)
        except RevisionConflict as conflict:
            self._say(self._conflict(str(conflict), path))
            self._refresh()
        else:
            self._saved(scenario)

    def _saved(self, scenario: Scenario) -> None:
        notice = Notice("done", f"Saved as {scenario.path}.")
        self._take(lambda state: replace(steps.saved(state, scenario), notice=notice))

    def _conflict(self, sentence: str, path: Path) -> Notice:
        """A file that somebody else changed or removed, and what can be done about it."""
        taken = {each.name for each in self._scenarios()}
        free = next(name for n in range(2, len(taken) + 3) if (name := f"{slug(f'{path.stem}-{n}')}.yaml") not in taken)
        file = {"file": path.name}
        ways = [Choice(f"Save mine as {free}", "save", {"file": free})]
        if path.exists():
            ways.append(Choice("Load the file and drop my changes", "drop", file))
            ways.append(Choice("Overwrite the file with mine", "overwrite", file))
        else:
            ways.append(Choice("Write the file again", "overwrite", file))
        return Notice("error", f"Not saved: {sentence}", (*ways, Choice("Do nothing", "dismiss")))

    def _export(self, formats: Any) -> None:
        chosen = [format for format in FORMATS if isinstance(formats, list) and format in formats]
        if not chosen:
            raise Refusal(f"Choose what to export: {', '.join(FORMATS.values())}.")
        state = self._take(steps.exporting)
        self._exporter.submit(self._export_now, state.wanted, chosen)

    def _export_now(self, requirements: Requirements, formats: list[str]) -> None:
        # Imported here because papermill and nbconvert take a second that only an export should wait for.
        from devops_workbook.export.document import ExportError, export

        documents = [format for format in formats if format != "zip"]

        def progress(step: str, done: float) -> None:
            self._take(lambda state: replace(state, export=Export(step, done)))

        try:
            written = list(export(requirements, documents, self._exports, progress=progress) if documents else ())
            if "zip" in formats:
                written.append(_code(requirements, self._exports))
        except ExportError as error:
            failure = Notice("error", f"Not exported: {error}")
            self._take(lambda state: replace(state, export=None, notice=failure))
        except Exception as error:  # noqa: BLE001 - as above
            self._explain(error)
            self._take(lambda state: replace(state, export=None))
        else:
            self._take(lambda state: replace(state, export=Export("", 1.0, tuple(written), running=False)))

    def _download(self, name: str) -> None:
        """Hand a document to the browser; only one that this board exported."""
        path = next((file for file in (self._state.export or Export()).files if str(file) == name), None)
        if path is None:
            raise Refusal("That document is no longer the newest export; export again.")
        self.offer(path.name, mimetypes.guess_type(path.name)[0] or "application/octet-stream", path.read_bytes())
        self._refresh()


def _code(requirements: Requirements, folder: Path) -> Path:
    """Writes the repository of a design as one zip file."""
    from devops_workbook.artifacts.folder import zipped
    from devops_workbook.artifacts.repository import repository

    name = slug(requirements.name)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.zip"
    write_atomic(path, zipped(repository(evaluate(requirements)).artifacts, name))
    return path


def _begin(source: str | Path | Requirements | None) -> State:
    if isinstance(source, Requirements):
        return State.of(source)
    if source is None:
        return State.of(Requirements())
    try:
        scenario = load(source)
    except ScenarioError as error:
        notice = Notice("error", f"{error}\nThe board begins with the defaults.")
        return replace(State.of(Requirements()), notice=notice)
    return steps.loaded(State.of(scenario.requirements), scenario)


def _argument(request: Mapping[str, Any], name: str) -> Any:
    """An argument of a request: on the control itself, or in an input beside it."""
    beside = request.get("values")
    return beside.get(name) if name not in request and isinstance(beside, Mapping) else request.get(name)


def _text(request: Mapping[str, Any], name: str) -> str:
    if not isinstance(value := _argument(request, name), str):
        raise Refusal(f"The board was asked for something without saying {name!r}.")
    return value


def _changes(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a way out sets, field by field."""
    try:
        changes = json.loads(_text(request, "change"))
    except json.JSONDecodeError:
        changes = None
    if not isinstance(changes, Mapping):
        raise Refusal("The board was asked for a change that it cannot read.")
    return changes


_STEPS: dict[str, Callable[[State, Mapping[str, Any]], State]] = {
    "set": lambda state, request: steps.edit(state, {_text(request, "field"): request.get("value")}),
    "override": lambda state, request: steps.override(state, _text(request, "field"), _text(request, "value")),
    "change": lambda state, request: steps.edit(state, _changes(request)),
    "view": lambda state, request: replace(state, view=_text(request, "view")),
    "open": lambda state, request: steps.opened(state, _text(request, "key"), request.get("value") is True),
    "undo": lambda state, _: steps.undo(state),
    "pin": lambda state, _: steps.pin(state),
    "unpin": lambda state, _: steps.unpin(state),
    "dismiss": lambda state, _: steps.dismissed(state),
}
"""What the front end can ask for that is only a step from one state to the next, by its `data-action`."""
