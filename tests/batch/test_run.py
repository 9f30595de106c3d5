"""A whole batch: on a cluster of its own, on one that is there already, and through everything that ends one early."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from distributed import Client, LocalCluster

from devops_workbook.batch import run as running
from devops_workbook.batch import work
from devops_workbook.batch.cases import Axis, Case, cases
from devops_workbook.batch.inputs import Input, read
from devops_workbook.batch.run import BatchError, Options, Outcome, run
from devops_workbook.batch.store import RESULT, Store
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples

BIN = Path(sys.executable).parent


def some(count: int) -> list[Case]:
    """Valid cases."""
    loads = tuple(str(100 + n) for n in range(count))
    return cases([Input("shop.yaml", "Shop", Requirements(name="Shop"))], [Axis("peak_rps", loads)])


BAD = Case("bad", "bad.yaml", "Bad", None, ("bad.yaml, line 2: peak_rps: -5 is not allowed",))


# --- without kernels: what the batch itself does ---------------------------------------------------------


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Workers are threads of this process and notebooks are empty; the names of what was run."""
    done: list[str] = []

    def quick(requirements: Requirements, engine: str | None, timeout: float | None) -> nbformat.NotebookNode:
        done.append(requirements.name)
        return nbformat.v4.new_notebook()

    @contextmanager
    def cluster(options: Options, tasks: int) -> Iterator[Client]:
        with ExitStack() as stack:
            local = LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None)
            yield stack.enter_context(Client(stack.enter_context(local)))

    monkeypatch.setattr(work, "run_report", quick)
    monkeypatch.setattr(work, "exported", lambda _notebook, format: format.encode())
    monkeypatch.setattr(running, "_cluster", cluster)
    return done


def lines(folder: Path) -> list[Mapping[str, str]]:
    with (folder / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_three_hundred_scenarios_are_each_done_once(in_process: list[str], tmp_path: Path) -> None:
    wanted = cases(read(examples().values()), [Axis("peak_rps", tuple(str(10 + n) for n in range(50)))])
    assert len(wanted) == 300
    outcome = run(wanted, Options(str(tmp_path), ("html",)))
    assert outcome.count("done") == 300
    assert sorted(in_process) == sorted(case.name for case in wanted)
    assert [line["id"] for line in lines(tmp_path)] == [case.id for case in wanted]
    assert (tmp_path / "index.html").read_text(encoding="utf-8").count("<tr data-status") == 300


def test_one_bad_scenario_stops_nobody(in_process: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fine = work.run_report

    def sometimes(requirements: Requirements, **how: Any) -> nbformat.NotebookNode:
        if requirements.peak_rps == 101:
            raise MemoryError("too much")
        return fine(requirements, **how)

    monkeypatch.setattr(work, "run_report", sometimes)
    seen: list[str] = []
    outcome = run([BAD, *some(4)], Options(str(tmp_path)), lambda _now, row: seen.append(row["id"]))
    assert (outcome.count("done"), outcome.count("failed")) == (3, 2)
    assert len(seen) == len(set(seen)) == 5
    told = {line["id"]: line["error"] for line in lines(tmp_path) if line["status"] == "failed"}
    assert told == {"bad": BAD.problems[0], "shop-peak-rps-101": "MemoryError: too much"}


def test_what_is_finished_needs_no_cluster(
    in_process: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(some(3), Options(str(tmp_path)))

    def refuse(*_: Any) -> None:
        raise AssertionError("a cluster was started")

    monkeypatch.setattr(running, "_cluster", refuse)
    outcome = run(some(3), Options(str(tmp_path)))
    assert outcome.count("before") == 3
    assert [line["status"] for line in lines(tmp_path)] == ["before"] * 3


def test_a_full_disk_is_said_once_and_what_is_done_is_told(
    in_process: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write, left = Store.write, iter(range(7))

    def filling(store: Store, path: str, data: bytes) -> None:
        if path.startswith("shop") and next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(store, path, data)

    monkeypatch.setattr(Store, "write", filling)
    with pytest.raises(BatchError, match="there is no space left; make some and run the same command again") as told:
        run(some(20), Options(str(tmp_path), ("html",)))
    assert str(told.value).count("space left") == 1
    assert 1 <= len(lines(tmp_path)) < 20
    monkeypatch.setattr(Store, "write", write)
    outcome = run(some(20), Options(str(tmp_path), ("html",)))
    assert outcome.count("before") >= 1
    assert outcome.count("done") + outcome.count("before") == 20


def test_workers_that_write_to_a_folder_of_their_own_are_found_out(
    in_process: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def elsewhere(task: work.Task) -> dict[str, Any]:
        return work.carry_out(replace(task, url=str(tmp_path / "theirs")))

    monkeypatch.setattr(running, "carry_out", elsewhere)
    with pytest.raises(BatchError, match=r"ours: the workers have written .* an address that all of them share"):
        run(some(2), Options(str(tmp_path / "ours")))
    assert len(finished(tmp_path / "theirs")) == 2
    assert len(lines(tmp_path / "ours")) == 2


def test_an_interrupted_batch_tells_what_it_has(in_process: list[str], tmp_path: Path) -> None:
    def stop(now: Outcome, _row: Mapping[str, Any]) -> None:
        if len(now.rows) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(some(20), Options(str(tmp_path)), stop)
    assert len(lines(tmp_path)) == 3


def test_a_scheduler_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_LOOK_SECONDS", 1)
    with pytest.raises(BatchError, match=r"tcp://127\.0\.0\.1:9: there is no scheduler with a worker"):
        run(some(1), Options(str(tmp_path), scheduler="tcp://127.0.0.1:9"))


# --- with processes and kernels --------------------------------------------------------------------------


def until(condition: Callable[[], bool], seconds: float = 120) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    def runs(process: psutil.Process) -> bool:
        try:
            return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    return list(filter(runs, processes))


def finished(folder: Path) -> set[Path]:
    return set(folder.glob(f"*/{RESULT}"))


@contextmanager
def started(*command: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = subprocess.Popen([str(BIN / command[0]), *command[1:]], stdout=out, stderr=out)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def test_a_worker_of_a_cluster_dies_and_every_scenario_is_done_once(tmp_path: Path) -> None:
    address, out, log = tmp_path / "scheduler.json", tmp_path / "out", tmp_path / "log"
    local = ("--scheduler-file", str(address), "--host", "127.0.0.1", "--no-dashboard")
    with ExitStack() as stack:
        stack.enter_context(started("dask", "scheduler", "--port", "0", *local, log=log))
        worker = ("dask", "worker", "--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path), *local)
        victim, _ = [stack.enter_context(started(*worker, log=log)) for _ in range(2)]
        assert until(address.exists)
        scheduler = json.loads(address.read_text())["address"]
        below: list[psutil.Process] = []

        def kill_one(now: Outcome, _row: Mapping[str, Any]) -> None:
            if len(now.rows) == 3:
                below.extend(psutil.Process(victim.pid).children(recursive=True))
                victim.send_signal(signal.SIGKILL)

        options = Options(str(out), (), scheduler=scheduler)
        outcome = run(some(6), options, kill_one)
        assert victim.wait() == -signal.SIGKILL
        assert (outcome.count("done"), len(outcome.rows)) == (6, 6)
        assert len(finished(out)) == len(lines(out)) == 6
        assert below
        assert until(lambda: not alive(below))  # its kernels and their parent went with it


def test_a_batch_that_was_stopped_or_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    shop = tmp_path / "shop.yaml"
    shop.write_text("name: Shop\n")
    loads = "peak_rps=" + ",".join(str(100 + n) for n in range(6))
    command = ("devops-workbook", "batch", str(shop), "--grid", loads, "-o", str(out), "--formats", "md", "-w", "1")

    with started(*command, log=log) as stopped:
        assert until(lambda: len(finished(out)) >= 2)
        below = psutil.Process(stopped.pid).children(recursive=True)
        stopped.send_signal(signal.SIGTERM)
        assert stopped.wait(60) == 130
        assert until(lambda: not alive(below))
    assert "run the same command again to go on" in log.read_text()
    assert 1 <= len(lines(out)) < 6  # a row may be on its way

    with started(*command, log=log) as killed:
        before = len(finished(out))
        assert until(lambda: len(finished(out)) >= before + 1)
        below = psutil.Process(killed.pid).children(recursive=True)
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        assert until(lambda: not alive(below))

    kept = {path: path.stat().st_mtime_ns for path in finished(out)}
    assert 3 <= len(kept) < 6
    half = out / "shop-peak-rps-105"
    half.mkdir(exist_ok=True)
    (half / ".77.part").write_text("half")
    done = subprocess.run([str(BIN / command[0]), *command[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"6 scenarios: {6 - len(kept)} done, {len(kept)} finished before, 0 failed" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(finished(out)) == len(lines(out)) == 6
    assert sorted(p.name for p in half.iterdir()) == ["report.ipynb", RESULT, "shop-peak-rps-105.md"]
    shutil.rmtree(out)
