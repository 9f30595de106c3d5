"""promtool over generated rules, as they are and with mistakes put into them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from devops_workbook.artifacts.model import Artifact

FOLDER = "observability/prometheus"


def parsed(text: str) -> Any:
    return YAML(typ="safe").load(text)


def written(artifacts: tuple[Artifact, ...], to: Path) -> Path:
    """The files in a folder; gives that of Prometheus."""
    for a in artifacts:
        path = to / a.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(a.text, encoding="utf-8")
    return to / FOLDER


def promtool(*args: str | Path) -> tuple[int, str]:
    done = subprocess.run(["promtool", *map(str, args)], capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


Rule = dict[str, Any]
_EXPRESSION: tuple[tuple[str, str], ...] = (
    (r"\band\b", "or"),
    (r"(?<![<>=~!])> ", ">= "),
    (r"(?<![<>=~!])>= ", "> "),
    (r"< ", "<= "),
    (r"(?<=[_\[])\d+[mhd]\b", "7m"),
    (r"(?<=[=~]\")[^\"]+", "mistaken"),
    (r"(?<![!~])=(?=\")", "!="),
    (r"!=", "="),
    (r"\b\w+(?=\{)", "mistaken"),
    (r"\brate\b", "increase"),
    (r"\bincrease\b", "rate"),
    (r"\bsum\b", "max"),
    (r"\bsum_over_time\b", "max_over_time"),
    (r"\bcount\b", "max"),  # not "sum", which is the same where groups of 1 are counted
    (r"by \(instance\)", "by (cpu_mode)"),
    (r" or vector\(0\)", ""),
    (r"^1 - ", ""),
    (r"\n- ", "\n+ "),
    (r"\n/ ", "\n* "),
)


def mutants(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """A rule with one mistake each: in a bound, window, comparison, label, `for`, name or text."""
    expr = rule["expr"]
    for found in re.finditer(r"(?<=[<>*=] )[\d.]+(?!\S)|(?<=vector\()\d", expr):
        for factor in (0.99, 1.01):
            changed = str(float(found[0]) * factor or factor - 1)
            yield f"{found[0]} is {changed}", _with(rule, expr[: found.start()] + changed + expr[found.end() :])
    for pattern, instead in _EXPRESSION:
        for found in re.finditer(pattern, expr):
            text = expr[: found.start()] + instead + expr[found.end() :]
            yield f"{found[0]!r} at {found.start()} is {instead!r}", _with(rule, text)
    if "alert" in rule:
        wait = int(rule.get("for", "0m").removesuffix("m"))
        for other in {wait + 1, max(0, wait - 1)} - {wait}:
            yield f"for {other}m", {**rule, "for": f"{other}m"}
    for name in {"alert", "record"} & set(rule):
        yield "name", {**rule, name: f"mistaken_{rule[name]}"}  # no two may have one name
    for part in ("labels", "annotations"):
        for key in rule.get(part, {}):
            other = deepcopy(rule)
            other[part][key] = "mistaken"
            yield f"{part} {key}", other


def _with(rule: Rule, expr: str) -> Rule:
    return {**rule, "expr": expr}


def survivors(folder: Path, name: str) -> tuple[int, list[str]]:
    """How many mutants of a rule file there are, and those that its tests let pass. Rules do not lean on one another,
    so one run holds a mutant of each."""
    path = folder / "rules" / f"{name}.yaml"
    whole = path.read_text(encoding="utf-8")
    content = parsed(whole)
    rules: list[Rule] = content["groups"][0]["rules"]
    mutated = [list(mutants(rule)) for rule in rules]
    alive = []
    for turn in range(max(map(len, mutated))):
        here = {i: m[turn] for i, m in enumerate(mutated) if turn < len(m)}
        told = _tested(folder, name, content, {i: rule for i, (_, rule) in here.items()})
        for i, (mistake, rule) in here.items():
            # An error in one evaluation ends it before the others are compared: alone, it may be noticed.
            if not _noticed(rules[i], told) and not _noticed(rules[i], _tested(folder, name, content, {i: rule})):
                alive.append(f"{_name(rules[i])}: {mistake}")
    path.write_text(whole, encoding="utf-8")
    return sum(map(len, mutated)), alive


def _tested(folder: Path, name: str, content: Any, instead: Mapping[int, Rule]) -> str:
    """What promtool tells of a rule file in which some rules are changed."""
    group = content["groups"][0]
    rules = [instead.get(i, rule) for i, rule in enumerate(group["rules"])]
    changed = json.dumps({"groups": [{**group, "rules": rules}]})
    (folder / "rules" / f"{name}.yaml").write_text(changed, encoding="utf-8")
    told = promtool("test", "rules", folder / "tests" / f"{name}.yaml")[1]
    assert "parse" not in told, told[:500]  # one rule that is no PromQL would hide the others
    return told


def _name(rule: Mapping[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


def _noticed(rule: Rule, told: str) -> bool:
    """Whether a failure of promtool is about this rule."""
    name = _name(rule)
    return bool(re.search(rf"alertname: ?{name}\b|abs\({name} ", told))
