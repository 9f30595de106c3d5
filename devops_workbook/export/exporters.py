"""nbconvert exporters of design documents: HTML, PDF and Markdown.

They are registered under the entry point group `nbconvert.exporters`, so that `jupyter nbconvert --to design_pdf` and
JupyterLab's "Save and Export Notebook As" offer them. They take any notebook; what ours adds is described in `reader`.
JupyterLab's server accepts letters, digits and underscores only in the name of an exporter.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter
from nbconvert.utils.exceptions import ConversionException
from nbformat import NotebookNode
from traitlets import default
from traitlets.config import Config

from devops_workbook.export import plaintext, typeset, web
from devops_workbook.export.glyphs import TypesettingError
from devops_workbook.export.manuscript import Manuscript
from devops_workbook.export.reader import read

__all__ = ["DesignHtmlExporter", "DesignMarkdownExporter", "DesignPdfExporter"]


class _DesignExporter(Exporter):
    """Reads the notebook as a manuscript, and writes that."""

    write: Callable[[Manuscript], str | bytes]
    """Sets a manuscript in this exporter's format."""

    @property
    def default_config(self) -> Config:
        """The switches of nbconvert for leaving out cells by tag work here as everywhere."""
        return Config({"TagRemovePreprocessor": {"enabled": True}, "RegexRemovePreprocessor": {"enabled": True}})

    def from_notebook_node(  # type: ignore[override]  # nbconvert's own exporters widen the result in the same way
        self, nb: NotebookNode, resources: Any = None, **kw: Any
    ) -> tuple[str | bytes, dict[str, Any]]:
        """The document in the notebook, and nbconvert's resources. Raises ConversionException with a sentence."""
        node, resources = super().from_notebook_node(nb, resources, **kw)
        metadata = resources.get("metadata") or {}
        folder = Path(str(metadata.get("path") or ".")) if metadata.get("path") is not None else None
        try:
            return type(self).write(read(node, str(metadata.get("name") or ""), folder)), resources
        except TypesettingError as error:
            raise ConversionException(str(error)) from error


class DesignHtmlExporter(_DesignExporter):
    """One HTML file that fetches nothing."""

    output_mimetype = "text/html"
    export_from_notebook = "Design document (HTML)"
    write = staticmethod(web.html)

    @default("file_extension")
    def _file_extension(self) -> str:
        return ".html"


class DesignPdfExporter(_DesignExporter):
    """A PDF tagged for accessibility."""

    output_mimetype = "application/pdf"
    export_from_notebook = "Design document (PDF)"
    write = staticmethod(typeset.pdf)

    @default("file_extension")
    def _file_extension(self) -> str:
        return ".pdf"


class DesignMarkdownExporter(_DesignExporter):
    """One Markdown file with its pictures within."""

    output_mimetype = "text/markdown"
    export_from_notebook = "Design document (Markdown)"
    write = staticmethod(plaintext.markdown)

    @default("file_extension")
    def _file_extension(self) -> str:
        return ".md"
