"""Reading the catalog: the packaged one, and errors that name the file and the entry."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from devops_workbook.catalog import CatalogError, load, loader
from devops_workbook.catalog.model import Catalog, Price, PriceBook
from devops_workbook.evidence import Fact

Edit = Callable[[str, str, str], None]


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """Replaces a text in one file of a copy of the catalog, which is then the one that is read."""
    root = tmp_path / "catalog"
    shutil.copytree(str(files("devops_workbook.catalog")), root)
    monkeypatch.setattr(loader, "_ROOT", root)

    def replace(path: str, old: str, new: str) -> None:
        text = (root / path).read_text("utf-8")
        assert old in text
        (root / path).write_text(text.replace(old, new, 1), "utf-8")

    return replace


def read() -> Catalog:
    """The catalog as it is on disk now."""
    return load.__wrapped__()


def test_the_catalog_is_read_once() -> None:
    assert load() is load()


def test_the_providers_come_in_their_order() -> None:
    assert list(load().providers) == ["aws", "gcp", "azure"] or list(load().providers) == ["aws", "azure", "gcp"]
    assert load().providers["aws"].title == "Amazon Web Services"


def test_the_catalog_is_as_new_as_its_newest_price() -> None:
    books = [load().tool_prices, *(p.prices for p in load().providers.values())]
    assert load().as_of == max(price.as_of for book in books for price in book.rows.values())


def test_an_assumption_names_its_reason_as_its_source() -> None:
    detect = load().assumptions["detect_minutes"]
    assert isinstance(detect, Fact)
    assert (detect.value, detect.unit) == (5, "min")
    assert detect.source.startswith("design assumption: ")


def test_nothing_read_can_be_changed() -> None:
    with pytest.raises(TypeError):
        load().providers["aws"].services["eks"] = None  # type: ignore[index]
    with pytest.raises(AttributeError):
        load().as_of = ""  # type: ignore[misc]


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        ("providers/aws.toml", 'title = "Amazon Web', 'titel = "Amazon Web', r"providers/aws.toml: title is missing"),
        ("providers/aws.toml", "order = 1", "order = ", r"providers/aws.toml: Invalid value"),
        ("providers/aws.toml", 'kind = "containers"', 'kinds = "containers"', r"aws.toml \[services.ecs\].*kinds"),
        ("providers/aws.toml", 'form = "multi-zone"', 'from = "multi-zone"', r"\[services.ecs\] sla.*from"),
        ("providers/aws.toml", 'per = "vcpu_hours"', 'pro = "vcpu_hours"', r"\[services.ecs\] price.*pro"),
        ("providers/aws.toml", "zones = 6", "zone = 6", r"\[regions.us-east-1\].*zone"),
        ("providers/aws.toml", "vcpu = 2, memory_gib = 1,", "cpu = 2,", r"\[instances.compute.t4g.micro\].*cpu"),
        ("providers/aws.toml", '"db.t4g.micro" =', '"t4g.micro" =', r"instances.database.t4g.micro.*already listed"),
        ("providers/aws.toml", 'default_region = "us-east-1"', 'default_region = "moon"', r"default_region moon"),
        ("providers/aws.toml", 'reference_region = "us-east-1"', 'reference_region = "moon"', r"reference_region moon"),
        ("providers/aws.toml", "[facts.pue]\nvalue = 1.135", "[facts.pue]\nworth = 1.135", r"\[facts.pue\].*worth"),
        ("prices/aws.csv", "alb/hour,us-east-1,,,h,0.0225", "alb/hour,us-east-1,,,h,dear", r"line \d+: usd is 'dear'"),
        ("prices/aws.csv", "alb/lcu-hour,us-east-1", "alb/hour,us-east-1", r"alb/hour in us-east-1 is there twice"),
        ("prices/aws.csv", "above,unit,usd", "above,unit,eur", r"aws.csv, line 2: usd is missing"),
        ("prices/aws.csv", "alb/hour,us-east-1,,,h", "alb/hour,us-east-1,2y,,h", r"term is '2y' \(allowed: empty, 1y"),
        ("prices/aws.csv", "alb/hour,us-east-1,,,h", "alb/hour,us-east-1,,10,h", r"first tier of alb/hour does not"),
        ("prices/aws.csv", "alb/hour,us-east-1,,,h", "alb/hour,us-east-1,,,h2", r"line \d+: 'h2' is not a unit"),
        ("usage.toml", 'unit = "alarm-month"', 'unit = "2"', r"usage.toml \[alarms\]: '2' is not a unit"),
        ("assumptions.toml", "value = 5\n", "worth = 5\n", r"assumptions.toml \[\w+\].*worth"),
        ("assumptions.toml", "why = ", "because = ", r"assumptions.toml \[\w+\]: why is missing"),
        ("controls.toml", "remedy = ", "cure = ", r"controls.toml \[[\w-]+\].*cure"),
        ("frameworks/soc2.toml", "not_technical = ", "untechnical = ", r"frameworks/soc2.toml.*untechnical"),
        ("principles.toml", "meaning = ", "sense = ", r"principles.toml \[[\w-]+\].*sense"),
    ],
)  # fmt: skip
def test_an_error_names_the_file_and_the_entry(edit: Edit, path: str, old: str, new: str, message: str) -> None:
    edit(path, old, new)
    with pytest.raises(CatalogError, match=message):
        read()


def test_an_sla_without_a_figure_is_one_that_is_not_given(edit: Edit) -> None:
    edit("providers/aws.toml", 'form = "multi-zone", pct = 99.99, source', 'form = "multi-zone", source')
    sla = read().providers["aws"].services["ecs"].sla("multi-zone")
    assert sla is not None
    assert sla.pct is None


# --- finding a price -------------------------------------------------------------------------------------


def price(region: str, usd: float, note: str = "") -> Price:
    return Price("x/y", region, "h", usd, "a source", "2026-01", note)


def book(*prices: Price) -> PriceBook:
    return PriceBook("aws", "home", {(p.item, p.region, p.term): p for p in prices})


def test_a_region_has_its_own_price_or_the_one_for_all() -> None:
    assert book(price("home", 1), price("away", 2)).find("x/y", "away") == price("away", 2)
    assert book(price("*", 3)).find("x/y", "away") == price("*", 3)


def test_a_region_without_a_price_borrows_one_and_says_so() -> None:
    borrowed = book(price("home", 1, "first tier")).find("x/y", "away")
    assert borrowed is not None
    assert (borrowed.usd, borrowed.region, borrowed.borrowed) == (1, "away", "home")
    assert borrowed.note == "price of home; the price in away is not known; first tier"
    assert not book(price("home", 1)).has("x/y", "away")


def test_a_price_nobody_knows_is_none() -> None:
    assert book().find("x/y", "home") is None
    assert book(price("elsewhere", 1)).find("x/y", "away") is None


def test_services_are_found_by_role_and_kind() -> None:
    aws = load().providers["aws"]
    assert [s.id for s in aws.serving("compute", "vms")] == ["ec2"]
    assert len(aws.serving("compute")) == 4
    assert aws.serving("no-such-role") == ()


def test_the_first_form_that_is_stated_counts() -> None:
    ec2 = load().providers["aws"].services["ec2"]
    assert ec2.sla("multi-zone", "single") == ec2.sla("multi-zone")
    assert ec2.sla("global", "single") == ec2.sla("single")
    assert ec2.sla("global") is None
