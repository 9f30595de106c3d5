#!/usr/bin/env bash
# Stores what an image is made of beside it, under the identity of the pipeline: delivery/sign.sh REFERENCE
# Run it with the tools: delivery/toolbox.sh delivery/sign.sh REGISTRY/NAME@sha256:...
set -euo pipefail
cd "$(dirname "$0")/.."
. delivery/settings.env
image="${1:?usage: delivery/sign.sh REFERENCE}"
mkdir -p reports

delivery/registry.sh build | cosign login --username "$REGISTRY_USER" --password-stdin "${REGISTRY%%/*}"
syft scan "registry:$image" --output cyclonedx-json=reports/bill-of-materials.json
# shellcheck disable=SC2086
cosign attest --yes $SIGSTORE --type cyclonedx --predicate reports/bill-of-materials.json "$image"
if [ -n "$SIGNED" ]; then
    # shellcheck disable=SC2086
    cosign sign --yes $SIGSTORE "$image"
fi
