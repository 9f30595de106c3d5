"""What if: the same requirements on another cloud, under the budget, or with less carbon.

Each function changes requirements, evaluates them anew and sets the outcomes side by side, so that an alternative is
worked out by the same rules as the design it is held against. That takes a number of evaluations, so none of this runs
inside `evaluate`: whoever wants an answer asks for it.
"""

from devops_workbook.what_if.budget import PricedWay, ways_under_budget
from devops_workbook.what_if.carbon import RegionAlternative, lower_carbon_regions
from devops_workbook.what_if.outcome import Outcome, outcome_of
from devops_workbook.what_if.providers import ProviderCost, across_providers

__all__ = [
    "Outcome", "PricedWay", "ProviderCost", "RegionAlternative", "across_providers", "lower_carbon_regions",
    "outcome_of", "ways_under_budget",
]  # fmt: skip
