#!/usr/bin/env bash
# How the clusters of an environment are released to: the overlay of each names the image, and the rollout is waited for.
set -euo pipefail

# An image by its digest alone, without the tag.
named() { echo "${1%:*@*}@${1#*@}"; }

# What runs in the first cluster; nothing where nothing was released yet.
running() {
    cluster_credentials "${OVERLAYS%% *}"
    kubectl get --namespace service --ignore-not-found "$WORKLOAD" service \
        --output 'jsonpath={.spec.template.spec.containers[0].image}'
}

# Until all replicas are new, or the analysis of the rollout has called it back.
settled() {
    if [ "$WORKLOAD" = deployment ]; then
        kubectl rollout status --namespace service deployment/service --timeout "${ROLLOUT_SECONDS}s"
        return
    fi
    local phase end=$((SECONDS + ROLLOUT_SECONDS))
    while phase="$(kubectl get --namespace service "$WORKLOAD" service --output 'jsonpath={.status.phase}')"; do
        case "$phase" in
        Healthy) return 0 ;;
        Degraded)
            kubectl get --namespace service "$WORKLOAD" service --output 'jsonpath={.status.message}' >&2
            return 1
            ;;
        esac
        if [ "$SECONDS" -ge "$end" ]; then
            echo "The rollout did not end within $ROLLOUT_SECONDS seconds." >&2
            return 1
        fi
        sleep 10
    done
}

# A cluster after the other, so that a fault meets one region.
release() {
    local overlay
    for overlay in $OVERLAYS; do
        again
        cluster_credentials "$overlay"
        sed -i "s|^IMAGE=.*|IMAGE=$1|" "kubernetes/overlays/$overlay/cluster.env"
        kubectl apply --server-side --force-conflicts --kustomize "kubernetes/overlays/$overlay"
        settled
    done
}
