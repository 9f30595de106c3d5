"""Where telemetry goes: the collector's name in the private zone of the tools, in the environment that has it."""

from __future__ import annotations

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.design.deployments import Deployment

__all__ = ["private_zone", "telemetry_endpoint"]


def private_zone(b: Blueprint) -> str:
    """The zone in which the machines of the tools have names."""
    return f"{b.names.system}.internal"


def telemetry_endpoint(b: Blueprint, e: Deployment) -> str:
    """The address of the collector, "" in environments that run none."""
    if "collector" not in e.sizes:
        return ""
    port = b.catalog.tools["otel-collector"].port
    return f"https://collector.{private_zone(b)}:{port}"
