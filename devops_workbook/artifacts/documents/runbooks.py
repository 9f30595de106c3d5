"""One runbook for each alert: what it means, what users notice, the first five minutes, where to look, what helps, and
whom to call.

An alert is one of Prometheus (`artifacts/observability/`), or an alarm that the infrastructure code raises in the
provider's own monitoring. Both become a `Notice`, from which the page is written; every figure on it is the rule's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devops_workbook.artifacts.alarms import Alarm
from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.documents.causes import CAUSES
from devops_workbook.artifacts.documents.page import Page
from devops_workbook.artifacts.observability import Alert
from devops_workbook.artifacts.observability.model import number
from devops_workbook.render.markdown import bullets, escape, join, table

__all__ = ["SECTION", "Notice", "notices_of", "runbooks"]

SECTION = "Runbooks"
_KINDS = {
    "availability": "errors", "latency": "latency", "availability-budget": "budget", "latency-budget": "budget",
    "compute-traffic": "traffic", "compute-silence": "silence",
    "database-errors": "errors", "cache-errors": "errors", "compute-saturation": "saturation", "heartbeat": "heartbeat",
}  # fmt: skip
"""What an alert of Prometheus is about, by its concern."""
_NAMES = {"entry": "the entry", "compute": "the service", "database": "the database", "intake": "what holds work",
          "metrics": "the watch itself"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert as its reader needs it.

    kind: what it is about, a key of `causes.CAUSES`; condition: when it fires, as code; queries:
    (what it shows, code) to look further; facts: (what, value) of the rule.
    """

    id: str
    title: str
    severity: str
    component: str
    kind: str
    condition: str
    why: str
    queries: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]


def notices_of(b: Blueprint, alerts: Iterable[Alert], alarms: Iterable[Alarm]) -> tuple[Notice, ...]:
    """All that may call a person."""
    return (*(_of_alert(a) for a in alerts), *(_of_alarm(b, a) for a in alarms))


def runbooks(b: Blueprint, notices: Sequence[Notice]) -> Iterator[Page]:
    """A page for each, under the alert's id."""
    for notice in notices:
        yield Page(f"runbooks/{notice.id}.md", notice.title, SECTION, tuple(_blocks(b, notice)))


# --- what there is to say --------------------------------------------------------------------------------


def _of_alert(a: Alert) -> Notice:
    facts = [("Fires when it held for", a.for_)] if a.for_ else []
    if a.least_traffic is not None:
        window = a.conditions[-1].series.rpartition("_")[2]
        facts.append(("Means anything from", f"{a.least_traffic:,} requests in {window}"))
    if a.page_seconds is not None and a.budget_spent is not None:
        facts.append(("Fires after a total outage of", f"{a.page_seconds / 60:.1f} min"))
        facts.append(("Error budget gone by then", f"{100 * a.budget_spent:.2g} %"))
    queries = tuple((f"Now; the bound is {number(c.bound)}", c.series) for c in a.conditions)
    if a.native:
        queries = (("The query, for the time around it", a.native.rpartition(" ")[0].rpartition(" ")[0]),)
    return Notice(
        a.id, a.name, a.severity, a.component, _KINDS[a.concern], a.native or a.expr, a.why, queries, tuple(facts)
    )


_UNITS = {
    "ms": "{:.4g} ms at the 99th percentile",
    "1/s": "{:,.4g} a second",
    "share": "{:.4g} of all",
    "s": "{:.4g} s",
}


def _of_alarm(b: Blueprint, a: Alarm) -> Notice:
    bound = _UNITS[a.unit].format(a.threshold)
    condition = f"{a.component} {a.signal} > {bound}, for {a.minutes} minutes"
    fact = _metric(b, a)
    metric = (("The metric it compares", fact),) if fact else ()
    facts = (("Fires when it held for", f"{a.minutes} min"), ("Bound at production's size", bound))
    return Notice(a.id, f"{_NAMES[a.component].capitalize()}: {a.signal} ({a.severity})", a.severity, a.component,
                  a.signal, condition, a.why, metric, facts)  # fmt: skip


def _metric(b: Blueprint, a: Alarm) -> str:
    """The provider's name of the metric behind an alarm; "" where the code composes it of others."""
    signals: Mapping[str, Any] = b.provider.code["signals"].get(b.component(a.component).service, {})
    fact = signals.get(a.signal)
    if fact is None:
        return ""
    internal = "" if b.requirements.public_facing else "internal/"
    metric = str(fact["metric"]).format(internal=internal)
    return f"{fact['namespace']} {metric}" if "namespace" in fact else metric


# --- the page --------------------------------------------------------------------------------------------


def _blocks(b: Blueprint, n: Notice) -> Iterator[str]:
    yield table(("What", "Value"), [("Severity", escape(n.severity)), ("Component", f"`{n.component}`"),
                                    *((escape(k), escape(v)) for k, v in n.facts)])  # fmt: skip
    yield join("## What it means", f"```\n{n.condition}\n```", f"Why this bound: {escape(n.why)}.")
    yield join("## What users notice", *_impact(b, n))
    yield join("## The first five minutes", *_first(n))
    yield join("## Where to look", *(f"{escape(title)}:\n\n```\n{code}\n```" for title, code in n.queries),
               _around(b, n.component))  # fmt: skip
    rows = [(escape(c.title), escape(c.seen_by), escape(c.act)) for c in CAUSES[n.kind]]
    yield join("## What usually is behind it", table(("Cause", "Seen by", "What to do"), rows), _roll_back(b))
    yield join("## Whom to call", *_escalation(b))


_NOTICED = {
    "errors": "Requests fail, or what they ask for is not stored.",
    "latency": "The service answers, and too late for some.",
    "traffic": "Nothing yet; what comes on top of it may find no capacity.",
    "saturation": "Nothing yet; answers become slow soon.",
    "budget": "Nothing of their own now; what they noticed in the last 30 days was more than was meant to be.",
    "age": "What they asked for is done late, and later by the minute.",
    "silence": "Either nobody reaches the service, or nobody sees how it does.",
    "heartbeat": "Nothing. Without it, nobody would hear of anything else.",
}


def _impact(b: Blueprint, n: Notice) -> Iterator[str]:
    yield _NOTICED[n.kind]
    r = b.requirements
    minutes = (1 - r.availability_target_pct / 100) * 30 * 24 * 60
    if n.kind in ("errors", "latency", "silence"):
        yield (f"The availability target of {r.availability_target_pct:g} % leaves {minutes:.3g} minutes of total "
               "outage in 30 days.")  # fmt: skip
    callers = [x.source for x in b.incoming(n.component) if x.kind in ("request", "async")]
    if callers:
        yield f"What comes through it: {', '.join(f'`{id}`' for id in dict.fromkeys(callers))}."


def _first(n: Notice) -> Iterator[str]:
    steps = [
        "Acknowledge the alert, so that nobody else is called.",
        "Look whether others fire: the one that stands deepest in the design is worked on first.",
        "Look at the dashboard of the service: since when, for everybody or for some?",
        "Was there a release or a change of infrastructure in the last hour? Roll it back now.",
        "Say in the channel of the incident what you see and what you do next; declare a severity.",
    ]
    if n.kind == "budget":
        steps[1:] = [
            "Look at the dashboard of the objectives: was it spent at once, or little by little?",
            "See that what spent it was noticed and has a review whose actions go on.",
            "Until it recovers, release what makes the service more reliable, and hold back what is risky.",
            "Tell the owner of the service what was spent, on what, and when it will have recovered.",
        ]
    if n.severity == "warning":
        steps[0] = "Take the ticket, so that nobody else does."
    if n.kind == "heartbeat":
        steps = ["Nothing, while it fires. If its listener calls: look whether Prometheus and Alertmanager run."]
    yield "\n".join(f"{i}. {escape(step)}" for i, step in enumerate(steps, 1))


def _around(b: Blueprint, component: str) -> str:
    """What the component calls, each a cause to exclude."""
    called = {x.target: x for x in b.outgoing(component) if b.has(x.target)}
    rows = [(f"`{id}`", escape(b.component(id).title), f"{x.protocol} {x.port}") for id, x in called.items()]
    told = "What it calls, each of which may be the cause:"
    return join(told, table(("Component", "Service", "Over"), rows)) if rows else ""


_UNDO = {"kubernetes": "kubectl --namespace service rollout undo deployment/service"}


def _roll_back(b: Blueprint) -> str:
    decision = b.decision("cicd.deployment")
    told = f"Roll back: run the deployment of the last good release again ({escape(decision.choice.title.lower())})."
    command = _UNDO.get(b.choice("infrastructure.compute"))
    return join(told, f"```sh\n{command}\n```" if command else "")


def _escalation(b: Blueprint) -> Iterator[str]:
    decision = b.decision("disaster_recovery.incident_response")
    yield f"{escape(decision.choice.title)}. {escape(decision.summary)}"
    yield bullets(f"**{escape(k)}:** {escape(v)}" for k, v in decision.detail if k in ("Escalation", "Communication"))
