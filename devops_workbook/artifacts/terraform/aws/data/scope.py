"""What the builders of data stores share."""

from __future__ import annotations

from dataclasses import dataclass

from devops_workbook.artifacts.terraform.aws.scope import SiteScope
from devops_workbook.artifacts.terraform.hcl import Ref
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["Scope"]


@dataclass(frozen=True)
class Scope(SiteScope):
    """One site's data as it is being written. first: the module of the first site, None = this is it."""

    first: Module | None

    def subnets(self) -> Ref:
        """The subnets of the data."""
        told = "Subnets of the data, one in each zone."
        return self.module.variable(
            "data_subnet_ids", "list(string)", told, self.network.wire("data_subnet_ids"),
            checks=[("length(var.data_subnet_ids) >= 2", "A subnet group takes subnets in two zones at least.")],
        )  # fmt: skip

    def kept(self) -> Ref:
        """Whether it is protected against deletion."""
        told = "Whether what holds data is protected against deletion; development may be thrown away."
        return self.module.variable(
            "deletion_protection", "bool", told, self.at(lambda e: e.environment != "development")
        )  # fmt: skip

    def days(self, data: str, id: str) -> int:
        """For how many days the plan keeps copies of some data where a component keeps them, 0 = it keeps none."""
        sets = self.b.assessment.recovery.backups
        return int(max((x.retention_days for x in sets if x.data == data and x.component == id), default=0))
