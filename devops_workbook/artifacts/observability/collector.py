"""The OpenTelemetry Collector: what it takes in from the service, what of it is kept, and to whom it passes it on.

Traces are chosen when they have ended: all that failed or were slow, and a share of the rest. That needs all spans of a
trace in one place, so where several collectors run, each first passes a trace to the one that it belongs to. How many
traces wait for their end follows from the planned peak.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from math import ceil
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.observability.model import number
from devops_workbook.artifacts.yaml import Noted, document

__all__ = ["collector_files"]

_FOLDER = "observability/collector"
_KINDS = ("metrics", "logs", "traces")
_PEERS = 4319  # where collectors pass traces to each other
_LEAST_WAIT = 10  # seconds; spans of a trace come in batches of five
_MEMORY, _SPIKE = 75, 20  # per cent of the machine's


@cache
def _facts() -> Mapping[str, Any]:
    return tomllib.loads(files("devops_workbook.catalog").joinpath("code/collector.toml").read_text(encoding="utf-8"))


def collector_files(b: Blueprint) -> Iterator[Artifact]:
    """The collector's configuration, and the schema that logs keep to; none where no collector runs."""
    if not b.has("collector"):
        return
    told = [
        "OpenTelemetry Collector, the distribution otelcol-contrib: otelcol-contrib validate --config collector.yaml"
    ]
    yield Artifact(f"{_FOLDER}/collector.yaml", document(_configuration(b), told))
    yield Artifact(f"{_FOLDER}/log.schema.json", json.dumps(_schema(b), indent=2, ensure_ascii=False) + "\n")


def _configuration(b: Blueprint) -> list[tuple[str, Any]]:
    several = b.component("collector").count > 1
    own = _exporters(b)
    receivers: dict[str, Any] = {"otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"},
                                                        "http": {"endpoint": "0.0.0.0:4318"}}}}  # fmt: skip
    exporters: dict[str, Any] = dict(own.values())
    if several:
        receivers["otlp/peers"] = {"protocols": {"grpc": {"endpoint": f"0.0.0.0:{_PEERS}"}}}
        exporters["loadbalancing"] = Noted(_BALANCED, "All spans of a trace reach the same collector.")
    return [
        ("extensions", {"health_check": {"endpoint": "0.0.0.0:13133"}}),
        ("receivers", receivers),
        ("processors", _processors(b)),
        ("exporters", exporters),
        ("service", {"extensions": ["health_check"], "pipelines": _pipelines(b, own, several)}),
    ]


_BALANCED = {
    "routing_key": "traceID",
    "protocol": {"otlp": {"tls": {"insecure": True}}},
    "resolver": {"dns": {"hostname": "${env:COLLECTORS}", "port": str(_PEERS)}},
}


def _exporters(b: Blueprint) -> dict[str, tuple[str, Any]]:
    """By kind of telemetry: the exporter's name and settings."""
    found = {}
    for kind in _KINDS:
        if b.has(kind):
            fact = _facts()[b.component(kind).service]
            found[kind] = (fact["exporter"], _placed(fact["settings"], b.sites[0].region.id))
    return found


def _placed(settings: Any, region: str) -> Any:
    if isinstance(settings, dict):
        return {k: _placed(v, region) for k, v in settings.items()}
    return region if settings == "{region}" else settings


def _by_environment(b: Blueprint) -> bool:
    """Whether what is kept must say of which environment it is."""
    return b.choice("observability.metrics") == "datadog"


def _pipelines(b: Blueprint, own: Mapping[str, tuple[str, Any]], several: bool) -> dict[str, Any]:
    usual = ["memory_limiter", *(["resource"] if _by_environment(b) else []), "batch"]
    found: dict[str, Any] = {}
    for kind, (exporter, _) in own.items():
        if kind == "traces":
            entry, chosen = ("otlp/peers", "traces/chosen") if several else ("otlp", "traces")
            if several:
                found["traces"] = {"receivers": ["otlp"], "processors": ["memory_limiter"],
                                   "exporters": ["loadbalancing"]}  # fmt: skip
            found[chosen] = {"receivers": [entry], "processors": [usual[0], "tail_sampling", *usual[1:]],
                             "exporters": [exporter]}  # fmt: skip
        else:
            dropped = ["filter/debug"] if kind == "logs" else []
            found[kind] = {
                "receivers": ["otlp"],
                "processors": [usual[0], *dropped, *usual[1:]],
                "exporters": [exporter],
            }
    return found


def _processors(b: Blueprint) -> dict[str, Any]:
    found: dict[str, Any] = {
        "memory_limiter": {"check_interval": "1s", "limit_percentage": _MEMORY, "spike_limit_percentage": _SPIKE},
        "batch": {"timeout": "5s", "send_batch_size": 8192},
    }
    if _by_environment(b):
        told = {"key": "deployment.environment.name", "value": "${env:ENVIRONMENT}", "action": "upsert"}
        found["resource"] = Noted({"attributes": [told]}, "One account has all environments; monitors are of one.")
    if b.has("logs"):
        found["filter/debug"] = Noted({"logs": {"log_record": ["severity_number < SEVERITY_NUMBER_INFO"]}},
                                      _volume(b, "logs"))  # fmt: skip
    if b.has("traces"):
        found["tail_sampling"] = _sampling(b)
    return found


def _volume(b: Blueprint, kind: str) -> str:
    """What the plan counts of a kind of telemetry, and how long it is kept."""
    signal = next(s for s in b.assessment.telemetry.signals if s.kind == kind)
    kept = ", ".join(f"{tier.title.lower()}: {tier.days:g} days" for tier in signal.tiers)
    return f"The plan counts {signal.rate:,.4g} {signal.unit}, {signal.gb_day:,.3g} GB a day; {kept}."


def _sampling(b: Blueprint) -> dict[str, Any]:
    r = b.requirements
    wait = max(_LEAST_WAIT, ceil(2 * r.p99_latency_ms / 1000))
    rate = ceil(b.assessment.capacity.planned_rps)
    share = 100 * (b.catalog.assumptions["trace_sample_share"].value or 0.0)
    slow = Noted(ceil(r.p99_latency_ms), "The latency target, which one request in a hundred may miss.")
    policies = [
        {"name": "failed", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
        {"name": "slow", "type": "latency", "latency": {"threshold_ms": slow}},
        {"name": "rest", "type": "probabilistic", "probabilistic": {
            "sampling_percentage": Noted(float(number(share)), _volume(b, "traces"))}},
    ]  # fmt: skip
    return {
        "decision_wait": Noted(f"{wait}s", "Twice the latency target, and no less than batches take to arrive."),
        "num_traces": Noted(rate * wait * 2, "Those of the planned peak while they wait, twice."),
        "expected_new_traces_per_sec": Noted(rate, "The planned peak."),
        "policies": policies,
    }


def _schema(b: Blueprint) -> Mapping[str, Any]:
    """What a line of the service's log is: one JSON object, without free text where a field can be."""
    text = {"type": "string"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of the log of {b.requirements.name}",
        "description": _volume(b, "logs") if b.has("logs") else "",
        "type": "object",
        "required": ["timestamp", "severity", "message", "service", "version"],
        "properties": {
            "timestamp": {"type": "string", "format": "date-time"},
            "severity": {"enum": ["DEBUG", "INFO", "WARN", "ERROR", "FATAL"]},
            "message": {**text, "maxLength": 1024, "description": "What happened; what varies stands in attributes."},
            "service": text,
            "version": {**text, "description": "The release, as its image is tagged."},
            "trace_id": {**text, "pattern": "^[0-9a-f]{32}$"},
            "span_id": {**text, "pattern": "^[0-9a-f]{16}$"},
            "attributes": {"type": "object", "description": "Never a secret, and no personal data."},
        },
        "additionalProperties": False,
    }
