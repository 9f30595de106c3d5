"""What all tests share: the programs some of them need, golden files, and the account of what was not verified.

A test that needs a program, or one of the tools that `make clouds` installs (tests/clouds/tools.py), says so
(`@pytest.mark.needs("chromium")`) and skips with the reason where it is missing. The run ends by listing what was
therefore not verified; with CI set, such a skip is a failure.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples, load
from tests.clouds.tools import missing

CI = os.environ.get("CI", "").lower() not in ("", "0", "false", "no")
GOLDEN = Path(__file__).parent / "golden"

# In CI the same examples are tried every time, so that a red run can be run again.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if CI else "here")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files instead of comparing")


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "golden" in getattr(item, "fixturenames", ()):
            item.add_marker("golden")
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for reason in filter(None, map(missing, mark.args)):
            pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[Any]:
    return _strict((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[Any]:
    return _strict((yield))


def _strict(report: Any) -> Any:
    """In CI nothing may be missing: there a skip is a failure with the same reason."""
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"In CI nothing may be skipped. {_reason(report)}"
    return report


def _reason(report: Any) -> str:
    longrepr = report.longrepr
    return str(longrepr[2] if isinstance(longrepr, tuple) else longrepr).removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", ()))
    if skipped:
        terminalreporter.section("not verified")
    for reason, count in sorted(skipped.items()):
        terminalreporter.write_line(f"{count} test{'s' * (count > 1)}: {reason}")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with the stored file of this name, or with --update-golden stores it."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.exists(), f"{name} is not stored; `make golden` stores it"
        stored = file.read_text(encoding="utf-8")
        if text != stored:
            diff = unified_diff(stored.splitlines(), text.splitlines(), "stored", "now", lineterm="", n=0)
            changed = [line[:200] for line in islice(diff, 20)]
            pytest.fail("\n".join([f"{name} differs; read the diff of `make golden` before keeping it", *changed]))

    return compare


@pytest.fixture(scope="session")
def scenarios() -> dict[str, Requirements]:
    """The example scenarios by name."""
    return {name: load(path).requirements for name, path in examples().items()}


@pytest.fixture(scope="session")
def evaluations(scenarios: dict[str, Requirements]) -> dict[str, Evaluation]:
    """The example scenarios, worked out."""
    return {name: evaluate(requirements) for name, requirements in scenarios.items()}


@pytest.fixture(scope="module")  # two at once cannot be in one process
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("chromium is not installed")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()
