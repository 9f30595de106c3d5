"""Data, compute, alarms, backups and tools on AWS, held against the design they are generated from."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from devops_workbook.artifacts.alarms import alarms_of
from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.model import Infrastructure
from devops_workbook.artifacts.terraform import terraform
from devops_workbook.artifacts.terraform.aws.policies import allow
from devops_workbook.evaluate import evaluate
from devops_workbook.scenario import examples, load

_HOME = {"provider": "aws", "region": "", "secondary_region": ""}
_ONE = {"disaster_recovery.high_availability": "multi-zone"}


@cache
def _built(name: str, overrides: str = "{}", more: str = "{}") -> tuple[Blueprint, Infrastructure]:
    asked = load(examples()[name]).requirements
    chosen = {**asked.overrides, **json.loads(overrides)}
    asked = asked.model_copy(update={**_HOME, **json.loads(more), "overrides": chosen})
    b = Blueprint.of(evaluate(asked))
    return b, terraform(b)


def built(name: str, /, *, more: dict[str, Any] | None = None, **overrides: str) -> tuple[Blueprint, Infrastructure]:
    chosen = {k.replace("__", "."): v for k, v in overrides.items()}
    return _built(name, json.dumps(chosen, sort_keys=True), json.dumps(more or {}))


def module(infrastructure: Infrastructure, folder: str) -> str:
    """The text of a module."""
    path = f"infrastructure/modules/{folder}/"
    return "\n".join(a.text for a in infrastructure.artifacts if a.path.startswith(path) and a.path.endswith(".tf"))


def values(infrastructure: Infrastructure, environment: str) -> dict[str, str]:
    """The one-line values of an environment's terraform.tfvars."""
    path = f"infrastructure/environments/{FOLDERS[environment]}/terraform.tfvars"
    text = next(a.text for a in infrastructure.artifacts if a.path == path)
    return dict(re.findall(r"^(\w+) += (.+)$", text, re.MULTILINE))


def call(infrastructure: Infrastructure, name: str) -> str:
    """The block with which an environment calls a module."""
    main = next(a.text for a in infrastructure.artifacts if a.path == "infrastructure/environments/dev/main.tf")
    return re.search(rf'^module "{name}" {{$.*?^}}$', main, re.MULTILINE | re.DOTALL)[0]


def said(infrastructure: Infrastructure, name: str, variable: str, environment: str = "production") -> str:
    """What a module's variable is in an environment, as it is written."""
    written = re.search(rf"^  {variable} += (.+)$", call(infrastructure, name), re.MULTILINE)[1]
    return values(infrastructure, environment)[written[4:]] if written.startswith("var.") else written


# --- sizes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", examples())
@pytest.mark.parametrize("environment", FOLDERS)
def test_the_code_has_as_much_of_everything_as_the_plan(name: str, environment: str) -> None:
    b, infrastructure = built(name)
    deployment = next(e for e in b.environments if e.environment == environment)
    for site in b.sites:
        if site.region.id not in deployment.regions:
            continue
        compute = deployment.sizes[site.id("compute")]
        called = f"compute{site.suffix}".replace("-", "_")
        assert said(infrastructure, called, "maximum", environment) == str(compute.maximum)
        if b.component("compute").service != "lambda":
            assert said(infrastructure, called, "minimum", environment) == str(compute.minimum)
        if compute.sku:
            assert said(infrastructure, called, "instance_type", environment) == f'"{compute.sku}"'
        database = deployment.sizes[site.id("database")]
        if database.sku:
            where = "data" if not site.suffix else "data_replica_2"
            assert said(infrastructure, where, "database_instance_class", environment) == f'"{database.sku}"'


def test_a_database_has_the_standby_the_storage_and_the_retention_of_the_plan() -> None:
    b, infrastructure = built("startup-web-shop")
    kept = max(x.retention_days for x in b.assessment.recovery.backups if x.component == "database")
    assert said(infrastructure, "data", "database_multi_az") == "true"
    assert said(infrastructure, "data", "database_multi_az", "development") == "false"
    assert said(infrastructure, "data", "database_backup_days") == f"{kept:g}"
    assert said(infrastructure, "data", "database_storage_gb") == "20"  # what gp3 begins with is what was asked for


@pytest.mark.parametrize("name", examples())
def test_both_sites_compute_is_one_module(name: str) -> None:
    b, infrastructure = built(name)
    folders = {a.path.split("/")[2] for a in infrastructure.artifacts if a.path.startswith("infrastructure/modules/")}
    assert "compute" in folders
    assert ("data-replica" in folders) == (len(b.sites) > 1)
    assert not {"compute-2", "observability-2"} & folders


def test_what_may_stop_stops_outside_working_hours_and_production_never_does() -> None:
    _, infrastructure = built("startup-web-shop", infrastructure__compute="containers")
    text = module(infrastructure, "compute")
    assert said(infrastructure, "compute", "working_hours") == "false"
    assert said(infrastructure, "compute", "working_hours", "development") == "true"
    assert 'schedule           = "cron(0 19 ? * MON-FRI *)"' in text
    assert "max_capacity = 0" in text


# --- what is reached, and by whom ------------------------------------------------------------------------


def statements(text: str) -> list[str]:
    return re.findall(r"^ +Sid +=.*?^ +},$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", examples())
def test_no_role_has_a_wildcard_action_and_a_wildcard_resource_says_why(name: str) -> None:
    _, infrastructure = built(name)
    for folder in ("compute", "data", "backup", "tools", "observability"):
        for statement in statements(module(infrastructure, folder)):
            if 'Effect = "Deny"' in re.sub(r" +", " ", statement):
                continue
            assert not re.search(r'Action += .*"[\w-]*:?\*"', statement), statement
            if 'Resource = "*"' in re.sub(r" +", " ", statement):
                assert re.search(r'# .+\n +Resource = "\*"', statement), statement


def test_the_service_may_use_what_it_is_connected_to_and_nothing_else() -> None:
    _, plain = built("startup-web-shop", infrastructure__compute="containers")
    text = module(plain, "compute")
    assert "rds-db:connect" in text
    assert "s3:GetObject" in text
    assert "secretsmanager:GetSecretValue" in text
    assert not re.search(r"sqs:|kinesis:|dynamodb:|elasticache:", text)


def test_a_queue_is_consumed_and_what_a_balancer_cannot_queue_is_sent_by_the_service() -> None:
    _, behind = built("iot-ingest")
    assert "sqs:ReceiveMessage" in module(behind, "compute")
    assert "sqs:SendMessage" in module(behind, "compute")
    _, direct = built("back-office")
    assert "sqs:ReceiveMessage" in module(direct, "compute")
    assert "sqs:SendMessage" not in module(direct, "compute")


def test_a_statement_without_a_name_for_what_can_be_named_is_refused() -> None:
    with pytest.raises(ValueError, match="names the queue"):
        allow("sqs", "send")
    with pytest.raises(KeyError):
        allow("sqs", "purge", "arn")


def test_every_fact_has_a_source_and_a_date() -> None:
    text = files("devops_workbook.catalog").joinpath("code/aws.toml").read_text("utf-8")
    facts = tomllib.loads(text)
    for table in ("permissions", "signals"):
        for uses in facts[table].values():
            for fact in uses.values():
                assert fact["source"].startswith("https://")
                assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", fact["as_of"])
    for uses in code_facts("aws")["permissions"].values():
        for fact in uses.values():
            assert ("resource" in fact) != ("unnamed" in fact)
            assert not [a for a in fact["actions"] if a.endswith("*")]


# --- every option builds ---------------------------------------------------------------------------------

_SERVICE = {
    "containers": "aws_ecs_service", "kubernetes": "aws_eks_node_group", "functions": "aws_lambda_function",
    "vms": "aws_autoscaling_group",
}  # fmt: skip
_STORE = {
    "relational": "aws_db_instance", "relational-cluster": "aws_rds_cluster", "nosql": "aws_dynamodb_table",
}  # fmt: skip


@pytest.mark.parametrize("compute", _SERVICE)
@pytest.mark.parametrize("release", ["canary", "blue-green", "rolling"])
def test_every_compute_builds_with_every_release(compute: str, release: str) -> None:
    b, infrastructure = built("payments-api", infrastructure__compute=compute, cicd__deployment=release,
                              cost__resources="spot-mixed")  # fmt: skip
    assert b.choice("infrastructure.compute") == compute
    assert f'resource "{_SERVICE[compute]}"' in module(infrastructure, "compute")
    if compute in ("containers", "functions"):
        switched = compute == "functions" or release != "rolling"
        assert ("aws_codedeploy_deployment_group" in module(infrastructure, "compute")) == switched


@pytest.mark.parametrize("form", ["multi-zone", "pilot-light", "active-active"])
@pytest.mark.parametrize("database", _STORE)
def test_every_database_builds_in_one_region_and_in_two(database: str, form: str) -> None:
    b, infrastructure = built("payments-api", more={"data_model": "document" if database == "nosql" else "relational"},
                              infrastructure__database=database, disaster_recovery__high_availability=form)  # fmt: skip
    assert b.choice("infrastructure.database") == database
    assert f'resource "{_STORE[database]}"' in module(infrastructure, "data")
    assert bool(module(infrastructure, "data-replica")) == (form != "multi-zone")


def test_no_password_is_written_into_the_state() -> None:
    for form in ("multi-zone", "warm-standby"):
        _, infrastructure = built("payments-api", infrastructure__database="relational",
                                  disaster_recovery__high_availability=form)  # fmt: skip
        text = module(infrastructure, "data") + module(infrastructure, "data-replica")
        assert not re.search(r"^  (master_)?password +=", text, re.MULTILINE)
        assert ("manage_master_user_password" in text) == (form == "multi-zone")
        assert ("password_wo" in text) == (form != "multi-zone")


def test_connections_without_tls_are_refused_everywhere() -> None:
    _, infrastructure = built("payments-api", scaling__caching="in-memory", infrastructure__database="relational")
    text = module(infrastructure, "data")
    assert re.search(r'name += "rds.force_ssl"\n +value += "1"', text)
    assert re.search(r'transit_encryption_mode += "required"', text)
    assert text.count('"aws:SecureTransport" = "false"') == 1


# --- alarms, backups, tools ------------------------------------------------------------------------------


def test_every_signal_that_aws_reports_has_its_alarms_where_aws_raises_them() -> None:
    b, infrastructure = built("startup-web-shop")
    signals = code_facts("aws")["signals"]
    wanted = {f"{a.component}_{a.signal}" for a in alarms_of(b)
              if a.signal in signals[b.component(a.component).service]}  # fmt: skip
    text = module(infrastructure, "observability")
    assert set(re.findall(r'"aws_cloudwatch_metric_alarm" "(\w+)"', text)) == wanted
    _, elsewhere = built("payments-api")
    assert "aws_cloudwatch_metric_alarm" not in module(elsewhere, "observability")


def test_thresholds_are_in_the_metrics_own_unit_and_follow_the_environments_traffic() -> None:
    b, infrastructure = built("startup-web-shop")
    alarm = next(a for a in alarms_of(b) if a.id == "entry-traffic-critical")
    path = "infrastructure/environments/{}/terraform.tfvars"
    for folder, share in (("production", 1.0), ("staging", 0.1)):
        text = next(a.text for a in infrastructure.artifacts if a.path == path.format(folder))
        block = re.search(r"^observability_entry_traffic = {$.*?^}$", text, re.MULTILINE | re.DOTALL)[0]
        found = re.search(r"critical = {\s+threshold = ([\d.e+]+)", block)
        assert float(found[1]) == pytest.approx(alarm.threshold * 60 * share, rel=1e-3)


def test_the_vaults_keep_the_plans_generations_for_as_long_and_as_firmly_as_it_says() -> None:
    b, infrastructure = built("payments-api")
    text = module(infrastructure, "backup")
    sets = [x for x in b.assessment.recovery.backups if x.data == "database" and x.component == "backup-2"]
    for found in sets:
        rule = re.search(rf'rule_name += "{found.generation}-away".*?^  }}$', text, re.MULTILINE | re.DOTALL)[0]
        assert f"delete_after = {found.retention_days:g}" in rule
    assert 'resource "aws_backup_vault_lock_configuration" "copy"' in text
    assert re.search(rf"max_retention_days += {max(x.retention_days for x in sets):g}$", text, re.MULTILINE)
    assert values(infrastructure, "production")["backup_enabled"] == "true"
    assert values(infrastructure, "staging")["backup_enabled"] == "false"


def test_the_tools_machines_are_as_many_and_as_large_as_the_plan_has_them() -> None:
    b, infrastructure = built("payments-api", security__secrets="vault", observability__logging="loki",
                              observability__tracing="jaeger")  # fmt: skip
    text = module(infrastructure, "tools")
    for id in ("collector", "metrics", "logs", "traces", "dashboards", "alerting", "secrets", "secrets-2"):
        tool = b.component(id)
        machine = re.search(
            rf'resource "aws_instance" "{id.replace("-", "_")}".*?^}}$', text, re.MULTILINE | re.DOTALL
        )[0]
        assert re.search(rf"count += {tool.count}$", machine, re.MULTILINE)
        assert f'"{tool.sku}"' in machine


@pytest.mark.parametrize("name", ['a"${b}\n%{x} # ü' + "z" * 180, "1"])
def test_hostile_names_stay_data(name: str) -> None:
    _, infrastructure = built("back-office", more={"name": name, "owner": name})
    for artifact in infrastructure.artifacts:
        assert "${b}" not in artifact.text.replace("$${b}", "")
