"""Units, so that gigabytes are never added to gibibytes, nor hours to months.

A unit is written the way people write it: "GiB-month", "1M requests", "gCO2e/kWh", "% per year". `parse` reads it
into a factor and the powers of a few base units (seconds, bytes, dollars, ...); two units are alike when their
powers are, and only then `convert` goes from one to the other. Whatever is no measure is a thing that is counted
(requests, spans, rules) and has no dimension. A month is 730 hours, a year twelve of them; GB is 1000^3 bytes, GiB
1024^3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Unit", "UnitError", "convert", "parse"]


class UnitError(ValueError):
    """A text that is no unit, or two units that do not measure the same thing; the message names them."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its size in base units, and of what: (("bytes", 1), ("time", 1)) for a GB-month."""

    factor: float
    powers: tuple[tuple[str, int], ...] = ()


def _measures(kind: str, sizes: Mapping[str, float]) -> dict[str, Unit]:
    return {name: Unit(size, ((kind, 1),)) for name, size in sizes.items()}


_MONTH_S = 730 * 3600.0
_MEASURES: Mapping[str, Unit] = {
    **_measures("time", {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "day": 86_400.0, "week": 604_800.0}),
    **_measures("time", {"days": 86_400.0, "month": _MONTH_S, "months": _MONTH_S, "year": 12 * _MONTH_S}),
    **_measures("bytes", {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15}),
    **_measures("bytes", {"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40}),
    **_measures("energy", {"kWh": 1.0, "Wh": 0.001}),
    **_measures("carbon", {"kgCO2e": 1.0, "gCO2e": 0.001}),
    **_measures("money", {"USD": 1.0}),
    **_measures("processors", {"vCPU": 1.0}),
    "W": Unit(0.001 / 3600.0, (("energy", 1), ("time", -1))),
    "%": Unit(0.01),
}
_MULTIPLES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9}
_COUNT = re.compile(r"(\d+)([kKMB]?) (?=\S)")
_THING = re.compile(r"[^\W\d_]+([ -][^\W\d_]+)*|×?")


@lru_cache(maxsize=1024)
def parse(text: str) -> Unit:
    """The unit that `text` writes; "" is a pure number. Raises UnitError when it cannot be read."""
    above, *below = re.split(r"/| per ", text)
    factor, powers = _product(above, text)
    for part in below:
        divisor, others = _product(part, text)
        factor /= divisor
        powers = {kind: powers.get(kind, 0) - others.get(kind, 0) for kind in (*powers, *others)}
    return Unit(factor, tuple(sorted((kind, power) for kind, power in powers.items() if power)))


def _product(text: str, whole: str) -> tuple[float, dict[str, int]]:
    factor, powers = 1.0, dict[str, int]()
    if count := _COUNT.match(text):
        factor = float(count[1]) * _MULTIPLES[count[2]]
        text = text[count.end() :]
    for name in re.split(r"[-·]", text):
        unit = _factor(name.strip(), whole)
        factor *= unit.factor
        for kind, power in unit.powers:
            powers[kind] = powers.get(kind, 0) + power
    return factor, powers


def _factor(name: str, whole: str) -> Unit:
    if name in _MEASURES:
        return _MEASURES[name]
    if not _THING.fullmatch(name):
        raise UnitError(f"{whole!r} is not a unit: {name!r} is neither a measure nor a thing that is counted")
    return Unit(1.0)


@lru_cache(maxsize=4096)
def _ratio(source: str, target: str) -> float:
    one, other = parse(source), parse(target)
    if one.powers != other.powers:
        raise UnitError(f"{source!r} cannot be turned into {target!r}: they do not measure the same thing")
    return one.factor / other.factor


def convert(value: float, source: str, target: str) -> float:
    """`value` in `source` units as a number of `target` units. Raises UnitError when they are not alike."""
    return value * _ratio(source, target)
