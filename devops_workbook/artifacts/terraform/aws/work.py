"""How long a piece of work may take, and how often it is tried."""

from __future__ import annotations

import math

from devops_workbook.artifacts.blueprint import Blueprint

__all__ = ["ALIAS", "ATTEMPTS", "FUNCTION", "SERVICE_PORT", "timeout_seconds", "visibility_seconds"]

FUNCTION, ALIAS = "service", "live"
"""The function of the service is called <name>-service; what calls it calls this alias of it."""
SERVICE_PORT = 8443
"""Where the service listens, with TLS, as in the topology."""
ATTEMPTS = 5
"""Tries of a message before it is a dead letter, as scaling.autoscaling says of poison messages."""
_IDLE_SECONDS = 60  # after which a load balancer gives a request up
_TIMES = 6  # docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html


def timeout_seconds(b: Blueprint) -> int:
    """How long one piece of work may take, s: a request as long as the entry waits, a message as long as the worker's
    service allows, or ten times the latency target where it sets no limit."""
    service, compute = (b.provider.services[b.component(id).service] for id in ("entry", "compute"))
    if not b.has("intake"):
        return int(service.limits.get("timeout_seconds", _IDLE_SECONDS))
    return int(compute.limits.get("timeout_seconds", math.ceil(b.requirements.p99_latency_ms / 100.0)))


def visibility_seconds(b: Blueprint) -> int:
    """How long a message that somebody works on is hidden from others, s."""
    return _TIMES * timeout_seconds(b)
