"""YAML as a person would write it, which gives back what it was given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from devops_workbook.artifacts.yaml import Fn, Noted, comment, document


def read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_a_document_is_what_a_person_would_write() -> None:
    rule = {"alert": "ErrorsBurn", "expr": "sum(x)\n/ sum(y)\n", "for": Noted("5m", "Shorter is noise."), "labels": {}}
    assert document([("groups", [{"name": "slo", "rules": [rule]}])], ("Alert rules.",)) == (
        "# Alert rules.\n\ngroups:\n  - name: slo\n    rules:\n      - alert: ErrorsBurn\n        expr: |\n"
        "          sum(x)\n          / sum(y)\n        # Shorter is noise.\n        for: \"5m\"\n        labels: {}\n"
    )  # fmt: skip


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), values, min_size=1, max_size=4))
def test_what_was_written_is_read_back(value: dict[str, Any]) -> None:
    assert read(document(value.items())) == value


@pytest.mark.parametrize(
    "text",
    ["yes", "null", "1.0", "0o17", "1:30", "~", "- a", "a: b", "a #b", "# x", "&a", "*a", "!x", "%y", "@z", "`q",
     "{{x}}", "${x}", "line\nline", "line\n\nline\n", " led\nby", "ends \nso", "tab\tand\nline", "\u2028", "\x00",
     "🚀", "a\n\n"],
)  # fmt: skip
def test_text_stays_text(text: str) -> None:
    assert read(document([("it", {"value": text, text: ["x", text]})])) == {"it": {"value": text, text: ["x", text]}}


def test_only_a_function_refers() -> None:
    assert document([("a", Fn("Ref", "Vpc")), ("b", "!Ref Vpc")]) == 'a: !Ref Vpc\n\nb: "!Ref Vpc"\n'


def test_a_comment_stays_one() -> None:
    assert list(comment("why\nnot: x", "  ")) == ["  # why not: x"]
