"""What the builders of compute share: the image, the surroundings the service is told of, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.blueprint import Each
from devops_workbook.artifacts.terraform.aws.labels import image
from devops_workbook.artifacts.terraform.aws.logs import log_group
from devops_workbook.artifacts.terraform.aws.placed import named
from devops_workbook.artifacts.terraform.aws.scope import SiteScope
from devops_workbook.artifacts.terraform.aws.telemetry import telemetry_endpoint
from devops_workbook.artifacts.terraform.hcl import Expr, Ref, raw
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["Scope"]

# What the service is told of its surroundings: variable of its environment -> output of the data module.
_TOLD = {
    "DATABASE_NAME": "database_id",
    "DATABASE_HOST": "database_endpoint",
    "DATABASE_READ_HOST": "database_read_endpoint",
    "CACHE_HOST": "cache_endpoint",
    "CACHE_USER": "cache_user",
    "FILES_BUCKET": "files_id",
    "INTAKE": "intake_id",
}


@dataclass(frozen=True)
class Scope(SiteScope):
    """One site's compute as it is being written."""

    data: Module
    edge: Module
    identity: Module
    secrets: Module | None

    # --- what runs -------------------------------------------------------------------------------------------

    def image(self) -> Ref:
        """The image of the service."""
        return self.module.variable(
            "image",
            "string",
            "The image that runs until the pipeline deploys another.",
            image(self.b, self.site.region.id),
            checks=[('can(regex(":[^/]+$", var.image))', "The image must have a tag.")],
        )

    def environment(self) -> Mapping[str, Any]:
        """What the service is told: addresses, and where it sends its telemetry. Never a secret."""
        m, told = self.module, dict[str, Any]()
        for name, output in _TOLD.items():
            if output in self.data.outputs:
                description = self.data.outputs[output].description
                told[name] = m.variable(output, "string", description, self.data.wire(output),
                                        nullable=output.startswith("cache"))  # fmt: skip
        collector = m.variable(
            "telemetry_endpoint", "string", "Where telemetry goes; empty where no collector runs.",
            self.at(lambda e: telemetry_endpoint(self.b, e)),
        )  # fmt: skip
        off = raw(f'tostring({collector} == "")')
        return told | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_SDK_DISABLED": off}

    def log_group(self, title: str | Expr) -> Ref:
        """The log of the service."""
        components = "logs" if self.service_of("logs") == "cloudwatch-logs" else "compute"
        return log_group(self.b, self.module, "service", components, title, self.key("logs"),
                         tags=self.tags("compute"))  # fmt: skip

    def service_of(self, id: str) -> str:
        """The catalog id of the service behind a component, "" if there is no such component."""
        return self.b.component(id).service if self.b.has(id) else ""

    # --- where ---------------------------------------------------------------------------------------------

    def subnets(self) -> Ref:
        """The application subnets of the zones in use."""
        m = self.module
        ids = m.variable("app_subnet_ids", "list(string)", "Application subnets, one in each zone.",
                         self.network.wire("app_subnet_ids"))  # fmt: skip
        zones = m.variable(
            "zones", "number", "Zones in which the service runs.", self.at(lambda e: e.zones),
            why=self.b.why("disaster_recovery.high_availability"),
            checks=[("var.zones >= 1", "The service runs in one zone at least.")],
        )  # fmt: skip
        return raw(f"slice({ids}, 0, {zones})")

    # --- how much ------------------------------------------------------------------------------------------

    def floor(self) -> Ref:
        """The fewest instances."""
        return self.module.variable(
            "minimum", "number", "Fewest instances; 0 = none until the site takes over, or none without work.",
            self.sized("compute", lambda s: s.minimum), why=self.b.why("scaling.capacity"),
            checks=[("var.minimum >= 0 && var.minimum <= var.maximum", "minimum must be from 0 to maximum.")],
        )  # fmt: skip

    def ceiling(self) -> Ref:
        """The most instances."""
        return self.module.variable(
            "maximum", "number", "Most instances.", self.sized("compute", lambda s: s.maximum),
            why=self.b.why("scaling.autoscaling"), checks=[("var.maximum >= 1", "maximum must be at least 1.")],
        )  # fmt: skip

    def sku(self) -> Ref:
        """The size of the machines."""
        return self.module.variable(
            "instance_type", "string", "Size of the machines.", self.sized("compute", lambda s: s.sku),
            why=self.b.why("infrastructure.compute"),
            checks=[('can(regex("^[a-z0-9-]+[.][a-z0-9]+$", var.instance_type))', "A size is written as m7g.large.")],
        )  # fmt: skip

    def arch(self) -> Each:
        """The processors of the machines: "arm" or "x86"."""
        return self.sized("compute", lambda s: self.b.provider.instances[s.sku].arch)

    def named(self, what: str) -> Expr:
        """A name at this site."""
        return named(what)
