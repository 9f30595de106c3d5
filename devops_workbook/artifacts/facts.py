"""Facts that only generated code needs: a provider's words for permissions and metrics (catalog/code/*.toml)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.catalog import load

__all__ = ["code_facts"]


def code_facts(provider: str) -> Mapping[str, Any]:
    """The tables of one provider: {"permissions": {service: {use: {...}}}, "signals": {service: {signal: {...}}}}."""
    return load().providers[provider].code
