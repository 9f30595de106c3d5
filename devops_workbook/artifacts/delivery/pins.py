"""What pipelines and images are made of, by the bytes (catalog/code/pins.toml), and the files they are made from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["action", "filled", "image", "pins", "source"]

_CODE = files("devops_workbook.catalog").joinpath("code")
_NAMED = re.compile(r"@([a-z-]+)@")


@cache
def pins() -> Mapping[str, Any]:
    """The tables of pins.toml: images, tools, packages and actions by id."""
    return tomllib.loads(source("pins.toml"))


@cache
def source(path: str) -> str:
    """The text of a file below catalog/code."""
    return _CODE.joinpath(path).read_text(encoding="utf-8")


def image(id: str) -> str:
    """An image by tag and digest; KeyError if it is not pinned."""
    return str(pins()["images"][id]["ref"])


def action(id: str) -> tuple[str, str]:
    """An action by commit, and the version that the commit is."""
    pin = pins()["actions"][id]
    return f"{pin['uses']}@{pin['commit']}", str(pin["version"])


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with @name@ replaced: by a value, or by the pinned image of that name."""
    return _NAMED.sub(lambda found: values.get(found[1]) or image(found[1]), text)
