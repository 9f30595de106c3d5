"""One JupyterLab for all tests of this folder, and a page on the workshop for each of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from lab import Lab, browse, chromium, run_all, serve

SCREENSHOTS = Path(__file__).parent / "screenshots"
NOT_OURS = ("favicon", "Failed to load resource", "webpack", "GPU stall", "sandbox", "Ignoring", "jupyter-lsp")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if chromium() is None:
        pytest.skip("chromium is not installed")
    with serve(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="session")
def context(lab: Lab) -> Iterator[Any]:
    with browse() as context:
        yield context


@pytest.fixture
def page(context: Any) -> Iterator[Any]:
    """A fresh page; errors on its console that are ours fail the test."""
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(f"{error}\n{getattr(error, 'stack', '')}"))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    page.close()
    assert [error for error in errors if not any(words in error for words in NOT_OURS)] == []


@pytest.fixture
def board(page: Any, lab: Lab, request: pytest.FixtureRequest) -> Any:
    """The workshop notebook, run, in a page of its own; its kernel is new."""
    name = f"{request.node.name.partition('[')[0]}.ipynb"
    (lab.folder / name).write_bytes((lab.folder / "workshop.ipynb").read_bytes())
    run_all(page, lab.url(name))
    page.locator(".dw-board").first.evaluate("board => board.scrollIntoView()")
    return page


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Any:
    """Keeps a screenshot under the test's name."""
    SCREENSHOTS.mkdir(exist_ok=True)

    def take(page: Any, suffix: str = "") -> None:
        page.screenshot(path=SCREENSHOTS / f"{request.node.name}{suffix}.png")

    return take
