"""A page of the documentation, and the names by which pages lead to each other."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from devops_workbook.artifacts.model import Artifact
from devops_workbook.render.markdown import escape, join

__all__ = ["DOCS", "Page"]

DOCS = "docs"


@dataclass(frozen=True, slots=True)
class Page:
    """One page. path: below docs/; title: plain text; section: its heading in the navigation; blocks: Markdown."""

    path: str
    title: str
    section: str
    blocks: tuple[str, ...]

    @property
    def artifact(self) -> Artifact:
        """It as a file of the repository."""
        return Artifact(f"{DOCS}/{self.path}", join(f"# {escape(self.title)}", *self.blocks) + "\n")

    def link_from(self, path: str) -> str:
        """A link to it from the page at `path`, in Markdown."""
        return f"[{escape(self.title)}]({posixpath.relpath(self.path, posixpath.dirname(path) or '.')})"
