"""Refreshing prices: readers know the traps of their sources, recipes cook rows, and files are put in place."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.catalog import load
from devops_workbook.catalog.refresh import (
    Refreshed,
    _age,
    _by_hand,
    _csv,
    _order,
    _read_rows,
    _report,
    main,
    refresh_latency,
    refresh_prices,
    region_differences,
)
from devops_workbook.catalog.sources import Sources
from devops_workbook.catalog.sources.google import google_prices
from devops_workbook.catalog.sources.infracost import infracost_goldens
from devops_workbook.catalog.sources.karpenter import aws_prices, aws_ratios, azure_prices
from devops_workbook.catalog.sources.places import azure_matrix, ccf_grid, google_grid, skyplane, zone_counts
from devops_workbook.catalog.sources.quote import Origin, Quote, SourceError
from devops_workbook.catalog.sources.recipes import Offer, RecipeError, Row, _shortest, cook, parse_recipes

CATALOG = Path(str(files("devops_workbook.catalog")))
ORIGIN = Origin("a source", "2026-01-02")

GOOGLE = """
about: {timestamp: 1767312000}
compute:
  instance:
    n2-small:
      cpu: 2
      cost:
        here: {hour: 0.1, month: 58.4, hour_spot: 0.03, month_1y: 45.99, month_3y: 32.85, month_spot: 21.9}
        there: {hour: 0.1, month: 58.4, month_1y: 73.0, month_3y: 58.4}
    n2-planned: {cpu: 2}
  storage:
    ssd: {type: pd-ssd, cost: {here: {month: 0.17}}}
  network:
    ip: {vm: {cost: {here: {hour: 0.005, month: 3.65}}}}
    vpn: {tunnel: {cost: {here: {hour: 0.05, month: 36.5}}}}
    nat:
      gateway: {cost: {here: {hour: 0.0448, month: 32.704}}}
      data: {cost: {here: {month: 0.045}}}
    traffic: {egress: {internet: {cost: {0-1: {here: {month: 0.12}}, 1-10: {here: {month: 0.11}}, 10n: {here: {month: 0.08}}}}}}
storage:
  bucket: {standard: {cost: {here: {month: 0.02}, there: {month: 0}}}}
  retrieval: {nearline: {cost: {here: {month: 0.01}}}}
monitoring: {data: {cost: {0-100000: {here: {month: 0.258}}}}}
"""  # noqa: E501
GOLDENS = """# a comment
provider,region,test,resource,component,unit,monthly_qty,monthly_cost,unit_price_usd,precision
aws,us-east-1,lb,aws_lb.one,Application load balancer,hours,730.0,16.43,0.0225068,derived=cost/qty
aws,us-east-1,lb,aws_lb.one,Load balancer capacity units,LCU,1.3698,8.0,5.84026,derived=cost/qty
aws,us-east-1,lb,aws_lb.two,Load balancer capacity units,LCU,,,4.38,exact
aws,,nat,aws_nat_gateway.nat,NAT gateway,hours,730.0,32.85,0.045,derived=cost/qty
aws,us-east-1,ecs,aws_ecs_service.s,Per vCPU per hour,CPU,1.0,29.55,29.55,derived=cost/qty
aws,us-east-1,ecs,aws_ecs_service.s,Per GB per hour,GB,2.0,6.49,3.245,derived=cost/qty
aws,us-east-1,lambda,aws_lambda_function.f,Duration (first 6B),GB-seconds,,,0.0000166667,exact
aws,us-east-1,cf,aws_cloudfront_distribution.d,Log requests,1M lines,12.0,0.12,0.01,derived=cost/qty
aws,us-east-1,cf,aws_cloudfront_distribution.d,Free requests,1M requests,1.0,0.0,0,derived=cost/qty
aws,us-east-2,ddb,aws_dynamodb_table.t,Write request unit (WRU),WRUs,3000000.0,3.75,0.00000125,derived=cost/qty
aws,us-east-2,ddb,aws_dynamodb_table.t,Replicated write request unit (rWRU),rWRU,4109.589,1.88,0.000457,derived=cost/qty
google,us-central1,vm,google_compute_instance.i,"Instance usage (Linux/UNIX, on-demand, n1-standard-16)",hours,730.0,388.36,0.532,derived=cost/qty
google,us-central1,vm,google_compute_instance.i,"Instance usage (Linux/UNIX, preemptible, n1-standard-16)",hours,730.0,116.8,0.16,derived=cost/qty
google,us-central1,vm,google_compute_instance.i,"Instance usage (Linux/UNIX, on-demand, e2-standard-2)",hours,730.0,48.92,0.0670137,derived=cost/qty
google,us-central1,sql,google_sql_database_instance.s,"vCPUs (1, zonal)",hours,730.0,30.15,0.0413014,derived=cost/qty
google,us-central1,sql,google_sql_database_instance.s,"Memory (3.75 GB, zonal)",GB,3.75,19.16,5.10933,derived=cost/qty
"""  # noqa: E501
MANIFEST = """
[prices.plain]
file = "prices.json"
format = "karpenter-azure"
source = "the list"
as_of = "2026-01-02"

[prices.goldens]
file = "goldens.csv"
format = "infracost"
source = "goldens"
as_of = "2024-07-01"

[ratios.regions]
file = "ratios.csv"
format = "aws-ratios"
source = "ratios 2025"
as_of = "2025-03-02"

[zones.aws]
file = "zones.json"

[grid.others]
file = "carbon.csv"
format = "cloud-carbon-footprint"

[latency.first]
file = "azure.csv"
format = "azure-matrix"
source = "azure's own"
as_of = "2026-08"

[latency.second]
file = "rtt.csv"
format = "skyplane"
source = "skyplane"
as_of = "2022-04"
"""
RTT = "# measured\nsrc,dst,avg_rtt_ms,samples\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = {
        "prices.json": json.dumps({"home": {"small": 1.0, "large": 2.0}, "away": {"small": 1.5, "large": 0}}),
        "goldens.csv": GOLDENS,
        "ratios.csv": "region,n_types,median_multiplier,p25,p75\naway,9,1.2,1.15,1.25\nsplit,9,0.7,0.6,1.1\n",
        "zones.json": '{"home": 3, "away": 2}',
        "carbon.csv": "# t\nprovider,region,t_co2e_per_kwh\naws,home,0.0004\naws,away,0.0001\n",
        "azure.csv": "Source,East US,West US 2\nEast US,,70\nWest US 2,66,\n",
        "rtt.csv": RTT
        + "aws:home,aws:away,80,1\naws:away,aws:home,81,1\naws:home,gcp:x,9,1\nazure:eastus,azure:westus2,99,1\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def sources(folder: Path) -> Sources:
    return Sources(folder, MANIFEST)


OFFER = Offer(("home", "away", "split"), {"compute": {
    "small": {"vcpu": 2, "memory_gib": 4}, "large": {"vcpu": 4, "memory_gib": 8},
}})  # fmt: skip


def recipe(text: str) -> str:
    return f"[[price]]\n{text}"


PLAIN = recipe('item = "compute/{sku}"\nskus = "compute"\nfrom = "plain"\nkey = "{sku}"\nunit = "h"\n')


def cooked(sources: Sources, text: str, offer: Offer = OFFER) -> list[Row]:
    [one] = parse_recipes(text, "recipes/x.toml")
    return cook(one, sources, offer).rows


def prices(sources: Sources, text: str) -> dict[tuple[str, str], float]:
    return {(row.item, row.region): float(row.usd) for row in cooked(sources, text)}


def golden(sources: Sources, key: str, unit: str, more: str = "") -> Row:
    [row] = cooked(sources, recipe(f'item = "x/y"\nfrom = "goldens"\nkey = "{key}"\nunit = "{unit}"\n{more}'),
                   Offer(("us-east-1", "us-east-2", "us-central1"), {}))  # fmt: skip
    return row


# ---------------------------------------------------------------- readers


def by_key(quotes: list[Quote]) -> dict[tuple[str, str, str], Quote]:
    return {(quote.key, quote.region, quote.term): quote for quote in quotes}


def test_aws_prices_are_those_of_one_region() -> None:
    assert list(aws_prices('{"aws": {"m7g.large": 0.0816}}', ORIGIN)) == [
        Quote("m7g.large", "us-east-1", "", 0.0816, "h", ORIGIN)
    ]


def test_a_zero_in_azures_prices_means_that_there_is_none() -> None:
    [found] = azure_prices('{"eastus": {"Standard_D2s_v5": 0}}', ORIGIN)
    assert found.doubt == "the source writes 0 where it found no price"


def azure(**cells: float) -> dict[tuple[str, str], str]:
    """The doubts about the prices of sizes in regions: D2as_v5_eastus=0.178."""
    regions: dict[str, dict[str, float]] = {}
    for name, usd in cells.items():
        size, _, region = name.rpartition("_")
        regions.setdefault(region, {})[f"Standard_{size}"] = usd
    quotes = azure_prices(json.dumps(regions), ORIGIN)
    return {(q.key.removeprefix("Standard_"), q.region): q.doubt for q in quotes if q.doubt}


def test_a_windows_price_is_told_by_the_other_sizes_of_its_series() -> None:
    assert list(azure(D2as_v5_eastus=0.178, D4as_v5_eastus=0.172, D8as_v5_eastus=0.344)) == [("D2as_v5", "eastus")]


def test_a_windows_price_is_told_by_the_other_regions() -> None:
    regions = {f"D2s_v5_r{n}": 0.1 for n in range(5)} | {f"E2s_v5_r{n}": 0.13 for n in range(5)}
    burstable = {f"B2ts_v2_r{n}": 0.0104 for n in range(5)} | {"B2ts_v2_r3": 0.0196}
    assert list(azure(**regions, **burstable)) == [("B2ts_v2", "r3")]


def test_a_dear_region_is_not_taken_for_windows() -> None:
    cheap = {
        f"{size}_r{n}": usd for n in range(5) for size, usd in (("D2s_v5", 0.1), ("E2s_v5", 0.13), ("B2s_v2", 0.05))
    }
    dear = {"D2s_v5_r9": 0.13, "E2s_v5_r9": 0.169, "B2s_v2_r9": 0.065}
    assert azure(**cheap, **dear) == {}


def test_regions_that_are_dear_for_some_and_cheap_for_others_are_split() -> None:
    even, split = aws_ratios("region,n_types,median_multiplier,p25,p75\na,1,1.2,1.15,1.25\nb,1,0.7,0.6,1.1\n", ORIGIN)
    assert (even.split, split.split) == (False, True)


@pytest.fixture(scope="module")
def google() -> dict[tuple[str, str, str], Quote]:
    return by_key(list(google_prices(GOOGLE, ORIGIN)))


def test_google_machines_are_read_by_the_hour_without_sustained_use(google: dict[tuple[str, str, str], Quote]) -> None:
    assert google["instance/n2-small", "here", ""].usd == 0.1
    assert google["instance/n2-small", "here", "spot"].usd == 0.03
    assert google["instance/n2-small", "here", "1y"].usd == pytest.approx(0.063)
    assert google["instance/n2-small", "here", "3y"].usd == pytest.approx(0.045)
    assert not any(quote.doubt for key, quote in google.items() if key[1] == "here")


def test_a_commitment_that_saves_nothing_is_none(google: dict[tuple[str, str, str], Quote]) -> None:
    assert "not cheaper" in google["instance/n2-small", "there", "1y"].doubt
    assert "sustained-use" in google["instance/n2-small", "there", "3y"].doubt


def test_other_google_prices_are_in_their_units(google: dict[tuple[str, str, str], Quote]) -> None:
    found = {
        key: (quote.usd, quote.unit) for (key, region, term), quote in google.items() if region == "here" and not term
    }
    assert found == {
        "instance/n2-small": (0.1, "h"), "disk/ssd": (0.17, "GiB-month"), "ip/vm": (0.005, "h"),
        "vpn/tunnel": (0.05, "h"), "nat/gateway": (0.0448, "h"), "nat/data": (0.045, "GiB"),
        "internet/0-1": (0.12, "GiB"), "internet/1-10": (0.11, "GiB"), "internet/10n": (0.08, "GiB"),
        "bucket/standard": (0.02, "GiB-month"),
        "retrieval/nearline": (0.01, "GiB"), "monitoring/0-100000": (0.258, "MiB"),
    }  # fmt: skip
    assert google["bucket/standard", "there", ""].doubt == "the price is 0"


def test_google_prices_must_be_of_the_day_the_manifest_says() -> None:
    with pytest.raises(SourceError, match="generated on 2026-01-02, not on 2026-01-03"):
        list(google_prices(GOOGLE, replace(ORIGIN, as_of="2026-01-03")))


@pytest.fixture(scope="module")
def goldens() -> dict[tuple[str, str, str], Quote]:
    return by_key(list(infracost_goldens(GOLDENS, ORIGIN)))


def test_goldens_are_filed_by_type_and_by_address(goldens: dict[tuple[str, str, str], Quote]) -> None:
    one, other = (goldens[f"{name}/Application load balancer", "us-east-1", ""] for name in ("aws_lb", "aws_lb.one"))
    assert (one.usd, one.unit, one.origin.source) == (other.usd, other.unit, other.origin.source)
    assert one.origin.source == "a source (lb_test)"


def test_a_golden_of_no_region_says_so(goldens: dict[tuple[str, str, str], Quote]) -> None:
    assert ("aws_nat_gateway/NAT gateway", "?", "") in goldens


def test_what_goldens_keep_for_a_month_is_priced_by_the_month(goldens: dict[tuple[str, str, str], Quote]) -> None:
    units = {key: quote.unit for (key, _, _), quote in goldens.items()}
    assert units["aws_lb.two/Load balancer capacity units"] == "LCU-month"
    assert units["aws_ecs_service/Per vCPU per hour"] == "vCPU-month"
    assert units["aws_ecs_service/Per GB per hour"] == "GB-month"
    assert units["aws_lambda_function/Duration (first 6B)"] == "GB-s"
    assert units["aws_nat_gateway/NAT gateway"] == "h"


def test_goldens_that_cannot_be_taken_as_they_are_say_why(goldens: dict[tuple[str, str, str], Quote]) -> None:
    doubts = {
        key.partition("/")[2]: quote.doubt.partition(",")[0] for (key, _, _), quote in goldens.items() if quote.doubt
    }
    assert doubts == {
        "Log requests": "derived from 0.12 USD: rounding may be off by 4 %",
        "Free requests": "derived from a total of 0.00 USD",
        "Write request unit (WRU)": "on-demand request prices of DynamoDB were halved in November 2024",
        "Replicated write request unit (rWRU)": "the quantity shown is not the one priced",
        "Instance usage (Linux/UNIX, on-demand, n1-standard-16)": "includes the sustained-use discount of a full month",
    }  # fmt: skip


def test_regions_have_zones_and_grids() -> None:
    assert zone_counts('{"eastus": 3}') == {"eastus": 3}
    header = "Google Cloud Region,Location,Google CFE,Grid carbon intensity (gCO2eq / kWh)"
    assert google_grid(f"{header}\nasia-east1,Taiwan,0.17,439.29\n") == {("gcp", "asia-east1"): 439.29}
    assert ccf_grid("# t\nprovider,region,t_co2e_per_kwh\naws,x,0.0004\n") == {("aws", "x"): pytest.approx(400)}


def test_round_trips_are_those_within_a_cloud() -> None:
    found = list(skyplane(RTT + "aws:a,aws:b,80.5,1\naws:a,gcp:c,9,1\naws:a,aws:a,0.4,1\n", ORIGIN))
    assert [(trip.provider, trip.source, trip.target, trip.rtt_ms) for trip in found] == [("aws", "a", "b", 80.5)]


def test_azures_matrix_names_regions_by_their_titles() -> None:
    found = list(azure_matrix("Source,East US,West US 2\nEast US,,70\n", ORIGIN))
    assert [(trip.source, trip.target, trip.rtt_ms) for trip in found] == [("eastus", "westus2", 70)]


@pytest.mark.parametrize("text", ["", "{}", '{"home": 3}', "<html>"])
def test_a_file_of_another_format_is_named(folder: Path, sources: Sources, text: str) -> None:
    (folder / "prices.json").write_text(text, "utf-8")
    if text == "{}":
        assert sources.quotes("plain") == {}
        return
    with pytest.raises(SourceError, match=r"prices.json is not in the format karpenter-azure"):
        sources.quotes("plain")


def test_a_source_that_is_not_there_is_named(sources: Sources, folder: Path) -> None:
    with pytest.raises(SourceError, match=r"'gone' is no source of prices \(sources.toml has plain, goldens\)"):
        sources.quotes("gone")
    (folder / "prices.json").unlink()
    with pytest.raises(SourceError, match=r"prices\.json is not in "):
        sources.quotes("plain")


# ---------------------------------------------------------------- recipes


def test_a_recipe_runs_over_sizes_and_regions_and_leaves_out_what_is_not_quoted(sources: Sources) -> None:
    assert prices(sources, PLAIN) == {
        ("compute/small", "home"): 1.0, ("compute/large", "home"): 2.0, ("compute/small", "away"): 1.5,
    }  # fmt: skip


def test_what_is_doubted_is_refused_with_the_reason(sources: Sources) -> None:
    [one] = parse_recipes(PLAIN, "x")
    assert cook(one, sources, OFFER).refused == ["compute/large in away: the source writes 0 where it found no price"]


def test_a_doubt_can_be_overruled_with_a_reason_but_a_zero_cannot(sources: Sources) -> None:
    row = golden(sources, "aws_dynamodb_table/Write request unit (WRU)", "1M units", 'despite = "the test is newer"\n')
    assert (row.usd, row.note) == ("1.25", "the test is newer")
    [zero] = parse_recipes(PLAIN + 'despite = "I want it"\n', "x")
    assert len(cook(zero, sources, OFFER).rows) == 3


def test_a_row_names_its_source_and_date(sources: Sources) -> None:
    [row] = cooked(sources, PLAIN + 'only = ["sm*"]\nregions = ["home"]\nnote = "Linux"\n')
    assert row == Row("compute/small", "home", "", "", "h", "1", "the list", "2026-01-02", "Linux")
    [row] = cooked(sources, PLAIN + 'only = ["sm*"]\nregions = ["home"]\nas_of = "2026-01"\n')
    assert row.as_of == "2026-01"


@pytest.mark.parametrize(
    ("key", "unit", "more", "usd"),
    [
        ("aws_lb/Application load balancer", "h", "", "0.0225"),
        ("aws_lb.one/Load balancer capacity units", "LCU-h", "", "0.008"),
        ("aws_lb.two/Load balancer capacity units", "LCU-h", "", "0.006"),
        ("aws_ecs_service/Per vCPU per hour", "vCPU-h", "", "0.04048"),
        ("aws_ecs_service/Per GB per hour", "GiB-h", 'quoted_unit = "GiB-month"', "0.004445"),
        ("aws_lambda_function/Duration (first 6B)", "GiB-s", 'quoted_unit = "GiB-s"', "0.0000166667"),
        ("aws_nat_gateway/NAT gateway", "h", 'quoted_in = "?"\nregions = ["us-east-1"]', "0.045"),
        ("aws_nat_gateway/NAT gateway", "month", 'quoted_in = "?"\nregions = ["us-east-1"]', "32.85"),
        ("aws_nat_gateway/NAT gateway", "h", 'quoted_in = "?"\nregions = ["us-east-1"]\nfactor = 2', "0.09"),
    ],
)
def test_list_prices_come_back_from_rounded_totals(sources: Sources, key: str, unit: str, more: str, usd: str) -> None:
    assert golden(sources, key, unit, f"{more}\n").usd == usd


def test_a_unit_that_does_not_fit_is_said_to_need_one(sources: Sources) -> None:
    with pytest.raises(RecipeError, match=r"'GB' cannot be turned into 'LCU-month'.*say with quoted_unit what 'LCU-m"):
        golden(sources, "aws_lb.two/Load balancer capacity units", "GB")
    with pytest.raises(RecipeError, match="say with quoted_unit"):
        golden(sources, "aws_ecs_service/Per vCPU per hour", "vCPU")


def test_quotes_that_do_not_agree_need_a_narrower_key(sources: Sources) -> None:
    with pytest.raises(
        RecipeError, match=r"several prices of aws_lb/Load balancer capacity units in us-east-1 \(4.38, 5"
    ):
        golden(sources, "aws_lb/Load balancer capacity units", "LCU-h")


def test_a_sum_of_quotes_is_made_of_the_properties_of_a_size(sources: Sources) -> None:
    memory = 'key = "google_sql_database_instance/Memory (3.75 GB, zonal)", quoted_unit = "month"'
    text = recipe(
        'item = "database/{sku}"\nskus = "db"\nfrom = "goldens"\nunit = "h"\nfactor = "vcpu"\n'
        'key = "google_sql_database_instance/vCPUs (1, zonal)"\n'
        f'plus = [ {{ {memory}, factor = "memory_gib" }} ]\n'
    )
    offer = Offer(("us-central1",), {"db": {"two": {"vcpu": 2, "memory_gib": 8}}})
    [row] = cooked(sources, text, offer)
    assert float(row.usd) == pytest.approx(2 * 0.0413 + 8 * 0.007, rel=1e-3)
    with pytest.raises(RecipeError, match=r"gpus is no property of a size \(vcpu, memory_gib\)"):
        cooked(sources, text.replace('"vcpu"', '"gpus"'), offer)


def test_tiers_are_rows_with_their_thresholds(sources: Sources) -> None:
    text = recipe('item = "x/y"\nfrom = "goldens"\nunit = "h"\nregions = ["us-east-1"]\nquoted_in = "?"\n'
                  'tiers = [ { above = 0, key = "aws_nat_gateway/NAT gateway" }, '
                  '{ above = 10240, key = "aws_nat_gateway/NAT gateway", factor = 0.5 } ]\n')  # fmt: skip
    rows = cooked(sources, text, Offer(("us-east-1",), {}))
    assert [(row.above, row.usd) for row in rows] == [("0", "0.045"), ("10240", "0.0225")]


def test_the_price_of_another_region_is_said_to_be_one(sources: Sources) -> None:
    rows = cooked(sources, PLAIN + 'only = ["small"]\nquoted_in = "home"\nregions = ["home", "away", "*"]\n')
    assert [(row.region, row.usd, row.note) for row in rows] == [
        ("home", "1", ""), ("away", "1", "price of home"), ("*", "1", ""),
    ]  # fmt: skip


def test_a_region_that_is_not_quoted_is_priced_by_its_ratio(sources: Sources) -> None:
    text = PLAIN + 'quoted_in = "home"\nratios = "regions"\nlower_quartile = ["sm*"]\n'
    rows = {(row.item, row.region): row for row in cooked(sources, text)}
    own, derived = rows["compute/small", "away"], rows["compute/small", "split"]
    assert (own.usd, own.source) == ("1.5", "the list")
    assert (derived.usd, derived.as_of) == ("0.6", "2025-03-02")
    assert derived.source == "derived: the list x region ratio from ratios 2025"
    assert (
        derived.note
        == "derived: home price x 0.6, the lower quartile: the region's ratios differ by family, 0.6 to 1.1"
    )
    assert float(rows["compute/large", "split"].usd) == pytest.approx(2 * 1.1)


def test_a_zero_is_not_replaced_by_a_guess(sources: Sources) -> None:
    text = PLAIN + 'only = ["large"]\nquoted_in = "home"\nratios = "regions"\n'
    [one] = parse_recipes(text, "x")
    assert [row.region for row in cook(one, sources, OFFER).rows] == ["home", "split"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('from = "plain"\n', "an entry without item: item, unit is missing"),
        ('item = "x"\nunit = "h"\n', "x: from is missing"),
        ('item = "x"\nfrom = "plain"\nunit = "h"\n', "x: either key or tiers"),
        ('item = "x"\nfrom = "plain"\nunit = "h"\nkey = "k"\ntiers = []\n', "x: either key or tiers"),
        (
            'item = "x"\nfrom = "plain"\nunit = "h"\nkey = "k"\nregion = "home"\n',
            "x: region is not a key (allowed: as_of, ",
        ),
        ('item = "x/{sku}"\nfrom = "plain"\nunit = "h"\nkey = "k"\n', "skus and {sku} in the item go together"),
        ('item = "x"\nfrom = "plain"\nunit = "h"\ntiers = [ { above = 0 } ]\n', "is not a quote"),
    ],
)
def test_a_recipe_that_is_wrong_is_named(text: str, says: str) -> None:
    with pytest.raises(RecipeError, match="recipes/x.toml, .*" + re.escape(says)):
        parse_recipes(recipe(text), "recipes/x.toml")


def test_a_recipe_that_yields_nothing_is_told_what_is_near(sources: Sources) -> None:
    with pytest.raises(RecipeError, match=r"has no such quote as aws_lb/Application balancer; near to it are: aws_lb"):
        golden(sources, "aws_lb/Application balancer", "h")
    with pytest.raises(RecipeError, match=r"in our regions; it quotes aws_nat_gateway/NAT gateway in \? "):
        golden(sources, "aws_nat_gateway/NAT gateway", "h")


@given(cents=st.integers(1_000, 10**7), quantity=st.integers(1, 10**6), digits=st.integers(1, 4))
def test_the_price_that_comes_back_explains_the_total(cents: int, quantity: int, digits: int) -> None:
    """Whatever list price made the rounded total: what is read from it, times the quantity, rounds to that total."""
    usd = float(f"{cents / 100 / quantity:.{digits}g}")
    total = round(usd * quantity, 2)
    low, high = (total - 0.005) / quantity, (total + 0.005) / quantity
    found = _shortest(low, high)
    assert abs(found * quantity - total) <= 0.005 + 1e-6 * total
    assert len(f"{found:.6g}") <= len(f"{usd:.6g}") or found == pytest.approx(usd, rel=0.01)


# ---------------------------------------------------------------- merging


def by_hand(**values: str) -> Row:
    return Row("x/y", "home", "", "", "h", "3", "a page", "2025-06", "")._replace(**values)


def refreshed(sources: Sources, *old: Row, text: str = PLAIN, offer: Offer = OFFER) -> list[Row]:
    return list(refresh_prices(old, parse_recipes(text, "x"), sources, offer).rows)


def test_what_no_recipe_yields_is_kept(sources: Sources) -> None:
    result = refresh_prices([by_hand()], parse_recipes(PLAIN, "x"), sources, OFFER)
    assert result.kept == (by_hand(),)
    assert [row.item for row in result.rows] == ["compute/large", "compute/small", "compute/small", "x/y"]
    assert [(old, new and new.item) for old, new in result.changed] == [
        (None, "compute/large"), (None, "compute/small"), (None, "compute/small"),
    ]  # fmt: skip


def test_rows_are_sorted_by_item_region_term_and_tier(sources: Sources) -> None:
    old = [by_hand(above=above, term=term) for term in ("3y", "1y", "spot", "") for above in ("10240", "0")]
    kept = [(row.term, row.above) for row in refreshed(sources, *old) if row.item == "x/y"]
    assert kept == [(term, above) for term in ("", "spot", "1y", "3y") for above in ("0", "10240")]


def test_a_changed_price_is_told_with_the_old_one(sources: Sources) -> None:
    old = Row("compute/small", "home", "", "", "h", "2", "the list", "2025-01-02", "")
    result = refresh_prices([old], parse_recipes(PLAIN, "x"), sources, OFFER)
    assert (old, old._replace(usd="1", as_of="2026-01-02")) in result.changed


def test_the_first_recipe_that_yields_a_price_wins(sources: Sources) -> None:
    text = PLAIN + PLAIN.replace('key = "{sku}"', 'key = "{sku}"\nfactor = 10')
    assert {float(row.usd) for row in refreshed(sources, text=text)} == {1.0, 1.5, 2.0}


@pytest.mark.parametrize(
    ("row", "gone"),
    [
        (by_hand(region="mars"), True),
        (by_hand(region="*"), False),
        (by_hand(item="compute/tiny"), True),
        (by_hand(item="compute/large", region="split"), False),
        (by_hand(item="compute/large", region="split", source="the list"), True),
        (by_hand(item="compute/large", region="split", source="derived: the list x region ratio"), True),
        (by_hand(item="compute/large", region="split", source="the list", term="1y"), False),
        (by_hand(source="the list"), False),
    ],
)
def test_a_row_goes_only_when_nobody_asks_for_it_or_vouches_for_it(sources: Sources, row: Row, gone: bool) -> None:
    assert (row not in refreshed(sources, row)) == gone


# ---------------------------------------------------------------- regions


def test_a_round_trip_is_the_mean_of_its_directions_and_of_one_source(sources: Sources) -> None:
    offers = {"aws": OFFER, "azure": Offer(("eastus", "westus2"), {})}
    assert refresh_latency(sources, offers) == (
        ("aws", "away", "home", "80.5", "skyplane", "2022-04"),
        ("azure", "eastus", "westus2", "68", "azure's own", "2026-08"),
    )


def test_regions_are_held_against_the_sources(sources: Sources) -> None:
    regions = {"home": {"zones": 3, "grid": 402}, "away": {"zones": 3, "grid": 90}, "split": {"zones": 1}}
    assert list(region_differences("aws", regions, sources)) == [
        "aws away: zones is 3, the source has 2",
        "aws away: grid is 90, the source has 100 gCO2e/kWh",
    ]
    assert list(region_differences("gcp", {}, sources)) == ["gcp: zones not checked, no source counts them"]


def test_round_trips_between_our_regions_were_measured() -> None:
    for provider in load().providers.values():
        assert provider.latency, provider.id
        for (source, target), fact in provider.latency.items():
            assert source < target
            assert fact.value is not None
            assert 1 <= fact.value < 500, (source, target)
            assert provider.round_trip(target, source) is fact
        assert provider.round_trip(provider.default_region, "nowhere") is None


# ---------------------------------------------------------------- the command


@pytest.fixture
def catalog(tmp_path: Path, folder: Path) -> Path:
    """A catalog of one small provider, and its sources beside it."""
    root = tmp_path / "catalog"
    for name in ("providers", "prices", "recipes", "sources"):
        (root / name).mkdir(parents=True)
    (root / "providers" / "aws.toml").write_text(
        "[regions.home]\nzones = 3\ngrid = 400\n[regions.away]\nzones = 2\ngrid = 100\n"
        "[instances.compute]\nsmall = { vcpu = 2 }\nlarge = { vcpu = 4 }\n",
        "utf-8",
    )
    (root / "recipes" / "aws.toml").write_text(PLAIN, "utf-8")
    (root / "sources" / "sources.toml").write_text(MANIFEST, "utf-8")
    (root / "prices" / "aws.csv").write_text(
        "item,region,term,above,unit,usd,source,as_of,note\n"
        'z/z,home,,,h,3,a page,2025-06,"by hand, from a page"\n'
        "compute/small,home,,,h,0.8,the list,2025-01,\n",
        "utf-8",
    )
    (root / "latency.csv").write_text("provider,source,target,rtt_ms,measured_by,as_of\n", "utf-8")
    return root


def run(catalog: Path, *options: str) -> int:
    return main([str(catalog.parent), "--catalog", str(catalog), *options])


def test_without_write_it_says_what_would_change_and_changes_nothing(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in catalog.rglob("*.csv")}
    assert run(catalog, "--verbose") == 1
    told = capsys.readouterr().out
    assert "aws: 4 rows; 2 new, 0 dropped, 1 changed; 1 entered by hand" in told
    assert re.search(r"compute/small +home +on demand +0.8 +1 +\+25.00 %", told)
    assert re.search(r"compute/small +away +on demand +- +1.5 +new", told)
    assert "refused: compute/large in away: the source writes 0" in told
    assert re.search(r"by hand, \d+ months old, a page: z/z in home", told)
    assert {path: path.read_bytes() for path in catalog.rglob("*.csv")} == before


def test_a_second_run_changes_nothing(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(catalog, "--write") == 1
    written = {path: path.read_bytes() for path in catalog.rglob("*") if path.is_file()}
    assert run(catalog, "--write") == 0
    assert run(catalog) == 0
    assert "0 new, 0 dropped, 0 changed" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in catalog.rglob("*") if path.is_file()} == written


def test_what_is_written_is_sorted_and_keeps_what_was_entered_by_hand(catalog: Path) -> None:
    run(catalog, "--write")
    with (catalog / "prices" / "aws.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["item"], row["region"]) for row in rows] == [
        ("compute/large", "home"), ("compute/small", "away"), ("compute/small", "home"), ("z/z", "home"),
    ]  # fmt: skip
    assert rows[-1]["note"] == "by hand, from a page"
    assert "aws,away,home,80.5,skyplane,2022-04" in (catalog / "latency.csv").read_text("utf-8")


def test_a_zone_count_that_differs_is_told_and_counts(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(catalog, "--write")
    path = catalog / "providers" / "aws.toml"
    path.write_text(path.read_text("utf-8").replace("zones = 2", "zones = 3"), "utf-8")
    assert run(catalog) == 1
    assert "aws away: zones is 3, the source has 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (("recipes/aws.toml", 'from = "plain"', 'from = "plan"'), "'plan' is no source of prices"),
        (("recipes/aws.toml", "unit", "units"), "units is not a key"),
        (("prices/aws.csv", "usd,", "price,"), "aws.csv: the columns are not item,"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_nothing_is_written(
    catalog: Path, capsys: pytest.CaptureFixture[str], spoil: tuple[str, str, str], says: str
) -> None:
    path, old, new = spoil
    (catalog / path).write_text((catalog / path).read_text("utf-8").replace(old, new, 1), "utf-8")
    before = (catalog / "prices" / "aws.csv").read_bytes()
    assert run(catalog, "--write") == 2
    assert says in capsys.readouterr().err
    assert (catalog / "prices" / "aws.csv").read_bytes() == before


def test_only_the_providers_that_are_named_are_refreshed(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(catalog, "--provider", "aws", "--write") == 1
    assert run(catalog, "--provider", "ibm") == 2
    assert "ibm is no provider (there are aws)" in capsys.readouterr().err


def test_rows_entered_by_hand_are_told_by_source_the_oldest_first() -> None:
    kept = [by_hand(item=f"x/{n}", as_of="2026-01") for n in range(5)] + [by_hand(source="another", term="1y")]
    assert list(_by_hand(kept, date(2026, 2, 1))) == [
        "by hand, 8 months old, another: x/y in home, 1y",
        "by hand, 1 month old, a page: x/0 in home; x/1 in home; x/2 in home; and 2 more",
    ]


def test_a_summary_counts_what_a_maintainer_need_not_read(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(catalog) == 1
    told = capsys.readouterr().out
    assert re.search(r"compute/small +home +on demand +0.8 +1 +\+25.00 %", told)
    assert "refused 1: the source writes 0" in told
    assert "compute/large in away" not in told
    assert re.search(r"by hand, by age: 1 \d to \d years|by hand, by age: 1 under a year", told)
    assert re.search(r"  1 row, \d+ months old: a page$", told, re.MULTILINE)


def test_a_summary_is_short_however_much_there_is_to_say() -> None:
    kept = tuple(by_hand(item=f"x/{n}", as_of=f"20{10 + n % 16}-01", source=f"page {n % 20}") for n in range(900))
    old = tuple(by_hand(item=f"c/{n}", usd="1") for n in range(300))
    changed = tuple((row, row._replace(usd=f"{1 + n / 1000:g}")) for n, row in enumerate(old))
    made = Refreshed(kept, changed, kept, tuple(f"x/{n} in home: too old" for n in range(200)))
    told = list(_report("aws", made, date(2026, 2, 1), verbose=False))
    assert len(told) < 25
    assert told[1].startswith("c/299")
    assert "and 290 more changes (--verbose lists them)" in told
    assert "refused 200: too old" in told
    assert len(list(_report("aws", made, date(2026, 2, 1), verbose=True))) > 550


def test_an_age_is_counted_in_months() -> None:
    assert [_age(as_of, date(2026, 11, 25)) for as_of in ("2026-11", "2026-10-30", "2024-07-01", "2025")] == [
        "0 months", "1 month", "28 months", "22 months",
    ]  # fmt: skip


def test_it_is_a_command() -> None:
    command = [sys.executable, "-m", "devops_workbook.catalog.refresh", "--help"]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0
    assert "--write" in done.stdout


# ---------------------------------------------------------------- the packaged prices and recipes


@pytest.mark.parametrize("id", load().providers)
def test_the_packaged_prices_are_written_as_a_refresh_writes_them(id: str) -> None:
    path = CATALOG / "prices" / f"{id}.csv"
    rows = _read_rows(path)
    assert path.read_text("utf-8") == _csv(Row._fields, sorted(rows, key=_order))


@pytest.mark.parametrize("id", load().providers)
def test_every_provider_has_recipes_for_sizes_of_machines(id: str) -> None:
    recipes = parse_recipes((CATALOG / "recipes" / f"{id}.toml").read_text("utf-8"), id)
    assert any(one.item == "compute/{sku}" for one in recipes)
    items = {dimension.item for service in load().providers[id].services.values() for dimension in service.dimensions}
    items |= {row.item for row in load().providers[id].prices.rows.values()}
    assert [one.item for one in recipes if "{sku}" not in one.item and one.item not in items] == []
