"""A repository on disk, or in one file: written anew without losing what people did to it.

`.devops-workbook.json` in the folder lists every file that was generated, with its hash. A file whose hash is another
has been edited since, and is not overwritten unless that is asked for; a file that is no longer generated is removed,
if nobody edited it; what was never generated is not touched.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devops_workbook.artifacts.model import Artifact
from devops_workbook.scenario import write_atomic

__all__ = ["MANIFEST", "README", "FolderError", "Written", "digest", "generated", "renewed", "write_folder", "zipped"]

MANIFEST = ".devops-workbook.json"
README = "README.md"
_FORMAT = 1


class FolderError(RuntimeError):
    """The folder cannot take the repository; the message says why and what can be done."""


@dataclass(frozen=True, slots=True)
class Written:
    """How many files were written, were the same already, and were removed."""

    written: int
    same: int
    removed: int


def write_folder(artifacts: Sequence[Artifact], folder: Path, *, overwrite: bool = False) -> Written:
    """Writes the files below `folder`, which is made if it is missing.

    Raises FolderError before anything is written if the folder holds something else, or a generated file was edited
    since and overwrite is not set.
    """
    known = generated(folder)
    data = {a.path: a.text.encode() for a in artifacts}
    _refuse_foreign(folder, known)
    here = {path: (folder / path).read_bytes() for path in (*data, *known) if (folder / path).is_file()}
    if not overwrite:
        _refuse_edited(folder, data, known, here)
    changed = [a for a in artifacts if here.get(a.path) != data[a.path]]
    for artifact in changed:
        _write(folder / artifact.path, artifact)
    gone = [path for path in known if path not in data and path in here]
    write_atomic(folder / MANIFEST, _manifest(data))
    for path in gone:
        (folder / path).unlink()
    return Written(len(changed), len(data) - len(changed), len(gone))


def generated(folder: Path) -> Mapping[str, str]:
    """The files that were generated into a folder, path -> SHA-256; none if it was not generated into.

    Raises FolderError if the list cannot be read.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != _FORMAT:
            raise ValueError(content["format"])
        return {_inside(str(name)): str(value) for name, value in content["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FolderError(
            f"{path} cannot be read, so it is not known which files were generated; remove it, or name another folder."
        ) from None


def _inside(path: str) -> str:
    """A path that stays below the folder; ValueError for one that leads out of it."""
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ValueError(path)
    return path


def _refuse_foreign(folder: Path, known: Mapping[str, str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder} is a file; name a folder.")
    if not known and folder.is_dir() and any(path.name != ".git" for path in folder.iterdir()):
        raise FolderError(f"{folder} holds files of another origin; name an empty folder, or one generated before.")


def _refuse_edited(
    folder: Path, data: Mapping[str, bytes], known: Mapping[str, str], here: Mapping[str, bytes]
) -> None:
    edited = [p for p, held in here.items() if _hash(held) != known.get(p, "") and held != data.get(p)]
    if edited:
        more = f" and {len(edited) - 5} more" if len(edited) > 5 else ""
        raise FolderError(
            f"{folder}: {', '.join(edited[:5])}{more} changed since it was generated. Keep the changes and generate "
            "into another folder, or drop them with --overwrite."
        )


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _manifest(data: Mapping[str, bytes]) -> bytes:
    return _listed({path: _hash(held) for path, held in data.items()})


def _listed(files: Mapping[str, str]) -> bytes:
    return (json.dumps({"format": _FORMAT, "files": dict(sorted(files.items()))}, indent=1) + "\n").encode()


def _write(path: Path, artifact: Artifact) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, artifact.text.encode())
    if artifact.executable:
        path.chmod(0o755)


def renewed(folder: Path, path: str, data: bytes) -> None:
    """Puts a generated file in place again, as a change that is ours."""
    known = generated(folder)
    write_atomic(folder / path, data)
    if path in known:
        write_atomic(folder / MANIFEST, _listed({**known, path: _hash(data)}))


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over paths and contents, in the order of the paths. The README, which quotes what was verified, is left
    out."""
    whole = hashlib.sha256()
    for path, data in sorted((p, d) for p, d in files.items() if p != README):
        whole.update(f"{path}\0{len(data)}\0".encode() + data)
    return whole.hexdigest()


def zipped(artifacts: Sequence[Artifact], name: str) -> bytes:
    """A zip file of the repository, below a folder `name`; the same files always give the same bytes."""
    buffer = io.BytesIO()
    data = {a.path: a.text.encode() for a in artifacts}
    executable = {a.path for a in artifacts if a.executable}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, held in sorted({**data, MANIFEST: _manifest(data)}.items()):
            entry = zipfile.ZipInfo(f"{name}/{path}")  # dated 1980, as no clock is read
            entry.external_attr = (0o100755 if path in executable else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, held)
    return buffer.getvalue()
