"""The project's own order: what is pinned, packed, kept out of the repository and imported by whom."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from papermill.engines import papermill_engines

import devops_workbook

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINS = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PUBLIC = sorted(set(devops_workbook.__all__) - {"__version__"})


def tracked() -> list[Path]:
    """The files a clone has, and those about to join it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    """The file's text, "" if it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


MODULES = sorted(ROOT.glob("devops_workbook/**/*.py"))


# Dependencies


def test_constraints_hold_names_and_versions_only() -> None:
    assert [line for line in PINS if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []
    names = [canonicalize_name(line.partition("==")[0]) for line in PINS]
    assert len(set(names)) == len(names)


def needed() -> dict[str, metadata.Distribution]:
    """Every installed distribution that the package and its tests need, by canonical name."""
    found: dict[str, metadata.Distribution] = {}
    todo = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
    todo += [Requirement(line) for extra in PROJECT["project"]["optional-dependencies"].values() for line in extra]
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if name == canonicalize_name(PROJECT["project"]["name"]):
            continue  # an extra that is made of others, all of which are looked at
        if name not in found:
            found[name] = metadata.distribution(name)
            todo += list(dependencies(found[name], requirement.extras))
        elif requirement.extras:
            todo += [
                each
                for each in dependencies(found[name], requirement.extras)
                if canonicalize_name(each.name) not in found
            ]
    return found


def dependencies(distribution: metadata.Distribution, extras: set[str]) -> Iterator[Requirement]:
    for line in distribution.requires or ():
        requirement = Requirement(line)
        wanted = requirement.marker is None or any(requirement.marker.evaluate({"extra": e}) for e in {"", *extras})
        if wanted:
            yield requirement


def test_constraints_pin_all_that_is_needed_and_nothing_else() -> None:
    pinned = {canonicalize_name(line.partition("==")[0]) for line in PINS}
    assert needed().keys() - pinned == set(), "needed but not pinned"
    if sys.version_info[:2] == (3, 11):  # later versions of Python need a little less
        assert pinned - needed().keys() == set(), "pinned but not needed"


def test_what_is_pinned_is_what_the_tests_run_on() -> None:
    pinned = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in PINS)}
    assert {name: d.version for name, d in needed().items() if pinned.get(name) != d.version} == {}


def test_every_import_of_the_package_is_a_declared_dependency() -> None:
    declared, extra = (
        {canonicalize_name(Requirement(line).name) for line in lines}
        for lines in (PROJECT["project"]["dependencies"], PROJECT["project"]["optional-dependencies"]["batch"])
    )
    homes = metadata.packages_distributions()
    undeclared = {
        f"{relative(path)}: {name}"
        for path in MODULES
        for name in imported(path) - set(sys.stdlib_module_names) - {"devops_workbook", "__future__"}
        if not (declared | (extra if path.parent.name == "batch" else set()))
        & {canonicalize_name(home) for home in homes[name]}
    }
    assert undeclared == set()


def imported(path: Path) -> set[str]:
    """The top-level names a module imports from elsewhere."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


# The package


def test_the_public_names_are_few() -> None:
    assert set(PUBLIC) >= {"Board", "Evaluation", "Requirements", "Scenario", "evaluate", "load", "save"}
    assert len(devops_workbook.__all__) <= 10


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_the_thing_and_not_a_module_of_that_name(name: str) -> None:
    """Also once the modules behind the names have been imported."""
    for module in ("evaluate", "export.document", "scenario", "widgets.board"):
        importlib.import_module(f"devops_workbook.{module}")
    assert callable(getattr(devops_workbook, name))


def test_the_version_is_said_once() -> None:
    assert devops_workbook.__version__ == PROJECT["project"]["version"] == metadata.version("devops-workbook")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {devops_workbook.__version__} " in changelog


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_module_tells_its_story_before_its_code(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree)


def test_the_core_needs_only_pydantic_and_numpy() -> None:
    """Also at run time: evaluating imports no widget, browser, compiler or template."""
    code = """
import sys
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
evaluate(Requirements())
print(*sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    heavy = {"IPython", "PIL", "anywidget", "diagrams", "ipywidgets", "jinja2", "nbconvert", "papermill", "rich",
             "ruamel", "traitlets", "typer", "typst", "wasmtime"}  # fmt: skip
    assert set(done.stdout.split()) & heavy == set()


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in the wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_file_of_the_package_and_the_notebooks(wheel: set[str]) -> None:
    names = {relative(path) for path in tracked()}
    package = {name for name in names if name.startswith("devops_workbook/")}
    notebooks = {f"devops_workbook/{name}" for name in names if name.startswith("notebooks/")}
    assert (package | notebooks) - wheel == set()
    assert any(name.endswith("catalog/prices/aws.csv") for name in wheel)


def test_the_wheel_holds_nothing_else(wheel: set[str]) -> None:
    assert [name for name in wheel if not name.startswith(("devops_workbook/", "devops_workbook-"))] == []
    assert [name for name in wheel if "__pycache__" in name or ".ipynb_checkpoints" in name] == []


def test_the_wheel_registers_the_command_and_the_exporters() -> None:
    engine = papermill_engines.get_engine("devops-workbook")  # papermill loads it while it is itself imported
    entries = metadata.distribution("devops-workbook").entry_points
    found = {entry.name: entry.load() for entry in entries}
    exporters = {"design_html", "design_markdown", "design_pdf"}
    assert set(found) == {"devops-workbook", "devops-workbook-warm", *exporters}
    assert {entry.group for entry in entries if entry.name.startswith("devops-workbook")} == {
        "console_scripts", "papermill.engine", "jupyter_client.kernel_provisioners",
    }  # fmt: skip
    assert engine in [entry.load() for entry in entries if entry.group == "papermill.engine"]


# What is in the repository


@pytest.mark.parametrize("path", sorted(ROOT.glob("notebooks/*.ipynb")), ids=relative)
def test_a_notebook_carries_no_output_and_little_code(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert "widgets" not in notebook["metadata"]
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert len(notebook["cells"]) <= 8
    for cell in notebook["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


# Written so that this file does not match itself.
FORBIDDEN = {
    "a machine path": r"(?<![\w.~-])/(wor[k]|roo[t]|hom[e]/\w+|farm)/",
    "an index host": r"py[p]i\.or[g]|pythonhoste[d]|npmj[s]\.|de[b]\.debia[n]|--(extra-)?index-ur[l]",
    "a mark of unfinished work": r"\b(TOD[O]|FIXM[E]|XX[X])\b",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    found = {
        f"{relative(path)}: {match[0]}" for path in tracked() for match in re.finditer(FORBIDDEN[what], text_of(path))
    }
    assert found == set()


def test_no_file_is_large() -> None:
    assert {relative(path): path.stat().st_size for path in tracked() if path.stat().st_size > 1_000_000} == {}


def test_what_tools_leave_behind_is_ignored() -> None:
    names = [".venv/x", "exports/shop.pdf", "notebooks/exports/shop.pdf", "tests/e2e/screenshots/board.png",
             "notebooks/.ipynb_checkpoints/x", "devops_workbook/__pycache__/x.pyc", "dist/x.whl"]  # fmt: skip
    done = subprocess.run(["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == names
    kept = subprocess.run(["git", "check-ignore", "exports/example/shop.md"], cwd=ROOT, check=False)
    assert kept.returncode == 1


# Make and CI


def make(*args: str) -> str:
    """What make would run, with nothing installed yet."""
    return subprocess.run(["make", "--no-print-directory", "--dry-run", "--always-make", *args], cwd=ROOT,
                          capture_output=True, text=True, check=True).stdout  # fmt: skip


@pytest.mark.parametrize("target", ["lab", "test", "bench", "golden", "crosscheck", "verify"])
def test_a_make_target_sets_up_what_it_needs(target: str) -> None:
    commands = make(target)
    install = commands.index("pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable")
    assert commands.index("-m venv .venv") < install


@pytest.mark.parametrize("group", ["tools", "checkov", "pipelines"])
def test_what_clouds_are_played_by_is_installed_apart(group: str) -> None:
    commands = make("clouds")
    assert commands.index(f"-m venv .venv/clouds/{group}") < commands.index(f".venv/clouds/{group}/bin/python -m pip")
    assert "--editable" not in commands


def test_make_test_runs_every_check() -> None:
    commands = make("test")
    assert [
        tool for tool in ("ruff check", "ruff format", "mypy", "lint-imports", "pytest") if tool not in commands
    ] == []


def test_make_needs_no_second_installation() -> None:
    """With the environment there and newer than what it is made from, only the target itself runs."""
    commands = subprocess.run(
        ["make", "--dry-run", "--assume-old=.venv/lab.stamp", "--assume-old=.venv/test.stamp", "lab"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (ROOT / ".venv").exists() <= ("pip install" not in commands)


def test_make_lab_is_the_command_line_s_lab() -> None:
    assert make("lab", "ARGS=--allow-root").rstrip().endswith(".venv/bin/devops-workbook lab --allow-root")


def test_ci_runs_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text(encoding="utf-8").rstrip().endswith("make test")
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


def test_own_warnings_are_errors() -> None:
    options: dict[str, Any] = PROJECT["tool"]["pytest"]["ini_options"]
    assert "error:::devops_workbook" in options["filterwarnings"]
    assert options["xfail_strict"] is True


# The account of what was not verified

SKIPPING = """
import pytest

def test_runs(): pass

@pytest.mark.needs("no-such-program")
def test_needs(): raise AssertionError

def test_skips(): pytest.skip("no such service")

@pytest.mark.xfail(strict=True)
def test_known(): raise AssertionError
"""


@pytest.mark.parametrize("ci", ["", "true"])
def test_a_skip_is_told_at_the_end_and_fails_in_ci(tmp_path: Path, ci: str) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "test_it.py").write_text(SKIPPING)
    (tmp_path / "test_module.py").write_text("import pytest\npytest.skip('no browser', allow_module_level=True)\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    needs\n    golden\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--continue-on-collection-errors", str(tmp_path)],
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    *_, last = done.stdout.splitlines()
    if ci:
        assert done.returncode != 0
        assert "skipped" not in last
        assert done.stdout.count("In CI nothing may be skipped. ") >= 3
    else:
        assert done.returncode == 0
        account = done.stdout.partition(" not verified ")[2]
        for reason in ("no-such-program is not installed", "no such service", "no browser"):
            assert f"1 test: {reason}\n" in account
        assert "1 passed, 3 skipped, 1 xfailed" in last
