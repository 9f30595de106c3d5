"""What checkov reports is read, and what is not answered is a problem."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.clouds.policy import Policy, check, read


def row(check_id: str, resource: str, comment: str | None = None) -> dict[str, Any]:
    result = {"result": "SKIPPED", "suppress_comment": comment} if comment is not None else {"result": "FAILED"}
    return {"check_id": check_id, "resource": resource, "file_path": "/main.tf", "check_result": result}


def report(failed: list[Any], skipped: list[Any], passed: int = 3) -> dict[str, Any]:
    return {"results": {"failed_checks": failed, "skipped_checks": skipped}, "summary": {"passed": passed}}


def test_reports_of_several_frameworks_add_up() -> None:
    nothing = {"passed": 0, "failed": 0}
    found = read([report([row("A", "x")], [row("B", "y", "why")]), report([], [row("B", "z", "why not")]), nothing])
    assert found == Policy(6, (("A", "/main.tf x"),), {"B": ("why", "why not")})


def test_nothing_to_look_at_is_nothing_found() -> None:
    assert read({"passed": 0, "failed": 0}) == Policy(0, (), {})


def test_a_failed_check_is_a_problem() -> None:
    assert list(read(report([row("A", "x")], [])).problems) == ["A fails at /main.tf x, and the code does not say why"]


def test_an_answer_needs_a_reason() -> None:
    assert list(read(report([], [row("A", "x", " ")])).problems) == ["A is skipped without a reason"]


def test_one_reason_may_answer_many_checks() -> None:
    found = read(report([], [row(f"C{i}", "x", f"why {i % 3}") for i in range(9)]))
    assert found.reasons == {"why 0", "why 1", "why 2"}
    assert list(found.problems) == []


@pytest.mark.needs("checkov")
def test_the_real_tool(tmp_path: Path) -> None:
    (tmp_path / "environments" / "production").mkdir(parents=True)
    (tmp_path / "environments" / "production" / "main.tf").write_text(
        'resource "aws_s3_bucket" "open" {\n  # checkov:skip=CKV_AWS_18: nobody reads it\n  bucket = "open"\n}\n\n'
        'resource "aws_s3_bucket_acl" "open" {\n  bucket = aws_s3_bucket.open.id\n  acl    = "public-read"\n}\n'
    )
    found = check(tmp_path)
    assert found.answered["CKV_AWS_18"] == ("nobody reads it",)
    assert "CKV_AWS_20" in dict(found.failed)  # a bucket that everybody can read
    assert found.passed > 0
