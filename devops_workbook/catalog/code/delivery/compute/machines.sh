#!/usr/bin/env bash
# How machines are released to: the code that makes them is applied with the tag of the image, and they are replaced in
# batches. A tag means one image for ever, so that what was tested is what runs.
set -euo pipefail

# An image as machines know it: by its tag.
named() { echo "${1%@*}"; }

running() {
    sign_in "$IDENTITY" apply
    terraform -chdir="infrastructure/environments/$ENVIRONMENT" init -input=false >/dev/null
    terraform -chdir="infrastructure/environments/$ENVIRONMENT" output -raw compute_image 2>/dev/null || true
}

release() {
    IMAGE_TAG="${1##*:}" delivery/infrastructure.sh apply "$ENVIRONMENT"
}
