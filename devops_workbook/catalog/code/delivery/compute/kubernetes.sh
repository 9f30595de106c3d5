#!/usr/bin/env bash
# How the clusters of an environment are released to: the overlay of each names the image, and the rollout is waited for.
set -euo pipefail

# An image by its digest alone, without the tag.
named() { echo "${1%:*@*}@${1#*@}"; }

# What runs in the first cluster; nothing where nothing was released yet.
running() {
    cluster_of "${OVERLAYS%% *}"
    kube get --namespace service --ignore-not-found "$WORKLOAD" service \
        --output 'jsonpath={.spec.template.spec.containers[0].image}'
}

# How far the rollout is: "done", "failed", or anything else while it goes on. What is said of an older state counts
# as nothing.
progress() {
    local told
    if [ "$WORKLOAD" = deployment ]; then
        told="$(kube get --namespace service deployment service --output \
            'jsonpath={.metadata.generation} {.status.observedGeneration} {.status.conditions[?(@.type=="Progressing")].reason}')"
        case "$told" in
        *ProgressDeadlineExceeded) echo failed ;;
        *NewReplicaSetAvailable) if [ "${told%% *}" = "$(cut -d ' ' -f 2 <<<"$told")" ]; then echo "done"; fi ;;
        esac
        return
    fi
    told="$(kube get --namespace service "$WORKLOAD" service --output \
        'jsonpath={.metadata.generation} {.status.observedGeneration} {.status.phase}')"
    case "$told" in
    *Degraded) echo failed ;;
    *Healthy) if [ "${told%% *}" = "$(cut -d ' ' -f 2 <<<"$told")" ]; then echo "done"; fi ;;
    esac
}

# Until all replicas are new, or the analysis of the rollout has called it back.
settled() {
    local end=$((SECONDS + ROLLOUT_SECONDS)) told
    while true; do
        told="$(progress)"
        case "$told" in
        "done") return 0 ;;
        failed)
            echo "The rollout was called back." >&2
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
        cluster_of "$overlay"
        sed -i "s|^IMAGE=.*|IMAGE=$1|" "kubernetes/overlays/$overlay/cluster.env"
        kubectl kustomize "kubernetes/overlays/$overlay" >/tmp/manifests.yaml
        kube_apply /tmp/manifests.yaml
        settled
    done
}
