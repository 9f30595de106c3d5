"""The signals of a site in Google's metrics, golden and of work that waits: what alarms compare and dashboards draw.

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

__all__ = ["Signal", "Watched", "fact_of", "signals"]

_GOLDEN = ("latency", "traffic", "errors", "saturation")
_WATCHED = {"entry": _GOLDEN, "compute": _GOLDEN, "database": _GOLDEN, "intake": ("age",)}
_BEHIND = ("gke", "compute-engine")  # what is seen from before it


@dataclass(frozen=True, slots=True)
class Watched:
    """A module that watches a site, and the modules whose names metrics carry."""

    m: Module
    b: Blueprint
    site: Site
    compute: Module
    data: Module
    edge: Module

    def name(self, variable: str, told: str, module: Module) -> Ref:
        """What a module calls something, as a variable."""
        return self.m.variable(variable, "string", told, module.wire(variable))


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


def fact_of(b: Blueprint, component: str, signal: str) -> Mapping[str, Any] | None:
    """The metric that reports a signal of a component; None = it reports none."""
    service = b.component(component).service
    if component == "compute" and b.has("intake") and service in _BEHIND and signal != "saturation":
        service = b.component("intake").service
    found: Mapping[str, Any] | None = code_facts("gcp")["signals"].get(service, {}).get(signal)
    return found


def signals(w: Watched) -> Iterator[Signal]:
    """The signals of entry, compute and database that their services report, and how long work waits."""
    for component, wanted in _WATCHED.items():
        for signal in wanted if w.b.has(component) else ():
            if fact := fact_of(w.b, component, signal):
                yield _signal(w, component, signal, fact)


def _signal(w: Watched, component: str, signal: str, fact: Mapping[str, Any]) -> Signal:
    internal = "" if w.b.requirements.public_facing else "internal/"
    balancer = "internal_http_lb_rule" if internal else "https_lb_rule"
    metric = fact["metric"].format(internal=internal)
    resource = fact["resource"].format(balancer=balancer)
    label = fact["label"] if "." in fact["label"] else f"resource.labels.{fact['label']}"
    subject = _SUBJECTS[fact["label"]](w)
    plain = f'metric.type = "{metric}" AND resource.type = "{resource}" AND {label} = "'
    bad = template(plain, *subject, f'" AND {fact["bad"]}') if "bad" in fact else None
    return Signal(component, signal, template(plain, *subject, '"'), bad, fact["aligner"], fact["reducer"],
                  fact["scale"], fact["unit"])  # fmt: skip


# --- what metrics know a component by --------------------------------------------------------------------

_Text = tuple[str | Ref, ...]


def _url_map(w: Watched) -> _Text:
    return (w.name("url_map_name", "URL map, by which metrics know the load balancer.", w.edge),)


def _compute(w: Watched) -> _Text:
    return (w.name("compute_name", "What runs the code, by name.", w.compute),)


def _labelled(w: Watched) -> _Text:
    return ("compute", suffix(w.m, w.site))


def _subscription(w: Watched) -> _Text:
    return (w.name("subscription_name", "Subscription that work is read from.", w.compute),)


def _database(w: Watched) -> _Text:
    return (w.name("database_id", "The database.", w.data),)


def _instance(w: Watched) -> _Text:
    return (project(w.m), ":", *_database(w))


def _database_id(w: Watched) -> _Text:
    """Cloud SQL's metrics carry the project too, Firestore's do not."""
    return _instance(w) if w.b.component("database").service == "cloud-sql" else _database(w)


def _cluster(w: Watched) -> _Text:
    return (w.name("database_cluster_id", "Cluster of the database, by its id.", w.data),)


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
