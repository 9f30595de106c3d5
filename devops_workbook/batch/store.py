"""Where a batch is written: a folder, or whatever fsspec knows by a URL (`s3://`, `gs://`, `abfs://`).

A case's folder is finished when its `result.json`, which is written last, names the content it was made from and every
file that it lists is there. Files are put in place whole: on a disk by renaming, elsewhere by the service.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from devops_workbook.scenario import write_atomic

__all__ = ["FULL", "RESULT", "Store", "StoreError", "is_full"]

RESULT = "result.json"
FULL = (errno.ENOSPC, errno.EDQUOT)


class StoreError(RuntimeError):
    """The place for the results cannot be used; the message says which and why."""


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one behind it, says that there is no space left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


@dataclass(frozen=True)
class Store:
    """A folder of results. Its methods raise StoreError when the URL is none that fsspec knows."""

    url: str

    def open(self) -> None:
        """Make the folder if it is missing. Raises StoreError when that cannot be."""
        fs, root = self._place()
        try:
            fs.makedirs(root, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.url}: cannot be written to: {error.strerror or error}") from None

    def _place(self) -> tuple[Any, str]:
        try:
            fs, root = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise StoreError(f"{self.url}: cannot be written to: {error}") from None
        return fs, str(root).rstrip("/")

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place, in one step. Raises OSError as the place does."""
        fs, root = self._place()
        where = f"{root}/{path}"
        if isinstance(fs, LocalFileSystem):
            Path(where).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(where, data)
            return
        fs.makedirs(where.rpartition("/")[0], exist_ok=True)
        fs.pipe_file(where, data)

    def read(self, path: str) -> bytes | None:
        """A file's bytes, None if there is none."""
        fs, root = self._place()
        try:
            data: bytes = fs.cat_file(f"{root}/{path}")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        return data

    def finished(self, case: str, key: str, formats: Iterable[str]) -> Mapping[str, Any] | None:
        """What was found of a case that is finished for this content in these formats; None if it is not."""
        with suppress(ValueError, TypeError, KeyError):
            result = json.loads(self.read(f"{case}/{RESULT}") or b"")
            files = result["files"]
            if result["status"] == "done" and result["key"] == key and set(formats) <= files.keys():
                fs, root = self._place()
                if all(fs.exists(f"{root}/{case}/{name}") for name in files.values()):
                    return dict(result)
        return None

    def finish(self, case: str, result: Mapping[str, Any]) -> None:
        """Write what was found of a case, after all else of it."""
        self.write(f"{case}/{RESULT}", json.dumps(result, ensure_ascii=False, indent=1).encode() + b"\n")

    def tidy(self, case: str) -> None:
        """Remove what a killed worker left half-written."""
        fs, root = self._place()
        for left in fs.glob(f"{root}/{case}/.*.part"):
            with suppress(FileNotFoundError):
                fs.rm_file(left)
