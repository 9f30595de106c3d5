"""What a component bills: usage times price, and nothing invented."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devops_workbook.catalog import load
from devops_workbook.catalog.model import PriceDimension, Service
from devops_workbook.design.pricing import charges, estimate, find_service
from devops_workbook.design.scoring import below_target, nines_score, price_scores, usd


def service(*dimensions: PriceDimension) -> Service:
    return replace(load().providers["aws"].services["alb"], dimensions=dimensions)


def test_a_charge_is_usage_over_scale_times_price() -> None:
    balancer = load().providers["aws"].services["alb"]
    (charge,) = charges(load(), "aws", balancer, {"lb_hours": 730}, "", "us-east-1")
    assert (charge.quantity, charge.usd) == (730, pytest.approx(730 * 0.0225))


def test_a_price_per_million_divides_the_usage() -> None:
    gateway = load().providers["aws"].services["api-gateway"]
    assert estimate(load(), "aws", gateway, {"requests": 3_000_000}, "", "us-east-1") == pytest.approx(3.0)


def test_gigabytes_are_converted_where_the_price_list_counts_binary_ones() -> None:
    provider = load().providers["gcp"]
    (charge,) = charges(load(), "gcp", provider.services["cloud-nat"], {"nat_gb": 1000}, "", "us-central1")
    assert charge.price is not None
    assert charge.price.unit == "GiB"
    assert charge.quantity == pytest.approx(1000 / 1.073741824)
    queue = provider.services["pubsub"]
    publish, _ = charges(load(), "gcp", queue, {"queue_gb": 1024 * 2**30 / 1e9}, "", "us-central1")
    assert publish.quantity == pytest.approx(1.0), "a TiB is 1024 GiB"


def test_no_usage_is_no_line_and_unknown_usage_is_a_line_without_an_amount() -> None:
    balancer = load().providers["aws"].services["alb"]
    assert list(charges(load(), "aws", balancer, {"lb_hours": 0}, "", "us-east-1")) == []
    (charge,) = charges(load(), "aws", balancer, {"lb_hours": None}, "", "us-east-1")
    assert (charge.quantity, charge.usd) == (None, None)
    assert estimate(load(), "aws", balancer, {"lb_hours": None}, "", "us-east-1") is None


def test_a_price_nobody_knows_makes_the_total_not_known() -> None:
    odd = service(PriceDimension("lb_hours", "alb/hour", ""), PriceDimension("lb_gb", "alb/no-such-item", ""))
    assert estimate(load(), "aws", odd, {"lb_hours": 730, "lb_gb": 1}, "", "us-east-1") is None
    assert estimate(load(), "aws", odd, {"lb_hours": 730}, "", "us-east-1") == pytest.approx(16.425)


def test_a_self_run_tool_bills_the_providers_machines() -> None:
    prometheus = find_service(load(), "aws", "prometheus")
    machine, metrics = charges(load(), "aws", prometheus, {"host_hours": 730}, "m7g.large", "us-east-1")
    assert machine.price == load().providers["aws"].prices.find("compute/m7g.large", "us-east-1")
    # Detailed monitoring is seven metrics of $0.30: https://aws.amazon.com/cloudwatch/pricing/, 2025-09.
    assert (metrics.quantity, metrics.usd) == (pytest.approx(7), pytest.approx(2.10))


def test_a_hosted_tool_bills_its_own_price_everywhere() -> None:
    github = find_service(load(), "gcp", "github")
    assert estimate(load(), "gcp", github, {"seats": 10}, "", "europe-west1") == pytest.approx(40)


def test_a_service_nobody_offers_is_an_error() -> None:
    with pytest.raises(KeyError, match="no-such"):
        find_service(load(), "aws", "no-such")


def test_cost_scores_halve_when_the_price_doubles() -> None:
    scores = price_scores({"a": 100.0, "b": 200.0, "c": 1000.0, "d": None})
    assert scores == {"a": {"cost": 10.0}, "b": {"cost": 5.0}, "c": {"cost": 1.0}}
    assert price_scores({"a": 100.0, "b": None}) == {}
    assert price_scores({"free": 0.0, "b": 2.0})["b"] == {"cost": 5.0}


@pytest.mark.parametrize(("pct", "score"), [(90, 2.5), (99, 5), (99.9, 7.5), (99.99, 10), (99.9999, 10), (100, 10)])
def test_a_nine_is_worth_two_and_a_half(pct: float, score: float) -> None:
    assert nines_score(pct) == pytest.approx(score)


def test_below_target_keeps_the_best_where_none_suffices() -> None:
    ruled = below_target({"a": 99.9, "b": 99.99, "c": None}, 99.999)
    assert set(ruled) == {"a", "c"}
    assert "the best of them is kept" in ruled["a"]
    assert set(below_target({"a": 99.9, "b": 99.99}, 99.9)) == set()
    assert below_target({"a": None}, 99.9) == {}


@pytest.mark.parametrize(
    ("amount", "words"), [(None, "not known"), (0.42, "$0.42"), (99.999, "$100.00"), (1234, "$1,234")]
)
def test_amounts_in_words(amount: float | None, words: str) -> None:
    assert usd(amount) == words
