#!/bin/sh
# Runs a command with the tools of delivery/Dockerfile, on a laptop as in the pipeline: delivery/toolbox.sh COMMAND...
# Needs Docker alone.
set -eu
cd "$(dirname "$0")/.."

toolbox=$(docker build --quiet delivery)
exec docker run --rm --volume "$PWD:/work" --workdir /work --user "$(id -u):$(id -g)" --env HOME=/tmp \
    --env ACTIONS_ID_TOKEN_REQUEST_URL --env ACTIONS_ID_TOKEN_REQUEST_TOKEN --env OIDC_TOKEN --env SIGSTORE_ID_TOKEN \
    --env REGISTRY_TOKEN "$toolbox" "$@"
