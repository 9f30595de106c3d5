"""The assessment, topic by topic, as a board or a document shows it.

`exhibits(evaluation)` are the topics in order. What an exhibit is made of is in `model`; each topic has its module.
Nothing is worked out here: a figure that is shown is one of the assessment's, or of the alternatives in `what_if`.
"""

from __future__ import annotations

from devops_workbook.evaluate import Evaluation
from devops_workbook.render.exhibits.availability import availability
from devops_workbook.render.exhibits.capacity import capacity
from devops_workbook.render.exhibits.carbon import carbon
from devops_workbook.render.exhibits.compliance import frameworks
from devops_workbook.render.exhibits.cost import cost
from devops_workbook.render.exhibits.model import Exhibit
from devops_workbook.render.exhibits.network import addresses, telemetry
from devops_workbook.render.exhibits.recovery import recovery
from devops_workbook.render.exhibits.what_if import cleaner_regions, other_clouds, under_budget

__all__ = ["exhibits"]


def exhibits(evaluation: Evaluation) -> tuple[Exhibit, ...]:
    """Every topic of the assessment, in the order in which a review goes through them."""
    ways = under_budget(evaluation)
    return (
        cost(evaluation),
        *((ways,) if ways else ()),
        other_clouds(evaluation),
        availability(evaluation),
        recovery(evaluation),
        capacity(evaluation),
        telemetry(evaluation),
        addresses(evaluation),
        *frameworks(evaluation),
        carbon(evaluation),
        cleaner_regions(evaluation),
    )
