"""Datadog's objectives, monitors and dashboard: accepted by its own client, with the bounds that the rules have."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.documents import documents
from devops_workbook.artifacts.observability import observability
from devops_workbook.artifacts.observability.emitted import metrics_of
from devops_workbook.artifacts.observability.rules import BURNS, alerts_of
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from tests.artifacts.delivery.stage import Line, play, written
from tests.clouds.tools import HOME

_CHOICES = {f"observability.{x}": "datadog" for x in ("metrics", "logging", "dashboards", "tracing")}
HOSTILE = 'Kassa {{#is_alert}} @all "$(rm)" `x`'
CASES = {
    "web": Requirements(name="Shop", overrides=_CHOICES),
    "events": Requirements(name="Orders", workload_type="event-driven", availability_target_pct=99.95, on_call="24x7",
                           overrides=_CHOICES),
    "hostile": Requirements(name=HOSTILE, description=HOSTILE, owner=HOSTILE, overrides=_CHOICES),
}  # fmt: skip


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@cache
def blueprint(case: str) -> Blueprint:
    return Blueprint.of(evaluate(CASES[case]))


@cache
def files(case: str) -> dict[str, str]:
    return {a.path: a.text for a in observability(blueprint(case)).artifacts}


def told(case: str, name: str) -> Any:
    return json.loads(files(case)[f"observability/datadog/{name}.json"])


@pytest.mark.needs("datadog-api-client")
def test_datadog_s_own_client_accepts_all_of_it(case: str) -> None:
    bodies = {
        "ServiceLevelObjectiveRequest": told(case, "objectives"), "Monitor": told(case, "monitors"),
        "Dashboard": [told(case, "dashboard")],
    }  # fmt: skip
    script = Path(__file__).with_name("datadog_models.py")
    done = subprocess.run([str(HOME / "pipelines/bin/python"), str(script)], input=json.dumps(bodies), text=True,
                          capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.needs("datadog-api-client")
@pytest.mark.parametrize(
    ("model", "body"),
    [("Monitor", {"type": "no such alert", "query": "a"}),
     ("Monitor", {"type": "slo alert", "query": "a", "options": {"thresholds": {"critical": "high"}}}),
     ("ServiceLevelObjectiveRequest", {"name": "a", "type": "metric", "thresholds": [{"timeframe": "5y"}]})],
)  # fmt: skip
def test_the_client_refuses_what_datadog_would_refuse(model: str, body: dict[str, Any]) -> None:
    script = Path(__file__).with_name("datadog_models.py")
    done = subprocess.run([str(HOME / "pipelines/bin/python"), str(script)], input=json.dumps({model: [body]}),
                          text=True, capture_output=True, check=False)  # fmt: skip
    assert done.returncode != 0


def test_the_objectives_are_those_of_the_requirements(case: str) -> None:
    r = CASES[case]
    availability, latency = told(case, "objectives")
    assert availability["thresholds"] == [{"timeframe": "30d", "target": r.availability_target_pct}]
    assert latency["thresholds"] == [{"timeframe": "30d", "target": 99.0}]
    assert f"count(v: v<={r.p99_latency_ms / 1000:g})" in latency["query"]["numerator"]


def test_budgets_burn_at_the_rates_of_the_rules_as_far_as_datadog_looks_back(case: str) -> None:
    queries = [m["query"] for m in told(case, "monitors") if m["query"].startswith("burn_rate")]
    found = {tuple(re.findall(r'long_window\("(\w+)"\).short_window\("(\w+)"\) > ([\d.]+)', q)[0]) for q in queries}
    assert found == {(x.long, x.short, f"{x.rate:g}") for x in BURNS if x.long != "3d"}


def test_other_bounds_are_those_of_the_rules(case: str) -> None:
    b = blueprint(case)
    bounds = {a.name: a.conditions[0].bound for a in alerts_of(b)}
    for alert in observability(b).alerts:
        if alert.native and "{slo:" not in alert.native:
            assert float(alert.native.rpartition(" ")[2]) == pytest.approx(bounds[alert.name])


def test_every_alert_has_a_monitor_and_a_runbook(case: str) -> None:
    b = blueprint(case)
    alerts = observability(b).alerts
    pages = {a.path for a in documents(b, alerts, ())}
    messages = {m["name"].rpartition(": ")[2]: m["message"] for m in told(case, "monitors")}
    assert set(messages) == {a.name for a in alerts}
    for alert in alerts:
        assert f"Runbook: docs/runbooks/{alert.id}.md" in messages[alert.name]
        assert f"docs/runbooks/{alert.id}.md" in pages


def _metrics(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for x in value.values():
            yield from _metrics(x)
    elif isinstance(value, list):
        for x in value:
            yield from _metrics(x)
    elif isinstance(value, str):
        yield from re.findall(r"[:)]([a-z_.]+)\{", value)


def test_every_metric_is_emitted_by_something_in_the_design(case: str) -> None:
    known = {metric.name for metric in metrics_of(blueprint(case))}
    for name in ("objectives", "monitors", "dashboard"):
        found = set(_metrics(told(case, name)))
        assert found
        assert found <= known


def test_text_of_people_is_neither_a_variable_nor_a_call_to_somebody() -> None:
    text = json.dumps([told("hostile", "monitors"), told("hostile", "dashboard"), told("hostile", "objectives")])
    assert "{{" not in text
    assert "@all" not in text
    called = {x for m in told("hostile", "monitors") for x in re.findall(r"@[\w-]+", m["message"])}
    assert called <= {f"@{k}-{blueprint('hostile').names.system}{e}" for k, e in
                      (("pagerduty", ""), ("slack", "-critical"), ("slack", "-warning"))}  # fmt: skip


# --- the script ------------------------------------------------------------------------------------------

_KEYS = {"DD_API_KEY": "a", "DD_APP_KEY": "b"}


def test_the_script_makes_what_is_not_there_and_names_objectives_by_their_numbers(case: str, tmp_path: Path) -> None:
    folder = written(files(case), tmp_path / "repository")
    numbers = ['{"data": [{"id": "one"}]}', '{"data": [{"id": "two"}]}']
    lines = [Line("GET .*slo", ['{"data": []}']), Line("POST .*/slo", numbers), Line("GET .*monitor", ["[]"]),
             Line("GET .*dashboard", ['{"dashboards": []}'])]  # fmt: skip
    played = play(folder, ["bash", "observability/datadog/apply.sh"], lines, _KEYS)
    assert played.status == 0, played.said
    made = [call for call in played.calls if "POST" in call and call.endswith("/monitor")]
    assert len(made) == len(told(case, "monitors"))
    assert not [call for call in played.calls if "{slo:" in call]
    assert any('burn_rate(\\"one\\")' in call for call in made)
    assert any('burn_rate(\\"two\\")' in call for call in made)


def test_the_script_renews_what_is_there(tmp_path: Path) -> None:
    folder = written(files("web"), tmp_path / "repository")
    slos = [{"name": o["name"], "id": f"n{i}"} for i, o in enumerate(told("web", "objectives"))]
    monitors = [{"name": m["name"], "id": i} for i, m in enumerate(told("web", "monitors"))]
    known = {"dashboards": [{"title": told("web", "dashboard")["title"], "id": "d"}]}
    lines = [Line("GET .*slo", [json.dumps({"data": slos})]), Line("PUT .*/slo/n0", ['{"data": [{"id": "n0"}]}']),
             Line("PUT .*/slo/n1", ['{"data": [{"id": "n1"}]}']), Line("GET .*monitor", [json.dumps(monitors)]),
             Line("GET .*dashboard", [json.dumps(known)])]  # fmt: skip
    played = play(folder, ["bash", "observability/datadog/apply.sh"], lines, _KEYS)
    assert played.status == 0, played.said
    assert not [call for call in played.calls if "POST" in call and not call.endswith("/validate")]
    assert len([call for call in played.calls if "PUT" in call]) == len(slos) + len(monitors) + 1


def test_a_monitor_that_datadog_refuses_ends_the_script(tmp_path: Path) -> None:
    folder = written(files("web"), tmp_path / "repository")
    lines = [Line("validate", [22]), Line("slo", ['{"data": [{"id": "one"}]}'])]
    played = play(folder, ["bash", "observability/datadog/apply.sh"], lines, _KEYS)
    assert played.status != 0
    assert not [call for call in played.calls if call.endswith("/monitor")]


def test_without_keys_the_script_says_what_it_needs(tmp_path: Path) -> None:
    folder = written(files("web"), tmp_path / "repository")
    played = play(folder, ["bash", "observability/datadog/apply.sh"], [])
    assert played.status != 0
    assert "Set DD_A" in played.said
