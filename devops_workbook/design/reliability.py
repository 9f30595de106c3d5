"""Reliability block diagrams: the availability of parts that are put together.

Parts in series multiply. Of n like parts of which k are needed, the number that is up is binomial. Likes fail for
likes' reasons, too: of the unavailability U of each, the share beta has a cause that takes all of them at once, and
only the rest, (1 - beta) x U, is independent (beta-factor model: IEC 61508-6, annex D; NUREG/CR-4780).

Two sites are like parts of which one is enough. While the first is down for a reason of its own, users wait for the
failover, or for the first site where the failover does not succeed, and for the second where that happens to be down:

    U2 = 1 - (1 - beta U) x (1 - Ui x (lost + served x Ui)),    Ui = (1 - beta) x U
    lost = success x t + 1 - success,    served = success x (1 - t),    t = min(1, failover time / outage length)

Two active sites need no failover (t = 0, success = 1), which leaves the 1-of-2 of the beta-factor model. With no
success, or a failover that takes longer than the outage, nothing is left but the first site. So a standby never
promises more than two active sites, nor less than one. Dividing by the mean length errs on the safe side: outages
shorter than the failover end before it does (Jensen's inequality).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from devops_workbook.catalog.model import Service, Sla

__all__ = ["ALWAYS_ON", "FORMS", "Failover", "form_rank", "form_sla", "k_of_n", "series", "site_gain", "sites",
           "two_sites"]  # fmt: skip

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


def k_of_n(pct: float, k: int, n: int, common_cause: float = 0.0) -> float:
    """Availability in per cent of n like parts of `pct` each, of which k are needed; common_cause: the beta factor."""
    down = 1.0 - pct / 100.0
    up = 1.0 - (1.0 - common_cause) * down
    enough = sum(math.comb(n, i) * up**i * (1.0 - up) ** (n - i) for i in range(k, n + 1))
    return 100.0 * (1.0 - common_cause * down) * enough


@dataclass(frozen=True, slots=True)
class Failover:
    """How a second site takes over: its chance of success (0-1), how long it takes (minutes; None = not known, and
    then it earns no credit), and the mean length of the outages that call for it (minutes)."""

    success: float
    minutes: float | None
    outage_minutes: float

    @property
    def waiting(self) -> float:
        """Share of an outage of the first site that a successful failover takes, 0-1."""
        return 1.0 if self.minutes is None else min(1.0, self.minutes / self.outage_minutes)

    @property
    def lost(self) -> float:
        """Share of an outage of the first site that users still notice, 0-1, while the second site is up."""
        return self.success * self.waiting + 1.0 - self.success

    @property
    def served(self) -> float:
        """Share of an outage of the first site in which users are served by the second, 0-1."""
        return self.success * (1.0 - self.waiting)


ALWAYS_ON = Failover(success=1.0, minutes=0.0, outage_minutes=1.0)
"""Two active sites: the second serves already."""


def two_sites(pct: float, common_cause: float, failover: Failover) -> float:
    """Availability in per cent of two sites of `pct` each, the second of which takes over from the first."""
    down = 1.0 - pct / 100.0
    own = (1.0 - common_cause) * down
    unseen = 1.0 - own * (failover.lost + failover.served * own)
    return 100.0 * (1.0 - common_cause * down) * unseen


def site_gain(pct: float, common_cause: float, failover: Failover) -> float:
    """How much the availability of two sites rises for each rise of that of both sites: the derivative of
    `two_sites`, 1 = as with one site."""
    down = 1.0 - pct / 100.0
    own = (1.0 - common_cause) * down
    unseen = 1.0 - own * (failover.lost + failover.served * own)
    slope = (1.0 - common_cause) * (failover.lost + 2.0 * failover.served * own)
    return common_cause * unseen + (1.0 - common_cause * down) * slope
