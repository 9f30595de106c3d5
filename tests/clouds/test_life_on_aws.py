"""A design for AWS lives its whole life on the emulator: applied, planned again without a change, destroyed.

`make verify` does so with at least eight designs, and with what stands beside production.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from devops_workbook.artifacts.folder import write_folder
from devops_workbook.requirements import Requirements
from tests.clouds import aws, policy
from tests.clouds.cycle import run
from tests.clouds.terraform import Scratch
from tests.clouds.tools import NEEDS
from tests.clouds.verify import designed

SMALL = Requirements(
    name="Orders", owner="Shop", provider="aws", data_model="key-value", workload_type="event-driven",
    overrides={"infrastructure.compute": "functions", "infrastructure.database": "nosql",
               "disaster_recovery.high_availability": "single-zone", "scaling.caching": "none"},
)  # fmt: skip
PRODUCTION = "environments/production"
pytestmark = pytest.mark.long


@pytest.mark.needs("checkov", *NEEDS["aws"])
def test_production_lives_its_whole_life(tmp_path: Path) -> None:
    write_folder(designed("orders", SMALL).repository.artifacts, tmp_path / "repository")
    infrastructure = tmp_path / "repository" / "infrastructure"
    with aws.emulator(tmp_path / "emulator.log") as environment:
        account = run(Scratch.of(infrastructure, tmp_path / "work", environment), {PRODUCTION: "destroy"})
    assert account.failures == []
    assert account.count("plan") == account.count("apply") == account.count("destroy") > 150
    assert account.count("again") == 0
    found = policy.check(infrastructure)
    assert list(found.problems) == []
    assert found.passed > 300


def test_aws_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('provider "google" {\n}\n')
    assert not aws.used_by(tmp_path)
