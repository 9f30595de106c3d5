"""The JSON form: the contract that other programs rely on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.outline import FIELD_IDS, OUTLINE
from devops_workbook.render.json import plan_data, plan_json
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples

SCHEMA = json.loads(Path(__file__).with_name("plan.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(params=examples())
def evaluation(request: pytest.FixtureRequest, evaluations: dict[str, Evaluation]) -> Evaluation:
    return evaluations[request.param]


def test_it_keeps_the_contract(evaluation: Evaluation) -> None:
    errors = Draft202012Validator(SCHEMA).iter_errors(json.loads(plan_json(evaluation)))
    assert [f"{error.json_path}: {error.message[:200]}" for error in errors] == []


def test_the_schema_is_strict_enough_to_notice(evaluation: Evaluation) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    data = json.loads(plan_json(evaluation))
    del data["sections"][0]["decisions"][0]["choice"]
    data["assessment"]["cost"]["lines"][0]["monthly_usd"] = "0"
    data["findings"].append({"severity": "huge", "code": "Not A Code", "message": ""})
    assert len(list(Draft202012Validator(SCHEMA).iter_errors(data))) >= 5


def test_sections_and_fields_come_in_the_outline_s_order(evaluation: Evaluation) -> None:
    data = plan_data(evaluation)
    assert [section["id"] for section in data["sections"]] == [section.id for section in OUTLINE]
    assert tuple(decision["id"] for section in data["sections"] for decision in section["decisions"]) == FIELD_IDS


def test_the_same_requirements_give_the_same_bytes(evaluation: Evaluation) -> None:
    assert plan_json(evaluate(evaluation.requirements)) == plan_json(evaluation)


def test_the_requirements_in_it_can_be_evaluated_again(evaluation: Evaluation) -> None:
    assert Requirements(**json.loads(plan_json(evaluation))["requirements"]) == evaluation.requirements


def test_what_is_not_known_is_null_and_never_0(evaluation: Evaluation) -> None:
    carbon = replace(evaluation.assessment.carbon, kgco2e_month=None)
    line = replace(evaluation.assessment.cost.lines[0], unit_price_usd=None, monthly_usd=None)
    cost = replace(evaluation.assessment.cost, lines=(line,))
    data = plan_data(replace(evaluation, assessment=replace(evaluation.assessment, carbon=carbon, cost=cost)))
    assert data["assessment"]["carbon"]["kgco2e_month"] is None
    assert data["assessment"]["cost"]["lines"][0]["unit_price_usd"] is None


def test_a_figure_that_is_no_number_is_a_bug_not_a_word(evaluation: Evaluation) -> None:
    cost = replace(evaluation.assessment.cost, monthly_usd=float("nan"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        plan_json(replace(evaluation, assessment=replace(evaluation.assessment, cost=cost)))


def test_an_alternative_says_what_rules_it_out_or_what_its_score_rests_on(evaluation: Evaluation) -> None:
    options = {(d.id, o.id): o for d in evaluation.plan.decisions for o in d.alternatives}
    told: dict[Any, Any] = {
        (decision["id"], option["id"]): (option["ruled_out"], option["reason"])
        for section in plan_data(evaluation)["sections"]
        for decision in section["decisions"]
        for option in decision["alternatives"]
    }
    assert told == {key: (bool(o.ruled_out), o.ruled_out or o.reason) for key, o in options.items()}
    assert {ruled_out for ruled_out, _ in told.values()} == {True, False}


def test_it_holds_nothing_that_a_terminal_would_obey() -> None:
    name = "\x1b[31m\x7f\x9b \u2028"
    text = plan_json(evaluate(Requirements(name=name)))
    assert "\x1b" not in text
    assert "\x7f" not in text
    assert "\x9b" not in text
    assert json.loads(text)["requirements"]["name"] == Requirements(name=name).name
