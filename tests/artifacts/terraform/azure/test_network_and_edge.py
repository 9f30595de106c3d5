"""The network of an Azure design, its rules, its entry and names, and what is built once for all environments."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from functools import cache

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.model import Infrastructure
from devops_workbook.artifacts.terraform import terraform
from devops_workbook.artifacts.terraform.azure import TO_SET, configuration
from devops_workbook.artifacts.terraform.azure.flows import rules
from devops_workbook.artifacts.terraform.azure.layout import fronted, kind_of, part, tiers
from devops_workbook.artifacts.terraform.azure.oversight import INITIATIVES
from devops_workbook.evaluate import evaluate
from devops_workbook.scenario import examples, load

_HOSTILE = 'Ünïcode "q" ${var.x} %{ if } \\ ' + "long " * 34


@cache
def blueprint(scenario: str, *overrides: str, **requirements: object) -> Blueprint:
    """An example scenario on Azure; overrides as "field=option"."""
    r = load(examples()[scenario]).requirements
    chosen = {**r.overrides, **dict(o.split("=") for o in overrides)}
    changes = {"provider": "azure", "region": "", "secondary_region": "", "overrides": chosen, **requirements}
    return Blueprint.of(evaluate(type(r).model_validate({**r.model_dump(), **changes})))


@cache
def built(scenario: str, *overrides: str, **requirements: object) -> Infrastructure:
    return terraform(blueprint(scenario, *overrides, **requirements))


def text(infrastructure: Infrastructure, path: str) -> str:
    """All files below infrastructure/<path>, one after another."""
    return "\n".join(a.text for a in infrastructure.artifacts if a.path.startswith(f"infrastructure/{path}"))


# --- addresses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", sorted(examples()))
def test_every_block_of_the_plan_is_in_the_values_of_its_environment(scenario: str):
    b, found = blueprint(scenario), built(scenario)
    for folder, environment in (("production", "production"), ("dev", "development")):
        values = text(found, f"environments/{folder}/terraform.tfvars")
        network = b.network(environment, b.sites[0].region.id)
        assert f'network_cidr = "{network.cidr}"' in re.sub(" +", " ", values)
        for subnet in network.subnets:
            assert f'"{subnet.cidr}"' in values


@pytest.mark.parametrize("network", ["two-tier", "three-tier"])
def test_subnets_are_parts_of_the_plans_blocks_and_do_not_overlap(network: str):
    b = blueprint("payments-api", f"infrastructure.network={network}", compliance=(), data_sensitivity="internal")
    assert b.choice("infrastructure.network") == network
    region = b.sites[0].region.id
    blocks = {t: ipaddress.ip_network(c) for t, c in tiers(b, "production", region).items()}
    cut = {s: ipaddress.ip_network(part(b, "production", region, s)) for s in ("public", "app", "tools", "data")}
    assert all(any(subnet.subnet_of(block) for block in blocks.values()) for subnet in cut.values())
    assert not any(a.overlaps(c) for x, a in cut.items() for y, c in cut.items() if x != y)
    needed = next(s.needed for s in b.network("production", region).subnets if s.tier == "app")
    assert cut["app"].num_addresses >= needed


def test_compute_that_azure_manages_has_its_subnet_to_itself():
    code = text(built("hospital-records"), "modules/network/subnets.tf")
    app = code.split('resource "azurerm_subnet" "app"')[1].split("\n}\n")[0]
    assert kind_of(blueprint("hospital-records")) == "containers"
    assert "Microsoft.App/environments" in app
    assert code.count("service_delegation {") == 1


def test_there_are_as_many_nat_gateways_as_zones():
    found = built("hospital-records")
    assert re.search(r'network_nat_zones += \["1", "2", "3"\]', text(found, "environments/production/terraform.tfvars"))
    assert re.search(r'network_nat_zones +=? *\["1"\]', text(found, "environments/dev/terraform.tfvars"))


# --- rules -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", sorted(examples()))
def test_everything_is_closed_last(scenario: str):
    b = blueprint(scenario)
    for site in b.sites:
        found = rules(b, site)
        closed = {(r["subnet"], r["direction"]) for r in found.values() if r["access"] == "Deny"}
        assert closed == {(s, d) for s in ("public", "app", "tools", "data") for d in ("Inbound", "Outbound")}
        assert all(r["priority"] == 4096 for r in found.values() if r["access"] == "Deny")
        turns = Counter((r["subnet"], r["direction"], r["priority"]) for r in found.values())
        assert max(turns.values()) == 1


@pytest.mark.parametrize("scenario", sorted(examples()))
def test_azure_takes_every_rule(scenario: str):
    b = blueprint(scenario)
    for site in b.sites:
        found = rules(b, site)
        ends = Counter((r["subnet"], r["direction"], r["source"], r["target"], tuple(r["ports"]), r["protocol"])
                       for r in found.values())  # fmt: skip
        assert max(ends.values()) == 1, "two rules with the same ends"
        for name, rule in found.items():
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,78}[A-Za-z0-9_]", name)
            assert 0 < len(rule["why"]) <= 140


def test_a_connection_is_a_rule_at_both_ends():
    b = blueprint("hospital-records")
    found = rules(b, b.sites[0])
    assert found["public-out-public-app"]["ports"] == ["443"], "Container Apps answer on 443"
    assert found["app-in-public-app"]["why"] == found["public-out-public-app"]["why"] == "entry to compute: HTTPS"
    assert found["app-out-app-data"]["ports"] == ["1433"]
    assert found["data-in-app-data"]["ports"] == ["1433"]


def test_nothing_reaches_data_but_what_a_connection_names():
    b = blueprint("payments-api")
    inward = (r for r in rules(b, b.sites[0]).values() if (r["subnet"], r["direction"]) == ("data", "Inbound"))
    sources = {r["source"] for r in inward}
    assert sources <= {"*", "compute", "app", "public", *(c.id for c in b.topology.components)}
    assert "Internet" not in sources


def test_the_internet_reaches_the_entry_and_nothing_else():
    for scenario in examples():
        b = blueprint(scenario)
        inward = [
            r
            for s in b.sites
            for r in rules(b, s).values()
            if r["direction"] == "Inbound" and r["access"] == "Allow" and r["source"] in ("Internet", "*")
        ]
        assert {r["subnet"] for r in inward} <= {"public"}
        assert {tuple(r["ports"]) for r in inward} <= {("443",)}


def test_only_front_door_reaches_an_entry_behind_it():
    b = blueprint("media-site")
    assert fronted(b)
    sources = {r["source"] for r in rules(b, b.sites[0]).values() if r["subnet"] == "public" and "443" in r["ports"]}
    assert "AzureFrontDoor.Backend" in sources
    assert "Internet" not in sources
    assert "X-Azure-FDID" in text(built("media-site"), "modules/edge/")


def test_the_second_site_reaches_the_collector_over_a_peering():
    b, found = blueprint("hospital-records"), built("hospital-records")
    first, second = (rules(b, site) for site in b.sites)
    assert any(r["source"] == "peer-app" and r["target"] == "collector" for r in first.values())
    assert any(r["target"] == "peer-tools" and r["ports"] == ["4317"] for r in second.values())
    assert text(found, "modules/peering/").count('resource "azurerm_virtual_network_peering"') == 2


def test_both_sites_share_the_code_of_network_security_and_edge():
    calls = configuration(blueprint("payments-api")).calls
    folders = Counter(m.folder for m in calls)
    assert folders["network"] == folders["security"] == folders["edge"] == folders["group"] == 2


# --- entry and names -------------------------------------------------------------------------------------


def test_the_firewall_stands_where_the_design_draws_it():
    gateway, management = text(built("iot-ingest"), "modules/"), text(built("payments-api"), "modules/")
    assert "azurerm_web_application_firewall_policy" in gateway
    assert 'name = "WAF_v2"' in gateway
    assert "azurerm_cdn_frontdoor_profile" not in gateway
    assert "azurerm_cdn_frontdoor_firewall_policy" in management
    assert "Premium_AzureFrontDoor" in management


def test_a_design_without_a_firewall_has_none():
    code = text(built("hospital-records"), "modules/")
    assert "Standard_v2" in code
    assert "firewall_policy" not in code


def test_api_management_reaches_into_the_network_unless_its_target_is_open():
    assert '"StandardV2_1"' in text(built("payments-api"), "modules/edge/")
    assert '"Consumption_0"' in text(built("back-office"), "modules/edge/")


def test_work_is_put_into_the_queue_in_the_entrys_own_name():
    code = text(built("back-office"), "modules/edge/")
    assert "authentication-managed-identity" in code
    assert "Azure Service Bus Data Sender" in code
    assert 'toset(["POST"])' in code


def test_two_sites_without_front_door_are_chosen_between_by_traffic_manager():
    plain = ("scaling.caching=none", "scaling.load_balancing=application")
    passive = text(built("hospital-records", *plain, public_facing=True), "modules/front/")
    both = (*plain, "disaster_recovery.high_availability=active-active")
    active = text(built("hospital-records", *both, public_facing=True), "modules/front/")
    assert re.search('traffic_routing_method += "Priority"', passive)
    assert re.search('traffic_routing_method += "Performance"', active)
    assert re.search(r"ttl += 60", passive)


def test_a_manual_failover_waits_for_a_person():
    found = built("hospital-records")
    values = "environments/production/terraform.tfvars"
    assert re.search(r"second_site_serves += false", text(found, values))
    assert re.search(r"second_site_serves += true", text(built("payments-api"), values))


def test_a_private_entry_has_a_private_name_and_no_public_listener():
    found = built("hospital-records", public_facing=False)
    assert 'frontend_ip_configuration_name = "private"' in text(found, "modules/edge/")
    front = text(found, "modules/front/")
    assert "azurerm_private_dns_zone" in front
    assert "azurerm_dns_zone" not in front
    values = text(found, "environments/production/terraform.tfvars")
    assert "client_ranges" in values
    assert re.search(r"second_site_serves += false", values), "nothing looks after a private entry"


def test_every_entry_speaks_tls_alone():
    for scenario in examples():
        code = text(built(scenario), "modules/edge/")
        assert 'Http"' not in code.replace('Https"', "")
        assert '"http"' not in code.replace('protocol            = "http"', "")


# --- vaults ----------------------------------------------------------------------------------------------


def test_vaults_can_be_neither_purged_nor_entered_by_policy():
    for scenario in examples():
        code = text(built(scenario), "")
        vaults = code.count('resource "azurerm_key_vault" ')
        assert vaults > 0
        for line in ("purge_protection_enabled", "rbac_authorization_enabled"):
            assert len(re.findall(rf"{line} += true", code)) == vaults


def test_keys_are_in_hardware_where_the_requirements_ask():
    hsm = text(built("payments-api", "infrastructure.security=hsm-backed-keys"), "modules/security/")
    plain = text(built("payments-api", "infrastructure.security=customer-managed-keys"), "modules/security/")
    assert '"RSA-HSM"' in hsm
    assert '"premium"' in hsm
    assert '"RSA-HSM"' not in plain
    assert "rotation_policy" in plain


def test_without_keys_of_ones_own_there_are_none():
    code = text(built("media-site"), "")
    assert "azurerm_key_vault_key" not in code
    assert "azurerm_disk_encryption_set" not in code


def test_there_are_as_many_keys_as_the_plan_counts():
    b = blueprint("payments-api")
    code = text(built("payments-api"), "modules/security/")
    uses = re.search(r'azurerm_key_vault_key" "this" \{.*?toset\((\[.*?\])\)', code, re.DOTALL)
    assert uses
    assert uses.group(1).count(",") + 1 == b.component("keys").usage["keys"]


def test_nothing_generated_writes_a_secret():
    for scenario in examples():
        code = text(built(scenario), "")
        assert "azurerm_key_vault_secret" not in code.replace("azurerm_key_vault_secrets", "")
        assert not re.search(r"\b(password|secret_value|client_secret) += \"", code)


@pytest.mark.parametrize("scenario", ["payments-api", "iot-ingest", "startup-web-shop"])
def test_endpoints_are_as_many_as_the_plan_counts(scenario: str):
    b = blueprint(scenario)
    of = (t for t in built(scenario).traces if t.type == "azurerm_private_endpoint" and t.root.endswith("/production"))
    assert Counter(t.component for t in of)["endpoints"] == b.component("endpoints").count


# --- oversight, budgets, once ----------------------------------------------------------------------------


def test_each_framework_with_an_initiative_is_assigned():
    b = blueprint("payments-api")
    code = text(built("payments-api"), "modules/oversight/")
    for framework in b.requirements.compliance:
        assert INITIATIVES[framework] in code
    assert b.sites[0].region.id in code
    assert b.sites[1].region.id in code


def test_the_budget_is_the_plans():
    b = blueprint("payments-api")
    for folder, environment in (("production", "production"), ("dev", "development")):
        values = text(built("payments-api"), f"environments/{folder}/terraform.tfvars")
        assert re.search(rf"budgets_budget_usd += {b.budgets_usd.values[environment]}$", values, re.MULTILINE)


def test_state_has_a_container_for_each_environment():
    found = built("payments-api")
    bootstrap = text(found, "bootstrap/")
    for folder, container in (("production", "prod"), ("staging", "stg"), ("dev", "dev")):
        backend = text(found, f"environments/{folder}/backend.tf")
        assert re.search(rf'container_name += "{container}"', backend)
        assert f'"{container}"' in bootstrap
    assert re.search(r"shared_access_key_enabled += false", bootstrap)
    assert re.search(r"versioning_enabled += true", bootstrap)


@pytest.mark.parametrize(
    ("platform", "issuer"),
    [("github-actions", "https://token.actions.githubusercontent.com"), ("gitlab-ci", "https://gitlab.com"),
     ("jenkins", "https://jenkins.example.com/oidc")],
)  # fmt: skip
def test_the_pipeline_shows_a_token_and_holds_no_key(platform: str, issuer: str):
    host = "gitlab" if platform == "gitlab-ci" else "github"
    found = built("payments-api", f"cicd.platform={platform}", source_host=host)
    shared = text(found, "shared/")
    assert f'"{issuer}"' in shared
    assert "azurerm_federated_identity_credential" in shared
    assert '"azuread' not in shared


def test_the_pipeline_may_give_no_right_to_give_rights():
    shared = text(built("payments-api"), "shared/")
    assert '"Owner"' not in shared
    assert "GuidNotEquals {8e3af657-a8ff-443c-a75c-2fe8c4bcb635" in shared


# --- names and tags --------------------------------------------------------------------------------------

_LIMITS = {
    "_vault": r"[a-z][a-z0-9]{2,23}", "_account": r"[a-z0-9]{3,24}", "api_name": r"[a-z][a-z0-9]{0,49}",
    "firewall_name": r"[a-z][a-z0-9]{0,127}", "traffic_name": r"[a-z0-9][a-z0-9-]{0,61}[a-z0-9]",
}  # fmt: skip
"""Names by the ending of their variable
(https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules, 2026-11)."""


@pytest.mark.parametrize("name", [_HOSTILE, "1", "a" * 200])
def test_names_keep_to_azures_rules_and_are_unique(name: str):
    values = re.findall(r'^(\w+) += "(.*)"$', text(built("payments-api", name=name), "environments/"), re.MULTILINE)
    for ending, rule in _LIMITS.items():
        for variable, value in values:
            if variable.endswith(ending):
                assert re.fullmatch(rule, value), variable
    unique = [value for variable, value in values if variable.endswith(("_vault", "_account"))]
    assert unique
    assert len(unique) == len(set(unique))


def test_hostile_text_stays_text():
    found = built("payments-api", name=_HOSTILE, owner=_HOSTILE)
    main = text(found, "environments/production/main.tf")
    assert "$${var.x}" in main
    assert not re.search(r"[^$]\$\{var\.x\}", main)


def test_everything_that_takes_tags_has_its_component():
    for scenario in ("payments-api", "media-site", "back-office"):
        code = text(built(scenario), "modules/")
        tags = [line for line in code.splitlines() if re.match(r"  tags +=", line)]
        assert tags
        assert all("component" in line or "var.tags" in line for line in tags)
        assert "('" not in "".join(tags)


def test_what_must_be_set_is_marked_and_listed():
    known = {name for name, _ in TO_SET}
    for scenario in examples():
        values = text(built(scenario), "environments/production/terraform.tfvars")
        marked = re.findall(r"# Set before the first apply:.*?\n(?:#.*\n)*(\w+) +=", values)
        assert marked
        assert set(marked) <= known


_COMPUTES = ("kubernetes", "containers", "functions", "vms")


@pytest.mark.parametrize("entry", ["application", "api-gateway"])
@pytest.mark.parametrize("compute", _COMPUTES)
def test_every_compute_goes_with_every_entry(compute: str, entry: str):
    chosen = (f"infrastructure.compute={compute}", f"scaling.load_balancing={entry}")
    found = built("startup-web-shop", *chosen, public_facing=entry == "application")
    assert {"entry", "compute", "nat", "dns"} <= {t.component for t in found.traces}
