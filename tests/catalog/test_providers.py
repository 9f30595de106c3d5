"""The facts of every provider: complete, sourced, dated, and priced where the design needs a price."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import devops_workbook
from devops_workbook.catalog import load
from devops_workbook.catalog.model import Price, Provider, Service, Sla
from devops_workbook.requirements import field_specs

PROVIDERS = tuple(load().providers)
DATE = re.compile(r"20[0-2]\d(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
FORMS = {"single", "zonal", "multi-zone", "regional", "multi-region", "global"}
ROLES = {
    "compute", "database", "cache", "object_storage", "queue", "stream", "load_balancer", "api_gateway", "cdn", "waf",
    "dns", "network", "nat", "private_endpoint", "transfer", "identity", "secrets", "keys", "registry", "metrics",
    "logs", "traces", "dashboards", "alerting", "audit", "threat_detection", "posture", "backup", "budget",
}  # fmt: skip
FACTS = {
    "instance_start_seconds", "failover_seconds_multi_zone_database", "vcpu_watts_min", "vcpu_watts_max", "pue",
}  # fmt: skip


def services() -> Iterator[Service]:
    for provider in load().providers.values():
        yield from provider.services.values()
    yield from load().tools.values()


def prices() -> Iterator[Price]:
    for book in (load().tool_prices, *(p.prices for p in load().providers.values())):
        yield from book.rows.values()


def provider(id: str) -> Provider:
    return load().providers[id]


@pytest.mark.parametrize("id", PROVIDERS)
def test_a_provider_plays_every_role(id: str) -> None:
    assert {s.role for s in provider(id).services.values()} == ROLES
    kinds = {s.kind for s in provider(id).serving("compute")}
    assert kinds == {"kubernetes", "containers", "functions", "vms"}
    assert {s.kind for s in provider(id).serving("database")} == {"relational", "relational-cluster", "nosql"}


@pytest.mark.parametrize("id", PROVIDERS)
def test_a_provider_publishes_the_facts_that_formulas_use(id: str) -> None:
    assert set(provider(id).facts) >= FACTS
    for name, fact in provider(id).facts.items():
        assert fact.value is None or fact.value > 0, name
        assert fact.source, name
        assert DATE.fullmatch(fact.as_of), name


def slas() -> Iterator[tuple[str, Sla]]:
    for service in services():
        for sla in service.slas:
            yield service.id, sla


@pytest.mark.parametrize(("id", "sla"), [pytest.param(id, s, id=f"{id}-{s.form}") for id, s in slas()])
def test_an_sla_is_a_promise_with_a_source_and_a_date_or_says_that_there_is_none(id: str, sla: Sla) -> None:
    assert sla.form in FORMS
    assert sla.source
    assert DATE.fullmatch(sla.as_of)
    assert sla.note if sla.pct is None else 99 <= sla.pct <= 100


def test_every_service_states_its_promise_once_a_form() -> None:
    for service in services():
        forms = Counter(sla.form for sla in service.slas)
        assert forms or service.id == "users", service.id
        assert max(forms.values(), default=1) == 1, service.id


@pytest.mark.parametrize("id", PROVIDERS)
def test_a_redundant_form_never_promises_less(id: str) -> None:
    for service in provider(id).services.values():
        known = {sla.form: sla.pct for sla in service.slas if sla.pct is not None}
        ranked = (("single", "zonal"), ("zonal", "multi-zone"), ("single", "multi-zone"), ("regional", "multi-region"))
        for weak, strong in ranked:
            assert known.get(weak, 0) <= known.get(strong, 100), f"{service.id}: {weak} against {strong}"


@pytest.mark.parametrize("service", [pytest.param(s, id=f"{s.provider}-{s.id}") for s in services()])
def test_a_service_has_an_icon_a_page_and_a_place_in_the_network(service: Service) -> None:
    module, _, name = service.icon.rpartition(".")
    assert hasattr(import_module(f"diagrams.{module}"), name), service.icon
    assert service.url.startswith("https://")
    assert 0 <= service.port < 65_536, "0 = it takes no connections"
    assert service.title == service.title.strip() != ""
    if service.ratings is not None:
        ratings = service.ratings
        values = (ratings.cost, ratings.resilience, ratings.performance, ratings.simplicity, ratings.portability)
        assert all(0 <= value <= 10 for value in values)
        assert ratings.why.endswith(".")


def test_every_price_has_a_unit_a_source_and_a_date() -> None:
    for price in prices():
        assert price.unit, price.item
        assert price.source, price.item
        assert DATE.fullmatch(price.as_of), f"{price.item}: {price.as_of}"
        assert price.usd >= 0, price.item
        assert price.usd > 0 or "no charge" in price.note, f"{price.item} is free, and its source does not say so"


def test_a_commitment_costs_less_than_none_and_a_longer_one_less_than_a_shorter() -> None:
    for id in PROVIDERS:
        rows = provider(id).prices.rows
        for (item, region, term), price in rows.items():
            on_demand, one_year = rows.get((item, region, "")), rows.get((item, region, "1y"))
            if term and on_demand:
                assert price.usd < on_demand.usd, f"{item} in {region}, {term}"
            if term == "3y" and one_year:
                assert price.usd < one_year.usd, f"{item} in {region}"


def test_prices_are_of_regions_that_exist() -> None:
    for id in PROVIDERS:
        regions = {"*", *provider(id).regions}
        assert {price.region for price in provider(id).prices.rows.values()} <= regions


@pytest.mark.parametrize("id", PROVIDERS)
def test_every_size_a_service_can_take_has_a_price_in_the_reference_region(id: str) -> None:
    p = provider(id)
    for service in p.services.values():
        items = [d.item for d in service.dimensions if "{sku}" in d.item]
        assert bool(items) == bool(service.skus), service.id
        sizes = [i for i in p.instances.values() if i.kind == service.skus]
        assert sizes or not service.skus, service.id
        for item in items:
            for size in sizes:
                if service.skus == "compute" and size.arch == "arm" and "arm" not in service.features:
                    continue
                assert p.prices.has(item.replace("{sku}", size.sku), p.prices.reference_region), f"{item} {size.sku}"


NOT_KNOWN = set[str]()  # prices that nobody published where we could find them


@pytest.mark.parametrize("id", PROVIDERS)
def test_every_other_item_has_a_price_or_is_known_not_to(id: str) -> None:
    p = provider(id)
    items = {d.item for s in p.services.values() for d in s.dimensions if "{sku}" not in d.item}
    missing = {item for item in items if not p.prices.has(item, p.prices.reference_region)}
    assert missing <= NOT_KNOWN


def test_every_tool_that_bills_has_its_prices() -> None:
    for tool in load().tools.values():
        for dimension in tool.dimensions:
            if not dimension.item.startswith("compute/"):
                assert load().tool_prices.has(dimension.item, "*"), dimension.item


def test_a_service_that_bills_nothing_says_that_it_is_free() -> None:
    for id in PROVIDERS:
        for service in provider(id).services.values():
            assert service.dimensions or "free" in service.features, service.id


def test_no_price_is_kept_for_what_nothing_bills() -> None:
    used = {d.item for s in services() for d in s.dimensions}
    for price in prices():
        hosted = price.item.startswith(("compute/", "database/", "cache/"))
        assert hosted or price.item in used | SPARE, price.item


SPARE = {  # for comparison
    "blob-storage/archive", "cloud-storage/archive", "cosmos-db/autoscale", "cosmos-db/provisioned",
    "github-actions/linux_arm_minute", "s3/storage-archive",
}  # fmt: skip


@pytest.mark.parametrize("id", PROVIDERS)
def test_regions_are_sane(id: str) -> None:
    p = provider(id)
    assert p.default_region in p.regions
    assert p.regions[p.default_region].zones >= 3
    for region in p.regions.values():
        assert 1 <= region.zones <= 6, region.id
        assert re.fullmatch(r"[A-Z]{2}", region.country), region.id
        assert region.pair != region.id
        assert region.pair in ("", *p.regions), region.id
        if region.pair:
            same = [r for r in p.regions.values() if r.jurisdiction == region.jurisdiction and r.id != region.id]
            assert p.regions[region.pair].jurisdiction == region.jurisdiction or not same, region.id
        if region.grid.value is not None:
            assert 0 < region.grid.value < 1500, region.id
            assert region.grid.source
            assert DATE.fullmatch(region.grid.as_of), region.id


def test_every_jurisdiction_that_can_be_asked_for_has_a_region_somewhere() -> None:
    asked = next(spec.choices for spec in field_specs() if spec.name == "data_residency")
    held = {region.jurisdiction for id in PROVIDERS for region in provider(id).regions.values()}
    assert set(asked) - {"none"} <= held


@pytest.mark.parametrize("id", PROVIDERS)
def test_sizes_are_sane(id: str) -> None:
    for size in provider(id).instances.values():
        assert size.family in ("general", "compute", "memory", "burstable"), size.sku
        assert size.arch in ("x86", "arm"), size.sku
        assert 0 < size.vcpu <= 128, size.sku
        assert 0 < size.memory_gib <= 1024, size.sku
        assert size.max_pods is None or size.max_pods > 0, size.sku


def test_every_assumption_is_defended_and_used() -> None:
    code = "".join(p.read_text("utf-8") for p in Path(devops_workbook.__file__).parent.glob("**/*.py"))
    for name, fact in load().assumptions.items():
        assert fact.value is not None, name
        assert fact.value > 0, name
        assert len(fact.source) > len("design assumption: ") + 10, name
        assert f'"{name}"' in code, f"nothing uses the assumption {name}"


# Names of facts and limits that the code puts together, such as "start_seconds_containers".
PUT_TOGETHER = re.compile(
    r"start_seconds_\w+|storage_copies_\w+|storage_wh_per_tb_hour_\w+|\w+_per_address|\w+_platform_addresses"
    r"|connections_to_[\d.]+_gib|reserved_(cpu|memory)_pct_\w+"
)


def test_every_fact_and_limit_is_read() -> None:
    code = "".join(p.read_text("utf-8") for p in Path(devops_workbook.__file__).parent.glob("**/*.py"))
    names = {name for service in services() for name in service.limits}
    names |= {name for id in PROVIDERS for name in provider(id).facts}
    assert {name for name in names if f'"{name}"' not in code and not PUT_TOGETHER.fullmatch(name)} == set()


def test_the_format_names_every_limit_usage_and_feature_that_is_looked_for() -> None:
    text = Path(devops_workbook.__file__).parent.joinpath("catalog", "FORMAT.md").read_text("utf-8")
    names = {re.sub(r"[\d.]+_gib$", "<gib>_gib", n) if n.startswith("connections_to") else n
             for service in services() for n in service.limits}  # fmt: skip
    names = {re.sub(r"^reserved_(cpu|memory)_pct", "", name) for name in names}
    names |= {dimension.per for service in services() for dimension in service.dimensions}
    names |= {feature for id in PROVIDERS for service in provider(id).services.values() for feature in service.features}
    assert {name for name in names if name not in text} == set()
