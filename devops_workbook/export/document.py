"""Requirements in, documents out: the one way a design document is made.

    requirements -> report.ipynb, run by papermill in a folder of its own -> nbconvert exporters -> files

A document is a function of requirements, never of what a notebook on somebody's screen has come to. All formats are
made before the first file is written, and each file is put in place in one step, so that a full disk or a kill leaves
the earlier documents as they were.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError
from nbconvert.exporters import Exporter
from nbconvert.utils.exceptions import ConversionException
from papermill.exceptions import PapermillException, PapermillExecutionError

from devops_workbook.export.exporters import DesignHtmlExporter, DesignMarkdownExporter, DesignPdfExporter
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import notebooks_folder, slug, write_atomic

__all__ = ["FORMATS", "ExportError", "export", "exported", "run_report"]

FORMATS: dict[str, type[Exporter]] = {
    "html": DesignHtmlExporter,
    "pdf": DesignPdfExporter,
    "md": DesignMarkdownExporter,
}
"""The formats of a document, which are also the endings of its files."""

Progress = Callable[[str, float], None]


def _quiet(_step: str, _done: float) -> None:
    """Progress that nobody watches."""


class ExportError(RuntimeError):
    """The document could not be made; the message says why.

    notebook: the report as far as it ran, None if it did not.
    """

    def __init__(self, message: str, notebook: nbformat.NotebookNode | None = None) -> None:
        super().__init__(message)
        self.notebook = notebook


def export(
    requirements: Requirements,
    formats: Iterable[str],
    folder: str | Path,
    progress: Progress = _quiet,
) -> list[Path]:
    """Write the design document of `requirements` in each of `formats` into `folder`, which is made if missing.

    Returns the files, named after the requirements' name. progress: called before each step with what it is and the
    share that is done, 0-1. Raises ExportError when the document cannot be made or written; the earlier documents
    are then as they were.
    """
    wanted = _checked(formats)
    steps = len(wanted) + 2
    progress("running the report", 0.0)
    notebook = run_report(requirements)
    documents: dict[Path, bytes] = {}
    for n, format in enumerate(wanted, 1):
        progress(f"writing {format.upper()}", n / steps)
        documents[Path(folder) / f"{slug(requirements.name)}.{format}"] = exported(notebook, format)
    progress("saving", (steps - 1) / steps)
    _save(documents)
    return list(documents)


def _checked(formats: Iterable[str]) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(formats))
    unknown = [format for format in wanted if format not in FORMATS]
    if unknown or not wanted:
        named = f"{unknown[0]!r} is not a format of documents" if unknown else "no format was named"
        raise ExportError(f"{named} (allowed: {', '.join(FORMATS)})")
    return wanted


def run_report(
    requirements: Requirements, engine: str | None = None, timeout: float | None = None
) -> nbformat.NotebookNode:
    """The report notebook, executed with `requirements` as its parameters.

    engine: papermill's, by name, None = its own; timeout: seconds for all cells together, None = no limit. Raises
    ExportError, which holds the notebook as far as it ran.
    """
    # papermill tells of every cell; whoever exports is told of steps instead.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    with TemporaryDirectory(prefix="devops-workbook-") as folder:
        output = Path(folder) / "report.ipynb"
        try:
            notebook: nbformat.NotebookNode = papermill.execute_notebook(
                str(notebooks_folder() / "report.ipynb"),
                str(output),
                parameters=requirements.model_dump(mode="json"),
                engine_name=engine,
                progress_bar=False,
                cwd=folder,
                extra_arguments=["--log-level=50"],  # what a kernel logs are not for whoever exports
                timeout_func=_until(timeout),
            )
        except PapermillExecutionError as error:
            raise ExportError(_told(error), _left(output)) from error
        except CellTimeoutError as error:
            raise ExportError(f"the report notebook took longer than {timeout:g} s", _left(output)) from error
        except (PapermillException, OSError, RuntimeError) as error:
            raise ExportError(f"the report notebook could not be run: {error}", _left(output)) from error
    return notebook


def _until(timeout: float | None) -> Callable[[Any], float] | None:
    """What nbclient asks before each cell: the seconds that are left."""
    if timeout is None:
        return None
    end = time.monotonic() + timeout
    return lambda _cell: max(0.1, end - time.monotonic())


def _left(output: Path) -> nbformat.NotebookNode | None:
    """What papermill has written of the notebook that stopped."""
    with suppress(OSError, ValueError):
        notebook: nbformat.NotebookNode = nbformat.read(output, as_version=4)  # type: ignore[no-untyped-call]
        return notebook
    return None


def _told(error: PapermillExecutionError) -> str:
    if error.ename == "ModuleNotFoundError":
        return (
            f"the report notebook could not be run: its kernel has {error.evalue.lower()}. The Jupyter kernel "
            "'python3' belongs to another environment; install this package there, or a kernel here with "
            "`python -m ipykernel install --sys-prefix`."
        )
    return f"the report notebook stopped with {error.ename}: {error.evalue}"


def exported(notebook: nbformat.NotebookNode, format: str) -> bytes:
    """The document of an executed report, in one of FORMATS. Raises ExportError."""
    try:
        # No path is given, so that nothing beside a notebook can find its way into the document.
        document: Any = FORMATS[format]().from_notebook_node(notebook, {"metadata": {"name": "report"}})[0]
    except ConversionException as error:
        raise ExportError(str(error)) from error
    content: bytes = document if isinstance(document, bytes) else document.encode()
    return content


def _save(documents: dict[Path, bytes]) -> None:
    for path, content in documents.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, content)
        except OSError as error:
            reason = (error.strerror or str(error)).removeprefix("cannot be written: ")
            raise ExportError(f"{path}: cannot be written: {reason}") from error
