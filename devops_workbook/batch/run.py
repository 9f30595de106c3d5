"""A batch on a cluster: hands cases to dask.distributed's workers, tells how it goes, and writes what was found.

Without an address a cluster is started on this machine, one process a worker, and ended with the batch; with one, the
workers are those of a cluster that runs already. A worker that dies is dask's affair: its case is given to another. The
results are written however the batch ends, so that an interrupted one tells what it has.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import dask
from distributed import Client, LocalCluster, as_completed

from devops_workbook.batch.cases import Case
from devops_workbook.batch.index import as_page
from devops_workbook.batch.results import as_csv, as_parquet
from devops_workbook.batch.store import RESULT, Store, is_full
from devops_workbook.batch.work import NoSpace, Task, carry_out, content_key

__all__ = ["BatchError", "Options", "Outcome", "run"]

_LOOK_SECONDS = 60  # for the scheduler, and for a worker of its


class BatchError(RuntimeError):
    """The batch could not go on; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a batch is run.

    url: where results go; workers: of a local cluster; scheduler: address of another, "" = local; timeout: seconds for
    a case's notebook, None = no limit; warm: whether kernels are forked; title: of the page.
    """

    url: str
    formats: tuple[str, ...] = ("html", "pdf")
    workers: int = 1
    scheduler: str = ""
    timeout: float | None = 600.0
    warm: bool = True
    title: str = "Scenarios"


@dataclass
class Outcome:
    """How a batch stands. rows: what was found so far, in the order of the cases; total: of all cases."""

    total: int
    rows: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def count(self, status: str) -> int:
        """How many cases ended so: "done" in this run, "before", or "failed"."""
        return sum(row["status"] == status for row in self.rows.values())


Watch = Callable[[Outcome, Mapping[str, Any]], None]


def run(cases: Sequence[Case], options: Options, watch: Watch = lambda _outcome, _row: None) -> Outcome:
    """Work out the cases, and write their folders, `results.csv`, `results.parquet` and `index.html`.

    watch: called with the outcome so far and each new row. Raises BatchError when there is no space, no cluster, or
    nothing to be seen of what its workers wrote, StoreError when the URL cannot be written to, and passes
    KeyboardInterrupt on; results are written in any case.
    """
    store = Store(options.url)
    store.open()
    outcome = Outcome(len(cases))
    order = {case.id: n for n, case in enumerate(cases)}
    try:
        for row in _rows(cases, options, store):
            outcome.rows[row["id"]] = row
            watch(outcome, row)
        _look_for_results(store, outcome)
    finally:
        rows = sorted(outcome.rows.values(), key=lambda row: order[row["id"]])
        outcome.rows = {row["id"]: row for row in rows}
        if rows:
            _write(store, options, rows)
    return outcome


def _look_for_results(store: Store, outcome: Outcome) -> None:
    """Raises BatchError when the workers wrote to a place of their own, as those of other machines do to a folder."""
    done = next((row for row in outcome.rows.values() if row["status"] == "done"), None)
    if done and store.read(f"{done['id']}/{RESULT}") is None:
        raise BatchError(
            f"{store.url}: the workers have written their documents, but not where this machine sees them; give a "
            "folder or an address that all of them share"
        )


def _write(store: Store, options: Options, rows: Sequence[Mapping[str, Any]]) -> None:
    try:
        store.write("results.csv", as_csv(rows))
        store.write("results.parquet", as_parquet(rows))
        store.write("index.html", as_page(options.title, rows))
    except OSError as error:
        if is_full(error):
            raise _full(options) from None
        raise BatchError(f"{options.url}: the results cannot be written: {error}") from error


def _full(options: Options) -> BatchError:
    return BatchError(
        f"{options.url}: there is no space left; make some and run the same command again, which goes on from here"
    )


def _rows(cases: Sequence[Case], options: Options, store: Store) -> Iterator[Mapping[str, Any]]:
    """A row for each case: at once for those that are invalid or finished, then as workers come to the others."""
    tasks = []
    for case in cases:
        if case.requirements is None:
            yield _unworked(case, " ".join(case.problems))
            continue
        task = _task(case, options)
        if before := store.finished(task.id, task.key, task.formats):
            yield {**before["row"], "status": "before"}
        else:
            tasks.append(task)
    if tasks:
        with _cluster(options, len(tasks)) as client:
            yield from _by_workers(client, tasks, options)


def _unworked(case: Case | Task, why: str) -> Mapping[str, Any]:
    """The row of a case that no worker worked out."""
    named = {"id": case.id, "name": case.name, "origin": case.origin}
    return named | {"status": "failed", "error": why, "seconds": 0.0}


def _task(case: Case, options: Options) -> Task:
    assert case.requirements is not None
    return Task(
        case.id, case.name, case.origin, case.requirements.model_dump(mode="json"), options.url, options.formats,
        content_key(case.requirements), options.timeout, options.warm,
    )  # fmt: skip


def _by_workers(client: Client, tasks: Sequence[Task], options: Options) -> Iterator[Mapping[str, Any]]:
    run_id = time.time_ns()  # a key that was used before would give the earlier answer
    waiting = {client.submit(carry_out, task, key=f"{task.id}-{run_id}", pure=False): task for task in tasks}
    try:
        for future in as_completed(waiting):
            task = waiting[future]
            error = future.exception()
            if isinstance(error, NoSpace):
                raise _full(options)
            yield _unworked(task, f"{type(error).__name__}: {error}") if error is not None else future.result()
            future.release()
    finally:
        client.cancel([future for future in waiting if not future.done()], force=True)


@contextmanager
def _cluster(options: Options, tasks: int) -> Iterator[Client]:
    """A client of the cluster that the options name. Raises BatchError when there is none."""
    with ExitStack() as stack:
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is told in the rows
        where: Any = options.scheduler
        if not where:
            # Nobody looks at the profile that a worker takes of itself, a tree for each second of the last hour.
            stack.enter_context(dask.config.set({"distributed.worker.profile.enabled": False}))
            local = LocalCluster(
                n_workers=min(options.workers, tasks),
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            )
            where = stack.enter_context(local)
        try:
            client = stack.enter_context(Client(where, timeout=_LOOK_SECONDS))
            client.wait_for_workers(1, timeout=_LOOK_SECONDS)
        except (OSError, TimeoutError) as error:
            raise BatchError(f"{where}: there is no scheduler with a worker: {error}") from error
        yield client
