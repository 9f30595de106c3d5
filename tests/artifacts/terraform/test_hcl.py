"""The writer of Terraform's language: what `terraform fmt` would write, and text that stays text."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devops_workbook.artifacts.terraform.hcl import (
    Block,
    Nested,
    Noted,
    Ref,
    assignments,
    call,
    comment,
    quoted,
    raw,
    render,
    template,
)

HOSTILE = [
    "${var.secret}", "%{ if true }", '"quoted"', "back\\slash", "two\nlines", "tab\t", "Ünïcødé 漢字 🚀",
    "\u202e", "$${", "a" * 200, "# no comment", "*/ EOT", "\x00\x1b",
]  # fmt: skip


def test_a_block_reads_as_a_person_would_write_it() -> None:
    vpc = Ref("aws_vpc.this")
    block = Block(
        "resource",
        ("aws_subnet", "app"),
        {
            "vpc_id": vpc.id,
            "for_each": raw("var.subnets"),
            "cidr_block": Ref("each.value.cidr"),
            "tags": {"Name": template(Ref("var.name"), "-app-", Ref("each.key"))},
            "timeouts": Nested(delete="20m"),
            "depends_on": [vpc],
        },
        ("component: subnet-app", "One for each zone."),
    )
    assert render([block], "Network") == dedent(
        """\
        # Network

        # component: subnet-app
        # One for each zone.
        resource "aws_subnet" "app" {
          for_each = var.subnets

          vpc_id     = aws_vpc.this.id
          cidr_block = each.value.cidr
          tags = {
            Name = "${var.name}-app-${each.key}"
          }

          timeouts {
            delete = "20m"
          }

          depends_on = [aws_vpc.this]
        }
        """
    )


def test_a_value_can_carry_its_reason() -> None:
    assert assignments({"a": 1, "nodes": Noted(3, "one in each zone"), "zones": 3}) == dedent(
        """\
        a = 1
        # one in each zone
        nodes = 3
        zones = 3
        """
    )


def test_text_interpolates_nothing() -> None:
    assert quoted('${a} %{b} "c" \\ \n') == '"$${a} %%{b} \\"c\\" \\\\ \\n"'


def test_a_comment_stays_one_whatever_is_in_it() -> None:
    lines = list(comment('one\ntwo\r\nresource "x" "y" {}\u2028 three'))
    assert lines == ['# one two resource "x" "y" {} three']


_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(-1e6, 1e6),
    st.text(max_size=30),
    st.sampled_from(HOSTILE),
)
_keys = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=8)
_names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(_names, _keys), inner, max_size=4),
    ),
    max_leaves=12,
)
_calls = st.builds(lambda *x: call("merge", *x), st.dictionaries(_names, _values, max_size=3), st.just({"b": 1}))
_META = ("count", "for_each", "provider", "providers", "lifecycle", "depends_on")
_nested = st.builds(lambda body: Nested(**body), st.dictionaries(_names, _scalars, max_size=3))
_noted = st.builds(Noted, _scalars, st.text(max_size=300))
_bodies = st.dictionaries(
    _names.filter(lambda name: name not in _META), st.one_of(_values, _calls, _noted, _nested), max_size=6
)


@pytest.mark.needs("terraform")
def test_the_formatter_changes_nothing(tmp_path: Path) -> None:
    """One run of the formatter over many files that hypothesis makes."""
    texts: list[str] = []

    @settings(max_examples=300, database=None, suppress_health_check=list(HealthCheck))
    @given(_bodies)
    def collect(body: dict[str, object]) -> None:
        texts.append(render([Block("resource", ("a", "b"), body, ("why",)), Block("locals", (), body)], "head"))

    collect()
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.tf").write_text(text, encoding="utf-8")
    done = subprocess.run(["terraform", "fmt", "-check", "-diff", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[:3000] + done.stderr[:3000]


@pytest.mark.needs("terraform")
def test_terraform_reads_back_every_text(tmp_path: Path) -> None:
    blocks = [Block("output", (f"o{i}",), {"value": text}) for i, text in enumerate(HOSTILE[:-1])]
    (tmp_path / "main.tf").write_text(render(blocks), encoding="utf-8")
    for arguments in (["init"], ["apply", "-auto-approve"]):
        done = subprocess.run(["terraform", *arguments, "-no-color"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    told = subprocess.run(["terraform", "output", "-json"], cwd=tmp_path, capture_output=True, text=True)
    assert [json.loads(told.stdout)[f"o{i}"]["value"] for i in range(len(blocks))] == HOSTILE[:-1]
