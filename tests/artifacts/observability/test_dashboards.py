"""Dashboards: every query is on something there is, every bound is an alert's, and panels do not lie on each other."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.observability import observability
from devops_workbook.artifacts.observability.emitted import emitted
from devops_workbook.artifacts.observability.rules import budget_recordings_of, counters_of, recordings_of
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from tests.artifacts.infrastructure import CASES, design
from tests.artifacts.observability.promtool import parsed, promtool
from tests.artifacts.test_repository import HOSTILE

WITH = [
    case for case in CASES
    if (b := Blueprint.of(design(*case))).choice("observability.dashboards") == "grafana"
    and b.choice("observability.metrics") == "prometheus"
]  # fmt: skip
_FUNCTIONS = {"sum", "rate", "by", "le", "count", "histogram_quantile", "increase", "vector", "group", "instance"}


def drawn(b: Blueprint) -> dict[str, Any]:
    return {Path(a.path).stem: json.loads(a.text) for a in observability(b).artifacts if "/dashboards/" in a.path}


def queries(dashboards: dict[str, Any]) -> list[str]:
    return [t["expr"] for d in dashboards.values() for panel in d["panels"] for t in panel["targets"]]


def test_dashboards_are_drawn_where_grafana_was_chosen() -> None:
    assert len(WITH) >= 5
    for case in WITH:
        assert {"service", "objectives"} <= set(drawn(Blueprint.of(design(*case))))


@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_every_query_is_on_something_that_there_is(case: tuple[str, str]) -> None:
    b = Blueprint.of(design(*case))
    known, recorded = emitted(b), {r.record for r in (*recordings_of(b, counters_of(b)), *budget_recordings_of(b, ()))}
    for query in queries(drawn(b)):
        for metric, labels in re.findall(r"(\w+)\{([^}]*)\}", query):
            assert set(re.findall(r"(\w+)(?:=~|!=|=)", labels)) <= known[metric], query
        outside = re.sub(r"\{[^}]*\}|\[\w+\]", "", query)
        labels = {label for metric in known.values() for label in metric}
        assert set(re.findall(r"[a-z][\w:]*", outside)) - _FUNCTIONS - labels <= set(known) | recorded, query


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("case", WITH[:3], ids="-".join)
def test_every_query_parses(case: tuple[str, str], tmp_path: Path) -> None:
    rules = [{"record": f"query:{i}:x".replace(":", "_"), "expr": q}
             for i, q in enumerate(queries(drawn(Blueprint.of(design(*case)))))]  # fmt: skip
    file = tmp_path / "queries.json"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    assert promtool("check", "rules", file)[0] == 0
    rules[0]["expr"] += ")"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    assert promtool("check", "rules", file)[0] != 0


@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_every_line_across_a_panel_is_where_an_alert_fires(case: tuple[str, str]) -> None:
    b = Blueprint.of(design(*case))
    alerts = observability(b).alerts
    bounds = {(c.series, c.bound) for a in alerts for c in a.conditions}
    for panel in drawn(b)["service"]["panels"]:
        (series, *more) = {t["expr"] for t in panel["targets"]}
        steps = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]]
        assert steps == sorted(steps)
        if not more and ":" in series:
            assert {(series, value) for value in steps} == {x for x in bounds if x[0] == series}


@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_panels_fit_beside_each_other(case: tuple[str, str]) -> None:
    for dashboard in drawn(Blueprint.of(design(*case))).values():
        places = [panel["gridPos"] for panel in dashboard["panels"]]
        assert all(p["x"] + p["w"] <= 24 for p in places)
        for a, b in combinations(places, 2):
            assert (
                a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
                or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
            )  # fmt: skip
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(places)


def test_addresses_of_dashboards_are_their_own_and_provisioned() -> None:
    files = {a.path: a.text for a in observability(Blueprint.of(design(*WITH[0]))).artifacts}
    uids = [d["uid"] for d in drawn(Blueprint.of(design(*WITH[0]))).values()]
    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 40 for uid in uids)  # what Grafana takes
    assert parsed(files["observability/grafana/provisioning.yaml"])["providers"][0]["type"] == "file"


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_stays_a_name(name: str) -> None:
    wanted = Requirements(
        name=name, overrides={"observability.metrics": "prometheus", "observability.dashboards": "grafana"}
    )
    found = drawn(Blueprint.of(evaluate(wanted)))
    assert found["service"]["title"] == f"{name}: Service"


@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_costs_are_those_of_the_plan(case: tuple[str, str]) -> None:
    b = Blueprint.of(design(*case))
    said = {t["legendFormat"]: t["expr"] for panel in drawn(b)["cost"]["panels"] for t in panel["targets"]}
    for e in b.assessment.cost.environments:
        assert float(said[e.id].strip("vector()")) == pytest.approx(e.monthly_usd, abs=0.01)
    assert float(said["all budgets"].strip("vector()")) == sum(b.budgets_usd.values.values())
    production = next(e.monthly_usd for e in b.assessment.cost.environments if e.id == "production")
    a_month = b.requirements.average_rps * 730 * 3600
    assert float(said["planned"].strip("vector()")) == pytest.approx(production / a_month * 1000, rel=1e-6)
