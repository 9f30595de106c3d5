"""Facts that only generated code needs: a provider's words for permissions and metrics (catalog/code/*.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["code_facts"]


@cache
def code_facts(provider: str) -> Mapping[str, Any]:
    """The tables of one provider: {"permissions": {service: {use: {...}}}, "signals": {service: {signal: {...}}}}."""
    text = files("devops_workbook.catalog").joinpath(f"code/{provider}.toml").read_text("utf-8")
    return tomllib.loads(text)
