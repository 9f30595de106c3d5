"""What usually is behind an alert, how one sees that it is, and what then helps: by what the alert is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CAUSES", "Cause"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: what it is, by what one knows it, and what to do."""

    title: str
    seen_by: str
    act: str


_RELEASE = Cause(
    "A release", "It began within minutes of one; only the new version shows it.",
    "Roll back first and understand later.",
)  # fmt: skip
_DEPENDENCY = Cause(
    "A dependency", "Its own alert fires, or its panel turned before ours did.",
    "Work on its runbook; switch off what needs it, if the service can do without.",
)  # fmt: skip
_LOAD = Cause(
    "More load than capacity", "Requests and saturation rose together before it.",
    "Raise the floor of the replicas, then find who sends the load.",
)  # fmt: skip
_ZONE = Cause(
    "A zone or the provider", "Instances of one zone are concerned, or the provider's status page says so.",
    "Follow the page on the loss of a zone, under Recovery.",
)  # fmt: skip
_CERTIFICATE = Cause(
    "A certificate or a credential that expired", "It began at a full minute, everywhere at once, without a release.",
    "Renew it; the calendar of credentials says where it was issued.",
)  # fmt: skip

CAUSES: Mapping[str, tuple[Cause, ...]] = {
    "errors": (_RELEASE, _DEPENDENCY, _LOAD, _CERTIFICATE, _ZONE),
    "latency": (
        _RELEASE,
        _LOAD,
        Cause("A slow query", "Time goes into the database's spans while its processors are busy.",
              "Stop the query, undo the release that brought it, or add the index."),
        Cause("Cold caches or new instances", "It began with a restart or a scale-out, and falls by itself.",
              "Wait ten minutes; scale out earlier next time."),
        _DEPENDENCY,
        _ZONE,
    ),
    "traffic": (
        Cause("A campaign or a new client", "Requests come from many addresses and succeed.",
              "Scale beyond the plan while the database can bear it; tell the owner: the plan's peak is out of date."),
        Cause("A client that repeats", "A few addresses send most; the same requests come again and again.",
              "Limit that client's rate, and talk to its owner."),
        Cause("An attack", "Sources are scattered, paths make no sense, or signing in fails in masses.",
              "Tighten the rules before the service, and treat it as a security incident."),
    ),
    "saturation": (
        _LOAD,
        _RELEASE,
        Cause("Work that piles up in the background", "Requests did not rise; jobs or connections did.",
              "Stop or delay the jobs, then look for the one that does not end."),
        Cause("A limit that was reached", "Scaling wanted more and did not get it; the provider tells a quota.",
              "Have the quota raised; meanwhile take load away."),
    ),
    "budget": (
        Cause("One outage", "The burn rate has a single peak, and an alert fired then.",
              "See that the actions of its review are done."),
        Cause("Releases", "Peaks follow releases.",
              "Make them smaller, and let the new version prove itself for longer before all requests meet it."),
        Cause("Something that always fails a little", "The burn rate is low and steady; one kind of request has it.",
              "Find that kind by its attributes, and mend it before anything new."),
        Cause("A target beyond what users need", "Nobody but the alert noticed.",
              "Talk to the owner of the service about the target."),
    ),
    "age": (
        Cause("Workers that fail", "Errors of the service rose with it; dead letters come in.",
              "Roll back the release that brought it; send the dead letters again when it is mended."),
        Cause("More work than workers", "Work comes in faster than it is done, and no more workers start.",
              "Raise the most workers there may be, as far as the database bears it."),
        Cause("One piece of work that never ends", "A single partition or worker stands while others go on.",
              "Set the piece aside with the dead letters, and start the worker again."),
        _DEPENDENCY,
    ),
    "silence": (
        Cause("Nothing reaches the service", "A probe from outside fails.",
              "Look at names, certificates and the entry, in this order."),
        Cause("Nothing is measured", "A probe from outside succeeds; the collector or its target is down.",
              "Repair the collector; until then watch by hand."),
        _RELEASE,
    ),
    "heartbeat": (
        Cause("Nothing: this alert always fires", "It is there.", "Nothing is to be done."),
        Cause("Alerting is down", "The listener says that the heartbeat ended.",
              "Bring Prometheus and Alertmanager back, and watch the dashboards by hand until then."),
    ),
}  # fmt: skip
