"""Values and names of a plan, held against what the providers' documentation says of them.

A provider that is only a schema (see shim.py) takes every string; the real one, or the cloud, does not. Tables:

    documented/<provider>.toml   values, read out of the provider's own pages (see documentation.py)
    documented/corrections.toml  what these pages do not say, or say wrongly; written by hand
    documented/names.toml        names: length, characters, and within what they are unique; written by hand

What looks like one of a fixed set of values and is in no table is `unknown`: it is told, and a test bounds it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("documented")
_CHOICE = re.compile(
    r"(^|_)(type|mode|tier|sku|sku_name|kind|level|protocol|policy|strategy|action|effect|state|scheme|class|edition"
    r"|visibility|profile|direction|access|operator|severity|category|criteria|frequency|unit|aggregation|version)$"
)
_WORD = re.compile(r"[A-Za-z][\w-]*")


@dataclass(frozen=True, slots=True)
class Rule:
    """What an attribute may be. values: one of these; least and most: a number, or a text's length, in between; free:
    anything, for this reason."""

    values: frozenset[str] | None = None
    least: int | None = None
    most: int | None = None
    free: str = ""

    def broken(self, value: Any) -> str:
        """What is wrong with a value, "" if nothing is."""
        if self.values is not None and str(value) not in self.values:
            return f"is none of {', '.join(sorted(self.values))}"
        if self.least is None or self.most is None or isinstance(value, bool):
            return ""
        size = len(value) if isinstance(value, str) and not value.isdigit() else float(value)
        return "" if self.least <= size <= self.most else f"is not within {self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class NameRule:
    """What a name of a resource may be. attribute: that holds it; unique: within "world", "account" (an account,
    project or subscription), or the attributes that together tell one place from another."""

    attribute: str
    pattern: re.Pattern[str]
    least: int
    most: int
    unique: tuple[str, ...]


@dataclass
class Names:
    """The names of one design so far, to find those that are given twice: world-wide ones over all its roots."""

    seen: dict[tuple[Any, ...], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """wrong: sentences; unknown: "type.attribute = value" that no table knows, and types without a rule for names."""

    wrong: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def __add__(self, other: Checked) -> Checked:
        return Checked(self.wrong + other.wrong, self.unknown + other.unknown)


# --- tables ----------------------------------------------------------------------------------------------


@cache
def rules() -> Mapping[str, Mapping[str, Rule]]:
    """Resource type -> attribute, after the block it stands in -> its rule. What is written by hand wins."""
    found: dict[str, dict[str, Rule]] = {}
    for path in [*sorted(FOLDER.glob("*.toml")), FOLDER / "corrections.toml"]:
        if path.name != "names.toml":
            for type_, rows in _tables(path).items():
                found.setdefault(type_, {}).update({name: _rule(row) for name, row in rows.items()})
    return found


def _tables(path: Path) -> dict[str, dict[str, Any]]:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        k: {n: v for n, v in t.items() if n not in ("source", "as_of")}
        for k, t in content.items()
        if isinstance(t, dict)
    }


def _rule(row: Any) -> Rule:
    if isinstance(row, list):
        return Rule(values=frozenset(row))
    return Rule(least=row["from"], most=row["to"]) if "from" in row else Rule(free=row["free"])


@cache
def name_rules() -> Mapping[str, NameRule | None]:
    """Resource type -> the rule of its name; None for a type that has no name of its own."""
    found: dict[str, NameRule | None] = {}
    for row in _tables(FOLDER / "names.toml").values():
        found |= dict.fromkeys(row["types"], None if "nameless" in row else _name_rule(row))
    return found


def _name_rule(row: Mapping[str, Any]) -> NameRule:
    unique = row.get("unique", ())
    within = (unique,) if isinstance(unique, str) else tuple(unique)
    return NameRule(row.get("attribute", "name"), re.compile(row["pattern"]), row["from"], row["to"], within)


# --- checks ----------------------------------------------------------------------------------------------


def check(plan: Any, names: Names, root: str = "") -> Checked:
    """What is wrong and what is unknown of a plan, as `terraform show -json` prints it. AWS values are left out: there
    the real provider checks them."""
    found = Checked()
    for resource in plan.get("resource_changes", ()):
        if resource["mode"] == "managed" and resource["change"]["after"]:
            after, type_ = resource["change"]["after"], resource["type"]
            if not type_.startswith("aws_"):
                found += _values(type_, resource["address"], after)
            found += _name(type_, resource["change"], f"{root}: {resource['address']}", names)
    return found


def _values(type_: str, address: str, after: Mapping[str, Any]) -> Checked:
    known = rules().get(type_)
    if known is None:
        return Checked(unknown=(f"{type_}: no documentation was read",))
    wrong, unknown = [], []
    for block, name, value in _leaves("", after):
        rule = known.get(f"{block}.{name}") if block else known.get(name)
        if rule is None:
            unknown += [f"{type_}.{f'{block}.' if block else ''}{name} = {value}"] if _choice(name, value) else []
        elif told := rule.broken(value):
            wrong.append(f"{address}: {name} = {value!r} {told}")
    return Checked(tuple(wrong), tuple(unknown))


def _leaves(block: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Block, attribute and value of everything that is known, however deep it stands."""
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield from _leaves(name, one)
            elif one is not None and one != "":
                yield block, name, one


def _choice(name: str, value: Any) -> bool:
    """Whether this looks like one of a fixed set of values."""
    return isinstance(value, str) and bool(_CHOICE.search(name) and _WORD.fullmatch(value))


def _name(type_: str, change: Mapping[str, Any], here: str, names: Names) -> Checked:
    if type_ not in name_rules():
        named = isinstance(change["after"].get("name"), str) and not type_.startswith(
            "aws_"
        )  # its provider looks itself
        return Checked(unknown=(f"{type_}: no rule for names",) if named else ())
    rule = name_rules()[type_]
    name = change["after"].get(rule.attribute) if rule else None
    if rule is None or not isinstance(name, str):
        return Checked()
    wrong = []
    if not rule.least <= len(name) <= rule.most:
        wrong.append(f"{here}: the name {name!r} has {len(name)} characters, not {rule.least} to {rule.most}")
    if not rule.pattern.fullmatch(name):
        wrong.append(f"{here}: the name {name!r} is not of the form {rule.pattern.pattern}")
    other = names.seen.setdefault((type_, name.lower(), *_place(rule, change, here)), here)
    if other != here:
        wrong.append(f"{here}: the name {name!r} is that of {other} already")
    return Checked(tuple(wrong))


def _place(rule: NameRule, change: Mapping[str, Any], here: str) -> tuple[str, ...]:
    """Within what a name may stand once. What is not known before apply is taken to differ."""
    if rule.unique == ("world",):
        return ()
    unknown = change.get("after_unknown") or {}
    if not rule.unique or any(unknown.get(a) for a in rule.unique):
        return (here,)
    return (here.partition(":")[0], *(str(change["after"].get(a)) for a in rule.unique))
