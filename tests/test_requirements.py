"""Requirements: the fields that other programs rely on, what they take, and where two of them disagree."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from devops_workbook.catalog import load as load_catalog
from devops_workbook.outline import FIELD_IDS
from devops_workbook.requirements import GROUPS, FieldSpec, Requirements, field_specs, nearest
from devops_workbook.scenario import problems_of

SPECS = {spec.name: spec for spec in field_specs()}

# The contract, group by group: fields may be added, none renamed or removed.
CONTRACT = {
    "identity": "name description owner",
    "platform": "provider region secondary_region iac_tool",
    "delivery": "source_host team_size deploys_per_week release_approval languages",
    "workload": "workload_type peak_rps average_rps service_time_ms service_time_cv p99_latency_ms response_kb "
    "cacheable_pct read_pct growth_pct_per_year horizon_months spike_factor",
    "data": "data_model database_gb object_storage_gb queries_per_request",
    "reliability": "availability_target_pct rto_minutes rpo_minutes",
    "security": "data_sensitivity compliance data_residency public_facing",
    "operations": "kubernetes_skill on_call log_retention_days",
    "budget": "monthly_budget_usd commitment",
    "priorities": "priority_cost priority_resilience priority_performance priority_simplicity priority_portability",
    "overrides": "overrides",
}
CHOICES = {
    "provider": ("aws", "gcp", "azure"),
    "source_host": ("github", "gitlab", "self-hosted"),
    "release_approval": ("none", "peer", "change-board"),
    "workload_type": ("web-api", "event-driven", "batch", "streaming"),
    "data_model": ("relational", "document", "key-value"),
    "data_sensitivity": ("public", "internal", "confidential", "restricted"),
    "kubernetes_skill": ("none", "some", "expert"),
    "on_call": ("business-hours", "24x7"),
    "commitment": ("none", "1y", "3y"),
    "compliance": (
        "soc2", "iso27001", "pci-dss", "hipaa", "gdpr", "fedramp-moderate", "nist-800-53-moderate", "cis",
    ),
}  # fmt: skip
NUMBERS = [spec for spec in field_specs() if spec.kind in ("number", "integer")]


def problem(**values: object) -> str:
    with pytest.raises(ValidationError) as error:
        Requirements(**values)
    ((_, sentence),) = problems_of(error.value)
    return sentence


@pytest.mark.parametrize(("group", "names"), CONTRACT.items())
def test_every_field_of_the_contract_is_in_its_group(group: str, names: str) -> None:
    assert [name for name in names.split() if SPECS[name].group != group] == []


@pytest.mark.parametrize(("name", "choices"), CHOICES.items())
def test_choices_are_those_of_the_contract(name: str, choices: tuple[str, ...]) -> None:
    assert SPECS[name].choices == choices


def test_there_is_a_spec_for_every_field_in_its_order() -> None:
    assert tuple(SPECS) == tuple(Requirements.model_fields)
    assert list(dict.fromkeys(spec.group for spec in field_specs())) == list(GROUPS)


@pytest.mark.parametrize("spec", field_specs(), ids=lambda spec: spec.name)
def test_every_field_explains_itself(spec: FieldSpec) -> None:
    assert spec.title
    assert spec.description.endswith(".")
    assert spec.allowed
    assert spec.group in GROUPS
    assert (
        spec.unit or spec.kind not in ("number", "integer") or spec.name in ("service_time_cv", "queries_per_request")
    )


def test_the_defaults_are_a_valid_system() -> None:
    assert Requirements() == Requirements(**Requirements().model_dump())


def test_requirements_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Requirements().name = "Other"  # type: ignore[misc]


def test_requirements_survive_json() -> None:
    wanted = Requirements(compliance=("hipaa", "gdpr"), overrides={"cicd.platform": "jenkins"})
    assert Requirements(**json.loads(wanted.model_dump_json())) == wanted


@pytest.mark.parametrize("spec", NUMBERS, ids=lambda spec: spec.name)
def test_a_number_stays_within_its_bounds(spec: FieldSpec) -> None:
    assert spec.minimum is not None
    assert spec.maximum is not None
    below = spec.minimum if spec.exclusive else spec.minimum - 1
    for wrong in (below, spec.maximum + 1, float("nan"), float("inf"), "many"):
        sentence = problem(**{spec.name: wrong})
        assert sentence.startswith(f"{spec.name}: ")
        assert f"(allowed: {spec.allowed})" in sentence


@pytest.mark.parametrize("spec", [s for s in field_specs() if s.choices], ids=lambda spec: spec.name)
def test_a_choice_is_one_of_its_choices(spec: FieldSpec) -> None:
    wrong = ["elsewhere"] if spec.kind == "choices" else "elsewhere"
    sentence = problem(**{spec.name: wrong})
    assert sentence.startswith(f"{spec.name}: 'elsewhere' is not ")
    assert [choice for choice in spec.choices if choice not in sentence] == []


def test_an_unknown_field_is_refused() -> None:
    assert problem(peek_rps=3) == "'peek_rps' is not a field; did you mean 'peak_rps'?"


def test_a_scale_is_said_once() -> None:
    assert SPECS["priority_cost"].allowed == "integer from 0 to 5"
    assert SPECS["team_size"].allowed == "integer from 1 to 5,000 people"


@pytest.mark.parametrize(
    ("field", "choice", "title"),
    [
        ("provider", "gcp", "Google Cloud"),
        ("compliance", "pci-dss", load_catalog().frameworks["pci-dss"].title),
        ("data_residency", "eu", "European Union"),
        ("release_approval", "change-board", "change board"),
    ],
)
def test_a_choice_has_a_title(field: str, choice: str, title: str) -> None:
    assert SPECS[field].choice_title(choice) == title


# Where two fields disagree


def test_the_average_cannot_exceed_the_peak() -> None:
    assert Requirements(average_rps=100, peak_rps=100).average_rps == 100
    assert problem(average_rps=100_001, peak_rps=100_000) == (
        "average_rps: 100,001 is above peak_rps; the average over a month cannot exceed the busiest minute "
        "(allowed: number above 0 to 100,000 req/s)"
    )
    assert problem(peak_rps=20).startswith("average_rps: 50 is above peak_rps")


@pytest.mark.parametrize("field", ["region", "secondary_region"])
@pytest.mark.parametrize("provider", CHOICES["provider"])
def test_a_region_belongs_to_its_provider(provider: str, field: str) -> None:
    clouds = load_catalog().providers
    for other in clouds.values():
        for region in other.regions:
            if region in clouds[provider].regions:
                assert getattr(Requirements(**{"provider": provider, field: region}), field) == region
            else:
                sentence = problem(**{"provider": provider, field: region})
                assert sentence.startswith(f"{field}: '{region}' is not a region of {clouds[provider].title}")


def test_a_second_region_is_another_one() -> None:
    sentence = problem(region="eu-west-1", secondary_region="eu-west-1")
    assert sentence.startswith("secondary_region: 'eu-west-1' is the region already (allowed: empty, or one of us-east")
    assert "eu-west-1," not in sentence


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ValidationError) as error:
        Requirements(team_size=0, average_rps=500, peak_rps=20, region="nowhere", overrides={"compute": "x"})
    assert [field for field, _ in problems_of(error.value)] == ["region", "team_size", "average_rps", "overrides"]


def test_what_is_hard_to_have_is_not_an_error() -> None:
    """No loss of data, no outage and almost no money may be wished for; the design then says what gives."""
    assert Requirements(rpo_minutes=0, rto_minutes=0, availability_target_pct=99.9999, monthly_budget_usd=1)


def test_an_override_names_a_field_of_the_plan() -> None:
    assert Requirements(overrides=dict.fromkeys(FIELD_IDS, "anything"))
    assert "did you mean 'cicd.platform'?" in problem(overrides={"cicd.platfrom": "jenkins"})


# Text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_text(text: str) -> None:
    kept = Requirements(description=text).description
    assert kept.strip() == text.strip()
    assert Requirements(description=kept).description == kept


def test_text_has_a_limit_and_can_be_written() -> None:
    assert Requirements(description="x" * 20_000)
    assert problem(description="x" * 20_001).endswith("(allowed: text of at most 20,000 characters)")
    assert problem(name="\ud800") == "name: '\\ud800' is not allowed (allowed: text of at most 20,000 characters)"
    assert problem(name="  ").startswith("name: must not be empty")


@pytest.mark.parametrize(
    ("word", "expected"), [("peek_rps", "peak_rps"), ("Region", "region"), ("zzz", ""), ("", ""), ("x" * 100_000, "")]
)
def test_the_nearest_name(word: str, expected: str) -> None:
    assert nearest(word, SPECS) == expected
