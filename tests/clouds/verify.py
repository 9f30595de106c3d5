"""Holds generated infrastructure against the real tools, for every example scenario and for the pairwise cover.

    make verify ARGS="--provider gcp --only containers --jobs 2"

Terraform: format, init, validate and plan of every root. Google and Azure: the full cycle of every root as well, and
what their plans say held against the providers' documentation. AWS: the full cycle, on an emulator, of as many designs
as it takes to meet every resource type that is generated, at least eight. CloudFormation: cfn-lint, and every stack of
the examples created on the emulator. All: checkov, and whatever else is generated against the tools that read it, as
`devops-workbook verify` runs them. Prints a line for every problem, a table, and what an emulator could
not show and why; exit status 1 if anything failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from devops_workbook.artifacts import verification
from devops_workbook.artifacts.folder import write_folder
from devops_workbook.artifacts.repository import Repository, repository
from devops_workbook.artifacts.verification import Check
from devops_workbook.catalog import load as catalog
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples, load
from tests.clouds import aws, documented, policy, stacks
from tests.clouds.cover import cover
from tests.clouds.cycle import STEPS, Account, run
from tests.clouds.gaps import gaps, used
from tests.clouds.terraform import Scratch
from tests.clouds.tools import HOME

LEAST_CYCLES = 8
MOST_REASONS = 9
# Checkov has five times as many checks for AWS as for the others. A design of the cover may have CloudFront, functions,
# a gateway and no keys of its own at once, each with checks that it answers with reasons; no scenario shown has.
MOST_REASONS_OF_COVER = {"aws": 17, "azure": 10}
ONCE = ("bootstrap", "shared", "environments/production")
RESTING = "environments/dev"
# What puts an environment to rest at night; production has none of it.
OF_RESTING = ("aws_scheduler_schedule", "aws_appautoscaling_scheduled_action", "aws_autoscaling_schedule")


@dataclass(frozen=True, slots=True)
class Design:
    """One design to verify. example: whether it is a scenario that people are shown."""

    id: str
    requirements: Requirements
    repository: Repository
    example: bool

    @property
    def provider(self) -> str:
        return self.requirements.provider

    @property
    def language(self) -> str:
        return catalog().providers[self.provider].infrastructure_code(self.requirements.iac_tool)

    @property
    def types(self) -> frozenset[str]:
        return frozenset(trace.type for trace in self.repository.infrastructure.traces)


@dataclass
class Report:
    """What was found of one design."""

    design: Design
    account: Account = field(default_factory=Account)
    policy: policy.Policy | None = None
    values: documented.Checked = field(default_factory=documented.Checked)
    unmade: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    seconds: float = 0.0

    @property
    def many_reasons(self) -> Iterator[str]:
        """Whether more checks of policy are answered with reasons than may be."""
        most = MOST_REASONS if self.design.example else MOST_REASONS_OF_COVER.get(self.design.provider, MOST_REASONS)
        if self.policy and len(self.policy.reasons) > most:
            yield f"{len(self.policy.reasons)} reasons answer {', '.join(self.policy.answered)}; {most} may"

    @property
    def problems(self) -> Iterator[str]:
        for root, step, what in self.account.failures:
            yield f"{root} {step}: {what}"
        yield from self.policy.problems if self.policy else ()
        yield from self.many_reasons
        yield from self.values.wrong
        yield from (f"{c.files} {c.tool}: {c.detail}" for c in self.checks if c.result == "failed")


def designs(providers: Sequence[str], only: Sequence[str]) -> list[Design]:
    """The examples and the cover, generated; those of the providers named, whose id has one of the words."""
    wanted = [(name, load(path).requirements, True) for name, path in examples().items()]
    wanted += [(d.id, d.requirements, False) for d in cover().designs]
    chosen = [w for w in wanted if not only or any(word in w[0] for word in only)]
    return [designed(id_, r, example) for id_, r, example in chosen if r.provider in providers]


def designed(id_: str, requirements: Requirements, example: bool = False) -> Design:
    """A design with its repository."""
    return Design(id_, requirements, repository(evaluate(requirements)), example)


def to_cycle(found: Iterable[Design], least: int = LEAST_CYCLES) -> list[Design]:
    """The designs whose resource types are all there are: always the one with the most that are new, then, if these
    are fewer than `least`, those with the most types."""
    rest, missing = list(found), frozenset(t for d in found for t in d.types)
    chosen: list[Design] = []
    while rest and (missing or len(chosen) < least):
        best = max(rest, key=lambda d: (len(d.types & missing), len(d.types)))
        if missing and not best.types & missing:
            break
        rest.remove(best)
        chosen.append(best)
        missing -= best.types
    return chosen


def verify(design: Design, cycled: Collection[str] | None, work: Path, until: str) -> Report:
    """Everything that can be held against one design. cycled: the roots that go on to `until`, None = all; the others
    are planned."""
    start = time.monotonic()
    report = Report(design)
    folder = work / design.id
    write_folder(design.repository.artifacts, folder)
    infrastructure = folder / "infrastructure"
    report.policy = policy.check(infrastructure)
    report.checks = verification.verify(folder, tools=_BESIDE).checks
    if design.language == "terraform":
        _terraform(report, infrastructure, work / f"{design.id}-run", until, cycled)
    else:
        _cloudformation(report, infrastructure, work / f"{design.id}-run", until)
    report.seconds = time.monotonic() - start
    return report


# Terraform, CloudFormation and policy are looked at more closely here than `devops-workbook verify` does.
_BESIDE = tuple(t for t in verification.TOOLS if t.program not in ("terraform", "cfn-lint", "checkov"))


def _terraform(report: Report, infrastructure: Path, work: Path, until: str, cycled: Collection[str] | None) -> None:
    names = documented.Names()
    with ExitStack() as stack:
        on_aws = report.design.provider == "aws"
        environment = stack.enter_context(aws.emulator(work / "emulator.log")) if on_aws else {}
        scratch = Scratch.of(infrastructure, work, environment)

        def inspect(root: str, plan: object) -> None:
            report.values += documented.check(plan, names, root)

        least = min(until, "plan", key=STEPS.index)
        last = {root: until if cycled is None or root in cycled else least for root in scratch.roots}
        report.account = run(scratch, last, inspect)


def _cloudformation(report: Report, infrastructure: Path, work: Path, until: str) -> None:
    report.account.add(stacks.lint(infrastructure))
    if report.design.example and STEPS.index(until) >= STEPS.index("apply"):
        log = work / "emulator.log"
        with aws.emulator(log) as environment:
            for folder in ("shared", "production"):
                report.account.add(stacks.deploy(infrastructure, folder, environment))
        report.unmade = stacks.unmade(log)


def told(reports: Sequence[Report]) -> Iterator[str]:
    """The problems, the table, what an emulator lacks, and how much of it all there was."""
    for report in reports:
        yield from _failed(report)
    yield _HEAD
    yield from map(_row, reports)
    yield from _lacking(reports)
    failed = sum(any(True for _ in r.problems) for r in reports)
    done = {step: sum(r.account.count(step) for r in reports) for step in ("plan", "apply", "destroy")}
    resources = "resources planned {plan:,}, applied {apply:,}, destroyed {destroy:,}".format(**done)
    yield f"{len(reports)} designs, {failed} failed; {resources}"


def _failed(report: Report) -> Iterator[str]:
    yield from (f"FAILED  {report.design.id}: {problem}" for problem in report.problems)


_HELD, _TOOLS = "checkov: passed, failed, reasons", "tools: passed, absent"
_HEAD = (
    f"{'design':64} {'code':15}{'plan':>6}{'apply':>7}{'drift':>6}{'gone':>6}   {_HELD:34}{_TOOLS:23}{'unknown':>8}"
    f"{'seconds':>9}"
)


def _row(report: Report) -> str:
    account, found = report.account, report.policy
    counts = "".join(f"{account.count(s):>{w}}" for s, w in (("plan", 6), ("apply", 7), ("again", 6), ("destroy", 6)))
    held = f"{found.passed}, {len(found.failed)}, {len(found.reasons)}" if found else "-"
    results = Counter(c.result for c in report.checks)
    tools = f"{results['passed']}, {results['not verified']}"
    verdict = "FAILED" if any(True for _ in report.problems) else "ok"
    return (f"{report.design.id[:63]:64} {report.design.language:15}{counts}   {held:34}{tools:23}"
            f"{len(report.values.unknown):>8}"
            f"{report.seconds:>9.0f}  {verdict}")  # fmt: skip


def _lacking(reports: Sequence[Report]) -> Iterator[str]:
    """What was not shown: gaps of the emulator that were met, stacks' resources it made nothing for, values that no
    documentation was read about, and types that no cycle met."""
    results = [result for report in reports for result in report.account.results]
    for type_, gap in used(results, gaps()).items():
        yield f"not emulated: {type_}: {gap.why}"
    for type_ in sorted({t for report in reports for t in report.unmade}):
        yield f"not emulated in stacks: {type_}: moto makes nothing for it, so that cfn-lint alone has seen it"
    unknown = Counter(what for report in reports for what in report.values.unknown)
    for what, count in sorted(unknown.items()):
        yield f"not documented: {what} ({count} times)"
    yield from _unmet(reports)


def _unmet(reports: Sequence[Report]) -> Iterator[str]:
    ours = [r for r in reports if r.design.language == "terraform"]
    met = {type_ for r in ours for type_ in r.account.types("apply")}
    for type_ in sorted({t for r in ours for t in r.design.types} - met):
        yield f"never applied: {type_}"


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    found = designs(asked.provider or list(catalog().providers), asked.only or [])
    on_aws = [d for d in found if d.provider == "aws" and d.language == "terraform"]
    chosen = to_cycle(on_aws)
    resting = {next((d.id for d in chosen if type_ in d.types), "") for type_ in OF_RESTING}

    def whole(d: Design) -> Collection[str] | None:
        if d.provider != "aws":
            return None
        return (*ONCE, *[RESTING] * (d.id in resting)) if d in chosen else ()

    here = (str(HOME / "pipelines" / "bin"), str(Path(sys.executable).parent))
    os.environ["PATH"] = os.pathsep.join((*here, os.environ["PATH"]))
    with ExitStack() as stack:
        work = Path(asked.keep or stack.enter_context(TemporaryDirectory(prefix="verify-")))
        with ThreadPoolExecutor(asked.jobs) as pool:
            reports = []
            for report in pool.map(lambda d: verify(d, whole(d), work, asked.until), found):
                for line in (*_failed(report), _row(report)):
                    print(line, file=sys.stderr, flush=True)
                reports.append(report)
    for line in told(reports):
        print(line)
    return int(any(True for r in reports for _ in r.problems))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make verify", description=__doc__.partition("\n")[0])
    parser.add_argument("--provider", action="append", choices=list(catalog().providers), help="default: all")
    parser.add_argument("--only", action="append", metavar="WORD", help="designs whose name has this word")
    parser.add_argument("--until", choices=STEPS, default="destroy", help="the last step; default: destroy")
    parser.add_argument("--jobs", type=int, default=2, help="designs at a time")
    parser.add_argument("--keep", help="a new folder to work in, which stays")
    return parser


if __name__ == "__main__":
    sys.exit(main())
