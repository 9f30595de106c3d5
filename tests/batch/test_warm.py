"""A forked kernel is a kernel like any other, but for the time it takes; where none can be forked, one is started."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
import pytest

from devops_workbook.batch import warm
from devops_workbook.batch.warm import ENGINE, PROVISIONER, WarmKernelManager
from devops_workbook.export.document import run_report
from devops_workbook.requirements import Requirements
from tests.batch.conftest import Write


@pytest.fixture(autouse=True)
def settled() -> Iterator[None]:
    """What one test has warned of, the next may warn of too."""
    warm._warn_once.cache_clear()
    yield
    warm._warn_once.cache_clear()


def printed(path: Path, engine: str | None = ENGINE) -> str:
    """What a notebook prints, run by an engine of papermill."""
    out = papermill.execute_notebook(
        str(path), str(path.with_name("out.ipynb")), engine_name=engine, progress_bar=False
    )
    return "".join(o["text"] for cell in out.cells for o in cell.get("outputs", []) if o["output_type"] == "stream")


def until(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether a condition comes true in time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


LEAVE = """
import builtins, os, random, sys
import devops_workbook
import numpy as np
builtins.left = devops_workbook.left = os.environ["LEFT"] = sys.left = "here"
print(os.getpid(), os.getppid(), random.random(), np.random.random())
"""
FIND = """
import builtins, os, random, sys
import devops_workbook
import numpy as np
found = [hasattr(builtins, "left"), hasattr(devops_workbook, "left"), "LEFT" in os.environ, hasattr(sys, "left")]
print(os.getpid(), os.getppid(), random.random(), np.random.random())
assert not any(found), found
"""


def test_no_state_goes_from_one_notebook_to_the_next(notebook: Write) -> None:
    left = printed(notebook(LEAVE, folder="leave")).split()
    found = printed(notebook(FIND, folder="find")).split()
    assert left[1] == found[1] == str(warm.start()._process.pid)  # both are forks of one parent,
    assert left[0] != found[0]  # each a process of its own,
    assert left[2] != found[2]  # with random numbers of its own
    assert left[3] != found[3]


def test_a_kernel_is_where_its_notebook_is_run_and_knows_its_environment(
    notebook: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = notebook("import os, sys\nprint(os.getcwd(), os.environ['HINT'], 'matplotlib' in sys.modules)")
    monkeypatch.setenv("HINT", "a $(hint)")
    monkeypatch.chdir(tmp_path)
    assert printed(path).strip() == f"{tmp_path.resolve()} a $(hint) True"


def test_a_report_is_the_same_to_the_byte() -> None:
    asked = Requirements(name="Shop", peak_rps=321, provider="gcp")
    forked, started = run_report(asked, ENGINE), run_report(asked)
    assert [c.get("outputs") for c in forked.cells] == [c.get("outputs") for c in started.cells]
    assert [c.source for c in forked.cells] == [c.source for c in started.cells]


def test_a_failing_cell_is_reported_and_what_ran_is_kept(notebook: Write) -> None:
    path = notebook("print('so far')", "1 / 0", "print('never')")
    with pytest.raises(papermill.exceptions.PapermillExecutionError, match="ZeroDivisionError"):
        printed(path)
    out = nbformat.read(path.with_name("out.ipynb"), 4)
    text = json.dumps(out)
    assert "so far" in text
    assert text.count("never") == 1  # its source alone


def test_where_nothing_can_fork_kernels_are_started(
    notebook: Write, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(os, "fork")
    with caplog.at_level(logging.WARNING, logger="devops_workbook"):
        path = notebook("import os\nprint(os.getppid())")
        assert printed(path).strip() == printed(path).strip() == str(os.getpid())
    assert [r.message for r in caplog.records] == ["Kernels are started one by one: this system cannot fork"]


def test_a_kernel_of_another_environment_is_started_not_forked() -> None:
    for command in (["/usr/bin/python3", "-m", "ipykernel_launcher", "-f", "x"], [sys.executable, "-m", "bash_kernel"]):
        with pytest.raises(warm.NoWarmParent, match="none of this environment"):
            warm._fork(command, {}, "/")


def test_a_parent_that_was_lost_is_replaced(notebook: Write) -> None:
    first = warm.start()
    first._process.kill()
    first._process.wait()
    path = notebook("import os\nprint(os.getppid())")
    second = printed(path).strip()
    assert second == str(warm.start()._process.pid) != str(first._process.pid)


def test_a_specification_that_names_its_own_provisioner_keeps_it() -> None:
    ours = WarmKernelManager(kernel_name="python3")
    assert ours.kernel_spec is not None
    assert ours.kernel_spec.metadata["kernel_provisioner"]["provisioner_name"] == PROVISIONER
    ours._kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": "local-provisioner"}
    assert ours.kernel_spec.metadata["kernel_provisioner"]["provisioner_name"] == "local-provisioner"


HOLDER = """
import asyncio, sys, time
from devops_workbook.batch.warm import WarmKernelManager, start

async def main():
    manager = WarmKernelManager(kernel_name="python3")
    await manager.start_kernel(extra_arguments=["--log-level=50"])
    print(manager.provisioner.pid, start()._process.pid, flush=True)
    time.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("victim", ["holder", "parent"])
def test_kernels_go_with_whoever_holds_them(victim: str) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        kernel, parent = map(int, holder.stdout.readline().split())
        assert psutil.pid_exists(kernel)
        os.kill(holder.pid if victim == "holder" else parent, signal.SIGKILL)
        gone = [kernel] if victim == "parent" else [kernel, parent]
        assert until(lambda: not any(map(_runs, gone)))
    finally:
        holder.kill()
        holder.wait()


def test_a_kernel_whose_parent_went_before_it_began_does_not_begin() -> None:
    stranger = "import os, sys; from devops_workbook.batch import warm_parent as w; "
    became = stranger + "w._become_kernel(sys.stdout, os.getpid(), [], dict(os.environ), '/')"
    assert subprocess.run([sys.executable, "-c", became], check=False).returncode == 1


def _runs(pid: int) -> bool:
    try:
        status: Any = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return False
    return bool(status != psutil.STATUS_ZOMBIE)
