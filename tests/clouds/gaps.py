"""What an emulator cannot show, and why: the table gaps.toml, held against what failed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.clouds.terraform import Change, Problem, Result

_TYPE = re.compile(r"(?:^|\.)((?:aws|google|azurerm)_\w+)\.[^.]+$")
_INDEX = re.compile(r"\[(?:\"[^\"]*\"|\d+)\]")


@dataclass(frozen=True, slots=True)
class Gap:
    """Why a step of a resource type fails on the emulator."""

    step: str
    why: str
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """The problems of a step, and what of them is known of the emulator. unreached: what was not made because of it."""

    failures: tuple[str, ...]
    excused: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()


@cache
def gaps() -> Mapping[str, Gap]:
    """Resource type -> its gap."""
    rows = tomllib.loads(Path(__file__).with_name("gaps.toml").read_text(encoding="utf-8"))
    return {type_: Gap(r["step"], r["why"], tuple(r.get("attributes", ()))) for type_, r in rows.items()}


def type_of(address: str) -> str:
    """ "module.data.aws_db_instance.primary[0]" -> "aws_db_instance"; "" for what is no resource."""
    found = _TYPE.search(_INDEX.sub("", address))
    return found[1] if found else ""


def judge(result: Result, known: Mapping[str, Gap], reached: bool = True) -> Judged:
    """Tells failures from what the emulator lacks. reached: whether everything was made before, without which a second
    plan makes it."""
    excused = [p for p in result.problems if _known(p, result.step, known)]
    failures = [_told(p) for p in result.problems if p not in excused]
    unreached: list[str] = []
    if result.step == "again":
        for change in result.changes:
            if change.action == "create" and not reached:
                unreached.append(change.address)
            elif not _expected(change, known):
                failures.append(_drift(change))
    return Judged(tuple(failures), tuple(_why(p, known) for p in excused), tuple(unreached))


def _known(problem: Problem, step: str, known: Mapping[str, Gap]) -> bool:
    gap = known.get(type_of(problem.address))
    return gap is not None and gap.step == step


def _expected(change: Change, known: Mapping[str, Gap]) -> bool:
    gap = known.get(change.type)
    allowed = gap.attributes if gap and gap.step == "again" else ()
    changed = {re.split(r"[.\[]", path)[0] for path, _, _ in change.differences}
    return change.action == "update" and bool(changed) and changed <= set(allowed)


def _told(problem: Problem) -> str:
    return f"{problem.address}: {problem.text}" if problem.address else problem.text


def _why(problem: Problem, known: Mapping[str, Gap]) -> str:
    return f"{problem.address}: {known[type_of(problem.address)].why}"


def _drift(change: Change) -> str:
    told = "; ".join(f"{path}: {before} -> {after}" for path, before, after in change.differences[:8])
    return f"{change.address}: the second plan would {change.action} it{f': {told}' if told else ''}"


def used(results: Iterable[Result], known: Mapping[str, Gap]) -> dict[str, Gap]:
    """The gaps that a run met, by resource type."""
    met = {type_of(p.address) for r in results for p in r.problems} | {c.type for r in results for c in r.changes}
    return {type_: gap for type_, gap in known.items() if type_ in met}
