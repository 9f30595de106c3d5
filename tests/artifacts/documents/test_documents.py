"""Documentation of a design: a runbook for every alert, clocks that add up, and no link that leads nowhere."""

from __future__ import annotations

import re

import pytest
import yaml

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.documents.causes import CAUSES
from devops_workbook.artifacts.documents.recovery import clock
from devops_workbook.artifacts.observability import observability
from devops_workbook.artifacts.observability.emitted import metrics_of
from devops_workbook.artifacts.observability.model import number
from devops_workbook.artifacts.observability.rules import counters_of, recordings_of
from devops_workbook.artifacts.repository import repository
from devops_workbook.evaluate import evaluate
from devops_workbook.export.commonmark import parse
from devops_workbook.export.manuscript import Heading, plain
from devops_workbook.render.markdown import escape
from devops_workbook.requirements import Requirements
from tests.artifacts.documents.links import dangling, unlisted
from tests.artifacts.infrastructure import CASES, code, design, texts
from tests.artifacts.test_repository import HOSTILE

WATCHED = [case for case in CASES if observability(Blueprint.of(design(*case))).alerts]


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_every_alert_has_one_runbook_and_every_runbook_its_alert(case: tuple[str, str]) -> None:
    made = code(*case)
    alerts = [a.id for a in observability(Blueprint.of(design(*case))).alerts]
    alarms = [a.id for a in made.infrastructure.alarms]
    runbooks = [p for p in texts(made) if p.startswith("docs/runbooks/")]
    assert sorted(runbooks) == sorted(f"docs/runbooks/{id}.md" for id in (*alerts, *alarms))


def test_designs_are_watched_by_alerts_or_by_alarms() -> None:
    alarmed = {case for case in CASES if code(*case).infrastructure.alarms}
    assert set(WATCHED) & alarmed == set()
    assert set(CASES) - set(WATCHED) - alarmed == set()


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_no_link_leads_nowhere_and_the_navigation_leads_everywhere(case: tuple[str, str]) -> None:
    files = texts(code(*case))
    assert dangling(files) == []
    assert unlisted(files) == set()


def test_a_page_that_is_missing_is_noticed() -> None:
    files = texts(code(*WATCHED[0]))
    for page in (p for p in files if p.startswith("docs/") and p != "docs/index.md"):
        rest = {p: text for p, text in files.items() if p != page}
        assert dangling(rest), page
    more = {**files, "docs/runbooks/another.md": "# Another\n"}
    assert unlisted(more) == {"docs/runbooks/another.md"}


@pytest.mark.parametrize("case", WATCHED, ids="-".join)
def test_a_runbook_has_the_bounds_of_its_rule(case: tuple[str, str]) -> None:
    files = texts(code(*case))
    for alert in observability(Blueprint.of(design(*case))).alerts:
        text = files[f"docs/runbooks/{alert.id}.md"]
        assert f"```\n{alert.expr}\n```" in text
        for condition in alert.conditions:
            assert escape(f"the bound is {number(condition.bound)}") in text
            assert f"```\n{condition.series}\n```" in text


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_clock_ends_at_the_recovery_time(case: tuple[str, str]) -> None:
    files = texts(code(*case))
    for found in design(*case).assessment.recovery.cases:
        text = files[f"docs/recovery/{found.disruption}.md"]
        steps = re.findall(r"^\| ☐ \| (.+?) \| (\S+|not known) \|", text, re.MULTILINE)
        assert len(steps) == len(found.steps)
        assert steps[-1][1] == clock(found.rto_minutes)
        assert f"| RTO, hours:minutes | {clock(found.rto_minutes)} |" in text
        missed = "misses the target of the" in text
        assert missed == (found.meets_rto is False or found.meets_rpo is False)


@pytest.mark.parametrize(
    ("minutes", "told"),
    [(None, "not known"), (0.0, "0:00"), (0.2, "0:01"), (5.0, "0:05"), (59.5, "1:00"), (481.96, "8:02")],
)
def test_a_clock_rounds_up(minutes: float | None, told: str) -> None:
    assert clock(minutes) == told


@pytest.mark.parametrize("case", CASES[:3], ids="-".join)
def test_every_decision_has_a_record_with_its_choice_first(case: tuple[str, str]) -> None:
    files = texts(code(*case))
    decisions = design(*case).plan.decisions
    records = sorted(p for p in files if p.startswith("docs/decisions/"))
    assert len(records) == len(decisions) == 33
    for path, decision in zip(records, decisions, strict=True):
        assert decision.id.replace(".", "-").replace("_", "-") in path
        listed = files[path].partition("## Considered options\n\n")[2].partition("\n\n")[0].splitlines()
        assert len(listed) == len({decision.choice.id, *(o.id for o in decision.alternatives)})
        assert decision.choice.title.replace(".", "") in listed[0].replace("\\", "").replace(".", "")


def test_every_kind_of_alert_has_causes_that_say_what_to_do() -> None:
    for causes in CAUSES.values():
        assert len({c.title for c in causes}) == len(causes) >= 2
        assert all(c.seen_by.endswith(".") and c.act.endswith(".") for c in causes)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_free_text_stays_text(name: str) -> None:
    files = texts(repository(evaluate(Requirements(name=name, description=name, owner=name))))
    assert yaml.safe_load(files["mkdocs.yml"])["site_name"] == name
    headings = [x for x in parse(files["docs/index.md"]) if isinstance(x, Heading)]
    shown = plain(headings[0].text).replace("\u2068", "").replace("\u2069", "")
    assert " ".join(shown.split()) == " ".join(name.split())
    assert [plain(x.text) for x in headings[1:]] == ["Runbooks", "Recovery", "Operations", "Decisions"]


@pytest.mark.parametrize("case", WATCHED, ids="-".join)
def test_a_page_tells_the_service_what_to_send(case: tuple[str, str]) -> None:
    """Every series that a recording stands on is of a metric that the page names."""
    b, page = Blueprint.of(design(*case)), texts(code(*case))["docs/operations/telemetry.md"]
    named = {series for metric in metrics_of(b) if f"`{metric.name}`" in page for series in metric.series}
    used = {series for r in recordings_of(b, counters_of(b)) for series in re.findall(r"(\w+)\{", r.expr)}
    assert used
    assert used <= named


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_an_alarm_names_its_runbook(case: tuple[str, str]) -> None:
    made = code(*case)
    infrastructure = "\n".join(a.text for a in made.artifacts if a.path.startswith("infrastructure/"))
    for alarm in made.infrastructure.alarms:
        by_severity = alarm.runbook.replace(f"-{alarm.severity}.md", "-${each.key}.md")
        assert f"Runbook: {alarm.runbook}" in infrastructure or f"Runbook: {by_severity}" in infrastructure
