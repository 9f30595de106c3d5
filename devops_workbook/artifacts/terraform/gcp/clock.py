"""Working hours: what stops the machines of an environment in the evening and starts them in the morning.

Where the plan shuts down what is not production, a schedule calls the service's own API, under an account that may do
that and nothing else. Environments that run around the clock have none of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import named, project, region
from devops_workbook.artifacts.terraform.gcp.parts import permission
from devops_workbook.artifacts.terraform.hcl import Expr, Nested, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.design.environments import HOURS_PER_WEEK

__all__ = ["EVENING", "MORNING", "TIME_ZONE", "Call", "clock"]

_EFFICIENCY = "cost.efficiency"
# 07:00 to 19:00 from Monday to Friday are the 60 hours of the plan.
MORNING, EVENING, TIME_ZONE = "0 7 * * 1-5", "0 19 * * 1-5", "Etc/UTC"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an API. id: what it does, for its name; when: a cron schedule."""

    id: str
    when: str
    method: str
    uri: Expr
    body: Mapping[str, Any]


def _shuts_down(b: Blueprint) -> bool:
    """Whether some environment rests outside working hours."""
    return any(e.hours_per_week < HOURS_PER_WEEK for e in b.environments)


def _rests(m: Module, b: Blueprint) -> Ref:
    """Whether this environment rests outside working hours."""
    value = b.each(lambda e: e.hours_per_week < HOURS_PER_WEEK)
    return m.variable("working_hours", "bool", "Whether machines stop outside working hours.", value,
                      why=b.why(_EFFICIENCY))  # fmt: skip


def _role(m: Module, component: str, service: str, count: Ref) -> Ref:
    """A role of the permissions that the facts list for stopping a service, and no others."""
    return m.resource(
        "google_project_iam_custom_role", "hours", component, file="hours", count=count, project=project(m),
        role_id=raw(f'replace("${{var.name}}_{component}_hours${{var.site}}", "-", "_")'),
        title=f"Stops and starts {component}", permissions=list(permission(service, "stop")["actions"]),
    )  # fmt: skip


def clock(m: Module, b: Blueprint, site: Site, component: str, calls: Sequence[Call], account: str) -> None:
    """The schedule that makes `calls`. account: ends the name of the account it works under, at most five letters."""
    if not _shuts_down(b) or not calls:
        return
    service = b.component(component).service
    count = raw(f"{_rests(m, b)} ? 1 : 0")
    worker = m.resource(
        "google_service_account", "hours", component, file="hours", why=b.why(_EFFICIENCY), count=count,
        project=project(m), account_id=named(m, site, account), display_name=template("Working hours of ", component),
    )  # fmt: skip
    role = _role(m, component, service, count)
    m.resource(
        "google_project_iam_member", "hours", component, file="hours", count=count, project=project(m),
        role=raw(f"{role}[0].name"), member=raw(f"{worker}[0].member"),
    )  # fmt: skip
    for one in calls:
        _job(m, site, component, one, count, raw(f"{worker}[0].email"))


def _job(m: Module, site: Site, component: str, one: Call, count: Ref, email: Ref) -> None:
    m.resource(
        "google_cloud_scheduler_job", one.id.replace("-", "_"), component, file="hours", count=count,
        project=project(m), region=region(m, site), name=named(m, site, f"{component}-{one.id}"),
        description=f"Calls the API of {component}: {one.id}.", schedule=one.when, time_zone=TIME_ZONE,
        retry_config=Nested(retry_count=3),
        http_target=Nested(
            http_method=one.method, uri=one.uri, headers={"Content-Type": "application/json"},
            body=call("base64encode", call("jsonencode", one.body)),
            oauth_token=Nested(service_account_email=email, scope=_SCOPE),
        ),
    )  # fmt: skip
