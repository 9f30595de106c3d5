"""Keys, secrets, audit, detection and posture on Google Cloud; what is applied once; budgets."""

from __future__ import annotations

import re
from typing import Any

import pytest

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.configuration import Once
from devops_workbook.artifacts.terraform.gcp.apis import apis, enabled
from devops_workbook.artifacts.terraform.gcp.bootstrap import bootstrap
from devops_workbook.artifacts.terraform.gcp.budgets import budgets
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, bucket_name
from devops_workbook.artifacts.terraform.gcp.oversight import oversight
from devops_workbook.artifacts.terraform.gcp.roots import default_labels, project_of, root_variables, state
from devops_workbook.artifacts.terraform.gcp.security import KEYS, security
from devops_workbook.artifacts.terraform.gcp.shared import shared
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.evaluate import evaluate
from devops_workbook.scenario import examples, load

EXAMPLES = sorted(examples())
HOSTILE = ("x", 'a "quoted" ${name} %{if} 日本語', "Google", "goog le shop", "9lives", "n" * 200, "-", "gcp-tools")


def blueprint(example: str, overrides: dict[str, str] | None = None, **stated: Any) -> Blueprint:
    r = load(examples()[example]).requirements
    moved = {"provider": "gcp", "region": "", "secondary_region": "", "iac_tool": "terraform", **stated}
    return Blueprint.of(evaluate(r.model_copy(update={**moved, "overrides": {**r.overrides, **(overrides or {})}})))


def text(module: Module) -> str:
    return "\n".join(" ".join(line.split()) for _, text in module.files() for line in text.splitlines())


def whole(one: Once) -> str:
    return text(one.module)


# --- keys and secrets ------------------------------------------------------------------------------------


def test_each_class_of_data_has_a_key_as_the_plan_counts_them() -> None:
    b = blueprint("payments-api", {"infrastructure.security": "customer-managed-keys"})
    m = security(b, b.sites[0])
    assert len(KEYS) == b.component("keys").usage["keys"]
    assert all(f'"{use}"' in text(m) for use in KEYS)
    assert 'rotation_period = "31536000s"' in text(m)
    assert "allUsers" not in text(m)


def test_hardware_keys_are_in_hardware() -> None:
    b = blueprint("payments-api", {"infrastructure.security": "hsm-backed-keys"})
    for body in (text(security(b, b.sites[0])), whole(bootstrap(b)), whole(shared(b))):
        assert 'protection_level = "HSM"' in body
        assert 'protection_level = "SOFTWARE"' not in body


def test_keys_of_the_provider_leave_no_key_behind() -> None:
    b = blueprint("back-office", {"infrastructure.security": "provider-managed-keys"})
    assert "kms" not in text(security(b, b.sites[0]))
    assert "kms" not in whole(bootstrap(b))
    assert security(b, b.sites[0]).outputs["key_ids"].value == {}


def test_a_vault_keeps_one_key_to_be_unsealed_with() -> None:
    b = blueprint("back-office", {"infrastructure.security": "provider-managed-keys", "security.secrets": "vault"})
    m = security(b, b.sites[0])
    assert "unseal_key_id" in m.outputs
    assert "google_secret_manager_secret" not in text(m)


def test_copies_in_a_region_without_a_site_have_a_key_there() -> None:
    b = blueprint(
        "payments-api",
        {"disaster_recovery.high_availability": "multi-zone", "infrastructure.security": "customer-managed-keys"},
    )
    assert len(b.sites) == 1
    assert b.backup_region
    m = security(b, b.sites[0])
    assert m.variables["copies_region"].value == b.backup_region.id
    assert "copies_key_id" in m.outputs


@pytest.mark.parametrize("example", EXAMPLES)
def test_secrets_have_no_values(example: str) -> None:
    b = blueprint(example, {"security.secrets": "native"})
    for site in b.sites:
        body = text(security(b, site))
        assert "google_secret_manager_secret_version" not in body
        assert "google_secret_manager_secret" in body


@pytest.mark.parametrize("example", EXAMPLES)
def test_both_sites_are_written_alike(example: str) -> None:
    b = blueprint(example, {"disaster_recovery.high_availability": "warm-standby"})
    first, second = (security(b, site) for site in b.sites)
    assert dict(first.files()) == dict(second.files())


# --- oversight -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_audit_trail_is_kept_as_long_as_was_asked(example: str) -> None:
    b = blueprint(example)
    m = oversight(b, security(b, b.sites[0]))
    assert m.variables["retention_days"].value == b.requirements.log_retention_days
    traced = {c for r in m.resources for c in r.components}
    assert traced == {id for id in ("audit", "threat-detection", "posture") if b.has(id)}


def test_evidence_is_locked_in_production_alone() -> None:
    b = blueprint("payments-api", {"security.compliance": "continuous-evidence"})
    locked = oversight(b, security(b, b.sites[0])).variables["locked"].value.values
    assert locked == {"production": True, "staging": False, "development": False}


def test_data_stays_where_it_must() -> None:
    b = blueprint("payments-api", {"security.compliance": "continuous"})
    assert b.requirements.data_residency == "us"
    body = text(oversight(b, security(b, b.sites[0])))
    assert all(f'"in:{site.region.id}-locations"' in body for site in b.sites)


# --- permissions and identity ----------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_basic_role_and_no_wildcard(example: str) -> None:
    b = blueprint(example)
    for one in (shared(b), bootstrap(b)):
        assert not re.search(r'"roles/(owner|editor|viewer)"', whole(one))
        assert "allUsers" not in whole(one)
        assert "allAuthenticatedUsers" not in whole(one)


@pytest.mark.parametrize("host", ["github", "gitlab", "self-hosted"])
@pytest.mark.parametrize("pipeline", ["github-actions", "gitlab-ci", "jenkins"])
def test_only_runs_of_the_repository_are_taken(host: str, pipeline: str) -> None:
    b = blueprint("payments-api", {"cicd.platform": pipeline}, source_host=host)
    body = whole(shared(b))
    assert "attribute_condition = " in body
    assert "== '${var.repository}'" in body
    assert body.count('resource "google_service_account"') == 3  # deploy (one an environment), build, plan
    assert "google_service_account_key" not in body


def test_account_ids_are_long_enough() -> None:
    """https://cloud.google.com/iam/docs/service-accounts-create: 6 to 30 characters."""
    ids = re.findall(r'account_id = "([^"$]+)"', whole(shared(blueprint("payments-api"))))
    assert ids == ["build-images", "plan-changes"]
    assert all(6 <= len(id) <= 30 for id in (*ids, "deploy-production", "deploy-development"))


def test_images_cannot_be_overwritten() -> None:
    assert "immutable_tags = true" in whole(shared(blueprint("payments-api")))


def test_serverless_pulls_from_the_source_host_through_the_provider() -> None:
    over = {"cicd.artifacts": "source-host-registry", "infrastructure.compute": "containers"}
    b = blueprint("startup-web-shop", over)
    assert not b.has("registry")
    assert 'mode = "REMOTE_REPOSITORY"' in whole(shared(b))


# --- state, budgets, names -------------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_configuration_has_a_bucket_of_its_own(example: str) -> None:
    b = blueprint(example)
    buckets = [state(b, id)[1]["bucket"] for id in ("production", "staging", "development", "shared")]
    assert len(set(buckets)) == 4
    body = whole(bootstrap(b))
    assert all(f'"{bucket}"' in body for bucket in buckets)
    assert bootstrap(b).backend is None
    for said in (
        "force_destroy = false",
        'public_access_prevention = "enforced"',
        "uniform_bucket_level_access = true",
    ):
        assert said in body


def test_budgets_are_those_of_the_plan() -> None:
    b = blueprint("payments-api")
    observability = Module("observability", "", (), PROVIDERS)
    observability.output("notification_id", "", "")
    m = budgets(b, observability)
    assert m.variables["budget_usd"].value.values == b.budgets_usd.values
    assert text(m).count("threshold_rules {") == 4


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_names_whatever_the_system_is_called(name: str) -> None:
    """Buckets, projects, labels: https://cloud.google.com/storage/docs/buckets#naming and each service's own page."""
    b = blueprint("startup-web-shop", name=name, owner=name)
    for environment in ("production", "staging", "development", "shared"):
        bucket = bucket_name(b, environment, "tfstate")
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", bucket)
        assert "google" not in bucket
        assert not bucket.startswith("goog")
        assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", project_of(b, environment))
    labels = default_labels(b, "production", "team")
    assert all(re.fullmatch(r"[a-z0-9_-]{1,63}", value) for value in labels.values())
    assert all(re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) for key in labels)


def test_the_variables_have_values_that_their_own_checks_would_pass() -> None:
    b = blueprint("payments-api")
    values = {v.name: v.value for v in root_variables(b)}
    assert values["domain"].values["production"] == "payments-api.example.com"
    assert not values["domain"].constant  # no two environments have the same name
    assert values["notification_address"].endswith("@example.com")
    assert re.fullmatch(r"[0-9A-F]{6}(-[0-9A-F]{6}){2}", values["billing_account"])


def test_services_are_enabled_before_what_needs_them() -> None:
    b = blueprint("payments-api")
    m = apis(b)
    assert "sqladmin.googleapis.com" in enabled(b) or "alloydb.googleapis.com" in enabled(b)
    assert "google_project_service.this" in text(m)
    assert list(enabled(b)) == sorted(set(enabled(b)))
