"""A company's own prices: what they do to the catalog, and that everything made with it sees them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.catalog import PRICES_VARIABLE, Catalog, OverlayError, load
from devops_workbook.catalog.model import Price, PriceBook, Term, Tier
from devops_workbook.catalog.overlay import apply, parse_overlay
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples
from devops_workbook.scenario import load as scenario

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SHOP = examples()["startup-web-shop"]

HEAD = 'title = "Example Ltd"\nas_of = "2026-03"\n'
DISCOUNT = """
[[price]]
provider = "gcp"
item = "*"
discount_pct = 20
why = "committed spend"
"""


def entry(**values: object) -> str:
    given = {"provider": "aws", "item": "x/y", "why": "agreed", **values}
    return "\n[[price]]\n" + "".join(f"{key} = {value!r}\n" for key, value in given.items() if value is not None)


def listed(*prices: Price) -> Catalog:
    """The catalog with these prices as all that AWS has."""
    aws = load().providers["aws"]
    book = PriceBook("aws", "us-east-1", MappingProxyType({(p.item, p.region, p.term): p for p in prices}))
    return replace(load(), providers=MappingProxyType({**load().providers, "aws": replace(aws, prices=book)}))


def laid(catalog: Catalog, *entries: str) -> PriceBook:
    return apply(catalog, parse_overlay(HEAD + "".join(entries), "prices.toml")).providers["aws"].prices


def price(region: str = "us-east-1", usd: float = 2.0, term: Term = "", tiers: tuple[Tier, ...] = ()) -> Price:
    return Price("x/y", region, "h", usd, "list", "2026-01", term=term, tiers=tiers)


# ---------------------------------------------------------------- prices


def test_a_discount_is_off_the_list_price_and_says_so() -> None:
    found = laid(listed(price()), entry(discount_pct=15)).find("x/y", "us-east-1")
    assert found is not None
    assert found.usd == pytest.approx(1.7)
    assert found.adjusted == "15 % off the list price: agreed"
    assert (found.source, found.as_of) == ("list", "2026-01")


def test_a_price_is_dated_by_the_overlay_and_names_what_it_replaces() -> None:
    found = laid(listed(price()), entry(usd=1.5)).find("x/y", "us-east-1")
    assert found is not None
    assert (found.usd, found.source, found.as_of) == (1.5, "Example Ltd", "2026-03")
    assert found.adjusted == "1.5 USD instead of the list price of 2: agreed"


def test_a_discount_is_off_every_tier_and_a_price_replaces_them() -> None:
    tiered = price(usd=2.0, tiers=(Tier(0, 2.0), Tier(100, 1.0)))
    assert laid(listed(tiered), entry(discount_pct=50)).rows["x/y", "us-east-1", ""].cost(150) == pytest.approx(125)
    assert laid(listed(tiered), entry(usd=0.5)).rows["x/y", "us-east-1", ""].cost(150) == pytest.approx(75)


def test_of_several_entries_the_last_one_holds_and_none_adds_up() -> None:
    found = laid(listed(price()), entry(item="x/*", discount_pct=50), entry(discount_pct=10)).rows[
        "x/y", "us-east-1", ""
    ]
    assert found.usd == pytest.approx(1.8)


def test_a_discount_is_off_every_term_unless_it_names_one() -> None:
    both = listed(price(), price(term="1y", usd=1.0))
    assert {p.term: p.usd for p in laid(both, entry(discount_pct=50)).rows.values()} == {"": 1.0, "1y": 0.5}
    named = laid(both, entry(discount_pct=50, term="1y"))
    assert {p.term: p.usd for p in named.rows.values()} == {"": 2.0, "1y": 0.5}


def test_a_price_is_the_on_demand_one_unless_it_says_otherwise() -> None:
    both = listed(price(), price(term="1y", usd=1.0))
    assert {p.term: p.usd for p in laid(both, entry(usd=0.1)).rows.values()} == {"": 0.1, "1y": 1.0}


def test_a_region_takes_its_discount_off_the_price_it_borrows() -> None:
    book = laid(listed(price()), entry(region="eu-*", discount_pct=50))
    there, home = book.find("x/y", "eu-west-1"), book.find("x/y", "us-east-1")
    assert there is not None and home is not None  # noqa: PT018
    assert (there.usd, there.borrowed, there.region) == (1.0, "us-east-1", "eu-west-1")
    assert (home.usd, home.adjusted) == (2.0, "")
    assert not book.has("x/y", "eu-west-1")


def test_a_region_that_borrows_from_the_reference_borrows_its_discount() -> None:
    there = laid(listed(price()), entry(discount_pct=50)).find("x/y", "eu-west-1")
    assert there is not None
    assert (there.usd, there.borrowed) == (1.0, "us-east-1")
    assert there.adjusted


def test_what_was_borrowed_before_is_not_remembered() -> None:
    catalog = listed(price())
    catalog.providers["aws"].prices.find("x/y", "eu-west-1")
    there = laid(catalog, entry(discount_pct=50)).find("x/y", "eu-west-1")
    assert there is not None
    assert there.usd == 1.0


def test_tools_have_prices_too() -> None:
    overlay = parse_overlay(HEAD + entry(provider="tools", item="github/seat", usd=3), "prices.toml")
    assert apply(load(), overlay).tool_prices.rows["github/seat", "*", ""].usd == 3


def test_the_list_stays_as_it_is() -> None:
    before = {id: dict(p.prices.rows) for id, p in load().providers.items()}
    overlaid = apply(load(), parse_overlay(HEAD + DISCOUNT, "prices.toml"))
    assert {id: dict(p.prices.rows) for id, p in load().providers.items()} == before
    assert (overlaid.overlay, load().overlay) == ("Example Ltd", "")


@given(discount=st.floats(0, 100), quantity=st.floats(0, 1e6))
def test_a_discount_is_off_whatever_the_quantity(discount: float, quantity: float) -> None:
    tiered = price(usd=2.0, tiers=(Tier(0, 2.0), Tier(100, 1.0), Tier(1000, 0.5)))
    found = laid(listed(tiered), entry(discount_pct=discount)).rows["x/y", "us-east-1", ""]
    assert found.cost(quantity) == pytest.approx(tiered.cost(quantity) * (1 - discount / 100))


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there is no [[price]]"),
        ("price = 3", "there is no [[price]]"),
        ("= 3", "prices.toml: "),
        (entry(usd=1) + "[other]\n", "other is not a key"),
        (entry(usd=1, pct=3), "price 1 (x/y): pct is not a key; did you mean discount_pct?"),
        (entry(), "price 1 (x/y): either usd or discount_pct"),
        (entry(usd=1, discount_pct=1), "either usd or discount_pct"),
        (entry(usd=1) + entry(discount_pct=101), "price 2 (x/y): discount_pct is 101 (allowed: a number, 0 to 100)"),
        (entry(discount_pct=-1), "discount_pct is -1"),
        (entry(usd="cheap"), "usd is 'cheap' (allowed: a number, 0 or more)"),
        ("\n[[price]]\nprovider = 'aws'\nitem = 'x/y'\nwhy = 'w'\nusd = nan\n", "usd is nan"),
        ("\n[[price]]\nprovider = 'aws'\nitem = 'x/y'\nwhy = 'w'\nusd = inf\n", "usd is inf"),
        ("\n[[price]]\nprovider = 'aws'\nitem = 'x/y'\nwhy = 'w'\nusd = true\n", "usd is True"),
        (entry(usd=1, why=None), "why is missing"),
        (entry(usd=1, why=" "), "why is ' ', not a text"),
        (entry(usd=1, item="x/*"), "a price is that of one item"),
        (entry(usd=1, term="5y"), "term is '5y' (allowed: on-demand, spot, 1y, 3y)"),
        (entry(usd=1, provider="aws "), "no price of aws is called so; did you mean"),
        (entry(usd=1, provider="ibm"), "provider is 'ibm' (allowed: aws, "),
        (entry(item="nat-gatway/gb", usd=1), "(nat-gatway/gb): no price of aws is called so; did you mean nat-"),
        (entry(item="nat-gateway/gb", region="eu-west-9", usd=1), "aws has no region eu-west-9; did you mean eu-west-"),
        (entry(item="nat-gateway/gb", term="3y", usd=1), "no such price is known there, of that term"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_named_with_what_is_allowed(text: str, says: str) -> None:
    with pytest.raises(OverlayError, match=re.escape(says)) as error:
        apply(load(), parse_overlay(HEAD + text, "prices.toml"))
    assert "prices.toml" in str(error.value)


def test_a_file_has_a_title_and_a_date() -> None:
    for missing in ("title", "as_of"):
        head = "".join(line for line in HEAD.splitlines(keepends=True) if not line.startswith(missing))
        with pytest.raises(OverlayError, match=f"prices.toml: {missing} is missing"):
            parse_overlay(head + DISCOUNT, "prices.toml")


# ---------------------------------------------------------------- where it comes from


def read() -> Catalog:
    return load.__wrapped__()


def test_the_loader_lays_over_what_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prices.toml").write_text(HEAD + DISCOUNT, "utf-8")
    monkeypatch.setenv(PRICES_VARIABLE, str(tmp_path / "prices.toml"))
    assert read().overlay == "Example Ltd"
    monkeypatch.delenv(PRICES_VARIABLE)
    assert read().overlay == ""


@pytest.mark.parametrize(("file", "says"), [("prices.toml", "absolute path"), ("/nowhere/prices.toml", "No such file")])
def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, file: str, says: str) -> None:
    monkeypatch.setenv(PRICES_VARIABLE, file)
    with pytest.raises(OverlayError, match=f"{file}.*{says}"):
        read()


def test_the_readme_shows_a_file_that_works() -> None:
    block = re.search(r'(?ms)^    title = "Example Ltd.*?(?=^    devops-workbook)', README)
    assert block is not None
    text = "\n".join(line.removeprefix("    ") for line in block[0].splitlines())
    overlaid = apply(load(), parse_overlay(text, "README.md"))
    gateway = overlaid.providers["aws"].prices.find("nat-gateway/gb", "eu-west-1")
    assert gateway is not None
    assert gateway.usd == 0.03


# ---------------------------------------------------------------- what is made with it


def test_lines_made_with_an_agreed_price_say_so() -> None:
    overlaid = apply(load(), parse_overlay(HEAD + DISCOUNT, "prices.toml"))
    requirements = Requirements(provider="gcp")
    ours, theirs = evaluate(requirements, overlaid).assessment.cost, evaluate(requirements).assessment.cost
    paid = [line for line in ours.lines if line.monthly_usd and not line.component.startswith(("ci", "source"))]
    assert any(line.adjusted == "20 % off the list price: committed spend" for line in paid)
    assert not any(line.adjusted for line in theirs.lines)
    assert ours.monthly_usd < theirs.monthly_usd


def run(
    *arguments: str, env: Mapping[str, str] = MappingProxyType({}), folder: Path
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "devops_workbook.cli", *arguments]
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        command, env=os.environ | {"PYTHONPATH": root} | env, cwd=folder, text=True, capture_output=True, check=False
    )


def test_the_command_line_and_the_notebook_behind_a_document_see_the_same_prices(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(HEAD + DISCOUNT, "utf-8")
    overlaid = apply(load(), parse_overlay(HEAD + DISCOUNT, "prices.toml"))
    wanted = scenario(SHOP).requirements
    amount, listed = (evaluate(wanted, c).assessment.cost.monthly_usd for c in (overlaid, load()))
    plan = run("--prices", "prices.toml", "plan", str(SHOP), "--format", "json", folder=tmp_path)
    assert json.loads(plan.stdout)["assessment"]["cost"]["monthly_usd"] == pytest.approx(amount)
    done = run("--prices", "prices.toml", "export", str(SHOP), "--formats", "md", "-o", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    [document] = (tmp_path / "out").glob("*.md")
    figures = re.findall(r"\d[\d,]*", re.sub(r"data:image/[^)]*", "", document.read_text("utf-8")))
    assert f"{amount:,.0f}" in figures
    assert f"{listed:,.0f}" not in figures


def test_the_command_line_takes_the_file_of_the_environment(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(HEAD + entry(item="x/y", usd=1), "utf-8")
    named = run("check", str(SHOP), env={PRICES_VARIABLE: "prices.toml"}, folder=tmp_path)
    assert named.returncode == 1
    assert "price 1 (x/y): no price of aws is called so" in named.stderr
    assert "Traceback" not in named.stderr


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    done = run("--prices", "none.toml", "check", str(SHOP), folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("none.toml: cannot be read: No such file or directory")
