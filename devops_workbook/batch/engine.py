"""papermill's engine on forked kernels.

    papermill --engine devops-workbook report.ipynb out.ipynb -f scenario.yaml

papermill loads this module by its entry point while it is itself imported; whoever wants the engine names it to it.
"""

from __future__ import annotations

from typing import Any

from papermill.engines import NBClientEngine

from devops_workbook.batch.warm import WarmKernelManager

__all__ = ["WarmEngine"]


class WarmEngine(NBClientEngine):  # type: ignore[misc]  # papermill has no types
    """papermill's own engine, each notebook in a kernel that was forked from a warm parent.

    The output is written once, at the end or when a cell failed, where papermill's own writes it twice for each cell.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> Any:
        """Execute the notebook of papermill's manager; arguments as of papermill's own engine."""
        output, nb_man.output_path = nb_man.output_path, None
        try:
            return super().execute_managed_notebook(
                nb_man, kernel_name, kernel_manager_class=WarmKernelManager, **kwargs
            )
        finally:
            nb_man.output_path = output
