#!/usr/bin/env bash
# Prints the token by which the cloud knows this run; nothing where whoever is signed in already works on.
# GitHub signs a new one whenever it is asked, good for minutes. GitLab and Jenkins have put theirs into OIDC_TOKEN.
set -euo pipefail
cd "$(dirname "$0")/.."
. delivery/settings.env
if [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ]; then
    curl --silent --show-error --fail --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
        "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$OIDC_AUDIENCE" | jq -r .value
else
    printf '%s' "${OIDC_TOKEN:-}"
fi
