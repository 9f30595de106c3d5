"""Documents: the report notebook's chapters, the exporters that set them, and the one call that does it all.

`export` and `run_report` live in `document` and the nbconvert exporters in `exporters`; they are imported from there,
because papermill and nbconvert take a second that the notebook's own `Document` need not wait for.
"""

from devops_workbook.export.report import Document

__all__ = ["Document"]
