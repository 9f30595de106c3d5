#!/usr/bin/env bash
# Who the pipeline is on Google Cloud, what it may pull and push, and whether errors burn the budget. The other scripts
# read it.
set -euo pipefail

# sign_in plan | build | IDENTITY: the token is exchanged for a service account whenever a tool asks for credentials.
# Without a token whoever is signed in already works on.
sign_in() {
    local token
    token="$(delivery/token.sh)"
    [ -n "$token" ] || return 0
    local account
    case "$1" in
    plan) account="plan-changes" ;;
    build) account="build-images" ;;
    *) account="deploy-$1" ;;
    esac
    printf '%s' "$token" >/tmp/token
    gcloud iam workload-identity-pools create-cred-config "$IDENTITY_PROVIDER" --quiet \
        --service-account "$account@$SHARED_PROJECT.iam.gserviceaccount.com" \
        --credential-source-file /tmp/token --output-file /tmp/credentials.json
    export GOOGLE_APPLICATION_CREDENTIALS=/tmp/credentials.json
    gcloud auth login --quiet --cred-file "$GOOGLE_APPLICATION_CREDENTIALS"
}

registry_password() {
    gcloud auth print-access-token
}

# The share of requests that fail, if it is above what pages first.
firing() {
    [ -n "$ERRORS" ] || return 0
    curl --silent --show-error --fail --get --header "Authorization: Bearer $(gcloud auth print-access-token)" \
        --data-urlencode "query=$ERRORS > $MOST_ERRORS" \
        "https://monitoring.googleapis.com/v1/projects/$PROJECT/location/global/prometheus/api/v1/query" |
        jq -r '.data.result[] | "errors \(.value[1])"'
}

# The secrets of the environment, each with the day of its newest version.
secrets() {
    local secret
    gcloud secrets list --project "$PROJECT" --format 'value(name)' | while read -r secret; do
        echo "$secret $(gcloud secrets versions list "$secret" --project "$PROJECT" --limit 1 --format 'value(createTime)')"
    done
}

# Turns to the cluster of an overlay: "production", "production-2". It answers under its name, where IAM asks who calls;
# the token is good for an hour.
cluster_of() {
    local region="${REGIONS%% *}" cluster="$PREFIX-cluster" name
    case "$1" in
    *-2)
        region="${REGIONS##* }"
        cluster="$cluster-2"
        ;;
    esac
    name="$(gcloud container clusters describe "$cluster" --project "$PROJECT" --region "$region" \
        --format 'value(controlPlaneEndpointsConfig.dnsEndpointConfig.endpoint)')"
    kubectl config set-cluster "$1" --server "https://$name" >/dev/null
    kubectl config set-credentials pipeline --token "$(gcloud auth print-access-token)" >/dev/null
    kubectl config set-context "$1" --cluster "$1" --user pipeline >/dev/null
    kubectl config use-context "$1" >/dev/null
}

kube() { kubectl "$@"; }

kube_apply() { kubectl apply --server-side --force-conflicts --filename "$1"; }
