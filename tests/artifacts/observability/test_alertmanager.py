"""Alertmanager: amtool takes the configuration, and every alert reaches whom it should."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.observability import alerts_of, observability
from tests.artifacts.infrastructure import CASES, design
from tests.artifacts.observability.promtool import parsed, written

WITH = [(n, p) for n, p in CASES if Blueprint.of(design(n, p)).choice("observability.metrics") == "prometheus"]
CONFIGURATION = "observability/alertmanager/alertmanager.yaml"


def _texts(case: tuple[str, str]) -> dict[str, str]:
    return {a.path: a.text for a in observability(Blueprint.of(design(*case))).artifacts}


def _configuration(case: tuple[str, str]) -> Any:
    return parsed(_texts(case)[CONFIGURATION])


def _amtool(*args: str) -> tuple[int, str]:
    done = subprocess.run(["amtool", *args], capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.needs("amtool")
@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_amtool_takes_it_and_every_alert_has_its_receiver(case: tuple[str, str], tmp_path: Path) -> None:
    b = Blueprint.of(design(*case))
    written(observability(b).artifacts, tmp_path)
    path = tmp_path / CONFIGURATION
    code, told = _amtool("check-config", str(path))
    assert code == 0, told
    lines = path.with_name("routes.txt").read_text().splitlines()
    assert len(lines) == len(alerts_of(b))
    kinds = {line.split()[2]: line for line in lines}.values()  # one of each severity: routes look at nothing else
    for receiver, *labels in map(str.split, kinds):
        route = ("config", "routes", "test", f"--config.file={path}")
        assert _amtool(*route, f"--verify.receivers={receiver}", *labels)[0] == 0
        assert _amtool(*route, "--verify.receivers=nobody", *labels)[0] != 0


def test_a_page_waits_for_business_hours_only_where_nobody_is_on_call_at_night() -> None:
    day, night = _configuration(("iot-ingest", "aws")), _configuration(("media-site", "aws"))
    assert day["route"]["routes"][0]["active_time_intervals"] == ["business-hours"]
    assert "time_intervals" not in night
    assert "active_time_intervals" not in night["route"]["routes"][0]


@pytest.mark.parametrize("case", WITH, ids="-".join)
def test_secrets_are_files(case: tuple[str, str]) -> None:
    for receiver in _configuration(case)["receivers"]:
        for kind in receiver.keys() - {"name"}:
            assert all({k for k in c if k != "send_resolved"} <= {"api_url_file", "routing_key_file"}
                       for c in receiver[kind])  # fmt: skip


def test_a_page_silences_the_ticket_for_the_same() -> None:
    alerts = alerts_of(Blueprint.of(design("media-site", "aws")))
    assert _configuration(("media-site", "aws"))["inhibit_rules"][0]["equal"] == ["concern"]
    shared = {a.concern for a in alerts if a.severity == "critical"} & {
        a.concern for a in alerts if a.severity == "warning"
    }
    assert shared == {"availability", "latency", "compute-traffic", "database-errors", "compute-saturation"}
