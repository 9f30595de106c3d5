"""The services of Google Cloud that the design uses: enabled first, and nothing else before them.

Everything that is built takes its project from here, which orders it after them.
"""

from __future__ import annotations

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS
from devops_workbook.artifacts.terraform.hcl import Noted, call, raw
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["apis", "enabled"]

_ALWAYS = ("cloudresourcemanager", "compute", "dns", "iam", "iamcredentials", "logging", "monitoring",
           "serviceusage", "servicedirectory", "certificatemanager")  # fmt: skip
# By service of the catalog, as its own documentation names it (2026-11)
_OF: dict[str, tuple[str, ...]] = {
    "cloud-run": ("run",),
    "cloud-functions": ("cloudfunctions", "run", "cloudbuild", "eventarc"),
    "gke": ("binaryauthorization", "container"),
    "cloud-sql": ("sqladmin", "networkconnectivity"),
    "alloydb": ("alloydb", "networkconnectivity"),
    "firestore": ("firestore",),
    "memorystore": ("redis", "networkconnectivity"),
    "cloud-storage": ("storage", "storagetransfer"),
    "pubsub": ("pubsub",),
    "pubsub-stream": ("pubsub",),
    "secret-manager": ("secretmanager",),
    "cloud-kms": ("cloudkms",),
    "artifact-registry": ("artifactregistry",),
    "cloud-trace": ("cloudtrace", "telemetry"),
    "security-command-center": ("securitycenter", "securitycentermanagement", "pubsub"),
    "organization-policy": ("orgpolicy",),
    "backup-and-dr": ("cloudscheduler", "workflows", "workflowexecutions"),
    "cloud-billing-budgets": ("billingbudgets",),
}  # fmt: skip


def enabled(b: Blueprint) -> tuple[str, ...]:
    """The services that a project of the design enables, sorted."""
    found = {api for c in b.topology.components for api in _OF.get(c.service, ())}
    found |= {"cloudscheduler"} if _shut_down(b) else set()
    return tuple(f"{api}.googleapis.com" for api in sorted({*_ALWAYS, *found}))


def _shut_down(b: Blueprint) -> bool:
    return any(e.hours_per_week < 168 for e in b.environments)


def apis(b: Blueprint) -> Module:
    """The services, enabled; the project's id and number once they are."""
    about = ("Enables the services of Google Cloud that the design uses. Every other module takes the project from "
             "its outputs, so that nothing is built before its service is on.",)  # fmt: skip
    m = Module("apis", "Services of Google Cloud", about, PROVIDERS)
    check = ('can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))',
             "project_id must be 6 to 30 lower-case letters, digits and dashes.")  # fmt: skip
    project = m.variable("project_id", "string", "Project of the environment.", raw("var.project_id"), checks=(check,))
    m.resource(
        "google_project_service", "this", "region", for_each=call("toset", list(enabled(b))),
        project=project, service=raw("each.value"),
        disable_on_destroy=Noted(False, "Other things in the project may use it too."),
    )  # fmt: skip
    m.data("google_project", "this", project_id=project)
    m.output("project_id", raw("one(distinct([for service in google_project_service.this : service.project]))"),
             "The project, once its services are enabled.")  # fmt: skip
    m.output("project_number", raw("data.google_project.this.number"), "Number of the project.")
    return m
