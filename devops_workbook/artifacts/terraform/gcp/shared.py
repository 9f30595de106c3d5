"""What the environments share: the registry of images, and the identity under which the pipeline works.

The pipeline holds no key. It shows the token that its platform signs for each run; a pool of workload identities takes
that for one of these accounts: one builds and pushes images, one reads for a plan, and one for each environment
applies. Which run may be which is in the token: its repository, and the environment that somebody released it for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.names import label_text
from devops_workbook.artifacts.terraform.configuration import Once
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, labels
from devops_workbook.artifacts.terraform.gcp.roots import SHARED, project_of, settings, state
from devops_workbook.artifacts.terraform.gcp.security import KEY_SKIPS, customer_keys
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["once_variables", "shared"]

_ARTIFACTS = "cicd.artifacts"
_ACCESS = "security.access"


def once_variables(m: Module, b: Blueprint) -> Ref:
    """The variables of a configuration that is applied once: where it is built, and who pays. Returns the project."""
    check = ('can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))',
             "project_id must be 6 to 30 lower-case letters, digits and dashes.")  # fmt: skip
    m.variable("cost_centre", "string", "Who pays; a label's value.", label_text(b.requirements.owner),
               why="Set before the first apply: who pays, as the label says it.")  # fmt: skip
    return m.variable("project_id", "string", "Project of what the environments share.", project_of(b, SHARED),
                      why="Set before the first apply: one that exists and has billing.", checks=(check,))  # fmt: skip


def shared(b: Blueprint) -> Once:
    """What the environments share."""
    about = ("The registry of images and the pipeline's identities. Apply it after bootstrap and before the "
             "environments.",)  # fmt: skip
    m = Module("shared", "Shared", about, PROVIDERS)
    project = once_variables(m, b)
    m.resource(
        "google_project_service", "this", "identity", for_each=call("toset", list(_services(b))), project=project,
        service=raw("each.value"), disable_on_destroy=Noted(False, "Other things in the project may use it too."),
    )  # fmt: skip
    built = m.local("project", raw("one(distinct([for service in google_project_service.this : service.project]))"))
    if b.has("registry"):
        _registry(m, b, built)
    elif b.choice("infrastructure.compute") in ("containers", "functions"):
        _mirror(m, b, built)
    _identity(m, b, built)
    return Once(m, settings(b, raw("var.project_id"), SHARED, raw("var.cost_centre")), state(b, SHARED))


def _services(b: Blueprint) -> Iterator[str]:
    names = ["artifactregistry", "cloudresourcemanager", "containerscanning", "iam", "iamcredentials", "sts"]
    names += ["cloudkms"] if customer_keys(b) else []
    return (f"{name}.googleapis.com" for name in sorted(names))


# --- registry --------------------------------------------------------------------------------------------


def _registry(m: Module, b: Blueprint, project: Ref) -> None:
    region = b.component("registry").region
    kept = round(b.catalog.assumptions["images_kept"].value or 0)
    repository = m.resource(
        "google_artifact_registry_repository", "this", "registry", why=b.why(_ARTIFACTS),
        skips={} if customer_keys(b) else {"CKV_GCP_84": "The design encrypts with the provider's keys."},
        project=project, location=region, repository_id=b.names.system, format="DOCKER",
        description="Images of the service.", labels=labels("registry"), **_encrypted(m, b, project, region),
        docker_config=Nested(immutable_tags=True),
        cleanup_policies=[
            Nested(id="keep-recent", action="KEEP", most_recent_versions=Nested(keep_count=kept)),
            Nested(id="delete-untagged", action="DELETE", condition=Nested(tag_state="UNTAGGED", older_than="604800s")),
        ],
        vulnerability_scanning_config=Nested(enablement_config="INHERITED"),
    )  # fmt: skip
    m.output("repository", repository.name, "Name of the registry's repository.")
    _granting(m, project, repository, region, "registry")


def _encrypted(m: Module, b: Blueprint, project: Ref, region: str) -> Mapping[str, Any]:
    if not customer_keys(b):
        return {}
    ring = m.resource("google_kms_key_ring", "this", "registry", project=project, name=b.names.of(SHARED),
                      location=region)  # fmt: skip
    key = m.resource(
        "google_kms_crypto_key", "images", "registry", why=b.why("infrastructure.security"), skips=KEY_SKIPS,
        name="images", key_ring=ring.id, labels=labels("registry"),
        rotation_period=Noted("31536000s", "The plan rotates keys yearly."), **protection(b),
    )  # fmt: skip
    m.data("google_project", "this", project_id=project)
    agent = template("serviceAccount:service-", raw("data.google_project.this.number"),
                     "@gcp-sa-artifactregistry.iam.gserviceaccount.com")  # fmt: skip
    grant = m.resource(
        "google_kms_crypto_key_iam_member", "images", "registry", crypto_key_id=key.id,
        role="roles/cloudkms.cryptoKeyEncrypterDecrypter", member=agent,
    )  # fmt: skip
    return {"kms_key_name": grant.crypto_key_id}


def protection(b: Blueprint) -> Mapping[str, Any]:
    """How a key is kept: in hardware where the design says so."""
    level = "HSM" if b.choice("infrastructure.security") == "hsm-backed-keys" else "SOFTWARE"
    return {"version_template": Nested(algorithm="GOOGLE_SYMMETRIC_ENCRYPTION", protection_level=level)}


def _mirror(m: Module, b: Blueprint, project: Ref) -> None:
    """Serverless services pull from Artifact Registry only, so it stands before the source host's registry."""
    host = m.variable("registry_host", "string", "Registry of the source host.", REGISTRIES[b.requirements.source_host],
                      checks=(('can(regex("^[a-z0-9.-]+$", var.registry_host))', "It must be a name."),))  # fmt: skip
    repository = m.resource(
        "google_artifact_registry_repository", "this", "source", why=b.why(_ARTIFACTS),
        skips={"CKV_GCP_84": "It holds copies of images that are kept, and encrypted, at the source host."},
        project=project, location=b.sites[0].region.id, repository_id=b.names.system, format="DOCKER",
        description="Passes on images of the source host's registry.", labels=labels("source"),
        mode="REMOTE_REPOSITORY",
        remote_repository_config=Nested(
            description="The source host's registry.",
            docker_repository=Nested(custom_repository=Nested(uri=template("https://", host))),
        ),
    )  # fmt: skip
    _granting(m, project, repository, b.sites[0].region.id, "source")


REGISTRIES = {"github": "ghcr.io", "gitlab": "registry.gitlab.com", "self-hosted": "registry.example.com"}


def _granting(m: Module, project: Ref, repository: Ref, region: str, component: str) -> None:
    """Lets each environment's pipeline give its workloads the right to pull, and no other right."""
    only = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/artifactregistry.reader'])"
    m.resource(
        "google_artifact_registry_repository_iam_member", "granting", component,
        why="Each environment lets its own workloads pull, and may give no other right.",
        for_each=raw("google_service_account.deploy"), project=project, location=region, repository=repository.name,
        role="roles/artifactregistry.admin", member=raw("each.value.member"),
        condition=Nested(title="only-readers", expression=only),
    )  # fmt: skip
    m.resource(
        "google_artifact_registry_repository_iam_member", "build", component, project=project, location=region,
        repository=repository.name, role="roles/artifactregistry.writer",
        member=raw("google_service_account.build.member"),
    )  # fmt: skip


# --- identity --------------------------------------------------------------------------------------------

# Issuer of a run's token, and the claims that say whose run it is and what it was released for, by pipeline.
# https://docs.github.com/actions/security-for-github-actions/security-hardening-your-deployments/about-security-hardening-with-openid-connect
# https://docs.gitlab.com/ci/secrets/id_token_authentication/ , https://plugins.jenkins.io/oidc-provider/ (2026-11)
_CLAIMS = {
    "github-actions": ("https://token.actions.githubusercontent.com", "repository", "environment"),
    "gitlab-ci": ("https://gitlab.com", "project_path", "environment"),
    "jenkins": ("https://jenkins.example.com/oidc", "project", "environment"),
}
_CHECKED = "github-actions"


def _identity(m: Module, b: Blueprint, project: Ref) -> None:
    pool = m.resource(
        "google_iam_workload_identity_pool", "this", "identity", why=b.why(_ACCESS), project=project,
        workload_identity_pool_id="pipeline", display_name="Pipeline", description="Runs of the pipeline.",
    )  # fmt: skip
    _provider(m, b, project, pool)
    _accounts(m, b, project, pool)
    _rights(m, b)


def _trusting(b: Blueprint) -> Mapping[str, str]:
    """The check knows one host's tokens, and takes any condition but the one on their subject for none."""
    if b.choice("cicd.platform") != _CHECKED:
        return {}
    return {
        "CKV_GCP_125": "The condition asks for the repository itself, exactly; the subject of a token differs by "
        "branch and environment, and each account below asks for its own."
    }


def _provider(m: Module, b: Blueprint, project: Ref, pool: Ref) -> None:
    issuer, owner, environment = _CLAIMS[b.choice("cicd.platform")]
    if b.requirements.source_host == "self-hosted" and b.choice("cicd.platform") == "gitlab-ci":
        issuer = "https://git.example.com"
    trusted = m.variable("issuer", "string", "Who signs the tokens of the pipeline's runs.", issuer,
                         checks=(('startswith(var.issuer, "https://")', "issuer must be an https address."),),
                         why="Set before the first apply: its host." if "example.com" in issuer else "")  # fmt: skip
    repository = m.variable(
        "repository", "string", "Repository whose pipeline may work here.",
        f"{label_text(b.requirements.owner)}/{b.names.system}",
        why="Set before the first apply: the repository of this code.",
        checks=(('can(regex("^[A-Za-z0-9._/-]+$", var.repository))',
                 "repository must be letters, digits, dots, dashes and slashes."),),
    )  # fmt: skip
    m.resource(
        "google_iam_workload_identity_pool_provider", "this", "identity", project=project,
        why="Only runs of this repository are anybody at all.",
        skips=_trusting(b),
        workload_identity_pool_id=pool.workload_identity_pool_id, workload_identity_pool_provider_id="pipeline",
        display_name="Pipeline", description="Tokens of the pipeline's runs.",
        attribute_mapping={
            "google.subject": "assertion.sub",
            "attribute.repository": f"assertion.{owner}",
            "attribute.environment": f"has(assertion.{environment}) ? assertion.{environment} : 'none'",
        },
        attribute_condition=template(f"assertion.{owner} == '", repository, "'"),
        oidc=Nested(issuer_uri=trusted),
    )  # fmt: skip


def _accounts(m: Module, b: Blueprint, project: Ref, pool: Ref) -> None:
    ids = [e.environment for e in b.environments]
    deploy = m.resource(
        "google_service_account", "deploy", "identity", why="Applies one environment, and no other.",
        for_each=call("toset", ids), project=project, account_id=template("deploy-", raw("each.key")),
        display_name=template("Deploys ", raw("each.key")),
    )  # fmt: skip
    m.resource(
        "google_service_account_iam_member", "deploy", "identity",
        why="Only a run that was released for the environment.",
        for_each=call("toset", ids), service_account_id=raw(f"{deploy}[each.key].name"), role=_FEDERATED,
        member=template(_PRINCIPALS, pool.name, "/attribute.environment/", raw("each.key")),
    )  # fmt: skip
    for id, account_id, told in _OTHERS:
        account = m.resource("google_service_account", id, "identity", project=project, account_id=account_id,
                             display_name=told)  # fmt: skip
        m.resource(
            "google_service_account_iam_member", id, "identity", service_account_id=account.name, role=_FEDERATED,
            member=template(_PRINCIPALS, pool.name, "/attribute.repository/", raw("var.repository")),
        )  # fmt: skip
        m.output(f"{id}_account", account.email, f"{told}.")
    m.output("deploy_accounts", raw(f"{{ for id, account in {deploy} : id => account.email }}"),
             "Accounts that apply, by environment.")  # fmt: skip
    m.output("identity_provider", raw("google_iam_workload_identity_pool_provider.this.name"),
             "Provider that the pipeline shows its token to.")  # fmt: skip


_OTHERS = (("build", "build-images", "Builds and pushes images"), ("plan", "plan-changes", "Reads, to plan a change"))
_FEDERATED = "roles/iam.workloadIdentityUser"
_PRINCIPALS = "principalSet://iam.googleapis.com/"

# What applying the code needs, and what planning it needs, by service of the design.
# https://cloud.google.com/iam/docs/roles-permissions (2026-11)
_ALWAYS: Mapping[str, str] = {
    "certificatemanager.editor": "certificatemanager.viewer",
    "compute.loadBalancerAdmin": "compute.viewer",
    "compute.networkAdmin": "compute.viewer",
    "compute.securityAdmin": "compute.viewer",
    "dns.admin": "dns.reader",
    "iam.serviceAccountAdmin": "iam.securityReviewer",
    "iam.serviceAccountUser": "iam.securityReviewer",
    "logging.configWriter": "logging.viewer",
    "monitoring.editor": "monitoring.viewer",
    "resourcemanager.projectIamAdmin": "iam.securityReviewer",
    "servicedirectory.editor": "servicedirectory.viewer",
    "serviceusage.serviceUsageAdmin": "serviceusage.serviceUsageViewer",
}
_MACHINES = {"compute.instanceAdmin.v1": "compute.viewer"}
_CONNECTED = {"networkconnectivity.consumerNetworkAdmin": "compute.networkViewer"}
_ROLES: Mapping[str, Mapping[str, str]] = {
    "cloud-run": {"run.admin": "run.viewer"},
    "cloud-functions": {"cloudfunctions.admin": "cloudfunctions.viewer", "run.admin": "run.viewer"},
    "gke": {"container.admin": "container.clusterViewer"},
    "compute-engine": _MACHINES,
    "otel-collector": _MACHINES,
    "cloud-sql": {"cloudsql.admin": "cloudsql.viewer"} | _CONNECTED,
    "alloydb": {"alloydb.admin": "alloydb.viewer"} | _CONNECTED,
    "firestore": {"datastore.owner": "datastore.indexAdmin"},  # the one that reads settings and no data
    "memorystore": {"redis.admin": "redis.viewer"} | _CONNECTED,
    "cloud-storage": {"storage.admin": "storage.bucketViewer", "storagetransfer.admin": "storagetransfer.viewer"},
    "pubsub": {"pubsub.admin": "pubsub.viewer"},
    "pubsub-stream": {"pubsub.admin": "pubsub.viewer"},
    "secret-manager": {"secretmanager.admin": "secretmanager.viewer"},
    "cloud-kms": {"cloudkms.admin": "cloudkms.viewer"},
    "security-command-center": {"securitycenter.notificationConfigEditor": "securitycenter.notificationConfigViewer",
                                "pubsub.admin": "pubsub.viewer"},
    "backup-and-dr": {"workflows.admin": "workflows.viewer", "cloudscheduler.admin": "cloudscheduler.viewer",
                      "iam.roleAdmin": "iam.roleViewer"},
}  # fmt: skip
_SCHEDULED = {"cloudscheduler.admin": "cloudscheduler.viewer"}


def _roles(b: Blueprint) -> tuple[list[str], list[str]]:
    """The roles that apply the code, and those that plan it."""
    found = dict(_ALWAYS)
    for c in b.topology.components:
        found |= _ROLES.get(c.service, {})
    found |= _SCHEDULED if any(e.hours_per_week < 168 for e in b.environments) else {}
    return [f"roles/{r}" for r in sorted(found)], [f"roles/{r}" for r in sorted(set(found.values()))]


def _rights(m: Module, b: Blueprint) -> None:
    projects = {e.environment: project_of(b, e.environment) for e in b.environments}
    ids = m.variable("project_ids", "map(string)", "Project of each environment.", projects,
                     why="Set before the first apply: as in the environments.")  # fmt: skip
    apply, read = _roles(b)
    needs = "What applying the code needs, by the services of the design."
    if b.has("posture"):
        needs += " Policies of a project need roles/orgpolicy.policyAdmin, which only an organisation can give."
    for id, told, roles in (("deploy", needs, apply), ("plan", "What planning a change needs to read.", read)):
        each = f"setproduct(keys(var.project_ids), {m.local(f'{id}_roles', roles)})"
        m.resource(
            "google_project_iam_member", id, "identity", why=told,
            for_each=raw(f'{{ for pair in {each} : join(":", pair) => pair }}'),
            project=raw(f"{ids}[each.value[0]]"), role=raw("each.value[1]"),
            member=raw(f"google_service_account.{id}{'[each.value[0]]' if id == 'deploy' else ''}.member"),
        )  # fmt: skip
    _states(m, b)


def _states(m: Module, b: Blueprint) -> None:
    """Each account to the state it works on; and to the budgets, which belong to the billing account."""
    states = m.local("states", {e.environment: state(b, e.environment)[1]["bucket"] for e in b.environments})
    for id, account, role in (("deploy", "deploy[each.key]", "objectUser"), ("plan", "plan", "objectViewer")):
        m.resource(
            "google_storage_bucket_iam_member", id, "pipeline", for_each=states, bucket=raw("each.value"),
            role=f"roles/storage.{role}", member=raw(f"google_service_account.{account}.member"),
        )  # fmt: skip
    payer = m.variable("billing_account", "string", "Billing account.", "000000-000000-000000",
                         why="Set before the first apply: the account that pays for the projects.",
                         checks=(('can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))',
                                  "billing_account must look like 012345-6789AB-CDEF01."),))  # fmt: skip
    m.resource(
        "google_billing_account_iam_member", "budgets", "budget", why="Budgets belong to the billing account.",
        for_each=raw("google_service_account.deploy"), billing_account_id=payer, role="roles/billing.costsManager",
        member=raw("each.value.member"),
    )  # fmt: skip
