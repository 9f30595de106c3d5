"""How long a design document takes: the run of the report notebook, then each format from the executed notebook.

python tests/benchmarks/bench_export.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from nbformat import NotebookNode

from devops_workbook.export.document import FORMATS, run_report
from devops_workbook.scenario import examples, load

RUNS = 5
SCENARIO = "payments-api"  # the largest of the examples


def seconds(action: Callable[[], Any]) -> list[float]:
    """Seconds of RUNS calls, the first (which loads libraries) apart, at the front."""
    taken = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return taken


def written(notebook: NotebookNode, name: str) -> bytes:
    """The document of an executed notebook in one format."""
    document: str | bytes = FORMATS[name]().from_notebook_node(notebook, {"metadata": {"name": "report"}})[0]
    return document if isinstance(document, bytes) else document.encode()


def line(what: str, taken: list[float], size: int = 0) -> str:
    """One line of the table."""
    weight = f"   {size / 1024:7,.0f} kB" if size else ""
    return f"  {what:<10} first {taken[0]:5.2f} s   median of {RUNS} {median(taken[1:]):5.2f} s{weight}"


def main() -> None:
    """Prints one line for papermill's run and one a format."""
    requirements = load(examples()[SCENARIO]).requirements
    print(f"export of {SCENARIO}")
    print(line("papermill", seconds(lambda: run_report(requirements))))
    notebook = run_report(requirements)
    for name in FORMATS:
        taken = seconds(partial(written, notebook, name))
        print(line(name, taken, len(written(notebook, name))))


if __name__ == "__main__":
    main()
