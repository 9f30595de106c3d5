"""One case in a worker: what is finished is not done again, what failed is told, what is full ends it."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import nbformat
import psutil
import pytest

from devops_workbook.batch import warm, work
from devops_workbook.batch.results import COLUMNS
from devops_workbook.batch.store import RESULT, Store, StoreError, is_full
from devops_workbook.batch.work import NoSpace, Task, carry_out, content_key
from devops_workbook.export import document
from devops_workbook.export.document import ExportError
from devops_workbook.requirements import Requirements
from tests.batch.conftest import Write

SHOP = Requirements(name="Shop & Söhne")


def task(url: Any, requirements: Requirements = SHOP, **changes: Any) -> Task:
    values: dict[str, Any] = {
        "id": "shop", "name": requirements.name, "origin": "shop.yaml", "url": str(url), "formats": ("html", "md"),
        "values": requirements.model_dump(mode="json"), "key": content_key(requirements), **changes,
    }  # fmt: skip
    return Task(**values)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Requirements]:
    """The reports that were run; each is an empty notebook, since what is looked at is what is done with it."""
    done: list[Requirements] = []

    def run(requirements: Requirements, engine: str | None, timeout: float | None) -> nbformat.NotebookNode:
        done.append(requirements)
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(requirements.name)])

    monkeypatch.setattr(work, "run_report", run)
    monkeypatch.setattr(work, "exported", lambda _notebook, format: f"a document in {format}".encode())
    return done


def test_a_case_becomes_a_notebook_its_documents_and_a_row(runs: list[Requirements], tmp_path: Path) -> None:
    row = carry_out(task(tmp_path))
    name = "shop-sohne"
    assert sorted(p.name for p in (tmp_path / "shop").iterdir()) == sorted(
        [f"{name}.html", f"{name}.md", "report.ipynb", RESULT]
    )
    assert row["status"] == "done"
    assert row["html"] == f"shop/{name}.html"
    assert (tmp_path / row["md"]).read_text() == "a document in md"
    assert set(row) <= set(COLUMNS)
    assert row["monthly_usd"] > 0
    assert json.loads((tmp_path / "shop" / RESULT).read_text())["row"] == row


def test_what_is_finished_is_not_done_again(runs: list[Requirements], tmp_path: Path) -> None:
    first = carry_out(task(tmp_path))
    assert carry_out(task(tmp_path)) == first | {"status": "before"}
    assert carry_out(task(tmp_path, formats=("html",)))["status"] == "before"
    assert len(runs) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "shop-sohne.html").unlink(),
        lambda folder: (folder / RESULT).unlink(),
        lambda folder: (folder / RESULT).write_text('{"status": "do'),
        lambda folder: (folder / RESULT).write_text("[]"),
    ],
    ids=["a document is gone", "its end is not there", "its end is half there", "its end is something else"],
)
def test_what_is_half_there_is_done_again(
    runs: list[Requirements], tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    carry_out(task(tmp_path))
    spoil(tmp_path / "shop")
    (tmp_path / "shop" / ".1234.part").write_text("half")
    assert carry_out(task(tmp_path))["status"] == "done"
    assert len(runs) == 2
    assert not list((tmp_path / "shop").glob(".*.part"))


def test_another_format_or_other_content_is_done(runs: list[Requirements], tmp_path: Path) -> None:
    carry_out(task(tmp_path))
    assert carry_out(task(tmp_path, formats=("html", "pdf")))["status"] == "done"
    other = SHOP.model_copy(update={"peak_rps": 777.0})
    assert carry_out(task(tmp_path, other, formats=("html",)))["status"] == "done"
    assert len(runs) == 3


def test_the_key_tells_requirements_package_facts_prices_and_notebook_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = {content_key(SHOP), content_key(SHOP.model_copy(update={"owner": "x"}))}
    for name in ("package", "facts", "prices", "notebook"):
        known = dict(work._surroundings())
        monkeypatch.setattr(work, "_surroundings", lambda found=known | {name: "other"}: found)
        keys.add(content_key(SHOP))
        monkeypatch.undo()
    assert len(keys) == 6


def test_a_worker_that_knows_other_facts_refuses(runs: list[Requirements], tmp_path: Path) -> None:
    row = carry_out(task(tmp_path, key="of another catalog"))
    assert row["status"] == "failed"
    assert "another version of the package" in row["error"]
    assert runs == []


def test_a_failure_is_told_kept_and_tried_again(
    runs: list[Requirements], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    partial = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("so far")])

    def fail(*_: Any, **__: Any) -> Any:
        raise ExportError("the report notebook stopped with KeyError: 'x'", partial)

    with monkeypatch.context() as patch:
        patch.setattr(work, "run_report", fail)
        row = carry_out(task(tmp_path))
    assert (row["status"], row["error"]) == ("failed", "the report notebook stopped with KeyError: 'x'")
    assert nbformat.read(tmp_path / row["notebook"], 4).cells[0].source == "so far"
    assert carry_out(task(tmp_path))["status"] == "done"


def test_a_document_that_cannot_be_made_keeps_the_notebook(
    runs: list[Requirements], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: Any) -> bytes:
        raise ExportError("the page is too long")

    monkeypatch.setattr(work, "exported", fail)
    row = carry_out(task(tmp_path))
    assert (row["status"], row["error"]) == ("failed", "the page is too long")
    assert nbformat.read(tmp_path / row["notebook"], 4).cells[0].source == SHOP.name


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_is_not_the_fault_of_a_case(
    runs: list[Requirements], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    def full(*_: Any) -> None:
        raise OSError(number, "there is none")

    monkeypatch.setattr(Store, "write", full)
    with pytest.raises(NoSpace, match="there is no space left"):
        carry_out(task(tmp_path))


def test_no_space_is_found_behind_other_errors() -> None:
    told = ExportError("the report could not be run")
    told.__cause__ = OSError(errno.ENOSPC, "full")
    assert is_full(told)
    assert not is_full(ExportError("else"))


# --- places ----------------------------------------------------------------------------------------------


def test_a_place_may_be_any_url_that_fsspec_knows(runs: list[Requirements]) -> None:
    url = "memory://reviews/nightly"
    Store(url).open()
    assert carry_out(task(url))["status"] == "done"
    assert carry_out(task(url))["status"] == "before"
    fs = fsspec.filesystem("memory")
    assert fs.cat_file("/reviews/nightly/shop/shop-sohne.html") == b"a document in html"
    fs.rm("/reviews", recursive=True)


@pytest.mark.parametrize("url", ["nowhere://x", "s3://bucket/x" if not fsspec.utils.get_protocol("s3") else "gone://x"])
def test_a_place_that_is_none_is_said(url: str) -> None:
    with pytest.raises(StoreError, match="cannot be written to"):
        Store(url).open()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(StoreError, match="file/x: cannot be written to"):
        Store(str(tmp_path / "file" / "x")).open()


# --- with a kernel ---------------------------------------------------------------------------------------


@pytest.fixture
def of(monkeypatch: pytest.MonkeyPatch, notebook: Write) -> Callable[..., None]:
    """Has a notebook of these cells be the report."""

    def use(*cells: str) -> None:
        path = notebook(*cells)
        monkeypatch.setattr(document, "notebooks_folder", lambda: path.parent)

    return use


def test_a_kernel_that_hangs_is_stopped(of: Callable[..., None], tmp_path: Path) -> None:
    of("print('so far', flush=True)", "import time\nwhile True:\n    time.sleep(0.1)")
    warm.start()
    start = time.monotonic()
    row = carry_out(task(tmp_path / "out", timeout=3.0))
    assert row["error"] == "the report notebook took longer than 3 s"
    assert "so far" in (tmp_path / "out" / row["notebook"]).read_text()
    assert time.monotonic() - start < 60
    parent = psutil.Process(warm.start()._process.pid)
    assert [p for p in parent.children() if p.status() != psutil.STATUS_ZOMBIE] == []


def test_a_kernel_that_dies_is_told(of: Callable[..., None], tmp_path: Path) -> None:
    of("import os\nos._exit(7)")
    row = carry_out(task(tmp_path / "out"))
    assert row["status"] == "failed"
    assert "Kernel died" in row["error"]
