"""The command line: new, check, plan, export, generate, verify, batch, lab.

A thin shell: every verb reads scenarios, calls the package and prints. What a pipe should get goes to stdout,
what a person should read besides goes to stderr. Exit status 0: done; 2: a scenario is invalid; 3: some scenarios of a
batch failed; 1: anything else. An error is a sentence; with --debug it is a traceback too.
"""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import signal
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

# The package proper is imported where a verb needs it, so that --help and completion answer at once.
if TYPE_CHECKING:
    from devops_workbook.batch.inputs import Input
    from devops_workbook.batch.run import Outcome as BatchOutcome
    from devops_workbook.evaluate import Evaluation
    from devops_workbook.findings import Finding, Severity
    from devops_workbook.scenario import Scenario

__all__ = ["app", "main"]

FIRST_BOARD = 'Board("scenarios/startup-web-shop.yaml")'
EXPORT_FORMATS = ("html", "pdf", "md")
SEVERITY_STYLES: dict[Severity, str] = {"high": "bold red", "medium": "yellow", "low": "cyan"}

_debugging: ContextVar[bool] = ContextVar("debugging", default=False)


class PlanFormat(StrEnum):
    """How `plan` prints."""

    text = "text"
    markdown = "markdown"
    json = "json"


def _examples_of(*lines: str) -> str:
    return "\n".join(["[bold]Examples[/]", *(f"  {line}" for line in lines)])


app = typer.Typer(
    name="devops-workbook",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="State what a system needs; get its architecture, its DevOps plan and the figures behind them.",
    epilog=_examples_of(
        "devops-workbook new 'Web shop' --from startup-web-shop",
        "devops-workbook check web-shop.yaml",
        "devops-workbook plan web-shop.yaml",
        "devops-workbook export web-shop.yaml --formats html,pdf -o exports",
        "devops-workbook generate web-shop.yaml -o web-shop",
        "devops-workbook verify web-shop",
        "devops-workbook batch scenarios --grid provider=aws,gcp,azure -o exports/nightly",
        "devops-workbook lab web-shop.yaml",
    ),
)


def main(args: Sequence[str] | None = None) -> int:
    """Runs the command line on `args` (those of the process if None) and returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name in Greek is no error on a terminal that has only ASCII
            stream.reconfigure(errors="backslashreplace")
    try:
        return int(app(args, prog_name="devops-workbook", standalone_mode=False) or 0)
    except BrokenPipeError:
        # The reader of our pipe has seen enough; nothing is wrong, and nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - the edge: what nobody foresaw is a sentence too
        if _debugging.get():
            traceback.print_exception(error)
        status, sentences = _explain(error)
        _complain(sentences)
        return status


def _explain(error: BaseException) -> tuple[int, Sequence[str]]:
    """The exit status and the sentences for `error`."""
    from devops_workbook.artifacts.folder import FolderError
    from devops_workbook.catalog import OverlayError
    from devops_workbook.scenario import RevisionConflict, ScenarioError, ScenarioUnreadable

    if isinstance(error, (OverlayError, FolderError, *_batch_errors())):
        return 1, [str(error)]
    if isinstance(error, ScenarioError):
        return 1 if isinstance(error, (RevisionConflict, ScenarioUnreadable)) else 2, error.problems
    if isinstance(error, typer.TyperException):
        told = error.format_message()
        return 1, [told, *["See devops-workbook --help."] * hasattr(error, "ctx")] if told else []
    if isinstance(error, OSError):
        return 1, [f"{error.filename}: {error.strerror}" if error.filename else str(error)]
    hint = "This should not happen. Run it again as `devops-workbook --debug …` and report what it prints."
    return 1, [f"{type(error).__name__}: {error}", hint]


def _batch_errors() -> tuple[type[Exception], ...]:
    """What a batch says in a sentence, if one was asked for."""
    from devops_workbook.batch.inputs import InputError

    run = sys.modules.get("devops_workbook.batch.run")
    store = sys.modules.get("devops_workbook.batch.store")
    return (InputError, *([run.BatchError] if run else []), *([store.StoreError] if store else []))


def _complain(sentences: Iterable[str]) -> None:
    from devops_workbook.render.text import one_line

    for sentence in sentences:
        print(one_line(sentence), file=sys.stderr)


def _console(stderr: bool = False) -> Console:
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"devops-workbook {importlib.metadata.version('devops-workbook')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # noqa: ARG001 - its callback prints it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="DEVOPS_WORKBOOK_DEBUG", help="Show where an error came from.")
    ] = False,
    prices: Annotated[
        Path | None,
        typer.Option(
            "--prices",
            metavar="FILE",
            envvar="DEVOPS_WORKBOOK_PRICES",
            help="Your own prices and discounts, over the catalog's.",
            path_type=Path,
        ),
    ] = None,
) -> None:
    _debugging.set(debug)
    if prices is not None:
        _lay_over(prices)


def _lay_over(prices: Path) -> None:
    """Has this process, and the kernels it starts in other folders, use the prices of a file. Raises OverlayError."""
    from devops_workbook import catalog

    os.environ[catalog.PRICES_VARIABLE] = str(prices.resolve())
    catalog.load.cache_clear()
    catalog.load()


def _complete_example(incomplete: str) -> list[str]:
    from devops_workbook.scenario import examples

    return [name for name in examples() if name.startswith(incomplete)]


def _complete_formats(incomplete: str) -> list[str]:
    """Formats after the last comma, those already named left out."""
    done, comma, last = incomplete.rpartition(",")
    return [done + comma + f for f in EXPORT_FORMATS if f.startswith(last) and f not in done.split(",")]


ScenarioFile = Annotated[Path, typer.Argument(metavar="SCENARIO", help="A scenario file.", path_type=Path)]
ScenarioFiles = Annotated[list[Path], typer.Argument(metavar="SCENARIO...", help="Scenario files.", path_type=Path)]


@app.command(
    epilog=_examples_of(
        "devops-workbook new 'Web shop'",
        "devops-workbook new Payments --from payments-api -o scenarios/payments.yaml",
    )
)
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call the system.")],
    example: Annotated[
        str,
        typer.Option(
            "--from", metavar="EXAMPLE", autocompletion=_complete_example, help="Start from an example's values."
        ),
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write; NAME.yaml in this folder if not given."),
    ] = None,
) -> None:
    """Write a new scenario file, each field explained beside it. An existing file is never touched."""
    from devops_workbook.scenario import draft, save, slug

    file = f"{slug(name)}.yaml"
    path = Path(file) if output is None else output / file if output.is_dir() else output
    saved = save(draft(name, example), path)
    _console().print(_line(f"Wrote {saved.path}. Edit it, then: devops-workbook check {saved.path}"))


@app.command(epilog=_examples_of("devops-workbook check web-shop.yaml", "devops-workbook check scenarios/*.yaml"))
def check(scenarios: ScenarioFiles) -> None:
    """Validate scenarios and print what the design finds: conflicts, gaps and risks, with the ways out.

    Exit status 2 if one of them is invalid. Findings do not change the status.
    """
    from devops_workbook.evaluate import evaluate
    from devops_workbook.scenario import ScenarioError, ScenarioUnreadable, load

    statuses = {0}
    with _bar("Checking", len(scenarios)) as bar:
        for number, path in enumerate(scenarios):
            bar.show(str(path), number)
            try:
                scenario = load(path)
                evaluation = evaluate(scenario.requirements)
            except ScenarioError as error:
                statuses.add(1 if isinstance(error, ScenarioUnreadable) else 2)
                with bar.away():
                    _complain(error.problems)
            else:
                with bar.away():
                    _report(scenario, evaluation)
    raise typer.Exit(max(statuses))


def _report(scenario: Scenario, evaluation: Evaluation) -> None:
    """Prints what was found about one valid scenario."""
    findings = evaluation.findings
    counts = Counter(finding.severity for finding in findings)
    summary = ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITY_STYLES if counts[severity])
    noun = "finding" if len(findings) == 1 else "findings"
    console = _console()
    console.print(_line(f"{scenario.path}: valid; {summary or 'no'} {noun}", "bold"))
    for finding in sorted(findings, key=lambda f: list(SEVERITY_STYLES).index(f.severity)):
        console.print(_finding(finding))
        for way in _under_budget(evaluation) if finding.code == "over-budget" else ():
            console.print(way)


_MOST_WAYS = 3


def _under_budget(evaluation: Evaluation) -> Iterator[Text]:
    """The best ways back under a budget that is exceeded, each worked out; nothing where it holds."""
    from devops_workbook.render.figures import money
    from devops_workbook.what_if import ways_under_budget

    for way in ways_under_budget(evaluation)[:_MOST_WAYS]:
        head = "under the budget" if way.under else "nearer to the budget"
        what_else = " ".join(way.effects) or "Nothing else moves."
        yield _line(f"    {head}: {way.text}: {money(way.monthly_usd)} a month. {what_else}")


def _finding(finding: Finding) -> Text:
    head = _line(f"  {finding.severity} {finding.kind}: ", SEVERITY_STYLES[finding.severity])
    ways = "".join(f"\n    way out: {_line(way.text)}" for way in finding.ways_out)
    return head + _line(f"{finding.message} [{finding.code}]") + Text(ways)


def _line(text: str, style: str = "") -> Text:
    from devops_workbook.render.text import one_line

    indent = text[: len(text) - len(text.lstrip())]
    space = " " if text.endswith(" ") else ""
    return Text(indent + one_line(text) + space, style=style)


@app.command(
    epilog=_examples_of(
        "devops-workbook plan web-shop.yaml",
        "devops-workbook plan web-shop.yaml --format json | jq .assessment.cost.monthly_usd",
        "devops-workbook plan web-shop.yaml --format markdown -o plan.md",
    )
)
def plan(
    scenario: ScenarioFile,
    format: Annotated[PlanFormat, typer.Option("--format", "-f", help="How to print it.")] = PlanFormat.text,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to FILE instead of the screen.")
    ] = None,
) -> None:
    """Print the plan: seven sections, 33 decisions, with the reasons."""
    from devops_workbook.artifacts.repository import carried_out, repository
    from devops_workbook.evaluate import evaluate
    from devops_workbook.scenario import load, write_atomic

    evaluation = evaluate(load(scenario).requirements)
    if format is PlanFormat.json:
        evaluation = carried_out(evaluation, repository(evaluation))
    text = _form(format)(evaluation)
    if output is None:
        typer.echo(text.encode(), nl=False)
    else:
        write_atomic(output, text.encode())
        _console(stderr=True).print(_line(f"Wrote {output}"))


def _form(format: PlanFormat) -> Callable[[Evaluation], str]:
    from devops_workbook.render.json import plan_json
    from devops_workbook.render.markdown import plan_markdown
    from devops_workbook.render.text import plan_text

    return {PlanFormat.text: plan_text, PlanFormat.markdown: plan_markdown, PlanFormat.json: plan_json}[format]


@app.command(
    epilog=_examples_of(
        "devops-workbook export web-shop.yaml",
        "devops-workbook export scenarios/*.yaml --formats html,pdf,md -o exports",
    )
)
def export(
    scenarios: ScenarioFiles,
    formats: Annotated[
        str,
        typer.Option(
            metavar="FORMATS",
            autocompletion=_complete_formats,
            help=f"Any of {', '.join(EXPORT_FORMATS)}, with commas between.",
        ),
    ] = "html,pdf",
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="The folder for the documents; made if missing.")
    ] = Path("exports"),
    verified: Annotated[
        Path | None,
        typer.Option("--verified", metavar="DIR", help="The generated folder whose verification the document quotes."),
    ] = None,
) -> None:
    """Write the design document of each scenario. Earlier documents are replaced only when the new one is whole."""
    from devops_workbook.export.document import ExportError
    from devops_workbook.export.document import export as write
    from devops_workbook.scenario import load

    if verified is not None:
        _quote(verified)
    wanted = _formats(formats)
    loaded = [load(path) for path in scenarios]
    _refuse_same_names(loaded)
    with _bar("Exporting", len(loaded)) as bar:
        for number, scenario in enumerate(loaded):
            try:
                documents = write(scenario.requirements, wanted, output, _steps(bar, scenario, number))
            except ExportError as error:
                raise typer.TyperException(f"{scenario.path}: {error}") from error
            with bar.away():
                for document in documents:
                    _console().print(_line(f"Wrote {document}"))


def _quote(verified: Path) -> None:
    """Has the kernels of this process quote a folder's record. Raises BadParameter if it has none."""
    from devops_workbook.artifacts.verification import RECORD, read_record
    from devops_workbook.export.report import VERIFIED_VARIABLE

    if read_record(verified / RECORD) is None:
        raise typer.BadParameter(f"{verified} holds no record; run: devops-workbook verify {verified}")
    os.environ[VERIFIED_VARIABLE] = str(verified.resolve())


def _steps(bar: _Bar, scenario: Scenario, before: int) -> Callable[[str, float], None]:
    """What `export` calls with its steps, of one scenario after `before` others."""
    return lambda step, done: bar.show(f"{scenario.path}: {step}", before + done)


def _formats(text: str) -> tuple[str, ...]:
    from devops_workbook.scenario import unknown

    names = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    problems = [unknown(name, EXPORT_FORMATS, "format") for name in names if name not in EXPORT_FORMATS]
    if problems or not names:
        raise typer.BadParameter("; ".join(problems) or f"--formats is empty (allowed: {', '.join(EXPORT_FORMATS)})")
    return names


def _refuse_same_names(scenarios: Sequence[Scenario]) -> None:
    """Raises BadParameter when two scenarios would be written to the same documents."""
    from devops_workbook.scenario import slug

    first: dict[str, Scenario] = {}
    for scenario in scenarios:
        other = first.setdefault(slug(scenario.requirements.name), scenario)
        if other is not scenario:
            raise typer.BadParameter(
                f"{other.path} and {scenario.path} would be written to the same documents; "
                "give them different names, or export them to different folders"
            )


@app.command(
    epilog=_examples_of(
        "devops-workbook generate web-shop.yaml -o web-shop",
        "devops-workbook generate web-shop.yaml -o web-shop.zip",
    )
)
def generate(
    scenario: ScenarioFile,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", help="The folder to write, made if missing; or a file ending .zip."
        ),
    ],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Drop what was changed by hand in generated files.")
    ] = False,
) -> None:
    """Write the repository of a design: its infrastructure code for all environments, ready to be reviewed and applied.

    A folder that was generated before is brought up to date; files that people changed since are not touched.
    """
    from devops_workbook.artifacts.folder import write_folder, zipped
    from devops_workbook.artifacts.repository import repository
    from devops_workbook.evaluate import evaluate
    from devops_workbook.scenario import load, slug, write_atomic

    requirements = load(scenario).requirements
    made = repository(evaluate(requirements))
    if output.suffix == ".zip":
        write_atomic(output, zipped(made.artifacts, slug(requirements.name)))
        told = f"Wrote {output}: {len(made.artifacts)} files"
    else:
        written = write_folder(made.artifacts, output, overwrite=overwrite)
        told = f"Wrote {written.written} files below {output}; {written.same} were the same, {written.removed} removed"
    _console().print(_line(f"{told}. Then: devops-workbook verify {output}" if output.suffix != ".zip" else f"{told}."))


_RESULT_STYLES = {"passed": "green", "failed": "bold red", "not verified": "yellow"}


@app.command(epilog=_examples_of("devops-workbook verify web-shop"))
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A generated folder.", path_type=Path)],
) -> None:
    """Hold a generated folder against every real tool that is installed, and print what each of them said.

    The account is kept in the folder and quoted in its README. Exit status 1 if a check failed.
    """
    from devops_workbook.artifacts.verification import keep, summary
    from devops_workbook.artifacts.verification import verify as hold

    if not folder.is_dir():
        raise typer.TyperException(f"{folder}: there is no such folder")
    with _bar("Verifying", 1) as bar:
        found = hold(folder, bar.show)
    console = _console()
    for check in found.checks:
        line = _line(f"{check.result:<13}", _RESULT_STYLES[check.result])
        told = f"{check.tool} {check.version}".strip()
        console.print(line + _line(f"  {told}: {check.files}{f': {check.detail}' if check.detail else ''}"))
    console.print(_line(f"{folder}: {summary(found)}.", "bold"))
    keep(folder, found)
    raise typer.Exit(bool(found.failed))


@app.command(
    epilog=_examples_of(
        "devops-workbook batch scenarios -o exports/nightly",
        "devops-workbook batch services.csv --grid provider=aws,gcp,azure --grid peak_rps=100,1000,10000",
        "devops-workbook batch scenarios --scheduler tcp://scheduler:8786 -o s3://reviews/nightly",
    )
)
def batch(
    scenarios: Annotated[
        list[Path],
        typer.Argument(
            metavar="SCENARIO...", help="Scenario files, folders of them, CSV or XLSX with one a row.", path_type=Path
        ),
    ],
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid", metavar="FIELD=A,B", help="Work out each scenario with each of these values; may be repeated."
        ),
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="URL", help="A folder, or a URL that fsspec knows.")
    ] = "exports/batch",
    formats: Annotated[
        str,
        typer.Option(
            metavar="FORMATS",
            autocompletion=_complete_formats,
            help=f"Any of {', '.join(EXPORT_FORMATS)}, with commas between; none = notebooks and results alone.",
        ),
    ] = "html,pdf",
    workers: Annotated[
        int,
        typer.Option("--workers", "-w", min=1, metavar="N", help="Workers on this machine; its cores if not given."),
    ] = os.cpu_count() or 1,
    scheduler: Annotated[
        str, typer.Option("--scheduler", metavar="ADDRESS", help="A Dask scheduler whose workers do it instead.")
    ] = "",
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, metavar="SECONDS", help="The longest a scenario's notebook may run.")
    ] = 600,
    warm: Annotated[
        bool, typer.Option("--warm/--plain", help="Fork kernels from a warm parent, or start each one anew.")
    ] = True,
) -> None:
    """Work out many scenarios: each its notebook and documents, all of them in one table and on one page.

    Run again, it goes on where it was: what is finished is skipped, until the scenario, this package, its facts or
    your prices change. Exit status 3 if some scenarios failed; the others are done all the same.
    """
    from devops_workbook.batch.cases import axis, cases
    from devops_workbook.batch.inputs import read

    given = read(scenarios)
    found = cases(given, [axis(text) for text in grid or []])
    wanted = () if formats.strip().lower() == "none" else _formats(formats)
    try:
        from devops_workbook.batch.run import Options, run
    except ModuleNotFoundError as error:
        raise typer.TyperException(
            f"a batch needs {error.name}, which is in the extra `batch`: pip install 'devops-workbook[batch]'"
        ) from None
    options = Options(output, wanted, workers, scheduler, timeout, warm, _batch_title(given, output))
    console, trouble = _console(), _console(stderr=True)
    with _stoppable(), _batch_bar(len(found)) as bar:
        try:
            outcome = run(found, options, lambda now, row: _batch_row(bar, trouble, now, row))
        except KeyboardInterrupt:
            bar.stop()
            trouble.print(_line("Stopped. What is finished stays; run the same command again to go on."))
            raise typer.Exit(130) from None
    failed = outcome.count("failed")
    told = f"{outcome.count('done')} done, {outcome.count('before')} finished before, {failed} failed"
    noun = "scenario" if len(found) == 1 else "scenarios"
    console.print(_line(f"{len(found)} {noun}: {told}. See {output.rstrip('/')}/index.html"))
    raise typer.Exit(3 if failed else 0)


def _batch_title(given: Sequence[Input], output: str) -> str:
    return given[0].name if len(given) == 1 else f"Scenarios: {output.rstrip('/').rpartition('/')[2]}"


@contextmanager
def _stoppable() -> Iterator[None]:
    """Has a polite kill end a verb as Ctrl-C does."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _batch_bar(total: int) -> Progress:
    console = _console(stderr=True)
    columns = (
        TextColumn("Batch"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(), TextColumn("{task.fields[step]}", markup=False),
    )  # fmt: skip
    bar = Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal, redirect_stdout=False,
        redirect_stderr=False, speed_estimate_period=120,
    )  # fmt: skip
    bar.add_task("batch", total=total, rate="", step="starting")
    return bar


def _batch_row(bar: Progress, trouble: Console, now: BatchOutcome, row: Mapping[str, Any]) -> None:
    """Shows what a new row changes: the counts, and a failure at once."""
    task = bar.tasks[0]
    worked = now.count("done") + now.count("failed")
    failed = f"{failed} failed, " if (failed := now.count("failed")) else ""
    rate = f"{worked / task.elapsed:.2f}/s" if task.elapsed and worked else ""
    bar.update(task.id, completed=len(now.rows), rate=rate, step=_line(f"{failed}last: {row['name']}").plain)
    if row["status"] == "failed":
        bar.stop()
        where = "" if row["error"].startswith(row["origin"]) else f"{row['origin']}: "
        trouble.print(_line(f"failed: {row['name']}: {where}{row['error']}", "red"))
        bar.start()


@app.command(epilog=_examples_of("devops-workbook lab", "devops-workbook lab web-shop.yaml"))
def lab(
    scenario: Annotated[Path | None, typer.Argument(metavar="[SCENARIO]", help="The scenario to begin with.")] = None,
    allow_root: Annotated[
        bool, typer.Option("--allow-root", help="Run JupyterLab as root, with all that its cells may then do.")
    ] = False,
) -> None:
    """Open the workshop notebook in JupyterLab.

    In a checkout this is the one under notebooks/. Elsewhere, or for a scenario of yours, it is a copy in this
    folder, which stays as you leave it.
    """
    from devops_workbook.scenario import load

    if _is_root() and not allow_root:
        raise typer.TyperException(
            "JupyterLab does not run as root, because every cell could then change the whole system; "
            "run this as another user, or with --allow-root where that is meant, as in a container"
        )
    begin = None if scenario is None else load(scenario).path
    command = [sys.executable, "-m", "jupyterlab", *["--allow-root"] * allow_root]
    raise typer.Exit(_run([*command, str(_workshop(Path.cwd(), begin))]))


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _workshop(folder: Path, scenario: Path | None) -> Path:
    """The notebook to open from `folder`: the checkout's own, or a copy that begins with `scenario`."""
    from devops_workbook.scenario import examples, notebooks_folder, slug

    original = notebooks_folder() / "workshop.ipynb"
    if scenario is None and folder.resolve().is_relative_to(original.parent.parent.resolve()):
        return original
    copy = folder / ("workshop.ipynb" if scenario is None else f"workshop-{slug(scenario.stem)}.ipynb")
    wanted = {copy: _beginning_with(original.read_text(encoding="utf-8"), scenario, folder)}
    if scenario is None and not (folder / "scenarios").exists():
        wanted |= {folder / "scenarios" / path.name: path.read_text(encoding="utf-8") for path in examples().values()}
    for path, text in wanted.items():
        _put(path, text)
    return copy


def _put(path: Path, text: str) -> None:
    """Writes `text` to a file that is to be the user's; one that is there is theirs already."""
    from devops_workbook.scenario import write_atomic

    there = path.exists()
    if not there:
        path.parent.mkdir(exist_ok=True)
        write_atomic(path, text.encode())
    _console(stderr=True).print(_line(f"{path} is here already and stays as it is" if there else f"Wrote {path}"))


def _beginning_with(notebook: str, scenario: Path | None, folder: Path) -> str:
    """The workshop notebook's text, its board opened on `scenario`."""
    if scenario is None:
        return notebook
    content = json.loads(notebook)
    for cell in content["cells"]:
        source = "".join(cell["source"])
        cell["source"] = source.replace(FIRST_BOARD, f"Board({os.path.relpath(scenario, folder)!r})")
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _run(command: list[str]) -> int:
    return subprocess.run(command, check=False).returncode


@dataclass(frozen=True)
class _Bar:
    """How far a verb has come, drawn on stderr while a person watches."""

    progress: Progress
    task: TaskID

    def show(self, step: str, done: float) -> None:
        """Says what is being done now, and how many of the scenarios are done."""
        self.progress.update(self.task, completed=done, step=_line(step).plain)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Takes the bar off the screen while something is printed."""
        self.progress.stop()
        yield
        self.progress.start()


@contextmanager
def _bar(title: str, total: int) -> Iterator[_Bar]:
    console = _console(stderr=True)
    columns = (TextColumn(title), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[step]}", markup=False))
    # What is printed must reach stdout, where a pipe may wait for it; rich would lead it to the bar's console.
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as progress:
        yield _Bar(progress, progress.add_task(title, total=total, step=""))


if __name__ == "__main__":
    sys.exit(main())
