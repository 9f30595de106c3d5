"""How the system is run from day to day: incidents, on-call, what the service tells of itself, money, credentials.

What the plan decided is told in its own words; beside it stands what a person fills in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.documents.page import Page
from devops_workbook.artifacts.observability.emitted import metrics_of
from devops_workbook.render.figures import money
from devops_workbook.render.markdown import bullets, escape, join, table

__all__ = ["SECTION", "decided", "operation_pages"]

SECTION = "Operations"


def operation_pages(b: Blueprint) -> Iterator[Page]:
    """Incidents, on-call, telemetry where a collector takes it, costs, credentials."""
    yield Page("operations/incidents.md", "Incidents", SECTION, tuple(_incidents(b)))
    yield Page("operations/on-call.md", "On call", SECTION, tuple(_on_call(b)))
    if b.has("collector"):
        yield Page("operations/telemetry.md", "Telemetry", SECTION, tuple(_telemetry(b)))
    yield Page("operations/costs.md", "Costs and tags", SECTION, tuple(_costs(b)))
    yield Page("operations/credentials.md", "Credentials", SECTION, tuple(_credentials(b)))


def decided(b: Blueprint, field: str) -> str:
    """What was decided for a field, and the particulars as a table, in Markdown."""
    d = b.decision(field)
    rows = [(escape(label), escape(text)) for label, text in d.detail]
    return join(f"**{escape(d.choice.title)}.** {escape(d.summary)}", table(("What", "How"), rows))


# --- incidents -------------------------------------------------------------------------------------------

_MESSAGES = (
    ("First message, to users", "We are looking into [what users notice] since [time, zone]. [Who] is affected. "
     "The next message comes by [time]."),
    ("Every following message", "[What users notice] goes on. Known by now: [cause or not known]. We are doing [what]. "
     "The next message comes by [time]."),
    ("It is over", "[What users noticed] is over since [time, zone]; it lasted [minutes]. [What happened to data]. "
     "We tell what we learnt by [date]."),
    ("To the authorities and those concerned, where personal data was touched", "What happened; since when; which data "
     "of how many persons; what follows for them; what was done; whom to ask."),
)  # fmt: skip
_REVIEW = ("What happened, by the clock", "What users noticed, in requests and minutes of the error budget",
           "How it was noticed, and how it could have been earlier", "What helped, what hindered, where luck was",
           "Actions, each with an owner and a date")  # fmt: skip


def _incidents(b: Blueprint) -> Iterator[str]:
    yield decided(b, "disaster_recovery.incident_response")
    yield join("## Messages", "Fill in what is in brackets; say what is known, and nothing else.",
               *(join(f"### {title}", f"> {escape(text)}") for title, text in _MESSAGES))  # fmt: skip
    yield join("## Review", "Blameless; it asks what made the mistake easy.", bullets(_REVIEW))


# --- on call ---------------------------------------------------------------------------------------------

_HANDED_OVER = ("Alerts of the week: which, how often, which without action", "Open incidents and tickets",
                "Releases and changes of infrastructure since, and those to come",
                "Error budget left, and what was spent on", "What is silenced, until when, and why",
                "Exercises and rotations due in the coming week")  # fmt: skip


def _on_call(b: Blueprint) -> Iterator[str]:
    hours = "around the clock" if b.requirements.on_call == "24x7" else "in business hours"
    yield f"Somebody is on call {hours}."
    yield decided(b, "observability.alerting")
    yield join("## Handed over at the end of a shift", "\n".join(f"- ☐ {item}" for item in _HANDED_OVER))


# --- telemetry -------------------------------------------------------------------------------------------


def _telemetry(b: Blueprint) -> Iterator[str]:
    yield (
        "The collector passes on what it is sent over OTLP and asks nobody. The service sends these metrics, under "
        "OpenTelemetry's names, as `service.name` *service*, each replica with a `service.instance.id` of its own; a "
        "bound on what it leaves out never fires."
    )
    rows = [
        (f"[`{m.name}`]({m.source})", escape(f"{m.told} A {m.kind}{', in ' * bool(m.unit)}{m.unit}."),
         " ".join(f"`{name}`" for name in m.attributes))
        for m in metrics_of(b)
    ]  # fmt: skip
    yield table(("Metric", "What it is", "Selected by"), rows)
    yield decided(b, "observability.metrics")


# --- costs -----------------------------------------------------------------------------------------------

_REVIEWED = ("Cost of the month beside the plan's, by environment and by the largest lines",
             "Unit cost, and why it moved", "What runs and is not used", "Forecast beside the budget",
             "Commitments that end within 120 days")  # fmt: skip


def _costs(b: Blueprint) -> Iterator[str]:
    cost, budgets = b.assessment.cost, b.budgets_usd.values
    rows = [(escape(e.id), money(e.monthly_usd), money(budgets[e.id])) for e in cost.environments]
    yield table(("Environment", "Planned a month", "Budget a month"), rows, right=(1, 2))
    yield join("## Watched", decided(b, "cost.monitoring"))
    yield join("## Review of a month", "\n".join(f"- ☐ {item}" for item in _REVIEWED))
    yield join("## Largest lines of the plan", _largest(b))
    for title, field in (
        ("Resources", "cost.resources"),
        ("Efficiency", "cost.efficiency"),
        ("Vendors", "cost.vendors"),
    ):
        yield join(f"## {title}", decided(b, field))


def _largest(b: Blueprint, most: int = 10) -> str:
    lines = [x for x in b.assessment.cost.lines if x.monthly_usd is not None and x.environment == "production"]
    largest = sorted(lines, key=lambda x: -(x.monthly_usd or 0.0))[:most]
    return table(("Component", "What", "A month"),
                 [(f"`{x.component}`", escape(x.item), money(x.monthly_usd)) for x in largest], right=(2,))  # fmt: skip


# --- credentials -----------------------------------------------------------------------------------------


def _credentials(b: Blueprint) -> Iterator[str]:
    yield decided(b, "security.secrets")
    yield join("## Calendar", "Write down when each was last done, also of what is done by itself.",
               table(("What is due", "Last done", "Next due"), [(rule, "", "") for rule in _calendar(b)]))  # fmt: skip
    yield join("## After a leak", "\n".join(f"{n}. {step}" for n, step in enumerate(_LEAK, 1)))


def _calendar(b: Blueprint) -> Iterator[str]:
    """What the plan says is rotated, rule by rule; then what every design has."""
    detail = dict(b.decision("security.secrets").detail)
    for label in ("Rotation", "Dynamic credentials", "Static secrets"):
        yield from (
            escape(rule[:1].upper() + rule[1:])
            for rule in re.split(r"[,;]\s+", detail.get(label, "").rstrip("."))
            if rule
        )
    if b.has("keys"):
        yield f"Keys in {escape(b.component('keys').title)}: look whether they were rotated this year"
    yield "Sealed accounts for emergencies: sign in with each and seal it again"


_LEAK = (
    "Change it at once, before anything is looked into; then end all sessions under the old one.",
    "Look for its use in the audit trail, from the day on which it may have leaked.",
    "Treat every use that nobody can explain as a security incident.",
    "Find the way it got out, and close it: a scan that would have found it is part of that.",
)
