"""The collector: pipelines are whole, nothing is declared for nothing, and what is kept is what the plan keeps."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.observability import observability
from tests.artifacts.infrastructure import CASES, design
from tests.artifacts.observability.promtool import parsed

_KINDS = ("receivers", "processors", "exporters")


def configured(case: tuple[str, str]) -> Any:
    files = {a.path: a.text for a in observability(Blueprint.of(design(*case))).artifacts}
    return parsed(files["observability/collector/collector.yaml"])


def problems(c: Any) -> list[str]:
    """What a pipeline names and nothing declares, what is declared for nothing, and pipelines that end nowhere."""
    pipelines = c["service"]["pipelines"]
    found = [
        f"{name}: no {kind}" for name, p in pipelines.items() for kind in ("receivers", "exporters") if not p[kind]
    ]
    for kind in _KINDS:
        used = {x for p in pipelines.values() for x in p[kind]}
        found += [f"{x} is declared nowhere" for x in used - set(c[kind])]
        found += [f"{x} is used by nothing" for x in set(c[kind]) - used]
    for name, p in pipelines.items():
        if p["processors"][0] != "memory_limiter":
            found.append(f"{name} does not begin with the limiter of memory")
        if "batch" in p["processors"] and p["processors"][-1] != "batch":
            found.append(f"{name} batches before it drops")
    return found


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_pipelines_are_whole(case: tuple[str, str]) -> None:
    b, c = Blueprint.of(design(*case)), configured(case)
    assert problems(c) == []
    kinds = {name.partition("/")[0] for name in c["service"]["pipelines"]}
    assert kinds == {kind for kind in ("metrics", "logs", "traces") if b.has(kind)}
    assert ("loadbalancing" in c["exporters"]) == (b.component("collector").count > 1)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_what_is_kept_and_what_waits_is_the_plans(case: tuple[str, str]) -> None:
    b = Blueprint.of(design(*case))
    sampling = configured(case)["processors"]["tail_sampling"]
    wait = int(sampling["decision_wait"].rstrip("s"))
    assert wait >= 2 * b.requirements.p99_latency_ms / 1000
    assert sampling["num_traces"] >= wait * b.assessment.capacity.planned_rps
    policies = {p["name"]: p for p in sampling["policies"]}
    assert policies["slow"]["latency"]["threshold_ms"] >= b.requirements.p99_latency_ms
    share = b.catalog.assumptions["trace_sample_share"].value
    assert policies["rest"]["probabilistic"]["sampling_percentage"] == pytest.approx(100 * share)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("exporters", lambda c: c["exporters"].popitem()),
        ("receivers", lambda c: c["receivers"].pop("otlp")),
        ("processors", lambda c: c["processors"].pop("batch")),
        ("unused", lambda c: c["exporters"].update(debug={})),
        ("order", lambda c: c["service"]["pipelines"]["logs"]["processors"].reverse()),
        ("end", lambda c: c["service"]["pipelines"]["logs"].update(exporters=[])),
    ],
)
def test_a_broken_pipeline_is_noticed(part: str, change: Any) -> None:
    mutant = copy.deepcopy(configured(("payments-api", "aws")))
    change(mutant)
    assert problems(mutant), part


def test_no_secret_and_no_address_is_written() -> None:
    for case in CASES:
        text = json.dumps(configured(case)["exporters"])
        for key in ("key", "connection_string", "endpoint", "hostname"):
            for value in re.findall(rf'"{key}": "([^"]*)"', text):
                assert value.startswith("${env:"), (case, key, value)


def test_a_line_of_the_log_is_held_against_its_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    files = {a.path: a.text for a in observability(Blueprint.of(design("payments-api", "aws"))).artifacts}
    schema = json.loads(files["observability/collector/log.schema.json"])
    jsonschema.Draft202012Validator.check_schema(schema)
    line = {"timestamp": "2026-11-26T12:00:00Z", "severity": "INFO", "message": "paid", "service": "service",
            "version": "1.2.3", "trace_id": "0" * 32, "attributes": {"amount": 1}}  # fmt: skip
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(line)
    assert not validator.is_valid({**line, "severity": "LOUD"})
    assert not validator.is_valid({**line, "extra": 1})
    assert not validator.is_valid({k: v for k, v in line.items() if k != "version"})
