"""Vaults of a site: one for secrets and certificates, one for the keys of the team's own, and who may use them.

Nobody writes a secret here: values come from the operators, and never pass through the code or its state. Keys turn
over by themselves; services name them without a version and take up the new one.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.azure.common import (
    NO_ENDPOINT,
    PRIVATE_ZONES,
    Made,
    base,
    diagnostics,
    endpoint,
    given,
    group,
    keyed,
    location,
    module,
    permission,
    served_by,
    tags,
    taken,
    unique,
)
from devops_workbook.artifacts.terraform.azure.layout import fronted
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["certified", "hardware", "key_body", "key_skips", "security"]

_KEPT_DAYS = 90  # the longest that a vault keeps what was deleted; nobody can shorten it
_VAULT = PRIVATE_ZONES["key-vault"]


def certified(b: Blueprint) -> bool:
    """Whether the entry shows a certificate of the team's own: all do but one that stands behind Front Door by a name
    of Azure's."""
    return served_by(b, "entry", "application-gateway") or not fronted(b)


def hardware(b: Blueprint) -> bool:
    """Whether keys live in hardware modules."""
    return b.choice("infrastructure.security") == "hsm-backed-keys"


def security(b: Blueprint, site: Site, made: Made) -> Module:
    """The vaults of a site. made: its modules "group", "logs" and "network"."""
    about = (
        "Secrets and keys have vaults of their own, which nobody enters by a password and from which nothing can be "
        "purged before its time. Rights are given on single keys and secrets.",
        b.why("infrastructure.security"),
    )
    m = module("security", "Security: vaults of secrets and keys.", about, b, site)
    if served_by(b, "secrets", "key-vault") or certified(b):
        _secrets(b, m, made)
    if b.has("keys"):
        _keys(b, m, made)
    if b.has("registry") and b.has("endpoints"):
        registry = given(m, "registry_id", "string", "Registry of the images.", raw("local.registry_id"))
        endpoint(m, made, "endpoints", "registry", registry, "registry", PRIVATE_ZONES["container-registry"])
    return m


# --- vaults ----------------------------------------------------------------------------------------------


def _vault(b: Blueprint, m: Module, made: Made, what: str, component: str, sku: str, why: str) -> Ref:
    told = "Public addresses that the pipeline comes from."
    addresses = given(m, "pipeline_addresses", "list(string)", told, raw("var.pipeline_addresses"))
    rules: dict[str, Any] = {"default_action": "Deny", "bypass": "AzureServices", "ip_rules": addresses}
    public: Any = Noted(raw(f"length({addresses}) > 0"), "Only for a pipeline that works outside of the network.")
    if not b.has("endpoints"):
        subnets = taken(m, made, "network", "app_subnet_ids", "list(string)", "Subnets of the application.")
        tools = taken(m, made, "network", "tools_subnet_id", "string", "Subnet of tools.")
        rules["virtual_network_subnet_ids"] = call("concat", subnets, [tools])
        public = Noted(True, "The design has no private endpoints; only the subnets and addresses below get in.")
    vault = m.resource(
        "azurerm_key_vault",
        what,
        component,
        file=what,
        why=why,
        skips=_skips(b),
        name=unique(m, b, f"{what}_vault", what, f"vault of {what}", 24),
        location=location(m),
        resource_group_name=group(m, made),
        tenant_id=given(m, "tenant_id", "string", "Entra tenant.", raw("var.tenant_id")),
        sku_name=sku,
        rbac_authorization_enabled=True,
        purge_protection_enabled=True,
        soft_delete_retention_days=_KEPT_DAYS,
        public_network_access_enabled=public,
        network_acls=Nested(**rules),
        tags=tags(m, component),
    )
    if b.has("endpoints"):
        endpoint(m, made, ("endpoints", component), what, vault.id, "vault", _VAULT, file=what)  # type: ignore[arg-type]
    diagnostics(m, b, made, component, what, vault.id, file=what)
    return vault


def _skips(b: Blueprint) -> dict[str, str]:
    return {} if b.has("endpoints") else {"CKV2_AZURE_32": NO_ENDPOINT}


def _secrets(b: Blueprint, m: Module, made: Made) -> None:
    native = served_by(b, "secrets", "key-vault")
    component = "secrets" if native else "entry"
    why = b.why("security.secrets") if native else "The certificate of the entry is kept here."
    vault = _vault(b, m, made, "secrets", component, "standard", why)
    m.output("secrets_vault_id", vault.id, "Vault of the service's secrets.")
    m.output("secrets_vault_uri", vault.vault_uri, "Address of that vault.", exported=True)
    names = [f"{c.service}-api-key" for c in b.topology.components if c.service == "datadog"]
    ids = {name: template(vault.vault_uri, f"secrets/{name}") for name in names}
    m.output("secret_ids", ids, "Ids of the secrets that operators put there, by name.")


# --- keys ------------------------------------------------------------------------------------------------


def key_body(b: Blueprint) -> dict[str, Any]:
    """What all keys have: hardware where the design asks for it, a new version every year."""
    return {
        "key_type": Noted("RSA-HSM", b.why("infrastructure.security")) if hardware(b) else "RSA",
        "key_size": 3072,
        "key_opts": ["wrapKey", "unwrapKey"],
        "rotation_policy": Nested(
            expire_after=Noted(
                "P2Y", "A version outlives its successor by a year, so that nothing is left unreadable."
            ),
            notify_before_expiry="P30D",
            automatic=Nested(time_after_creation="P1Y"),
        ),
        "lifecycle": Nested(
            ignore_changes=[Noted(raw("expiration_date"), "The rotation policy sets it on every version.")]
        ),
    }


def _uses(b: Blueprint) -> list[str]:
    """What keys are for. A vault of Azure's encrypts its secrets itself; one that the team runs unseals with a key."""
    unseals = [] if served_by(b, "secrets", "key-vault") else ["secrets"]
    if not keyed(b):
        return unseals
    return ["database", "files", "logs", *(unseals or ["disks"])]


def _keys(b: Blueprint, m: Module, made: Made) -> None:
    sku = "premium" if hardware(b) else "standard"
    vault = _vault(b, m, made, "keys", "keys", sku, b.why("infrastructure.security"))
    m.output("keys_vault_id", vault.id, "Vault of the keys.")
    uses = call("toset", _uses(b))
    body = key_body(b)
    lifecycle = body.pop("lifecycle")
    key = m.resource(
        "azurerm_key_vault_key", "this", "keys", file="keys", skips=key_skips(b), for_each=uses, name=raw("each.key"),
        key_vault_id=vault.id, **body, tags=tags(m, "keys"), lifecycle=lifecycle,
    )  # fmt: skip
    m.output("key_version_ids", raw(f"{{ for use, key in {key} : use => key.id }}"), "Keys by use, with their version.")
    if keyed(b):
        _user(b, m, made, key)
    else:
        m.output("key_ids", raw(f"{{ for use, key in {key} : use => key.versionless_id }}"), "Keys by use.")


def key_skips(b: Blueprint) -> dict[str, str]:
    """What checks ask of keys and these do not meet."""
    checks = ("CKV_AZURE_40",) if hardware(b) else ("CKV_AZURE_40", "CKV_AZURE_112")
    return dict.fromkeys(checks, _KEYS)


_KEYS = "A policy gives each version of a key its end; keys are in hardware where the requirements ask for that."


def _user(b: Blueprint, m: Module, made: Made, key: Ref) -> None:
    """Who encrypts: one identity, which services take on to use a key, and which may do nothing else."""
    identity = m.resource(
        "azurerm_user_assigned_identity",
        "encryption",
        "keys",
        file="keys",
        **base(m, made, "encryption"),
        tags=tags(m, "keys"),
    )
    role = permission("key-vault-keys", "database")["roles"][0]
    granted = m.resource(
        "azurerm_role_assignment", "encryption", "keys", file="keys", for_each=key,
        why="Connection database and keys: encrypts with. The right is on each key, not on their vault.",
        scope=raw("each.value.resource_versionless_id"), role_definition_name=role, principal_id=identity.principal_id,
        principal_type="ServicePrincipal",
    )  # fmt: skip
    ready = f"{{ for use, role in {granted} : use => {key}[use].versionless_id }}"
    m.output("key_ids", raw(ready), "Keys by use, without a version, once they may be used.")
    m.output("encryption_identity_id", identity.id, "Identity that may use the keys.")
    m.output("encryption_identity_principal_id", identity.principal_id, "Principal of that identity.")
    disks = "disks" if "disks" in _uses(b) else "files"
    disk = m.resource(
        "azurerm_disk_encryption_set",
        "this",
        "keys",
        file="keys",
        why=b.why("infrastructure.security"),
        **base(m, made, "disks"),
        key_vault_key_id=raw(f'{key}["{disks}"].versionless_id'),
        auto_key_rotation_enabled=True,
        encryption_type="EncryptionAtRestWithCustomerKey",
        identity=Nested(type="UserAssigned", identity_ids=[identity.id]),
        tags=tags(m, "keys"),
        depends_on=[granted],
    )
    m.output("disk_encryption_set_id", disk.id, "Set of keys that disks are encrypted with.")
