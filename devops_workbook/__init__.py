"""DevOps workbook: state what a system needs, see its architecture, plan and figures, leave with a document.

    from devops_workbook import Requirements, evaluate
    evaluate(Requirements(provider="gcp", peak_rps=500)).assessment.cost.monthly_usd

`evaluate` is the whole core: a pure function from `Requirements` to an `Evaluation`. `Board` shows it live in a
notebook, `load` and `save` keep requirements as scenario files, `export_document` writes the design document.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.requirements import Requirements

if TYPE_CHECKING:
    from devops_workbook.export.document import export as export_document
    from devops_workbook.scenario import Scenario, load, save
    from devops_workbook.widgets.board import Board

__all__ = [
    "Board",
    "Evaluation",
    "Requirements",
    "Scenario",
    "__version__",
    "evaluate",
    "export_document",
    "load",
    "save",
]

__version__ = version("devops-workbook")

# Found when first asked for, so that the core does not drag widgets, browsers and compilers along.
_HOMES = {
    "Board": ("widgets.board", "Board"),
    "Scenario": ("scenario", "Scenario"),
    "export_document": ("export.document", "export"),
    "load": ("scenario", "load"),
    "save": ("scenario", "save"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
