"""The command line as a person and as a pipe meet it: what is printed where, and the exit status."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from devops_workbook import cli
from devops_workbook.batch import run as batch_run
from devops_workbook.batch.cases import Case
from devops_workbook.batch.run import Options, Outcome
from devops_workbook.export import document
from devops_workbook.outline import FIELDS, OUTLINE
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples, load, notebooks_folder

Run = Callable[..., SimpleNamespace]

SHOP = "name: Shop\n"
CORE = importlib.import_module("devops_workbook.evaluate")  # the package's own name `evaluate` is the function


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command line in an empty folder; gives status, out and err."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DEVOPS_WORKBOOK_DEBUG", raising=False)

    def command(*args: str | Path) -> SimpleNamespace:
        status = cli.main([str(arg) for arg in args])
        out, err = capfd.readouterr()
        return SimpleNamespace(status=status, out=out, err=err)

    return command


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    return file


def program(*args: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "devops_workbook.cli", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **kwargs)


# new


def test_new_writes_a_valid_scenario_named_after_the_system(run: Run, tmp_path: Path) -> None:
    result = run("new", "Web shop")
    assert (result.status, result.err) == (0, "")
    assert result.out == "Wrote web-shop.yaml. Edit it, then: devops-workbook check web-shop.yaml\n"
    assert load(tmp_path / "web-shop.yaml").requirements == Requirements(name="Web shop")


@pytest.mark.parametrize("example", examples())
def test_new_can_begin_from_every_example(run: Run, tmp_path: Path, example: str) -> None:
    assert run("new", "Mine", "--from", example, "-o", "other.yaml").status == 0
    expected = load(examples()[example]).requirements.model_copy(update={"name": "Mine"})
    assert load(tmp_path / "other.yaml").requirements == expected


def test_new_writes_into_a_folder_under_the_name(run: Run, tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    assert run("new", "../../Web shop", "-o", "scenarios").status == 0
    assert [path.name for path in (tmp_path / "scenarios").iterdir()] == ["web-shop.yaml"]


def test_new_never_overwrites(run: Run, shop: Path) -> None:
    result = run("new", "Shop")
    assert (result.status, result.out) == (1, "")
    assert result.err == "shop.yaml: exists already; load it to change it, or choose another name\n"
    assert shop.read_text() == SHOP


def test_new_names_the_nearest_example(run: Run) -> None:
    result = run("new", "Shop", "--from", "payment-api")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith(
        "'payment-api' is not an example; did you mean 'payments-api'? (allowed: back-office, "
    )


# check


def test_check_prints_findings_with_their_ways_out(run: Run) -> None:
    path = examples()["payments-api"]
    result = run("check", path)
    assert (result.status, result.err) == (0, "")
    first, *rest = result.out.splitlines()
    assert re.fullmatch(rf"{re.escape(str(path))}: valid; (\d+ (high|medium|low)(, )?)+ findings?", first)
    severities = [line.split()[0] for line in rest if line.startswith("  ") and not line.startswith("    ")]
    assert severities == sorted(severities, key=["high", "medium", "low"].index)
    assert any(line.startswith("    way out: ") for line in rest)


def test_check_prices_the_ways_back_under_a_budget(run: Run) -> None:
    lines = run("check", examples()["back-office"]).out.splitlines()
    at = next(n for n, line in enumerate(lines) if line.endswith("[over-budget]"))
    ways = [line for line in lines[at + 1 :] if " the budget: " in line]
    assert 1 <= len(ways) <= 3
    assert all(re.match(r"    (under|nearer to) the budget: .+: \$[\d,.]+ a month\. .+\.$", way) for way in ways)
    assert not any(" the budget: " in line for line in run("check", examples()["payments-api"]).out.splitlines())


def test_check_tells_every_problem_of_every_file_and_still_checks_the_others(run: Run, shop: Path) -> None:
    bad = shop.with_name("bad.yaml")
    bad.write_text("peek_rps: 3\nteam_size: 0\n")
    result = run("check", "bad.yaml", "shop.yaml", "missing.yaml")
    assert result.status == 2
    assert result.out.startswith("shop.yaml: valid; ")
    assert result.err == (
        "bad.yaml, line 1: 'peek_rps' is not a field; did you mean 'peak_rps'?\n"
        "bad.yaml, line 2: team_size: 0 is not allowed (allowed: integer from 1 to 5,000 people)\n"
        "missing.yaml: cannot be read: no such file or directory\n"
    )


# plan


def test_plan_prints_the_structured_return(run: Run) -> None:
    result = run("plan", examples()["startup-web-shop"])
    assert (result.status, result.err) == (0, "")
    sections = result.out.removesuffix("\n").split("\n\n")
    assert [section.splitlines()[0] for section in sections] == [f"{section.heading}:" for section in OUTLINE]
    labels = re.findall(r"^- (.+?): \S", result.out, flags=re.MULTILINE)
    assert labels == [field.title for field in FIELDS]


def test_plan_prints_json_that_a_program_can_read(run: Run) -> None:
    result = run("plan", examples()["media-site"], "--format", "json")
    assert (result.status, result.err) == (0, "")
    assert json.loads(result.out)["requirements"]["name"] == "Sports media site"


def test_plan_prints_markdown(run: Run) -> None:
    result = run("plan", examples()["iot-ingest"], "-f", "markdown")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("# ")
    assert [section.title for section in OUTLINE if f"\n## {section.title}\n" not in result.out] == []


def test_plan_writes_a_file_in_one_step(run: Run, shop: Path) -> None:
    printed = run("plan", "shop.yaml")
    written = run("plan", "shop.yaml", "-o", "plan.txt")
    assert (written.status, written.out, written.err) == (0, "", "Wrote plan.txt\n")
    assert shop.with_name("plan.txt").read_text() == printed.out


def test_plan_tells_when_a_file_cannot_be_written(run: Run, shop: Path) -> None:
    result = run("plan", shop, "-o", "nowhere/plan.txt")
    assert (result.status, result.out) == (1, "")
    assert result.err == "nowhere/plan.txt: cannot be written: no such file or directory\n"


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_a_pipe_gets_the_plan_and_nothing_else(form: str) -> None:
    """Whole lines however narrow the terminal, no colours, UTF-8 whatever the locale."""
    narrow = {**os.environ, "COLUMNS": "20", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    path = str(examples()["startup-web-shop"])
    piped = subprocess.run(
        [sys.executable, "-m", "devops_workbook.cli", "plan", path, "--format", form],
        env=narrow,
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert piped.stderr == b""
    assert "\x1b" not in piped.stdout.decode()
    assert piped.stdout.decode() == program("plan", path, "--format", form).stdout


def test_a_terminal_that_has_only_ascii_still_gets_every_sentence(tmp_path: Path) -> None:
    file = tmp_path / "café.yaml"
    file.write_text(SHOP)
    done = program("check", str(file), env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "caf\\xe9.yaml: valid; " in done.stdout


def test_a_pipe_may_close_early() -> None:
    path = str(examples()["startup-web-shop"])
    with subprocess.Popen(
        [sys.executable, "-m", "devops_workbook.cli", "plan", path, "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_hostile_text_reaches_no_terminal(run: Run, tmp_path: Path, form: str) -> None:
    (tmp_path / "hostile.yaml").write_text(
        'name: "\\e]0;owned\\a\\e[31m"\nowner: "\\x9b31m\\r"\noverrides: {cicd.platform: "\\e[2J"}\n'
    )
    result = run("plan", "hostile.yaml", "--format", form)
    assert result.status == 0
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", result.out)
    checked = run("check", "hostile.yaml")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", checked.out)


# export


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[str, ...], Path]]:
    """Stands in for the export, which has tests of its own; remembers what it was asked."""
    asked: list[tuple[str, tuple[str, ...], Path]] = []

    def export(requirements: Requirements, formats: tuple[str, ...], folder: Path, progress: Any) -> list[Path]:
        asked.append((requirements.name, formats, folder))
        progress("running the report", 0.0)
        if requirements.name == "Broken":
            raise document.ExportError("the report notebook stopped with ZeroDivisionError")
        return [folder / f"{requirements.name}.{format}" for format in formats]

    monkeypatch.setattr(document, "export", export)
    return asked


def test_export_writes_every_format_of_every_scenario(
    run: Run, shop: Path, exporter: list[tuple[str, tuple[str, ...], Path]]
) -> None:
    shop.with_name("bar.yaml").write_text("name: Bar\n")
    result = run("export", "shop.yaml", "bar.yaml", "--formats", "PDF, html,pdf", "-o", "out")
    assert (result.status, result.err) == (0, "")
    assert result.out.splitlines() == [
        "Wrote out/Shop.pdf",
        "Wrote out/Shop.html",
        "Wrote out/Bar.pdf",
        "Wrote out/Bar.html",
    ]
    assert exporter == [("Shop", ("pdf", "html"), Path("out")), ("Bar", ("pdf", "html"), Path("out"))]


def test_export_has_the_formats_that_documents_have() -> None:
    assert set(cli.EXPORT_FORMATS) == set(document.FORMATS)


@pytest.mark.parametrize(
    ("formats", "words"),
    [("htm", "'htm' is not a format; did you mean 'html'? (allowed: html, pdf, md)"), (",", "--formats is empty")],
)
def test_export_refuses_an_unknown_format(run: Run, shop: Path, exporter: list[Any], formats: str, words: str) -> None:
    result = run("export", shop, "--formats", formats)
    assert (result.status, result.out, exporter) == (1, "", [])
    assert words in result.err


def test_export_refuses_two_scenarios_of_one_name(run: Run, shop: Path, exporter: list[Any]) -> None:
    shop.with_name("again.yaml").write_text("name: SHOP\n")
    result = run("export", "shop.yaml", "again.yaml")
    assert (result.status, exporter) == (1, [])
    assert "shop.yaml and again.yaml would be written to the same documents" in result.err


def test_export_checks_every_scenario_before_it_begins(run: Run, shop: Path, exporter: list[Any]) -> None:
    shop.with_name("bad.yaml").write_text("team_size: 0\n")
    result = run("export", "shop.yaml", "bad.yaml")
    assert (result.status, exporter) == (2, [])
    assert result.err.startswith("bad.yaml, line 1: team_size: 0 is not allowed")


def test_export_tells_why_a_document_could_not_be_made(run: Run, tmp_path: Path, exporter: list[Any]) -> None:
    (tmp_path / "broken.yaml").write_text("name: Broken\n")
    result = run("export", "broken.yaml")
    assert result.status == 1
    assert result.err == "broken.yaml: the report notebook stopped with ZeroDivisionError\n"


# lab


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Stands in for JupyterLab; remembers how it was started."""
    commands: list[list[str]] = []
    monkeypatch.setattr(cli, "_run", lambda command: commands.append(command) or 0)
    monkeypatch.setattr(cli, "_is_root", lambda: False)
    return commands


def boards(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return re.findall(r"Board\(.*\)", "\n".join("".join(cell["source"]) for cell in cells))


def test_the_workshop_notebook_begins_with_an_example() -> None:
    """`lab SCENARIO` puts another scenario in this place."""
    assert boards(notebooks_folder() / "workshop.ipynb") == [cli.FIRST_BOARD]


def test_lab_opens_the_notebook_of_a_checkout(
    run: Run, opened: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(notebooks_folder())
    assert run("lab").status == 0
    assert opened == [[sys.executable, "-m", "jupyterlab", str(notebooks_folder() / "workshop.ipynb")]]


def test_lab_gives_other_folders_a_copy_with_the_examples(run: Run, opened: list[list[str]], tmp_path: Path) -> None:
    assert run("lab").status == 0
    assert opened == [[sys.executable, "-m", "jupyterlab", str(tmp_path / "workshop.ipynb")]]
    assert (tmp_path / "workshop.ipynb").read_bytes() == (notebooks_folder() / "workshop.ipynb").read_bytes()
    assert {path.stem for path in (tmp_path / "scenarios").iterdir()} == set(examples())


def test_lab_gives_a_scenario_a_notebook_of_its_own(run: Run, opened: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / 'It\'s "ours".yaml').write_text(SHOP)
    assert run("lab", 'mine/It\'s "ours".yaml').status == 0
    notebook = tmp_path / "workshop-it-s-ours.ipynb"
    assert opened[0][-1] == str(notebook)
    assert boards(notebook) == ["Board('mine/It\\'s \"ours\".yaml')"]


def test_lab_never_overwrites(run: Run, opened: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "workshop.ipynb").write_text("mine")
    result = run("lab")
    assert (tmp_path / "workshop.ipynb").read_text() == "mine"
    assert f"{tmp_path / 'workshop.ipynb'} is here already and stays as it is" in result.err
    assert len(opened) == 1


def test_lab_opens_nothing_for_an_invalid_scenario(run: Run, opened: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("team_size: 0\n")
    assert run("lab", "bad.yaml").status == 2
    assert opened == []


def test_lab_says_that_jupyterlab_does_not_run_as_root_unless_that_is_meant(
    run: Run, opened: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_is_root", lambda: True)
    result = run("lab")
    assert (result.status, result.out, opened, list(tmp_path.iterdir())) == (1, "", [], [])
    assert result.err.startswith("JupyterLab does not run as root")
    assert "--allow-root" in result.err
    assert run("lab", "--allow-root").status == 0
    assert opened == [[sys.executable, "-m", "jupyterlab", "--allow-root", str(tmp_path / "workshop.ipynb")]]


def test_lab_ends_as_jupyterlab_does(run: Run, opened: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_run", lambda command: 7)
    assert run("lab").status == 7


# batch


@pytest.fixture
def batched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Case], Options]]:
    """What was asked of batches; every case is done but those that are invalid."""
    asked: list[tuple[list[Case], Options]] = []

    def work(cases: list[Case], options: Options, watch: Callable[..., None]) -> Outcome:
        asked.append((cases, options))
        outcome = Outcome(len(cases))
        for case in cases:
            told = {"id": case.id, "name": case.name, "origin": case.origin, "error": " ".join(case.problems)}
            outcome.rows[case.id] = {**told, "status": "failed" if case.problems else "done"}
            watch(outcome, outcome.rows[case.id])
        return outcome

    monkeypatch.setattr(batch_run, "run", work)
    return asked


def test_batch_works_a_grid_out(run: Run, shop: Path, batched: list[tuple[list[Case], Options]]) -> None:
    result = run("batch", "shop.yaml", "--grid", "provider=aws,gcp", "-o", "out/", "--formats", "none", "-w", "3")
    assert (result.status, result.err) == (0, "")
    assert result.out == "2 scenarios: 2 done, 0 finished before, 0 failed. See out/index.html\n"
    ((cases, options),) = batched
    assert [case.requirements.provider for case in cases if case.requirements] == ["aws", "gcp"]
    assert (options.url, options.formats, options.workers, options.title) == ("out/", (), 3, "Shop")


def test_batch_ends_with_3_when_some_failed(run: Run, shop: Path, batched: list[tuple[list[Case], Options]]) -> None:
    shop.with_name("bad.yaml").write_text("name: Bad\npeak_rps: -5\n")
    result = run("batch", ".")
    assert result.status == 3
    assert result.out == "2 scenarios: 1 done, 0 finished before, 1 failed. See exports/batch/index.html\n"
    assert result.err == (
        "failed: bad: bad.yaml, line 2: peak_rps: -5 is not allowed (allowed: number above 0 to 10,000,000 req/s)\n"
    )
    assert batched[0][1].title == "Scenarios: batch"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["batch", "missing"], "missing: cannot be read: no such file or directory\n"),
        (["batch", "shop.yaml", "--grid", "providr=aws"], "did you mean 'provider'?"),
        (["batch", "shop.yaml", "shop.csv"], "shop.csv, row 1, column 1: 'nam' is not a field; did you mean 'name'?"),
        (["batch", "shop.yaml", "-o", "nowhere://x"], "nowhere://x: cannot be written to"),
        (["batch", "shop.yaml", "--workers", "0"], "Input should be greater than or equal to 1"),
        (["batch", "shop.yaml", "--formats", "docx"], "'docx' is not a format"),
    ],
)
def test_a_batch_that_cannot_be_is_a_sentence(run: Run, shop: Path, args: list[str], words: str) -> None:
    shop.with_name("shop.csv").write_text("nam\nShop\n")
    result = run(*args)
    assert (result.status, result.out) == (1, "")
    assert words in result.err
    assert "Traceback" not in result.err


def test_a_batch_that_is_stopped_says_how_to_go_on(run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch_run, "run", stopped)
    result = run("batch", "shop.yaml")
    assert (result.status, result.out) == (130, "")
    assert result.err == "Stopped. What is finished stays; run the same command again to go on.\n"


def test_a_batch_names_the_extra_that_it_needs(run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "devops_workbook.batch.run", None)
    monkeypatch.delitem(sys.modules, "distributed", raising=False)
    result = run("batch", "shop.yaml")
    assert result.status == 1
    assert "pip install 'devops-workbook[batch]'" in result.err


# Errors and help


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["plan", "missing.yaml"], "missing.yaml: cannot be read: no such file or directory\n"),
        (["plan", "."], ".: cannot be read: is a directory\n"),
        (["plan"], "Missing argument 'SCENARIO'."),
        (["plam", "shop.yaml"], "No such command 'plam'."),
        (["plan", "shop.yaml", "--formt", "json"], "--formt"),
        (["plan", "shop.yaml", "--format", "yaml"], "'yaml' is not one of 'text', 'markdown', 'json'"),
        (["check"], "Missing argument 'SCENARIO...'."),
    ],
)
def test_what_is_not_about_a_scenario_ends_with_1(run: Run, shop: Path, args: list[str], words: str) -> None:
    result = run(*args)
    assert (result.status, result.out) == (1, "")
    assert words in result.err
    assert "Traceback" not in result.err


def test_an_invalid_scenario_ends_with_2(run: Run, shop: Path) -> None:
    shop.write_text("name: Shop\npeak_rps: -5\n")
    result = run("plan", "shop.yaml", "--format", "json")
    assert (result.status, result.out) == (2, "")
    assert (
        result.err == "shop.yaml, line 2: peak_rps: -5 is not allowed (allowed: number above 0 to 10,000,000 req/s)\n"
    )


def broken(requirements: Requirements) -> None:
    raise ZeroDivisionError("division by zero")


def test_what_nobody_foresaw_is_a_sentence_too(run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CORE, "evaluate", broken)
    result = run("plan", "shop.yaml")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("ZeroDivisionError: division by zero\n")
    assert "--debug" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("flagged", [True, False])
def test_debug_shows_where_an_error_came_from(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch, flagged: bool
) -> None:
    monkeypatch.setattr(CORE, "evaluate", broken)
    if not flagged:
        monkeypatch.setenv("DEVOPS_WORKBOOK_DEBUG", "1")
    result = run(*["--debug"] * flagged, "plan", "shop.yaml")
    assert result.status == 1
    assert "Traceback (most recent call last)" in result.err
    assert "in broken" in result.err


def test_stopping_it_leaves_no_traceback(run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(requirements: Requirements) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(CORE, "evaluate", stopped)
    result = run("plan", "shop.yaml")
    assert (result.status, result.err) == (130, "")


def test_the_version_is_that_of_the_package(run: Run) -> None:
    result = run("--version")
    assert result.status == 0
    assert re.fullmatch(r"devops-workbook \d+\.\d+\.\d+\n", result.out)


@pytest.mark.parametrize("verb", ["", "new", "check", "plan", "export", "batch", "lab"])
def test_help_ends_in_examples_that_are_true(run: Run, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    result = run(*[verb] * bool(verb), "--help")
    assert result.status == 0
    shown = re.findall(r"^ *devops-workbook (\w+)", result.out.partition("Examples")[2], flags=re.MULTILINE)
    assert (
        shown == [verb] * len(shown)
        if verb
        else shown == ["new", "check", "plan", "export", "generate", "verify", "batch", "lab"]
    )
    assert shown
    named = re.findall(r"--from ([\w-]+)", result.out.partition("Examples")[2])
    assert set(named) <= set(examples())


def test_without_a_verb_it_prints_the_help(run: Run) -> None:
    result = run()
    assert "Usage: devops-workbook" in result.out
    assert (result.status, result.err) == (1, "")


# Completion


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("devops-workbook ex", ["export"]),
        ("devops-workbook new x --from pa", ["payments-api"]),
        ("devops-workbook plan --format m", ["markdown"]),
        ("devops-workbook export x.yaml --formats html,", ["html,pdf", "html,md"]),
        ("devops-workbook export x.yaml --formats p", ["pdf"]),
    ],
)
def test_the_shell_completes_verbs_examples_and_formats(words: str, expected: list[str]) -> None:
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = program(env={**os.environ, **asked, "_DEVOPS_WORKBOOK_COMPLETE": "complete_bash"})
    assert (done.returncode, done.stdout.split()) == (0, expected)


def test_progress_is_drawn_for_a_person_only(shop: Path) -> None:
    """A bar on the terminal, while stdout stays clean for a pipe."""
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    person, terminal = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "devops_workbook.cli", "check", str(shop)],
        stdout=subprocess.PIPE,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm"},
        timeout=120,
        check=True,
    )
    os.close(terminal)
    drawn = os.read(person, 65536).decode()
    os.close(person)
    assert "Checking" in drawn
    assert done.stdout.decode().startswith(f"{shop}: valid; ")
    assert "\x1b" not in done.stdout.decode()


# Code


def test_generate_writes_a_repository_and_then_nothing_new(run: Run, tmp_path: Path) -> None:
    scenario = str(examples()["startup-web-shop"])
    first = run("generate", scenario, "-o", str(tmp_path / "shop"))
    assert (first.status, first.err) == (0, "")
    assert re.match(r"Wrote (\d+) files below .*; 0 were the same, 0 removed", first.out)
    assert (tmp_path / "shop" / "infrastructure" / "environments" / "dev" / "main.tf").is_file()
    assert "Wrote 0 files" in run("generate", scenario, "-o", str(tmp_path / "shop")).out


def test_generate_keeps_what_was_changed_by_hand(run: Run, tmp_path: Path) -> None:
    scenario, folder = str(examples()["startup-web-shop"]), tmp_path / "shop"
    run("generate", scenario, "-o", str(folder))
    (folder / "README.md").write_text("mine")
    refused = run("generate", scenario, "-o", str(folder))
    assert refused.status == 1
    assert "README.md changed since it was generated" in refused.err
    assert (folder / "README.md").read_text() == "mine"
    assert run("generate", scenario, "-o", str(folder), "--overwrite").status == 0
    assert (folder / "README.md").read_text() != "mine"


def test_generate_writes_a_zip(run: Run, tmp_path: Path) -> None:
    result = run("generate", str(examples()["startup-web-shop"]), "-o", str(tmp_path / "shop.zip"))
    assert result.status == 0
    assert (tmp_path / "shop.zip").read_bytes().startswith(b"PK")


def test_verify_says_what_it_could_not_verify(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("generate", str(examples()["startup-web-shop"]), "-o", str(tmp_path / "shop"))
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("verify", str(tmp_path / "shop"))
    assert result.status == 0
    assert "terraform is not installed" in result.out
    assert "passed" not in result.out.replace("0 passed", "")
    assert "not verified" in (tmp_path / "shop" / "README.md").read_text()


def test_verify_wants_a_folder(run: Run, tmp_path: Path) -> None:
    result = run("verify", str(tmp_path / "nothing"))
    assert result.status == 1
    assert "there is no such folder" in result.err


def test_export_quotes_only_a_folder_that_was_verified(run: Run, tmp_path: Path) -> None:
    result = run("export", str(examples()["back-office"]), "--verified", str(tmp_path))
    assert result.status == 1
    assert "holds no record" in result.err
