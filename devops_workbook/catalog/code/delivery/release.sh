#!/usr/bin/env bash
# Releases an image to an environment and watches it: delivery/release.sh ENVIRONMENT REFERENCE
# What ran before comes back by itself when the release fails or burns the error budget. Releasing what runs already
# changes nothing. Run it with the tools: delivery/toolbox.sh delivery/release.sh production REGISTRY/NAME@sha256:...
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."
usage="usage: delivery/release.sh ENVIRONMENT REFERENCE"
ENVIRONMENT="${1:?$usage}"
image="${2:?$usage}"
case "$image" in
*@sha256:*) ;;
*)
    echo "$image is not named by digest; what was tested could be another." >&2
    exit 2
    ;;
esac
. delivery/settings.env
# shellcheck disable=SC1090
. "delivery/$ENVIRONMENT.env"
. delivery/cloud.sh
. delivery/compute.sh

# Credentials live an hour: every region begins with new ones, and so does the way back.
again() { sign_in "$IDENTITY"; }

again
# What was not built and signed by this pipeline does not run.
if [ -n "$SIGNED" ]; then
    # shellcheck disable=SC2086
    cosign verify $SIGSTORE --certificate-oidc-issuer "$SIGNER_ISSUER" --certificate-identity-regexp "$SIGNER_IDENTITY" \
        "$image" >/dev/null
fi
image="$(named "$image")"
before="$(running)"
if [ "$before" = "$image" ]; then
    echo "$image runs in $ENVIRONMENT already."
    exit 0
fi

back() {
    echo "The release failed: ${before:-nothing} comes back." >&2
    if [ -n "$before" ]; then WATCHED="" release "$before"; fi
    exit 1
}

# Answers from outside, and no alarm, for as long as the plan watches a release.
watched() {
    local end=$((SECONDS + WATCH_SECONDS)) told failed=0
    while [ "$SECONDS" -lt "$end" ]; do
        if [ -n "$PROBE" ] && ! curl --silent --show-error --fail --output /dev/null --max-time 10 "$PROBE"; then
            failed=$((failed + 1))
        else
            failed=0
        fi
        # Two in a row, so that one lost packet calls nothing back.
        if [ "$failed" -ge 2 ]; then
            echo "$PROBE does not answer." >&2
            return 1
        fi
        told="$(firing)"
        if [ -n "$told" ]; then
            echo "Alarms: $told" >&2
            return 1
        fi
        sleep 30
    done
}

echo "$ENVIRONMENT: ${before:-nothing} is replaced by $image"
# Not as a condition, within which the shell would go on after an error.
set +e
(
    set -e
    release "$image"
)
failed=$?
if [ "$failed" -eq 0 ]; then
    (
        set -e
        watched
    )
    failed=$?
fi
set -e
[ "$failed" -eq 0 ] || back
echo "$ENVIRONMENT runs $image."
