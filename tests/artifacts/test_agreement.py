"""The code says what the plan says: every component is built or has a reason, and the numbers are the same numbers.

The mutations at the end change one number of the plan after the code was made, and each must be noticed.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint
from devops_workbook.artifacts.repository import COMPONENTS, Repository
from devops_workbook.catalog import load as load_catalog
from devops_workbook.evaluate import Evaluation
from tests.artifacts.infrastructure import CASES, called, code, declared, design, leaves, passed, texts

_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "100.64.0.0/10")))
_COMPANY = {"10.0.0.0/8"}  # stands in for the networks of a company, where only those may come in
_CIDR = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}/\d{1,2}\b")


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def case(request: pytest.FixtureRequest) -> tuple[Evaluation, Repository]:
    return design(*request.param), code(*request.param)


# --- what implements what --------------------------------------------------------------------------------


def test_every_component_is_built_or_has_a_reason(case: tuple[Evaluation, Repository]) -> None:
    evaluation, made = case
    account = json.loads(texts(made)[COMPONENTS])["components"]
    assert set(account) == {c.id for c in evaluation.topology.components}
    for id, entry in account.items():
        assert bool(entry["resources"]) != bool(entry.get("why_none")), id


def test_every_resource_implements_a_part_of_the_design(case: tuple[Evaluation, Repository]) -> None:
    evaluation, made = case
    parts = {x.id for x in (*evaluation.topology.components, *evaluation.topology.boundaries)}
    traced = {(t.path, (t.type, t.address.rpartition(".")[2])) for t in made.infrastructure.traces}
    written = {(path, resource) for path, resources in declared(made).items() for resource in resources}
    assert traced == written
    assert {t.component for t in made.infrastructure.traces} <= parts


def test_every_resource_names_its_component_in_the_code(case: tuple[Evaluation, Repository]) -> None:
    _, made = case
    files = texts(made)
    for path, resources in declared(made).items():
        assert len(re.findall(r"^# component: \S", files[path], re.MULTILINE)) >= len(resources), path


# --- the same numbers ------------------------------------------------------------------------------------


def addresses(evaluation: Evaluation, made: Repository) -> Iterator[str]:
    """Blocks that the plan has and an environment does not pass to a module, and the other way round."""
    for deployment in evaluation.deployments:
        networks = [n for n in evaluation.topology.addresses.networks
                    if n.environment == deployment.environment and n.region in deployment.regions]  # fmt: skip
        planned = {n.cidr for n in networks} | {s.cidr for n in networks for s in n.subnets}
        ranges = {r for n in networks for r in (n.pods, n.services) if r}
        found = {
            cidr
            for value in leaves(passed(made, deployment.environment))
            for cidr in _CIDR.findall(str(value))
            if any(ipaddress.ip_network(cidr, strict=False).subnet_of(p) for p in _PRIVATE)  # type: ignore[arg-type]
        }
        yield from (f"{deployment.environment}: {cidr} is not in the code" for cidr in planned - found)
        inside = {c for c in found - planned - ranges - _COMPANY if not _within(c, planned)}
        yield from (f"{deployment.environment}: {cidr} is not in the plan" for cidr in inside)


def _within(cidr: str, planned: set[str]) -> bool:
    """Whether a block is a part of one that was planned, as a subnet that a service wants for itself."""
    block = ipaddress.ip_network(cidr)
    return any(block.subnet_of(ipaddress.ip_network(p)) for p in planned)  # type: ignore[arg-type]


def sizes(evaluation: Evaluation, made: Repository) -> Iterator[str]:
    """Machine sizes of the plan that an environment does not ask for, and sizes it asks for that are not planned."""
    known = set(load_catalog().providers[evaluation.requirements.provider].instances)
    for deployment in evaluation.deployments:
        planned = {s.sku for s in deployment.sizes.values() if s.sku and s.maximum}
        values = {str(v) for v in leaves(passed(made, deployment.environment))}
        text = " ".join([called(made, deployment.environment), *values])
        found = {sku for sku in known if f'"{sku}"' in text or sku in values}
        yield from (f"{deployment.environment}: {sku} is not in the code" for sku in planned if sku not in text)
        yield from (f"{deployment.environment}: {sku} is not in the plan" for sku in found - planned)


def counts(evaluation: Evaluation, made: Repository) -> Iterator[str]:
    """The compute's limits in each environment, and how many of each tool's machines there are."""
    for deployment in evaluation.deployments:
        calls = passed(made, deployment.environment)
        for id in ("compute", "compute-2"):
            if size := deployment.sizes.get(id):
                call = calls[id.replace("-", "_")]
                service = evaluation.topology.component(id).service
                most = max(size.maximum, _LEAST_CEILING.get(service, 0))
                for name, wanted in (("minimum", size.minimum), ("maximum", most)):
                    if call.get(name, wanted) != wanted or not _limits(call):
                        yield f"{deployment.environment}: {id} has {name} {call.get(name)}, planned {wanted}"


# The lowest ceiling that a provider lets anybody set: azurerm 4.55 checks maximum_instance_count for 40 to 1000.
_LEAST_CEILING = {"azure-functions": 40}


def _limits(call: Mapping[str, Any]) -> bool:
    return "maximum" in call


def regions(evaluation: Evaluation, made: Repository) -> Iterator[str]:
    """Regions that the design does not use, in what environments pass and how providers are set up."""
    known = set(load_catalog().providers[evaluation.requirements.provider].regions)
    used = {c.region for c in evaluation.topology.components if c.region}
    files = texts(made)
    for deployment in evaluation.deployments:
        folder = f"infrastructure/environments/{FOLDERS[deployment.environment]}"
        text = " ".join(text for path, text in files.items() if path.startswith(folder))
        found = {word for word in re.findall(r"[a-z0-9-]+", text) if word in known}
        foreign = found - used - _GLOBAL.get(evaluation.requirements.provider, set())
        yield from (f"{deployment.environment}: {region} is no region of the design" for region in foreign)
        if evaluation.deployments[0].regions[0] not in found:
            yield f"{deployment.environment}: the region is not in the code"


_GLOBAL = {"aws": {"us-east-1"}}  # what CloudFront and Route 53 read from there alone


def budgets(evaluation: Evaluation, made: Repository) -> Iterator[str]:
    """Budgets of the environments that are not those of the plan."""
    for environment, usd in Blueprint.of(evaluation).budgets_usd.values.items():
        if usd not in set(leaves(passed(made, environment).get("budgets", {}))):
            yield f"{environment}: a budget of {usd} is not in the code"


HELD: tuple[Callable[[Evaluation, Repository], Iterator[str]], ...] = (addresses, sizes, counts, regions, budgets)


@pytest.mark.parametrize("held", HELD, ids=lambda f: f.__name__)
def test_plan_and_code_agree(
    case: tuple[Evaluation, Repository], held: Callable[[Evaluation, Repository], Iterator[str]]
) -> None:
    assert list(held(*case)) == []


# --- and a difference is noticed -------------------------------------------------------------------------


def _size(evaluation: Evaluation, **change: Any) -> Evaluation:
    first, *others = evaluation.deployments
    sizes = {**first.sizes, "compute": replace(first.sizes["compute"], **change)}
    return replace(evaluation, deployments=(replace(first, sizes=sizes), *others))


def _subnet(evaluation: Evaluation) -> Evaluation:
    topology = evaluation.topology
    first, *others = topology.addresses.networks
    subnets = (replace(first.subnets[0], cidr="10.255.0.0/24"), *first.subnets[1:])
    plan = replace(topology.addresses, networks=(replace(first, subnets=subnets), *others))
    return replace(evaluation, topology=replace(topology, addresses=plan))


def _budget(evaluation: Evaluation) -> Evaluation:
    cost = evaluation.assessment.cost
    raised = [replace(e, monthly_usd=e.monthly_usd * (2 if e.id == "staging" else 1)) for e in cost.environments]
    return replace(
        evaluation, assessment=replace(evaluation.assessment, cost=replace(cost, environments=tuple(raised)))
    )


def _region(evaluation: Evaluation) -> Evaluation:
    first, *others = evaluation.deployments
    return replace(evaluation, deployments=(replace(first, regions=("mars-1", *first.regions[1:])), *others))


MUTATIONS: dict[str, Callable[[Evaluation], Evaluation]] = {
    "one machine more at the most": lambda e: _size(e, maximum=e.deployments[0].sizes["compute"].maximum + 1),
    "one machine more at the least": lambda e: _size(e, minimum=e.deployments[0].sizes["compute"].minimum + 1),
    "another size": lambda e: _size(e, sku="m9z.colossal"),
    "another subnet": _subnet,
    "another budget": _budget,
    "another region": _region,
}


@pytest.mark.parametrize("provider", ["aws", "gcp", "azure"])
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_number_that_differs_is_noticed(provider: str, mutation: str) -> None:
    changed = MUTATIONS[mutation](design("payments-api", provider))
    assert [told for held in HELD for told in held(changed, code("payments-api", provider))]
