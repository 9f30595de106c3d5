"""What a form of deployment promises: the availability of parts that are put together.

Services in series multiply. Two active sites fail together only if both fail, except for the
share of failures with a common cause (beta factor): U2 = beta*U + (1-beta)*U^2, with U the unavailability of
one site (IEC 61508-6, annex D, for the beta-factor model). A standby that must first be switched to earns no
credit here: at three nines and above, the failover itself uses up the budget.
"""

from __future__ import annotations

from collections.abc import Iterable

from devops_workbook.catalog.model import Service, Sla

__all__ = ["FORMS", "active_active", "form_rank", "form_sla", "series", "sites"]

FORMS = ("single-zone", "multi-zone", "pilot-light", "warm-standby", "active-active")
_SINGLE_ZONE = ("single", "zonal", "regional", "global")
_MULTI_ZONE = ("multi-zone", "regional", "global")


def form_rank(form: str) -> int:
    """Position of a deployment form in FORMS, weakest first."""
    return FORMS.index(form)


def sites(form: str) -> int:
    """How many regions a form uses."""
    return 1 if form_rank(form) < form_rank("pilot-light") else 2


def form_sla(service: Service, form: str) -> Sla | None:
    """What the provider promises for a service deployed in this form at one site, None = states nothing."""
    return service.sla(*(_SINGLE_ZONE if form == "single-zone" else _MULTI_ZONE))


def series(pcts: Iterable[float | None]) -> float | None:
    """Availability in per cent of parts that are all needed; None as soon as one is not known."""
    product = 1.0
    for pct in pcts:
        if pct is None:
            return None
        product *= pct / 100.0
    return product * 100.0


def active_active(pct: float, common_cause: float) -> float:
    """Availability in per cent of two active sites of `pct` each, with a beta factor for common causes."""
    down = 1.0 - pct / 100.0
    return 100.0 * (1.0 - common_cause * down - (1.0 - common_cause) * down * down)
