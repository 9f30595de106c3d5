"""The same requirements on every cloud, side by side.

The cloud that is named stays as it is. For the others the regions named are replaced by ones of the same jurisdiction,
in the same country where there is one, with zones where there are some; where a cloud has none, it chooses its own. An
override that names a service becomes the option behind it; one that cannot be had is dropped, and said to be.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from devops_workbook.catalog import Catalog, load
from devops_workbook.catalog.model import Provider, Region
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.evidence import Evidence, Quantity
from devops_workbook.requirements import Requirements
from devops_workbook.what_if.outcome import Outcome, Sureness, changed, outcome_of, sureness_of, told

__all__ = ["ProviderCost", "across_providers", "carried_over"]

_SEVERITIES = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class ProviderCost:
    """The requirements on one cloud.

    named: whether it is the one the requirements name; region: the primary region that was used; requirements: what
    was evaluated, so that it can be taken over; by_section: section id -> USD a month; findings: severity -> how
    many; dropped: what could not be carried over, each as a sentence.
    """

    provider: str
    title: str
    named: bool
    region: str
    requirements: Requirements
    outcome: Outcome
    by_section: tuple[tuple[str, float], ...]
    sureness: Sureness
    findings: tuple[tuple[str, int], ...]
    dropped: tuple[str, ...]
    evidence: Evidence


def across_providers(requirements: Requirements, catalog: Catalog | None = None) -> tuple[ProviderCost, ...]:
    """The requirements on all clouds of the catalog, the one they name first."""
    facts = catalog or load()
    named = evaluate(requirements, facts)
    others = [id for id in facts.providers if id != requirements.provider]
    elsewhere = (carried_over(named, id, facts) for id in others)
    return (_cost(facts, named, (), named=True), *(_cost(facts, *found) for found in elsewhere))


def carried_over(
    named: Evaluation, provider_id: str, catalog: Catalog | None = None
) -> tuple[Evaluation, tuple[str, ...]]:
    """The same requirements evaluated on another cloud, and what could not be carried over, each as a sentence."""
    facts = catalog or load()
    wanted, provider = named.requirements, facts.providers[provider_id]
    places, lost = _places(facts.providers[wanted.provider], provider, wanted)
    overrides = _neutral(named)
    change: dict[str, Any] = {"provider": provider.id, **places, "overrides": overrides}
    if wanted.iac_tool not in provider.iac:
        change["iac_tool"], title = next(iter(provider.iac.items()))
        lost.append(f"Infrastructure code is written in {title}; {provider.title} has no {wanted.iac_tool}.")
    evaluation = evaluate(changed(wanted, change), facts)
    if refused := _refused(evaluation):
        change["overrides"] = {field: option for field, option in overrides.items() if field not in refused}
        evaluation = evaluate(changed(wanted, change), facts)
    return evaluation, (*lost, *refused.values())


def _cost(catalog: Catalog, evaluation: Evaluation, dropped: tuple[str, ...], named: bool = False) -> ProviderCost:
    cost, sure = evaluation.assessment.cost, sureness_of(evaluation)
    provider = catalog.providers[evaluation.requirements.provider]
    region = evaluation.topology.component("compute").region
    severities = Counter[str](finding.severity for finding in evaluation.findings)
    proof = Evidence(
        f"Cost a month on {provider.title}", cost.monthly_usd, "USD/month",
        "the same requirements, evaluated with the services and prices of this cloud",
        (Quantity("region", region), *told(sure)), cost.evidence[0].source, cost.evidence[0].as_of,
    )  # fmt: skip
    return ProviderCost(
        provider.id, provider.title, named, region, evaluation.requirements, outcome_of(evaluation), cost.by_section,
        sure, tuple((severity, severities[severity]) for severity in _SEVERITIES), dropped, proof,
    )  # fmt: skip


# --- what is carried over --------------------------------------------------------------------------------


def _places(here: Provider, there: Provider, wanted: Requirements) -> tuple[dict[str, str], list[str]]:
    """The regions in place of those named, "" = chosen from the catalog; and what has no counterpart."""
    found: dict[str, str] = {"region": "", "secondary_region": ""}
    lost: list[str] = []
    for setting, taken in (("region", ""), ("secondary_region", "region")):
        if id := getattr(wanted, setting):
            near = _counterpart(here.regions[id], there, without=found.get(taken, ""))
            found[setting] = near.id if near else ""
            if near is None:
                where = here.regions[id].title
                lost.append(
                    f"{there.title} has no further region in the jurisdiction of {where}; the catalog chose one."
                )
    return found, lost


def _counterpart(region: Region, there: Provider, without: str) -> Region | None:
    """The region of another cloud that stands for `region`: of its jurisdiction, best of its country and with zones."""
    near = [r for r in there.regions.values() if r.jurisdiction == region.jurisdiction and r.id != without]
    return min(near, key=lambda r: (r.country != region.country, r.zones < min(3, region.zones)), default=None)


def _neutral(named: Evaluation) -> dict[str, str]:
    """The overrides by option, where they name a service of the cloud."""
    found = {}
    for field, wanted in named.requirements.overrides.items():
        decision = named.plan.decision(field)
        options = (decision.choice, *decision.alternatives)
        found[field] = next((o.id for o in options if wanted and wanted in (o.id, o.service)), wanted)
    return found


def _refused(evaluation: Evaluation) -> dict[str, str]:
    """The overrides that cannot be had: field id -> why, as a sentence."""
    found = {}
    for field, wanted in evaluation.requirements.overrides.items():
        decision = evaluation.plan.decision(field)
        if wanted and decision.choice.id != wanted:
            option = next((o for o in decision.alternatives if o.id == wanted), None)
            why = option.ruled_out if option else "there is no such option"
            found[field] = f"{decision.title}: not {option.title if option else wanted}, because {why}."
    return found
