"""What takes work in and holds it until a worker takes it: a topic, and one for what no worker could do.

The subscription belongs to those who read it, and is built with them (see `compute`).
"""

from __future__ import annotations

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import labels, named, number, project, region
from devops_workbook.artifacts.terraform.gcp.parts import Parts, encrypted, key
from devops_workbook.artifacts.terraform.gcp.security import customer_keys
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["WEEK", "intake"]

_AUTOSCALING = "scaling.autoscaling"
WEEK = "604800s"


def intake(m: Module, b: Blueprint, site: Site, parts: Parts) -> None:
    """The topics of a site, where the design takes work in."""
    if not b.has(site.id("intake")):
        return
    stream = b.component("intake").role == "stream"
    replay = {"message_retention_duration": Noted(WEEK, "Readers can go back a week, and so replay what they read.")}
    topic = _topic(m, b, site, parts, "this", "work", **(replay if stream else {}))
    dead = _topic(m, b, site, parts, "dead", "dead-letters")
    m.resource(
        "google_pubsub_subscription", "dead", "intake", file="intake",
        why="What no worker could do waits here for somebody to look at it.",
        project=project(m), name=named(m, site, "dead-letters"), topic=dead.id, labels=labels("intake", m, site),
        message_retention_duration=WEEK, expiration_policy=Nested(ttl=""),
    )  # fmt: skip
    m.resource(
        "google_pubsub_topic_iam_member", "dead", "intake", file="intake",
        why="Pub/Sub itself moves there what was delivered in vain.", project=project(m), topic=dead.name,
        role="roles/pubsub.publisher", member=template("serviceAccount:service-", number(m), _AGENT),
    )  # fmt: skip
    m.output("intake_id", topic.id, "Topic that takes work in.", exported=True)
    m.output("dead_letter_id", dead.id, "Topic of what no worker could do.")


_AGENT = "@gcp-sa-pubsub.iam.gserviceaccount.com"


def _topic(m: Module, b: Blueprint, site: Site, parts: Parts, id: str, what: str, **more: object) -> Ref:
    unkeyed = {"CKV_GCP_83": "The design encrypts with the provider's keys."}
    return m.resource(
        "google_pubsub_topic", id, "intake", file="intake", why=b.why(_AUTOSCALING) if id == "this" else "",
        skips={} if customer_keys(b) else unkeyed, project=project(m), name=named(m, site, what),
        labels=labels("intake", m, site), **encrypted("kms_key_name", key(m, b, parts.security, "files")), **more,
        message_storage_policy=Nested(allowed_persistence_regions=[region(m, site)]),
    )  # fmt: skip
