"""Names that providers accept, from names that people chose."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.artifacts.names import SHORT, label_text, names_of

NAMES = [
    "Payments API",
    "x",
    "9 lives",
    "Ünïcødé 漢字 🚀",
    "a" * 200,
    '"${var.x}"',
    "payments-api",
    "..",
    "con",
    "-",
    "🚀🚀",
]


def test_a_plain_name_stays_readable() -> None:
    names = names_of("Payments API", "Platform")
    assert names.of("production") == "payments-api-prod"
    assert names.unique("production", "files").startswith("payments-api-prod-files-")
    assert names.compact("staging", "vault").startswith("paymentsapstgvault")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("environment", SHORT)
def test_every_name_fits_every_provider(name: str, environment: str) -> None:
    names = names_of(name, "owner")
    assert re.fullmatch(r"[a-z]([a-z0-9-]{0,19}[a-z0-9])?", names.of(environment))
    assert "--" not in names.of(environment)
    assert re.fullmatch(r"[a-z][a-z0-9-]{1,22}[a-z0-9]", names.unique(environment, "kv", 24))
    assert re.fullmatch(r"[a-z0-9]{3,24}", names.compact(environment, "files"))


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_systems_never_share_a_global_name(one: str, other: str) -> None:
    a, b = (names_of(name, "owner").unique("production", "files") for name in (one, other))
    assert (a == b) == (one == other)


@given(st.text(min_size=17, max_size=60), st.text(min_size=17, max_size=60))
def test_names_that_were_cut_stay_apart(one: str, other: str) -> None:
    if one != other and one.strip().casefold() != other.strip().casefold():
        longer = [names_of(name, "") for name in (one, other)]
        cut = [n.system for n in longer if len(n.system) == 16]
        assert len(set(cut)) == len(cut)


@given(st.text())
def test_a_label_is_one_that_google_takes(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", label_text(text))
