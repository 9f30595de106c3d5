#!/usr/bin/env bash
# How Lambda is released to: a version with the image, and CodeDeploy moves the alias to it and back on an alarm.
set -euo pipefail

# An image by its digest alone, without the tag.
named() { echo "${1%:*@*}@${1#*@}"; }

function="$PREFIX-service"

version_here() {
    aws lambda get-alias --region "$1" --function-name "$function" --name live --query FunctionVersion --output text
}

running() {
    local region="${REGIONS%% *}"
    aws lambda get-function --region "$region" --function-name "$function" --qualifier "$(version_here "$region")" \
        --query Code.ImageUri --output text
}

# A region after the other, so that a fault meets one.
release() {
    local region before after content deployment
    for region in $REGIONS; do
        again
        before="$(version_here "$region")"
        after="$(aws lambda update-function-code --region "$region" --function-name "$function" --publish \
            --image-uri "$1" --query Version --output text)"
        aws lambda wait function-updated-v2 --region "$region" --function-name "$function" --qualifier "$after"
        if [ "$before" = "$after" ]; then continue; fi
        content="$(jq -cn --arg name "$function" --arg before "$before" --arg after "$after" '{version: 0.0, Resources:
            [{service: {Type: "AWS::Lambda::Function", Properties: {Name: $name, Alias: "live",
                CurrentVersion: $before, TargetVersion: $after}}}]}')"
        deployment="$(aws deploy create-deployment --region "$region" --application-name "$function" \
            --deployment-group-name service --revision "$(jq -cn --arg content "$content" \
                '{revisionType: "AppSpecContent", appSpecContent: {content: $content}}')" \
            --query deploymentId --output text)"
        aws deploy wait deployment-successful --region "$region" --deployment-id "$deployment"
    done
}
