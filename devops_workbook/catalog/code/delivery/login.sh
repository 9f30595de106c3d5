#!/bin/sh
# Signs Docker in to the registry as the pipeline: delivery/login.sh build
# The password lives for an hour at most and is written nowhere but to Docker.
set -eu
cd "$(dirname "$0")/.."
. delivery/settings.env
delivery/toolbox.sh delivery/registry.sh "${1:?Name an identity, such as build}" |
    docker login --username "$REGISTRY_USER" --password-stdin "${REGISTRY%%/*}"
