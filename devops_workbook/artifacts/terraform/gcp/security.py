"""Keys and secrets of a site.

Each class of data has a key of its own, in the region of the data. Google's service agents, which encrypt on our
behalf, may use the key of what they hold and no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import (
    PROVIDERS,
    labels,
    name,
    named,
    number,
    production,
    project,
    region,
    suffix,
)
from devops_workbook.artifacts.terraform.hcl import Expr, Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["KEYS", "KEY_SKIPS", "customer_keys", "security"]

_KEYS = "infrastructure.security"
KEY_SKIPS = {
    "CKV_GCP_43": "The plan rotates keys yearly, and at once after a suspected leak.",
    "CKV_GCP_82": "Destroyed versions stay recoverable for 30 days, and development is taken down and built again.",
}
KEYS: Mapping[str, str] = {
    "database": "Databases, caches and their backups",
    "files": "Files, queues and disks",
    "secrets": "Secrets",
    "logs": "Logs",
}
# Service agents that encrypt with a key, by key and by the service that makes them necessary (PROJECT = its number).
# https://cloud.google.com/iam/docs/service-agents (2026-11)
_AGENTS: Mapping[str, Mapping[str, str]] = {
    "database": {
        "cloud-sql": "gcp-sa-cloud-sql", "alloydb": "gcp-sa-alloydb", "firestore": "gcp-sa-firestore",
        "memorystore": "cloud-redis",
    },
    "files": {
        "cloud-storage": "gs-project-accounts", "pubsub": "gcp-sa-pubsub", "pubsub-stream": "gcp-sa-pubsub",
        "gke": "compute-system", "compute-engine": "compute-system", "otel-collector": "compute-system",
        "cloud-run": "serverless-robot-prod", "cloud-functions": "serverless-robot-prod",
    },
    "secrets": {"secret-manager": "gcp-sa-secretmanager", "gke": "container-engine-robot"},
    "logs": {"security-command-center": "gcp-sa-pubsub"},
}  # fmt: skip
# Of these, the services whose agent exists only once somebody asked for it.
_ASKED = {"cloud-sql": "sqladmin", "alloydb": "alloydb", "firestore": "firestore", "secret-manager": "secretmanager",
          "pubsub": "pubsub", "pubsub-stream": "pubsub"}  # fmt: skip
_YEAR = "31536000s"


def customer_keys(b: Blueprint) -> bool:
    """Whether data is encrypted with keys that the team manages."""
    return b.choice(_KEYS) != "provider-managed-keys"


def security(b: Blueprint, site: Site) -> Module:
    """Keys and secrets of a site."""
    m = Module("security", "Security", _about(b), PROVIDERS, site, b.present(site))
    keys = _keys(m, b, site) if b.has("keys") else None
    used = keys if keys is not None and customer_keys(b) else None
    _secrets(m, b, site, keys if customer_keys(b) else None)
    m.output("key_ids", _granted() if used is not None else {}, "Keys by what they encrypt; empty = Google's own.")
    if keys is not None and not customer_keys(b):
        m.output("unseal_key_id", raw('google_kms_crypto_key.this["secrets"].id'), "Key that unseals the vault.")
    return m


def _about(b: Blueprint) -> tuple[str, ...]:
    told = "The keys of a site, one for each class of data, and its secrets, without their values."
    asked = sorted({_ASKED[c.service] for c in b.topology.components if c.service in _ASKED})
    if not customer_keys(b) or not asked:
        return (told,)
    commands = "; ".join(f"gcloud beta services identity create --service={api}.googleapis.com" for api in asked)
    return (told, f"Some service agents exist only once they are asked for. Before the first apply: {commands}.")


# --- keys ------------------------------------------------------------------------------------------------


def _uses(b: Blueprint) -> Mapping[str, str]:
    return KEYS if customer_keys(b) else {"secrets": "Unseals the vault"}


def _keys(m: Module, b: Blueprint, site: Site) -> Ref:
    ring = m.resource("google_kms_key_ring", "this", "keys", project=project(m), name=named(m, site, "keys"),
                      location=region(m, site))  # fmt: skip
    key = _key(m, b, site, "this", "keys", ring, for_each=call("toset", list(_uses(b))), name=raw("each.key"))
    if customer_keys(b):
        _grants(m, b)
        if b.backup_region and len(b.sites) == 1:
            _copies(m, b, site)
    return key


def _key(m: Module, b: Blueprint, site: Site, id: str, component: str, ring: Ref, **more: Any) -> Ref:
    hardware = b.choice(_KEYS) == "hsm-backed-keys"
    return m.resource(
        "google_kms_crypto_key", id, component, why=b.why(_KEYS),
        skips=KEY_SKIPS,
        **more, key_ring=ring.id,
        rotation_period=Noted(_YEAR, "The plan rotates keys yearly."), destroy_scheduled_duration="2592000s",
        labels=labels(component, *((m, site) if component == "keys" else ())),
        version_template=Nested(
            algorithm="GOOGLE_SYMMETRIC_ENCRYPTION", protection_level="HSM" if hardware else "SOFTWARE"
        ),
    )  # fmt: skip


def _copies(m: Module, b: Blueprint, site: Site) -> None:
    """The key of what is copied to a second region, where no site runs: data is encrypted with keys of its region."""
    assert b.backup_region
    where = m.variable("copies_region", "string", "Region that backups are copied to.", b.backup_region.id)
    ring = m.resource("google_kms_key_ring", "copies", "backup-2", project=project(m),
                      name=template(name(m), "-copies"), location=where)  # fmt: skip
    key = _key(m, b, site, "copies", "backup-2", ring, name="copies")
    agents = {id: _AGENTS[use][id] for use in ("database", "files") for id in _AGENTS[use] if _designed(b, id)}
    m.resource(
        "google_kms_crypto_key_iam_member", "copies", "backup-2",
        for_each=call("toset", sorted(set(agents.values()))), crypto_key_id=key.id, role=_ENCRYPTS,
        member=template("serviceAccount:service-", number(m), "@", raw("each.value"), _ACCOUNTS),
    )  # fmt: skip
    m.output("copies_key_id", raw(
        "one(distinct([for grant in google_kms_crypto_key_iam_member.copies : grant.crypto_key_id]))"
    ), "Key of copies in the second region.")  # fmt: skip


_ENCRYPTS = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
_ACCOUNTS = ".iam.gserviceaccount.com"


def _designed(b: Blueprint, service: str) -> bool:
    return any(c.service == service for c in b.topology.components)


def _grants(m: Module, b: Blueprint) -> None:
    """Each key to the agents of the services that encrypt with it."""
    agents: dict[str, Mapping[str, str | Expr]] = {}
    for use, found in _AGENTS.items():
        for service, account in found.items():
            if _designed(b, service):
                member = template("serviceAccount:service-", number(m), f"@{account}{_ACCOUNTS}")
                agents[f"{use}/{account}"] = {"use": use, "member": member}
    m.data("google_logging_project_cmek_settings", "this", project=project(m))
    logging = raw("data.google_logging_project_cmek_settings.this.service_account_id")
    agents["logs/logging"] = {"use": "logs", "member": template("serviceAccount:", logging)}
    m.local("agents", agents)
    m.resource(
        "google_kms_crypto_key_iam_member", "agent", "keys",
        why="Google's service agents encrypt on our behalf, each with the key of what it holds.",
        for_each=raw("local.agents"), crypto_key_id=raw("google_kms_crypto_key.this[each.value.use].id"),
        role=_ENCRYPTS, member=raw("each.value.member"),
    )  # fmt: skip


def _granted() -> Ref:
    """The keys by use, known once their agents may use them."""
    m = "for id, grant in google_kms_crypto_key_iam_member.agent : grant.crypto_key_id if local.agents[id].use == use"
    return raw(f"{{ for use, key in google_kms_crypto_key.this : use => try(distinct([{m}])[0], key.id) }}")


# --- secrets ---------------------------------------------------------------------------------------------

_SECRETS = ("database", "session", "token", "webhook")


def _secrets(m: Module, b: Blueprint, site: Site, keys: Ref | None) -> None:
    """The secrets of the service, each without a value: whoever owns one adds a version, outside this code."""
    if b.choice("security.secrets") != "native":
        m.output("secret_ids", {}, "Secrets by name; empty = they are in the vault.")
        return
    count = round(b.component("secrets").usage["secrets"] or 0)
    names = [_SECRETS[n] if n < len(_SECRETS) else f"secret-{n + 1}" for n in range(count)]
    encrypted: dict[str, Any] = (
        {"customer_managed_encryption": Nested(kms_key_name=raw(_one("secrets")))} if keys is not None else {}
    )
    granted: dict[str, Any] = {"depends_on": [raw("google_kms_crypto_key_iam_member.agent")]} if encrypted else {}
    secret = m.resource(
        "google_secret_manager_secret", "this", "secrets", why=b.why("security.secrets"),
        for_each=call("toset", names), project=project(m),
        secret_id=template(name(m), "-", raw("each.key"), suffix(m, site)), deletion_protection=production(m, b),
        labels=labels("secrets", m, site),
        replication=Nested(user_managed=Nested(replicas=Nested(location=region(m, site), **encrypted))),
        **granted,
    )  # fmt: skip
    m.output("secret_ids", raw(f"{{ for id, secret in {secret} : id => secret.id }}"), "Secrets by name.")


def _one(use: str) -> str:
    return f'google_kms_crypto_key.this["{use}"].id'
