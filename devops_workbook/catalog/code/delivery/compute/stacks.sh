#!/usr/bin/env bash
# How the stacks of an environment are released to: the tag of the image is a parameter of each site's stack, so that the
# stack always says what runs, and CloudFormation goes back by itself when what is new does not become healthy. A tag
# means one image for ever, so that what was tested is what runs.
set -euo pipefail

# An image as stacks know it: by its tag.
named() { echo "${1%@*}"; }

running() {
    local tag
    tag="$(aws cloudformation describe-stacks --region "${REGIONS%% *}" --stack-name "$PREFIX-site" --output text \
        --query "Stacks[0].Parameters[?ParameterKey=='ImageTag'].ParameterValue | [0]" 2>/dev/null || true)"
    case "$tag" in
    "" | None) ;;
    *) echo "$REGISTRY:$tag" ;;
    esac
}

# A site after the other, so that a fault meets one.
release() {
    local site
    for site in $SITES; do
        again
        ROLE_ARN="arn:aws:iam::$ACCOUNT:role/$PREFIX-cloudformation" infrastructure/deploy.sh "$ENVIRONMENT" "$site" "ImageTag=${1##*:}"
    done
}
