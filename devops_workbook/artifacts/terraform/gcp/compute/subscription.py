"""How work reaches those who do it: a subscription of the site's topic, pulled by machines, pushed to Cloud Run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import labels, named, number, project
from devops_workbook.artifacts.terraform.gcp.data.intake import WEEK
from devops_workbook.artifacts.terraform.gcp.parts import permission
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["backlog", "pulled", "subscription"]

_AUTOSCALING = "scaling.autoscaling"
_AGENT = "@gcp-sa-pubsub.iam.gserviceaccount.com"
_ATTEMPTS = 5  # the fewest that Pub/Sub takes: https://cloud.google.com/pubsub/docs/handling-failures (2026-11)
_DEADLINES = (10, 600)  # seconds that Pub/Sub takes for an acknowledgement, same page


def subscription(m: Module, b: Blueprint, site: Site, data: Module, **push: Any) -> Ref:
    """The subscription of the site's topic, where the design takes work in. push: a `push_config`."""
    topic = m.variable("intake_id", "string", "Topic that takes work in.", data.wire("intake_id"))
    dead = m.variable("dead_letter_id", "string", "Topic of what no worker could do.", data.wire("dead_letter_id"))
    stream = b.component("intake").role == "stream"
    ordered: Mapping[str, Any] = {"enable_message_ordering": True, "retain_acked_messages": True} if stream else {}
    made = m.resource(
        "google_pubsub_subscription", "this", ("compute", "intake"), file="subscription", why=b.why(_AUTOSCALING),
        project=project(m), name=named(m, site, "work"), topic=topic, labels=labels("compute", m, site),
        ack_deadline_seconds=_deadline(b), message_retention_duration=WEEK, **ordered,
        expiration_policy=Noted(Nested(ttl=""), "It stays, even when nobody has read from it for a month."), **push,
        retry_policy=Nested(minimum_backoff="10s", maximum_backoff="600s"),
        dead_letter_policy=Nested(dead_letter_topic=dead, max_delivery_attempts=_ATTEMPTS),
    )  # fmt: skip
    m.resource(
        "google_pubsub_subscription_iam_member", "dead", "intake", file="subscription",
        why="Pub/Sub takes what was delivered in vain out of here.", project=project(m), subscription=made.name,
        role="roles/pubsub.subscriber", member=template("serviceAccount:service-", number(m), _AGENT),
    )  # fmt: skip
    m.output("subscription_name", made.name, "Subscription that work is read from.", exported=True)
    return made


def _deadline(b: Blueprint) -> int:
    """Seconds within which work must be acknowledged: six times what hardly any takes, within Pub/Sub's bounds."""
    shortest, longest = _DEADLINES
    return min(longest, max(shortest, math.ceil(6 * b.requirements.p99_latency_ms / 1000)))


def pulled(m: Module, b: Blueprint, site: Site, data: Module, account: Ref) -> Ref:
    """The subscription, read by whoever has the account."""
    made = subscription(m, b, site, data)
    service = b.component("intake").service
    m.resource(
        "google_pubsub_subscription_iam_member", "work", ("compute", "intake"), file="subscription",
        why="intake to compute: work.", project=project(m), subscription=made.name,
        role=permission(service, "work")["actions"][0], member=account.member,
    )  # fmt: skip
    return made


def backlog(b: Blueprint) -> int:
    """Messages that may wait for one machine: as many as it works off within the latency that is acceptable."""
    r, capacity = b.requirements, b.assessment.capacity
    return max(1, math.floor(r.p99_latency_ms / r.service_time_ms * capacity.workers_per_replica))
