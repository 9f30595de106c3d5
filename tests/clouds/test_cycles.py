"""Every example scenario is formatted and valid, and one design of each cloud lives its whole life.

Of that design the roots named below are applied, planned again and destroyed, the others planned; `make verify` does so
with all roots of all designs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from devops_workbook.artifacts.folder import write_folder
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples, load
from tests.clouds import aws, stacks
from tests.clouds.cycle import run
from tests.clouds.terraform import Scratch
from tests.clouds.verify import ONCE, Report, designed, verify

NEEDS = {
    "aws": ("terraform", "terraform-provider-aws", "moto"), "gcp": ("terraform", "terraform-provider-google"),
    "azure": ("terraform", "terraform-provider-azurerm"),
}  # fmt: skip
# What the tables of values and names do not know of the designs below. More is a page to read, or a row to write.
UNKNOWN_AT_MOST = {"aws": 0, "gcp": 20, "azure": 60}
SMALL = Requirements(
    name="Orders", owner="Shop", provider="aws", data_model="key-value", workload_type="event-driven",
    overrides={"infrastructure.compute": "functions", "infrastructure.database": "nosql",
               "disaster_recovery.high_availability": "single-zone", "scaling.caching": "none"},
)  # fmt: skip
CYCLED = {"gcp": load(examples()["media-site"]).requirements, "azure": load(examples()["back-office"]).requirements,
          "aws": SMALL}  # fmt: skip


def example(name: str) -> object:
    requirements = load(examples()[name]).requirements
    return pytest.param(name, marks=pytest.mark.needs("cfn-lint", *NEEDS[requirements.provider]))


@pytest.mark.parametrize("name", [example(name) for name in examples()])
def test_an_example_is_formatted_and_valid(name: str, tmp_path: Path) -> None:
    design = designed(name, load(examples()[name]).requirements)
    write_folder(design.repository.artifacts, tmp_path / "repository")
    infrastructure = tmp_path / "repository" / "infrastructure"
    if design.language == "cloudformation":
        assert stacks.lint(infrastructure).problems == ()
        return
    scratch = Scratch.of(infrastructure, tmp_path / "work")
    account = run(scratch, dict.fromkeys(scratch.roots, "validate"))
    assert account.failures == []
    assert {r.step for r in account.results} == {"fmt", "init", "validate"}


ROOTS = {"aws": ("environments/production",), "gcp": ONCE, "azure": ONCE}  # what the fast lane has time for


def whole(provider: str, tmp_path: Path) -> Report:
    return verify(designed(provider, CYCLED[provider]), ROOTS[provider], tmp_path, "destroy")


@pytest.mark.parametrize("provider", [pytest.param(p, marks=pytest.mark.needs("checkov", *NEEDS[p])) for p in CYCLED])
def test_a_design_lives_its_whole_life(provider: str, tmp_path: Path) -> None:
    report = whole(provider, tmp_path)
    assert list(report.problems) == []
    account = report.account
    assert account.count("apply") == account.count("destroy") > 50
    assert account.count("again") == 0
    unknown = sorted(set(report.values.unknown))
    assert len(unknown) <= UNKNOWN_AT_MOST[provider], unknown
    assert report.policy is not None
    assert report.policy.passed > 50


@pytest.mark.needs("moto", "aws", "jq", "cfn-lint", "checkov")
def test_stacks_of_an_example_are_created(tmp_path: Path) -> None:
    design = designed("iot-ingest", load(examples()["iot-ingest"]).requirements, example=True)
    assert design.language == "cloudformation"
    report = verify(design, (), tmp_path, "apply")
    assert list(report.problems) == []
    assert {r.step for r in report.account.results} == {"lint", "deploy"}


def test_aws_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('provider "google" {\n}\n')
    assert not aws.used_by(tmp_path)
