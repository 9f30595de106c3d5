"""A design for Google Cloud and one for Azure live their whole life: applied, planned again, destroyed.

Of each its production; the other roots are planned. `make verify` does so with all roots of all designs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from devops_workbook.scenario import examples, load
from tests.clouds.tools import NEEDS
from tests.clouds.verify import designed, verify

# What the tables of values and names do not know of these designs. More is a page to read, or a row to write.
UNKNOWN_AT_MOST = {"gcp": 20, "azure": 60}
CYCLED = {"gcp": "media-site", "azure": "back-office"}
pytestmark = pytest.mark.long


@pytest.mark.parametrize("provider", [pytest.param(p, marks=pytest.mark.needs("checkov", *NEEDS[p])) for p in CYCLED])
def test_a_design_lives_its_whole_life(provider: str, tmp_path: Path) -> None:
    requirements = load(examples()[CYCLED[provider]]).requirements
    assert requirements.provider == provider
    report = verify(designed(provider, requirements), ("environments/production",), tmp_path, "destroy")
    assert list(report.problems) == []
    account = report.account
    assert account.count("apply") == account.count("destroy") > 50
    assert account.count("again") == 0
    unknown = sorted(set(report.values.unknown))
    assert len(unknown) <= UNKNOWN_AT_MOST[provider], unknown
    assert report.policy is not None
    assert report.policy.passed > 50
