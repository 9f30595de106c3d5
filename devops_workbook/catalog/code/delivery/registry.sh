#!/usr/bin/env bash
# Prints the registry's password for an identity of the pipeline: delivery/registry.sh IDENTITY
set -euo pipefail
cd "$(dirname "$0")/.."
. delivery/settings.env
. delivery/cloud.sh
if [ -n "${REGISTRY_TOKEN:-}" ]; then
    printf '%s' "$REGISTRY_TOKEN"
else
    sign_in "${1:?usage: delivery/registry.sh IDENTITY}" >&2
    registry_password
fi
