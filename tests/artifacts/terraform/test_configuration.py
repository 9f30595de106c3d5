"""Modules and the environments that call them: the same code everywhere, other values."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.configuration import (
    Configuration,
    Once,
    environments,
    modules,
    standalone,
    traces,
)
from devops_workbook.artifacts.terraform.hcl import Block, raw
from devops_workbook.artifacts.terraform.module import Module, ProviderSource, Variable
from devops_workbook.evaluate import evaluate
from devops_workbook.scenario import examples, load

B = Blueprint.of(evaluate(load(examples()["payments-api"]).requirements))
AWS = (ProviderSource("aws", "hashicorp/aws", ">= 5.90, < 6.0"),)


def _network(site: Site) -> Module:
    passed = {"aws": "aws.second"} if site.suffix else {}
    m = Module("network", "Network", ("One VPC.",), AWS, site, B.present(site), passed)
    cidr = m.variable(
        "cidr", "string", "Block of the network.", B.at(site, lambda e: B.network(e.environment, site.region.id).cidr),
        why="the address plan", checks=[("can(cidrhost(var.cidr, 0))", "cidr must be an IPv4 block.")],
    )  # fmt: skip
    name = m.variable("name", "string", "Prefix of names.", raw("local.name"))
    vpc = m.resource("aws_vpc", "this", "network", cidr_block=cidr, tags={"Name": name})
    m.output("network_id", vpc.id, "The network.", exported=True)
    return m


def _compute(site: Site, network: Module) -> Module:
    m = Module("compute", "Compute", ("Instances.",), AWS, site, B.present(site))
    ids = m.variable("network_id", "string", "Where it runs.", network.wire("network_id"))
    most = m.variable("maximum", "number", "Most.", B.sized(site.id("compute"), lambda s: s.maximum))
    zones = m.variable("retention_days", "number", "Days logs are kept.", B.requirements.log_retention_days)
    m.resource("aws_thing", "this", "compute", network=ids, maximum=most, days=zones)
    return m


def _configuration() -> Configuration:
    networks = [_network(site) for site in B.sites]
    calls = [*networks, *(_compute(site, network) for site, network in zip(B.sites, networks, strict=True))]
    environment = Variable("environment", "string", "Which.", B.each(lambda e: e.environment), "", (), nullable=False)
    backend = {e.environment: ("s3", {"key": e.environment}) for e in B.environments}
    return Configuration(tuple(calls), (environment,), {"name": "x"}, (Block("provider", ("aws",), {}),), AWS, backend)


@pytest.fixture(scope="module")
def files() -> Mapping[str, str]:
    c = _configuration()
    return {a.path: a.text for a in (*modules(c.calls), *environments(B, c))}


ROOTS = ("production", "staging", "dev")


def test_environments_differ_only_in_values_and_in_where_their_state_lies(files: Mapping[str, str]) -> None:
    for name in ("main.tf", "variables.tf", "outputs.tf", "providers.tf", "versions.tf"):
        assert len({files[f"infrastructure/environments/{root}/{name}"] for root in ROOTS}) == 1
    for name in ("terraform.tfvars", "backend.tf"):
        assert len({files[f"infrastructure/environments/{root}/{name}"] for root in ROOTS}) == 3


def test_what_differs_is_a_variable_and_what_does_not_is_written_down(files: Mapping[str, str]) -> None:
    main = files["infrastructure/environments/dev/main.tf"]
    assert "maximum        = var.compute_maximum" in main
    assert f"retention_days = {B.requirements.log_retention_days}" in main
    assert "compute_maximum   = 33" in files["infrastructure/environments/production/terraform.tfvars"]
    assert "compute_maximum   = 1" in files["infrastructure/environments/dev/terraform.tfvars"]


def test_a_site_that_an_environment_goes_without_is_not_called(files: Mapping[str, str]) -> None:
    main = files["infrastructure/environments/dev/main.tf"]
    assert "count = var.network_2_enabled ? 1 : 0" in main
    assert "network_id     = module.network.network_id" in main
    assert "network_id     = one(module.network_2[*].network_id)" in main
    tfvars = files["infrastructure/environments/dev/terraform.tfvars"]
    assert "network_2_enabled = false" in tfvars
    assert "network_2_cidr" not in tfvars


def test_a_value_carries_its_reason(files: Mapping[str, str]) -> None:
    tfvars = files["infrastructure/environments/dev/terraform.tfvars"]
    assert "# the address plan\nnetwork_cidr" in tfvars


def test_both_sites_share_a_module_only_if_they_are_built_alike() -> None:
    one, other = (_network(site) for site in B.sites)
    other.resource("aws_vpc", "more", "network", cidr_block="10.0.0.0/16")
    with pytest.raises(ValueError, match=r"modules/network/main\.tf differs between two calls"):
        list(modules([one, other]))


def test_every_resource_is_traced_in_every_environment_that_has_it() -> None:
    found = {(t.root.rpartition("/")[2], t.address, t.component) for t in traces(B, _configuration())}
    assert ("production", "module.compute_2.aws_thing.this", "compute-2") in found
    assert ("dev", "module.compute.aws_thing.this", "compute") in found
    assert not any(root == "dev" and component == "compute-2" for root, _, component in found)


def test_a_resource_of_a_component_that_is_not_there_is_refused() -> None:
    m = _network(B.sites[0])
    m.resource("aws_vpc", "other", "nothing")
    c = Configuration((m,), (), {}, (), AWS, {})
    with pytest.raises(ValueError, match="implements nothing, which the design does not have"):
        list(traces(B, c))


def test_what_is_applied_once_has_its_values_beside_it() -> None:
    m = Module("bootstrap", "State", ("Storage for the state.",), AWS)
    bucket = m.variable("bucket", "string", "Its name.", "state-1", why="unique in the world")
    m.resource("aws_s3_bucket", "state", "services", bucket=bucket)
    found, traced = standalone(B, Once(m, (Block("provider", ("aws",), {"region": "us-east-1"}),)))
    texts = {a.path: a.text for a in found}
    assert texts["infrastructure/bootstrap/terraform.tfvars"] == '# unique in the world\nbucket = "state-1"\n'
    assert "infrastructure/bootstrap/backend.tf" not in texts
    assert [t.address for t in traced] == ["aws_s3_bucket.state"]


def test_a_module_says_what_it_takes_builds_and_gives(files: Mapping[str, str]) -> None:
    readme = files["infrastructure/modules/network/README.md"]
    for told in ("# Network", "| `aws_vpc.this` | network |", "| `cidr` | Block of the network. | `string` |",
                 "| `network_id` | The network. |", "| aws | `>= 5.90, < 6.0` |"):  # fmt: skip
        assert told in readme


def test_a_module_has_a_resource_once() -> None:
    m = Module("queue", "Queue", ("A queue.",), AWS)
    m.resource("aws_sqs_queue", "this", "queue")
    m.resource("aws_sqs_queue", "failed", "queue")
    with pytest.raises(ValueError, match=r"has two resources aws_sqs_queue\.this"):
        m.resource("aws_sqs_queue", "this", "queue")
