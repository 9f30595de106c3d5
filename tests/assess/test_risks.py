"""Findings: each rule fires on its example, is silent on the twin, and offers ways out that help."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devops_workbook.assess.model import CostLine
from devops_workbook.assess.risks import prices_not_known
from devops_workbook.catalog import Catalog, load
from devops_workbook.design.context import Context
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.evidence import Fact
from devops_workbook.findings import Finding
from devops_workbook.requirements import Requirements

Values = dict[str, Any]
MULTI_ZONE = {"disaster_recovery.high_availability": "multi-zone"}
CONTAINERS = {"infrastructure.compute": "containers"}
PCI = {"compliance": ("pci-dss",), "team_size": 20}

# code: (what makes it speak, the twin on which it is silent)
EXAMPLES: dict[str, tuple[Values, Values]] = {
    "availability-ceiling": ({"availability_target_pct": 99.9999}, {"availability_target_pct": 99.5}),
    "availability-not-known": (
        {"provider": "gcp", "region": "", "availability_target_pct": 90,
         "overrides": {"disaster_recovery.high_availability": "single-zone"}},
        {"provider": "gcp", "region": "", "availability_target_pct": 90, "overrides": MULTI_ZONE},
    ),
    "rto-instance": ({"rto_minutes": 0, "overrides": MULTI_ZONE}, {"rto_minutes": 10, "overrides": MULTI_ZONE}),
    "rto-zone": ({"rto_minutes": 0, "overrides": MULTI_ZONE}, {"rto_minutes": 10, "overrides": MULTI_ZONE}),
    "rto-region": ({"rto_minutes": 10, "overrides": MULTI_ZONE}, {"rto_minutes": 240, "overrides": MULTI_ZONE}),
    "rpo-region": ({"rpo_minutes": 5, "overrides": MULTI_ZONE}, {"rpo_minutes": 1440, "overrides": MULTI_ZONE}),
    "rto-deletion": ({"database_gb": 5000, "rto_minutes": 240}, {"database_gb": 10, "rto_minutes": 240}),
    "rpo-deletion": ({"rpo_minutes": 1}, {"rpo_minutes": 60}),
    "no-immutable-copy": (
        {"overrides": {"disaster_recovery.backup": "pitr"}},
        {"overrides": {"disaster_recovery.backup": "pitr-immutable"}},
    ),
    "ransomware-beyond-targets": (
        {"overrides": {"disaster_recovery.backup": "pitr-immutable"}},
        {"rto_minutes": 1440, "rpo_minutes": 20_160, "overrides": {"disaster_recovery.backup": "pitr-immutable"}},
    ),
    "files-in-one-region": (
        {"overrides": MULTI_ZONE | {"disaster_recovery.backup": "pitr"}},
        {"overrides": MULTI_ZONE | {"disaster_recovery.backup": "pitr-cross-region"}},
    ),
    "no-second-region": ({"region": "eu-west-2"}, {"region": "eu-west-2", "secondary_region": "eu-west-1"}),
    "rpo-zero-asynchronous": (
        {"rpo_minutes": 0, "overrides": {"disaster_recovery.high_availability": "warm-standby"}},
        {"rpo_minutes": 1, "overrides": {"disaster_recovery.high_availability": "warm-standby"}},
    ),
    "latency-below-service-time": (
        {"service_time_ms": 400, "p99_latency_ms": 300}, {"service_time_ms": 40, "p99_latency_ms": 300},
    ),
    "over-budget": ({"monthly_budget_usd": 10}, {"monthly_budget_usd": 0}),
    "residency-region": (
        {"data_residency": "eu", "region": "us-east-1"}, {"data_residency": "eu", "region": "eu-central-1"},
    ),
    "residency-secondary-region": (
        {"data_residency": "eu", "region": "eu-central-1", "secondary_region": "us-east-1"},
        {"data_residency": "eu", "region": "eu-central-1", "secondary_region": "eu-west-1"},
    ),
    "region-without-zones": ({"provider": "azure", "region": "ukwest"}, {"provider": "azure", "region": "uksouth"}),
    "iac-not-available": (
        {"provider": "gcp", "iac_tool": "cloudformation"}, {"provider": "aws", "iac_tool": "cloudformation"},
    ),
    "log-retention-pci-dss": (PCI | {"log_retention_days": 30}, PCI | {"log_retention_days": 365}),
    "controls-pci-dss": (
        PCI | {"release_approval": "none", "log_retention_days": 30, "on_call": "24x7"},
        PCI
        | {"release_approval": "peer", "log_retention_days": 400, "on_call": "24x7", "data_sensitivity": "restricted"},
    ),
    "nobody-on-call": (
        {"rto_minutes": 240, "on_call": "business-hours"}, {"rto_minutes": 240, "on_call": "24x7"},
    ),
    "address-space": (
        {"peak_rps": 1e6, "average_rps": 1e5, "overrides": {"infrastructure.compute": "kubernetes"}},
        {"peak_rps": 1e3, "average_rps": 1e2, "overrides": {"infrastructure.compute": "kubernetes"}},
    ),
    "cold-cache": ({"cacheable_pct": 90}, {"cacheable_pct": 20}),
    "database-connections": (
        {"peak_rps": 20_000, "average_rps": 100, "queries_per_request": 0.1, "cpu_pct": 5, "overrides": CONTAINERS},
        {"peak_rps": 20, "average_rps": 10, "queries_per_request": 0.1, "overrides": CONTAINERS},
    ),
    "function-connections": (
        {"overrides": {"infrastructure.compute": "functions"}}, {"overrides": CONTAINERS},
    ),
    "database-too-small": (
        {"peak_rps": 500_000, "average_rps": 1000, "read_pct": 10},
        {"peak_rps": 500, "average_rps": 10, "read_pct": 10},
    ),
    "compute-too-small": (
        {"provider": "azure", "region": "", "peak_rps": 100_000, "average_rps": 100, "overrides": CONTAINERS},
        {"provider": "azure", "region": "", "peak_rps": 100, "average_rps": 100, "overrides": CONTAINERS},
    ),
    "override-unknown": ({"overrides": {"cicd.stages": "standrd"}}, {"overrides": {"cicd.stages": "standard"}}),
    "override-forbidden": (
        {"kubernetes_skill": "some", "source_host": "github", "overrides": {"cicd.platform": "gitlab-ci"}},
        {"kubernetes_skill": "some", "source_host": "gitlab", "overrides": {"cicd.platform": "gitlab-ci"}},
    ),
    "no-option-left": ({"database_gb": 10_000_000}, {"database_gb": 10_000}),
}  # fmt: skip


def found(values: Values) -> dict[str, Finding]:
    return {finding.code: finding for finding in evaluate(Requirements(**values)).findings}


@pytest.mark.parametrize("code", EXAMPLES)
def test_a_rule_speaks_on_its_example_and_is_silent_on_the_twin(code: str) -> None:
    example, twin = EXAMPLES[code]
    assert code in found(example)
    assert code not in found(twin)


def with_change(requirements: Requirements, change: Any) -> Requirements:
    return Requirements(**(requirements.model_dump() | dict(change)))


CASES = [*EXAMPLES.values(), *(({"provider": p, "rto_minutes": 0, "rpo_minutes": 0, "availability_target_pct": 99.9999,
                                 "monthly_budget_usd": 10, "compliance": tuple(load().frameworks)}, {})
                               for p in load().providers)]  # fmt: skip


@pytest.mark.parametrize("values", [example for example, _ in CASES])
def test_every_finding_offers_a_way_out_and_every_change_is_possible_and_helps(values: Values) -> None:
    requirements = Requirements(**values)
    for finding in evaluate(requirements).findings:
        assert finding.ways_out, f"{finding.code} leaves people alone"
        for way in finding.ways_out:
            assert way.text
            if way.change:
                after = evaluate(with_change(requirements, way.change))
                assert helped(finding, after), f"{finding.code}: {way.text} changes nothing: {finding.message}"


def helped(before: Finding, after: Evaluation) -> bool:
    """Whether the finding is gone, or says something else of the same thing."""
    return before.message not in {finding.message for finding in after.findings if finding.code == before.code}


def test_taking_the_offered_target_removes_a_conflict() -> None:
    targets = {
        "rto-region": "rto_minutes", "rpo-region": "rpo_minutes", "over-budget": "monthly_budget_usd",
        "latency-below-service-time": "p99_latency_ms", "availability-ceiling": "availability_target_pct",
    }  # fmt: skip
    for code, name in targets.items():
        requirements = Requirements(**EXAMPLES[code][0])
        finding = next(f for f in evaluate(requirements).findings if f.code == code)
        way = next(w for w in finding.ways_out if name in w.change)
        assert code not in {f.code for f in evaluate(with_change(requirements, way.change)).findings}


def test_prices_are_spoken_of_only_where_one_is_borrowed_or_missing() -> None:
    evaluation = evaluate(Requirements(region="eu-central-1"))
    c, a = Context(evaluation.requirements, load()), evaluation.assessment
    own = tuple(replace(line, borrowed="") for line in a.cost.lines if line.monthly_usd is not None)

    def spoken(*lines: CostLine) -> list[str]:
        return [f.code for f in prices_not_known(c, replace(a, cost=replace(a.cost, lines=lines)))]

    assert spoken(*own) == []
    assert spoken(*own, replace(own[0], borrowed="us-east-1")) == ["price-of-another-region"]
    assert spoken(*own, replace(own[0], monthly_usd=None)) == ["price-not-known"]


def test_a_target_that_no_setting_can_reach_is_not_offered() -> None:
    slow = found({"database_gb": 10_000_000, "rto_minutes": 60})["rto-deletion"]
    assert not any("rto_minutes" in way.change for way in slow.ways_out)
    flood = {"monthly_budget_usd": 10, "response_kb": 10_000_000, "peak_rps": 1e6, "average_rps": 1e6}
    dear = found(flood)["over-budget"]
    assert not any("monthly_budget_usd" in way.change for way in dear.ways_out)


def test_cheaper_options_are_cheaper() -> None:
    for provider in load().providers:
        requirements = Requirements(provider=provider, monthly_budget_usd=10)
        before = evaluate(requirements)
        finding = next(f for f in before.findings if f.code == "over-budget")
        for way in finding.ways_out:
            if set(way.change) == {"overrides"}:
                after = evaluate(with_change(requirements, way.change))
                assert after.assessment.cost.monthly_usd < before.assessment.cost.monthly_usd, f"{provider}: {way.text}"


def test_a_second_is_not_rounded_to_no_minutes() -> None:
    finding = found({"provider": "azure", "rto_minutes": 0, "overrides": MULTI_ZONE})["rto-instance"]
    assert "0.5 minutes" in finding.message


def carbon_finding(trips: dict[str, float], **values: Any) -> tuple[Finding | None, Catalog]:
    """What is said of the carbon of a region when the round trips from Northern Virginia are these."""
    cloud = load().providers["aws"]
    latency = {("us-east-1", region): Fact(ms, "ms", "test", "2026-11") for region, ms in trips.items()}
    catalog = replace(load(), providers={**load().providers, "aws": replace(cloud, latency=latency)})
    findings = evaluate(Requirements(**values), catalog).findings
    return next((f for f in findings if f.code == "carbon-region"), None), catalog


def test_a_cleaner_region_is_offered_with_its_distance_and_helps() -> None:
    finding, catalog = carbon_finding({"ca-central-1": 16, "eu-north-1": 115, "us-east-2": 12, "eu-west-3": 80})
    assert finding is not None
    # us-east-2 is no cleaner; of the others the nearest and the cleanest are offered.
    assert [way.change["region"] for way in finding.ways_out] == ["ca-central-1", "eu-north-1"]
    assert "16 ms" in finding.ways_out[0].text
    assert "3 other regions" in finding.message
    for way in finding.ways_out:
        assert helped(finding, evaluate(with_change(Requirements(), way.change), catalog))


def test_a_region_is_not_offered_where_it_is_not_allowed_or_its_distance_or_grid_is_not_known() -> None:
    assert carbon_finding({})[0] is None
    assert carbon_finding({"ca-west-1": 50})[0] is None  # its grid is not known
    assert carbon_finding({"us-west-2": 60})[0] is None  # cleaner, but not by half
    assert carbon_finding({"ca-central-1": 16}, data_residency="us")[0] is None
    assert carbon_finding({"ca-central-1": 16}, secondary_region="ca-central-1")[0] is None
    assert carbon_finding({"ca-central-1": 16})[0] is not None


def test_the_gravest_come_first(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        ranks = [("high", "medium", "low").index(f.severity) for f in evaluation.findings]
        assert ranks == sorted(ranks)


def test_nothing_is_said_twice(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        messages = [f.message for f in evaluation.findings]
        assert len(set(messages)) == len(messages)


MANUAL = {
    "disaster_recovery.high_availability": "warm-standby",
    "disaster_recovery.recovery": "region-failover-manual",
}


@pytest.mark.parametrize("provider", load().providers)
@pytest.mark.parametrize("overrides", [MANUAL, MULTI_ZONE | {"infrastructure.database": "relational"}])
def test_a_way_out_of_the_ceiling_promises_more(provider: str, overrides: dict[str, str]) -> None:
    wanted = Requirements(provider=provider, availability_target_pct=99.99, team_size=20, overrides=overrides)
    before = evaluate(wanted)
    ceiling = next(f for f in before.findings if f.code == "availability-ceiling")
    ways = [way for way in ceiling.ways_out if way.change and "availability_target_pct" not in way.change]
    assert ways
    for way in ways:
        after = evaluate(with_change(wanted, way.change)).assessment.availability.pct
        assert after is not None
        assert after > (before.assessment.availability.pct or 0), way.text


def test_a_failover_that_waits_for_nobody_is_offered_where_a_person_takes_too_long() -> None:
    ceiling = found({"availability_target_pct": 99.99, "team_size": 20, "overrides": MANUAL})["availability-ceiling"]
    assert "Use automatic failover to another region" in [way.text for way in ceiling.ways_out]
