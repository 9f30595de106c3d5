"""What is verified is chosen and told so that nothing is left out in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from devops_workbook.requirements import Requirements
from tests.clouds import verify
from tests.clouds.cycle import Account
from tests.clouds.documented import Checked
from tests.clouds.policy import Policy
from tests.clouds.terraform import Change, Problem, Result
from tests.clouds.verify import Report, designs, to_cycle, told


@dataclass(frozen=True)
class Typed:
    id: str
    types: frozenset[str]


def test_designs_to_cycle_meet_every_type() -> None:
    found = [
        Typed("a", frozenset("abc")),
        Typed("b", frozenset("bc")),
        Typed("c", frozenset("d")),
        Typed("d", frozenset("ad")),
    ]
    assert [d.id for d in to_cycle(found, least=1)] == ["a", "d"]
    assert [d.id for d in to_cycle(found, least=3)] == ["a", "d", "b"]
    assert len(to_cycle(found, least=9)) == 4


def account(*results: Result) -> Account:
    made = Account()
    for result in results:
        made.add(result)
    return made


class Design:
    def __init__(self, id: str, types: str = "") -> None:
        self.id, self.example, self.provider, self.language = id, False, "aws", "terraform"
        self.types = frozenset(types.split())


def report(id: str, **found: Any) -> Report:
    return Report(Design(id, found.pop("types", "")), **found)


QUEUE = Change("create", "aws_sqs_queue.this", "aws_sqs_queue")


def test_a_clean_report_is_told_in_one_row() -> None:
    clean = report("shop", account=account(Result("dev", "plan", 2.0, ok=True, changes=(QUEUE,)),
                                           Result("dev", "apply", 2.0, ok=True, changes=(QUEUE,))),
                   policy=Policy(12, (), {"CKV_1": ("why",)}), seconds=4.2, types="aws_sqs_queue")  # fmt: skip
    head, row, last = told([clean])
    assert head.split()[:6] == ["design", "code", "plan", "apply", "drift", "gone"]
    assert row.split() == ["shop", "terraform", "1", "1", "0", "0", "12,", "0,", "1", "0,", "0", "0", "4", "ok"]
    assert last == "1 designs, 0 failed; resources planned 1, applied 1, destroyed 0"


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ({"account": account(Result("dev", "plan", 1.0, ok=False, problems=(Problem("", "boom"),)))}, "dev plan: boom"),
        (
            {"policy": Policy(1, (("CKV_2", "/main.tf x"),), {})},
            "CKV_2 fails at /main.tf x, and the code does not say why",
        ),
        ({"policy": Policy(1, (), {"C": tuple(map(str, range(18)))})}, "18 reasons answer C; 17 may"),
        ({"values": Checked(wrong=("x: mode = 'A' is none of B",))}, "x: mode = 'A' is none of B"),
    ],
)
def test_every_kind_of_problem_fails(found: dict[str, Any], line: str) -> None:
    lines = list(told([report("shop", **found)]))
    assert f"FAILED  shop: {line}" in lines
    assert lines[2].endswith("FAILED")
    assert "1 designs, 1 failed" in lines[-1]


def test_a_scenario_that_people_are_shown_may_have_nine_reasons() -> None:
    design = Design("shop")
    design.example = True
    policies = [Policy(1, (), {"C": tuple(map(str, range(n)))}) for n in (9, 10)]
    assert [list(Report(design, policy=p).many_reasons) for p in policies] == [[], ["10 reasons answer C; 9 may"]]


def test_what_was_not_shown_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    search = Problem("aws_opensearch_domain.this", "timeout")
    met = account(Result("dev", "apply", 1.0, ok=False, problems=(search,)))
    lines = list(told([report("shop", account=met, values=Checked(unknown=("t.mode = A", "t.mode = A")),
                              unmade=("AWS::X::Y",), types="aws_opensearch_domain aws_sqs_queue")]))  # fmt: skip
    assert any(line.startswith("not emulated: aws_opensearch_domain: moto never reports") for line in lines)
    assert any(line.startswith("not emulated in stacks: AWS::X::Y: moto makes nothing for it") for line in lines)
    assert "not documented: t.mode = A (2 times)" in lines
    assert "never applied: aws_sqs_queue" in lines
    assert "0 failed" in lines[-1]


def test_a_part_can_be_asked_for() -> None:
    found = designs(["gcp"], ["media", "nothing-like-it"])
    assert [d.id for d in found] == ["media-site"]
    assert found[0].example
    assert "google_storage_bucket" in found[0].types


def test_the_exit_status_says_whether_anything_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Checked()
    monkeypatch.setattr(verify, "verify", lambda d, *_: Report(d, values=wrong))
    assert verify.main(["--provider", "gcp", "--only", "media"]) == 0
    wrong = Checked(wrong=("x",))
    assert verify.main(["--provider", "gcp", "--only", "media"]) == 1


def test_a_design_knows_its_language() -> None:
    made = verify.Design("x", Requirements(provider="gcp", iac_tool="cloudformation"), None, example=False)
    assert made.language == "terraform"
