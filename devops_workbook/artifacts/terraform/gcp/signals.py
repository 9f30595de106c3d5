"""The golden signals of a site in Google's metrics: what an alarm compares and a dashboard draws.

Which metric says what is a fact of the provider (catalog/code/gcp.toml). What machines and pods answer is seen at the
load balancer; where a queue brings the work, at the subscription.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.gcp.common import project, suffix
from devops_workbook.artifacts.terraform.hcl import Expr, Ref, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["SIGNALS", "Signal", "Watched", "signals"]

SIGNALS = ("latency", "traffic", "errors", "saturation")
_BEHIND = ("gke", "compute-engine")  # what is seen from before it


@dataclass(frozen=True, slots=True)
class Watched:
    """The modules of a site whose names metrics carry."""

    compute: Module
    data: Module
    edge: Module


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal of one component. filter: of the metric; bad: filter of the failed ones, None = it is no share."""

    component: str
    signal: str
    filter: Expr
    bad: Expr | None
    aligner: str
    reducer: str
    scale: float
    unit: str

    @property
    def id(self) -> str:
        """Its name: "entry-latency"."""
        return f"{self.component}-{self.signal}"


def _facts(b: Blueprint, component: str, signal: str) -> Mapping[str, Any] | None:
    service = b.component(component).service
    if component == "compute" and b.has("intake") and service in _BEHIND and signal != "saturation":
        service = b.component("intake").service
    found: Mapping[str, Any] | None = code_facts("gcp")["signals"].get(service, {}).get(signal)
    return found


def signals(m: Module, b: Blueprint, site: Site, watched: Watched) -> Iterator[Signal]:
    """The signals of entry, compute and database that their services report."""
    for component in ("entry", "compute", "database"):
        for signal in SIGNALS:
            fact = _facts(b, component, signal)
            if fact:
                yield _signal(m, b, site, watched, component, signal, fact)


def _signal(
    m: Module, b: Blueprint, site: Site, watched: Watched, component: str, signal: str, fact: Mapping[str, Any]
) -> Signal:
    internal = "" if b.requirements.public_facing else "internal/"
    balancer = "internal_http_lb_rule" if internal else "https_lb_rule"
    metric = fact["metric"].format(internal=internal)
    resource = fact["resource"].format(balancer=balancer)
    label = fact["label"] if "." in fact["label"] else f"resource.labels.{fact['label']}"
    subject = _SUBJECTS[fact["label"]](m, b, site, watched)
    plain = f'metric.type = "{metric}" AND resource.type = "{resource}" AND {label} = "'
    bad = template(plain, *subject, f'" AND {fact["bad"]}') if "bad" in fact else None
    return Signal(component, signal, template(plain, *subject, '"'), bad, fact["aligner"], fact["reducer"],
                  fact["scale"], fact["unit"])  # fmt: skip


# --- what metrics know a component by --------------------------------------------------------------------


def _url_map(m: Module, b: Blueprint, site: Site, w: Watched) -> tuple[str | Ref, ...]:
    told = "URL map, by which metrics know the load balancer."
    return (m.variable("url_map_name", "string", told, w.edge.wire("url_map_name")),)


def _compute(m: Module, b: Blueprint, site: Site, w: Watched) -> tuple[str | Ref, ...]:
    return (m.variable("compute_name", "string", "What runs the code, by name.", w.compute.wire("compute_name")),)


def _labelled(m: Module, b: Blueprint, site: Site, w: Watched) -> tuple[str | Ref, ...]:
    return ("compute", suffix(m, site))


def _subscription(m: Module, b: Blueprint, site: Site, w: Watched) -> tuple[str | Ref, ...]:
    told = "Subscription that work is read from."
    return (m.variable("subscription_name", "string", told, w.compute.wire("subscription_name")),)


def _instance(m: Module, b: Blueprint, site: Site, w: Watched) -> tuple[str | Ref, ...]:
    return (project(m), ":", *_database(m, b, site, w))


def _database(m: Module, b: Blueprint, site: Site, w: Watched) -> tuple[str | Ref, ...]:
    return (m.variable("database_id", "string", "The database.", w.data.wire("database_id")),)


def _cluster(m: Module, b: Blueprint, site: Site, w: Watched) -> tuple[str | Ref, ...]:
    told = "Cluster of the database, by its id."
    return (m.variable("database_cluster_id", "string", told, w.data.wire("database_cluster_id")),)


def _database_id(m: Module, b: Blueprint, site: Site, w: Watched) -> tuple[str | Ref, ...]:
    """Cloud SQL's metrics carry the project too, Firestore's do not."""
    sql = b.component("database").service == "cloud-sql"
    return _instance(m, b, site, w) if sql else _database(m, b, site, w)


_SUBJECTS = {
    "url_map_name": _url_map,
    "service_name": _compute,
    "cluster_name": _compute,
    "metadata.user_labels.component": _labelled,
    "subscription_id": _subscription,
    "resource_id": _instance,
    "database_id": _database_id,
    "cluster_id": _cluster,
}
