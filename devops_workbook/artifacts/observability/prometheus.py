"""Prometheus' own configuration: its rules, whom it tells, and where its samples come from.

The collector sends what the service says (OTLP, taken in with --web.enable-otlp-receiver), so that nothing has to be
found and asked; Prometheus asks itself alone. Whom it tells is read from a file beside it, which names the machines
that Terraform made.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.observability.rules import EVALUATION_SECONDS
from devops_workbook.artifacts.yaml import Noted, document

__all__ = ["prometheus_files"]

_FOLDER = "observability/prometheus"
_TOLD = "alertmanagers.yaml"
_PORT = 9093


def prometheus_files(b: Blueprint) -> tuple[Artifact, ...]:
    """The configuration, and the file that names the Alertmanagers until it is written for the machines there are."""
    replicas = b.component("alerting").count if b.has("alerting") else 1
    targets = [f"alertmanager-{n}.example.internal:{_PORT}" for n in range(1, replicas + 1)]
    return (
        Artifact(f"{_FOLDER}/prometheus.yaml", document(_configuration(b), [f"prometheus {' '.join(_flags(b))}"])),
        Artifact(f"{_FOLDER}/{_TOLD}", f"# Set to the machines that run Alertmanager.\n- targets: {targets}\n"),
    )


def _flags(b: Blueprint) -> list[str]:
    """What Prometheus is started with: what it takes in, and how long the plan keeps it."""
    signal = next(s for s in b.assessment.telemetry.signals if s.kind == "metrics")
    days = sum(tier.days for tier in signal.tiers)
    return ["--config.file=prometheus.yaml", "--web.enable-otlp-receiver", f"--storage.tsdb.retention.time={days:g}d"]


def _configuration(b: Blueprint) -> list[tuple[str, Any]]:
    seconds = round(b.catalog.assumptions["scrape_interval_seconds"].value or 60)
    return [
        ("global", {"scrape_interval": f"{seconds}s", "evaluation_interval": f"{EVALUATION_SECONDS}s",
                    "external_labels": {"system": b.names.system}}),
        ("rule_files", ["rules/*.yaml"]),
        ("alerting", {"alertmanagers": [{"file_sd_configs": [{"files": [_TOLD]}]}]}),
        ("scrape_configs", [{"job_name": "prometheus", "static_configs": [{"targets": ["localhost:9090"]}]}]),
        ("storage", {"tsdb": {"out_of_order_time_window":
                              Noted("10m", "Two collectors send, and a batch may arrive after a later one.")}}),
    ]  # fmt: skip
