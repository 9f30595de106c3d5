"""What the environments share: the registry of images, and the identities under which the pipeline works.

The pipeline holds no key. It shows the token that its platform signs for each run; Entra takes that for one of these
identities: one builds and pushes images, one reads for a plan, and one for each environment applies. Which run may be
which is in the token's subject.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.branches import branches_to, built_branches
from devops_workbook.artifacts.names import SHORT
from devops_workbook.artifacts.terraform.azure.common import NO_ENDPOINT, PROVIDERS, keyed, permission
from devops_workbook.artifacts.terraform.azure.roots import (
    NOBODY,
    SHARED,
    TO_SET,
    group_name,
    owner_slug,
    registry_name,
    settings,
    state,
    state_account,
    tags_of,
    text,
)
from devops_workbook.artifacts.terraform.azure.security import hardware, key_body, key_skips
from devops_workbook.artifacts.terraform.configuration import Once
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["once_variables", "shared", "vault"]

_UNTAGGED_DAYS = 30

_IMAGES = (
    "One registry serves all sites, as the bill counts; the pipeline, which alone may push, scans and signs its images."
)


def once_variables(m: Module, b: Blueprint) -> None:
    """The variables of a configuration that is applied once: where it is built, and who pays."""
    known = dict(TO_SET)
    guid = 'can(regex("^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$", var.{0}))'
    m.variable("subscription_id", "string", "Subscription of what the environments share.", NOBODY,
               why=f"Set before the first apply: {known['shared_subscription_id']}.",
               checks=((guid.format("subscription_id"), "subscription_id must be a GUID."),))  # fmt: skip
    m.variable(
        "location",
        "string",
        "Region of what the environments share.",
        b.sites[0].region.id,
        checks=(('can(regex("^[a-z]+[0-9]?$", var.location))', "location must be a region's name."),),
    )
    m.variable("pipeline_addresses", "list(string)", "Public addresses that the pipeline comes from.", ["203.0.113.10"],
               why=f"Set before the first apply: {known['pipeline_addresses']}.")  # fmt: skip
    cost = m.variable(
        "cost_centre",
        "string",
        "Who pays; a tag's value.",
        text(b.requirements.owner),
        why=f"Set before the first apply: {known['cost_centre']}.",
        checks=(("length(var.cost_centre) <= 256", "cost_centre must be at most 256 characters."),),
    )
    m.local("tags", {**tags_of(b, SHARED, cost), "component": "pipeline"})


def shared(b: Blueprint) -> Once:
    """What the environments share."""
    about = (
        "The registry of images and the pipeline's identities. Apply it after bootstrap and before the environments.",
    )
    m = Module("shared", "Shared", about, PROVIDERS)
    once_variables(m, b)
    group = m.resource(
        "azurerm_resource_group",
        "this",
        "identity",
        name=group_name(b, "rg"),
        location=raw("var.location"),
        tags=_tags("identity"),
    )
    if b.has("registry"):
        _registry(b, m, group)
    _identities(b, m, group)
    return Once(m, settings(raw("var.subscription_id")), state(b, SHARED))


def _tags(component: str) -> Ref:
    return raw(f'merge(local.tags, {{ component = "{component}" }})')


# --- registry --------------------------------------------------------------------------------------------


def _registry(b: Blueprint, m: Module, group: Ref) -> None:
    body = _encrypted(b, m, group) if keyed(b) else {}
    rules: dict[str, Any] = {}
    if b.has("endpoints"):
        # An attribute, not a block, so that nothing in it can be dynamic.
        doors = raw('[for address in var.pipeline_addresses : { action = "Allow", ip_range = address }]')
        rules = {
            "network_rule_set": [{"default_action": "Deny", "ip_rule": doors}],
            "network_rule_bypass_option": "AzureServices",
        }
    registry = m.resource(
        "azurerm_container_registry", "this", "registry", file="registry", why=b.why("cicd.artifacts"),
        skips=_REGISTRY_SKIPS, name=registry_name(b), location=raw("var.location"), resource_group_name=group.name,
        sku=Noted("Premium", "The tier of private endpoints, of keys of one's own and of retention."),
        admin_enabled=False, anonymous_pull_enabled=False, data_endpoint_enabled=True,
        zone_redundancy_enabled=b.sites[0].region.zones > 1, retention_policy_in_days=_UNTAGGED_DAYS,
        **rules, **body, tags=_tags("registry"),
    )  # fmt: skip
    m.resource("azurerm_management_lock", "registry", "registry", file="registry", name="registry", scope=registry.id,
               lock_level="CanNotDelete", notes="Holds what runs in every environment.")  # fmt: skip
    m.output("registry_server", registry.login_server, "Host of the registry.")


_REGISTRY_SKIPS = {
    "CKV_AZURE_139": NO_ENDPOINT,
    **dict.fromkeys(("CKV_AZURE_164", "CKV_AZURE_165", "CKV_AZURE_166"), _IMAGES),
}


def vault(b: Blueprint, m: Module, group: Ref, what: str, component: str) -> Ref:
    """A vault of keys for what is applied once."""
    return m.resource(
        "azurerm_key_vault",
        what,
        component,
        skips={"CKV2_AZURE_32": NO_ENDPOINT},
        name=b.names.compact(SHARED, what),
        location=raw("var.location"),
        resource_group_name=group.name,
        tenant_id=m.data("azurerm_client_config", "this").tenant_id,
        sku_name="premium" if hardware(b) else "standard",
        rbac_authorization_enabled=True,
        purge_protection_enabled=True,
        soft_delete_retention_days=90,
        public_network_access_enabled=True,
        network_acls=Nested(default_action="Deny", bypass="AzureServices", ip_rules=raw("var.pipeline_addresses")),
        tags=_tags(component),
    )


def _encrypted(b: Blueprint, m: Module, group: Ref) -> dict[str, Any]:
    box = vault(b, m, group, "images", "registry")
    identity = m.resource("azurerm_user_assigned_identity", "registry", "registry", file="registry",
                          name=f"{b.names.of(SHARED)}-registry", location=raw("var.location"),
                          resource_group_name=group.name, tags=_tags("registry"))  # fmt: skip
    key = m.resource(
        "azurerm_key_vault_key",
        "registry",
        "registry",
        file="registry",
        why=b.why("infrastructure.security"),
        name="registry",
        skips=key_skips(b),
        key_vault_id=box.id,
        **key_body(b),
        tags=_tags("registry"),
    )
    grant = m.resource(
        "azurerm_role_assignment", "registry", "registry", file="registry", scope=key.resource_versionless_id,
        role_definition_name=permission("key-vault-keys", "database")["roles"][0], principal_id=identity.principal_id,
        principal_type="ServicePrincipal",
    )  # fmt: skip
    return {
        "identity": Nested(type="UserAssigned", identity_ids=[identity.id]),
        "encryption": Nested(key_vault_key_id=key.versionless_id, identity_client_id=identity.client_id),
        "depends_on": [grant],
    }  # fmt: skip


# --- identities ------------------------------------------------------------------------------------------

# Who signs a run's token, and what its subject says: of a run for an environment, of one that builds, and of one that
# plans. Entra compares the subject as a whole, so that what has a pattern in its name is nobody. https://docs.github.com/actions/concepts/security/openid-connect,
# https://docs.gitlab.com/ci/secrets/id_token_authentication/, https://plugins.jenkins.io/oidc-provider/ (2026-11)
_JOB = "https://jenkins.example.com/job/{system}"
_GITLAB = "project_path:{repository}:ref_type:branch:ref:{branch}"
_TOKENS: Mapping[str, tuple[str, str, str, tuple[str, ...]]] = {
    "github-actions": ("https://token.actions.githubusercontent.com", "repo:{repository}:environment:{environment}",
                       "repo:{repository}:ref:refs/heads/{branch}",
                       ("repo:{repository}:pull_request", "repo:{repository}:ref:refs/heads/{branch}")),
    "gitlab-ci": ("https://gitlab.com", _GITLAB, _GITLAB, (_GITLAB,)),
    "jenkins": ("https://jenkins.example.com/oidc", f"{_JOB}-release-{{short}}/", f"{_JOB}-build/",
                (f"{_JOB}-plan/job/{{branch}}/", f"{_JOB}-scheduled/")),
}  # fmt: skip
_AUDIENCE = ["api://AzureADTokenExchange"]


def _identities(b: Blueprint, m: Module, group: Ref) -> None:
    platform = b.choice("cicd.platform")
    issuer, released, built, planned = _TOKENS[platform]
    if platform == "gitlab-ci" and b.requirements.source_host == "self-hosted":
        issuer = "https://git.example.com"
    known = dict(TO_SET)
    trusted = m.variable(
        "issuer",
        "string",
        "Who signs the tokens of the pipeline's runs.",
        issuer,
        checks=(('startswith(var.issuer, "https://")', "issuer must be an https address."),),
        why=f"Set before the first apply: {known['issuer']}." if "example.com" in issuer else "",
    )
    ids = [e.environment for e in b.environments]
    facts = {"repository": f"{owner_slug(b)}/{b.names.system}", "system": b.names.system}

    def said(pattern: str, branches: Sequence[str], **more: str) -> list[str]:
        named = (pattern.format(branch=x, **facts, **more) for x in branches if "*" not in x)
        return list(dict.fromkeys(named))

    tokens = {id: said(released, branches_to(b, id), environment=id, short=SHORT[id]) for id in ids}
    tokens |= {"build": said(built, built_branches(b)),
               "plan": [x for p in planned for x in said(p, built_branches(b))]}  # fmt: skip
    subjects = m.variable("subjects", "map(list(string))", "What the tokens say of themselves, by identity.", tokens,
                          why=f"Set before the first apply: {known['subjects']}.")  # fmt: skip
    identity = m.resource(
        "azurerm_user_assigned_identity", "pipeline", "identity", file="identity", why=b.why("security.access"),
        for_each=subjects, name=template(f"{b.names.of(SHARED)}-", raw("each.key")), location=raw("var.location"),
        resource_group_name=group.name, tags=_tags("identity"),
    )  # fmt: skip
    m.resource(
        "azurerm_federated_identity_credential", "pipeline", ("identity", "pipeline"), file="identity",
        why="A run of the pipeline is this identity for as long as its token lasts, without any key.",
        for_each=raw(f"merge([for id, said in {subjects} : {{ for one in said : sha1(\"${{id}} ${{one}}\") => "
                     "{ id = id, subject = one } }]...)"),
        name=template("pipeline-", raw("substr(each.key, 0, 8)")), resource_group_name=group.name,
        parent_id=raw(f"{identity}[each.value.id].id"), issuer=trusted, audience=_AUDIENCE,
        subject=raw("each.value.subject"),
    )  # fmt: skip
    _rights(b, m, identity, ids)
    m.output(
        "client_ids",
        raw(f"{{ for id, one in {identity} : id => one.client_id }}"),
        "Client ids of the pipeline's identities.",
    )


def _rights(b: Blueprint, m: Module, identity: Ref, ids: list[str]) -> None:
    subscriptions = m.variable(
        "subscription_ids",
        "map(string)",
        "Subscription of each environment.",
        dict.fromkeys(ids, NOBODY),
        why=f"Set before the first apply: {dict(TO_SET)['subscription_ids']}.",
    )
    scope = template("/subscriptions/", raw("each.value"))
    for name, role, why in _roles(b):
        m.resource(
            "azurerm_role_assignment",
            name,
            "identity",
            file="rights",
            why=why,
            for_each=subscriptions,
            scope=scope,
            role_definition_name=role,
            principal_id=raw(f"{identity}[each.key].principal_id"),
            principal_type="ServicePrincipal",
        )
    m.resource(
        "azurerm_role_assignment",
        "grants",
        "identity",
        file="rights",
        for_each=subscriptions,
        scope=scope,
        why="Gives the identities of the service their rights, but nobody a right to give rights or to own anything.",
        role_definition_name="Role Based Access Control Administrator",
        principal_id=raw(f"{identity}[each.key].principal_id"),
        principal_type="ServicePrincipal",
        condition_version="2.0",
        condition=_CONDITION,
    )
    for name, role, why in (
        ("plan", "Reader", "Reads, to plan a change."),
        ("plan_vaults", "Key Vault Reader", "Sees which keys and certificates there are, but not what they hold."),
    ):
        m.resource(
            "azurerm_role_assignment", name, "identity", file="rights", why=why, for_each=subscriptions, scope=scope,
            role_definition_name=role, principal_id=raw(f'{identity}["plan"].principal_id'),
            principal_type="ServicePrincipal",
        )  # fmt: skip
    _states(b, m, identity, ids)
    if b.has("registry"):
        _images(m, identity, ids)


def _roles(b: Blueprint) -> Iterator[tuple[str, str, str]]:
    """What applying an environment needs: a name, the role, the reason."""
    yield (
        "apply",
        "Contributor",
        "Builds everything in the one subscription of its environment; groups and registrations of services are in no "
        "narrower role that Microsoft keeps.",
    )
    yield "locks", "Locks Contributor", "Locks what holds data that cannot be made again."
    yield "certificates", "Key Vault Certificates Officer", "Orders the certificate of the entry."
    if b.has("keys"):
        yield "keys", "Key Vault Crypto Officer", "Makes keys and sets their rotation."
    if b.has("posture"):
        yield "policies", "Resource Policy Contributor", "Assigns policies."
    if b.has("threat-detection"):
        yield "detection", "Security Admin", "Switches plans of threat detection on."


# Owner, User Access Administrator and Role Based Access Control Administrator, which nobody is given
# (https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/privileged, 2026-11).
_PRIVILEGED = (
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635, 18d7d88d-d35e-4fb5-a5c3-7773c20a72d9, f58310d9-a9f6-439a-9e8d-f62e7b41a168"
)


def _clause(action: str, of: str) -> str:
    one = f"@{of}[Microsoft.Authorization/roleAssignments"
    no = f"{one}:RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals {{{_PRIVILEGED}}}"
    who = f"{one}:PrincipalType] StringEqualsIgnoreCase 'ServicePrincipal'"
    return f"((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{action}'}})) OR ({no} AND {who}))"


_CONDITION = f"{_clause('write', 'Request')} AND {_clause('delete', 'Resource')}"


def _states(b: Blueprint, m: Module, identity: Ref, ids: list[str]) -> None:
    container = template(
        "/subscriptions/",
        raw("var.subscription_id"),
        f"/resourceGroups/{group_name(b, 'state-rg')}/providers/Microsoft.Storage",
        f"/storageAccounts/{state_account(b)}/blobServices/default/containers/",
        raw("each.value"),
    )
    names = {id: SHORT.get(id, id) for id in ids}
    for name, role, who, why in (
        (
            "state",
            "Storage Blob Data Contributor",
            "each.key",
            "Reads and writes the state of its environment, and locks it.",
        ),
        ("state_read", "Storage Blob Data Reader", '"plan"', "Reads states, to plan a change."),
    ):
        m.resource(
            "azurerm_role_assignment",
            name,
            "pipeline",
            file="rights",
            why=why,
            for_each=names,
            scope=container,
            role_definition_name=role,
            principal_id=raw(f"{identity}[{who}].principal_id"),
            principal_type="ServicePrincipal",
        )


def _images(m: Module, identity: Ref, ids: list[str]) -> None:
    registry = raw("azurerm_container_registry.this.id")
    role = permission("container-registry", "pipeline")["roles"][0]
    m.resource(
        "azurerm_role_assignment",
        "push",
        "registry",
        file="rights",
        why="Connection pipeline and registry: signed image.",
        scope=registry,
        role_definition_name=role,
        principal_id=raw(f'{identity}["build"].principal_id'),
        principal_type="ServicePrincipal",
    )
    pull = permission("container-registry", "compute")["roles"][0]
    only = f"{{{_PULL}}}"
    m.resource(
        "azurerm_role_assignment",
        "pull_grants",
        "registry",
        file="rights",
        for_each=call("toset", ids),
        scope=registry,
        why=f"Each environment lets its own identities pull ({pull}), and may give no other right.",
        role_definition_name="Role Based Access Control Administrator",
        principal_id=raw(f"{identity}[each.key].principal_id"),
        principal_type="ServicePrincipal",
        condition_version="2.0",
        condition=" AND ".join(
            f"((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{action}'}})) OR "
            f"(@{of}[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {only}))"
            for action, of in (("write", "Request"), ("delete", "Resource"))
        ),
    )


_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"  # AcrPull, of the built-in roles for containers
