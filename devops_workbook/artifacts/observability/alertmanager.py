"""Whom an alert reaches: Alertmanager's configuration, and the routes that `amtool config routes test` holds it to.

Critical alerts page whoever is on call, while somebody is; warnings become tickets; the heartbeat goes to whoever
listens for its end. Who is woken next when nobody answers is a setting of the paging service, which has the rota.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.observability.model import Alert
from devops_workbook.artifacts.yaml import Noted, document

__all__ = ["alertmanager_files"]

_FOLDER = "observability/alertmanager"
_SECRETS = "/etc/alertmanager/secrets"
_HOURS = "business-hours"
_RECEIVERS = {"critical": "page", "warning": "ticket", "heartbeat": "heartbeat"}


def alertmanager_files(b: Blueprint, alerts: Sequence[Alert]) -> tuple[Artifact, ...]:
    """The configuration, and one line an alert: the receiver and the labels it is sent with."""
    routes = "".join(f"{_RECEIVERS[a.severity]} {_labels(a)}\n" for a in alerts)
    return (
        Artifact(f"{_FOLDER}/alertmanager.yaml", _configuration(b)),
        Artifact(f"{_FOLDER}/routes.txt", routes),
    )


def _labels(alert: Alert) -> str:
    return " ".join(f"{k}={v}" for k, v in {"alertname": alert.name, **alert.labels}.items())


def _configuration(b: Blueprint) -> str:
    staffed = b.requirements.on_call == "24x7"
    sections: list[tuple[str, Any]] = [("route", _route(b, staffed))]
    if not staffed:
        hours = [{"weekdays": ["monday:friday"], "times": [{"start_time": "09:00", "end_time": "17:00"}]}]
        sections.append(("time_intervals", [{"name": _HOURS, "time_intervals": hours}]))
    sections += [("inhibit_rules", [_INHIBITION]), ("receivers", _receivers(b))]
    return document(sections, ["Whom an alert reaches; the routes are tested against routes.txt."])


def _route(b: Blueprint, staffed: bool) -> dict[str, Any]:
    when = {} if staffed else {"active_time_intervals": Noted([_HOURS], "somebody is on call in business hours, UTC")}
    return {
        "receiver": _RECEIVERS["warning"],
        "group_by": ["component", "concern"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
        "routes": [
            {
                "matchers": ['severity="critical"'],
                "receiver": Noted(_RECEIVERS["critical"], b.why("observability.alerting")),
                **when,
            },
            {
                "matchers": ['severity="heartbeat"'],
                "receiver": _RECEIVERS["heartbeat"],
                "group_wait": "0s",
                "group_interval": "1m",
                "repeat_interval": Noted("1m", "its listener raises the alarm when none came for a few minutes"),
            },
        ],
    }


_INHIBITION = {
    "source_matchers": ['severity="critical"'],
    "target_matchers": ['severity="warning"'],
    "equal": Noted(["concern"], "who is paged for something needs no ticket for the same"),
}


def _receivers(b: Blueprint) -> list[dict[str, Any]]:
    """Addresses hold tokens: each is read from a file, none is written here."""
    paged = b.has("on-call")
    page = (
        {"pagerduty_configs": [{"routing_key_file": f"{_SECRETS}/pagerduty-routing-key"}]}
        if paged
        else {"slack_configs": [_posted("chat")]}
    )
    return [
        {"name": _RECEIVERS["critical"], **page},
        {"name": _RECEIVERS["warning"], "slack_configs": [_posted("tickets")]},
        {"name": _RECEIVERS["heartbeat"], "slack_configs": [_posted("heartbeat")]},
    ]


def _posted(name: str) -> dict[str, Any]:
    """An incoming webhook that takes Slack's format, as most chats and trackers do; a listener takes any request."""
    return {"api_url_file": f"{_SECRETS}/{name}-url", "send_resolved": name != "heartbeat"}
