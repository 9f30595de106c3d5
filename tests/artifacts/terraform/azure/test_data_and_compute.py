"""What holds data and what runs the service on Azure: as the plan has it, and without a key or password anywhere."""

from __future__ import annotations

import ipaddress
import re
from functools import cache

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.model import Infrastructure
from devops_workbook.artifacts.terraform import terraform
from devops_workbook.artifacts.terraform.azure.alarming import alarms_by_component, signals
from devops_workbook.artifacts.terraform.azure.layout import part
from devops_workbook.artifacts.terraform.azure.tools import tools_of
from devops_workbook.evaluate import evaluate
from devops_workbook.scenario import examples, load


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


def value(infrastructure: Infrastructure, environment: str, variable: str) -> str:
    """What an environment's terraform.tfvars, or else its main.tf, says of a variable."""
    folder = f"environments/{environment}"
    found = re.search(rf"^{variable}\s+= (.*)$", text(infrastructure, f"{folder}/terraform.tfvars"), re.MULTILINE)
    return found.group(1) if found else ""


# --- database --------------------------------------------------------------------------------------------


def test_sql_has_the_plans_size_and_takes_entra_identities_alone():
    found = built("hospital-records", "infrastructure.database=relational")
    code = text(found, "modules/data/")
    assert value(found, "production", "data_database_sku") == '"GP_Gen5_24"', "the smallest that holds 3,500 GB"
    assert value(found, "dev", "data_database_sku") == '"GP_S_Gen5_1"'
    assert value(found, "production", "data_database_gb") == "3500"
    assert "azuread_authentication_only = true" in code
    assert "administrator_login" not in code
    assert "public_network_access_enabled     = false" in code


def test_a_serverless_database_stops_where_its_environment_does():
    found = built("hospital-records", "infrastructure.database=relational")
    assert value(found, "dev", "data_database_pause_minutes") == "60"
    assert value(found, "production", "data_database_pause_minutes") == "-1"
    assert value(found, "dev", "data_database_least_vcores") == "0.5"
    assert value(found, "production", "data_database_least_vcores") == "0"


def test_long_term_copies_are_kept_as_long_as_the_plan_says():
    b, found = blueprint("hospital-records"), built("hospital-records")
    kept = {s.generation: s.retention_days for s in b.assessment.recovery.backups if s.data == "database"}
    assert value(found, "production", "data_backup_weekly") == f'"P{round(kept["weekly"] / 7)}W"'
    assert value(found, "production", "data_backup_monthly") == '"P12M"'
    assert value(found, "production", "data_backup_yearly") == f'"P{round(kept["yearly"] / 365)}Y"'
    assert value(found, "staging", "data_backup_weekly") == '"PT0S"'
    assert value(found, "production", "data_backup_immutable") == "true"
    assert value(found, "production", "data_backup_redundancy") == '"GeoZone"'


def test_the_second_site_has_a_replica_that_a_failover_group_switches_to():
    manual, automatic = built("hospital-records"), built("payments-api")
    assert re.search(r'mode\s+= "Manual"', text(manual, "modules/data-replica/"))
    assert re.search(r'mode\s+= "Automatic"', text(automatic, "modules/data-replica/"))
    assert 'create_mode                 = "Secondary"' in text(manual, "modules/data-replica/")


def test_clients_name_the_failover_group_where_there_is_one():
    code = text(built("hospital-records"), "modules/data/outputs.tf")
    assert "${var.database_listener}.database.windows.net" in code
    assert value(built("hospital-records"), "dev", "data_database_listener") == ""


def test_cosmos_is_serverless_in_one_region_and_provisioned_in_several():
    one = text(built("media-site", "disaster_recovery.high_availability=multi-zone"), "modules/data/")
    two = text(built("media-site"), "modules/data/")
    assert '"EnableServerless"' in one
    assert "autoscale_settings" not in one
    assert '"EnableServerless"' not in two
    assert "autoscale_settings" in two
    assert int(value(built("media-site"), "production", "data_database_max_units")) % 1000 == 0


def test_cosmos_writes_everywhere_only_where_both_sites_are_active():
    active = text(built("media-site", "disaster_recovery.high_availability=active-active"), "modules/data/")
    standby = text(built("media-site"), "modules/data/")
    assert "multiple_write_locations_enabled = true" in re.sub(" +", " ", active)
    assert "multiple_write_locations_enabled = false" in re.sub(" +", " ", standby)


def test_what_cosmos_does_not_keep_backup_vaults_do():
    b, found = blueprint("iot-ingest"), built("iot-ingest")
    code = text(found, "modules/backup/")
    sets = [s for s in b.assessment.recovery.backups if s.component == "backup-2" and s.data == "database"]
    for kept in (s for s in sets if s.generation in ("weekly", "monthly")):
        assert f'duration        = "P{round(kept.retention_days)}D"' in code
    assert "azurerm_storage_object_replication" in code
    assert re.search(r"count\s+= var.backup_enabled", text(found, "environments/production/main.tf"))


# --- cache, files, intake --------------------------------------------------------------------------------


def test_the_cache_has_no_keys_and_the_service_gets_a_policy():
    found = built("startup-web-shop", "scaling.caching=in-memory")
    assert "access_keys_authentication_enabled = false" in text(found, "modules/data/")
    assert "accessPolicyAssignments" in text(found, "modules/compute/")


def test_files_are_frozen_for_good_in_production_alone():
    found = built("hospital-records")
    assert value(found, "production", "data_immutability") == '"Locked"'
    assert value(found, "staging", "data_immutability") == '"Unlocked"'
    assert value(found, "dev", "data_immutability") == '"Disabled"'
    assert "azurerm_storage_object_replication" in text(found, "modules/data-replica/")


@pytest.mark.parametrize(("scenario", "sku"), [("back-office", "Standard"), ("iot-ingest", "Premium")])
def test_service_bus_is_premium_where_it_needs_private_endpoints_or_keys(scenario: str, sku: str):
    code = text(built(scenario), "modules/data/intake.tf")
    assert re.search(rf'sku\s+= "{sku}"', code)
    assert re.search(r"local_auth_enabled\s+= false", code)


def test_a_stream_has_a_unit_for_every_shard_of_the_plan():
    found = built("back-office", workload_type="streaming")
    b = blueprint("back-office", workload_type="streaming")
    shards = b.environments[0].sizes["intake"].minimum
    assert value(found, "production", "data_intake_units") in (str(shards), "")
    assert re.search(r'sku\s+= "Standard"', text(found, "modules/data/intake.tf"))


def test_two_sites_share_what_they_have_alike():
    found = built("payments-api")
    paths = [a.path for a in found.artifacts]
    assert paths.count("infrastructure/modules/compute/access.tf") == 1
    assert 'component = "compute${var.site}"' in text(found, "modules/compute/")


# --- compute ---------------------------------------------------------------------------------------------


def test_the_cluster_is_private_and_has_the_plans_pool_and_ranges():
    b, found = blueprint("payments-api"), built("payments-api")
    code = re.sub(" +", " ", text(found, "modules/compute/"))
    network = b.network("production", b.sites[0].region.id)
    size = b.environments[0].sizes["compute"]
    assert "private_cluster_enabled = true" in code
    assert "local_account_disabled = true" in code
    assert "workload_identity_enabled = true" in code
    assert 'network_plugin_mode = "overlay"' in code
    assert value(found, "production", "compute_pods_cidr") == f'"{network.pods}"'
    assert value(found, "production", "compute_services_cidr") == f'"{network.services}"'
    assert value(found, "production", "compute_sku") == f'"{size.sku}"'
    assert value(found, "production", "compute_minimum") == str(size.minimum)
    assert value(found, "production", "compute_maximum") in (str(size.maximum), "")


def test_a_cluster_that_rests_is_stopped_and_started():
    code = text(built("payments-api"), "modules/compute/hours.tf")
    assert "/stop?api-version=" in code
    assert "/start?api-version=" in code
    assert "ManagedServiceIdentity" in code


def test_containers_ask_for_no_more_replicas_than_azure_gives():
    found = built("iot-ingest", "infrastructure.compute=containers")
    b = blueprint("iot-ingest", "infrastructure.compute=containers")
    planned = b.environments[0].sizes["compute"].maximum
    stated = value(found, "production", "compute_maximum") or re.search(
        r"maximum\s+= (\d+)", text(found, "environments/production/main.tf")
    ).group(1)
    assert int(stated) == min(300, planned)


def test_containers_scale_by_requests_or_by_what_waits():
    web = text(built("hospital-records"), "modules/compute/")
    queue = text(built("iot-ingest", "infrastructure.compute=containers"), "modules/compute/")
    assert "http_scale_rule" in web
    assert "azure-servicebus" not in web
    assert "azure-servicebus" in queue
    assert "http_scale_rule" not in queue


def test_functions_run_on_the_flex_plan_inside_the_network():
    code = re.sub(" +", " ", text(built("startup-web-shop"), "modules/compute/"))
    assert 'sku_name = "FC1"' in code
    assert "virtual_network_subnet_id = var.app_subnet_ids[0]" in code
    assert "public_network_access_enabled = false" in code


def test_machines_have_the_last_address_of_their_subnet():
    b = blueprint("hospital-records", "infrastructure.compute=vms")
    found = built("hospital-records", "infrastructure.compute=vms")
    block = ipaddress.ip_network(part(b, "production", b.sites[0].region.id, "app"))
    assert value(found, "production", "compute_address") == f'"{block[-2]}"'


def test_machines_follow_the_target_of_processor_use():
    b = blueprint("hospital-records", "infrastructure.compute=vms")
    target = round(100 * b.catalog.assumptions["target_cpu_utilisation"].value)
    code = re.sub(" +", " ", text(built("hospital-records", "infrastructure.compute=vms"), "modules/compute/"))
    assert f"threshold = {target}" in code
    assert 'name = "night", hour = 19' in code


# --- permissions -----------------------------------------------------------------------------------------


def test_roles_follow_from_connections_and_name_one_resource():
    code = text(built("hospital-records"), "modules/compute/access.tf")
    assert '"Storage Blob Data Contributor"' in code
    assert "var.files_container_id" in code
    assert '"Key Vault Secrets User"' in code
    assert "var.secrets_vault_id" in code
    assert '"AcrPull"' in code
    assert "Service Bus" not in code
    assert "Owner" not in code


def test_the_service_may_take_work_only_where_it_gets_some():
    code = text(built("iot-ingest"), "modules/compute/access.tf")
    assert '"Azure Service Bus Data Receiver"' in code
    assert "Data Sender" not in code


def test_nothing_generated_holds_a_password():
    for scenario in examples():
        code = "\n".join(a.text for a in built(scenario).artifacts)
        assert not re.search(r"(password|secret|access_key|connection_string)\s+= \"", code)


@pytest.mark.parametrize("table", ["permissions", "signals"])
def test_facts_have_a_source_and_a_date(table: str):
    for service, uses in code_facts("azure")[table].items():
        for use, fact in uses.items():
            assert fact.keys() >= {"source", "as_of"}, (service, use)


# --- watching --------------------------------------------------------------------------------------------


def test_alarms_scale_with_traffic_and_stay_away_from_development():
    b = blueprint("hospital-records")
    alarms = alarms_by_component(b, "entry").values
    assert set(alarms["production"]) == {
        f"entry-{signal}-{severity}"
        for signal in ("latency", "traffic", "errors")
        for severity in ("warning", "critical")
    }
    assert alarms["development"] == {}
    busy, test = (alarms[e]["entry-traffic-critical"]["threshold"] for e in ("production", "staging"))
    assert test == pytest.approx(0.1 * busy, rel=0.01)
    assert alarms["production"]["entry-traffic-critical"]["threshold"] == pytest.approx(
        300 * b.assessment.capacity.planned_rps, rel=0.01
    )


def test_a_window_is_longer_than_the_step_in_which_it_is_looked_at():
    minutes = {"PT1M": 1, "PT5M": 5, "PT15M": 15}
    for alarm in alarms_by_component(blueprint("hospital-records"), "compute").values["production"].values():
        assert minutes[alarm["step"]] < minutes[alarm["window"]]


def test_a_serverless_database_reports_no_share_of_its_throughput():
    one = blueprint("media-site", "disaster_recovery.high_availability=multi-zone")
    assert "saturation" not in signals(one, "database")
    assert "saturation" in signals(blueprint("media-site"), "database")


def test_logs_are_kept_as_long_as_the_plan_says():
    b = blueprint("payments-api")
    tiers = next(s for s in b.assessment.telemetry.signals if s.kind == "logs").tiers
    code = re.sub(" +", " ", text(built("payments-api"), "modules/logs/"))
    searchable = round(sum(t.days for t in tiers if t.title != "Kept"))
    assert f"retention_in_days = {searchable}" in code
    assert f"total_retention_in_days = {round(sum(t.days for t in tiers))}" in code


def test_where_prometheus_raises_alarms_azure_raises_none():
    code = text(built("media-site"), "modules/observability/")
    assert "azurerm_monitor_metric_alert" not in code


def test_tools_have_the_plans_machines_in_production_alone():
    b, found = blueprint("media-site"), built("media-site")
    main = text(found, "environments/production/main.tf")
    for id in tools_of(b):
        component = b.component(id)
        assert re.search(rf'{id} = {{\s+sku\s+= "{component.sku}"\s+count\s+= {component.count}\n', main), id
    assert value(found, "production", "tools_enabled") == "true"
    assert value(found, "dev", "tools_enabled") == "false"
    assert "public_ip" not in text(found, "modules/tools/")


def test_a_vault_of_the_teams_own_stands_at_every_site():
    found = built("payments-api", "security.secrets=vault")
    main = text(found, "environments/production/main.tf")
    assert 'module "vault"' in main
    assert 'module "vault_2"' in main
    assert '"${var.keys_vault_id}/keys/secrets"' in text(found, "modules/vault/")


@pytest.mark.parametrize("compute", ["kubernetes", "containers", "functions", "vms"])
@pytest.mark.parametrize("database", ["relational", "relational-cluster", "nosql"])
def test_every_compute_goes_with_every_database(compute: str, database: str):
    found = built("payments-api", f"infrastructure.compute={compute}", f"infrastructure.database={database}")
    components = {trace.component for trace in found.traces}
    assert {"compute", "compute-2", "database", "database-2", "backup", "backup-2"} <= components
