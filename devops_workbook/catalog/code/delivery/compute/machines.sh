#!/usr/bin/env bash
# How machines are released to: the code that makes them is applied with the tag of the image, and they are replaced in
# batches. A tag means one image for ever, so that the digest that was tested is the one that runs.
set -euo pipefail

registry_login() {
    delivery/registry.sh "$IDENTITY" | crane auth login "${REGISTRY%%/*}" --username "$REGISTRY_USER" --password-stdin >&2
}

tag_of() {
    registry_login
    local tag
    for tag in $(crane ls "$REGISTRY" | tac); do
        if [ "$REGISTRY@$(crane digest "$REGISTRY:$tag")" = "$1" ]; then
            echo "$tag"
            return
        fi
    done
    echo "No tag of $REGISTRY stands for $1." >&2
    return 1
}

running() {
    local image
    sign_in "$IDENTITY" apply
    terraform -chdir="infrastructure/environments/$ENVIRONMENT" init -input=false >/dev/null
    image="$(terraform -chdir="infrastructure/environments/$ENVIRONMENT" output -raw compute_image 2>/dev/null || true)"
    registry_login
    [ -z "$image" ] || echo "$REGISTRY@$(crane digest "$image")"
}

release() {
    IMAGE_TAG="$(tag_of "$1")" delivery/infrastructure.sh apply "$ENVIRONMENT"
}
