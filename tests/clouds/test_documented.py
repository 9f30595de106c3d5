"""Values and names of plans are held against the tables, and what no table knows is told."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.clouds.documented import FOLDER, Names, Rule, check, name_rules, rules


def plan(type_: str, after: dict[str, Any], name: str = "this", unknown: dict[str, Any] | None = None) -> Any:
    change = {"after": after, "after_unknown": unknown or {}}
    return {"resource_changes": [{"mode": "managed", "type": type_, "address": f"{type_}.{name}", "change": change}]}


ACCOUNT = {"name": "stpayments", "account_tier": "Standard", "account_replication_type": "GZRS"}


def test_a_good_value_is_neither_wrong_nor_unknown() -> None:
    found = check(plan("azurerm_storage_account", ACCOUNT), Names())
    assert (found.wrong, found.unknown) == ((), ())


@pytest.mark.parametrize(
    ("type_", "after", "told"),
    [
        ("azurerm_storage_account", {**ACCOUNT, "account_replication_type": "XRS"}, "'XRS' is none of GRS, GZRS, LRS"),
        ("google_sql_database_instance", {"settings": [{"availability_type": "MULTI"}]}, "'MULTI' is none of REGIONAL"),
        ("google_compute_firewall", {"priority": 70000}, "70000 is not within 0 to 65535"),
        ("google_compute_subnetwork", {"stack_type": "IPV5"}, "'IPV5' is none of"),
        ("azurerm_storage_account", {**ACCOUNT, "name": "st-payments"}, "is not of the form [a-z0-9]+"),
        ("azurerm_storage_account", {**ACCOUNT, "name": "s" * 25}, "has 25 characters, not 3 to 24"),
        ("google_compute_network", {"name": "Payments"}, "is not of the form"),
        ("google_storage_bucket", {"name": "my-google-files"}, "is not of the form"),
        ("aws_s3_bucket", {"bucket": "Payments"}, "is not of the form"),
    ],
)
def test_a_wrong_value_is_told(type_: str, after: dict[str, Any], told: str) -> None:
    (wrong,) = check(plan(type_, after), Names()).wrong
    assert told in wrong


@pytest.mark.parametrize(
    ("type_", "after", "told"),
    [
        ("azurerm_quantum_computer", {"name": "q"}, "azurerm_quantum_computer: no documentation was read"),
        ("azurerm_quantum_computer", {"name": "q"}, "azurerm_quantum_computer: no rule for names"),
        (
            "google_compute_network",
            {"name": "n", "teleport_mode": "FAST"},
            "google_compute_network.teleport_mode = FAST",
        ),
        ("google_compute_network", {"a": [{"b": [{"level": "HIGH"}]}]}, "google_compute_network.b.level = HIGH"),
    ],
)
def test_what_no_table_knows_is_told(type_: str, after: dict[str, Any], told: str) -> None:
    assert told in check(plan(type_, after), Names()).unknown


def test_values_of_aws_are_left_to_its_provider() -> None:
    found = check(plan("aws_lb", {"name": "x", "ip_address_type": "ipv9"}), Names())
    assert (found.wrong, found.unknown) == ((), ())


def test_what_is_destroyed_or_read_is_not_checked() -> None:
    read = {
        "resource_changes": [
            {"mode": "data", "type": "google_x", "address": "data.google_x.y", "change": {"after": {}}}
        ]
    }
    gone = plan("google_compute_network", {"name": "X"})
    gone["resource_changes"][0]["change"]["after"] = None
    assert check(read, Names()) == check(gone, Names())
    assert check(gone, Names()).wrong == ()


def test_a_world_wide_name_may_stand_in_one_root_only() -> None:
    names = Names()
    assert check(plan("azurerm_storage_account", ACCOUNT), names, "environments/dev").wrong == ()
    (wrong,) = check(plan("azurerm_storage_account", ACCOUNT), names, "environments/production").wrong
    assert "is that of environments/dev: azurerm_storage_account.this already" in wrong


def test_a_name_may_stand_again_elsewhere() -> None:
    names, subnet = Names(), {"name": "app", "region": "europe-west1"}
    for root, region in (("dev", "europe-west1"), ("dev", "europe-west4"), ("production", "europe-west1")):
        found = check(plan("google_compute_subnetwork", {**subnet, "region": region}, region), names, root)
        assert found.wrong == ()
    (wrong,) = check(plan("google_compute_subnetwork", subnet, "other"), names, "dev").wrong
    assert "is that of dev: google_compute_subnetwork.europe-west1 already" in wrong


def test_a_place_that_is_not_known_yet_is_another() -> None:
    names, container = Names(), {"name": "files"}
    for name in ("a", "b"):
        made = plan("azurerm_storage_container", container, name, {"storage_account_id": True})
        assert check(made, names, "dev").wrong == ()


@pytest.mark.parametrize(
    ("rule", "value", "broken"),
    [
        (Rule(values=frozenset({"A"})), "A", False),
        (Rule(values=frozenset({"A"})), "a", True),
        (Rule(values=frozenset({"30"})), 30, False),
        (Rule(least=1, most=3), 4, True),
        (Rule(least=1, most=3), "3", False),
        (Rule(least=1, most=3), "abcd", True),
        (Rule(least=1, most=3), True, False),
        (Rule(free="anything"), "x", False),
    ],
)
def test_a_rule(rule: Rule, value: Any, broken: bool) -> None:
    assert bool(rule.broken(value)) is broken


def test_every_table_says_where_it_is_from() -> None:
    for path in sorted(FOLDER.glob("*.toml")):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        tables = [content] if "source" in content else [t for t in content.values() if "nameless" not in t]
        for table in tables:
            assert table["source"].startswith("https://"), path.name
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", table["as_of"]), path.name


def test_what_is_written_by_hand_wins() -> None:
    assert rules()["google_compute_security_policy"]["rule.action"].values >= {"allow", "deny(403)"}


def test_every_type_has_one_rule_for_names() -> None:
    rows = tomllib.loads((FOLDER / "names.toml").read_text(encoding="utf-8")).values()
    types = [type_ for row in rows for type_ in row["types"]]
    assert sorted(set(types)) == sorted(types)
    assert set(types) == name_rules().keys()
    for row in rows:
        assert "nameless" in row or row["from"] <= row["to"]
