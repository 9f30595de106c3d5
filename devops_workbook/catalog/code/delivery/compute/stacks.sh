#!/usr/bin/env bash
# How the stacks of an environment are released to: the tag of the image is a parameter of each site's stack, so that the
# stack always says what runs, and CloudFormation goes back by itself when what is new does not become healthy. A tag
# means one image for ever, so that the digest that was tested is the one that runs.
set -euo pipefail

repository="${REGISTRY#*/}"

running() {
    local tag digest
    sign_in "$IDENTITY" apply
    tag="$(aws cloudformation describe-stacks --region "${REGIONS%% *}" --stack-name "$PREFIX-site" --output text \
        --query "Stacks[0].Parameters[?ParameterKey=='ImageTag'].ParameterValue | [0]" 2>/dev/null || true)"
    [ -n "$tag" ] && [ "$tag" != None ] || return 0
    digest="$(aws ecr describe-images --region "$REGISTRY_REGION" --registry-id "$DELIVERY_ACCOUNT" \
        --repository-name "$repository" --image-ids "imageTag=$tag" --query 'imageDetails[0].imageDigest' --output text \
        2>/dev/null || true)"
    [ -z "$digest" ] || echo "$REGISTRY@$digest"
}

# A site after the other, so that a fault meets one.
release() {
    local tag site
    tag="$(aws ecr describe-images --region "$REGISTRY_REGION" --registry-id "$DELIVERY_ACCOUNT" \
        --repository-name "$repository" --image-ids "imageDigest=${1#*@}" --query 'imageDetails[0].imageTags[0]' \
        --output text)"
    for site in $SITES; do
        infrastructure/deploy.sh "$ENVIRONMENT" "$site" "ImageTag=$tag"
    done
}
