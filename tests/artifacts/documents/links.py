"""Where the pages of a repository lead, and whether that is there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

_LINK = re.compile(r"(?<!\\)\]\(([^)#\s]+)(?:#[^)]*)?\)")


def dangling(files: Mapping[str, str]) -> list[str]:
    """What pages, rules and the navigation name and no file of the repository is: "where: what"."""
    return [f"{where}: {what}" for where, what in _named(files) if what not in files]


def unlisted(files: Mapping[str, str]) -> set[str]:
    """Pages that the navigation does not lead to."""
    return {p for p in files if p.startswith("docs/")} - {what for _, what in _navigated(files)}


def _named(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for path, text in files.items():
        if path.startswith("docs/"):
            for target in _LINK.findall(text):
                if "://" not in target:
                    yield path, posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        if path.startswith("observability/"):
            for target in re.findall(r"runbook_url: (\S+)", text):
                yield path, target
    yield from _navigated(files)


def _navigated(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for target in _leaves(yaml.safe_load(files["mkdocs.yml"])["nav"]):
        yield "mkdocs.yml", f"docs/{target}"


def _leaves(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav.values() if isinstance(nav, dict) else nav:
            yield from _leaves(part)
