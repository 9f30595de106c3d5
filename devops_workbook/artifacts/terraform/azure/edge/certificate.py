"""The certificate of the entry: made and renewed by the vault, read by the entry alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from devops_workbook.artifacts.terraform.azure.common import Made, base, tags, taken
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["certificate", "host", "identity"]

_MONTHS = 12
_RENEWED_DAYS = 30  # before it ends


def host(m: Module) -> Ref:
    """The name that users know the entry by."""
    check = ('can(regex("^[a-z0-9.-]+$", var.host))', "host must be a name such as www.example.com.")
    return m.variable("host", "string", "Name that users know the entry by.", raw("local.host"), checks=(check,))


def identity(m: Module, made: Made) -> Ref:
    """Who the entry is."""
    return m.resource(
        "azurerm_user_assigned_identity",
        "entry",
        "entry",
        file="certificate",
        **base(m, made, "entry"),
        tags=tags(m, "entry"),
    )


def certificate(m: Module, made: Made, who: Ref, names: Sequence[Any]) -> Ref:
    """The certificate for `names`, the first of which is its subject, and the entry's right to read it."""
    vault = taken(m, made, "security", "secrets_vault_id", "string", "Vault of secrets and certificates.")
    issuer = m.variable(
        "certificate_issuer", "string", "Issuer of the certificate, as the vault knows it; Self for none.",
        raw("var.certificate_issuer"),
        checks=(('can(regex("^[A-Za-z0-9-]+$", var.certificate_issuer))', "certificate_issuer must be a name."),),
    )  # fmt: skip
    built = m.resource(
        "azurerm_key_vault_certificate",
        "entry",
        "entry",
        file="certificate",
        name="entry",
        key_vault_id=vault,
        certificate_policy=Nested(
            issuer_parameters=Nested(
                name=Noted(issuer, "Browsers trust what an authority signed; Self is for a first look.")
            ),
            key_properties=Nested(exportable=True, key_type="RSA", key_size=2048, reuse_key=False),
            lifetime_action=Nested(
                action=Nested(action_type="AutoRenew"), trigger=Nested(days_before_expiry=_RENEWED_DAYS)
            ),
            secret_properties=Nested(content_type="application/x-pkcs12"),
            x509_certificate_properties=Nested(
                subject=template("CN=", names[0]),
                validity_in_months=_MONTHS,
                key_usage=["digitalSignature", "keyEncipherment"],
                extended_key_usage=Noted(["1.3.6.1.5.5.7.3.1"], "For servers."),
                subject_alternative_names=Nested(dns_names=list(names)),
            ),
        ),
        tags=tags(m, "entry"),
    )
    m.resource(
        "azurerm_role_assignment", "certificate", "entry", file="certificate",
        why="The entry reads its certificate, and nothing else of the vault.",
        scope=template(vault, "/secrets/", built.name), role_definition_name="Key Vault Secrets User",
        principal_id=who.principal_id, principal_type="ServicePrincipal",
    )  # fmt: skip
    return built
