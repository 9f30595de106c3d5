"""The life of an infrastructure: planned, applied, planned again without a change, destroyed.

    python -m tests.clouds.cycle INFRASTRUCTURE [--root environments/production ...] [--until plan] [--keep DIR]

Runs the roots of a generated `infrastructure` folder in the order in which a person applies them (bootstrap, shared,
the environments), and destroys them in the reverse order. AWS answers from an emulator that lives as long as the run;
Google and Azure from providers without a cloud behind them. Prints one line for every problem and one for every root;
exit status 1 if something failed that is not known of the emulator (gaps.toml).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.clouds import aws
from tests.clouds.gaps import gaps, judge
from tests.clouds.terraform import Result, Scratch

STEPS = ("fmt", "init", "validate", "plan", "apply", "again", "destroy")


@dataclass
class Account:
    """What was done and found, step by step. failures and excused: (root, step, what)."""

    results: list[Result] = field(default_factory=list)
    failures: list[tuple[str, str, str]] = field(default_factory=list)
    excused: list[tuple[str, str, str]] = field(default_factory=list)
    unreached: list[tuple[str, str]] = field(default_factory=list)

    def add(self, result: Result) -> bool:
        """Notes a result and tells whether the next step can follow."""
        judged = judge(result, gaps(), reached=not any(root == result.root for root, *_ in self.excused))
        self.results.append(result)
        self.failures += [(result.root, result.step, what) for what in judged.failures]
        self.excused += [(result.root, result.step, what) for what in judged.excused]
        self.unreached += [(result.root, address) for address in judged.unreached]
        return not judged.failures

    @property
    def ok(self) -> bool:
        return not self.failures

    def seconds(self, step: str) -> float:
        return sum(r.seconds for r in self.results if r.step == step)

    def count(self, step: str, root: str = "") -> int:
        """How many resources a step is about, in one root or in all."""
        return sum(len(r.changes) for r in self.results if r.step == step and root in ("", r.root))

    def types(self, step: str) -> set[str]:
        """The resource types that a step is about."""
        return {c.type for r in self.results if r.step == step for c in r.changes if not c.address.startswith("data.")}


Inspect = Callable[[str, Any], None]


def run(scratch: Scratch, until: Mapping[str, str], inspect: Inspect | None = None) -> Account:
    """Takes each root through all steps up to one of them, and destroys, last first, what was to be destroyed.

    until: root -> its last step, in the order in which they are applied; inspect: is shown every plan, with its root.
    """
    account = Account()
    account.add(scratch.format())
    valid: dict[str, bool] = {}
    applied = [root for root, last in until.items() if _made(scratch, root, last, account, valid, inspect)]
    for root in reversed(applied):
        if until[root] == "destroy":
            account.add(scratch.destroy(root))
    return account


def _made(
    scratch: Scratch, root: str, last: str, account: Account, valid: dict[str, bool], inspect: Inspect | None
) -> bool:
    """Takes one root as far as it goes, and tells whether there is something to destroy. valid: by configuration,
    because environments that differ in values alone are checked once."""
    wanted = STEPS[: STEPS.index(last) + 1]
    text = scratch.text(root)
    if wanted[-1] == "validate" and text in valid:
        return False
    if "init" not in wanted or not account.add(scratch.init(root)):
        return False
    if "validate" in wanted and text not in valid:
        valid[text] = account.add(scratch.validate(root))
    if not valid.get(text) or "plan" not in wanted or not account.add(scratch.plan(root)):
        return False
    if inspect:
        inspect(root, scratch.shown(root))
    if "apply" not in wanted:
        return False
    if account.add(scratch.apply(root)) and "again" in wanted:
        account.add(scratch.plan_again(root))
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    with ExitStack() as stack:
        work = Path(asked.keep or stack.enter_context(TemporaryDirectory(prefix="cycle-")))
        needs_aws = aws.used_by(asked.infrastructure)
        environment = stack.enter_context(aws.emulator(work / "emulator.log") if needs_aws else nullcontext({}))
        scratch = Scratch.of(asked.infrastructure, work, environment)
        account = run(scratch, dict.fromkeys(asked.root or scratch.roots, asked.until))
    for line in told(account):
        print(line)
    return 0 if account.ok else 1


def told(account: Account) -> Iterator[str]:
    """One line a problem, then one a root, then the sum."""
    for root, step, what in account.failures:
        yield f"FAILED  {root}  {step}  {what}"
    for root, step, what in account.excused:
        yield f"GAP     {root}  {step}  {what}"
    for root, address in account.unreached:
        yield f"GAP     {root}  again  {address}: not made, because something before it was not"
    for root in dict.fromkeys(r.root for r in account.results if r.root != "."):
        yield f"{root:<28} {_counts(account, root)}"
    yield f"{'all':<28} {_counts(account, '')}   {'ok' if account.ok else f'{len(account.failures)} failed'}"


def _counts(account: Account, root: str) -> str:
    parts = [f"{word} {account.count(step, root)}" for step, word in
             (("plan", "planned"), ("apply", "applied"), ("again", "drift"), ("destroy", "destroyed"))]  # fmt: skip
    spent = [f"{r.step} {r.seconds:.1f}s" for r in account.results if r.root == root]
    total = sum(r.seconds for r in account.results if root in ("", r.root))
    return "  ".join(parts) + f"   {', '.join(spent)}{' = ' if spent else ''}{total:.1f}s"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.clouds.cycle", description=__doc__.partition("\n")[0])
    parser.add_argument("infrastructure", type=Path)
    parser.add_argument("--root", action="append", help="one of its roots, such as environments/dev; default: all")
    parser.add_argument("--until", choices=STEPS, default="destroy")
    parser.add_argument("--keep", help="a new folder to work in, which stays")
    return parser


if __name__ == "__main__":
    sys.exit(main())
