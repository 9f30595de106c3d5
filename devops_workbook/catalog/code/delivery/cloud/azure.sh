#!/usr/bin/env bash
# Who the pipeline is on Azure, what it may pull and push, and which alerts there are. The other scripts read it.
set -euo pipefail

# sign_in plan | build | IDENTITY: the token stands for a managed identity, which has no key.
# Without a token whoever is signed in already works on.
sign_in() {
    local token
    token="$(delivery/token.sh)"
    [ -n "$token" ] || return 0
    local name
    name="CLIENT_${1^^}"
    az login --service-principal --username "${!name}" --tenant "$TENANT" --federated-token "$token" --output none
    export ARM_USE_OIDC=true ARM_OIDC_TOKEN="$token" ARM_TENANT_ID="$TENANT" ARM_CLIENT_ID="${!name}"
    if [ -n "${SUBSCRIPTION:-}" ]; then az account set --subscription "$SUBSCRIPTION"; fi
}

registry_password() {
    az acr login --name "${REGISTRY%%.*}" --expose-token --query accessToken --output tsv
}

# The alerts of the environment that fired in the last hour and are not over, of the severities that page.
firing() {
    local since="timeRange=1h&monitorCondition=Fired" group
    for group in $RESOURCE_GROUPS; do
        az rest --method get --query "value[?contains(['Sev0', 'Sev1'], properties.essentials.severity)].name" --output tsv \
            --url "https://management.azure.com/subscriptions/$SUBSCRIPTION/providers/Microsoft.AlertsManagement/alerts?api-version=2019-05-05-preview&$since&targetResourceGroup=$group"
    done | xargs
}

# The secrets of the environment, each with the day of its last change.
secrets() {
    local group vault
    for group in $RESOURCE_GROUPS; do
        for vault in $(az keyvault list --resource-group "$group" --query '[].name' --output tsv); do
            az keyvault secret list --vault-name "$vault" --query '[].[name, attributes.updated]' --output tsv
        done
    done
}

# Turns to the cluster of an overlay: "production", "production-2". It answers inside the network alone, so that Azure
# runs what is asked there, under the pipeline's own identity.
cluster_of() {
    cluster_group="${RESOURCE_GROUPS%% *}" cluster="$PREFIX-aks"
    case "$1" in
    *-2)
        cluster_group="${RESOURCE_GROUPS##* }"
        cluster="$cluster-2"
        ;;
    esac
}

invoked() { # command [file]
    local answer
    answer="$(az aks command invoke --resource-group "$cluster_group" --name "$cluster" --command "$1" \
        ${2:+--file "$2"} --output json)"
    jq -j '.logs // ""' <<<"$answer"
    [ "$(jq -r .exitCode <<<"$answer")" = 0 ]
}

kube() { invoked "kubectl $(printf '%q ' "$@")"; }

kube_apply() { invoked "kubectl apply --server-side --force-conflicts --filename $(basename "$1")" "$1"; }
