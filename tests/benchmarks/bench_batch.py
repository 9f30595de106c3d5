"""How fast a batch is: a plain loop over papermill, ours with one worker and with two, on the same notebooks.

    python tests/benchmarks/bench_batch.py [--scenarios 500]

Rates are of a batch in full swing: from the first row of each worker to the last of all. What it takes to get there is
told apart. The last batch also tells what its processes hold in memory, early on and at its end, and the core alone is
measured by itself.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import papermill
import psutil

from devops_workbook.batch.cases import Axis, Case, cases
from devops_workbook.batch.inputs import read
from devops_workbook.batch.run import Options, Outcome, run
from devops_workbook.evaluate import evaluate
from devops_workbook.scenario import examples, notebooks_folder

PLAIN, ONE = 12, 60
MB = 1024 * 1024


def grid(count: int) -> list[Case]:
    """As many cases of the examples, on all clouds and under many loads."""
    loads = tuple(str(100 + 10 * n) for n in range(count // 18 + 1))
    axes = [Axis("peak_rps", loads), Axis("provider", ("aws", "gcp", "azure"))]
    return cases(read(examples().values()), axes)[:count]


def plainly(some: Sequence[Case]) -> float:
    """Scenarios a second of a loop over papermill."""
    logging.getLogger("papermill").setLevel(logging.ERROR)
    start = time.perf_counter()
    for case in some:
        assert case.requirements is not None
        with TemporaryDirectory() as folder:
            papermill.execute_notebook(
                str(notebooks_folder() / "report.ipynb"), f"{folder}/report.ipynb", cwd=folder, progress_bar=False,
                parameters=case.requirements.model_dump(mode="json"), extra_arguments=["--log-level=40"],
            )  # fmt: skip
    return len(some) / (time.perf_counter() - start)


def ours(some: Sequence[Case], workers: int) -> tuple[float, float, list[float]]:
    """Scenarios a second of a batch, the seconds until its first row, and MB held at each tenth."""
    start = time.perf_counter()
    came: list[float] = []
    held: list[float] = []

    def watch(_: Outcome, row: Mapping[str, Any]) -> None:
        assert row["status"] == "done", row["error"]
        came.append(time.perf_counter())
        if len(came) % max(1, len(some) // 10) == 0:
            held.append(memory())

    with TemporaryDirectory() as folder:
        run(some, Options(str(Path(folder) / "out"), formats=(), workers=workers), watch)
    rate = (len(came) - workers) / (came[-1] - came[workers - 1])
    return rate, came[0] - start, held


def memory() -> float:
    """MB that this process and those below it hold, what they share counted once each (RSS)."""
    us = psutil.Process()
    return sum(p.memory_info().rss for p in (us, *us.children(recursive=True)) if p.is_running()) / MB


def core(some: Sequence[Case]) -> float:
    """Evaluations a second on one core."""
    wanted = [case.requirements for case in some if case.requirements is not None]
    evaluate(wanted[0])
    start = time.process_time()
    for requirements in wanted:
        evaluate(requirements)
    return len(wanted) / (time.process_time() - start)


def main() -> None:
    """Prints a line for each way, and the memory."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scenarios", type=int, default=300, help="of the batch with two workers")
    many = grid(parser.parse_args().scenarios)
    plain = plainly(many[:PLAIN])
    print(f"batch, notebooks alone\n  plain papermill  {plain:6.2f}/s of {PLAIN}", flush=True)
    for workers, some in ((1, many[:ONE]), (2, many)):
        rate, first, held = ours(some, workers)
        told = f"{rate:6.2f}/s of {len(some)}   {rate / plain:4.1f} x plain   first after {first:4.1f} s"
        print(f"  {workers} worker{'s' * (workers > 1):<8} {told}", flush=True)
    print(f"  memory at each tenth, MB: {' '.join(f'{mb:,.0f}' for mb in held)}")
    print(f"  core alone       {core(many):6.1f} evaluations/s a core")


if __name__ == "__main__":
    main()
