#!/bin/sh
# Runs a command with the tools of delivery/Dockerfile, on a laptop as in the pipeline: delivery/toolbox.sh COMMAND...
# Needs Docker alone.
set -eu
cd "$(dirname "$0")/.."
. delivery/settings.env

# GitHub vouches for a run when it is asked to. GitLab and Jenkins have put the tokens there.
vouched() {
    curl --silent --show-error --fail --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
        "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$1" | sed 's/.*"value":"\([^"]*\)".*/\1/'
}
if [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ]; then
    OIDC_TOKEN=$(vouched "$OIDC_AUDIENCE")
    SIGSTORE_ID_TOKEN=$(vouched sigstore)
    export OIDC_TOKEN SIGSTORE_ID_TOKEN
fi

toolbox=$(docker build --quiet delivery)
exec docker run --rm --volume "$PWD:/work" --workdir /work --user "$(id -u):$(id -g)" --env HOME=/tmp \
    --env OIDC_TOKEN --env SIGSTORE_ID_TOKEN --env REGISTRY_TOKEN "$toolbox" "$@"
