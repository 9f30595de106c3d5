"""One JupyterLab for all tests of this folder, and a page on the workshop for each of them."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from lab import ROOT, Lab, browse, chromium, run_all, serve, settled

SCREENSHOTS = Path(__file__).parent / "screenshots"
NOT_OURS = (
    "favicon", "Failed to load resource", "webpack", "GPU stall", "sandbox", "Ignoring", "jupyter-lsp",
    "Could not restore the debugger state",  # JupyterLab asks a kernel that a test takes away
)  # fmt: skip


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if chromium() is None:
        pytest.skip("chromium is not installed")
    with serve(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")  # a second browser, of other tests in this process, can only be started after it
def context(lab: Lab) -> Iterator[Any]:
    with browse() as context:
        yield context


class Errors(list[str]):
    """What the consoles of a page said was wrong, but for what is known to come from elsewhere."""

    def watch(self, page: Any) -> Any:
        page.on("pageerror", lambda error: self.note(f"{error}\n{getattr(error, 'stack', '')}"))
        page.on("console", lambda message: self.note(message.text) if message.type == "error" else None)
        return page

    def note(self, text: str) -> None:
        if not any(words in text for words in NOT_OURS):
            self.append(text)


@pytest.fixture(scope="session")
def errors() -> Errors:
    return Errors()


@pytest.fixture(autouse=True)
def no_errors(errors: Errors) -> Iterator[None]:
    """An error on a console fails the test during which it came."""
    errors.clear()
    yield
    assert errors == []


@pytest.fixture
def page(context: Any, errors: Errors) -> Iterator[Any]:
    """A fresh page."""
    page = errors.watch(context.new_page())
    yield page
    page.close()


@pytest.fixture(scope="module")
def workshop(context: Any, errors: Errors, lab: Lab) -> Iterator[Any]:
    """The workshop notebook, run."""
    page = errors.watch(context.new_page())
    run_all(page, lab.url("workshop.ipynb"))
    yield page
    page.close()


@pytest.fixture
def board(workshop: Any, lab: Lab) -> Any:
    """The workshop with the scenario it begins with, freshly loaded, its first view, and nothing open or pinned."""
    shutil.copytree(ROOT / "notebooks" / "scenarios", lab.folder / "scenarios", dirs_exist_ok=True)
    workshop.evaluate(
        "document.querySelectorAll('.dw-root [data-lazy][open]').forEach((part) => { part.open = false; })"
    )
    workshop.get_by_role("combobox", name="Scenario").select_option("startup-web-shop.yaml")
    for name in ("Close", "Unpin baseline", "Runtime", "Load", "Drop my changes"):
        for button in workshop.locator(".dw-root").get_by_role("button", name=name, exact=True).all():
            button.click()
            settled(workshop)
    workshop.locator(".dw-form, .dw-main").evaluate_all("parts => parts.forEach((part) => { part.scrollTop = 0; })")
    workshop.locator(".dw-board").first.evaluate("board => board.scrollIntoView()")
    return workshop


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Any:
    """Keeps a screenshot under the test's name."""
    SCREENSHOTS.mkdir(exist_ok=True)

    def take(page: Any, suffix: str = "") -> None:
        name = re.sub(r"[^\w-]+", "-", f"{request.node.name}{suffix}").strip("-")
        page.screenshot(path=SCREENSHOTS / f"{name}.png")

    return take
