"""Which metrics the parts of a design emit (catalog/code/metrics.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint

__all__ = ["emitted"]

_SUFFIXES = {"histogram": ("_bucket", "_count", "_sum")}
# Prometheus adds these to whatever it scrapes.
_ALWAYS = ("job", "instance")


@cache
def _facts() -> Mapping[str, Any]:
    return tomllib.loads(files("devops_workbook.catalog").joinpath("code/metrics.toml").read_text(encoding="utf-8"))


def emitted(b: Blueprint) -> dict[str, frozenset[str]]:
    """Series that something in the design emits, and the labels by which they can be selected."""
    found = {}
    parts = {"always", b.requirements.workload_type, b.choice("infrastructure.compute")}
    parts |= {"database"} if b.has("database") else set()
    for emitter in _facts().values():
        if parts & set(emitter["when"].split()):
            for name, fact in emitter["metrics"].items():
                for suffix in _SUFFIXES.get(fact["type"], ("",)):
                    own = ("le",) if suffix == "_bucket" else ()
                    found[name + suffix] = frozenset((*fact["labels"], *_ALWAYS, *own))
    return found
