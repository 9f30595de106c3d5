"""The form: every requirement has a control that fits it, with its label, unit, help and bounds."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from pydantic import ValidationError

from devops_workbook import catalog
from devops_workbook.requirements import GROUPS, FieldSpec, Requirements, field_specs
from devops_workbook.widgets import form

VALUES = {name: getattr(Requirements(), name) for name in Requirements.model_fields}
SPECS = {spec.name: spec for spec in field_specs()}


def elements(markup: str) -> list[tuple[str, dict[str, str | None]]]:
    found: list[tuple[str, dict[str, str | None]]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append((tag, dict(attrs)))  # type: ignore[method-assign]
    parser.feed(str(markup))
    return found


def controls(markup: str) -> list[dict[str, str | None]]:
    return [attributes for _, attributes in elements(markup) if attributes.get("data-action") == "set"]


def problems(**values: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        Requirements(**values)
    return form.problems(caught.value)


def test_every_requirement_stands_in_its_group_once() -> None:
    seen = [
        c["data-field"]
        for name in GROUPS
        for c in {str(c["data-field"]): c for c in controls(form.group(name, VALUES, {}))}.values()
    ]
    assert sorted(map(str, seen)) == sorted(name for name in SPECS if name != "overrides")


@pytest.mark.parametrize("spec", [s for s in SPECS.values() if s.kind != "overrides"], ids=lambda spec: spec.name)
def test_a_control_is_labelled_and_described(spec: FieldSpec) -> None:
    markup = form.control(spec, VALUES)
    ids = {attributes["id"] for _, attributes in elements(markup) if "id" in attributes}
    labels = {attributes["for"] for tag, attributes in elements(markup) if tag == "label"}
    for control in controls(markup):
        assert control["id"] in labels
        assert control["aria-describedby"] in ids
    assert str(form.el("x", spec.title))[3:-4] in markup
    assert str(form.el("x", spec.description))[3:-4] in markup
    assert str(form.el("x", spec.unit))[3:-4] in markup or spec.kind == "integer"


@pytest.mark.parametrize(
    "spec", [s for s in SPECS.values() if s.kind in ("number", "integer")], ids=lambda spec: spec.name
)
def test_a_number_has_its_bounds(spec: FieldSpec) -> None:
    (control,) = controls(form.control(spec, VALUES))
    assert spec.minimum is not None
    assert spec.maximum is not None
    assert (float(control["min"] or ""), float(control["max"] or "")) == (spec.minimum, spec.maximum)
    assert float(control["value"] or "") == spec.default


def test_priorities_are_sliders_that_show_their_figure() -> None:
    markup = form.control(SPECS["priority_cost"], VALUES)
    assert controls(markup)[0]["type"] == "range"
    assert ">3</output>" in markup


def test_the_chosen_one_is_marked() -> None:
    chosen = [
        c["value"] for c in controls(form.control(SPECS["provider"], {**VALUES, "provider": "gcp"})) if "checked" in c
    ]
    assert chosen == ["gcp"]
    boxes = controls(form.control(SPECS["compliance"], {**VALUES, "compliance": ("soc2", "gdpr")}))
    assert [box["value"] for box in boxes if "checked" in box] == ["soc2", "gdpr"]


def test_regions_are_those_of_the_provider() -> None:
    for provider, facts in catalog.load().providers.items():
        markup = form.control(SPECS["region"], {**VALUES, "provider": provider})
        offered = [attributes["value"] for tag, attributes in elements(markup) if tag == "option"]
        assert offered == ["", *facts.regions]


def test_regions_the_new_provider_does_not_have_are_emptied() -> None:
    fitted = form.fit_regions({**VALUES, "provider": "gcp", "region": "eu-west-1", "secondary_region": "europe-west3"})
    assert (fitted["region"], fitted["secondary_region"]) == ("", "europe-west3")


def test_overrides_can_be_given_back() -> None:
    markup = form.control(SPECS["overrides"], {**VALUES, "overrides": {"cicd.platform": "jenkins"}})
    (button,) = [attributes for tag, attributes in elements(markup) if tag == "button"]
    assert (button["data-action"], button["data-field"], button["data-value"]) == ("override", "cicd.platform", "")
    assert "Platform Choice: jenkins" in markup


def test_a_problem_stands_at_its_control() -> None:
    wrong = problems(peak_rps=-1)
    markup = form.group("workload", {**VALUES, "peak_rps": -1}, wrong)
    (control,) = [c for c in controls(markup) if c["data-field"] == "peak_rps"]
    assert control["aria-invalid"] == "true"
    assert "dw-field-peak-rps-problem" in str(control["aria-describedby"])
    assert "1 to mend" in markup


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"peak_rps": -1}, "peak_rps", ("Peak load", "-1", "above 0 to 10,000,000")),
        ({"peak_rps": None}, "peak_rps", ("Peak load", "above 0")),
        ({"provider": "amazon"}, "provider", ("Cloud provider", "amazon", "aws, gcp, azure")),
        ({"average_rps": 900, "peak_rps": 20}, "average_rps", ("Average load: 900 is above Peak load", "to 20 req/s")),
        ({"region": "nowhere"}, "region", ("Region", "nowhere", "us-east-1")),
        ({"languages": []}, "languages", ("Languages",)),
        ({"languages": ["cobol"]}, "languages", ("Languages", "cobol", "python")),
        ({"log_retention_days": 1.5}, "log_retention_days", ("Log retention", "1.5")),
    ],
)
def test_what_is_wrong_is_said_by_title_with_what_is_allowed(
    values: dict[str, Any], field: str, said: tuple[str, ...]
) -> None:
    found = problems(**values)
    assert list(found) == [field]
    assert [words for words in said if words not in found[field]] == []


def test_hostile_values_stay_text() -> None:
    hostile = '"><script>alert(1)</script>'
    markup = form.group("identity", {**VALUES, "name": hostile, "description": f"\n{hostile}"}, {"name": hostile})
    assert not [tag for tag, _ in elements(markup) if tag == "script"]
    assert next(c for c in controls(markup) if c["data-field"] == "name")["value"] == hostile
