"""Kernels that need not be started, through Jupyter's own door: the kernel provisioner `devops-workbook-warm`.

It asks this process's warm parent (see `warm_parent`) to fork a kernel instead of starting an interpreter. Where there
is nothing to fork from (no `fork`, a kernel of another environment or language, a parent that does not come up), it
starts a plain kernel, and says so once in the log. papermill uses it through the engine in `engine`.
"""

from __future__ import annotations

import atexit
import copy
import json
import logging
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Type

__all__ = ["ENGINE", "PROVISIONER", "NoWarmParent", "WarmKernelManager", "WarmProvisioner", "start"]

ENGINE = "devops-workbook"
PROVISIONER = "devops-workbook-warm"

_LAUNCHER = "ipykernel_launcher"
_POLL_SECONDS = 0.01
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS")

_log = logging.getLogger(__name__)


class NoWarmParent(RuntimeError):
    """There is nothing to fork a kernel from; the message says why."""


class _Parent:
    """This process's end of a warm parent."""

    def __init__(self) -> None:
        # Threads of libraries do not live through a fork, so that none is started; kernels get their own environment.
        alone = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-Xfrozen_modules=off", "-m", "devops_workbook.batch.warm_parent"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=alone,
            cwd=tempfile.gettempdir(), start_new_session=True,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._ready = False

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request. Raises NoWarmParent when the parent is gone."""
        assert self._process.stdin is not None
        with self._lock:
            try:
                if not self._ready:
                    self._answer()
                    self._ready = True
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
                return self._answer()
            except (OSError, ValueError) as error:
                raise NoWarmParent(f"the parent of kernels is gone: {error}") from error

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise NoWarmParent(f"the parent of kernels ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Ends the parent and every kernel of its that still runs."""
        assert self._process.stdin is not None
        with suppress(OSError):  # it was gone before
            self._process.stdin.close()
        self._process.wait()


@cache
def _parents() -> list[_Parent]:
    """This process's warm parent, as a list that is empty until it is wanted."""
    found: list[_Parent] = []
    atexit.register(_close, found)
    return found


def _close(parents: list[_Parent]) -> None:
    for parent in parents:
        parent.close()


_starting = threading.Lock()


def start() -> _Parent:
    """This process's warm parent, started if there is none; it gets warm while others work.

    Raises NoWarmParent where processes cannot fork.
    """
    if not hasattr(os, "fork"):
        raise NoWarmParent("this system cannot fork")
    with _starting:
        parents = _parents()
        if not parents or not parents[-1].alive:
            parents[:] = [_Parent()]
        return parents[-1]


class _Forked:
    """A kernel that the warm parent forked, with the methods of a `subprocess.Popen` that a provisioner calls."""

    stdin = stdout = stderr = None

    def __init__(self, parent: _Parent, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._parent = parent

    def poll(self) -> int | None:
        if self.returncode is None:
            try:
                self.returncode = self._parent.ask({"poll": self.pid})["exit"]
            except NoWarmParent:
                self.returncode = -9  # it goes with its parent
        return self.returncode

    def wait(self) -> int:
        while (status := self.poll()) is None:
            time.sleep(_POLL_SECONDS)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(15)

    def kill(self) -> None:
        self.send_signal(9)


class WarmProvisioner(LocalProvisioner):
    """Provides local kernels, forked where that can be and started where not."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Launch the kernel of a command and return where it can be reached."""
        try:
            process = _fork(cmd, kwargs.get("env") or dict(os.environ), kwargs.get("cwd") or str(Path.cwd()))
        except NoWarmParent as error:
            _warn_once(str(error))
            return await super().launch_kernel(cmd, **kwargs)
        self.process = process  # type: ignore[assignment]  # it has what is called
        self.pid = self.pgid = process.pid  # its session is its own
        return self.connection_info


def _fork(command: list[str], environment: Mapping[str, str], folder: str) -> _Forked:
    """A kernel for the command. Raises NoWarmParent if it is not one of Python in this environment."""
    if _LAUNCHER not in command or not _is_ours(command[0]):
        raise NoWarmParent(f"the kernel is none of this environment: {' '.join(command[:3])}")
    arguments = command[command.index(_LAUNCHER) + 1 :]
    parent = start()
    made = parent.ask({"fork": {"arguments": arguments, "environment": dict(environment), "folder": folder}})
    return _Forked(parent, made["pid"])


def _is_ours(program: str) -> bool:
    """Whether a program is the interpreter of this environment (its folder tells, links of both lead to one file)."""
    return Path(program).parent == Path(sys.executable).parent and Path(program).name.startswith("python")


@cache
def _warn_once(why: str) -> None:
    _log.warning("Kernels are started one by one: %s", why)


class WarmKernelClient(AsyncKernelClient):
    """A client that takes a kernel for ready when both its channels have answered.

    Its base then waits a fifth of a second for further messages, which a kernel just forked does not send.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as its base has it
        """Wait until the kernel answers. Raises RuntimeError when it dies, or after `timeout` seconds."""
        end = time.monotonic() + (math.inf if timeout is None else timeout)
        while time.monotonic() < end:
            self.kernel_info()
            with suppress(Empty):
                reply = await self.get_shell_msg(timeout=1)
                if reply["msg_type"] == "kernel_info_reply":
                    await self.get_iopub_msg(timeout=0.2)
                    self._handle_kernel_info_reply(reply)
                    return
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
        raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")


class WarmKernelManager(AsyncKernelManager):
    """A manager whose kernels the warm provisioner provides, unless their specification names another."""

    client_factory = Type(WarmKernelClient)

    @property
    def kernel_spec(self) -> KernelSpec | None:
        """The specification of the kernel, the provisioner named in it."""
        found = super().kernel_spec
        if found is None or "kernel_provisioner" in found.metadata:
            return found
        named = copy.copy(found)
        named.metadata = {**found.metadata, "kernel_provisioner": {"provisioner_name": PROVISIONER, "config": {}}}
        return named

    async def _async_finish_shutdown(
        self, waittime: float | None = None, pollinterval: float = _POLL_SECONDS, restart: bool = False
    ) -> None:
        # Its own looks every tenth of a second whether the kernel is gone.
        await super()._async_finish_shutdown(waittime, pollinterval, restart)
