"""What was verified, and what was not: real tools where they are, and their absence said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.folder import generated, write_folder
from devops_workbook.artifacts.kubernetes import kubernetes
from devops_workbook.artifacts.model import Artifact
from devops_workbook.artifacts.observability import observability
from devops_workbook.artifacts.verification import RECORD, Check, Verification, keep, read_record, summary, told, verify
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements

GOOD = 'output "zone" {\n  value = "a"\n}\n'
FOLDER = (
    Artifact("README.md", "# Web shop\n"),
    Artifact("infrastructure/environments/dev/main.tf", GOOD),
    Artifact("infrastructure/environments/dev/terraform.tfvars", "\n"),
)


def _with(text: str) -> tuple[Artifact, ...]:
    return (FOLDER[0], Artifact(FOLDER[1].path, text), FOLDER[2])


def _results(found: Verification) -> dict[str, str]:
    """What each tool said of all its files: "failed" if it failed of one."""
    failed = {check.tool: check.result for check in found.checks if check.result == "failed"}
    return {check.tool: check.result for check in found.checks} | failed


@pytest.fixture
def without_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def _program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.mark.needs("terraform")
def test_good_code_passes(tmp_path: Path) -> None:
    write_folder(FOLDER, tmp_path / "code")
    found = _results(verify(tmp_path / "code"))
    assert found["terraform fmt"] == found["terraform validate"] == "passed"


@pytest.mark.needs("terraform")
@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ('output "zone" {\nvalue = "a"\n}\n', "terraform fmt"),
        ('output "zone" {\n  value = var.nothing\n}\n', "terraform validate"),
        ('output "zone" {\n  valeu = "a"\n}\n', "terraform validate"),
        ('output "zone" {\n', "terraform validate"),
    ],
)
def test_bad_code_fails_with_the_tools_words(tmp_path: Path, text: str, fails: str) -> None:
    write_folder(_with(text), tmp_path / "code")
    found = {check.tool: check for check in verify(tmp_path / "code").checks}
    assert found[fails].result == "failed"
    assert found[fails].detail


@pytest.mark.needs("terraform")
def test_a_provider_that_cannot_be_had_leaves_its_files_not_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugins").mkdir()
    monkeypatch.setenv("TF_PLUGIN_DIR", str(tmp_path / "plugins"))
    needs = 'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n    }\n  }\n}\n'
    write_folder(_with(needs), tmp_path / "code")
    assert _results(verify(tmp_path / "code"))["terraform validate"] == "not verified"


@pytest.mark.usefixtures("without_tools")
def test_a_tool_that_is_not_there_verifies_nothing(tmp_path: Path) -> None:
    write_folder(FOLDER, tmp_path / "code")
    found = verify(tmp_path / "code")
    assert {check.result for check in found.checks} == {"not verified"}
    assert all("is not installed" in check.detail for check in found.checks)


def test_checkov_fails_on_each_failed_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"results": {"failed_checks": [{"check_id": "CKV_AWS_18", "resource": "aws_s3_bucket.files"}]}}
    _program(tmp_path / "bin", "checkov", f"[ \"$1\" = --version ] && echo 3.3.30 || echo '{json.dumps(said)}'")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    write_folder(FOLDER, tmp_path / "code")
    (check,) = (c for c in verify(tmp_path / "code").checks if c.tool == "checkov")
    assert check == Check("infrastructure/**", "checkov", "3.3.30", "failed", "CKV_AWS_18 aws_s3_bucket.files")


def test_a_tool_that_says_nothing_sensible_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path / "bin", "checkov", "echo oops >&2")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    write_folder(FOLDER, tmp_path / "code")
    (check,) = (c for c in verify(tmp_path / "code").checks if c.tool == "checkov")
    assert (check.result, check.detail) == ("failed", "oops")


def test_the_account_is_kept_and_quoted_and_is_no_edit(tmp_path: Path) -> None:
    write_folder(FOLDER, tmp_path)
    found = Verification("0" * 64, (Check("a/*.tf", "terraform fmt", "1.11.4", "passed"),))
    keep(tmp_path, found)
    keep(tmp_path, found)
    readme = (tmp_path / "README.md").read_text()
    assert readme.count("terraform fmt 1.11.4") == 1
    assert readme.startswith("# Web shop")
    assert read_record(tmp_path / RECORD) == found
    assert set(generated(tmp_path)) == {a.path for a in FOLDER}
    assert write_folder(FOLDER, tmp_path).written == 1  # the README as generated, taken for no edit


def test_a_record_tells_exactly_these_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devops_workbook.artifacts.verification.TOOLS", ())
    write_folder(FOLDER, tmp_path)
    before = verify(tmp_path).digest
    keep(tmp_path, verify(tmp_path))
    assert verify(tmp_path).digest == before
    (tmp_path / FOLDER[1].path).write_text(GOOD + "\n")
    assert verify(tmp_path).digest != before


def test_the_summary_counts_and_hides_nothing() -> None:
    checks = (Check("a", "t", "1", "passed"), Check("b", "t", "", "not verified", "t is not installed"))
    assert summary(Verification("", checks)) == "1 passed, 1 not verified"
    assert "t is not installed" in told(Verification("", checks))
    assert summary(Verification("", ())) == "nothing to check"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"digest": "1", "checks": [{}]}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text)
    assert read_record(tmp_path / RECORD) is None


_RULES = "observability/prometheus/rules/alerts.yaml"
_TESTS = "observability/prometheus/tests/alerts.yaml"
_ROUTES = "observability/alertmanager/routes.txt"


@pytest.mark.needs("promtool", "amtool")
@pytest.mark.parametrize(
    ("path", "before", "after", "fails"),
    [
        ("", "", "", ""),
        (_RULES, "> 0.0144", "> 0.0145", "promtool test rules"),
        (_RULES, "> 0.0144", "> ", "promtool check rules"),
        (_ROUTES, "page ", "ticket ", "amtool"),
        ("observability/prometheus/prometheus.yaml", "rule_files:", "rules:", "promtool check config"),
    ],
)
def test_prometheus_files_are_held_against_their_tools(
    tmp_path: Path, path: str, before: str, after: str, fails: str
) -> None:
    wanted = Requirements(availability_target_pct=99.9, overrides={"observability.metrics": "prometheus"})
    made = observability(Blueprint.of(evaluate(wanted))).artifacts
    kept = [a for a in made if "recordings" not in a.path]
    folder = tmp_path / "code"
    write_folder(
        [Artifact(a.path, a.text.replace(before, after, 1) if a.path == path else a.text) for a in kept], folder
    )
    found = _results(verify(folder))
    assert {"promtool check config", "promtool check rules", "promtool test rules", "amtool"} <= set(found)
    assert [t for t, result in found.items() if result == "failed"][:1] == ([fails] if fails else [])


_OVERLAY = "kubernetes/overlays/dev/kustomization.yaml"


@pytest.mark.needs("kubectl", "shellcheck")
@pytest.mark.parametrize(
    ("path", "before", "after", "fails"),
    [
        ("", "", "", ""),
        (_OVERLAY, "- scaling.yaml", "- another.yaml", "kubectl kustomize"),
        ("kubernetes/values.sh", 'cd "$(dirname "$0")/.."', "cd $(dirname $0)/..", "shellcheck"),
    ],
)
def test_manifests_and_scripts_are_held_against_their_tools(
    tmp_path: Path, path: str, before: str, after: str, fails: str
) -> None:
    wanted = Requirements(overrides={"infrastructure.compute": "kubernetes"})
    made = [a for a in kubernetes(Blueprint.of(evaluate(wanted))) if "staging" not in a.path]
    write_folder(
        [Artifact(a.path, a.text.replace(before, after, 1) if a.path == path else a.text) for a in made],
        tmp_path / "code",
    )
    checks = [c for c in verify(tmp_path / "code").checks if c.files != "**"]
    assert {c.tool for c in checks} == {"kubectl kustomize", "shellcheck"}
    assert [c.tool for c in checks if c.result == "failed"] == ([fails] if fails else [])
