"""Disaster recovery: how many sites, which backups, how to fail over, and who answers."""

from __future__ import annotations

from collections.abc import Mapping

from devops_workbook.catalog.model import Service
from devops_workbook.design.choose import decide
from devops_workbook.design.context import Context
from devops_workbook.design.model import Decision
from devops_workbook.design.paths import entry_service, intake_services, path_pct, weakest_pct
from devops_workbook.design.reliability import FORMS, Recovery, Setup, form_rank, recovery, sites

__all__ = ["backup", "high_availability", "incident_response", "recovery_procedures"]

_BACKUPS = ("daily", "pitr", "pitr-cross-region", "pitr-immutable")


def _services(c: Context) -> tuple[Service, Service]:
    fields = ("infrastructure.compute", "infrastructure.database")
    compute, database = (c.provider.services[c.taken[field].choice.service] for field in fields)
    return compute, database


def _infrastructure_cases(c: Context, form: str, backup: str, automatic: bool) -> tuple[Recovery, ...]:
    setup = Setup(form, backup, automatic, _services(c)[1])
    return tuple(case for case in recovery(c, setup) if case.disruption != "data-corruption")


def _known(minutes: float | None) -> str:
    return "not known" if minutes is None else f"{minutes:,.0f} min"


def _worst(values: tuple[float | None, ...]) -> float | None:
    return None if None in values else max(v for v in values if v is not None)


def high_availability(c: Context) -> Decision:
    """How many zones and regions: the least that meets availability, RTO and RPO, ranked by the priorities."""
    r = c.requirements
    entry = c.choice("scaling.load_balancing")
    pcts = {form: path_pct(c, *_services(c), form=form, entry=entry) for form in FORMS}
    cases = {form: _infrastructure_cases(c, form, _BACKUPS[-1], automatic=True) for form in FORMS}
    impossible = _impossible_forms(c)
    regional = (entry_service(c, entry), *intake_services(c), *_services(c))
    weakest = {form: weakest_pct(c, regional, form) for form in FORMS}
    short = {form: _shortfalls(c, weakest[form], cases[form]) for form in FORMS if form not in impossible}
    rule_out = impossible | _only_sufficient(short)
    rationale = [
        "Promised on the users' path: "
        + ", ".join(f"{form} {_pct(pcts[form])}" for form in FORMS)
        + f"; the target is {r.availability_target_pct:g} %.",
        "RTO and RPO when a region is lost: "
        + ", ".join(f"{f} {_known(cases[f][-1].rto_minutes)} / {_known(cases[f][-1].rpo_minutes)}" for f in FORMS)
        + f"; the targets are {r.rto_minutes:g} / {r.rpo_minutes:g} min.",
    ]
    return decide(c, "disaster_recovery.high_availability", rule_out=rule_out, rationale=rationale)


def _pct(pct: float | None) -> str:
    return "not known" if pct is None else f"{pct:.3f} %"


def _impossible_forms(c: Context) -> dict[str, str]:
    if c.region.zones < 2:
        why = f"{c.region.title} has no zones to spread over"
        return dict.fromkeys(FORMS[1:], why)
    if c.second_region is None:
        why = f"{c.provider.title} has no second region in the catalog within jurisdiction {c.region.jurisdiction}"
        return dict.fromkeys(FORMS[form_rank("pilot-light") :], why)
    return {}


def _shortfalls(c: Context, pct: float | None, cases: tuple[Recovery, ...]) -> str:
    r = c.requirements
    short = []
    if pct is None:
        short.append("a service states no promise for this form")
    elif pct < r.availability_target_pct:
        short.append(f"one service promises only {pct:.4g} %, below the target of {r.availability_target_pct:g} %")
    for case in cases:
        if not case.within(r.rto_minutes, r.rpo_minutes):
            found = f"{_known(case.rto_minutes)} / {_known(case.rpo_minutes)}"
            targets = f"{r.rto_minutes:g} / {r.rpo_minutes:g} min"
            short.append(f"losing the {case.disruption} takes RTO / RPO {found} against {targets}")
    return "; ".join(short)


def _only_sufficient(short: Mapping[str, str]) -> dict[str, str]:
    if not all(short.values()):
        return {form: reason for form, reason in short.items() if reason}
    # Nothing suffices: keep the strongest possible form, so that tighter targets never buy less.
    strongest = max(short, key=form_rank)
    return {form: reason for form, reason in short.items() if form != strongest}


def backup(c: Context) -> Decision:
    """How often data is copied and where to: by the RPO of corruption, and of a lost region without a replica."""
    r = c.requirements
    form = c.choice("disaster_recovery.high_availability")
    rpos = {option: _worst(tuple(x.rpo_minutes for x in _all_cases(c, form, option))) for option in _BACKUPS}
    rule_out = _loses_too_much(rpos, r.rpo_minutes)
    if c.second_region is None:
        rule_out["pitr-cross-region"] = "there is no second region within the data residency to copy to"
    if set(rule_out) >= set(_BACKUPS):
        rule_out.pop("pitr-immutable")
    rationale = [
        "Worst loss of data: " + ", ".join(f"{o} {_known(rpos[o])}" for o in _BACKUPS) + f"; the RPO target is "
        f"{r.rpo_minutes:g} min.",
    ]
    return decide(c, "disaster_recovery.backup", rule_out=rule_out, rationale=rationale)


def _all_cases(c: Context, form: str, option: str) -> tuple[Recovery, ...]:
    cases = recovery(c, Setup(form, option, True, _services(c)[1]))
    # Without a second region nothing protects from losing the first; the choice of backups cannot change it.
    return tuple(case for case in cases if case.disruption != "region" or c.second_region is not None)


def _loses_too_much(rpos: Mapping[str, float | None], target: float) -> dict[str, str | bool | None]:
    known = {o: v for o, v in rpos.items() if v is not None}
    bar = max(target, min(known.values(), default=target))
    return {o: f"up to {v:,.0f} min of data would be lost" for o, v in known.items() if v > bar}


def recovery_procedures(c: Context) -> Decision:
    """How service returns: what the form allows, automatic where a person would take too long."""
    r = c.requirements
    form = c.choice("disaster_recovery.high_availability")
    backup = c.choice("disaster_recovery.backup")
    manual = _infrastructure_cases(c, form, backup, automatic=False)[-1].rto_minutes
    automatic = _infrastructure_cases(c, form, backup, automatic=True)[-1].rto_minutes
    one_site = sites(form) == 1
    too_slow = not one_site and manual is not None and manual > r.rto_minutes
    rule_out = {
        "restore": (form != "single-zone" and f"{form} fails over without a restore"),
        "zone-failover": (form == "single-zone" and "there is one zone") or (not one_site and "there are two regions"),
        "region-failover-manual": (one_site and "there is one region")
        or (too_slow and f"with a person deciding it takes {_known(manual)}, above {r.rto_minutes:g} min"),
        "region-failover-automatic": one_site and "there is one region",
    }
    rationale = [f"The RTO target is {r.rto_minutes:g} min."]
    if not one_site:
        rationale.append(f"Region failover takes {_known(automatic)} by itself, {_known(manual)} with a decision.")
    return decide(c, "disaster_recovery.recovery", rule_out=rule_out, rationale=rationale)


def incident_response(c: Context) -> Decision:
    """Who answers: by the hours somebody is on call and the size of the team."""
    r = c.requirements
    small = r.team_size < 5 and f"{r.team_size} people cannot staff a commander, a scribe and responders"
    rule_out = {
        "best-effort": r.on_call == "24x7" and "the requirements ask for 24x7 on call",
        "on-call": r.on_call != "24x7" and "nobody is on call outside business hours",
        "incident-command": small or (r.on_call != "24x7" and "nobody is on call outside business hours"),
    }
    budget = (1 - r.availability_target_pct / 100) * 30 * 24 * 60
    rationale = [f"The error budget is {budget:,.1f} minutes in 30 days; on call: {r.on_call}."]
    return decide(c, "disaster_recovery.incident_response", rule_out=rule_out, rationale=rationale)
