"""Which technical requirements of a framework the design satisfies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devops_workbook.assess.compliance import answered_by, assess_compliance, control_status
from devops_workbook.catalog import load
from devops_workbook.catalog.model import Catalog, Control, Framework
from devops_workbook.design.context import Context
from devops_workbook.design.decide import decide_all
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements

CONTROLS = {
    "encrypted": Control("encrypted", "Encrypted", {"infrastructure.security": ("provider-managed-keys",)}, ""),
    "own-keys": Control("own-keys", "Own keys", {"infrastructure.security": ("hsm-backed-keys",)}, "Choose them."),
    "kept": Control("kept", "Logs are kept", {"requirements.log_retention_days": (">=90",)}, "Keep them."),
    "approved": Control("approved", "Approved", {"requirements.release_approval": ("peer", "change-board")}, ""),
}
FRAMEWORK = Framework(
    "soc2", "A framework", "1", "https://example.org", "2026-01",
    {"1": ("encrypted",), "2": ("encrypted", "own-keys"), "3": ("kept",), "4": ("approved",)},
    {"1": "One", "2": "Two", "3": "Three", "4": "Four"}, {}, "Training.",
)  # fmt: skip


def decided(catalog: Catalog | None = None, **changes: Any) -> Context:
    catalog = catalog or replace(load(), controls=CONTROLS, frameworks={"soc2": FRAMEWORK})
    c = Context(Requirements(**changes), catalog)
    decide_all(c)
    return c


def test_a_hand_worked_example() -> None:
    overrides = {"infrastructure.security": "provider-managed-keys"}
    c = decided(compliance=("soc2",), log_retention_days=30, release_approval="peer", overrides=overrides)
    (found,) = assess_compliance(c).frameworks
    met = {id: all(s.satisfied for s in statuses) for id, _, statuses in found.requirements}
    assert met == {"1": True, "2": False, "3": False, "4": True}
    assert (found.satisfied, found.total, found.pct) == (2, 4, 50.0)
    assert assess_compliance(c).pct == 50.0
    assert found.not_technical == "Training."


def test_a_control_says_by_what_it_is_satisfied_or_what_is_missing() -> None:
    c = decided(log_retention_days=30, overrides={"infrastructure.security": "provider-managed-keys"})
    assert control_status(c, CONTROLS["encrypted"]).by == ("infrastructure.security: provider-managed-keys",)
    missing = control_status(c, CONTROLS["own-keys"])
    assert not missing.satisfied
    assert missing.missing == ("infrastructure.security: provider-managed-keys (needs hsm-backed-keys)",)
    assert missing.remedy == "Choose them."


@pytest.mark.parametrize(("days", "kept"), [(89, False), (90, True), (3650, True)])
def test_a_bound_is_met_from_its_number_on(days: int, kept: bool) -> None:
    assert control_status(decided(log_retention_days=days), CONTROLS["kept"]).satisfied is kept


def test_without_a_framework_there_is_no_share_to_state() -> None:
    found = assess_compliance(decided())
    assert (found.pct, found.frameworks) == (None, ())


def test_a_decision_names_the_controls_it_helps_to_satisfy() -> None:
    overrides = {"infrastructure.security": "provider-managed-keys"}
    found = answered_by(decided(compliance=("soc2",), overrides=overrides))
    assert found["infrastructure.security"] == ("encrypted",)
    assert "cicd.platform" not in found
    assert answered_by(decided()) == {}


@pytest.mark.parametrize("framework", load().frameworks)
def test_the_real_frameworks_are_covered_as_their_controls_are(framework: str) -> None:
    evaluation = evaluate(Requirements(compliance=(framework,), team_size=30, on_call="24x7"))
    (found,) = evaluation.assessment.compliance.frameworks
    catalog = load()
    assert found.total == len(catalog.frameworks[framework].requirements)
    assert 0 < found.satisfied <= found.total
    named = {id for d in evaluation.plan.decisions for id in d.controls}
    satisfied = {s.id for _, _, statuses in found.requirements for s in statuses if s.satisfied and s.by}
    by_decisions = {
        id for id in satisfied if any(not f.startswith("requirements.") for f in catalog.controls[id].needs)
    }
    assert by_decisions <= named
