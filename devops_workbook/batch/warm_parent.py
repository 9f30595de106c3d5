"""The process that kernels are forked from: `python -m devops_workbook.batch.warm_parent`.

    start -> import and use everything once -> "ready" -> fork a kernel for each request -> end of input -> kill all

Requests and answers are lines of JSON on standard input and output:

    {"fork": {"arguments": [...], "environment": {...}, "folder": "..."}}   ->   {"pid": 1234}
    {"poll": 1234}                                                          ->   {"exit": null | status}

It has one thread of Python and no event loop, for only then can it be forked at any time. A kernel that it forks is a
process and a session of its own, which has the parent's modules and caches and none of another kernel's state: what
was imported and worked out before the first fork is all they share. When whoever asked is gone, so is the input, and
the kernels go with it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TextIO

__all__ = ["main"]

_AT_START = (
    "ipykernel.debugger", "ipykernel.ipkernel", "ipykernel.kernelapp", "ipykernel.zmqshell",
    "IPython.core.completerlib", "IPython.core.debugger", "IPython.core.oinspect", "IPython.extensions.storemagic",
    "faulthandler", "numpy.random", "sqlite3", "tornado.platform.asyncio",
)  # fmt: skip
"""What a kernel imports when it starts."""

_children: dict[int, int | None] = {}


def main() -> None:
    """Get warm, then answer requests until the input ends."""
    answers = _answers()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us decides when to stop
    _warm_up()
    gc.collect()
    gc.freeze()  # the collector of a child need not copy what all share
    try:
        _tell(answers, {"ready": os.getpid()})
        for line in sys.stdin:
            _tell(answers, _answer(json.loads(line), answers))
    except BrokenPipeError:
        pass
    finally:
        _kill_all()


def _answers() -> TextIO:
    """Standard output for us alone: what kernels print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _tell(answers: TextIO, answer: Mapping[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _answer(request: Mapping[str, Any], answers: TextIO) -> Mapping[str, Any]:
    if "poll" in request:
        return {"exit": _poll(request["poll"])}
    wanted, parent = request["fork"], os.getpid()
    pid = os.fork()
    if pid == 0:
        _become_kernel(answers, parent, **wanted)
    _children[pid] = None
    return {"pid": pid}


def _poll(pid: int) -> int | None:
    """The exit status of a child, None while it runs."""
    if _children.get(pid, -1) is None:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            _children[pid] = os.waitstatus_to_exitcode(status)
    return _children.get(pid, -1)


def _kill_all() -> None:
    for pid, status in _children.items():
        if status is None:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def _warm_up() -> None:
    """Import what a report needs, and make one for each cloud, so that drawings and tables of facts are in memory."""
    for module in _AT_START:
        with suppress(ImportError):  # another version of IPython has it elsewhere
            importlib.import_module(module)

    from devops_workbook import catalog
    from devops_workbook.export.report import CHAPTERS, Document
    from devops_workbook.render.diagram import icons
    from devops_workbook.requirements import Requirements

    for provider in catalog.load().providers.values():
        for service in provider.services.values():
            icons.data_uri(service.icon)
        document = Document(Requirements(provider=provider.id), show=lambda _parts: None)
        for chapter in (chapter for group in CHAPTERS for chapter in group):
            getattr(document, chapter)()


def _become_kernel(
    answers: TextIO, parent: int, arguments: Sequence[str], environment: Mapping[str, str], folder: str
) -> NoReturn:
    """Turn this fork into the kernel that was asked for, unless its parent is gone already; never returns."""
    status = 1
    try:
        os.setsid()
        answers.close()
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - the kernel's for its life
        os.dup2(sys.stdin.fileno(), 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        _reseed()
        sys.argv = ["ipykernel_launcher", *arguments, f"--IPKernelApp.parent_handle={parent}"]
        if os.getppid() == parent:  # from here on the kernel looks itself
            from ipykernel.kernelapp import launch_new_instance

            launch_new_instance()
            status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - nothing may come back into the parent's loop
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)


def _reseed() -> None:
    """Give this process its own random numbers; Python's own generator sees to itself after a fork."""
    import numpy as np

    np.random.seed()  # noqa: NPY002 - the global generator is what is shared


if __name__ == "__main__":
    main()
