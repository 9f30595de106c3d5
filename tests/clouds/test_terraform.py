"""The harness accepts a good configuration and refuses a bad one, with the real terraform."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.clouds.cycle import STEPS, Account, run, told
from tests.clouds.terraform import Scratch

google = pytest.mark.needs("terraform", "terraform-provider-google")

VERSIONS = """\
terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
}
"""
ROOT = {
    "versions.tf": VERSIONS,
    "backend.tf": """\
terraform {
  backend "gcs" {
    bucket = "state"
    prefix = "dev"
  }
}
""",
    "main.tf": """\
provider "google" {
  project = "payments"
  region  = "europe-west1"
}

module "files" {
  source = "../../modules/files"

  name = var.name
}

output "cluster_ca" {
  value = google_container_cluster.this.master_auth[0].cluster_ca_certificate
}

resource "google_container_cluster" "this" {
  name     = var.name
  location = "europe-west1"

  private_cluster_config {
    enable_private_nodes = true
  }
}
""",
    "variables.tf": """\
variable "name" {
  description = "What everything is called."
  type        = string
}
""",
    "terraform.tfvars": 'name = "payments-dev"\n',
}
MODULE = {
    "main.tf": """\
resource "google_storage_bucket" "this" {
  for_each = toset(["in", "out"])

  name     = "${var.name}-${each.key}"
  location = "EU"

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_storage_bucket_iam_member" "reader" {
  bucket = google_storage_bucket.this["in"].name
  role   = "roles/storage.objectViewer"
  member = "allUsers"
}
""",
    "variables.tf": ROOT["variables.tf"],
    "versions.tf": VERSIONS,
}


def tree(folder: Path, root: Mapping[str, str] = ROOT, module: Mapping[str, str] = MODULE) -> Path:
    """An infrastructure folder of one root and one module."""
    for place, files in (("environments/dev", root), ("modules/files", module)):
        (folder / place).mkdir(parents=True)
        for name, text in files.items():
            (folder / place / name).write_text(text, encoding="utf-8")
    return folder


def cycled(tmp_path: Path, until: str = "destroy", **changes: Mapping[str, str]) -> Account:
    scratch = Scratch.of(tree(tmp_path / "infrastructure", **changes), tmp_path / "work")
    return run(scratch, dict.fromkeys(scratch.roots, until))


@google
def test_a_good_configuration_lives_its_life(tmp_path: Path) -> None:
    seen = []
    folder = tree(tmp_path / "infrastructure")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    scratch = Scratch.of(folder, tmp_path / "work")
    account = run(scratch, dict.fromkeys(scratch.roots, "destroy"), lambda root, plan: seen.append((root, plan)))
    assert account.failures == []
    assert [r.step for r in account.results] == list(STEPS)
    assert [account.count(step) for step in ("plan", "apply", "again", "destroy")] == [4, 4, 0, 4]
    assert account.types("apply") == {
        "google_storage_bucket", "google_storage_bucket_iam_member", "google_container_cluster",
    }  # fmt: skip
    ((root, plan),) = seen
    assert root == "environments/dev"
    assert len(plan["resource_changes"]) == 4
    *_, last = told(account)
    assert "planned 4  applied 4  drift 0  destroyed 4" in last
    assert last.endswith("ok")
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before  # which is left as it was


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


NODES = "  private_cluster_config {\n    enable_private_nodes = true\n  }\n"
CERTIFICATE = "google_container_cluster.this.master_auth[0].cluster_ca_certificate"
MUTANTS = {
    "a wrong attribute name": ("validate", "files", "main.tf", 'location = "EU"', 'locality = "EU"'),
    "a wrong type": ("validate", "root", "main.tf", "enable_private_nodes = true", "enable_private_nodes = 7"),
    "a missing argument": ("validate", "files", "main.tf", '  role   = "roles/storage.objectViewer"\n', ""),
    "a missing argument of a block": ("validate", "root", "main.tf", NODES, "  database_encryption {\n  }\n"),
    "a missing block": ("validate", "root", "main.tf", NODES,
                        "  maintenance_policy {\n    maintenance_exclusion {\n    }\n  }\n"),
    "a block twice that stands once": ("validate", "root", "main.tf", NODES, f"{NODES}\n{NODES}"),
    "a resource there is not": ("validate", "root", "main.tf", 'resource "google_container_cluster"',
                                'resource "google_container_cloister"'),
    "a dangling reference": ("validate", "files", "main.tf", 'bucket.this["in"]', 'bucket.that["in"]'),
    "a reference to nothing": ("validate", "root", "main.tf", "cluster_ca_certificate", "cluster_ca_certificates"),
    "an undeclared variable": ("validate", "files", "main.tf", "${var.name}", "${var.title}"),
    "a variable nobody sets": ("validate", "root", "main.tf", "  name = var.name\n}\n\nout", "}\n\nout"),
    "a cycle": ("validate", "files", "main.tf", 'toset(["in", "out"])',
                "toset([google_storage_bucket_iam_member.reader.etag])"),
    "a resource that refers to itself": ("plan", "files", "main.tf", 'member = "allUsers"',
                                         "member = google_storage_bucket_iam_member.reader.etag"),
    "a value nobody gave": ("plan", "root", "terraform.tfvars", 'name = "payments-dev"\n', ""),
    "a number nobody knows": ("plan", "root", "main.tf", "  name = var.name\n}\n\nout",
                              "  name = var.name\n  more = google_container_cluster.this.id\n}\n\nout"),
    "an unformatted file": ("fmt", "files", "main.tf", 'location = "EU"', 'location="EU"'),
    "a second plan that is not empty": ("again", "files", "main.tf", 'location = "EU"', "location = timestamp()"),
    "an output that never rests": ("again", "root", "main.tf", CERTIFICATE, "timestamp()"),
    "a provider that is nowhere": ("init", "root", "versions.tf", "hashicorp/google", "hashicorp/gargle"),
}  # fmt: skip
LATE = ("init", "again")
MORE = """
variable "more" {
  description = "One more bucket."
  type        = string
  default     = "more"
}

resource "google_storage_bucket" "more" {
  for_each = toset([var.more])

  name     = each.key
  location = "US"
}
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """The good configuration with its providers and modules, of which a mutant is a copy."""
    work = tmp_path_factory.mktemp("prepared")
    scratch = Scratch.of(tree(work / "infrastructure", ROOT, _more(MODULE)), work / "work")
    assert scratch.init("environments/dev").ok
    return scratch


def _more(module: Mapping[str, str]) -> dict[str, str]:
    return {**module, "main.tf": module["main.tf"] + MORE}


@google
@pytest.mark.parametrize("mutant", [m for m, (step, *_) in MUTANTS.items() if step not in LATE])
def test_a_mutant_is_caught(mutant: str, prepared: Scratch, tmp_path: Path) -> None:
    step, part, name, old, new = MUTANTS[mutant]
    scratch = Scratch(tmp_path / "infrastructure")
    shutil.copytree(prepared.folder, scratch.folder, symlinks=True)
    file = scratch.folder / {"root": "environments/dev", "files": "modules/files"}[part] / name
    file.write_text(changed(file.read_text(encoding="utf-8"), old, new), encoding="utf-8")
    if step == "plan":
        assert scratch.validate("environments/dev").ok
    result = scratch.format() if step == "fmt" else getattr(scratch, step)("environments/dev")
    assert not result.ok
    assert all(problem.text.strip() for problem in result.problems)


@google
@pytest.mark.parametrize("mutant", [m for m, (step, *_) in MUTANTS.items() if step in LATE])
def test_a_mutant_that_shows_late_is_caught(mutant: str, tmp_path: Path) -> None:
    step, part, name, old, new = MUTANTS[mutant]
    files = {"root": dict(ROOT), "files": _more(MODULE)}
    files[part][name] = changed(files[part][name], old, new)
    account = cycled(tmp_path, root=files["root"], module=files["files"])
    assert {failed for _, failed, _ in account.failures} == {step}, account.failures
    assert all(what.strip() for *_, what in account.failures)


@google
def test_drift_is_told_attribute_by_attribute(tmp_path: Path) -> None:
    module = {**MODULE, "main.tf": MODULE["main.tf"].replace('"EU"', "timestamp()")}
    account = cycled(tmp_path, module=module)
    told_of = [what for _, step, what in account.failures if step == "again"]
    assert any('this["in"]: the second plan would' in what for what in told_of)
    assert account.count("destroy") == 4  # and what was made is removed all the same


@google
def test_environments_that_differ_in_values_alone_are_validated_once(tmp_path: Path) -> None:
    folder = tree(tmp_path / "infrastructure")
    other = folder / "environments" / "production"
    other.mkdir()
    for name, text in ROOT.items():
        (other / name).write_text(text.replace("-dev", "-prod").replace('"dev"', '"prod"'), encoding="utf-8")
    scratch = Scratch.of(folder, tmp_path / "work")
    account = run(scratch, dict.fromkeys(scratch.roots, "plan"))
    assert account.failures == []
    steps = [(r.root, r.step) for r in account.results]
    assert ("environments/production", "plan") in steps
    assert [step for _, step in steps].count("validate") == 1


AZURE = """\
terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.55"
    }
  }
}

provider "azurerm" {
  subscription_id = "00000000-0000-0000-0000-000000000000"

  features {}
}

data "azurerm_client_config" "this" {}

resource "azurerm_resource_group" "this" {
  name     = "payments"
  location = "westeurope"
}

resource "azurerm_network_security_group" "this" {
  name                = "app"
  location            = azurerm_resource_group.this.location
  resource_group_name = azurerm_resource_group.this.name

  security_rule {
    name                       = "https"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    destination_port_range     = "443"
    source_address_prefix      = "*"
    destination_address_prefix = "*"
  }
}

output "tenant" {
  value = data.azurerm_client_config.this.tenant_id
}
"""


@pytest.mark.needs("terraform", "terraform-provider-azurerm")
@pytest.mark.parametrize("mutant", ["", "no location", "an attribute there is not"])
def test_azure(mutant: str, tmp_path: Path) -> None:
    text = {"": AZURE, "no location": AZURE.replace('  location = "westeurope"\n', ""),
            "an attribute there is not": AZURE.replace("location = ", "place    = ", 1)}[mutant]  # fmt: skip
    (tmp_path / "infrastructure" / "dev").mkdir(parents=True)
    (tmp_path / "infrastructure" / "dev" / "main.tf").write_text(text)
    scratch = Scratch.of(tmp_path / "infrastructure", tmp_path / "work")
    account = run(scratch, {"dev": "destroy"})
    assert {step for _, step, _ in account.failures} - {"fmt"} == ({"validate"} if mutant else set()), account.failures
    assert account.count("destroy") == (0 if mutant else 2)


def test_roots_stand_in_the_order_in_which_a_person_applies_them(tmp_path: Path) -> None:
    for root in ("environments/staging", "modules/data", "shared", "environments/dev", "bootstrap"):
        (tmp_path / root).mkdir(parents=True)
        (tmp_path / root / "main.tf").write_text("")
    assert Scratch(tmp_path).roots == ("bootstrap", "shared", "environments/dev", "environments/staging")


@google
def test_overrides(tmp_path: Path) -> None:
    text = 'provider "aws" {\n  region = "eu-west-1"\n}\n\nprovider "aws" {\n  alias  = "second"\n  region = "x"\n}\n'
    scratch = Scratch.of(tree(tmp_path / "i", {**ROOT, "providers.tf": text}), tmp_path / "work")
    root = scratch.folder / "environments" / "dev"
    assert (root / "zz_backend_override.tf").read_text() == 'terraform {\n  backend "local" {}\n}\n'
    provider = (root / "zz_provider_override.tf").read_text()
    assert provider.count("max_retries = 2") == 2
    assert 'alias       = "second"' in provider
    assert not (scratch.folder / "modules" / "files" / "zz_backend_override.tf").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Scratch.of(tmp_path / "nowhere", tmp_path / "work")
