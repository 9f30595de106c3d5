"""Writing a repository: nothing that people did to it is lost."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from devops_workbook.artifacts.folder import MANIFEST, FolderError, Written, generated, write_folder, zipped
from devops_workbook.artifacts.model import Artifact

FILES = (
    Artifact("README.md", "# One\n"),
    Artifact("infrastructure/main.tf", "a = 1\n"),
    Artifact("run.sh", "#!/bin/sh\n", True),
)


def test_a_folder_is_written_and_then_the_same(tmp_path: Path) -> None:
    target = tmp_path / "new"
    assert write_folder(FILES, target) == Written(3, 0, 0)
    assert write_folder(FILES, target) == Written(0, 3, 0)
    assert (target / "infrastructure/main.tf").read_text() == "a = 1\n"
    assert (target / "run.sh").stat().st_mode & 0o111
    assert set(generated(target)) == {a.path for a in FILES}


def test_what_is_no_longer_generated_goes_and_what_is_yours_stays(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    assert write_folder(FILES[:1], tmp_path) == Written(0, 1, 2)
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == [MANIFEST, "README.md", "notes.txt"]


def test_an_edit_is_not_overwritten_unless_that_is_asked_for(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path)
    (tmp_path / "infrastructure/main.tf").write_text("a = 2\n")
    with pytest.raises(FolderError, match=r"infrastructure/main\.tf changed since it was generated.*--overwrite"):
        write_folder((*FILES[:1], Artifact("infrastructure/main.tf", "a = 3\n")), tmp_path)
    assert (tmp_path / "infrastructure/main.tf").read_text() == "a = 2\n"
    write_folder(FILES, tmp_path, overwrite=True)
    assert (tmp_path / "infrastructure/main.tf").read_text() == "a = 1\n"


def test_an_edited_file_that_is_no_longer_generated_is_not_removed(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path)
    (tmp_path / "run.sh").write_text("mine")
    with pytest.raises(FolderError, match=r"run\.sh changed"):
        write_folder(FILES[:2], tmp_path)


def test_a_folder_of_another_origin_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(FolderError, match="another origin"):
        write_folder(FILES, tmp_path)
    with pytest.raises(FolderError, match="is a file"):
        write_folder(FILES, tmp_path / "thesis.doc")


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "{}",
        '{"format": 2, "files": {}}',
        '{"format": 1, "files": {"../x": "1"}}',
        '{"format": 1, "files": {"/etc/x": "1"}}',
    ],
)
def test_a_list_that_cannot_be_trusted_is_refused(tmp_path: Path, manifest: str) -> None:
    (tmp_path / MANIFEST).write_text(manifest)
    with pytest.raises(FolderError, match="cannot be read"):
        write_folder(FILES, tmp_path)


def test_a_zip_holds_the_same_and_is_the_same_every_time() -> None:
    data = zipped(FILES, "web-shop")
    assert data == zipped(FILES, "web-shop")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert set(archive.namelist()) == {f"web-shop/{name}" for name in (MANIFEST, *(a.path for a in FILES))}
        assert archive.read("web-shop/README.md") == b"# One\n"
        assert archive.getinfo("web-shop/run.sh").external_attr >> 16 & 0o111
