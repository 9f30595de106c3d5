"""One case, in a worker: run the notebook, write the documents, then say that it is finished.

Everything a worker needs is in the task, and everything it found is in the row that it returns and in the case's
`result.json`. A case that is finished already is not done again, so that the scheduler may give a task out twice, as it
does when a worker dies, and nothing is there twice.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat

from devops_workbook import catalog
from devops_workbook.batch import warm
from devops_workbook.batch.results import figures
from devops_workbook.batch.store import Store, is_full
from devops_workbook.evaluate import evaluate
from devops_workbook.export.document import ExportError, exported, run_report
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import notebooks_folder, slug

__all__ = ["NOTEBOOK", "NoSpace", "Task", "carry_out", "content_key"]

NOTEBOOK = "report.ipynb"


class NoSpace(OSError):
    """There is no space left for results, so that no case can be finished."""


@dataclass(frozen=True, slots=True)
class Task:
    """A case for a worker. url: of the store; key: of the content, see `content_key`; timeout: seconds for the
    notebook, None = no limit; warm: whether kernels are forked."""

    id: str
    name: str
    origin: str
    values: Mapping[str, Any]
    url: str
    formats: tuple[str, ...]
    key: str
    timeout: float | None = None
    warm: bool = True


def content_key(requirements: Requirements) -> str:
    """What a case's results depend on, as a hash: its requirements, this package, its facts, prices and notebook."""
    content = {"requirements": requirements.model_dump(mode="json"), **_surroundings()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@cache
def _surroundings() -> Mapping[str, str]:
    prices = os.environ.get(catalog.PRICES_VARIABLE)
    return {
        "package": importlib.metadata.version("devops-workbook"),
        "facts": catalog.load().as_of,
        "prices": _digest(Path(prices)) if prices else "",
        "notebook": _digest(notebooks_folder() / NOTEBOOK),
    }


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def carry_out(task: Task) -> dict[str, Any]:
    """Work one case out and return its row (see `results.COLUMNS`), whose status is "done", "before" or "failed".

    "before": it was finished already. Raises NoSpace, which ends a batch; everything else that goes wrong is the
    case's own, told in its row.
    """
    store = Store(task.url)
    if before := store.finished(task.id, task.key, task.formats):
        return {**before["row"], "status": "before"}
    start = time.monotonic()
    try:
        requirements = Requirements(**task.values)
        if content_key(requirements) != task.key:
            raise ExportError(
                "this worker has another version of the package, of its facts or of your prices than the machine that "
                "asked; install the same there"
            )
        return _worked_out(task, store, requirements, start)
    except Exception as error:
        if is_full(error):
            raise NoSpace(f"{task.url}: there is no space left") from error
        return _failed(task, store, error, start)


def _worked_out(task: Task, store: Store, requirements: Requirements, start: float) -> dict[str, Any]:
    store.tidy(task.id)
    notebook = run_report(requirements, engine=warm.ENGINE if task.warm else None, timeout=task.timeout)
    files = {"notebook": NOTEBOOK, **{format: f"{slug(task.name)}.{format}" for format in task.formats}}
    try:
        contents = {"notebook": _text(notebook), **{format: exported(notebook, format) for format in task.formats}}
    except ExportError as error:
        raise ExportError(str(error), notebook) from error
    for what, content in contents.items():
        store.write(f"{task.id}/{files[what]}", content)
    row = _row(task, "done", start) | figures(evaluate(requirements))
    row |= {what: f"{task.id}/{file}" for what, file in files.items()}
    store.finish(task.id, {"status": "done", "key": task.key, "files": files, "row": row})
    return row


def _failed(task: Task, store: Store, error: Exception, start: float) -> dict[str, Any]:
    """The row of a case that failed; the notebook, as far as it came, is kept beside it."""
    row = _row(task, "failed", start) | {"error": f"{error}" if isinstance(error, ExportError) else _told(error)}
    with suppress(OSError):  # where even that cannot be written, the row is what tells
        if isinstance(error, ExportError) and error.notebook is not None:
            store.write(f"{task.id}/{NOTEBOOK}", _text(error.notebook))
            row["notebook"] = f"{task.id}/{NOTEBOOK}"
        store.finish(task.id, {"status": "failed", "key": task.key, "files": {}, "row": row})
    return row


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _row(task: Task, status: str, start: float) -> dict[str, Any]:
    seconds = round(time.monotonic() - start, 3)
    return {
        "id": task.id,
        "name": task.name,
        "origin": task.origin,
        "status": status,
        "seconds": seconds,
        "key": task.key,
    }


def _text(notebook: nbformat.NotebookNode) -> bytes:
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return text.encode()
