"""Allowed values come out of the pages of providers."""

from __future__ import annotations

import pytest

from tests.clouds.documentation import allowed, written

AZURE = """
## Argument Reference

* `name` - (Required) The name. It must be between 3 and 24 characters.

* `account_tier` - (Required) Valid options are `Standard` and `Premium`. For others only `Premium` is valid.

* `kind` - (Optional) The only possible value is `Web`. Defaults to `Web`.

* `enabled` - (Optional) Possible values are `true` and `false`.

* `days` - (Optional) Possible values are between `1` and `1,365`.

An `identity` block supports the following:

* `type` - (Required) Possible values are `SystemAssigned`, `UserAssigned`, `SystemAssigned, UserAssigned` (both).

## Attributes Reference

* `state` - Possible values are `On` and `Off`.
"""
GOOGLE = """
## Argument Reference

* `mode` -
  (Optional)
  How it is.
  Possible values are: `FAST`, `SLOW`.

* `policy` -
  (Optional)
  One of these.
  * `NONE`: nothing
  * `ALL`: everything

<a name="nested_cdn"></a>The `cdn` block supports:

* `cache_mode` -
  (Optional)
  The possible values are:
  USE_ORIGIN and others
  Possible values are: `A`, `B`, `C`.

The optional `settings.ip` subblock supports:

* `ssl` - (Optional) Supported values are `X`, and `Y` (not everywhere).

- - -
"""


def test_a_page_of_azure() -> None:
    assert allowed(AZURE) == {
        "account_tier": ["Standard", "Premium"],
        "kind": ["Web"],
        "days": (1, 1365),
        "identity.type": ["SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned"],
    }


def test_a_page_of_google() -> None:
    assert allowed(GOOGLE) == {"mode": ["FAST", "SLOW"], "cdn.cache_mode": ["A", "B", "C"], "ip.ssl": ["X", "Y"]}


@pytest.mark.parametrize(
    ("type_", "page"), [("sky_cloud", "cloud"), ("sky_cloud_iam_member", "cloud_iam"), ("sky_account", "sky_account")]
)
def test_the_page_of_a_type(tmp_path, type_: str, page: str) -> None:
    (tmp_path / f"{page}.html.markdown").write_text(AZURE)
    text = written("sky", "1.0", "2026-01-01", tmp_path, [type_, "sky_nothing"])
    assert f"[{type_}]\n" in text
    assert 'account_tier = ["Standard", "Premium"]' in text
    assert "days = {from = 1, to = 1365}" in text
    assert "sky_nothing" not in text
