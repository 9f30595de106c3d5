"""Disaster recovery: how many sites, which backups, how to fail over, and who answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from devops_workbook.catalog.model import Service
from devops_workbook.design.context import Context
from devops_workbook.design.decisions.advice import Reasons, settle
from devops_workbook.design.model import Decision
from devops_workbook.design.paths import entry_service, intake_services, path_pct, switches_by_itself, weakest_pct
from devops_workbook.design.recovery import DISRUPTIONS, INFRASTRUCTURE, Recovery, Setup, recovery
from devops_workbook.design.reliability import FORMS, form_rank, sites
from devops_workbook.design.words import amount, error_budget, error_budget_minutes

__all__ = ["backup", "high_availability", "incident_response", "recovery_procedures"]

_BACKUPS = {
    "daily": "daily snapshots", "pitr": "point-in-time recovery", "pitr-cross-region": "with a regional copy",
    "pitr-immutable": "with an immutable copy",
}  # fmt: skip
_FORM_NAMES = {
    "single-zone": "one zone", "multi-zone": "several zones", "pilot-light": "pilot light, started by people",
    "warm-standby": "warm standby that switches by itself", "active-active": "active-active",
}  # fmt: skip
_DAILY_COPY = " A copy goes to {secondary_region} once a day."
# Below two nines and a half a design may rest on a service that promises nothing in this form.
_PROMISE_NEEDED_PCT = 99.5
# From three nines on, the loss of a zone must not be the loss of the service.
_STANDBY_PCT = 99.9
# Two rotas, each shared by enough people that nobody is on call more than one week in four.
_TWO_ROTAS = 8
# Below these, decisions of an incident cannot wait until the one person on call has both hands free.
_SMALL_BUDGET_MINUTES = 10.0
_SHORT_RTO_MINUTES = 15.0


def _services(c: Context) -> tuple[Service, Service]:
    fields = ("infrastructure.compute", "infrastructure.database")
    compute, database = (c.provider.services[c.taken[field].choice.service] for field in fields)
    return compute, database


def _infrastructure_cases(c: Context, form: str, backup: str, automatic: bool) -> tuple[Recovery, ...]:
    return recovery(c, Setup(form, backup, automatic, _services(c)[1]), INFRASTRUCTURE)


def _known(minutes: float | None) -> str:
    return "not known" if minutes is None else f"{minutes:,.0f} min"


def _worst(values: tuple[float | None, ...]) -> float | None:
    return None if None in values else max(v for v in values if v is not None)


# --- high availability -----------------------------------------------------------------------------------

Cases = Mapping[str, tuple[Recovery, ...]]


def high_availability(c: Context) -> Decision:
    """How many zones and regions: the least that meets availability, RTO and RPO, ranked by the priorities."""
    r = c.requirements
    entry = c.choice("scaling.load_balancing")
    pcts = {form: path_pct(c, *_services(c), form=form, entry=entry) for form in FORMS}
    cases = {
        form: _infrastructure_cases(c, form, "pitr-immutable", automatic=switches_by_itself(c, form)) for form in FORMS
    }
    impossible = _impossible_forms(c)
    possible = [form for form in FORMS if form not in impossible]
    database = _services(c)[1]
    regional = (entry_service(c, entry), *intake_services(c), *_services(c))
    weakest = {form: weakest_pct(c, regional, database, form) for form in possible}
    short = _weak(c, weakest)
    late = _late(c, {form: cases[form] for form in possible})
    avoid = {
        form: "; ".join(x for x in (_one_zone(c, form), short.get(form), late.get(form)) if x) for form in possible
    }
    lost, shown = ("zone", -2) if c.second_region is None else ("region", -1)
    rationale = [
        f"RTO and RPO when a {lost} is lost: "
        + ", ".join(f"{_FORM_NAMES[f]} {_pair(cases[f][shown])}" for f in possible)
        + f"; the targets are {amount(r.rto_minutes)} min / {amount(r.rpo_minutes)} min.",
        "Promised on the users' path: "
        + ", ".join(f"{_FORM_NAMES[form]} {_pct(pcts[form])}" for form in possible)
        + f"; the target is {r.availability_target_pct:g} %.",
    ]
    decision = settle(c, "disaster_recovery.high_availability", rule_out=impossible, avoid=avoid, rationale=rationale)
    weaker = [f for f in possible if form_rank(f) < form_rank(decision.choice.id) and not short.get(f) and late.get(f)]
    return replace(
        decision,
        summary=_form_summary(c, decision),
        flips=(*decision.flips, *(_would_do(c, form, cases[form]) for form in weaker if _bounded(cases[form]))),
    )


def _pct(pct: float | None) -> str:
    return "not known" if pct is None else f"{pct:.3f} %"


def _pair(case: Recovery) -> str:
    return f"{_known(case.rto_minutes)} / {_known(case.rpo_minutes)}"


def _impossible_forms(c: Context) -> dict[str, str]:
    if c.region.zones < 2:
        why = f"{c.region.title} has no zones to spread over"
        return dict.fromkeys(FORMS[1:], why)
    if c.second_region is None:
        why = f"{c.provider.title} has no second region in the catalog within jurisdiction {c.region.jurisdiction}"
        return dict.fromkeys(FORMS[form_rank("pilot-light") :], why)
    return {}


def _spans_zones(service: Service) -> bool:
    """Whether the provider spreads the service over zones by itself, whatever the design says."""
    return service.sla("single", "zonal") is None and service.sla("regional", "global") is not None


def _one_zone(c: Context, form: str) -> str:
    """Why a design should not be kept in one zone, "" if it may or is not."""
    compute, database = _services(c)
    if form != "single-zone":
        return ""
    if c.requirements.availability_target_pct >= _STANDBY_PCT:
        return f"a target of {c.requirements.availability_target_pct:g} % does not bear an outage with every lost zone"
    if compute.kind == "functions" and _spans_zones(database):
        return f"{compute.title} and {database.title} span zones by themselves"
    return ""


def _weak(c: Context, weakest: Mapping[str, float | None]) -> dict[str, str]:
    """Form -> why one of its services promises too little; measured against the best there is, if none suffices."""
    known = [pct for pct in weakest.values() if pct is not None]
    target = c.requirements.availability_target_pct
    bar = min(target, max(known, default=0.0))
    return {
        form: "a service on the users' path states no promise for it"
        if pct is None
        else f"one service promises only {pct:.4g} %, below the target of {target:g} %"
        for form, pct in weakest.items()
        if (known and target >= _PROMISE_NEEDED_PCT if pct is None else pct < bar)
    }


def _late(c: Context, cases: Cases) -> dict[str, str]:
    """Form -> which disruption takes too long or loses too much; measured against the best there is, if none "
    "suffices."""
    r = c.requirements
    short: dict[str, list[str]] = {form: [] for form in cases}
    for of_one_disruption in zip(*cases.values(), strict=True):
        rto = max(r.rto_minutes, min(_minutes(case.rto_minutes) for case in of_one_disruption))
        rpo = max(r.rpo_minutes, min(_minutes(case.rpo_minutes) for case in of_one_disruption))
        for form, case in zip(cases, of_one_disruption, strict=True):
            if not case.within(rto, rpo):
                targets = f"{amount(r.rto_minutes)} min / {amount(r.rpo_minutes)} min"
                short[form].append(f"losing the {case.disruption} takes RTO / RPO {_pair(case)} against {targets}")
    return {form: "; ".join(reasons) for form, reasons in short.items()}


def _minutes(minutes: float | None) -> float:
    return math.inf if minutes is None else minutes


def _bounded(cases: tuple[Recovery, ...]) -> bool:
    return all(case.rto_minutes is not None and case.rpo_minutes is not None for case in cases)


def _would_do(c: Context, form: str, cases: tuple[Recovery, ...]) -> str:
    """Which targets a weaker form meets."""
    rto = max(_minutes(case.rto_minutes) for case in cases)
    rpo = max(_minutes(case.rpo_minutes) for case in cases)
    title = c.catalog.options["disaster_recovery.high_availability"][form]["title"]
    needed = [
        f"{name} of {math.ceil(found):,} min"
        for name, found, target in (
            ("an RTO", rto, c.requirements.rto_minutes), ("an RPO", rpo, c.requirements.rpo_minutes)
        )
        if found > target
    ]  # fmt: skip
    return f"{title} would do with " + " and ".join(needed)


def _form_summary(c: Context, decision: Decision) -> str:
    """The catalog's summary, with what differs where the provider spreads the data service by itself."""
    if not _spans_zones(_services(c)[1]):
        return decision.summary
    return {
        "single-zone": "{compute} runs in one zone of {region}; {database} spans its zones by itself.",
        "multi-zone": "{compute} is spread over several zones of {region}, and {database} spans them by itself; "
        "failover is "
        "automatic.",
    }.get(decision.choice.id, decision.summary)


# --- backup and recovery ---------------------------------------------------------------------------------


def backup(c: Context) -> Decision:
    """How often data is copied and where to: by the RPO of a deletion, and of a lost region without a replica."""
    r = c.requirements
    form = c.choice("disaster_recovery.high_availability")
    rpos = {option: _worst(tuple(x.rpo_minutes for x in _all_cases(c, form, option))) for option in _BACKUPS}
    alone = c.second_region is None
    rule_out = {"pitr-cross-region": alone and "there is no second region within the data residency to copy to"}
    rationale = [
        "Worst loss of data: "
        + ", ".join(f"{name} {_known(rpos[id])}" for id, name in _BACKUPS.items() if not rule_out.get(id))
        + f"; the RPO target is {amount(r.rpo_minutes)} min.",
    ]
    avoid = {**_deletable(c), **_loses_too_much(rpos, r.rpo_minutes)}
    decision = settle(c, "disaster_recovery.backup", rule_out=rule_out, avoid=avoid, rationale=rationale)
    return replace(decision, summary=_backup_summary(decision, alone))


def _deletable(c: Context) -> dict[str, str]:
    """Why copies that somebody can delete are not enough."""
    if c.requirements.data_sensitivity != "restricted":
        return {}
    why = "whoever extorts the owner of restricted data deletes first what an administrator can delete"
    return dict.fromkeys(("daily", "pitr", "pitr-cross-region"), why)


def _backup_summary(decision: Decision, alone: bool) -> str:
    if decision.choice.id in ("daily", "pitr"):
        return decision.summary if alone else decision.summary + _DAILY_COPY
    if alone:
        return (
            "Point-in-time recovery, and a copy in a separate account of the same region with a write-once lock "
            "that nobody, "
            "including administrators, can lift before its time."
        )
    return decision.summary


def _all_cases(c: Context, form: str, option: str) -> tuple[Recovery, ...]:
    """Those that the choice of backups can change: without a second region nothing protects from losing the first,
    and what ransomware costs is not how often copies are made, but for how long nobody noticed."""
    beyond = {"ransomware"} if c.second_region else {"ransomware", "region"}
    disruptions = (disruption for disruption in DISRUPTIONS if disruption not in beyond)
    return recovery(c, Setup(form, option, True, _services(c)[1]), disruptions)


def _loses_too_much(rpos: Mapping[str, float | None], target: float) -> dict[str, str]:
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
    two_sites = sites(form) == 2
    too_slow = manual is not None and manual > r.rto_minutes
    rule_out = {
        "restore": form != "single-zone" and "the design fails over without a restore",
        "zone-failover": two_sites and "the design has a second region to fail over to",
    }
    avoid: Reasons = {
        "region-failover-manual": (form == "active-active" and "both regions serve, and health checks drop a lost one")
        or (too_slow and f"with a person deciding it takes {_known(manual)}, above {amount(r.rto_minutes)} min")
        or _promises_less(c, form),
        "region-failover-automatic": form == "pilot-light"
        and "the second site has no instances to switch to until people have started them",
    }
    rationale = [f"The RTO target is {amount(r.rto_minutes)} min."]
    if two_sites:
        rationale = [
            f"Failing over to the other region takes {_known(manual)} with a person deciding and {_known(automatic)} "
            f"without; the RTO target is {amount(r.rto_minutes)} min."
        ]
    decision = settle(c, "disaster_recovery.recovery", rule_out=rule_out, avoid=avoid, rationale=rationale)
    alone = c.second_region is None and decision.choice.id == "zone-failover"
    return replace(decision, summary=_ZONES_ONLY) if alone else decision


def _promises_less(c: Context, form: str) -> str:
    """Why a warm standby should not wait for a person, where the users' path then falls short of the target."""
    if form != "warm-standby":
        return ""
    entry, target = c.choice("scaling.load_balancing"), c.requirements.availability_target_pct
    pct = path_pct(c, *_services(c), form=form, entry=entry, automatic=False)
    short = pct is not None and pct < target
    return f"with a person deciding the users' path promises {_pct(pct)}, below {target:g} %" if short else ""


_ZONES_ONLY = (
    "Losing a zone moves traffic and {database} to the others within minutes without anybody deciding; nothing "
    "leaves the "
    "region, so its loss lasts until it returns."
)


def incident_response(c: Context) -> Decision:
    """Who answers: by the hours somebody is on call and the size of the team."""
    r = c.requirements
    around_the_clock = r.on_call == "24x7"
    urgent = error_budget_minutes(c) < _SMALL_BUDGET_MINUTES or r.rto_minutes <= _SHORT_RTO_MINUTES
    avoid: Reasons = {
        "best-effort": around_the_clock and "somebody is on call around the clock",
        "on-call": around_the_clock
        and urgent
        and r.team_size >= _TWO_ROTAS
        and "one person cannot repair, decide and inform within these targets",
        "incident-command": r.team_size < _TWO_ROTAS
        and f"a team of {r.team_size} cannot staff a commander, a scribe and responders",
    }
    when = "around the clock" if around_the_clock else "in business hours"
    rationale = [f"The error budget is {error_budget(c)} in 30 days; people are on call {when}."]
    return settle(c, "disaster_recovery.incident_response", avoid=avoid, rationale=rationale)
