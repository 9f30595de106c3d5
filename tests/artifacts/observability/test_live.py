"""The real Prometheus and Alertmanager, on loopback, time running faster: a quiet time raises nothing, then a burst of
failures raises the page when it was said to."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.observability import alerts_of, observability
from devops_workbook.artifacts.observability.model import seconds
from devops_workbook.artifacts.observability.rules import EVALUATION_SECONDS
from tests.artifacts.infrastructure import design
from tests.artifacts.observability.promtool import FOLDER, parsed, written

FASTER = 180  # an hour is 20 s
EVERY = 0.5  # s between scrapes, and between evaluations
QUIET = 21.0  # s: the long window is full
FAILING = 0.05  # share of requests in the burst
RATE = 200.0  # requests a second
METRIC = "messaging_process_duration_seconds_count"
IOT = Blueprint.of(design("iot-ingest", "aws"))


class Service:
    """Counts requests, and failures among them once it `fails_at`; hears what Alertmanager sends."""

    def __init__(self) -> None:
        self.begun, self.fails_at = time.monotonic(), float("inf")
        self.heard: list[tuple[float, str, str]] = []

    def metrics(self) -> str:
        now = time.monotonic()
        failed = max(0.0, now - self.fails_at) * RATE * FAILING
        good = (now - self.begun) * RATE - failed
        return f'{METRIC}{{job="service"}} {good}\n{METRIC}{{job="service",error_type="timeout"}} {failed}\n'

    def hear(self, body: bytes) -> None:
        told = json.loads(body)
        names = (a["labels"]["alertname"] for a in told["alerts"] if a["status"] == "firing")
        self.heard += [(time.monotonic(), told["receiver"], name) for name in names]


@contextmanager
def _serving(service: Service) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(service.metrics().encode())

        def do_POST(self) -> None:
            service.hear(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@contextmanager
def _running(log: Path, *command: str) -> Iterator[None]:
    with log.open("wb") as told:
        process = subprocess.Popen(command, stdout=told, stderr=told)
    try:
        yield
        assert process.poll() is None, log.read_text()
    finally:
        process.terminate()
        process.wait(15)


def _port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _faster(span: str) -> str:
    return f"{round(1000 * seconds(span) / FASTER)}ms"


def _rules(path: Path) -> None:
    content = parsed(path.read_text())
    for group in content["groups"]:
        group["interval"] = f"{EVERY * 1000:.0f}ms"
        for rule in group["rules"]:
            rule["expr"] = re.sub(r"\[(\d+[mhd])\]", lambda m: f"[{_faster(m[1])}]", rule["expr"])
            if "for" in rule:
                # As many evaluations as it is in truth.
                rule["for"] = f"{1000 * EVERY * seconds(rule['for']) / EVALUATION_SECONDS:.0f}ms"
    path.write_text(json.dumps(content))


def _alertmanager(path: Path, listener: int) -> None:
    """The same routes; what would leave the machine goes to the listener, at any hour and at once."""
    content = parsed(path.read_text())
    content.pop("time_intervals", None)
    hook = {"url": f"http://127.0.0.1:{listener}/", "send_resolved": False}
    content["receivers"] = [{"name": r["name"], "webhook_configs": [hook]} for r in content["receivers"]]
    for route in (content["route"], *content["route"]["routes"]):
        route |= {"group_wait": "0s", "group_interval": "500ms"}
        route.pop("active_time_intervals", None)
    path.write_text(json.dumps(content))


def _start(folder: Path, listener: int, stack: ExitStack) -> None:
    manager, prometheus = _port(), _port()
    for path in (folder / FOLDER / "rules").iterdir():
        _rules(path)
    routes = folder / "observability/alertmanager/alertmanager.yaml"
    _alertmanager(routes, listener)
    every = f"{EVERY * 1000:.0f}ms"
    scraped = {"job_name": "live", "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{listener}"]}]}
    config = {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [f"{folder / FOLDER}/rules/*.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{manager}"]}]}]},
        "scrape_configs": [scraped],
    }
    (folder / "live.json").write_text(json.dumps(config))
    stack.enter_context(
        _running(folder / "alertmanager.log", "prometheus-alertmanager", f"--config.file={routes}",
                 f"--storage.path={folder}/kept", f"--web.listen-address=127.0.0.1:{manager}",
                 "--cluster.listen-address=")
    )  # fmt: skip
    # Prometheus knows Alertmanager 5 s after its start only; what it sent before is sent again after the delay.
    stack.enter_context(
        _running(folder / "prometheus.log", "prometheus", "--rules.alert.resend-delay=1s",
                 f"--config.file={folder}/live.json",
                 f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{prometheus}")
    )  # fmt: skip


def _paged(service: Service, name: str, until: float) -> float | None:
    while time.monotonic() < until:
        for at, receiver, alert in list(service.heard):
            if (receiver, alert) == ("page", name):
                return at
        time.sleep(0.1)
    return None


@pytest.mark.cycle
@pytest.mark.needs("prometheus", "prometheus-alertmanager")
def test_a_burst_of_failures_pages_when_predicted_and_a_quiet_time_does_not(tmp_path: Path) -> None:
    page = next(a for a in alerts_of(IOT) if a.name == "AvailabilityBurn1H")
    assert page.page_seconds is not None
    # What a total outage spends at once, a share of it spends in so many times the time.
    predicted = (page.page_seconds - EVALUATION_SECONDS) / FAILING / FASTER + EVERY
    written(observability(IOT).artifacts, tmp_path)
    service = Service()
    with ExitStack() as stack:
        _start(tmp_path, stack.enter_context(_serving(service)), stack)
        time.sleep(QUIET + 2)  # and the start of the servers
        assert {(receiver, alert) for _, receiver, alert in service.heard} == {("heartbeat", "Heartbeat")}
        service.fails_at = time.monotonic()
        at = _paged(service, page.name, service.fails_at + predicted + 10)
    assert at is not None, service.heard
    measured = at - service.fails_at
    print(f"time to page: predicted {predicted:.1f} s, measured {measured:.1f} s, {FASTER} times as fast")
    # One scrape, one evaluation, and Alertmanager's way of sending.
    assert predicted - 2 * EVERY <= measured <= predicted + 3 * EVERY
