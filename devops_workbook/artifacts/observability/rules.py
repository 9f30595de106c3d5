"""The rules of a design: what Prometheus records, and what it alerts on.

Objectives alert on how fast they spend their error budget, over a long and a short window at once (The Site
Reliability Workbook, chapter 5, table 5-8), and on how much of it is gone. The other bounds are those of
`artifacts/alarms.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from devops_workbook.artifacts.alarms import Alarm
from devops_workbook.artifacts.alarms import alarms_of as golden
from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.observability.measures import (
    WINDOWS,
    Counter,
    Course,
    Matcher,
    Sum,
    beyond,
    share,
    told,
)
from devops_workbook.artifacts.observability.model import Alert, Condition, Recording, Severity, number, seconds

__all__ = ["BURNS", "EVALUATION_SECONDS", "PERIOD", "PERIOD_DAYS", "SPENT", "Burn", "Objective", "alerts_of",
           "budget_recordings_of", "counters_of", "courses_of", "handled", "healthy", "objectives_of",
           "processors_of", "recordings_of"]  # fmt: skip

PERIOD_DAYS = 30
PERIOD = f"{PERIOD_DAYS}d"
SPENT = (50, 90)  # per cent of the error budget, of which people should know that they are gone
EVALUATION_SECONDS = 60  # Prometheus evaluates as often as it scrapes
_LATENCY_TARGET = 0.99  # the requirement is a 99th percentile
_SHORTEST = "5m"
_REQUESTS = f"service:requests:rate_{_SHORTEST}"
_EXPECTED_WHEN_SILENT = 20  # requests expected in half an hour: none by chance once in e^20 half hours
_QUIET = "30m"


@dataclass(frozen=True, slots=True)
class Burn:
    """One alert on a budget: rate, times the sustainable one, over a long and a short window at once."""

    rate: float
    long: str
    short: str
    severity: Severity


# The Site Reliability Workbook, table 5-8, and 3x as its text adds it: 2 %, 5 %, 10 % and 10 % of a 30-day budget.
BURNS = (
    Burn(14.4, "1h", "5m", "critical"), Burn(6, "6h", "30m", "critical"),
    Burn(3, "1d", "2h", "warning"), Burn(1, "3d", "6h", "warning"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Objective:
    """One service level objective. target: 0-1; good and total: the sums whose quotient it is about."""

    id: str
    title: str
    target: float
    good: Sum
    total: Sum
    why: str

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return 1.0 - self.target

    def burning(self, window: str) -> str:
        """The recorded share that is bad."""
        return f"slo:{self.id}:bad_share_{window}"

    @property
    def bad(self) -> str:
        """The recorded rate a second of what is bad."""
        return f"slo:{self.id}:bad_rate_{_SHORTEST}"


# --- what is counted -------------------------------------------------------------------------------------

_JOB = Matcher("job", "=", "service")


def _handled(b: Blueprint) -> tuple[str, Matcher, Matcher]:
    """The histogram of what the service handles, and what tells a failure from a success."""
    if b.requirements.workload_type == "web-api":
        status = "http_response_status_code"
        return "http_server_request_duration_seconds", Matcher(status, "=~", "5.."), Matcher(status, "=~", "[1-4]..")
    return "messaging_process_duration_seconds", Matcher("error_type", "!=", ""), Matcher("error_type", "=", "")


def handled(b: Blueprint) -> str:
    """The histogram of how long the service takes for what it handles."""
    return _handled(b)[0]


def _total(b: Blueprint) -> Sum:
    return Sum(f"{_handled(b)[0]}_count", (_JOB,))


def _failed(b: Blueprint) -> Sum:
    metric, failure, _ = _handled(b)
    return Sum(f"{metric}_count", (_JOB, failure))


def objectives_of(b: Blueprint) -> tuple[Objective, Objective]:
    """Availability and latency of the service, from the requirements."""
    metric, _, success = _handled(b)
    r = b.requirements
    within = r.p99_latency_ms / 1000
    quick = Sum(f"{metric}_bucket", (_JOB, Matcher("le", "=~", told(within))))
    return (
        Objective("availability", "Availability", round(r.availability_target_pct / 100, 9),
                  Sum(f"{metric}_count", (_JOB, success)), _total(b),
                  f"availability target of {r.availability_target_pct:g} %"),
        Objective("latency", "Latency", _LATENCY_TARGET, quick, _total(b),
                  f"latency target of {r.p99_latency_ms:g} ms at the 99th percentile"),
    )  # fmt: skip


# What clients of caches say of themselves: https://opentelemetry.io/docs/specs/semconv/database/ (2026-11)
_CACHES = "redis|valkey|memcached"
_STORES = {"database": "!~", "cache": "=~"}


def _stores(b: Blueprint) -> list[str]:
    """What the service asks for data, as components."""
    return [store for store in _STORES if b.has(store)]


def _queries(b: Blueprint, store: str) -> tuple[Sum, Sum]:
    """Queries that failed, and all: of the database, or of the cache, which the same metric counts."""
    metric = "db_client_operation_duration_seconds_count"
    told = (_JOB, Matcher("db_system_name", _STORES[store], _CACHES)) if b.has("cache") else (_JOB,)
    return Sum(metric, (*told, Matcher("error_type", "!=", ""))), Sum(metric, told)


_CPU = Sum("process_cpu_time_seconds_total", (_JOB,))


def processors_of(b: Blueprint) -> float:
    """Processors of one replica of the service; 0 where the provider starts functions, which have none to count."""
    kind = b.choice("infrastructure.compute")
    if kind == "vms":
        return b.provider.instances[b.component("compute").sku].vcpu
    return 0.0 if kind == "functions" else b.catalog.assumptions["replica_vcpu"].value or 1.0


def counters_of(b: Blueprint) -> tuple[Counter, ...]:
    """The counters by which the recording rules are tested: of the service, and of others that must not count."""
    metric, failure, _ = _handled(b)
    label, codes = failure.label, ("200", "404", "500", "503") if failure.operator == "=~" else ("", "timeout")
    within = number(b.requirements.p99_latency_ms / 1000)
    shapes: list[tuple[str, dict[str, str]]] = []
    # Two instances of the service, so that a sum is no maximum; one of another.
    for job, instance in (("service", "a"), ("service", "b"), ("another", "a")):
        at = {"job": job, "instance": instance}
        shapes += [(f"{metric}_count", at | {label: code} if code else at) for code in codes]
        shapes += [(f"{metric}_bucket", at | {"le": le}) for le in (within, f"{within}99", "+Inf")]
        systems: list[dict[str, str]] = [{"db_system_name": x} for x in ("postgresql", "redis")]
        for of in systems if b.has("cache") else [{}]:
            shapes += [
                ("db_client_operation_duration_seconds_count", at | of | kind)
                for kind in ({}, {"error_type": "timeout"})
            ]
        shapes += [(_CPU.metric, at | {"cpu_mode": mode}) for mode in ("user", "system", "wait")]
    return tuple(Counter(m, tuple(labels.items()), 11 + 7 * i) for i, (m, labels) in enumerate(shapes))


# --- what is recorded ------------------------------------------------------------------------------------


def healthy(b: Blueprint, counters: Sequence[Counter]) -> tuple[Counter, ...]:
    """Those of `counters` that count no failure: what there is on a day on which nothing ever failed."""
    bad = (_failed(b), *(_queries(b, store)[0] for store in _stores(b)))
    failures = [c for one in bad for c in one.taken(counters)]
    return tuple(c for c in counters if c not in failures)


def recordings_of(b: Blueprint, counters: Sequence[Counter]) -> Iterator[Recording]:
    """What is recorded, each with the value it has for `counters`."""
    availability, latency = objectives_of(b)
    for window in WINDOWS:
        failed, total = _failed(b).gained(counters, window), _total(b).gained(counters, window)
        yield Recording(availability.burning(window), share(_failed(b), _total(b), window), failed / total)
        quick = latency.good.gained(counters, window)
        yield Recording(latency.burning(window), beyond(latency.good, latency.total, window), 1 - quick / total)
    for window in dict.fromkeys(burn.short for burn in BURNS):
        yield Recording(f"service:requests:increase_{window}", _total(b).increase(window),
                        _total(b).gained(counters, window))  # fmt: skip
    yield from _rates(b, counters)
    yield from _recorded_beside(b, counters)


def _rates(b: Blueprint, counters: Sequence[Counter]) -> Iterator[Recording]:
    """A second's requests, and those of them that are bad."""
    availability, latency = objectives_of(b)
    failed, quick, total = (
        counted.gained(counters, _SHORTEST) / seconds(_SHORTEST) for counted in (_failed(b), latency.good, _total(b))
    )
    yield Recording(_REQUESTS, _total(b).rate(_SHORTEST), total)
    yield Recording(availability.bad, f"{_failed(b).rate(_SHORTEST)} or vector(0)", failed)
    yield Recording(latency.bad, f"{_total(b).rate(_SHORTEST)}\n- {latency.good.rate(_SHORTEST)}", total - quick)


def _recorded_beside(b: Blueprint, counters: Sequence[Counter]) -> Iterator[Recording]:
    for store in _stores(b):
        failed, queries = _queries(b, store)
        gained = queries.gained(counters, _SHORTEST)
        yield Recording(f"{store}:queries:failed_share_{_SHORTEST}", share(failed, queries, _SHORTEST),
                        failed.gained(counters, _SHORTEST) / gained)  # fmt: skip
        yield Recording(f"{store}:queries:increase_{_SHORTEST}", queries.increase(_SHORTEST), gained)
    if processors := processors_of(b):
        replicas = {dict(c.labels)["instance"] for c in _CPU.taken(counters)}
        used = _CPU.gained(counters, _SHORTEST) / seconds(_SHORTEST) / len(replicas) / processors if replicas else 0.0
        yield Recording(f"compute:cpu:used_share_{_SHORTEST}",
                        f"{_CPU.rate(_SHORTEST)}\n"
                        f"/ (count(group by (instance) ({_CPU.selector})) * {number(processors)})", used)  # fmt: skip
    yield Recording("observability:heartbeat", "vector(1)", 1.0)


def courses_of(b: Blueprint) -> tuple[Course, ...]:
    """What the recordings of the budget are tested by."""
    bad = (Course(o.bad, 0.5 + n, 0.01 + 0.005 * n) for n, o in enumerate(objectives_of(b)))
    return (Course(_REQUESTS, 40, 0.75), *bad)


def budget_recordings_of(b: Blueprint, courses: Sequence[Course]) -> Iterator[Recording]:
    """What is recorded of the whole period of the objectives, from what is recorded each minute: the samples of 30 days
    of every series of the service would be too many to go through. Each has its value for `courses`."""
    summed = {course.series: course.summed(PERIOD) for course in courses}
    requests = f"sum_over_time({_REQUESTS}[{PERIOD}])"
    for o in objectives_of(b):
        yield Recording(o.burning(PERIOD), f"sum_over_time({o.bad}[{PERIOD}])\n/ {requests}",
                        summed.get(o.bad, 0.0) / summed.get(_REQUESTS, 1.0))  # fmt: skip
    yield Recording(f"service:requests:increase_{PERIOD}", f"{requests} * {EVALUATION_SECONDS} or vector(0)",
                    summed.get(_REQUESTS, 0.0) * EVALUATION_SECONDS)  # fmt: skip


# --- what is alerted on ----------------------------------------------------------------------------------


def alerts_of(b: Blueprint) -> tuple[Alert, ...]:
    """The alerts of a design, those on the objectives first."""
    burns = [_burning(o, burn) for o in objectives_of(b) for burn in BURNS if burn.rate * o.budget < 1]
    alarms = {a.id: a for a in golden(b)}
    spent = [_spent(o, share) for o in objectives_of(b) for share in SPENT]
    return (
        *burns,
        *spent,
        *_traffic(alarms),
        *_silent(b),
        *_database(alarms),
        *_cache(b, alarms),
        *_saturated(b, alarms),
        _HEARTBEAT,
    )


def _least(bound: float) -> int:
    """The fewest requests of which a single bad one is no more than `bound`."""
    return ceil(round(1 / bound, 6))


def _burning(o: Objective, burn: Burn) -> Alert:
    bound = burn.rate * o.budget
    least = _least(bound)
    # Everything fails: the long window is over the bound after that share of it, the short one long before.
    page = bound * seconds(burn.long) + EVALUATION_SECONDS
    spent = page / (o.budget * PERIOD_DAYS * seconds("1d"))
    conditions = (
        Condition(o.burning(burn.long), ">", bound), Condition(o.burning(burn.short), ">", bound),
        Condition(f"service:requests:increase_{burn.short}", ">=", least),
    )  # fmt: skip
    return Alert(
        f"{o.title}Burn{burn.long.upper()}", o.id, burn.severity, conditions, "", "entry",
        f"{o.title}: the error budget is spent at more than {burn.rate:g} times the sustainable rate",
        f"{o.why}; {burn.rate:g} times the sustainable rate over {burn.long} spends "
        f"{100 * burn.rate * seconds(burn.long) / (PERIOD_DAYS * seconds('1d')):.3g} % of the budget of {PERIOD_DAYS} "
        f"days; of {least} requests one bad one is not above the bound",
        least, page, spent,
    )  # fmt: skip


def _spent(o: Objective, share: int) -> Alert:
    """A share of the budget is gone, in per cent. Nobody is woken for it: what spends it fast pages by itself."""
    bound = share / 100 * o.budget
    least = _least(bound)
    conditions = (
        Condition(o.burning(PERIOD), ">", bound),
        Condition(f"service:requests:increase_{PERIOD}", ">=", least),
    )
    return Alert(
        f"{o.title}Budget{share}", f"{o.id}-budget", "warning", conditions, "", "entry",
        f"{o.title}: {share} % of the error budget of {PERIOD_DAYS} days is gone",
        f"{o.why}; {100 * o.budget:.6g} % of the requests of {PERIOD_DAYS} days may be bad, and {share} % of those "
        f"were; of {least:,} requests one bad one is not above the bound",
        least,
    )  # fmt: skip


def _from(alarm: Alarm, name: str, summary: str, *conditions: Condition, least: int | None = None) -> Alert:
    concern = f"{alarm.component}-{alarm.signal}"
    return Alert(f"{name}{alarm.severity.title()}", concern, alarm.severity, conditions, f"{alarm.minutes}m",
                 alarm.component, summary, alarm.why, least)  # fmt: skip


def _traffic(alarms: dict[str, Alarm]) -> Iterator[Alert]:
    for id in ("compute-traffic-warning", "compute-traffic-critical"):
        if alarm := alarms.get(id):
            yield _from(alarm, "Traffic", "More requests than capacity was sized for, or nearly so",
                        Condition(_REQUESTS, ">", alarm.threshold))  # fmt: skip


def _silent(b: Blueprint) -> Iterator[Alert]:
    expected = b.requirements.average_rps * seconds(_QUIET)
    if expected >= _EXPECTED_WHEN_SILENT:
        condition = Condition(f"service:requests:increase_{_QUIET}", "<", 1)
        yield Alert("ServiceSilent", "compute-silence", "critical", (condition,), "5m", "compute",
                    "Not one request was counted in half an hour",
                    f"on average {expected:.0f} requests come in {_QUIET}")  # fmt: skip


def _database(alarms: dict[str, Alarm]) -> Iterator[Alert]:
    for id in ("database-errors-warning", "database-errors-critical"):
        alarm = alarms.get(id)
        if alarm and alarm.threshold < 1:
            least = _least(alarm.threshold)
            yield _from(alarm, "DatabaseErrors", "Queries to the database fail",
                        Condition(f"database:queries:failed_share_{_SHORTEST}", ">", alarm.threshold),
                        Condition(f"database:queries:increase_{_SHORTEST}", ">=", least), least=least)  # fmt: skip


def _cache(b: Blueprint, alarms: dict[str, Alarm]) -> Iterator[Alert]:
    """A cache that fails is no outage: the database answers in its place, as long as it can."""
    alarm = alarms.get("database-errors-warning")
    if b.has("cache") and alarm and alarm.threshold < 1:
        least = _least(alarm.threshold)
        yield Alert("CacheErrorsWarning", "cache-errors", "warning", (
            Condition(f"cache:queries:failed_share_{_SHORTEST}", ">", alarm.threshold),
            Condition(f"cache:queries:increase_{_SHORTEST}", ">=", least),
        ), f"{alarm.minutes}m", "cache", "What is asked of the cache fails, and the database is asked instead",
           f"the bound of the database's queries, which {alarm.why}", least)  # fmt: skip


def _saturated(b: Blueprint, alarms: dict[str, Alarm]) -> Iterator[Alert]:
    for id in ("compute-saturation-warning", "compute-saturation-critical"):
        if processors_of(b) and (alarm := alarms.get(id)):
            yield _from(alarm, "ComputeSaturation", "The service's replicas run out of processor time",
                        Condition(f"compute:cpu:used_share_{_SHORTEST}", ">", alarm.threshold))  # fmt: skip


_HEARTBEAT = Alert(
    "Heartbeat", "heartbeat", "heartbeat", (Condition("observability:heartbeat", ">", 0),), "", "metrics",
    "Always fires: whoever stops hearing it knows that alerting is down",
    "a dead man's switch tells when all replicas are silent",
)  # fmt: skip
