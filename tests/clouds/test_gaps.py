"""What an emulator lacks is told apart from what fails."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.clouds.gaps import Gap, gaps, judge, type_of, used
from tests.clouds.terraform import Change, Problem, Result

KNOWN = {
    "aws_opensearch_domain": Gap("apply", "never ready"),
    "aws_kinesis_stream": Gap("again", "forgets", ("tags", "tags_all")),
}


@pytest.mark.parametrize(
    ("address", "type_"),
    [
        ("aws_vpc.this", "aws_vpc"),
        ('module.data_2[0].aws_db_instance.replica["eu-west-1"]', "aws_db_instance"),
        ('module.x["a.b"].google_storage_bucket.files[3]', "google_storage_bucket"),
        ("", ""),
        ("module.data", ""),
    ],
)
def test_the_type_of_an_address(address: str, type_: str) -> None:
    assert type_of(address) == type_


def test_a_known_gap_is_excused_with_its_reason() -> None:
    problem = Problem("module.search.aws_opensearch_domain.this", "timeout while waiting")
    judged = judge(Result("dev", "apply", 1.0, ok=False, problems=(problem,)), KNOWN)
    assert judged.failures == ()
    assert judged.excused == ("module.search.aws_opensearch_domain.this: never ready",)


@pytest.mark.parametrize("step", ["plan", "destroy", "validate"])
def test_a_gap_excuses_only_its_own_step(step: str) -> None:
    problem = Problem("aws_opensearch_domain.this", "boom")
    assert judge(Result("dev", step, 1.0, ok=False, problems=(problem,)), KNOWN).failures == (
        "aws_opensearch_domain.this: boom",
    )


def test_a_problem_of_no_resource_is_never_excused() -> None:
    assert judge(Result("dev", "apply", 1.0, ok=False, problems=(Problem("", "boom"),)), KNOWN).failures == ("boom",)


def drift(action: str, type_: str, *paths: str) -> Result:
    change = Change(action, f"{type_}.this", type_, tuple((path, "1", "2") for path in paths))
    return Result("dev", "again", 1.0, ok=False, changes=(change,))


def test_a_second_plan_may_change_what_the_emulator_forgets() -> None:
    assert judge(drift("update", "aws_kinesis_stream", "tags.a", "tags_all[0]"), KNOWN).failures == ()


@pytest.mark.parametrize(
    "result",
    [
        drift("update", "aws_kinesis_stream", "tags.a", "name"),
        drift("update", "aws_kinesis_stream"),
        drift("replace", "aws_kinesis_stream", "tags.a"),
        drift("update", "aws_sqs_queue", "tags.a"),
        drift("create", "aws_sqs_queue"),
    ],
    ids=["another attribute", "nothing told", "replaced", "another type", "made again"],
)
def test_a_second_plan_may_change_nothing_else(result: Result) -> None:
    assert len(judge(result, KNOWN).failures) == 1


def test_what_was_not_made_because_of_a_gap_is_not_reached() -> None:
    judged = judge(drift("create", "aws_sqs_queue"), KNOWN, reached=False)
    assert (judged.failures, judged.unreached) == ((), ("aws_sqs_queue.this",))


def test_every_gap_says_step_and_reason() -> None:
    rows = tomllib.loads(Path(__file__).with_name("gaps.toml").read_text(encoding="utf-8"))
    for type_, row in rows.items():
        assert row["step"] in ("apply", "again", "destroy"), type_
        assert len(row["why"].split()) > 4, type_
        assert bool(row.get("attributes")) == (row["step"] == "again"), type_
    assert gaps().keys() == rows.keys()


def test_only_gaps_that_were_met_are_told() -> None:
    result = Result(
        "dev", "apply", 1.0, ok=True, changes=(Change("create", "aws_kinesis_stream.x", "aws_kinesis_stream"),)
    )
    assert list(used([result], KNOWN)) == ["aws_kinesis_stream"]
